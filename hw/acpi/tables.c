/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables, and the list by which a loader puts their addresses in.
 * References: ACPI Specification 6.4, 5.2 "ACPI System Description Tables";
 * PCI Firmware Specification 3.2, 4.1.2 (MCFG); IA-PC HPET Specification 1.0a,
 * 3.2.4 (HPET); for the list, the documentation of fw_cfg's "etc/table-loader"
 * interface: rows of 128 bytes that allocate a file, add a file's address to
 * a pointer in another, or make a checksum right.
 *
 * All tables but the RSDP are in one file; a pointer holds the offset in it
 * until it is linked.
 */
#include <assert.h>
#include "hw/acpi/build.h"
#include "hw/acpi/pm.h"
#include "hw/intc/apic.h"
#include "hw/misc/fw_cfg.h"
#include "hw/timer/hpet.h"

static const char tables_file[] = "etc/acpi/tables";
static const char rsdp_file[] = "etc/acpi/rsdp";

enum { HEADER = 36, AT_LENGTH = 4, AT_CHECKSUM = 9, FACS_SIZE = 64 };
enum { RSDP_SIZE = 36, RSDP_V1_SIZE = 20 };
enum { SPACE_MEMORY = 0, SPACE_IO = 1 };

/* ---- the loader's list -------------------------------------------------- */

enum { ROW = 128, FILE_NAME = 56 };
enum { DO_ALLOCATE = 1, DO_POINTER = 2, DO_CHECKSUM = 3 };
enum { ZONE_HIGH = 1, ZONE_FSEG = 2 };

static u8 *new_row(GByteArray *loader, u32 command, const char *file)
{
    u32 at = loader->len;

    g_byte_array_set_size(loader, at + ROW);
    u8 *row = loader->data + at;
    memset(row, 0, ROW);
    store_le(row, 4, command);
    g_strlcpy((char *)row + 4, file, FILE_NAME);
    return row + 4 + FILE_NAME;
}

static void allocate(AcpiTables *t, const char *file, u32 align, u8 zone)
{
    u8 *row = new_row(t->loader, DO_ALLOCATE, file);

    store_le(row, 4, align);
    row[4] = zone;
}

/* The pointer of `size` bytes at `at` of a file means a place in tables. */
static void point(AcpiTables *t, const char *file, u32 at, u8 size)
{
    u8 *row = new_row(t->loader, DO_POINTER, file);

    g_strlcpy((char *)row, tables_file, FILE_NAME);
    store_le(row + FILE_NAME, 4, at);
    row[FILE_NAME + 4] = size;
}

static void check(AcpiTables *t, const char *file, u32 at, u32 from, u32 size)
{
    u8 *row = new_row(t->loader, DO_CHECKSUM, file);

    store_le(row, 4, at);
    store_le(row + 4, 4, from);
    store_le(row + 8, 4, size);
}

void acpi_link(const AcpiTables *t, u8 *rsdp, u8 *tables, u64 tables_at)
{
    for (u32 i = 0; i < t->loader->len; i += ROW) {
        const u8 *row = t->loader->data + i, *arg = row + 4 + FILE_NAME;
        bool of_rsdp = strcmp((const char *)row + 4, rsdp_file) == 0;
        u8 *file = of_rsdp ? rsdp : tables;
        if (load_le(row, 4) == DO_POINTER) {
            u8 *p = file + load_le(arg + FILE_NAME, 4);
            u8 size = arg[FILE_NAME + 4];
            store_le(p, size, load_le(p, size) + tables_at);
        } else if (load_le(row, 4) == DO_CHECKSUM) {
            const u8 *from = file + load_le(arg + 4, 4);
            u8 sum = 0;
            for (u32 n = (u32)load_le(arg + 8, 4); n; n--) {
                sum += *from++;
            }
            file[load_le(arg, 4)] -= sum;
        }
    }
}

/* ---- tables ------------------------------------------------------------- */

static u32 put(GByteArray *t, unsigned size, u64 v)
{
    u8 bytes[8];

    store_le(bytes, size, v);
    g_byte_array_append(t, bytes, size);
    return t->len - size;
}

static void fill(GByteArray *t, u32 n)
{
    while (n--) {
        put(t, 1, 0);
    }
}

/* Begins a table, aligned as nobody needs but all like; where it begins. */
static u32 begin(AcpiTables *t, const char *signature, u8 revision)
{
    fill(t->tables, -t->tables->len & 7);
    u32 at = t->tables->len;
    g_byte_array_append(t->tables, (const u8 *)signature, 4);
    put(t->tables, 4, 0);               /* length */
    put(t->tables, 1, revision);
    put(t->tables, 1, 0);               /* checksum */
    g_byte_array_append(t->tables, (const u8 *)"ANOLE ", 6);
    g_byte_array_append(t->tables, (const u8 *)"ANOLEPC ", 8);
    put(t->tables, 4, 1);
    g_byte_array_append(t->tables, (const u8 *)"ANOL", 4);
    put(t->tables, 4, 1);
    return at;
}

static void end(AcpiTables *t, u32 at)
{
    u32 size = t->tables->len - at;

    store_le(t->tables->data + at + AT_LENGTH, 4, size);
    check(t, tables_file, at + AT_CHECKSUM, at, size);
}

static u32 make_facs(AcpiTables *t)
{
    u32 at = t->tables->len;

    assert(at % 64 == 0);
    g_byte_array_append(t->tables, (const u8 *)"FACS", 4);
    put(t->tables, 4, FACS_SIZE);
    fill(t->tables, 24);
    put(t->tables, 1, 1);               /* version */
    fill(t->tables, FACS_SIZE - 33);
    return at;
}

static u32 make_dsdt(AcpiTables *t, const AcpiBoard *b)
{
    g_autoptr(GByteArray) aml = g_byte_array_new();
    u32 at = begin(t, "DSDT", 2);       /* 2: numbers have 64 bits */

    acpi_write_dsdt(aml, b);
    g_byte_array_append(t->tables, aml->data, aml->len);
    end(t, at);
    return at;
}

/* A generic address: 5.2.3.2. */
static void put_address(GByteArray *t, u8 space, u8 width, u64 at)
{
    put(t, 1, space);
    put(t, 1, at ? width : 0);
    put(t, 1, 0);
    put(t, 1, 0);                       /* any size of access */
    put(t, 8, at);
}

static u16 boot_flags(const AcpiBoard *b)
{
    enum { LEGACY = 1 << 0, HAS_8042 = 1 << 1, NO_RTC = 1 << 5 };
    u32 legacy = 1 << ACPI_ISA_COM1 | 1 << ACPI_ISA_LPT1 | 1 << ACPI_ISA_FLOPPY;

    return (b->isa & legacy ? LEGACY : 0)
        | (b->isa & 1 << ACPI_ISA_KEYBOARD ? HAS_8042 : 0)
        | (b->isa & 1 << ACPI_ISA_RTC ? 0 : NO_RTC);
}

static u32 fadt_flags(const AcpiBoard *b)
{
    enum {
        WBINVD = 1 << 0, PROC_C1 = 1 << 2, PWR_BUTTON = 1 << 4,
        SLP_BUTTON = 1 << 5, FIX_RTC = 1 << 6, RESET_REG_SUP = 1 << 10,
        HEADLESS = 1 << 12, USE_PLATFORM_CLOCK = 1 << 15,
        HW_REDUCED_ACPI = 1 << 20,
    };

    return WBINVD | PROC_C1 | SLP_BUTTON | FIX_RTC
        | (b->reset_port ? RESET_REG_SUP : 0)
        | (b->pm_base ? USE_PLATFORM_CLOCK
                      : HW_REDUCED_ACPI | PWR_BUTTON | HEADLESS);
}

typedef struct Gpe0 {
    u32 port;
    u8  bytes;
} Gpe0;

static Gpe0 gpe0_of(const AcpiBoard *b)
{
    if (!b->pm_base) {
        return (Gpe0) { 0, 0 };
    }
    return b->ich9 ? (Gpe0) { b->pm_base + PM_ICH9_GPE0, PM_ICH9_GPE0_BYTES }
                   : (Gpe0) { PM_PIIX4_GPE0, PM_PIIX4_GPE0_BYTES };
}

/* The first version's fields, up to the flags. */
static void put_fadt_v1(GByteArray *t, const AcpiBoard *b)
{
    enum { NO_C2 = 0xfff, NO_C3 = 0xfff, CENTURY = 0x32 };
    u32 pm = b->pm_base, has = pm ? 1 : 0;

    put(t, 2, b->sci);
    put(t, 4, pm ? PM_SMI_CMD : 0);
    put(t, 1, has * (b->ich9 ? PM_ENABLE_ICH9 : PM_ENABLE_PIIX4));
    put(t, 1, has * (b->ich9 ? PM_DISABLE_ICH9 : PM_DISABLE_PIIX4));
    put(t, 2, 0);                       /* S4BIOS, P-states */
    put(t, 4, pm);
    put(t, 4, 0);
    put(t, 4, pm ? pm + 4 : 0);
    put(t, 4, 0);
    put(t, 4, 0);                       /* PM2 */
    put(t, 4, pm ? pm + 8 : 0);
    put(t, 4, gpe0_of(b).port);
    put(t, 4, 0);
    put(t, 1, has * 4);                 /* their lengths */
    put(t, 1, has * 2);
    put(t, 1, 0);
    put(t, 1, has * 4);
    put(t, 1, gpe0_of(b).bytes);
    fill(t, 3);                         /* GPE1, _CST */
    put(t, 2, NO_C2);
    put(t, 2, NO_C3);
    fill(t, 6 + 2);                     /* flushing, duty cycle, alarms */
    put(t, 1, b->isa & 1 << ACPI_ISA_RTC ? CENTURY : 0);
    put(t, 2, boot_flags(b));
    put(t, 1, 0);
    put(t, 4, fadt_flags(b));
}

static void put_fadt_addresses(GByteArray *t, const AcpiBoard *b)
{
    u32 pm = b->pm_base;

    put_address(t, SPACE_IO, 32, pm);
    put_address(t, SPACE_IO, 0, 0);
    put_address(t, SPACE_IO, 16, pm ? pm + 4 : 0);
    put_address(t, SPACE_IO, 0, 0);
    put_address(t, SPACE_IO, 0, 0);
    put_address(t, SPACE_IO, 32, pm ? pm + 8 : 0);
    put_address(t, SPACE_IO, (u8)(gpe0_of(b).bytes * 8), gpe0_of(b).port);
    put_address(t, SPACE_IO, 0, 0);
    put_address(t, SPACE_MEMORY, 8, b->sleep_control);
    put_address(t, SPACE_MEMORY, 8, b->sleep_status);
}

/* 5.2.9; revision 5.0 of it. */
static u32 make_fadt(AcpiTables *t, const AcpiBoard *b, u32 facs, u32 dsdt)
{
    enum { REVISION = 5 };
    u32 at = begin(t, "FACP", REVISION);

    point(t, tables_file, put(t->tables, 4, facs), 4);
    point(t, tables_file, put(t->tables, 4, dsdt), 4);
    put(t->tables, 1, 0);
    put(t->tables, 1, 0);               /* profile: unspecified */
    put_fadt_v1(t->tables, b);
    put_address(t->tables, SPACE_IO, 8, b->reset_port ? RESET_PORT : 0);
    put(t->tables, 1, RESET_VALUE);
    fill(t->tables, 3);                 /* ARM, minor version */
    put(t->tables, 8, 0);               /* X_FACS: the other one counts */
    point(t, tables_file, put(t->tables, 8, dsdt), 8);
    put_fadt_addresses(t->tables, b);
    end(t, at);
    return at;
}

/* An override: 5.2.12.5.  Levels are said to be active high. */
static void put_override(GByteArray *t, u8 irq, u32 gsi, bool level)
{
    enum { ACTIVE_HIGH = 1, LEVEL = 3 << 2 };

    put(t, 1, 2);
    put(t, 1, 10);
    put(t, 1, 0);                       /* ISA */
    put(t, 1, irq);
    put(t, 4, gsi);
    put(t, 2, level ? ACTIVE_HIGH | LEVEL : 0);
}

/* 5.2.12 */
static u32 make_madt(AcpiTables *t, const AcpiBoard *b)
{
    enum { ENABLED = 1, PCAT_COMPAT = 1, ALL = 0xff, NMI_LINT = 1 };
    u32 at = begin(t, "APIC", 3);
    GByteArray *o = t->tables;

    put(o, 4, APIC_BASE);
    put(o, 4, b->isa & 1 << ACPI_ISA_PIC ? PCAT_COMPAT : 0);
    for (u32 i = 0; i < b->cpus; i++) {
        put(o, 1, 0);                   /* local APIC */
        put(o, 1, 8);
        put(o, 1, i);
        put(o, 1, b->apic_id[i]);
        put(o, 4, b->absent >> i & 1 ? 0 : ENABLED);
    }
    put(o, 1, 1);                       /* I/O APIC */
    put(o, 1, 12);
    put(o, 1, b->ioapic_id);
    put(o, 1, 0);
    put(o, 4, b->ioapic);
    put(o, 4, 0);
    put_override(o, 0, 2, false);
    for (u8 irq = 1; irq < 16; irq++) {
        if (b->level_irqs >> irq & 1) {
            put_override(o, irq, irq, true);
        }
    }
    put(o, 1, 4);                       /* NMI of all local APICs */
    put(o, 1, 6);
    put(o, 1, ALL);
    put(o, 2, 0);
    put(o, 1, NMI_LINT);
    end(t, at);
    return at;
}

static u32 make_hpet(AcpiTables *t, const AcpiBoard *b)
{
    u32 at = begin(t, "HPET", 1);

    put(t->tables, 4, HPET_ID);
    put_address(t->tables, SPACE_MEMORY, 64, b->hpet);
    put(t->tables, 1, 0);               /* number */
    put(t->tables, 2, 100);             /* least ticks of a period */
    put(t->tables, 1, 0);
    end(t, at);
    return at;
}

static u32 make_mcfg(AcpiTables *t, const AcpiBoard *b)
{
    u32 at = begin(t, "MCFG", 1);

    put(t->tables, 8, 0);
    put(t->tables, 8, b->ecam);
    put(t->tables, 2, 0);               /* segment */
    put(t->tables, 1, 0);
    put(t->tables, 1, b->ecam_buses - 1);
    put(t->tables, 4, 0);
    end(t, at);
    return at;
}

static void put_affinity(GByteArray *t, const AcpiBoard *b, u32 node)
{
    enum { ENABLED = 1 };
    const AcpiNode *n = &b->node[node];

    for (u32 i = 0; i < MIN(b->cpus, 64u); i++) {
        if (n->cpus >> i & 1) {
            put(t, 1, 0);
            put(t, 1, 16);
            put(t, 1, node);
            put(t, 1, i);
            put(t, 4, ENABLED);
            fill(t, 8);
        }
    }
    for (u32 i = 0; i < countof(n->mem) && n->mem[i].size; i++) {
        put(t, 1, 1);
        put(t, 1, 40);
        put(t, 4, node);
        fill(t, 2);
        put(t, 8, n->mem[i].base);
        put(t, 8, n->mem[i].size);
        fill(t, 4);
        put(t, 4, ENABLED);
        fill(t, 8);
    }
}

/* Microsoft's "Windows ACPI Emulated Devices Table": one read is enough. */
static u32 make_waet(AcpiTables *t)
{
    enum { PM_TIMER_GOOD = 1 << 1 };
    u32 at = begin(t, "WAET", 1);

    put(t->tables, 4, PM_TIMER_GOOD);
    end(t, at);
    return at;
}

/* 5.2.16 */
static u32 make_srat(AcpiTables *t, const AcpiBoard *b)
{
    u32 at = begin(t, "SRAT", 3);

    put(t->tables, 4, 1);
    fill(t->tables, 8);
    for (u32 i = 0; i < b->nodes; i++) {
        put_affinity(t->tables, b, i);
    }
    end(t, at);
    return at;
}

/* RSDT or XSDT: 5.2.7, 5.2.8. */
static u32 make_root(AcpiTables *t, const u32 *table, u32 n, u8 size)
{
    u32 at = begin(t, size == 4 ? "RSDT" : "XSDT", 1);

    for (u32 i = 0; i < n; i++) {
        point(t, tables_file, put(t->tables, size, table[i]), size);
    }
    end(t, at);
    return at;
}

/* 5.2.5.3 */
static void make_rsdp(AcpiTables *t, u32 rsdt, u32 xsdt)
{
    g_byte_array_append(t->rsdp, (const u8 *)"RSD PTR ", 8);
    put(t->rsdp, 1, 0);
    g_byte_array_append(t->rsdp, (const u8 *)"ANOLE ", 6);
    put(t->rsdp, 1, 2);
    point(t, rsdp_file, put(t->rsdp, 4, rsdt), 4);
    put(t->rsdp, 4, RSDP_SIZE);
    point(t, rsdp_file, put(t->rsdp, 8, xsdt), 8);
    put(t->rsdp, 4, 0);
    check(t, rsdp_file, 8, 0, RSDP_V1_SIZE);
    check(t, rsdp_file, 32, 0, RSDP_SIZE);
}

AcpiTables *acpi_build(const AcpiBoard *b)
{
    enum { MOST = 8 };
    AcpiTables *t = g_new0(AcpiTables, 1);
    u32 table[MOST], n = 0;

    t->rsdp = g_byte_array_new();
    t->tables = g_byte_array_new();
    t->loader = g_byte_array_new();
    allocate(t, rsdp_file, 16, ZONE_FSEG);
    allocate(t, tables_file, 64, ZONE_HIGH);
    u32 facs = make_facs(t), dsdt = make_dsdt(t, b);
    table[n++] = make_fadt(t, b, facs, dsdt);
    table[n++] = make_madt(t, b);
    if (b->hpet) {
        table[n++] = make_hpet(t, b);
    }
    if (b->ecam) {
        table[n++] = make_mcfg(t, b);
    }
    if (b->pci) {
        table[n++] = make_waet(t);
    }
    if (b->nodes) {
        table[n++] = make_srat(t, b);
    }
    u32 rsdt = make_root(t, table, n, 4), xsdt = make_root(t, table, n, 8);
    make_rsdp(t, rsdt, xsdt);
    return t;
}

void acpi_free(AcpiTables *t)
{
    if (t) {
        g_byte_array_unref(t->rsdp);
        g_byte_array_unref(t->tables);
        g_byte_array_unref(t->loader);
        g_free(t);
    }
}

/* ---- to the guest ------------------------------------------------------- */

void acpi_to_fw_cfg(const AcpiTables *t, Device *fw_cfg)
{
    fw_cfg_file(fw_cfg, rsdp_file, t->rsdp->data, t->rsdp->len);
    fw_cfg_file(fw_cfg, tables_file, t->tables->data, t->tables->len);
    fw_cfg_file(fw_cfg, "etc/table-loader", t->loader->data, t->loader->len);
}

void acpi_load(const AcpiTables *t, MemSpace *mem, u64 rsdp_at, u64 tables_at)
{
    g_autofree u8 *rsdp = g_memdup2(t->rsdp->data, t->rsdp->len);
    g_autofree u8 *tables = g_memdup2(t->tables->data, t->tables->len);

    acpi_link(t, rsdp, tables, tables_at);
    mem_load(mem, rsdp_at, rsdp, t->rsdp->len);
    mem_load(mem, tables_at, tables, t->tables->len);
}
