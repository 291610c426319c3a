/* SPDX-License-Identifier: MIT */
/*
 * A64 Advanced SIMD by indexed element: the second operand is one lane of a
 * register.  Each row of a64_simd_elem.decode names a function here.
 * Reference: Arm ARM (DDI 0487) C7.2.
 *
 * Functions are named as their kin in a64_simd3.c.  Left out: FEAT_FP16.
 */
#include "target/arm/a64_simd.h"
#include "a64_simd_elem.forms.h"

/* Sizes of integer elements. */
static bool is_middle(form_ve a)
{
    return a.size == L16 || a.size == L32;
}

/* Every lane the element. */
static Val element(Ctx *c, form_ve a)
{
    if (a.size == L16) {
        return simd_splat(c->b, L16, get_v(c, a.rm),
                          a.h * 4u + a.l * 2u + a.m);
    }
    return simd_splat(c->b, a.size, get_v(c, a.m * 16u + a.rm),
                      a.size == L32 ? a.h * 2u + a.l : a.h);
}

static Val byte_count(Ctx *c, unsigned n)
{
    return ir_i32(c->b, n);
}

/* ---- integer ------------------------------------------------------------ */

static bool multiply(Ctx *c, form_ve a)
{
    if (!is_middle(a)) {
        return false;
    }
    return set_vq(c, a.q, a.rd, ir_vmul(c->b, a.size, get_v(c, a.rn),
                                        element(c, a)));
}

static bool accumulate(Ctx *c, form_ve a, IrVec2 *op, IrVec2 *acc)
{
    Val r;

    if (!is_middle(a)) {
        return false;
    }
    r = op(c->b, a.size, get_v(c, a.rn), element(c, a));
    return set_vq(c, a.q, a.rd, acc(c->b, a.size, get_v(c, a.rd), r));
}

static bool widening(Ctx *c, form_ve a, IrVec2 *op)
{
    if (!is_middle(a)) {
        return false;
    }
    return set_v(c, a.rd, op(c->b, a.size,
                             simd_half(c->b, a.q, get_v(c, a.rn)),
                             element(c, a)));
}

static bool accumulate_wide(Ctx *c, form_ve a, IrVec2 *op, IrVec2 *acc)
{
    Val r;

    if (!is_middle(a)) {
        return false;
    }
    r = op(c->b, a.size, simd_half(c->b, a.q, get_v(c, a.rn)),
           element(c, a));
    return set_v(c, a.rd, acc(c->b, a.size + 1, get_v(c, a.rd), r));
}

static bool doubled(Ctx *c, form_ve a, Val n, unsigned bytes, LaneHelpers acc)
{
    Val count = byte_count(c, bytes), r;

    if (!is_middle(a)) {
        return false;
    }
    r = IR_CALL(c->b, simd_sqdmull[a.size], n, element(c, a), count);
    if (acc) {
        r = IR_CALL(c->b, acc[a.size + 1], get_v(c, a.rd), r, count);
    }
    return set_v(c, a.rd, r);
}

static bool sqdml(Ctx *c, form_ve a, LaneHelpers acc)
{
    return doubled(c, a, simd_half(c->b, a.q, get_v(c, a.rn)), 16, acc);
}

static bool s_sqdml(Ctx *c, form_ve a, LaneHelpers acc)
{
    return doubled(c, a, get_v(c, a.rn), 2u << a.size, acc);
}

static bool saturate(Ctx *c, form_ve a, LaneHelpers h, unsigned bytes)
{
    if (!is_middle(a)) {
        return false;
    }
    return set_v(c, a.rd, IR_CALL(c->b, h[a.size], get_v(c, a.rn),
                                  element(c, a), byte_count(c, bytes)));
}

static bool saturating(Ctx *c, form_ve a, LaneHelpers h)
{
    return saturate(c, a, h, a.q ? 16 : 8);
}

static bool s_saturating(Ctx *c, form_ve a, LaneHelpers h)
{
    return saturate(c, a, h, 1u << a.size);
}

static bool saturate_acc(Ctx *c, form_ve a, LaneHelpers h, unsigned bytes)
{
    if (!is_middle(a)) {
        return false;
    }
    return set_v(c, a.rd, IR_CALL(c->b, h[a.size], get_v(c, a.rd),
                                  get_v(c, a.rn), element(c, a),
                                  byte_count(c, bytes)));
}

static bool rdm(Ctx *c, form_ve a, LaneHelpers h)
{
    return saturate_acc(c, a, h, a.q ? 16 : 8);
}

static bool s_rdm(Ctx *c, form_ve a, LaneHelpers h)
{
    return saturate_acc(c, a, h, 1u << a.size);
}

/* ---- floating point ----------------------------------------------------- */

/* Is the vector form allocated?  The scalar ones have bit 30 set. */
static bool is_float(form_ve a)
{
    return a.size == L32 || (a.q && !a.l);
}

/* The element in as many lanes as count. */
static Val float_element(Ctx *c, form_ve a)
{
    Val m = element(c, a);
    return a.q ? m : ir_vzext(c->b, ir_vlow(c->b, F64, m));
}

static bool fmla(Ctx *c, form_ve a, bool negative)
{
    Val n = simd_get(c, a.q, a.rn);

    if (!is_float(a)) {
        return false;
    }
    n = negative ? simd_fneg(c->b, a.size, n) : n;
    return set_vq(c, a.q, a.rd,
                  ir_vffma(c->b, a.size, n, float_element(c, a),
                           simd_get(c, a.q, a.rd)));
}

static bool fmul(Ctx *c, form_ve a)
{
    if (!is_float(a)) {
        return false;
    }
    return set_vq(c, a.q, a.rd,
                  ir_vfmul(c->b, a.size, simd_get(c, a.q, a.rn),
                           float_element(c, a)));
}

static bool fmulx(Ctx *c, form_ve a)
{
    if (!is_float(a)) {
        return false;
    }
    return set_v(c, a.rd, IR_CALL(c->b, simd_fmulx[a.size], get_v(c, a.rn),
                                  element(c, a),
                                  byte_count(c, a.q ? 16 : 8)));
}

static Val scalar_element(Ctx *c, form_ve a)
{
    return ir_vlow(c->b, lane_float(a.size), element(c, a));
}

static bool s_fmla(Ctx *c, form_ve a, bool negative)
{
    Type t = lane_float(a.size);
    Val n = get_v(c, a.rn);

    if (!is_float(a)) {
        return false;
    }
    n = ir_vlow(c->b, t, negative ? simd_fneg(c->b, a.size, n) : n);
    return set_f(c, a.rd, ir_ffma(c->b, n, scalar_element(c, a),
                                  get_f(c, t, a.rd)));
}

static bool s_fmul(Ctx *c, form_ve a)
{
    Val n = get_f(c, lane_float(a.size), a.rn);

    return is_float(a) &&
           set_f(c, a.rd, ir_fmul(c->b, n, scalar_element(c, a)));
}

static bool s_fmulx(Ctx *c, form_ve a)
{
    return is_float(a) &&
           set_v(c, a.rd, IR_CALL(c->b, simd_fmulx[a.size], get_v(c, a.rn),
                                  element(c, a),
                                  byte_count(c, 1u << a.size)));
}

#include "a64_simd_elem.decode.h"

bool a64_simd_elem(Ctx *c, u32 w)
{
    return a64_simd_elem_decode(c, w);
}
