/* SPDX-License-Identifier: MIT */
/* Devices that come and go; see include/softmmu/hotplug.h. */
#include "accel/accel.h"
#include "block/block.h"
#include "hw/core/medium.h"
#include "hw/scsi/bus.h"
#include "migration/migration.h"
#include "softmmu/hotplug.h"
#include "softmmu/options.h"
#include "target/target.h"

/* The CPU that a monitor added by this id. */
static Cpu *find_cpu(const Machine *m, const char *id)
{
    for (u32 i = 0; i < m->ncpus; i++) {
        Cpu *c = m->cpu[i];
        if (!c->absent && c->id && strcmp(c->id, id) == 0) {
            return c;
        }
    }
    return NULL;
}

bool hotplug_find(Machine *m, const char *id)
{
    const Device *d = machine_find_device(m, id);

    return (d && !d->ejected) || find_cpu(m, id);
}

bool hotplug_remove(Machine *m, const char *id, Err *err)
{
    Device *d = machine_find_device(m, id);
    Cpu *c = find_cpu(m, id);

    if (c && m->cpu_unplug) {
        m->cpu_unplug(m, c);
        return true;
    }
    if (!d || d->ejected) {
        return fail(err, "there is no device \"%s\"; `info qtree` shows them",
                    id);
    }
    if (d->type->bus == BUS_SCSI) {
        scsi_leave(d);
        return true;
    }
    if (!m->hot_unplug) {
        return fail(err, "%s: nothing leaves %s while it runs", id,
                    m->board->name);
    }
    return m->hot_unplug(m, d, err) || err_prefix(err, "%s", id);
}

void hotplug_ejected(Device *d)
{
    d->ejected = true;
    if (d->machine) {
        __atomic_store_n(&d->machine->ejected, 1, __ATOMIC_SEQ_CST);
        g_main_context_wakeup(NULL);
    }
}

static GPtrArray *disks_of(const Device *d)
{
    GPtrArray *a = g_ptr_array_new();

    const Medium *medium = device_medium((Device *)d);

    if (medium && medium->slot) {
        g_ptr_array_add(a, medium->slot);
    }
    for (const Prop *p = d->type->props; p && p->name; p++) {
        Block *b = p->kind == PROP_BLOCK ? *(Block **)((u8 *)d + p->at) : NULL;
        if (b) {
            g_ptr_array_add(a, b);
        }
    }
    return a;
}

static Device *child_of(const Machine *m, const Device *d)
{
    for (u32 i = m->devices->len; i-- > 0; ) {
        Device *c = m->devices->pdata[i];
        if (c->parent == d) {
            return c;
        }
    }
    return NULL;
}

/*
 * Children have children of their own, to the depth of PCI's buses.  Disks are
 * free for others; `gone`: those of -drive and drive_add leave with their
 * device, those of -blockdev stay.
 */
static void drop(Machine *m, Device *d, bool gone)
{
    g_autoptr(GPtrArray) disks = disks_of(d);
    g_autofree char *id = g_strdup(d->id);

    for (Device *c = child_of(m, d); c; c = child_of(m, d)) {
        drop(m, c, gone);
    }
    g_ptr_array_remove(m->devices, d);
    device_free(d);
    for (u32 i = 0; i < disks->len; i++) {
        Block *b = disks->pdata[i];
        block_release(b, id);
        if (gone && !block_option(b, "node-name")) {
            block_close(b);
        }
    }
}

void hotplug_drop(Machine *m, Device *d)
{
    drop(m, d, false);
}

static Device *next_ejected(const Machine *m)
{
    for (u32 i = 0; i < m->devices->len; i++) {
        Device *d = m->devices->pdata[i];
        if (d->ejected) {
            return d;
        }
    }
    return NULL;
}

static void tell(Machine *m, const char *event, const char *id)
{
    g_autofree char *path = g_strdup_printf("/machine/peripheral/%s", id);
    Json *data = json_object();

    json_add_str(data, "device", id);
    json_add_str(data, "path", path);
    machine_event(m, event, data);
}

static void take_away(Machine *m, Device *d)
{
    g_autofree char *id = g_strdup(d->id);

    drop(m, d, true);
    tell(m, "DEVICE_DELETED", id);
}

/* ---- CPUs --------------------------------------------------------------- */

bool hotplug_is_cpu(const Machine *m, const char *type)
{
    g_autofree char *end = g_strdup_printf("-%s-cpu", m->target->name);

    return g_str_has_suffix(type, end);
}

#define NOT_GIVEN 0xffffffffu

/* One part of a place; *v is left alone if it is not given. */
static bool part(KeyVal *kv, const char *name, u32 n, u32 *v, Err *err)
{
    u64 given;

    if (!keyval_u64(kv, name, *v, &given, err)) {
        return false;
    }
    *v = (u32)MIN(given, UINT32_MAX);
    if (given == NOT_GIVEN) {
        return fail(err, "%s= is missing: 0 to %u", name, n - 1);
    }
    return given < n
        || fail(err, "%s=%llu: there are 0 to %u", name,
                (unsigned long long)given, n - 1);
}

static Cpu *find_place(Machine *m, KeyVal *kv, Err *err)
{
    const Topology *t = &m->opts->topology;
    u32 socket = NOT_GIVEN, die = 0, core = NOT_GIVEN, thread = 0;

    socket = t->sockets == 1 ? 0 : socket;
    core = t->cores == 1 ? 0 : core;
    if (!part(kv, "socket-id", t->sockets, &socket, err)
        || !part(kv, "die-id", t->dies, &die, err)
        || !part(kv, "core-id", t->cores, &core, err)
        || !part(kv, "thread-id", t->threads, &thread, err)) {
        return NULL;
    }
    Cpu *c = m->cpu[((socket * t->dies + die) * t->cores + core) * t->threads
                    + thread];
    if (!c->absent) {
        fail(err, "CPU %d is there already; `info hotpluggable-cpus` shows "
             "which are not", c->index);
        return NULL;
    }
    return c;
}

bool hotplug_add_cpu(Machine *m, const char *type, KeyVal *kv, Err *err)
{
    const Cpu *first = m->cpu[0];
    const char *id = keyval_get(kv, "id");
    size_t len = strlen(type) - strlen(m->target->name) - strlen("--cpu");

    if (!m->cpu_plugged || !machine_made(m)) {
        return fail(err, "-smp N,maxcpus=M says how many CPUs there are at the "
                    "start and can be; others come while the machine runs");
    }
    if (len != strlen(first->model) || strncmp(type, first->model, len) != 0) {
        return fail(err, "the CPUs of this machine are %s-%s-cpu",
                    first->model, m->target->name);
    }
    if (id && (machine_find_device(m, id) || find_cpu(m, id))) {
        return fail(err, "there is a device \"%s\" already", id);
    }
    Cpu *c = find_place(m, kv, err);
    if (!c || !keyval_done(kv, type, err)) {
        return false;
    }
    c->id = g_strdup(id);
    c->absent = false;
    m->cpu_plugged(m, c);
    return true;
}

/* From here on it is not there for the guest; its thread stops as it can. */
void hotplug_cpu_ejected(Cpu *c)
{
    c->absent = c->ejected = true;
    cpu_power_off(c);
    __atomic_store_n(&c->machine->ejected, 1, __ATOMIC_SEQ_CST);
    g_main_context_wakeup(NULL);
}

void hotplug_cpu_status(Cpu *c, u32 event, u32 status)
{
    Json *data = json_object(), *info = json_add(data, "info", json_object());
    g_autofree char *slot = g_strdup_printf("%d", c->index);

    if (c->id) {
        json_add_str(info, "device", c->id);
    }
    json_add_str(info, "slot-type", "CPU");
    json_add_str(info, "slot", slot);
    json_add_int(info, "source", event);
    json_add_int(info, "status", status);
    machine_event(c->machine, "ACPI_DEVICE_OST", data);
}

/* It is as a CPU that was never there, and can come again. */
static void take_cpu(Machine *m, Cpu *c)
{
    g_autofree char *id = g_steal_pointer(&c->id);

    c->ejected = false;
    c->target->reset(c);
    c->halted = false;
    c->stop = CPU_OFF;
    m->cpu_left(m, c);
    if (id) {
        tell(m, "DEVICE_DELETED", id);
    }
}

/* ---- in the main loop --------------------------------------------------- */

/* Paused vCPUs hold no pointer to a device, by a TLB or on their stacks. */
void hotplug_serve(Machine *m)
{
    Device *d;

    if (migration_running(m)
        || !__atomic_exchange_n(&m->ejected, 0, __ATOMIC_SEQ_CST)) {
        return;
    }
    vcpus_pause(m);
    while ((d = next_ejected(m))) {
        take_away(m, d);
    }
    for (u32 i = 0; i < m->ncpus; i++) {
        if (m->cpu[i]->ejected) {
            take_cpu(m, m->cpu[i]);
        }
    }
    if (m->state == RUN_RUNNING) {
        vcpus_resume(m);
    }
}
