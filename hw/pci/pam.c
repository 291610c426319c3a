/* SPDX-License-Identifier: MIT */
/*
 * Programmable attribute map: C0000 to FFFFF as RAM or ROM.
 * References: Intel 440FX data sheet (290549), 3.2.18 "PAM Registers"; Intel
 * 82Q35 data sheet (317607), 5.1.20 "PAM0".
 */
#include <glib.h>
#include "hw/pci/host.h"

enum { FIRST = 0xc0000, SMALL = 0x4000, LAST_BASE = 0xf0000,
       LAST_SIZE = 0x10000, ABOVE_ROM = 2 };

typedef struct Segment {
    Pam *pam;
    u64  base, size;
    u32  access, handle;
} Segment;

struct Pam {
    MemSpace *mem;
    Ram      *ram;
    Segment   seg[PAM_SEGMENTS];
};

Pam *pam_new(MemSpace *mem, Ram *ram)
{
    Pam *p = g_new0(Pam, 1);

    p->mem = mem;
    p->ram = ram;
    for (u32 i = 0; i < PAM_SEGMENTS; i++) {
        bool last = i == PAM_SEGMENTS - 1;
        p->seg[i].pam = p;
        p->seg[i].base = last ? LAST_BASE : FIRST + i * SMALL;
        p->seg[i].size = last ? LAST_SIZE : SMALL;
    }
    return p;
}

/* Written to RAM, read from elsewhere: what a copy of ROM to RAM needs. */
static u64 read_below(void *opaque, u64 at, unsigned size)
{
    const Segment *s = opaque;
    u64 alias = (1ull << 32) - 0x100000 + s->base + at;

    return mem_get(s->pam->mem, alias, size);
}

static void write_ram(void *opaque, u64 at, unsigned size, u64 v)
{
    const Segment *s = opaque;

    store_le(s->pam->ram->host + s->base + at, size, v);
    ram_wrote(s->pam->ram, s->base + at, size);
}

void pam_set(Pam *p, u32 segment, u32 access)
{
    Segment *s = &p->seg[segment];
    MemRegion r = {
        .name = "pam", .base = s->base, .size = s->size,
        .priority = ABOVE_ROM, .opaque = s,
    };

    if (s->access == access) {
        return;
    }
    if (s->access) {
        mem_remove(p->mem, s->handle);
    }
    if (access & PAM_READ) {
        r.ram = p->ram;
        r.ram_offset = s->base;
        r.readonly = !(access & PAM_WRITE);
    } else {
        r.read = read_below;
        r.write = write_ram;
    }
    s->access = access;
    s->handle = access ? mem_add(p->mem, &r) : 0;
}

/* PAM0's high half is F0000; each other register has two segments. */
void pam_set_registers(Pam *p, const u8 reg[7])
{
    mem_begin(p->mem);
    pam_set(p, PAM_SEGMENTS - 1, reg[0] >> 4 & 3);
    for (u32 i = 0; i < PAM_SEGMENTS - 1; i++) {
        pam_set(p, i, reg[1 + i / 2] >> (i & 1) * 4 & 3);
    }
    mem_commit(p->mem);
}
