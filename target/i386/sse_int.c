/* SPDX-License-Identifier: MIT */
/*
 * Integer vectors: MMX, SSE2 to SSE4.2, AVX2; SSE4A.
 * SDM volume 2, the instructions' pages; APM volume 4.
 *
 * An operation is an IrVec2, of the IR or made of several of it, or a helper.
 */
#include "target/i386/sse.h"

static Val splat(Ir *b, Lane l, u64 x)
{
    for (unsigned n = 8u << l; n < 64; n *= 2) {
        x = (x & MASK(n)) | x << n;
    }
    return ir_v128(b, x, x);
}

/* The high half of x as the low one. */
static Val high(Ir *b, Val x)
{
    return sse_pick(b, L64, x, x, (const u8[]) { 1, ZERO_LANE });
}

/* ---- lane by lane ------------------------------------------------------- */

/* The average, rounded up: x + y = 2 (x | y) - (x ^ y). */
static Val avg(Ir *b, Lane l, Val x, Val y)
{
    Val odd = ir_vshr(b, l, ir_vxor(b, l, x, y), 1);
    return ir_vsub(b, l, ir_vor(b, l, x, y), odd);
}

static Val andn(Ir *b, Lane l, Val x, Val y)
{
    return ir_vandn(b, l, y, x);
}

/* x, negated where y is negative, zero where it is zero. */
static Val sign(Ir *b, Lane l, Val x, Val y)
{
    Val zero = ir_v128(b, 0, 0);
    Val minus = ir_vcgt(b, l, zero, y);
    Val r = ir_vsub(b, l, ir_vxor(b, l, x, minus), minus);
    return ir_vandn(b, l, r, ir_vceq(b, l, y, zero));
}

static Val signed_products(Ir *b, Val x, Val y, bool upper)
{
    return upper ? ir_vsmull(b, L16, high(b, x), high(b, y))
                 : ir_vsmull(b, L16, x, y);
}

static Val unsigned_products(Ir *b, Val x, Val y, bool upper)
{
    return upper ? ir_vumull(b, L16, high(b, x), high(b, y))
                 : ir_vumull(b, L16, x, y);
}

static Val mulh(Ir *b, Lane l, Val x, Val y)
{
    return sse_unzip(b, l, signed_products(b, x, y, false),
                     signed_products(b, x, y, true), 1);
}

static Val mulhu(Ir *b, Lane l, Val x, Val y)
{
    return sse_unzip(b, l, unsigned_products(b, x, y, false),
                     unsigned_products(b, x, y, true), 1);
}

static Val maddwd(Ir *b, Lane l, Val x, Val y)
{
    Val lo = signed_products(b, x, y, false);
    Val hi = signed_products(b, x, y, true);

    (void)l;
    return ir_vadd(b, L32, sse_unzip(b, L32, lo, hi, 0),
                   sse_unzip(b, L32, lo, hi, 1));
}

static Val muludq(Ir *b, Lane l, Val x, Val y)
{
    return ir_vumull(b, l, sse_unzip(b, l, x, x, 0), sse_unzip(b, l, y, y, 0));
}

static Val muldq(Ir *b, Lane l, Val x, Val y)
{
    return ir_vsmull(b, l, sse_unzip(b, l, x, x, 0), sse_unzip(b, l, y, y, 0));
}

static Val psadbw(Ir *b, Lane l, Val x, Val y)
{
    (void)l;
    return IR_CALL(b, &helper_vec_psadbw, x, y);
}

static Val pmaddubsw(Ir *b, Lane l, Val x, Val y)
{
    (void)l;
    return IR_CALL(b, &helper_vec_pmaddubsw, x, y);
}

static Val pmulhrsw(Ir *b, Lane l, Val x, Val y)
{
    (void)l;
    return IR_CALL(b, &helper_vec_pmulhrsw, x, y);
}

static Val phminposuw(Ir *b, Lane l, Val x)
{
    (void)l;
    return IR_CALL(b, &helper_vec_phminposuw, x);
}

#define BINARY(name, op) \
    bool sse_##name(X86Ctx *c) { return sse_binary(c, op); }

BINARY(padd, ir_vadd)
BINARY(psub, ir_vsub)
BINARY(padds, ir_vsqadd)
BINARY(paddus, ir_vuqadd)
BINARY(psubs, ir_vsqsub)
BINARY(psubus, ir_vuqsub)
BINARY(pand, ir_vand)
BINARY(pandn, andn)
BINARY(por, ir_vor)
BINARY(pxor, ir_vxor)
BINARY(pcmpeq, ir_vceq)
BINARY(pcmpgt, ir_vcgt)
BINARY(pmins, ir_vsmin)
BINARY(pmaxs, ir_vsmax)
BINARY(pminu, ir_vumin)
BINARY(pmaxu, ir_vumax)
BINARY(pmull, ir_vmul)
BINARY(pmulh, mulh)
BINARY(pmulhu, mulhu)
BINARY(pmulhrs, pmulhrsw)
BINARY(pmuludq, muludq)
BINARY(pmuldq, muldq)
BINARY(pmaddwd, maddwd)
BINARY(pmaddubsw, pmaddubsw)
BINARY(pavg, avg)
BINARY(psadbw, psadbw)
BINARY(psign, sign)

bool sse_pabs(X86Ctx *c) { return sse_unary(c, ir_vabs); }
bool sse_phminposuw(X86Ctx *c) { return sse_unary(c, phminposuw); }

/* ---- operations on neighbours ------------------------------------------- */

/*
 * MMX takes two times four bytes or so: dest in the low half, source in the
 * high half of one vector, the result in the low half.
 */
static bool joined(X86Ctx *c, IrVec2 *op)
{
    if (!is_mmx(c)) {
        return sse_binary(c, op);
    }
    Val y = mmx_q(c, 8);
    Val x = ir_vpair(c->b, mmx_get(c, c->reg), y);
    Val r = op(c->b, (Lane)(c->row->arg & 3), x, x);
    return mmx_set(c, c->reg, ir_vget(c->b, L64, r, 0));
}

#define PAIRWISE(name, op)                                                   \
    static Val pair_##name(Ir *b, Lane l, Val x, Val y)                      \
    {                                                                        \
        return op(b, l, sse_unzip(b, l, x, y, 0), sse_unzip(b, l, x, y, 1)); \
    }                                                                        \
    bool sse_##name(X86Ctx *c) { return joined(c, pair_##name); }

PAIRWISE(phadd, ir_vadd)
PAIRWISE(phsub, ir_vsub)
PAIRWISE(phadds, ir_vsqadd)
PAIRWISE(phsubs, ir_vsqsub)

/* Lanes of l clamped to signed or unsigned ones of half the size. */
static Val packs(Ir *b, Lane l, Val x, Val y)
{
    u64 most = l == L16 ? 0x7f : 0x7fff;
    Val max = splat(b, l, most), min = splat(b, l, ~most);

    x = ir_vsmax(b, l, ir_vsmin(b, l, x, max), min);
    y = ir_vsmax(b, l, ir_vsmin(b, l, y, max), min);
    return sse_unzip(b, (Lane)(l - 1), x, y, 0);
}

static Val packus(Ir *b, Lane l, Val x, Val y)
{
    Val max = splat(b, l, l == L16 ? 0xff : 0xffff), min = splat(b, l, 0);

    x = ir_vsmax(b, l, ir_vsmin(b, l, x, max), min);
    y = ir_vsmax(b, l, ir_vsmin(b, l, y, max), min);
    return sse_unzip(b, (Lane)(l - 1), x, y, 0);
}

bool sse_packs(X86Ctx *c) { return joined(c, packs); }
bool sse_packus(X86Ctx *c) { return joined(c, packus); }

static Val interleave(Ir *b, Lane l, Val x, Val y, unsigned first)
{
    u8 lanes[16];
    unsigned n = 16u >> l;

    for (unsigned i = 0; i < n; i++) {
        lanes[i] = (u8)(first + i / 2 + i % 2 * n);
    }
    return sse_pick(b, l, x, y, lanes);
}

static Val unpackl(Ir *b, Lane l, Val x, Val y)
{
    return interleave(b, l, x, y, 0);
}

static Val unpackh(Ir *b, Lane l, Val x, Val y)
{
    return interleave(b, l, x, y, 8u >> l);
}

/* All of MMX's lanes interleaved are a vector. */
static bool mmx_unpack(X86Ctx *c, unsigned half)
{
    Val zero = ir_i64(c->b, 0);
    Val y = ir_vpair(c->b, mmx_q(c, half ? 8 : 4), zero);
    Val x = ir_vpair(c->b, mmx_get(c, c->reg), zero);
    Val r = unpackl(c->b, (Lane)c->row->arg, x, y);
    return mmx_set(c, c->reg, ir_vget(c->b, L64, r, half));
}

bool sse_unpackl(X86Ctx *c)
{
    return is_mmx(c) ? mmx_unpack(c, 0) : sse_binary(c, unpackl);
}

bool sse_unpackh(X86Ctx *c)
{
    return is_mmx(c) ? mmx_unpack(c, 1) : sse_binary(c, unpackh);
}

static Val shufb(Ir *b, Lane l, Val x, Val m)
{
    (void)l;
    return ir_vshuf_by(b, x, x, ir_vand(b, L8, m, splat(b, L8, 0x8f)));
}

bool sse_pshufb(X86Ctx *c)
{
    if (!is_mmx(c)) {
        return sse_binary(c, shufb);
    }
    Val m = ir_vpair(c->b, mmx_q(c, 8), ir_i64(c->b, 0));
    Val q = mmx_get(c, c->reg);
    Val r = shufb(c->b, L8, ir_vpair(c->b, q, q), m);
    return mmx_set(c, c->reg, ir_vget(c->b, L64, r, 0));
}

/* Bytes from imm on of dest:source. */
static Val align_right(Ir *b, Val x, Val y, unsigned n, unsigned len)
{
    u8 bytes[16];

    for (unsigned i = 0; i < 16; i++) {
        bytes[i] = i + n < 2 * len ? (u8)(i + n) : ZERO_LANE;
    }
    return sse_pick(b, L8, y, x, bytes);
}

bool sse_palignr(X86Ctx *c)
{
    Wide w = { { { 0 } } };
    unsigned n = c->imm & 255;

    if (is_mmx(c)) {
        Val v = ir_vpair(c->b, mmx_q(c, 8), mmx_get(c, c->reg));
        v = align_right(c->b, v, v, n, 8);
        return mmx_set(c, c->reg, ir_vget(c->b, L64, v, 0));
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_w(c, h);
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = align_right(c->b, sse_src1(c, h), w.v[h], n, 16);
    }
    return sse_set(c, c->reg, w);
}

bool sse_mpsadbw(X86Ctx *c)
{
    Wide w = { { { 0 } } };

    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_w(c, h);
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = IR_CALL(c->b, &helper_vec_mpsadbw, sse_src1(c, h), w.v[h],
                         ir_i32(c->b, c->imm >> h * 3 & 7));
    }
    return sse_set(c, c->reg, w);
}

/* ---- shifts ------------------------------------------------------------- */

static Val shifted(Ir *b, u32 kind, Val x, unsigned n)
{
    Lane l = (Lane)(kind & 3);
    unsigned bits = 8u << l;

    if (kind & SHIFT_ARITH) {
        return ir_vsar(b, l, x, MIN(n, bits - 1));
    }
    if (n >= bits) {
        return ir_v128(b, 0, 0);
    }
    return kind & SHIFT_RIGHT ? ir_vshr(b, l, x, n) : ir_vshl(b, l, x, n);
}

/* The operand that rm names is the source; legacy: the destination too. */
bool sse_shift_imm(X86Ctx *c)
{
    Wide w = { { { 0 } } };
    unsigned n = c->imm & 255;

    if (is_mmx(c)) {
        Val q = mmx_get(c, c->rm & 7);
        q = shifted(c->b, c->row->arg, ir_vpair(c->b, q, ir_i64(c->b, 0)), n);
        return mmx_set(c, c->rm & 7, ir_vget(c->b, L64, q, 0));
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = shifted(c->b, c->row->arg, sse_reg(c, c->rm, h), n);
    }
    return sse_set(c, c->vex ? c->vvvv : c->rm, w);
}

bool sse_shift_bytes(X86Ctx *c)
{
    Wide w = { { { 0 } } };
    unsigned n = MIN(c->imm & 255, 16);
    u8 bytes[16];

    for (unsigned i = 0; i < 16; i++) {
        unsigned from = c->row->arg ? i - n : i + n;
        bytes[i] = from < 16 ? (u8)from : ZERO_LANE;
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        Val x = sse_reg(c, c->rm, h);
        w.v[h] = sse_pick(c->b, L8, x, x, bytes);
    }
    return sse_set(c, c->vex ? c->vvvv : c->rm, w);
}

/* The count is the low 64 bits of W, for both halves. */
bool sse_shift(X86Ctx *c)
{
    Val kind = ir_i32(c->b, c->row->arg);
    Wide w = { { { 0 } } };

    if (is_mmx(c)) {
        Val n = mmx_q(c, 8);
        Val x = ir_vpair(c->b, mmx_get(c, c->reg), ir_i64(c->b, 0));
        x = IR_CALL(c->b, &helper_vec_shift_by, x, n, kind);
        return mmx_set(c, c->reg, ir_vget(c->b, L64, x, 0));
    }
    Val n = ir_vget(c->b, L64, sse_w(c, 0), 0);
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = IR_CALL(c->b, &helper_vec_shift_by, sse_src1(c, h), n, kind);
    }
    return sse_set(c, c->reg, w);
}

/* ---- widening moves ----------------------------------------------------- */

static bool widened(X86Ctx *c, IrVec1 *op)
{
    Lane l = (Lane)(c->row->arg & 3);
    unsigned steps = c->row->arg >> 4;
    unsigned bytes = 16u >> steps;              /* of source for each half */
    Wide w = { { { 0 } } };

    w.v[0] = sse_part(c, bytes * sse_halves(c));
    if (sse_halves(c) == 2) {
        u8 from[16] = { 0 };
        for (unsigned i = 0; i < bytes; i++) {
            from[i] = (u8)(bytes + i);
        }
        w.v[1] = sse_pick(c->b, L8, w.v[0], w.v[0], from);
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        for (unsigned s = 0; s < steps; s++) {
            w.v[h] = op(c->b, (Lane)(l + s), w.v[h]);
        }
    }
    return sse_set(c, c->reg, w);
}

bool sse_pmovsx(X86Ctx *c) { return widened(c, ir_vsxl); }
bool sse_pmovzx(X86Ctx *c) { return widened(c, ir_vzxl); }

/* ---- to flags and general registers ------------------------------------- */

/* EFLAGS: ZF if v is zero, CF if w is; the other four are zero. */
static void set_zf_cf(X86Ctx *c, Val z, Val cf)
{
    Val zero = ir_i64(c->b, 0);
    Val zf = ir_shl(c->b, ir_set(c->b, EQ, z, zero), ir_i32(c->b, 6));

    x86_flags_all(c, ir_or(c->b, zf, ir_set(c->b, EQ, cf, zero)));
}

static Val any_bits(X86Ctx *c, Val v)
{
    return ir_or(c->b, ir_vget(c->b, L64, v, 0), ir_vget(c->b, L64, v, 1));
}

/* PTEST (arg L8), VTESTPS and VTESTPD, which look at signs of arg's lanes. */
bool sse_ptest(X86Ctx *c)
{
    Val both = ir_i64(c->b, 0), only = both;
    Lane l = (Lane)c->row->arg;

    for (unsigned h = 0; h < sse_halves(c); h++) {
        Val y = sse_w(c, h), x = sse_reg(c, c->reg, h);
        Val z = ir_vand(c->b, L64, y, x), k = ir_vandn(c->b, L64, y, x);
        if (l != L8) {
            Val sign = splat(c->b, l, BIT((8u << l) - 1));
            z = ir_vand(c->b, L64, z, sign);
            k = ir_vand(c->b, L64, k, sign);
        }
        both = ir_or(c->b, both, any_bits(c, z));
        only = ir_or(c->b, only, any_bits(c, k));
    }
    set_zf_cf(c, both, only);
    return true;
}

/* The signs of eight bytes: one product moves bit 8 n + 7 to bit 56 + n. */
static Val byte_signs(X86Ctx *c, Val x)
{
    x = ir_shr(c->b, x, ir_i64(c->b, 7));
    x = ir_and(c->b, x, ir_i64(c->b, 0x0101010101010101));
    x = ir_mul(c->b, x, ir_i64(c->b, 0x0102040810204080));
    return ir_shr(c->b, x, ir_i64(c->b, 56));
}

bool sse_pmovmskb(X86Ctx *c)
{
    Val r;

    if (is_mmx(c)) {
        r = byte_signs(c, mmx_get(c, c->rm & 7));
        mmx_enter(c);
        x86_set(c, 8, c->reg, r);
        return true;
    }
    r = ir_i64(c->b, 0);
    for (unsigned n = 0; n < 2 * sse_halves(c); n++) {
        Val x = ir_vget(c->b, L64, sse_reg(c, c->rm, n / 2), n % 2);
        Val s = byte_signs(c, x);
        r = ir_or(c->b, r, ir_shl(c->b, s, ir_i64(c->b, n * 8)));
    }
    x86_set(c, 8, c->reg, r);
    return true;
}

/* ---- strings ------------------------------------------------------------ */

/* Length in EAX, EDX: its magnitude, at most 16. */
static Val length(X86Ctx *c, unsigned n)
{
    Val v = c->rexw ? x86_get(c, 8, n)
                    : ir_sext(c->b, x86_get(c, 4, n));
    Val zero = ir_i64(c->b, 0), most = ir_i64(c->b, 16);

    v = ir_select(c->b, LT, v, zero, ir_neg(c->b, v), v);
    return ir_trunc(c->b, ir_select(c->b, LTU, v, most, v, most));
}

bool sse_pcmpstr(X86Ctx *c)
{
    u32 how = (u32)(c->imm & 255) | c->row->arg << 8;
    Val w = x86_get_w(c, 0, true), lengths = ir_i32(c->b, 0);

    if (!(c->row->arg & PCMP_IMPLICIT)) {
        lengths = ir_or(c->b, length(c, RAX),
                        ir_shl(c->b, length(c, RDX), ir_i32(c->b, 8)));
    }
    Val r = IR_CALL(c->b, &helper_vec_string, x86_xmm(c, c->reg), w,
                    ir_i32(c->b, how), lengths);
    Val result = ir_trunc(c->b, r);
    if (c->row->arg & PCMP_MASK) {
        Val m = IR_CALL(c->b, &helper_vec_string_mask, result,
                        ir_i32(c->b, how));
        x86_set_xmm(c, 0, m);
    } else {
        x86_set(c, 4, RCX, result);
    }
    x86_flags_all(c, ir_trunc(c->b, ir_shr(c->b, r, ir_i64(c->b, 32))));
    return true;
}

/* ---- SSE4A -------------------------------------------------------------- */

/* len and pos of a field, 6 bits each; len 0 means 64. */
static Val field_mask(X86Ctx *c, Val len)
{
    Val n = ir_and(c->b, ir_sub(c->b, ir_i64(c->b, 64), len),
                   ir_i64(c->b, 63));
    return ir_shr(c->b, ir_i64(c->b, ~0ull), n);
}

/* By immediates (arg 1) or by the low 14 bits of the second operand. */
static void field_of(X86Ctx *c, Val word, Val *len, Val *pos)
{
    if (c->row->arg) {
        *len = ir_i64(c->b, c->imm & 63);
        *pos = ir_i64(c->b, c->imm2 & 63);
    } else {
        *len = ir_extract(c->b, word, 0, 6);
        *pos = ir_extract(c->b, word, 8, 6);
    }
}

bool sse_extrq(X86Ctx *c)
{
    unsigned dest = c->row->arg ? c->rm : c->reg;
    Val len, pos, word = ir_vget(c->b, L64, x86_xmm(c, c->rm), 0);

    field_of(c, word, &len, &pos);
    Val x = ir_vget(c->b, L64, x86_xmm(c, dest), 0);
    x = ir_and(c->b, ir_shr(c->b, x, pos), field_mask(c, len));
    x86_set_xmm(c, dest, ir_vpair(c->b, x, ir_i64(c->b, 0)));
    return true;
}

bool sse_insertq(X86Ctx *c)
{
    Val y = x86_xmm(c, c->rm), len, pos;

    field_of(c, ir_vget(c->b, L64, y, 1), &len, &pos);
    Val mask = field_mask(c, len), x = sse_lane(c, I64, x86_xmm(c, c->reg), 0);
    Val v = ir_and(c->b, ir_vget(c->b, L64, y, 0), mask);
    x = ir_and(c->b, x, ir_not(c->b, ir_shl(c->b, mask, pos)));
    x = ir_or(c->b, x, ir_shl(c->b, v, pos));
    return sse_set1(c, ir_vpair(c->b, x, ir_i64(c->b, 0)));
}
