/* SPDX-License-Identifier: MIT */
/*
 * Split virtqueues and what all virtio devices share; see virtio.h.
 *
 * Where the driver's mistakes are caught: ring_at() and add_segments() for
 * addresses, walk() for chains, virtio_pop() for indices.  A walk ends since
 * each step takes one of at most `size` entries of a table, and there is one
 * indirect table in it at most.
 */
#include <glib.h>
#include "hw/virtio/virtio.h"
#include "softmmu/clock.h"
#include "softmmu/objects.h"
#include "util/log.h"

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4, DESC_BYTES = 16 };
enum { AVAIL_NO_INTERRUPT = 1 };
enum { STATUS_DRIVER_OK = 4, STATUS_FEATURES_OK = 8, STATUS_NEEDS_RESET = 64 };
enum { ISR_QUEUE = 1, ISR_CONFIG = 2 };
/* Of the rings: avail is flags, idx, ring[], used_event; used is alike. */
enum { RING_IDX = 2, RING_ENTRIES = 4, AVAIL_BYTES = 2, USED_BYTES = 8 };

typedef struct Desc {
    u64 addr;
    u32 len;
    u16 flags, next;
} Desc;

static MemSpace *memory(const VirtioDevice *v) { return v->dev.mem; }

static void look_at(VirtioDevice *v, u64 queues)
{
    for (u32 q = 0; q < v->queues; q++) {
        if (queues >> q & 1 && v->vq[q].ready && virtio_running(v)) {
            v->kind->notify(v, q);
        }
    }
}

static void look_again(void *opaque)
{
    VirtioDevice *v = opaque;
    u64 queues = v->later;

    v->later = 0;
    look_at(v, queues);
}

void virtio_init(VirtioDevice *v, const VirtioKind *kind)
{
    v->kind = kind;
    v->queues = kind->queues;
    v->features = kind->features | BIT(VIRTIO_F_VERSION_1)
        | BIT(VIRTIO_F_RING_INDIRECT_DESC) | BIT(VIRTIO_F_RING_EVENT_IDX);
    for (u32 q = 0; q < VQ_MAX; q++) {
        u32 size = q < countof(kind->queue_size) ? kind->queue_size[q] : 0;
        v->vq_max[q] = size ? size : 256;
    }
    v->timer = timer_new(CLOCK_VIRTUAL_NS, look_again, v);
}

void virtio_stop(VirtioDevice *v)
{
    iothread_remove(v->io, &v->user);
    timer_free(v->timer);
    v->timer = NULL;
}

void virtio_later(VirtioDevice *v, u32 q)
{
    if (v->io) {
        virtio_kick(v, q);
        return;
    }
    v->later |= BIT(q);
    timer_set(v->timer, 0);
}

bool virtio_running(const VirtioDevice *v)
{
    return (v->status & (STATUS_DRIVER_OK | STATUS_NEEDS_RESET))
        == STATUS_DRIVER_OK;
}

enum { CONFIGURATION = -1 };

/*
 * source: a queue, or CONFIGURATION.  Section 4.1.4.5.1 about isr.  Without
 * the machine lock it waits for after().
 */
static void signal_driver(VirtioDevice *v, u8 isr, int source)
{
    if (v->io && !machine_locked()) {
        v->due |= source == CONFIGURATION ? 0 : BIT(source);
        v->due_config |= source == CONFIGURATION;
        return;
    }
    bool sent = v->message && v->message(v->dev.bus, source);

    v->isr |= !sent || source == CONFIGURATION ? isr : 0;
    if (!sent && v->interrupt) {
        v->interrupt(v->dev.bus);
    }
}

void virtio_broken(VirtioDevice *v, const char *why)
{
    log_line(LOG_GUEST, "%s: %s; the device needs a reset", v->dev.id, why);
    v->status |= STATUS_NEEDS_RESET;
    signal_driver(v, ISR_CONFIG, CONFIGURATION);
}

void virtio_config_changed(VirtioDevice *v)
{
    v->generation++;
    if (virtio_running(v)) {
        signal_driver(v, ISR_CONFIG, CONFIGURATION);
    }
}

/* ---- on a thread of its own --------------------------------------------- */

static bool work(void *opaque)
{
    VirtioDevice *v = opaque;

    look_at(v, __atomic_exchange_n(&v->kicked, 0, __ATOMIC_SEQ_CST));
    return v->due || v->due_config;
}

static void after(void *opaque)
{
    VirtioDevice *v = opaque;

    iothread_lock(v->io);
    u64 due = v->due;
    bool config = v->due_config;
    v->due = 0;
    v->due_config = false;
    iothread_unlock(v->io);
    for (u32 q = 0; due; q++, due >>= 1) {
        if (due & 1) {
            signal_driver(v, ISR_QUEUE, (int)q);
        }
    }
    if (config) {
        signal_driver(v, ISR_CONFIG, CONFIGURATION);
    }
}

bool virtio_set_thread(VirtioDevice *v, const char *id, Err *err)
{
    const Machine *m = v->dev.machine;
    u32 at;
    const char *text = m && m->opts ? object_find(m->opts, id, &at) : NULL;
    g_autofree char *type = text ? object_get(text, "qom-type") : NULL;

    if (!type || strcmp(type, "iothread") != 0) {
        return fail(err, "iothread=%s: there is no such object; add -object "
                    "iothread,id=%s", id, id);
    }
    v->io = iothread_get(id);
    v->user = (IoUser) { work, after, v };
    iothread_add(v->io, &v->user);
    return true;
}

void virtio_kick(VirtioDevice *v, u32 q)
{
    if (q < VQ_MAX) {
        __atomic_fetch_or(&v->kicked, BIT(q), __ATOMIC_SEQ_CST);
        iothread_wake(v->io);
    }
}

/* ---- rings -------------------------------------------------------------- */

/* len bytes of guest RAM in one piece; NULL, and broken, if they are not. */
static u8 *ring_at(VirtioDevice *v, u64 pa, u64 len, bool write)
{
    u64 n = len;
    u8 *host = memory(v) ? mem_host(memory(v), pa, &n, write) : NULL;

    if (!host || n < len) {
        virtio_broken(v, "a ring that is not in memory");
        return NULL;
    }
    return host;
}

static u16 ring_get(VirtioDevice *v, u64 pa)
{
    const u8 *p = ring_at(v, pa, 2, false);
    u16 val = p ? (u16)load_le(p, 2) : 0;

    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return val;
}

static void ring_put(VirtioDevice *v, u64 pa, u16 val)
{
    u8 *p = ring_at(v, pa, 2, true);

    if (p) {
        __atomic_thread_fence(__ATOMIC_RELEASE);
        store_le(p, 2, val);
        mem_wrote(memory(v), pa, 2);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
}

static u16 avail_index(VirtioDevice *v, const VirtQueue *q)
{
    return ring_get(v, q->avail + RING_IDX);
}

/* Where the driver says at which used index it wants an interrupt. */
static u64 used_event_at(const VirtQueue *q)
{
    return q->avail + RING_ENTRIES + (u64)AVAIL_BYTES * q->size;
}

/* Where we say at which avail index we want a notification. */
static u64 avail_event_at(const VirtQueue *q)
{
    return q->used + RING_ENTRIES + (u64)USED_BYTES * q->size;
}

static bool usable(const VirtioDevice *v, u32 n)
{
    return virtio_running(v) && n < v->queues && v->vq[n].ready;
}

/* If there is no request, has the driver notify of the next one. */
static bool any_request(VirtioDevice *v, VirtQueue *q)
{
    if (avail_index(v, q) != q->next) {
        return virtio_running(v);
    }
    if (virtio_has(v, VIRTIO_F_RING_EVENT_IDX) && virtio_running(v)) {
        ring_put(v, avail_event_at(q), q->next);
        return avail_index(v, q) != q->next && virtio_running(v);
    }
    return false;
}

bool virtio_has_request(VirtioDevice *v, u32 n)
{
    return usable(v, n) && any_request(v, &v->vq[n]);
}

/* Entry `index` of a table in host memory, read once. */
static Desc read_desc(const u8 *table, u32 index)
{
    u8 raw[DESC_BYTES];

    memcpy(raw, table + (size_t)index * DESC_BYTES, sizeof raw);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return (Desc) { load_le(raw, 8), (u32)load_le(raw + 8, 4),
                    (u16)load_le(raw + 12, 2), (u16)load_le(raw + 14, 2) };
}

/* Adds the descriptor's memory to r, in as many pieces as RAM has there. */
static bool add_segments(VirtioDevice *v, VirtRequest *r, const Desc *d)
{
    bool write = d->flags & DESC_WRITE;
    u64 pa = d->addr, left = d->len;

    if (!write && r->nin) {
        virtio_broken(v, "a buffer to read behind one to write");
        return false;
    }
    while (left) {
        u64 n = left;
        u8 *host = mem_host(memory(v), pa, &n, write);
        u32 at = r->nout + r->nin;
        if (!host || at == VQ_SEGMENTS) {
            virtio_broken(v, host ? "a request of too many pieces"
                                  : "a buffer that is not in memory");
            return false;
        }
        r->iov[at] = (struct iovec) { host, n };
        r->pa[at] = pa;
        *(write ? &r->nin : &r->nout) += 1;
        *(write ? &r->in_len : &r->out_len) += n;
        pa += n;
        left -= n;
    }
    return true;
}

/* Section 2.6.5.3: a table of its own, as the only entry of the chain. */
static u8 *indirect_table(VirtioDevice *v, const VirtRequest *r, const Desc *d)
{
    if (!virtio_has(v, VIRTIO_F_RING_INDIRECT_DESC) || r->nout + r->nin
        || !d->len || d->len % DESC_BYTES || d->flags & DESC_NEXT
        || d->len / DESC_BYTES > VQ_SIZE_MAX) {
        virtio_broken(v, "a wrong indirect descriptor");
        return NULL;
    }
    return ring_at(v, d->addr, d->len, false);
}

/* Walks the chain at `head`. */
static bool walk(VirtioDevice *v, VirtRequest *r, const VirtQueue *q)
{
    u32 size = q->size, head = r->head;
    u8 *table = ring_at(v, q->desc, (u64)size * DESC_BYTES, false);
    bool inside = false;                /* an indirect table */

    for (u32 steps = 0; table && steps < size; steps++) {
        if (head >= size) {
            virtio_broken(v, "a descriptor outside of its table");
            return false;
        }
        Desc d = read_desc(table, head);
        if (d.flags & DESC_INDIRECT) {
            if (inside) {
                virtio_broken(v, "an indirect table in another");
                return false;
            }
            table = indirect_table(v, r, &d);
            size = d.len / DESC_BYTES;
            head = 0;
            steps = ~0u;                /* counts from 0 again, once */
            inside = true;
            continue;
        }
        if (!add_segments(v, r, &d)) {
            return false;
        }
        if (!(d.flags & DESC_NEXT)) {
            return true;
        }
        head = d.next;
    }
    if (table) {
        virtio_broken(v, "a chain of descriptors that loops");
    }
    return false;
}

bool virtio_pop(VirtioDevice *v, u32 n, VirtRequest *r)
{
    VirtQueue *q = &v->vq[n];

    if (!usable(v, n) || !any_request(v, q)) {
        return false;
    }
    if ((u16)(avail_index(v, q) - q->next) > q->size
        || v->in_use[n] >= q->size) {
        virtio_broken(v, "more requests than its ring has room for");
        return false;
    }
    r->epoch = v->epoch;
    r->nout = r->nin = 0;
    r->out_len = r->in_len = 0;
    r->head = ring_get(v, q->avail + RING_ENTRIES
                          + (u64)AVAIL_BYTES * (q->next % q->size));
    q->next++;
    v->in_use[n]++;
    return virtio_running(v) && walk(v, r, q);
}

void virtio_unpop(VirtioDevice *v, u32 q, u32 n)
{
    v->vq[q].next -= (u16)n;
    v->in_use[q] -= (u16)MIN(n, v->in_use[q]);
}

/* ---- giving back -------------------------------------------------------- */

/* Section 2.6.7.1, 2.6.8: does the driver want to hear of this? */
static bool wants_interrupt(VirtioDevice *v, VirtQueue *q)
{
    if (virtio_has(v, VIRTIO_F_RING_EVENT_IDX)) {
        u16 event = ring_get(v, used_event_at(q));
        u16 old = q->signalled, now = q->used_next;
        bool valid = q->signalled_valid;
        q->signalled = now;
        q->signalled_valid = true;
        return !valid || (u16)(now - event - 1) < (u16)(now - old);
    }
    return !(ring_get(v, q->avail) & AVAIL_NO_INTERRUPT);
}

static bool still_ours(const VirtioDevice *v, u32 n, const VirtRequest *r)
{
    return usable(v, n) && r->epoch == v->epoch;
}

void virtio_fill(VirtioDevice *v, u32 n, VirtRequest *r, u32 len, u32 nth)
{
    VirtQueue *q = &v->vq[n];

    if (!still_ours(v, n, r)) {
        return;                 /* it was reset meanwhile */
    }
    u64 left = len;
    for (u32 i = r->nout; i < r->nout + r->nin && left; i++) {
        u64 wrote = MIN(left, r->iov[i].iov_len);
        mem_wrote(memory(v), r->pa[i], wrote);
        left -= wrote;
    }
    u16 index = (u16)(q->used_next + nth);
    u64 at = q->used + RING_ENTRIES + (u64)USED_BYTES * (index % q->size);
    u8 *element = ring_at(v, at, USED_BYTES, true);
    if (element) {
        store_le(element, 4, r->head);
        store_le(element + 4, 4, len);
        mem_wrote(memory(v), at, USED_BYTES);
    }
}

void virtio_publish(VirtioDevice *v, u32 n, u32 count)
{
    VirtQueue *q = &v->vq[n];

    if (!usable(v, n)) {
        return;
    }
    v->in_use[n] -= (u16)MIN(count, v->in_use[n]);
    q->used_next += (u16)count;
    ring_put(v, q->used + RING_IDX, q->used_next);
    if (wants_interrupt(v, q)) {
        signal_driver(v, ISR_QUEUE, (int)n);
    }
}

void virtio_push(VirtioDevice *v, u32 n, VirtRequest *r, u32 len)
{
    if (still_ours(v, n, r)) {
        virtio_fill(v, n, r, len, 0);
        virtio_publish(v, n, 1);
    }
}

/* ---- segments ----------------------------------------------------------- */

static size_t iov_copy(u8 *buf, size_t len, const struct iovec *iov, u32 n,
                       size_t skip, bool in)
{
    size_t done = 0;

    for (u32 i = 0; i < n && done < len; i++) {
        if (skip >= iov[i].iov_len) {
            skip -= iov[i].iov_len;
            continue;
        }
        size_t k = MIN(iov[i].iov_len - skip, len - done);
        u8 *p = (u8 *)iov[i].iov_base + skip;
        if (in) {
            memcpy(p, buf + done, k);
        } else {
            memcpy(buf + done, p, k);
        }
        done += k;
        skip = 0;
    }
    return done;
}

size_t iov_copy_out(void *buf, size_t len, const struct iovec *iov, u32 n,
                    size_t skip)
{
    return iov_copy(buf, len, iov, n, skip, false);
}

size_t iov_copy_in(const struct iovec *iov, u32 n, size_t skip,
                   const void *buf, size_t len)
{
    return iov_copy((u8 *)buf, len, iov, n, skip, true);
}

/* ---- for transports ----------------------------------------------------- */

void virtio_reset(VirtioDevice *v)
{
    iothread_lock(v->io);
    v->epoch++;
    v->accepted = 0;
    v->status = v->isr = 0;
    v->told = false;
    v->later = 0;
    for (u32 q = 0; q < VQ_MAX; q++) {
        v->vq[q] = (VirtQueue) { .size = v->vq_max[q], .align = GUEST_PAGE };
        v->in_use[q] = 0;
    }
    if (v->kind && v->kind->reset) {
        v->kind->reset(v);
    }
    v->due = 0;
    v->due_config = false;
    iothread_unlock(v->io);
}

u64 virtio_offered(const VirtioDevice *v)
{
    return v->legacy ? (u32)v->features | BIT(VIRTIO_F_ANY_LAYOUT)
                     : v->features;
}

void virtio_accept(VirtioDevice *v, u32 half, u32 features)
{
    if (half < 2 && !(v->status & STATUS_FEATURES_OK)) {
        v->accepted = deposit(v->accepted, (int)(32 * half), 32, features);
    }
}

/* Section 3.1.1: FEATURES_OK stays clear if we cannot do what was accepted. */
static bool features_fit(const VirtioDevice *v)
{
    return !(v->accepted & ~virtio_offered(v))
        && (v->legacy || virtio_has(v, VIRTIO_F_VERSION_1));
}

void virtio_set_status(VirtioDevice *v, u8 status)
{
    u8 rises = status & ~v->status;

    if (status == 0) {
        virtio_reset(v);
        return;
    }
    if (rises & STATUS_FEATURES_OK && !features_fit(v)) {
        log_line(LOG_GUEST, "%s: features %#llx accepted, %#llx offered",
                 v->dev.id, (unsigned long long)v->accepted,
                 (unsigned long long)virtio_offered(v));
        status &= (u8)~STATUS_FEATURES_OK;
    }
    if (rises & STATUS_DRIVER_OK) {     /* legacy drivers just go on */
        v->accepted &= virtio_offered(v);
    }
    iothread_lock(v->io);
    v->status = (status & (u8)~STATUS_NEEDS_RESET)
              | (v->status & STATUS_NEEDS_RESET);
    iothread_unlock(v->io);
    if (rises & STATUS_DRIVER_OK && v->kind->driver_ok) {
        v->kind->driver_ok(v);
    }
}

void virtio_queue_ready(VirtioDevice *v, u32 n, bool ready)
{
    VirtQueue *q = &v->vq[n];

    iothread_lock(v->io);
    q->ready = ready;
    q->next = q->used_next = 0;
    q->signalled_valid = false;
    v->in_use[n] = 0;
    iothread_unlock(v->io);
}

void virtio_notify(VirtioDevice *v, u32 q)
{
    if (usable(v, q) && v->io) {
        virtio_kick(v, q);
    } else if (usable(v, q)) {
        v->kind->notify(v, q);
    } else if (!v->told) {
        v->told = true;
        log_line(LOG_GUEST, "%s: notification of queue %u, which is not ready",
                 v->dev.id, q);
    }
}

bool virtio_loaded(VirtioDevice *v)
{
    for (u32 n = 0; n < VQ_MAX; n++) {
        const VirtQueue *q = &v->vq[n];
        if (!is_pow2(q->size) || q->size > v->vq_max[n] || !is_pow2(q->align)
            || q->ready > 1 || q->signalled_valid > 1) {
            return false;
        }
    }
    memset(v->in_use, 0, sizeof v->in_use);
    v->epoch++;
    if (v->transitional) {
        v->legacy = v->status && !virtio_has(v, VIRTIO_F_VERSION_1);
    }
    return !(v->status & (STATUS_FEATURES_OK | STATUS_DRIVER_OK))
        || !(v->accepted & ~virtio_offered(v));
}
