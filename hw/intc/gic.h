/* SPDX-License-Identifier: MIT */
/*
 * What GICv2 and GICv3 have in common: interrupts 0-15 are SGIs and 16-31
 * PPIs, with state of their own for each CPU; the rest are SPIs.  Registers
 * are arrays of bits or bytes over interrupt numbers, at the same places of
 * the distributor and of GICv3's redistributors (GicRange).
 *
 * Inputs: SPI n is n, PPI p of CPU c is lines - 32 + 32 * c + p.
 */
#pragma once
#include "hw/core/device.h"
#include "hw/intc/gic_access.h"

enum {
    GIC_CPUS = 8, GIC_IRQS = 288, GIC_WORDS = GIC_IRQS / 32,
    GIC_PRIVATE = 32, GIC_SGIS = 16, GIC_SPURIOUS = 1023,
    GIC_PRIORITY_MASK = 0xf8,           /* 32 levels */
    GIC_IDLE = 0x100,                   /* running priority of nothing */
};

/* Private interrupts have these for each CPU; SPIs in those of CPU 0. */
typedef struct GicBank {
    u32 enabled[GIC_WORDS], pending[GIC_WORDS], active[GIC_WORDS];
    u32 level[GIC_WORDS], group[GIC_WORDS];
    u8  priority[GIC_IRQS];
} GicBank;

/* The beginning of either. */
typedef struct Gic {
    Device  dev;
    u32     ncpus;
    GicBank bank[GIC_CPUS];
    u32     edge[GIC_WORDS];            /* of SPIs and PPIs: edge-triggered */
} Gic;

#define GIC_STATE                                                           \
    SAVE(Gic, edge),                                                        \
    SAVE_STRUCT(Gic, bank, GicBank,                                         \
        SAVE(GicBank, enabled), SAVE(GicBank, pending), SAVE(GicBank, active), \
        SAVE(GicBank, level), SAVE(GicBank, group), SAVE(GicBank, priority))

/* The bank that has interrupt n as CPU c sees it. */
static inline GicBank *gic_bank(Gic *s, u32 c, u32 n)
{
    return &s->bank[n < GIC_PRIVATE ? c : 0];
}

static inline bool gic_bit(const u32 *map, u32 n)
{
    return map[n / 32] >> n % 32 & 1;
}

static inline void gic_set_bit(u32 *map, u32 n, bool on)
{
    u32 bit = 1u << n % 32;

    map[n / 32] = on ? map[n / 32] | bit : map[n / 32] & ~bit;
}

/* Interrupts of word w that CPU c could take, were they urgent enough. */
u32  gic_candidates(const Gic *s, u32 c, u32 w);
/* An input changed; the caller looks what is to be signalled now. */
void gic_input(Gic *s, int line, bool level);

/*
 * Priorities that are active, as GICC_APR0 and ICC_APxR0_EL1 have them: bit n
 * is for group priority 8 * n.  The most urgent is the running priority.
 */
static inline u32 gic_running(u32 apr)
{
    return apr ? (u32)__builtin_ctz(apr) << 3 : GIC_IDLE;
}

/* The part of a priority that decides preemption. */
static inline u32 gic_group_priority(u32 priority, u32 bpr)
{
    return priority & ~(u32)MASK(MIN(bpr, 7) + 1);
}

/* 1 to GIC_CPUS CPUs: DeviceType.start. */
bool gic_start(void *opaque, Err *err);

/* Behind gic_get() and gic_put(): what a version does. */
typedef struct GicType {
    const char *name;                   /* of the device */
    u32  version;
    u64  (*get)(void *s, u32 cpu, GicFrame frame, u32 at);
    void (*put)(void *s, u32 cpu, GicFrame frame, u32 at, u64 v);
} GicType;
extern const GicType gicv2_access, gicv3_access;

/* ---- registers that are arrays over interrupts -------------------------- */

typedef struct GicRange {
    u32 at, end;
    u32 bits;                           /* of an interrupt */
    u32 (*read)(Gic *s, u32 c, u32 n);
    void (*write)(Gic *s, u32 c, u32 n, u32 v);
} GicRange;

/* Those of both, from GICD_IGROUPR to GICD_ICFGR; ends with bits 0. */
extern const GicRange gic_ranges[];
/*
 * Access to the interrupts from `first` to before `end` of the range of
 * `ranges` that has `at`; false: none has.  The others read as zero.
 */
typedef struct GicAccess {
    const GicRange *ranges;
    u32 cpu, first, end;
    u64 at;
    unsigned size;
} GicAccess;
bool gic_range_read(Gic *s, const GicAccess *a, u64 *v);
bool gic_range_write(Gic *s, const GicAccess *a, u64 v);
