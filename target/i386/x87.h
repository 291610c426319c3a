/* SPDX-License-Identifier: MIT */
/*
 * Private to x87: the stack, the rows of the instruction table and what
 * executes them.  SDM volume 1, chapter 8.
 */
#pragma once
#include "target/i386/translate.h"
#include "util/hostx87.h"

enum {                          /* status word; the first six: control too */
    FSW_IE = 1 << 0, FSW_DE = 1 << 1, FSW_ZE = 1 << 2, FSW_OE = 1 << 3,
    FSW_UE = 1 << 4, FSW_PE = 1 << 5, FSW_SF = 1 << 6, FSW_ES = 1 << 7,
    FSW_C0 = 1 << 8, FSW_C1 = 1 << 9, FSW_C2 = 1 << 10, FSW_TOP = 7 << 11,
    FSW_C3 = 1 << 14, FSW_B = 1 << 15,
    FSW_CC = FSW_C0 | FSW_C1 | FSW_C2 | FSW_C3,
    FSW_EXCEPTIONS = 0x3f,
    FSW_PRE = FSW_IE | FSW_DE | FSW_ZE, /* before the computation */
};
enum { FCW_BITS = 0x1f3f, FCW_ONES = 0x40, FCW_RESET = 0x37f };

typedef enum X87Format {
    X87_NONE, X87_F32, X87_F64, X87_F80, X87_I16, X87_I32, X87_I64, X87_BCD,
    X87_WORD,                   /* control and status word */
} X87Format;

enum { X87_ADD, X87_MUL, X87_COM, X87_COMP, X87_SUB, X87_SUBR, X87_DIV,
       X87_DIVR };              /* as ModRM.reg has them */
enum { X87_QUIET = 1, X87_EFLAGS = 2 };     /* comparisons */

/* One x87 instruction as it is carried out. */
typedef struct X87Op {
    u8  i;                      /* register forms: ST(i) */
    bool mem;
    bool cond;                  /* of FCMOVcc; stores: ST(0) is empty */
    u16 flags;                  /* in: what widening m raises (DE); out */
    F80 m;                      /* memory operand, widened; or the result */
    u32 out;                    /* AX or EFLAGS, for those that have them */
} X87Op;

typedef struct X87Row X87Row;
typedef void X87Fn(X86Cpu *c, const X87Row *r, X87Op *o);

/* How a row's operands travel. */
typedef enum X87Kind {
    X87K_ST,                    /* registers only */
    X87K_LOAD,                  /* reads memory in `format` */
    X87K_STORE,                 /* writes memory in `format` */
    X87K_AX,                    /* AX from o->out */
    X87K_FLAGS,                 /* EFLAGS from o->out */
    X87K_COND,                  /* arg is a condition code */
    X87K_IMAGE,                 /* environment or all state: X87Image arg */
} X87Kind;

/* Images of the environment and of all state; arg of X87K_IMAGE. */
typedef enum X87Image { X87_LDENV, X87_STENV, X87_RSTOR, X87_SAVE } X87Image;

enum { X87_ANY = -1, X87_MEM = -2 };        /* X87Row.rm */

struct X87Row {
    u8 op;                      /* D8 .. DF */
    i8 reg, rm;                 /* ModRM; X87_ANY: ST(i); X87_MEM: mod < 3 */
    const char *name;
    X87Fn *fn;
    u8 arg;                     /* for fn */
    u8 kind;                    /* X87Kind */
    u8 format;                  /* X87Format of the memory operand */
    u8 pops;
    bool to_i;                  /* the destination is ST(i), not ST(0) */
    bool control;               /* leaves FIP, FDP and FOP alone */
    bool nowait;                /* does not look for pending exceptions */
    i16 feature;                /* F_*; F_FPU is 0 */
};

extern const X87Row x87_rows[];
extern const unsigned x87_nrows;

/* x87.c: the operations. */
X87Fn x87_arith, x87_com, x87_tst, x87_xam, x87_ld, x87_ld_st, x87_const,
      x87_st_st, x87_xch, x87_cmov, x87_sign, x87_rndint, x87_scale,
      x87_xtract, x87_prem, x87_sqrt, x87_trans, x87_free, x87_step_top,
      x87_nop, x87_ldcw, x87_stcw, x87_stsw, x87_clex, x87_init;

/*
 * Stores of ST(0) to memory: first what to store, in o->m (its low bits in
 * frac) and o->flags; false: nothing is stored.  Then what follows.
 */
bool x87_store_value(X86Cpu *c, const X87Row *r, X87Op *o);
void x87_store_done(X86Cpu *c, const X87Row *r, const X87Op *o);

/* The soft-float environment that the control word asks for. */
FpEnv x87_env(const X86Cpu *c);
/* a op b of X87_ADD and so on. */
F80  x87_compute(unsigned what, F80 a, F80 b, FpEnv *e);
/* FpFlag bits of an operation with memory operand a, `widening` its own. */
u32  x87_with_denormal(u32 flags, u32 widening, F80 a);
/*
 * Records the FpFlag bits of an operation, and C1.  False: one of them stops
 * it before it has a result.
 */
bool x87_note(X86Cpu *c, u32 flags);
/* As f's bits: what is stored for v. */
F80  x87_convert(X87Format f, bool truncate, F80 v, FpEnv *e);
/* C0, C2, C3, or ZF, PF, CF, that mean an order. */
u32  x87_order_codes(FpOrder order);
u32  x87_order_flags(FpOrder order);
F80  x87_constant(const X86Cpu *c, unsigned n);

/* x87_inline.c: the common case inline.  False: r is for its helper. */
bool x87_inline(X86Ctx *c, const X87Row *r);
/* Bytes of an operand. */
unsigned x87_size(X87Format f);

/* Widens a memory operand; exact, a signalling NaN stays one. */
void x87_operand(X87Op *o, X87Format f, u64 lo, u16 hi);

/* ES and B after the control or the status word changed. */
void x87_summary(X86Cpu *c);
/* Is an exception pending that a waiting instruction raises? */
static inline bool x87_pending(const X86Cpu *c)
{
    return c->cpu.tcg.fsw & FSW_ES;
}

static inline unsigned x87_phys(const X86Cpu *c, unsigned i)
{
    return (unsigned)(c->ftop + i) & 7;
}
static inline bool x87_empty(const X86Cpu *c, unsigned i)
{
    return c->fempty >> i & 1;
}
/* The same by number of the register: bit n for R_n. */
static inline u8 x87_empty_regs(const X86Cpu *c)
{
    return (u8)(c->fempty * 0x101 >> (8 - (c->ftop & 7)));
}
static inline void x87_set_empty_regs(X86Cpu *c, u8 v)
{
    c->fempty = (u8)(v * 0x101 >> (c->ftop & 7));
}
static inline F80 x87_get(const X86Cpu *c, unsigned i)
{
    const X87Reg *r = &c->st[x87_phys(c, i)];
    return (F80){ .frac = r->mant, .se = r->exp };
}
static inline void x87_put(X86Cpu *c, unsigned i, F80 v)
{
    unsigned n = x87_phys(c, i);
    c->st[n] = (X87Reg){ .mant = v.frac, .exp = v.se };
    c->fempty &= ~(1u << i);
}

/* Transcendentals (x87_trans.c), as host_x87_math() has them. */
u16 x87_math(X87Math op, u16 fcw, F80 *a, F80 *b);
/* The same without the host's unit. */
u16 x87_math_portable(X87Math op, u16 fcw, F80 *a, F80 *b);

/* x87_state.c.  wide: in the 32-bit format; real: in real mode's. */
void x87_image(X86Cpu *c, X87Image what, u64 va, bool wide, bool real);
/* The image in a buffer of up to 108 bytes; returns its size. */
unsigned x87_pack(const X86Cpu *c, u8 *buf, X87Image what, bool wide,
                  bool real);
void x87_unpack(X86Cpu *c, const u8 *buf, X87Image what, bool wide, bool real);
/* What FSTENV and FSAVE do to the registers afterwards. */
void x87_packed(X86Cpu *c, X87Image what);
/* The x87 part of FXSAVE's image; rexw: pointers of 64 bits. */
void x87_pack_fx(const X86Cpu *c, u8 *buf, bool rexw);
void x87_unpack_fx(X86Cpu *c, const u8 *buf, bool rexw);
/* A linear address, cut to 32 bits outside 64-bit mode. */
u64  x87_address(const X86Cpu *c, u64 va);
/* Raises what writing `size` bytes there would raise. */
void x87_probe_write(X86Cpu *c, u64 va, unsigned size);
enum { XSAVE_PLAIN, XSAVE_OPT, XSAVE_COMPACT, XSAVE_SUPER };    /* row's arg */
X86Fn x86_fxsave, x86_fxrstor, x86_xsave, x86_xrstor;
