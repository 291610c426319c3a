/* SPDX-License-Identifier: MIT */
/*
 * Loading of kernels.  References: Linux, "Booting AArch64 Linux" (the Image
 * header); ELF specification, version 1.2; RFC 1952 (gzip) through zlib.
 */
#include <elf.h>
#include <errno.h>
#include <glib.h>
#include <zlib.h>
#include "hw/core/loader.h"
#include "softmmu/options.h"

enum { UNPACKED_MAX = 1 << 30 };

static bool unpack_gzip(Blob *b, const char *path, Err *err)
{
    z_stream z = { .next_in = b->data, .avail_in = (uInt)b->size };
    size_t room = b->size * 4 + 65536;
    u8 *out = g_malloc(room);
    int status = inflateInit2(&z, 15 + 32);

    while (status == Z_OK && z.total_out < UNPACKED_MAX) {
        if (z.total_out == room) {
            room *= 2;
            out = g_realloc(out, room);
        }
        z.next_out = out + z.total_out;
        z.avail_out = (uInt)(room - z.total_out);
        status = inflate(&z, Z_NO_FLUSH);
        if (status == Z_BUF_ERROR && z.avail_out == 0) {
            status = Z_OK;
        }
    }
    inflateEnd(&z);
    if (status != Z_STREAM_END) {
        g_free(out);
        return fail(err, "%s: the gzip data is damaged or cut short", path);
    }
    g_free(b->data);
    b->data = out;
    b->size = z.total_out;
    return true;
}

bool blob_read(const char *path, const char *what, Blob *b, Err *err)
{
    if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
        return fail(err, "%s %s: this is a folder", what, path);
    }
    errno = 0;
    return g_file_get_contents(path, (char **)&b->data, &b->size, NULL)
        || fail(err, "%s %s: %s", what, path,
                errno ? g_strerror(errno) : "cannot be read");
}

void blob_free(Blob *b)
{
    g_free(b->data);
    b->data = NULL;
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

static bool place(Machine *m, u64 at, const u8 *data, u64 size, Loaded *out,
                  const char *path, Err *err)
{
    if (!mem_load(m->mem, at, data, size)) {
        return fail(err, "%s: %llu bytes at %#llx do not fit the machine's "
                    "memory; -m gives it more", path, (unsigned long long)size,
                    (unsigned long long)at);
    }
    out->low = MIN(out->low, at);
    out->high = MAX(out->high, at + size);
    return true;
}

/* ---- ELF ---------------------------------------------------------------- */

static bool load_segment(Machine *m, const Blob *b, const Elf64_Phdr *p,
                         const char *path, Loaded *out, Err *err)
{
    if (p->p_type != PT_LOAD || !p->p_memsz) {
        return true;
    }
    if (p->p_filesz > p->p_memsz || p->p_offset > b->size
        || p->p_filesz > b->size - p->p_offset) {
        return fail(err, "%s: the ELF file is cut short", path);
    }
    g_autofree u8 *bytes = g_try_malloc0(p->p_memsz);
    if (!bytes) {
        return fail(err, "%s: a segment of %llu bytes is too large", path,
                    (unsigned long long)p->p_memsz);
    }
    memcpy(bytes, b->data + p->p_offset, p->p_filesz);
    return place(m, p->p_paddr, bytes, p->p_memsz, out, path, err);
}

static bool load_elf(Machine *m, const Blob *b, const char *path, u16 machine,
                     Loaded *out, Err *err)
{
    Elf64_Ehdr e;

    if (b->size < sizeof e) {
        return fail(err, "%s: the ELF file is cut short", path);
    }
    memcpy(&e, b->data, sizeof e);
    if (e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_ident[EI_DATA] != ELFDATA2LSB
        || e.e_machine != machine) {
        return fail(err, "%s is an ELF file for another machine (number %u, "
                    "%s-bit): this one wants number %u, 64-bit", path,
                    e.e_machine, e.e_ident[EI_CLASS] == ELFCLASS64 ? "64" : "32",
                    machine);
    }
    for (u32 i = 0; i < e.e_phnum; i++) {
        Elf64_Phdr p;
        u64 at = e.e_phoff + (u64)i * sizeof p;
        if (at > b->size || b->size - at < sizeof p) {
            return fail(err, "%s: the ELF file is cut short", path);
        }
        memcpy(&p, b->data + at, sizeof p);
        if (!load_segment(m, b, &p, path, out, err)) {
            return false;
        }
    }
    out->entry = e.e_entry;
    return out->low < out->high
        || fail(err, "%s: the ELF file has nothing to load", path);
}

/* ---- Linux Image -------------------------------------------------------- */

enum { IMAGE_HEADER = 64, IMAGE_MAGIC = 0x644d5241 };   /* "ARM\x64" at 56 */

static bool load_image(Machine *m, const Blob *b, const char *path, u64 ram,
                       Loaded *out, Err *err)
{
    u64 text = load_le(b->data + 8, 8), size = load_le(b->data + 16, 8);

    if (size == 0) {            /* before Linux 3.17 */
        text = 0x80000;
        size = b->size;
    }
    if (b->size < size / 2 && b->size < 1 << 20) {
        return fail(err, "%s: the kernel is cut short: %zu bytes of an image "
                    "of %llu", path, b->size, (unsigned long long)size);
    }
    /* text_offset is in the low 2 MiB; beyond comes .bss, which is not read */
    if (text >= 1 << 21 || size > m->ram_size
        || text > m->ram_size - size) {
        return fail(err, "%s: the kernel needs %llu MiB of memory; -m gives "
                    "it more", path, (unsigned long long)(size + text) >> 20);
    }
    out->linux_image = true;
    out->entry = ram + text;
    if (!place(m, ram + text, b->data, b->size, out, path, err)) {
        return false;
    }
    out->high = MAX(out->high, ram + text + size);
    return true;
}

bool load_kernel(Machine *m, const Blob *raw, const char *path, u64 ram,
                 u16 machine, Loaded *out, Err *err)
{
    Blob b = { g_memdup2(raw->data, raw->size), raw->size };
    bool ok;

    *out = (Loaded) { .low = ~0ull };
    if (b.size > 2 && b.data[0] == 0x1f && b.data[1] == 0x8b
        && !unpack_gzip(&b, path, err)) {
        blob_free(&b);
        return false;
    }
    if (b.size >= 4 && memcmp(b.data, ELFMAG, SELFMAG) == 0) {
        ok = load_elf(m, &b, path, machine, out, err);
    } else if (b.size >= IMAGE_HEADER
               && load_le(b.data + 56, 4) == IMAGE_MAGIC) {
        ok = load_image(m, &b, path, ram, out, err);
    } else {
        ok = fail(err, "-kernel %s is no kernel for this machine: it should "
                  "be an arm64 Image, gzip of one, or an ELF file", path);
    }
    blob_free(&b);
    return ok;
}
