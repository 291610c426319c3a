/* SPDX-License-Identifier: MIT */
/*
 * Assembler for x86-64: instruction encoding and nothing else.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2,
 * chapter 2 (formats) and appendix A (opcodes).  An opcode is one word: the
 * byte, the map (0F, 0F 38, 0F 3A), the mandatory prefix, W, and how many
 * immediate bytes follow (a rip-relative displacement counts from the end).
 */
#pragma once
#include "util/types.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI,
       R8, R9, R10, R11, R12, R13, R14, R15 };

enum {
    X_0F = 1 << 8, X_38 = 2 << 8, X_3A = 3 << 8, X_MAP = 3 << 8,
    X_66 = 1 << 10, X_F3 = 2 << 10, X_F2 = 3 << 10, X_PP = 3 << 10,
    X_W  = 1 << 12,
    X_B  = 1 << 13,             /* byte registers: REX for SPL to DIL */
    X_I8 = 1 << 14, X_I16 = 2 << 14, X_I32 = 4 << 14, X_IMM = 7 << 14,
    X_IMM_SHIFT = 14,
    X_OS = 1 << 17,             /* 66 as operand size, not part of opcode */
};

/* Opcodes of the form reg, r/m unless said otherwise. */
enum {
    OP_ADD = 0x03, OP_OR = 0x0b, OP_ADC = 0x13, OP_SBB = 0x1b,
    OP_AND = 0x23, OP_SUB = 0x2b, OP_XOR = 0x33, OP_CMP = 0x3b,
    OP_CMP8 = 0x3a | X_B,
    OP_TEST = 0x85, OP_XCHG = 0x87, OP_XCHG8 = 0x86 | X_B,
    OP_LD = 0x8b, OP_ST = 0x89, OP_ST8 = 0x88 | X_B, OP_LEA = 0x8d,
    OP_MOVSXD = 0x63,
    OP_IMUL = X_0F | 0xaf, OP_IMULI = 0x69 | X_I32,
    OP_BSF = X_0F | 0xbc, OP_BSR = X_0F | 0xbd,
    OP_TZCNT = X_0F | X_F3 | 0xbc, OP_LZCNT = X_0F | X_F3 | 0xbd,
    OP_MOVZX8 = X_0F | X_B | 0xb6, OP_MOVZX16 = X_0F | 0xb7,
    OP_MOVSX8 = X_0F | X_B | 0xbe, OP_MOVSX16 = X_0F | 0xbf,
    OP_MOVBE_LD = X_38 | 0xf0, OP_MOVBE_ST = X_38 | 0xf1,
    OP_CMOV = X_0F | 0x40, OP_SETCC = X_0F | X_B | 0x90,
    OP_CMPXCHG = X_0F | 0xb1, OP_CMPXCHG8 = X_0F | X_B | 0xb0,
    OP_XADD = X_0F | 0xc1, OP_XADD8 = X_0F | X_B | 0xc0,
    /* groups: the reg field chooses */
    OP_GRP1_8 = 0x83 | X_I8, OP_GRP1_32 = 0x81 | X_I32,
    OP_SHI = 0xc1 | X_I8, OP_SHCL = 0xd3, OP_GRP3 = 0xf7, OP_GRP5 = 0xff,
    OP_TESTI = 0xf7 | X_I32, OP_TESTI8 = 0xf6 | X_B | X_I8,
    OP_STI = 0xc7 | X_I32, OP_STI8 = 0xc6 | X_B | X_I8,
    OP_STI16 = 0xc7 | X_OS | X_I16, OP_BTI = X_0F | 0xba | X_I8,
    /* BMI2 */
    OP_SHLX = X_38 | X_66 | 0xf7, OP_SHRX = X_38 | X_F2 | 0xf7,
    OP_SARX = X_38 | X_F3 | 0xf7, OP_RORX = X_3A | X_F2 | 0xf0 | X_I8,
    /* vector moves */
    OP_MOVAPS = X_0F | 0x28, OP_MOVUPS = X_0F | 0x10,
    OP_MOVUPS_ST = X_0F | 0x11, OP_MOVAPS_ST = X_0F | 0x29,
    OP_MOVSS = X_0F | X_F3 | 0x10, OP_MOVSS_ST = X_0F | X_F3 | 0x11,
    OP_MOVSD = X_0F | X_F2 | 0x10, OP_MOVSD_ST = X_0F | X_F2 | 0x11,
    OP_MOVD = X_0F | X_66 | 0x6e, OP_MOVD_ST = X_0F | X_66 | 0x7e,
    OP_MOVQ = X_0F | X_F3 | 0x7e,
    OP_PXOR = X_0F | X_66 | 0xef, OP_POR = X_0F | X_66 | 0xeb,
    OP_PAND = X_0F | X_66 | 0xdb, OP_PANDN = X_0F | X_66 | 0xdf,
    OP_PTEST = X_38 | X_66 | 0x17,
    OP_PSHUFB = X_38 | X_66 | 0x00,
};

/* The reg field of group 1 (also: opcode = field * 8 + 3), 2 and 3. */
enum { G_ADD, G_OR, G_ADC, G_SBB, G_AND, G_SUB, G_XOR, G_CMP };
enum { G_ROL, G_ROR, G_RCL, G_RCR, G_SHL, G_SHR, G_SAR = 7 };
enum { G_NOT = 2, G_NEG, G_MUL, G_IMUL, G_DIV, G_IDIV };

enum { CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A,
       CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G };

/* Where code and data of a block are put together. */
typedef enum Section {
    S_HOT, S_COLD, S_DATA, S_COMMON, S_HEAT, S_COUNT
} Section;

/* A 32-bit displacement to be filled in when addresses are known. */
typedef struct Reloc {
    u32 at;                     /* offset of the displacement ... */
    u8  in;                     /* ... in this section */
    u8  to;                     /* the target's section */
    u8  tail;                   /* bytes between it and the next insn */
    u32 target;                 /* the target's offset there */
} Reloc;

typedef struct Relocs {
    Reloc *r;
    u32    n, room;
} Relocs;

/* One section being written. */
typedef struct As {
    u8     *buf, *p;
    u8      section;
    Relocs *relocs;
} As;

typedef enum OpdKind { O_REG, O_MEM, O_IDX, O_RIP } OpdKind;

/* The r/m operand: a register or memory. */
typedef struct Opd {
    u8  kind;                   /* OpdKind */
    u8  reg;                    /* register or base */
    u8  index, scale;           /* O_IDX; scale: log2 */
    u8  to;                     /* O_RIP: section; disp is the offset there */
    i32 disp;
} Opd;

static inline Opd reg_opd(unsigned reg)
{
    return (Opd) { .kind = O_REG, .reg = (u8)reg };
}

static inline Opd mem_opd(unsigned base, i32 disp)
{
    return (Opd) { .kind = O_MEM, .reg = (u8)base, .disp = disp };
}

static inline Opd idx_opd(unsigned base, unsigned index, i32 disp)
{
    return (Opd) { .kind = O_IDX, .reg = (u8)base, .index = (u8)index,
                   .disp = disp };
}

static inline Opd sib_opd(unsigned base, unsigned index, unsigned scale,
                          i32 disp)
{
    return (Opd) { .kind = O_IDX, .reg = (u8)base, .index = (u8)index,
                   .scale = (u8)scale, .disp = disp };
}

static inline Opd rip_opd(Section to, u32 offset)
{
    return (Opd) { .kind = O_RIP, .to = (u8)to, .disp = (i32)offset };
}

static inline u32 as_here(const As *s)
{
    return (u32)(s->p - s->buf);
}

static inline bool fits8(i64 v)  { return v == (i8)v; }
static inline bool fits32(i64 v) { return v == (i32)v; }

static inline void as_8(As *s, u8 v)
{
    *s->p++ = v;
}

static inline void as_32(As *s, u32 v)
{
    memcpy(s->p, &v, 4);
    s->p += 4;
}

static inline void as_64(As *s, u64 v)
{
    memcpy(s->p, &v, 8);
    s->p += 8;
}

/* op reg, rm; the caller adds the immediate that op announces. */
void as_op(As *s, u32 op, unsigned reg, Opd rm);
/* The same in VEX form with the extra operand vvvv (0 where there is none). */
void as_vex(As *s, u32 op, unsigned reg, unsigned vvvv, Opd rm);
/* Group 1 operation with an immediate of 32 bits or fewer. */
void as_alu_imm(As *s, u32 w, unsigned group, Opd rm, i32 imm);
/* reg = v; may change the flags only if `flags` says that is harmless. */
void as_mov_imm(As *s, unsigned reg, u64 v, bool flags);
void as_mov(As *s, u32 w, unsigned to, unsigned from);

/* Jumps and calls to a place in a section. */
void as_jmp(As *s, Section to, u32 target);
void as_jcc(As *s, unsigned cc, Section to, u32 target);
void as_call(As *s, Section to, u32 target);
/* Pads so that the displacement of a jump `before` bytes on is aligned. */
void as_align_disp(As *s, unsigned before);
/* A short jump forward, to be closed by as_close(). */
u32  as_jcc_open(As *s, unsigned cc);
u32  as_jmp_open(As *s);
void as_close(As *s, u32 open);
/* A short jump back to offset `target`. */
void as_jcc_back(As *s, unsigned cc, u32 target);
void as_nop(As *s, unsigned n);
