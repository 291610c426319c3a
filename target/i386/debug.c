/* SPDX-License-Identifier: MIT */
/*
 * Debug registers: breakpoints on instructions, data and ports, and the #DB
 * that follows an instruction.
 * Reference: SDM volume 3, 18.2 "Debug Registers", 18.3 "Debug Exceptions".
 *
 * Data is watched by the TLB, which sends accesses to its pages to
 * x86_watch().  Breakpoints on instructions and ports set KEY_BREAK: then
 * each instruction begins with x86_begin_insn().
 */
#include "target/i386/system.h"

enum { EXEC, WRITE, PORT, BOTH, REGISTERS = 4 };

typedef struct Point {
    u64 at;
    u32 len;
    unsigned kind;
} Point;

/* False: register n is not on. */
static bool point(const X86Cpu *c, unsigned n, Point *p)
{
    static const u8 lengths[] = { 1, 2, 8, 4 };
    u32 control = (u32)c->dr[7], how = control >> (16 + n * 4);

    if (!(control >> (n * 2) & 3)) {
        return false;
    }
    p->kind = how & 3;
    p->len = lengths[how >> 2 & 3];
    p->at = align_down(c->dr[n], p->len);
    return p->kind != PORT || c->cr4 & CR4_DE;
}

static bool overlaps(const Point *p, u64 at, u64 len)
{
    return at < p->at + p->len && p->at < at + len;
}

/* Bits of DR6 for those that `kinds` (a bit each) hit; none while GIF is 0. */
static u32 hits(const X86Cpu *c, u64 at, u64 len, unsigned kinds)
{
    u32 found = 0;

    for (unsigned n = 0; n < REGISTERS && !c->svm.closed; n++) {
        Point p;
        if (point(c, n, &p) && kinds >> p.kind & 1
            && overlaps(&p, at, p.kind == EXEC ? 1 : len)) {
            found |= 1u << n;
        }
    }
    return found;
}

void x86_debug_changed(X86Cpu *c)
{
    u32 watches = 0;
    bool watched = c->cpu.watches;

    c->breaks = false;
    for (unsigned n = 0; n < REGISTERS; n++) {
        Point p;
        if (point(c, n, &p)) {
            watches += p.kind == WRITE || p.kind == BOTH;
            c->breaks |= p.kind == EXEC || p.kind == PORT;
        }
    }
    c->cpu.watches = watches;
    if (watches || watched) {
        tlb_flush(&c->cpu, 0, 0, 0, 0);
    }
    x86_mode_changed(c);
}

bool x86_watch(Cpu *cpu, u64 va, u64 len, Access a, bool made)
{
    X86Cpu *c = x86_cpu(cpu);
    u32 found = hits(c, va, len, 1 << BOTH
                     | (a == ACCESS_WRITE ? 1 << WRITE : 0));

    if (found && made) {
        c->debug_due |= found;
        cpu_request(cpu, REQ_INTERRUPT);
    }
    return found;
}

void x86_watch_port(X86Cpu *c, u32 number, u32 size)
{
    c->debug_due |= hits(c, number, size, 1 << PORT);
}

void x86_take_debug(X86Cpu *c)
{
    c->dr[6] |= c->debug_due;
    c->debug_due = 0;
    x86_interrupt_to(c, X_DB, INT_EXCEPTION, 0, x86_ip(c));
}

/* A breakpoint on the instruction at the pc is a fault, once: RF. */
static void break_here(X86Cpu *c)
{
    u32 found = hits(c, c->cpu.tcg.pc, 1, 1 << EXEC);

    if (c->eflags & FL_RF) {
        c->eflags &= ~(u32)FL_RF;
    } else if (found) {
        c->dr[6] |= found;
        c->eflags |= FL_RF;             /* in the image */
        x86_raise(c, X_DB, 0);
    }
}

void x86_begin_insn(X86Cpu *c)
{
    u32 key = c->cpu.key;

    if (c->debug_due && !c->shadow) {
        x86_take_debug(c);
        cpu_resume(&c->cpu);
    }
    if (key & KEY_BREAK) {
        break_here(c);
    }
    if (!(key & (KEY_TF | KEY_SHADOW))) {
        return;
    }
    if (c->shadow) {
        c->shadow = false;
        c->svm.shadow_ip = c->cpu.tcg.pc;       /* for a #VMEXIT here */
        x86_check_lines(c);
    }
    c->debug_due |= c->eflags & FL_TF ? DR6_BS : 0;
    x86_mode_changed(c);
}
