/* SPDX-License-Identifier: MIT */
/*
 * Code memory, as the back end sees it.
 *
 *     common area | region 0 | region 1 | ...
 *
 * In a region hot code grows up from its start; cold code and data, and above
 * them the side tables, grow down from its end.  Offsets count from the start
 * of the buffer.
 */
#pragma once
#include "tcg/tcg.h"

enum { COMMON_SIZE = 4096, CODE_ALIGN = 16, CODE_PER_HEAT = 64 };

struct TcgBuffer {
    u8     *rw, *rx;            /* the two mappings of the same memory */
    size_t  size;
    i32    *heat;               /* entry counters, behind rx */
    size_t  nheat;              /* used in this region */
    size_t  region_size;
    u32     region;             /* the current one */
    size_t  hot, cold;          /* its free space lies between them */
    size_t  used[TCG_REGIONS];  /* bytes in the others */
    size_t  written;            /* bytes since rw's pages were let go */
    TcgSlow *slow;
    TcgFind *find;
    bool    counts;             /* code counts what it runs */
    void   *host;               /* the back end's own */
    TcgExit (*enter)(void *env, const void *exec);
};

/* A new entry counter; NULL: no more in this region. */
i32 *buffer_heat(TcgBuffer *t, u32 heat);
/* Tells that `size` bytes of code were written, as the back end does. */
void buffer_wrote(TcgBuffer *t, size_t size);

/* Emits the common code; false if the host cannot run translated code. */
bool host_start(TcgBuffer *t, Err *err);
void host_stop(TcgBuffer *t);

/* Bytes of code at c->cold; data and the side table follow. */
u32 snap_cold_code(const TcgCode *c);
