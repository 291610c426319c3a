/* SPDX-License-Identifier: MIT */
/*
 * What all SCSI units answer: INQUIRY, sense, MODE SENSE, REPORT LUNS' errors,
 * and how a command is found and ends; see include/hw/scsi/scsi.h.
 * Reference: SPC-3 (T10/1416-D), chapters 4.5, 6 and 7.
 */
#include <glib.h>
#include "hw/scsi/unit.h"

/* ---- how commands end --------------------------------------------------- */

static void set_sense(ScsiUnit *u, u8 key, u16 asc)
{
    u->key = key;
    u->asc = (u8)(asc >> 8);
    u->ascq = (u8)asc;
}

void scsi_good(ScsiUnit *u, ScsiTask *t)
{
    set_sense(u, SCSI_NO_SENSE, 0);
    t->next = SCSI_GOOD;
}

void scsi_check(ScsiUnit *u, ScsiTask *t, u8 key, u16 asc)
{
    set_sense(u, key, asc);
    if (t) {
        t->next = SCSI_CHECK;
    }
}

void scsi_bad_field(ScsiUnit *u, ScsiTask *t)
{
    scsi_check(u, t, SCSI_ILLEGAL, ASC_BAD_FIELD);
}

void scsi_reply(ScsiTask *t, u64 n, u64 room)
{
    t->len = MIN(n, room);
    t->next = t->len ? SCSI_REPLY : SCSI_GOOD;
}

void scsi_put_sense(u8 *out, u8 key, u16 asc)
{
    enum { CURRENT = 0x70 };

    memset(out, 0, SCSI_SENSE);
    out[0] = CURRENT;
    out[2] = key;
    out[7] = SCSI_SENSE - 8;
    store_be(out + 12, 2, asc);
}

void scsi_take_sense(ScsiUnit *u, u8 *out)
{
    scsi_put_sense(out, u->key, (u16)(u->asc << 8 | u->ascq));
    set_sense(u, SCSI_NO_SENSE, 0);
}

/* ---- the medium --------------------------------------------------------- */

u64 scsi_blocks(const ScsiUnit *u)
{
    const Block *b = medium_disk(u->medium);

    return b ? block_size(b) / u->block : 0;
}

void scsi_changed(ScsiUnit *u)
{
    if (medium_disk(u->medium)) {
        u->attention = ASC_CHANGED >> 8;
        u->attention_more = 0;
        u->event = EVENT_NEW;
    } else {
        u->event = EVENT_REMOVED;
    }
}

void scsi_asked(ScsiUnit *u)
{
    u->event = EVENT_EJECT;
}

void scsi_reset(ScsiUnit *u)
{
    set_sense(u, SCSI_NO_SENSE, 0);
    u->attention = u->atapi ? 0 : ASC_RESET >> 8;
    u->attention_more = 0;
    u->event = EVENT_NONE;
    u->write_cache = 1;
}

void scsi_move(ScsiUnit *u, ScsiTask *t, ScsiNext how, u64 at, u64 n)
{
    u64 all = scsi_blocks(u);

    if (at > all || n > all - at) {
        scsi_check(u, t, SCSI_ILLEGAL, ASC_OUT_OF_RANGE);
    } else if (!n) {
        scsi_good(u, t);
    } else {
        t->at = at * u->block;
        t->len = n * u->block;
        t->next = how;
    }
}

/* ---- commands of all units ---------------------------------------------- */

static void test_ready(ScsiUnit *u, ScsiTask *t)
{
    scsi_good(u, t);
}

static void request_sense(ScsiUnit *u, ScsiTask *t)
{
    enum { DESCRIPTORS = 1 };

    if (t->cdb[1] & DESCRIPTORS) {
        scsi_bad_field(u, t);
        return;
    }
    if (!u->key && u->attention) {
        set_sense(u, SCSI_ATTENTION,
                  (u16)(u->attention << 8 | u->attention_more));
        u->attention = 0;
    }
    scsi_take_sense(u, t->data);
    scsi_reply(t, SCSI_SENSE, t->cdb[4]);
}

/* Letters, blanks behind. */
static void put_text(u8 *out, u32 n, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    memset(out, ' ', n);
    memcpy(out, text ? text : "", MIN(len, (size_t)n));
}

static u8 device_type_of(const ScsiUnit *u)
{
    enum { DISK = 0, CD_ROM = 5 };

    return u->cd ? CD_ROM : DISK;
}

/* Identification by name, T10's and, if there is one, NAA's; SPC-3, 7.6.3. */
static u32 identification(const ScsiUnit *u, u8 *p)
{
    enum { ASCII = 2, BINARY = 1, T10 = 1, NAA = 3, VENDOR = 8, WWN = 8 };
    const char *serial = u->serial ? u->serial : u->dev->id;
    u32 n = (u32)MIN(strlen(serial), (size_t)20), at = 4 + VENDOR + n;

    memset(p, 0, 4);
    p[0] = ASCII;
    p[1] = T10;
    p[3] = (u8)(VENDOR + n);
    put_text(p + 4, VENDOR, u->vendor);
    memcpy(p + 4 + VENDOR, serial, n);
    if (u->wwn) {
        memset(p + at, 0, 4);
        p[at] = BINARY;
        p[at + 1] = NAA;
        p[at + 3] = WWN;
        store_be(p + at + 4, WWN, u->wwn);
        at += 4 + WWN;
    }
    return at;
}

/* A page's contents; ~0: there is no such page. */
static u32 vital_page(const ScsiUnit *u, u8 *p, u8 page)
{
    static const u8 pages[] = { 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2 };
    u32 n = 0;

    switch (page) {
    case 0x00:
        for (u32 i = 0; i < countof(pages); i++) {
            if (vital_page(u, p + SCSI_DATA / 2, pages[i] ? pages[i] : 1)
                != ~0u || !pages[i]) {
                p[n++] = pages[i];
            }
        }
        return n;
    case 0x80:
        if (!u->serial) {
            return ~0u;
        }
        n = (u32)MIN(strlen(u->serial), (size_t)36);
        memcpy(p, u->serial, n);
        return n;
    case 0x83:
        return u->atapi ? ~0u : identification(u, p);
    default:
        n = u->cd ? 0 : scsi_disk_page(u, p, page);
        return n ? n : ~0u;
    }
}

static void vital_data(ScsiUnit *u, ScsiTask *t, u32 room)
{
    u8 *p = t->data;
    u32 n = vital_page(u, p + 4, t->cdb[2]);

    if (n == ~0u) {
        scsi_bad_field(u, t);
        return;
    }
    p[0] = device_type_of(u);
    p[1] = t->cdb[2];
    store_be(p + 2, 2, n);
    scsi_reply(t, n + 4, room);
}

static void inquiry(ScsiUnit *u, ScsiTask *t)
{
    enum { BYTES = 36, REMOVABLE = 0x80, ATAPI_FORM = 0x21, SPC_3 = 5,
           FORM = 2, HISUP = 0x10, QUEUES = 2, VITAL = 1 };
    u32 room = u->atapi ? t->cdb[4] : (u32)load_be(t->cdb + 3, 2);
    u8 *p = t->data;

    if (t->cdb[1] & VITAL) {
        vital_data(u, t, room);
        return;
    }
    if (t->cdb[2]) {
        scsi_bad_field(u, t);
        return;
    }
    memset(p, 0, BYTES);
    p[0] = device_type_of(u);
    p[1] = u->medium->fixed ? 0 : REMOVABLE;
    p[2] = u->atapi ? 0 : SPC_3;
    p[3] = u->atapi ? ATAPI_FORM : FORM | HISUP;
    p[4] = BYTES - 5;
    p[7] = u->atapi ? 0 : QUEUES;
    put_text(p + 8, 8, u->vendor);
    put_text(p + 16, 16, u->product);
    put_text(p + 32, 4, ANOLE_VERSION);
    scsi_reply(t, BYTES, room);
}

static void start_stop(ScsiUnit *u, ScsiTask *t)
{
    enum { START = 1, LOAD_EJECT = 2, POWER = 0xf0 };
    u8 how = t->cdb[4];

    if (how & LOAD_EJECT && !(how & POWER) && !u->medium->fixed) {
        if (!(how & START) && u->medium->locked && !u->medium->open) {
            scsi_check(u, t, SCSI_ILLEGAL, ASC_LOCKED);
            return;
        }
        medium_move_tray(u->dev, !(how & START));
    }
    scsi_good(u, t);
}

static void prevent(ScsiUnit *u, ScsiTask *t)
{
    u->medium->locked = t->cdb[4] & 1;
    scsi_good(u, t);
}

/* ---- MODE SENSE --------------------------------------------------------- */

/* The pages of a table that end with 0, or the one that was asked for. */
static u32 put_pages(const ScsiUnit *u, const ScsiTask *t, u8 *p,
                     ScsiPage *page, const u8 *pages)
{
    enum { ALL = 0x3f, CHANGEABLE = 1 };
    u32 wanted = t->cdb[2] & 0x3f, n = 0;

    for (; *pages; pages++) {
        if (wanted == ALL || wanted == *pages) {
            n += page(u, p + n, *pages, t->cdb[2] >> 6 == CHANGEABLE);
        }
    }
    return n;
}

/* Of MODE SENSE, the kind of medium or of disk. */
static void mode_header(const ScsiUnit *u, u8 *kind, u8 *specific)
{
    enum { DATA_CD = 1, NO_DISC = 0x70, NO_DISC_OPEN = 0x71,
           PROTECTED = 0x80, DPO_FUA = 0x10 };

    if (u->cd) {
        *kind = u->medium->open ? NO_DISC_OPEN
              : u->medium->disk ? DATA_CD : NO_DISC;
    } else {
        *specific = DPO_FUA | (block_readonly(u->medium->disk) ? PROTECTED
                                                                : 0);
    }
}

void scsi_mode_sense(ScsiUnit *u, ScsiTask *t, ScsiPage *page,
                     const u8 *pages)
{
    enum { SIX = 0x1a, NO_DESCRIPTORS = 8, DESCRIPTOR = 8, SAVED = 3 };
    bool six = t->cdb[0] == SIX;
    u32 head = six ? 4 : 8, n = head, before;
    u8 *p = t->data;

    if (t->cdb[2] >> 6 == SAVED) {
        scsi_check(u, t, SCSI_ILLEGAL, ASC_SAVING);
        return;
    }
    memset(p, 0, SCSI_DATA);
    mode_header(u, six ? p + 1 : p + 2, six ? p + 2 : p + 3);
    if (!u->cd && !(t->cdb[1] & NO_DESCRIPTORS)) {
        store_be(p + n, 4, MIN(scsi_blocks(u), (u64)0xffffffff));
        store_be(p + n + 5, 3, u->block);
        p[six ? 3 : 7] = DESCRIPTOR;
        n += DESCRIPTOR;
    }
    before = n;
    n += put_pages(u, t, p + n, page, pages);
    if (n == before) {
        scsi_bad_field(u, t);
        return;
    }
    store_be(p, six ? 1 : 2, n - (six ? 1 : 2));
    scsi_reply(t, n, six ? t->cdb[4] : load_be(t->cdb + 7, 2));
}

/* ---- dispatch ----------------------------------------------------------- */

static const ScsiCommand common[] = {
    { 0x00, ANY_ACTION, NEEDS_MEDIUM, test_ready },
    { 0x03, ANY_ACTION, PASSES, request_sense },
    { 0x12, ANY_ACTION, PASSES, inquiry },
    { 0x1b, ANY_ACTION, 0, start_stop },
    { 0x1e, ANY_ACTION, 0, prevent },
    { 0, 0, 0, NULL },
};

static const ScsiCommand *find(const ScsiCommand *table, const u8 *cdb)
{
    for (; table->run; table++) {
        if (table->code == cdb[0] && (table->action == ANY_ACTION
                                      || table->action == (cdb[1] & 0x1f))) {
            return table;
        }
    }
    return NULL;
}

/* What keeps a command from being run, as a sense; false: nothing. */
static bool hindered(ScsiUnit *u, ScsiTask *t, const ScsiCommand *c)
{
    if (!c) {
        scsi_check(u, t, SCSI_ILLEGAL, ASC_BAD_COMMAND);
    } else if (u->attention && !(c->needs & PASSES)) {
        scsi_check(u, t, SCSI_ATTENTION,
                   (u16)(u->attention << 8 | u->attention_more));
        u->attention = 0;
    } else if (c->needs & NEEDS_MEDIUM && !medium_disk(u->medium)) {
        scsi_check(u, t, SCSI_NOT_READY, u->medium->open ? ASC_NO_MEDIUM_OPEN
                                         : ASC_NO_MEDIUM_CLOSED);
    } else if (c->needs & NEEDS_WRITE && block_readonly(u->medium->disk)) {
        scsi_check(u, t, SCSI_PROTECTED, ASC_WRITE_PROTECTED);
    } else {
        return false;
    }
    return true;
}

void scsi_start(ScsiUnit *u, ScsiTask *t)
{
    const ScsiCommand *c = find(common, t->cdb);

    c = c ? c : find(u->cd ? scsi_cd_commands : scsi_disk_commands, t->cdb);
    t->through = !u->write_cache;
    t->pos = t->end = 0;
    if (!hindered(u, t, c)) {
        c->run(u, t);
    }
}

void scsi_go_on(ScsiUnit *u, ScsiTask *t, bool ok)
{
    if (ok && !u->cd) {
        scsi_disk_go_on(u, t);
    } else if (ok) {
        scsi_good(u, t);
    } else if (!medium_disk(u->medium)) {
        scsi_check(u, t, SCSI_NOT_READY, ASC_NO_MEDIUM_OPEN);
    } else {
        scsi_check(u, t, SCSI_MEDIUM, t->next == SCSI_READ ? ASC_READ_ERROR
                                                           : ASC_WRITE_ERROR);
    }
}
