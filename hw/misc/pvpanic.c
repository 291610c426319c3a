/* SPDX-License-Identifier: MIT */
/*
 * "pvpanic" for ISA: a port by which a guest's kernel says that it panicked.
 * Reference: QEMU's documentation, "PVPANIC device" (docs/specs/pvpanic.txt).
 */
#include "hw/core/ports.h"

enum {
    PANICKED = 1 << 0, CRASH_LOADED = 1 << 1, EVENTS = PANICKED | CRASH_LOADED,
};

typedef struct PvPanic {
    Device dev;
    u32    ioport, events;              /* properties */
} PvPanic;

static u64 port_read(void *opaque, u64 at, unsigned size)
{
    const PvPanic *s = opaque;

    (void)at, (void)size;
    return s->events;
}

static void port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    const PvPanic *s = opaque;

    (void)at, (void)size;
    if (v & s->events & CRASH_LOADED) {
        Json *data = json_object();
        json_add_str(data, "action", "run");
        machine_event(s->dev.machine, "GUEST_CRASHLOADED", data);
    } else if (v & s->events & PANICKED && s->dev.machine) {
        machine_panic(s->dev.machine);
    }
}

static bool start(void *opaque, Err *err)
{
    PvPanic *s = opaque;

    if (s->events & ~EVENTS) {
        return fail(err, "pvpanic.events=%u: it is 0 to %d", s->events, EVENTS);
    }
    return ports_map(&s->dev, s->ioport, 1, err);
}

DEVICE(pvpanic) {
    .name   = "pvpanic",
    .about  = "port by which a guest says that it panicked",
    .size   = sizeof(PvPanic),
    .window = 1,
    .user   = true,
    .mmio_read  = port_read,
    .mmio_write = port_write,
    .props  = (const Prop[]) {
        PROP("ioport", PROP_U32, PvPanic, ioport, "0x505", "its port"),
        PROP("events", PROP_U32, PvPanic, events, "3", "1: panic, 2: a crash kernel starts"),
        { 0 }
    },
    .start  = start,
};
