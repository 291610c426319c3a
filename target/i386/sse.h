/* SPDX-License-Identifier: MIT */
/*
 * Private to the MMX, SSE and AVX translators: the words they share.
 *
 * One function serves an instruction's MMX, legacy SSE and VEX rows.  It says
 * what happens to 128 bits; the words here know where operands come from and
 * where results go:
 *     MMX      dest = op(dest, Q), the low halves of vectors
 *     legacy   dest = op(dest, W), the high half of the YMM register stays
 *     VEX      dest = op(vvvv, W), 128 bits and zeros above, or both halves
 */
#pragma once
#include "target/i386/translate.h"

/* A row: opcode, mandatory prefix, name, operands, function, argument. */
#define SSEG(o, p, r, n, opr, f, a, fl, ft) \
    ROW(o, p, r, ft, n, opr, f, .arg = (a), .flags = (fl))
#define SSE(o, p, n, opr, f, a, fl, ft) SSEG(o, p, -1, n, opr, f, a, fl, ft)

enum {
    S_  = X_SSE,                    /* legacy form only */
    SV  = X_SSE | X_VEX,            /* legacy and VEX, both lengths */
    SV0 = SV | X_L0,                /* VEX.128 only */
    SVN = SV | X_NOV,               /* no second source */
    SVN0 = SV0 | X_NOV,
    SVI = SV | X_AVX2I,             /* integer: 256 bits are AVX2's */
    SVIN = SVI | X_NOV,
    V_  = X_SSE | X_VEXO,           /* VEX form only */
    VN_ = V_ | X_NOV,
    V1_ = V_ | X_L1,
};

/* A result, or operands, of 128 or 256 bits. */
typedef struct Wide { Val v[2]; } Wide;

static inline unsigned sse_halves(const X86Ctx *c)
{
    return c->vex && c->vl == 32 ? 2 : 1;
}

/* Half h of register n. */
static inline Val sse_reg(X86Ctx *c, unsigned n, unsigned h)
{
    return h ? x86_ymmh(c, n) : x86_xmm(c, n);
}

/* Half h of the first source: vvvv, or the destination of legacy forms. */
static inline Val sse_src1(X86Ctx *c, unsigned h)
{
    return sse_reg(c, c->vex ? c->vvvv : c->reg, h);
}

static inline Lane lane_of(Type t) { return t == F64 || t == I64 ? L64 : L32; }
static inline Type int_of(Type t) { return lane_of(t) == L64 ? I64 : I32; }
static inline unsigned size_of(Type t) { return lane_of(t) == L64 ? 8 : 4; }

/* ---- sse.c: operands and results ---------------------------------------- */

/* Half h of W, aligned to 16 in memory for legacy forms. */
Val  sse_w(X86Ctx *c, unsigned h);
/* The low 4 or 8 bytes of W as t (I32 I64 F32 F64); memory: only those. */
Val  sse_low(X86Ctx *c, Type t);
/* The low 2, 4, 8 or 16 bytes of W, zeros or junk above. */
Val  sse_part(X86Ctx *c, unsigned bytes);
/* Address of a memory operand; `align`ed or #GP. */
Val  sse_mem(X86Ctx *c, unsigned size, bool write, bool align);
/* Writes register n: one or both halves, as c->vl says; true. */
bool sse_set(X86Ctx *c, unsigned n, Wide w);
bool sse_set1(X86Ctx *c, Val v);    /* 128 bits to the destination */
/* The first source with its lowest lane replaced, to the destination. */
bool sse_set_low(X86Ctx *c, Val f);
/* Scalar f (I32 I64 F32 F64) into lane n of v. */
Val  sse_ins(X86Ctx *c, Val v, unsigned n, Val f);
/* Lane n of v as t. */
Val  sse_lane(X86Ctx *c, Type t, Val v, unsigned n);

/* dest = op(source 1, W), and of W alone, in lanes of row->arg. */
bool sse_binary(X86Ctx *c, IrVec2 *op);
bool sse_unary(X86Ctx *c, IrVec1 *op);
/* The same around floating point: unmasked exceptions. */
bool sse_fbinary(X86Ctx *c, IrVec2 *op);
bool sse_funary(X86Ctx *c, IrVec1 *op);
/* Before the first FP operation, and after the last one before any put. */
void sse_fbegin(X86Ctx *c);
void sse_fend(X86Ctx *c);

/* All byte b, words w, ... in a vector. */
Val  sse_splat(X86Ctx *c, Lane l, u64 x);
Val  sse_const(X86Ctx *c, const u8 mask[16]);
Val  sse_not(Ir *b, Val v);
/*
 * Lanes chosen from a, and with numbers past its last from b; ZERO_LANE: 0.
 */
enum { ZERO_LANE = 0x80 };
Val  sse_pick(Ir *b, Lane l, Val x, Val y, const u8 *lanes);
/* Lanes 0 2 4 ... (odd 0) or 1 3 5 ... of y:x. */
Val  sse_unzip(Ir *b, Lane l, Val x, Val y, unsigned odd);
/* x where mask is set, else y. */
Val  sse_blend(Ir *b, Val mask, Val x, Val y);

/* ---- MMX: mmx.c --------------------------------------------------------- */

static inline bool is_mmx(const X86Ctx *c) { return c->row->flags & X_MMX; }
/* The Q operand (I64; or its low 4 bytes), and register n. */
Val  mmx_q(X86Ctx *c, unsigned size);
Val  mmx_get(X86Ctx *c, unsigned n);
bool mmx_set(X86Ctx *c, unsigned n, Val v);
/* For instructions that use MMX registers, but write none. */
void mmx_enter(X86Ctx *c);

/* ---- functions of rows -------------------------------------------------- */

/* sse_int.c; arg: the lane */
X86Fn sse_padd, sse_psub, sse_padds, sse_paddus, sse_psubs, sse_psubus,
      sse_pand, sse_pandn, sse_por, sse_pxor, sse_pcmpeq, sse_pcmpgt,
      sse_pmins, sse_pmaxs, sse_pminu, sse_pmaxu, sse_pmull, sse_pmulh,
      sse_pmulhu, sse_pmulhrs, sse_pmuludq, sse_pmuldq, sse_pmaddwd,
      sse_pmaddubsw, sse_pavg, sse_psadbw, sse_pabs, sse_psign,
      sse_pshufb, sse_phadd, sse_phsub, sse_phadds, sse_phsubs,
      sse_phminposuw, sse_mpsadbw,
      sse_packs, sse_packus,            /* arg: lane of the sources */
      sse_unpackl, sse_unpackh,
      sse_shift_imm, sse_shift,         /* arg: SHIFT_* | lane */
      sse_shift_bytes,                  /* arg: 1: to the left */
      sse_palignr,
      sse_pmovsx, sse_pmovzx,           /* arg: lane | log2 of ratio << 4 */
      sse_ptest, sse_pcmpstr,           /* arg: PCMP_* */
      sse_pmovmskb, sse_extrq, sse_insertq;
enum { SHIFT_LEFT = 0, SHIFT_RIGHT = 4, SHIFT_ARITH = 8 };
enum { PCMP_MASK = 1, PCMP_IMPLICIT = 2 };
/* sse_move.c */
X86Fn sse_mov_load, sse_mov_store,      /* arg: 1: aligned */
      sse_movs_load, sse_movs_store,    /* arg: lane */
      sse_movlps, sse_movhps,
      sse_store_lane,                   /* arg: which I64 lane */
      sse_movdup, sse_movsxdup, sse_movd, sse_movd_store, sse_movq,
      sse_movq_store, sse_movmsk, sse_shufps, sse_shufpd, sse_pshufd,
      sse_pshufw, sse_blend_imm, sse_blendv, sse_insertps,
      sse_extract, sse_insert, sse_pextrw, sse_maskmov, sse_movnti,
      sse_mxcsr_load, sse_mxcsr_store, sse_movq2dq, sse_movdq2q,
      sse_maskmovq;
/* sse_fp.c; arg: L32, L64, with SCALAR */
enum { SCALAR = 8 };
X86Fn sse_add, sse_sub, sse_mul, sse_div, sse_min, sse_max, sse_sqrt,
      sse_rcp, sse_rsqrt, sse_cmp, sse_comi,    /* arg: lane | COMI_* */
      sse_hadd, sse_hsub, sse_addsub, sse_round, sse_dp,
      sse_cvt_from_int, sse_cvt_to_int, /* arg: lane | CVT_TRUNC */
      sse_cvt_f, sse_cvt_ps2pd, sse_cvt_pd2ps, sse_cvt_dq2ps, sse_cvt_dq2pd,
      sse_cvt_ps2dq, sse_cvt_pd2dq, sse_cvt_from_mmx, sse_cvt_to_mmx,
      sse_fma, sse_fma_alt, sse_half_load, sse_half_store;
enum { COMI_QUIET = 16, CVT_TRUNC = 16 };
enum { FMA_132 = 0, FMA_213 = 1 << 4, FMA_231 = 2 << 4, FMA_ORDER = 3 << 4,
       FMA_NEG_MUL = 1 << 6, FMA_NEG_ADD = 1 << 7 };
/* crypto.c */
X86Fn sse_aes, sse_aesimc, sse_aeskeygen, sse_pclmul,
      sse_sha1_rnds4, sse_sha1_nexte, sse_sha1_msg1, sse_sha1_msg2,
      sse_sha256_rnds2, sse_sha256_msg1, sse_sha256_msg2;

/* ---- helpers ------------------------------------------------------------ */

enum { X86_MXCSR_BITS = 0xffff };       /* the rest is reserved: #GP */

/* fp.c */
DECLARE_HELPER(sse_begin);              /* (env) */
DECLARE_HELPER(sse_end);                /* (env) */
/* (env, a, b, predicate | is64 << 8 | lanes << 9): masks */
DECLARE_HELPER(sse_compare);
/* (a, 1: of the root): estimates of reciprocals in all lanes; pure */
DECLARE_HELPER(sse_estimate);
/* (env, I64 of halves): V128 of F32; (env, V128, imm): I64 of halves */
DECLARE_HELPER(sse_from_half);
DECLARE_HELPER(sse_to_half);
/* (env): MXCSR; (env, I32) */
DECLARE_HELPER(sse_get_mxcsr);
DECLARE_HELPER(sse_put_mxcsr);

/* helper_vec.c: pure */
DECLARE_HELPER(vec_psadbw);
DECLARE_HELPER(vec_pmaddubsw);
DECLARE_HELPER(vec_pmulhrsw);
DECLARE_HELPER(vec_phminposuw);
DECLARE_HELPER(vec_mpsadbw);            /* (a, b, imm) */
DECLARE_HELPER(vec_shift_by);           /* (a, I64 count, SHIFT_* | lane) */
DECLARE_HELPER(vec_shift_each);         /* (a, counts, SHIFT_* | lane) */
/* (a, b, imm | PCMP_*, lengths a | b << 8): I64 of result and EFLAGS << 32 */
DECLARE_HELPER(vec_string);
DECLARE_HELPER(vec_string_mask);        /* (I32 result, imm): XMM0 */
DECLARE_HELPER(vec_permute);            /* (lo, hi, lane numbers): of 8 words */
DECLARE_HELPER(vec_permute_ps);         /* (a, lane numbers, lane) */
/* Memory: (env, address, data, mask, lane) */
DECLARE_HELPER(vec_mask_store);
/* (env, address, mask, lane): what is there, zeros where the mask is 0 */
DECLARE_HELPER(vec_mask_load);
/* (env, address, mask, lane): faults where vec_mask_store would */
DECLARE_HELPER(vec_mask_probe);
/*
 * (env, offset, register numbers, scale and segment by 4 bits, GATHER_*): one
 * VGATHER
 */
DECLARE_HELPER(vec_gather);
enum {
    GATHER_DATA64 = 1, GATHER_INDEX64 = 2, GATHER_ADDR32 = 4,
    GATHER_COUNT = 8,                   /* from here on: elements */
};
