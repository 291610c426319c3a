/* SPDX-License-Identifier: MIT */
/*
 * ARM PrimeCell PL061: eight general-purpose pins with interrupts.
 * Reference: ARM DDI 0190.
 *
 * Pin n is the input n and the output wire "pin" n.  Left out: the hardware
 * control that GPIOAFSEL gives pins to (the register is stored).
 */
#include "hw/core/device.h"

enum { PINS = 8, ALL = 0xff };

typedef struct Pl061 {
    Device dev;
    Line   irq, pin[PINS];
    u32    out;                 /* what the guest drives */
    u32    in;                  /* what comes in */
    u32    dir, sense, both, event, mask, raw, afsel;
} Pl061;

static u32 levels(const Pl061 *s)
{
    return (s->out & s->dir) | (s->in & ~s->dir);
}

static void update(Pl061 *s)
{
    u32 met = ~(s->event ^ levels(s)) & ~s->dir;    /* as GPIOIEV wants */

    s->raw = (s->raw & ~s->sense) | (met & s->sense & ALL);
    for (u32 i = 0; i < PINS; i++) {
        line_set(&s->pin[i], s->out & s->dir & 1u << i);
    }
    line_set(&s->irq, s->raw & s->mask);
}

/* An input changed: edges of inputs are noted. */
static void input(void *opaque, int n, bool level)
{
    Pl061 *s = opaque;
    u32 bit = 1u << (n & (PINS - 1));
    u32 now = level ? s->in | bit : s->in & ~bit;

    if (now != s->in && bit & ~s->dir & ~s->sense) {
        bool wanted = s->both & bit || !(s->event & bit) == !level;
        s->raw |= wanted ? bit : 0;
    }
    s->in = now;
    update(s);
}

/* Address bits 9 to 2 say which pins an access is about. */
static u64 data_read(void *opaque, u32 index)
{
    return levels(opaque) & index;
}

static void data_write(void *opaque, u32 index, u64 v)
{
    Pl061 *s = opaque;

    s->out = (s->out & ~index) | ((u32)v & index);
    update(s);
}

static void wrote(void *opaque, u32 index, u64 old)
{
    (void)index, (void)old;
    update(opaque);
}

static u64 mis_read(void *opaque, u32 index)
{
    const Pl061 *s = opaque;

    (void)index;
    return s->raw & s->mask;
}

/* Clears edges; a level stays as long as it is there. */
static void icr_write(void *opaque, u32 index, u64 v)
{
    Pl061 *s = opaque;

    (void)index;
    s->raw &= ~((u32)v & ALL);
    update(s);
}

/* Inputs keep their levels. */
static void reset(void *opaque)
{
    update(opaque);
}

static bool loaded(void *opaque)
{
    Pl061 *s = opaque;
    bool ok = !((s->out | s->in | s->dir | s->sense | s->both | s->event
                 | s->mask | s->raw | s->afsel) & ~(u32)ALL);

    s->out &= ALL;
    s->in &= ALL;
    return ok;
}

DEVICE(pl061) {
    .name   = "pl061",
    .about  = "ARM PrimeCell general-purpose pins",
    .size   = sizeof(Pl061),
    .window = 0x1000,
    .any_offset = true,
    .compatible = "arm,pl061;arm,primecell",
    .regs   = (const Reg[]) {
        FN   (0x000, "GPIODATA", .count = 256, .read = data_read, .write = data_write),
        RW   (0x400, "GPIODIR",  Pl061, dir,   ALL, .wrote = wrote),
        RW   (0x404, "GPIOIS",   Pl061, sense, ALL, .wrote = wrote),
        RW   (0x408, "GPIOIBE",  Pl061, both,  ALL),
        RW   (0x40c, "GPIOIEV",  Pl061, event, ALL, .wrote = wrote),
        RW   (0x410, "GPIOIE",   Pl061, mask,  ALL, .wrote = wrote),
        RO   (0x414, "GPIORIS",  Pl061, raw),
        FN   (0x418, "GPIOMIS",  .read = mis_read),
        FN   (0x41c, "GPIOIC",   .write = icr_write),
        RW   (0x420, "GPIOAFSEL", Pl061, afsel, ALL),
        CONST(0xfe0, "PID0", 0x61), CONST(0xfe4, "PID1", 0x10),
        CONST(0xfe8, "PID2", 0x04), CONST(0xfec, "PID3", 0x00),
        CONST(0xff0, "CID0", 0x0d), CONST(0xff4, "CID1", 0xf0),
        CONST(0xff8, "CID2", 0x05), CONST(0xffc, "CID3", 0xb1),
        { 0 }
    },
    .state  = (const Field[]) { SAVE(Pl061, out), KEEP_SAVE(Pl061, in), { 0 } },
    .wires  = (const Wire[]) {
        WIRE("irq", Pl061, irq), WIRES("pin", Pl061, pin), { 0 }
    },
    .input  = input,
    .reset  = reset,
    .loaded = loaded,
};
