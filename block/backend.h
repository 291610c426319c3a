/* SPDX-License-Identifier: MIT */
/*
 * Private to block/: what a disk is, and how its files share the work.
 *
 * block.c keeps the registry and opens images, lock.c keeps others out of
 * them, raw.c does one request, aio.c many at once.
 */
#pragma once
#include <glib.h>
#include "block/block.h"

enum { SECTOR = 512, CLUSTER = 65536 };

struct Block {
    char    *id, *path, *user;
    int      fd;
    u64      size;
    bool     readonly;
    bool     direct;            /* cache=none: not through the page cache */
    bool     sync;              /* cache=writethrough */
    bool     unsafe_cache;      /* flushes are ignored */
    bool     discard;           /* discard=unmap */
    bool     threads;           /* aio=threads */
    GHashTable *options;
    /* snapshot=on: writes go to a temporary file. */
    int      overlay;           /* -1: not */
    u8      *in_overlay;        /* a byte per cluster */
    GMutex   lock;              /* of the overlay */
    u32      in_flight;
    bool     complained;
    bool     lockable;          /* not locking=off */
    bool     file_readonly;     /* and so is the lock */
    BlockCounts counts;
};

typedef struct AioRequest {
    Block  *b;
    BlockOp op;
    u64     offset, len;
    struct iovec *iov;
    int     n;
    int     ret;
    bool    refused;            /* not even tried; ret says why */
    i64     begun;              /* monotonic microseconds */
    void  (*done)(void *opaque, int ret);
    void   *opaque;
} AioRequest;

/* ---- raw.c: any thread -------------------------------------------------- */
/* Does it; 0 or -errno.  The request is within the disk. */
int  raw_perform(const AioRequest *r);
int  raw_move(Block *b, bool write, void *p, u64 len, u64 offset);
int  raw_flush(Block *b);
bool raw_open_overlay(Block *b, Err *err);
/* Do transfers of whole sectors work without the page cache? */
bool raw_direct_works(int fd);

/* ---- aio.c: the machine lock -------------------------------------------- */
void aio_submit(AioRequest *r);       /* owned by aio from here */
void aio_drain(const Block *b);
const char *aio_engine(const Block *b);

/* ---- block.c ------------------------------------------------------------ */
/* A request is done: counts it, and tells of an error. */
void block_account(const AioRequest *r);

/* ---- lock.c ------------------------------------------------------------- */
/* Writers keep everybody else out, readers only writers. */
bool image_lock(const Block *b, Err *err);
void image_unlock(const Block *b);
