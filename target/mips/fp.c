/* SPDX-License-Identifier: MIT */
/*
 * MIPS floating point: FCSR, and the soft functions for the IR.
 * Reference: MIPS volume I-A, chapter 5 "FPU Programming Model".
 *
 * FCSR's Flags are in three places: cpu->fcsr, the flags of cpu->fp (what
 * soft functions raised), and the host's sticky flags (what inline arithmetic
 * raised).  The last are in the host's register while translated code runs or
 * a helper that it called, else in TcgEnv.mxcsr; TcgEnv.host_sp tells which.
 * The condition codes are in cpu->fcc.
 */
#include "target/mips/cpu.h"
#include "util/hostfp.h"

enum {                          /* FCSR */
    FCSR_RM = 3, FCSR_FLAGS = 2, FCSR_ENABLES = 7, FCSR_CAUSE = 12,
    FCSR_NAN2008 = 1 << 18, FCSR_C = 23, FCSR_FS = 1 << 24,
};
#define FCSR_CODES  0xfe800000u

/* FpFlag bits in the order of FCSR's fields: V4 Z3 O2 U1 I0. */
static u32 fields_of(u32 f)
{
    return (f & FP_INVALID ? 16 : 0) | (f & FP_DIVZERO ? 8 : 0)
        | (f & FP_OVERFLOW ? 4 : 0) | (f & FP_UNDERFLOW ? 2 : 0)
        | (f & FP_INEXACT ? 1 : 0);
}

static bool live(const MipsCpu *c)
{
    return c->cpu.tcg.host_sp != NULL;
}

static u32 raised(const MipsCpu *c)
{
    u32 flags = c->fp.flags | host_fp_word_flags(c->cpu.tcg.mxcsr);

    return live(c) ? flags | host_fp_flags() : flags;
}

/* FCC0 is bit 23, the others are 25 to 31. */
static u32 codes(const MipsCpu *c)
{
    u32 v = c->fcc[0] << FCSR_C;

    for (u32 i = 1; i < countof(c->fcc); i++) {
        v |= c->fcc[i] << (FCSR_C + 1 + i);
    }
    return v;
}

static void set_codes(MipsCpu *c, u32 fcsr)
{
    c->fcc[0] = fcsr >> FCSR_C & 1;
    for (u32 i = 1; i < countof(c->fcc); i++) {
        c->fcc[i] = fcsr >> (FCSR_C + 1 + i) & 1;
    }
}

u32 mips_fcsr(MipsCpu *c)
{
    return c->fcsr | codes(c) | fields_of(raised(c)) << FCSR_FLAGS;
}

void mips_set_fcsr(MipsCpu *c, u32 v)
{
    static const u8 rounds[4] = {
        FP_NEAREST, FP_TOWARD_ZERO, FP_UPWARD, FP_DOWNWARD
    };
    u8 round = rounds[v & FCSR_RM];

    set_codes(c, v);
    c->fcsr = v & ~FCSR_CODES;
    c->fp = fpenv_mips(v & FCSR_NAN2008);
    c->fp.round = round;
    c->fp.flush_in = v & FCSR_FS;
    c->fp.flush_out = v & FCSR_FS ? FP_FLUSH_BEFORE_INEXACT : FP_FLUSH_NONE;
    c->cpu.tcg.mxcsr = host_fp_word(round);
    if (live(c)) {
        host_fp_clear();
        host_fp_set_round(round);
    }
    mips_mode_changed(c);
}

/* ---- soft functions ----------------------------------------------------- */

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

/* A comparison's result as IR_fcmpf says. */
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
        FpEnv *e = &mips_cpu(env)->fp;                                       \
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
    SOFT(P##_soft_min, P##_min((T)a, (T)b, e))                               \
    SOFT(P##_soft_max, P##_max((T)a, (T)b, e))                               \
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

#define BOTH(op) { f32_soft_##op, f64_soft_##op }

const FpSoft mips_soft = {
    .fn = {
        [FP_ADD] = BOTH(add), [FP_SUB] = BOTH(sub), [FP_MUL] = BOTH(mul),
        [FP_DIV] = BOTH(div), [FP_SQRT] = BOTH(sqrt), [FP_FMA] = BOTH(fma),
        [FP_MIN] = BOTH(min), [FP_MAX] = BOTH(max),
        [FP_MINNM] = BOTH(minnm), [FP_MAXNM] = BOTH(maxnm),
        [FP_CMPF] = BOTH(cmpf),
        [FP_CEQ] = BOTH(ceq), [FP_CGE] = BOTH(cge), [FP_CGT] = BOTH(cgt),
        [FP_ROUND] = BOTH(round), [FP_CVT] = BOTH(cvt),
        [FP_TO_I32] = BOTH(to_i32), [FP_TO_I64] = BOTH(to_i64),
        [FP_FROM_I32] = BOTH(from_i32), [FP_FROM_I64] = BOTH(from_i64),
    },
};
