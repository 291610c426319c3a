/* SPDX-License-Identifier: MIT */
/* The PC's port 0x61 (system control port B), device "isa-pcspk". */
#pragma once
#include "hw/core/device.h"

/* Gives it the "isa-pit" whose channel 2 it gates; once, by the board. */
void pcspk_attach(Device *d, Device *pit);
