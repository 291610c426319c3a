/* SPDX-License-Identifier: MIT */
/*
 * What GICv2 and GICv3 share.  Reference: ARM IHI 0048B chapter 4 "Programmers'
 * Model", ARM IHI 0069 chapter 12.
 */
#include "hw/intc/gic.h"

u32 gic_candidates(const Gic *s, u32 c, u32 w)
{
    const GicBank *b = &s->bank[w == 0 ? c : 0];
    u32 level = b->level[w] & ~s->edge[w];

    return (b->pending[w] | level) & b->enabled[w] & ~b->active[w];
}

/* Interrupt and, of PPIs, CPU of an input. */
static u32 irq_of(int line, u32 *c)
{
    u32 n = (u32)line + GIC_PRIVATE;

    *c = n >= GIC_IRQS ? (n - GIC_IRQS) / GIC_PRIVATE : 0;
    return n >= GIC_IRQS ? (n - GIC_IRQS) % GIC_PRIVATE : n;
}

void gic_note(Device *d, int line, bool level)
{
    u32 c, n = irq_of(line, &c);

    gic_set_bit(gic_bank((Gic *)d, c, n)->level, n, level);
}

void gic_input(Gic *s, int line, bool level)
{
    u32 c, n = irq_of(line, &c);
    GicBank *b = gic_bank(s, c, n);

    if (level && !gic_bit(b->level, n) && gic_bit(s->edge, n)) {
        gic_set_bit(b->pending, n, true);
    }
    gic_set_bit(b->level, n, level);
}

u32 gic_levels(const Device *d, u32 cpu, u32 w)
{
    return ((const Gic *)d)->bank[w ? 0 : cpu].level[w];
}

bool gic_start(void *opaque, Err *err)
{
    const Gic *s = opaque;

    return (s->ncpus >= 1 && s->ncpus <= GIC_CPUS)
        || fail(err, "%s has 1 to %d CPUs, not %u", s->dev.type->name,
                GIC_CPUS, s->ncpus);
}

/* ---- registers for who keeps them elsewhere ------------------------------ */

static const GicType *type_of(const Device *d)
{
    return strcmp(d->type->name, gicv2_access.name) == 0 ? &gicv2_access
                                                         : &gicv3_access;
}

u64 gic_get(Device *d, u32 cpu, GicFrame frame, u32 at)
{
    return type_of(d)->get(d, cpu, frame, at);
}

void gic_put(Device *d, u32 cpu, GicFrame frame, u32 at, u64 v)
{
    type_of(d)->put(d, cpu, frame, at, v);
}

u32 gic_version(const Device *d)
{
    return type_of(d)->version;
}

/* ---- ranges of bits and bytes ------------------------------------------- */

static u32 read_group(Gic *s, u32 c, u32 n)
{
    return gic_bit(gic_bank(s, c, n)->group, n);
}

static void write_group(Gic *s, u32 c, u32 n, u32 v)
{
    gic_set_bit(gic_bank(s, c, n)->group, n, v);
}

static u32 read_enable(Gic *s, u32 c, u32 n)
{
    return gic_bit(gic_bank(s, c, n)->enabled, n);
}

static void set_enable(Gic *s, u32 c, u32 n, u32 v)
{
    if (v) {
        gic_set_bit(gic_bank(s, c, n)->enabled, n, true);
    }
}

static void clear_enable(Gic *s, u32 c, u32 n, u32 v)
{
    if (v) {
        gic_set_bit(gic_bank(s, c, n)->enabled, n, false);
    }
}

static u32 read_pending(Gic *s, u32 c, u32 n)
{
    const GicBank *b = gic_bank(s, c, n);

    return gic_bit(b->pending, n)
        || (gic_bit(b->level, n) && !gic_bit(s->edge, n));
}

static void set_pending(Gic *s, u32 c, u32 n, u32 v)
{
    if (v) {
        gic_set_bit(gic_bank(s, c, n)->pending, n, true);
    }
}

static void clear_pending(Gic *s, u32 c, u32 n, u32 v)
{
    if (v) {
        gic_set_bit(gic_bank(s, c, n)->pending, n, false);
    }
}

static u32 read_active(Gic *s, u32 c, u32 n)
{
    return gic_bit(gic_bank(s, c, n)->active, n);
}

static void set_active(Gic *s, u32 c, u32 n, u32 v)
{
    if (v) {
        gic_set_bit(gic_bank(s, c, n)->active, n, true);
    }
}

static void clear_active(Gic *s, u32 c, u32 n, u32 v)
{
    if (v) {
        gic_set_bit(gic_bank(s, c, n)->active, n, false);
    }
}

static u32 read_priority(Gic *s, u32 c, u32 n)
{
    return gic_bank(s, c, n)->priority[n];
}

static void write_priority(Gic *s, u32 c, u32 n, u32 v)
{
    gic_bank(s, c, n)->priority[n] = v & GIC_PRIORITY_MASK;
}

static u32 read_config(Gic *s, u32 c, u32 n)
{
    (void)c;
    return n < GIC_SGIS ? 2 : gic_bit(s->edge, n) ? 2 : 0;
}

static void write_config(Gic *s, u32 c, u32 n, u32 v)
{
    (void)c;
    if (n >= GIC_PRIVATE) {
        gic_set_bit(s->edge, n, v & 2);
    }
}

const GicRange gic_ranges[] = {
    { 0x080, 0x100, 1, read_group,    write_group },    /* GICD_IGROUPR */
    { 0x100, 0x180, 1, read_enable,   set_enable },     /* GICD_ISENABLER */
    { 0x180, 0x200, 1, read_enable,   clear_enable },   /* GICD_ICENABLER */
    { 0x200, 0x280, 1, read_pending,  set_pending },    /* GICD_ISPENDR */
    { 0x280, 0x300, 1, read_pending,  clear_pending },  /* GICD_ICPENDR */
    { 0x300, 0x380, 1, read_active,   set_active },     /* GICD_ISACTIVER */
    { 0x380, 0x400, 1, read_active,   clear_active },   /* GICD_ICACTIVER */
    { 0x400, 0x800, 8, read_priority, write_priority }, /* GICD_IPRIORITYR */
    { 0xc00, 0xd00, 2, read_config,   write_config },   /* GICD_ICFGR */
    { 0 }
};

/* The range that has a->at, with the first interrupt and how many. */
static const GicRange *range_at(const GicAccess *a, u32 *first, u32 *n)
{
    for (const GicRange *r = a->ranges; r->bits; r++) {
        if (a->at >= r->at && a->at < r->end) {
            *first = (u32)(a->at - r->at) * 8 / r->bits;
            *n = a->size * 8 / r->bits;
            return r;
        }
    }
    return NULL;
}

static bool within(const GicAccess *a, u32 n)
{
    return n >= a->first && n < a->end;
}

bool gic_range_read(Gic *s, const GicAccess *a, u64 *v)
{
    u32 first, n;
    const GicRange *r = range_at(a, &first, &n);

    *v = 0;
    for (u32 i = 0; r && i < n; i++) {
        if (within(a, first + i)) {
            *v |= (u64)r->read(s, a->cpu, first + i) << i * r->bits;
        }
    }
    return r != NULL;
}

bool gic_range_write(Gic *s, const GicAccess *a, u64 v)
{
    u32 first, n;
    const GicRange *r = range_at(a, &first, &n);

    for (u32 i = 0; r && i < n; i++) {
        if (within(a, first + i)) {
            r->write(s, a->cpu, first + i,
                     (u32)(v >> i * r->bits & MASK(r->bits)));
        }
    }
    return r != NULL;
}
