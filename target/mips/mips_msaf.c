/* SPDX-License-Identifier: MIT */
/*
 * MSA on floating-point numbers.  Reference: MIPS volume IV-j, 3.5 "Floating
 * Point Registers and Exceptions".  The table is mips_msaf.decode.
 *
 * MSACSR rounds and gathers flags beside FCSR, so the host's unit, which has
 * the latter's mode, is not used: the FPU's soft functions do it, a lane at a
 * time, in MSA's environment.
 */
#include "target/mips/fpu.h"
#include "target/mips/msa.h"
#include "mips_msaf.forms.h"

/* Beside FpKind and fpu.h's; those from EXUPL on change widths. */
enum { MSA_EXP2 = FP_SPECIALS, MSA_LOG2, MSA_CLASS, MSA_CMP, MSA_EXUPL,
       MSA_EXUPR, MSA_FFQL, MSA_FFQR, MSA_EXDO, MSA_FTQ };

/* Outcomes that make a comparison true; SIGNALS at quiet NaNs too. */
enum { NEVER = 0, NONE = 1, SAME = 2, LESS = 4, MORE = 8, SIGNALS = 16 };

/* The helper's first argument: a kind, if lanes are 64 bits wide, a sub. */
enum { OP_WIDE = 8, OP_SUB = 16 };

enum {                          /* MSACSR */
    RM = 3, FLAGS = 2, ENABLES = 7, CAUSE = 12, NX = 1 << 18, FS = 1 << 24,
    MSACSR_RW = FS | NX | 63 << CAUSE | 31 << ENABLES | 31 << FLAGS | RM,
};
enum { C_I = 1, C_U = 2, C_O = 4, C_Z = 8, C_V = 16, C_E = 32 };

static u32 enables(u32 csr)
{
    return (csr >> ENABLES & 31) | C_E;
}

bool mips_set_msacsr(MipsCpu *c, u32 v)
{
    c->msacsr = v & MSACSR_RW;
    return !(v >> CAUSE & 63 & enables(v));
}

static FpEnv env_of(u32 csr)
{
    static const u8 rounds[4] = {
        FP_NEAREST, FP_TOWARD_ZERO, FP_UPWARD, FP_DOWNWARD
    };
    FpEnv e = fpenv_mips(true);

    e.round = rounds[csr & RM];
    e.flush_in = csr & FS;
    e.denormal = FP_DENORMAL_FLUSHED;
    e.flush_out = csr & FS ? FP_FLUSH_BEFORE_INEXACT : FP_FLUSH_NONE;
    return e;
}

/* ---- one lane ----------------------------------------------------------- */

/* s * 2^t: exact in the next wider format, then rounded. */
static u64 exp2_of(FpEnv *e, bool wide, u64 s, u64 t)
{
    enum { BIAS64 = 1023, BIAS128 = 16383, FAR64 = 400, FAR128 = 4000 };
    i64 n = wide ? (i64)t : (i32)t;

    if (wide) {
        n = MIN(MAX(n, -FAR128), FAR128);
        u128 k = (u128)(u64)(n + BIAS128) << 112;
        return f128_to_f64(f128_mul(f64_to_f128(s, e), k, e), e);
    }
    n = MIN(MAX(n, -FAR64), FAR64);
    return f64_to_f32(f64_mul(f32_to_f64((u32)s, e),
                              (u64)(n + BIAS64) << 52, e), e);
}

/* An operand as FS has it. */
static u64 flushed(FpEnv *e, bool wide, u64 x)
{
    u64 exp = wide ? 0x7ffull << 52 : 0xffull << 23;
    u64 sign = wide ? BIT(63) : BIT(31);

    if (e->flush_in && !(x & exp) && x & ~sign) {
        e->flags |= FP_INPUT_DENORMAL;
        return x & sign;
    }
    return x;
}

/* The exponent of s, as a number: what log2 s is rounded down. */
static u64 log2_of(FpEnv *e, bool wide, u64 s)
{
    int top = wide ? 63 : 31, frac = wide ? 52 : 23;
    u64 inf = MASK(top - frac) << frac, least;
    s = flushed(e, wide, s);
    least = s & MASK(top);
    i64 exp = (i64)(least >> frac) - (wide ? 1023 : 127);

    if (least > inf || (s >> top && least)) {       /* a NaN, or below zero */
        return wide ? f64_sqrt(s, e) : f32_sqrt((u32)s, e);
    }
    if (least == inf) {
        return s;
    }
    if (!least) {
        e->flags |= FP_DIVZERO;
        return inf | BIT(top);
    }
    if (!(least >> frac)) {
        exp -= __builtin_clzll(least) - (63 - frac) - 1;
    }
    return wide ? i64_to_f64(exp, 0, e) : i64_to_f32(exp, 0, e);
}

/* A number in the narrower format; FS flushes halves too. */
static u64 narrower(FpEnv *e, bool wide, u64 s)
{
    u16 v;

    if (wide) {
        return f64_to_f32(s, e);
    }
    v = f32_to_f16((u32)s, e);
    if (e->flush_in && !(v & 0x7c00) && v & 0x3ff) {
        e->flags |= FP_UNDERFLOW | FP_INEXACT;
        v &= 0x8000;
    }
    return v;
}

/* And as operands. */
static u64 wider(FpEnv *e, bool wide, u64 s)
{
    if (wide) {
        return f32_to_f64((u32)s, e);
    }
    if (e->flush_in && !(s & 0x7c00) && s & 0x3ff) {
        e->flags |= FP_INPUT_DENORMAL;
        s &= 0x8000;
    }
    return f16_to_f32((u16)s, e);
}

/* FTQ: what is out of range overflows, and is not invalid. */
static u64 to_fraction(FpEnv *e, bool wide, u64 s)
{
    u64 v = wide ? (u32)f64_to_i32(s, e->round, 31, e)
                 : (u16)f32_to_i16((u32)s, e->round, 15, e);

    if (e->flags & FP_INVALID
        && !(wide ? f64_is_nan(s) : f32_is_nan((u32)s))) {
        e->flags = FP_OVERFLOW | FP_INEXACT;
    }
    return v;
}

/* Of a finite number it is near, so inexact, and raises nothing else. */
static u64 reciprocal(MipsCpu *c, bool wide, u64 s, bool of_root)
{
    u64 one = wide ? 1023ull << 52 : 127ull << 23, exp = one << 1 | one;
    FpFn *const (*fn)[2] = mips_soft.fn;
    u64 x = of_root ? fn[FP_SQRT][wide](c, s, 0, 0, 0) : s;
    u64 v = fn[FP_DIV][wide](c, one, x, 0, 0);

    if (!(c->fp.flags & (FP_INVALID | FP_DIVZERO))) {
        c->fp.flags = (s & exp) == exp ? 0 : FP_INEXACT;
    }
    return v;
}

static u32 outcome(u64 flags)
{
    return flags & FLAG_V ? NONE : flags & FLAG_Z ? SAME
        : flags & FLAG_N ? LESS : MORE;
}

/* s and t are bits of the narrower format where the widths differ. */
static u64 lane_of(MipsCpu *c, u32 op, u64 s, u64 t, u64 d)
{
    u32 kind = op & 0xff, sub = op >> OP_SUB;
    bool wide = op >> OP_WIDE & 1;
    FpFn *const (*fn)[2] = mips_soft.fn;
    FpEnv *e = &c->fp;

    switch (kind) {
    case MSA_EXP2:
        return exp2_of(e, wide, s, t);
    case MSA_LOG2:
        return log2_of(e, wide, s);
    case MSA_CLASS:
        return mips_fp_class(wide, s);
    case MSA_CMP:
        return outcome(fn[FP_CMPF][wide](c, s, t, 0, sub & SIGNALS ? 1 : 0))
            & sub ? ~0ull : 0;
    case MSA_EXUPL: case MSA_EXUPR:
        return wider(e, wide, s);
    case MSA_FFQL: case MSA_FFQR:
        return wide ? i64_to_f64((i32)s, 31, e) : i64_to_f32((i16)s, 15, e);
    case MSA_EXDO:
        return narrower(e, wide, s);
    case MSA_FTQ:
        return to_fraction(e, wide, s);
    case FP_MINA: case FP_MAXA:
        s = flushed(e, wide, s);
        t = flushed(e, wide, t);
        /* fall through */
    case FP_MSUBF:
        return mips_fp_special(c, kind, wide, s, t, d);
    case FP_RSQRT: case FP_RECIP:
        return reciprocal(c, wide, s, kind == FP_RSQRT);
    case FP_TO_I32: case FP_FROM_I32:
        return fn[kind + wide][wide](c, s, t, d, sub);
    }
    return fn[kind][wide](c, s, t, d, sub);
}

/* ---- exceptions --------------------------------------------------------- */

/*
 * What a lane raised, as a field of MSACSR.  A zero that FS made is inexact,
 * but not for comparisons; so is an overflow that does not trap.
 */
static u32 cause_of(u32 csr, u32 kind, u32 flags)
{
    if (kind == MSA_CMP) {
        flags &= ~(u32)FP_INPUT_DENORMAL;
    }
    u32 v = (flags & FP_INVALID ? C_V : 0) | (flags & FP_DIVZERO ? C_Z : 0)
        | (flags & FP_OVERFLOW ? C_O : 0) | (flags & FP_UNDERFLOW ? C_U : 0)
        | (flags & (FP_INEXACT | FP_INPUT_DENORMAL) ? C_I : 0);

    if (v & C_O && !(enables(csr) & C_O)) {
        v |= C_I;
    }
    return v;
}

/* Bytes of the result's and the operands' lanes, log2. */
static u32 to_df(u32 op)
{
    u32 kind = op & 0xff, wide = op >> OP_WIDE & 1;

    return kind == MSA_EXDO || kind == MSA_FTQ ? 1 + wide : 2 + wide;
}

/* A result that would trap is with NX a signalling NaN that tells of it. */
static u64 telling_nan(u32 df, u32 cause)
{
    static const u64 inf[4] = { 0, 0x7c00, 0x7f800000, 0x7ff0000000000000 };

    return inf[df] | cause;
}

/* A subnormal result raises Underflow where that traps, if it is exact too. */
static bool is_tiny(u32 op, u64 v)
{
    static const u64 exp[4] = { 0, 0x7c00, 0x7f800000, 0x7ff0000000000000 };
    static const u64 frac[4] = { 0, 0x3ff, 0x7fffff, 0xfffffffffffff };
    u32 kind = op & 0xff, df = to_df(op);
    bool number = kind <= FP_FMA || kind == FP_MSUBF || kind == MSA_EXP2
        || kind == MSA_EXDO;

    return number && !(v & exp[df]) && v & frac[df];
}

static u64 next_lane(MipsCpu *c, u32 op, const u64 in[3], u32 *cause,
                     bool *trap)
{
    u64 v;
    u32 raised;

    c->fp.flags = 0;
    v = lane_of(c, op, in[0], in[1], in[2]);
    raised = cause_of(c->msacsr, op & 0xff, c->fp.flags);
    if (is_tiny(op, v) && enables(c->msacsr) & C_U) {
        raised |= C_U;
    }
    if (raised & enables(c->msacsr) && c->msacsr & NX) {
        return telling_nan(to_df(op), raised);
    }
    *cause |= raised;
    *trap |= raised & enables(c->msacsr);
    return v;
}

static u32 from_df(u32 op)
{
    u32 kind = op & 0xff, wide = op >> OP_WIDE & 1;

    return kind >= MSA_EXUPL && kind <= MSA_FFQR ? 1 + wide : 2 + wide;
}

static u64 lane_at(const Vec *v, u32 df, u32 i)
{
    u64 x = 0;

    memcpy(&x, v->b + (i << df), 1u << df);
    return x;
}

/* The operands of lane i of the result. */
static void operands(u64 in[3], u32 op, const Vec v[3], u32 i)
{
    u32 kind = op & 0xff, df = from_df(op), half = 8u >> to_df(op);

    if (kind == MSA_EXUPL || kind == MSA_FFQL) {
        i += 2 * half;
    } else if (kind == MSA_EXDO || kind == MSA_FTQ) {
        in[0] = i < half ? lane_at(&v[1], df, i) : lane_at(&v[0], df, i - half);
        return;
    }
    for (u32 n = 0; n < 3; n++) {
        in[n] = lane_at(&v[n], df, i);
    }
}

static V128 insn_msa_fp(void *env, u32 op, V128 d, V128 s, V128 t)
{
    MipsCpu *c = env;
    Vec v[3] = { { .v = s }, { .v = t }, { .v = d } }, out;
    u32 df = to_df(op), cause = 0;
    FpEnv fpu = c->fp;
    bool trap = false;

    c->fp = env_of(c->msacsr);
    for (u32 i = 0; i < 16u >> df; i++) {
        u64 in[3] = { 0 };
        operands(in, op, v, i);
        u64 x = next_lane(c, op, in, &cause, &trap);
        memcpy(out.b + (i << df), &x, 1u << df);
    }
    c->fp = fpu;
    c->msacsr = (u32)deposit(c->msacsr, CAUSE, 6, cause);
    if (trap) {
        mips_exception(c, EXC_MSAFPE, 0);
        cpu_resume(&c->cpu);
    }
    c->msacsr |= cause << FLAGS;
    return out.v;
}
HELPER(insn_msa_fp, H_ALL, v128, ptr, i32, v128, v128, v128);

/* ---- rows --------------------------------------------------------------- */

static bool three(Ctx *c, form_r3 a, u32 kind)
{
    u32 op = kind | (u32)a.df << OP_WIDE;

    return msa_set(c, a.wd, IR_CALL(c->b, &helper_insn_msa_fp,
                                    ir_i32(c->b, op), msa_get(c, a.wd),
                                    msa_get(c, a.ws), msa_get(c, a.wt)));
}

static bool compare(Ctx *c, form_r3 a, u32 mask)
{
    return three(c, a, MSA_CMP | mask << OP_SUB);
}

static bool two(Ctx *c, form_r2 a, u32 kind, u32 sub)
{
    return three(c, (form_r3) { a.df, a.ws, a.ws, a.wd },
                 kind | sub << OP_SUB);
}

#include "mips_msaf.decode.h"

bool mips_msaf(Ctx *c, u32 w)
{
    return mips_msaf_decode(c, w);
}
