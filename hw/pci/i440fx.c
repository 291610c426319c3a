/* SPDX-License-Identifier: MIT */
/*
 * The host bridges of the boards: "i440FX" (8086:1237) and Q35's "mch"
 * (8086:29c0).  References: Intel 440FX data sheet (290549), 3.2; Intel 3
 * Series Express Chipset data sheet (316966), 5.1.
 *
 * Left out: memory timing registers, which hold what is written; SMRAM.
 */
#include "hw/pci/host.h"

enum { I440_PAM0 = 0x59, MCH_PAM0 = 0x90, PAM_REGISTERS = 7,
       PCIEXBAR = 0x60, PCIEXBAR_ON = 1 };

typedef struct HostBridge {
    PciDevice pci;
    Pam      *pam;
    PciHost  *host;             /* of mch */
} HostBridge;

static void update_pam(HostBridge *s, u32 pam0)
{
    if (s->pam) {
        pam_set_registers(s->pam, s->pci.config + pam0);
    }
}

/* ---- i440FX ------------------------------------------------------------- */

static void i440fx_wrote(PciDevice *d, u32 at, unsigned size)
{
    if (at < I440_PAM0 + PAM_REGISTERS && at + size > I440_PAM0) {
        update_pam((HostBridge *)d, I440_PAM0);
    }
}

void i440fx_attach(Device *d, Pam *pam)
{
    ((HostBridge *)d)->pam = pam;
}

static bool i440fx_start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x8086, .device = 0x1237, .class = 0x060000, .revision = 2,
        .fixed = true, .wrote = i440fx_wrote,
    };
    HostBridge *s = opaque;

    if (!pci_init(&s->pci, &info, err)) {
        return false;
    }
    for (u32 i = 0; i < PAM_REGISTERS; i++) {
        pci_writable(&s->pci, I440_PAM0 + i, 1, 0x33);
    }
    pci_writable(&s->pci, 0x50, 4, 0xffffffff); /* PMCCFG, DRAMC ... */
    pci_writable(&s->pci, 0x60, 8, ~0ull);      /* DRB */
    pci_writable(&s->pci, 0x72, 1, 0x7f);       /* SMRAM */
    pci_set(&s->pci, 0x72, 1, 0x02);
    return true;
}

static void i440fx_reset(void *opaque)
{
    HostBridge *s = opaque;

    pci_reset(&s->pci);
    update_pam(s, I440_PAM0);
}

static bool i440fx_loaded(void *opaque)
{
    HostBridge *s = opaque;
    bool ok = pci_loaded(&s->pci);

    update_pam(s, I440_PAM0);
    return ok;
}

DEVICE(i440fx) {
    .name  = "i440FX",
    .about = "host bridge of the 440FX chipset",
    .bus   = BUS_PCI,
    .size  = sizeof(HostBridge),
    .props = (const Prop[]) { PCI_PROPS(HostBridge, pci), { 0 } },
    .state = (const Field[]) { PCI_FIELDS(HostBridge, pci), { 0 } },
    .start  = i440fx_start,
    .reset  = i440fx_reset,
    .loaded = i440fx_loaded,
    .stop   = pci_device_stop,
};

/* ---- Q35 ---------------------------------------------------------------- */

/* Bits 2:1 say how many buses there are: 256, 128, 64. */
static void update_ecam(HostBridge *s)
{
    u64 v = pci_get(&s->pci, PCIEXBAR, 8);
    u32 buses = 256u >> MIN(v >> 1 & 3, 2);
    u64 base = v & 0xff0000000ull & ~(((u64)buses << 20) - 1);

    if (s->host && s->pci.dev.mem) {
        pci_host_map_ecam(s->host, s->pci.dev.mem, v & PCIEXBAR_ON ? base : 0,
                          buses);
    }
}

static void mch_wrote(PciDevice *d, u32 at, unsigned size)
{
    HostBridge *s = (HostBridge *)d;

    if (at < MCH_PAM0 + PAM_REGISTERS && at + size > MCH_PAM0) {
        update_pam(s, MCH_PAM0);
    }
    if (at < PCIEXBAR + 8 && at + size > PCIEXBAR) {
        update_ecam(s);
    }
}

void mch_attach(Device *d, Pam *pam, PciHost *h)
{
    HostBridge *s = (HostBridge *)d;

    s->pam = pam;
    s->host = h;
}

static bool mch_start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x8086, .device = 0x29c0, .class = 0x060000,
        .fixed = true, .wrote = mch_wrote,
    };
    HostBridge *s = opaque;

    if (!pci_init(&s->pci, &info, err)) {
        return false;
    }
    for (u32 i = 0; i < PAM_REGISTERS; i++) {
        pci_writable(&s->pci, MCH_PAM0 + i, 1, 0x33);
    }
    pci_writable(&s->pci, PCIEXBAR, 8, 0xffc000007ull);
    pci_writable(&s->pci, 0x9d, 2, 0xff7f);     /* SMRAM, ESMRAMC */
    pci_set(&s->pci, 0x9d, 2, 0x3802);
    return true;
}

static void mch_reset(void *opaque)
{
    HostBridge *s = opaque;

    pci_reset(&s->pci);
    update_pam(s, MCH_PAM0);
    update_ecam(s);
}

static bool mch_loaded(void *opaque)
{
    HostBridge *s = opaque;
    bool ok = pci_loaded(&s->pci);

    update_pam(s, MCH_PAM0);
    update_ecam(s);
    return ok;
}

DEVICE(mch) {
    .name  = "mch",
    .about = "host bridge of the Q35 chipset",
    .bus   = BUS_PCI,
    .size  = sizeof(HostBridge),
    .props = (const Prop[]) { PCI_PROPS(HostBridge, pci), { 0 } },
    .state = (const Field[]) { PCI_FIELDS(HostBridge, pci), { 0 } },
    .start  = mch_start,
    .reset  = mch_reset,
    .loaded = mch_loaded,
    .stop   = pci_device_stop,
};
