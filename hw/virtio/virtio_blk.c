/* SPDX-License-Identifier: MIT */
/*
 * Virtio disk.  Reference: VIRTIO 1.1, section 5.2.
 *
 * Left out: multiqueue, zoned disks, secure erase.
 */
#include <errno.h>
#include <glib.h>
#include "block/block.h"
#include "hw/virtio/virtio.h"

enum {                                  /* features */
    F_SEG_MAX = 2, F_RO = 5, F_BLK_SIZE = 6, F_FLUSH = 9, F_TOPOLOGY = 10,
    F_CONFIG_WCE = 11, F_DISCARD = 13, F_WRITE_ZEROES = 14,
};
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11,
       T_WRITE_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };
enum {                                  /* configuration, by offset */
    C_CAPACITY = 0, C_SEG_MAX = 12, C_BLK_SIZE = 20, C_WCE = 32,
    C_MAX_DISCARD = 36, C_MAX_DISCARD_SEG = 40, C_DISCARD_ALIGN = 44,
    C_MAX_ZEROES = 48, C_MAX_ZEROES_SEG = 52, CONFIG_BYTES = 60,
};
enum { SECTOR = 512, ID_BYTES = 20, HEADER = 16, SEG_MAX = 254,
       MAX_SECTORS = 1 << 22 };

typedef struct VirtioBlk {
    VirtioDevice v;
    Block *disk;
    char  *serial;
    u32    block_size, queue_size;
} VirtioBlk;

/* A request on its way through the block layer. */
typedef struct Pending {
    VirtioBlk  *s;
    VirtRequest r;
} Pending;

static void finish(Pending *p, u8 status)
{
    VirtRequest *r = &p->r;
    struct iovec *last = &r->iov[r->nout + r->nin - 1];

    ((u8 *)last->iov_base)[last->iov_len - 1] = status;
    /* The status byte is the last one; all before may have been written. */
    virtio_push(&p->s->v, 0, r, (u32)MIN(r->in_len, UINT32_MAX));
    g_free(p);
}

static void done(void *opaque, int ret)
{
    finish(opaque, ret ? S_IOERR : S_OK);
}

/* The segments of data: behind the header, or before the status byte. */
static int data_segments(Pending *p, bool write, struct iovec *out, u64 *len)
{
    VirtRequest *r = &p->r;
    u64 skip = write ? HEADER : 0;
    u64 left = write ? r->out_len - HEADER : r->in_len - 1;
    u32 first = write ? 0 : r->nout, n = write ? r->nout : r->nin;
    int k = 0;

    *len = left;
    for (u32 i = first; i < first + n && left; i++) {
        struct iovec v = r->iov[i];
        if (skip >= v.iov_len) {
            skip -= v.iov_len;
            continue;
        }
        v.iov_base = (u8 *)v.iov_base + skip;
        v.iov_len = MIN(v.iov_len - skip, left);
        skip = 0;
        left -= v.iov_len;
        out[k++] = v;
    }
    return k;
}

static void submit(Pending *p, BlockRequest q)
{
    q.done = done;
    q.opaque = p;
    block_submit(p->s->disk, &q);
}

static void transfer(Pending *p, bool write, u64 sector)
{
    VirtioBlk *s = p->s;
    struct iovec iov[VQ_SEGMENTS];
    u64 len;
    int n = data_segments(p, write, iov, &len);
    u64 size = block_size(s->disk);

    if (len % SECTOR || sector > size / SECTOR
        || len > size - sector * SECTOR || (write && block_readonly(s->disk))) {
        finish(p, S_IOERR);
        return;
    }
    submit(p, (BlockRequest) { .op = write ? BLOCK_WRITE : BLOCK_READ,
                               .offset = sector * SECTOR, .len = len,
                               .iov = iov, .n = n });
}

static void get_id(Pending *p)
{
    char id[ID_BYTES] = { 0 };

    strncpy(id, p->s->serial ? p->s->serial : "", sizeof id);
    iov_copy_in(&p->r.iov[p->r.nout], p->r.nin, 0, id,
                MIN(p->r.in_len - 1, sizeof id));
    finish(p, S_OK);
}

/* One segment (C_MAX_*_SEG is 1): sector, sectors, flags. */
static void erase(Pending *p, bool zeroes)
{
    u8 seg[16];
    u64 size = block_size(p->s->disk);

    if (p->r.out_len != HEADER + sizeof seg) {
        finish(p, S_UNSUPP);
        return;
    }
    iov_copy_out(seg, sizeof seg, p->r.iov, p->r.nout, HEADER);
    u64 sector = load_le(seg, 8), n = load_le(seg + 8, 4);
    u32 flags = (u32)load_le(seg + 12, 4);
    if (flags & ~(zeroes ? 1u : 0u)) {
        finish(p, S_UNSUPP);
    } else if (sector > size / SECTOR || n > MAX_SECTORS
               || n > size / SECTOR - sector || block_readonly(p->s->disk)) {
        finish(p, S_IOERR);
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
    switch (load_le(header, 4)) {
    case T_IN:
    case T_OUT:
        transfer(p, header[0] == T_OUT, load_le(header + 8, 8));
        break;
    case T_FLUSH:
        submit(p, (BlockRequest) { .op = BLOCK_FLUSH });
        break;
    case T_GET_ID:
        get_id(p);
        break;
    case T_DISCARD:
    case T_WRITE_ZEROES:
        erase(p, header[0] == T_WRITE_ZEROES);
        break;
    default:
        finish(p, S_UNSUPP);
    }
}

static void notify(void *opaque, u32 q)
{
    VirtioBlk *s = opaque;
    Pending *p = g_new(Pending, 1);

    while (virtio_pop(&s->v, q, &p->r)) {
        p->s = s;
        if (p->r.out_len < HEADER || p->r.in_len < 1) {
            virtio_broken(&s->v, "a disk request without header or status");
            break;
        }
        serve(p);
        p = g_new(Pending, 1);
    }
    g_free(p);
}

/* The only field that a driver may write is the write cache's. */
static void config_wrote(void *opaque)
{
    VirtioBlk *s = opaque;

    s->v.config[C_WCE] &= 1;
}

static const VirtioKind kind = {
    .id = 2, .queues = 1, .queue_size = { 256 }, .config_size = CONFIG_BYTES,
    .features = BIT(F_SEG_MAX) | BIT(F_BLK_SIZE) | BIT(F_FLUSH)
              | BIT(F_CONFIG_WCE) | BIT(F_DISCARD) | BIT(F_WRITE_ZEROES),
    .notify = notify, .config_wrote = config_wrote,
};

static void set_config(VirtioBlk *s)
{
    u8 *c = s->v.config;

    store_le(c + C_CAPACITY, 8, block_size(s->disk) / SECTOR);
    store_le(c + C_SEG_MAX, 4, SEG_MAX);
    store_le(c + C_BLK_SIZE, 4, s->block_size);
    c[C_WCE] = 1;
    store_le(c + C_MAX_DISCARD, 4, MAX_SECTORS);
    store_le(c + C_MAX_DISCARD_SEG, 4, 1);
    store_le(c + C_DISCARD_ALIGN, 4, s->block_size / SECTOR);
    store_le(c + C_MAX_ZEROES, 4, MAX_SECTORS);
    store_le(c + C_MAX_ZEROES_SEG, 4, 1);
}

static bool start(void *opaque, Err *err)
{
    VirtioBlk *s = opaque;

    if (!s->disk) {
        return fail(err, "drive= is missing: -drive file=IMAGE,if=none,id=d0 "
                    "-device virtio-blk-device,drive=d0");
    }
    if (!is_pow2(s->block_size) || s->block_size < 512
        || s->block_size > 32768) {
        return fail(err, "logical_block_size=%u is not a power of two from "
                    "512 to 32768", s->block_size);
    }
    if (!is_pow2(s->queue_size) || s->queue_size > VQ_SIZE_MAX) {
        return fail(err, "queue-size=%u is not a power of two up to %d",
                    s->queue_size, VQ_SIZE_MAX);
    }
    virtio_init(&s->v, &kind);
    s->v.vq_max[0] = s->queue_size;
    if (block_readonly(s->disk)) {
        s->v.features |= BIT(F_RO);
    }
    return block_claim(s->disk, s->v.dev.id, err);
}

static void reset(void *opaque)
{
    VirtioBlk *s = opaque;

    virtio_reset(&s->v);
    if (s->disk) {
        set_config(s);
    }
}

static bool loaded(void *opaque)
{
    return virtio_loaded(opaque);
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
        PROP("queue-size", PROP_U32, VirtioBlk, queue_size, "256", "requests"),
        { 0 }
    },
    .start = start, .reset = reset, .loaded = loaded,
};
