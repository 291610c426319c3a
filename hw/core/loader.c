/* SPDX-License-Identifier: MIT */
/*
 * Loading of kernels.  References: Linux, "Booting AArch64 Linux" (the Image
 * header); System V ABI, chapters 4 and 5 (ELF); RFC 1952 (gzip) through zlib.
 */
#include <elf.h>
#include <errno.h>
#include <glib.h>
#include <zlib.h>
#include "hw/core/loader.h"
#include "softmmu/options.h"

enum { UNPACKED_MAX = 1 << 30 };

/* ---- files --------------------------------------------------------------- */

/* b->data unpacked; the caller frees out->data. */
static bool unpack_gzip(const Blob *b, Blob *out, Err *err)
{
    z_stream z = { .next_in = b->data, .avail_in = (uInt)b->size };
    size_t room = b->size * 4 + 65536;
    int status = inflateInit2(&z, 15 + 32);

    out->data = g_malloc(room);
    while (status == Z_OK && z.total_out < UNPACKED_MAX) {
        if (z.total_out == room) {
            room *= 2;
            out->data = g_realloc(out->data, room);
        }
        z.next_out = out->data + z.total_out;
        z.avail_out = (uInt)(room - z.total_out);
        status = inflate(&z, Z_NO_FLUSH);
        if (status == Z_BUF_ERROR && z.avail_out == 0) {
            status = Z_OK;
        }
    }
    inflateEnd(&z);
    out->size = z.total_out;
    return status == Z_STREAM_END
        || fail(err, "%s: the gzip data is damaged or cut short", b->name);
}

bool blob_read(const char *path, const char *what, Blob *b, Err *err)
{
    if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
        return fail(err, "%s %s: this is a folder", what, path);
    }
    errno = 0;
    if (!g_file_get_contents(path, (char **)&b->data, &b->size, NULL)) {
        return fail(err, "%s %s: %s", what, path,
                    errno ? g_strerror(errno) : "cannot be read");
    }
    b->name = g_strdup_printf("%s %s", what, path);
    return true;
}

void blob_drop(Blob *b)
{
    g_clear_pointer(&b->data, g_free);
}

void blob_free(Blob *b)
{
    blob_drop(b);
    g_clear_pointer(&b->name, g_free);
}

/* Where Debian's packages put firmware for guests. */
static const char *const firmware_folders[] = {
    "/usr/share/qemu", "/usr/share/qemu-efi-aarch64", "/usr/share/qemu-efi-arm",
    "/usr/lib/u-boot/qemu_arm64", "/usr/share/seabios",
};

static char *find_in(const char *folder, const char *name)
{
    char *path = g_build_filename(folder, name, NULL);

    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        g_clear_pointer(&path, g_free);
    }
    return path;
}

bool firmware_read(const Machine *m, const char *name, Blob *b, Err *err)
{
    const GPtrArray *own = m->opts->folders;
    g_autofree char *path = NULL;

    if (!strchr(name, '/') && !g_file_test(name, G_FILE_TEST_EXISTS)) {
        for (u32 i = 0; !path && i < own->len; i++) {
            path = find_in(own->pdata[i], name);
        }
        for (u32 i = 0; !path && i < countof(firmware_folders); i++) {
            path = find_in(firmware_folders[i], name);
        }
    }
    return blob_read(path ? path : name, "-bios", b, err);
}

/* ---- into memory --------------------------------------------------------- */

/* A load in progress. */
typedef struct Load {
    Machine    *m;
    const Blob *file;           /* unpacked */
    Loaded     *out;
    Err        *err;
} Load;

static bool place(const Load *l, u64 at, const u8 *data, u64 size)
{
    if (!mem_load(l->m->mem, at, data, size)) {
        return fail(l->err, "%s: %llu bytes at %#llx do not fit the machine's "
                    "memory; -m gives it more", l->file->name,
                    (unsigned long long)size, (unsigned long long)at);
    }
    l->out->low = MIN(l->out->low, at);
    l->out->high = MAX(l->out->high, at + size);
    return true;
}

/* ---- ELF ----------------------------------------------------------------- */

static const struct { u16 number; const char *name; } elf_machines[] = {
    { EM_386, "i386" }, { EM_ARM, "arm" }, { EM_X86_64, "x86-64" },
    { EM_AARCH64, "aarch64" }, { EM_MIPS, "mips" }, { EM_PPC, "ppc" },
    { EM_PPC64, "ppc64" }, { EM_RISCV, "riscv" }, { EM_S390, "s390x" },
};

static const char *elf_machine_name(u64 number)
{
    for (u32 i = 0; i < countof(elf_machines); i++) {
        if (elf_machines[i].number == number) {
            return elf_machines[i].name;
        }
    }
    return "another machine";
}

/* A field of a header that is the struct T32 or T64. */
#define FIELD(l, p, T, f)                                                   \
    field(l, (l)->out->word == 64 ? (p) + offsetof(Elf64_##T, f)            \
                                  : (p) + offsetof(Elf32_##T, f),           \
          (l)->out->word == 64 ? sizeof_field(Elf64_##T, f)                 \
                               : sizeof_field(Elf32_##T, f))

static u64 field(const Load *l, const u8 *p, size_t size)
{
    return l->out->big_endian ? load_be(p, (unsigned)size)
                              : load_le(p, (unsigned)size);
}

static bool cut_short(const Load *l)
{
    return fail(l->err, "%s: the ELF file is cut short", l->file->name);
}

/*
 * MIPS files have addresses in kseg0, kseg1 or xkphys for physical ones, of
 * what those show: MIPS PRA 4.3 "Unmapped Address Spaces".
 */
static u64 physical(u16 machine, u64 at)
{
    if (machine != EM_MIPS) {
        return at;
    }
    return at >> 62 == 2 ? at & MASK(48) : at & MASK(29);
}

static bool load_segment(const Load *l, u16 machine, const u8 *header)
{
    u64 offset = FIELD(l, header, Phdr, p_offset);
    u64 in_file = FIELD(l, header, Phdr, p_filesz);
    u64 size = FIELD(l, header, Phdr, p_memsz);

    if (FIELD(l, header, Phdr, p_type) != PT_LOAD || !size) {
        return true;
    }
    if (in_file > size || offset > l->file->size
        || in_file > l->file->size - offset) {
        return cut_short(l);
    }
    g_autofree u8 *bytes = size <= UNPACKED_MAX ? g_try_malloc0(size) : NULL;
    if (!bytes) {
        return fail(l->err, "%s: a segment of %llu bytes is too large",
                    l->file->name, (unsigned long long)size);
    }
    memcpy(bytes, l->file->data + offset, in_file);
    return place(l, physical(machine, FIELD(l, header, Phdr, p_paddr)), bytes,
                 size);
}

static bool load_elf(const Load *l, u16 machine)
{
    const u8 *e = l->file->data;
    size_t size = l->file->size;

    if (size < sizeof(Elf64_Ehdr)) {
        return cut_short(l);
    }
    l->out->word = e[EI_CLASS] == ELFCLASS64 ? 64 : 32;
    l->out->big_endian = e[EI_DATA] == ELFDATA2MSB;
    if (FIELD(l, e, Ehdr, e_machine) != machine) {
        return fail(l->err, "%s is an ELF file for %s, this machine is %s",
                    l->file->name,
                    elf_machine_name(FIELD(l, e, Ehdr, e_machine)),
                    elf_machine_name(machine));
    }
    u64 at = FIELD(l, e, Ehdr, e_phoff), n = FIELD(l, e, Ehdr, e_phnum);
    u64 each = l->out->word == 64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    if (at > size || n * each > size - at) {
        return cut_short(l);
    }
    for (u64 i = 0; i < n; i++) {
        if (!load_segment(l, machine, e + at + i * each)) {
            return false;
        }
    }
    l->out->entry = FIELD(l, e, Ehdr, e_entry);
    return l->out->low < l->out->high
        || fail(l->err, "%s: the ELF file has nothing to load", l->file->name);
}

/* ---- Linux Image --------------------------------------------------------- */

enum { IMAGE_HEADER = 64, IMAGE_MAGIC = 0x644d5241 };   /* "ARM\x64" at 56 */

/*
 * An Image that UEFI can start is a PE file too, whose sections tell how long
 * the file is (PE format specification, "Section Table").  0: it is none.
 */
static u64 pe_size(const Blob *b)
{
    u64 pe = load_le(b->data + 0x3c, 4), end = 0;

    if (b->data[0] != 'M' || b->data[1] != 'Z' || pe + 24 > b->size
        || memcmp(b->data + pe, "PE\0", 4) != 0) {
        return 0;
    }
    u64 row = pe + 24 + load_le(b->data + pe + 20, 2);
    for (u64 n = load_le(b->data + pe + 6, 2); n && row + 40 <= b->size; n--) {
        u64 size = load_le(b->data + row + 16, 4);
        end = MAX(end, load_le(b->data + row + 20, 4) + size);
        row += 40;
    }
    return end;
}

static bool load_image(const Load *l, u64 ram)
{
    const Blob *b = l->file;
    u64 text = load_le(b->data + 8, 8), size = load_le(b->data + 16, 8);

    if (size == 0) {            /* before Linux 3.17 */
        text = 0x80000;
        size = b->size;
    }
    if (b->size < size / 2 || b->size < pe_size(b)) {
        return fail(l->err, "%s: the kernel is cut short: %zu bytes of an "
                    "image of %llu", b->name, b->size,
                    (unsigned long long)size);
    }
    /* text_offset is in the low 2 MiB; beyond comes .bss, which is not read */
    if (text >= 1 << 21 || size > l->m->ram_size
        || text > l->m->ram_size - size) {
        return fail(l->err, "%s: the kernel needs %llu MiB of memory; -m gives "
                    "it more", b->name,
                    (unsigned long long)(size + text + (1 << 20) - 1) >> 20);
    }
    l->out->linux_image = true;
    l->out->entry = ram + text;
    if (!place(l, ram + text, b->data, b->size)) {
        return false;
    }
    l->out->high = MAX(l->out->high, ram + text + size);
    return true;
}

static bool load_unpacked(const Load *l, u64 ram, u16 machine)
{
    const Blob *b = l->file;
    bool may_be_image = machine == EM_AARCH64;

    if (b->size >= SELFMAG && memcmp(b->data, ELFMAG, SELFMAG) == 0) {
        return load_elf(l, machine);
    }
    if (may_be_image && b->size >= IMAGE_HEADER
        && load_le(b->data + 56, 4) == IMAGE_MAGIC) {
        return load_image(l, ram);
    }
    return fail(l->err, "%s is no kernel for this machine: it should be an "
                "%sELF file, or gzip of one", b->name,
                may_be_image ? "arm64 Image or an " : "");
}

bool load_kernel(Machine *m, const Blob *b, u64 ram, u16 machine, Loaded *out,
                 Err *err)
{
    Blob unpacked = { .name = b->name };
    bool packed = b->size > 2 && b->data[0] == 0x1f && b->data[1] == 0x8b;
    Load l = { m, packed ? &unpacked : b, out, err };
    bool ok;

    *out = (Loaded) { .low = ~0ull };
    ok = (!packed || unpack_gzip(b, &unpacked, err))
        && load_unpacked(&l, ram, machine);
    g_free(unpacked.data);
    return ok;
}
