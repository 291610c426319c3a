/* SPDX-License-Identifier: MIT */
/*
 * ICH9's SMBus function "ICH9-SMB" (8086:2930).
 * Reference: Intel ICH9 data sheet (316972), 19.1.
 */
#include "hw/core/bytewise.h"
#include "hw/i2c/smbus.h"
#include "hw/pci/pci.h"

enum { SMB_BASE = 4, SMB_BYTES = 64, HOSTC = 0x40, HST_EN = 1 << 0,
       HOSTC_BITS = 0x0f };

typedef struct Ich9Smb {
    PciDevice pci;
    Smbus     smbus;
} Ich9Smb;

static bool enabled(const Ich9Smb *s)
{
    return pci_get(&s->pci, HOSTC, 1) & HST_EN;
}

static u64 ports_read(void *opaque, u64 at, unsigned size)
{
    Ich9Smb *s = opaque;

    return enabled(s) ? bytewise_read(&s->smbus, at, size, smbus_read)
                      : MASK(size * 8);
}

static void ports_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Ich9Smb *s = opaque;

    if (enabled(s)) {
        bytewise_write(&s->smbus, at, size, v, smbus_write);
        pci_irq(&s->pci, smbus_due(&s->smbus));
    }
}

static bool start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x8086, .device = 0x2930, .class = 0x0c0500, .revision = 2,
        .pin = 1, .slot = 0x1f, .function = 3,
    };
    Ich9Smb *s = opaque;

    s->smbus.ich9 = true;
    if (!pci_init(&s->pci, &info, err)) {
        return false;
    }
    pci_writable(&s->pci, HOSTC, 1, HOSTC_BITS);
    pci_bar(&s->pci, SMB_BASE, (PciBar) {
        .size = SMB_BYTES, .kind = PCI_BAR_IO, .read = ports_read,
        .write = ports_write, .opaque = s,
    });
    return true;
}

static bool loaded(void *opaque)
{
    Ich9Smb *s = opaque;

    if (!pci_loaded(&s->pci) || !smbus_loaded(&s->smbus)) {
        return false;
    }
    pci_irq(&s->pci, smbus_due(&s->smbus));
    return true;
}

DEVICE(ich9_smb) {
    .name  = "ICH9-SMB",
    .about = "SMBus of the Q35 chipset, with EEPROMs",
    .bus   = BUS_PCI,
    .size  = sizeof(Ich9Smb),
    .props = (const Prop[]) { PCI_PROPS(Ich9Smb, pci), { 0 } },
    .state = (const Field[]) {
        PCI_FIELDS(Ich9Smb, pci), SMBUS_FIELDS(Ich9Smb, smbus), { 0 }
    },
    .start  = start,
    .reset  = pci_device_reset,
    .loaded = loaded,
    .stop   = pci_device_stop,
};
