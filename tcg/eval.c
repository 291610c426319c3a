/* SPDX-License-Identifier: MIT */
/*
 * The evaluator: runs a block of IR without making host code.  It is the
 * interpreter backend, the debugger's single step, and what native back ends
 * are tested against.
 */
#include <assert.h>
#include "tcg/tcg.h"

typedef struct Eval {
    const Ir *b;
    u8       *env;
    TcgSlow  *slow;
    Vec       v[IR_MAX];
} Eval;

static TcgEnv *tcg(Eval *e)
{
    return (TcgEnv *)e->env;
}

/* ---- slots -------------------------------------------------------------- */

static u32 size_of(Type t)
{
    return t == I32 || t == F32 ? 4 : t == V128T ? 16 : 8;
}

static void write_slot(void *ctx, unsigned slot, Val v)
{
    Eval *e = ctx;
    const IrSlot *s = &e->b->slots[slot];

    memcpy(e->env + s->offset, &e->v[v.id], size_of(s->type));
}

/* No slot's new value depends on another's old one: gets were done before. */
static void write_snapshot(Eval *e, const Ins *i)
{
    ir_snapshot(e->b, i, write_slot, e);
}

/* ---- memory ------------------------------------------------------------- */

static u64 extend(const Ins *i, u64 v)
{
    u32 size = 8u << (i->imm & M_SIZE);

    v = i->imm & M_SIGN ? (u64)sext(v, (int)size) : v & MASK(size);
    return i->type == I32 ? (u32)v : v;
}

static void take_result(const Ins *i, const u64 *val, Vec *r)
{
    if ((i->imm & M_SIZE) == M_128) {
        *r = (Vec) { .d = { val[0], val[1] } };
    } else {
        *r = (Vec) { .d = { extend(i, val[0]), 0 } };
    }
}

static void give(u64 *val, const Ins *i, Vec x)
{
    val[0] = x.d[0];
    if ((i->imm & M_SIZE) == M_128) {
        val[1] = x.d[1];
    }
}

static u32 kind_of(const Ins *i)
{
    switch (i->op) {
    case IR_load: case IR_load2: return MEM_LOAD;
    case IR_store: case IR_store2: return MEM_STORE;
    case IR_rmw: return MEM_RMW;
    default: return MEM_CAS;
    }
}

/* Did the compare and swap find the value it expected? */
static bool found(const Ins *i, const u64 *val, Vec expect)
{
    u64 mask = MASK(8u << (i->imm & M_SIZE));

    return !((val[0] ^ expect.d[0]) & mask)
        && ((i->imm & M_SIZE) != M_128 || val[1] == expect.d[1]);
}

/* False: the guest faulted, env is its handler's. */
static bool access_memory(Eval *e, u32 k)
{
    const Ins *i = &e->b->ins[k];
    TcgEnv *t = tcg(e);
    u32 words = (i->imm & M_SIZE) == M_128 ? 2 : 1;

    if (i->op == IR_casif && e->v[i->a.id].d[0] != e->v[i->d.id].d[0]) {
        e->v[k] = (Vec) { .d = { 1, 0 } };
        return true;
    }
    write_snapshot(e, i);
    t->pc = t->pc_page + i->at;
    t->mem_addr = e->v[i->a.id].d[0] + (u64)(i64)access_offset(i);
    if (i->imm & M_NARROW) {
        t->mem_addr = (u32)t->mem_addr;
    }
    give(t->mem_val, i, e->v[i->b.id]);
    if (i->op == IR_store2) {
        give(t->mem_val + words, i, e->v[i->c.id]);
    }
    give(t->mem_expect, i, e->v[i->c.id]);
    t->mem_memop = (u16)i->imm | kind_of(i) << MEM_KIND_SHIFT
                 | (i->op == IR_rmw ? (u64)i->sub << MEM_RMW_SHIFT : 0);
    if (!e->slow(e->env, NULL)) {
        return false;
    }
    if (i->op == IR_casif) {
        e->v[k] = (Vec) { .d = { !found(i, t->mem_val, e->v[i->c.id]), 0 } };
    } else if (kind_of(i) != MEM_STORE) {
        take_result(i, t->mem_val, &e->v[k]);
        if (i->op == IR_load2) {
            take_result(i, t->mem_val + words, &e->v[k + 1]);
        }
    }
    return true;
}

/* ---- calls -------------------------------------------------------------- */

/*
 * In the C calling conventions of x86-64 (System V) and AArch64 integer and
 * vector arguments are counted apart, each in registers of their own, so that
 * one call with all of them loaded serves every signature.  A u32 goes in a
 * whole register; values of I32 are zero-extended anyway.
 */
typedef u64 IntCall(u64, u64, u64, u64, u64, u64, V128, V128, V128, V128);
typedef V128 VecCall(u64, u64, u64, u64, u64, u64, V128, V128, V128, V128);

static void call(Eval *e, u32 k)
{
    const Ins *i = &e->b->ins[k];
    const Helper *h = (const Helper *)i->imm;
    const Val *arg = &e->b->args[i->a.id];
    u64 n[6] = { 0 };
    V128 v[4] = { { 0 } };
    u32 ni = 0, nv = 0;

    for (const char *s = h->sig + 1; *s; s++) {
        if (*s == 'p') {
            n[ni++] = (u64)e->env;
        } else if (*s == 'q') {
            v[nv++] = e->v[(arg++)->id].v;
        } else {
            n[ni++] = e->v[(arg++)->id].d[0];
        }
    }
    if (h->sig[0] == 'q') {
        e->v[k].v = ((VecCall *)h->fn)(n[0], n[1], n[2], n[3], n[4], n[5],
                                       v[0], v[1], v[2], v[3]);
    } else {
        u64 r = ((IntCall *)h->fn)(n[0], n[1], n[2], n[3], n[4], n[5],
                                   v[0], v[1], v[2], v[3]);
        e->v[k] = (Vec) { .d = { h->sig[0] == 'i' ? (u32)r : r, 0 } };
    }
}

/* ---- values ------------------------------------------------------------- */

static void compute_fp(Eval *e, u32 k)
{
    const Ins *i = &e->b->ins[k];
    Type t = ir_type(e->b, i->a);
    Vec a = e->v[i->a.id], b = e->v[i->b.id], c = e->v[i->c.id];

    if (i->type == V128T) {
        e->v[k] = fp_vec(e->b->soft, e->env, i, a, b, c);
        return;
    }
    bool is64 = t == F64 || (i->op == IR_i2f && i->type == F64);
    FpFn *fn = e->b->soft->fn[fp_kind(i, t)][is64];
    u64 r = fn(e->env, a.d[0], b.d[0], c.d[0], i->sub);
    r = size_of((Type)i->type) == 4 ? (u32)r : r;
    e->v[k] = (Vec) { .d = { r, 0 } };
}

static void compute(Eval *e, u32 k)
{
    const Ins *i = &e->b->ins[k];
    const Vec *a = &e->v[i->a.id], *b = &e->v[i->b.id], *c = &e->v[i->c.id];
    const IrSlot *s;

    if (ir_ops[i->op].flags & FPOP) {
        compute_fp(e, k);
        return;
    }
    switch (i->op) {
    case IR_pc:
        e->v[k] = (Vec) { .d = { tcg(e)->pc_page + i->imm, 0 } };
        break;
    case IR_phi:
        e->v[k] = *a;
        break;
    case IR_get:
        s = &e->b->slots[i->imm];
        e->v[k] = (Vec) { .d = { 0, 0 } };
        memcpy(&e->v[k], e->env + s->offset, size_of(s->type));
        break;
    case IR_select:
        if (i->type > I64) {
            Ins cmp = { .op = IR_set, .type = I32, .sub = i->sub };
            e->v[k] = ir_compute(&cmp, ir_type(e->b, i->a), a->d[0], b->d[0],
                                 0, 0) ? *c : e->v[i->d.id];
            break;
        }
        /* fall through */
    default:
        e->v[k] = i->op < IR_vlow
            ? (Vec) { .d = { ir_compute(i, ir_type(e->b, i->a), a->d[0],
                                        b->d[0], c->d[0], e->v[i->d.id].d[0]),
                             0 } }
            : ir_compute_vec(i, *a, *b, *c);
    }
}

/* ---- control ------------------------------------------------------------ */

static TcgExit go(Eval *e, const Ins *i)
{
    TcgEnv *t = tcg(e);

    write_snapshot(e, i);
    t->pc = e->v[i->a.id].d[0];
    return i->sub & EXIT_POLL && t->poll ? TCG_POLL : TCG_LOOKUP;
}

/* The phis' values of the next round. */
static void next_round(Eval *e)
{
    Vec v[IR_SLOTS];
    u32 n = 0, k = e->b->label;

    while (e->b->ins[k - 1 - n].op == IR_phi) {
        v[n] = e->v[e->b->ins[k - 1 - n].b.id];
        n++;
    }
    while (n--) {
        e->v[k - 1 - n] = v[n];
    }
}

/* A KEEP instruction that is no access.  True: the block was left. */
static bool control(Eval *e, u32 k, TcgExit *why)
{
    const Ins *i = &e->b->ins[k];
    TcgEnv *t = tcg(e);

    switch (i->op) {
    case IR_sync:
        write_snapshot(e, i);
        t->pc = t->pc_page + i->at;
        return false;
    case IR_call:
        call(e, k);
        return false;
    case IR_fence:
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        return false;
    case IR_label:
        return false;
    case IR_poll: case IR_loop:
        if (!t->poll) {
            return false;
        }
        *why = TCG_POLL;
        write_snapshot(e, i);
        t->pc = e->v[i->a.id].d[0];
        return true;
    case IR_exit_if:
        if (!e->v[i->b.id].d[0]) {
            return false;
        }
        *why = go(e, i);
        return true;
    case IR_trap_if:
        if (!e->v[i->a.id].d[0]) {
            return false;
        }
        *why = TCG_TRAP;
        write_snapshot(e, i);
        t->pc = t->pc_page + i->at;
        t->trap = i->imm;
        return true;
    case IR_exit:
        *why = go(e, i);
        return true;
    case IR_leave:
        write_snapshot(e, i);
        *why = t->poll ? TCG_POLL : TCG_LOOKUP;
        return true;
    }
    assert(!"a control operation");
    return true;
}

TcgExit ir_eval(const Ir *b, const IrLive *l, void *env, TcgSlow *slow)
{
    Eval e;
    TcgExit why = TCG_LOOKUP;

    e.b = b;
    e.env = env;
    e.slow = slow;
    e.v[0] = (Vec) { .d = { 0, 0 } };
    for (u32 k = 1; k < b->n; k++) {
        const Ins *i = &b->ins[k];
        if ((l && l->dead[k]) || i->op == IR_second) {
            continue;
        }
        if (i->op >= IR_load && i->op <= IR_rmw) {
            if (!access_memory(&e, k)) {
                return TCG_LOOKUP;
            }
        } else if (ir_ops[i->op].flags & KEEP) {
            if (control(&e, k, &why)) {
                return why;
            }
            if (i->op == IR_loop) {
                next_round(&e);
                k = b->label;
            }
        } else if (i->op == IR_span) {
            e.v[k] = (Vec) { .d = { 0, 0 } };
        } else {
            compute(&e, k);
        }
    }
    assert(!"a block that does not end");
    return why;
}
