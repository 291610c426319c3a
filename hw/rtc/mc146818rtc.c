/* SPDX-License-Identifier: MIT */
/*
 * Motorola MC146818 real-time clock with 128 bytes of CMOS memory, as PCs
 * have it at ports 0x70 and 0x71.  References: MC146818 data sheet (ADI-856);
 * Intel 82371AB (PIIX4) data sheet, "RTC"; byte 0x32 is the PC's century.
 *
 * The clock is the host's plus an offset that the guest sets by writing time
 * registers; it and the memory outlive a reset, as by a battery.  While the
 * clock is stopped (SET, or the divider held) the time is in the memory.
 * The update ends when a second begins: then UIP falls and UF rises.  Left
 * out: the square wave output, daylight saving (the bit is stored), the other
 * time bases than 32.768 kHz.
 */
#include "hw/core/bytewise.h"
#include "hw/rtc/mc146818rtc.h"
#include "softmmu/clock.h"
#include "softmmu/machine.h"

#define SECOND 1000000000ll

enum { CMOS = 128, BASE_HZ = 32768 };
enum { UPDATE_NS = (244 + 1984) * 1000 };       /* UIP before a second */
enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
/* Guest seconds stay within 64-bit nanoseconds, with a day to add. */
#define LIMIT (INT64_MAX / SECOND - 2 * DAY)

enum {
    SECONDS, SECONDS_ALARM, MINUTES, MINUTES_ALARM, HOURS, HOURS_ALARM,
    WEEKDAY, MONTHDAY, MONTH, YEAR, REG_A, REG_B, REG_C, REG_D,
    CENTURY = 0x32,
};
enum { A_UIP = 0x80, A_DIVIDER = 0x70, A_RUNS = 0x20, A_RATE = 0x0f };
enum {
    B_SET = 0x80, B_DM = 0x04, B_24H = 0x02, B_DSE = 0x01, B_SQWE = 0x08,
    B_MODE = B_SET | B_DM | B_24H | B_DSE,      /* outlive a reset */
};
enum { PF = 0x40, AF = 0x20, UF = 0x10, FLAGS = PF | AF | UF, IRQF = 0x80 };
enum { D_VRT = 0x80, PM = 0x80, ANY = 0xc0 };

typedef struct Rtc {
    Device dev;
    Line   irq;
    Timer *event;
    u64    ahead;               /* property: seconds */

    u8     ram[CMOS];           /* time registers are good while stopped */
    u8     a, mode;             /* register A; B_MODE of register B */
    u8     enable, flags;       /* the rest of register B; register C */
    u8     index;
    u8     weekday;             /* what the guest's weekday is off by, 0 to 6 */
    i64    offset;              /* guest ns - host ns, while running */
    i64    seen;                /* flags are right as of this guest ns */
} Rtc;

/* ---- time --------------------------------------------------------------- */

static i64 now_ns(const Rtc *s)
{
    i64 v = (i64)((u64)clock_now(CLOCK_HOST_NS) + (u64)s->offset
                  + s->ahead * (u64)SECOND);

    return MIN(MAX(v, -LIMIT * SECOND), LIMIT * SECOND);
}

static bool divider_runs(const Rtc *s)
{
    return (s->a & A_DIVIDER) == A_RUNS;
}

static bool runs(const Rtc *s)
{
    return !(s->mode & B_SET) && divider_runs(s);
}

static i64 floor_div(i64 v, i64 by)
{
    return v / by - (v % by < 0);
}

/* Nanoseconds into the second. */
static i64 part_of(i64 ns)
{
    return ns - floor_div(ns, SECOND) * SECOND;
}

/*
 * Days since 1970 of a date, and back, in the proleptic Gregorian calendar:
 * years begin in March, so that leap days come last; 400 years are 146097
 * days.
 */
static i64 days_of(i64 year, u32 month, u32 day)
{
    i64 y = year - (month <= 2), era = floor_div(y, 400), in = y - era * 400;
    i64 yday = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + in * 365 + in / 4 - in / 100 + yday - 719468;
}

static void date_of(i64 days, i64 *year, u32 *month, u32 *day)
{
    i64 z = days + 719468, era = floor_div(z, 146097), at = z - era * 146097;
    i64 in = (at - at / 1460 + at / 36524 - at / 146096) / 365;
    i64 yday = at - (365 * in + in / 4 - in / 100), m = (5 * yday + 2) / 153;

    *day = (u32)(yday - (153 * m + 2) / 5 + 1);
    *month = (u32)(m < 10 ? m + 3 : m - 9);
    *year = in + era * 400 + (*month <= 2);
}

/* ---- the registers' formats --------------------------------------------- */

static u8 encode(const Rtc *s, u32 v)
{
    return (u8)(s->mode & B_DM ? v : v / 10 % 10 << 4 | v % 10);
}

static u32 decode(const Rtc *s, u8 v)
{
    return s->mode & B_DM ? v : (u32)(v >> 4) * 10 + (v & 15);
}

static u8 encode_hour(const Rtc *s, u32 hour)
{
    if (s->mode & B_24H) {
        return encode(s, hour);
    }
    return encode(s, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? PM : 0);
}

static u32 decode_hour(const Rtc *s, u8 v)
{
    if (s->mode & B_24H) {
        return decode(s, v);
    }
    return decode(s, v & 0x7f) % 12 + (v & PM ? 12 : 0);
}

/* Puts the running clock's time into the memory. */
static void show(Rtc *s)
{
    i64 t = floor_div(now_ns(s), SECOND), days = floor_div(t, DAY), year;
    u32 in = (u32)(t - days * DAY), month, day;
    i64 weekday = (days + 4 + s->weekday) % 7;

    date_of(days, &year, &month, &day);
    s->ram[SECONDS] = encode(s, in % 60);
    s->ram[MINUTES] = encode(s, in / MINUTE % 60);
    s->ram[HOURS] = encode_hour(s, in / HOUR);
    s->ram[WEEKDAY] = encode(s, (u32)(weekday < 0 ? weekday + 7 : weekday) + 1);
    s->ram[MONTHDAY] = encode(s, day);
    s->ram[MONTH] = encode(s, month);
    s->ram[YEAR] = encode(s, (u32)((year % 100 + 100) % 100));
    s->ram[CENTURY] = encode(s, (u32)(year / 100 % 100));
}

/* The clock goes on from the memory's time, `ns` into that second. */
static void set_clock(Rtc *s, i64 ns)
{
    i64 year = decode(s, s->ram[CENTURY]) * 100ll + decode(s, s->ram[YEAR]);
    u32 month = decode(s, s->ram[MONTH]);
    i64 days = days_of(year, MIN(MAX(month, 1), 12),
                       decode(s, s->ram[MONTHDAY]));
    i64 t = days * DAY + decode_hour(s, s->ram[HOURS]) * HOUR
          + decode(s, s->ram[MINUTES]) * MINUTE + decode(s, s->ram[SECONDS]);
    i64 weekday = (decode(s, s->ram[WEEKDAY]) + 6 - (days + 4)) % 7;

    t = MIN(MAX(t, -LIMIT + 1), LIMIT - 1);
    s->offset = (i64)((u64)s->offset + (u64)(t * SECOND + ns)
                      - (u64)now_ns(s));
    s->weekday = (u8)(weekday < 0 ? weekday + 7 : weekday);
    s->seen = now_ns(s);
    machine_clock_set(&s->dev, s->offset / SECOND);
}

/* ---- interrupts --------------------------------------------------------- */

/* Cycles of the time base in a periodic interrupt's period; 0: none. */
static i64 period(const Rtc *s)
{
    u32 rate = s->a & A_RATE;

    return !rate || !divider_runs(s) ? 0
        : 1 << (rate < 3 ? rate + 6 : rate - 1);
}

static i64 base_cycles(i64 ns)
{
    return (i64)((i128)ns * BASE_HZ / SECOND);
}

static bool alarm_unit(const Rtc *s, u32 reg, u32 value)
{
    u8 v = s->ram[reg];

    return v >= ANY
        || (reg == HOURS_ALARM ? decode_hour(s, v) : decode(s, v)) == value;
}

/* The first second from t on that the alarm matches, within a day; or -1. */
static i64 alarm_after(const Rtc *s, i64 t)
{
    i64 end = t + DAY;

    while (t <= end) {
        u32 in = (u32)(t - floor_div(t, DAY) * DAY);
        if (!alarm_unit(s, HOURS_ALARM, in / HOUR)) {
            t += HOUR - in % HOUR;
        } else if (!alarm_unit(s, MINUTES_ALARM, in / MINUTE % 60)) {
            t += MINUTE - in % MINUTE;
        } else if (!alarm_unit(s, SECONDS_ALARM, in % 60)) {
            t++;
        } else {
            return t;
        }
    }
    return -1;
}

static void drive(Rtc *s)
{
    line_set(&s->irq, s->flags & s->enable & FLAGS);
}

/* Sets the flags of what came to pass since it was last called. */
static void catch_up(Rtc *s)
{
    i64 now = now_ns(s), per = period(s);
    i64 then = floor_div(s->seen, SECOND), t = floor_div(now, SECOND);

    if (now <= s->seen) {               /* also if the host's clock was set */
        s->seen = now;
        return;
    }
    if (per && base_cycles(now) / per != base_cycles(s->seen) / per) {
        s->flags |= PF;
    }
    if (runs(s) && t != then) {
        i64 alarm = alarm_after(s, then + 1);
        s->flags |= UF | (alarm >= 0 && alarm <= t ? AF : 0);
    }
    s->seen = now;
}

/* The guest ns of the next flag that interrupts, or -1. */
static i64 next_event(const Rtc *s)
{
    i64 best = INT64_MAX, per = period(s), t = floor_div(s->seen, SECOND);

    if (s->enable & PF && per) {
        i64 cycle = (base_cycles(s->seen) / per + 1) * per;
        best = MIN(best, (i64)(((i128)cycle * SECOND + BASE_HZ - 1) / BASE_HZ));
    }
    if (s->enable & UF && runs(s)) {
        best = MIN(best, (t + 1) * SECOND);
    }
    if (s->enable & AF && runs(s)) {
        i64 alarm = alarm_after(s, t + 1);
        best = alarm < 0 ? best : MIN(best, alarm * SECOND);
    }
    return best == INT64_MAX ? -1 : best;
}

/* After any change. */
static void update(Rtc *s)
{
    i64 at = next_event(s);

    drive(s);
    if (at < 0 || s->flags & s->enable & FLAGS) {
        timer_stop(s->event);           /* until the guest reads register C */
    } else {
        timer_set(s->event, (i64)((u64)clock_now(CLOCK_HOST_NS) + (u64)at
                                  - (u64)now_ns(s)));
    }
}

static void ring(void *opaque)
{
    catch_up(opaque);
    update(opaque);
}

/* ---- registers ---------------------------------------------------------- */

static bool is_time(u32 i)
{
    return i == SECONDS || i == MINUTES || i == HOURS
        || (i >= WEEKDAY && i <= YEAR) || i == CENTURY;
}

static bool updating(const Rtc *s)
{
    return runs(s) && part_of(now_ns(s)) >= SECOND - UPDATE_NS;
}

static u8 read_c(Rtc *s)
{
    catch_up(s);
    u8 v = s->flags | (s->flags & s->enable & FLAGS ? IRQF : 0);
    s->flags = 0;
    update(s);
    return v;
}

/* Stops or starts the clock after register A or B changed. */
static void clock_switched(Rtc *s, bool ran, bool divider_ran)
{
    if (!ran && runs(s)) {
        /* Out of a divider reset the first update comes in half a second. */
        set_clock(s, divider_ran ? part_of(now_ns(s)) : SECOND / 2);
    }
}

static void write_a_b(Rtc *s, u32 i, u8 v)
{
    bool ran = runs(s), divider_ran = divider_runs(s);

    catch_up(s);
    if (ran) {
        show(s);
    }
    if (i == REG_A) {
        s->a = v & ~A_UIP;
    } else {
        s->mode = v & B_MODE;
        /* SET also takes UIE away. */
        s->enable = v & (u8)~(B_MODE | (v & B_SET ? UF : 0));
    }
    clock_switched(s, ran, divider_ran);
}

static void write_cmos(Rtc *s, u32 i, u8 v)
{
    switch (i) {
    case REG_A: case REG_B:
        write_a_b(s, i, v);
        break;
    case REG_C: case REG_D:
        return;                         /* read only */
    default:
        if (!is_time(i) || !runs(s)) {
            s->ram[i] = v;
            break;
        }
        catch_up(s);
        show(s);
        s->ram[i] = v;
        set_clock(s, part_of(now_ns(s)));
    }
    update(s);
}

static u8 read_cmos(Rtc *s, u32 i)
{
    switch (i) {
    case REG_A: return s->a | (updating(s) ? A_UIP : 0);
    case REG_B: return s->mode | s->enable;
    case REG_C: return read_c(s);
    case REG_D: return D_VRT;
    }
    if (is_time(i) && runs(s)) {
        show(s);
    }
    return s->ram[i];
}

static u8 read_port(void *opaque, u64 at)
{
    Rtc *s = opaque;

    return at & 1 ? read_cmos(s, s->index % CMOS) : 0xff;
}

static void write_port(void *opaque, u64 at, u8 v)
{
    Rtc *s = opaque;

    if (at & 1) {
        write_cmos(s, s->index % CMOS, v);
    } else {
        s->index = v;
    }
}

static u64 port_read(void *opaque, u64 at, unsigned size)
{
    return bytewise_read(opaque, at, size, read_port);
}

static void port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    bytewise_write(opaque, at, size, v, write_port);
}

void mc146818_set(Device *d, u32 index, u8 value)
{
    write_cmos((Rtc *)d, index % CMOS, value);
}

u8 mc146818_get(Device *d, u32 index)
{
    return read_cmos((Rtc *)d, index % CMOS);
}

bool mc146818_nmi_masked(const Device *d)
{
    return ((const Rtc *)d)->index & 0x80;
}

/* ---- the device --------------------------------------------------------- */

static bool start(void *opaque, Err *err)
{
    Rtc *s = opaque;

    (void)err;
    s->event = timer_new(CLOCK_HOST_NS, ring, s);
    s->a = A_RUNS | 6;
    s->mode = B_24H;
    s->seen = now_ns(s);
    return true;
}

static void reset(void *opaque)
{
    update(opaque);
}

static bool loaded(void *opaque)
{
    Rtc *s = opaque;

    if (s->weekday > 6 || s->mode & ~B_MODE || s->enable & B_MODE
        || s->seen < -LIMIT * SECOND || s->seen > LIMIT * SECOND) {
        return false;
    }
    update(s);
    return true;
}

static void stop(void *opaque)
{
    timer_free(((Rtc *)opaque)->event);
}

DEVICE(rtc) {
    .name   = "mc146818rtc",
    .about  = "MC146818 real-time clock and CMOS memory",
    .size   = sizeof(Rtc),
    .window = 2,
    .mmio_read  = port_read,
    .mmio_write = port_write,
    .state  = (const Field[]) {
        KEEP_SAVE(Rtc, ram), KEEP_SAVE(Rtc, a), KEEP_SAVE(Rtc, mode),
        KEEP_SAVE(Rtc, weekday), KEEP_SAVE(Rtc, offset), KEEP_SAVE(Rtc, seen),
        SAVE(Rtc, enable), SAVE(Rtc, flags), SAVE(Rtc, index), { 0 }
    },
    .props  = (const Prop[]) {
        PROP("ahead", PROP_U64, Rtc, ahead, "0", "seconds, modulo 2^64"),
        { 0 }
    },
    .wires  = (const Wire[]) { WIRE("irq", Rtc, irq), { 0 } },
    .start  = start,
    .reset  = reset,
    .loaded = loaded,
    .stop   = stop,
};
