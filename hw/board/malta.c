/* SPDX-License-Identifier: MIT */
/*
 * The board `malta` of MIPS: a GT-64120 with PCI, PIIX4 with a PC's devices,
 * an FPGA.  Slots and interrupts are those that Linux knows of the board.
 * References: MALTA User's Manual (MD00048); YAMON Reference Manual (MD00009)
 * for what a kernel is given.
 *
 * With -kernel the board does its boot loader's work: it sets the GT-64120 and
 * PIIX4 up, writes arguments and environment, and jumps from the reset vector.
 *
 * The flash is at 1e000000.  At the reset vector it is seen once more, as it
 * was at the last reset.  Its image has each word as a big-endian CPU has it,
 * so that one for little-endian CPUs has its words swapped.
 *
 * Left out: USB, audio.
 */
#include "hw/acpi/pm.h"
#include "hw/block/pflash.h"
#include "hw/board/flash.h"
#include "hw/board/mips.h"
#include "hw/ide/ide.h"
#include "hw/input/i8042.h"
#include "hw/intc/i8259.h"
#include "hw/pci/gt64120.h"
#include "hw/pci/host.h"
#include "hw/rtc/mc146818rtc.h"
#include "softmmu/objects.h"
#include "softmmu/options.h"
#include "softmmu/run.h"
#include "target/target.h"

enum {
    LOW_RAM = 256 << 20,
    FLASH_BASE = 0x1e000000, FLASH_PAGE = 4096,
    FPGA_BASE = 0x1f000000, CBUS_UART = 0x900,
    REVISION = 0x10, REVISION_GT64120 = 0x420,
    CPU_PIC = 2, CPU_CBUS_UART = 4,     /* interrupt inputs of the CPU */
    CLOCK_HZ = 333333333,
    PIIX4 = 10, FIRST_SLOT = 18, ISA_UARTS = 2, UARTS = ISA_UARTS + 1,
};
#define HIGH_RAM 0x80000000ull
#define KSEG0    0x80000000u
/* Where a kernel finds what it is given. */
enum { GIVEN = 0x2000, GIVEN_BYTES = 0x2000, STACK = GIVEN };

typedef struct Malta {
    Ram    *rom;
    Blob    kernel, initrd;
    Loaded  loaded;
    Device *flash, *gt, *piix4, *pic[2], *pm, *pm_function;
    PciBus *pci;
    u32     driven[16];         /* who drives an ISA interrupt */
} Malta;

/* ---- memory ------------------------------------------------------------- */

static bool make_memory(Machine *m, Err *err)
{
    Malta *s = m->board_data;
    MemRegion high = { .name = "mips_malta.ram", .base = HIGH_RAM,
                       .size = m->ram_size };
    MemRegion low = { .name = "mips_malta.ram-low",
                      .size = MIN(m->ram_size, (u64)LOW_RAM) };

    high.ram = low.ram = m->ram = machine_ram(m, high.name, err);
    if (!m->ram) {
        return false;
    }
    mem_add(m->mem, &high);
    mem_add(m->mem, &low);
    s->rom = mips_make_rom(m, "mips_malta.bios", err);
    return s->rom != NULL;
}

static u64 no_port(void *opaque, u64 at, unsigned size)
{
    (void)opaque, (void)at;
    return MASK(8 * size);
}

/* Ports without a device read ones. */
static void make_ports(Machine *m)
{
    const MemRegion nothing = { .name = "ports", .size = 1 << 16,
                                .priority = -1, .read = no_port };

    m->io = mem_new();
    mem_add(m->io, &nothing);
}

/* ---- interrupts --------------------------------------------------------- */

enum { FROM_ISA, FROM_PCI };            /* the latter: one for each line on */

static void isa_irq(void *machine, int n, bool level)
{
    Malta *s = ((Machine *)machine)->board_data;
    u32 irq = n & 15, source = 1u << (n >> 8);

    s->driven[irq] = level ? s->driven[irq] | source
                           : s->driven[irq] & ~source;
    device_input(s->pic[irq >> 3], irq & 7, s->driven[irq] != 0);
}

static void routed_irq(void *machine, u32 isa, u32 line, bool level)
{
    isa_irq(machine, (int)(isa | (FROM_PCI + line) << 8), level);
}

static void slot_irq(void *machine, int line, bool level)
{
    piix3_line(((Malta *)((Machine *)machine)->board_data)->piix4, (u32)line,
               level);
}

/* USB of PIIX4, Ethernet and audio of the board; slots from 18 on. */
static u32 pci_route(void *machine, u32 slot, u32 pin)
{
    (void)machine;
    switch (slot) {
    case PIIX4:
        return 3;
    case 11: case 12:
        return slot - PIIX4;
    default:
        return (slot - FIRST_SLOT + pin) & 3;
    }
}

static u32 acknowledge(void *machine)
{
    Malta *s = ((Machine *)machine)->board_data;

    return (u32)i8259_ack(s->pic[0]);
}

static void wire(Machine *m, Device *d, u32 i, int irq)
{
    line_connect(device_line(d, "irq", i), isa_irq, m, irq | FROM_ISA << 8);
}

static bool make_pics(Machine *m, Err *err)
{
    Malta *s = m->board_data;

    s->pic[0] = machine_device(m, "isa-pic", "pic0", "master=on", ~0ull, err);
    s->pic[1] = s->pic[0] ? machine_device(m, "isa-pic", "pic1", NULL, ~0ull,
                                           err) : NULL;
    if (!s->pic[1]) {
        return false;
    }
    i8259_map(s->pic[0], m->io, 0x20, 0x4d0);
    i8259_map(s->pic[1], m->io, 0xa0, 0x4d1);
    i8259_cascade(s->pic[0], s->pic[1]);
    line_connect(device_line(s->pic[0], "intr", 0), cpu_line, m->cpu[0],
                 CPU_PIC);
    return true;
}

/* ---- devices ------------------------------------------------------------ */

typedef struct IsaPlace { u16 port; u8 irq; } IsaPlace;

/* An ISA device, which is known by its type. */
static Device *at_port(Machine *m, const char *type, const char *props,
                       IsaPlace at, Err *err)
{
    g_autofree char *id = g_strdup_printf("%s-%x", type, at.port);
    Device *d = machine_device(m, type, id, props, ~0ull, err);

    if (d) {
        device_map(d, m->io, at.port);
        wire(m, d, 0, at.irq);
    }
    return d;
}

static char *serial_props(const Machine *m, u32 n)
{
    return m->serial[n] ? g_strdup_printf("chardev=%s", m->serial[n]) : NULL;
}

static bool make_serials(Machine *m, Err *err)
{
    static const IsaPlace at[ISA_UARTS] = { { 0x3f8, 4 }, { 0x2f8, 3 } };

    for (u32 i = 0; i < ISA_UARTS; i++) {
        g_autofree char *props = serial_props(m, i);
        if (!at_port(m, "isa-serial", props, at[i], err)) {
            return false;
        }
    }
    return true;
}

/* The CBUS's has a register in each eight bytes. */
static u64 cbus_read(void *uart, u64 at, unsigned size)
{
    Device *d = uart;

    (void)size;
    return d->type->mmio_read(d, at >> 3, 1);
}

static void cbus_write(void *uart, u64 at, unsigned size, u64 v)
{
    Device *d = uart;

    (void)size;
    d->type->mmio_write(d, at >> 3, 1, v & 0xff);
}

static bool make_cbus_uart(Machine *m, Err *err)
{
    g_autofree char *props = serial_props(m, ISA_UARTS);
    Device *d = machine_device(m, "isa-serial", "cbus-uart", props, ~0ull, err);

    if (!d) {
        return false;
    }
    mem_add(m->mem, &(MemRegion) {
        .name = "cbus-uart", .base = FPGA_BASE + CBUS_UART, .size = 64,
        .priority = 1, .read = cbus_read, .write = cbus_write, .opaque = d });
    line_connect(device_line(d, "irq", 0), cpu_line, m->cpu[0], CPU_CBUS_UART);
    return true;
}

static bool make_isa(Machine *m, Err *err)
{
    g_autofree char *time = g_strdup_printf(
        "ahead=%llu", (unsigned long long)m->opts->rtc_ahead);
    Device *keyboard = machine_device(m, "i8042", "i8042", NULL, ~0ull, err);

    if (!keyboard) {
        return false;
    }
    i8042_map(keyboard, m->io, 0x60);
    wire(m, keyboard, 0, 1);
    wire(m, keyboard, 1, 12);
    return at_port(m, "isa-pit", NULL, (IsaPlace) { 0x40, 0 }, err)
        && at_port(m, "mc146818rtc", time, (IsaPlace) { 0x70, 8 }, err)
        && make_serials(m, err);
}

static void press_button(Machine *m)
{
    acpi_pm_power_button(((Malta *)m->board_data)->pm);
}

static bool make_piix4(Machine *m, Err *err)
{
    Malta *s = m->board_data;
    Device *ide = NULL;

    s->piix4 = pci_device(m, s->pci, "PIIX4", "piix4", NULL, err);
    if (s->piix4) {
        piix3_attach(s->piix4, routed_irq, m);
        ide = pci_device(m, s->pci, "piix4-ide", "ide", "addr=0a.1", err);
    }
    s->pm = ide ? machine_device(m, "acpi-pm", "pm", "smm=off", ~0ull, err)
                : NULL;
    s->pm_function = s->pm ? pci_device(m, s->pci, "PIIX4_PM", "piix4-pm",
                                        "addr=0a.3", err) : NULL;
    if (!s->pm_function) {
        return false;
    }
    wire(m, ide, 0, 14);
    wire(m, ide, 1, 15);
    line_connect(device_line(s->pm, "sci", 0), isa_irq, m, 9);
    piix4_pm_attach(s->pm_function, s->pm, m->io, false);
    m->power_button = press_button;
    return true;
}

static bool make_pci(Machine *m, Err *err)
{
    Malta *s = m->board_data;
    const PciRoot root = {
        .name = "pci", .first_slot = FIRST_SLOT, .mem = m->mem, .io = m->io,
        .route = pci_route, .irq = slot_irq, .opaque = m,
    };

    m->pci = s->pci = pci_root_new(&root);
    s->gt = pci_device(m, s->pci, "gt64120", "gt64120", NULL, err);
    if (!s->gt) {
        return false;
    }
    gt64120_attach(s->gt, s->pci, m->mem, m->io, acknowledge, m);
    return make_piix4(m, err);
}

static bool make_fpga(Machine *m, Err *err)
{
    const char *order = m->target->big_endian ? "big-endian=on" : NULL;

    return machine_device(m, "malta-fpga", "fpga", order, FPGA_BASE, err);
}

/* ---- words of the CPU's byte order -------------------------------------- */

static void put32(const Machine *m, u8 *at, u32 v)
{
    if (m->target->big_endian) {
        store_be(at, 4, v);
    } else {
        store_le(at, 4, v);
    }
}

/* ---- flash -------------------------------------------------------------- */

static bool load_bios(Machine *m, Err *err)
{
    Ram *flash = pflash_ram(((Malta *)m->board_data)->flash);

    if (!m->opts->bios) {
        return true;
    }
    if (!mips_load_bios(m, flash, err)) {
        return false;
    }
    for (u32 at = 0; at < MIPS_ROM_SIZE; at += 4) {
        put32(m, flash->host + at, (u32)load_be(flash->host + at, 4));
    }
    return true;
}

static bool make_flash(Machine *m, Err *err)
{
    Malta *s = m->board_data;
    FlashDrives f = { 0 };

    if (!flash_drives(&f, err)) {
        return false;
    }
    if (f.id[1]) {
        return fail(err, "-drive if=pflash: this machine has one flash bank, "
                    "unit=0");
    }
    if (f.id[0] && m->opts->bios) {
        return fail(err, "-bios and a drive for the flash: both would be the "
                    "firmware; leave one out");
    }
    g_autofree char *props = g_strdup_printf(
        "chips=1,sector-length=64K,num-blocks=64,swap=%s%s%s",
        m->target->big_endian ? "off" : "on", f.id[0] ? ",drive=" : "",
        f.id[0] ? f.id[0] : "");
    s->flash = machine_device(m, "cfi.pflash01", "flash", props, ~0ull, err);
    if (!s->flash) {
        return false;
    }
    pflash_map(s->flash, m->mem, NULL, FLASH_BASE);
    return load_bios(m, err);
}

/* What of the ROM differs from the flash becomes the same. */
static void copy_flash(Machine *m)
{
    Malta *s = m->board_data;
    const u8 *flash = pflash_ram(s->flash)->host;
    u8 page[FLASH_PAGE];

    for (u32 at = 0; at < MIPS_ROM_SIZE; at += FLASH_PAGE) {
        memcpy(page, flash + at, FLASH_PAGE);
        if (at == 0) {
            put32(m, page + REVISION, REVISION_GT64120);
        }
        if (memcmp(s->rom->host + at, page, FLASH_PAGE) != 0) {
            memcpy(s->rom->host + at, page, FLASH_PAGE);
            ram_wrote(s->rom, at, FLASH_PAGE);
        }
    }
}

/* ---- the boot loader's work --------------------------------------------- */

/* Strings and pointers to them, as YAMON leaves them in memory. */
typedef struct Given {
    const Machine *m;
    u8  bytes[GIVEN_BYTES];
    u32 pointers, text;         /* where the next goes */
    bool full;
} Given;

static void give(Given *g, const char *text)
{
    u32 len = text ? (u32)strlen(text) + 1 : 0;

    g->full |= g->text + len > GIVEN_BYTES;
    if (!g->full) {
        put32(g->m, g->bytes + g->pointers, text ? KSEG0 + GIVEN + g->text : 0);
        memcpy(g->bytes + g->text, text ? text : "", len);
        g->pointers += 4;
        g->text += len;
    }
}

static u64 low_ram(const Machine *m)
{
    return MIN(m->ram_size, (u64)LOW_RAM);
}

/* The RAM disk is at the end of what all kernels reach. */
static u64 initrd_at(const Machine *m)
{
    enum { ABOVE = 128 << 10, ALIGN = 64 << 10 };
    const Malta *s = m->board_data;

    return align_down(low_ram(m) - ABOVE - s->initrd.size, ALIGN);
}

static void fill_given(const Machine *m, Given *g, u32 *env)
{
    const Malta *s = m->board_data;
    const char *append = m->opts->append ? m->opts->append : "";
    g_autofree char *line = s->initrd.size
        ? g_strdup_printf("rd_start=0x%08llx rd_size=%zu %s",
                          (unsigned long long)(KSEG0 + initrd_at(m)),
                          s->initrd.size, append)
        : g_strdup(append);
    g_autofree char *memsize = g_strdup_printf("%llu",
                                               (unsigned long long)low_ram(m));
    g_autofree char *ememsize = g_strdup_printf("%llu",
                                          (unsigned long long)m->ram_size);
    const char *const words[] = {
        m->opts->kernel, line, NULL,
        "memsize", memsize, "ememsize", ememsize, "modetty0", "38400n8r",
        NULL, NULL,
    };

    *g = (Given) { .m = m, .text = 4 * countof(words) };
    *env = GIVEN + 4 * 3;
    for (u32 i = 0; i < countof(words); i++) {
        give(g, words[i]);
    }
}

/* lui, ori: a 32-bit number, sign-extended, into a register. */
static u8 *load_register(const Machine *m, u8 *at, u32 reg, u32 v)
{
    put32(m, at, 0x3c000000 | reg << 16 | v >> 16);
    put32(m, at + 4, 0x34000000 | reg << 21 | reg << 16 | (v & 0xffff));
    return at + 8;
}

/* Code at the reset vector, which a second instruction behind leaves. */
static void write_rom(Machine *m, u32 env)
{
    enum { JUMP_OVER = 0x10000007, JR_T9 = 0x03200008, A0 = 4, SP = 29,
           T9 = 25, CODE = 0x20 };
    const Malta *s = m->board_data;
    u8 *rom = s->rom->host, *at = rom + CODE;
    const u32 a[] = { 2, KSEG0 + GIVEN, KSEG0 + env, (u32)low_ram(m) };

    put32(m, rom, JUMP_OVER);
    for (u32 i = 0; i < countof(a); i++) {
        at = load_register(m, at, A0 + i, a[i]);
    }
    at = load_register(m, at, SP, KSEG0 + STACK - 64);
    at = load_register(m, at, T9, (u32)s->loaded.entry);
    put32(m, at, JR_T9);
}

/* As YAMON leaves them: MALTA User's Manual, 4.1; PCI's lines are 10, 11. */
static void set_chips(Malta *s)
{
    enum { PIRQRC = 0x60 };
    static const struct { u16 at, v; } gt[] = {
        { GT_ISD, 0x1be00000u >> 21 },
        { GT_PCI0IOLD, 0x18000000u >> 21 }, { GT_PCI0IOHD, 0x40 },
        { GT_PCI0M0LD, 0x10000000u >> 21 }, { GT_PCI0M0HD, 0x3f },
        { GT_PCI0M1LD, 0x18200000u >> 21 }, { GT_PCI0M1HD, 0x5e },
    };

    for (u32 i = 0; i < countof(gt); i++) {
        gt64120_set(s->gt, gt[i].at, gt[i].v);
    }
    for (u32 i = 0; i < 4; i++) {
        pci_config_write((PciDevice *)s->piix4, PIRQRC + i, 1, 10 + i / 2);
    }
}

static bool load(Machine *m, Err *err)
{
    Malta *s = m->board_data;
    g_autofree Given *g = g_new0(Given, 1);
    u32 env;

    if (!mips_load_kernel(m, &s->kernel, &s->loaded, err)) {
        return false;
    }
    if (s->initrd.size
        && (s->initrd.size + (1 << 20) > low_ram(m)
            || initrd_at(m) < s->loaded.high)) {
        return fail(err, "%s: %zu bytes do not fit behind the kernel; -m gives "
                    "more", s->initrd.name, s->initrd.size);
    }
    fill_given(m, g, &env);
    if (g->full) {
        return fail(err, "-append is longer than %d characters",
                    GIVEN_BYTES / 2);
    }
    write_rom(m, env);
    return mem_write(m->mem, GIVEN, g->bytes, sizeof g->bytes)
        && (!s->initrd.size || mem_write(m->mem, initrd_at(m), s->initrd.data,
                                         s->initrd.size));
}

static void boot(Machine *m)
{
    Malta *s = m->board_data;
    Err err = { 0 };

    copy_flash(m);
    if (s->kernel.data && load(m, &err)) {
        set_chips(s);
    }
}

static bool read_files(Machine *m, Err *err)
{
    Malta *s = m->board_data;
    const Options *o = m->opts;

    if (o->initrd && !o->kernel) {
        return fail(err, "-initrd needs -kernel");
    }
    return !o->kernel
        || (blob_read(o->kernel, "-kernel", &s->kernel, err)
            && (!o->initrd
                || blob_read(o->initrd, "-initrd", &s->initrd, err))
            && load(m, err));
}

/* ---- the board ---------------------------------------------------------- */

static bool make_all(Machine *m, Err *err)
{
    return make_memory(m, err)
        && mips_make_cpu(m, "24Kf", "MIPS64R2-generic", CLOCK_HZ, err)
        && make_pics(m, err) && make_isa(m, err) && make_pci(m, err)
        && make_fpga(m, err) && make_cbus_uart(m, err) && make_flash(m, err);
}

static bool plug(Machine *m, Device *d, Err *err)
{
    if (d->type->bus == BUS_PCI) {
        pci_plug(((Malta *)m->board_data)->pci, d);
        return true;
    }
    return d->type->bus == BUS_IDE && ide_plug(m, d, err);
}

static bool init(Machine *m, Err *err)
{
    Malta *s = g_new0(Malta, 1);
    bool ok;

    m->board_data = s;
    make_ports(m);
    mem_begin(m->mem);
    mem_begin(m->io);
    ok = make_all(m, err);
    mem_commit(m->io);
    mem_commit(m->mem);
    if (!ok) {
        return false;
    }
    copy_flash(m);
    m->on_reset = boot;
    m->plug = plug;
    return read_files(m, err);
}

static const BoardDrive drives[] = {
    { "ide", "ide-drive" }, { "virtio", "virtio-blk-pci" }, { NULL, NULL }
};

BOARD(malta) {
    .name = "malta",
    .about = "MIPS Malta Core LV",
    .targets = mips_targets,
    .max_cpus = 1,
    .ram_default = 128ull << 20,
    .ram_max = 2ull << 30,
    .serials = UARTS,
    .own_nic = true, .nic = "pcnet", .nic_place = "addr=0b",
    .ide_units = 2, .drives = drives,
    .init = init,
};
