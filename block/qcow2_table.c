/* SPDX-License-Identifier: MIT */
/* Tables in memory, and the order in which they are written; see qcow2.h. */
#include <errno.h>
#include <stdio.h>
#include "block/qcow2.h"

/* ---- one table ---------------------------------------------------------- */

static void mark(Qcow2 *q)
{
    __atomic_store_n(&q->dirty, true, __ATOMIC_RELAXED);
}

static bool is_dirty(const Table *t)
{
    return t->lo < t->hi;
}

static Table *add(Qcow2 *q, u64 offset, bool l2)
{
    Table *t = g_malloc0(sizeof *t + q->cluster);

    t->offset = offset;
    t->l2 = l2;
    t->lo = UINT32_MAX;
    t->stamp = ++q->stamp;
    g_hash_table_replace(q->tables, &t->offset, t);
    return t;
}

Table *table_find(Qcow2 *q, u64 offset)
{
    Table *t = g_hash_table_lookup(q->tables, &offset);

    if (t) {
        t->stamp = ++q->stamp;
    }
    return t;
}

int table_get(Qcow2 *q, u64 offset, bool l2, Table **out)
{
    int r;

    *out = table_find(q, offset);
    if (*out) {
        return (*out)->l2 == l2 ? 0 : qcow2_corrupt(q, "a table is an L2 "
                                             "table and a refcount block");
    }
    if (!offset || offset % q->cluster) {
        return qcow2_corrupt(q, "a table is not at the start of a cluster");
    }
    *out = add(q, offset, l2);
    r = file_move(q->image, false, (*out)->bytes, q->cluster, offset);
    if (r) {
        table_drop(q, offset);
    }
    return r;
}

Table *table_new(Qcow2 *q, u64 offset, bool l2)
{
    Table *t = add(q, offset, l2);

    table_changed(q, t, 0, (u32)q->cluster);
    return t;
}

void table_drop(Qcow2 *q, u64 offset)
{
    g_hash_table_remove(q->tables, &offset);
}

u64 table_entry(const Table *t, u32 i)
{
    return load_be(t->bytes + (size_t)i * 8, 8);
}

void table_set(Qcow2 *q, Table *t, u32 i, u64 entry)
{
    store_be(t->bytes + (size_t)i * 8, 8, entry);
    table_changed(q, t, i * 8, 8);
}

void table_changed(Qcow2 *q, Table *t, u32 at, u32 len)
{
    t->lo = MIN(t->lo, at);
    t->hi = MAX(t->hi, at + len);
    mark(q);
}

static int write_table(Qcow2 *q, Table *t)
{
    int r = file_move(q->image, true, t->bytes + t->lo, t->hi - t->lo,
                      t->offset + t->lo);

    if (r == 0) {
        t->lo = UINT32_MAX;
        t->hi = 0;
    }
    return r;
}

/* ---- top tables --------------------------------------------------------- */

void top_set(Qcow2 *q, Top *t, u32 i, u64 entry)
{
    t->entry[i] = entry;
    t->lo = MIN(t->lo, i);
    t->hi = MAX(t->hi, i + 1);
    mark(q);
}

int top_read(Qcow2 *q, Top *t)
{
    int r;

    t->entry = g_new(u64, MAX(t->n, 1));
    r = file_move(q->image, false, t->entry, (u64)t->n * 8, t->offset);
    for (u32 i = 0; i < t->n; i++) {
        t->entry[i] = GUINT64_FROM_BE(t->entry[i]);
    }
    t->lo = UINT32_MAX;
    t->hi = 0;
    return r;
}

static int top_write(Qcow2 *q, const Top *t, u32 lo, u32 hi)
{
    g_autofree u64 *raw = g_new(u64, MAX(hi - lo, 1));

    for (u32 i = lo; i < hi; i++) {
        raw[i - lo] = GUINT64_TO_BE(t->entry[i]);
    }
    return file_move(q->image, true, raw, (u64)(hi - lo) * 8,
                     t->offset + (u64)lo * 8);
}

int top_write_all(Qcow2 *q, const Top *t)
{
    return top_write(q, t, 0, t->n);
}

/* What it points to has to be on the medium first. */
static int top_flush(Qcow2 *q, Top *t)
{
    int r = 0;

    if (t->lo < t->hi) {
        r = file_sync(q->image);
        r = r ? r : top_write(q, t, t->lo, t->hi);
    }
    if (r == 0) {
        t->lo = UINT32_MAX;
        t->hi = 0;
    }
    return r;
}

/* ---- all ---------------------------------------------------------------- */

static int by_offset(const void *a, const void *b)
{
    const Table *s = *(Table *const *)a, *t = *(Table *const *)b;

    return s->offset < t->offset ? -1 : s->offset > t->offset;
}

static bool any(const Table *t)           { return t != NULL; }
static bool dirty_block(const Table *t)   { return !t->l2 && is_dirty(t); }
static bool dirty_l2(const Table *t)      { return t->l2 && is_dirty(t); }

/* The tables that are `wanted`, in some order. */
static GPtrArray *gather(Qcow2 *q, bool (*wanted)(const Table *t),
                         int (*order)(const void *a, const void *b))
{
    GPtrArray *list = g_ptr_array_new();
    GHashTableIter it;
    Table *t;

    g_hash_table_iter_init(&it, q->tables);
    while (g_hash_table_iter_next(&it, NULL, (void **)&t)) {
        if (wanted(t)) {
            g_ptr_array_add(list, t);
        }
    }
    g_ptr_array_sort(list, order);
    return list;
}

static int write_list(Qcow2 *q, const GPtrArray *list)
{
    int r = 0;

    for (u32 i = 0; i < list->len && r == 0; i++) {
        r = write_table(q, list->pdata[i]);
    }
    return r;
}

int meta_flush(Qcow2 *q)
{
    g_autoptr(GPtrArray) blocks = NULL, l2 = NULL;
    bool entries = q->l1.lo < q->l1.hi;
    int r;

    if (!q->dirty || q->broken) {
        return q->broken ? -EIO : 0;
    }
    blocks = gather(q, dirty_block, by_offset);
    l2 = gather(q, dirty_l2, by_offset);
    r = write_list(q, blocks);
    r = r ? r : top_flush(q, &q->reftable);
    if (r == 0 && (l2->len || entries)) {
        r = file_sync(q->image);
        r = r ? r : write_list(q, l2);
        r = r ? r : top_flush(q, &q->l1);
    }
    if (r == 0) {
        __atomic_store_n(&q->dirty, false, __ATOMIC_RELAXED);
    }
    return r;
}

int qcow2_sync(Qcow2 *q)
{
    int r = meta_flush(q);

    r = r ? r : file_sync(q->image);
    if (r == 0) {
        freed_release(q);
    }
    return r;
}

static int by_stamp(const void *a, const void *b)
{
    const Table *s = *(Table *const *)a, *t = *(Table *const *)b;

    return s->stamp < t->stamp ? -1 : s->stamp > t->stamp;
}

/* The half that was not used for longest goes. */
int tables_trim(Qcow2 *q)
{
    u32 most = MAX(CACHE_BYTES >> q->cluster_bits, 16);
    g_autoptr(GPtrArray) all = NULL;
    int r;

    if (g_hash_table_size(q->tables) <= most) {
        return 0;
    }
    r = meta_flush(q);
    if (r) {
        return r;
    }
    all = gather(q, any, by_stamp);
    for (u32 i = 0; i < all->len / 2; i++) {
        table_drop(q, ((Table *)all->pdata[i])->offset);
    }
    return 0;
}

/* ---- the header --------------------------------------------------------- */

int header_write(Qcow2 *q)
{
    enum { FROM = 36, V2 = 72, V3 = 96 };
    u8 h[V3 - FROM];

    store_be(h, 4, q->l1.n);
    store_be(h + 4, 8, q->l1.offset);
    store_be(h + 12, 8, q->reftable.offset);
    store_be(h + 20, 4, q->reftable.n / (q->cluster / 8));
    store_be(h + 24, 4, q->snapshots->len);
    store_be(h + 28, 8, q->snapshots_offset);
    store_be(h + 36, 8, q->incompatible);
    store_be(h + 44, 8, q->compatible);
    store_be(h + 52, 8, q->autoclear);
    return file_move(q->image, true, h, (q->version > 2 ? V3 : V2) - FROM,
                     FROM);
}

int qcow2_corrupt(Qcow2 *q, const char *why)
{
    if (!q->broken) {
        q->broken = true;
        fprintf(stderr, "anole: %s is damaged: %s; qemu-img check -r all %s "
                "may repair it\n", q->image->path, why, q->image->path);
        if (q->began && q->version > 2) {
            q->incompatible |= INCOMPAT_CORRUPT;
            header_write(q);
        }
    }
    return -EIO;
}
