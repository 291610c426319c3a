/* SPDX-License-Identifier: MIT */
/*
 * Virtio disk.  Reference: VIRTIO 1.1, section 5.2.
 *
 * Left out: zoned disks, secure erase, SCSI pass-through.
 */
#include <errno.h>
#include <glib.h>
#include "block/block.h"
#include "hw/virtio/virtio.h"
#include "util/iov.h"

enum {                                  /* features */
    F_SEG_MAX = 2, F_RO = 5, F_BLK_SIZE = 6, F_FLUSH = 9, F_TOPOLOGY = 10,
    F_CONFIG_WCE = 11, F_MQ = 12, F_DISCARD = 13, F_WRITE_ZEROES = 14,
};
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11,
       T_WRITE_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };
enum {                                  /* configuration, by offset */
    C_CAPACITY = 0, C_SEG_MAX = 12, C_BLK_SIZE = 20, C_PHYSICAL = 24,
    C_WCE = 32, C_QUEUES = 34, C_MAX_DISCARD = 36, C_MAX_DISCARD_SEG = 40,
    C_DISCARD_ALIGN = 44, C_MAX_ZEROES = 48, C_MAX_ZEROES_SEG = 52,
    CONFIG_BYTES = 60,
};
enum { SECTOR = 512, ID_BYTES = 20, HEADER = 16, SEG_MAX = 254,
       MAX_SECTORS = 1 << 22, SPARES = 64,
       IN_FLIGHT_MAX = 4 * VQ_SIZE_MAX };

typedef struct VirtioBlk VirtioBlk;

/* A request on its way through the block layer. */
typedef struct Pending {
    VirtioBlk  *s;
    struct Pending *next;               /* in the list of spare ones */
    u32         q;
    VirtRequest r;
} Pending;

struct VirtioBlk {
    VirtioDevice v;
    Block   *disk;
    char    *serial, *thread;
    u32      block_size, physical_size, queue_size, num_queues;
    bool     write_cache;
    Pending *spare;
    u32      spares, in_flight;
};

static Pending *new_pending(VirtioBlk *s)
{
    Pending *p = s->spare;

    if (p) {
        s->spare = p->next;
        s->spares--;
    } else {
        p = g_new(Pending, 1);
    }
    p->s = s;
    s->in_flight++;
    return p;
}

static void free_pending(Pending *p)
{
    VirtioBlk *s = p->s;

    s->in_flight--;
    if (s->spares < SPARES) {
        p->next = s->spare;
        s->spare = p;
        s->spares++;
    } else {
        g_free(p);
    }
}

/* ---- requests ----------------------------------------------------------- */

/* The status byte is the last one; a read may have written all before it. */
static void finish(Pending *p, u8 status, bool read)
{
    VirtRequest *r = &p->r;
    VirtioBlk *s = p->s;
    u64 wrote = read ? r->in_len : 1;

    if (r->epoch == s->v.epoch) {
        iov_copy_in(&r->iov[r->nout], r->nin, r->in_len - 1, &status, 1);
        mem_wrote(s->v.dev.mem, r->pa[r->nout + r->nin - 1]
                  + r->iov[r->nout + r->nin - 1].iov_len - 1, 1);
        virtio_push(&s->v, p->q, r, (u32)MIN(wrote, UINT32_MAX));
    }
    free_pending(p);
}

static void read_done(void *opaque, int ret)
{
    finish(opaque, ret ? S_IOERR : S_OK, true);
}

static void done(void *opaque, int ret)
{
    finish(opaque, ret ? S_IOERR : S_OK, false);
}

static void submit(Pending *p, BlockRequest q)
{
    q.done = q.op == BLOCK_READ ? read_done : done;
    q.opaque = p;
    block_submit(p->s->disk, &q);
}

/* The segments of data: behind the header, or before the status byte. */
static int data_segments(Pending *p, bool write, struct iovec *out, u64 *len)
{
    VirtRequest *r = &p->r;
    u64 skip = write ? HEADER : 0;
    u32 first = write ? 0 : r->nout, n = write ? r->nout : r->nin;

    *len = write ? r->out_len - HEADER : r->in_len - 1;
    return iov_part(r->iov + first, (int)n, skip, *len, out);
}

/* Section 5.2.5.2: a driver that cannot flush must not have a cache. */
static bool writes_through(const VirtioBlk *s)
{
    return virtio_has(&s->v, F_CONFIG_WCE) ? !s->v.config[C_WCE]
                                           : !virtio_has(&s->v, F_FLUSH);
}

static bool in_disk(const VirtioBlk *s, u64 sector, u64 bytes)
{
    u64 size = block_size(s->disk);

    return sector <= size / SECTOR && bytes <= size - sector * SECTOR;
}

static void transfer(Pending *p, bool write, u64 sector)
{
    VirtioBlk *s = p->s;
    struct iovec iov[VQ_SEGMENTS];
    u64 len;
    int n = data_segments(p, write, iov, &len);

    if (len % SECTOR || !in_disk(s, sector, len)
        || (write && block_readonly(s->disk))) {
        finish(p, S_IOERR, false);
        return;
    }
    BlockOp op = !write ? BLOCK_READ
               : writes_through(s) ? BLOCK_WRITE_FLUSH : BLOCK_WRITE;
    submit(p, (BlockRequest) { .op = op, .offset = sector * SECTOR, .len = len,
                               .iov = iov, .n = n });
}

static void get_id(Pending *p)
{
    char id[ID_BYTES] = { 0 };

    if (p->s->serial) {
        memcpy(id, p->s->serial, MIN(strlen(p->s->serial), sizeof id));
    }
    iov_copy_in(&p->r.iov[p->r.nout], p->r.nin, 0, id,
                MIN(p->r.in_len - 1, sizeof id));
    finish(p, S_OK, true);
}

/* One segment (C_MAX_*_SEG is 1): sector, sectors, flags. */
static void erase(Pending *p, bool zeroes)
{
    VirtioBlk *s = p->s;
    u8 seg[16];

    if (p->r.out_len != HEADER + sizeof seg) {
        finish(p, S_UNSUPP, false);
        return;
    }
    iov_copy_out(seg, sizeof seg, p->r.iov, p->r.nout, HEADER);
    u64 sector = load_le(seg, 8), n = load_le(seg + 8, 4);
    u32 flags = (u32)load_le(seg + 12, 4);
    if (flags & ~(zeroes ? 1u : 0u)) {
        finish(p, S_UNSUPP, false);
    } else if (n > MAX_SECTORS || !in_disk(s, sector, n * SECTOR)
               || block_readonly(s->disk)) {
        finish(p, S_IOERR, false);
    } else {
        submit(p, (BlockRequest) { .op = zeroes ? BLOCK_ZEROES : BLOCK_DISCARD,
                                   .offset = sector * SECTOR,
                                   .len = n * SECTOR });
    }
}

static void serve(Pending *p)
{
    u8 header[HEADER];

    iov_copy_out(header, HEADER, p->r.iov, p->r.nout, 0);
    u32 type = (u32)load_le(header, 4);
    switch (type) {
    case T_IN: case T_OUT:
        transfer(p, type == T_OUT, load_le(header + 8, 8));
        break;
    case T_FLUSH:
        submit(p, (BlockRequest) { .op = BLOCK_FLUSH });
        break;
    case T_GET_ID:
        get_id(p);
        break;
    case T_DISCARD: case T_WRITE_ZEROES:
        erase(p, type == T_WRITE_ZEROES);
        break;
    default:
        finish(p, S_UNSUPP, false);
    }
}

/* Takes one request; false: there is none, or it is nonsense. */
static bool serve_next(VirtioBlk *s, u32 q)
{
    Pending *p = new_pending(s);

    p->q = q;
    if (!virtio_pop(&s->v, q, &p->r)) {
        free_pending(p);
        return false;
    }
    if (p->r.out_len < HEADER || p->r.in_len < 1) {
        virtio_broken(&s->v, "a disk request without header or status");
        free_pending(p);
        return false;
    }
    serve(p);
    return true;
}

static void notify(void *opaque, u32 q)
{
    VirtioBlk *s = opaque;
    u32 n = 0;

    block_plug(s->disk);
    while (n < s->v.vq[q].size && s->in_flight < IN_FLIGHT_MAX
           && serve_next(s, q)) {
        n++;
    }
    if (n == s->v.vq[q].size || s->in_flight == IN_FLIGHT_MAX) {
        virtio_later(&s->v, q);
    }
    block_unplug(s->disk);
}

/* ---- configuration ------------------------------------------------------ */

/* The only field that a driver may write is the write cache's. */
static void config_write(void *opaque, u32 at, unsigned size, u64 val)
{
    VirtioBlk *s = opaque;

    if (at == C_WCE && size == 1 && virtio_has(&s->v, F_CONFIG_WCE)) {
        s->v.config[C_WCE] = val & 1;
    }
}

/* What is on its way must not reach the guest's memory after a reset. */
static void let_go(void *opaque)
{
    VirtioBlk *s = opaque;

    if (s->disk && s->in_flight) {
        block_drain(s->disk);
    }
    s->v.config[C_WCE] = s->write_cache;
}

static const VirtioKind kind = {
    .id = 2, .config_size = CONFIG_BYTES,
    .features = BIT(F_SEG_MAX) | BIT(F_BLK_SIZE) | BIT(F_TOPOLOGY)
              | BIT(F_FLUSH) | BIT(F_CONFIG_WCE),
    .notify = notify, .config_write = config_write, .reset = let_go,
};

static void set_config(VirtioBlk *s)
{
    u8 *c = s->v.config;

    store_le(c + C_CAPACITY, 8, block_size(s->disk) / SECTOR);
    store_le(c + C_SEG_MAX, 4, MIN(SEG_MAX, s->queue_size - 2));
    store_le(c + C_BLK_SIZE, 4, s->block_size);
    c[C_PHYSICAL] = (u8)__builtin_ctz(s->physical_size / s->block_size);
    store_le(c + C_PHYSICAL + 2, 2, 1);         /* least: one block */
    store_le(c + C_QUEUES, 2, s->num_queues);
    store_le(c + C_MAX_DISCARD, 4, MAX_SECTORS);
    store_le(c + C_MAX_DISCARD_SEG, 4, 1);
    store_le(c + C_DISCARD_ALIGN, 4, s->block_size / SECTOR);
    store_le(c + C_MAX_ZEROES, 4, MAX_SECTORS);
    store_le(c + C_MAX_ZEROES_SEG, 4, 1);
}

static bool block_fits(u32 size)
{
    return is_pow2(size) && size >= SECTOR && size <= 32768;
}

static bool check_props(const VirtioBlk *s, Err *err)
{
    if (!s->disk) {
        return fail(err, "drive= is missing: -drive file=IMAGE,if=none,id=d0 "
                    "-device virtio-blk-device,drive=d0");
    }
    if (!block_fits(s->block_size) || !block_fits(s->physical_size)
        || s->physical_size < s->block_size) {
        return fail(err, "logical_block_size=%u, physical_block_size=%u: they "
                    "are powers of two from 512 to 32768, the second not less",
                    s->block_size, s->physical_size);
    }
    if (!is_pow2(s->queue_size) || s->queue_size > VQ_SIZE_MAX
        || s->queue_size < 4) {
        return fail(err, "queue-size=%u is not a power of two from 4 to %d",
                    s->queue_size, VQ_SIZE_MAX);
    }
    if (!s->num_queues || s->num_queues > VQ_MAX) {
        return fail(err, "num-queues=%u: it is 1 to %d", s->num_queues, VQ_MAX);
    }
    return true;
}

static bool start(void *opaque, Err *err)
{
    VirtioBlk *s = opaque;

    if (!check_props(s, err)) {
        return false;
    }
    virtio_init(&s->v, &kind);
    s->v.queues = s->num_queues;
    for (u32 q = 0; q < s->num_queues; q++) {
        s->v.vq_max[q] = s->queue_size;
    }
    s->v.features |= s->num_queues > 1 ? BIT(F_MQ) : 0;
    s->v.features |= block_readonly(s->disk)
        ? BIT(F_RO) : BIT(F_DISCARD) | BIT(F_WRITE_ZEROES);
    if (!block_claim(s->disk, s->v.dev.id, err)
        || (s->thread && !virtio_set_thread(&s->v, s->thread, err))) {
        return false;
    }
    block_set_thread(s->disk, s->v.io);
    return true;
}

static void reset(void *opaque)
{
    VirtioBlk *s = opaque;

    virtio_reset(&s->v);
    if (s->disk) {
        set_config(s);
    }
}

static void stop(void *opaque)
{
    VirtioBlk *s = opaque;

    iothread_lock(s->v.io);
    if (s->disk && s->in_flight) {
        s->v.epoch++;
        block_drain(s->disk);
    }
    iothread_unlock(s->v.io);
    if (s->disk) {
        block_set_thread(s->disk, NULL);
    }
    while (s->spare) {
        Pending *p = s->spare;
        s->spare = p->next;
        g_free(p);
    }
    virtio_stop(&s->v);
}

/* What the host says of the disk is not the stream's to say. */
static bool loaded(void *opaque)
{
    VirtioBlk *s = opaque;

    set_config(s);
    s->v.config[C_WCE] &= 1;
    return virtio_loaded(&s->v);
}

DEVICE(virtio_blk) {
    .name  = "virtio-blk-device",
    .about = "virtio disk",
    .size  = sizeof(VirtioBlk),
    .bus   = BUS_VIRTIO,
    .user  = true,
    .state = (const Field[]) { VIRTIO_FIELDS(VirtioBlk, v), { 0 } },
    .props = (const Prop[]) {
        PROP("drive", PROP_BLOCK, VirtioBlk, disk, NULL, "id of the disk image"),
        PROP("serial", PROP_STR, VirtioBlk, serial, NULL, "serial number, 20 letters"),
        PROP("logical_block_size", PROP_U32, VirtioBlk, block_size, "512", "bytes"),
        PROP("physical_block_size", PROP_U32, VirtioBlk, physical_size, "512", "bytes"),
        PROP("write-cache", PROP_BOOL, VirtioBlk, write_cache, "on", "until the guest says else"),
        PROP("num-queues", PROP_U32, VirtioBlk, num_queues, "1", "queues"),
        PROP("iothread", PROP_STR, VirtioBlk, thread, NULL, "the -object iothread that serves it"),
        PROP("queue-size", PROP_U32, VirtioBlk, queue_size, "256", "requests"),
        { 0 }
    },
    .start = start, .reset = reset, .stop = stop, .loaded = loaded,
};
