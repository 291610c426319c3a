/* SPDX-License-Identifier: MIT */
/*
 * Disk images: the registry, and what -drive says of an image.
 *
 * Left out: all formats but raw, images over the network, throttling.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/fs.h>
#include "block/backend.h"
#include "util/fdset.h"
#include "util/keyval.h"

typedef struct Registry {
    GPtrArray *all;             /* of Block */
    void     (*failed)(void *opaque, Block *b, BlockOp op, int error);
    void      *opaque;
    bool left;                  /* to other processes */
} Registry;

static Registry registry;       /* set cache */

/* ---- requests ----------------------------------------------------------- */

static int check(const Block *b, BlockOp op, u64 offset, u64 len)
{
    if (op != BLOCK_READ && op != BLOCK_FLUSH && b->readonly) {
        return -EROFS;
    }
    return offset > b->size || len > b->size - offset ? -EIO : 0;
}

void block_submit(Block *b, const BlockRequest *q)
{
    AioRequest *r = g_new0(AioRequest, 1);

    *r = (AioRequest) {
        .b = b, .op = q->op, .offset = q->offset, .len = q->len, .n = q->n,
        .iov = g_memdup2(q->iov, (size_t)q->n * sizeof *q->iov),
        .ret = check(b, q->op, q->offset, q->len),
        .done = q->done, .opaque = q->opaque,
        .begun = g_get_monotonic_time(),
    };
    r->refused = r->ret != 0;
    aio_submit(r);
}

void block_account(const AioRequest *r)
{
    BlockCounts *n = &r->b->counts;

    if (r->ret) {
        n->failed[r->op]++;
    } else {
        n->requests[r->op]++;
        n->bytes[r->op] += r->len;
        n->ns[r->op] += (u64)(g_get_monotonic_time() - r->begun) * 1000;
    }
    if (r->op == BLOCK_WRITE || r->op == BLOCK_WRITE_FLUSH) {
        n->highest = MAX(n->highest, r->offset + r->len);
    }
    if (r->ret && !r->refused && registry.failed) {
        registry.failed(registry.opaque, r->b, r->op, r->ret);
    }
}

void block_on_error(void (*fn)(void *opaque, Block *b, BlockOp op, int error),
                    void *opaque)
{
    registry.failed = fn;
    registry.opaque = opaque;
}

int block_pread(Block *b, u64 offset, void *buf, size_t len)
{
    int r = check(b, BLOCK_READ, offset, len);

    return r ? r : raw_move(b, false, buf, len, offset);
}

int block_pwrite(Block *b, u64 offset, const void *buf, size_t len)
{
    int r = check(b, BLOCK_WRITE, offset, len);

    r = r ? r : raw_move(b, true, (void *)buf, len, offset);
    return r == 0 && b->sync ? raw_flush(b) : r;
}

void block_drain(Block *b)
{
    aio_drain(b);
}

void block_drain_all(void)
{
    aio_drain(NULL);
}

/* ---- formats ------------------------------------------------------------ */

typedef struct Format {
    const char *name;
    u32         at, len;        /* of the mark by which it is known */
    const char *mark;
} Format;

static const Format formats[] = {
    { "qcow2", 0, 4, "QFI\xfb" },
    { "vmdk", 0, 4, "KDMV" },
    { "vdi", 0x40, 4, "\x7f\x10\xda\xbe" },
    { "vhdx", 0, 8, "vhdxfile" },
    { "vpc", 0, 8, "conectix" },
    { "qed", 0, 4, "QED" },
    { "luks", 0, 6, "LUKS\xba\xbe" },
};

static const Format *probe(const Block *b)
{
    u8 head[SECTOR] = { 0 };

    if (pread(b->fd, head, sizeof head, 0) > 0) {
        for (u32 i = 0; i < countof(formats); i++) {
            const Format *f = &formats[i];
            if (memcmp(head + f->at, f->mark, f->len) == 0) {
                return f;
            }
        }
    }
    return NULL;
}

/* format: what the user said, or NULL. */
static bool check_format(const Block *b, const char *format, Err *err)
{
    const Format *found = format ? NULL : probe(b);
    const char *names[countof(formats) + 1] = { "raw" };

    if (found) {
        return fail(err, "%s is a %s image, which is not supported yet; make "
                    "a raw one: qemu-img convert -O raw %s %s.raw", b->path,
                    found->name, b->path, b->path);
    }
    if (!format || strcmp(format, "raw") == 0) {
        return true;
    }
    for (u32 i = 0; i < countof(formats); i++) {
        names[i + 1] = formats[i].name;
        if (strcmp(format, formats[i].name) == 0) {
            return fail(err, "format=%s is not supported yet; make a raw "
                        "image: qemu-img convert -O raw %s %s.raw", format,
                        b->path, b->path);
        }
    }
    const char *near = nearest_word(format, names, countof(names));
    return fail(err, "there is no format \"%s\"%s%s%s; only raw is there yet",
                format, near ? "; did you mean \"" : "", near ? near : "",
                near ? "\"?" : "");
}

/* ---- the file ----------------------------------------------------------- */

static bool measure(Block *b, Err *err)
{
    struct stat st;
    u64 size;

    if (fstat(b->fd, &st) < 0) {
        return fail(err, "%s: %s", b->path, g_strerror(errno));
    }
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
        return fail(err, "%s is a %s, not a disk image", b->path,
                    S_ISDIR(st.st_mode) ? "directory"
                    : S_ISCHR(st.st_mode) ? "character device" : "pipe");
    }
    size = (u64)st.st_size;
    if (S_ISBLK(st.st_mode) && ioctl(b->fd, BLKGETSIZE64, &size) < 0) {
        return fail(err, "%s: %s", b->path, g_strerror(errno));
    }
    b->size = align_up(size, SECTOR);
    return b->size > 0
        || fail(err, "%s is empty; give it a size: truncate -s 1G %s", b->path,
                b->path);
}

static bool no_file(const Block *b, Err *err)
{
    int why = errno;
    bool read_only = (why == EACCES || why == EROFS) && !b->readonly
        && access(b->path, R_OK) == 0;

    if (why == ENOENT) {
        return strchr(b->path, ':')
            ? fail(err, "cannot open %s: there is no such file, and nothing "
                   "but files can be a disk yet", b->path)
            : fail(err, "cannot open %s: there is no such file; make one: "
                   "truncate -s 8G %s", b->path, b->path);
    }
    return fail(err, "cannot open %s: %s%s", b->path,
                why == EISDIR ? "it is a directory, not a disk image"
                              : g_strerror(why),
                read_only ? "; readonly=on opens it for reading" : "");
}

static bool open_file(Block *b, Err *err)
{
    b->fd = fdset_open(b->path, (b->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC
                                | O_NONBLOCK | O_NOCTTY, 0);
    return b->fd >= 0 || no_file(b, err);
}

/* cache=none where the host can do it. */
static void go_direct(Block *b)
{
    int flags = fcntl(b->fd, F_GETFL) & ~O_NONBLOCK;

    fcntl(b->fd, F_SETFL, flags);
    if (b->direct && (fcntl(b->fd, F_SETFL, flags | O_DIRECT) < 0
                      || !raw_direct_works(b->fd))) {
        fcntl(b->fd, F_SETFL, flags);
        b->direct = false;
        fprintf(stderr, "anole: %s: its file system cannot do cache=none; "
                "going on with cache=writeback\n", b->path);
    }
}

/* ---- options ------------------------------------------------------------ */

typedef struct CacheMode {
    const char *name;
    bool direct, sync, unsafe;
} CacheMode;

static const CacheMode cache_modes[] = {
    { "writeback",    false, false, false },
    { "none",         true,  false, false },
    { "writethrough", false, true,  false },
    { "directsync",   true,  true,  false },
    { "unsafe",       false, false, true },
};

static bool set_cache(Block *b, const char *cache, Err *err)
{
    for (u32 i = 0; i < countof(cache_modes); i++) {
        const CacheMode *m = &cache_modes[i];
        if (strcmp(cache, m->name) == 0) {
            b->direct = m->direct;
            b->sync = m->sync;
            b->unsafe_cache = m->unsafe;
            return true;
        }
    }
    return fail(err, "cache=%s: write writeback, none, writethrough, "
                "directsync or unsafe", cache);
}

/* Options that have some values only; the first is what is left out. */
typedef struct Choice {
    const char *key, *values[6];
} Choice;

static const Choice choices[] = {
    { "aio",     { "io_uring", "native", "threads" } },
    { "discard", { "ignore", "off", "unmap", "on" } },
    { "werror",  { "report", "ignore", "enospc", "stop" } },
    { "rerror",  { "report", "ignore", "stop" } },
    { "locking", { "auto", "on", "off" } },
    { "media",   { "disk", "cdrom" } },
    { "if",      { "none", "virtio", "pflash", "ide", "floppy", "sd" } },
    { "detect-zeroes", { "off", "on", "unmap" } },
};

static const char *keep(Block *b, KeyVal *kv, const char *key)
{
    const char *v = keyval_get(kv, key);

    if (v) {
        g_hash_table_insert(b->options, g_strdup(key), g_strdup(v));
    }
    return v;
}

static bool check_choice(const Choice *c, const char *value, Err *err)
{
    g_autoptr(GString) list = g_string_new(NULL);

    for (u32 i = 0; i < countof(c->values) && c->values[i]; i++) {
        if (strcmp(c->values[i], value) == 0) {
            return true;
        }
        g_string_append_printf(list, "%s%s", i ? ", " : "", c->values[i]);
    }
    return fail(err, "%s=%s: it is one of %s", c->key, value, list->str);
}

static bool chosen(const Block *b, const char *key, const char *value)
{
    const char *v = block_option(b, key);

    return v && strcmp(v, value) == 0;
}

static bool read_choices(Block *b, KeyVal *kv, Err *err)
{
    for (u32 i = 0; i < countof(choices); i++) {
        const char *v = keep(b, kv, choices[i].key);
        if (v && !check_choice(&choices[i], v, err)) {
            return false;
        }
    }
    b->discard = chosen(b, "discard", "unmap") || chosen(b, "discard", "on");
    b->threads = chosen(b, "aio", "threads");
    b->readonly = chosen(b, "media", "cdrom");
    if (chosen(b, "werror", "stop") || chosen(b, "rerror", "stop")) {
        fprintf(stderr, "anole: disk %s: werror=stop and rerror=stop are not "
                "there yet; the guest sees the errors\n", b->id);
    }
    return true;
}

static bool read_options(Block *b, KeyVal *kv, bool *snapshot, Err *err)
{
    static const char *const kept[] = {
        "unit", "index", "bus", "auto-read-only", "node-name",
    };
    const char *cache = keep(b, kv, "cache");
    bool readonly, read_only;

    for (u32 i = 0; i < countof(kept); i++) {
        keep(b, kv, kept[i]);
    }
    if (!set_cache(b, cache ? cache : "writeback", err)
        || !read_choices(b, kv, err)
        || !keyval_bool(kv, "readonly", false, &readonly, err)
        || !keyval_bool(kv, "read-only", false, &read_only, err)
        || !keyval_bool(kv, "snapshot", false, snapshot, err)) {
        return false;
    }
    b->readonly = b->readonly || readonly || read_only;
    return true;
}

static bool set_up(Block *b, KeyVal *kv, Err *err)
{
    const char *path = keyval_get(kv, "file");
    const char *format = keep(b, kv, "format");
    bool snapshot, readonly;

    if (!read_options(b, kv, &snapshot, err)
        || !keyval_done(kv, "-drive", err)) {
        return false;
    }
    if (!path || !*path) {
        return fail(err, "file= is missing: -drive file=IMAGE,if=none,id=%s",
                    b->id);
    }
    b->path = g_strdup(g_str_has_prefix(path, "file:") ? path + 5 : path);
    readonly = b->readonly;
    b->readonly = readonly || snapshot;     /* of the file */
    b->file_readonly = b->readonly;
    b->lockable = !chosen(b, "locking", "off");
    if (!open_file(b, err) || !measure(b, err) || !check_format(b, format, err)
        || (b->lockable && !registry.left && !image_lock(b, err))
        || (snapshot && !raw_open_overlay(b, err))) {
        return false;
    }
    b->readonly = readonly;
    b->direct = b->direct && !snapshot;
    go_direct(b);
    if (chosen(b, "aio", "io_uring") && strcmp(aio_engine(b), "io_uring")) {
        fprintf(stderr, "anole: disk %s: this kernel does not allow io_uring; "
                "going on with aio=threads\n", b->id);
    }
    return true;
}

/* ---- the registry ------------------------------------------------------- */

static void free_block(void *opaque)
{
    Block *b = opaque;

    if (b->fd >= 0) {
        close(b->fd);
    }
    if (b->overlay >= 0) {
        close(b->overlay);
    }
    g_hash_table_destroy(b->options);
    g_mutex_clear(&b->lock);
    g_free(b->in_overlay);
    g_free(b->user);
    g_free(b->path);
    g_free(b->id);
    g_free(b);
}

static Block *open_parsed(KeyVal *kv, Err *err)
{
    const char *id = keyval_get(kv, "id"), *node = keyval_get(kv, "node-name");
    Block *b = g_new0(Block, 1);

    if (!registry.all) {
        registry.all = g_ptr_array_new_with_free_func(free_block);
    }
    id = id ? id : node;
    b->id = id ? g_strdup(id) : g_strdup_printf("drive%u", registry.all->len);
    b->fd = b->overlay = -1;
    b->options = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                       g_free);
    g_mutex_init(&b->lock);
    if (block_find(b->id)) {
        fail(err, "there is a disk \"%s\" already; each needs an id of its own",
             b->id);
    }
    if (err->text[0] || !set_up(b, kv, err)) {
        free_block(b);
        return NULL;
    }
    g_ptr_array_add(registry.all, b);
    return b;
}

Block *block_open(const char *text, Err *err)
{
    KeyVal *kv = keyval_parse(text, "file", err);
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

static void flush_last(Block *b)
{
    int r = b->readonly ? 0 : raw_flush(b);

    if (r) {
        fprintf(stderr, "anole: %s: %s; what was written last may be lost\n",
                b->path, g_strerror(-r));
    }
}

void block_close(Block *b)
{
    block_drain(b);
    flush_last(b);
    g_ptr_array_remove(registry.all, b);        /* frees it */
}

void block_leave(void)
{
    registry.left = true;
    for (u32 i = 0; registry.all && i < registry.all->len; i++) {
        image_unlock(registry.all->pdata[i]);
    }
}

bool block_take(Err *err)
{
    for (u32 i = 0; registry.left && registry.all && i < registry.all->len;
         i++) {
        const Block *b = registry.all->pdata[i];
        if (b->lockable && !image_lock(b, err)) {
            block_leave();
            return false;
        }
    }
    registry.left = false;
    return true;
}

void block_flush_all(void)
{
    for (u32 i = 0; registry.all && i < registry.all->len; i++) {
        flush_last(registry.all->pdata[i]);
    }
}

void block_close_all(void)
{
    block_drain_all();
    block_flush_all();
    g_clear_pointer(&registry.all, g_ptr_array_unref);
}

/* ---- about one ---------------------------------------------------------- */

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

const BlockCounts *block_counts(const Block *b)
{
    return &b->counts;
}

const char *block_path(const Block *b)
{
    return b->path;
}

u64 block_host_bytes(const Block *b)
{
    struct stat st;

    return fstat(b->fd, &st) < 0 ? 0 : (u64)st.st_blocks * SECTOR;
}

bool block_direct(const Block *b)
{
    return b->direct;
}

bool block_unsafe(const Block *b)
{
    return b->unsafe_cache;
}

bool block_temporary(const Block *b)
{
    return b->overlay >= 0;
}

const char *block_engine(const Block *b)
{
    return aio_engine(b);
}

bool block_claim(Block *b, const char *user, Err *err)
{
    if (b->user) {
        return fail(err, "the disk %s is used by %s already", b->id, b->user);
    }
    b->user = g_strdup(user);
    return true;
}

void block_release(Block *b, const char *user)
{
    if (b->user && strcmp(b->user, user) == 0) {
        block_drain(b);
        g_clear_pointer(&b->user, g_free);
    }
}

bool block_claimed(const Block *b)
{
    return b->user != NULL;
}
