/* SPDX-License-Identifier: MIT */
/* The PC's real-time clock and CMOS memory, device "mc146818rtc". */
#pragma once
#include "hw/core/device.h"

/* CMOS byte `index` (0 to 127), past the guest; for boards and firmware. */
void mc146818_set(Device *d, u32 index, u8 value);
u8   mc146818_get(Device *d, u32 index);
/* Bit 7 of port 0x70: the guest does not want NMIs. */
bool mc146818_nmi_masked(const Device *d);
