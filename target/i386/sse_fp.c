/* SPDX-License-Identifier: MIT */
/*
 * Floating point of SSE, AVX, FMA and F16C.
 * SDM volume 2, the instructions' pages; volume 1, 11.5 and 14.5.
 *
 * Scalar forms (SCALAR in a row's arg) work on F32 and F64 values, the others
 * on vectors; conversions, which the IR has for scalars only, lane by lane.
 */
#include "target/i386/sse.h"

static Type float_of(const X86Ctx *c)
{
    return (c->row->arg & 3) == L64 ? F64 : F32;
}

static Val sign_bits(Ir *b, Lane l)
{
    return l == L64 ? ir_v128(b, BIT(63), BIT(63))
                    : ir_v128(b, BIT(63) | BIT(31), BIT(63) | BIT(31));
}

/* ---- arithmetic --------------------------------------------------------- */

static bool arith(X86Ctx *c, IrVec2 *vector, IrBinary *scalar)
{
    if (!(c->row->arg & SCALAR)) {
        return sse_fbinary(c, vector);
    }
    sse_fbegin(c);
    Val y = sse_low(c, float_of(c));
    Val x = sse_lane(c, float_of(c), sse_src1(c, 0), 0);
    Val r = scalar(c->b, x, y);
    sse_fend(c);
    return sse_set_low(c, r);
}

static Val lesser(Ir *b, Lane l, Val x, Val y)
{
    return sse_blend(b, ir_vfcgt(b, l, y, x), x, y);
}

static Val greater(Ir *b, Lane l, Val x, Val y)
{
    return sse_blend(b, ir_vfcgt(b, l, x, y), x, y);
}

/* With DAZ equal to zero is what is subnormal, and becomes zero. */
static Val flushed(Ir *b, Lane l, Val r)
{
    Val none = ir_vfceq(b, l, r, ir_v128(b, 0, 0));
    return ir_vandn(b, l, r, ir_vandn(b, l, none, sign_bits(b, l)));
}

static Val flushed_lesser(Ir *b, Lane l, Val x, Val y)
{
    return flushed(b, l, lesser(b, l, x, y));
}

static Val flushed_greater(Ir *b, Lane l, Val x, Val y)
{
    return flushed(b, l, greater(b, l, x, y));
}

bool sse_add(X86Ctx *c) { return arith(c, ir_vfadd, ir_fadd); }
bool sse_sub(X86Ctx *c) { return arith(c, ir_vfsub, ir_fsub); }
bool sse_mul(X86Ctx *c) { return arith(c, ir_vfmul, ir_fmul); }
bool sse_div(X86Ctx *c) { return arith(c, ir_vfdiv, ir_fdiv); }

bool sse_min(X86Ctx *c)
{
    return arith(c, c->key & KEY_DAZ ? flushed_lesser : lesser, ir_fmin);
}

bool sse_max(X86Ctx *c)
{
    return arith(c, c->key & KEY_DAZ ? flushed_greater : greater, ir_fmax);
}

bool sse_sqrt(X86Ctx *c)
{
    if (!(c->row->arg & SCALAR)) {
        return sse_funary(c, ir_vfsqrt);
    }
    sse_fbegin(c);
    Val r = ir_fsqrt(c->b, sse_low(c, float_of(c)));
    sse_fend(c);
    return sse_set_low(c, r);
}

static bool estimate(X86Ctx *c, u32 root)
{
    Wide w = { { { 0 } } };
    Val how = ir_i32(c->b, root);

    if (c->row->arg & SCALAR) {
        Val x = IR_CALL(c->b, &helper_sse_estimate, sse_part(c, 4), how);
        return sse_set_low(c, sse_lane(c, F32, x, 0));
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_w(c, h);
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = IR_CALL(c->b, &helper_sse_estimate, w.v[h], how);
    }
    return sse_set(c, c->reg, w);
}

bool sse_rcp(X86Ctx *c) { return estimate(c, 0); }
bool sse_rsqrt(X86Ctx *c) { return estimate(c, 1); }

/* ---- comparisons -------------------------------------------------------- */

/* Masks of x compared with y; inverted from predicate 4 on. */
static Val in_line(Ir *b, Lane l, unsigned predicate, Val x, Val y)
{
    Val r = (predicate & 3) == 0 ? ir_vfceq(b, l, x, y)
          : (predicate & 3) == 1 ? ir_vfcgt(b, l, y, x)
                                 : ir_vfcge(b, l, y, x);
    return predicate & 4 ? sse_not(b, r) : r;
}

static Val compared(X86Ctx *c, Lane l, Val x, Val y, unsigned lanes)
{
    unsigned predicate = c->imm & (c->vex ? 31 : 7);

    if (predicate < 8 && (predicate & 3) != 3) {
        return in_line(c->b, l, predicate, x, y);
    }
    if ((predicate & ~4u) == 3 && x.id == y.id) {       /* a NaN, or none */
        return in_line(c->b, l, predicate == 3 ? 4 : 0, x, y);
    }
    u32 how = predicate | (l == L64) << 8 | lanes << 9;
    return IR_CALL(c->b, &helper_sse_compare, x, y, ir_i32(c->b, how));
}

bool sse_cmp(X86Ctx *c)
{
    Lane l = (Lane)(c->row->arg & 3);
    Wide w = { { { 0 } } };

    sse_fbegin(c);
    if (c->row->arg & SCALAR) {
        Val y = sse_low(c, float_of(c));
        Val x = sse_lane(c, float_of(c), sse_src1(c, 0), 0);
        Val vx = ir_vzext(c->b, x), vy = ir_vzext(c->b, y);
        Val r = compared(c, l, vx, vy, 1);
        sse_fend(c);
        return sse_set_low(c, sse_lane(c, int_of(float_of(c)), r, 0));
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_w(c, h);
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = compared(c, l, sse_src1(c, h), w.v[h], 16u >> l);
    }
    sse_fend(c);
    return sse_set(c, c->reg, w);
}

/*
 * COMISS and its kin: unordered ZF PF CF, less CF, equal ZF.  FCMPF's word has
 * V for unordered and N for less.
 */
bool sse_comi(X86Ctx *c)
{
    Ir *b = c->b;

    sse_fbegin(c);
    Val y = sse_low(c, float_of(c));
    Val x = sse_lane(c, float_of(c), x86_xmm(c, c->reg), 0);
    Val w = ir_fcmpf(b, x, y, !(c->row->arg & COMI_QUIET));
    sse_fend(c);
    Val zf = ir_or(b, w, ir_shl(b, w, ir_i32(b, 14)));
    Val cf = ir_or(b, ir_shr(b, w, ir_i32(b, 7)), ir_shl(b, w, ir_i32(b, 8)));
    zf = ir_and(b, zf, ir_i32(b, FLAG_Z));
    cf = ir_and(b, cf, ir_i32(b, FLAG_C));
    x86_flags_nzcv(c, ir_or(b, zf, cf));
    Val ordered = ir_xor(b, ir_and(b, w, ir_i32(b, FLAG_V)), ir_i32(b, FLAG_V));
    x86_flags_pf(c, ordered);
    x86_flags_af(c, ir_i32(b, 0));
    return true;
}

/* ---- neighbours --------------------------------------------------------- */

static Val hadd(Ir *b, Lane l, Val x, Val y)
{
    return ir_vfadd(b, l, sse_unzip(b, l, x, y, 0), sse_unzip(b, l, x, y, 1));
}

static Val hsub(Ir *b, Lane l, Val x, Val y)
{
    return ir_vfsub(b, l, sse_unzip(b, l, x, y, 0), sse_unzip(b, l, x, y, 1));
}

/* Even lanes subtracted, odd ones added: of zeros where they do not count. */
static Val addsub(Ir *b, Lane l, Val x, Val y)
{
    Val even = l == L64 ? ir_v128(b, ~0ull, 0)
                        : ir_v128(b, 0xffffffff, 0xffffffff);
    Val less = ir_vfsub(b, l, ir_vand(b, l, x, even), ir_vand(b, l, y, even));
    Val more = ir_vfadd(b, l, ir_vandn(b, l, x, even),
                        ir_vandn(b, l, y, even));
    return sse_blend(b, even, less, more);
}

bool sse_hadd(X86Ctx *c) { return sse_fbinary(c, hadd); }
bool sse_hsub(X86Ctx *c) { return sse_fbinary(c, hsub); }
bool sse_addsub(X86Ctx *c) { return sse_fbinary(c, addsub); }

/* The lanes of v whose bit of `keep` is set, +0 in the others. */
static Val kept(X86Ctx *c, Lane l, Val v, unsigned keep)
{
    u8 lanes[16];

    for (unsigned i = 0; i < 16u >> l; i++) {
        lanes[i] = keep >> i & 1 ? (u8)i : ZERO_LANE;
    }
    return sse_pick(c->b, l, v, v, lanes);
}

/* An unmasked exception of one step keeps the next from happening. */
static void next_step(X86Ctx *c)
{
    sse_fend(c);
    sse_fbegin(c);
}

/* Sums of lanes as DPPS adds them, (0 + 1) + (2 + 3), in lanes 0. */
static void total(X86Ctx *c, Lane l, Wide *w)
{
    Val z = ir_v128(c->b, 0, 0);

    for (unsigned n = 16u >> l; n > 1; n /= 2) {
        next_step(c);
        for (unsigned h = 0; h < sse_halves(c); h++) {
            w->v[h] = ir_vfadd(c->b, l, sse_unzip(c->b, l, w->v[h], z, 0),
                               sse_unzip(c->b, l, w->v[h], z, 1));
        }
    }
}

/* imm 7:4: which products count; 3:0: where the sum goes. */
bool sse_dp(X86Ctx *c)
{
    Lane l = (Lane)c->row->arg;
    unsigned from = c->imm >> 4 & 15, to = c->imm & 15;
    Wide w = { { { 0 } } };

    sse_fbegin(c);
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_w(c, h);
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        Val p = ir_vfmul(c->b, l, kept(c, l, sse_src1(c, h), from),
                         kept(c, l, w.v[h], from));
        w.v[h] = kept(c, l, p, from);
    }
    total(c, l, &w);
    sse_fend(c);
    for (unsigned h = 0; h < sse_halves(c); h++) {
        Val all = ir_vdup(c->b, l, ir_vget(c->b, l, w.v[h], 0));
        w.v[h] = kept(c, l, all, to);
    }
    return sse_set(c, c->reg, w);
}

/* ---- rounding and conversions ------------------------------------------- */

/* A function of a scalar, and what it needs to know. */
typedef Val LaneFn(X86Ctx *c, Val v, Type to);

/* Converts the first n lanes of x, of type `from`, to type `to`. */
static Val lanes(X86Ctx *c, LaneFn *fn, Val x, Type from, Type to, unsigned n)
{
    Val r = ir_v128(c->b, 0, 0);

    for (unsigned i = 0; i < n; i++) {
        Val v = sse_lane(c, from, x, i);
        r = sse_ins(c, r, i, fn(c, v, to));
    }
    return r;
}

static const u8 rounds[4] = { FR_EVEN, FR_DOWN, FR_UP, FR_ZERO };

static Val rounded(X86Ctx *c, Val v, Type to)
{
    unsigned mode = c->imm & 4 ? FR_DYN : rounds[c->imm & 3];

    (void)to;
    return ir_fround(c->b, v, mode | (c->imm & 8 ? 0 : FR_EXACT));
}

static Val from_int(X86Ctx *c, Val v, Type to)
{
    return ir_i2f(c->b, to, v, false);
}

static Val to_int(X86Ctx *c, Val v, Type to)
{
    return ir_f2i(c->b, to, v, c->row->arg & CVT_TRUNC ? FR_ZERO : FR_DYN);
}

static Val to_float(X86Ctx *c, Val v, Type to)
{
    return ir_f2f(c->b, to, v);
}

/* All lanes to ones of the same size. */
static bool same_size(X86Ctx *c, LaneFn *fn, Type from, Type to)
{
    unsigned n = 16 / size_of(from);
    Wide w = { { { 0 } } };

    sse_fbegin(c);
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_w(c, h);
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = lanes(c, fn, w.v[h], from, to, n);
    }
    sse_fend(c);
    return sse_set(c, c->reg, w);
}

/* Two or four lanes of 4 bytes to 8 bytes. */
static bool to_double(X86Ctx *c, LaneFn *fn, Type from)
{
    Wide w = { { { 0 } } };

    sse_fbegin(c);
    Val x = sse_part(c, 8 * sse_halves(c));
    for (unsigned h = 0; h < sse_halves(c); h++) {
        Val part = h ? sse_pick(c->b, L64, x, x, (const u8[]) { 1, 1 }) : x;
        w.v[h] = lanes(c, fn, part, from, F64, 2);
    }
    sse_fend(c);
    return sse_set(c, c->reg, w);
}

/* Two or four lanes of 8 bytes to 4 bytes; zeros above. */
static bool to_single(X86Ctx *c, LaneFn *fn, Type to)
{
    Wide w = { { { 0 } } };

    sse_fbegin(c);
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_w(c, h);
    }
    Val r = lanes(c, fn, w.v[0], F64, to, 2);
    if (sse_halves(c) == 2) {
        Val upper = lanes(c, fn, w.v[1], F64, to, 2);
        r = ir_vpair(c->b, ir_vget(c->b, L64, r, 0),
                     ir_vget(c->b, L64, upper, 0));
    }
    sse_fend(c);
    return sse_set1(c, r);
}

bool sse_round(X86Ctx *c)
{
    Type t = float_of(c);

    if (!(c->row->arg & SCALAR)) {
        return same_size(c, rounded, t, t);
    }
    sse_fbegin(c);
    Val r = rounded(c, sse_low(c, t), t);
    sse_fend(c);
    return sse_set_low(c, r);
}

bool sse_cvt_ps2pd(X86Ctx *c) { return to_double(c, to_float, F32); }
bool sse_cvt_dq2pd(X86Ctx *c) { return to_double(c, from_int, I32); }
bool sse_cvt_pd2ps(X86Ctx *c) { return to_single(c, to_float, F32); }
bool sse_cvt_pd2dq(X86Ctx *c) { return to_single(c, to_int, I32); }
bool sse_cvt_dq2ps(X86Ctx *c) { return same_size(c, from_int, I32, F32); }
bool sse_cvt_ps2dq(X86Ctx *c) { return same_size(c, to_int, F32, I32); }

/* CVTSS2SD, CVTSD2SS: arg is the source's. */
bool sse_cvt_f(X86Ctx *c)
{
    Type t = float_of(c);

    sse_fbegin(c);
    Val r = ir_f2f(c->b, t == F32 ? F64 : F32, sse_low(c, t));
    sse_fend(c);
    return sse_set_low(c, r);
}

bool sse_cvt_from_int(X86Ctx *c)
{
    sse_fbegin(c);
    Val v = x86_get_e(c, c->rexw ? 8 : 4, &(Val) { 0 });
    Val r = from_int(c, v, float_of(c));
    sse_fend(c);
    return sse_set_low(c, r);
}

bool sse_cvt_to_int(X86Ctx *c)
{
    unsigned size = c->rexw ? 8 : 4;

    sse_fbegin(c);
    Val r = to_int(c, sse_low(c, float_of(c)), type_of(size));
    sse_fend(c);
    x86_set(c, size, c->reg, r);
    return true;
}

/* CVTPI2PS, CVTPI2PD: two integers of MMX. */
bool sse_cvt_from_mmx(X86Ctx *c)
{
    Type t = float_of(c);

    sse_fbegin(c);
    Val q = ir_vpair(c->b, mmx_q(c, 8), ir_i64(c->b, 0));
    Val r = lanes(c, from_int, q, I32, t, 2);
    sse_fend(c);
    if (!is_mem(c) || t == F32) {
        mmx_enter(c);
    }
    if (t == F32) {
        Val low = ir_vget(c->b, L64, r, 0);
        r = sse_ins(c, x86_xmm(c, c->reg), 0, low);
    }
    return sse_set1(c, r);
}

bool sse_cvt_to_mmx(X86Ctx *c)
{
    Type t = float_of(c);

    sse_fbegin(c);
    Val x = t == F64 ? sse_w(c, 0) : sse_part(c, 8);
    Val r = lanes(c, to_int, x, t, I32, 2);
    sse_fend(c);
    return mmx_set(c, c->reg & 7, ir_vget(c->b, L64, r, 0));
}

/* VCVTPH2PS */
bool sse_half_load(X86Ctx *c)
{
    Wide w = { { { 0 } } };

    sse_fbegin(c);
    Val x = sse_part(c, 8 * sse_halves(c));
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = IR_CALL(c->b, &helper_sse_from_half,
                         ir_vget(c->b, L64, x, h));
    }
    sse_fend(c);
    return sse_set(c, c->reg, w);
}

/* VCVTPS2PH: to 64 or 128 bits of a register, zeros above, or of memory. */
bool sse_half_store(X86Ctx *c)
{
    Val r[2] = { ir_i64(c->b, 0), ir_i64(c->b, 0) }, addr = { 0 };
    unsigned bytes = sse_halves(c) * 8;

    if (is_mem(c)) {            /* flags change only if it can be stored */
        addr = x86_mem(c, bytes, true);
        IR_CALL(c->b, &helper_vec_mask_probe, addr,
                ir_v128(c->b, ~0ull, bytes == 16 ? ~0ull : 0),
                ir_i32(c->b, L64));
    }
    sse_fbegin(c);
    for (unsigned h = 0; h < sse_halves(c); h++) {
        r[h] = IR_CALL(c->b, &helper_sse_to_half, sse_reg(c, c->reg, h),
                       ir_i32(c->b, c->imm & 7));
    }
    sse_fend(c);
    Val v = ir_vpair(c->b, r[0], r[1]);
    if (!is_mem(c)) {
        x86_set_ymm(c, c->rm, v, ir_v128(c->b, 0, 0));
    } else {
        x86_store(c, addr, bytes, bytes == 16 ? v : r[0]);
    }
    return true;
}

/* ---- fused multiply-add ------------------------------------------------- */

/* x with the sign of lanes in `which` changed, but not of NaNs. */
static Val negated(Ir *b, Lane l, Val x, Val which)
{
    Val sign = sign_bits(b, l);
    u64 k = l == L64 ? 0x7ff0000000000000 : 0x7f8000007f800000;
    Val nan = ir_vcgt(b, l, ir_vandn(b, l, x, sign), ir_v128(b, k, k));
    return ir_vxor(b, l, x, ir_vandn(b, l, which, nan));
}

/*
 * Operands 1, 2, 3 in the order of the digits; FMA_NEG_* change signs.
 * `alternate`: signs of the addend to change besides.
 */
static void fma_operands(X86Ctx *c, unsigned h, Val w, Val alternate, Val v[3])
{
    Lane l = (Lane)(c->row->arg & 3);
    Val one = sse_reg(c, c->reg, h), two = sse_reg(c, c->vvvv, h);
    u32 arg = c->row->arg;

    switch (arg & FMA_ORDER) {
    case FMA_132:
        v[0] = one, v[1] = w, v[2] = two;
        break;
    case FMA_213:
        v[0] = two, v[1] = one, v[2] = w;
        break;
    default:
        v[0] = two, v[1] = w, v[2] = one;
        break;
    }
    if (arg & FMA_NEG_MUL) {
        v[0] = negated(c->b, l, v[0], sign_bits(c->b, l));
    }
    if (arg & FMA_NEG_ADD) {
        v[2] = negated(c->b, l, v[2], sign_bits(c->b, l));
    } else if (alternate.id) {
        v[2] = negated(c->b, l, v[2], alternate);
    }
}

static bool fma_vector(X86Ctx *c, Val alternate)
{
    Lane l = (Lane)(c->row->arg & 3);
    Wide w = { { { 0 } } };
    Val v[3];

    sse_fbegin(c);
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_w(c, h);
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        fma_operands(c, h, w.v[h], alternate, v);
        w.v[h] = ir_vffma(c->b, l, v[0], v[1], v[2]);
    }
    sse_fend(c);
    return sse_set(c, c->reg, w);
}

bool sse_fma(X86Ctx *c)
{
    Type t = float_of(c);
    Val v[3];

    if (!(c->row->arg & SCALAR)) {
        return fma_vector(c, (Val) { 0 });
    }
    sse_fbegin(c);
    fma_operands(c, 0, sse_part(c, size_of(t)), (Val) { 0 }, v);
    for (unsigned i = 0; i < 3; i++) {
        v[i] = sse_lane(c, t, v[i], 0);
    }
    Val r = ir_ffma(c->b, v[0], v[1], v[2]);
    sse_fend(c);
    return sse_set1(c, sse_ins(c, x86_xmm(c, c->reg), 0, r));
}

/* FMADDSUB; with SCALAR in its place, FMSUBADD. */
bool sse_fma_alt(X86Ctx *c)
{
    bool odd = c->row->arg & SCALAR;
    u64 one = BIT((c->row->arg & 3) == L64 ? 63 : odd ? 63 : 31);
    Val which = (c->row->arg & 3) == L32 ? ir_v128(c->b, one, one)
              : odd ? ir_v128(c->b, 0, one) : ir_v128(c->b, one, 0);

    return fma_vector(c, which);
}
