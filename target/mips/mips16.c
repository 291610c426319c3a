/* SPDX-License-Identifier: MIT */
/*
 * MIPS16e.  Reference: MIPS volume IV-a.  The table is mips16.decode.
 *
 * Most instructions are one of MIPS32 on eight registers, and are translated
 * as that.  EXTEND is a part of the instruction behind it.  Jumps have delay
 * slots, branches have none.
 */
#include "target/mips/translate.h"
#include "mips16.forms.h"

enum { T = 24, SP = 29, RA = 31 };
enum { ADDIU = 9, ORI = 13, LW = 0x23, SW = 0x2b };

/* The registers that three bits name. */
static unsigned reg(unsigned n)
{
    static const u8 named[8] = { 16, 17, 2, 3, 4, 5, 6, 7 };

    return named[n];
}

static bool as_i(Ctx *c, u32 op, unsigned rs, unsigned rt, i32 imm)
{
    mips_decode(c, op << 26 | rs << 21 | rt << 16 | ((u32)imm & 0xffff));
    return true;
}

static bool as_r(Ctx *c, u32 function, unsigned rs, unsigned rt, unsigned rd)
{
    mips_decode(c, rs << 21 | rt << 16 | rd << 11 | function);
    return true;
}

/* The immediate of 16 bits that an EXTEND makes, or else v. */
static i32 imm_of(const Ctx *c, i32 v)
{
    u32 w = c->insn;

    return c->extended ? (i16)((w & 31) << 11 | (w & 0x7e0) | bits(w, 20, 16))
                       : v;
}

/* ---- constants and addresses -------------------------------------------- */

static bool addiu_sp(Ctx *c, form_i8 a)
{
    return as_i(c, ADDIU, SP, reg(a.rx), imm_of(c, a.imm * 4));
}

static bool addiu4(Ctx *c, form_i4 a)
{
    u32 w = c->insn;
    i32 imm = c->extended
        ? (i32)sext((w & 15) << 11 | (w & 0x7f0) | bits(w, 19, 16), 15)
        : a.imm;

    return as_i(c, ADDIU, reg(a.rx), reg(a.ry), imm);
}

static bool addiu8(Ctx *c, form_s8 a)
{
    return as_i(c, ADDIU, reg(a.rx), reg(a.rx), imm_of(c, a.imm));
}

static bool adjust_sp(Ctx *c, form_s8 a)
{
    return as_i(c, ADDIU, SP, SP, imm_of(c, a.imm * 8));
}

static bool li(Ctx *c, form_i8 a)
{
    return as_i(c, ORI, 0, reg(a.rx), imm_of(c, a.imm));
}

static bool to_t(Ctx *c, form_i8 a, u32 op)
{
    return as_i(c, op, reg(a.rx), T, imm_of(c, a.imm));
}

/* Of the instruction, or of the jump whose delay slot it is in. */
static Val near_pc(Ctx *c, i32 offset)
{
    return ir_pc(c->b, (c->base & ~3) + offset);
}

static bool addiu_pc(Ctx *c, form_i8 a)
{
    return set_r(c, reg(a.rx), near_pc(c, imm_of(c, a.imm * 4)));
}

/* ---- memory ------------------------------------------------------------- */

static bool mem(Ctx *c, form_m a, u32 op, unsigned scale)
{
    return as_i(c, op, reg(a.rx), reg(a.ry), imm_of(c, a.imm << scale));
}

static bool mem_sp(Ctx *c, form_i8 a, u32 op)
{
    return as_i(c, op, SP, reg(a.rx), imm_of(c, a.imm * 4));
}

static bool sw_ra(Ctx *c, form_i8 a)
{
    return as_i(c, SW, SP, RA, imm_of(c, a.imm * 4));
}

static bool lw_pc(Ctx *c, form_i8 a)
{
    Val va = near_pc(c, imm_of(c, a.imm * 4));

    return set_r(c, reg(a.rx), ir_load(c->b, c->reg, va, M_32 | M_SIGN
                                       | mips_access(c)));
}

/* ---- SAVE and RESTORE --------------------------------------------------- */

enum { S0 = 16, S1 = 17, S2 = 18, A0 = 4, FP = 30, MOST_SAVED = 16 };

/* What "aregs" says: how many registers are arguments, how many are statics. */
typedef struct Aregs { u8 args, statics; } Aregs;

static Aregs aregs_of(u32 field)
{
    static const Aregs row[16] = {
        { 0, 0 }, { 0, 1 }, { 0, 2 }, { 0, 3 }, { 1, 0 }, { 1, 1 }, { 1, 2 },
        { 1, 3 }, { 2, 0 }, { 2, 1 }, { 2, 2 }, { 0, 4 }, { 3, 0 }, { 3, 1 },
        { 4, 0 }, { 0, 0 },
    };

    return row[field];
}

/* The registers below the frame's top, from there down. */
static unsigned saved(const Ctx *c, form_save a, u8 list[MOST_SAVED])
{
    u32 more = c->extended ? bits(c->insn, 10, 8) : 0, n = 0;
    Aregs regs = aregs_of(c->extended ? c->insn & 15 : 0);

    if (a.ra) {
        list[n++] = RA;
    }
    if (more == 7) {
        list[n++] = FP;
    }
    for (u32 i = MIN(more, 6u); i > 0; i--) {
        list[n++] = (u8)(S2 + i - 1);
    }
    if (a.s1) {
        list[n++] = S1;
    }
    if (a.s0) {
        list[n++] = S0;
    }
    for (u32 i = 0; i < regs.statics; i++) {
        list[n++] = (u8)(A0 + 3 - i);
    }
    return n;
}

static i32 frame_size(const Ctx *c, form_save a)
{
    if (c->extended) {
        return (i32)(bits(c->insn, 7, 4) << 4 | a.size) * 8;
    }
    return a.size ? a.size * 8 : 128;
}

static u32 word_access(const Ctx *c)
{
    return M_32 | M_SIGN | mips_access(c);
}

static bool save(Ctx *c, form_save a)
{
    u8 list[MOST_SAVED];
    unsigned n = saved(c, a, list);
    Aregs regs = aregs_of(c->extended ? c->insn & 15 : 0);

    for (i32 i = 0; i < regs.args; i++) {
        ir_store(c->b, address(c, SP, 4 * i), get_w(c, (unsigned)(A0 + i)),
                 M_32 | mips_access(c));
    }
    for (i32 i = 0; i < (i32)n; i++) {
        ir_store(c->b, address(c, SP, -4 * (i + 1)), get_w(c, list[i]),
                 M_32 | mips_access(c));
    }
    return set_r(c, SP, address(c, SP, -frame_size(c, a)));
}

static bool restore(Ctx *c, form_save a)
{
    u8 list[MOST_SAVED];
    unsigned n = saved(c, a, list);
    i32 size = frame_size(c, a);

    for (i32 i = 0; i < (i32)n; i++) {
        set_r(c, list[i], ir_load(c->b, c->reg,
                                  address(c, SP, size - 4 * (i + 1)),
                                  word_access(c)));
    }
    return set_r(c, SP, address(c, SP, size));
}

/* ---- registers ---------------------------------------------------------- */

static bool shift(Ctx *c, form_sh a, u32 function)
{
    u32 sa = c->extended ? bits(c->insn, 10, 6) : a.sa ? a.sa : 8;

    return as_r(c, function | sa << 6, 0, reg(a.ry), reg(a.rx));
}

static bool shiftv(Ctx *c, form_rr a, u32 function)
{
    return as_r(c, function, reg(a.rx), reg(a.ry), reg(a.ry));
}

static bool rrr(Ctx *c, form_rrr a, u32 function)
{
    return as_r(c, function, reg(a.rx), reg(a.ry), reg(a.rz));
}

static bool logic(Ctx *c, form_rr a, u32 function)
{
    return as_r(c, function, reg(a.rx), reg(a.ry), reg(a.rx));
}

static bool rr_t(Ctx *c, form_rr a, u32 function)
{
    return as_r(c, function, reg(a.rx), reg(a.ry), T);
}

static bool neg(Ctx *c, form_rr a)
{
    return as_r(c, 0x23, 0, reg(a.ry), reg(a.rx));
}

static bool not(Ctx *c, form_rr a)
{
    return as_r(c, 0x27, 0, reg(a.ry), reg(a.rx));
}

static bool from_hilo(Ctx *c, form_rr a, u32 function)
{
    return as_r(c, function, 0, 0, reg(a.rx));
}

static bool multiply(Ctx *c, form_rr a, u32 function)
{
    return as_r(c, function, reg(a.rx), reg(a.ry), 0);
}

static bool zero_extend(Ctx *c, form_rr a, i32 mask)
{
    return as_i(c, 12, reg(a.rx), reg(a.rx), mask);
}

/* SEB, SEH by their numbers among BSHFL's. */
static bool sign_extend(Ctx *c, form_rr a, u32 which)
{
    return as_r(c, 31u << 26 | which << 6 | 0x20, 0, reg(a.rx), reg(a.rx));
}

static bool mov32r(Ctx *c, form_to a)
{
    return set_r(c, a.r32, get_r(c, reg(a.rz)));
}

static bool movr32(Ctx *c, form_from a)
{
    return set_r(c, reg(a.ry), get_r(c, a.r32));
}

static bool breakpoint(Ctx *c, form_code a)
{
    (void)a;
    return raise_code(c, EXC_BP);
}

static bool debug_break(Ctx *c, form_code a)
{
    (void)c, (void)a;
    return false;                           /* there is no debug mode */
}

/* ---- branches and jumps ------------------------------------------------- */

static bool b(Ctx *c, form_s11 a)
{
    if (c->in_slot) {
        return false;
    }
    ir_exit(c->b, ir_pc(c->b, c->at + c->len + imm_of(c, a.imm) * 2),
            EXIT_JUMP);
    return true;
}

static bool branch_if(Ctx *c, unsigned r, Cond cc, i32 imm)
{
    i32 next = c->at + c->len;

    if (c->in_slot) {
        return false;
    }
    ir_exit_if(c->b, ir_set(c->b, cc, get_r(c, r), imm_r(c, 0)),
               ir_pc(c->b, next + imm_of(c, imm) * 2));
    ir_exit(c->b, ir_pc(c->b, next), EXIT_JUMP);
    return true;
}

static bool bz(Ctx *c, form_s8 a, Cond cc)
{
    return branch_if(c, reg(a.rx), cc, a.imm);
}

static bool bt(Ctx *c, form_s8 a, Cond cc)
{
    return branch_if(c, T, cc, a.imm);
}

static bool jal(Ctx *c, form_jal a, bool exchange)
{
    c->branch = (Branch) {
        .any = true, .region = true, .index = (u32)a.index, .link = RA,
        .exchange = exchange, .kind = EXIT_CALL,
    };
    return !c->in_slot;
}

/* Bits of `kind`: no delay slot, link, and ra instead of rx. */
static bool jump(Ctx *c, form_jr a)
{
    enum { TO_RA = 1, LINK = 2, COMPACT = 4 };

    if (c->in_slot || (a.kind & TO_RA && (a.kind & LINK || a.rx))) {
        return false;
    }
    c->branch = (Branch) {
        .any = true, .computed = true, .no_slot = a.kind & COMPACT,
        .target = get_r(c, a.kind & TO_RA ? RA : reg(a.rx)),
        .link = a.kind & LINK ? RA : 0,
        .kind = a.kind & LINK ? EXIT_CALL : a.kind & TO_RA ? EXIT_RETURN
            : EXIT_JUMP,
    };
    return true;
}

#include "mips16.decode.h"

bool mips16(Ctx *c, u32 w)
{
    c->insn = w;
    return mips16_decode(c, w);
}
