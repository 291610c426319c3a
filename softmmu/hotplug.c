/* SPDX-License-Identifier: MIT */
/* Devices that come and go; see include/softmmu/hotplug.h. */
#include "accel/accel.h"
#include "block/block.h"
#include "softmmu/hotplug.h"

bool hotplug_remove(Machine *m, const char *id, Err *err)
{
    Device *d = machine_find_device(m, id);

    if (!d || d->ejected) {
        return fail(err, "there is no device \"%s\"; `info qtree` shows them",
                    id);
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

/* Paused vCPUs hold no pointer to a device, by a TLB or on their stacks. */
void hotplug_serve(Machine *m)
{
    Device *d;

    if (!__atomic_exchange_n(&m->ejected, 0, __ATOMIC_SEQ_CST)) {
        return;
    }
    vcpus_pause(m);
    while ((d = next_ejected(m))) {
        take_away(m, d);
    }
    if (m->state == RUN_RUNNING) {
        vcpus_resume(m);
    }
}
