/* SPDX-License-Identifier: MIT */
/*
 * Advanced SIMD in C: what translated code does not do in line.
 * Arm ARM (DDI 0487) C7.2 and the shared pseudocode of J1.
 *
 * A family of helpers is made of one expression on lanes x and y.  Helpers
 * that set FPSR.QC or the flags of cpu->fp touch no IR slot; they are told
 * how many bytes of result count, so that lanes that are not there set none.
 */
#include "target/arm/a64_simd.h"

enum { FPSR_QC = 1 << 27 };

#define LIST(_, op, s) _(op, 8, s##b) _(op, 16, s##h) _(op, 32, s##w)
#define LIST4(_, op, s) LIST(_, op, s) _(op, 64, s##d)

#define TABLE(op)                                                            \
    const LaneHelpers simd_##op = {                                          \
        &helper_##op##8, &helper_##op##16, &helper_##op##32, &helper_##op##64\
    };
#define TABLE3(op)                                                           \
    const LaneHelpers simd_##op = {                                          \
        &helper_##op##8, &helper_##op##16, &helper_##op##32                  \
    };
#define TABLE_MIDDLE(op)                                                     \
    const LaneHelpers simd_##op = {                                          \
        [L16] = &helper_##op##16, [L32] = &helper_##op##32                   \
    };
#define TABLE_FLOAT(op)                                                      \
    const LaneHelpers simd_##op = {                                          \
        [L32] = &helper_##op##32, [L64] = &helper_##op##64                   \
    };

/* ---- pure ones ---------------------------------------------------------- */

#define PURE1(name, F, expr)                                                 \
    static V128 name(V128 a)                                                 \
    {                                                                        \
        Vec n = { a }, r;                                                    \
        for (unsigned i = 0; i < countof(r.F); i++) {                        \
            __typeof__(r.F[0]) x = n.F[i];                                   \
            r.F[i] = (__typeof__(r.F[0]))(expr);                             \
        }                                                                    \
        return r.v;                                                          \
    }                                                                        \
    HELPER(name, H_PURE, v128, v128);

#define PURE2(name, F, expr)                                                 \
    static V128 name(V128 a, V128 b)                                         \
    {                                                                        \
        Vec n = { a }, m = { b }, r;                                         \
        for (unsigned i = 0; i < countof(r.F); i++) {                        \
            __typeof__(r.F[0]) x = n.F[i], y = m.F[i];                       \
            r.F[i] = (__typeof__(r.F[0]))(expr);                             \
        }                                                                    \
        return r.v;                                                          \
    }                                                                        \
    HELPER(name, H_PURE, v128, v128, v128);

static unsigned leading_zeros(u64 x, unsigned width)
{
    return x ? (unsigned)__builtin_clzll(x) - (64 - width) : width;
}

static unsigned leading_signs(i64 x, unsigned width)
{
    return leading_zeros((u64)(x ^ x >> 63), width) - 1;
}

static u8 reversed(u8 x)
{
    x = (u8)(x >> 4 | x << 4);
    x = (u8)((x & 0xcc) >> 2 | (x & 0x33) << 2);
    return (u8)((x & 0xaa) >> 1 | (x & 0x55) << 1);
}

#define CLZ(op, width, F) PURE1(op##width, F, leading_zeros(x, width))
#define CLS(op, width, F) PURE1(op##width, F, leading_signs(x, width))
LIST(CLZ, clz, )
LIST(CLS, cls, s)
TABLE3(clz)
TABLE3(cls)
PURE1(rbit8, b, reversed(x))
const LaneHelpers simd_rbit = { [L8] = &helper_rbit8 };
PURE1(urecpe32, w, fp_urecpe(x))
PURE1(ursqrte32, w, fp_ursqrte(x))
const LaneHelpers simd_urecpe = { [L32] = &helper_urecpe32 };
const LaneHelpers simd_ursqrte = { [L32] = &helper_ursqrte32 };

/*
 * x * 2^s exactly as long as it fits or saturates, rounded to nearest or down
 * if s is negative.  width: bits of any lane that comes as a W.
 */
#define SHIFTED(name, W, width)                                              \
    static W name(W x, int s, bool round)                                    \
    {                                                                        \
        const W far = (W)1 << ((width) + 8);                                 \
        if (s >= (width)) {                                                  \
            return x == 0 ? 0 : x < 0 ? -far : far;                          \
        }                                                                    \
        if (s >= 0) {                                                        \
            return x * ((W)1 << s);                                          \
        }                                                                    \
        s = MIN(-s, (width) + 8);                                            \
        return (x + (round ? (W)1 << (s - 1) : 0)) >> s;                     \
    }

SHIFTED(shifted_narrow, i64, 32)
SHIFTED(shifted_wide, i128, 64)
#define shifted8(x, s, round)  shifted_narrow(x, s, round)
#define shifted16(x, s, round) shifted_narrow(x, s, round)
#define shifted32(x, s, round) shifted_narrow(x, s, round)
#define shifted64(x, s, round) shifted_wide(x, s, round)

#define SHL(op, width, F)  PURE2(op##width, F, shifted##width(x, (i8)y, false))
#define RSHL(op, width, F) PURE2(op##width, F, shifted##width(x, (i8)y, true))
LIST4(SHL, sshl, s)
LIST4(SHL, ushl, )
LIST4(RSHL, srshl, s)
LIST4(RSHL, urshl, )
TABLE(sshl)
TABLE(ushl)
TABLE(srshl)
TABLE(urshl)

/* Product of polynomials over {0, 1}. */
static u16 poly_mul(u8 x, u8 y)
{
    u16 r = 0;
    for (unsigned i = 0; i < 8; i++) {
        r ^= y >> i & 1 ? (u16)(x << i) : 0;
    }
    return r;
}

PURE2(pmul8, b, poly_mul(x, y))
const LaneHelpers simd_pmul = { [L8] = &helper_pmul8 };

static V128 pmull8(V128 a, V128 b)
{
    Vec n = { a }, m = { b }, r;

    for (unsigned i = 0; i < 8; i++) {
        r.h[i] = poly_mul(n.b[i], m.b[i]);
    }
    return r.v;
}
HELPER(pmull8, H_PURE, v128, v128, v128);
const LaneHelpers simd_pmull = { [L8] = &helper_pmull8 };

/* Bytes base .. base + 31 of a table are here; others count as zero. */
static V128 simd_tbl(V128 t0, V128 t1, V128 index, u32 base)
{
    const Vec t[2] = { { t0 }, { t1 } };
    Vec n = { index }, r;

    for (unsigned i = 0; i < 16; i++) {
        u8 k = (u8)(n.b[i] - base);
        r.b[i] = k < 32 ? t[k / 16].b[k % 16] : 0;
    }
    return r.v;
}
HELPER(simd_tbl, H_PURE, v128, v128, v128, v128, i32);

/* ---- saturating ones ---------------------------------------------------- */

#define LEAST(T)                                                             \
    ((T)((T)-1 > 0 ? 0 : 1ull << (8 * sizeof(T) - 1)))
#define GREATEST(T)                                                          \
    ((T)((T)-1 > 0 ? ~0ull : (1ull << (8 * sizeof(T) - 1)) - 1))

static void note_saturation(void *env, bool saturated)
{
    if (saturated) {
        arm_cpu(env)->fpsr |= FPSR_QC;
    }
}

/* Lane i of r, of type T, is v limited to T; v has a wider type W. */
#define SATURATE(T, W, v) ({                                                 \
        const W value = v;                                                   \
        W limited = value > (W)LEAST(T) ? value : (W)LEAST(T);               \
        limited = limited < (W)GREATEST(T) ? limited : (W)GREATEST(T);       \
        saturated |= limited != value;                                       \
        (T)limited;                                                          \
    })

/* Lanes x of N and y of M give lanes of R by way of W. */
#define SAT2(name, W, N, M, R, expr)                                         \
    static V128 name(void *env, V128 a, V128 b, u32 bytes)                   \
    {                                                                        \
        Vec n = { a }, m = { b }, r = { { 0 } };                             \
        bool saturated = false;                                              \
        for (unsigned i = 0; i < bytes / sizeof(r.R[0]); i++) {              \
            W x = n.N[i], y = m.M[i];                                        \
            (void)y;                                                         \
            r.R[i] = SATURATE(__typeof__(r.R[0]), W, expr);                  \
        }                                                                    \
        note_saturation(env, saturated);                                     \
        return r.v;                                                          \
    }                                                                        \
    HELPER(name, 0, v128, ptr, v128, v128, i32);

/* The same with the destination's lane d. */
#define SAT3(name, W, F, expr)                                               \
    static V128 name(void *env, V128 acc, V128 a, V128 b, u32 bytes)         \
    {                                                                        \
        Vec o = { acc }, n = { a }, m = { b }, r = { { 0 } };                \
        bool saturated = false;                                              \
        for (unsigned i = 0; i < bytes / sizeof(r.F[0]); i++) {              \
            W d = o.F[i], x = n.F[i], y = m.F[i];                            \
            r.F[i] = SATURATE(__typeof__(r.F[0]), W, expr);                  \
        }                                                                    \
        note_saturation(env, saturated);                                     \
        return r.v;                                                          \
    }                                                                        \
    HELPER(name, 0, v128, ptr, v128, v128, v128, i32);

/* Types that hold exact sums and products of lanes. */
#define W8  i32
#define W16 i32
#define W32 i64
#define W64 i128

#define QADD(op, width, F) SAT2(op##width, W##width, F, F, F, x + y)
#define QSUB(op, width, F) SAT2(op##width, W##width, F, F, F, x - y)
#define QABS(op, width, F) SAT2(op##width, W##width, F, F, F, MAX(x, -x))
#define QNEG(op, width, F) SAT2(op##width, W##width, F, F, F, -x)
/* The accumulator x has the result's sign, y the other. */
#define SUQADD(op, width, F) SAT2(op##width, W##width, s##F, F, s##F, x + y)
#define USQADD(op, width, F) SAT2(op##width, W##width, F, s##F, F, x + y)
LIST4(QADD, sqadd, s)
LIST4(QADD, uqadd, )
LIST4(QSUB, sqsub, s)
LIST4(QSUB, uqsub, )
LIST4(QABS, sqabs, s)
LIST4(QNEG, sqneg, s)
LIST4(SUQADD, suqadd, )
LIST4(USQADD, usqadd, )
TABLE(sqadd)
TABLE(uqadd)
TABLE(sqsub)
TABLE(uqsub)
TABLE(sqabs)
TABLE(sqneg)
TABLE(suqadd)
TABLE(usqadd)

/* Types for exact shifts. */
#define S8  i64
#define S16 i64
#define S32 i64
#define S64 i128

#define QSHL(op, width, F)                                                   \
    SAT2(op##width, S##width, F, F, F, shifted##width(x, (i8)y, false))
#define QRSHL(op, width, F)                                                  \
    SAT2(op##width, S##width, F, F, F, shifted##width(x, (i8)y, true))
#define QSHLU(op, width, F)                                                  \
    SAT2(op##width, S##width, s##F, F, F, shifted##width(x, (i8)y, false))
LIST4(QSHL, sqshl, s)
LIST4(QSHL, uqshl, )
LIST4(QRSHL, sqrshl, s)
LIST4(QRSHL, uqrshl, )
LIST4(QSHLU, sqshlu, )
TABLE(sqshl)
TABLE(uqshl)
TABLE(sqrshl)
TABLE(uqrshl)
TABLE(sqshlu)

/* 2 * x * y / 2^width and its kin, without the doubling that could overflow. */
#define HALF(width) ((i64)1 << ((width) - 2))
#define DMULH(op, width, F)                                                  \
    SAT2(op##width, i64, F, F, F, x * y >> (width - 1))
#define RDMULH(op, width, F)                                                 \
    SAT2(op##width, i64, F, F, F, (x * y + HALF(width)) >> (width - 1))
#define RDMLAH(op, width, F)                                                 \
    SAT3(op##width, i64, F,                                                  \
         (d * 2 * HALF(width) + x * y + HALF(width)) >> (width - 1))
#define RDMLSH(op, width, F)                                                 \
    SAT3(op##width, i64, F,                                                  \
         (d * 2 * HALF(width) - x * y + HALF(width)) >> (width - 1))
#define MIDDLE(_, op) _(op, 16, sh) _(op, 32, sw)
MIDDLE(DMULH, sqdmulh)
MIDDLE(RDMULH, sqrdmulh)
MIDDLE(RDMLAH, sqrdmlah)
MIDDLE(RDMLSH, sqrdmlsh)
SAT2(sqdmull16, i64, sh, sh, sw, 2 * x * y)
SAT2(sqdmull32, i128, sw, sw, sd, 2 * x * y)
TABLE_MIDDLE(sqdmulh)
TABLE_MIDDLE(sqrdmulh)
TABLE_MIDDLE(sqrdmlah)
TABLE_MIDDLE(sqrdmlsh)
TABLE_MIDDLE(sqdmull)

/* Lanes of N, shifted right, limited to R. */
#define NARROW(name, W, shift, N, R)                                         \
    static V128 name(void *env, V128 a, u32 ctl, u32 bytes)                  \
    {                                                                        \
        Vec n = { a }, r = { { 0 } };                                        \
        bool saturated = false;                                              \
        int s = -(int)(ctl & 0xff);                                          \
        for (unsigned i = 0; i < bytes / sizeof(r.R[0]); i++) {              \
            W x = n.N[i];                                                    \
            r.R[i] = SATURATE(__typeof__(r.R[0]), W,                         \
                              shift(x, s, ctl & SIMD_ROUND));                \
        }                                                                    \
        note_saturation(env, saturated);                                     \
        return r.v;                                                          \
    }                                                                        \
    HELPER(name, 0, v128, ptr, v128, i32, i32);

NARROW(sqshrn8, i64, shifted_narrow, sh, sb)
NARROW(sqshrn16, i64, shifted_narrow, sw, sh)
NARROW(sqshrn32, i128, shifted_wide, sd, sw)
NARROW(uqshrn8, i64, shifted_narrow, h, b)
NARROW(uqshrn16, i64, shifted_narrow, w, h)
NARROW(uqshrn32, i128, shifted_wide, d, w)
NARROW(sqshrun8, i64, shifted_narrow, sh, b)
NARROW(sqshrun16, i64, shifted_narrow, sw, h)
NARROW(sqshrun32, i128, shifted_wide, sd, w)
TABLE3(sqshrn)
TABLE3(uqshrn)
TABLE3(sqshrun)

/* ---- floating point ----------------------------------------------------- */

static FpEnv *fpenv(void *env)
{
    return &arm_cpu(env)->fp;
}

#define FLOAT1(name, N, R, expr)                                             \
    static V128 name(void *env, V128 a, u32 bytes)                           \
    {                                                                        \
        FpEnv *e = fpenv(env);                                               \
        Vec n = { a }, r = { { 0 } };                                        \
        for (unsigned i = 0; i < bytes / sizeof(r.R[0]); i++) {              \
            __typeof__(n.N[0]) x = n.N[i];                                   \
            r.R[i] = expr;                                                   \
        }                                                                    \
        return r.v;                                                          \
    }                                                                        \
    HELPER(name, 0, v128, ptr, v128, i32);

#define FLOAT2(name, F, f)                                                   \
    static V128 name(void *env, V128 a, V128 b, u32 bytes)                   \
    {                                                                        \
        FpEnv *e = fpenv(env);                                               \
        Vec n = { a }, m = { b }, r = { { 0 } };                             \
        for (unsigned i = 0; i < bytes / sizeof(r.F[0]); i++) {              \
            r.F[i] = f(n.F[i], m.F[i], e);                                   \
        }                                                                    \
        return r.v;                                                          \
    }                                                                        \
    HELPER(name, 0, v128, ptr, v128, v128, i32);

FLOAT2(fmulx32, w, f32_mulx)
FLOAT2(fmulx64, d, f64_mulx)
FLOAT2(frecps32, w, f32_recps)
FLOAT2(frecps64, d, f64_recps)
FLOAT2(frsqrts32, w, f32_rsqrts)
FLOAT2(frsqrts64, d, f64_rsqrts)
TABLE_FLOAT(fmulx)
TABLE_FLOAT(frecps)
TABLE_FLOAT(frsqrts)

FLOAT1(frecpe32, w, w, f32_recpe(x, e))
FLOAT1(frecpe64, d, d, f64_recpe(x, e))
FLOAT1(frsqrte32, w, w, f32_rsqrte(x, e))
FLOAT1(frsqrte64, d, d, f64_rsqrte(x, e))
FLOAT1(frecpx32, w, w, f32_recpx(x, e))
FLOAT1(frecpx64, d, d, f64_recpx(x, e))
TABLE_FLOAT(frecpe)
TABLE_FLOAT(frsqrte)
TABLE_FLOAT(frecpx)

#define HALF_CVT(ahp_f, ieee_f)                                              \
    (alternative(env) ? ahp_f(x, e) : ieee_f(x, e))

/* FPCR.AHP: the alternative half precision. */
static bool alternative(void *env)
{
    return fpcr_get(arm_cpu(env)) >> 26 & 1;
}

FLOAT1(from_half32, h, w, HALF_CVT(ahp_to_f32, f16_to_f32))
FLOAT1(from_half64, h, d, HALF_CVT(ahp_to_f64, f16_to_f64))
FLOAT1(to_half32, w, h, HALF_CVT(f32_to_ahp, f32_to_f16))
FLOAT1(to_half64, d, h, HALF_CVT(f64_to_ahp, f64_to_f16))
TABLE_FLOAT(from_half)
TABLE_FLOAT(to_half)

static u32 to_odd(u64 x, FpEnv *e)
{
    FpEnv odd = *e;
    u32 r;

    odd.round = FP_TO_ODD;
    r = f64_to_f32(x, &odd);
    e->flags |= odd.flags;
    return r;
}

FLOAT1(simd_fcvtxn, d, w, to_odd(x, e))

static u64 fix(u64 x, u32 ctl, FpEnv *e)
{
    int fbits = (int)(ctl & 0xff);

    switch (ctl & (FIX_FROM_F64 | FIX_TO_I64 | FIX_UNSIGNED)) {
    case 0:
        return (u32)f32_to_i32((u32)x, FP_TOWARD_ZERO, fbits, e);
    case FIX_UNSIGNED:
        return f32_to_u32((u32)x, FP_TOWARD_ZERO, fbits, e);
    case FIX_TO_I64:
        return (u64)f32_to_i64((u32)x, FP_TOWARD_ZERO, fbits, e);
    case FIX_TO_I64 | FIX_UNSIGNED:
        return f32_to_u64((u32)x, FP_TOWARD_ZERO, fbits, e);
    case FIX_FROM_F64:
        return (u32)f64_to_i32(x, FP_TOWARD_ZERO, fbits, e);
    case FIX_FROM_F64 | FIX_UNSIGNED:
        return f64_to_u32(x, FP_TOWARD_ZERO, fbits, e);
    case FIX_FROM_F64 | FIX_TO_I64:
        return (u64)f64_to_i64(x, FP_TOWARD_ZERO, fbits, e);
    default:
        return f64_to_u64(x, FP_TOWARD_ZERO, fbits, e);
    }
}

static u64 simd_fix_scalar(void *env, u64 x, u32 ctl)
{
    return fix(x, ctl, fpenv(env));
}
HELPER(simd_fix_scalar, 0, i64, ptr, i64, i32);

static V128 fix32(void *env, V128 a, u32 ctl, u32 bytes)
{
    Vec n = { a }, r = { { 0 } };

    for (unsigned i = 0; i < bytes / 4; i++) {
        r.w[i] = (u32)fix(n.w[i], ctl, fpenv(env));
    }
    return r.v;
}
HELPER(fix32, 0, v128, ptr, v128, i32, i32);

static V128 fix64(void *env, V128 a, u32 ctl, u32 bytes)
{
    Vec n = { a }, r = { { 0 } };

    ctl |= FIX_FROM_F64 | FIX_TO_I64;
    for (unsigned i = 0; i < bytes / 8; i++) {
        r.d[i] = fix(n.d[i], ctl, fpenv(env));
    }
    return r.v;
}
HELPER(fix64, 0, v128, ptr, v128, i32, i32);
TABLE_FLOAT(fix)
