/* SPDX-License-Identifier: MIT */
/*
 * ARM Generic Interrupt Controller, version 3, with affinity routing and one
 * security state.  Reference: ARM IHI 0069.
 *
 * The distributor is at 0 of the window, the redistributors (two frames of
 * each CPU) from 0xa0000 on.  CPU interfaces are system registers: CpuIntc.
 * Outputs: irq of group 1 and fiq of group 0.
 *
 * Left out: LPIs and the ITS, the memory-mapped CPU interface, 1-of-N
 * selection (GICD_IROUTER.IRM is for CPU 0), message-based SPIs.
 */
#include "hw/intc/gic.h"
#include "softmmu/cpu.h"
#include "util/log.h"

enum {
    REDISTRIBUTORS = 0xa0000, REDIST_SIZE = 0x20000, SGI_FRAME = 0x10000,
    WINDOW = REDISTRIBUTORS + GIC_CPUS * REDIST_SIZE,
    IROUTER = 0x6000,
};
enum { ARE = 1 << 4, DS = 1 << 6 };             /* GICD_CTLR */
enum { SLEEP = 1 << 1, ASLEEP = 1 << 2 };       /* GICR_WAKER */
enum { CBPR = 1, EOIMODE = 2 };                 /* ICC_CTLR_EL1 */
/* Five bits of priority, 16 of interrupt number, Aff3 is there. */
enum { ICC_CTLR_RO = 4 << 8 | 1 << 15 };
enum { GROUPS = 2, BPR_LEAST = 2 };

typedef struct Gicv3Cpu {
    u32 waker, pmr, ctlr;
    u32 bpr[GROUPS], igrpen[GROUPS], apr[GROUPS];
} Gicv3Cpu;

typedef struct Gicv3 {
    Gic      gic;
    Line     irq[GIC_CPUS], fiq[GIC_CPUS];
    u32      ctlr;                      /* GICD_CTLR.EnableGrp0, 1 */
    u64      router[GIC_IRQS];          /* GICD_IROUTER<n> */
    Gicv3Cpu cpu[GIC_CPUS];
} Gicv3;

static u32 this_cpu(const Gicv3 *s)
{
    const Cpu *c = cpu_current();

    return c && (u32)c->index < s->gic.ncpus ? (u32)c->index : 0;
}

/* ---- what is to be signalled -------------------------------------------- */

#define AFFINITY 0xff00ffffffull

static bool targets(const Gicv3 *s, u32 c, u32 n)
{
    enum { IRM = 1u << 31 };
    u64 to = s->router[n] & IRM ? 0 : s->router[n] & AFFINITY;

    return n < GIC_PRIVATE || to == c;
}

static unsigned group_of(Gicv3 *s, u32 c, u32 n)
{
    return gic_bit(gic_bank(&s->gic, c, n)->group, n);
}

static bool group_on(const Gicv3 *s, u32 c, unsigned group)
{
    return s->ctlr >> group & 1 && s->cpu[c].igrpen[group];
}

/* The most urgent pending interrupt of groups that are on. */
static u32 best_pending(Gicv3 *s, u32 c, u32 *priority)
{
    u32 best = GIC_SPURIOUS;

    *priority = GIC_IDLE;
    for (u32 w = 0; w < GIC_WORDS; w++) {
        for (u32 m = gic_candidates(&s->gic, c, w); m; m &= m - 1) {
            u32 n = w * 32 + (u32)__builtin_ctz(m);
            u32 p = gic_bank(&s->gic, c, n)->priority[n];
            if (targets(s, c, n) && p < *priority
                && group_on(s, c, group_of(s, c, n))) {
                *priority = p;
                best = n;
            }
        }
    }
    return best;
}

static u32 running(const Gicv3Cpu *g)
{
    return gic_running(g->apr[0] | g->apr[1]);
}

/* Group 1's point is one bit higher, if it does not share that of group 0. */
static u32 preemption(const Gicv3Cpu *g, unsigned group, u32 priority)
{
    bool own = group && !(g->ctlr & CBPR);

    return gic_group_priority(priority, own ? g->bpr[1] - 1 : g->bpr[0]);
}

static u32 signalled(Gicv3 *s, u32 c)
{
    const Gicv3Cpu *g = &s->cpu[c];
    u32 priority, n = best_pending(s, c, &priority);
    bool urgent = n != GIC_SPURIOUS && priority < g->pmr
        && preemption(g, group_of(s, c, n), priority) < running(g);

    return urgent ? n : GIC_SPURIOUS;
}

static void update(Gicv3 *s)
{
    for (u32 c = 0; c < s->gic.ncpus; c++) {
        u32 n = signalled(s, c);
        bool due = n != GIC_SPURIOUS;
        line_set(&s->irq[c], due && group_of(s, c, n) == 1);
        line_set(&s->fiq[c], due && group_of(s, c, n) == 0);
    }
}

/* ---- CPU interface: system registers ------------------------------------ */

/* Bits 20:5 of MRS and MSR. */
#define ICC(crn, crm, op2)  (3 << 14 | (crn) << 7 | (crm) << 3 | (op2))

typedef struct Icc Icc;
struct Icc {
    u32 enc;
    unsigned group;                     /* or another number for the hooks */
    u64  (*read)(Gicv3 *s, u32 c, unsigned group);
    void (*write)(Gicv3 *s, u32 c, unsigned group, u64 v);
};

static u64 read_pmr(Gicv3 *s, u32 c, unsigned group)
{
    (void)group;
    return s->cpu[c].pmr;
}

static void write_pmr(Gicv3 *s, u32 c, unsigned group, u64 v)
{
    (void)group;
    s->cpu[c].pmr = v & GIC_PRIORITY_MASK;
}

static u64 read_iar(Gicv3 *s, u32 c, unsigned group)
{
    Gicv3Cpu *g = &s->cpu[c];
    u32 n = signalled(s, c);

    if (n == GIC_SPURIOUS || group_of(s, c, n) != group) {
        return GIC_SPURIOUS;
    }
    GicBank *b = gic_bank(&s->gic, c, n);
    g->apr[group] |= 1u << (preemption(g, group, b->priority[n]) >> 3);
    gic_set_bit(b->active, n, true);
    gic_set_bit(b->pending, n, false);
    return n;
}

static void deactivate(Gicv3 *s, u32 c, unsigned group, u64 v)
{
    (void)group;
    if (v < GIC_IRQS) {
        gic_set_bit(gic_bank(&s->gic, c, (u32)v)->active, (u32)v, false);
    }
}

static void write_eoir(Gicv3 *s, u32 c, unsigned group, u64 v)
{
    Gicv3Cpu *g = &s->cpu[c];

    if (v < GIC_IRQS) {
        g->apr[group] &= g->apr[group] - 1;
        if (!(g->ctlr & EOIMODE)) {
            deactivate(s, c, group, v);
        }
    }
}

static u64 read_hppir(Gicv3 *s, u32 c, unsigned group)
{
    u32 priority, n = best_pending(s, c, &priority);

    return n != GIC_SPURIOUS && group_of(s, c, n) == group ? n : GIC_SPURIOUS;
}

static u64 read_bpr(Gicv3 *s, u32 c, unsigned group)
{
    const Gicv3Cpu *g = &s->cpu[c];

    return group && g->ctlr & CBPR ? MIN(g->bpr[0] + 1, 7) : g->bpr[group];
}

static void write_bpr(Gicv3 *s, u32 c, unsigned group, u64 v)
{
    Gicv3Cpu *g = &s->cpu[c];

    if (!group || !(g->ctlr & CBPR)) {
        g->bpr[group] = MAX(v & 7, BPR_LEAST + group);
    }
}

static u64 read_apr(Gicv3 *s, u32 c, unsigned group)
{
    return s->cpu[c].apr[group];
}

static void write_apr(Gicv3 *s, u32 c, unsigned group, u64 v)
{
    s->cpu[c].apr[group] = (u32)v;
}

static u64 read_rpr(Gicv3 *s, u32 c, unsigned group)
{
    (void)group;
    return MIN(running(&s->cpu[c]), 0xff);
}

static u64 read_ctlr(Gicv3 *s, u32 c, unsigned group)
{
    (void)group;
    return ICC_CTLR_RO | s->cpu[c].ctlr;
}

static void write_ctlr(Gicv3 *s, u32 c, unsigned group, u64 v)
{
    (void)group;
    s->cpu[c].ctlr = v & (CBPR | EOIMODE);
}

/* System registers only: SRE, DFB and DIB are fixed. */
static u64 read_sre(Gicv3 *s, u32 c, unsigned group)
{
    (void)s, (void)c, (void)group;
    return 7;
}

static u64 read_igrpen(Gicv3 *s, u32 c, unsigned group)
{
    return s->cpu[c].igrpen[group];
}

static void write_igrpen(Gicv3 *s, u32 c, unsigned group, u64 v)
{
    s->cpu[c].igrpen[group] = v & 1;
}

/*
 * ICC_SGI1R_EL1 and the like: a list of CPUs with the same Aff3 to Aff1, or
 * all but this one; to those that have the SGI in `group`.
 */
static void write_sgir(Gicv3 *s, u32 c, unsigned group, u64 v)
{
    enum { IRM = 40 };
    u32 n = bits(v, 27, 24);
    bool here = !bits(v, 23, 16) && !bits(v, 39, 32) && !bits(v, 55, 44);
    u32 to = v >> IRM & 1 ? ~(1u << c) : here ? v & 0xffff : 0;

    for (to &= (u32)MASK(s->gic.ncpus); to; to &= to - 1) {
        u32 k = (u32)__builtin_ctz(to);
        if (group_of(s, k, n) == group) {
            gic_set_bit(s->gic.bank[k].pending, n, true);
        }
    }
}

static void ignore(Gicv3 *s, u32 c, unsigned group, u64 v)
{
    (void)s, (void)c, (void)group, (void)v;
}

static const Icc icc[] = {
    { ICC(4, 6, 0),   0, read_pmr,    write_pmr },      /* ICC_PMR_EL1 */
    { ICC(12, 8, 0),  0, read_iar,    NULL },           /* ICC_IAR0_EL1 */
    { ICC(12, 8, 1),  0, NULL,        write_eoir },     /* ICC_EOIR0_EL1 */
    { ICC(12, 8, 2),  0, read_hppir,  NULL },           /* ICC_HPPIR0_EL1 */
    { ICC(12, 8, 3),  0, read_bpr,    write_bpr },      /* ICC_BPR0_EL1 */
    { ICC(12, 8, 4),  0, read_apr,    write_apr },      /* ICC_AP0R0_EL1 */
    { ICC(12, 9, 0),  1, read_apr,    write_apr },      /* ICC_AP1R0_EL1 */
    { ICC(12, 11, 1), 0, NULL,        deactivate },     /* ICC_DIR_EL1 */
    { ICC(12, 11, 3), 0, read_rpr,    NULL },           /* ICC_RPR_EL1 */
    { ICC(12, 11, 5), 1, NULL,        write_sgir },     /* ICC_SGI1R_EL1 */
    { ICC(12, 11, 6), 0, NULL,        ignore },         /* ICC_ASGI1R_EL1 */
    { ICC(12, 11, 7), 0, NULL,        write_sgir },     /* ICC_SGI0R_EL1 */
    { ICC(12, 12, 0), 1, read_iar,    NULL },           /* ICC_IAR1_EL1 */
    { ICC(12, 12, 1), 1, NULL,        write_eoir },     /* ICC_EOIR1_EL1 */
    { ICC(12, 12, 2), 1, read_hppir,  NULL },           /* ICC_HPPIR1_EL1 */
    { ICC(12, 12, 3), 1, read_bpr,    write_bpr },      /* ICC_BPR1_EL1 */
    { ICC(12, 12, 4), 0, read_ctlr,   write_ctlr },     /* ICC_CTLR_EL1 */
    { ICC(12, 12, 5), 0, read_sre,    ignore },         /* ICC_SRE_EL1 */
    { ICC(12, 12, 6), 0, read_igrpen, write_igrpen },   /* ICC_IGRPEN0_EL1 */
    { ICC(12, 12, 7), 1, read_igrpen, write_igrpen },   /* ICC_IGRPEN1_EL1 */
};

static const Icc *icc_find(u32 enc)
{
    for (u32 i = 0; i < countof(icc); i++) {
        if (icc[i].enc == enc) {
            return &icc[i];
        }
    }
    return NULL;
}

static u64 cpu_read(Gicv3 *s, u32 c, u32 enc)
{
    const Icc *r = icc_find(enc);
    u64 v = r && r->read ? r->read(s, c, r->group) : 0;

    update(s);
    return v;
}

static void cpu_write(Gicv3 *s, u32 c, u32 enc, u64 v)
{
    const Icc *r = icc_find(enc);

    if (r && r->write) {
        r->write(s, c, r->group, v);
        update(s);
    }
}

static bool sysreg_read(void *opaque, u32 enc, u64 *v)
{
    Gicv3 *s = opaque;

    *v = cpu_read(s, this_cpu(s), enc);
    return icc_find(enc) != NULL;
}

static bool sysreg_write(void *opaque, u32 enc, u64 v)
{
    Gicv3 *s = opaque;

    cpu_write(s, this_cpu(s), enc, v);
    return icc_find(enc) != NULL;
}

void gicv3_connect(Device *d, Cpu *c)
{
    static const CpuIntc intc = {
        .sysreg_read = sysreg_read, .sysreg_write = sysreg_write,
    };

    c->intc = &intc;
    c->intc_state = d;
}

/* ---- distributor -------------------------------------------------------- */

/* What both frames have at their end: an implementation of Arm's, GICv3. */
static u64 identification(u64 at)
{
    static const u8 pidr[] = { 0x92, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1 };

    return at >= 0xffe0 && at < 0x10000 ? pidr[(at - 0xffe0) / 4] : 0;
}

static bool is_router(u64 at)
{
    return at >= IROUTER + 8 * GIC_PRIVATE && at < IROUTER + 8 * GIC_IRQS;
}

static u64 dist_read(Gicv3 *s, u32 c, u64 at, unsigned size)
{
    GicAccess a = { gic_ranges, c, GIC_PRIVATE, GIC_IRQS, at, size };
    u64 v;

    if (gic_range_read(&s->gic, &a, &v)) {
        return v;
    }
    if (is_router(at)) {
        return s->router[(at - IROUTER) / 8] >> (at & 4) * 8
            & MASK(size * 8);
    }
    switch (at) {
    case 0x000: return ARE | DS | s->ctlr;
    /* GICD_TYPER: no 1-of-N, Aff3, 16 bits of interrupt number. */
    case 0x004: return 1 << 25 | 1 << 24 | 15 << 19 | (GIC_WORDS - 1);
    case 0x008: return 0x0000043b;                          /* GICD_IIDR */
    }
    return identification(at);
}

static void write_router(Gicv3 *s, u64 at, unsigned size, u64 v)
{
    u64 *r = &s->router[(at - IROUTER) / 8];
    u64 field = MASK(size * 8) << (at & 4) * 8;

    v = (*r & ~field) | (v << (at & 4) * 8 & field);
    *r = v & (AFFINITY | BIT(31));
}

static void dist_write(Gicv3 *s, u32 c, u64 at, unsigned size, u64 v)
{
    GicAccess a = { gic_ranges, c, GIC_PRIVATE, GIC_IRQS, at, size };

    if (is_router(at)) {
        write_router(s, at, size, v);
    } else if (at == 0) {
        s->ctlr = v & 3;
    } else if (!gic_range_write(&s->gic, &a, v)) {
        log_line(LOG_GUEST, "gicv3: write of distributor at %#llx",
                 (unsigned long long)at);
    }
    update(s);
}

/* ---- redistributors ----------------------------------------------------- */

/* GICR_TYPER: affinity, number, the last one. */
static u64 redist_type(const Gicv3 *s, u32 c)
{
    return (u64)c << 32 | c << 8 | (c == s->gic.ncpus - 1 ? 1 << 4 : 0);
}

static u64 redist_read(Gicv3 *s, u32 c, u64 at, unsigned size)
{
    GicAccess a = { gic_ranges, c, 0, GIC_PRIVATE, at - SGI_FRAME, size };
    u64 v;

    if (at >= SGI_FRAME) {
        return gic_range_read(&s->gic, &a, &v) ? v : 0;
    }
    switch (at) {
    case 0x04: return 0x0000043b;                           /* GICR_IIDR */
    case 0x08: return redist_type(s, c);
    case 0x0c: return redist_type(s, c) >> 32;
    case 0x14: return s->cpu[c].waker | (s->cpu[c].waker & SLEEP ? ASLEEP : 0);
    }
    return identification(at);
}

static void redist_write(Gicv3 *s, u32 c, u64 at, unsigned size, u64 v)
{
    GicAccess a = { gic_ranges, c, 0, GIC_PRIVATE, at - SGI_FRAME, size };

    if (at == 0x14) {
        s->cpu[c].waker = v & SLEEP;
    } else if (at >= SGI_FRAME) {
        gic_range_write(&s->gic, &a, v);
    }
    update(s);
}

static bool is_redist(const Gicv3 *s, u64 at)
{
    return at >= REDISTRIBUTORS
        && (at - REDISTRIBUTORS) / REDIST_SIZE < s->gic.ncpus;
}

static u64 gic_read(void *opaque, u64 at, unsigned size)
{
    Gicv3 *s = opaque;
    u64 in = at - REDISTRIBUTORS;

    if (at < 0x10000) {
        return dist_read(s, 0, at, size);
    }
    return is_redist(s, at) ? redist_read(s, (u32)(in / REDIST_SIZE),
                                          in % REDIST_SIZE, size) : 0;
}

static void gic_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Gicv3 *s = opaque;
    u64 in = at - REDISTRIBUTORS;

    if (at < 0x10000) {
        dist_write(s, 0, at, size, v);
    } else if (is_redist(s, at)) {
        redist_write(s, (u32)(in / REDIST_SIZE), in % REDIST_SIZE, size, v);
    }
}

/* ---- for who keeps it elsewhere ----------------------------------------- */

static u64 get(void *opaque, u32 c, GicFrame frame, u32 at)
{
    return frame == GIC_CPU_INTERFACE ? cpu_read(opaque, c, at)
         : frame == GIC_REDISTRIBUTOR ? redist_read(opaque, c, at, 4)
         : dist_read(opaque, c, at, 4);
}

static void put(void *opaque, u32 c, GicFrame frame, u32 at, u64 v)
{
    if (frame == GIC_CPU_INTERFACE) {
        cpu_write(opaque, c, at, v);
    } else if (frame == GIC_REDISTRIBUTOR) {
        redist_write(opaque, c, at, 4, v);
    } else {
        dist_write(opaque, c, at, 4, v);
    }
}

const GicType gicv3_access = { "gicv3", 3, get, put };

/* ---- the rest ----------------------------------------------------------- */

static void input(void *opaque, int line, bool level)
{
    Gicv3 *s = opaque;

    gic_input(&s->gic, line, level);
    update(s);
}

static void reset(void *opaque)
{
    Gicv3 *s = opaque;

    for (u32 c = 0; c < GIC_CPUS; c++) {
        for (unsigned group = 0; group < GROUPS; group++) {
            s->cpu[c].bpr[group] = BPR_LEAST + group;
        }
        s->cpu[c].waker = SLEEP;
    }
    s->gic.edge[0] = 0xffff;
    update(s);
}

static bool loaded(void *opaque)
{
    Gicv3 *s = opaque;

    for (u32 c = 0; c < GIC_CPUS; c++) {
        if (s->cpu[c].bpr[1] < 1) {
            return false;
        }
    }
    update(s);
    return true;
}

DEVICE(gicv3) {
    .name   = "gicv3",
    .about  = "ARM Generic Interrupt Controller, version 3",
    .size   = sizeof(Gicv3),
    .window = WINDOW,
    .mmio_read = gic_read,
    .mmio_write = gic_write,
    .compatible = "arm,gic-v3",
    .state  = (const Field[]) {
        SAVE(Gicv3, ctlr), SAVE(Gicv3, router), GIC_STATE,
        SAVE_STRUCT(Gicv3, cpu, Gicv3Cpu,
            SAVE(Gicv3Cpu, waker), SAVE(Gicv3Cpu, pmr), SAVE(Gicv3Cpu, ctlr),
            SAVE(Gicv3Cpu, bpr), SAVE(Gicv3Cpu, igrpen), SAVE(Gicv3Cpu, apr)),
        { 0 }
    },
    .props  = (const Prop[]) {
        PROP("num-cpu", PROP_U32, Gic, ncpus, "1", "CPUs it serves"),
        { 0 }
    },
    .wires  = (const Wire[]) {
        WIRES("irq", Gicv3, irq), WIRES("fiq", Gicv3, fiq), { 0 }
    },
    .start  = gic_start,
    .reset  = reset,
    .input  = input,
    .loaded = loaded,
};
