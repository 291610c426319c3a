/* SPDX-License-Identifier: MIT */
/*
 * The DSDT: what a board has, in ACPI machine language.
 * References: ACPI Specification 6.4, chapters 6 "Device Configuration" and
 * 7 "Power and Performance"; PCI Firmware Specification 3.2, 4.5 "_OSC".
 *
 * PCI interrupts are fixed numbers, as firmware (or the board) has routed
 * them; there are no link devices to move them.
 */
#include "hw/acpi/build.h"
#include "hw/acpi/hotplug.h"
#include "hw/acpi/pm.h"

enum { PCI_PINS = 4 };
enum { STA_PRESENT = 0x0f };

static const AcpiDevice isa_devices[ACPI_ISAS] = {
    [ACPI_ISA_RTC]      = { "RTC", "PNP0B00", .port = { { 0x70, 2 } }, .irq = 8 },
    [ACPI_ISA_KEYBOARD] = { "KBD", "PNP0303", .port = { { 0x60, 1 }, { 0x64, 1 } }, .irq = 1 },
    [ACPI_ISA_MOUSE]    = { "MOU", "PNP0F13", .irq = 12 },
    [ACPI_ISA_COM1]     = { "COM1", "PNP0501", 1, .port = { { 0x3f8, 8 } }, .irq = 4 },
    [ACPI_ISA_COM2]     = { "COM2", "PNP0501", 2, .port = { { 0x2f8, 8 } }, .irq = 3 },
    [ACPI_ISA_LPT1]     = { "LPT1", "PNP0400", .port = { { 0x378, 8 } }, .irq = 7 },
    [ACPI_ISA_FLOPPY]   = { "FDC", "PNP0700", .port = { { 0x3f0, 6 }, { 0x3f7, 1 } },
                            .irq = 6, .dma = 2 },
    [ACPI_ISA_PIT]      = { "TIMR", "PNP0100", .port = { { 0x40, 4 } } },
    [ACPI_ISA_PIC]      = { "PIC", "PNP0000",
                            .port = { { 0x20, 2 }, { 0xa0, 2 }, { 0x4d0, 2 } }, .irq = 2 },
    [ACPI_ISA_DMA]      = { "DMAC", "PNP0200",
                            .port = { { 0x00, 16 }, { 0x81, 15 }, { 0xc0, 32 } }, .dma = 4 },
    [ACPI_ISA_SPEAKER]  = { "SPKR", "PNP0800", .port = { { 0x61, 1 } } },
    [ACPI_ISA_FW_CFG]   = { "FWCF", "QEMU0002", .port = { { 0x510, 12 } } },
};

static void add_device(Aml *a, const AcpiDevice *d)
{
    aml_device(a, d->name);
    aml_name_id(a, "_HID", d->hid);
    aml_name_int(a, "_UID", d->uid);
    aml_name_int(a, "_STA", STA_PRESENT);
    aml_resources(a, "_CRS");
    for (u32 i = 0; i < countof(d->port) && d->port[i].len; i++) {
        aml_res_io(a, d->port[i].base, d->port[i].len);
    }
    if (d->mem_size) {
        aml_res_memory(a, d->mem, d->mem_size);
    }
    if (d->irq) {
        aml_res_irq(a, d->irq);
    }
    if (d->gsi) {
        aml_res_gsi(a, d->gsi, d->level);
    }
    if (d->dma) {
        aml_res_dma(a, d->dma);
    }
    aml_resources_end(a);
    aml_end(a);
}

/* ---- PCI ---------------------------------------------------------------- */

static void add_window(Aml *a, AcpiWindow w)
{
    if (w.size) {
        aml_res_range(a, AML_RANGE_MEM, w.base, w.base + w.size - 1);
    }
}

/* All ports but those of the bridge's own configuration mechanism. */
static void add_windows(Aml *a, const AcpiBoard *b)
{
    aml_resources(a, "_CRS");
    aml_res_range(a, AML_RANGE_BUS, 0, b->ecam ? b->ecam_buses - 1 : 255);
    aml_res_range(a, AML_RANGE_IO, 0, 0xcf7);
    aml_res_io(a, 0xcf8, 8);
    aml_res_range(a, AML_RANGE_IO, 0xd00, 0xffff);
    aml_res_range(a, AML_RANGE_MEM, 0xa0000, 0xbffff);
    add_window(a, b->low);
    add_window(a, b->high);
    aml_resources_end(a);
}

/* A package for each pin: slot and any function, pin, no link, GSI. */
static void add_routes(Aml *a, const AcpiBoard *b, const char *name, bool apic)
{
    aml_name(a, name);
    aml_package(a, PCI_SLOTS * PCI_PINS);
    for (u32 slot = 0; slot < PCI_SLOTS; slot++) {
        for (u32 pin = 0; pin < PCI_PINS; pin++) {
            aml_package(a, 4);
            aml_int(a, slot << 16 | 0xffff);
            aml_int(a, pin);
            aml_int(a, 0);
            aml_int(a, b->route(slot, pin, apic));
            aml_end(a);
        }
    }
    aml_end(a);
}

/* _PRT by the interrupt model that _PIC has told. */
static void add_routing(Aml *a, const AcpiBoard *b)
{
    add_routes(a, b, "PRTP", false);
    add_routes(a, b, "PRTA", true);
    aml_method(a, "_PRT", 0);
    aml_if(a);
    aml_path(a, "\\PICF");
    aml_op(a, AML_RETURN);
    aml_path(a, "PRTA");
    aml_end(a);
    aml_op(a, AML_RETURN);
    aml_path(a, "PRTP");
    aml_end(a);
}

/* Store(op(name, v), name) */
static void change(Aml *a, u8 op, const char *name, u64 v)
{
    aml_op(a, op);
    aml_path(a, name);
    aml_int(a, v);
    aml_path(a, name);
}

/*
 * Who controls what of PCI Express: the system may have native hot-plug, SHPC,
 * power management events, error reporting and the capability structure.
 */
static void add_osc(Aml *a)
{
    /* 33db4d5b-1ff7-401c-9657-7441c03dd766 */
    static const u8 uuid[16] = {
        0x5b, 0x4d, 0xdb, 0x33, 0xf7, 0x1f, 0x1c, 0x40,
        0x96, 0x57, 0x74, 0x41, 0xc0, 0x3d, 0xd7, 0x66,
    };
    enum { CONTROLS = 0x1f, UNKNOWN_UUID = 1 << 2 };

    aml_method(a, "_OSC", 4);
    aml_op(a, AML_DWORD_FIELD);
    aml_op(a, AML_ARG0 + 3);
    aml_int(a, 0);
    aml_path(a, "CDW1");
    aml_if(a);
    aml_op(a, AML_EQUAL);
    aml_op(a, AML_ARG0);
    aml_bytes(a, uuid, sizeof uuid);
    aml_op(a, AML_DWORD_FIELD);
    aml_op(a, AML_ARG0 + 3);
    aml_int(a, 8);
    aml_path(a, "CDW3");
    change(a, AML_AND, "CDW3", CONTROLS);
    aml_end(a);
    aml_else(a);
    change(a, AML_OR, "CDW1", UNKNOWN_UUID);
    aml_end(a);
    aml_op(a, AML_RETURN);
    aml_op(a, AML_ARG0 + 3);
    aml_end(a);
}

static void add_isa(Aml *a, const AcpiBoard *b)
{
    for (u32 i = 0; i < ACPI_ISAS; i++) {
        if (b->isa >> i & 1) {
            add_device(a, &isa_devices[i]);
        }
    }
    if (b->pvpanic) {
        const AcpiDevice d = {
            "PEVT", "QEMU0001", .port = { { b->pvpanic, 1 } }
        };
        add_device(a, &d);
    }
}

static void add_pci(Aml *a, const AcpiBoard *b)
{
    aml_device(a, "PCI0");
    if (b->ecam) {
        aml_name_id(a, "_HID", "PNP0A08");
        aml_name_id(a, "_CID", "PNP0A03");
        add_osc(a);
    } else {
        aml_name_id(a, "_HID", "PNP0A03");
    }
    aml_name_int(a, "_UID", 0);
    aml_name_int(a, "_BBN", 0);
    add_windows(a, b);
    add_routing(a, b);
    if (b->isa_devfn) {
        aml_device(a, "ISA");
        aml_name_int(a, "_ADR", b->isa_devfn >> 3 << 16 | (b->isa_devfn & 7));
        add_isa(a, b);
        aml_end(a);
    }
    if (b->hot_slots) {
        acpi_pcihp_aml(a, b->hot_slots);
    }
    aml_end(a);
}

static void add_events(Aml *a, const AcpiBoard *b)
{
    aml_scope(a, "\\_GPE");
    aml_name_id(a, "_HID", "ACPI0006");
    if (b->hot_slots) {
        acpi_pcihp_event(a);
    }
    if (b->cpu_hot_plug) {
        acpi_cpuhp_event(a);
    }
    aml_end(a);
}

/* ---- the rest ----------------------------------------------------------- */

/* What no other device may take: power management, ECAM. */
static void add_motherboard(Aml *a, const AcpiBoard *b)
{
    aml_device(a, "MBRD");
    aml_name_id(a, "_HID", "PNP0C02");
    aml_name_int(a, "_UID", 0);
    aml_resources(a, "_CRS");
    if (b->pm_base) {
        aml_res_io(a, (u16)b->pm_base, b->ich9 ? 128 : 64);
        aml_res_io(a, PM_SMI_CMD, 2);
    }
    if (b->pm_base && !b->ich9) {
        aml_res_io(a, PM_PIIX4_GPE0, PM_PIIX4_GPE0_BYTES);
    }
    if (b->cpu_hot_plug) {
        aml_res_io(a, (u16)b->cpu_hot_plug, ACPI_CPUHP_BYTES);
    }
    if (b->hot_slots) {
        aml_res_io(a, ACPI_PCIHP, ACPI_PCIHP_BYTES);
    }
    if (b->ecam) {
        aml_res_memory(a, (u32)b->ecam, b->ecam_buses << 20);
    }
    aml_resources_end(a);
    aml_end(a);
}

static void add_hpet(Aml *a, const AcpiBoard *b)
{
    const AcpiDevice hpet = {
        "HPET", "PNP0103", .mem = (u32)b->hpet, .mem_size = 0x400
    };

    add_device(a, &hpet);
}

static void add_cpus(Aml *a, const AcpiBoard *b)
{
    for (u32 i = 0; i < b->cpus; i++) {
        char name[8];
        g_snprintf(name, sizeof name, "C%03X", i & 0xfff);
        aml_device(a, name);
        aml_name_id(a, "_HID", "ACPI0007");
        aml_name_int(a, "_UID", i);
        if (b->nodes) {
            u32 node = 0;
            while (node + 1 < b->nodes && !(b->node[node].cpus >> i & 1)) {
                node++;
            }
            aml_name_int(a, "_PXM", node);
        }
        aml_end(a);
    }
}

/* A sleep state: the SLP_TYP that acpi-pm takes for it, for both PM1 blocks. */
static void add_sleep(Aml *a, const char *name, u32 typ)
{
    const u32 value[] = { typ, typ, 0, 0 };

    aml_name(a, name);
    aml_package(a, countof(value));
    for (u32 i = 0; i < countof(value); i++) {
        aml_int(a, value[i]);
    }
    aml_end(a);
}

static void add_sleeps(Aml *a, const AcpiBoard *b)
{
    if (b->s3) {
        add_sleep(a, "\\_S3", PM_SLP_S3);
    }
    if (b->s4) {
        add_sleep(a, "\\_S4", PM_SLP_S4);
    }
    if (b->pm_base || b->sleep_control) {
        add_sleep(a, "\\_S5", PM_SLP_S5);
    }
}

void acpi_write_dsdt(GByteArray *out, const AcpiBoard *b)
{
    Aml a = { .out = out };

    add_sleeps(&a, b);
    aml_name_int(&a, "\\PICF", 0);
    aml_method(&a, "\\_PIC", 1);
    aml_op(&a, AML_STORE);
    aml_op(&a, AML_ARG0);
    aml_path(&a, "\\PICF");
    aml_end(&a);
    aml_scope(&a, "\\_SB");
    if (b->pci) {
        add_pci(&a, b);
    }
    if (!b->pci || !b->isa_devfn) {
        add_isa(&a, b);
    }
    add_motherboard(&a, b);
    if (b->hpet) {
        add_hpet(&a, b);
    }
    if (b->cpu_hot_plug) {
        acpi_cpuhp_aml(&a, b->cpu_hot_plug, b->cpus, b->apic_id);
    } else {
        add_cpus(&a, b);
    }
    for (u32 i = 0; i < b->extras; i++) {
        add_device(&a, &b->extra[i]);
    }
    if (b->more) {
        b->more(&a, b->opaque);
    }
    aml_end(&a);
    add_events(&a, b);
}
