/* SPDX-License-Identifier: MIT */
/*
 * Commands of CD drives.
 * References: SFF-8020i 2.6, chapter 10; MMC-3 (T10/1363-D), chapters 5 and 6.
 *
 * Left out: audio, raw and multi-session reading, writing.
 */
#include <glib.h>
#include "hw/scsi/unit.h"

enum { LEAD_OUT = 0xaa };

static void read_capacity(ScsiUnit *u, ScsiTask *t)
{
    store_be(t->data, 4, scsi_blocks(u) - 1);
    store_be(t->data + 4, 4, SCSI_CD_BLOCK);
    scsi_reply(t, 8, 8);
}

static void read_10(ScsiUnit *u, ScsiTask *t)
{
    scsi_move(u, t, SCSI_READ, load_be(t->cdb + 2, 4),
              load_be(t->cdb + 7, 2));
}

static void read_12(ScsiUnit *u, ScsiTask *t)
{
    scsi_move(u, t, SCSI_READ, load_be(t->cdb + 2, 4),
              load_be(t->cdb + 6, 4));
}

/* READ CD of the user's data alone: MMC-3, 6.15. */
static void read_cd(ScsiUnit *u, ScsiTask *t)
{
    enum { USER_DATA = 0x10 };
    u64 n = load_be(t->cdb + 6, 3);

    if (n && t->cdb[9] != USER_DATA) {
        scsi_bad_field(u, t);
    } else {
        scsi_move(u, t, SCSI_READ, load_be(t->cdb + 2, 4), n);
    }
}

static void seek(ScsiUnit *u, ScsiTask *t)
{
    if (load_be(t->cdb + 2, 4) >= scsi_blocks(u)) {
        scsi_check(u, t, SCSI_ILLEGAL, ASC_OUT_OF_RANGE);
    } else {
        scsi_good(u, t);
    }
}

/* ---- READ TOC ----------------------------------------------------------- */

/* An address as logical block, or as minute, second, frame. */
static void put_address(const ScsiTask *t, u8 *p, u64 at)
{
    enum { FRAMES = 75, SECONDS = 60, LEAD_IN = 150, MSF = 2 };

    if (t->cdb[1] & MSF) {
        at += LEAD_IN;
        p[0] = 0;
        p[1] = (u8)(at / FRAMES / SECONDS);
        p[2] = (u8)(at / FRAMES % SECONDS);
        p[3] = (u8)(at % FRAMES);
    } else {
        store_be(p, 4, at);
    }
}

static u8 *put_track(const ScsiTask *t, u8 *p, u8 track, u64 at)
{
    enum { DATA_TRACK = 0x14 };

    p[0] = 0;
    p[1] = DATA_TRACK;
    p[2] = track;
    p[3] = 0;
    put_address(t, p + 4, at);
    return p + 8;
}

/* Format 2: the first session's points A0, A1, A2 and track 1. */
static u8 *put_raw(const ScsiUnit *u, const ScsiTask *t, u8 *p)
{
    static const u8 points[] = { 0xa0, 0xa1, 0xa2, 1 };

    for (u32 i = 0; i < countof(points); i++, p += 11) {
        memset(p, 0, 11);
        p[0] = 1;
        p[1] = 0x14;
        p[3] = points[i];
        p[8] = i < 2;
        if (i >= 2) {
            put_address(t, p + 7, i == 2 ? scsi_blocks(u) : 0);
        }
    }
    return p;
}

/* One track with data. */
static void read_toc(ScsiUnit *u, ScsiTask *t)
{
    u32 format = t->cdb[2] & 0xf ? t->cdb[2] & 0xf : t->cdb[9] >> 6;
    u32 from = t->cdb[6];
    u8 *p = t->data + 4;

    t->data[2] = t->data[3] = 1;        /* first and last */
    if (format > 2 || (format == 0 && from > 1 && from != LEAD_OUT)) {
        scsi_bad_field(u, t);
        return;
    }
    if (format == 0) {
        p = from <= 1 ? put_track(t, p, 1, 0) : p;
        p = put_track(t, p, LEAD_OUT, scsi_blocks(u));
    } else if (format == 1) {
        p = put_track(t, p, 1, 0);
    } else {
        p = put_raw(u, t, p);
    }
    store_be(t->data, 2, (u64)(p - t->data - 2));
    scsi_reply(t, (u64)(p - t->data), load_be(t->cdb + 7, 2));
}

/* ---- what the drive is and has ------------------------------------------ */

static u8 *put_feature(u8 *p, u16 code, u8 flags, u32 bytes, u64 v)
{
    store_be(p, 2, code);
    p[2] = flags;
    p[3] = (u8)bytes;
    store_be(p + 4, bytes, v);
    return p + 4 + bytes;
}

/* Profiles: DVD-ROM if the medium is larger than a CD, else CD-ROM. */
static void get_configuration(ScsiUnit *u, ScsiTask *t)
{
    enum { CD_ROM = 8, DVD_ROM = 16, CD_BLOCKS = 80 * 60 * 75,
           PERSISTENT = 3 };
    u64 n = scsi_blocks(u);
    u8 *p = t->data;
    bool dvd = n > CD_BLOCKS;

    memset(p, 0, 8);
    store_be(p + 6, 2, !n ? 0 : dvd ? DVD_ROM : CD_ROM);
    p = put_feature(p + 8, 0, PERSISTENT, 8,
                    (u64)DVD_ROM << 48 | (u64)dvd << 40
                    | CD_ROM << 16 | (u64)!dvd << 8);
    p = put_feature(p, 1, PERSISTENT | 8, 8, 0x0000000201000000ull);
    p = put_feature(p, 3, PERSISTENT | 4, 4, 0x29000000);
    store_be(t->data, 4, (u64)(p - t->data - 4));
    scsi_reply(t, (u64)(p - t->data), load_be(t->cdb + 7, 2));
}

/* Polled events of the medium, one at a time; MMC-3, 6.5. */
static void get_event(ScsiUnit *u, ScsiTask *t)
{
    enum { POLLED = 1, MEDIA = 4, MEDIA_BIT = 1 << MEDIA, NO_EVENT = 0x80,
           TRAY_OPEN = 1, PRESENT = 2 };
    u64 room = load_be(t->cdb + 7, 2);
    u8 *p = t->data;

    if (!(t->cdb[1] & POLLED)) {
        scsi_bad_field(u, t);
        return;
    }
    memset(p, 0, 8);
    p[3] = MEDIA_BIT;
    if (t->cdb[4] & MEDIA_BIT) {
        p[1] = 6;
        p[2] = MEDIA;
        p[4] = u->event;
        p[5] = (u8)((u->medium->open ? TRAY_OPEN : 0)
                    | (medium_disk(u->medium) ? PRESENT : 0));
        u->event = EVENT_NONE;
        scsi_reply(t, 8, room);
    } else {
        p[1] = 2;
        p[2] = NO_EVENT;
        scsi_reply(t, 4, room);
    }
}

static void disc_information(ScsiUnit *u, ScsiTask *t)
{
    enum { BYTES = 34, FINAL = 0x0e };

    (void)u;
    memset(t->data, 0, BYTES);
    store_be(t->data, 2, BYTES - 2);
    t->data[2] = FINAL;
    t->data[3] = t->data[4] = t->data[5] = t->data[6] = 1;
    t->data[7] = 0x20;
    scsi_reply(t, BYTES, load_be(t->cdb + 7, 2));
}

static void mechanism_status(ScsiUnit *u, ScsiTask *t)
{
    enum { DOOR_OPEN = 0x10 };

    memset(t->data, 0, 8);
    t->data[1] = u->medium->open ? DOOR_OPEN : 0;
    t->data[5] = 1;
    scsi_reply(t, 8, load_be(t->cdb + 8, 2));
}

static void set_speed(ScsiUnit *u, ScsiTask *t)
{
    scsi_good(u, t);
}

/* Pages: 01 error recovery, 0E audio, 2A capabilities; SFF-8020i, 10.8.6. */
static u32 mode_page(const ScsiUnit *u, u8 *p, u32 page, bool changeable)
{
    static const u8 recovery[] = { 0x01, 6, 0, 5, 0, 0, 0, 0 };
    static const u8 audio[16] = { 0x0e, 14, 4 };
    static const u8 abilities[] = {
        0x2a, 0x12, 0x3b, 0, 0x70, 0x60, 0x29, 0, 0x02, 0xc2, 0, 2, 2, 0,
        0x02, 0xc2, 0, 0, 0, 0,
    };
    const u8 *from = page == 0x01 ? recovery : page == 0x0e ? audio : abilities;
    u32 n = from[1] + 2u;

    memcpy(p, from, n);
    if (from == abilities) {
        p[6] |= u->medium->locked ? 2 : 0;
    }
    if (changeable) {
        memset(p + 2, 0, n - 2);        /* nothing is */
    }
    return n;
}

static void mode_sense(ScsiUnit *u, ScsiTask *t)
{
    scsi_mode_sense(u, t, mode_page, (const u8[]) { 0x01, 0x0e, 0x2a, 0 });
}

const ScsiCommand scsi_cd_commands[] = {
    { 0x1a, ANY_ACTION, 0,            mode_sense },
    { 0x25, ANY_ACTION, NEEDS_MEDIUM, read_capacity },
    { 0x28, ANY_ACTION, NEEDS_MEDIUM, read_10 },
    { 0x2b, ANY_ACTION, NEEDS_MEDIUM, seek },
    { 0x43, ANY_ACTION, NEEDS_MEDIUM, read_toc },
    { 0x46, ANY_ACTION, PASSES,       get_configuration },
    { 0x4a, ANY_ACTION, PASSES,       get_event },
    { 0x51, ANY_ACTION, NEEDS_MEDIUM, disc_information },
    { 0x5a, ANY_ACTION, 0,            mode_sense },
    { 0xa8, ANY_ACTION, NEEDS_MEDIUM, read_12 },
    { 0xbb, ANY_ACTION, 0,            set_speed },
    { 0xbd, ANY_ACTION, 0,            mechanism_status },
    { 0xbe, ANY_ACTION, NEEDS_MEDIUM, read_cd },
    { 0, 0, 0, NULL },
};
