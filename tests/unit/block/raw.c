/* SPDX-License-Identifier: MIT */
/* Raw images through both engines; overlays, locks, and what users mistake. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "block/block.h"

enum { MIB = 1 << 20, DISK = 8 * MIB, CHUNK = 4096, MANY = 500 };

typedef struct Bench {
    char *folder, *image;
    int   waiting, last;        /* requests under way; result of the last */
    u32   errors;
    int   tests, failed;
} Bench;

static void check(Bench *x, bool good, const char *what)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++x->tests, what);
    x->failed += !good;
}

static void done(void *opaque, int ret)
{
    Bench *x = opaque;

    x->waiting--;
    x->last = ret;
    x->errors += ret != 0;
}

static void submit(Bench *x, Block *b, BlockRequest q)
{
    x->waiting++;
    q.done = done;
    q.opaque = x;
    block_submit(b, &q);
}

/* One request, to its end. */
static int run(Bench *x, Block *b, BlockOp op, u64 offset, u64 len, void *buf)
{
    struct iovec iov = { buf, len };

    submit(x, b, (BlockRequest) { .op = op, .offset = offset, .len = len,
                                  .iov = &iov, .n = buf ? 1 : 0 });
    while (x->waiting) {
        g_main_context_iteration(NULL, true);
    }
    return x->last;
}

static u64 pattern(u64 block)
{
    return block * 0x9e3779b97f4a7c15ull + 1;
}

static void fill(u8 *p, u64 block)
{
    for (u32 i = 0; i < CHUNK; i += 8) {
        store_le(p + i, 8, pattern(block) + i);
    }
}

static bool filled(const u8 *p, u64 block)
{
    for (u32 i = 0; i < CHUNK; i += 8) {
        if (load_le(p + i, 8) != pattern(block) + i) {
            return false;
        }
    }
    return true;
}

static bool all_zero(const u8 *p, size_t len)
{
    return !*p && !memcmp(p, p + 1, len - 1);
}

static Block *open_disk(const Bench *x, const char *options, Err *err)
{
    g_autofree char *text = g_strdup_printf("file=%s,if=none,id=d,format=raw%s",
                                            x->image, options);

    err->text[0] = '\0';
    return block_open(text, err);
}

static void make_image(const Bench *x, u64 size)
{
    int fd = open(x->image, O_CREAT | O_TRUNC | O_RDWR, 0600);

    if (fd < 0 || ftruncate(fd, (off_t)size) < 0) {
        perror(x->image);
        exit(EXIT_FAILURE);
    }
    close(fd);
}

/* ---- transfers ---------------------------------------------------------- */

/* All of the disk in chunks, each of two pieces, many at once. */
static bool sweep(Bench *x, Block *b, BlockOp op, u8 *mem)
{
    x->errors = 0;
    for (u32 at = 0; at < DISK / CHUNK; at += MANY) {
        u32 end = MIN(at + MANY, DISK / CHUNK);
        block_plug(NULL);
        for (u32 i = at; i < end; i++) {
            u8 *p = mem + (size_t)i * CHUNK;
            struct iovec iov[2] = { { p, 512 }, { p + 512, CHUNK - 512 } };
            submit(x, b, (BlockRequest) {
                .op = op, .offset = (u64)i * CHUNK, .len = CHUNK, .iov = iov,
                .n = 2 });
        }
        block_unplug(NULL);
        while (x->waiting) {
            g_main_context_iteration(NULL, true);
        }
    }
    return x->errors == 0;
}

static bool sweep_equal(const u8 *mem)
{
    for (u32 i = 0; i < DISK / CHUNK; i++) {
        if (!filled(mem + (size_t)i * CHUNK, i)) {
            return false;
        }
    }
    return true;
}

static void transfers(Bench *x, const char *options)
{
    Err err = { 0 };
    u8 *mem = aligned_alloc(4096, DISK + 4096);

    make_image(x, DISK);
    Block *b = open_disk(x, options, &err);
    printf("# %s: %s\n", options, b ? block_engine(b) : err.text);
    check(x, b && block_size(b) == DISK && !block_readonly(b), "opens");
    for (u32 i = 0; i < DISK / CHUNK; i++) {
        fill(mem + (size_t)i * CHUNK, i);
    }
    check(x, sweep(x, b, BLOCK_WRITE, mem), "writes all of it");
    check(x, run(x, b, BLOCK_FLUSH, 0, 0, NULL) == 0, "flushes");
    memset(mem, 0, DISK);
    check(x, sweep(x, b, BLOCK_READ, mem) && sweep_equal(mem),
          "reads what was written");
    memset(mem, 0, DISK);
    check(x, run(x, b, BLOCK_READ, 3 * CHUNK, CHUNK, mem + 100) == 0
          && filled(mem + 100, 3), "to memory that is not aligned");
    fill(mem + 200, 77);
    check(x, run(x, b, BLOCK_WRITE_FLUSH, 5 * CHUNK, CHUNK, mem + 200) == 0
          && block_pread(b, 5 * CHUNK, mem, CHUNK) == 0 && filled(mem, 77),
          "writes through, and it is there at once");
    check(x, run(x, b, BLOCK_ZEROES, 512, 3 * CHUNK, NULL) == 0
          && block_pread(b, 512, mem, 3 * CHUNK) == 0
          && all_zero(mem, 3 * CHUNK), "writes zeroes");
    check(x, run(x, b, BLOCK_WRITE, DISK - 512, 1024, mem) == -EIO
          && run(x, b, BLOCK_READ, ~0ull - 511, 512, mem) == -EIO,
          "nothing beyond the end");
    check(x, block_pwrite(b, 12345, "hello", 5) == 0
          && block_pread(b, 12345, mem, 5) == 0 && !memcmp(mem, "hello", 5),
          "any bytes when they are waited for");
    struct iovec iov = { mem, CHUNK };
    submit(x, b, (BlockRequest) { .op = BLOCK_READ, .len = CHUNK, .iov = &iov,
                                  .n = 1 });
    block_drain(b);
    check(x, x->waiting == 0, "drains");
    block_close_all();
    free(mem);
}

static u64 blocks_of(const Bench *x)
{
    struct stat st;

    return stat(x->image, &st) == 0 ? (u64)st.st_blocks : 0;
}

static void discards(Bench *x, const char *engine)
{
    Err err = { 0 };
    g_autofree u8 *mem = g_malloc0(MIB);
    g_autofree char *with = g_strconcat(engine, ",discard=unmap", NULL);

    make_image(x, DISK);
    memset(mem, 1, MIB);
    Block *b = open_disk(x, engine, &err);
    run(x, b, BLOCK_WRITE, MIB, MIB, mem);
    run(x, b, BLOCK_FLUSH, 0, 0, NULL);
    u64 before = blocks_of(x);
    check(x, run(x, b, BLOCK_DISCARD, MIB, MIB, NULL) == 0
          && blocks_of(x) == before, "discard is ignored if not asked for");
    block_close_all();
    b = open_disk(x, with, &err);
    check(x, run(x, b, BLOCK_DISCARD, MIB, MIB, NULL) == 0
          && blocks_of(x) < before, "discard=unmap gives the space back");
    block_close_all();
}

static void short_file(Bench *x, const char *engine)
{
    Err err = { 0 };
    u8 buf[1024];

    make_image(x, 1000);
    memset(buf, 1, sizeof buf);
    Block *b = open_disk(x, engine, &err);
    check(x, block_size(b) == 1024, "a size is rounded up to sectors");
    check(x, run(x, b, BLOCK_READ, 512, 512, buf) == 0 && all_zero(buf, 512),
          "behind the end of the file there are zeros");
    memset(buf, 7, sizeof buf);
    check(x, run(x, b, BLOCK_WRITE, 0, 1024, buf) == 0
          && run(x, b, BLOCK_READ, 0, 1024, buf) == 0 && buf[1023] == 7,
          "that can be written");
    block_close_all();
}

/* The host refuses to write: the guest's error, and the disk goes on. */
static void host_errors(Bench *x, const char *engine)
{
    struct rlimit old, less = { 4 * MIB, RLIM_INFINITY };
    Err err = { 0 };
    u8 buf[CHUNK] = { 1 };

    make_image(x, MIB);
    getrlimit(RLIMIT_FSIZE, &old);
    make_image(x, DISK);
    Block *b = open_disk(x, engine, &err);
    less.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_FSIZE, &less);
    check(x, run(x, b, BLOCK_WRITE, 5 * MIB, CHUNK, buf) == -EFBIG,
          "an error of the host is the guest's");
    setrlimit(RLIMIT_FSIZE, &old);
    check(x, run(x, b, BLOCK_WRITE, 5 * MIB, CHUNK, buf) == 0,
          "and it goes on when the host can");
    block_close_all();
}

/* ---- snapshot=on, readonly=on ------------------------------------------- */

static void overlay(Bench *x)
{
    Err err = { 0 };
    u8 buf[CHUNK], old[CHUNK];

    make_image(x, DISK);
    Block *b = open_disk(x, "", &err);
    fill(buf, 1);
    block_pwrite(b, 3 * CHUNK, buf, CHUNK);
    block_close_all();
    b = open_disk(x, ",snapshot=on", &err);
    check(x, b && !block_readonly(b), "snapshot=on may be written");
    fill(buf, 2);
    check(x, run(x, b, BLOCK_WRITE, 4 * CHUNK, CHUNK, buf) == 0
          && run(x, b, BLOCK_READ, 4 * CHUNK, CHUNK, old) == 0
          && filled(old, 2), "what is written is read");
    check(x, run(x, b, BLOCK_READ, 3 * CHUNK, CHUNK, old) == 0
          && filled(old, 1), "beside it is what was there");
    check(x, run(x, b, BLOCK_FLUSH, 0, 0, NULL) == 0, "flushes");
    block_close_all();
    b = open_disk(x, ",readonly=on", &err);
    check(x, run(x, b, BLOCK_READ, 4 * CHUNK, CHUNK, old) == 0
          && all_zero(old, CHUNK), "and the image has nothing of it");
    check(x, block_readonly(b)
          && run(x, b, BLOCK_WRITE, 0, CHUNK, buf) == -EROFS
          && block_pwrite(b, 0, buf, 1) == -EROFS, "readonly=on is");
    block_close_all();
}

/* ---- locks -------------------------------------------------------------- */

static bool says(const Err *err, const char *word)
{
    if (!strstr(err->text, word)) {
        printf("# %s\n", err->text);
        return false;
    }
    return true;
}

static void locks(Bench *x)
{
    Err err = { 0 };
    int ready[2];
    char c;

    make_image(x, DISK);
    if (pipe(ready) < 0) {
        exit(EXIT_FAILURE);
    }
    pid_t child = fork();
    if (child == 0) {
        Err none = { 0 };
        c = open_disk(x, "", &none) != NULL;
        c = write(ready[1], &c, 1) == 1;
        for (;;) {
            pause();
        }
    }
    check(x, read(ready[0], &c, 1) == 1 && c, "another process has it open");
    g_autofree char *pid = g_strdup_printf("process %d (", (int)child);
    check(x, !open_disk(x, "", &err)
          && says(&err, "Failed to get \"write\" lock") && says(&err, pid),
          "a second writer is told which");
    check(x, !open_disk(x, ",readonly=on", &err) && says(&err, pid),
          "and a reader too");
    check(x, open_disk(x, ",locking=off", &err), "unless locking=off");
    block_close_all();
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    Block *b = open_disk(x, "", &err);
    check(x, b, "free when that is gone");
    g_autofree char *twice = g_strdup_printf("file=%s,id=e", x->image);
    check(x, !block_open(twice, &err) && says(&err, "another -drive"),
          "one image twice in a command line");
    block_close_all();
}

/* ---- a format that was guessed ------------------------------------------ */

/* Its guest may write anything but what would make it another format. */
static void guessed(Bench *x, const char *options, bool told)
{
    static const char mark[] = "QFI\xfb";
    g_autofree char *text = g_strdup_printf("file=%s,id=a%s", x->image,
                                            options);
    u8 buf[CHUNK] = { 0 };
    Err err = { 0 };
    make_image(x, DISK);
    Block *b = block_open(text, &err);

    check(x, b && run(x, b, BLOCK_WRITE, 0, CHUNK, buf) == 0,
          "the first sector is written");
    memcpy(buf, mark, 4);
    check(x, run(x, b, BLOCK_WRITE, 0, CHUNK, buf) == (told ? 0 : -EPERM),
          told ? "with format=raw a mark too" : "but not a mark");
    check(x, run(x, b, BLOCK_WRITE, CHUNK, CHUNK, buf) == 0,
          "elsewhere it may be");
    block_close_all();
}

/* ---- what users mistake ------------------------------------------------- */

static void wrong(Bench *x, const char *text, const char *word)
{
    Err err = { 0 };
    bool opened = block_open(text, &err) != NULL;

    check(x, !opened && says(&err, word), text);
}

static void mistakes(Bench *x)
{
    g_autofree char *old = g_get_current_dir();
    Err err = { 0 };

    g_chdir(x->folder);
    make_image(x, DISK);
    g_file_set_contents("empty", "", 0, NULL);
    g_file_set_contents("cow", "QFI\xfb\0\0\0\3 and more of it", -1, NULL);
    wrong(x, "if=virtio,id=a", "file= is missing");
    wrong(x, "file=none.img,id=a", "truncate -s 8G none.img");
    g_file_set_contents("disk.vmdk", "KDMV and more of it", -1, NULL);
    wrong(x, "file=.,id=a", "directory");
    wrong(x, "file=empty,id=a", "is empty");
    wrong(x, "file=/dev/null,id=a", "character device");
    wrong(x, "file=cow,id=a", "version 0");
    wrong(x, "file=disk.vmdk,id=a", "qemu-img convert -O qcow2 disk.vmdk");
    wrong(x, "file=d.img,id=a,format=qcow2", "no qcow2 image");
    wrong(x, "file=d.img,id=a,format=raww", "did you mean \"raw\"");
    wrong(x, "file=d.img,id=a,cache=always", "writethrough");
    wrong(x, "file=d.img,id=a,aio=fast", "io_uring");
    wrong(x, "file=d.img,id=a,snapsot=on", "snapshot");
    wrong(x, "file=nbd:localhost:1,id=a", "nothing but files");
    block_open("file=d.img,id=a", &err);
    wrong(x, "file=cow,id=a,format=raw", "already");
    check(x, block_claim(block_find("a"), "one", &err)
          && !block_claim(block_find("a"), "two", &err)
          && says(&err, "used by one"), "one disk for two devices");
    block_close_all();
    g_chdir(old);
}

int main(void)
{
    static const char *const engines[] = { ",aio=io_uring", ",aio=threads" };
    static const char *const caches[] = {
        "", ",cache=none", ",cache=writethrough", ",cache=directsync",
        ",cache=unsafe", ",snapshot=on",
    };
    Bench x = { .folder = g_dir_make_tmp("anole-XXXXXX", NULL) };

    signal(SIGXFSZ, SIG_IGN);
    x.image = g_build_filename(x.folder, "d.img", NULL);
    locks(&x);
    for (u32 e = 0; e < countof(engines); e++) {
        for (u32 c = 0; c < countof(caches); c++) {
            g_autofree char *both = g_strconcat(engines[e], caches[c], NULL);
            transfers(&x, both);
        }
        discards(&x, engines[e]);
        short_file(&x, engines[e]);
        host_errors(&x, engines[e]);
    }
    overlay(&x);
    guessed(&x, "", false);
    guessed(&x, ",format=raw", true);
    mistakes(&x);
    g_autofree char *clear = g_strdup_printf("rm -r '%s'", x.folder);
    if (system(clear) != 0) {
        printf("# %s is left\n", x.folder);
    }
    g_free(x.image);
    g_free(x.folder);
    printf("1..%d\n", x.tests);
    return x.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
