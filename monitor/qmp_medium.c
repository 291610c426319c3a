/* SPDX-License-Identifier: MIT */
/* QMP's commands for disks that come and go: trays, media, nodes. */
#include "hw/core/medium.h"
#include "monitor/qmp.h"
#include "monitor/qmp_block.h"
#include "monitor/qom.h"
#include "softmmu/drives.h"

/* ---- the drive that a command means ------------------------------------- */

Device *qmp_named_drive(Machine *m, const char *name)
{
    for (u32 i = 0; *name && i < m->devices->len; i++) {
        Device *d = m->devices->pdata[i];
        const Medium *medium = device_medium(d);
        if (medium && strcmp(medium->name, name) == 0) {
            return d;
        }
    }
    return NULL;
}

/* By `device`, the name of a -drive, or `id`, of a -device; or it fails. */
static Device *find_drive(QmpCall *c)
{
    const char *device = json_str(c->args, "device");
    const char *id = json_str(c->args, "id");
    const char *name = id ? id : device;
    Device *d;

    if (!id == !device) {
        fail(&c->err, "Need exactly one of 'device' and 'id'");
        return NULL;
    }
    d = id ? qom_find_device(c->m, id) : qmp_named_drive(c->m, device);
    if (!d && !(device && block_find(device))) {
        c->class = "DeviceNotFound";
        fail(&c->err, "Device '%.100s' not found", name);
        return NULL;
    }
    if (!d || !device_medium(d)) {
        fail(&c->err, "Device '%.100s' is not removable", name);
        return NULL;
    }
    return d;
}

static const char *name_in(const QmpCall *c)
{
    const char *id = json_str(c->args, "id");

    return id ? id : json_str(c->args, "device");
}

/* ---- the tray ----------------------------------------------------------- */

/* A guest that locked it is asked; *asked then, and the tray stays closed. */
static void open_tray(Device *d, bool force, bool *asked)
{
    const Medium *m = device_medium(d);

    *asked = d->type->medium->tray && !m->open && m->locked;
    if (*asked) {
        d->type->medium->asked(d);
    }
    if (!*asked || force) {
        medium_move_tray(d, true);
        *asked = false;
    }
}

void qmp_blockdev_open_tray(QmpCall *c)
{
    Device *d = find_drive(c);
    bool asked;

    if (d) {
        open_tray(d, json_bool(c->args, "force", false), &asked);
    }
}

void qmp_blockdev_close_tray(QmpCall *c)
{
    Device *d = find_drive(c);

    if (d) {
        medium_move_tray(d, false);
    }
}

/* The same where the command goes on with the open tray. */
static bool open_now(QmpCall *c, Device *d)
{
    bool asked;

    open_tray(d, json_bool(c->args, "force", false), &asked);
    return !asked
        || fail(&c->err, "Device '%.100s' is locked and force was not "
                "specified, wait for tray to open and try again", name_in(c));
}

void qmp_eject(QmpCall *c)
{
    Device *d = find_drive(c);

    if (d && open_now(c, d)) {
        medium_remove(d);
    }
}

/* ---- what is in it ------------------------------------------------------ */

static bool reachable(const Device *d)
{
    return !d->type->medium->tray || device_medium((Device *)d)->open;
}

void qmp_blockdev_remove_medium(QmpCall *c)
{
    Device *d = find_drive(c);

    if (d && !reachable(d)) {
        fail(&c->err, "Tray of device '%.100s' is not open", name_in(c));
    } else if (d) {
        medium_remove(d);
    }
}

void qmp_blockdev_insert_medium(QmpCall *c)
{
    Device *d = find_drive(c);
    const char *node = json_str(c->args, "node-name");
    Block *b = block_find(node);

    if (!d) {
        return;
    }
    if (!b || block_empty(b)) {
        fail(&c->err, "Node '%.100s' not found", node);
    } else if (block_claimed(b)) {
        fail(&c->err, "Node '%.100s' is already in use", node);
    } else if (!reachable(d)) {
        fail(&c->err, "Tray of the device is not open");
    } else if (device_medium(d)->disk) {
        fail(&c->err, "There already is a medium in the device");
    } else {
        medium_insert(d, b, &c->err);
    }
}

/* A name that no disk has. */
static char *new_name(void)
{
    char *name = NULL;

    for (u32 n = 1; !name || block_find(name); n++) {
        g_free(name);
        name = g_strdup_printf("#block%u", n);
    }
    return name;
}

/* -drive text of the file. */
static char *describe(const QmpCall *c, const Device *d)
{
    g_autofree char *name = new_name();
    const Medium *m = device_medium((Device *)d);
    const char *mode = json_str(c->args, "read-only-mode");
    const char *format = json_str(c->args, "format");
    g_auto(GStrv) part = g_strsplit(json_str(c->args, "filename"), ",", -1);
    g_autofree char *file = g_strjoinv(",,", part);
    bool was = d->type->medium->tray || (m->disk && block_readonly(m->disk));
    bool readonly = !mode || strcmp(mode, "retain") == 0
        ? was : strcmp(mode, "read-only") == 0;

    return g_strdup_printf("file=%s,if=none,id=%s%s%s%s", file, name,
                           readonly ? ",readonly=on" : "",
                           format ? ",format=" : "", format ? format : "");
}

/* Opens the file; one that is in the drive already has to go first. */
static Block *open_file(QmpCall *c, Device *d)
{
    g_autofree char *text = describe(c, d);
    const Medium *m = device_medium(d);

    if (m->disk && strcmp(block_path(m->disk), json_str(c->args, "filename"))
        == 0 && !block_option(m->disk, "node-name")) {
        if (!open_now(c, d)) {
            return NULL;
        }
        medium_remove(d);
    }
    return block_open(text, &c->err);
}

void qmp_blockdev_change_medium(QmpCall *c)
{
    Device *d = find_drive(c);
    Block *b = d ? open_file(c, d) : NULL;

    if (!b) {
        return;
    }
    if ((d->type->medium->fits && !d->type->medium->fits(d, b, &c->err))
        || !open_now(c, d)) {
        block_close(b);
        return;
    }
    medium_remove(d);
    medium_insert(d, b, &c->err);
    medium_move_tray(d, false);
}

/* ---- nodes -------------------------------------------------------------- */

void qmp_blockdev_add(QmpCall *c)
{
    g_autofree char *text = json_options(c->args);

    drives_add_node(c->m, text, &c->err);
}

void qmp_blockdev_del(QmpCall *c)
{
    drives_delete_node(c->m, json_str(c->args, "node-name"), &c->err);
}
