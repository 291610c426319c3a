/* SPDX-License-Identifier: MIT */
/*
 * x86 floating point in SSE's rules: MXCSR and the soft functions for the IR.
 * SDM volume 1, 10.2.3, 11.5 and appendix E; volume 2, the instructions.
 *
 * MXCSR's flags are in four places: cpu->mxcsr, the flags of cpu->fp (what
 * soft functions raised), and the host's sticky flags (what inline arithmetic
 * raised).  The last are in the host's register while translated code runs or
 * a helper that it called, else in TcgEnv.mxcsr; TcgEnv.host_sp tells which.
 *
 * While some exception is unmasked (KEY_FP_SOFT) nothing is inline: sse_begin
 * and sse_end enclose an instruction's arithmetic and look at its flags alone.
 *
 * Left out: with an unmasked underflow, PE tells whether the denormal result
 * would be inexact, not one of unbounded exponent.
 */
#include "target/i386/sse.h"
#include "util/hostfp.h"

enum {
    MXCSR_FLAGS = 0x3f, MXCSR_DAZ = 1 << 6, MXCSR_MASKS = 0x3f << 7,
    MXCSR_UM = 1 << 11, MXCSR_RC = 13, MXCSR_FTZ = 1 << 15,
    MXCSR_BEFORE = FP_INVALID | FP_INPUT_DENORMAL | FP_DIVZERO,
};

/* Is the host's control register the guest's just now? */
static bool live(const X86Cpu *c)
{
    return c->cpu.tcg.host_sp != NULL;
}

u32 x86_mxcsr(const X86Cpu *c)
{
    u32 flags = c->fp.flags | host_fp_word_sse_flags(c->cpu.tcg.mxcsr);

    if (live(c)) {
        flags |= host_fp_word_sse_flags(host_fp_live());
    }
    return c->mxcsr | (flags & MXCSR_FLAGS);
}

void x86_set_mxcsr(X86Cpu *c, u32 v)
{
    static const u8 rounds[4] = {
        FP_NEAREST, FP_DOWNWARD, FP_UPWARD, FP_TOWARD_ZERO
    };
    u32 changed = (c->mxcsr ^ v) & (MXCSR_MASKS | MXCSR_DAZ | MXCSR_FTZ);

    v &= X86_MXCSR_BITS;
    c->mxcsr = v;
    c->fp = fpenv_sse();
    c->fp.round = rounds[v >> MXCSR_RC & 3];
    c->fp.flush_in = v & MXCSR_DAZ;
    c->fp.wrap = v & MXCSR_UM ? 0 : FP_UNDERFLOW;
    c->fp.flush_out = v & MXCSR_FTZ && v & MXCSR_UM ? FP_FLUSH_AFTER
                                                    : FP_FLUSH_NONE;
    c->cpu.tcg.mxcsr = host_fp_word_sse(v & ~(u32)MXCSR_FLAGS);
    if (live(c)) {
        host_fp_set_live(c->cpu.tcg.mxcsr);
    }
    if (changed) {
        x86_mode_changed(c);
    }
}

/* ---- unmasked exceptions ------------------------------------------------ */

static void sse_begin(void *env)
{
    X86Cpu *c = env;

    c->mxcsr = x86_mxcsr(c);
    c->fp.flags = 0;
}
HELPER(sse_begin, 0, void, ptr);

/*
 * Looks at the flags since sse_begin().  Those found before an operation is
 * done (invalid, denormal, divide by zero) hide the others if one is unmasked.
 */
static void sse_end(void *env)
{
    X86Cpu *c = env;
    u32 flags = c->fp.flags & MXCSR_FLAGS;
    u32 unmasked = flags & ~(c->mxcsr >> 7);

    if (!unmasked) {
        return;
    }
    if (unmasked & MXCSR_BEFORE) {
        flags &= MXCSR_BEFORE;
    }
    c->mxcsr |= flags;
    c->fp.flags = 0;
    x86_raise(c, c->cr4 & CR4_OSXMMEXCPT ? X_XM : X_UD, 0);
}
HELPER(sse_end, H_READ | H_RAISE, void, ptr);

/* ---- soft functions ----------------------------------------------------- */

static FpEnv *fpenv(void *env)
{
    return &x86_cpu(env)->fp;
}

#define SOFT_ENV(env) fpenv(env)
#include "tcg/fp_soft.h"

/*
 * The least and the greatest are the second operand unless the first one is
 * really so; DAZ makes them zero too.
 */
#define SOFT_CHOICES(P, T)                                                   \
    static u64 P##_operand(u64 a, const FpEnv *e)                            \
    {                                                                        \
        const T least = (T)1 << (sizeof(T) == 8 ? 52 : 23);                  \
        const T sign = (T)1 << (sizeof(T) * 8 - 1);                          \
        return e->flush_in && (a & ~sign) < least ? a & sign : a;            \
    }                                                                        \
    SOFT(P##_soft_min, P##_compare((T)a, (T)b, true, e) == FP_LESS           \
                       ? P##_operand(a, e) : P##_operand(b, e))              \
    SOFT(P##_soft_max, P##_compare((T)a, (T)b, true, e) == FP_GREATER        \
                       ? P##_operand(a, e) : P##_operand(b, e))
SOFT_CHOICES(f32, u32)
SOFT_CHOICES(f64, u64)

const FpSoft x86_soft = { .fn = { SOFT_COMMON, SOFT_MINMAX } };

/* ---- what the IR has no operation for ----------------------------------- */

/*
 * The 32 predicates are made of 8 and whether they signal quiet NaNs:
 * bits less, equal, greater, unordered of the table say when they hold.
 */
static bool holds(unsigned predicate, FpOrder o)
{
    enum { L = 1, E = 2, G = 4, U = 8 };
    static const u8 when[16] = {
        E, L, L | E, U, L | G | U, E | G | U, G | U, L | E | G,
        E | U, L | U, L | E | U, 0, L | G, E | G, G, L | E | G | U,
    };
    static const u8 bit[] = { L, E, G, U };
    return when[predicate & 15] & bit[o + 1];
}

/* LT LE NLT NLE NGE NGT GE GT signal; from 16 on it is the other way round. */
static bool signals(unsigned predicate)
{
    return (0x6666 >> (predicate & 15) & 1) != (predicate >> 4);
}

static V128 sse_compare(void *env, V128 a, V128 b, u32 how)
{
    FpEnv *e = fpenv(env);
    Vec x = { a }, y = { b };
    unsigned predicate = how & 31, lanes = how >> 9;
    bool is64 = how & 256, s = signals(predicate);

    for (unsigned i = 0; i < lanes; i++) {
        if (is64) {
            FpOrder o = f64_compare(x.d[i], y.d[i], s, e);
            x.d[i] = holds(predicate, o) ? ~0ull : 0;
        } else {
            FpOrder o = f32_compare(x.w[i], y.w[i], s, e);
            x.w[i] = holds(predicate, o) ? ~0u : 0;
        }
    }
    return x.v;
}
HELPER(sse_compare, 0, v128, ptr, v128, v128, i32);

/*
 * RCPPS and RSQRTPS: 12 bits of the true value.  They raise no flags, count
 * subnormals as zero and never make any.
 */
static u32 estimate(u32 x, bool root)
{
    FpEnv e = fpenv_sse();
    const u32 one = 0x3f800000;

    e.flush_in = true;
    e.flush_out = FP_FLUSH_AFTER;
    if (root) {
        x = f32_sqrt(x, &e);
    }
    if (f32_is_nan(x)) {
        return x | 1u << 22;
    }
    x = f32_div(one, x, &e);
    return (x + (1u << 10)) & ~((1u << 11) - 1);
}

static V128 sse_estimate(V128 a, u32 root)
{
    Vec x = { a };

    for (unsigned i = 0; i < countof(x.w); i++) {
        x.w[i] = estimate(x.w[i], root);
    }
    return x.v;
}
HELPER(sse_estimate, H_PURE, v128, v128, i32);

/* Neither conversion looks at DAZ on the half's side, nor at FTZ. */
static V128 sse_from_half(void *env, u64 a)
{
    FpEnv *e = fpenv(env);
    u16 flags = e->flags;
    Vec r;

    for (unsigned i = 0; i < countof(r.w); i++) {
        r.w[i] = f16_to_f32((u16)(a >> 16 * i), e);
    }
    e->flags = flags | (e->flags & ~FP_INPUT_DENORMAL);
    return r.v;
}
HELPER(sse_from_half, 0, v128, ptr, i64);

static u64 sse_to_half(void *env, V128 a, u32 imm)
{
    static const u8 rounds[4] = {
        FP_NEAREST, FP_DOWNWARD, FP_UPWARD, FP_TOWARD_ZERO
    };
    FpEnv *e = fpenv(env);
    u8 round = e->round;
    Vec x = { a };
    u64 r = 0;

    if (!(imm & 4)) {
        e->round = rounds[imm & 3];
    }
    for (unsigned i = 0; i < countof(x.w); i++) {
        r |= (u64)f32_to_f16(x.w[i], e) << 16 * i;
    }
    e->round = round;
    return r;
}
HELPER(sse_to_half, 0, i64, ptr, v128, i32);

static u32 sse_get_mxcsr(void *env)
{
    return x86_mxcsr(env);
}
HELPER(sse_get_mxcsr, 0, i32, ptr);

/* The block ends after it: the mode may change. */
static void sse_put_mxcsr(void *env, u32 v)
{
    x86_set_mxcsr(env, v);
}
HELPER(sse_put_mxcsr, H_READ, void, ptr, i32);
