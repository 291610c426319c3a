/* SPDX-License-Identifier: MIT */
/*
 * Virtio SCSI host adapter.  Reference: VIRTIO 1.1, section 5.6.
 *
 * Left out: protection information, bidirectional commands, the order of
 * tagged tasks (all are simple ones), changes of a unit's parameters.
 */
#include <errno.h>
#include <glib.h>
#include "hw/scsi/bus.h"
#include "hw/virtio/virtio.h"
#include "util/iov.h"

enum { F_HOTPLUG = 1 };
enum { CONTROL, EVENT, REQUEST };       /* queues; requests from there on */
enum {                                  /* configuration, by offset */
    C_QUEUES = 0, C_SEG_MAX = 4, C_MAX_SECTORS = 8, C_PER_LUN = 12,
    C_EVENT_BYTES = 16, C_SENSE_BYTES = 20, C_CDB_BYTES = 24,
    C_MAX_CHANNEL = 28, C_MAX_TARGET = 30, C_MAX_LUN = 32, CONFIG_BYTES = 36,
};
enum { SENSE_BYTES = 96, CDB_BYTES = 32, CDB_MAX = 255, EVENT_BYTES = 16,
       OUT_HEAD = 19, IN_HEAD = 12, SEG_MAX = 254, PER_LUN = 128,
       MAX_SECTORS = 0xffff, IN_FLIGHT_MAX = 2 * VQ_SIZE_MAX };
enum {                                  /* responses */
    RESP_OK = 0, RESP_OVERRUN = 1, RESP_BAD_TARGET = 3, RESP_FAILURE = 9,
    RESP_REJECTED = 11, RESP_WRONG_LUN = 12,
};
enum { STATUS_GOOD = 0, STATUS_CHECK = 2 };
enum { T_TASK = 0, T_QUERY = 1, T_SUBSCRIBE = 2 };
enum { ABORT_TASK, ABORT_TASK_SET, CLEAR_ACA, CLEAR_TASK_SET, NEXUS_RESET,
       UNIT_RESET, QUERY_TASK, QUERY_TASK_SET, TASKS };
enum { E_RESET = 1, E_RESCAN = 1, E_REMOVED = 2, EVENTS = 64 };
#define E_MISSED 0x80000000u

/* An event that waits for a buffer of the driver's. */
typedef struct Event {
    u32 event, reason, target, lun;
} Event;

typedef struct VirtioScsi {
    VirtioDevice v;
    u32      num_queues, queue_size;    /* properties */
    ScsiBus *bus;
    bool     own_bus;
    u32      in_flight;
    Event    waiting[EVENTS];
    u32      nwaiting;
    bool     missed;
} VirtioScsi;

/* A command on its way. */
typedef struct Pending {
    VirtioScsi *s;
    u32         q, cdb_bytes, sense_bytes;
    ScsiDevice *d;
    ScsiTask    t;
    VirtRequest r;
    u8          data[SCSI_DATA];
} Pending;

static u32 config(const VirtioScsi *s, u32 at)
{
    return (u32)load_le(s->v.config + at, 4);
}

static u64 data_out(const Pending *p)
{
    return p->r.out_len - OUT_HEAD - p->cdb_bytes;
}

static u64 data_in(const Pending *p)
{
    return p->r.in_len - IN_HEAD - p->sense_bytes;
}

/* ---- how commands end --------------------------------------------------- */

static void give(Pending *p, const u8 *head, u64 moved)
{
    VirtioScsi *s = p->s;

    iov_copy_in(&p->r.iov[p->r.nout], p->r.nin, 0, head,
                IN_HEAD + p->sense_bytes);
    virtio_push(&s->v, p->q, &p->r,
                (u32)(IN_HEAD + p->sense_bytes + moved));
    s->in_flight--;
    g_free(p);
}

static void refuse(Pending *p, u8 response)
{
    u8 head[IN_HEAD + CDB_MAX] = { 0 };

    head[11] = response;
    give(p, head, 0);
}

/* sense: NULL, it went well; moved: bytes of the guest's buffers. */
static void finish(Pending *p, const u8 *sense, u64 moved)
{
    u8 head[IN_HEAD + CDB_MAX] = { 0 };
    u64 room = data_out(p) ? data_out(p) : data_in(p);

    if (p->r.epoch != p->s->v.epoch) {
        p->s->in_flight--;
        g_free(p);
        return;
    }
    if (sense) {
        u32 n = MIN((u32)SCSI_SENSE, p->sense_bytes);
        store_le(head, 4, n);
        memcpy(head + IN_HEAD, sense, n);
    }
    store_le(head + 4, 4, room - MIN(moved, room));
    head[10] = sense ? STATUS_CHECK : STATUS_GOOD;
    head[11] = RESP_OK;
    give(p, head, data_out(p) ? 0 : moved);
}

static void check_now(Pending *p, u8 key, u16 asc)
{
    u8 sense[SCSI_SENSE];

    scsi_put_sense(sense, key, asc);
    finish(p, sense, 0);
}

/* ---- data --------------------------------------------------------------- */

/* The guest's memory for `len` bytes of data; how many pieces. */
static int data_segments(const Pending *p, bool write, u64 len,
                         struct iovec *out)
{
    const VirtRequest *r = &p->r;
    u64 skip = write ? OUT_HEAD + p->cdb_bytes : IN_HEAD + p->sense_bytes;
    u32 first = write ? 0 : r->nout, n = write ? r->nout : r->nin;

    return iov_part(r->iov + first, (int)n, skip, len, out);
}

static void advance(Pending *p);

static void disk_done(void *opaque, int ret)
{
    Pending *p = opaque;

    if (p->r.epoch != p->s->v.epoch) {
        finish(p, NULL, 0);
        return;
    }
    u64 moved = p->t.next == SCSI_READ || p->t.next == SCSI_WRITE
        ? p->t.len : data_out(p);
    scsi_go_on(&p->d->scsi, &p->t, ret == 0);
    if (p->t.next == SCSI_GOOD) {
        finish(p, NULL, moved);
    } else {
        advance(p);
    }
}

static void submit(Pending *p)
{
    static const BlockOp ops[] = {
        [SCSI_READ] = BLOCK_READ, [SCSI_WRITE] = BLOCK_WRITE,
        [SCSI_FILL] = BLOCK_WRITE, [SCSI_FLUSH] = BLOCK_FLUSH,
        [SCSI_DISCARD] = BLOCK_DISCARD, [SCSI_ZEROES] = BLOCK_ZEROES,
    };
    struct iovec iov[VQ_SEGMENTS] = { { p->data, p->t.len } };
    ScsiNext next = p->t.next;
    bool flush = next == SCSI_FLUSH;
    int n = next == SCSI_READ || next == SCSI_WRITE
        ? data_segments(p, next == SCSI_WRITE, p->t.len, iov)
        : next == SCSI_FILL;
    BlockOp op = ops[next] == BLOCK_WRITE && p->t.through ? BLOCK_WRITE_FLUSH
                                                          : ops[next];

    block_submit(p->d->medium.disk, &(BlockRequest) {
        .op = op, .offset = flush ? 0 : p->t.at, .len = flush ? 0 : p->t.len,
        .iov = iov, .n = n, .done = disk_done, .opaque = p,
    });
}

static void reply(Pending *p)
{
    u64 n = MIN(p->t.len, data_in(p));

    iov_copy_in(&p->r.iov[p->r.nout], p->r.nin, IN_HEAD + p->sense_bytes,
                p->data, n);
    finish(p, NULL, n);
}

/* Is there room for what is to be moved? */
static bool room_for(const Pending *p)
{
    return p->t.next == SCSI_READ ? p->t.len <= data_in(p)
         : p->t.next == SCSI_WRITE || p->t.next == SCSI_TAKE
         ? p->t.len <= data_out(p) : true;
}

/* Does what the task says, until the disk has to or it ends. */
static void advance(Pending *p)
{
    u8 sense[SCSI_SENSE];

    if (!room_for(p)) {
        refuse(p, RESP_OVERRUN);
        return;
    }
    while (p->t.next == SCSI_TAKE) {
        iov_copy_out(p->data, p->t.len, p->r.iov, p->r.nout,
                     OUT_HEAD + p->cdb_bytes);
        scsi_go_on(&p->d->scsi, &p->t, true);
    }
    switch (p->t.next) {
    case SCSI_GOOD:
        finish(p, NULL, data_out(p));
        break;
    case SCSI_CHECK:
        scsi_take_sense(&p->d->scsi, sense);
        finish(p, sense, 0);
        break;
    case SCSI_REPLY:
        reply(p);
        break;
    default:
        submit(p);
    }
}

/* ---- commands ----------------------------------------------------------- */

enum { ANY_LUN = ~0u };

/* VIRTIO 1.1, 5.6.6.1: 1, target, LUN; false: it is no address. */
static bool parse_lun(const u8 *raw, u32 *target, u32 *lun)
{
    enum { SINGLE = 1, WELL_KNOWN = 0xc1, REPORT_LUNS = 1, FLAT = 0x40 };

    if (raw[0] == WELL_KNOWN && raw[1] == REPORT_LUNS) {
        *target = 0;
        *lun = ANY_LUN;
        return true;
    }
    *target = raw[1];
    *lun = (u32)load_be(raw + 2, 2) & 0x3fff;
    return raw[0] == SINGLE && (raw[2] >= FLAT || raw[2] == 0);
}

static void report_luns(Pending *p, u32 target)
{
    enum { HEAD = 8, ROW = 8, FLAT = 0x40 };
    const GPtrArray *units = p->s->bus->units;
    u32 room = (u32)load_be(p->t.cdb + 6, 4), n = HEAD;
    g_autofree u8 *list = g_malloc0(HEAD + (size_t)units->len * ROW);

    for (u32 i = 0; i < units->len; i++) {
        const ScsiDevice *d = units->pdata[i];
        if (d->target == target) {
            store_be(list + n, 2, d->lun < 256 ? d->lun
                                  : (u32)FLAT << 8 | d->lun);
            n += ROW;
        }
    }
    store_be(list, 4, n - HEAD);
    u64 bytes = MIN(MIN(n, room), data_in(p));
    iov_copy_in(&p->r.iov[p->r.nout], p->r.nin, IN_HEAD + p->sense_bytes,
                list, bytes);
    finish(p, NULL, bytes);
}

/* A target answers for a LUN that it has not got. */
static void no_unit(Pending *p)
{
    enum { INQUIRY = 0x12, BYTES = 36, NOT_THERE = 0x7f, SPC_3 = 5 };

    if (p->t.cdb[0] != INQUIRY || p->t.cdb[1] & 1) {
        check_now(p, SCSI_ILLEGAL, ASC_NO_UNIT);
        return;
    }
    memset(p->data, 0, BYTES);
    p->data[0] = NOT_THERE;
    p->data[2] = SPC_3;
    p->data[3] = 2;
    p->data[4] = BYTES - 5;
    p->t.len = MIN((u64)BYTES, load_be(p->t.cdb + 3, 2));
    reply(p);
}

static void serve(Pending *p)
{
    enum { REPORT_LUNS = 0xa0 };
    u8 raw[OUT_HEAD + CDB_MAX];
    u32 target, lun;

    iov_copy_out(raw, OUT_HEAD + p->cdb_bytes, p->r.iov, p->r.nout, 0);
    memcpy(p->t.cdb, raw + OUT_HEAD, MIN(p->cdb_bytes, (u32)SCSI_CDB));
    p->t.data = p->data;
    if (!parse_lun(raw, &target, &lun) || !scsi_target(p->s->bus, target)) {
        refuse(p, RESP_BAD_TARGET);
    } else if (data_in(p) && data_out(p)) {
        refuse(p, RESP_FAILURE);
    } else if (p->t.cdb[0] == REPORT_LUNS) {
        report_luns(p, target);
    } else if (!(p->d = scsi_unit(p->s->bus, target, lun))) {
        no_unit(p);
    } else {
        scsi_start(&p->d->scsi, &p->t);
        advance(p);
    }
}

static bool serve_next(VirtioScsi *s, u32 q)
{
    Pending *p = g_new0(Pending, 1);

    p->s = s;
    p->q = q;
    p->cdb_bytes = config(s, C_CDB_BYTES);
    p->sense_bytes = config(s, C_SENSE_BYTES);
    if (!virtio_pop(&s->v, q, &p->r)) {
        g_free(p);
        return false;
    }
    if (p->r.out_len < OUT_HEAD + p->cdb_bytes
        || p->r.in_len < IN_HEAD + p->sense_bytes) {
        virtio_broken(&s->v, "a SCSI command without room for its answer");
        g_free(p);
        return false;
    }
    s->in_flight++;
    serve(p);
    return true;
}

/* ---- task management ---------------------------------------------------- */

static void drain(VirtioScsi *s)
{
    for (u32 i = 0; s->bus && i < s->bus->units->len; i++) {
        const ScsiDevice *d = s->bus->units->pdata[i];
        if (d->medium.disk && s->in_flight) {
            block_drain(d->medium.disk);
        }
    }
}

/* What is to be aborted is done: it takes no longer than that. */
static u8 manage(VirtioScsi *s, const u8 *raw)
{
    u32 subtype = (u32)load_le(raw + 4, 4), target, lun;
    ScsiDevice *d;

    if (!parse_lun(raw + 8, &target, &lun)
        || !scsi_target(s->bus, target)) {
        return RESP_BAD_TARGET;
    }
    d = scsi_unit(s->bus, target, lun);
    if (subtype >= TASKS || subtype == CLEAR_ACA) {
        return RESP_REJECTED;
    }
    if (!d && subtype != NEXUS_RESET) {
        return RESP_WRONG_LUN;
    }
    drain(s);
    for (u32 i = 0; i < s->bus->units->len; i++) {
        ScsiDevice *u = s->bus->units->pdata[i];
        if ((subtype == UNIT_RESET && u == d)
            || (subtype == NEXUS_RESET && u->target == target)) {
            scsi_reset(&u->scsi);
        }
    }
    return RESP_OK;
}

/* Answers a request of the control queue; how many bytes. */
static u32 answer_control(VirtioScsi *s, const u8 *raw, size_t len, u8 *out)
{
    enum { TASK_BYTES = 24, QUERY_BYTES = 16 };
    u32 type = (u32)load_le(raw, 4);

    memset(out, 0, 5);
    if (type == T_TASK && len >= TASK_BYTES) {
        out[0] = manage(s, raw);
        return 1;
    }
    if ((type == T_QUERY || type == T_SUBSCRIBE) && len >= QUERY_BYTES) {
        return 5;                       /* no such events; fine */
    }
    return 0;
}

static void serve_control(VirtioScsi *s)
{
    VirtRequest r;
    u8 raw[24], out[5];

    for (u32 i = 0; i < s->v.vq[CONTROL].size; i++) {
        if (!virtio_pop(&s->v, CONTROL, &r)) {
            return;
        }
        size_t len = iov_copy_out(raw, sizeof raw, r.iov, r.nout, 0);
        u32 n = len >= 4 ? answer_control(s, raw, len, out) : 0;
        if (!n || r.in_len < n) {
            virtio_broken(&s->v, "a control request of no kind");
            return;
        }
        iov_copy_in(&r.iov[r.nout], r.nin, 0, out, n);
        virtio_push(&s->v, CONTROL, &r, n);
    }
    virtio_later(&s->v, CONTROL);
}

/* ---- events ------------------------------------------------------------- */

static void flush_events(VirtioScsi *s)
{
    VirtRequest r;
    u32 n = 0;

    while (n < s->nwaiting && virtio_pop(&s->v, EVENT, &r)) {
        const Event *e = &s->waiting[n++];
        u8 raw[EVENT_BYTES] = { 0 };
        store_le(raw, 4, e->event | (s->missed ? E_MISSED : 0));
        raw[4] = 1;
        raw[5] = (u8)e->target;
        store_be(raw + 6, 2, 0x4000 | e->lun);
        store_le(raw + 12, 4, e->reason);
        s->missed = false;
        iov_copy_in(&r.iov[r.nout], r.nin, 0, raw, sizeof raw);
        virtio_push(&s->v, EVENT, &r, sizeof raw);
    }
    s->nwaiting -= n;
    memmove(s->waiting, s->waiting + n, s->nwaiting * sizeof s->waiting[0]);
}

static void tell(VirtioScsi *s, const ScsiDevice *d, u32 reason)
{
    if (!virtio_running(&s->v) || !virtio_has(&s->v, F_HOTPLUG)) {
        return;
    }
    if (s->nwaiting == EVENTS) {
        s->missed = true;
        return;
    }
    s->waiting[s->nwaiting++] = (Event) { E_RESET, reason, d->target, d->lun };
    flush_events(s);
}

static void came(void *opaque, const ScsiDevice *d)
{
    tell(opaque, d, E_RESCAN);
}

static void goes(void *opaque, const ScsiDevice *d)
{
    tell(opaque, d, E_REMOVED);
}

static const ScsiHost host = { .came = came, .goes = goes };

/* ---- the device --------------------------------------------------------- */

static void notify(void *opaque, u32 q)
{
    VirtioScsi *s = opaque;
    u32 n = 0;

    if (q == CONTROL) {
        serve_control(s);
        return;
    }
    if (q == EVENT) {
        flush_events(s);
        return;
    }
    block_plug(NULL);
    while (n < s->v.vq[q].size && s->in_flight < IN_FLIGHT_MAX
           && serve_next(s, q)) {
        n++;
    }
    if (n == s->v.vq[q].size || s->in_flight == IN_FLIGHT_MAX) {
        virtio_later(&s->v, q);
    }
    block_unplug(NULL);
}

/* The driver may choose how long commands and their sense are. */
static void config_write(void *opaque, u32 at, unsigned size, u64 val)
{
    VirtioScsi *s = opaque;

    if ((at == C_SENSE_BYTES || at == C_CDB_BYTES) && size == 4
        && val <= CDB_MAX) {
        store_le(s->v.config + at, 4, val);
    }
}

static void set_config(VirtioScsi *s)
{
    u8 *c = s->v.config;

    store_le(c + C_QUEUES, 4, s->num_queues);
    store_le(c + C_SEG_MAX, 4, MIN(SEG_MAX, s->queue_size - 2));
    store_le(c + C_MAX_SECTORS, 4, MAX_SECTORS);
    store_le(c + C_PER_LUN, 4, PER_LUN);
    store_le(c + C_EVENT_BYTES, 4, EVENT_BYTES);
    store_le(c + C_MAX_TARGET, 2, SCSI_TARGETS - 1);
    store_le(c + C_MAX_LUN, 4, SCSI_LUNS - 1);
}

static void let_go(void *opaque)
{
    VirtioScsi *s = opaque;

    drain(s);
    s->nwaiting = 0;
    s->missed = false;
    store_le(s->v.config + C_SENSE_BYTES, 4, SENSE_BYTES);
    store_le(s->v.config + C_CDB_BYTES, 4, CDB_BYTES);
    for (u32 i = 0; s->bus && i < s->bus->units->len; i++) {
        scsi_reset(&((ScsiDevice *)s->bus->units->pdata[i])->scsi);
    }
}

static const VirtioKind kind = {
    .id = 8, .config_size = CONFIG_BYTES, .features = BIT(F_HOTPLUG),
    .notify = notify, .config_write = config_write, .reset = let_go,
};

static bool start(void *opaque, Err *err)
{
    VirtioScsi *s = opaque;
    Device *d = &s->v.dev;
    const Device *owner = device_owner(d);

    if (!is_pow2(s->queue_size) || s->queue_size > VQ_SIZE_MAX
        || s->queue_size < 4) {
        return fail(err, "virtqueue_size=%u is not a power of two from 4 to "
                    "%d", s->queue_size, VQ_SIZE_MAX);
    }
    if (!s->num_queues || s->num_queues > VQ_MAX - REQUEST) {
        return fail(err, "num_queues=%u: it is 1 to %d", s->num_queues,
                    VQ_MAX - REQUEST);
    }
    virtio_init(&s->v, &kind);
    s->v.queues = s->num_queues + REQUEST;
    for (u32 q = 0; q < s->v.queues; q++) {
        s->v.vq_max[q] = s->queue_size;
    }
    s->bus = scsi_bus_new(d, owner ? owner : d, &host, err);
    s->own_bus = !d->machine;
    return s->bus != NULL;
}

static void reset(void *opaque)
{
    virtio_reset(opaque);
    set_config(opaque);
}

static void stop(void *opaque)
{
    VirtioScsi *s = opaque;

    s->v.epoch++;
    if (s->own_bus && s->bus) {
        drain(s);
        device_free(&s->bus->dev);
    }
    s->bus = NULL;
    virtio_stop(&s->v);
}

static bool loaded(void *opaque)
{
    VirtioScsi *s = opaque;

    set_config(s);
    return config(s, C_CDB_BYTES) <= CDB_MAX
        && config(s, C_SENSE_BYTES) <= CDB_MAX && s->nwaiting <= EVENTS
        && virtio_loaded(&s->v);
}

DEVICE(virtio_scsi) {
    .name  = "virtio-scsi-device",
    .about = "virtio SCSI host adapter",
    .size  = sizeof(VirtioScsi),
    .bus   = BUS_VIRTIO,
    .user  = true,
    .state = (const Field[]) {
        VIRTIO_FIELDS(VirtioScsi, v),
        SAVE_STRUCT(VirtioScsi, waiting, Event, SAVE(Event, event),
                    SAVE(Event, reason), SAVE(Event, target), SAVE(Event, lun)),
        SAVE(VirtioScsi, nwaiting), SAVE(VirtioScsi, missed), { 0 }
    },
    .props = (const Prop[]) {
        PROP("num_queues", PROP_U32, VirtioScsi, num_queues, "1", "queues of commands"),
        PROP("virtqueue_size", PROP_U32, VirtioScsi, queue_size, "256", "entries of a queue"),
        { 0 }
    },
    .start = start, .reset = reset, .stop = stop, .loaded = loaded,
};
