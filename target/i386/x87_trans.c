/* SPDX-License-Identifier: MIT */
/*
 * x87's transcendentals: by the host's own unit where it has one
 * (util/hostx87.c), which gives what hardware gives bit for bit, else in
 * quadruple precision, right to about one unit in the last place as SDM
 * volume 1, 8.3.10 promises.
 *
 * Left out of the portable form: the exponent's adjustment after an unmasked
 * overflow or underflow.
 */
#include "target/i386/x87.h"

/* ---- portable ----------------------------------------------------------- */

/* A computation in quadruple precision; only special cases look at flags. */
typedef struct Math {
    FpEnv wide;                 /* for f128 */
    FpEnv env;                  /* the guest's, all 64 bits */
    u16 sw;
} Math;

static u128 q_int(i64 v)
{
    FpEnv e = fpenv_sse();
    return i64_to_f128(v, 0, &e);
}

static u128 q_add(Math *m, u128 a, u128 b) { return f128_add(a, b, &m->wide); }
static u128 q_sub(Math *m, u128 a, u128 b) { return f128_sub(a, b, &m->wide); }
static u128 q_mul(Math *m, u128 a, u128 b) { return f128_mul(a, b, &m->wide); }
static u128 q_div(Math *m, u128 a, u128 b) { return f128_div(a, b, &m->wide); }

/* a * 2^n for a normal a whose exponent stays in range. */
static u128 q_scale(u128 a, int n)
{
    return a << 1 == 0 ? a : a + ((u128)(u64)(i64)n << 112);
}

static int q_exp(u128 a)
{
    return (int)(a >> 112 & 0x7fff) - 0x3fff;
}

static u128 q_abs(u128 a)
{
    return a << 1 >> 1;
}

static u128 q_neg(u128 a)
{
    return a ^ (u128)1 << 127;
}

static bool q_less(u128 a, u128 b)
{
    FpEnv e = fpenv_sse();
    return f128_compare(a, b, false, &e) == FP_LESS;
}

/* To 113 bits. */
#define Q(hi, lo) ((u128)(hi) << 64 | (lo))
static const u128 q_ln2 = Q(0x3ffe62e42fefa39eull, 0xf35793c7673007e6ull);
static const u128 q_log2e = Q(0x3fff71547652b82full, 0xe1777d0ffda0d23aull);
static const u128 q_one = Q(0x3fff000000000000ull, 0);

/*
 * sum of sign^k x^(2k) / ((2k + first) .. ) times x^first: the series of sin
 * (first 1) and cos (first 0), for small x.
 */
static u128 series_trig(Math *m, u128 x, int first)
{
    u128 square = q_mul(m, x, x), term = first ? x : q_one, sum = term;
    for (int k = first + 1; k < 60; k += 2) {
        term = q_neg(q_div(m, q_mul(m, term, square), q_int(k * (k + 1))));
        sum = q_add(m, sum, term);
        if (q_exp(term) < q_exp(sum) - 116) {
            break;
        }
    }
    return sum;
}

/* atan(x), x small: sum of (-1)^k x^(2k+1) / (2k+1); sign 0: atanh. */
static u128 series_atan(Math *m, u128 x, bool alternate)
{
    u128 square = q_mul(m, x, x), power = x, sum = x;
    for (int k = 3; k < 300; k += 2) {
        power = q_mul(m, power, square);
        if (alternate) {
            power = q_neg(power);
        }
        u128 term = q_div(m, power, q_int(k));
        sum = q_add(m, sum, term);
        if (q_exp(term) < q_exp(sum) - 116) {
            break;
        }
    }
    return sum;
}

/* exp(x) - 1, |x| < 1. */
static u128 series_expm1(Math *m, u128 x)
{
    u128 term = x, sum = x;
    for (int k = 2; k < 60; k++) {
        term = q_div(m, q_mul(m, term, x), q_int(k));
        sum = q_add(m, sum, term);
        if (q_exp(term) < q_exp(sum) - 116) {
            break;
        }
    }
    return sum;
}

/* ln(1 + x) = 2 atanh(x / (2 + x)), -1/2 < x < 1. */
static u128 ln_1p(Math *m, u128 x)
{
    u128 z = q_div(m, x, q_add(m, q_int(2), x));
    return q_scale(series_atan(m, z, false), 1);
}

/* log2 of a positive normal number: exponent and 1 + x in [0.7, 1.42). */
static u128 log_2(Math *m, u128 v)
{
    int exp = q_exp(v);
    u128 x = q_scale(v, -exp);
    if (!q_less(x, Q(0x3fff6a0000000000ull, 0))) {
        x = q_scale(x, -1);
        exp++;
    }
    u128 l = ln_1p(m, q_sub(m, x, q_one));
    return l << 1 == 0 ? q_int(exp)
                       : q_add(m, q_mul(m, l, q_log2e), q_int(exp));
}

/* atan of a positive number, reduced three times by atan x = 2 atan(...). */
static u128 q_atan1(Math *m, u128 x)
{
    for (int i = 0; i < 3; i++) {
        FpEnv *e = &m->wide;
        u128 root = f128_sqrt(q_add(m, q_one, q_mul(m, x, x)), e);
        x = q_div(m, x, q_add(m, q_one, root));
    }
    return q_scale(series_atan(m, x, true), 3);
}

/* A result that is not exact, rounded; inexact whatever its last bits. */
static F80 rounded(Math *m, u128 v)
{
    if (q_exp(v) == 0x4000) {
        v--;                            /* overflowed: not infinity itself */
    }
    v |= 1;
    return f128_to_f80(v, &m->env);
}

static bool nan_of(Math *m, F80 a, F80 b, F80 *r)
{
    if (!f80_is_nan(a) && !f80_is_nan(b)) {
        return false;
    }
    *r = f80_add(a, b, &m->env);
    return true;
}

static bool is_zero(F80 a) { return a.frac == 0 && !(a.se & 0x7fff); }
static bool is_inf(F80 a) { return (a.se & 0x7fff) == 0x7fff; }
static bool minus(F80 a) { return a.se >> 15; }

static F80 signed_by(F80 a, bool sign)
{
    a.se = (u16)((a.se & 0x7fff) | sign << 15);
    return a;
}

static const F80 one80 = { BIT(63), 0x3fff }, inf80 = { BIT(63), 0x7fff };

static F80 invalid(Math *m)
{
    m->env.flags |= FP_INVALID;
    return f80_default_nan(&m->env);
}

static u128 wide_of(Math *m, F80 a)
{
    if (!(a.se & 0x7fff) && a.frac) {
        m->env.flags |= FP_INPUT_DENORMAL;
    }
    return f80_to_f128(a, &m->wide);
}

static void f2xm1(Math *m, F80 *a)
{
    F80 v = *a;
    if (nan_of(m, v, v, a) || is_zero(v)) {
        return;
    }
    u128 x = wide_of(m, v);
    if (!q_less(q_abs(x), q_int(2))) {
        *a = is_inf(v) && minus(v) ? signed_by(one80, true) : v;
        return;
    }
    if ((v.se & 0x7fff) == 0x3fff && v.frac == BIT(63)) {
        *a = minus(v) ? (F80) { BIT(63), 0xbffe } : one80;
        return;
    }
    *a = rounded(m, series_expm1(m, q_mul(m, x, q_ln2)));
}

/* b * l where l is a logarithm that is neither zero nor infinite. */
static F80 times(Math *m, F80 b, u128 l)
{
    bool sign = (l >> 127) ^ minus(b);
    if (is_zero(b) || is_inf(b)) {
        return signed_by(b, sign);
    }
    return rounded(m, q_mul(m, wide_of(m, b), l));
}

/* b * x * log2 e for a tiny x, kept away from the ends of the range. */
static F80 times_tiny(Math *m, F80 b, u128 x)
{
    u128 up = q_scale(q_one, 256), down = q_scale(q_one, -256);
    u128 y = wide_of(m, b);
    bool large = q_exp(y) > 0;
    u128 l = q_mul(m, q_mul(m, x, up), q_log2e);
    return rounded(m, large ? q_mul(m, l, q_mul(m, y, down))
                            : q_mul(m, q_mul(m, l, y), down));
}

/* FYL2X of +0, infinity: log2 is an infinity of the sign given. */
static F80 times_inf(Math *m, F80 b, bool sign)
{
    return is_zero(b) ? invalid(m) : signed_by(inf80, sign ^ minus(b));
}

static void fyl2x(Math *m, F80 a, F80 *b)
{
    F80 y = *b;
    if (nan_of(m, a, y, b)) {
        return;
    }
    if (is_zero(a)) {
        if (!is_zero(y) && !is_inf(y)) {
            m->env.flags |= FP_DIVZERO;
        }
        *b = times_inf(m, y, true);
    } else if (minus(a)) {
        *b = invalid(m);
    } else if (is_inf(a)) {
        *b = times_inf(m, y, false);
    } else if (a.se == 0x3fff && a.frac == BIT(63)) {
        *b = is_inf(y) ? invalid(m) : signed_by((F80){ 0 }, minus(y));
    } else {
        u128 x = wide_of(m, a);
        bool tiny = q_exp(x) <= -0x3fff;    /* a subnormal also as f128 */
        u128 l = log_2(m, tiny ? f128_mul(x, q_scale(q_one, 128), &m->wide)
                               : x);
        *b = times(m, y, tiny ? q_sub(m, l, q_int(128)) : l);
    }
}

static void fyl2xp1(Math *m, F80 a, F80 *b)
{
    F80 y = *b;
    if (nan_of(m, a, y, b)) {
        return;
    }
    if (is_zero(a)) {
        *b = is_inf(y) ? invalid(m)
                       : signed_by((F80){ 0 }, minus(a) ^ minus(y));
    } else if (is_inf(a)) {
        *b = minus(a) ? invalid(m) : times_inf(m, y, false);
    } else {
        u128 x = wide_of(m, a), l;
        if (q_less(x, q_scale(q_neg(q_one), -1))) {
            u128 sum = q_add(m, x, q_one);
            *b = sum >> 127 || sum << 1 == 0 ? y : times(m, y, log_2(m, sum));
            return;
        }
        if (q_exp(x) < -120) {
            *b = is_zero(y) || is_inf(y) ? times(m, y, x)
                                         : times_tiny(m, y, x);
            return;
        }
        l = q_exp(x) >= 0 ? log_2(m, q_add(m, x, q_one))
                          : q_mul(m, ln_1p(m, x), q_log2e);
        *b = times(m, y, l);
    }
}

/* pi times eighths/8, with b's sign. */
static F80 part_of_pi(Math *m, unsigned eighths, bool sign)
{
    static const u128 pi = Q(0x4000921fb54442d1ull, 0x8469898cc51701b8ull);
    u128 v = q_scale(q_mul(m, pi, q_int(eighths)), -3);
    return rounded(m, sign ? q_neg(v) : v);
}

/* SDM, FPATAN: the angle of (x, y) = (ST(0), ST(1)). */
static void fpatan(Math *m, F80 x, F80 *b)
{
    static const u128 pi = Q(0x4000921fb54442d1ull, 0x8469898cc51701b8ull);
    F80 y = *b;
    if (nan_of(m, x, y, b)) {
        return;
    }
    if (is_inf(y) || is_zero(x)) {
        if (is_zero(y)) {
            *b = minus(x) ? part_of_pi(m, 8, minus(y)) : y;
        } else {
            unsigned eighths = !is_inf(x) || !is_inf(y) ? 4 : minus(x) ? 6 : 2;
            *b = part_of_pi(m, eighths, minus(y));
        }
    } else if (is_inf(x) || is_zero(y)) {
        *b = minus(x) ? part_of_pi(m, 8, minus(y))
                      : signed_by((F80){ 0 }, minus(y));
    } else {
        u128 p = q_abs(wide_of(m, x)), q = q_abs(wide_of(m, y)), r;
        bool swap = q_less(p, q);
        r = swap ? q_div(m, p, q) : q_div(m, q, p);
        r = q_exp(r) < -120 ? r : q_atan1(m, r);
        r = swap ? q_sub(m, q_scale(pi, -1), r) : r;
        r = minus(x) ? q_sub(m, pi, r) : r;
        *b = rounded(m, minus(y) ? q_neg(r) : r);
    }
}

/*
 * a modulo pi/2, as x87 has pi: 66 bits of it.  Long division by the integer
 * pi * 2^64; returns the quadrant, and the remainder in [-pi/4, pi/4].
 */
static unsigned reduced(Math *m, F80 a, u128 *r)
{
    static const u128 half_pi = (u128)0x3 << 64 | 0x243f6a8885a308d3;
    int exp = (a.se & 0x7fff) - 0x3fff;
    u128 n = a.frac;                    /* units of 2^(exp - 63) */
    unsigned q = 0;
    if (exp < -1) {
        *r = wide_of(m, signed_by(a, false));
        return 0;
    }
    /* half_pi is pi/2 in units of 2^-65: start where n < 2 half_pi. */
    n <<= 1;                            /* units of 2^(exp - 64) */
    for (int i = exp; i >= -1; i--) {
        q <<= 1;
        if (n >= half_pi) {
            n -= half_pi;
            q |= 1;
        }
        if (i >= 0) {
            n <<= 1;
        }
    }
    bool back = n << 1 > half_pi;
    n = back ? half_pi - n : n;
    FpEnv *e = &m->wide;
    u128 hi = u64_to_f128((u64)(n >> 64), 0, e);
    u128 v = q_add(m, hi, u64_to_f128((u64)n, 64, e));
    *r = q_scale(back ? q_neg(v) : v, -1);
    if (v << 1 == 0) {
        *r = v;
    }
    return (q + back) & 3;
}

static u128 trig(Math *m, unsigned quadrant, u128 r)
{
    bool cosine = quadrant & 1;
    u128 v = r;
    if (cosine || q_exp(r) > -60) {
        v = series_trig(m, r, !cosine);
    }
    return quadrant & 2 ? q_neg(v) : v;
}

/* False: NaN, infinity, zero or out of range; *s and *co are set. */
static bool angle(Math *m, F80 a, F80 *s, F80 *co)
{
    if (nan_of(m, a, a, s)) {
        *co = *s;
        return false;
    }
    if (is_inf(a)) {
        *s = *co = invalid(m);
        return false;
    }
    if (is_zero(a)) {
        *s = a;
        *co = one80;
        return false;
    }
    if ((a.se & 0x7fff) >= 0x3fff + 63) {
        m->sw |= FSW_C2;
        *s = *co = a;
        return false;
    }
    return true;
}

/* The sine, and the cosine unless co is NULL. */
static void sine(Math *m, F80 *a, F80 *s, F80 *co)
{
    u128 r;
    F80 v = *a, unused;
    if (!angle(m, v, s, co ? co : &unused)) {
        return;
    }
    unsigned q = reduced(m, v, &r);
    u128 x = trig(m, q, r);
    if ((q & 1) == 0 && q_exp(r) < -66) {
        x -= 1;                         /* nearer to zero than its argument */
    }
    *s = rounded(m, minus(v) ? q_neg(x) : x);
    if (co) {
        m->env.flags &= (u16)~FP_ROUNDED_UP;
        *co = rounded(m, trig(m, q + 1, r));
    }
}

static void fptan(Math *m, F80 *a, F80 *b)
{
    u128 r;
    F80 v = *a, unused;
    if (!angle(m, v, b, &unused)) {
        *a = m->sw || f80_is_nan(*b) ? *b : one80;
        return;
    }
    unsigned q = reduced(m, v, &r);
    u128 t = q_div(m, trig(m, q, r), trig(m, q + 1, r));
    *b = rounded(m, minus(v) ? q_neg(t) : t);
    *a = one80;
}

static void fcos(Math *m, F80 *a)
{
    F80 s, co, v = *a;
    u128 r;
    if (!angle(m, v, &s, &co)) {
        *a = co;
        return;
    }
    unsigned q = reduced(m, v, &r);
    *a = rounded(m, trig(m, q + 1, r));
}

u16 x87_math_portable(X87Math op, u16 fcw, F80 *a, F80 *b)
{
    static const u8 rounds[4] = {
        FP_NEAREST, FP_DOWNWARD, FP_UPWARD, FP_TOWARD_ZERO
    };
    Math m = { .wide = fpenv_sse(), .env = fpenv_x87() };
    F80 s, co;
    m.env.round = rounds[fcw >> 10 & 3];
    switch (op) {
    case X87_F2XM1:
        f2xm1(&m, a);
        break;
    case X87_FYL2X:
        fyl2x(&m, *a, b);
        break;
    case X87_FYL2XP1:
        fyl2xp1(&m, *a, b);
        break;
    case X87_FPATAN:
        fpatan(&m, *a, b);
        break;
    case X87_FPTAN:
        fptan(&m, a, b);
        break;
    case X87_FSIN:
        sine(&m, a, a, NULL);
        break;
    case X87_FCOS:
        fcos(&m, a);
        break;
    default:
        sine(&m, a, &s, &co);
        *a = co;
        *b = s;
        break;
    }
    bool up = m.env.flags & FP_INEXACT && m.env.flags & FP_ROUNDED_UP;
    return (u16)(m.sw | (m.env.flags & FSW_EXCEPTIONS) | (up ? FSW_C1 : 0));
}

u16 x87_math(X87Math op, u16 fcw, F80 *a, F80 *b)
{
    u16 sw;
    return host_x87_math(op, fcw, a, b, &sw)
           ? sw : x87_math_portable(op, fcw, a, b);
}
