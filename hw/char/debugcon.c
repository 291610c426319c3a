/* SPDX-License-Identifier: MIT */
/*
 * A port that firmware writes messages to, device "isa-debugcon": at 0xe9 as
 * Bochs has it, at 0x402 for SeaBIOS and OVMF.  A read gives the property
 * readback, by which a guest finds it.
 */
#include "chardev/chardev.h"
#include "hw/core/bytewise.h"
#include "hw/core/ports.h"

typedef struct Debugcon {
    Device    dev;
    Chardev  *chr;
    CharFront front;
    u32       iobase, readback;         /* properties */
} Debugcon;

static size_t room(void *opaque)
{
    (void)opaque;
    return 1;                           /* what comes is dropped */
}

static void take_input(void *opaque, const u8 *buf, size_t len)
{
    (void)opaque, (void)buf, (void)len;
}

static u64 port_read(void *opaque, u64 at, unsigned size)
{
    (void)at, (void)size;
    return ((Debugcon *)opaque)->readback;
}

static void put(void *opaque, u64 at, u8 v)
{
    Debugcon *s = opaque;

    if (at == 0 && s->chr) {
        chardev_write(s->chr, &v, 1);
    }
}

static void port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    bytewise_write(opaque, at, size, v, put);
}

static bool start(void *opaque, Err *err)
{
    Debugcon *s = opaque;

    s->front = (CharFront) { s, room, take_input, NULL };
    return (!s->chr || chardev_attach(s->chr, &s->front, err))
        && ports_map(&s->dev, s->iobase, 1, err);
}

DEVICE(debugcon) {
    .name   = "isa-debugcon",
    .about  = "debug console port",
    .size   = sizeof(Debugcon),
    .window = 1,
    .user   = true,
    .mmio_read  = port_read,
    .mmio_write = port_write,
    .props  = (const Prop[]) {
        PROP("chardev", PROP_CHARDEV, Debugcon, chr, NULL, "where it goes"),
        PROP("iobase", PROP_U32, Debugcon, iobase, "0xe9", "its port"),
        PROP("readback", PROP_U32, Debugcon, readback, "0xe9",
             "what a read gives"),
        { 0 }
    },
    .start  = start,
};
