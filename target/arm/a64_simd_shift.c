/* SPDX-License-Identifier: MIT */
/*
 * A64 Advanced SIMD shifts by an immediate, and conversions from and to fixed
 * point.  Each row of a64_simd_shift.decode names a function here.
 * Reference: Arm ARM (DDI 0487) C7.2.
 *
 * s_ functions are for the scalar forms.  Left out: FEAT_FP16.
 */
#include "target/arm/a64_simd.h"
#include "a64_simd_shift.forms.h"

/* immh:immb, taken apart. */
typedef struct Amount {
    bool ok;                /* allocated, as far as the size says */
    Lane lane;
    unsigned left, right;   /* 0 .. bits - 1, 1 .. bits */
} Amount;

static Amount amount_of(unsigned immhb)
{
    Amount r = { .ok = immhb >> 3 };
    unsigned width;

    if (r.ok) {
        r.lane = (Lane)(31 - __builtin_clz(immhb >> 3));
        width = lane_bits(r.lane);
        r.left = immhb - width;
        r.right = 2 * width - immhb;
    }
    return r;
}

static Amount vector_amount(form_vs a)
{
    Amount r = amount_of(a.amount);
    r.ok = r.ok && (r.lane != L64 || a.q);
    return r;
}

/* Of forms where the immediate gives the smaller size. */
static Amount narrow_amount(unsigned immhb)
{
    Amount r = amount_of(immhb);
    r.ok = r.ok && r.lane != L64;
    return r;
}

/* ---- plain -------------------------------------------------------------- */

static bool right(Ctx *c, form_vs a, bool sign, bool round)
{
    Amount s = vector_amount(a);

    return s.ok && set_vq(c, a.q, a.rd,
                          simd_shift_right(c->b, s.lane, get_v(c, a.rn),
                                           s.right, sign, round));
}

static Val right_sum(Ctx *c, form_vs a, Amount s, bool sign, bool round)
{
    Val r = simd_shift_right(c->b, s.lane, get_v(c, a.rn), s.right, sign,
                             round);
    return ir_vadd(c->b, s.lane, get_v(c, a.rd), r);
}

static bool right_add(Ctx *c, form_vs a, bool sign, bool round)
{
    Amount s = vector_amount(a);
    return s.ok && set_vq(c, a.q, a.rd, right_sum(c, a, s, sign, round));
}

/* v, and the bits of the destination that no bit of it was shifted to. */
static Val inserted(Ctx *c, form_vs a, Lane l, Val v, u64 kept)
{
    Val old = ir_vand(c->b, L64, get_v(c, a.rd), simd_const(c->b, l, kept));
    return ir_vor(c->b, L64, old, v);
}

static Val sri_value(Ctx *c, form_vs a, Amount s)
{
    unsigned width = lane_bits(s.lane);
    Val v = simd_shift_right(c->b, s.lane, get_v(c, a.rn), s.right, false,
                             false);
    return inserted(c, a, s.lane, v, ~MASK(width - s.right));
}

static bool sri(Ctx *c, form_vs a)
{
    Amount s = vector_amount(a);
    return s.ok && set_vq(c, a.q, a.rd, sri_value(c, a, s));
}

static bool shl(Ctx *c, form_vs a)
{
    Amount s = vector_amount(a);

    return s.ok && set_vq(c, a.q, a.rd, ir_vshl(c->b, s.lane, get_v(c, a.rn),
                                                s.left));
}

static Val sli_value(Ctx *c, form_vs a, Amount s)
{
    Val v = ir_vshl(c->b, s.lane, get_v(c, a.rn), s.left);
    return inserted(c, a, s.lane, v, MASK(s.left));
}

static bool sli(Ctx *c, form_vs a)
{
    Amount s = vector_amount(a);
    return s.ok && set_vq(c, a.q, a.rd, sli_value(c, a, s));
}

static bool shll(Ctx *c, form_vs a, IrVec1 *widen)
{
    Amount s = narrow_amount(a.amount);
    Val n;

    if (!s.ok) {
        return false;
    }
    n = widen(c->b, s.lane, simd_half(c->b, a.q, get_v(c, a.rn)));
    return set_v(c, a.rd, ir_vshl(c->b, s.lane + 1, n, s.left));
}

static bool shrn(Ctx *c, form_vs a, bool round)
{
    Amount s = narrow_amount(a.amount);
    Val r;

    if (!s.ok) {
        return false;
    }
    r = simd_shift_right(c->b, s.lane + 1, get_v(c, a.rn), s.right, false,
                         round);
    return simd_set_narrow(c, a.q, a.rd, simd_narrow(c->b, s.lane, r));
}

/* ---- saturating --------------------------------------------------------- */

static Val saturated(Ctx *c, form_vs a, Amount s, LaneHelpers h, unsigned bytes)
{
    return IR_CALL(c->b, h[s.lane], get_v(c, a.rn),
                   simd_const(c->b, s.lane, s.left), ir_i32(c->b, bytes));
}

static bool saturating(Ctx *c, form_vs a, LaneHelpers h)
{
    Amount s = vector_amount(a);
    return s.ok && set_v(c, a.rd, saturated(c, a, s, h, a.q ? 16 : 8));
}

static Val narrowed(Ctx *c, form_vs a, Amount s, const Helper *h, u32 round,
                    unsigned bytes)
{
    return IR_CALL(c->b, h, get_v(c, a.rn), ir_i32(c->b, s.right | round),
                   ir_i32(c->b, bytes));
}

static bool narrow(Ctx *c, form_vs a, LaneHelpers h, u32 round)
{
    Amount s = narrow_amount(a.amount);

    return s.ok && simd_set_narrow(c, a.q, a.rd,
                                   narrowed(c, a, s, h[s.lane], round, 8));
}

/* ---- fixed point -------------------------------------------------------- */

/* Dividing by a power of two is exact: the conversion has rounded. */
static Val float_of_fixed(Ctx *c, Amount s, Val n, bool is_unsigned)
{
    Ir *b = c->b;
    bool dbl = s.lane == L64;
    Val unit = ir_bitsof(b, lane_float(s.lane),
                         imm(c, dbl, simd_fp_power(s.right, dbl)));

    return ir_fmul(b, ir_i2f(b, lane_float(s.lane), n, is_unsigned), unit);
}

static bool from_fixed(Ctx *c, form_vs a, bool is_unsigned)
{
    Amount s = vector_amount(a);
    Val r = ir_v128(c->b, 0, 0);

    if (!s.ok) {
        return false;
    }
    for (unsigned i = 0; i < (a.q ? 16u : 8u) >> s.lane; i++) {
        Val n = ir_vget(c->b, s.lane, get_v(c, a.rn), i);
        r = simd_with_float(c->b, s.lane, r, i,
                            float_of_fixed(c, s, n, is_unsigned));
    }
    return set_v(c, a.rd, r);
}

static Val fixed(Ctx *c, form_vs a, Amount s, u32 ctl, unsigned bytes)
{
    return IR_CALL(c->b, simd_fix[s.lane], get_v(c, a.rn),
                   ir_i32(c->b, s.right | ctl), ir_i32(c->b, bytes));
}

static bool to_fixed(Ctx *c, form_vs a, u32 ctl)
{
    Amount s = vector_amount(a);

    return s.ok &&
           set_v(c, a.rd, fixed(c, a, s, ctl, a.q ? 16 : 8));
}

/* ---- scalar ------------------------------------------------------------- */

static form_vs vector_form(form_ss a)
{
    return (form_vs) { .amount = a.amount, .rn = a.rn, .rd = a.rd };
}

static bool s_right(Ctx *c, form_ss a, bool sign, bool round)
{
    Amount s = amount_of(a.amount);

    return set_v64(c, a.rd, simd_shift_right(c->b, L64, get_v(c, a.rn),
                                             s.right, sign, round));
}

static bool s_right_add(Ctx *c, form_ss a, bool sign, bool round)
{
    return set_v64(c, a.rd, right_sum(c, vector_form(a), amount_of(a.amount),
                                      sign, round));
}

static bool s_sri(Ctx *c, form_ss a)
{
    return set_v64(c, a.rd,
                   sri_value(c, vector_form(a), amount_of(a.amount)));
}

static bool s_shl(Ctx *c, form_ss a)
{
    Amount s = amount_of(a.amount);
    return set_v64(c, a.rd, ir_vshl(c->b, L64, get_v(c, a.rn), s.left));
}

static bool s_sli(Ctx *c, form_ss a)
{
    return set_v64(c, a.rd,
                   sli_value(c, vector_form(a), amount_of(a.amount)));
}

static bool s_saturating(Ctx *c, form_ss a, LaneHelpers h)
{
    Amount s = amount_of(a.amount);

    return s.ok && set_v(c, a.rd, saturated(c, vector_form(a), s, h,
                                            1u << s.lane));
}

static bool s_narrow(Ctx *c, form_ss a, LaneHelpers h, u32 round)
{
    Amount s = narrow_amount(a.amount);

    return s.ok && set_v(c, a.rd, narrowed(c, vector_form(a), s, h[s.lane],
                                           round, 1u << s.lane));
}

static bool s_from_fixed(Ctx *c, form_ss a, bool is_unsigned)
{
    Amount s = amount_of(a.amount);
    Val n;

    if (!s.ok) {
        return false;
    }
    n = ir_vget(c->b, s.lane, get_v(c, a.rn), 0);
    return set_f(c, a.rd, float_of_fixed(c, s, n, is_unsigned));
}

static bool s_to_fixed(Ctx *c, form_ss a, u32 ctl)
{
    Amount s = amount_of(a.amount);

    return s.ok &&
           set_v(c, a.rd, fixed(c, vector_form(a), s, ctl, 1u << s.lane));
}

#include "a64_simd_shift.decode.h"

bool a64_simd_shift(Ctx *c, u32 w)
{
    return a64_simd_shift_decode(c, w);
}
