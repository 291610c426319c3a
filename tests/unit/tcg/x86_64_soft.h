/* SPDX-License-Identifier: MIT */
/* Arm's floating point by softfloat.h, as the tests' soft functions. */
#pragma once
#include "tests/unit/tcg/x86_64_machine.h"
#include "util/softfloat.h"

static FpEnv soft_begin(const void *env)
{
    static const u8 round[] = {
        FP_NEAREST, FP_DOWNWARD, FP_UPWARD, FP_TOWARD_ZERO,
    };
    FpEnv e = fpenv_arm();
    e.round = round[((const Env *)env)->tcg.mxcsr >> 13 & 3];
    return e;
}

static u64 soft_end(void *env, const FpEnv *e, u64 v)
{
    ((Env *)env)->fpsr |= e->flags & FP_IEEE_FLAGS;
    return v;
}

static FpRound soft_round(const FpEnv *e, u32 sub)
{
    static const u8 round[] = {
        [FR_EVEN] = FP_NEAREST, [FR_UP] = FP_UPWARD,
        [FR_DOWN] = FP_DOWNWARD, [FR_ZERO] = FP_TOWARD_ZERO,
        [FR_AWAY] = FP_TIES_AWAY,
    };
    sub &= FR_MODE;
    return (FpRound)(sub == FR_DYN ? e->round : round[sub]);
}

static u32 soft_flags(FpOrder o)
{
    return o == FP_LESS ? FLAG_N : o == FP_EQUAL ? FLAG_Z | FLAG_C
         : o == FP_GREATER ? FLAG_C : FLAG_C | FLAG_V;
}

#define SOFT(name, value)                                                 \
    static u64 soft_##name(void *env, u64 a, u64 b, u64 c, u32 sub)       \
    {                                                                     \
        FpEnv x = soft_begin(env), *e = &x;                               \
        (void)b, (void)c, (void)sub;                                      \
        u64 r = value;                                                    \
        return soft_end(env, e, r);                                       \
    }
#define SOFT_ALL(T, U)                                                    \
    SOFT(T##_add, T##_add((U)a, (U)b, e))                                 \
    SOFT(T##_sub, T##_sub((U)a, (U)b, e))                                 \
    SOFT(T##_mul, T##_mul((U)a, (U)b, e))                                 \
    SOFT(T##_div, T##_div((U)a, (U)b, e))                                 \
    SOFT(T##_sqrt, T##_sqrt((U)a, e))                                     \
    SOFT(T##_fma, T##_fma((U)a, (U)b, (U)c, e))                           \
    SOFT(T##_min, T##_min((U)a, (U)b, e))                                 \
    SOFT(T##_max, T##_max((U)a, (U)b, e))                                 \
    SOFT(T##_minnm, T##_minnum((U)a, (U)b, e))                            \
    SOFT(T##_maxnm, T##_maxnum((U)a, (U)b, e))                            \
    SOFT(T##_cmpf, soft_flags(T##_compare((U)a, (U)b, sub, e)))           \
    SOFT(T##_ceq, T##_compare((U)a, (U)b, false, e) == FP_EQUAL)          \
    SOFT(T##_cge, (u32)T##_compare((U)a, (U)b, true, e) < FP_UNORDERED)   \
    SOFT(T##_cgt, T##_compare((U)a, (U)b, true, e) == FP_GREATER)         \
    SOFT(T##_round, T##_round_int((U)a, soft_round(e, sub),               \
                                  sub & FR_EXACT, e))                     \
    SOFT(T##_to_i32, sub & FR_UNSIGNED                                    \
         ? T##_to_u32((U)a, soft_round(e, sub), 0, e)                     \
         : (u32)T##_to_i32((U)a, soft_round(e, sub), 0, e))               \
    SOFT(T##_to_i64, sub & FR_UNSIGNED                                    \
         ? T##_to_u64((U)a, soft_round(e, sub), 0, e)                     \
         : (u64)T##_to_i64((U)a, soft_round(e, sub), 0, e))               \
    SOFT(T##_from_i32, sub & FR_UNSIGNED ? u64_to_##T((u32)a, 0, e)       \
         : i64_to_##T((i32)a, 0, e))                                      \
    SOFT(T##_from_i64, sub & FR_UNSIGNED ? u64_to_##T(a, 0, e)            \
         : i64_to_##T((i64)a, 0, e))
SOFT_ALL(f32, u32)
SOFT_ALL(f64, u64)
SOFT(f32_cvt, f32_to_f64((u32)a, e))
SOFT(f64_cvt, f64_to_f32(a, e))

#define BOTH(name) { soft_f32_##name, soft_f64_##name }
static const FpSoft soft_arm = { .fn = {
    [FP_ADD] = BOTH(add), [FP_SUB] = BOTH(sub), [FP_MUL] = BOTH(mul),
    [FP_DIV] = BOTH(div), [FP_SQRT] = BOTH(sqrt), [FP_FMA] = BOTH(fma),
    [FP_MIN] = BOTH(min), [FP_MAX] = BOTH(max), [FP_MINNM] = BOTH(minnm),
    [FP_MAXNM] = BOTH(maxnm), [FP_CMPF] = BOTH(cmpf), [FP_CEQ] = BOTH(ceq),
    [FP_CGE] = BOTH(cge), [FP_CGT] = BOTH(cgt), [FP_ROUND] = BOTH(round),
    [FP_CVT] = BOTH(cvt), [FP_TO_I32] = BOTH(to_i32),
    [FP_TO_I64] = BOTH(to_i64), [FP_FROM_I32] = BOTH(from_i32),
    [FP_FROM_I64] = BOTH(from_i64),
} };
