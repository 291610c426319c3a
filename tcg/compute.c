/* SPDX-License-Identifier: MIT */
/*
 * The meaning of every pure operation, once: for folding, the evaluator, the
 * back end's rare operations and the tests.
 */
#include <assert.h>
#include "tcg/ir.h"

static u64 trim(Type t, u64 v)
{
    return t == I32 ? (u32)v : v;
}

/* Flag word of a result r with carry c and overflow v. */
static u32 flag_word(Type t, u64 r, bool c, bool v)
{
    unsigned top = t == I32 ? 31 : 63;

    return (trim(t, r) == 0 ? FLAG_Z : 0) | (r >> top & 1 ? FLAG_N : 0)
         | (c ? FLAG_C : 0) | (v ? FLAG_V : 0)
         | (__builtin_parity((u8)r) ? 0 : FLAG_P);
}

static u32 add_flags(Type t, u64 a, u64 b, u64 carry)
{
    u64 r = trim(t, a + b + carry);
    unsigned top = t == I32 ? 31 : 63;
    bool c = carry ? r <= a : r < a;
    u32 f = flag_word(t, r, c, (~(a ^ b) & (a ^ r)) >> top & 1);

    return f | ((a ^ b ^ r) & 0x10 ? FLAG_A : 0);
}

static u32 sub_flags(Type t, u64 a, u64 b, u64 borrow)
{
    u64 r = trim(t, a - b - borrow);
    unsigned top = t == I32 ? 31 : 63;
    bool c = borrow ? a <= b : a < b;
    u32 f = flag_word(t, r, c, ((a ^ b) & (a ^ r)) >> top & 1);

    return f | ((a ^ b ^ r) & 0x10 ? FLAG_A : 0);
}

static bool flag_cond(u32 f, FlagCond fc)
{
    bool n = f & FLAG_N, z = f & FLAG_Z, c = f & FLAG_C, v = f & FLAG_V;

    switch (fc) {
    case FC_Z:  return z;
    case FC_NZ: return !z;
    case FC_C:  return c;
    case FC_NC: return !c;
    case FC_N:  return n;
    case FC_NN: return !n;
    case FC_V:  return v;
    case FC_NV: return !v;
    case FC_HI: return c && !z;
    case FC_LS: return !c || z;
    case FC_GE: return n == v;
    case FC_LT: return n != v;
    case FC_GT: return !z && n == v;
    case FC_LE: return z || n != v;
    }
    return false;
}

static bool holds(Type t, Cond cc, u64 a, u64 b)
{
    i64 sa = t == I32 ? (i32)a : (i64)a, sb = t == I32 ? (i32)b : (i64)b;

    switch (cc) {
    case EQ:  return a == b;
    case NE:  return a != b;
    case LT:  return sa < sb;
    case GE:  return sa >= sb;
    case LE:  return sa <= sb;
    case GT:  return sa > sb;
    case LTU: return a < b;
    case GEU: return a >= b;
    case LEU: return a <= b;
    case GTU: return a > b;
    }
    return false;
}

static u64 high(Type t, u64 a, u64 b, bool is_signed)
{
    if (t == I32) {
        return is_signed ? (u64)((i64)(i32)a * (i32)b) >> 32 : a * b >> 32;
    }
    return is_signed ? (u64)((i128)(i64)a * (i64)b >> 64)
                     : (u64)((u128)a * b >> 64);
}

static u64 divide(Type t, u64 a, u64 b)
{
    i64 sa = t == I32 ? (i32)a : (i64)a, sb = t == I32 ? (i32)b : (i64)b;

    return sb == 0 ? 0 : sb == -1 ? 0 - (u64)sa : (u64)(sa / sb);
}

static u64 shift(const Ins *i, Type t, u64 a, u64 b)
{
    unsigned width = t == I32 ? 32 : 64;
    unsigned n = b & (width - 1);

    switch (i->op) {
    case IR_shl: return a << n;
    case IR_shr: return a >> n;
    case IR_sar: return (u64)((t == I32 ? (i32)a : (i64)a) >> n);
    default:     return n ? a >> n | a << (width - n) : a;
    }
}

static u64 count(const Ins *i, Type t, u64 a)
{
    unsigned width = t == I32 ? 32 : 64;

    if (a == 0) {
        return width;
    }
    return i->op == IR_clz ? (u64)__builtin_clzll(a) - (64 - width)
                           : (u64)__builtin_ctzll(a);
}

static u64 compute(const Ins *i, Type t, u64 a, u64 b, u64 c, u64 d)
{
    int pos = i->imm & 0xff, len = (int)(i->imm >> 8);

    switch (i->op) {
    case IR_const:   return i->imm;
    case IR_add:     return a + b;
    case IR_sub:     return a - b;
    case IR_mul:     return a * b;
    case IR_mulhu:   return high(t, a, b, false);
    case IR_mulhs:   return high(t, a, b, true);
    case IR_udiv:    return b ? a / b : 0;
    case IR_sdiv:    return divide(t, a, b);
    case IR_and:     return a & b;
    case IR_or:      return a | b;
    case IR_xor:     return a ^ b;
    case IR_shl: case IR_shr: case IR_sar: case IR_ror:
        return shift(i, t, a, b);
    case IR_clz: case IR_ctz:
        return count(i, t, a);
    case IR_bswap:
        return t == I32 ? __builtin_bswap32((u32)a) : __builtin_bswap64(a);
    case IR_trunc:   return a;
    case IR_zext:    return (u32)a;
    case IR_sext:    return (u64)(i64)(i32)a;
    case IR_extract: return a >> pos & MASK(len);
    case IR_sextract: return (u64)sext(a >> pos, len);
    case IR_deposit: return deposit(a, pos, len, b);
    case IR_set:     return holds(t, (Cond)i->sub, a, b);
    case IR_select:  return holds(t, (Cond)i->sub, a, b) ? c : d;
    case IR_addf:    return add_flags(t, a, b, 0);
    case IR_subf:    return sub_flags(t, a, b, 0);
    case IR_adcf:    return add_flags(t, a, b, c & 1);
    case IR_sbcf:    return sub_flags(t, a, b, c & 1);
    case IR_logicf:  return flag_word(t, a, false, false);
    case IR_notc:    return a ^ FLAG_C;
    case IR_packf:
        return (a & FLAG_N ? 1u << 31 : 0) | (a & FLAG_Z ? 1u << 30 : 0)
             | (a & FLAG_C ? 1u << 29 : 0) | (a & FLAG_V ? 1u << 28 : 0);
    case IR_unpackf:
        return (a >> 31 & 1 ? FLAG_N : 0) | (a >> 30 & 1 ? FLAG_Z : 0)
             | (a >> 29 & 1 ? FLAG_C : 0) | (a >> 28 & 1 ? FLAG_V : 0);
    case IR_fcond:   return flag_cond((u32)a, (FlagCond)i->sub);
    case IR_bitsof:  return a;
    }
    assert(!"an integer operation");
    return 0;
}

u64 ir_compute(const Ins *i, Type operand, u64 a, u64 b, u64 c, u64 d)
{
    Type t = i->type == F32 ? I32 : (Type)i->type;

    return trim(t, compute(i, operand, a, b, c, d));
}

/* ---- vectors ------------------------------------------------------------ */

static u64 lane(const Vec *v, u32 size, u32 n)
{
    switch (size) {
    case 1:  return v->b[n];
    case 2:  return v->h[n];
    case 4:  return v->w[n];
    default: return v->d[n];
    }
}

static void set_lane(Vec *v, u32 size, u32 n, u64 x)
{
    switch (size) {
    case 1:  v->b[n] = (u8)x; break;
    case 2:  v->h[n] = (u16)x; break;
    case 4:  v->w[n] = (u32)x; break;
    default: v->d[n] = x; break;
    }
}

static u64 saturate(i64 v, u32 width, bool is_signed)
{
    i64 max = (i64)MASK(is_signed ? width - 1 : width);
    i64 min = is_signed ? -max - 1 : 0;

    return (u64)(v < min ? min : v > max ? max : v);
}

/* One lane of an element-wise operation; width in bits. */
static u64 element(const Ins *i, u32 width, u64 a, u64 b)
{
    i64 sa = sext(a, (int)width), sb = sext(b, (int)width);

    switch (i->op) {
    case IR_vadd:   return a + b;
    case IR_vsub:   return a - b;
    case IR_vmul:   return a * b;
    case IR_vsmin:  return sa < sb ? a : b;
    case IR_vsmax:  return sa > sb ? a : b;
    case IR_vumin:  return a < b ? a : b;
    case IR_vumax:  return a > b ? a : b;
    case IR_vsqadd: return saturate(sa + sb, width, true);
    case IR_vuqadd: return saturate((i64)(a + b), width, false);
    case IR_vsqsub: return saturate(sa - sb, width, true);
    case IR_vuqsub: return saturate((i64)a - (i64)b, width, false);
    case IR_vceq:   return a == b ? ~0ull : 0;
    case IR_vcgt:   return sa > sb ? ~0ull : 0;
    case IR_vcgtu:  return a > b ? ~0ull : 0;
    case IR_vabs:   return sa < 0 ? 0 - a : a;
    case IR_vshl:   return a << i->imm;
    case IR_vshr:   return a >> i->imm;
    case IR_vsar:   return (u64)(sa >> i->imm);
    }
    assert(!"a lane-wise operation");
    return 0;
}

/* Lanes of the low half become lanes of twice the size. */
static Vec widen(const Ins *i, Vec a, Vec b)
{
    u32 size = 1u << i->sub;
    Vec r = { .d = { 0, 0 } };

    for (u32 n = 0; n < 8 / size; n++) {
        u64 x = lane(&a, size, n), y = lane(&b, size, n);
        u64 sx = (u64)sext(x, (int)size * 8), sy = (u64)sext(y, (int)size * 8);
        set_lane(&r, 2 * size, n,
                 i->op == IR_vsxl ? sx : i->op == IR_vzxl ? x
                 : i->op == IR_vsmull ? sx * sy : x * y);
    }
    return r;
}

static Vec shuffle(Vec a, Vec b, Vec mask)
{
    Vec r;

    for (u32 n = 0; n < 16; n++) {
        u8 m = mask.b[n];
        r.b[n] = m & 0x80 ? 0 : m & 16 ? b.b[m & 15] : a.b[m & 15];
    }
    return r;
}

Vec ir_compute_vec(const Ins *i, Vec a, Vec b, Vec c)
{
    u32 size = 1u << i->sub;
    Vec r = a;

    switch (i->op) {
    case IR_vlow:
    case IR_vget:
        r.d[0] = i->op == IR_vget ? lane(&a, size, (u32)i->imm)
               : i->type == F32 ? a.w[0] : a.d[0];
        r.d[1] = 0;
        return r;
    case IR_vzext:
        r.d[1] = 0;
        return r;
    case IR_vpair:
        r.d[1] = b.d[0];
        return r;
    case IR_vins:
        set_lane(&r, size, (u32)i->imm, b.d[0]);
        return r;
    case IR_vand:  return (Vec) { .v = a.v & b.v };
    case IR_vandn: return (Vec) { .v = a.v & ~b.v };
    case IR_vor:   return (Vec) { .v = a.v | b.v };
    case IR_vxor:  return (Vec) { .v = a.v ^ b.v };
    case IR_vsxl: case IR_vzxl: case IR_vsmull: case IR_vumull:
        return widen(i, a, b);
    case IR_vshuf:
        return shuffle(a, b, c);
    }
    for (u32 n = 0; n < 16 / size; n++) {
        set_lane(&r, size, n, i->op == IR_vdup ? a.d[0]
                 : element(i, size * 8, lane(&a, size, n), lane(&b, size, n)));
    }
    return r;
}
