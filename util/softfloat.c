/* SPDX-License-Identifier: MIT */
/*
 * The rare parts of unpacking, rounding and packing, and the choice of NaNs.
 * Arm ARM FPUnpackBase, FPRoundBase, FPProcessNaNs and FPProcessNaNs3; Intel
 * SDM volume 1, 4.8.3.5 (NaNs), 4.9.1 (exceptions), 11.5.2.
 */
#include "util/softfloat_core.h"

enum { X87_WRAP = 24576 };

Fp softfloat_default_nan(const FpEnv *e)
{
    return (Fp){ .cls = CLS_QNAN, .sign = e->default_sign,
                 .frac = e->snan_set ? QUIET - 1 : QUIET };
}

Fp softfloat_invalid(FpFlag cause, FpEnv *e)
{
    e->flags |= FP_INVALID | cause;
    return softfloat_default_nan(e);
}

/* SDM table 4-7: quiet before signalling, larger significand, positive. */
static const Fp *choose_x87(const Fp *const *op, int n)
{
    const Fp *best = NULL;
    for (int i = 0; i < n; i++) {
        const Fp *p = op[i];
        if (!is_nan(p)) {
            continue;
        }
        if (!best || (best->cls != p->cls ? p->cls == CLS_QNAN
            : best->frac != p->frac ? p->frac > best->frac : best->sign)) {
            best = p;
        }
    }
    return best;
}

static const Fp *choose(const Fp *const *op, int n, FpNanRule rule)
{
    if (rule == FP_NAN_X87) {
        return choose_x87(op, n);
    }

    const Fp *first = NULL;
    for (int i = 0; i < n; i++) {
        if (op[i]->cls == CLS_SNAN && rule == FP_NAN_SIGNALLING_FIRST) {
            return op[i];
        }
        if (!first && is_nan(op[i])) {
            first = op[i];
        }
    }
    return first;
}

Fp softfloat_nan(const Fp *const *op, int n, FpEnv *e)
{
    bool bad = false;
    for (int i = 0; i < n; i++) {
        if (op[i]->cls >= CLS_SNAN) {
            e->flags |= FP_INVALID | FP_VXSNAN;
        }
        bad |= op[i]->cls == CLS_BAD;
    }

    Fp r = *choose(op, n, e->nan_rule);
    if (bad || e->default_nan || (e->snan_set && r.cls == CLS_SNAN)) {
        return softfloat_default_nan(e);
    }
    if (!e->snan_set) {
        r.frac |= QUIET;
    }
    r.cls = CLS_QNAN;
    return r;
}

Fp softfloat_nan1(const Fp *a, FpEnv *e)
{
    return softfloat_nan(&a, 1, e);
}

Fp softfloat_nan2(const Fp *a, const Fp *b, FpEnv *e)
{
    return softfloat_nan((const Fp *const[]){ a, b }, 2, e);
}

/* A subnormal, or an x87 pseudo-denormal, which has its integer bit set. */
Fp softfloat_subnormal(const Format *f, Fp r, FpEnv *e)
{
    if (e->flush_in) {
        if (e->denormal == FP_DENORMAL_FLUSHED && !f->half) {
            e->flags |= FP_INPUT_DENORMAL;
        }
        return zero_of(r.sign);
    }

    unsigned n = clz128(r.frac);
    r.frac <<= n;
    r.exp = 1 - bias_of(f) - (i32)n;
    r.denormal = true;
    return r;
}

static u128 pack(const Format *f, bool sign, i32 exp, u128 frac)
{
    u128 low = frac >> (127 - f->frac_bits);
    return (sign ? sign_bit(f) : 0) | (u128)(u32)exp << exp_pos(f) |
           (f->explicit_one ? low : low & frac_mask(f));
}

u128 softfloat_pack_special(const Format *f, Fp r)
{
    if (r.cls == CLS_ZERO) {
        return pack(f, r.sign, 0, 0);
    }
    return pack(f, r.sign, exp_max(f), TOP | (r.cls == CLS_INF ? 0 : r.frac));
}

static u128 flushed(const Format *f, bool sign, FpEnv *e)
{
    e->flags |= FP_UNDERFLOW;
    if (e->flush_out != FP_FLUSH_BEFORE) {
        e->flags |= FP_INEXACT;
    }
    return pack(f, sign, 0, 0);
}

/* Would r, rounded with unlimited exponents, reach the normal numbers? */
static bool reaches_normal(const Format *f, Fp r, unsigned prec, FpRound round)
{
    u128 unit = (u128)1 << (128 - prec), rem = r.frac & (unit - 1);
    return r.exp + bias_of(f) == 0 && r.frac - rem == 0 - unit &&
           rounds_up(round, r.sign, true, rem, unit >> 1);
}

/* x87, SDM volume 1, 8.5.4 and 8.5.5: what an unmasked exception leaves;
 * FSCALE may be further off. */
static u128 wrapped(const Format *f, Fp r, unsigned prec, i32 by, FpEnv *e)
{
    i32 exp = r.exp + by + bias_of(f);
    if (exp < 1 || exp >= exp_max(f)) {
        e->flags |= FP_INEXACT | (by < 0 ? FP_ROUNDED_UP : 0);
        return pack(f, r.sign, by < 0 ? exp_max(f) : 0, by < 0 ? TOP : 0);
    }
    r.exp += by;
    return finish(f, r, prec, e);
}

/*
 * r is below the normal numbers.  Rounding takes place at a fixed place of
 * the stored fraction, also when x87 precision control moved it up.
 */
u128 softfloat_underflow(const Format *f, Fp r, unsigned prec, FpEnv *e)
{
    bool before = e->flush_out == FP_FLUSH_BEFORE ||
                  e->flush_out == FP_FLUSH_BEFORE_INEXACT;
    if (before) {
        return flushed(f, r.sign, e);
    }

    bool tiny = e->tiny_before || !reaches_normal(f, r, prec, e->round);
    if (e->flush_out == FP_FLUSH_AFTER && tiny) {
        return flushed(f, r.sign, e);
    }
    if (unlikely(tiny && e->wrap & FP_UNDERFLOW)) {
        e->flags |= FP_UNDERFLOW;
        if (f->explicit_one) {
            return wrapped(f, r, prec, X87_WRAP, e);
        }
    }

    u128 frac = shift_jam(r.frac, (unsigned)(1 - bias_of(f) - r.exp));
    u128 unit = (u128)1 << (128 - prec), rem = frac & (unit - 1);
    bool up = rounds_up(e->round, r.sign, (frac & unit) != 0, rem, unit >> 1);
    frac = frac - rem + (up ? unit : 0);
    if (rem) {
        e->flags |= FP_INEXACT | (tiny ? FP_UNDERFLOW : 0) |
                    (up ? FP_ROUNDED_UP : 0);
    }
    return pack(f, r.sign, (frac & TOP) != 0, frac);
}

u128 softfloat_overflow(const Format *f, Fp r, unsigned prec, FpEnv *e)
{
    bool sign = r.sign;
    if (f->numbers_only) {
        e->flags |= FP_INVALID;
        return pack(f, sign, exp_max(f), ~(u128)0);
    }

    if (unlikely(e->wrap & FP_OVERFLOW) && f->explicit_one) {
        e->flags |= FP_OVERFLOW;
        return wrapped(f, r, prec, -X87_WRAP, e);
    }

    bool to_inf = e->round == FP_NEAREST || e->round == FP_TIES_AWAY ||
                  e->round == (sign ? FP_DOWNWARD : FP_UPWARD);
    e->flags |= FP_OVERFLOW | FP_INEXACT | (to_inf ? FP_ROUNDED_UP : 0);
    if (to_inf) {
        return pack(f, sign, exp_max(f), TOP);
    }
    return pack(f, sign, exp_max(f) - 1, ~(u128)0 << (128 - prec));
}
