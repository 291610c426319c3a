/* SPDX-License-Identifier: MIT */
/*
 * Folding: constants, algebra, and conditions on flag words.
 *
 * A rule answers with an operand, a constant, or a value made through the
 * public builders of one or two instructions, each of them nearer to the
 * canonical form:
 *
 *   - constants stand right; x - k is x + -k; x * 2^k is a shift
 *   - a field at bit 0 is an and, one that reaches the top is a shift, any
 *     other an extract; zext(trunc(x)) is x & 0xffffffff
 *   - zext and sext stand outside of ands, shifts and fields, and so does a
 *     trunc outside of a field
 *   - a condition on the flags of a comparison is that comparison
 *
 * Vectors are in fold_vec.c.  No rule undoes another, so folding ends.  FPOP
 * instructions never come here: they raise flags.
 */
#include "tcg/fold.h"

static const Val none = { 0 };

static u32 width(Type t)    { return t == I32 ? 32 : 64; }
static u64 all_ones(Type t) { return t == I32 ? 0xffffffff : ~0ull; }

static Val constant(Ir *b, const Ins *i, u64 v)
{
    return ir_const(b, (Type)i->type, v);
}

static Val zero_of(Ir *b, Val v)
{
    return ir_const(b, ir_type(b, v), 0);
}

static u32 field_pos(const Ins *i) { return i->imm & 0xff; }
static u32 field_len(const Ins *i) { return (u32)(i->imm >> 8); }

/* ---- what is known of a value ------------------------------------------- */

/* Is v known to be 0 or 1? */
static bool is_boolean(const Ir *b, Val v)
{
    return ir_is(b, v, IR_set) || ir_is(b, v, IR_fcond)
        || ir_is(b, v, IR_casif);
}

static u64 may_load(const Ins *i)
{
    return i->imm & M_SIGN ? all_ones((Type)i->type)
         : MASK(8u << (i->imm & M_SIZE)) & all_ones((Type)i->type);
}

/* The bits of an integer that may be 1; looks `depth` operations deep. */
static u64 may_deep(const Ir *b, Val v, u32 depth)
{
    const Ins *i = ir_def(b, v), *x = ir_def(b, i->a);
    u64 all = all_ones((Type)i->type), k;

    switch (i->op) {
    case IR_const:   return i->imm;
    case IR_get: case IR_phi:
        return i->imm < 64 && b->half >> i->imm & 1 ? 0xffffffff : all;
    case IR_extract: return MASK(field_len(i));
    case IR_load:    return may_load(i);
    case IR_zext:    return x->op == IR_load ? may_load(x) : 0xffffffff;
    case IR_set: case IR_fcond: case IR_casif:
        return 1;
    case IR_clz: case IR_ctz:
        return 0x7f;
    case IR_and:
        return ir_is_const(b, i->b, &k) ? k : all;
    case IR_or: case IR_xor:
        return depth ? may_deep(b, i->a, depth - 1)
                       | may_deep(b, i->b, depth - 1) : all;
    case IR_shr:
        return ir_is_const(b, i->b, &k) ? all >> (k & (width(i->type) - 1))
                                        : all;
    case IR_shl:
        return ir_is_const(b, i->b, &k)
            ? all << (k & (width(i->type) - 1)) & all : all;
    }
    return all;
}

u64 ir_may(const Ir *b, Val v) { return may_deep(b, v, 2); }

static bool top_clear(const Ir *b, Val v)
{
    return !(ir_may(b, v) >> (width(ir_type(b, v)) - 1));
}

/* ---- all operands constant ---------------------------------------------- */

static Val fold_constants(Ir *b, const Ins *i)
{
    u64 x, y, z, w;

    if (i->op == IR_bitsof
        || !ir_operand_const(b, i->a, &x) || !ir_operand_const(b, i->b, &y)
        || !ir_operand_const(b, i->c, &z) || !ir_operand_const(b, i->d, &w)) {
        return none;
    }
    return constant(b, i, ir_compute(i, ir_type(b, i->a), x, y, z, w));
}

/* ---- arithmetic with a constant ----------------------------------------- */

/* x + k where x is itself a sum with a constant, or an address. */
static Val add_const(Ir *b, const Ins *i, u64 k)
{
    const Ins *x = ir_def(b, i->a);
    u64 k2;

    if (k == 0) {
        return i->a;
    }
    if (x->op == IR_pc) {
        return ir_pc(b, (i64)(x->imm
                              + (u64)sext(k, (int)width((Type)i->type))));
    }
    if (x->op == IR_add && ir_is_const(b, x->b, &k2)) {
        return ir_add(b, x->a, constant(b, i, k + k2));
    }
    if (x->op == IR_sub && ir_is_const(b, x->a, &k2)) {
        return ir_sub(b, constant(b, i, k + k2), x->b);
    }
    return none;
}

/* An address with bits cleared that the page's address does not have. */
static Val and_pc(Ir *b, const Ins *i, u64 pc, u64 k)
{
    if (k < 4096) {
        return constant(b, i, pc & k);
    }
    if ((k | 0xfff) == all_ones((Type)i->type)) {
        return ir_pc(b, (i64)(pc & (k | ~0xfffull)));
    }
    return none;
}

/* The bits k of a value with a field, if they are all in it or outside. */
static Val and_deposit(Ir *b, const Ins *i, const Ins *x, u64 k)
{
    u64 field = MASK(field_len(x)) << field_pos(x);

    if (!(k & field)) {
        return ir_and(b, x->a, constant(b, i, k));
    }
    return k & ~field || field_pos(x) ? none
         : ir_and(b, x->b, constant(b, i, k));
}

/* The same of the low half. */
static Val and_trunc(Ir *b, const Ins *i, const Ins *x, u64 k)
{
    const Ins *y = ir_def(b, x->a);

    return y->op != IR_deposit || field_pos(y) || k & ~MASK(field_len(y))
         ? none : ir_and(b, ir_trunc(b, y->b), constant(b, i, k));
}

static Val and_const(Ir *b, const Ins *i, u64 k)
{
    const Ins *x = ir_def(b, i->a);
    u64 m = ir_may(b, i->a), k2;

    if ((m & k) == 0) {
        return constant(b, i, 0);
    }
    if ((m & ~k) == 0) {
        return i->a;
    }
    switch (x->op) {
    case IR_pc:
        return and_pc(b, i, x->imm, k);
    case IR_zext:
        return ir_zext(b, ir_and(b, x->a, ir_i32(b, (u32)k)));
    case IR_and:
        return ir_is_const(b, x->b, &k2)
            ? ir_and(b, x->a, constant(b, i, k & k2)) : none;
    case IR_shr:
        if (ir_is_const(b, x->b, &k2) && is_pow2(k + 1)) {
            return ir_extract(b, x->a, k2 & (width((Type)i->type) - 1),
                              (u32)__builtin_ctzll(k + 1));
        }
        return none;
    case IR_deposit:
        return and_deposit(b, i, x, k);
    case IR_trunc:
        return and_trunc(b, i, x, k);
    case IR_extract:
        return is_pow2(k + 1) ? ir_extract(b, x->a, field_pos(x),
                                           (u32)__builtin_ctzll(k + 1)) : none;
    }
    return none;
}

static Val or_const(Ir *b, const Ins *i, u64 k)
{
    const Ins *x = ir_def(b, i->a);
    u64 k2;

    if (k == 0) {
        return i->a;
    }
    if (k == all_ones((Type)i->type)) {
        return i->b;
    }
    return x->op == IR_or && ir_is_const(b, x->b, &k2)
        ? ir_or(b, x->a, constant(b, i, k | k2)) : none;
}

static Cond opposite(Cond cc)
{
    static const Cond to[] = {
        [EQ] = NE, [NE] = EQ, [LT] = GE, [GE] = LT, [LE] = GT, [GT] = LE,
        [LTU] = GEU, [GEU] = LTU, [LEU] = GTU, [GTU] = LEU,
    };
    return to[cc];
}

/* A boolean's opposite, or none. */
static Val negated(Ir *b, Val v)
{
    const Ins *i = ir_def(b, v);

    if (i->op == IR_set) {
        return ir_set(b, opposite((Cond)i->sub), i->a, i->b);
    }
    return i->op == IR_fcond ? ir_fcond(b, (FlagCond)(i->sub ^ 1), i->a) : none;
}

static Val xor_const(Ir *b, const Ins *i, u64 k)
{
    const Ins *x = ir_def(b, i->a);
    u64 k2;

    if (k == 0) {
        return i->a;
    }
    if (k == 1 && is_boolean(b, i->a)) {
        return negated(b, i->a);
    }
    return x->op == IR_xor && ir_is_const(b, x->b, &k2)
        ? ir_xor(b, x->a, constant(b, i, k ^ k2)) : none;
}

static Val mul_const(Ir *b, const Ins *i, u64 k)
{
    if (k == 0 || k == 1) {
        return k ? i->a : i->b;
    }
    if (is_pow2(k)) {
        return ir_shl(b, i->a, constant(b, i, (u64)__builtin_ctzll(k)));
    }
    return k == all_ones((Type)i->type) ? ir_neg(b, i->a) : none;
}

static Val mulh_const(Ir *b, const Ins *i, u64 k)
{
    u32 w = width((Type)i->type);

    if (k == 0) {
        return i->b;
    }
    if (k == 1) {
        return i->op == IR_mulhu ? constant(b, i, 0)
                                 : ir_sar(b, i->a, constant(b, i, w - 1));
    }
    return i->op == IR_mulhu && is_pow2(k)
        ? ir_shr(b, i->a, constant(b, i, w - (u32)__builtin_ctzll(k))) : none;
}

static Val div_const(Ir *b, const Ins *i, u64 k)
{
    if (k == 0 || k == 1) {
        return k ? i->a : i->b;
    }
    if (i->op == IR_sdiv) {
        return k == all_ones((Type)i->type) ? ir_neg(b, i->a) : none;
    }
    return is_pow2(k)
        ? ir_shr(b, i->a, constant(b, i, (u64)__builtin_ctzll(k))) : none;
}

/* ---- shifts by a constant ----------------------------------------------- */

/* A shift by k of *x, a shift by k2 to the same side. */
static Val shift_again(Ir *b, const Ins *i, const Ins *x, u32 k, u32 k2)
{
    u32 w = width((Type)i->type), sum = k + k2;

    switch (i->op) {
    case IR_shl: case IR_shr:
        return sum >= w ? constant(b, i, 0)
             : i->op == IR_shl ? ir_shl(b, x->a, constant(b, i, sum))
                               : ir_shr(b, x->a, constant(b, i, sum));
    case IR_sar:
        return ir_sar(b, x->a, constant(b, i, MIN(sum, w - 1)));
    default:
        return ir_ror(b, x->a, constant(b, i, sum & (w - 1)));
    }
}

/* A shift by k of *x, a shift by k2, both with 0 < k < width. */
static Val shift_shift(Ir *b, const Ins *i, const Ins *x, u32 k, u32 k2)
{
    u32 w = width((Type)i->type);

    if (i->op == x->op) {
        return shift_again(b, i, x, k, k2);
    }
    if (x->op == IR_shl && k2 <= k) {
        return i->op == IR_shr ? ir_extract(b, x->a, k - k2, w - k)
             : i->op == IR_sar ? ir_sextract(b, x->a, k - k2, w - k) : none;
    }
    if (i->op == IR_shl && x->op != IR_ror && k == k2) {
        return ir_and(b, x->a, constant(b, i, ~0ull << k));
    }
    return none;
}

static Val shr_const(Ir *b, const Ins *i, const Ins *x, u32 k)
{
    if (ir_may(b, i->a) >> k == 0) {
        return constant(b, i, 0);
    }
    if (x->op == IR_zext) {
        return ir_zext(b, ir_shr(b, x->a, ir_i32(b, k)));
    }
    if (x->op == IR_extract) {
        return ir_extract(b, x->a, field_pos(x) + k, field_len(x) - k);
    }
    return none;
}

static Val shift_const(Ir *b, const Ins *i, u64 count)
{
    const Ins *x = ir_def(b, i->a);
    u32 w = width((Type)i->type), k = count & (w - 1);
    u64 k2;

    if (k == 0) {
        return i->a;
    }
    if (i->op == IR_sar && top_clear(b, i->a)) {
        return ir_shr(b, i->a, i->b);
    }
    if (x->op >= IR_shl && x->op <= IR_ror && ir_is_const(b, x->b, &k2)
        && (k2 &= w - 1)) {
        return shift_shift(b, i, x, k, (u32)k2);
    }
    return i->op == IR_shr ? shr_const(b, i, x, k) : none;
}

/* ---- operations of two integers ----------------------------------------- */

static Val with_const(Ir *b, const Ins *i, u64 k)
{
    switch (i->op) {
    case IR_add: return add_const(b, i, k);
    case IR_sub: return ir_add(b, i->a, constant(b, i, 0 - k));
    case IR_and: return and_const(b, i, k);
    case IR_or:  return or_const(b, i, k);
    case IR_xor: return xor_const(b, i, k);
    case IR_mul: return mul_const(b, i, k);
    case IR_mulhu: case IR_mulhs:
        return mulh_const(b, i, k);
    case IR_udiv: case IR_sdiv:
        return div_const(b, i, k);
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

/* The constant k is the left operand. */
static Val const_left(Ir *b, const Ins *i, u64 k)
{
    const Ins *y = ir_def(b, i->b);
    u64 k2;

    if (i->op == IR_sub) {
        if (y->op == IR_add && ir_is_const(b, y->b, &k2)) {
            return ir_sub(b, constant(b, i, k - k2), y->a);
        }
        if (y->op == IR_sub && ir_is_const(b, y->a, &k2)) {
            return ir_add(b, y->b, constant(b, i, k - k2));
        }
        return y->op == IR_sub && k == 0 ? ir_sub(b, y->b, y->a) : none;
    }
    return k == 0 ? i->a : none;    /* 0 shifted or divided */
}

/* Is v 0 - x? */
static bool is_negation(const Ir *b, Val v)
{
    const Ins *i = ir_def(b, v);
    u64 k;

    return i->op == IR_sub && ir_is_const(b, i->a, &k) && k == 0;
}

static Val fold_sum(Ir *b, const Ins *i)
{
    const Ins *x = ir_def(b, i->a), *y = ir_def(b, i->b);

    if (i->op == IR_sub && x->op == IR_pc && y->op == IR_pc) {
        return constant(b, i, x->imm - y->imm);
    }
    if (is_negation(b, i->b)) {
        return i->op == IR_add ? ir_sub(b, i->a, y->b) : ir_add(b, i->a, y->b);
    }
    return i->op == IR_add && is_negation(b, i->a)
        ? ir_sub(b, i->b, x->b) : none;
}

static Val fold_binary(Ir *b, Ins *i)
{
    u64 k;

    if (ir_ops[i->op].flags & COMM && ir_is_const(b, i->a, &k)) {
        ir_swap(&i->a, &i->b);
    }
    if (i->a.id == i->b.id) {
        return same_operands(b, i);
    }
    if (ir_is_const(b, i->b, &k)) {
        return with_const(b, i, k);
    }
    if (ir_is_const(b, i->a, &k)) {
        return const_left(b, i, k);
    }
    return i->op == IR_add || i->op == IR_sub ? fold_sum(b, i) : none;
}

/* ---- widths ------------------------------------------------------------- */

static Val fold_trunc(Ir *b, const Ins *x)
{
    u64 k;

    switch (x->op) {
    case IR_zext: case IR_sext:
        return x->a;
    case IR_and:
        return ir_is_const(b, x->b, &k) && (u32)k == 0xffffffff
            ? ir_trunc(b, x->a) : none;
    case IR_sextract:
        return field_pos(x) == 0 && field_len(x) >= 32
            ? ir_trunc(b, x->a) : none;
    case IR_deposit:
        return field_pos(x) >= 32 ? ir_trunc(b, x->a)
             : field_pos(x) == 0 && field_len(x) >= 32 ? ir_trunc(b, x->b)
             : none;
    case IR_vget:
        return ir_vget(b, L32, x->a, (u32)x->imm * 2);
    }
    return none;
}

static Val fold_bitsof(Ir *b, const Ins *i, const Ins *x)
{
    Lane lane = i->type == I64 || i->type == F64 ? L64 : L32;

    switch (x->op) {
    case IR_bitsof:
        return x->a;
    case IR_vlow:
        return ir_vget(b, lane, x->a, 0);
    case IR_vget:
        return x->imm == 0 && x->sub == lane
            ? ir_vlow(b, (Type)i->type, x->a) : none;
    }
    return none;
}

static Val fold_convert(Ir *b, const Ins *i)
{
    const Ins *x = ir_def(b, i->a);

    switch (i->op) {
    case IR_trunc:
        return fold_trunc(b, x);
    case IR_zext:
        return x->op == IR_trunc
            ? ir_and(b, x->a, ir_i64(b, 0xffffffff)) : none;
    case IR_sext:
        return x->op == IR_trunc ? ir_sextract(b, x->a, 0, 32)
             : top_clear(b, i->a) ? ir_zext(b, i->a) : none;
    default:
        return fold_bitsof(b, i, x);
    }
}

/* ---- fields ------------------------------------------------------------- */

/* The field of *i's kind at another place. */
static Val moved(Ir *b, const Ins *i, Val x, u32 pos)
{
    return i->op == IR_extract ? ir_extract(b, x, pos, field_len(i))
                               : ir_sextract(b, x, pos, field_len(i));
}

static Val field_of_shift(Ir *b, const Ins *i, const Ins *x)
{
    u32 pos = field_pos(i), w = width((Type)i->type);
    u64 k;

    if (!ir_is_const(b, x->b, &k)) {
        return none;
    }
    k &= w - 1;
    if (x->op == IR_shl) {
        return pos >= k ? moved(b, i, x->a, pos - (u32)k) : none;
    }
    return pos + k + field_len(i) <= w
        ? moved(b, i, x->a, pos + (u32)k) : none;
}

static Val field_of_deposit(Ir *b, const Ins *i, const Ins *x)
{
    u32 pos = field_pos(i), end = pos + field_len(i);
    u32 from = field_pos(x), to = from + field_len(x);

    if (from <= pos && end <= to) {
        return moved(b, i, x->b, pos - from);
    }
    return end <= from || pos >= to ? moved(b, i, x->a, pos) : none;
}

/* A field of what another operation has put there. */
static Val field_of(Ir *b, const Ins *i, const Ins *x)
{
    u32 pos = field_pos(i), end = pos + field_len(i);
    u64 k;

    switch (x->op) {
    case IR_extract: case IR_sextract:
        return end <= field_len(x) ? moved(b, i, x->a, field_pos(x) + pos)
                                   : none;
    case IR_shl: case IR_shr: case IR_sar:
        return field_of_shift(b, i, x);
    case IR_and:
        return ir_is_const(b, x->b, &k)
            && !(MASK(field_len(i)) << pos & ~k)
            ? moved(b, i, x->a, pos) : none;
    case IR_deposit:
        return field_of_deposit(b, i, x);
    case IR_zext: case IR_sext:
        return end > 32 ? none
             : i->op == IR_extract ? ir_zext(b, moved(b, i, x->a, pos))
                                   : ir_sext(b, moved(b, i, x->a, pos));
    }
    return none;
}

static Val fold_extract(Ir *b, const Ins *i)
{
    const Ins *x = ir_def(b, i->a);
    u32 pos = field_pos(i), len = field_len(i), w = width((Type)i->type);
    bool is_signed = i->op == IR_sextract;

    if (len == w) {
        return i->a;
    }
    Val v = field_of(b, i, x);
    if (v.id) {
        return v;
    }
    /* All there is above pos, or nothing beyond the field? */
    if (pos + len == w || !(ir_may(b, i->a) >> pos & ~MASK(len - is_signed))) {
        Val n = constant(b, i, pos);
        return is_signed && pos + len == w ? ir_sar(b, i->a, n)
                                           : ir_shr(b, i->a, n);
    }
    if (!is_signed && pos == 0) {
        return ir_and(b, i->a, constant(b, i, MASK(len)));
    }
    return x->op == IR_trunc ? ir_trunc(b, moved(b, i, x->a, pos)) : none;
}

static Val fold_deposit(Ir *b, Ins *i)
{
    const Ins *x = ir_def(b, i->a), *y = ir_def(b, i->b);
    u32 pos = field_pos(i), len = field_len(i);
    u64 k;

    if (len == width((Type)i->type) || (i->a.id == i->b.id && pos == 0)) {
        return i->b;
    }
    if (ir_is_const(b, i->a, &k) && k == 0) {
        Val low = ir_and(b, i->b, constant(b, i, MASK(len)));
        return ir_shl(b, low, constant(b, i, pos));
    }
    if (y->op == IR_and && ir_is_const(b, y->b, &k) && !(MASK(len) & ~k)) {
        return ir_deposit(b, i->a, y->a, pos, len);
    }
    if (x->op == IR_deposit && pos <= field_pos(x)
        && field_pos(x) + field_len(x) <= pos + len) {
        return ir_deposit(b, x->a, i->b, pos, len);
    }
    return none;
}

/* ---- comparisons -------------------------------------------------------- */

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

/*
 * Does a cond k hold for all that a may be (1), for none (0), or is it not
 * known (-1)?
 */
static int always(const Ir *b, Cond cc, Val a, u64 k)
{
    u64 m = ir_may(b, a);

    switch (cc) {
    case EQ: case NE:
        return k & ~m ? cc == NE : -1;
    case LTU: case GEU:
        return k == 0 ? cc == GEU : m < k ? cc == LTU : -1;
    case LEU: case GTU:
        return m <= k ? cc == LEU : -1;
    case LT: case GE:
        return k == 0 && top_clear(b, a) ? cc == GE : -1;
    default:
        return -1;
    }
}

/* x cond 0; a boolean x is its own or its opposite's. */
static Val set_zero(Ir *b, const Ins *i)
{
    switch (i->sub) {
    case NE:  return is_boolean(b, i->a) ? i->a : none;
    case EQ:  return is_boolean(b, i->a) ? negated(b, i->a) : none;
    case GTU: return ir_set(b, NE, i->a, i->b);
    case LEU: return ir_set(b, EQ, i->a, i->b);
    }
    return none;
}

static Val set_const(Ir *b, const Ins *i, u64 k)
{
    const Ins *x = ir_def(b, i->a);
    bool equality = i->sub == EQ || i->sub == NE;
    Cond cc = (Cond)i->sub;
    u64 k2;
    int known = always(b, cc, i->a, k);

    if (known >= 0) {
        return ir_i32(b, (u32)known);
    }
    if (k == 0) {
        Val v = set_zero(b, i);
        if (v.id) {
            return v;
        }
    }
    if (k == 1 && equality && is_boolean(b, i->a)) {
        return cc == EQ ? i->a : negated(b, i->a);
    }
    if (k == 1 && (cc == LTU || cc == GEU)) {
        return ir_set(b, cc == LTU ? EQ : NE, i->a, zero_of(b, i->a));
    }
    if (x->op == IR_zext && (equality || cc >= LTU)) {
        return ir_set(b, cc, x->a, ir_i32(b, (u32)k));
    }
    if (x->op == IR_add && equality && ir_is_const(b, x->b, &k2)) {
        return ir_set(b, cc, x->a, ir_const(b, ir_type(b, i->a), k - k2));
    }
    return none;
}

/* What v is, shifted left by k without losing a bit; or none. */
static Val before_shift(Ir *b, Val v, u64 k)
{
    const Ins *s = ir_def(b, v);
    u64 c, fits = all_ones((Type)s->type) >> k;

    if (ir_is_const(b, v, &c)) {
        return c & MASK(k) ? none : ir_const(b, (Type)s->type, c >> k);
    }
    return s->op == IR_shl && ir_is_const(b, s->b, &c) && c == k
        && !(ir_may(b, s->a) & ~fits) ? s->a : none;
}

/* Bytes and halves at the top of a word, as x86 compares them. */
static Val set_shifted(Ir *b, const Ins *i)
{
    const Ins *s = ir_def(b, i->a);
    bool is_signed = i->sub >= LT && i->sub <= GT;
    u64 k;

    if (is_signed || s->op != IR_shl || !ir_is_const(b, s->b, &k)
        || !k || k >= width((Type)s->type)) {
        return none;
    }
    Val x = before_shift(b, i->a, k);
    Val y = x.id ? before_shift(b, i->b, k) : none;
    return y.id ? ir_set(b, (Cond)i->sub, x, y) : none;
}

static Val fold_set(Ir *b, const Ins *i)
{
    u64 k;

    if (i->a.id == i->b.id) {
        return ir_i32(b, reflexive((Cond)i->sub));
    }
    if (ir_is_const(b, i->a, &k)) {
        return ir_set(b, swapped((Cond)i->sub), i->b, i->a);
    }
    Val v = ir_is_const(b, i->b, &k) ? set_const(b, i, k) : none;
    return v.id ? v : set_shifted(b, i);
}

/* select a cond k ? 1 : 0 and the other way round, of integers. */
static Val select_bool(Ir *b, const Ins *i)
{
    u64 x, y;

    if (i->type > I64 || !ir_is_const(b, i->c, &x)
        || !ir_is_const(b, i->d, &y) || x + y != 1 || x > 1) {
        return none;
    }
    Cond cc = x ? (Cond)i->sub : opposite((Cond)i->sub);
    Val v = ir_set(b, cc, i->a, i->b);
    return i->type == I64 ? ir_zext(b, v) : v;
}

static Val fold_select(Ir *b, const Ins *i)
{
    const Ins *s = ir_def(b, i->a);
    Cond cc = (Cond)i->sub;
    u64 k;

    if (i->c.id == i->d.id) {
        return i->c;
    }
    if (i->a.id == i->b.id) {
        return reflexive(cc) ? i->c : i->d;
    }
    bool left = ir_is_const(b, i->a, &k);
    bool right = ir_is_const(b, i->b, &k);
    if (left && right) {
        Ins cmp = { .op = IR_set, .type = I32, .sub = i->sub };
        return ir_compute(&cmp, ir_type(b, i->a), s->imm, k, 0, 0)
            ? i->c : i->d;
    }
    if (left) {
        return ir_select(b, swapped(cc), i->b, i->a, i->c, i->d);
    }
    int known = right ? always(b, cc, i->a, k) : -1;
    if (known >= 0) {
        return known ? i->c : i->d;
    }
    /* on a comparison's result: on the comparison */
    if (s->op == IR_set && right && k == 0 && (cc == NE || cc == EQ)) {
        Cond c = cc == NE ? (Cond)s->sub : opposite((Cond)s->sub);
        return ir_select(b, c, s->a, s->b, i->c, i->d);
    }
    return select_bool(b, i);
}

/* ---- flag words --------------------------------------------------------- */

/* The condition after x - y; arm: C was inverted, it means no borrow. */
static Val cond_of_sub(Ir *b, FlagCond fc, Val x, Val y, bool arm)
{
    static const u8 same[] = {
        [FC_Z] = EQ, [FC_NZ] = NE, [FC_GE] = GE, [FC_LT] = LT, [FC_GT] = GT,
        [FC_LE] = LE,
    };

    switch (fc) {
    case FC_Z: case FC_NZ: case FC_GE: case FC_LT: case FC_GT: case FC_LE:
        return ir_set(b, (Cond)same[fc], x, y);
    case FC_C:  return ir_set(b, arm ? GEU : LTU, x, y);
    case FC_NC: return ir_set(b, arm ? LTU : GEU, x, y);
    /* A borrow means that they differ. */
    case FC_HI: return ir_set(b, arm ? GTU : LTU, x, y);
    case FC_LS: return ir_set(b, arm ? LEU : GEU, x, y);
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

/* A word one of whose flags was replaced: looks past it, or only at it. */
static Val cond_of_deposit(Ir *b, FlagCond fc, const Ins *f, bool inverted)
{
    enum { Z = FLAG_Z, C = FLAG_C, N = FLAG_N, V = FLAG_V };
    static const u16 reads[] = {
        [FC_Z] = Z, [FC_NZ] = Z, [FC_C] = C, [FC_NC] = C, [FC_N] = N,
        [FC_NN] = N, [FC_V] = V, [FC_NV] = V, [FC_HI] = C | Z,
        [FC_LS] = C | Z, [FC_GE] = N | V, [FC_LT] = N | V,
        [FC_GT] = Z | N | V, [FC_LE] = Z | N | V,
    };
    u32 bits = (u32)MASK(field_len(f)) << field_pos(f);

    if (!(reads[fc] & bits)) {
        return ir_fcond(b, fc, inverted ? ir_notc(b, f->a) : f->a);
    }
    if (reads[fc] != bits) {
        return none;
    }
    bool no = (fc & 1) != (inverted && bits == C);
    return ir_set(b, no ? EQ : NE, ir_and(b, f->b, ir_i32(b, 1)),
                  ir_i32(b, 0));
}

static Val fold_fcond(Ir *b, const Ins *i)
{
    const Ins *f = ir_def(b, i->a);
    FlagCond fc = (FlagCond)i->sub;
    bool inverted = f->op == IR_notc;
    bool reads_c = fc == FC_C || fc == FC_NC || fc == FC_HI || fc == FC_LS;
    Val word = inverted ? f->a : i->a, v = none;

    f = ir_def(b, word);
    switch (f->op) {
    case IR_subf:
        v = cond_of_sub(b, fc, f->a, f->b, inverted);
        break;
    case IR_logicf:
        v = cond_of_logic(b, fc, f->a, inverted);
        break;
    case IR_addf:
        v = inverted && reads_c ? none : cond_of_add(b, fc, f->a, f->b);
        break;
    case IR_deposit:
        v = cond_of_deposit(b, fc, f, inverted);
        break;
    }
    if (!v.id && inverted && (fc == FC_C || fc == FC_NC || !reads_c)) {
        return ir_fcond(b, reads_c ? (FlagCond)(fc ^ 1) : fc, word);
    }
    return v;
}

static Val fold_flags(Ir *b, const Ins *i)
{
    const Ins *x = ir_def(b, i->a);
    u64 k;

    switch (i->op) {
    case IR_notc:
        return x->op == IR_notc ? x->a : none;
    case IR_packf:
        return x->op == IR_unpackf
            ? ir_and(b, x->a, ir_i32(b, 0xf0000000)) : none;
    case IR_unpackf:
        return x->op == IR_packf ? x->a
             : x->op == IR_and && ir_is_const(b, x->b, &k) && k >= 0xf0000000
             ? ir_unpackf(b, x->a) : none;
    case IR_adcf:
        return ir_is_const(b, i->c, &k) && k == 0 ? ir_addf(b, i->a, i->b)
                                                  : none;
    default:
        return ir_is_const(b, i->c, &k) && k == 0 ? ir_subf(b, i->a, i->b)
                                                  : none;
    }
}

/* ---- all ---------------------------------------------------------------- */

Val ir_fold(Ir *b, Ins *i)
{
    if (i->op == IR_const || i->op == IR_pc) {
        return none;
    }
    if (i->op >= IR_vlow) {
        return ir_fold_vector(b, i);
    }
    Val v = fold_constants(b, i);
    if (v.id) {
        return v;
    }
    if (i->op >= IR_add && i->op <= IR_ror) {
        return fold_binary(b, i);
    }
    switch (i->op) {
    case IR_set:      return fold_set(b, i);
    case IR_select:   return fold_select(b, i);
    case IR_fcond:    return fold_fcond(b, i);
    case IR_adcf: case IR_sbcf: case IR_notc: case IR_packf: case IR_unpackf:
        return fold_flags(b, i);
    case IR_extract: case IR_sextract:
        return fold_extract(b, i);
    case IR_deposit:  return fold_deposit(b, i);
    case IR_trunc: case IR_zext: case IR_sext: case IR_bitsof:
        return fold_convert(b, i);
    }
    return none;
}
