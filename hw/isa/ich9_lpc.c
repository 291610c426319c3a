/* SPDX-License-Identifier: MIT */
/*
 * ICH9's LPC bridge "ICH9-LPC" (8086:2918): interrupt router, and the place
 * of the power management registers, an "acpi-pm".
 * References: Intel I/O Controller Hub 9 data sheet (316972), 13.1; for the
 * files in fw_cfg's etc/smi, the comments of OVMF's SmmControl2Dxe: firmware
 * writes what it wants of what is offered, and reads whether it has it.
 *
 * Left out: GPIO, decode ranges, the root complex registers but for GCS.
 */
#include "hw/acpi/pm.h"
#include "hw/acpi/tco.h"
#include "hw/misc/fw_cfg.h"
#include "hw/pci/host.h"

enum { PMBASE = 0x40, ACPI_CNTL = 0x44, ACPI_EN = 1 << 7, PIRQA = 0x60,
       PIRQE = 0x68, PIRQS = 8, PIRQ_OFF = 0x80, GEN_PMCON_1 = 0xa0,
       SMI_LOCK = 1 << 4 };
enum { RCBA = 0xf0, RCBA_ON = 1, RCBA_BITS = 0xffffc000, RCRB_BYTES = 0x4000,
       GCS = 0x3410, NO_REBOOT = 1 << 5 };
enum { NOWHERE = 16 };

typedef struct Ich9Lpc {
    PciDevice  pci;
    Device    *pm;
    MemSpace  *io;
    bool       no_s3, no_s4, no_reboot;     /* properties */
    Device    *tco;             /* or NULL */
    u32        gcs;
    u64        rcrb_at;         /* root complex registers; 0: nowhere */
    u32        rcrb_handle;
    RouterIrq *irq;
    void      *opaque;
    bool       level[PIRQS];
    u8         at[PIRQS];       /* ISA interrupt; 16: none */
    /* SMI features, bytes as in the files; locked once the guest has them. */
    u8         smi_offered[8], smi_requested[8], smi_ok;
    u64        smi_features;
} Ich9Lpc;

/* ---- interrupts --------------------------------------------------------- */

static u32 register_of(u32 line)
{
    return line < 4 ? PIRQA + line : PIRQE + line - 4;
}

static void drive(Ich9Lpc *s, u32 line, bool level)
{
    if (s->irq && s->at[line] != NOWHERE) {
        s->irq(s->opaque, s->at[line], line, level);
    }
}

static void route(Ich9Lpc *s)
{
    for (u32 i = 0; i < PIRQS; i++) {
        u8 v = s->pci.config[register_of(i)];
        u8 to = v & PIRQ_OFF ? NOWHERE : v & 15;
        if (to != s->at[i]) {
            drive(s, i, false);
            s->at[i] = to;
            drive(s, i, s->level[i]);
        }
    }
}

void ich9_line(Device *d, u32 line, bool level)
{
    Ich9Lpc *s = (Ich9Lpc *)d;

    s->level[line % PIRQS] = level;
    drive(s, line % PIRQS, level);
}

void ich9_attach(Device *d, RouterIrq *irq, void *opaque)
{
    Ich9Lpc *s = (Ich9Lpc *)d;

    s->irq = irq;
    s->opaque = opaque;
}

void ich9_attach_pm(Device *d, Device *pm, MemSpace *io)
{
    Ich9Lpc *s = (Ich9Lpc *)d;

    s->pm = pm;
    s->io = io;
    acpi_pm_allow(pm, !s->no_s3, !s->no_s4);
}

static void place(Ich9Lpc *s)
{
    u64 base = pci_get(&s->pci, PMBASE, 4) & 0xff80;

    if (s->pm) {
        acpi_pm_map(s->pm, s->io,
                    pci_get(&s->pci, ACPI_CNTL, 1) & ACPI_EN ? base : 0);
    }
}

/* ---- root complex registers: GCS alone ---------------------------------- */

static void tell_tco(Ich9Lpc *s)
{
    if (s->tco) {
        tco_no_reboot(s->tco, s->gcs & NO_REBOOT);
    }
}

void ich9_attach_tco(Device *d, Device *tco)
{
    Ich9Lpc *s = (Ich9Lpc *)d;

    s->tco = tco;
    tell_tco(s);
}

static u64 rcrb_read(void *opaque, u64 at, unsigned size)
{
    const Ich9Lpc *s = opaque;

    return at == GCS && size == 4 ? s->gcs : 0;
}

/* NO_REBOOT is a strap too, which the guest cannot undo. */
static void rcrb_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Ich9Lpc *s = opaque;

    if (at == GCS && size == 4) {
        s->gcs = (u32)v & NO_REBOOT ? NO_REBOOT : s->no_reboot * NO_REBOOT;
        tell_tco(s);
    }
}

static void place_rcrb(Ich9Lpc *s)
{
    MemSpace *mem = s->pci.dev.mem;
    u32 v = (u32)pci_get(&s->pci, RCBA, 4);
    u64 at = v & RCBA_ON ? v & RCBA_BITS : 0;
    const MemRegion r = {
        .name = "rcrb", .base = at, .size = RCRB_BYTES, .priority = 1,
        .read = rcrb_read, .write = rcrb_write, .opaque = s,
    };

    if (!mem || at == s->rcrb_at) {
        return;
    }
    if (s->rcrb_at) {
        mem_remove(mem, s->rcrb_handle);
    }
    s->rcrb_at = at;
    if (at) {
        s->rcrb_handle = mem_add(mem, &r);
    }
}

/* ---- SMIs --------------------------------------------------------------- */

static void negotiate(void *opaque)
{
    Ich9Lpc *s = opaque;
    u64 want = load_le(s->smi_requested, 8);

    if (!s->smi_ok && !(want & ~load_le(s->smi_offered, 8))) {
        s->smi_features = want;
        s->smi_ok = 1;
    }
}

/* What the guest writes after it has its features is void. */
static void show_requested(void *opaque)
{
    Ich9Lpc *s = opaque;

    if (s->smi_ok) {
        store_le(s->smi_requested, 8, s->smi_features);
    }
}

void ich9_offer_smi(Device *d, Device *fw_cfg, u64 features)
{
    Ich9Lpc *s = (Ich9Lpc *)d;
    const FwCfgLive offered = { s->smi_offered, 8, false, NULL, NULL };
    const FwCfgLive requested = { s->smi_requested, 8, true, show_requested,
                                  s };
    const FwCfgLive ok = { &s->smi_ok, 1, false, negotiate, s };

    store_le(s->smi_offered, 8, features);
    fw_cfg_live_file(fw_cfg, "etc/smi/supported-features", &offered);
    fw_cfg_live_file(fw_cfg, "etc/smi/requested-features", &requested);
    fw_cfg_live_file(fw_cfg, "etc/smi/features-ok", &ok);
}

u64 ich9_smi_features(const Device *d)
{
    return ((const Ich9Lpc *)d)->smi_features;
}

/* SMI_LOCK stays until reset. */
static void lock_smi(Ich9Lpc *s)
{
    bool locked = pci_get(&s->pci, GEN_PMCON_1, 1) & SMI_LOCK;

    pci_writable(&s->pci, GEN_PMCON_1, 2, locked ? 0xffff & ~SMI_LOCK : 0xffff);
    if (s->pm) {
        acpi_pm_lock_smi(s->pm, locked);
    }
}

/* ---- the function ------------------------------------------------------- */

static void wrote(PciDevice *d, u32 at, unsigned size)
{
    Ich9Lpc *s = (Ich9Lpc *)d;

    route(s);
    lock_smi(s);
    if (at < ACPI_CNTL + 1 && at + size > PMBASE) {
        place(s);
    }
    place_rcrb(s);
}

static bool start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x8086, .device = 0x2918, .class = 0x060100, .revision = 2,
        .slot = 0x1f, .multifunction = true, .wrote = wrote,
    };
    Ich9Lpc *s = opaque;

    memset(s->at, NOWHERE, sizeof s->at);
    if (!pci_init(&s->pci, &info, err)) {
        return false;
    }
    pci_set(&s->pci, PCI_COMMAND, 2, 7);
    pci_writable(&s->pci, PCI_COMMAND, 2, 1 << 8);
    pci_set(&s->pci, PMBASE, 4, 1);
    pci_writable(&s->pci, PMBASE, 4, 0xff80);
    pci_writable(&s->pci, ACPI_CNTL, 1, 0x87);
    pci_writable(&s->pci, 0x48, 8, ~0ull);      /* GPIO base and control */
    pci_writable(&s->pci, 0x80, 8, ~0ull);      /* decode ranges */
    pci_writable(&s->pci, GEN_PMCON_1, 2, 0xffff);
    pci_writable(&s->pci, RCBA, 4, 0xffffc001);
    for (u32 i = 0; i < PIRQS; i++) {
        pci_set(&s->pci, register_of(i), 1, PIRQ_OFF);
        pci_writable(&s->pci, register_of(i), 1, PIRQ_OFF | 15);
    }
    return true;
}

static void reset(void *opaque)
{
    Ich9Lpc *s = opaque;

    pci_reset(&s->pci);
    route(s);
    place(s);
    place_rcrb(s);
    s->gcs = s->no_reboot * NO_REBOOT;
    tell_tco(s);
    lock_smi(s);
    memset(s->smi_requested, 0, sizeof s->smi_requested);
    s->smi_ok = 0;
    s->smi_features = 0;
}

static bool loaded(void *opaque)
{
    Ich9Lpc *s = opaque;

    pci_writable(&s->pci, GEN_PMCON_1, 2, 0xffff);
    bool ok = pci_loaded(&s->pci);
    route(s);
    place(s);
    place_rcrb(s);
    tell_tco(s);
    lock_smi(s);
    return ok && !(s->gcs & ~NO_REBOOT) && s->smi_ok <= 1
        && !(s->smi_features & ~load_le(s->smi_offered, 8));
}

DEVICE(ich9_lpc) {
    .name  = "ICH9-LPC",
    .about = "LPC bridge of the Q35 chipset",
    .bus   = BUS_PCI,
    .size  = sizeof(Ich9Lpc),
    .props = (const Prop[]) {
        PCI_PROPS(Ich9Lpc, pci),
        PROP("disable_s3", PROP_BOOL, Ich9Lpc, no_s3, "off", "no sleep with RAM on"),
        PROP("disable_s4", PROP_BOOL, Ich9Lpc, no_s4, "off", "no sleep on disk"),
        PROP("noreboot", PROP_BOOL, Ich9Lpc, no_reboot, "off", "the TCO watchdog does nothing"),
        { 0 }
    },
    .state = (const Field[]) {
        PCI_FIELDS(Ich9Lpc, pci), SAVE(Ich9Lpc, smi_requested),
        SAVE(Ich9Lpc, smi_ok), SAVE(Ich9Lpc, smi_features),
        SAVE(Ich9Lpc, gcs), { 0 }
    },
    .start  = start,
    .reset  = reset,
    .loaded = loaded,
    .stop   = pci_device_stop,
};
