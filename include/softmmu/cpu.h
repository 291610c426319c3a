/* SPDX-License-Identifier: MIT */
/*
 * A guest CPU as everything outside target/ sees it.
 *
 * A target's CPU struct begins with a Cpu.  Fields are changed by the vCPU's
 * own thread unless the comment says otherwise.
 */
#pragma once
#include <glib.h>
#include "softmmu/memory.h"
#include "tcg/tcg.h"
#include "util/err.h"

typedef struct Target  Target;
typedef struct Machine Machine;

/* Bits of Cpu.request, set by any thread; cpu_kick() makes them seen. */
enum {
    REQ_INTERRUPT = 1 << 0,     /* look at the interrupt lines */
    REQ_STOP      = 1 << 1,     /* stop running (pause, debugger, exit) */
    REQ_WORK      = 1 << 2,     /* run the queued work items */
    REQ_EXCLUSIVE = 1 << 3,     /* another vCPU wants to be alone */
    REQ_DEBUG     = 1 << 4,     /* a breakpoint or watchpoint was hit */
};

/* How a vCPU is stopped. */
typedef enum CpuStop {
    CPU_RUNNING, CPU_PAUSED, CPU_OFF        /* powered off, e.g. by PSCI */
} CpuStop;

/*
 * A CPU-local interrupt controller as its CPU sees it; the board sets it.
 * All run on the CPU's thread with the machine lock held.
 */
typedef struct CpuIntc {
    /* The vector of the interrupt that the CPU takes now; -1: none is due. */
    int  (*ack)(void *s);
    /* Its registers among the CPU's (x86: MSRs, CR8); false: there is none. */
    bool (*sysreg_read)(void *s, u32 number, u64 *v);
    bool (*sysreg_write)(void *s, u32 number, u64 v);
} CpuIntc;

/* The number of CR8, x86's task priority, among the MSRs of CpuIntc. */
enum { SYSREG_CR8 = 0xffffff08 };

struct Cpu {
    TcgEnv        tcg;          /* first: offset 0 is env */
    const Target *target;
    Machine      *machine;
    MemSpace     *mem, *code_mem;   /* what it reads and writes, and runs */
    int           index;        /* of its place among CPUs: its number */
    u32           arch_id;      /* by which guests know it: the APIC id */
    bool          absent;       /* only its place is there; machine lock */
    bool          ejected;      /* the guest let it go; see hotplug.h */
    char         *id;           /* of one that a monitor added, or NULL */
    int           thread_id;    /* the host's; 0: it does not run yet */
    const char   *model;
    volatile u32  request;      /* REQ_*, atomic */
    volatile u32  lines;        /* levels of the input lines, atomic */
    bool          halted;       /* in WFI or HLT: waits for an interrupt */
    CpuStop       stop;         /* guarded by the machine lock */
    struct Tlb   *tlb;          /* softmmu/tlb.c */
    u32           key;          /* key bits of the code that runs now */
    u64           space;        /* address-space id, as told to tlb_switch */
    void         *accel;        /* the accelerator's own */
    struct CpuDebug *debug;     /* break- and watchpoints; NULL: none */
    u32           watches;      /* the guest's own that are on: Target.watch */
    struct Vcpu  *vcpu;         /* accel/vcpu.c: its thread */
    const CpuIntc *intc;        /* NULL: none, or it needs no acknowledge */
    void         *intc_state;
};

/* The slow path's ways of naming an access. */
typedef enum Access { ACCESS_FETCH, ACCESS_READ, ACCESS_WRITE } Access;
enum { PROT_R = 1, PROT_W = 2, PROT_X = 4 };

/* A translation that a page walk found. */
typedef struct Page {
    u64  pa;                    /* of the page asked for, 4 KiB-aligned */
    u8   log2;                  /* size of the mapping, >= 12 */
    u8   prot;                  /* PROT_* for the access's privilege */
    bool global;                /* not tied to the address-space id */
    bool device;                /* must not be accessed unaligned */
} Page;

/* Why an access failed, in terms only the target reads. */
typedef struct Fault {
    u64 va;
    u64 code;                   /* e.g. ARM fault status code */
    Access access;
    bool user;
    u64 pa;                     /* of an external abort */
} Fault;

/* ---- called by devices, monitor, gdbstub (any thread) ------------------- */

/* Sets request bits and makes the vCPU notice: at its next poll or asleep. */
void cpu_request(Cpu *c, u32 bits);
/*
 * Runs fn(c, data) on c's thread at an instruction boundary; returns at once
 * or, if wait, when done.  From c's own thread it runs now.
 */
void cpu_run_on(Cpu *c, void (*fn)(Cpu *c, void *data), void *data, bool wait);
/* Input line n of a Cpu, as a sink of line_connect(). */
void cpu_line(void *c, int n, bool level);
/* The host's id of c's thread, which has been started. */
int  cpu_thread_id(const Cpu *c);
/* The vCPU of the calling thread, or NULL. */
Cpu *cpu_current(void);

/* ---- called by targets on c's own thread -------------------------------- */

/*
 * Leaves the helper that runs and continues at c->tcg.pc.  For helpers with
 * H_RAISE, after the exception's entry state was set.
 */
_Noreturn void cpu_resume(Cpu *c);
/* Sleeps until an interrupt may be due: sets halted and resumes the loop. */
_Noreturn void cpu_halt(Cpu *c);

/* ---- the current vCPU's software TLB (softmmu/tlb.c) -------------------- */

bool tlb_new(Cpu *c, Err *err);
void tlb_free(Cpu *c);

/*
 * Says that from now on code runs in address space `space` (a number the
 * target makes of ASID and whatever else tells translations apart) with key
 * bits `key` (privilege, modes; what translated code depends on).  Selects a
 * TLB slot; flushes nothing.  Global translations are shared by the spaces
 * whose bits 63:48 are the same.
 */
void tlb_switch(Cpu *c, u64 space, u32 key);
/*
 * The same for code that has nearly global translations alone, as a kernel:
 * if no slot is that of `space` and `key`, one of the same key becomes it and
 * keeps those.
 */
void tlb_switch_kernel(Cpu *c, u64 space, u32 key);
/*
 * What is known of space `old` is dropped, but for global translations, and
 * its place becomes that of `space`, a new one.  What is cached of old
 * elsewhere must never be asked for again.
 */
void tlb_replace_space(Cpu *c, u64 old, u64 space);
/*
 * TLB maintenance on this vCPU: drops translations of [va, va + len) (len 0:
 * all) in spaces for which (space & mask) == match; global ones always go too.
 */
void tlb_flush(Cpu *c, u64 va, u64 len, u64 match, u64 mask);
/* The same, for translations that were never global. */
void tlb_flush_local(Cpu *c, u64 va, u64 len, u64 match, u64 mask);
/* tlb_flush() on every vCPU, done when it returns. */
void tlb_flush_all(Cpu *c, u64 va, u64 len, u64 match, u64 mask);
/* Host address of guest virtual memory for a helper, or NULL: do it slowly. */
u8  *tlb_host(Cpu *c, u64 va, Access access, unsigned size);

/* Where an access goes; the answer of tlb_resolve(). */
typedef struct TlbHit {
    u64 pa;
    u8 *host;                   /* RAM: host address; NULL: MMIO */
    const MemRange *range;      /* NULL: nothing is there */
    bool slow;                  /* RAM whose writes must be noted */
    bool device;                /* device memory: no unaligned accesses */
} TlbHit;
/*
 * Translates va for an access within one page, through the second level and
 * the page walk, and fills the first-level entry.  False: *f says why.
 */
bool tlb_resolve(Cpu *c, u64 va, Access a, bool user, TlbHit *hit, Fault *f);
/* The address space's slot in use gets an exec entry for va's page. */
void tlb_fill_exec(Cpu *c, u64 va, u64 phys);
/* Makes writes to this page of r take the slow path on this vCPU. */
void tlb_protect(Cpu *c, const Ram *r, u64 offset);
/* Puts host code of pc into the current space's jump cache. */
void tlb_jump_add(Cpu *c, u64 pc, const void *host);
/* Removes whatever leads to `host` for code at this page offset; any thread. */
void tlb_jump_drop(Cpu *c, u32 page_offset, const void *host);
void tlb_jump_clear(Cpu *c);    /* all of it; no translated code may run */
typedef struct TlbStats {
    u64 walks, fills, flushes, page_flushes, switches;
} TlbStats;
const TlbStats *tlb_stats(const Cpu *c);

/*
 * Guest virtual accesses from helpers, with all checks of a translated one;
 * they do not return if the guest faults (the helper needs H_RAISE).
 */
u64  cpu_load(Cpu *c, u64 va, u32 memop);
void cpu_store(Cpu *c, u64 va, u64 v, u32 memop);
/* Raises the guest's fault, from a helper. */
_Noreturn void cpu_fault(Cpu *c, const Fault *f);

/* For debugger and monitor: reads without side effects; false: not mapped. */
bool cpu_debug_read(Cpu *c, u64 va, void *buf, u64 len);
bool cpu_debug_write(Cpu *c, u64 va, const void *buf, u64 len);
