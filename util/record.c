/* SPDX-License-Identifier: MIT */
/* Saved state as records of named numbers; see include/util/record.h. */
#include "util/record.h"

/* A row of numbers, and the rows of the structs that it is in. */
typedef struct Leaf {
    const Field *row[RECORD_DEPTH];
    u32          depth;
} Leaf;

typedef bool LeafFn(void *opaque, const Leaf *l, const char *name);

/* Calls fn for each row of numbers until it returns false. */
static bool each(const Field *table, Leaf *l, const char *prefix, LeafFn *fn,
                 void *opaque)
{
    for (const Field *f = table; f && f->name; f++) {
        g_autofree char *name = g_strconcat(prefix, f->name, NULL);
        g_autofree char *inner = g_strconcat(name, ".", NULL);
        bool go_on = true;
        l->row[l->depth++] = f;
        go_on = f->of ? each(f->of, l, inner, fn, opaque)
                      : fn(opaque, l, name);
        l->depth--;
        if (!go_on) {
            return false;
        }
    }
    return true;
}

static u32 unit_of(const Leaf *l)
{
    return l->row[l->depth - 1]->unit;
}

static u32 count_of(const Leaf *l)
{
    u32 n = 1;

    for (u32 i = 0; i < l->depth; i++) {
        n *= l->row[i]->size / l->row[i]->unit;
    }
    return n;
}

/* Where the nth number is, from the start of the outermost struct. */
static size_t place_of(const Leaf *l, u32 n)
{
    size_t at = 0;

    for (u32 i = l->depth; i--; ) {
        const Field *f = l->row[i];
        u32 here = f->size / f->unit;
        at += f->at + (size_t)(n % here) * f->unit;
        n /= here;
    }
    return at;
}

/* ---- writing ------------------------------------------------------------ */

/* In the host's byte order, in which members are. */
static u64 load_number(const void *p, u32 unit)
{
    return unit == 1 ? *(const u8 *)p : unit == 2 ? *(const u16 *)p
         : unit == 4 ? *(const u32 *)p : *(const u64 *)p;
}

static void store_number(void *p, u32 unit, u64 v)
{
    switch (unit) {
    case 1: *(u8 *)p = (u8)v; break;
    case 2: *(u16 *)p = (u16)v; break;
    case 4: *(u32 *)p = (u32)v; break;
    case 8: *(u64 *)p = v; break;
    }
}

static void put_head(GByteArray *to, const char *name, u32 unit, u32 count)
{
    u8 n = (u8)MIN(strlen(name), RECORD_NAME), head[5];

    g_byte_array_append(to, &n, 1);
    g_byte_array_append(to, (const u8 *)name, n);
    head[0] = (u8)unit;
    store_le(head + 1, 4, count);
    g_byte_array_append(to, head, sizeof head);
}

static void put_number(GByteArray *to, const void *p, u32 unit)
{
    u8 le[8];

    store_le(le, unit, load_number(p, unit));
    g_byte_array_append(to, le, unit);
}

void record_put(GByteArray *to, const char *name, const void *p, u32 unit,
                u32 count)
{
    put_head(to, name, unit, count);
    for (u32 i = 0; i < count; i++) {
        put_number(to, (const u8 *)p + (size_t)i * unit, unit);
    }
}

void record_put_text(GByteArray *to, const char *name, const char *text)
{
    record_put(to, name, text, 1, (u32)strlen(text));
}

typedef struct Save {
    GByteArray *to;
    const u8   *base;
} Save;

static bool save_leaf(void *opaque, const Leaf *l, const char *name)
{
    Save *s = opaque;

    put_head(s->to, name, unit_of(l), count_of(l));
    for (u32 i = 0; i < count_of(l); i++) {
        put_number(s->to, s->base + place_of(l, i), unit_of(l));
    }
    return true;
}

void record_put_fields(GByteArray *to, const Field *table, const void *base)
{
    Save s = { to, base };

    each(table, &(Leaf) { 0 }, "", save_leaf, &s);
}

/* ---- reading ------------------------------------------------------------ */

bool record_get(Record *r, const u8 **p, const u8 *end, Err *err)
{
    enum { HEAD = 5 };
    const u8 *at = *p;
    u32 n = at < end ? *at++ : 0;

    *r = (Record) { 0 };
    if (!n || (size_t)(end - at) < n + HEAD) {
        return fail(err, "it ends in the middle of a record");
    }
    memcpy(r->name, at, n);
    for (u32 i = 0; i < n; i++) {
        if (!g_ascii_isprint(r->name[i])) {
            return fail(err, "a record has no name");
        }
    }
    at += n;
    r->unit = *at;
    r->count = (u32)load_le(at + 1, 4);
    at += HEAD;
    if (!is_pow2(r->unit) || r->unit > 8) {
        return fail(err, "\"%s\" has numbers of %u bytes", r->name, r->unit);
    }
    if (r->count > (size_t)(end - at) / r->unit) {
        return fail(err, "it ends in the middle of \"%s\"", r->name);
    }
    r->data = at;
    *p = at + (size_t)r->count * r->unit;
    return true;
}

u64 record_number(const Record *r, u32 n)
{
    return load_le(r->data + (size_t)n * r->unit, r->unit);
}

typedef struct Store {
    const Record *r;
    u8           *base;
    bool          known, ok;
    Err          *err;
} Store;

static bool store_leaf(void *opaque, const Leaf *l, const char *name)
{
    Store *s = opaque;
    const Record *r = s->r;

    if (strcmp(r->name, name) != 0) {
        return true;
    }
    s->known = true;
    if (r->unit != unit_of(l) || r->count != count_of(l)) {
        s->ok = fail(s->err, "\"%s\" is %u numbers of %u bytes here, and %u of "
                     "%u in the stream", name, count_of(l), unit_of(l),
                     r->count, r->unit);
        return false;
    }
    for (u32 i = 0; i < r->count; i++) {
        u64 v = record_number(r, i);
        if (l->row[l->depth - 1]->truth && v > 1) {
            s->ok = fail(s->err, "\"%s\" is %llu, which is no truth value",
                         name, (unsigned long long)v);
            return false;
        }
        store_number(s->base + place_of(l, i), r->unit, v);
    }
    return false;
}

bool record_store(const Record *r, const Field *table, void *base,
                  bool *known, Err *err)
{
    Store s = { r, base, false, true, err };

    each(table, &(Leaf) { 0 }, "", store_leaf, &s);
    *known = s.known;
    return s.ok;
}

typedef struct Missing {
    GHashTable *seen;
    char       *name;
} Missing;

static bool look_leaf(void *opaque, const Leaf *l, const char *name)
{
    Missing *m = opaque;

    (void)l;
    if (!g_hash_table_contains(m->seen, name)) {
        m->name = g_strdup(name);
    }
    return !m->name;
}

char *record_missing(const Field *table, GHashTable *seen)
{
    Missing m = { seen, NULL };

    each(table, &(Leaf) { 0 }, "", look_leaf, &m);
    return m.name;
}
