/* SPDX-License-Identifier: MIT */
/*
 * The one-byte opcode map without strings, x87 and system instructions.
 * Reference: SDM volume 2.  Flags that it leaves undefined are as on the CPUs
 * this was tested on.
 *
 * A locked instruction that no atomic operation of the IR does compares and
 * swaps, and starts again if it lost.
 */
#include "target/i386/translate.h"

enum { ADD, OR, ADC, SBB, AND, SUB, XOR, CMP };

static Val k32(X86Ctx *c, u32 v) { return ir_i32(c->b, v); }
static Val k64(X86Ctx *c, u64 v) { return ir_i64(c->b, v); }

static u32 log2_of(unsigned size)
{
    return (u32)__builtin_ctz(size);
}

/* ---- locked accesses ---------------------------------------------------- */

static Val rmw(X86Ctx *c, RmwKind kind, unsigned size, Val addr, Val y)
{
    return ir_rmw(c->b, kind, type_of(size), addr, y, log2_of(size));
}

/* Where it runs alone, beginning again would count as one more step. */
static void swap_or_retry(X86Ctx *c, unsigned size, Val addr, Val old, Val v)
{
    Val was = ir_cas(c->b, type_of(size), addr, old, v, log2_of(size));

    if (!x86_single(c)) {
        ir_exit_if(c->b, ir_set(c->b, NE, was, old), ir_pc(c->b, c->at));
    }
}

/* ---- ADD OR ADC SBB AND SUB XOR CMP ------------------------------------- */

/* Carry and overflow of x + y + carry or x - y - borrow = v in few bits. */
static Val narrow_word(X86Ctx *c, unsigned size, Val x, Val y, Val v)
{
    Ir *b = c->b;
    Val cf = ir_extract(b, v, size * 8, 1);
    Val of = ir_xor(b, x, v);

    of = ir_and(b, of, c->row->arg == ADC ? ir_xor(b, y, v) : ir_xor(b, x, y));
    return x86_word(c, size, v, cf, x86_top(c, size, of));
}

static X86Result with_carry(X86Ctx *c, unsigned op, unsigned size, Val x,
                            Val y)
{
    Ir *b = c->b;
    Val in = x86_carry(c), wide = size == 8 ? ir_zext(b, in) : in;
    IrBinary *fn = op == ADC ? ir_add : ir_sub;
    Val v = fn(b, fn(b, x, y), wide);
    X86Result r = { .v = x86_cut(c, size, v) };

    if (size < 4) {
        r.word = narrow_word(c, size, x, y, v);
    } else {
        r.word = op == ADC ? ir_adcf(b, x, y, in) : ir_sbcf(b, x, y, in);
    }
    r.af = x86_to(c, size, 4, ir_xor(b, r.v, ir_xor(b, x, y)), false);
    return r;
}

static X86Result compute(X86Ctx *c, unsigned op, unsigned size, Val x, Val y)
{
    switch (op) {
    case ADD:
        return x86_add(c, size, x, y);
    case ADC:
    case SBB:
        return with_carry(c, op, size, x, y);
    case OR:
        return x86_logic(c, size, ir_or(c->b, x, y));
    case AND:
        return x86_logic(c, size, ir_and(c->b, x, y));
    case XOR:
        return x86_logic(c, size, ir_xor(c->b, x, y));
    default:
        return x86_sub(c, size, x, y);
    }
}

static bool locked(X86Ctx *c, unsigned op, unsigned size, Val y)
{
    static const u8 kinds[] = {
        [ADD] = RMW_ADD, [SUB] = RMW_ADD, [OR] = RMW_OR, [AND] = RMW_AND,
        [XOR] = RMW_XOR,
    };
    Val addr = x86_mem(c, size, true), x;
    X86Result r;

    if (op == ADC || op == SBB) {
        x = x86_load(c, addr, size);
        r = compute(c, op, size, x, y);
        swap_or_retry(c, size, addr, x, r.v);
    } else {
        Val by = op == SUB ? ir_neg(c->b, y) : y;
        x = rmw(c, (RmwKind)kinds[op], size, addr, by);
        r = compute(c, op, size, x, y);
    }
    x86_put_flags(c, size, &r);
    return true;
}

/* The address of an operand that is written, too. */
static Val get_e_write(X86Ctx *c, unsigned size, Val *addr)
{
    if (!is_mem(c)) {
        return x86_get(c, size, c->rm);
    }
    *addr = x86_mem(c, size, true);
    return x86_load(c, *addr, size);
}

/* E = E op y. */
static bool alu_e(X86Ctx *c, Val y)
{
    unsigned op = c->row->arg, size = x86_op_size(c);
    Val addr = { 0 }, x;

    if (c->lock) {
        return locked(c, op, size, y);
    }
    x = op == CMP ? x86_get_e(c, size, &addr) : get_e_write(c, size, &addr);
    X86Result r = compute(c, op, size, x, y);
    if (op != CMP) {
        x86_put_e(c, size, addr, r.v);
    }
    x86_put_flags(c, size, &r);
    return true;
}

static bool alu_eg(X86Ctx *c)
{
    return alu_e(c, x86_get(c, x86_op_size(c), c->reg));
}

static bool alu_ei(X86Ctx *c)
{
    return alu_e(c, x86_imm(c, x86_op_size(c), c->imm));
}

/* Register n = n op y. */
static bool alu_reg(X86Ctx *c, unsigned n, Val y)
{
    unsigned op = c->row->arg, size = x86_op_size(c);
    X86Result r = compute(c, op, size, x86_get(c, size, n), y);

    if (op != CMP) {
        x86_set(c, size, n, r.v);
    }
    x86_put_flags(c, size, &r);
    return true;
}

static bool alu_ge(X86Ctx *c)
{
    return alu_reg(c, c->reg, x86_get_e(c, x86_op_size(c), &(Val) { 0 }));
}

static bool alu_ai(X86Ctx *c)
{
    return alu_reg(c, RAX, x86_imm(c, x86_op_size(c), c->imm));
}

static bool test_with(X86Ctx *c, Val x, Val y)
{
    unsigned size = x86_op_size(c);
    X86Result r = x86_logic(c, size, ir_and(c->b, x, y));

    x86_put_flags(c, size, &r);
    return true;
}

static bool test_eg(X86Ctx *c)
{
    unsigned size = x86_op_size(c);
    Val x = x86_get_e(c, size, &(Val) { 0 });

    return test_with(c, x, x86_get(c, size, c->reg));
}

static bool test_ei(X86Ctx *c)
{
    unsigned size = x86_op_size(c);
    Val x = x86_get_e(c, size, &(Val) { 0 });

    return test_with(c, x, x86_imm(c, size, c->imm));
}

static bool test_ai(X86Ctx *c)
{
    unsigned size = x86_op_size(c);

    return test_with(c, x86_get(c, size, RAX), x86_imm(c, size, c->imm));
}

/* ---- INC DEC NOT NEG ---------------------------------------------------- */

/* INC, DEC (arg 1): as ADD and SUB of 1, but CF stays. */
static void step_flags(X86Ctx *c, unsigned size, X86Result *r)
{
    Val cf = ir_extract(c->b, ir_get(c->b, S_FLAGS), 8, 1);

    r->word = ir_deposit(c->b, r->word, cf, 8, 1);
    x86_put_flags(c, size, r);
}

static bool step_of(X86Ctx *c, unsigned size)
{
    Val addr = { 0 }, one = x86_imm(c, size, 1), x;
    bool down = c->row->arg;

    if (c->lock) {
        addr = x86_mem(c, size, true);
        x = rmw(c, RMW_ADD, size, addr, x86_imm(c, size, down ? ~0ull : 1));
    } else {
        x = get_e_write(c, size, &addr);
    }
    X86Result r = down ? x86_sub(c, size, x, one) : x86_add(c, size, x, one);
    if (!c->lock) {
        x86_put_e(c, size, addr, r.v);
    }
    step_flags(c, size, &r);
    return true;
}

static bool step(X86Ctx *c) { return step_of(c, x86_op_size(c)); }
static bool step_reg(X86Ctx *c) { return step_of(c, c->osize); }

static bool not_e(X86Ctx *c)
{
    unsigned size = x86_op_size(c);
    Val addr = { 0 }, ones = x86_imm(c, size, ~0ull), x;

    if (c->lock) {
        rmw(c, RMW_XOR, size, x86_mem(c, size, true), ones);
        return true;
    }
    x = get_e_write(c, size, &addr);
    x86_put_e(c, size, addr, ir_xor(c->b, x, ones));
    return true;
}

static bool neg_e(X86Ctx *c)
{
    unsigned size = x86_op_size(c);
    Val addr = { 0 };
    Val x = get_e_write(c, size, &addr);
    X86Result r = x86_sub(c, size, x86_imm(c, size, 0), x);

    if (c->lock) {
        swap_or_retry(c, size, addr, x, r.v);
    } else {
        x86_put_e(c, size, addr, r.v);
    }
    x86_put_flags(c, size, &r);
    return true;
}

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

static Val below_top(X86Ctx *c, const Shift *s, Val v)
{
    v = ir_extract(c->b, v, s->size * 8 - 2, 1);
    return s->size == 8 ? ir_trunc(c->b, v) : v;
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
    s->of = below_top(c, s, r);
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
    s->of = ir_xor(c->b, s->cf, below_top(c, s, r));
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
    s->of = ir_xor(b, x86_top(c, s->size, r), below_top(c, s, r));
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
                   right ? below_top(c, s, r) : s->cf);
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
    put_if_counted(c, s->n, S_PF, s->size == 8 ? ir_trunc(b, r) : r);
    put_if_counted(c, s->n, S_AF, k32(c, FL_AF));
}

static bool shift_by(X86Ctx *c, Val count)
{
    Shift s = { .size = x86_op_size(c) };
    Val addr = { 0 };

    s.x = get_e_write(c, s.size, &addr);
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
    Val p = product(c, size, x, y, true);
    Val lo = size == 4 ? ir_trunc(b, p) : x86_cut(c, size, p);
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

bool x86_imul_ge(X86Ctx *c)
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
    return true;
}

/* ---- moves -------------------------------------------------------------- */

static bool mov_eg(X86Ctx *c)
{
    unsigned size = x86_op_size(c);
    Val addr = { 0 };

    if (is_mem(c)) {
        addr = x86_mem(c, size, true);
    }
    x86_put_e(c, size, addr, x86_get(c, size, c->reg));
    return true;
}

static bool mov_ge(X86Ctx *c)
{
    unsigned size = x86_op_size(c);

    x86_set(c, size, c->reg, x86_get_e(c, size, &(Val) { 0 }));
    return true;
}

static bool mov_ei(X86Ctx *c)
{
    unsigned size = x86_op_size(c);
    Val addr = { 0 };

    if (is_mem(c)) {
        addr = x86_mem(c, size, true);
    }
    x86_put_e(c, size, addr, x86_imm(c, size, c->imm));
    return true;
}

static bool mov_reg_imm(X86Ctx *c)
{
    unsigned size = c->opcode & 8 ? c->osize : 1;

    x86_set(c, size, c->rm, x86_imm(c, size, c->imm));
    return true;
}

/* AL or rAX and memory at a plain offset; arg 1: to memory. */
static bool mov_offset(X86Ctx *c)
{
    unsigned size = x86_op_size(c);
    Val addr = x86_mem(c, size, c->row->arg);

    if (c->row->arg) {
        x86_store(c, addr, size, x86_get(c, size, RAX));
    } else {
        x86_set(c, size, RAX, x86_load(c, addr, size));
    }
    return true;
}

static bool lea(X86Ctx *c)
{
    x86_set(c, c->osize, c->reg, x86_to(c, 8, c->osize, x86_offset(c), false));
    return true;
}

/* With memory it is always locked. */
static bool xchg_eg(X86Ctx *c)
{
    unsigned size = x86_op_size(c);
    Val y = x86_get(c, size, c->reg), x;

    if (is_mem(c)) {
        x = rmw(c, RMW_XCHG, size, x86_mem(c, size, true), y);
    } else {
        x = x86_get(c, size, c->rm);
        x86_set(c, size, c->rm, y);
    }
    x86_set(c, size, c->reg, x);
    return true;
}

/* 90 is NOP, also where XCHG EAX, EAX would clear the upper half; PAUSE. */
static bool xchg_a(X86Ctx *c)
{
    Val x = x86_get(c, c->osize, RAX), y = x86_get(c, c->osize, c->rm);

    if (c->rm != RAX) {
        x86_set(c, c->osize, RAX, y);
        x86_set(c, c->osize, c->rm, x);
    }
    return true;
}

static bool movsxd(X86Ctx *c)
{
    unsigned size = c->osize == 2 ? 2 : 4;
    Val v = x86_get_e(c, size, &(Val) { 0 });

    x86_set(c, c->osize, c->reg, x86_to(c, size, c->osize, v, true));
    return true;
}

/* CBW CWDE CDQE */
static bool extend_a(X86Ctx *c)
{
    unsigned half = c->osize / 2;
    Val v = x86_get(c, half, RAX);

    x86_set(c, c->osize, RAX, x86_to(c, half, c->osize, v, true));
    return true;
}

/* CWD CDQ CQO */
static bool extend_d(X86Ctx *c)
{
    unsigned size = c->osize;
    Val v = x86_get(c, size, RAX);

    if (size == 2) {
        v = ir_sextract(c->b, v, 0, 16);
    }
    unsigned top = size == 8 ? 63 : 31;
    x86_set(c, size, RDX, ir_sar(c->b, v, x86_imm(c, size, top)));
    return true;
}

static bool xlat(X86Ctx *c)
{
    Val al = ir_zext(c->b, x86_get(c, 1, RAX));
    Val off = ir_add(c->b, ir_get(c->b, S_RAX + RBX), al);

    off = ir_and(c->b, off, k64(c, MASK(c->asize * 8)));
    Val addr = x86_linear(c, c->seg, off, 1, false);
    x86_set(c, 1, RAX, x86_load(c, addr, 1));
    return true;
}

/* ---- the stack ---------------------------------------------------------- */

static bool push_reg(X86Ctx *c)
{
    x86_push(c, c->osize, x86_get(c, c->osize, c->rm));
    return true;
}

static bool push_imm(X86Ctx *c)
{
    x86_push(c, c->osize, x86_imm(c, c->osize, c->imm));
    return true;
}

static bool push_e(X86Ctx *c)
{
    x86_push(c, c->osize, x86_get_e(c, c->osize, &(Val) { 0 }));
    return true;
}

static bool pop_reg(X86Ctx *c)
{
    x86_set(c, c->osize, c->rm, x86_pop(c, c->osize));
    return true;
}

/* An address with ESP uses it as it is after; a fault leaves it as before. */
static bool pop_e(X86Ctx *c)
{
    Val before = ir_get(c->b, S_RAX + RSP);
    Val v = x86_pop(c, c->osize);

    if (!is_mem(c)) {
        x86_set(c, c->osize, c->rm, v);
        return true;
    }
    Val off = x86_offset(c), after = ir_get(c->b, S_RAX + RSP);
    ir_put(c->b, S_RAX + RSP, before);
    Val addr = x86_linear(c, c->seg, off, c->osize, true);
    x86_store(c, addr, c->osize, v);
    ir_put(c->b, S_RAX + RSP, after);
    return true;
}

static bool pusha(X86Ctx *c)
{
    Val sp = x86_sp(c);
    i64 size = c->osize;

    for (int i = 0; i < 8; i++) {
        Val addr = x86_stack_at(c, sp, -size * (i + 1), c->osize, true);
        x86_store(c, addr, c->osize, x86_get(c, c->osize, (unsigned)i));
    }
    x86_set_sp(c, ir_sub(c->b, sp, k64(c, c->osize * 8)));
    return true;
}

static bool popa(X86Ctx *c)
{
    Val sp = x86_sp(c), v[8];
    i64 size = c->osize;

    for (int i = 0; i < 8; i++) {
        Val addr = x86_stack_at(c, sp, size * (7 - i), c->osize, false);
        v[i] = x86_load(c, addr, c->osize);
    }
    for (unsigned i = 0; i < 8; i++) {
        if (i != RSP) {
            x86_set(c, c->osize, i, v[i]);
        }
    }
    x86_set_sp(c, ir_add(c->b, sp, k64(c, c->osize * 8)));
    return true;
}

/* Pushes BP, `level` - 1 older frame pointers and the new one. */
static bool enter(X86Ctx *c)
{
    unsigned level = c->imm2 & 31, size = c->osize;
    Val sp = x86_sp(c), bp = ir_get(c->b, S_RAX + RBP);
    Val frame = ir_sub(c->b, sp, k64(c, size));
    i64 at = -(i64)size;

    x86_store(c, x86_stack_at(c, sp, at, size, true), size,
              x86_get(c, size, RBP));
    for (unsigned i = 1; i < level; i++) {
        Val from = x86_stack_at(c, bp, -(i64)(i * size), size, false);
        Val v = x86_load(c, from, size);
        at -= size;
        x86_store(c, x86_stack_at(c, sp, at, size, true), size, v);
    }
    if (level) {
        at -= size;
        x86_store(c, x86_stack_at(c, sp, at, size, true), size,
                  x86_to(c, 8, size, frame, false));
    }
    x86_set(c, size, RBP, x86_to(c, 8, size, frame, false));
    x86_set_sp(c, ir_add(c->b, sp, k64(c, (u64)at - c->imm)));
    return true;
}

static bool leave(X86Ctx *c)
{
    unsigned wide = x86_stack_size(c);
    Val bp = ir_get(c->b, S_RAX + RBP);

    if (wide != 8) {
        bp = ir_and(c->b, bp, k64(c, MASK(wide * 8)));
    }
    Val v = x86_load(c, x86_stack_at(c, bp, 0, c->osize, false), c->osize);
    x86_set_sp(c, ir_add(c->b, bp, k64(c, c->osize)));
    x86_set(c, c->osize, RBP, v);
    return true;
}

/* ---- control ------------------------------------------------------------ */

static bool jcc(X86Ctx *c)
{
    Val to = x86_code_rel(c, (i64)c->imm);

    x86_goto_if(c, x86_cond(c, c->opcode & 15), to);
    return true;
}

static bool jmp_rel(X86Ctx *c)
{
    x86_jump_rel(c, (i64)c->imm);
    return true;
}

static Val target_e(X86Ctx *c)
{
    Val ip = x86_get_e(c, c->osize, &(Val) { 0 });

    return x86_code(c, x86_to(c, c->osize, 8, ip, false));
}

static bool jmp_e(X86Ctx *c)
{
    x86_goto(c, target_e(c), EXIT_JUMP);
    return true;
}

static bool call_to(X86Ctx *c, Val linear)
{
    x86_push(c, c->osize, x86_to(c, 8, c->osize, x86_next(c), false));
    x86_goto(c, linear, EXIT_CALL);
    return true;
}

static bool call_rel(X86Ctx *c)
{
    return call_to(c, x86_code_rel(c, (i64)c->imm));
}

static bool call_e(X86Ctx *c)
{
    return call_to(c, target_e(c));
}

static bool ret(X86Ctx *c)
{
    unsigned size = c->osize;
    Val sp = x86_sp(c);
    Val ip = x86_load(c, x86_stack_at(c, sp, 0, size, false), size);
    Val to = x86_code(c, x86_to(c, size, 8, ip, false));

    x86_set_sp(c, ir_add(c->b, sp, k64(c, size + c->imm)));
    x86_goto(c, to, EXIT_RETURN);
    return true;
}

/* The count of LOOP and JCXZ: of the address size. */
static Val is_zero(X86Ctx *c, Val count)
{
    return ir_set(c->b, EQ, count, x86_imm(c, c->asize, 0));
}

static bool jcxz(X86Ctx *c)
{
    Val to = x86_code_rel(c, (i64)c->imm);

    x86_goto_if(c, is_zero(c, x86_get(c, c->asize, RCX)), to);
    return true;
}

/* LOOPNE, LOOPE, LOOP */
static bool loop(X86Ctx *c)
{
    Ir *b = c->b;
    Val to = x86_code_rel(c, (i64)c->imm);
    Val n = ir_sub(b, x86_get(c, c->asize, RCX), x86_imm(c, c->asize, 1));
    Val go;

    n = x86_cut(c, c->asize, n);
    go = ir_xor(b, is_zero(c, n), k32(c, 1));
    if (c->opcode != 0xe2) {
        go = ir_and(b, go, x86_cond(c, c->opcode == 0xe1 ? 4 : 5));
    }
    x86_set(c, c->asize, RCX, n);
    x86_goto_if(c, go, to);
    return true;
}

static bool bound(X86Ctx *c)
{
    Ir *b = c->b;
    unsigned size = c->osize;
    Val addr = x86_mem(c, 2 * size, false);
    Val above = ir_add(b, addr, k64(c, size));
    Val lo = x86_to(c, size, 8, x86_load(c, addr, size), true);
    Val hi = x86_to(c, size, 8, x86_load(c, above, size), true);
    Val i = x86_to(c, size, 8, x86_get(c, size, c->reg), true);

    x86_raise_if(c, ir_or(b, ir_set(b, LT, i, lo), ir_set(b, GT, i, hi)),
                 X_BR, 0);
    return true;
}

/* ---- flags -------------------------------------------------------------- */

static void put_carry(X86Ctx *c, Val carry)
{
    x86_flags_nzcv(c, ir_deposit(c->b, ir_get(c->b, S_FLAGS), carry, 8, 1));
}

/* CLC, STC */
static bool set_carry(X86Ctx *c)
{
    put_carry(c, k32(c, c->opcode & 1));
    return true;
}

static bool cmc(X86Ctx *c)
{
    put_carry(c, ir_xor(c->b, x86_carry(c), k32(c, 1)));
    return true;
}

/* CLD, STD */
static bool set_direction(X86Ctx *c)
{
    ir_put(c->b, S_DF, k64(c, c->opcode & 1 ? ~0ull : 1));
    return true;
}

static bool has_lahf(const X86Ctx *c)
{
    return !is64(c) || x86_has(c->cpu, F_LAHF_LM);
}

static bool lahf(X86Ctx *c)
{
    Ir *b = c->b;

    if (!has_lahf(c)) {
        return false;
    }
    Val v = ir_and(b, ir_shr(b, ir_get(b, S_FLAGS), k32(c, 8)),
                   k32(c, FL_SF | FL_ZF | FL_CF));
    v = ir_or(b, v, ir_and(b, ir_get(b, S_AF), k32(c, FL_AF)));
    v = ir_or(b, v, ir_shl(b, x86_cond(c, 10), k32(c, 2)));
    v = ir_zext(b, ir_or(b, v, k32(c, 2)));
    ir_put(b, S_RAX, ir_deposit(b, ir_get(b, S_RAX), v, 8, 8));
    return true;
}

static bool sahf(X86Ctx *c)
{
    Ir *b = c->b;

    if (!has_lahf(c)) {
        return false;
    }
    Val ah = ir_trunc(b, ir_extract(b, ir_get(b, S_RAX), 8, 8));
    Val of = ir_fcond(b, FC_V, ir_get(b, S_FLAGS));
    x86_flags_all(c, ir_or(b, ah, ir_shl(b, of, k32(c, 11))));
    return true;
}

static bool salc(X86Ctx *c)
{
    x86_set(c, 1, RAX, ir_neg(c->b, x86_carry(c)));
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
    Val flags = ir_or(b, x86_carry(c),
                      ir_and(b, ir_get(b, S_AF), k32(c, FL_AF)));
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

/* The RPL of E becomes at least that of G; ZF tells. */
static bool arpl(X86Ctx *c)
{
    Ir *b = c->b;
    Val addr = { 0 };
    Val x = get_e_write(c, 2, &addr), rpl = ir_and(b, x, k32(c, 3));
    Val want = ir_and(b, x86_get(c, 2, c->reg), k32(c, 3));
    Val less = ir_set(b, LTU, rpl, want);
    Val v = ir_select(b, NE, less, k32(c, 0), ir_deposit(b, x, want, 0, 2), x);

    x86_put_e(c, 2, addr, v);
    x86_flags_nzcv(c, ir_deposit(b, ir_get(b, S_FLAGS), less, 14, 1));
    return true;
}

/* ---- the table ---------------------------------------------------------- */

#define L .flags = X_LOCK
#define ALU(o, n, a, ...)                                                   \
    OP((o), n, "Eb,Gb", alu_eg, .arg = (a), ##__VA_ARGS__),                 \
    OP((o) + 1, n, "Ev,Gv", alu_eg, .arg = (a), ##__VA_ARGS__),             \
    OP((o) + 2, n, "Gb,Eb", alu_ge, .arg = (a)),                            \
    OP((o) + 3, n, "Gv,Ev", alu_ge, .arg = (a)),                            \
    OP((o) + 4, n, "AL,Ib", alu_ai, .arg = (a)),                            \
    OP((o) + 5, n, "rAX,Iz", alu_ai, .arg = (a))
#define ALU_IMM(n, a, fl)                                                   \
    GRP(0x80, (a), n, "Eb,Ib", alu_ei, .arg = (a), .flags = (fl)),          \
    GRP(0x81, (a), n, "Ev,Iz", alu_ei, .arg = (a), .flags = (fl)),          \
    GRP(0x82, (a), n, "Eb,Ib", alu_ei, .arg = (a), .flags = (fl) | X_I64),  \
    GRP(0x83, (a), n, "Ev,sIb", alu_ei, .arg = (a), .flags = (fl))
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
#define FOUR(o, n, opr, f, ...)                                             \
    OP((o), n, opr, f, ##__VA_ARGS__), OP((o) + 1, n, opr, f, ##__VA_ARGS__),\
    OP((o) + 2, n, opr, f, ##__VA_ARGS__),                                  \
    OP((o) + 3, n, opr, f, ##__VA_ARGS__)
#define EIGHT(o, n, opr, f, ...)                                            \
    FOUR(o, n, opr, f, ##__VA_ARGS__), FOUR((o) + 4, n, opr, f, ##__VA_ARGS__)

const X86Row x86_int_1[] = {
    ALU(0x00, "ADD", ADD, L), ALU(0x08, "OR", OR, L), ALU(0x10, "ADC", ADC, L),
    ALU(0x18, "SBB", SBB, L), ALU(0x20, "AND", AND, L),
    ALU(0x28, "SUB", SUB, L), ALU(0x30, "XOR", XOR, L), ALU(0x38, "CMP", CMP),
    OP(0x27, "DAA", "", decimal, .flags = X_I64),
    OP(0x2f, "DAS", "", decimal, .flags = X_I64),
    OP(0x37, "AAA", "", decimal, .flags = X_I64),
    OP(0x3f, "AAS", "", decimal, .flags = X_I64),
    EIGHT(0x40, "INC", "Zv", step_reg, .flags = X_I64),
    EIGHT(0x48, "DEC", "Zv", step_reg, .arg = 1, .flags = X_I64),
    EIGHT(0x50, "PUSH", "Zv", push_reg, .flags = X_D64),
    EIGHT(0x58, "POP", "Zv", pop_reg, .flags = X_D64),
    OP(0x60, "PUSHA", "", pusha, .flags = X_I64),
    OP(0x61, "POPA", "", popa, .flags = X_I64),
    OP(0x62, "BOUND", "Gv,Ma", bound, .flags = X_I64 | X_MEM),
    OP(0x63, "MOVSXD", "Gv,Ed", movsxd, .flags = X_O64),
    OP(0x63, "ARPL", "Ew,Gw", arpl, .flags = X_I64 | X_PROT),
    OP(0x68, "PUSH", "Iz", push_imm, .flags = X_D64),
    OP(0x69, "IMUL", "Gv,Ev,Iz", mul_gei),
    OP(0x6a, "PUSH", "sIb", push_imm, .flags = X_D64),
    OP(0x6b, "IMUL", "Gv,Ev,sIb", mul_gei),
    EIGHT(0x70, "Jcc", "Jb", jcc, .flags = X_F64),
    EIGHT(0x78, "Jcc", "Jb", jcc, .flags = X_F64),
    ALU_IMM("ADD", ADD, X_LOCK), ALU_IMM("OR", OR, X_LOCK),
    ALU_IMM("ADC", ADC, X_LOCK), ALU_IMM("SBB", SBB, X_LOCK),
    ALU_IMM("AND", AND, X_LOCK), ALU_IMM("SUB", SUB, X_LOCK),
    ALU_IMM("XOR", XOR, X_LOCK), ALU_IMM("CMP", CMP, 0),
    OP(0x84, "TEST", "Eb,Gb", test_eg), OP(0x85, "TEST", "Ev,Gv", test_eg),
    OP(0x86, "XCHG", "Eb,Gb", xchg_eg, L), OP(0x87, "XCHG", "Ev,Gv", xchg_eg, L),
    OP(0x88, "MOV", "Eb,Gb", mov_eg), OP(0x89, "MOV", "Ev,Gv", mov_eg),
    OP(0x8a, "MOV", "Gb,Eb", mov_ge), OP(0x8b, "MOV", "Gv,Ev", mov_ge),
    OP(0x8d, "LEA", "Gv,M", lea, .flags = X_MEM),
    GRP(0x8f, 0, "POP", "Ev", pop_e, .flags = X_D64),
    EIGHT(0x90, "XCHG", "Zv,rAX", xchg_a),
    OP(0x98, "CBW", "", extend_a), OP(0x99, "CWD", "", extend_d),
    OP(0x9e, "SAHF", "", sahf), OP(0x9f, "LAHF", "", lahf),
    OP(0xa0, "MOV", "AL,Ob", mov_offset), OP(0xa1, "MOV", "rAX,Ov", mov_offset),
    OP(0xa2, "MOV", "Ob,AL", mov_offset, .arg = 1),
    OP(0xa3, "MOV", "Ov,rAX", mov_offset, .arg = 1),
    OP(0xa8, "TEST", "AL,Ib", test_ai), OP(0xa9, "TEST", "rAX,Iz", test_ai),
    EIGHT(0xb0, "MOV", "Zb,Ib", mov_reg_imm),
    EIGHT(0xb8, "MOV", "Zv,Iv", mov_reg_imm),
    SHIFT(ROL, "ROL"), SHIFT(ROR, "ROR"), SHIFT(RCL, "RCL"), SHIFT(RCR, "RCR"),
    SHIFT(SHL, "SHL"), SHIFT(SHR, "SHR"), SHIFT(SAL, "SHL"), SHIFT(SAR, "SAR"),
    OP(0xc2, "RET", "Iw", ret, .flags = X_F64),
    OP(0xc3, "RET", "", ret, .flags = X_F64),
    GRP(0xc6, 0, "MOV", "Eb,Ib", mov_ei), GRP(0xc7, 0, "MOV", "Ev,Iz", mov_ei),
    OP(0xc8, "ENTER", "Iw,Ib", enter, .flags = X_D64),
    OP(0xc9, "LEAVE", "", leave, .flags = X_D64),
    OP(0xd4, "AAM", "Ib", aam, .flags = X_I64),
    OP(0xd5, "AAD", "Ib", aad, .flags = X_I64),
    OP(0xd6, "SALC", "", salc, .flags = X_I64),
    OP(0xd7, "XLAT", "", xlat),
    OP(0xe0, "LOOPNE", "Jb", loop, .flags = X_F64),
    OP(0xe1, "LOOPE", "Jb", loop, .flags = X_F64),
    OP(0xe2, "LOOP", "Jb", loop, .flags = X_F64),
    OP(0xe3, "JCXZ", "Jb", jcxz, .flags = X_F64),
    OP(0xe8, "CALL", "Jz", call_rel, .flags = X_F64),
    OP(0xe9, "JMP", "Jz", jmp_rel, .flags = X_F64),
    OP(0xeb, "JMP", "Jb", jmp_rel, .flags = X_F64),
    OP(0xf5, "CMC", "", cmc),
    GRP(0xf6, 0, "TEST", "Eb,Ib", test_ei), GRP(0xf6, 1, "TEST", "Eb,Ib", test_ei),
    GRP(0xf7, 0, "TEST", "Ev,Iz", test_ei), GRP(0xf7, 1, "TEST", "Ev,Iz", test_ei),
    BOTH(0xf6, 2, "NOT", not_e, L), BOTH(0xf6, 3, "NEG", neg_e, L),
    BOTH(0xf6, 4, "MUL", mul_a), BOTH(0xf6, 5, "IMUL", mul_a, .arg = 1),
    BOTH(0xf6, 6, "DIV", div_a), BOTH(0xf6, 7, "IDIV", div_a, .arg = 1),
    OP(0xf8, "CLC", "", set_carry), OP(0xf9, "STC", "", set_carry),
    OP(0xfc, "CLD", "", set_direction), OP(0xfd, "STD", "", set_direction),
    BOTH(0xfe, 0, "INC", step, L), BOTH(0xfe, 1, "DEC", step, .arg = 1, L),
    GRP(0xff, 2, "CALL", "Ev", call_e, .flags = X_F64),
    GRP(0xff, 4, "JMP", "Ev", jmp_e, .flags = X_F64),
    GRP(0xff, 6, "PUSH", "Ev", push_e, .flags = X_D64),
    { 0 }
};
