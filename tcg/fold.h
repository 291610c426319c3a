/* SPDX-License-Identifier: MIT */
/* Private to tcg/: what the builder asks the folder. */
#pragma once
#include "tcg/ir.h"

/*
 * A value that is the same as instruction *i would be, or none.  It may put
 * *i into a better form (operands swapped).  A rule makes at most two new
 * instructions, each simpler than *i, so folding ends.
 */
Val ir_fold(Ir *b, Ins *i);

/* The same for those from IR_vlow on. */
Val ir_fold_vector(Ir *b, Ins *i);

/* The bits of an integer that may be 1. */
u64 ir_may(const Ir *b, Val v);

/* The span that an access may have: a new one or one that it joins; or none. */
Val ir_span(Ir *b, Val addr, u32 memop, bool write);

static inline i32 span_low(const Ins *s) { return (i32)s->imm; }
static inline u32 span_bytes(const Ins *s) { return (u32)(s->imm >> 32); }

/* Appends or merges *i, folding it first. */
Val ir_emit(Ir *b, Ins i);

static inline const Ins *ir_def(const Ir *b, Val v) { return &b->ins[v.id]; }
static inline bool ir_is(const Ir *b, Val v, IrOp op)
{
    return b->ins[v.id].op == op;
}

/* Is v a constant, or no operand at all (then *k is 0)? */
static inline bool ir_operand_const(const Ir *b, Val v, u64 *k)
{
    *k = 0;
    return !v.id || ir_is_const(b, v, k);
}

static inline void ir_swap(Val *x, Val *y)
{
    Val t = *x;
    *x = *y;
    *y = t;
}
