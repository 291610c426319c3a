/* SPDX-License-Identifier: MIT */
/*
 * An x86 CPU's registers between kernel and X86Cpu.
 * Reference: the API, KVM_GET_REGS, KVM_GET_SREGS2, KVM_GET_XSAVE,
 * KVM_GET_XCRS, KVM_GET_MSRS, KVM_GET_VCPU_EVENTS, KVM_GET_DEBUGREGS,
 * KVM_GET_CLOCK.
 *
 * Exceptions that were about to be delivered are left out: their instruction
 * runs again.  An interrupt that a controller gave already is X86Cpu.acked.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include "accel/kvm/x86.h"
#include "util/log.h"

/* ---- general registers -------------------------------------------------- */

/* In the order of X86Cpu.r. */
static const u16 general[16] = {
#define AT(name) offsetof(struct kvm_regs, name)
    AT(rax), AT(rcx), AT(rdx), AT(rbx), AT(rsp), AT(rbp), AT(rsi), AT(rdi),
    AT(r8), AT(r9), AT(r10), AT(r11), AT(r12), AT(r13), AT(r14), AT(r15),
#undef AT
};

static void put_general(KvmCpu *k, const X86Cpu *c)
{
    struct kvm_regs r = { .rip = x86_ip(c), .rflags = x86_eflags(c) };

    for (u32 i = 0; i < countof(general); i++) {
        memcpy((u8 *)&r + general[i], &c->r[i], 8);
    }
    KVM_DO(k, KVM_SET_REGS, &r);
}

/* The IP is set when CS is known. */
static u64 get_general(KvmCpu *k, X86Cpu *c)
{
    struct kvm_regs r = { 0 };

    KVM_DO(k, KVM_GET_REGS, &r);
    for (u32 i = 0; i < countof(general); i++) {
        memcpy(&c->r[i], (u8 *)&r + general[i], 8);
    }
    x86_put_eflags(c, r.rflags);
    return r.rip;
}

/* ---- segments, control registers ---------------------------------------- */

static struct kvm_segment segment(const X86Seg *s, u64 base)
{
    u32 a = s->attr;

    return (struct kvm_segment) {
        .base = base, .limit = s->limit, .selector = s->selector,
        .type = a & SEG_TYPE, .s = !!(a & SEG_S), .dpl = a >> 5 & 3,
        .present = !!(a & SEG_P), .avl = a >> 12 & 1, .l = !!(a & SEG_L),
        .db = !!(a & SEG_B), .g = !!(a & SEG_G), .unusable = !(a & SEG_P),
    };
}

static X86Seg from_segment(const struct kvm_segment *s)
{
    u32 attr = s->type | (u32)s->s << 4 | (u32)s->dpl << 5
        | (u32)s->present << 7 | (u32)s->avl << 12 | (u32)s->l << 13
        | (u32)s->db << 14 | (u32)s->g << 15;

    return (X86Seg) { s->selector, s->limit, s->unusable ? 0 : attr };
}

/* In the order of X86Cpu.seg. */
static const u16 segments[SEGS] = {
#define AT(name) offsetof(struct kvm_sregs, name)
    [ES] = AT(es), [CS] = AT(cs), [SS] = AT(ss), [DS] = AT(ds), [FS] = AT(fs),
    [GS] = AT(gs),
#undef AT
};

static u64 apic_base(Cpu *c)
{
    u64 v = 0;

    if (c->intc && c->intc->sysreg_read) {
        machine_lock();
        c->intc->sysreg_read(c->intc_state, MSR_APIC_BASE, &v);
        machine_unlock();
    }
    return v;
}

/* SS's DPL is what the kernel takes for the CPL. */
static void put_system(KvmCpu *k, X86Cpu *c)
{
    struct kvm_sregs s = {
        .cr0 = c->cr0, .cr2 = c->cr2, .cr3 = c->cr3, .cr4 = c->cr4,
        .efer = c->efer, .ldt = segment(&c->ldtr, c->ldtr_base),
        .tr = segment(&c->tr, c->tr_base),
        .gdt = { .base = c->gdtr.base, .limit = (u16)c->gdtr.limit },
        .idt = { .base = c->idtr.base, .limit = (u16)c->idtr.limit },
    };

    for (u32 i = 0; i < SEGS; i++) {
        *(struct kvm_segment *)((u8 *)&s + segments[i])
            = segment(&c->seg[i], c->base[i]);
    }
    s.ss.dpl = c->cpl;
    s.apic_base = k->kvm->irqchip != IRQCHIP_OFF ? k->arch->apic_base
                                                : apic_base(k->cpu);
    s.cr8 = k->arch->cr8;
    KVM_DO(k, KVM_SET_SREGS, &s);
}

static void get_system(KvmCpu *k, X86Cpu *c)
{
    struct kvm_sregs s = { 0 };

    KVM_DO(k, KVM_GET_SREGS, &s);
    c->cr0 = s.cr0;
    c->cr2 = s.cr2;
    c->cr3 = s.cr3;
    c->cr4 = s.cr4;
    c->efer = s.efer;
    c->cpl = s.ss.dpl;
    k->arch->cr8 = s.cr8;
    k->arch->apic_base = s.apic_base;
    for (u32 i = 0; i < SEGS; i++) {
        const struct kvm_segment *from = (const void *)((u8 *)&s + segments[i]);
        X86Seg seg = from_segment(from);
        x86_set_seg(c, i, seg.selector, from->base, seg.limit, seg.attr);
    }
    c->ldtr = from_segment(&s.ldt);
    c->ldtr_base = s.ldt.base;
    c->tr = from_segment(&s.tr);
    c->tr_base = s.tr.base;
    c->gdtr = (X86Table) { s.gdt.base, s.gdt.limit };
    c->idtr = (X86Table) { s.idt.base, s.idt.limit };
}

/* ---- floating point and vectors ----------------------------------------- */

static void put_vectors(KvmCpu *k, const X86Cpu *c)
{
    struct kvm_xsave x = { 0 };
    struct kvm_xcrs r = { .nr_xcrs = 1, .xcrs = { { .value = c->xcr0 } } };

    x86_pack_xsave(c, (u8 *)x.region);
    KVM_DO(k, KVM_SET_XSAVE, &x);
    if (x86_has(c, F_XSAVE)) {
        KVM_DO(k, KVM_SET_XCRS, &r);
    }
}

static void get_vectors(KvmCpu *k, X86Cpu *c)
{
    struct kvm_xsave x = { 0 };
    struct kvm_xcrs r = { 0 };

    KVM_DO(k, KVM_GET_XSAVE, &x);
    x86_unpack_xsave(c, (const u8 *)x.region);
    if (x86_has(c, F_XSAVE) && KVM_DO(k, KVM_GET_XCRS, &r)) {
        c->xcr0 = r.nr_xcrs ? r.xcrs[0].value : 1;
    }
}

/* ---- MSRs --------------------------------------------------------------- */

/* Values that the translator shows and no guest changes. */
static void put_fixed_msrs(KvmCpu *k, X86Cpu *c)
{
    KvmMsrs m = { .head.nmsrs = 1, .at[0].index = MSR_UCODE_REV };
    u64 v = 0;

    x86_rdmsr(c, MSR_UCODE_REV, &v);
    m.at[0].data = v;
    if (ioctl(k->fd, KVM_SET_MSRS, &m) != 1) {
        log_line(LOG_UNIMP, "KVM keeps MSR %#x", m.at[0].index);
    }
}

/* Asks once which of the translator's MSRs the kernel knows. */
static void list_msrs(KvmCpu *k, X86Cpu *c)
{
    KvmArch *a = k->kvm->arch;
    u32 number;

    for (u32 n = 0; x86_nth_msr(c, n, &number); n++) {
        KvmMsrs m = { .head.nmsrs = 1, .at[0].index = number };
        if (a->msrs < KVM_MSRS - 1 && ioctl(k->fd, KVM_GET_MSRS, &m) == 1) {
            a->msr[a->msrs++] = n;
        }
    }
    a->msrs_known = true;
}

/* The list of KVM_GET_MSRS and KVM_SET_MSRS with the values of c. */
static void fill_msrs(KvmCpu *k, X86Cpu *c, KvmMsrs *m)
{
    const KvmArch *a = k->kvm->arch;

    m->head.nmsrs = a->msrs;
    for (u32 i = 0; i < a->msrs; i++) {
        u64 *place = x86_nth_msr(c, a->msr[i], &m->at[i].index);
        m->at[i].data = *place;
    }
}

static void put_msrs(KvmCpu *k, X86Cpu *c)
{
    KvmMsrs m = { 0 };
    int done;

    if (!k->kvm->arch->msrs_known) {
        list_msrs(k, c);
    }
    fill_msrs(k, c, &m);
    if (!k->arch->tsc_set) {
        put_fixed_msrs(k, c);
    }
    if (!k->arch->tsc_set || c->tsc_offset != k->arch->tsc_offset) {
        m.at[m.head.nmsrs++] = (struct kvm_msr_entry) {
            .index = MSR_TSC, .data = x86_tsc(c),
        };
        k->arch->tsc_set = true;
    }
    done = ioctl(k->fd, KVM_SET_MSRS, &m);
    if (done >= 0 && (u32)done < m.head.nmsrs) {
        log_line(LOG_UNIMP, "CPU %d: KVM refuses %#llx for MSR %#x",
                 k->cpu->index, (unsigned long long)m.at[done].data,
                 m.at[done].index);
    }
}

static void get_msrs(KvmCpu *k, X86Cpu *c)
{
    const KvmArch *a = k->kvm->arch;
    KvmMsrs m = { 0 };
    u32 number;

    fill_msrs(k, c, &m);
    m.at[m.head.nmsrs++].index = MSR_TSC;
    KVM_DO(k, KVM_GET_MSRS, &m);
    for (u32 i = 0; i < a->msrs; i++) {
        *x86_nth_msr(c, a->msr[i], &number) = m.at[i].data;
    }
    c->tsc_offset += m.at[a->msrs].data - x86_tsc(c);
    k->arch->tsc_offset = c->tsc_offset;
}

/* ---- events, debug registers -------------------------------------------- */

enum { SHADOWS = KVM_X86_SHADOW_INT_MOV_SS | KVM_X86_SHADOW_INT_STI };

static void put_events(KvmCpu *k, X86Cpu *c)
{
    struct kvm_vcpu_events e = {
        .interrupt = { .injected = !!(c->acked & X86_ACKED),
                       .nr = (u8)c->acked, .shadow = c->shadow ? SHADOWS : 0 },
        .nmi.masked = c->nmi_blocked,
        .flags = KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_NMI_PENDING,
    };

    if (k->kvm->smm) {
        e.flags |= KVM_VCPUEVENT_VALID_SMM;
        e.smi.smm = c->smm;
    }
    c->acked = 0;
    KVM_DO(k, KVM_SET_VCPU_EVENTS, &e);
    k->run->ready_for_interrupt_injection = false;
}

static void note_edge(X86Cpu *c, unsigned n)
{
    __atomic_fetch_or(&c->edges, 1u << n, __ATOMIC_SEQ_CST);
}

static void get_events(KvmCpu *k, X86Cpu *c)
{
    struct kvm_vcpu_events e = { 0 };

    KVM_DO(k, KVM_GET_VCPU_EVENTS, &e);
    c->acked = e.interrupt.injected && !e.interrupt.soft
        ? X86_ACKED | e.interrupt.nr : 0;
    c->shadow = e.interrupt.shadow != 0;
    c->nmi_blocked = e.nmi.masked && !e.nmi.injected;
    if (e.nmi.injected || e.nmi.pending) {
        note_edge(c, X86_LINE_NMI);
    }
    c->debug_due = 0;
    if (e.flags & KVM_VCPUEVENT_VALID_SMM) {
        if (e.smi.pending) {
            note_edge(c, X86_LINE_SMI);
        }
        if (c->smm != !!e.smi.smm) {
            x86_set_smm(c, e.smi.smm);
        }
    }
}

/* With the kernel's local APICs: off is before INIT and start-up IPI. */
static void put_mp_state(KvmCpu *k)
{
    Cpu *c = k->cpu;
    u32 was = k->arch->mp_state;
    bool waits = was == KVM_MP_STATE_UNINITIALIZED
        || was == KVM_MP_STATE_INIT_RECEIVED
        || was == KVM_MP_STATE_SIPI_RECEIVED;
    struct kvm_mp_state s = {
        c->stop == CPU_OFF ? (waits ? was : KVM_MP_STATE_UNINITIALIZED)
        : c->halted ? KVM_MP_STATE_HALTED : KVM_MP_STATE_RUNNABLE
    };

    if (k->kvm->irqchip != IRQCHIP_OFF) {
        c->halted = false;              /* the kernel knows it now */
        if (s.mp_state != was) {
            KVM_DO(k, KVM_SET_MP_STATE, &s);
        }
    }
}

static void get_mp_state(KvmCpu *k)
{
    Cpu *c = k->cpu;
    struct kvm_mp_state s = { 0 };

    if (k->kvm->irqchip != IRQCHIP_OFF && KVM_DO(k, KVM_GET_MP_STATE, &s)) {
        k->arch->mp_state = s.mp_state;
        c->halted = s.mp_state == KVM_MP_STATE_HALTED;
        c->stop = s.mp_state == KVM_MP_STATE_RUNNABLE || c->halted
            ? CPU_RUNNING : CPU_OFF;
    }
}

static void put_debug(KvmCpu *k, const X86Cpu *c)
{
    struct kvm_debugregs d = { .dr6 = c->dr[6], .dr7 = c->dr[7] };

    memcpy(d.db, c->dr, sizeof d.db);
    KVM_DO(k, KVM_SET_DEBUGREGS, &d);
}

static void get_debug(KvmCpu *k, X86Cpu *c)
{
    struct kvm_debugregs d = { 0 };

    KVM_DO(k, KVM_GET_DEBUGREGS, &d);
    memcpy(c->dr, d.db, sizeof d.db);
    c->dr[6] = d.dr6;
    c->dr[7] = d.dr7;
}

/* ---- clocks ------------------------------------------------------------- */

static bool offset_attr(KvmCpu *k, unsigned long request, u64 *offset)
{
    struct kvm_device_attr a = {
        .group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET,
        .addr = (u64)(uintptr_t)offset,
    };

    return ioctl(k->fd, request, &a) == 0;
}

/* Takes the time of the pause from a TSC; older kernels cannot. */
static void hold_tsc(KvmCpu *k, u64 by)
{
    u64 offset;

    if (offset_attr(k, KVM_GET_DEVICE_ATTR, &offset)) {
        offset -= by;
        offset_attr(k, KVM_SET_DEVICE_ATTR, &offset);
    }
}

void kvm_clock_fetch(Kvm *k)
{
    struct kvm_clock_data d = { 0 };

    k->arch->paused_at = __builtin_ia32_rdtsc();
    if (kvm_has(k, KVM_CAP_ADJUST_CLOCK)
        && ioctl(k->vm, KVM_GET_CLOCK, &d) == 0) {
        x86_cpu(k->m->cpu[0])->kvmclock = d.clock;
    }
}

/* 0: it never ran, or under the translator, which has no such clock. */
void kvm_clock_put(Kvm *k)
{
    struct kvm_clock_data d = { .clock = x86_cpu(k->m->cpu[0])->kvmclock };
    u64 now = __builtin_ia32_rdtsc();

    for (u32 i = 0; i < k->m->ncpus && k->arch->paused_at; i++) {
        hold_tsc(kvm_cpu(k->m->cpu[i]), now - k->arch->paused_at);
    }
    k->arch->paused_at = 0;
    if (d.clock && ioctl(k->vm, KVM_SET_CLOCK, &d) < 0) {
        log_line(LOG_UNIMP, "KVM_SET_CLOCK: %s", g_strerror(errno));
    }
    for (u32 i = 0; i < k->m->ncpus && d.clock; i++) {
        /* Refused by a vCPU whose guest has not set the clock up. */
        ioctl(kvm_cpu(k->m->cpu[i])->fd, KVM_KVMCLOCK_CTRL);
    }
}

/* ---- all of them -------------------------------------------------------- */

void kvm_arch_put(KvmCpu *k)
{
    X86Cpu *c = x86_cpu(k->cpu);

    put_general(k, c);
    put_vectors(k, c);
    put_system(k, c);
    put_msrs(k, c);
    put_mp_state(k);
    put_events(k, c);
    put_debug(k, c);
}

void kvm_arch_fetch(KvmCpu *k)
{
    X86Cpu *c = x86_cpu(k->cpu);
    u64 ip = get_general(k, c);

    get_system(k, c);
    x86_set_ip(c, ip);
    get_vectors(k, c);
    get_msrs(k, c);
    get_mp_state(k);
    get_events(k, c);
    get_debug(k, c);
    x86_registers_came(c);
}
