/* SPDX-License-Identifier: MIT */
/*
 * Local APICs, devices "apic", one for each CPU, and the bus between them.
 *
 * The bus carries messages: from one APIC to others, from I/O APICs, and
 * from devices that write memory at FEExxxxxH (MSI).  It has no state of its
 * own.  Everything runs with the machine lock.
 *
 * Inputs of an "apic" (device_input): 0 LINT0, 1 LINT1, 2 thermal sensor,
 * 3 performance counters.  Its wires "intr", "nmi" and "smi" go to the CPU.
 */
#pragma once
#include "hw/core/device.h"
#include "softmmu/cpu.h"

enum { APIC_BASE = 0xfee00000u, APIC_WINDOW = 0x100000 };

typedef struct ApicBus ApicBus;

/*
 * For boards: makes an "apic" for every CPU of m and the bus, attaches them,
 * maps their window into m->mem, and wires pic's output (NULL: there is no
 * PIC) to their LINT0.  NULL with *err.
 */
ApicBus *apics_new(Machine *m, Device *pic, Err *err);

/* The parts of the above. */
ApicBus *apic_bus_new(void);
void     apic_bus_free(ApicBus *b);
/*
 * The next APIC on the bus; the first is the boot CPU's.  c gets it as its
 * interrupt controller, and its lines go to c's inputs 0 (INTR), 1 (NMI) and
 * 2 (SMI).
 */
void     apic_attach(ApicBus *b, Device *apic, Cpu *c);
/* Who answers ExtINT; its "intr" goes to LINT0 of all. */
void     apic_set_pic(ApicBus *b, Device *pic);
/*
 * Maps [FEE00000, FEF00000): the first page is the accessing CPU's APIC,
 * writes elsewhere, or by no CPU, are messages.
 */
void     apic_map(ApicBus *b, MemSpace *mem);
/* Where EOI messages of level-triggered interrupts go. */
void     apic_add_ioapic(ApicBus *b, Device *ioapic);

/* The APIC of a CPU, by the order of attaching. */
Device  *apic_of(ApicBus *b, u32 n);
/*
 * A message in MSI's format (SDM volume 3, "Message Signalled Interrupts").
 * A device's DMA must come here, not through memory, where a CPU's write to
 * FEE00xxxH means its own APIC; fits PciRoot.msi, ioapic_connect(),
 * hpet_connect().
 */
void     apic_msi(void *bus, u64 address, u32 data);
/*
 * Who carries messages while the machine runs; false: we do after all.
 */
void     apic_bus_taken(ApicBus *b, bool (*msi)(void *taker, u64 address,
                                                u32 data), void *taker);
/* The bus of an "apic", or NULL. */
ApicBus *apic_bus_of(const Device *apic);
/*
 * An "apic"'s registers as the SDM places them in its page, and
 * IA32_APIC_BASE; for who does its work.  Taking them stops its timer.
 */
enum { APIC_PAGE_BYTES = 1024 };
u64      apic_get(Device *apic, u8 *page);
void     apic_set(Device *apic, const u8 *page, u64 base);
/* When the deadline timer fires, in virtual nanoseconds; 0: it does not. */
u64      apic_deadline(const Device *apic);
void     apic_set_deadline(Device *apic, u64 when);
/* Drives LINT0 or LINT1 of all; a sink of line_connect(). */
void     apic_lint(void *bus, int n, bool level);
