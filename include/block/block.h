/* SPDX-License-Identifier: MIT */
/*
 * Disks: images of the host as arrays of bytes.
 *
 * All is called with the machine lock.  Requests are asynchronous; they
 * complete with the machine lock held, on the main thread or in
 * block_unplug() and block_drain().  Errors are negative errno values.
 */
#pragma once
#include <sys/uio.h>
#include "util/err.h"

typedef struct Block Block;
typedef struct IoThread IoThread;

/*
 * Opens "-drive"/"-blockdev" text: "file=PATH,if=none,id=a,format=raw|qcow2,
 * readonly=on,cache=writeback|none|writethrough|directsync|unsafe,
 * snapshot=on,aio=io_uring|native|threads,discard=unmap|ignore,locking=off".
 */
Block *block_open(const char *text, Err *err);
Block *block_find(const char *id);
void   block_close_all(void);               /* flushes */
void   block_each(void (*fn)(void *, Block *), void *opaque);
const char *block_id(const Block *b);
const char *block_option(const Block *b, const char *key);  /* "if", "unit" */
u64    block_size(const Block *b);          /* bytes; multiple of 512 */
bool   block_readonly(const Block *b);
bool   block_empty(const Block *b);     /* a -drive without file= */
/* What carries requests: "io_uring" or "threads". */
const char *block_engine(const Block *b);
const char *block_path(const Block *b);
u64    block_host_bytes(const Block *b);    /* that its file takes */
/* -drive cache=: not through the host's page cache; flushes are ignored. */
bool   block_direct(const Block *b);
bool   block_unsafe(const Block *b);
bool   block_temporary(const Block *b);     /* snapshot=on */
const char *block_format(const Block *b);   /* "raw", "qcow2" */
/* The path of the image that many below that of the drive; NULL: none. */
const char *block_backing(const Block *b, u32 depth);
bool   block_claim(Block *b, const char *user, Err *err);   /* one device */
/* The device named so, if it has the disk, leaves it to others. */
void   block_release(Block *b, const char *user);
bool   block_claimed(const Block *b);
const char *block_user(const Block *b);     /* that device's id; NULL: none */
void   block_close(Block *b);       /* one that no device has; flushes */

typedef enum BlockOp { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD,
                       BLOCK_ZEROES,
                       BLOCK_WRITE_FLUSH,   /* done when it is on the medium */
} BlockOp;
enum { BLOCK_OPS = BLOCK_WRITE_FLUSH + 1 };
/* A request; iov (of guest RAM; the array is copied) stays valid until done. */
typedef struct BlockRequest {
    BlockOp op;
    u64     offset, len;        /* bytes */
    const struct iovec *iov;
    int     n;
    void  (*done)(void *opaque, int ret);   /* ret: 0 or -errno */
    void   *opaque;
} BlockRequest;
/* What was done with a disk since it was opened, by BlockOp. */
typedef struct BlockCounts {
    u64 requests[BLOCK_OPS], bytes[BLOCK_OPS], ns[BLOCK_OPS],
        failed[BLOCK_OPS];
    u64 highest;                /* byte behind the last that was written */
} BlockCounts;
const BlockCounts *block_counts(const Block *b);
/*
 * Calls fn whenever the host fails a request; for monitors.  error: -errno.
 * With the machine lock.
 */
void   block_on_error(void (*fn)(void *opaque, Block *b, BlockOp op,
                                 int error), void *opaque);
/* Starts a request.  Any thread with the machine lock. */
void block_submit(Block *b, const BlockRequest *r);
/*
 * Around several block_submit() of disks with the thread of b, or NULL, of the
 * main thread: they are handed to the host together, and what is done at once
 * completes in block_unplug().
 */
void block_plug(Block *b);
void block_unplug(Block *b);
/*
 * Has its requests done by a thread (NULL: the main one) from now on, with
 * that one's lock instead of the machine lock.
 */
void block_set_thread(Block *b, IoThread *t);
/* Synchronous read/write for loaders and flash; 0 or -errno. */
int  block_pread(Block *b, u64 offset, void *buf, size_t len);
int  block_pwrite(Block *b, u64 offset, const void *buf, size_t len);
/* Waits until nothing is in flight, completing it: of one disk, of all. */
void block_drain(Block *b);
void block_drain_all(void);
/* What was written is on the media; a disk that fails says so on stderr. */
void block_flush_all(void);
/*
 * Another process may have the images from now on, those opened later too,
 * until block_take(); that is false with *err if another has one.
 */
void block_leave(void);
bool block_take(Err *err);

/* ---- snapshots ---------------------------------------------------------- */

typedef struct BlockSnapshot {
    const char *id, *name;      /* of the image, until it changes */
    u64 seconds;                /* since 1970 */
    u32 ns;
    u64 vm_clock;               /* ns that the guest had run */
    u64 state_bytes;            /* of a machine's state; 0: only a disk's */
} BlockSnapshot;

/* Can it be written to, and hold snapshots? */
bool block_can_snapshot(const Block *b);
/* The nth that its image has; false: there are less. */
bool block_snapshot(const Block *b, u32 nth, BlockSnapshot *out);
bool block_snapshot_find(const Block *b, const char *name, BlockSnapshot *out);
/* Of a machine that stands still.  A new id is chosen. */
bool block_snapshot_create(Block *b, const BlockSnapshot *what, Err *err);
/* The disk is as it was then. */
bool block_snapshot_go(Block *b, const char *id, Err *err);
bool block_snapshot_remove(Block *b, const char *id, Err *err);
/*
 * Bytes of a machine's state: written, they belong to the snapshot that is
 * created next.  0 or -errno.
 */
int  block_put_state(Block *b, u64 offset, const void *p, size_t len);
int  block_get_state(Block *b, const char *id, u64 offset, void *p,
                     size_t len);
