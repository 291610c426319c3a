/* SPDX-License-Identifier: MIT */
/*
 * Binary floating point by integer arithmetic: the reference for every guest,
 * and the slow path where the host's unit cannot give the guest's result.
 * It neither reads nor disturbs the host's floating-point state.
 *
 * Sources: IEEE Std 754-2008; Arm ARM (DDI 0487) J1 "Shared pseudocode",
 * the FP* functions; Intel SDM volume 1, 4.8 and chapters 8, 11 and 14;
 * Power ISA 3.1 book I, 4.3 and 7.3; MIPS64 volume I-A, chapter 5.
 *
 * Left out: decimal formats, transcendentals, traps (a caller looks at the
 * flags before it commits the result).
 *
 * Values are raw bits.  Half (f16) and brain float (bf16) travel in u16,
 * f32 in u32, f64 in u64, IEEE binary128 (f128) in u128; F80 is the x87
 * extended format.
 */
#pragma once
#include "util/types.h"

typedef struct F80 {
    u64 frac;                   /* with the explicit integer bit, bit 63 */
    u16 se;                     /* sign, bit 15, and exponent */
} F80;

typedef enum FpRound {
    FP_NEAREST,                 /* ties to even */
    FP_TOWARD_ZERO,
    FP_UPWARD,                  /* toward plus infinity */
    FP_DOWNWARD,                /* toward minus infinity */
    FP_TIES_AWAY,               /* to nearest, ties away from zero */
    FP_TO_ODD,                  /* inexact results get an odd last bit */
} FpRound;

/*
 * Flags are only ever set; the caller clears them.  The low six stand in the
 * order of x86's MXCSR and x87's status word.  FP_ROUNDED_UP (Power's FR,
 * x87's C1) says that some rounding since the last clearing went away from
 * zero.  The FP_VX bits name the cause of FP_INVALID as Power's FPSCR does.
 */
typedef enum FpFlag {
    FP_INVALID        = 0x0001,
    FP_INPUT_DENORMAL = 0x0002,
    FP_DIVZERO        = 0x0004,
    FP_OVERFLOW       = 0x0008,
    FP_UNDERFLOW      = 0x0010,
    FP_INEXACT        = 0x0020,
    FP_IEEE_FLAGS     = 0x003d, /* the five of IEEE 754 */
    FP_ROUNDED_UP     = 0x0040,
    FP_VXSNAN         = 0x0100, /* a signalling NaN */
    FP_VXISI          = 0x0200, /* infinity - infinity */
    FP_VXIDI          = 0x0400, /* infinity / infinity */
    FP_VXZDZ          = 0x0800, /* zero / zero */
    FP_VXIMZ          = 0x1000, /* infinity * zero */
    FP_VXVC           = 0x2000, /* ordered comparison of a NaN */
    FP_VXSQRT         = 0x4000, /* square root of a negative number */
    FP_VXCVI          = 0x8000, /* conversion to an integer */
} FpFlag;

/* Which NaN operand becomes the result (made quiet). */
typedef enum FpNanRule {
    FP_NAN_SIGNALLING_FIRST,    /* first sNaN, else first NaN: Arm, MIPS */
    FP_NAN_FIRST,               /* first NaN of either kind: SSE, Power */
    FP_NAN_X87,                 /* qNaN before sNaN, then larger significand */
} FpNanRule;

/*
 * The order in which a*b+c looks at its operands for FpNanRule.  On x86 a and
 * b are as the instruction's digits say: 213 is operand 2 times operand 1.
 */
typedef enum FpFmaOrder {
    FP_FMA_ABC,                 /* x86 */
    FP_FMA_CAB,                 /* Arm: the addend first */
    FP_FMA_ACB,                 /* Power */
} FpFmaOrder;

/* infinity * zero + quiet NaN. */
typedef enum FpInfZero {
    FP_INFZERO_DEFAULT,         /* default NaN and Invalid: Arm, RISC-V */
    FP_INFZERO_NAN_INVALID,     /* the input NaN and Invalid: Power */
    FP_INFZERO_NAN,             /* the input NaN, silently: x86 */
} FpInfZero;

/* Results that do not fit an integer; always Invalid and never Inexact. */
typedef enum FpIntRule {
    FP_INT_SATURATE,            /* nearest representable, NaN 0: Arm */
    FP_INT_NAN_MIN,             /* the same, NaN the least value: Power */
    FP_INT_NAN_MAX,             /* the same, NaN the greatest: RISC-V */
    FP_INT_MAX,                 /* always the greatest: legacy MIPS */
    FP_INT_INDEFINITE,          /* 0x80..0, unsigned all ones: x86 */
} FpIntRule;

/* What happens to a result too small to be normal. */
typedef enum FpFlush {
    FP_FLUSH_NONE,              /* subnormal, as IEEE 754 says */
    FP_FLUSH_BEFORE,            /* zero if tiny before rounding, Underflow
                                   and not Inexact: Arm FZ and FZ16 */
    FP_FLUSH_BEFORE_INEXACT,    /* the same, with Inexact: MIPS FS */
    FP_FLUSH_AFTER,             /* zero if tiny after rounding, Underflow
                                   and Inexact: x86 FTZ */
} FpFlush;

/* When FP_INPUT_DENORMAL is set. */
typedef enum FpDenormal {
    FP_DENORMAL_NEVER,
    FP_DENORMAL_FLUSHED,        /* flush_in changed an operand: Arm IDC;
                                   not for f16, as FZ16 says */
    FP_DENORMAL_USED,           /* an unflushed one was computed with: x86 */
} FpDenormal;

/*
 * Everything a result depends on besides its operands.  The caller owns it;
 * functions here only OR into `flags`.
 */
typedef struct FpEnv {
    u16 flags;                  /* FpFlag */
    u8 round;                   /* FpRound */
    u8 nan_rule;                /* FpNanRule */
    u8 fma_order;               /* FpFmaOrder */
    u8 fma_inf_zero;            /* FpInfZero */
    u8 int_rule;                /* FpIntRule */
    u8 flush_out;               /* FpFlush */
    u8 denormal;                /* FpDenormal */
    u8 precision;               /* x87 PC for f80 arithmetic: 24, 53, or 0 or
                                   64 for all of it */
    u8 wrap;                    /* FP_OVERFLOW, FP_UNDERFLOW: not masked; f80
                                   arithmetic then moves the exponent by
                                   24576, conversions only set the flag */
    bool flush_in;              /* subnormal operands count as zero */
    bool tiny_before;           /* Underflow judged before rounding */
    bool default_nan;           /* every NaN result is the default NaN */
    bool default_sign;          /* the default NaN is negative */
    bool snan_set;              /* a set top fraction bit means signalling */
} FpEnv;

/* Arm with FPCR = 0; with FZ set flush_in and FP_FLUSH_BEFORE. */
static inline FpEnv fpenv_arm(void)
{
    return (FpEnv){ .nan_rule = FP_NAN_SIGNALLING_FIRST,
        .fma_order = FP_FMA_CAB, .fma_inf_zero = FP_INFZERO_DEFAULT,
        .int_rule = FP_INT_SATURATE, .denormal = FP_DENORMAL_FLUSHED,
        .tiny_before = true };
}

/* SSE and AVX; with DAZ set flush_in, with FTZ FP_FLUSH_AFTER. */
static inline FpEnv fpenv_sse(void)
{
    return (FpEnv){ .nan_rule = FP_NAN_FIRST, .fma_order = FP_FMA_ABC,
        .fma_inf_zero = FP_INFZERO_NAN, .int_rule = FP_INT_INDEFINITE,
        .denormal = FP_DENORMAL_USED, .default_sign = true };
}

static inline FpEnv fpenv_x87(void)
{
    FpEnv e = fpenv_sse();
    e.nan_rule = FP_NAN_X87;
    return e;
}

static inline FpEnv fpenv_ppc(void)
{
    return (FpEnv){ .nan_rule = FP_NAN_FIRST, .fma_order = FP_FMA_ACB,
        .fma_inf_zero = FP_INFZERO_NAN_INVALID, .int_rule = FP_INT_NAN_MIN,
        .tiny_before = true };
}

/* `nan2008` as FCSR.NAN2008, with ABS2008 and the integer results to match. */
static inline FpEnv fpenv_mips(bool nan2008)
{
    return (FpEnv){ .nan_rule = FP_NAN_SIGNALLING_FIRST,
        .fma_order = FP_FMA_CAB, .fma_inf_zero = FP_INFZERO_NAN_INVALID,
        .int_rule = nan2008 ? FP_INT_SATURATE : FP_INT_MAX,
        .default_nan = !nan2008, .snan_set = !nan2008 };
}

static inline FpEnv fpenv_riscv(void)
{
    return (FpEnv){ .fma_inf_zero = FP_INFZERO_DEFAULT,
        .int_rule = FP_INT_NAN_MAX, .default_nan = true };
}

typedef enum FpOrder {
    FP_LESS = -1,
    FP_EQUAL = 0,
    FP_GREATER = 1,
    FP_UNORDERED = 2,
} FpOrder;

/*
 * For each format, P its name and T its type:
 *
 * P_add sub mul div sqrt    IEEE 754 5.4.1, rounded by e->round.
 * P_fma(a, b, c)            a * b + c rounded once.  To negate, flip a sign
 *                           bit first; x86 (not Arm) leaves NaNs alone then.
 * P_rem                     a - b * n, n the integer nearest a / b, ties to
 *                           even; exact.
 * P_min max                 the Arm FPMin and FPMax: -0 < +0, NaNs propagate.
 * P_minnum maxnum           FPMinNum and FPMaxNum: a number beats a quiet NaN.
 * P_compare                 Invalid for sNaN; if `signalling`, for any NaN.
 * P_round_int               to an integral value by the rounding mode given;
 *                           Inexact only if `exact`.
 * P_is_nan, P_is_snan       an unsupported F80 encoding is both.
 * P_default_nan             the NaN of invalid operations.
 * P_to_iN, P_to_uN          a * 2^fbits, 0 <= fbits <= 64, rounded by the
 *                           mode given and limited by e->int_rule.
 * iN_to_P, uN_to_P          a / 2^fbits rounded by e->round.  Only 64-bit
 *                           sources: narrower ones are the same values.
 */
#define FP_FORMATS(_) \
    _(f16, u16) _(bf16, u16) _(f32, u32) _(f64, u64) _(f80, F80) _(f128, u128)

#define FP_DECLARE(P, T) \
    T P##_add(T a, T b, FpEnv *e); \
    T P##_sub(T a, T b, FpEnv *e); \
    T P##_mul(T a, T b, FpEnv *e); \
    T P##_div(T a, T b, FpEnv *e); \
    T P##_rem(T a, T b, FpEnv *e); \
    T P##_sqrt(T a, FpEnv *e); \
    T P##_fma(T a, T b, T c, FpEnv *e); \
    T P##_min(T a, T b, FpEnv *e); \
    T P##_max(T a, T b, FpEnv *e); \
    T P##_minnum(T a, T b, FpEnv *e); \
    T P##_maxnum(T a, T b, FpEnv *e); \
    FpOrder P##_compare(T a, T b, bool signalling, FpEnv *e); \
    T P##_round_int(T a, FpRound round, bool exact, FpEnv *e); \
    bool P##_is_nan(T a); \
    bool P##_is_snan(T a, const FpEnv *e); \
    T P##_default_nan(const FpEnv *e); \
    i16 P##_to_i16(T a, FpRound round, int fbits, FpEnv *e); \
    i32 P##_to_i32(T a, FpRound round, int fbits, FpEnv *e); \
    i64 P##_to_i64(T a, FpRound round, int fbits, FpEnv *e); \
    u16 P##_to_u16(T a, FpRound round, int fbits, FpEnv *e); \
    u32 P##_to_u32(T a, FpRound round, int fbits, FpEnv *e); \
    u64 P##_to_u64(T a, FpRound round, int fbits, FpEnv *e); \
    T i64_to_##P(i64 a, int fbits, FpEnv *e); \
    T u64_to_##P(u64 a, int fbits, FpEnv *e);

FP_FORMATS(FP_DECLARE)

/*
 * P_to_Q converts between formats by e->round (FP_TO_ODD for FCVTXN).  NaNs
 * keep the top of their payload.  Neither flush_in nor flush_out applies to
 * the f16 side: Arm FPUnpackCV and FPRoundCV, x86 VCVTPS2PH and VCVTPH2PS.
 * ahp is Arm's alternative half precision, which has neither infinities nor
 * NaNs: they become the largest number and zero, and overflow is Invalid.
 */
#define FP_PAIRS(_) \
    _(f16, u16, bf16, u16)  _(f16, u16, f32, u32)   _(f16, u16, f64, u64) \
    _(f16, u16, f80, F80)   _(f16, u16, f128, u128) _(bf16, u16, f16, u16) \
    _(bf16, u16, f32, u32)  _(bf16, u16, f64, u64)  _(bf16, u16, f80, F80) \
    _(bf16, u16, f128, u128) _(f32, u32, f16, u16)  _(f32, u32, bf16, u16) \
    _(f32, u32, f64, u64)   _(f32, u32, f80, F80)   _(f32, u32, f128, u128) \
    _(f64, u64, f16, u16)   _(f64, u64, bf16, u16)  _(f64, u64, f32, u32) \
    _(f64, u64, f80, F80)   _(f64, u64, f128, u128) _(f80, F80, f16, u16) \
    _(f80, F80, bf16, u16)  _(f80, F80, f32, u32)   _(f80, F80, f64, u64) \
    _(f80, F80, f128, u128) _(f128, u128, f16, u16) _(f128, u128, bf16, u16) \
    _(f128, u128, f32, u32) _(f128, u128, f64, u64) _(f128, u128, f80, F80) \
    _(ahp, u16, f32, u32)   _(ahp, u16, f64, u64) \
    _(f32, u32, ahp, u16)   _(f64, u64, ahp, u16)

#define FP_DECLARE_CVT(P, T, Q, U)  U P##_to_##Q(T a, FpEnv *e);

FP_PAIRS(FP_DECLARE_CVT)

/*
 * Arm's own operations, with FPCR.AH = 0:
 *
 * P_recpe, P_rsqrte   FPRecipEstimate, FPRSqrtEstimate: 8-bit estimates.
 * P_recps, P_rsqrts   2 - a * b and (3 - a * b) / 2, rounded once;
 *                     infinity * zero counts as zero.
 * P_recpx             FPRecpX: a power of two near the reciprocal.
 * P_mulx              FPMulX: a * b, with infinity * zero = 2.
 * fp_urecpe, fp_ursqrte  UnsignedRecipEstimate, UnsignedRSqrtEstimate on
 *                     fractions of 2^32.
 */
#define FP_DECLARE_ARM(P, T) \
    T P##_recpe(T a, FpEnv *e); \
    T P##_rsqrte(T a, FpEnv *e); \
    T P##_recps(T a, T b, FpEnv *e); \
    T P##_rsqrts(T a, T b, FpEnv *e); \
    T P##_recpx(T a, FpEnv *e); \
    T P##_mulx(T a, T b, FpEnv *e);

#define FP_ARM_FORMATS(_)  _(f16, u16) _(f32, u32) _(f64, u64)

FP_ARM_FORMATS(FP_DECLARE_ARM)

u32 fp_urecpe(u32 a);
u32 fp_ursqrte(u32 a);

/*
 * x87's own operations (SDM volume 2).
 *
 * f80_widen32, 64  exact: a signalling NaN stays one, a denormal operand sets
 *                  FP_INPUT_DENORMAL and nothing else does.
 * f80_scale        FSCALE: a * 2^trunc(b).
 * f80_prem         FPREM, or FPREM1 if `nearest`: a reduced by b; *quotient's
 *                  low three bits count unless *partial.
 * f80_extract      FXTRACT: a's significand; *exp its exponent.
 */
F80 f80_widen32(u32 a, FpEnv *e);
F80 f80_widen64(u64 a, FpEnv *e);
F80 f80_scale(F80 a, F80 b, FpEnv *e);
F80 f80_prem(F80 a, F80 b, bool nearest, u32 *quotient, bool *partial,
             FpEnv *e);
F80 f80_extract(F80 a, F80 *exp, FpEnv *e);
