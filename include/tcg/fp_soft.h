/* SPDX-License-Identifier: MIT */
/*
 * A target's soft functions (FpSoft): what the IR's operations on floats call
 * where the host's result may not be the guest's.  For one file of a target,
 * which defines SOFT_ENV(env), its FpEnv *, before it includes this.
 *
 * IEEE 754's operations are the same everywhere but for what FpEnv says; the
 * least and the greatest are a target's own, or SOFT_MINMAX's.
 */
#pragma once
#include "tcg/fp.h"
#include "tcg/ir.h"
#include "util/softfloat.h"

/* The softfloat rounding mode that the FR_* in sub means. */
static unsigned round_of(const FpEnv *e, u32 sub)
{
    static const u8 rounds[] = {
        [FR_EVEN] = FP_NEAREST, [FR_UP] = FP_UPWARD, [FR_DOWN] = FP_DOWNWARD,
        [FR_ZERO] = FP_TOWARD_ZERO, [FR_AWAY] = FP_TIES_AWAY,
    };
    unsigned r = sub & FR_MODE;
    return r == FR_DYN ? e->round : rounds[r];
}

/* A comparison's result as the flag word of IR_fcmpf. */
static u32 order_flags(FpOrder o)
{
    switch (o) {
    case FP_LESS:
        return FLAG_N;
    case FP_EQUAL:
        return FLAG_Z | FLAG_C;
    case FP_GREATER:
        return FLAG_C;
    default:
        return FLAG_C | FLAG_V;
    }
}

static bool order_ge(FpOrder o)
{
    return o == FP_GREATER || o == FP_EQUAL;
}

/* A soft function; what it does not use of its arguments is no matter. */
#define SOFT(name, expr)                                                     \
    static u64 name(void *env, u64 a, u64 b, u64 c, u32 sub)                 \
    {                                                                        \
        FpEnv *e = SOFT_ENV(env);                                            \
        (void)a, (void)b, (void)c, (void)sub;                                \
        return expr;                                                         \
    }

/* Those of one format: P its name, T its type, Q the other format. */
#define SOFT_FORMAT(P, T, Q)                                                 \
    SOFT(P##_soft_add, P##_add((T)a, (T)b, e))                               \
    SOFT(P##_soft_sub, P##_sub((T)a, (T)b, e))                               \
    SOFT(P##_soft_mul, P##_mul((T)a, (T)b, e))                               \
    SOFT(P##_soft_div, P##_div((T)a, (T)b, e))                               \
    SOFT(P##_soft_sqrt, P##_sqrt((T)a, e))                                   \
    SOFT(P##_soft_fma, P##_fma((T)a, (T)b, (T)c, e))                         \
    SOFT(P##_soft_minnm, P##_minnum((T)a, (T)b, e))                          \
    SOFT(P##_soft_maxnm, P##_maxnum((T)a, (T)b, e))                          \
    SOFT(P##_soft_cmpf, order_flags(P##_compare((T)a, (T)b, sub & 1, e)))    \
    SOFT(P##_soft_ceq, P##_compare((T)a, (T)b, false, e) == FP_EQUAL)        \
    SOFT(P##_soft_cge, order_ge(P##_compare((T)a, (T)b, true, e)))           \
    SOFT(P##_soft_cgt, P##_compare((T)a, (T)b, true, e) == FP_GREATER)       \
    SOFT(P##_soft_round,                                                     \
         P##_round_int((T)a, round_of(e, sub), sub & FR_EXACT, e))           \
    SOFT(P##_soft_cvt, P##_to_##Q((T)a, e))                                  \
    SOFT(P##_soft_to_i32, sub & FR_UNSIGNED ?                                \
         P##_to_u32((T)a, round_of(e, sub), 0, e) :                          \
         (u32)P##_to_i32((T)a, round_of(e, sub), 0, e))                      \
    SOFT(P##_soft_to_i64, sub & FR_UNSIGNED ?                                \
         P##_to_u64((T)a, round_of(e, sub), 0, e) :                          \
         (u64)P##_to_i64((T)a, round_of(e, sub), 0, e))                      \
    SOFT(P##_soft_from_i32, sub & FR_UNSIGNED ? u64_to_##P((u32)a, 0, e) :   \
                                                i64_to_##P((i32)a, 0, e))    \
    SOFT(P##_soft_from_i64, sub & FR_UNSIGNED ? u64_to_##P(a, 0, e) :        \
                                                i64_to_##P((i64)a, 0, e))

SOFT_FORMAT(f32, u32, f64)
SOFT_FORMAT(f64, u64, f32)

#define SOFT_BOTH(op) { f32_soft_##op, f64_soft_##op }

/* Rows of FpSoft.fn: all but FP_MIN and FP_MAX. */
#define SOFT_COMMON                                                          \
    [FP_ADD] = SOFT_BOTH(add), [FP_SUB] = SOFT_BOTH(sub),                    \
    [FP_MUL] = SOFT_BOTH(mul), [FP_DIV] = SOFT_BOTH(div),                    \
    [FP_SQRT] = SOFT_BOTH(sqrt), [FP_FMA] = SOFT_BOTH(fma),                  \
    [FP_MINNM] = SOFT_BOTH(minnm), [FP_MAXNM] = SOFT_BOTH(maxnm),            \
    [FP_CMPF] = SOFT_BOTH(cmpf), [FP_CEQ] = SOFT_BOTH(ceq),                  \
    [FP_CGE] = SOFT_BOTH(cge), [FP_CGT] = SOFT_BOTH(cgt),                    \
    [FP_ROUND] = SOFT_BOTH(round), [FP_CVT] = SOFT_BOTH(cvt),                \
    [FP_TO_I32] = SOFT_BOTH(to_i32), [FP_TO_I64] = SOFT_BOTH(to_i64),        \
    [FP_FROM_I32] = SOFT_BOTH(from_i32), [FP_FROM_I64] = SOFT_BOTH(from_i64)

/* FP_MIN and FP_MAX; as Arm has them: -0 < +0, NaNs propagate. */
#define SOFT_MINMAX                                                          \
    [FP_MIN] = SOFT_BOTH(min), [FP_MAX] = SOFT_BOTH(max)
#define SOFT_MINMAX_FORMAT(P, T)                                             \
    SOFT(P##_soft_min, P##_min((T)a, (T)b, e))                               \
    SOFT(P##_soft_max, P##_max((T)a, (T)b, e))
