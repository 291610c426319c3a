/* SPDX-License-Identifier: MIT */
/*
 * x86-64: loops.  At the label each value is in some place; IR_loop brings
 * all of them there again, each from where it is now, in parallel.
 */
#include "tcg/x86_64.h"
#include <assert.h>

enum { LOOP_ALIGN = 16 };

void x64_phi(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    (void)row;
    if (c->a.fate[v] == HOME) {
        x64_store_slot(c, (unsigned)i->imm, i->a.id);
    } else {
        alloc_def_over(&c->a, v, i->a.id);
    }
}

void x64_label(Cc *c, u16 v, const HostOp *row)
{
    (void)v;
    (void)row;
    x64_forget_pages(c);
    alloc_label(&c->a);
    as_nop(c->s, -as_here(c->s) & (LOOP_ALIGN - 1));
    c->loop = as_here(c->s);
    c->tested = 0;
}

/* A move whose source is a register or memory. */
typedef struct Move {
    Type type;
    Opd  to, from;
    bool done;
} Move;

typedef struct Moves {
    Cc  *c;
    u32  n;
    Move m[ALLOC_MOVES];
} Moves;

static unsigned scratch(Type t, unsigned n)
{
    static const u8 ints[] = { RAX, RCX };
    return class_of(t) == CLASS_VEC ? n : ints[n];
}

static bool is_place(const Move *m, Opd x, Type t)
{
    return x.kind == m->from.kind && x.reg == m->from.reg &&
           (x.kind == O_REG ? class_of(t) == class_of(m->type)
                            : x.disp == m->from.disp);
}

/* Must some move that is not done read what m would overwrite? */
static bool is_blocked(const Moves *l, const Move *m)
{
    for (u32 n = 0; n < l->n; n++) {
        const Move *k = &l->m[n];
        if (k != m && !k->done && is_place(k, m->to, m->type)) {
            return true;
        }
    }
    return false;
}

static void move(Cc *c, Type t, Opd to, Opd from)
{
    if (to.kind == O_REG && from.kind == O_REG) {
        x64_move(c, t, to.reg, from.reg);
    } else if (to.kind == O_REG) {
        x64_load(c, t, to.reg, from);
    } else if (from.kind == O_REG) {
        x64_store(c, t, from.reg, to);
    } else {
        x64_load(c, t, scratch(t, 1), from);
        x64_store(c, t, scratch(t, 1), to);
    }
}

/* Those that can go go; false: none could. */
static bool make_moves(Moves *l)
{
    bool any = false;
    for (u32 n = 0; n < l->n; n++) {
        Move *m = &l->m[n];
        if (!m->done && !is_blocked(l, m)) {
            move(l->c, m->type, m->to, m->from);
            m->done = any = true;
        }
    }
    return any;
}

/* The rest are cycles: one value waits in a scratch register. */
static bool break_cycle(Moves *l)
{
    for (u32 n = 0; n < l->n; n++) {
        Move *m = &l->m[n];
        if (!m->done) {
            Opd wait = reg_opd(scratch(m->type, 0));
            move(l->c, m->type, wait, m->from);
            m->from = wait;
            return true;
        }
    }
    return false;
}

static Opd target_of(const AllocMove *x)
{
    return x->reg >= 0 ? reg_opd((unsigned)x->reg) : place_opd(x->place);
}

static bool is_there(const Cc *c, const AllocMove *x)
{
    return x->reg >= 0 ? c->a.reg[x->v] == x->reg
                       : c->a.place[x->v] == x->place;
}

/* Constants, which need no register that another move has overwritten. */
static void make_rest(Cc *c, const AllocMove *x, u32 n)
{
    Opd from;
    for (; n--; x++) {
        if (x64_located(c, x->v, &from) || is_there(c, x)) {
            continue;
        }
        assert(c->a.fate[x->v] == REMAT);
        unsigned reg = x->reg >= 0 ? (unsigned)x->reg : scratch(x->type, 0);
        x64_fetch(c, x->v, reg);
        if (x->reg < 0) {
            x64_store(c, x->type, reg, target_of(x));
        }
    }
}

static void again(Cc *c)
{
    AllocMove list[ALLOC_MOVES];
    Moves l = { .c = c };
    u32 n = alloc_again(&c->a, list);
    for (u32 k = 0; k < n; k++) {
        Opd from;
        if (!is_there(c, &list[k]) && x64_located(c, list[k].v, &from)) {
            l.m[l.n++] = (Move) { list[k].type, target_of(&list[k]), from,
                                  false };
        }
    }
    do {
        while (make_moves(&l)) {
        }
    } while (break_cycle(&l));
    make_rest(c, list, n);
}

static void write_homes(Cc *c)
{
    for (u16 v = c->b->label - 1; ins_of(c, v)->op == IR_phi; v--) {
        if (c->a.fate[v] == HOME) {
            x64_store_slot(c, (unsigned)ins_of(c, v)->imm,
                           ins_of(c, v)->b.id);
        }
    }
}

void x64_loop(Cc *c, u16 v, const HostOp *row)
{
    x64_poll(c, v, row);
    x64_count_round(c, v);
    write_homes(c);
    again(c);
    as_jmp(c->s, S_HOT, c->loop);
    x64_counted(c);
}
