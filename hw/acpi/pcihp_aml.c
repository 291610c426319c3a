/* SPDX-License-Identifier: MIT */
/*
 * The DSDT's side of "acpi-pci-hotplug".
 * Reference: ACPI Specification 6.4, 5.6.4 and 6.3.
 */
#include <stdio.h>
#include "hw/acpi/hotplug.h"

enum { CHECK = 1, EJECT = 3 };          /* notifications: 5.6.6 */

static void slot_name(char name[8], u32 slot)
{
    snprintf(name, 8, "S%03X", slot << 3 & 0xfff);
}

static void add_slot(Aml *a, u32 slot)
{
    char name[8];

    slot_name(name, slot);
    aml_device(a, name);
    aml_name_int(a, "_SUN", slot);
    aml_name_int(a, "_ADR", slot << 16);
    aml_method(a, "_EJ0", 1);
    aml_op(a, AML_STORE);
    aml_int(a, 1u << slot);
    aml_path(a, "B0EJ");
    aml_end(a);
    aml_end(a);
}

/* For each slot whose bit is set in Local0: a notification. */
static void notify_slots(Aml *a, u32 slots, const char *reg, u32 what)
{
    aml_op(a, AML_STORE);
    aml_path(a, reg);
    aml_op(a, AML_LOCAL0);
    for (u32 slot = 0; slot < PCI_SLOTS; slot++) {
        char name[8];
        if (slots >> slot & 1) {
            slot_name(name, slot);
            aml_if(a);
            aml_op(a, AML_AND);
            aml_op(a, AML_LOCAL0);
            aml_int(a, 1u << slot);
            aml_op(a, AML_ZERO);        /* no target */
            aml_op(a, AML_NOTIFY);
            aml_path(a, name);
            aml_int(a, what);
            aml_end(a);
        }
    }
}

void acpi_pcihp_aml(Aml *a, u32 slots)
{
    static const AmlUnit units[] = {
        { "PCIU", 32 }, { "PCID", 32 }, { "B0EJ", 32 }, { "RMVC", 32 },
        { "BNUM", 32 }, { NULL, 0 }
    };

    aml_ports(a, "PCHP", ACPI_PCIHP, ACPI_PCIHP_BYTES);
    aml_field(a, "PCHP", AML_DWORD_ACCESS, units);
    for (u32 slot = 0; slot < PCI_SLOTS; slot++) {
        if (slots >> slot & 1) {
            add_slot(a, slot);
        }
    }
    aml_method(a, "PCNT", 0);
    aml_op(a, AML_STORE);
    aml_op(a, AML_ZERO);
    aml_path(a, "BNUM");
    notify_slots(a, slots, "PCIU", CHECK);
    notify_slots(a, slots, "PCID", EJECT);
    aml_end(a);
}

void acpi_pcihp_event(Aml *a)
{
    aml_method(a, "_E01", 0);
    aml_path(a, "\\_SB.PCI0.PCNT");
    aml_end(a);
}
