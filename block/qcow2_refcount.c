/* SPDX-License-Identifier: MIT */
/*
 * Refcounts: which clusters of the file are in use, and how often.
 *
 * clusters_cover() is where tables of refcounts grow.  What it makes lies
 * within what it then covers, so that it accounts for itself.
 */
#include <errno.h>
#include <stdio.h>
#include "block/qcow2.h"

/* ---- one refcount ------------------------------------------------------- */

static u64 widest(const Qcow2 *q)
{
    return MASK(1 << q->refcount_order);
}

static u64 entry_get(const Qcow2 *q, const Table *t, u32 i)
{
    u32 order = q->refcount_order, bit = i << order;
    u32 bytes = order >= 3 ? 1u << (order - 3) : 1;

    if (order >= 3) {
        return load_be(t->bytes + (size_t)i * bytes, bytes);
    }
    return t->bytes[bit / 8] >> bit % 8 & widest(q);
}

static void entry_set(Qcow2 *q, Table *t, u32 i, u64 v)
{
    u32 order = q->refcount_order, bit = i << order;
    u32 bytes = order >= 3 ? 1u << (order - 3) : 1;

    if (order >= 3) {
        store_be(t->bytes + (size_t)i * bytes, bytes, v);
    } else {
        u8 *p = &t->bytes[bit / 8];
        *p = (u8)((*p & ~(widest(q) << bit % 8)) | v << bit % 8);
    }
    table_changed(q, t, order >= 3 ? i * bytes : bit / 8, bytes);
}

/* The refcount block of a cluster; NULL in *out: there is none. */
static int block_of(Qcow2 *q, u64 cluster, Table **out)
{
    u64 i = cluster / q->block_entries;

    *out = NULL;
    if (i >= q->reftable.n || !q->reftable.entry[i]) {
        return 0;
    }
    return table_get(q, q->reftable.entry[i] & REFTABLE_MASK, false, out);
}

int refcount_get(Qcow2 *q, u64 cluster, u64 *count)
{
    Table *t;
    int r = block_of(q, cluster, &t);

    *count = r || !t ? 0 : entry_get(q, t, (u32)(cluster % q->block_entries));
    return r;
}

static void now_free(Qcow2 *q, u64 cluster)
{
    q->hint = MIN(q->hint, cluster);
    table_drop(q, cluster << q->cluster_bits);
    if (q->image->discard) {
        file_punch(q->image, cluster << q->cluster_bits, q->cluster);
    }
}

int refcount_add(Qcow2 *q, u64 cluster, i64 delta)
{
    u32 i = (u32)(cluster % q->block_entries);
    Table *t;
    int r = block_of(q, cluster, &t);
    u64 now = r || !t ? 0 : entry_get(q, t, i);

    if (r) {
        return r;
    }
    if (!t || (delta < 0 && now < (u64)-delta) || (delta > 0 && !now)) {
        return qcow2_corrupt(q, "a cluster that is in use counts as free");
    }
    if (delta > 0 && now > widest(q) - (u64)delta) {
        return -ERANGE;
    }
    entry_set(q, t, i, now + (u64)delta);
    if (now + (u64)delta == 0) {
        now_free(q, cluster);
    }
    return 0;
}

/* ---- growing ------------------------------------------------------------ */

/* What it takes to have refcounts for the clusters [start, start + n). */
typedef struct Cover {
    u64 start, n;
    u64 blocks;                 /* that are missing */
    u64 table;                  /* clusters of a longer reftable; 0: none */
} Cover;

static u64 missing(const Qcow2 *q, u64 start, u64 n)
{
    u64 count = 0;

    for (u64 i = start / q->block_entries;
         i <= (start + n - 1) / q->block_entries; i++) {
        count += i >= q->reftable.n || !q->reftable.entry[i];
    }
    return count;
}

/* Grows until it holds itself too; each round adds, or it is the last. */
static Cover plan(const Qcow2 *q, u64 start, u64 n)
{
    Cover c = { start, n, 0, 0 };
    u64 per = q->cluster / 8, all = n, before;

    do {
        before = all;
        u64 last = (start + all - 1) / q->block_entries;
        c.blocks = missing(q, start, all);
        c.table = last < q->reftable.n ? 0
                : (last + last / 2 + 1 + per - 1) / per;
        all = n + c.blocks + c.table;
    } while (all != before);
    c.n = all;
    return c;
}

static void add_block(Qcow2 *q, u64 i, u64 cluster)
{
    table_drop(q, cluster << q->cluster_bits);
    table_new(q, cluster << q->cluster_bits, false);
    top_set(q, &q->reftable, (u32)i, cluster << q->cluster_bits);
}

/* The new reftable is on the medium before the header says where it is. */
static int move_reftable(Qcow2 *q, const Top *old)
{
    int r = meta_flush(q);

    r = r ? r : file_sync(q->image);
    r = r ? r : top_write_all(q, &q->reftable);
    r = r ? r : file_sync(q->image);
    r = r ? r : header_write(q);
    if (r == 0) {
        clusters_free(q, old->offset >> q->cluster_bits,
                      old->n / (q->cluster / 8));
    }
    return r;
}

static int mark_used(Qcow2 *q, u64 first, u64 n)
{
    Table *t = NULL;
    int r = 0;

    for (u64 c = first; c < first + n && r == 0; c++) {
        r = block_of(q, c, &t);
        if (r == 0 && t) {
            entry_set(q, t, (u32)(c % q->block_entries), 1);
        }
    }
    q->end = MAX(q->end, first + n);
    return r;
}

static bool overlaps(const Qcow2 *q, u64 cluster, u64 offset, u64 bytes)
{
    u64 at = cluster << q->cluster_bits;

    return at + q->cluster > offset && at < offset + bytes;
}

/* Damaged refcounts must not make us give away what we know to be in use. */
static bool is_metadata(const Qcow2 *q, u64 cluster)
{
    u64 at = cluster << q->cluster_bits;

    if (!cluster || overlaps(q, cluster, q->l1.offset, (u64)q->l1.n * 8)
        || overlaps(q, cluster, q->reftable.offset, (u64)q->reftable.n * 8)
        || overlaps(q, cluster, q->snapshots_offset, q->snapshots_bytes)) {
        return true;
    }
    return g_hash_table_lookup(q->tables, &at) != NULL;
}

static int is_free(Qcow2 *q, u64 start, u64 n, u64 *used)
{
    u64 count = 0;
    int r = 0;

    for (u64 c = start; c < start + n && r == 0; c++) {
        r = refcount_get(q, c, &count);
        *used = count ? c : *used;
        if (r == 0 && !count && is_metadata(q, c)) {
            r = qcow2_corrupt(q, "tables count as free");
        }
    }
    return r;
}

/* As plan(), of free clusters, of which the first are moved on to. */
static int plan_free(Qcow2 *q, u64 start, u64 n, Cover *c)
{
    for (;;) {
        u64 used = 0;
        *c = plan(q, start, n);
        if (start + c->n > OFFSET_MASK >> q->cluster_bits
            || c->table * q->cluster > REFTABLE_BYTES_MAX) {
            return -EFBIG;
        }
        int r = is_free(q, start, c->n, &used);
        if (r || !used) {
            return r;
        }
        if (used > q->end + 16 * (u64)q->block_entries) {
            return qcow2_corrupt(q, "clusters behind its end are in use");
        }
        start = used + 1;
    }
}

/* A longer reftable, of which nothing is written yet. */
static void grow_reftable(Qcow2 *q, const Cover *c)
{
    const Top old = q->reftable;

    q->reftable = (Top) {
        .n = (u32)(c->table * (q->cluster / 8)), .lo = UINT32_MAX,
        .offset = (c->start + c->blocks) << q->cluster_bits,
    };
    q->reftable.entry = g_new0(u64, q->reftable.n);
    memcpy(q->reftable.entry, old.entry, (size_t)old.n * 8);
}

/*
 * Has refcounts for n free clusters from *start on, which is moved behind what
 * had to be put there.
 */
static int clusters_cover(Qcow2 *q, u64 *start, u64 n)
{
    Top old = q->reftable;
    Cover c;
    int r = plan_free(q, *start, n, &c);
    u64 at = c.start;

    if (r) {
        return r;
    }
    if (c.table) {
        grow_reftable(q, &c);
    }
    for (u64 i = c.start / q->block_entries; at < c.start + c.blocks; i++) {
        if (!q->reftable.entry[i]) {
            add_block(q, i, at++);
        }
    }
    r = mark_used(q, c.start, c.blocks + c.table);
    if (c.table) {
        r = r ? r : move_reftable(q, &old);
        q->broken |= r != 0;            /* which is it now? */
        g_free(old.entry);
    }
    *start = c.start + c.blocks + c.table;
    return r;
}

/* ---- allocation --------------------------------------------------------- */

/*
 * Takes up to n clusters in a row that are free, of block t from *c on, which
 * is moved to the first; how many.
 */
static u64 take(Qcow2 *q, Table *t, u64 *c, u64 n)
{
    u32 i = (u32)(*c % q->block_entries), first;
    u64 got = 0;

    while (i < q->block_entries && entry_get(q, t, i)) {
        i++;
    }
    first = i;
    *c += first - *c % q->block_entries;
    for (; got < n && i < q->block_entries && !entry_get(q, t, i); i++) {
        if (is_metadata(q, *c + got)) {
            qcow2_corrupt(q, "tables count as free");
            break;
        }
        entry_set(q, t, i, 1);
        got++;
    }
    return got;
}

int clusters_alloc(Qcow2 *q, u64 n, Clusters *out)
{
    u64 c = q->hint, got = 0;
    Table *t;

    while (!got) {
        int r = block_of(q, c, &t);
        if (r == 0 && !t) {
            r = clusters_cover(q, &c, 1);
            r = r ? r : block_of(q, c, &t);
        }
        if (r || q->broken) {
            return r ? r : -EIO;
        }
        got = take(q, t, &c, n);
        if (!got && c > q->end + 16 * (u64)q->block_entries) {
            return qcow2_corrupt(q, "clusters behind its end are in use");
        }
    }
    *out = (Clusters) { c, got };
    q->hint = c + got;
    return q->broken ? -EIO : 0;
}

int clusters_alloc_exactly(Qcow2 *q, u64 n, u64 *first)
{
    int r;

    *first = MAX(q->end, q->hint);
    r = clusters_cover(q, first, n);
    return r ? r : mark_used(q, *first, n);
}

/* ---- freeing ------------------------------------------------------------ */

void clusters_free(Qcow2 *q, u64 first, u64 n)
{
    Clusters c = { first, n };
    Clusters *last = q->freed->len ? &g_array_index(q->freed, Clusters,
                                                    q->freed->len - 1) : NULL;

    if (last && last->first + last->n == first) {
        last->n += n;
    } else {
        g_array_append_val(q->freed, c);
    }
    __atomic_store_n(&q->dirty, true, __ATOMIC_RELAXED);
}

Clusters compressed_clusters(const Qcow2 *q, u64 entry)
{
    u32 x = 62 - (q->cluster_bits - 8);
    u64 at = entry & MASK((int)MIN(x, 56));
    u64 sectors = (entry & ~(COPIED | COMPRESSED)) >> x;
    u64 end = align_down(at, SECTOR) + (sectors + 1) * SECTOR;
    u64 first = at >> q->cluster_bits;

    return (Clusters) { first, ((end - 1) >> q->cluster_bits) - first + 1 };
}

void entry_free(Qcow2 *q, u64 entry)
{
    if (entry & COMPRESSED) {
        Clusters c = compressed_clusters(q, entry);
        clusters_free(q, c.first, c.n);
    } else if (entry & OFFSET_MASK) {
        clusters_free(q, (entry & OFFSET_MASK) >> q->cluster_bits, 1);
    }
}

static void lower(Qcow2 *q, GArray *list)
{
    for (u32 i = 0; i < list->len; i++) {
        Clusters c = g_array_index(list, Clusters, i);
        for (u64 k = 0; k < c.n && !q->broken; k++) {
            refcount_add(q, c.first + k, -1);
        }
    }
    g_array_set_size(list, 0);
}

/*
 * Nothing on the medium leads to freed clusters any more.  Those who found
 * them before that may still be at it: clusters wait until the users of the
 * epoch in which they were freed are gone.
 */
void freed_release(Qcow2 *q)
{
    for (u32 round = 0; round < 2; round++) {
        u32 *old = &q->users[(q->epoch + 1) & 1];
        if (__atomic_load_n(old, __ATOMIC_SEQ_CST)) {
            return;
        }
        lower(q, q->waiting);
        GArray *empty = q->waiting;
        q->waiting = q->freed;
        q->freed = empty;
        q->epoch++;
    }
}

/* ---- anew --------------------------------------------------------------- */

typedef struct Tally {
    u64  n;                     /* clusters of the file */
    u32 *count;
} Tally;

static int count_one(Qcow2 *q, Clusters c, void *opaque)
{
    Tally *t = opaque;

    for (u64 i = c.first; i < c.first + c.n; i++) {
        if (i >= t->n) {
            return qcow2_corrupt(q, "it has tables or data behind its end");
        }
        t->count[i]++;
    }
    return 0;
}

static int count_range(Qcow2 *q, Tally *t, u64 offset, u64 bytes)
{
    u64 first = offset >> q->cluster_bits;
    u64 end = (offset + bytes + q->cluster - 1) >> q->cluster_bits;

    return count_one(q, (Clusters) { first, end - first }, t);
}

static int count_snapshots(Qcow2 *q, Tally *t)
{
    int r = count_range(q, t, q->snapshots_offset, q->snapshots_bytes);

    for (u32 i = 0; i < q->snapshots->len && r == 0; i++) {
        const Snapshot *s = q->snapshots->pdata[i];
        Top l1 = { .offset = s->l1_offset, .n = s->l1_size };
        r = top_read(q, &l1);
        r = r ? r : count_range(q, t, l1.offset, (u64)l1.n * 8);
        r = r ? r : l1_each(q, &l1, count_one, t);
        g_free(l1.entry);
    }
    return r;
}

static int count_all(Qcow2 *q, Tally *t)
{
    int r = count_range(q, t, 0, 1);

    r = r ? r : count_range(q, t, q->l1.offset, (u64)q->l1.n * 8);
    r = r ? r : count_range(q, t, q->reftable.offset, (u64)q->reftable.n * 8);
    for (u32 i = 0; i < q->reftable.n && r == 0; i++) {
        u64 at = q->reftable.entry[i] & REFTABLE_MASK;
        r = at ? count_range(q, t, at, 1) : 0;
    }
    r = r ? r : l1_each(q, &q->l1, count_one, t);
    return r ? r : count_snapshots(q, t);
}

/* A block that is missing is put behind all that is in use. */
static int add_missing(Qcow2 *q, u64 i)
{
    u64 at = 0;
    int r = clusters_alloc_exactly(q, 1, &at);

    if (r == 0 && !q->reftable.entry[i]) {
        add_block(q, i, at);
    }
    return r;
}

int refcounts_rebuild(Qcow2 *q)
{
    Tally t = { q->end, g_new0(u32, q->end) };
    Table *block;
    int r = count_all(q, &t);

    for (u64 i = 0; r == 0 && i <= (t.n - 1) / q->block_entries; i++) {
        if (i < q->reftable.n && !q->reftable.entry[i]) {
            r = add_missing(q, i);
        }
    }
    for (u64 c = 0; c < t.n && r == 0; c++) {
        r = block_of(q, c, &block);
        if (r == 0 && !block) {
            r = -EIO;
        } else if (r == 0) {
            entry_set(q, block, (u32)(c % q->block_entries),
                      MIN(t.count[c], widest(q)));
        }
    }
    g_free(t.count);
    return r ? r : l1_each(q, &q->l1, NULL, NULL);
}
