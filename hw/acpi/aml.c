/* SPDX-License-Identifier: MIT */
/*
 * Writing AML; see include/hw/acpi/aml.h for the reference.
 *
 * The length of an enclosing term is put in front of it when it ends: the
 * inner ones have ended by then, so nothing that was counted moves again.
 */
#include <assert.h>
#include "hw/acpi/aml.h"

enum {
    OP_NAME = 0x08, OP_BYTE = 0x0a, OP_WORD = 0x0b, OP_DWORD = 0x0c,
    OP_STRING = 0x0d, OP_QWORD = 0x0e, OP_SCOPE = 0x10, OP_BUFFER = 0x11,
    OP_PACKAGE = 0x12, OP_METHOD = 0x14, OP_DUAL = 0x2e, OP_MULTI = 0x2f,
    OP_EXT = 0x5b, OP_DEVICE = 0x82, OP_IF = 0xa0,
    OP_WHILE = 0xa2,
    OP_REGION = 0x80, OP_FIELD = 0x81,  /* both behind OP_EXT */
};
enum { SEGMENT = 4 };

static void put(Aml *a, unsigned size, u64 v)
{
    u8 bytes[8];

    store_le(bytes, size, v);
    g_byte_array_append(a->out, bytes, size);
}

static void insert(Aml *a, u32 at, const u8 *p, u32 n)
{
    u32 old = a->out->len;

    g_byte_array_set_size(a->out, old + n);
    memmove(a->out->data + at + n, a->out->data + at, old - at);
    memcpy(a->out->data + at, p, n);
}

/* ---- terms -------------------------------------------------------------- */

void aml_op(Aml *a, u8 op)
{
    put(a, 1, op);
}

/* The bytes of a number, at most 9; how many. */
static u32 encode_int(u8 *p, u64 v)
{
    static const struct { u8 op, size; } forms[] = {
        { OP_BYTE, 1 }, { OP_WORD, 2 }, { OP_DWORD, 4 }, { OP_QWORD, 8 },
    };
    u32 i = 0;

    if (v <= 1) {
        p[0] = (u8)v;                   /* ZeroOp, OneOp */
        return 1;
    }
    while (v & ~MASK(forms[i].size * 8)) {
        i++;
    }
    p[0] = forms[i].op;
    store_le(p + 1, forms[i].size, v);
    return 1u + forms[i].size;
}

void aml_int(Aml *a, u64 v)
{
    u8 bytes[9];

    g_byte_array_append(a->out, bytes, encode_int(bytes, v));
}

void aml_string(Aml *a, const char *s)
{
    put(a, 1, OP_STRING);
    g_byte_array_append(a->out, (const u8 *)s, (guint)strlen(s) + 1);
}

void aml_path(Aml *a, const char *path)
{
    g_auto(GStrv) part = NULL;

    if (*path == '\\') {
        put(a, 1, (u8)*path++);
    }
    part = g_strsplit(path, ".", -1);
    u32 n = g_strv_length(part);
    if (n == 0) {
        put(a, 1, 0);                   /* the null name */
    } else if (n == 2) {
        put(a, 1, OP_DUAL);
    } else if (n > 2) {
        put(a, 1, OP_MULTI);
        put(a, 1, n);
    }
    for (u32 i = 0; i < n; i++) {
        char segment[SEGMENT + 1] = "____";
        assert(strlen(part[i]) <= SEGMENT);
        memcpy(segment, part[i], strlen(part[i]));
        g_byte_array_append(a->out, (const u8 *)segment, SEGMENT);
    }
}

/* Three letters of five bits, four hexadecimal digits, big-endian. */
static u32 pack_eisa(const char *id)
{
    u32 v = 0;

    for (u32 i = 0; i < 3; i++) {
        v = v << 5 | (u32)(id[i] - '@');
    }
    for (u32 i = 3; i < 7; i++) {
        v = v << 4 | (u32)g_ascii_xdigit_value(id[i]);
    }
    return __builtin_bswap32(v);
}

void aml_eisa(Aml *a, const char *id)
{
    put(a, 1, OP_DWORD);
    put(a, 4, pack_eisa(id));
}

/* ---- what encloses ------------------------------------------------------ */

static void begin(Aml *a, bool buffer)
{
    assert(a->depth < AML_DEPTH);
    a->from[a->depth] = a->out->len;
    a->buffer[a->depth++] = buffer;
}

/* In n bytes: 20.2.4. */
static u32 encode_number(u8 *p, u32 v, u32 n)
{
    if (n == 1) {
        p[0] = (u8)v;
        return 1;
    }
    p[0] = (u8)((n - 1) << 6 | (v & 15));
    store_le(p + 1, n - 1, v >> 4);
    return n;
}

/* PkgLength counts itself. */
static u32 encode_length(u8 *p, u32 inside)
{
    u32 n = inside + 1 < 0x40 ? 1 : inside + 2 < 0x1000 ? 2
        : inside + 3 < 0x100000 ? 3 : 4;

    return encode_number(p, inside + n, n);
}

void aml_end(Aml *a)
{
    u8 bytes[9];

    assert(a->depth);
    u32 from = a->from[--a->depth];
    if (a->buffer[a->depth]) {
        u32 n = encode_int(bytes, a->out->len - from);
        insert(a, from, bytes, n);
    }
    u32 n = encode_length(bytes, a->out->len - from);
    insert(a, from, bytes, n);
}

void aml_bytes(Aml *a, const void *p, u32 n)
{
    put(a, 1, OP_BUFFER);
    begin(a, true);
    g_byte_array_append(a->out, p, n);
    aml_end(a);
}

void aml_scope(Aml *a, const char *path)
{
    put(a, 1, OP_SCOPE);
    begin(a, false);
    aml_path(a, path);
}

void aml_device(Aml *a, const char *name)
{
    put(a, 1, OP_EXT);
    put(a, 1, OP_DEVICE);
    begin(a, false);
    aml_path(a, name);
}

void aml_method(Aml *a, const char *name, u32 args)
{
    put(a, 1, OP_METHOD);
    begin(a, false);
    aml_path(a, name);
    put(a, 1, args);
}

void aml_method_serial(Aml *a, const char *name, u32 args)
{
    enum { SERIALIZED = 1 << 3 };

    aml_method(a, name, args | SERIALIZED);
}

void aml_package(Aml *a, u8 elements)
{
    put(a, 1, OP_PACKAGE);
    begin(a, false);
    put(a, 1, elements);
}

void aml_if(Aml *a)
{
    put(a, 1, OP_IF);
    begin(a, false);
}

void aml_while(Aml *a)
{
    put(a, 1, OP_WHILE);
    begin(a, false);
}

void aml_else(Aml *a)
{
    put(a, 1, AML_ELSE);
    begin(a, false);
}

/* ---- ports -------------------------------------------------------------- */

void aml_ports(Aml *a, const char *name, u32 port, u32 bytes)
{
    enum { SYSTEM_IO = 1 };

    put(a, 1, OP_EXT);
    put(a, 1, OP_REGION);
    aml_path(a, name);
    put(a, 1, SYSTEM_IO);
    aml_int(a, port);
    aml_int(a, bytes);
}

void aml_field(Aml *a, const char *region, u8 access, const AmlUnit *units)
{
    enum { WRITE_AS_ZEROS = 2 << 5 };
    u8 bytes[4];

    put(a, 1, OP_EXT);
    put(a, 1, OP_FIELD);
    begin(a, false);
    aml_path(a, region);
    put(a, 1, access | WRITE_AS_ZEROS);
    for (; units->name; units++) {
        if (*units->name) {
            aml_path(a, units->name);
        } else {
            put(a, 1, 0);
        }
        g_byte_array_append(a->out, bytes, encode_number(
            bytes, units->bits, units->bits < 0x40 ? 1 : 2));
    }
    aml_end(a);
}

/* ---- names -------------------------------------------------------------- */

void aml_name(Aml *a, const char *name)
{
    put(a, 1, OP_NAME);
    aml_path(a, name);
}

void aml_name_int(Aml *a, const char *name, u64 v)
{
    aml_name(a, name);
    aml_int(a, v);
}

void aml_name_id(Aml *a, const char *name, const char *id)
{
    aml_name(a, name);
    if (strlen(id) == 7) {
        aml_eisa(a, id);
    } else {
        aml_string(a, id);
    }
}

/* ---- resources ---------------------------------------------------------- */

enum {                                  /* descriptors' first bytes */
    RES_IRQ = 0x22, RES_DMA = 0x2a, RES_IO = 0x47, RES_END = 0x79,
    RES_MEMORY32 = 0x86, RES_DWORD = 0x87, RES_WORD = 0x88, RES_GSI = 0x89,
    RES_QWORD = 0x8a,
};

void aml_resources(Aml *a, const char *name)
{
    aml_name(a, name);
    put(a, 1, OP_BUFFER);
    begin(a, true);
}

void aml_resources_end(Aml *a)
{
    put(a, 1, RES_END);
    put(a, 1, 0);                       /* no checksum */
    aml_end(a);
}

void aml_res_io(Aml *a, u16 base, u8 len)
{
    enum { DECODE16 = 1 };

    put(a, 1, RES_IO);
    put(a, 1, DECODE16);
    put(a, 2, base);
    put(a, 2, base);
    put(a, 1, 1);                       /* alignment */
    put(a, 1, len);
}

void aml_res_irq(Aml *a, u32 irq)
{
    put(a, 1, RES_IRQ);
    put(a, 2, BIT(irq & 15));
}

void aml_res_dma(Aml *a, u32 channel)
{
    put(a, 1, RES_DMA);
    put(a, 1, BIT(channel & 7));
    put(a, 1, 0);                       /* compatibility mode, 8 bits */
}

void aml_res_gsi(Aml *a, u32 gsi, bool level)
{
    enum { CONSUMER = 1 << 0, EDGE = 1 << 1, SHARED = 1 << 3 };

    put(a, 1, RES_GSI);
    put(a, 2, 6);
    put(a, 1, CONSUMER | (level ? SHARED : EDGE));
    put(a, 1, 1);
    put(a, 4, gsi);
}

void aml_res_memory(Aml *a, u32 base, u32 size)
{
    put(a, 1, RES_MEMORY32);
    put(a, 2, 9);
    put(a, 1, 1);                       /* writable */
    put(a, 4, base);
    put(a, 4, size);
}

void aml_res_range(Aml *a, AmlRange kind, u64 base, u64 last)
{
    enum { FIXED = 3 << 2, ENTIRE_RANGE = 3, WRITABLE = 1, CACHEABLE = 1 << 1 };
    static const u8 flags[] = {
        [AML_RANGE_MEM] = WRITABLE | CACHEABLE, [AML_RANGE_IO] = ENTIRE_RANGE,
        [AML_RANGE_BUS] = 0,
    };
    unsigned size = kind != AML_RANGE_MEM ? 2 : last >> 32 ? 8 : 4;

    put(a, 1, size == 2 ? RES_WORD : size == 4 ? RES_DWORD : RES_QWORD);
    put(a, 2, 3 + 5 * size);
    put(a, 1, kind);
    put(a, 1, FIXED);
    put(a, 1, flags[kind]);
    put(a, size, 0);                    /* granularity */
    put(a, size, base);
    put(a, size, last);
    put(a, size, 0);                    /* translation */
    put(a, size, last - base + 1);
}
