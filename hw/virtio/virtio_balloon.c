/* SPDX-License-Identifier: MIT */
/*
 * Virtio memory balloon.  Reference: VIRTIO 1.2, section 5.5.
 *
 * Pages that the driver puts into the balloon, or reports as free, are given
 * back to the host; when the guest touches them again they are zero.
 *
 * Left out: statistics of the guest's memory, hints for migration.
 */
#include <glib.h>
#include "hw/virtio/balloon.h"
#include "hw/virtio/virtio.h"

enum { F_DEFLATE_ON_OOM = 2, F_PAGE_POISON = 4, F_REPORTING = 5 };
/*
 * Drivers count the queue of free pages with or without those of features that
 * are not offered: it is any from REPORT on.
 */
enum { INFLATE, DEFLATE, REPORT, QUEUES = 5 };
enum {                                  /* configuration, by offset */
    C_NUM_PAGES = 0, C_ACTUAL = 4, C_POISON = 12, CONFIG_BYTES = 16,
};
enum { PFN_SHIFT = 12, PFN = 4 };

typedef struct Balloon {
    VirtioDevice v;
    bool deflate_on_oom, reporting, page_poison;    /* properties */
    u32  target;                /* pages that the balloon should have */
} Balloon;

static u32 config(const Balloon *s, u32 at)
{
    return (u32)load_le(s->v.config + at, 4);
}

/* ---- pages that come and go --------------------------------------------- */

static void discard(Balloon *s, u64 pa, u64 len)
{
    while (len && s->v.dev.mem) {
        const MemRange *r = mem_find(s->v.dev.mem, pa);
        u64 here = r ? MIN(len, r->base + r->size - pa)
                     : MIN(len, (u64)GUEST_PAGE);
        if (r && r->ram && !r->readonly) {
            ram_discard(r->ram, r->offset + (pa - r->base), here);
        }
        pa += here;
        len -= here;
    }
}

/* A run of pages, upwards or downwards, that is given back in one piece. */
typedef struct Run {
    u64 first, n;
} Run;

static bool extend(Run *run, u64 pfn)
{
    if (pfn + 1 == run->first) {
        run->first = pfn;
    } else if (pfn != run->first + run->n) {
        return false;
    }
    run->n++;
    return true;
}

static void drop(Balloon *s, Run *run)
{
    discard(s, run->first << PFN_SHIFT, run->n << PFN_SHIFT);
    run->n = 0;
}

static void inflate(Balloon *s, const VirtRequest *r)
{
    Run run = { 0 };
    u8 raw[PFN];

    for (u64 at = 0; at + PFN <= r->out_len; at += PFN) {
        iov_copy_out(raw, PFN, r->iov, r->nout, at);
        u64 pfn = load_le(raw, PFN);
        if (!run.n || !extend(&run, pfn)) {
            drop(s, &run);
            run = (Run) { pfn, 1 };
        }
    }
    drop(s, &run);
}

/* The buffers are the free pages; with a poison they are not to be zero. */
static void report(Balloon *s, const VirtRequest *r)
{
    if (virtio_has(&s->v, F_PAGE_POISON) && config(s, C_POISON)) {
        return;
    }
    for (u32 i = r->nout; i < r->nout + r->nin; i++) {
        discard(s, r->pa[i], r->iov[i].iov_len);
    }
}

static void notify(void *opaque, u32 q)
{
    Balloon *s = opaque;
    VirtRequest r;

    for (u32 i = 0; i < s->v.vq[q].size; i++) {
        if (!virtio_pop(&s->v, q, &r)) {
            return;
        }
        if (q == INFLATE) {
            inflate(s, &r);
        } else if (q >= REPORT && virtio_has(&s->v, F_REPORTING)) {
            report(s, &r);
        }
        virtio_push(&s->v, q, &r, 0);
    }
    virtio_later(&s->v, q);
}

/* ---- configuration ------------------------------------------------------ */

static void tell(Balloon *s)
{
    Json *data = json_object();

    json_add_u64(data, "actual", balloon_actual(&s->v.dev));
    machine_event(s->v.dev.machine, "BALLOON_CHANGE", data);
}

/* The driver writes how many pages it has put in, and its poison. */
static void config_write(void *opaque, u32 at, unsigned size, u64 val)
{
    Balloon *s = opaque;
    u32 before = config(s, C_ACTUAL);
    bool actual = at >= C_ACTUAL && at + size <= C_ACTUAL + 4;
    bool poison = at >= C_POISON && at + size <= C_POISON + 4
        && virtio_has(&s->v, F_PAGE_POISON);

    if (actual || poison) {
        store_le(s->v.config + at, size, val);
    }
    if (config(s, C_ACTUAL) != before && s->v.dev.machine) {
        tell(s);
    }
}

static void let_go(void *opaque)
{
    Balloon *s = opaque;

    store_le(s->v.config + C_NUM_PAGES, 4, s->target);
    store_le(s->v.config + C_POISON, 4, 0);
}

static const VirtioKind kind = {
    .id = 5, .queues = QUEUES, .queue_size = { 128, 128, 128, 128 },
    .config_size = CONFIG_BYTES,
    .notify = notify, .config_write = config_write, .reset = let_go,
};

/* ---- for monitors ------------------------------------------------------- */

Device *balloon_find(const Machine *m)
{
    for (u32 i = 0; i < m->devices->len; i++) {
        Device *d = m->devices->pdata[i];
        if (strcmp(d->type->name, "virtio-balloon-device") == 0) {
            return d;
        }
    }
    return NULL;
}

u64 balloon_actual(const Device *d)
{
    const Balloon *s = (const Balloon *)d;
    u64 in_it = (u64)config(s, C_ACTUAL) << PFN_SHIFT;

    return d->machine->ram_size - MIN(in_it, d->machine->ram_size);
}

void balloon_set(Device *d, u64 bytes)
{
    Balloon *s = (Balloon *)d;
    u64 all = d->machine->ram_size;

    s->target = (u32)((all - MIN(bytes, all)) >> PFN_SHIFT);
    store_le(s->v.config + C_NUM_PAGES, 4, s->target);
    virtio_config_changed(&s->v);
}

/* ---- the device --------------------------------------------------------- */

static bool start(void *opaque, Err *err)
{
    Balloon *s = opaque;
    Machine *m = s->v.dev.machine;

    if (m && balloon_find(m) && balloon_find(m) != &s->v.dev) {
        return fail(err, "a machine has one balloon only");
    }
    virtio_init(&s->v, &kind);
    s->v.queues = s->reporting ? QUEUES : REPORT;
    s->v.features |= (s->deflate_on_oom ? BIT(F_DEFLATE_ON_OOM) : 0)
                   | (s->reporting ? BIT(F_REPORTING) : 0)
                   | (s->page_poison ? BIT(F_PAGE_POISON) : 0);
    return true;
}

static void reset(void *opaque)
{
    virtio_reset(opaque);
}

static void stop(void *opaque)
{
    virtio_stop(opaque);
}

static bool loaded(void *opaque)
{
    Balloon *s = opaque;

    store_le(s->v.config + C_NUM_PAGES, 4, s->target);
    return virtio_loaded(&s->v);
}

DEVICE(virtio_balloon) {
    .name  = "virtio-balloon-device",
    .about = "virtio memory balloon",
    .size  = sizeof(Balloon),
    .bus   = BUS_VIRTIO,
    .user  = true,
    .state = (const Field[]) {
        VIRTIO_FIELDS(Balloon, v), KEEP_SAVE(Balloon, target), { 0 }
    },
    .props = (const Prop[]) {
        PROP("deflate-on-oom", PROP_BOOL, Balloon, deflate_on_oom, "off", "it can be taken back"),
        PROP("free-page-reporting", PROP_BOOL, Balloon, reporting, "off", "free pages go back"),
        PROP("page-poison", PROP_BOOL, Balloon, page_poison, "on", "free pages have contents"),
        { 0 }
    },
    .start = start, .reset = reset, .stop = stop, .loaded = loaded,
};
