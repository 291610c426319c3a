/* SPDX-License-Identifier: MIT */
/*
 * PCI hot plug by ACPI, device "acpi-pci-hotplug": what the methods of the
 * DSDT (pcihp_aml.c) ask for which slots have changed, and let go of them.
 * Reference: QEMU's documentation, docs/specs/acpi_pci_hotplug.txt.
 *
 * One bus is there, selector 0.
 */
#include "hw/acpi/hotplug.h"
#include "hw/acpi/pm.h"
#include "hw/pci/pci.h"

typedef struct PciHp {
    Device  dev;
    Device *pm;
    PciBus *bus;                /* NULL in tests */
    u32     up, down;           /* a bit for each slot */
    u32     selector;
} PciHp;

/* Both are told once. */
static u64 read_up(void *opaque, u32 i)
{
    PciHp *s = opaque;
    u32 v = s->selector ? 0 : s->up;

    (void)i;
    s->up &= ~v;
    return v;
}

static u64 read_down(void *opaque, u32 i)
{
    PciHp *s = opaque;
    u32 v = s->selector ? 0 : s->down;

    (void)i;
    s->down &= ~v;
    return v;
}

/* Reading tells of features: there are none. */
static u64 read_features(void *opaque, u32 i)
{
    (void)opaque;
    (void)i;
    return 0;
}

static void eject(void *opaque, u32 i, u64 v)
{
    PciHp *s = opaque;

    (void)i;
    for (u32 slot = 0; slot < PCI_SLOTS && s->bus && !s->selector; slot++) {
        if (v >> slot & 1 && pci_bus_removable(s->bus, slot)) {
            pci_bus_eject(s->bus, slot);
        }
    }
}

static u64 removable(void *opaque, u32 i)
{
    const PciHp *s = opaque;
    u32 v = 0;

    (void)i;
    for (u32 slot = 0; slot < PCI_SLOTS && s->bus && !s->selector; slot++) {
        v |= (u32)pci_bus_removable(s->bus, slot) << slot;
    }
    return v;
}

static const Reg regs[] = {
    FN(0x00, "PCIU", .read = read_up),
    FN(0x04, "PCID", .read = read_down),
    FN(0x08, "B0EJ", .read = read_features, .write = eject),
    FN(0x0c, "RMV", .read = removable),
    RW(0x10, "BNUM", PciHp, selector, ~0u),
    { 0 }
};

static void plugged(void *opaque, u32 slot)
{
    PciHp *s = opaque;

    s->up |= 1u << slot;
    acpi_pm_gpe(s->pm, ACPI_GPE_PCI);
}

static void ask(void *opaque, u32 slot)
{
    PciHp *s = opaque;

    s->down |= 1u << slot;
    acpi_pm_gpe(s->pm, ACPI_GPE_PCI);
}

void acpi_pcihp_attach(Device *d, Device *pm, PciBus *bus)
{
    PciHp *s = (PciHp *)d;
    const PciHotPlug h = { plugged, ask, s };

    s->pm = pm;
    s->bus = bus;
    pci_hot_plug(bus, &h);
}

DEVICE(acpi_pcihp) {
    .name   = "acpi-pci-hotplug",
    .about  = "PCI slots whose devices come and go",
    .size   = sizeof(PciHp),
    .window = ACPI_PCIHP_BYTES,
    .regs   = regs,
    .state  = (const Field[]) { SAVE(PciHp, up), SAVE(PciHp, down), { 0 } },
};
