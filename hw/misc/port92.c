/* SPDX-License-Identifier: MIT */
/*
 * System control port A, device "port92": A20 gate and fast reset.
 * Reference: IBM PS/2 Hardware Interface Technical Reference, "System control
 * port A".  The board makes A20 of this wire or the keyboard controller's.
 */
#include "hw/core/device.h"

enum { RESET = 1 << 0, A20 = 1 << 1 };

typedef struct Port92 {
    Device dev;
    Line   a20, reset;
    u8     control;
} Port92;

static void wrote(void *opaque, u32 index, u64 old)
{
    Port92 *s = opaque;

    (void)index;
    line_set(&s->a20, s->control & A20);
    line_set(&s->reset, s->control & ~old & RESET);
    line_set(&s->reset, false);
}

static void reset(void *opaque)
{
    Port92 *s = opaque;

    line_set(&s->a20, false);
}

static bool loaded(void *opaque)
{
    Port92 *s = opaque;

    line_set(&s->a20, s->control & A20);
    return true;
}

DEVICE(port92) {
    .name   = "port92",
    .about  = "system control port A",
    .size   = sizeof(Port92),
    .window = 1,
    .regs   = (const Reg[]) {
        { .at = 0, .width = 1, .name = "CONTROL", MEMBER(Port92, control),
          .rw = 0xdb, .wrote = wrote },
        { 0 }
    },
    .wires  = (const Wire[]) {
        WIRE("a20", Port92, a20), WIRE("reset", Port92, reset), { 0 }
    },
    .reset  = reset,
    .loaded = loaded,
};
