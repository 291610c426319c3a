/* SPDX-License-Identifier: MIT */
/* For devices that -device makes and that place themselves among the ports. */
#pragma once
#include "hw/core/device.h"
#include "softmmu/machine.h"

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
