/* SPDX-License-Identifier: MIT */
/*
 * x86-64: floating point on the host's FPU.
 *
 * MXCSR holds the guest's rounding mode and collects its flags.  A host result
 * is the guest's unless it is a NaN (which one is the guest's affair), or the
 * least normal number (SSE finds underflow after rounding, most guests before:
 * it matters only there).  Then cold code asks the target's soft function.
 *
 * Intel SDM volume 1, 10.2.3 and 11.5.2; volume 2, the instructions.
 */
#include "tcg/x86_64.h"

enum {
    OP_UCOMIS = X_0F | 0x2e, OP_COMIS = X_0F | 0x2f,
    OP_CMPP = X_0F | 0xc2 | X_I8,
    OP_CVT_SI = X_0F | 0x2a, OP_CVT_TO_SI = X_0F | 0x2d,
    OP_CVTT_TO_SI = X_0F | 0x2c, OP_CVT_F = X_0F | 0x5a,
    OP_ROUND = X_3A | X_66 | X_I8,
    OP_FMADD213 = X_38 | X_66,
    ROUND_QUIET = 8,
};

/* Predicates of cmpps. */
enum { CMP_EQ = 0, CMP_UNORD = 3, CMP_EQ_UQ = 8 };

/* Prefix of scalar arithmetic, and of compares. */
static u32 scalar(bool is64)
{
    return is64 ? X_F2 : X_F3;
}

static u32 packed(bool is64)
{
    return is64 ? X_66 : 0;
}

/* ---- to the soft functions ---------------------------------------------- */

/* Where cold code begins for v, and comes back to. */
static void cold_call(Cc *c, u16 v, const int *regs, unsigned dst)
{
    u32 back = as_here(&c->hot);
    c->s = &c->cold;
    x64_op_by_call(c, v, regs, (int)dst);
    as_jmp(c->s, S_HOT, back);
    c->s = &c->hot;
}

static void jump_cold(Cc *c, unsigned cc)
{
    as_jcc(c->s, cc, S_COLD, as_here(&c->cold));
}

/* Asks if result dst is a NaN or the least normal number (also negative). */
static void check_scalar(Cc *c, u16 v, bool is64, const int *regs,
                         unsigned dst)
{
    x64_v3(c, OP_PAND, 0, dst, konst(is64 ? K_ABS64 : K_ABS32));
    x64_v2(c, OP_UCOMIS | packed(is64), 0, konst(is64 ? K_MIN64 : K_MIN32));
    jump_cold(c, CC_E);
    cold_call(c, v, regs, dst);
}

static void compare_packed(Cc *c, bool is64, unsigned dst, unsigned a, Opd b,
                           unsigned predicate)
{
    x64_v3(c, OP_CMPP | packed(is64), dst, a, b);
    as_8(c->s, (u8)predicate);
}

static void check_vector(Cc *c, u16 v, bool is64, const int *regs,
                         unsigned dst)
{
    Opd least = konst(is64 ? K_MIN64 : K_MIN32);
    x64_v3(c, OP_PAND, 0, dst, konst(is64 ? K_ABS64 : K_ABS32));
    if (c->has.avx) {
        compare_packed(c, is64, 0, 0, least, CMP_EQ_UQ);
    } else {
        x64_move(c, V128T, 1, 0);
        compare_packed(c, is64, 1, 1, reg_opd(1), CMP_UNORD);
        compare_packed(c, is64, 0, 0, least, CMP_EQ);
        x64_v3(c, OP_POR, 0, 0, reg_opd(1));
    }
    x64_v2(c, OP_PTEST, 0, reg_opd(0));
    jump_cold(c, CC_NE);
    cold_call(c, v, regs, dst);
}

/* Operands in registers, which the result's is not: cold code needs them. */
static unsigned operands(Cc *c, u16 v, int *regs)
{
    const Ins *i = ins_of(c, v);
    const u16 operand[4] = { i->a.id, i->b.id, i->c.id, i->d.id };
    for (unsigned n = 0; n < 4; n++) {
        regs[n] = operand[n] ? alloc_use(&c->a, operand[n]) : -1;
    }
    return (unsigned)alloc_def_new(&c->a, v);
}

/* ---- scalar arithmetic -------------------------------------------------- */

void x64_farith(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    bool is64 = i->type == F64;
    int regs[4];
    if (!c->b->fp_inline) {
        x64_call_op(c, v, row);
        return;
    }
    unsigned dst = operands(c, v, regs);
    int b = regs[1] < 0 ? regs[0] : regs[1];        /* sqrt has one */
    x64_v3(c, row->op[0] | scalar(is64), dst, (unsigned)regs[0],
           reg_opd((unsigned)b));
    check_scalar(c, v, is64, regs, dst);
}

void x64_ffma(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    bool vector = i->type == V128T;
    bool is64 = vector ? i->sub == L64 : i->type == F64;
    int regs[4];
    if (!c->b->fp_inline || !c->has.fma) {
        x64_call_op(c, v, row);
        return;
    }
    unsigned dst = operands(c, v, regs);
    x64_move(c, V128T, dst, (unsigned)regs[0]);
    as_vex(c->s, OP_FMADD213 | row->op[0] | (is64 ? X_W : 0), dst,
           (unsigned)regs[1], reg_opd((unsigned)regs[2]));
    if (vector) {
        check_vector(c, v, is64, regs, dst);
    } else {
        check_scalar(c, v, is64, regs, dst);
    }
}

/* Equal ones may be zeros of two signs. */
void x64_fminmax(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    bool is64 = i->type == F64;
    int regs[4];
    if (!c->b->fp_inline) {
        x64_call_op(c, v, row);
        return;
    }
    unsigned dst = operands(c, v, regs);
    unsigned a = (unsigned)regs[0], b = (unsigned)regs[1];
    x64_v2(c, OP_UCOMIS | packed(is64), a, reg_opd(b));
    jump_cold(c, CC_E);
    x64_v3(c, row->op[0] | scalar(is64), dst, a, reg_opd(b));
    cold_call(c, v, regs, dst);
}

/*
 * ucomis: less CF; equal ZF; unordered CF, ZF and PF.  Which NaNs signal is
 * the guest's affair.
 */
void x64_fcmpf(Cc *c, u16 v, const HostOp *row)
{
    static const struct { u8 cc; u32 word; } ways[] = {
        { CC_B, FLAG_N }, { CC_E, FLAG_Z | FLAG_C },
    };
    const Ins *i = ins_of(c, v);
    bool is64 = ins_of(c, i->a.id)->type == F64;
    int regs[4];
    if (!c->b->fp_inline) {
        x64_call_op(c, v, row);
        return;
    }
    unsigned dst = operands(c, v, regs);
    unsigned a = (unsigned)regs[0], b = (unsigned)regs[1];
    x64_v2(c, (i->sub ? OP_COMIS : OP_UCOMIS) | packed(is64), a, reg_opd(b));
    jump_cold(c, CC_P);
    as_mov_imm(c->s, dst, FLAG_C, false);
    for (unsigned n = 0; n < countof(ways); n++) {
        as_mov_imm(c->s, RCX, ways[n].word, false);
        as_op(c->s, OP_CMOV | ways[n].cc, dst, reg_opd(RCX));
    }
    cold_call(c, v, regs, dst);
}

/* ---- conversions -------------------------------------------------------- */

void x64_f2f(Cc *c, u16 v, const HostOp *row)
{
    bool to64 = ins_of(c, v)->type == F64;
    int regs[4];
    if (!c->b->fp_inline) {
        x64_call_op(c, v, row);
        return;
    }
    unsigned dst = operands(c, v, regs);
    x64_v3(c, OP_CVT_F | scalar(!to64), dst, (unsigned)regs[0],
           reg_opd((unsigned)regs[0]));
    check_scalar(c, v, to64, regs, dst);
}

void x64_i2f(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    u32 w = wide(ins_of(c, i->a.id)->type);
    bool is_unsigned = i->sub & FR_UNSIGNED;
    int regs[4];
    if (!c->b->fp_inline) {
        x64_call_op(c, v, row);
        return;
    }
    unsigned dst = operands(c, v, regs), a = (unsigned)regs[0];
    if (is_unsigned && w) {
        as_op(c->s, OP_TEST | X_W, a, reg_opd(a));
        jump_cold(c, CC_S);
    } else if (is_unsigned) {
        as_op(c->s, OP_LD, RAX, reg_opd(a));
        a = RAX;
        w = X_W;
    }
    x64_v3(c, OP_PXOR, dst, dst, reg_opd(dst));
    x64_v3(c, OP_CVT_SI | scalar(i->type == F64) | w, dst, dst, reg_opd(a));
    if (is_unsigned && wide(ins_of(c, i->a.id)->type)) {
        cold_call(c, v, regs, dst);
    }
}

/* roundss's immediate by FpRound; AWAY has none. */
static const u8 round_mode[] = {
    [FR_EVEN] = 0, [FR_DOWN] = 1, [FR_UP] = 2, [FR_ZERO] = 3, [FR_DYN] = 4,
};

static void round_to(Cc *c, bool is64, unsigned dst, unsigned a, unsigned imm)
{
    x64_v3(c, OP_ROUND | (is64 ? 0x0b : 0x0a), dst, a, reg_opd(a));
    as_8(c->s, (u8)imm);
}

/*
 * The value is rounded quietly, so that one out of range raises invalid only;
 * converting the operand itself then raises inexact where it is due.  From
 * 2^63 on an unsigned result is in range, but the host would raise invalid.
 */
static void convert_rounded(Cc *c, const Ins *i, bool is64, unsigned dst,
                            unsigned a)
{
    bool is_unsigned = i->sub & FR_UNSIGNED;
    u32 w = i->type == I64 || is_unsigned ? X_W : 0;
    round_to(c, is64, 0, a, round_mode[i->sub & FR_MODE] | ROUND_QUIET);
    if (is_unsigned && i->type == I64) {
        x64_v2(c, OP_UCOMIS | packed(is64), 0, konst(is64 ? K_2P63_64
                                                          : K_2P63_32));
        jump_cold(c, CC_AE);
    }
    x64_v2(c, OP_CVTT_TO_SI | scalar(is64) | w, dst, reg_opd(0));
}

/* Jumps to cold code if the conversion to dst went out of range. */
static void check_range(Cc *c, bool is_unsigned, bool to64, unsigned dst)
{
    if (!is_unsigned) {         /* the least integer: minus 1 overflows */
        as_alu_imm(c->s, to64 ? X_W : 0, G_CMP, reg_opd(dst), 1);
        jump_cold(c, CC_O);
    } else if (to64) {
        as_op(c->s, OP_TEST | X_W, dst, reg_opd(dst));
        jump_cold(c, CC_S);
    } else {
        as_op(c->s, OP_LD, RAX, reg_opd(dst));
        as_op(c->s, OP_CMP | X_W, RAX, reg_opd(dst));
        jump_cold(c, CC_NE);
    }
}

void x64_f2i(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    unsigned mode = i->sub & FR_MODE;
    bool is_unsigned = i->sub & FR_UNSIGNED, to64 = i->type == I64;
    bool is64 = ins_of(c, i->a.id)->type == F64;
    int regs[4];
    if (!c->b->fp_inline || mode == FR_AWAY) {
        x64_call_op(c, v, row);
        return;
    }
    unsigned dst = operands(c, v, regs), a = (unsigned)regs[0];
    if (!is_unsigned && (mode == FR_ZERO || mode == FR_DYN)) {
        u32 op = mode == FR_ZERO ? OP_CVTT_TO_SI : OP_CVT_TO_SI;
        x64_v2(c, op | scalar(is64) | wide(i->type), dst, reg_opd(a));
        check_range(c, false, to64, dst);
    } else {
        convert_rounded(c, i, is64, dst, a);
        check_range(c, is_unsigned, to64, dst);
        x64_v2(c, OP_CVTT_TO_SI | scalar(is64) | X_W, RAX, reg_opd(a));
    }
    cold_call(c, v, regs, dst);
}

void x64_fround(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    unsigned mode = i->sub & FR_MODE;
    bool is64 = i->type == F64;
    int regs[4];
    if (!c->b->fp_inline || mode == FR_AWAY) {
        x64_call_op(c, v, row);
        return;
    }
    unsigned dst = operands(c, v, regs);
    round_to(c, is64, dst, (unsigned)regs[0],
             round_mode[mode] | (i->sub & FR_EXACT ? 0 : ROUND_QUIET));
    x64_v2(c, OP_UCOMIS | packed(is64), dst, reg_opd(dst));
    jump_cold(c, CC_P);
    cold_call(c, v, regs, dst);
}

/* ---- vectors ------------------------------------------------------------ */

void x64_vfarith(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    bool is64 = i->sub == L64;
    u32 op = row->op[0] | packed(is64);
    int regs[4];
    if (!c->b->fp_inline) {
        x64_call_op(c, v, row);
        return;
    }
    unsigned dst = operands(c, v, regs);
    if (regs[1] < 0) {
        x64_v2(c, op, dst, reg_opd((unsigned)regs[0]));
    } else {
        x64_v3(c, op, dst, (unsigned)regs[0], reg_opd((unsigned)regs[1]));
    }
    check_vector(c, v, is64, regs, dst);
}

/* a >= b is b <= a where there is no predicate for it. */
void x64_vfcmp(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    unsigned predicate = row->op[c->has.avx];
    int regs[4];
    if (!c->b->fp_inline) {
        x64_call_op(c, v, row);
        return;
    }
    unsigned dst = operands(c, v, regs);
    bool swap = !c->has.avx && i->op != IR_vfceq;
    compare_packed(c, i->sub == L64, dst, (unsigned)regs[swap],
                   reg_opd((unsigned)regs[!swap]), predicate);
}
