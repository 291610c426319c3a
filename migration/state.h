/* SPDX-License-Identifier: MIT */
/*
 * Private to migration/: the machine's state as sections.  Main thread and
 * machine lock, but for ram_*.
 */
#pragma once
#include "migration/migration.h"
#include "migration/stream.h"

/* ---- state.c ------------------------------------------------------------ */

/* What the machine is made of, as records; both ends have to agree. */
GByteArray *state_describe(Machine *m);
/* Does a stream's description fit m?  *err says what would make it fit. */
bool state_fits(Machine *m, const Section *x, Err *err);

/* A section kept: of CPUs, devices, the machine. */
typedef struct Kept {
    SectionKind kind;
    char        name[256];
    GByteArray *data;
} Kept;

GPtrArray *kept_new(void);              /* of Kept, which it owns */
void       kept_add(GPtrArray *to, SectionKind kind, const char *name,
                    GByteArray *data);
/* All of a stopped machine; running: what it was before it was stopped. */
GPtrArray *state_save(Machine *m, RunState was);
/*
 * Takes all that follows the description of the machine; memory is zero
 * before, the rest is added to kept.  Any thread.
 */
bool state_receive(Stream *s, GPtrArray *rams, GPtrArray *kept, Err *err);
/*
 * Fills a machine that was reset and has its memory.  False: it is lost.
 * *was: the run state that the stream has.
 */
bool state_load(Machine *m, GPtrArray *from, RunState *was, Err *err);

/* ---- ram.c: any thread -------------------------------------------------- */

/* A block of memory while it is sent. */
typedef struct RamSend {
    Ram   *ram;
    char  *name;                        /* in the stream */
    u8    *due;                         /* a byte a page: send it; or NULL */
} RamSend;

typedef struct RamStats {
    u64 pages, zero_pages;
} RamStats;

/* How pages are sent; level 0: as they are. */
typedef struct RamOut {
    Stream   *stream;
    u32       level;                    /* of zlib */
    RamStats  stats;
    /* Called now and then, with all that was sent; false: stop. */
    bool    (*progress)(void *opaque, Err *err);
    void     *opaque;
} RamOut;

GPtrArray *rams_list(void);             /* of RamSend; machine lock */
/* Everything that may be other than zero; of the rest nothing is sent. */
bool ram_send_all(RamOut *o, RamSend *r, Err *err);
/* Marks as due what was written; how many pages. */
u64  ram_collect(RamSend *r);
bool ram_send_due(RamOut *o, RamSend *r, Err *err);
/* Puts a section where it belongs; rams of rams_list(). */
bool ram_receive(GPtrArray *rams, const Section *x, Err *err);
