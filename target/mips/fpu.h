/* SPDX-License-Identifier: MIT */
/* Private to target/mips: what translators and fp.c know of the FPU. */
#pragma once
#include "target/mips/cpu.h"
#include "tcg/fp.h"

/*
 * The slot S_FP_OP: an FpKind, or one of those below; if the format is F64;
 * the FPOP's sub; which operands are upper halves (with FR = 0).
 */
enum { FP_MADD = FP_KINDS, FP_MSUB, FP_RECIP, FP_RSQRT };
enum { FP_IS64 = 8, FP_MODE = 16, FP_ODD = 24, FP_VALID = 1 << 30 };
#define FP_OP(kind, is64, sub)                                              \
    ((u32)(kind) | (u32)(is64) << FP_IS64 | (u32)(sub) << FP_MODE)

/* Around an operation by soft functions; false: it raises its exception. */
void mips_fp_begin(MipsCpu *c);
bool mips_fp_end(MipsCpu *c);
/* The FPU's control registers; false: an exception that is enabled is set. */
u32  mips_cfc1(MipsCpu *c, u32 n);
bool mips_ctc1(MipsCpu *c, u32 n, u32 v);
