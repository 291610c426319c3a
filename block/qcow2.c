/* SPDX-License-Identifier: MIT */
/*
 * Images in the format qcow2: opening and making them; see qcow2.h.
 *
 * Left out: encryption, external data files, extended L2 entries, bitmaps
 * (which are told to be out of date), writing compressed clusters.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "block/qcow2.h"

enum { HEADER_V2 = 72, HEADER_V3 = 104, MAGIC = 0x514649fb };
enum {                                  /* header extensions */
    EXT_END = 0, EXT_BACKING_FORMAT = 0xe2792aca, EXT_FEATURES = 0x6803f857,
};
enum { FEATURE_BYTES = 48, FEATURE_NAME = 46 };

/* ---- the header --------------------------------------------------------- */

/* The first cluster, and what is read from it only once. */
typedef struct Head {
    u8   bytes[1 << CLUSTER_BITS_MAX];
    u64  size, backing_offset;
    u32  backing_size, snapshots;
    char backing[NAME_MAX_BYTES + 1], format[32];
} Head;

static u32 head32(const Head *h, u32 at)
{
    return (u32)load_be(h->bytes + at, 4);
}

static u64 head64(const Head *h, u32 at)
{
    return load_be(h->bytes + at, 8);
}

static void read_fields(Qcow2 *q, Head *h)
{
    h->backing_offset = head64(h, 8);
    h->backing_size = head32(h, 16);
    h->size = head64(h, 24);
    q->l1.n = head32(h, 36);
    q->l1.offset = head64(h, 40);
    q->reftable.offset = head64(h, 48);
    h->snapshots = head32(h, 60);
    q->snapshots_offset = head64(h, 64);
    q->refcount_order = 4;
    q->header_length = HEADER_V2;
    if (q->version > 2) {
        q->incompatible = head64(h, 72);
        q->compatible = head64(h, 80);
        q->autoclear = head64(h, 88);
        q->refcount_order = head32(h, 96);
        q->header_length = head32(h, 100);
    }
    if (q->header_length > HEADER_V3) {
        q->compression = h->bytes[HEADER_V3];
    }
}

/* Names of features that we do not have, as the image has them. */
static void name_features(const u8 *table, u32 len, u64 unknown, GString *out)
{
    for (u32 at = 0; table && at + FEATURE_BYTES <= len; at += FEATURE_BYTES) {
        const u8 *f = table + at;
        if (f[0] == 0 && f[1] < 64 && unknown >> f[1] & 1) {
            g_string_append_printf(out, " \"%.*s\"", FEATURE_NAME, f + 2);
        }
    }
}

/* Data of an extension; NULL: it has none of that type. */
static const u8 *extension(const Qcow2 *q, const Head *h, u32 type, u32 *len)
{
    u64 at = q->header_length;

    while (at + 8 <= q->cluster) {
        u32 kind = head32(h, (u32)at);
        *len = head32(h, (u32)at + 4);
        if (kind == EXT_END || *len > q->cluster - at - 8) {
            break;
        }
        if (kind == type) {
            return h->bytes + at + 8;
        }
        at += 8 + align_up(*len, 8);
    }
    *len = 0;
    return NULL;
}

static bool check_features(const Qcow2 *q, const Head *h, Err *err)
{
    u64 known = INCOMPAT_DIRTY | INCOMPAT_CORRUPT | INCOMPAT_COMPRESSION;
    g_autoptr(GString) names = g_string_new(NULL);
    const char *path = q->image->path;
    u32 len;

    if (q->incompatible & INCOMPAT_DATA_FILE) {
        return fail(err, "%s keeps its data in another file, which is not "
                    "supported; make one that does not: qemu-img convert "
                    "-O qcow2 %s NEW", path, path);
    }
    if (q->incompatible & INCOMPAT_EXTL2) {
        return fail(err, "%s has extended L2 entries, which are not supported; "
                    "make one without: qemu-img convert -O qcow2 %s NEW",
                    path, path);
    }
    if (q->incompatible & ~known) {
        const u8 *table = extension(q, h, EXT_FEATURES, &len);
        name_features(table, len, q->incompatible & ~known, names);
        return fail(err, "%s has features that are not known here:%s (%#llx)",
                    path, names->str,
                    (unsigned long long)(q->incompatible & ~known));
    }
    if (q->compression > 1
        || q->compression != !!(q->incompatible & INCOMPAT_COMPRESSION)) {
        return fail(err, "%s is compressed in a way that is not known here "
                    "(%u)", path, q->compression);
    }
    return true;
}

static bool check_shape(const Qcow2 *q, const Head *h, Err *err)
{
    const char *path = q->image->path;
    u64 span = (u64)q->l2_entries << q->cluster_bits;
    u64 clusters = head32(h, 56);

    if (head32(h, 32)) {
        return fail(err, "%s is encrypted, which is not supported; make one "
                    "that is not: qemu-img convert", path);
    }
    if (q->refcount_order > 6 || q->header_length < HEADER_V2
        || (q->version > 2 && q->header_length < HEADER_V3)
        || q->header_length > q->cluster || q->header_length % 8
        || h->size > INT64_MAX - q->cluster
        || (u64)q->l1.n * 8 > L1_BYTES_MAX
        || (h->size + span - 1) / span > q->l1.n
        || q->l1.offset % q->cluster || q->reftable.offset % q->cluster
        || q->snapshots_offset % q->cluster || !q->reftable.offset
        || (q->l1.offset | q->snapshots_offset | q->reftable.offset)
           & ~OFFSET_MASK
        || (q->l1.n && !q->l1.offset) || !clusters
        || clusters * q->cluster > REFTABLE_BYTES_MAX
        || h->snapshots > SNAPSHOTS_MAX) {
        return fail(err, "%s is damaged: its header has numbers that cannot "
                    "be", path);
    }
    return true;
}

static bool read_backing_name(const Qcow2 *q, Head *h, Err *err)
{
    u32 len;
    const u8 *format = extension(q, h, EXT_BACKING_FORMAT, &len);

    if (!h->backing_offset) {
        return true;
    }
    if (h->backing_size > NAME_MAX_BYTES || h->backing_offset > q->cluster
        || h->backing_size > q->cluster - h->backing_offset) {
        return fail(err, "%s is damaged: the name of what it is based on is "
                    "outside of its header", q->image->path);
    }
    memcpy(h->backing, h->bytes + h->backing_offset, h->backing_size);
    if (format && len < sizeof h->format) {
        memcpy(h->format, format, len);
    }
    return true;
}

static bool read_header(Qcow2 *q, Head *h, Err *err)
{
    const char *path = q->image->path;
    int r = file_move(q->image, false, h->bytes, HEADER_V3 + 8, 0);

    if (r) {
        return fail(err, "%s: %s", path, g_strerror(-r));
    }
    q->version = head32(h, 4);
    q->cluster_bits = head32(h, 20);
    if (head32(h, 0) != MAGIC) {
        return fail(err, "%s is no qcow2 image; format=raw takes it as it is",
                    path);
    }
    if (q->version < 2 || q->version > 3) {
        return fail(err, "%s has version %u of its format; 2 and 3 are known",
                    path, q->version);
    }
    if (q->cluster_bits < CLUSTER_BITS_MIN
        || q->cluster_bits > CLUSTER_BITS_MAX) {
        return fail(err, "%s is damaged: its clusters cannot have 2^%u bytes",
                    path, q->cluster_bits);
    }
    q->cluster = 1ull << q->cluster_bits;
    r = file_move(q->image, false, h->bytes, q->cluster, 0);
    read_fields(q, h);
    q->l2_entries = (u32)(q->cluster / 8);
    return r ? fail(err, "%s: %s", path, g_strerror(-r))
        : check_shape(q, h, err) && check_features(q, h, err)
          && read_backing_name(q, h, err);
}

/* ---- opening ------------------------------------------------------------ */

static bool read_tables(Qcow2 *q, const Head *h, Err *err)
{
    struct stat st;
    int r;

    q->block_entries = (u32)(q->cluster * 8 >> q->refcount_order);
    q->reftable.n = head32(h, 56) * (u32)(q->cluster / 8);
    r = top_read(q, &q->l1);
    r = r ? r : top_read(q, &q->reftable);
    if (r || fstat(q->image->fd, &st) < 0) {
        return fail(err, "%s: %s", q->image->path,
                    g_strerror(r ? -r : errno));
    }
    q->regular = S_ISREG(st.st_mode);
    q->end = ((u64)st.st_size + q->cluster - 1) >> q->cluster_bits;
    q->end = MAX(q->end, 1);
    return snapshots_read(q, h->snapshots, err);
}

static Qcow2 *new_state(Image *i)
{
    Qcow2 *q = g_new0(Qcow2, 1);

    q->image = i;
    g_mutex_init(&q->lock);
    g_cond_init(&q->changed);
    q->tables = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL,
                                      g_free);
    q->snapshots = g_ptr_array_new_with_free_func(snapshot_free);
    q->freed = g_array_new(false, false, sizeof(Clusters));
    q->waiting = g_array_new(false, false, sizeof(Clusters));
    return q;
}

static void forget(Image *i)
{
    Qcow2 *q = i->state;

    if (!q) {
        return;
    }
    g_hash_table_destroy(q->tables);
    g_ptr_array_unref(q->snapshots);
    g_array_unref(q->freed);
    g_array_unref(q->waiting);
    g_free(q->l1.entry);
    g_free(q->reftable.entry);
    g_free(q->unpacked);
    g_mutex_clear(&q->lock);
    g_cond_clear(&q->changed);
    g_free(q);
    i->state = NULL;
}

static bool open_qcow2(Image *i, Err *err)
{
    Qcow2 *q = i->state = new_state(i);
    g_autofree Head *h = g_new0(Head, 1);

    if (!read_header(q, h, err) || !read_tables(q, h, err)) {
        return false;
    }
    i->size = align_up(h->size, SECTOR);
    if (!i->readonly && q->incompatible & INCOMPAT_CORRUPT) {
        return fail(err, "%s is marked as damaged: qemu-img check -r all %s "
                    "may repair it, readonly=on reads it", i->path, i->path);
    }
    return i->backing || !*h->backing
        || image_open_backing(i, h->backing, *h->format ? h->format : NULL,
                              err);
}

/* Refcounts are right, and nobody believes what we do not keep up to date. */
static bool begin(Image *i, Err *err)
{
    Qcow2 *q = i->state;
    int r = 0;

    if (i->readonly || q->began) {
        return true;
    }
    q->began = true;
    g_mutex_lock(&q->lock);
    if (q->incompatible & INCOMPAT_DIRTY) {
        fprintf(stderr, "anole: %s was not closed; counting what is in use\n",
                i->path);
        r = refcounts_rebuild(q);
        r = r ? r : qcow2_sync(q);
    }
    if (r == 0 && (q->autoclear || q->incompatible & INCOMPAT_DIRTY)) {
        q->autoclear = 0;
        q->incompatible &= ~(u64)INCOMPAT_DIRTY;
        r = header_write(q);
    }
    g_mutex_unlock(&q->lock);
    return r == 0
        || fail(err, "%s: %s; qemu-img check -r all %s may repair it", i->path,
                g_strerror(-r), i->path);
}

/* ---- what the others call ----------------------------------------------- */

static int move(Image *i, bool write, const struct iovec *iov, int n,
                u64 offset)
{
    Qcow2 *q = i->state;

    return write ? qcow2_write(q, iov, n, offset)
                 : qcow2_read(q, &q->l1, iov, n, offset);
}

static int zeroes(Image *i, u64 offset, u64 len)
{
    return qcow2_zeroes(i->state, offset, len);
}

static void discard(Image *i, u64 offset, u64 len)
{
    qcow2_discard(i->state, offset, len);
}

static bool unwritten(const Image *i)
{
    const Qcow2 *q = i->state;

    return __atomic_load_n(&q->dirty, __ATOMIC_RELAXED);
}

static int flush(Image *i)
{
    Qcow2 *q = i->state;
    int r;

    if (!unwritten(i)) {
        return file_sync(i);
    }
    g_mutex_lock(&q->lock);
    r = qcow2_sync(q);
    g_mutex_unlock(&q->lock);
    return r;
}

static bool find(Image *i, bool write, u64 offset, u64 len, Extent *out)
{
    return qcow2_find(i->state, write, offset, len, out);
}

const ImageKind qcow2_kind = {
    .name = "qcow2", .open = open_qcow2, .begin = begin, .forget = forget,
    .move = move, .zeroes = zeroes, .discard = discard, .flush = flush,
    .find = find, .unwritten = unwritten, .snapshots = &qcow2_snapshots,
};

/* ---- making one --------------------------------------------------------- */

/*
 * Header, reftable, refcount block and L1 table, in this order; the extension
 * area ends where it begins.
 */
bool qcow2_create(int fd, u64 size, Err *err)
{
    enum { BITS = 16, BYTES = 1 << BITS, BLOCK_AT = 2 * BYTES };
    u64 l1 = (size + ((u64)BYTES << (BITS - 3)) - 1) >> (2 * BITS - 3);
    u64 used = 3 + (l1 * 8 + BYTES - 1) / BYTES;
    g_autofree u8 *head = g_malloc0(3 * BYTES);

    if (l1 * 8 > L1_BYTES_MAX) {
        return fail(err, "the disk is too large for a qcow2 image");
    }
    store_be(head, 4, MAGIC);
    store_be(head + 4, 4, 3);
    store_be(head + 20, 4, BITS);
    store_be(head + 24, 8, size);
    store_be(head + 36, 4, l1);
    store_be(head + 40, 8, 3 * BYTES);
    store_be(head + 48, 8, BYTES);
    store_be(head + 56, 4, 1);
    store_be(head + 96, 4, 4);
    store_be(head + 100, 4, HEADER_V3);
    store_be(head + BYTES, 8, BLOCK_AT);
    for (u64 c = 0; c < used; c++) {
        store_be(head + BLOCK_AT + c * 2, 2, 1);
    }
    return (pwrite(fd, head, 3 * BYTES, 0) == 3 * BYTES
            && ftruncate(fd, (off_t)(used * BYTES)) == 0)
        || fail(err, "%s", g_strerror(errno));
}
