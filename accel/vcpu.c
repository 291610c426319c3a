/* SPDX-License-Identifier: MIT */
/*
 * The threads of the vCPUs: running, sleeping, pausing, work from others.
 *
 * A thread is *in the guest* while it may use translated code or a pointer
 * that a TLB gave it.  Whoever wants the others out (exclusive sections)
 * raises a flag and waits until none is in; entering checks the flag after
 * saying so, hence one of the two always sees the other.
 */
#include <stdlib.h>
#include <unistd.h>
#include "accel/vcpu.h"
#include "target/target.h"

/* Work for a vCPU, owned by its queue until done. */
typedef struct Work {
    struct Work *next;
    void (*fn)(Cpu *c, void *data);
    void *data;
    u32   done;
    u32   refs;
    bool  own;                  /* data is freed with it */
} Work;

struct Vcpu {
    GMutex  lock;
    GCond   wake;
    u32     asleep;             /* atomic: waits for `wake` */
    u32     settled;            /* atomic: its registers are in the Cpu */
    u32     passes;             /* atomic; odd while in the guest */
    Work   *work;               /* newest first; `lock` */
    GThread *thread;
};

struct Vcpus {
    GMutex  lock;
    GCond   changed;            /* a vCPU fell asleep or left the guest */
    u32     paused, quit;       /* atomic */
    u32     exclusive;          /* atomic: somebody wants to be alone */
    GMutex  exclusive_lock;
};

static __thread Cpu *current;

Cpu *cpu_current(void)
{
    return current;
}

/* ---- requests and work -------------------------------------------------- */

static void wake(Cpu *c)
{
    Vcpu *v = c->vcpu;

    if (v && __atomic_load_n(&v->asleep, __ATOMIC_SEQ_CST)) {
        g_mutex_lock(&v->lock);
        g_cond_broadcast(&v->wake);
        g_mutex_unlock(&v->lock);
    }
}

void cpu_request(Cpu *c, u32 bits)
{
    __atomic_fetch_or(&c->request, bits, __ATOMIC_SEQ_CST);
    __atomic_store_n(&c->tcg.poll, 1, __ATOMIC_SEQ_CST);
    if (c->machine && c->machine->accel && c->machine->accel->kick) {
        c->machine->accel->kick(c);
    }
    wake(c);
}

static void release(Work *w)
{
    if (__atomic_sub_fetch(&w->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        if (w->own) {
            g_free(w->data);
        }
        g_free(w);
    }
}

static void run_list(Cpu *c, Work *w)
{
    if (w) {
        run_list(c, w->next);   /* oldest first */
        w->fn(c, w->data);
        __atomic_store_n(&w->done, 1, __ATOMIC_RELEASE);
        release(w);
    }
}

/* Has the registers in c, for others to see and change; on its thread. */
static void settle(Cpu *c)
{
    if (c->machine->accel->fetch) {
        c->machine->accel->fetch(c);
    }
    __atomic_store_n(&c->vcpu->settled, 1, __ATOMIC_SEQ_CST);
}

/* Runs what was queued for c; on its own thread. */
static void run_work(Cpu *c)
{
    Vcpu *v = c->vcpu;

    if (__atomic_load_n(&v->work, __ATOMIC_SEQ_CST)) {
        g_mutex_lock(&v->lock);
        Work *w = v->work;
        __atomic_store_n(&v->work, NULL, __ATOMIC_SEQ_CST);
        g_mutex_unlock(&v->lock);
        settle(c);
        run_list(c, w);
    }
}

static Work *queue(Cpu *c, void (*fn)(Cpu *, void *), void *data, bool own)
{
    Vcpu *v = c->vcpu;
    Work *w = g_new0(Work, 1);

    *w = (Work) { .fn = fn, .data = data, .refs = 2, .own = own };
    g_mutex_lock(&v->lock);
    w->next = v->work;
    __atomic_store_n(&v->work, w, __ATOMIC_SEQ_CST);
    g_mutex_unlock(&v->lock);
    cpu_request(c, REQ_WORK);
    return w;
}

/* Lets time pass while another thread makes progress. */
static void relax(u32 *spins)
{
    if (current) {
        run_work(current);
    }
    if (++*spins < 64) {
        g_thread_yield();
    } else {
        g_usleep(20);
    }
}

void cpu_run_on(Cpu *c, void (*fn)(Cpu *c, void *data), void *data, bool wait)
{
    if (c == current) {
        settle(c);
    }
    if (c == current || !c->vcpu || !c->vcpu->thread) {
        fn(c, data);
        return;
    }
    Work *w = queue(c, fn, data, false);
    u32 spins = 0, depth = wait ? machine_unlock_all() : 0;
    while (wait && !__atomic_load_n(&w->done, __ATOMIC_ACQUIRE)) {
        relax(&spins);
    }
    if (wait) {
        machine_relock(depth);
    }
    release(w);
}

static u32 passes(const Cpu *c)
{
    return __atomic_load_n(&c->vcpu->passes, __ATOMIC_SEQ_CST);
}

static bool in_guest(const Cpu *c)
{
    return passes(c) & 1;
}

void vcpus_run_all(Machine *m, void (*fn)(Cpu *c, void *data), void *data,
                   size_t size)
{
    Work *sent[countof(m->cpu)] = { 0 };

    for (u32 i = 0; i < m->ncpus; i++) {
        Cpu *c = m->cpu[i];
        if (c == current || !c->vcpu || !c->vcpu->thread) {
            fn(c, data);
        } else {
            sent[i] = queue(c, fn, g_memdup2(data, size), true);
        }
    }
    for (u32 i = 0; i < m->ncpus; i++) {
        u32 spins = 0;
        /* Out of the guest it does its work before it gets in again. */
        while (sent[i] && !__atomic_load_n(&sent[i]->done, __ATOMIC_ACQUIRE)
               && in_guest(m->cpu[i])) {
            relax(&spins);
        }
        if (sent[i]) {
            release(sent[i]);
        }
    }
}

/* ---- in and out of the guest -------------------------------------------- */

static void note_change(Machine *m)
{
    g_mutex_lock(&m->vcpus->lock);
    g_cond_broadcast(&m->vcpus->changed);
    g_mutex_unlock(&m->vcpus->lock);
}

void vcpu_enter_guest(Cpu *c)
{
    Vcpus *all = c->machine->vcpus;

    for (;;) {
        __atomic_store_n(&c->vcpu->passes, c->vcpu->passes | 1,
                         __ATOMIC_SEQ_CST);
        if (likely(!__atomic_load_n(&all->exclusive, __ATOMIC_SEQ_CST))) {
            break;
        }
        vcpu_leave_guest(c);
        g_mutex_lock(&all->lock);
        while (__atomic_load_n(&all->exclusive, __ATOMIC_SEQ_CST)) {
            g_cond_wait(&all->changed, &all->lock);
        }
        g_mutex_unlock(&all->lock);
    }
    run_work(c);
}

void vcpu_leave_guest(Cpu *c)
{
    if (!in_guest(c)) {
        return;
    }
    __atomic_store_n(&c->vcpu->passes, c->vcpu->passes + 1, __ATOMIC_SEQ_CST);
    if (unlikely(__atomic_load_n(&c->machine->vcpus->exclusive,
                                 __ATOMIC_SEQ_CST))) {
        note_change(c->machine);
    }
}

static bool others_in_guest(const Machine *m)
{
    for (u32 i = 0; i < m->ncpus; i++) {
        Cpu *c = m->cpu[i];
        if (c != current && in_guest(c)) {
            return true;
        }
    }
    return false;
}

void vcpus_exclusive_begin(Machine *m)
{
    Vcpus *all = m->vcpus;

    g_mutex_lock(&all->exclusive_lock);
    __atomic_store_n(&all->exclusive, 1, __ATOMIC_SEQ_CST);
    for (u32 i = 0; i < m->ncpus; i++) {
        if (m->cpu[i] != current) {
            cpu_request(m->cpu[i], REQ_EXCLUSIVE);
        }
    }
    g_mutex_lock(&all->lock);
    while (others_in_guest(m)) {
        g_cond_wait_until(&all->changed, &all->lock,
                          g_get_monotonic_time() + 1000);
    }
    g_mutex_unlock(&all->lock);
}

void vcpus_exclusive_end(Machine *m)
{
    __atomic_store_n(&m->vcpus->exclusive, 0, __ATOMIC_SEQ_CST);
    note_change(m);
    g_mutex_unlock(&m->vcpus->exclusive_lock);
}

void vcpus_grace_begin(Machine *m, VcpuGrace *g)
{
    for (u32 i = 0; i < m->ncpus; i++) {
        g->passes[i] = passes(m->cpu[i]);
        if (g->passes[i] & 1) {
            cpu_request(m->cpu[i], REQ_EXCLUSIVE);
        }
    }
}

void vcpus_grace_wait(Machine *m, const VcpuGrace *g)
{
    for (u32 i = 0; i < m->ncpus; i++) {
        u32 spins = 0;
        while (g->passes[i] & 1 && passes(m->cpu[i]) == g->passes[i]) {
            relax(&spins);
        }
    }
}

/* ---- the thread --------------------------------------------------------- */

static bool accel_waits(const Cpu *c)
{
    const Accel *a = c->machine->accel;

    return a->waits && a->waits(c);
}

static bool may_run(const Cpu *c)
{
    const Vcpus *all = c->machine->vcpus;

    return !__atomic_load_n(&all->paused, __ATOMIC_SEQ_CST)
        && (accel_waits(c) || (c->stop == CPU_RUNNING
                               && (!c->halted || c->target->wakes(c))));
}

/* While the machine is paused others look at the registers. */
static bool must_settle(const Cpu *c)
{
    return __atomic_load_n(&c->machine->vcpus->paused, __ATOMIC_SEQ_CST)
        && !c->vcpu->settled;
}

/* Sleeps until there is something to do.  False: the machine ends. */
static bool wait_for_work(Cpu *c)
{
    Vcpu *v = c->vcpu;
    Vcpus *all = c->machine->vcpus;

    while (!__atomic_load_n(&all->quit, __ATOMIC_SEQ_CST)) {
        run_work(c);
        __atomic_store_n(&v->settled, 0, __ATOMIC_SEQ_CST);
        if (must_settle(c)) {
            settle(c);
            note_change(c->machine);
        }
        g_mutex_lock(&v->lock);
        __atomic_store_n(&v->asleep, 1, __ATOMIC_SEQ_CST);
        if (may_run(c)) {
            __atomic_store_n(&v->asleep, 0, __ATOMIC_SEQ_CST);
            g_mutex_unlock(&v->lock);
            c->halted = c->halted && accel_waits(c);
            return true;
        }
        if (!v->work && !must_settle(c)
            && !__atomic_load_n(&all->quit, __ATOMIC_SEQ_CST)) {
            g_cond_wait(&v->wake, &v->lock);
        }
        __atomic_store_n(&v->asleep, 0, __ATOMIC_SEQ_CST);
        g_mutex_unlock(&v->lock);
    }
    return false;
}

static void *vcpu_main(void *opaque)
{
    Cpu *c = opaque;

    current = c;
    __atomic_store_n(&c->thread_id, gettid(), __ATOMIC_RELEASE);
    while (wait_for_work(c)) {
        c->machine->accel->run(c);
    }
    return NULL;
}

int cpu_thread_id(const Cpu *c)
{
    int id;

    while (!(id = __atomic_load_n(&c->thread_id, __ATOMIC_ACQUIRE))) {
        g_usleep(20);           /* it says so first of all */
    }
    return id;
}

bool vcpus_start(Machine *m, Err *err)
{
    m->vcpus = g_new0(Vcpus, 1);
    m->vcpus->paused = 1;
    for (u32 i = 0; i < m->ncpus; i++) {
        m->cpu[i]->vcpu = g_new0(Vcpu, 1);
    }
    for (u32 i = 0; i < m->ncpus; i++) {
        if (!m->accel->vcpu_start(m->cpu[i], err)) {
            return false;
        }
    }
    for (u32 i = 0; i < m->ncpus; i++) {
        char name[16];
        g_snprintf(name, sizeof name, "vcpu%u", i);
        m->cpu[i]->vcpu->thread = g_thread_new(name, vcpu_main, m->cpu[i]);
    }
    return true;
}

void vcpus_stop(Machine *m)
{
    if (!m->vcpus) {
        return;
    }
    u32 depth = machine_unlock_all();
    __atomic_store_n(&m->vcpus->quit, 1, __ATOMIC_SEQ_CST);
    for (u32 i = 0; i < m->ncpus; i++) {
        if (m->cpu[i]->vcpu->thread) {
            cpu_request(m->cpu[i], REQ_STOP);
            g_thread_join(m->cpu[i]->vcpu->thread);
            m->cpu[i]->vcpu->thread = NULL;
        }
    }
    machine_relock(depth);
}

static bool all_asleep(const Machine *m)
{
    for (u32 i = 0; i < m->ncpus; i++) {
        Vcpu *v = m->cpu[i]->vcpu;
        /* With its lock, asleep means: in g_cond_wait(). */
        g_mutex_lock(&v->lock);
        bool asleep = !v->thread || (v->asleep && v->settled);
        g_mutex_unlock(&v->lock);
        if (!asleep) {
            return false;
        }
    }
    return true;
}

void vcpus_hold(Machine *m)
{
    __atomic_store_n(&m->vcpus->paused, 1, __ATOMIC_SEQ_CST);
    for (u32 i = 0; i < m->ncpus; i++) {
        cpu_request(m->cpu[i], REQ_STOP);
    }
}

void vcpus_pause(Machine *m)
{
    if (!m->vcpus) {
        return;
    }
    u32 depth = machine_unlock_all();
    vcpus_hold(m);
    g_mutex_lock(&m->vcpus->lock);
    while (!all_asleep(m)) {
        g_cond_wait_until(&m->vcpus->changed, &m->vcpus->lock,
                          g_get_monotonic_time() + 200);
    }
    g_mutex_unlock(&m->vcpus->lock);
    machine_relock(depth);
    if (m->accel->paused) {
        m->accel->paused(m);
    }
}

void vcpus_resume(Machine *m)
{
    if (m->accel->resuming) {
        m->accel->resuming(m);
    }
    __atomic_store_n(&m->vcpus->paused, 0, __ATOMIC_SEQ_CST);
    for (u32 i = 0; i < m->ncpus; i++) {
        wake(m->cpu[i]);
    }
}

/* ---- power of one CPU --------------------------------------------------- */

typedef struct PowerOn {
    u64 entry, arg;
} PowerOn;

static void power_on(Cpu *c, void *data)
{
    const PowerOn *p = data;

    c->target->reset(c);
    c->target->start_at(c, p->entry, p->arg);
    c->halted = false;
    c->stop = CPU_RUNNING;
    g_free(data);
}

void cpu_power_on(Cpu *c, u64 entry, u64 arg)
{
    PowerOn *p = g_new(PowerOn, 1);

    *p = (PowerOn) { entry, arg };
    cpu_run_on(c, power_on, p, false);
}

void cpu_power_off(Cpu *c)
{
    c->stop = CPU_OFF;
    cpu_request(c, REQ_STOP);
}

static void init_again(Cpu *c, void *data)
{
    const Target *t = c->target;

    (void)data;
    (t->soft_reset ? t->soft_reset : t->reset)(c);
    c->halted = false;
}

static void init_off(Cpu *c, void *data)
{
    init_again(c, data);
    c->stop = CPU_OFF;
    cpu_request(c, REQ_STOP);
}

static void startup(Cpu *c, void *data)
{
    if (c->stop == CPU_OFF) {
        power_on(c, data);
    } else {
        g_free(data);           /* only what waits for it hears it */
    }
}

void cpu_init(Cpu *c, bool again)
{
    cpu_run_on(c, again ? init_again : init_off, NULL, false);
}

void cpu_startup(Cpu *c, u64 entry)
{
    PowerOn *p = g_new(PowerOn, 1);

    *p = (PowerOn) { entry, 0 };
    cpu_run_on(c, startup, p, false);
}

/* ---- TLB maintenance that reaches all CPUs ------------------------------ */

typedef struct Flush {
    u64 va, len, match, mask;
} Flush;

static void flush_one(Cpu *c, void *data)
{
    const Flush *f = data;

    tlb_flush(c, f->va, f->len, f->match, f->mask);
}

void tlb_flush_all(Cpu *c, u64 va, u64 len, u64 match, u64 mask)
{
    Flush f = { va, len, match, mask };

    if (c->machine->ncpus == 1) {
        tlb_flush(c, va, len, match, mask);
    } else {
        vcpus_run_all(c->machine, flush_one, &f, sizeof f);
    }
}
