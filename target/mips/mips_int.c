/* SPDX-License-Identifier: MIT */
/*
 * MIPS integer instructions.  Reference: MIPS volume II-A.  The table is
 * mips_int.decode.
 *
 * A word operation on a 64-bit CPU takes the low halves, and sign-extends its
 * result; operands that are not sign-extended words are unpredictable, here
 * their upper halves do not count.  So do quotients by zero: they are zero.
 */
#include "target/mips/translate.h"
#include "mips_int.forms.h"

static Val get_d(Ctx *c, unsigned r)
{
    return get_r(c, r);
}

/* ---- shifts ------------------------------------------------------------- */

static bool shift(Ctx *c, form_sh a, IrBinary *op)
{
    return set_w(c, a.rd, op(c->b, get_w(c, a.rt), ir_i32(c->b, a.sa)));
}

static bool shiftv(Ctx *c, form_r a, IrBinary *op)
{
    return set_w(c, a.rd, op(c->b, get_w(c, a.rt), get_w(c, a.rs)));
}

static bool dshift(Ctx *c, form_sh a, IrBinary *op, u32 more)
{
    return set_r(c, a.rd, op(c->b, get_d(c, a.rt),
                             ir_i64(c->b, a.sa + more)));
}

static bool dshiftv(Ctx *c, form_r a, IrBinary *op)
{
    return set_r(c, a.rd, op(c->b, get_d(c, a.rt), get_d(c, a.rs)));
}

/* ---- arithmetic and logic ----------------------------------------------- */

static bool word(Ctx *c, form_r a, IrBinary *op)
{
    return set_w(c, a.rd, op(c->b, get_w(c, a.rs), get_w(c, a.rt)));
}

static bool full(Ctx *c, form_r a, IrBinary *op)
{
    return set_r(c, a.rd, op(c->b, get_r(c, a.rs), get_r(c, a.rt)));
}

static Val nor(Ir *b, Val x, Val y)
{
    return ir_not(b, ir_or(b, x, y));
}

/* The result, after the exception of an overflow. */
static Val checked(Ctx *c, Val x, Val y, IrBinary *op, IrBinary *flags)
{
    raise_if(c, ir_fcond(c->b, FC_V, flags(c->b, x, y)), EXC_OV);
    return op(c->b, x, y);
}

static bool add_trap(Ctx *c, form_r a, IrBinary *op, IrBinary *flags)
{
    return set_w(c, a.rd, checked(c, get_w(c, a.rs), get_w(c, a.rt), op,
                                  flags));
}

static bool dadd_trap(Ctx *c, form_r a, IrBinary *op, IrBinary *flags)
{
    return set_r(c, a.rd, checked(c, get_d(c, a.rs), get_d(c, a.rt), op,
                                  flags));
}

static bool addi_trap(Ctx *c, form_i a)
{
    return set_w(c, a.rt, checked(c, get_w(c, a.rs),
                                  ir_i32(c->b, (u32)a.imm), ir_add, ir_addf));
}

static bool daddi_trap(Ctx *c, form_i a)
{
    return set_r(c, a.rt, checked(c, get_d(c, a.rs), imm_r(c, a.imm), ir_add,
                                  ir_addf));
}

static bool addiu(Ctx *c, form_i a)
{
    return set_w(c, a.rt, ir_add(c->b, get_w(c, a.rs),
                                 ir_i32(c->b, (u32)a.imm)));
}

static bool daddiu(Ctx *c, form_i a)
{
    return set_r(c, a.rt, ir_add(c->b, get_d(c, a.rs), imm_r(c, a.imm)));
}

/* An I32 that is 0 or 1, as a register. */
static bool set_bool(Ctx *c, unsigned r, Val v)
{
    return set_r(c, r, c->reg == I64 ? ir_zext(c->b, v) : v);
}

static bool set_less(Ctx *c, form_r a, Cond cc)
{
    return set_bool(c, a.rd, ir_set(c->b, cc, get_r(c, a.rs),
                                    get_r(c, a.rt)));
}

static bool set_less_imm(Ctx *c, form_i a, Cond cc)
{
    return set_bool(c, a.rt, ir_set(c->b, cc, get_r(c, a.rs),
                                    imm_r(c, a.imm)));
}

static bool logic_imm(Ctx *c, form_u a, IrBinary *op)
{
    return set_r(c, a.rt, op(c->b, get_r(c, a.rs), imm_r(c, a.imm)));
}

static bool lui(Ctx *c, form_i a)
{
    return set_r(c, a.rt, imm_r(c, (i64)a.imm * 65536));
}

static bool lsa(Ctx *c, form_lsa a)
{
    Val x = ir_shl(c->b, get_w(c, a.rs), ir_i32(c->b, a.sa + 1u));

    return set_w(c, a.rd, ir_add(c->b, x, get_w(c, a.rt)));
}

static bool dlsa(Ctx *c, form_lsa a)
{
    Val x = ir_shl(c->b, get_r(c, a.rs), ir_i64(c->b, a.sa + 1u));

    return set_r(c, a.rd, ir_add(c->b, x, get_r(c, a.rt)));
}

/* ---- conditional moves -------------------------------------------------- */

static bool move_if(Ctx *c, form_r a, Cond cc)
{
    return set_r(c, a.rd, ir_select(c->b, cc, get_r(c, a.rt), imm_r(c, 0),
                                    get_r(c, a.rs), get_r(c, a.rd)));
}

static bool move_fcc(Ctx *c, form_mov a, Cond cc)
{
    Val code = ir_get(c->b, S_FCC + a.cc);

    return set_r(c, a.rd, ir_select(c->b, cc, code, ir_i32(c->b, 0),
                                    get_r(c, a.rs), get_r(c, a.rd)));
}

/* ---- multiply and divide ------------------------------------------------ */

static bool from_hilo(Ctx *c, form_r a, unsigned slot)
{
    return set_r(c, a.rd, ir_get(c->b, slot));
}

static bool to_hilo(Ctx *c, form_r a, unsigned slot)
{
    ir_put(c->b, slot, get_r(c, a.rs));
    return true;
}

static void put_hilo(Ctx *c, Val v)
{
    put_slot_w(c, S_LO, ir_trunc(c->b, v));
    put_slot_w(c, S_HI, ir_trunc(c->b, ir_shr(c->b, v, ir_i64(c->b, 32))));
}

static Val product(Ctx *c, form_r a, IrUnary *extend)
{
    return ir_mul(c->b, extend(c->b, get_w(c, a.rs)),
                  extend(c->b, get_w(c, a.rt)));
}

static bool multiply(Ctx *c, form_r a, IrUnary *extend)
{
    put_hilo(c, product(c, a, extend));
    return true;
}

static bool accumulate(Ctx *c, form_r a, IrBinary *op, IrUnary *extend)
{
    Val low = ir_zext(c->b, get_slot_w(c, S_LO));
    Val high = ir_zext(c->b, get_slot_w(c, S_HI));
    Val sum = ir_deposit(c->b, low, high, 32, 32);

    put_hilo(c, op(c->b, sum, product(c, a, extend)));
    return true;
}

static bool divide(Ctx *c, form_r a, IrBinary *op)
{
    Val x = get_w(c, a.rs), y = get_w(c, a.rt), q = op(c->b, x, y);

    put_slot_w(c, S_LO, q);
    put_slot_w(c, S_HI, ir_sub(c->b, x, ir_mul(c->b, q, y)));
    return true;
}

static bool dmultiply(Ctx *c, form_r a, IrBinary *high)
{
    Val x = get_d(c, a.rs), y = get_d(c, a.rt);

    ir_put(c->b, S_LO, ir_mul(c->b, x, y));
    ir_put(c->b, S_HI, high(c->b, x, y));
    return true;
}

static bool ddivide(Ctx *c, form_r a, IrBinary *op)
{
    Val x = get_d(c, a.rs), y = get_d(c, a.rt), q = op(c->b, x, y);

    ir_put(c->b, S_LO, q);
    ir_put(c->b, S_HI, ir_sub(c->b, x, ir_mul(c->b, q, y)));
    return true;
}

/* ---- bits --------------------------------------------------------------- */

static Val count_zeros(Ir *b, Val x)
{
    return ir_clz(b, x);
}

static Val count_ones(Ir *b, Val x)
{
    return ir_clz(b, ir_not(b, x));
}

static bool count(Ctx *c, form_r a, IrUnary *op)
{
    return set_w(c, a.rd, op(c->b, get_w(c, a.rs)));
}

static bool dcount(Ctx *c, form_r a, IrUnary *op)
{
    return set_r(c, a.rd, op(c->b, get_d(c, a.rs)));
}

static bool ext(Ctx *c, form_ext a)
{
    unsigned size = a.msb + 1u;                 /* the field is msbd */

    return a.lsb + size <= 32
        && set_w(c, a.rt, ir_extract(c->b, get_w(c, a.rs), a.lsb, size));
}

static bool ins(Ctx *c, form_ext a)
{
    return a.msb >= a.lsb
        && set_w(c, a.rt, ir_deposit(c->b, get_w(c, a.rt), get_w(c, a.rs),
                                     a.lsb, a.msb - a.lsb + 1u));
}

/* size, lsb: what the form adds to the fields msbd and lsb. */
static bool dext(Ctx *c, form_ext a, unsigned size, unsigned lsb)
{
    size += a.msb;
    lsb += a.lsb;
    return lsb + size <= 64
        && set_r(c, a.rt, ir_extract(c->b, get_d(c, a.rs), lsb, size));
}

static bool dins(Ctx *c, form_ext a, unsigned msb, unsigned lsb)
{
    msb += a.msb;
    lsb += a.lsb;
    return msb >= lsb
        && set_r(c, a.rt, ir_deposit(c->b, get_d(c, a.rt), get_d(c, a.rs),
                                     lsb, msb - lsb + 1));
}

static Val swap_bytes(Ir *b, Val x)
{
    return swap_groups(b, x, 8, 0x00ff00ff00ff00ffull);
}

static Val swap_halves(Ir *b, Val x)
{
    x = swap_groups(b, x, 16, 0x0000ffff0000ffffull);
    return ir_ror(b, x, ir_i64(b, 32));
}

static Val sign_byte(Ir *b, Val x)
{
    return ir_sextract(b, x, 0, 8);
}

static Val sign_half(Ir *b, Val x)
{
    return ir_sextract(b, x, 0, 16);
}

static bool unary(Ctx *c, form_sh a, IrUnary *op)
{
    return set_w(c, a.rd, op(c->b, get_w(c, a.rt)));
}

static bool dunary(Ctx *c, form_sh a, IrUnary *op)
{
    return set_r(c, a.rd, op(c->b, get_d(c, a.rt)));
}

/* ---- exceptions --------------------------------------------------------- */

static bool raise_always(Ctx *c, form_code a, u32 code)
{
    (void)a;
    return raise_code(c, code);
}

static bool trap(Ctx *c, form_r a, Cond cc)
{
    return raise_if(c, ir_set(c->b, cc, get_r(c, a.rs), get_r(c, a.rt)),
                    EXC_TR);
}

static bool trap_imm(Ctx *c, form_i a, Cond cc)
{
    return raise_if(c, ir_set(c->b, cc, get_r(c, a.rs), imm_r(c, a.imm)),
                    EXC_TR);
}

static bool sync_all(Ctx *c, form_code a)
{
    (void)a;
    ir_fence(c->b, FENCE_LL | FENCE_LS | FENCE_SL | FENCE_SS);
    return true;
}

#include "mips_int.decode.h"

bool mips_int(Ctx *c, u32 w)
{
    return mips_int_decode(c, w);
}
