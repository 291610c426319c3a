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

void mips_decode(Ctx *c, u32 w)
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

static u32 fetch_half(const Ctx *c, const u8 *insn)
{
    return (u32)(c->key & KEY_BE ? load_be(insn, 2) : load_le(insn, 2));
}

/* ---- branches ----------------------------------------------------------- */

static void mips_go_to(void *env, u64 to)
{
    mips_jump(env, to);
}
HELPER(mips_go_to, H_ALL, void, ptr, i64);

static Val as_i64(Ctx *c, Val pc)
{
    return ir_type(c->b, pc) == I64 ? pc : ir_zext(c->b, pc);
}

/* Goes on at `to` as env's modes are now; its bit 0 is the instruction set. */
static void stop_at(Ctx *c, Val to)
{
    IR_CALL(c->b, &helper_mips_go_to, as_i64(c, to));
    ir_leave(c->b);
}

/* 1 if code is of the other instruction set, and addresses of it say so. */
static i32 isa_bit(const Ctx *c)
{
    return c->key & KEY_ISA ? 1 : 0;
}

/* Behind the delay slot, which is as long as the shortest instruction. */
static i32 behind(const Ctx *c)
{
    return c->at + c->len + (c->branch.no_slot ? 0 : isa_bit(c) ? 2 : 4);
}

/* J and JAL go to a place in the 256 MiB that the slot is in. */
static Val in_region(Ctx *c)
{
    Val slot = ir_pc(c->b, c->at + c->len);

    return ir_or(c->b, ir_and(c->b, slot, imm_r(c, ~(i64)MASK(28))),
                 imm_r(c, (i64)c->branch.index << 2));
}

/*
 * Code may be seen at several addresses; it is linked to where it goes from
 * the one that it is translated at.
 */
static Val region_target(Ctx *c)
{
    u64 page = canonical(c->cpu, align_down(c->cpu->cpu.tcg.pc, PAGE_SIZE));
    u64 low = (u64)c->branch.index << 2, region = ~MASK(28);
    u64 to = canonical(c->cpu, ((page + c->at + c->len) & region) | low);
    Val here = ir_pc(c->b, 0);

    ir_exit_if(c->b, ir_set(c->b, NE, here, imm_r(c, (i64)page)),
               in_region(c));
    return ir_pc(c->b, (i64)(to - page));
}

/*
 * A computed address's bit 0 is the instruction set of what is there.  If that
 * is another one, this is the end, by a trap that goes to the address.
 */
static Val same_isa(Ctx *c, Val to)
{
    Val outside = ir_get(c->b, S_JUMP);
    Val other = ir_set(c->b, NE, ir_and(c->b, to, imm_r(c, 1)),
                       imm_r(c, isa_bit(c)));

    ir_put(c->b, S_JUMP, to);
    ir_trap_if(c->b, other, TRAP_EXCHANGE);
    ir_put(c->b, S_JUMP, outside);
    return ir_and(c->b, to, imm_r(c, -2));
}

/* Where modes changed: the target, or what is behind the slot. */
static void stop_branch(Ctx *c, Val to, Val next)
{
    const Branch *br = &c->branch;

    stop_at(c, br->cond.id && !br->likely
            ? ir_select(c->b, NE, br->cond, ir_i32(c->b, 0), to, next) : to);
}

static void exit_branch(Ctx *c)
{
    const Branch *br = &c->branch;
    Val next = ir_pc(c->b, behind(c)), to;

    if (br->exchange) {
        stop_at(c, ir_or(c->b, in_region(c), imm_r(c, 1 - isa_bit(c))));
        return;
    }
    to = br->region ? region_target(c) : br->target;
    if (c->stop) {
        stop_branch(c, to, next);
        return;
    }
    if (br->computed && has(c, FEAT_CA)) {
        to = same_isa(c, to);
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

/* One that EXTEND makes longer has no place in a delay slot. */
static bool decode_slot(Ctx *c, u32 w)
{
    if (c->key & KEY_ISA) {
        return !mips16_is_long(w) && mips16(c, w << 16);
    }
    if (is_branch(c, w)) {
        return false;
    }
    mips_decode(c, w);
    return true;
}

static void slot(Ctx *c, u32 w)
{
    Val outside = ir_get(c->b, S_BD);
    u8 len = c->len;

    c->in_slot = true;
    c->extended = false;
    c->at = (u16)(c->at + len);
    c->len = isa_bit(c) ? 2 : 4;
    ir_put(c->b, S_BD, ir_i32(c->b, 1));
    if (!decode_slot(c, w)) {
        raise_code(c, EXC_RI);
    }
    ir_put(c->b, S_BD, outside);
    c->at = (u16)(c->at - len);
    c->len = len;
}

/* w: the slot's. */
static void branch(Ctx *c, u32 w)
{
    const Branch *br = &c->branch;
    Val next = ir_pc(c->b, behind(c));

    if (br->link) {
        set_r(c, br->link, ir_pc(c->b, behind(c) + isa_bit(c)));
    }
    if (br->likely) {
        ir_exit_if(c->b, ir_set(c->b, EQ, br->cond, ir_i32(c->b, 0)), next);
    }
    if ((w || isa_bit(c)) && !br->no_slot) {    /* not NOP */
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

static u32 translate16(Ctx *c, const u8 *insn, u32 avail)
{
    u32 first = fetch_half(c, insn), w = first << 16, size;

    c->len = mips16_is_long(first) ? 4 : 2;
    if (avail < c->len) {
        return 0;
    }
    if (mips16_is_extend(first)) {
        c->extended = true;
        w = fetch_half(c, insn + 2) << 16 | (first & 0x7ff);
    } else if (c->len == 4) {
        w |= fetch_half(c, insn + 2);
    }
    if (!mips16(c, w)) {
        log_line(LOG_GUEST, "reserved MIPS16e instruction %08x", w);
        raise_code(c, EXC_RI);
        return c->len;
    }
    if (!c->branch.any) {
        return c->len;
    }
    size = (u32)behind(c) - c->at;
    if (avail < size) {
        return 0;                               /* the slot is elsewhere */
    }
    branch(c, c->branch.no_slot ? 0 : fetch_half(c, insn + c->len));
    return size;
}

static u32 translate32(Ctx *c, const u8 *insn, u32 avail)
{
    u32 w = avail < 4 ? 0 : fetch(c, insn);

    if (mips_branch(c, w)) {
        if (avail < 8) {
            return 0;                           /* the slot is elsewhere */
        }
        branch(c, fetch(c, insn + 4));
        return 8;
    }
    if (has(c, FEAT_R6) && avail >= 8) {
        c->next_branches = is_any_branch(c, fetch(c, insn + 4));
    }
    mips_decode(c, w);
    if (c->stop && !c->b->ended) {
        stop_at(c, ir_pc(c->b, c->at + 4));
    }
    return 4;
}

u32 mips_translate(Ir *b, const Cpu *cpu, u32 key, const u8 *insn, u32 avail)
{
    const MipsCpu *mips = (const MipsCpu *)cpu;
    Ctx c = {
        .b = b, .key = key, .features = enabled(mips, key), .at = b->at,
        .len = 4, .base = b->at, .reg = is_wide(mips) ? I64 : I32,
        .cpu = mips,
    };

    b->fp_inline = !(key & KEY_FP_SOFT);
    if (key & KEY_ISA) {
        return translate16(&c, insn, avail);
    }
    if (c.at & 3) {
        IR_CALL(b, &helper_mips_bad_pc);
        ir_leave(b);
        return 4;
    }
    return translate32(&c, insn, avail);
}
