/* SPDX-License-Identifier: MIT */
/*
 * Inside softfloat: one unpacked form for all formats, and the table of what
 * distinguishes them.  What the hot paths of f32 and f64 need is inline so
 * that they are compiled for their format.
 */
#pragma once
#include "util/softfloat.h"

#define ALWAYS_INLINE  inline __attribute__((always_inline))
#define NOINLINE       __attribute__((noinline))

#define TOP    ((u128)1 << 127)     /* integer bit of Fp.frac */
#define QUIET  ((u128)1 << 126)     /* first fraction bit: the quiet bit */

typedef enum Class {
    CLS_ZERO,
    CLS_NORMAL,                     /* any finite number but zero */
    CLS_INF,
    CLS_QNAN,
    CLS_SNAN,
    CLS_BAD,                        /* an x87 encoding that is no number */
} Class;

/*
 * A normal has frac's bit 127 set and is frac * 2^(exp - 127).  After an
 * operation, bit 0 also stands for anything nonzero below it: there are at
 * least 15 bits to spare under the largest precision.  A NaN has its fraction
 * with the quiet bit at bit 126, so converting it is a shift.
 */
typedef struct Fp {
    u128 frac;
    i32 exp;
    u8 cls;
    bool sign;
    bool denormal;                  /* came from a subnormal encoding */
} Fp;

typedef struct U256 {
    u128 hi, lo;
} U256;

typedef enum FormatId {
    ID_f16, ID_ahp, ID_bf16, ID_f32, ID_f64, ID_f80, ID_f128
} FormatId;

typedef struct Format {
    u8 frac_bits;                   /* without the integer bit */
    u8 exp_bits;
    bool explicit_one;              /* the integer bit is stored */
    bool numbers_only;              /* the top exponent is like any other */
    bool half;                      /* conversions never flush this format */
} Format;

static const Format formats[] = {
    [ID_f16]  = { .frac_bits = 10,  .exp_bits = 5, .half = true },
    [ID_ahp]  = { .frac_bits = 10,  .exp_bits = 5, .half = true,
                  .numbers_only = true },
    [ID_bf16] = { .frac_bits = 7,   .exp_bits = 8 },
    [ID_f32]  = { .frac_bits = 23,  .exp_bits = 8 },
    [ID_f64]  = { .frac_bits = 52,  .exp_bits = 11 },
    [ID_f80]  = { .frac_bits = 63,  .exp_bits = 15, .explicit_one = true },
    [ID_f128] = { .frac_bits = 112, .exp_bits = 15 },
};

/* Raw bits of the public types as u128 and back. */
#define IN_f16(x)    ((u128)(x))
#define IN_ahp(x)    ((u128)(x))
#define IN_bf16(x)   ((u128)(x))
#define IN_f32(x)    ((u128)(x))
#define IN_f64(x)    ((u128)(x))
#define IN_f80(x)    ((u128)(x).se << 64 | (x).frac)
#define IN_f128(x)   (x)
#define OUT_f16(x)   ((u16)(x))
#define OUT_ahp(x)   ((u16)(x))
#define OUT_bf16(x)  ((u16)(x))
#define OUT_f32(x)   ((u32)(x))
#define OUT_f64(x)   ((u64)(x))
#define OUT_f80(x)   f80_of(x)
#define OUT_f128(x)  (x)

static inline F80 f80_of(u128 raw)
{
    return (F80){ .frac = (u64)raw, .se = (u16)(raw >> 64) };
}

static ALWAYS_INLINE unsigned precision_of(const Format *f)
{
    return f->frac_bits + 1u;
}

/* Width of everything below the exponent. */
static ALWAYS_INLINE unsigned exp_pos(const Format *f)
{
    return f->frac_bits + (f->explicit_one ? 1u : 0u);
}

static ALWAYS_INLINE i32 exp_max(const Format *f)
{
    return (1 << f->exp_bits) - 1;
}

static ALWAYS_INLINE i32 bias_of(const Format *f)
{
    return exp_max(f) >> 1;
}

static ALWAYS_INLINE u128 sign_bit(const Format *f)
{
    return (u128)1 << (exp_pos(f) + f->exp_bits);
}

static ALWAYS_INLINE u128 frac_mask(const Format *f)
{
    return ((u128)1 << f->frac_bits) - 1;
}

static ALWAYS_INLINE unsigned clz128(u128 v)
{
    u64 hi = (u64)(v >> 64);
    return hi ? (unsigned)__builtin_clzll(hi)
              : 64 + (unsigned)__builtin_clzll((u64)v);
}

/* v >> n for any n, with bit 0 set if anything was lost. */
static ALWAYS_INLINE u128 shift_jam(u128 v, unsigned n)
{
    if (n == 0) {
        return v;
    }
    if (n >= 128) {
        return v != 0;
    }
    return v >> n | ((v << (128 - n)) != 0);
}

static ALWAYS_INLINE bool is_nan(const Fp *a)
{
    return a->cls >= CLS_QNAN;
}

static ALWAYS_INLINE Fp zero_of(bool sign)
{
    return (Fp){ .cls = CLS_ZERO, .sign = sign };
}

static ALWAYS_INLINE Fp inf_of(bool sign)
{
    return (Fp){ .cls = CLS_INF, .sign = sign };
}

/* Does a rounding in this mode, of rem below one unit, go up in magnitude? */
static ALWAYS_INLINE bool rounds_up(FpRound round, bool sign, bool odd,
                                    u128 rem, u128 half)
{
    switch (round) {
    case FP_NEAREST:
        return rem > half || (rem == half && odd);
    case FP_TIES_AWAY:
        return rem >= half;
    case FP_UPWARD:
        return rem != 0 && !sign;
    case FP_DOWNWARD:
        return rem != 0 && sign;
    case FP_TO_ODD:
        return rem != 0 && !odd;
    default:
        return false;
    }
}

/* Operands that x86 reports as denormal take part in a computation. */
static ALWAYS_INLINE void use_denormals(bool any, FpEnv *e)
{
    if (any && e->denormal == FP_DENORMAL_USED) {
        e->flags |= FP_INPUT_DENORMAL;
    }
}

/* Sets FP_INVALID with its cause and returns the default NaN. */
Fp softfloat_invalid(FpFlag cause, FpEnv *e);

/* The NaN result of n operands, at least one a NaN, in order of preference. */
Fp softfloat_nan(const Fp *const *op, int n, FpEnv *e);
Fp softfloat_nan1(const Fp *a, FpEnv *e);
Fp softfloat_nan2(const Fp *a, const Fp *b, FpEnv *e);

Fp softfloat_default_nan(const FpEnv *e);

/* Zero, infinity and NaN to raw bits. */
u128 softfloat_pack_special(const Format *f, Fp r);

/* The rarely taken ends of finish(): below and above the normal numbers. */
u128 softfloat_underflow(const Format *f, Fp r, unsigned prec, FpEnv *e);
u128 softfloat_overflow(const Format *f, Fp r, unsigned prec, FpEnv *e);

Fp softfloat_subnormal(const Format *f, Fp r, FpEnv *e);

/* Raw bits to the unpacked form; flushes as e->flush_in says. */
static ALWAYS_INLINE Fp unpack(const Format *f, u128 raw, FpEnv *e)
{
    i32 exp = (i32)(raw >> exp_pos(f)) & exp_max(f);
    Fp r = {
        .frac = raw << (127 - f->frac_bits),
        .exp = exp - bias_of(f),
        .cls = CLS_NORMAL,
        .sign = (raw & sign_bit(f)) != 0,
    };

    if (!f->explicit_one) {
        r.frac &= TOP - 1;
    }
    if (unlikely(exp == 0)) {
        return r.frac == 0 ? zero_of(r.sign) : softfloat_subnormal(f, r, e);
    }
    if (f->explicit_one && !(r.frac & TOP)) {
        r.cls = CLS_BAD;
        return r;
    }
    if (unlikely(exp == exp_max(f)) && !f->numbers_only) {
        r.frac &= TOP - 1;
        r.cls = r.frac == 0 ? CLS_INF
            : ((r.frac & QUIET) != 0) == e->snan_set ? CLS_SNAN : CLS_QNAN;
        return r;
    }
    r.frac |= TOP;
    return r;
}

/* A nonzero number that is not subnormal. */
static ALWAYS_INLINE bool is_ordinary(const Format *f, u128 raw)
{
    u32 exp = (u32)(raw >> exp_pos(f)) & (u32)exp_max(f);
    return exp - 1 < (u32)exp_max(f) - 1 &&
           (!f->explicit_one || (u64)raw >> 63);
}

/* unpack() for those. */
static ALWAYS_INLINE Fp ordinary(const Format *f, u128 raw)
{
    return (Fp){
        .frac = (raw << (127 - f->frac_bits)) | TOP,
        .exp = ((i32)(raw >> exp_pos(f)) & exp_max(f)) - bias_of(f),
        .cls = CLS_NORMAL,
        .sign = (raw & sign_bit(f)) != 0,
    };
}

/* Rounds to `prec` bits, at most the format's own, and packs. */
static ALWAYS_INLINE u128 finish(const Format *f, Fp r, unsigned prec,
                                 FpEnv *e)
{
    if (unlikely(r.cls != CLS_NORMAL)) {
        return softfloat_pack_special(f, r);
    }

    i32 exp = r.exp + bias_of(f);
    if (unlikely(exp <= 0)) {
        return softfloat_underflow(f, r, prec, e);
    }

    unsigned drop = 128 - prec;
    u128 unit = (u128)1 << drop, rem = r.frac & (unit - 1);
    u128 frac = r.frac - rem;
    bool up = rounds_up(e->round, r.sign, (frac & unit) != 0, rem, unit >> 1);
    if (up) {
        frac += unit;
        if (frac == 0) {
            frac = TOP;
            exp++;
        }
    }
    if (unlikely(exp >= exp_max(f) + f->numbers_only)) {
        return softfloat_overflow(f, r, prec, e);
    }
    if (rem) {
        e->flags |= FP_INEXACT | (up ? FP_ROUNDED_UP : 0);
    }
    frac >>= 127 - f->frac_bits;
    return (r.sign ? sign_bit(f) : 0) | (u128)(u32)exp << exp_pos(f) |
           (f->explicit_one ? frac : frac & frac_mask(f));
}

/* The precision of arithmetic results, which x87 can reduce. */
static ALWAYS_INLINE unsigned arith_precision(const Format *f, const FpEnv *e)
{
    return f->explicit_one && e->precision ? e->precision : precision_of(f);
}

/* On unpacked operands of up to 53 bits; the result is to be finished. */
Fp softfloat_fma_narrow(const Fp *a, const Fp *b, const Fp *c, FpEnv *e);
