/* SPDX-License-Identifier: MIT */
/*
 * The host's floating-point control: MXCSR on x86-64 (Intel SDM volume 1,
 * 10.2.3), else <fenv.h>.
 */
#include "util/hostfp.h"
#include "util/softfloat.h"

#ifdef __x86_64__

enum {
    MXCSR_FLAGS = 0x3f, MXCSR_MASKS = 0x1f80, MXCSR_RC = 3 << 13,
};
/* MXCSR has the flags where FpFlag has them. */
enum { OURS = FP_IEEE_FLAGS };

static u32 rounding_control(unsigned round)
{
    static const u8 rc[] = {
        [FP_NEAREST] = 0, [FP_DOWNWARD] = 1, [FP_UPWARD] = 2,
        [FP_TOWARD_ZERO] = 3,
    };
    return (u32)rc[round] << 13;
}

u32 host_fp_word(unsigned round)
{
    return MXCSR_MASKS | rounding_control(round);
}

u32 host_fp_word_flags(u32 word)
{
    return word & OURS;
}

u32 host_fp_word_clear(u32 word)
{
    return word & ~(u32)MXCSR_FLAGS;
}

u32 host_fp_flags(void)
{
    return host_fp_word_flags(__builtin_ia32_stmxcsr());
}

void host_fp_clear(void)
{
    __builtin_ia32_ldmxcsr(host_fp_word_clear(__builtin_ia32_stmxcsr()));
}

void host_fp_set_round(unsigned round)
{
    u32 old = __builtin_ia32_stmxcsr() & ~(u32)MXCSR_RC;
    __builtin_ia32_ldmxcsr(old | rounding_control(round));
}

const bool host_fp_has_sse = true;

u32 host_fp_word_sse(u32 mxcsr)
{
    return (mxcsr & 0xffff) | MXCSR_MASKS;
}

u32 host_fp_word_sse_flags(u32 word)
{
    return word & MXCSR_FLAGS;
}

u32 host_fp_live(void)
{
    return __builtin_ia32_stmxcsr();
}

void host_fp_set_live(u32 word)
{
    __builtin_ia32_ldmxcsr(word);
}

#else
#include <fenv.h>

/* A word is FpFlag bits and the rounding mode above them. */
enum { WORD_ROUND = 8 };

u32 host_fp_word(unsigned round)
{
    return round << WORD_ROUND;
}

u32 host_fp_word_flags(u32 word)
{
    return word & FP_IEEE_FLAGS;
}

u32 host_fp_word_clear(u32 word)
{
    return word & ~(u32)FP_IEEE_FLAGS;
}

u32 host_fp_flags(void)
{
    static const struct { int host; u32 ours; } flags[] = {
        { FE_INVALID, FP_INVALID }, { FE_DIVBYZERO, FP_DIVZERO },
        { FE_OVERFLOW, FP_OVERFLOW }, { FE_UNDERFLOW, FP_UNDERFLOW },
        { FE_INEXACT, FP_INEXACT },
    };
    u32 r = 0;
    for (unsigned i = 0; i < countof(flags); i++) {
        r |= fetestexcept(flags[i].host) ? flags[i].ours : 0;
    }
    return r;
}

void host_fp_clear(void)
{
    feclearexcept(FE_ALL_EXCEPT);
}

void host_fp_set_round(unsigned round)
{
    static const int mode[] = {
        [FP_NEAREST] = FE_TONEAREST, [FP_DOWNWARD] = FE_DOWNWARD,
        [FP_UPWARD] = FE_UPWARD, [FP_TOWARD_ZERO] = FE_TOWARDZERO,
    };
    fesetround(mode[round]);
}

const bool host_fp_has_sse = false;

u32 host_fp_word_sse(u32 mxcsr)
{
    static const u8 rounds[4] = {
        FP_NEAREST, FP_DOWNWARD, FP_UPWARD, FP_TOWARD_ZERO
    };
    return host_fp_word(rounds[mxcsr >> 13 & 3]) | (mxcsr & FP_IEEE_FLAGS);
}

u32 host_fp_word_sse_flags(u32 word)
{
    return host_fp_word_flags(word);
}

u32 host_fp_live(void)
{
    static const struct { int host; u8 ours; } modes[] = {
        { FE_TONEAREST, FP_NEAREST }, { FE_DOWNWARD, FP_DOWNWARD },
        { FE_UPWARD, FP_UPWARD }, { FE_TOWARDZERO, FP_TOWARD_ZERO },
    };
    unsigned n = 0;
    while (n < countof(modes) - 1 && modes[n].host != fegetround()) {
        n++;
    }
    return host_fp_word(modes[n].ours) | host_fp_flags();
}

/* Only clears flags: those in the word are the guest's already. */
void host_fp_set_live(u32 word)
{
    host_fp_clear();
    host_fp_set_round(word >> WORD_ROUND);
}

#endif
