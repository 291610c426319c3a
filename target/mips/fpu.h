/* SPDX-License-Identifier: MIT */
/* Private to target/mips: what translators and fp.c know of the FPU. */
#pragma once
#include "target/mips/translate.h"
#include "tcg/fp.h"

/*
 * The slot S_FP_OP: an FpKind, or one of those below; if the format is F64,
 * or a pair of F32;
 * the FPOP's sub; which operands are upper halves (with FR = 0).
 */
enum { FP_MADD = FP_KINDS, FP_MSUB, FP_RECIP, FP_RSQRT, FP_MSUBF,
       FP_MINA, FP_MAXA, FP_SPECIALS };
enum { FP_IS64 = 8, FP_PAIR = 1 << 9, FP_MODE = 16, FP_ODD = 24,
       FP_VALID = 1 << 30 };
#define FP_OP(kind, is64, sub)                                              \
    ((u32)(kind) | (u32)(is64) << FP_IS64 | (u32)(sub) << FP_MODE)

/* Around an operation by soft functions; false: it raises its exception. */
void mips_fp_begin(MipsCpu *c);
bool mips_fp_end(MipsCpu *c);
/* The FPU's control registers; false: an exception that is enabled is set. */
u32  mips_cfc1(MipsCpu *c, u32 n);
bool mips_ctc1(MipsCpu *c, u32 n, u32 v);
/* FP_MSUBF, FP_MINA, FP_MAXA of bits; raises flags as soft functions do. */
u64  mips_fp_special(MipsCpu *c, u32 kind, bool is64, u64 x, u64 y, u64 z);

/* The mask that CLASS and FCLASS give of a number's bits. */
u64  mips_fp_class(u32 is64, u64 x);

/* ---- for translators ---------------------------------------------------- */

Type fpu_format(unsigned fmt);                  /* F32 or F64 */
/* A register, as a number or as an integer: I32, I64. */
Val  fpu_get(Ctx *c, Type t, unsigned r);
bool fpu_set(Ctx *c, unsigned r, Val v);        /* true */
Val  fpu_get_int(Ctx *c, Type t, unsigned r);
bool fpu_set_int(Ctx *c, unsigned r, Val v);
/* I32: does a comparison's flag word meet the low three bits of a condition? */
Val  fpu_ordered(Ctx *c, unsigned cond, Val flags);

/* What was done, to the register operands a, b, c; -1: there is none. */
typedef struct FpuDone {
    u32 op;                     /* FP_OP() */
    int reg[3];
} FpuDone;

/* Around an operation, so that FCSR tells of it. */
void fpu_begin(Ctx *c);
void fpu_end(Ctx *c, FpuDone d);
