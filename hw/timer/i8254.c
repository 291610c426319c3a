/* SPDX-License-Identifier: MIT */
/*
 * Intel 8254 programmable interval timer at the PC's 1.193182 MHz.
 * Reference: Intel 8254 data sheet (231164).
 *
 * Nothing counts: a channel keeps the tick at which its count began, and what
 * it shows is computed of the time since.  A tick is a cycle of CLK since the
 * virtual clock's zero.  The wire of channel 0 falls only just before it rises
 * in the periodic modes, as interrupt controllers look at the rising edge.
 * Left out: the cycle between a write of the count and its loading.
 */
#include "hw/core/bytewise.h"
#include "hw/timer/i8254.h"
#include "softmmu/clock.h"

#define SECOND 1000000000ull

enum { CHANNELS = 3, RATE = 1193182, CONTROL = 3 };
enum { ACCESS_LATCH, ACCESS_LOW, ACCESS_HIGH, ACCESS_BOTH };
enum { STATUS_OUT = 1 << 7, STATUS_NULL = 1 << 6 };
enum { READ_BACK = 3, KEEP_COUNT = 1 << 5, KEEP_STATUS = 1 << 4 };

typedef struct Channel {
    u64  start;                 /* tick at which the count began */
    u64  held;                  /* ticks counted when the gate stopped it */
    u32  count;                 /* the divisor: 1 to 65536, or 10000 */
    u32  next;                  /* the divisor to be loaded, or 0 */
    u64  load_at;               /* the tick for it, in the periodic modes */
    u16  latched;               /* count, if have_count */
    u8   mode, access;
    u8   low;                   /* first byte of a count of two */
    u8   status;                /* latched, if have_status */
    /* Truth values, of any bits in a hostile stream. */
    u8   bcd, gate;
    u8   running;               /* start is good; else held is */
    u8   begun;                 /* a count was loaded since the control word */
    u8   null;                  /* the count written is not loaded yet */
    u8   write_high, read_high; /* the second byte comes next */
    u8   have_count, have_status;
} Channel;

typedef struct Pit {
    Device  dev;
    Line    irq;
    Timer  *edge;               /* of channel 0's output */
    u8      mute;
    Channel ch[CHANNELS];
} Pit;

/* ---- time --------------------------------------------------------------- */

static u64 tick_now(void)
{
    return (u64)((u128)(u64)clock_now(CLOCK_VIRTUAL_NS) * RATE / SECOND);
}

/* The first nanosecond that belongs to a tick. */
static i64 tick_time(u64 tick)
{
    return (i64)(((u128)tick * SECOND + RATE - 1) / RATE);
}

static bool periodic(const Channel *c)
{
    return c->mode == 2 || c->mode == 3;
}

static bool triggered(const Channel *c)
{
    return c->mode == 1 || c->mode == 5;
}

/* Ticks that mode 3 is high in a period of n. */
static u64 high_half(u64 n)
{
    return (n + 1) / 2;
}

/*
 * In mode 3 a new divisor is loaded between the halves too; then the low half
 * that follows is the new period's.
 */
static void load_next(Channel *c)
{
    bool half = c->load_at - c->start != c->count;

    c->count = c->next;
    c->next = 0;
    c->null = false;
    c->start = c->load_at - (half ? high_half(c->count) : 0);
}

/* Ticks since the count began. */
static u64 elapsed(Channel *c, u64 now)
{
    if (!c->running) {
        return c->held;
    }
    if (c->next && periodic(c) && now - c->start >= c->load_at - c->start) {
        load_next(c);
    }
    return now - c->start;
}

/* The divisor changes when this period ends, of mode 3 also its half. */
static void load_later(Channel *c)
{
    u64 now = tick_now(), t = elapsed(c, now) % c->count;
    u64 half = c->mode == 3 ? high_half(c->count) : 0;

    c->start = now - t;
    c->load_at = c->start + (t < half ? half : c->count);
}

/* ---- what a channel shows ----------------------------------------------- */

static bool out(Channel *c, u64 now)
{
    u64 t = elapsed(c, now);

    if (!c->begun) {
        return c->mode != 0;
    }
    if (periodic(c) && !c->gate) {
        return true;
    }
    switch (c->mode) {
    case 0:  return t >= c->count;
    case 1:  return t >= c->count;
    case 2:  return t % c->count != c->count - 1 || c->count == 1;
    case 3:  return t % c->count < high_half(c->count);
    default: return t != c->count;
    }
}

static u32 to_bcd(u32 v)
{
    return v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 % 10 << 12;
}

static u32 from_bcd(u32 v)
{
    return (v & 15) + (v >> 4 & 15) * 10 + (v >> 8 & 15) * 100
        + (v >> 12 & 15) * 1000;
}

/* The counting element, as reads give it. */
static u16 counter(Channel *c, u64 now)
{
    u32 wrap = c->bcd ? 10000 : 65536;
    u64 t = elapsed(c, now), v;

    if (c->mode == 2) {
        v = c->count - t % c->count;
    } else if (c->mode == 3) {          /* by two, twice a period */
        u64 at = t % c->count, half = high_half(c->count);
        at -= at >= half ? half : 0;
        v = (c->count & ~1ull) - 2 * at;
    } else {                            /* on and on below zero */
        v = c->count + wrap - t % wrap;
    }
    v %= wrap;
    return (u16)(c->bcd ? to_bcd((u32)v) : v);
}

/* ---- channel 0's wire --------------------------------------------------- */

/* Ticks into the count at which the output next rises; 0: never. */
static u64 next_rise(const Channel *c, u64 t)
{
    if (!c->running || !c->begun) {
        return 0;
    }
    if (periodic(c)) {
        u64 load = c->load_at - c->start;
        if (c->next && load != c->count) {
            return load + c->next / 2;  /* after a low half of the new one */
        }
        return c->count > 1 && c->gate ? t - t % c->count + c->count : 0;
    }
    u64 end = c->count + (c->mode >= 4);
    return t < end ? end : 0;
}

static void arm(Pit *s)
{
    Channel *c = &s->ch[0];
    u64 t = elapsed(c, tick_now()), rise = next_rise(c, t);

    if (rise) {
        timer_set(s->edge, tick_time(c->start + rise));
    } else {
        timer_stop(s->edge);
    }
}

/* After any change of channel 0. */
static void update(Pit *s)
{
    line_set(&s->irq, !s->mute && out(&s->ch[0], tick_now()));
    arm(s);
}

static void rise(void *opaque)
{
    Pit *s = opaque;

    line_set(&s->irq, false);
    line_set(&s->irq, !s->mute);
    arm(s);
}

static void changed(Pit *s, const Channel *c)
{
    if (c == s->ch) {
        update(s);
    }
}

/* ---- gates -------------------------------------------------------------- */

static void begin(Channel *c)
{
    if (c->next) {
        c->count = c->next;
        c->next = 0;
    }
    c->start = tick_now();
    c->held = 0;
    c->running = c->begun = true;
    c->null = false;
}

/* Modes 0 and 4 stop and go on, 2 and 3 stop and begin anew, 1 and 5 begin. */
static void gate_changed(Channel *c)
{
    u64 now = tick_now();

    if (triggered(c)) {
        if (c->gate && (c->begun || c->next)) {
            begin(c);
        }
    } else if (!c->begun) {
        return;
    } else if (!c->gate) {
        c->held = elapsed(c, now);
        c->running = false;
    } else if (periodic(c)) {
        begin(c);
    } else {
        c->start = now - c->held;
        c->running = true;
    }
}

void i8254_set_gate(Device *d, int channel, bool level)
{
    Pit *s = (Pit *)d;
    Channel *c = &s->ch[channel];

    if (!c->gate == level) {
        c->gate = level;
        gate_changed(c);
        changed(s, c);
    }
}

bool i8254_gate(const Device *d, int channel)
{
    return ((const Pit *)d)->ch[channel].gate;
}

bool i8254_out(Device *d, int channel)
{
    return out(&((Pit *)d)->ch[channel], tick_now());
}

/* ---- registers ---------------------------------------------------------- */

static void load_count(Channel *c, u32 v)
{
    u32 full = c->bcd ? 10000 : 65536, n = c->bcd ? from_bcd(v) : v;

    bool runs = periodic(c) && c->begun && c->running;
    if (runs) {
        load_later(c);
    }
    c->next = n ? n : full;
    c->null = true;
    if (runs || triggered(c)) {
        return;                         /* later, or by the gate */
    }
    begin(c);
    if (!c->gate) {
        c->running = false;
    }
}

static void latch_count(Channel *c)
{
    if (!c->have_count) {
        c->latched = counter(c, tick_now());
        c->have_count = true;
    }
}

static void latch_status(Channel *c)
{
    if (!c->have_status) {
        bool high = out(c, tick_now());         /* this may load the count */
        c->status = (u8)((high ? STATUS_OUT : 0)
                         | (c->null ? STATUS_NULL : 0)
                         | c->access << 4 | c->mode << 1 | c->bcd);
        c->have_status = true;
    }
}

static void latch_both(Channel *c, bool count, bool status)
{
    if (count) {
        latch_count(c);
    }
    if (status) {
        latch_status(c);
    }
}

static void set_mode(Channel *c, u8 v)
{
    u8 mode = v >> 1 & 7;

    c->access = v >> 4 & 3;
    c->mode = mode > 5 ? mode - 4 : mode;
    c->bcd = v & 1;
    c->null = true;
    c->begun = c->running = false;
    c->next = 0;
    c->held = 0;
    c->write_high = c->read_high = false;
    c->have_count = c->have_status = false;
}

static void write_control(Pit *s, u8 v)
{
    u32 n = v >> 6;

    if (n == READ_BACK) {
        for (u32 i = 0; i < CHANNELS; i++) {
            Channel *c = &s->ch[i];
            if (v >> (i + 1) & 1) {
                latch_both(c, !(v & KEEP_COUNT), !(v & KEEP_STATUS));
            }
        }
    } else if ((v >> 4 & 3) == ACCESS_LATCH) {
        latch_count(&s->ch[n]);
    } else {
        set_mode(&s->ch[n], v);
        changed(s, &s->ch[n]);
    }
}

static void write_count(Pit *s, Channel *c, u8 v)
{
    switch (c->access) {
    case ACCESS_LOW:
        load_count(c, v);
        break;
    case ACCESS_HIGH:
        load_count(c, (u32)v << 8);
        break;
    default:
        c->write_high = !c->write_high;
        if (c->write_high) {
            c->low = v;
            if (c->mode == 0) {         /* the first byte stops the count */
                c->held = elapsed(c, tick_now());
                c->running = c->begun = false;
            }
        } else {
            load_count(c, (u32)v << 8 | c->low);
        }
    }
    changed(s, c);
}

static void write_port(void *opaque, u64 at, u8 v)
{
    Pit *s = opaque;

    if ((at & 3) == CONTROL) {
        write_control(s, v);
    } else {
        write_count(s, &s->ch[at & 3], v);
    }
}

static u8 read_count(Channel *c)
{
    bool high = c->access == ACCESS_HIGH;
    u16 v = c->have_count ? c->latched : counter(c, tick_now());

    if (c->access == ACCESS_BOTH) {
        high = c->read_high;
        c->read_high = !high;
    }
    if (high || c->access != ACCESS_BOTH) {
        c->have_count = false;
    }
    return (u8)(high ? v >> 8 : v);
}

static u8 read_port(void *opaque, u64 at)
{
    Pit *s = opaque;

    if ((at & 3) == CONTROL) {
        return 0xff;                    /* nothing drives the bus */
    }
    Channel *c = &s->ch[at & 3];
    if (c->have_status) {
        c->have_status = false;
        return c->status;
    }
    return read_count(c);
}

static u64 port_read(void *opaque, u64 at, unsigned size)
{
    return bytewise_read(opaque, at, size, read_port);
}

static void port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    bytewise_write(opaque, at, size, v, write_port);
}

/* ---- the device --------------------------------------------------------- */

static void input(void *opaque, int n, bool level)
{
    Pit *s = opaque;

    (void)n;
    s->mute = level;
    update(s);
}

static bool start(void *opaque, Err *err)
{
    Pit *s = opaque;

    (void)err;
    s->edge = timer_new(CLOCK_VIRTUAL_NS, rise, s);
    return true;
}

/* The chip's state is undefined until it is programmed; this is quiet. */
static void reset(void *opaque)
{
    Pit *s = opaque;

    for (u32 i = 0; i < CHANNELS; i++) {
        Channel *c = &s->ch[i];
        c->access = ACCESS_BOTH;
        c->count = 65536;
        c->gate = i != 2;
    }
    update(s);
}

static bool channel_good(const Channel *c)
{
    return c->count >= 1 && c->count <= 65536 && c->next <= 65536
        && c->mode <= 5 && c->access >= ACCESS_LOW && c->access <= ACCESS_BOTH
        && (!c->next || !periodic(c) || c->load_at - c->start <= c->count);
}

static bool loaded(void *opaque)
{
    Pit *s = opaque;

    for (u32 i = 0; i < CHANNELS; i++) {
        if (!channel_good(&s->ch[i])) {
            return false;
        }
    }
    update(s);
    return true;
}

static void stop(void *opaque)
{
    timer_free(((Pit *)opaque)->edge);
}

DEVICE(pit) {
    .name   = "isa-pit",
    .about  = "8254 interval timer",
    .size   = sizeof(Pit),
    .window = 4,
    .mmio_read  = port_read,
    .mmio_write = port_write,
    .state  = (const Field[]) {
        KEEP_SAVE(Pit, mute),
        SAVE_STRUCT(Pit, ch, Channel,
            SAVE(Channel, start), SAVE(Channel, held), SAVE(Channel, count),
            SAVE(Channel, next), SAVE(Channel, load_at),
            SAVE(Channel, latched), SAVE(Channel, mode),
            SAVE(Channel, access), SAVE(Channel, low), SAVE(Channel, status),
            SAVE(Channel, bcd), SAVE(Channel, gate), SAVE(Channel, running),
            SAVE(Channel, begun), SAVE(Channel, null),
            SAVE(Channel, write_high), SAVE(Channel, read_high),
            SAVE(Channel, have_count), SAVE(Channel, have_status)), { 0 }
    },
    .wires  = (const Wire[]) { WIRE("irq", Pit, irq), { 0 } },
    .start  = start,
    .reset  = reset,
    .input  = input,
    .loaded = loaded,
    .stop   = stop,
};
