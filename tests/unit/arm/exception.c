/* SPDX-License-Identifier: MIT */
/*
 * Exception entry and return of AArch64: every piece of state, from single
 * instructions.  Arm ARM (DDI 0487) D1.3, D1.4.
 */
#include "fix.h"

enum { SVC_5 = 0xd40000a1, BRK_9 = 0xd4200120, ERET = 0xd69f03e0,
       NOP = 0xd503201f, WFI = 0xd503207f, HVC_0 = 0xd4000002,
       SMC_0 = 0xd4000003, DAIFCLR_2 = 0xd50342ff, DAIFSET_2 = 0xd50342df,
       SPSEL_0 = 0xd50040bf, UDF_0 = 0, ISB = 0xd5033fdf, DSB_SY = 0xd5033f9f,
       DMB_ISHST = 0xd5033abf, CLREX = 0xd5033f5f, YIELD = 0xd503203f,
       WFE = 0xd503205f, SEV = 0xd503209f, SEVL = 0xd50320bf,
       PACIASP = 0xd503233f, DC_ZVA_X1 = 0xd50b7421 };


static void expect_entry(Fix *x, u64 vector, u64 ec, u64 ret)
{
    ArmCpu *c = x->c;

    expect(x, "vector", c->cpu.tcg.pc, c->vbar + vector);
    expect(x, "EC", c->esr >> 26, ec);
    expect(x, "IL", c->esr >> 25 & 1, 1);
    expect(x, "ELR", c->elr, ret);
    expect(x, "PSTATE", pstate_get(c) & 0x3ff, 0x3c5);
}

static void svc_and_back(Fix *x)
{
    ArmCpu *c = x->c;

    restart(x);
    c->sp = 0x1111;                     /* SP_EL1 */
    go_to(x, 0);
    c->sp = 0x2222;                     /* SP_EL0 */
    c->nzcv = FLAG_N | FLAG_C;
    run(x, SVC_5);
    expect_entry(x, 0x400, EC_SVC64, HERE + 4);
    expect(x, "imm", c->esr & 0xffff, 5);
    expect(x, "SPSR", c->spsr, 0xa0000000);
    expect(x, "SP", c->sp, 0x1111);
    expect(x, "SP_EL0", c->sp_el[0], 0x2222);
    expect(x, "key", c->cpu.key & (KEY_EL | KEY_SPSEL), KEY_EL | KEY_SPSEL);
    c->excl_addr = 0x1000;
    c->nzcv = 0;
    run(x, ERET);
    expect(x, "pc", c->cpu.tcg.pc, HERE + 4);
    expect(x, "PSTATE", pstate_get(c), 0xa0000000);
    expect(x, "SP", c->sp, 0x2222);
    expect(x, "monitor", c->excl_addr, ~0ull);
    expect(x, "key", c->cpu.key & (KEY_EL | KEY_SPSEL), 0);
    report(x, "SVC from EL0 and ERET");
}

static void same_level(Fix *x)
{
    ArmCpu *c = x->c;

    restart(x);
    run(x, BRK_9);
    expect_entry(x, 0x200, EC_BRK, HERE);
    expect(x, "imm", c->esr & 0xffff, 9);
    restart(x);
    c->sp = 0x1111;
    c->sp_el[0] = 0x2222;
    run(x, SPSEL_0);
    expect(x, "pc", c->cpu.tcg.pc, HERE + 4);
    expect(x, "SP", c->sp, 0x2222);
    run(x, UDF_0);
    expect_entry(x, 0x000, EC_UNKNOWN, HERE + 4);
    expect(x, "SPSR", c->spsr & 31, PSTATE_EL1);
    expect(x, "SP", c->sp, 0x1111);
    report(x, "BRK and undefined instruction at EL1");
}

static void undefined_here(Fix *x)
{
    static const u32 word[] = { HVC_0, SMC_0, ERET, SPSEL_0, 0xd5381000 };

    for (u32 i = 0; i < countof(word); i++) {
        restart(x);
        go_to(x, 0);
        run(x, word[i]);
        expect_entry(x, 0x400, EC_UNKNOWN, HERE);
    }
    report(x, "what EL0 may not do is undefined");
}

static void illegal_return(Fix *x)
{
    static const u32 spsr[] = { 0x10, 0x9, 0xd, 0x1, 0x1f };
    ArmCpu *c = x->c;

    for (u32 i = 0; i < countof(spsr); i++) {
        restart(x);
        c->elr = HERE + 0x100;
        c->spsr = spsr[i] | 0x40000000;
        run(x, ERET);
        expect(x, "PSTATE", pstate_get(c), 0x40100005);
        expect(x, "pc", c->cpu.tcg.pc, HERE + 0x100);
        run(x, NOP);
        expect_entry(x, 0x200, EC_ILLEGAL, HERE + 0x100);
        expect(x, "SPSR", c->spsr, 0x40100005);
    }
    report(x, "illegal returns");
}

static void misaligned_pc(Fix *x)
{
    ArmCpu *c = x->c;

    restart(x);
    c->cpu.tcg.pc = HERE + 2;
    run(x, NOP);
    expect_entry(x, 0x200, EC_PC_ALIGN, HERE + 2);
    expect(x, "FAR", c->far, HERE + 2);
    report(x, "misaligned pc");
}

static void interrupts(Fix *x)
{
    ArmCpu *c = x->c;

    restart(x);
    c->cpu.lines = 1 << ARM_LINE_IRQ;
    expect(x, "masked", arm_interrupt(&c->cpu), 0);
    expect(x, "wakes", arm_wakes(&c->cpu), 1);
    go_to(x, 0);
    expect(x, "taken", arm_interrupt(&c->cpu), 1);
    expect(x, "IRQ vector", c->cpu.tcg.pc, c->vbar + 0x480);
    expect(x, "ELR", c->elr, HERE);
    go_to(x, 1);
    c->cpu.tcg.pc = HERE;
    c->cpu.lines |= 1 << ARM_LINE_FIQ;
    expect(x, "taken", arm_interrupt(&c->cpu), 1);
    expect(x, "FIQ vector", c->cpu.tcg.pc, c->vbar + 0x300);
    c->cpu.lines = 0;
    expect(x, "asleep", arm_wakes(&c->cpu), 0);
    report(x, "interrupts");
}

static void masks(Fix *x)
{
    ArmCpu *c = x->c;

    restart(x);
    run(x, DAIFCLR_2);
    expect(x, "DAIF", c->daif, 0x340);
    expect(x, "pc", c->cpu.tcg.pc, HERE + 4);
    expect(x, "no request", c->cpu.request, 0);
    run(x, DAIFSET_2);
    expect(x, "DAIF", c->daif, 0x3c0);
    c->cpu.lines = 1 << ARM_LINE_IRQ;
    run(x, DAIFCLR_2);
    expect(x, "request", c->cpu.request, REQ_INTERRUPT);
    expect(x, "pc", c->cpu.tcg.pc, HERE + 12);
    restart(x);
    c->cpu.lines = 1 << ARM_LINE_FIQ;
    run(x, DAIFCLR_2);
    expect(x, "FIQ is masked", c->cpu.request, 0);
    report(x, "masks");
}

static void waiting(Fix *x)
{
    ArmCpu *c = x->c;

    restart(x);
    run(x, WFI);
    expect(x, "halted", c->cpu.halted, 1);
    expect(x, "pc", c->cpu.tcg.pc, HERE + 4);
    c->cpu.halted = false;
    c->cpu.lines = 1 << ARM_LINE_IRQ;
    run(x, WFI);
    expect(x, "not halted", c->cpu.halted, 0);
    expect(x, "pc", c->cpu.tcg.pc, HERE + 8);
    go_to(x, 0);
    c->sctlr &= ~(u64)SCTLR_NTWI;
    arm_mode_changed(c);
    run(x, WFI);
    expect_entry(x, 0x400, EC_WFX, HERE + 8);
    expect(x, "ISS", c->esr & 0x1ffffff, 0x1e00000);
    report(x, "WFI");
}

static void goes_on(Fix *x)
{
    static const u32 word[] = {
        NOP, ISB, DSB_SY, DMB_ISHST, CLREX, YIELD, WFE, SEV, SEVL, PACIASP,
    };

    for (u32 i = 0; i < countof(word); i++) {
        restart(x);
        x->c->excl_addr = 64;
        run(x, word[i]);
        expect(x, "pc", x->c->cpu.tcg.pc, HERE + 4);
        expect(x, "event", x->c->event, word[i] == SEV || word[i] == SEVL);
        expect(x, "monitor", x->c->excl_addr, word[i] == CLREX ? ~0ull : 64);
    }
    report(x, "hints and barriers");
}

static void zero_block(Fix *x)
{
    ArmCpu *c = x->c;

    restart(x);
    memset(x->ram->host, 0xff, 256);
    c->x[1] = HERE + 0x7c;
    run(x, DC_ZVA_X1);
    expect(x, "before", load_le(x->ram->host + 0x38, 8), ~0ull);
    expect(x, "zero", load_le(x->ram->host + 0x40, 8), 0);
    expect(x, "zero", load_le(x->ram->host + 0x78, 8), 0);
    expect(x, "after", load_le(x->ram->host + 0x80, 8), ~0ull);
    c->sctlr |= SCTLR_M | SCTLR_DZE;
    c->tcr = 16 | BIT(7);               /* nothing is mapped */
    go_to(x, 0);
    run(x, DC_ZVA_X1);
    expect(x, "ESR", c->esr, 0x92000044);
    expect(x, "FAR", c->far, HERE + 0x40);
    expect(x, "ELR", c->elr, HERE + 4);
    report(x, "DC ZVA");
}

static void psci(Fix *x)
{
    static const struct { u64 id, arg; i64 want; } row[] = {
        { 0x84000000, 0, 0x10001 },             /* PSCI_VERSION */
        { 0x8400000a, 0xc4000003, 0 },          /* PSCI_FEATURES */
        { 0x8400000a, 0x84000007, -1 },
        { 0xc4000003, 0, -4 },                  /* CPU_ON: already on */
        { 0xc4000003, 7, -2 },                  /* no such CPU */
        { 0xc4000004, 0, 0 },                   /* AFFINITY_INFO */
        { 0x84000006, 0, 2 },                   /* MIGRATE_INFO_TYPE */
        { 0x80000000, 0, 0x10000 },             /* SMCCC_VERSION */
        { 0xc4000000, 0, -1 }, { 0x12345678, 0, -1 },
    };
    ArmCpu *c = x->c;

    c->psci.hvc = true;
    for (u32 i = 0; i < countof(row); i++) {
        restart(x);
        c->x[0] = row[i].id;
        c->x[1] = row[i].arg;
        run(x, HVC_0);
        expect(x, "result", c->x[0], (u64)row[i].want);
        expect(x, "pc", c->cpu.tcg.pc, HERE + 4);
    }
    run(x, SMC_0);
    expect_entry(x, 0x200, EC_UNKNOWN, HERE + 4);
    c->psci.hvc = false;
    report(x, "PSCI");
}

static void aborts(Fix *x)
{
    static const struct { Access a; u8 el; u64 code, esr; } row[] = {
        { ACCESS_READ,  0, 0x07, 0x92000007 },
        { ACCESS_WRITE, 0, 0x0f, 0x9200004f },
        { ACCESS_FETCH, 0, 0x0b, 0x8200000b },
        { ACCESS_READ,  1, 0x21, 0x96000021 },
        { ACCESS_WRITE, 1, 0x10, 0x96000050 },
        { ACCESS_FETCH, 1, 0x15, 0x86000015 },
    };
    ArmCpu *c = x->c;

    for (u32 i = 0; i < countof(row); i++) {
        restart(x);
        go_to(x, row[i].el);
        Fault f = { .va = 0x1234, .code = row[i].code, .access = row[i].a };
        arm_fault(&c->cpu, &f);
        expect(x, "ESR", c->esr, row[i].esr);
        expect(x, "FAR", c->far, 0x1234);
        expect(x, "ELR", c->elr, HERE);
        expect(x, "pc", c->cpu.tcg.pc, c->vbar + (row[i].el ? 0x200 : 0x400));
    }
    report(x, "aborts");
}

static void sp_alignment(Fix *x)
{
    enum { LDR_SP = 0xf94003e1, LDR_Q_SP = 0x3dc003e1, PRFM_SP = 0xf98003e0,
           LDR_SP_8 = 0xf94007e1, LDR_X2 = 0xf9400041 };
    static const struct { u32 word; u64 sp, ec; bool fp_traps; } row[] = {
        { LDR_SP, 8, EC_SP_ALIGN, false }, { LDR_SP, 0, 0, false },
        { LDR_SP_8, 8, EC_SP_ALIGN, false }, { LDR_SP_8, 0, 0, false },
        { LDR_Q_SP, 8, EC_SP_ALIGN, false }, { LDR_Q_SP, 8, EC_FP, true },
        { PRFM_SP, 8, 0, false }, { LDR_X2, 8, 0, false },
        { LDR_SP, 0xff8, EC_SP_ALIGN, false },
    };
    ArmCpu *c = x->c;

    for (u32 i = 0; i < 4 * countof(row); i++) {
        unsigned el = i & 1, k = i / 4;
        bool on = !(i & 2);
        restart(x);
        c->sctlr &= ~(u64)(SCTLR_SA | SCTLR_SA0);
        c->sctlr |= !on ? 0 : el ? SCTLR_SA : SCTLR_SA0;
        c->cpacr = row[k].fp_traps ? 0 : 3 << 20;
        go_to(x, el);
        c->sp = HERE + row[k].sp;
        c->x[2] = HERE + 8;
        run(x, row[k].word);
        if (row[k].ec && (on || row[k].ec == EC_FP)) {
            expect_entry(x, el ? 0x200 : 0x400, row[k].ec, HERE);
        } else if (on || row[k].word != LDR_Q_SP) {
            expect(x, "pc", c->cpu.tcg.pc, HERE + 4);
        }
    }
    report(x, "alignment of SP");
}

static void software_step(Fix *x)
{
    ArmCpu *c = x->c;

    restart(x);
    c->oslar = 0;
    c->mdscr = 1;
    c->spsr = PSTATE_SS;
    c->elr = HERE;
    run(x, ERET);
    expect(x, "key", c->cpu.key & (KEY_SS | KEY_SS_ACTIVE),
           KEY_SS | KEY_SS_ACTIVE);
    run(x, NOP);
    expect(x, "one instruction", c->cpu.tcg.pc, HERE + 4);
    expect(x, "key", c->cpu.key & (KEY_SS | KEY_SS_ACTIVE), KEY_SS);
    run(x, NOP);
    expect_entry(x, 0x400, EC_STEP_LOWER, HERE + 4);
    expect(x, "ISS", c->esr & 0x1ffffff, 0x1000022);
    report(x, "software step");
}

static void pstate(Fix *x)
{
    static const u32 mode[] = { 0, 4, 5 };

    restart(x);
    for (u32 i = 0; i < 16 * 16 * countof(mode); i++) {
        u64 v = (u64)(i & 15) << 28 | (i >> 4 & 15) << 6 | mode[i >> 8];
        pstate_set(x->c, v);
        expect(x, "PSTATE", pstate_get(x->c), v);
    }
    pstate_set(x->c, 0x3cd);
    expect(x, "a mode that is not there", pstate_get(x->c), 0x3c5);
    report(x, "PSTATE out and in");
}

int main(void)
{
    static void (*const tests[])(Fix *) = {
        svc_and_back, same_level, undefined_here, illegal_return,
        misaligned_pc, interrupts, masks, waiting, goes_on, zero_block, psci,
        aborts, sp_alignment, software_step, pstate,
    };

    return run_tests(tests, countof(tests));
}
