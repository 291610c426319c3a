/* SPDX-License-Identifier: MIT */
/*
 * PIIX: the ISA bridges "PIIX3" (8086:7000) and "PIIX4" (8086:7110) with their
 * interrupt router, and
 * PIIX4's power management function "PIIX4_PM" (8086:7113), which places the
 * registers of an "acpi-pm" and of its own SMBus controller.
 * References: Intel 82371SB (PIIX3) data sheet (290550), 2.2; Intel 82371AB
 * (PIIX4) data sheet (290562), 7.2.
 */
#include "hw/acpi/pm.h"
#include "hw/core/bytewise.h"
#include "hw/i2c/smbus.h"
#include "hw/pci/host.h"

enum { PIRQRC = 0x60, PIRQS = 4, PIRQ_OFF = 0x80 };
enum { PMBASE = 0x40, PMREGMISC = 0x80, PMIOSE = 1, DEVACTB = 0x58,
       DEVACTB_APMC = 1 << 25,
       SMBBA = 0x90, SMBHSTCFG = 0xd2, SMB_HST_EN = 1 };

/* ---- the router --------------------------------------------------------- */

typedef struct Piix3 {
    PciDevice  pci;
    RouterIrq *irq;
    void      *opaque;
    bool       level[PIRQS];    /* of PCI's lines */
    u8         at[PIRQS];       /* ISA interrupt that each drives; 16: none */
} Piix3;

enum { NOWHERE = 16 };

static u32 target_of(const Piix3 *s, u32 line)
{
    u8 v = s->pci.config[PIRQRC + line];

    return v & PIRQ_OFF ? NOWHERE : v & 15;
}

static void drive(Piix3 *s, u32 line, bool level)
{
    if (s->irq && s->at[line] != NOWHERE) {
        s->irq(s->opaque, s->at[line], line, level);
    }
}

static void route(Piix3 *s)
{
    for (u32 i = 0; i < PIRQS; i++) {
        u32 to = target_of(s, i);
        if (to != s->at[i]) {
            drive(s, i, false);
            s->at[i] = (u8)to;
            drive(s, i, s->level[i]);
        }
    }
}

void piix3_line(Device *d, u32 line, bool level)
{
    Piix3 *s = (Piix3 *)d;

    s->level[line % PIRQS] = level;
    drive(s, line % PIRQS, level);
}

void piix3_attach(Device *d, RouterIrq *irq, void *opaque)
{
    Piix3 *s = (Piix3 *)d;

    s->irq = irq;
    s->opaque = opaque;
}

static void piix3_wrote(PciDevice *d, u32 at, unsigned size)
{
    if (at < PIRQRC + PIRQS && at + size > PIRQRC) {
        route((Piix3 *)d);
    }
}

static bool start_bridge(Piix3 *s, const PciInfo *info, Err *err)
{
    /* I/O recovery, X-bus, top of memory, motherboard devices, SMI control. */
    static const struct { u8 at; u16 v; } defaults[] = {
        { PCI_STATUS, 0x0200 }, { 0x4c, 0x004d }, { 0x4e, 0x0003 },
        { 0x68, 0x0200 }, { 0x70, 0x0080 }, { 0x76, 0x0c0c }, { 0x78, 0x0002 },
        { 0xa0, 0x0008 }, { 0xa8, 0x000f },
    };

    memset(s->at, NOWHERE, sizeof s->at);
    if (!pci_init(&s->pci, info, err)) {
        return false;
    }
    for (u32 i = 0; i < countof(defaults); i++) {
        pci_set(&s->pci, defaults[i].at, 2, defaults[i].v);
    }
    pci_set(&s->pci, PCI_COMMAND, 2, 7);        /* always on */
    pci_writable(&s->pci, PCI_COMMAND, 2, 1 << 8);
    pci_writable(&s->pci, 0x4c, 8, ~0ull);      /* ISA and X-bus timing */
    for (u32 i = 0; i < PIRQS; i++) {
        pci_set(&s->pci, PIRQRC + i, 1, PIRQ_OFF);
        pci_writable(&s->pci, PIRQRC + i, 1, PIRQ_OFF | 15);
    }
    return true;
}

static bool piix3_start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x8086, .device = 0x7000, .class = 0x060100, .slot = 1,
        .multifunction = true, .wrote = piix3_wrote,
    };

    return start_bridge(opaque, &info, err);
}

static bool piix4_start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x8086, .device = 0x7110, .class = 0x060100, .slot = 10,
        .multifunction = true, .wrote = piix3_wrote,
    };

    return start_bridge(opaque, &info, err);
}

static void piix3_reset(void *opaque)
{
    Piix3 *s = opaque;

    pci_reset(&s->pci);
    route(s);
}

static bool piix3_loaded(void *opaque)
{
    Piix3 *s = opaque;
    bool ok = pci_loaded(&s->pci);

    route(s);
    return ok;
}

DEVICE(piix3) {
    .name  = "PIIX3",
    .about = "ISA bridge of the 440FX chipset",
    .bus   = BUS_PCI,
    .size  = sizeof(Piix3),
    .props = (const Prop[]) { PCI_PROPS(Piix3, pci), { 0 } },
    .state = (const Field[]) { PCI_FIELDS(Piix3, pci), { 0 } },
    .start  = piix3_start,
    .reset  = piix3_reset,
    .loaded = piix3_loaded,
    .stop   = pci_device_stop,
};

DEVICE(piix4) {
    .name  = "PIIX4",
    .about = "ISA bridge of the Malta board",
    .bus   = BUS_PCI,
    .size  = sizeof(Piix3),
    .props = (const Prop[]) { PCI_PROPS(Piix3, pci), { 0 } },
    .state = (const Field[]) { PCI_FIELDS(Piix3, pci), { 0 } },
    .start  = piix4_start,
    .reset  = piix3_reset,
    .loaded = piix3_loaded,
    .stop   = pci_device_stop,
};

/* ---- power management --------------------------------------------------- */

typedef struct Piix4Pm {
    PciDevice pci;
    Device   *pm;
    MemSpace *io;
    bool      no_s3, no_s4;     /* properties */
    Smbus     smbus;
    u64       smbus_at;         /* 0: nowhere */
    u32       handle;           /* its window there */
} Piix4Pm;

static u64 smb_read(void *opaque, u64 at, unsigned size)
{
    return bytewise_read(opaque, at, size, smbus_read);
}

static void smb_write(void *opaque, u64 at, unsigned size, u64 v)
{
    bytewise_write(opaque, at, size, v, smbus_write);
}

static void place_smbus(Piix4Pm *s)
{
    bool on = pci_get(&s->pci, SMBHSTCFG, 1) & SMB_HST_EN;
    u64 at = on ? pci_get(&s->pci, SMBBA, 4) & 0xfff0 : 0;
    const MemRegion r = {
        .name = "smbus", .base = at, .size = SMBUS_PORTS, .priority = 1,
        .read = smb_read, .write = smb_write, .opaque = &s->smbus,
    };

    if (!s->io || at == s->smbus_at) {
        return;
    }
    if (s->smbus_at) {
        mem_remove(s->io, s->handle);
    }
    s->smbus_at = at;
    if (at) {
        s->handle = mem_add(s->io, &r);
    }
}

static void place(Piix4Pm *s)
{
    const PciDevice *d = &s->pci;
    u64 base = pci_get(d, PMBASE, 4) & 0xffc0;

    if (s->pm) {
        acpi_pm_map(s->pm, s->io,
                    pci_get(d, PMREGMISC, 1) & PMIOSE ? base : 0);
        acpi_pm_apm_smi(s->pm, pci_get(d, DEVACTB, 4) & DEVACTB_APMC);
    }
    place_smbus(s);
}

static void pm_wrote(PciDevice *d, u32 at, unsigned size)
{
    (void)at;
    (void)size;
    place((Piix4Pm *)d);
}

/* Without SMM, firmware finds SMIs set up and leaves them alone. */
void piix4_pm_attach(Device *d, Device *pm, MemSpace *io, bool smm)
{
    Piix4Pm *s = (Piix4Pm *)d;

    pci_set(&s->pci, DEVACTB, 4, smm ? 0 : DEVACTB_APMC);

    s->pm = pm;
    s->io = io;
    acpi_pm_allow(pm, !s->no_s3, !s->no_s4);
}

static bool pm_start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x8086, .device = 0x7113, .class = 0x068000, .revision = 3,
        .pin = 1, .slot = 1, .function = 3, .wrote = pm_wrote,
    };
    Piix4Pm *s = opaque;

    if (!pci_init(&s->pci, &info, err)) {
        return false;
    }
    pci_set(&s->pci, PCI_STATUS, 2, 0x0280);
    pci_set(&s->pci, PCI_INTERRUPT_LINE, 1, 9);
    pci_set(&s->pci, PMBASE, 4, 1);
    pci_writable(&s->pci, PMBASE, 4, 0xffc0);
    pci_writable(&s->pci, DEVACTB, 4, ~0u);
    pci_writable(&s->pci, PMREGMISC, 1, PMIOSE);
    pci_set(&s->pci, SMBBA, 4, 1);
    pci_writable(&s->pci, SMBBA, 4, 0xfff0);
    pci_writable(&s->pci, SMBHSTCFG, 1, 0x0f);
    return true;
}

static void pm_reset(void *opaque)
{
    Piix4Pm *s = opaque;

    pci_reset(&s->pci);
    place(s);
}

static bool pm_loaded(void *opaque)
{
    Piix4Pm *s = opaque;
    bool ok = pci_loaded(&s->pci);

    place(s);
    return ok && smbus_loaded(&s->smbus);
}

DEVICE(piix4_pm) {
    .name  = "PIIX4_PM",
    .about = "power management of the PIIX4",
    .bus   = BUS_PCI,
    .size  = sizeof(Piix4Pm),
    .props = (const Prop[]) {
        PCI_PROPS(Piix4Pm, pci),
        PROP("disable_s3", PROP_BOOL, Piix4Pm, no_s3, "off", "no sleep with RAM on"),
        PROP("disable_s4", PROP_BOOL, Piix4Pm, no_s4, "off", "no sleep on disk"),
        { 0 }
    },
    .state = (const Field[]) {
        PCI_FIELDS(Piix4Pm, pci), SMBUS_FIELDS(Piix4Pm, smbus), { 0 }
    },
    .start  = pm_start,
    .reset  = pm_reset,
    .loaded = pm_loaded,
    .stop   = pci_device_stop,
};
