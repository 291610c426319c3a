/* SPDX-License-Identifier: MIT */
/*
 * The GT-64120; see gt64120.h.
 *
 * PCI memory is seen at its own addresses whatever the windows say, as RAM is
 * by PCI's masters.  Left out: timers, DMA engines, the second PCI bus (which
 * the GT-64120 can make of its 64 bits), swapping of bytes.
 */
#include "hw/pci/gt64120.h"
#include "softmmu/machine.h"
#include "util/log.h"

enum { BYTES = 0x1000, REGISTERS = BYTES / 4, SHIFT = 21, HIGH_MASK = 0x7f };
enum {
    CPU_INTERFACE = 0x000, LITTLE = 1 << 12,
    PCI0IOREMAP = 0x0f0, PCI0M0REMAP = 0x0f8, PCI0M1REMAP = 0x110,
    INTERRUPT_CAUSE = 0xc18, PCI0_IACK = 0xc34,
    PCI0_CFGADDR = 0xcf8, PCI0_CFGDATA = 0xcfc,
    CFG_ENABLE = 1u << 31,
};

typedef struct Gt64120 {
    PciDevice      pci;
    PciBus        *root;
    MemSpace      *mem, *io;
    GtAcknowledge *acknowledge;
    void          *opaque;
    u32            reg[REGISTERS];
    u64            at, io_at;   /* where registers and ports are; 0: nowhere */
    u32            handle, io_handle;
} Gt64120;

/* What is not 0 after reset: data sheet, section 16. */
static const struct { u16 at; u32 v; } initial[] = {
    { CPU_INTERFACE, LITTLE }, { 0x010, 0x07 },
    { 0x018, 0x08 }, { 0x020, 0x0f }, { 0x028, 0xe0 }, { 0x030, 0x70 },
    { 0x038, 0xf8 }, { 0x040, 0x7f }, { GT_PCI0IOLD, 0x80 },
    { GT_PCI0IOHD, 0x0f }, { GT_PCI0M0LD, 0x90 }, { GT_PCI0M0HD, 0x1f },
    { GT_ISD, 0xa0 }, { GT_PCI0M1LD, 0x790 }, { GT_PCI0M1HD, 0x1f },
    { PCI0IOREMAP, 0x80 }, { PCI0M0REMAP, 0x90 }, { PCI0M1REMAP, 0x790 },
};

/* A low decode register and the remap register that follows it. */
static const struct { u16 low, remap; } windows[] = {
    { GT_PCI0IOLD, PCI0IOREMAP }, { GT_PCI0M0LD, PCI0M0REMAP },
    { GT_PCI0M1LD, PCI0M1REMAP },
};

/* ---- configuration cycles ----------------------------------------------- */

static PciDevice *chosen(const Gt64120 *s)
{
    u32 v = s->reg[PCI0_CFGADDR / 4];

    return v & CFG_ENABLE ? pci_find(s->root, v >> 16 & 0xff, v >> 8 & 0xff)
                          : NULL;
}

static u32 config_at(const Gt64120 *s, u64 at)
{
    return (s->reg[PCI0_CFGADDR / 4] & 0xfc) | (at & 3);
}

/* ---- registers ---------------------------------------------------------- */

static u64 reg_read(void *opaque, u64 at, unsigned size)
{
    Gt64120 *s = opaque;
    PciDevice *d;

    switch (at & ~3ull) {
    case PCI0_CFGDATA:
        d = chosen(s);
        return d ? pci_config_read(d, config_at(s, at), size) : MASK(8 * size);
    case PCI0_IACK:
        return s->acknowledge(s->opaque);
    default:
        return s->reg[at / 4] >> 8 * (at & 3) & MASK(8 * size);
    }
}

static void reg_write(void *opaque, u64 at, unsigned size, u64 v);

/* ---- windows ------------------------------------------------------------ */

static u64 io_read(void *opaque, u64 at, unsigned size)
{
    return mem_get(((Gt64120 *)opaque)->io, at, size);
}

static void io_write(void *opaque, u64 at, unsigned size, u64 v)
{
    mem_put(((Gt64120 *)opaque)->io, at, size, v);
}

/* Puts a window where it belongs, if it is not there. */
static void move(MemSpace *mem, u64 *at, u32 *handle, MemRegion r)
{
    if (*at == r.base || !mem) {
        return;
    }
    if (*at) {
        mem_remove(mem, *handle);
    }
    *at = r.base;
    if (*at) {
        *handle = mem_add(mem, &r);
    }
}

static void place(Gt64120 *s)
{
    u32 low = s->reg[GT_PCI0IOLD / 4];
    u32 high = (low & ~(u32)HIGH_MASK) | (s->reg[GT_PCI0IOHD / 4] & HIGH_MASK);
    u64 base = low <= high ? (u64)low << SHIFT : 0;

    if (!s->mem) {
        return;
    }
    mem_begin(s->mem);
    move(s->mem, &s->at, &s->handle, (MemRegion) {
        .name = "gt64120", .base = (u64)s->reg[GT_ISD / 4] << SHIFT,
        .size = BYTES, .priority = 1, .read = reg_read, .write = reg_write,
        .opaque = s });
    move(s->mem, &s->io_at, &s->io_handle, (MemRegion) {
        .name = "pci-io", .base = base,
        .size = base ? (u64)(high - low + 1) << SHIFT : 0, .read = io_read,
        .write = io_write, .opaque = s });
    mem_commit(s->mem);
}

/* ---- writing ------------------------------------------------------------ */

static void set(Gt64120 *s, u32 at, u32 v)
{
    for (u32 i = 0; i < countof(windows); i++) {
        if (at == windows[i].low) {
            s->reg[windows[i].remap / 4] = v;
        }
    }
    s->reg[at / 4] = at == INTERRUPT_CAUSE ? s->reg[at / 4] & v : v;
    if (at == GT_PCI0IOLD || at == GT_PCI0IOHD || at == GT_ISD) {
        s->reg[at / 4] &= 0x7fff;
        place(s);
    }
}

static void reg_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Gt64120 *s = opaque;
    PciDevice *d;

    switch (at & ~3ull) {
    case PCI0_CFGDATA:
        d = chosen(s);
        if (d) {
            pci_config_write(d, config_at(s, at), size, (u32)v);
        }
        break;
    case PCI0_IACK:
        break;                          /* read only */
    default:
        set(s, (u32)at & ~3u,
            (u32)deposit(s->reg[at / 4], (int)(8 * (at & 3)), (int)(8 * size),
                         v));
    }
}

void gt64120_set(Device *d, u32 at, u32 v)
{
    set((Gt64120 *)d, at, v);
}

/* ---- the function ------------------------------------------------------- */

void gt64120_attach(Device *d, PciBus *root, MemSpace *mem, MemSpace *io,
                    GtAcknowledge *acknowledge, void *opaque)
{
    Gt64120 *s = (Gt64120 *)d;

    s->root = root;
    s->mem = mem;
    s->io = io;
    s->acknowledge = acknowledge;
    s->opaque = opaque;
    place(s);
}

static u32 no_vector(void *opaque)
{
    (void)opaque;
    return 0;
}

static void reset_registers(Gt64120 *s)
{
    memset(s->reg, 0, sizeof s->reg);
    for (u32 i = 0; i < countof(initial); i++) {
        s->reg[initial[i].at / 4] = initial[i].v;
    }
}

static bool start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x11ab, .device = 0x4620, .revision = 0x10,
        .class = 0x060000, .slot = 0, .fixed = true,
    };
    Gt64120 *s = opaque;

    s->acknowledge = no_vector;
    reset_registers(s);
    return pci_init(&s->pci, &info, err);
}

static void reset(void *opaque)
{
    Gt64120 *s = opaque;

    pci_reset(&s->pci);
    reset_registers(s);
    place(s);
}

static bool loaded(void *opaque)
{
    Gt64120 *s = opaque;
    bool ok = pci_loaded(&s->pci);

    s->reg[GT_ISD / 4] &= 0x7fff;
    s->reg[GT_PCI0IOLD / 4] &= 0x7fff;
    place(s);
    return ok;
}

DEVICE(gt64120) {
    .name  = "gt64120",
    .about = "system controller of MIPS boards",
    .bus   = BUS_PCI,
    .size  = sizeof(Gt64120),
    .props = (const Prop[]) { PCI_PROPS(Gt64120, pci), { 0 } },
    .state = (const Field[]) {
        PCI_FIELDS(Gt64120, pci), SAVE(Gt64120, reg), { 0 }
    },
    .start  = start,
    .reset  = reset,
    .loaded = loaded,
    .stop   = pci_device_stop,
};
