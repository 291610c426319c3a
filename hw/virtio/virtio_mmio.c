/* SPDX-License-Identifier: MIT */
/*
 * The MMIO transport: version 2, and the legacy version 1 with force-legacy.
 * Reference: VIRTIO 1.1, section 4.2; 4.2.4 for the legacy interface.
 *
 * A transport without a device reads as device 0.  Registers that only the
 * other version has read as 0 and ignore writes.  Left out: shared memory
 * regions, big-endian guests of the legacy interface.
 */
#include <glib.h>
#include "hw/virtio/virtio.h"
#include "util/log.h"

enum { CONFIG = 0x100 };

typedef struct VirtioMmio {
    Device dev;
    Line   irq;
    VirtioDevice *v;
    bool   legacy;
    u32    features_sel, driver_sel, queue_sel;
    u32    page_size;           /* legacy: unit of QueuePFN */
} VirtioMmio;

static VirtQueue *queue(VirtioMmio *s)
{
    return s->v && s->queue_sel < s->v->queues ? &s->v->vq[s->queue_sel]
                                               : NULL;
}

static VirtQueue *modern_queue(VirtioMmio *s)
{
    return s->legacy ? NULL : queue(s);
}

static VirtQueue *legacy_queue(VirtioMmio *s)
{
    return s->legacy ? queue(s) : NULL;
}

static void interrupt(void *opaque)
{
    VirtioMmio *s = opaque;

    line_set(&s->irq, s->v->isr != 0);
}

/* ---- both versions ------------------------------------------------------ */

static u64 version(void *opaque, u32 i)
{
    const VirtioMmio *s = opaque;

    (void)i;
    return s->legacy ? 1 : 2;
}

static u64 device_id(void *opaque, u32 i)
{
    const VirtioMmio *s = opaque;

    (void)i;
    return s->v ? s->v->kind->id : 0;
}

static u64 features(void *opaque, u32 i)
{
    const VirtioMmio *s = opaque;

    (void)i;
    return s->v && s->features_sel < 2
        ? (u32)(virtio_offered(s->v) >> 32 * s->features_sel) : 0;
}

static void driver_features(void *opaque, u32 i, u64 val)
{
    VirtioMmio *s = opaque;

    (void)i;
    if (s->v) {
        virtio_accept(s->v, s->driver_sel, (u32)val);
    }
}

static u64 queue_max(void *opaque, u32 i)
{
    VirtioMmio *s = opaque;

    (void)i;
    return queue(s) && !(s->legacy && queue(s)->ready)
        ? s->v->vq_max[s->queue_sel] : 0;
}

static void queue_num(void *opaque, u32 i, u64 val)
{
    VirtioMmio *s = opaque;
    VirtQueue *q = queue(s);

    (void)i;
    if (q && !q->ready && is_pow2(val) && val <= s->v->vq_max[s->queue_sel]) {
        q->size = (u32)val;
    } else if (q) {
        log_line(LOG_GUEST, "%s: QueueNum %llu", s->dev.id,
                 (unsigned long long)val);
    }
}

static void notify(void *opaque, u32 i, u64 val)
{
    VirtioMmio *s = opaque;

    (void)i;
    if (s->v) {
        virtio_notify(s->v, (u32)val);
    }
}

static u64 status(void *opaque, u32 i)
{
    const VirtioMmio *s = opaque;

    (void)i;
    return s->v ? s->v->status : 0;
}

static void set_status(void *opaque, u32 i, u64 val)
{
    VirtioMmio *s = opaque;

    (void)i;
    if (s->v) {
        virtio_set_status(s->v, (u8)val);
        interrupt(s);
    }
}

static u64 isr(void *opaque, u32 i)
{
    const VirtioMmio *s = opaque;

    (void)i;
    return s->v ? s->v->isr : 0;
}

static void ack(void *opaque, u32 i, u64 val)
{
    VirtioMmio *s = opaque;

    (void)i;
    if (s->v) {
        s->v->isr &= (u8)~val;
        interrupt(s);
    }
}

/* ---- version 2 ---------------------------------------------------------- */

static u64 queue_ready(void *opaque, u32 i)
{
    const VirtQueue *q = modern_queue(opaque);

    (void)i;
    return q && q->ready;
}

static void set_queue_ready(void *opaque, u32 i, u64 val)
{
    VirtioMmio *s = opaque;

    (void)i;
    if (modern_queue(s)) {
        virtio_queue_ready(s->v, s->queue_sel, val & 1);
    }
}

/* Index 0: the low half; 1: the high half.  Not while the queue is in use. */
static void set_half(const VirtQueue *q, u64 *at, u32 i, u64 val)
{
    if (!q->ready) {
        *at = deposit(*at, (int)(32 * i), 32, val);
    }
}

static void desc_addr(void *opaque, u32 i, u64 val)
{
    VirtQueue *q = modern_queue(opaque);

    if (q) {
        set_half(q, &q->desc, i, val);
    }
}

static void avail_addr(void *opaque, u32 i, u64 val)
{
    VirtQueue *q = modern_queue(opaque);

    if (q) {
        set_half(q, &q->avail, i, val);
    }
}

static void used_addr(void *opaque, u32 i, u64 val)
{
    VirtQueue *q = modern_queue(opaque);

    if (q) {
        set_half(q, &q->used, i, val);
    }
}

static u64 generation(void *opaque, u32 i)
{
    const VirtioMmio *s = opaque;

    (void)i;
    return s->v && !s->legacy ? s->v->generation : 0;
}

/* All ones: there is no such region. */
static u64 no_shared_memory(void *opaque, u32 i)
{
    const VirtioMmio *s = opaque;

    (void)i;
    return s->legacy ? 0 : ~0u;
}

/* ---- version 1 ---------------------------------------------------------- */

static void queue_align(void *opaque, u32 i, u64 val)
{
    VirtQueue *q = legacy_queue(opaque);

    (void)i;
    if (q && is_pow2(val)) {
        q->align = (u32)val;
    }
}

static u64 queue_pfn(void *opaque, u32 i)
{
    VirtioMmio *s = opaque;
    const VirtQueue *q = legacy_queue(s);

    (void)i;
    return q && q->ready && s->page_size ? q->desc / s->page_size : 0;
}

/* Section 2.6.2: the legacy layout, one stretch of memory for all three. */
static void set_queue_pfn(void *opaque, u32 i, u64 val)
{
    VirtioMmio *s = opaque;
    VirtQueue *q = legacy_queue(s);

    (void)i;
    if (!q) {
        return;
    }
    q->desc = val * s->page_size;
    q->avail = q->desc + 16ull * q->size;
    q->used = align_up(q->avail + 2ull * (3 + q->size), q->align);
    virtio_queue_ready(s->v, s->queue_sel, q->desc != 0);
}

static const Reg regs[] = {
    CONST(0x000, "MagicValue", 0x74726976),
    FN   (0x004, "Version",    .read = version),
    FN   (0x008, "DeviceID",   .read = device_id),
    CONST(0x00c, "VendorID",   0x554d4551),
    FN   (0x010, "DeviceFeatures", .read = features),
    RW   (0x014, "DeviceFeaturesSel", VirtioMmio, features_sel, ~0u),
    FN   (0x020, "DriverFeatures", .write = driver_features),
    RW   (0x024, "DriverFeaturesSel", VirtioMmio, driver_sel, ~0u),
    RW   (0x028, "GuestPageSize", VirtioMmio, page_size, ~0u),
    RW   (0x030, "QueueSel",   VirtioMmio, queue_sel, ~0u),
    FN   (0x034, "QueueNumMax", .read = queue_max),
    FN   (0x038, "QueueNum",   .write = queue_num),
    FN   (0x03c, "QueueAlign", .write = queue_align),
    FN   (0x040, "QueuePFN",   .read = queue_pfn, .write = set_queue_pfn),
    FN   (0x044, "QueueReady", .read = queue_ready, .write = set_queue_ready),
    FN   (0x050, "QueueNotify", .write = notify),
    FN   (0x060, "InterruptStatus", .read = isr),
    FN   (0x064, "InterruptACK", .write = ack),
    FN   (0x070, "Status",     .read = status, .write = set_status),
    FN   (0x080, "QueueDesc",  .write = desc_addr, .count = 2),
    FN   (0x090, "QueueDriver", .write = avail_addr, .count = 2),
    FN   (0x0a0, "QueueDevice", .write = used_addr, .count = 2),
    FN   (0x0b0, "SHMLen",     .read = no_shared_memory, .count = 2),
    FN   (0x0fc, "ConfigGeneration", .read = generation),
    { 0 }
};

/* ---- the device's configuration, at CONFIG: bytes of any width ---------- */

static bool in_config(const VirtioMmio *s, u64 at, unsigned size)
{
    return s->v && at >= CONFIG
        && at - CONFIG + size <= s->v->kind->config_size;
}

static u64 config_read(void *opaque, u64 at, unsigned size)
{
    const VirtioMmio *s = opaque;

    return in_config(s, at, size)
        ? load_le(s->v->config + at - CONFIG, size) : 0;
}

static void config_write(void *opaque, u64 at, unsigned size, u64 val)
{
    VirtioMmio *s = opaque;

    if (in_config(s, at, size) && s->v->kind->config_write) {
        s->v->kind->config_write(s->v, (u32)(at - CONFIG), size, val);
    }
}

/* ---- the device --------------------------------------------------------- */

static void reset(void *opaque)
{
    VirtioMmio *s = opaque;

    if (s->v) {
        virtio_reset(s->v);
    }
    line_set(&s->irq, false);
}

static bool loaded(void *opaque)
{
    VirtioMmio *s = opaque;

    line_set(&s->irq, s->v && s->v->isr);
    return true;
}

bool virtio_mmio_free(const Device *transport)
{
    return !((const VirtioMmio *)transport)->v;
}

bool virtio_plug(Device *transport, Device *dev, Err *err)
{
    VirtioMmio *s = (VirtioMmio *)transport;

    if (dev->type->bus != BUS_VIRTIO) {
        return fail(err, "%s is no virtio device", dev->type->name);
    }
    if (s->v) {
        return fail(err, "%s has a device already: %s", transport->id,
                    s->v->dev.id);
    }
    s->v = (VirtioDevice *)dev;
    dev->bus = s;
    s->v->legacy = s->legacy;
    s->v->interrupt = interrupt;
    return true;
}

DEVICE(virtio_mmio) {
    .name   = "virtio-mmio",
    .about  = "virtio transport in memory",
    .size   = sizeof(VirtioMmio),
    .window = 0x200,
    .compatible = "virtio,mmio",
    .regs   = regs,
    .tail   = CONFIG,
    .mmio_read = config_read,
    .mmio_write = config_write,
    .wires  = (const Wire[]) { WIRE("irq", VirtioMmio, irq), { 0 } },
    .props  = (const Prop[]) {
        PROP("force-legacy", PROP_BOOL, VirtioMmio, legacy, "off", "as before version 1.0"),
        { 0 }
    },
    .reset  = reset,
    .loaded = loaded,
};
