/* SPDX-License-Identifier: MIT */
/*
 * The host bridges of the boards: "i440FX" (8086:1237) and Q35's "mch"
 * (8086:29c0).  References: Intel 440FX data sheet (290549), 3.2; Intel 3
 * Series Express Chipset data sheet (316966), 5.1.
 *
 * TSEG is at the end of RAM below 4 GiB.  Two things are of QEMU's Q35 and its
 * firmware knows them: TSEG_SZ 3 is a TSEG of as many MiB as register 50H says
 * (property extended-tseg-mbytes), and register 9CH makes SMRAM of the default
 * SMBASE: FFH asks for it, 1 is the answer, 2 does it until reset.
 *
 * Left out: memory timing registers, which hold what is written; E_SMERR.
 */
#include "hw/pci/host.h"

enum { I440_PAM0 = 0x59, MCH_PAM0 = 0x90, PAM_REGISTERS = 7,
       I440_SMRAM = 0x72, MCH_SMRAM = 0x9d, ESMRAMC = 0x9e,
       EXT_TSEG = 0x50, SMBASE = 0x9c, BGSM = 0xa4, TSEGMB = 0xac,
       TOLUD = 0xb0, PCIEXBAR = 0x60, PCIEXBAR_ON = 1 };
enum {                                  /* SMRAM */
    C_BASE_SEG = 2, G_SMRAME = 1 << 3, D_LCK = 1 << 4, D_CLS = 1 << 5,
    D_OPEN = 1 << 6, SMRAM_BITS = G_SMRAME | D_LCK | D_CLS | D_OPEN,
};
enum {                                  /* ESMRAMC */
    T_EN = 1 << 0, TSEG_SZ = 3 << 1, SM_CACHED = 0x38, H_SMRAME = 1 << 7,
    ESMRAMC_BITS = T_EN | TSEG_SZ | H_SMRAME,
};
enum { SMBASE_OPEN = 1, SMBASE_LOCKED = 2, SMBASE_ASKED = 0xff };
enum { EXT_TSEG_MAX = 0xfff };          /* MiB */

typedef struct HostBridge {
    PciDevice pci;
    Pam      *pam;
    Smram    *smram;
    bool      mch;
    u8        smbase;           /* of mch: register 9CH */
    u32       ext_tseg;         /* property of mch: MiB, 0: none */
    PciHost  *host;             /* of mch */
} HostBridge;

/* ---- what both have ----------------------------------------------------- */

static void update_pam(HostBridge *s, u32 pam0)
{
    if (s->pam) {
        pam_set_registers(s->pam, s->pci.config + pam0);
    }
}

static u32 smram_at(const HostBridge *s)
{
    return s->mch ? MCH_SMRAM : I440_SMRAM;
}

/* D_LCK: SMRAM stays as it is until reset, but for D_CLS. */
static void lock_smram(HostBridge *s, bool locked)
{
    u32 base = locked ? 0 : 0xfff00000;

    pci_writable(&s->pci, smram_at(s), 1, locked ? D_CLS : SMRAM_BITS);
    if (s->mch) {
        pci_writable(&s->pci, ESMRAMC, 1, locked ? 0 : ESMRAMC_BITS);
        pci_writable(&s->pci, BGSM, 4, base);
        pci_writable(&s->pci, TSEGMB, 4, base);
        pci_writable(&s->pci, TOLUD, 2, base >> 16);
    }
}

static u64 tseg_bytes(const HostBridge *s)
{
    const u32 mib[] = { 1, 2, 8, s->ext_tseg };
    u8 v = s->pci.config[ESMRAMC];

    return s->mch && v & T_EN ? (u64)mib[(v & TSEG_SZ) >> 1] << 20 : 0;
}

static void update_smram(HostBridge *s)
{
    u8 *v = &s->pci.config[smram_at(s)];
    u32 flags = *v & G_SMRAME ? SMRAM_ON : 0;

    *v &= *v & D_LCK ? (u8)~D_OPEN : 0xff;
    lock_smram(s, *v & D_LCK);
    flags |= *v & D_OPEN ? SMRAM_OPEN : 0;
    flags |= *v & D_CLS ? SMRAM_CLOSED : 0;
    if (s->mch) {
        flags |= s->pci.config[ESMRAMC] & H_SMRAME ? SMRAM_HIGH : 0;
        flags |= s->smbase == SMBASE_LOCKED ? SMRAM_SMBASE : 0;
    }
    if (s->smram) {
        smram_set(s->smram, flags, tseg_bytes(s));
    }
}

static void attach(Device *d, Pam *pam, Smram *smram)
{
    HostBridge *s = (HostBridge *)d;

    s->pam = pam;
    s->smram = smram;
}

/* ---- i440FX ------------------------------------------------------------- */

static void i440fx_wrote(PciDevice *d, u32 at, unsigned size)
{
    if (at < I440_PAM0 + PAM_REGISTERS && at + size > I440_PAM0) {
        update_pam((HostBridge *)d, I440_PAM0);
    }
    update_smram((HostBridge *)d);
}

void i440fx_attach(Device *d, Pam *pam, Smram *smram)
{
    attach(d, pam, smram);
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
    pci_set(&s->pci, I440_SMRAM, 1, C_BASE_SEG);
    lock_smram(s, false);
    return true;
}

static void i440fx_reset(void *opaque)
{
    HostBridge *s = opaque;

    pci_reset(&s->pci);
    update_pam(s, I440_PAM0);
    update_smram(s);
}

static bool i440fx_loaded(void *opaque)
{
    HostBridge *s = opaque;

    lock_smram(s, false);
    bool ok = pci_loaded(&s->pci);
    update_pam(s, I440_PAM0);
    update_smram(s);
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

static void write_smbase(HostBridge *s)
{
    u8 *v = &s->pci.config[SMBASE];

    if (s->smbase != SMBASE_LOCKED) {
        s->smbase = *v == SMBASE_ASKED || *v == SMBASE_OPEN ? SMBASE_OPEN
            : *v == SMBASE_LOCKED && s->smbase ? SMBASE_LOCKED : 0;
    }
    *v = s->smbase;
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
    if (at <= SMBASE && at + size > SMBASE) {
        write_smbase(s);
    }
    update_smram(s);
}

void mch_attach(Device *d, Pam *pam, Smram *smram, PciHost *h)
{
    attach(d, pam, smram);
    ((HostBridge *)d)->host = h;
}

static bool mch_start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x8086, .device = 0x29c0, .class = 0x060000,
        .fixed = true, .wrote = mch_wrote,
    };
    HostBridge *s = opaque;

    if (s->ext_tseg > EXT_TSEG_MAX) {
        return fail(err, "extended-tseg-mbytes is 0 to %d, not %u",
                    EXT_TSEG_MAX, s->ext_tseg);
    }
    if (!pci_init(&s->pci, &info, err)) {
        return false;
    }
    s->mch = true;
    for (u32 i = 0; i < PAM_REGISTERS; i++) {
        pci_writable(&s->pci, MCH_PAM0 + i, 1, 0x33);
    }
    pci_writable(&s->pci, PCIEXBAR, 8, 0xffc000007ull);
    pci_set(&s->pci, EXT_TSEG, 2, s->ext_tseg);
    pci_writable(&s->pci, SMBASE, 1, 0xff);
    pci_set(&s->pci, MCH_SMRAM, 1, C_BASE_SEG);
    pci_set(&s->pci, ESMRAMC, 1, SM_CACHED);
    lock_smram(s, false);
    return true;
}

static void mch_reset(void *opaque)
{
    HostBridge *s = opaque;

    pci_reset(&s->pci);
    s->smbase = 0;
    update_pam(s, MCH_PAM0);
    update_ecam(s);
    update_smram(s);
}

static bool mch_loaded(void *opaque)
{
    HostBridge *s = opaque;

    lock_smram(s, false);
    bool ok = pci_loaded(&s->pci);
    s->smbase = (u8)MIN(s->pci.config[SMBASE], SMBASE_LOCKED);
    update_pam(s, MCH_PAM0);
    update_ecam(s);
    update_smram(s);
    return ok;
}

DEVICE(mch) {
    .name  = "mch",
    .about = "host bridge of the Q35 chipset",
    .bus   = BUS_PCI,
    .size  = sizeof(HostBridge),
    .props = (const Prop[]) {
        PCI_PROPS(HostBridge, pci),
        PROP("extended-tseg-mbytes", PROP_U32, HostBridge, ext_tseg, "16",
             "size of TSEG for TSEG_SZ 3, MiB"),
        { 0 }
    },
    .state = (const Field[]) { PCI_FIELDS(HostBridge, pci), { 0 } },
    .start  = mch_start,
    .reset  = mch_reset,
    .loaded = mch_loaded,
    .stop   = pci_device_stop,
};
