/* SPDX-License-Identifier: MIT */
/* Groups of accesses; see pages.h. */
#include "tcg/pages.h"

enum {
    STEP_MAX = 512,             /* bytes that a loop may go on by each round */
    STRAIGHT_MIN = 3,           /* accesses that make a group outside loops */
    DEPTH = 6, SEEN = 128,
};

/* Accesses of one kind whose addresses differ by constants. */
typedef struct Group {
    u16  root;                  /* what they add constants to; 0: ended */
    bool write;
    u16  straight, loop;        /* how many, before and in the loop */
    u8   number;
} Group;

typedef struct Finder {
    const Ir *b;
    u32   n;
    Group seen[SEEN];
    u8    of[IR_MAX];           /* 1 + index in seen, or 0 */
} Finder;

/* Is v its operand a, but for a constant and what is above 32 bits? */
static bool goes_on(const Ir *b, u16 v)
{
    const Ins *i = &b->ins[v];

    return i->op == IR_zext || i->op == IR_sext || i->op == IR_trunc
        || (i->op == IR_add && b->ins[i->b.id].op == IR_const);
}

static u16 root_of(const Ir *b, u16 v)
{
    while (goes_on(b, v)) {
        v = b->ins[v].a.id;
    }
    return v;
}

static i64 offset_of(const Ir *b, u16 v)
{
    i64 sum = 0;

    for (; goes_on(b, v); v = b->ins[v].a.id) {
        const Ins *i = &b->ins[v];
        u64 k = b->ins[i->b.id].imm;
        if (i->op == IR_add) {
            sum += i->type == I32 ? (i32)k : (i64)k;
        }
    }
    return sum;
}

/* ---- addresses in loops ------------------------------------------------- */

static i64 step(const Ir *b, u16 v, u32 depth);

static i64 step_of_two(const Ir *b, const Ins *i, u32 depth)
{
    i64 x = step(b, i->a.id, depth), y = step(b, i->b.id, depth);

    return x < 0 || y < 0 ? -1 : x + y;
}

/* What v is at most, if that is known and little; else UINT64_MAX. */
static u64 bound(const Ir *b, u16 v, u32 depth)
{
    const Ins *i = &b->ins[v], *k = &b->ins[i->b.id];
    u64 x, y;

    if (i->op == IR_const) {
        return i->imm;
    }
    if (!depth--) {
        return UINT64_MAX;
    }
    switch (i->op) {
    case IR_and:
        return k->op == IR_const ? k->imm : UINT64_MAX;
    case IR_extract:
        return MASK(i->imm >> 8);
    case IR_load:
        return (i->imm & (M_SIZE | M_SIGN)) == M_8 ? 255 : UINT64_MAX;
    case IR_zext: case IR_trunc:
        return bound(b, i->a.id, depth);
    case IR_shl:
        x = bound(b, i->a.id, depth);
        return k->op == IR_const && k->imm < 5 && x < 4096 ? x << k->imm
                                                           : UINT64_MAX;
    case IR_or: case IR_xor:
        x = bound(b, i->a.id, depth);
        y = bound(b, i->b.id, depth);
        return MAX(x, y) < 4096 ? x + y : UINT64_MAX;
    }
    return UINT64_MAX;
}

static i64 step_of_phi(const Ir *b, u16 v)
{
    u16 next = b->ins[v].b.id;
    i64 by = offset_of(b, next);

    return root_of(b, next) != v ? -1 : by < 0 ? -by : by;
}

/* By how much v changes each round, more or less; -1: nobody knows. */
static i64 step(const Ir *b, u16 v, u32 depth)
{
    const Ins *i = &b->ins[v], *k = &b->ins[i->b.id];
    bool by_const = k->op == IR_const;

    if (i->op == IR_phi) {
        return step_of_phi(b, v);
    }
    if (v < b->label || i->op == IR_const || i->op == IR_get) {
        return 0;
    }
    if (bound(b, v, depth) < 4096) {
        return (i64)bound(b, v, depth) / 8;     /* leaves a page rarely */
    }
    if (!depth--) {
        return -1;
    }
    switch (i->op) {
    case IR_add: case IR_sub:
        return step_of_two(b, i, depth);
    case IR_zext: case IR_sext: case IR_trunc:
        return step(b, i->a.id, depth);
    case IR_shl: {
        i64 x = step(b, i->a.id, depth);
        return by_const && k->imm < 5 && x >= 0 ? x << k->imm : -1;
    }
    }
    return -1;
}

/* The phi that goes on where v stands at the label, else v. */
static u16 in_loop(const Ir *b, u16 v)
{
    for (u16 p = b->label; p && b->ins[--p].op == IR_phi; ) {
        if (root_of(b, b->ins[p].a.id) == v && step_of_phi(b, p) >= 0) {
            return p;
        }
    }
    return v;
}

/* ---- groups ------------------------------------------------------------- */

static bool is_candidate(const Ins *i)
{
    bool access = i->op == IR_load || i->op == IR_load2 || i->op == IR_store
               || i->op == IR_store2;

    return i->op == IR_span
        || (access && !i->d.id
            && !(i->imm & (M_USER | M_ATOMIC16 | M_ALIGN)));
}

static Group *group_for(Finder *f, u16 root, bool write)
{
    for (u32 k = f->n; k-- > 0; ) {
        if (f->seen[k].root == root && f->seen[k].write == write) {
            return &f->seen[k];
        }
    }
    if (f->n == SEEN) {
        return NULL;
    }
    f->seen[f->n] = (Group) { .root = root, .write = write };
    return &f->seen[f->n++];
}

static void enter(Finder *f, u16 k)
{
    const Ir *b = f->b;
    const Ins *i = &b->ins[k];
    bool looped = b->label && k > b->label;
    u16 root = root_of(b, i->a.id);

    if (looped) {
        i64 by = step(b, root, DEPTH);
        if (by < 0 || by > STEP_MAX) {
            return;
        }
    } else {
        root = in_loop(b, root);
    }
    bool write = i->op == IR_span ? i->sub & SPAN_WRITE
                                  : i->op != IR_load && i->op != IR_load2;
    Group *g = group_for(f, root, write);
    if (g) {
        g->loop += looped;
        g->straight += !looped;
        f->of[k] = (u8)(g - f->seen + 1);
    }
}

static void end_groups(Finder *f)
{
    for (u32 k = 0; k < f->n; k++) {
        f->seen[k].root = 0;
    }
}

static bool may_flush(const Ins *i)
{
    return i->op == IR_sync || (i->op == IR_call
        && !(((const Helper *)i->imm)->flags & H_PURE));
}

static void find(Finder *f)
{
    const Ir *b = f->b;

    for (u16 k = 1; k < b->n; k++) {
        if (may_flush(&b->ins[k])) {
            end_groups(f);
        } else if (is_candidate(&b->ins[k])) {
            enter(f, k);
        }
    }
}

void ir_pages(const Ir *b, Pages *p)
{
    Finder f;

    f.b = b;
    f.n = 0;
    memset(f.of, 0, b->n);
    if (!b->heat) {
        find(&f);
    }
    p->n = 0;
    for (u32 k = 0; k < f.n && p->n < PAGE_GROUPS; k++) {
        Group *g = &f.seen[k];
        if (g->loop || g->straight >= STRAIGHT_MIN) {
            g->number = (u8)++p->n;
            p->in_loop[g->number] = !g->straight;
        }
    }
    for (u16 k = 1; k < b->n; k++) {
        Group *g = f.of[k] ? &f.seen[f.of[k] - 1] : NULL;
        p->group[k] = g ? g->number : 0;
        p->first[k] = g && g->straight;
        if (g) {
            g->straight = 0;
        }
    }
}
