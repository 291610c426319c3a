/* SPDX-License-Identifier: MIT */
/* For devices that -device makes and that place themselves among the ports. */
#pragma once
#include "hw/core/device.h"
#include "softmmu/machine.h"

/* Ports that PCs have several of: where they are by custom. */
typedef struct PortPlaces {
    const char *names;              /* "COM1 to COM4" */
    u32         count;
    struct { u16 port; u8 irq; } at[4];
} PortPlaces;

/* What -device may say of such a one; PORT_PROPS() are its properties. */
typedef struct PortChoice {
    u32 index, iobase, irq;
} PortChoice;

#define PORT_PROPS(T, f, first)                                             \
    PROP("index", PROP_U32, T, f.index, "0xffffffff", "0: " first " and on"), \
    PROP("iobase", PROP_U32, T, f.iobase, NULL, "first port"),              \
    PROP("irq", PROP_U32, T, f.irq, NULL, "ISA interrupt")

/*
 * A device of -device finds its place: what was chosen, else the first that
 * no other of its type has.  Maps its window, connects its wire "irq".
 */
bool ports_place(Device *d, PortChoice *c, const PortPlaces *places, Err *err);

/*
 * Maps size bytes of d's window at a port of its machine; false if the board
 * has no ports.  Without a machine (tests) it does nothing.
 */
static inline bool ports_map(Device *d, u64 base, u64 size, Err *err)
{
    MemRegion r = {
        .name = d->id, .base = base, .size = size,
        .read = device_read, .write = device_write, .opaque = d,
    };

    if (!d->machine) {
        return true;
    }
    if (!d->machine->io) {
        return fail(err, "%s: this board has no ports", d->type->name);
    }
    if (base > 0xffff || size > 0x10000 - base) {
        return fail(err, "%s: ports end at 0xffff", d->type->name);
    }
    d->base = base;
    mem_add(d->machine->io, &r);
    return true;
}
