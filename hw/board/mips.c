/* SPDX-License-Identifier: MIT */
/* What the boards of MIPS have in common; see mips.h. */
#include <elf.h>
#include "hw/board/mips.h"
#include "softmmu/options.h"
#include "softmmu/run.h"
#include "target/target.h"

const char *const mips_targets[] = {
    "mipsel", "mips", "mips64", "mips64el", NULL
};

Ram *mips_make_rom(Machine *m, const char *name, Err *err)
{
    Ram *rom = ram_new(name, MIPS_ROM_SIZE, err);

    if (rom) {
        rom->readonly = true;
        mem_add(m->mem, &(MemRegion) { .name = name, .base = MIPS_ROM_BASE,
                                       .size = MIPS_ROM_SIZE, .ram = rom,
                                       .readonly = true });
    }
    return rom;
}

bool mips_load_bios(const Machine *m, Ram *rom, Err *err)
{
    const char *bios = m->opts->bios;
    Blob b = { 0 };

    if (!bios || !firmware_read(m, bios, &b, err)) {
        return !bios;
    }
    if (b.size > MIPS_ROM_SIZE) {
        fail(err, "-bios %s: %zu bytes, and the ROM has %d", bios, b.size,
             MIPS_ROM_SIZE);
    } else {
        memcpy(rom->host, b.data, b.size);
    }
    blob_free(&b);
    return !err->text[0];
}

bool mips_make_cpu(Machine *m, const char *model32, const char *model64,
                   u32 clock_hz, Err *err)
{
    const char *model = m->opts->cpu ? m->opts->cpu
        : m->target->word == 64 ? model64 : model32;
    g_autofree char *clocked = g_strdup_printf("%s,clock=%u", model, clock_hz);

    return machine_add_cpu(m, clocked, err) != NULL;
}

bool mips_load_kernel(Machine *m, const Blob *kernel, Loaded *out, Err *err)
{
    if (!load_kernel(m, kernel, 0, EM_MIPS, out, err)) {
        return false;
    }
    return out->big_endian == m->target->big_endian
        || fail(err, "%s is for %s-endian CPUs; anole-system-mips%s%s has them",
                kernel->name, out->big_endian ? "big" : "little",
                out->word == 64 ? "64" : "", out->big_endian ? "" : "el");
}
