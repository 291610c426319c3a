/* SPDX-License-Identifier: MIT */
/* What -device, -drive and -nic add to a board. */
#include "block/block.h"
#include "hw/scsi/bus.h"
#include "net/net.h"
#include "migration/migration.h"
#include "softmmu/hotplug.h"
#include "softmmu/run.h"

/* "virtio-net" is the kind of it that the board has a bus for. */
static char *full_type(const Machine *m, const char *type)
{
    g_autofree char *full = g_strdup_printf("%s-%s", type,
                                            m->pci ? "pci" : "device");

    return !device_type(type) && g_str_has_prefix(type, "virtio-")
        && device_type(full) ? g_steal_pointer(&full) : g_strdup(type);
}

static bool no_place(const Machine *m, const DeviceType *t, Err *err)
{
    static const char *const bus[] = {
        [BUS_VIRTIO] = "virtio-mmio transports", [BUS_PCI] = "PCI",
        [BUS_IDE] = "IDE", [BUS_NVME] = "NVMe controller", [BUS_SCSI] = "SCSI",
    };

    return fail(err, "%s has no %s for it%s%s", m->board->name, bus[t->bus],
                m->board->nic ? "; it takes devices such as " : "",
                m->board->nic ? m->board->nic : "");
}

static bool has_prop(const DeviceType *t, const char *name)
{
    for (const Prop *p = t->props; p && p->name; p++) {
        if (strcmp(p->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* bootindex=, of what firmware may boot from: *order is one more. */
static bool parse_boot(Machine *m, const DeviceType *t, KeyVal *kv, u32 *order,
                       Err *err)
{
    const char *text = has_prop(t, "drive") || has_prop(t, "netdev")
        ? keyval_get(kv, "bootindex") : NULL;
    u64 v;

    *order = 0;
    if (!text || strcmp(text, "-1") == 0) {
        return true;
    }
    if (!parse_u64(text, &v) || v >= UINT32_MAX) {
        return fail(err, "bootindex=%s is not a number: 0 is what firmware "
                    "tries first", text);
    }
    *order = (u32)v + 1;
    for (u32 i = 0; i < m->devices->len; i++) {
        const Device *d = m->devices->pdata[i];
        if (d->boot_order == *order) {
            return fail(err, "bootindex=%s is that of %s already", text,
                        d->id);
        }
    }
    return true;
}

/* Finds it a place: SCSI is as the adapters that are there, not the board. */
static bool plug(Machine *m, Device *d, Err *err)
{
    return d->type->bus == BUS_SCSI ? scsi_plug(m, d, err)
         : m->plug && m->plug(m, d, err);
}

static bool user_device(Machine *m, KeyVal *kv, Err *err)
{
    const char *given = keyval_get(kv, "driver"), *id = keyval_get(kv, "id");
    g_autofree char *type = given ? full_type(m, given) : NULL;
    const DeviceType *t = type ? device_type(type) : NULL;

    if (type && hotplug_is_cpu(m, type)) {
        return hotplug_add_cpu(m, type, kv, err);
    }
    if (t && !t->user) {
        return fail(err, "the device \"%s\" is part of boards and cannot be "
                    "added", type);
    }
    /* The firmware's own order, or that of -boot, is what counts. */
    keyval_get(kv, "bootindex");
    if (t && t->bus != BUS_PCI) {
        keyval_get(kv, "bus");
        keyval_get(kv, "addr");
    }
    if (id && machine_find_device(m, id)) {
        return fail(err, "there is a device \"%s\" already", id);
    }
    u32 order = 0;
    if (t && !parse_boot(m, t, kv, &order, err)) {
        return false;
    }
    Device *d = machine_new_device(m, type, id, kv, err);
    if (!d) {
        return false;
    }
    d->added = true;
    d->boot_order = order;
    if (machine_made(m) && t->bus != BUS_SCSI
        && !(t->bus == BUS_PCI && m->hot_plugged)) {
        device_free(d);
        return fail(err, "%s cannot come while %s runs", type, m->board->name);
    }
    if (t->bus != BUS_NONE && !plug(m, d, err)) {
        if (!err->text[0]) {
            no_place(m, t, err);
        }
        device_free(d);
        return false;
    }
    if (!machine_adopt(m, d, err)) {
        hotplug_drop(m, d);
        return false;
    }
    if (machine_made(m) && t->bus == BUS_PCI) {
        m->hot_plugged(m, d);
    }
    return true;
}

bool machine_add_device(Machine *m, const char *text, Err *err)
{
    KeyVal *kv = keyval_parse(text, "driver", err);
    bool ok = kv && !migration_running(m) && user_device(m, kv, err);

    keyval_free(kv);
    if (migration_running(m)) {
        fail(err, "not while the machine's state is being sent");
    }
    return ok || err_prefix(err, "-device %s", text);
}

/* Disks that no -device names get the board's one for their if=. */
static void add_disk(void *opaque, Block *b)
{
    void **arg = opaque;
    Machine *m = arg[0];
    Err *err = arg[1];
    const char *kind = block_option(b, "if");
    const BoardDrive *row = m->board->drives;

    while (row->kind && kind && strcmp(row->kind, kind) != 0) {
        row++;
    }
    if (!err->text[0] && !row->kind && kind && strcmp(kind, "none") != 0
        && strcmp(kind, "pflash") != 0) {
        fail(err, "%s takes no if=%s; with if=none,id=ID a -device can have "
             "it%s", m->board->name, kind, strcmp(kind, "scsi") != 0 ? ""
             : ": -device virtio-scsi-pci -device scsi-hd,drive=ID");
    }
    if (!err->text[0] && row->kind) {
        const char *index = block_option(b, "index");
        bool by_unit = strcmp(row->device, "floppy") == 0 && index;
        g_autofree char *text = g_strdup_printf(
            "%s,drive=%s%s%s", row->device, block_id(b),
            by_unit ? ",unit=" : "", by_unit ? index : "");
        machine_add_device(m, text, err);
    }
}

/* The -device of -nic number n. */
static char *card_of(const Machine *m, const char *model, u32 n)
{
    const Board *b = m->board;
    const char *type = !model ? b->nic
        : strcmp(model, "virtio") ? model : "virtio-net";
    bool placed = !n && b->nic_place && strcmp(type, b->nic) == 0;

    return g_strdup_printf("%s,netdev=nic%u%s%s", type, n, placed ? "," : "",
                           placed ? b->nic_place : "");
}

static bool add_nic(Machine *m, const char *text, u32 n, Err *err)
{
    KeyVal *kv = keyval_parse(text, "type", err);
    const char *model = kv ? keyval_get(kv, "model") : NULL;
    GString *rest = g_string_new(NULL);
    bool ok = kv != NULL;

    if (kv && strcmp(keyval_get(kv, "type"), "none") != 0) {
        g_auto(GStrv) word = g_strsplit(text, ",", -1);
        for (char **w = word; *w; w++) {
            if (!g_str_has_prefix(*w, "model=")) {
                g_string_append_printf(rest, "%s%s", rest->len ? "," : "", *w);
            }
        }
        g_string_append_printf(rest, ",id=nic%u", n);
        g_autofree char *card = card_of(m, model, n);
        ok = netdev_open(rest->str, err) && machine_add_device(m, card, err);
    }
    g_string_free(rest, true);
    keyval_free(kv);
    return ok || err_prefix(err, "-nic %s", text);
}

/* Before other devices, which is where boards with PCI have their own. */
static bool add_nics(Machine *m, Err *err)
{
    const Options *o = m->opts;
    bool own = m->board->own_nic && !o->nics->len && !o->netdevs->len
        && !o->no_net && !o->nodefaults;

    for (u32 i = 0; i < o->nics->len; i++) {
        if (!add_nic(m, o->nics->pdata[i], i, err)) {
            return false;
        }
    }
    return !own || add_nic(m, "user", 0, err);
}

bool machine_add_devices(Machine *m, Err *err)
{
    const Options *o = m->opts;
    void *arg[] = { m, err };

    if (!add_nics(m, err)) {
        return false;
    }
    for (u32 i = 0; i < o->devices->len; i++) {
        if (!machine_add_device(m, o->devices->pdata[i], err)) {
            return false;
        }
    }
    block_each(add_disk, arg);
    return !err->text[0];
}
