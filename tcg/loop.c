/* SPDX-License-Identifier: MIT */
/*
 * The builder's side of traces: going on behind a branch, and loops.
 *
 * A loop's first round stands before its label, so that whatever each round
 * would compute alike is computed there: value numbering finds it when the
 * second round is built.
 */
#include <assert.h>
#include "tcg/fold.h"

enum { DERIVE_DEPTH = 5, READ_DEPTH = 2 };

static const Val none = { 0 };

static bool has(const u64 *set, u32 slot)
{
    return set[slot / 64] >> (slot % 64) & 1;
}

static void add(u64 *set, u32 slot)
{
    set[slot / 64] |= BIT(slot % 64);
}

/* ---- branches ----------------------------------------------------------- */

/* The exit_if of this guest instruction that its exit at the end goes with. */
static u32 exit_if_before(const Ir *b, u32 end)
{
    for (u32 k = end - 1; k > 0 && b->ins[k].at == b->at; k--) {
        if (b->ins[k].op == IR_exit_if) {
            return k;
        }
        if (ir_ops[b->ins[k].op].flags & KEEP) {
            break;
        }
    }
    return 0;
}

static i32 in_page(const Ir *b, Val pc)
{
    const Ins *i = ir_def(b, pc);

    return i->op == IR_pc && i->imm < 4096 ? (i32)i->imm : -1;
}

bool ir_targets(const Ir *b, i32 *out, i32 *side)
{
    const Ins *e = &b->ins[b->n - 1];
    u32 k = exit_if_before(b, b->n - 1);

    if (e->op != IR_exit) {
        return false;
    }
    *out = in_page(b, e->a);
    *side = k ? in_page(b, b->ins[k].a) : -1;
    return true;
}

static Ins take_exit(Ir *b)
{
    Ins e = b->ins[--b->n];

    assert(e.op == IR_exit);
    b->ended = false;
    return e;
}

void ir_poll(Ir *b, Val pc)
{
    ir_emit(b, (Ins) { .op = IR_poll, .a = pc });
}

void ir_follow(Ir *b, u16 next)
{
    Ins e = take_exit(b);

    if (in_page(b, e.a) != next) {
        Ins *i = &b->ins[exit_if_before(b, b->n)];
        Val cond = i->b;
        *i = (Ins) { .op = IR_const, .type = I32 };     /* of no use */
        ir_exit_if(b, ir_set(b, EQ, cond, ir_const(b, ir_type(b, cond), 0)),
                   e.a);
    }
}

void ir_follow_guess(Ir *b, u16 next)
{
    Ins e = take_exit(b);

    ir_exit_if(b, ir_set(b, NE, e.a, ir_pc(b, next)), e.a);
}

/* ---- opening ------------------------------------------------------------ */

static bool is_got(const Ir *b, u32 slot)
{
    const Ins *i = ir_def(b, b->cur[slot]);

    return i->op == IR_none || (i->op == IR_get && i->imm == slot);
}

static void find_changed(const Ir *b, IrLoop *l)
{
    memset(l->changed, 0, sizeof l->changed);
    for (u32 s = 0; s < b->nslots; s++) {
        if (has(l->must, s) || !is_got(b, s)) {
            add(l->changed, s);
        }
    }
}

/* How values of the first round are made of the phis, and for which slot. */
typedef struct Derive {
    Ir     *b;
    IrLoop *l;
    u32     slot;
    bool    build;              /* not only to see if they are */
} Derive;

/* Is sum v or v + k, k a constant? */
static bool is_sum(const Ir *b, Val sum, Val v, u64 *k)
{
    const Ins *i = ir_def(b, sum);

    *k = 0;
    return sum.id == v.id
        || (i->op == IR_add && i->a.id == v.id && ir_is_const(b, i->b, k));
}

/* v as the phi of a slot that it went to: itself or a sum with a constant,
 * zero-extended or not. */
static Val from_phi(const Derive *d, Val v)
{
    Ir *b = d->b;
    u64 k;

    for (u32 s = 0; s < b->nslots; s++) {
        if (s == d->slot || !has(d->l->phis, s)) {
            continue;
        }
        Val in = d->l->before[s], at = d->l->at[s];
        const Ins *i = ir_def(b, in);
        bool wide = i->op == IR_zext && is_sum(b, i->a, v, &k);
        if (!wide && !is_sum(b, in, v, &k)) {
            continue;
        }
        if (!d->build) {
            return v;
        }
        at = wide ? ir_trunc(b, at) : at;
        return ir_add(b, at, ir_const(b, ir_type(b, at), -k));
    }
    return none;
}

/* What v will be in the next round, if phis and constants tell; or none. */
static Val derive(const Derive *d, Val v, u32 depth)
{
    Ins i = *ir_def(d->b, v);
    Val *operand[] = { &i.a, &i.b, &i.c, &i.d }, phi = from_phi(d, v);
    u32 flags = ir_ops[i.op].flags;
    bool same = true;

    if (phi.id) {
        return phi;
    }
    if (i.op == IR_get) {
        return has(d->l->changed, (u32)i.imm) ? none : v;
    }
    if (!(flags & PURE) || flags & FPOP || !depth) {
        return none;
    }
    for (u32 k = 0; k < countof(operand); k++) {
        if (operand[k]->id) {
            Val x = derive(d, *operand[k], depth - 1);
            if (!x.id) {
                return none;
            }
            same &= x.id == operand[k]->id;
            *operand[k] = x;
        }
    }
    return same || !d->build ? v : ir_emit(d->b, i);
}

/* Slots that the first round has read before it wrote them. */
static void find_read(const Ir *b, u64 *read)
{
    memset(read, 0, IR_SLOTS / 8);
    for (u32 k = 1; k < b->n; k++) {
        if (b->ins[k].op == IR_get) {
            add(read, (u32)b->ins[k].imm);
        }
    }
}

static bool is_flag_word(const Ir *b, Val v)
{
    u16 op = ir_def(b, v)->op;

    return op >= IR_addf && op <= IR_fcond;
}

/* What each round reads anyway is not computed again by many operations. */
static void choose_phis(Ir *b, IrLoop *l)
{
    u64 read[IR_SLOTS / 64];

    find_read(b, read);
    memcpy(l->phis, l->changed, sizeof l->phis);
    for (u32 s = 0; s < b->nslots; s++) {
        Derive d = { b, l, s, false };
        bool costs = has(read, s) && !is_flag_word(b, l->before[s]);
        if (has(l->changed, s) && !has(l->must, s)
            && derive(&d, l->before[s], costs ? READ_DEPTH : DERIVE_DEPTH).id) {
            l->phis[s / 64] &= ~BIT(s % 64);
        }
    }
}

static void make_phis(Ir *b, IrLoop *l)
{
    for (u32 s = 0; s < b->nslots; s++) {
        if (has(l->phis, s)) {
            ir_get(b, s);
        }
    }
    for (u32 s = 0; s < b->nslots; s++) {
        if (has(l->phis, s)) {
            l->at[s] = ir_emit(b, (Ins) { .op = IR_phi, .imm = s,
                                          .type = (u8)b->slots[s].type,
                                          .a = b->cur[s] });
        }
    }
    b->label = ir_emit(b, (Ins) { .op = IR_label }).id;
}

bool ir_loop_open(Ir *b, IrLoop *l)
{
    if (b->nsyncs || b->full || b->ended) {
        return false;
    }
    if (b->flushed) {
        b->nspans = 0;          /* it does so in the loop too */
    }
    l->n = b->n;
    l->nputs = b->nputs;
    l->nargs = b->nargs;
    memcpy(l->before, b->cur, sizeof l->before);
    find_changed(b, l);
    choose_phis(b, l);
    make_phis(b, l);
    for (u32 s = 0; s < b->nslots; s++) {
        if (has(l->changed, s) && !has(l->phis, s)) {
            Derive d = { b, l, s, true };
            l->at[s] = derive(&d, l->before[s], DERIVE_DEPTH);
        } else if (!has(l->phis, s)) {
            l->at[s] = b->cur[s];
        }
    }
    for (u32 s = 0; s < b->nslots; s++) {
        if (l->at[s].id) {
            ir_put(b, s, l->at[s]);
        }
    }
    return true;
}

/* ---- closing ------------------------------------------------------------ */

/* Is `at` a phi or its low half, perhaps plus a constant, and will it be v? */
static bool is_next_sum(const Ir *b, const Ins *at, Val v)
{
    const Ins *x = at;
    u64 k = 0, back;

    if (at->op == IR_add && ir_is_const(b, at->b, &k)) {
        x = ir_def(b, at->a);
    }
    bool half = x->op == IR_trunc;
    x = half ? ir_def(b, x->a) : x;
    const Ins *next = ir_def(b, x->b);
    return x->op == IR_phi && (!half || next->op == IR_zext)
        && is_sum(b, half ? next->a : x->b, v, &back)
        && !((k + back) & (at->type == I32 ? 0xffffffff : ~0ull));
}

/* Is v, of the round's end, what `at` of its beginning will be in the next? */
static bool is_next(const Ir *b, Val at, Val v)
{
    const Ins *x = ir_def(b, at), *y = ir_def(b, v);

    if (is_next_sum(b, x, v)) {
        return true;
    }

    if (x->op == IR_phi) {
        return v.id == x->b.id;
    }
    if (at.id < b->label) {
        return at.id == v.id;
    }
    return x->op == y->op && x->type == y->type && x->sub == y->sub
        && x->imm == y->imm && is_next(b, x->a, y->a)
        && is_next(b, x->b, y->b) && is_next(b, x->c, y->c)
        && is_next(b, x->d, y->d);
}

static bool goes_round(const Ir *b, const IrLoop *l, u32 slot)
{
    return l->at[slot].id ? is_next(b, l->at[slot], b->cur[slot])
                          : is_got(b, slot);
}

void ir_loop_drop(Ir *b, const IrLoop *l)
{
    for (u32 h = 0; h < countof(b->hash); h++) {
        while (b->hash[h] >= l->n) {
            b->hash[h] = b->next[b->hash[h]];
        }
    }
    while (b->nspans && b->span[b->nspans - 1] >= l->n) {
        b->nspans--;
    }
    b->n = l->n;
    b->ninsns = b->nth[b->n - 1];
    b->nputs = l->nputs;
    b->nargs = l->nargs;
    b->nsyncs = b->label = 0;
    b->ended = b->full = b->bound = b->follows = false;
    memcpy(b->cur, l->before, sizeof l->before);
}

bool ir_loop_close(Ir *b, IrLoop *l)
{
    bool ok = !b->nsyncs;

    for (u32 k = b->label; b->ins[--k].op == IR_phi; ) {
        b->ins[k].b = ir_get(b, (u32)b->ins[k].imm);
    }
    for (u32 s = 0; s < b->nslots; s++) {
        if (!goes_round(b, l, s)) {
            add(l->must, s);
            ok = false;
        }
    }
    if (!ok) {
        ir_loop_drop(b, l);
        return false;
    }
    ir_emit(b, (Ins) { .op = IR_loop, .a = ir_pc(b, b->start) });
    return true;
}
