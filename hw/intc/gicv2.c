/* SPDX-License-Identifier: MIT */
/*
 * ARM Generic Interrupt Controller, version 2, without security or
 * virtualization extensions.  Reference: ARM IHI 0048B.
 *
 * The distributor is at 0, the CPU interfaces (each CPU sees its own) at
 * 0x10000 of the window.  Interrupts 0-15 are SGIs and 16-31 PPIs, with state
 * of their own for each CPU; the rest are SPIs.  Inputs: SPI n is n, PPI p of
 * CPU c is lines - 32 + 32 * c + p (p from 16 on).  Outputs: irq and fiq.
 *
 * Registers are arrays of bits or bytes over interrupt numbers, so they are
 * decoded by ranges (`ranges` below), not by a Reg row each.  Left out: GICC
 * priority of active groups (GICC_APR read as kept), FIQ by group 0.
 */
#include "hw/core/device.h"
#include "softmmu/cpu.h"
#include "util/log.h"

enum {
    CPUS = 8, IRQS = 288, PRIVATE = 32, SGIS = 16, WORDS = IRQS / 32,
    SPURIOUS = 1023, CPU_INTERFACE = 0x10000, WINDOW = 0x20000,
    PRIORITY_MASK = 0xf8,               /* 32 levels */
    IDLE = 0x100,                       /* running priority of nothing */
};

/* Private interrupts have these for each CPU; SPIs in those of CPU 0. */
typedef struct Bank {
    u32 enabled[WORDS], pending[WORDS], active[WORDS], level[WORDS];
    u32 group[WORDS];
    u8  priority[IRQS];
} Bank;

typedef struct GicCpu {
    u32 ctlr, pmr, bpr, abpr;
    u8  sgi_from[SGIS];                 /* pending SGI: mask of senders */
    u16 running[32];                    /* stack of active priorities */
    u32 nrunning;
} GicCpu;

typedef struct Gicv2 {
    Device dev;
    Line   irq[CPUS], fiq[CPUS];
    u32    ncpus;
    u32    ctlr;                        /* GICD_CTLR */
    Bank   bank[CPUS];
    u8     target[IRQS];                /* of SPIs: mask of CPUs */
    u32    edge[WORDS];                 /* of SPIs and PPIs: edge-triggered */
    GicCpu cpu[CPUS];
} Gicv2;

static u32 this_cpu(const Gicv2 *s)
{
    const Cpu *c = cpu_current();

    return c && (u32)c->index < s->ncpus ? (u32)c->index : 0;
}

/* The bank that has interrupt n as CPU c sees it. */
static Bank *bank_of(Gicv2 *s, u32 c, u32 n)
{
    return &s->bank[n < PRIVATE ? c : 0];
}

static bool get_bit(const u32 *map, u32 n)
{
    return map[n / 32] >> n % 32 & 1;
}

static void set_bit(u32 *map, u32 n, bool on)
{
    u32 bit = 1u << n % 32;

    map[n / 32] = on ? map[n / 32] | bit : map[n / 32] & ~bit;
}

/* ---- what is to be signalled -------------------------------------------- */

/* Interrupts of word w that CPU c could take, were they urgent enough. */
static u32 candidates(Gicv2 *s, u32 c, u32 w)
{
    const Bank *b = &s->bank[w == 0 ? c : 0];
    u32 level = b->level[w] & ~s->edge[w];

    return (b->pending[w] | level) & b->enabled[w] & ~b->active[w];
}

static bool targets(const Gicv2 *s, u32 c, u32 n)
{
    return n < PRIVATE || s->target[n] >> c & 1;
}

/* The most urgent pending interrupt of CPU c, or SPURIOUS. */
static u32 best_pending(Gicv2 *s, u32 c, u32 *priority)
{
    u32 best = SPURIOUS;

    *priority = IDLE;
    for (u32 w = 0; w < WORDS; w++) {
        for (u32 m = candidates(s, c, w); m; m &= m - 1) {
            u32 n = w * 32 + (u32)__builtin_ctz(m);
            u32 p = bank_of(s, c, n)->priority[n];
            if (targets(s, c, n) && p < *priority) {
                *priority = p;
                best = n;
            }
        }
    }
    return best;
}

static u32 running_priority(const GicCpu *g)
{
    return g->nrunning ? g->running[g->nrunning - 1] : IDLE;
}

/* The part of a priority that decides preemption: GICC_BPR. */
static u32 group_priority(const GicCpu *g, u32 priority)
{
    return priority & ~(u32)MASK(MIN(g->bpr, 7) + 1);
}

/* The interrupt that CPU c is to be told of now, or SPURIOUS. */
static u32 signalled(Gicv2 *s, u32 c)
{
    const GicCpu *g = &s->cpu[c];
    u32 priority, n;

    if (!(s->ctlr & 1) || !(g->ctlr & 1)) {
        return SPURIOUS;
    }
    n = best_pending(s, c, &priority);
    bool urgent = priority < g->pmr
        && (g->nrunning == 0 || group_priority(g, priority)
                                < group_priority(g, running_priority(g)));
    return urgent ? n : SPURIOUS;
}

static void update(Gicv2 *s)
{
    for (u32 c = 0; c < s->ncpus; c++) {
        line_set(&s->irq[c], signalled(s, c) != SPURIOUS);
    }
}

/* ---- CPU interface ------------------------------------------------------ */

static u32 acknowledge(Gicv2 *s, u32 c)
{
    GicCpu *g = &s->cpu[c];
    u32 n = signalled(s, c), from = 0;

    if (n == SPURIOUS || g->nrunning == countof(g->running)) {
        return SPURIOUS;
    }
    Bank *b = bank_of(s, c, n);
    g->running[g->nrunning++] = b->priority[n];
    set_bit(b->active, n, true);
    if (n < SGIS) {
        from = (u32)__builtin_ctz(g->sgi_from[n] | 0x100) & 7;
        g->sgi_from[n] &= (u8)~(1u << from);
        set_bit(b->pending, n, g->sgi_from[n]);
    } else {
        set_bit(b->pending, n, false);
    }
    update(s);
    return n | from << 10;
}

static void deactivate(Gicv2 *s, u32 c, u32 n)
{
    if (n < IRQS) {
        set_bit(bank_of(s, c, n)->active, n, false);
    }
    update(s);
}

static void end_of_interrupt(Gicv2 *s, u32 c, u32 v)
{
    enum { EOIMODE = 1 << 9 };
    GicCpu *g = &s->cpu[c];
    u32 n = v & 0x3ff;

    if (n >= IRQS) {
        return;
    }
    if (g->nrunning) {
        g->nrunning--;
    }
    if (g->ctlr & EOIMODE) {
        update(s);
    } else {
        deactivate(s, c, n);
    }
}

static u64 cpu_read(Gicv2 *s, u32 c, u64 at)
{
    GicCpu *g = &s->cpu[c];
    u32 priority;

    switch (at) {
    case 0x00: return g->ctlr;
    case 0x04: return g->pmr;
    case 0x08: return g->bpr;
    case 0x0c: return acknowledge(s, c);
    case 0x14: return MIN(running_priority(g), 0xff);
    case 0x18: return best_pending(s, c, &priority);
    case 0x1c: return g->abpr;
    case 0xd0: case 0xd4: case 0xd8: case 0xdc: return 0;
    case 0xfc: return 0x0202143b;       /* GICC_IIDR: GIC-400 r0p1 */
    }
    log_line(LOG_GUEST, "gicv2: read of CPU interface at %#llx",
             (unsigned long long)at);
    return 0;
}

static void cpu_write(Gicv2 *s, u32 c, u64 at, u32 v)
{
    GicCpu *g = &s->cpu[c];

    switch (at) {
    case 0x00: g->ctlr = v & 0x201; break;
    case 0x04: g->pmr = v & PRIORITY_MASK; break;
    case 0x08: g->bpr = MAX(v & 7, 2); break;
    case 0x10: end_of_interrupt(s, c, v); return;
    case 0x1c: g->abpr = MAX(v & 7, 3); break;
    case 0xd0: case 0xd4: case 0xd8: case 0xdc: return;
    case 0x1000: deactivate(s, c, v & 0x3ff); return;
    default:
        log_line(LOG_GUEST, "gicv2: write of CPU interface at %#llx",
                 (unsigned long long)at);
    }
    update(s);
}

/* ---- distributor: ranges of bits and bytes ------------------------------ */

typedef struct GicRange GicRange;
struct GicRange {
    u32 at, end;
    u32 bits;                           /* of an interrupt */
    u32 (*read)(Gicv2 *s, u32 c, u32 n);
    void (*write)(Gicv2 *s, u32 c, u32 n, u32 v);
};

static u32 read_group(Gicv2 *s, u32 c, u32 n)
{
    return get_bit(bank_of(s, c, n)->group, n);
}

static void write_group(Gicv2 *s, u32 c, u32 n, u32 v)
{
    set_bit(bank_of(s, c, n)->group, n, v);
}

static u32 read_enable(Gicv2 *s, u32 c, u32 n)
{
    return n < SGIS || get_bit(bank_of(s, c, n)->enabled, n);
}

static void set_enable(Gicv2 *s, u32 c, u32 n, u32 v)
{
    if (v) {
        set_bit(bank_of(s, c, n)->enabled, n, true);
    }
}

static void clear_enable(Gicv2 *s, u32 c, u32 n, u32 v)
{
    if (v && n >= SGIS) {
        set_bit(bank_of(s, c, n)->enabled, n, false);
    }
}

static u32 read_pending(Gicv2 *s, u32 c, u32 n)
{
    const Bank *b = bank_of(s, c, n);

    return get_bit(b->pending, n)
        || (get_bit(b->level, n) && !get_bit(s->edge, n));
}

static void set_pending(Gicv2 *s, u32 c, u32 n, u32 v)
{
    if (v && n >= SGIS) {
        set_bit(bank_of(s, c, n)->pending, n, true);
    }
}

static void clear_pending(Gicv2 *s, u32 c, u32 n, u32 v)
{
    if (v && n >= SGIS) {
        set_bit(bank_of(s, c, n)->pending, n, false);
    }
}

static u32 read_active(Gicv2 *s, u32 c, u32 n)
{
    return get_bit(bank_of(s, c, n)->active, n);
}

static void set_active(Gicv2 *s, u32 c, u32 n, u32 v)
{
    if (v) {
        set_bit(bank_of(s, c, n)->active, n, true);
    }
}

static void clear_active(Gicv2 *s, u32 c, u32 n, u32 v)
{
    if (v) {
        set_bit(bank_of(s, c, n)->active, n, false);
    }
}

static u32 read_priority(Gicv2 *s, u32 c, u32 n)
{
    return bank_of(s, c, n)->priority[n];
}

static void write_priority(Gicv2 *s, u32 c, u32 n, u32 v)
{
    bank_of(s, c, n)->priority[n] = v & PRIORITY_MASK;
}

/* With one CPU the targets read as zero: all go there. */
static u32 read_target(Gicv2 *s, u32 c, u32 n)
{
    return s->ncpus == 1 ? 0 : n < PRIVATE ? 1u << c : s->target[n];
}

static void write_target(Gicv2 *s, u32 c, u32 n, u32 v)
{
    (void)c;
    if (n >= PRIVATE && s->ncpus > 1) {
        s->target[n] = v & (u8)MASK(s->ncpus);
    }
}

static u32 read_config(Gicv2 *s, u32 c, u32 n)
{
    (void)c;
    return n < SGIS ? 2 : get_bit(s->edge, n) ? 2 : 0;
}

static void write_config(Gicv2 *s, u32 c, u32 n, u32 v)
{
    (void)c;
    if (n >= PRIVATE) {
        set_bit(s->edge, n, v & 2);
    }
}

static u32 read_sgi(Gicv2 *s, u32 c, u32 n)
{
    return n < SGIS ? s->cpu[c].sgi_from[n] : 0;
}

static void set_sgi(Gicv2 *s, u32 c, u32 n, u32 v)
{
    if (n < SGIS) {
        s->cpu[c].sgi_from[n] |= v & (u8)MASK(s->ncpus);
        set_bit(s->bank[c].pending, n, s->cpu[c].sgi_from[n]);
    }
}

static void clear_sgi(Gicv2 *s, u32 c, u32 n, u32 v)
{
    if (n < SGIS) {
        s->cpu[c].sgi_from[n] &= (u8)~v;
        set_bit(s->bank[c].pending, n, s->cpu[c].sgi_from[n]);
    }
}

static const GicRange ranges[] = {
    { 0x080, 0x100, 1, read_group,    write_group },    /* GICD_IGROUPR */
    { 0x100, 0x180, 1, read_enable,   set_enable },     /* GICD_ISENABLER */
    { 0x180, 0x200, 1, read_enable,   clear_enable },   /* GICD_ICENABLER */
    { 0x200, 0x280, 1, read_pending,  set_pending },    /* GICD_ISPENDR */
    { 0x280, 0x300, 1, read_pending,  clear_pending },  /* GICD_ICPENDR */
    { 0x300, 0x380, 1, read_active,   set_active },     /* GICD_ISACTIVER */
    { 0x380, 0x400, 1, read_active,   clear_active },   /* GICD_ICACTIVER */
    { 0x400, 0x800, 8, read_priority, write_priority }, /* GICD_IPRIORITYR */
    { 0x800, 0xc00, 8, read_target,   write_target },   /* GICD_ITARGETSR */
    { 0xc00, 0xd00, 2, read_config,   write_config },   /* GICD_ICFGR */
    { 0xf10, 0xf20, 8, read_sgi,      clear_sgi },      /* GICD_CPENDSGIR */
    { 0xf20, 0xf30, 8, read_sgi,      set_sgi },        /* GICD_SPENDSGIR */
};

static const GicRange *range_at(u64 at)
{
    for (u32 i = 0; i < countof(ranges); i++) {
        if (at >= ranges[i].at && at < ranges[i].end) {
            return &ranges[i];
        }
    }
    return NULL;
}

/* GICD_SGIR: who gets it, and which. */
static void send_sgi(Gicv2 *s, u32 c, u32 v)
{
    u32 n = v & 15, filter = v >> 24 & 3;
    u32 all = (u32)MASK(s->ncpus);
    u32 to = filter == 0 ? v >> 16 & all
           : filter == 1 ? all & ~(1u << c) : filter == 2 ? 1u << c : 0;

    for (; to; to &= to - 1) {
        u32 k = (u32)__builtin_ctz(to);
        s->cpu[k].sgi_from[n] |= (u8)(1u << c);
        set_bit(s->bank[k].pending, n, true);
    }
    update(s);
}

static u64 dist_read(Gicv2 *s, u32 c, u64 at, unsigned size)
{
    const GicRange *r = range_at(at);
    u64 v = 0;

    if (r) {
        u32 first = (u32)(at - r->at) * 8 / r->bits, n = size * 8 / r->bits;
        for (u32 i = 0; i < n && first + i < IRQS; i++) {
            v |= (u64)r->read(s, c, first + i) << i * r->bits;
        }
        return v;
    }
    switch (at) {
    case 0x000: return s->ctlr;
    case 0x004: return (s->ncpus - 1) << 5 | (WORDS - 1);   /* GICD_TYPER */
    case 0x008: return 0x0200143b;                          /* GICD_IIDR */
    case 0xfe0: return 0x90;
    case 0xfe4: return 0xb4;
    case 0xfe8: return 0x2b;
    case 0xff0: return 0x0d;
    case 0xff4: return 0xf0;
    case 0xff8: return 0x05;
    case 0xffc: return 0xb1;
    }
    return 0;
}

static void dist_write(Gicv2 *s, u32 c, u64 at, unsigned size, u64 v)
{
    const GicRange *r = range_at(at);

    if (r) {
        u32 first = (u32)(at - r->at) * 8 / r->bits, n = size * 8 / r->bits;
        for (u32 i = 0; i < n && first + i < IRQS; i++) {
            r->write(s, c, first + i, (u32)(v >> i * r->bits & MASK(r->bits)));
        }
        update(s);
    } else if (at == 0x000) {
        s->ctlr = v & 3;
        update(s);
    } else if (at == 0xf00) {
        send_sgi(s, c, (u32)v);
    } else {
        log_line(LOG_GUEST, "gicv2: write of distributor at %#llx",
                 (unsigned long long)at);
    }
}

static u64 gic_read(void *opaque, u64 at, unsigned size)
{
    Gicv2 *s = opaque;

    return at >= CPU_INTERFACE ? cpu_read(s, this_cpu(s), at - CPU_INTERFACE)
                               : dist_read(s, this_cpu(s), at, size);
}

static void gic_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Gicv2 *s = opaque;

    if (at >= CPU_INTERFACE) {
        cpu_write(s, this_cpu(s), at - CPU_INTERFACE, (u32)v);
    } else {
        dist_write(s, this_cpu(s), at, size, v);
    }
}

/* ---- the rest ----------------------------------------------------------- */

static void input(void *opaque, int line, bool level)
{
    Gicv2 *s = opaque;
    u32 c = 0, n = (u32)line + PRIVATE;

    if (n >= IRQS) {
        c = (n - IRQS) / PRIVATE;
        n = (n - IRQS) % PRIVATE;
    }
    Bank *b = bank_of(s, c, n);
    if (level && !get_bit(b->level, n) && get_bit(s->edge, n)) {
        set_bit(b->pending, n, true);
    }
    set_bit(b->level, n, level);
    update(s);
}

static void reset(void *opaque)
{
    Gicv2 *s = opaque;

    for (u32 c = 0; c < CPUS; c++) {
        s->cpu[c].bpr = 2;
        s->cpu[c].abpr = 3;
        s->bank[c].enabled[0] = 0xffff;         /* SGIs always are */
    }
    s->edge[0] = 0xffff;
    for (u32 n = PRIVATE; s->ncpus == 1 && n < IRQS; n++) {
        s->target[n] = 1;
    }
    update(s);
}

static bool start(void *opaque, Err *err)
{
    const Gicv2 *s = opaque;

    return (s->ncpus >= 1 && s->ncpus <= CPUS)
        || fail(err, "gicv2 has 1 to %d CPUs, not %u", CPUS, s->ncpus);
}

static bool loaded(void *opaque)
{
    Gicv2 *s = opaque;

    for (u32 c = 0; c < CPUS; c++) {
        if (s->cpu[c].nrunning > countof(s->cpu[c].running)) {
            return false;
        }
    }
    update(s);
    return true;
}

DEVICE(gicv2) {
    .name   = "gicv2",
    .about  = "ARM Generic Interrupt Controller, version 2",
    .size   = sizeof(Gicv2),
    .window = WINDOW,
    .mmio_read = gic_read,
    .mmio_write = gic_write,
    .compatible = "arm,cortex-a15-gic",
    .state  = (const Field[]) {
        SAVE(Gicv2, ctlr), SAVE(Gicv2, target), SAVE(Gicv2, edge),
        SAVE_STRUCT(Gicv2, bank, Bank,
            SAVE(Bank, enabled), SAVE(Bank, pending), SAVE(Bank, active),
            SAVE(Bank, level), SAVE(Bank, group), SAVE(Bank, priority)),
        SAVE_STRUCT(Gicv2, cpu, GicCpu,
            SAVE(GicCpu, ctlr), SAVE(GicCpu, pmr), SAVE(GicCpu, bpr),
            SAVE(GicCpu, abpr), SAVE(GicCpu, sgi_from), SAVE(GicCpu, running),
            SAVE(GicCpu, nrunning)), { 0 }
    },
    .props  = (const Prop[]) {
        PROP("num-cpu", PROP_U32, Gicv2, ncpus, "1", "CPUs it serves"),
        { 0 }
    },
    .wires  = (const Wire[]) {
        WIRES("irq", Gicv2, irq), WIRES("fiq", Gicv2, fiq), { 0 }
    },
    .start  = start,
    .reset  = reset,
    .input  = input,
    .loaded = loaded,
};
