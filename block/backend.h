/* SPDX-License-Identifier: MIT */
/*
 * Private to block/: what a disk is, and how its files share the work.
 *
 * block.c keeps the registry of drives, aio.c does many requests at once,
 * image.c opens images and the chains of them, lock.c keeps others out,
 * file.c moves bytes.  raw.c and qcow2.c are formats.
 */
#pragma once
#include <glib.h>
#include "block/block.h"
#include "block/iothread.h"
#include "util/iov.h"

enum { SECTOR = 512, PROBE_BYTES = 512 };

typedef struct Image Image;
typedef struct AioRequest AioRequest;
typedef struct Aio Aio;

/* A piece of a disk as it is in a file. */
typedef struct Extent {
    int  fd;                    /* -1: it is nowhere and reads as zeros */
    u64  offset;
    u32 *users;                 /* atomic: one less when it is done; or NULL */
} Extent;

/*
 * A format.  All but open, begin and close may be called by any thread; they
 * take what is within the image, wait, and give 0 or -errno.
 */
typedef struct ImageKind {
    const char *name;
    /* Looks at i->fd; sets size, state, backing. */
    bool (*open)(Image *i, Err *err);
    /* From now on it is ours alone, if it is not read-only; may be NULL. */
    bool (*begin)(Image *i, Err *err);
    /* Forgets everything without writing it; may be NULL. */
    void (*forget)(Image *i);
    int  (*move)(Image *i, bool write, const struct iovec *iov, int n,
                 u64 offset);
    int  (*zeroes)(Image *i, u64 offset, u64 len);
    void (*discard)(Image *i, u64 offset, u64 len);
    int  (*flush)(Image *i);
    /*
     * Where [offset, offset + len) is, if it is in one piece that can be read
     * (or written to) there, and that can be told at once.
     */
    bool (*find)(Image *i, bool write, u64 offset, u64 len, Extent *out);
    /* Is there anything that flush() has to write?  NULL: never. */
    bool (*unwritten)(const Image *i);
    const struct SnapshotKind *snapshots;       /* NULL: there cannot be any */
} ImageKind;

/* What formats that have snapshots do; nothing is in flight meanwhile. */
typedef struct SnapshotKind {
    /* The nth of an image; false: there are less. */
    bool (*get)(const Image *i, u32 nth, BlockSnapshot *out);
    bool (*create)(Image *i, const BlockSnapshot *what, Err *err);
    bool (*go)(Image *i, const char *id, Err *err);
    bool (*remove)(Image *i, const char *id, Err *err);
    /* The state of a machine: of the next snapshot, of that with this id. */
    int  (*put_state)(Image *i, u64 offset, const void *p, size_t len);
    int  (*get_state)(Image *i, const char *id, u64 offset, void *p,
                      size_t len);
} SnapshotKind;

struct Image {
    const ImageKind *kind;
    char   *path;
    int     fd;
    u64     size;               /* of the disk that it holds; bytes */
    bool    readonly;           /* we do not change it */
    bool    direct;             /* not through the page cache */
    bool    unsafe;             /* nothing need be on the medium */
    bool    discard;            /* what is not used is given back */
    bool    guessed;            /* raw, as it does not look like else */
    u32     depth;              /* of images that it is the backing of */
    Image  *backing;            /* has what this one does not; or NULL */
    void   *state;              /* of the kind */
};

/* How an image is to be opened; format NULL: as it looks like. */
typedef struct ImageWant {
    const char *path, *format;
    bool readonly, direct, unsafe, discard;
    u32  depth;                 /* of images that it is the backing of */
} ImageWant;

struct Block {
    char    *id, *path, *user;
    ImageWant want;
    Image   *image;             /* what is written to */
    u64      size;
    bool     readonly;
    bool     sync;              /* cache=writethrough */
    bool     threads;           /* aio=threads */
    bool     temporary;         /* snapshot=on: image is to be thrown away */
    bool     lockable;          /* not locking=off */
    bool     complained;
    GHashTable *options;
    IoThread *thread;           /* that has its requests; NULL: the main one */
    u32      in_flight;
    BlockCounts counts;
};

struct AioRequest {
    Block  *b;
    BlockOp op;
    u64     offset, len;
    struct iovec *iov;
    int     n;
    Extent  at;                 /* while it is in the ring */
    int     ret;
    bool    refused;            /* not even tried; ret says why */
    i64     begun;              /* monotonic microseconds */
    void  (*done)(void *opaque, int ret);
    void   *opaque;
};

/* ---- file.c: any thread ------------------------------------------------- */
/* Behind the end of a file there are zeros.  0 or -errno. */
int  file_movev(const Image *i, bool write, const struct iovec *iov, int n,
                u64 offset);
int  file_move(const Image *i, bool write, void *p, u64 len, u64 offset);
int  file_sync(const Image *i);
/* A hint: gives the host what is there back. */
void file_punch(const Image *i, u64 offset, u64 len);
/* Do transfers of whole sectors work without the page cache? */
bool file_direct_works(int fd);

/* ---- image.c ------------------------------------------------------------ */
/* Opens it and what it is based on.  NULL with *err. */
Image *image_open(const ImageWant *want, Err *err);
/* A new image of nothing on top of another, which has no name; for writing. */
Image *image_overlay(Image *below, Err *err);
/* Has nothing written; frees those that it is based on too. */
void image_free(Image *i);
/* Does it, to its end; 0 or -errno.  Any thread. */
int  image_perform(const AioRequest *r);
int  image_flush(Image *i);
/* Reads from the backing image of i what it has, and zeros behind. */
int  image_read_backing(Image *i, const struct iovec *iov, int n, u64 offset);
/* Opens what i says that it is based on; format may be NULL. */
bool image_open_backing(Image *i, const char *name, const char *format,
                        Err *err);
/* The format that these PROBE_BYTES are of; NULL: none that we know. */
const char *image_probe(const u8 *head);

extern const ImageKind raw_kind, qcow2_kind;
/* qcow2.c: makes fd an image of a disk with that many bytes. */
bool qcow2_create(int fd, u64 size, Err *err);

/* ---- aio.c: the machine lock, or that of a thread ----------------------- */
void aio_submit(AioRequest *r);       /* owned by aio from here */
void aio_drain(const Block *b);       /* takes the thread's lock itself */
void aio_drain_all(Aio *a);           /* NULL: the main thread's */
const char *aio_engine(const Block *b);
Aio *aio_new(void);
void aio_free(Aio *a);                /* nothing is in flight */
void aio_wake(Aio *a);                /* any thread: what waits goes on */
void aio_wait(Aio *a);                /* without the lock */
void aio_serve(Aio *a);               /* hands over, and completes */

/* ---- iothread.c --------------------------------------------------------- */
Aio *iothread_aio(IoThread *t);
void iothreads_drain(void);           /* machine lock */

/* ---- block.c ------------------------------------------------------------ */
/* A request is done: counts it, and tells of an error. */
void block_account(const AioRequest *r);

/* ---- lock.c ------------------------------------------------------------- */
/* Writers keep everybody else out, readers only writers; of all the chain. */
bool image_lock(const Image *i, Err *err);
void image_unlock(const Image *i);
