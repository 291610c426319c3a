/* SPDX-License-Identifier: MIT */
/*
 * System registers and system operations of an Armv8.0-A CPU with EL0, EL1.
 * Reference: Arm ARM (DDI 0487) D17 "AArch64 System Register Descriptions",
 * C5 "The A64 System Instruction Class"; DDI 0488 (Cortex-A57) for S3_1_*.
 *
 * Left out: the debug communication channel, event counters of the PMU.
 */
#include <stdio.h>
#include "softmmu/machine.h"
#include "target/arm/sysreg.h"

/* ---- plain storage ------------------------------------------------------ */

static u64 stored(const ArmCpu *c, const SysReg *r)
{
    const u8 *p = (const u8 *)c;

    if (r->slot) {
        const IrSlot *s = &arm_slots[r->slot];
        return load_le(p + s->offset, s->type == I64 ? 8 : 4);
    }
    return r->size ? load_le(p + r->offset, r->size) : r->value;
}

static void store(ArmCpu *c, const SysReg *r, u64 v)
{
    u8 *p = (u8 *)c;
    u64 rw = r->rw ? r->rw : ~0ull;

    v = (stored(c, r) & ~rw) | (v & rw);
    if (r->slot) {
        const IrSlot *s = &arm_slots[r->slot];
        store_le(p + s->offset, s->type == I64 ? 8 : 4, v);
    } else if (r->size) {
        store_le(p + r->offset, r->size, v);
    }
}

u64 sysreg_read(ArmCpu *c, const SysReg *r)
{
    return r->read ? r->read(c, r) : stored(c, r);
}

void sysreg_write(ArmCpu *c, const SysReg *r, u64 v)
{
    if (r->write) {
        r->write(c, r, v);
    } else {
        store(c, r, v);
    }
}

/* ---- control of translation --------------------------------------------- */

static void write_mode(ArmCpu *c, const SysReg *r, u64 v)
{
    store(c, r, v);
    arm_mode_changed(c);
}

/* What translations mean changes: those of this CPU are dropped. */
static void write_regime(ArmCpu *c, const SysReg *r, u64 v)
{
    u64 old = stored(c, r);

    store(c, r, v);
    if (stored(c, r) != old) {
        tlb_flush(&c->cpu, 0, 0, 0, 0);
        arm_mode_changed(c);
    }
}

/* Of SCTLR_EL1 these bear on translations; the rest only on the key. */
static void write_sctlr(ArmCpu *c, const SysReg *r, u64 v)
{
    u64 old = c->sctlr;

    store(c, r, v);
    if ((c->sctlr ^ old) & (SCTLR_M | SCTLR_WXN | SCTLR_EE)) {
        tlb_flush(&c->cpu, 0, 0, 0, 0);
    }
    arm_mode_changed(c);
}

static void tlbi_all(ArmCpu *c, const SysReg *r, u64 v)
{
    arm_tlbi(c, TLBI_ALL, r->value, v);
}

static void tlbi_asid(ArmCpu *c, const SysReg *r, u64 v)
{
    arm_tlbi(c, TLBI_ASID, r->value, v);
}

static void tlbi_va(ArmCpu *c, const SysReg *r, u64 v)
{
    arm_tlbi(c, TLBI_VA, r->value, v);
}

static void tlbi_vaa(ArmCpu *c, const SysReg *r, u64 v)
{
    arm_tlbi(c, TLBI_VA_ALL_ASIDS, r->value, v);
}

/* value: 1 for writes, 2 for EL0. */
static void at(ArmCpu *c, const SysReg *r, u64 v)
{
    arm_at(c, v, r->value & 1, r->value & 2);
}

/* ---- identification, interrupts ----------------------------------------- */

static u64 read_ccsidr(ArmCpu *c, const SysReg *r)
{
    (void)r;
    return c->ccsidr[c->csselr & 7];
}

static u64 read_isr(ArmCpu *c, const SysReg *r)
{
    u32 lines = __atomic_load_n(&c->cpu.lines, __ATOMIC_SEQ_CST);

    (void)r;
    return (lines & 1u << ARM_LINE_IRQ ? PSTATE_I : 0)
        | (lines & 1u << ARM_LINE_FIQ ? PSTATE_F : 0);
}

/* DCZID_EL0.DZP says whether DC ZVA is prohibited here. */
static u64 read_dczid(ArmCpu *c, const SysReg *r)
{
    (void)r;
    return c->dczid | (c->el == 0 && !(c->sctlr & SCTLR_DZE) ? 1 << 4 : 0);
}

/* L2CTLR_EL1 tells the number of cores, less one. */
static u64 read_l2ctlr(ArmCpu *c, const SysReg *r)
{
    (void)r;
    return c->cpu.machine ? (u64)(c->cpu.machine->ncpus - 1) << 24 : 0;
}

/* ---- the interrupt controller's ----------------------------------------- */

static u64 read_gic(ArmCpu *c, const SysReg *r)
{
    u64 v = 0;

    machine_lock();
    c->cpu.intc->sysreg_read(c->cpu.intc_state, r->enc, &v);
    machine_unlock();
    return v;
}

static void write_gic(ArmCpu *c, const SysReg *r, u64 v)
{
    machine_lock();
    c->cpu.intc->sysreg_write(c->cpu.intc_state, r->enc, v);
    machine_unlock();
}

/* ---- debug -------------------------------------------------------------- */

static void write_oslar(ArmCpu *c, const SysReg *r, u64 v)
{
    (void)r;
    c->oslar = v & 1;
    arm_mode_changed(c);
}

static u64 read_oslsr(ArmCpu *c, const SysReg *r)
{
    (void)r;
    return 8 | c->oslar << 1;               /* OSLM: implemented; OSLK */
}

/* ---- timers ------------------------------------------------------------- */

enum { EL0PCTEN = 1, EL0VCTEN = 2, EL0VTEN = 1 << 8, EL0PTEN = 1 << 9 };

static bool el0_cntpct(const ArmCpu *c, bool write)
{
    (void)write;
    return c->cntkctl & EL0PCTEN;
}

static bool el0_cntfrq(const ArmCpu *c, bool write)
{
    return !write && c->cntkctl & (EL0PCTEN | EL0VCTEN);
}

static bool el0_cntp(const ArmCpu *c, bool write)
{
    (void)write;
    return c->cntkctl & EL0PTEN;
}

static bool el0_cntv(const ArmCpu *c, bool write)
{
    (void)write;
    return c->cntkctl & EL0VTEN;
}

static u64 read_counter(ArmCpu *c, const SysReg *r)
{
    (void)c;
    (void)r;
    return arm_counter();
}

/* The timer a row's offset names. */
static ArmTimer *timer_of(ArmCpu *c, const SysReg *r)
{
    return (ArmTimer *)((u8 *)c + r->offset);
}

static u64 read_ctl(ArmCpu *c, const SysReg *r)
{
    return arm_timer_ctl(timer_of(c, r));
}

static void write_ctl(ArmCpu *c, const SysReg *r, u64 v)
{
    arm_timer_set_ctl(timer_of(c, r), v);
}

static u64 read_cval(ArmCpu *c, const SysReg *r)
{
    return timer_of(c, r)->cval;
}

static void write_cval(ArmCpu *c, const SysReg *r, u64 v)
{
    arm_timer_set_cval(timer_of(c, r), v);
}

static u64 read_tval(ArmCpu *c, const SysReg *r)
{
    return (u32)(timer_of(c, r)->cval - arm_counter());
}

static void write_tval(ArmCpu *c, const SysReg *r, u64 v)
{
    arm_timer_set_cval(timer_of(c, r), arm_counter() + (u64)sext(v, 32));
}

/* ---- performance monitor ------------------------------------------------ */

enum { PMUSERENR_EN = 1, PMUSERENR_SW = 2, PMUSERENR_CR = 4, PMUSERENR_ER = 8 };

static bool el0_pmu(const ArmCpu *c, bool write)
{
    (void)write;
    return c->pmuserenr & PMUSERENR_EN;
}

static bool el0_cycles(const ArmCpu *c, bool write)
{
    return c->pmuserenr & (write ? PMUSERENR_EN : PMUSERENR_EN | PMUSERENR_CR);
}

static bool el0_swinc(const ArmCpu *c, bool write)
{
    (void)write;
    return c->pmuserenr & (PMUSERENR_EN | PMUSERENR_SW);
}

static bool el0_events(const ArmCpu *c, bool write)
{
    return c->pmuserenr & (write ? PMUSERENR_EN : PMUSERENR_EN | PMUSERENR_ER);
}

static bool el0_select(const ArmCpu *c, bool write)
{
    (void)write;
    return c->pmuserenr & (PMUSERENR_EN | PMUSERENR_ER);
}

static void write_pmcr(ArmCpu *c, const SysReg *r, u64 v)
{
    (void)r;
    arm_pmu_set_control(c, v);
}

static u64 read_cycles(ArmCpu *c, const SysReg *r)
{
    (void)r;
    return arm_pmu_cycles(c);
}

static void write_cycles(ArmCpu *c, const SysReg *r, u64 v)
{
    (void)r;
    arm_pmu_set_cycles(c, v);
}

static void write_cnten_set(ArmCpu *c, const SysReg *r, u64 v)
{
    arm_pmu_enable(c, c->pmcnten | (v & r->rw));
}

static void write_cnten_clear(ArmCpu *c, const SysReg *r, u64 v)
{
    (void)r;
    arm_pmu_enable(c, c->pmcnten & ~v);
}

/* Registers that a written 1 sets, or clears. */
static void write_set(ArmCpu *c, const SysReg *r, u64 v)
{
    store(c, r, stored(c, r) | v);
}

static void write_clear(ArmCpu *c, const SysReg *r, u64 v)
{
    store(c, r, stored(c, r) & ~v);
}

/* PMXEVTYPER_EL0: of the counter that PMSELR_EL0 selects; only cycles here. */
static u64 read_xevtyper(ArmCpu *c, const SysReg *r)
{
    (void)r;
    return (c->pmselr & 31) == PMU_CYCLES ? c->pmccfiltr : 0;
}

static void write_xevtyper(ArmCpu *c, const SysReg *r, u64 v)
{
    if ((c->pmselr & 31) == PMU_CYCLES) {
        c->pmccfiltr = v & r->rw;
    }
}

/* ---- the table ---------------------------------------------------------- */

#define AT(member)      .offset = offsetof(ArmCpu, member),                 \
                        .size = sizeof_field(ArmCpu, member)
#define MODEL(member)   AT(member), .constant = true
#define REG(n, op0, op1, crn, crm, op2, who, ...)                           \
    { .name = n, .enc = SYS_ENC(op0, op1, crn, crm, op2), .rights = who, __VA_ARGS__ }
#define SLOT(n, op0, op1, crn, crm, op2, who, s, ...)                       \
    REG(n, op0, op1, crn, crm, op2, who, .slot = s, .slots = true, __VA_ARGS__)
/* A slot whose writes bear on translated code. */
#define CONTROL(n, op0, op1, crn, crm, op2, s, wr, ...)                     \
    SLOT(n, op0, op1, crn, crm, op2, RW1, s, .ends = true, .write = wr, __VA_ARGS__)
#define TIMER(n, crm, op2, t, what, chk)                                    \
    REG(n, 3, 3, 14, crm, op2, RW01, .offset = offsetof(ArmCpu, t),         \
        .el0 = chk, .read = read_##what, .write = write_##what)
#define PMU(n, op1, crn, crm, op2, who, ...)                                \
    REG(n, 3, op1, crn, crm, op2, who, .feature = FEAT_PMU, __VA_ARGS__)
#define GIC(n, crn, crm, op2, who)                                          \
    REG("ICC_" n "_EL1", 3, 0, crn, crm, op2, who, .feature = FEAT_GIC,     \
        .read = read_gic, .write = write_gic)
#define BREAK(n)                                                            \
    REG("DBGBVR" #n "_EL1", 2, 0, 0, n, 4, RW1, AT(dbgbvr[n])),             \
    REG("DBGBCR" #n "_EL1", 2, 0, 0, n, 5, RW1, AT(dbgbcr[n]), .rw = 0xffe1e7,  \
        .ends = true, .slots = true, .write = write_mode)
#define WATCH(n)                                                            \
    REG("DBGWVR" #n "_EL1", 2, 0, 0, n, 6, RW1, AT(dbgwvr[n])),             \
    REG("DBGWCR" #n "_EL1", 2, 0, 0, n, 7, RW1, AT(dbgwcr[n]), .rw = 0x1f1fffff, \
        .ends = true, .slots = true, .write = write_mode)
/* A system operation. */
#define OP(n, op1, crn, crm, op2, who, ...)                                 \
    REG(n, 1, op1, crn, crm, op2, who, __VA_ARGS__)
/* On this CPU and, "IS", on all. */
#define TLBI(n, op2, fn)                                                    \
    OP("TLBI " n, 0, 8, 7, op2, W1, .slots = true, .write = fn),            \
    OP("TLBI " n "IS", 0, 8, 3, op2, W1, .slots = true, .write = fn, .value = 1)

#define SCTLR_BITS   0x37dfde3fu    /* all that Armv8.0 defines */
#define TCR_WRITABLE 0x7fffffffffull
#define CYCLES       BIT(PMU_CYCLES)

const SysReg sysregs[] = {
    /* Identification; op0 3, op1 0, CRn 0, CRm 1-7 is not here. */
    REG("MIDR_EL1",     3, 0, 0, 0, 0, R1,  MODEL(midr)),
    SLOT("MPIDR_EL1",   3, 0, 0, 0, 5, R1,  S_MPIDR),
    REG("REVIDR_EL1",   3, 0, 0, 0, 6, R1,  MODEL(revidr)),
    REG("CCSIDR_EL1",   3, 1, 0, 0, 0, R1,  .read = read_ccsidr, .slots = true),
    REG("CLIDR_EL1",    3, 1, 0, 0, 1, R1,  MODEL(clidr)),
    REG("AIDR_EL1",     3, 1, 0, 0, 7, R1),
    SLOT("CSSELR_EL1",  3, 2, 0, 0, 0, RW1, S_CSSELR, .rw = 15),
    REG("CTR_EL0",      3, 3, 0, 0, 1, R01, MODEL(ctr), .key0 = KEY_UCT),
    REG("DCZID_EL0",    3, 3, 0, 0, 7, R01, .read = read_dczid, .slots = true),

    /* Control of the PE and of translation. */
    CONTROL("SCTLR_EL1", 3, 0, 1, 0, 0, S_SCTLR, write_sctlr, .rw = SCTLR_BITS),
    REG("ACTLR_EL1",    3, 0, 1, 0, 1, RW1, .special = SYS_NOP),
    CONTROL("CPACR_EL1", 3, 0, 1, 0, 2, S_CPACR, write_mode, .rw = 3 << 20 | 1 << 28),
    CONTROL("TTBR0_EL1", 3, 0, 2, 0, 0, S_TTBR0, write_mode),
    CONTROL("TTBR1_EL1", 3, 0, 2, 0, 1, S_TTBR1, write_mode),
    CONTROL("TCR_EL1",  3, 0, 2, 0, 2, S_TCR, write_regime, .rw = TCR_WRITABLE),
    CONTROL("MAIR_EL1", 3, 0, 10, 2, 0, S_MAIR, write_regime),
    SLOT("AMAIR_EL1",   3, 0, 10, 3, 0, RW1, S_AMAIR),
    SLOT("CONTEXTIDR_EL1", 3, 0, 13, 0, 1, RW1, S_CONTEXTIDR, .rw = 0xffffffff),

    /* PSTATE and exceptions. */
    SLOT("SPSR_EL1",    3, 0, 4, 0, 0, RW1, S_SPSR, .rw = 0xffffffff),
    SLOT("ELR_EL1",     3, 0, 4, 0, 1, RW1, S_ELR),
    SLOT("SP_EL0",      3, 0, 4, 1, 0, RW1, S_SP_EL0, .key1 = KEY_SPSEL),
    REG("SPSel",        3, 0, 4, 2, 0, RW1, .special = SYS_SPSEL),
    REG("CurrentEL",    3, 0, 4, 2, 2, R1,  .special = SYS_CURRENTEL),
    REG("NZCV",         3, 3, 4, 2, 0, RW01, .special = SYS_NZCV),
    REG("DAIF",         3, 3, 4, 2, 1, RW01, .special = SYS_DAIF, .key0 = KEY_UMA),
    REG("FPCR",         3, 3, 4, 4, 0, RW01, .special = SYS_FPCR),
    REG("FPSR",         3, 3, 4, 4, 1, RW01, .special = SYS_FPSR),
    SLOT("AFSR0_EL1",   3, 0, 5, 1, 0, RW1, S_AFSR0, .rw = 0xffffffff),
    SLOT("AFSR1_EL1",   3, 0, 5, 1, 1, RW1, S_AFSR1, .rw = 0xffffffff),
    SLOT("ESR_EL1",     3, 0, 5, 2, 0, RW1, S_ESR, .rw = 0xffffffff),
    SLOT("FAR_EL1",     3, 0, 6, 0, 0, RW1, S_FAR),
    SLOT("PAR_EL1",     3, 0, 7, 4, 0, RW1, S_PAR),
    SLOT("VBAR_EL1",    3, 0, 12, 0, 0, RW1, S_VBAR, .rw = ~0x7ffull),
    REG("RVBAR_EL1",    3, 0, 12, 0, 1, R1),
    REG("ISR_EL1",      3, 0, 12, 1, 0, R1,  .read = read_isr),

    /* The CPU interface of a GICv3. */
    GIC("PMR", 4, 6, 0, RW1),     GIC("IAR0", 12, 8, 0, R1),
    GIC("EOIR0", 12, 8, 1, W1),   GIC("HPPIR0", 12, 8, 2, R1),
    GIC("BPR0", 12, 8, 3, RW1),   GIC("AP0R0", 12, 8, 4, RW1),
    GIC("AP1R0", 12, 9, 0, RW1),  GIC("DIR", 12, 11, 1, W1),
    GIC("RPR", 12, 11, 3, R1),    GIC("SGI1R", 12, 11, 5, W1),
    GIC("ASGI1R", 12, 11, 6, W1), GIC("SGI0R", 12, 11, 7, W1),
    GIC("IAR1", 12, 12, 0, R1),   GIC("EOIR1", 12, 12, 1, W1),
    GIC("HPPIR1", 12, 12, 2, R1), GIC("BPR1", 12, 12, 3, RW1),
    GIC("CTLR", 12, 12, 4, RW1),  GIC("SRE", 12, 12, 5, RW1),
    GIC("IGRPEN0", 12, 12, 6, RW1), GIC("IGRPEN1", 12, 12, 7, RW1),

    /* Software's own. */
    SLOT("TPIDR_EL0",   3, 3, 13, 0, 2, RW01, S_TPIDR_EL0),
    SLOT("TPIDRRO_EL0", 3, 3, 13, 0, 3, RW1 | R0, S_TPIDRRO_EL0),
    SLOT("TPIDR_EL1",   3, 0, 13, 0, 4, RW1, S_TPIDR_EL1),

    /* Generic timers. */
    REG("CNTKCTL_EL1",  3, 0, 14, 1, 0, RW1, AT(cntkctl), .rw = 0x3ff, .ends = true,
        .slots = true, .write = write_mode),
    REG("CNTFRQ_EL0",   3, 3, 14, 0, 0, RW1 | R0, AT(cntfrq), .rw = 0xffffffff,
        .el0 = el0_cntfrq),
    REG("CNTPCT_EL0",   3, 3, 14, 0, 1, R01, .read = read_counter, .el0 = el0_cntpct),
    REG("CNTVCT_EL0",   3, 3, 14, 0, 2, R01, .read = read_counter, .key0 = KEY_CNT),
    TIMER("CNTP_TVAL_EL0", 2, 0, timer_p, tval, el0_cntp),
    TIMER("CNTP_CTL_EL0",  2, 1, timer_p, ctl,  el0_cntp),
    TIMER("CNTP_CVAL_EL0", 2, 2, timer_p, cval, el0_cntp),
    TIMER("CNTV_TVAL_EL0", 3, 0, timer_v, tval, el0_cntv),
    TIMER("CNTV_CTL_EL0",  3, 1, timer_v, ctl,  el0_cntv),
    TIMER("CNTV_CVAL_EL0", 3, 2, timer_v, cval, el0_cntv),

    /* Performance monitor: the cycle counter, and no event counters. */
    PMU("PMCR_EL0",       3, 9, 12, 0, RW01, AT(pmcr), .el0 = el0_pmu, .write = write_pmcr),
    PMU("PMCNTENSET_EL0", 3, 9, 12, 1, RW01, AT(pmcnten), .rw = CYCLES, .el0 = el0_pmu,
        .write = write_cnten_set),
    PMU("PMCNTENCLR_EL0", 3, 9, 12, 2, RW01, AT(pmcnten), .el0 = el0_pmu,
        .write = write_cnten_clear),
    PMU("PMOVSCLR_EL0",   3, 9, 12, 3, RW01, AT(pmovs), .rw = CYCLES, .el0 = el0_pmu,
        .write = write_clear),
    PMU("PMSWINC_EL0",    3, 9, 12, 4, W01,  .el0 = el0_swinc),
    PMU("PMSELR_EL0",     3, 9, 12, 5, RW01, AT(pmselr), .rw = 31, .el0 = el0_select),
    PMU("PMCEID0_EL0",    3, 9, 12, 6, R01,  .value = BIT(0x11), .el0 = el0_pmu),
    PMU("PMCEID1_EL0",    3, 9, 12, 7, R01,  .el0 = el0_pmu),
    PMU("PMCCNTR_EL0",    3, 9, 13, 0, RW01, .read = read_cycles, .write = write_cycles,
        .el0 = el0_cycles),
    PMU("PMXEVTYPER_EL0", 3, 9, 13, 1, RW01, .rw = 0xfc000000, .read = read_xevtyper,
        .write = write_xevtyper, .el0 = el0_pmu),
    PMU("PMXEVCNTR_EL0",  3, 9, 13, 2, RW01, .el0 = el0_events),
    PMU("PMUSERENR_EL0",  3, 9, 14, 0, RW1 | R0, AT(pmuserenr), .rw = 15),
    PMU("PMINTENSET_EL1", 0, 9, 14, 1, RW1,  AT(pminten), .rw = CYCLES, .write = write_set),
    PMU("PMINTENCLR_EL1", 0, 9, 14, 2, RW1,  AT(pminten), .rw = CYCLES, .write = write_clear),
    PMU("PMOVSSET_EL0",   3, 9, 14, 3, RW01, AT(pmovs), .rw = CYCLES, .el0 = el0_pmu,
        .write = write_set),
    PMU("PMCCFILTR_EL0",  3, 14, 15, 7, RW01, AT(pmccfiltr), .rw = 0xfc000000,
        .el0 = el0_pmu),

    /* Debug. */
    BREAK(0), BREAK(1), BREAK(2), BREAK(3), BREAK(4), BREAK(5),
    WATCH(0), WATCH(1), WATCH(2), WATCH(3),
    REG("MDSCR_EL1",    2, 0, 0, 2, 2, RW1, AT(mdscr), .rw = 0x6f8ff041, .ends = true,
        .slots = true, .write = write_mode),
    REG("MDCCINT_EL1",  2, 0, 0, 2, 0, RW1, AT(mdccint), .rw = 3 << 29),
    REG("MDCCSR_EL0",   2, 3, 0, 1, 0, R01),
    REG("DBGDTR_EL0",   2, 3, 0, 4, 0, RW01, .special = SYS_NOP),
    REG("DBGDTRRX_EL0", 2, 3, 0, 5, 0, RW01, .special = SYS_NOP),
    REG("OSDTRRX_EL1",  2, 0, 0, 0, 2, RW1, .special = SYS_NOP),
    REG("OSDTRTX_EL1",  2, 0, 0, 3, 2, RW1, .special = SYS_NOP),
    REG("OSECCR_EL1",   2, 0, 0, 6, 2, RW1, .special = SYS_NOP),
    REG("MDRAR_EL1",    2, 0, 1, 0, 0, R1),
    REG("OSLAR_EL1",    2, 0, 1, 0, 4, W1,  .ends = true, .slots = true,
        .write = write_oslar),
    REG("OSLSR_EL1",    2, 0, 1, 1, 4, R1,  .read = read_oslsr),
    REG("OSDLR_EL1",    2, 0, 1, 3, 4, RW1, AT(osdlr), .rw = 1, .ends = true,
        .slots = true, .write = write_mode),
    REG("DBGPRCR_EL1",  2, 0, 1, 4, 4, RW1, .special = SYS_NOP),
    REG("DBGCLAIMSET_EL1", 2, 0, 7, 8, 6, RW1, .special = SYS_NOP, .value = 0xff),
    REG("DBGCLAIMCLR_EL1", 2, 0, 7, 9, 6, RW1, .special = SYS_NOP),
    REG("DBGAUTHSTATUS_EL1", 2, 0, 7, 14, 6, R1, .value = 0xaa),

    /* Cortex-A53, A57, A72: their own, as far as system software asks. */
    REG("L2CTLR_EL1",   3, 1, 11, 0, 2, RW1, .read = read_l2ctlr, .special = SYS_NOP),
    REG("L2ECTLR_EL1",  3, 1, 11, 0, 3, RW1, .special = SYS_NOP),
    REG("L2ACTLR_EL1",  3, 1, 15, 0, 0, RW1, .special = SYS_NOP),
    REG("CPUACTLR_EL1", 3, 1, 15, 2, 0, RW1, .special = SYS_NOP),
    REG("CPUECTLR_EL1", 3, 1, 15, 2, 1, RW1, .special = SYS_NOP),
    REG("CPUMERRSR_EL1", 3, 1, 15, 2, 2, RW1, .special = SYS_NOP),
    REG("L2MERRSR_EL1", 3, 1, 15, 2, 3, RW1, .special = SYS_NOP),
    REG("CBAR_EL1",     3, 1, 15, 3, 0, R1),

    /* Caches: there are none; code that was written is always seen. */
    OP("IC IALLUIS",    0, 7, 1, 0, W1, .special = SYS_NOP),
    OP("IC IALLU",      0, 7, 5, 0, W1, .special = SYS_NOP),
    OP("IC IVAU",       3, 7, 5, 1, W01, .special = SYS_CACHE, .key0 = KEY_UCI),
    OP("DC IVAC",       0, 7, 6, 1, W1, .special = SYS_NOP),
    OP("DC ISW",        0, 7, 6, 2, W1, .special = SYS_NOP),
    OP("DC CSW",        0, 7, 10, 2, W1, .special = SYS_NOP),
    OP("DC CISW",       0, 7, 14, 2, W1, .special = SYS_NOP),
    OP("DC ZVA",        3, 7, 4, 1, W01, .special = SYS_ZVA, .key0 = KEY_DZE),
    OP("DC CVAC",       3, 7, 10, 1, W01, .special = SYS_CACHE, .key0 = KEY_UCI),
    OP("DC CVAU",       3, 7, 11, 1, W01, .special = SYS_CACHE, .key0 = KEY_UCI),
    OP("DC CVAP",       3, 7, 12, 1, W01, .special = SYS_CACHE, .key0 = KEY_UCI,
       .feature = FEAT_DPB),
    OP("DC CIVAC",      3, 7, 14, 1, W01, .special = SYS_CACHE, .key0 = KEY_UCI),

    /* Translations. */
    OP("AT S1E1R",      0, 7, 8, 0, W1, .slots = true, .write = at, .value = 0),
    OP("AT S1E1W",      0, 7, 8, 1, W1, .slots = true, .write = at, .value = 1),
    OP("AT S1E0R",      0, 7, 8, 2, W1, .slots = true, .write = at, .value = 2),
    OP("AT S1E0W",      0, 7, 8, 3, W1, .slots = true, .write = at, .value = 3),
    TLBI("VMALLE1", 0, tlbi_all),
    TLBI("VAE1",    1, tlbi_va),
    TLBI("ASIDE1",  2, tlbi_asid),
    TLBI("VAAE1",   3, tlbi_vaa),
    TLBI("VALE1",   5, tlbi_va),
    TLBI("VAALE1",  7, tlbi_vaa),
    { 0 }
};

const SysReg *sysreg_find(u32 enc, u32 features)
{
    for (const SysReg *r = sysregs; r->name; r++) {
        if (r->enc == enc) {
            return !r->feature || features & r->feature ? r : NULL;
        }
    }
    return NULL;
}

void *arm_place(ArmCpu *c, u32 enc, u32 *size)
{
    const SysReg *r = sysreg_find(enc, ~0u);
    const IrSlot *s = r && r->slot ? &arm_slots[r->slot] : NULL;

    if (!r || r->constant || !(s || r->size)) {
        return NULL;
    }
    if (size) {
        *size = !s ? r->size : s->type == I64 ? 8 : 4;
    }
    return (u8 *)c + (s ? s->offset : r->offset);
}

bool arm_is_fixed(u32 enc)
{
    const SysReg *r = sysreg_find(enc, ~0u);

    return sysreg_is_id(enc)
        || (r && (r->constant || r->enc == SYS_ENC(3, 1, 0, 0, 7)));
}

u64 arm_host_reg(const ArmCpu *c, u64 number)
{
    for (u32 i = 0; i < MIN(c->host_count, ARM_HOST_REGS); i++) {
        if (c->host_reg[i] == number) {
            return c->host_value[i];
        }
    }
    return 0;
}

bool sysreg_is_id(u32 enc)
{
    return enc >> 7 == SYS_ENC(3, 0, 0, 0, 0) >> 7 && bits(enc, 6, 3) >= 1
        && bits(enc, 6, 3) <= 7;
}

void sysreg_spell(u32 enc, char *buf, size_t len)
{
    snprintf(buf, len, "S%u_%u_c%u_c%u_%u", enc >> 14, enc >> 11 & 7,
             enc >> 7 & 15, enc >> 3 & 15, enc & 7);
}
