/* SPDX-License-Identifier: MIT */
/*
 * ARM PrimeCell PL031: a seconds counter with one alarm.
 * Reference: ARM DDI 0224.
 */
#include "hw/core/device.h"
#include "softmmu/clock.h"

typedef struct Pl031 {
    Device dev;
    Line   irq;
    Timer *alarm;
    u32    match, load, mask, raw;
    i64    offset;                      /* guest - host seconds, 32 bits */
} Pl031;

enum { SECOND = 1000000000 };

static i64 host_seconds(void)
{
    return clock_now(CLOCK_HOST_NS) / SECOND;
}

static u64 count(void *opaque, u32 index)
{
    Pl031 *s = opaque;

    (void)index;
    return (u32)(host_seconds() + s->offset);
}

static void update(Pl031 *s)
{
    line_set(&s->irq, s->raw & s->mask);
}

/* Arms the timer for the second in which the counter meets RTCMR. */
static void arm(Pl031 *s)
{
    u32 left = s->match - (u32)count(s, 0);

    timer_set(s->alarm, (host_seconds() + (left ? left : 1ll << 32)) * SECOND);
}

static void fire(void *opaque)
{
    Pl031 *s = opaque;

    s->raw |= count(s, 0) == s->match;
    update(s);
    arm(s);
}

static void match_wrote(void *opaque, u32 index, u64 old)
{
    (void)index;
    (void)old;
    arm(opaque);
}

static void load_wrote(void *opaque, u32 index, u64 old)
{
    Pl031 *s = opaque;

    (void)index;
    (void)old;
    s->offset = (i64)s->load - host_seconds();
    arm(s);
}

static void mask_wrote(void *opaque, u32 index, u64 old)
{
    (void)index;
    (void)old;
    update(opaque);
}

static u64 masked(void *opaque, u32 index)
{
    Pl031 *s = opaque;

    (void)index;
    return s->raw & s->mask;
}

static void clear(void *opaque, u32 index, u64 v)
{
    Pl031 *s = opaque;

    (void)index;
    s->raw &= ~(u32)v;
    update(s);
}

static bool start(void *opaque, Err *err)
{
    Pl031 *s = opaque;

    (void)err;
    s->alarm = timer_new(CLOCK_HOST_NS, fire, s);
    return true;
}

static void stop(void *opaque)
{
    timer_free(((Pl031 *)opaque)->alarm);
}

static bool loaded(void *opaque)
{
    update(opaque);
    arm(opaque);
    return true;
}

DEVICE(pl031) {
    .name   = "pl031",
    .about  = "ARM PrimeCell real-time clock",
    .size   = sizeof(Pl031),
    .window = 0x1000,
    .compatible = "arm,pl031\0arm,primecell",
    .regs   = (const Reg[]) {
        FN   (0x000, "RTCDR",   .read = count),
        RW   (0x004, "RTCMR",   Pl031, match, ~0u, .wrote = match_wrote),
        RW   (0x008, "RTCLR",   Pl031, load,  ~0u, .wrote = load_wrote),
        CONST(0x00c, "RTCCR",   1),
        RW   (0x010, "RTCIMSC", Pl031, mask,  1,   .wrote = mask_wrote),
        RO   (0x014, "RTCRIS",  Pl031, raw),
        FN   (0x018, "RTCMIS",  .read = masked),
        FN   (0x01c, "RTCICR",  .write = clear),
        CONST(0xfe0, "PID0", 0x31), CONST(0xfe4, "PID1", 0x10),
        CONST(0xfe8, "PID2", 0x04), CONST(0xfec, "PID3", 0x00),
        CONST(0xff0, "CID0", 0x0d), CONST(0xff4, "CID1", 0xf0),
        CONST(0xff8, "CID2", 0x05), CONST(0xffc, "CID3", 0xb1),
        { 0 }
    },
    .state  = (const Field[]) { KEEP_SAVE(Pl031, offset), { 0 } },
    .wires  = (const Wire[]) { WIRE("irq", Pl031, irq), { 0 } },
    .start  = start,
    .stop   = stop,
    .loaded = loaded,
};
