/* SPDX-License-Identifier: MIT */
/*
 * The one-byte opcode map without strings, x87 and system instructions.
 * Reference: SDM volume 2.  Flags that it leaves undefined are as on the CPUs
 * this was tested on.
 *
 * A locked instruction that no atomic operation of the IR does compares and
 * swaps, and starts again if it lost.
 */
#include <sched.h>
#include "softmmu/machine.h"
#include "target/i386/svm.h"
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
    r.af = size < 4 ? ir_xor(b, x, y) : ir_i32(b, X86_IN_WORD);
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

/* E = E op y. */
static bool alu_e(X86Ctx *c, Val y)
{
    unsigned op = c->row->arg, size = x86_op_size(c);
    Val addr = { 0 }, x;

    if (c->lock) {
        return locked(c, op, size, y);
    }
    x = op == CMP ? x86_get_e(c, size, &addr) : x86_get_e_write(c, size, &addr);
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
        x = x86_get_e_write(c, size, &addr);
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
    x = x86_get_e_write(c, size, &addr);
    x86_put_e(c, size, addr, ir_xor(c->b, x, ones));
    return true;
}

static bool neg_e(X86Ctx *c)
{
    unsigned size = x86_op_size(c);
    Val addr = { 0 };
    Val x = x86_get_e_write(c, size, &addr);
    X86Result r = x86_sub(c, size, x86_imm(c, size, 0), x);

    if (c->lock) {
        swap_or_retry(c, size, addr, x, r.v);
    } else {
        x86_put_e(c, size, addr, r.v);
    }
    x86_put_flags(c, size, &r);
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

/* In a loop that waits for another CPU, whose thread may need this one's. */
static void spin_pause(void *env)
{
    if (((X86Cpu *)env)->cpu.machine->ncpus > 1) {
        sched_yield();
    }
}
HELPER(spin_pause, 0, void, ptr);

/* 90 is NOP, also where XCHG EAX, EAX would clear the upper half. */
static bool xchg_a(X86Ctx *c)
{
    Val x = x86_get(c, c->osize, RAX), y = x86_get(c, c->osize, c->rm);

    if (c->rm != RAX) {
        x86_set(c, c->osize, RAX, y);
        x86_set(c, c->osize, c->rm, x);
    }
    return true;
}

static bool pause_cpu(X86Ctx *c)
{
    IR_CALL(c->b, &helper_spin_pause);
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

/*
 * Pushes BP, `level` - 1 older frame pointers and the new one.  The last thing
 * that may fault is a write at the new top, which changes nothing.
 */
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
    at -= (i64)c->imm;
    rmw(c, RMW_ADD, 1, x86_stack_at(c, sp, at, 1, true), k32(c, 0));
    x86_set(c, size, RBP, x86_to(c, 8, size, frame, false));
    x86_set_sp(c, ir_add(c->b, sp, k64(c, (u64)at)));
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

    return x86_to(c, c->osize, 8, ip, false);
}

static bool jmp_e(X86Ctx *c)
{
    x86_jump(c, target_e(c), EXIT_JUMP);
    return true;
}

/*
 * The target is checked first: of a bad one nothing is stored.  Where the
 * stack is bad too, processors fault on that.
 */
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
    return call_to(c, x86_code(c, target_e(c)));
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
    v = ir_or(b, v, x86_af(c));
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

/* ---- others ------------------------------------------------------------ */

/* The RPL of E becomes at least that of G; ZF tells. */
static bool arpl(X86Ctx *c)
{
    Ir *b = c->b;
    Val addr = { 0 };
    Val x = x86_get_e_write(c, 2, &addr), rpl = ir_and(b, x, k32(c, 3));
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
    OP(0x6a, "PUSH", "sIb", push_imm, .flags = X_D64),
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
    OPP(0x90, PF3, "PAUSE", "", pause_cpu, .exit = EXIT_PAUSE),
    EIGHT(0x90, "XCHG", "Zv,rAX", xchg_a),
    OP(0x98, "CBW", "", extend_a), OP(0x99, "CWD", "", extend_d),
    OP(0x9e, "SAHF", "", sahf), OP(0x9f, "LAHF", "", lahf),
    OP(0xa0, "MOV", "AL,Ob", mov_offset), OP(0xa1, "MOV", "rAX,Ov", mov_offset),
    OP(0xa2, "MOV", "Ob,AL", mov_offset, .arg = 1),
    OP(0xa3, "MOV", "Ov,rAX", mov_offset, .arg = 1),
    OP(0xa8, "TEST", "AL,Ib", test_ai), OP(0xa9, "TEST", "rAX,Iz", test_ai),
    EIGHT(0xb0, "MOV", "Zb,Ib", mov_reg_imm),
    EIGHT(0xb8, "MOV", "Zv,Iv", mov_reg_imm),
    OP(0xc2, "RET", "Iw", ret, .flags = X_F64),
    OP(0xc3, "RET", "", ret, .flags = X_F64),
    GRP(0xc6, 0, "MOV", "Eb,Ib", mov_ei), GRP(0xc7, 0, "MOV", "Ev,Iz", mov_ei),
    OP(0xc8, "ENTER", "Iw,Ib", enter, .flags = X_D64),
    OP(0xc9, "LEAVE", "", leave, .flags = X_D64),
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
    OP(0xf8, "CLC", "", set_carry), OP(0xf9, "STC", "", set_carry),
    OP(0xfc, "CLD", "", set_direction), OP(0xfd, "STD", "", set_direction),
    BOTH(0xfe, 0, "INC", step, L), BOTH(0xfe, 1, "DEC", step, .arg = 1, L),
    GRP(0xff, 2, "CALL", "Ev", call_e, .flags = X_F64),
    GRP(0xff, 4, "JMP", "Ev", jmp_e, .flags = X_F64),
    GRP(0xff, 6, "PUSH", "Ev", push_e, .flags = X_D64),
    { 0 }
};
