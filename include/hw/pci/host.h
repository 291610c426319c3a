/* SPDX-License-Identifier: MIT */
/*
 * How CPUs reach configuration spaces, and the chipsets of the PC boards.
 * Everything runs with the machine lock.
 */
#pragma once
#include "hw/pci/pci.h"

/* ---- configuration accesses (host.c) ------------------------------------ */

typedef struct PciHost PciHost;

PciHost *pci_host_new(PciBus *root);
/*
 * Ports CF8 (address) and CFC (data): PCI 3.2.2.3.2.  Byte accesses to CF9 go
 * to the first register of `reset`, the reset control; NULL: nowhere.
 */
void pci_host_map_ports(PciHost *h, MemSpace *io, Device *reset);
/* The enhanced mechanism of PCI Express: 1 MiB for each bus; 0: nowhere. */
void pci_host_map_ecam(PciHost *h, MemSpace *mem, u64 base, u32 buses);

/* ---- C0000 to FFFFF (pam.c) --------------------------------------------- */

/* Segments that a chipset shows as RAM or as what is below: 12 of 16 KiB from
 * C0000 on, then F0000 to FFFFF. */
enum { PAM_SEGMENTS = 13 };
enum { PAM_READ = 1, PAM_WRITE = 2 };   /* of RAM */

typedef struct Pam Pam;
/* ram: offset = address.  To be freed with g_free(). */
Pam *pam_new(MemSpace *mem, Ram *ram);
void pam_set(Pam *p, u32 segment, u32 access);
/* The seven PAM registers of Intel's host bridges. */
void pam_set_registers(Pam *p, const u8 reg[7]);

/* ---- RAM for CPUs in SMM (smram.c) -------------------------------------- */

typedef struct Smram Smram;

/* What registers of a host bridge say. */
enum {
    SMRAM_ON     = 1 << 0,      /* G_SMRAME: A0000 to BFFFF, and TSEG */
    SMRAM_OPEN   = 1 << 1,      /* D_OPEN: everybody sees these */
    SMRAM_CLOSED = 1 << 2,      /* D_CLS: CPUs in SMM only run them */
    SMRAM_HIGH   = 1 << 3,      /* H_SMRAME: at FEDA0000, not at A0000 */
    SMRAM_SMBASE = 1 << 4,      /* 30000 to 4FFFF too, for SMM alone */
};

/*
 * smm, smm_code: views of mem for data and code of CPUs in SMM; NULL: there is
 * no SMM.  ram: offset = address, up to `low`.  To be freed with g_free().
 */
Smram *smram_new(MemSpace *mem, MemSpace *smm, MemSpace *smm_code, Ram *ram,
                 u64 low);
/* flags: SMRAM_*; tseg: bytes of it, the last of RAM below 4 GiB. */
void smram_set(Smram *s, u32 flags, u64 tseg);

/* ---- chipsets' functions ------------------------------------------------ */

/* "i440FX" and "mch": gives them their memory; by the board, once. */
void i440fx_attach(Device *d, Pam *pam, Smram *smram);
void mch_attach(Device *d, Pam *pam, Smram *smram, PciHost *h);

/*
 * Interrupt routers, "PIIX3" and "ICH9-LPC": PCI's lines (PciRoot.irq) go to
 * ISA interrupts, as the PIRQ registers say; irq(opaque, isa, line, level).
 */
typedef void RouterIrq(void *opaque, u32 isa, u32 line, bool level);
void piix3_attach(Device *d, RouterIrq *irq, void *opaque);
void piix3_line(Device *d, u32 line, bool level);
void ich9_attach(Device *d, RouterIrq *irq, void *opaque);
void ich9_line(Device *d, u32 line, bool level);

/* "PIIX4_PM", and ICH9's: they place the registers of an "acpi-pm". */
void piix4_pm_attach(Device *d, Device *pm, MemSpace *io, bool smm);
/* Its watchdog, an "ich9-tco", of whose NO_REBOOT GCS tells. */
void ich9_attach_tco(Device *d, Device *tco);
void ich9_attach_pm(Device *d, Device *pm, MemSpace *io);

/* Features of SMIs that firmware can have of the ICH9. */
enum { SMI_BROADCAST = 1 << 0 };        /* port B2 raises them on all CPUs */
/* Offers them in files of fw_cfg; and those it chose. */
void ich9_offer_smi(Device *d, Device *fw_cfg, u64 features);
u64  ich9_smi_features(const Device *d);
