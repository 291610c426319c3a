/* SPDX-License-Identifier: MIT */
/*
 * MIPS branches with a delay slot: what they say is noted in Ctx.branch, from
 * values before the slot; mips.c puts it together with that.
 * Reference: MIPS volume II-A.  The table is mips_branch.decode.
 */
#include "target/mips/fpu.h"
#include "mips_branch.forms.h"

enum { LIKELY = 1, LINK = 2 };

static bool branch_if(Ctx *c, Val cond, i32 offset, u32 how)
{
    c->branch = (Branch) {
        .any = true, .likely = how & LIKELY, .cond = cond,
        .target = ir_pc(c->b, c->at + 4 + offset),
        .link = how & LINK ? 31 : 0,
        .kind = how & LINK ? EXIT_CALL : EXIT_JUMP,
    };
    return true;
}

static bool compare(Ctx *c, form_cmp a, Cond cc, bool likely)
{
    Val cond = ir_set(c->b, cc, get_r(c, a.rs), get_r(c, a.rt));

    return branch_if(c, cond, a.offset, likely ? LIKELY : 0);
}

static bool with_zero(Ctx *c, form_zero a, Cond cc, u32 how)
{
    Val cond = ir_set(c->b, cc, get_r(c, a.rs), imm_r(c, 0));

    return branch_if(c, cond, a.offset, how);
}

/* BC1F, BC1T; without an FPU it traps, as a branch whose slot is not run. */
static bool condition(Ctx *c, form_fcc a, Cond cc, bool likely)
{
    if (!(c->key & KEY_FPU)) {
        return false;
    }
    Val cond = ir_set(c->b, cc, ir_get(c->b, S_FCC + a.cc), ir_i32(c->b, 0));
    return branch_if(c, cond, a.offset, likely ? LIKELY : 0);
}

/* BC1EQZ, BC1NEZ: by bit 0 of a register. */
static bool low_bit(Ctx *c, form_bc1z a, Cond cc)
{
    if (!(c->key & KEY_FPU)) {
        return false;
    }
    Val v = fpu_get_int(c, I32, a.ft), one = ir_i32(c->b, 1);
    Val cond = ir_set(c->b, cc, ir_and(c->b, v, one), ir_i32(c->b, 0));
    return branch_if(c, cond, a.offset, 0);
}

/* BPOSGE32: DSPControl.pos is 32 or more. */
static bool bposge(Ctx *c, form_zero a)
{
    if (!(c->key & KEY_DSP)) {
        return false;
    }
    Val v = ir_and(c->b, ir_get(c->b, S_DSP), ir_i32(c->b, 32));
    Val cond = ir_set(c->b, NE, v, ir_i32(c->b, 0));
    return branch_if(c, cond, a.offset, 0);
}

/* BZ, BNZ of a vector, v: by whether any of its bits is set. */
static bool by_vector(Ctx *c, Val v, Cond cc, i32 offset)
{
    Val any = ir_or(c->b, ir_vget(c->b, L64, v, 0),
                    ir_vget(c->b, L64, v, 1));

    return branch_if(c, ir_set(c->b, cc, any, ir_i64(c->b, 0)), offset, 0);
}

static bool any_bit(Ctx *c, form_bv a, Cond cc)
{
    return c->key & KEY_MSA
        && by_vector(c, ir_get(c->b, S_F0 + a.wt), cc, a.offset);
}

static bool zero_lane(Ctx *c, form_bl a, Cond cc)
{
    Val v = ir_get(c->b, S_F0 + a.wt);

    return c->key & KEY_MSA
        && by_vector(c, ir_vceq(c->b, (Lane)a.df, v, ir_v128(c->b, 0, 0)), cc,
                     a.offset);
}

static bool j(Ctx *c, form_j a, u32 link)
{
    c->branch = (Branch) {
        .any = true, .region = true, .index = (u32)a.index, .link = (u8)link,
        .kind = link ? EXIT_CALL : EXIT_JUMP,
    };
    return true;
}

/* JALX, to MIPS16e. */
static bool jalx(Ctx *c, form_j a)
{
    j(c, a, 31);
    return c->branch.exchange = true;
}

/* Register 31 holds return addresses, by the calling conventions. */
static bool jr(Ctx *c, form_jr a)
{
    c->branch = (Branch) {
        .any = true, .computed = true, .target = get_r(c, a.rs),
        .kind = a.rs == 31 ? EXIT_RETURN : EXIT_JUMP,
    };
    return true;
}

static bool jalr(Ctx *c, form_jr a)
{
    if (!a.rd) {
        return jr(c, a);
    }
    c->branch = (Branch) {
        .any = true, .computed = true, .target = get_r(c, a.rs), .link = a.rd,
        .kind = EXIT_CALL,
    };
    return true;
}

#include "mips_branch.decode.h"

bool mips_branch(Ctx *c, u32 w)
{
    return mips_branch_decode(c, w);
}
