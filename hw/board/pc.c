/* SPDX-License-Identifier: MIT */
/*
 * The PC boards: `pc` with PCI, `q35` with PCI Express, `isapc`, a PC of the
 * time before them, `microvm`, which has virtio devices in their place.
 *
 * With -kernel and no -bios there is no firmware: a ROM of our own starts
 * the kernel.
 */
#include <stdio.h>
#include <stdlib.h>
#include "hw/board/board_options.h"
#include "hw/board/pc.h"
#include "hw/ide/ide.h"
#include "hw/nvme/ns.h"
#include "hw/virtio/virtio.h"
#include "target/target.h"

/* What no device answers reads as ones. */
static u64 open_bus(void *opaque, u64 at, unsigned size)
{
    (void)opaque;
    (void)at;
    return MASK(size * 8);
}

static void make_port_space(Machine *m)
{
    static const MemRegion nothing = {
        .name = "nothing", .size = 0x10000, .priority = -1, .read = open_bus,
        .lockless = true,
    };

    m->io = mem_new();
    mem_add(m->io, &nothing);
}

static bool make_cpus(Machine *m, Err *err)
{
    const Options *o = m->opts;
    const char *model = o->cpu ? o->cpu : m->board->cpu;
    u32 n = pc(m)->kind->chipset == PC_NO_PCI ? o->smp
                                              : topology_cpus(&o->topology);

    for (u32 i = 0; i < n; i++) {
        if (!machine_add_cpu(m, model, err)) {
            return false;
        }
    }
    return true;
}

/* What firmware asks for, and what a kernel is told without it. */
static bool make_fw_cfg(Machine *m, Err *err)
{
    Pc *s = pc(m);
    FwCfgX86 x = {
        .ram = m->ram_size, .cpus = m->opts->smp, .max_cpus = m->ncpus,
        .nographic = m->opts->nographic, .boot_menu = m->opts->boot_menu,
        .e820 = s->boot.map,
    };

    s->boot.low_ram = pc_tables_at(s);
    s->boot.nmap = x.rows = pc_memory_rows(m, s->boot.map);
    s->fw_cfg = pc_at_port(m, "fw_cfg_io", "fw_cfg", NULL, FW_CFG_PORT, err);
    if (s->fw_cfg) {
        fw_cfg_x86(s->fw_cfg, &x);
        fw_cfg_file(s->fw_cfg, "bootorder", "", 0);
        if (m->opts->nographic) {       /* SeaBIOS's screen is a terminal */
            fw_cfg_file(s->fw_cfg, "etc/sercon-port", "\xf8\x03", 2);
        }
    }
    return s->fw_cfg != NULL;
}

/* ---- the screen --------------------------------------------------------- */

/* An adapter that is no PCI function has its BIOS from the firmware's files. */
static bool give_vga_bios(Machine *m, const char *file)
{
    g_autofree char *name = g_strdup_printf("vgaroms/%s", file);
    Blob b = { 0 };
    Err why = { 0 };

    if (firmware_read(m, file, &b, &why)) {
        fw_cfg_file(pc(m)->fw_cfg, name, b.data, (u32)b.size);
        blob_free(&b);
    }
    return true;
}

bool pc_has_screen(const Machine *m)
{
    const Options *o = m->opts;

    return pc(m)->kind->vga
        && !(o->vga ? strcmp(o->vga, "none") == 0 : o->nodefaults);
}

static bool make_vga(Machine *m, Err *err)
{
    const PcKind *k = pc(m)->kind;

    if (!pc_has_screen(m)) {
        return true;
    }
    return machine_device_on(m, pc(m)->pci, k->vga, "vga", NULL, err)
        && (!k->vga_bios || give_vga_bios(m, k->vga_bios));
}

/* ---- virtio without PCI ------------------------------------------------- */

static bool make_transports(Machine *m, Err *err)
{
    Pc *s = pc(m);
    const PcTransports *t = &s->kind->transports;

    for (u32 i = 0; i < t->count; i++) {
        g_autofree char *id = g_strdup_printf("virtio-mmio%u", i);
        Device *d = machine_device(m, "virtio-mmio", id, NULL,
                                   t->base + i * t->step, err);
        if (!d) {
            return false;
        }
        line_connect(device_line(d, "irq", 0), device_input, s->ioapic,
                     (int)(t->gsi + i));
        s->transport[i] = d;
    }
    return true;
}

static bool plug(Machine *m, Device *d, Err *err)
{
    Pc *s = pc(m);

    if (d->type->bus == BUS_PCI && s->pci) {
        pci_plug(s->pci, d);
        return true;
    }
    if (d->type->bus == BUS_IDE) {
        return ide_plug(m, d, err);
    }
    if (d->type->bus == BUS_NVME) {
        return nvme_plug(m, d, err);
    }
    if (d->type->bus != BUS_VIRTIO || !s->kind->transports.count) {
        return false;
    }
    if (s->plugged == s->kind->transports.count) {
        return fail(err, "all %u virtio-mmio transports of this machine are "
                    "taken", s->plugged);
    }
    return virtio_plug(s->transport[s->plugged++], d, err);
}

/* ---- starting ----------------------------------------------------------- */

static void boot(Machine *m)
{
    Pc *s = pc(m);
    Err err = { 0 };

    pc_note_floppies(m);
    pc_note_cpus(m);
    pc_tell_boot_order(m);
    if (pc_has_acpi(s)) {
        pc_make_tables(m);              /* CPUs may have come or gone */
    }
    if (s->kind->ram_firmware) {
        pc_place_firmware(m);
    }
    if (!s->firmware) {
        if (pc_has_acpi(s)) {
            pc_place_acpi(m);
        }
        pc_place_smbios(m);
        if (!x86_boot_load(m, &s->boot, s->bios->host, &err)) {
            fprintf(stderr, "anole: %s\n", err.text);
            m->exit_code = EXIT_FAILURE;
            machine_shutdown(m, SHUTDOWN_ERROR);
        }
    }
}

/* SeaBIOS keeps tables at the end of low RAM. */
enum { FIRMWARE_TOP = 1 << 20 };

static bool load(Machine *m, Err *err)
{
    Pc *s = pc(m);
    const Options *o = m->opts;

    if (!o->kernel && (o->initrd || o->append)) {
        return fail(err, "-%s needs -kernel", o->initrd ? "initrd" : "append");
    }
    if (!o->kernel) {
        return true;
    }
    s->boot.low_ram = s->firmware ? s->low - FIRMWARE_TOP : s->boot.low_ram;
    return x86_boot_read(m, &s->boot, err)
        && (!s->firmware
            || x86_boot_by_firmware(m, &s->boot, s->fw_cfg, err));
}

static bool make_all(Machine *m, Err *err)
{
    const PcKind *k = pc(m)->kind;

    return pc_make_memory(m, err) && make_cpus(m, err) && pc_make_pics(m, err)
        && pc_make_timers(m, err) && pc_make_ports(m, err)
        && make_fw_cfg(m, err) && pc_make_smbios(m, err)
        && pc_make_pm(m, err)
        && (k->chipset == PC_NO_PCI || pc_make_pci(m, err))
        && make_vga(m, err) && make_transports(m, err);
}

/* ---- boards ------------------------------------------------------------- */

static const PcKind kinds[] = {
    { .board = "pc", .ram_below_4g = 0xc0000000, .seabios = "bios-256k.bin",
      .chipset = PC_440FX, .apic = true, .acpi = true, .hpet = true,
      .legacy = true, .floppy = true, .vga = "VGA" },
    { .board = "q35", .ram_below_4g = 0x80000000, .seabios = "bios-256k.bin",
      .chipset = PC_Q35, .apic = true, .acpi = true, .ich9_pm = true,
      .hpet = true, .legacy = true, .vga = "VGA" },
    { .board = "isapc", .ram_below_4g = 3ull << 30, .seabios = "bios.bin",
      .ram_firmware = true, .legacy = true, .isa_ide = true,
      .floppy = true, .vga = "isa-vga", .vga_bios = "vgabios-isavga.bin" },
    { .board = "microvm", .ram_below_4g = 3ull << 30,
      .seabios = "bios-microvm.bin", .ram_firmware = true, .apic = true,
      .acpi = true,
      .ich9_pm = true,
      .transports = { PC_TRANSPORTS, 0xfeb00000, 0x200, 16 } },
};

/* Its data, made by what needs them first. */
static Pc *own(Machine *m)
{
    if (!m->board_data) {
        m->board_data = g_new0(Pc, 1);
    }
    return pc(m);
}

static bool choose_kind(Machine *m, Err *err)
{
    Pc *s = own(m);

    for (u32 i = 0; i < countof(kinds); i++) {
        if (strcmp(kinds[i].board, m->board->name) == 0) {
            s->kind = &kinds[i];
        }
    }
    s->acpi = m->opts->no_acpi ? PC_OFF : s->acpi;
    return pc_has_acpi(s) || !s->kind->acpi || s->kind->chipset != PC_NO_PCI
        || fail(err, "-no-acpi: %s's devices are found by ACPI alone",
                m->board->name);
}

static bool init(Machine *m, Err *err)
{
    bool ok;

    if (!choose_kind(m, err)) {
        return false;
    }
    make_port_space(m);
    mem_begin(m->mem);
    mem_begin(m->io);
    ok = make_all(m, err);
    mem_commit(m->io);
    mem_commit(m->mem);
    if (ok && pc_has_acpi(pc(m))) {
        pc_make_tables(m);
    }
    m->plug = plug;
    m->isa_irq = pc_irq;
    m->nmi = pc_nmi;
    m->on_reset = boot;
    return ok && load(m, err);
}

static const char *const targets[] = { "x86_64", "i386", NULL };
static const char *const cpus[] = {
    "qemu32", "qemu64", "pentium", "pentium3", "core2duo", "Nehalem",
    "Haswell", "Skylake-Client", "EPYC", "max", "host", NULL
};
static const BoardDrive pci_drives[] = {
    { "ide", "ide-drive" }, { "virtio", "virtio-blk-pci" },
    { "floppy", "floppy" }, { NULL, NULL }
};
static const BoardDrive isa_drives[] = {
    { "ide", "ide-drive" }, { "floppy", "floppy" }, { NULL, NULL }
};
static const BoardDrive mmio_drives[] = {
    { "virtio", "virtio-blk-device" }, { NULL, NULL }
};

/* ---- -M pc,key=value ---------------------------------------------------- */

static bool choice(const char *key, const char *value, PcChoice *c, Err *err)
{
    static const char *const names[] = {
        [PC_AUTO] = "auto", [PC_ON] = "on", [PC_OFF] = "off",
    };

    for (u32 i = 0; i < countof(names); i++) {
        if (strcmp(value, names[i]) == 0) {
            *c = (PcChoice)i;
            return true;
        }
    }
    return fail(err, "%s=%s: write on, off or auto", key, value);
}

static bool set_smm(Machine *m, const char *key, const char *value, Err *err)
{
    return choice(key, value, &own(m)->smm, err);
}

static bool set_acpi(Machine *m, const char *key, const char *value, Err *err)
{
    return choice(key, value, &own(m)->acpi, err);
}

static bool set_flash(Machine *m, const char *key, const char *value, Err *err)
{
    (void)err;
    own(m)->pflash[key[6] - '0'] = g_strdup(value);
    return true;
}

static const BoardOption options[] = {
    TAKEN_BY("smm", set_smm), TAKEN_BY("acpi", set_acpi),
    TAKEN_BY("pflash0", set_flash), TAKEN_BY("pflash1", set_flash),
    ONLY("usb", "off", "there is no USB yet"),
    ONLY("vmport", "off", "there is no VMware port"),
    ONLY("hpet", "on", "it is always there"),
    IGNORED("mem-merge"), IGNORED("dump-guest-core"), IGNORED("graphics"),
    IGNORED("suppress-vmdesc"), { 0 }
};

static bool set(Machine *m, const char *key, const char *value, Err *err)
{
    return board_option(m, options, key, value, err);
}

static bool set_no_smm(Machine *m, const char *key, const char *value,
                       Err *err)
{
    return set_smm(m, key, value, err)
        && (own(m)->smm != PC_ON
            || fail(err, "smm=on: %s has no memory for it; pc and q35 have",
                    m->board->name));
}

static const BoardOption small_options[] = {
    TAKEN_BY("smm", set_no_smm),
    ONLY("acpi", "on", "the tables are always there"),
    ONLY("pic", "on", "it is always there"),
    ONLY("pit", "on", "it is always there"),
    ONLY("rtc", "on", "it is always there"),
    ONLY("isa-serial", "on", "-serial none has none"),
    IGNORED("x-option-roms"),
    TAKEN_BY("pflash0", set_flash), TAKEN_BY("pflash1", set_flash),
    IGNORED("mem-merge"), IGNORED("dump-guest-core"), IGNORED("graphics"),
    IGNORED("suppress-vmdesc"), { 0 }
};

static bool set_small(Machine *m, const char *key, const char *value, Err *err)
{
    return board_option(m, small_options, key, value, err);
}

#define PC(x, what, ...)                                                    \
    BOARD(x) {                                                              \
        .name = #x, .about = what, .targets = targets, .cpu = "qemu64",     \
        .cpus = cpus, .ram_default = 128ull << 20, .serials = SERIALS,      \
        .init = init, __VA_ARGS__                                           \
    }

PC(pc, "PC with PCI (i440FX, PIIX3)", .max_cpus = 8, .ram_max = 255ull << 30,
   .parallels = PARALLELS, .hot_cpus = true, .own_nic = true, .nic = "e1000",
   .own_cd = true, .own_floppy = true, .ide_units = 2,
   .vga = "std", .drives = pci_drives, .set = set);
PC(q35, "PC with PCI Express (Q35, ICH9)", .max_cpus = 8,
   .ram_max = 255ull << 30, .parallels = PARALLELS, .hot_cpus = true,
   .own_nic = true, .nic = "e1000e", .own_cd = true, .vga = "std",
   .drives = pci_drives, .set = set);
PC(isapc, "PC without PCI", .max_cpus = 1, .ram_max = 3ull << 30,
   .parallels = PARALLELS, .own_nic = true, .nic = "ne2k_isa",
   .own_cd = true, .own_floppy = true, .ide_units = 2, .vga = "std",
   .drives = isa_drives, .set = set_small);
PC(microvm, "PC with virtio-mmio devices and no PCI", .max_cpus = 8,
   .ram_max = 255ull << 30, .nic = "virtio-net-device",
   .drives = mmio_drives, .set = set_small);
