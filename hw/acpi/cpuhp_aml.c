/* SPDX-License-Identifier: MIT */
/*
 * The DSDT's side of "acpi-cpu-hotplug": in \_SB.CPUS a device for each CPU
 * that can be there.  Reference: ACPI Specification 6.4, 8.4 "Declaring
 * Processors", 5.6.6, 6.3.
 */
#include <stdio.h>
#include "hw/acpi/hotplug.h"

enum { CHECK = 1, EJECT = 3 };          /* notifications: 5.6.6 */
enum { STA_PRESENT = 0x0f };

static void cpu_name(char name[8], u32 n)
{
    snprintf(name, 8, "C%03X", n & 0xfff);
}

/* Store(v, name) */
static void set(Aml *a, u64 v, const char *name)
{
    aml_op(a, AML_STORE);
    aml_int(a, v);
    aml_path(a, name);
}

static void return_op(Aml *a, u8 op)
{
    aml_op(a, AML_RETURN);
    aml_op(a, op);
}

/* CSTA(n): its _STA. */
static void add_status(Aml *a)
{
    aml_method_serial(a, "CSTA", 1);
    aml_op(a, AML_STORE);
    aml_op(a, AML_ARG0);
    aml_path(a, "CSEL");
    aml_if(a);
    aml_path(a, "CPEN");
    aml_op(a, AML_RETURN);
    aml_int(a, STA_PRESENT);
    aml_end(a);
    return_op(a, AML_ZERO);
    aml_end(a);
}

/* CEJ0(n): lets it go. */
static void add_eject(Aml *a)
{
    aml_method_serial(a, "CEJ0", 1);
    aml_op(a, AML_STORE);
    aml_op(a, AML_ARG0);
    aml_path(a, "CSEL");
    set(a, 1, "CEJ1");
    aml_end(a);
}

/* COST(n, event, status): _OST. */
static void add_ost(Aml *a)
{
    aml_method_serial(a, "COST", 3);
    aml_op(a, AML_STORE);
    aml_op(a, AML_ARG0);
    aml_path(a, "CSEL");
    for (u32 i = 1; i <= 2; i++) {
        set(a, i, "CCMD");
        aml_op(a, AML_STORE);
        aml_op(a, (u8)(AML_ARG0 + i));
        aml_path(a, "CDAT");
    }
    aml_end(a);
}

/* CTFY(n, what): Notify(the CPU's device, what). */
static void add_notify(Aml *a, u32 n)
{
    char name[8];

    aml_method(a, "CTFY", 2);
    for (u32 i = 0; i < n; i++) {
        cpu_name(name, i);
        aml_if(a);
        aml_op(a, AML_EQUAL);
        aml_op(a, AML_ARG0);
        aml_int(a, i);
        aml_op(a, AML_NOTIFY);
        aml_path(a, name);
        aml_op(a, AML_ARG0 + 1);
        aml_end(a);
    }
    aml_end(a);
}

/* If the flag is set: clear it, notify the selected CPU, Local0 = 1. */
static void take_event(Aml *a, const char *flag, u32 what)
{
    aml_if(a);
    aml_path(a, flag);
    aml_op(a, AML_STORE);
    aml_path(a, "CDAT");
    aml_op(a, AML_LOCAL0 + 1);
    set(a, 1, flag);
    aml_path(a, "CTFY");
    aml_op(a, AML_LOCAL0 + 1);
    aml_int(a, what);
    aml_op(a, AML_STORE);
    aml_op(a, AML_ONE);
    aml_op(a, AML_LOCAL0);
    aml_end(a);
}

/* CSCN: all events, one after the other. */
static void add_scan(Aml *a)
{
    aml_method_serial(a, "CSCN", 0);
    aml_op(a, AML_STORE);
    aml_op(a, AML_ONE);
    aml_op(a, AML_LOCAL0);
    aml_while(a);
    aml_op(a, AML_LOCAL0);
    aml_op(a, AML_STORE);
    aml_op(a, AML_ZERO);
    aml_op(a, AML_LOCAL0);
    set(a, 0, "CCMD");
    take_event(a, "CINS", CHECK);
    take_event(a, "CRMV", EJECT);
    aml_end(a);
    aml_end(a);
}

static void call(Aml *a, const char *method, u32 n)
{
    aml_path(a, method);
    aml_int(a, n);
}

/* Its entry in the MADT, as it would be if the CPU was there from the start. */
static void add_apic(Aml *a, u32 n, u32 apic_id)
{
    enum { LOCAL_APIC = 0, ON = 1 };
    const u8 entry[8] = { LOCAL_APIC, sizeof entry, (u8)n, (u8)apic_id, ON };

    aml_name(a, "_MAT");
    aml_bytes(a, entry, sizeof entry);
}

static void add_cpu(Aml *a, u32 n, u32 apic_id)
{
    char name[8];

    cpu_name(name, n);
    aml_device(a, name);
    aml_name_id(a, "_HID", "ACPI0007");
    aml_name_int(a, "_UID", n);
    aml_method(a, "_STA", 0);
    aml_op(a, AML_RETURN);
    call(a, "CSTA", n);
    aml_end(a);
    add_apic(a, n, apic_id);
    if (n) {                            /* the boot CPU stays */
        aml_method(a, "_EJ0", 1);
        call(a, "CEJ0", n);
        aml_end(a);
    }
    aml_method(a, "_OST", 3);
    call(a, "COST", n);
    aml_op(a, AML_ARG0);
    aml_op(a, AML_ARG0 + 1);
    aml_end(a);
    aml_end(a);
}

void acpi_cpuhp_aml(Aml *a, u32 port, u32 n, const u32 *apic_id)
{
    static const AmlUnit selector[] = { { "CSEL", 32 }, { NULL, 0 } };
    static const AmlUnit flags[] = {
        { "", 32 }, { "CPEN", 1 }, { "CINS", 1 }, { "CRMV", 1 },
        { "CEJ1", 1 }, { "", 4 }, { "CCMD", 8 }, { NULL, 0 }
    };
    static const AmlUnit data[] = { { "", 64 }, { "CDAT", 32 }, { NULL, 0 } };

    aml_device(a, "CPUS");
    aml_name_id(a, "_HID", "ACPI0010");
    aml_name_id(a, "_CID", "PNP0A05");
    aml_ports(a, "CPHP", port, ACPI_CPUHP_BYTES);
    aml_field(a, "CPHP", AML_DWORD_ACCESS, selector);
    aml_field(a, "CPHP", AML_BYTE_ACCESS, flags);
    aml_field(a, "CPHP", AML_DWORD_ACCESS, data);
    aml_method(a, "_INI", 0);           /* the modern registers, please */
    set(a, 0, "CSEL");
    aml_end(a);
    add_status(a);
    add_eject(a);
    add_ost(a);
    add_notify(a, n);
    add_scan(a);
    for (u32 i = 0; i < n; i++) {
        add_cpu(a, i, apic_id[i]);
    }
    aml_end(a);
}

void acpi_cpuhp_event(Aml *a)
{
    aml_method(a, "_E02", 0);
    aml_path(a, "\\_SB.CPUS.CSCN");
    aml_end(a);
}
