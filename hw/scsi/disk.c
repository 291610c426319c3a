/* SPDX-License-Identifier: MIT */
/*
 * Commands of disks.
 * Reference: SBC-3 (T10/BSR INCITS 514), chapters 5 and 6; SPC-3 (T10/1416-D),
 * 6.9 for the mode pages.
 *
 * Left out: protection information, persistent reservations, formatting,
 * VERIFY that compares.
 */
#include <glib.h>
#include "hw/scsi/unit.h"

enum { UNMAP_RANGES = 255, UNMAP_HEAD = 8, UNMAP_ROW = 16,
       UNMAP_BLOCKS = 1 << 22, SAME_BLOCKS = 1 << 16 };
enum { CODE_READ_6 = 0x08, CODE_WRITE_6 = 0x0a, CODE_MODE_SELECT_6 = 0x15,
       CODE_SAME_10 = 0x41, CODE_UNMAP = 0x42, CODE_MODE_SELECT_10 = 0x55,
       CODE_SAME_16 = 0x93 };
enum { PAGE_CACHING = 0x08, PAGE_RECOVERY = 0x01, PAGE_CONTROL = 0x0a };

/* ---- where and how much ------------------------------------------------- */

/* Of a CDB of any length: the group of its code says where they are. */
static void range(const u8 *cdb, u64 *at, u64 *n)
{
    switch (cdb[0] >> 5) {
    case 0:
        *at = load_be(cdb + 1, 3) & 0x1fffff;
        *n = cdb[4] ? cdb[4] : 256;
        break;
    case 4:
        *at = load_be(cdb + 2, 8);
        *n = load_be(cdb + 10, 4);
        break;
    case 5:
        *at = load_be(cdb + 2, 4);
        *n = load_be(cdb + 6, 4);
        break;
    default:
        *at = load_be(cdb + 2, 4);
        *n = load_be(cdb + 7, 2);
    }
}

static void move(ScsiUnit *u, ScsiTask *t, ScsiNext how)
{
    u64 at, n;

    range(t->cdb, &at, &n);
    scsi_move(u, t, how, at, n);
}

static void read_blocks(ScsiUnit *u, ScsiTask *t)
{
    move(u, t, SCSI_READ);
}

static void write_blocks(ScsiUnit *u, ScsiTask *t)
{
    enum { FUA = 8 };

    t->through = t->through || (t->cdb[0] != CODE_WRITE_6 && t->cdb[1] & FUA);
    move(u, t, SCSI_WRITE);
}

static void write_and_verify(ScsiUnit *u, ScsiTask *t)
{
    t->through = true;
    move(u, t, SCSI_WRITE);
}

static void verify(ScsiUnit *u, ScsiTask *t)
{
    enum { COMPARE = 6 };

    move(u, t, SCSI_GOOD);
    if (t->cdb[1] & COMPARE) {
        scsi_bad_field(u, t);
    }
}

static void flush(ScsiUnit *u, ScsiTask *t)
{
    move(u, t, SCSI_FLUSH);
    if (t->next == SCSI_GOOD) {         /* no blocks: those to the end */
        t->next = SCSI_FLUSH;
    }
}

static void nothing(ScsiUnit *u, ScsiTask *t)
{
    scsi_good(u, t);
}

/* ---- capacity ----------------------------------------------------------- */

static void read_capacity_10(ScsiUnit *u, ScsiTask *t)
{
    store_be(t->data, 4, MIN(scsi_blocks(u) - 1, (u64)0xffffffff));
    store_be(t->data + 4, 4, u->block);
    scsi_reply(t, 8, 8);
}

static void read_capacity_16(ScsiUnit *u, ScsiTask *t)
{
    enum { BYTES = 32, LBPME = 0x80 };

    memset(t->data, 0, BYTES);
    store_be(t->data, 8, scsi_blocks(u) - 1);
    store_be(t->data + 8, 4, u->block);
    t->data[14] = LBPME;
    scsi_reply(t, BYTES, load_be(t->cdb + 10, 4));
}

u32 scsi_disk_page(const ScsiUnit *u, u8 *p, u8 page)
{
    enum { LIMITS = 60, LBPU = 0x80, LBPWS = 0x40, LBPWS10 = 0x20, THIN = 2 };

    memset(p, 0, LIMITS);
    switch (page) {
    case 0xb0:
        store_be(p + 16, 4, UNMAP_BLOCKS);
        store_be(p + 20, 4, UNMAP_RANGES);
        store_be(p + 32, 8, SAME_BLOCKS);
        return LIMITS;
    case 0xb1:
        store_be(p, 2, u->rotation);
        return LIMITS;
    case 0xb2:
        p[1] = LBPU | LBPWS | LBPWS10;
        p[2] = THIN;
        return 4;
    default:
        return 0;
    }
}

/* ---- UNMAP, WRITE SAME -------------------------------------------------- */

static void unmap(ScsiUnit *u, ScsiTask *t)
{
    t->len = load_be(t->cdb + 7, 2);
    t->next = SCSI_TAKE;
    if (t->cdb[1] & 1) {                /* anchors: there are none */
        scsi_bad_field(u, t);
    } else if (t->len > UNMAP_HEAD + UNMAP_RANGES * UNMAP_ROW) {
        scsi_check(u, t, SCSI_ILLEGAL, ASC_LIST_LENGTH);
    } else if (!t->len) {
        scsi_good(u, t);
    }
}

/* Goes on with the ranges, UNMAP_ROW bytes each; an empty one is nothing. */
static void unmap_next(ScsiUnit *u, ScsiTask *t)
{
    t->next = SCSI_GOOD;
    while (t->next == SCSI_GOOD && t->pos + UNMAP_ROW <= t->end) {
        const u8 *row = t->data + t->pos;
        t->pos += UNMAP_ROW;
        scsi_move(u, t, SCSI_DISCARD, load_be(row, 8), load_be(row + 8, 4));
    }
}

static void unmap_list(ScsiUnit *u, ScsiTask *t)
{
    u64 n = t->len < UNMAP_HEAD ? 0 : load_be(t->data + 2, 2);

    if (t->len < UNMAP_HEAD || n > t->len - UNMAP_HEAD) {
        scsi_check(u, t, SCSI_ILLEGAL, ASC_LIST_LENGTH);
        return;
    }
    t->pos = UNMAP_HEAD;
    t->end = (u32)(UNMAP_HEAD + n);
    unmap_next(u, t);
}

static void write_same(ScsiUnit *u, ScsiTask *t)
{
    enum { ANCHOR = 16, NO_DATA = 1 };
    u64 at, n;

    range(t->cdb, &at, &n);
    n = n ? n : scsi_blocks(u) - MIN(at, scsi_blocks(u));
    if (t->cdb[1] & ANCHOR || n > SAME_BLOCKS) {
        scsi_bad_field(u, t);
        return;
    }
    scsi_move(u, t, SCSI_TAKE, at, n);
    if (t->next == SCSI_TAKE) {
        t->first = t->at;
        t->left = t->len;
        t->len = u->block;
    }
    if (t->next == SCSI_TAKE && t->cdb[1] & NO_DATA
        && t->cdb[0] == CODE_SAME_16) {
        memset(t->data, 0, u->block);
        scsi_disk_go_on(u, t);
    }
}

static bool all_zero(const u8 *p, u32 n)
{
    return !*p && memcmp(p, p + 1, n - 1) == 0;
}

/* A block came: zeros are the host's work, others are written in pieces. */
static void same_block(ScsiUnit *u, ScsiTask *t)
{
    t->at = t->first;
    if (all_zero(t->data, u->block)) {
        t->len = t->left;
        t->next = SCSI_ZEROES;
        return;
    }
    for (u32 i = u->block; i < SCSI_DATA; i += u->block) {
        memcpy(t->data + i, t->data, u->block);
    }
    t->len = 0;
    t->next = SCSI_FILL;
}

static void same_next(ScsiUnit *u, ScsiTask *t)
{
    if (t->next == SCSI_TAKE) {
        same_block(u, t);
    } else if (t->next == SCSI_ZEROES) {
        t->left = 0;
    }
    if (t->next == SCSI_FILL && t->left) {
        t->at += t->len;
        t->len = MIN(t->left, (u64)SCSI_DATA);
        t->left -= t->len;
    } else if (!t->left) {
        scsi_good(u, t);
    }
}

/* ---- modes -------------------------------------------------------------- */

static u32 mode_page(const ScsiUnit *u, u8 *p, u32 page, bool changeable)
{
    enum { WCE = 4, AWRE_ARRE = 0xc0, CACHING = 20, RECOVERY = 12,
           CONTROL = 12 };
    u32 n = page == PAGE_CACHING ? CACHING
          : page == PAGE_RECOVERY ? RECOVERY : CONTROL;

    memset(p, 0, n);
    p[0] = (u8)page;
    p[1] = (u8)(n - 2);
    if (page == PAGE_CACHING) {
        p[2] = changeable || u->write_cache ? WCE : 0;
    } else if (page == PAGE_RECOVERY && !changeable) {
        p[2] = AWRE_ARRE;
    }
    return n;
}

static void mode_sense(ScsiUnit *u, ScsiTask *t)
{
    scsi_mode_sense(u, t, mode_page, (const u8[]) { PAGE_RECOVERY,
                    PAGE_CACHING, PAGE_CONTROL, 0 });
}

static void mode_select(ScsiUnit *u, ScsiTask *t)
{
    enum { SAVE_PAGES = 1, PAGE_FORMAT = 16 };

    t->len = t->cdb[0] == CODE_MODE_SELECT_6 ? t->cdb[4]
                                             : load_be(t->cdb + 7, 2);
    t->next = SCSI_TAKE;
    if ((t->cdb[1] & (SAVE_PAGES | PAGE_FORMAT)) != PAGE_FORMAT) {
        scsi_bad_field(u, t);
    } else if (t->len > SCSI_DATA) {
        scsi_check(u, t, SCSI_ILLEGAL, ASC_LIST_LENGTH);
    } else if (!t->len) {
        scsi_good(u, t);
    }
}

/* Is this page as it is but for what can change?  Takes what does. */
static bool take_page(ScsiUnit *u, const u8 *p, u32 n)
{
    enum { WCE = 4 };
    u8 now[64], mask[64];
    u32 page = p[0] & 0x3f;

    if (page != PAGE_CACHING && page != PAGE_RECOVERY && page != PAGE_CONTROL) {
        return false;
    }
    if (mode_page(u, now, page, false) != n) {
        return false;
    }
    mode_page(u, mask, page, true);
    for (u32 i = 2; i < n; i++) {
        if ((p[i] ^ now[i]) & ~mask[i]) {
            return false;
        }
    }
    if (page == PAGE_CACHING) {
        u->write_cache = (p[2] & WCE) != 0;
    }
    return true;
}

/* The list: a header, block descriptors, pages; SPC-3, 7.4. */
static void mode_list(ScsiUnit *u, ScsiTask *t)
{
    bool six = t->cdb[0] == CODE_MODE_SELECT_6;
    u32 head = six ? 4 : 8;
    u64 at = t->len < head ? head
           : head + (six ? t->data[3] : load_be(t->data + 6, 2));

    if (at > t->len) {
        scsi_check(u, t, SCSI_ILLEGAL, ASC_LIST_LENGTH);
        return;
    }
    while (at < t->len) {
        u64 n = t->len - at < 2 ? 0 : t->data[at + 1] + 2u;
        if (!n || n > t->len - at) {
            scsi_check(u, t, SCSI_ILLEGAL, ASC_LIST_LENGTH);
            return;
        }
        if (!take_page(u, t->data + at, (u32)n)) {
            scsi_check(u, t, SCSI_ILLEGAL, ASC_BAD_PARAMETER);
            return;
        }
        at += n;
    }
    scsi_good(u, t);
    if (!u->write_cache) {              /* what it held goes to the medium */
        t->next = SCSI_FLUSH;
    }
}

/* ---- dispatch ----------------------------------------------------------- */

void scsi_disk_go_on(ScsiUnit *u, ScsiTask *t)
{
    bool took = t->next == SCSI_TAKE;

    switch (t->cdb[0]) {
    case CODE_UNMAP:
        (took ? unmap_list : unmap_next)(u, t);
        break;
    case CODE_SAME_10: case CODE_SAME_16:
        same_next(u, t);
        break;
    case CODE_MODE_SELECT_6: case CODE_MODE_SELECT_10:
        (took ? mode_list : scsi_good)(u, t);
        break;
    default:
        scsi_good(u, t);
    }
}

enum { WRITES = NEEDS_MEDIUM | NEEDS_WRITE };

const ScsiCommand scsi_disk_commands[] = {
    { CODE_READ_6,         ANY_ACTION, NEEDS_MEDIUM, read_blocks },
    { CODE_WRITE_6,        ANY_ACTION, WRITES,       write_blocks },
    { CODE_MODE_SELECT_6,  ANY_ACTION, 0,            mode_select },
    { 0x16, ANY_ACTION, 0,            nothing },            /* RESERVE(6) */
    { 0x17, ANY_ACTION, 0,            nothing },            /* RELEASE(6) */
    { 0x1a, ANY_ACTION, 0,            mode_sense },
    { 0x25, ANY_ACTION, NEEDS_MEDIUM, read_capacity_10 },
    { 0x28, ANY_ACTION, NEEDS_MEDIUM, read_blocks },
    { 0x2a, ANY_ACTION, WRITES,       write_blocks },
    { 0x2e, ANY_ACTION, WRITES,       write_and_verify },
    { 0x2f, ANY_ACTION, NEEDS_MEDIUM, verify },
    { 0x35, ANY_ACTION, NEEDS_MEDIUM, flush },
    { CODE_SAME_10,        ANY_ACTION, WRITES,       write_same },
    { CODE_UNMAP,          ANY_ACTION, WRITES,       unmap },
    { CODE_MODE_SELECT_10, ANY_ACTION, 0,            mode_select },
    { 0x5a, ANY_ACTION, 0,            mode_sense },
    { 0x88, ANY_ACTION, NEEDS_MEDIUM, read_blocks },
    { 0x8a, ANY_ACTION, WRITES,       write_blocks },
    { 0x8e, ANY_ACTION, WRITES,       write_and_verify },
    { 0x8f, ANY_ACTION, NEEDS_MEDIUM, verify },
    { 0x91, ANY_ACTION, NEEDS_MEDIUM, flush },
    { CODE_SAME_16,        ANY_ACTION, WRITES,       write_same },
    { 0x9e, 0x10,       NEEDS_MEDIUM, read_capacity_16 },
    { 0xa8, ANY_ACTION, NEEDS_MEDIUM, read_blocks },
    { 0xaa, ANY_ACTION, WRITES,       write_blocks },
    { 0xae, ANY_ACTION, WRITES,       write_and_verify },
    { 0xaf, ANY_ACTION, NEEDS_MEDIUM, verify },
    { 0, 0, 0, NULL },
};
