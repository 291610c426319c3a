/* SPDX-License-Identifier: MIT */
/*
 * Guest physical memory; see include/softmmu/memory.h.
 *
 * Regions are few (tens) and change seldom, so flattening is plain: cut the
 * address space at every edge and ask who is on top in each piece.
 *
 * A map that was replaced may still be read by a vCPU in the middle of an
 * access.  The listeners called after publishing make every vCPU pass a point
 * where it holds no range; a map is freed when another RETIRED maps were
 * published after it, so each reader had that many such points.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "softmmu/machine.h"

enum { RETIRED = 16, LISTENERS = 16, HUGE = 2 << 20 };

typedef struct Map {
    u32      n;
    MemRange range[];
} Map;

typedef struct Placed {
    MemRegion r;
    u32       handle;
} Placed;

typedef struct Listener {
    void (*changed)(void *opaque);
    void *opaque;
} Listener;

struct MemSpace {
    Map     *map;               /* atomic */
    Map     *retired[RETIRED];
    u32      published;
    GArray  *placed;            /* of Placed */
    u32      last_handle;
    MemSpace *of;               /* a view: what it shows besides its own */
    MemSpace *views;            /* others' of this one, by .next */
    MemSpace *next;
    /* Of a view, those of the space it shows count: */
    u32      depth;             /* of mem_begin() */
    bool     changed;
    Listener listener[LISTENERS];
    u32      listeners;
};

/* ---- RAM ---------------------------------------------------------------- */

#define RAM_MAX (1ull << 46)            /* bytes */

/* The process's guest memory; with the machine lock. */
static GPtrArray *rams;         /* set cache */

/* Address space for r with a guard page around it; NULL: none left. */
static u8 *reserve(u64 size)
{
    u64 all = size + 2 * HUGE;
    u8 *p = mmap(NULL, all, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED) {
        return NULL;
    }
    u64 start = align_up((u64)(uintptr_t)p + GUEST_PAGE, HUGE);
    u8 *host = p + (start - (u64)(uintptr_t)p);
    if (host - GUEST_PAGE > p) {
        munmap(p, (size_t)(host - GUEST_PAGE - p));
    }
    u8 *end = host + size + GUEST_PAGE;
    munmap(end, (size_t)(p + all - end));
    return host;
}

static bool back(Ram *r, bool shared, Err *err)
{
    int kind = (shared ? MAP_SHARED : MAP_PRIVATE)
             | (r->fd < 0 ? MAP_ANONYMOUS : 0);

    r->host = reserve(r->size);
    if (!r->host
        || mmap(r->host, r->size, PROT_READ | PROT_WRITE,
                kind | MAP_NORESERVE | MAP_FIXED, r->fd, 0)
           == MAP_FAILED) {
        return fail(err, "the host cannot map the %llu MiB of %s: %s",
                    (unsigned long long)(r->size >> 20), r->name,
                    g_strerror(errno));
    }
    if (r->size >= HUGE) {
        madvise(r->host, r->size, MADV_HUGEPAGE);
    }
    r->flags = mmap(NULL, r->size >> GUEST_PAGE_BITS, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (r->flags == MAP_FAILED) {
        r->flags = NULL;
        return fail(err, "no memory for the page flags of %s", r->name);
    }
    return true;
}

/* Anonymous memory has huge pages, which files seldom have. */
Ram *ram_new(const char *name, u64 size, Err *err)
{
    return ram_new_file(name, size, -1, false, err);
}

Ram *ram_new_file(const char *name, u64 size, int fd, bool shared, Err *err)
{
    Ram *r = g_new0(Ram, 1);

    r->name = g_strdup(name);
    r->size = align_up(MAX(size, GUEST_PAGE), GUEST_PAGE);
    r->fd = fd;
    if (size > RAM_MAX || !back(r, shared, err)) {
        fail(err, "%s cannot be of %llu MiB", name,
             (unsigned long long)(size >> 20));
        ram_free(r);
        return NULL;
    }
    rams = rams ? rams : g_ptr_array_new();
    g_ptr_array_add(rams, r);
    return r;
}

void ram_free(Ram *r)
{
    if (!r) {
        return;
    }
    if (rams) {
        g_ptr_array_remove(rams, r);
    }
    if (r->flags) {
        munmap(r->flags, r->size >> GUEST_PAGE_BITS);
    }
    if (r->host) {
        munmap(r->host - GUEST_PAGE, r->size + 2 * GUEST_PAGE);
    }
    if (r->fd >= 0) {
        close(r->fd);
    }
    g_free(r->name);
    g_free(r);
}

void ram_each(void (*fn)(void *opaque, Ram *r), void *opaque)
{
    for (u32 i = 0; rams && i < rams->len; i++) {
        fn(opaque, rams->pdata[i]);
    }
}

void ram_track(Ram *r, bool on)
{
    for (u64 i = 0; i < r->size >> GUEST_PAGE_BITS; i++) {
        u8 *flags = &r->flags[i];
        if (on) {
            __atomic_fetch_and(flags, (u8)~RAM_DIRTY, __ATOMIC_SEQ_CST);
            __atomic_fetch_or(flags, RAM_TRACK, __ATOMIC_SEQ_CST);
        } else {
            __atomic_fetch_and(flags, (u8)~(RAM_TRACK | RAM_DIRTY),
                               __ATOMIC_SEQ_CST);
        }
    }
}

bool ram_take_dirty(Ram *r, u64 page)
{
    u8 *flags = &r->flags[page];

    return __atomic_load_n(flags, __ATOMIC_SEQ_CST) & RAM_DIRTY
        && __atomic_fetch_and(flags, (u8)~RAM_DIRTY, __ATOMIC_SEQ_CST)
           & RAM_DIRTY;
}

/*
 * Was any of the HUGE bytes at `at` touched, present or swapped?  As the
 * kernel tells: Documentation/admin-guide/mm/pagemap.rst.
 */
static bool is_touched(int pagemap, const Ram *r, u64 at)
{
    const u64 there = 3ull << 62;
    u64 entry[HUGE / GUEST_PAGE];
    u64 pages = MIN(r->size - at, (u64)HUGE) / GUEST_PAGE;
    u64 first = ((u64)(uintptr_t)r->host + at) / GUEST_PAGE;
    ssize_t got = pread(pagemap, entry, pages * 8, (off_t)(first * 8));

    for (u64 i = 0; (ssize_t)(8 * pages) == got && i < pages; i++) {
        if (entry[i] & there) {
            return true;
        }
    }
    return (ssize_t)(8 * pages) != got;
}

/* What nobody touched is zero; a file is data all over. */
bool ram_data(const Ram *r, u64 *at, u64 *len)
{
    int pagemap = r->fd < 0 ? open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)
                            : -1;
    u64 end = r->size;

    if (pagemap >= 0) {
        while (*at < r->size && !is_touched(pagemap, r, *at)) {
            *at = align_down(*at + HUGE, HUGE);
        }
        for (end = *at; end < r->size && is_touched(pagemap, r, end);) {
            end = align_down(end + HUGE, HUGE);
        }
        close(pagemap);
    }
    *at = MIN(*at, r->size);
    *len = MIN(end, r->size) - *at;
    return *at < r->size;
}

void ram_clear(Ram *r)
{
    if (r->fd >= 0 || madvise(r->host, r->size, MADV_DONTNEED)) {
        memset(r->host, 0, r->size);
    }
    ram_wrote(r, 0, r->size);
}

/* What a file holds that others do not see stays: its pages are theirs. */
void ram_discard(Ram *r, u64 offset, u64 len)
{
    u64 at = align_up(offset, GUEST_PAGE);
    u64 end = align_down(offset + len, GUEST_PAGE);
    int how = r->fd >= 0 ? MADV_REMOVE : MADV_DONTNEED;

    if (at < end && madvise(r->host + at, end - at, how) == 0) {
        ram_wrote(r, at, end - at);
    }
}

void ram_wrote(Ram *r, u64 offset, u64 len)
{
    u64 end = offset + len;

    for (u64 at = offset; at < end;) {
        u8 *flags = &r->flags[at >> GUEST_PAGE_BITS];
        u64 next = MIN(align_down(at, GUEST_PAGE) + GUEST_PAGE, end);
        u8 f = __atomic_load_n(flags, __ATOMIC_SEQ_CST);
        if (f & RAM_TRACK && !(f & RAM_DIRTY)) {
            __atomic_fetch_or(flags, RAM_DIRTY, __ATOMIC_SEQ_CST);
        }
        if (f & RAM_CODE && r->code_written) {
            r->code_written(r->opaque, r, at, next - at);
        }
        at = next;
    }
}

/* ---- flattening --------------------------------------------------------- */

static u64 last_of(const MemRegion *r)
{
    return r->base + (r->size - 1);
}

static int compare_u64(const void *a, const void *b)
{
    u64 x = *(const u64 *)a, y = *(const u64 *)b;

    return x < y ? -1 : x > y;
}

static void add_edges(const MemSpace *m, GArray *e)
{
    for (u32 i = 0; i < m->placed->len; i++) {
        const MemRegion *r = &g_array_index(m->placed, Placed, i).r;
        u64 end = last_of(r) + 1;
        g_array_append_val(e, r->base);
        if (end) {
            g_array_append_val(e, end);
        }
    }
}

/* Every address at which somebody may come on top, sorted. */
static GArray *edges(const MemSpace *m)
{
    GArray *e = g_array_new(false, false, sizeof(u64));

    if (m->of) {
        add_edges(m->of, e);
    }
    add_edges(m, e);
    g_array_sort(e, compare_u64);
    return e;
}

/* Handles count within a space; a view's own come after the others. */
static const Placed *top_at(const MemSpace *m, u64 pa)
{
    const Placed *top = m->of ? top_at(m->of, pa) : NULL;

    for (u32 i = 0; i < m->placed->len; i++) {
        const Placed *p = &g_array_index(m->placed, Placed, i);
        if (pa < p->r.base || pa > last_of(&p->r)) {
            continue;
        }
        if (!top || p->r.priority > top->r.priority
            || p->r.priority == top->r.priority) {
            top = p;
        }
    }
    return top;
}

static MemRange range_of(const MemRegion *r, u64 base, u64 size)
{
    return (MemRange) {
        .base = base, .size = size, .ram = r->ram,
        .offset = (r->ram ? r->ram_offset : 0) + (base - r->base),
        .readonly = r->readonly || (r->ram && r->ram->readonly),
        .lockless = r->lockless, .read = r->read, .write = r->write,
        .opaque = r->opaque, .name = r->name,
    };
}

static Map *flatten(const MemSpace *m)
{
    GArray *e = edges(m);
    Map *map = g_malloc0(sizeof *map + (e->len + 1) * sizeof map->range[0]);
    const Placed *before = NULL;

    for (u32 i = 0; i < e->len; i++) {
        u64 base = g_array_index(e, u64, i);
        u64 end = i + 1 < e->len ? g_array_index(e, u64, i + 1) : 0;
        const Placed *p = base == end ? NULL : top_at(m, base);
        if (base == end) {
            continue;
        }
        if (p && p == before) {
            map->range[map->n - 1].size += end - base;
        } else if (p) {
            map->range[map->n++] = range_of(&p->r, base, end - base);
        }
        before = p;
    }
    g_array_free(e, true);
    return map;
}

static void replace_map(MemSpace *m)
{
    Map *old = m->map;
    u32 slot = m->published++ % RETIRED;

    __atomic_store_n(&m->map, flatten(m), __ATOMIC_RELEASE);
    g_free(m->retired[slot]);
    m->retired[slot] = old;
}

static void publish(MemSpace *m)
{
    m->changed = false;
    replace_map(m);
    for (MemSpace *v = m->views; v; v = v->next) {
        replace_map(v);
    }
    for (u32 i = 0; i < m->listeners; i++) {
        m->listener[i].changed(m->listener[i].opaque);
    }
}

/* ---- regions ------------------------------------------------------------ */

MemSpace *mem_new(void)
{
    MemSpace *m = g_new0(MemSpace, 1);

    m->placed = g_array_new(false, false, sizeof(Placed));
    m->map = flatten(m);
    return m;
}

MemSpace *mem_view(MemSpace *of)
{
    MemSpace *m = mem_new();

    m->of = of;
    m->next = of->views;
    of->views = m;
    replace_map(m);
    return m;
}

void mem_free(MemSpace *m)
{
    if (!m) {
        return;
    }
    for (MemSpace *v = m->views, *next; v; v = next) {
        next = v->next;
        mem_free(v);
    }
    for (u32 i = 0; i < RETIRED; i++) {
        g_free(m->retired[i]);
    }
    g_free(m->map);
    g_array_free(m->placed, true);
    g_free(m);
}

static MemSpace *shown(MemSpace *m) { return m->of ? m->of : m; }

void mem_begin(MemSpace *m)
{
    shown(m)->depth++;
}

void mem_commit(MemSpace *m)
{
    m = shown(m);
    if (--m->depth == 0 && m->changed) {
        publish(m);
    }
}

u32 mem_add(MemSpace *m, const MemRegion *r)
{
    Placed p = { .r = *r, .handle = ++m->last_handle };

    if (r->size) {
        mem_begin(m);
        g_array_append_val(m->placed, p);
        shown(m)->changed = true;
        mem_commit(m);
    }
    return p.handle;
}

void mem_remove(MemSpace *m, u32 handle)
{
    for (u32 i = 0; i < m->placed->len; i++) {
        if (g_array_index(m->placed, Placed, i).handle == handle) {
            mem_begin(m);
            g_array_remove_index(m->placed, i);
            shown(m)->changed = true;
            mem_commit(m);
            return;
        }
    }
}

void mem_listen(MemSpace *m, void (*changed)(void *opaque), void *opaque)
{
    if (m->listeners < LISTENERS) {
        m->listener[m->listeners++] = (Listener) { changed, opaque };
    }
}

/* ---- look-up ------------------------------------------------------------ */

const MemRange *mem_find(MemSpace *m, u64 pa)
{
    const Map *map = __atomic_load_n(&m->map, __ATOMIC_ACQUIRE);
    u32 lo = 0, hi = map->n;

    while (lo < hi) {
        u32 mid = (lo + hi) / 2;
        if (pa - map->range[mid].base < map->range[mid].size) {
            return &map->range[mid];
        }
        if (pa < map->range[mid].base) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    return NULL;
}

void mem_each(MemSpace *m, void (*fn)(void *, const MemRange *), void *opaque)
{
    const Map *map = __atomic_load_n(&m->map, __ATOMIC_ACQUIRE);

    for (u32 i = 0; i < map->n; i++) {
        fn(opaque, &map->range[i]);
    }
}

/* ---- copying ------------------------------------------------------------ */

/* The widest naturally aligned access at pa within len bytes. */
static unsigned step(u64 pa, u64 len)
{
    unsigned size = 8;

    while (size > 1 && (pa & (size - 1) || size > len)) {
        size /= 2;
    }
    return size;
}

static void mmio_read(const MemRange *r, u64 pa, u8 *buf, u64 len)
{
    if (!r->lockless) {
        machine_lock();
    }
    for (unsigned size; len; pa += size, buf += size, len -= size) {
        size = step(pa, len);
        u64 v = r->read
            ? r->read(r->opaque, r->offset + (pa - r->base), size) : 0;
        store_le(buf, size, v);
    }
    if (!r->lockless) {
        machine_unlock();
    }
}

static void mmio_write(const MemRange *r, u64 pa, const u8 *buf, u64 len)
{
    if (!r->write) {
        return;
    }
    if (!r->lockless) {
        machine_lock();
    }
    for (unsigned size; len; pa += size, buf += size, len -= size) {
        size = step(pa, len);
        r->write(r->opaque, r->offset + (pa - r->base), size,
                 load_le(buf, size));
    }
    if (!r->lockless) {
        machine_unlock();
    }
}

/* How much of [pa, pa + len) is in r, or before the next range if none. */
static u64 stretch(MemSpace *m, const MemRange *r, u64 pa, u64 len)
{
    const Map *map = __atomic_load_n(&m->map, __ATOMIC_ACQUIRE);

    if (r) {
        return MIN(len, r->size - (pa - r->base));
    }
    for (u32 i = 0; i < map->n; i++) {
        if (map->range[i].base > pa) {
            return MIN(len, map->range[i].base - pa);
        }
    }
    return len;
}

bool mem_read(MemSpace *m, u64 pa, void *buf, u64 len)
{
    bool all = true;

    for (u8 *to = buf; len;) {
        const MemRange *r = mem_find(m, pa);
        u64 n = stretch(m, r, pa, len);
        if (!r) {
            memset(to, 0, n);
            all = false;
        } else if (r->ram && !r->read) {
            memcpy(to, r->ram->host + r->offset + (pa - r->base), n);
        } else {
            mmio_read(r, pa, to, n);
        }
        to += n;
        pa += n;
        len -= n;
    }
    return all;
}

static bool put(MemSpace *m, u64 pa, const void *buf, u64 len, bool rom)
{
    bool all = true;

    for (const u8 *from = buf; len;) {
        const MemRange *r = mem_find(m, pa);
        u64 n = stretch(m, r, pa, len);
        if (!r) {
            all = false;
        } else if (r->ram && (rom || !r->readonly)) {
            u64 offset = r->offset + (pa - r->base);
            memcpy(r->ram->host + offset, from, n);
            ram_wrote(r->ram, offset, n);
        } else if (!rom) {
            mmio_write(r, pa, from, n);
        } else {
            all = false;
        }
        from += n;
        pa += n;
        len -= n;
    }
    return all;
}

bool mem_write(MemSpace *m, u64 pa, const void *buf, u64 len)
{
    return put(m, pa, buf, len, false);
}

bool mem_load(MemSpace *m, u64 pa, const void *buf, u64 len)
{
    return put(m, pa, buf, len, true);
}

u8 *mem_host(MemSpace *m, u64 pa, u64 *len, bool write)
{
    const MemRange *r = mem_find(m, pa);

    if (!r || !r->ram || r->read || (write && r->readonly)) {
        return NULL;
    }
    *len = stretch(m, r, pa, *len);
    return r->ram->host + r->offset + (pa - r->base);
}

void mem_wrote(MemSpace *m, u64 pa, u64 len)
{
    while (len) {
        const MemRange *r = mem_find(m, pa);
        u64 n = stretch(m, r, pa, len);
        if (r && r->ram) {
            ram_wrote(r->ram, r->offset + (pa - r->base), n);
        }
        pa += n;
        len -= n;
    }
}

/* A device's range that has all of the access, which it sees as one. */
static const MemRange *one_device(MemSpace *m, u64 pa, unsigned size)
{
    const MemRange *r = mem_find(m, pa);

    return r && (!r->ram || r->read) && size <= r->size - (pa - r->base)
        ? r : NULL;
}

u64 mem_get(MemSpace *m, u64 pa, unsigned size)
{
    const MemRange *r = one_device(m, pa, size);
    u8 buf[8] = { 0 };
    u64 v;

    if (!r || !r->read) {
        mem_read(m, pa, buf, MIN(size, 8));
        return load_le(buf, MIN(size, 8));
    }
    if (r->lockless) {
        return r->read(r->opaque, r->offset + (pa - r->base), size);
    }
    machine_lock();
    v = r->read(r->opaque, r->offset + (pa - r->base), size);
    machine_unlock();
    return v;
}

void mem_put(MemSpace *m, u64 pa, unsigned size, u64 v)
{
    const MemRange *r = one_device(m, pa, size);
    u8 buf[8];

    if (!r || !r->write) {
        store_le(buf, MIN(size, 8), v);
        mem_write(m, pa, buf, MIN(size, 8));
    } else if (r->lockless) {
        r->write(r->opaque, r->offset + (pa - r->base), size, v);
    } else {
        machine_lock();
        r->write(r->opaque, r->offset + (pa - r->base), size, v);
        machine_unlock();
    }
}
