/* SPDX-License-Identifier: MIT */
/*
 * Shifts, rotates, multiplication, division and decimal adjustment.
 * Reference: SDM volume 2.  Flags that it leaves undefined are as on the CPUs
 * this was tested on.
 */
#include "target/i386/translate.h"

static Val k32(X86Ctx *c, u32 v) { return ir_i32(c->b, v); }
static Val k64(X86Ctx *c, u64 v) { return ir_i64(c->b, v); }

/* ---- shifts and rotates ------------------------------------------------- */

enum { ROL, ROR, RCL, RCR, SHL, SHR, SAL, SAR };

typedef struct Shift {
    unsigned size;
    Val x, n;                   /* n: I32, masked */
    Val wide_n;                 /* of x's type */
    Val cf, of;                 /* I32 0 or 1 */
} Shift;

static Val shift_const(X86Ctx *c, const Shift *s, u64 v)
{
    return ir_const(c->b, type_of(s->size), v);
}

static Val less_one(X86Ctx *c, const Shift *s)
{
    return ir_sub(c->b, s->wide_n, shift_const(c, s, 1));
}

static Val bit0(X86Ctx *c, const Shift *s, Val v)
{
    v = ir_and(c->b, v, shift_const(c, s, 1));
    return s->size == 8 ? ir_trunc(c->b, v) : v;
}

static Val below_top(X86Ctx *c, unsigned size, Val v)
{
    v = ir_extract(c->b, v, size * 8 - 2, 1);
    return size == 8 ? ir_trunc(c->b, v) : v;
}

static Val shl(X86Ctx *c, Shift *s)
{
    Ir *b = c->b;
    Val v = ir_shl(b, s->x, s->wide_n), r = x86_cut(c, s->size, v);

    if (s->size < 4) {
        s->cf = ir_extract(b, v, s->size * 8, 1);
    } else {
        Val up = ir_sub(b, shift_const(c, s, s->size * 8), s->wide_n);
        s->cf = bit0(c, s, ir_shr(b, s->x, up));
    }
    s->of = ir_xor(b, x86_top(c, s->size, r), s->cf);
    return r;
}

static Val shr(X86Ctx *c, Shift *s)
{
    Val r = ir_shr(c->b, s->x, s->wide_n);

    s->cf = bit0(c, s, ir_shr(c->b, s->x, less_one(c, s)));
    s->of = below_top(c, s->size, r);
    return r;
}

static Val sar(X86Ctx *c, Shift *s)
{
    Val x = s->x;

    if (s->size < 4) {
        x = ir_sextract(c->b, x, 0, s->size * 8);
    }
    s->cf = bit0(c, s, ir_sar(c->b, x, less_one(c, s)));
    s->of = k32(c, 0);
    return x86_cut(c, s->size, ir_sar(c->b, x, s->wide_n));
}

/* x, repeated to 32 bits. */
static Val repeated(X86Ctx *c, const Shift *s)
{
    return s->size == 1 ? ir_mul(c->b, s->x, k32(c, 0x01010101))
         : s->size == 2 ? ir_mul(c->b, s->x, k32(c, 0x00010001)) : s->x;
}

static Val rol(X86Ctx *c, Shift *s)
{
    Val n = ir_neg(c->b, s->wide_n);
    Val r = x86_cut(c, s->size, ir_ror(c->b, repeated(c, s), n));

    s->cf = bit0(c, s, r);
    s->of = ir_xor(c->b, x86_top(c, s->size, r), s->cf);
    return r;
}

static Val ror(X86Ctx *c, Shift *s)
{
    Val r = x86_cut(c, s->size, ir_ror(c->b, repeated(c, s), s->wide_n));

    s->cf = x86_top(c, s->size, r);
    s->of = ir_xor(c->b, s->cf, below_top(c, s->size, r));
    return r;
}

/* One step of a rotation through the carry. */
static Val rcl1(X86Ctx *c, Shift *s)
{
    Ir *b = c->b;
    Val in = x86_to(c, 4, s->size == 8 ? 8 : 4, x86_carry(c), false);
    Val r = ir_or(b, ir_shl(b, s->x, shift_const(c, s, 1)), in);

    r = x86_cut(c, s->size, r);
    s->cf = x86_top(c, s->size, s->x);
    s->of = ir_xor(b, x86_top(c, s->size, r), s->cf);
    return r;
}

static Val rcr1(X86Ctx *c, Shift *s)
{
    Ir *b = c->b;
    Val in = x86_to(c, 4, s->size == 8 ? 8 : 4, x86_carry(c), false);
    Val r = ir_shr(b, s->x, shift_const(c, s, 1));

    r = ir_or(b, r, ir_shl(b, in, shift_const(c, s, s->size * 8 - 1)));
    s->cf = bit0(c, s, s->x);
    s->of = ir_xor(b, x86_top(c, s->size, r), below_top(c, s->size, r));
    return r;
}

/* Rotates carry:x, `width` + 1 bits; gives the new carry in *carry. */
static u64 rotated(u64 x, u32 n, u32 width, u32 *carry)
{
    for (n %= width + 1; n; n--) {
        u32 out = x >> (width - 1) & 1;
        x = (x << 1 | *carry) & MASK(width);
        *carry = out;
    }
    return x;
}

static u64 rotate_value(u64 x, u32 n, u32 width, u32 carry)
{
    return rotated(x, n, width, &carry);
}
HELPER(rotate_value, H_PURE, i64, i64, i32, i32, i32);

static u32 rotate_carry(u64 x, u32 n, u32 width, u32 carry)
{
    rotated(x, n, width, &carry);
    return carry;
}
HELPER(rotate_carry, H_PURE, i32, i64, i32, i32, i32);

static Val rotate_through(X86Ctx *c, Shift *s, bool right)
{
    Ir *b = c->b;
    u32 w = s->size * 8;
    Val x = s->size == 8 ? s->x : ir_zext(b, s->x), n = s->n;
    Val width = k32(c, w), in = x86_carry(c);

    if (right) {                /* the rest of the way round to the left */
        Val round = k32(c, s->size == 1 ? 36 : s->size == 2 ? 34 : w + 1);
        n = ir_sub(b, round, n);
    }
    Val r = IR_CALL(b, &helper_rotate_value, x, n, width, in);
    r = s->size == 8 ? r : ir_trunc(b, r);
    s->cf = IR_CALL(b, &helper_rotate_carry, x, n, width, in);
    s->of = ir_xor(b, x86_top(c, s->size, r),
                   right ? below_top(c, s->size, r) : s->cf);
    return r;
}

static Val shifted(X86Ctx *c, Shift *s)
{
    u64 n;
    bool once = ir_is_const(c->b, s->n, &n) && n == 1;

    switch (c->row->arg) {
    case ROL:
        return rol(c, s);
    case ROR:
        return ror(c, s);
    case RCL:
        return once ? rcl1(c, s) : rotate_through(c, s, false);
    case RCR:
        return once ? rcr1(c, s) : rotate_through(c, s, true);
    case SHR:
        return shr(c, s);
    case SAR:
        return sar(c, s);
    default:
        return shl(c, s);
    }
}

/* v, or what the slot holds if the count is 0. */
static void put_if_counted(X86Ctx *c, Val n, unsigned slot, Val v)
{
    ir_put(c->b, slot, ir_select(c->b, NE, n, k32(c, 0), v,
                                 ir_get(c->b, slot)));
}

static void shift_flags(X86Ctx *c, const Shift *s, Val r)
{
    Ir *b = c->b;

    if (c->row->arg < SHL) {
        Val word = ir_deposit(b, ir_get(b, S_FLAGS), s->cf, 8, 1);
        word = ir_deposit(b, word, s->of, 0, 1);
        put_if_counted(c, s->n, S_FLAGS, word);
        return;
    }
    put_if_counted(c, s->n, S_FLAGS, x86_word(c, s->size, r, s->cf, s->of));
    if (s->size >= 4) {
        put_if_counted(c, s->n, S_AF, k32(c, X86_IN_WORD));
    } else {
        put_if_counted(c, s->n, S_PF, r);
        put_if_counted(c, s->n, S_AF, r);
    }
}

static bool shift_by(X86Ctx *c, Val count)
{
    Shift s = { .size = x86_op_size(c) };
    Val addr = { 0 };

    s.x = x86_get_e_write(c, s.size, &addr);
    s.n = ir_and(c->b, count, k32(c, s.size == 8 ? 63 : 31));
    s.wide_n = s.size == 8 ? ir_zext(c->b, s.n) : s.n;
    Val r = shifted(c, &s);
    x86_put_e(c, s.size, addr, r);
    shift_flags(c, &s, r);
    return true;
}

static bool shift_imm(X86Ctx *c) { return shift_by(c, k32(c, (u32)c->imm)); }
static bool shift_one(X86Ctx *c) { return shift_by(c, k32(c, 1)); }
static bool shift_cl(X86Ctx *c)
{
    return shift_by(c, ir_trunc(c->b, ir_get(c->b, S_RAX + RCX)));
}

/* ---- SHLD, SHRD --------------------------------------------------------- */

typedef struct Double {
    unsigned size;
    Val x, y, n;                /* n: of the operand's type, masked */
    Val cf;                     /* I32 0 or 1 */
} Double;

static Val lowest(X86Ctx *c, Val v)
{
    return ir_and(c->b, v, ir_const(c->b, ir_type(c->b, v), 1));
}

/* 16 bits: counts above 16 go on with the source's bits once more. */
static Val double16(X86Ctx *c, Double *d, bool right)
{
    Ir *b = c->b;
    Val x = ir_zext(b, d->x), y = ir_zext(b, d->y), n = ir_zext(b, d->n);
    Val twice = ir_or(b, y, ir_shl(b, y, ir_i64(b, 16))), all;

    if (right) {
        Val less = ir_sub(b, n, ir_i64(b, 1));
        all = ir_or(b, x, ir_shl(b, twice, ir_i64(b, 16)));
        d->cf = ir_trunc(b, lowest(c, ir_shr(b, all, less)));
        return ir_trunc(b, ir_extract(b, ir_shr(b, all, n), 0, 16));
    }
    all = ir_or(b, twice, ir_shl(b, x, ir_i64(b, 32)));
    all = ir_shl(b, all, n);
    d->cf = ir_trunc(b, ir_extract(b, all, 48, 1));
    return ir_trunc(b, ir_extract(b, all, 32, 16));
}

/* 32 and 64 bits; a count of 0 shifts the other one out in two steps. */
static Val double_wide(X86Ctx *c, Double *d, bool right)
{
    Ir *b = c->b;
    Type t = type_of(d->size);
    Val one = ir_const(b, t, 1), top = ir_const(b, t, d->size * 8 - 1);
    Val rest = ir_xor(b, d->n, top), v, out;

    if (right) {
        v = ir_or(b, ir_shr(b, d->x, d->n),
                  ir_shl(b, ir_shl(b, d->y, one), rest));
        out = ir_shr(b, d->x, ir_sub(b, d->n, one));
    } else {
        v = ir_or(b, ir_shl(b, d->x, d->n),
                  ir_shr(b, ir_shr(b, d->y, one), rest));
        out = ir_shr(b, d->x, ir_sub(b, ir_const(b, t, 0), d->n));
    }
    out = lowest(c, out);
    d->cf = d->size == 8 ? ir_trunc(b, out) : out;
    return v;
}

static void put_counted(X86Ctx *c, const Double *d, unsigned slot, Val v)
{
    Val zero = ir_const(c->b, type_of(d->size), 0);

    ir_put(c->b, slot, ir_select(c->b, NE, d->n, zero, v,
                                 ir_get(c->b, slot)));
}

static bool shift_double(X86Ctx *c, Val n)
{
    Ir *b = c->b;
    unsigned size = c->osize;
    bool right = c->opcode & 8;
    Double d = { .size = size };
    Val addr = { 0 };

    d.x = x86_get_e_write(c, size, &addr);
    d.y = x86_get(c, size, c->reg);
    d.n = ir_and(b, n, x86_imm(c, size, size == 8 ? 63 : 31));
    Val r = size == 2 ? double16(c, &d, right) : double_wide(c, &d, right);
    x86_put_e(c, size, addr, r);
    Val of = ir_xor(b, x86_top(c, size, r),
                    right ? below_top(c, size, r) : d.cf);
    put_counted(c, &d, S_FLAGS, x86_word(c, size, r, d.cf, of));
    if (size >= 4) {
        put_counted(c, &d, S_AF, k32(c, X86_IN_WORD));
    } else {
        put_counted(c, &d, S_PF, r);
        put_counted(c, &d, S_AF, r);
    }
    return true;
}

static bool double_imm(X86Ctx *c)
{
    return shift_double(c, x86_imm(c, c->osize, c->imm));
}

static bool double_cl(X86Ctx *c)
{
    return shift_double(c, x86_get(c, c->osize, RCX));
}

/* ---- multiplication ----------------------------------------------------- */

/* CF and OF alone. */
static void mul_flags(X86Ctx *c, Val overflow)
{
    Val word = ir_deposit(c->b, ir_get(c->b, S_FLAGS), overflow, 8, 1);

    x86_flags_nzcv(c, ir_deposit(c->b, word, overflow, 0, 1));
}

/* Full product of up to 32 bits each as I64, or I32 of sizes 1 and 2. */
static Val product(X86Ctx *c, unsigned size, Val x, Val y, bool sign)
{
    unsigned to = size == 4 ? 8 : 4;

    return ir_mul(c->b, x86_to(c, size, to, x, sign),
                  x86_to(c, size, to, y, sign));
}

static void mul_wide(X86Ctx *c, Val x, Val y, bool sign)
{
    Ir *b = c->b;
    Val lo = ir_mul(b, x, y);
    Val hi = sign ? ir_mulhs(b, x, y) : ir_mulhu(b, x, y);
    Val fill = sign ? ir_sar(b, lo, k64(c, 63)) : k64(c, 0);

    x86_set(c, 8, RAX, lo);
    x86_set(c, 8, RDX, hi);
    mul_flags(c, ir_set(b, NE, hi, fill));
}

/* arg 1: signed. */
static bool mul_a(X86Ctx *c)
{
    unsigned size = x86_op_size(c);
    bool sign = c->row->arg;
    Ir *b = c->b;
    Val y = x86_get_e(c, size, &(Val) { 0 }), x = x86_get(c, size, RAX);

    if (size == 8) {
        mul_wide(c, x, y, sign);
        return true;
    }
    Val p = product(c, size, x, y, sign), lo;
    unsigned wide = size == 4 ? 8 : 4;
    lo = size == 4 ? ir_trunc(b, p) : x86_cut(c, size, p);
    if (size == 1) {
        x86_set(c, 2, RAX, p);
    } else {
        Val hi = ir_extract(b, p, size * 8, size * 8);
        x86_set(c, size, RAX, lo);
        x86_set(c, size, RDX, size == 4 ? ir_trunc(b, hi) : hi);
    }
    mul_flags(c, ir_set(b, NE, p, x86_to(c, size, wide, lo, sign)));
    return true;
}

/* The low half to G; x and y of the operand size. */
static bool mul_g(X86Ctx *c, Val x, Val y)
{
    Ir *b = c->b;
    unsigned size = c->osize;

    if (size == 8) {
        Val lo = ir_mul(b, x, y), hi = ir_mulhs(b, x, y);
        x86_set(c, 8, c->reg, lo);
        mul_flags(c, ir_set(b, NE, hi, ir_sar(b, lo, k64(c, 63))));
        return true;
    }
    Val p = product(c, size, x, y, true);           /* mostly only for flags */
    Val lo = size == 4 ? ir_mul(b, x, y) : x86_cut(c, size, p);
    x86_set(c, size, c->reg, lo);
    mul_flags(c, ir_set(b, NE, p,
                        x86_to(c, size, size == 4 ? 8 : 4, lo, true)));
    return true;
}

static bool mul_gei(X86Ctx *c)
{
    Val x = x86_get_e(c, c->osize, &(Val) { 0 });

    return mul_g(c, x, x86_imm(c, c->osize, c->imm));
}

static bool mul_ge(X86Ctx *c)
{
    Val y = x86_get_e(c, c->osize, &(Val) { 0 });

    return mul_g(c, x86_get(c, c->osize, c->reg), y);
}

/* ---- division ----------------------------------------------------------- */

static void divide_error_if(X86Ctx *c, Val cond)
{
    x86_raise_if(c, cond, X_DE, 0);
}

/* The dividend of sizes 2 and 4, in twice the size; of size 1, AX. */
static Val dividend(X86Ctx *c, unsigned size, bool sign)
{
    Ir *b = c->b;

    if (size == 1) {
        return x86_to(c, 2, 4, x86_get(c, 2, RAX), sign);
    }
    unsigned wide = size == 4 ? 8 : 4;
    Val lo = x86_to(c, size, wide, x86_get(c, size, RAX), false);
    Val hi = x86_to(c, size, wide, x86_get(c, size, RDX), false);
    return ir_or(b, lo, ir_shl(b, hi, x86_imm(c, wide, size * 8)));
}

static void put_quotient(X86Ctx *c, unsigned size, Val q, Val r)
{
    if (size == 1) {
        r = ir_shl(c->b, x86_cut(c, 1, r), k32(c, 8));
        x86_set(c, 2, RAX, ir_or(c->b, r, x86_cut(c, 1, q)));
    } else {
        x86_set(c, size, RAX, q);
        x86_set(c, size, RDX, r);
    }
}

/* A dividend of twice the size in the next wider type. */
static void div_narrow(X86Ctx *c, unsigned size, Val d, bool sign)
{
    Ir *b = c->b;
    unsigned wide = size == 4 ? 8 : 4;
    Val n = dividend(c, size, sign), zero = x86_imm(c, wide, 0);

    d = x86_to(c, size, wide, d, sign);
    divide_error_if(c, ir_set(b, EQ, d, zero));
    Val q = sign ? ir_sdiv(b, n, d) : ir_udiv(b, n, d);
    Val r = ir_sub(b, n, ir_mul(b, q, d));
    Val low = size == 4 ? ir_trunc(b, q) : x86_cut(c, size, q);
    divide_error_if(c, ir_set(b, NE, q, x86_to(c, size, wide, low, sign)));
    put_quotient(c, size, low, size == 4 ? ir_trunc(b, r) : r);
}

/* One word by one word: the high half is but the low one's extension. */
static void div_same(X86Ctx *c, unsigned size, Val d, bool sign)
{
    Ir *b = c->b;
    Val n = x86_get(c, size, RAX), ones = x86_imm(c, size, ~0ull);
    u64 least = BIT(size * 8 - 1);

    divide_error_if(c, ir_set(b, EQ, d, x86_imm(c, size, 0)));
    if (sign) {
        Val max = ir_xor(b, n, x86_imm(c, size, least));
        divide_error_if(c, ir_set(b, EQ,
                                  ir_or(b, max, ir_xor(b, d, ones)),
                                  x86_imm(c, size, 0)));
    }
    Val q = sign ? ir_sdiv(b, n, d) : ir_udiv(b, n, d);
    put_quotient(c, size, q, ir_sub(b, n, ir_mul(b, q, d)));
}

static u128 pair(u64 hi, u64 lo)
{
    return (u128)hi << 64 | lo;
}

/* Does the quotient fit? */
static u32 div_fits(u64 hi, u64 lo, u64 d, u32 sign)
{
    i128 n = (i128)pair(hi, lo);

    if (d == 0) {
        return false;
    }
    if (!sign) {
        return hi < d;
    }
    if (d == ~0ull) {
        return n != (i128)pair(BIT(63), 0) && -n == (i64)-n;
    }
    return n / (i64)d == (i64)(n / (i64)d);
}
HELPER(div_fits, H_PURE, i32, i64, i64, i64, i32);

/* The arguments are known to fit, else nobody looks at the result. */
static u64 div_quotient(u64 hi, u64 lo, u64 d, u32 sign)
{
    if (d == 0 || (sign && d == ~0ull)) {
        return 0 - lo;
    }
    return sign ? (u64)((i128)pair(hi, lo) / (i64)d)
                : (u64)(pair(hi, lo) / d);
}
HELPER(div_quotient, H_PURE, i64, i64, i64, i64, i32);

static void div_wide(X86Ctx *c, Val d, bool sign)
{
    Ir *b = c->b;
    Val hi = x86_get(c, 8, RDX), lo = x86_get(c, 8, RAX);
    Val s = k32(c, sign);
    Val fits = IR_CALL(b, &helper_div_fits, hi, lo, d, s);

    divide_error_if(c, ir_set(b, EQ, fits, k32(c, 0)));
    Val q = IR_CALL(b, &helper_div_quotient, hi, lo, d, s);
    put_quotient(c, 8, q, ir_sub(b, lo, ir_mul(b, q, d)));
}

/* Was the high half made by XOR EDX, EDX or CDQ just before? */
static bool is_extension(X86Ctx *c, unsigned size, bool sign)
{
    Val hi = x86_get(c, size, RDX), lo = x86_get(c, size, RAX);
    u64 k;

    if (!sign) {
        return ir_is_const(c->b, hi, &k) && k == 0;
    }
    return hi.id == ir_sar(c->b, lo, x86_imm(c, size, size * 8 - 1)).id;
}

/* CF and OF stay, SF, ZF and PF are cleared, AF is set. */
static void div_flags(X86Ctx *c)
{
    x86_flags_nzcv(c, ir_and(c->b, ir_get(c->b, S_FLAGS),
                             k32(c, FLAG_C | FLAG_V)));
    x86_flags_pf(c, k32(c, 1));
    x86_flags_af(c, k32(c, FL_AF));
}

/* arg 1: signed. */
static bool div_a(X86Ctx *c)
{
    unsigned size = x86_op_size(c);
    bool sign = c->row->arg;
    Val d = x86_get_e(c, size, &(Val) { 0 });

    if (size >= 4 && is_extension(c, size, sign)) {
        div_same(c, size, d, sign);
    } else if (size == 8) {
        div_wide(c, d, sign);
    } else {
        div_narrow(c, size, d, sign);
    }
    div_flags(c);
    return true;
}

/* ---- decimal ------------------------------------------------------------ */

/* Flags of al beside CF and AF, OF clear. */
static u32 flags_of(u32 al)
{
    return (al & 0xff ? 0 : FL_ZF) | (al & 0x80 ? FL_SF : 0)
        | (__builtin_parity(al & 0xff) ? 0 : FL_PF);
}

/* Overflow of al + by = r or al - by = r. */
static u32 overflow(u32 al, u32 by, u32 r, bool sub)
{
    u32 same = sub ? al ^ by : ~(al ^ by);

    return same & (al ^ r) & 0x80 ? FL_OF : 0;
}

/* DAA and DAS. */
static u32 daa(u32 al, u32 flags, bool sub)
{
    u32 by = 0, f = 0;

    if ((al & 15) > 9 || flags & FL_AF) {
        by = 6;
        f |= FL_AF;
    }
    if (al > 0x99 || flags & FL_CF) {
        by += 0x60;
        f |= FL_CF;
    } else if (sub && al < by) {
        f |= FL_CF;
    }
    u32 r = (sub ? al - by : al + by) & 0xff;
    return r | (f | flags_of(r) | overflow(al, by, r, sub)) << 16;
}

/* AAA and AAS. */
static u32 aaa(u32 ax, u32 flags, bool sub)
{
    u32 f = 0;

    if ((ax & 15) > 9 || flags & FL_AF) {
        ax = sub ? ax - 0x106 : ax + 0x106;
        f = FL_AF | FL_CF;
    }
    f |= flags_of(ax);
    return (ax & 0xff0f) | f << 16;
}

/* DAA 27, DAS 2F, AAA 37, AAS 3F: AX, and EFLAGS from bit 16. */
static u32 adjust(u32 ax, u32 flags, u32 opcode)
{
    bool sub = opcode & 8;

    return opcode & 0x10 ? aaa(ax, flags, sub)
                         : daa(ax & 0xff, flags, sub) | (ax & 0xff00);
}
HELPER(adjust, H_PURE, i32, i32, i32, i32);

static bool decimal(X86Ctx *c)
{
    Ir *b = c->b;
    Val flags = ir_or(b, x86_carry(c), x86_af(c));
    Val v = IR_CALL(b, &helper_adjust, x86_get(c, 2, RAX), flags,
                    k32(c, c->opcode));

    x86_set(c, 2, RAX, ir_extract(b, v, 0, 16));
    x86_flags_all(c, ir_shr(b, v, k32(c, 16)));
    return true;
}

static void al_flags(X86Ctx *c, Val al)
{
    X86Result r = x86_logic(c, 1, al);

    x86_put_flags(c, 1, &r);
}

static bool aam(X86Ctx *c)
{
    Ir *b = c->b;
    Val al = x86_get(c, 1, RAX), by = k32(c, (u32)c->imm);

    if (c->imm == 0) {
        return x86_raise_at(c, X_DE, 0);
    }
    Val q = ir_udiv(b, al, by);
    Val r = ir_sub(b, al, ir_mul(b, q, by));
    x86_set(c, 2, RAX, ir_or(b, ir_shl(b, q, k32(c, 8)), r));
    al_flags(c, r);
    return true;
}

static bool aad(X86Ctx *c)
{
    Ir *b = c->b;
    Val ax = x86_get(c, 2, RAX);
    Val high = ir_mul(b, ir_extract(b, ax, 8, 8), k32(c, (u32)c->imm));
    Val al = ir_extract(b, ir_add(b, ir_extract(b, ax, 0, 8), high), 0, 8);

    x86_set(c, 2, RAX, al);
    al_flags(c, al);
    return true;
}

/* ---- the tables --------------------------------------------------------- */

#define SHIFT(r, n)                                                         \
    GRP(0xc0, r, n, "Eb,Ib", shift_imm, .arg = (r)),                        \
    GRP(0xc1, r, n, "Ev,Ib", shift_imm, .arg = (r)),                        \
    GRP(0xd0, r, n, "Eb,1", shift_one, .arg = (r)),                         \
    GRP(0xd1, r, n, "Ev,1", shift_one, .arg = (r)),                         \
    GRP(0xd2, r, n, "Eb,CL", shift_cl, .arg = (r)),                         \
    GRP(0xd3, r, n, "Ev,CL", shift_cl, .arg = (r))
#define BOTH(o, r, n, f, ...)                                               \
    GRP((o), r, n, "Eb", f, ##__VA_ARGS__),                                 \
    GRP((o) + 1, r, n, "Ev", f, ##__VA_ARGS__)

const X86Row x86_arith_1[] = {
    OP(0x27, "DAA", "", decimal, .flags = X_I64),
    OP(0x2f, "DAS", "", decimal, .flags = X_I64),
    OP(0x37, "AAA", "", decimal, .flags = X_I64),
    OP(0x3f, "AAS", "", decimal, .flags = X_I64),
    OP(0x69, "IMUL", "Gv,Ev,Iz", mul_gei),
    OP(0x6b, "IMUL", "Gv,Ev,sIb", mul_gei),
    SHIFT(ROL, "ROL"), SHIFT(ROR, "ROR"), SHIFT(RCL, "RCL"), SHIFT(RCR, "RCR"),
    SHIFT(SHL, "SHL"), SHIFT(SHR, "SHR"), SHIFT(SAL, "SHL"), SHIFT(SAR, "SAR"),
    OP(0xd4, "AAM", "Ib", aam, .flags = X_I64),
    OP(0xd5, "AAD", "Ib", aad, .flags = X_I64),
    BOTH(0xf6, 4, "MUL", mul_a), BOTH(0xf6, 5, "IMUL", mul_a, .arg = 1),
    BOTH(0xf6, 6, "DIV", div_a), BOTH(0xf6, 7, "IDIV", div_a, .arg = 1),
    { 0 }
};

const X86Row x86_arith_0f[] = {
    OP(0xaf, "IMUL", "Gv,Ev", mul_ge),
    OP(0xa4, "SHLD", "Ev,Gv,Ib", double_imm),
    OP(0xa5, "SHLD", "Ev,Gv,CL", double_cl),
    OP(0xac, "SHRD", "Ev,Gv,Ib", double_imm),
    OP(0xad, "SHRD", "Ev,Gv,CL", double_cl),
    { 0 }
};
