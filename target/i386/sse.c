/* SPDX-License-Identifier: MIT */
/*
 * SSE to SSE4.2, SSE4A, AES, PCLMULQDQ and SHA with their VEX forms: the
 * words that the translators share, and the tables.
 * SDM volume 2, appendix A; APM volume 4 for SSE4A.
 */
#include "target/i386/sse.h"

/* ---- operands ----------------------------------------------------------- */

Val sse_w(X86Ctx *c, unsigned h)
{
    return x86_get_w(c, h * 16, false);
}

Val sse_lane(X86Ctx *c, Type t, Val v, unsigned n)
{
    if (n == 0 && (t == F32 || t == F64)) {
        return ir_vlow(c->b, t, v);
    }
    Val x = ir_vget(c->b, lane_of(t), v, n);
    return t == F32 || t == F64 ? ir_bitsof(c->b, t, x) : x;
}

Val sse_low(X86Ctx *c, Type t)
{
    if (!is_mem(c)) {
        return sse_lane(c, t, x86_xmm(c, c->rm), 0);
    }
    Val v = x86_load(c, x86_mem(c, size_of(t), false), size_of(t));
    return t == F32 || t == F64 ? ir_bitsof(c->b, t, v) : v;
}

Val sse_part(X86Ctx *c, unsigned bytes)
{
    if (!is_mem(c)) {
        return x86_xmm(c, c->rm);
    }
    Val v = x86_load(c, x86_mem(c, bytes, false), bytes);
    if (bytes == 16) {
        return v;
    }
    return ir_vpair(c->b, bytes == 8 ? v : ir_zext(c->b, v), ir_i64(c->b, 0));
}

Val sse_mem(X86Ctx *c, unsigned size, bool write, bool align)
{
    Val addr = x86_mem(c, size, write);

    if (align) {
        Val low = ir_and(c->b, ir_trunc(c->b, addr), ir_i32(c->b, size - 1));
        x86_raise_if(c, low, X_GP, 0);
    }
    return addr;
}

bool sse_set(X86Ctx *c, unsigned n, Wide w)
{
    if (sse_halves(c) == 2) {
        x86_set_ymm(c, n, w.v[0], w.v[1]);
    } else {
        x86_set_xmm(c, n, w.v[0]);
    }
    return true;
}

bool sse_set1(X86Ctx *c, Val v)
{
    x86_set_xmm(c, c->reg, v);
    return true;
}

Val sse_ins(X86Ctx *c, Val v, unsigned n, Val f)
{
    Type t = ir_type(c->b, f);
    Val x = t == F32 || t == F64 ? ir_bitsof(c->b, int_of(t), f) : f;

    return ir_vins(c->b, lane_of(t), v, n, x);
}

bool sse_set_low(X86Ctx *c, Val f)
{
    return sse_set1(c, sse_ins(c, sse_src1(c, 0), 0, f));
}

void sse_fbegin(X86Ctx *c)
{
    if (c->key & KEY_FP_SOFT) {
        IR_CALL(c->b, &helper_sse_begin);
    }
}

void sse_fend(X86Ctx *c)
{
    if (c->key & KEY_FP_SOFT) {
        IR_CALL(c->b, &helper_sse_end);
    }
}

static Wide binary(X86Ctx *c, IrVec2 *op)
{
    Wide w = { { { 0 } } }, x = w;
    Lane l = (Lane)(c->row->arg & 3);

    for (unsigned h = 0; h < sse_halves(c); h++) {
        x.v[h] = sse_w(c, h);
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = op(c->b, l, sse_src1(c, h), x.v[h]);
    }
    return w;
}

static Wide unary(X86Ctx *c, IrVec1 *op)
{
    Wide w = { { { 0 } } };
    Lane l = (Lane)(c->row->arg & 3);

    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_w(c, h);
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = op(c->b, l, w.v[h]);
    }
    return w;
}

bool sse_binary(X86Ctx *c, IrVec2 *op)
{
    if (is_mmx(c)) {
        Val zero = ir_i64(c->b, 0);
        Val y = ir_vpair(c->b, mmx_q(c, 8), zero);
        Val x = ir_vpair(c->b, mmx_get(c, c->reg), zero);
        Val r = op(c->b, (Lane)(c->row->arg & 3), x, y);
        return mmx_set(c, c->reg, ir_vget(c->b, L64, r, 0));
    }
    return sse_set(c, c->reg, binary(c, op));
}

bool sse_unary(X86Ctx *c, IrVec1 *op)
{
    if (is_mmx(c)) {
        Val x = ir_vpair(c->b, mmx_q(c, 8), ir_i64(c->b, 0));
        Val r = op(c->b, (Lane)(c->row->arg & 3), x);
        return mmx_set(c, c->reg, ir_vget(c->b, L64, r, 0));
    }
    return sse_set(c, c->reg, unary(c, op));
}

bool sse_fbinary(X86Ctx *c, IrVec2 *op)
{
    sse_fbegin(c);
    Wide w = binary(c, op);
    sse_fend(c);
    return sse_set(c, c->reg, w);
}

bool sse_funary(X86Ctx *c, IrVec1 *op)
{
    sse_fbegin(c);
    Wide w = unary(c, op);
    sse_fend(c);
    return sse_set(c, c->reg, w);
}

/* ---- constants and shuffles --------------------------------------------- */

Val sse_splat(X86Ctx *c, Lane l, u64 x)
{
    for (unsigned n = 8u << l; n < 64; n *= 2) {
        x = (x & MASK(n)) | x << n;
    }
    return ir_v128(c->b, x, x);
}

Val sse_const(X86Ctx *c, const u8 mask[16])
{
    return ir_v128(c->b, load_le(mask, 8), load_le(mask + 8, 8));
}

Val sse_not(Ir *b, Val v)
{
    return ir_vxor(b, L64, v, ir_v128(b, ~0ull, ~0ull));
}

Val sse_pick(Ir *b, Lane l, Val x, Val y, const u8 *lanes)
{
    u8 mask[16];

    for (unsigned i = 0; i < 16; i++) {
        u8 lane = lanes[i >> l];
        mask[i] = lane == ZERO_LANE ? 0x80
                : (u8)(lane << l | (i & ((1u << l) - 1)));
    }
    return ir_vshuf(b, x, y, load_le(mask, 8), load_le(mask + 8, 8));
}

Val sse_unzip(Ir *b, Lane l, Val x, Val y, unsigned odd)
{
    u8 lanes[16];

    for (unsigned i = 0; i < 16u >> l; i++) {
        lanes[i] = (u8)(2 * i + odd);
    }
    return sse_pick(b, l, x, y, lanes);
}

Val sse_blend(Ir *b, Val mask, Val x, Val y)
{
    return ir_vor(b, L64, ir_vand(b, L64, x, mask), ir_vandn(b, L64, y, mask));
}

/* ---- the tables --------------------------------------------------------- */

const X86Row x86_sse_0f[] = {
    SSE(0x10, NP, "MOVUPS", "Vx,Wx", sse_mov_load, 0, SVN, F_SSE),
    SSE(0x10, P66, "MOVUPD", "Vx,Wx", sse_mov_load, 0, SVN, F_SSE2),
    SSE(0x10, PF3, "MOVSS", "Vx,Md", sse_movs_load, L32, SVN | X_MEM, F_SSE),
    SSE(0x10, PF3, "MOVSS", "Vx,Hx,Ud", sse_movs_load, L32, SV | X_REG, F_SSE),
    SSE(0x10, PF2, "MOVSD", "Vx,Mq", sse_movs_load, L64, SVN | X_MEM, F_SSE2),
    SSE(0x10, PF2, "MOVSD", "Vx,Hx,Uq", sse_movs_load, L64, SV | X_REG, F_SSE2),
    SSE(0x11, NP, "MOVUPS", "Wx,Vx", sse_mov_store, 0, SVN, F_SSE),
    SSE(0x11, P66, "MOVUPD", "Wx,Vx", sse_mov_store, 0, SVN, F_SSE2),
    SSE(0x11, PF3, "MOVSS", "Md,Vd", sse_movs_store, L32, SVN | X_MEM, F_SSE),
    SSE(0x11, PF3, "MOVSS", "Ud,Hx,Vd", sse_movs_store, L32, SV | X_REG, F_SSE),
    SSE(0x11, PF2, "MOVSD", "Mq,Vq", sse_movs_store, L64, SVN | X_MEM, F_SSE2),
    SSE(0x11, PF2, "MOVSD", "Uq,Hx,Vq", sse_movs_store, L64, SV | X_REG, F_SSE2),
    SSE(0x12, NP, "MOVLPS", "Vx,Hx,Wq", sse_movlps, 0, SV0, F_SSE),
    SSE(0x12, P66, "MOVLPD", "Vx,Hx,Mq", sse_movlps, 0, SV0 | X_MEM, F_SSE2),
    SSE(0x12, PF3, "MOVSLDUP", "Vx,Wx", sse_movsxdup, L32, SVN, F_SSE3),
    SSE(0x12, PF2, "MOVDDUP", "Vx,Wx", sse_movdup, 0, SVN, F_SSE3),
    SSE(0x13, NP, "MOVLPS", "Mq,Vq", sse_store_lane, 0, SVN0 | X_MEM, F_SSE),
    SSE(0x13, P66, "MOVLPD", "Mq,Vq", sse_store_lane, 0, SVN0 | X_MEM, F_SSE2),
    SSE(0x14, NP, "UNPCKLPS", "Vx,Hx,Wx", sse_unpackl, L32, SV, F_SSE),
    SSE(0x14, P66, "UNPCKLPD", "Vx,Hx,Wx", sse_unpackl, L64, SV, F_SSE2),
    SSE(0x15, NP, "UNPCKHPS", "Vx,Hx,Wx", sse_unpackh, L32, SV, F_SSE),
    SSE(0x15, P66, "UNPCKHPD", "Vx,Hx,Wx", sse_unpackh, L64, SV, F_SSE2),
    SSE(0x16, NP, "MOVHPS", "Vx,Hx,Wq", sse_movhps, 0, SV0, F_SSE),
    SSE(0x16, P66, "MOVHPD", "Vx,Hx,Mq", sse_movhps, 0, SV0 | X_MEM, F_SSE2),
    SSE(0x16, PF3, "MOVSHDUP", "Vx,Wx", sse_movsxdup, 4 | L32, SVN, F_SSE3),
    SSE(0x17, NP, "MOVHPS", "Mq,Vq", sse_store_lane, 1, SVN0 | X_MEM, F_SSE),
    SSE(0x17, P66, "MOVHPD", "Mq,Vq", sse_store_lane, 1, SVN0 | X_MEM, F_SSE2),
    SSE(0x28, NP, "MOVAPS", "Vx,Wx", sse_mov_load, 1, SVN, F_SSE),
    SSE(0x28, P66, "MOVAPD", "Vx,Wx", sse_mov_load, 1, SVN, F_SSE2),
    SSE(0x29, NP, "MOVAPS", "Wx,Vx", sse_mov_store, 1, SVN, F_SSE),
    SSE(0x29, P66, "MOVAPD", "Wx,Vx", sse_mov_store, 1, SVN, F_SSE2),
    SSE(0x2a, NP, "CVTPI2PS", "Vx,Qq", sse_cvt_from_mmx, L32, S_ | X_MMX, F_SSE),
    SSE(0x2a, P66, "CVTPI2PD", "Vx,Qq", sse_cvt_from_mmx, L64, S_ | X_MMX, F_SSE2),
    SSE(0x2a, PF3, "CVTSI2SS", "Vx,Hx,Ey", sse_cvt_from_int, L32, SV, F_SSE),
    SSE(0x2a, PF2, "CVTSI2SD", "Vx,Hx,Ey", sse_cvt_from_int, L64, SV, F_SSE2),
    SSE(0x2b, NP, "MOVNTPS", "Mx,Vx", sse_mov_store, 1, SVN | X_MEM, F_SSE),
    SSE(0x2b, P66, "MOVNTPD", "Mx,Vx", sse_mov_store, 1, SVN | X_MEM, F_SSE2),
    SSE(0x2b, PF3, "MOVNTSS", "Md,Vd", sse_movs_store, L32, S_ | X_MEM, F_SSE4A),
    SSE(0x2b, PF2, "MOVNTSD", "Mq,Vq", sse_movs_store, L64, S_ | X_MEM, F_SSE4A),
    SSE(0x2c, NP, "CVTTPS2PI", "Pq,Wq", sse_cvt_to_mmx, L32 | CVT_TRUNC, S_ | X_MMX, F_SSE),
    SSE(0x2c, P66, "CVTTPD2PI", "Pq,Wx", sse_cvt_to_mmx, L64 | CVT_TRUNC, S_ | X_MMX, F_SSE2),
    SSE(0x2c, PF3, "CVTTSS2SI", "Gy,Wd", sse_cvt_to_int, L32 | CVT_TRUNC, SVN, F_SSE),
    SSE(0x2c, PF2, "CVTTSD2SI", "Gy,Wq", sse_cvt_to_int, L64 | CVT_TRUNC, SVN, F_SSE2),
    SSE(0x2d, NP, "CVTPS2PI", "Pq,Wq", sse_cvt_to_mmx, L32, S_ | X_MMX, F_SSE),
    SSE(0x2d, P66, "CVTPD2PI", "Pq,Wx", sse_cvt_to_mmx, L64, S_ | X_MMX, F_SSE2),
    SSE(0x2d, PF3, "CVTSS2SI", "Gy,Wd", sse_cvt_to_int, L32, SVN, F_SSE),
    SSE(0x2d, PF2, "CVTSD2SI", "Gy,Wq", sse_cvt_to_int, L64, SVN, F_SSE2),
    SSE(0x2e, NP, "UCOMISS", "Vd,Wd", sse_comi, L32 | COMI_QUIET, SVN, F_SSE),
    SSE(0x2e, P66, "UCOMISD", "Vq,Wq", sse_comi, L64 | COMI_QUIET, SVN, F_SSE2),
    SSE(0x2f, NP, "COMISS", "Vd,Wd", sse_comi, L32, SVN, F_SSE),
    SSE(0x2f, P66, "COMISD", "Vq,Wq", sse_comi, L64, SVN, F_SSE2),
    SSE(0x50, NP, "MOVMSKPS", "Gy,Ux", sse_movmsk, L32, SVN | X_REG, F_SSE),
    SSE(0x50, P66, "MOVMSKPD", "Gy,Ux", sse_movmsk, L64, SVN | X_REG, F_SSE2),
    SSE(0x51, NP, "SQRTPS", "Vx,Wx", sse_sqrt, L32, SVN, F_SSE),
    SSE(0x51, P66, "SQRTPD", "Vx,Wx", sse_sqrt, L64, SVN, F_SSE2),
    SSE(0x51, PF3, "SQRTSS", "Vx,Hx,Wd", sse_sqrt, L32 | SCALAR, SV, F_SSE),
    SSE(0x51, PF2, "SQRTSD", "Vx,Hx,Wq", sse_sqrt, L64 | SCALAR, SV, F_SSE2),
    SSE(0x52, NP, "RSQRTPS", "Vx,Wx", sse_rsqrt, L32, SVN, F_SSE),
    SSE(0x52, PF3, "RSQRTSS", "Vx,Hx,Wd", sse_rsqrt, L32 | SCALAR, SV, F_SSE),
    SSE(0x53, NP, "RCPPS", "Vx,Wx", sse_rcp, L32, SVN, F_SSE),
    SSE(0x53, PF3, "RCPSS", "Vx,Hx,Wd", sse_rcp, L32 | SCALAR, SV, F_SSE),
    SSE(0x54, NP, "ANDPS", "Vx,Hx,Wx", sse_pand, 0, SV, F_SSE),
    SSE(0x54, P66, "ANDPD", "Vx,Hx,Wx", sse_pand, 0, SV, F_SSE2),
    SSE(0x55, NP, "ANDNPS", "Vx,Hx,Wx", sse_pandn, 0, SV, F_SSE),
    SSE(0x55, P66, "ANDNPD", "Vx,Hx,Wx", sse_pandn, 0, SV, F_SSE2),
    SSE(0x56, NP, "ORPS", "Vx,Hx,Wx", sse_por, 0, SV, F_SSE),
    SSE(0x56, P66, "ORPD", "Vx,Hx,Wx", sse_por, 0, SV, F_SSE2),
    SSE(0x57, NP, "XORPS", "Vx,Hx,Wx", sse_pxor, 0, SV, F_SSE),
    SSE(0x57, P66, "XORPD", "Vx,Hx,Wx", sse_pxor, 0, SV, F_SSE2),
    SSE(0x58, NP, "ADDPS", "Vx,Hx,Wx", sse_add, L32, SV, F_SSE),
    SSE(0x58, P66, "ADDPD", "Vx,Hx,Wx", sse_add, L64, SV, F_SSE2),
    SSE(0x58, PF3, "ADDSS", "Vx,Hx,Wd", sse_add, L32 | SCALAR, SV, F_SSE),
    SSE(0x58, PF2, "ADDSD", "Vx,Hx,Wq", sse_add, L64 | SCALAR, SV, F_SSE2),
    SSE(0x59, NP, "MULPS", "Vx,Hx,Wx", sse_mul, L32, SV, F_SSE),
    SSE(0x59, P66, "MULPD", "Vx,Hx,Wx", sse_mul, L64, SV, F_SSE2),
    SSE(0x59, PF3, "MULSS", "Vx,Hx,Wd", sse_mul, L32 | SCALAR, SV, F_SSE),
    SSE(0x59, PF2, "MULSD", "Vx,Hx,Wq", sse_mul, L64 | SCALAR, SV, F_SSE2),
    SSE(0x5a, NP, "CVTPS2PD", "Vx,Wx", sse_cvt_ps2pd, 0, SVN, F_SSE2),
    SSE(0x5a, P66, "CVTPD2PS", "Vx,Wx", sse_cvt_pd2ps, 0, SVN, F_SSE2),
    SSE(0x5a, PF3, "CVTSS2SD", "Vx,Hx,Wd", sse_cvt_f, L32, SV, F_SSE2),
    SSE(0x5a, PF2, "CVTSD2SS", "Vx,Hx,Wq", sse_cvt_f, L64, SV, F_SSE2),
    SSE(0x5b, NP, "CVTDQ2PS", "Vx,Wx", sse_cvt_dq2ps, 0, SVN, F_SSE2),
    SSE(0x5b, P66, "CVTPS2DQ", "Vx,Wx", sse_cvt_ps2dq, 0, SVN, F_SSE2),
    SSE(0x5b, PF3, "CVTTPS2DQ", "Vx,Wx", sse_cvt_ps2dq, CVT_TRUNC, SVN, F_SSE2),
    SSE(0x5c, NP, "SUBPS", "Vx,Hx,Wx", sse_sub, L32, SV, F_SSE),
    SSE(0x5c, P66, "SUBPD", "Vx,Hx,Wx", sse_sub, L64, SV, F_SSE2),
    SSE(0x5c, PF3, "SUBSS", "Vx,Hx,Wd", sse_sub, L32 | SCALAR, SV, F_SSE),
    SSE(0x5c, PF2, "SUBSD", "Vx,Hx,Wq", sse_sub, L64 | SCALAR, SV, F_SSE2),
    SSE(0x5d, NP, "MINPS", "Vx,Hx,Wx", sse_min, L32, SV, F_SSE),
    SSE(0x5d, P66, "MINPD", "Vx,Hx,Wx", sse_min, L64, SV, F_SSE2),
    SSE(0x5d, PF3, "MINSS", "Vx,Hx,Wd", sse_min, L32 | SCALAR, SV, F_SSE),
    SSE(0x5d, PF2, "MINSD", "Vx,Hx,Wq", sse_min, L64 | SCALAR, SV, F_SSE2),
    SSE(0x5e, NP, "DIVPS", "Vx,Hx,Wx", sse_div, L32, SV, F_SSE),
    SSE(0x5e, P66, "DIVPD", "Vx,Hx,Wx", sse_div, L64, SV, F_SSE2),
    SSE(0x5e, PF3, "DIVSS", "Vx,Hx,Wd", sse_div, L32 | SCALAR, SV, F_SSE),
    SSE(0x5e, PF2, "DIVSD", "Vx,Hx,Wq", sse_div, L64 | SCALAR, SV, F_SSE2),
    SSE(0x5f, NP, "MAXPS", "Vx,Hx,Wx", sse_max, L32, SV, F_SSE),
    SSE(0x5f, P66, "MAXPD", "Vx,Hx,Wx", sse_max, L64, SV, F_SSE2),
    SSE(0x5f, PF3, "MAXSS", "Vx,Hx,Wd", sse_max, L32 | SCALAR, SV, F_SSE),
    SSE(0x5f, PF2, "MAXSD", "Vx,Hx,Wq", sse_max, L64 | SCALAR, SV, F_SSE2),
    SSE(0x60, P66, "PUNPCKLBW", "Vx,Hx,Wx", sse_unpackl, L8, SVI, F_SSE2),
    SSE(0x61, P66, "PUNPCKLWD", "Vx,Hx,Wx", sse_unpackl, L16, SVI, F_SSE2),
    SSE(0x62, P66, "PUNPCKLDQ", "Vx,Hx,Wx", sse_unpackl, L32, SVI, F_SSE2),
    SSE(0x63, P66, "PACKSSWB", "Vx,Hx,Wx", sse_packs, L16, SVI, F_SSE2),
    SSE(0x64, P66, "PCMPGTB", "Vx,Hx,Wx", sse_pcmpgt, L8, SVI, F_SSE2),
    SSE(0x65, P66, "PCMPGTW", "Vx,Hx,Wx", sse_pcmpgt, L16, SVI, F_SSE2),
    SSE(0x66, P66, "PCMPGTD", "Vx,Hx,Wx", sse_pcmpgt, L32, SVI, F_SSE2),
    SSE(0x67, P66, "PACKUSWB", "Vx,Hx,Wx", sse_packus, L16, SVI, F_SSE2),
    SSE(0x68, P66, "PUNPCKHBW", "Vx,Hx,Wx", sse_unpackh, L8, SVI, F_SSE2),
    SSE(0x69, P66, "PUNPCKHWD", "Vx,Hx,Wx", sse_unpackh, L16, SVI, F_SSE2),
    SSE(0x6a, P66, "PUNPCKHDQ", "Vx,Hx,Wx", sse_unpackh, L32, SVI, F_SSE2),
    SSE(0x6b, P66, "PACKSSDW", "Vx,Hx,Wx", sse_packs, L32, SVI, F_SSE2),
    SSE(0x6c, P66, "PUNPCKLQDQ", "Vx,Hx,Wx", sse_unpackl, L64, SVI, F_SSE2),
    SSE(0x6d, P66, "PUNPCKHQDQ", "Vx,Hx,Wx", sse_unpackh, L64, SVI, F_SSE2),
    SSE(0x6e, P66, "MOVD", "Vx,Ey", sse_movd, 0, SVN0, F_SSE2),
    SSE(0x6f, P66, "MOVDQA", "Vx,Wx", sse_mov_load, 1, SVN, F_SSE2),
    SSE(0x6f, PF3, "MOVDQU", "Vx,Wx", sse_mov_load, 0, SVN, F_SSE2),
    SSE(0x70, P66, "PSHUFD", "Vx,Wx,Ib", sse_pshufd, 0, SVIN, F_SSE2),
    SSE(0x70, PF3, "PSHUFHW", "Vx,Wx,Ib", sse_pshufw, 4, SVIN, F_SSE2),
    SSE(0x70, PF2, "PSHUFLW", "Vx,Wx,Ib", sse_pshufw, 0, SVIN, F_SSE2),
    SSEG(0x71, P66, 2, "PSRLW", "Hx,Ux,Ib", sse_shift_imm, SHIFT_RIGHT | L16, SVI | X_REG, F_SSE2),
    SSEG(0x71, P66, 4, "PSRAW", "Hx,Ux,Ib", sse_shift_imm, SHIFT_ARITH | L16, SVI | X_REG, F_SSE2),
    SSEG(0x71, P66, 6, "PSLLW", "Hx,Ux,Ib", sse_shift_imm, SHIFT_LEFT | L16, SVI | X_REG, F_SSE2),
    SSEG(0x72, P66, 2, "PSRLD", "Hx,Ux,Ib", sse_shift_imm, SHIFT_RIGHT | L32, SVI | X_REG, F_SSE2),
    SSEG(0x72, P66, 4, "PSRAD", "Hx,Ux,Ib", sse_shift_imm, SHIFT_ARITH | L32, SVI | X_REG, F_SSE2),
    SSEG(0x72, P66, 6, "PSLLD", "Hx,Ux,Ib", sse_shift_imm, SHIFT_LEFT | L32, SVI | X_REG, F_SSE2),
    SSEG(0x73, P66, 2, "PSRLQ", "Hx,Ux,Ib", sse_shift_imm, SHIFT_RIGHT | L64, SVI | X_REG, F_SSE2),
    SSEG(0x73, P66, 3, "PSRLDQ", "Hx,Ux,Ib", sse_shift_bytes, 0, SVI | X_REG, F_SSE2),
    SSEG(0x73, P66, 6, "PSLLQ", "Hx,Ux,Ib", sse_shift_imm, SHIFT_LEFT | L64, SVI | X_REG, F_SSE2),
    SSEG(0x73, P66, 7, "PSLLDQ", "Hx,Ux,Ib", sse_shift_bytes, 1, SVI | X_REG, F_SSE2),
    SSE(0x74, P66, "PCMPEQB", "Vx,Hx,Wx", sse_pcmpeq, L8, SVI, F_SSE2),
    SSE(0x75, P66, "PCMPEQW", "Vx,Hx,Wx", sse_pcmpeq, L16, SVI, F_SSE2),
    SSE(0x76, P66, "PCMPEQD", "Vx,Hx,Wx", sse_pcmpeq, L32, SVI, F_SSE2),
    SSEG(0x78, P66, 0, "EXTRQ", "Ux,Ib,Ib", sse_extrq, 1, S_ | X_REG, F_SSE4A),
    SSE(0x78, PF2, "INSERTQ", "Vx,Ux,Ib,Ib", sse_insertq, 1, S_ | X_REG, F_SSE4A),
    SSE(0x79, P66, "EXTRQ", "Vx,Ux", sse_extrq, 0, S_ | X_REG, F_SSE4A),
    SSE(0x79, PF2, "INSERTQ", "Vx,Ux", sse_insertq, 0, S_ | X_REG, F_SSE4A),
    SSE(0x7c, P66, "HADDPD", "Vx,Hx,Wx", sse_hadd, L64, SV, F_SSE3),
    SSE(0x7c, PF2, "HADDPS", "Vx,Hx,Wx", sse_hadd, L32, SV, F_SSE3),
    SSE(0x7d, P66, "HSUBPD", "Vx,Hx,Wx", sse_hsub, L64, SV, F_SSE3),
    SSE(0x7d, PF2, "HSUBPS", "Vx,Hx,Wx", sse_hsub, L32, SV, F_SSE3),
    SSE(0x7e, P66, "MOVD", "Ey,Vx", sse_movd_store, 0, SVN0, F_SSE2),
    SSE(0x7e, PF3, "MOVQ", "Vx,Wq", sse_movq, 0, SVN0, F_SSE2),
    SSE(0x7f, P66, "MOVDQA", "Wx,Vx", sse_mov_store, 1, SVN, F_SSE2),
    SSE(0x7f, PF3, "MOVDQU", "Wx,Vx", sse_mov_store, 0, SVN, F_SSE2),
    SSEG(0xae, NP, 2, "LDMXCSR", "Md", sse_mxcsr_load, 0, SVN0 | X_MEM, F_SSE),
    SSEG(0xae, NP, 3, "STMXCSR", "Md", sse_mxcsr_store, 0, SVN0 | X_MEM, F_SSE),
    SSE(0xc2, NP, "CMPPS", "Vx,Hx,Wx,Ib", sse_cmp, L32, SV, F_SSE),
    SSE(0xc2, P66, "CMPPD", "Vx,Hx,Wx,Ib", sse_cmp, L64, SV, F_SSE2),
    SSE(0xc2, PF3, "CMPSS", "Vx,Hx,Wd,Ib", sse_cmp, L32 | SCALAR, SV, F_SSE),
    SSE(0xc2, PF2, "CMPSD", "Vx,Hx,Wq,Ib", sse_cmp, L64 | SCALAR, SV, F_SSE2),
    SSE(0xc3, NP, "MOVNTI", "My,Gy", sse_movnti, 0, X_MEM, F_SSE2),
    SSE(0xc4, P66, "PINSRW", "Vx,Hx,Ew,Ib", sse_insert, L16, SV0, F_SSE2),
    SSE(0xc5, P66, "PEXTRW", "Gd,Ux,Ib", sse_pextrw, 0, SVN0 | X_REG, F_SSE2),
    SSE(0xc6, NP, "SHUFPS", "Vx,Hx,Wx,Ib", sse_shufps, 0, SV, F_SSE),
    SSE(0xc6, P66, "SHUFPD", "Vx,Hx,Wx,Ib", sse_shufpd, 0, SV, F_SSE2),
    SSE(0xd0, P66, "ADDSUBPD", "Vx,Hx,Wx", sse_addsub, L64, SV, F_SSE3),
    SSE(0xd0, PF2, "ADDSUBPS", "Vx,Hx,Wx", sse_addsub, L32, SV, F_SSE3),
    SSE(0xd1, P66, "PSRLW", "Vx,Hx,Wx", sse_shift, SHIFT_RIGHT | L16, SVI, F_SSE2),
    SSE(0xd2, P66, "PSRLD", "Vx,Hx,Wx", sse_shift, SHIFT_RIGHT | L32, SVI, F_SSE2),
    SSE(0xd3, P66, "PSRLQ", "Vx,Hx,Wx", sse_shift, SHIFT_RIGHT | L64, SVI, F_SSE2),
    SSE(0xd4, P66, "PADDQ", "Vx,Hx,Wx", sse_padd, L64, SVI, F_SSE2),
    SSE(0xd5, P66, "PMULLW", "Vx,Hx,Wx", sse_pmull, L16, SVI, F_SSE2),
    SSE(0xd6, P66, "MOVQ", "Wq,Vq", sse_movq_store, 0, SVN0, F_SSE2),
    SSE(0xd6, PF3, "MOVQ2DQ", "Vx,Nq", sse_movq2dq, 0, S_ | X_MMX | X_REG, F_SSE2),
    SSE(0xd6, PF2, "MOVDQ2Q", "Pq,Uq", sse_movdq2q, 0, S_ | X_MMX | X_REG, F_SSE2),
    SSE(0xd7, P66, "PMOVMSKB", "Gd,Ux", sse_pmovmskb, 0, SVIN | X_REG, F_SSE2),
    SSE(0xd8, P66, "PSUBUSB", "Vx,Hx,Wx", sse_psubus, L8, SVI, F_SSE2),
    SSE(0xd9, P66, "PSUBUSW", "Vx,Hx,Wx", sse_psubus, L16, SVI, F_SSE2),
    SSE(0xda, P66, "PMINUB", "Vx,Hx,Wx", sse_pminu, L8, SVI, F_SSE2),
    SSE(0xdb, P66, "PAND", "Vx,Hx,Wx", sse_pand, 0, SVI, F_SSE2),
    SSE(0xdc, P66, "PADDUSB", "Vx,Hx,Wx", sse_paddus, L8, SVI, F_SSE2),
    SSE(0xdd, P66, "PADDUSW", "Vx,Hx,Wx", sse_paddus, L16, SVI, F_SSE2),
    SSE(0xde, P66, "PMAXUB", "Vx,Hx,Wx", sse_pmaxu, L8, SVI, F_SSE2),
    SSE(0xdf, P66, "PANDN", "Vx,Hx,Wx", sse_pandn, 0, SVI, F_SSE2),
    SSE(0xe0, P66, "PAVGB", "Vx,Hx,Wx", sse_pavg, L8, SVI, F_SSE2),
    SSE(0xe1, P66, "PSRAW", "Vx,Hx,Wx", sse_shift, SHIFT_ARITH | L16, SVI, F_SSE2),
    SSE(0xe2, P66, "PSRAD", "Vx,Hx,Wx", sse_shift, SHIFT_ARITH | L32, SVI, F_SSE2),
    SSE(0xe3, P66, "PAVGW", "Vx,Hx,Wx", sse_pavg, L16, SVI, F_SSE2),
    SSE(0xe4, P66, "PMULHUW", "Vx,Hx,Wx", sse_pmulhu, L16, SVI, F_SSE2),
    SSE(0xe5, P66, "PMULHW", "Vx,Hx,Wx", sse_pmulh, L16, SVI, F_SSE2),
    SSE(0xe6, P66, "CVTTPD2DQ", "Vx,Wx", sse_cvt_pd2dq, CVT_TRUNC, SVN, F_SSE2),
    SSE(0xe6, PF3, "CVTDQ2PD", "Vx,Wx", sse_cvt_dq2pd, 0, SVN, F_SSE2),
    SSE(0xe6, PF2, "CVTPD2DQ", "Vx,Wx", sse_cvt_pd2dq, 0, SVN, F_SSE2),
    SSE(0xe7, P66, "MOVNTDQ", "Mx,Vx", sse_mov_store, 1, SVN | X_MEM, F_SSE2),
    SSE(0xe8, P66, "PSUBSB", "Vx,Hx,Wx", sse_psubs, L8, SVI, F_SSE2),
    SSE(0xe9, P66, "PSUBSW", "Vx,Hx,Wx", sse_psubs, L16, SVI, F_SSE2),
    SSE(0xea, P66, "PMINSW", "Vx,Hx,Wx", sse_pmins, L16, SVI, F_SSE2),
    SSE(0xeb, P66, "POR", "Vx,Hx,Wx", sse_por, 0, SVI, F_SSE2),
    SSE(0xec, P66, "PADDSB", "Vx,Hx,Wx", sse_padds, L8, SVI, F_SSE2),
    SSE(0xed, P66, "PADDSW", "Vx,Hx,Wx", sse_padds, L16, SVI, F_SSE2),
    SSE(0xee, P66, "PMAXSW", "Vx,Hx,Wx", sse_pmaxs, L16, SVI, F_SSE2),
    SSE(0xef, P66, "PXOR", "Vx,Hx,Wx", sse_pxor, 0, SVI, F_SSE2),
    SSE(0xf0, PF2, "LDDQU", "Vx,Mx", sse_mov_load, 0, SVN | X_MEM, F_SSE3),
    SSE(0xf1, P66, "PSLLW", "Vx,Hx,Wx", sse_shift, SHIFT_LEFT | L16, SVI, F_SSE2),
    SSE(0xf2, P66, "PSLLD", "Vx,Hx,Wx", sse_shift, SHIFT_LEFT | L32, SVI, F_SSE2),
    SSE(0xf3, P66, "PSLLQ", "Vx,Hx,Wx", sse_shift, SHIFT_LEFT | L64, SVI, F_SSE2),
    SSE(0xf4, P66, "PMULUDQ", "Vx,Hx,Wx", sse_pmuludq, L32, SVI, F_SSE2),
    SSE(0xf5, P66, "PMADDWD", "Vx,Hx,Wx", sse_pmaddwd, L16, SVI, F_SSE2),
    SSE(0xf6, P66, "PSADBW", "Vx,Hx,Wx", sse_psadbw, L8, SVI, F_SSE2),
    SSE(0xf7, P66, "MASKMOVDQU", "Vx,Ux", sse_maskmov, 0, SVN0 | X_REG, F_SSE2),
    SSE(0xf8, P66, "PSUBB", "Vx,Hx,Wx", sse_psub, L8, SVI, F_SSE2),
    SSE(0xf9, P66, "PSUBW", "Vx,Hx,Wx", sse_psub, L16, SVI, F_SSE2),
    SSE(0xfa, P66, "PSUBD", "Vx,Hx,Wx", sse_psub, L32, SVI, F_SSE2),
    SSE(0xfb, P66, "PSUBQ", "Vx,Hx,Wx", sse_psub, L64, SVI, F_SSE2),
    SSE(0xfc, P66, "PADDB", "Vx,Hx,Wx", sse_padd, L8, SVI, F_SSE2),
    SSE(0xfd, P66, "PADDW", "Vx,Hx,Wx", sse_padd, L16, SVI, F_SSE2),
    SSE(0xfe, P66, "PADDD", "Vx,Hx,Wx", sse_padd, L32, SVI, F_SSE2),
    { 0 }
};

const X86Row x86_sse_0f38[] = {
    SSE(0x00, P66, "PSHUFB", "Vx,Hx,Wx", sse_pshufb, 0, SVI, F_SSSE3),
    SSE(0x01, P66, "PHADDW", "Vx,Hx,Wx", sse_phadd, L16, SVI, F_SSSE3),
    SSE(0x02, P66, "PHADDD", "Vx,Hx,Wx", sse_phadd, L32, SVI, F_SSSE3),
    SSE(0x03, P66, "PHADDSW", "Vx,Hx,Wx", sse_phadds, L16, SVI, F_SSSE3),
    SSE(0x04, P66, "PMADDUBSW", "Vx,Hx,Wx", sse_pmaddubsw, 0, SVI, F_SSSE3),
    SSE(0x05, P66, "PHSUBW", "Vx,Hx,Wx", sse_phsub, L16, SVI, F_SSSE3),
    SSE(0x06, P66, "PHSUBD", "Vx,Hx,Wx", sse_phsub, L32, SVI, F_SSSE3),
    SSE(0x07, P66, "PHSUBSW", "Vx,Hx,Wx", sse_phsubs, L16, SVI, F_SSSE3),
    SSE(0x08, P66, "PSIGNB", "Vx,Hx,Wx", sse_psign, L8, SVI, F_SSSE3),
    SSE(0x09, P66, "PSIGNW", "Vx,Hx,Wx", sse_psign, L16, SVI, F_SSSE3),
    SSE(0x0a, P66, "PSIGND", "Vx,Hx,Wx", sse_psign, L32, SVI, F_SSSE3),
    SSE(0x0b, P66, "PMULHRSW", "Vx,Hx,Wx", sse_pmulhrs, 0, SVI, F_SSSE3),
    SSE(0x10, P66, "PBLENDVB", "Vx,Wx", sse_blendv, L8, S_, F_SSE41),
    SSE(0x14, P66, "BLENDVPS", "Vx,Wx", sse_blendv, L32, S_, F_SSE41),
    SSE(0x15, P66, "BLENDVPD", "Vx,Wx", sse_blendv, L64, S_, F_SSE41),
    SSE(0x17, P66, "PTEST", "Vx,Wx", sse_ptest, L8, SVN, F_SSE41),
    SSE(0x1c, P66, "PABSB", "Vx,Wx", sse_pabs, L8, SVIN, F_SSSE3),
    SSE(0x1d, P66, "PABSW", "Vx,Wx", sse_pabs, L16, SVIN, F_SSSE3),
    SSE(0x1e, P66, "PABSD", "Vx,Wx", sse_pabs, L32, SVIN, F_SSSE3),
    SSE(0x20, P66, "PMOVSXBW", "Vx,Wx", sse_pmovsx, 1 << 4 | L8, SVIN, F_SSE41),
    SSE(0x21, P66, "PMOVSXBD", "Vx,Wx", sse_pmovsx, 2 << 4 | L8, SVIN, F_SSE41),
    SSE(0x22, P66, "PMOVSXBQ", "Vx,Wx", sse_pmovsx, 3 << 4 | L8, SVIN, F_SSE41),
    SSE(0x23, P66, "PMOVSXWD", "Vx,Wx", sse_pmovsx, 1 << 4 | L16, SVIN, F_SSE41),
    SSE(0x24, P66, "PMOVSXWQ", "Vx,Wx", sse_pmovsx, 2 << 4 | L16, SVIN, F_SSE41),
    SSE(0x25, P66, "PMOVSXDQ", "Vx,Wx", sse_pmovsx, 1 << 4 | L32, SVIN, F_SSE41),
    SSE(0x28, P66, "PMULDQ", "Vx,Hx,Wx", sse_pmuldq, L32, SVI, F_SSE41),
    SSE(0x29, P66, "PCMPEQQ", "Vx,Hx,Wx", sse_pcmpeq, L64, SVI, F_SSE41),
    SSE(0x2a, P66, "MOVNTDQA", "Vx,Mx", sse_mov_load, 1, SVIN | X_MEM, F_SSE41),
    SSE(0x2b, P66, "PACKUSDW", "Vx,Hx,Wx", sse_packus, L32, SVI, F_SSE41),
    SSE(0x30, P66, "PMOVZXBW", "Vx,Wx", sse_pmovzx, 1 << 4 | L8, SVIN, F_SSE41),
    SSE(0x31, P66, "PMOVZXBD", "Vx,Wx", sse_pmovzx, 2 << 4 | L8, SVIN, F_SSE41),
    SSE(0x32, P66, "PMOVZXBQ", "Vx,Wx", sse_pmovzx, 3 << 4 | L8, SVIN, F_SSE41),
    SSE(0x33, P66, "PMOVZXWD", "Vx,Wx", sse_pmovzx, 1 << 4 | L16, SVIN, F_SSE41),
    SSE(0x34, P66, "PMOVZXWQ", "Vx,Wx", sse_pmovzx, 2 << 4 | L16, SVIN, F_SSE41),
    SSE(0x35, P66, "PMOVZXDQ", "Vx,Wx", sse_pmovzx, 1 << 4 | L32, SVIN, F_SSE41),
    SSE(0x37, P66, "PCMPGTQ", "Vx,Hx,Wx", sse_pcmpgt, L64, SVI, F_SSE42),
    SSE(0x38, P66, "PMINSB", "Vx,Hx,Wx", sse_pmins, L8, SVI, F_SSE41),
    SSE(0x39, P66, "PMINSD", "Vx,Hx,Wx", sse_pmins, L32, SVI, F_SSE41),
    SSE(0x3a, P66, "PMINUW", "Vx,Hx,Wx", sse_pminu, L16, SVI, F_SSE41),
    SSE(0x3b, P66, "PMINUD", "Vx,Hx,Wx", sse_pminu, L32, SVI, F_SSE41),
    SSE(0x3c, P66, "PMAXSB", "Vx,Hx,Wx", sse_pmaxs, L8, SVI, F_SSE41),
    SSE(0x3d, P66, "PMAXSD", "Vx,Hx,Wx", sse_pmaxs, L32, SVI, F_SSE41),
    SSE(0x3e, P66, "PMAXUW", "Vx,Hx,Wx", sse_pmaxu, L16, SVI, F_SSE41),
    SSE(0x3f, P66, "PMAXUD", "Vx,Hx,Wx", sse_pmaxu, L32, SVI, F_SSE41),
    SSE(0x40, P66, "PMULLD", "Vx,Hx,Wx", sse_pmull, L32, SVI, F_SSE41),
    SSE(0x41, P66, "PHMINPOSUW", "Vx,Wx", sse_phminposuw, 0, SVN0, F_SSE41),
    SSE(0xc8, NP, "SHA1NEXTE", "Vx,Wx", sse_sha1_nexte, 0, S_, F_SHA),
    SSE(0xc9, NP, "SHA1MSG1", "Vx,Wx", sse_sha1_msg1, 0, S_, F_SHA),
    SSE(0xca, NP, "SHA1MSG2", "Vx,Wx", sse_sha1_msg2, 0, S_, F_SHA),
    SSE(0xcb, NP, "SHA256RNDS2", "Vx,Wx", sse_sha256_rnds2, 0, S_, F_SHA),
    SSE(0xcc, NP, "SHA256MSG1", "Vx,Wx", sse_sha256_msg1, 0, S_, F_SHA),
    SSE(0xcd, NP, "SHA256MSG2", "Vx,Wx", sse_sha256_msg2, 0, S_, F_SHA),
    SSE(0xdb, P66, "AESIMC", "Vx,Wx", sse_aesimc, 0, SVN0, F_AES),
    SSE(0xdc, P66, "AESENC", "Vx,Hx,Wx", sse_aes, 0, SV0, F_AES),
    SSE(0xdc, P66, "VAESENC", "Vx,Hx,Wx", sse_aes, 0, V1_, F_VAES),
    SSE(0xdd, P66, "AESENCLAST", "Vx,Hx,Wx", sse_aes, 1, SV0, F_AES),
    SSE(0xdd, P66, "VAESENCLAST", "Vx,Hx,Wx", sse_aes, 1, V1_, F_VAES),
    SSE(0xde, P66, "AESDEC", "Vx,Hx,Wx", sse_aes, 2, SV0, F_AES),
    SSE(0xde, P66, "VAESDEC", "Vx,Hx,Wx", sse_aes, 2, V1_, F_VAES),
    SSE(0xdf, P66, "AESDECLAST", "Vx,Hx,Wx", sse_aes, 3, SV0, F_AES),
    SSE(0xdf, P66, "VAESDECLAST", "Vx,Hx,Wx", sse_aes, 3, V1_, F_VAES),
    { 0 }
};

const X86Row x86_sse_0f3a[] = {
    SSE(0x08, P66, "ROUNDPS", "Vx,Wx,Ib", sse_round, L32, SVN, F_SSE41),
    SSE(0x09, P66, "ROUNDPD", "Vx,Wx,Ib", sse_round, L64, SVN, F_SSE41),
    SSE(0x0a, P66, "ROUNDSS", "Vx,Hx,Wd,Ib", sse_round, L32 | SCALAR, SV, F_SSE41),
    SSE(0x0b, P66, "ROUNDSD", "Vx,Hx,Wq,Ib", sse_round, L64 | SCALAR, SV, F_SSE41),
    SSE(0x0c, P66, "BLENDPS", "Vx,Hx,Wx,Ib", sse_blend_imm, L32, SV, F_SSE41),
    SSE(0x0d, P66, "BLENDPD", "Vx,Hx,Wx,Ib", sse_blend_imm, L64, SV, F_SSE41),
    SSE(0x0e, P66, "PBLENDW", "Vx,Hx,Wx,Ib", sse_blend_imm, L16, SVI, F_SSE41),
    SSE(0x0f, P66, "PALIGNR", "Vx,Hx,Wx,Ib", sse_palignr, 0, SVI, F_SSSE3),
    SSE(0x14, P66, "PEXTRB", "Eb,Vx,Ib", sse_extract, L8, SVN0, F_SSE41),
    SSE(0x15, P66, "PEXTRW", "Ew,Vx,Ib", sse_extract, L16, SVN0, F_SSE41),
    SSE(0x16, P66, "PEXTRD", "Ey,Vx,Ib", sse_extract, L32, SVN0, F_SSE41),
    SSE(0x17, P66, "EXTRACTPS", "Ed,Vx,Ib", sse_extract, L32, SVN0, F_SSE41),
    SSE(0x20, P66, "PINSRB", "Vx,Hx,Eb,Ib", sse_insert, L8, SV0, F_SSE41),
    SSE(0x21, P66, "INSERTPS", "Vx,Hx,Wd,Ib", sse_insertps, 0, SV0, F_SSE41),
    SSE(0x22, P66, "PINSRD", "Vx,Hx,Ey,Ib", sse_insert, L32, SV0, F_SSE41),
    SSE(0x40, P66, "DPPS", "Vx,Hx,Wx,Ib", sse_dp, L32, SV, F_SSE41),
    SSE(0x41, P66, "DPPD", "Vx,Hx,Wx,Ib", sse_dp, L64, SV0, F_SSE41),
    SSE(0x42, P66, "MPSADBW", "Vx,Hx,Wx,Ib", sse_mpsadbw, 0, SVI, F_SSE41),
    SSE(0x44, P66, "PCLMULQDQ", "Vx,Hx,Wx,Ib", sse_pclmul, 0, SV0, F_PCLMULQDQ),
    SSE(0x44, P66, "VPCLMULQDQ", "Vx,Hx,Wx,Ib", sse_pclmul, 0, V1_, F_VPCLMULQDQ),
    SSE(0x60, P66, "PCMPESTRM", "Vx,Wx,Ib", sse_pcmpstr, PCMP_MASK, SVN0, F_SSE42),
    SSE(0x61, P66, "PCMPESTRI", "Vx,Wx,Ib", sse_pcmpstr, 0, SVN0, F_SSE42),
    SSE(0x62, P66, "PCMPISTRM", "Vx,Wx,Ib", sse_pcmpstr, PCMP_IMPLICIT | PCMP_MASK, SVN0, F_SSE42),
    SSE(0x63, P66, "PCMPISTRI", "Vx,Wx,Ib", sse_pcmpstr, PCMP_IMPLICIT, SVN0, F_SSE42),
    SSE(0xcc, NP, "SHA1RNDS4", "Vx,Wx,Ib", sse_sha1_rnds4, 0, S_, F_SHA),
    SSE(0xdf, P66, "AESKEYGENASSIST", "Vx,Wx,Ib", sse_aeskeygen, 0, SVN0, F_AES),
    { 0 }
};
