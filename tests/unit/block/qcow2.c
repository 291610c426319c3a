/* SPDX-License-Identifier: MIT */
/*
 * qcow2 images of all shapes: random requests, many at once, and snapshots,
 * against an array in memory; then qemu-img says whether the image is sound
 * and what is in it; also of a process that was killed.  SEED=N and ROUNDS=N
 * make others.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "block/block.h"

enum { MIB = 1 << 20, BATCH = 12, LONGEST = 300 << 10, SNAPSHOTS = 3 };

typedef struct Shape {
    const char *name, *options;
    u32   size;                 /* of the disk, bytes */
    u32   backing;              /* bytes of what it is based on; 0: nothing */
    const char *backing_format;
    u32   highest;              /* refcount; 0: as high as we want */
} Shape;

static const Shape shapes[] = {
    { "as made by default", "compat=1.1", 6 * MIB, 0, NULL, 0 },
    { "version 2", "compat=0.10", 6 * MIB, 0, NULL, 0 },
    { "small clusters", "cluster_size=512", 3 * MIB, 0, NULL, 0 },
    { "small clusters, wide refcounts", "cluster_size=512,refcount_bits=64",
      3 * MIB, 0, NULL, 0 },
    { "refcounts of a bit", "cluster_size=4k,refcount_bits=1", 5 * MIB, 0,
      NULL, 1 },
    { "of two", "cluster_size=1k,refcount_bits=2", 3 * MIB, 0, NULL, 3 },
    { "of four", "cluster_size=4k,refcount_bits=4", 5 * MIB, 0, NULL, 0 },
    { "of a byte", "cluster_size=8k,refcount_bits=8", 5 * MIB, 0, NULL, 0 },
    { "large clusters, lazy refcounts", "cluster_size=2M,lazy_refcounts=on",
      9 * MIB, 0, NULL, 0 },
    { "preallocated", "preallocation=metadata", 5 * MIB, 0, NULL, 0 },
    { "based on raw, larger", "cluster_size=16k", 5 * MIB, 2 * MIB + 512,
      "raw", 0 },
    { "based on qcow2", "cluster_size=4k", 5 * MIB, 5 * MIB, "qcow2", 0 },
    { "version 2 based on raw", "compat=0.10,cluster_size=4k", 4 * MIB,
      4 * MIB, "raw", 0 },
    { "compressed below", "cluster_size=32k", 4 * MIB, 4 * MIB,
      "packed", 0 },
    { "compressed by zstd below", "cluster_size=32k", 4 * MIB, 4 * MIB,
      "zstd", 0 },
};

typedef struct Bench {
    const Shape *shape;
    char   *folder, *image;
    GRand  *rand;
    Block  *b;
    u8     *disk;               /* what should be there */
    u8     *old[SNAPSHOTS];     /* of the snapshots with these numbers */
    int     waiting, tests, failed;
    bool    wrong;
} Bench;

static void check(Bench *x, bool good, const char *what)
{
    printf("%s %d - %s: %s\n", good ? "ok" : "not ok", ++x->tests,
           x->shape ? x->shape->name : "all", what);
    x->failed += !good;
}

static u32 below(Bench *x, u32 n)
{
    return g_rand_int(x->rand) % n;
}

/* Runs a command; its status, and what it said if that is not 0. */
static bool shell(const char *format, ...)
{
    va_list list;
    g_autofree char *out = NULL, *errors = NULL;
    int status = -1;

    va_start(list, format);
    g_autofree char *line = g_strdup_vprintf(format, list);
    va_end(list);
    if (!g_spawn_command_line_sync(line, &out, &errors, &status, NULL)
        || status) {
        printf("# %s\n# %d: %s%s\n", line, status, out ? out : "",
               errors ? errors : "");
        return false;
    }
    return true;
}

static void fill(Bench *x, u8 *p, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        p[i] = (u8)(g_rand_int(x->rand) >> (i % 4 * 8));
    }
}

/* ---- requests ----------------------------------------------------------- */

typedef struct Job {
    Bench  *x;
    BlockOp op;
    u32     at, len;
    u8     *buf;
    struct iovec iov[3];
} Job;

static void done(void *opaque, int ret)
{
    Job *j = opaque;
    Bench *x = j->x;

    if (ret || (j->op == BLOCK_READ
                && memcmp(j->buf, x->disk + j->at, j->len))) {
        printf("# %d of op %d at %#x, %#x bytes\n", ret, j->op, j->at, j->len);
        x->wrong = true;
    }
    if (j->op == BLOCK_DISCARD) {       /* what is there then is not said */
        block_pread(x->b, j->at, x->disk + j->at, j->len);
    }
    x->waiting--;
    g_free(j->buf);
    g_free(j);
}

static void apply(Bench *x, const Job *j)
{
    if (j->op == BLOCK_WRITE || j->op == BLOCK_WRITE_FLUSH) {
        memcpy(x->disk + j->at, j->buf, j->len);
    } else if (j->op == BLOCK_ZEROES) {
        memset(x->disk + j->at, 0, j->len);
    }
}

static void submit(Bench *x, BlockOp op, u32 at, u32 len)
{
    Job *j = g_new0(Job, 1);
    u32 a = below(x, len / 512 + 1) * 512, b;
    int n = 0;

    *j = (Job) { .x = x, .op = op, .at = at, .len = len };
    if (op == BLOCK_READ || op == BLOCK_WRITE || op == BLOCK_WRITE_FLUSH) {
        j->buf = g_malloc(len);
        fill(x, j->buf, op == BLOCK_READ ? 0 : len);
        b = a + below(x, (len - a) / 512 + 1) * 512;
        j->iov[0] = (struct iovec) { j->buf, a };
        j->iov[1] = (struct iovec) { j->buf + a, b - a };
        j->iov[2] = (struct iovec) { j->buf + b, len - b };
        n = 3;
    }
    apply(x, j);
    x->waiting++;
    block_submit(x->b, &(BlockRequest) {
        .op = op, .offset = at, .len = len, .iov = j->iov, .n = n,
        .done = done, .opaque = j });
}

static void finish(Bench *x)
{
    while (x->waiting) {
        g_main_context_iteration(NULL, true);
    }
}

/* Requests at once, none of which overlap unless all of them read. */
static void batch(Bench *x)
{
    static const BlockOp ops[] = {
        BLOCK_WRITE, BLOCK_WRITE, BLOCK_WRITE, BLOCK_READ, BLOCK_READ,
        BLOCK_ZEROES, BLOCK_WRITE_FLUSH, BLOCK_FLUSH, BLOCK_DISCARD,
    };
    u32 at = below(x, x->shape->size / 512) * 512;

    block_plug(NULL);
    for (u32 i = 0; i < BATCH && at < x->shape->size; i++) {
        u32 most = below(x, 4) ? 9000 : LONGEST;
        u32 len = (1 + below(x, most / 512)) * 512;
        BlockOp op = ops[below(x, countof(ops))];
        len = MIN(len, x->shape->size - at);
        submit(x, op, op == BLOCK_FLUSH ? 0 : at, op == BLOCK_FLUSH ? 0 : len);
        at += len + (below(x, 3) ? 0 : below(x, 64) * 512);
    }
    block_unplug(NULL);
    finish(x);
}

/* ---- snapshots ---------------------------------------------------------- */

/* Do the refcounts allow one more user, even if all share all clusters? */
static bool one_more(const Bench *x)
{
    u32 users = 1;

    for (u32 i = 0; i < SNAPSHOTS; i++) {
        users += x->old[i] != NULL;
    }
    return !x->shape->highest || users + 1 <= x->shape->highest;
}

static void take(Bench *x, u32 n, const char *name)
{
    u8 state[5000];
    Err err = { 0 };
    BlockSnapshot what = { .name = name, .seconds = 1, .vm_clock = 2,
                           .state_bytes = sizeof state };
    bool ok;

    memset(state, (int)n + 1, sizeof state);
    ok = block_put_state(x->b, 0, state, sizeof state) == 0
        && block_snapshot_create(x->b, &what, &err);
    if (!ok && one_more(x)) {
        printf("# one more snapshot: %s\n", err.text);
        x->wrong = true;
    }
    if (ok) {
        x->old[n] = g_memdup2(x->disk, x->shape->size);
    }
}

static void change_snapshots(Bench *x)
{
    u32 n = below(x, SNAPSHOTS);
    g_autofree char *name = g_strdup_printf("s%u", n);
    Err err = { 0 };
    BlockSnapshot s;
    u8 state[5000];

    if (!x->old[n]) {
        take(x, n, name);
        return;
    }
    if (!block_snapshot_find(x->b, name, &s)
        || block_get_state(x->b, s.id, 0, state, sizeof state)
        || state[0] != n + 1 || memcmp(state, state + 1, sizeof state - 1)) {
        printf("# the state in snapshot %s\n", name);
        x->wrong = true;
    } else if (below(x, 2)) {
        bool went = block_snapshot_go(x->b, s.id, &err);
        x->wrong |= !went && one_more(x);
        if (went) {
            memcpy(x->disk, x->old[n], x->shape->size);
        }
    } else {
        x->wrong |= !block_snapshot_remove(x->b, s.id, &err);
        g_clear_pointer(&x->old[n], g_free);
    }
    if (*err.text) {
        printf("# %s: %s\n", name, err.text);
    }
}

/* ---- images ------------------------------------------------------------- */

/* What the image is based on, and that as the disk. */
static char *make_below(Bench *x)
{
    const Shape *s = x->shape;
    g_autofree char *raw = g_strconcat(x->folder, "/below.raw", NULL);
    bool is_raw = s->backing && strcmp(s->backing_format, "raw") == 0;
    bool packed = s->backing && strcmp(s->backing_format, "qcow2") != 0;

    if (!s->backing) {
        return g_strdup("");
    }
    fill(x, x->disk, s->backing / 2);   /* the rest is easily compressed */
    memset(x->disk + s->backing / 2, 7, s->backing / 2);
    g_file_set_contents(raw, (char *)x->disk, s->backing, NULL);
    if (!is_raw) {
        shell("qemu-img convert %s -f raw -O qcow2 -o compression_type=%s %s "
              "%s/below.qcow2", packed ? "-c" : "",
              strcmp(s->backing_format, "zstd") ? "zlib" : "zstd", raw,
              x->folder);
    }
    return g_strdup_printf("-b below.%s -F %s", is_raw ? "raw" : "qcow2",
                           is_raw ? "raw" : "qcow2");
}

static bool open_image(Bench *x)
{
    g_autofree char *text = g_strdup_printf(
        "file=%s,if=none,id=d,discard=unmap,format=qcow2", x->image);
    Err err = { 0 };

    x->b = block_open(text, &err);
    if (!x->b) {
        printf("# %s\n", err.text);
    }
    return x->b != NULL;
}

/* Is all well with it, and does it hold what it should? */
static bool sound(Bench *x)
{
    g_autofree char *out = g_strconcat(x->folder, "/out.raw", NULL);
    g_autofree char *got = NULL;
    gsize n;

    return shell("qemu-img check -q %s", x->image)
        && shell("qemu-img convert -f qcow2 -O raw %s %s", x->image, out)
        && g_file_get_contents(out, &got, &n, NULL) && n == x->shape->size
        && memcmp(got, x->disk, n) == 0;
}

static void test_shape(Bench *x, const Shape *s, u32 rounds)
{
    x->shape = s;
    x->disk = g_malloc0(s->size);
    x->wrong = false;
    g_autofree char *based = make_below(x);
    if (!shell("qemu-img create -q -f qcow2 %s -o %s %s %u", based, s->options,
               x->image, s->size) || !open_image(x)) {
        check(x, false, "an image");
        return;
    }
    for (u32 i = 0; i < rounds && !x->wrong; i++) {
        batch(x);
        if (i % 8 == 7) {
            change_snapshots(x);
        }
        if (i % 16 == 15) {             /* what is in it counts, not we */
            block_close(x->b);
            bool ok = sound(x) && open_image(x);
            x->wrong |= !ok;
        }
    }
    check(x, !x->wrong, "random requests and snapshots");
    for (u32 i = 0; i < SNAPSHOTS; i++) {
        g_clear_pointer(&x->old[i], g_free);
    }
    g_clear_pointer(&x->disk, g_free);
    block_close_all();
}

/* ---- hostile images ----------------------------------------------------- */

enum { HOSTILE = 2 * MIB };

/* One that has something of everything, as bytes. */
static char *rich_image(Bench *x, const char *options, gsize *n)
{
    g_autofree char *raw = g_strconcat(x->folder, "/h.raw", NULL);
    char *bytes = NULL;

    fill(x, x->disk, HOSTILE / 4);
    memset(x->disk + HOSTILE / 4, 7, HOSTILE / 4);
    g_file_set_contents(raw, (char *)x->disk, HOSTILE, NULL);
    if (shell("qemu-img convert -c -f raw -O qcow2 -o cluster_size=4k,%s %s %s",
              options, raw, x->image)
        && shell("qemu-img snapshot -c one %s", x->image)
        && shell("qemu-io -c 'write -P 3 0 100k' -c 'write -z 300k 64k' -c "
                 "'write -P 4 1M 64k' %s", x->image)
        && shell("qemu-img snapshot -c two %s", x->image)
        && shell("qemu-io -c 'write -P 5 8k 64k' %s", x->image)) {
        g_file_get_contents(x->image, &bytes, n, NULL);
    }
    return bytes;
}

/*
 * Numbers of the tables become others, by preference such as might be offsets:
 * tables lead to each other, to themselves, and out of the image.
 */
static void spoil(Bench *x, u8 *p, gsize n)
{
    for (u32 k = 1 + below(x, 6); k; k--) {
        u32 page = below(x, 8) ? 1 + below(x, 15) : 0;
        u32 at = page * 4096 + below(x, page ? 512 : 14) * 8;
        u64 v = (u64)below(x, (u32)(n / 4096) + 4) * 4096;
        switch (below(x, 6)) {
        case 0: v |= BIT(63); break;
        case 1: v |= BIT(62); break;
        case 2: v = BIT(below(x, 64)); break;
        case 3: v = ~0ull >> below(x, 64); break;
        case 4: v = load_be(p + at, 8) ^ BIT(below(x, 64)); break;
        default: break;
        }
        store_be(p + MIN(at, n - 8), 8, v);
    }
}

static void ignore(void *opaque, int ret)
{
    (void)ret;
    ((Bench *)opaque)->waiting--;
}

/* Whatever it answers, it answers. */
static void use_hostile(Bench *x)
{
    g_autofree u8 *buf = g_malloc0(LONGEST);
    struct iovec iov = { buf, 0 };
    u64 size = MIN(block_size(x->b), 64 * MIB);
    BlockSnapshot s;
    Err err = { 0 };

    for (u32 i = 0; i < 40; i++) {
        u64 at = below(x, (u32)(size / 512)) * 512ull;
        iov.iov_len = MIN((1 + below(x, 200)) * 512, size - at);
        BlockOp op = below(x, BLOCK_OPS);
        x->waiting++;
        block_submit(x->b, &(BlockRequest) {
            .op = op, .offset = at, .len = iov.iov_len, .iov = &iov, .n = 1,
            .done = ignore, .opaque = x });
        finish(x);
    }
    block_put_state(x->b, 0, buf, LONGEST);
    block_snapshot_create(x->b, &(BlockSnapshot) { .name = "x" }, &err);
    if (block_snapshot(x->b, 0, &s)) {
        block_get_state(x->b, s.id, 0, buf, LONGEST);
        block_snapshot_go(x->b, s.id, &err);
    }
    if (block_snapshot(x->b, 0, &s)) {
        block_snapshot_remove(x->b, s.id, &err);
    }
}

static void test_hostile(Bench *x, const char *options, u32 rounds)
{
    u32 opened = 0;
    gsize n = 0;

    x->shape = NULL;
    x->disk = g_malloc0(HOSTILE);
    g_autofree char *good = rich_image(x, options, &n);
    for (u32 i = 0; good && i < rounds; i++) {
        g_autofree char *bad = g_memdup2(good, n);
        spoil(x, (u8 *)bad, n);
        g_file_set_contents(x->image, bad, (gssize)n, NULL);
        if (open_image(x)) {
            use_hostile(x);
            block_close_all();
            opened++;
        }
    }
    check(x, good && opened, "hostile images do no harm");
    g_clear_pointer(&x->disk, g_free);
}

/* ---- crashes ------------------------------------------------------------ */

enum { SAFE = 8192, CRASH_DISK = 12 * MIB, ACKNOWLEDGED = 60 };

/* Writes at random for ever, and in order what it tells of when it is safe. */
static void write_for_ever(Bench *x, int tell)
{
    g_autofree u8 *mine = g_malloc(SAFE);
    u8 *noise = g_malloc(LONGEST);
    struct iovec v = { mine, SAFE };

    fill(x, noise, LONGEST);
    for (u32 i = 0; i < CRASH_DISK / 2 / SAFE; i++) {
        struct iovec other = { noise, (1 + below(x, 100)) * 512 };
        memset(mine, (int)i % 250 + 1, SAFE);
        for (u32 k = 0; k < 3; k++) {
            x->waiting++;
            block_submit(x->b, &(BlockRequest) {
                .op = k ? BLOCK_WRITE : BLOCK_ZEROES, .len = other.iov_len,
                .offset = CRASH_DISK / 2 + below(x, 10000) * 512ull,
                .iov = &other, .n = 1, .done = ignore, .opaque = x });
        }
        x->waiting++;
        block_submit(x->b, &(BlockRequest) {
            .op = BLOCK_WRITE_FLUSH, .offset = (u64)i * SAFE, .len = SAFE,
            .iov = &v, .n = 1, .done = ignore, .opaque = x });
        finish(x);
        if (write(tell, "x", 1) != 1) {
            break;
        }
    }
    pause();
}

/* How much a process that is killed says that it has written for good. */
static u32 crash(Bench *x)
{
    int ends[2];
    u32 said = 0;
    char c;

    if (pipe(ends) < 0) {
        return 0;
    }
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        if (open_image(x)) {
            write_for_ever(x, ends[1]);
        }
        _exit(1);
    }
    close(ends[1]);
    while (read(ends[0], &c, 1) == 1) {
        if (++said == ACKNOWLEDGED) {
            kill(child, SIGKILL);
        }
    }
    close(ends[0]);
    waitpid(child, NULL, 0);
    return said;
}

/* Nothing is lost and nothing is wrong; clusters may be wasted. */
static bool survived(Bench *x, u32 said)
{
    g_autofree char *out = g_strconcat(x->folder, "/out.raw", NULL);
    g_autofree char *got = NULL;
    gsize n;
    bool ok = said >= ACKNOWLEDGED
        && shell("sh -c 'qemu-img check -q %s || test $? = 3'", x->image)
        && shell("qemu-img convert -f qcow2 -O raw %s %s", x->image, out)
        && g_file_get_contents(out, &got, &n, NULL) && n == CRASH_DISK;

    for (u32 i = 0; ok && i < said * SAFE; i++) {
        ok = (u8)got[i] == i / SAFE % 250 + 1;
    }
    return ok;
}

static void test_crash(Bench *x, const char *options)
{
    bool ok = true;

    for (u32 i = 0; i < 3 && ok; i++) {
        ok = shell("qemu-img create -q -f qcow2 -o %s %s %u", options,
                   x->image, CRASH_DISK)
            && survived(x, crash(x));
    }
    check(x, ok, "what was flushed outlives a crash");
}

/* Its refcounts were left behind: they are counted before it is written to. */
static void test_dirty(Bench *x)
{
    u8 buf[4096];
    bool ok = shell("qemu-img create -q -f qcow2 -o lazy_refcounts=on,"
                    "cluster_size=4k %s 4M", x->image)
        && shell("qemu-img snapshot -c s %s", x->image)
        && shell("sh -c \"ulimit -c 0; qemu-io -c 'write -P 7 0 2M' -c abort "
                 "%s; qemu-img info %s | grep -q 'corrupt: false'\"",
                 x->image, x->image)
        && shell("sh -c '! qemu-img check -q %s >/dev/null 2>&1'", x->image)
        && open_image(x);

    ok = ok && block_pread(x->b, MIB, buf, sizeof buf) == 0 && buf[99] == 7
        && block_pwrite(x->b, 3 * MIB, buf, sizeof buf) == 0;
    block_close_all();
    check(x, ok && shell("qemu-img check -q %s", x->image)
          && shell("qemu-io -r -c 'read -P 7 0 2M' -c 'read -P 7 3M 4k' %s",
                   x->image), "the dirty bit");
}

int main(void)
{
    static const char *const hostile[] = {
        "compat=1.1", "compat=0.10", "compression_type=zstd,refcount_bits=32",
    };
    Bench x = { 0 };
    const char *seed = g_getenv("SEED"), *rounds = g_getenv("ROUNDS");
    g_autofree char *there = g_find_program_in_path("qemu-img");

    if (!there) {
        printf("1..0 # SKIP there is no qemu-img\n");
        return 77;
    }
    x.rand = g_rand_new_with_seed(seed ? (u32)atoi(seed) : 1);
    x.folder = g_dir_make_tmp("anole-qcow2-XXXXXX", NULL);
    x.image = g_strconcat(x.folder, "/d.qcow2", NULL);
    /* Before there are threads, which children would lack. */
    test_crash(&x, "cluster_size=64k");
    test_crash(&x, "cluster_size=512,refcount_bits=64");
    for (u32 i = 0; i < countof(shapes); i++) {
        test_shape(&x, &shapes[i], rounds ? (u32)atoi(rounds) : 32);
    }
    for (u32 i = 0; i < countof(hostile); i++) {
        test_hostile(&x, hostile[i], rounds ? (u32)atoi(rounds) : 100);
    }
    test_dirty(&x);
    printf("1..%d\n", x.tests);
    shell("rm -r %s", x.folder);
    g_rand_free(x.rand);
    g_free(x.folder);
    g_free(x.image);
    return x.failed != 0;
}
