/* SPDX-License-Identifier: MIT */
/*
 * Traces, the second tier.
 *
 * A block that was entered often becomes the head of a trace: the path that
 * is likely taken from there, through branches, calls and returns, as long as
 * it stays in the page.  Where it comes back to the head it is a loop, whose
 * registers stay in host registers.  Elsewhere it ends; what leaves it goes to
 * blocks, which count on and may become traces of their own.
 *
 * Which way is likely the counters of the blocks at both ends of a branch
 * tell.  Of two that meet again the rarer one is only reached by this branch
 * or not much more often, so its count is nearly the branch's.
 */
#include "accel/tcg/jit.h"

enum { TRACE_INSNS = 160, CALLS = 16, TRIES = 6 };

typedef enum How { FALLS, FOLLOWS, GUESSES } How;

/* An instruction of the trace, and how control goes on to `next`. */
typedef struct Step {
    u16 at, next;
    How how;
} Step;

typedef struct Trace {
    Jit  *j;
    Cpu  *c;
    Ir   *b;
    u64   pc, phys;             /* of the page */
    const u8 *host;             /* its bytes */
    u32   key;
    u16   start;
    u16   low, high;            /* bytes covered, in the page */
    u32   count;                /* entries of the last block seen */
    bool  called;               /* came here by a call or return */
    u32   ncalls;
    u16   call[CALLS];          /* addresses returned to */
    u32   n;
    Step  step[TRACE_INSNS];
} Trace;

/* ---- the likely way ----------------------------------------------------- */

/* How often the block at a page offset was entered, up to Jit.heat. */
static u32 entries(const Trace *t, i32 at)
{
    const Block *b = at < 0 ? NULL : jit_block(t->j, t->phys + (u32)at, t->key);

    if (!b) {
        return 0;
    }
    if (b->trace || !b->code.heat) {
        return t->j->heat;
    }
    return t->j->heat - (u32)MAX(*b->code.heat, 0);
}

static bool is_trace(const Trace *t, u16 at)
{
    const Block *b = jit_block(t->j, t->phys + at, t->key);

    return b && b->trace;
}

/* A branch back is likely a loop's, which goes on more often than not. */
static i32 likelier(const Trace *t, i32 out, i32 side)
{
    u32 x = entries(t, out), y = entries(t, side);
    i32 rare = x < y ? out : side, other = x < y ? side : out;

    if (side >= 0 && side <= t->b->at && y * 4 > t->count) {
        return side;
    }
    return MIN(x, y) * 2 > t->count ? rare : other;
}

/* A return goes where the last call of this trace wants it. */
static i32 note_return(Trace *t)
{
    t->called = true;
    return t->ncalls ? t->call[--t->ncalls] : -1;
}

static void note_call(Trace *t, const Ins *e)
{
    const Ins *ret = &t->b->ins[e->b.id];

    t->called = true;
    if (t->ncalls < CALLS && ret->op == IR_pc && ret->imm < PAGE_SIZE) {
        t->call[t->ncalls++] = (u16)ret->imm;
    }
}

/* Where control goes behind the instruction just built; -1: out of here. */
static i32 choose(Trace *t, u16 end, How *how)
{
    const Ins *e = &t->b->ins[t->b->n - 1];
    unsigned kind = e->sub & ~EXIT_POLL;
    i32 out, side, back = -1;

    *how = FALLS;
    t->called = false;
    if (!t->b->ended) {
        return end < PAGE_SIZE ? end : -1;
    }
    if (!ir_targets(t->b, &out, &side)) {
        return -1;
    }
    *how = FOLLOWS;
    if (kind == EXIT_CALL) {
        note_call(t, e);
    } else if (kind == EXIT_RETURN) {
        back = note_return(t);
    }
    if (out < 0 && side < 0 && t->b->ins[e->a.id].op != IR_pc) {
        *how = GUESSES;
        return back;
    }
    return side >= 0 ? likelier(t, out, side) : out;
}

/* ---- rounds ------------------------------------------------------------- */

static u32 translate(Trace *t, u16 at)
{
    ir_insn(t->b, at);
    return t->c->target->translate(t->b, t->c, t->key, t->host + at,
                                   PAGE_SIZE - at);
}

static void go_on(Trace *t, const Step *s)
{
    if (s->how == FOLLOWS) {
        ir_follow(t->b, s->next);
    } else if (s->how == GUESSES) {
        ir_follow_guess(t->b, s->next);
    }
    if (s->next <= s->at && s->next != t->start) {
        ir_poll(t->b, ir_pc(t->b, s->next));
    }
}

static bool was_at(const Trace *t, u16 at)
{
    for (u32 k = 0; k < t->n; k++) {
        if (t->step[k].at == at) {
            return true;
        }
    }
    return false;
}

/*
 * May the trace go on at `at`?  Where another one begins it ends, but goes
 * into functions and returns from them.
 */
static bool may_go_on(const Trace *t, u16 at)
{
    return t->n < TRACE_INSNS && !t->b->full && !was_at(t, at)
        && (!t->n || t->called || !is_trace(t, at));
}

/* Builds up to where the trace ends; true: at its start again. */
static bool first_round(Trace *t)
{
    Ir *b = t->b;
    u16 at = t->start;

    while (may_go_on(t, at)) {
        u32 size = translate(t, at), seen = entries(t, at);
        How how;
        if (b->bound) {
            t->n = 0;           /* no interrupt before the next: no trace */
            return false;
        }
        if (!size) {
            break;              /* the rest is in the next page */
        }
        t->count = seen ? seen : t->count;
        t->low = MIN(t->low, at);
        t->high = MAX(t->high, (u16)(at + size));
        i32 next = choose(t, (u16)(at + size), &how);
        t->step[t->n] = (Step) { at, (u16)next, how };
        if (next < 0) {
            t->n++;
            if (!b->ended) {
                ir_exit(b, ir_pc(b, at + size), EXIT_JUMP);
            }
            return false;
        }
        go_on(t, &t->step[t->n++]);
        at = (u16)next;
        if (at == t->start) {
            return true;
        }
    }
    if (!b->ended) {
        ir_exit(b, ir_pc(b, at), EXIT_JUMP);
    }
    return false;
}

/* Can what was just built go on as in the first round? */
static bool goes_alike(const Trace *t, const Step *s, u32 size)
{
    i32 out = -1, side = -1;

    if (s->how == FALLS) {
        return !t->b->ended && s->at + size == s->next;
    }
    if (!t->b->ended || !ir_targets(t->b, &out, &side)) {
        return false;
    }
    return s->how == FOLLOWS ? out == s->next || side == s->next
                             : out < 0 && side < 0;
}

static bool next_round(Trace *t)
{
    for (u32 k = 0; k < t->n; k++) {
        const Step *s = &t->step[k];
        u32 size = translate(t, s->at);
        if (t->b->full || t->b->bound || !goes_alike(t, s, size)) {
            return false;
        }
        go_on(t, s);
    }
    return true;
}

/* The path leads back to its start: makes the loop, or leaves there. */
static void close_loop(Trace *t)
{
    IrLoop l = { .n = 0 };

    for (u32 k = 0; k < TRIES && ir_loop_open(t->b, &l); k++) {
        if (!next_round(t)) {
            ir_loop_drop(t->b, &l);
            break;
        }
        if (ir_loop_close(t->b, &l)) {
            return;
        }
    }
    ir_exit(t->b, ir_pc(t->b, t->start), EXIT_JUMP);
}

/* ---- blocks ------------------------------------------------------------- */

/* It stays as it is. */
static Made give_up(Block *b)
{
    *b->code.heat = INT32_MAX;
    return MADE;
}

static Made make(Jit *j, Cpu *c, const JitSource *from)
{
    u64 pc = c->tcg.pc;
    u16 start = pc & (PAGE_SIZE - 1);
    Block *old = jit_block(j, from->first.pa, c->key);
    Trace t = {
        .j = j, .c = c, .b = j->ir, .pc = pc - start,
        .phys = from->first.pa - start, .host = from->first.host - start,
        .key = c->key, .start = start, .low = start, .high = start,
        .count = j->heat,
    };

    if (!old || old->trace || !old->code.heat || old->tail || c->debug) {
        return old && old->code.heat ? give_up(old) : MADE;
    }
    jit_ir_begin(j, c, pc);
    if (first_round(&t)) {
        close_loop(&t);
    }
    if (t.n <= old->count && !j->ir->label) {
        return give_up(old);
    }
    jit_ir_end(j, c, pc, t.host + t.low, t.high - t.low);
    Block *b = g_new0(Block, 1);
    *b = (Block) {
        .phys = from->first.pa, .key = c->key, .trace = true, .first = t.low,
        .size = (u16)(t.high - t.low), .count = (u16)MAX(t.n, 2u),
    };
    if (!jit_add(j, b, from, pc)) {
        g_free(b);
        return FULL;
    }
    jit_drop(j, old);
    return MADE;
}

bool jit_trace(Cpu *c)
{
    return jit_make_by(c, make);
}
