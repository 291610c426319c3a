/* SPDX-License-Identifier: MIT */
/*
 * Traces, the second tier.
 *
 * A block that was entered often becomes the head of a trace: the path taken
 * from there this time, through branches, calls and returns, as long as it
 * stays in the page.  The evaluator takes it and notes where it goes: what is
 * done often is likely done now.  Where it comes back to the head it is a
 * loop, whose registers stay in host registers.  Elsewhere it ends; what
 * leaves it goes to blocks, which count on and may become traces of their own.
 */
#include "accel/tcg/jit.h"

/* A path that does not come back is not the first time believed: PATHS are
 * tried, with 1 / AGAIN of Jit.heat between. */
enum { TRACE_INSNS = 160, TRIES = 6, PATHS = 3, AGAIN = 16 };

/* Page offsets of instructions, in the order they were run. */
typedef struct Path {
    u64 start;                  /* pc of the first */
    u64 phys;                   /* of its page */
    u32 key;
    u64 space;
    u32 n;
    i32 at[TRACE_INSNS + 1];    /* the last is where it ended; -1: elsewhere */
    bool comes_back;            /* to its start, and nowhere twice before */
} Path;

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
    const Path *path;
    const u8 *host;             /* the page's bytes */
    u16   start;
    u16   low, high;            /* bytes covered, in the page */
    bool  called;               /* came here by a computed jump or a call */
    bool  polled;
    u32   n;
    Step  step[TRACE_INSNS];
} Trace;

/* ---- the path ----------------------------------------------------------- */

static i32 place_in_path(const Path *p, const Cpu *c)
{
    bool here = align_down(c->tcg.pc, PAGE_SIZE)
                    == align_down(p->start, PAGE_SIZE)
             && c->key == p->key && c->space == p->space;

    return here ? (i32)(c->tcg.pc & (PAGE_SIZE - 1)) : -1;
}

static bool comes_back(const Path *p)
{
    u64 seen[PAGE_SIZE / 64] = { 0 };

    for (u32 k = 0; k < p->n; k++) {
        if (seen[p->at[k] / 64] & BIT(p->at[k] % 64)) {
            return false;
        }
        seen[p->at[k] / 64] |= BIT(p->at[k] % 64);
    }
    return p->at[p->n] == p->at[0];
}

/* Runs until control is at the start again or leaves the page. */
static void record(Cpu *c, Path *p)
{
    JitCpu *t = c->accel;
    jmp_buf resume;

    *p = (Path) { .start = c->tcg.pc, .key = c->key, .space = c->space };
    memcpy(&resume, &t->resume, sizeof resume);     /* jit_one() has its own */
    do {
        p->at[p->n++] = place_in_path(p, c);
        jit_one(c);
        p->at[p->n] = place_in_path(p, c);
    } while (p->n < TRACE_INSNS && p->at[p->n] >= 0 && p->at[p->n] != p->at[0]
             && !c->halted && !__atomic_load_n(&c->tcg.poll, __ATOMIC_SEQ_CST));
    memcpy(&t->resume, &resume, sizeof resume);
    p->comes_back = comes_back(p);
}

static bool is_trace(const Trace *t, u16 at)
{
    const Block *b = jit_block(t->j, t->path->phys + at, t->path->key);

    return b && b->trace;
}

/* Where control goes behind the instruction just built; -1: out of here. */
static i32 choose(Trace *t, u16 end, How *how)
{
    const Ins *e = &t->b->ins[t->b->n - 1];
    unsigned kind = e->sub & ~EXIT_POLL;
    i32 out, side, next = t->path->at[t->n + 1];

    *how = FALLS;
    t->called = false;
    if (!t->b->ended) {
        return next == end ? next : -1;
    }
    if (next < 0 || !ir_targets(t->b, &out, &side)) {
        return -1;
    }
    *how = FOLLOWS;
    t->called = kind == EXIT_CALL || kind == EXIT_RETURN;
    if (out == next || side == next) {
        return next;
    }
    *how = GUESSES;
    t->called = true;
    return out < 0 && side < 0 && t->b->ins[e->a.id].op != IR_pc ? next : -1;
}

/* ---- rounds ------------------------------------------------------------- */

static u32 translate(Trace *t, u16 at)
{
    ir_insn(t->b, at);
    return t->c->target->translate(t->b, t->c, t->path->key, t->host + at,
                                   PAGE_SIZE - at);
}

/* Whoever goes round passes a start, a jump back and so a poll, or IR_loop. */
static void go_on(Trace *t, const Step *s)
{
    if (s->how == FOLLOWS) {
        ir_follow(t->b, s->next);
    } else if (s->how == GUESSES) {
        ir_follow_guess(t->b, s->next);
    }
    if (s->next <= s->at && s->next != t->start && !t->polled) {
        ir_poll(t->b, ir_pc(t->b, s->next));
        t->polled = true;
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
 * into functions and returns from them, and a path that comes back is taken
 * whole: each of a loop's paths becomes a loop.
 */
static bool may_go_on(const Trace *t, u16 at)
{
    return t->n < t->path->n && !t->b->full && !was_at(t, at)
        && (!t->n || t->called || t->path->comes_back || !is_trace(t, at));
}

/* Builds up to where the trace ends; true: at its start again. */
static bool first_round(Trace *t)
{
    Ir *b = t->b;
    u16 at = t->start;

    while (may_go_on(t, at)) {
        u32 size = translate(t, at);
        How how;
        if (b->bound) {
            t->n = 0;           /* no interrupt before the next: no trace */
            return false;
        }
        if (!size) {
            break;              /* the rest is in the next page */
        }
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

/* Makes the trace that takes the place of block `old`.  With the lock. */
static void make(Jit *j, Cpu *c, const Path *p, Block *old)
{
    u16 start = p->start & (PAGE_SIZE - 1);
    Trace t = {
        .j = j, .c = c, .b = j->ir, .path = p, .host = old->page->host,
        .start = start, .low = start, .high = start,
    };

    jit_ir_begin(j, c, p->start);
    if (first_round(&t)) {
        close_loop(&t);
    }
    if (t.n <= old->count && !j->ir->label) {
        *old->code.heat = INT32_MAX;    /* it stays as it is */
        return;
    }
    jit_ir_end(j, c, p->start - start + t.low, t.host + t.low,
               t.high - t.low);
    Block *b = g_new0(Block, 1);
    *b = (Block) {
        .phys = old->phys, .key = p->key, .trace = true, .first = t.low,
        .size = (u16)(t.high - t.low), .count = (u16)MAX(t.n, 2u),
    };
    if (jit_add(j, b, old->page, NULL, p->start)) {
        jit_drop(j, old);
    } else {
        g_free(b);              /* no room, until other code has made some */
    }
}

void jit_trace(Cpu *c)
{
    Jit *j = jit_of(c);
    TlbHit hit;
    Fault f;
    Path p;

    if (c->debug || !tlb_resolve(c, c->tcg.pc, ACCESS_FETCH, false, &hit, &f)) {
        return;
    }
    u64 phys = hit.pa;
    record(c, &p);
    p.phys = align_down(phys, PAGE_SIZE);
    g_mutex_lock(&j->lock);
    Block *old = jit_block(j, phys, p.key);
    if (old && !old->trace && old->code.heat) {
        *old->code.heat = (i32)(j->heat / AGAIN);
        if (!old->tail && (p.comes_back || ++old->paths == PATHS)) {
            old->paths = 0;
            make(j, c, &p, old);
        }
    }
    g_mutex_unlock(&j->lock);
}
