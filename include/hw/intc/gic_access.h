/* SPDX-License-Identifier: MIT */
/*
 * A GIC as registers that some CPU reads and writes, for who keeps them
 * elsewhere while the machine runs.
 */
#pragma once
#include "hw/core/device.h"
#include "softmmu/cpu.h"

typedef enum GicFrame {
    GIC_DISTRIBUTOR,
    GIC_CPU_INTERFACE,          /* GICv2: at an offset; GICv3: by a system
                                   register's encoding, bits 20:5 of MRS */
    GIC_REDISTRIBUTOR,          /* GICv3 alone */
} GicFrame;

/*
 * Reads or writes 32 bits (64 of a system register) as that CPU does.  Words
 * of an SPI's 64-bit register are accessed one by one.
 */
u64  gic_get(Device *gic, u32 cpu, GicFrame frame, u32 at);
void gic_put(Device *gic, u32 cpu, GicFrame frame, u32 at, u64 v);
/* Which version it is: 2 or 3. */
u32  gic_version(const Device *gic);
/* Inputs of the levels that are up, of word w of the SPIs and PPIs. */
u32  gic_levels(const Device *gic, u32 cpu, u32 w);
/* Notes an input's level without acting upon it. */
void gic_note(Device *gic, int line, bool level);
/* GICv3's registers among those of its CPU. */
void gicv3_connect(Device *gic, Cpu *c);
