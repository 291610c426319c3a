/* SPDX-License-Identifier: MIT */
/*
 * NE2000: a DP8390 with 16 KiB of memory, behind 32 ports.
 * References: National DP8390D/NS32490D data sheet (1995); Realtek RTL8029AS
 * data sheet 1.0.
 */
#pragma once
#include "hw/net/nic.h"

enum { NE2K_PORTS = 32, NE2K_RAM_AT = 0x4000, NE2K_RAM = 0x4000,
       NE2K_PROM = 32 };

typedef struct Ne2k {
    Nic     nic;
    Device *dev;
    void  (*irq)(void *dev, bool level);

    u8  cr, isr, imr, rcr, tcr, dcr, rsr, tsr;
    u8  pstart, pstop, bnry, curr, tpsr;        /* pages of 256 bytes */
    u16 tbcr, rsar, rbcr;
    u8  missed;
    u8  par[MAC_BYTES], mar[8];
    u8  ram[NE2K_RAM];
} Ne2k;

#define NE2K_FIELDS(T, m)                                                   \
    SAVE(T, m.cr), SAVE(T, m.isr), SAVE(T, m.imr), SAVE(T, m.rcr),          \
    SAVE(T, m.tcr), SAVE(T, m.dcr), SAVE(T, m.rsr), SAVE(T, m.tsr),         \
    SAVE(T, m.pstart), SAVE(T, m.pstop), SAVE(T, m.bnry),                   \
    SAVE(T, m.curr), SAVE(T, m.tpsr), SAVE(T, m.tbcr), SAVE(T, m.rsar),     \
    SAVE(T, m.rbcr), SAVE(T, m.missed), SAVE(T, m.par), SAVE(T, m.mar),     \
    SAVE(T, m.ram)

bool ne2k_start(Ne2k *s, Device *dev, void (*irq)(void *dev, bool level),
                Err *err);
void ne2k_reset(Ne2k *s);
void ne2k_loaded(Ne2k *s);
/* The ports; hooks for a window. */
u64  ne2k_read(Ne2k *s, u64 at, unsigned size);
void ne2k_write(Ne2k *s, u64 at, unsigned size, u64 v);
