/* SPDX-License-Identifier: MIT */
/*
 * Finding the parts of a kernel that is no bzImage; see x86_image.h.
 * References: Multiboot Specification 0.6.96, 3.1 "OS image format"; Multiboot2
 * Specification 2.0, 3.1; System V ABI, "ELF"; Xen, "x86/HVM direct boot ABI
 * (PVH)": ELF note XEN_ELFNOTE_PHYS32_ENTRY.
 */
#include <elf.h>
#include "hw/board/x86_image.h"

enum { LOWEST = 0x100000 };     /* below are firmware's areas */
enum { NOTE_PHYS32_ENTRY = 18, NOTES_MAX = 65536, HEADERS_MAX = 256 };

/* A little-endian number of the file; beyond its end it reads 0. */
static u64 number(const Blob *b, u64 at, unsigned size)
{
    return at < b->size && size <= b->size - at ? load_le(b->data + at, size)
                                                : 0;
}

/* ---- ELF ---------------------------------------------------------------- */

/* A field of a header that is the struct T32 or T64. */
#define FIELD(b, wide, at, T, f)                                            \
    number(b, (at) + ((wide) ? offsetof(Elf64_##T, f)                       \
                             : offsetof(Elf32_##T, f)),                     \
           (wide) ? sizeof_field(Elf64_##T, f) : sizeof_field(Elf32_##T, f))

static bool is_elf(const Blob *b)
{
    return b->size >= sizeof(Elf64_Ehdr)
        && memcmp(b->data, ELFMAG, SELFMAG) == 0
        && b->data[EI_DATA] == ELFDATA2LSB;
}

static u64 headers(const Blob *b)
{
    u64 n = FIELD(b, b->data[EI_CLASS] == ELFCLASS64, 0, Ehdr, e_phnum);

    return MIN(n, (u64)HEADERS_MAX);
}

static bool add_segment(const Blob *b, X86Image *i, X86Segment s, Err *err)
{
    if (s.in_file > s.size || s.offset > b->size
        || s.in_file > b->size - s.offset) {
        return fail(err, "%s is cut short", b->name);
    }
    if (i->segs == X86_IMAGE_SEGMENTS) {
        return fail(err, "%s has more than %d segments", b->name,
                    X86_IMAGE_SEGMENTS);
    }
    if (s.at < LOWEST || s.at + s.size > UINT32_MAX || s.size > UINT32_MAX) {
        return fail(err, "%s wants to be at %#llx; a kernel can be from 1 MiB "
                    "to 4 GiB", b->name, (unsigned long long)s.at);
    }
    i->seg[i->segs++] = s;
    return true;
}

/* The entry is a virtual address; of the segment that holds it we know both. */
static bool read_elf(const Blob *b, X86Image *i, Err *err)
{
    bool wide = b->data[EI_CLASS] == ELFCLASS64;
    u64 at = FIELD(b, wide, 0, Ehdr, e_phoff);
    u64 n = headers(b);
    u64 entry = FIELD(b, wide, 0, Ehdr, e_entry);

    i->entry = (u32)entry;
    for (; n; n--, at += wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) {
        u64 va = FIELD(b, wide, at, Phdr, p_vaddr);
        X86Segment s = {
            .at = FIELD(b, wide, at, Phdr, p_paddr),
            .size = FIELD(b, wide, at, Phdr, p_memsz),
            .offset = FIELD(b, wide, at, Phdr, p_offset),
            .in_file = FIELD(b, wide, at, Phdr, p_filesz),
        };
        if (FIELD(b, wide, at, Phdr, p_type) != PT_LOAD || !s.size) {
            continue;
        }
        if (!add_segment(b, i, s, err)) {
            return false;
        }
        if (entry >= va && entry - va < s.size) {
            i->entry = (u32)(entry - va + s.at);
        }
    }
    return i->segs || fail(err, "%s: the ELF file has nothing to load",
                           b->name);
}

/* The value of Xen's note in a PT_NOTE of `size` bytes; 0: none. */
static u64 find_note(const Blob *b, u64 at, u64 size)
{
    u64 end = at + MIN(size, (u64)NOTES_MAX);

    while (at < end && end - at >= 12) {
        u64 name = number(b, at, 4), desc = number(b, at + 4, 4);
        u64 data = at + 12 + align_up(name, 4);
        if (number(b, at + 8, 4) == NOTE_PHYS32_ENTRY && name == 4
            && number(b, at + 12, 4) == 0x006e6558) {       /* "Xen" */
            return number(b, data, desc == 8 ? 8 : 4);
        }
        at = data + align_up(desc, 4);
    }
    return 0;
}

static u64 pvh_entry(const Blob *b)
{
    bool wide = b->data[EI_CLASS] == ELFCLASS64;
    u64 at = FIELD(b, wide, 0, Ehdr, e_phoff), found = 0;

    for (u64 n = headers(b); n && !found; n--) {
        if (FIELD(b, wide, at, Phdr, p_type) == PT_NOTE) {
            found = find_note(b, FIELD(b, wide, at, Phdr, p_offset),
                              FIELD(b, wide, at, Phdr, p_filesz));
        }
        at += wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    }
    return found;
}

/* ---- Multiboot ---------------------------------------------------------- */

/* Addresses of the header's own, where the file is not ELF, or says so. */
static bool by_addresses(const Blob *b, X86Image *i, u64 header_at,
                         const u32 a[4], Err *err)
{
    u64 header = a[0], load = a[1], load_end = a[2], bss_end = a[3];
    X86Segment s = { .at = load, .offset = header_at - (header - load) };

    if (load > header || header - load > header_at) {
        return fail(err, "%s: its Multiboot header is not where it says",
                    b->name);
    }
    s.in_file = load_end ? load_end - load : b->size - s.offset;
    s.size = bss_end ? MAX(bss_end - load, s.in_file) : s.in_file;
    return add_segment(b, i, s, err);
}

static u64 find_header(const Blob *b, u32 magic, u64 within, u32 step,
                       u32 words)
{
    for (u64 at = 0; at < MIN(within, b->size); at += step) {
        u32 sum = 0;
        for (u32 w = 0; w < words; w++) {
            sum += (u32)number(b, at + 4 * w, 4);
        }
        if (number(b, at, 4) == magic && sum == 0
            && at + 4 * words <= b->size) {
            return at;
        }
    }
    return ~0ull;
}

static bool no_elf(const Blob *b, const char *what, Err *err)
{
    return fail(err, "%s has a %s header without addresses, and is no ELF file",
                b->name, what);
}

/* Flags 16: addresses follow; of the low 16 those that are not known: fail. */
static bool read_multiboot(const Blob *b, X86Image *i, u64 at, Err *err)
{
    enum { KNOWN = 7, ADDRESSES = 1 << 16 };
    u32 flags = (u32)number(b, at + 4, 4), a[4];

    if (flags & 0xffff & ~KNOWN) {
        return fail(err, "%s wants features %#x of Multiboot; known are %#x",
                    b->name, flags & 0xffff, KNOWN);
    }
    if (!(flags & ADDRESSES)) {
        return is_elf(b) ? read_elf(b, i, err) : no_elf(b, "Multiboot", err);
    }
    for (u32 w = 0; w < 4; w++) {
        a[w] = (u32)number(b, at + 12 + 4 * w, 4);
    }
    i->entry = (u32)number(b, at + 28, 4);
    return by_addresses(b, i, at, a, err);
}

enum { TAG_END = 0, TAG_INFO = 1, TAG_ADDRESS = 2, TAG_ENTRY = 3, TAG_FLAGS = 4,
       TAG_FRAMEBUFFER = 5, TAG_ALIGN = 6, TAG_RELOCATABLE = 10,
       TAG_OPTIONAL = 1 };

/* A tag of a Multiboot2 header; *entry and *a: what tags give, or as before. */
static bool read_tag(const Blob *b, u64 at, u32 *entry, u32 a[4], Err *err)
{
    u32 kind = (u32)number(b, at, 2);

    switch (kind) {
    case TAG_ADDRESS:
        for (u32 w = 0; w < 4; w++) {
            a[w] = (u32)number(b, at + 8 + 4 * w, 4);
        }
        return true;
    case TAG_ENTRY:
        *entry = (u32)number(b, at + 8, 4);
        return true;
    case TAG_INFO: case TAG_FLAGS: case TAG_ALIGN: case TAG_RELOCATABLE:
        return true;
    }
    return number(b, at + 2, 2) & TAG_OPTIONAL
        || fail(err, "%s must have what tag %u of Multiboot2 asks for, which "
                "is not there", b->name, kind);
}

static bool read_multiboot2(const Blob *b, X86Image *i, u64 at, Err *err)
{
    u64 end = at + number(b, at + 8, 4), size;
    u32 entry = 0, a[4] = { 0 };

    for (u64 tag = at + 16; tag + 8 <= MIN(end, b->size); tag += size) {
        size = MAX(align_up(number(b, tag + 4, 4), 8), 8);
        if (number(b, tag, 2) == TAG_END) {
            break;
        }
        if (!read_tag(b, tag, &entry, a, err)) {
            return false;
        }
    }
    if (a[0] ? !by_addresses(b, i, at, a, err)
        : is_elf(b) ? !read_elf(b, i, err) : !no_elf(b, "Multiboot2", err)) {
        return false;
    }
    i->entry = entry ? entry : i->entry;
    return i->entry || fail(err, "%s has no entry address", b->name);
}

/* ---- modules ------------------------------------------------------------ */

/* "FILE arguments": the file is up to the first blank. */
static bool add_module(X86Image *i, const char *text, bool whole, Err *err)
{
    g_autofree char *path = g_strndup(text, whole ? strlen(text)
                                                  : strcspn(text, " "));

    if (i->modules == X86_IMAGE_MODULES) {
        return fail(err, "-initrd: %d modules at most", X86_IMAGE_MODULES);
    }
    i->text[i->modules] = g_strdup(text);
    return blob_read(path, "-initrd", &i->module[i->modules++], err);
}

static bool read_modules(X86Image *i, const char *initrd, Err *err)
{
    g_auto(GStrv) part = NULL;

    if (i->kind == IMAGE_PVH) {
        return add_module(i, initrd, true, err);
    }
    part = g_strsplit(initrd, ",", -1);
    for (char **p = part; *p; p++) {
        if (!add_module(i, *p, false, err)) {
            return false;
        }
    }
    return true;
}

bool x86_image_read(const Blob *b, const char *initrd, X86Image *i, Err *err)
{
    enum { MAGIC = 0x1badb002, MAGIC2 = 0xe85250d6 };
    u64 one = find_header(b, MAGIC, 8192, 4, 3);
    u64 two = find_header(b, MAGIC2, 32768, 8, 4);
    u64 pvh = is_elf(b) ? pvh_entry(b) : 0;
    bool ok = true;

    memset(i, 0, sizeof *i);
    if (one != ~0ull) {
        i->kind = IMAGE_MULTIBOOT;
        ok = read_multiboot(b, i, one, err);
    } else if (two != ~0ull) {
        i->kind = IMAGE_MULTIBOOT2;
        ok = read_multiboot2(b, i, two, err);
    } else if (pvh) {
        i->kind = IMAGE_PVH;
        ok = read_elf(b, i, err);
        i->entry = (u32)pvh;
    }
    return ok && (!i->kind || !initrd || read_modules(i, initrd, err));
}

void x86_image_free(X86Image *i)
{
    for (u32 m = 0; m < i->modules; m++) {
        blob_free(&i->module[m]);
        g_free(i->text[m]);
    }
    memset(i, 0, sizeof *i);
}
