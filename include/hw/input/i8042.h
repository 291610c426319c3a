/* SPDX-License-Identifier: MIT */
/*
 * The PC's keyboard controller with keyboard and mouse, device "i8042".
 *
 * Wires: "irq" 0 (keyboard) and 1 (mouse), "a20", "reset" (pulses).
 */
#pragma once
#include "hw/core/device.h"

/* Puts data at `base` (0x60) and command/status at base + 4. */
void i8042_map(Device *d, MemSpace *io, u64 base);
