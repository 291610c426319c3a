/* SPDX-License-Identifier: MIT */
/*
 * Many requests at once, none of which anybody waits for.
 *
 * Plain reads, writes and flushes go to io_uring (io_uring(7)), in which what
 * the page cache holds is done as it is handed over.  All the rest goes to a
 * pool of threads: other operations, what is not in one piece of a file or has
 * to be looked for, what io_uring did in part, and everything where the kernel
 * refuses io_uring, as containers do.
 *
 * An eventfd that both write to wakes the main loop.  Both are handled with
 * the machine lock: any thread that has it may hand over and reap.  A disk of
 * an IoThread has that one's Aio, with its lock.
 */
#include <errno.h>
#include <glib-unix.h>
#include <liburing.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "block/backend.h"

enum { THREADS = 8, RING = 256 };

struct Aio {
    bool         started, has_ring;
    int          event;         /* eventfd: something finished */
    GThreadPool *pool;
    GAsyncQueue *finished;      /* of AioRequest, by the pool */
    struct io_uring ring;
    u32          in_ring;
    u32          plugged;       /* depth of block_plug() */
    u32          in_flight;
};

static Aio main_aio;            /* set cache */

static Aio *aio_of(const Block *b)
{
    return b && b->thread ? iothread_aio(b->thread) : &main_aio;
}

/* ---- completion --------------------------------------------------------- */

static void complete(Aio *a, AioRequest *r)
{
    Block *b = r->b;

    if (r->ret && !r->refused && !b->complained) {
        fprintf(stderr, "anole: disk %s (%s): %s; the guest sees an I/O "
                "error%s\n", b->id, b->path, g_strerror(-r->ret),
                r->ret == -ENOSPC ? " until the host has room again" : "");
        b->complained = true;
    }
    block_account(r);
    b->in_flight--;
    a->in_flight--;
    r->done(r->opaque, r->ret);
    g_free(r->iov);
    g_free(r);
}

void aio_wake(Aio *a)
{
    u64 one = 1;

    if (write(a->event, &one, sizeof one) < 0) {
        return;                 /* its counter is full: it wakes anyway */
    }
}

static void finished(AioRequest *r)
{
    Aio *a = aio_of(r->b);

    g_async_queue_push(a->finished, r);
    aio_wake(a);
}

static void work(void *opaque, void *unused)
{
    AioRequest *r = opaque;

    (void)unused;
    r->ret = image_perform(r);
    finished(r);
}

static void to_pool(AioRequest *r)
{
    g_thread_pool_push(aio_of(r->b)->pool, r, NULL);
}

/* ---- io_uring ----------------------------------------------------------- */

static bool aligned(const AioRequest *r)
{
    for (int i = 0; i < r->n; i++) {
        if (((uintptr_t)r->iov[i].iov_base | r->iov[i].iov_len) % SECTOR) {
            return false;
        }
    }
    return true;
}

static bool ring_takes(const Aio *a, AioRequest *r)
{
    const Block *b = r->b;
    Image *i = b->image;

    if (!a->has_ring || b->threads || b->sync || a->in_ring >= RING) {
        return false;
    }
    if (r->op == BLOCK_FLUSH) {
        r->at = (Extent) { .fd = i->fd };
        return !i->unsafe && !i->readonly
            && !(i->kind->unwritten && i->kind->unwritten(i));
    }
    return (r->op == BLOCK_READ || r->op == BLOCK_WRITE)
        && (!i->direct || aligned(r))
        && i->kind->find(i, r->op == BLOCK_WRITE, r->offset, r->len, &r->at);
}

static void let_go(AioRequest *r)
{
    if (r->at.users) {
        __atomic_fetch_sub(r->at.users, 1, __ATOMIC_SEQ_CST);
        r->at.users = NULL;
    }
}

static bool ring_queue(Aio *a, AioRequest *r)
{
    struct io_uring_sqe *s = io_uring_get_sqe(&a->ring);

    if (!s) {
        let_go(r);
        return false;
    }
    switch (r->op) {
    case BLOCK_FLUSH:
        io_uring_prep_fsync(s, r->at.fd, IORING_FSYNC_DATASYNC);
        break;
    case BLOCK_READ:
        io_uring_prep_readv(s, r->at.fd, r->iov, (unsigned)r->n,
                            r->at.offset);
        break;
    default:
        io_uring_prep_writev(s, r->at.fd, r->iov, (unsigned)r->n,
                             r->at.offset);
    }
    io_uring_sqe_set_data(s, r);
    a->in_ring++;
    return true;
}

/* Hands over what is queued; what the kernel cannot take now waits. */
static void ring_submit(Aio *a)
{
    if (a->has_ring && io_uring_sq_ready(&a->ring)
        && io_uring_submit(&a->ring) < 0) {
        aio_wake(a);            /* try again from the main loop */
    }
}

/* Short transfers (the end of the file) and interrupted ones go on. */
static void ring_done(Aio *a, AioRequest *r, int res)
{
    bool again = res == -EINTR || res == -EAGAIN || res == -ECANCELED;

    if (r->op != BLOCK_FLUSH && res >= 0 && (u64)res < r->len) {
        r->offset += (u64)res;
        r->len -= (u64)res;
        r->n = iov_advance(r->iov, r->n, (u64)res);
        again = true;
    }
    let_go(r);
    if (again) {
        to_pool(r);
        return;
    }
    r->ret = MIN(res, 0);
    complete(a, r);
}

static void reap(Aio *a)
{
    struct io_uring_cqe *cqe;
    AioRequest *r;

    while (a->in_ring && io_uring_peek_cqe(&a->ring, &cqe) == 0) {
        int res = cqe->res;
        r = io_uring_cqe_get_data(cqe);
        io_uring_cqe_seen(&a->ring, cqe);
        a->in_ring--;
        ring_done(a, r, res);
    }
    while ((r = g_async_queue_try_pop(a->finished))) {
        complete(a, r);
    }
}

/* ---- loops -------------------------------------------------------------- */

static void clear_event(Aio *a)
{
    u64 count;

    if (read(a->event, &count, sizeof count) < 0) {
        return;                 /* nothing: somebody else reaped it */
    }
}

void aio_serve(Aio *a)
{
    clear_event(a);
    ring_submit(a);
    reap(a);
}

void aio_wait(Aio *a)
{
    struct pollfd p = { .fd = a->event, .events = POLLIN };

    poll(&p, 1, -1);
}

static gboolean on_event(gint fd, GIOCondition what, void *opaque)
{
    (void)fd, (void)what;
    aio_serve(opaque);
    return G_SOURCE_CONTINUE;
}

static bool start_ring(Aio *a)
{
    if (io_uring_queue_init(RING, &a->ring, 0) < 0) {
        return false;
    }
    if (io_uring_register_eventfd(&a->ring, a->event) < 0) {
        io_uring_queue_exit(&a->ring);
        return false;
    }
    return true;
}

static void set_up(Aio *a)
{
    a->started = true;
    a->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    a->finished = g_async_queue_new();
    a->pool = g_thread_pool_new(work, NULL, THREADS, false, NULL);
    a->has_ring = start_ring(a);
}

Aio *aio_new(void)
{
    Aio *a = g_new0(Aio, 1);

    set_up(a);
    return a;
}

void aio_free(Aio *a)
{
    g_thread_pool_free(a->pool, false, true);
    g_async_queue_unref(a->finished);
    if (a->has_ring) {
        io_uring_queue_exit(&a->ring);
    }
    close(a->event);
    g_free(a);
}

/* That of the main loop when it is needed first. */
static Aio *started(const Block *b)
{
    Aio *a = aio_of(b);

    if (!a->started) {
        set_up(a);
        GSource *s = g_unix_fd_source_new(a->event, G_IO_IN);
        g_source_set_callback(s, G_SOURCE_FUNC(on_event), a, NULL);
        g_source_set_name(s, "disks");
        g_source_set_can_recurse(s, true);  /* else GLib wakes it again */
        g_source_attach(s, NULL);
        g_source_unref(s);
    }
    return a;
}

const char *aio_engine(const Block *b)
{
    return started(b)->has_ring && !b->threads ? "io_uring" : "threads";
}

void aio_submit(AioRequest *r)
{
    Aio *a = started(r->b);

    r->b->in_flight++;
    a->in_flight++;
    if (r->refused) {
        finished(r);
    } else if (!ring_takes(a, r)) {
        to_pool(r);
    } else if (r->at.fd < 0) {
        iov_zero(r->iov, r->n);
        finished(r);
    } else if (!ring_queue(a, r)) {
        to_pool(r);
    } else if (!a->plugged) {
        ring_submit(a);
    }
}

void block_plug(Block *b)
{
    aio_of(b)->plugged++;
}

void block_unplug(Block *b)
{
    Aio *a = aio_of(b);

    if (--a->plugged == 0 && a->in_ring) {
        ring_submit(a);
        reap(a);
    }
}

static void drain(Aio *a, const u32 *busy)
{
    while (*busy) {
        aio_serve(a);
        if (*busy) {
            aio_wait(a);
        }
    }
}

void aio_drain(const Block *b)
{
    iothread_lock(b->thread);
    drain(aio_of(b), &b->in_flight);
    iothread_unlock(b->thread);
}

void aio_drain_all(Aio *a)
{
    a = a ? a : &main_aio;
    drain(a, &a->in_flight);
}
