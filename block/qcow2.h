/* SPDX-License-Identifier: MIT */
/*
 * Private to qcow2*.c: an image in the format qcow2, by the specification
 * docs/interop/qcow2.txt that QEMU publishes.  Its names are used here.
 *
 * All below is called with Qcow2.lock held, but for what says otherwise.
 *
 * What is changed is changed in tables in memory.  meta_flush() writes them
 * in an order that leaves a consistent image at any moment: refcounts that
 * grew, then (when those and the data are on the medium) the L2 tables that
 * rely on them, then the L1 table.  Refcounts shrink only after all that is
 * on the medium, and when nobody uses the clusters any more: `freed`.
 */
#pragma once
#include "block/backend.h"

enum {
    CLUSTER_BITS_MIN = 9, CLUSTER_BITS_MAX = 21,
    L1_BYTES_MAX = 32 << 20, REFTABLE_BYTES_MAX = 8 << 20,
    SNAPSHOTS_MAX = 65536, SNAPSHOT_EXTRA_MAX = 1024,
    SNAPSHOT_TABLE_MAX = 64 << 20, NAME_MAX_BYTES = 1023,
    CACHE_BYTES = 32 << 20,             /* of tables in memory */
};

enum {                                  /* incompatible_features */
    INCOMPAT_DIRTY = 1, INCOMPAT_CORRUPT = 2, INCOMPAT_DATA_FILE = 4,
    INCOMPAT_COMPRESSION = 8, INCOMPAT_EXTL2 = 16,
};

#define OFFSET_MASK   0x00fffffffffffe00ull     /* of entries of L1 and L2 */
#define REFTABLE_MASK 0xfffffffffffffe00ull
#define COPIED        BIT(63)           /* its refcount is exactly one */
#define COMPRESSED    BIT(62)
#define READS_ZERO    1ull

/* A refcount block or an L2 table in memory, as it is in the file. */
typedef struct Table {
    u64  offset;                /* in the file */
    u64  stamp;                 /* of its last use */
    u32  lo, hi;                /* bytes that are to be written: [lo, hi) */
    bool l2;
    u8   bytes[];
} Table;

/* A top-level table; entries in the host's byte order. */
typedef struct Top {
    u64  offset;
    u64 *entry;
    u32  n;
    u32  lo, hi;                /* entries that are to be written */
} Top;

typedef struct Snapshot {
    u64   l1_offset;
    u32   l1_size;
    char *id, *name;
    u32   seconds, ns;
    u64   vm_clock;
    u64   state_bytes, disk_size;
    u8   *extra;                /* unknown data, behind what is known */
    u32   extra_len;
} Snapshot;

typedef struct Clusters {
    u64 first, n;
} Clusters;

typedef struct Qcow2 {
    Image *image;
    GMutex lock;
    GCond  changed;             /* `busy` got shorter */
    u32    version, cluster_bits, refcount_order, header_length;
    u64    cluster;             /* bytes */
    u64    incompatible, compatible, autoclear;
    u32    compression;         /* 0: zlib, 1: zstd */
    u32    l2_entries, block_entries;
    Top    l1, reftable;
    u64    snapshots_offset, snapshots_bytes;
    GPtrArray *snapshots;       /* of Snapshot */
    GHashTable *tables;         /* Table by offset */
    u64    stamp;
    bool   dirty;               /* atomic: there is something to write */
    bool   began, broken;
    bool   regular;             /* a file: behind its end it reads as zeros */
    u64    hint;                /* no cluster before it is free */
    u64    end;                 /* nothing was ever written from here on */
    GList *busy;                /* Clusters of the guest: being allocated */
    /* Refcounts to be lowered: not on the medium yet; maybe in use. */
    GArray *freed, *waiting;
    u32    users[2], epoch;     /* atomic: who uses clusters, by epoch & 1 */
    u64    unpacked_entry;      /* whose contents `unpacked` has; 0: none */
    u8    *unpacked;
} Qcow2;

/* ---- qcow2_table.c ------------------------------------------------------ */
int  table_get(Qcow2 *q, u64 offset, bool l2, Table **out);
/* One that is in memory already, or NULL.  Does not wait. */
Table *table_find(Qcow2 *q, u64 offset);
/* A new one, all zeros, to be written. */
Table *table_new(Qcow2 *q, u64 offset, bool l2);
void table_drop(Qcow2 *q, u64 offset);
u64  table_entry(const Table *t, u32 i);
void table_set(Qcow2 *q, Table *t, u32 i, u64 entry);
void table_changed(Qcow2 *q, Table *t, u32 at, u32 len);
void top_set(Qcow2 *q, Top *t, u32 i, u64 entry);
int  top_read(Qcow2 *q, Top *t);
int  top_write_all(Qcow2 *q, const Top *t);
/*
 * Forgets tables if there are many; invalidates every Table pointer, which no
 * other function does.
 */
int  tables_trim(Qcow2 *q);
/* Writes what changed, but for freed clusters. */
int  meta_flush(Qcow2 *q);
/* That, and all is on the medium; freed clusters may be used again. */
int  qcow2_sync(Qcow2 *q);
/* Writes the fields of the header that change. */
int  header_write(Qcow2 *q);
/* Nothing fits any more: says so once, and the image is not written to. */
int  qcow2_corrupt(Qcow2 *q, const char *why);

/* ---- qcow2_refcount.c --------------------------------------------------- */
int  refcount_get(Qcow2 *q, u64 cluster, u64 *count);
/* -ERANGE: its width does not allow it. */
int  refcount_add(Qcow2 *q, u64 cluster, i64 delta);
/* Takes up to n free clusters in a row. */
int  clusters_alloc(Qcow2 *q, u64 n, Clusters *out);
/* Exactly n, behind all others. */
int  clusters_alloc_exactly(Qcow2 *q, u64 n, u64 *first);
/* Lowers refcounts when nobody relies on them any more. */
void clusters_free(Qcow2 *q, u64 first, u64 n);
/* The same of what an L2 entry has. */
void entry_free(Qcow2 *q, u64 entry);
/* Clusters of the file that a compressed entry has bytes in. */
Clusters compressed_clusters(const Qcow2 *q, u64 entry);
void freed_release(Qcow2 *q);
/* Counts anew, after a crash with the dirty bit set. */
int  refcounts_rebuild(Qcow2 *q);

/* ---- qcow2_io.c --------------------------------------------------------- */
typedef enum RunKind { RUN_NOWHERE, RUN_ZERO, RUN_DATA, RUN_PACKED } RunKind;

/* Bytes of the disk alike, within one L2 table. */
typedef struct Run {
    RunKind kind;
    bool    own;                /* RUN_DATA: may be written to in place */
    u64     len;
    u64     host;               /* RUN_DATA: of the first byte */
    u64     entry;              /* of the first cluster */
} Run;

/* What is at offset of the disk that l1 has; -EAGAIN: not `wait`. */
int  run_find(Qcow2 *q, const Top *l1, u64 offset, u64 len, bool wait,
              Run *out);
/* Where the L2 table of active L1 entry i may be changed. */
int  l2_own(Qcow2 *q, u32 i, Table **out);
/* Reads what l1 has there; without the lock. */
int  qcow2_read(Qcow2 *q, const Top *l1, const struct iovec *iov, int n,
                u64 offset);
int  qcow2_write(Qcow2 *q, const struct iovec *iov, int n, u64 offset);
int  qcow2_zeroes(Qcow2 *q, u64 offset, u64 len);
void qcow2_discard(Qcow2 *q, u64 offset, u64 len);
bool qcow2_find(Qcow2 *q, bool write, u64 offset, u64 len, Extent *out);
u64  iov_bytes(const struct iovec *iov, int n);

/* ---- qcow2_pack.c ------------------------------------------------------- */
/* Unpacks the cluster that a compressed entry has; any thread, no lock. */
int  cluster_unpack(Qcow2 *q, u64 entry, u8 *to);

/* ---- qcow2_snapshot.c --------------------------------------------------- */
bool snapshots_read(Qcow2 *q, u32 n, Err *err);
void snapshot_free(void *s);
extern const SnapshotKind qcow2_snapshots;
/* Calls fn for all clusters that l1 leads to; fn NULL: sets COPIED. */
int  l1_each(Qcow2 *q, const Top *l1,
             int (*fn)(Qcow2 *q, Clusters c, void *opaque), void *opaque);
