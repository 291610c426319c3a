/* SPDX-License-Identifier: MIT */
/*
 * Clocks and timers.
 *
 * One GSource with one timerfd serves all timers.  Armed timers are in a
 * binary heap per clock, ordered by deadline; the timerfd is set for the
 * earliest of both heaps, in the host's monotonic time.
 *
 * Locks: `lock` guards the heaps and the virtual clock's base and is held
 * for a few instructions only, so that vCPUs may arm timers at any time.
 * Callbacks run without it, under the machine lock that the main loop holds.
 */
#include <errno.h>
#include <glib.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "softmmu/clock.h"

enum { KINDS = 2 };
#define SECOND 1000000000ll

struct Timer {
    ClockKind kind;
    void    (*fire)(void *opaque);
    void     *opaque;
    i64       when;
    u32       place;            /* in the heap, from 1; 0: not armed */
};

typedef struct Heap {
    Timer **at;                 /* from 1; at[i] fires no later than 2i, 2i+1 */
    u32     n, room;
} Heap;

typedef struct Clocks {
    GMutex   lock;
    Heap     heap[KINDS];
    GSource *source;            /* NULL: no timer was made yet */
    GSourceFuncs funcs;
    int      fd;
    i64      armed;             /* the timerfd's deadline; 0: off */
    u32      version;           /* of base and stopped; odd: they change */
    i64      base;              /* virtual = host monotonic - base */
    i64      frozen;            /* the virtual time while stopped */
    bool     stopped;
} Clocks;

/* The process has one set of clocks, and they stand until the first start. */
static Clocks clocks = { .fd = -1, .stopped = true };

static i64 host_ns(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (i64)t.tv_sec * SECOND + t.tv_nsec;
}

/* Lock-free: readers try again when the base changed under them. */
static i64 virtual_now(void)
{
    for (;;) {
        u32 before = __atomic_load_n(&clocks.version, __ATOMIC_ACQUIRE);
        i64 base = __atomic_load_n(&clocks.base, __ATOMIC_RELAXED);
        i64 frozen = __atomic_load_n(&clocks.frozen, __ATOMIC_RELAXED);
        bool stopped = __atomic_load_n(&clocks.stopped, __ATOMIC_RELAXED);
        i64 now = stopped ? frozen : host_ns(CLOCK_MONOTONIC) - base;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        u32 after = __atomic_load_n(&clocks.version, __ATOMIC_RELAXED);
        if (!(before & 1) && before == after) {
            return now;
        }
    }
}

i64 clock_now(ClockKind kind)
{
    i64 now = kind == CLOCK_VIRTUAL_NS ? virtual_now()
                                       : host_ns(CLOCK_REALTIME);

    return (i64)gate_value(GATE_CLOCK, (u64)now);
}

/* ---- the heap, with the lock -------------------------------------------- */

static void put_at(Heap *h, u32 i, Timer *t)
{
    h->at[i] = t;
    t->place = i;
}

static void sift_up(Heap *h, u32 i, Timer *t)
{
    for (; i > 1 && h->at[i / 2]->when > t->when; i /= 2) {
        put_at(h, i, h->at[i / 2]);
    }
    put_at(h, i, t);
}

static void sift_down(Heap *h, u32 i, Timer *t)
{
    for (u32 child; (child = 2 * i) <= h->n; i = child) {
        if (child < h->n && h->at[child + 1]->when < h->at[child]->when) {
            child++;
        }
        if (h->at[child]->when >= t->when) {
            break;
        }
        put_at(h, i, h->at[child]);
    }
    put_at(h, i, t);
}

static void heap_remove(Heap *h, Timer *t)
{
    u32 hole = t->place;
    Timer *last = h->at[h->n--];

    t->place = 0;
    if (last == t) {
        return;
    }
    if (hole > 1 && h->at[hole / 2]->when > last->when) {
        sift_up(h, hole, last);
    } else {
        sift_down(h, hole, last);
    }
}

static void heap_add(Heap *h, Timer *t)
{
    if (h->n + 2 > h->room) {
        h->room = h->room ? 2 * h->room : 64;
        h->at = g_renew(Timer *, h->at, h->room);
    }
    sift_up(h, ++h->n, t);
}

/* ---- the timerfd, with the lock ----------------------------------------- */

/* The earliest deadline in the host's monotonic time, or 0. */
static i64 next_deadline(void)
{
    const Heap *v = &clocks.heap[CLOCK_VIRTUAL_NS];
    const Heap *h = &clocks.heap[CLOCK_HOST_NS];
    i64 next = 0;

    if (v->n && !clocks.stopped) {
        next = MAX(v->at[1]->when + clocks.base, 1);
    }
    if (h->n) {
        i64 wait = h->at[1]->when - host_ns(CLOCK_REALTIME);
        i64 when = MAX(host_ns(CLOCK_MONOTONIC) + wait, 1);
        next = next ? MIN(next, when) : when;
    }
    return next;
}

static void arm(void)
{
    i64 next = next_deadline();

    if (next != clocks.armed && clocks.fd >= 0) {
        struct itimerspec t = { .it_value = { next / SECOND, next % SECOND } };
        timerfd_settime(clocks.fd, TFD_TIMER_ABSTIME, &t, NULL);
        clocks.armed = next;
    }
}

/* A timer that is due, out of its heap; NULL: none. */
static Timer *take_due(void)
{
    for (int kind = 0; kind < KINDS; kind++) {
        Heap *h = &clocks.heap[kind];
        bool runs = kind == CLOCK_HOST_NS || !clocks.stopped;
        if (runs && h->n && h->at[1]->when <= clock_now((ClockKind)kind)) {
            Timer *t = h->at[1];
            heap_remove(h, t);
            return t;
        }
    }
    return NULL;
}

/*
 * Fires what is due.  A callback that sets its own timer into the past would
 * keep this going, so what main loop sources wait for gets its turn in time.
 */
static gboolean dispatch(GSource *s, GSourceFunc fn, gpointer data)
{
    enum { TURNS = 64 };
    u64 count;
    Timer *t = NULL;

    (void)s, (void)fn, (void)data;
    if (read(clocks.fd, &count, sizeof count) < 0 && errno != EAGAIN) {
        return G_SOURCE_CONTINUE;
    }
    for (int i = 0; i < TURNS; i++) {
        g_mutex_lock(&clocks.lock);
        t = take_due();
        if (!t) {
            clocks.armed = 0;
            arm();
        }
        g_mutex_unlock(&clocks.lock);
        if (!t) {
            return G_SOURCE_CONTINUE;
        }
        t->fire(t->opaque);
    }
    g_mutex_lock(&clocks.lock);
    clocks.armed = 0;
    arm();
    g_mutex_unlock(&clocks.lock);
    return G_SOURCE_CONTINUE;
}

/* With the lock. */
static void open_source(void)
{
    clocks.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    clocks.funcs.dispatch = dispatch;
    clocks.source = g_source_new(&clocks.funcs, sizeof(GSource));
    g_source_set_name(clocks.source, "timers");
    g_source_add_unix_fd(clocks.source, clocks.fd, G_IO_IN);
    g_source_attach(clocks.source, NULL);
}

/* ---- the promise -------------------------------------------------------- */

void clock_pause(bool stopped)
{
    g_mutex_lock(&clocks.lock);
    if (clocks.stopped != stopped) {
        i64 now = host_ns(CLOCK_MONOTONIC);
        __atomic_store_n(&clocks.version, clocks.version + 1,
                         __ATOMIC_SEQ_CST);
        if (stopped) {
            __atomic_store_n(&clocks.frozen, now - clocks.base,
                             __ATOMIC_RELAXED);
        } else {
            __atomic_store_n(&clocks.base, now - clocks.frozen,
                             __ATOMIC_RELAXED);
        }
        __atomic_store_n(&clocks.stopped, stopped, __ATOMIC_RELAXED);
        __atomic_store_n(&clocks.version, clocks.version + 1,
                         __ATOMIC_SEQ_CST);
        arm();
    }
    g_mutex_unlock(&clocks.lock);
}

void clock_set(i64 ns)
{
    g_mutex_lock(&clocks.lock);
    if (clocks.stopped) {
        __atomic_store_n(&clocks.frozen, ns, __ATOMIC_RELAXED);
    }
    g_mutex_unlock(&clocks.lock);
}

/* The first virtual timer that is due by end, out of its heap; or NULL. */
static Timer *step_to(i64 end)
{
    Heap *h = &clocks.heap[CLOCK_VIRTUAL_NS];
    Timer *t = h->n && h->at[1]->when <= end ? h->at[1] : NULL;
    i64 now = t ? MAX(t->when, clocks.frozen) : end;

    __atomic_store_n(&clocks.frozen, now, __ATOMIC_RELAXED);
    if (t) {
        heap_remove(h, t);
    }
    return t;
}

void clock_step(i64 ns)
{
    i64 end = clocks.frozen + ns;

    for (Timer *t = NULL;;) {
        g_mutex_lock(&clocks.lock);
        t = clocks.stopped ? step_to(end) : NULL;
        g_mutex_unlock(&clocks.lock);
        if (!t) {
            return;
        }
        t->fire(t->opaque);
    }
}

Timer *timer_new(ClockKind kind, void (*fire)(void *opaque), void *opaque)
{
    Timer *t = g_new0(Timer, 1);

    *t = (Timer) { .kind = kind, .fire = fire, .opaque = opaque };
    g_mutex_lock(&clocks.lock);
    if (!clocks.source) {
        open_source();
    }
    g_mutex_unlock(&clocks.lock);
    return t;
}

void timer_free(Timer *t)
{
    if (t) {
        timer_stop(t);
        g_free(t);
    }
}

void timer_set(Timer *t, i64 when)
{
    Heap *h = &clocks.heap[t->kind];

    g_mutex_lock(&clocks.lock);
    if (t->place) {
        heap_remove(h, t);
    }
    t->when = when;
    heap_add(h, t);
    if (t->place == 1) {
        arm();
    }
    g_mutex_unlock(&clocks.lock);
}

void timer_stop(Timer *t)
{
    g_mutex_lock(&clocks.lock);
    if (t->place) {
        heap_remove(&clocks.heap[t->kind], t);
    }
    g_mutex_unlock(&clocks.lock);
}

bool timer_armed(const Timer *t)
{
    return __atomic_load_n(&t->place, __ATOMIC_RELAXED) != 0;
}

u64 gate_value(GateKind kind, u64 v)
{
    (void)kind;
    return v;
}

void gate_bytes(GateKind kind, void *buf, size_t len)
{
    (void)kind, (void)buf, (void)len;
}

void gate_random(void *buf, size_t len)
{
    u8 *p = buf;

    for (size_t done = 0; done < len;) {
        ssize_t n = getrandom(p + done, len - done, 0);
        if (n > 0) {
            done += (size_t)n;
        }
    }
    gate_bytes(GATE_RANDOM, buf, len);
}
