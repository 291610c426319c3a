/* SPDX-License-Identifier: MIT */
/*
 * The debugger's break- and watchpoints and single steps on AArch64.
 * Reference: the API, "KVM_SET_GUEST_DEBUG", "KVM_EXIT_DEBUG"; Arm ARM
 * (DDI 0487) D2 "AArch64 Self-hosted Debug", DBGBCR<n>_EL1, DBGWCR<n>_EL1.
 *
 * They take the CPU's debug registers, as many as it has; the guest's own do
 * nothing meanwhile.
 */
#include "accel/kvm/arm64.h"

/* Both EL1 and EL0, on. */
enum { CR_ON = 1 | 3 << 1, CR_LSC = 3, CR_BAS = 5, CR_MASK = 24 };

static bool is_code(const Break *b)
{
    return b->kind == BREAK_SW || b->kind == BREAK_HW;
}

static u64 load_or_store(const Break *b)
{
    return b->kind == WATCH_R ? 1 : b->kind == WATCH_W ? 2 : 3;
}

/* Bytes of a doubleword by BAS, or a power of two above it by MASK. */
static bool watch_fits(const Break *b)
{
    return b->len && (b->addr % 8 + b->len <= 8
        || (is_pow2(b->len) && b->addr % b->len == 0 && b->len <= 1u << 31));
}

static u64 watch_control(const Break *b)
{
    u64 which = b->len <= 8 ? MASK(b->len) << b->addr % 8 << CR_BAS
        : 0xffull << CR_BAS | (u64)__builtin_ctzll(b->len) << CR_MASK;

    return CR_ON | load_or_store(b) << CR_LSC | which;
}

bool kvm_debug_fits(Cpu *c)
{
    const Kvm *k = kvm_of(c->machine);
    const GArray *all = c->debug->breaks;
    int code = 0, data = 0;

    for (u32 i = 0; i < all->len; i++) {
        const Break *b = &g_array_index(all, Break, i);
        if (!is_code(b) && !watch_fits(b)) {
            return false;
        }
        code += is_code(b);
        data += !is_code(b);
    }
    return code <= kvm_has(k, KVM_CAP_GUEST_DEBUG_HW_BPS)
        && data <= kvm_has(k, KVM_CAP_GUEST_DEBUG_HW_WPS);
}

static void add(struct kvm_guest_debug_arch *to, const Break *b, u32 *code,
                u32 *data)
{
    if (is_code(b) && *code < KVM_ARM_MAX_DBG_REGS) {
        to->dbg_bvr[*code] = b->addr & ~3ull;
        to->dbg_bcr[(*code)++] = CR_ON | 0xf << CR_BAS;
    } else if (!is_code(b) && *data < KVM_ARM_MAX_DBG_REGS) {
        to->dbg_wvr[*data] = b->addr & ~7ull;
        to->dbg_wcr[(*data)++] = watch_control(b);
    }
}

void kvm_set_debug(Cpu *c)
{
    KvmCpu *k = c->accel;
    const CpuDebug *d = c->debug;
    struct kvm_guest_debug g = { 0 };
    u32 code = 0, data = 0;

    if (d && d->single_step) {
        g.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
    }
    for (u32 i = 0; d && i < d->breaks->len; i++) {
        g.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW;
        add(&g.arch, &g_array_index(d->breaks, Break, i), &code, &data);
    }
    if (g.control || k->arch->debugged) {
        k->arch->debugged = g.control != 0;
        KVM_DO(k, KVM_SET_GUEST_DEBUG, &g);
    }
}

/* The one at `address`: of code it is there, of data it is hit near there. */
static bool hit(CpuDebug *d, bool code, u64 address)
{
    for (u32 i = 0; i < d->breaks->len; i++) {
        const Break *b = &g_array_index(d->breaks, Break, i);
        u64 from = code ? b->addr : b->addr & ~7ull;
        u64 to = code ? b->addr + 4 : align_up(b->addr + b->len, 8);
        if (is_code(b) == code && address < to && address + 16 > from
            && (!code || address == from)) {
            d->hit = *b;
            d->hit_addr = code ? address : MAX(address, b->addr);
            return true;
        }
    }
    return false;
}

bool kvm_debug_exit(KvmCpu *k)
{
    const struct kvm_debug_exit_arch *e = &k->run->debug.arch;
    CpuDebug *d = k->cpu->debug;
    u32 class = e->hsr >> 26;

    kvm_fetch(k->cpu);
    if (!d || (class == EC_BREAKPOINT_LOWER && !hit(d, true, k->cpu->tcg.pc))
        || (class == EC_WATCHPOINT_LOWER && !hit(d, false, e->far))) {
        return true;            /* one that was taken away meanwhile */
    }
    d->single_step = false;
    machine_debug_stop(k->cpu);
    return false;
}
