/* SPDX-License-Identifier: MIT */
/*
 * The x86-64 back end, as its files see each other.
 *
 * While translated code runs:
 *
 *     rbp         env
 *     r15         env->tlb, the current TLB slot
 *     rsp         frame: PLACES spill places, then operands of slow ops
 *     rax rcx xmm0 xmm1   scratch within one instruction
 *
 * All others are handed out by the allocator.  An I32 in a register has junk
 * above; so have an F32 and F64 in a vector register.
 */
#pragma once
#include "tcg/alloc.h"
#include "tcg/buffer.h"
#include "tcg/pages.h"
#include "tcg/x86_64_emit.h"

/* What the processor can do. */
typedef struct X86Has {
    bool avx, fma, bmi2, lzcnt, tzcnt, movbe, sse42;
} X86Has;

/* Constants in the common area, 16 bytes each. */
typedef enum Konst {
    K_ABS32, K_ABS64, K_MIN32, K_MIN64, K_SIGN64, K_2P63_32, K_2P63_64,
    K_REVERSE, K_MXCSR,
    K_COUNT
} Konst;

/* Code in the common area. */
typedef enum Thunk {
    T_ENTER,            /* tcg_enter() */
    T_LOOKUP, T_LINK, T_POLL, T_TRAP, T_HOT,    /* to C, with that TcgExit;
                           lookup and poll at the pc in rax, else env.pc */
    T_LEAVE,            /* on to env.pc, whatever changed */
    T_SLOW,             /* a guest access, all registers kept */
    T_OP,               /* op_by_call(), all registers kept */
    T_COUNT
} Thunk;

enum {
    TEMPS = 16,
    FRAME_OPND = PLACES * PLACE_SIZE,
    FRAME_TEMP = FRAME_OPND + 4 * PLACE_SIZE,
    FRAME_SIZE = FRAME_TEMP + TEMPS * 8,
};

enum {
    TLB_READ = offsetof(TlbSlot, read), TLB_WRITE = offsetof(TlbSlot, write),
    TLB_EXEC = offsetof(TlbSlot, exec),
    TLB_USER_READ = offsetof(TlbSlot, user_read),
    TLB_USER_WRITE = offsetof(TlbSlot, user_write),
};

/* An operation done in C; in the data of the block. */
typedef struct OpCall {
    Ins ins;
    u32 operand;                /* type of a */
    const FpSoft *soft;
} OpCall;

/* A growing array of bytes. */
typedef struct Bytes {
    u8    *p;
    size_t n, room;
} Bytes;

void bytes_add(Bytes *b, const void *p, size_t n);

/* A direct exit, until it is known where sections go. */
typedef struct Link {
    u8  section;                /* of the site */
    u32 site, stub;             /* stubs are in cold code */
    bool guarded;
} Link;

/* A way out of the block whose instructions are counted; see there. */
typedef struct Counted {
    u8  section;
    u32 imm;                    /* offset of what is added to host_insns */
    u32 start, split;           /* hot code ... */
    u32 from, to;               /* ... and code in the section */
} Counted;

enum { COUNTED_MAX = 1024 };

/* All there is while one block is compiled. */
typedef struct Cc {
    const Ir  *b;
    TcgBuffer *t;
    TcgCode   *out;
    X86Has     has;
    As         hot, cold, data;
    As        *s;               /* the section being written */
    Relocs     relocs;
    Bytes      side;
    u32        nsites;
    u32        slow;            /* cold offset of the block's way to T_SLOW */
    Link       link[TCG_JUMPS];
    u32        max_jumps;
    u32        data_start;      /* of constants, behind the links' guards */
    const u32 *thunk;
    u32        wp;              /* X_W where guest addresses have 64 bits */
    u32        loop;            /* hot offset of the label */
    u16        written;         /* exit already emitted, with one before */
    u32        temps;           /* in use, in the frame: of sunk values */
    bool       keep_flags;      /* loads must leave the host's flags alone */
    u16        tested;          /* value whose sign and zero the host's flags */
    u32        tested_at;       /* tell, at this hot offset */
    u32        split, from;    /* where the way out leaves, and goes on */
    u32        ncounted;
    Counted    counted[COUNTED_MAX];
    Pages      pages;           /* group g keeps its entry in place g - 1 */
    Alloc      a;
} Cc;

/* What tcg_new() makes for the back end. */
typedef struct X86 {
    X86Has has;
    u32    thunk[T_COUNT];      /* offsets in the common area */
    Cc     cc;
} X86;

/* An operation's row: what emits it, and with what. */
typedef struct HostOp HostOp;
typedef void Emit(Cc *c, u16 v, const HostOp *row);
struct HostOp {
    Emit *emit;
    u32   op[4];                /* opcodes, by lane where that matters */
};

extern const HostOp x64_ops[IR_NOPS];

static inline u32 wide(Type t)
{
    return t == I64 ? X_W : 0;
}

static inline const Ins *ins_of(const Cc *c, u16 v)
{
    return &c->b->ins[v];
}

static inline Opd place_opd(int place)
{
    return mem_opd(RSP, place * PLACE_SIZE);
}

static inline Opd env_opd(size_t offset)
{
    return mem_opd(RBP, (i32)offset);
}

static inline Opd konst(Konst k)
{
    return rip_opd(S_COMMON, (u32)k * 16);
}

/* ---- x86_64.c: values --------------------------------------------------- */

/* v's value in `reg`, from wherever it is; allocates nothing.  Sunk values
 * pass through rax and rcx. */
void x64_fetch(Cc *c, u16 v, unsigned reg);
/* The register or memory that has v; false if it must be computed. */
bool x64_located(const Cc *c, u16 v, Opd *where);
/* reg = pc_page + offset; 32-bit guests' addresses wrap.  May use rcx. */
void x64_load_pc(Cc *c, unsigned reg, i64 offset);
/* Writes a value of type t from a register to memory, and back. */
void x64_store(Cc *c, Type t, unsigned reg, Opd to);
void x64_load(Cc *c, Type t, unsigned reg, Opd from);
void x64_move(Cc *c, Type t, unsigned to, unsigned from);
/* Is v a constant that fits a sign-extended 32-bit immediate? */
bool x64_imm(const Cc *c, u16 v, i32 *imm);
/* Is v what env holds in that slot anyway? */
bool x64_unchanged(const Cc *c, unsigned slot, u16 v);
/* v as operand: its register, or memory if it will not be wanted again. */
Opd  x64_opd(Cc *c, u16 v);
/* 16 bytes in the block's data; offset there. */
u32  x64_data(Cc *c, u64 lo, u64 hi);
/* The instruction by way of C; its operands are in registers or places. */
Emit x64_call_op, x64_get;
/* Emits, where c->s points, a call of the C form of v; the result to reg. */
void x64_op_by_call(Cc *c, u16 v, const int *regs, int result);

/* ---- x86_64_int.c ------------------------------------------------------- */

Emit x64_alu, x64_shift, x64_mul, x64_mulh, x64_div, x64_count, x64_bswap,
     x64_trunc, x64_zext, x64_sext, x64_extract, x64_sextract, x64_deposit;

/* ---- x86_64_flags.c ----------------------------------------------------- */

/* Host condition for "v is not 0", v folded or not. */
unsigned x64_cond(Cc *c, u16 v);
/* Brings what a condition reads into registers. */
void x64_cond_operands(Cc *c, u16 v);
/* The sunk or folded v in rax; uses rcx. */
void x64_sunk(Cc *c, u16 v);
bool x64_fold(const Ir *b, const Ins *i, unsigned use, unsigned uses);
Emit x64_set, x64_select, x64_flags, x64_notc, x64_packf, x64_unpackf,
     x64_fcond;

/* ---- x86_64_mem.c, x86_64_atomic.c -------------------------------------- */

/* One guest access. */
typedef struct Access {
    u16  base, index;           /* the address is value base, plus index */
    u8   scale;                 /* (if not 0) shifted so far left, ... */
    int  base_reg, index_reg;   /* (theirs, or -1: base is computed) */
    i32  disp;                  /* ... plus this */
    u32  width;                 /* ... in as many bits: X_W or 0 */
    int  span_reg;              /* of its span, or -1 */
    u32  bytes;
    u32  memop;
    u32  kind;                  /* MEM_*, and RmwKind, in their places */
    bool direct;                /* has a fast path */
    bool first;                 /* its group has no TLB entry yet */
    int  kept;                  /* place of that, or NO_PLACE */
    u32  stub;                  /* cold offset of the slow path */
    size_t record;              /* its snapshot in the side table */
} Access;

/* The access of instruction v: its address gets a register.  No other cold
 * code may be emitted from here until x64_slow_call(). */
void x64_access(Cc *c, u16 v, u32 kind, Access *m);
/* The current snapshot is the access's; before results get registers. */
void x64_access_snapshot(Cc *c, u16 v, Access *m);
/* rax = the address. */
void x64_address(Cc *c, const Access *m);
/* rcx = the offset in a TLB table of the entry for the address in rax. */
void x64_tlb_index(Cc *c);
/* Fast path: rcx + rax becomes the host address; else goes to the stub. */
void x64_check(Cc *c, Access *m, bool write, bool aligned);
/* In the stub: address and memop to env, and the call. */
void x64_slow_call(Cc *c, const Access *m);
/* An integer of the memop's size, zero- or sign-extended to type t. */
void x64_load_int(Cc *c, Type t, u32 memop, unsigned reg, Opd from);
void x64_full_fence(Cc *c);
/* Before the loop: groups that first access in it have no entry. */
void x64_forget_pages(Cc *c);
Emit x64_span, x64_loads, x64_stores, x64_cas, x64_casif, x64_rmw, x64_fence,
     x64_nothing;

static inline Opd mem_val(unsigned n)
{
    return env_opd(offsetof(TcgEnv, mem_val) + n * 8);
}

/* ---- x86_64_exit.c, x86_64_call.c, x86_64_loop.c ------------------------ */

/* Counts an entry of the block. */
void x64_count_entry(Cc *c);
/* Jumps to the guest address in rax; into sections or the common area. */
void x64_go(As *s, const u32 *thunk);
/* Slot = v, in env; uses rax and rcx. */
void x64_store_slot(Cc *c, unsigned slot, u16 v);
Emit x64_sync, x64_poll, x64_exit_if, x64_trap_if, x64_exit, x64_leave,
     x64_call;
Emit x64_phi, x64_label, x64_loop;

/* ---- x86_64_count.c ------------------------------------------------------ */

/* A way out of the block begins here: hot code before, c->s from here on. */
void x64_split(Cc *c);
/* Counts, if that is wanted: instructions up to v, another round up to v. */
void x64_count_exit(Cc *c, u16 v);
void x64_count_round(Cc *c, u16 v);
/* The last one counted ends here, if it has not before. */
void x64_counted(Cc *c);
/* All code is there. */
void x64_count_done(Cc *c);

/* ---- x86_64_x87.c ------------------------------------------------------- */

/* The call v of a helper with H_HOST(fn); false: call it. */
bool x64_host_fn(Cc *c, u16 v, HostFn fn);

/* ---- x86_64_vec.c, x86_64_fp.c ------------------------------------------ */

/* dst = a op b; without AVX dst must not be b unless it is a too. */
void x64_v3(Cc *c, u32 op, unsigned dst, unsigned a, Opd b);
void x64_v2(Cc *c, u32 op, unsigned dst, Opd a);
Emit x64_vec, x64_vec_rev, x64_vcgtu, x64_vec_widen, x64_vec1, x64_vshift,
     x64_vshuf, x64_vget, x64_vins, x64_vdup, x64_vpair, x64_vlow, x64_vzext,
     x64_bitsof;
Emit x64_farith, x64_ffma, x64_fminmax, x64_fcmpf, x64_f2f, x64_f2i, x64_i2f,
     x64_fround, x64_vfarith, x64_vfcmp;

/* ---- snap.c ------------------------------------------------------------- */

/* Appends the current snapshot to the side table's records. */
void snap_encode(Cc *c, u16 at);
/* The record that began at offset `record` is of the call returning to
 * offset `cold` in the cold code. */
void snap_returns(Cc *c, size_t record, u32 cold);
size_t snap_size(const Cc *c);
void snap_write(const Cc *c, u8 *to);
