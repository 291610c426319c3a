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
 * the machine lock: any thread that has it may hand over and reap.
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

typedef struct Aio {
    bool         started, has_ring;
    int          event;         /* eventfd: something finished */
    GThreadPool *pool;
    GAsyncQueue *finished;      /* of AioRequest, by the pool */
    struct io_uring ring;
    u32          in_ring;
    u32          plugged;       /* depth of block_plug() */
    u32          in_flight;
} Aio;

static Aio aio;                 /* set cache */

/* ---- completion --------------------------------------------------------- */

static void complete(AioRequest *r)
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
    aio.in_flight--;
    r->done(r->opaque, r->ret);
    g_free(r->iov);
    g_free(r);
}

static void wake(void)
{
    u64 one = 1;

    if (write(aio.event, &one, sizeof one) < 0) {
        return;                 /* its counter is full: it wakes anyway */
    }
}

static void finished(AioRequest *r)
{
    g_async_queue_push(aio.finished, r);
    wake();
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
    g_thread_pool_push(aio.pool, r, NULL);
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

static bool ring_takes(AioRequest *r)
{
    const Block *b = r->b;
    Image *i = b->image;

    if (!aio.has_ring || b->threads || b->sync || aio.in_ring >= RING) {
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

static bool ring_queue(AioRequest *r)
{
    struct io_uring_sqe *s = io_uring_get_sqe(&aio.ring);

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
    aio.in_ring++;
    return true;
}

/* Hands over what is queued; what the kernel cannot take now waits. */
static void ring_submit(void)
{
    if (aio.has_ring && io_uring_sq_ready(&aio.ring)
        && io_uring_submit(&aio.ring) < 0) {
        wake();                 /* try again from the main loop */
    }
}

/* Short transfers (the end of the file) and interrupted ones go on. */
static void ring_done(AioRequest *r, int res)
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
    complete(r);
}

static void reap(void)
{
    struct io_uring_cqe *cqe;
    AioRequest *r;

    while (aio.in_ring && io_uring_peek_cqe(&aio.ring, &cqe) == 0) {
        int res = cqe->res;
        r = io_uring_cqe_get_data(cqe);
        io_uring_cqe_seen(&aio.ring, cqe);
        aio.in_ring--;
        ring_done(r, res);
    }
    while ((r = g_async_queue_try_pop(aio.finished))) {
        complete(r);
    }
}

/* ---- the main loop ------------------------------------------------------ */

static void clear_event(void)
{
    u64 count;

    if (read(aio.event, &count, sizeof count) < 0) {
        return;                 /* nothing: somebody else reaped it */
    }
}

static gboolean on_event(gint fd, GIOCondition what, void *unused)
{
    (void)fd, (void)what, (void)unused;
    clear_event();
    ring_submit();
    reap();
    return G_SOURCE_CONTINUE;
}

static bool start_ring(void)
{
    if (io_uring_queue_init(RING, &aio.ring, 0) < 0) {
        return false;
    }
    if (io_uring_register_eventfd(&aio.ring, aio.event) < 0) {
        io_uring_queue_exit(&aio.ring);
        return false;
    }
    return true;
}

static void start(void)
{
    if (aio.started) {
        return;
    }
    aio.started = true;
    aio.event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    aio.finished = g_async_queue_new();
    aio.pool = g_thread_pool_new(work, NULL, THREADS, false, NULL);
    aio.has_ring = start_ring();
    GSource *s = g_unix_fd_source_new(aio.event, G_IO_IN);
    g_source_set_callback(s, G_SOURCE_FUNC(on_event), NULL, NULL);
    g_source_set_name(s, "disks");
    g_source_set_can_recurse(s, true);  /* else GLib wakes the loop again */
    g_source_attach(s, NULL);
    g_source_unref(s);
}

const char *aio_engine(const Block *b)
{
    start();
    return aio.has_ring && !b->threads ? "io_uring" : "threads";
}

void aio_submit(AioRequest *r)
{
    start();
    r->b->in_flight++;
    aio.in_flight++;
    if (r->refused) {
        finished(r);
    } else if (!ring_takes(r)) {
        to_pool(r);
    } else if (r->at.fd < 0) {
        iov_zero(r->iov, r->n);
        finished(r);
    } else if (!ring_queue(r)) {
        to_pool(r);
    } else if (!aio.plugged) {
        ring_submit();
    }
}

void block_plug(void)
{
    aio.plugged++;
}

void block_unplug(void)
{
    if (--aio.plugged == 0 && aio.in_ring) {
        ring_submit();
        reap();
    }
}

void aio_drain(const Block *b)
{
    const u32 *busy = b ? &b->in_flight : &aio.in_flight;

    while (*busy) {
        struct pollfd p = { .fd = aio.event, .events = POLLIN };
        ring_submit();
        reap();
        if (*busy) {
            poll(&p, 1, -1);
            clear_event();
        }
    }
}
