/* SPDX-License-Identifier: MIT */
/*
 * SSE and AVX moves, shuffles by constants, blends, inserts and extracts.
 * SDM volume 2, the instructions' pages.
 */
#include "target/i386/sse.h"

/* ---- whole registers ---------------------------------------------------- */

static unsigned width(const X86Ctx *c) { return sse_halves(c) * 16; }

bool sse_mov_load(X86Ctx *c)
{
    Wide w = { { { 0 } } };
    Val addr;

    if (!is_mem(c)) {
        for (unsigned h = 0; h < sse_halves(c); h++) {
            w.v[h] = sse_reg(c, c->rm, h);
        }
        return sse_set(c, c->reg, w);
    }
    addr = sse_mem(c, width(c), false, c->row->arg);
    if (sse_halves(c) == 2) {
        w.v[0] = ir_load2(c->b, V128T, addr, M_128, &w.v[1]);
    } else {
        w.v[0] = x86_load(c, addr, 16);
    }
    return sse_set(c, c->reg, w);
}

bool sse_mov_store(X86Ctx *c)
{
    Wide w = { { { 0 } } };

    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_reg(c, c->reg, h);
    }
    if (!is_mem(c)) {
        return sse_set(c, c->rm, w);
    }
    Val addr = sse_mem(c, width(c), true, c->row->arg);
    if (sse_halves(c) == 2) {
        ir_store2(c->b, addr, w.v[0], w.v[1], M_128);
    } else {
        x86_store(c, addr, 16, w.v[0]);
    }
    return true;
}

/* ---- parts -------------------------------------------------------------- */

/* MOVSS and MOVSD clear the rest when they load, else keep source 1's. */
bool sse_movs_load(X86Ctx *c)
{
    Type t = c->row->arg == L64 ? F64 : F32;

    if (is_mem(c)) {
        return sse_set1(c, ir_vzext(c->b, sse_low(c, t)));
    }
    return sse_set_low(c, sse_low(c, t));
}

bool sse_movs_store(X86Ctx *c)
{
    Type t = c->row->arg == L64 ? I64 : I32;
    Val v = sse_lane(c, t, x86_xmm(c, c->reg), 0);

    if (is_mem(c)) {
        x86_store(c, x86_mem(c, size_of(t), true), size_of(t), v);
        return true;
    }
    Val x = x86_xmm(c, c->vex ? c->vvvv : c->rm);
    x86_set_xmm(c, c->rm, sse_ins(c, x, 0, v));
    return true;
}

/* MOVLPS, MOVLPD; MOVHLPS of registers. */
bool sse_movlps(X86Ctx *c)
{
    Val v = is_mem(c) ? sse_low(c, I64)
                      : sse_lane(c, I64, x86_xmm(c, c->rm), 1);
    return sse_set1(c, sse_ins(c, sse_src1(c, 0), 0, v));
}

/* MOVHPS, MOVHPD; MOVLHPS of registers. */
bool sse_movhps(X86Ctx *c)
{
    Val v = sse_low(c, I64);
    return sse_set1(c, sse_ins(c, sse_src1(c, 0), 1, v));
}

bool sse_store_lane(X86Ctx *c)
{
    Val v = sse_lane(c, I64, x86_xmm(c, c->reg), c->row->arg);
    x86_store(c, x86_mem(c, 8, true), 8, v);
    return true;
}

/* The general or MMX register or memory to the vector's low part. */
bool sse_movd(X86Ctx *c)
{
    unsigned size = c->rexw ? 8 : 4;
    Val v = x86_get_e(c, size, &(Val) { 0 });

    v = size == 8 ? v : ir_zext(c->b, v);
    if (is_mmx(c)) {
        return mmx_set(c, c->reg, v);
    }
    return sse_set1(c, ir_vpair(c->b, v, ir_i64(c->b, 0)));
}

bool sse_movd_store(X86Ctx *c)
{
    unsigned size = c->rexw ? 8 : 4;
    Val v = is_mmx(c) ? mmx_get(c, c->reg)
                      : sse_lane(c, I64, x86_xmm(c, c->reg), 0);
    Val addr = { 0 };

    if (is_mem(c)) {
        addr = x86_mem(c, size, true);
    }
    x86_put_e(c, size, addr, size == 8 ? v : ir_trunc(c->b, v));
    if (is_mmx(c)) {
        mmx_enter(c);
    }
    return true;
}

bool sse_movq(X86Ctx *c)
{
    if (is_mmx(c)) {
        return mmx_set(c, c->reg, mmx_q(c, 8));
    }
    return sse_set1(c, ir_vzext(c->b, sse_low(c, F64)));
}

bool sse_movq_store(X86Ctx *c)
{
    if (is_mem(c)) {
        Val v = is_mmx(c) ? mmx_get(c, c->reg)
                          : sse_lane(c, I64, x86_xmm(c, c->reg), 0);
        x86_store(c, x86_mem(c, 8, true), 8, v);
        if (is_mmx(c)) {
            mmx_enter(c);
        }
        return true;
    }
    if (is_mmx(c)) {
        return mmx_set(c, c->rm & 7, mmx_get(c, c->reg));
    }
    Val low = ir_vlow(c->b, F64, x86_xmm(c, c->reg));
    x86_set_xmm(c, c->rm, ir_vzext(c->b, low));
    return true;
}

bool sse_movq2dq(X86Ctx *c)
{
    Val v = ir_vpair(c->b, mmx_get(c, c->rm & 7), ir_i64(c->b, 0));
    mmx_enter(c);
    return sse_set1(c, v);
}

bool sse_movdq2q(X86Ctx *c)
{
    return mmx_set(c, c->reg & 7, sse_lane(c, I64, x86_xmm(c, c->rm), 0));
}

bool sse_movnti(X86Ctx *c)
{
    unsigned size = c->rexw ? 8 : 4;
    x86_store(c, x86_mem(c, size, true), size, x86_get(c, size, c->reg));
    return true;
}

/* ---- duplicates --------------------------------------------------------- */

bool sse_movdup(X86Ctx *c)
{
    Wide w = { { { 0 } } };

    if (sse_halves(c) == 1) {
        return sse_set1(c, ir_vdup(c->b, L64, sse_low(c, I64)));
    }
    for (unsigned h = 0; h < 2; h++) {
        w.v[h] = sse_w(c, h);
    }
    for (unsigned h = 0; h < 2; h++) {
        w.v[h] = sse_pick(c->b, L64, w.v[h], w.v[h], (const u8[]) { 0, 0 });
    }
    return sse_set(c, c->reg, w);
}

static Val dup_even(Ir *b, Lane l, Val x)
{
    return sse_pick(b, l, x, x, (const u8[]) { 0, 0, 2, 2 });
}

static Val dup_odd(Ir *b, Lane l, Val x)
{
    return sse_pick(b, l, x, x, (const u8[]) { 1, 1, 3, 3 });
}

/* arg: L32, with 4 the odd ones. */
bool sse_movsxdup(X86Ctx *c)
{
    return sse_unary(c, c->row->arg & 4 ? dup_odd : dup_even);
}

/* ---- shuffles by an immediate ------------------------------------------- */

/* dest = lanes of source 1 and W, by half. */
static bool picked(X86Ctx *c, Lane l, const u8 lanes[2][16])
{
    Wide w = { { { 0 } } };

    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_w(c, h);
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_pick(c->b, l, sse_src1(c, h), w.v[h], lanes[h]);
    }
    return sse_set(c, c->reg, w);
}

bool sse_shufps(X86Ctx *c)
{
    u8 lanes[2][16] = { { 0 } };
    u64 imm = c->imm;

    for (unsigned i = 0; i < 8; i++) {
        lanes[i / 4][i % 4] = (u8)((imm >> i % 4 * 2 & 3) + (i & 2) * 2);
    }
    return picked(c, L32, lanes);
}

bool sse_shufpd(X86Ctx *c)
{
    u8 lanes[2][16] = { { 0 } };

    for (unsigned i = 0; i < 4; i++) {
        lanes[i / 2][i % 2] = (u8)((c->imm >> i & 1) + i % 2 * 2);
    }
    return picked(c, L64, lanes);
}

/* BLENDPS, BLENDPD, PBLENDW, VPBLENDD.  Words use the mask twice. */
bool sse_blend_imm(X86Ctx *c)
{
    Lane l = (Lane)c->row->arg;
    unsigned n = 16u >> l;
    u8 lanes[2][16];

    for (unsigned i = 0; i < 2 * n; i++) {
        unsigned bit = l == L16 ? i % n : i;
        lanes[i / n][i % n] = (u8)(i % n + (c->imm >> bit & 1) * n);
    }
    return picked(c, l, lanes);
}

/* PSHUFD, VPERMILPS. */
static Val shuffled(X86Ctx *c, Val x)
{
    u8 lanes[16] = { 0 };

    for (unsigned i = 0; i < 4; i++) {
        lanes[i] = c->imm >> i * 2 & 3;
    }
    return sse_pick(c->b, L32, x, x, lanes);
}

bool sse_pshufd(X86Ctx *c)
{
    Wide w = { { { 0 } } };

    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_w(c, h);
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = shuffled(c, w.v[h]);
    }
    return sse_set(c, c->reg, w);
}

/* PSHUFLW (arg 0), PSHUFHW (arg 4), PSHUFW. */
bool sse_pshufw(X86Ctx *c)
{
    Wide w = { { { 0 } } };
    u8 lanes[16] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    unsigned first = c->row->arg;

    for (unsigned i = 0; i < 4; i++) {
        lanes[first + i] = (u8)(first + (c->imm >> i * 2 & 3));
    }
    if (is_mmx(c)) {
        Val x = ir_vpair(c->b, mmx_q(c, 8), ir_i64(c->b, 0));
        x = sse_pick(c->b, L16, x, x, lanes);
        return mmx_set(c, c->reg, ir_vget(c->b, L64, x, 0));
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_w(c, h);
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_pick(c->b, L16, w.v[h], w.v[h], lanes);
    }
    return sse_set(c, c->reg, w);
}

/* All bits of a lane become its sign. */
static Val sign_mask(X86Ctx *c, Lane l, Val v)
{
    return ir_vcgt(c->b, l, ir_v128(c->b, 0, 0), v);
}

/* The mask is XMM0, or in VEX forms the register in imm[7:4]. */
bool sse_blendv(X86Ctx *c)
{
    Wide w = { { { 0 } } };
    Lane l = (Lane)c->row->arg;
    unsigned mask = c->vex ? c->imm >> 4 & 15 : 0;

    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_w(c, h);
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        Val m = sign_mask(c, l, sse_reg(c, is64(c) ? mask : mask & 7, h));
        w.v[h] = sse_blend(c->b, m, w.v[h], sse_src1(c, h));
    }
    return sse_set(c, c->reg, w);
}

/* ---- single elements ---------------------------------------------------- */

/* imm: lane of the source 7:6, of the result 5:4, lanes to clear 3:0. */
bool sse_insertps(X86Ctx *c)
{
    unsigned from = c->imm >> 6 & 3, to = c->imm >> 4 & 3;
    u8 lanes[16] = { 0, 1, 2, 3 };
    Val y = is_mem(c) ? sse_part(c, 4) : x86_xmm(c, c->rm);

    lanes[to] = (u8)(4 + (is_mem(c) ? 0 : from));
    for (unsigned i = 0; i < 4; i++) {
        lanes[i] = c->imm >> i & 1 ? ZERO_LANE : lanes[i];
    }
    return sse_set1(c, sse_pick(c->b, L32, sse_src1(c, 0), y, lanes));
}

/* PEXTRB, PEXTRW, PEXTRD/Q, EXTRACTPS to a register or memory. */
bool sse_extract(X86Ctx *c)
{
    Lane l = (Lane)c->row->arg;

    if (l == L32 && c->rexw && c->row->op == 0x16) {
        l = L64;
    }
    Val v = ir_vget(c->b, l, x86_xmm(c, c->reg), c->imm & ((16u >> l) - 1));
    if (is_mem(c)) {
        x86_store(c, x86_mem(c, 1u << l, true), 1u << l, v);
    } else {
        x86_set(c, l == L64 ? 8 : 4, c->rm, v);
    }
    return true;
}

/* PEXTRW of 0F C5, of MMX too: from the register that rm names. */
bool sse_pextrw(X86Ctx *c)
{
    Val v;

    if (is_mmx(c)) {
        v = ir_vpair(c->b, mmx_get(c, c->rm & 7), ir_i64(c->b, 0));
        v = ir_vget(c->b, L16, v, c->imm & 3);
        mmx_enter(c);
    } else {
        v = ir_vget(c->b, L16, x86_xmm(c, c->rm), c->imm & 7);
    }
    x86_set(c, 4, c->reg, v);
    return true;
}

/* PINSRB, PINSRW, PINSRD/Q from a register or memory. */
bool sse_insert(X86Ctx *c)
{
    Lane l = (Lane)c->row->arg;
    Val v;

    if (l == L32 && c->rexw) {
        l = L64;
    }
    if (is_mem(c)) {
        v = x86_load(c, x86_mem(c, 1u << l, false), 1u << l);
    } else {
        v = x86_get(c, l == L64 ? 8 : 4, c->rm);
    }
    if (is_mmx(c)) {
        Val q = mmx_get(c, c->reg);
        v = ir_deposit(c->b, q, ir_zext(c->b, v), (c->imm & 3) * 16, 16);
        return mmx_set(c, c->reg, v);
    }
    unsigned n = c->imm & ((16u >> l) - 1);
    return sse_set1(c, ir_vins(c->b, l, sse_src1(c, 0), n, v));
}

/* ---- signs -------------------------------------------------------------- */

/* Bit n of x to bit `to`, alone. */
static Val one_bit(X86Ctx *c, Val x, unsigned n, unsigned to)
{
    x = ir_extract(c->b, x, n, 1);
    return to ? ir_shl(c->b, x, ir_i64(c->b, to)) : x;
}

bool sse_movmsk(X86Ctx *c)
{
    unsigned width = 8u << c->row->arg, to = 0;
    Val r = ir_i64(c->b, 0);

    for (unsigned n = 0; n < sse_halves(c) * 2; n++) {
        Val x = ir_vget(c->b, L64, sse_reg(c, c->rm, n / 2), n % 2);
        for (unsigned bit = width - 1; bit < 64; bit += width) {
            r = ir_or(c->b, r, one_bit(c, x, bit, to++));
        }
    }
    x86_set(c, 8, c->reg, r);
    return true;
}

/* ---- masked stores, MXCSR ----------------------------------------------- */

/* At DS:rDI, or another segment. */
bool sse_maskmov(X86Ctx *c)
{
    Val di = x86_get(c, c->asize, RDI);
    Val off = c->asize == 8 ? di : ir_zext(c->b, di);
    Val addr = x86_linear(c, c->seg, off, 16, true);

    IR_CALL(c->b, &helper_vec_mask_probe, addr, x86_xmm(c, c->rm),
            ir_i32(c->b, L8));
    IR_CALL(c->b, &helper_vec_mask_store, addr, x86_xmm(c, c->reg),
            x86_xmm(c, c->rm), ir_i32(c->b, L8));
    return true;
}

bool sse_maskmovq(X86Ctx *c)
{
    Val di = x86_get(c, c->asize, RDI), zero = ir_i64(c->b, 0);
    Val off = c->asize == 8 ? di : ir_zext(c->b, di);
    Val addr = x86_linear(c, c->seg, off, 8, true);

    Val mask = ir_vpair(c->b, mmx_get(c, c->rm & 7), zero);
    IR_CALL(c->b, &helper_vec_mask_probe, addr, mask, ir_i32(c->b, L8));
    IR_CALL(c->b, &helper_vec_mask_store, addr,
            ir_vpair(c->b, mmx_get(c, c->reg), zero), mask,
            ir_i32(c->b, L8));
    mmx_enter(c);
    return true;
}

bool sse_mxcsr_load(X86Ctx *c)
{
    Val v = x86_load(c, x86_mem(c, 4, false), 4);
    Val reserved = ir_and(c->b, v, ir_i32(c->b, ~(u32)X86_MXCSR_BITS));

    x86_raise_if(c, reserved, X_GP, 0);
    IR_CALL(c->b, &helper_sse_put_mxcsr, v);
    x86_stop(c);
    return true;
}

bool sse_mxcsr_store(X86Ctx *c)
{
    Val addr = x86_mem(c, 4, true);
    x86_store(c, addr, 4, IR_CALL(c->b, &helper_sse_get_mxcsr));
    return true;
}
