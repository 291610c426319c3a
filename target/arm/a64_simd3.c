/* SPDX-License-Identifier: MIT */
/*
 * A64 Advanced SIMD with two vector operands.  Each row of a64_simd3.decode
 * names a function here.  Reference: Arm ARM (DDI 0487) C7.2.
 *
 * An operation is an IrVec2, of the IR or made of several of it below; the
 * row's function says which lanes it is allowed on, how operands come in and
 * where the result goes.  s_ functions are for the scalar forms.
 */
#include "target/arm/a64_simd.h"
#include "a64_simd3.forms.h"

/* ---- operations --------------------------------------------------------- */

static Val inverse(Ir *b, Val v)
{
    return ir_vxor(b, L64, v, ir_v128(b, ~0ull, ~0ull));
}

static Val orn(Ir *b, Lane l, Val x, Val y)
{
    return ir_vor(b, l, x, inverse(b, y));
}

static Val cmge(Ir *b, Lane l, Val x, Val y)
{
    return inverse(b, ir_vcgt(b, l, y, x));
}

static Val cmhs(Ir *b, Lane l, Val x, Val y)
{
    return inverse(b, ir_vcgtu(b, l, y, x));
}

static Val cmtst(Ir *b, Lane l, Val x, Val y)
{
    Val none = ir_vceq(b, l, ir_vand(b, l, x, y), ir_v128(b, 0, 0));
    return inverse(b, none);
}

/*
 * x + y = 2 (x & y) + (x ^ y) = 2 (x | y) - (x ^ y), x - y = (x ^ y)
 * - 2 (y & ~x): halves of sums without a carry to keep.
 */
static Val shadd(Ir *b, Lane l, Val x, Val y)
{
    Val odd = ir_vsar(b, l, ir_vxor(b, l, x, y), 1);
    return ir_vadd(b, l, ir_vand(b, l, x, y), odd);
}

static Val uhadd(Ir *b, Lane l, Val x, Val y)
{
    Val odd = ir_vshr(b, l, ir_vxor(b, l, x, y), 1);
    return ir_vadd(b, l, ir_vand(b, l, x, y), odd);
}

static Val srhadd(Ir *b, Lane l, Val x, Val y)
{
    Val odd = ir_vsar(b, l, ir_vxor(b, l, x, y), 1);
    return ir_vsub(b, l, ir_vor(b, l, x, y), odd);
}

static Val urhadd(Ir *b, Lane l, Val x, Val y)
{
    Val odd = ir_vshr(b, l, ir_vxor(b, l, x, y), 1);
    return ir_vsub(b, l, ir_vor(b, l, x, y), odd);
}

static Val shsub(Ir *b, Lane l, Val x, Val y)
{
    Val odd = ir_vsar(b, l, ir_vxor(b, l, x, y), 1);
    return ir_vsub(b, l, odd, ir_vandn(b, l, y, x));
}

static Val uhsub(Ir *b, Lane l, Val x, Val y)
{
    Val odd = ir_vshr(b, l, ir_vxor(b, l, x, y), 1);
    return ir_vsub(b, l, odd, ir_vandn(b, l, y, x));
}

static Val sabd(Ir *b, Lane l, Val x, Val y)
{
    return ir_vsub(b, l, ir_vsmax(b, l, x, y), ir_vsmin(b, l, x, y));
}

static Val uabd(Ir *b, Lane l, Val x, Val y)
{
    return ir_vsub(b, l, ir_vumax(b, l, x, y), ir_vumin(b, l, x, y));
}

static Val sabdl(Ir *b, Lane l, Val x, Val y)
{
    return ir_vzxl(b, l, sabd(b, l, x, y));
}

static Val uabdl(Ir *b, Lane l, Val x, Val y)
{
    return ir_vzxl(b, l, uabd(b, l, x, y));
}

static Val pmull(Ir *b, Lane l, Val x, Val y)
{
    return IR_CALL(b, simd_pmull[l], x, y);
}

static Val fabd(Ir *b, Lane l, Val x, Val y)
{
    return simd_fabs(b, l, ir_vfsub(b, l, x, y));
}

static Val facge(Ir *b, Lane l, Val x, Val y)
{
    return ir_vfcge(b, l, simd_fabs(b, l, x), simd_fabs(b, l, y));
}

static Val facgt(Ir *b, Lane l, Val x, Val y)
{
    return ir_vfcgt(b, l, simd_fabs(b, l, x), simd_fabs(b, l, y));
}

/* ---- three same, integer ------------------------------------------------ */

static bool three(Ctx *c, form_v3 a, IrVec2 *op)
{
    if (a.size == L64 && !a.q) {
        return false;
    }
    return set_vq(c, a.q, a.rd,
                  op(c->b, a.size, get_v(c, a.rn), get_v(c, a.rm)));
}

static bool upto32(Ctx *c, form_v3 a, IrVec2 *op)
{
    return a.size != L64 && three(c, a, op);
}

static bool logic(Ctx *c, form_v3 a, IrVec2 *op)
{
    return set_vq(c, a.q, a.rd,
                  op(c->b, L64, get_v(c, a.rn), get_v(c, a.rm)));
}

/* Bits of x where the mask is set, of y where it is not. */
static bool choose(Ctx *c, form_v3 a, Val mask, Val x, Val y)
{
    Val r = ir_vor(c->b, L64, ir_vand(c->b, L64, x, mask),
                   ir_vandn(c->b, L64, y, mask));
    return set_vq(c, a.q, a.rd, r);
}

static bool bsl(Ctx *c, form_v3 a)
{
    return choose(c, a, get_v(c, a.rd), get_v(c, a.rn), get_v(c, a.rm));
}

static bool bit(Ctx *c, form_v3 a)
{
    return choose(c, a, get_v(c, a.rm), get_v(c, a.rn), get_v(c, a.rd));
}

static bool bif(Ctx *c, form_v3 a)
{
    return choose(c, a, get_v(c, a.rm), get_v(c, a.rd), get_v(c, a.rn));
}

static bool accumulate(Ctx *c, form_v3 a, IrVec2 *op, IrVec2 *acc)
{
    Val r;

    if (a.size == L64) {
        return false;
    }
    r = op(c->b, a.size, get_v(c, a.rn), get_v(c, a.rm));
    return set_vq(c, a.q, a.rd, acc(c->b, a.size, get_v(c, a.rd), r));
}

static bool pairwise(Ctx *c, form_v3 a, IrVec2 *op)
{
    Val n = get_v(c, a.rn), m = get_v(c, a.rm);

    if (a.size == L64 && !a.q) {
        return false;
    }
    return set_vq(c, a.q, a.rd,
                  op(c->b, a.size, simd_unzip(c->b, a.size, a.q, n, m, 0),
                     simd_unzip(c->b, a.size, a.q, n, m, 1)));
}

static bool pairwise32(Ctx *c, form_v3 a, IrVec2 *op)
{
    return a.size != L64 && pairwise(c, a, op);
}

static bool called(Ctx *c, form_v3 a, LaneHelpers h)
{
    if (a.size == L64 && !a.q) {
        return false;
    }
    return set_vq(c, a.q, a.rd, IR_CALL(c->b, h[a.size], get_v(c, a.rn),
                                        get_v(c, a.rm)));
}

static Val byte_count(Ctx *c, bool q)
{
    return ir_i32(c->b, q ? 16 : 8);
}

static bool saturating(Ctx *c, form_v3 a, LaneHelpers h)
{
    if ((a.size == L64 && !a.q) || h[a.size] == NULL) {
        return false;
    }
    return set_v(c, a.rd, IR_CALL(c->b, h[a.size], get_v(c, a.rn),
                                  get_v(c, a.rm), byte_count(c, a.q)));
}

static bool rdm(Ctx *c, form_v3 a, LaneHelpers h)
{
    if (h[a.size] == NULL) {
        return false;
    }
    return set_v(c, a.rd, IR_CALL(c->b, h[a.size], get_v(c, a.rd),
                                  get_v(c, a.rn), get_v(c, a.rm),
                                  byte_count(c, a.q)));
}

/* ---- three same, floating point ----------------------------------------- */

static bool float3(Ctx *c, form_vf a, IrVec2 *op)
{
    if (a.dbl && !a.q) {
        return false;
    }
    return set_vq(c, a.q, a.rd,
                  op(c->b, float_lane(a.dbl), simd_get(c, a.q, a.rn),
                     simd_get(c, a.q, a.rm)));
}

static bool float_pairs(Ctx *c, form_vf a, IrVec2 *op)
{
    Lane l = float_lane(a.dbl);
    Val n = get_v(c, a.rn), m = get_v(c, a.rm);

    if (a.dbl && !a.q) {
        return false;
    }
    return set_vq(c, a.q, a.rd, op(c->b, l, simd_unzip(c->b, l, a.q, n, m, 0),
                                   simd_unzip(c->b, l, a.q, n, m, 1)));
}

static bool fmla(Ctx *c, form_vf a, bool negate)
{
    Lane l = float_lane(a.dbl);
    Val n = simd_get(c, a.q, a.rn);

    if (a.dbl && !a.q) {
        return false;
    }
    n = negate ? simd_fneg(c->b, l, n) : n;
    return set_vq(c, a.q, a.rd,
                  ir_vffma(c->b, l, n, simd_get(c, a.q, a.rm),
                           simd_get(c, a.q, a.rd)));
}

/* What is above a 64-bit divisor must not divide by zero. */
static bool fdiv(Ctx *c, form_vf a)
{
    Lane l = float_lane(a.dbl);
    Val m = get_v(c, a.rm);

    if (a.dbl && !a.q) {
        return false;
    }
    if (!a.q) {
        m = ir_vshuf(c->b, m, simd_const(c->b, L32, simd_fp_power(0, false)),
                     0x0706050403020100, 0x1716151413121110);
    }
    return set_vq(c, a.q, a.rd,
                  ir_vfdiv(c->b, l, simd_get(c, a.q, a.rn), m));
}

static bool float_called(Ctx *c, form_vf a, LaneHelpers h)
{
    if (a.dbl && !a.q) {
        return false;
    }
    return set_v(c, a.rd, IR_CALL(c->b, h[float_lane(a.dbl)], get_v(c, a.rn),
                                  get_v(c, a.rm), byte_count(c, a.q)));
}

/* ---- three same, scalar ------------------------------------------------- */

static bool s_three(Ctx *c, form_s3 a, IrVec2 *op)
{
    return set_v64(c, a.rd, op(c->b, L64, get_v(c, a.rn), get_v(c, a.rm)));
}

static bool s_called(Ctx *c, form_s3 a, LaneHelpers h)
{
    return set_v64(c, a.rd, IR_CALL(c->b, h[L64], get_v(c, a.rn),
                                    get_v(c, a.rm)));
}

static bool s_saturating(Ctx *c, form_s3 a, LaneHelpers h)
{
    if (h[a.size] == NULL) {
        return false;
    }
    return set_v(c, a.rd, IR_CALL(c->b, h[a.size], get_v(c, a.rn),
                                  get_v(c, a.rm), ir_i32(c->b, 1u << a.size)));
}

static bool s_rdm(Ctx *c, form_s3 a, LaneHelpers h)
{
    if (h[a.size] == NULL) {
        return false;
    }
    return set_v(c, a.rd, IR_CALL(c->b, h[a.size], get_v(c, a.rd),
                                  get_v(c, a.rn), get_v(c, a.rm),
                                  ir_i32(c->b, 1u << a.size)));
}

static bool s_float3(Ctx *c, form_sf3 a, IrVec2 *op)
{
    Lane l = float_lane(a.dbl);
    return simd_set_scalar(c, l, a.rd,
                           op(c->b, l, simd_get_scalar(c, l, a.rn),
                              simd_get_scalar(c, l, a.rm)));
}

static bool s_float_called(Ctx *c, form_sf3 a, LaneHelpers h)
{
    Lane l = float_lane(a.dbl);
    return set_v(c, a.rd, IR_CALL(c->b, h[l], get_v(c, a.rn), get_v(c, a.rm),
                                  ir_i32(c->b, 1u << l)));
}

/* ---- three different ---------------------------------------------------- */

static bool wide(Ctx *c, form_v3 a, IrVec1 *widen, IrVec2 *op)
{
    Ir *b = c->b;
    Val n, m;

    if (a.size == L64) {
        return false;
    }
    n = widen(b, a.size, simd_half(b, a.q, get_v(c, a.rn)));
    m = widen(b, a.size, simd_half(b, a.q, get_v(c, a.rm)));
    return set_v(c, a.rd, op(b, a.size + 1, n, m));
}

static bool wider(Ctx *c, form_v3 a, IrVec1 *widen, IrVec2 *op)
{
    Val m;

    if (a.size == L64) {
        return false;
    }
    m = widen(c->b, a.size, simd_half(c->b, a.q, get_v(c, a.rm)));
    return set_v(c, a.rd, op(c->b, a.size + 1, get_v(c, a.rn), m));
}

/* op gives lanes of twice the size. */
static bool widening(Ctx *c, form_v3 a, IrVec2 *op)
{
    if (a.size == L64) {
        return false;
    }
    return set_v(c, a.rd, op(c->b, a.size,
                             simd_half(c->b, a.q, get_v(c, a.rn)),
                             simd_half(c->b, a.q, get_v(c, a.rm))));
}

static bool accumulate_wide(Ctx *c, form_v3 a, IrVec2 *op, IrVec2 *acc)
{
    Val r;

    if (a.size == L64) {
        return false;
    }
    r = op(c->b, a.size, simd_half(c->b, a.q, get_v(c, a.rn)),
           simd_half(c->b, a.q, get_v(c, a.rm)));
    return set_v(c, a.rd, acc(c->b, a.size + 1, get_v(c, a.rd), r));
}

static bool high_narrow(Ctx *c, form_v3 a, IrVec2 *op, bool round)
{
    Ir *b = c->b;
    Lane l = a.size + 1;
    Val r;

    if (a.size == L64) {
        return false;
    }
    r = op(b, l, get_v(c, a.rn), get_v(c, a.rm));
    r = simd_shift_right(b, l, r, lane_bits(a.size), false, round);
    return simd_set_narrow(c, a.q, a.rd, simd_narrow(b, a.size, r));
}

/* acc: saturating sum or difference with the destination; NULL: none. */
static Val doubled(Ctx *c, form_s3 a, bool q, unsigned bytes, LaneHelpers acc)
{
    Ir *b = c->b;
    Val count = ir_i32(b, bytes);
    Val r = IR_CALL(b, simd_sqdmull[a.size],
                    simd_half(b, q, get_v(c, a.rn)),
                    simd_half(b, q, get_v(c, a.rm)), count);

    return acc ? IR_CALL(b, acc[a.size + 1], get_v(c, a.rd), r, count) : r;
}

static bool sqdml(Ctx *c, form_v3 a, LaneHelpers acc)
{
    form_s3 s = { a.size, a.rm, a.rn, a.rd };

    if (simd_sqdmull[a.size] == NULL) {
        return false;
    }
    return set_v(c, a.rd, doubled(c, s, a.q, 16, acc));
}

static bool s_sqdml(Ctx *c, form_s3 a, LaneHelpers acc)
{
    if (simd_sqdmull[a.size] == NULL) {
        return false;
    }
    return set_v(c, a.rd, doubled(c, a, false, 2u << a.size, acc));
}

#include "a64_simd3.decode.h"

bool a64_simd3(Ctx *c, u32 w)
{
    return a64_simd3_decode(c, w);
}
