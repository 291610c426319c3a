/* SPDX-License-Identifier: MIT */
/*
 * MIPS: the words its translators share, and how an instruction, with its
 * delay slot if it has one, is put together.
 * Reference: MIPS volume II-A; volume I-A, "CPU Instruction Set".
 *
 * A branch and its slot are one guest instruction of eight bytes: no interrupt
 * comes between, and an exception in the slot finds the pc at the branch, as
 * EPC wants it, and the slot S_BD set, which snapshots remember for Cause.BD.
 */
#include "target/mips/translate.h"
#include "util/log.h"

/* ---- operands ----------------------------------------------------------- */

Val imm_r(Ctx *c, i64 v)
{
    return ir_const(c->b, c->reg, (u64)v);
}

Val widen(Ctx *c, Val v)
{
    return c->reg == I64 ? ir_sext(c->b, v) : v;
}

Val narrow(Ctx *c, Val v)
{
    return c->reg == I64 ? ir_trunc(c->b, v) : v;
}

Val get_slot_w(Ctx *c, unsigned slot)
{
    return narrow(c, ir_get(c->b, slot));
}

void put_slot_w(Ctx *c, unsigned slot, Val v)
{
    ir_put(c->b, slot, widen(c, v));
}

Val get_r(Ctx *c, unsigned r)
{
    return r ? ir_get(c->b, S_GPR + r) : imm_r(c, 0);
}

bool set_r(Ctx *c, unsigned r, Val v)
{
    if (r) {
        ir_put(c->b, S_GPR + r, v);
    }
    return true;
}

Val get_w(Ctx *c, unsigned r)
{
    return narrow(c, get_r(c, r));
}

bool set_w(Ctx *c, unsigned r, Val v)
{
    return set_r(c, r, widen(c, v));
}

Val swap_groups(Ir *b, Val x, unsigned by, u64 mask)
{
    Type t = ir_type(b, x);
    Val m = ir_const(b, t, mask), n = ir_const(b, t, by);
    Val high = ir_and(b, ir_shr(b, x, n), m);

    return ir_or(b, ir_shl(b, ir_and(b, x, m), n), high);
}

Val reversed_bits(Ir *b, Val x)
{
    x = swap_groups(b, x, 4, 0x0f0f0f0f0f0f0f0full);
    x = swap_groups(b, x, 2, 0x3333333333333333ull);
    return swap_groups(b, x, 1, 0x5555555555555555ull);
}

/* ---- memory ------------------------------------------------------------- */

/* Without 64-bit addressing sums wrap at 32 bits (PRA, "Compatibility"). */
Val address_of(Ctx *c, Val base, Val offset)
{
    Val sum = ir_add(c->b, base, offset);

    if (c->reg == I64 && !(c->key & KEY_ADDR64)) {
        sum = ir_sext(c->b, ir_trunc(c->b, sum));
    }
    return sum;
}

Val address(Ctx *c, unsigned base, i32 offset)
{
    return address_of(c, get_r(c, base), imm_r(c, offset));
}

u32 mips_access(const Ctx *c)
{
    return (c->key & KEY_BE ? M_BE : 0)
        | (c->features & FEAT_R6 ? 0 : M_ALIGN);
}

/* ---- exceptions --------------------------------------------------------- */

static void mips_raise(void *env, u32 code, u32 ce)
{
    mips_exception(env, code, ce);
}
HELPER(mips_raise, H_ALL, void, ptr, i32, i32);

static bool raise_with(Ctx *c, u32 code, u32 ce)
{
    IR_CALL(c->b, &helper_mips_raise, ir_i32(c->b, code),
            ir_i32(c->b, ce));
    ir_leave(c->b);
    return true;
}

bool raise_code(Ctx *c, u32 code)
{
    return raise_with(c, code, 0);
}

bool raise_cpu(Ctx *c, u32 coprocessor)
{
    return raise_with(c, EXC_CPU, coprocessor);
}

static void mips_no_fpu(void *env)
{
    mips_want_fpu(env);
}
HELPER(mips_no_fpu, H_ALL, void, ptr);

static void want_fpu(Ctx *c)
{
    IR_CALL(c->b, &helper_mips_no_fpu);
    ir_leave(c->b);
}

bool raise_if(Ctx *c, Val cond, u32 code)
{
    ir_trap_if(c->b, cond, code);
    return true;
}

static void mips_bad_pc(void *env)
{
    MipsCpu *c = env;
    Fault f = { .va = c->cpu.tcg.pc, .code = EXC_ADEL,
                .access = ACCESS_FETCH };

    mips_fault(&c->cpu, &f);
}
HELPER(mips_bad_pc, H_ALL, void, ptr);

/* ---- one instruction ---------------------------------------------------- */

enum { OP_COP1 = 0x11, OP_COP1X = 0x13, OP_LWC1 = 0x31, OP_LDC1 = 0x35,
       OP_SWC1 = 0x39, OP_SDC1 = 0x3d, OP_COP2 = 0x12, OP_MSA = 0x1e };

/* MOVF, MOVT: of the integer group, but on the FPU's condition codes. */
static bool is_movci(u32 w)
{
    return (w & 0xfc00003f) == 1;
}

/* BZ, BNZ: among COP1's, but of MSA. */
static bool is_msa_branch(u32 w)
{
    return (w & 0xff000000) == 0x47000000 || (w & 0xff600000) == 0x45600000;
}

static bool is_cop1(const Ctx *c, u32 w)
{
    if (has(c, FEAT_MSA) && is_msa_branch(w)) {
        return false;
    }
    switch (w >> 26) {
    case OP_COP1: case OP_LWC1: case OP_LDC1: case OP_SWC1: case OP_SDC1:
        return true;
    case OP_COP1X:
        return has(c, FEAT_PRE6);
    }
    return is_movci(w);
}

static bool decode_old(Ctx *c, u32 w)
{
    return mips_int(c, w) || mips_ldst(c, w) || mips_cp0(c, w)
        || mips_fpu(c, w) || mips_ps(c, w);
}

static bool decode_new(Ctx *c, u32 w)
{
    return has(c, FEAT_R6) && (mips_r6(c, w) || mips_fpu6(c, w));
}

bool mips_is_row(const Insn *row, u32 w)
{
    for (; row->name; row++) {
        if ((w & row->mask) == row->want) {
            return true;
        }
    }
    return false;
}

/* BPOSGE32: a branch, but of the DSP module. */
static bool is_bposge(u32 w)
{
    return w >> 16 == 0x41c;
}

static bool is_dsp(u32 w)
{
    return mips_is_row(mips_dsp_insns, w) || mips_is_row(mips_dspac_insns, w)
        || is_bposge(w);
}

static bool is_msa(u32 w)
{
    return w >> 26 == OP_MSA || is_msa_branch(w);
}

/* The exception of one that has no meaning now. */
static void reserved(Ctx *c, u32 w)
{
    log_line(LOG_GUEST, "reserved instruction %08x", w);
    if (has(c, FEAT_DSP) && !(c->key & KEY_DSP) && is_dsp(w)) {
        raise_code(c, EXC_DSPDIS);
    } else if (has(c, FEAT_MSA) && !(c->key & KEY_MSA) && is_msa(w)) {
        raise_code(c, EXC_MSADIS);
    } else if (w >> 26 == OP_COP2) {
        raise_cpu(c, 2);
    } else {
        raise_code(c, EXC_RI);
    }
}

/* MSA has the FPU's registers, if that is enabled as FR = 1 has them. */
static bool may_use_msa(const Ctx *c)
{
    return c->key & KEY_MSA && (!(c->key & KEY_FPU) || c->key & KEY_FR);
}

static bool decode_module(Ctx *c, u32 w)
{
    return (c->key & KEY_DSP && (mips_dsp(c, w) || mips_dspac(c, w)))
        || (may_use_msa(c) && (mips_msa(c, w) || mips_msax(c, w)
                               || mips_msaf(c, w)));
}

static void decode(Ctx *c, u32 w)
{
    c->insn = w;
    if (is_cop1(c, w) && !(c->key & KEY_FPU)) {
        want_fpu(c);
    } else if (!decode_old(c, w) && !decode_new(c, w)
               && !decode_module(c, w)) {
        reserved(c, w);
    }
}

static u32 fetch(const Ctx *c, const u8 *insn)
{
    return (u32)(c->key & KEY_BE ? load_be(insn, 4) : load_le(insn, 4));
}

/* ---- branches ----------------------------------------------------------- */

static void mips_go_to(void *env, u64 to)
{
    MipsCpu *c = env;

    c->cpu.tcg.pc = to;
}
HELPER(mips_go_to, H_WRITE | H_RAISE, void, ptr, i64);

static Val as_i64(Ctx *c, Val pc)
{
    return ir_type(c->b, pc) == I64 ? pc : ir_zext(c->b, pc);
}

/* Goes on at `to` as env's modes are now. */
static void stop_at(Ctx *c, Val to)
{
    IR_CALL(c->b, &helper_mips_go_to, as_i64(c, to));
    ir_leave(c->b);
}

/*
 * J and JAL go to a place in the 256 MiB that the slot is in.  Code may be
 * seen at several addresses; it is linked to where it goes from the one that
 * it is translated at.
 */
static Val region_target(Ctx *c)
{
    u64 page = canonical(c->cpu, align_down(c->cpu->cpu.tcg.pc, PAGE_SIZE));
    u64 low = (u64)c->branch.index << 2, region = ~MASK(28);
    u64 to = canonical(c->cpu, ((page + c->at + 4) & region) | low);
    Val here = ir_pc(c->b, 0), slot = ir_pc(c->b, c->at + 4);
    Val computed = ir_or(c->b, ir_and(c->b, slot, imm_r(c, (i64)region)),
                         imm_r(c, (i64)low));

    ir_exit_if(c->b, ir_set(c->b, NE, here, imm_r(c, (i64)page)), computed);
    return ir_pc(c->b, (i64)(to - page));
}

static void exit_branch(Ctx *c)
{
    const Branch *br = &c->branch;
    Val next = ir_pc(c->b, c->at + 8);
    Val to = br->region ? region_target(c) : br->target;

    if (c->stop) {
        stop_at(c, br->cond.id && !br->likely
                ? ir_select(c->b, NE, br->cond, ir_i32(c->b, 0), to, next)
                : to);
        return;
    }
    if (br->cond.id && !br->likely) {
        ir_exit_if(c->b, br->cond, to);
        ir_exit(c->b, next, EXIT_JUMP);
    } else if (br->kind == EXIT_CALL) {
        ir_exit_call(c->b, to, next);
    } else {
        ir_exit(c->b, to, br->kind);
    }
}

/* A branch in a delay slot is reserved (volume I-A, "Delay slots"). */
static bool is_branch(const Ctx *c, u32 w)
{
    Ctx probe = *c;

    return mips_branch(&probe, w);
}

/* Also of the compact ones, which are the last rows of release 6's table. */
static bool is_any_branch(const Ctx *c, u32 w)
{
    const Insn *i = mips_r6_insns;

    while (strcmp(i->name, "bc") != 0) {
        i++;
    }
    return mips_is_row(i, w) || is_branch(c, w);
}

static void slot(Ctx *c, u32 w)
{
    Val outside = ir_get(c->b, S_BD);

    c->in_slot = true;
    c->at += 4;
    ir_put(c->b, S_BD, ir_i32(c->b, 1));
    if (is_branch(c, w)) {
        raise_code(c, EXC_RI);
    } else {
        decode(c, w);
    }
    ir_put(c->b, S_BD, outside);
    c->at -= 4;
}

static void branch(Ctx *c, u32 w)
{
    const Branch *br = &c->branch;
    Val next = ir_pc(c->b, c->at + 8);

    if (br->link) {
        set_r(c, br->link, next);
    }
    if (br->likely) {
        ir_exit_if(c->b, ir_set(c->b, EQ, br->cond, ir_i32(c->b, 0)), next);
    }
    if (w) {                                    /* not NOP */
        slot(c, w);
    }
    exit_branch(c);
}

/* ---- the row's `translate` ---------------------------------------------- */

/* The features that the modes let be used. */
static u32 enabled(const MipsCpu *c, u32 key)
{
    return c->features & (key & KEY_64
                          ? ~0u : ~(u32)(FEAT_64 | FEAT_LSA64 | FEAT_64R2
                                         | FEAT_64PRE6));
}

u32 mips_translate(Ir *b, const Cpu *cpu, u32 key, const u8 *insn, u32 avail)
{
    const MipsCpu *mips = (const MipsCpu *)cpu;
    Ctx c = {
        .b = b, .key = key, .features = enabled(mips, key), .at = b->at,
        .reg = is_wide(mips) ? I64 : I32, .cpu = mips,
    };
    u32 w = avail < 4 ? 0 : fetch(&c, insn);

    b->fp_inline = !(key & KEY_FP_SOFT);
    if (c.at & 3) {
        IR_CALL(b, &helper_mips_bad_pc);
        ir_leave(b);
        return 4;
    }
    if (mips_branch(&c, w)) {
        if (avail < 8) {
            return 0;                           /* the slot is elsewhere */
        }
        branch(&c, fetch(&c, insn + 4));
        return 8;
    }
    if (has(&c, FEAT_R6) && avail >= 8) {
        c.next_branches = is_any_branch(&c, fetch(&c, insn + 4));
    }
    decode(&c, w);
    if (c.stop && !b->ended) {
        stop_at(&c, ir_pc(b, c.at + 4));
    }
    return 4;
}
