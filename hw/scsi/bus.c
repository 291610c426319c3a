/* SPDX-License-Identifier: MIT */
/*
 * The SCSI bus and the units on it; see include/hw/scsi/bus.h.
 * Reference: SAM-4 (T10/1683-D), 4.6.
 */
#include <glib.h>
#include "hw/scsi/bus.h"
#include "softmmu/hotplug.h"
#include "softmmu/run.h"

/* ---- buses -------------------------------------------------------------- */

static ScsiBus *as_bus(Device *d)
{
    return strcmp(d->type->name, "scsi-bus") == 0 ? (ScsiBus *)d : NULL;
}

static char *name_bus(const Machine *m, const Device *owner)
{
    u32 n = 0;

    if (strcmp(owner->id, owner->type->name) != 0) {
        return g_strdup_printf("%s.0", owner->id);
    }
    for (u32 i = 0; m && i < m->devices->len; i++) {
        const Device *d = m->devices->pdata[i];
        n += as_bus((Device *)d) && g_str_has_prefix(d->id, "scsi.");
    }
    return g_strdup_printf("scsi.%u", n);
}

ScsiBus *scsi_bus_new(Device *adapter, const Device *owner,
                      const ScsiHost *host, Err *err)
{
    Machine *m = adapter->machine;
    g_autofree char *id = name_bus(m, owner);
    Device *d = device_new("scsi-bus", id, err);

    if (!d) {
        return NULL;
    }
    d->machine = m;
    d->mem = adapter->mem;
    d->parent = adapter;
    ((ScsiBus *)d)->host = host;
    ((ScsiBus *)d)->adapter = adapter;
    if (!(m ? machine_adopt(m, d, err) : device_start(d, err))) {
        device_free(d);
        return NULL;
    }
    return (ScsiBus *)d;
}

ScsiDevice *scsi_unit(const ScsiBus *b, u32 target, u32 lun)
{
    for (u32 i = 0; i < b->units->len; i++) {
        ScsiDevice *d = b->units->pdata[i];
        if (d->target == target && d->lun == lun) {
            return d;
        }
    }
    return NULL;
}

ScsiDevice *scsi_target(const ScsiBus *b, u32 target)
{
    for (u32 i = 0; i < b->units->len; i++) {
        ScsiDevice *d = b->units->pdata[i];
        if (d->target == target) {
            return d;
        }
    }
    return NULL;
}

static bool bus_start(void *opaque, Err *err)
{
    (void)err;
    ((ScsiBus *)opaque)->units = g_ptr_array_new();
    return true;
}

static void bus_stop(void *opaque)
{
    ScsiBus *b = opaque;

    for (u32 i = 0; b->units && i < b->units->len; i++) {
        ((ScsiDevice *)b->units->pdata[i])->on = NULL;
    }
    g_clear_pointer(&b->units, g_ptr_array_unref);
}

DEVICE(scsi_bus) {
    .name  = "scsi-bus",
    .about = "SCSI bus",
    .size  = sizeof(ScsiBus),
    .start = bus_start, .stop = bus_stop,
};

/* ---- places ------------------------------------------------------------- */

bool scsi_plug(Machine *m, Device *d, Err *err)
{
    const ScsiDevice *s = (ScsiDevice *)d;

    for (u32 i = 0; i < m->devices->len; i++) {
        ScsiBus *b = as_bus(m->devices->pdata[i]);
        if (b && (!s->bus_name || strcmp(s->bus_name, b->dev.id) == 0)) {
            d->bus = b;
            d->parent = &b->dev;
            return true;
        }
    }
    return s->bus_name
        ? fail(err, "bus=%s: there is no such SCSI bus; -device "
               "virtio-scsi-pci,id=ID before it makes ID.0", s->bus_name)
        : fail(err, "%s: there is no SCSI bus; -device virtio-scsi-pci comes "
               "before it", d->type->name);
}

static gint by_place(gconstpointer a, gconstpointer b)
{
    const ScsiDevice *x = *(ScsiDevice *const *)a, *y = *(ScsiDevice *const *)b;
    u64 p = (u64)x->target << 32 | x->lun, q = (u64)y->target << 32 | y->lun;

    return (p > q) - (p < q);
}

/* The target that was asked for, or the first that nobody has. */
static bool attach(ScsiDevice *s, Err *err)
{
    ScsiBus *b = s->dev.bus;

    if (!b) {
        return true;
    }
    for (u32 i = 0; s->target == ~0u && i < SCSI_TARGETS; i++) {
        s->target = scsi_unit(b, i, s->lun) ? ~0u : i;
    }
    if (s->channel || s->target >= SCSI_TARGETS || s->lun >= SCSI_LUNS
        || b->units->len == SCSI_UNITS) {
        return fail(err, "channel=%u,scsi-id=%u,lun=%u: there is channel 0, "
                    "with targets 0 to %d, units 0 to %d of each, and %d in "
                    "all", s->channel, s->target, s->lun, SCSI_TARGETS - 1,
                    SCSI_LUNS - 1, SCSI_UNITS);
    }
    if (scsi_unit(b, s->target, s->lun)) {
        return fail(err, "scsi-id=%u,lun=%u: %s is there already", s->target,
                    s->lun, scsi_unit(b, s->target, s->lun)->dev.id);
    }
    s->on = b;
    g_ptr_array_add(b->units, s);
    g_ptr_array_sort(b->units, by_place);
    return true;
}

static void detach(ScsiDevice *s)
{
    if (s->on) {
        g_ptr_array_remove(s->on->units, s);
        s->on = NULL;
    }
}

void scsi_leave(Device *d)
{
    ScsiDevice *s = (ScsiDevice *)d;
    ScsiBus *b = s->on;

    if (s->medium.disk) {
        block_drain(s->medium.disk);
    }
    detach(s);
    if (b && b->host) {
        b->host->goes(b->adapter, s);
    }
    hotplug_ejected(d);
}

/* ---- units -------------------------------------------------------------- */

static void changed(void *opaque)
{
    scsi_changed(&((ScsiDevice *)opaque)->scsi);
}

static void asked(void *opaque)
{
    scsi_asked(&((ScsiDevice *)opaque)->scsi);
}

static const struct MediumType medium_type = {
    .at = offsetof(ScsiDevice, medium), .tray = true, .changed = changed,
    .asked = asked,
};

static bool set_unit(ScsiDevice *s, Err *err)
{
    bool cd = strcmp(s->dev.type->name, "scsi-cd") == 0;

    s->medium.fixed = !cd;
    s->scsi = (ScsiUnit) {
        .dev = &s->dev, .medium = &s->medium, .cd = cd,
        .vendor = s->vendor ? s->vendor : "ANOLE",
        .product = s->product ? s->product
                 : cd ? "ANOLE CD-ROM" : "ANOLE HARDDISK",
        .serial = s->serial, .wwn = s->wwn, .rotation = s->rotation,
        .block = cd ? SCSI_CD_BLOCK : s->block,
    };
    if (!cd && !s->medium.disk) {
        return fail(err, "drive= is missing: -drive file=IMAGE,if=none,id=d0 "
                    "-device scsi-hd,drive=d0");
    }
    return (is_pow2(s->block) && s->block >= 512 && s->block <= SCSI_DATA)
        || fail(err, "logical_block_size=%u: it is 512, 1024, 2048 or %d",
                s->block, SCSI_DATA);
}

static bool start(void *opaque, Err *err)
{
    ScsiDevice *s = opaque;
    const Machine *m = s->dev.machine;

    if (!set_unit(s, err) || !attach(s, err)
        || !medium_start(&s->dev, &s->medium, err)) {
        return false;
    }
    if (m && machine_made(m) && s->on && s->on->host) {
        s->on->host->came(s->on->adapter, s);
    }
    return true;
}

static void reset(void *opaque)
{
    ScsiDevice *s = opaque;

    s->medium.open = s->medium.locked = 0;
    scsi_reset(&s->scsi);
}

static bool loaded(void *opaque)
{
    const ScsiDevice *s = opaque;

    return s->medium.open <= 1 && s->medium.locked <= 1
        && s->scsi.write_cache <= 1;
}

static void stop(void *opaque)
{
    ScsiDevice *s = opaque;

    if (s->medium.disk) {
        block_drain(s->medium.disk);
    }
    detach(s);
    medium_stop(&s->medium);
}

#define UNIT                                                                \
    .size  = sizeof(ScsiDevice),                                            \
    .bus   = BUS_SCSI,                                                      \
    .user  = true,                                                          \
    .medium = &medium_type,                                                 \
    .state = (const Field[]) {                                              \
        MEDIUM_STATE(ScsiDevice), SCSI_STATE(ScsiDevice), { 0 }             \
    },                                                                      \
    .props = (const Prop[]) {                                               \
        PROP("drive", PROP_BLOCK, ScsiDevice, medium.disk, NULL, "id of the disk image"), \
        PROP("bus", PROP_STR, ScsiDevice, bus_name, NULL, "id of its bus"), \
        PROP("channel", PROP_U32, ScsiDevice, channel, "0", "0"),           \
        PROP("scsi-id", PROP_U32, ScsiDevice, target, "0xffffffff", "target; else the next"), \
        PROP("lun", PROP_U32, ScsiDevice, lun, "0", "unit of the target"),  \
        PROP("serial", PROP_STR, ScsiDevice, serial, NULL, "serial number, 36 letters"), \
        PROP("vendor", PROP_STR, ScsiDevice, vendor, NULL, "8 letters"),    \
        PROP("product", PROP_STR, ScsiDevice, product, NULL, "16 letters"), \
        PROP("wwn", PROP_U64, ScsiDevice, wwn, "0", "world wide name"),     \
        PROP("rotation_rate", PROP_U32, ScsiDevice, rotation, "0", "turns a minute; 1: none"), \
        PROP("logical_block_size", PROP_U32, ScsiDevice, block, "512", "bytes, of a disk"), \
        { 0 }                                                               \
    },                                                                      \
    .start = start, .reset = reset, .loaded = loaded, .stop = stop

DEVICE(scsi_hd) {
    .name  = "scsi-hd",
    .about = "SCSI disk",
    UNIT,
};

DEVICE(scsi_cd) {
    .name  = "scsi-cd",
    .about = "SCSI CD drive",
    UNIT,
};
