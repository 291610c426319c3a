/* SPDX-License-Identifier: MIT */
/*
 * MIPS privileged instructions.  Reference: MIPS volume II-A; PRA.  The table
 * is mips_cp0.decode, the registers are in cp0.c.
 *
 * Where nothing but a value is behind a register, MFC0 and MTC0 move a slot;
 * else a helper does it, and if modes may have changed the block ends.
 *
 * There is one set of general registers: RDPGPR and WRPGPR move in it.
 */
#include <sched.h>
#include "target/mips/cp0.h"
#include "target/mips/translate.h"
#include "mips_cp0.forms.h"

/* ---- moves -------------------------------------------------------------- */

static u64 insn_read_cp0(void *env, u32 row)
{
    return mips_cp0_read(env, &mips_cp0_regs[row]);
}
HELPER(insn_read_cp0, H_READ, i64, ptr, i32);

static void insn_write_cp0(void *env, u32 row, u64 v)
{
    mips_cp0_write(env, &mips_cp0_regs[row], v);
}
HELPER(insn_write_cp0, H_READ | H_WRITE, void, ptr, i32, i64);

static bool may_use(Ctx *c)
{
    return c->key & KEY_CP0 || !raise_cpu(c, 0);
}

static u32 row_of(const Cp0Reg *r)
{
    return (u32)(r - mips_cp0_regs);
}

/* All 64 bits of a register, or c->reg if it has a slot. */
static Val read_row(Ctx *c, const Cp0Reg *r)
{
    if (r->slot && !r->read) {
        return ir_get(c->b, r->slot);
    }
    return IR_CALL(c->b, &helper_insn_read_cp0, ir_i32(c->b, row_of(r)));
}

static Val low_word(Ctx *c, Val v)
{
    return ir_type(c->b, v) == I64 ? ir_trunc(c->b, v) : v;
}

/* An EntryLo's RI and XI are bits 31 and 30 for MFC0, 63 and 62 for DMFC0. */
static bool is_entrylo(const Cp0Reg *r)
{
    return r->reg == 2 || (r->reg == 3 && r->sel == 0);
}

static bool mfc0(Ctx *c, form_reg a)
{
    const Cp0Reg *r = mips_cp0_find(c->cpu, a.rd, a.sel);
    Val v;

    if (!may_use(c)) {
        return true;
    }
    if (!r) {
        return set_w(c, a.rt, ir_i32(c->b, 0));
    }
    v = read_row(c, r);
    if (is_entrylo(r) && ir_type(c->b, v) == I64) {
        Val top = ir_shr(c->b, v, ir_i64(c->b, 62));
        v = ir_deposit(c->b, ir_trunc(c->b, v), ir_trunc(c->b, top), 30, 2);
    }
    return set_w(c, a.rt, low_word(c, v));
}

static bool dmfc0(Ctx *c, form_reg a)
{
    const Cp0Reg *r = mips_cp0_find(c->cpu, a.rd, a.sel);

    if (!may_use(c)) {
        return true;
    }
    if (!r) {
        return set_r(c, a.rt, imm_r(c, 0));
    }
    Val v = read_row(c, r);
    return set_r(c, a.rt, r->narrow ? widen(c, ir_trunc(c->b, v)) : v);
}

/* Those with slots are changed under their masks. */
static void write_row(Ctx *c, const Cp0Reg *r, Val v)
{
    Val mask;

    if (r->write || !r->slot) {
        if (ir_type(c->b, v) == I32) {
            v = ir_zext(c->b, v);
        }
        IR_CALL(c->b, &helper_insn_write_cp0, ir_i32(c->b, row_of(r)), v);
        c->stop = true;
        return;
    }
    mask = imm_r(c, (i64)mips_cp0_mask(c->cpu, r));
    v = ir_and(c->b, v, mask);
    v = ir_or(c->b, v, ir_and(c->b, ir_get(c->b, r->slot),
                              ir_not(c->b, mask)));
    ir_put(c->b, r->slot, v);
}

static bool mtc0(Ctx *c, form_reg a)
{
    const Cp0Reg *r = mips_cp0_find(c->cpu, a.rd, a.sel);
    Val v;

    if (!may_use(c) || !r) {
        return true;
    }
    v = get_r(c, a.rt);
    if (c->reg == I64) {
        v = ir_sext(c->b, ir_trunc(c->b, v));
        if (is_entrylo(r)) {
            Val top = ir_shr(c->b, v, ir_i64(c->b, 30));
            v = ir_deposit(c->b, ir_extract(c->b, v, 0, 30), top, 62, 2);
        }
    }
    write_row(c, r, v);
    return true;
}

static bool dmtc0(Ctx *c, form_reg a)
{
    const Cp0Reg *r = mips_cp0_find(c->cpu, a.rd, a.sel);

    if (may_use(c) && r) {
        write_row(c, r, get_r(c, a.rt));
    }
    return true;
}

/*
 * MFHC0 and MTHC0: the upper halves of what XPA extends, of which there is
 * none here: they read as zero.
 */
static bool mfhc0(Ctx *c, form_reg a)
{
    return !may_use(c) || set_w(c, a.rt, ir_i32(c->b, 0));
}

static bool mthc0(Ctx *c, form_reg a)
{
    (void)a;
    may_use(c);
    return true;
}

static bool move_shadow(Ctx *c, form_shadow a)
{
    return !may_use(c) || set_r(c, a.rd, get_r(c, a.rt));
}

/* ---- interrupts --------------------------------------------------------- */

static u32 insn_change_ie(void *env, u32 on)
{
    MipsCpu *c = env;
    u32 old = (u32)c->status;

    mips_set_status(c, on ? old | ST_IE : old & ~(u32)ST_IE);
    return old;
}
HELPER(insn_change_ie, H_READ | H_WRITE, i32, ptr, i32);

static bool set_ie(Ctx *c, form_reg a, bool on)
{
    if (!may_use(c)) {
        return true;
    }
    c->stop = true;
    return set_w(c, a.rt, IR_CALL(c->b, &helper_insn_change_ie,
                                  ir_i32(c->b, on)));
}

/* ---- TLB ---------------------------------------------------------------- */

#define TLB_HELPER(name, call)                                              \
    static void name(void *env)                                             \
    {                                                                       \
        MipsCpu *c = env;                                                   \
        call;                                                               \
    }                                                                       \
    HELPER(name, H_READ | H_WRITE, void, ptr)

TLB_HELPER(insn_tlbr, mips_tlbr(c));
TLB_HELPER(insn_tlbwi, mips_tlbwi(c));
TLB_HELPER(insn_tlbwr, mips_tlbwr(c));
TLB_HELPER(insn_tlbp, mips_tlbp(c));
TLB_HELPER(insn_tlbinv, mips_tlbinv(c, false));
TLB_HELPER(insn_tlbinvf, mips_tlbinv(c, true));

static bool tlb(Ctx *c, form_co a, const Helper *h)
{
    (void)a;
    if (!may_use(c)) {
        return true;
    }
    IR_CALL(c->b, h);
    return c->stop = true;
}

/* ---- ERET, WAIT --------------------------------------------------------- */

static void mips_return(void *env)
{
    mips_eret(env);
}
HELPER(mips_return, H_ALL, void, ptr);

/* ERETNC leaves LLbit, and so what LL remembered, alone. */
static bool leave_exception(Ctx *c, bool clear)
{
    if (!may_use(c)) {
        return true;
    }
    if (clear) {
        ir_put(c->b, S_LL_ADDR, imm_r(c, -1));
    }
    IR_CALL(c->b, &helper_mips_return);
    ir_leave(c->b);
    return true;
}

static bool eret(Ctx *c, form_co a)
{
    (void)a;
    return leave_exception(c, true);
}

static bool eretnc(Ctx *c, form_co a)
{
    (void)a;
    return leave_exception(c, false);
}

static void mips_wait(void *env, u64 next)
{
    MipsCpu *c = env;

    c->cpu.tcg.pc = next;
    if (!mips_wakes(&c->cpu)) {
        cpu_halt(&c->cpu);
    }
    mips_check_lines(c);
}
HELPER(mips_wait, H_ALL, void, ptr, i64);

/* In a delay slot, where it has no business, it does not wait. */
static bool wait(Ctx *c, form_co a)
{
    Val next = ir_pc(c->b, c->at + 4);

    (void)a;
    if (!may_use(c) || c->in_slot) {
        return true;
    }
    IR_CALL(c->b, &helper_mips_wait,
            c->reg == I32 ? ir_zext(c->b, next) : next);
    ir_leave(c->b);
    return true;
}

/* ---- RDHWR -------------------------------------------------------------- */

enum { HWR_CPUNUM, HWR_SYNCI_STEP, HWR_CC, HWR_CCRES, HWR_PERFCTR, HWR_XNP,
       HWR_ULR = 29 };
enum { SYNCI_STEP = 32, CC_RESOLUTION = 2 };

static u64 insn_read_hwr(void *env, u32 n)
{
    MipsCpu *c = env;

    switch (n) {
    case HWR_CPUNUM:     return c->ebase & 0x3ff;
    case HWR_SYNCI_STEP: return SYNCI_STEP;
    case HWR_CC:         return (u64)(i32)mips_count(c);
    case HWR_CCRES:      return CC_RESOLUTION;
    }
    return 0;
}
HELPER(insn_read_hwr, H_READ, i64, ptr, i32);

static void insn_check_hwr(void *env, u32 n)
{
    MipsCpu *c = env;

    if (!(c->hwrena >> n & 1)) {
        mips_exception(c, EXC_RI, 0);
        cpu_resume(&c->cpu);
    }
}
HELPER(insn_check_hwr, H_ALL, void, ptr, i32);

static bool rdhwr(Ctx *c, form_rdhwr a)
{
    if (a.rd == HWR_ULR) {
        return c->key & KEY_ULR
            && set_r(c, a.rt, ir_get(c->b, S_USERLOCAL));
    }
    if (a.rd > HWR_XNP || (a.rd > HWR_CCRES && !has(c, FEAT_R6))) {
        return false;
    }
    if (!(c->key & KEY_CP0)) {
        IR_CALL(c->b, &helper_insn_check_hwr, ir_i32(c->b, a.rd));
    }
    Val v = IR_CALL(c->b, &helper_insn_read_hwr, ir_i32(c->b, a.rd));
    return set_r(c, a.rt, c->reg == I32 ? ir_trunc(c->b, v) : v);
}

#include "mips_cp0.decode.h"

bool mips_cp0(Ctx *c, u32 w)
{
    return mips_cp0_decode(c, w);
}
