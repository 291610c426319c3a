/* SPDX-License-Identifier: MIT */
/*
 * NVM commands: reading, writing and what goes with it.
 * Reference: NVM Express 1.4, chapter 6.
 */
#include <glib.h>
#include "hw/nvme/nvme.h"

enum {                                  /* opcodes: figure 346 */
    FLUSH = 0x00, WRITE = 0x01, READ = 0x02, COMPARE = 0x05,
    WRITE_ZEROES = 0x08, DATASET = 0x09,
};
enum { FUA = 1 << 30, DEALLOCATE = 1 << 2, RANGE_BYTES = 16, RANGES = 256 };

/* The blocks of a command. */
typedef struct Extent {
    u64 at, len;                        /* bytes */
} Extent;

static u16 check_range(const NvmeNs *ns, u64 lba, u64 n)
{
    u64 all = nvme_blocks(ns);

    return n > all || lba > all - n ? NVME_LBA_RANGE : NVME_OK;
}

static u16 extent_of(const NvmeRequest *r, Extent *x)
{
    u64 lba = load_le(r->cmd + 40, 8), n = (nvme_dword(r, 12) & 0xffff) + 1;

    x->at = lba << r->ns->shift;
    x->len = n << r->ns->shift;
    return check_range(r->ns, lba, n);
}

/* MDTS: figure 249. */
static bool too_long(const Nvme *s, u64 len)
{
    return len > (u64)NVME_PAGE << (s->mdts ? s->mdts : 7);
}

/* ---- parts in flight ---------------------------------------------------- */

static void part_done(NvmeRequest *r, u16 status)
{
    r->status = r->status ? r->status : status;
    if (--r->left == 0) {
        nvme_complete(r, r->status);
    }
}

static void changed(void *opaque, int ret)
{
    part_done(opaque, ret ? NVME_WRITE_FAULT : NVME_OK);
}

static void read_done(void *opaque, int ret)
{
    NvmeRequest *r = opaque;

    if (!ret) {
        nvme_wrote(r);
    }
    part_done(r, ret ? NVME_READ_ERROR : NVME_OK);
}

static void submit(NvmeRequest *r, Block *disk, BlockRequest q)
{
    q.done = q.done ? q.done : changed;
    q.opaque = r;
    r->left++;
    block_submit(disk, &q);
}

/* All data of a command to or from the disk. */
static void submit_data(NvmeRequest *r, BlockOp op, u64 at,
                        void (*end)(void *, int))
{
    u32 n = r->piece->len;
    g_autofree struct iovec *iov = g_new(struct iovec, n);

    for (u32 i = 0; i < n; i++) {
        const NvmePiece *p = &g_array_index(r->piece, NvmePiece, i);
        iov[i] = (struct iovec) { p->host, p->len };
    }
    submit(r, r->ns->disk, (BlockRequest) {
        .op = op, .offset = at, .len = r->len, .iov = iov, .n = (int)n,
        .done = end });
}

/* ---- the commands ------------------------------------------------------- */

static bool writes_through(const NvmeRequest *r)
{
    return nvme_dword(r, 12) & FUA || !nvme_write_cache(r->s);
}

static u16 read_blocks(NvmeRequest *r)
{
    Extent x;
    u16 status = extent_of(r, &x);

    status = status ? status : too_long(r->s, x.len) ? NVME_FIELD
           : nvme_map(r, x.len, true);
    if (status) {
        return status;
    }
    r->s->reads++;
    r->s->read_bytes += x.len;
    submit_data(r, BLOCK_READ, x.at, read_done);
    return NVME_LATER;
}

static u16 write_blocks(NvmeRequest *r)
{
    Extent x;
    u16 status = extent_of(r, &x);

    status = status ? status : too_long(r->s, x.len) ? NVME_FIELD
           : nvme_map(r, x.len, false);
    if (status) {
        return status;
    }
    r->s->writes++;
    r->s->written_bytes += x.len;
    submit_data(r, writes_through(r) ? BLOCK_WRITE_FLUSH : BLOCK_WRITE, x.at,
                changed);
    return NVME_LATER;
}

static u16 write_zeroes(NvmeRequest *r)
{
    Extent x;
    u16 status = extent_of(r, &x);

    if (status) {
        return status;
    }
    submit(r, r->ns->disk, (BlockRequest) {
        .op = BLOCK_ZEROES, .offset = x.at, .len = x.len });
    return NVME_LATER;
}

static void compare_done(void *opaque, int ret)
{
    NvmeRequest *r = opaque;
    const u8 *p = r->buffer;
    bool same = true;

    for (u32 i = 0; !ret && r->epoch == r->s->epoch && i < r->piece->len; i++) {
        const NvmePiece *q = &g_array_index(r->piece, NvmePiece, i);
        same &= memcmp(p, q->host, q->len) == 0;
        p += q->len;
    }
    part_done(r, ret ? NVME_READ_ERROR : same ? NVME_OK : NVME_COMPARE);
}

static u16 compare(NvmeRequest *r)
{
    Extent x;
    u16 status = extent_of(r, &x);

    status = status ? status : too_long(r->s, x.len) ? NVME_FIELD
           : nvme_map(r, x.len, false);
    if (status) {
        return status;
    }
    r->buffer = g_malloc(x.len);
    struct iovec iov = { r->buffer, x.len };
    submit(r, r->ns->disk, (BlockRequest) {
        .op = BLOCK_READ, .offset = x.at, .len = x.len, .iov = &iov, .n = 1,
        .done = compare_done });
    return NVME_LATER;
}

/* 6.7: ranges of context attributes, length, first block. */
static u16 manage_dataset(NvmeRequest *r)
{
    u8 range[RANGES * RANGE_BYTES];
    u32 n = (nvme_dword(r, 10) & 0xff) + 1;
    u16 status = nvme_take(r, range, n * RANGE_BYTES);

    for (u32 i = 0; !status && i < n; i++) {
        const u8 *p = range + i * RANGE_BYTES;
        status = check_range(r->ns, load_le(p + 8, 8), load_le(p + 4, 4));
    }
    if (status || !(nvme_dword(r, 11) & DEALLOCATE)) {
        return status;
    }
    r->left = 1;                        /* until all are on their way */
    for (u32 i = 0; i < n; i++) {
        const u8 *p = range + i * RANGE_BYTES;
        u64 len = load_le(p + 4, 4) << r->ns->shift;
        if (len) {
            submit(r, r->ns->disk, (BlockRequest) {
                .op = BLOCK_DISCARD, .len = len,
                .offset = load_le(p + 8, 8) << r->ns->shift });
        }
    }
    part_done(r, NVME_OK);
    return NVME_LATER;
}

/* 6.8: of one namespace or of all. */
static u16 flush(NvmeRequest *r)
{
    r->left = 1;
    for (u32 i = 0; i < NVME_NAMESPACES; i++) {
        NvmeNs *ns = r->s->ns[i];
        if (ns && (!r->ns || r->ns == ns)) {
            submit(r, ns->disk, (BlockRequest) { .op = BLOCK_FLUSH });
        }
    }
    part_done(r, NVME_OK);
    return NVME_LATER;
}

static const struct {
    u8   opcode;
    bool changes;                       /* what is on the disk */
    u16 (*run)(NvmeRequest *r);
} commands[] = {
    { FLUSH,        false, flush },
    { WRITE,        true,  write_blocks },
    { READ,         false, read_blocks },
    { COMPARE,      false, compare },
    { WRITE_ZEROES, true,  write_zeroes },
    { DATASET,      true,  manage_dataset },
};

u16 nvme_io(NvmeRequest *r)
{
    u32 nsid = nvme_dword(r, 1), i = 0;
    u16 status;

    while (i < countof(commands) && commands[i].opcode != r->cmd[0]) {
        i++;
    }
    if (i == countof(commands)) {
        return NVME_OPCODE;
    }
    status = r->cmd[0] == FLUSH && nsid == NVME_ALL
        ? NVME_OK : nvme_find(r->s, nsid, &r->ns);
    if (!status && commands[i].changes && block_readonly(r->ns->disk)) {
        status = NVME_PROTECTED;
    }
    return status ? status : commands[i].run(r);
}

void nvme_io_effects(u8 *page)
{
    enum { SUPPORTED = 1 << 0, CHANGES_BLOCKS = 1 << 1 };

    for (u32 i = 0; i < countof(commands); i++) {
        page[4 * commands[i].opcode] =
            (u8)(SUPPORTED | (commands[i].changes ? CHANGES_BLOCKS : 0));
    }
}
