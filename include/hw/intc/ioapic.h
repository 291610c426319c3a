/* SPDX-License-Identifier: MIT */
/*
 * I/O APICs, devices "ioapic": inputs 0 to 23 (device_input) become messages.
 *
 * An input says whether its interrupt is asserted; which voltage that is, the
 * polarity bit of a redirection entry, has no meaning here.
 */
#pragma once
#include "hw/core/device.h"

enum { IOAPIC_BASE = 0xfec00000u, IOAPIC_PINS = 24 };

/* Where messages go, in MSI's format: apic_msi(). */
void ioapic_connect(Device *d, void (*msi)(void *opaque, u64 address, u32 data),
                    void *opaque);
/* Its registers, for who does its work. */
typedef struct IoApicRegs {
    u32 inputs;                 /* levels, a bit each */
    u32 select, id;
    u64 table[IOAPIC_PINS];
} IoApicRegs;
void ioapic_get(const Device *d, IoApicRegs *r);
void ioapic_set(Device *d, const IoApicRegs *r);
/* A CPU has served this vector: its level-triggered inputs may ask again. */
void ioapic_eoi(Device *d, u8 vector);
