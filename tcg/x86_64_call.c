/* SPDX-License-Identifier: MIT */
/*
 * x86-64: calls of helpers, by the System V ABI (AMD64 supplement, 3.2).
 */
#include "tcg/x86_64.h"
#include <assert.h>

enum { MAX_ARGS = 7, NO_ARG = 0xff };

/* An argument on its way to its register. */
typedef struct Arg {
    u16 v;                      /* 0: env */
    u8  class;
    u8  to;
    i8  from;                   /* register, or -1: anywhere else */
    i8  parked;                 /* place in the frame's operands, or -1 */
    bool done;
} Arg;

typedef struct Args {
    Arg      arg[MAX_ARGS];
    unsigned n, parked;
} Args;

static const u8 int_args[] = { RDI, RSI, RDX, RCX, R8, R9 };

static void list_args(Cc *c, const Ins *i, const char *sig, Args *l)
{
    unsigned used[NCLASSES] = { 0 }, next = 0;
    for (; *sig; sig++) {
        u16 v = *sig == 'p' ? 0 : c->b->args[i->a.id + next++].id;
        unsigned class = *sig == 'q' ? CLASS_VEC : CLASS_INT;
        unsigned k = used[class]++;
        assert(l->n < MAX_ARGS && k < 6);
        l->arg[l->n++] = (Arg) {
            .v = v, .class = (u8)class,
            .to = class == CLASS_INT ? int_args[k] : (u8)k,
            .from = v ? c->a.reg[v] : RBP, .parked = -1,
        };
    }
}

/* Is `reg` the source of a move not done yet, other than x itself? */
static bool is_source(const Args *l, const Arg *x)
{
    for (unsigned n = 0; n < l->n; n++) {
        const Arg *y = &l->arg[n];
        if (y != x && !y->done && y->class == x->class && y->parked < 0 &&
            y->from == x->to) {
            return true;
        }
    }
    return false;
}

static Type move_type(const Arg *x)
{
    return x->class == CLASS_VEC ? V128T : I64;
}

static Opd park_opd(const Arg *x)
{
    return mem_opd(RSP, FRAME_OPND + x->parked * PLACE_SIZE);
}

/* Breaks a cycle: all that wait in x's target register wait in memory. */
static void park(Cc *c, Args *l, const Arg *x)
{
    unsigned place = l->parked++;
    for (unsigned n = 0; n < l->n; n++) {
        Arg *y = &l->arg[n];
        if (y != x && !y->done && y->class == x->class && y->parked < 0 &&
            y->from == x->to) {
            y->parked = (i8)place;
            x64_store(c, move_type(y), (unsigned)y->from, park_opd(y));
        }
    }
}

static void move_registers(Cc *c, Args *l)
{
    bool again = true;
    while (again) {
        Arg *stuck = NULL;
        bool moved = false;
        for (unsigned n = 0; n < l->n; n++) {
            Arg *x = &l->arg[n];
            if (x->done || x->from < 0 || x->parked >= 0) {
                continue;
            }
            if (is_source(l, x)) {
                stuck = x;
                continue;
            }
            x64_move(c, move_type(x), x->to, (unsigned)x->from);
            x->done = moved = true;
        }
        if (stuck && !moved) {
            park(c, l, stuck);
        }
        again = stuck != NULL;
    }
}

static void load_rest(Cc *c, const Args *l)
{
    for (unsigned n = 0; n < l->n; n++) {
        const Arg *x = &l->arg[n];
        if (x->done) {
            continue;
        }
        if (x->parked >= 0) {
            x64_load(c, move_type(x), x->to, park_opd(x));
        } else {
            x64_fetch(c, x->v, x->to);
        }
    }
}

void x64_call(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    const Helper *h = (const Helper *)(uintptr_t)i->imm;
    Args l = { .n = 0 };
    (void)row;
    if (x64_host_fn(c, v, (HostFn)(h->flags >> H_HOST_SHIFT))) {
        return;
    }
    alloc_save_all(&c->a);
    list_args(c, i, h->sig + 1, &l);
    move_registers(c, &l);
    load_rest(c, &l);
    as_mov_imm(c->s, RAX, (u64)(uintptr_t)h->fn, true);
    as_op(c->s, OP_GRP5, 2, reg_opd(RAX));
    alloc_drop_unsaved(&c->a);
    if (i->type != VOID && c->a.end[v] > v) {
        unsigned to = (unsigned)alloc_def_new(&c->a, v);
        x64_move(c, i->type, to, class_of(i->type) == CLASS_VEC ? 0 : RAX);
    }
}
