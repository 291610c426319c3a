/* SPDX-License-Identifier: MIT */
/*
 * Floating point of MIPS release 6.  Reference: MIPS volume II-A, release 6.
 * The table is mips_fpu6.decode.
 */
#include "target/mips/fpu.h"
#include "mips_fpu6.forms.h"

static Type bits_type(unsigned fmt)
{
    return fmt ? I64 : I32;
}

/* All ones or zero.  The condition's bit 4 negates, bit 3 signals. */
static bool cmp6(Ctx *c, form_cmp a)
{
    Type t = fpu_format(a.fmt), bits = bits_type(a.fmt);
    Val v, zero = ir_const(c->b, bits, 0), ones = ir_const(c->b, bits, ~0ull);
    bool signals = a.cond & 8, negates = a.cond & 16;

    if (negates && ((a.cond & 7) == 0 || a.cond & 4)) {
        return false;
    }
    fpu_begin(c);
    v = ir_fcmpf(c->b, fpu_get(c, t, a.fs), fpu_get(c, t, a.ft), signals);
    fpu_end(c, (FpuDone) { FP_OP(FP_CMPF, t == F64, signals),
                           { a.fs, a.ft, -1 } });
    v = fpu_ordered(c, a.cond, v);
    return fpu_set_int(c, a.fd, ir_select(c->b, negates ? EQ : NE, v,
                                          ir_i32(c->b, 0), ones, zero));
}

/* Bit 0 of a register. */
static Val low_bit(Ctx *c, unsigned r)
{
    return ir_and(c->b, fpu_get_int(c, I32, r), ir_i32(c->b, 1));
}

static bool sel(Ctx *c, form_rrr a)
{
    Type t = bits_type(a.fmt);

    return fpu_set_int(c, a.fd, ir_select(c->b, NE, low_bit(c, a.fd),
                                          ir_i32(c->b, 0),
                                          fpu_get_int(c, t, a.ft),
                                          fpu_get_int(c, t, a.fs)));
}

static bool sel_zero(Ctx *c, form_rrr a, Cond cc)
{
    Type t = bits_type(a.fmt);

    return fpu_set_int(c, a.fd, ir_select(c->b, cc, low_bit(c, a.ft),
                                          ir_i32(c->b, 0),
                                          fpu_get_int(c, t, a.fs),
                                          ir_const(c->b, t, 0)));
}

static bool maddf(Ctx *c, form_rrr a)
{
    Type t = fpu_format(a.fmt);

    fpu_begin(c);
    Val v = ir_ffma(c->b, fpu_get(c, t, a.fs), fpu_get(c, t, a.ft),
                    fpu_get(c, t, a.fd));
    fpu_end(c, (FpuDone) { FP_OP(FP_FMA, t == F64, 0),
                           { a.fs, a.ft, a.fd } });
    return fpu_set(c, a.fd, v);
}

static bool min_max(Ctx *c, form_rrr a, IrBinary *op, FpKind kind)
{
    Type t = fpu_format(a.fmt);

    fpu_begin(c);
    Val v = op(c->b, fpu_get(c, t, a.fs), fpu_get(c, t, a.ft));
    fpu_end(c, (FpuDone) { FP_OP(kind, t == F64, 0), { a.fs, a.ft, -1 } });
    return fpu_set(c, a.fd, v);
}

static bool rint6(Ctx *c, form_rr a)
{
    Type t = fpu_format(a.fmt);
    unsigned mode = FR_DYN | FR_EXACT;

    fpu_begin(c);
    Val v = ir_fround(c->b, fpu_get(c, t, a.fs), mode);
    fpu_end(c, (FpuDone) { FP_OP(FP_ROUND, t == F64, mode), { a.fs, -1 } });
    return fpu_set(c, a.fd, v);
}

/* ---- by calls ----------------------------------------------------------- */

static u64 insn_special(void *env, u32 op, u64 x, u64 y, u64 z)
{
    return mips_fp_special(env, op & 0xff, op >> FP_IS64 & 1, x, y, z);
}
HELPER(insn_special, 0, i64, ptr, i32, i64, i64, i64);

static Val raw(Ctx *c, unsigned fmt, unsigned r)
{
    return fmt ? fpu_get_int(c, I64, r)
               : ir_zext(c->b, fpu_get_int(c, I32, r));
}

static bool set_raw(Ctx *c, unsigned fmt, unsigned r, Val v)
{
    return fpu_set_int(c, r, fmt ? v : ir_trunc(c->b, v));
}

static bool special(Ctx *c, form_rrr a, u32 kind)
{
    u32 op = FP_OP(kind, a.fmt, 0);

    fpu_begin(c);
    Val v = IR_CALL(c->b, &helper_insn_special, ir_i32(c->b, op),
                    raw(c, a.fmt, a.fs), raw(c, a.fmt, a.ft),
                    raw(c, a.fmt, a.fd));
    fpu_end(c, (FpuDone) { op, { a.fs, a.ft, a.fd } });
    return set_raw(c, a.fmt, a.fd, v);
}

/* Signalling and quiet NaN; then negative and positive numbers. */
u64 mips_fp_class(u32 is64, u64 x)
{
    enum { SNAN = 1, QNAN = 2, INF = 4, NORMAL = 8, SUBNORMAL = 16, ZERO = 32,
           POSITIVE = 4 };
    int frac = is64 ? 52 : 23, top = is64 ? 63 : 31;
    u64 exp = bits(x, top - 1, frac), rest = bits(x, frac - 1, 0);
    u64 v = exp ? NORMAL : rest ? SUBNORMAL : ZERO;

    if (exp == MASK(top - frac)) {
        if (rest) {
            return rest >> (frac - 1) ? QNAN : SNAN;
        }
        v = INF;
    }
    return x >> top & 1 ? v : v << POSITIVE;
}
HELPER(mips_fp_class, H_PURE, i64, i32, i64);

static bool class6(Ctx *c, form_rr a)
{
    return set_raw(c, a.fmt, a.fd,
                   IR_CALL(c->b, &helper_mips_fp_class, ir_i32(c->b, a.fmt),
                           raw(c, a.fmt, a.fs)));
}

#include "mips_fpu6.decode.h"

bool mips_fpu6(Ctx *c, u32 w)
{
    return mips_fpu6_decode(c, w);
}
