/* SPDX-License-Identifier: MIT */
/* x86-64: integer vectors. */
#include "tcg/x86_64.h"

/* ---- forms ----------------------------------------------------------------- */

void x86_v2(Cc *c, u32 op, unsigned dst, Opd a)
{
    if (c->has.avx) {
        as_vex(c->s, op, dst, 0, a);
    } else {
        as_op(c->s, op, dst, a);
    }
}

void x86_v3(Cc *c, u32 op, unsigned dst, unsigned a, Opd b)
{
    if (c->has.avx) {
        as_vex(c->s, op, dst, a, b);
        return;
    }
    if (dst != a) {
        as_op(c->s, OP_MOVAPS, dst, reg_opd(a));
    }
    as_op(c->s, op, dst, b);
}
