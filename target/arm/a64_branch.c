/* SPDX-License-Identifier: MIT */
/*
 * A64 branches.  Reference: Arm ARM (DDI 0487) C6.2.  The table is
 * a64_branch.decode.
 *
 * A target that is not a multiple of four is left to whoever fetches there.
 */
#include "target/arm/translate.h"
#include "a64_branch.forms.h"

/* The address `offset` bytes from this instruction. */
static Val target(Ctx *c, i64 offset)
{
    return ir_pc(c->b, c->at + offset);
}

static bool b(Ctx *c, form_imm26 a)
{
    ir_exit(c->b, target(c, a.offset), EXIT_JUMP);
    return true;
}

static bool call(Ctx *c, Val to)
{
    Val ret = target(c, 4);

    set_x(c, true, 30, ret);
    ir_exit_call(c->b, to, ret);
    return true;
}

static bool bl(Ctx *c, form_imm26 a)
{
    return call(c, target(c, a.offset));
}

static bool branch_if(Ctx *c, Val cond, i64 offset)
{
    ir_exit_if(c->b, cond, target(c, offset));
    ir_exit(c->b, target(c, 4), EXIT_JUMP);
    return true;
}

static bool b_cond(Ctx *c, form_bcond a)
{
    if (a.cond >= 14) {                         /* AL, NV: always */
        return b(c, (form_imm26) { .offset = a.offset });
    }
    return branch_if(c, cond_holds(c, a.cond), a.offset);
}

static bool cb(Ctx *c, form_cb a, Cond cc)
{
    Val x = get_x(c, a.sf, a.rt);

    return branch_if(c, ir_set(c->b, cc, x, imm(c, a.sf, 0)), a.offset);
}

static bool tb(Ctx *c, form_tb a, Cond cc)
{
    Val x = ir_and(c->b, get_x(c, true, a.rt), imm(c, true, BIT(a.bit)));

    return branch_if(c, ir_set(c->b, cc, x, imm(c, true, 0)), a.offset);
}

static bool br(Ctx *c, form_reg a, ExitKind kind)
{
    ir_exit(c->b, get_x(c, true, a.rn), kind);
    return true;
}

static bool blr(Ctx *c, form_reg a)
{
    return call(c, get_x(c, true, a.rn));
}

#include "a64_branch.decode.h"

bool a64_branch(Ctx *c, u32 w)
{
    return a64_branch_decode(c, w);
}
