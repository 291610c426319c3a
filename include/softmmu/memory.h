/* SPDX-License-Identifier: MIT */
/*
 * Guest physical memory.
 *
 * A MemSpace is a set of regions, each RAM, ROM, MMIO or an alias of another,
 * at an address with a priority; where they overlap the higher priority is
 * seen.  On every change it is flattened into a sorted array of MemRange and
 * published; readers never lock, and use a map only between two calls of
 * mem_quiesce() of their thread.  Changes need the machine lock.
 */
#pragma once
#include "util/err.h"
#include "util/types.h"

typedef struct MemSpace MemSpace;
typedef struct Cpu Cpu;

enum { GUEST_PAGE_BITS = 12, GUEST_PAGE = 1 << GUEST_PAGE_BITS };

/* Per-page flags of a Ram; changed atomically. */
enum {
    RAM_CODE  = 1 << 0,     /* translated code was made of it */
    RAM_DIRTY = 1 << 1,     /* written since the flag was last cleared */
    RAM_TRACK = 1 << 2,     /* writes must set RAM_DIRTY: the first one in a
                               page takes the slow path */
    RAM_MAPPED = 1 << 3,    /* a vCPU may hold a fast write entry for it */
};

/* A block of guest memory: one host mapping, page-aligned size. */
typedef struct Ram {
    char *name;
    u8   *host;
    u64   size;
    int   fd;               /* file behind it; -1: none */
    bool  readonly;         /* ROM to the guest */
    u8   *flags;            /* one byte a page */
    /* Told of writes (by DMA or the slow path) into RAM_CODE pages. */
    void (*code_written)(void *opaque, struct Ram *r, u64 offset, u64 len);
    void *opaque;
} Ram;

/*
 * size bytes of zeroed memory, mapped with a guard page on both sides; not
 * touched, so that it costs nothing until used.  NULL with *err on failure.
 */
Ram *ram_new(const char *name, u64 size, Err *err);
/*
 * The same with what a file has, at least of that size; fd is given away
 * (-1: none).
 * shared: what the guest writes goes to the file.
 */
Ram *ram_new_file(const char *name, u64 size, int fd, bool shared, Err *err);
void ram_free(Ram *r);
/* Every one there is, in order of making; machine lock. */
void ram_each(void (*fn)(void *opaque, Ram *r), void *opaque);
/* Turns tracking of writes on, with all pages clean, or off. */
void ram_track(Ram *r, bool on);
/*
 * Was the page written since it was last asked?  Accel.track() says what
 * else is to be done for the answer to be right.
 */
bool ram_take_dirty(Ram *r, u64 page);
/*
 * The next bytes from *at on that may be other than zero: *at moves to them,
 * *len is how many.  False: there are none.  Does not touch memory.
 */
bool ram_data(const Ram *r, u64 *at, u64 *len);
/* Fills it with zeros, and gives back what it took of the host if possible. */
void ram_clear(Ram *r);
/* The same of the whole pages in a part of it, which the guest gave up. */
void ram_discard(Ram *r, u64 offset, u64 len);

/* Sizes are 1, 2, 4 or 8; v is in the low bytes; offset is in the window. */
typedef u64  MmioRead(void *opaque, u64 offset, unsigned size);
typedef void MmioWrite(void *opaque, u64 offset, unsigned size, u64 v);

/* What a stretch of the flattened map is; valid as long as the map is. */
typedef struct MemRange {
    u64        base, size;      /* guest physical */
    Ram       *ram;             /* NULL: MMIO */
    u64        offset;          /* of `base` in ram or in the window */
    bool       readonly;        /* writes go to `write`, or are dropped */
    bool       lockless;        /* MMIO hooks need no machine lock */
    MmioRead  *read;            /* MMIO; for ROM devices NULL: read the ram */
    MmioWrite *write;
    void      *opaque;
    const char *name;
} MemRange;

/* A region placed in a space.  Fields are copied; name must live on. */
typedef struct MemRegion {
    const char *name;
    u64         base, size;
    int         priority;
    Ram        *ram;
    u64         ram_offset;
    bool        readonly, lockless;
    MmioRead   *read;
    MmioWrite  *write;
    void       *opaque;
} MemRegion;

MemSpace *mem_new(void);
/*
 * What somebody sees who sees all of another space, which is no view itself,
 * and more: the view's own regions, which win where priorities are equal.
 * Whoever listens to that space is told of changes of the view too; it goes
 * with that space.
 */
MemSpace *mem_view(MemSpace *of);
void      mem_free(MemSpace *m);
/* Adds a region; the handle moves or removes it.  Publishes a new map. */
u32       mem_add(MemSpace *m, const MemRegion *r);
void      mem_remove(MemSpace *m, u32 handle);
/* Several changes, published as one. */
void      mem_begin(MemSpace *m);
void      mem_commit(MemSpace *m);
/* Called after a map was published (soft TLBs flush). */
void      mem_listen(MemSpace *m, void (*changed)(void *opaque), void *opaque);
/* The range at pa, or NULL where nothing is.  O(log n), lock-free. */
const MemRange *mem_find(MemSpace *m, u64 pa);
/* All ranges in order, for `info mtree` and --explain. */
void      mem_each(MemSpace *m, void (*fn)(void *, const MemRange *),
                   void *opaque);

/*
 * Copies len bytes.  RAM directly, MMIO as accesses of up to 8 bytes (with
 * the machine lock taken if the caller does not hold it).  False where some
 * of it is not there (reads give zeros there).  Writes to RAM respect
 * RAM_CODE and RAM_TRACK; ROM is not written unless by mem_load().
 */
bool mem_read(MemSpace *m, u64 pa, void *buf, u64 len);
bool mem_write(MemSpace *m, u64 pa, const void *buf, u64 len);
/* The same into ROM too: for loaders and debuggers. */
bool mem_load(MemSpace *m, u64 pa, const void *buf, u64 len);
/*
 * Host address of up to *len bytes of RAM at pa; *len shrinks to what is
 * contiguous.  NULL if it is not RAM.  For writes call mem_wrote() after.
 */
u8  *mem_host(MemSpace *m, u64 pa, u64 *len, bool write);
void mem_wrote(MemSpace *m, u64 pa, u64 len);
/* Notes a write of len bytes at offset of r, for code and dirty tracking. */
void ram_wrote(Ram *r, u64 offset, u64 len);

/*
 * Little-endian accesses of 1, 2, 4 or 8 bytes by devices and to ports, one
 * access for a device even if unaligned; absent memory reads 0.
 */
u64  mem_get(MemSpace *m, u64 pa, unsigned size);
void mem_put(MemSpace *m, u64 pa, unsigned size, u64 v);
