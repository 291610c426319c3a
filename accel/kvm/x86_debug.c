/* SPDX-License-Identifier: MIT */
/*
 * The debugger's break- and watchpoints and single steps.
 * Reference: the API, "KVM_SET_GUEST_DEBUG", "KVM_EXIT_DEBUG"; SDM volume 3,
 * 18.2 "Debug Registers".
 *
 * They take the CPU's debug registers: four at a time, and the guest's own do
 * nothing meanwhile.
 */
#include "accel/kvm/x86.h"

enum { REGISTERS = 4, EXECUTE = 0, WRITE = 1, ACCESS = 3 };
enum { DB = 1 };

/* Bits 3:0 of a breakpoint's part of DR7: what, and the length. */
static u32 control(const Break *b)
{
    static const u8 lengths[9] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };

    switch (b->kind) {
    case BREAK_SW: case BREAK_HW:
        return EXECUTE;
    case WATCH_W:
        return WRITE | (u32)lengths[b->len] << 2;
    default:
        return ACCESS | (u32)lengths[b->len] << 2;
    }
}

bool kvm_debug_fits(Cpu *c)
{
    const GArray *all = c->debug->breaks;

    for (u32 i = 0; i < all->len; i++) {
        const Break *b = &g_array_index(all, Break, i);
        bool code = b->kind == BREAK_SW || b->kind == BREAK_HW;
        if (!code && (b->len > 8 || !is_pow2(b->len) || b->addr % b->len)) {
            return false;
        }
    }
    return all->len <= REGISTERS;
}

void kvm_set_debug(Cpu *c)
{
    KvmCpu *k = c->accel;
    const CpuDebug *d = c->debug;
    struct kvm_guest_debug g = { 0 };

    if (d && d->single_step) {
        g.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP
            | (kvm_has(k->kvm, KVM_CAP_SET_GUEST_DEBUG2)
               & KVM_GUESTDBG_BLOCKIRQ);
    }
    for (u32 i = 0; d && i < MIN(d->breaks->len, REGISTERS); i++) {
        const Break *b = &g_array_index(d->breaks, Break, i);
        g.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
        g.arch.debugreg[i] = b->addr;
        g.arch.debugreg[7] |= 2ull << (2 * i)
            | (u64)control(b) << (16 + 4 * i);
    }
    if (g.control || k->arch->debugged) {
        k->arch->debugged = g.control != 0;
        KVM_DO(k, KVM_SET_GUEST_DEBUG, &g);
    }
}

/* The break- or watchpoint that DR6 names. */
static bool hit(CpuDebug *d, u64 dr6)
{
    for (u32 i = 0; i < MIN(d->breaks->len, REGISTERS); i++) {
        if (dr6 >> i & 1) {
            d->hit = g_array_index(d->breaks, Break, i);
            d->hit_addr = d->hit.addr;
            return true;
        }
    }
    return false;
}

/* An exception that the debugger did not ask for is the guest's. */
static void give_back(KvmCpu *k, u32 vector)
{
    struct kvm_guest_debug g = {
        .control = KVM_GUESTDBG_ENABLE
            | (vector == DB ? KVM_GUESTDBG_INJECT_DB : KVM_GUESTDBG_INJECT_BP),
    };

    KVM_DO(k, KVM_SET_GUEST_DEBUG, &g);
    kvm_set_debug(k->cpu);
}

bool kvm_debug_exit(KvmCpu *k)
{
    const struct kvm_debug_exit_arch *e = &k->run->debug.arch;
    CpuDebug *d = k->cpu->debug;
    bool stepped = d && d->single_step && e->dr6 & DR6_BS;

    if (!d || e->exception != DB || !(hit(d, e->dr6) || stepped)) {
        give_back(k, e->exception);
        return true;
    }
    d->single_step = false;
    machine_debug_stop(k->cpu);
    return false;
}
