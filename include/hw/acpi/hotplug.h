/* SPDX-License-Identifier: MIT */
/*
 * Hot plug by ACPI: devices that methods of the DSDT ask for what has changed,
 * and those methods.  Reference: QEMU's documentation, docs/specs,
 * acpi_pci_hotplug and acpi_cpu_hotplug.
 */
#pragma once
#include "hw/acpi/aml.h"
#include "hw/pci/pci.h"

/* Ports, and general-purpose events. */
enum { ACPI_PCIHP = 0xae00, ACPI_PCIHP_BYTES = 0x14,
       ACPI_CPUHP_BYTES = 0x0c };
enum { ACPI_GPE_PCI = 1, ACPI_GPE_CPU = 2 };

/* "acpi-pci-hotplug" takes and gives devices of the root bus. */
void acpi_pcihp_attach(Device *d, Device *pm, PciBus *bus);
/* In \_SB.PCI0: slots of `slots`, a bit each, and what looks at them. */
void acpi_pcihp_aml(Aml *a, u32 slots);
/* In \_GPE: the event's method. */
void acpi_pcihp_event(Aml *a);

/* "acpi-cpu-hotplug" raises events of `pm`: CPU n has come, or is to go. */
void acpi_cpuhp_attach(Device *d, Device *pm);
void acpi_cpuhp_plugged(Device *d, u32 n);
void acpi_cpuhp_ask(Device *d, u32 n);
/* In \_SB: n CPUs with these APIC ids, by the registers at the port. */
void acpi_cpuhp_aml(Aml *a, u32 port, u32 n, const u32 *apic_id);
void acpi_cpuhp_event(Aml *a);
