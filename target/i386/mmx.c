/* SPDX-License-Identifier: MIT */
/*
 * MMX and what SSE, SSE2 and SSSE3 added to it: operands, and the table.
 * SDM volume 1, chapter 9; volume 2, appendix A.
 *
 * MM0 .. MM7 are the mantissas of x87's R0 .. R7.  Every instruction makes TOP
 * 0 and, but for EMMS, all tags valid; one that writes a register sets its
 * exponent and sign to ones.  The functions are those of the SSE forms.
 */
#include "target/i386/sse.h"

static void mmx_written(void *env, u32 n)
{
    X86Cpu *c = env;

    c->st[n].exp = 0xffff;
}
HELPER(mmx_written, 0, void, ptr, i32);

static void set_tags(X86Ctx *c, u32 empty)
{
    ir_put(c->b, S_FTOP, ir_i64(c->b, 0));
    ir_put(c->b, S_FEMPTY, ir_i32(c->b, empty));
}

Val mmx_get(X86Ctx *c, unsigned n)
{
    return ir_get(c->b, S_MM + (n & 7));
}

Val mmx_q(X86Ctx *c, unsigned size)
{
    if (!is_mem(c)) {
        return mmx_get(c, c->rm);
    }
    Val v = x86_load(c, x86_mem(c, size, false), size);
    return size == 8 ? v : ir_zext(c->b, v);
}

bool mmx_set(X86Ctx *c, unsigned n, Val v)
{
    set_tags(c, 0);
    IR_CALL(c->b, &helper_mmx_written, ir_i32(c->b, n & 7));
    ir_put(c->b, S_MM + (n & 7), v);
    return true;
}

void mmx_enter(X86Ctx *c)
{
    set_tags(c, 0);
}

static bool emms(X86Ctx *c)
{
    set_tags(c, 0xff);
    return true;
}

/* ---- the tables --------------------------------------------------------- */

enum { M_ = X_MMX };
#define MMX(o, n, opr, f, a)       SSE(o, NP, n, opr, f, a, M_, F_MMX)
#define MMX_SSE(o, n, opr, f, a)   SSE(o, NP, n, opr, f, a, M_, F_SSE)
#define MMX_SSE2(o, n, opr, f, a)  SSE(o, NP, n, opr, f, a, M_, F_SSE2)
#define MMX_SSSE3(o, n, opr, f, a) SSE(o, NP, n, opr, f, a, M_, F_SSSE3)
#define MMX_SHIFT(o, r, n, a) \
    SSEG(o, NP, r, n, "Nq,Ib", sse_shift_imm, a, M_ | X_REG, F_MMX)

const X86Row x86_mmx_0f[] = {
    MMX(0x60, "PUNPCKLBW", "Pq,Qd", sse_unpackl, L8),
    MMX(0x61, "PUNPCKLWD", "Pq,Qd", sse_unpackl, L16),
    MMX(0x62, "PUNPCKLDQ", "Pq,Qd", sse_unpackl, L32),
    MMX(0x63, "PACKSSWB", "Pq,Qq", sse_packs, L16),
    MMX(0x64, "PCMPGTB", "Pq,Qq", sse_pcmpgt, L8),
    MMX(0x65, "PCMPGTW", "Pq,Qq", sse_pcmpgt, L16),
    MMX(0x66, "PCMPGTD", "Pq,Qq", sse_pcmpgt, L32),
    MMX(0x67, "PACKUSWB", "Pq,Qq", sse_packus, L16),
    MMX(0x68, "PUNPCKHBW", "Pq,Qq", sse_unpackh, L8),
    MMX(0x69, "PUNPCKHWD", "Pq,Qq", sse_unpackh, L16),
    MMX(0x6a, "PUNPCKHDQ", "Pq,Qq", sse_unpackh, L32),
    MMX(0x6b, "PACKSSDW", "Pq,Qq", sse_packs, L32),
    MMX(0x6e, "MOVD", "Pd,Ey", sse_movd, 0),
    MMX(0x6f, "MOVQ", "Pq,Qq", sse_movq, 0),
    MMX_SSE(0x70, "PSHUFW", "Pq,Qq,Ib", sse_pshufw, 0),
    MMX_SHIFT(0x71, 2, "PSRLW", SHIFT_RIGHT | L16),
    MMX_SHIFT(0x71, 4, "PSRAW", SHIFT_ARITH | L16),
    MMX_SHIFT(0x71, 6, "PSLLW", SHIFT_LEFT | L16),
    MMX_SHIFT(0x72, 2, "PSRLD", SHIFT_RIGHT | L32),
    MMX_SHIFT(0x72, 4, "PSRAD", SHIFT_ARITH | L32),
    MMX_SHIFT(0x72, 6, "PSLLD", SHIFT_LEFT | L32),
    MMX_SHIFT(0x73, 2, "PSRLQ", SHIFT_RIGHT | L64),
    MMX_SHIFT(0x73, 6, "PSLLQ", SHIFT_LEFT | L64),
    MMX(0x74, "PCMPEQB", "Pq,Qq", sse_pcmpeq, L8),
    MMX(0x75, "PCMPEQW", "Pq,Qq", sse_pcmpeq, L16),
    MMX(0x76, "PCMPEQD", "Pq,Qq", sse_pcmpeq, L32),
    MMX(0x77, "EMMS", "", emms, 0),
    MMX(0x7e, "MOVD", "Ey,Pd", sse_movd_store, 0),
    MMX(0x7f, "MOVQ", "Qq,Pq", sse_movq_store, 0),
    MMX_SSE(0xc4, "PINSRW", "Pq,Ew,Ib", sse_insert, L16),
    SSE(0xc5, NP, "PEXTRW", "Gd,Nq,Ib", sse_pextrw, 0, M_ | X_REG, F_SSE),
    MMX(0xd1, "PSRLW", "Pq,Qq", sse_shift, SHIFT_RIGHT | L16),
    MMX(0xd2, "PSRLD", "Pq,Qq", sse_shift, SHIFT_RIGHT | L32),
    MMX(0xd3, "PSRLQ", "Pq,Qq", sse_shift, SHIFT_RIGHT | L64),
    MMX_SSE2(0xd4, "PADDQ", "Pq,Qq", sse_padd, L64),
    MMX(0xd5, "PMULLW", "Pq,Qq", sse_pmull, L16),
    SSE(0xd7, NP, "PMOVMSKB", "Gd,Nq", sse_pmovmskb, 0, M_ | X_REG, F_SSE),
    MMX(0xd8, "PSUBUSB", "Pq,Qq", sse_psubus, L8),
    MMX(0xd9, "PSUBUSW", "Pq,Qq", sse_psubus, L16),
    MMX_SSE(0xda, "PMINUB", "Pq,Qq", sse_pminu, L8),
    MMX(0xdb, "PAND", "Pq,Qq", sse_pand, 0),
    MMX(0xdc, "PADDUSB", "Pq,Qq", sse_paddus, L8),
    MMX(0xdd, "PADDUSW", "Pq,Qq", sse_paddus, L16),
    MMX_SSE(0xde, "PMAXUB", "Pq,Qq", sse_pmaxu, L8),
    MMX(0xdf, "PANDN", "Pq,Qq", sse_pandn, 0),
    MMX_SSE(0xe0, "PAVGB", "Pq,Qq", sse_pavg, L8),
    MMX(0xe1, "PSRAW", "Pq,Qq", sse_shift, SHIFT_ARITH | L16),
    MMX(0xe2, "PSRAD", "Pq,Qq", sse_shift, SHIFT_ARITH | L32),
    MMX_SSE(0xe3, "PAVGW", "Pq,Qq", sse_pavg, L16),
    MMX_SSE(0xe4, "PMULHUW", "Pq,Qq", sse_pmulhu, L16),
    MMX(0xe5, "PMULHW", "Pq,Qq", sse_pmulh, L16),
    SSE(0xe7, NP, "MOVNTQ", "Mq,Pq", sse_movq_store, 0, M_ | X_MEM, F_SSE),
    MMX(0xe8, "PSUBSB", "Pq,Qq", sse_psubs, L8),
    MMX(0xe9, "PSUBSW", "Pq,Qq", sse_psubs, L16),
    MMX_SSE(0xea, "PMINSW", "Pq,Qq", sse_pmins, L16),
    MMX(0xeb, "POR", "Pq,Qq", sse_por, 0),
    MMX(0xec, "PADDSB", "Pq,Qq", sse_padds, L8),
    MMX(0xed, "PADDSW", "Pq,Qq", sse_padds, L16),
    MMX_SSE(0xee, "PMAXSW", "Pq,Qq", sse_pmaxs, L16),
    MMX(0xef, "PXOR", "Pq,Qq", sse_pxor, 0),
    MMX(0xf1, "PSLLW", "Pq,Qq", sse_shift, SHIFT_LEFT | L16),
    MMX(0xf2, "PSLLD", "Pq,Qq", sse_shift, SHIFT_LEFT | L32),
    MMX(0xf3, "PSLLQ", "Pq,Qq", sse_shift, SHIFT_LEFT | L64),
    MMX_SSE2(0xf4, "PMULUDQ", "Pq,Qq", sse_pmuludq, L32),
    MMX(0xf5, "PMADDWD", "Pq,Qq", sse_pmaddwd, L16),
    MMX_SSE(0xf6, "PSADBW", "Pq,Qq", sse_psadbw, L8),
    SSE(0xf7, NP, "MASKMOVQ", "Pq,Nq", sse_maskmovq, 0, M_ | X_REG, F_SSE),
    MMX(0xf8, "PSUBB", "Pq,Qq", sse_psub, L8),
    MMX(0xf9, "PSUBW", "Pq,Qq", sse_psub, L16),
    MMX(0xfa, "PSUBD", "Pq,Qq", sse_psub, L32),
    MMX_SSE2(0xfb, "PSUBQ", "Pq,Qq", sse_psub, L64),
    MMX(0xfc, "PADDB", "Pq,Qq", sse_padd, L8),
    MMX(0xfd, "PADDW", "Pq,Qq", sse_padd, L16),
    MMX(0xfe, "PADDD", "Pq,Qq", sse_padd, L32),
    { 0 }
};

const X86Row x86_mmx_0f38[] = {
    MMX_SSSE3(0x00, "PSHUFB", "Pq,Qq", sse_pshufb, 0),
    MMX_SSSE3(0x01, "PHADDW", "Pq,Qq", sse_phadd, L16),
    MMX_SSSE3(0x02, "PHADDD", "Pq,Qq", sse_phadd, L32),
    MMX_SSSE3(0x03, "PHADDSW", "Pq,Qq", sse_phadds, L16),
    MMX_SSSE3(0x04, "PMADDUBSW", "Pq,Qq", sse_pmaddubsw, 0),
    MMX_SSSE3(0x05, "PHSUBW", "Pq,Qq", sse_phsub, L16),
    MMX_SSSE3(0x06, "PHSUBD", "Pq,Qq", sse_phsub, L32),
    MMX_SSSE3(0x07, "PHSUBSW", "Pq,Qq", sse_phsubs, L16),
    MMX_SSSE3(0x08, "PSIGNB", "Pq,Qq", sse_psign, L8),
    MMX_SSSE3(0x09, "PSIGNW", "Pq,Qq", sse_psign, L16),
    MMX_SSSE3(0x0a, "PSIGND", "Pq,Qq", sse_psign, L32),
    MMX_SSSE3(0x0b, "PMULHRSW", "Pq,Qq", sse_pmulhrs, 0),
    MMX_SSSE3(0x1c, "PABSB", "Pq,Qq", sse_pabs, L8),
    MMX_SSSE3(0x1d, "PABSW", "Pq,Qq", sse_pabs, L16),
    MMX_SSSE3(0x1e, "PABSD", "Pq,Qq", sse_pabs, L32),
    { 0 }
};

const X86Row x86_mmx_0f3a[] = {
    MMX_SSSE3(0x0f, "PALIGNR", "Pq,Qq,Ib", sse_palignr, 0),
    { 0 }
};
