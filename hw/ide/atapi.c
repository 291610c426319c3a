/* SPDX-License-Identifier: MIT */
/*
 * Packet commands of CD drives.
 * References: SFF-8020i 2.6, chapters 5 and 10; MMC-3 (T10/1363-D), chapters 5
 * and 6; SPC-2 (T10/1236-D), 7.3 and 7.20.
 *
 * A drive without an image has no medium.  Left out: audio, raw and multi-
 * session reading, writing, events of the tray.
 */
#include "hw/ide/drive.h"

enum { KEY_NONE = 0, KEY_NOT_READY = 2, KEY_MEDIUM = 3, KEY_ILLEGAL = 5 };
enum { ASC_READ_ERROR = 0x11, ASC_BAD_COMMAND = 0x20, ASC_OUT_OF_RANGE = 0x21,
       ASC_BAD_FIELD = 0x24, ASC_SAVING = 0x39, ASC_NO_MEDIUM = 0x3a };
enum { REASON_IN = 2, REASON_DONE = 3 };        /* the count register */
enum { BLOCKS = IDE_DATA / IDE_CD_SECTOR, LIMIT_MAX = 0xfffe };
enum { FEATURE_DMA = 1 };
enum { LEAD_OUT = 0xaa };

static u64 blocks(const IdeDrive *d)
{
    return d->disk ? block_size(d->disk) / IDE_CD_SECTOR : 0;
}

/* ---- how commands end --------------------------------------------------- */

static void good(IdeDrive *d)
{
    d->sense_key = KEY_NONE;
    d->sense_code = d->sense_more = 0;
    d->count[0] = REASON_DONE;
    ide_ok(d);
}

static void check(IdeDrive *d, u8 key, u8 code)
{
    d->sense_key = key;
    d->sense_code = code;
    d->sense_more = 0;
    d->count[0] = REASON_DONE;
    ide_fail(d, (u8)(key << 4 | ER_ABORT));
}

/* ---- replies ------------------------------------------------------------ */

/* The next part, of at most as many bytes as the host takes at once. */
static void next_part(IdeDrive *d, u32 from)
{
    u32 limit = d->mid[0] | (u32)d->high[0] << 8, n = d->reply_end - from;

    if (from) {
        memmove(d->data, d->data + from, n);
        d->reply_end = n;
    }
    limit = !limit || limit > LIMIT_MAX ? LIMIT_MAX : limit;
    n = n > limit ? MAX(limit & ~1u, 2u) : n;
    d->mid[0] = (u8)n;
    d->high[0] = (u8)(n >> 8);
    d->count[0] = REASON_IN;
    ide_begin(d, FLOW_REPLY, n, true);
}

/* Answers with n bytes of d->data, cut to what the packet has room for. */
static void reply(IdeDrive *d, u32 n, u32 room)
{
    n = MIN(n, room);
    d->left = 0;
    d->reply_end = n;
    if (!n) {
        good(d);
    } else if (d->feature[0] & FEATURE_DMA) {
        ide_begin_dma(d, DMA_IN, 0, n);
    } else {
        next_part(d, 0);
    }
}

static void blocks_read(IdeDrive *d, u32 tag, bool ok)
{
    u32 n = MIN(d->left, (u32)BLOCKS);

    (void)tag;
    if (!ok) {
        check(d, KEY_MEDIUM, ASC_READ_ERROR);
        return;
    }
    d->at += n;
    d->left -= n;
    d->reply_end = n * IDE_CD_SECTOR;
    next_part(d, 0);
}

static void read_blocks(IdeDrive *d)
{
    d->status = ST_BUSY;
    d->flow = FLOW_IDLE;
    ide_transfer_data(d, false, d->at * IDE_CD_SECTOR, d->data,
                      (u64)MIN(d->left, (u32)BLOCKS) * IDE_CD_SECTOR,
                      blocks_read);
}

void atapi_go_on(IdeDrive *d)
{
    if (d->end < d->reply_end) {
        next_part(d, d->end);
    } else if (d->left && d->disk) {
        read_blocks(d);
    } else {
        good(d);
    }
}

void atapi_dma_done(IdeDrive *d, bool ok)
{
    if (ok) {
        good(d);
    } else {
        check(d, KEY_MEDIUM, ASC_READ_ERROR);
    }
}

/* ---- commands ----------------------------------------------------------- */

static void test_ready(IdeDrive *d)
{
    good(d);
}

static void request_sense(IdeDrive *d)
{
    u8 *p = d->data;

    memset(p, 0, 18);
    p[0] = 0x70;
    p[2] = d->sense_key;
    p[7] = 10;
    p[12] = d->sense_code;
    p[13] = d->sense_more;
    d->sense_key = d->sense_code = d->sense_more = 0;
    reply(d, 18, d->packet[4]);
}

/* A page of vital data exists for the list of pages alone. */
static void inquiry(IdeDrive *d)
{
    enum { BYTES = 36, CD_ROM = 5, REMOVABLE = 0x80, ATAPI = 0x21 };
    u8 *p = d->data;

    memset(p, 0, BYTES);
    p[0] = CD_ROM;
    if (d->packet[1] & 1) {
        if (d->packet[2]) {
            check(d, KEY_ILLEGAL, ASC_BAD_FIELD);
            return;
        }
        p[3] = 1;
        reply(d, 5, d->packet[4]);
        return;
    }
    p[1] = REMOVABLE;
    p[3] = ATAPI;
    p[4] = BYTES - 5;
    memset(p + 8, ' ', BYTES - 8);
    memcpy(p + 8, "ANOLE", 5);
    memcpy(p + 16, "DVD-ROM", 7);
    memcpy(p + 32, ANOLE_VERSION, MIN(strlen(ANOLE_VERSION), (size_t)4));
    reply(d, BYTES, d->packet[4]);
}

static void start_stop(IdeDrive *d)
{
    good(d);
}

static void prevent(IdeDrive *d)
{
    d->locked = d->packet[4] & 1;
    good(d);
}

static void read_capacity(IdeDrive *d)
{
    store_be(d->data, 4, blocks(d) - 1);
    store_be(d->data + 4, 4, IDE_CD_SECTOR);
    reply(d, 8, 8);
}

static void read_range(IdeDrive *d, u64 at, u32 n)
{
    if (at > blocks(d) || n > blocks(d) - at) {
        check(d, KEY_ILLEGAL, ASC_OUT_OF_RANGE);
    } else if (!n) {
        good(d);
    } else if (d->feature[0] & FEATURE_DMA) {
        ide_begin_dma(d, DMA_READ, at * IDE_CD_SECTOR,
                      (u64)n * IDE_CD_SECTOR);
    } else {
        d->at = at;
        d->left = n;
        read_blocks(d);
    }
}

static void read_10(IdeDrive *d)
{
    read_range(d, load_be(d->packet + 2, 4), (u32)load_be(d->packet + 7, 2));
}

static void read_12(IdeDrive *d)
{
    read_range(d, load_be(d->packet + 2, 4), (u32)load_be(d->packet + 6, 4));
}

/* READ CD of the user's data alone: MMC-3, 6.15. */
static void read_cd(IdeDrive *d)
{
    enum { USER_DATA = 0x10 };
    u32 n = (u32)load_be(d->packet + 6, 3);

    if (n && d->packet[9] != USER_DATA) {
        check(d, KEY_ILLEGAL, ASC_BAD_FIELD);
    } else {
        read_range(d, load_be(d->packet + 2, 4), n);
    }
}

static void seek(IdeDrive *d)
{
    if (load_be(d->packet + 2, 4) >= blocks(d)) {
        check(d, KEY_ILLEGAL, ASC_OUT_OF_RANGE);
    } else {
        good(d);
    }
}

/* An address as logical block, or as minute, second, frame. */
static void put_address(const IdeDrive *d, u8 *p, u64 at)
{
    enum { FRAMES = 75, SECONDS = 60, LEAD_IN = 150 };

    if (d->packet[1] & 2) {
        at += LEAD_IN;
        p[0] = 0;
        p[1] = (u8)(at / FRAMES / SECONDS);
        p[2] = (u8)(at / FRAMES % SECONDS);
        p[3] = (u8)(at % FRAMES);
    } else {
        store_be(p, 4, at);
    }
}

static u8 *put_track(const IdeDrive *d, u8 *p, u8 track, u64 at)
{
    enum { DATA_TRACK = 0x14 };

    p[0] = 0;
    p[1] = DATA_TRACK;
    p[2] = track;
    p[3] = 0;
    put_address(d, p + 4, at);
    return p + 8;
}

/* Format 2: the first session's points A0, A1, A2 and track 1. */
static u8 *put_raw(const IdeDrive *d, u8 *p)
{
    static const u8 points[] = { 0xa0, 0xa1, 0xa2, 1 };

    for (u32 i = 0; i < countof(points); i++, p += 11) {
        memset(p, 0, 11);
        p[0] = 1;
        p[1] = 0x14;
        p[3] = points[i];
        p[8] = i < 2;
        if (i >= 2) {
            put_address(d, p + 7, i == 2 ? blocks(d) : 0);
        }
    }
    return p;
}

/* One track with data. */
static void read_toc(IdeDrive *d)
{
    u32 format = d->packet[2] & 0xf ? d->packet[2] & 0xf : d->packet[9] >> 6;
    u32 from = d->packet[6], room = (u32)load_be(d->packet + 7, 2);
    u8 *p = d->data + 4;

    d->data[2] = d->data[3] = 1;        /* first and last */
    if (format == 0 && from > 1 && from != LEAD_OUT) {
        check(d, KEY_ILLEGAL, ASC_BAD_FIELD);
        return;
    }
    if (format == 0) {
        p = from <= 1 ? put_track(d, p, 1, 0) : p;
        p = put_track(d, p, LEAD_OUT, blocks(d));
    } else if (format == 1) {
        p = put_track(d, p, 1, 0);
    } else if (format == 2) {
        p = put_raw(d, p);
    } else {
        check(d, KEY_ILLEGAL, ASC_BAD_FIELD);
        return;
    }
    store_be(d->data, 2, (u64)(p - d->data - 2));
    reply(d, (u32)(p - d->data), room);
}

static u8 *put_feature(u8 *p, u16 code, u8 flags, u32 bytes, u64 v)
{
    store_be(p, 2, code);
    p[2] = flags;
    p[3] = (u8)bytes;
    store_be(p + 4, bytes, v);
    return p + 4 + bytes;
}

/* Profiles: DVD-ROM if the medium is larger than a CD, else CD-ROM. */
static void get_configuration(IdeDrive *d)
{
    enum { CD_ROM = 8, DVD_ROM = 16, CD_BLOCKS = 80 * 60 * 75,
           PERSISTENT = 3 };
    u8 *p = d->data;
    bool dvd = blocks(d) > CD_BLOCKS;

    memset(p, 0, 8);
    store_be(p + 6, 2, !d->disk ? 0 : dvd ? DVD_ROM : CD_ROM);
    p = put_feature(p + 8, 0, PERSISTENT, 8,
                    (u64)DVD_ROM << 48 | (u64)dvd << 40
                    | CD_ROM << 16 | (u64)!dvd << 8);
    p = put_feature(p, 1, PERSISTENT | 8, 8, 0x0000000201000000ull);
    p = put_feature(p, 3, PERSISTENT | 4, 4, 0x29000000);
    store_be(d->data, 4, (u64)(p - d->data - 4));
    reply(d, (u32)(p - d->data), (u32)load_be(d->packet + 7, 2));
}

/* Polled events of the medium: there, or not; MMC-3, 6.5. */
static void get_event(IdeDrive *d)
{
    enum { POLLED = 1, MEDIA = 4, MEDIA_BIT = 1 << MEDIA, NO_EVENT = 0x80,
           PRESENT = 2 };
    u8 *p = d->data;

    if (!(d->packet[1] & POLLED)) {
        check(d, KEY_ILLEGAL, ASC_BAD_FIELD);
        return;
    }
    memset(p, 0, 8);
    p[3] = MEDIA_BIT;
    if (d->packet[4] & MEDIA_BIT) {
        p[1] = 6;
        p[2] = MEDIA;
        p[5] = d->disk ? PRESENT : 0;
        reply(d, 8, (u32)load_be(d->packet + 7, 2));
    } else {
        p[1] = 2;
        p[2] = NO_EVENT;
        reply(d, 4, (u32)load_be(d->packet + 7, 2));
    }
}

static void disc_information(IdeDrive *d)
{
    enum { BYTES = 34, FINAL = 0x0e };

    memset(d->data, 0, BYTES);
    store_be(d->data, 2, BYTES - 2);
    d->data[2] = FINAL;
    d->data[3] = d->data[4] = d->data[5] = d->data[6] = 1;
    d->data[7] = 0x20;
    reply(d, BYTES, (u32)load_be(d->packet + 7, 2));
}

static void mechanism_status(IdeDrive *d)
{
    memset(d->data, 0, 8);
    d->data[5] = 1;
    reply(d, 8, (u32)load_be(d->packet + 8, 2));
}

/* Pages: 01 error recovery, 0E audio, 2A capabilities; SFF-8020i, 10.8.6. */
static u32 put_page(const IdeDrive *d, u8 *p, u32 page)
{
    static const u8 recovery[] = { 0x01, 6, 0, 5, 0, 0, 0, 0 };
    static const u8 audio[] = { 0x0e, 14, 4 };
    static const u8 abilities[] = {
        0x2a, 0x12, 0x3b, 0, 0x70, 0x60, 0x29, 0, 0x02, 0xc2, 0, 2, 2, 0,
        0x02, 0xc2, 0, 0, 0, 0,
    };

    switch (page) {
    case 0x01:
        memcpy(p, recovery, sizeof recovery);
        return sizeof recovery;
    case 0x0e:
        memset(p, 0, 16);
        memcpy(p, audio, sizeof audio);
        return 16;
    case 0x2a:
        memcpy(p, abilities, sizeof abilities);
        p[6] |= d->locked ? 2 : 0;
        return sizeof abilities;
    default:
        return 0;
    }
}

static void mode_sense(IdeDrive *d)
{
    static const u8 all[] = { 0x01, 0x0e, 0x2a };
    enum { HEADER = 8, ALL = 0x3f, SAVED = 3, DATA_CD = 1, NO_DISC = 0x70 };
    u32 page = d->packet[2] & 0x3f, kind = d->packet[2] >> 6, n = HEADER;

    if (kind == SAVED) {
        check(d, KEY_ILLEGAL, ASC_SAVING);
        return;
    }
    memset(d->data, 0, HEADER);
    for (u32 i = 0; i < countof(all); i++) {
        if (page == ALL || page == all[i]) {
            u32 bytes = put_page(d, d->data + n, all[i]);
            if (kind == 1) {            /* what can change: nothing */
                memset(d->data + n + 2, 0, bytes - 2);
            }
            n += bytes;
        }
    }
    if (n == HEADER) {
        check(d, KEY_ILLEGAL, ASC_BAD_FIELD);
        return;
    }
    store_be(d->data, 2, n - 2);
    d->data[2] = d->disk ? DATA_CD : NO_DISC;
    reply(d, n, (u32)load_be(d->packet + 7, 2));
}

/* ---- dispatch ----------------------------------------------------------- */

typedef struct Packet {
    u8   code;
    bool medium;                /* it needs one */
    void (*run)(IdeDrive *d);
} Packet;

static const Packet packets[] = {
    { 0x00, true,  test_ready },
    { 0x03, false, request_sense },
    { 0x12, false, inquiry },
    { 0x1b, false, start_stop },
    { 0x1e, false, prevent },
    { 0x25, true,  read_capacity },
    { 0x28, true,  read_10 },
    { 0x2b, true,  seek },
    { 0x43, true,  read_toc },
    { 0x46, false, get_configuration },
    { 0x4a, false, get_event },
    { 0x51, true,  disc_information },
    { 0x5a, false, mode_sense },
    { 0xa8, true,  read_12 },
    { 0xbb, false, start_stop },        /* SET CD SPEED */
    { 0xbd, false, mechanism_status },
    { 0xbe, true,  read_cd },
};

void atapi_packet(IdeDrive *d)
{
    for (u32 i = 0; i < countof(packets); i++) {
        if (packets[i].code != d->packet[0]) {
            continue;
        }
        if (packets[i].medium && !d->disk) {
            check(d, KEY_NOT_READY, ASC_NO_MEDIUM);
        } else {
            packets[i].run(d);
        }
        return;
    }
    check(d, KEY_ILLEGAL, ASC_BAD_COMMAND);
}
