/* SPDX-License-Identifier: MIT */
/*
 * Code memory: one memory object, mapped once writable and once executable,
 * cut into regions.  See buffer.h.
 */
#include "tcg/buffer.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t region_start(const TcgBuffer *t, u32 region)
{
    return COMMON_SIZE + region * t->region_size;
}

static void open_region(TcgBuffer *t, u32 region)
{
    t->region = region;
    t->used[region] = 0;
    t->nheat = 0;
    t->hot = region_start(t, region);
    t->cold = t->hot + t->region_size;
}

static size_t heat_size(const TcgBuffer *t)
{
    return t->size / CODE_PER_HEAT * sizeof(i32);
}

i32 *buffer_heat(TcgBuffer *t, u32 heat)
{
    size_t room = t->region_size / CODE_PER_HEAT;
    if (!heat || t->nheat == room) {
        return NULL;
    }
    i32 *count = &t->heat[t->region * room + t->nheat++];
    *count = (i32)heat - 1;
    return count;
}

static bool map(TcgBuffer *t, size_t size, Err *err)
{
    int fd = memfd_create("anole-code", MFD_CLOEXEC);
    if (fd < 0) {
        return fail(err, "cannot make code memory: %s", strerror(errno));
    }
    t->size = size;
    bool ok = !ftruncate(fd, (off_t)size);
    if (ok) {
        t->rw = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        t->rx = mmap(NULL, size + heat_size(t), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        ok = t->rw != MAP_FAILED && t->rx != MAP_FAILED &&
             mmap(t->rx, size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED,
                  fd, 0) == t->rx;
    }
    int why = errno;
    close(fd);
    t->heat = (i32 *)(void *)(t->rx + size);
    return ok || fail(err, "cannot map %zu bytes of code memory: %s", size,
                      strerror(why));
}

TcgBuffer *tcg_new(size_t size, TcgSlow *slow, TcgFind *find, Err *err)
{
    TcgBuffer *t = calloc(1, sizeof(*t));
    if (!t) {
        fail(err, "out of memory");
        return NULL;
    }
    t->rw = t->rx = MAP_FAILED;
    t->slow = slow;
    t->find = find;
    size = align_up(MAX(size, (size_t)1 << 20), PAGE_SIZE);
    if (size > 1u << 30) {      /* 32-bit displacements must reach */
        size = 1u << 30;
    }
    t->region_size = align_down((size - COMMON_SIZE) / TCG_REGIONS, 64);
    if (!map(t, size, err) || !host_start(t, err)) {
        tcg_free(t);
        return NULL;
    }
    open_region(t, 0);
    return t;
}

void tcg_count(TcgBuffer *t)
{
    t->counts = true;
}

void tcg_free(TcgBuffer *t)
{
    if (!t) {
        return;
    }
    host_stop(t);
    if (t->rw != MAP_FAILED) {
        munmap(t->rw, t->size);
    }
    if (t->rx != MAP_FAILED) {
        munmap(t->rx, t->size + heat_size(t));
    }
    free(t);
}

/*
 * Pages of rw are let go now and then: they stay rx's, and those that jumps
 * are linked in come back.  Else the process would have all code twice.
 */
void buffer_wrote(TcgBuffer *t, size_t size)
{
    enum { OFTEN = 1 << 20 };

    t->written += size;
    if (t->written >= OFTEN) {
        t->written = 0;
        madvise(t->rw, t->size, MADV_DONTNEED);
    }
}

static size_t used_here(const TcgBuffer *t)
{
    return t->region_size -
           (t->cold - t->hot);
}

u32 tcg_next_region(TcgBuffer *t)
{
    t->used[t->region] = used_here(t);
    open_region(t, (t->region + 1) % TCG_REGIONS);
    return t->region;
}

size_t tcg_used(const TcgBuffer *t)
{
    size_t n = used_here(t);
    for (u32 r = 0; r < TCG_REGIONS; r++) {
        n += r == t->region ? 0 : t->used[r];
    }
    return n;
}
