/* SPDX-License-Identifier: MIT */
/*
 * Addition, multiplication, division, square root, fused multiply-add,
 * remainder, comparison, minimum and maximum.  Arm ARM FPAdd, FPMul, FPDiv,
 * FPSqrt, FPMulAdd, FPCompare, FPMin, FPMinNum; IEEE 754-2008 5.3.1, 5.4.1.
 *
 * Each operation exists once, as a function of the format.  For f32 and f64
 * its core is also inlined, behind a test that the operands are ordinary:
 * neither zero, subnormal, infinite nor NaN.
 */
#include "util/softfloat_core.h"

/* (-1)^sign (|a| + |b|); b's exponent is not the larger. */
static ALWAYS_INLINE Fp add_magnitudes(const Fp *a, const Fp *b, bool sign)
{
    Fp r = { .cls = CLS_NORMAL, .sign = sign, .exp = a->exp };
    r.frac = a->frac + shift_jam(b->frac, (unsigned)(a->exp - b->exp));
    if (r.frac < a->frac) {
        r.frac = TOP | r.frac >> 1 | (r.frac & 1);
        r.exp++;
    }
    return r;
}

/* (-1)^sign (|a| - |b|), for |a| > |b|. */
static ALWAYS_INLINE Fp sub_magnitudes(const Fp *a, const Fp *b, bool sign)
{
    Fp r = { .cls = CLS_NORMAL, .sign = sign };
    r.frac = a->frac - shift_jam(b->frac, (unsigned)(a->exp - b->exp));
    unsigned n = clz128(r.frac);
    r.frac <<= n;
    r.exp = a->exp - (i32)n;
    return r;
}

static NOINLINE Fp add_special(const Fp *a, const Fp *b, FpEnv *e)
{
    if (is_nan(a) || is_nan(b)) {
        return softfloat_nan2(a, b, e);
    }
    if (a->cls == CLS_INF && b->cls == CLS_INF && a->sign != b->sign) {
        return softfloat_invalid(FP_VXISI, e);
    }
    use_denormals(a->denormal || b->denormal, e);
    if (a->cls == CLS_INF || b->cls == CLS_INF) {
        return a->cls == CLS_INF ? *a : *b;
    }
    if (a->cls == CLS_ZERO && b->cls == CLS_ZERO) {
        return zero_of(a->sign == b->sign ? a->sign
                                          : e->round == FP_DOWNWARD);
    }
    return a->cls == CLS_ZERO ? *b : *a;
}

static ALWAYS_INLINE Fp add_normals(const Fp *a, const Fp *b, FpRound round)
{
    bool less = a->exp < b->exp || (a->exp == b->exp && a->frac < b->frac);
    Fp big = less ? *b : *a, small = less ? *a : *b;
    if (a->sign == b->sign) {
        return add_magnitudes(&big, &small, a->sign);
    }
    if (a->exp == b->exp && a->frac == b->frac) {
        return zero_of(round == FP_DOWNWARD);
    }
    return sub_magnitudes(&big, &small, big.sign);
}

static Fp add_fp(const Fp *a, const Fp *b, FpEnv *e)
{
    if (a->cls != CLS_NORMAL || b->cls != CLS_NORMAL) {
        return add_special(a, b, e);
    }
    use_denormals(a->denormal || b->denormal, e);
    return add_normals(a, b, (FpRound)e->round);
}

/* NaNs are handled before the sign changes: a - NaN keeps the NaN's sign. */
static NOINLINE u128 add_any(const Format *f, u128 a, u128 b, bool minus,
                             FpEnv *e)
{
    Fp x = unpack(f, a, e), y = unpack(f, b, e);
    y.sign ^= minus && !is_nan(&y);
    return finish(f, add_fp(&x, &y, e), arith_precision(f, e), e);
}

static ALWAYS_INLINE u128 add_fast(const Format *f, u128 a, u128 b,
                                   bool minus, FpEnv *e)
{
    if (unlikely(!is_ordinary(f, a) || !is_ordinary(f, b))) {
        return add_any(f, a, b, minus, e);
    }
    Fp x = ordinary(f, a), y = ordinary(f, b);
    y.sign ^= minus;
    return finish(f, add_normals(&x, &y, (FpRound)e->round),
                  arith_precision(f, e), e);
}

/* 128 x 128 -> 256 bits. */
static U256 mul_wide(u128 a, u128 b)
{
    u128 a0 = (u64)a, a1 = a >> 64, b0 = (u64)b, b1 = b >> 64;
    u128 low = a0 * b0, mid = a1 * b0 + (low >> 64);
    u128 mid2 = a0 * b1 + (u64)mid;
    return (U256){ .hi = a1 * b1 + (mid >> 64) + (mid2 >> 64),
                   .lo = mid2 << 64 | (u64)low };
}

/* The product of two normals; exact up to 64 bits of precision. */
static ALWAYS_INLINE Fp mul_normal(unsigned prec, const Fp *a, const Fp *b)
{
    Fp r = { .cls = CLS_NORMAL, .sign = a->sign != b->sign,
             .exp = a->exp + b->exp };
    if (prec <= 64) {
        r.frac = (u128)(u64)(a->frac >> 64) * (u64)(b->frac >> 64);
    } else {
        U256 p = mul_wide(a->frac, b->frac);
        r.frac = p.hi | (p.lo != 0);
    }
    if (r.frac & TOP) {
        r.exp++;
    } else {
        r.frac <<= 1;
    }
    return r;
}

static NOINLINE Fp mul_special(const Fp *a, const Fp *b, FpEnv *e)
{
    bool sign = a->sign != b->sign;
    if (is_nan(a) || is_nan(b)) {
        return softfloat_nan2(a, b, e);
    }
    if (a->cls == CLS_INF || b->cls == CLS_INF) {
        if (a->cls == CLS_ZERO || b->cls == CLS_ZERO) {
            return softfloat_invalid(FP_VXIMZ, e);
        }
        use_denormals(a->denormal || b->denormal, e);
        return inf_of(sign);
    }
    use_denormals(a->denormal || b->denormal, e);
    return zero_of(sign);
}

static NOINLINE u128 mul_any(const Format *f, u128 a, u128 b, FpEnv *e)
{
    Fp x = unpack(f, a, e), y = unpack(f, b, e), r;
    if (x.cls == CLS_NORMAL && y.cls == CLS_NORMAL) {
        use_denormals(x.denormal || y.denormal, e);
        r = mul_normal(precision_of(f), &x, &y);
    } else {
        r = mul_special(&x, &y, e);
    }
    return finish(f, r, arith_precision(f, e), e);
}

static ALWAYS_INLINE u128 mul_fast(const Format *f, u128 a, u128 b, FpEnv *e)
{
    if (unlikely(!is_ordinary(f, a) || !is_ordinary(f, b))) {
        return mul_any(f, a, b, e);
    }
    Fp x = ordinary(f, a), y = ordinary(f, b);
    return finish(f, mul_normal(precision_of(f), &x, &y),
                  arith_precision(f, e), e);
}

/* n / d in fixed point, 127 places, the last one sticky; n < 2 d. */
static NOINLINE u128 div_wide(u128 n, u128 d)
{
    u128 q = 0;
    bool over = false;              /* bit 128 of n, which stays below 2 d */
    for (int i = 0; i < 128; i++) {
        q <<= 1;
        if (over || n >= d) {
            n -= d;
            q |= 1;
        }
        over = (n & TOP) != 0;
        n <<= 1;
    }
    return q | (over || n != 0);
}

/* Up to 62 bits of precision one 128 by 64 bit division is enough. */
static ALWAYS_INLINE u128 div_narrow(u64 n, u64 d)
{
    u128 dividend = (u128)n << 63;
    u64 q = (u64)(dividend / d);
    return (u128)q << 64 | (dividend != (u128)q * d);
}

/* Up to 64 bits: that many of the quotient, and how the rest is to a half. */
static ALWAYS_INLINE u128 div_middle(u64 n, u64 d)
{
    u128 dividend = (u128)n << (n < d ? 64 : 63);
    u64 q = (u64)(dividend / d), r = (u64)(dividend - (u128)q * d);
    u64 rest = r >= d - (d >> 1) ? BIT(63) | (r << 1 != d) : r != 0;
    return ((u128)q << 64 | rest << 1 | (rest & BIT(63))) >> (n < d);
}

static NOINLINE Fp div_special(const Fp *a, const Fp *b, FpEnv *e)
{
    bool sign = a->sign != b->sign;
    if (is_nan(a) || is_nan(b)) {
        return softfloat_nan2(a, b, e);
    }
    if (a->cls == CLS_INF && b->cls == CLS_INF) {
        return softfloat_invalid(FP_VXIDI, e);
    }
    if (a->cls == CLS_ZERO && b->cls == CLS_ZERO) {
        return softfloat_invalid(FP_VXZDZ, e);
    }
    if (a->cls == CLS_NORMAL && b->cls == CLS_ZERO) {
        e->flags |= FP_DIVZERO;
        return inf_of(sign);
    }
    use_denormals(a->denormal || b->denormal, e);
    return a->cls == CLS_INF || b->cls == CLS_ZERO ? inf_of(sign)
                                                   : zero_of(sign);
}

static ALWAYS_INLINE Fp div_normal(unsigned prec, const Fp *a, const Fp *b)
{
    Fp r = { .cls = CLS_NORMAL, .sign = a->sign != b->sign,
             .exp = a->exp - b->exp };
    u64 n = (u64)(a->frac >> 64), d = (u64)(b->frac >> 64);
    r.frac = prec > 64 ? div_wide(a->frac, b->frac)
           : prec > 62 ? div_middle(n, d) : div_narrow(n, d);
    if (!(r.frac & TOP)) {
        r.frac <<= 1;
        r.exp--;
    }
    return r;
}

static NOINLINE u128 div_any(const Format *f, u128 a, u128 b, FpEnv *e)
{
    Fp x = unpack(f, a, e), y = unpack(f, b, e), r;
    if (x.cls == CLS_NORMAL && y.cls == CLS_NORMAL) {
        use_denormals(x.denormal || y.denormal, e);
        r = div_normal(precision_of(f), &x, &y);
    } else {
        r = div_special(&x, &y, e);
    }
    return finish(f, r, arith_precision(f, e), e);
}

static ALWAYS_INLINE u128 div_fast(const Format *f, u128 a, u128 b, FpEnv *e)
{
    if (unlikely(!is_ordinary(f, a) || !is_ordinary(f, b))) {
        return div_any(f, a, b, e);
    }
    Fp x = ordinary(f, a), y = ordinary(f, b);
    return finish(f, div_normal(precision_of(f), &x, &y),
                  arith_precision(f, e), e);
}

/*
 * The square root of a number in [1, 4) with 126 places, digit by digit: q
 * gains one bit of the root a step, r is what q * q leaves of the radicand's
 * bits so far, and needs two bits more than q.
 */
static u128 sqrt_wide(u128 radicand, unsigned digits)
{
    u128 q = 0, r = 0;
    for (unsigned i = 0; i < digits; i++) {
        u128 trial = q << 2 | 1;
        r = r << 2 | radicand >> 126;
        radicand <<= 2;
        q <<= 1;
        if (r >= trial) {
            r -= trial;
            q |= 1;
        }
    }
    return q << (128 - digits) | (r != 0);
}

/* The same for up to 60 digits of a number with 62 places. */
static u128 sqrt_narrow(u64 radicand, unsigned digits)
{
    u64 q = 0, r = 0;
    for (unsigned i = 0; i < digits; i++) {
        u64 trial = q << 2 | 1;
        r = r << 2 | radicand >> 62;
        radicand <<= 2;
        u64 digit = r >= trial;     /* no branch: it is as good as random */
        r -= trial & (0 - digit);
        q = q << 1 | digit;
    }
    return (u128)q << (128 - digits) | (r != 0);
}

/*
 * One step of Zimmermann's square root with remainder: the root of
 * high^2 + rem (of 2 * bits), its bits doubled by two more digits `low` of
 * that size.
 */
static u64 sqrt_step(u64 high, u64 rem, u64 low, unsigned bits, u128 *left)
{
    u128 n = (u128)rem << bits | low >> bits;
    u64 q = (u64)(n / ((u128)high << 1)), u = (u64)(n % ((u128)high << 1));
    i128 r = (i128)((u128)u << bits | (low & MASK(bits))) - (i128)((u128)q * q);
    u128 s = ((u128)high << bits) + q;
    while (r < 0) {
        s--;
        r += (i128)(2 * s + 1);
    }
    *left = (u128)r;
    return (u64)s;
}

/* The same for 64 digits, and how the rest is to a half. */
static u128 sqrt_middle(u128 radicand)
{
    u64 top = (u64)(radicand >> 96), q = 0, r = 0;
    for (unsigned i = 0; i < 16; i++) {
        u64 trial = q << 2 | 1;
        r = r << 2 | (top >> 30 & 3);
        top <<= 2;
        u64 digit = r >= trial;
        r -= trial & (0 - digit);
        q = q << 1 | digit;
    }
    u128 left;
    q = sqrt_step(q, r, (u64)(radicand >> 64) & MASK(32), 16, &left);
    q = sqrt_step(q, (u64)left, (u64)radicand, 32, &left);
    return (u128)q << 64 | (left > q ? BIT(63) | 1 : left != 0);
}

static u128 root(const Format *f, u128 a, FpEnv *e)
{
    Fp x = unpack(f, a, e), r = x;
    if (is_nan(&x)) {
        r = softfloat_nan1(&x, e);
    } else if (x.sign && x.cls != CLS_ZERO) {
        r = softfloat_invalid(FP_VXSQRT, e);
    } else if (x.cls == CLS_NORMAL) {
        use_denormals(x.denormal, e);
        u128 radicand = x.exp & 1 ? x.frac : x.frac >> 1;
        unsigned digits = precision_of(f) + 2;
        r.frac = digits > 66 ? sqrt_wide(radicand, digits)
               : digits > 60 ? sqrt_middle(radicand)
               : sqrt_narrow((u64)(radicand >> 64), digits);
        r.exp = (x.exp - (x.exp & 1)) / 2;
    }
    return finish(f, r, arith_precision(f, e), e);
}

/* v >> n for any n, with bit 0 set if anything was lost. */
static U256 shift_jam256(U256 v, unsigned n)
{
    if (n == 0) {
        return v;
    }
    if (n >= 128) {
        u128 lo = shift_jam(v.hi, n - 128);
        return (U256){ .hi = 0, .lo = lo | (v.lo != 0) };
    }
    return (U256){ .hi = v.hi >> n,
                   .lo = v.hi << (128 - n) | shift_jam(v.lo, n) };
}

static bool less256(U256 a, U256 b)
{
    return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

/* As add_magnitudes and sub_magnitudes, on a sum kept in 256 bits. */
static Fp add_wide(U256 a, U256 b, i32 exp)
{
    Fp r = { .cls = CLS_NORMAL, .exp = exp };
    u128 lo = a.lo + b.lo, hi = a.hi + b.hi, carry = lo < a.lo;
    bool over = hi < a.hi || (carry && hi == ~(u128)0);
    hi += carry;
    if (over) {
        lo = (lo >> 1) | (lo & 1) | hi << 127;
        hi = hi >> 1 | TOP;
        r.exp++;
    }
    r.frac = hi | (lo != 0);
    return r;
}

static Fp sub_wide(U256 a, U256 b, i32 exp)
{
    Fp r = { .cls = CLS_NORMAL, .exp = exp };
    u128 lo = a.lo - b.lo, hi = a.hi - b.hi - (a.lo < b.lo);
    if (hi == 0) {
        hi = lo;
        lo = 0;
        r.exp -= 128;
    }
    unsigned n = clz128(hi);
    if (n) {
        hi = hi << n | lo >> (128 - n);
        lo <<= n;
    }
    r.exp -= (i32)n;
    r.frac = hi | (lo != 0);
    return r;
}

/* a * b + c of normals, c possibly zero, where the product exceeds 128 bits. */
static NOINLINE Fp fma_wide(const Fp *a, const Fp *b, const Fp *c, FpEnv *e)
{
    bool sign = a->sign != b->sign;
    U256 p = mul_wide(a->frac, b->frac), s = { .hi = c->frac, .lo = 0 };
    i32 pexp = a->exp + b->exp, sexp = c->exp;
    if (p.hi & TOP) {
        pexp++;
    } else {
        p = (U256){ .hi = p.hi << 1 | p.lo >> 127, .lo = p.lo << 1 };
    }
    if (c->cls == CLS_ZERO) {
        return (Fp){ .cls = CLS_NORMAL, .sign = sign, .exp = pexp,
                     .frac = p.hi | (p.lo != 0) };
    }

    bool less = pexp < sexp || (pexp == sexp && less256(p, s));
    U256 big = less ? s : p, small = less ? p : s;
    i32 exp = less ? sexp : pexp;
    small = shift_jam256(small, (unsigned)(exp - (less ? pexp : sexp)));
    if (sign != c->sign && big.hi == small.hi && big.lo == small.lo) {
        return zero_of(e->round == FP_DOWNWARD);
    }
    Fp r = sign == c->sign ? add_wide(big, small, exp)
                           : sub_wide(big, small, exp);
    r.sign = less ? c->sign : sign;
    return r;
}

static Fp fma_nan(const Fp *a, const Fp *b, const Fp *c, bool inf_zero,
                  FpEnv *e)
{
    static const u8 orders[][3] = {
        [FP_FMA_ABC] = { 0, 1, 2 },
        [FP_FMA_CAB] = { 2, 0, 1 },
        [FP_FMA_ACB] = { 0, 2, 1 },
    };
    const Fp *op[] = { a, b, c };
    const u8 *order = orders[e->fma_order];
    if (inf_zero && e->fma_inf_zero == FP_INFZERO_NAN_INVALID) {
        e->flags |= FP_INVALID | FP_VXIMZ;
    } else if (inf_zero && c->cls == CLS_QNAN &&
               e->fma_inf_zero == FP_INFZERO_DEFAULT) {
        return softfloat_invalid(FP_VXIMZ, e);
    }
    return softfloat_nan((const Fp *const[]){ op[order[0]], op[order[1]],
                                              op[order[2]] }, 3, e);
}

static NOINLINE Fp fma_special(const Fp *a, const Fp *b, const Fp *c, FpEnv *e)
{
    bool sign = a->sign != b->sign;
    bool inf_zero = (a->cls == CLS_INF && b->cls == CLS_ZERO) ||
                    (a->cls == CLS_ZERO && b->cls == CLS_INF);
    bool inf = a->cls == CLS_INF || b->cls == CLS_INF;
    if (is_nan(a) || is_nan(b) || is_nan(c)) {
        return fma_nan(a, b, c, inf_zero, e);
    }
    if (inf_zero) {
        return softfloat_invalid(FP_VXIMZ, e);
    }
    if (inf && c->cls == CLS_INF && c->sign != sign) {
        return softfloat_invalid(FP_VXISI, e);
    }
    use_denormals(a->denormal || b->denormal || c->denormal, e);
    if (inf) {
        return inf_of(sign);
    }
    if (c->cls == CLS_INF) {
        return *c;
    }
    Fp zero = zero_of(sign);
    return add_special(&zero, c, e);
}

static Fp fma_fp(unsigned prec, const Fp *a, const Fp *b, const Fp *c,
                 FpEnv *e)
{
    if (a->cls != CLS_NORMAL || b->cls != CLS_NORMAL || c->cls > CLS_NORMAL) {
        return fma_special(a, b, c, e);
    }
    use_denormals(a->denormal || b->denormal || c->denormal, e);
    if (prec > 62) {
        return fma_wide(a, b, c, e);
    }
    Fp p = mul_normal(prec, a, b);
    return add_fp(&p, c, e);
}

Fp softfloat_fma_narrow(const Fp *a, const Fp *b, const Fp *c, FpEnv *e)
{
    return fma_fp(53, a, b, c, e);
}

static NOINLINE u128 fma_any(const Format *f, u128 a, u128 b, u128 c,
                             FpEnv *e)
{
    Fp x = unpack(f, a, e), y = unpack(f, b, e), z = unpack(f, c, e);
    Fp r = fma_fp(precision_of(f), &x, &y, &z, e);
    return finish(f, r, arith_precision(f, e), e);
}

/*
 * The product of 53-bit numbers is exact in 106 bits, so the sum loses
 * nothing but what shift_jam remembers.
 */
static ALWAYS_INLINE u128 fma_fast(const Format *f, u128 a, u128 b, u128 c,
                                   FpEnv *e)
{
    if (unlikely(!is_ordinary(f, a) || !is_ordinary(f, b) ||
                 !is_ordinary(f, c))) {
        return fma_any(f, a, b, c, e);
    }
    Fp x = ordinary(f, a), y = ordinary(f, b), z = ordinary(f, c);
    Fp p = mul_normal(precision_of(f), &x, &y);
    return finish(f, add_normals(&p, &z, (FpRound)e->round), precision_of(f),
                  e);
}

/*
 * The remainder of normals.  Significands are held in 113 bits, so that 14
 * quotient bits at a time fit; only the last quotient bit is wanted.
 */
static Fp rem_normal(const Fp *a, const Fp *b)
{
    u128 n = a->frac >> 15, d = b->frac >> 15;
    i32 left = a->exp - b->exp, exp = b->exp;
    bool odd = false;
    Fp r = *a;
    if (left < -1) {
        return r;
    }
    if (left == -1) {
        exp--;
        d <<= 1;
    }
    i32 step = 0;
    do {
        n <<= step;
        u128 q = n / d;
        n -= q * d;
        odd = q & 1;
        left -= step;
        step = MIN(left, 14);
    } while (step > 0);
    if (n > d - n || (n == d - n && odd)) {
        n = d - n;
        r.sign = !r.sign;
    }
    if (n == 0) {
        return zero_of(a->sign);
    }
    unsigned shift = clz128(n);
    r.frac = n << shift;
    r.exp = exp + 15 - (i32)shift;
    return r;
}

static u128 rem_any(const Format *f, u128 a, u128 b, FpEnv *e)
{
    Fp x = unpack(f, a, e), y = unpack(f, b, e), r = x;
    if (is_nan(&x) || is_nan(&y)) {
        r = softfloat_nan2(&x, &y, e);
    } else if (x.cls == CLS_INF || y.cls == CLS_ZERO) {
        r = softfloat_invalid(0, e);
    } else {
        use_denormals(x.denormal || y.denormal, e);
        if (x.cls == CLS_NORMAL && y.cls == CLS_NORMAL) {
            r = rem_normal(&x, &y);
        }
    }
    return finish(f, r, precision_of(f), e);
}

/* Three-way comparison of magnitudes that are not NaN. */
static int compare_magnitude(const Fp *a, const Fp *b)
{
    if (a->cls != b->cls || a->cls != CLS_NORMAL) {
        return (a->cls > b->cls) - (a->cls < b->cls);
    }
    if (a->exp != b->exp) {
        return a->exp > b->exp ? 1 : -1;
    }
    return (a->frac > b->frac) - (a->frac < b->frac);
}

static FpOrder order(const Fp *a, const Fp *b)
{
    if (a->cls == CLS_ZERO && b->cls == CLS_ZERO) {
        return FP_EQUAL;
    }
    if (a->sign != b->sign) {
        return a->sign ? FP_LESS : FP_GREATER;
    }
    int m = compare_magnitude(a, b);
    return (FpOrder)(a->sign ? -m : m);
}

static ALWAYS_INLINE FpOrder compare_any(const Format *f, u128 a, u128 b,
                                         bool signalling, FpEnv *e)
{
    if (is_ordinary(f, a) && is_ordinary(f, b)) {
        Fp x = ordinary(f, a), y = ordinary(f, b);
        return order(&x, &y);
    }
    Fp x = unpack(f, a, e), y = unpack(f, b, e);
    if (!is_nan(&x) && !is_nan(&y)) {
        use_denormals(x.denormal || y.denormal, e);
        return order(&x, &y);
    }
    if (x.cls >= CLS_SNAN || y.cls >= CLS_SNAN) {
        e->flags |= FP_INVALID | FP_VXSNAN;
    } else if (signalling) {
        e->flags |= FP_INVALID | FP_VXVC;
    }
    return FP_UNORDERED;
}

typedef enum Pick { PICK_MIN = 0, PICK_MAX = 1, PICK_NUMBER = 2 } Pick;

/* A quiet NaN beside anything else counts as the infinity that loses. */
static u128 pick_any(const Format *f, u128 a, u128 b, unsigned how, FpEnv *e)
{
    Fp x = unpack(f, a, e), y = unpack(f, b, e), r;
    bool max = (how & PICK_MAX) != 0;
    if ((how & PICK_NUMBER) && (x.cls == CLS_QNAN) != (y.cls == CLS_QNAN)) {
        *(x.cls == CLS_QNAN ? &x : &y) = inf_of(max);
    }
    if (is_nan(&x) || is_nan(&y)) {
        r = softfloat_nan2(&x, &y, e);
    } else if (x.cls == CLS_ZERO && y.cls == CLS_ZERO) {
        r = zero_of(max ? x.sign && y.sign : x.sign || y.sign);
    } else {
        use_denormals(x.denormal || y.denormal, e);
        r = order(&x, &y) == (max ? FP_GREATER : FP_LESS) ? x : y;
    }
    return finish(f, r, precision_of(f), e);
}

#define ARITHMETIC(P, T, SUFFIX, FMA) \
    T P##_add(T a, T b, FpEnv *e) \
    { \
        return OUT_##P(add##SUFFIX(&formats[ID_##P], IN_##P(a), IN_##P(b), \
                                   false, e)); \
    } \
    T P##_sub(T a, T b, FpEnv *e) \
    { \
        return OUT_##P(add##SUFFIX(&formats[ID_##P], IN_##P(a), IN_##P(b), \
                                   true, e)); \
    } \
    T P##_mul(T a, T b, FpEnv *e) \
    { \
        return OUT_##P(mul##SUFFIX(&formats[ID_##P], IN_##P(a), IN_##P(b), \
                                   e)); \
    } \
    T P##_div(T a, T b, FpEnv *e) \
    { \
        return OUT_##P(div##SUFFIX(&formats[ID_##P], IN_##P(a), IN_##P(b), \
                                   e)); \
    } \
    T P##_sqrt(T a, FpEnv *e) \
    { \
        return OUT_##P(root(&formats[ID_##P], IN_##P(a), e)); \
    } \
    T P##_fma(T a, T b, T c, FpEnv *e) \
    { \
        return OUT_##P(fma##FMA(&formats[ID_##P], IN_##P(a), IN_##P(b), \
                                   IN_##P(c), e)); \
    }

ARITHMETIC(f16, u16, _any, _any)
ARITHMETIC(bf16, u16, _any, _any)
ARITHMETIC(f32, u32, _fast, _fast)
ARITHMETIC(f64, u64, _fast, _fast)
ARITHMETIC(f80, F80, _fast, _any)
ARITHMETIC(f128, u128, _any, _any)

#define PICK(P, T, NAME, HOW) \
    T P##_##NAME(T a, T b, FpEnv *e) \
    { \
        return OUT_##P(pick_any(&formats[ID_##P], IN_##P(a), IN_##P(b), \
                                HOW, e)); \
    }

#define COMPARISONS(P, T) \
    PICK(P, T, min, PICK_MIN) \
    PICK(P, T, max, PICK_MAX) \
    PICK(P, T, minnum, PICK_MIN | PICK_NUMBER) \
    PICK(P, T, maxnum, PICK_MAX | PICK_NUMBER) \
    T P##_rem(T a, T b, FpEnv *e) \
    { \
        return OUT_##P(rem_any(&formats[ID_##P], IN_##P(a), IN_##P(b), e)); \
    } \
    FpOrder P##_compare(T a, T b, bool signalling, FpEnv *e) \
    { \
        return compare_any(&formats[ID_##P], IN_##P(a), IN_##P(b), \
                           signalling, e); \
    }

FP_FORMATS(COMPARISONS)
