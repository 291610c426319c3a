/* SPDX-License-Identifier: MIT */
/* The machine: its lock, devices, CPUs and run state. */
#include <stdlib.h>
#include <glib.h>
#include "accel/accel.h"
#include "gdbstub/gdbstub.h"
#include "softmmu/clock.h"
#include "softmmu/hotplug.h"
#include "softmmu/run.h"
#include "target/target.h"
#include "util/keyval.h"

/* ---- the lock ----------------------------------------------------------- */

static GMutex lock;             /* set cache: there is one machine lock */
static __thread u32 depth;      /* how often this thread holds it */

void machine_lock(void)
{
    if (depth++ == 0) {
        g_mutex_lock(&lock);
    }
}

void machine_unlock(void)
{
    if (--depth == 0) {
        g_mutex_unlock(&lock);
    }
}

bool machine_locked(void)
{
    return depth > 0;
}

u32 machine_unlock_all(void)
{
    u32 was = depth;

    if (was) {
        depth = 0;
        g_mutex_unlock(&lock);
    }
    return was;
}

void machine_relock(u32 was)
{
    if (was) {
        g_mutex_lock(&lock);
        depth = was;
    }
}

/* ---- CPUs --------------------------------------------------------------- */

const Target *target_find(const char *name)
{
    SET_EACH(targets, Target, t) {
        if (strcmp((*t)->name, name) == 0) {
            return *t;
        }
    }
    return NULL;
}

const Accel *accel_find(const char *name)
{
    SET_EACH(accels, Accel, a) {
        if (strcmp((*a)->name, name) == 0) {
            return *a;
        }
    }
    return NULL;
}

Cpu *machine_cpu(Machine *m, int n)
{
    return n >= 0 && n < (int)m->ncpus ? m->cpu[n] : NULL;
}

int machine_ncpus(const Machine *m)
{
    return (int)m->ncpus;
}

Cpu *machine_add_cpu(Machine *m, const char *model, Err *err)
{
    const char *props = strchr(model, ',');
    const Target *t = m->target;
    Cpu *c = aligned_alloc(64, align_up(t->cpu_size, 64));

    memset(c, 0, align_up(t->cpu_size, 64));
    c->target = t;
    c->machine = m;
    c->mem = c->code_mem = m->mem;
    c->index = (int)m->ncpus;
    if (m->opts) {
        c->arch_id = topology_id(&m->opts->topology, m->ncpus);
        c->absent = m->ncpus >= m->opts->smp;
    }
    c->model = g_strndup(model, strcspn(model, ","));
    if (!t->init(c, c->model, props ? props + 1 : NULL, err)) {
        g_free((char *)c->model);
        free(c);
        return NULL;
    }
    m->cpu[m->ncpus++] = c;
    return c;
}

void cpu_line(void *sink, int n, bool level)
{
    Cpu *c = sink;

    if (level) {
        __atomic_fetch_or(&c->lines, 1u << n, __ATOMIC_SEQ_CST);
        cpu_request(c, REQ_INTERRUPT);
    } else {
        __atomic_fetch_and(&c->lines, ~(1u << n), __ATOMIC_SEQ_CST);
    }
    if (c->target->line) {
        c->target->line(c, n, level);
    }
}

/* ---- devices ------------------------------------------------------------ */

Device *machine_find_device(Machine *m, const char *id)
{
    for (u32 i = 0; i < m->devices->len; i++) {
        Device *d = m->devices->pdata[i];
        if (strcmp(d->id, id) == 0) {
            return d;
        }
    }
    return NULL;
}

/* -global TYPE.PROP=VALUE, or driver=,property=,value=. */
static bool set_global(Device *d, const char *text, Err *err)
{
    size_t len = strlen(d->type->name);
    bool ok = true;

    if (g_str_has_prefix(text, "driver=")) {
        KeyVal *kv = keyval_parse(text, NULL, err);
        const char *type = kv ? keyval_get(kv, "driver") : NULL;
        const char *prop = kv ? keyval_get(kv, "property") : NULL;
        const char *value = kv ? keyval_get(kv, "value") : NULL;
        if (!type || !prop || !value) {
            ok = fail(err, "write -global TYPE.PROPERTY=VALUE");
        } else if (strcmp(type, d->type->name) == 0) {
            ok = device_set(d, prop, value, err);
        }
        keyval_free(kv);
    } else if (strncmp(text, d->type->name, len) == 0 && text[len] == '.') {
        const char *eq = strchr(text + len, '=');
        g_autofree char *prop = g_strndup(text + len + 1, eq
            ? (size_t)(eq - text) - len - 1 : strlen(text + len + 1));
        ok = eq ? device_set(d, prop, eq + 1, err)
                : fail(err, "write -global TYPE.PROPERTY=VALUE");
    }
    return ok || err_prefix(err, "-global %s", text);
}

Device *machine_new_device(Machine *m, const char *type, const char *id,
                           KeyVal *props, Err *err)
{
    Device *d = device_new(type, id, err);
    const char *value;

    if (!d) {
        return NULL;
    }
    d->machine = m;
    d->mem = m->mem;
    for (u32 i = 0; m->opts && i < m->opts->globals->len; i++) {
        if (!set_global(d, m->opts->globals->pdata[i], err)) {
            device_free(d);
            return NULL;
        }
    }
    for (const Prop *p = d->type->props; props && p && p->name; p++) {
        if ((value = keyval_get(props, p->name))
            && !device_set(d, p->name, value, err)) {
            device_free(d);
            return NULL;
        }
    }
    g_autofree char *what = g_strdup_printf("device %s", type);
    if (props && !keyval_done(props, what, err)) {
        device_free(d);
        return NULL;
    }
    return d;
}

bool machine_adopt(Machine *m, Device *d, Err *err)
{
    if (!device_start(d, err)) {
        err_prefix(err, "%s", d->id);
        return false;
    }
    g_ptr_array_add(m->devices, d);
    return true;
}

Device *machine_device_on(Machine *m, void *bus, const char *type,
                          const char *id, const char *props, Err *err)
{
    KeyVal *kv = keyval_parse(props ? props : "", NULL, err);
    Device *d = kv ? machine_new_device(m, type, id, kv, err) : NULL;

    keyval_free(kv);
    if (!d) {
        return NULL;
    }
    d->bus = bus;
    return machine_adopt(m, d, err) ? d : NULL;
}

Device *machine_device(Machine *m, const char *type, const char *id,
                       const char *props, u64 base, Err *err)
{
    Device *d = machine_device_on(m, NULL, type, id, props, err);

    if (d && base != ~0ull) {
        device_map(d, m->mem, base);
    }
    return d;
}

/* ---- memory ------------------------------------------------------------- */

static void map_changed(void *opaque)
{
    Machine *m = opaque;

    if (m->accel->map_changed) {
        m->accel->map_changed(m);
    }
}

void machine_watch_memory(Machine *m)
{
    mem_listen(m->mem, map_changed, m);
}

/* ---- run state ---------------------------------------------------------- */

void machine_event(Machine *m, const char *event, Json *data)
{
    if (m && m->on_event) {
        m->on_event(m, event, data);
    } else {
        json_free(data);
    }
}

void machine_clock_set(const Device *d, i64 offset)
{
    Json *data = json_object();
    g_autofree char *path = g_strdup_printf("/machine/unattached/%s", d->id);

    json_add_int(data, "offset", offset);
    json_add_str(data, "qom-path", path);
    machine_event(d->machine, "RTC_CHANGE", data);
}

/* For SHUTDOWN and RESET. */
static void tell_reason(Machine *m, const char *event, ShutdownReason why)
{
    static const char *const names[] = {
        [SHUTDOWN_GUEST] = "guest-shutdown",
        [SHUTDOWN_GUEST_RESET] = "guest-reset",
        [SHUTDOWN_GUEST_PANIC] = "guest-panic",
        [SHUTDOWN_HOST] = "host-ui", [SHUTDOWN_SIGNAL] = "host-signal",
        [SHUTDOWN_QUIT] = "host-qmp-quit",
        [SHUTDOWN_HOST_RESET] = "host-qmp-system-reset",
        [SHUTDOWN_ERROR] = "host-error",
    };
    Json *data = json_object();

    json_add_bool(data, "guest", why <= SHUTDOWN_GUEST_PANIC);
    json_add_str(data, "reason", names[why]);
    machine_event(m, event, data);
}

/* What other threads asked the main loop for; all atomic. */
typedef struct Asked {
    u32  reset, shutdown, suspend, wake, panic;
    ShutdownReason why, reset_why;
    Cpu *debug;
} Asked;

static Asked asked;             /* set cache */

static void ask(u32 *what)
{
    __atomic_store_n(what, 1, __ATOMIC_SEQ_CST);
    g_main_context_wakeup(NULL);
}

static bool was_asked(u32 *what)
{
    return __atomic_exchange_n(what, 0, __ATOMIC_SEQ_CST);
}

void machine_shutdown(Machine *m, ShutdownReason why)
{
    (void)m;
    asked.why = why;
    ask(&asked.shutdown);
}

void machine_reset_by(Machine *m, ShutdownReason why)
{
    (void)m;
    asked.reset_why = why;
    ask(&asked.reset);
}

void machine_reset_request(Machine *m)
{
    machine_reset_by(m, SHUTDOWN_GUEST_RESET);
}

void machine_suspend(Machine *m)
{
    vcpus_hold(m);
    ask(&asked.suspend);
}

void machine_wake(Machine *m)
{
    (void)m;
    ask(&asked.wake);
}

void machine_panic(Machine *m)
{
    vcpus_hold(m);
    ask(&asked.panic);
}

void machine_debug_stop(Cpu *c)
{
    vcpus_hold(c->machine);
    __atomic_store_n(&asked.debug, c, __ATOMIC_SEQ_CST);
    g_main_context_wakeup(NULL);
}

/* Both without telling anybody. */
static void go(Machine *m)
{
    m->state = m->suspended ? RUN_SUSPENDED : RUN_RUNNING;
    clock_pause(false);                 /* alarms wake those who sleep */
    if (!m->suspended) {
        vcpus_resume(m);
    }
}

static void halt(Machine *m, RunState state)
{
    vcpus_pause(m);
    clock_pause(true);
    m->state = state;
}

static bool goes_on(const Machine *m)
{
    return m->state == RUN_RUNNING || m->state == RUN_SUSPENDED;
}

/* Its state is on its way out or in, and must stay as it is. */
static bool is_moving(const Machine *m)
{
    return m->state == RUN_FINISH_MIGRATE || m->state == RUN_INMIGRATE;
}

void machine_start(Machine *m)
{
    if (!goes_on(m) && m->state != RUN_SHUTDOWN && !is_moving(m)) {
        machine_event(m, "RESUME", NULL);
        go(m);
    }
}

void machine_pause(Machine *m, RunState state)
{
    bool running = goes_on(m);

    halt(m, state);
    if (running) {
        machine_event(m, "STOP", NULL);
    }
}

static void reset_cpu(Cpu *c)
{
    c->target->reset(c);
    c->halted = false;
    c->stop = c->index == 0 ? CPU_RUNNING : CPU_OFF;
}

void machine_reset_parts(Machine *m)
{
    for (u32 i = 0; i < m->devices->len; i++) {
        device_reset(m->devices->pdata[i]);
    }
    for (u32 i = 0; i < m->ncpus; i++) {
        reset_cpu(m->cpu[i]);
    }
    m->suspended = false;
}

void machine_reset(Machine *m)
{
    if (m->hot_reset) {
        m->hot_reset(m);
        hotplug_serve(m);
    }
    machine_reset_parts(m);
    if (m->on_reset) {
        m->on_reset(m);
    }
}

static void serve_debug(Machine *m)
{
    Cpu *c = __atomic_exchange_n(&asked.debug, NULL, __ATOMIC_SEQ_CST);

    if (c) {
        machine_pause(m, RUN_DEBUG);
        if (!gdb_stopped(m, c)) {
            machine_start(m);       /* the debugger is gone */
        }
    }
}

static void serve_reset(Machine *m)
{
    bool runs = goes_on(m);

    if (was_asked(&asked.reset)) {
        if (m->no_reboot) {
            machine_shutdown(m, asked.reset_why);
            return;
        }
        halt(m, RUN_PRELAUNCH);
        machine_reset(m);
        tell_reason(m, "RESET", asked.reset_why);
        if (runs) {
            go(m);
        }
    }
}

/* Whoever is paused by a monitor sleeps when it is to go on. */
static void serve_suspend(Machine *m)
{
    if (was_asked(&asked.suspend)) {
        vcpus_pause(m);
        m->suspended = true;
        m->state = m->state == RUN_RUNNING ? RUN_SUSPENDED : m->state;
        if (m->on_suspend) {
            m->on_suspend(m);
        }
        machine_event(m, "SUSPEND", NULL);
    }
}

static void serve_wake(Machine *m)
{
    if (was_asked(&asked.wake) && m->suspended) {
        m->on_wake(m);
        machine_event(m, "WAKEUP", NULL);
        if (m->state == RUN_SUSPENDED) {
            go(m);
        }
    }
}

/* QMP's word for what becomes of a guest that has panicked. */
static PanicAction panic_action(const Machine *m)
{
    PanicAction a = m->opts->panic;

    return a == PANIC_SHUTDOWN && m->no_shutdown ? PANIC_PAUSE : a;
}

static void serve_panic(Machine *m)
{
    static const char *const words[] = {
        [PANIC_SHUTDOWN] = "poweroff", [PANIC_EXIT_FAILURE] = "poweroff",
        [PANIC_PAUSE] = "pause", [PANIC_NONE] = "run",
    };
    Json *data;

    if (!was_asked(&asked.panic)) {
        return;
    }
    data = json_object();
    json_add_str(data, "action", words[panic_action(m)]);
    machine_event(m, "GUEST_PANICKED", data);
    if (panic_action(m) == PANIC_NONE) {
        if (m->state == RUN_RUNNING) {
            go(m);                      /* it is held */
        }
        return;
    }
    machine_pause(m, RUN_PANICKED);
    if (panic_action(m) != PANIC_PAUSE) {
        m->exit_code = panic_action(m) == PANIC_EXIT_FAILURE ? EXIT_FAILURE
                                                             : m->exit_code;
        machine_shutdown(m, SHUTDOWN_GUEST_PANIC);
    }
}

void machine_settle(Machine *m)
{
    serve_suspend(m);
    serve_wake(m);
    serve_panic(m);
    serve_reset(m);
}

bool machine_serve(Machine *m)
{
    hotplug_serve(m);
    serve_debug(m);
    if (!is_moving(m)) {
        machine_settle(m);
    }
    if (!was_asked(&asked.shutdown)) {
        return true;
    }
    tell_reason(m, "SHUTDOWN", asked.why);
    if (m->no_shutdown && asked.why != SHUTDOWN_HOST
        && asked.why != SHUTDOWN_SIGNAL && asked.why != SHUTDOWN_QUIT) {
        machine_pause(m, RUN_SHUTDOWN);
        return true;
    }
    return false;
}
