/* SPDX-License-Identifier: MIT */
/*
 * A64 Advanced SIMD with one vector operand.  Each row of a64_simd2.decode
 * names a function here.  Reference: Arm ARM (DDI 0487) C7.2.
 *
 * s_ functions are for the scalar forms.  Conversions go lane by lane through
 * the scalar operations of the IR.  Left out: FEAT_FP16.
 */
#include "target/arm/a64_simd.h"
#include "a64_simd2.forms.h"

static Val byte_count(Ctx *c, unsigned n)
{
    return ir_i32(c->b, n);
}

/* ---- operations --------------------------------------------------------- */

static Val zero(Ir *b)
{
    return ir_v128(b, 0, 0);
}

static Val inverse(Ir *b, Val v)
{
    return ir_vxor(b, L64, v, ir_v128(b, ~0ull, ~0ull));
}

static Val cmgt0(Ir *b, Lane l, Val x)
{
    return ir_vcgt(b, l, x, zero(b));
}

static Val cmge0(Ir *b, Lane l, Val x)
{
    return inverse(b, ir_vcgt(b, l, zero(b), x));
}

static Val cmeq0(Ir *b, Lane l, Val x)
{
    return ir_vceq(b, l, x, zero(b));
}

static Val cmle0(Ir *b, Lane l, Val x)
{
    return inverse(b, ir_vcgt(b, l, x, zero(b)));
}

static Val cmlt0(Ir *b, Lane l, Val x)
{
    return ir_vcgt(b, l, zero(b), x);
}

static Val negate(Ir *b, Lane l, Val x)
{
    return ir_vsub(b, l, zero(b), x);
}

static Val fcmgt0(Ir *b, Lane l, Val x)
{
    return ir_vfcgt(b, l, x, zero(b));
}

static Val fcmge0(Ir *b, Lane l, Val x)
{
    return ir_vfcge(b, l, x, zero(b));
}

static Val fcmeq0(Ir *b, Lane l, Val x)
{
    return ir_vfceq(b, l, x, zero(b));
}

static Val fcmle0(Ir *b, Lane l, Val x)
{
    return ir_vfcge(b, l, zero(b), x);
}

static Val fcmlt0(Ir *b, Lane l, Val x)
{
    return ir_vfcgt(b, l, zero(b), x);
}

/* Sums of pairs of lanes, in lanes of twice the size. */
static Val pair_sums(Ir *b, Lane l, Val v, bool sign)
{
    unsigned width = lane_bits(l);
    Lane wide = l + 1;
    Val odd = simd_shift_right(b, wide, v, width, sign, false);
    Val even = simd_shift_right(b, wide, ir_vshl(b, wide, v, width), width,
                                sign, false);
    return ir_vadd(b, wide, odd, even);
}

/* op of all lanes of the low `bytes` bytes, in lane 0. */
static Val reduce(Ir *b, Lane l, Val v, unsigned bytes, IrVec2 *op)
{
    for (unsigned n = bytes / 2; n >= 1u << l; n /= 2) {
        u8 byte[16];
        for (unsigned k = 0; k < 16; k++) {
            byte[k] = k < n ? (u8)(k + n) : 0x80;
        }
        v = op(b, l, v, simd_shuffle(b, v, v, byte));
    }
    return v;
}

/* ---- integer ------------------------------------------------------------ */

static bool one(Ctx *c, form_v2 a, IrVec1 *op)
{
    if (a.size == L64 && !a.q) {
        return false;
    }
    return set_vq(c, a.q, a.rd, op(c->b, a.size, get_v(c, a.rn)));
}

static bool called(Ctx *c, form_v2 a, LaneHelpers h)
{
    if (h[a.size] == NULL) {
        return false;
    }
    return set_vq(c, a.q, a.rd, IR_CALL(c->b, h[a.size], get_v(c, a.rn)));
}

static bool saturating(Ctx *c, form_v2 a, LaneHelpers h)
{
    Val n = get_v(c, a.rn);

    if (a.size == L64 && !a.q) {
        return false;
    }
    return set_v(c, a.rd, IR_CALL(c->b, h[a.size], n, n,
                                  byte_count(c, a.q ? 16 : 8)));
}

static bool accumulate(Ctx *c, form_v2 a, LaneHelpers h)
{
    if (a.size == L64 && !a.q) {
        return false;
    }
    return set_v(c, a.rd, IR_CALL(c->b, h[a.size], get_v(c, a.rd),
                                  get_v(c, a.rn),
                                  byte_count(c, a.q ? 16 : 8)));
}

/* Lanes reversed in each group of `group` bytes. */
static bool rev(Ctx *c, form_v2 a, unsigned group)
{
    unsigned size = 1u << a.size;
    Val n = get_v(c, a.rn);
    u8 byte[16];

    if (size >= group) {
        return false;
    }
    for (unsigned k = 0; k < 16; k++) {
        byte[k] = (u8)(k ^ (group - size));
    }
    return set_vq(c, a.q, a.rd, simd_shuffle(c->b, n, n, byte));
}

static bool add_pairs(Ctx *c, form_v2 a, bool sign)
{
    if (a.size == L64) {
        return false;
    }
    return set_vq(c, a.q, a.rd,
                  pair_sums(c->b, a.size, get_v(c, a.rn), sign));
}

static bool accumulate_pairs(Ctx *c, form_v2 a, bool sign)
{
    Val r;

    if (a.size == L64) {
        return false;
    }
    r = pair_sums(c->b, a.size, get_v(c, a.rn), sign);
    return set_vq(c, a.q, a.rd,
                  ir_vadd(c->b, a.size + 1, get_v(c, a.rd), r));
}

/* Bits of each byte, counted in pairs, then fours, then all. */
static bool cnt(Ctx *c, form_v2 a)
{
    Ir *b = c->b;
    Val v = get_v(c, a.rn);
    Val m1 = simd_const(b, L8, 0x55), m2 = simd_const(b, L8, 0x33);
    Val m4 = simd_const(b, L8, 0x0f);

    v = ir_vsub(b, L8, v, ir_vand(b, L8, ir_vshr(b, L8, v, 1), m1));
    v = ir_vadd(b, L8, ir_vand(b, L8, v, m2),
                ir_vand(b, L8, ir_vshr(b, L8, v, 2), m2));
    v = ir_vand(b, L8, ir_vadd(b, L8, v, ir_vshr(b, L8, v, 4)), m4);
    return set_vq(c, a.q, a.rd, v);
}

static bool not(Ctx *c, form_v2 a)
{
    return set_vq(c, a.q, a.rd, inverse(c->b, get_v(c, a.rn)));
}

static bool rbit(Ctx *c, form_v2 a)
{
    return set_vq(c, a.q, a.rd,
                  IR_CALL(c->b, simd_rbit[L8], get_v(c, a.rn)));
}

static bool xtn(Ctx *c, form_v2 a)
{
    if (a.size == L64) {
        return false;
    }
    return simd_set_narrow(c, a.q, a.rd,
                           simd_narrow(c->b, a.size, get_v(c, a.rn)));
}

static bool narrow(Ctx *c, form_v2 a, LaneHelpers h)
{
    if (h[a.size] == NULL) {
        return false;
    }
    return simd_set_narrow(c, a.q, a.rd,
                           IR_CALL(c->b, h[a.size], get_v(c, a.rn),
                                   ir_i32(c->b, 0), byte_count(c, 8)));
}

static bool shll(Ctx *c, form_v2 a)
{
    Val n;

    if (a.size == L64) {
        return false;
    }
    n = ir_vzxl(c->b, a.size, simd_half(c->b, a.q, get_v(c, a.rn)));
    return set_v(c, a.rd,
                 ir_vshl(c->b, a.size + 1, n, lane_bits(a.size)));
}

/* ---- floating point ----------------------------------------------------- */

static bool float1(Ctx *c, form_vf a, IrVec1 *op)
{
    if (a.dbl && !a.q) {
        return false;
    }
    return set_vq(c, a.q, a.rd,
                  op(c->b, float_lane(a.dbl), simd_get(c, a.q, a.rn)));
}

static bool float_called(Ctx *c, form_vf a, LaneHelpers h)
{
    if (a.dbl && !a.q) {
        return false;
    }
    return set_v(c, a.rd, IR_CALL(c->b, h[float_lane(a.dbl)], get_v(c, a.rn),
                                  byte_count(c, a.q ? 16 : 8)));
}

/* Lanes of a form; none if it is not allocated. */
static unsigned lanes(form_vf a)
{
    return a.dbl ? (a.q ? 2 : 0) : a.q ? 4 : 2;
}

static bool frint(Ctx *c, form_vf a, unsigned round)
{
    Lane l = float_lane(a.dbl);
    Val n = get_v(c, a.rn), r = zero(c->b);

    for (unsigned i = 0; i < lanes(a); i++) {
        Val x = ir_fround(c->b, simd_float_at(c->b, l, n, i), round);
        r = simd_with_float(c->b, l, r, i, x);
    }
    return lanes(a) && set_v(c, a.rd, r);
}

static bool to_int(Ctx *c, form_vf a, unsigned round)
{
    Lane l = float_lane(a.dbl);
    Val n = get_v(c, a.rn), r = zero(c->b);

    for (unsigned i = 0; i < lanes(a); i++) {
        Val x = ir_f2i(c->b, lane_int(l), simd_float_at(c->b, l, n, i), round);
        r = ir_vins(c->b, l, r, i, x);
    }
    return lanes(a) && set_v(c, a.rd, r);
}

static bool from_int(Ctx *c, form_vf a, bool is_unsigned)
{
    Lane l = float_lane(a.dbl);
    Val n = get_v(c, a.rn), r = zero(c->b);

    for (unsigned i = 0; i < lanes(a); i++) {
        Val x = ir_i2f(c->b, lane_float(l), ir_vget(c->b, l, n, i),
                       is_unsigned);
        r = simd_with_float(c->b, l, r, i, x);
    }
    return lanes(a) && set_v(c, a.rd, r);
}

static bool fcvtn(Ctx *c, form_v2 a)
{
    Ir *b = c->b;
    Val n = get_v(c, a.rn), r = zero(b);

    for (unsigned i = 0; i < 2; i++) {
        Val x = ir_f2f(b, F32, simd_float_at(b, L64, n, i));
        r = simd_with_float(b, L32, r, i, x);
    }
    return simd_set_narrow(c, a.q, a.rd, r);
}

static bool fcvtl(Ctx *c, form_v2 a)
{
    Ir *b = c->b;
    Val n = get_v(c, a.rn), r = zero(b);
    unsigned first = a.q ? 2 : 0;

    for (unsigned i = 0; i < 2; i++) {
        Val x = ir_f2f(b, F64, simd_float_at(b, L32, n, first + i));
        r = simd_with_float(b, L64, r, i, x);
    }
    return set_v(c, a.rd, r);
}

static bool fcvtxn(Ctx *c, form_v2 a)
{
    return simd_set_narrow(c, a.q, a.rd,
                           IR_CALL(c->b, &helper_simd_fcvtxn, get_v(c, a.rn),
                                   byte_count(c, 8)));
}

static bool to_half(Ctx *c, form_v2 a)
{
    return simd_set_narrow(c, a.q, a.rd,
                           IR_CALL(c->b, simd_to_half[L32], get_v(c, a.rn),
                                   byte_count(c, 8)));
}

static bool from_half(Ctx *c, form_v2 a)
{
    Val n = simd_half(c->b, a.q, get_v(c, a.rn));
    return set_v(c, a.rd, IR_CALL(c->b, simd_from_half[L32], n,
                                  byte_count(c, 16)));
}

/* ---- scalar ------------------------------------------------------------- */

static bool s_one(Ctx *c, form_s2 a, IrVec1 *op)
{
    return set_v64(c, a.rd, op(c->b, L64, get_v(c, a.rn)));
}

static bool s_saturating(Ctx *c, form_s2 a, LaneHelpers h)
{
    Val n = get_v(c, a.rn);
    return set_v(c, a.rd, IR_CALL(c->b, h[a.size], n, n,
                                  byte_count(c, 1u << a.size)));
}

static bool s_accumulate(Ctx *c, form_s2 a, LaneHelpers h)
{
    return set_v(c, a.rd, IR_CALL(c->b, h[a.size], get_v(c, a.rd),
                                  get_v(c, a.rn),
                                  byte_count(c, 1u << a.size)));
}

static bool s_narrow(Ctx *c, form_s2 a, LaneHelpers h)
{
    if (h[a.size] == NULL) {
        return false;
    }
    return set_v(c, a.rd, IR_CALL(c->b, h[a.size], get_v(c, a.rn),
                                  ir_i32(c->b, 0),
                                  byte_count(c, 1u << a.size)));
}

static bool s_fcvtxn(Ctx *c, form_s2 a)
{
    return set_v(c, a.rd, IR_CALL(c->b, &helper_simd_fcvtxn, get_v(c, a.rn),
                                  byte_count(c, 4)));
}

static bool s_float1(Ctx *c, form_sf2 a, IrVec1 *op)
{
    Lane l = float_lane(a.dbl);
    return simd_set_scalar(c, l, a.rd,
                           op(c->b, l, simd_get_scalar(c, l, a.rn)));
}

static bool s_float_called(Ctx *c, form_sf2 a, LaneHelpers h)
{
    Lane l = float_lane(a.dbl);
    return set_v(c, a.rd, IR_CALL(c->b, h[l], get_v(c, a.rn),
                                  byte_count(c, 1u << l)));
}

static bool s_to_int(Ctx *c, form_sf2 a, unsigned round)
{
    Lane l = float_lane(a.dbl);
    Type t = lane_float(l);
    Val r = ir_f2i(c->b, lane_int(l), get_f(c, t, a.rn), round);
    return set_f(c, a.rd, ir_bitsof(c->b, t, r));
}

static bool s_from_int(Ctx *c, form_sf2 a, bool is_unsigned)
{
    Lane l = float_lane(a.dbl);
    Val n = ir_vget(c->b, l, get_v(c, a.rn), 0);
    return set_f(c, a.rd, ir_i2f(c->b, lane_float(l), n, is_unsigned));
}

/* ---- across lanes, scalar pairwise -------------------------------------- */

static bool across(Ctx *c, form_v2 a, IrVec2 *op)
{
    if (a.size == L64 || (a.size == L32 && !a.q)) {
        return false;
    }
    return simd_set_scalar(c, a.size, a.rd,
                           reduce(c->b, a.size, get_v(c, a.rn),
                                  a.q ? 16 : 8, op));
}

static bool add_all(Ctx *c, form_v2 a, bool sign)
{
    Val sums;

    if (a.size == L64 || (a.size == L32 && !a.q)) {
        return false;
    }
    sums = pair_sums(c->b, a.size, get_v(c, a.rn), sign);
    return simd_set_scalar(c, a.size + 1, a.rd,
                           reduce(c->b, a.size + 1, sums, a.q ? 16 : 8,
                                  ir_vadd));
}

/* Halves first: the pseudocode's Reduce(). */
static bool float_across(Ctx *c, form_v2 a, IrBinary *op)
{
    Ir *b = c->b;
    Val n = get_v(c, a.rn), lane[4];

    for (unsigned i = 0; i < 4; i++) {
        lane[i] = simd_float_at(b, L32, n, i);
    }
    return set_f(c, a.rd, op(b, op(b, lane[0], lane[1]),
                             op(b, lane[2], lane[3])));
}

static bool s_addp(Ctx *c, form_s2 a)
{
    Val n = get_v(c, a.rn);
    return set_v64(c, a.rd, ir_vadd(c->b, L64, n, simd_high(c->b, n)));
}

static bool s_float_pair(Ctx *c, form_sf2 a, IrBinary *op)
{
    Lane l = float_lane(a.dbl);
    Val n = get_v(c, a.rn);
    return set_f(c, a.rd, op(c->b, simd_float_at(c->b, l, n, 0),
                             simd_float_at(c->b, l, n, 1)));
}

#include "a64_simd2.decode.h"

bool a64_simd2(Ctx *c, u32 w)
{
    return a64_simd2_decode(c, w);
}
