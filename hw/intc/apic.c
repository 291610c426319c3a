/* SPDX-License-Identifier: MIT */
/*
 * A local APIC, in xAPIC and x2APIC mode.
 * Reference: Intel SDM, volume 3, chapter "Advanced Programmable Interrupt
 * Controller (APIC)"; section names are given where they matter.
 *
 * The timer counts at 1 GHz.  Left out: CMCI, focus processors, the
 * suppression of EOI broadcasts, a window moved away from FEE00000H.
 */
#include "hw/intc/apic_state.h"
#include "softmmu/machine.h"
#include "util/log.h"

enum {                                  /* of an LVT entry */
    LVT_REMOTE_IRR = 1 << 14, LVT_LEVEL = 1 << 15, LVT_MASKED = 1 << 16,
    LVT_PERIODIC = 1 << 17, LVT_DEADLINE = 2 << 17, LVT_TIMER_MODE = 3 << 17,
};
enum {                                  /* of ICR */
    ICR_LOGICAL = 1 << 11, ICR_ASSERT = 1 << 14, ICR_LEVEL = 1 << 15,
    ICR_BITS = 0xccfff,
};
enum {                                  /* of ESR */
    ESR_SEND_ILLEGAL = 1 << 5, ESR_RECEIVED_ILLEGAL = 1 << 6,
    ESR_REGISTER = 1 << 7,
};
enum { SVR_ENABLE = 1 << 8, SVR_RESET = 0xff, SVR_BITS = 0x3ff };
enum { VECTORS = 256, FIRST_VECTOR = 16, VERSION = 0x14 | (LVTS - 1) << 16 };
enum { IN_LINT0, IN_LINT1, IN_THERMAL, IN_PERF, INPUTS };
enum { VIRTUAL_WIRE = APIC_EXTINT << 8 };
/* A period that no guest can serve would keep the main loop from its work. */
#define SHORTEST_NS 20000

/* ---- sets of vectors ---------------------------------------------------- */

static bool has(const u32 *set, u32 v)
{
    return set[v >> 5] >> (v & 31) & 1;
}

static void put(u32 *set, u32 v, bool on)
{
    u32 bit = 1u << (v & 31);

    set[v >> 5] = on ? set[v >> 5] | bit : set[v >> 5] & ~bit;
}

/* The highest vector of a set, or -1. */
static int highest(const u32 *set)
{
    for (int i = VECTORS / 32 - 1; i >= 0; i--) {
        if (set[i]) {
            return i * 32 + 31 - __builtin_clz(set[i]);
        }
    }
    return -1;
}

/* ---- priorities and the CPU's line -------------------------------------- */

bool apic_accepts(const Apic *a)
{
    return apic_enabled(a) && a->svr & SVR_ENABLE;
}

/* "Task and Processor Priorities" */
u32 apic_ppr(const Apic *a)
{
    int serving = highest(a->isr);
    u32 class = serving < 0 ? 0 : (u32)serving & 0xf0;

    return (a->tpr & 0xf0) >= class ? a->tpr : class;
}

/* The vector that the CPU may take now, or -1. */
static int due(const Apic *a)
{
    int v = apic_enabled(a) ? highest(a->irr) : -1;

    return v >= 0 && ((u32)v & 0xf0) > (apic_ppr(a) & 0xf0) ? v : -1;
}

static u32 mode_of(u32 lvt)
{
    return lvt >> 8 & 7;
}

/* Does the PIC ask, through LINT0, or did a message say so? */
static bool extint_due(const Apic *a)
{
    u32 lint = a->lvt[LVT_LINT0];
    bool wire = a->inputs >> IN_LINT0 & 1;

    if (!apic_enabled(a)) {
        return wire;                    /* LINT0 is the INTR pin */
    }
    return a->extint
        || (wire && !(lint & LVT_MASKED) && mode_of(lint) == APIC_EXTINT);
}

static void update(Apic *a)
{
    line_set(&a->intr, due(a) >= 0 || extint_due(a));
}

static void pulse(Line *l)
{
    line_set(l, true);
    line_set(l, false);
}

static void lvt_fire(Apic *a, u32 n, bool level);

/* Notes an error; ESR shows it after the next write to ESR. */
static void error(Apic *a, u32 bit)
{
    bool fresh = !(a->errors & bit);

    a->errors |= bit;
    if (fresh) {
        lvt_fire(a, LVT_ERROR, false);
    }
}

/* A fixed interrupt arrives. */
static void request(Apic *a, u32 vector, bool level)
{
    if (!apic_accepts(a)) {
        return;
    }
    if (vector < FIRST_VECTOR) {
        error(a, ESR_RECEIVED_ILLEGAL);     /* once: it cannot go round */
        return;
    }
    put(a->irr, vector, true);
    put(a->tmr, vector, level);
    update(a);
}

static void reset_state(Apic *a);

void apic_receive(Apic *a, const ApicMessage *m)
{
    switch (m->mode) {
    case APIC_FIXED: case APIC_LOWEST:
        request(a, m->vector, m->level);
        break;
    case APIC_SMI:
        pulse(&a->smi);
        break;
    case APIC_NMI:
        pulse(&a->nmi);
        break;
    case APIC_INIT:
        reset_state(a);
        if (a->cpu) {
            cpu_init(a->cpu, a->base & BASE_BSP);
        }
        break;
    case APIC_STARTUP:
        if (a->cpu) {
            cpu_startup(a->cpu, (u64)m->vector << 12);
        }
        break;
    case APIC_EXTINT:
        a->extint = true;
        update(a);
        break;
    default:
        log_line(LOG_GUEST, "%s: delivery mode %u is reserved", a->dev.id,
                 m->mode);
    }
}

/* ---- the local vector table --------------------------------------------- */

/* What an entry asks for happens. */
static void lvt_fire(Apic *a, u32 n, bool level)
{
    u32 v = a->lvt[n];
    bool fixed_only = n == LVT_TIMER || n == LVT_ERROR;
    ApicMessage m = { .mode = fixed_only ? APIC_FIXED : (u8)mode_of(v),
                      .vector = (u8)v, .level = level };

    if (!(v & LVT_MASKED) && m.mode != APIC_EXTINT && apic_enabled(a)) {
        apic_receive(a, &m);
    }
}

/* A level-triggered LINT that is high and not being served. */
static void follow_level(Apic *a, u32 n)
{
    u32 *v = &a->lvt[LVT_LINT0 + n];

    if (a->inputs >> n & 1 && *v & LVT_LEVEL && mode_of(*v) == APIC_FIXED
        && !(*v & (LVT_MASKED | LVT_REMOTE_IRR)) && apic_accepts(a)) {
        *v |= LVT_REMOTE_IRR;
        lvt_fire(a, LVT_LINT0 + n, true);
    }
}

static void input(void *opaque, int n, bool level)
{
    static const u8 entry[INPUTS] = {
        LVT_LINT0, LVT_LINT1, LVT_THERMAL, LVT_PERF
    };
    Apic *a = opaque;

    if (n < 0 || n >= INPUTS) {
        return;
    }
    u8 bit = (u8)(1u << n);
    bool rose = level && !(a->inputs & bit);
    u32 v = a->lvt[entry[n]];
    a->inputs = level ? a->inputs | bit : a->inputs & ~bit;
    if (!apic_enabled(a)) {
        if (rose && n == IN_LINT1) {    /* it is the NMI pin */
            pulse(&a->nmi);
        }
    } else if (n <= IN_LINT1 && mode_of(v) == APIC_FIXED && v & LVT_LEVEL) {
        follow_level(a, (u32)n);
    } else if (rose) {
        lvt_fire(a, entry[n], false);
    }
    update(a);
}

/* ---- the timer ---------------------------------------------------------- */

static bool in_deadline_mode(const Apic *a)
{
    return (a->lvt[LVT_TIMER] & LVT_TIMER_MODE) == LVT_DEADLINE;
}

static bool is_periodic(const Apic *a)
{
    return (a->lvt[LVT_TIMER] & LVT_TIMER_MODE) == LVT_PERIODIC;
}

/* Nanoseconds of a count: 2, 4 .. 128 and 1. */
static u32 count_ns(u32 divide)
{
    u32 code = (divide & 3) | (divide >> 1 & 4);

    return 1u << ((code + 1) & 7);
}

/* Counts since the timer was started. */
static u64 counted(const Apic *a)
{
    u64 ns = (u64)clock_now(CLOCK_VIRTUAL_NS) - (u64)a->timer_from;

    return ns / count_ns(a->divide);
}

static u32 current_count(const Apic *a)
{
    u64 n = counted(a);

    if (!a->initial || !a->counting || in_deadline_mode(a)) {
        return 0;
    }
    if (is_periodic(a)) {
        return (u32)(a->initial - n % a->initial);
    }
    return n < a->initial ? (u32)(a->initial - n) : 0;
}

/* Arms the host's timer for what the registers say. */
static void arm(Apic *a)
{
    u64 period = (u64)a->initial * count_ns(a->divide);
    i64 now = clock_now(CLOCK_VIRTUAL_NS);

    if (!a->timer) {
        return;
    }
    if (in_deadline_mode(a) && a->deadline) {
        timer_set(a->timer, (i64)MIN(a->deadline, (u64)INT64_MAX));
    } else if (in_deadline_mode(a) || !a->counting || !period) {
        timer_stop(a->timer);
    } else if (!is_periodic(a)) {
        timer_set(a->timer, (i64)((u64)a->timer_from + period));
    } else {
        u64 passed = (u64)now - (u64)a->timer_from;
        u64 next = (u64)a->timer_from + (passed / period + 1) * period;
        timer_set(a->timer, MAX((i64)next, now + SHORTEST_NS));
    }
}

static void expired(void *opaque)
{
    Apic *a = opaque;

    if (in_deadline_mode(a)) {
        a->deadline = 0;
    } else if (!is_periodic(a)) {
        a->counting = false;
    }
    lvt_fire(a, LVT_TIMER, false);
    arm(a);
}

static void set_deadline(Apic *a, u64 when)
{
    if (!in_deadline_mode(a)) {
        return;
    }
    a->deadline = when;
    if (when && (i64)when <= clock_now(CLOCK_VIRTUAL_NS)) {
        expired(a);
    } else {
        arm(a);
    }
}

static void initial_wrote(void *opaque, u32 index, u64 old)
{
    Apic *a = opaque;

    (void)index;
    if (in_deadline_mode(a)) {
        a->initial = (u32)old;
        return;
    }
    a->timer_from = clock_now(CLOCK_VIRTUAL_NS);
    a->counting = a->initial != 0;
    arm(a);
}

static u64 read_count(void *opaque, u32 index)
{
    (void)index;
    return current_count(opaque);
}

/* The count goes on from where it is, at another speed. */
static void write_divide(void *opaque, u32 index, u64 v)
{
    Apic *a = opaque;
    u64 done = (u64)a->initial - current_count(a);

    (void)index;
    a->divide = (u32)v & 0xb;
    a->timer_from = (i64)((u64)clock_now(CLOCK_VIRTUAL_NS)
                          - done * count_ns(a->divide));
    arm(a);
}

static u64 read_divide(void *opaque, u32 index)
{
    (void)index;
    return ((Apic *)opaque)->divide;
}

/* ---- registers ---------------------------------------------------------- */

/* Of ISR, TMR and IRR every fourth word is there. */
static u64 word_of(const u32 *set, u32 index)
{
    return index & 3 ? 0 : set[index >> 2];
}

static u64 read_isr(void *s, u32 i) { return word_of(((Apic *)s)->isr, i); }
static u64 read_tmr(void *s, u32 i) { return word_of(((Apic *)s)->tmr, i); }
static u64 read_irr(void *s, u32 i) { return word_of(((Apic *)s)->irr, i); }

static void no_write(void *opaque, u32 index, u64 v)
{
    (void)opaque, (void)index, (void)v;
}

static u64 read_id(void *opaque, u32 index)
{
    const Apic *a = opaque;

    (void)index;
    return apic_is_x2(a) ? a->id : (a->id & 0xff) << 24;
}

u32 apic_x2_ldr(const Apic *a)
{
    return (a->id >> 4) << 16 | 1u << (a->id & 15);
}

static u64 read_ldr(void *opaque, u32 index)
{
    const Apic *a = opaque;

    (void)index;
    return apic_is_x2(a) ? apic_x2_ldr(a) : a->ldr;
}

static u64 read_ppr(void *opaque, u32 index)
{
    (void)index;
    return apic_ppr(opaque);
}

/* "Arbitration Priority Register" */
static u64 read_apr(void *opaque, u32 index)
{
    const Apic *a = opaque;
    int asks = highest(a->irr);
    u32 class = asks < 0 ? 0 : (u32)asks & 0xf0, ppr = apic_ppr(a);

    (void)index;
    return (a->tpr & 0xf0) >= class && (a->tpr & 0xf0) > (ppr & 0xf0)
        ? a->tpr : MAX(class, ppr & 0xf0);
}

static void tpr_wrote(void *opaque, u32 index, u64 old)
{
    (void)index, (void)old;
    update(opaque);
}

static void write_eoi(void *opaque, u32 index, u64 v)
{
    Apic *a = opaque;
    int vector = highest(a->isr);

    (void)index, (void)v;
    if (vector < 0) {
        return;
    }
    put(a->isr, (u32)vector, false);
    if (has(a->tmr, (u32)vector)) {
        for (u32 n = 0; n < 2; n++) {
            u32 *lint = &a->lvt[LVT_LINT0 + n];
            if (*lint & LVT_REMOTE_IRR && (*lint & 0xff) == (u32)vector) {
                *lint &= ~(u32)LVT_REMOTE_IRR;
                follow_level(a, n);
            }
        }
        apic_bus_eoi(a->bus, (u8)vector);
    }
    update(a);
}

/* Disabling by software masks all entries and keeps them so. */
static void svr_wrote(void *opaque, u32 index, u64 old)
{
    Apic *a = opaque;

    (void)index, (void)old;
    for (u32 i = 0; !(a->svr & SVR_ENABLE) && i < LVTS; i++) {
        a->lvt[i] |= LVT_MASKED;
    }
    update(a);
}

static void lvt_wrote(Apic *a, u32 n)
{
    if (!(a->svr & SVR_ENABLE)) {
        a->lvt[n] |= LVT_MASKED;
    }
    if (n == LVT_LINT0 || n == LVT_LINT1) {
        follow_level(a, n - LVT_LINT0);
    }
    update(a);
}

static void thermal_wrote(void *opaque, u32 index, u64 old)
{
    (void)index, (void)old;
    lvt_wrote(opaque, LVT_THERMAL);
}

static void perf_wrote(void *opaque, u32 index, u64 old)
{
    (void)index, (void)old;
    lvt_wrote(opaque, LVT_PERF);
}

static void lint0_wrote(void *opaque, u32 index, u64 old)
{
    (void)index, (void)old;
    lvt_wrote(opaque, LVT_LINT0);
}

static void lint1_wrote(void *opaque, u32 index, u64 old)
{
    (void)index, (void)old;
    lvt_wrote(opaque, LVT_LINT1);
}

static void error_wrote(void *opaque, u32 index, u64 old)
{
    (void)index, (void)old;
    lvt_wrote(opaque, LVT_ERROR);
}

/* "TSC-Deadline Mode": changing to or from it disarms the timer. */
static void timer_wrote(void *opaque, u32 index, u64 old)
{
    Apic *a = opaque;
    bool was = (old & LVT_TIMER_MODE) == LVT_DEADLINE;

    (void)index;
    if (was != in_deadline_mode(a)) {
        a->deadline = 0;
        a->counting = false;
        a->initial = 0;
    }
    lvt_wrote(a, LVT_TIMER);
    arm(a);
}

static void write_esr(void *opaque, u32 index, u64 v)
{
    Apic *a = opaque;

    (void)index, (void)v;
    a->esr = a->errors;
    a->errors = 0;
}

static u64 read_esr(void *opaque, u32 index)
{
    (void)index;
    return ((Apic *)opaque)->esr;
}

/* "Interrupt Command Register (ICR)" */
static void icr_wrote(void *opaque, u32 index, u64 old)
{
    Apic *a = opaque;
    u32 v = a->icr_low;
    ApicMessage m = {
        .dest = apic_is_x2(a) ? a->icr_high : a->icr_high >> 24,
        .wide = apic_is_x2(a), .logical = v & ICR_LOGICAL,
        .mode = (u8)mode_of(v), .vector = (u8)v,
    };

    (void)index, (void)old;
    if (m.mode <= APIC_LOWEST && m.vector < FIRST_VECTOR) {
        error(a, ESR_SEND_ILLEGAL);
        return;
    }
    /* INIT level de-assert is for the Pentium's arbitration ids. */
    if (m.mode == APIC_INIT && v & ICR_LEVEL && !(v & ICR_ASSERT)) {
        return;
    }
    apic_bus_send(a->bus, &m, (ApicWhom)(v >> 18 & 3), a);
}

/* ---- the CPU's side ----------------------------------------------------- */

static int ack(void *opaque)
{
    Apic *a = opaque;
    int v = -1;

    if (extint_due(a)) {
        a->extint = false;
        v = apic_bus_ack_pic(a->bus);
    }
    if (v < 0 && (v = due(a)) >= 0) {
        put(a->irr, (u32)v, false);
        put(a->isr, (u32)v, true);
    }
    update(a);
    return v;
}

/* "x2APIC Register Address Space": what RDMSR and WRMSR may do, bits taken. */
enum { X2_MSR = 0x800, X2_MSRS = 0x40, X2_ICR = 0x30, X2_SELF_IPI = 0x3f };
enum { R = 1, W = 2 };
typedef struct X2Reg {
    u8  rights;
    u32 bits;
} X2Reg;
static const X2Reg x2_regs[X2_MSRS] = {
    [0x02] = { R, 0 }, [0x03] = { R, 0 }, [0x08] = { R | W, 0xff },
    [0x0a] = { R, 0 }, [0x0b] = { W, 0 }, [0x0d] = { R, 0 },
    [0x0f] = { R | W, 0x1fff },
    [0x10 ... 0x27] = { R, 0 }, [0x28] = { R | W, 0 },
    [0x32] = { R | W, 0x710ff }, [0x33] = { R | W, 0x117ff },
    [0x34] = { R | W, 0x117ff }, [0x35] = { R | W, 0x1f7ff },
    [0x36] = { R | W, 0x1f7ff }, [0x37] = { R | W, 0x110ff },
    [0x38] = { R | W, ~0u }, [0x39] = { R, 0 }, [0x3e] = { R | W, 0xb },
};

static bool x2_read(Apic *a, u32 n, u64 *v)
{
    if (n == X2_ICR) {
        *v = (u64)a->icr_high << 32 | a->icr_low;
        return true;
    }
    if (!(x2_regs[n].rights & R)) {
        return false;
    }
    *v = device_read(a, n << 4, 4);
    return true;
}

static bool x2_write(Apic *a, u32 n, u64 v)
{
    if (n == X2_ICR) {
        if (v & 0xffffffff & ~(u64)(ICR_BITS | 1 << 12)) {
            return false;
        }
        a->icr_high = (u32)(v >> 32);
        device_write(a, X2_ICR << 4, 4, (u32)v);
        return true;
    }
    if (n == X2_SELF_IPI && !(v & ~0xffull)) {
        if (v < FIRST_VECTOR) {
            error(a, ESR_SEND_ILLEGAL);
        } else {
            request(a, (u32)v, false);
        }
        return true;
    }
    if (!(x2_regs[n].rights & W) || v & ~(u64)x2_regs[n].bits) {
        return false;
    }
    device_write(a, n << 4, 4, v);
    return true;
}

/* "Local APIC State Transitions": which writes of IA32_APIC_BASE are #GP. */
static bool write_base(Apic *a, u64 v)
{
    enum { CHANGES = BASE_EN | BASE_EXTD };
    u64 known = 0xffffffffff000ull | BASE_BSP | CHANGES;
    bool was_on = apic_enabled(a), was_x2 = apic_is_x2(a);
    bool on = v & BASE_EN, x2 = v & BASE_EXTD;

    if (v & ~known || (x2 && (!on || !was_on || !a->x2apic))
        || (was_x2 && on && !x2)) {
        return false;
    }
    if (align_down(v, 4096) != APIC_BASE) {
        log_line(LOG_UNIMP, "%s: the window stays at %#x", a->dev.id,
                 APIC_BASE);
    }
    if (was_on && !on) {
        reset_state(a);
    }
    a->base = (v & ~(u64)BASE_BSP) | (a->base & BASE_BSP);
    update(a);
    return true;
}

enum { MSR_APIC_BASE = 0x1b, MSR_TSC_DEADLINE = 0x6e0 };

static bool sysreg_read(void *opaque, u32 number, u64 *v)
{
    Apic *a = opaque;

    switch (number) {
    case MSR_APIC_BASE:
        *v = a->base;
        return true;
    case MSR_TSC_DEADLINE:
        *v = a->deadline;
        return true;
    case SYSREG_CR8:
        *v = a->tpr >> 4;
        return true;
    default:
        return apic_enabled(a) && apic_is_x2(a) && number >= X2_MSR
            && number < X2_MSR + X2_MSRS && x2_read(a, number - X2_MSR, v);
    }
}

static bool sysreg_write(void *opaque, u32 number, u64 v)
{
    Apic *a = opaque;

    switch (number) {
    case MSR_APIC_BASE:
        return write_base(a, v);
    case MSR_TSC_DEADLINE:
        set_deadline(a, v);
        return true;
    case SYSREG_CR8:
        if (v > 15) {
            return false;
        }
        a->tpr = (u32)v << 4;
        update(a);
        return true;
    default:
        return apic_enabled(a) && apic_is_x2(a) && number >= X2_MSR
            && number < X2_MSR + X2_MSRS && x2_write(a, number - X2_MSR, v);
    }
}

const CpuIntc apic_intc = { ack, sysreg_read, sysreg_write };

/* ---- its registers for who does its work -------------------------------- */

/* What the page has beside registers that are stored as they are shown. */
enum { PAGE_ID = 0x20, PAGE_LDR = 0xd0, PAGE_ISR = 0x100, PAGE_TMR = 0x180,
       PAGE_IRR = 0x200, PAGE_COUNT = 0x390 };

static const struct { u16 at; u32 offset; } page_words[] = {
    { 0x080, offsetof(Apic, tpr) }, { 0x0e0, offsetof(Apic, dfr) },
    { 0x0f0, offsetof(Apic, svr) }, { 0x280, offsetof(Apic, esr) },
    { 0x300, offsetof(Apic, icr_low) }, { 0x310, offsetof(Apic, icr_high) },
    { 0x320, offsetof(Apic, lvt[LVT_TIMER]) },
    { 0x330, offsetof(Apic, lvt[LVT_THERMAL]) },
    { 0x340, offsetof(Apic, lvt[LVT_PERF]) },
    { 0x350, offsetof(Apic, lvt[LVT_LINT0]) },
    { 0x360, offsetof(Apic, lvt[LVT_LINT1]) },
    { 0x370, offsetof(Apic, lvt[LVT_ERROR]) },
    { 0x380, offsetof(Apic, initial) }, { 0x3e0, offsetof(Apic, divide) },
};

static const struct { u16 at; u32 offset; } page_sets[] = {
    { PAGE_ISR, offsetof(Apic, isr) }, { PAGE_TMR, offsetof(Apic, tmr) },
    { PAGE_IRR, offsetof(Apic, irr) },
};

u64 apic_get(Device *d, u8 *page)
{
    Apic *a = (Apic *)d;

    memset(page, 0, APIC_PAGE_BYTES);
    for (u32 i = 0; i < countof(page_words); i++) {
        memcpy(page + page_words[i].at, (u8 *)a + page_words[i].offset, 4);
    }
    for (u32 i = 0; i < countof(page_sets); i++) {
        for (u32 k = 0; k < VECTORS / 32; k++) {
            memcpy(page + page_sets[i].at + k * 16,
                   (u8 *)a + page_sets[i].offset + k * 4, 4);
        }
    }
    store_le(page + PAGE_ID, 4, a->id << 24);
    store_le(page + 0x30, 4, VERSION);
    store_le(page + PAGE_LDR, 4, apic_is_x2(a) ? apic_x2_ldr(a) : a->ldr);
    store_le(page + PAGE_COUNT, 4, current_count(a));
    timer_stop(a->timer);
    return a->base;
}

void apic_set(Device *d, const u8 *page, u64 base)
{
    Apic *a = (Apic *)d;
    u32 count = (u32)load_le(page + PAGE_COUNT, 4);

    for (u32 i = 0; i < countof(page_words); i++) {
        memcpy((u8 *)a + page_words[i].offset, page + page_words[i].at, 4);
    }
    for (u32 i = 0; i < countof(page_sets); i++) {
        for (u32 k = 0; k < VECTORS / 32; k++) {
            memcpy((u8 *)a + page_sets[i].offset + k * 4,
                   page + page_sets[i].at + k * 16, 4);
        }
    }
    a->base = base;
    a->ldr = apic_is_x2(a) ? 0 : (u32)load_le(page + PAGE_LDR, 4);
    a->counting = count != 0;
    a->timer_from = (i64)((u64)clock_now(CLOCK_VIRTUAL_NS)
                          - (u64)(a->initial - count) * count_ns(a->divide));
}

u64 apic_deadline(const Device *d)
{
    return ((const Apic *)d)->deadline;
}

void apic_set_deadline(Device *d, u64 when)
{
    ((Apic *)d)->deadline = when;
}

/* ---- the device --------------------------------------------------------- */

/*
 * After reset and INIT: "Local APIC State After Power-Up or Reset".  But the
 * boot CPU's LINT0 lets the PIC through, as firmware leaves it, for boards
 * that start a kernel without any.
 */
static void reset_state(Apic *a)
{
    memset(a->irr, 0, sizeof a->irr);
    memset(a->isr, 0, sizeof a->isr);
    memset(a->tmr, 0, sizeof a->tmr);
    a->tpr = a->ldr = a->esr = a->icr_low = a->icr_high = a->errors = 0;
    a->dfr = ~0u;
    a->svr = SVR_RESET;
    a->extint = a->counting = false;
    a->initial = a->divide = 0;
    a->timer_from = 0;
    a->deadline = 0;
    for (u32 i = 0; i < LVTS; i++) {
        a->lvt[i] = LVT_MASKED;
    }
    if (a->base & BASE_BSP) {
        a->lvt[LVT_LINT0] = VIRTUAL_WIRE;
    }
    arm(a);
    update(a);
}

static void reset(void *opaque)
{
    Apic *a = opaque;

    a->base = APIC_BASE | BASE_EN | (a->id == 0 ? BASE_BSP : 0);
    reset_state(a);
}

static bool start(void *opaque, Err *err)
{
    Apic *a = opaque;

    (void)err;
    a->timer = timer_new(CLOCK_VIRTUAL_NS, expired, a);
    return true;
}

static bool loaded(void *opaque)
{
    Apic *a = opaque;

    if (apic_is_x2(a) && !apic_enabled(a)) {
        return false;
    }
    arm(a);
    update(a);
    return true;
}

static void stop(void *opaque)
{
    timer_free(((Apic *)opaque)->timer);
}

#define LVT(a, n, i, bits, f)                                               \
    { .at = (a), .width = 4, .name = (n), .store = offsetof(Apic, lvt[i]),  \
      .size = 4, .reset = LVT_MASKED, .rw = (bits), .wrote = (f) }

DEVICE(apic) {
    .name   = "apic",
    .about  = "local interrupt controller of an x86 CPU",
    .size   = sizeof(Apic),
    .window = 0x1000,
    .regs   = (const Reg[]) {
        FN   (0x020, "ID",    .read = read_id, .write = no_write),
        CONST(0x030, "VERSION", VERSION),
        RW   (0x080, "TPR",   Apic, tpr, 0xff, .wrote = tpr_wrote),
        FN   (0x090, "APR",   .read = read_apr, .write = no_write),
        FN   (0x0a0, "PPR",   .read = read_ppr, .write = no_write),
        FN   (0x0b0, "EOI",   .write = write_eoi),
        CONST(0x0c0, "RRD",   0),
        RW   (0x0d0, "LDR",   Apic, ldr, 0xff000000, .read = read_ldr),
        RW   (0x0e0, "DFR",   Apic, dfr, 0xf0000000, .reset = 0xffffffff),
        RW   (0x0f0, "SVR",   Apic, svr, SVR_BITS, .reset = SVR_RESET, .wrote = svr_wrote),
        FN   (0x100, "ISR",   .count = 32, .read = read_isr, .write = no_write),
        FN   (0x180, "TMR",   .count = 32, .read = read_tmr, .write = no_write),
        FN   (0x200, "IRR",   .count = 32, .read = read_irr, .write = no_write),
        FN   (0x280, "ESR",   .read = read_esr, .write = write_esr),
        RW   (0x300, "ICR_LOW",  Apic, icr_low, ICR_BITS, .wrote = icr_wrote),
        RW   (0x310, "ICR_HIGH", Apic, icr_high, 0xff000000),
        LVT  (0x320, "LVT_TIMER",   LVT_TIMER,   0x700ff, timer_wrote),
        LVT  (0x330, "LVT_THERMAL", LVT_THERMAL, 0x107ff, thermal_wrote),
        LVT  (0x340, "LVT_PERF",    LVT_PERF,    0x107ff, perf_wrote),
        LVT  (0x350, "LVT_LINT0",   LVT_LINT0,   0x1a7ff, lint0_wrote),
        LVT  (0x360, "LVT_LINT1",   LVT_LINT1,   0x1a7ff, lint1_wrote),
        LVT  (0x370, "LVT_ERROR",   LVT_ERROR,   0x100ff, error_wrote),
        RW   (0x380, "INITIAL_COUNT", Apic, initial, ~0u, .wrote = initial_wrote),
        FN   (0x390, "CURRENT_COUNT", .read = read_count, .write = no_write),
        FN   (0x3e0, "DIVIDE", .read = read_divide, .write = write_divide),
        { 0 }
    },
    .state  = (const Field[]) {
        SAVE(Apic, base), SAVE(Apic, irr), SAVE(Apic, isr), SAVE(Apic, tmr),
        SAVE(Apic, esr), SAVE(Apic, errors), KEEP_SAVE(Apic, inputs),
        SAVE(Apic, extint), SAVE(Apic, divide), SAVE(Apic, timer_from),
        SAVE(Apic, counting), SAVE(Apic, deadline), { 0 }
    },
    .props  = (const Prop[]) {
        PROP("x2apic", PROP_BOOL, Apic, x2apic, "on", "x2APIC mode can be chosen"),
        { 0 }
    },
    .wires  = (const Wire[]) {
        WIRE("intr", Apic, intr), WIRE("nmi", Apic, nmi), WIRE("smi", Apic, smi), { 0 }
    },
    .start  = start,
    .reset  = reset,
    .input  = input,
    .loaded = loaded,
    .stop   = stop,
};
