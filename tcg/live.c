/* SPDX-License-Identifier: MIT */
/* Liveness: what a block's results are used by, and what nothing uses. */
#include "tcg/ir.h"

static void mark(void *ctx, unsigned slot, Val v)
{
    IrLive *l = ctx;

    (void)slot;
    l->snapped[v.id] = true;
}

static bool must_stay(const Ins *i)
{
    u32 flags = ir_ops[i->op].flags;

    if (i->op == IR_call) {
        return !(((const Helper *)i->imm)->flags & H_PURE);
    }
    return flags & (KEEP | FPOP);
}

static void use(IrLive *l, const Ir *b, const Ins *i)
{
    if (i->op == IR_call) {
        for (u32 k = 0; k < i->b.id; k++) {
            l->uses[b->args[i->a.id + k].id]++;
        }
        return;
    }
    l->uses[i->a.id]++;
    if (i->op != IR_phi) {          /* b: see use_again() */
        l->uses[i->b.id]++;
    }
    l->uses[i->c.id]++;
    l->uses[i->d.id]++;
}

/* What phis hold in the next round is used by IR_loop. */
static void use_again(IrLive *l, const Ir *b)
{
    for (u32 k = b->label; b->ins[--k].op == IR_phi; ) {
        l->uses[b->ins[k].b.id]++;
    }
}

void ir_live(const Ir *b, IrLive *l)
{
    u32 last_snap = ~0u;        /* snapshot marked last, of later code */

    memset(l->uses, 0, b->n * sizeof l->uses[0]);
    memset(l->snapped, 0, b->n);
    l->has_sync = false;
    for (u32 k = b->n - 1; k > 0; k--) {
        const Ins *i = &b->ins[k];
        l->has_sync |= i->op == IR_sync;
        l->dead[k] = !must_stay(i) && !l->uses[k] && !l->snapped[k];
        if (l->dead[k]) {
            continue;
        }
        use(l, b, i);
        if (i->op == IR_loop) {
            use_again(l, b);
        }
        if (i->op == IR_sync) {
            last_snap = ~0u;        /* a sync parts equal positions */
        }
        if (ir_ops[i->op].flags & SNAP && i->snap != last_snap) {
            last_snap = i->op == IR_sync ? ~0u : i->snap;
            ir_snapshot(b, i, mark, l);
        }
    }
}
