/* SPDX-License-Identifier: MIT */
/* Virtio entropy source.  Reference: VIRTIO 1.1, section 5.4. */
#include "hw/virtio/virtio.h"
#include "softmmu/clock.h"

typedef struct VirtioRng {
    VirtioDevice v;
    char *rng;                  /* id of an -object; the host's is used */
    u64   max_bytes;
    u32   period;               /* milliseconds */
    i64   window;               /* when the period began */
    u64   given;                /* bytes in it */
    Timer *timer;
} VirtioRng;

enum { MS = 1000000, BYTES_MAX = 4096 };

/* Bytes that may be given now. */
static u64 quota(VirtioRng *s)
{
    i64 now = clock_now(CLOCK_VIRTUAL_NS);
    i64 length = (i64)s->period * MS;

    if (now < s->window || now - s->window >= length) {
        s->window = now;
        s->given = 0;
    }
    return s->max_bytes - MIN(s->given, s->max_bytes);
}

static void give(VirtioRng *s, u32 q, VirtRequest *r, u64 left)
{
    u8 buf[BYTES_MAX];
    size_t len = MIN(MIN(r->in_len, left), sizeof buf);

    gate_random(buf, len);
    iov_copy_in(&r->iov[r->nout], r->nin, 0, buf, len);
    s->given += len;
    virtio_push(&s->v, q, r, (u32)len);
}

static void notify(void *opaque, u32 q)
{
    VirtioRng *s = opaque;
    VirtRequest r;

    for (u32 i = 0; virtio_has_request(&s->v, q); i++) {
        u64 left = quota(s);
        if (!left) {
            timer_set(s->timer, s->window + (i64)s->period * MS);
            return;
        }
        if (i == s->v.vq[q].size) {
            virtio_later(&s->v, q);
            return;
        }
        if (!virtio_pop(&s->v, q, &r)) {
            return;
        }
        give(s, q, &r, left);
    }
}

static void again(void *opaque)
{
    notify(opaque, 0);
}

static void let_go(void *opaque)
{
    timer_stop(((VirtioRng *)opaque)->timer);
}

static const VirtioKind kind = {
    .id = 4, .queues = 1, .queue_size = { 8 }, .notify = notify,
    .reset = let_go,
};

static bool start(void *opaque, Err *err)
{
    VirtioRng *s = opaque;

    if (!s->max_bytes || !s->period) {
        return fail(err, "max-bytes and period must not be 0");
    }
    virtio_init(&s->v, &kind);
    s->timer = timer_new(CLOCK_VIRTUAL_NS, again, s);
    return true;
}

static void reset(void *opaque)
{
    virtio_reset(opaque);
}

static void stop(void *opaque)
{
    virtio_stop(opaque);
    timer_free(((VirtioRng *)opaque)->timer);
}

static bool loaded(void *opaque)
{
    VirtioRng *s = opaque;

    timer_set(s->timer, 0);             /* it may have waited for its period */
    return virtio_loaded(&s->v);
}

DEVICE(virtio_rng) {
    .name  = "virtio-rng-device",
    .about = "virtio entropy source",
    .size  = sizeof(VirtioRng),
    .bus   = BUS_VIRTIO,
    .user  = true,
    .state = (const Field[]) {
        VIRTIO_FIELDS(VirtioRng, v), SAVE(VirtioRng, window),
        SAVE(VirtioRng, given), { 0 }
    },
    .props = (const Prop[]) {
        PROP("rng", PROP_STR, VirtioRng, rng, NULL, "accepted: the host's random numbers"),
        PROP("max-bytes", PROP_U64, VirtioRng, max_bytes, "9223372036854775807", "in a period"),
        PROP("period", PROP_U32, VirtioRng, period, "65536", "milliseconds"),
        { 0 }
    },
    .start = start, .reset = reset, .stop = stop, .loaded = loaded,
};
