/* SPDX-License-Identifier: MIT */
/*
 * What drives say of themselves.
 * References: ATA/ATAPI Command Set 3 (ACS-3, T13/2161-D), 7.12.7 and 7.13.6;
 * ATA/ATAPI-6 (T13/1410D), 8.55 for SMART.
 */
#include "hw/ide/drive.h"

enum { HEADS = 16, SECTORS = 63, CYLINDERS_MAX = 16383,
       LBA28_MAX = 0x0fffffff };

static void put(u8 *out, u32 word, u16 v)
{
    store_le(out + 2 * word, 2, v);
}

static void put32(u8 *out, u32 word, u32 v)
{
    store_le(out + 2 * word, 4, v);
}

/* Letters, two in a word with the first in its high byte, blanks behind. */
static void put_text(u8 *out, u32 word, u32 words, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    for (u32 i = 0; i < 2 * words; i++) {
        out[2 * word + (i ^ 1)] = i < len ? (u8)text[i] : ' ';
    }
}

static void common(const IdeDrive *d, u8 *out)
{
    g_autofree char *serial = d->serial ? NULL
        : g_strdup_printf("AN%05u", d->unit + 1);

    put_text(out, 10, 10, d->serial ? d->serial : serial);
    put_text(out, 23, 4, ANOLE_VERSION);
    put_text(out, 27, 20, d->model ? d->model
             : d->cd ? "ANOLE DVD-ROM" : "ANOLE HARDDISK");
    put(out, 48, 1);                    /* 32-bit data port */
    put(out, 49, 0x0f00);               /* IORDY, LBA, DMA */
    put(out, 50, 0x4000);
    put(out, 53, 7);                    /* words 54-58, 64-70, 88 hold */
    put(out, 63, 0x0007 | (d->dma_mode >> 3 == 4
                           ? 0x100u << (d->dma_mode & 7) : 0));
    put(out, 64, 3);                    /* PIO 3 and 4 */
    for (u32 i = 65; i <= 68; i++) {
        put(out, i, 120);               /* ns a cycle */
    }
    put(out, 80, 0x01f0);               /* ATA/ATAPI-4 to 8 */
    put(out, 88, 0x003f | (d->dma_mode >> 3 == 8
                           ? 0x100u << (d->dma_mode & 7) : 0));
}

/* On a SATA port: NCQ and speeds; else the result of a hardware reset. */
static void add_link(const IdeDrive *d, u8 *out)
{
    if (d->bus && d->bus->host->pio) {
        put(out, 75, IDE_TAGS - 1);
        put(out, 76, (d->cd ? 0 : 1u << 8) | 1 << 2 | 1 << 1);
        put(out, 78, 0);
    } else {
        put(out, 93, 0x6001 | (d->unit ? 0x0c00 : 0x000a));
    }
}

static void checksum(u8 *out)
{
    u8 sum = 0xa5;

    out[510] = 0xa5;
    for (u32 i = 0; i < 510; i++) {
        sum += out[i];
    }
    out[511] = (u8)-sum;
}

static void geometry(const IdeDrive *d, u8 *out)
{
    u64 n = ide_sectors(d);
    u32 now = (u32)MIN(n / ((u32)d->heads * d->sectors), CYLINDERS_MAX);

    put(out, 1, (u16)MIN(n / (HEADS * SECTORS), CYLINDERS_MAX));
    put(out, 3, HEADS);
    put(out, 6, SECTORS);
    put(out, 54, (u16)now);
    put(out, 55, d->heads);
    put(out, 56, d->sectors);
    put32(out, 57, now * d->heads * d->sectors);
    put32(out, 60, (u32)MIN(n, LBA28_MAX));
    store_le(out + 200, 8, n);
}

static void disk(const IdeDrive *d, u8 *out)
{
    enum { NOP = 1 << 14, LOOK_AHEAD = 1 << 6, CACHE = 1 << 5, PM = 1 << 3,
           SMART = 1, FLUSH_EXT = 1 << 13, FLUSH = 1 << 12, LBA48 = 1 << 10 };

    put(out, 0, 0x0040);
    geometry(d, out);
    put(out, 47, 0x8000 | 16);
    put(out, 59, 0x0100 | d->multiple);
    put(out, 82, NOP | LOOK_AHEAD | CACHE | PM | SMART);
    put(out, 83, 0x4000 | FLUSH_EXT | FLUSH | LBA48);
    put(out, 84, 0x4000);
    put(out, 85, NOP | PM | (d->look_ahead ? LOOK_AHEAD : 0)
                 | (d->write_cache ? CACHE : 0) | (d->smart ? SMART : 0));
    put(out, 86, FLUSH_EXT | FLUSH | LBA48);
    put(out, 87, 0x4000);
    put(out, 105, 8);                   /* blocks of TRIM */
    put(out, 106, 0x4000);
    put(out, 169, d->medium.disk && !block_readonly(d->medium.disk));
    put(out, 217, (u16)d->rotation);
}

static void packet_drive(u8 *out)
{
    put(out, 0, 0x85c0);                /* CD-ROM, removable, 12 bytes */
    put(out, 82, 0x4210);               /* NOP, DEVICE RESET, PACKET */
    put(out, 83, 0x4000);
    put(out, 84, 0x4000);
    put(out, 85, 0x4210);
    put(out, 87, 0x4000);
}

void ide_identify(const IdeDrive *d, u8 *out)
{
    memset(out, 0, IDE_SECTOR);
    common(d, out);
    add_link(d, out);
    if (d->cd) {
        packet_drive(out);
    } else {
        disk(d, out);
    }
    checksum(out);
}

/* ---- SMART: attributes that a healthy new drive has --------------------- */

typedef struct Attribute {
    u8 id, flags, value, worst, limit;
} Attribute;

static const Attribute attributes[] = {
    { 0x01, 0x03, 100, 100, 6 },        /* read error rate */
    { 0x05, 0x03, 100, 100, 36 },       /* reallocated sectors */
    { 0x09, 0x03, 100, 100, 0 },        /* hours in use */
    { 0x0c, 0x03, 100, 100, 0 },        /* power cycles */
    { 0xbe, 0x03, 69, 69, 50 },         /* air flow temperature */
};

static void sum(u8 *out)
{
    u8 all = 0;

    for (u32 i = 0; i < 511; i++) {
        all += out[i];
    }
    out[511] = (u8)-all;
}

void ide_smart_data(u8 *out)
{
    memset(out, 0, IDE_SECTOR);
    out[0] = 1;
    for (u32 i = 0; i < countof(attributes); i++) {
        u8 *row = out + 2 + 12 * i;
        row[0] = attributes[i].id;
        row[1] = attributes[i].flags;
        row[3] = attributes[i].value;
        row[4] = attributes[i].worst;
    }
    out[362] = 0x02;                    /* no off-line collection ran */
    out[367] = 0x19;                    /* which it can do; and self-tests */
    out[368] = 0x03;
    out[370] = 0x01;                    /* error log */
    out[372] = 2;                       /* minutes of self-tests */
    out[373] = 54;
    sum(out);
}

void ide_smart_thresholds(u8 *out)
{
    memset(out, 0, IDE_SECTOR);
    out[0] = 1;
    for (u32 i = 0; i < countof(attributes); i++) {
        out[2 + 12 * i] = attributes[i].id;
        out[3 + 12 * i] = attributes[i].limit;
    }
    sum(out);
}
