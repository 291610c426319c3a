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
/* The registers of one, for who does its work; the last five: truth values. */
typedef struct I8259Regs {
    u8 level, irr, isr, imr, elcr;      /* level: of the inputs */
    u8 lowest;                          /* input of lowest priority */
    u8 icw1, icw2, icw3, icw4;
    u8 step;                            /* ICW that is next; 0: none */
    u8 read_isr, poll, special_mask, rotate_aeoi;
} I8259Regs;
I8259Regs *i8259_regs(Device *d);       /* to be read and set */
/* For CPUs without a local APIC; the state is the master. */
extern const CpuIntc i8259_intc;
