/* SPDX-License-Identifier: MIT */
/*
 * Private to the A64 floating-point and Advanced SIMD translators: the words
 * they share, and the helpers of helper_simd.c.
 */
#pragma once
#include "target/arm/translate.h"

/*
 * Each family of helpers has one for a lane size; those that have none are
 * NULL.  Index: Lane; for narrowing ones the lane of the result, for widening
 * ones that of the operands.
 */
typedef const Helper *const LaneHelpers[4];

/* (a, b): pure */
extern const LaneHelpers
    simd_sshl, simd_ushl, simd_srshl, simd_urshl, simd_pmul, simd_pmull;
/* (a): pure */
extern const LaneHelpers
    simd_cls, simd_clz, simd_rbit, simd_urecpe, simd_ursqrte;
/* (env, a, b, bytes of the result): saturate and set QC */
extern const LaneHelpers
    simd_sqadd, simd_uqadd, simd_sqsub, simd_uqsub, simd_suqadd, simd_usqadd,
    simd_sqabs, simd_sqneg, simd_sqshl, simd_uqshl, simd_sqrshl, simd_uqrshl,
    simd_sqshlu, simd_sqdmulh, simd_sqrdmulh, simd_sqdmull;
/* (env, d, a, b, bytes): saturate and set QC */
extern const LaneHelpers simd_sqrdmlah, simd_sqrdmlsh;
/* (env, a, shift | SIMD_ROUND, bytes of the result): narrow, set QC */
extern const LaneHelpers simd_sqshrn, simd_uqshrn, simd_sqshrun;
enum { SIMD_ROUND = 1 << 8 };
/* (env, a, b, bytes): float */
extern const LaneHelpers simd_fmulx, simd_frecps, simd_frsqrts;
/* (env, a, bytes): float */
extern const LaneHelpers simd_frecpe, simd_frsqrte, simd_frecpx;
/* (env, a, fraction bits | FIX_UNSIGNED, bytes): float to fixed, to zero */
extern const LaneHelpers simd_fix;
/* (env, a, bytes of the result): half to float; float to half */
extern const LaneHelpers simd_from_half, simd_to_half;
/* (env, a, bytes of the result): F64 to F32, rounded to odd */
DECLARE_HELPER(simd_fcvtxn);
/* (table, its next 16 bytes, indices, index of its first byte): pure */
DECLARE_HELPER(simd_tbl);
/* (env, I64 a, fraction bits | FIX_*): I64; scalar float to fixed, to zero */
DECLARE_HELPER(simd_fix_scalar);
enum { FIX_UNSIGNED = 1 << 8, FIX_FROM_F64 = 1 << 9, FIX_TO_I64 = 1 << 10 };

/* ---- words -------------------------------------------------------------- */

static inline unsigned lane_bits(Lane l)
{
    return 8u << l;
}

static inline Type lane_int(Lane l)
{
    return l == L64 ? I64 : I32;
}

static inline Type lane_float(Lane l)
{
    return l == L64 ? F64 : F32;
}

/* The lane of a float whose size bit is sz. */
static inline Lane float_lane(unsigned sz)
{
    return sz & 1 ? L64 : L32;
}

/* q: all of a register, else the low half and zeros above. */
static inline bool set_vq(Ctx *c, bool q, unsigned r, Val v)
{
    return q ? set_v(c, r, v) : set_v64(c, r, v);
}

/* The same, read: what may raise flags must not see what is above. */
Val simd_get(Ctx *c, bool q, unsigned r);
/* Lane 0 of a register, zeros above. */
Val simd_get_scalar(Ctx *c, Lane l, unsigned r);
bool simd_set_scalar(Ctx *c, Lane l, unsigned r, Val v);
/* The bits of a constant of FMOV: its imm8, or 2^-n; dbl: F64, else F32. */
u64  simd_fp_imm(u8 imm8, bool dbl);
u64  simd_fp_power(unsigned n, bool dbl);
/* A constant v in each lane. */
Val simd_const(Ir *b, Lane l, u64 v);
/* Bytes from y:x, as ir_vshuf(). */
Val simd_shuffle(Ir *b, Val x, Val y, const u8 byte[16]);
/* The high half moved down. */
Val simd_high(Ir *b, Val v);
/* The half that a widening instruction reads: the high one if q. */
Val simd_half(Ir *b, bool q, Val v);
/* Every lane a copy of lane i. */
Val simd_splat(Ir *b, Lane l, Val v, unsigned i);
/* v's even or odd lanes (part 0, 1), then w's; of the low halves if !q. */
Val simd_unzip(Ir *b, Lane l, bool q, Val v, Val w, unsigned part);
/* The low halves of v's lanes of twice the size l, packed below. */
Val simd_narrow(Ir *b, Lane l, Val v);
/* The result of a narrowing instruction: to the high half if q. */
bool simd_set_narrow(Ctx *c, bool q, unsigned r, Val v);
/* v >> n in each lane, 1 <= n <= the lane's bits. */
Val simd_shift_right(Ir *b, Lane l, Val v, unsigned n, bool sign, bool round);
/* One float lane of v, and v with one replaced. */
Val simd_float_at(Ir *b, Lane l, Val v, unsigned i);
Val simd_with_float(Ir *b, Lane l, Val v, unsigned i, Val x);

/* Absolute value, negation of floats. */
IrVec1 simd_fabs, simd_fneg;
/* Lane by lane with the scalar operation. */
IrVec2 simd_fmax, simd_fmin, simd_fmaxnm, simd_fminnm;

bool a64_simd2(Ctx *c, u32 insn);       /* one register: misc, across lanes */
bool a64_simd3(Ctx *c, u32 insn);       /* two: three same, three different */
bool a64_simd_elem(Ctx *c, u32 insn);   /* the second one's lane */
bool a64_simd_shift(Ctx *c, u32 insn);  /* shifts by an immediate */
bool a64_simd_move(Ctx *c, u32 insn);   /* copies, permutations, constants */
bool a64_crypto(Ctx *c, u32 insn);
