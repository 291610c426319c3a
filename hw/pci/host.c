/* SPDX-License-Identifier: MIT */
/*
 * Configuration accesses of CPUs.
 * References: PCI Local Bus Specification 3.0, 3.2.2.3.2 "Software Generation
 * of Configuration Transactions"; PCI Express Base Specification 3.0, 7.2.2.
 */
#include <glib.h>
#include "hw/pci/host.h"

struct PciHost {
    PciBus *root;
    Device *reset;              /* reset control, at CF9 */
    u32     address;            /* CONFIG_ADDRESS */
    MemSpace *mem;              /* of the ECAM */
    u32     handle;
    u64     ecam;               /* 0: nowhere */
};

#define CONFIG_ENABLE (1u << 31)
enum { ADDRESS_BITS = 0x00fffffc };

PciHost *pci_host_new(PciBus *root)
{
    PciHost *h = g_new0(PciHost, 1);

    h->root = root;
    return h;
}

static u32 read_config(PciHost *h, u32 bus, u32 devfn, u32 at, unsigned size)
{
    PciDevice *d = pci_find(h->root, bus, devfn);

    return d ? pci_config_read(d, at, size) : (u32)MASK(size * 8);
}

static void write_config(PciHost *h, u32 bus, u32 devfn, u32 at, unsigned size,
                         u32 v)
{
    PciDevice *d = pci_find(h->root, bus, devfn);

    if (d) {
        pci_config_write(d, at, size, v);
    }
}

/* ---- CF8, CFC ----------------------------------------------------------- */

enum { RESET_AT = 1, DATA_AT = 4 };

static u64 port_read(void *opaque, u64 at, unsigned size)
{
    PciHost *h = opaque;
    u32 a = h->address;

    if (at == 0 && size == 4) {
        return a;
    }
    if (at == RESET_AT && size == 1 && h->reset) {
        return device_read(h->reset, 0, 1);
    }
    if (at < DATA_AT || !(a & CONFIG_ENABLE)) {
        return MASK(size * 8);
    }
    return read_config(h, a >> 16 & 0xff, a >> 8 & 0xff,
                       (a & 0xfc) + (u32)(at - DATA_AT), size);
}

static void port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    PciHost *h = opaque;
    u32 a = h->address;

    if (at == 0 && size == 4) {
        h->address = (u32)v & (CONFIG_ENABLE | ADDRESS_BITS);
    } else if (at == RESET_AT && size == 1 && h->reset) {
        device_write(h->reset, 0, 1, v);
    } else if (at >= DATA_AT && a & CONFIG_ENABLE) {
        write_config(h, a >> 16 & 0xff, a >> 8 & 0xff,
                     (a & 0xfc) + (u32)(at - DATA_AT), size, (u32)v);
    }
}

void pci_host_map_ports(PciHost *h, MemSpace *io, Device *reset)
{
    const MemRegion ports = {
        .name = "pci-config", .base = 0xcf8, .size = 8, .read = port_read,
        .write = port_write, .opaque = h,
    };

    h->reset = reset;
    mem_add(io, &ports);
}

/* ---- the memory-mapped mechanism ---------------------------------------- */

static u64 ecam_read(void *opaque, u64 at, unsigned size)
{
    u32 low = (u32)at & (PCIE_CONFIG_BYTES - 1), high;

    if (size < 8) {
        return read_config(opaque, at >> 20 & 0xff, at >> 12 & 0xff, low,
                           size);
    }
    high = read_config(opaque, at >> 20 & 0xff, at >> 12 & 0xff, low + 4, 4);
    return read_config(opaque, at >> 20 & 0xff, at >> 12 & 0xff, low, 4)
        | (u64)high << 32;
}

static void ecam_write(void *opaque, u64 at, unsigned size, u64 v)
{
    u32 low = (u32)at & (PCIE_CONFIG_BYTES - 1), bus = at >> 20 & 0xff;

    write_config(opaque, bus, at >> 12 & 0xff, low, MIN(size, 4), (u32)v);
    if (size == 8) {
        write_config(opaque, bus, at >> 12 & 0xff, low + 4, 4, (u32)(v >> 32));
    }
}

void pci_host_map_ecam(PciHost *h, MemSpace *mem, u64 base, u32 buses)
{
    const MemRegion window = {
        .name = "pcie-ecam", .base = base, .size = (u64)buses << 20,
        .read = ecam_read, .write = ecam_write, .opaque = h,
    };

    if (h->ecam) {
        mem_remove(h->mem, h->handle);
    }
    h->ecam = base;
    h->mem = mem;
    if (base) {
        h->handle = mem_add(mem, &window);
    }
}
