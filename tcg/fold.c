/* SPDX-License-Identifier: MIT */
/*
 * Folding: constants, algebra, and conditions on flag words.
 *
 * A rule answers with an operand, a constant, or a value made through the
 * public builders of at most two instructions, each of which is nearer to a
 * canonical form: constants stand right, a - k is a + -k, a zero-extension of
 * a truncation is an and, nested fields are one field, a condition on the
 * flags of a comparison is that comparison.  No rule undoes another, so
 * folding ends.
 */
#include "tcg/fold.h"

static const Val none = { 0 };

static u64 width(Type t) { return t == I32 ? 32 : 64; }
static u64 all_ones(Type t) { return t == I32 ? 0xffffffff : ~0ull; }

static Val constant(Ir *b, const Ins *i, u64 v)
{
    return ir_const(b, (Type)i->type, v);
}

static u32 field_pos(const Ins *i) { return i->imm & 0xff; }
static u32 field_len(const Ins *i) { return (u32)(i->imm >> 8); }

/* ---- all operands constant ----------------------------------------------------- */

static bool operand_const(const Ir *b, Val v, u64 *k)
{
    *k = 0;
    return !v.id || ir_is_const(b, v, k);
}

static bool is_integer(const Ins *i)
{
    return i->op < IR_fadd && i->op != IR_bitsof && i->op > IR_get;
}

static Val fold_constants(Ir *b, const Ins *i)
{
    u64 x, y, z, w;

    if (!is_integer(i) || !operand_const(b, i->a, &x)
        || !operand_const(b, i->b, &y) || !operand_const(b, i->c, &z)
        || !operand_const(b, i->d, &w)) {
        return none;
    }
    return constant(b, i, ir_compute(i, ir_type(b, i->a), x, y, z, w));
}

/* ---- arithmetic ------------------------------------------------------------------- */

/* x + k where x is itself a sum with a constant, or an address. */
static Val add_const(Ir *b, const Ins *i, u64 k)
{
    const Ins *x = ir_def(b, i->a);
    u64 k2;

    if (k == 0) {
        return i->a;
    }
    if (x->op == IR_pc) {
        return ir_pc(b, (i64)(x->imm + k));
    }
    if (x->op == IR_add && ir_is_const(b, x->b, &k2)) {
        return ir_add(b, x->a, constant(b, i, k + k2));
    }
    return none;
}

static Val and_const(Ir *b, const Ins *i, u64 k)
{
    const Ins *x = ir_def(b, i->a);
    u64 k2;

    if (k == 0) {
        return i->b;
    }
    if (k == all_ones((Type)i->type)) {
        return i->a;
    }
    if (x->op == IR_and && ir_is_const(b, x->b, &k2)) {
        return ir_and(b, x->a, constant(b, i, k & k2));
    }
    /* A zero-extended I32 has no bits above to clear. */
    if (x->op == IR_zext && (k & 0xffffffff) == 0xffffffff) {
        return i->a;
    }
    return none;
}

static Val shift_const(Ir *b, const Ins *i, u64 k)
{
    const Ins *x = ir_def(b, i->a);
    u64 w = width((Type)i->type), k2;

    k &= w - 1;
    if (k == 0) {
        return i->a;
    }
    if (i->op == IR_shr && x->op == IR_shl && ir_is_const(b, x->b, &k2)
        && k2 <= k && k2) {
        return ir_extract(b, x->a, (u32)(k - k2), (u32)(w - k));
    }
    if (i->op == IR_sar && x->op == IR_shl && ir_is_const(b, x->b, &k2)
        && k2 <= k && k2) {
        return ir_sextract(b, x->a, (u32)(k - k2), (u32)(w - k));
    }
    return none;
}

static Val with_const(Ir *b, const Ins *i, u64 k)
{
    Type t = (Type)i->type;

    switch (i->op) {
    case IR_add: return add_const(b, i, k);
    case IR_sub: return k == 0 ? i->a : ir_add(b, i->a, constant(b, i, 0 - k));
    case IR_and: return and_const(b, i, k);
    case IR_or:  return k == 0 ? i->a : k == all_ones(t) ? i->b : none;
    case IR_xor: return k == 0 ? i->a : none;
    case IR_mul:
        return k == 0 ? i->b : k == 1 ? i->a : !is_pow2(k) ? none
            : ir_shl(b, i->a, constant(b, i, (u64)__builtin_ctzll(k)));
    case IR_udiv:
        return k == 0 ? i->b : k == 1 ? i->a : !is_pow2(k) ? none
            : ir_shr(b, i->a, constant(b, i, (u64)__builtin_ctzll(k)));
    case IR_shl: case IR_shr: case IR_sar: case IR_ror:
        return shift_const(b, i, k);
    }
    return none;
}

static Val same_operands(Ir *b, const Ins *i)
{
    switch (i->op) {
    case IR_sub: case IR_xor: return constant(b, i, 0);
    case IR_and: case IR_or:  return i->a;
    }
    return none;
}

static Val fold_binary(Ir *b, Ins *i)
{
    u64 k;

    if (ir_ops[i->op].flags & COMM && ir_is_const(b, i->a, &k)) {
        Val t = i->a;           /* constants to the right */
        i->a = i->b;
        i->b = t;
    }
    if (i->a.id == i->b.id) {
        return same_operands(b, i);
    }
    if (ir_is_const(b, i->b, &k)) {
        return with_const(b, i, k);
    }
    /* x ^ -1 & y and the like stay; 0 - (0 - x) is x. */
    const Ins *y = ir_def(b, i->b);
    u64 zero, zero2;
    if (i->op == IR_sub && y->op == IR_sub && ir_is_const(b, i->a, &zero)
        && ir_is_const(b, y->a, &zero2) && zero == 0 && zero2 == 0) {
        return y->b;
    }
    return none;
}

/* ---- widths and fields -------------------------------------------------------------- */

static Val fold_convert(Ir *b, const Ins *i)
{
    const Ins *x = ir_def(b, i->a);

    switch (i->op) {
    case IR_trunc:
        return x->op == IR_zext || x->op == IR_sext ? x->a : none;
    case IR_zext:
        return x->op == IR_trunc
            ? ir_and(b, x->a, ir_i64(b, 0xffffffff)) : none;
    case IR_sext:
        return x->op == IR_trunc ? ir_sextract(b, x->a, 0, 32) : none;
    case IR_bitsof:
        if (x->op == IR_bitsof) {
            return x->a;
        }
        if (x->op == IR_vlow && i->type == I64) {
            return ir_vget(b, L64, x->a, 0);
        }
        if (x->op == IR_vlow && i->type == I32) {
            return ir_vget(b, L32, x->a, 0);
        }
    }
    return none;
}

static Val fold_extract(Ir *b, const Ins *i)
{
    const Ins *x = ir_def(b, i->a);
    u32 pos = field_pos(i), len = field_len(i);

    if (len == width((Type)i->type)) {
        return i->a;
    }
    if (i->op == IR_extract && pos == 0) {
        return ir_and(b, i->a, constant(b, i, MASK(len)));
    }
    /* A field of a field. */
    if (x->op == IR_extract && pos + len <= field_len(x)) {
        return i->op == IR_extract
            ? ir_extract(b, x->a, field_pos(x) + pos, len)
            : ir_sextract(b, x->a, field_pos(x) + pos, len);
    }
    return none;
}

static Val fold_deposit(Ir *b, const Ins *i)
{
    u64 k;

    if (field_len(i) == width((Type)i->type)) {
        return i->b;
    }
    if (ir_is_const(b, i->a, &k) && k == 0) {
        Val low = ir_and(b, i->b, constant(b, i, MASK(field_len(i))));
        return ir_shl(b, low, constant(b, i, field_pos(i)));
    }
    return none;
}

/* ---- comparisons ---------------------------------------------------------------------- */

static Cond swapped(Cond cc)
{
    static const Cond to[] = {
        [EQ] = EQ, [NE] = NE, [LT] = GT, [GE] = LE, [LE] = GE, [GT] = LT,
        [LTU] = GTU, [GEU] = LEU, [LEU] = GEU, [GTU] = LTU,
    };
    return to[cc];
}

static bool reflexive(Cond cc)
{
    return cc == EQ || cc == GE || cc == LE || cc == GEU || cc == LEU;
}

/* Is v known to be 0 or 1? */
static bool is_boolean(const Ir *b, Val v)
{
    return ir_is(b, v, IR_set) || ir_is(b, v, IR_fcond)
        || ir_is(b, v, IR_casif);
}

static Val negated(Ir *b, Val v)
{
    const Ins *i = ir_def(b, v);
    static const Cond to[] = {
        [EQ] = NE, [NE] = EQ, [LT] = GE, [GE] = LT, [LE] = GT, [GT] = LE,
        [LTU] = GEU, [GEU] = LTU, [LEU] = GTU, [GTU] = LEU,
    };

    if (i->op == IR_set) {
        return ir_set(b, to[i->sub], i->a, i->b);
    }
    return i->op == IR_fcond ? ir_fcond(b, (FlagCond)(i->sub ^ 1), i->a) : none;
}

static Val fold_set(Ir *b, Ins *i)
{
    u64 k;
    Cond cc = (Cond)i->sub;

    if (i->a.id == i->b.id) {
        return ir_i32(b, reflexive(cc));
    }
    if (ir_is_const(b, i->a, &k)) {
        return ir_set(b, swapped(cc), i->b, i->a);
    }
    if (ir_is_const(b, i->b, &k) && k == 0) {
        if (cc == LTU || cc == GEU) {
            return ir_i32(b, cc == GEU);
        }
        if (is_boolean(b, i->a) && (cc == NE || cc == GTU)) {
            return i->a;
        }
        if (is_boolean(b, i->a) && (cc == EQ || cc == LEU)) {
            return negated(b, i->a);
        }
    }
    return none;
}

static Val fold_select(Ir *b, const Ins *i)
{
    u64 x, y;
    const Ins *s = ir_def(b, i->a);

    if (i->c.id == i->d.id) {
        return i->c;
    }
    if (i->a.id == i->b.id) {
        return reflexive((Cond)i->sub) ? i->c : i->d;
    }
    if (ir_is_const(b, i->a, &x) && ir_is_const(b, i->b, &y)) {
        Ins cmp = { .op = IR_set, .type = I32, .sub = i->sub };
        return ir_compute(&cmp, ir_type(b, i->a), x, y, 0, 0) ? i->c : i->d;
    }
    /* select on a comparison's result is select on the comparison */
    if (s->op == IR_set && ir_is_const(b, i->b, &y) && y == 0) {
        if (i->sub == NE) {
            return ir_select(b, (Cond)s->sub, s->a, s->b, i->c, i->d);
        }
        if (i->sub == EQ) {
            return ir_select(b, (Cond)s->sub, s->a, s->b, i->d, i->c);
        }
    }
    return none;
}

/* ---- flag words -------------------------------------------------------------------------- */

static Val zero_of(Ir *b, Val v)
{
    return ir_const(b, ir_type(b, v), 0);
}

/* The condition after x - y; arm: C was inverted, it means no borrow. */
static Val cond_of_sub(Ir *b, FlagCond fc, Val x, Val y, bool arm)
{
    switch (fc) {
    case FC_Z:  return ir_set(b, EQ, x, y);
    case FC_NZ: return ir_set(b, NE, x, y);
    case FC_C:  return ir_set(b, arm ? GEU : LTU, x, y);
    case FC_NC: return ir_set(b, arm ? LTU : GEU, x, y);
    case FC_HI: return arm ? ir_set(b, GTU, x, y) : ir_set(b, LTU, x, y);
    case FC_LS: return arm ? ir_set(b, LEU, x, y) : ir_set(b, GEU, x, y);
    case FC_GE: return ir_set(b, GE, x, y);
    case FC_LT: return ir_set(b, LT, x, y);
    case FC_GT: return ir_set(b, GT, x, y);
    case FC_LE: return ir_set(b, LE, x, y);
    case FC_N:  return ir_set(b, LT, ir_sub(b, x, y), zero_of(b, x));
    case FC_NN: return ir_set(b, GE, ir_sub(b, x, y), zero_of(b, x));
    default:    return none;
    }
}

static Val cond_of_logic(Ir *b, FlagCond fc, Val x, bool carry)
{
    Val zero = zero_of(b, x);

    switch (fc) {
    case FC_Z:  return ir_set(b, EQ, x, zero);
    case FC_NZ: return ir_set(b, NE, x, zero);
    case FC_N: case FC_LT:  return ir_set(b, LT, x, zero);
    case FC_NN: case FC_GE: return ir_set(b, GE, x, zero);
    case FC_GT: return ir_set(b, GT, x, zero);
    case FC_LE: return ir_set(b, LE, x, zero);
    case FC_C:  return ir_i32(b, carry);
    case FC_NC: return ir_i32(b, !carry);
    case FC_V:  return ir_i32(b, 0);
    case FC_NV: return ir_i32(b, 1);
    case FC_HI: return carry ? ir_set(b, NE, x, zero) : ir_i32(b, 0);
    case FC_LS: return carry ? ir_set(b, EQ, x, zero) : ir_i32(b, 1);
    }
    return none;
}

static Val cond_of_add(Ir *b, FlagCond fc, Val x, Val y)
{
    if (fc == FC_C || fc == FC_NC) {
        return ir_set(b, fc == FC_C ? LTU : GEU, ir_add(b, x, y), x);
    }
    return fc == FC_Z || fc == FC_NZ || fc == FC_N || fc == FC_NN
        ? cond_of_logic(b, fc, ir_add(b, x, y), false) : none;
}

static Val fold_fcond(Ir *b, const Ins *i)
{
    const Ins *f = ir_def(b, i->a);
    FlagCond fc = (FlagCond)i->sub;
    bool inverted = f->op == IR_notc;

    if (inverted) {
        f = ir_def(b, f->a);
    }
    switch (f->op) {
    case IR_subf:
        return cond_of_sub(b, fc, f->a, f->b, inverted);
    case IR_logicf:
        return cond_of_logic(b, fc, f->a, inverted);
    case IR_addf:
        return inverted ? none : cond_of_add(b, fc, f->a, f->b);
    }
    return none;
}

static Val fold_flags(Ir *b, const Ins *i)
{
    const Ins *x = ir_def(b, i->a);

    switch (i->op) {
    case IR_notc:
        return x->op == IR_notc ? x->a : none;
    case IR_packf:
        return x->op == IR_unpackf
            ? ir_and(b, x->a, ir_i32(b, 0xf0000000)) : none;
    }
    return none;
}

/* ---- vectors --------------------------------------------------------------------------------- */

static bool is_zero_vec(const Ir *b, Val v)
{
    const Ins *i = ir_def(b, v);
    u64 lo, hi;

    return i->op == IR_vpair && ir_is_const(b, i->a, &lo)
        && ir_is_const(b, i->b, &hi) && !lo && !hi;
}

static Val fold_vget(Ir *b, const Ins *i)
{
    const Ins *x = ir_def(b, i->a);

    if (x->op == IR_vpair && i->sub == L64) {
        return i->imm ? x->b : x->a;
    }
    if (x->op == IR_vzext && i->sub == L64) {
        return i->imm ? ir_i64(b, 0)
             : ir_type(b, x->a) == F64 ? ir_bitsof(b, I64, x->a)
             : ir_zext(b, ir_bitsof(b, I32, x->a));
    }
    if (x->op == IR_vzext && i->sub == L32 && i->imm == 0
        && ir_type(b, x->a) == F32) {
        return ir_bitsof(b, I32, x->a);
    }
    return none;
}

static Val fold_vector(Ir *b, const Ins *i)
{
    const Ins *x = ir_def(b, i->a);

    switch (i->op) {
    case IR_vlow:
        return x->op == IR_vzext && ir_type(b, x->a) == i->type ? x->a
             : x->op == IR_vpair && i->type == F64
             ? ir_bitsof(b, F64, x->a) : none;
    case IR_vget:
        return fold_vget(b, i);
    case IR_vand: case IR_vor:
        if (i->a.id == i->b.id) {
            return i->a;
        }
        if (is_zero_vec(b, i->b)) {
            return i->op == IR_vand ? i->b : i->a;
        }
        return !is_zero_vec(b, i->a) ? none
             : i->op == IR_vand ? i->a : i->b;
    case IR_vandn: case IR_vadd: case IR_vsub:
        return is_zero_vec(b, i->b) ? i->a : none;
    case IR_vxor:
        return i->a.id == i->b.id ? ir_v128(b, 0, 0)
             : is_zero_vec(b, i->b) ? i->a
             : is_zero_vec(b, i->a) ? i->b : none;
    case IR_vshl: case IR_vshr: case IR_vsar:
        return i->imm == 0 ? i->a : none;
    }
    return none;
}

Val ir_fold(Ir *b, Ins *i)
{
    if (i->op == IR_const || i->op == IR_pc) {
        return none;
    }
    Val v = fold_constants(b, i);
    if (v.id) {
        return v;
    }
    switch (i->op) {
    case IR_set:      return fold_set(b, i);
    case IR_select:   return fold_select(b, i);
    case IR_fcond:    return fold_fcond(b, i);
    case IR_notc: case IR_packf:
        return fold_flags(b, i);
    case IR_extract: case IR_sextract:
        return fold_extract(b, i);
    case IR_deposit:  return fold_deposit(b, i);
    case IR_trunc: case IR_zext: case IR_sext: case IR_bitsof:
        return fold_convert(b, i);
    }
    if (i->op >= IR_add && i->op <= IR_ror) {
        return fold_binary(b, i);
    }
    return i->op >= IR_vlow ? fold_vector(b, i) : none;
}
