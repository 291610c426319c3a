/* SPDX-License-Identifier: MIT */
/*
 * Starting a kernel without firmware: a Linux bzImage, or what x86_image.c
 * knows.
 * Reference: "The Linux/x86 Boot Protocol" and "zero page" of the kernel's
 * documentation; 32-bit boot protocol.
 *
 * The CPU starts at the reset vector in a ROM made here, which enters
 * protected mode and jumps to the kernel with its parameters in place.  Left
 * out: kernels older than boot protocol 2.06 (Linux 2.6.22), zImage.
 */
#include "hw/board/x86_boot.h"
#include "softmmu/options.h"

/* Where things go; all below 640 KiB, which the kernel reads them from. */
enum { PARAMS_AT = 0x10000, CMDLINE_AT = 0x20000, KERNEL_AT = 0x100000 };
enum { PARAMS_SIZE = 4096, SECTOR = 512 };

/* Fields of the setup header and of the zero page, by their offset. */
enum {
    ZP_RSDP = 0x070, ZP_E820_COUNT = 0x1e8,
    HDR_SETUP_SECTS = 0x1f1, HDR_BOOT_FLAG = 0x1fe, HDR_JUMP = 0x201,
    HDR_MAGIC = 0x202, HDR_VERSION = 0x206, HDR_TYPE_OF_LOADER = 0x210,
    HDR_LOADFLAGS = 0x211, HDR_CODE32_START = 0x214,
    HDR_RAMDISK_IMAGE = 0x218, HDR_RAMDISK_SIZE = 0x21c,
    HDR_HEAP_END = 0x224, HDR_CMD_LINE = 0x228, HDR_INITRD_MAX = 0x22c,
    HDR_CMDLINE_SIZE = 0x238, HDR_INIT_SIZE = 0x260, ZP_E820 = 0x2d0,
};
enum { LOADED_HIGH = 1 << 0, CAN_USE_HEAP = 1 << 7, UNKNOWN_LOADER = 0xff };
enum { E820_ENTRY = 20, VERSION_MIN = 0x206, VERSION_INIT_SIZE = 0x20a };

static u32 field(const Blob *b, u32 at, unsigned size)
{
    return (u32)load_le(b->data + at, size);
}

static u32 setup_size(const Blob *b)
{
    u32 sectors = field(b, HDR_SETUP_SECTS, 1);

    return ((sectors ? sectors : 4) + 1) * SECTOR;
}

u32 x86_boot_setup_size(const X86Boot *b)
{
    return setup_size(&b->kernel);
}

static bool is_bzimage(const Blob *b)
{
    return b->size >= 0x1000 && field(b, HDR_BOOT_FLAG, 2) == 0xaa55
        && memcmp(b->data + HDR_MAGIC, "HdrS", 4) == 0;
}

bool x86_boot_needs_bios(const char *path)
{
    u8 head[HDR_RAMDISK_IMAGE] = { 0 };
    FILE *f = fopen(path, "rb");
    bool read = f && fread(head, sizeof head, 1, f) == 1;

    if (f) {
        fclose(f);
    }
    return read && memcmp(head + HDR_MAGIC, "HdrS", 4) == 0
        && load_le(head + HDR_CODE32_START, 4) == 0;
}

static bool check_kernel(const Blob *b, Err *err)
{
    if (field(b, HDR_VERSION, 2) < VERSION_MIN
        || !(field(b, HDR_LOADFLAGS, 1) & LOADED_HIGH)) {
        return fail(err, "%s is too old a kernel: boot protocol %u.%02u, and "
                    "a bzImage of 2.06 at least is needed", b->name,
                    field(b, HDR_VERSION + 1, 1), field(b, HDR_VERSION, 1));
    }
    return setup_size(b) < b->size
        || fail(err, "%s is cut short: %zu bytes", b->name, b->size);
}

/* As high as the kernel allows, so that it is out of the way. */
static bool place_initrd(X86Boot *b, Err *err)
{
    u64 top = MIN(b->low_ram, (u64)field(&b->kernel, HDR_INITRD_MAX, 4) + 1);
    u64 need = KERNEL_AT + b->kernel.size - setup_size(&b->kernel);

    if (field(&b->kernel, HDR_VERSION, 2) >= VERSION_INIT_SIZE) {
        need = MAX(need, KERNEL_AT + (u64)field(&b->kernel, HDR_INIT_SIZE, 4));
    }
    b->initrd_at = b->initrd.size < top
        ? align_down(top - b->initrd.size, 4096) : 0;
    return b->initrd_at >= need
        || fail(err, "kernel and initrd need %llu MiB of memory below 4 GiB "
                "and there are %llu; -m gives more",
                (unsigned long long)((need + b->initrd.size) >> 20) + 1,
                (unsigned long long)b->low_ram >> 20);
}

static bool read_image(X86Boot *b, const char *initrd, Err *err)
{
    x86_image_free(&b->image);
    return x86_image_read(&b->kernel, initrd, &b->image, err)
        && (b->image.kind
            || fail(err, "%s is no kernel for x86: it should be a Linux "
                    "bzImage, a Multiboot or Multiboot2 kernel, or an ELF file "
                    "with a PVH entry", b->kernel.name));
}

bool x86_boot_read(Machine *m, X86Boot *b, Err *err)
{
    const Options *o = m->opts;
    u32 longest;

    if (!blob_read(o->kernel, "-kernel", &b->kernel, err)) {
        return false;
    }
    if (!is_bzimage(&b->kernel)) {
        return read_image(b, o->initrd, err);
    }
    if (!check_kernel(&b->kernel, err)) {
        return false;
    }
    longest = field(&b->kernel, HDR_CMDLINE_SIZE, 4);
    if (o->append && strlen(o->append) > longest) {
        return fail(err, "-append: this kernel takes %u characters", longest);
    }
    if (o->initrd && !blob_read(o->initrd, "-initrd", &b->initrd, err)) {
        return false;
    }
    return place_initrd(b, err);
}

static void load_params(Machine *m, const X86Boot *b)
{
    const Blob *k = &b->kernel;
    const char *append = m->opts->append ? m->opts->append : "";
    u8 zp[PARAMS_SIZE] = { 0 };
    /* The header's end is the byte at 0x201 beyond 0x202. */
    u32 end = MIN(HDR_MAGIC + field(k, HDR_JUMP, 1), (u32)ZP_E820);

    memcpy(zp + HDR_SETUP_SECTS, k->data + HDR_SETUP_SECTS,
           end - HDR_SETUP_SECTS);
    store_le(zp + ZP_RSDP, 8, b->rsdp);
    zp[HDR_TYPE_OF_LOADER] = UNKNOWN_LOADER;
    zp[HDR_LOADFLAGS] |= CAN_USE_HEAP;
    store_le(zp + HDR_HEAP_END, 2, 0xfe00);
    store_le(zp + HDR_CMD_LINE, 4, CMDLINE_AT);
    store_le(zp + HDR_RAMDISK_IMAGE, 4, b->initrd.size ? b->initrd_at : 0);
    store_le(zp + HDR_RAMDISK_SIZE, 4, b->initrd.size);
    zp[ZP_E820_COUNT] = (u8)b->nmap;
    for (u32 i = 0; i < b->nmap; i++) {
        u8 *row = zp + ZP_E820 + i * E820_ENTRY;
        store_le(row, 8, b->map[i].base);
        store_le(row + 8, 8, b->map[i].size);
        store_le(row + 16, 4, b->map[i].type);
    }
    mem_load(m->mem, PARAMS_AT, zp, sizeof zp);
    mem_load(m->mem, CMDLINE_AT, append, strlen(append) + 1);
}

/*
 * GDT: null, null, flat code (0x10), flat data (0x18), as Linux's protocol
 * wants them.  The code is at F000:0000 = FFFF0000 of the ROM.
 */
const u8 x86_boot_gdt[32] = {
    0, 0, 0, 0, 0, 0, 0, 0,             0, 0, 0, 0, 0, 0, 0, 0,
    0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0, 0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0,
};
enum { GDT_AT = 0x100, GDTR_AT = 0x140, CODE32_AT = 0x80 };
static const u8 code16[] = {
    0xfa,                               /* cli */
    0x2e, 0x66, 0x0f, 0x01, 0x16, 0x40, 0x01,   /* lgdtl %cs:0x140 */
    0x0f, 0x20, 0xc0,                   /* mov %cr0, %eax */
    0x0c, 0x01,                         /* or $1, %al */
    0x0f, 0x22, 0xc0,                   /* mov %eax, %cr0 */
    0x66, 0xea, 0x80, 0x00, 0xff, 0xff, 0x10, 0x00, /* ljmpl $0x10, $0xffff0080 */
};
static const u8 code32[] = {
    /* Caches on, as firmware leaves them: CR0.CD and NW, the default MTRR. */
    0x0f, 0x20, 0xc0,                   /* mov %cr0, %eax */
    0x25, 0xff, 0xff, 0xff, 0x9f,       /* and $0x9fffffff, %eax */
    0x0f, 0x22, 0xc0,                   /* mov %eax, %cr0 */
    0xb8, 0x01, 0x00, 0x00, 0x00,       /* mov $1, %eax */
    0x0f, 0xa2,                         /* cpuid */
    0xf7, 0xc2, 0x00, 0x10, 0x00, 0x00, /* test $CPUID_MTRR, %edx */
    0x74, 0x0e,                         /* jz 1f */
    0xb9, 0xff, 0x02, 0x00, 0x00,       /* mov $IA32_MTRR_DEF_TYPE, %ecx */
    0xb8, 0x06, 0x08, 0x00, 0x00,       /* mov $0x806, %eax: on, write-back */
    0x31, 0xd2,                         /* xor %edx, %edx */
    0x0f, 0x30,                         /* wrmsr */
};                                      /* 1: x86_entry_code() */
enum { RESET_AT = 0xfffffff0u };
static const u8 reset_vector[] = { 0xe9, 0x0d, 0x00 };  /* jmp 0 (from fff3) */

u32 x86_entry_code(u8 *p, const X86Entry *e)
{
    static const u8 code[X86_ENTRY_CODE_MAX] = {
        0x66, 0xb8, 0x18, 0x00,         /* mov $0x18, %ax */
        0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0,     /* mov %ax, %ds; %es; %ss */
        0x8e, 0xe0, 0x8e, 0xe8,         /* %fs; %gs */
        0x31, 0xed, 0x31, 0xff,         /* xor %ebp; %edi */
        0xbc, 0x00, 0x00, 0x01, 0x00,   /* mov $0x10000, %esp */
        0xbe, 0, 0, 0, 0,               /* mov $esi, %esi */
        0xbb, 0, 0, 0, 0,               /* mov $ebx, %ebx */
        0xb8, 0, 0, 0, 0,               /* mov $eax, %eax */
        0xb9, 0, 0, 0, 0,               /* mov $eip, %ecx */
        0xff, 0xe1,                     /* jmp *%ecx */
    };

    memcpy(p, code, sizeof code);
    store_le(p + 24, 4, e->esi);
    store_le(p + 29, 4, e->ebx);
    store_le(p + 34, 4, e->eax);
    store_le(p + 39, 4, e->eip);
    return sizeof code;
}

static void write_rom(u8 *rom, const X86Entry *entry)
{
    memcpy(rom, code16, sizeof code16);
    memcpy(rom + CODE32_AT, code32, sizeof code32);
    x86_entry_code(rom + CODE32_AT + sizeof code32, entry);
    memcpy(rom + GDT_AT, x86_boot_gdt, sizeof x86_boot_gdt);
    store_le(rom + GDTR_AT, 2, sizeof x86_boot_gdt - 1);
    store_le(rom + GDTR_AT + 2, 4, 0xffff0000 + GDT_AT);
    memcpy(rom + X86_BOOT_ROM - 16, reset_vector, sizeof reset_vector);
}

/* The same, where the last start may have been x86_boot_resume()'s. */
static void renew_rom(Machine *m, u8 *rom, const X86Entry *entry)
{
    write_rom(rom, entry);
    mem_wrote(m->mem, RESET_AT, sizeof reset_vector);
}

/*
 * Kernel and RAM disk, whose files are read again for a reset: what is rarely
 * needed shall not take memory twice.
 */
static bool read_again(Machine *m, X86Boot *b, Err *err)
{
    u64 kernel = b->kernel.size, initrd = b->initrd.size;

    blob_free(&b->kernel);
    blob_free(&b->initrd);
    return x86_boot_read(m, b, err)
        && ((b->kernel.size == kernel && b->initrd.size == initrd)
            || fail(err, "the files of -kernel and -initrd are not those that "
                    "the machine was started with; start it anew"));
}

static bool load_image(Machine *m, X86Boot *b, u8 *rom, Err *err)
{
    const X86ImageBoard on = {
        .append = m->opts->append, .map = b->map, .rows = b->nmap,
        .end = b->low_ram, .rsdp = b->rsdp,
    };
    X86Loaded l;

    if (!x86_image_build(&b->kernel, &b->image, &on, &l, err)) {
        return false;
    }
    mem_load(m->mem, l.at, l.data, l.size);
    renew_rom(m, rom, &l.entry);
    g_free(l.data);
    x86_image_free(&b->image);
    blob_drop(&b->kernel);
    return true;
}

bool x86_boot_load(Machine *m, X86Boot *b, u8 *rom, Err *err)
{
    static const X86Entry linux_entry = { KERNEL_AT, 0, 0, PARAMS_AT };
    u32 skip;

    if (!b->kernel.data && !read_again(m, b, err)) {
        return false;
    }
    if (b->image.kind) {
        return load_image(m, b, rom, err);
    }
    skip = setup_size(&b->kernel);
    renew_rom(m, rom, &linux_entry);
    mem_load(m->mem, KERNEL_AT, b->kernel.data + skip, b->kernel.size - skip);
    if (b->initrd.size) {
        mem_load(m->mem, b->initrd_at, b->initrd.data, b->initrd.size);
    }
    load_params(m, b);
    blob_drop(&b->kernel);
    blob_drop(&b->initrd);
    return true;
}

void x86_boot_resume(Machine *m, u32 vector)
{
    u8 ljmp[5] = { 0xea };

    store_le(ljmp + 1, 2, vector & 15);
    store_le(ljmp + 3, 2, vector >> 4);
    mem_load(m->mem, RESET_AT, ljmp, sizeof ljmp);
}
