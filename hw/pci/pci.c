/* SPDX-License-Identifier: MIT */
/*
 * PCI functions: configuration space, base addresses, capabilities, the pin.
 * References: PCI Local Bus Specification 3.0, chapter 6; PCI Bus Power
 * Management Interface Specification 1.2, 3.2; PCI Express Base Specification
 * 3.0, 7.8 and 7.9.
 *
 * Left out: parity and system errors, expansion of I/O above 64 KiB, PME,
 * function level reset, per-vector masks of MSI.
 */
#include <assert.h>
#include <glib.h>
#include "hw/pci/pci.h"
#include "softmmu/machine.h"

enum { HEADER_END = 0x40, BAR_IO_BITS = 3, BAR_MEM_BITS = 0xf, ROM_ON = 1 };
enum { DEFAULT_SUBSYSTEM_VENDOR = 0x1af4, DEFAULT_SUBSYSTEM = 0x1100 };
/* Below everything else that a board has at an address. */
enum { BAR_PRIORITY = -1 };
#define PORTS_END 0x10000ull
#define MEM32_LAST 0xffffffffull
#define MEM64_END BIT(52)

/* ---- the configuration space -------------------------------------------- */

void pci_set(PciDevice *d, u32 at, unsigned size, u64 v)
{
    store_le(d->config + at, size, v);
    store_le(d->initial + at, size, v);
}

void pci_writable(PciDevice *d, u32 at, unsigned size, u64 mask)
{
    store_le(d->wmask + at, size, mask);
}

static void add_header(PciDevice *d, const PciInfo *info)
{
    bool own = info->subsystem_vendor || info->subsystem;

    pci_set(d, PCI_VENDOR, 2, info->vendor);
    pci_set(d, PCI_DEVICE, 2, info->device);
    pci_set(d, PCI_REVISION, 1, info->revision);
    pci_set(d, PCI_INTERFACE, 3, info->class);
    pci_set(d, PCI_INTERRUPT_PIN, 1, info->pin);
    pci_set(d, PCI_HEADER, 1, (info->bridge ? 1 : 0)
            | (d->multifunction ? PCI_MULTIFUNCTION : 0));
    pci_writable(d, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY
                 | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR
                 | PCI_COMMAND_INTX_OFF);
    pci_writable(d, PCI_CACHE_LINE, 1, 0xff);
    pci_writable(d, PCI_INTERRUPT_LINE, 1, 0xff);
    store_le(d->w1c + PCI_STATUS, 2, 0xf900);
    if (!info->bridge) {
        pci_set(d, PCI_SUBSYSTEM_VENDOR, 2,
                own ? info->subsystem_vendor : DEFAULT_SUBSYSTEM_VENDOR);
        pci_set(d, PCI_SUBSYSTEM, 2,
                own ? info->subsystem : DEFAULT_SUBSYSTEM);
    }
}

bool pci_init(PciDevice *d, const PciInfo *info, Err *err)
{
    d->info = info;
    d->multifunction |= info->multifunction;
    d->cap_end = HEADER_END;
    for (u32 i = 0; i <= PCI_ROM_BAR; i++) {
        d->mapped[i].owner = d;
        d->mapped[i].at = ~0ull;
    }
    add_header(d, info);
    return !d->dev.bus || pci_bus_place(d, err);
}

void pci_reset(PciDevice *d)
{
    if (!d->info) {
        return;
    }
    memcpy(d->config, d->initial, sizeof d->config);
    pci_msix_reset(d);
    d->intx = 0;
    pci_update_intx(d);
    pci_remap(d);
    if (d->secondary) {
        pci_bus_remap(d->secondary);
    }
}

/* Nothing in a stream changes what the guest could not have. */
bool pci_loaded(PciDevice *d)
{
    for (u32 i = 0; i < PCIE_CONFIG_BYTES; i++) {
        u8 guest = d->wmask[i] | d->w1c[i];
        d->config[i] = (d->config[i] & guest) | (d->initial[i] & (u8)~guest);
    }
    if (d->intx > 1) {
        return false;
    }
    pci_update_intx(d);
    pci_remap(d);
    if (d->secondary) {
        pci_bus_remap(d->secondary);
    }
    return true;
}

void pci_stop(PciDevice *d)
{
    if (!d->info) {
        return;
    }
    d->intx = 0;
    pci_update_intx(d);
    pci_bus_remove(d);
    pci_remap(d);
    pci_bus_free(d->secondary);
    d->secondary = NULL;
}

void pci_device_reset(void *d) { pci_reset(d); }
bool pci_device_loaded(void *d) { return pci_loaded(d); }
void pci_device_stop(void *d) { pci_stop(d); }

/* ---- base addresses ----------------------------------------------------- */

static u32 bar_register(const PciDevice *d, u32 n)
{
    return n < PCI_ROM_BAR ? PCI_BAR0 + 4 * n
         : d->info->bridge ? PCI_BRIDGE_ROM : PCI_ROM;
}

void pci_bar(PciDevice *d, u32 n, PciBar bar)
{
    u32 at = bar_register(d, n);
    u64 mask = ~(bar.size - 1);

    assert(is_pow2(bar.size) && n <= PCI_ROM_BAR);
    d->mapped[n].bar = bar;
    pci_set(d, at, 4, n == PCI_ROM_BAR ? 0 : bar.kind);
    pci_writable(d, at, 4, (u32)mask | (n == PCI_ROM_BAR ? ROM_ON : 0));
    if (bar.kind & PCI_BAR_64) {
        pci_set(d, at + 4, 4, 0);
        pci_writable(d, at + 4, 4, mask >> 32);
    }
}

static bool sleeps(const PciDevice *d)
{
    return d->pm_at && pci_get(d, d->pm_at + 4, 1) & 3;
}

/* The last address that a base address register of this kind decodes. */
static u64 highest(u32 kind)
{
    return kind & PCI_BAR_IO ? PORTS_END - 1
         : kind & PCI_BAR_64 ? MEM64_END - 1 : MEM32_LAST - 1;
}

/* Where BAR n is to be; ~0: nowhere. */
static u64 decoded(const PciDevice *d, u32 n)
{
    const PciBar *b = &d->mapped[n].bar;
    bool io = b->kind & PCI_BAR_IO;
    u64 v, base, last, on = pci_get(d, PCI_COMMAND, 2);

    if (!b->size || !d->bus || sleeps(d)
        || !(on & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY))) {
        return ~0ull;
    }
    v = pci_get(d, bar_register(d, n), b->kind & PCI_BAR_64 ? 8 : 4);
    base = v & ~(b->size - 1) & ~(u64)(io ? BAR_IO_BITS : BAR_MEM_BITS);
    last = base + (b->size - 1);
    if ((n == PCI_ROM_BAR && !(v & ROM_ON)) || !base || last < base
        || last > highest(b->kind)
        || !pci_bus_passes(d->bus, b->kind, base, last)) {
        return ~0ull;
    }
    return base;
}

static u64 bar_read(void *opaque, u64 at, unsigned size)
{
    PciMapped *m = opaque;

    if (pci_msix_covers(m, at)) {
        return pci_msix_read(m->owner, at, size);
    }
    return m->bar.read ? m->bar.read(m->bar.opaque, at, size) : 0;
}

static void bar_write(void *opaque, u64 at, unsigned size, u64 v)
{
    PciMapped *m = opaque;

    if (pci_msix_covers(m, at)) {
        pci_msix_write(m->owner, at, size, v);
    } else if (m->bar.write) {
        m->bar.write(m->bar.opaque, at, size, v);
    }
}

static MemRegion region_of(PciDevice *d, u32 n)
{
    PciMapped *m = &d->mapped[n];
    const PciBar *b = &m->bar;
    MemRegion r = {
        .name = d->dev.id, .base = m->at, .size = b->size,
        .priority = BAR_PRIORITY,
    };

    if (b->ram) {
        r.ram = b->ram;
        r.size = MIN(b->size, b->ram->size);
        r.readonly = n == PCI_ROM_BAR;
    } else if ((d->msix_vectors && d->msix_bar == n) || !b->read
               || !b->write) {
        r.read = bar_read;
        r.write = bar_write;
        r.opaque = m;
    } else {
        r.read = b->read;
        r.write = b->write;
        r.opaque = b->opaque;
        r.lockless = b->lockless;
    }
    return r;
}

static void move(PciDevice *d, u32 n, const PciRoot *root, u64 at)
{
    PciMapped *m = &d->mapped[n];
    MemSpace *space = m->bar.kind & PCI_BAR_IO ? root->io : root->mem;

    if (space && m->at != ~0ull) {
        mem_remove(space, m->handle);
    }
    m->at = at;
    if (space && at != ~0ull) {
        MemRegion r = region_of(d, n);
        m->handle = mem_add(space, &r);
    }
}

void pci_remap(PciDevice *d)
{
    const PciRoot *root = d->dev.bus ? pci_root(d->dev.bus) : NULL;

    for (u32 n = 0; root && n <= PCI_ROM_BAR; n++) {
        u64 at = decoded(d, n);
        if (at != d->mapped[n].at) {
            move(d, n, root, at);
        }
    }
}

/* ---- guest accesses ----------------------------------------------------- */

/* Extended space is behind PCI Express only. */
static u32 config_bytes(const PciDevice *d)
{
    return d->bus && !(d->express_at && pci_on_express(d))
        ? PCI_CONFIG_BYTES : PCIE_CONFIG_BYTES;
}

u32 pci_config_read(PciDevice *d, u32 at, unsigned size)
{
    if (at + size > config_bytes(d)) {
        return at < PCIE_CONFIG_BYTES ? 0 : (u32)MASK(8 * size);
    }
    if (d->info->reading) {
        d->info->reading(d, at, size);
    }
    return (u32)pci_get(d, at, size);
}

static bool touches(u32 at, unsigned size, u32 reg, u32 bytes)
{
    return reg && at < reg + bytes && reg < at + size;
}

/* What is mapped follows.  `was` is the bridge control register before. */
static void config_changed(PciDevice *d, u32 at, unsigned size, u16 was)
{
    bool command = touches(at, size, PCI_COMMAND, 2)
                || touches(at, size, d->pm_at ? d->pm_at + 4 : 0, 2);
    bool windows = d->secondary
                && touches(at, size, PCI_IO_BASE, PCI_BRIDGE_ROM - PCI_IO_BASE);

    if (command || touches(at, size, PCI_BAR0, 4 * PCI_BARS)
        || touches(at, size, bar_register(d, PCI_ROM_BAR), 4)) {
        pci_remap(d);
    }
    if (command) {
        pci_update_intx(d);
    }
    if (d->secondary && (command || windows)) {
        pci_bus_remap(d->secondary);
    }
    if (d->secondary
        && pci_get(d, PCI_BRIDGE_CONTROL, 2) & ~was & PCI_BRIDGE_RESET) {
        pci_bus_reset(d->secondary);
    }
    if (touches(at, size, d->msix_at ? d->msix_at + 2 : 0, 2)) {
        pci_msix_changed(d);
    }
}

void pci_config_write(PciDevice *d, u32 at, unsigned size, u32 v)
{
    u16 control = (u16)pci_get(d, PCI_BRIDGE_CONTROL, 2);
    u8 was[4];

    if (at + size > config_bytes(d)) {
        return;
    }
    memcpy(was, d->config + at, size);
    for (u32 i = 0; i < size; i++) {
        u8 b = (u8)(v >> 8 * i), can = d->wmask[at + i];
        u8 *c = &d->config[at + i];
        *c = (*c & (u8)~can & (u8)~(b & d->w1c[at + i])) | (b & can);
    }
    if (memcmp(was, d->config + at, size) != 0) {
        config_changed(d, at, size, control);
    }
    if (d->info->wrote) {
        d->info->wrote(d, at, size);
    }
}

/* ---- capabilities ------------------------------------------------------- */

u32 pci_capability(PciDevice *d, u8 id, u32 bytes)
{
    u32 at = (u32)align_up(d->cap_end, 4);

    assert(at + bytes <= PCI_CONFIG_BYTES);
    d->cap_end = at + bytes;
    pci_set(d, at, 1, id);
    pci_set(d, at + 1, 1, pci_get(d, PCI_CAPABILITIES, 1));
    pci_set(d, PCI_CAPABILITIES, 1, at);
    pci_set(d, PCI_STATUS, 2,
            pci_get(d, PCI_STATUS, 2) | PCI_STATUS_CAPABILITIES);
    return at;
}

u32 pcie_capability(PciDevice *d, u16 id, u8 version, u32 bytes)
{
    u32 at = d->ext_end ? (u32)align_up(d->ext_end, 4) : PCI_CONFIG_BYTES;

    assert(at + bytes <= PCIE_CONFIG_BYTES);
    if (d->ext_last) {
        pci_set(d, d->ext_last, 4,
                pci_get(d, d->ext_last, 4) | (u64)at << 20);
    }
    d->ext_last = at;
    d->ext_end = at + bytes;
    pci_set(d, at, 4, id | (u32)version << 16);
    return at;
}

void pci_add_pm(PciDevice *d)
{
    enum { VERSION_1_2 = 3, NO_SOFT_RESET = 8, STATE = 3 };

    d->pm_at = pci_capability(d, PCI_CAP_PM, 8);
    pci_set(d, d->pm_at + 2, 2, VERSION_1_2);
    pci_set(d, d->pm_at + 4, 2, NO_SOFT_RESET);
    pci_writable(d, d->pm_at + 4, 2, STATE);
}

/* Offsets, and what of them is fixed: PCI Express 7.8. */
enum {
    EXP_CAPS = 0x02, EXP_DEVICE_CAPS = 0x04, EXP_DEVICE_CONTROL = 0x08,
    EXP_DEVICE_STATUS = 0x0a, EXP_LINK_CAPS = 0x0c, EXP_LINK_CONTROL = 0x10,
    EXP_LINK_STATUS = 0x12, EXP_ROOT_CONTROL = 0x1c, EXP_LINK_CAPS2 = 0x2c,
    EXP_LINK_CONTROL2 = 0x30, EXP_BYTES = 0x3c,
    EXP_VERSION = 2, EXP_SLOT = 1 << 8, EXP_ROLE_BASED = 1 << 15,
    EXP_LINK_REPORTS = 1 << 20,
    EXP_SPEED = 1, EXP_WIDTH = 1 << 4,          /* 2.5 GT/s, one lane */
};

void pci_add_express(PciDevice *d, PcieKind kind, u8 port, bool slot)
{
    u32 at = pci_capability(d, PCI_CAP_EXPRESS, EXP_BYTES);
    bool is_port = kind == PCIE_ROOT_PORT || kind == PCIE_DOWNSTREAM;

    kind = kind == PCIE_ENDPOINT && pci_on_root(d) ? PCIE_INTEGRATED : kind;
    d->express_at = at;
    pci_set(d, at + EXP_CAPS, 2,
            EXP_VERSION | (u32)kind << 4 | (slot ? EXP_SLOT : 0));
    pci_set(d, at + EXP_DEVICE_CAPS, 4, EXP_ROLE_BASED);
    pci_set(d, at + EXP_DEVICE_CONTROL, 2, 0x2810);
    pci_writable(d, at + EXP_DEVICE_CONTROL, 2, 0x781f);
    store_le(d->w1c + at + EXP_DEVICE_STATUS, 2, 0x0f);
    if (kind != PCIE_INTEGRATED) {
        pci_set(d, at + EXP_LINK_CAPS, 4, EXP_SPEED | EXP_WIDTH
                | (is_port ? EXP_LINK_REPORTS : 0) | (u32)port << 24);
        pci_writable(d, at + EXP_LINK_CONTROL, 2, 0x00c8);
        pci_set(d, at + EXP_LINK_STATUS, 2, EXP_SPEED | EXP_WIDTH);
        pci_set(d, at + EXP_LINK_CAPS2, 4, EXP_SPEED << 1);
        pci_set(d, at + EXP_LINK_CONTROL2, 2, EXP_SPEED);
    }
    if (kind == PCIE_ROOT_PORT) {
        pci_writable(d, at + EXP_ROOT_CONTROL, 2, 0x1f);
    }
}

/* ---- interrupts and memory ---------------------------------------------- */

void pci_update_intx(PciDevice *d)
{
    bool level = d->intx && pci_get(d, PCI_INTERRUPT_PIN, 1)
              && !(pci_get(d, PCI_COMMAND, 2) & PCI_COMMAND_INTX_OFF);
    u64 status = pci_get(d, PCI_STATUS, 2);

    pci_put(d, PCI_STATUS, 2, d->intx ? status | PCI_STATUS_INTERRUPT
                                      : status & ~(u64)PCI_STATUS_INTERRUPT);
    if (level != d->asserted) {
        d->asserted = level;
        if (d->bus) {
            pci_bus_intx(d, level);
        }
    }
}

void pci_irq(PciDevice *d, bool level)
{
    if (level != d->intx) {
        d->intx = level;
        pci_update_intx(d);
    }
}

void pci_interrupt(PciDevice *d, u32 vector, bool level)
{
    if (pci_msix_on(d) || pci_msi_on(d)) {
        pci_irq(d, false);
        if (level && pci_msix_on(d)) {
            pci_msix(d, vector);
        } else if (level) {
            pci_msi(d, vector);
        }
    } else {
        pci_irq(d, level);
    }
}

bool pci_dma_read(PciDevice *d, u64 pa, void *buf, u64 len)
{
    if (!pci_master(d) || !d->dev.mem) {
        memset(buf, 0, len);
        return false;
    }
    return mem_read(d->dev.mem, pa, buf, len);
}

bool pci_dma_write(PciDevice *d, u64 pa, const void *buf, u64 len)
{
    return pci_master(d) && d->dev.mem
        && mem_write(d->dev.mem, pa, buf, len);
}
