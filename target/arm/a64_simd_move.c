/* SPDX-License-Identifier: MIT */
/*
 * A64 Advanced SIMD: what only moves lanes or makes constants.  Each row of
 * a64_simd_move.decode names a function here.  Reference: Arm ARM (DDI 0487)
 * C7.2, and AdvSIMDExpandImm() of its shared pseudocode.
 *
 * Left out: FEAT_FP16.
 */
#include "target/arm/a64_simd.h"
#include "a64_simd_move.forms.h"

/* ---- copies ------------------------------------------------------------- */

/* imm5: the lowest set bit is the lane's size, above it is its number. */
static bool lane_of(unsigned imm5, Lane *l, unsigned *index)
{
    if (!(imm5 & 15)) {
        return false;
    }
    *l = (Lane)__builtin_ctz(imm5);
    *index = imm5 >> (*l + 1);
    return true;
}

static bool dup_lane(Ctx *c, form_copy a)
{
    Lane l;
    unsigned i;

    if (!lane_of(a.imm5, &l, &i) || (l == L64 && !a.q)) {
        return false;
    }
    return set_vq(c, a.q, a.rd, simd_splat(c->b, l, get_v(c, a.rn), i));
}

static bool dup_gpr(Ctx *c, form_copy a)
{
    Lane l;
    unsigned i;

    if (!lane_of(a.imm5, &l, &i) || (l == L64 && !a.q)) {
        return false;
    }
    return set_vq(c, a.q, a.rd,
                  ir_vdup(c->b, l, get_x(c, l == L64, a.rn)));
}

static bool dup_scalar(Ctx *c, form_copy a)
{
    Lane l;
    unsigned i;

    return lane_of(a.imm5, &l, &i) &&
           simd_set_scalar(c, l, a.rd,
                           simd_splat(c->b, l, get_v(c, a.rn), i));
}

static bool smov(Ctx *c, form_copy a)
{
    Lane l;
    unsigned i;
    Val v;

    if (!lane_of(a.imm5, &l, &i) || l == L64 || (l == L32 && !a.q)) {
        return false;
    }
    v = ir_vget(c->b, l, get_v(c, a.rn), i);
    if (l != L32) {
        v = ir_sextract(c->b, v, 0, lane_bits(l));
    }
    return set_x(c, a.q, a.rd, a.q ? ir_sext(c->b, v) : v);
}

static bool umov(Ctx *c, form_copy a)
{
    Lane l;
    unsigned i;

    if (!lane_of(a.imm5, &l, &i) || a.q != (l == L64)) {
        return false;
    }
    return set_x(c, a.q, a.rd, ir_vget(c->b, l, get_v(c, a.rn), i));
}

static bool ins_gpr(Ctx *c, form_copy a)
{
    Lane l;
    unsigned i;

    return lane_of(a.imm5, &l, &i) &&
           set_v(c, a.rd, ir_vins(c->b, l, get_v(c, a.rd), i,
                                  get_x(c, l == L64, a.rn)));
}

static bool ins_lane(Ctx *c, form_copy a)
{
    Lane l;
    unsigned to, from, size;
    u8 byte[16];

    if (!lane_of(a.imm5, &l, &to)) {
        return false;
    }
    size = 1u << l;
    from = a.imm4 >> l;
    for (unsigned k = 0; k < 16; k++) {
        byte[k] = (u8)(k / size == to ? 16 + from * size + k % size : k);
    }
    return set_v(c, a.rd, simd_shuffle(c->b, get_v(c, a.rd), get_v(c, a.rn),
                                       byte));
}

/* ---- permutations ------------------------------------------------------- */

static bool uzp(Ctx *c, form_perm a)
{
    if (a.size == L64 && !a.q) {
        return false;
    }
    return set_vq(c, a.q, a.rd,
                  simd_unzip(c->b, a.size, a.q, get_v(c, a.rn),
                             get_v(c, a.rm), a.part));
}

/* Lane i of the result is lane from[i] of n, the odd ones of m. */
static bool interleave(Ctx *c, form_perm a, const u8 *from)
{
    unsigned size = 1u << a.size;
    u8 byte[16];

    for (unsigned k = 0; k < 16; k++) {
        unsigned lane = k / size;
        byte[k] = (u8)(from[lane] * size + k % size + (lane & 1) * 16);
    }
    return set_vq(c, a.q, a.rd, simd_shuffle(c->b, get_v(c, a.rn),
                                             get_v(c, a.rm), byte));
}

static bool trn(Ctx *c, form_perm a)
{
    u8 from[16];

    for (unsigned i = 0; i < 16; i++) {
        from[i] = (u8)((i & ~1u) + a.part);
    }
    return (a.size != L64 || a.q) && interleave(c, a, from);
}

static bool zip(Ctx *c, form_perm a)
{
    unsigned half = (a.q ? 8 : 4) >> a.size;
    u8 from[16];

    for (unsigned i = 0; i < 16; i++) {
        from[i] = (u8)(i < 2 * half ? i / 2 + a.part * half : 0);
    }
    return (a.size != L64 || a.q) && interleave(c, a, from);
}

static bool ext(Ctx *c, form_ext a)
{
    unsigned bytes = a.q ? 16 : 8;
    u8 byte[16];

    if (a.pos >= bytes) {
        return false;
    }
    for (unsigned k = 0; k < 16; k++) {
        unsigned at = k % bytes + a.pos;
        byte[k] = (u8)(at < bytes ? at : at - bytes + 16);
    }
    return set_vq(c, a.q, a.rd, simd_shuffle(c->b, get_v(c, a.rn),
                                             get_v(c, a.rm), byte));
}

/* TBL and TBX (keep): indices out of range give zero or what was there. */
static bool tbl(Ctx *c, form_tbl a)
{
    Ir *b = c->b;
    Val index = get_v(c, a.rm), t[4], r, beyond;
    unsigned count = a.len + 1u;

    for (unsigned i = 0; i < 4; i++) {
        t[i] = i < count ? get_v(c, (a.rn + i) % 32) : ir_v128(b, 0, 0);
    }
    r = IR_CALL(b, &helper_simd_tbl, t[0], t[1], index, ir_i32(b, 0));
    if (count > 2) {
        beyond = IR_CALL(b, &helper_simd_tbl, t[2], t[3], index,
                         ir_i32(b, 32));
        r = ir_vor(b, L64, r, beyond);
    }
    if (a.keep) {
        beyond = ir_vcgtu(b, L8, index, simd_const(b, L8, 16 * count - 1));
        r = ir_vor(b, L64, r, ir_vand(b, L64, get_v(c, a.rd), beyond));
    }
    return set_vq(c, a.q, a.rd, r);
}

/* ---- constants ---------------------------------------------------------- */

/* Each bit a byte. */
static u64 byte_mask(u8 imm8)
{
    u64 r = 0;

    for (unsigned i = 0; i < 8; i++) {
        r |= imm8 >> i & 1 ? 0xffull << (8 * i) : 0;
    }
    return r;
}

/* AdvSIMDExpandImm(), before MVNI's and BIC's inversion. */
static Val expanded(Ctx *c, form_mod a)
{
    Ir *b = c->b;
    unsigned shift = 8 * (a.cmode >> 1 & 3);

    if (a.cmode < 8) {
        return simd_const(b, L32, (u64)a.imm << shift);
    }
    if (a.cmode < 12) {
        return simd_const(b, L16, (u64)a.imm << (shift & 8));
    }
    if (a.cmode < 14) {
        shift = a.cmode & 1 ? 16 : 8;
        return simd_const(b, L32, (u64)a.imm << shift | MASK(shift));
    }
    if (a.cmode == 14) {
        return a.op ? simd_const(b, L64, byte_mask(a.imm))
                    : simd_const(b, L8, a.imm);
    }
    return simd_const(b, float_lane(a.op), simd_fp_imm(a.imm, a.op));
}

static bool movi(Ctx *c, form_mod a)
{
    Val v = expanded(c, a);

    if (a.cmode == 15 && a.op && !a.q) {
        return false;
    }
    if (a.op && a.cmode < 14) {
        v = ir_vxor(c->b, L64, v, ir_v128(c->b, ~0ull, ~0ull));
    }
    return set_vq(c, a.q, a.rd, v);
}

static bool combine(Ctx *c, form_mod a)
{
    IrVec2 *op = a.op ? ir_vandn : ir_vor;
    return set_vq(c, a.q, a.rd,
                  op(c->b, L64, get_v(c, a.rd), expanded(c, a)));
}

#include "a64_simd_move.decode.h"

bool a64_simd_move(Ctx *c, u32 w)
{
    return a64_simd_move_decode(c, w);
}
