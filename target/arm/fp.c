/* SPDX-License-Identifier: MIT */
/*
 * AArch64 floating point: FPCR, FPSR, and the soft functions for the IR.
 * Arm ARM (DDI 0487) C5.2 FPCR and FPSR, A1.5 the rules of arithmetic.
 *
 * FPSR's bits are in three places: cpu->fpsr, the flags of cpu->fp (what soft
 * functions raised), and the host's sticky flags (what inline arithmetic
 * raised).  The last are in the host's register while translated code runs or
 * a helper that it called, else in TcgEnv.mxcsr; TcgEnv.host_sp tells which.
 *
 * Left out: trapped exceptions (FPCR.IDE .. IOE are RES0), FZ16, AH, FIZ.
 */
#include "target/arm/cpu.h"
#include "util/hostfp.h"

enum {
    FPCR_AHP = 1 << 26, FPCR_DN = 1 << 25, FPCR_FZ = 1 << 24,
    FPCR_RMODE = 22,
    FPCR_BITS = FPCR_AHP | FPCR_DN | FPCR_FZ | 3 << FPCR_RMODE,
};
/* N Z C V (of AArch32 comparisons), QC, IDC, IXC UFC OFC DZC IOC. */
#define FPSR_BITS 0xf800009fu

/* FpFlag bits in FPSR's places. */
static u32 fpsr_of_flags(u32 f)
{
    return (f & FP_INVALID) |
           (f & (FP_IEEE_FLAGS & ~FP_INVALID)) >> 1 |
           (f & FP_INPUT_DENORMAL ? 1u << 7 : 0);
}

/* Is the host's control register the guest's just now? */
static bool live(const ArmCpu *c)
{
    return c->cpu.tcg.host_sp != NULL;
}

u32 fpcr_get(const ArmCpu *c)
{
    return c->fpcr;
}

void fpcr_set(ArmCpu *c, u32 v)
{
    static const u8 rounds[4] = {
        FP_NEAREST, FP_UPWARD, FP_DOWNWARD, FP_TOWARD_ZERO
    };
    u32 changed = (c->fpcr ^ v) & FPCR_BITS;
    u16 flags = c->fp.flags;
    u8 round = rounds[v >> FPCR_RMODE & 3];

    c->fpcr = v & FPCR_BITS;
    c->fp = fpenv_arm();
    c->fp.flags = flags;
    c->fp.round = round;
    c->fp.flush_in = v & FPCR_FZ;
    c->fp.flush_out = v & FPCR_FZ ? FP_FLUSH_BEFORE : FP_FLUSH_NONE;
    c->fp.default_nan = v & FPCR_DN;
    c->cpu.tcg.mxcsr = host_fp_word(round) |
                       host_fp_word_flags(c->cpu.tcg.mxcsr);
    if (live(c)) {
        host_fp_set_round(round);
    }
    if (changed & FPCR_SOFT) {
        arm_mode_changed(c);
    }
}

u32 fpsr_get(ArmCpu *c)
{
    u32 flags = c->fp.flags | host_fp_word_flags(c->cpu.tcg.mxcsr);
    if (live(c)) {
        flags |= host_fp_flags();
    }
    return c->fpsr | fpsr_of_flags(flags);
}

void fpsr_set(ArmCpu *c, u32 v)
{
    c->fpsr = v & FPSR_BITS;
    c->fp.flags = 0;
    c->cpu.tcg.mxcsr = host_fp_word_clear(c->cpu.tcg.mxcsr);
    if (live(c)) {
        host_fp_clear();
    }
}

/* ---- soft functions ----------------------------------------------------- */

static FpEnv *fpenv(void *env)
{
    return &arm_cpu(env)->fp;
}

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

/* A comparison's result as the flag word of FCMP. */
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
        FpEnv *e = fpenv(env);                                               \
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

const FpSoft arm_soft = {
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
