/* SPDX-License-Identifier: MIT */
/*
 * The PC's parallel port in its standard (SPP) mode, device "isa-parallel":
 * data, status and control.  Reference: IEEE 1284-1994, compatibility mode.
 *
 * A byte goes out at the strobe's leading edge and is acknowledged at once.
 * Without a chardev there is no printer and the inputs float high.  Left out:
 * EPP and ECP.
 */
#include "chardev/chardev.h"
#include "hw/core/bytewise.h"
#include "hw/core/ports.h"

enum { DATA, STATUS, CONTROL };
enum {
    CONTROL_STROBE = 0x01, CONTROL_IRQ = 0x10, CONTROL_INPUT = 0x20,
    CONTROL_BITS = 0x3f, CONTROL_ONES = 0xc0, CONTROL_INIT = 0x0c,
};
enum { STATUS_READY = 0xdf, STATUS_FLOATING = 0x7f };

typedef struct Parallel {
    Device    dev;
    Chardev  *chr;
    CharFront front;
    Line      irq;
    PortChoice place;
    u8        data, control;
} Parallel;

static size_t room(void *opaque)
{
    (void)opaque;
    return 1;                           /* what comes is dropped */
}

static void take_input(void *opaque, const u8 *buf, size_t len)
{
    (void)opaque, (void)buf, (void)len;
}

/* The acknowledge is a short pulse, and the interrupt follows it. */
static void print(Parallel *s)
{
    if (s->chr) {
        chardev_write(s->chr, &s->data, 1);
        line_set(&s->irq, s->control & CONTROL_IRQ);
        line_set(&s->irq, false);
    }
}

static u8 read_port(void *opaque, u64 at)
{
    const Parallel *s = opaque;

    switch (at) {
    case DATA:    return s->control & CONTROL_INPUT ? 0xff : s->data;
    case STATUS:  return s->chr ? STATUS_READY : STATUS_FLOATING;
    case CONTROL: return s->control | CONTROL_ONES;
    default:      return 0xff;
    }
}

static void write_port(void *opaque, u64 at, u8 v)
{
    Parallel *s = opaque;

    if (at == DATA) {
        s->data = v;
    } else if (at == CONTROL) {
        bool strobe = v & ~s->control & CONTROL_STROBE;
        s->control = v & CONTROL_BITS;
        if (strobe) {
            print(s);
        }
    }
}

static u64 port_read(void *opaque, u64 at, unsigned size)
{
    return bytewise_read(opaque, at, size, read_port);
}

static void port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    bytewise_write(opaque, at, size, v, write_port);
}

static const PortPlaces places = {
    "LPT1 to LPT3", 3, { { 0x378, 7 }, { 0x278, 7 }, { 0x3bc, 7 } }
};

static bool start(void *opaque, Err *err)
{
    Parallel *s = opaque;

    s->front = (CharFront) { s, room, take_input, NULL };
    if (s->dev.added && s->dev.machine
        && !ports_place(&s->dev, &s->place, &places, err)) {
        return false;
    }
    return !s->chr || chardev_attach(s->chr, &s->front, err);
}

static void reset(void *opaque)
{
    Parallel *s = opaque;

    s->control = CONTROL_INIT;
    line_set(&s->irq, false);
}

DEVICE(parallel) {
    .name   = "isa-parallel",
    .about  = "parallel port",
    .size   = sizeof(Parallel),
    .window = 3,
    .user   = true,
    .mmio_read  = port_read,
    .mmio_write = port_write,
    .state  = (const Field[]) {
        SAVE(Parallel, data), SAVE(Parallel, control), { 0 }
    },
    .props  = (const Prop[]) {
        PROP("chardev", PROP_CHARDEV, Parallel, chr, NULL, "the printer"),
        PORT_PROPS(Parallel, place, "LPT1"),
        { 0 }
    },
    .wires  = (const Wire[]) { WIRE("irq", Parallel, irq), { 0 } },
    .start  = start,
    .reset  = reset,
};
