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

/*
 * One instruction through the evaluator: no code is made, and no breakpoint
 * at its own address stops it.  A pending exception is taken instead.
 */
void jit_step(Cpu *c)
{
    Jit *j = jit_of(c);
    JitCpu *t = c->accel;
    TlbHit hit;
    Ir *volatile ir = NULL;     /* outlives a helper that does not return */

    if (setjmp(t->resume) == 0 && jit_fetch(c, c->tcg.pc, &hit)) {
        u32 count;
        g_mutex_lock(&j->lock);
        jit_front(j, c, c->tcg.pc, hit.host, 1, &count);
        ir = ir_copy(j->ir);
        g_mutex_unlock(&j->lock);
        vcpu_enter_guest(c);
        c->tcg.pc_page = align_down(c->tcg.pc, PAGE_SIZE);
        if (ir_eval(ir, NULL, c, jit_slow) == TCG_TRAP) {
            c->target->trap(c, (u32)c->tcg.trap);
        }
    }
    vcpu_leave_guest(c);
    free(ir);
    c->debug->single_step = false;
    machine_debug_stop(c);
}
