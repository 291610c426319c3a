/* SPDX-License-Identifier: MIT */
/*
 * Firmware configuration device, memory-mapped and among x86's ports, with
 * DMA.
 * Reference: "QEMU Firmware Configuration (fw_cfg) Device" specification.
 *
 * In memory: at 0 the data of the selected item, as a stream of bytes; at 8
 * the selector, 16 bits, big-endian; at 16 the address of a DMA descriptor, 64
 * bits, big-endian, whose low half starts it.  Ports: at 510H the selector, 16
 * bits, little-endian; at 511H a byte of data; at 514H the DMA address.
 */
#include <glib.h>
#include "hw/misc/fw_cfg.h"
#include "util/log.h"

enum { AT_DATA = 0, AT_SELECT = 8, AT_DMA = 16, WINDOW = 24 };
enum { IO_SELECT = 0, IO_DATA = 1, IO_DMA = 4, IO_WINDOW = 12 };
enum { NAME_MAX_LEN = 56, DIR_ENTRY = 64 };
enum { KEY_MASK = 0xbfff };             /* without the write bit */
enum { HAS_TRADITIONAL = 1 << 0, HAS_DMA = 1 << 1 };
enum {                                  /* control word of a descriptor */
    DMA_ERROR = 1 << 0, DMA_READ = 1 << 1, DMA_SKIP = 1 << 2,
    DMA_SELECT = 1 << 3, DMA_WRITE = 1 << 4,
};
static const char dma_signature[8] = "QEMU CFG";

typedef struct Item {
    u16  key;
    u32  size;
    u8  *data;
    char name[NAME_MAX_LEN];            /* "": no file */
    FwCfgLive live;                     /* .data is that one, and not ours */
} Item;

typedef struct FwCfg {
    Device  dev;
    GArray *items;                      /* of Item */
    u32     selected;                   /* key */
    u32     offset;                     /* of the next byte in it */
    u64     dma;
} FwCfg;

/* ---- items -------------------------------------------------------------- */

static Item *find(const FwCfg *s, u32 key)
{
    for (u32 i = 0; s->items && i < s->items->len; i++) {
        Item *item = &g_array_index(s->items, Item, i);
        if (item->key == (key & KEY_MASK)) {
            return item;
        }
    }
    return NULL;
}

static void clear_item(void *p)
{
    Item *item = p;

    if (!item->live.data) {
        g_free(item->data);
    }
}

void fw_cfg_set(Device *d, u16 key, const void *data, u32 size)
{
    FwCfg *s = (FwCfg *)d;
    Item *item = find(s, key);

    if (!item) {
        Item fresh = { .key = key };
        g_array_append_val(s->items, fresh);
        item = find(s, key);
    }
    clear_item(item);
    item->data = g_memdup2(data, size);
    item->size = size;
    item->live.data = NULL;
}

void fw_cfg_set_number(Device *d, u16 key, unsigned size, u64 v)
{
    u8 bytes[8];

    store_le(bytes, size, v);
    fw_cfg_set(d, key, bytes, size);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(Item *const *)a)->name, (*(Item *const *)b)->name);
}

/* The directory: a count, then size, key, 0 and name of each, big-endian. */
static void make_directory(FwCfg *s)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new();
    u8 head[4];

    for (u32 i = 0; i < s->items->len; i++) {
        Item *item = &g_array_index(s->items, Item, i);
        if (item->name[0]) {
            g_ptr_array_add(files, item);
        }
    }
    g_ptr_array_sort(files, by_name);
    g_autoptr(GByteArray) dir = g_byte_array_new();
    store_be(head, 4, files->len);
    g_byte_array_append(dir, head, 4);
    for (u32 i = 0; i < files->len; i++) {
        const Item *item = files->pdata[i];
        u8 entry[DIR_ENTRY] = { 0 };
        store_be(entry, 4, item->size);
        store_be(entry + 4, 2, item->key);
        memcpy(entry + 8, item->name, NAME_MAX_LEN);
        g_byte_array_append(dir, entry, DIR_ENTRY);
    }
    fw_cfg_set(&s->dev, FW_CFG_FILE_DIR, dir->data, dir->len);
}

void fw_cfg_file(Device *d, const char *name, const void *data, u32 size)
{
    FwCfg *s = (FwCfg *)d;
    u16 key = FW_CFG_FILE_FIRST;

    for (u32 i = 0; i < s->items->len; i++) {
        const Item *item = &g_array_index(s->items, Item, i);
        if (item->name[0] && strcmp(item->name, name) == 0) {
            key = item->key;
            break;
        }
        if (!(item->key & FW_CFG_ARCH)) {
            key = MAX(key, item->key + 1);
        }
    }
    fw_cfg_set(d, key, data, size);
    g_strlcpy(find(s, key)->name, name, NAME_MAX_LEN);
    make_directory(s);
}

void fw_cfg_live_file(Device *d, const char *name, const FwCfgLive *live)
{
    FwCfg *s = (FwCfg *)d;

    fw_cfg_file(d, name, live->data, live->size);
    for (u32 i = 0; i < s->items->len; i++) {
        Item *item = &g_array_index(s->items, Item, i);
        if (strcmp(item->name, name) == 0) {
            clear_item(item);
            item->live = *live;
            item->data = live->data;
        }
    }
}

void fw_cfg_e820(Device *d, const FwCfgE820 *row, u32 rows)
{
    enum { BYTES = 20 };
    g_autofree u8 *table = g_malloc0(rows * BYTES);

    for (u32 i = 0; i < rows; i++) {
        store_le(table + i * BYTES, 8, row[i].base);
        store_le(table + i * BYTES + 8, 8, row[i].size);
        store_le(table + i * BYTES + 16, 4, row[i].type);
    }
    fw_cfg_file(d, "etc/e820", table, rows * BYTES);
}

/*
 * Sleep states for firmware: bit 7 says that there is one, the rest is its
 * SLP_TYP.  Only S0 and S5 are there.
 */
static const u8 system_states[6] = { 0x80, 0, 0, 1, 2, 0x80 };

void fw_cfg_x86(Device *d, const FwCfgX86 *x)
{
    u64 numa[1 + 256] = { 0 };          /* no nodes; then one a CPU */

    fw_cfg_set_number(d, FW_CFG_RAM_SIZE, 8, x->ram);
    fw_cfg_set_number(d, FW_CFG_NOGRAPHIC, 2, x->nographic);
    fw_cfg_set_number(d, FW_CFG_NB_CPUS, 2, x->cpus);
    fw_cfg_set_number(d, FW_CFG_MAX_CPUS, 2, x->max_cpus);
    fw_cfg_set_number(d, FW_CFG_BOOT_MENU, 2, x->boot_menu);
    fw_cfg_set_number(d, FW_CFG_IRQ0_OVERRIDE, 4, 1);
    fw_cfg_set(d, FW_CFG_NUMA, numa,
               (1 + MIN(x->max_cpus, 256u)) * (u32)sizeof numa[0]);
    fw_cfg_file(d, "etc/system-states", system_states, sizeof system_states);
    fw_cfg_e820(d, x->e820, x->rows);
}

/* ---- the stream --------------------------------------------------------- */

static void select_item(FwCfg *s, u32 key)
{
    const Item *item = find(s, key);

    s->selected = key & 0xffff;
    s->offset = 0;
    if (item && item->live.selected) {
        item->live.selected(item->live.opaque);
    }
}

/* Up to `len` bytes of the selected item; NULL and 0 at its end. */
static u8 *rest(FwCfg *s, u64 *len)
{
    const Item *item = find(s, s->selected);

    if (!item || s->offset >= item->size) {
        *len = 0;
        return NULL;
    }
    *len = MIN(*len, item->size - s->offset);
    return item->data + s->offset;
}

static void advance(FwCfg *s, u64 n)
{
    s->offset = (u32)MIN(s->offset + n, UINT32_MAX);
}

/* Bytes come in the order of memory, whatever the size of the access. */
static u64 read_data(FwCfg *s, unsigned size)
{
    u8 bytes[8] = { 0 };
    u64 n = size;
    const u8 *from = rest(s, &n);

    if (from) {
        memcpy(bytes, from, n);
    }
    advance(s, size);
    return load_le(bytes, size);
}

/* ---- DMA ---------------------------------------------------------------- */

/* len bytes of the item, then zeros, to guest RAM.  False: not all is RAM. */
static bool dma_read(FwCfg *s, u64 at, u64 len)
{
    while (len) {
        u64 n = len, have;
        u8 *to = mem_host(s->dev.mem, at, &n, true);
        if (!to) {
            return false;
        }
        have = n;
        const u8 *from = rest(s, &have);
        if (from) {
            memcpy(to, from, have);
        }
        memset(to + have, 0, n - have);
        mem_wrote(s->dev.mem, at, n);
        advance(s, n);
        at += n;
        len -= n;
    }
    return true;
}

/* All of it, or nothing: guest memory to an item that it may write. */
static bool dma_write(FwCfg *s, u64 at, u64 len)
{
    const Item *item = find(s, s->selected);
    u64 room = len;
    u8 *to = rest(s, &room);

    if (!item || !item->live.writable || room < len
        || !mem_read(s->dev.mem, at, to, len)) {
        return false;
    }
    advance(s, len);
    return true;
}

static bool transfer(FwCfg *s, u32 control, u32 len, u64 at)
{
    if (control & DMA_SELECT) {
        select_item(s, control >> 16);
    }
    if (control & DMA_READ) {
        return dma_read(s, at, len);
    }
    if (control & DMA_WRITE) {
        return dma_write(s, at, len);
    }
    if (control & DMA_SKIP) {
        advance(s, len);
    }
    return true;
}

/* The descriptor may be in ROM: then nobody learns of the outcome. */
static void start_dma(FwCfg *s)
{
    u64 at = s->dma;
    u8 d[16];

    s->dma = 0;
    if (!s->dev.mem || !mem_read(s->dev.mem, at, d, sizeof d)) {
        log_line(LOG_GUEST, "fw_cfg: no DMA descriptor in memory at %#llx",
                 (unsigned long long)at);
        return;
    }
    bool ok = transfer(s, (u32)load_be(d, 4), (u32)load_be(d + 4, 4),
                       load_be(d + 8, 8));
    store_be(d, 4, ok ? 0 : DMA_ERROR);
    mem_write(s->dev.mem, at, d, 4);
    if (!ok) {
        log_line(LOG_GUEST, "fw_cfg: DMA descriptor at %#llx asks for what "
                 "cannot be", (unsigned long long)at);
    }
}

static void write_dma(FwCfg *s, u64 inside, unsigned size, u64 v)
{
    u8 address[8];

    store_be(address, 8, s->dma);
    store_le(address + inside, size, v);    /* bytes as they are in memory */
    s->dma = load_be(address, 8);
    if (inside + size == 8 && size >= 4) {
        start_dma(s);
    }
}

/* ---- the window --------------------------------------------------------- */

static u64 fw_read(void *opaque, u64 at, unsigned size)
{
    if (at < AT_SELECT && at + size <= AT_SELECT) {
        return read_data(opaque, size);
    }
    if (at >= AT_DMA && at + size <= WINDOW) {
        return load_le(dma_signature + (at - AT_DMA), size);
    }
    return 0;
}

static void fw_write(void *opaque, u64 at, unsigned size, u64 v)
{
    if (at == AT_SELECT && size == 2) {
        select_item(opaque, (u32)(v & 0xff) << 8 | (v >> 8 & 0xff));
    } else if (at >= AT_DMA && at + size <= WINDOW) {
        write_dma(opaque, at - AT_DMA, size, v);
    } else {
        log_line(LOG_GUEST, "fw_cfg: %u-byte write at %#llx is not taken",
                 size, (unsigned long long)at);
    }
}

static u64 io_read(void *opaque, u64 at, unsigned size)
{
    if (at == IO_DATA && size == 1) {
        return read_data(opaque, 1);
    }
    if (at >= IO_DMA && at + size <= IO_WINDOW) {
        return load_le(dma_signature + (at - IO_DMA), size);
    }
    return 0;
}

static void io_write(void *opaque, u64 at, unsigned size, u64 v)
{
    if (at == IO_SELECT && size == 2) {
        select_item(opaque, (u32)v);
    } else if (at >= IO_DMA && at + size <= IO_WINDOW) {
        write_dma(opaque, at - IO_DMA, size, v);
    } else {
        log_line(LOG_GUEST, "fw_cfg: %u-byte write at port %#llx is not taken",
                 size, (unsigned long long)(FW_CFG_PORT + at));
    }
}

/* ---- life --------------------------------------------------------------- */

static bool start(void *opaque, Err *err)
{
    FwCfg *s = opaque;

    (void)err;
    s->items = g_array_new(false, true, sizeof(Item));
    g_array_set_clear_func(s->items, clear_item);
    fw_cfg_set(&s->dev, FW_CFG_SIGNATURE, "QEMU", 4);
    fw_cfg_set_number(&s->dev, FW_CFG_ID, 4, HAS_TRADITIONAL | HAS_DMA);
    make_directory(s);
    return true;
}

static bool loaded(void *opaque)
{
    FwCfg *s = opaque;

    return s->selected <= 0xffff;
}

static void stop(void *opaque)
{
    FwCfg *s = opaque;

    if (s->items) {
        g_array_free(s->items, true);
    }
}

DEVICE(fw_cfg) {
    .name   = "fw_cfg_mem",
    .about  = "firmware configuration",
    .size   = sizeof(FwCfg),
    .window = WINDOW,
    .compatible = "qemu,fw-cfg-mmio",
    .mmio_read = fw_read,
    .mmio_write = fw_write,
    .state  = (const Field[]) {
        SAVE(FwCfg, selected), SAVE(FwCfg, offset), SAVE(FwCfg, dma), { 0 }
    },
    .start  = start,
    .loaded = loaded,
    .stop   = stop,
};

DEVICE(fw_cfg_io) {
    .name   = "fw_cfg_io",
    .about  = "firmware configuration, among the ports",
    .size   = sizeof(FwCfg),
    .window = IO_WINDOW,
    .mmio_read = io_read,
    .mmio_write = io_write,
    .state  = (const Field[]) {
        SAVE(FwCfg, selected), SAVE(FwCfg, offset), SAVE(FwCfg, dma), { 0 }
    },
    .start  = start,
    .loaded = loaded,
    .stop   = stop,
};
