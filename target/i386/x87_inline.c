/* SPDX-License-Identifier: MIT */
/*
 * x87 instructions as operations on registers in env (HostFn in tcg/ir.h),
 * while all exceptions are masked.  Whatever is rare, such as an empty
 * register, makes the instruction run once more, by its helper.
 */
#include "target/i386/x87.h"

/* ---- the operations in C ------------------------------------------------- */

static X87Reg *reg_at(X86Cpu *c, u64 offset)
{
    return (X87Reg *)((u8 *)c + offset);
}

static F80 get(X86Cpu *c, u64 offset)
{
    const X87Reg *r = reg_at(c, offset);
    return (F80){ .frac = r->mant, .se = r->exp };
}

static void put(X86Cpu *c, u64 offset, F80 v)
{
    *reg_at(c, offset) = (X87Reg){ .mant = v.frac, .exp = v.se };
}

static X87Op operand(u64 value, u32 format)
{
    static const u8 formats[] = {
        [F80_F32] = X87_F32, [F80_F64] = X87_F64, [F80_I16] = X87_I16,
        [F80_I32] = X87_I32, [F80_I64] = X87_I64,
    };
    X87Op o = { 0 };
    x87_operand(&o, (X87Format)formats[format], value, 0);
    return o;
}

static void f80_load(void *env, u64 dst, u64 value, u32 format)
{
    FpEnv e = fpenv_x87();
    X87Op o = operand(value, format);
    if (f80_is_snan(o.m, &e)) {
        o.flags |= FP_INVALID;
        o.m.frac |= BIT(62);
    }
    x87_note(env, o.flags);
    put(env, dst, o.m);
}
HELPER(f80_load, H_HOST(HOST_F80_LOAD), void, ptr, i64, i64, i32);

/* The flags are wanted later: they wait in fop's place of TcgEnv. */
static u64 f80_value(void *env, u64 src, u32 format)
{
    static const u8 formats[] = {
        [F80_F32] = X87_F32, [F80_F64] = X87_F64, [F80_I16] = X87_I16,
        [F80_I32] = X87_I32, [F80_I64] = X87_I64,
    };
    X86Cpu *c = env;
    FpEnv e = x87_env(c);
    F80 v = x87_convert((X87Format)formats[format & ~(u32)F80_TRUNC],
                        format & F80_TRUNC, get(c, src), &e);
    c->cpu.tcg.fop = e.flags;
    return v.frac;
}
HELPER(f80_value, H_HOST(HOST_F80_VALUE), i64, ptr, i64, i32);

static void f80_commit(void *env)
{
    X86Cpu *c = env;
    x87_note(c, (u32)c->cpu.tcg.fop);
}
HELPER(f80_commit, H_HOST(HOST_F80_COMMIT), void, ptr);

static void f80_arith(void *env, u64 dst, u64 a, u64 b, u32 op)
{
    X86Cpu *c = env;
    FpEnv e = x87_env(c);
    put(c, dst, x87_compute(op, get(c, a), get(c, b), &e));
    x87_note(c, e.flags);
}
HELPER(f80_arith, H_HOST(HOST_F80_ARITH), void, ptr, i64, i64, i64, i32);

static void f80_arith_value(void *env, u64 dst, u64 a, u64 value, u32 op)
{
    X86Cpu *c = env;
    FpEnv e = x87_env(c);
    X87Op o = operand(value, op >> 4);
    F80 x = get(c, a);
    put(c, dst, x87_compute(op & 7, x, o.m, &e));
    x87_note(c, x87_with_denormal(e.flags, o.flags, x));
}
HELPER(f80_arith_value, H_HOST(HOST_F80_ARITH_VALUE), void, ptr, i64, i64,
       i64, i32);

static void f80_unary(void *env, u64 dst, u64 src, u32 fn)
{
    X86Cpu *c = env;
    FpEnv e = x87_env(c);
    F80 v = get(c, src);
    switch (fn) {
    case F80_CHS:
        v.se ^= 0x8000;
        break;
    case F80_ABS:
        v.se &= 0x7fff;
        break;
    case F80_SQRT:
        v = f80_sqrt(v, &e);
        break;
    default:
        v = f80_round_int(v, (FpRound)e.round, true, &e);
    }
    put(c, dst, v);
    x87_note(c, e.flags);
}
HELPER(f80_unary, H_HOST(HOST_F80_UNARY), void, ptr, i64, i64, i32);

static void f80_compare_with(X86Cpu *c, F80 a, F80 b, u32 widening, bool quiet)
{
    FpEnv e = x87_env(c);
    FpOrder order = f80_compare(a, b, !quiet, &e);
    x87_note(c, order == FP_UNORDERED ? e.flags : e.flags | widening);
    c->cpu.tcg.fsw = (u16)((c->cpu.tcg.fsw & ~(FSW_CC & ~FSW_C1)) |
                           x87_order_codes(order));
}

static void f80_compare_regs(void *env, u64 a, u64 b, u32 quiet)
{
    f80_compare_with(env, get(env, a), get(env, b), 0, quiet);
}
HELPER(f80_compare_regs, H_HOST(HOST_F80_COMPARE), void, ptr, i64, i64, i32);

static void f80_compare_value(void *env, u64 a, u64 value, u32 format)
{
    X87Op o = operand(value, format);
    f80_compare_with(env, get(env, a), o.m, o.flags, false);
}
HELPER(f80_compare_value, H_HOST(HOST_F80_COMPARE_VALUE), void, ptr, i64, i64,
       i32);

static u32 f80_order(void *env, u64 a, u64 b, u32 quiet)
{
    X86Cpu *c = env;
    FpEnv e = x87_env(c);
    FpOrder order = f80_compare(get(c, a), get(c, b), !quiet, &e);
    c->cpu.tcg.fsw |= e.flags & FSW_EXCEPTIONS;
    return x87_order_flags(order);
}
HELPER(f80_order, H_HOST(HOST_F80_ORDER), i32, ptr, i64, i64, i32);

static void f80_const(void *env, u64 dst, u32 n)
{
    put(env, dst, x87_constant(env, n));
    x87_note(env, 0);
}
HELPER(f80_const, H_HOST(HOST_F80_CONST), void, ptr, i64, i32);

static void f80_move(void *env, u64 dst, u64 src)
{
    put(env, dst, get(env, src));
}
HELPER(f80_move, H_HOST(HOST_F80_MOVE), void, ptr, i64, i64);

static void f80_swap(void *env, u64 a, u64 b)
{
    F80 x = get(env, a);
    put(env, a, get(env, b));
    put(env, b, x);
}
HELPER(f80_swap, H_HOST(HOST_F80_SWAP), void, ptr, i64, i64);

static void f80_clear_c1(void *env)
{
    ((X86Cpu *)env)->cpu.tcg.fsw &= (u16)~FSW_C1;
}
HELPER(f80_clear_c1, H_HOST(HOST_F80_CLEAR_C1), void, ptr);

static u32 f80_status(void *env)
{
    return ((X86Cpu *)env)->cpu.tcg.fsw;
}
HELPER(f80_status, H_HOST(HOST_F80_STATUS), i32, ptr);

static u32 f80_control(void *env)
{
    return ((X86Cpu *)env)->cpu.tcg.fcw;
}
HELPER(f80_control, H_HOST(HOST_F80_CONTROL), i32, ptr);

static void f80_set_control(void *env, u32 v)
{
    ((X86Cpu *)env)->cpu.tcg.fcw = (u16)v;
}
HELPER(f80_set_control, H_HOST(HOST_F80_SET_CONTROL), void, ptr, i32);

/* ---- the stack ----------------------------------------------------------- */

static Val konst(X86Ctx *c, u32 v)
{
    return ir_i32(c->b, v);
}

/* Where ST(i) is in env. */
static Val st(X86Ctx *c, int i)
{
    Ir *b = c->b;
    Val n = ir_add(b, ir_get(b, S_FTOP), ir_i64(b, (u64)(i64)i));
    n = ir_shl(b, ir_and(b, n, ir_i64(b, 7)), ir_i64(b, 4));
    return ir_add(b, n, ir_i64(b, offsetof(X86Cpu, st)));
}

/* The helper's affair if the registers in mask (bit i: ST(i)) are not so. */
static void want(X86Ctx *c, u32 mask, u32 empty)
{
    Val v = ir_and(c->b, ir_get(c->b, S_FEMPTY), konst(c, mask));
    ir_trap_if(c->b, ir_set(c->b, NE, v, konst(c, empty)), X86_TRAP_X87);
}

/* TOP + n, all that is there still named by its number. */
static void move_top(X86Ctx *c, int n)
{
    ir_put(c->b, S_FTOP, ir_add(c->b, ir_get(c->b, S_FTOP),
                                ir_i64(c->b, (u64)(i64)n)));
}

static void pushed(X86Ctx *c)
{
    Val v = ir_shl(c->b, ir_get(c->b, S_FEMPTY), konst(c, 1));
    ir_put(c->b, S_FEMPTY, ir_and(c->b, v, konst(c, 0xfe)));
    move_top(c, -1);
}

static void pop(X86Ctx *c, unsigned n)
{
    for (; n; n--) {
        Val v = ir_or(c->b, ir_get(c->b, S_FEMPTY), konst(c, 0x100));
        ir_put(c->b, S_FEMPTY, ir_shr(c->b, v, konst(c, 1)));
        move_top(c, 1);
    }
}

static void filled(X86Ctx *c, unsigned i)
{
    ir_put(c->b, S_FEMPTY, ir_and(c->b, ir_get(c->b, S_FEMPTY),
                                  konst(c, 0xff & ~(1u << i))));
}

/* ---- translation --------------------------------------------------------- */

static int inline_format(X87Format f)
{
    static const i8 formats[] = {
        [X87_NONE] = -1, [X87_F32] = F80_F32, [X87_F64] = F80_F64,
        [X87_F80] = -1, [X87_I16] = F80_I16, [X87_I32] = F80_I32,
        [X87_I64] = F80_I64, [X87_BCD] = -1, [X87_WORD] = -1,
    };
    return formats[f];
}

/* FIP, FOP and the data pointer. */
static void note_pointers(X86Ctx *c, const X87Row *r)
{
    Ir *b = c->b;
    if (r->control) {
        return;
    }
    ir_put(b, S_FIP, x86_here(c));
    ir_put(b, S_FOP, konst(c, ((u32)(c->opcode & 7) << 8 | c->modrm) | FOP_CS));
    if (r->rm == X87_MEM) {
        ir_put(b, S_FDP, x86_offset(c));
        ir_put(b, S_FDSEG, konst(c, c->seg + 1u));
    }
}

/* A memory operand, its bits zero-extended; the registers are checked. */
static Val value_of(X86Ctx *c, const X87Row *r)
{
    unsigned size = x87_size((X87Format)r->format);
    Val v = x86_load(c, x86_mem(c, size, false), size);
    return size == 8 ? v : ir_zext(c->b, v);
}

static bool load(X86Ctx *c, const X87Row *r)
{
    int format = inline_format((X87Format)r->format);
    if (r->fn == x87_ldcw) {
        Val v = ir_and(c->b, x86_load(c, x86_mem(c, 2, false), 2),
                       konst(c, FCW_BITS));
        Val masks = ir_and(c->b, v, konst(c, FSW_EXCEPTIONS));
        ir_trap_if(c->b, ir_set(c->b, NE, masks, konst(c, FSW_EXCEPTIONS)),
                   X86_TRAP_X87);
        IR_CALL(c->b, &helper_f80_set_control,
                ir_or(c->b, v, konst(c, FCW_ONES)));
        return true;
    }
    if (format < 0) {
        return false;
    }
    bool loads = r->fn == x87_ld;
    want(c, loads ? 0x80 : 1, loads ? 0x80 : 0);
    Val v = value_of(c, r), a = st(c, 0);
    if (loads) {
        IR_CALL(c->b, &helper_f80_load, st(c, -1), v, konst(c, (u32)format));
        pushed(c);
    } else if (r->fn == x87_arith) {
        IR_CALL(c->b, &helper_f80_arith_value, a, a, v,
                konst(c, r->arg | (u32)format << 4));
    } else {
        IR_CALL(c->b, &helper_f80_compare_value, a, v,
                konst(c, (u32)format));
        pop(c, r->pops);
    }
    note_pointers(c, r);
    return true;
}

/* FSW with TOP in its place. */
static Val status(X86Ctx *c)
{
    Val top = ir_trunc(c->b, ir_get(c->b, S_FTOP));
    return ir_deposit(c->b, IR_CALL(c->b, &helper_f80_status), top, 11, 3);
}

static bool store(X86Ctx *c, const X87Row *r)
{
    int format = inline_format((X87Format)r->format);
    unsigned size = x87_size((X87Format)r->format);
    if (r->fn) {
        Val v = r->fn == x87_stsw ? status(c)
                                  : IR_CALL(c->b, &helper_f80_control);
        x86_store(c, x86_mem(c, size, true), size, v);
        return true;
    }
    if (format < 0) {
        return false;
    }
    want(c, 1, 0);
    Val v = IR_CALL(c->b, &helper_f80_value, st(c, 0),
                    konst(c, (u32)format | (r->arg ? F80_TRUNC : 0)));
    x86_store(c, x86_mem(c, size, true), size,
              size == 8 ? v : ir_trunc(c->b, v));
    IR_CALL(c->b, &helper_f80_commit);
    pop(c, r->pops);
    note_pointers(c, r);
    return true;
}

/* Two operands: ST(0) and ST(i). */
static bool binary(X86Ctx *c, const X87Row *r, unsigned i)
{
    Val a = st(c, 0), b = st(c, (int)i);
    bool quiet = r->arg & X87_QUIET;
    want(c, 1 | 1u << i, 0);
    if (r->fn == x87_arith) {
        IR_CALL(c->b, &helper_f80_arith, r->to_i ? b : a, a, b,
                konst(c, r->arg));
    } else if (r->fn == x87_xch) {
        IR_CALL(c->b, &helper_f80_swap, a, b);
        IR_CALL(c->b, &helper_f80_clear_c1);
    } else if (r->fn == x87_cmov) {
        Val from = ir_select(c->b, NE, x86_cond(c, r->arg), konst(c, 0), b, a);
        IR_CALL(c->b, &helper_f80_move, a, from);
    } else if (r->arg & X87_EFLAGS) {
        Val flags = IR_CALL(c->b, &helper_f80_order, a, b, konst(c, quiet));
        x86_flags_all(c, flags);
    } else {
        IR_CALL(c->b, &helper_f80_compare_regs, a, b, konst(c, quiet));
    }
    pop(c, r->pops);
    return true;
}

static bool unary(X86Ctx *c, F80Fn fn)
{
    want(c, 1, 0);
    Val a = st(c, 0);
    IR_CALL(c->b, &helper_f80_unary, a, a, konst(c, fn));
    return true;
}

static bool push(X86Ctx *c, const X87Row *r, unsigned i)
{
    bool copy = r->fn == x87_ld_st;
    if (copy && i == 7) {
        return false;           /* where it goes must be empty */
    }
    want(c, 0x80 | (copy ? 1u << i : 0), 0x80);
    if (copy) {
        IR_CALL(c->b, &helper_f80_move, st(c, -1), st(c, (int)i));
        IR_CALL(c->b, &helper_f80_clear_c1);
    } else {
        IR_CALL(c->b, &helper_f80_const, st(c, -1), konst(c, r->arg));
    }
    pushed(c);
    return true;
}

static bool move(X86Ctx *c, const X87Row *r, unsigned i)
{
    want(c, 1, 0);
    if (i) {
        IR_CALL(c->b, &helper_f80_move, st(c, (int)i), st(c, 0));
        filled(c, i);
    }
    IR_CALL(c->b, &helper_f80_clear_c1);
    pop(c, r->pops);
    return true;
}

static bool on_stack(X86Ctx *c, const X87Row *r)
{
    unsigned i = c->modrm & 7;
    if (r->fn == x87_stsw) {
        x86_set(c, 2, RAX, status(c));
        return true;
    }
    if (r->fn == x87_arith || r->fn == x87_xch || r->fn == x87_cmov ||
        r->fn == x87_com) {
        return binary(c, r, i);
    }
    if (r->fn == x87_ld_st || r->fn == x87_const) {
        return push(c, r, i);
    }
    if (r->fn == x87_st_st) {
        return move(c, r, i);
    }
    if (r->fn == x87_sign) {
        return unary(c, r->arg ? F80_CHS : F80_ABS);
    }
    return r->fn == x87_sqrt ? unary(c, F80_SQRT)
         : r->fn == x87_rndint ? unary(c, F80_RNDINT) : false;
}

/* MMX registers that the block has touched are not in env but in the IR. */
static bool mmx_touched(const X86Ctx *c)
{
    for (unsigned n = 0; n < 8; n++) {
        if (c->b->cur[S_MM + n].id) {
            return true;
        }
    }
    return false;
}

bool x87_inline(X86Ctx *c, const X87Row *r)
{
    if (c->key & (KEY_X87_SOFT | KEY_X87_ONCE) || mmx_touched(c)) {
        return false;
    }
    switch (r->kind) {
    case X87K_LOAD:
        return load(c, r);
    case X87K_STORE:
        return store(c, r);
    case X87K_IMAGE:
        return false;
    default:
        if (!on_stack(c, r)) {
            return false;
        }
        note_pointers(c, r);
        return true;
    }
}
