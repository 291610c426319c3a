/* SPDX-License-Identifier: MIT */
/* QMP's commands for the machine, its CPUs and its memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "accel/accel.h"
#include "block/block.h"
#include "hw/virtio/balloon.h"
#include "monitor/qmp_schema.h"
#include "migration/migration.h"
#include "monitor/qom.h"
#include "softmmu/options.h"
#include "target/target.h"

/* ---- the connection ----------------------------------------------------- */

/* Whose commands these are; programs decide by it what they use. */
enum { QEMU_MAJOR = 7, QEMU_MINOR = 2 };

void qmp_query_version(QmpCall *c)
{
    c->ret = json_object();
    Json *qemu = json_add(c->ret, "qemu", json_object());
    json_add_int(qemu, "major", QEMU_MAJOR);
    json_add_int(qemu, "minor", QEMU_MINOR);
    json_add_int(qemu, "micro", 0);
    json_add_str(c->ret, "package", "anole " ANOLE_VERSION);
}

void qmp_human_monitor_command(QmpCall *c)
{
    u32 cpu = (u32)json_int(c->args, "cpu-index", 0);
    char *text = NULL;
    size_t size = 0;

    if (cpu && cpu >= c->m->ncpus) {
        fail(&c->err, "Parameter 'cpu-index' is %u; there are %u CPUs", cpu,
             c->m->ncpus);
        return;
    }
    FILE *f = open_memstream(&text, &size);
    monitor_command_on(c->m, cpu, json_str(c->args, "command-line"), f);
    fclose(f);
    c->ret = json_new_str(text);
    free(text);
}

/* The parameters that the help text of an option names: "a=..,b=..". */
static Json *option_parameters(const char *args)
{
    Json *list = json_array();
    g_auto(GStrv) word = g_strsplit_set(args ? args : "", ",[]", -1);

    for (char **w = word; *w; w++) {
        const char *eq = strchr(*w, '=');
        if (eq && eq > *w) {
            g_autofree char *name = g_strndup(*w, (size_t)(eq - *w));
            Json *j = json_add(list, NULL, json_object());
            json_add_str(j, "name", name);
            json_add_str(j, "type", strcmp(eq, "=on") == 0 ? "boolean"
                                                           : "string");
        }
    }
    return list;
}

void qmp_query_command_line_options(QmpCall *c)
{
    const char *only = json_str(c->args, "option");
    OptionText o;

    c->ret = json_array();
    for (u32 i = 0; options_nth(i, &o); i++) {
        if (!only || strcmp(only, o.name) == 0) {
            Json *j = json_add(c->ret, NULL, json_object());
            json_add_str(j, "option", o.name);
            json_add(j, "parameters", option_parameters(o.args));
        }
    }
    if (only && !c->ret->first) {
        fail(&c->err, "invalid option name: %.100s", only);
    }
}

/* ---- run state ---------------------------------------------------------- */

void qmp_query_status(QmpCall *c)
{
    static const char *const names[] = {
        [RUN_PRELAUNCH] = "prelaunch", [RUN_RUNNING] = "running",
        [RUN_PAUSED] = "paused", [RUN_DEBUG] = "debug",
        [RUN_SHUTDOWN] = "shutdown", [RUN_WATCHDOG] = "watchdog",
        [RUN_SUSPENDED] = "suspended", [RUN_PANICKED] = "guest-panicked",
        [RUN_INMIGRATE] = "inmigrate", [RUN_POSTMIGRATE] = "postmigrate",
        [RUN_FINISH_MIGRATE] = "finish-migrate",
    };

    c->ret = json_object();
    json_add_bool(c->ret, "running", c->m->state == RUN_RUNNING);
    json_add_bool(c->ret, "singlestep", false);
    json_add_str(c->ret, "status", names[c->m->state]);
}

void qmp_stop(QmpCall *c)
{
    if (c->m->state == RUN_INMIGRATE) {
        migration_autostart(c->m, false);
    } else if (c->m->state == RUN_RUNNING) {
        machine_pause(c->m, RUN_PAUSED);
    }
}

void qmp_cont(QmpCall *c)
{
    if (c->m->state == RUN_SHUTDOWN) {
        fail(&c->err, "Resetting the Virtual Machine is required");
    } else if (c->m->state == RUN_FINISH_MIGRATE) {
        fail(&c->err, "its state is being sent; migrate_cancel stops that");
    } else if (c->m->state == RUN_INMIGRATE) {
        migration_autostart(c->m, true);
    } else if (c->m->state != RUN_POSTMIGRATE || block_take(&c->err)) {
        machine_start(c->m);
    }
}

void qmp_quit(QmpCall *c)
{
    machine_shutdown(c->m, SHUTDOWN_QUIT);
}

void qmp_system_reset(QmpCall *c)
{
    machine_reset_by(c->m, SHUTDOWN_HOST_RESET);
}

void qmp_system_powerdown(QmpCall *c)
{
    if (!c->m->power_button) {
        fail(&c->err, "this machine has no power button");
        return;
    }
    machine_event(c->m, "POWERDOWN", NULL);
    c->m->power_button(c->m);
}

void qmp_query_current_machine(QmpCall *c)
{
    c->ret = json_object();
    json_add_bool(c->ret, "wakeup-suspend-support", c->m->wake != NULL);
}

void qmp_system_wakeup(QmpCall *c)
{
    if (!c->m->wake) {
        fail(&c->err, "wake-up from suspend is not supported by this guest");
    } else if (!c->m->suspended) {
        fail(&c->err, "Unable to wake up: guest is not in suspended state");
    } else {
        c->m->wake(c->m);
    }
}

void qmp_inject_nmi(QmpCall *c)
{
    if (!c->m->nmi) {
        fail(&c->err, "this machine has no NMI");
    } else {
        c->m->nmi(c->m);
    }
}

/* The place of a word among the words of a member of a command. */
static u32 word_index(const char *command, const char *member,
                      const char *word)
{
    const SchemaMember *m = schema_command(command)->arguments->members;
    u32 i = 0;

    while (strcmp(m->name, member) != 0) {
        m++;
    }
    while (strcmp(m->type->words[i], word) != 0) {
        i++;
    }
    return i;
}

void qmp_watchdog_set_action(QmpCall *c)
{
    /* The enumerations have the same order. */
    c->m->opts->watchdog = (WatchdogAction)word_index(
        "watchdog-set-action", "action", json_str(c->args, "action"));
}

void qmp_set_action(QmpCall *c)
{
    const char *reboot = json_str(c->args, "reboot");
    const char *off = json_str(c->args, "shutdown");
    const char *dog = json_str(c->args, "watchdog");
    const char *panic = json_str(c->args, "panic");

    c->m->no_reboot = reboot ? strcmp(reboot, "shutdown") == 0
                             : c->m->no_reboot;
    c->m->no_shutdown = off ? strcmp(off, "pause") == 0 : c->m->no_shutdown;
    if (panic) {
        panic_action_of(panic, &c->m->opts->panic, &c->err);
    }
    if (dog) {
        c->m->opts->watchdog = (WatchdogAction)word_index(
            "set-action", "watchdog", dog);
    }
}

void qmp_rtc_reset_reinjection(QmpCall *c)
{
    (void)c;                            /* no tick is kept to be given later */
}

/* ---- what it is --------------------------------------------------------- */

void qmp_query_name(QmpCall *c)
{
    c->ret = json_object();
    if (c->m->opts->name) {
        json_add_str(c->ret, "name", c->m->opts->name);
    }
}

void qmp_query_uuid(QmpCall *c)
{
    const char *uuid = c->m->opts->uuid;

    c->ret = json_object();
    json_add_str(c->ret, "UUID",
                 uuid ? uuid : "00000000-0000-0000-0000-000000000000");
}

void qmp_query_kvm(QmpCall *c)
{
    const Accel *kvm = accel_find("kvm");
    Err why = { 0 };

    c->ret = json_object();
    json_add_bool(c->ret, "enabled", kvm && c->m->accel == kvm);
    json_add_bool(c->ret, "present", kvm && kvm->available(c->m, &why));
}

void qmp_query_target(QmpCall *c)
{
    c->ret = json_object();
    json_add_str(c->ret, "arch", c->m->target->name);
}

static bool board_takes(const Board *b, const Target *t)
{
    for (const char *const *name = b->targets; *name; name++) {
        if (strcmp(*name, t->name) == 0) {
            return true;
        }
    }
    return false;
}

void qmp_query_machines(QmpCall *c)
{
    c->ret = json_array();
    SET_EACH(boards, Board, p) {
        const Board *b = *p;
        if (!board_takes(b, c->m->target)) {
            continue;
        }
        Json *j = json_add(c->ret, NULL, json_object());
        json_add_str(j, "name", b->name);
        json_add_int(j, "cpu-max", MAX(b->max_cpus, 1));
        json_add_bool(j, "hotpluggable-cpus", b->hot_cpus);
        json_add_bool(j, "numa-mem-supported", false);
        json_add_bool(j, "deprecated", false);
        if (b->cpu) {
            g_autofree char *type = qom_cpu_type(c->m->target, b->cpu);
            json_add_str(j, "default-cpu-type", type);
        }
    }
}

void qmp_query_cpu_definitions(QmpCall *c)
{
    c->ret = json_array();
    for (const char *const *m = c->m->target->models; *m; m++) {
        g_autofree char *type = qom_cpu_type(c->m->target, *m);
        Json *j = json_add(c->ret, NULL, json_object());
        json_add_str(j, "name", *m);
        json_add_str(j, "typename", type);
        json_add(j, "unavailable-features", json_array());
        json_add_bool(j, "static", false);
        json_add_bool(j, "migration-safe", strcmp(*m, "max") != 0);
        json_add_bool(j, "deprecated", false);
    }
}

/* ---- CPUs --------------------------------------------------------------- */

static void add_cpu_place(Json *j, const Cpu *cpu)
{
    const Topology *t = &cpu->machine->opts->topology;
    CpuPlace at = topology_place(t, (u32)cpu->index);
    Json *props = json_add(j, "props", json_object());

    json_add_int(props, "socket-id", at.socket);
    if (t->dies > 1) {
        json_add_int(props, "die-id", at.die);
    }
    json_add_int(props, "core-id", at.core);
    json_add_int(props, "thread-id", at.thread);
}

void qmp_query_cpus_fast(QmpCall *c)
{
    c->ret = json_array();
    for (u32 i = 0; i < c->m->ncpus; i++) {
        if (c->m->cpu[i]->absent) {
            continue;
        }
        g_autofree char *path = qom_cpu_path(i);
        Json *j = json_add(c->ret, NULL, json_object());
        json_add_int(j, "cpu-index", i);
        json_add_str(j, "qom-path", path);
        json_add_int(j, "thread-id", cpu_thread_id(c->m->cpu[i]));
        add_cpu_place(j, c->m->cpu[i]);
        json_add_str(j, "target", c->m->target->name);
    }
}

void qmp_query_hotpluggable_cpus(QmpCall *c)
{
    if (!c->m->ncpus) {
        fail(&c->err, "The feature 'query-hotpluggable-cpus' is not enabled");
        return;
    }
    c->ret = json_array();
    for (u32 i = 0; i < c->m->ncpus; i++) {
        g_autofree char *path = qom_cpu_path(i);
        g_autofree char *type = qom_cpu_type(c->m->target,
                                             c->m->cpu[i]->model);
        Json *j = json_add(c->ret, NULL, json_object());
        json_add_str(j, "type", type);
        json_add_int(j, "vcpus-count", 1);
        add_cpu_place(j, c->m->cpu[i]);
        if (!c->m->cpu[i]->absent) {
            json_add_str(j, "qom-path", path);
        }
    }
}

/* The counters of query-stats; all grow only. */
static const struct {
    const char *name;
    u32 at;
} tlb_counters[] = {
    { "tlb_walks", offsetof(TlbStats, walks) },
    { "tlb_fills", offsetof(TlbStats, fills) },
    { "tlb_flushes", offsetof(TlbStats, flushes) },
    { "tlb_page_flushes", offsetof(TlbStats, page_flushes) },
    { "tlb_switches", offsetof(TlbStats, switches) },
};

/* Is a string in an array?  Any is if there is no array. */
static bool listed(const Json *list, const char *word)
{
    const Json *k = list ? list->first : NULL;

    while (k && strcmp(k->s, word) != 0) {
        k = k->next;
    }
    return !list || k;
}

static void add_counters(Json *ret, const Cpu *cpu, const char *path,
                         const Json *names)
{
    Json *j = json_add(ret, NULL, json_object()), *list;

    json_add_str(j, "provider", "tcg");
    json_add_str(j, "qom-path", path);
    list = json_add(j, "stats", json_array());
    for (u32 i = 0; i < countof(tlb_counters); i++) {
        if (listed(names, tlb_counters[i].name)) {
            Json *k = json_add(list, NULL, json_object());
            json_add_str(k, "name", tlb_counters[i].name);
            json_add_u64(k, "value", *(const u64 *)(
                (const u8 *)tlb_stats(cpu) + tlb_counters[i].at));
        }
    }
}

void qmp_query_stats(QmpCall *c)
{
    const Json *provider = json_get(c->args, "providers");
    const Json *names = provider && provider->first
        ? json_get(provider->first, "names") : NULL;
    bool vcpu = strcmp(json_str(c->args, "target"), "vcpu") == 0;

    c->ret = json_array();
    for (u32 i = 0; vcpu && i < c->m->ncpus; i++) {
        g_autofree char *path = qom_cpu_path(i);
        if (listed(json_get(c->args, "vcpus"), path)) {
            add_counters(c->ret, c->m->cpu[i], path, names);
        }
    }
}

void qmp_query_stats_schemas(QmpCall *c)
{
    c->ret = json_array();
    Json *j = json_add(c->ret, NULL, json_object());
    json_add_str(j, "provider", "tcg");
    json_add_str(j, "target", "vcpu");
    Json *list = json_add(j, "stats", json_array());
    for (u32 i = 0; i < countof(tlb_counters); i++) {
        Json *k = json_add(list, NULL, json_object());
        json_add_str(k, "name", tlb_counters[i].name);
        json_add_str(k, "type", "cumulative");
    }
}

/* ---- memory ------------------------------------------------------------- */

void qmp_query_memory_size_summary(QmpCall *c)
{
    c->ret = json_object();
    json_add_u64(c->ret, "base-memory", c->m->ram_size);
    json_add_u64(c->ret, "plugged-memory", 0);
}

/* cpu NULL: physical memory. */
static void save_memory(QmpCall *c, Cpu *cpu)
{
    u64 at = (u64)json_int(c->args, "val", 0);
    u64 left = (u64)json_int(c->args, "size", 0);
    const char *name = json_str(c->args, "filename");
    g_autofree u8 *buf = g_malloc(GUEST_PAGE);
    FILE *f = fopen(name, "wb");

    if (!f) {
        fail(&c->err, "Could not open '%.200s': %s", name, g_strerror(errno));
        return;
    }
    while (left) {
        u64 n = MIN(left, GUEST_PAGE - (at & (GUEST_PAGE - 1)));
        if (!(cpu ? cpu_debug_read(cpu, at, buf, n)
                  : mem_read(c->m->mem, at, buf, n))) {
            fail(&c->err, "Invalid addr 0x%016llx/size %llu specified",
                 (unsigned long long)at, (unsigned long long)left);
            break;
        }
        if (fwrite(buf, 1, n, f) != n) {
            fail(&c->err, "Could not write '%.200s': %s", name,
                 g_strerror(errno));
            break;
        }
        at += n;
        left -= n;
    }
    if (fclose(f) && !c->err.text[0]) {
        fail(&c->err, "Could not write '%.200s': %s", name, g_strerror(errno));
    }
}

void qmp_memsave(QmpCall *c)
{
    u32 n = (u32)json_int(c->args, "cpu-index", 0);

    if (n >= c->m->ncpus) {
        fail(&c->err, "Parameter 'cpu-index' is %u; there are %u CPUs", n,
             c->m->ncpus);
    } else {
        save_memory(c, c->m->cpu[n]);
    }
}

void qmp_pmemsave(QmpCall *c)
{
    save_memory(c, NULL);
}

/* ---- lists of what there is none of -------------------------------------- */

static void none(QmpCall *c)
{
    c->ret = json_array();
}

void qmp_query_memory_devices(QmpCall *c)
{
    none(c);
}

void qmp_query_tpm_models(QmpCall *c)
{
    none(c);
}

void qmp_query_tpm_types(QmpCall *c)
{
    none(c);
}

void qmp_query_tpm(QmpCall *c)
{
    none(c);
}

/* ---- the balloon -------------------------------------------------------- */

static Device *find_balloon(QmpCall *c)
{
    Device *d = balloon_find(c->m);

    if (!d) {
        c->class = "DeviceNotActive";
        fail(&c->err, "No balloon device has been activated");
    }
    return d;
}

void qmp_query_balloon(QmpCall *c)
{
    const Device *d = find_balloon(c);

    if (d) {
        c->ret = json_object();
        json_add_u64(c->ret, "actual", balloon_actual(d));
    }
}

void qmp_balloon(QmpCall *c)
{
    Device *d = find_balloon(c);
    i64 value = json_int(c->args, "value", 0);

    if (d && value <= 0) {
        fail(&c->err, "Parameter 'target' expects a size");
    } else if (d) {
        balloon_set(d, (u64)value);
    }
}
