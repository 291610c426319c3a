/* SPDX-License-Identifier: MIT */
/* Breakpoints and single steps under the translator. */
#include <stdlib.h>
#include "accel/tcg/jit.h"

static const Break *breakpoint_at(const Cpu *c, u64 pc)
{
    const CpuDebug *d = c->debug;

    for (u32 i = 0; d && i < d->breaks->len; i++) {
        const Break *b = &g_array_index(d->breaks, Break, i);
        if ((b->kind == BREAK_SW || b->kind == BREAK_HW) && b->addr == pc) {
            return b;
        }
    }
    return NULL;
}

bool jit_has_breakpoint(const Cpu *c, u64 pc)
{
    return breakpoint_at(c, pc) != NULL;
}

bool jit_breakpoint(Cpu *c, u64 pc)
{
    const Break *b = breakpoint_at(c, pc);

    if (b) {
        c->debug->hit = *b;
        c->debug->hit_addr = pc;
    }
    return b != NULL;
}

/* The one at the pc as IR, to be freed; NULL: an exception was taken. */
static Ir *translate_one(Jit *j, Cpu *c)
{
    JitSource from = { .next.host = NULL };
    u64 next = align_down(c->tcg.pc, PAGE_SIZE) + PAGE_SIZE;
    u32 size = 0, count;
    Ir *ir = NULL;

    while (!size && jit_fetch(c, c->tcg.pc, &from.first)) {
        g_mutex_lock(&j->lock);
        size = jit_front(j, c, c->tcg.pc, &from, 1, &count);
        ir = size ? ir_copy(j->ir) : NULL;
        g_mutex_unlock(&j->lock);
        if (!size && !jit_fetch(c, next, &from.next)) {
            break;
        }
    }
    return ir;
}

/*
 * No code is made, and no breakpoint at its own address stops it.  A pending
 * exception is taken instead.
 */
void jit_one(Cpu *c)
{
    JitCpu *t = c->accel;
    Ir *volatile ir = NULL;     /* outlives a helper that does not return */

    if (setjmp(t->resume) == 0 && (ir = translate_one(jit_of(c), c))) {
        vcpu_enter_guest(c);
        c->tcg.pc_page = align_down(c->tcg.pc, PAGE_SIZE);
        t->alone = true;
        if (ir_eval(ir, NULL, c, jit_slow) == TCG_TRAP) {
            c->target->trap(c, (u32)c->tcg.trap);
        }
    }
    t->alone = false;
    vcpu_leave_guest(c);
    free(ir);
}

void jit_step(Cpu *c)
{
    jit_one(c);
    c->debug->single_step = false;
    machine_debug_stop(c);
}
