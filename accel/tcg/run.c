/* SPDX-License-Identifier: MIT */
/*
 * The translator as an accelerator: the loop that runs a vCPU.
 *
 * A block is looked for in the guest, so that it cannot be freed meanwhile and
 * whatever other threads asked for (flushes, resets) was done before.
 */
#include "accel/tcg/jit.h"
#include "util/log.h"

enum { CODE_SIZE = 256 << 20, HOT = 4000, HOT_MAX = 1 << 30 };

void cpu_resume(Cpu *c)
{
    JitCpu *t = c->accel;

    longjmp(t->resume, 1);
}

void cpu_halt(Cpu *c)
{
    c->halted = true;
    cpu_resume(c);
}

/* Serves what other threads asked for.  False: run() must return. */
static bool serve(Cpu *c)
{
    __atomic_store_n(&c->tcg.poll, 0, __ATOMIC_SEQ_CST);
    u32 request = __atomic_exchange_n(&c->request, 0, __ATOMIC_SEQ_CST);

    if (c->halted) {
        return false;
    }
    if (request & REQ_DEBUG) {
        machine_debug_stop(c);
        return false;
    }
    if (request & REQ_STOP) {
        return false;
    }
    if (request & REQ_INTERRUPT) {
        c->target->interrupt(c);
    }
    return true;
}

static void log_registers(Cpu *c)
{
    FILE *f = log_lock();

    c->target->dump(c, f);
    if (log_on(LOG_FPU) && c->target->dump_fp) {
        c->target->dump_fp(c, f);
    }
    log_unlock();
}

static void log_block(Cpu *c, const Block *b)
{
    if (!log_on(LOG_BLOCKS) || !log_wants(c->tcg.pc)) {
        return;
    }
    if (log_on(LOG_EXEC)) {
        char where[128] = "";
        if (c->target->describe) {
            c->target->describe(c, where, sizeof where);
        }
        log_line(LOG_EXEC, "exec %d: %016llx key %x insns %u %s", c->index,
                 (unsigned long long)c->tcg.pc, b->key, b->count, where);
    }
    if (log_on(LOG_CPU)) {
        log_registers(c);
    }
}

static TcgExit enter(Cpu *c, Jit *j, Block *b)
{
    c->tcg.pc_page = align_down(c->tcg.pc, PAGE_SIZE);
    if (j->interp && b->code.heat && --b->heat < 0) {
        return TCG_HOT;
    }
    return j->interp ? ir_eval(b->ir, NULL, c, jit_slow)
                     : tcg_enter(j->buffer, c, b->code.exec);
}

/*
 * Finds and runs the block at the pc.  `from`: the exit that led here, to be
 * linked, if no region of code memory was emptied since `resets`.
 */
static TcgExit run_block(Cpu *c, Jit *j, TcgJump *from, u32 resets)
{
    Block *b;

    vcpu_enter_guest(c);
    u64 pc = c->tcg.pc;
    while (!(b = jit_find(c))) {
        vcpu_leave_guest(c);
        if (!jit_make(c)) {
            return TCG_LOOKUP;  /* the fetch faulted: pc is the handler's */
        }
        vcpu_enter_guest(c);
    }
    if (from && pc == c->tcg.pc && !log_on(LOG_BLOCKS)
        && __atomic_load_n(&j->resets, __ATOMIC_SEQ_CST) == resets) {
        jit_link(j, from, b);
    }
    log_block(c, b);
    return enter(c, j, b);
}

static void run(Cpu *c)
{
    JitCpu *t = c->accel;
    Jit *j = jit_of(c);
    TcgJump *volatile from = NULL;
    volatile u32 resets = 0;

    if (c->debug && c->debug->single_step) {
        jit_step(c);
        return;
    }
    c->target->interrupt(c);
    while (setjmp(t->resume)) {
        tcg_abandon(&c->tcg);
        vcpu_leave_guest(c);
        from = NULL;
        if (!t->one) {
            break;
        }
        t->one = false;
        jit_one(c);             /* uses t->resume itself */
    }
    for (;;) {
        if (__atomic_load_n(&c->tcg.poll, __ATOMIC_SEQ_CST) || c->halted) {
            from = NULL;
            if (!serve(c)) {
                return;
            }
        }
        if (unlikely(c->debug)) {
            from = NULL;
            if (jit_breakpoint(c, c->tcg.pc)) {
                machine_debug_stop(c);
                return;
            }
        }
        u32 now = __atomic_load_n(&j->resets, __ATOMIC_SEQ_CST);
        if (now != resets) {
            resets = now;
            from = NULL;        /* its block may be gone */
        }
        TcgExit why = run_block(c, j, from, now);
        from = why == TCG_LINK ? c->tcg.exit : NULL;
        if (why == TCG_TRAP) {
            c->target->trap(c, (u32)c->tcg.trap);
        }
        vcpu_leave_guest(c);
        if (why == TCG_HOT) {
            jit_trace(c);
        }
    }
}

/* ---- the accelerator's row ---------------------------------------------- */

static bool available(const Machine *m, Err *err)
{
    (void)m;
    (void)err;
    return true;
}

static bool set_hot(JitOptions *o, const char *text, Err *err)
{
    char *end;
    u64 n = g_ascii_strtoull(text, &end, 10);

    o->heat = (u32)n;
    return (*text && !*end && n <= HOT_MAX)
        || fail(err, "-accel tcg: hot is how often a block is entered before "
                "it gets a trace, 0 for never, not \"%s\"", text);
}

static bool set_option(const char *text, JitOptions *o, Err *err)
{
    g_auto(GStrv) kv = g_strsplit(text, "=", 2);

    if (strcmp(kv[0], "hot") == 0 && kv[1]) {
        return set_hot(o, kv[1], err);
    }
    if (strcmp(kv[0], "backend") == 0 && kv[1]) {
        o->interp = strcmp(kv[1], "interp") == 0;
        return o->interp || strcmp(kv[1], "native") == 0
            || fail(err, "-accel tcg: backend is native or interp, not \"%s\"",
                    kv[1]);
    }
    if (strcmp(kv[0], "count") == 0 && kv[1]) {
        o->count = strcmp(kv[1], "on") == 0;
        return o->count || strcmp(kv[1], "off") == 0
            || fail(err, "-accel tcg: count is on or off, not \"%s\"", kv[1]);
    }
    if (strcmp(kv[0], "tb-size") == 0 && kv[1]) {
        o->size = g_ascii_strtoull(kv[1], NULL, 10) << 20;
        return (o->size >= 1 << 20 && o->size <= 1u << 30)
            || fail(err, "-accel tcg: tb-size is MiB of code memory, 1 to "
                    "1024, not \"%s\"", kv[1]);
    }
    if (strcmp(kv[0], "thread") == 0 && kv[1]) {
        return strcmp(kv[1], "multi") == 0
            || fail(err, "-accel tcg: only thread=multi (a host thread for "
                    "each vCPU) is there, not \"%s\"", kv[1]);
    }
    return fail(err, "-accel tcg has no option \"%s\": backend=native|interp, "
                "tb-size=MiB, thread=multi, hot=N, count=on|off", kv[0]);
}

static bool machine_start_tcg(Machine *m, const char *props, Err *err)
{
    JitOptions o = { .size = CODE_SIZE, .heat = HOT, .interp = !tcg_native };
    g_auto(GStrv) option = g_strsplit(props ? props : "", ",", -1);

    for (char **text = option; *text; text++) {
        if (**text && !set_option(*text, &o, err)) {
            return false;
        }
    }
    return jit_new(m, &o, err);
}

static bool vcpu_start(Cpu *c, Err *err)
{
    JitCpu *t = g_new0(JitCpu, 1);
    u64 space = c->space;
    u32 key = c->key;

    t->cpu = c;
    c->accel = t;
    if (!tlb_new(c, err)) {
        return false;
    }
    tlb_switch(c, space, key);      /* as reset had told before */
    if (jit_of(c)->stats.blocks) {
        jit_drop_all(c->machine);   /* they may have thought they were alone */
    }
    return true;
}

static void drop_translations(Cpu *c, void *data)
{
    (void)data;
    tlb_flush(c, 0, 0, 0, 0);
    jit_map_changed(c->machine);
}

/*
 * Does not wait for the other vCPUs: one of them may wait for the machine
 * lock, which the caller holds.  Until they come around they see the map as
 * it was, as they would if they had been a little earlier.
 */
static void map_changed(Machine *m)
{
    for (u32 i = 0; i < m->ncpus; i++) {
        cpu_run_on(m->cpu[i], drop_translations, NULL, false);
    }
}

static void debug_changed(Cpu *c)
{
    tlb_flush(c, 0, 0, 0, 0);
    jit_drop_all(c->machine);
}

/* Both are the translated code's alone: neither C nor faults count. */
static void print_counts(const Machine *m, FILE *f)
{
    u64 guest = 0, host = 0;

    for (u32 i = 0; i < m->ncpus; i++) {
        guest += m->cpu[i]->tcg.guest_insns;
        host += m->cpu[i]->tcg.host_insns;
    }
    if (guest) {
        fprintf(f, "instructions run    %llu guest, %llu host, %.2f for one\n",
                (unsigned long long)guest, (unsigned long long)host,
                (double)host / (double)guest);
    }
}

static void info(Machine *m, FILE *f)
{
    Jit *j = m->accel_data;
    const JitStats *s = &j->stats;
    double n = s->blocks ? (double)s->blocks : 1;

    fprintf(f, "backend             %s\n", j->interp ? "interp" : "native");
    fprintf(f, "code memory used    %zu KiB\n",
            j->buffer ? tcg_used(j->buffer) >> 10 : 0);
    fprintf(f, "blocks made         %llu\n", (unsigned long long)s->blocks);
    fprintf(f, "guest instructions  %.1f a block, %.1f bytes\n",
            (double)s->insns / n, (double)s->guest_bytes / n);
    fprintf(f, "host code           %.1f bytes a block, expansion %.1f\n",
            (double)s->host_bytes / n, s->guest_bytes
            ? (double)s->host_bytes / (double)s->guest_bytes : 0);
    fprintf(f, "traces              %llu, %llu of them loops, %.1f "
            "instructions\n", (unsigned long long)s->traces,
            (unsigned long long)s->loops, s->traces
            ? (double)s->trace_insns / (double)s->traces : 0);
    print_counts(m, f);
    fprintf(f, "links made          %llu\n", (unsigned long long)s->links);
    fprintf(f, "look-ups in C       %llu\n", (unsigned long long)s->lookups);
    fprintf(f, "blocks dropped      %llu by %llu writes into code pages\n",
            (unsigned long long)s->invalidated,
            (unsigned long long)s->page_writes);
    fprintf(f, "regions reused      %u\n", j->resets);
    for (u32 i = 0; i < m->ncpus; i++) {
        const TlbStats *t = tlb_stats(m->cpu[i]);
        fprintf(f, "CPU %u TLB           %llu fills, %llu walks, %llu flushes, "
                "%llu page flushes, %llu new spaces\n", i,
                (unsigned long long)t->fills, (unsigned long long)t->walks,
                (unsigned long long)t->flushes,
                (unsigned long long)t->page_flushes,
                (unsigned long long)t->switches);
    }
}

static void drop_writes(Cpu *c, void *data)
{
    (void)data;
    tlb_flush(c, 0, 0, 0, 0);
}

/* Entries of the TLB let the guest write without anybody's noting it. */
static void track(Machine *m, Track what)
{
    for (u32 i = 0; i < m->ncpus && what != TRACK_COLLECT; i++) {
        cpu_run_on(m->cpu[i], drop_writes, NULL, true);
    }
}

ACCEL(tcg) {
    .name = "tcg",
    .about = "dynamic translation to host code; any guest on any host",
    .available = available,
    .machine_start = machine_start_tcg,
    .vcpu_start = vcpu_start,
    .run = run,
    .map_changed = map_changed,
    .debug_changed = debug_changed,
    .track = track,
    .info = info,
};
