/* SPDX-License-Identifier: MIT */
/*
 * Watchdog of iBASE's IB700 board, device "ib700": a write to port 0x443
 * starts it with one of 16 times, a write to 0x441 stops it.
 * Reference: iBASE IB700 user's manual, appendix "Watchdog timer".
 */
#include "hw/core/bytewise.h"
#include "hw/core/ports.h"
#include "hw/watchdog/watchdog.h"
#include "softmmu/clock.h"

#define SECOND 1000000000ll

enum { BASE = 0x441, STOP = 0, START = 2, PORTS = 3 };
enum { LONGEST = 30, STEP = 2 };        /* seconds */

typedef struct Ib700 {
    Device dev;
    Timer *timer;
    i64    deadline;                    /* virtual ns; 0: it does not run */
} Ib700;

static void arm(Ib700 *s)
{
    if (s->deadline) {
        timer_set(s->timer, s->deadline);
    } else {
        timer_stop(s->timer);
    }
}

static void ran_out(void *opaque)
{
    Ib700 *s = opaque;

    s->deadline = 0;
    watchdog_expired(&s->dev);
}

static u8 read_port(void *opaque, u64 at)
{
    (void)opaque, (void)at;
    return 0xff;                        /* both are only written */
}

static void write_port(void *opaque, u64 at, u8 v)
{
    Ib700 *s = opaque;

    if (at == START) {
        s->deadline = clock_now(CLOCK_VIRTUAL_NS)
                    + (LONGEST - STEP * (v & 15)) * SECOND;
    } else if (at == STOP) {
        s->deadline = 0;
    }
    arm(s);
}

static u64 port_read(void *opaque, u64 at, unsigned size)
{
    return bytewise_read(opaque, at, size, read_port);
}

static void port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    bytewise_write(opaque, at, size, v, write_port);
}

static bool start(void *opaque, Err *err)
{
    Ib700 *s = opaque;

    s->timer = timer_new(CLOCK_VIRTUAL_NS, ran_out, s);
    return ports_map(&s->dev, BASE, PORTS, err);
}

static void reset(void *opaque)
{
    arm(opaque);
}

static bool loaded(void *opaque)
{
    arm(opaque);
    return true;
}

static void stop(void *opaque)
{
    timer_free(((Ib700 *)opaque)->timer);
}

DEVICE(ib700) {
    .name   = "ib700",
    .about  = "iBASE 700 watchdog",
    .size   = sizeof(Ib700),
    .window = PORTS,
    .user   = true,
    .mmio_read  = port_read,
    .mmio_write = port_write,
    .state  = (const Field[]) { SAVE(Ib700, deadline), { 0 } },
    .start  = start,
    .reset  = reset,
    .loaded = loaded,
    .stop   = stop,
};
