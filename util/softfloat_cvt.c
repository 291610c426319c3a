/* SPDX-License-Identifier: MIT */
/*
 * Conversions between formats and to and from integers, rounding to integral
 * values, and the NaN predicates.  Arm ARM FPConvert, FPConvertNaN,
 * FPToFixed, FixedToFP, FPRoundInt; Intel SDM volume 1, table 4-8 and
 * 8.5.1.2; Power ISA book I, 4.6.7.
 */
#include "util/softfloat_core.h"

/* What becomes of an infinity or NaN in a format that has neither. */
static Fp special_to_numbers(const Format *f, Fp x, FpEnv *e)
{
    e->flags |= FP_INVALID | (x.cls >= CLS_SNAN ? FP_VXSNAN : 0);
    if (is_nan(&x)) {
        return zero_of(x.sign);
    }
    x.cls = CLS_NORMAL;
    x.exp = exp_max(f) - bias_of(f);
    x.frac = ~(u128)0 << (128 - precision_of(f));
    return x;
}

static NOINLINE u128 convert(const Format *from, const Format *to, u128 raw,
                             FpEnv *e)
{
    FpEnv t = *e;
    if (from->half) {
        t.flush_in = false;
    }
    if (to->half) {
        t.flush_out = FP_FLUSH_NONE;
    }

    Fp x = unpack(from, raw, &t);
    if (to->numbers_only && x.cls > CLS_NORMAL) {
        x = special_to_numbers(to, x, &t);
    } else if (is_nan(&x)) {
        x = softfloat_nan1(&x, &t);
    } else if (!from->half && !from->explicit_one) {
        /* Not for VCVTPH2PS nor x87's stores. */
        use_denormals(x.denormal, &t);
    }
    u128 r = finish(to, x, precision_of(to), &t);
    e->flags = t.flags;
    return r;
}

/* x87's stores are worth a way of their own. */
static ALWAYS_INLINE u128 convert_fast(const Format *from, const Format *to,
                                       u128 raw, FpEnv *e)
{
    if (from->explicit_one && !to->half && is_ordinary(from, raw)) {
        return finish(to, ordinary(from, raw), precision_of(to), e);
    }
    return convert(from, to, raw, e);
}

#define CONVERT(P, T, Q, U) \
    U P##_to_##Q(T a, FpEnv *e) \
    { \
        return OUT_##Q(convert_fast(&formats[ID_##P], &formats[ID_##Q], \
                               IN_##P(a), e)); \
    }

FP_PAIRS(CONVERT)

typedef struct IntType {
    u8 width;
    bool is_signed;
} IntType;

/* The result of a conversion that is Invalid; `low` if below the range. */
static u64 int_invalid(IntType t, bool low, bool nan, FpIntRule rule)
{
    u64 max = MASK(t.width - t.is_signed);
    u64 min = t.is_signed ? BIT(t.width - 1) : 0;
    switch (rule) {
    case FP_INT_INDEFINITE:
        return t.is_signed ? min : max;
    case FP_INT_MAX:
        return max;
    case FP_INT_NAN_MIN:
        return nan || low ? min : max;
    case FP_INT_NAN_MAX:
        return nan || !low ? max : min;
    default:
        return nan ? 0 : low ? min : max;
    }
}

/* A number times 2^exp, split at the binary point; fraction / 2^128. */
static u128 split(const Fp *x, i32 exp, u128 *fraction)
{
    if (exp < 0) {
        *fraction = shift_jam(x->frac, (unsigned)(-1 - exp));
        return 0;
    }
    *fraction = exp < 127 ? x->frac << (exp + 1) : 0;
    return x->frac >> (127 - exp);
}

static u64 to_int(const Format *f, u128 raw, IntType t, FpRound round,
                  int fbits, FpEnv *e)
{
    Fp x = unpack(f, raw, e);
    u128 fraction = 0, whole = 0;
    bool up = false, fits = x.cls <= CLS_NORMAL;
    if (x.cls == CLS_NORMAL) {
        i32 exp = x.exp + fbits;
        fits = exp < 64;
        if (fits) {
            whole = split(&x, exp, &fraction);
            up = rounds_up(round, x.sign, whole & 1, fraction, TOP);
            whole += up;
            fits = t.is_signed ? whole <= BIT(t.width - 1) - !x.sign
                 : x.sign ? whole == 0 : whole <= MASK(t.width);
        }
    }
    if (!fits) {
        e->flags |= FP_INVALID | FP_VXCVI |
                    (x.cls >= CLS_SNAN ? FP_VXSNAN : 0);
        return int_invalid(t, x.sign, is_nan(&x), e->int_rule);
    }
    if (fraction) {
        e->flags |= FP_INEXACT | (up ? FP_ROUNDED_UP : 0);
    }
    return x.sign ? 0 - (u64)whole : (u64)whole;
}

static u128 from_int(const Format *f, u64 magnitude, bool sign, int fbits,
                     FpEnv *e)
{
    if (magnitude == 0) {
        return 0;
    }
    int n = __builtin_clzll(magnitude);
    Fp r = { .cls = CLS_NORMAL, .sign = sign, .exp = 63 - n - fbits,
             .frac = (u128)(magnitude << n) << 64 };
    return finish(f, r, precision_of(f), e);
}

static u128 round_int(const Format *f, u128 raw, FpRound round, bool exact,
                      FpEnv *e)
{
    Fp x = unpack(f, raw, e);
    if (is_nan(&x)) {
        return softfloat_pack_special(f, softfloat_nan1(&x, e));
    }
    /* x87 FRNDINT reports a denormal operand, SSE4.1 ROUNDSS does not. */
    use_denormals(x.denormal && f->explicit_one, e);
    if (x.cls != CLS_NORMAL || x.exp >= 127) {
        return finish(f, x, precision_of(f), e);
    }

    u128 fraction, whole = split(&x, x.exp, &fraction);
    bool up = rounds_up(round, x.sign, whole & 1, fraction, TOP);
    if (exact && fraction) {
        e->flags |= FP_INEXACT | (up ? FP_ROUNDED_UP : 0);
    }
    whole += up;
    if (whole == 0) {
        return softfloat_pack_special(f, zero_of(x.sign));
    }
    unsigned n = clz128(whole);
    x.frac = whole << n;
    x.exp = 127 - (i32)n;
    return finish(f, x, precision_of(f), e);
}

static Class class_of(const Format *f, u128 raw, bool snan_set)
{
    FpEnv e = { .snan_set = snan_set };
    return unpack(f, raw, &e).cls;
}

#define TO_INT(P, T, NAME, R, WIDTH, SIGNED) \
    R P##_to_##NAME(T a, FpRound round, int fbits, FpEnv *e) \
    { \
        return (R)to_int(&formats[ID_##P], IN_##P(a), \
                         (IntType){ WIDTH, SIGNED }, round, fbits, e); \
    }

#define INTEGERS(P, T) \
    TO_INT(P, T, i16, i16, 16, true) \
    TO_INT(P, T, i32, i32, 32, true) \
    TO_INT(P, T, i64, i64, 64, true) \
    TO_INT(P, T, u16, u16, 16, false) \
    TO_INT(P, T, u32, u32, 32, false) \
    TO_INT(P, T, u64, u64, 64, false) \
    T i64_to_##P(i64 a, int fbits, FpEnv *e) \
    { \
        return OUT_##P(from_int(&formats[ID_##P], \
                                a < 0 ? 0 - (u64)a : (u64)a, a < 0, \
                                fbits, e)); \
    } \
    T u64_to_##P(u64 a, int fbits, FpEnv *e) \
    { \
        return OUT_##P(from_int(&formats[ID_##P], a, false, fbits, e)); \
    } \
    T P##_round_int(T a, FpRound round, bool exact, FpEnv *e) \
    { \
        return OUT_##P(round_int(&formats[ID_##P], IN_##P(a), round, exact, \
                                 e)); \
    } \
    bool P##_is_nan(T a) \
    { \
        return class_of(&formats[ID_##P], IN_##P(a), false) >= CLS_QNAN; \
    } \
    bool P##_is_snan(T a, const FpEnv *e) \
    { \
        return class_of(&formats[ID_##P], IN_##P(a), e->snan_set) >= \
               CLS_SNAN; \
    } \
    T P##_default_nan(const FpEnv *e) \
    { \
        return OUT_##P(softfloat_pack_special(&formats[ID_##P], \
                                              softfloat_default_nan(e))); \
    }

FP_FORMATS(INTEGERS)
