/* SPDX-License-Identifier: MIT */
/*
 * A kernel that is no bzImage as it is in memory, with its modules and what it
 * is told behind it; see x86_image.h.
 * References: Multiboot Specification 0.6.96, 3.2, 3.3; Multiboot2 2.0, 3.4,
 * 3.6; Xen, public/arch-x86/hvm/start_info.h.
 */
#include "hw/board/x86_image.h"

static const char loader_name[] = "anole";

/* Memory from `at` on that is being filled; out->data grows. */
typedef struct Build {
    const X86Image *image;
    const X86ImageBoard *on;
    GByteArray *bytes;
    u64  at;
    u64  first[X86_IMAGE_MODULES];      /* where modules are */
    char *line;                         /* the kernel's command line */
} Build;

static u64 here(const Build *w) { return w->at + w->bytes->len; }

static void put(Build *w, unsigned size, u64 v)
{
    u8 bytes[8];

    store_le(bytes, size, v);
    g_byte_array_append(w->bytes, bytes, size);
}

static void put_bytes(Build *w, const void *data, u64 size)
{
    g_byte_array_append(w->bytes, data, (guint)size);
}

static void align(Build *w, u64 to)
{
    static const u8 zeros[4096];

    put_bytes(w, zeros, align_up(here(w), to) - here(w));
}

/* The text with its final zero; where it is. */
static u64 put_text(Build *w, const char *text)
{
    u64 at = here(w);

    put_bytes(w, text, strlen(text) + 1);
    return at;
}

static u64 memory_kib(const X86ImageBoard *on, u64 from)
{
    for (u32 i = 0; i < on->rows; i++) {
        if (on->map[i].base <= from
            && from < on->map[i].base + on->map[i].size) {
            return (on->map[i].base + on->map[i].size - from) >> 10;
        }
    }
    return 0;
}

/* ---- Multiboot ---------------------------------------------------------- */

/* Texts, modules' rows, the map, then the structure that names them. */
static X86Entry tell_multiboot(Build *w)
{
    enum { MEMORY = 1, COMMAND = 4, MODULES = 8, MAP = 64, LOADER = 512,
           MAGIC = 0x2badb002, ROW = 24 };
    const X86ImageBoard *on = w->on;
    u64 line = put_text(w, w->line), name = put_text(w, loader_name);
    u64 text[X86_IMAGE_MODULES], mods, map, info;

    for (u32 i = 0; i < w->image->modules; i++) {
        text[i] = put_text(w, w->image->text[i]);
    }
    align(w, 8);
    mods = here(w);
    for (u32 i = 0; i < w->image->modules; i++) {
        put(w, 4, w->first[i]);
        put(w, 4, w->first[i] + w->image->module[i].size);
        put(w, 8, text[i]);
    }
    map = here(w);
    for (u32 i = 0; i < on->rows; i++) {
        put(w, 4, ROW - 4);
        put(w, 8, on->map[i].base);
        put(w, 8, on->map[i].size);
        put(w, 4, on->map[i].type);
    }
    info = here(w);
    const u64 words[] = {
        MEMORY | COMMAND | MODULES | MAP | LOADER, memory_kib(on, 0),
        memory_kib(on, 1 << 20), 0, line, w->image->modules, mods, 0, 0, 0, 0,
        (u64)on->rows * ROW, map, 0, 0, 0, name,
    };
    for (u32 i = 0; i < countof(words); i++) {
        put(w, 4, words[i]);
    }
    return (X86Entry) { w->image->entry, MAGIC, (u32)info, 0 };
}

/* ---- Multiboot2 --------------------------------------------------------- */

enum { TAG_LINE = 1, TAG_LOADER = 2, TAG_MODULE = 3, TAG_MEMORY = 4,
       TAG_MAP = 6 };

static void tag(Build *w, u32 kind, u64 size)
{
    align(w, 8);
    put(w, 4, kind);
    put(w, 4, 8 + size);
}

static void text_tag(Build *w, u32 kind, const char *text)
{
    tag(w, kind, strlen(text) + 1);
    put_text(w, text);
}

static X86Entry tell_multiboot2(Build *w)
{
    enum { MAGIC = 0x36d76289, ROW = 24 };
    const X86ImageBoard *on = w->on;
    u32 start = w->bytes->len;
    u64 info = here(w);

    put(w, 8, 0);
    text_tag(w, TAG_LINE, w->line);
    text_tag(w, TAG_LOADER, loader_name);
    for (u32 i = 0; i < w->image->modules; i++) {
        tag(w, TAG_MODULE, 8 + strlen(w->image->text[i]) + 1);
        put(w, 4, w->first[i]);
        put(w, 4, w->first[i] + w->image->module[i].size);
        put_text(w, w->image->text[i]);
    }
    tag(w, TAG_MEMORY, 8);
    put(w, 4, memory_kib(on, 0));
    put(w, 4, memory_kib(on, 1 << 20));
    tag(w, TAG_MAP, 8 + (u64)on->rows * ROW);
    put(w, 4, ROW);
    put(w, 4, 0);
    for (u32 i = 0; i < on->rows; i++) {
        put(w, 8, on->map[i].base);
        put(w, 8, on->map[i].size);
        put(w, 8, on->map[i].type);
    }
    tag(w, 0, 0);
    store_le(w->bytes->data + start, 4, w->bytes->len - start);
    return (X86Entry) { w->image->entry, MAGIC, (u32)info, 0 };
}

/* ---- PVH ---------------------------------------------------------------- */

static X86Entry tell_pvh(Build *w)
{
    enum { MAGIC = 0x336ec578, VERSION = 1 };
    const X86ImageBoard *on = w->on;
    u64 line = put_text(w, w->line), mods, map, info;

    align(w, 8);
    mods = here(w);
    for (u32 i = 0; i < w->image->modules; i++) {
        put(w, 8, w->first[i]);
        put(w, 8, w->image->module[i].size);
        put(w, 8, 0);
        put(w, 8, 0);
    }
    map = here(w);
    for (u32 i = 0; i < on->rows; i++) {
        put(w, 8, on->map[i].base);
        put(w, 8, on->map[i].size);
        put(w, 8, on->map[i].type);
    }
    info = here(w);
    put(w, 4, MAGIC);
    put(w, 4, VERSION);
    put(w, 4, 0);
    put(w, 4, w->image->modules);
    put(w, 8, w->image->modules ? mods : 0);
    put(w, 8, line);
    put(w, 8, on->rsdp);
    put(w, 8, map);
    put(w, 4, on->rows);
    put(w, 4, 0);
    return (X86Entry) { w->image->entry, 0, (u32)info, 0 };
}

/* ---- all of it ---------------------------------------------------------- */

static void bounds(const X86Image *i, u64 *first, u64 *end)
{
    *first = ~0ull;
    *end = 0;
    for (u32 n = 0; n < i->segs; n++) {
        *first = MIN(*first, i->seg[n].at);
        *end = MAX(*end, i->seg[n].at + i->seg[n].size);
    }
}

/* A bound for what is told, modules in whole pages among it. */
static u64 told_bytes(const X86Image *i, const char *append)
{
    enum { PLAIN = 8192 };
    u64 n = PLAIN + (append ? strlen(append) : 0);

    for (u32 m = 0; m < i->modules; m++) {
        n += i->module[m].size + 4096 + strlen(i->text[m]) + 64;
    }
    return n;
}

static void put_kernel(Build *w, const Blob *b, u64 size)
{
    g_byte_array_set_size(w->bytes, (guint)size);
    memset(w->bytes->data, 0, size);
    for (u32 n = 0; n < w->image->segs; n++) {
        const X86Segment *s = &w->image->seg[n];
        memcpy(w->bytes->data + (s->at - w->at), b->data + s->offset,
               s->in_file);
    }
}

static void put_modules(Build *w)
{
    for (u32 m = 0; m < w->image->modules; m++) {
        align(w, 4096);
        w->first[m] = here(w);
        put_bytes(w, w->image->module[m].data, w->image->module[m].size);
    }
    align(w, 4096);
}

/* Multiboot's command line begins with the kernel's name, PVH's does not. */
static char *command_line(const Blob *b, const X86Image *i, const char *append)
{
    const char *file = strchr(b->name, ' ');    /* "-kernel FILE" */

    if (i->kind == IMAGE_PVH) {
        return g_strdup(append ? append : "");
    }
    return g_strconcat(file ? file + 1 : b->name, append ? " " : NULL, append,
                       NULL);
}

bool x86_image_build(const Blob *b, const X86Image *i,
                     const X86ImageBoard *on, X86Loaded *out, Err *err)
{
    static X86Entry (*const tell[])(Build *w) = {
        [IMAGE_MULTIBOOT] = tell_multiboot,
        [IMAGE_MULTIBOOT2] = tell_multiboot2, [IMAGE_PVH] = tell_pvh,
    };
    Build w = { .image = i, .on = on };
    u64 end, need;

    bounds(i, &w.at, &end);
    w.line = command_line(b, i, on->append);
    need = end + told_bytes(i, w.line);
    if (need > on->end) {
        g_free(w.line);
        return fail(err, "%s and its modules need memory up to %llu MiB and "
                    "there are %llu; -m gives more", b->name,
                    (unsigned long long)(need >> 20) + 1,
                    (unsigned long long)on->end >> 20);
    }
    w.bytes = g_byte_array_new();
    put_kernel(&w, b, end - w.at);
    put_modules(&w);
    out->entry = tell[i->kind](&w);
    out->at = w.at;
    out->size = w.bytes->len;
    out->data = g_byte_array_free(w.bytes, false);
    g_free(w.line);
    return true;
}
