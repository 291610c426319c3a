/* SPDX-License-Identifier: MIT */
/*
 * System control port B (0x61), device "isa-pcspk": timer channel 2's gate and
 * output, and the speaker's enable.  References: IBM PC/AT Technical
 * Reference; Intel 82371AB (PIIX4) data sheet, "NMISC".
 *
 * Left out: sound; parity and channel check errors, which never happen.
 */
#include "hw/misc/pcspk.h"
#include "hw/timer/i8254.h"
#include "softmmu/clock.h"

enum {
    GATE2 = 1 << 0, CONTROL = 0x0f, REFRESH = 1 << 4, OUT2 = 1 << 5,
};
enum { CHANNEL = 2, REFRESH_NS = 15085 };       /* 18 cycles of the timer */

typedef struct Pcspk {
    Device  dev;
    Device *pit;                /* NULL: none */
    u8      control;
} Pcspk;

void pcspk_attach(Device *d, Device *pit)
{
    ((Pcspk *)d)->pit = pit;
}

static u64 control_read(void *opaque, u32 index)
{
    const Pcspk *s = opaque;
    u64 turns = (u64)clock_now(CLOCK_VIRTUAL_NS) / REFRESH_NS;

    (void)index;
    return s->control | (turns & 1 ? REFRESH : 0)
        | (s->pit && i8254_out(s->pit, CHANNEL) ? OUT2 : 0);
}

static void control_write(void *opaque, u32 index, u64 v)
{
    Pcspk *s = opaque;

    (void)index;
    s->control = v & CONTROL;
    if (s->pit) {
        i8254_set_gate(s->pit, CHANNEL, s->control & GATE2);
    }
}

DEVICE(pcspk) {
    .name   = "isa-pcspk",
    .about  = "system control port B, of timer 2 and the speaker",
    .size   = sizeof(Pcspk),
    .window = 1,
    .regs   = (const Reg[]) {
        { .at = 0, .width = 1, .name = "CONTROL", MEMBER(Pcspk, control),
          .read = control_read, .write = control_write },
        { 0 }
    },
};
