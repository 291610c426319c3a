/* SPDX-License-Identifier: MIT */
/*
 * From IR to host code: what the compiler needs of its surroundings, and what
 * it gives.  The compiler knows no CPU: env is a struct whose interesting
 * places are told by a TcgLayout, once for the program.
 *
 * Registers while translated code runs: env and the current TLB slot's base
 * are fixed (rbp and r15 on x86-64); code is entered and left by jumps only.
 */
#pragma once
#include "tcg/fp.h"
#include "tcg/ir.h"
#include "util/err.h"

/* Why translated code went back to C; the return value of tcg_enter(). */
typedef enum TcgExit {
    TCG_LOOKUP,         /* env.pc is not in the jump cache */
    TCG_LINK,           /* a direct exit not linked; env.exit says which */
    TCG_POLL,           /* env.poll was not 0; env.pc is where to go on */
    TCG_TRAP,           /* trap_if at env.pc; env.trap is its code */
    TCG_HOT,            /* at env.pc a block was entered Ir.heat times;
                           env.exit is its code */
} TcgExit;

enum { TCG_REGS = 16 };

/*
 * The part of env that the compiler's code shares with C.  It is found at
 * offset 0 of env.
 */
typedef struct TcgEnv {
    u64  pc;                /* valid in C; stale while code runs */
    u64  pc_page;           /* start of the guest page that runs */
    u32  poll;              /* set to stop at the next poll */
    u32  mxcsr;             /* FP control while code runs */
    u16  fcw, fsw;          /* of 80-bit arithmetic, see HostFn; fcw 0: none */
    u64  fop;               /* its operand on the way */
    u8  *tlb;               /* current TLB slot, see TlbSlot */
    u8  *jcache;            /* JumpEntry[1 << JCACHE_BITS] */
    void *exit;             /* TCG_LINK: the TcgJump taken; during TcgSlow:
                               the TcgCode that makes the access */
    u64  trap;              /* TCG_TRAP: which */
    /* A guest access on its way through the slow path. */
    u64  mem_addr;
    u64  mem_val[4];        /* data in or out; pairs and V128 in order */
    u64  mem_expect[2];     /* cas: the value expected */
    u64  mem_memop;         /* MemOp | MEM_KIND_SHIFTed kind | rmw << 24 */
    u64  guest_insns;       /* that ran, if they are counted; and the host's */
    u64  host_insns;
    void *host_sp;          /* stack of tcg_enter(); NULL: no code runs */
    /* Host registers as the slow path's thunk saved them. */
    u64  reg[TCG_REGS];
    V128 vreg[TCG_REGS];
} TcgEnv;

enum { MEM_LOAD, MEM_STORE, MEM_CAS, MEM_RMW, MEM_SPAN };
enum { MEM_KIND_SHIFT = 16, MEM_RMW_SHIFT = 24 };

/* ---- the current address space, as translated code sees it -------------- */

enum {
    TLB_BITS = 12, TLB_SIZE = 1 << TLB_BITS, PAGE_BITS = 12,
    PAGE_SIZE = 1 << PAGE_BITS,
    JCACHE_BITS = 12,
};

/*
 * A hit is (tag ^ address) <= PAGE_SIZE - size; the host address is then
 * host + (tag ^ address).  tag is the page's address, or has bits that no
 * hit can have where the page is absent or slow (all ones; low bits set).
 * The index is the page number's low TLB_BITS.
 */
typedef struct TlbEntry {
    u64 tag;
    u64 host;
} TlbEntry;

/*
 * exec's host: physical page the code is at, as CodeKey.phys of its blocks.
 * The user_ tables are for accesses of a kernel with M_USER.
 */
typedef struct TlbSlot {
    TlbEntry read[TLB_SIZE];
    TlbEntry write[TLB_SIZE];
    TlbEntry exec[TLB_SIZE];
    TlbEntry user_read[TLB_SIZE];
    TlbEntry user_write[TLB_SIZE];
} TlbSlot;

/*
 * Index: bits 2.. of the pc, JCACHE_BITS of them.  An empty entry has a key
 * that no pc can have.
 */
typedef struct JumpEntry {
    u64   key;              /* pc */
    void *host;
} JumpEntry;

/* ---- what is made ------------------------------------------------------- */

/*
 * A direct exit.  Its jump first goes to its stub, which reports TCG_LINK
 * with the pc set.  A page-crossing exit is guarded: its code computes the
 * target's page, compares that page's exec entry with the guard (data beside
 * the code, written by tcg_link), and only then jumps.
 */
typedef struct TcgJump {
    struct TcgCode *code;   /* it belongs to */
    u32   site;             /* offset in code of the 32-bit displacement */
    u32   stub;             /* offset of the stub it goes to when unlinked */
    u32   guard;            /* offset of the guard's u64 phys; 0: same page */
    i64   target;           /* byte offset from the start of our page */
    void *user;             /* for the block cache */
} TcgJump;

typedef struct TcgCode {
    u8    *exec;            /* entry; executable mapping */
    u32    size;            /* bytes of hot code */
    u8    *cold;            /* stubs, data, side table: executable mapping */
    u32    cold_size;
    u32    njumps;
    TcgJump *jump;          /* its direct exits */
    u8    *side;            /* snapshots, in the region; see tcg/snap.c */
    u32    side_size;
    u32    region;          /* of the buffer it lies in */
    bool   keeps_pages;     /* TLB entries, until it is left: see pages.h */
    i32   *heat;            /* entries left until TCG_HOT; NULL: not counted */
} TcgCode;

typedef struct TcgBuffer TcgBuffer;

/* Is there a back end for this host?  Else only the evaluator runs code. */
extern const bool tcg_native;

/*
 * C's end of the slow path: does the access that env describes.  `ret` is a
 * host address in the code that made it.  Returns false if the guest faulted:
 * then env is what the guest's handler sees, pc included, and the thunk
 * continues there as IR_leave does.
 */
typedef bool TcgSlow(void *env, const void *ret);

/*
 * Code to go on with at env.pc, which is not in the jump cache, or to which
 * the exit `from` (NULL: none) is not linked; or NULL: back to the caller of
 * tcg_enter(), with TCG_LOOKUP or TCG_LINK.
 */
typedef const void *TcgFind(void *env, TcgJump *from);

/*
 * Makes the compiler's buffer: `size` bytes of code memory mapped twice
 * (writable and executable), and the common code (entry, exits, thunks).
 */
TcgBuffer *tcg_new(size_t size, TcgSlow *slow, TcgFind *find, Err *err);
void       tcg_free(TcgBuffer *t);
/* From now on code is made that counts: TcgEnv.guest_insns, .host_insns. */
void       tcg_count(TcgBuffer *t);

/*
 * Code memory is TCG_REGIONS equal regions, filled one after the other.
 * Compiles b into the current one; false if it is full.  Then the caller goes
 * on to the next with tcg_next_region(), which names the region that will be
 * reused: no thread may be in its code, nothing may link to it any more.
 * Not thread-safe: the caller locks.
 */
enum { TCG_REGIONS = 16, TCG_JUMPS = 64 };
bool tcg_compile(TcgBuffer *t, const Ir *b, TcgCode *out);
/* Frees what *c has beside its code. */
void tcg_free_code(TcgCode *c);
u32  tcg_next_region(TcgBuffer *t);

/* Runs translated code until it needs C.  Host FP control is switched. */
TcgExit tcg_enter(TcgBuffer *t, void *env, const void *exec);

/*
 * For C that leaves translated code by longjmp instead of returning to it:
 * keeps the sticky FP flags in env.mxcsr and restores C's FP control.
 */
void tcg_abandon(void *env);

/*
 * Sends jump j of running code straight to `to` (NULL: back to its stub), one
 * atomic store.  guard_phys is compared first where j crosses pages.
 */
void tcg_link(TcgBuffer *t, TcgJump *j, const TcgCode *to, u64 guard_phys);

/*
 * Writes the guest state that the code at host address `ret` (after a call to
 * the slow path) stood for into env, from env.reg, env.vreg and the stack.
 * pc_page stays; env.pc is set.
 */
void tcg_restore(const TcgCode *c, void *env, const void *ret);

size_t tcg_used(const TcgBuffer *t);    /* bytes of code memory in use */
/* Disassembles host code to f, if capstone knows it. */
void tcg_print_host(const TcgCode *c, FILE *f);

/* ---- the evaluator ------------------------------------------------------ */

/*
 * Runs b on env without host code.  Memory goes through `slow`, with ret
 * NULL: the evaluator has written env before.  Returns as tcg_enter() does;
 * a direct exit sets env.pc and gives TCG_LOOKUP.
 */
TcgExit ir_eval(const Ir *b, const IrLive *l, void *env, TcgSlow *slow);
