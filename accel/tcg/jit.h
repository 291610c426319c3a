/* SPDX-License-Identifier: MIT */
/*
 * Private to accel/tcg: the block cache and the run loop.
 *
 * Locking: Jit.lock guards the cache's structure (hash, pages, links, code
 * memory).  Look-ups in the hash read without it; a block that they may hold
 * is freed only after a grace period.  Order: exclusive section, then
 * Jit.lock, then a Vcpu.lock.
 */
#pragma once
#include <setjmp.h>
#include "accel/vcpu.h"
#include "target/target.h"
#include "tcg/tcg.h"

typedef struct Block Block;

/* One direct exit of a block, as a member of its target's list. */
typedef struct Link {
    Block *to;                  /* NULL: not linked */
    struct Link *next, **prev;  /* among those that go to `to` */
    TcgJump *jump;
} Link;

struct Block {
    u64    phys;                /* guest physical address it is entered at */
    u32    key;                 /* Cpu.key it was made for */
    u16    first;               /* lowest guest byte, as offset in its page */
    u16    size;                /* guest bytes from there */
    u16    count;               /* guest instructions, each time round */
    bool   trace;               /* follows branches; see trace.c */
    bool   dead;                /* dropped: not found, not linked any more */
    bool   jumped;              /* may be in a jump cache */
    u8     paths;               /* that jit_trace() has seen */
    Block *hash_next, *page_next;
    struct CodePage *page;
    /* An instruction across pages, alone: `tail` bytes of it in the next. */
    u16    tail;
    u64    next_phys;           /* that page, when it was made */
    Block *tail_next;
    struct CodePage *tail_page;
    Link  *out;                 /* of each of the code's jumps */
    Link  *in;
    TcgCode code;
    Ir    *ir;                  /* interpreter backend: instead of code */
    i32    heat;                /* and code.heat */
};

/* A page of RAM that code was made of. */
typedef struct CodePage {
    u8    *host;                /* its first byte */
    Ram   *ram;
    u64    offset;
    u64    granules;            /* of 64 bytes, that blocks cover */
    Block *blocks;
    Block *tails;               /* blocks of the page before that end here */
    bool   held;                /* not to be freed though it is empty */
} CodePage;

typedef struct JitStats {
    u64 blocks, insns, guest_bytes, host_bytes;
    u64 links, lookups, invalidated, page_writes;
    u64 traces, trace_insns, loops;
} JitStats;

enum { HASH_BITS = 16 };

typedef struct Jit {
    Machine   *machine;
    TcgBuffer *buffer;
    GMutex     lock;
    Block     *hash[1 << HASH_BITS];
    GHashTable *pages;          /* CodePage by host address */
    GPtrArray *region[TCG_REGIONS];     /* of Block, in order of making */
    Ir        *ir;              /* scratch of the translator */
    bool       interp;
    u32        max_insns;       /* in a block */
    u32        heat;            /* entries that make a block hot */
    u32        region_now;      /* that is being filled; the next is empty */
    VcpuGrace  grace;           /* since the next one was emptied */
    u32        resets;          /* atomic: how many regions were emptied */
    JitStats   stats;
} Jit;

/* Of one vCPU. */
typedef struct JitCpu {
    jmp_buf resume;
    Cpu    *cpu;
    bool    one;                /* the next instruction alone: it writes to
                                   the block that it is in, or is watched */
    bool    alone;              /* that is being done */
} JitCpu;

static inline Jit *jit_of(const Cpu *c) { return c->machine->accel_data; }

/* ---- blocks.c ----------------------------------------------------------- */

typedef struct JitOptions {
    bool interp;
    u64  size;                  /* of code memory, bytes */
    u32  heat;                  /* entries that make a block hot; 0: none */
    bool count;                 /* the instructions that run */
} JitOptions;
bool   jit_new(Machine *m, const JitOptions *o, Err *err);
/* The block for c's pc, put into its jump cache; NULL.  In the guest. */
Block *jit_find(Cpu *c);
/* What code goes on with, if that is a block and nothing is for C: TcgFind. */
const void *jit_go_on(void *env, TcgJump *from);
/*
 * Makes it.  False if fetching faulted: then the exception has been taken.
 * Not in the guest.
 */
bool   jit_make(Cpu *c);
/* The live block entered at phys, or NULL.  In the guest, or with the lock. */
Block *jit_block(Jit *j, u64 phys, u32 key);
/* Makes code of j->ir for b, whose other fields are set, and enters it into
 * `page`; its tail, if it has one, is at *next.  False: no room.  With the
 * lock. */
bool   jit_add(Jit *j, Block *b, CodePage *page, const TlbHit *next, u64 pc);
/* Drops b.  With the lock. */
void   jit_drop(Jit *j, Block *b);
/* Starts j->ir; ends and logs it, `size` bytes at pc. */
void   jit_ir_begin(Jit *j, const Cpu *c, u64 pc);
void   jit_ir_end(Jit *j, const Cpu *c, u64 pc, const u8 *host, u32 size);
/* Sends jump j to `to`, if both still live. */
void   jit_link(Jit *j, TcgJump *jump, Block *to);
/* Drops all blocks (debugger).  On any thread; takes an exclusive section. */
void   jit_drop_all(Machine *m);
/* Drops those whose code is not at its guest physical address any more. */
void   jit_map_changed(Machine *m);
/* Where code is: its bytes to the page's end and, if wanted, the next page. */
typedef struct JitSource {
    TlbHit first, next;         /* next.host NULL: not wanted */
} JitSource;
/*
 * Translates at most max instructions at pc into j->ir, as -d asks logs it.
 * Returns the guest bytes; 0: the first one goes on in the next page, which
 * `from` must have.  With j->lock.
 */
u32    jit_front(Jit *j, Cpu *c, u64 pc, const JitSource *from, u32 max,
                 u32 *count);
/* Finds the host bytes of code at pc; false: the exception was taken. */
bool   jit_fetch(Cpu *c, u64 pc, TlbHit *hit);
/* Does a write to [pa, pa + len) change the code of b itself? */
bool   jit_covers(const Block *b, u64 pa, u64 len);

/* ---- trace.c ------------------------------------------------------------ */

/*
 * The block at c's pc is hot: runs on for a while to see where the path leads
 * and makes a trace of it.  Not in the guest.
 */
void   jit_trace(Cpu *c);

/* ---- access.c ----------------------------------------------------------- */

/* The slow path of guest memory accesses: TcgSlow. */
bool   jit_slow(void *env, const void *ret);

/* ---- debug.c ------------------------------------------------------------ */

/* Is there a breakpoint at pc?  It is noted as what stopped c. */
bool   jit_breakpoint(Cpu *c, u64 pc);
bool   jit_has_breakpoint(const Cpu *c, u64 pc);
void   jit_step(Cpu *c);
/* The instruction at the pc through the evaluator. */
void   jit_one(Cpu *c);
