/* SPDX-License-Identifier: MIT */
/*
 * System-management RAM: RAM that a host bridge keeps for CPUs in SMM.
 * References: Intel 440FX data sheet (290549), 3.2.20 "SMRAM"; Intel 3 Series
 * Express Chipset data sheet (316966), 5.1.28 "SMRAM", 5.1.29 "ESMRAMC".
 *
 * There are three spaces: what everybody sees, and for CPUs in SMM what they
 * run and what they read and write; D_CLS makes a difference between these.
 */
#include <glib.h>
#include "hw/pci/host.h"

enum { LEGACY = 0xa0000, HIGH = 0xfeda0000, LEGACY_SIZE = 0x20000,
       SMBASE = 0x30000, SMBASE_SIZE = 0x20000, ON_TOP = 16 };
enum { EVERYBODY, SMM_DATA, SMM_CODE, SPACES };
enum { AREAS = 3 };

/* A stretch of RAM with protection. */
typedef struct Area {
    u64  base, size, offset;            /* offset in RAM */
    bool ram_below;                     /* is RAM to everybody without it */
    bool open;                          /* everybody sees it */
} Area;

struct Smram {
    MemSpace *space[SPACES];            /* the last two NULL: no SMM */
    Ram      *ram;
    u64       low;                      /* where RAM below 4 GiB ends */
    u32       flags;
    u64       tseg;
    u32       handle[AREAS][SPACES];    /* 0: none */
};

Smram *smram_new(MemSpace *mem, MemSpace *smm, MemSpace *smm_code, Ram *ram,
                 u64 low)
{
    Smram *s = g_new0(Smram, 1);

    *s = (Smram) {
        .space = { mem, smm, smm_code }, .ram = ram, .low = low,
    };
    return s;
}

static u64 read_ones(void *opaque, u64 at, unsigned size)
{
    (void)opaque;
    (void)at;
    return MASK(size * 8);
}

static void show(Smram *s, u32 area, u32 space, const Area *a)
{
    MemRegion r = {
        .name = "smram", .base = a->base, .size = a->size,
        .priority = ON_TOP, .ram = s->ram, .ram_offset = a->offset,
    };

    if (s->space[space]) {
        s->handle[area][space] = mem_add(s->space[space], &r);
    }
}

static void hide(Smram *s, u32 area, const Area *a)
{
    MemRegion r = {
        .name = "smram-hidden", .base = a->base, .size = a->size,
        .priority = ON_TOP, .read = read_ones, .lockless = true,
    };

    s->handle[area][EVERYBODY] = mem_add(s->space[EVERYBODY], &r);
}

static void clear(Smram *s)
{
    for (u32 i = 0; i < AREAS * SPACES; i++) {
        u32 *handle = &s->handle[i / SPACES][i % SPACES];
        if (*handle) {
            mem_remove(s->space[i % SPACES], *handle);
        }
        *handle = 0;
    }
}

static void place(Smram *s, u32 i, const Area *a)
{
    if (a->open) {
        show(s, i, EVERYBODY, a);
    } else if (a->ram_below) {
        hide(s, i, a);
    }
    show(s, i, SMM_CODE, a);
    if (!(s->flags & SMRAM_CLOSED)) {
        show(s, i, SMM_DATA, a);
    }
}

void smram_set(Smram *s, u32 flags, u64 tseg)
{
    bool on = flags & SMRAM_ON, open = flags & SMRAM_OPEN;
    u64 top = s->low - tseg;
    const Area area[AREAS] = {
        { flags & SMRAM_HIGH ? HIGH : LEGACY, on ? LEGACY_SIZE : 0, LEGACY,
          false, open },
        { top, on && tseg < s->low ? tseg : 0, top, true, open },
        { SMBASE, flags & SMRAM_SMBASE ? SMBASE_SIZE : 0, SMBASE, true,
          false },
    };

    if (s->flags == flags && s->tseg == tseg) {
        return;
    }
    s->flags = flags;
    s->tseg = tseg;
    mem_begin(s->space[EVERYBODY]);
    clear(s);
    for (u32 i = 0; i < AREAS; i++) {
        if (area[i].size) {
            place(s, i, &area[i]);
        }
    }
    mem_commit(s->space[EVERYBODY]);
}
