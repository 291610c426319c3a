/* SPDX-License-Identifier: MIT */
/* Disks that come and go in drives; see include/hw/core/medium.h. */
#include <glib.h>
#include "hw/core/medium.h"
#include "softmmu/machine.h"

static Medium *medium_of(Device *d)
{
    return d->type->medium ? (Medium *)((u8 *)d + d->type->medium->at) : NULL;
}

Medium *device_medium(Device *d)
{
    Medium *m = medium_of(d);

    return m && !m->fixed ? m : NULL;
}

static bool fits(Device *d, const Block *b, Err *err)
{
    const struct MediumType *t = d->type->medium;

    return !t->fits || t->fits(d, b, err);
}

bool medium_start(Device *d, Medium *m, Err *err)
{
    Block *b = m->disk;

    m->name = g_strdup(b && !block_option(b, "node-name") ? block_id(b) : "");
    if (b && block_empty(b)) {
        if (m->fixed) {
            return fail(err, "the drive %s has no image: file= is missing; "
                        "CD and floppy drives alone can be empty",
                        block_id(b));
        }
        m->slot = b;
        m->disk = NULL;
    }
    return !b || ((m->slot || fits(d, b, err)) && block_claim(b, d->id, err));
}

void medium_stop(Medium *m)
{
    g_clear_pointer(&m->name, g_free);
}

static void tell(Device *d, const Medium *m)
{
    g_autofree char *path = device_qdev(d);
    Json *data = json_object();

    json_add_str(data, "device", m->name);
    json_add_str(data, "id", path);
    json_add_bool(data, "tray-open", m->open);
    machine_event(d->machine, "DEVICE_TRAY_MOVED", data);
}

void medium_move_tray(Device *d, bool open)
{
    Medium *m = medium_of(d);

    if (!d->type->medium->tray || m->open == open) {
        return;
    }
    if (m->disk) {
        block_drain(m->disk);
    }
    m->open = open;
    d->type->medium->changed(d);
    if (d->machine) {
        tell(d, m);
    }
}

bool medium_insert(Device *d, Block *b, Err *err)
{
    Medium *m = medium_of(d);

    if (!fits(d, b, err) || !block_claim(b, d->id, err)) {
        return false;
    }
    m->disk = b;
    if (!m->open) {
        d->type->medium->changed(d);
    }
    return true;
}

void medium_remove(Device *d)
{
    Medium *m = medium_of(d);
    Block *b = m->disk;

    if (!b) {
        return;
    }
    block_release(b, d->id);            /* nothing is in flight then */
    m->disk = NULL;
    if (!m->open) {
        d->type->medium->changed(d);
    }
    if (!block_option(b, "node-name")) {
        block_close(b);
    }
}
