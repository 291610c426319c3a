/* SPDX-License-Identifier: MIT */
/*
 * Private to the x86 translators: a decoded instruction and the words that
 * they share.
 *
 * Opcode maps are tables of X86Row in the notation of the SDM, volume 2,
 * appendix A.  decode.c finds the row, reads ModRM, displacement and
 * immediate as the row's operands say, and only then calls its function.
 *
 * Operands, separated by commas.  These read bytes:
 *   E G M N P Q R U V W C D S  a ModRM byte (as do reg >= 0, X_MEM, X_REG)
 *   Ib sIb Iw Iz Iv            immediate to imm, a second one to imm2: a byte,
 *                              one that is sign-extended, a word, at most 32
 *                              bits sign-extended, of the operand size
 *   Jb Jz                      displacement of a jump, to imm
 *   Ob Ov                      offset of the address size: a memory operand
 *   Ap                         far pointer: offset to imm, selector to imm2
 *   Lx                         a byte to imm, whose high half is a register
 * These do not: H (VEX.vvvv), Z (register in the opcode: rm, with mod 3),
 * X Y (memory of string instructions), AL rAX CL DX 1 ... (fixed).  The size
 * letters after I J O count; the others are for readers.
 */
#pragma once
#include "target/i386/cpu.h"
#include "tcg/helper.h"

typedef struct X86Ctx X86Ctx;
/* False: the instruction is undefined here (#UD), nothing was emitted. */
typedef bool X86Fn(X86Ctx *c);

/* Mandatory prefix. */
enum { NP, P66, PF3, PF2, PANY };       /* PANY: 66, F2, F3 do not choose */

enum {                                  /* X86Row.flags */
    X_LOCK  = 1 << 0,       /* LOCK is allowed with a memory destination */
    X_I64   = 1 << 1,       /* undefined in 64-bit mode */
    X_O64   = 1 << 2,       /* only in 64-bit mode */
    X_D64   = 1 << 3,       /* operand size defaults to 64 in 64-bit mode */
    X_F64   = 1 << 4,       /* operand size is 64 in 64-bit mode */
    X_CPL0  = 1 << 5,       /* #GP(0) unless CPL is 0 */
    X_PROT  = 1 << 6,       /* undefined in real and virtual-8086 mode */
    X_MEM   = 1 << 7,       /* ModRM.mod is not 3 */
    X_REG   = 1 << 8,       /* ModRM.mod is 3 */
    X_VEX   = 1 << 9,       /* has a VEX form (and a legacy one) */
    X_VEXO  = 1 << 10,      /* has a VEX form only */
    X_L0    = 1 << 11,      /* VEX.L must be 0 */
    X_L1    = 1 << 12,      /* VEX.L must be 1 */
    X_W0    = 1 << 13,      /* this row for W (VEX.W, REX.W) 0 */
    X_W1    = 1 << 14,      /* and this for 1 */
    X_NOV   = 1 << 15,      /* VEX.vvvv must be 1111 */
    X_SSE   = 1 << 16,      /* SSE state: #UD, #NM checks before */
    X_MMX   = 1 << 17,      /* MMX state */
    X_FPU   = 1 << 18,      /* x87 state */
    X_AVX2I = 1 << 19,      /* VEX.L 1 needs AVX2, not AVX */
};

typedef struct X86Row {
    u8   op;                /* opcode byte */
    u8   pfx;               /* NP .. PANY */
    i8   reg;               /* ModRM.reg as an opcode extension, or -1 */
    const char *name;
    const char *operands;   /* "Eb,Gb": what decode.c reads by it */
    X86Fn *fn;
    u32  arg;               /* for fn: which of a family */
    u32  flags;             /* X_* */
    i16  feature;           /* F_*, or F_NONE */
    u8   exit;              /* EXIT_* of svm.h that intercepts it; 0: none */
} X86Row;
/*
 * Rows; more fields follow as .arg = ..., .flags = .... ROW names all; the
 * others leave out what is not there.  A table ends with a row of no name.
 */
#define ROW(o, p, r, ft, n, opr, f, ...)                                    \
    { .op = (o), .pfx = (p), .reg = (r), .feature = (ft), .name = (n),      \
      .operands = (opr), .fn = (f), ##__VA_ARGS__ }
#define OP(o, n, opr, f, ...)                                               \
    ROW(o, PANY, -1, F_NONE, n, opr, f, ##__VA_ARGS__)
#define OPP(o, p, n, opr, f, ...)                                           \
    ROW(o, p, -1, F_NONE, n, opr, f, ##__VA_ARGS__)
#define GRP(o, r, n, opr, f, ...)                                           \
    ROW(o, PANY, r, F_NONE, n, opr, f, ##__VA_ARGS__)

enum { MAP_1, MAP_0F, MAP_0F38, MAP_0F3A, MAPS };
/* Several tables a map; the first row that fits counts. */
typedef struct X86Map { u8 map; const X86Row *rows; } X86Map;
extern const X86Row
    x86_int_1[], x86_int_0f[],                          /* int.c, int_0f.c */
    x86_arith_1[], x86_arith_0f[],                      /* int_arith.c */
    x86_sys_1[], x86_sys_0f[],                          /* sys.c */
    x86_control_0f[], x86_control_0f38[],               /* control.c */
    x86_x87_1[], x86_x87_0f[],                          /* x87_insn.c */
    x86_string_1[],                             /* int_string.c */
    x86_bmi_0f[], x86_bmi_0f38[], x86_bmi_0f3a[],       /* int_bmi.c */
    x86_mmx_0f[], x86_mmx_0f38[], x86_mmx_0f3a[],               /* mmx.c */
    x86_sse_0f[], x86_sse_0f38[], x86_sse_0f3a[],               /* sse*.c */
    x86_avx_0f[], x86_avx_0f38[], x86_avx_0f3a[];       /* avx.c: VEX only */

enum { NO_REG = 0xff };

struct X86Ctx {
    Ir *b;
    const X86Cpu *cpu;      /* model constants only */
    u32 key;                /* KEY_* */
    u16 at;                 /* page offset of the instruction's first byte */
    u8  len;                /* bytes in all */
    const X86Row *row;
    u8  opcode;             /* last opcode byte */
    u8  osize, asize;       /* operand and address size: 2, 4, 8 bytes */
    u8  pfx;                /* NP, P66, PF3, PF2 */
    bool opsize, rep, repne, lock, rex, rexw;   /* prefixes as they stand */
    bool vex, vexw;         /* vexw: VEX.W, which rexw has in 64-bit mode */
    u8  vl;                 /* vector length in bytes: 16 or 32 */
    u8  vvvv;
    u8  seg;                /* of the memory operand: override or default */
    bool seg_override;
    bool stack;             /* the last address made is one of SS */
    u8  modrm, mod, reg, rm;        /* reg, rm with REX.R, REX.B */
    u8  base, index, scale;         /* of the memory operand; NO_REG */
    bool rip_relative;
    i64 disp;
    u64 imm, imm2;          /* sign-extended to the operand size */
};

/* ---- what mode ---------------------------------------------------------- */
static inline bool is64(const X86Ctx *c)
{
    return (c->key & KEY_CODE) == KEY_CODE64;
}
static inline bool is_mem(const X86Ctx *c) { return c->mod != 3; }
/* Alone in its block, which leaves to C: the key changes as it begins. */
static inline bool x86_single(const X86Ctx *c)
{
    return c->key & (KEY_TF | KEY_SHADOW);
}
/* Byte form or full size by the opcode's lowest bit. */
static inline unsigned x86_op_size(const X86Ctx *c)
{
    return c->opcode & 1 ? c->osize : 1;
}
static inline Type type_of(unsigned size) { return size == 8 ? I64 : I32; }

/* ---- registers ---------------------------------------------------------- */
/*
 * General register n as I64 (size 8) or I32 (1, 2, 4: zeros above).  Size 1
 * without REX: 4..7 are AH CH DH BH.
 */
Val  x86_get(X86Ctx *c, unsigned size, unsigned n);
/* Size 4 clears the upper half; 1 and 2 keep the rest. */
void x86_set(X86Ctx *c, unsigned size, unsigned n, Val v);
Val  x86_imm(X86Ctx *c, unsigned size, u64 v);  /* constant of type_of(size) */
/* v of `from` bytes, zeros above, as one of `to`. */
Val  x86_to(X86Ctx *c, unsigned from, unsigned to, Val v, bool sign);

/* ---- memory ------------------------------------------------------------- */
/* The offset that ModRM names, cut to the address size.  I64. */
Val  x86_offset(X86Ctx *c);
/*
 * Linear address of `size` bytes at offset `off` (I64) of segment seg, limits
 * and rights checked (#GP, #SS).  I64.
 */
Val  x86_linear(X86Ctx *c, unsigned seg, Val off, unsigned size, bool write);
/* That of the memory operand. */
Val  x86_mem(X86Ctx *c, unsigned size, bool write);
/*
 * Loads and stores at a linear address; size 1..8 give I64 for 8, else I32
 * with zeros above; 16 gives V128.
 */
Val  x86_load(X86Ctx *c, Val linear, unsigned size);
void x86_store(X86Ctx *c, Val linear, unsigned size, Val v);
/* The E operand: register or memory; the address of *addr is for x86_put_e. */
Val  x86_get_e(X86Ctx *c, unsigned size, Val *addr);
/* The same with the address checked for the write that follows. */
Val  x86_get_e_write(X86Ctx *c, unsigned size, Val *addr);
void x86_put_e(X86Ctx *c, unsigned size, Val addr, Val v);
/* Stack: the operand size of pushes is `size`. */
void x86_push(X86Ctx *c, unsigned size, Val v);
Val  x86_pop(X86Ctx *c, unsigned size);
/*
 * For several at once: the stack pointer (I64), cut to the stack's width; a
 * checked address `at` bytes from sp; the new pointer, put at the end.
 */
Val  x86_sp(X86Ctx *c);
Val  x86_stack_at(X86Ctx *c, Val sp, i64 at, unsigned size, bool write);
void x86_set_sp(X86Ctx *c, Val sp);
unsigned x86_stack_size(const X86Ctx *c);       /* bytes of the pointer */

/* ---- vector registers --------------------------------------------------- */
static inline Val x86_xmm(X86Ctx *c, unsigned n)
{
    return ir_get(c->b, S_XMM + n);
}
static inline Val x86_ymmh(X86Ctx *c, unsigned n)
{
    return ir_get(c->b, S_YMMH + n);
}
/* Low half; a VEX form of 128 bits clears the high one. */
void x86_set_xmm(X86Ctx *c, unsigned n, Val v);
void x86_set_ymm(X86Ctx *c, unsigned n, Val lo, Val hi);
/*
 * The W operand's 128 bits from byte `at` (0 or 16).  Legacy SSE forms must be
 * aligned to 16 (#GP) unless `unaligned`.
 */
Val  x86_get_w(X86Ctx *c, unsigned at, bool unaligned);

/* ---- flags -------------------------------------------------------------- */
void x86_flags_nzcv(X86Ctx *c, Val word);       /* IR flag word */
void x86_flags_pf(X86Ctx *c, Val result);       /* low byte: parity */
/* Bit 4 of v is AF turned round by that of flags_pf's result. */
void x86_flags_af(X86Ctx *c, Val v);
Val  x86_af(X86Ctx *c);                         /* I32: AF at its place */
/* ZF PF CF from an IR word of FCMPF as COMISD wants them; OF SF AF zero. */
void x86_flags_all(X86Ctx *c, Val eflags);      /* from EFLAGS' six bits */
/* I32 0 or 1: condition 0..15 of Jcc. */
Val  x86_cond(X86Ctx *c, unsigned cc);
Val  x86_carry(X86Ctx *c);                      /* I32 0 or 1 */
/* The same of an IR flag word. */
Val  x86_cond_of(X86Ctx *c, unsigned cc, Val word);

/* What an operation gives: flags are put after its result is stored. */
typedef struct X86Result { Val v, word, af; } X86Result;
/* af, and X86Cpu.af, of results whose flag word has PF and AF too. */
#define X86_IN_WORD 0x80000000u
/* x + y, x - y, of `size` bytes (zeros above), and of logic's result v. */
X86Result x86_add(X86Ctx *c, unsigned size, Val x, Val y);
X86Result x86_sub(X86Ctx *c, unsigned size, Val x, Val y);
X86Result x86_logic(X86Ctx *c, unsigned size, Val v);
/* N and Z of v; C and V, both I32 0 or 1. */
Val  x86_word(X86Ctx *c, unsigned size, Val v, Val carry, Val overflow);
/* All six flags. */
void x86_put_flags(X86Ctx *c, unsigned size, const X86Result *r);
/* v's high bit of `size` bytes, I32 0 or 1; v cut to them. */
Val  x86_top(X86Ctx *c, unsigned size, Val v);
Val  x86_cut(X86Ctx *c, unsigned size, Val v);

/* ---- control ------------------------------------------------------------ */
Val  x86_here(X86Ctx *c);       /* IP of this instruction, I64 */
Val  x86_next(X86Ctx *c);       /* IP of the next one */
/* Linear address of an IP, cut to the operand size and checked (#GP). */
Val  x86_code(X86Ctx *c, Val ip);
/* That of the next instruction plus disp. */
Val  x86_code_rel(X86Ctx *c, i64 disp);
/* Ends the block: goes on at a linear address; if cond, and else behind. */
void x86_goto(X86Ctx *c, Val linear, ExitKind kind);
void x86_goto_if(X86Ctx *c, Val cond, Val linear);
/* Ends the block: goes on at an IP (cut to the operand size, CS checked). */
void x86_jump(X86Ctx *c, Val ip, ExitKind kind);
/* The same, relative to the next instruction. */
void x86_jump_rel(X86Ctx *c, i64 disp);
/* Ends the block after this instruction: state that the key shows changed. */
void x86_stop(X86Ctx *c);
/* Raises at this instruction and ends the block; true. */
bool x86_raise_at(X86Ctx *c, unsigned vector, u32 err);
/* The same if cond (I32) is not 0, and goes on else. */
/* Codes of ir_trap_if: vector | err << 8, or X86_TRAP_X87. */
enum { X86_TRAP_ERR = 8, X86_TRAP_X87 = 0xff };
void x86_raise_if(X86Ctx *c, Val cond, unsigned vector, u32 err);
/* #UD, #NM for SSE or x87 state as the row's X_SSE, X_MMX, X_FPU ask. */
bool x86_state_ok(X86Ctx *c);

/* ---- in an SVM guest's blocks: may be intercepted (svm_insn.c) ---------- */
void x86_guest_insn(X86Ctx *c);         /* if its row says so */
void x86_guest_cr_read(X86Ctx *c, u32 n, bool mov);
void x86_guest_port(X86Ctx *c, Val port, unsigned size, bool in);
void x86_guest_invlpg(X86Ctx *c, Val va);
bool x86_svm_insn(X86Ctx *c);           /* 0F 01 D8 .. DF */

/*
 * For helpers: the linear address of size bytes at an offset of seg, limits
 * and rights checked; raises #GP or #SS (int_string.c).
 */
u64  x86_checked(X86Cpu *c, unsigned seg, u64 off, unsigned size, bool write);

/* The Target row's: 0 if the page ends before the instruction does. */
u32  x86_translate(Ir *b, const Cpu *cpu, u32 key, const u8 *insn, u32 avail);
