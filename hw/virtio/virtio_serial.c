/* SPDX-License-Identifier: MIT */
/*
 * Virtio console.  Reference: VIRTIO 1.1, section 5.3.
 *
 * virtio-serial-device is the card, with one port of its own making: the
 * `chardev` of the card, or the port that -device virtconsole adds to the card
 * made last.  Left out: multiport, emergency write.
 */
#include "chardev/chardev.h"
#include "hw/virtio/virtio.h"
#include "softmmu/machine.h"

enum { RX, TX, CONFIG_BYTES = 12 };

typedef struct VirtioSerial {
    VirtioDevice v;
    Chardev  *chr;
    CharFront front;
} VirtioSerial;

static size_t room(void *opaque)
{
    VirtioSerial *s = opaque;

    return virtio_has_request(&s->v, RX) ? 4096 : 0;
}

static void input(void *opaque, const u8 *buf, size_t len)
{
    VirtioSerial *s = opaque;
    VirtRequest r;

    while (len && virtio_pop(&s->v, RX, &r)) {
        size_t n = iov_copy_in(&r.iov[r.nout], r.nin, 0, buf, len);
        virtio_push(&s->v, RX, &r, (u32)n);
        buf += n;
        len -= n;
    }
}

static void notify(void *opaque, u32 q)
{
    VirtioSerial *s = opaque;
    VirtRequest r;

    if (q == RX) {
        if (s->chr) {
            chardev_accept(s->chr);
        }
        return;
    }
    while (virtio_pop(&s->v, TX, &r)) {
        for (u32 i = 0; s->chr && i < r.nout; i++) {
            chardev_write(s->chr, r.iov[i].iov_base, r.iov[i].iov_len);
        }
        virtio_push(&s->v, TX, &r, 0);
    }
}

static const VirtioKind kind = {
    .id = 3, .queues = 2, .queue_size = { 128, 128 },
    .config_size = CONFIG_BYTES, .notify = notify,
};

static bool attach(VirtioSerial *s, Chardev *chr, Err *err)
{
    if (s->chr) {
        return fail(err, "this card has its one port already");
    }
    s->chr = chr;
    s->front = (CharFront) { s, room, input, NULL };
    return chardev_attach(chr, &s->front, err);
}

static bool start(void *opaque, Err *err)
{
    VirtioSerial *s = opaque;
    Chardev *chr = s->chr;

    virtio_init(&s->v, &kind);
    s->chr = NULL;
    return !chr || attach(s, chr, err);
}

static void reset(void *opaque)
{
    virtio_reset(opaque);
}

static bool loaded(void *opaque)
{
    return virtio_loaded(opaque);
}

DEVICE(virtio_serial) {
    .name  = "virtio-serial-device",
    .about = "virtio console card",
    .size  = sizeof(VirtioSerial),
    .bus   = BUS_VIRTIO,
    .user  = true,
    .state = (const Field[]) { VIRTIO_FIELDS(VirtioSerial, v), { 0 } },
    .props = (const Prop[]) {
        PROP("chardev", PROP_CHARDEV, VirtioSerial, chr, NULL, "where port 0 goes"),
        { 0 }
    },
    .start = start, .reset = reset, .loaded = loaded,
};

/* ---- the port, as -device has it ---------------------------------------- */

typedef struct VirtConsole {
    Device   dev;
    Chardev *chr;
} VirtConsole;

static bool port_start(void *opaque, Err *err)
{
    VirtConsole *p = opaque;
    const Machine *m = p->dev.machine;

    if (!p->chr) {
        return fail(err, "chardev= is missing: -chardev null,id=c0 -device "
                    "virtconsole,chardev=c0");
    }
    for (u32 i = m ? m->devices->len : 0; i-- > 0; ) {
        Device *d = m->devices->pdata[i];
        if (d->type == &virtio_serial_type) {
            return attach((VirtioSerial *)d, p->chr, err);
        }
    }
    return fail(err, "there is no card for it; put -device "
                "virtio-serial-device before");
}

DEVICE(virtconsole) {
    .name  = "virtconsole",
    .about = "console port of the virtio console card",
    .size  = sizeof(VirtConsole),
    .user  = true,
    .props = (const Prop[]) {
        PROP("chardev", PROP_CHARDEV, VirtConsole, chr, NULL, "where it goes"),
        { 0 }
    },
    .start = port_start,
};
