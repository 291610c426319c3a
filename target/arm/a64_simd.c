/* SPDX-License-Identifier: MIT */
/*
 * A64 Advanced SIMD: the words that its translators share, and the way to
 * them.  Reference: Arm ARM (DDI 0487) C4.1 and C7.2.
 *
 * Common integer forms are vector operations of the IR, permutations are
 * ir_vshuf() with a constant mask; the rest calls helper_simd.c.  Instructions
 * on 64 bits compute on all 128 where nothing can be signalled, and the upper
 * half is cleared on the way out.
 */
#include "target/arm/a64_simd.h"

/* ---- operands ----------------------------------------------------------- */

Val simd_get(Ctx *c, bool q, unsigned r)
{
    return q ? get_v(c, r) : simd_get_scalar(c, L64, r);
}

Val simd_get_scalar(Ctx *c, Lane l, unsigned r)
{
    return ir_vzext(c->b, get_f(c, lane_float(l), r));
}

bool simd_set_scalar(Ctx *c, Lane l, unsigned r, Val v)
{
    if (l >= L32) {
        return set_f(c, r, ir_vlow(c->b, lane_float(l), v));
    }
    return set_v(c, r, ir_vand(c->b, L64, v,
                               ir_v128(c->b, MASK(lane_bits(l)), 0)));
}

Val simd_const(Ir *b, Lane l, u64 v)
{
    u64 all = v & MASK(lane_bits(l));

    for (unsigned width = lane_bits(l); width < 64; width *= 2) {
        all |= all << width;
    }
    return ir_v128(b, all, all);
}

u64 simd_fp_imm(u8 imm8, bool dbl)
{
    u64 sign = imm8 >> 7, top = imm8 >> 6 & 1, low = imm8 & 0x3f;

    return dbl ? sign << 63 | (top ^ 1) << 62 | (top ? 0xffull << 54 : 0) |
                 low << 48
               : sign << 31 | (top ^ 1) << 30 | (top ? 0x1full << 25 : 0) |
                 low << 19;
}

u64 simd_fp_power(unsigned n, bool dbl)
{
    return dbl ? (1023ull - n) << 52 : (127ull - n) << 23;
}

/* ---- moving bytes ------------------------------------------------------- */

Val simd_shuffle(Ir *b, Val x, Val y, const u8 byte[16])
{
    return ir_vshuf(b, x, y, load_le(byte, 8), load_le(byte + 8, 8));
}

Val simd_high(Ir *b, Val v)
{
    return ir_vshuf(b, v, v, 0x0f0e0d0c0b0a0908, 0x8080808080808080);
}

Val simd_half(Ir *b, bool q, Val v)
{
    return q ? simd_high(b, v) : v;
}

Val simd_splat(Ir *b, Lane l, Val v, unsigned i)
{
    u8 byte[16];

    for (unsigned k = 0; k < 16; k++) {
        byte[k] = (u8)(i << l | (k & ((1u << l) - 1)));
    }
    return simd_shuffle(b, v, v, byte);
}

Val simd_unzip(Ir *b, Lane l, bool q, Val v, Val w, unsigned part)
{
    unsigned size = 1u << l, bytes = q ? 16 : 8;
    u8 byte[16];

    for (unsigned k = 0; k < 16; k++) {
        unsigned at = (2 * (k >> l) + part) * size + (k & (size - 1));
        byte[k] = at < bytes ? (u8)at :
                  at < 2 * bytes ? (u8)(16 + at - bytes) : 0x80;
    }
    return simd_shuffle(b, v, w, byte);
}

Val simd_narrow(Ir *b, Lane l, Val v)
{
    return simd_unzip(b, l, true, v, v, 0);
}

bool simd_set_narrow(Ctx *c, bool q, unsigned r, Val v)
{
    if (!q) {
        return set_v64(c, r, v);
    }
    return set_v(c, r, ir_vshuf(c->b, get_v(c, r), v, 0x0706050403020100,
                                0x1716151413121110));
}

/* ---- arithmetic --------------------------------------------------------- */

Val simd_shift_right(Ir *b, Lane l, Val v, unsigned n, bool sign, bool round)
{
    unsigned width = lane_bits(l);
    IrVecImm *shift = sign ? ir_vsar : ir_vshr;
    Val r, half;

    if (n < width) {
        r = shift(b, l, v, n);
    } else {
        r = sign ? ir_vsar(b, l, v, width - 1) : ir_v128(b, 0, 0);
    }
    if (!round) {
        return r;
    }
    half = ir_vand(b, l, ir_vshr(b, l, v, n - 1), simd_const(b, l, 1));
    return ir_vadd(b, l, r, half);
}

Val simd_float_at(Ir *b, Lane l, Val v, unsigned i)
{
    if (i == 0) {
        return ir_vlow(b, lane_float(l), v);
    }
    return ir_bitsof(b, lane_float(l), ir_vget(b, l, v, i));
}

Val simd_with_float(Ir *b, Lane l, Val v, unsigned i, Val x)
{
    return i == 0 ? ir_vzext(b, x)
                  : ir_vins(b, l, v, i, ir_bitsof(b, lane_int(l), x));
}

Val simd_fabs(Ir *b, Lane l, Val x)
{
    return ir_vand(b, l, x, simd_const(b, l, MASK(lane_bits(l) - 1)));
}

Val simd_fneg(Ir *b, Lane l, Val x)
{
    return ir_vxor(b, l, x, simd_const(b, l, BIT(lane_bits(l) - 1)));
}

static Val by_lane(Ir *b, Lane l, Val x, Val y, IrBinary *op)
{
    Val r = { 0 };

    for (unsigned i = 0; i < 16u >> l; i++) {
        Val one = op(b, simd_float_at(b, l, x, i), simd_float_at(b, l, y, i));
        r = simd_with_float(b, l, r, i, one);
    }
    return r;
}

Val simd_fmax(Ir *b, Lane l, Val x, Val y)
{
    return by_lane(b, l, x, y, ir_fmax);
}

Val simd_fmin(Ir *b, Lane l, Val x, Val y)
{
    return by_lane(b, l, x, y, ir_fmin);
}

Val simd_fmaxnm(Ir *b, Lane l, Val x, Val y)
{
    return by_lane(b, l, x, y, ir_fmaxnm);
}

Val simd_fminnm(Ir *b, Lane l, Val x, Val y)
{
    return by_lane(b, l, x, y, ir_fminnm);
}

/* ---- decoding ----------------------------------------------------------- */

/* Any word of this class traps first, allocated or not. */
bool a64_simd(Ctx *c, u32 w)
{
    bool vector = (w & 0x9e000000) == 0x0e000000;
    bool scalar = (w & 0xde000000) == 0x5e000000;

    if (!vector && !scalar) {
        return false;
    }
    return !fp_enabled(c) || a64_simd3(c, w) || a64_simd2(c, w) ||
           a64_simd_elem(c, w) || a64_simd_shift(c, w) ||
           a64_simd_move(c, w) || a64_crypto(c, w);
}
