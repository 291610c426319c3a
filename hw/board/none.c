/* SPDX-License-Identifier: MIT */
/*
 * A machine without devices: for programs that ask an emulator what it can do.
 * It has a CPU if -cpu names one, and memory if -m says how much.
 */
#include "softmmu/objects.h"
#include "softmmu/run.h"

static bool init(Machine *m, Err *err)
{
    if (m->ram_size) {
        m->ram = machine_ram(m, "ram", err);
        if (!m->ram) {
            return false;
        }
        mem_add(m->mem, &(MemRegion) { .name = "ram", .size = m->ram_size,
                                       .ram = m->ram });
    }
    return !m->opts->cpu || machine_add_cpu(m, m->opts->cpu, err);
}

static const char *const targets[] = {
    "x86_64", "i386", "aarch64", "mips", "mipsel", "mips64", "mips64el", NULL
};

BOARD(none) {
    .name = "none",
    .about = "nothing but what -cpu and -m say",
    .targets = targets,
    .max_cpus = 1,
    .ram_max = 1ull << 40,
    .init = init,
};
