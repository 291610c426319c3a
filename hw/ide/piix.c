/* SPDX-License-Identifier: MIT */
/*
 * IDE controllers: PIIX3's function "piix3-ide" (8086:7010) and PIIX4's
 * "piix4-ide" (8086:7111) with bus-master DMA, and "isa-ide" of the PC AT.
 * References: Intel 82371SB (PIIX3) data sheet (290550), 2.3 and 2.7;
 * Programming Interface for Bus Master IDE Controller 1.0.
 *
 * Timings are registers that hold what is written.  Wires "irq" go to ISA
 * interrupts 14 and 15 (isa-ide: one).
 */
#include "hw/ide/drive.h"
#include "hw/pci/pci.h"
#include "softmmu/machine.h"
#include "util/log.h"

enum { CHANNELS = 2, BM_BAR = 4, BM_BYTES = 16, BM_STEP = 8 };
enum { BM_COMMAND = 0, BM_STATUS = 2, BM_PRD = 4 };
enum { CMD_START = 1 << 0, CMD_TO_MEMORY = 1 << 3 };
enum { STS_ACTIVE = 1 << 0, STS_ERROR = 1 << 1, STS_IRQ = 1 << 2,
       STS_ABLE = 3 << 5 };
enum { PRD_BYTES = 8, PRD_MAX = 8192 };         /* 64 KiB of table */
#define PRD_END (1ull << 63)

typedef struct PiixIde PiixIde;

typedef struct Channel {
    PiixIde *s;
    Device  *bus;
} Channel;

struct PiixIde {
    PciDevice pci;
    Line      irq[CHANNELS];
    Channel   channel[CHANNELS];
    u8        command[CHANNELS], status[CHANNELS];
    u32       prd[CHANNELS];
};

static u32 number_of(const Channel *c)
{
    return (u32)(c - c->s->channel);
}

/* ---- bus-master DMA ----------------------------------------------------- */

/* The table of pieces: address, bytes (0: 64 KiB), the last one marked. */
static bool read_table(PiixIde *s, u32 n, GArray *sg)
{
    u64 at = s->prd[n];

    for (u32 i = 0; i < PRD_MAX; i++, at += PRD_BYTES) {
        u8 raw[PRD_BYTES];
        if (!pci_dma_read(&s->pci, at, raw, sizeof raw)) {
            return false;
        }
        u64 v = load_le(raw, 8), len = v >> 32 & 0xfffe;
        IdeSg piece = { v & 0xfffffffe, len ? len : 0x10000 };
        g_array_append_val(sg, piece);
        if (v & PRD_END) {
            return true;
        }
    }
    return false;
}

/* Starts what drive and engine are both ready for. */
static void run(Channel *c)
{
    PiixIde *s = c->s;
    u32 n = number_of(c);
    IdeDrive *d = ide_bus_waiting(c->bus);

    if (!d || !(s->command[n] & CMD_START)) {
        return;
    }
    g_autoptr(GArray) sg = g_array_new(false, false, sizeof(IdeSg));
    s->status[n] |= STS_ACTIVE;
    if (!read_table(s, n, sg)) {
        log_line(LOG_GUEST, "%s: a PRD table that is not in memory",
                 s->pci.dev.id);
        g_array_set_size(sg, 0);
    }
    ide_dma(d, sg);
}

static void ready(void *opaque, IdeDrive *d)
{
    (void)d;
    run(opaque);
}

static void done(void *opaque, bool ok)
{
    Channel *c = opaque;
    u8 *status = &c->s->status[number_of(c)];

    *status &= (u8)~STS_ACTIVE;
    *status |= ok ? 0 : STS_ERROR;
}

static u64 bm_read(void *opaque, u64 at, unsigned size)
{
    const PiixIde *s = opaque;
    u32 n = (u32)(at / BM_STEP), reg = (u32)at % BM_STEP;

    switch (reg) {
    case BM_COMMAND:
        return s->command[n];
    case BM_STATUS:
        return s->status[n];
    default:
        return reg >= BM_PRD && reg + size <= BM_STEP
            ? s->prd[n] >> 8 * (reg - BM_PRD) & MASK(8 * size)
            : MASK(8 * size);
    }
}

static void write_bm_command(PiixIde *s, u32 n, u8 v)
{
    bool starts = v & ~s->command[n] & CMD_START;

    s->command[n] = v & (CMD_START | CMD_TO_MEMORY);
    if (!(v & CMD_START)) {
        s->status[n] &= (u8)~STS_ACTIVE;
    }
    if (starts) {
        s->status[n] |= STS_ACTIVE;
        run(&s->channel[n]);
    }
}

static void bm_write(void *opaque, u64 at, unsigned size, u64 v)
{
    PiixIde *s = opaque;
    u32 n = (u32)(at / BM_STEP), reg = (u32)at % BM_STEP;

    if (reg == BM_COMMAND) {
        write_bm_command(s, n, (u8)v);
    } else if (reg == BM_STATUS) {
        u8 old = s->status[n];
        s->status[n] = (u8)((v & STS_ABLE) | (old & STS_ACTIVE)
                            | (old & ~v & (STS_ERROR | STS_IRQ)));
    } else if (reg >= BM_PRD && reg + size <= BM_STEP) {
        s->prd[n] = (u32)deposit(s->prd[n], (int)(8 * (reg - BM_PRD)),
                                 (int)(8 * size), v) & ~3u;
    }
}

static void bus_irq(void *opaque, int n, bool level)
{
    PiixIde *s = opaque;

    if (level) {
        s->status[n] |= STS_IRQ;
    }
    line_set(&s->irq[n], level);
}

/* ---- the function ------------------------------------------------------- */

static const struct { u16 base, control; } places[CHANNELS] = {
    { 0x1f0, 0x3f6 }, { 0x170, 0x376 },
};

static bool add_channel(PiixIde *s, u32 n, Err *err)
{
    Channel *c = &s->channel[n];
    const Machine *m = s->pci.dev.machine;
    const IdeEngine engine = { ready, done, c };

    c->s = s;
    c->bus = ide_bus_new(&s->pci.dev, "ide-bus", n, err);
    if (!c->bus) {
        return false;
    }
    ide_bus_set_engine(c->bus, &engine);
    ide_bus_connect(c->bus, bus_irq, s, (int)n);
    if (m && m->io) {
        ide_bus_map(c->bus, m->io, places[n].base, places[n].control);
    }
    return true;
}

static bool start_function(PiixIde *s, const PciInfo *info, Err *err)
{
    enum { TIMING = 0x40, DECODES = 0x8000,
           BACK_TO_BACK = 1 << 7, MEDIUM = 1 << 9 };

    if (!pci_init(&s->pci, info, err)) {
        return false;
    }
    pci_set(&s->pci, PCI_STATUS, 2, BACK_TO_BACK | MEDIUM);
    pci_set(&s->pci, TIMING, 4, DECODES | (u64)DECODES << 16);
    pci_writable(&s->pci, TIMING, 4, ~0u);
    pci_writable(&s->pci, TIMING + 4, 1, 0xff);
    pci_bar(&s->pci, BM_BAR, (PciBar) {
        .size = BM_BYTES, .kind = PCI_BAR_IO, .read = bm_read,
        .write = bm_write, .opaque = s,
    });
    return add_channel(s, 0, err) && add_channel(s, 1, err);
}

static bool piix3_start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x8086, .device = 0x7010, .class = 0x010180,
    };

    return start_function(opaque, &info, err);
}

static bool piix4_start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x8086, .device = 0x7111, .class = 0x010180,
    };

    return start_function(opaque, &info, err);
}

static bool loaded(void *opaque)
{
    PiixIde *s = opaque;

    for (u32 i = 0; i < CHANNELS; i++) {
        s->prd[i] &= ~3u;
        s->command[i] &= CMD_START | CMD_TO_MEMORY;
    }
    return pci_loaded(&s->pci);
}

static void stop(void *opaque)
{
    PiixIde *s = opaque;

    pci_stop(&s->pci);
    for (u32 i = 0; i < CHANNELS; i++) {
        ide_bus_drop(&s->pci.dev, s->channel[i].bus);
    }
}

#define PIIX_IDE(chip, title)                                               \
    DEVICE(chip##_ide) {                                                    \
        .name  = #chip "-ide",                                              \
        .about = "IDE controller of the " title,                            \
        .size  = sizeof(PiixIde),                                           \
        .bus   = BUS_PCI,                                                   \
        .user  = true,                                                      \
        .props = (const Prop[]) { PCI_PROPS(PiixIde, pci), { 0 } },         \
        .wires = (const Wire[]) { WIRES("irq", PiixIde, irq), { 0 } },      \
        .state = (const Field[]) {                                          \
            PCI_FIELDS(PiixIde, pci), SAVE(PiixIde, command),               \
            SAVE(PiixIde, status), SAVE(PiixIde, prd), { 0 }                \
        },                                                                  \
        .start = chip##_start, .reset = pci_device_reset, .loaded = loaded, \
        .stop = stop,                                                       \
    }
PIIX_IDE(piix3, "PIIX3");
PIIX_IDE(piix4, "PIIX4");

/* ---- ISA ---------------------------------------------------------------- */

typedef struct IsaIde {
    Device  dev;
    Line    irq;
    Device *bus;
    u32     base, control;      /* properties */
} IsaIde;

static void isa_irq(void *opaque, int n, bool level)
{
    (void)n;
    line_set(&((IsaIde *)opaque)->irq, level);
}

static bool isa_start(void *opaque, Err *err)
{
    IsaIde *s = opaque;
    const Machine *m = s->dev.machine;

    if (m && !m->io) {
        return fail(err, "isa-ide: this board has no ports");
    }
    s->bus = ide_bus_new(&s->dev, "ide-bus", 0, err);
    if (s->bus) {
        ide_bus_connect(s->bus, isa_irq, s, 0);
    }
    if (s->bus && m) {
        ide_bus_map(s->bus, m->io, s->base, s->control);
    }
    return s->bus != NULL;
}

static void isa_stop(void *opaque)
{
    IsaIde *s = opaque;

    ide_bus_drop(&s->dev, s->bus);
}

DEVICE(isa_ide) {
    .name  = "isa-ide",
    .about = "IDE controller of the PC AT",
    .size  = sizeof(IsaIde),
    .props = (const Prop[]) {
        PROP("iobase", PROP_U32, IsaIde, base, "0x1f0", "first port"),
        PROP("iobase2", PROP_U32, IsaIde, control, "0x3f6", "the control port"),
        { 0 }
    },
    .wires = (const Wire[]) { WIRE("irq", IsaIde, irq), { 0 } },
    .start = isa_start, .stop = isa_stop,
};
