/* SPDX-License-Identifier: MIT */
/*
 * Floppy disks: the controller "isa-fdc" (wire "irq") and drives "floppy",
 * which find their controller themselves; see hw/block/floppy.c.
 */
#pragma once
#include "hw/core/device.h"

/* Puts it at base (0x3f0; not the disk's port at 6) and on DMA channel 2. */
void fdc_map(Device *fdc, MemSpace *io, u64 base, Device *dma);
/* What CMOS byte 0x10 says of the drives: A in the high half, 0 is none. */
u8   fdc_cmos_type(const Device *fdc);
/* How many drives there are, for the equipment byte. */
u32  fdc_drives(const Device *fdc);
