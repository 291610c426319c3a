/* SPDX-License-Identifier: MIT */
/*
 * Floating point in the guest's own rules.
 *
 * A FPOP instruction runs on the host's FPU where that gives the guest's
 * result and flags.  Where it may not, translated code calls the target's
 * soft function for the operation, which must give exactly the guest's result
 * and raise the guest's flags in env.  The evaluator always calls it.
 */
#pragma once
#include "tcg/ir.h"

/*
 * Bits of F32 (zero-extended) or F64 values or integers in and out; `sub` is
 * the instruction's: rounding of f2i and fround, lane size of nothing.  For
 * f2i, i2f and f2f the operand's and result's types are in the index.
 */
typedef u64 FpFn(void *env, u64 a, u64 b, u64 c, u32 sub);

typedef enum FpKind {
    FP_ADD, FP_SUB, FP_MUL, FP_DIV, FP_SQRT, FP_FMA,
    FP_MIN, FP_MAX, FP_MINNM, FP_MAXNM,
    FP_CMPF,                    /* result: an IR flag word */
    FP_CEQ, FP_CGE, FP_CGT,     /* result: 0 or 1; for vector compares */
    FP_ROUND,
    FP_CVT,                     /* to the other of F32 and F64 */
    FP_TO_I32, FP_TO_I64,       /* sub: IrRound with FR_UNSIGNED */
    FP_FROM_I32, FP_FROM_I64,   /* sub: FR_UNSIGNED or 0 */
    FP_KINDS
} FpKind;

struct FpSoft {
    /* [kind][1 if the float operand or (FROM) result is F64] */
    FpFn *fn[FP_KINDS][2];
};

/* The soft function's kind of an FPOP instruction, scalar or vector. */
FpKind fp_kind(const Ins *i, Type operand);
/* One vector FPOP instruction through the scalar functions, lane by lane. */
Vec fp_vec(const FpSoft *soft, void *env, const Ins *i, Vec a, Vec b, Vec c);
