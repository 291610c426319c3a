/* SPDX-License-Identifier: MIT */
/*
 * The PC's 8254 interval timer, device "isa-pit": channel 0's output is the
 * wire "irq"; input 0, while high, keeps that wire low (an HPET that replaces
 * it).
 */
#pragma once
#include "hw/core/device.h"

/* Drives the gate of a channel (0 to 2); they are high after reset but 2's. */
void i8254_set_gate(Device *d, int channel, bool level);
bool i8254_gate(const Device *d, int channel);
/* The output of a channel now. */
bool i8254_out(Device *d, int channel);
