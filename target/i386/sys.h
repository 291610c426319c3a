/* SPDX-License-Identifier: MIT */
/* Private to sys.c and control.c: what system instructions have in common. */
#pragma once
#include "target/i386/system.h"
#include "target/i386/translate.h"

enum { H_ALL = H_READ | H_WRITE | H_RAISE };

/*
 * next: the linear address behind the instruction that `key` ran in.  An
 * interrupt that became due is taken there.
 */
static inline void settle(X86Cpu *c, u32 key, u64 next)
{
    if (c->cpu.key != key || c->cpu.tcg.poll) {
        c->cpu.tcg.pc = next;
        cpu_resume(&c->cpu);
    }
}

static inline Val linear_next(X86Ctx *c) { return ir_pc(c->b, c->at + c->len); }
static inline Val k32(X86Ctx *c, u32 v) { return ir_i32(c->b, v); }

static inline void general_protection_unless(X86Cpu *c, bool ok)
{
    if (!ok) {
        x86_raise(c, X_GP, 0);
    }
}

static inline bool is_supervisor(const X86Ctx *c)
{
    return !(c->key & (KEY_CPL | KEY_VM));
}

static inline bool forbidden_by_umip(X86Ctx *c)
{
    return c->key & KEY_UMIP && x86_raise_at(c, X_GP, 0);
}

/* SLDT, SMSW: memory gets 16 bits, a register the operand size. */
static inline bool store_word(X86Ctx *c, Val v)
{
    if (is_mem(c)) {
        x86_store(c, x86_mem(c, 2, true), 2, x86_cut(c, 2, v));
    } else {
        x86_set(c, c->osize, c->rm, x86_to(c, c->osize == 2 ? 2 : 4, c->osize,
                                           x86_cut(c, c->osize, v), false));
    }
    return true;
}
