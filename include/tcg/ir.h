/* SPDX-License-Identifier: MIT */
/*
 * The intermediate language of the translator.
 *
 * A block is an array of instructions in execution order.  An instruction
 * that has a result *is* that result: a Val names it and it is never assigned
 * twice.  The instruction carries the type; the operation's name does not.
 *
 * Guest registers are *slots*: typed places in the guest CPU struct ("env").
 * ir_get() and ir_put() read and write them.  The builder keeps every slot's
 * current value, so a get after a put costs nothing, and a put is remembered
 * in the put log, not emitted.  Whatever can leave the block carries a
 * *snapshot*: the piece of the log between the last sync and itself, that is,
 * which value each slot changed since then holds.  Only an exit that is
 * really taken writes them to env.
 *
 * Inside a block env memory holds, for every slot, the value of the entry or
 * of the last ir_sync().
 *
 * A block may end in a loop: phis, a label, instructions, IR_loop; see
 * ir_loop_open().
 */
#pragma once
#include "util/types.h"
#include <stdio.h>

typedef enum Type { VOID, I32, I64, F32, F64, V128T } Type;

/* Comparisons of integers (IR_set, IR_select). */
typedef enum Cond {
    EQ, NE, LT, GE, LE, GT, LTU, GEU, LEU, GTU
} Cond;

/* Conditions on a flag word (IR_fcond), by their usual ARM meaning. */
typedef enum FlagCond {
    FC_Z, FC_NZ,            /* Z */
    FC_C, FC_NC,            /* C */
    FC_N, FC_NN,            /* N */
    FC_V, FC_NV,            /* V */
    FC_HI, FC_LS,           /* C and not Z */
    FC_GE, FC_LT,           /* N == V */
    FC_GT, FC_LE,           /* not Z and N == V */
} FlagCond;

/*
 * A flag word is an I32 with N Z C V (and P, A where a guest asks) in the
 * places that LAHF and SETO AL leave them in EAX.  The other bits are zero or
 * junk: read them through these masks and IR_packf only.
 */
enum {
    FLAG_V = 1 << 0, FLAG_C = 1 << 8, FLAG_P = 1 << 10, FLAG_A = 1 << 12,
    FLAG_Z = 1 << 14, FLAG_N = 1 << 15,
    FLAG_NZCV = FLAG_N | FLAG_Z | FLAG_C | FLAG_V,
};

/* A guest memory access, in Ins.imm of loads, stores and atomics. */
typedef enum MemOp {
    M_8 = 0, M_16 = 1, M_32 = 2, M_64 = 3, M_128 = 4,   /* size, log2 */
    M_SIZE   = 7,
    M_SIGN   = 1 << 3,      /* loads: sign-extend to the result's type */
    M_BE     = 1 << 4,      /* most significant byte first */
    M_ALIGN  = 1 << 5,      /* must be aligned to its size, else a fault */
    M_ACQ    = 1 << 6,      /* load-acquire */
    M_REL    = 1 << 7,      /* store-release (sequentially consistent) */
    M_USER   = 1 << 8,      /* with the rights of the unprivileged level */
    M_PAIR   = 1 << 9,      /* load2, store2: set by the builder */
    M_ATOMIC16 = 1 << 10,   /* 16 bytes as one single-copy atomic access */
    M_STACK  = 1 << 11,     /* x86: through SS, which has faults of its own */
    M_NARROW = 1 << 12,     /* with a span: the address has 32 bits */
} MemOp;

typedef enum RmwKind {
    RMW_XCHG, RMW_ADD, RMW_AND, RMW_OR, RMW_XOR,
    RMW_SMIN, RMW_SMAX, RMW_UMIN, RMW_UMAX,
} RmwKind;

/* Lanes of a vector operation, in Ins.sub: log2 of the lane's bytes. */
typedef enum Lane { L8, L16, L32, L64 } Lane;

/* Rounding of conversions, in Ins.sub. */
typedef enum IrRound {
    FR_EVEN, FR_UP, FR_DOWN, FR_ZERO, FR_AWAY, FR_DYN,
    FR_MODE = 7,
    FR_UNSIGNED = 8,        /* f2i, i2f: the integer is unsigned */
    FR_EXACT = 8,           /* fround: signal inexact */
} IrRound;

enum { FENCE_LL = 1, FENCE_LS = 2, FENCE_SL = 4, FENCE_SS = 8 };

/* How an exit leaves, in Ins.sub. */
typedef enum ExitKind {
    EXIT_JUMP,              /* go on at a */
    EXIT_CALL,              /* the same; b is the address returned to */
    EXIT_RETURN,            /* the same, a return from a call */
    EXIT_POLL = 0x80,       /* flag: if env.poll is set, stop at the target */
} ExitKind;

/* What may be assumed of an operation. */
enum {
    PURE = 1 << 0,          /* same operands, same result; may be merged */
    COMM = 1 << 1,          /* operands a and b may be swapped */
    READ = 1 << 2,          /* reads guest state; dead result, dead op */
    KEEP = 1 << 3,          /* must stay, in order */
    SNAP = 1 << 4,          /* may leave the block: has a snapshot */
    ENDS = 1 << 5,          /* control does not come back: last in block */
    FPOP = 1 << 6,          /* rounds, raises flags: Ir.fp says how */
};

/*
 * name  shape flags     meaning; T the type of the instruction, a..d operands
 *
 * Shapes: N none; K constant; G slot; U one operand; B two; T three;
 * C a cond b;
 * S a cond b ? c : d; X bit field (imm = pos | len << 8); L load; W store;
 * A atomic; D span; E exit; H call; V vector, lane size in sub (operands as B);
 * VU, VT the same with one, three; VI one operand and imm; VL lane imm of a.
 */
#define IR_OPS(_)                                                               \
    _(none,    N,  0,           "no value")                                     \
    _(const,   K,  PURE,        "imm")                                          \
    _(pc,      K,  PURE,        "address of byte imm (signed) of the guest page run")\
    _(get,     G,  READ,        "slot imm")                                     \
    _(add,     B,  PURE | COMM, "a + b")                                        \
    _(sub,     B,  PURE,        "a - b")                                        \
    _(mul,     B,  PURE | COMM, "a * b, low half")                              \
    _(mulhu,   B,  PURE | COMM, "a * b, high half, unsigned")                   \
    _(mulhs,   B,  PURE | COMM, "a * b, high half, signed")                     \
    _(udiv,    B,  PURE,        "a / b unsigned; 0 if b is 0")                  \
    _(sdiv,    B,  PURE,        "a / b signed, to zero; 0 if b is 0; MIN / -1 is MIN")\
    _(and,     B,  PURE | COMM, "a & b")                                        \
    _(or,      B,  PURE | COMM, "a | b")                                        \
    _(xor,     B,  PURE | COMM, "a ^ b")                                        \
    _(shl,     B,  PURE,        "a << b; b (of type T) taken modulo the width") \
    _(shr,     B,  PURE,        "a >> b, zeros in; b modulo the width")         \
    _(sar,     B,  PURE,        "a >> b, sign in; b modulo the width")          \
    _(ror,     B,  PURE,        "a rotated right; b modulo the width")          \
    _(clz,     U,  PURE,        "leading zeros of a; the width if a is 0")      \
    _(ctz,     U,  PURE,        "trailing zeros of a; the width if a is 0")     \
    _(bswap,   U,  PURE,        "bytes of a reversed")                          \
    _(trunc,   U,  PURE,        "I64 to I32: the low half")                     \
    _(zext,    U,  PURE,        "I32 to I64, zeros above")                      \
    _(sext,    U,  PURE,        "I32 to I64, sign above")                       \
    _(extract, X,  PURE,        "bits of a, zeros above")                       \
    _(sextract,X,  PURE,        "bits of a, sign above")                        \
    _(deposit, X,  PURE,        "a with the bits replaced by the low ones of b")\
    _(set,     C,  PURE,        "I32: 1 if a cond b, else 0")                   \
    _(select,  S,  PURE,        "c if a cond b, else d; T that of c and d")     \
    _(addf,    B,  PURE,        "I32 flag word of a + b")                       \
    _(subf,    B,  PURE,        "flag word of a - b; C is the borrow")          \
    _(adcf,    T,  PURE,        "flag word of a + b + c, c an I32 0 or 1")      \
    _(sbcf,    T,  PURE,        "flag word of a - b - c, c an I32 0 or 1; C is the borrow")\
    _(logicf,  U,  PURE,        "flag word of a: N, Z; C and V zero")           \
    _(notc,    U,  PURE,        "flag word a with C inverted")                  \
    _(packf,   U,  PURE,        "N31 Z30 C29 V28 of flag word a, zeros below")  \
    _(unpackf, U,  PURE,        "flag word of N31 Z30 C29 V28")                 \
    _(fcond,   U,  PURE,        "I32: 1 if flag word a meets FlagCond sub")     \
    _(bitsof,  U,  PURE,        "a's bits as type T: I32-F32, I64-F64")         \
    _(fadd,    B,  PURE | FPOP, "a + b")                                        \
    _(fsub,    B,  PURE | FPOP, "a - b")                                        \
    _(fmul,    B,  PURE | FPOP, "a * b")                                        \
    _(fdiv,    B,  PURE | FPOP, "a / b")                                        \
    _(fsqrt,   U,  PURE | FPOP, "square root of a")                             \
    _(ffma,    T,  PURE | FPOP, "a * b + c, rounded once")                      \
    _(fmin,    B,  PURE | FPOP, "the lesser, as the guest defines it")          \
    _(fmax,    B,  PURE | FPOP, "the greater")                                  \
    _(fminnm,  B,  PURE | FPOP, "the lesser; a number rather than a quiet NaN") \
    _(fmaxnm,  B,  PURE | FPOP, "the greater; a number rather than a quiet NaN")\
    _(fcmpf,   B,  PURE | FPOP, "flags: N less, Z equal, C not less, V unordered; sub 1: signals")\
    _(f2f,     U,  PURE | FPOP, "F32 to F64 or back")                           \
    _(f2i,     U,  PURE | FPOP, "to integer T as IrRound sub; out of range as the guest says")\
    _(i2f,     U,  PURE | FPOP, "integer to T, FR_UNSIGNED or not, rounded dynamically")\
    _(fround,  U,  PURE | FPOP, "to an integral value as IrRound sub")          \
    _(vlow,    U,  PURE,        "lowest F32 or F64 lane of a V128")             \
    _(vzext,   U,  PURE,        "V128: an F32 or F64 in the lowest lane, zeros above")\
    _(vpair,   B,  PURE,        "V128 of I64 a (low) and b (high)")             \
    _(vget,    VL, PURE,        "lane imm of a, zeros above; I64 for L64, else I32")\
    _(vins,    VI, PURE,        "a with lane imm replaced by the low bits of b")\
    _(vdup,    VU, PURE,        "every lane the low bits of I32 (L64: I64) a")  \
    _(vand,    V,  PURE | COMM, "a & b")                                        \
    _(vandn,   V,  PURE,        "a & ~b")                                       \
    _(vor,     V,  PURE | COMM, "a | b")                                        \
    _(vxor,    V,  PURE | COMM, "a ^ b")                                        \
    _(vadd,    V,  PURE | COMM, "a + b")                                        \
    _(vsub,    V,  PURE,        "a - b")                                        \
    _(vmul,    V,  PURE | COMM, "a * b, low half")                              \
    _(vsmull,  V,  PURE | COMM, "low-half lanes widened: signed a * b, lanes of twice the size")\
    _(vumull,  V,  PURE | COMM, "the same, unsigned")                           \
    _(vsmin,   V,  PURE | COMM, "lesser, signed")                               \
    _(vsmax,   V,  PURE | COMM, "greater, signed")                              \
    _(vumin,   V,  PURE | COMM, "lesser, unsigned")                             \
    _(vumax,   V,  PURE | COMM, "greater, unsigned")                            \
    _(vsqadd,  V,  PURE | COMM, "a + b, saturated, signed; L8, L16")            \
    _(vuqadd,  V,  PURE | COMM, "a + b, saturated, unsigned; L8, L16")          \
    _(vsqsub,  V,  PURE,        "a - b, saturated, signed; L8, L16")            \
    _(vuqsub,  V,  PURE,        "a - b, saturated, unsigned; L8, L16")          \
    _(vceq,    V,  PURE | COMM, "all ones where a == b, else zero")             \
    _(vcgt,    V,  PURE,        "all ones where a > b, signed")                 \
    _(vcgtu,   V,  PURE,        "all ones where a > b, unsigned")               \
    _(vabs,    VU, PURE,        "magnitude, the least stays")                   \
    _(vshl,    VI, PURE,        "each lane << imm, imm below the lane's width") \
    _(vshr,    VI, PURE,        "each lane >> imm, zeros in")                   \
    _(vsar,    VI, PURE,        "each lane >> imm, sign in")                    \
    _(vsxl,    VU, PURE,        "lanes of the low half, sign-extended to twice the size")\
    _(vzxl,    VU, PURE,        "lanes of the low half, zero-extended to twice the size")\
    _(vshuf,   T,  PURE,        "byte i is byte c[i] & 31 of b:a (a low); zero if c[i] & 128")\
    _(vfadd,   V,  PURE | FPOP, "a + b in L32 or L64 float lanes")              \
    _(vfsub,   V,  PURE | FPOP, "a - b")                                        \
    _(vfmul,   V,  PURE | FPOP, "a * b")                                        \
    _(vfdiv,   V,  PURE | FPOP, "a / b")                                        \
    _(vfsqrt,  VU, PURE | FPOP, "square root")                                  \
    _(vffma,   VT, PURE | FPOP, "a * b + c, rounded once")                      \
    _(vfceq,   V,  PURE | FPOP, "all ones where a == b; quiet")                 \
    _(vfcge,   V,  PURE | FPOP, "all ones where a >= b; signals quiet NaNs")    \
    _(vfcgt,   V,  PURE | FPOP, "all ones where a > b; signals quiet NaNs")     \
    _(span,    D,  READ,        "host address of guest address a, or 0: see ir_spans()")\
    _(load,    L,  KEEP | SNAP, "guest memory at a, MemOp imm; d: its span")    \
    _(load2,   L,  KEEP | SNAP, "two adjacent ones, checked as one; then comes IR_second")\
    _(second,  N,  READ,        "second result of the instruction before")      \
    _(store,   W,  KEEP | SNAP, "guest memory at a = b, MemOp imm")             \
    _(store2,  W,  KEEP | SNAP, "guest memory at a = b, c adjacent, checked as one")\
    _(cas,     A,  KEEP | SNAP, "atomically: T old = mem[a]; if old == c, mem[a] = b")\
    _(casif,   A,  KEEP | SNAP, "I32: if a != d, 1; else as cas: 0 if it stored, else 1")\
    _(rmw,     A,  KEEP | SNAP, "atomically: T old = mem[a]; mem[a] = old RmwKind(sub) b")\
    _(fence,   K,  KEEP,        "order accesses before and after, FENCE_* imm") \
    _(sync,    N,  KEEP | SNAP, "write the snapshot to env, and the pc too")    \
    _(poll,    E,  KEEP | SNAP, "if a request is pending, stop; go on at a")    \
    _(exit_if, E,  KEEP | SNAP, "if b is not 0, go on at a")                    \
    _(trap_if, E,  KEEP | SNAP, "if a is not 0, stop at this guest instruction with TCG_TRAP imm")\
    _(exit,    E,  KEEP | SNAP | ENDS, "go on at a, ExitKind sub")              \
    _(leave,   N,  KEEP | SNAP | ENDS, "go on where env's pc and address space say")\
    _(phi,     P,  0,           "slot imm in a loop: a at first, then b of the round before")\
    _(label,   N,  KEEP,        "where the loop goes on; behind the phis")      \
    _(loop,    E,  KEEP | SNAP | ENDS, "as poll; else another round")           \
    _(call,    H,  KEEP,        "helper imm with args[a .. a + b)")

typedef enum IrOp {
#define _(name, shape, flags, meaning) IR_##name,
    IR_OPS(_)
#undef _
    IR_NOPS
} IrOp;

typedef struct IrOpInfo {
    const char *name, *shape;
    u32         flags;
    const char *meaning;
} IrOpInfo;

extern const IrOpInfo ir_ops[IR_NOPS];

typedef struct Val { u16 id; } Val;     /* a struct, so an int cannot pass */

typedef struct Ins {
    u16 op;                 /* IrOp */
    u8  type;               /* of the result; of b for store */
    u8  sub;                /* Cond, FlagCond, Lane, RmwKind, IrRound, ... */
    Val a, b, c, d;
    u16 snap;               /* SNAP: end of its piece of the put log */
    u16 at;                 /* guest instruction: byte offset in its page */
    u64 imm;
} Ins;

/* A guest register that translated code may keep in a host register. */
typedef struct IrSlot {
    const char *name;
    Type        type;
    u32         offset;     /* in env */
} IrSlot;

/* Soft floating point in the guest's rules; see tcg/fp.h. */
typedef struct FpSoft FpSoft;

/* ---- helpers: C functions that translated code calls -------------------- */

enum {
    H_PURE  = 1 << 0,       /* result depends on the arguments only */
    H_READ  = 1 << 1,       /* reads guest slots: they are synced before */
    H_WRITE = 1 << 2,       /* writes them too: forgotten after */
    H_RAISE = 1 << 3,       /* may not return: they and the pc are synced */
    H_HOST_SHIFT = 8,       /* HostFn: a back end may have code for it */
};
#define H_HOST(f) ((u32)(f) << H_HOST_SHIFT)

/*
 * Arithmetic on 80-bit numbers that lie in env, as x87 does it with all
 * exceptions masked (Intel SDM volume 1, chapter 8): what helpers with H_HOST
 * do, and a back end whose host has such a unit does inline.
 *
 * A register is named by its offset in env (I64): mantissa, then exponent and
 * sign in 16 bits.  TcgEnv.fcw says how to round; TcgEnv.fsw takes flags and
 * condition codes as FNSTSW gives them, with junk for TOP.  The host's control
 * and status word are kept like those; C that changes them, or leaves code
 * between HOST_F80_VALUE and _COMMIT, calls host_x87_set().
 *
 * name(arguments), those marked k constant.  `value` is the low bits of an
 * I64 in a F80Format.
 */
typedef enum HostFn {
    HOST_NONE,
    HOST_F80_LOAD,          /* dst, value, k format */
    HOST_F80_VALUE,         /* src, k format | F80_TRUNC: I64 to be stored */
    HOST_F80_COMMIT,        /* its flags, after the store: to fsw */
    HOST_F80_ARITH,         /* dst, a, b, k F80Op: dst = a op b */
    HOST_F80_ARITH_VALUE,   /* dst, a, value, k F80Op | format << 4 */
    HOST_F80_UNARY,         /* dst, src, k F80Fn */
    HOST_F80_COMPARE,       /* a, b, k quiet: C0 C2 C3 */
    HOST_F80_COMPARE_VALUE, /* a, value, k format: the same, not quiet */
    HOST_F80_ORDER,         /* a, b, k quiet: I32 ZF PF CF at EFLAGS' places;
                               C1 stays */
    HOST_F80_CONST,         /* dst, k 0 .. 6: 1.0 .. 0.0 as D9 E8 .. D9 EE */
    HOST_F80_MOVE,          /* dst, src; no flags */
    HOST_F80_SWAP,          /* a, b; no flags */
    HOST_F80_CLEAR_C1,
    HOST_F80_STATUS,        /* I32 fsw */
    HOST_F80_CONTROL,       /* I32 fcw */
    HOST_F80_SET_CONTROL,   /* I32: which masks all exceptions */
    HOST_FNS
} HostFn;

typedef enum F80Format {
    F80_F32, F80_F64, F80_I16, F80_I32, F80_I64
} F80Format;
enum { F80_TRUNC = 8 };     /* round to zero: FISTTP */

/* As ModRM.reg has them. */
typedef enum F80Op {
    F80_ADD = 0, F80_MUL = 1, F80_SUB = 4, F80_SUBR = 5, F80_DIV = 6,
    F80_DIVR = 7
} F80Op;

/* As the second byte of D9 has them. */
typedef enum F80Fn {
    F80_CHS = 0xe0, F80_ABS = 0xe1, F80_SQRT = 0xfa, F80_RNDINT = 0xfc
} F80Fn;

/*
 * Declared beside the function by HELPER(f, flags, result, arguments...); see
 * tcg/helper.h.  An argument of type ptr is env and is not in ir_call()'s.
 */
typedef struct Helper {
    const char *name;
    void      (*fn)(void);
    u32         flags;
    const char *sig;        /* result, then arguments: v i l p q(V128) */
} Helper;

/* ---- a block under construction ----------------------------------------- */

enum {
    IR_MAX = 4096, IR_ARGS = 512, IR_PUTS = 2048, IR_SLOTS = 128,
    IR_SYNCS = 256, IR_SPANS = 16,
};

/* Of an IR_span, in Ins.sub. */
enum {
    SPAN_WRITE  = 1 << 0,   /* some of it is written */
    SPAN_PEEK   = 1 << 1,   /* but read first: no page is walked to write */
    SPAN_NARROW = 1 << 2,   /* addresses have 32 bits; neither: there is only */
    SPAN_WIDE   = 1 << 3,   /* or 64 bits;             its operand itself */
};

typedef struct Put { u16 slot; Val v; } Put;

typedef struct Ir {
    Ins  ins[IR_MAX];
    u32  n;                         /* ins[1 .. n) */
    Put  puts[IR_PUTS];
    u32  nputs;
    u16  syncs[IR_SYNCS];           /* where the IR_sync are */
    u32  nsyncs;
    u16  label;                     /* position of IR_label, or 0 */
    Val  args[IR_ARGS];
    u32  nargs;
    const IrSlot *slots;
    u32  nslots;
    Val  cur[IR_SLOTS];             /* current value of each slot, or 0 */
    Type word;                      /* type of guest addresses: I32 or I64 */
    u64  half;                      /* of the first 64 slots, those whose
                                       upper 32 bits are known to be zero */
    u16  at;                        /* offset in page of the guest insn */
    u16  start;                     /* the same of the block's first one */
    bool raw;                       /* no folding, no merging: for tests */
    bool ended;                     /* an ENDS op was appended */
    bool full;                      /* no room for one more guest insn */
    bool alone;                     /* the block has one guest insn only */
    bool bound;                     /* see ir_bind_next() */
    bool follows;                   /* this guest insn was bound by the last */
    bool one_cpu;                   /* no other vCPU sees memory: atomics may
                                       be interrupted by devices only */
    bool fp_inline;                 /* host arithmetic serves the FP mode */
    u32  heat;                      /* entries until TCG_HOT; 0: not counted */
    bool spans;                     /* accesses may have some */
    bool flushed;                   /* C had a chance to change the TLB */
    u16  span[IR_SPANS];            /* those that accesses may join */
    u32  nspans;
    const FpSoft *soft;
    u16  nth[IR_MAX];               /* guest instructions begun until then */
    u16  ninsns;
    u16  hash[256];                 /* value numbering: heads */
    u16  next[IR_MAX];              /* and chains */
} Ir;

/* Starts a block whose first guest instruction is at page offset `at`. */
void ir_start(Ir *b, const IrSlot *slots, u32 nslots, Type word, u16 at);
/*
 * A copy to be evaluated later, malloc'ed: what it does not use of the arrays
 * is not touched and takes no memory.
 */
Ir  *ir_copy(const Ir *b);
/* Tells that what follows belongs to the guest instruction at `at`. */
void ir_insn(Ir *b, u16 at);
/*
 * Says that the next guest instruction, which is in the same page, must be in
 * this block too: no interrupt may come between.  False: it will not be.
 */
bool ir_bind_next(Ir *b);
/*
 * Settles which accesses of a whole block have a span.  Accesses off one value
 * that are close together share one look at the TLB: IR_span tells where the
 * host has the guest address a, if all of the span is in one page that can be
 * accessed directly.  An access with a span, operand d, then takes that address
 * plus the offset in its imm's upper half, from a like the span; where the
 * span is 0 it looks for itself.  A span is right until C has had a chance to
 * flush.
 */
void ir_spans(Ir *b);
static inline i32 access_offset(const Ins *i) { return (i32)(i->imm >> 32); }
Type ir_type(const Ir *b, Val v);
/* Is v a constant?  Then *k is its value. */
bool ir_is_const(const Ir *b, Val v, u64 *k);

Val  ir_const(Ir *b, Type t, u64 v);
Val  ir_i32(Ir *b, u32 v);
Val  ir_i64(Ir *b, u64 v);
Val  ir_v128(Ir *b, u64 lo, u64 hi);
Val  ir_pc(Ir *b, i64 offset);          /* from the start of the page */
Val  ir_get(Ir *b, unsigned slot);
void ir_put(Ir *b, unsigned slot, Val v);

typedef Val IrUnary(Ir *b, Val x);
typedef Val IrBinary(Ir *b, Val x, Val y);
typedef Val IrTernary(Ir *b, Val x, Val y, Val z);
typedef Val IrVec2(Ir *b, Lane lane, Val x, Val y);
typedef Val IrVec1(Ir *b, Lane lane, Val x);
typedef Val IrVecImm(Ir *b, Lane lane, Val x, unsigned imm);

IrBinary ir_add, ir_sub, ir_mul, ir_mulhu, ir_mulhs, ir_udiv, ir_sdiv,
         ir_and, ir_or, ir_xor, ir_shl, ir_shr, ir_sar, ir_ror,
         ir_addf, ir_subf,
         ir_fadd, ir_fsub, ir_fmul, ir_fdiv,
         ir_fmin, ir_fmax, ir_fminnm, ir_fmaxnm, ir_vpair;
IrUnary  ir_clz, ir_ctz, ir_bswap, ir_trunc, ir_zext, ir_sext,
         ir_logicf, ir_notc, ir_packf, ir_unpackf, ir_fsqrt, ir_vzext;
IrTernary ir_adcf, ir_sbcf, ir_ffma;
IrVec2   ir_vand, ir_vandn, ir_vor, ir_vxor, ir_vadd, ir_vsub, ir_vmul,
         ir_vsmull, ir_vumull, ir_vsmin, ir_vsmax, ir_vumin, ir_vumax,
         ir_vsqadd, ir_vuqadd, ir_vsqsub, ir_vuqsub, ir_vceq, ir_vcgt,
         ir_vcgtu, ir_vfadd, ir_vfsub, ir_vfmul, ir_vfdiv,
         ir_vfceq, ir_vfcge, ir_vfcgt;
IrVec1   ir_vdup, ir_vabs, ir_vsxl, ir_vzxl, ir_vfsqrt;
IrVecImm ir_vshl, ir_vshr, ir_vsar, ir_vget;

Val  ir_not(Ir *b, Val x);                      /* x ^ -1 */
Val  ir_neg(Ir *b, Val x);                      /* 0 - x */
Val  ir_extract(Ir *b, Val x, unsigned pos, unsigned len);
Val  ir_sextract(Ir *b, Val x, unsigned pos, unsigned len);
Val  ir_deposit(Ir *b, Val x, Val y, unsigned pos, unsigned len);
Val  ir_set(Ir *b, Cond cc, Val x, Val y);
Val  ir_select(Ir *b, Cond cc, Val x, Val y, Val then, Val other);
Val  ir_fcond(Ir *b, FlagCond fc, Val flags);
/* x's bits as type t: I32 and F32, I64 and F64. */
Val  ir_bitsof(Ir *b, Type t, Val x);
Val  ir_fcmpf(Ir *b, Val x, Val y, bool signalling);
Val  ir_f2f(Ir *b, Type t, Val x);
Val  ir_f2i(Ir *b, Type t, Val x, unsigned round);
Val  ir_i2f(Ir *b, Type t, Val x, bool is_unsigned);
Val  ir_fround(Ir *b, Val x, unsigned round);
Val  ir_vlow(Ir *b, Type t, Val x);             /* t: F32 or F64 */
Val  ir_vins(Ir *b, Lane lane, Val x, unsigned index, Val y);
Val  ir_vshuf(Ir *b, Val x, Val y, u64 mask_lo, u64 mask_hi);
Val  ir_vshuf_by(Ir *b, Val x, Val y, Val mask);
Val  ir_vffma(Ir *b, Lane lane, Val x, Val y, Val z);

/*
 * Guest memory.  t is I32 or I64 for sizes up to 8 (I32 only up to 4), F32
 * and F64 of just their size, V128T for M_128.
 */
Val  ir_load(Ir *b, Type t, Val addr, u32 memop);
Val  ir_load2(Ir *b, Type t, Val addr, u32 memop, Val *second);
void ir_store(Ir *b, Val addr, Val v, u32 memop);
void ir_store2(Ir *b, Val addr, Val v, Val second, u32 memop);
Val  ir_cas(Ir *b, Type t, Val addr, Val expect, Val v, u32 memop);
Val  ir_casif(Ir *b, Val addr, Val v, Val expect, Val expect_addr, u32 memop);
Val  ir_rmw(Ir *b, RmwKind kind, Type t, Val addr, Val v, u32 memop);
void ir_fence(Ir *b, unsigned kinds);

/*
 * Calls a helper; the arguments are those after ptr, `none` for those that
 * are not there.  The result is a value of the helper's type or no value.
 * The builder syncs or forgets slots as the helper's flags say.
 */
Val  ir_call(Ir *b, const Helper *h, const Val *args, unsigned n);
#define IR_CALL(b, h, ...) \
    ir_call(b, h, (const Val[]) { (Val) { 0 }, ##__VA_ARGS__ } + 1, \
            sizeof((const Val[]) { (Val) { 0 }, ##__VA_ARGS__ }) / sizeof(Val) - 1)

/* Writes all changed slots and the pc to env now. */
void ir_sync(Ir *b);

/*
 * Exits.  An address that is an ir_pc() value is a direct branch and may be
 * linked.  Whatever may close a loop polls:
 * an indirect exit and a direct one that does not go forward in its page
 * carry EXIT_POLL.  IR_poll is there for other places.
 */
void ir_exit(Ir *b, Val pc, ExitKind kind);
void ir_exit_call(Ir *b, Val pc, Val ret);
void ir_exit_if(Ir *b, Val cond, Val pc);
/*
 * An exception of this guest instruction that is rare: if cond (I32) is not
 * 0, its state as of now is written to env and the target gets `code`.
 */
void ir_trap_if(Ir *b, Val cond, u32 code);
/* Syncs, then goes on where env's pc says: after calls that set it. */
void ir_leave(Ir *b);
/* Stops at pc if a request is pending. */
void ir_poll(Ir *b, Val pc);

/* ---- branches inside a block -------------------------------------------- */

/*
 * Where the guest instruction that ended b may go on in its page: *out is the
 * exit's target, *side that of an exit_if that goes with it; -1: none, or it
 * is computed or in another page.  False: no exit ended b.
 */
bool ir_targets(const Ir *b, i32 *out, i32 *side);
/*
 * Takes back that exit, to go on at `next` (page offset), which is one of the
 * two; the other one becomes a side exit.
 */
void ir_follow(Ir *b, u16 next);
/* The same where the exit's address is computed: it is compared with next. */
void ir_follow_guess(Ir *b, u16 next);

/* A loop being built. */
typedef struct IrLoop {
    u64 must[IR_SLOTS / 64];        /* slots that have a phi in any case */
    u64 phis[IR_SLOTS / 64];        /* that have one */
    u64 changed[IR_SLOTS / 64];     /* that differ from the entry's value */
    u32 n, nputs, nargs;            /* what b had before */
    Val before[IR_SLOTS];           /* cur before: of the first round */
    Val at[IR_SLOTS];               /* and at the label */
} IrLoop;

/*
 * A block whose first round has been built and whose control is at its start
 * again becomes a loop: the caller opens it, builds the same instructions
 * once more, and closes it.  What no round changes is computed in the first
 * one only.  Slots that change get a phi, or are computed from others' phis
 * if that is how the first round made them (flags of a counter).
 * ir_loop_close() finds out if each round makes them so; if not it returns
 * false and b is as it was before: open it again, and other slots get phis.
 */
bool ir_loop_open(Ir *b, IrLoop *l);    /* false: b cannot be a loop */
bool ir_loop_close(Ir *b, IrLoop *l);
/* Forgets what was built since it was opened. */
void ir_loop_drop(Ir *b, const IrLoop *l);

/* The meaning of every pure integer operation: folding, evaluator, tests. */
u64  ir_compute(const Ins *i, Type operand, u64 a, u64 b, u64 c, u64 d);
/* The same for those on V128 that are not FPOP. */
Vec  ir_compute_vec(const Ins *i, Vec a, Vec b, Vec c);

/* ---- passes and forms --------------------------------------------------- */

/*
 * Liveness, backward: drops what nothing uses.  uses[v] counts the operands
 * (not snapshots) that name v; snap_uses[v] is set when a snapshot holds it.
 */
typedef struct IrLive {
    u16  uses[IR_MAX];
    bool snapped[IR_MAX];
    bool dead[IR_MAX];
    bool has_sync;
} IrLive;
void ir_live(const Ir *b, IrLive *l);

/* Which of v's snapshot entries counts: newest first; see tcg/ir.c. */
typedef void IrSnapVisit(void *ctx, unsigned slot, Val v);
void ir_snapshot(const Ir *b, const Ins *i, IrSnapVisit *visit, void *ctx);

/* Text form, one instruction a line; ir_parse() reads it, but for calls. */
void ir_print(const Ir *b, const IrLive *l, FILE *f);
bool ir_parse(Ir *b, const IrSlot *slots, u32 nslots, const char *text,
              char *why, size_t whylen);
/* The manual of the language, from the table. */
void ir_manual(FILE *f);
