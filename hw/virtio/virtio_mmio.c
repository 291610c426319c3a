/* SPDX-License-Identifier: MIT */
/*
 * The MMIO transport, version 2.  Reference: VIRTIO 1.1, section 4.2.
 *
 * A transport without a device reads as device 0.  Left out: the legacy
 * interface (version 1), shared memory regions.
 */
#include <glib.h>
#include "hw/virtio/virtio.h"
#include "util/log.h"

enum { CONFIG = 0x100 };

typedef struct VirtioMmio {
    Device dev;
    Line   irq;
    VirtioDevice *v;
    u32    features_sel, driver_sel, queue_sel;
} VirtioMmio;

static VirtQueue *queue(VirtioMmio *s)
{
    return s->v && s->queue_sel < s->v->kind->queues ? &s->v->vq[s->queue_sel]
                                                     : NULL;
}

static void interrupt(void *opaque)
{
    VirtioMmio *s = opaque;

    line_set(&s->irq, s->v->isr != 0);
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
        ? (u32)(s->v->features >> 32 * s->features_sel) : 0;
}

static void driver_features(void *opaque, u32 i, u64 val)
{
    VirtioMmio *s = opaque;

    (void)i;
    if (s->v && s->driver_sel < 2) {
        u64 all = deposit(s->v->accepted, (int)(32 * s->driver_sel), 32, val);
        s->v->accepted = all & s->v->features;
    }
}

static u64 queue_max(void *opaque, u32 i)
{
    const VirtioMmio *s = opaque;

    (void)i;
    return queue(opaque) ? s->v->vq_max[s->queue_sel] : 0;
}

static void queue_num(void *opaque, u32 i, u64 val)
{
    const VirtioMmio *s = opaque;
    VirtQueue *q = queue(opaque);

    (void)i;
    if (q && is_pow2(val) && val <= s->v->vq_max[s->queue_sel]) {
        q->size = (u32)val;
    }
}

static u64 queue_ready(void *opaque, u32 i)
{
    const VirtQueue *q = queue(opaque);

    (void)i;
    return q && q->ready;
}

static void set_queue_ready(void *opaque, u32 i, u64 val)
{
    VirtQueue *q = queue(opaque);

    (void)i;
    if (q) {
        q->ready = val & 1;
        q->next = q->used_next = 0;
        q->signalled_valid = false;
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

/* Index 0: the low half; 1: the high half. */
static void set_half(u64 *at, u32 i, u64 val)
{
    *at = deposit(*at, (int)(32 * i), 32, val);
}

static void desc_addr(void *opaque, u32 i, u64 val)
{
    if (queue(opaque)) {
        set_half(&queue(opaque)->desc, i, val);
    }
}

static void avail_addr(void *opaque, u32 i, u64 val)
{
    if (queue(opaque)) {
        set_half(&queue(opaque)->avail, i, val);
    }
}

static void used_addr(void *opaque, u32 i, u64 val)
{
    if (queue(opaque)) {
        set_half(&queue(opaque)->used, i, val);
    }
}

static u64 generation(void *opaque, u32 i)
{
    const VirtioMmio *s = opaque;

    (void)i;
    return s->v ? s->v->generation : 0;
}

static const Reg regs[] = {
    CONST(0x000, "MagicValue", 0x74726976),
    CONST(0x004, "Version",    2),
    FN   (0x008, "DeviceID",   .read = device_id),
    CONST(0x00c, "VendorID",   0x554d4551),
    FN   (0x010, "DeviceFeatures", .read = features),
    RW   (0x014, "DeviceFeaturesSel", VirtioMmio, features_sel, ~0u),
    FN   (0x020, "DriverFeatures", .write = driver_features),
    RW   (0x024, "DriverFeaturesSel", VirtioMmio, driver_sel, ~0u),
    RW   (0x030, "QueueSel",   VirtioMmio, queue_sel, ~0u),
    FN   (0x034, "QueueNumMax", .read = queue_max),
    FN   (0x038, "QueueNum",   .write = queue_num),
    FN   (0x044, "QueueReady", .read = queue_ready, .write = set_queue_ready),
    FN   (0x050, "QueueNotify", .write = notify),
    FN   (0x060, "InterruptStatus", .read = isr),
    FN   (0x064, "InterruptACK", .write = ack),
    FN   (0x070, "Status",     .read = status, .write = set_status),
    FN   (0x080, "QueueDesc",  .write = desc_addr, .count = 2),
    FN   (0x090, "QueueDriver", .write = avail_addr, .count = 2),
    FN   (0x0a0, "QueueDevice", .write = used_addr, .count = 2),
    CONST(0x0b0, "SHMLenLow",  0xffffffff),
    CONST(0x0b4, "SHMLenHigh", 0xffffffff),
    FN   (0x0fc, "ConfigGeneration", .read = generation),
    { 0 }
};

/* The device's configuration, at CONFIG: bytes of any width. */
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

    if (in_config(s, at, size) && s->v->kind->config_wrote) {
        store_le(s->v->config + at - CONFIG, size, val);
        s->v->kind->config_wrote(s->v);
    }
}

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

bool virtio_plug(Device *transport, Device *dev, Err *err)
{
    VirtioMmio *s = (VirtioMmio *)transport;

    if (dev->type->bus != BUS_VIRTIO) {
        return fail(err, "%s is no virtio device", dev->type->name);
    }
    s->v = (VirtioDevice *)dev;
    dev->bus = s;
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
    .reset  = reset,
    .loaded = loaded,
};
