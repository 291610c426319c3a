/* SPDX-License-Identifier: MIT */
/* Sections, written and read; see migration/stream.h. */
#include <zlib.h>
#include "migration/stream.h"

enum { BUFFER = 256 << 10, LEN = 4, HEAD = 2 };

void stream_free(Stream *s)
{
    g_clear_pointer(&s->buf, g_free);
}

/* ---- writing ------------------------------------------------------------ */

bool stream_flush(Stream *s, Err *err)
{
    size_t n = s->fill;

    s->fill = 0;
    return channel_write(s->channel, s->buf, n, err);
}

static bool put(Stream *s, const void *p, size_t n, Err *err)
{
    if (!n) {
        return true;            /* p may be NULL */
    }
    s->bytes += n;
    s->buf = s->buf ? s->buf : g_malloc(BUFFER);
    if (s->fill + n > BUFFER && !stream_flush(s, err)) {
        return false;
    }
    if (n > BUFFER) {
        return channel_write(s->channel, p, n, err);
    }
    memcpy(s->buf + s->fill, p, n);
    s->fill += n;
    return true;
}

bool stream_begin(Stream *s, Err *err)
{
    u8 version[4];

    store_le(version, 4, STREAM_VERSION);
    return put(s, STREAM_MAGIC, strlen(STREAM_MAGIC), err)
        && put(s, version, sizeof version, err);
}

bool stream_put(Stream *s, SectionKind kind, const char *name,
                const void *p, size_t n, Err *err)
{
    u8 head[HEAD + 255 + LEN], sum[LEN];
    size_t len = MIN(strlen(name), 255), all = HEAD + len + LEN;

    head[0] = (u8)kind;
    head[1] = (u8)len;
    memcpy(head + HEAD, name, len);
    store_le(head + HEAD + len, LEN, n);
    uLong crc = crc32(0, head, (uInt)all);
    crc = n ? crc32(crc, p, (uInt)n) : crc;     /* of NULL it would be 0 */
    store_le(sum, LEN, crc);
    return put(s, head, all, err) && put(s, p, n, err)
        && put(s, sum, LEN, err);
}

/* ---- reading ------------------------------------------------------------ */

static bool get(Stream *s, void *p, size_t n, Err *err)
{
    s->bytes += n;
    return channel_read(s->channel, p, n, err);
}

bool stream_check(Stream *s, Err *err)
{
    u8 head[sizeof STREAM_MAGIC - 1 + 4];
    size_t n = strlen(STREAM_MAGIC);

    if (!get(s, head, sizeof head, err)) {
        return false;
    }
    if (memcmp(head, STREAM_MAGIC, n) != 0) {
        return fail(err, "this is no saved state of anole");
    }
    u32 version = (u32)load_le(head + n, 4);
    return version == STREAM_VERSION
        || fail(err, "it has version %u of the format, this anole reads %u",
                version, STREAM_VERSION);
}

static bool read_name(Stream *s, Section *x, u8 *head, size_t *all, Err *err)
{
    size_t len;

    if (!get(s, head, HEAD, err)) {
        return false;
    }
    len = head[1];
    *all = HEAD + len + LEN;
    if (!head[0] || head[0] >= SECTION_KINDS) {
        return fail(err, "it has a section of kind %u, which there is not",
                    head[0]);
    }
    if (!get(s, head + HEAD, len + LEN, err)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        x->name[i] = (char)head[HEAD + i];
        if (!g_ascii_isprint(x->name[i])) {
            return fail(err, "a section has no name");
        }
    }
    x->kind = (SectionKind)head[0];
    x->len = (u32)load_le(head + HEAD + len, LEN);
    return true;
}

bool stream_get(Stream *s, Section *x, Err *err)
{
    u8 head[HEAD + 255 + LEN], sum[LEN];
    size_t all;

    *x = (Section) { 0 };
    if (!read_name(s, x, head, &all, err)) {
        return false;
    }
    if (x->len > SECTION_MAX) {
        return fail(err, "section \"%s\": it has %u bytes, %u may be", x->name,
                    x->len, SECTION_MAX);
    }
    s->buf = g_realloc(s->buf, MAX(x->len, 1));
    x->data = s->buf;
    if (!get(s, x->data, x->len, err) || !get(s, sum, LEN, err)) {
        return err_prefix(err, "section \"%s\"", x->name);
    }
    uLong crc = crc32(crc32(0, head, (uInt)all), x->data, x->len);
    return crc == load_le(sum, LEN)
        || fail(err, "section \"%s\": its checksum is wrong; the stream is "
                "damaged", x->name);
}
