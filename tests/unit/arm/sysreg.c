/* SPDX-License-Identifier: MIT */
/*
 * The table of AArch64 system registers, and MSR and MRS by it: rights,
 * traps, writable bits, timers, models.
 */
#include "fix.h"
#include "target/arm/sysreg.h"

#define MSR(enc, rt) (0xd5000000u | (u32)(enc) << 5 | (rt))
#define MRS(enc, rt) (MSR(enc, rt) | 1u << 21)

enum {
    CTR = SYS_ENC(3, 3, 0, 0, 1), SCTLR = SYS_ENC(3, 0, 1, 0, 0),
    NZCV = SYS_ENC(3, 3, 4, 2, 0), DAIF = SYS_ENC(3, 3, 4, 2, 1),
    SPSEL = SYS_ENC(3, 0, 4, 2, 0), SP_EL0 = SYS_ENC(3, 0, 4, 1, 0),
    CURRENTEL = SYS_ENC(3, 0, 4, 2, 2), TTBR0 = SYS_ENC(3, 0, 2, 0, 0),
    CNTKCTL = SYS_ENC(3, 0, 14, 1, 0), CNTVCT = SYS_ENC(3, 3, 14, 0, 2),
    CNTV_TVAL = SYS_ENC(3, 3, 14, 3, 0), CNTV_CTL = SYS_ENC(3, 3, 14, 3, 1),
    CNTV_CVAL = SYS_ENC(3, 3, 14, 3, 2), TPIDR_EL0 = SYS_ENC(3, 3, 13, 0, 2),
    PMCR = SYS_ENC(3, 3, 9, 12, 0), PMCNTENSET = SYS_ENC(3, 3, 9, 12, 1),
    PMCCNTR = SYS_ENC(3, 3, 9, 13, 0), PFR0 = SYS_ENC(3, 0, 0, 4, 0),
    UNUSED_ID = SYS_ENC(3, 0, 0, 7, 7), NOWHERE = SYS_ENC(3, 7, 15, 15, 7),
    CCSIDR = SYS_ENC(3, 1, 0, 0, 0), CSSELR = SYS_ENC(3, 2, 0, 0, 0),
    OSLAR = SYS_ENC(2, 0, 1, 0, 4), OSLSR = SYS_ENC(2, 0, 1, 1, 4),
    ISR = SYS_ENC(3, 0, 12, 1, 0),
};

static u64 mrs(Fix *x, u32 enc)
{
    x->c->x[3] = 0xdeadbeefdeadbeef;
    run(x, MRS(enc, 3));
    return x->c->x[3];
}

static void msr(Fix *x, u32 enc, u64 v)
{
    x->c->x[3] = v;
    run(x, MSR(enc, 3));
}

static bool undefined(const Fix *x)
{
    return x->c->cpu.tcg.pc != HERE + 4 && x->c->esr >> 26 == EC_UNKNOWN;
}

/* ---- the table ---------------------------------------------------------- */

static void table(Fix *x)
{
    for (const SysReg *r = sysregs; r->name; r++) {
        for (const SysReg *q = sysregs; q < r; q++) {
            if (q->enc == r->enc || strcmp(q->name, r->name) == 0) {
                printf("# %s and %s\n", q->name, r->name);
                x->wrong = true;
            }
        }
        expect(x, r->name, r->slot < ARM_SLOTS, 1);
        expect(x, r->name, r->offset + r->size <= sizeof(ArmCpu), 1);
        expect(x, r->name, r->rights != 0 && r->rights <= RW01, 1);
        expect(x, r->name, r->size == 0 || r->size == 4 || r->size == 8, 1);
        expect(x, r->name, sysreg_is_id(r->enc), 0);
        expect(x, r->name, !r->ends || (r->write && r->slots), 1);
        expect(x, r->name, !r->constant || !(r->rights & (W0 | W1)), 1);
    }
    for (u32 i = 0; i < ARM_SLOTS; i++) {
        expect(x, "slot has a name", arm_slots[i].name != NULL, 1);
    }
    report(x, "table");
}

static void each_at_el1(Fix *x)
{
    for (const SysReg *r = sysregs; r->name; r++) {
        if (r->special == SYS_ZVA || !sysreg_find(r->enc, x->c->features)) {
            continue;                   /* it needs memory; not of this model */
        }
        restart(x);
        mrs(x, r->enc);
        expect(x, r->name, !undefined(x), (r->rights & R1) != 0);
        restart(x);
        msr(x, r->enc, 0);
        expect(x, r->name, !undefined(x), (r->rights & W1) != 0);
    }
    report(x, "every register at EL1");
}

/* Nothing traps at EL0 with every EL0 right given. */
static void each_at_el0(Fix *x)
{
    enum { ALLOWED = SCTLR_UCT | SCTLR_UCI | SCTLR_DZE | SCTLR_UMA };

    for (u32 i = 0; i < 2; i++) {
        for (const SysReg *r = sysregs; r->name; r++) {
            if (r->special == SYS_ZVA || r->special == SYS_CACHE) {
                continue;               /* they need memory */
            }
            restart(x);
            x->c->sctlr |= ALLOWED;
            x->c->cntkctl = 0x303;
            x->c->pmuserenr = 15;
            x->c->cpacr = 3 << 20;
            go_to(x, 0);
            run(x, i ? MSR(r->enc, 31) : MRS(r->enc, 3));
            expect(x, r->name, !undefined(x),
                   (r->rights & (i ? W0 : R0)) != 0);
        }
    }
    report(x, "every register at EL0");
}

/* Writable bits, where a register is plainly stored. */
static void writable_bits(Fix *x)
{
    for (const SysReg *r = sysregs; r->name; r++) {
        u64 rw = r->rw ? r->rw : ~0ull;
        if ((!r->slot && !r->size) || r->write || r->special
            || (r->rights & RW1) != RW1) {
            continue;
        }
        restart(x);
        msr(x, r->enc, ~0ull);
        expect(x, r->name, mrs(x, r->enc), rw);
        msr(x, r->enc, 0);
        expect(x, r->name, mrs(x, r->enc), 0);
    }
    report(x, "writable bits");
}

/* ---- single registers --------------------------------------------------- */

static void traps(Fix *x)
{
    restart(x);
    x->c->sctlr &= ~(u64)(SCTLR_UCT | SCTLR_UMA);
    go_to(x, 0);
    run(x, MRS(CTR, 7));
    expect(x, "CTR_EL0", x->c->esr, ESR(EC_SYSREG, 0x32c0e1));
    go_to(x, 0);
    run(x, MSR(DAIF, 7));
    expect(x, "DAIF", x->c->esr, ESR(EC_SYSREG, 0x32d0e4));
    restart(x);
    go_to(x, 0);
    run(x, MRS(CNTVCT, 1));
    expect(x, "CNTVCT_EL0", x->c->esr, ESR(EC_SYSREG, 0x34f821));
    restart(x);
    go_to(x, 0);
    run(x, MRS(PMCCNTR, 1));
    expect(x, "PMCCNTR_EL0", x->c->esr, ESR(EC_SYSREG, 0x30e43b));
    expect(x, "vector", x->c->cpu.tcg.pc, x->c->vbar + 0x400);
    expect(x, "ELR", x->c->elr, HERE);
    report(x, "traps of EL0");
}

static void pstate_registers(Fix *x)
{
    restart(x);
    expect(x, "CurrentEL", mrs(x, CURRENTEL), 4);
    expect(x, "SPSel", mrs(x, SPSEL), 1);
    expect(x, "DAIF", mrs(x, DAIF), 0x3c0);
    msr(x, NZCV, 0xffffffffull);
    expect(x, "NZCV", mrs(x, NZCV), 0xf0000000);
    msr(x, NZCV, 0x60000000);
    expect(x, "NZCV", mrs(x, NZCV), 0x60000000);
    msr(x, DAIF, 0x340);
    expect(x, "DAIF", x->c->daif, 0x340);
    msr(x, SP_EL0, 0x1230);
    expect(x, "SP_EL0", x->c->sp_el[0], 0x1230);
    msr(x, SPSEL, 0);
    expect(x, "SP", x->c->sp, 0x1230);
    restart(x);
    msr(x, SPSEL, 0);
    x->c->cpu.tcg.pc = HERE;
    mrs(x, SP_EL0);
    expect(x, "SP_EL0 while in use", undefined(x), 1);
    report(x, "PSTATE");
}

static void control(Fix *x)
{
    u64 space;

    restart(x);
    expect(x, "key", x->c->cpu.key & (KEY_MMU | KEY_A), KEY_A);
    msr(x, TTBR0, 7ull << 48);
    space = x->c->cpu.space;
    msr(x, SCTLR, x->c->sctlr | SCTLR_M);
    expect(x, "pc", x->c->cpu.tcg.pc, HERE + 8);
    expect(x, "key", x->c->cpu.key & (KEY_MMU | KEY_A), KEY_MMU);
    expect(x, "space", x->c->cpu.space != space, 1);
    expect(x, "ASID", x->c->cpu.space & 0xffff, 7);
    msr(x, TTBR0, 9ull << 48);
    expect(x, "ASID", x->c->cpu.space & 0xffff, 9);
    expect(x, "OSLSR_EL1", mrs(x, OSLSR), 10);
    msr(x, OSLAR, 0);
    expect(x, "OSLSR_EL1", mrs(x, OSLSR), 8);
    x->c->cpu.lines = 1 << ARM_LINE_IRQ;
    expect(x, "ISR_EL1", mrs(x, ISR), 0x80);
    report(x, "control");
}

static void identification(Fix *x)
{
    restart(x);
    expect(x, "MIDR_EL1", mrs(x, SYS_ENC(3, 0, 0, 0, 0)), 0x411fd070);
    expect(x, "MPIDR_EL1", mrs(x, SYS_ENC(3, 0, 0, 0, 5)), 0x80000000);
    expect(x, "ID_AA64PFR0_EL1", mrs(x, PFR0), 0x11);
    expect(x, "an unused ID register", mrs(x, UNUSED_ID), 0);
    expect(x, "CCSIDR_EL1", mrs(x, CCSIDR), 0x701fe00a);
    msr(x, CSSELR, 2);
    expect(x, "CCSIDR_EL1", mrs(x, CCSIDR), 0x70ffe07a);
    restart(x);
    mrs(x, NOWHERE);
    expect(x, "S3_7_c15_c15_7", undefined(x), 1);
    report(x, "identification");
}

static void timer(Fix *x)
{
    ArmCpu *c = x->c;
    u64 first, left;

    restart(x);
    clock_pause(false);
    while (clock_now(CLOCK_VIRTUAL_NS) < 1000) {
        /* the counter begins at 0: a time before now is wanted below */
    }
    first = mrs(x, CNTVCT);
    expect(x, "the counter counts", mrs(x, CNTVCT) >= first, 1);
    msr(x, CNTV_CVAL, ~0ull);
    msr(x, CNTV_CTL, 1);
    expect(x, "CTL", mrs(x, CNTV_CTL), 1);
    expect(x, "line", c->out[ARM_OUT_CNTV].level, 0);
    msr(x, CNTV_CVAL, 0);
    expect(x, "CTL", mrs(x, CNTV_CTL), 5);
    expect(x, "line", c->out[ARM_OUT_CNTV].level, 1);
    msr(x, CNTV_CTL, 3);
    expect(x, "CTL", mrs(x, CNTV_CTL), 7);
    expect(x, "masked", c->out[ARM_OUT_CNTV].level, 0);
    msr(x, CNTV_TVAL, 0x7fffffff);
    left = mrs(x, CNTV_TVAL);
    expect(x, "TVAL", left <= 0x7fffffff && left > 0x70000000, 1);
    msr(x, CNTV_TVAL, 0xfffffffe);
    expect(x, "TVAL is signed", mrs(x, CNTV_CTL), 7);
    restart(x);
    msr(x, CNTKCTL, 2);
    go_to(x, 0);
    mrs(x, CNTVCT);
    expect(x, "EL0 may", c->cpu.tcg.pc, HERE + 8);
    report(x, "timer");
}

static void cycle_counter(Fix *x)
{
    u64 first;

    restart(x);
    expect(x, "PMCR_EL0", mrs(x, PMCR), 0x41010000);
    msr(x, PMCCNTR, 1000);
    expect(x, "stopped", mrs(x, PMCCNTR), 1000);
    msr(x, PMCNTENSET, ~0ull);
    expect(x, "counters", mrs(x, PMCNTENSET), 1u << 31);
    msr(x, PMCR, PMCR_E | PMCR_C);
    first = mrs(x, PMCCNTR);
    expect(x, "it runs", mrs(x, PMCCNTR) >= first, 1);
    msr(x, PMCR, 0);
    first = mrs(x, PMCCNTR);
    expect(x, "it stopped", mrs(x, PMCCNTR), first);
    report(x, "cycle counter");
}

/* ---- models ------------------------------------------------------------- */

/* A Cortex-A57 with LSE, as an accelerator may have it. */
static bool host_id(const Machine *m, u32 enc, u64 *v)
{
    (void)m;
    *v = enc == SYS_ENC(3, 0, 0, 0, 0) ? 0x411fd072
       : enc == SYS_ENC(3, 0, 0, 6, 0) ? 0x211120 : 0;
    return true;
}

static void host_models(Fix *x)
{
    Machine *m = g_new0(Machine, 1);
    ArmCpu *c = g_new0(ArmCpu, 1);
    Err err = { "" };

    m->host_id = host_id;
    c->cpu.machine = m;
    expect(x, "host", arm_set_model(c, "host", "pmu=off", &err), 1);
    expect(x, "its features", c->features, FEAT_AES | FEAT_PMULL | FEAT_SHA1
           | FEAT_SHA256 | FEAT_CRC32 | FEAT_LSE);
    expect(x, "its name", arm_set_model(c, "cortex-a57", "lse=on", &err), 1);
    expect(x, "MIDR", c->midr, 0x411fd072);
    expect(x, "no error", err.text[0], 0);
    expect(x, "other", arm_set_model(c, "cortex-a53", "", &err), 0);
    expect(x, "less", arm_set_model(c, "host", "lse=off", &err), 0);
    report(x, "the host's model");
    g_free(c);
    g_free(m);
}

static void model_props(Fix *x)
{
    ArmCpu *c = g_new0(ArmCpu, 1);
    Err err = { "" };

    for (u32 i = 0; arm_models[i]; i++) {
        bool host = strcmp(arm_models[i], "host") == 0;
        expect(x, arm_models[i], arm_set_model(c, arm_models[i], "", &err),
               !host);
    }
    err.text[0] = 0;
    arm_set_model(c, "cortex-a57", "", &err);
    expect(x, "ISAR0", c->id[48], 0x11120);
    expect(x, "DFR0", c->id[40], 0x10305106);
    arm_set_model(c, "cortex-a57", "aes=off,pmu=off,lse=on", &err);
    expect(x, "ISAR0", c->id[48], 0x211100);
    expect(x, "DFR0", c->id[40], 0x10305006);
    expect(x, "fixed", arm_set_model(c, "max", "sve=off,pmull=off", &err), 1);
    expect(x, "ISAR0 of max", c->id[48], 0x10211110);
    expect(x, "no error", err.text[0], 0);
    expect(x, "not here", arm_set_model(c, "max", "sve=on", &err), 0);
    err.text[0] = 0;
    expect(x, "model", arm_set_model(c, "cortex-a99", "", &err), 0);
    expect(x, "error", err.text[0] != 0, 1);
    err.text[0] = 0;
    expect(x, "feature", arm_set_model(c, "max", "aess=on", &err), 0);
    expect(x, "error", err.text[0] != 0, 1);
    err.text[0] = 0;
    expect(x, "value", arm_set_model(c, "max", "aes=maybe", &err), 0);
    expect(x, "error", err.text[0] != 0, 1);
    g_free(c);
    report(x, "models");
}

static void debugger(Fix *x)
{
    const Target *t = x->c->cpu.target;
    u32 last = 0, core = 0, sizes = 0;

    for (const GuestReg *r = t->regs; r->name; r++) {
        if (r->gdb >= 0) {
            last = MAX(last, (u32)r->gdb);
            core++;
            sizes += r->size;
        }
    }
    expect(x, "registers", core, 68);
    expect(x, "last", last, 67);
    expect(x, "bytes", sizes, 33 * 8 + 4 + 32 * 16 + 8);
    report(x, "debugger's registers");
}

int main(void)
{
    static void (*const tests[])(Fix *) = {
        table, each_at_el1, each_at_el0, writable_bits, traps,
        pstate_registers, control, identification, timer, cycle_counter,
        model_props, host_models, debugger,
    };

    return run_tests(tests, countof(tests));
}
