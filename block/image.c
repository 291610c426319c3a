/* SPDX-License-Identifier: MIT */
/*
 * Opening images: which format it is, and what it is based on.
 *
 * Left out: formats but raw and qcow2, images over the network.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "block/backend.h"
#include "util/fdset.h"

enum { CHAIN_MAX = 64 };

/* ---- formats ------------------------------------------------------------ */

typedef struct Format {
    const char *name;
    const ImageKind *kind;      /* NULL: known, but not supported */
    u32         at, len;        /* of the mark by which it is known */
    const char *mark;
} Format;

static const Format formats[] = {
    { "raw", &raw_kind, 0, 0, NULL },
    { "qcow2", &qcow2_kind, 0, 4, "QFI\xfb" },
    { "vmdk", NULL, 0, 4, "KDMV" },
    { "vdi", NULL, 0x40, 4, "\x7f\x10\xda\xbe" },
    { "vhdx", NULL, 0, 8, "vhdxfile" },
    { "vpc", NULL, 0, 8, "conectix" },
    { "qed", NULL, 0, 4, "QED" },
    { "luks", NULL, 0, 6, "LUKS\xba\xbe" },
};

static const Format *probe(const u8 *head)
{
    for (u32 i = 0; i < countof(formats); i++) {
        const Format *f = &formats[i];
        if (f->mark && memcmp(head + f->at, f->mark, f->len) == 0) {
            return f;
        }
    }
    return NULL;
}

const char *image_probe(const u8 *head)
{
    const Format *f = probe(head);

    return f ? f->name : NULL;
}

static const Format *named(const char *name, Err *err)
{
    const char *names[countof(formats)];

    for (u32 i = 0; i < countof(formats); i++) {
        names[i] = formats[i].name;
        if (strcmp(name, names[i]) == 0) {
            return &formats[i];
        }
    }
    const char *near = nearest_word(name, names, countof(names));
    fail(err, "there is no format \"%s\"%s%s%s; raw and qcow2 are there", name,
         near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return NULL;
}

static bool choose_format(Image *i, const char *format, Err *err)
{
    u8 head[PROBE_BYTES] = { 0 };
    const Format *f = &formats[0];

    if (format) {
        f = named(format, err);
    } else if (pread(i->fd, head, sizeof head, 0) > 0 && probe(head)) {
        f = probe(head);
    } else {
        i->guessed = true;
    }
    if (f && !f->kind) {
        return fail(err, "%s is a %s image, which is not supported yet; make "
                    "a qcow2 one: qemu-img convert -O qcow2 %s %s.qcow2",
                    i->path, f->name, i->path, i->path);
    }
    i->kind = f ? f->kind : NULL;
    return f != NULL;
}

/* ---- the file ----------------------------------------------------------- */

static bool no_file(const Image *i, Err *err)
{
    int why = errno;
    bool read_only = (why == EACCES || why == EROFS) && !i->readonly
        && access(i->path, R_OK) == 0;

    if (why == ENOENT) {
        return strchr(i->path, ':')
            ? fail(err, "cannot open %s: there is no such file, and nothing "
                   "but files can be a disk yet", i->path)
            : fail(err, "cannot open %s: there is no such file; make one: "
                   "truncate -s 8G %s", i->path, i->path);
    }
    return fail(err, "cannot open %s: %s%s", i->path,
                why == EISDIR ? "it is a directory, not a disk image"
                              : g_strerror(why),
                read_only ? "; readonly=on opens it for reading" : "");
}

static bool open_file(Image *i, Err *err)
{
    struct stat st;

    i->fd = fdset_open(i->path, (i->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC
                                | O_NONBLOCK | O_NOCTTY, 0);
    if (i->fd < 0) {
        return no_file(i, err);
    }
    if (fstat(i->fd, &st) < 0) {
        return fail(err, "%s: %s", i->path, g_strerror(errno));
    }
    return S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)
        || fail(err, "%s is a %s, not a disk image", i->path,
                S_ISDIR(st.st_mode) ? "directory"
                : S_ISCHR(st.st_mode) ? "character device" : "pipe");
}

/* cache=none where the host can do it. */
static void go_direct(Image *i)
{
    int flags = fcntl(i->fd, F_GETFL) & ~O_NONBLOCK;

    fcntl(i->fd, F_SETFL, flags);
    if (i->direct && (fcntl(i->fd, F_SETFL, flags | O_DIRECT) < 0
                      || !file_direct_works(i->fd))) {
        fcntl(i->fd, F_SETFL, flags);
        i->direct = false;
        fprintf(stderr, "anole: %s: its file system cannot do cache=none; "
                "going on with cache=writeback\n", i->path);
    }
}

/* ---- images ------------------------------------------------------------- */

Image *image_open(const ImageWant *want, Err *err)
{
    Image *i = g_new0(Image, 1);

    *i = (Image) {
        .path = g_strdup(want->path), .readonly = want->readonly,
        .direct = want->direct, .unsafe = want->unsafe,
        .discard = want->discard, .depth = want->depth, .fd = -1,
    };
    if (want->depth > CHAIN_MAX) {
        fail(err, "more than %d images are based on each other; does one of "
             "them name itself?", CHAIN_MAX);
    } else if (open_file(i, err) && choose_format(i, want->format, err)) {
        go_direct(i);
        i->kind->open(i, err);
    }
    if (err->text[0]) {
        image_free(i);
        return NULL;
    }
    return i;
}

/*
 * A name is relative to the folder of the image that has it.  An image that
 * is looked at only because it looks like one may be anybody's: so may be
 * what it names.
 */
bool image_open_backing(Image *i, const char *name, const char *format,
                        Err *err)
{
    g_autofree char *folder = g_path_get_dirname(i->path);
    const char *path = g_str_has_prefix(name, "file:") ? name + 5 : name;
    g_autofree char *whole = g_path_is_absolute(path)
        || strcmp(folder, ".") == 0
        ? g_strdup(path) : g_build_filename(folder, path, NULL);

    i->backing = image_open(&(ImageWant) {
        .path = whole, .format = format, .readonly = true,
        .direct = i->direct, .depth = i->depth + 1 }, err);
    return i->backing || err_prefix(err, "%s is based on %s", i->path, name);
}

Image *image_overlay(Image *below, Err *err)
{
    const char *folder = g_getenv("TMPDIR");
    g_autofree char *name = g_strdup_printf("%s/anole-XXXXXX",
                                            folder ? folder : "/var/tmp");
    int fd = g_mkstemp_full(name, O_RDWR | O_CLOEXEC, 0600);
    Image *i;

    if (fd < 0) {
        fail(err, "snapshot=on: no temporary file %s: %s; TMPDIR says "
             "where else it may be", name, g_strerror(errno));
        return NULL;
    }
    unlink(name);
    i = g_new0(Image, 1);
    *i = (Image) { .path = g_strdup(below->path), .fd = fd, .unsafe = true,
                   .discard = true, .kind = &qcow2_kind };
    if (!qcow2_create(fd, below->size, err) || !i->kind->open(i, err)) {
        image_free(i);
        return NULL;
    }
    i->backing = below;
    return i;
}

void image_free(Image *i)
{
    while (i) {
        Image *below = i->backing;
        if (i->kind && i->kind->forget) {
            i->kind->forget(i);
        }
        if (i->fd >= 0) {
            close(i->fd);
        }
        g_free(i->path);
        g_free(i);
        i = below;
    }
}

/* ---- requests ----------------------------------------------------------- */

int image_flush(Image *i)
{
    return i->readonly ? 0 : i->kind->flush(i);
}

int image_read_backing(Image *i, const struct iovec *iov, int n, u64 offset)
{
    const Image *below = i->backing;
    g_autofree struct iovec *part = g_new(struct iovec, n);
    u64 has = below && offset < below->size ? below->size - offset : 0;
    int r = 0, k = iov_part(iov, n, 0, has, part);

    if (k) {
        r = i->backing->kind->move(i->backing, false, part, k, offset);
    }
    iov_zero(part, iov_part(iov, n, has, UINT64_MAX, part));
    return r;
}

int image_perform(const AioRequest *r)
{
    Image *i = r->b->image;
    int ret = 0;

    switch (r->op) {
    case BLOCK_READ:
        return i->kind->move(i, false, r->iov, r->n, r->offset);
    case BLOCK_FLUSH:
        return image_flush(i);
    case BLOCK_DISCARD:
        if (i->discard) {
            i->kind->discard(i, r->offset, r->len);
        }
        return 0;
    case BLOCK_ZEROES:
        ret = i->kind->zeroes(i, r->offset, r->len);
        break;
    case BLOCK_WRITE: case BLOCK_WRITE_FLUSH:
        ret = i->kind->move(i, true, r->iov, r->n, r->offset);
        break;
    }
    return ret == 0 && (r->b->sync || r->op == BLOCK_WRITE_FLUSH)
        ? image_flush(i) : ret;
}
