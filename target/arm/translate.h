/* SPDX-License-Identifier: MIT */
/*
 * Private to the A64 translators: the context of one instruction and the
 * words that a64*.c share.  Each a64_X.decode draws encodings and names the
 * functions in a64_X.c that give their meaning.
 */
#pragma once
#include "target/arm/cpu.h"
#include "tcg/helper.h"

typedef struct Ctx {
    Ir *b;
    u32 key;                /* KEY_* */
    u32 features;           /* FEAT_* */
    u32 insn;
    u16 at;                 /* offset of the instruction in its page */
    const ArmCpu *cpu;      /* model constants only (ID registers, ...) */
} Ctx;

static inline bool has(const Ctx *c, u32 feature)
{
    return c->features & feature;
}

/* Operands.  sf: 64-bit, else 32-bit.  r 31 is the zero register ... */
Val  get_x(Ctx *c, bool sf, unsigned r);        /* I64, or I32 if !sf */
bool set_x(Ctx *c, bool sf, unsigned r, Val v); /* true; writes zero above */
/* ... or the stack pointer. */
Val  get_sp(Ctx *c, bool sf, unsigned r);
bool set_sp(Ctx *c, bool sf, unsigned r, Val v);
Val  imm(Ctx *c, bool sf, u64 v);               /* I64 or I32 constant */
/* The base of a load or store: x or SP with its alignment check. */
Val  base_address(Ctx *c, unsigned rn);

/* Guest memory as in tcg/ir.h, with the checks of watchpoints. */
Val  guest_load(Ctx *c, Type t, Val addr, u32 memop);
Val  guest_load2(Ctx *c, Type t, Val addr, u32 memop, Val *second);
void guest_store(Ctx *c, Val addr, Val v, u32 memop);
void guest_store2(Ctx *c, Val addr, Val v, Val second, u32 memop);
/* These checks alone, before a helper that accesses memory. */
void watch_store(Ctx *c, Val addr, u32 bytes);
void watch_atomic(Ctx *c, Val addr, u32 bytes);
u32  data_order(const Ctx *c);                  /* M_BE or 0 */
u32  data_access(const Ctx *c);                 /* and M_ALIGN if all must */

/* V registers. */
Val  get_v(Ctx *c, unsigned r);                 /* V128 */
bool set_v(Ctx *c, unsigned r, Val v);          /* V128 as is */
bool set_v64(Ctx *c, unsigned r, Val v);        /* low half; zero above */
Val  get_f(Ctx *c, Type t, unsigned r);         /* F32 or F64 */
bool set_f(Ctx *c, unsigned r, Val v);          /* zero above */

Val  cond_holds(Ctx *c, unsigned cond);         /* I32 0 or 1; 4-bit cond */

/*
 * Raises a synchronous exception at this instruction (ELR is its address) and
 * ends the block.  True.
 */
bool raise_at(Ctx *c, u64 esr);
/* Checks that FP and SIMD do not trap; false after raising. */
bool fp_enabled(Ctx *c);

/*
 * What comes before any instruction: alignment of the pc, PSTATE.IL, software
 * step.  True if it raised an exception and ended the block.
 */
bool a64_before(Ctx *c);

/* Each gives false for an encoding that is not allocated. */
bool a64_decode(Ctx *c, u32 insn);      /* all of A64, by bits 28:25 */
bool a64_dp(Ctx *c, u32 insn);          /* data processing, general */
bool a64_branch(Ctx *c, u32 insn);
bool a64_system(Ctx *c, u32 insn);      /* exceptions, hints, MSR, ERET, ... */
bool a64_ldst(Ctx *c, u32 insn);        /* loads, stores, atomics */
bool a64_vldst(Ctx *c, u32 insn);       /* structures: LD1 .. ST4 */
bool a64_fp(Ctx *c, u32 insn);          /* scalar floating point */
bool a64_simd(Ctx *c, u32 insn);

u32  arm_translate(Ir *b, const Cpu *cpu, u32 key, const u8 *insn, u32 avail);

/* The rows of a table, for tests; the last has no name. */
typedef struct Insn {
    const char *name;
    u32 mask, want;
} Insn;
extern const Insn a64_dp_insns[], a64_branch_insns[], a64_system_insns[],
                  a64_ldst_insns[], a64_vldst_insns[], a64_fp_insns[],
                  a64_simd2_insns[], a64_simd3_insns[], a64_simd_elem_insns[],
                  a64_simd_shift_insns[], a64_simd_move_insns[],
                  a64_crypto_insns[];
