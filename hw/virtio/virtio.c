/* SPDX-License-Identifier: MIT */
/* Split virtqueues and what all virtio devices share; see virtio.h. */
#include <glib.h>
#include "hw/virtio/virtio.h"
#include "util/log.h"

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4, DESC_BYTES = 16 };
enum { AVAIL_NO_INTERRUPT = 1 };
enum { STATUS_DRIVER_OK = 4, STATUS_NEEDS_RESET = 0x40 };
enum { ISR_QUEUE = 1, ISR_CONFIG = 2 };

typedef struct Desc {
    u64 addr;
    u32 len;
    u16 flags, next;
} Desc;

static MemSpace *memory(const VirtioDevice *v) { return v->dev.mem; }

void virtio_init(VirtioDevice *v, const VirtioKind *kind)
{
    v->kind = kind;
    v->features = kind->features | BIT(VIRTIO_F_VERSION_1)
        | BIT(VIRTIO_F_RING_INDIRECT_DESC) | BIT(VIRTIO_F_RING_EVENT_IDX);
    for (u32 q = 0; q < kind->queues; q++) {
        v->vq_max[q] = kind->queue_size[q] ? kind->queue_size[q] : 256;
    }
}

bool virtio_running(const VirtioDevice *v)
{
    return (v->status & (STATUS_DRIVER_OK | STATUS_NEEDS_RESET))
        == STATUS_DRIVER_OK;
}

static void signal_driver(VirtioDevice *v, u8 isr)
{
    v->isr |= isr;
    if (v->interrupt) {
        v->interrupt(v->dev.bus);
    }
}

void virtio_broken(VirtioDevice *v, const char *why)
{
    log_line(LOG_GUEST, "%s: %s; the device needs a reset", v->dev.id, why);
    v->status |= STATUS_NEEDS_RESET;
    signal_driver(v, ISR_CONFIG);
}

void virtio_config_changed(VirtioDevice *v)
{
    v->generation++;
    if (virtio_running(v)) {
        signal_driver(v, ISR_CONFIG);
    }
}

/* ---- rings -------------------------------------------------------------- */

static u16 avail_index(const VirtioDevice *v, const VirtQueue *q)
{
    return (u16)mem_get(memory(v), q->avail + 2, 2);
}

static bool usable(const VirtioDevice *v, u32 n)
{
    return virtio_running(v) && n < v->kind->queues && v->vq[n].ready;
}

bool virtio_has_request(VirtioDevice *v, u32 n)
{
    return usable(v, n) && avail_index(v, &v->vq[n]) != v->vq[n].next;
}

static bool read_desc(const VirtioDevice *v, u64 table, u32 index, Desc *d)
{
    u8 raw[DESC_BYTES];

    if (!mem_read(memory(v), table + (u64)index * DESC_BYTES, raw,
                  sizeof raw)) {
        return false;
    }
    *d = (Desc) { load_le(raw, 8), (u32)load_le(raw + 8, 4),
                  (u16)load_le(raw + 12, 2), (u16)load_le(raw + 14, 2) };
    return true;
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

/* Walks one chain of a table of `size`; longer than the table is a loop. */
static bool walk(VirtioDevice *v, VirtRequest *r, u64 table, u32 size, u32 head)
{
    bool indirect_ok = table == v->vq[0].desc || size;
    Desc d;

    for (u32 steps = 0; steps < size; steps++) {
        if (head >= size || !read_desc(v, table, head, &d)) {
            virtio_broken(v, "a descriptor outside of its table");
            return false;
        }
        if (d.flags & DESC_INDIRECT) {
            if (!indirect_ok || r->nout + r->nin || d.len % DESC_BYTES
                || !d.len || d.len / DESC_BYTES > VQ_SIZE_MAX
                || d.flags & DESC_NEXT) {
                virtio_broken(v, "a wrong indirect descriptor");
                return false;
            }
            table = d.addr;
            size = d.len / DESC_BYTES;
            head = 0;
            steps = ~0u;
            indirect_ok = false;
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
    virtio_broken(v, "a chain of descriptors that loops");
    return false;
}

/* Tells the driver from which index on it is to notify. */
static void want_notify(VirtioDevice *v, VirtQueue *q)
{
    if (virtio_has(v, VIRTIO_F_RING_EVENT_IDX)) {
        mem_put(memory(v), q->used + 4 + 8ull * q->size, 2, q->next);
    }
}

bool virtio_pop(VirtioDevice *v, u32 n, VirtRequest *r)
{
    VirtQueue *q = &v->vq[n];

    if (!usable(v, n)) {
        return false;
    }
    u16 index = avail_index(v, q);
    if (index == q->next) {
        want_notify(v, q);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        index = avail_index(v, q);      /* one may have come meanwhile */
    }
    if (index == q->next) {
        return false;
    }
    if ((u16)(index - q->next) > q->size) {
        virtio_broken(v, "more requests than its ring has room for");
        return false;
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    r->epoch = v->epoch;
    r->nout = r->nin = 0;
    r->out_len = r->in_len = 0;
    r->head = (u16)mem_get(memory(v),
                           q->avail + 4 + 2ull * (q->next % q->size), 2);
    q->next++;
    return walk(v, r, q->desc, q->size, r->head);
}

void virtio_unpop(VirtioDevice *v, u32 n)
{
    v->vq[n].next--;
}

/* Section 2.6.7.1, 2.6.8: does the driver want to hear of this? */
static bool wants_interrupt(VirtioDevice *v, VirtQueue *q)
{
    if (virtio_has(v, VIRTIO_F_RING_EVENT_IDX)) {
        u16 event = (u16)mem_get(memory(v), q->avail + 4 + 2ull * q->size, 2);
        u16 old = q->signalled, now = q->used_next;
        bool valid = q->signalled_valid;
        q->signalled = now;
        q->signalled_valid = true;
        return !valid || (u16)(now - event - 1) < (u16)(now - old);
    }
    return !(mem_get(memory(v), q->avail, 2) & AVAIL_NO_INTERRUPT);
}

void virtio_push(VirtioDevice *v, u32 n, VirtRequest *r, u32 len)
{
    VirtQueue *q = &v->vq[n];
    u8 element[8];

    if (!usable(v, n) || r->epoch != v->epoch) {
        return;                 /* it was reset meanwhile */
    }
    u64 left = len;
    for (u32 i = r->nout; i < r->nout + r->nin && left; i++) {
        u64 wrote = MIN(left, r->iov[i].iov_len);
        mem_wrote(memory(v), r->pa[i], wrote);
        left -= wrote;
    }
    store_le(element, 4, r->head);
    store_le(element + 4, 4, len);
    mem_write(memory(v), q->used + 4 + 8ull * (q->used_next % q->size),
              element, 8);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    q->used_next++;
    mem_put(memory(v), q->used + 2, 2, q->used_next);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (wants_interrupt(v, q)) {
        signal_driver(v, ISR_QUEUE);
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
    for (u32 q = 0; q < VQ_MAX; q++) {
        v->vq[q] = (VirtQueue) { .size = v->vq_max[q] };
    }
    v->epoch++;
    v->accepted = 0;
    v->status = v->isr = 0;
    if (v->kind && v->kind->driver_ok) {
        v->kind->driver_ok(v);
    }
}

void virtio_set_status(VirtioDevice *v, u8 status)
{
    u8 rises = status & ~v->status;

    if (status == 0) {
        virtio_reset(v);
        return;
    }
    v->status = status | (v->status & STATUS_NEEDS_RESET);
    if (rises & STATUS_DRIVER_OK && v->kind->driver_ok) {
        v->kind->driver_ok(v);
    }
}

void virtio_notify(VirtioDevice *v, u32 q)
{
    if (usable(v, q)) {
        v->kind->notify(v, q);
    } else {
        log_line(LOG_GUEST, "%s: notify of queue %u, which is not ready",
                 v->dev.id, q);
    }
}

bool virtio_loaded(VirtioDevice *v)
{
    for (u32 q = 0; v->kind && q < v->kind->queues; q++) {
        const VirtQueue *k = &v->vq[q];
        if (!is_pow2(k->size) || k->size > v->vq_max[q]) {
            return false;
        }
    }
    return !(v->accepted & ~v->features);
}
