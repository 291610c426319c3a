/* SPDX-License-Identifier: MIT */
/*
 * An AArch64 CPU's registers between kernel and ArmCpu.
 * Reference: the API, KVM_GET_ONE_REG, KVM_GET_REG_LIST; its section on
 * "arm64 registers" for the numbers; Arm ARM (DDI 0487).
 *
 * System registers that ArmCpu holds are the rows of target/arm/sysreg.c.
 * What else the kernel lists goes by its number to ArmCpu.host_reg, unchanged,
 * so that nothing of a CPU with more features is lost on the way.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "accel/kvm/arm64.h"
#include "softmmu/clock.h"
#include "util/log.h"

#define CORE_REG(size, member)                                              \
    (KVM_REG_ARM64 | KVM_REG_ARM_CORE | (size) | KVM_REG_ARM_CORE_REG(member))
#define CORE(member)    CORE_REG(KVM_REG_SIZE_U64, member)
#define PSTATE          CORE(regs.pstate)
/* Registers of 64 and 128 bits are two and four of the kernel's units. */
#define X(n)            (CORE(regs.regs[0]) + 2 * (n))
#define V(n)                                                                \
    (CORE_REG(KVM_REG_SIZE_U128, fp_regs.vregs[0]) + 4 * (n))
#define FPSR            CORE_REG(KVM_REG_SIZE_U32, fp_regs.fpsr)
#define FPCR            CORE_REG(KVM_REG_SIZE_U32, fp_regs.fpcr)
#define OSLSR           ARM64_SYS_REG(2, 0, 1, 1, 4)

/* PSTATE that ArmCpu holds; the rest is that of ArmCpu.host_reg. */
#define PSTATE_OURS                                                         \
    (0xfull << 28 | PSTATE_SS | PSTATE_IL | PSTATE_DAIF | 0xf)

static bool get(int fd, u64 id, void *value)
{
    struct kvm_one_reg r = { id, (u64)(uintptr_t)value };

    return ioctl(fd, KVM_GET_ONE_REG, &r) == 0;
}

static bool put(KvmCpu *k, u64 id, const void *value)
{
    struct kvm_one_reg r = { id, (u64)(uintptr_t)value };

    if (ioctl(k->fd, KVM_SET_ONE_REG, &r) == 0) {
        return true;
    }
    log_line(LOG_UNIMP, "CPU %d: KVM refuses %#llx for register %#llx: %s",
             k->cpu->index, (unsigned long long)load_le(value, 4),
             (unsigned long long)id, g_strerror(errno));
    return false;
}

static u64 read64(KvmCpu *k, u64 id)
{
    u64 v = 0;

    if (!get(k->fd, id, &v)) {
        log_line(LOG_UNIMP, "CPU %d: KVM has no register %#llx",
                 k->cpu->index, (unsigned long long)id);
    }
    return v;
}

static void write64(KvmCpu *k, u64 id, u64 v)
{
    put(k, id, &v);
}

/* ---- which registers there are ------------------------------------------ */

static bool is_sysreg(u64 id)
{
    return (id & KVM_REG_ARM_COPROC_MASK) == KVM_REG_ARM64_SYSREG
        && (id & KVM_REG_SIZE_MASK) == KVM_REG_SIZE_U64;
}

static bool is_vector(u64 id)
{
    return (id & KVM_REG_SIZE_MASK) == KVM_REG_SIZE_U128;
}

/* Core registers that are moved by name below. */
static const struct { u64 id; u16 offset; } core[] = {
    { CORE(elr_el1), offsetof(ArmCpu, elr) },
    { CORE(spsr[KVM_SPSR_EL1]), offsetof(ArmCpu, spsr) },
    { CORE(regs.pc), offsetof(ArmCpu, cpu.tcg.pc) },
};

static bool is_named(u64 id)
{
    static const u64 others[] = {
        CORE(regs.sp), CORE(sp_el1), FPSR, FPCR, OSLSR,
        KVM_REG_ARM_TIMER_CTL, KVM_REG_ARM_TIMER_CVAL, KVM_REG_ARM_TIMER_CNT,
        KVM_REG_ARM_PTIMER_CTL, KVM_REG_ARM_PTIMER_CVAL,
        KVM_REG_ARM_PTIMER_CNT,
    };

    for (u32 i = 0; i < countof(core); i++) {
        if (core[i].id == id) {
            return true;
        }
    }
    for (u32 i = 0; i < countof(others); i++) {
        if (others[i] == id) {
            return true;
        }
    }
    return id >= X(0) && id <= X(30);
}

/* Those that go to ArmCpu.host_reg: PSTATE is one for its other bits. */
static bool is_other(const KvmCpu *k, u64 id)
{
    u64 kind = id & KVM_REG_ARM_COPROC_MASK;

    return kind != KVM_REG_ARM_DEMUX && kind != KVM_REG_ARM64_SVE
        && !is_vector(id) && !is_named(id)
        && !(is_sysreg(id) && (arm_is_fixed((u32)id & 0xffff)
                               || arm_place(arm_cpu(k->cpu), (u32)id & 0xffff,
                                            NULL)));
}

static bool list(int fd, KvmRegs *r)
{
    r->head.n = KVM_REGS;
    return ioctl(fd, KVM_GET_REG_LIST, r) == 0;
}

/* The list, which is the same for all vCPUs. */
static const KvmRegs *known(KvmCpu *k)
{
    KvmArch *a = k->kvm->arch;

    if (!a->regs_known && !list(k->fd, &a->regs)) {
        log_line(LOG_UNIMP, "KVM_GET_REG_LIST: %s", g_strerror(errno));
        a->regs.head.n = 0;
    }
    a->regs_known = true;
    return &a->regs;
}

/* ---- the host's identity ------------------------------------------------ */

static bool host_id(const Machine *m, u32 enc, u64 *v)
{
    const KvmArch *a = kvm_of(m)->arch;

    for (u32 i = 0; i < a->id.head.n; i++) {
        if ((a->id.at[i] & 0xffff) == enc) {
            *v = a->id_value[i];
            return true;
        }
    }
    return false;
}

static void note_ids(KvmArch *a, int vcpu)
{
    KvmRegs *all = g_new0(KvmRegs, 1);

    for (u32 i = 0; list(vcpu, all) && i < all->head.n; i++) {
        u64 v, id = all->at[i];
        if (is_sysreg(id) && arm_is_fixed((u32)id & 0xffff)
            && get(vcpu, id, &v)) {
            a->id.at[a->id.head.n] = id;
            a->id_value[a->id.head.n++] = v;
        }
    }
    g_free(all);
}

bool kvm_ids_read(Kvm *k, Err *err)
{
    KvmArch *a = k->arch;
    int vm = ioctl(k->fd, KVM_CREATE_VM, 0);
    int vcpu = vm < 0 ? -1 : ioctl(vm, KVM_CREATE_VCPU, 0);
    bool ok = vcpu >= 0 && ioctl(vm, KVM_ARM_PREFERRED_TARGET, &a->target) == 0
        && ioctl(vcpu, KVM_ARM_VCPU_INIT, &a->target) == 0;

    if (ok) {
        note_ids(a, vcpu);
        k->m->host_id = host_id;
        k->m->host_gics = k->irqchip == IRQCHIP_ON ? kvm_gics(vm) : 1 << 2;
    } else {
        fail(err, "-accel kvm: the kernel makes no vCPU: %s",
             g_strerror(errno));
    }
    if (vcpu >= 0) {
        close(vcpu);
    }
    if (vm >= 0) {
        close(vm);
    }
    return ok;
}

/* ---- general registers, PSTATE, vectors --------------------------------- */

/* The stack pointers that are not current are in sp_el. */
static u64 *stack(ArmCpu *c, unsigned el)
{
    return (c->el && c->spsel) == el ? &c->sp : &c->sp_el[el];
}

static void put_general(KvmCpu *k, ArmCpu *c)
{
    for (u32 n = 0; n < countof(c->x); n++) {
        write64(k, X(n), c->x[n]);
    }
    for (u32 i = 0; i < countof(core); i++) {
        put(k, core[i].id, (const u8 *)c + core[i].offset);
    }
    write64(k, CORE(regs.sp), *stack(c, 0));
    write64(k, CORE(sp_el1), *stack(c, 1));
}

/* In AArch32, which only the kernel knows, the mode stays what it was. */
static void put_pstate(KvmCpu *k, const ArmCpu *c)
{
    u64 was = arm_host_reg(c, PSTATE);
    u64 ours = was & PSTATE_AARCH32 ? PSTATE_OURS & ~0xfull : PSTATE_OURS;

    write64(k, PSTATE, (pstate_get(c) & ours) | (was & ~ours));
}

static void get_general(KvmCpu *k, ArmCpu *c)
{
    pstate_set(c, read64(k, PSTATE));
    for (u32 n = 0; n < countof(c->x); n++) {
        c->x[n] = read64(k, X(n));
    }
    for (u32 i = 0; i < countof(core); i++) {
        get(k->fd, core[i].id, (u8 *)c + core[i].offset);
    }
    *stack(c, 0) = read64(k, CORE(regs.sp));
    *stack(c, 1) = read64(k, CORE(sp_el1));
}

static void put_vectors(KvmCpu *k, ArmCpu *c)
{
    u32 fpsr = fpsr_get(c), fpcr = fpcr_get(c);

    for (u32 n = 0; n < countof(c->v); n++) {
        put(k, V(n), &c->v[n]);
    }
    put(k, FPSR, &fpsr);
    put(k, FPCR, &fpcr);
}

static void get_vectors(KvmCpu *k, ArmCpu *c)
{
    u32 fpsr = 0, fpcr = 0;

    for (u32 n = 0; n < countof(c->v); n++) {
        get(k->fd, V(n), &c->v[n]);
    }
    get(k->fd, FPSR, &fpsr);
    get(k->fd, FPCR, &fpcr);
    fpsr_set(c, fpsr);
    fpcr_set(c, fpcr);
}

/* ---- system registers and the rest -------------------------------------- */

static void put_system(KvmCpu *k, ArmCpu *c)
{
    const KvmRegs *r = known(k);

    for (u32 i = 0; i < c->host_count; i++) {
        if (c->host_reg[i] != PSTATE) {
            write64(k, c->host_reg[i], c->host_value[i]);
        }
    }
    for (u32 i = 0; i < r->head.n; i++) {
        u32 size;
        void *at = is_sysreg(r->at[i]) && !is_named(r->at[i])
            ? arm_place(c, (u32)r->at[i] & 0xffff, &size) : NULL;
        if (at) {
            write64(k, r->at[i], load_le(at, size));
        }
    }
    write64(k, OSLSR, 8 | c->oslar << 1);
}

static void keep(ArmCpu *c, u64 id, u64 v)
{
    if (c->host_count < countof(c->host_reg)) {
        c->host_reg[c->host_count] = id;
        c->host_value[c->host_count++] = v;
    }
}

static void get_system(KvmCpu *k, ArmCpu *c)
{
    const KvmRegs *r = known(k);

    c->host_count = 0;
    for (u32 i = 0; i < r->head.n; i++) {
        u64 id = r->at[i], v = 0;
        u32 size;
        void *at = is_sysreg(id) && !is_named(id)
            ? arm_place(c, (u32)id & 0xffff, &size) : NULL;
        if (at && get(k->fd, id, &v)) {
            store_le(at, size, v);
        } else if (!at && is_other(k, id) && get(k->fd, id, &v)) {
            keep(c, id, v);
        }
    }
    c->oslar = read64(k, OSLSR) >> 1 & 1;
}

/* ---- timers ------------------------------------------------------------- */

enum { CTL_WRITABLE = 3 };

static u64 frequency(void)
{
    u64 v;

    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(v));
    return v;
}

void kvm_counter_put(KvmCpu *k)
{
    u128 ns = (u128)clock_now(CLOCK_VIRTUAL_NS);

    write64(k, KVM_REG_ARM_TIMER_CNT, (u64)(ns * frequency() / 1000000000));
}

static void put_timers(KvmCpu *k, const ArmCpu *c)
{
    write64(k, KVM_REG_ARM_TIMER_CVAL, c->timer_v.cval);
    write64(k, KVM_REG_ARM_TIMER_CTL, c->timer_v.ctl);
    write64(k, KVM_REG_ARM_PTIMER_CVAL, c->timer_p.cval);
    write64(k, KVM_REG_ARM_PTIMER_CTL, c->timer_p.ctl);
}

/* They run in the kernel: those of ArmCpu only hold what is saved. */
static void get_timers(KvmCpu *k, ArmCpu *c)
{
    c->timer_v.cval = read64(k, KVM_REG_ARM_TIMER_CVAL);
    c->timer_v.ctl = read64(k, KVM_REG_ARM_TIMER_CTL) & CTL_WRITABLE;
    c->timer_p.cval = read64(k, KVM_REG_ARM_PTIMER_CVAL);
    c->timer_p.ctl = read64(k, KVM_REG_ARM_PTIMER_CTL) & CTL_WRITABLE;
    c->cntfrq = frequency();
}

/* ---- power -------------------------------------------------------------- */

static void put_power(KvmCpu *k)
{
    struct kvm_mp_state s = { k->cpu->stop == CPU_OFF ? KVM_MP_STATE_STOPPED
                                                      : KVM_MP_STATE_RUNNABLE };

    k->cpu->halted = false;             /* it finds out itself */
    KVM_DO(k, KVM_SET_MP_STATE, &s);
}

static void get_power(KvmCpu *k)
{
    struct kvm_mp_state s = { 0 };

    if (KVM_DO(k, KVM_GET_MP_STATE, &s)) {
        k->cpu->stop = s.mp_state == KVM_MP_STATE_STOPPED ? CPU_OFF
                                                          : CPU_RUNNING;
    }
}

/* ---- all of them -------------------------------------------------------- */

/* Nothing in ArmCpu.host_reg: it was reset, or comes from the translator. */
void kvm_arch_put(KvmCpu *k)
{
    ArmCpu *c = arm_cpu(k->cpu);

    if (!c->host_count) {
        kvm_vcpu_init(k);
        k->arch->lines = 0;
    }
    put_system(k, c);
    put_general(k, c);
    put_pstate(k, c);
    put_vectors(k, c);
    put_timers(k, c);
    put_power(k);
}

void kvm_arch_fetch(KvmCpu *k)
{
    ArmCpu *c = arm_cpu(k->cpu);

    get_general(k, c);
    get_system(k, c);
    get_vectors(k, c);
    get_timers(k, c);
    get_power(k);
    tlb_flush(k->cpu, 0, 0, 0, 0);
    arm_mode_changed(c);
}
