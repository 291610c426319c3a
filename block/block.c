/* SPDX-License-Identifier: MIT */
/*
 * Disks: the registry, and what -drive says of one.
 *
 * Left out: throttling.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include "block/backend.h"
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

/* A failed request, for the main thread to tell of. */
typedef struct Failure {
    char   *id;
    BlockOp op;
    int     error;
} Failure;

static gboolean tell_later(void *opaque)
{
    Failure *f = opaque;
    Block *b = block_find(f->id);

    if (b) {
        registry.failed(registry.opaque, b, f->op, f->error);
    }
    g_free(f->id);
    g_free(f);
    return G_SOURCE_REMOVE;
}

static void tell(const AioRequest *r)
{
    Failure f = { g_strdup(r->b->id), r->op, r->ret };

    g_idle_add_full(G_PRIORITY_DEFAULT, tell_later, g_memdup2(&f, sizeof f),
                    NULL);
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
        tell(r);
    }
}

void block_on_error(void (*fn)(void *opaque, Block *b, BlockOp op, int error),
                    void *opaque)
{
    registry.failed = fn;
    registry.opaque = opaque;
}

/* One that is waited for, by who is no device. */
static int transfer(Block *b, BlockOp op, u64 offset, void *p, size_t len)
{
    struct iovec v = { p, len };
    AioRequest r = { .b = b, .op = op, .offset = offset, .len = len,
                     .iov = &v, .n = 1, .ret = check(b, op, offset, len) };

    return r.ret || !len ? r.ret : image_perform(&r);
}

int block_pread(Block *b, u64 offset, void *buf, size_t len)
{
    return transfer(b, BLOCK_READ, offset, buf, len);
}

int block_pwrite(Block *b, u64 offset, const void *buf, size_t len)
{
    return transfer(b, BLOCK_WRITE, offset, (void *)buf, len);
}

void block_drain(Block *b)
{
    aio_drain(b);
}

void block_drain_all(void)
{
    iothreads_drain();
    aio_drain_all(NULL);
}

void block_set_thread(Block *b, IoThread *t)
{
    block_drain(b);
    b->thread = t;
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
            b->want.direct = m->direct;
            b->sync = m->sync;
            b->want.unsafe = m->unsafe;
            return true;
        }
    }
    return fail(err, "cache=%s: write writeback, none, writethrough, "
                "directsync or unsafe", cache);
}

/* Options that have some values only; the first is what is left out. */
typedef struct Choice {
    const char *key, *values[7];
} Choice;

static const Choice choices[] = {
    { "aio",     { "io_uring", "native", "threads" } },
    { "discard", { "ignore", "off", "unmap", "on" } },
    { "werror",  { "report", "ignore", "enospc", "stop" } },
    { "rerror",  { "report", "ignore", "stop" } },
    { "locking", { "auto", "on", "off" } },
    { "media",   { "disk", "cdrom" } },
    { "if",      { "none", "virtio", "pflash", "ide", "floppy", "scsi",
                  "sd" } },
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
    b->want.discard = chosen(b, "discard", "unmap")
        || chosen(b, "discard", "on");
    b->threads = chosen(b, "aio", "threads");
    b->readonly = chosen(b, "media", "cdrom");
    if (chosen(b, "werror", "stop") || chosen(b, "rerror", "stop")) {
        fprintf(stderr, "anole: disk %s: werror=stop and rerror=stop are not "
                "there yet; the guest sees the errors\n", b->id);
    }
    return true;
}

static bool read_options(Block *b, KeyVal *kv, Err *err)
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
        || !keyval_bool(kv, "snapshot", false, &b->temporary, err)) {
        return false;
    }
    b->readonly = b->readonly || readonly || read_only;
    return true;
}

/* ---- images ------------------------------------------------------------- */

/* Of what may be anything the guest must not make what it likes. */
static void warn_of_guess(const Block *b)
{
    if (b->image->guessed && !b->image->readonly) {
        fprintf(stderr, "anole: %s: no format= was given, and it does not look "
                "like any but raw. What the guest writes to its first sector "
                "must not look like one either; format=raw allows that\n",
                b->path);
    }
}

/* An image that other processes may have in the meantime is read only then. */
static bool begin(Image *i, Err *err)
{
    return !i->kind->begin || i->kind->begin(i, err);
}

/* Opens the image, and what writes go to if it is to stay as it is. */
static Image *open_image(Block *b, bool ours, Err *err)
{
    Image *i = image_open(&b->want, err), *top;

    if (i && ours && b->lockable && !image_lock(i, err)) {
        image_free(i);
        return NULL;
    }
    if (i && b->temporary) {
        top = image_overlay(i, err);
        if (!top) {
            image_free(i);
        }
        i = top;
    }
    if (i && ours && !begin(i, err)) {
        image_free(i);
        return NULL;
    }
    return i;
}

/* Drives whose disk can be changed need none to begin with. */
static bool may_be_empty(const Block *b)
{
    return chosen(b, "media", "cdrom") || chosen(b, "if", "floppy")
        || chosen(b, "if", "none");
}

static bool set_up(Block *b, KeyVal *kv, Err *err)
{
    const char *path = keyval_get(kv, "file");
    const char *format = keep(b, kv, "format");

    if (!read_options(b, kv, err) || !keyval_done(kv, "-drive", err)) {
        return false;
    }
    if (!path || !*path) {
        b->readonly = true;
        return may_be_empty(b)
            || fail(err, "file= is missing: -drive file=IMAGE,if=none,id=%s",
                    b->id);
    }
    b->path = g_strdup(g_str_has_prefix(path, "file:") ? path + 5 : path);
    b->want.path = b->path;
    b->want.format = format ? block_option(b, "format") : NULL;
    b->want.readonly = b->readonly || b->temporary;
    b->want.direct = b->want.direct && !b->temporary;
    b->lockable = !chosen(b, "locking", "off");
    b->image = open_image(b, !registry.left, err);
    if (!b->image) {
        return false;
    }
    b->size = b->image->size;
    warn_of_guess(b);
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

    image_free(b->image);
    g_hash_table_destroy(b->options);
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
    b->options = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                       g_free);
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

/* Twice: what was freed is known to be so only after the first. */
static void flush_last(Block *b)
{
    Image *i = b->image;
    int r = i ? image_flush(i) : 0;

    if (r == 0 && i && i->kind->unwritten && i->kind->unwritten(i)) {
        r = image_flush(i);
    }
    if (r && !b->temporary) {
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
        image_unlock(((Block *)registry.all->pdata[i])->image);
    }
}

/* Another process may have changed it. */
static bool take(Block *b, Err *err)
{
    Image *i = b->image ? open_image(b, true, err) : NULL;

    if (!b->image) {
        return true;            /* an empty drive */
    }
    if (i && i->size != b->size) {
        fail(err, "%s has another size now", b->path);
        image_free(i);
        i = NULL;
    }
    if (i) {
        image_free(b->image);
        b->image = i;
    }
    return i != NULL;
}

bool block_take(Err *err)
{
    for (u32 i = 0; registry.left && registry.all && i < registry.all->len;
         i++) {
        if (!take(registry.all->pdata[i], err)) {
            block_leave();
            return false;
        }
    }
    registry.left = false;
    return true;
}

void block_flush_all(void)
{
    for (u32 i = 0; registry.all && !registry.left && i < registry.all->len;
         i++) {
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

bool block_empty(const Block *b)
{
    return !b->path;
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

    return !b->image || fstat(b->image->fd, &st) < 0
        ? 0 : (u64)st.st_blocks * SECTOR;
}

const char *block_format(const Block *b)
{
    return b->image ? b->image->kind->name : NULL;
}

const char *block_backing(const Block *b, u32 depth)
{
    const Image *i = b->temporary && b->image ? b->image->backing : b->image;

    while (i && depth--) {
        i = i->backing;
    }
    return i ? i->path : NULL;
}

bool block_direct(const Block *b)
{
    return b->image && b->image->direct;
}

bool block_unsafe(const Block *b)
{
    return b->want.unsafe;
}

bool block_temporary(const Block *b)
{
    return b->temporary;
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

/* ---- snapshots ---------------------------------------------------------- */

static const SnapshotKind *snapshots(const Block *b)
{
    return b->image ? b->image->kind->snapshots : NULL;
}

bool block_can_snapshot(const Block *b)
{
    return snapshots(b) != NULL && !b->image->readonly;
}

bool block_snapshot(const Block *b, u32 nth, BlockSnapshot *out)
{
    return snapshots(b) && snapshots(b)->get(b->image, nth, out);
}

bool block_snapshot_find(const Block *b, const char *name, BlockSnapshot *out)
{
    for (u32 i = 0; block_snapshot(b, i, out); i++) {
        if (strcmp(out->name, name) == 0) {
            return true;
        }
    }
    return false;
}

bool block_snapshot_create(Block *b, const BlockSnapshot *what, Err *err)
{
    block_drain(b);
    return snapshots(b)->create(b->image, what, err);
}

bool block_snapshot_go(Block *b, const char *id, Err *err)
{
    block_drain(b);
    return snapshots(b)->go(b->image, id, err);
}

bool block_snapshot_remove(Block *b, const char *id, Err *err)
{
    block_drain(b);
    return snapshots(b)->remove(b->image, id, err);
}

int block_put_state(Block *b, u64 offset, const void *p, size_t len)
{
    return snapshots(b)->put_state(b->image, offset, p, len);
}

int block_get_state(Block *b, const char *id, u64 offset, void *p, size_t len)
{
    return snapshots(b)->get_state(b->image, id, offset, p, len);
}

const char *block_user(const Block *b)
{
    return b->user;
}
