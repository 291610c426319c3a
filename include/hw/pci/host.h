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
/* ram: offset = address. */
Pam *pam_new(MemSpace *mem, Ram *ram);
void pam_set(Pam *p, u32 segment, u32 access);
/* The seven PAM registers of Intel's host bridges. */
void pam_set_registers(Pam *p, const u8 reg[7]);

/* ---- chipsets' functions ------------------------------------------------ */

/* "i440FX" and "mch": gives them their PAM; by the board, once. */
void i440fx_attach(Device *d, Pam *pam);
void mch_attach(Device *d, Pam *pam, PciHost *h);

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
void piix4_pm_attach(Device *d, Device *pm, MemSpace *io);
void ich9_attach_pm(Device *d, Device *pm, MemSpace *io);
