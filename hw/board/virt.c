/* SPDX-License-Identifier: MIT */
/*
 * The board `virt` for ARM: no hardware that exists, but one that every ARM
 * Linux knows from its device tree.  The memory map and interrupts are those
 * that QEMU documents for its machine of this name; virt.h has them.
 *
 * Left out: PCIe, GICv2m, the ITS, SMMU, EL2 and EL3.
 */
#include <elf.h>
#include <libfdt.h>
#include <stdlib.h>
#include "block/block.h"
#include "chardev/chardev.h"
#include "hw/block/pflash.h"
#include "hw/board/board_options.h"
#include "hw/board/virt.h"
#include "hw/intc/gic_access.h"
#include "hw/misc/fw_cfg.h"
#include "hw/virtio/virtio.h"
#include "softmmu/clock.h"
#include "softmmu/objects.h"
#include "target/target.h"

const PrimeCell virt_cells[PRIMECELLS] = {
    [UART] = { "pl011", "uart0", 0x09000000, 1, "uartclk\0apb_pclk", 2 },
    [RTC]  = { "pl031", "rtc0",  0x09010000, 2, "apb_pclk", 1 },
    [GPIO] = { "pl061", "gpio0", 0x09030000, 7, "apb_pclk", 1 },
};

/* Outputs of the CPU (the target's numbers) and the PPIs they go to. */
static const struct { int wire, ppi; } cpu_ppis[] = {
    { 0, 30 },                  /* CNTP: non-secure physical */
    { 1, 27 },                  /* CNTV */
    { 2, 26 },                  /* CNTHP */
    { 3, 29 },                  /* CNTPS */
    { 4, 23 },                  /* PMU */
};

/* ---- wires -------------------------------------------------------------- */

static void wire_cpu(Machine *m, Cpu *c)
{
    Device *gic = virt(m)->gic;

    line_connect(device_line(gic, "irq", (u32)c->index), cpu_line, c, 0);
    line_connect(device_line(gic, "fiq", (u32)c->index), cpu_line, c, 1);
    for (u32 i = 0; i < countof(cpu_ppis); i++) {
        Line *l = c->target->output(c, cpu_ppis[i].wire);
        if (l) {
            line_connect(l, device_input, gic,
                         SPIS + 32 * c->index + cpu_ppis[i].ppi);
        }
    }
    if (gic_version(gic) == 3) {
        gicv3_connect(gic, c);
    }
    c->target->firmware(c, true, false);
}

static void wire_spi(Machine *m, Device *d, u32 spi)
{
    line_connect(device_line(d, "irq", 0), device_input, virt(m)->gic,
                 (int)spi);
}

/* ---- making it ---------------------------------------------------------- */

static bool make_ram(Machine *m, Err *err)
{
    MemRegion r = { .name = "mach-virt.ram", .base = RAM_BASE };

    m->ram = machine_ram(m, r.name, err);
    if (m->ram) {
        r.ram = m->ram;
        r.size = m->ram_size;
        mem_add(m->mem, &r);
    }
    return m->ram != NULL;
}

/*
 * The version that -M asks for: a number, or what suits best.  An accelerator
 * may have some in the kernel, else both are there.
 */
static const char *choose_gic(const Machine *m, Err *err)
{
    const char *asked = virt(m)->gic_version;
    u32 can = m->host_gics ? m->host_gics : 1 << 2 | 1 << 3;
    bool best = asked && (strcmp(asked, "host") == 0
                          || strcmp(asked, "max") == 0);
    u32 version = best ? (can >> 3 & 1 ? 3 : 2)
        : asked ? (u32)(asked[0] - '0') : can >> 2 & 1 ? 2 : 3;

    if (best && asked[0] == 'h' && !m->host_gics) {
        fail(err, "-M gic-version=host needs -accel kvm with "
             "kernel-irqchip=on; write 2, 3 or max");
        return NULL;
    }
    if (!(can >> version & 1)) {
        fail(err, "-M gic-version=%u: the host's kernel has no GICv%u for "
             "guests here; gic-version=host takes the one it has", version,
             version);
        return NULL;
    }
    return version == 3 ? "gicv3" : "gicv2";
}

static bool make_cpus(Machine *m, Err *err)
{
    const char *gic = choose_gic(m, err);
    g_autofree char *cpus = g_strdup_printf("num-cpu=%u", m->opts->smp);
    const char *model = m->opts->cpu ? m->opts->cpu
        : m->host_id ? "host" : m->board->cpu;

    if (!gic) {
        return false;
    }
    virt(m)->gic = machine_device(m, gic, "gic", cpus, GIC_BASE, err);
    for (u32 i = 0; virt(m)->gic && i < m->opts->smp; i++) {
        Cpu *c = machine_add_cpu(m, model, err);
        if (!c) {
            return false;
        }
        wire_cpu(m, c);
    }
    return virt(m)->gic != NULL;
}

static bool make_cells(Machine *m, Err *err)
{
    g_autofree char *serial = m->serial[0]
        ? g_strdup_printf("chardev=%s", m->serial[0]) : NULL;
    g_autofree char *time = g_strdup_printf("ahead=%u",
                                            (u32)m->opts->rtc_ahead);
    const char *props[PRIMECELLS] = { [UART] = serial, [RTC] = time };

    for (u32 i = 0; i < PRIMECELLS; i++) {
        const PrimeCell *c = &virt_cells[i];
        Device *d = machine_device(m, c->type, c->id, props[i], c->base, err);
        if (!d) {
            return false;
        }
        wire_spi(m, d, c->spi);
        virt(m)->cell[i] = d;
    }
    return true;
}

static bool make_transports(Machine *m, Err *err)
{
    Virt *v = virt(m);

    for (u32 i = 0; i < VIRTIO_COUNT; i++) {
        g_autofree char *id = g_strdup_printf("virtio-mmio%u", i);
        Device *d = machine_device(m, "virtio-mmio", id, NULL,
                                   VIRTIO_BASE + (u64)i * VIRTIO_STEP, err);
        if (!d) {
            return false;
        }
        wire_spi(m, d, VIRTIO_SPI + i);
        v->transport[i] = d;
    }
    return true;
}

/* The first -device gets the last transport, as guests of QEMU know it. */
static bool plug(Machine *m, Device *d, Err *err)
{
    Virt *v = virt(m);

    if (v->plugged == VIRTIO_COUNT) {
        return fail(err, "all %d virtio-mmio transports of this machine are "
                    "taken", VIRTIO_COUNT);
    }
    return virtio_plug(v->transport[VIRTIO_COUNT - 1 - v->plugged++], d, err);
}

/* ---- the power button --------------------------------------------------- */

static void release_button(void *opaque)
{
    device_input(opaque, POWER_PIN, false);
}

static void press_button(Machine *m)
{
    enum { HOLD_NS = 100 * 1000 * 1000 };
    Virt *v = virt(m);

    device_input(v->cell[GPIO], POWER_PIN, true);
    timer_set(v->release, clock_now(CLOCK_VIRTUAL_NS) + HOLD_NS);
}

/* ---- flash and firmware ------------------------------------------------- */

static bool load_bios(Machine *m, Err *err)
{
    Blob b = { 0 };

    if (!firmware_read(m, m->opts->bios, &b, err)) {
        return false;
    }
    if (b.size > FLASH_BANK) {
        fail(err, "-bios %s: %zu MiB, and the flash has %d", m->opts->bios,
             b.size >> 20, FLASH_BANK >> 20);
    } else {
        memcpy(pflash_ram(virt(m)->flash[0])->host, b.data, b.size);
    }
    blob_free(&b);
    return !err->text[0];
}

static bool make_flash(Machine *m, Err *err)
{
    Virt *v = virt(m);
    FlashDrives f = { 0 };

    memcpy(f.id, v->pflash, sizeof f.id);
    if (!flash_drives(&f, err)) {
        return false;
    }
    for (u32 i = 0; i < FLASH_BANKS; i++) {
        g_autofree char *id = g_strdup_printf("virt.flash%u", i);
        g_autofree char *drive = f.id[i] ? g_strdup_printf("drive=%s", f.id[i])
                                         : NULL;
        v->flash[i] = machine_device(m, "cfi.pflash01", id, drive, ~0ull, err);
        if (!v->flash[i]) {
            return false;
        }
        pflash_map(v->flash[i], m->mem, NULL, FLASH_BASE + (u64)i * FLASH_BANK);
    }
    if (m->opts->bios && f.id[0]) {
        return fail(err, "-bios and a drive for flash bank 0: both would be "
                    "the firmware; leave one out");
    }
    v->firmware = m->opts->bios || f.id[0];
    return !m->opts->bios || load_bios(m, err);
}

static bool make_fw_cfg(Machine *m, Err *err)
{
    Device *d = machine_device(m, "fw_cfg_mem", "fw_cfg", NULL, FW_CFG_BASE,
                               err);

    virt(m)->fw_cfg = d;
    if (d) {
        fw_cfg_set_number(d, FW_CFG_NB_CPUS, 2, m->opts->smp);
        fw_cfg_file(d, "bootorder", "", 0);
    }
    return d != NULL;
}

/* Firmware starts the kernel; it gets the files as they are. */
static bool pass_kernel(Machine *m, Err *err)
{
    Virt *v = virt(m);
    const Options *o = m->opts;
    Device *d = v->fw_cfg;

    if (o->initrd && !blob_read(o->initrd, "-initrd", &v->initrd, err)) {
        return false;
    }
    fw_cfg_set_number(d, FW_CFG_KERNEL_SIZE, 4, v->kernel.size);
    fw_cfg_set(d, FW_CFG_KERNEL_DATA, v->kernel.data, (u32)v->kernel.size);
    fw_cfg_set_number(d, FW_CFG_INITRD_SIZE, 4, v->initrd.size);
    fw_cfg_set(d, FW_CFG_INITRD_DATA, v->initrd.data, (u32)v->initrd.size);
    if (o->append) {
        u32 len = (u32)strlen(o->append) + 1;
        fw_cfg_set_number(d, FW_CFG_CMDLINE_SIZE, 4, len);
        fw_cfg_set(d, FW_CFG_CMDLINE_DATA, o->append, len);
    }
    return true;
}

/* ---- kernel, RAM disk, device tree -------------------------------------- */

static bool check_kernel(const Virt *v, Err *err)
{
    return v->loaded.linux_image
        || (v->loaded.word == 64 && !v->loaded.big_endian)
        || fail(err, "%s is a %u-bit %s-endian program; the CPUs start in "
                "64-bit mode, little-endian", v->kernel.name, v->loaded.word,
                v->loaded.big_endian ? "big" : "little");
}

static void place_initrd(Machine *m)
{
    Virt *v = virt(m);

    if (v->initrd.size) {
        mem_load(m->mem, v->initrd_at, v->initrd.data, v->initrd.size);
    }
}

/* In the middle of memory or at 128 MiB, but behind the kernel. */
static bool read_initrd(Machine *m, Err *err)
{
    Virt *v = virt(m);
    u64 half = RAM_BASE + MIN(m->ram_size / 2, 128ull << 20);

    if (!m->opts->initrd) {
        return true;
    }
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
    place_initrd(m);
    return true;
}

/*
 * Behind the RAM disk; for firmware and bare programs at the start of RAM, if
 * that is free.
 */
static u64 place_tree(const Virt *v)
{
    u64 end = v->initrd.size ? v->initrd_at + v->initrd.size : v->loaded.high;

    if (v->firmware || !v->kernel.name
        || (!v->loaded.linux_image && v->loaded.low >= RAM_BASE + FDT_SIZE)) {
        return RAM_BASE;
    }
    return align_up(end, 1 << 21);
}

/*
 * Kernel and RAM disk, whose files are read again for a reset: what is rarely
 * needed shall not take memory twice.
 */
static bool load_again(Machine *m, Err *err)
{
    Virt *v = virt(m);
    const Options *o = m->opts;
    u64 initrd_size = v->initrd.size;
    Loaded was = v->loaded;

    blob_free(&v->kernel);
    blob_free(&v->initrd);
    if (!blob_read(o->kernel, "-kernel", &v->kernel, err)
        || !load_kernel(m, &v->kernel, RAM_BASE, EM_AARCH64, &v->loaded, err)
        || (o->initrd
            && !blob_read(o->initrd, "-initrd", &v->initrd, err))) {
        return false;
    }
    if (v->loaded.entry != was.entry || v->loaded.high != was.high
        || v->initrd.size != initrd_size) {
        return fail(err, "the files of -kernel and -initrd are not those that "
                    "the machine was started with; start it anew");
    }
    place_initrd(m);
    return true;
}

/* Puts everything in memory; at start and after each reset. */
static void boot(Machine *m)
{
    Virt *v = virt(m);
    bool direct = v->kernel.name && !v->firmware;
    Err err = { 0 };

    if (direct && !v->fresh && !load_again(m, &err)) {
        fprintf(stderr, "anole: %s\n", err.text);
        m->exit_code = EXIT_FAILURE;
        machine_shutdown(m, SHUTDOWN_ERROR);
    }
    if (direct) {
        blob_drop(&v->kernel);
        blob_drop(&v->initrd);
    }
    v->fresh = false;
    virt_choose(m);
    fdt_pack(v->fdt);
    mem_load(m->mem, v->dtb_at, v->fdt, fdt_totalsize(v->fdt));
    fdt_open_into(v->fdt, v->fdt, FDT_SIZE);
    m->cpu[0]->target->start_at(m->cpu[0],
                                direct ? v->loaded.entry : FLASH_BASE,
                                direct ? v->dtb_at : 0);
}

/* -M dumpdtb=FILE writes the tree, and that is all that is wanted. */
static bool dump_tree(Machine *m, Err *err)
{
    Virt *v = virt(m);
    GError *why = NULL;

    virt_choose(m);
    fdt_pack(v->fdt);
    if (!g_file_set_contents(v->dump, (char *)v->fdt, fdt_totalsize(v->fdt),
                             &why)) {
        fail(err, "-M dumpdtb=%s: %s", v->dump, why->message);
        g_error_free(why);
        return false;
    }
    printf("the device tree is in %s\n", v->dump);
    chardev_close_all();
    exit(EXIT_SUCCESS);
}

static bool load(Machine *m, Err *err)
{
    Virt *v = virt(m);
    const Options *o = m->opts;

    v->fdt = g_malloc0(FDT_SIZE);
    if (!o->dtb) {
        virt_make_tree(m);
    } else if (!virt_read_tree(m, o->dtb, err)) {
        return false;
    }
    if (!o->kernel && (o->initrd || o->append)) {
        return fail(err, "-%s needs -kernel", o->initrd ? "initrd" : "append");
    }
    if (o->kernel && !blob_read(o->kernel, "-kernel", &v->kernel, err)) {
        return false;
    }
    if (o->kernel && v->firmware) {
        if (!pass_kernel(m, err)) {
            return false;
        }
    } else if (o->kernel) {
        if (!load_kernel(m, &v->kernel, RAM_BASE, EM_AARCH64, &v->loaded, err)
            || !check_kernel(v, err) || !read_initrd(m, err)) {
            return false;
        }
        v->fresh = true;
    }
    if (v->dump) {
        return dump_tree(m, err);
    }
    v->dtb_at = place_tree(v);
    return v->dtb_at + FDT_SIZE <= RAM_BASE + m->ram_size
        || fail(err, "the device tree does not fit the machine's memory "
                "behind the kernel; -m gives it more");
}

/* ---- the board ---------------------------------------------------------- */

static bool make_all(Machine *m, Err *err)
{
    return make_ram(m, err) && make_flash(m, err) && make_cpus(m, err)
        && make_cells(m, err) && make_fw_cfg(m, err)
        && make_transports(m, err);
}

static bool init(Machine *m, Err *err)
{
    bool ok;

    if (!m->board_data) {
        m->board_data = g_new0(Virt, 1);
    }
    mem_begin(m->mem);
    ok = make_all(m, err);
    mem_commit(m->mem);
    if (!ok) {
        return false;
    }
    virt(m)->release = timer_new(CLOCK_VIRTUAL_NS, release_button,
                                 virt(m)->cell[GPIO]);
    m->power_button = press_button;
    m->plug = plug;
    m->on_reset = boot;
    return load(m, err);
}

/* ---- -M virt,key=value -------------------------------------------------- */

static bool set_text(Machine *m, const char *key, const char *value, Err *err)
{
    if (!m->board_data) {
        m->board_data = g_new0(Virt, 1);
    }
    if (strcmp(key, "gic-version") == 0) {
        static const char *const known[] = { "2", "3", "host", "max" };
        u32 i = 0;
        while (i < countof(known) && strcmp(value, known[i])) {
            i++;
        }
        virt(m)->gic_version = g_strdup(value);
        return i < countof(known)
            || fail(err, "-M gic-version=%s: write 2, 3, host or max", value);
    }
    if (strcmp(key, "dumpdtb") == 0) {
        virt(m)->dump = g_strdup(value);
    } else {
        virt(m)->pflash[key[6] - '0'] = g_strdup(value);
    }
    return true;
}

static const BoardOption options[] = {
    TAKEN_BY("pflash0", set_text), TAKEN_BY("pflash1", set_text), TAKEN_BY("dumpdtb", set_text),
    TAKEN_BY("gic-version", set_text),
    ONLY("secure", "off", "there is no EL3"),
    ONLY("virtualization", "off", "there is no EL2"),
    ONLY("mte", "off", "there are no memory tags"),
    ONLY("iommu", "none", "there is no SMMU"),
    ONLY("acpi", "off", "the guest gets a device tree"),
    IGNORED("highmem"), IGNORED("usb"), IGNORED("dtb-randomness"), IGNORED("dtb-kaslr-seed"),
    IGNORED("its"), IGNORED("ras"), IGNORED("mem-merge"), IGNORED("dump-guest-core"),
    IGNORED("graphics"), IGNORED("suppress-vmdesc"), { 0 }
};

static bool set(Machine *m, const char *key, const char *value, Err *err)
{
    return board_option(m, options, key, value, err);
}

static const char *const cpus[] = {
    "cortex-a53", "cortex-a57", "cortex-a72", "max", "host", NULL
};

static const char *const targets[] = { "aarch64", NULL };
static const BoardDrive drives[] = {
    { "virtio", "virtio-blk-device" }, { NULL, NULL }
};

BOARD(virt) {
    .name = "virt",
    .about = "ARM virtual machine",
    .targets = targets,
    .cpu = "cortex-a57",
    .cpus = cpus,
    .max_cpus = 8,
    .ram_default = 128ull << 20,
    .ram_max = 255ull << 30,
    .serials = 1,
    .nic = "virtio-net-device",
    .drives = drives,
    .init = init,
    .set = set,
};
