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

#define SOFT_ENV(env) (&arm_cpu(env)->fp)
#include "tcg/fp_soft.h"

SOFT_MINMAX_FORMAT(f32, u32)
SOFT_MINMAX_FORMAT(f64, u64)

const FpSoft arm_soft = { .fn = { SOFT_COMMON, SOFT_MINMAX } };
