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
 *
 * FS flushes results; whether it flushes operands is a matter of the core's,
 * and here it does not.
 */
#include "target/mips/fpu.h"
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

/*
 * The host does not say when an operand is invalid: its NaNs are not the
 * guest's.  Where that may be, soft functions are asked, and they tell.
 */
static u32 raised(const MipsCpu *c)
{
    u32 host = host_fp_word_flags(c->cpu.tcg.mxcsr);

    host |= live(c) ? host_fp_flags() : 0;
    return c->fp.flags | (host & ~(u32)FP_INVALID);
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

static u64 operand(const MipsCpu *c, u32 n, u32 lane)
{
    const Vec *v = &c->fp_operand[n];

    if (c->fp_op >> FP_IS64 & 1) {
        return v->d[0];
    }
    return v->w[lane | (c->fp_op >> (FP_ODD + n) & 1)];
}

static bool is_nan(u64 x, bool is64)
{
    return is64 ? f64_is_nan(x) : f32_is_nan((u32)x);
}

/* The one of lesser magnitude, or greater; of equal ones the lesser. */
static u64 by_magnitude(MipsCpu *c, bool is64, u64 x, u64 y, bool greater)
{
    u64 mask = is64 ? MASK(63) : MASK(31);
    FpKind kind = greater ? FP_MAXNM : FP_MINNM;

    if (!is_nan(x, is64) && !is_nan(y, is64)
        && (x & mask) != (y & mask)) {
        return ((x & mask) < (y & mask)) == greater ? y : x;
    }
    return mips_soft.fn[kind][is64](c, x, y, 0, 0);
}

u64 mips_fp_special(MipsCpu *c, u32 kind, bool is64, u64 x, u64 y, u64 z)
{
    if (kind == FP_MSUBF) {
        x ^= is_nan(x, is64) ? 0 : is64 ? BIT(63) : BIT(31);
        return mips_soft.fn[FP_FMA][is64](c, x, y, z, 0);
    }
    return by_magnitude(c, is64, x, y, kind == FP_MAXA);
}

/* Does the last operation once more, for the flags that it raises. */
static void cook(MipsCpu *c, u32 lane)
{
    u32 kind = c->fp_op & 0xff, sub = c->fp_op >> FP_MODE & 0xff;
    bool is64 = c->fp_op >> FP_IS64 & 1;
    u64 x = operand(c, 0, lane), y = operand(c, 1, lane);
    u64 z = operand(c, 2, lane);
    u64 one = is64 ? 1023ull << 52 : 127ull << 23;
    FpFn *const (*fn)[2] = mips_soft.fn;

    switch (kind) {
    case FP_MADD: case FP_MSUB:
        x = fn[FP_MUL][is64](c, x, y, 0, 0);
        fn[kind == FP_MADD ? FP_ADD : FP_SUB][is64](c, x, z, 0, 0);
        break;
    case FP_RSQRT:
        x = fn[FP_SQRT][is64](c, x, 0, 0, 0);
        /* fall through */
    case FP_RECIP:
        fn[FP_DIV][is64](c, one, x, 0, 0);
        break;
    case FP_MSUBF: case FP_MINA: case FP_MAXA:
        mips_fp_special(c, kind, is64, x, y, z);
        break;
    case FP_FROM_I64:
        fn[kind][is64](c, c->fp_operand[0].d[0], 0, 0, sub);
        break;
    case FP_FROM_I32:
        x = c->fp_operand[0].w[c->fp_op >> FP_ODD & 1];
        /* fall through */
    default:
        fn[kind][is64](c, x, y, z, sub);
    }
}

static void set_cause(MipsCpu *c, u32 fields)
{
    c->fcsr = (c->fcsr & ~(63u << FCSR_CAUSE)) | fields << FCSR_CAUSE;
}

static void settle_cause(MipsCpu *c)
{
    u16 flags = c->fp.flags;

    if (c->fp_op & FP_VALID) {
        c->fp.flags = 0;
        for (u32 lane = 0; lane <= (c->fp_op & FP_PAIR ? 1 : 0); lane++) {
            cook(c, lane);
        }
        set_cause(c, fields_of(c->fp.flags));
        c->fp.flags |= flags;
        c->fp_op = 0;
    }
}

u32 mips_fcsr(MipsCpu *c)
{
    settle_cause(c);
    return c->fcsr | codes(c) | fields_of(raised(c)) << FCSR_FLAGS;
}

void mips_set_fcsr(MipsCpu *c, u32 v)
{
    static const u8 rounds[4] = {
        FP_NEAREST, FP_TOWARD_ZERO, FP_UPWARD, FP_DOWNWARD
    };
    u8 round = rounds[v & FCSR_RM];

    set_codes(c, v);
    c->fp_op = 0;
    c->fcsr = v & ~FCSR_CODES;
    c->fp = fpenv_mips(v & FCSR_NAN2008);
    c->fp.round = round;
    c->fp.flush_out = v & FCSR_FS ? FP_FLUSH_BEFORE_INEXACT : FP_FLUSH_NONE;
    c->cpu.tcg.mxcsr = host_fp_word(round);
    if (live(c)) {
        host_fp_clear();
        host_fp_set_round(round);
    }
    mips_mode_changed(c);
}

/* ---- exceptions, control registers -------------------------------------- */

void mips_fp_begin(MipsCpu *c)
{
    c->fcsr |= fields_of(c->fp.flags) << FCSR_FLAGS;
    c->fp.flags = 0;
}

static u32 enables(u32 fcsr)
{
    enum { UNIMPLEMENTED = 32 };

    return (fcsr >> FCSR_ENABLES & 31) | UNIMPLEMENTED;
}

bool mips_fp_end(MipsCpu *c)
{
    u32 fields = fields_of(c->fp.flags);

    set_cause(c, fields);
    if (fields & enables(c->fcsr)) {
        c->fp.flags = 0;
        return false;
    }
    return true;
}

/* Control registers that show fields of FCSR in their own places. */
enum { FIR = 0, FCCR = 25, FEXR = 26, FENR = 28, FCSR = 31 };
enum { FEXR_MASK = 63 << FCSR_CAUSE | 31 << FCSR_FLAGS,
       FENR_MASK = 31 << FCSR_ENABLES | FCSR_RM };

u32 mips_cfc1(MipsCpu *c, u32 n)
{
    u32 v = mips_fcsr(c);

    switch (n) {
    case FIR:
        return (u32)c->fcr0;
    case FCCR:
        return (v >> FCSR_C & 1) | v >> 25 << 1;
    case FEXR:
        return v & FEXR_MASK;
    case FENR:
        return (v & FENR_MASK) | (v & FCSR_FS ? 4 : 0);
    case FCSR:
        return v;
    }
    return 0;
}

bool mips_ctc1(MipsCpu *c, u32 n, u32 v)
{
    u32 old = mips_fcsr(c);

    switch (n) {
    case FCCR:
        v = (old & ~FCSR_CODES) | (v & 1) << FCSR_C | v >> 1 << 25;
        break;
    case FEXR:
        v = (old & ~(u32)FEXR_MASK) | (v & FEXR_MASK);
        break;
    case FENR:
        v = (old & ~(u32)(FENR_MASK | FCSR_FS)) | (v & FENR_MASK)
            | (v & 4 ? FCSR_FS : 0);
        break;
    case FCSR:
        break;
    default:
        return true;
    }
    v = (v & (u32)c->fcsr_mask) | (old & ~(u32)c->fcsr_mask);
    mips_set_fcsr(c, v);
    return !(v >> FCSR_CAUSE & enables(v));
}

/* ---- soft functions ----------------------------------------------------- */

#define SOFT_ENV(env) (&mips_cpu(env)->fp)
#include "tcg/fp_soft.h"

SOFT_MINMAX_FORMAT(f32, u32)
SOFT_MINMAX_FORMAT(f64, u64)

const FpSoft mips_soft = { .fn = { SOFT_COMMON, SOFT_MINMAX } };
