/* SPDX-License-Identifier: MIT */
/*
 * HPET, ACPI's fixed hardware, its tables and their loader, SMBIOS, and fw_cfg
 * among the ports.
 */
#include <glib.h>
#include <stdio.h>
#include "hw/acpi/pm.h"
#include "hw/acpi/tables.h"
#include "hw/misc/fw_cfg.h"
#include "hw/smbios/smbios.h"
#include "hw/timer/hpet.h"
#include "softmmu/clock.h"
#include "softmmu/machine.h"

typedef struct Fix {
    u32  levels, rises;         /* of the lines connected here */
    u64  address;               /* the last message */
    u32  data;
    int  tests, failed;
    bool wrong;                 /* in the running test */
} Fix;

static void report(Fix *x, const char *what)
{
    x->failed += x->wrong;
    printf("%s %d - %s\n", x->wrong ? "not ok" : "ok", ++x->tests, what);
    x->wrong = false;
}

static void expect(Fix *x, const char *what, u64 got, u64 want)
{
    if (got != want) {
        x->wrong = true;
        printf("# %s: got %#llx, want %#llx\n", what, (unsigned long long)got,
               (unsigned long long)want);
    }
}

static void sink(void *opaque, int n, bool level)
{
    Fix *x = opaque;
    u32 bit = 1u << n;

    x->levels = level ? x->levels | bit : x->levels & ~bit;
    x->rises |= level ? bit : 0;
}

static void msi(void *opaque, u64 address, u32 data)
{
    Fix *x = opaque;

    x->address = address;
    x->data = data;
}

static Device *make(const char *type, const char *prop, const char *value)
{
    Err err = { "" };
    Device *d = device_new(type, NULL, &err);

    if (!d || (prop && !device_set(d, prop, value, &err))
        || !device_start(d, &err)) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    return d;
}

static void wait_for(const u32 *what, u32 bit)
{
    while (!(*what & bit)) {
        g_main_context_iteration(NULL, true);
    }
}

/* ---- HPET --------------------------------------------------------------- */

enum { H_CONFIG = 0x10, H_STATUS = 0x20, H_COUNTER = 0xf0, T0 = 0x100 };

static Device *make_hpet(Fix *x)
{
    Device *d = make("hpet", "msi", "on");

    for (int i = 0; i < 32; i++) {
        line_connect(device_line(d, "irq", (u32)i), sink, x, i);
    }
    hpet_connect(d, msi, x);
    x->levels = x->rises = 0;
    return d;
}

static void test_hpet(Fix *x)
{
    Device *d = make_hpet(x);

    expect(x, "id", device_read(d, 0, 8), 0x009896808086a201);
    expect(x, "half of it", device_read(d, 4, 4), 10000000);
    expect(x, "halted", device_read(d, H_COUNTER, 8), 0);
    device_write(d, H_COUNTER, 8, 0xffffffff00000000);
    device_write(d, H_CONFIG, 4, 1);
    g_usleep(100);
    u64 now = device_read(d, H_COUNTER, 8) - 0xffffffff00000000;
    expect(x, "it runs at 100 MHz", now >= 9000 && now < 100000000, 1);
    device_write(d, T0, 4, 1 << 2 | 2 << 9);    /* edge, line 2 */
    device_write(d, T0 + 8, 8, device_read(d, H_COUNTER, 8) + 20000);
    wait_for(&x->rises, 1 << 2);
    expect(x, "an edge", x->levels, 0);
    device_write(d, T0 + 0x20, 4, 1 << 1 | 1 << 2 | 2 << 9);
    device_write(d, T0 + 0x28, 8, device_read(d, H_COUNTER, 8) + 20000);
    wait_for(&x->levels, 1 << 2);
    expect(x, "status", device_read(d, H_STATUS, 8), 2);
    device_write(d, H_STATUS, 4, 2);
    expect(x, "served", x->levels, 0);
    device_write(d, H_CONFIG, 4, 3);            /* legacy replacement */
    device_input(d, 0, true);
    expect(x, "the clock's interrupt is replaced", x->levels, 0);
    x->rises = 0;
    device_write(d, H_CONFIG, 4, 0);
    expect(x, "and then not", x->levels, 1 << 8);
    device_input(d, 0, false);
    now = device_read(d, H_COUNTER, 8);
    g_usleep(10);
    expect(x, "it stands", device_read(d, H_COUNTER, 8), now);
    device_free(d);
    report(x, "HPET: counter, one-shot, level");
}

static void test_hpet_periodic(Fix *x)
{
    Device *d = make_hpet(x);

    device_write(d, H_CONFIG, 4, 3);
    device_write(d, T0, 4, 1 << 2 | 1 << 3 | 1 << 6 | 1 << 8);
    device_write(d, T0 + 8, 4, 30000);
    device_write(d, T0 + 8, 4, 10000);
    expect(x, "the comparator was set once", device_read(d, T0 + 8, 4), 30000);
    for (u32 i = 0; i < 3; i++) {
        x->rises = 0;
        wait_for(&x->rises, 1 << 0);
    }
    u64 next = device_read(d, T0 + 8, 8);
    expect(x, "it moves by the period", next % 10000 == 0 && next >= 60000, 1);
    device_write(d, T0, 4, 0);
    device_write(d, T0 + 0x50, 8, 0xfee01000ull << 32 | 0x77);
    device_write(d, T0 + 0x40, 4, 1 << 2 | 1 << 14);
    device_write(d, T0 + 0x48, 8, device_read(d, H_COUNTER, 8) + 1000);
    x->data = 0;
    wait_for(&x->data, 0x40);
    expect(x, "a message", x->address, 0xfee01000);
    expect(x, "its data", x->data, 0x77);
    device_free(d);
    report(x, "HPET: periodic, legacy replacement, messages");
}

/* ---- power management --------------------------------------------------- */

static void test_pm(Fix *x)
{
    Device *d = make("acpi-pm", NULL, NULL);
    MemSpace *io = mem_new();

    line_connect(device_line(d, "sci", 0), sink, x, 0);
    line_connect(device_line(d, "smi", 0), sink, x, 1);
    x->levels = x->rises = 0;
    acpi_pm_map(d, io, 0xb000);
    acpi_pm_map(d, io, PM_BASE);
    acpi_pm_map_smi(d, io);
    acpi_pm_map_gpe(d, io, PM_PIIX4_GPE0);
    expect(x, "it has moved", mem_find(io, 0xb000) == NULL, 1);
    u64 a = mem_get(io, PM_BASE + 8, 4);
    g_usleep(1000);
    u64 b = (mem_get(io, PM_BASE + 8, 4) - a) & 0xffffff;
    expect(x, "the timer's speed", b >= 3579 && b < 3579545, 1);
    mem_put(io, PM_BASE + 2, 2, 1 << 8);
    acpi_pm_power_button(d);
    expect(x, "status", mem_get(io, PM_BASE, 2) & 1 << 8, 1 << 8);
    expect(x, "no SCI before ACPI is on", x->levels, 0);
    mem_put(io, PM_SMI_CMD, 1, PM_ENABLE_PIIX4);
    expect(x, "on", mem_get(io, PM_BASE + 4, 2), 1);
    expect(x, "SCI", x->levels, 1);
    mem_put(io, PM_BASE, 2, 1 << 8);
    expect(x, "served", x->levels, 0);
    expect(x, "no SMI", x->rises & 2, 0);
    acpi_pm_apm_smi(d, true);
    mem_put(io, PM_SMI_CMD, 1, 0x11);
    expect(x, "SMI", x->rises & 2, 2);
    mem_put(io, PM_PIIX4_GPE0 + 2, 1, 1 << 3);
    acpi_pm_gpe(d, 3);
    expect(x, "GPE", x->levels, 1);
    mem_put(io, PM_PIIX4_GPE0, 2, 1 << 3);
    expect(x, "served too", x->levels, 0);
    mem_put(io, PM_BASE + 2, 2, 1);
    x->rises = 0;
    report(x, "ACPI fixed hardware of PIIX4");
    device_free(d);
    mem_free(io);
}

static void test_pm_ich9(Fix *x)
{
    Device *d = make("acpi-pm", "ich9", "on");

    line_connect(device_line(d, "sci", 0), sink, x, 0);
    line_connect(device_line(d, "smi", 0), sink, x, 1);
    x->levels = x->rises = 0;
    device_write(d, 4, 4, 1);
    device_write(d, 0x28, 8, 1ull << 33);
    acpi_pm_gpe(d, 33);
    expect(x, "GPE 33", x->levels, 1);
    device_write(d, 0x20, 1, 0xff);
    expect(x, "another byte", x->levels, 1);
    device_write(d, 0x24, 1, 2);
    expect(x, "its byte", x->levels, 0);
    device_write(d, 0x30, 4, 0x21);
    expect(x, "SMI_EN", device_read(d, 0x30, 4), 0x21);
    device_free(d);
    report(x, "ACPI fixed hardware of ICH9");
}

/* ---- tables ------------------------------------------------------------- */

static u32 route(u32 slot, u32 pin, bool apic)
{
    return apic ? 16 + ((slot + pin) & 7) : 10 + ((slot + pin) & 1);
}

static u8 sum(const u8 *p, u64 n)
{
    u8 s = 0;

    while (n--) {
        s += *p++;
    }
    return s;
}

/* Follows the pointers of a loaded XSDT; bit n: the nth signature was seen. */
static u32 walk(Fix *x, MemSpace *m, u64 xsdt)
{
    static const char names[][5] = { "FACP", "APIC", "HPET", "MCFG", "SRAT" };
    u64 n = mem_get(m, xsdt + 4, 4);
    u32 seen = 0;

    for (u64 at = xsdt + 36; at < xsdt + n; at += 8) {
        u64 t = mem_get(m, at, 8), len = mem_get(m, t + 4, 4);
        u8 bytes[4096];
        expect(x, "length", len > 36 && len < sizeof bytes, 1);
        mem_read(m, t, bytes, MIN(len, sizeof bytes));
        expect(x, "checksum", sum(bytes, MIN(len, sizeof bytes)), 0);
        for (u32 i = 0; i < countof(names); i++) {
            seen |= memcmp(bytes, names[i], 4) == 0 ? 1u << i : 0;
        }
    }
    return seen;
}

static const AcpiNode nodes[] = {
    { .cpus = 1, .mem = { { 0, 0x80000000 } } },
    { .cpus = 6, .mem = { { 1ull << 32, 1ull << 31 } } },
};
static const AcpiBoard board = {
    .cpus = 3, .ioapic = 0xfec00000, .sci = 9, .level_irqs = 1 << 9,
    .pm_base = PM_BASE, .ich9 = true, .reset_port = true, .hpet = HPET_BASE,
    .pci = true, .ecam = 0xb0000000, .ecam_buses = 256,
    .low = { 0xc0000000, 0x3ec00000 }, .high = { 1ull << 35, 1ull << 35 },
    .route = route, .isa_devfn = 0xf8, .isa = (1 << ACPI_ISAS) - 1,
    .node = nodes, .nodes = 2,
};

static void test_tables(Fix *x)
{
    enum { RSDP = 0xf0000, TABLES = 0x100000 };
    AcpiTables *t = acpi_build(&board);
    MemSpace *m = mem_new();
    Err err = { "" };
    Ram *ram = ram_new("ram", 4 << 20, &err);
    u8 rsdp[36];

    mem_add(m, &(MemRegion) { .name = "ram", .size = 4 << 20, .ram = ram });
    acpi_load(t, m, RSDP, TABLES);
    mem_read(m, RSDP, rsdp, sizeof rsdp);
    expect(x, "signature", memcmp(rsdp, "RSD PTR ", 8), 0);
    expect(x, "checksum of 1.0", sum(rsdp, 20), 0);
    expect(x, "checksum", sum(rsdp, 36), 0);
    expect(x, "all tables", walk(x, m, load_le(rsdp + 24, 8)), 31);
    u64 rsdt = load_le(rsdp + 16, 4), fadt = mem_get(m, rsdt + 36, 4);
    expect(x, "FADT first", mem_get(m, fadt, 4), load_le("FACP", 4));
    u64 dsdt = mem_get(m, fadt + 40, 4), facs = mem_get(m, fadt + 36, 4);
    expect(x, "FACS", mem_get(m, facs, 4), load_le("FACS", 4));
    expect(x, "its alignment", facs & 63, 0);
    expect(x, "DSDT", mem_get(m, dsdt, 4), load_le("DSDT", 4));
    expect(x, "DSDT again", mem_get(m, fadt + 140, 8), dsdt);
    u64 len = mem_get(m, dsdt + 4, 4);
    expect(x, "its checksum", sum(ram->host + dsdt, len), 0);
    expect(x, "PM1 event block", mem_get(m, fadt + 56, 4), PM_BASE);
    expect(x, "rows of the loader's list", t->loader->len % 128, 0);
    acpi_free(t);
    mem_free(m);
    ram_free(ram);
    report(x, "ACPI tables");
}

/* PkgLengths of AML's structure nest: each size class of one. */
static void test_aml(Fix *x)
{
    static const u32 sizes[] = { 1, 50, 60, 61, 62, 63, 4000, 4090, 70000 };

    for (u32 i = 0; i < countof(sizes); i++) {
        Aml a = { .out = g_byte_array_new() };
        g_autofree u8 *zeros = g_malloc0(sizes[i]);
        aml_bytes(&a, zeros, sizes[i]);
        const u8 *p = a.out->data;
        u32 more = p[1] >> 6, len = more ? p[1] & 15 : p[1] & 0x3f;
        for (u32 k = 0; k < more; k++) {
            len |= (u32)p[2 + k] << (4 + 8 * k);
        }
        expect(x, "opcode", p[0], 0x11);
        expect(x, "length", len, a.out->len - 1);
        g_byte_array_unref(a.out);
    }
    Aml a = { .out = g_byte_array_new() };
    aml_eisa(&a, "PNP0A03");
    expect(x, "EISA id", load_le(a.out->data + 1, 4), 0x030ad041);
    g_byte_array_unref(a.out);
    report(x, "AML");
}

/* ---- SMBIOS ------------------------------------------------------------- */

static void check_smbios(Fix *x, bool v3)
{
    static const u8 uuid[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };
    SmbiosBoard b = {
        .v3 = v3, .product = "test", .serial = "1", .uuid = uuid, .cpu = "max",
        .sockets = 2, .cores = 2, .threads = 1, .low = 3ull << 30,
        .high = 30ull << 30,
    };
    SmbiosTables *t = smbios_build(&b);
    const u8 *p = t->tables->data, *end = p + t->tables->len;
    u32 types[128] = { 0 }, number = 0;

    while (p + 4 <= end) {
        types[p[0] & 127]++;
        number++;
        for (p += p[1]; p + 2 <= end && (p[0] || p[1]); p++) { }
        p += 2;
    }
    expect(x, "it ends where it should", (u64)(end - p), 0);
    expect(x, "processors", types[4], 2);
    expect(x, "memory devices of 16 GiB", types[17], 3);
    expect(x, "ranges", types[19], 2);
    expect(x, "the end", types[127], 1);
    expect(x, "checksum", sum(t->anchor->data, t->anchor->len), 0);
    if (!v3) {
        expect(x, "checksum of _DMI_", sum(t->anchor->data + 16, 15), 0);
        expect(x, "number", load_le(t->anchor->data + 28, 2), number);
    }
    smbios_free(t);
}

static void test_smbios(Fix *x)
{
    check_smbios(x, false);
    check_smbios(x, true);
    report(x, "SMBIOS");
}

/* ---- fw_cfg ------------------------------------------------------------- */

static u64 item(Device *d, u16 key, u32 skip, u32 n)
{
    u64 v = 0;

    device_write(d, 0, 2, key);
    while (skip--) {
        device_read(d, 1, 1);
    }
    for (u32 i = 0; i < n; i++) {
        v |= device_read(d, 1, 1) << 8 * i;
    }
    return v;
}

static void test_fw_cfg(Fix *x)
{
    static const FwCfgE820 map[] = {
        { 0, 0xa0000, 1 }, { 0xf0000, 1 << 16, 2 }
    };
    const FwCfgX86 pc = {
        .ram = 1 << 30, .cpus = 2, .max_cpus = 4, .e820 = map, .rows = 2
    };
    Device *d = make("fw_cfg_io", NULL, NULL);

    fw_cfg_x86(d, &pc);
    expect(x, "signature", item(d, FW_CFG_SIGNATURE, 0, 4), load_le("QEMU", 4));
    expect(x, "DMA", item(d, FW_CFG_ID, 0, 4), 3);
    expect(x, "DMA's signature", device_read(d, 4, 4), load_le("QEMU", 4));
    expect(x, "CPUs", item(d, FW_CFG_NB_CPUS, 0, 2), 2);
    expect(x, "RAM", item(d, FW_CFG_RAM_SIZE, 0, 8), 1 << 30);
    expect(x, "IRQ 0 is pin 2", item(d, FW_CFG_IRQ0_OVERRIDE, 0, 4), 1);
    expect(x, "files", item(d, FW_CFG_FILE_DIR, 3, 1), 2);
    expect(x, "the first is etc/e820", item(d, FW_CFG_FILE_DIR, 12, 8),
           load_le("etc/e820", 8));
    u16 key = (u16)__builtin_bswap16((u16)item(d, FW_CFG_FILE_DIR, 8, 2));
    expect(x, "a row of it", item(d, key, 20, 8), 0xf0000);
    expect(x, "its type", item(d, key, 36, 4), 2);
    device_free(d);
    report(x, "fw_cfg among the ports");
}

int main(void)
{
    static void (*const tests[])(Fix *) = {
        test_hpet, test_hpet_periodic, test_pm, test_pm_ich9, test_tables,
        test_aml, test_smbios, test_fw_cfg,
    };
    Fix x = { 0 };

    clock_pause(false);
    machine_lock();
    for (u32 i = 0; i < countof(tests); i++) {
        tests[i](&x);
    }
    printf("1..%d\n", x.tests);
    return x.failed != 0;
}
