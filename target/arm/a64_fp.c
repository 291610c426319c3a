/* SPDX-License-Identifier: MIT */
/*
 * A64: scalar floating point.  Each row of a64_fp.decode names a function
 * here.  Reference: Arm ARM (DDI 0487) C7.2.
 *
 * Arithmetic is the IR's, which knows the guest's rules; whatever only moves
 * or changes sign bits is done on the bits.  Left out: FEAT_FP16.
 */
#include "target/arm/a64_simd.h"
#include "a64_fp.forms.h"

static Type type_of(bool dbl)
{
    return dbl ? F64 : F32;
}

static Lane lane_of(bool dbl)
{
    return dbl ? L64 : L32;
}

/* A float register's bits as I64 or I32. */
static Val get_bits(Ctx *c, bool dbl, unsigned r)
{
    return ir_vget(c->b, lane_of(dbl), get_v(c, r), 0);
}

static bool set_bits(Ctx *c, bool dbl, unsigned r, Val v)
{
    return set_f(c, r, ir_bitsof(c->b, type_of(dbl), v));
}

/* A float constant given by its bits. */
static Val constant(Ctx *c, bool dbl, u64 v)
{
    return ir_bitsof(c->b, type_of(dbl), imm(c, dbl, v));
}

/* ---- one and two sources ------------------------------------------------ */

static bool fmov(Ctx *c, form_f1 a)
{
    return set_f(c, a.rd, get_f(c, type_of(a.dbl), a.rn));
}

/* One that is the vector operation on a single lane. */
static bool vector1(Ctx *c, form_f1 a, IrVec1 *op)
{
    Lane l = lane_of(a.dbl);
    return simd_set_scalar(c, l, a.rd, op(c->b, l, get_v(c, a.rn)));
}

static bool fsqrt(Ctx *c, form_f1 a)
{
    return set_f(c, a.rd, ir_fsqrt(c->b, get_f(c, type_of(a.dbl), a.rn)));
}

static bool precision(Ctx *c, form_f1 a, Type from, Type to)
{
    return set_f(c, a.rd, ir_f2f(c->b, to, get_f(c, from, a.rn)));
}

static bool to_half(Ctx *c, form_f1 a)
{
    return set_v(c, a.rd, IR_CALL(c->b, simd_to_half[lane_of(a.dbl)],
                                  get_v(c, a.rn), ir_i32(c->b, 2)));
}

static bool from_half(Ctx *c, form_f1 a, Lane to)
{
    return set_v(c, a.rd, IR_CALL(c->b, simd_from_half[to], get_v(c, a.rn),
                                  ir_i32(c->b, 1u << to)));
}

static bool frint(Ctx *c, form_f1 a, unsigned round)
{
    Val n = get_f(c, type_of(a.dbl), a.rn);
    return set_f(c, a.rd, ir_fround(c->b, n, round));
}

static bool two(Ctx *c, form_f2 a, IrBinary *op)
{
    Type t = type_of(a.dbl);
    return set_f(c, a.rd, op(c->b, get_f(c, t, a.rn), get_f(c, t, a.rm)));
}

/* v with its sign changed, a NaN's too. */
static Val negated(Ctx *c, Type t, Val v)
{
    Lane l = t == F64 ? L64 : L32;
    return ir_vlow(c->b, t, simd_fneg(c->b, l, ir_vzext(c->b, v)));
}

static bool fnmul(Ctx *c, form_f2 a)
{
    Type t = type_of(a.dbl);
    Val r = ir_fmul(c->b, get_f(c, t, a.rn), get_f(c, t, a.rm));
    return set_f(c, a.rd, negated(c, t, r));
}

static bool multiply_add(Ctx *c, form_f3 a, bool neg_n, bool neg_a)
{
    Type t = type_of(a.dbl);
    Val n = get_f(c, t, a.rn), addend = get_f(c, t, a.ra);

    n = neg_n ? negated(c, t, n) : n;
    addend = neg_a ? negated(c, t, addend) : addend;
    return set_f(c, a.rd, ir_ffma(c->b, n, get_f(c, t, a.rm), addend));
}

/* ---- comparison, selection, constants ----------------------------------- */

static bool compare(Ctx *c, form_fcmp a, bool signalling)
{
    Type t = type_of(a.dbl);
    ir_put(c->b, S_NZCV, ir_fcmpf(c->b, get_f(c, t, a.rn), get_f(c, t, a.rm),
                                  signalling));
    return true;
}

static bool compare0(Ctx *c, form_fcmp a, bool signalling)
{
    Val n = get_f(c, type_of(a.dbl), a.rn);
    ir_put(c->b, S_NZCV, ir_fcmpf(c->b, n, constant(c, a.dbl, 0), signalling));
    return true;
}

/*
 * Where the condition fails nothing may be signalled: zeros are compared, and
 * the result is dropped.
 */
static bool cond_compare(Ctx *c, form_fcc a, bool signalling)
{
    Ir *b = c->b;
    Type t = type_of(a.dbl);
    Val holds = cond_holds(c, a.cond);
    Val none = ir_i32(b, 0), zero = imm(c, a.dbl, 0);
    Val n = ir_select(b, NE, holds, none, get_bits(c, a.dbl, a.rn), zero);
    Val m = ir_select(b, NE, holds, none, get_bits(c, a.dbl, a.rm), zero);
    Val flags = ir_fcmpf(b, ir_bitsof(b, t, n), ir_bitsof(b, t, m),
                         signalling);
    Val other = ir_i32(b, flags_unpack((u64)a.nzcv << 28));

    ir_put(b, S_NZCV, ir_select(b, NE, holds, none, flags, other));
    return true;
}

static bool fcsel(Ctx *c, form_fsel a)
{
    Val r = ir_select(c->b, NE, cond_holds(c, a.cond), ir_i32(c->b, 0),
                      get_bits(c, a.dbl, a.rn), get_bits(c, a.dbl, a.rm));
    return set_bits(c, a.dbl, a.rd, r);
}

static bool fmov_imm(Ctx *c, form_fimm a)
{
    return set_v(c, a.rd, ir_v128(c->b, simd_fp_imm(a.imm, a.dbl), 0));
}

/* ---- integers ----------------------------------------------------------- */

static bool to_int(Ctx *c, form_fint a, unsigned round)
{
    Val n = get_f(c, type_of(a.dbl), a.rn);
    return set_x(c, a.sf, a.rd, ir_f2i(c->b, a.sf ? I64 : I32, n, round));
}

static bool from_int(Ctx *c, form_fint a, bool is_unsigned)
{
    Val n = get_x(c, a.sf, a.rn);
    return set_f(c, a.rd, ir_i2f(c->b, type_of(a.dbl), n, is_unsigned));
}

static bool fmov_to_gpr(Ctx *c, form_fint a)
{
    return set_x(c, a.sf, a.rd, get_bits(c, a.dbl, a.rn));
}

static bool fmov_from_gpr(Ctx *c, form_fint a)
{
    return set_bits(c, a.dbl, a.rd, get_x(c, a.sf, a.rn));
}

static bool fmov_top_to_gpr(Ctx *c, form_fint a)
{
    return set_x(c, true, a.rd, ir_vget(c->b, L64, get_v(c, a.rn), 1));
}

static bool fmov_top_from_gpr(Ctx *c, form_fint a)
{
    return set_v(c, a.rd, ir_vins(c->b, L64, get_v(c, a.rd), 1,
                                  get_x(c, true, a.rn)));
}

/* Dividing by a power of two is exact: the conversion has rounded. */
static bool from_fixed(Ctx *c, form_ffix a, bool is_unsigned)
{
    Val n = ir_i2f(c->b, type_of(a.dbl), get_x(c, a.sf, a.rn), is_unsigned);
    Val unit = constant(c, a.dbl, simd_fp_power(64u - a.scale, a.dbl));
    return set_f(c, a.rd, ir_fmul(c->b, n, unit));
}

static bool to_fixed(Ctx *c, form_ffix a, u32 ctl)
{
    Ir *b = c->b;
    Val n = get_bits(c, a.dbl, a.rn), r;

    ctl |= 64u - a.scale;
    ctl |= (a.dbl ? FIX_FROM_F64 : 0) | (a.sf ? FIX_TO_I64 : 0);
    r = IR_CALL(b, &helper_simd_fix_scalar, a.dbl ? n : ir_zext(b, n),
                ir_i32(b, ctl));
    return set_x(c, a.sf, a.rd, a.sf ? r : ir_trunc(b, r));
}

#include "a64_fp.decode.h"

/* Any word of this class traps first, allocated or not. */
bool a64_fp(Ctx *c, u32 w)
{
    if ((w & 0x7e000000) != 0x1e000000) {
        return false;
    }
    return !fp_enabled(c) || a64_fp_decode(c, w);
}
