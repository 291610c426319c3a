/* SPDX-License-Identifier: MIT */
/*
 * ARM Generic Interrupt Controller, version 2, without security or
 * virtualization extensions.  Reference: ARM IHI 0048B.
 *
 * The distributor is at 0, the CPU interfaces (each CPU sees its own) at
 * 0x10000 of the window.  Outputs: irq and fiq.  Left out: FIQ by group 0.
 */
#include "hw/intc/gic.h"
#include "softmmu/cpu.h"
#include "util/log.h"

enum {
    CPU_INTERFACE = 0x10000, WINDOW = 0x20000, BPR_LEAST = 2, ABPR_LEAST = 3,
};

typedef struct GicCpu {
    u32 ctlr, pmr, bpr, abpr, apr;
    u8  sgi_from[GIC_SGIS];             /* pending SGI: mask of senders */
} GicCpu;

typedef struct Gicv2 {
    Gic    gic;
    Line   irq[GIC_CPUS], fiq[GIC_CPUS];
    u32    ctlr;                        /* GICD_CTLR */
    u8     target[GIC_IRQS];            /* of SPIs: mask of CPUs */
    GicCpu cpu[GIC_CPUS];
} Gicv2;

static u32 this_cpu(const Gicv2 *s)
{
    const Cpu *c = cpu_current();

    return c && (u32)c->index < s->gic.ncpus ? (u32)c->index : 0;
}

/* ---- what is to be signalled -------------------------------------------- */

static bool targets(const Gicv2 *s, u32 c, u32 n)
{
    return n < GIC_PRIVATE || s->target[n] >> c & 1;
}

/* The most urgent pending interrupt of CPU c, or GIC_SPURIOUS. */
static u32 best_pending(Gicv2 *s, u32 c, u32 *priority)
{
    u32 best = GIC_SPURIOUS;

    *priority = GIC_IDLE;
    for (u32 w = 0; w < GIC_WORDS; w++) {
        for (u32 m = gic_candidates(&s->gic, c, w); m; m &= m - 1) {
            u32 n = w * 32 + (u32)__builtin_ctz(m);
            u32 p = gic_bank(&s->gic, c, n)->priority[n];
            if (targets(s, c, n) && p < *priority) {
                *priority = p;
                best = n;
            }
        }
    }
    return best;
}

/* The interrupt that CPU c is to be told of now, or GIC_SPURIOUS. */
static u32 signalled(Gicv2 *s, u32 c)
{
    const GicCpu *g = &s->cpu[c];
    u32 priority, n;

    if (!(s->ctlr & 1) || !(g->ctlr & 1)) {
        return GIC_SPURIOUS;
    }
    n = best_pending(s, c, &priority);
    bool urgent = priority < g->pmr
        && gic_group_priority(priority, g->bpr) < gic_running(g->apr);
    return urgent ? n : GIC_SPURIOUS;
}

static void update(Gicv2 *s)
{
    for (u32 c = 0; c < s->gic.ncpus; c++) {
        line_set(&s->irq[c], signalled(s, c) != GIC_SPURIOUS);
    }
}

/* ---- CPU interface ------------------------------------------------------ */

static u32 acknowledge(Gicv2 *s, u32 c)
{
    GicCpu *g = &s->cpu[c];
    u32 n = signalled(s, c), from = 0;

    if (n == GIC_SPURIOUS) {
        return GIC_SPURIOUS;
    }
    GicBank *b = gic_bank(&s->gic, c, n);
    g->apr |= 1u << (gic_group_priority(b->priority[n], g->bpr) >> 3);
    gic_set_bit(b->active, n, true);
    if (n < GIC_SGIS) {
        from = (u32)__builtin_ctz(g->sgi_from[n] | 0x100) & 7;
        g->sgi_from[n] &= (u8)~(1u << from);
        gic_set_bit(b->pending, n, g->sgi_from[n]);
    } else {
        gic_set_bit(b->pending, n, false);
    }
    update(s);
    return n | from << 10;
}

static void deactivate(Gicv2 *s, u32 c, u32 n)
{
    if (n < GIC_IRQS) {
        gic_set_bit(gic_bank(&s->gic, c, n)->active, n, false);
    }
    update(s);
}

static void end_of_interrupt(Gicv2 *s, u32 c, u32 v)
{
    enum { EOIMODE = 1 << 9 };
    GicCpu *g = &s->cpu[c];
    u32 n = v & 0x3ff;

    if (n >= GIC_IRQS) {
        return;
    }
    g->apr &= g->apr - 1;
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
    case 0x14: return MIN(gic_running(g->apr), 0xff);
    case 0x18: return best_pending(s, c, &priority);
    case 0x1c: return g->abpr;
    case 0xd0: return g->apr;
    case 0xd4: case 0xd8: case 0xdc: return 0;
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
    case 0x04: g->pmr = v & GIC_PRIORITY_MASK; break;
    case 0x08: g->bpr = MAX(v & 7, BPR_LEAST); break;
    case 0x10: end_of_interrupt(s, c, v); return;
    case 0x1c: g->abpr = MAX(v & 7, ABPR_LEAST); break;
    case 0xd0: g->apr = v; break;
    case 0xd4: case 0xd8: case 0xdc: return;
    case 0x1000: deactivate(s, c, v & 0x3ff); return;
    default:
        log_line(LOG_GUEST, "gicv2: write of CPU interface at %#llx",
                 (unsigned long long)at);
    }
    update(s);
}

/* ---- distributor: ranges that GICv3 has not ----------------------------- */

static Gicv2 *v2(Gic *s)
{
    return (Gicv2 *)s;
}

/* With one CPU the targets read as zero: all go there. */
static u32 read_target(Gic *s, u32 c, u32 n)
{
    return s->ncpus == 1 ? 0 : n < GIC_PRIVATE ? 1u << c : v2(s)->target[n];
}

static void write_target(Gic *s, u32 c, u32 n, u32 v)
{
    (void)c;
    if (n >= GIC_PRIVATE && s->ncpus > 1) {
        v2(s)->target[n] = v & (u8)MASK(s->ncpus);
    }
}

static u32 read_sgi(Gic *s, u32 c, u32 n)
{
    return n < GIC_SGIS ? v2(s)->cpu[c].sgi_from[n] : 0;
}

static void set_sgi(Gic *s, u32 c, u32 n, u32 v)
{
    if (n < GIC_SGIS) {
        v2(s)->cpu[c].sgi_from[n] |= v & (u8)MASK(s->ncpus);
        gic_set_bit(s->bank[c].pending, n, v2(s)->cpu[c].sgi_from[n]);
    }
}

static void clear_sgi(Gic *s, u32 c, u32 n, u32 v)
{
    if (n < GIC_SGIS) {
        v2(s)->cpu[c].sgi_from[n] &= (u8)~v;
        gic_set_bit(s->bank[c].pending, n, v2(s)->cpu[c].sgi_from[n]);
    }
}

static const GicRange ranges[] = {
    { 0x800, 0xc00, 8, read_target, write_target },     /* GICD_ITARGETSR */
    { 0xf10, 0xf20, 8, read_sgi,    clear_sgi },        /* GICD_CPENDSGIR */
    { 0xf20, 0xf30, 8, read_sgi,    set_sgi },          /* GICD_SPENDSGIR */
    { 0 }
};

/* SGIs are always enabled, and pending by GICD_SGIR and GICD_SPENDSGIR. */
static u32 first_written(u64 at)
{
    return at >= 0x180 && at < 0x300 ? GIC_SGIS : 0;
}

/* GICD_SGIR: who gets it, and which. */
static void send_sgi(Gicv2 *s, u32 c, u32 v)
{
    u32 n = v & 15, filter = v >> 24 & 3;
    u32 all = (u32)MASK(s->gic.ncpus);
    u32 to = filter == 0 ? v >> 16 & all
           : filter == 1 ? all & ~(1u << c) : filter == 2 ? 1u << c : 0;

    for (; to; to &= to - 1) {
        u32 k = (u32)__builtin_ctz(to);
        s->cpu[k].sgi_from[n] |= (u8)(1u << c);
        gic_set_bit(s->gic.bank[k].pending, n, true);
    }
    update(s);
}

static u64 dist_read(Gicv2 *s, u32 c, u64 at, unsigned size)
{
    GicAccess a = { gic_ranges, c, 0, GIC_IRQS, at, size };
    GicAccess own = { ranges, c, 0, GIC_IRQS, at, size };
    u64 v;

    if (gic_range_read(&s->gic, &a, &v) || gic_range_read(&s->gic, &own, &v)) {
        return v;
    }
    switch (at) {
    case 0x000: return s->ctlr;
    case 0x004: return (s->gic.ncpus - 1) << 5 | (GIC_WORDS - 1);
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
    GicAccess a = { gic_ranges, c, first_written(at), GIC_IRQS, at, size };
    GicAccess own = { ranges, c, 0, GIC_IRQS, at, size };

    if (gic_range_write(&s->gic, &a, v) || gic_range_write(&s->gic, &own, v)) {
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

/* ---- for who keeps it elsewhere ----------------------------------------- */

static u64 get(void *opaque, u32 c, GicFrame frame, u32 at)
{
    Gicv2 *s = opaque;

    return frame == GIC_CPU_INTERFACE ? cpu_read(s, c, at)
                                      : dist_read(s, c, at, 4);
}

static void put(void *opaque, u32 c, GicFrame frame, u32 at, u64 v)
{
    Gicv2 *s = opaque;

    if (frame == GIC_CPU_INTERFACE) {
        cpu_write(s, c, at, (u32)v);
    } else {
        dist_write(s, c, at, 4, v);
    }
}

const GicType gicv2_access = { "gicv2", 2, get, put };

/* ---- the rest ----------------------------------------------------------- */

static void input(void *opaque, int line, bool level)
{
    Gicv2 *s = opaque;

    gic_input(&s->gic, line, level);
    update(s);
}

static void reset(void *opaque)
{
    Gicv2 *s = opaque;

    for (u32 c = 0; c < GIC_CPUS; c++) {
        s->cpu[c].bpr = BPR_LEAST;
        s->cpu[c].abpr = ABPR_LEAST;
        s->gic.bank[c].enabled[0] = 0xffff;     /* SGIs always are */
    }
    s->gic.edge[0] = 0xffff;
    for (u32 n = GIC_PRIVATE; s->gic.ncpus == 1 && n < GIC_IRQS; n++) {
        s->target[n] = 1;
    }
    update(s);
}

static bool loaded(void *opaque)
{
    update(opaque);
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
        SAVE(Gicv2, ctlr), SAVE(Gicv2, target), GIC_STATE,
        SAVE_STRUCT(Gicv2, cpu, GicCpu,
            SAVE(GicCpu, ctlr), SAVE(GicCpu, pmr), SAVE(GicCpu, bpr),
            SAVE(GicCpu, abpr), SAVE(GicCpu, apr), SAVE(GicCpu, sgi_from)),
        { 0 }
    },
    .props  = (const Prop[]) {
        PROP("num-cpu", PROP_U32, Gic, ncpus, "1", "CPUs it serves"),
        { 0 }
    },
    .wires  = (const Wire[]) {
        WIRES("irq", Gicv2, irq), WIRES("fiq", Gicv2, fiq), { 0 }
    },
    .start  = gic_start,
    .reset  = reset,
    .input  = input,
    .loaded = loaded,
};
