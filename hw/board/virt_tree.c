/* SPDX-License-Identifier: MIT */
/*
 * The device tree of `virt`.  References: Devicetree Specification 0.4 and
 * the kernel's bindings for each `compatible`.
 *
 * A new node comes first, so everything is added last to first.
 */
#include "hw/board/virt.h"
#include "hw/core/fdt.h"
#include "hw/intc/gic_access.h"
#include "softmmu/clock.h"

enum { PHANDLE_GIC = 1, PHANDLE_CLOCK, PHANDLE_GPIO, PHANDLE_CPU };
enum { IRQ_SPI = 0, IRQ_PPI = 1 };              /* first interrupt cell */
enum { EDGE_RISING = 1, LEVEL_HIGH = 4 };       /* third */
enum { KEY_POWER = 116 };                       /* Linux input event code */

static void add_clock(void *fdt)
{
    int n = fdt_add_subnode(fdt, 0, "apb-pclk");

    FDT_CELLS(fdt, n, "phandle", PHANDLE_CLOCK);
    fdt_setprop_string(fdt, n, "clock-output-names", "clk24mhz");
    FDT_CELLS(fdt, n, "clock-frequency", 24000000);
    FDT_CELLS(fdt, n, "#clock-cells", 0);
    fdt_setprop_string(fdt, n, "compatible", "fixed-clock");
}

/* Third cell of a PPI; GICv2's says which CPUs have it. */
static u32 ppi_flags(const Machine *m)
{
    return (gic_version(virt(m)->gic) == 2 ? (u32)MASK(m->ncpus) << 8 : 0)
        | LEVEL_HIGH;
}

/* PPIs 13, 14, 11, 10: EL3 or secure, EL1, virtual, EL2; then the PMU's. */
static void add_timer(Machine *m, void *fdt)
{
    u32 flags = ppi_flags(m);
    int n = fdt_add_subnode(fdt, 0, "timer");

    FDT_CELLS(fdt, n, "interrupts", IRQ_PPI, 13, flags, IRQ_PPI, 14, flags,
              IRQ_PPI, 11, flags, IRQ_PPI, 10, flags);
    fdt_flag(fdt, n, "always-on");
    fdt_compatible(fdt, n, "arm,armv8-timer;arm,armv7-timer");
}

static void add_pmu(Machine *m, void *fdt)
{
    u32 flags = ppi_flags(m);
    int n = fdt_add_subnode(fdt, 0, "pmu");

    FDT_CELLS(fdt, n, "interrupts", IRQ_PPI, 7, flags);
    fdt_setprop_string(fdt, n, "compatible", "arm,armv8-pmuv3");
}

/* One socket with one cluster. */
static void add_cpu_map(Machine *m, void *fdt, int cpus)
{
    int map = fdt_add_subnode(fdt, cpus, "cpu-map");
    int socket = fdt_add_subnode(fdt, map, "socket0");
    int cluster = fdt_add_subnode(fdt, socket, "cluster0");

    for (u32 i = m->ncpus; i-- > 0;) {
        g_autofree char *name = g_strdup_printf("core%u", i);
        int core = fdt_add_subnode(fdt, cluster, name);
        FDT_CELLS(fdt, core, "cpu", PHANDLE_CPU + i);
    }
}

static void add_cpus(Machine *m, void *fdt)
{
    int cpus = fdt_add_subnode(fdt, 0, "cpus");

    FDT_CELLS(fdt, cpus, "#size-cells", 0);
    FDT_CELLS(fdt, cpus, "#address-cells", 1);
    for (u32 i = m->ncpus; i-- > 0;) {
        const char *model = m->cpu[i]->model;
        g_autofree char *type = g_strdup_printf(
            "arm,%s", strcmp(model, "max") == 0 ? "cortex-a57"
            : strcmp(model, "host") == 0 ? "armv8" : model);
        int n = fdt_node_at(fdt, cpus, "cpu", i);
        FDT_CELLS(fdt, n, "phandle", PHANDLE_CPU + i);
        FDT_CELLS(fdt, n, "reg", i);
        if (m->ncpus > 1) {
            fdt_setprop_string(fdt, n, "enable-method", "psci");
        }
        fdt_setprop_string(fdt, n, "compatible", type);
        fdt_setprop_string(fdt, n, "device_type", "cpu");
    }
    add_cpu_map(m, fdt, cpus);
}

static void add_flash(void *fdt)
{
    int n = fdt_node_at(fdt, 0, "flash", FLASH_BASE);

    FDT_CELLS(fdt, n, "bank-width", 4);
    FDT_CELLS(fdt, n, "reg", 0, FLASH_BASE, 0, FLASH_BANK,
              0, FLASH_BASE + FLASH_BANK, 0, FLASH_BANK);
    fdt_setprop_string(fdt, n, "compatible", "cfi-flash");
}

static void add_gic(const Virt *v, void *fdt)
{
    int n = fdt_node_at(fdt, 0, "intc", GIC_BASE);

    FDT_CELLS(fdt, n, "phandle", PHANDLE_GIC);
    if (gic_version(v->gic) == 3) {
        FDT_CELLS(fdt, n, "reg", 0, GIC_BASE, 0, GIC_PART,
                  0, GICR_BASE, 0, GICR_SIZE);
        FDT_CELLS(fdt, n, "#redistributor-regions", 1);
    } else {
        FDT_CELLS(fdt, n, "reg", 0, GIC_BASE, 0, GIC_PART,
                  0, GIC_BASE + GIC_PART, 0, GIC_PART);
    }
    fdt_compatible(fdt, n, v->gic->type->compatible);
    fdt_flag(fdt, n, "ranges");
    FDT_CELLS(fdt, n, "#size-cells", 2);
    FDT_CELLS(fdt, n, "#address-cells", 2);
    fdt_flag(fdt, n, "interrupt-controller");
    FDT_CELLS(fdt, n, "#interrupt-cells", 3);
}

/* Returns the node, for what only this one has. */
static int add_cell(const Virt *v, void *fdt, u32 i)
{
    static const u32 clocks[] = { PHANDLE_CLOCK, PHANDLE_CLOCK };
    const PrimeCell *c = &virt_cells[i];
    const DeviceType *t = v->cell[i]->type;
    int n = fdt_node_at(fdt, 0, c->type, c->base);
    size_t len = strlen(c->clocks) + 1;

    len += c->nclocks > 1 ? strlen(c->clocks + len) + 1 : 0;
    fdt_strings(fdt, n, "clock-names", c->clocks, len);
    fdt_cells(fdt, n, "clocks", clocks, c->nclocks);
    FDT_CELLS(fdt, n, "interrupts", IRQ_SPI, c->spi, LEVEL_HIGH);
    fdt_reg(fdt, n, c->base, t->window);
    fdt_compatible(fdt, n, t->compatible);
    return n;
}

static void add_gpio(const Virt *v, void *fdt)
{
    int n = add_cell(v, fdt, GPIO);

    FDT_CELLS(fdt, n, "phandle", PHANDLE_GPIO);
    fdt_flag(fdt, n, "gpio-controller");
    FDT_CELLS(fdt, n, "#gpio-cells", 2);

    int keys = fdt_add_subnode(fdt, 0, "gpio-keys");
    fdt_setprop_string(fdt, keys, "compatible", "gpio-keys");
    n = fdt_add_subnode(fdt, keys, "poweroff");
    FDT_CELLS(fdt, n, "gpios", PHANDLE_GPIO, POWER_PIN, 0);
    FDT_CELLS(fdt, n, "linux,code", KEY_POWER);
    fdt_setprop_string(fdt, n, "label", "GPIO Key Poweroff");
}

static void add_virtio(const Virt *v, void *fdt)
{
    for (u32 i = VIRTIO_COUNT; i-- > 0;) {
        u64 at = VIRTIO_BASE + (u64)i * VIRTIO_STEP;
        if (!v->transport[i]) {
            continue;
        }
        int n = fdt_node_at(fdt, 0, "virtio_mmio", at);
        fdt_flag(fdt, n, "dma-coherent");
        FDT_CELLS(fdt, n, "interrupts", IRQ_SPI, VIRTIO_SPI + i, EDGE_RISING);
        fdt_reg(fdt, n, at, VIRTIO_STEP);
        fdt_setprop_string(fdt, n, "compatible", "virtio,mmio");
    }
}

static void add_fw_cfg(const Virt *v, void *fdt)
{
    const DeviceType *t = v->fw_cfg->type;
    int n = fdt_node_at(fdt, 0, "fw-cfg", FW_CFG_BASE);

    fdt_flag(fdt, n, "dma-coherent");
    fdt_reg(fdt, n, FW_CFG_BASE, t->window);
    fdt_compatible(fdt, n, t->compatible);
}

static void add_memory(Machine *m, void *fdt)
{
    int n = fdt_node_at(fdt, 0, "memory", RAM_BASE);

    fdt_reg(fdt, n, RAM_BASE, m->ram_size);
    fdt_setprop_string(fdt, n, "device_type", "memory");
}

/* Function numbers of PSCI 0.1, for kernels that want them. */
static void add_psci(void *fdt)
{
    static const char list[] = "arm,psci-1.0\0arm,psci-0.2\0arm,psci";
    int n = fdt_add_subnode(fdt, 0, "psci");

    FDT_CELLS(fdt, n, "migrate", 0xc4000005);
    FDT_CELLS(fdt, n, "cpu_on", 0xc4000003);
    FDT_CELLS(fdt, n, "cpu_off", 0x84000002);
    FDT_CELLS(fdt, n, "cpu_suspend", 0xc4000001);
    fdt_setprop_string(fdt, n, "method", "hvc");
    fdt_strings(fdt, n, "compatible", list, sizeof list);
}

void virt_make_tree(Machine *m)
{
    Virt *v = virt(m);
    void *fdt = v->fdt;

    fdt_create_empty_tree(fdt, FDT_SIZE);
    fdt_add_subnode(fdt, 0, "chosen");
    add_clock(fdt);
    add_timer(m, fdt);
    add_cpus(m, fdt);
    add_flash(fdt);
    add_gic(v, fdt);
    add_pmu(m, fdt);
    add_cell(v, fdt, UART);
    add_cell(v, fdt, RTC);
    add_gpio(v, fdt);
    add_virtio(v, fdt);
    add_fw_cfg(v, fdt);
    add_memory(m, fdt);
    add_psci(fdt);
    FDT_CELLS(fdt, 0, "interrupt-parent", PHANDLE_GIC);
    fdt_setprop_string(fdt, 0, "model", "linux,dummy-virt");
    FDT_CELLS(fdt, 0, "#size-cells", 2);
    FDT_CELLS(fdt, 0, "#address-cells", 2);
    fdt_setprop_string(fdt, 0, "compatible", "linux,dummy-virt");
    g_autofree char *console = g_strdup_printf(
        "/%s@%x", virt_cells[UART].type, virt_cells[UART].base);
    fdt_setprop_string(fdt, fdt_path_offset(fdt, "/chosen"), "stdout-path",
                       console);
}

/* The machine's memory takes the place of what the user's tree says. */
bool virt_read_tree(Machine *m, const char *path, Err *err)
{
    Virt *v = virt(m);
    int n;

    if (!blob_read(path, "-dtb", &v->dtb, err)) {
        return false;
    }
    if (v->dtb.size < sizeof(struct fdt_header)
        || fdt_check_full(v->dtb.data, v->dtb.size)
        || fdt_open_into(v->dtb.data, v->fdt, FDT_SIZE)) {
        return fail(err, "-dtb %s is no device tree blob of up to %d KiB "
                    "(dtc makes one)", path, FDT_SIZE >> 11);
    }
    while ((n = fdt_node_offset_by_prop_value(v->fdt, -1, "device_type",
                                              "memory", 7)) >= 0) {
        fdt_del_node(v->fdt, n);
    }
    add_memory(m, v->fdt);
    return true;
}

void virt_choose(Machine *m)
{
    const Virt *v = virt(m);
    void *fdt = v->fdt;
    int n = fdt_path_offset(fdt, "/chosen");
    u32 seed[8];

    n = n < 0 ? fdt_add_subnode(fdt, 0, "chosen") : n;
    gate_random(seed, sizeof seed);
    fdt_cells(fdt, n, "kaslr-seed", seed, 2);
    gate_random(seed, sizeof seed);
    fdt_cells(fdt, n, "rng-seed", seed, 8);
    if (m->opts->append) {
        fdt_setprop_string(fdt, n, "bootargs", m->opts->append);
    }
    if (v->initrd.size && v->initrd_at) {
        u64 end = v->initrd_at + v->initrd.size;
        FDT_CELLS(fdt, n, "linux,initrd-end", (u32)(end >> 32), (u32)end);
        FDT_CELLS(fdt, n, "linux,initrd-start", (u32)(v->initrd_at >> 32),
                  (u32)v->initrd_at);
    }
}
