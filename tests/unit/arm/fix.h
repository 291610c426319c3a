/* SPDX-License-Identifier: MIT */
/* One AArch64 CPU that runs single instructions through the evaluator. */
#pragma once
#include <glib.h>
#include <stdio.h>
#include "accel/tcg/jit.h"
#include "target/arm/translate.h"

#define HERE 0x40000000ull      /* where instructions run */
enum { RAM_SIZE = 1 << 20 };

typedef struct Fix {
    ArmCpu *c;
    Machine *machine;
    JitCpu  jit;
    Ir     *ir;
    Ram    *ram;                /* at HERE */
    int     tests, failed;
    bool    wrong;              /* in the running test */
} Fix;

static inline void report(Fix *x, const char *what)
{
    x->failed += x->wrong;
    printf("%s %d - %s\n", x->wrong ? "not ok" : "ok", ++x->tests, what);
    x->wrong = false;
}

static inline void expect(Fix *x, const char *what, u64 got, u64 want)
{
    if (got != want) {
        x->wrong = true;
        printf("# %s: got %#llx, want %#llx\n", what, (unsigned long long)got,
               (unsigned long long)want);
    }
}

/* At EL1 with a flat address space; every register as reset leaves it. */
static inline void restart(Fix *x)
{
    const Target *t = x->c->cpu.target;

    t->reset(&x->c->cpu);
    t->start_at(&x->c->cpu, HERE, 0);
    x->c->vbar = 0x10000;
    x->c->event = false;
    x->c->cpu.lines = x->c->cpu.request = 0;
}

static inline bool setup(Fix *x, const char *model)
{
    const Target *t = target_find("aarch64");
    Err err = { "" };

    *x = (Fix) { .c = g_malloc0(t->cpu_size), .ir = g_new0(Ir, 1),
                 .machine = g_new0(Machine, 1) };
    x->machine->cpu[0] = &x->c->cpu;
    x->machine->ncpus = 1;
    x->c->cpu.machine = x->machine;
    x->c->cpu.target = t;
    x->c->cpu.accel = &x->jit;
    x->c->cpu.mem = mem_new();
    x->jit.cpu = &x->c->cpu;
    x->ram = ram_new("ram", RAM_SIZE, &err);
    if (!x->ram || !tlb_new(&x->c->cpu, &err)) {
        printf("not ok 1 - %s\n", err.text);
        return false;
    }
    mem_add(x->c->cpu.mem, &(MemRegion) { .name = "ram", .base = HERE,
                                          .size = RAM_SIZE, .ram = x->ram });
    if (!t->init(&x->c->cpu, model, "", &err)) {
        printf("not ok 1 - %s\n", err.text);
        return false;
    }
    restart(x);
    return true;
}

/* Moves to an exception level with the masks open. */
static inline void go_to(Fix *x, unsigned el)
{
    pstate_set(x->c, el ? PSTATE_EL1 | PSTATE_SP : 0);
    arm_mode_changed(x->c);
}

/* Runs w as the instruction at the pc, through the evaluator. */
static inline void run(Fix *x, u32 w)
{
    ArmCpu *c = x->c;
    u16 at = c->cpu.tcg.pc & (PAGE_SIZE - 1);
    u8 insn[4];

    store_le(insn, 4, w);
    c->cpu.tcg.pc_page = align_down(c->cpu.tcg.pc, PAGE_SIZE);
    ir_start(x->ir, arm_slots, ARM_SLOTS, I64, at);
    ir_insn(x->ir, at);
    arm_translate(x->ir, &c->cpu, c->cpu.key, insn, 4);
    if (!x->ir->ended) {
        ir_exit(x->ir, ir_pc(x->ir, at + 4), EXIT_JUMP);
    }
    if (setjmp(x->jit.resume) == 0) {
        if (ir_eval(x->ir, NULL, c, jit_slow) == TCG_TRAP) {
            c->cpu.target->trap(&c->cpu, (u32)c->cpu.tcg.trap);
        }
    }
}

/* All of a program's tests, on one CPU; what main() returns. */
static inline int run_tests(void (*const *tests)(Fix *), u32 n)
{
    static Fix x;               /* lives as long as the process */

    if (!setup(&x, "cortex-a57")) {
        return 1;
    }
    for (u32 i = 0; i < n; i++) {
        tests[i](&x);
    }
    printf("1..%d\n", x.tests);
    return x.failed != 0;
}
