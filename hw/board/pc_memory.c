/* SPDX-License-Identifier: MIT */
/*
 * Memory of the PC boards: RAM below and above 4 GiB, the firmware's ROM.
 *
 * The ROM ends at 4 GiB, where the CPU starts; its last 128 KiB are seen
 * below 1 MiB too.
 */
#include "block/block.h"
#include "hw/block/pflash.h"
#include "hw/board/pc.h"
#include "softmmu/objects.h"

enum { ROM_WINDOW = 0x20000, VGA_BYTES = 0x20000, BIOS_MAX = 16 << 20,
       BIOS_UNIT = 0x10000 };

static void add(Machine *m, Ram *ram, u64 base, u64 size, u64 offset,
                bool readonly)
{
    MemRegion r = {
        .name = ram->name, .base = base, .size = size, .ram = ram,
        .ram_offset = offset, .readonly = readonly,
    };

    if (size) {
        mem_add(m->mem, &r);
    }
}

static bool make_ram(Machine *m, Err *err)
{
    Pc *s = pc(m);

    s->low = MIN(m->ram_size, s->kind->ram_below_4g);
    s->high = m->ram_size - s->low;
    if (s->low < 2 * HIGH_RAM) {
        return fail(err, "-m: %s needs 2 MiB at least", m->board->name);
    }
    m->ram = machine_ram(m, "pc.ram", err);
    if (!m->ram) {
        return false;
    }
    add(m, m->ram, 0, LOW_RAM_END, 0, false);
    if (s->kind->chipset == PC_NO_PCI) {        /* else it is SMRAM */
        add(m, m->ram, LOW_RAM_END, VGA_BYTES, LOW_RAM_END, false);
    }
    add(m, m->ram, 0xc0000, s->low - 0xc0000, 0xc0000, false);
    add(m, m->ram, 1ull << 32, s->high, s->low, false);
    if (pc_has_smm(s)) {
        m->smm = mem_view(m->mem);
        m->smm_code = mem_view(m->mem);
    }
    return true;
}

static u64 bytes_seen(const Ram *rom)
{
    return MIN(rom->size, (u64)ROM_WINDOW);
}

void pc_place_firmware(Machine *m)
{
    const Ram *rom = pc(m)->bios;
    u64 seen = bytes_seen(rom);

    mem_load(m->mem, HIGH_RAM - seen, rom->host + rom->size - seen, seen);
}

/* What is at C0000 to FFFFF is RAM unless a ROM with priority hides it. */
static void map_low(Machine *m, Ram *rom)
{
    u64 seen = bytes_seen(rom);
    MemRegion low = {
        .name = rom->name, .base = HIGH_RAM - seen, .size = seen, .ram = rom,
        .ram_offset = rom->size - seen, .readonly = true, .priority = 1,
    };

    if (!pc(m)->kind->ram_firmware) {
        mem_add(m->mem, &low);
    }
}

/* The user's firmware or SeaBIOS; *none: there is a kernel to start without. */
static bool read_firmware(Machine *m, Blob *b, bool *none, Err *err)
{
    const Options *o = m->opts;
    Err why = { 0 };

    /* Without ACPI it is firmware's tables that say how PCI interrupts go. */
    bool needed = pc(m)->acpi == PC_OFF;

    *none = !needed && !o->bios && o->kernel
        && (o->nographic || !pc_has_screen(m))
        && !x86_boot_needs_bios(o->kernel);
    if (*none) {
        return true;
    }
    if (o->bios) {
        return firmware_read(m, o->bios, b, err);
    }
    if (firmware_read(m, pc(m)->kind->seabios, b, &why)) {
        return true;
    }
    *none = o->kernel && !needed;       /* it starts without, and no screen */
    return *none || fail(err, "%s; Debian's package seabios has it, -bios "
                         "FILE takes another, -kernel FILE needs none",
                         why.text);
}

/*
 * Flash banks end at 4 GiB, the second below the first, and are as large as
 * their images; the first has the firmware.
 */
static bool make_flash(Machine *m, const FlashDrives *f, Err *err)
{
    enum { SECTOR = 4096 };
    u64 end = 1ull << 32;

    for (u32 i = 0; i < FLASH_BANKS && f->id[i]; i++) {
        u64 size = block_size(block_find(f->id[i]));
        g_autofree char *id = g_strdup_printf("system.flash%u", i);
        g_autofree char *props = g_strdup_printf(
            "drive=%s,width=1,sector-length=%d,num-blocks=%llu", f->id[i],
            SECTOR, (unsigned long long)(size / SECTOR));
        Device *d;
        if (!size || size % SECTOR || size > BIOS_MAX) {
            return fail(err, "flash bank %u: its image has %llu bytes; whole "
                        "blocks of 4096 up to 16 MiB are right", i,
                        (unsigned long long)size);
        }
        d = machine_device(m, "cfi.pflash01", id, props, ~0ull, err);
        if (!d) {
            return false;
        }
        end -= size;
        pflash_map(d, m->mem, m->smm, end);
        if (i == 0) {
            pc(m)->bios = pflash_ram(d);
            map_low(m, pc(m)->bios);
        }
    }
    pc(m)->firmware = true;
    return true;
}

static bool make_rom(Machine *m, Err *err)
{
    Pc *s = pc(m);
    FlashDrives flash = { .id = { s->pflash[0], s->pflash[1] } };
    Blob b = { 0 };
    bool none;
    u64 size;

    if (!flash_drives(&flash, err)) {
        return false;
    }
    if (flash.id[0]) {
        return m->opts->bios
            ? fail(err, "-bios and a drive for flash bank 0: both would be "
                   "the firmware; leave one out")
            : make_flash(m, &flash, err);
    }
    if (!read_firmware(m, &b, &none, err)) {
        return false;
    }
    s->firmware = !none;
    size = none ? X86_BOOT_ROM : b.size;
    if (size > BIOS_MAX || size % BIOS_UNIT || !size) {
        fail(err, "-bios %s: %zu bytes; firmware is whole 64 KiB, up to "
             "16 MiB", m->opts->bios ? m->opts->bios : s->kind->seabios,
             b.size);
    }
    s->bios = err->text[0] ? NULL : ram_new("pc.bios", size, err);
    if (s->bios && b.data) {
        memcpy(s->bios->host + size - b.size, b.data, b.size);
    }
    blob_free(&b);
    if (s->bios) {
        add(m, s->bios, (1ull << 32) - size, size, 0, true);
        map_low(m, s->bios);
    }
    return s->bios != NULL;
}

bool pc_make_memory(Machine *m, Err *err)
{
    return make_ram(m, err) && make_rom(m, err);
}

/* What firmware is told, which keeps its own areas out of what it passes on. */
static u32 plain_rows(const Pc *s, FwCfgE820 *row)
{
    row[0] = (FwCfgE820) { 0, s->low, E820_RAM };
    row[1] = (FwCfgE820) { 1ull << 32, s->high, E820_RAM };
    return s->high ? 2 : 1;
}

u32 pc_memory_rows(const Machine *m, FwCfgE820 *row)
{
    enum { EBDA = 1024 };
    const Pc *s = pc(m);
    u32 n = 0;

    if (s->firmware) {
        return plain_rows(s, row);
    }
    row[n++] = (FwCfgE820) { 0, LOW_RAM_END - EBDA, E820_RAM };
    row[n++] = (FwCfgE820) { LOW_RAM_END - EBDA, EBDA, E820_RESERVED };
    row[n++] = (FwCfgE820) { PC_RSDP, HIGH_RAM - PC_RSDP, E820_RESERVED };
    row[n++] = (FwCfgE820) { HIGH_RAM, pc_tables_at(s) - HIGH_RAM, E820_RAM };
    row[n++] = (FwCfgE820) { pc_tables_at(s), PC_TABLES, E820_ACPI };
    if (s->high) {
        row[n++] = (FwCfgE820) { 1ull << 32, s->high, E820_RAM };
    }
    return n;
}
