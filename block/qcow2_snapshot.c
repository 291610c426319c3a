/* SPDX-License-Identifier: MIT */
/*
 * Snapshots in a qcow2 image: L1 tables that share clusters with the active
 * one.  Each step is on the medium before the next relies on it; a crash
 * between them leaves clusters that nothing uses, and no more.
 */
#include <errno.h>
#include "block/qcow2.h"

enum { ENTRY = 40, EXTRA = 16, EXTRA_SIZES = 16 };

/* ---- the table of snapshots --------------------------------------------- */

void snapshot_free(void *opaque)
{
    Snapshot *s = opaque;

    g_free(s->id);
    g_free(s->name);
    g_free(s->extra);
    g_free(s);
}

static u64 entry_bytes(const Snapshot *s)
{
    return align_up(ENTRY + s->extra_len + strlen(s->id) + strlen(s->name), 8);
}

static bool read_bytes(Qcow2 *q, u64 *at, void *p, u64 len)
{
    int r = *at - q->snapshots_offset + len > SNAPSHOT_TABLE_MAX ? -EFBIG
          : file_move(q->image, false, p, len, *at);

    *at += len;
    return r == 0;
}

/* Text as it is there, up to a zero byte. */
static bool read_text(Qcow2 *q, u64 *at, u32 len, char **out)
{
    *out = g_malloc0(len + 1);
    return read_bytes(q, at, *out, len);
}

static bool read_one(Qcow2 *q, Snapshot *s, u64 *at)
{
    u8 e[ENTRY];

    if (!read_bytes(q, at, e, sizeof e)) {
        return false;
    }
    s->l1_offset = load_be(e, 8);
    s->l1_size = (u32)load_be(e + 8, 4);
    s->seconds = (u32)load_be(e + 16, 4);
    s->ns = (u32)load_be(e + 20, 4);
    s->vm_clock = load_be(e + 24, 8);
    s->state_bytes = load_be(e + 32, 4);
    s->extra_len = (u32)load_be(e + 36, 4);
    if (s->extra_len > SNAPSHOT_EXTRA_MAX) {
        return false;
    }
    s->extra = g_malloc0(MAX(s->extra_len, EXTRA_SIZES));
    if (!read_bytes(q, at, s->extra, s->extra_len)
        || !read_text(q, at, (u32)load_be(e + 12, 2), &s->id)
        || !read_text(q, at, (u32)load_be(e + 14, 2), &s->name)) {
        return false;
    }
    if (s->extra_len >= EXTRA_SIZES) {
        s->state_bytes = load_be(s->extra, 8);
        s->disk_size = load_be(s->extra + 8, 8);
    }
    *at = align_up(*at, 8);
    return (u64)s->l1_size * 8 <= L1_BYTES_MAX && !(s->l1_offset % q->cluster)
        && !(s->l1_offset & ~OFFSET_MASK);
}

bool snapshots_read(Qcow2 *q, u32 n, Err *err)
{
    u64 at = q->snapshots_offset;

    for (u32 i = 0; i < n; i++) {
        Snapshot *s = g_new0(Snapshot, 1);
        g_ptr_array_add(q->snapshots, s);
        if (!read_one(q, s, &at)) {
            return fail(err, "%s is damaged: snapshot %u of its table cannot "
                        "be", q->image->path, i + 1);
        }
    }
    q->snapshots_bytes = at - q->snapshots_offset;
    return true;
}

static void store_one(const Snapshot *s, u8 *e)
{
    size_t id = strlen(s->id), name = strlen(s->name);

    store_be(e, 8, s->l1_offset);
    store_be(e + 8, 4, s->l1_size);
    store_be(e + 12, 2, id);
    store_be(e + 14, 2, name);
    store_be(e + 16, 4, s->seconds);
    store_be(e + 20, 4, s->ns);
    store_be(e + 24, 8, s->vm_clock);
    store_be(e + 32, 4, MIN(s->state_bytes, UINT32_MAX));
    store_be(e + 36, 4, s->extra_len);
    memcpy(e + ENTRY, s->extra, s->extra_len);
    memcpy(e + ENTRY + s->extra_len, s->id, id);
    memcpy(e + ENTRY + s->extra_len + id, s->name, name);
}

static u64 clusters_of(const Qcow2 *q, u64 bytes)
{
    return (bytes + q->cluster - 1) >> q->cluster_bits;
}

/* Writes the table anew, elsewhere; it counts when the header says so. */
static int table_write(Qcow2 *q)
{
    u64 old = q->snapshots_offset, old_bytes = q->snapshots_bytes;
    u64 bytes = 0, at = 0, first = 0;
    g_autofree u8 *all = NULL;
    int r = 0;

    for (u32 i = 0; i < q->snapshots->len; i++) {
        bytes += entry_bytes(q->snapshots->pdata[i]);
    }
    all = g_malloc0(MAX(bytes, 1));
    for (u32 i = 0; i < q->snapshots->len; i++) {
        store_one(q->snapshots->pdata[i], all + at);
        at += entry_bytes(q->snapshots->pdata[i]);
    }
    if (bytes) {
        r = clusters_alloc_exactly(q, clusters_of(q, bytes), &first);
        r = r ? r : file_move(q->image, true, all, bytes,
                              first << q->cluster_bits);
    }
    r = r ? r : meta_flush(q);
    r = r ? r : file_sync(q->image);
    if (r) {
        return r;
    }
    q->snapshots_offset = first << q->cluster_bits;
    q->snapshots_bytes = bytes;
    r = header_write(q);
    r = r ? r : file_sync(q->image);
    if (r == 0 && old_bytes) {
        clusters_free(q, old >> q->cluster_bits, clusters_of(q, old_bytes));
    }
    return r;
}

static Snapshot *by_id(const Qcow2 *q, const char *id)
{
    for (u32 i = 0; i < q->snapshots->len; i++) {
        Snapshot *s = q->snapshots->pdata[i];
        if (strcmp(s->id, id) == 0) {
            return s;
        }
    }
    return NULL;
}

/* ---- all that a table leads to ------------------------------------------ */

/* Sets COPIED of the entries of a table in memory by their refcounts. */
static int set_copied(Qcow2 *q, Table *t)
{
    int r = 0;

    for (u32 i = 0; i < q->l2_entries && r == 0; i++) {
        u64 e = table_entry(t, i), count = 0;
        if (e & OFFSET_MASK && !(e & COMPRESSED)) {
            r = refcount_get(q, (e & OFFSET_MASK) >> q->cluster_bits, &count);
        }
        u64 now = count == 1 ? e | COPIED : e & ~COPIED;
        if (now != e && r == 0) {
            table_set(q, t, i, now);
        }
    }
    return r;
}

static int each_entry(Qcow2 *q, const Table *t,
                      int (*fn)(Qcow2 *q, Clusters c, void *opaque),
                      void *opaque)
{
    int r = 0;

    for (u32 i = 0; i < q->l2_entries && r == 0; i++) {
        u64 e = table_entry(t, i);
        if (e & COMPRESSED) {
            r = fn(q, compressed_clusters(q, e), opaque);
        } else if (e & OFFSET_MASK) {
            r = fn(q, (Clusters) { (e & OFFSET_MASK) >> q->cluster_bits, 1 },
                   opaque);
        }
    }
    return r;
}

/* COPIED of an entry of the active L1 table, and of what it leads to. */
static int set_copied_l1(Qcow2 *q, u32 i, u64 at, Table *t)
{
    u64 e = q->l1.entry[i], count;
    int r = refcount_get(q, at >> q->cluster_bits, &count);
    u64 now = count == 1 ? e | COPIED : e & ~COPIED;

    if (r == 0 && now != e) {
        top_set(q, &q->l1, i, now);
    }
    return r ? r : set_copied(q, t);
}

int l1_each(Qcow2 *q, const Top *l1,
            int (*fn)(Qcow2 *q, Clusters c, void *opaque), void *opaque)
{
    int r = 0;

    for (u32 i = 0; i < l1->n && r == 0; i++) {
        u64 at = l1->entry[i] & OFFSET_MASK;
        Table *t;
        if (!at) {
            continue;
        }
        r = tables_trim(q);
        r = r ? r : table_get(q, at, true, &t);
        if (r == 0 && !fn) {
            r = set_copied_l1(q, i, at, t);
        } else if (r == 0) {
            /* What is not used any more is forgotten; so may be this table. */
            g_autofree Table *copy = g_memdup2(t, sizeof *t + q->cluster);
            r = each_entry(q, copy, fn, opaque);
            r = r ? r : fn(q, (Clusters) { at >> q->cluster_bits, 1 }, opaque);
        }
    }
    return r;
}

typedef struct Change {
    i64 by;
    u64 done;                   /* clusters; stops at most */
    u64 most;
} Change;

static int change(Qcow2 *q, Clusters c, void *opaque)
{
    Change *x = opaque;
    int r = 0;

    for (u64 i = 0; i < c.n && r == 0 && x->done < x->most; i++) {
        r = refcount_add(q, c.first + i, x->by);
        x->done += r == 0;
    }
    return r;
}

/* One more user of all that l1 leads to; or, if that cannot be, none. */
static int share(Qcow2 *q, const Top *l1)
{
    Change up = { 1, 0, UINT64_MAX }, down = { -1, 0, 0 };
    int r = l1_each(q, l1, change, &up);

    if (r == -ERANGE) {
        down.most = up.done;
        l1_each(q, l1, change, &down);
    }
    return r;
}

static int leave(Qcow2 *q, const Top *l1)
{
    Change down = { -1, 0, UINT64_MAX };
    int r = l1_each(q, l1, change, &down);

    if (r == 0) {
        clusters_free(q, l1->offset >> q->cluster_bits,
                      clusters_of(q, (u64)l1->n * 8));
    }
    return r;
}

/* ---- L1 tables ---------------------------------------------------------- */

/* Entries that lead to the disk; those behind lead to a machine's state. */
static u32 disk_entries(const Qcow2 *q)
{
    u64 span = (u64)q->l2_entries << q->cluster_bits;

    return (u32)((q->image->size + span - 1) / span);
}

/* A place of its own for a table. */
static int place(Qcow2 *q, Top *l1)
{
    u64 first = 0;
    int r = clusters_alloc_exactly(q, MAX(clusters_of(q, (u64)l1->n * 8), 1),
                                   &first);

    l1->offset = first << q->cluster_bits;
    l1->lo = UINT32_MAX;
    l1->hi = 0;
    return r;
}

/* Makes *l1, which owns its entries, the active table. */
static int activate(Qcow2 *q, Top *l1, Top *old)
{
    int r = place(q, l1);

    r = r ? r : top_write_all(q, l1);
    r = r ? r : meta_flush(q);
    r = r ? r : file_sync(q->image);
    if (r) {
        g_free(l1->entry);
        return r;
    }
    *old = q->l1;
    q->l1 = *l1;
    r = header_write(q);
    r = r ? r : file_sync(q->image);
    q->broken |= r != 0;                /* which is it now? */
    return r;
}

/* Room for at least n entries. */
static int l1_grow(Qcow2 *q, u32 n)
{
    Top l1 = { .n = MIN(n + n / 2, L1_BYTES_MAX / 8) }, old = { 0 };
    int r;

    if (n > l1.n) {
        return -EFBIG;
    }
    l1.entry = g_new0(u64, l1.n);
    memcpy(l1.entry, q->l1.entry, (size_t)q->l1.n * 8);
    r = activate(q, &l1, &old);
    if (old.entry) {
        clusters_free(q, old.offset >> q->cluster_bits,
                      clusters_of(q, (u64)old.n * 8));
        g_free(old.entry);
    }
    return r;
}

static int read_l1(Qcow2 *q, const Snapshot *s, Top *l1)
{
    *l1 = (Top) { .offset = s->l1_offset, .n = s->l1_size };
    return top_read(q, l1);
}

/* ---- create ------------------------------------------------------------- */

static char *new_id(const Qcow2 *q)
{
    u64 highest = 0;

    for (u32 i = 0; i < q->snapshots->len; i++) {
        const Snapshot *s = q->snapshots->pdata[i];
        highest = MAX(highest, g_ascii_strtoull(s->id, NULL, 10));
    }
    return g_strdup_printf("%llu", (unsigned long long)highest + 1);
}

static Snapshot *new_snapshot(const Qcow2 *q, const BlockSnapshot *what,
                              const Top *l1)
{
    Snapshot *s = g_new0(Snapshot, 1);

    *s = (Snapshot) {
        .l1_offset = l1->offset, .l1_size = l1->n, .id = new_id(q),
        .name = g_strndup(what->name, NAME_MAX_BYTES),
        .seconds = (u32)what->seconds, .ns = what->ns,
        .vm_clock = what->vm_clock, .state_bytes = what->state_bytes,
        .disk_size = q->image->size, .extra = g_malloc0(EXTRA_SIZES),
        .extra_len = EXTRA,
    };
    store_be(s->extra, 8, s->state_bytes);
    store_be(s->extra + 8, 8, s->disk_size);
    return s;
}

/* The state is the snapshot's alone from now on. */
static void leave_state(Qcow2 *q)
{
    for (u32 i = disk_entries(q); i < q->l1.n; i++) {
        if (q->l1.entry[i]) {
            top_set(q, &q->l1, i, 0);
        }
    }
}

static int create_locked(Qcow2 *q, const BlockSnapshot *what)
{
    Top disk = q->l1, copy = q->l1;
    int r = qcow2_sync(q);

    disk.n = MIN(disk_entries(q), q->l1.n);
    r = r ? r : share(q, &disk);
    if (r) {
        return r;
    }
    r = l1_each(q, &disk, NULL, NULL);
    r = r ? r : meta_flush(q);
    r = r ? r : place(q, &copy);
    r = r ? r : top_write_all(q, &copy);
    if (r) {
        return r;
    }
    g_ptr_array_add(q->snapshots, new_snapshot(q, what, &copy));
    r = table_write(q);
    if (r == 0) {
        leave_state(q);
        r = qcow2_sync(q);
    }
    return r ? r : qcow2_sync(q);
}

/* ---- go, remove --------------------------------------------------------- */

static int go_locked(Qcow2 *q, const Snapshot *s)
{
    Top l1, old = { 0 };
    int r = qcow2_sync(q);

    r = r ? r : read_l1(q, s, &l1);
    if (r) {
        return r;
    }
    u32 n = disk_entries(q), has = MIN(n, l1.n);
    l1.entry = g_renew(u64, l1.entry, MAX(n, 1));
    memset(l1.entry + has, 0, (size_t)(MAX(n, 1) - has) * 8);
    l1.n = n;
    for (u32 i = 0; i < n; i++) {
        l1.entry[i] &= ~COPIED;
    }
    r = share(q, &l1);
    r = r ? r : meta_flush(q);
    if (r) {
        g_free(l1.entry);
        return r;
    }
    r = activate(q, &l1, &old);
    if (old.entry && r == 0) {
        r = leave(q, &old);
    }
    g_free(old.entry);
    r = r ? r : qcow2_sync(q);
    r = r ? r : l1_each(q, &q->l1, NULL, NULL);
    r = r ? r : qcow2_sync(q);
    return r ? r : qcow2_sync(q);
}

static int remove_locked(Qcow2 *q, Snapshot *s)
{
    Top l1;
    int r = qcow2_sync(q);

    r = r ? r : read_l1(q, s, &l1);
    if (r) {
        return r;
    }
    g_ptr_array_remove(q->snapshots, s);        /* frees it */
    r = table_write(q);
    r = r ? r : leave(q, &l1);
    g_free(l1.entry);
    r = r ? r : qcow2_sync(q);
    r = r ? r : l1_each(q, &q->l1, NULL, NULL);
    r = r ? r : qcow2_sync(q);
    return r ? r : qcow2_sync(q);
}

/* ---- what the others call ----------------------------------------------- */

static bool get(const Image *i, u32 nth, BlockSnapshot *out)
{
    const Qcow2 *q = i->state;

    if (nth >= q->snapshots->len) {
        return false;
    }
    const Snapshot *s = q->snapshots->pdata[nth];
    *out = (BlockSnapshot) {
        .id = s->id, .name = s->name, .seconds = s->seconds, .ns = s->ns,
        .vm_clock = s->vm_clock, .state_bytes = s->state_bytes,
    };
    return true;
}

static bool said(const Image *i, int r, Err *err)
{
    return r == 0
        || (r == -ERANGE
            ? fail(err, "%s: its refcounts are too narrow for one more "
                   "snapshot", i->path)
            : fail(err, "%s: %s", i->path, g_strerror(-r)));
}

static bool create(Image *i, const BlockSnapshot *what, Err *err)
{
    Qcow2 *q = i->state;
    int r;

    g_mutex_lock(&q->lock);
    r = q->snapshots->len < SNAPSHOTS_MAX ? create_locked(q, what) : -EFBIG;
    g_mutex_unlock(&q->lock);
    return said(i, r, err);
}

static bool go(Image *i, const char *id, Err *err)
{
    Qcow2 *q = i->state;
    const Snapshot *s = by_id(q, id);
    int r;

    if (s->disk_size && align_up(s->disk_size, SECTOR) != i->size) {
        return fail(err, "%s: the disk had another size when snapshot %s was "
                    "made", i->path, s->name);
    }
    g_mutex_lock(&q->lock);
    r = go_locked(q, s);
    g_mutex_unlock(&q->lock);
    return said(i, r, err);
}

static bool drop(Image *i, const char *id, Err *err)
{
    Qcow2 *q = i->state;
    int r;

    g_mutex_lock(&q->lock);
    r = remove_locked(q, by_id(q, id));
    g_mutex_unlock(&q->lock);
    return said(i, r, err);
}

static u64 state_at(const Qcow2 *q)
{
    return (u64)disk_entries(q) * q->l2_entries << q->cluster_bits;
}

static int put_state(Image *i, u64 offset, const void *p, size_t len)
{
    Qcow2 *q = i->state;
    struct iovec v = { (void *)p, len };
    u64 at = state_at(q) + offset;
    u64 last = ((at + len - 1) >> q->cluster_bits) / q->l2_entries;
    int r = 0;

    g_mutex_lock(&q->lock);
    if (last >= q->l1.n) {
        r = last < L1_BYTES_MAX / 8 ? l1_grow(q, (u32)last + 1) : -EFBIG;
    }
    g_mutex_unlock(&q->lock);
    return r ? r : qcow2_write(q, &v, 1, at);
}

static int get_state(Image *i, const char *id, u64 offset, void *p, size_t len)
{
    Qcow2 *q = i->state;
    struct iovec v = { p, len };
    Top l1;
    int r;

    g_mutex_lock(&q->lock);
    r = read_l1(q, by_id(q, id), &l1);
    g_mutex_unlock(&q->lock);
    r = r ? r : qcow2_read(q, &l1, &v, 1, state_at(q) + offset);
    g_free(l1.entry);
    return r;
}

const SnapshotKind qcow2_snapshots = {
    .get = get, .create = create, .go = go, .remove = drop,
    .put_state = put_state, .get_state = get_state,
};
