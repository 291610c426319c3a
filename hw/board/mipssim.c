/* SPDX-License-Identifier: MIT */
/*
 * The board `mipssim`: what MIPS's own instruction set simulator shows, with
 * memory at 0, a boot ROM at the reset vector and a PC's first serial port
 * among ISA's ports.  The memory map is that which QEMU has for its machine of
 * this name.
 *
 * Left out: its network interface, which nothing but that simulator has.
 */
#include <elf.h>
#include "hw/core/loader.h"
#include "softmmu/objects.h"
#include "softmmu/options.h"
#include "softmmu/run.h"
#include "target/target.h"

enum {
    ROM_BASE = 0x1fc00000, ROM_SIZE = 4 << 20,
    PORTS_BASE = 0x1fd00000, SERIAL_PORT = 0x3f8, SERIAL_IP = 4,
};

typedef struct Mipssim {
    Ram   *rom;
    Blob   kernel;
    Loaded loaded;
} Mipssim;

static bool make_memory(Machine *m, Err *err)
{
    Mipssim *s = m->board_data;
    MemRegion ram = { .name = "mips_mipssim.ram" };
    MemRegion rom = { .name = "mips_mipssim.bios", .base = ROM_BASE,
                      .size = ROM_SIZE, .readonly = true };

    ram.ram = m->ram = machine_ram(m, ram.name, err);
    rom.ram = s->rom = m->ram ? ram_new(rom.name, ROM_SIZE, err) : NULL;
    if (!rom.ram) {
        return false;
    }
    ram.size = m->ram_size;
    s->rom->readonly = true;
    mem_add(m->mem, &ram);
    mem_add(m->mem, &rom);
    return true;
}

static bool make_serial(Machine *m, Err *err)
{
    g_autofree char *chardev = m->serial[0]
        ? g_strdup_printf("chardev=%s", m->serial[0]) : NULL;
    Device *d = machine_device(m, "isa-serial", "serial0", chardev,
                               PORTS_BASE + SERIAL_PORT, err);

    if (d) {
        line_connect(device_line(d, "irq", 0), cpu_line, m->cpu[0], SERIAL_IP);
    }
    return d != NULL;
}

static bool make_cpu(Machine *m, Err *err)
{
    const char *model = m->opts->cpu ? m->opts->cpu
        : m->target->word == 64 ? "5Kf" : "24Kf";
    g_autofree char *clocked = g_strdup_printf("%s,clock=12000000", model);

    return machine_add_cpu(m, clocked, err) != NULL;
}

static bool load_rom(Machine *m, Err *err)
{
    Mipssim *s = m->board_data;
    Blob b = { 0 };

    if (!m->opts->bios || !firmware_read(m, m->opts->bios, &b, err)) {
        return !m->opts->bios;
    }
    if (b.size > ROM_SIZE) {
        fail(err, "-bios %s: %zu bytes, and the ROM has %d", m->opts->bios,
             b.size, ROM_SIZE);
    } else {
        memcpy(s->rom->host, b.data, b.size);
    }
    blob_free(&b);
    return !err->text[0];
}

static bool check_order(const Machine *m, Err *err)
{
    const Mipssim *s = m->board_data;

    return s->loaded.big_endian == m->target->big_endian
        || fail(err, "%s is for %s-endian CPUs; anole-system-mips%s%s has them",
                s->kernel.name, s->loaded.big_endian ? "big" : "little",
                s->loaded.word == 64 ? "64" : "",
                s->loaded.big_endian ? "" : "el");
}

static bool load(Machine *m, Err *err)
{
    Mipssim *s = m->board_data;

    return load_kernel(m, &s->kernel, 0, EM_MIPS, &s->loaded, err)
        && check_order(m, err);
}

/* Addresses of a 32-bit file are sign-extended, as the CPU has them. */
static u64 entry(const Mipssim *s)
{
    return s->loaded.word == 32 ? (u64)(i32)s->loaded.entry : s->loaded.entry;
}

static void boot(Machine *m)
{
    Mipssim *s = m->board_data;
    Err err = { 0 };

    if (s->kernel.data && load(m, &err)) {
        m->cpu[0]->target->start_at(m->cpu[0], entry(s), 0);
    }
}

static bool make_all(Machine *m, Err *err)
{
    return make_memory(m, err) && make_cpu(m, err) && make_serial(m, err)
        && load_rom(m, err);
}

static bool init(Machine *m, Err *err)
{
    Mipssim *s = g_new0(Mipssim, 1);
    bool ok;

    m->board_data = s;
    mem_begin(m->mem);
    ok = make_all(m, err);
    mem_commit(m->mem);
    if (!ok) {
        return false;
    }
    m->on_reset = boot;
    return !m->opts->kernel
        || (blob_read(m->opts->kernel, "-kernel", &s->kernel, err)
            && load(m, err));
}

static const char *const targets[] = {
    "mipsel", "mips", "mips64", "mips64el", NULL
};

BOARD(mipssim) {
    .name = "mipssim",
    .about = "MIPS MIPSsim platform",
    .targets = targets,
    .max_cpus = 1,
    .ram_default = 128ull << 20,
    .ram_max = 256ull << 20,
    .serials = 1,
    .init = init,
};
