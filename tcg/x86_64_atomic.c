/* SPDX-License-Identifier: MIT */
/*
 * x86-64: atomic accesses.  Unaligned ones, 16 bytes, and the other byte
 * order take the slow path.
 */
#include "tcg/x86_64.h"

static unsigned size_log2(const Access *m)
{
    return m->memop & M_SIZE;
}

static u32 size_w(const Access *m)
{
    return size_log2(m) == M_64 ? X_W : 0;
}

/* `op` is the form for 16 to 64 bits, `op8` that for bytes. */
static u32 sized(const Access *m, u32 op, u32 op8)
{
    static const u32 prefix[] = { 0, X_OS, 0, X_W };
    return size_log2(m) == M_8 ? op8 : op | prefix[size_log2(m)];
}

/*
 * A lone vCPU needs no bus lock, which costs twenty times the rest: devices
 * do not read, modify and write guest memory.  What guests use as a fence has
 * one all the same: XCHG, and adding or or-ing 0.
 */
static bool atomic(const Cc *c, const Ins *i)
{
    u64 w[2];
    return !c->b->one_cpu || i->sub == RMW_XCHG ||
           (ir_const_of(c->b, i->b.id, w) && w[0] == 0);
}

static void lock(Cc *c)
{
    as_8(c->s, 0xf0);
}

/* Compares and swaps are no fences. */
static void lock_if_shared(Cc *c)
{
    if (!c->b->one_cpu) {
        lock(c);
    }
}

/* reg = the low bytes of from, extended. */
static void extend(Cc *c, Type t, const Access *m, unsigned reg, unsigned from)
{
    bool same = size_log2(m) >= M_32 && !(m->memop & M_SIGN);
    if (same) {
        as_op(c->s, OP_LD | size_w(m), reg, reg_opd(from));
    } else {
        x64_load_int(c, t, m->memop, reg, reg_opd(from));
    }
}

/* An atomic of v; goes to the slow path unless rcx is the host address. */
static void begin(Cc *c, u16 v, u32 kind, Access *m)
{
    x64_access(c, v, kind, m);
    if (size_log2(m) > M_64 || m->memop & (M_PAIR | M_BE)) {
        m->direct = false;
    }
    x64_access_snapshot(c, v, m);
}

static void check(Cc *c, Access *m)
{
    x64_check(c, m, true, true);
    as_op(c->s, OP_ADD | X_W, RCX, reg_opd(RAX));
}

/* A V128 or integer to env. */
static void pass(Cc *c, u16 v, int reg, Opd to)
{
    x64_store(c, ins_of(c, v)->type, (unsigned)reg, to);
}

static void slow(Cc *c, const Ins *i, const Access *m, int value, int expect)
{
    pass(c, i->b.id, value, mem_val(0));
    if (expect >= 0) {
        pass(c, i->c.id, expect, env_opd(offsetof(TcgEnv, mem_expect)));
    }
    x64_slow_call(c, m);
}

/* What the slow path found goes to `to`; on with the hot code. */
static void slow_end(Cc *c, const Ins *i, const Access *m, unsigned to,
                     u32 back)
{
    if (class_of(i->type) == CLASS_VEC) {
        x64_load(c, i->type, to, mem_val(0));
    } else {
        x64_load_int(c, i->type, m->memop, to, mem_val(0));
    }
    as_jmp(c->s, S_HOT, back);
    c->s = &c->hot;
}

/* ---- compare and swap --------------------------------------------------- */

void x64_cas(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    int value = alloc_use(&c->a, i->b.id);
    int expect = alloc_use(&c->a, i->c.id);
    Access m;
    (void)row;
    begin(c, v, MEM_CAS << MEM_KIND_SHIFT, &m);
    unsigned to = (unsigned)alloc_def_new(&c->a, v);
    if (m.direct) {
        check(c, &m);
        as_mov(c->s, X_W, RAX, (unsigned)expect);
        lock_if_shared(c);
        as_op(c->s, sized(&m, OP_CMPXCHG, OP_CMPXCHG8), (unsigned)value,
              mem_opd(RCX, 0));
        extend(c, i->type, &m, to, RAX);
    } else {
        as_jmp(c->s, S_COLD, m.stub);
    }
    u32 back = as_here(&c->hot);
    c->s = &c->cold;
    slow(c, i, &m, value, expect);
    slow_end(c, i, &m, to, back);
}

/* Sets NE if what the slow path found is not what was expected. */
static void compare_old(Cc *c, const Access *m)
{
    Opd expect = env_opd(offsetof(TcgEnv, mem_expect));
    if (size_log2(m) <= M_64) {
        as_op(c->s, OP_LD | X_W, RAX, mem_val(0));
        as_op(c->s, sized(m, OP_CMP, OP_CMP8), RAX, expect);
        return;
    }
    as_op(c->s, OP_LD | X_W, RAX, mem_val(0));
    as_op(c->s, OP_XOR | X_W, RAX, expect);
    expect.disp += 8;
    as_op(c->s, OP_LD | X_W, RCX, mem_val(1));
    as_op(c->s, OP_XOR | X_W, RCX, expect);
    as_op(c->s, OP_OR | X_W, RAX, reg_opd(RCX));
}

/*
 * The result is built in al: the slow path's snapshot may want what is in
 * the result's register.  The address compare leaves, if unequal, with 1; then
 * x64_check() takes the address anew.
 */
void x64_casif(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    int value = alloc_use(&c->a, i->b.id);
    int expect = alloc_use(&c->a, i->c.id);
    int where = alloc_use(&c->a, i->d.id);
    Access m;
    (void)row;
    begin(c, v, MEM_CAS << MEM_KIND_SHIFT, &m);
    unsigned to = (unsigned)alloc_def_new(&c->a, v);
    x64_address(c, &m);
    as_op(c->s, OP_CMP | c->wp, RAX, reg_opd((unsigned)where));
    as_op(c->s, OP_SETCC | CC_NE, 0, reg_opd(RAX));
    u32 unequal = as_jcc_open(c->s, CC_NE);
    if (m.direct) {
        check(c, &m);
        as_mov(c->s, X_W, RAX, (unsigned)expect);
        lock_if_shared(c);
        as_op(c->s, sized(&m, OP_CMPXCHG, OP_CMPXCHG8), (unsigned)value,
              mem_opd(RCX, 0));
        as_op(c->s, OP_SETCC | CC_NE, 0, reg_opd(RAX));
    } else {
        as_jmp(c->s, S_COLD, m.stub);
    }
    as_close(c->s, unequal);
    u32 back = as_here(&c->hot);
    as_op(c->s, OP_MOVZX8, to, reg_opd(RAX));
    c->s = &c->cold;
    slow(c, i, &m, value, expect);
    compare_old(c, &m);
    as_op(c->s, OP_SETCC | CC_NE, 0, reg_opd(RAX));
    as_jmp(c->s, S_HOT, back);
    c->s = &c->hot;
}

/* ---- read, modify, write ------------------------------------------------ */

/* to = old (rax) op value. */
static void combine(Cc *c, const Access *m, RmwKind kind, unsigned to,
                    unsigned value)
{
    static const u32 op[] = {
        [RMW_ADD] = OP_ADD, [RMW_AND] = OP_AND, [RMW_OR] = OP_OR,
        [RMW_XOR] = OP_XOR,
    };
    static const u8 keep_old[] = {
        [RMW_SMIN] = CC_L, [RMW_SMAX] = CC_G,
        [RMW_UMIN] = CC_B, [RMW_UMAX] = CC_A,
    };
    as_mov(c->s, X_W, to, value);
    if (kind < RMW_SMIN) {
        as_op(c->s, op[kind] | X_W, to, reg_opd(RAX));
    } else {
        as_op(c->s, sized(m, OP_CMP, OP_CMP8), RAX, reg_opd(value));
        as_op(c->s, OP_CMOV | keep_old[kind] | X_W, to, reg_opd(RAX));
    }
}

static void load_old(Cc *c, const Access *m, Opd mem)
{
    as_op(c->s, size_log2(m) == M_8 ? OP_MOVZX8
              : size_log2(m) == M_16 ? OP_MOVZX16 : OP_LD | size_w(m),
          RAX, mem);
}

/* The fast path where nobody else looks. */
static void modify_alone(Cc *c, const Ins *i, const Access *m, unsigned to,
                         unsigned value)
{
    Opd mem = mem_opd(RCX, 0);
    load_old(c, m, mem);
    combine(c, m, (RmwKind)i->sub, to, value);
    as_op(c->s, sized(m, OP_ST, OP_ST8), to, mem);
    extend(c, i->type, m, to, RAX);
}

/* The fast path: the old value comes to `to`, which is no operand. */
static void modify(Cc *c, const Ins *i, const Access *m, unsigned to,
                   unsigned value)
{
    Opd mem = mem_opd(RCX, 0);
    if (i->sub == RMW_XCHG || i->sub == RMW_ADD) {
        as_mov(c->s, X_W, to, value);
        if (i->sub == RMW_ADD) {
            lock(c);
            as_op(c->s, sized(m, OP_XADD, OP_XADD8), to, mem);
        } else {
            as_op(c->s, sized(m, OP_XCHG, OP_XCHG8), to, mem);
        }
        extend(c, i->type, m, to, to);
        return;
    }
    load_old(c, m, mem);
    u32 again = as_here(c->s);
    combine(c, m, (RmwKind)i->sub, to, value);
    lock(c);
    as_op(c->s, sized(m, OP_CMPXCHG, OP_CMPXCHG8), to, mem);
    as_jcc_back(c->s, CC_NE, again);
    extend(c, i->type, m, to, RAX);
}

void x64_rmw(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    int value = alloc_use(&c->a, i->b.id);
    Access m;
    (void)row;
    begin(c, v, MEM_RMW << MEM_KIND_SHIFT | (u32)i->sub << MEM_RMW_SHIFT, &m);
    unsigned to = (unsigned)alloc_def_new(&c->a, v);
    if (m.direct) {
        check(c, &m);
        if (atomic(c, i)) {
            modify(c, i, &m, to, (unsigned)value);
        } else {
            modify_alone(c, i, &m, to, (unsigned)value);
        }
    } else {
        as_jmp(c->s, S_COLD, m.stub);
    }
    u32 back = as_here(&c->hot);
    c->s = &c->cold;
    slow(c, i, &m, value, -1);
    slow_end(c, i, &m, to, back);
}
