/* SPDX-License-Identifier: MIT */
/*
 * Private to the translators of MIPS: the context of one instruction and the
 * words that they share.  Each X.decode draws encodings and names the
 * functions in X.c that give their meaning.
 */
#pragma once
#include "target/mips/cpu.h"
#include "tcg/helper.h"

/* How the branch that has a delay slot goes on behind that. */
typedef struct Branch {
    bool any;               /* there is one */
    bool likely;            /* the slot is skipped if it is not taken */
    ExitKind kind;
    Val  cond;              /* I32, taken if not 0; no value: always */
    Val  target;
    u8   link;              /* register for the return address, or 0 */
    bool region;            /* target.id is 0: `index` in the slot's region */
    u32  index;
    bool exchange;          /* into the other instruction set */
    bool computed;          /* target's bit 0 says which instruction set */
    bool no_slot;
} Branch;

typedef struct Ctx {
    Ir *b;
    u32 key;                /* KEY_* */
    u32 features;           /* FEAT_*, less what is not enabled now */
    u32 insn;
    u16 at;                 /* offset of the instruction in its page */
    u8  len;                /* its bytes, without a delay slot's */
    u16 base;               /* what is relative to the pc is to that offset */
    bool extended;          /* MIPS16e: behind an EXTEND */
    bool in_slot;           /* it is in a delay slot */
    bool next_branches;     /* what follows is a branch (release 6) */
    bool stop;              /* the block ends behind it: modes changed */
    Type reg;               /* of registers: I64, or I32 of a 32-bit CPU */
    Branch branch;
    const MipsCpu *cpu;     /* model constants only */
} Ctx;

static inline bool has(const Ctx *c, u32 feature)
{
    return c->features & feature;
}

/* Operands.  The register as it is wide, or its low half as an I32. */
Val  get_r(Ctx *c, unsigned r);
bool set_r(Ctx *c, unsigned r, Val v);          /* true */
Val  get_w(Ctx *c, unsigned r);                 /* I32 */
bool set_w(Ctx *c, unsigned r, Val v);          /* I32, sign-extended */
Val  imm_r(Ctx *c, i64 v);                      /* constant of c->reg */
/* An I32 as a register holds it, and the low half of a register. */
Val  widen(Ctx *c, Val v);
Val  narrow(Ctx *c, Val v);
/* Swaps neighbouring groups of `by` bits; mask: the lower one of each two. */
Val  swap_groups(Ir *b, Val x, unsigned by, u64 mask);
/* The bits of each byte in the other order. */
Val  reversed_bits(Ir *b, Val x);
/* A slot of register width, as get_r() and get_w() do. */
Val  get_slot_w(Ctx *c, unsigned slot);
void put_slot_w(Ctx *c, unsigned slot, Val v);

/* The address base + offset, as the addressing mode has it. */
Val  address(Ctx *c, unsigned base, i32 offset);
Val  address_of(Ctx *c, Val base, Val offset);
/* Byte order and alignment of an access: M_ALIGN, M_BE. */
u32  mips_access(const Ctx *c);

/* Raises an exception of this instruction, which ends the block.  True. */
bool raise_code(Ctx *c, u32 code);
bool raise_cpu(Ctx *c, u32 coprocessor);        /* Coprocessor Unusable */
/* If cond (I32) is not 0. */
bool raise_if(Ctx *c, Val cond, u32 code);
/* Flags of helpers that look at, and may change, all of the CPU. */
enum { H_ALL = H_READ | H_WRITE | H_RAISE };

/* Each gives false for an encoding that is not allocated. */
bool mips_int(Ctx *c, u32 insn);
bool mips_ldst(Ctx *c, u32 insn);
bool mips_cp0(Ctx *c, u32 insn);
bool mips_fpu(Ctx *c, u32 insn);
bool mips_r6(Ctx *c, u32 insn);
bool mips_fpu6(Ctx *c, u32 insn);
bool mips_ps(Ctx *c, u32 insn);
/* MIPS16e; of mips16.decode's words. */
bool mips16(Ctx *c, u32 insn);
/* By its first half: EXTEND, and what is four bytes long: that and JAL. */
static inline bool mips16_is_extend(u32 first) { return first >> 11 == 0x1e; }
static inline bool mips16_is_long(u32 first)
{
    return mips16_is_extend(first) || first >> 11 == 3;
}
/* Any MIPS32 or MIPS64 instruction but a branch with a delay slot. */
void mips_decode(Ctx *c, u32 insn);
bool mips_dsp(Ctx *c, u32 insn);
bool mips_dspac(Ctx *c, u32 insn);
bool mips_msa(Ctx *c, u32 insn);
bool mips_msax(Ctx *c, u32 insn);
bool mips_msaf(Ctx *c, u32 insn);
/* LL and SC of register r, wherever their encodings are. */
bool mips_load_linked(Ctx *c, unsigned r, Val va, u32 memop);
bool mips_store_conditional(Ctx *c, unsigned r, Val va, u32 memop);
/* Sets c->branch, emits nothing that is kept. */
bool mips_branch(Ctx *c, u32 insn);

u32  mips_translate(Ir *b, const Cpu *cpu, u32 key, const u8 *insn, u32 avail);

/* The rows of a table, for tests; the last has no name. */
typedef struct Insn {
    const char *name;
    u32 mask, want;
} Insn;
extern const Insn mips_int_insns[], mips_ldst_insns[], mips_cp0_insns[],
                  mips_branch_insns[], mips_fpu_insns[], mips_r6_insns[],
                  mips_fpu6_insns[], mips_ps_insns[], mips_dsp_insns[],
                  mips_dspac_insns[], mips_msa_insns[], mips_msax_insns[],
                  mips_msaf_insns[], mips16_insns[];
/* Is w of one of the rows, from that one on? */
bool mips_is_row(const Insn *row, u32 w);
