/* SPDX-License-Identifier: MIT */
/*
 * Bridges: devices "pci-bridge" (1b36:0001), "pcie-root-port" (1b36:000c) and
 * "pcie-pci-bridge" (1b36:000e).
 * References: PCI-to-PCI Bridge Architecture Specification 1.2, chapter 3; PCI
 * Express Base Specification 3.0, 7.5.3.
 *
 * Left out: the standard hot-plug controller of bridges to PCI.
 */
#include "hw/pci/pci.h"

typedef struct Bridge {
    PciDevice pci;
    u32       chassis, port, slot;      /* properties */
    bool      hot_plug;                 /* property */
} Bridge;

enum { BRIDGE_CONTROL_BITS = 0x0043, IO_32 = 1, PREFETCH_64 = 1 };

/* Registers of header type 1 that the guest sets. */
static void add_registers(PciDevice *d, bool wide_io)
{
    pci_writable(d, PCI_PRIMARY, 4, 0xffffffff);
    pci_writable(d, PCI_IO_BASE, 2, 0xf0f0);
    pci_writable(d, PCI_MEM_BASE, 4, 0xfff0fff0);
    pci_writable(d, PCI_PREF_BASE, 4, 0xfff0fff0);
    pci_set(d, PCI_PREF_BASE, 4, PREFETCH_64 | PREFETCH_64 << 16);
    pci_writable(d, PCI_PREF_BASE_HIGH, 8, ~0ull);
    if (wide_io) {
        pci_set(d, PCI_IO_BASE, 2, IO_32 | IO_32 << 8);
        pci_writable(d, PCI_IO_BASE_HIGH, 4, 0xffffffff);
    }
    store_le(d->w1c + PCI_SECONDARY_STATUS, 2, 0xf900);
    pci_writable(d, PCI_BRIDGE_CONTROL, 2, BRIDGE_CONTROL_BITS);
}

static bool start_bridge(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x1b36, .device = 0x0001, .class = 0x060400, .pin = 1,
        .bridge = true,
    };
    Bridge *s = opaque;

    if (!pci_init(&s->pci, &info, err)) {
        return false;
    }
    add_registers(&s->pci, true);
    pci_add_msi(&s->pci, 1);
    pci_secondary_new(&s->pci, s->pci.dev.id, false, PCI_SLOTS);
    return true;
}

/* A capability of its own tells the subsystem: PCI-to-PCI Bridge 3.2.5.13. */
static void add_subsystem(PciDevice *d)
{
    u32 at = pci_capability(d, PCI_CAP_SUBSYSTEM, 8);

    pci_set(d, at + 4, 4, d->info->vendor);
}

static bool start_port(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x1b36, .device = 0x000c, .class = 0x060400, .pin = 1,
        .bridge = true, .wrote = pcie_slot_wrote,
    };
    Bridge *s = opaque;

    if (!pci_init(&s->pci, &info, err)) {
        return false;
    }
    if (s->pci.bus && !(pci_on_express(&s->pci) && pci_on_root(&s->pci))) {
        return fail(err, "pcie-root-port sits on the root of PCI Express "
                    "(pcie.0 of -M q35) only");
    }
    add_registers(&s->pci, true);
    add_subsystem(&s->pci);
    pci_add_msix_bar(&s->pci, 1, 0);
    pci_add_express(&s->pci, PCIE_ROOT_PORT, (u8)s->port, true);
    pcie_add_slot(&s->pci, s->slot, s->hot_plug);
    pci_secondary_new(&s->pci, s->pci.dev.id, true, 1);
    return true;
}

/* From PCI Express to PCI: PCI Express to PCI/PCI-X Bridge 1.0, chapter 5. */
static bool start_down(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x1b36, .device = 0x000e, .class = 0x060400, .pin = 1,
        .bridge = true,
    };
    Bridge *s = opaque;

    if (!pci_init(&s->pci, &info, err)) {
        return false;
    }
    if (s->pci.bus && !pci_on_express(&s->pci)) {
        return fail(err, "pcie-pci-bridge sits on PCI Express (pcie.0 of -M "
                    "q35, or a pcie-root-port) only; pci-bridge on PCI");
    }
    add_registers(&s->pci, true);
    pci_add_express(&s->pci, PCIE_TO_PCI, 0, false);
    pci_add_pm(&s->pci);
    pci_add_msi(&s->pci, 1);
    pci_secondary_new(&s->pci, s->pci.dev.id, false, PCI_SLOTS);
    return true;
}

#define COMMON                                                              \
    .size  = sizeof(Bridge),                                                \
    .bus   = BUS_PCI,                                                       \
    .user  = true,                                                          \
    .state = (const Field[]) { PCI_FIELDS(Bridge, pci), { 0 } },            \
    .reset = pci_device_reset, .loaded = pci_device_loaded,                 \
    .stop  = pci_device_stop

DEVICE(pci_bridge) {
    .name  = "pci-bridge",
    .about = "PCI-to-PCI bridge",
    .props = (const Prop[]) {
        PCI_PROPS(Bridge, pci),
        PROP("chassis_nr", PROP_U32, Bridge, chassis, "0", "number of its chassis"),
        { 0 }
    },
    .start = start_bridge,
    COMMON,
};

DEVICE(pcie_root_port) {
    .name  = "pcie-root-port",
    .about = "root port of PCI Express",
    .props = (const Prop[]) {
        PCI_PROPS(Bridge, pci),
        PROP("chassis", PROP_U32, Bridge, chassis, "0", "number of its chassis"),
        PROP("port", PROP_U32, Bridge, port, "0", "its number"),
        PROP("slot", PROP_U32, Bridge, slot, "0", "number of its slot"),
        PROP("hotplug", PROP_BOOL, Bridge, hot_plug, "on", "devices come and go"),
        { 0 }
    },
    .start = start_port,
    COMMON,
};

DEVICE(pcie_pci_bridge) {
    .name  = "pcie-pci-bridge",
    .about = "bridge from PCI Express to PCI",
    .props = (const Prop[]) { PCI_PROPS(Bridge, pci), { 0 } },
    .start = start_down,
    COMMON,
};
