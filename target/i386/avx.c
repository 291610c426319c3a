/* SPDX-License-Identifier: MIT */
/*
 * What has a VEX form only: AVX's own moves and permutations, AVX2, FMA, F16C.
 * SDM volume 2, appendix A and the instructions' pages; volume 1, chapter 14.
 */
#include "target/i386/sse.h"

/* ---- state -------------------------------------------------------------- */

/* VZEROUPPER, VZEROALL: registers 0..7, or all 16 in 64-bit mode. */
static bool vzero(X86Ctx *c)
{
    Val zero = ir_v128(c->b, 0, 0);

    for (unsigned n = 0; n < (is64(c) ? 16 : 8); n++) {
        if (c->vl == 32) {
            ir_put(c->b, S_XMM + n, zero);
        }
        ir_put(c->b, S_YMMH + n, zero);
    }
    return true;
}

/* ---- broadcasts and halves ---------------------------------------------- */

static bool broadcast(X86Ctx *c)
{
    Lane l = (Lane)c->row->arg;
    Val v = is_mem(c) ? x86_load(c, x86_mem(c, 1u << l, false), 1u << l)
                      : ir_vget(c->b, l, x86_xmm(c, c->rm), 0);
    Val all = ir_vdup(c->b, l, v);
    return sse_set(c, c->reg, (Wide) { { all, all } });
}

static bool broadcast128(X86Ctx *c)
{
    Val v = x86_get_w(c, 0, true);
    return sse_set(c, c->reg, (Wide) { { v, v } });
}

static bool insert128(X86Ctx *c)
{
    Val v = x86_get_w(c, 0, true);
    Wide w = { { sse_src1(c, 0), sse_src1(c, 1) } };

    w.v[c->imm & 1] = v;
    return sse_set(c, c->reg, w);
}

static bool extract128(X86Ctx *c)
{
    Val v = sse_reg(c, c->reg, c->imm & 1);

    if (is_mem(c)) {
        x86_store(c, x86_mem(c, 16, true), 16, v);
    } else {
        x86_set_ymm(c, c->rm, v, ir_v128(c->b, 0, 0));
    }
    return true;
}

/* VPERM2F128, VPERM2I128: a half of either source, or zeros. */
static bool permute128(X86Ctx *c)
{
    Val from[4] = {
        sse_src1(c, 0), sse_src1(c, 1), sse_w(c, 0), sse_w(c, 1)
    };
    Wide w;

    for (unsigned h = 0; h < 2; h++) {
        unsigned k = c->imm >> h * 4 & 15;
        w.v[h] = k & 8 ? ir_v128(c->b, 0, 0) : from[k & 3];
    }
    return sse_set(c, c->reg, w);
}

/* ---- permutations ------------------------------------------------------- */

/* VPERMQ, VPERMPD */
static bool permute_quads(X86Ctx *c)
{
    Val x = sse_w(c, 0), y = sse_w(c, 1);
    Wide w;

    for (unsigned h = 0; h < 2; h++) {
        const u8 lanes[2] = { c->imm >> h * 4 & 3, c->imm >> (h * 4 + 2) & 3 };
        w.v[h] = sse_pick(c->b, L64, x, y, lanes);
    }
    return sse_set(c, c->reg, w);
}

/* VPERMD, VPERMPS */
static bool permute_words(X86Ctx *c)
{
    Val x = sse_w(c, 0), y = sse_w(c, 1);
    Wide w;

    for (unsigned h = 0; h < 2; h++) {
        w.v[h] = IR_CALL(c->b, &helper_vec_permute, x, y, sse_src1(c, h));
    }
    return sse_set(c, c->reg, w);
}

static Val permute_by(Ir *b, Lane l, Val x, Val numbers)
{
    return IR_CALL(b, &helper_vec_permute_ps, x, numbers, ir_i32(b, l));
}

static bool permute_in_lane(X86Ctx *c)
{
    return sse_binary(c, permute_by);
}

/* VPERMILPD with an immediate: a bit for each lane. */
static bool permute_pd(X86Ctx *c)
{
    Wide w = { { { 0 } } };

    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_w(c, h);
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        const u8 lanes[2] = { c->imm >> h * 2 & 1, c->imm >> (h * 2 + 1) & 1 };
        w.v[h] = sse_pick(c->b, L64, w.v[h], w.v[h], lanes);
    }
    return sse_set(c, c->reg, w);
}

/* ---- shifts of each lane by its own count ------------------------------- */

static Val shift_left(Ir *b, Lane l, Val x, Val n)
{
    return IR_CALL(b, &helper_vec_shift_each, x, n,
                   ir_i32(b, SHIFT_LEFT | (u32)l));
}

static Val shift_right(Ir *b, Lane l, Val x, Val n)
{
    return IR_CALL(b, &helper_vec_shift_each, x, n,
                   ir_i32(b, SHIFT_RIGHT | (u32)l));
}

static Val shift_arith(Ir *b, Lane l, Val x, Val n)
{
    return IR_CALL(b, &helper_vec_shift_each, x, n,
                   ir_i32(b, SHIFT_ARITH | (u32)l));
}

static bool sllv(X86Ctx *c) { return sse_binary(c, shift_left); }
static bool srlv(X86Ctx *c) { return sse_binary(c, shift_right); }
static bool srav(X86Ctx *c) { return sse_binary(c, shift_arith); }

/* ---- masked memory, gathers --------------------------------------------- */

static Val half_at(X86Ctx *c, Val addr, unsigned h)
{
    return h ? ir_add(c->b, addr, ir_i64(c->b, 16)) : addr;
}

/* vvvv is the mask. */
static bool mask_load(X86Ctx *c)
{
    Val addr = x86_mem(c, 16 * sse_halves(c), false);
    Wide w = { { { 0 } } };

    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = IR_CALL(c->b, &helper_vec_mask_load, half_at(c, addr, h),
                         sse_reg(c, c->vvvv, h), ir_i32(c->b, c->row->arg));
    }
    return sse_set(c, c->reg, w);
}

static bool mask_store(X86Ctx *c)
{
    Val addr = x86_mem(c, 16 * sse_halves(c), true);

    for (unsigned h = 0; h < sse_halves(c); h++) {
        IR_CALL(c->b, &helper_vec_mask_probe, half_at(c, addr, h),
                sse_reg(c, c->vvvv, h), ir_i32(c->b, c->row->arg));
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        IR_CALL(c->b, &helper_vec_mask_store, half_at(c, addr, h),
                sse_reg(c, c->reg, h), sse_reg(c, c->vvvv, h),
                ir_i32(c->b, c->row->arg));
    }
    return true;
}

/*
 * The index register of VSIB is what SIB.index names, also 4.  An address of
 * 32 bits is cut after all is added.
 */
static bool gather(X86Ctx *c)
{
    unsigned index = c->index == NO_REG ? 4 : c->index;
    u32 how = c->row->arg;
    unsigned wide = how & (GATHER_DATA64 | GATHER_INDEX64) ? 8 : 4;

    if ((c->modrm & 7) != 4 || c->reg == c->vvvv || c->reg == index
        || index == c->vvvv) {
        return false;
    }
    c->index = NO_REG;
    how |= c->asize == 4 ? GATHER_ADDR32 : 0;
    how |= c->vl / wide << GATHER_COUNT;
    IR_CALL(c->b, &helper_vec_gather, x86_offset(c),
            ir_i32(c->b, c->reg | (u32)c->vvvv << 4 | index << 8
                   | (u32)c->scale << 12 | (u32)c->seg << 16),
            ir_i32(c->b, how));
    return true;
}

/* ---- the tables --------------------------------------------------------- */

#define V(o, n, opr, f, a, fl, ft) SSE(o, P66, n, opr, f, a, V_ | (fl), ft)
enum { D64 = GATHER_DATA64, I64X = GATHER_INDEX64 };

const X86Row x86_avx_0f[] = {
    SSE(0x77, NP, "VZEROUPPER", "", vzero, 0, VN_, F_AVX),
    { 0 }
};

/* Both precisions, or packed and scalar too. */
#define FMA_V(o, n, f, a)                                                    \
    V(o, n "PS", "Vx,Hx,Wx", f, L32 | (a), X_W0, F_FMA),                     \
    V(o, n "PD", "Vx,Hx,Wx", f, L64 | (a), X_W1, F_FMA)
#define FMA_VS(o, n, a)                                                      \
    FMA_V(o, n, sse_fma, a),                                                 \
    V((o) + 1, n "SS", "Vx,Hx,Wd", sse_fma, L32 | SCALAR | (a), X_W0, F_FMA),\
    V((o) + 1, n "SD", "Vx,Hx,Wq", sse_fma, L64 | SCALAR | (a), X_W1, F_FMA)
#define FMA(o, digits, order)                                                \
    FMA_V((o) + 6, "VFMADDSUB" digits, sse_fma_alt, order),                  \
    FMA_V((o) + 7, "VFMSUBADD" digits, sse_fma_alt, (order) | SCALAR),       \
    FMA_VS((o) + 8, "VFMADD" digits, order),                                 \
    FMA_VS((o) + 10, "VFMSUB" digits, (order) | FMA_NEG_ADD),                \
    FMA_VS((o) + 12, "VFNMADD" digits, (order) | FMA_NEG_MUL),               \
    FMA_VS((o) + 14, "VFNMSUB" digits, (order) | FMA_NEG_MUL | FMA_NEG_ADD)

const X86Row x86_avx_0f38[] = {
    V(0x0c, "VPERMILPS", "Vx,Hx,Wx", permute_in_lane, L32, X_W0, F_AVX),
    V(0x0d, "VPERMILPD", "Vx,Hx,Wx", permute_in_lane, L64, X_W0, F_AVX),
    V(0x0e, "VTESTPS", "Vx,Wx", sse_ptest, L32, X_NOV | X_W0, F_AVX),
    V(0x0f, "VTESTPD", "Vx,Wx", sse_ptest, L64, X_NOV | X_W0, F_AVX),
    V(0x13, "VCVTPH2PS", "Vx,Wx", sse_half_load, 0, X_NOV | X_W0, F_F16C),
    V(0x16, "VPERMPS", "Vx,Hx,Wx", permute_words, 0, X_W0 | X_L1, F_AVX2),
    V(0x18, "VBROADCASTSS", "Vx,Md", broadcast, L32, X_MEM | X_NOV | X_W0, F_AVX),
    V(0x18, "VBROADCASTSS", "Vx,Ud", broadcast, L32, X_REG | X_NOV | X_W0, F_AVX2),
    V(0x19, "VBROADCASTSD", "Vx,Mq", broadcast, L64, X_MEM | X_NOV | X_W0 | X_L1, F_AVX),
    V(0x19, "VBROADCASTSD", "Vx,Uq", broadcast, L64, X_REG | X_NOV | X_W0 | X_L1, F_AVX2),
    V(0x1a, "VBROADCASTF128", "Vx,Mx", broadcast128, 0, X_MEM | X_NOV | X_W0 | X_L1, F_AVX),
    V(0x2c, "VMASKMOVPS", "Vx,Hx,Mx", mask_load, L32, X_MEM | X_W0, F_AVX),
    V(0x2d, "VMASKMOVPD", "Vx,Hx,Mx", mask_load, L64, X_MEM | X_W0, F_AVX),
    V(0x2e, "VMASKMOVPS", "Mx,Hx,Vx", mask_store, L32, X_MEM | X_W0, F_AVX),
    V(0x2f, "VMASKMOVPD", "Mx,Hx,Vx", mask_store, L64, X_MEM | X_W0, F_AVX),
    V(0x36, "VPERMD", "Vx,Hx,Wx", permute_words, 0, X_W0 | X_L1, F_AVX2),
    V(0x45, "VPSRLVD", "Vx,Hx,Wx", srlv, L32, X_W0, F_AVX2),
    V(0x45, "VPSRLVQ", "Vx,Hx,Wx", srlv, L64, X_W1, F_AVX2),
    V(0x46, "VPSRAVD", "Vx,Hx,Wx", srav, L32, X_W0, F_AVX2),
    V(0x47, "VPSLLVD", "Vx,Hx,Wx", sllv, L32, X_W0, F_AVX2),
    V(0x47, "VPSLLVQ", "Vx,Hx,Wx", sllv, L64, X_W1, F_AVX2),
    V(0x58, "VPBROADCASTD", "Vx,Wd", broadcast, L32, X_NOV | X_W0, F_AVX2),
    V(0x59, "VPBROADCASTQ", "Vx,Wq", broadcast, L64, X_NOV | X_W0, F_AVX2),
    V(0x5a, "VBROADCASTI128", "Vx,Mx", broadcast128, 0, X_MEM | X_NOV | X_W0 | X_L1, F_AVX2),
    V(0x78, "VPBROADCASTB", "Vx,Wb", broadcast, L8, X_NOV | X_W0, F_AVX2),
    V(0x79, "VPBROADCASTW", "Vx,Ww", broadcast, L16, X_NOV | X_W0, F_AVX2),
    V(0x8c, "VPMASKMOVD", "Vx,Hx,Mx", mask_load, L32, X_MEM | X_W0, F_AVX2),
    V(0x8c, "VPMASKMOVQ", "Vx,Hx,Mx", mask_load, L64, X_MEM | X_W1, F_AVX2),
    V(0x8e, "VPMASKMOVD", "Mx,Hx,Vx", mask_store, L32, X_MEM | X_W0, F_AVX2),
    V(0x8e, "VPMASKMOVQ", "Mx,Hx,Vx", mask_store, L64, X_MEM | X_W1, F_AVX2),
    V(0x90, "VPGATHERDD", "Vx,Mx,Hx", gather, 0, X_MEM | X_W0, F_AVX2),
    V(0x90, "VPGATHERDQ", "Vx,Mx,Hx", gather, D64, X_MEM | X_W1, F_AVX2),
    V(0x91, "VPGATHERQD", "Vx,Mx,Hx", gather, I64X, X_MEM | X_W0, F_AVX2),
    V(0x91, "VPGATHERQQ", "Vx,Mx,Hx", gather, D64 | I64X, X_MEM | X_W1, F_AVX2),
    V(0x92, "VGATHERDPS", "Vx,Mx,Hx", gather, 0, X_MEM | X_W0, F_AVX2),
    V(0x92, "VGATHERDPD", "Vx,Mx,Hx", gather, D64, X_MEM | X_W1, F_AVX2),
    V(0x93, "VGATHERQPS", "Vx,Mx,Hx", gather, I64X, X_MEM | X_W0, F_AVX2),
    V(0x93, "VGATHERQPD", "Vx,Mx,Hx", gather, D64 | I64X, X_MEM | X_W1, F_AVX2),
    FMA(0x90, "132", FMA_132),
    FMA(0xa0, "213", FMA_213),
    FMA(0xb0, "231", FMA_231),
    { 0 }
};

const X86Row x86_avx_0f3a[] = {
    V(0x00, "VPERMQ", "Vx,Wx,Ib", permute_quads, 0, X_NOV | X_W1 | X_L1, F_AVX2),
    V(0x01, "VPERMPD", "Vx,Wx,Ib", permute_quads, 0, X_NOV | X_W1 | X_L1, F_AVX2),
    V(0x02, "VPBLENDD", "Vx,Hx,Wx,Ib", sse_blend_imm, L32, X_W0, F_AVX2),
    V(0x04, "VPERMILPS", "Vx,Wx,Ib", sse_pshufd, 0, X_NOV | X_W0, F_AVX),
    V(0x05, "VPERMILPD", "Vx,Wx,Ib", permute_pd, 0, X_NOV | X_W0, F_AVX),
    V(0x06, "VPERM2F128", "Vx,Hx,Wx,Ib", permute128, 0, X_W0 | X_L1, F_AVX),
    V(0x18, "VINSERTF128", "Vx,Hx,Wx,Ib", insert128, 0, X_W0 | X_L1, F_AVX),
    V(0x19, "VEXTRACTF128", "Wx,Vx,Ib", extract128, 0, X_NOV | X_W0 | X_L1, F_AVX),
    V(0x1d, "VCVTPS2PH", "Wx,Vx,Ib", sse_half_store, 0, X_NOV | X_W0, F_F16C),
    V(0x38, "VINSERTI128", "Vx,Hx,Wx,Ib", insert128, 0, X_W0 | X_L1, F_AVX2),
    V(0x39, "VEXTRACTI128", "Wx,Vx,Ib", extract128, 0, X_NOV | X_W0 | X_L1, F_AVX2),
    V(0x46, "VPERM2I128", "Vx,Hx,Wx,Ib", permute128, 0, X_W0 | X_L1, F_AVX2),
    V(0x4a, "VBLENDVPS", "Vx,Hx,Wx,Lx", sse_blendv, L32, X_W0, F_AVX),
    V(0x4b, "VBLENDVPD", "Vx,Hx,Wx,Lx", sse_blendv, L64, X_W0, F_AVX),
    V(0x4c, "VPBLENDVB", "Vx,Hx,Wx,Lx", sse_blendv, L8, X_W0 | X_AVX2I, F_AVX),
    { 0 }
};
