/* SPDX-License-Identifier: MIT */
/*
 * Requests of drives to the block layer.
 *
 * A request goes directly to the pages of guest RAM that its list names, or
 * through memory of ours where that is not RAM or comes in too many pieces.
 */
#include <errno.h>
#include "hw/ide/drive.h"

enum { PIECES = 512 };

typedef struct Request {
    IdeDrive *d;
    IdeDone  *done;
    u32       epoch, tag;
    bool      in;               /* to the guest */
    u8       *bounce;           /* NULL: none */
    u64       len;
    GArray   *sg;               /* NULL: memory of ours */
} Request;

static const IdeSg *piece(const GArray *sg, u32 i)
{
    return &g_array_index(sg, IdeSg, i);
}

u64 ide_sg_bytes(const GArray *sg)
{
    u64 bytes = 0;

    for (u32 i = 0; i < sg->len; i++) {
        bytes += piece(sg, i)->len;
    }
    return bytes;
}

bool ide_copy(IdeDrive *d, bool in, const GArray *sg, void *data, u64 len)
{
    u8 *p = data;
    bool all = d->dev.mem != NULL;

    for (u32 i = 0; i < sg->len && len && d->dev.mem; i++) {
        u64 k = MIN(piece(sg, i)->len, len);
        all &= in ? mem_write(d->dev.mem, piece(sg, i)->pa, p, k)
                  : mem_read(d->dev.mem, piece(sg, i)->pa, p, k);
        p += k;
        len -= k;
    }
    return all && !len;
}

static Request *new_request(IdeDrive *d, IdeDone *done)
{
    Request *r = g_new0(Request, 1);

    r->d = d;
    r->done = done;
    r->epoch = d->epoch;
    d->in_flight++;
    return r;
}

/* Tells the memory that it was written; of the first r->len bytes. */
static void wrote(const Request *r)
{
    u64 left = r->len;

    for (u32 i = 0; i < r->sg->len && left; i++) {
        u64 k = MIN(left, piece(r->sg, i)->len);
        mem_wrote(r->d->dev.mem, piece(r->sg, i)->pa, k);
        left -= k;
    }
}

static void finished(void *opaque, int ret)
{
    Request *r = opaque;
    IdeDrive *d = r->d;
    bool alive = r->epoch == d->epoch;

    d->in_flight--;
    if (r->in && !r->bounce) {
        wrote(r);
    } else if (r->in && !ret && alive) {
        ide_copy(d, true, r->sg, r->bounce, r->len);
    }
    if (alive) {
        r->done(d, r->tag, ret == 0);
    }
    if (r->sg) {
        g_array_unref(r->sg);
    }
    g_free(r->bounce);
    g_free(r);
}

/* The list as host memory; 0: it is not RAM, or too many pieces. */
static u32 map(Request *r, struct iovec *iov)
{
    u64 left = r->len;
    u32 k = 0;

    for (u32 i = 0; i < r->sg->len && left; i++) {
        u64 pa = piece(r->sg, i)->pa, here = MIN(left, piece(r->sg, i)->len);
        left -= here;
        while (here) {
            u64 len = here;
            u8 *host = r->d->dev.mem
                ? mem_host(r->d->dev.mem, pa, &len, r->in) : NULL;
            if (!host || k == PIECES) {
                return 0;
            }
            iov[k++] = (struct iovec) { host, len };
            pa += len;
            here -= len;
        }
    }
    return left ? 0 : k;
}

static void submit(Request *r, BlockOp op, u64 at, const struct iovec *iov,
                   u32 n)
{
    const BlockRequest q = {
        .op = op, .offset = at, .len = r->len, .iov = iov, .n = (int)n,
        .done = finished, .opaque = r,
    };

    if (medium_disk(&r->d->medium)) {
        block_submit(r->d->medium.disk, &q);
    } else {
        finished(r, -ENOMEDIUM);
    }
}

static BlockOp op_of(const IdeDrive *d, bool write)
{
    return !write ? BLOCK_READ : d->write_cache ? BLOCK_WRITE
                                                : BLOCK_WRITE_FLUSH;
}

void ide_transfer(IdeDrive *d, const IdeMove *m, const GArray *sg)
{
    Request *r = new_request(d, m->done);
    struct iovec iov[PIECES];
    u32 k;

    r->tag = m->tag;
    r->sg = g_array_copy((GArray *)sg);
    r->in = !m->write;
    r->len = m->len;
    k = map(r, iov);
    if (!k) {
        r->bounce = g_malloc0(m->len);
        iov[0] = (struct iovec) { r->bounce, m->len };
        k = 1;
        if (m->write && !ide_copy(d, false, sg, r->bounce, m->len)) {
            finished(r, -EIO);
            return;
        }
    }
    submit(r, op_of(d, m->write), m->at, iov, k);
}

void ide_transfer_data(IdeDrive *d, bool write, u64 at, void *data, u64 len,
                       IdeDone *done)
{
    const struct iovec iov = { data, len };
    Request *r = new_request(d, done);

    r->len = len;
    submit(r, op_of(d, write), at, &iov, 1);
}

void ide_flush(IdeDrive *d, IdeDone *done)
{
    submit(new_request(d, done), BLOCK_FLUSH, 0, NULL, 0);
}
