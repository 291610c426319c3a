/* SPDX-License-Identifier: MIT */
/*
 * The GT-64120 system controller of MIPS boards: a PCI function with the
 * registers that place PCI's ports, make configuration cycles and acknowledge
 * interrupts.  Reference: Galileo GT-64120 data sheet, revision 1.4.
 */
#pragma once
#include "hw/pci/pci.h"

/* acknowledge(opaque): the vector of an interrupt acknowledge cycle. */
typedef u32 GtAcknowledge(void *opaque);

/* Puts its registers and windows into mem; io: PCI's ports.  Once. */
void gt64120_attach(Device *d, PciBus *root, MemSpace *mem, MemSpace *io,
                    GtAcknowledge *acknowledge, void *opaque);
/* A register as its boot loader writes it; `at` is its offset. */
void gt64120_set(Device *d, u32 at, u32 v);

/* Offsets of what boot loaders set: 21 address bits are left out. */
enum {
    GT_PCI0IOLD = 0x048, GT_PCI0IOHD = 0x050, GT_PCI0M0LD = 0x058,
    GT_PCI0M0HD = 0x060, GT_ISD = 0x068, GT_PCI0M1LD = 0x080,
    GT_PCI0M1HD = 0x088,
};
