/* SPDX-License-Identifier: MIT */
/*
 * Memory in the stream.  A section of a block of memory is u64 offset, u32
 * pages, u8 how they are there, and their bytes, or nothing if they are zero.
 * Receiving begins with all memory zero.
 */
#include <zlib.h>
#include "migration/state.h"

enum { HOW_PLAIN, HOW_ZERO, HOW_ZLIB, HOWS };
enum { HEAD = 13, RUN = 256, RUN_BYTES = RUN * GUEST_PAGE };

static void free_send(void *opaque)
{
    RamSend *r = opaque;

    g_free(r->name);
    g_free(r->due);
    g_free(r);
}

static void list_one(void *opaque, Ram *ram)
{
    GPtrArray *list = opaque;
    RamSend *r = g_new0(RamSend, 1);
    u32 same = 0;

    for (u32 i = 0; i < list->len; i++) {
        const RamSend *other = list->pdata[i];
        same += strcmp(other->ram->name, ram->name) == 0;
    }
    r->ram = ram;
    r->name = same ? g_strdup_printf("%.200s#%u", ram->name, same)
                   : g_strdup_printf("%.200s", ram->name);
    g_ptr_array_add(list, r);
}

GPtrArray *rams_list(void)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(free_send);

    ram_each(list_one, list);
    return list;
}

/* ---- sending ------------------------------------------------------------ */

static bool is_zero(const u8 *page)
{
    const u64 *p = (const u64 *)page;
    u64 any = 0;

    for (u32 i = 0; i < GUEST_PAGE / sizeof *p && !any; i += 8) {
        any = p[i] | p[i + 1] | p[i + 2] | p[i + 3] | p[i + 4] | p[i + 5]
            | p[i + 6] | p[i + 7];
    }
    return !any;
}

/* Packs n pages if that makes them smaller; bytes behind the head. */
static size_t pack(const RamOut *o, const u8 *from, u32 n, u8 *to, u8 *how)
{
    uLongf len = RUN_BYTES;

    *how = HOW_PLAIN;
    memcpy(to, from, (size_t)n * GUEST_PAGE);   /* the guest may write on */
    if (o->level) {
        g_autofree u8 *packed = g_malloc(RUN_BYTES);
        if (compress2(packed, &len, to, (uLong)n * GUEST_PAGE, (int)o->level)
            == Z_OK && len < (uLong)n * GUEST_PAGE) {
            memcpy(to, packed, len);
            *how = HOW_ZLIB;
            return len;
        }
    }
    return (size_t)n * GUEST_PAGE;
}

static bool send_run(RamOut *o, const RamSend *r, u64 page, u32 n, bool zero,
                     Err *err)
{
    g_autofree u8 *buf = g_malloc(HEAD + RUN_BYTES);
    size_t len = 0;
    u8 how = HOW_ZERO;

    if (!zero) {
        len = pack(o, r->ram->host + page * GUEST_PAGE, n, buf + HEAD, &how);
    }
    store_le(buf, 8, page * GUEST_PAGE);
    store_le(buf + 8, 4, n);
    buf[12] = how;
    *(zero ? &o->stats.zero_pages : &o->stats.pages) += n;
    return stream_put(o->stream, SECTION_RAM, r->name, buf, HEAD + len, err)
        && o->progress(o->opaque, err);
}

/*
 * Sends pages [from, to), as runs of pages alike; what is not due is left out.
 * With no list of what is due, zeros are too.
 */
static bool send_pages(RamOut *o, const RamSend *r, u64 from, u64 to, Err *err)
{
    enum { SKIP = -1 };
    int kind = SKIP;
    u64 first = from;

    for (u64 p = from; p <= to; p++) {
        int now = SKIP;
        if (p < to && (!r->due || r->due[p])) {
            now = is_zero(r->ram->host + p * GUEST_PAGE);
            o->stats.zero_pages += now && !r->due;
            now = now && !r->due ? SKIP : now;
        }
        if (kind != SKIP && (now != kind || p - first == RUN)) {
            if (!send_run(o, r, first, (u32)(p - first), kind, err)) {
                return false;
            }
            first = p;
        }
        first = kind == now ? first : p;
        kind = now;
    }
    return true;
}

bool ram_send_all(RamOut *o, RamSend *r, Err *err)
{
    u64 at = 0, len;

    for (; ram_data(r->ram, &at, &len); at += len) {
        if (!send_pages(o, r, at / GUEST_PAGE, (at + len) / GUEST_PAGE, err)) {
            return false;
        }
    }
    return true;
}

u64 ram_collect(RamSend *r)
{
    u64 n = 0, pages = r->ram->size / GUEST_PAGE;

    if (!r->due) {
        r->due = g_malloc0(pages);
    }
    for (u64 p = 0; p < pages; p++) {
        r->due[p] |= ram_take_dirty(r->ram, p);
        n += r->due[p];
    }
    return n;
}

bool ram_send_due(RamOut *o, RamSend *r, Err *err)
{
    u64 pages = r->ram->size / GUEST_PAGE;
    bool ok = send_pages(o, r, 0, pages, err);

    memset(r->due, 0, pages);
    return ok;
}

/* ---- receiving ---------------------------------------------------------- */

static Ram *find(GPtrArray *rams, const char *name)
{
    for (u32 i = 0; i < rams->len; i++) {
        const RamSend *r = rams->pdata[i];
        if (strcmp(r->name, name) == 0) {
            return r->ram;
        }
    }
    return NULL;
}

static bool unpack(u8 *to, uLongf want, const Section *x, Err *err)
{
    uLongf len = want;

    return (uncompress(to, &len, x->data + HEAD, x->len - HEAD) == Z_OK
            && len == want)
        || fail(err, "memory \"%s\": compressed pages are damaged", x->name);
}

bool ram_receive(GPtrArray *rams, const Section *x, Err *err)
{
    Ram *r = find(rams, x->name);
    u64 at = x->len >= HEAD ? load_le(x->data, 8) : 0;
    u64 len = x->len >= HEAD ? load_le(x->data + 8, 4) * GUEST_PAGE : 0;
    u32 how = x->len >= HEAD ? x->data[12] : HOWS;

    if (!r) {
        return fail(err, "memory \"%s\": there is none here", x->name);
    }
    if (how >= HOWS || !len || len > RUN_BYTES || at % GUEST_PAGE
        || at > r->size || len > r->size - at
        || (how == HOW_PLAIN && x->len - HEAD != len)
        || (how == HOW_ZERO && x->len != HEAD)) {
        return fail(err, "memory \"%s\": pages at %#llx that it does not have",
                    x->name, (unsigned long long)at);
    }
    if (how == HOW_ZLIB) {
        if (!unpack(r->host + at, len, x, err)) {
            return false;
        }
    } else if (how == HOW_PLAIN) {
        memcpy(r->host + at, x->data + HEAD, len);
    } else {
        memset(r->host + at, 0, len);
    }
    ram_wrote(r, at, len);
    return true;
}
