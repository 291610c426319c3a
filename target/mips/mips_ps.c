/* SPDX-License-Identifier: MIT */
/*
 * MIPS paired single: two 32-bit numbers in a register, with FR = 1.
 * Reference: MIPS volume II-A; volume I-A, 5.3.2.2.  The table is
 * mips_ps.decode.
 *
 * Arithmetic is that of vectors: what is above the pair is zero and stays so,
 * and raises nothing.
 */
#include "target/mips/fpu.h"
#include "mips_ps.forms.h"

#define SIGNS 0x8000000080000000ull

static Val get_pair(Ctx *c, unsigned r)
{
    return ir_get(c->b, S_F0 + r);
}

static bool set_pair(Ctx *c, unsigned r, Val v)
{
    ir_put(c->b, S_F0 + r, v);
    return true;
}

static Val half_of(Ctx *c, unsigned r, unsigned half)
{
    return ir_vget(c->b, L32, get_pair(c, r), half);
}

static bool set_halves(Ctx *c, unsigned r, Val high, Val low)
{
    Val v = ir_deposit(c->b, ir_zext(c->b, low), ir_zext(c->b, high), 32, 32);

    return fpu_set_int(c, r, v);
}

static bool binary_ps(Ctx *c, form_rrr a, IrVec2 *op, FpKind kind)
{
    fpu_begin(c);
    Val v = op(c->b, L32, get_pair(c, a.fs), get_pair(c, a.ft));
    fpu_end(c, (FpuDone) { FP_OP(kind, false, 0) | FP_PAIR,
                           { a.fs, a.ft, -1 } });
    return set_pair(c, a.fd, v);
}

static bool sign_ps(Ctx *c, form_rr a, IrVec2 *op, u64 mask)
{
    return set_pair(c, a.fd, op(c->b, L32, get_pair(c, a.fs),
                                ir_v128(c->b, mask, 0)));
}

/* Rounded after the product too. */
static bool madd_ps(Ctx *c, form_fma a, IrVec2 *op, u32 kind, bool negate)
{
    Val v;

    fpu_begin(c);
    v = ir_vfmul(c->b, L32, get_pair(c, a.fs), get_pair(c, a.ft));
    v = op(c->b, L32, v, get_pair(c, a.fr));
    fpu_end(c, (FpuDone) { FP_OP(kind, false, 0) | FP_PAIR,
                           { a.fs, a.ft, a.fr } });
    if (negate) {
        v = ir_vxor(c->b, L32, v, ir_v128(c->b, SIGNS, 0));
    }
    return set_pair(c, a.fd, v);
}

/* A condition code for each half. */
static bool compare_ps(Ctx *c, form_cmp a)
{
    bool signals = a.cond & 8;
    Val flags[2];

    if (a.cc & 1) {
        return false;
    }
    fpu_begin(c);
    for (unsigned h = 0; h < 2; h++) {
        Val x = ir_bitsof(c->b, F32, half_of(c, a.fs, h));
        Val y = ir_bitsof(c->b, F32, half_of(c, a.ft, h));
        flags[h] = ir_fcmpf(c->b, x, y, signals);
    }
    fpu_end(c, (FpuDone) { FP_OP(FP_CMPF, false, signals) | FP_PAIR,
                           { a.fs, a.ft, -1 } });
    for (unsigned h = 0; h < 2; h++) {
        ir_put(c->b, S_FCC + a.cc + h, fpu_ordered(c, a.cond, flags[h]));
    }
    return true;
}

/* ---- moves -------------------------------------------------------------- */

static bool move_cc_ps(Ctx *c, form_mcc a, Cond cc)
{
    Val half[2];

    for (unsigned h = 0; h < 2; h++) {
        Val code = ir_get(c->b, S_FCC + ((a.cc + h) & 7));
        half[h] = ir_select(c->b, cc, code, ir_i32(c->b, 0),
                            half_of(c, a.fs, h), half_of(c, a.fd, h));
    }
    return set_halves(c, a.fd, half[1], half[0]);
}

static bool move_reg_ps(Ctx *c, form_mreg a, Cond cc)
{
    Val v = ir_select(c->b, cc, get_r(c, a.rt), imm_r(c, 0),
                      fpu_get_int(c, I64, a.fs), fpu_get_int(c, I64, a.fd));

    return fpu_set_int(c, a.fd, v);
}

static bool half_ps(Ctx *c, form_rr a, unsigned half)
{
    return fpu_set_int(c, a.fd, half_of(c, a.fs, half));
}

static bool pair_ps(Ctx *c, form_rrr a, unsigned high, unsigned low)
{
    return set_halves(c, a.fd, half_of(c, a.fs, high), half_of(c, a.ft, low));
}

/* The pair at an address that is a multiple of 4, of the two around it. */
static bool alnv_ps(Ctx *c, form_alnv a)
{
    bool be = c->key & KEY_BE;
    unsigned x = be ? a.fs : a.ft, y = be ? a.ft : a.fs;
    Val high = ir_zext(c->b, half_of(c, x, 0));
    Val low = ir_zext(c->b, half_of(c, y, 1));
    Val across = ir_deposit(c->b, low, high, 32, 32);
    Val odd = ir_and(c->b, get_r(c, a.rs), imm_r(c, 4));

    return fpu_set_int(c, a.fd, ir_select(c->b, NE, odd, imm_r(c, 0), across,
                                          fpu_get_int(c, I64, a.fs)));
}

#include "mips_ps.decode.h"

bool mips_ps(Ctx *c, u32 w)
{
    return has(c, FEAT_PS) && c->key & KEY_FR && mips_ps_decode(c, w);
}
