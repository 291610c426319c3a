/* SPDX-License-Identifier: MIT */
/*
 * x87's own operations: exact widening, FSCALE, FPREM, FPREM1, FXTRACT.
 * Intel SDM volume 2, those instructions and their tables of special cases.
 */
#include "util/softfloat_core.h"

#define f80 (&formats[ID_f80])

static F80 pack80(Fp r, FpEnv *e)
{
    return f80_of(finish(f80, r, 64, e));
}

/* A number in another format that is normal in both. */
static ALWAYS_INLINE F80 widen_ordinary(const Format *f, u64 raw)
{
    u32 exp = (u32)(raw >> f->frac_bits) & (u32)exp_max(f);
    u32 sign = (raw & (u64)sign_bit(f)) != 0;
    return (F80){
        .frac = BIT(63) | (raw & (u64)frac_mask(f)) << (63 - f->frac_bits),
        .se = (u16)(sign << 15 | (exp + (u32)(bias_of(f80) - bias_of(f)))),
    };
}

/* NaNs keep their kind, so they are not converted but put together. */
static NOINLINE F80 widen(const Format *f, u128 raw, FpEnv *e)
{
    Fp x = unpack(f, raw, e);
    if (is_nan(&x)) {
        return (F80){ .frac = (u64)(x.frac >> 64) | BIT(63),
                      .se = x.sign ? 0xffff : 0x7fff };
    }
    use_denormals(x.denormal, e);
    return pack80(x, e);
}

F80 f80_widen32(u32 a, FpEnv *e)
{
    return likely(is_ordinary(&formats[ID_f32], a))
           ? widen_ordinary(&formats[ID_f32], a)
           : widen(&formats[ID_f32], a, e);
}

F80 f80_widen64(u64 a, FpEnv *e)
{
    return likely(is_ordinary(&formats[ID_f64], a))
           ? widen_ordinary(&formats[ID_f64], a)
           : widen(&formats[ID_f64], a, e);
}

/* a number cut to an integer, limited to where every scaling saturates. */
static i32 exponent_of(const Fp *b)
{
    enum { LIMIT = 1 << 16 };
    if (b->cls == CLS_ZERO || b->exp < 0) {
        return 0;
    }
    i32 n = b->exp >= 16 ? LIMIT : (i32)(b->frac >> (127 - b->exp));
    return b->sign ? -n : n;
}

F80 f80_scale(F80 a, F80 b, FpEnv *e)
{
    Fp x = unpack(f80, IN_f80(a), e), y = unpack(f80, IN_f80(b), e);
    if (is_nan(&x) || is_nan(&y)) {
        return pack80(softfloat_nan2(&x, &y, e), e);
    }
    if (y.cls == CLS_INF && x.cls == (y.sign ? CLS_INF : CLS_ZERO)) {
        return pack80(softfloat_invalid(0, e), e);
    }
    use_denormals(x.denormal || y.denormal, e);
    if (y.cls == CLS_INF) {
        return pack80(y.sign ? zero_of(x.sign) : inf_of(x.sign), e);
    }
    if (x.cls == CLS_NORMAL) {
        x.exp += exponent_of(&y);
    }
    return pack80(x, e);
}

F80 f80_extract(F80 a, F80 *exp, FpEnv *e)
{
    Fp x = unpack(f80, IN_f80(a), e);
    if (is_nan(&x)) {
        return *exp = pack80(softfloat_nan1(&x, e), e);
    }
    if (x.cls == CLS_INF) {
        *exp = pack80(inf_of(false), e);
        return a;
    }
    if (x.cls == CLS_ZERO) {
        e->flags |= FP_DIVZERO;
        *exp = pack80(inf_of(true), e);
        return a;
    }
    use_denormals(x.denormal, e);
    *exp = i64_to_f80(x.exp, 0, e);
    x.exp = 0;
    return pack80(x, e);
}

/*
 * n = floor(n * 2^shift / d) bit by bit in the quotient, of which the low 64
 * bits are kept; n < 2 d < 2^65 before and n < d after.
 */
static u64 long_division(u128 *n, u64 d, i32 shift)
{
    u64 q = 0;
    for (i32 i = 0; i <= shift; i++) {
        if (i) {
            *n <<= 1;
        }
        q <<= 1;
        if (*n >= d) {
            *n -= d;
            q |= 1;
        }
    }
    return q;
}

/* Exponents apart by 64 or more are brought nearer by a part of that. */
static i32 step_of(i32 apart)
{
    return 32 + (apart & 31);
}

static Fp reduce(const Fp *a, const Fp *b, bool nearest, u32 *quotient,
                 bool *partial)
{
    i32 apart = a->exp - b->exp, exp = b->exp;
    u64 d = (u64)(b->frac >> 64), q;
    u128 n = a->frac >> 64;
    Fp r = *a;
    *quotient = 0;
    *partial = apart >= 64;
    if (*partial) {
        exp += apart - step_of(apart);
        long_division(&n, d, step_of(apart));
    } else if (apart < -1 || (apart < 0 && !nearest)) {
        return r;
    } else {
        if (apart < 0) {
            exp--;              /* |a| < |b| <= 2 |a|: count in halves of b */
        }
        q = apart < 0 ? 0 : long_division(&n, d, apart);
        u128 unit = apart < 0 ? (u128)d << 1 : d;
        if (nearest && (n << 1 > unit || (n << 1 == unit && q & 1))) {
            n = unit - n;
            q++;
            r.sign = !r.sign;
        }
        *quotient = (u32)q & 7;
    }
    if (n == 0) {
        return zero_of(a->sign);
    }
    unsigned z = clz128(n);
    r.frac = n << z;
    r.exp = exp + 64 - (i32)z;
    return r;
}

F80 f80_prem(F80 a, F80 b, bool nearest, u32 *quotient, bool *partial,
             FpEnv *e)
{
    Fp x = unpack(f80, IN_f80(a), e), y = unpack(f80, IN_f80(b), e);
    *quotient = 0;
    *partial = false;
    if (is_nan(&x) || is_nan(&y)) {
        return pack80(softfloat_nan2(&x, &y, e), e);
    }
    if (x.cls == CLS_INF || y.cls == CLS_ZERO) {
        return pack80(softfloat_invalid(0, e), e);
    }
    use_denormals(x.denormal || y.denormal, e);
    if (x.cls == CLS_NORMAL && y.cls == CLS_NORMAL) {
        x = reduce(&x, &y, nearest, quotient, partial);
    }
    return pack80(x, e);
}
