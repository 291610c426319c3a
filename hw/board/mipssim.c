/* SPDX-License-Identifier: MIT */
/*
 * The board `mipssim`: what MIPS's own instruction set simulator shows, with
 * memory at 0, a boot ROM at the reset vector and a PC's first serial port
 * among ISA's ports.  The memory map is that which QEMU has for its machine of
 * this name.
 *
 * Left out: its network interface, which nothing but that simulator has.
 */
#include "hw/board/mips.h"
#include "softmmu/objects.h"
#include "softmmu/options.h"
#include "softmmu/run.h"
#include "target/target.h"

enum {
    PORTS_BASE = 0x1fd00000, SERIAL_PORT = 0x3f8, SERIAL_IP = 4,
    CLOCK_HZ = 12000000,
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

    ram.ram = m->ram = machine_ram(m, ram.name, err);
    if (!m->ram) {
        return false;
    }
    ram.size = m->ram_size;
    mem_add(m->mem, &ram);
    s->rom = mips_make_rom(m, "mips_mipssim.bios", err);
    return s->rom != NULL;
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

/* Addresses of a 32-bit file are sign-extended, as the CPU has them. */
static u64 entry(const Mipssim *s)
{
    return s->loaded.word == 32 ? (u64)(i32)s->loaded.entry : s->loaded.entry;
}

static void boot(Machine *m)
{
    Mipssim *s = m->board_data;
    Err err = { 0 };

    if (s->kernel.data && mips_load_kernel(m, &s->kernel, &s->loaded, &err)) {
        m->cpu[0]->target->start_at(m->cpu[0], entry(s), 0);
    }
}

static bool make_all(Machine *m, Err *err)
{
    return make_memory(m, err)
        && mips_make_cpu(m, "24Kf", "5Kf", CLOCK_HZ, err)
        && make_serial(m, err)
        && mips_load_bios(m, ((Mipssim *)m->board_data)->rom, err);
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
            && mips_load_kernel(m, &s->kernel, &s->loaded, err));
}

BOARD(mipssim) {
    .name = "mipssim",
    .about = "MIPS MIPSsim platform",
    .targets = mips_targets,
    .max_cpus = 1,
    .ram_default = 128ull << 20,
    .ram_max = 256ull << 20,
    .serials = 1,
    .init = init,
};
