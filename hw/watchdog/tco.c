/* SPDX-License-Identifier: MIT */
/*
 * The TCO watchdog of ICH9; see hw/acpi/tco.h.
 * Reference: Intel ICH9 data sheet (316972), 13.9 "System Management TCO
 * Registers".
 *
 * A tick is 0.6 seconds.  The timer runs from the first reload on, as firmware
 * does not halt it.  When it has run out twice in a row the action of -action
 * watchdog= follows.  Left out: NMIs, the message registers' effects.
 */
#include "hw/acpi/tco.h"
#include "hw/core/bytewise.h"
#include "hw/watchdog/watchdog.h"
#include "softmmu/clock.h"

enum {
    RLD = 0x00, DAT_IN = 0x02, STS1 = 0x04, STS2 = 0x06, CNT1 = 0x08,
    CNT2 = 0x0a, MESSAGE = 0x0c, WDCNT = 0x0e, SW_IRQ_GEN = 0x10, TMR = 0x12,
};
enum { TIMEOUT = 1 << 3 };                              /* STS1 */
enum { SECOND_TO_STS = 1 << 1, BOOT_STS = 1 << 2 };     /* STS2 */
enum { TMR_HLT = 1 << 3, LOCK = 1 << 4 };               /* CNT1, high byte */
enum { TMR_BITS = 0x3ff, TMR_RESET = 4, LEAST = 2 };
#define TICK 600000000ll                                /* nanoseconds */

typedef struct Tco {
    Device dev;
    Line   smi;
    Timer *timer;
    bool   no_reboot;
    u8     r[TCO_PORTS];        /* the registers */
    u8     runs, expired;       /* expired: once since the last reload */
    i64    due;                 /* guest ns when it runs out, if it runs */
} Tco;

static bool counts(const Tco *s)
{
    return s->runs && !(s->r[CNT1 + 1] & TMR_HLT);
}

static u32 value(const Tco *s)
{
    return (u32)load_le(s->r + TMR, 2) & TMR_BITS;
}

static void arm(Tco *s)
{
    if (!s->timer) {
        return;
    }
    if (counts(s)) {
        timer_set(s->timer, s->due);
    } else {
        timer_stop(s->timer);
    }
}

static void reload(Tco *s)
{
    s->runs = 1;
    s->due = clock_now(CLOCK_VIRTUAL_NS) + MAX(value(s), (u32)LEAST) * TICK;
    arm(s);
}

static void run_out(void *opaque)
{
    Tco *s = opaque;

    s->r[STS1] |= TIMEOUT;
    if (s->expired) {
        s->r[STS2] |= SECOND_TO_STS | BOOT_STS;
        s->runs = s->expired = 0;
        if (!s->no_reboot) {
            watchdog_expired(&s->dev);
        }
        return;
    }
    s->expired = 1;
    line_set(&s->smi, true);
    line_set(&s->smi, false);
    reload(s);
}

void tco_no_reboot(Device *d, bool on)
{
    ((Tco *)d)->no_reboot = on;
}

/* ---- registers ---------------------------------------------------------- */

static u32 count(const Tco *s)
{
    i64 left = s->due - clock_now(CLOCK_VIRTUAL_NS);

    return s->runs && left > 0 ? (u32)((left + TICK - 1) / TICK) & TMR_BITS
                               : 0;
}

static u8 read_byte(void *opaque, u64 at)
{
    const Tco *s = opaque;

    return at < DAT_IN ? (u8)(count(s) >> 8 * at)
         : at < TCO_PORTS ? s->r[at] : 0;
}

static void write_byte(void *opaque, u64 at, u8 v)
{
    Tco *s = opaque;

    switch (at) {
    case RLD: case RLD + 1:
        s->expired = 0;
        reload(s);
        break;
    case STS1: case STS1 + 1: case STS2: case STS2 + 1:
        s->r[at] &= (u8)~v;
        break;
    case CNT1 + 1:
        s->r[at] = v | (s->r[at] & LOCK);
        arm(s);
        break;
    case TMR + 1:
        s->r[at] = v & TMR_BITS >> 8;
        break;
    case DAT_IN: case DAT_IN + 1: case CNT1: case CNT2: case CNT2 + 1:
    case MESSAGE: case MESSAGE + 1: case WDCNT: case SW_IRQ_GEN: case TMR:
        s->r[at] = v;
        break;
    default:
        break;                          /* reserved */
    }
}

static u64 ports_read(void *opaque, u64 at, unsigned size)
{
    return bytewise_read(opaque, at, size, read_byte);
}

static void ports_write(void *opaque, u64 at, unsigned size, u64 v)
{
    bytewise_write(opaque, at, size, v, write_byte);
}

/* ---- the device --------------------------------------------------------- */

static bool start(void *opaque, Err *err)
{
    Tco *s = opaque;

    (void)err;
    s->timer = timer_new(CLOCK_VIRTUAL_NS, run_out, s);
    return true;
}

static void reset(void *opaque)
{
    Tco *s = opaque;

    s->r[TMR] = TMR_RESET;
    s->r[SW_IRQ_GEN] = 3;
    arm(s);
}

static bool loaded(void *opaque)
{
    Tco *s = opaque;

    if (s->runs > 1 || s->expired > 1) {
        return false;
    }
    arm(s);
    return true;
}

static void stop(void *opaque)
{
    timer_free(((Tco *)opaque)->timer);
}

DEVICE(ich9_tco) {
    .name   = "ich9-tco",
    .about  = "TCO watchdog of the Q35 chipset",
    .size   = sizeof(Tco),
    .window = TCO_PORTS,
    .mmio_read  = ports_read,
    .mmio_write = ports_write,
    .state  = (const Field[]) {
        SAVE(Tco, r), SAVE(Tco, runs), SAVE(Tco, expired), SAVE(Tco, due),
        { 0 }
    },
    .wires  = (const Wire[]) { WIRE("smi", Tco, smi), { 0 } },
    .start  = start,
    .reset  = reset,
    .loaded = loaded,
    .stop   = stop,
};
