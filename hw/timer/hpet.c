/* SPDX-License-Identifier: MIT */
/*
 * High-precision event timers: a 64-bit counter at 100 MHz and comparators.
 * Reference: Intel "IA-PC HPET (High Precision Event Timers) Specification"
 * 1.0a; register names are its own.
 *
 * A comparator that the counter has passed matches when the counter comes
 * round again, as it says; a driver looks at the counter after writing one.
 */
#include "hw/timer/hpet.h"
#include "softmmu/clock.h"

enum { MIN_TIMERS = 3, MAX_TIMERS = 32, LINES = 32, PERIOD_NS = 10 };
enum { TIMERS_AT = 0x100, TIMER_BYTES = 0x20, WINDOW = 0x400 };
enum { T_CONFIG = 0x00, T_COMPARATOR = 0x08, T_ROUTE = 0x10 };
enum { ENABLE_CNF = 1 << 0, LEG_RT_CNF = 1 << 1 };
enum {                                  /* of a timer's configuration */
    INT_LEVEL = 1 << 1, INT_ENB = 1 << 2, PERIODIC = 1 << 3,
    PERIODIC_CAP = 1 << 4, SIZE_CAP = 1 << 5, VAL_SET = 1 << 6,
    MODE_32 = 1 << 8, FSB_EN = 1 << 14, FSB_CAP = 1 << 15,
    WRITABLE = INT_LEVEL | INT_ENB | PERIODIC | VAL_SET | MODE_32 | 0x3e00,
};
#define PERIOD_FS   10000000ull
/* A period that no guest can serve would keep the main loop from its work. */
#define SHORTEST_NS 20000

typedef struct HpetTimer {
    struct Hpet *hpet;
    Timer *timer;
} HpetTimer;

typedef struct Hpet {
    Device dev;
    Line   irq[LINES], legacy;
    void (*msi)(void *opaque, u64 address, u32 data);
    void  *opaque;
    u32    timers, intcap;      /* properties */
    bool   has_msi;             /* property */
    HpetTimer t[MAX_TIMERS];

    u64    config, status;
    u64    counter;             /* when it was stopped or started */
    i64    started;             /* virtual ns */
    u64    tconfig[MAX_TIMERS], comparator[MAX_TIMERS], period[MAX_TIMERS],
           route[MAX_TIMERS];   /* data, then address above */
    u8     rtc;                 /* level of the input */
} Hpet;

/* ---- the counter -------------------------------------------------------- */

static bool running(const Hpet *s)
{
    return s->config & ENABLE_CNF;
}

static u64 count(const Hpet *s)
{
    u64 ns = (u64)clock_now(CLOCK_VIRTUAL_NS) - (u64)s->started;

    return running(s) ? s->counter + ns / PERIOD_NS : s->counter;
}

static u64 width_mask(const Hpet *s, u32 n)
{
    return s->tconfig[n] & MODE_32 ? 0xffffffff : ~0ull;
}

/* ---- interrupts --------------------------------------------------------- */

static u32 line_of(const Hpet *s, u32 n)
{
    if (s->config & LEG_RT_CNF && n < 2) {
        return n ? 8 : 0;
    }
    return s->tconfig[n] >> 9 & 31;
}

static void update(Hpet *s)
{
    u32 want = s->rtc && !(s->config & LEG_RT_CNF) ? 1u << 8 : 0;

    for (u32 n = 0; n < s->timers; n++) {
        bool level = (s->tconfig[n] & (INT_LEVEL | INT_ENB | FSB_EN))
            == (INT_LEVEL | INT_ENB);
        if (level && running(s) && s->status >> n & 1) {
            want |= 1u << line_of(s, n);
        }
    }
    for (u32 i = 0; i < LINES; i++) {
        line_set(&s->irq[i], want >> i & 1);
    }
    line_set(&s->legacy, s->config & LEG_RT_CNF);
}

static void interrupt(Hpet *s, u32 n)
{
    u64 c = s->tconfig[n];

    if (c & INT_LEVEL) {
        s->status |= BIT(n);
    }
    if (c & INT_ENB && c & FSB_EN) {
        if (s->msi) {
            s->msi(s->opaque, s->route[n] >> 32, (u32)s->route[n]);
        }
    } else if (c & INT_ENB && !(c & INT_LEVEL)) {
        line_set(&s->irq[line_of(s, n)], true);
    }
    update(s);
}

/* ---- comparators -------------------------------------------------------- */

/* Arms the host's timer for the next match; passed: this one was taken. */
static void arm(Hpet *s, u32 n, bool passed)
{
    u64 mask = width_mask(s, n);
    u64 ticks = (s->comparator[n] - count(s)) & mask;
    i64 now = clock_now(CLOCK_VIRTUAL_NS);

    if (!s->t[n].timer) {
        return;
    }
    if (passed && !ticks) {
        ticks = mask;
    }
    if (!running(s) || ticks > INT64_MAX / 4 / PERIOD_NS) {
        timer_stop(s->t[n].timer);      /* not in this life */
        return;
    }
    i64 wait = (i64)ticks * PERIOD_NS;
    timer_set(s->t[n].timer, now + (passed ? MAX(wait, SHORTEST_NS) : wait));
}

static void expired(void *opaque)
{
    HpetTimer *t = opaque;
    Hpet *s = t->hpet;
    u32 n = (u32)(t - s->t);
    u64 mask = width_mask(s, n), period = s->period[n] & mask;

    if (s->tconfig[n] & PERIODIC && period) {
        u64 late = (count(s) - s->comparator[n]) & mask;
        s->comparator[n] = (s->comparator[n] + (late / period + 1) * period)
            & mask;
    }
    interrupt(s, n);
    arm(s, n, true);
}

static void arm_all(Hpet *s)
{
    for (u32 n = 0; n < s->timers; n++) {
        arm(s, n, false);
    }
}

/*
 * In periodic mode what is written is the period, and the comparator too if
 * VAL_SET says so.
 */
static void write_comparator(Hpet *s, u32 n, u64 v)
{
    v &= width_mask(s, n);
    if (s->tconfig[n] & PERIODIC) {
        s->period[n] = v;
    }
    if (!(s->tconfig[n] & PERIODIC) || s->tconfig[n] & VAL_SET) {
        s->comparator[n] = v;
    }
    s->tconfig[n] &= ~(u64)VAL_SET;
    arm(s, n, false);
}

static void write_config(Hpet *s, u32 n, u64 v)
{
    u64 old = s->tconfig[n], can = WRITABLE | (s->has_msi ? FSB_EN : 0);

    s->tconfig[n] = (old & ~can) | (v & can);
    if (s->tconfig[n] & MODE_32) {
        s->comparator[n] &= 0xffffffff;
        s->period[n] &= 0xffffffff;
    }
    if (!(s->tconfig[n] & INT_LEVEL)) {
        s->status &= ~BIT(n);
    }
    update(s);
    arm(s, n, false);
}

/* ---- the timers' registers ---------------------------------------------- */

static u64 timer_reg(const Hpet *s, u32 n, u64 reg)
{
    return reg == T_CONFIG ? s->tconfig[n]
         : reg == T_COMPARATOR ? s->comparator[n]
         : reg == T_ROUTE ? s->route[n] : 0;
}

/* Of a timer that is there, and within one register? */
static bool is_there(const Hpet *s, u64 at, unsigned size)
{
    return (at - TIMERS_AT) / TIMER_BYTES < s->timers && at % 8 + size <= 8;
}

static u64 tail_read(void *opaque, u64 at, unsigned size)
{
    const Hpet *s = opaque;
    u32 n = (u32)((at - TIMERS_AT) / TIMER_BYTES);

    if (!is_there(s, at, size)) {
        return 0;
    }
    return timer_reg(s, n, at % TIMER_BYTES & ~7ull) >> at % 8 * 8;
}

static void tail_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Hpet *s = opaque;
    u32 n = (u32)((at - TIMERS_AT) / TIMER_BYTES);
    u64 reg = at % TIMER_BYTES & ~7ull;

    if (!is_there(s, at, size)) {
        return;
    }
    /* Half of a comparator in periodic mode is half of the period. */
    u64 old = reg == T_COMPARATOR && s->tconfig[n] & PERIODIC
        ? s->period[n] : timer_reg(s, n, reg);
    v = deposit(old, (int)(at % 8 * 8), (int)size * 8, v);
    if (reg == T_CONFIG) {
        write_config(s, n, v);
    } else if (reg == T_COMPARATOR) {
        write_comparator(s, n, v);
    } else if (reg == T_ROUTE) {
        s->route[n] = v;
    }
}

/* ---- general registers -------------------------------------------------- */

static u64 read_caps(void *opaque, u32 index)
{
    const Hpet *s = opaque;

    (void)index;
    return PERIOD_FS << 32 | (HPET_ID & ~0x1f00u) | (s->timers - 1) << 8;
}

static void no_write(void *opaque, u32 index, u64 v)
{
    (void)opaque, (void)index, (void)v;
}

static void config_wrote(void *opaque, u32 index, u64 old)
{
    Hpet *s = opaque;

    (void)index;
    if (running(s) && !(old & ENABLE_CNF)) {
        s->started = clock_now(CLOCK_VIRTUAL_NS);
    } else if (!running(s) && old & ENABLE_CNF) {
        s->config |= ENABLE_CNF;
        s->counter = count(s);
        s->config &= ~(u64)ENABLE_CNF;
    }
    update(s);
    arm_all(s);
}

static void status_wrote(void *opaque, u32 index, u64 old)
{
    (void)index, (void)old;
    update(opaque);
}

static u64 read_counter(void *opaque, u32 index)
{
    (void)index;
    return count(opaque);
}

static void counter_wrote(void *opaque, u32 index, u64 old)
{
    Hpet *s = opaque;

    (void)index, (void)old;
    s->started = clock_now(CLOCK_VIRTUAL_NS);
    arm_all(s);
}

/* ---- the device --------------------------------------------------------- */

void hpet_connect(Device *d, void (*msi)(void *opaque, u64 address, u32 data),
                  void *opaque)
{
    Hpet *s = (Hpet *)d;

    s->msi = msi;
    s->opaque = opaque;
}

static void input(void *opaque, int n, bool level)
{
    Hpet *s = opaque;

    if (n == 0) {
        s->rtc = level;
        update(s);
    }
}

static u64 fixed_bits(const Hpet *s)
{
    return (u64)s->intcap << 32 | PERIODIC_CAP | SIZE_CAP
        | (s->has_msi ? FSB_CAP : 0);
}

static void reset(void *opaque)
{
    Hpet *s = opaque;

    for (u32 n = 0; n < MAX_TIMERS; n++) {
        s->tconfig[n] = fixed_bits(s);
        s->comparator[n] = ~0ull;
        if (s->t[n].timer) {
            timer_stop(s->t[n].timer);
        }
    }
    update(s);
}

static bool start(void *opaque, Err *err)
{
    Hpet *s = opaque;

    if (s->timers < MIN_TIMERS || s->timers > MAX_TIMERS) {
        return fail(err, "hpet.timers=%u: there are %u to %u", s->timers,
                    MIN_TIMERS, MAX_TIMERS);
    }
    for (u32 n = 0; n < s->timers; n++) {
        s->t[n].hpet = s;
        s->t[n].timer = timer_new(CLOCK_VIRTUAL_NS, expired, &s->t[n]);
    }
    return true;
}

static bool loaded(void *opaque)
{
    Hpet *s = opaque;
    u64 can = WRITABLE | (s->has_msi ? FSB_EN : 0);

    for (u32 n = 0; n < MAX_TIMERS; n++) {
        if ((s->tconfig[n] & ~can) != fixed_bits(s)) {
            return false;
        }
    }
    update(s);
    arm_all(s);
    return true;
}

static void stop(void *opaque)
{
    Hpet *s = opaque;

    for (u32 n = 0; n < s->timers && n < MAX_TIMERS; n++) {
        timer_free(s->t[n].timer);
    }
}

DEVICE(hpet) {
    .name   = "hpet",
    .about  = "high-precision event timers",
    .size   = sizeof(Hpet),
    .window = WINDOW,
    .any_offset = true,
    .tail   = TIMERS_AT,
    .mmio_read  = tail_read,
    .mmio_write = tail_write,
    .regs   = (const Reg[]) {
        { .at = 0x00, .width = 8, .name = "GCAP_ID", .read = read_caps, .write = no_write },
        { .at = 0x10, .width = 8, .name = "GEN_CONF", MEMBER(Hpet, config),
          .rw = ENABLE_CNF | LEG_RT_CNF, .wrote = config_wrote },
        { .at = 0x20, .width = 8, .name = "GINTR_STA", MEMBER(Hpet, status),
          .w1c = 0xffffffff, .wrote = status_wrote },
        { .at = 0xf0, .width = 8, .name = "MAIN_CNT", MEMBER(Hpet, counter),
          .rw = ~0ull, .read = read_counter, .wrote = counter_wrote },
        { 0 }
    },
    .state  = (const Field[]) {
        SAVE(Hpet, started), SAVE(Hpet, tconfig), SAVE(Hpet, comparator),
        SAVE(Hpet, period), SAVE(Hpet, route), KEEP_SAVE(Hpet, rtc), { 0 }
    },
    .props  = (const Prop[]) {
        PROP("timers", PROP_U32, Hpet, timers, "3", "comparators"),
        PROP("intcap", PROP_U32, Hpet, intcap, "4", "lines to route timers to, a bit each"),
        PROP("msi", PROP_BOOL, Hpet, has_msi, "off", "interrupts by message"),
        { 0 }
    },
    .wires  = (const Wire[]) { WIRES("irq", Hpet, irq), WIRE("legacy", Hpet, legacy), { 0 } },
    .start  = start,
    .reset  = reset,
    .input  = input,
    .loaded = loaded,
    .stop   = stop,
};
