/* SPDX-License-Identifier: MIT */
/*
 * Folding of vectors; see fold.c.  A V128 made of integers is a vpair, one
 * made of a float a vzext, and a constant one a vpair of constants, which
 * stands right.
 */
#include "tcg/fold.h"

static const Val none = { 0 };

static Val constant(Ir *b, const Ins *i, u64 v)
{
    return ir_const(b, (Type)i->type, v);
}

/* ---- constants ----------------------------------------------------------- */

/* Constant V128 are vpairs of constants. */
static bool vec_const(const Ir *b, Val v, Vec *x)
{
    const Ins *i = ir_def(b, v);

    *x = (Vec) { .d = { 0, 0 } };
    if (i->op == IR_vpair) {
        return ir_is_const(b, i->a, &x->d[0]) && ir_is_const(b, i->b, &x->d[1]);
    }
    return ir_operand_const(b, v, &x->d[0]);
}

static Val fold_vec_constants(Ir *b, const Ins *i)
{
    Vec x, y, z;

    if (!vec_const(b, i->a, &x) || !vec_const(b, i->b, &y)
        || !vec_const(b, i->c, &z)) {
        return none;
    }
    x = ir_compute_vec(i, x, y, z);
    return i->type == V128T ? ir_v128(b, x.d[0], x.d[1])
                            : constant(b, i, x.d[0]);
}

/* ---- parts of vectors ---------------------------------------------------- */

/* Lane n of vpair *x, n below half of the lanes or not. */
static Val lane_of_pair(Ir *b, Lane lane, const Ins *x, u32 n)
{
    u32 half = 8u >> lane, bits = 8u << lane;
    Val word = n < half ? x->a : x->b;

    if (lane == L64) {
        return word;
    }
    return ir_trunc(b, ir_extract(b, word, n % half * bits, bits));
}

/* The low bits of y as vget gives them. */
static Val low_bits(Ir *b, Lane lane, Val y)
{
    return lane >= L32 ? y : ir_and(b, y, ir_i32(b, (u32)MASK(8u << lane)));
}

static Val lane_of_zext(Ir *b, const Ins *i, Val x)
{
    Type t = ir_type(b, x);
    u32 first = (u32)i->imm << i->sub;      /* the lane's first byte */

    if (first >= (t == F64 ? 8u : 4u)) {
        return constant(b, i, 0);
    }
    if (i->sub == L64) {
        return t == F64 ? ir_bitsof(b, I64, x)
                        : ir_zext(b, ir_bitsof(b, I32, x));
    }
    return i->sub == L32 && t == F32 ? ir_bitsof(b, I32, x) : none;
}

static Val fold_vget(Ir *b, const Ins *i)
{
    const Ins *x = ir_def(b, i->a);
    Lane lane = (Lane)i->sub;

    switch (x->op) {
    case IR_vpair:
        return lane_of_pair(b, lane, x, (u32)i->imm);
    case IR_vzext:
        return lane_of_zext(b, i, x->a);
    case IR_vdup:
        return x->sub == lane ? low_bits(b, lane, x->a) : none;
    case IR_vins:
        return x->sub != lane ? none
             : x->imm == i->imm ? low_bits(b, lane, x->b)
                                : ir_vget(b, lane, x->a, (u32)i->imm);
    }
    return none;
}

static Val fold_vlow(Ir *b, const Ins *i)
{
    const Ins *x = ir_def(b, i->a);
    Type t = (Type)i->type;
    Lane lane = t == F64 ? L64 : L32;

    switch (x->op) {
    case IR_vzext:
        return ir_type(b, x->a) == t ? x->a : none;
    case IR_vpair:
        return ir_bitsof(b, t, t == F64 ? x->a : ir_trunc(b, x->a));
    case IR_vins:
        return x->sub != lane ? none
             : x->imm ? ir_vlow(b, t, x->a) : ir_bitsof(b, t, x->b);
    }
    return none;
}

static Val fold_vins(Ir *b, const Ins *i)
{
    const Ins *x = ir_def(b, i->a), *y = ir_def(b, i->b);

    if (y->op == IR_vget && y->a.id == i->a.id && y->sub == i->sub
        && y->imm == i->imm) {
        return i->a;
    }
    if (x->op == IR_vins && x->sub == i->sub && x->imm == i->imm) {
        return ir_vins(b, (Lane)i->sub, x->a, (u32)i->imm, i->b);
    }
    if (x->op == IR_vpair && i->sub == L64) {
        return i->imm ? ir_vpair(b, x->a, i->b) : ir_vpair(b, i->b, x->b);
    }
    return none;
}

static Val fold_vzext(Ir *b, const Ins *i)
{
    const Ins *x = ir_def(b, i->a);

    if (x->op != IR_bitsof) {
        return none;
    }
    return ir_vpair(b, x->type == F64 ? x->a : ir_zext(b, x->a), ir_i64(b, 0));
}

static Val fold_vpair(Ir *b, const Ins *i)
{
    const Ins *x = ir_def(b, i->a), *y = ir_def(b, i->b);
    u64 k;

    if (x->op != IR_vget || x->imm) {
        return none;
    }
    if (y->op == IR_vget && y->imm == 1 && y->a.id == x->a.id) {
        return x->a;
    }
    return ir_is_const(b, i->b, &k) && k == 0
        ? ir_vzext(b, ir_vlow(b, F64, x->a)) : none;
}

static Val fold_vshuf(Ir *b, const Ins *i)
{
    const u64 first = 0x0706050403020100, second = 0x0f0e0d0c0b0a0908;
    const u64 step = 0x1010101010101010, high = 0x8080808080808080;
    Vec m;

    if (!vec_const(b, i->c, &m)) {
        return none;
    }
    if (m.d[0] == first && m.d[1] == second) {
        return i->a;
    }
    if (m.d[0] == first + step && m.d[1] == second + step) {
        return i->b;
    }
    return (m.d[0] & m.d[1] & high) == high ? ir_v128(b, 0, 0) : none;
}

/* ---- operations on vectors ----------------------------------------------- */

static Val same_vectors(Ir *b, const Ins *i)
{
    switch (i->op) {
    case IR_vand: case IR_vor:
    case IR_vsmin: case IR_vsmax: case IR_vumin: case IR_vumax:
        return i->a;
    case IR_vxor: case IR_vandn: case IR_vsub: case IR_vsqsub: case IR_vuqsub:
    case IR_vcgt: case IR_vcgtu:
        return ir_v128(b, 0, 0);
    case IR_vceq:
        return ir_v128(b, ~0ull, ~0ull);
    }
    return none;
}

static Val with_zero_vector(const Ins *i)
{
    switch (i->op) {
    case IR_vor: case IR_vxor: case IR_vandn: case IR_vadd: case IR_vsub:
    case IR_vsqadd: case IR_vuqadd: case IR_vsqsub: case IR_vuqsub:
    case IR_vumax:
        return i->a;
    case IR_vand: case IR_vmul: case IR_vumin:
        return i->b;
    }
    return none;
}

static Val fold_vec2(Ir *b, Ins *i)
{
    Vec k;

    if (i->op <= IR_vxor) {
        i->sub = 0;             /* these have no lanes */
    }
    if (ir_ops[i->op].flags & COMM && vec_const(b, i->a, &k)) {
        ir_swap(&i->a, &i->b);
    }
    if (i->a.id == i->b.id) {
        return same_vectors(b, i);
    }
    if (!vec_const(b, i->b, &k)) {
        return none;
    }
    if (!k.d[0] && !k.d[1]) {
        return with_zero_vector(i);
    }
    return ~k.d[0] || ~k.d[1] ? none
         : i->op == IR_vand ? i->a : i->op == IR_vor ? i->b : none;
}

Val ir_fold_vector(Ir *b, Ins *i)
{
    Val v = i->op >= IR_vget ? fold_vec_constants(b, i) : none;

    if (v.id) {
        return v;
    }
    switch (i->op) {
    case IR_vlow:  return fold_vlow(b, i);
    case IR_vzext: return fold_vzext(b, i);
    case IR_vpair: return fold_vpair(b, i);
    case IR_vget:  return fold_vget(b, i);
    case IR_vins:  return fold_vins(b, i);
    case IR_vshuf: return fold_vshuf(b, i);
    case IR_vshl: case IR_vshr: case IR_vsar:
        return i->imm == 0 ? i->a : none;
    }
    return i->op >= IR_vand && i->op <= IR_vcgtu ? fold_vec2(b, i) : none;
}
