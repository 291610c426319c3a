/* SPDX-License-Identifier: MIT */
/*
 * Arm's reciprocal estimates and steps, and FMULX.  Arm ARM FPRecipEstimate,
 * FPRSqrtEstimate, RecipEstimate, RecipSqrtEstimate, FPRecipStepFused,
 * FPRSqrtStepFused, FPRecpX, FPMulX, with FPCR.AH and RPRES zero.
 */
#include "util/softfloat_core.h"

/* 1 / a to 9 bits, for a of 256 to 511 standing for 0.5 to 1. */
static u32 recip_estimate(u32 a)
{
    u32 b = (1u << 19) / (2 * a + 1);
    return (b + 1) / 2;
}

/*
 * 1 / sqrt(a) to 9 bits, for a of 128 to 511 standing for 0.25 to 1: the
 * largest b with a * b * b < 2^28 once a is the middle of its interval.
 */
static u32 recip_sqrt_estimate(u32 a)
{
    u32 b = 512;
    a = a < 256 ? 2 * a + 1 : 2 * ((a & ~1u) + 1);
    while (a * (b + 1) * (b + 1) < 1u << 28) {
        b++;
    }
    return (b + 1) / 2;
}

u32 fp_urecpe(u32 a)
{
    return a >> 31 ? recip_estimate(a >> 23) << 23 : ~0u;
}

u32 fp_ursqrte(u32 a)
{
    return a >> 30 ? recip_sqrt_estimate(a >> 23) << 23 : ~0u;
}

/* A 9-bit estimate with its top bit set, times 2^exp / 256. */
static Fp estimate_of(u32 estimate, i32 exp, bool sign)
{
    return (Fp){ .cls = CLS_NORMAL, .sign = sign, .exp = exp,
                 .frac = (u128)estimate << 119 };
}

/*
 * The reciprocal of a normal.  Below a quarter of the least normal number it
 * overflows; with output flushing it is flushed where it would be subnormal.
 * Estimates are short enough to be exact even as subnormals.
 */
static u128 recip_normal(const Format *f, const Fp *x, FpEnv *e)
{
    i32 emin = 1 - bias_of(f);
    if (x->exp < emin - 2) {
        return softfloat_overflow(f, *x, precision_of(f), e);
    }
    if (e->flush_out != FP_FLUSH_NONE && x->exp >= -emin) {
        e->flags |= FP_UNDERFLOW;
        return softfloat_pack_special(f, zero_of(x->sign));
    }

    u32 estimate = recip_estimate((u32)(x->frac >> 119));
    Fp r = estimate_of(estimate, -1 - x->exp, x->sign);
    return finish(f, r, precision_of(f), e);
}

static u128 recpe(const Format *f, u128 a, FpEnv *e)
{
    Fp x = unpack(f, a, e);
    switch (x.cls) {
    case CLS_NORMAL:
        return recip_normal(f, &x, e);
    case CLS_INF:
        return softfloat_pack_special(f, zero_of(x.sign));
    case CLS_ZERO:
        e->flags |= FP_DIVZERO;
        return softfloat_pack_special(f, inf_of(x.sign));
    default:
        return softfloat_pack_special(f, softfloat_nan1(&x, e));
    }
}

static u128 rsqrte(const Format *f, u128 a, FpEnv *e)
{
    Fp x = unpack(f, a, e), r;
    if (is_nan(&x)) {
        r = softfloat_nan1(&x, e);
    } else if (x.cls == CLS_ZERO) {
        e->flags |= FP_DIVZERO;
        r = inf_of(x.sign);
    } else if (x.sign) {
        r = softfloat_invalid(FP_VXSQRT, e);
    } else if (x.cls == CLS_INF) {
        r = zero_of(false);
    } else {
        /* As 0.25 to 1 times an even power of two. */
        bool odd = x.exp & 1;
        u32 scaled = (u32)(x.frac >> (odd ? 119 : 120));
        i32 half = (x.exp + (odd ? 1 : 2)) / 2;
        r = estimate_of(recip_sqrt_estimate(scaled), -half, false);
    }
    return finish(f, r, precision_of(f), e);
}

static u128 recpx(const Format *f, u128 a, FpEnv *e)
{
    Fp x = unpack(f, a, e);
    if (is_nan(&x)) {
        return softfloat_pack_special(f, softfloat_nan1(&x, e));
    }
    u128 exp = a >> f->frac_bits & (u32)exp_max(f);
    u128 r = exp ? exp ^ (u32)exp_max(f) : (u32)exp_max(f) - 1;
    return (x.sign ? sign_bit(f) : 0) | r << f->frac_bits;
}

static bool is_inf_zero(const Fp *a, const Fp *b)
{
    return (a->cls == CLS_INF && b->cls == CLS_ZERO) ||
           (a->cls == CLS_ZERO && b->cls == CLS_INF);
}

/* start - a * b, unrounded.  A NaN in a changes its sign as a does. */
static Fp step(const Format *f, u128 a, u128 b, Fp start, FpEnv *e)
{
    Fp x = unpack(f, a ^ sign_bit(f), e), y = unpack(f, b, e);
    if (is_nan(&x) || is_nan(&y)) {
        return softfloat_nan2(&x, &y, e);
    }
    if (is_inf_zero(&x, &y)) {
        return start;
    }
    return softfloat_fma_narrow(&x, &y, &start, e);
}

static u128 recps(const Format *f, u128 a, u128 b, FpEnv *e)
{
    Fp r = step(f, a, b, (Fp){ .cls = CLS_NORMAL, .frac = TOP, .exp = 1 }, e);
    return finish(f, r, precision_of(f), e);
}

static u128 rsqrts(const Format *f, u128 a, u128 b, FpEnv *e)
{
    static const Fp three = {
        .cls = CLS_NORMAL, .frac = TOP | QUIET, .exp = 1
    };
    Fp r = step(f, a, b, three, e);
    r.exp--;
    return finish(f, r, precision_of(f), e);
}

static u128 mulx(const Format *f, u128 a, u128 b, FpEnv *e)
{
    Fp x = unpack(f, a, e), y = unpack(f, b, e), r;
    if (is_nan(&x) || is_nan(&y)) {
        r = softfloat_nan2(&x, &y, e);
    } else if (is_inf_zero(&x, &y)) {
        r = (Fp){ .cls = CLS_NORMAL, .frac = TOP, .exp = 1,
                  .sign = x.sign != y.sign };
    } else {
        Fp zero = zero_of(x.sign != y.sign);
        r = softfloat_fma_narrow(&x, &y, &zero, e);
    }
    return finish(f, r, precision_of(f), e);
}

#define ESTIMATES(P, T) \
    T P##_recpe(T a, FpEnv *e) \
    { \
        return OUT_##P(recpe(&formats[ID_##P], IN_##P(a), e)); \
    } \
    T P##_rsqrte(T a, FpEnv *e) \
    { \
        return OUT_##P(rsqrte(&formats[ID_##P], IN_##P(a), e)); \
    } \
    T P##_recps(T a, T b, FpEnv *e) \
    { \
        return OUT_##P(recps(&formats[ID_##P], IN_##P(a), IN_##P(b), e)); \
    } \
    T P##_rsqrts(T a, T b, FpEnv *e) \
    { \
        return OUT_##P(rsqrts(&formats[ID_##P], IN_##P(a), IN_##P(b), e)); \
    } \
    T P##_recpx(T a, FpEnv *e) \
    { \
        return OUT_##P(recpx(&formats[ID_##P], IN_##P(a), e)); \
    } \
    T P##_mulx(T a, T b, FpEnv *e) \
    { \
        return OUT_##P(mulx(&formats[ID_##P], IN_##P(a), IN_##P(b), e)); \
    }

FP_ARM_FORMATS(ESTIMATES)
