/* SPDX-License-Identifier: MIT */
/*
 * ARM PrimeCell PL031: a seconds counter with one alarm.
 * Reference: ARM DDI 0224.
 *
 * The counter is the host's clock plus an offset that the guest sets by
 * RTCLR; it goes on over a reset, as a battery's clock does.
 */
#include "hw/core/device.h"
#include "softmmu/clock.h"
#include "softmmu/machine.h"

#define SECOND 1000000000ll

typedef struct Pl031 {
    Device dev;
    Line   irq;
    Timer *alarm;
    u32    ahead;                       /* property */
    u32    match, load, mask, raw;
    u32    offset;                      /* guest seconds - host seconds */
} Pl031;

static u32 count(const Pl031 *s)
{
    return (u32)(clock_now(CLOCK_HOST_NS) / SECOND) + s->ahead + s->offset;
}

static void update(Pl031 *s)
{
    line_set(&s->irq, s->raw & s->mask);
}

static void ring(void *opaque)
{
    Pl031 *s = opaque;

    s->raw |= 1;
    update(s);
}

/* Arms the alarm for when the counter, which may wrap, becomes RTCMR. */
static void set_alarm(Pl031 *s)
{
    u32 wait = s->match - count(s);
    i64 now = clock_now(CLOCK_HOST_NS);

    timer_stop(s->alarm);
    if (wait == 0) {
        ring(s);
    } else {
        timer_set(s->alarm, now - now % SECOND + wait * SECOND);
    }
}

static u64 dr_read(void *opaque, u32 index)
{
    (void)index;
    return count(opaque);
}

static void match_wrote(void *opaque, u32 index, u64 old)
{
    (void)index, (void)old;
    set_alarm(opaque);
}

static void load_wrote(void *opaque, u32 index, u64 old)
{
    Pl031 *s = opaque;

    (void)index, (void)old;
    s->offset += s->load - count(s);
    set_alarm(s);
    machine_clock_set(&s->dev, (i32)s->offset);
}

static void mask_wrote(void *opaque, u32 index, u64 old)
{
    (void)index, (void)old;
    update(opaque);
}

static u64 mis_read(void *opaque, u32 index)
{
    const Pl031 *s = opaque;

    (void)index;
    return s->raw & s->mask;
}

static void icr_write(void *opaque, u32 index, u64 v)
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
    s->alarm = timer_new(CLOCK_HOST_NS, ring, s);
    return true;
}

static void reset(void *opaque)
{
    Pl031 *s = opaque;

    timer_stop(s->alarm);
    update(s);
}

static bool loaded(void *opaque)
{
    Pl031 *s = opaque;

    update(s);
    if (s->match != count(s)) {
        set_alarm(s);
    }
    return true;
}

static void stop(void *opaque)
{
    timer_free(((Pl031 *)opaque)->alarm);
}

DEVICE(pl031) {
    .name   = "pl031",
    .about  = "ARM PrimeCell real-time clock",
    .size   = sizeof(Pl031),
    .window = 0x1000,
    .any_offset = true,
    .compatible = "arm,pl031;arm,primecell",
    .regs   = (const Reg[]) {
        FN   (0x000, "RTCDR",   .read = dr_read),
        RW   (0x004, "RTCMR",   Pl031, match, ~0u, .wrote = match_wrote),
        RW   (0x008, "RTCLR",   Pl031, load,  ~0u, .wrote = load_wrote),
        CONST(0x00c, "RTCCR",   1),
        RW   (0x010, "RTCIMSC", Pl031, mask,  1,   .wrote = mask_wrote),
        RO   (0x014, "RTCRIS",  Pl031, raw),
        FN   (0x018, "RTCMIS",  .read = mis_read),
        FN   (0x01c, "RTCICR",  .write = icr_write),
        CONST(0xfe0, "PID0", 0x31), CONST(0xfe4, "PID1", 0x10),
        CONST(0xfe8, "PID2", 0x04), CONST(0xfec, "PID3", 0x00),
        CONST(0xff0, "CID0", 0x0d), CONST(0xff4, "CID1", 0xf0),
        CONST(0xff8, "CID2", 0x05), CONST(0xffc, "CID3", 0xb1),
        { 0 }
    },
    .state  = (const Field[]) { KEEP_SAVE(Pl031, offset), { 0 } },
    .props  = (const Prop[]) {
        PROP("ahead", PROP_U32, Pl031, ahead, "0", "seconds, modulo 2^32"),
        { 0 }
    },
    .wires  = (const Wire[]) { WIRE("irq", Pl031, irq), { 0 } },
    .start  = start,
    .reset  = reset,
    .loaded = loaded,
    .stop   = stop,
};
