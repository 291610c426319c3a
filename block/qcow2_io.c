/* SPDX-License-Identifier: MIT */
/*
 * The disk in a qcow2 image: where its bytes are, reading and writing them.
 *
 * What is written where nothing is yet goes to new clusters: they are taken,
 * filled without the lock, and then put in the L2 table.  Meanwhile they are
 * `busy`: nobody else changes that part of the disk, and readers still see
 * what was there.
 */
#include <errno.h>
#include "block/qcow2.h"

/* ---- looking up --------------------------------------------------------- */

u64 iov_bytes(const struct iovec *iov, int n)
{
    u64 sum = 0;

    for (int i = 0; i < n; i++) {
        sum += iov[i].iov_len;
    }
    return sum;
}

static RunKind kind_of(const Qcow2 *q, u64 entry)
{
    return entry & COMPRESSED ? RUN_PACKED
         : entry & READS_ZERO && q->version > 2 ? RUN_ZERO
         : entry & OFFSET_MASK ? RUN_DATA : RUN_NOWHERE;
}

/* Does e go on where the run of `first`, k clusters long, ends? */
static bool goes_on(const Qcow2 *q, u64 first, u64 e, u64 k)
{
    RunKind kind = kind_of(q, first);

    return kind == kind_of(q, e) && kind != RUN_PACKED
        && (kind != RUN_DATA || e == first + k * q->cluster);
}

static u64 bytes_to_table_end(const Qcow2 *q, u64 offset)
{
    u64 span = (u64)q->l2_entries << q->cluster_bits;

    return span - offset % span;
}

static void run_in_table(const Qcow2 *q, const Table *t, u64 offset, u64 len,
                         Run *out)
{
    u32 i = (u32)((offset >> q->cluster_bits) % q->l2_entries);
    u64 inside = offset % q->cluster, first = table_entry(t, i), k = 1;

    len = MIN(len, bytes_to_table_end(q, offset));
    while (k * q->cluster < inside + len
           && goes_on(q, first, table_entry(t, i + (u32)k), k)) {
        k++;
    }
    *out = (Run) {
        .kind = kind_of(q, first), .own = first & COPIED,
        .len = MIN(len, k * q->cluster - inside),
        .host = (first & OFFSET_MASK) + inside, .entry = first,
    };
}

int run_find(Qcow2 *q, const Top *l1, u64 offset, u64 len, bool wait, Run *out)
{
    u64 i = (offset >> q->cluster_bits) / q->l2_entries;
    u64 at = i < l1->n ? l1->entry[i] & OFFSET_MASK : 0;
    Table *t = at ? table_find(q, at) : NULL;
    int r = 0;

    if (!at) {
        *out = (Run) { .len = MIN(len, bytes_to_table_end(q, offset)) };
        return 0;
    }
    if (!t && !wait) {
        return -EAGAIN;
    }
    r = table_get(q, at, true, &t);
    if (r) {
        return r;
    }
    run_in_table(q, t, offset, len, out);
    if (out->kind == RUN_DATA && (out->entry & OFFSET_MASK) % q->cluster) {
        return qcow2_corrupt(q, "data are not at the start of a cluster");
    }
    return 0;
}

/* ---- reading ------------------------------------------------------------ */

static u32 *use(Qcow2 *q)
{
    u32 *users = &q->users[q->epoch & 1];

    __atomic_fetch_add(users, 1, __ATOMIC_SEQ_CST);
    return users;
}

static void unuse(u32 *users)
{
    __atomic_fetch_sub(users, 1, __ATOMIC_SEQ_CST);
}

static void copy_to(const struct iovec *iov, int n, const u8 *from)
{
    for (int i = 0; i < n; i++) {
        memcpy(iov[i].iov_base, from, iov[i].iov_len);
        from += iov[i].iov_len;
    }
}

/* The last cluster that was unpacked is kept: often the next bytes follow. */
static int read_packed(Qcow2 *q, const Run *run, u64 offset,
                       const struct iovec *iov, int n)
{
    u64 inside = offset % q->cluster;
    u8 *buf;
    int r = 0;

    g_mutex_lock(&q->lock);
    buf = q->unpacked_entry == run->entry ? q->unpacked : NULL;
    if (buf) {
        copy_to(iov, n, buf + inside);
    }
    g_mutex_unlock(&q->lock);
    if (buf) {
        return 0;
    }
    buf = g_malloc(q->cluster);
    r = cluster_unpack(q, run->entry, buf);
    if (r == 0) {
        copy_to(iov, n, buf + inside);
        g_mutex_lock(&q->lock);
        g_free(q->unpacked);
        q->unpacked = buf;
        q->unpacked_entry = run->entry;
        g_mutex_unlock(&q->lock);
    } else {
        g_free(buf);
    }
    return r;
}

static int read_run(Qcow2 *q, const Run *run, u64 offset,
                    const struct iovec *iov, int n)
{
    switch (run->kind) {
    case RUN_DATA:
        return file_movev(q->image, false, iov, n, run->host);
    case RUN_PACKED:
        return read_packed(q, run, offset, iov, n);
    case RUN_ZERO:
        iov_zero(iov, n);
        return 0;
    default:
        return image_read_backing(q->image, iov, n, offset);
    }
}

int qcow2_read(Qcow2 *q, const Top *l1, const struct iovec *iov, int n,
               u64 offset)
{
    g_autofree struct iovec *part = g_new(struct iovec, n);
    u64 len = iov_bytes(iov, n);
    int r = 0;

    for (u64 done = 0; done < len && r == 0;) {
        Run run = { 0 };
        u32 *users;
        g_mutex_lock(&q->lock);
        r = tables_trim(q);
        r = r ? r : run_find(q, l1, offset + done, len - done, true, &run);
        users = use(q);
        g_mutex_unlock(&q->lock);
        int k = iov_part(iov, n, done, run.len, part);
        r = r ? r : read_run(q, &run, offset + done, part, k);
        unuse(users);
        done += run.len;
    }
    return r;
}

/* ---- where we may write ------------------------------------------------- */

static int copy_table(Qcow2 *q, u64 from, Table *to)
{
    Table *old;
    int r = from ? table_get(q, from, true, &old) : 0;

    if (r == 0 && from) {
        memcpy(to->bytes, old->bytes, q->cluster);
    }
    return r;
}

int l2_own(Qcow2 *q, u32 i, Table **out)
{
    u64 e = q->l1.entry[i], old = e & OFFSET_MASK, at;
    Clusters c;
    int r;

    if (e & COPIED && old) {
        return table_get(q, old, true, out);
    }
    r = clusters_alloc(q, 1, &c);
    if (r) {
        return r;
    }
    at = c.first << q->cluster_bits;
    q->end = MAX(q->end, c.first + 1);
    *out = table_new(q, at, true);
    r = copy_table(q, old, *out);
    if (r) {
        table_drop(q, at);
        refcount_add(q, c.first, -1);
        return r;
    }
    top_set(q, &q->l1, i, at | COPIED);
    if (old) {
        clusters_free(q, old >> q->cluster_bits, 1);
    }
    return 0;
}

/* How far from cluster c it is to the next busy one, at most n. */
static u64 before_busy(const Qcow2 *q, u64 c, u64 n)
{
    for (const GList *l = q->busy; l; l = l->next) {
        const Clusters *b = l->data;
        if (c + n > b->first && c < b->first + b->n) {
            n = b->first > c ? b->first - c : 0;
        }
    }
    return n;
}

static void wait_until_free(Qcow2 *q, u64 c, u64 n)
{
    while (before_busy(q, c, n) < n) {
        g_cond_wait(&q->changed, &q->lock);
    }
}

/* ---- new clusters ------------------------------------------------------- */

typedef struct Fresh {
    Clusters guest;             /* in `busy` */
    u64  offset, len;           /* of the disk, what is written */
    u64  host;                  /* of the first cluster */
    bool blank;                 /* what we leave out reads as zeros there */
    bool head_zero, tail_zero;  /* and did so before */
} Fresh;

static bool reads_zero(const Qcow2 *q, u64 entry, u64 offset)
{
    const Image *below = q->image->backing;
    RunKind kind = kind_of(q, entry);

    return kind == RUN_ZERO
        || (kind == RUN_NOWHERE && (!below || offset >= below->size));
}

/* Clusters of table t from i on that need new ones, at most n. */
static u64 count_needed(const Qcow2 *q, const Table *t, u32 i, u64 n)
{
    u64 k = 0;

    while (k < n && i + k < q->l2_entries) {
        u64 e = table_entry(t, i + (u32)k);
        if (kind_of(q, e) == RUN_DATA && e & COPIED) {
            break;
        }
        k++;
    }
    return k;
}

/* Takes clusters for the beginning of what is to be written. */
static int begin_fresh(Qcow2 *q, u64 offset, u64 len, Fresh *f)
{
    u64 c = offset >> q->cluster_bits, inside = offset % q->cluster;
    u64 n = (inside + len + q->cluster - 1) >> q->cluster_bits;
    u32 i = (u32)(c % q->l2_entries);
    Clusters got = { 0 };
    Table *t;
    int r = l2_own(q, (u32)(c / q->l2_entries), &t);

    if (r) {
        return r;
    }
    n = count_needed(q, t, i, before_busy(q, c, n));
    r = clusters_alloc(q, n, &got);
    if (r) {
        return r;
    }
    n = got.n;
    *f = (Fresh) {
        .guest = { c, n }, .offset = offset,
        .len = MIN(len, n * q->cluster - inside),
        .host = got.first << q->cluster_bits,
        .blank = got.first >= q->end && q->regular,
        .head_zero = reads_zero(q, table_entry(t, i), c << q->cluster_bits),
        .tail_zero = reads_zero(q, table_entry(t, i + (u32)n - 1),
                                (c + n - 1) << q->cluster_bits),
    };
    q->end = MAX(q->end, got.first + n);
    q->busy = g_list_prepend(q->busy, &f->guest);
    return 0;
}

/* What was at [at, at + len) of the disk, in memory; NULL in v: not needed. */
static int old_bytes(Qcow2 *q, u64 at, u64 len, bool skip, struct iovec *v)
{
    *v = (struct iovec) { NULL, 0 };
    if (!len || skip) {
        return 0;
    }
    *v = (struct iovec) { g_malloc(len), len };
    return qcow2_read(q, &q->l1, v, 1, at);
}

/* Writes the new clusters: with what was around it. */
static int fill_fresh(Qcow2 *q, const Fresh *f, const struct iovec *iov, int n)
{
    g_autofree struct iovec *all = g_new(struct iovec, n + 2);
    u64 start = f->guest.first << q->cluster_bits, end = f->offset + f->len;
    u64 behind = start + (f->guest.n << q->cluster_bits) - end;
    u64 before = f->offset - start;
    int r = old_bytes(q, start, before, f->blank && f->head_zero, &all[0]);
    struct iovec tail = { NULL, 0 };
    u64 host = f->host + (all[0].iov_len ? 0 : before);
    int first = all[0].iov_len ? 0 : 1;

    r = r ? r : old_bytes(q, end, behind, f->blank && f->tail_zero, &tail);
    memcpy(&all[1], iov, (size_t)n * sizeof *iov);
    all[n + 1] = tail;
    r = r ? r : file_movev(q->image, true, all + first,
                           n + 1 - first + (tail.iov_len != 0), host);
    g_free(all[0].iov_base);
    g_free(tail.iov_base);
    return r;
}

/* Puts them in the L2 table, or if that failed gives them back. */
static int end_fresh(Qcow2 *q, Fresh *f, int failed)
{
    u64 c = f->guest.first, n = f->guest.n;
    u32 i = (u32)(c % q->l2_entries);
    Table *t = NULL;
    int r = failed ? failed : l2_own(q, (u32)(c / q->l2_entries), &t);

    for (u64 k = 0; k < n && !q->broken; k++) {
        u64 at = f->host + k * q->cluster;
        if (r) {
            refcount_add(q, at >> q->cluster_bits, -1);
        } else {
            entry_free(q, table_entry(t, i + (u32)k));
            table_set(q, t, i + (u32)k, at | COPIED);
        }
    }
    q->busy = g_list_remove(q->busy, &f->guest);
    g_cond_broadcast(&q->changed);
    return r;
}

/* ---- writing ------------------------------------------------------------ */

/*
 * Writes the beginning of it: *done bytes, in place or to new clusters.  part
 * has room for all of iov.
 */
static int write_some(Qcow2 *q, const struct iovec *iov, int n, u64 offset,
                      u64 *done, struct iovec *part)
{
    u64 len = iov_bytes(iov, n);
    Run run = { 0 };
    Fresh f;
    u32 *users = NULL;
    int r;

    g_mutex_lock(&q->lock);
    wait_until_free(q, offset >> q->cluster_bits, 1);
    r = q->broken ? -EIO : tables_trim(q);
    r = r ? r : run_find(q, &q->l1, offset, len, true, &run);
    bool fresh = !(run.kind == RUN_DATA && run.own);
    if (r == 0 && fresh) {
        r = begin_fresh(q, offset, len, &f);
    }
    users = use(q);
    g_mutex_unlock(&q->lock);
    if (r == 0) {
        *done = fresh ? f.len : run.len;
        int k = iov_part(iov, n, 0, *done, part);
        r = fresh ? fill_fresh(q, &f, part, k)
                  : file_movev(q->image, true, part, k, run.host);
        if (fresh) {
            g_mutex_lock(&q->lock);
            r = end_fresh(q, &f, r);
            g_mutex_unlock(&q->lock);
        }
    }
    unuse(users);
    return r;
}

int qcow2_write(Qcow2 *q, const struct iovec *iov, int n, u64 offset)
{
    g_autofree struct iovec *rest = g_memdup2(iov, (size_t)n * sizeof *iov);
    g_autofree struct iovec *part = g_new(struct iovec, n);
    int r = 0;

    while (n && r == 0) {
        u64 done = 0;
        r = write_some(q, rest, n, offset, &done, part);
        n = r ? n : iov_advance(rest, n, done);
        offset += done;
    }
    return r;
}

/* ---- zeros -------------------------------------------------------------- */

/*
 * Whole clusters read as `entry` says from now on.  Those of which `keep` is
 * true stay as they are.
 */
static int set_entries(Qcow2 *q, u64 c, u64 n, u64 entry)
{
    int r = 0;

    for (u64 end = c + n; c < end && r == 0; c++) {
        u32 i = (u32)(c / q->l2_entries);
        Table *t;
        if (!q->l1.entry[i] && !entry) {
            continue;
        }
        r = tables_trim(q);
        r = r ? r : l2_own(q, i, &t);
        if (r == 0) {
            u64 old = table_entry(t, (u32)(c % q->l2_entries));
            entry_free(q, old);
            table_set(q, t, (u32)(c % q->l2_entries), entry);
        }
    }
    return r;
}

/* What makes a cluster read as zeros; false: nothing does, in version 2. */
static bool zero_entry(const Qcow2 *q, u64 *entry)
{
    *entry = q->image->backing ? READS_ZERO : 0;
    return !*entry || q->version > 2;
}

static int set_zero(Qcow2 *q, u64 from, u64 to)
{
    u64 c = from >> q->cluster_bits, n = (to - from) >> q->cluster_bits, entry;
    int r;

    if (from >= to || !zero_entry(q, &entry)) {
        return -ENOTSUP;
    }
    g_mutex_lock(&q->lock);
    wait_until_free(q, c, n);
    r = q->broken ? -EIO : set_entries(q, c, n, entry);
    g_mutex_unlock(&q->lock);
    return r;
}

static int write_zeros(Qcow2 *q, u64 from, u64 to)
{
    enum { SOME = 1 << 20 };
    g_autofree u8 *zero = g_malloc0(MIN(SOME, to - from));
    int r = 0;

    for (; from < to && r == 0; from += MIN(SOME, to - from)) {
        struct iovec v = { zero, MIN(SOME, to - from) };
        r = qcow2_write(q, &v, 1, from);
    }
    return r;
}

int qcow2_zeroes(Qcow2 *q, u64 offset, u64 len)
{
    u64 end = offset + len, first = align_up(offset, q->cluster);
    u64 last = end == q->image->size ? align_up(end, q->cluster)
                                     : align_down(end, q->cluster);
    int r = set_zero(q, first, last);

    if (r == -ENOTSUP) {
        return write_zeros(q, offset, end);
    }
    r = r ? r : write_zeros(q, offset, first);
    return r || end <= last ? r : write_zeros(q, last, end);
}

/* Only whole clusters; it is a hint. */
void qcow2_discard(Qcow2 *q, u64 offset, u64 len)
{
    u64 end = offset + len;

    set_zero(q, align_up(offset, q->cluster),
             end == q->image->size ? align_up(end, q->cluster)
                                   : align_down(end, q->cluster));
}

/* ---- at once ------------------------------------------------------------ */

bool qcow2_find(Qcow2 *q, bool write, u64 offset, u64 len, Extent *out)
{
    const Image *below = q->image->backing;
    Run run;
    bool ok;

    if (!g_mutex_trylock(&q->lock)) {
        return false;
    }
    ok = run_find(q, &q->l1, offset, len, false, &run) == 0 && run.len == len;
    if (ok && run.kind == RUN_DATA && (!write || (run.own && !q->broken))) {
        *out = (Extent) { q->image->fd, run.host, use(q) };
    } else if (ok && !write && (run.kind == RUN_ZERO
               || (run.kind == RUN_NOWHERE
                   && (!below || offset >= below->size)))) {
        *out = (Extent) { .fd = -1 };
    } else if (ok && !write && run.kind == RUN_NOWHERE
               && len <= below->size - offset) {
        ok = below->kind->find(q->image->backing, false, offset, len, out);
    } else {
        ok = false;
    }
    g_mutex_unlock(&q->lock);
    return ok;
}
