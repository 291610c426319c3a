/* SPDX-License-Identifier: MIT */
/*
 * The PC's pair of 8259A interrupt controllers, devices "isa-pic".
 *
 * Inputs 0 to 7 are device_input's; the output is the wire "intr".
 */
#pragma once
#include "hw/core/device.h"
#include "softmmu/cpu.h"

/* Puts the two registers at base, and the ELCR byte at elcr_base unless 0. */
void i8259_map(Device *d, MemSpace *io, u64 base, u64 elcr_base);
/* Wires the slave's output to the master's input 2; once, by the board. */
void i8259_cascade(Device *master, Device *slave);
/*
 * An interrupt acknowledge cycle: the vector of the highest request, of the
 * slave if that is where it comes from; the spurious one (7, 15) if the
 * request has gone.  With the machine lock.
 */
int i8259_ack(Device *master);
/* For CPUs without a local APIC; the state is the master. */
extern const CpuIntc i8259_intc;
