/* SPDX-License-Identifier: MIT */
/*
 * Shared by the system part of the x86 CPU: descriptors, stacks, transfers.
 * Selector, error code and field names are those of SDM volume 3.
 */
#pragma once
#include "target/i386/cpu.h"

enum {                          /* types of system descriptors (SDM 3.5) */
    T_TSS16 = 1, T_LDT = 2, T_BUSY16 = 3, T_CALL16 = 4, T_TASK = 5,
    T_INT16 = 6, T_TRAP16 = 7, T_TSS32 = 9, T_BUSY32 = 11, T_CALL32 = 12,
    T_INT32 = 14, T_TRAP32 = 15,
    T_BUSY = 2,                 /* the bit in a TSS's type */
};

/* A descriptor as read from its table. */
typedef struct Desc {
    u64 at;                     /* its linear address */
    u64 raw;
    u64 base;
    u32 limit;                  /* in bytes */
    u32 attr;                   /* as X86Seg.attr */
} Desc;

static inline bool protected_mode(const X86Cpu *c)
{
    return c->cr0 & CR0_PE && !(c->eflags & FL_VM);
}
static inline bool long_mode(const X86Cpu *c) { return c->efer & EFER_LMA; }
static inline bool is_null(u16 selector) { return !(selector & ~3); }
static inline u16 rpl_of(u16 selector) { return selector & 3; }
static inline unsigned dpl_of(const Desc *d) { return d->attr >> 5 & 3; }
static inline bool is_code(const Desc *d)
{
    return (d->attr & (SEG_S | SEG_CODE)) == (SEG_S | SEG_CODE);
}
static inline bool is_conforming(const Desc *d) { return d->attr & SEG_EC; }
static inline unsigned system_type(const Desc *d)
{
    return d->attr & SEG_TYPE;
}
static inline unsigned iopl_of(const X86Cpu *c)
{
    return c->eflags >> 12 & 3;
}
static inline bool canonical(u64 va)
{
    return (u64)sext(va, 48) == va;
}

/* ---- segment.c ---------------------------------------------------------- */
/* Guest memory with the rights of the supervisor or of CPL 3; may raise. */
u64  x86_mem_get(X86Cpu *c, u64 va, unsigned size, bool user);
void x86_mem_put(X86Cpu *c, u64 va, unsigned size, u64 v, bool user);
/*
 * The key of the CPU's own accesses, until x86_mode_changed(): many of them
 * are coming.
 */
void x86_system_rights(X86Cpu *c);
/* False: the selector is beyond its table. */
bool x86_find_desc(X86Cpu *c, u16 selector, Desc *d);
/* The same, and null or beyond raises `vector` with the selector. */
void x86_read_desc(X86Cpu *c, u16 selector, unsigned vector, u32 ext, Desc *d);
Desc x86_make_desc(u64 raw);
/* Bits 63:32 of the base of a 16-byte system descriptor. */
u64  x86_high_base(X86Cpu *c, const Desc *d);
void x86_set_accessed(X86Cpu *c, Desc *d);
/* Loads seg from a checked descriptor. */
void x86_use_desc(X86Cpu *c, unsigned seg, u16 selector, Desc *d);
/* Loads CS and the CPL; the key follows with x86_mode_changed(). */
void x86_use_code(X86Cpu *c, u16 selector, Desc *d, unsigned cpl);
/* Checks SS for a stack of level cpl; wrong: raises `vector`. */
void x86_check_ss(X86Cpu *c, u16 selector, unsigned cpl, unsigned vector,
                  u32 ext, Desc *d);
void x86_null_seg(X86Cpu *c, unsigned seg, u16 selector);
/* After a return outward: what the new CPL may not see becomes null. */
void x86_drop_inner_segs(X86Cpu *c);
/* What follows from CR0.PE, EFLAGS.VM: access rights of all segments. */
void x86_segs_changed(X86Cpu *c);
void x86_lldt(X86Cpu *c, u16 selector, unsigned vector);
void x86_ltr(X86Cpu *c, u16 selector);
/* LAR, LSL: false: not visible (ZF clear). */
bool x86_lar(X86Cpu *c, u16 selector, u32 *rights);
bool x86_lsl(X86Cpu *c, u16 selector, u32 *limit);
bool x86_verify(X86Cpu *c, u16 selector, bool write);
/* #GP(0) unless I/O to the port is allowed here. */
void x86_check_io(X86Cpu *c, u16 port, unsigned size);

/* A stack being pushed to or popped from; SP is set when all went well. */
typedef struct Stack {
    X86Cpu *c;
    u64  base, sp, mask;        /* mask of SP; linear: base + sp & mask */
    u32  limit, attr;
    bool wide;                  /* 64-bit: no limit */
    bool user;                  /* the rights of CPL 3 */
    u32  err;                   /* error code of #SS */
} Stack;

Stack x86_stack(X86Cpu *c);                 /* the current one */
Stack x86_stack_of(X86Cpu *c, const Desc *ss, u64 sp, unsigned cpl, u32 err);
void  x86_stack_push(Stack *s, unsigned size, u64 v);
u64   x86_stack_pop(Stack *s, unsigned size);
/* n words of 8 bytes on a 64-bit stack; n of `size` bytes from any. */
void  x86_stack_push_all(Stack *s, const u64 *v, unsigned n);
void  x86_stack_pop_all(Stack *s, unsigned size, u64 *v, unsigned n);
/* SP of r[] becomes s->sp; the upper part stays where the stack is small. */
void  x86_stack_keep(const Stack *s);

/* ---- exception.c -------------------------------------------------------- */
_Noreturn void x86_raise_fault(X86Cpu *c, const Fault *f);
/* SS:SP of level cpl from the TSS; raises #TS. */
void x86_inner_stack(X86Cpu *c, unsigned cpl, u32 ext, u16 *ss, u64 *sp);
void x86_reset_machine(X86Cpu *c, const char *why);
/* INT n with its checks in virtual-8086 mode. */
void x86_int_n(X86Cpu *c, unsigned vector, u64 next);

/* ---- far.c: next, off are offsets in CS; osize is 2, 4 or 8 ------------- */
typedef enum TaskKind { TASK_JUMP, TASK_CALL, TASK_INT, TASK_RET } TaskKind;
void x86_far_jump(X86Cpu *c, u16 selector, u64 off, u64 next);
void x86_far_call(X86Cpu *c, u16 selector, u64 off, unsigned osize, u64 next);
void x86_far_ret(X86Cpu *c, unsigned osize, unsigned release);
void x86_iret(X86Cpu *c, unsigned osize, u64 next);
/* d: the new TSS's descriptor, type and rights checked. */
void x86_task_switch(X86Cpu *c, u16 selector, const Desc *d, TaskKind kind,
                     u64 next);
/* Through a task gate of an IDT, or of a far transfer. */
void x86_task_gate(X86Cpu *c, const Desc *gate, TaskKind kind, u32 ext,
                   u64 next);
void x86_sysenter(X86Cpu *c);
void x86_sysexit(X86Cpu *c, bool wide);
void x86_syscall(X86Cpu *c, u64 next);
void x86_sysret(X86Cpu *c, bool wide);

/* ---- mmu.c -------------------------------------------------------------- */
/* Reads the four PDPTEs of PAE paging; false: a reserved bit is set. */
bool x86_load_pdptes(X86Cpu *c, u64 cr3);
u64  x86_physical_mask(const X86Cpu *c);        /* by MAXPHYADDR */

/* ---- spaces.c ----------------------------------------------------------- */
void x86_invlpg(X86Cpu *c, u64 va);
void x86_forget_pcid(X86Cpu *c, u16 pcid);

/* ---- msr.c -------------------------------------------------------------- */
/* Bits that may be set. */
u64  x86_cr4_allowed(const X86Cpu *c);
u64  x86_efer_allowed(const X86Cpu *c);
/* Would a write of v to CR0, 3, 4 or 8 be good, but for PDPTEs? */
bool x86_good_cr(const X86Cpu *c, u32 n, u64 v);
/* Checked writes: false is #GP(0). */
bool x86_write_cr0(X86Cpu *c, u64 v);
bool x86_write_cr3(X86Cpu *c, u64 v);
bool x86_write_cr4(X86Cpu *c, u64 v);
bool x86_write_efer(X86Cpu *c, u64 v);
bool x86_write_xcr0(X86Cpu *c, u64 v);
bool x86_write_dr(X86Cpu *c, unsigned n, u64 v);
bool x86_intc_read(X86Cpu *c, u32 number, u64 *v);
bool x86_intc_write(X86Cpu *c, u32 number, u64 v);

/* ---- smm.c -------------------------------------------------------------- */
void x86_enter_smm(X86Cpu *c);
bool x86_smi_due(const X86Cpu *c);
void x86_rsm(X86Cpu *c);
