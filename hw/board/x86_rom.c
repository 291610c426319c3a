/* SPDX-License-Identifier: MIT */
/*
 * Starting a kernel through firmware, which then has set up the screen: an
 * option ROM of our own is what SeaBIOS boots from; OVMF takes a bzImage out
 * of fw_cfg itself.
 * References: BIOS Boot Specification 1.01, appendix A "Data Structures";
 * "The Linux/x86 Boot Protocol"; QEMU's "fw_cfg" specification, DMA.
 *
 * The ROM lets fw_cfg's DMA put what there is where it belongs: of a bzImage
 * setup code, command line, kernel and RAM disk, and jumps to the setup code
 * (the 16-bit boot protocol); of others all in one piece, and code that enters
 * it, which it jumps to in protected mode.
 */
#include <stdlib.h>
#include "hw/board/x86_boot.h"
#include "softmmu/options.h"

enum { SETUP_AT = 0x10000, STACK = 0xe000, CMDLINE_AT = 0x20000,
       KERNEL_AT = 0x100000 };
enum { TRAMPOLINE_AT = 0x8000, GDTR_AT = 0x40, CODE32_AT = 0x80,
       TRAMPOLINE_BYTES = CODE32_AT + X86_ENTRY_CODE_MAX };
enum { ROM_BYTES = 1024, BLOCK = 512, PNP_AT = 0x20, PNP_BYTES = 0x20,
       CODE_AT = 0x60, TABLE_AT = 0xc0, PARTS = 4 };
enum { DMA_READ = 1 << 1, DMA_SELECT = 1 << 3 };
static const char rom_file[] = "genroms/linux.bin";

/* What fw_cfg is asked for, and where it goes. */
typedef struct Part {
    u16 key;
    u64 at, size;
} Part;

static const u8 code[] = {
    0xfa, 0xfc,                         /* cli; cld */
    0x66, 0x31, 0xc0,                   /* xor %eax, %eax */
    0x8c, 0xc8,                         /* mov %cs, %ax */
    0x66, 0xc1, 0xe0, 0x04,             /* shl $4, %eax */
    0x66, 0x05, TABLE_AT, 0, 0, 0,      /* add $TABLE_AT, %eax */
    0x66, 0x89, 0xc6,                   /* mov %eax, %esi */
    0xb9, PARTS, 0,                     /* mov $PARTS, %cx */
    0x66, 0x31, 0xc0,                   /* 1: xor %eax, %eax */
    0xba, 0x14, 0x05,                   /* mov $0x514, %dx */
    0x66, 0xef,                         /* out %eax, (%dx): high half */
    0x66, 0x89, 0xf0,                   /* mov %esi, %eax */
    0x66, 0x0f, 0xc8,                   /* bswap %eax */
    0xba, 0x18, 0x05,                   /* mov $0x518, %dx */
    0x66, 0xef,                         /* out %eax, (%dx): goes */
    0x66, 0x83, 0xc6, 0x10,             /* add $16, %esi */
    0xe2, 0xe7,                         /* loop 1b */
};
/* What comes behind it. */
static const u8 to_setup[] = {
    0xb8, 0x00, 0x10,                   /* mov $SETUP_AT >> 4, %ax */
    0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, /* mov %ax, %ds; %es; %ss */
    0x8e, 0xe0, 0x8e, 0xe8,             /* %fs; %gs */
    0xbc, 0x00, 0xe0,                   /* mov $STACK, %sp */
    0xea, 0x00, 0x00, 0x20, 0x10,       /* ljmp $(SETUP_AT >> 4) + 0x20, $0 */
};
static const u8 to_trampoline[] = {
    0xe4, 0x92, 0x24, 0xfe, 0x0c, 0x02, /* in $0x92, %al; and ~1; or 2 */
    0xe6, 0x92,                         /* out %al, $0x92: A20 is on */
    0x31, 0xc0, 0x8e, 0xd8,             /* xor %ax, %ax; mov %ax, %ds */
    0x66, 0x0f, 0x01, 0x16, 0x40, 0x80, /* lgdtl TRAMPOLINE_AT + GDTR_AT */
    0x0f, 0x20, 0xc0,                   /* mov %cr0, %eax */
    0x0c, 0x01,                         /* or $1, %al */
    0x0f, 0x22, 0xc0,                   /* mov %eax, %cr0 */
    0x66, 0xea, 0x80, 0x80, 0, 0, 0x10, 0,  /* ljmpl $0x10, its CODE32_AT */
};

static u8 checksum(const u8 *p, u32 n)
{
    u8 sum = 0;

    for (u32 i = 0; i < n; i++) {
        sum = (u8)(sum + p[i]);
    }
    return (u8)-sum;
}

static void put_be(u8 *p, unsigned size, u64 v)
{
    for (unsigned i = 0; i < size; i++) {
        p[i] = (u8)(v >> 8 * (size - 1 - i));
    }
}

/* BIOS Boot Specification, A.1: a device that is booted from by its BEV. */
static void write_pnp(u8 *rom)
{
    u8 *p = rom + PNP_AT;

    memcpy(p, "$PnP", 4);
    p[4] = 1;
    p[5] = PNP_BYTES / 16;
    store_le(p + 0x1a, 2, CODE_AT);
    p[9] = checksum(p, PNP_BYTES);
}

static void write_rom(u8 *rom, const Part *part, const u8 *then, u32 size)
{
    static const u8 head[] = { 0x55, 0xaa, ROM_BYTES / BLOCK,
                               0x31, 0xc0, 0xcb };  /* xor %ax, %ax; lret */

    memcpy(rom, head, sizeof head);
    store_le(rom + 0x1a, 2, PNP_AT);
    write_pnp(rom);
    memcpy(rom + CODE_AT, code, sizeof code);
    memcpy(rom + CODE_AT + sizeof code, then, size);
    for (u32 i = 0; i < PARTS; i++) {
        u8 *row = rom + TABLE_AT + i * 16;
        put_be(row, 4, (u32)part[i].key << 16 | DMA_SELECT | DMA_READ);
        put_be(row + 4, 4, part[i].size);
        put_be(row + 8, 8, part[i].at);
    }
    rom[ROM_BYTES - 1] = checksum(rom, ROM_BYTES);
}
_Static_assert(CODE_AT + sizeof code + sizeof to_setup <= TABLE_AT,
               "the code is too long");
_Static_assert(CODE_AT + sizeof code + sizeof to_trampoline <= TABLE_AT,
               "the code is too long");

/* "vga=788", "vga=0x314", "vga=ask", ext, normal, of the command line. */
static u16 video_mode(const char *append)
{
    enum { NORMAL = 0xffff, EXTENDED = 0xfffe, ASK = 0xfffd };
    const char *text = append ? strstr(append, "vga=") : NULL;

    if (!text) {
        return NORMAL;
    }
    text += strlen("vga=");
    if (g_str_has_prefix(text, "ask")) {
        return ASK;
    }
    if (g_str_has_prefix(text, "ext")) {
        return EXTENDED;
    }
    return g_str_has_prefix(text, "normal") ? NORMAL
                                            : (u16)strtoul(text, NULL, 0);
}

/* What a boot loader fills in of the setup header. */
static void fill_setup(u8 *setup, const X86Boot *b, const char *append)
{
    enum { VID_MODE = 0x1fa, TYPE_OF_LOADER = 0x210, LOADFLAGS = 0x211,
           RAMDISK_IMAGE = 0x218, RAMDISK_SIZE = 0x21c, HEAP_END = 0x224,
           CMD_LINE = 0x228, CAN_USE_HEAP = 0x80, UNKNOWN_LOADER = 0xff };

    store_le(setup + VID_MODE, 2, video_mode(append));
    setup[TYPE_OF_LOADER] = UNKNOWN_LOADER;
    setup[LOADFLAGS] |= CAN_USE_HEAP;
    store_le(setup + HEAP_END, 2, STACK - 0x200);
    store_le(setup + CMD_LINE, 4, CMDLINE_AT);
    store_le(setup + RAMDISK_IMAGE, 4, b->initrd.size ? b->initrd_at : 0);
    store_le(setup + RAMDISK_SIZE, 4, b->initrd.size);
}

static void offer_rom(Device *fw_cfg, const Part *part, const u8 *then,
                      u32 size)
{
    g_autofree char *order = g_strdup_printf("/rom@%s\n", rom_file);
    u8 rom[ROM_BYTES] = { 0 };

    write_rom(rom, part, then, size);
    fw_cfg_file(fw_cfg, rom_file, rom, sizeof rom);
    fw_cfg_file(fw_cfg, "bootorder", order, (u32)strlen(order) + 1);
}

/* Where a part goes and its size, which have keys of their own (qboot loads
 * by them), and what it is. */
static void offer(Device *fw_cfg, const Part *part, const void *data)
{
    static const struct {
        u16 data, at, size;
    } keys[PARTS] = {
        { FW_CFG_SETUP_DATA, FW_CFG_SETUP_ADDR, FW_CFG_SETUP_SIZE },
        { FW_CFG_CMDLINE_DATA, FW_CFG_CMDLINE_ADDR, FW_CFG_CMDLINE_SIZE },
        { FW_CFG_KERNEL_DATA, FW_CFG_KERNEL_ADDR, FW_CFG_KERNEL_SIZE },
        { FW_CFG_INITRD_DATA, FW_CFG_INITRD_ADDR, FW_CFG_INITRD_SIZE },
    };

    for (u32 i = 0; i < PARTS; i++) {
        if (keys[i].data == part->key) {
            fw_cfg_set(fw_cfg, part->key, data, (u32)part->size);
            fw_cfg_set_number(fw_cfg, keys[i].at, 4, part->at);
            fw_cfg_set_number(fw_cfg, keys[i].size, 4, part->size);
        }
    }
}

static bool offer_linux(Machine *m, X86Boot *b, Device *fw_cfg, Err *err)
{
    const char *append = m->opts->append ? m->opts->append : "";
    u32 setup = x86_boot_setup_size(b), line = (u32)strlen(append) + 1;
    const Part part[PARTS] = {
        { FW_CFG_SETUP_DATA, SETUP_AT, setup },
        { FW_CFG_CMDLINE_DATA, CMDLINE_AT, line },
        { FW_CFG_KERNEL_DATA, KERNEL_AT, b->kernel.size - setup },
        { FW_CFG_INITRD_DATA, b->initrd_at, b->initrd.size },
    };

    if (setup > STACK - 0x1000) {
        return fail(err, "%s: its setup code of %u bytes is too large",
                    b->kernel.name, setup);
    }
    fill_setup(b->kernel.data, b, append);
    const void *const data[PARTS] = {
        b->kernel.data, append, b->kernel.data + setup, b->initrd.data,
    };
    for (u32 i = 0; i < PARTS; i++) {
        offer(fw_cfg, &part[i], data[i]);
    }
    offer_rom(fw_cfg, part, to_setup, sizeof to_setup);
    return true;
}

/* The memory map as SeaBIOS leaves it; the number of rows. */
static u32 map_with_bios(const X86Boot *b, FwCfgE820 *row)
{
    enum { EBDA = 0x9fc00, EBDA_END = 0xa0000, BIOS = 0xf0000, MIB = 1 << 20 };
    u64 low = b->map[0].size;
    const FwCfgE820 rows[] = {
        { 0, EBDA, E820_RAM }, { EBDA, EBDA_END - EBDA, E820_RESERVED },
        { BIOS, MIB - BIOS, E820_RESERVED },
        { MIB, b->low_ram - MIB, E820_RAM },
        { b->low_ram, low - b->low_ram, E820_RESERVED },
        b->map[1],
    };

    memcpy(row, rows, sizeof rows);
    return countof(rows) - (b->nmap == 1);
}

static bool offer_image(Machine *m, X86Boot *b, Device *fw_cfg, Err *err)
{
    FwCfgE820 map[8];
    const X86ImageBoard on = {
        .append = m->opts->append, .map = map, .rows = map_with_bios(b, map),
        .end = b->low_ram,
    };
    u8 trampoline[TRAMPOLINE_BYTES] = { 0 };
    X86Loaded l;

    if (!x86_image_build(&b->kernel, &b->image, &on, &l, err)) {
        return false;
    }
    const Part part[PARTS] = {
        { FW_CFG_SETUP_DATA, TRAMPOLINE_AT, sizeof trampoline },
        { FW_CFG_KERNEL_DATA, l.at, l.size },
    };
    memcpy(trampoline, x86_boot_gdt, sizeof x86_boot_gdt);
    store_le(trampoline + GDTR_AT, 2, sizeof x86_boot_gdt - 1);
    store_le(trampoline + GDTR_AT + 2, 4, TRAMPOLINE_AT);
    x86_entry_code(trampoline + CODE32_AT, &l.entry);
    fw_cfg_set(fw_cfg, FW_CFG_SETUP_DATA, trampoline, sizeof trampoline);
    fw_cfg_set(fw_cfg, FW_CFG_KERNEL_DATA, l.data, (u32)l.size);
    g_free(l.data);
    offer_rom(fw_cfg, part, to_trampoline, sizeof to_trampoline);
    return true;
}

bool x86_boot_by_firmware(Machine *m, X86Boot *b, Device *fw_cfg, Err *err)
{
    bool ok = b->image.kind ? offer_image(m, b, fw_cfg, err)
                            : offer_linux(m, b, fw_cfg, err);

    x86_image_free(&b->image);
    blob_drop(&b->kernel);
    blob_drop(&b->initrd);
    return ok;
}
