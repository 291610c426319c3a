/* SPDX-License-Identifier: MIT */
/*
 * High-precision event timers, device "hpet".
 *
 * Wires: "irq" 0 to 31, the interrupts as the chipset numbers them (0 and 8
 * in legacy replacement); "legacy", high while it replaces the 8254, for that
 * one's input 0.  Input 0 is the real-time clock's interrupt, which passes to
 * irq 8 unless it is replaced.
 */
#pragma once
#include "hw/core/device.h"

enum { HPET_BASE = 0xfed00000u, HPET_ID = 0x8086a201 };     /* of 3 timers */

/* Where interrupts by message go (needs the property msi=on): apic_msi(). */
void hpet_connect(Device *d, void (*msi)(void *opaque, u64 address, u32 data),
                  void *opaque);
