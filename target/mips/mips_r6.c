/* SPDX-License-Identifier: MIT */
/*
 * MIPS release 6: what it has beside or instead of what was before.
 * Reference: MIPS volume II-A, release 6.  The table is mips_r6.decode.
 *
 * Compact branches have no delay slot.  Behind one that is not taken there is
 * a forbidden slot, in which a branch is reserved; it is looked for where it
 * is in the same page.
 */
#include "target/mips/translate.h"
#include "mips_r6.forms.h"

/* ---- arithmetic --------------------------------------------------------- */

static bool word6(Ctx *c, form_r a, IrBinary *op)
{
    return set_w(c, a.rd, op(c->b, get_w(c, a.rs), get_w(c, a.rt)));
}

static bool full6(Ctx *c, form_r a, IrBinary *op)
{
    return set_r(c, a.rd, op(c->b, get_r(c, a.rs), get_r(c, a.rt)));
}

static Val rest_of(Ir *b, Val x, Val y, IrBinary *divide)
{
    return ir_sub(b, x, ir_mul(b, divide(b, x, y), y));
}

static Val signed_rest(Ir *b, Val x, Val y)
{
    return rest_of(b, x, y, ir_sdiv);
}

static Val rest(Ir *b, Val x, Val y)
{
    return rest_of(b, x, y, ir_udiv);
}

static bool high6(Ctx *c, form_r a, IrUnary *extend)
{
    Val v = ir_mul(c->b, extend(c->b, get_w(c, a.rs)),
                   extend(c->b, get_w(c, a.rt)));

    return set_w(c, a.rd, ir_trunc(c->b, ir_shr(c->b, v, ir_i64(c->b, 32))));
}

static bool count6(Ctx *c, form_r a, bool ones)
{
    Val x = get_w(c, a.rs);

    return set_w(c, a.rd, ir_clz(c->b, ones ? ir_not(c->b, x) : x));
}

static bool dcount6(Ctx *c, form_r a, bool ones)
{
    Val x = get_r(c, a.rs);

    return set_r(c, a.rd, ir_clz(c->b, ones ? ir_not(c->b, x) : x));
}

static bool select_if(Ctx *c, form_r a, Cond cc)
{
    Val zero = imm_r(c, 0);

    return set_r(c, a.rd, ir_select(c->b, cc, get_r(c, a.rt), zero,
                                    get_r(c, a.rs), zero));
}

/* The bytes of rt:rs from bp bytes down. */
static Val aligned(Ir *b, Val high, Val low, unsigned bp, unsigned bytes)
{
    Type t = ir_type(b, high);

    if (!bp) {
        return high;
    }
    return ir_or(b, ir_shl(b, high, ir_const(b, t, 8 * bp)),
                 ir_shr(b, low, ir_const(b, t, 8 * (bytes - bp))));
}

static bool align(Ctx *c, form_align a)
{
    return set_w(c, a.rd, aligned(c->b, get_w(c, a.rt), get_w(c, a.rs),
                                  a.bp & 3u, 4));
}

static bool dalign(Ctx *c, form_align a)
{
    return set_r(c, a.rd, aligned(c->b, get_r(c, a.rt), get_r(c, a.rs), a.bp,
                                  8));
}

static bool bitswap(Ctx *c, form_sh a)
{
    return set_w(c, a.rd, reversed_bits(c->b, get_w(c, a.rt)));
}

static bool dbitswap(Ctx *c, form_sh a)
{
    return set_r(c, a.rd, reversed_bits(c->b, get_r(c, a.rt)));
}

/* ---- constants, addresses ----------------------------------------------- */

static bool aui(Ctx *c, form_i a)
{
    return set_w(c, a.rt, ir_add(c->b, get_w(c, a.rs),
                                 ir_i32(c->b, (u32)a.imm << 16)));
}

static Val with_upper(Ctx *c, form_i a, unsigned at)
{
    return ir_add(c->b, get_r(c, a.rs),
                  ir_i64(c->b, (u64)(i64)a.imm << at));
}

static bool daui(Ctx *c, form_i a, unsigned at)
{
    return a.rs && set_r(c, a.rt, with_upper(c, a, at));
}

static bool daui_same(Ctx *c, form_i a, unsigned at)
{
    return set_r(c, a.rs, with_upper(c, a, at));
}

static bool addiupc(Ctx *c, form_pc19 a)
{
    return set_r(c, a.rs, ir_pc(c->b, c->at + a.offset));
}

/* AUIPC, ALUIPC: `clear` are the bits that become zero. */
static bool auipc(Ctx *c, form_pc16 a, u32 clear)
{
    Val v = ir_pc(c->b, c->at + (i64)a.imm * 65536);

    return set_r(c, a.rs, ir_and(c->b, v, imm_r(c, ~(i64)clear)));
}

static bool load_pc(Ctx *c, form_pc19 a, u32 memop)
{
    return set_r(c, a.rs, ir_load(c->b, c->reg,
                                  ir_pc(c->b, c->at + a.offset),
                                  memop | mips_access(c)));
}

static bool ldpc(Ctx *c, form_pc18 a)
{
    return set_r(c, a.rs, ir_load(c->b, I64,
                                  ir_pc(c->b, (c->at & ~7) + a.offset),
                                  M_64 | mips_access(c)));
}

/* ---- memory ------------------------------------------------------------- */

static bool load_linked6(Ctx *c, form_m9 a, u32 memop)
{
    return mips_load_linked(c, a.rt, address(c, a.base, a.offset), memop);
}

static bool store_conditional6(Ctx *c, form_m9 a, u32 memop)
{
    return mips_store_conditional(c, a.rt, address(c, a.base, a.offset),
                                  memop);
}

static bool prefetch6(Ctx *c, form_m9 a)
{
    (void)c, (void)a;
    return true;
}

static bool cache6(Ctx *c, form_m9 a)
{
    (void)a;
    return c->key & KEY_CP0 ? (c->stop = true) : raise_cpu(c, 0);
}

static bool sigrie(Ctx *c, form_i a)
{
    (void)a;
    return raise_code(c, EXC_RI);
}

/* ---- compact branches --------------------------------------------------- */

static void forbidden_slot(void *env, u64 pc)
{
    MipsCpu *c = env;

    c->cpu.tcg.pc = pc;
    mips_exception(c, EXC_RI, 0);
}
HELPER(forbidden_slot, H_ALL, void, ptr, i64);

static bool go_compact(Ctx *c, Val to, ExitKind kind, bool link)
{
    Val next = ir_pc(c->b, c->at + 4);

    if (c->in_slot) {
        return raise_code(c, EXC_RI);
    }
    if (link) {
        set_r(c, 31, next);
        ir_exit_call(c->b, to, next);
    } else {
        ir_exit(c->b, to, kind);
    }
    return true;
}

static bool branch_compact(Ctx *c, Val cond, i32 offset, bool link)
{
    Val next = ir_pc(c->b, c->at + 4);

    if (c->in_slot) {
        return raise_code(c, EXC_RI);
    }
    if (link) {
        set_r(c, 31, next);
    }
    ir_exit_if(c->b, cond, ir_pc(c->b, c->at + 4 + offset));
    if (c->next_branches && !c->b->ended) {
        IR_CALL(c->b, &helper_forbidden_slot,
                c->reg == I32 ? ir_zext(c->b, next) : next);
        ir_leave(c->b);
    }
    ir_exit(c->b, next, EXIT_JUMP);
    return true;
}

static bool bc(Ctx *c, form_b26 a, bool link)
{
    return go_compact(c, ir_pc(c->b, c->at + 4 + a.offset), EXIT_JUMP, link);
}

static bool jic(Ctx *c, form_jic a, bool link)
{
    Val to = address(c, a.rt, a.offset);

    return go_compact(c, to, a.rt == 31 ? EXIT_RETURN : EXIT_JUMP, link);
}

static bool bzc(Ctx *c, form_b21 a, Cond cc)
{
    return branch_compact(c, ir_set(c->b, cc, get_r(c, a.rs), imm_r(c, 0)),
                          a.offset, false);
}

static Val compare2(Ctx *c, form_pop a, Cond cc)
{
    return ir_set(c->b, cc, get_r(c, a.rs), get_r(c, a.rt));
}

static Val compare_rt(Ctx *c, form_pop a, Cond cc)
{
    return ir_set(c->b, cc, get_r(c, a.rt), imm_r(c, 0));
}

/* POP06, POP07: rs and rt tell which; rt 0 has a delay slot and is before. */
static bool pop_unsigned(Ctx *c, form_pop a, Cond both, Cond none, Cond same)
{
    if (!a.rt) {
        return false;
    }
    if (!a.rs) {
        return branch_compact(c, compare_rt(c, a, none), a.offset, true);
    }
    if (a.rs == a.rt) {
        return branch_compact(c, compare_rt(c, a, same), a.offset, true);
    }
    return branch_compact(c, compare2(c, a, both), a.offset, false);
}

/* POP26, POP27. */
static bool pop_signed(Ctx *c, form_pop a, Cond both, Cond none)
{
    if (!a.rt) {
        return false;
    }
    if (!a.rs) {
        return branch_compact(c, compare_rt(c, a, none), a.offset, false);
    }
    if (a.rs == a.rt) {
        return branch_compact(c, compare_rt(c, a, both), a.offset, false);
    }
    return branch_compact(c, compare2(c, a, both), a.offset, false);
}

/* BOVC and BNVC: operands that are no words overflow too. */
static Val overflows(Ctx *c, form_pop a)
{
    Val x = get_w(c, a.rs), y = get_w(c, a.rt);
    Val v = ir_fcond(c->b, FC_V, ir_addf(c->b, x, y));

    if (c->reg == I64) {
        v = ir_or(c->b, v, ir_set(c->b, NE, widen(c, x), get_r(c, a.rs)));
        v = ir_or(c->b, v, ir_set(c->b, NE, widen(c, y), get_r(c, a.rt)));
    }
    return v;
}

/* POP10, POP30: rs >= rt is BOVC or BNVC. */
static bool pop_equal(Ctx *c, form_pop a, Cond cc)
{
    if (a.rs >= a.rt) {
        Val v = overflows(c, a);
        if (cc == NE) {
            v = ir_xor(c->b, v, ir_i32(c->b, 1));
        }
        return branch_compact(c, v, a.offset, false);
    }
    if (!a.rs) {
        return branch_compact(c, compare_rt(c, a, cc), a.offset, true);
    }
    return branch_compact(c, compare2(c, a, cc), a.offset, false);
}

#include "mips_r6.decode.h"

bool mips_r6(Ctx *c, u32 w)
{
    return mips_r6_decode(c, w);
}
