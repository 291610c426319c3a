/* SPDX-License-Identifier: MIT */
/*
 * Disk images: raw files and block devices.
 *
 * Requests run on a small pool of threads; the machine never waits for them.
 * Their completions are brought back to the main thread.  With snapshot=on
 * writes go to a temporary overlay, found by a bit per cluster.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <glib.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include "block/block.h"
#include "util/keyval.h"

enum { SECTOR = 512, THREADS = 4, CLUSTER = 65536 };

struct Block {
    char    *id, *path, *user;
    int      fd;
    u64      size;
    bool     readonly, direct, sync, unsafe_cache, discard;
    GHashTable *options;
    /* snapshot=on: */
    int      overlay;           /* -1: not */
    u8      *in_overlay;        /* a byte per cluster */
    GMutex   lock;              /* of the overlay */
    u32      in_flight;         /* atomic */
    bool     complained;
};

typedef struct Request {
    Block  *b;
    BlockRequest q;
    struct iovec *iov;          /* a copy of q.iov */
    int     ret;
} Request;

typedef struct Registry {
    GPtrArray   *all;
    GThreadPool *pool;
} Registry;

static Registry registry;       /* set cache */

/* ---- the file ----------------------------------------------------------- */

/* All of [offset, offset + len); beyond the end of the file reads are zero. */
static int read_all(int fd, u8 *p, u64 len, u64 offset)
{
    while (len) {
        ssize_t n = pread(fd, p, len, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        if (n == 0) {
            memset(p, 0, len);
            return 0;
        }
        p += n;
        len -= (u64)n;
        offset += (u64)n;
    }
    return 0;
}

static int write_all(int fd, const u8 *p, u64 len, u64 offset)
{
    while (len) {
        ssize_t n = pwrite(fd, p, len, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? -errno : -EIO;
        }
        p += n;
        len -= (u64)n;
        offset += (u64)n;
    }
    return 0;
}

/* Copies a cluster that is written in part to the overlay first. */
static int own_cluster(Block *b, u64 c)
{
    g_autofree u8 *buf = g_malloc(CLUSTER);
    int r = b->in_overlay[c] ? 0 : read_all(b->fd, buf, CLUSTER, c * CLUSTER);

    if (!b->in_overlay[c] && r == 0) {
        r = write_all(b->overlay, buf, CLUSTER, c * CLUSTER);
        b->in_overlay[c] = r == 0;
    }
    return r;
}

static int overlay_move(Block *b, bool write, u8 *p, u64 len, u64 offset)
{
    int r = 0;

    g_mutex_lock(&b->lock);
    while (len && r == 0) {
        u64 c = offset / CLUSTER, n = MIN(len, CLUSTER - offset % CLUSTER);
        if (write) {
            r = own_cluster(b, c);
            r = r ? r : write_all(b->overlay, p, n, offset);
        } else {
            r = read_all(b->in_overlay[c] ? b->overlay : b->fd, p, n, offset);
        }
        p += n;
        offset += n;
        len -= n;
    }
    g_mutex_unlock(&b->lock);
    return r;
}

static int move(Block *b, bool write, void *p, u64 len, u64 offset)
{
    if (b->overlay >= 0) {
        return overlay_move(b, write, p, len, offset);
    }
    return write ? write_all(b->fd, p, len, offset)
                 : read_all(b->fd, p, len, offset);
}

static int flush(Block *b)
{
    return b->unsafe_cache || b->overlay >= 0 || fdatasync(b->fd) == 0
        ? 0 : -errno;
}

static int zeroes(Block *b, u64 offset, u64 len)
{
    static const u8 zero[65536];
    int r = 0;

    if (b->overlay < 0
        && fallocate(b->fd, FALLOC_FL_ZERO_RANGE, (off_t)offset,
                     (off_t)len) == 0) {
        return 0;
    }
    for (u64 done = 0; done < len && r == 0; done += sizeof zero) {
        r = move(b, true, (void *)zero, MIN(len - done, sizeof zero),
                 offset + done);
    }
    return r;
}

static int discard(Block *b, u64 offset, u64 len)
{
    if (b->discard && b->overlay < 0) {
        fallocate(b->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  (off_t)offset, (off_t)len);
    }
    return 0;                   /* a hint: failing to follow it is no error */
}

/* ---- requests ----------------------------------------------------------- */

static int transfer(const Request *r)
{
    u64 offset = r->q.offset;
    int ret = 0;

    for (int i = 0; i < r->q.n && ret == 0; i++) {
        ret = move(r->b, r->q.op == BLOCK_WRITE, r->iov[i].iov_base,
                   r->iov[i].iov_len, offset);
        offset += r->iov[i].iov_len;
    }
    if (ret == 0 && r->q.op == BLOCK_WRITE && r->b->sync) {
        ret = flush(r->b);
    }
    return ret;
}

static int perform(const Request *r)
{
    if (r->q.op != BLOCK_READ && r->q.op != BLOCK_FLUSH && r->b->readonly) {
        return -EROFS;
    }
    if (r->q.offset > r->b->size || r->q.len > r->b->size - r->q.offset) {
        return -EIO;
    }
    switch (r->q.op) {
    case BLOCK_FLUSH:   return flush(r->b);
    case BLOCK_DISCARD: return discard(r->b, r->q.offset, r->q.len);
    case BLOCK_ZEROES:  return zeroes(r->b, r->q.offset, r->q.len);
    default:            return transfer(r);
    }
}

static gboolean complete(void *opaque)
{
    Request *r = opaque;
    Block *b = r->b;

    if (r->ret && r->ret != -EROFS && !b->complained) {
        fprintf(stderr, "anole: disk %s (%s): %s; the guest sees an I/O "
                "error\n", b->id, b->path, g_strerror(-r->ret));
        b->complained = true;
    }
    r->q.done(r->q.opaque, r->ret);
    __atomic_sub_fetch(&b->in_flight, 1, __ATOMIC_SEQ_CST);
    g_free(r->iov);
    g_free(r);
    return G_SOURCE_REMOVE;
}

static void work(void *opaque, void *unused)
{
    Request *r = opaque;

    (void)unused;
    r->ret = perform(r);
    g_idle_add_full(G_PRIORITY_DEFAULT, complete, r, NULL);
}

void block_submit(Block *b, const BlockRequest *q)
{
    Request *r = g_new0(Request, 1);

    *r = (Request) {
        .b = b, .q = *q,
        .iov = g_memdup2(q->iov, (size_t)q->n * sizeof *q->iov),
    };
    __atomic_add_fetch(&b->in_flight, 1, __ATOMIC_SEQ_CST);
    g_thread_pool_push(registry.pool, r, NULL);
}

int block_pread(Block *b, u64 offset, void *buf, size_t len)
{
    return offset > b->size || len > b->size - offset ? -EIO
         : move(b, false, buf, len, offset);
}

int block_pwrite(Block *b, u64 offset, const void *buf, size_t len)
{
    return b->readonly ? -EROFS
         : offset > b->size || len > b->size - offset ? -EIO
         : move(b, true, (void *)buf, len, offset);
}

void block_drain_all(void)
{
    for (u32 i = 0; registry.all && i < registry.all->len; i++) {
        Block *b = registry.all->pdata[i];
        while (__atomic_load_n(&b->in_flight, __ATOMIC_SEQ_CST)) {
            g_main_context_iteration(NULL, true);
        }
    }
}

/* ---- opening ------------------------------------------------------------ */

/* Who holds the lock, as far as /proc/locks tells. */
static char *lock_holder(int fd)
{
    struct stat st;
    g_autofree char *text = NULL;

    fstat(fd, &st);
    g_autofree char *inode = g_strdup_printf(":%llu ",
                                             (unsigned long long)st.st_ino);
    if (!g_file_get_contents("/proc/locks", &text, NULL, NULL)) {
        return g_strdup("another process");
    }
    g_auto(GStrv) line = g_strsplit(text, "\n", -1);
    for (char **l = line; *l; l++) {
        const char *w = strstr(*l, "WRITE");
        long pid = w ? strtol(w + 5, NULL, 10) : 0;
        if (strstr(*l, inode) && pid > 0) {
            return g_strdup_printf("process %ld", pid);
        }
    }
    return g_strdup("another process");
}

/*
 * Writers keep everybody else out, readers only writers.  A POSIX lock names
 * its owner in /proc/locks; it is dropped when any descriptor of the file is
 * closed, and each image is opened once.
 */
static bool lock_image(Block *b, Err *err)
{
    struct flock l = { .l_type = b->readonly ? F_RDLCK : F_WRLCK,
                       .l_whence = SEEK_SET };

    if (fcntl(b->fd, F_SETLK, &l) == 0
        || (errno != EAGAIN && errno != EACCES)) {
        return true;            /* a filesystem without locks is no error */
    }
    fcntl(b->fd, F_GETLK, &l);
    g_autofree char *who = l.l_type != F_UNLCK && l.l_pid > 0
        ? g_strdup_printf("process %d", (int)l.l_pid) : lock_holder(b->fd);
    return fail(err, "%s is in use by %s: two writers would destroy it "
                "(readonly=on or snapshot=on may share it)", b->path, who);
}

static bool measure(Block *b, Err *err)
{
    struct stat st;
    u64 size;

    if (fstat(b->fd, &st) < 0) {
        return fail(err, "%s: %s", b->path, g_strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        return fail(err, "%s is a directory, not a disk image", b->path);
    }
    size = (u64)st.st_size;
    if (S_ISBLK(st.st_mode) && ioctl(b->fd, BLKGETSIZE64, &size) < 0) {
        return fail(err, "%s: %s", b->path, g_strerror(errno));
    }
    b->size = align_up(size, SECTOR);
    return b->size > 0 || fail(err, "%s is empty; make an image with "
                               "`truncate -s 1G %s`", b->path, b->path);
}

static bool open_overlay(Block *b, Err *err)
{
    char name[] = "/var/tmp/anole-XXXXXX";

    b->overlay = mkstemp(name);
    if (b->overlay < 0) {
        return fail(err, "snapshot=on: no temporary file in /var/tmp: %s",
                    g_strerror(errno));
    }
    unlink(name);
    b->in_overlay = g_malloc0(b->size / CLUSTER + 1);
    b->readonly = false;
    return true;
}

static bool set_cache(Block *b, const char *cache, Err *err)
{
    static const char *const names[] = {
        "writeback", "none", "writethrough", "directsync", "unsafe",
    };

    b->sync = strcmp(cache, "writethrough") == 0
           || strcmp(cache, "directsync") == 0;
    b->unsafe_cache = strcmp(cache, "unsafe") == 0;
    for (u32 i = 0; i < countof(names); i++) {
        if (strcmp(cache, names[i]) == 0) {
            return true;
        }
    }
    return fail(err, "cache=%s: writeback, none, writethrough, directsync or "
                "unsafe", cache);
}

static bool check_format(const Block *b, const char *format, Err *err)
{
    u8 magic[4] = { 0 };

    if (strcmp(format, "raw") != 0) {
        return fail(err, "format=%s is not there yet: raw images only", format);
    }
    read_all(b->fd, magic, 4, 0);
    if (memcmp(magic, "QFI\xfb", 4) == 0) {
        fprintf(stderr, "anole: warning: %s looks like a qcow2 image and is "
                "used as raw\n", b->path);
    }
    return true;
}

static const char *keep(Block *b, KeyVal *kv, const char *key, const char *dflt)
{
    const char *v = keyval_get(kv, key);

    v = v ? v : dflt;
    if (v) {
        g_hash_table_insert(b->options, g_strdup(key), g_strdup(v));
    }
    return v;
}

static bool set_up(Block *b, KeyVal *kv, Err *err)
{
    bool snapshot, readonly;
    static const char *const ignored[] = {
        "aio", "index", "media", "werror", "rerror", "detect-zeroes",
        "auto-read-only", "bus",
    };

    keep(b, kv, "if", NULL);
    keep(b, kv, "unit", NULL);
    for (u32 i = 0; i < countof(ignored); i++) {
        keep(b, kv, ignored[i], NULL);
    }
    const char *path = keyval_get(kv, "file");
    const char *cache = keep(b, kv, "cache", "writeback");
    const char *format = keep(b, kv, "format", "raw");
    const char *unmap = keep(b, kv, "discard", "ignore");
    if (!path || !*path) {
        return fail(err, "file= is missing: -drive file=IMAGE,if=none,id=d0");
    }
    b->path = g_strdup(path);
    b->discard = strcmp(unmap, "unmap") == 0 || strcmp(unmap, "on") == 0;
    if (!set_cache(b, cache, err)
        || !keyval_bool(kv, "readonly", false, &readonly, err)
        || (!readonly && !keyval_bool(kv, "read-only", false, &readonly, err))
        || !keyval_bool(kv, "snapshot", false, &snapshot, err)
        || !keyval_done(kv, "-drive", err)) {
        return false;
    }
    b->readonly = readonly || snapshot;
    b->fd = open(path, (b->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (b->fd < 0) {
        return fail(err, "cannot open %s: %s%s", path, g_strerror(errno),
                    errno == EISDIR ? " (not a disk image)" : "");
    }
    return measure(b, err) && check_format(b, format, err)
        && lock_image(b, err) && (!snapshot || open_overlay(b, err));
}

static void start_registry(void)
{
    if (!registry.all) {
        registry.all = g_ptr_array_new();
        registry.pool = g_thread_pool_new(work, NULL, THREADS, false, NULL);
    }
}

static Block *open_parsed(KeyVal *kv, Err *err)
{
    const char *id = keyval_get(kv, "id");
    Block *b = g_new0(Block, 1);

    start_registry();
    if (!id) {
        id = keyval_get(kv, "node-name");
    }
    b->id = id ? g_strdup(id) : g_strdup_printf("drive%u", registry.all->len);
    b->fd = b->overlay = -1;
    b->options = g_hash_table_new(g_str_hash, g_str_equal);
    if (block_find(b->id)) {
        fail(err, "there is a disk \"%s\" already", b->id);
    } else if (set_up(b, kv, err)) {
        g_ptr_array_add(registry.all, b);
        return b;
    }
    if (b->fd >= 0) {
        close(b->fd);
    }
    g_free(b->id);
    g_free(b);
    return NULL;
}

Block *block_open(const char *text, Err *err)
{
    KeyVal *kv = keyval_parse(text, NULL, err);
    Block *b = kv ? open_parsed(kv, err) : NULL;

    keyval_free(kv);
    if (!b) {
        err_prefix(err, "-drive %s", text);
    }
    return b;
}

Block *block_find(const char *id)
{
    for (u32 i = 0; registry.all && i < registry.all->len; i++) {
        Block *b = registry.all->pdata[i];
        if (strcmp(b->id, id) == 0) {
            return b;
        }
    }
    return NULL;
}

void block_each(void (*fn)(void *, Block *), void *opaque)
{
    for (u32 i = 0; registry.all && i < registry.all->len; i++) {
        fn(opaque, registry.all->pdata[i]);
    }
}

void block_close_all(void)
{
    block_drain_all();
    for (u32 i = 0; registry.all && i < registry.all->len; i++) {
        Block *b = registry.all->pdata[i];
        if (!b->readonly) {
            flush(b);
        }
        close(b->fd);
    }
}

const char *block_id(const Block *b)
{
    return b->id;
}

const char *block_option(const Block *b, const char *key)
{
    return g_hash_table_lookup(b->options, key);
}

u64 block_size(const Block *b)
{
    return b->size;
}

bool block_readonly(const Block *b)
{
    return b->readonly;
}

bool block_claim(Block *b, const char *user, Err *err)
{
    if (b->user) {
        return fail(err, "the disk %s is used by %s already", b->id, b->user);
    }
    b->user = g_strdup(user);
    return true;
}
