/* SPDX-License-Identifier: MIT */
/*
 * Lets a guest end the emulator: a write of v exits with status v * 2 + 1.
 * For test programs; device "isa-debug-exit".
 */
#include "hw/core/ports.h"

typedef struct DebugExit {
    Device dev;
    u32    iobase, iosize;              /* properties */
} DebugExit;

static u64 port_read(void *opaque, u64 at, unsigned size)
{
    (void)opaque, (void)at, (void)size;
    return 0;
}

static void port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    DebugExit *s = opaque;

    (void)at, (void)size;
    if (s->dev.machine) {
        s->dev.machine->exit_code = (int)((u32)v << 1 | 1);
        machine_shutdown(s->dev.machine, SHUTDOWN_GUEST);
    }
}

static bool start(void *opaque, Err *err)
{
    DebugExit *s = opaque;

    if (s->iosize < 1 || s->iosize > 4) {
        return fail(err, "isa-debug-exit.iosize is %u; write 1 to 4",
                    s->iosize);
    }
    return ports_map(&s->dev, s->iobase, s->iosize, err);
}

DEVICE(debug_exit) {
    .name   = "isa-debug-exit",
    .about  = "port that ends the emulator",
    .size   = sizeof(DebugExit),
    .window = 4,
    .user   = true,
    .mmio_read  = port_read,
    .mmio_write = port_write,
    .props  = (const Prop[]) {
        PROP("iobase", PROP_U32, DebugExit, iobase, "0x501", "first port"),
        PROP("iosize", PROP_U32, DebugExit, iosize, "2", "how many, 1 to 4"),
        { 0 }
    },
    .start  = start,
};
