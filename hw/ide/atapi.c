/* SPDX-License-Identifier: MIT */
/*
 * Packet commands of CD drives: how their data and results come to the
 * registers.  What the commands do is SCSI's: hw/scsi/scsi.h.
 * References: SFF-8020i 2.6, chapter 5; ATA/ATAPI-6 (T13/1410D), 8.23.
 */
#include "hw/ide/drive.h"

enum { REASON_IN = 2, REASON_DONE = 3 };        /* the count register */
enum { BLOCKS = IDE_DATA / IDE_CD_SECTOR, LIMIT_MAX = 0xfffe };
enum { FEATURE_DMA = 1 };

/* ---- how commands end --------------------------------------------------- */

static void good(IdeDrive *d)
{
    d->count[0] = REASON_DONE;
    ide_ok(d);
}

/* The unit's sense says why. */
static void failed(IdeDrive *d)
{
    d->count[0] = REASON_DONE;
    ide_fail(d, (u8)(d->scsi.key << 4 | ER_ABORT));
}

static void check(IdeDrive *d, u8 key, u16 asc)
{
    scsi_check(&d->scsi, NULL, key, asc);
    failed(d);
}

/* ---- replies ------------------------------------------------------------ */

/* The next part, of at most as many bytes as the host takes at once. */
static void next_part(IdeDrive *d, u32 from)
{
    u32 limit = d->mid[0] | (u32)d->high[0] << 8, n = d->reply_end - from;

    if (from) {
        memmove(d->data, d->data + from, n);
        d->reply_end = n;
    }
    limit = !limit || limit > LIMIT_MAX ? LIMIT_MAX : limit;
    n = n > limit ? MAX(limit & ~1u, 2u) : n;
    d->mid[0] = (u8)n;
    d->high[0] = (u8)(n >> 8);
    d->count[0] = REASON_IN;
    ide_begin(d, FLOW_REPLY, n, true);
}

/* Answers with n bytes of d->data. */
static void reply(IdeDrive *d, u32 n)
{
    d->left = 0;
    d->reply_end = n;
    if (d->feature[0] & FEATURE_DMA) {
        ide_begin_dma(d, DMA_IN, 0, n);
    } else {
        next_part(d, 0);
    }
}

static void blocks_read(IdeDrive *d, u32 tag, bool ok)
{
    u32 n = MIN(d->left, (u32)BLOCKS);

    (void)tag;
    if (!ok) {
        check(d, SCSI_MEDIUM, ASC_READ_ERROR);
        return;
    }
    d->at += n;
    d->left -= n;
    d->reply_end = n * IDE_CD_SECTOR;
    next_part(d, 0);
}

static void read_blocks(IdeDrive *d)
{
    d->status = ST_BUSY;
    d->flow = FLOW_IDLE;
    ide_transfer_data(d, false, d->at * IDE_CD_SECTOR, d->data,
                      (u64)MIN(d->left, (u32)BLOCKS) * IDE_CD_SECTOR,
                      blocks_read);
}

static void read_range(IdeDrive *d, u64 at, u64 len)
{
    if (d->feature[0] & FEATURE_DMA) {
        ide_begin_dma(d, DMA_READ, at, len);
    } else {
        d->at = at / IDE_CD_SECTOR;
        d->left = (u32)(len / IDE_CD_SECTOR);
        read_blocks(d);
    }
}

void atapi_go_on(IdeDrive *d)
{
    if (d->end < d->reply_end) {
        next_part(d, d->end);
    } else if (d->left) {
        read_blocks(d);
    } else {
        good(d);
    }
}

void atapi_dma_done(IdeDrive *d, bool ok)
{
    if (ok) {
        good(d);
    } else {
        check(d, SCSI_MEDIUM, ASC_READ_ERROR);
    }
}

/* ---- commands ----------------------------------------------------------- */

void atapi_packet(IdeDrive *d)
{
    ScsiTask t = { .data = d->data };

    memcpy(t.cdb, d->packet, IDE_PACKET);
    scsi_start(&d->scsi, &t);
    switch (t.next) {
    case SCSI_GOOD:
        good(d);
        break;
    case SCSI_REPLY:
        reply(d, (u32)t.len);
        break;
    case SCSI_READ:
        read_range(d, t.at, t.len);
        break;
    default:
        failed(d);
    }
}

/* What was on its way from the disk ends; the next command hears of it. */
void atapi_changed(IdeDrive *d)
{
    bool reads = (d->flow == FLOW_DMA && d->dma_kind == DMA_READ)
        || (d->flow == FLOW_REPLY && d->left);

    scsi_changed(&d->scsi);
    d->at = d->left = 0;
    if (reads) {
        check(d, SCSI_NOT_READY, ASC_NO_MEDIUM_OPEN);
    }
}
