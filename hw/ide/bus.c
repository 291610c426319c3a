/* SPDX-License-Identifier: MIT */
/*
 * The parallel bus, device "ide-bus": two drives behind one command block.
 * Reference: ATA/ATAPI-6 (T13/1410D), chapters 6, 7 and 9.
 *
 * Offsets 0 to 7 of the window are the command block, 8 is the control
 * register.  A place without a drive reads as 0.
 */
#include "hw/ide/drive.h"
#include "hw/ide/ide.h"
#include "softmmu/run.h"
#include "util/keyval.h"

enum { CONTROL = 8, WINDOW = 16 };
enum { CTL_NIEN = 1 << 1, CTL_SRST = 1 << 2, CTL_HOB = 1 << 7 };

typedef struct ParallelBus {
    IdeBus    b;
    Line      irq;
    IdeEngine engine;
    u8        select, control, asserted;
} ParallelBus;

static IdeDrive *selected(ParallelBus *s)
{
    return s->b.drive[s->select];
}

static void update(ParallelBus *s)
{
    line_set(&s->irq, s->asserted && !(s->control & CTL_NIEN));
}

/* ---- what drives say ---------------------------------------------------- */

static void interrupt(IdeBus *b, IdeDrive *d)
{
    ParallelBus *s = (ParallelBus *)b;

    if (d == selected(s)) {
        s->asserted = 1;
        update(s);
    }
}

static void dma_ready(IdeBus *b, IdeDrive *d)
{
    ParallelBus *s = (ParallelBus *)b;

    if (s->engine.ready) {
        s->engine.ready(s->engine.opaque, d);
    }
}

static void dma_done(IdeBus *b, IdeDrive *d, bool ok)
{
    ParallelBus *s = (ParallelBus *)b;

    (void)d;
    if (s->engine.done) {
        s->engine.done(s->engine.opaque, ok);
    }
}

static const IdeHost parallel = {
    .interrupt = interrupt, .dma_ready = dma_ready, .dma_done = dma_done,
};

/* ---- registers ---------------------------------------------------------- */

/* The data port: as many bytes as the access has, in one phase. */
static u64 read_data(IdeDrive *d, unsigned size)
{
    u32 n;
    u64 v;

    if (!(d->status & ST_DRQ) || ide_is_out(d) || d->flow == FLOW_DMA
        || d->pos >= d->end) {
        return 0;
    }
    n = MIN(size, d->end - d->pos);
    v = load_le(d->data + d->pos, n);
    ide_moved(d, n);
    return v;
}

static void write_data(IdeDrive *d, unsigned size, u64 v)
{
    if (d->status & ST_DRQ && ide_is_out(d) && d->pos < d->end) {
        u32 n = MIN(size, d->end - d->pos);
        store_le(d->data + d->pos, n, v);
        ide_moved(d, n);
    }
}

static u64 read_reg(void *opaque, u64 at, unsigned size)
{
    ParallelBus *s = opaque;
    IdeDrive *d = selected(s);

    if (!d) {
        return at == REG_DEVICE ? s->select * DEV_UNIT : 0;
    }
    if (at == REG_DATA) {
        return read_data(d, size);
    }
    if (at == REG_STATUS) {
        s->asserted = 0;
        update(s);
    }
    return at == CONTROL ? d->status
         : at < IDE_REGS ? ide_read(d, (u32)at, s->control & CTL_HOB) : 0;
}

static void write_control(ParallelBus *s, u8 v)
{
    bool released = s->control & ~v & CTL_SRST;

    s->control = v;
    for (u32 i = 0; i < 2; i++) {
        if (s->b.drive[i] && released) {
            ide_reset(s->b.drive[i]);
        }
    }
    if (released) {
        s->select = 0;
        s->asserted = 0;
    }
    update(s);
}

/* Commands for all drives: EXECUTE DEVICE DIAGNOSTIC. */
static void write_command(ParallelBus *s, u8 v)
{
    enum { DIAGNOSTIC = 0x90 };

    s->asserted = 0;
    update(s);
    if (v == DIAGNOSTIC) {
        s->select = 0;
        if (s->b.drive[1]) {
            ide_command(s->b.drive[1], v);
        }
    }
    if (selected(s)) {
        ide_command(selected(s), v);
    }
}

/* Both drives see what is written, but commands and data. */
static void write_reg(void *opaque, u64 at, unsigned size, u64 v)
{
    ParallelBus *s = opaque;

    if (at == REG_DATA) {
        if (selected(s)) {
            write_data(selected(s), size, v);
        }
    } else if (at == CONTROL) {
        write_control(s, (u8)v);
    } else if (at == REG_COMMAND) {
        write_command(s, (u8)v);
    } else if (at < IDE_REGS) {
        if (at == REG_DEVICE) {
            s->select = (v & DEV_UNIT) != 0;
        }
        s->control &= (u8)~CTL_HOB;
        for (u32 i = 0; i < 2; i++) {
            if (s->b.drive[i]) {
                ide_write(s->b.drive[i], (u32)at, (u8)v);
            }
        }
    }
}

static u64 control_read(void *opaque, u64 at, unsigned size)
{
    return read_reg(opaque, at + CONTROL, size);
}

static void control_write(void *opaque, u64 at, unsigned size, u64 v)
{
    write_reg(opaque, at + CONTROL, size, v);
}

void ide_bus_map(Device *bus, MemSpace *io, u64 base, u64 control)
{
    const MemRegion block = {
        .name = bus->id, .base = base, .size = IDE_REGS, .read = read_reg,
        .write = write_reg, .opaque = bus,
    };
    const MemRegion other = {
        .name = bus->id, .base = control, .size = 1, .read = control_read,
        .write = control_write, .opaque = bus,
    };

    bus->base = base;
    mem_add(io, &block);
    mem_add(io, &other);
}

/* ---- for controllers ---------------------------------------------------- */

void ide_bus_set_engine(Device *bus, const IdeEngine *e)
{
    ((ParallelBus *)bus)->engine = *e;
}

IdeDrive *ide_bus_waiting(Device *bus)
{
    IdeDrive *d = selected((ParallelBus *)bus);

    return d && d->flow == FLOW_DMA ? d : NULL;
}

void ide_bus_connect(Device *bus, void (*irq)(void *opaque, int n, bool level),
                     void *opaque, int n)
{
    line_connect(&((ParallelBus *)bus)->irq, irq, opaque, n);
}

static IdeBus *as_bus(Device *d)
{
    return strcmp(d->type->name, "ide-bus") == 0
        || strcmp(d->type->name, "ahci-port") == 0 ? (IdeBus *)d : NULL;
}

/*
 * Buses have the id of their controller, if the user gave it one, or "ide".
 * What boards make is named for its type.
 */
static char *name_bus(const Device *controller, u32 n)
{
    const Machine *m = controller->machine;

    if (!g_str_has_prefix(controller->id, controller->type->name)) {
        return g_strdup_printf("%s.%u", controller->id, n);
    }
    for (u32 i = n = 0; m && i < m->devices->len; i++) {
        Device *d = m->devices->pdata[i];
        n += as_bus(d) && g_str_has_prefix(d->id, "ide.");
    }
    return g_strdup_printf("ide.%u", n);
}

Device *ide_bus_new(Device *controller, const char *type, u32 n, Err *err)
{
    g_autofree char *id = name_bus(controller, n);
    Machine *m = controller->machine;
    Device *d = device_new(type, id, err);

    if (d) {
        d->machine = m;
        d->mem = controller->mem;
        d->parent = controller;
        if (!(m ? machine_adopt(m, d, err) : device_start(d, err))) {
            device_free(d);
            return NULL;
        }
    }
    return d;
}

void ide_bus_drop(Device *controller, Device *bus)
{
    if (!controller->machine) {
        device_free(bus);
    }
}

/* ---- places for drives -------------------------------------------------- */

static bool free_unit(const IdeBus *b, u32 *unit)
{
    for (*unit = 0; *unit < b->units; ++*unit) {
        if (!b->drive[*unit]) {
            return true;
        }
    }
    return false;
}

/* The bus that the properties or the -drive's index= choose, or a free one. */
static IdeBus *choose(Machine *m, IdeDrive *d, const char *index)
{
    u64 left = 0, nth = index && parse_u64(index, &left);
    u32 unit;

    for (u32 i = 0; i < m->devices->len; i++) {
        IdeBus *b = as_bus(m->devices->pdata[i]);
        if (!b) {
            continue;
        }
        if (d->bus_name ? strcmp(d->bus_name, b->dev.id) == 0
                        : nth ? left < b->units : free_unit(b, &unit)) {
            if (!d->bus_name && nth) {
                d->unit_wanted = (u32)left;
            }
            return b;
        }
        left -= nth ? b->units : 0;
    }
    return NULL;
}

bool ide_plug(Machine *m, Device *drive, Err *err)
{
    IdeDrive *d = (IdeDrive *)drive;
    const Block *disk = d->medium.disk;
    const char *index = disk ? block_option(disk, "index") : NULL;
    IdeBus *b = choose(m, d, index);
    u32 unit;

    if (!b) {
        return fail(err, "%s: %s%s", drive->type->name,
                    d->bus_name ? "there is no IDE bus "
                                : "all places on IDE buses are taken; -device "
                                  "ich9-ahci has more",
                    d->bus_name ? d->bus_name : "");
    }
    if (d->unit_wanted == ~0u && free_unit(b, &unit)) {
        d->unit_wanted = unit;
    }
    drive->bus = b;
    drive->parent = &b->dev;
    return true;
}

u32 ide_unit(const Device *drive)
{
    return ((const IdeDrive *)drive)->unit;
}

/* ---- the device --------------------------------------------------------- */

static bool start(void *opaque, Err *err)
{
    ParallelBus *s = opaque;

    (void)err;
    s->b.host = &parallel;
    s->b.units = 2;
    return true;
}

static void reset(void *opaque)
{
    update(opaque);
}

static bool loaded(void *opaque)
{
    ParallelBus *s = opaque;

    if (s->select > 1 || s->asserted > 1) {
        return false;
    }
    update(s);
    return true;
}

static void stop(void *opaque)
{
    ParallelBus *s = opaque;

    for (u32 i = 0; i < 2; i++) {
        if (s->b.drive[i]) {
            s->b.drive[i]->bus = NULL;
        }
    }
}

DEVICE(ide_bus) {
    .name   = "ide-bus",
    .about  = "IDE bus of two drives",
    .size   = sizeof(ParallelBus),
    .window = WINDOW,
    .mmio_read = read_reg, .mmio_write = write_reg,
    .wires  = (const Wire[]) { WIRE("irq", ParallelBus, irq), { 0 } },
    .state  = (const Field[]) {
        SAVE(ParallelBus, select), SAVE(ParallelBus, control),
        SAVE(ParallelBus, asserted), { 0 }
    },
    .start = start, .reset = reset, .loaded = loaded, .stop = stop,
};
