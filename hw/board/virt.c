/* SPDX-License-Identifier: MIT */
/*
 * The board `virt` for ARM: no hardware that exists, but one that every ARM
 * Linux knows from its device tree.  The memory map and interrupts are those
 * that QEMU documents for its machine of this name.
 *
 * Left out: PCIe, GICv2m, GICv3, SMMU, EL2 and EL3.
 */
#include <elf.h>
#include <libfdt.h>
#include "hw/core/loader.h"
#include "softmmu/clock.h"
#include "softmmu/run.h"
#include "target/target.h"
#include "util/log.h"

enum {
    RAM_BASE = 0x40000000,
    GIC_BASE = 0x08000000, UART_BASE = 0x09000000, RTC_BASE = 0x09010000,
    VIRTIO_BASE = 0x0a000000, VIRTIO_STEP = 0x200, VIRTIO_COUNT = 32,
    SPI_UART = 1, SPI_RTC = 2, SPI_VIRTIO = 16,
    SPIS = 256,
    PHANDLE_GIC = 1, PHANDLE_CLOCK = 2,
    FDT_SIZE = 1 << 20,
};

/* Timer wires of the CPU (target's numbers) and the PPIs they go to. */
static const struct { int wire, ppi; } timer_ppis[] = {
    { 0, 30 },                  /* CNTP: non-secure physical */
    { 1, 27 },                  /* CNTV */
    { 2, 26 },                  /* CNTHP */
    { 3, 29 },                  /* CNTPS */
    { 4, 23 },                  /* PMU */
};

typedef struct Virt {
    Device  *gic;
    Device  *transport[VIRTIO_COUNT];
    u32      plugged;           /* transports in use, from the last down */
    Blob     kernel, initrd, dtb;
    Loaded   loaded;
    u64      initrd_at, dtb_at;
    u8      *fdt;
} Virt;

static Virt *virt(const Machine *m) { return m->board_data; }

/* ---- wires ------------------------------------------------------------------------ */

static void cpu_line(void *sink, int n, bool level)
{
    Cpu *c = sink;

    if (level) {
        __atomic_fetch_or(&c->lines, 1u << n, __ATOMIC_SEQ_CST);
        cpu_request(c, REQ_INTERRUPT);
    } else {
        __atomic_fetch_and(&c->lines, ~(1u << n), __ATOMIC_SEQ_CST);
    }
}

static void wire_cpu(Machine *m, Cpu *c)
{
    Device *gic = virt(m)->gic;

    line_connect(device_line(gic, "irq", (u32)c->index), cpu_line, c, 0);
    line_connect(device_line(gic, "fiq", (u32)c->index), cpu_line, c, 1);
    for (u32 i = 0; i < countof(timer_ppis); i++) {
        Line *l = c->target->output(c, timer_ppis[i].wire);
        if (l) {
            line_connect(l, device_input, gic,
                         SPIS + 32 * c->index + timer_ppis[i].ppi);
        }
    }
    c->target->firmware(c, true, false);
}

static void wire_spi(Machine *m, Device *d, u32 spi)
{
    line_connect(device_line(d, "irq", 0), device_input, virt(m)->gic, (int)spi);
}

/* ---- the device tree ----------------------------------------------------------------- */

static void put_cells(void *fdt, int node, const char *name, const u32 *v, u32 n)
{
    u8 be[64];

    for (u32 i = 0; i < n; i++) {
        store_be(be + 4 * i, 4, v[i]);
    }
    fdt_setprop(fdt, node, name, be, (int)(4 * n));
}
#define CELLS(fdt, node, name, ...)                                         \
    put_cells(fdt, node, name, (const u32[]) { __VA_ARGS__ },               \
              sizeof((const u32[]) { __VA_ARGS__ }) / 4)

static void put_reg(void *fdt, int node, u64 at, u64 size)
{
    CELLS(fdt, node, "reg", (u32)(at >> 32), (u32)at, (u32)(size >> 32),
          (u32)size);
}

/* "a\0b" as a string list. */
static void put_compatible(void *fdt, int node, const char *list)
{
    size_t len = strlen(list) + 1;

    len += list[len] ? strlen(list + len) + 1 : 0;
    fdt_setprop(fdt, node, "compatible", list, (int)len);
}

static int node_at(void *fdt, const char *name, u64 at)
{
    g_autofree char *full = g_strdup_printf("%s@%llx", name,
                                            (unsigned long long)at);

    return fdt_add_subnode(fdt, 0, full);
}

static void add_cpus(Machine *m, void *fdt)
{
    int cpus = fdt_add_subnode(fdt, 0, "cpus");

    CELLS(fdt, cpus, "#address-cells", 1);
    CELLS(fdt, cpus, "#size-cells", 0);
    for (u32 i = m->ncpus; i-- > 0; ) {
        g_autofree char *name = g_strdup_printf("cpu@%u", i);
        g_autofree char *type = g_strdup_printf("arm,%s", m->cpu[i]->model);
        int n = fdt_add_subnode(fdt, cpus, name);
        fdt_setprop_string(fdt, n, "device_type", "cpu");
        fdt_setprop_string(fdt, n, "compatible",
                           strcmp(m->cpu[i]->model, "max") ? type : "arm,armv8");
        CELLS(fdt, n, "reg", i);
        if (m->ncpus > 1) {
            fdt_setprop_string(fdt, n, "enable-method", "psci");
        }
    }
}

static void add_timer(Machine *m, void *fdt)
{
    int n = fdt_add_subnode(fdt, 0, "timer");
    u32 mask = (u32)MASK(m->ncpus) << 8 | 4;    /* GIC_CPU_MASK, level high */

    put_compatible(fdt, n, "arm,armv8-timer\0arm,armv7-timer");
    fdt_setprop(fdt, n, "always-on", NULL, 0);
    CELLS(fdt, n, "interrupts", 1, 13, mask, 1, 14, mask, 1, 11, mask, 1, 10,
          mask);
    n = fdt_add_subnode(fdt, 0, "pmu");
    fdt_setprop_string(fdt, n, "compatible", "arm,armv8-pmuv3");
    CELLS(fdt, n, "interrupts", 1, 7, mask);
}

static void add_gic(void *fdt)
{
    int n = node_at(fdt, "intc", GIC_BASE);

    CELLS(fdt, n, "phandle", PHANDLE_GIC);
    fdt_setprop_string(fdt, n, "compatible", "arm,cortex-a15-gic");
    CELLS(fdt, n, "#interrupt-cells", 3);
    fdt_setprop(fdt, n, "interrupt-controller", NULL, 0);
    CELLS(fdt, n, "#address-cells", 2);
    CELLS(fdt, n, "#size-cells", 2);
    CELLS(fdt, n, "reg", 0, GIC_BASE, 0, 0x10000, 0, GIC_BASE + 0x10000, 0,
          0x10000);
}

static void add_uart_and_rtc(void *fdt)
{
    static const char names[] = "uartclk\0apb_pclk";
    int n = fdt_add_subnode(fdt, 0, "apb-pclk");

    fdt_setprop_string(fdt, n, "compatible", "fixed-clock");
    CELLS(fdt, n, "#clock-cells", 0);
    CELLS(fdt, n, "clock-frequency", 24000000);
    fdt_setprop_string(fdt, n, "clock-output-names", "clk24mhz");
    CELLS(fdt, n, "phandle", PHANDLE_CLOCK);

    n = node_at(fdt, "pl031", RTC_BASE);
    put_compatible(fdt, n, "arm,pl031\0arm,primecell");
    put_reg(fdt, n, RTC_BASE, 0x1000);
    CELLS(fdt, n, "interrupts", 0, SPI_RTC, 4);
    CELLS(fdt, n, "clocks", PHANDLE_CLOCK);
    fdt_setprop_string(fdt, n, "clock-names", "apb_pclk");

    n = node_at(fdt, "pl011", UART_BASE);
    put_compatible(fdt, n, "arm,pl011\0arm,primecell");
    put_reg(fdt, n, UART_BASE, 0x1000);
    CELLS(fdt, n, "interrupts", 0, SPI_UART, 4);
    CELLS(fdt, n, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
    fdt_setprop(fdt, n, "clock-names", names, sizeof names);
}

static void add_virtio(const Virt *v, void *fdt)
{
    /* Subnodes are put in front: the last one made comes first. */
    for (u32 i = 0; i < VIRTIO_COUNT && v->transport[i]; i++) {
        u64 at = VIRTIO_BASE + (u64)i * VIRTIO_STEP;
        int n = node_at(fdt, "virtio_mmio", at);
        fdt_setprop_string(fdt, n, "compatible", "virtio,mmio");
        put_reg(fdt, n, at, VIRTIO_STEP);
        CELLS(fdt, n, "interrupts", 0, SPI_VIRTIO + i, 1);  /* edge rising */
        fdt_setprop(fdt, n, "dma-coherent", NULL, 0);
    }
}

static void add_psci(void *fdt)
{
    int n = fdt_add_subnode(fdt, 0, "psci");
    static const char list[] = "arm,psci-1.0\0arm,psci-0.2\0arm,psci";

    fdt_setprop(fdt, n, "compatible", list, sizeof list);
    fdt_setprop_string(fdt, n, "method", "hvc");
    CELLS(fdt, n, "cpu_suspend", 0xc4000001);
    CELLS(fdt, n, "cpu_off", 0x84000002);
    CELLS(fdt, n, "cpu_on", 0xc4000003);
    CELLS(fdt, n, "migrate", 0xc4000005);
}

static void make_tree(Machine *m, void *fdt)
{
    fdt_create_empty_tree(fdt, FDT_SIZE);
    fdt_setprop_string(fdt, 0, "compatible", "linux,dummy-virt");
    fdt_setprop_string(fdt, 0, "model", "linux,dummy-virt");
    CELLS(fdt, 0, "#address-cells", 2);
    CELLS(fdt, 0, "#size-cells", 2);
    CELLS(fdt, 0, "interrupt-parent", PHANDLE_GIC);
    add_psci(fdt);
    add_virtio(virt(m), fdt);
    add_uart_and_rtc(fdt);
    add_gic(fdt);
    add_timer(m, fdt);
    add_cpus(m, fdt);
    int n = node_at(fdt, "memory", RAM_BASE);
    fdt_setprop_string(fdt, n, "device_type", "memory");
    put_reg(fdt, n, RAM_BASE, m->ram_size);
}

/* What the kernel is told: in our tree or in the user's. */
static void add_chosen(Machine *m, void *fdt)
{
    const Virt *v = virt(m);
    int n = fdt_path_offset(fdt, "/chosen");
    u8 seed[32];

    if (n < 0) {
        n = fdt_add_subnode(fdt, 0, "chosen");
    }
    gate_random(seed, sizeof seed);
    fdt_setprop(fdt, n, "kaslr-seed", seed, 8);
    gate_random(seed, sizeof seed);
    fdt_setprop(fdt, n, "rng-seed", seed, sizeof seed);
    fdt_setprop_string(fdt, n, "stdout-path", "/pl011@9000000");
    if (m->opts->append) {
        fdt_setprop_string(fdt, n, "bootargs", m->opts->append);
    }
    if (v->initrd.data) {
        u64 end = v->initrd_at + v->initrd.size;
        CELLS(fdt, n, "linux,initrd-start", (u32)(v->initrd_at >> 32),
              (u32)v->initrd_at);
        CELLS(fdt, n, "linux,initrd-end", (u32)(end >> 32), (u32)end);
    }
}

/* ---- loading --------------------------------------------------------------------------- */

static bool read_dtb(Virt *v, const char *path, Err *err)
{
    if (!blob_read(path, "-dtb", &v->dtb, err)) {
        return false;
    }
    if (v->dtb.size < sizeof(struct fdt_header)
        || fdt_check_header(v->dtb.data)
        || fdt_totalsize(v->dtb.data) > v->dtb.size
        || fdt_open_into(v->dtb.data, v->fdt, FDT_SIZE)) {
        return fail(err, "-dtb %s is no device tree blob (dtc makes one)", path);
    }
    return true;
}

static bool read_initrd(Machine *m, Err *err)
{
    Virt *v = virt(m);
    u64 half = RAM_BASE + MIN(m->ram_size / 2, 128ull << 20);

    if (!m->opts->initrd) {
        return true;
    }
    /* As it is: the kernel unpacks it. */
    if (!blob_read(m->opts->initrd, "-initrd", &v->initrd, err)) {
        return false;
    }
    v->initrd_at = align_up(MAX(half, v->loaded.high), 1 << 21);
    if (v->initrd_at + v->initrd.size + FDT_SIZE * 2ull
        > RAM_BASE + m->ram_size) {
        return fail(err, "-initrd %s: %zu MiB do not fit the machine's memory "
                    "behind the kernel; -m gives it more", m->opts->initrd,
                    v->initrd.size >> 20);
    }
    return true;
}

/* Behind the RAM disk or, with a bare program, at the start of RAM. */
static u64 place_tree(const Virt *v)
{
    u64 end = v->initrd.data ? v->initrd_at + v->initrd.size : v->loaded.high;

    if (!v->loaded.linux_image && v->loaded.low >= RAM_BASE + FDT_SIZE / 2) {
        return RAM_BASE;
    }
    return align_up(end, 1 << 21);
}

/* Puts everything in memory; at start and after each reset. */
static void boot(Machine *m)
{
    Virt *v = virt(m);
    Loaded again;
    Err err = { 0 };

    if (!v->kernel.data) {
        return;
    }
    load_kernel(m, &v->kernel, m->opts->kernel, RAM_BASE, EM_AARCH64, &again,
                &err);
    if (v->initrd.data) {
        mem_load(m->mem, v->initrd_at, v->initrd.data, v->initrd.size);
    }
    add_chosen(m, v->fdt);
    fdt_pack(v->fdt);
    mem_load(m->mem, v->dtb_at, v->fdt, fdt_totalsize(v->fdt));
    fdt_open_into(v->fdt, v->fdt, FDT_SIZE);
    m->cpu[0]->target->start_at(m->cpu[0], v->loaded.entry, v->dtb_at);
}

static bool load(Machine *m, Err *err)
{
    Virt *v = virt(m);
    const Options *o = m->opts;

    v->fdt = g_malloc0(FDT_SIZE);
    if (o->dtb && !read_dtb(v, o->dtb, err)) {
        return false;
    }
    if (!o->dtb) {
        make_tree(m, v->fdt);
    }
    if (!o->kernel) {
        return (!o->initrd && !o->append)
            || fail(err, "-%s needs -kernel", o->initrd ? "initrd" : "append");
    }
    if (!blob_read(o->kernel, "-kernel", &v->kernel, err)
        || !load_kernel(m, &v->kernel, o->kernel, RAM_BASE, EM_AARCH64,
                        &v->loaded, err)
        || !read_initrd(m, err)) {
        return false;
    }
    v->dtb_at = place_tree(v);
    if (v->dtb_at + FDT_SIZE > RAM_BASE + m->ram_size) {
        return fail(err, "the device tree does not fit the machine's memory "
                    "behind the kernel; -m gives it more");
    }
    return true;
}

/* ---- the board ---------------------------------------------------------------------------- */

static bool make_cpus(Machine *m, Err *err)
{
    const char *model = m->opts->cpu ? m->opts->cpu : m->board->cpu;

    for (u32 i = 0; i < m->opts->smp; i++) {
        Cpu *c = machine_add_cpu(m, model, err);
        if (!c) {
            return false;
        }
        wire_cpu(m, c);
    }
    return true;
}

static bool make_serial(Machine *m, Err *err)
{
    const char *chardev = m->serial_chardev;
    g_autofree char *props = chardev ? g_strdup_printf("chardev=%s", chardev)
                                     : NULL;
    Device *uart = machine_device(m, "pl011", "uart0", props, UART_BASE, err);

    if (uart) {
        wire_spi(m, uart, SPI_UART);
    }
    return uart != NULL;
}

static bool make_transports(Machine *m, Err *err)
{
    Virt *v = virt(m);

    for (u32 i = 0; i < VIRTIO_COUNT && device_type("virtio-mmio"); i++) {
        g_autofree char *id = g_strdup_printf("virtio-mmio%u", i);
        Device *d = machine_device(m, "virtio-mmio", id, NULL,
                                   VIRTIO_BASE + (u64)i * VIRTIO_STEP, err);
        if (!d) {
            return false;
        }
        wire_spi(m, d, SPI_VIRTIO + i);
        v->transport[i] = d;
    }
    return true;
}

static bool init(Machine *m, Err *err)
{
    g_autofree char *gic = g_strdup_printf("num-cpu=%u", m->opts->smp);
    MemRegion ram = { .name = "mach-virt.ram", .base = RAM_BASE };

    m->board_data = g_new0(Virt, 1);
    m->ram = ram_new("mach-virt.ram", m->ram_size, err);
    if (!m->ram) {
        return false;
    }
    ram.ram = m->ram;
    ram.size = m->ram_size;
    mem_begin(m->mem);
    mem_add(m->mem, &ram);
    virt(m)->gic = machine_device(m, "gicv2", "gic", gic, GIC_BASE, err);
    if (!virt(m)->gic || !make_cpus(m, err) || !make_serial(m, err)
        || !make_transports(m, err)) {
        return false;
    }
    Device *rtc = machine_device(m, "pl031", "rtc0", NULL, RTC_BASE, err);
    if (!rtc) {
        return false;
    }
    wire_spi(m, rtc, SPI_RTC);
    mem_commit(m->mem);
    m->on_reset = boot;
    return load(m, err);
}

static bool set(Machine *m, const char *key, const char *value, Err *err)
{
    (void)m;
    if (strcmp(key, "gic-version") == 0) {
        return strcmp(value, "2") == 0
            || fail(err, "-M virt,gic-version=%s: only 2 is there", value);
    }
    if (strcmp(key, "highmem") == 0 || strcmp(key, "usb") == 0
        || strcmp(key, "dtb-randomness") == 0) {
        return true;
    }
    if (strcmp(key, "secure") == 0 || strcmp(key, "virtualization") == 0) {
        return strcmp(value, "off") == 0
            || fail(err, "-M virt,%s=%s: EL2 and EL3 are not there", key, value);
    }
    return fail(err, "-M virt has no option \"%s\": gic-version", key);
}

static const char *const cpus[] = {
    "cortex-a53", "cortex-a57", "cortex-a72", "max", NULL
};

BOARD(virt) {
    .name = "virt",
    .about = "ARM virtual machine",
    .target = "aarch64",
    .cpu = "cortex-a57",
    .cpus = cpus,
    .max_cpus = 8,
    .ram_default = 128ull << 20,
    .ram_max = 255ull << 30,
    .init = init,
    .set = set,
};
