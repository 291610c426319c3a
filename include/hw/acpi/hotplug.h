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
       ACPI_CPUHP_PIIX4 = 0xaf00, ACPI_CPUHP_ICH9 = 0x0cd8,
       ACPI_CPUHP_BYTES = 0x0c };
enum { ACPI_GPE_PCI = 1, ACPI_GPE_CPU = 2 };

/* "acpi-pci-hotplug" takes and gives devices of the root bus. */
void acpi_pcihp_attach(Device *d, Device *pm, PciBus *bus);
/* In \_SB.PCI0: slots of `slots`, a bit each, and what looks at them. */
void acpi_pcihp_aml(Aml *a, u32 slots);
/* In \_GPE: the event's method. */
void acpi_pcihp_event(Aml *a);
