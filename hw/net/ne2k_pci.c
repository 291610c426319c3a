/* SPDX-License-Identifier: MIT */
/*
 * NE2000 for PCI, Realtek RTL8029AS: "ne2k_pci", 10ec:8029.
 * Reference: that of ne2k.h.
 */
#include "hw/net/ne2k.h"
#include "hw/pci/pci.h"

typedef struct Ne2kPci {
    PciDevice pci;
    Ne2k      ne;
} Ne2kPci;

static u64 ports_read(void *opaque, u64 at, unsigned size)
{
    Ne2kPci *s = opaque;

    return ne2k_read(&s->ne, at, size);
}

static void ports_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Ne2kPci *s = opaque;

    ne2k_write(&s->ne, at, size, v);
}

static void irq(void *dev, bool level)
{
    pci_irq(dev, level);
}

static bool start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x10ec, .device = 0x8029, .class = 0x020000, .pin = 1,
    };
    Ne2kPci *s = opaque;

    if (!pci_init(&s->pci, &info, err)) {
        return false;
    }
    pci_bar(&s->pci, 0, (PciBar) { .size = NE2K_PORTS, .kind = PCI_BAR_IO,
                                   .read = ports_read, .write = ports_write,
                                   .opaque = s });
    return ne2k_start(&s->ne, &s->pci.dev, irq, err);
}

static void reset(void *opaque)
{
    Ne2kPci *s = opaque;

    pci_reset(&s->pci);
    ne2k_reset(&s->ne);
}

static bool loaded(void *opaque)
{
    Ne2kPci *s = opaque;

    if (!pci_loaded(&s->pci)) {
        return false;
    }
    ne2k_loaded(&s->ne);
    return true;
}

static void stop(void *opaque)
{
    Ne2kPci *s = opaque;

    nic_stop(&s->ne.nic);
    pci_stop(&s->pci);
}

DEVICE(ne2k_pci) {
    .name   = "ne2k_pci",
    .about  = "Ethernet card NE2000 for PCI (Realtek RTL8029)",
    .size   = sizeof(Ne2kPci),
    .window = NE2K_PORTS,
    .bus    = BUS_PCI,
    .user   = true,
    .mmio_read = ports_read, .mmio_write = ports_write,
    .props  = (const Prop[]) {
        PCI_PROPS(Ne2kPci, pci), NIC_PROPS(Ne2kPci, ne.nic), { 0 }
    },
    .state  = (const Field[]) {
        PCI_FIELDS(Ne2kPci, pci), NE2K_FIELDS(Ne2kPci, ne), { 0 }
    },
    .start = start, .reset = reset, .loaded = loaded, .stop = stop,
};
