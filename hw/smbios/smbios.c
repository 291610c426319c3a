/* SPDX-License-Identifier: MIT */
/*
 * SMBIOS structures of types 0, 1, 2, 3, 4, 16, 17, 19, 32 and 127.
 * Reference: DMTF DSP0134, "System Management BIOS Reference Specification",
 * 3.0.0; 5.2 for the entry points, chapter 7 for the structures.  Handles are
 * 100H times the type, so that one is easily found.
 */
#include "hw/misc/fw_cfg.h"
#include "hw/smbios/smbios.h"

enum { STRINGS_MAX = 16 };
#define GIB     (1ull << 30)
#define DIMM    (16 * GIB)
enum { ANCHOR_2 = 31, ANCHOR_3 = 24, AT_DMI = 16 };

/* The structure being written. */
typedef struct Out {
    GByteArray *t;
    const SmbiosBoard *b;
    u32 at;                     /* where it begins */
    u32 number;                 /* structures so far */
    u32 longest;
    u32 nstrings;
    const char *string[STRINGS_MAX];
} Out;

static void put(Out *o, unsigned size, u64 v)
{
    u8 bytes[8];

    store_le(bytes, size, v);
    g_byte_array_append(o->t, bytes, size);
}

/* The number of a text in the structure's set; 0: there is none. */
static void text(Out *o, const char *s)
{
    if (s && *s && o->nstrings < STRINGS_MAX) {
        o->string[o->nstrings++] = s;
        put(o, 1, o->nstrings);
    } else {
        put(o, 1, 0);
    }
}

static void begin(Out *o, u8 type, u32 nth)
{
    o->at = o->t->len;
    o->nstrings = 0;
    put(o, 1, type);
    put(o, 1, 0);               /* length, when it ends */
    put(o, 2, (u32)type << 8 | (nth & 0xff));
}

static void end(Out *o)
{
    o->t->data[o->at + 1] = (u8)(o->t->len - o->at);
    for (u32 i = 0; i < o->nstrings; i++) {
        g_byte_array_append(o->t, (const u8 *)o->string[i],
                            (guint)strlen(o->string[i]) + 1);
    }
    put(o, o->nstrings ? 1 : 2, 0);
    o->longest = MAX(o->longest, o->t->len - o->at);
    o->number++;
}

static u16 handle(u8 type, u32 nth)
{
    return (u16)((u32)type << 8 | (nth & 0xff));
}

static const char *vendor_of(const SmbiosBoard *b)
{
    return b->vendor ? b->vendor : "anole";
}

static const char *product_of(const SmbiosBoard *b)
{
    return b->product ? b->product : "PC";
}

/* ---- structures --------------------------------------------------------- */

static void firmware(Out *o)
{
    enum { NOT_SUPPORTED = 1 << 3, VIRTUAL_MACHINE = 1 << 4 };

    begin(o, 0, 0);
    text(o, "anole");           /* whoever is said to have made the rest */
    text(o, ANOLE_VERSION);
    put(o, 2, 0xe800);          /* segment */
    text(o, "01/01/2024");
    put(o, 1, 0);               /* size: 64 KiB */
    put(o, 8, NOT_SUPPORTED);
    put(o, 2, VIRTUAL_MACHINE << 8);
    put(o, 4, 0xffff0000);      /* release 0.0, no embedded controller */
    end(o);
}

/* The first three fields of a UUID are little-endian: 7.2.1. */
static void uuid(Out *o, const u8 *u)
{
    static const u8 order[16] = {
        3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15
    };

    for (u32 i = 0; i < 16; i++) {
        put(o, 1, u ? u[order[i]] : 0);
    }
}

static void system_info(Out *o)
{
    enum { POWER_SWITCH = 6 };

    begin(o, 1, 0);
    text(o, vendor_of(o->b));
    text(o, product_of(o->b));
    text(o, o->b->version);
    text(o, o->b->serial);
    uuid(o, o->b->uuid);
    put(o, 1, POWER_SWITCH);
    text(o, o->b->sku);
    text(o, o->b->family);
    end(o);
}

static void baseboard(Out *o)
{
    enum { HOSTING = 1, MOTHERBOARD = 10 };

    begin(o, 2, 0);
    text(o, vendor_of(o->b));
    text(o, product_of(o->b));
    text(o, o->b->version);
    text(o, NULL);
    text(o, NULL);
    put(o, 1, HOSTING);
    text(o, NULL);
    put(o, 2, handle(3, 0));
    put(o, 1, MOTHERBOARD);
    put(o, 1, 0);
    end(o);
}

static void chassis(Out *o)
{
    enum { OTHER = 1, SAFE = 3, UNKNOWN = 2 };

    begin(o, 3, 0);
    text(o, vendor_of(o->b));
    put(o, 1, OTHER);
    text(o, o->b->version);
    text(o, NULL);
    text(o, NULL);
    put(o, 1, SAFE);            /* boot, power supply, thermal */
    put(o, 1, SAFE);
    put(o, 1, SAFE);
    put(o, 1, UNKNOWN);
    put(o, 4, 0);
    put(o, 1, 0);               /* height, power cords, elements */
    put(o, 1, 0);
    put(o, 1, 0);
    put(o, 1, 0);
    text(o, NULL);
    end(o);
}

static void processor(Out *o, u32 n)
{
    enum { CENTRAL = 3, OTHER = 1, ENABLED = 0x41, NO_CACHE = 0xffff };
    const SmbiosBoard *b = o->b;
    u32 cores = MAX(b->cores, 1u), threads = cores * MAX(b->threads, 1u);
    char socket[16];

    g_snprintf(socket, sizeof socket, "CPU %u", n);
    begin(o, 4, n);
    text(o, socket);
    put(o, 1, CENTRAL);
    put(o, 1, OTHER);           /* family */
    text(o, vendor_of(b));
    put(o, 4, b->cpu_signature);
    put(o, 4, b->cpu_features);
    text(o, b->cpu);
    put(o, 1, 0);               /* voltage, clock; speeds in MHz */
    put(o, 2, 0);
    put(o, 2, 2000);
    put(o, 2, 2000);
    put(o, 1, ENABLED);
    put(o, 1, OTHER);           /* upgrade */
    put(o, 2, NO_CACHE);
    put(o, 2, NO_CACHE);
    put(o, 2, NO_CACHE);
    text(o, NULL);
    text(o, NULL);
    text(o, NULL);
    put(o, 1, MIN(cores, 255u));
    put(o, 1, MIN(cores, 255u));
    put(o, 1, MIN(threads, 255u));
    put(o, 2, 1 << 2);          /* 64-bit capable */
    put(o, 2, OTHER);           /* family 2 */
    if (b->v3) {
        put(o, 2, cores);
        put(o, 2, cores);
        put(o, 2, threads);
    }
    end(o);
}

static u64 all_memory(const SmbiosBoard *b)
{
    return b->low + b->high;
}

static u32 dimms(const SmbiosBoard *b)
{
    return (u32)MIN((all_memory(b) + DIMM - 1) / DIMM, 128);
}

static void memory_array(Out *o)
{
    enum { OTHER = 1, SYSTEM = 3, MULTI_BIT_ECC = 6, NO_ERRORS = 0xfffe };

    begin(o, 16, 0);
    put(o, 1, OTHER);
    put(o, 1, SYSTEM);
    put(o, 1, MULTI_BIT_ECC);
    put(o, 4, 0x80000000);      /* capacity: in the 64-bit field */
    put(o, 2, NO_ERRORS);
    put(o, 2, dimms(o->b));
    put(o, 8, all_memory(o->b));
    end(o);
}

static void memory_device(Out *o, u32 n)
{
    enum { NO_ERRORS = 0xfffe, DIMM_FORM = 9, RAM_TYPE = 7, OTHER = 1 << 1 };
    u64 mib = MIN(all_memory(o->b) - n * DIMM, DIMM) >> 20;
    char place[16];

    g_snprintf(place, sizeof place, "DIMM %u", n);
    begin(o, 17, n);
    put(o, 2, handle(16, 0));
    put(o, 2, NO_ERRORS);
    put(o, 2, 0xffff);          /* widths: unknown */
    put(o, 2, 0xffff);
    put(o, 2, mib < 0x7fff ? mib : 0x7fff);
    put(o, 1, DIMM_FORM);
    put(o, 1, 0);
    text(o, place);
    text(o, NULL);
    put(o, 1, RAM_TYPE);
    put(o, 2, OTHER);
    put(o, 2, 0);               /* speed */
    text(o, vendor_of(o->b));
    text(o, NULL);
    text(o, NULL);
    text(o, NULL);
    put(o, 1, 0);
    put(o, 4, mib < 0x7fff ? 0 : mib);
    put(o, 2, 0);               /* configured speed, voltages */
    put(o, 2, 0);
    put(o, 2, 0);
    put(o, 2, 0);
    end(o);
}

/* Addresses are in KiB, or all ones and the bytes after. */
static void mapped(Out *o, u32 n, u64 base, u64 size)
{
    u64 last = base + size - 1;
    bool wide = last >> 10 >= 0xffffffff;

    begin(o, 19, n);
    put(o, 4, wide ? 0xffffffff : base >> 10);
    put(o, 4, wide ? 0xffffffff : last >> 10);
    put(o, 2, handle(16, 0));
    put(o, 1, dimms(o->b));
    put(o, 8, wide ? base : 0);
    put(o, 8, wide ? last : 0);
    end(o);
}

static void boot_info(Out *o)
{
    begin(o, 32, 0);
    put(o, 4, 0);
    put(o, 2, 0);
    put(o, 1, 0);               /* no errors detected */
    end(o);
}

/* ---- entry points ------------------------------------------------------- */

static void make_right(u8 *p, u32 n, u32 checksum)
{
    u8 sum = 0;

    p[checksum] = 0;
    for (u32 i = 0; i < n; i++) {
        sum += p[i];
    }
    p[checksum] = (u8)-sum;
}

static void check_anchor(u8 *p, bool v3)
{
    if (v3) {
        make_right(p, ANCHOR_3, 5);
    } else {
        make_right(p + AT_DMI, ANCHOR_2 - AT_DMI, 5);
        make_right(p, ANCHOR_2, 4);
    }
}

static void anchor_2(const Out *o, u8 *p)
{
    memcpy(p, "_SM_", 4);
    p[5] = ANCHOR_2;
    p[6] = 2;
    p[7] = 8;
    store_le(p + 8, 2, o->longest);
    memcpy(p + AT_DMI, "_DMI_", 5);
    store_le(p + 22, 2, o->t->len);
    store_le(p + 28, 2, o->number);
    p[30] = 0x28;
}

static void anchor_3(const Out *o, u8 *p)
{
    memcpy(p, "_SM3_", 5);
    p[6] = ANCHOR_3;
    p[7] = 3;
    p[10] = 1;
    store_le(p + 12, 4, o->t->len);
}

SmbiosTables *smbios_build(const SmbiosBoard *b)
{
    SmbiosTables *t = g_new0(SmbiosTables, 1);
    Out o = { .t = g_byte_array_new(), .b = b };
    u8 anchor[ANCHOR_2] = { 0 };

    if (!b->firmware) {
        firmware(&o);
    }
    system_info(&o);
    baseboard(&o);
    chassis(&o);
    for (u32 i = 0; i < MAX(b->sockets, 1u); i++) {
        processor(&o, i);
    }
    memory_array(&o);
    for (u32 i = 0; i < dimms(b); i++) {
        memory_device(&o, i);
    }
    mapped(&o, 0, 0, b->low);
    if (b->high) {
        mapped(&o, 1, 4 * GIB, b->high);
    }
    boot_info(&o);
    begin(&o, 127, 0);
    end(&o);
    (b->v3 ? anchor_3 : anchor_2)(&o, anchor);
    check_anchor(anchor, b->v3);
    t->tables = o.t;
    t->anchor = g_byte_array_new();
    g_byte_array_append(t->anchor, anchor, b->v3 ? ANCHOR_3 : ANCHOR_2);
    return t;
}

void smbios_free(SmbiosTables *t)
{
    if (t) {
        g_byte_array_unref(t->anchor);
        g_byte_array_unref(t->tables);
        g_free(t);
    }
}

/* ---- to the guest ------------------------------------------------------- */

void smbios_to_fw_cfg(const SmbiosTables *t, Device *fw_cfg)
{
    fw_cfg_file(fw_cfg, "etc/smbios/smbios-anchor", t->anchor->data,
                t->anchor->len);
    fw_cfg_file(fw_cfg, "etc/smbios/smbios-tables", t->tables->data,
                t->tables->len);
}

void smbios_load(const SmbiosTables *t, MemSpace *mem, u64 anchor_at,
                 u64 tables_at)
{
    bool v3 = t->anchor->len == ANCHOR_3;
    u8 anchor[ANCHOR_2];

    memcpy(anchor, t->anchor->data, t->anchor->len);
    store_le(anchor + (v3 ? 16 : 24), v3 ? 8 : 4, tables_at);
    check_anchor(anchor, v3);
    mem_load(mem, anchor_at, anchor, t->anchor->len);
    mem_load(mem, tables_at, t->tables->data, t->tables->len);
}
