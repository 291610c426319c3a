/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous events and log pages.
 * Reference: NVM Express 1.4, 5.2, 5.14.
 */
#include <glib.h>
#include "hw/nvme/nvme.h"

enum {                                  /* log pages: figure 190 */
    LOG_ERRORS = 0x01, LOG_SMART = 0x02, LOG_FIRMWARE = 0x03,
    LOG_EFFECTS = 0x05,
};
enum { EVENT_TYPES = 3, DUE = 1 << 31 };
enum { EVENTS_FEATURE = 0x0b, TEMPERATURE_FEATURE = 0x04,
       TEMPERATURE_BIT = 1 << 1, TEMPERATURE_THRESHOLD = 1 };

/* ---- events ------------------------------------------------------------- */

/* Ends a waiting request: the last of them is as good as any. */
static void answer(Nvme *s, u32 i, u16 status, u32 result)
{
    u32 cid = s->waiting[i];

    s->waiting[i] = s->waiting[--s->waits];
    s->waiting[s->waits] = 0;
    nvme_post(s, 0, cid, status, result);
}

/* One of a type, until the host has read the log that it names. */
void nvme_send_events(Nvme *s)
{
    for (u32 t = 0; t < EVENT_TYPES; t++) {
        if (s->event[t] & (u32)DUE && !(s->masked >> t & 1) && s->waits
            && nvme_room(s, 0)) {
            u32 result = s->event[t] & ~(u32)DUE;
            s->event[t] = 0;
            s->masked |= 1u << t;
            answer(s, s->waits - 1, NVME_OK, result);
        }
    }
}

void nvme_event(Nvme *s, u32 type, u32 info, u32 log)
{
    s->event[type] = type | info << 8 | log << 16 | (u32)DUE;
    nvme_send_events(s);
}

u16 nvme_await_event(NvmeRequest *r)
{
    Nvme *s = r->s;

    if (s->waits == NVME_EVENTS) {
        return NVME_EVENT_LIMIT;
    }
    s->waiting[s->waits++] = (u32)load_le(r->cmd + 2, 2);
    s->reserved[0]--;
    g_free(r);
    nvme_send_events(s);
    return NVME_LATER;
}

bool nvme_abort_event(Nvme *s, u32 cid)
{
    for (u32 i = 0; i < s->waits; i++) {
        if (s->waiting[i] == cid && nvme_room(s, 0)) {
            answer(s, i, NVME_ABORTED, 0);
            return true;
        }
    }
    return false;
}

static bool too_warm(const Nvme *s)
{
    return NVME_TEMPERATURE >= s->feature[TEMPERATURE_FEATURE]
        || NVME_TEMPERATURE <= s->threshold_low;
}

void nvme_check_temperature(Nvme *s)
{
    if (too_warm(s) && s->feature[EVENTS_FEATURE] & TEMPERATURE_BIT) {
        nvme_event(s, NVME_EVENT_SMART, TEMPERATURE_THRESHOLD, LOG_SMART);
    }
}

/* ---- log pages ---------------------------------------------------------- */

void nvme_note_error(NvmeRequest *r, u16 status)
{
    Nvme *s = r->s;
    NvmeError *e = &s->error[++s->errors % NVME_ERRORS];

    *e = (NvmeError) {
        .count = s->errors, .lba = r->ns ? load_le(r->cmd + 40, 8) : 0,
        .nsid = nvme_dword(r, 1), .sq = (u16)r->sq,
        .cid = (u16)load_le(r->cmd + 2, 2), .status = (u16)(status << 1),
        .at = 0xffff,                   /* no field in particular */
    };
}

/* 5.14.1.1; the newest first. */
static void errors(const Nvme *s, u8 *p)
{
    for (u32 i = 0; i < NVME_ERRORS && i < s->errors; i++, p += 64) {
        const NvmeError *e = &s->error[(s->errors - i) % NVME_ERRORS];
        store_le(p, 8, e->count);
        store_le(p + 8, 2, e->sq);
        store_le(p + 10, 2, e->cid);
        store_le(p + 12, 2, e->status);
        store_le(p + 14, 2, e->at);
        store_le(p + 16, 8, e->lba);
        store_le(p + 24, 4, e->nsid);
    }
}

/* 5.14.1.2; data units are thousands of 512 bytes, rounded up. */
static void smart(const Nvme *s, u8 *p)
{
    enum { UNIT = 512000, SPARE = 100, SPARE_LOW = 10 };

    p[0] = too_warm(s) ? TEMPERATURE_BIT : 0;
    store_le(p + 1, 2, NVME_TEMPERATURE);
    p[3] = SPARE;
    p[4] = SPARE_LOW;
    store_le(p + 32, 8, (s->read_bytes + UNIT - 1) / UNIT);
    store_le(p + 48, 8, (s->written_bytes + UNIT - 1) / UNIT);
    store_le(p + 64, 8, s->reads);
    store_le(p + 80, 8, s->writes);
    p[112] = 1;                         /* power cycles */
    store_le(p + 176, 8, s->errors);
}

static void firmware(const Nvme *s, u8 *p)
{
    (void)s;
    p[0] = 1;                           /* slot 1 is active */
    memcpy(p + 8, "1.0     ", 8);
}

static void effects(const Nvme *s, u8 *p)
{
    (void)s;
    nvme_admin_effects(p);
    nvme_io_effects(p + 1024);
}

static const struct {
    u32  id, bytes, event;              /* the event that names it */
    void (*fill)(const Nvme *s, u8 *page);
} logs[] = {
    { LOG_ERRORS,   64 * NVME_ERRORS, NVME_EVENT_ERROR, errors },
    { LOG_SMART,    512,  NVME_EVENT_SMART,  smart },
    { LOG_FIRMWARE, 512,  NVME_EVENT_NOTICE, firmware },
    { LOG_EFFECTS,  4096, NVME_EVENT_NOTICE, effects },
};

u16 nvme_get_log(NvmeRequest *r)
{
    enum { RETAIN_EVENT = 1 << 15 };
    u32 id = nvme_dword(r, 10) & 0xff, i = 0;
    u64 bytes = ((nvme_dword(r, 10) >> 16
                  | (u64)(nvme_dword(r, 11) & 0xffff) << 16) + 1) * 4;
    u64 from = load_le(r->cmd + 48, 8);
    u8 page[NVME_PAGE] = { 0 };

    while (i < countof(logs) && logs[i].id != id) {
        i++;
    }
    if (i == countof(logs)) {
        return NVME_LOG_PAGE;
    }
    if (from & 3 || from >= logs[i].bytes) {
        return NVME_FIELD;
    }
    logs[i].fill(r->s, page);
    u16 status = nvme_give(r, page + from, MIN(bytes, logs[i].bytes - from));
    if (!status && !(nvme_dword(r, 10) & RETAIN_EVENT)) {
        r->s->masked &= ~(1u << logs[i].event);
        nvme_send_events(r->s);
    }
    return status;
}
