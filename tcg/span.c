/* SPDX-License-Identifier: MIT */
/* Spans: accesses that share a look at the TLB; see ir_spans(). */
#include "tcg/fold.h"

enum {
    BYTES_MAX = 256,            /* of a span: few leave their page */
    ACCESSES_MIN = 2,           /* that are worth one */
};

static const Val none = { 0 };

/* An address as a sum: off from root, by arithmetic of so many bits. */
typedef struct Place {
    Val root;
    i64 off;
    u8  width;                  /* SPAN_NARROW, SPAN_WIDE, or 0: no sum */
} Place;

static Place place_of(const Ir *b, Val addr)
{
    Place p = { .root = addr };
    const Ins *i = ir_def(b, addr);
    u64 k;

    if (i->op == IR_zext) {
        p.root = i->a;
    }
    bool narrow = ir_type(b, p.root) == I32;
    for (i = ir_def(b, p.root); i->op == IR_add && ir_is_const(b, i->b, &k);
         i = ir_def(b, p.root)) {
        p.off += narrow ? (i32)k : (i64)k;
        p.root = i->a;
        p.width = narrow ? SPAN_NARROW : SPAN_WIDE;
    }
    if (!narrow) {
        return p;
    }
    if (i->op == IR_trunc && !(ir_may(b, i->a) >> 32)) {
        p.root = i->a;
    } else {
        p.width = SPAN_NARROW;
    }
    return p;
}

static void set_range(Ins *s, i64 low, i64 high)
{
    s->imm = (u32)low | (u64)(high - low) << 32;
}

static bool join(Ins *s, const Place *p, u32 bytes)
{
    enum { WIDTHS = SPAN_NARROW | SPAN_WIDE };
    i64 low = MIN(span_low(s), p->off);
    i64 high = MAX((i64)span_low(s) + span_bytes(s), p->off + bytes);

    if (s->a.id != p->root.id || high - low > BYTES_MAX
        || ((s->sub | p->width) & WIDTHS) == WIDTHS) {
        return false;
    }
    s->sub |= p->width;
    set_range(s, low, high);
    return true;
}

static Val new_span(Ir *b, const Place *p, u32 bytes)
{
    Ins s = { .op = IR_span, .type = I64, .a = p->root, .sub = p->width };

    set_range(&s, p->off, p->off + bytes);
    Val v = ir_emit(b, s);
    if (b->nspans == IR_SPANS) {
        memmove(b->span, b->span + 1, --b->nspans * sizeof b->span[0]);
    }
    b->span[b->nspans++] = v.id;
    return v;
}

static Val joined(Ir *b, const Place *p, u32 bytes)
{
    for (u32 k = b->nspans; k-- > 0; ) {
        if (join(&b->ins[b->span[k]], p, bytes)) {
            return (Val) { b->span[k] };
        }
    }
    return none;
}

Val ir_span(Ir *b, Val addr, u32 memop, bool write)
{
    u32 bytes = 1u << (memop & M_SIZE) << (memop & M_PAIR ? 1 : 0);
    Place p = place_of(b, addr);
    const Ins *root = ir_def(b, p.root);

    if (!b->spans || b->ended || memop & (M_USER | M_ATOMIC16 | M_ALIGN)
        || root->op == IR_const || root->op == IR_pc
        || p.off != (i32)p.off) {
        return none;
    }
    Val v = joined(b, &p, bytes);
    if (!v.id) {
        v = new_span(b, &p, bytes);
        b->ins[v.id].sub |= write ? SPAN_WRITE : 0;
    }
    Ins *s = &b->ins[v.id];
    if (write && !(s->sub & SPAN_WRITE)) {
        s->sub |= SPAN_WRITE | SPAN_PEEK;
    }
    return v;
}

/* ---- settling ----------------------------------------------------------- */

static bool has_span(const Ins *i)
{
    return i->d.id && (i->op == IR_load || i->op == IR_load2
                       || i->op == IR_store || i->op == IR_store2);
}

static void count(const Ir *b, u8 *uses)
{
    for (u32 n = 1; n < b->n; n++) {
        const Ins *i = &b->ins[n];
        if (has_span(i) && uses[i->d.id] < ACCESSES_MIN) {
            bool again = b->label && n > b->label && i->d.id < b->label;
            uses[i->d.id] += again ? 2 : 1;
        }
    }
}

static void settle(const Ir *b, Ins *i, bool keep)
{
    const Ins *s = ir_def(b, i->d);

    if (keep) {
        i->imm |= (u64)(u32)place_of(b, i->a).off << 32;
        i->imm |= s->sub & SPAN_NARROW ? M_NARROW : 0;
        i->a = s->a;
    } else {
        i->d = none;
    }
}

void ir_spans(Ir *b)
{
    u8 uses[IR_MAX];

    if (!b->spans) {
        return;
    }
    memset(uses, 0, b->n);
    count(b, uses);
    for (u32 n = 1; n < b->n; n++) {
        Ins *i = &b->ins[n];
        if (has_span(i)) {
            settle(b, i, uses[i->d.id] >= ACCESSES_MIN);
        } else if (i->op == IR_span && uses[n] < ACCESSES_MIN) {
            *i = (Ins) { .op = IR_const, .type = I64 };     /* of no use */
        }
    }
}
