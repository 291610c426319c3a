/* SPDX-License-Identifier: MIT */
/*
 * Where a command's data is: PRP lists (4.3) and SGLs (4.4).
 *
 * Lists of a guest may be circular or endless; what is followed of them is
 * bounded by the length of the data, or by PIECES.
 */
#include <glib.h>
#include "hw/nvme/nvme.h"

enum { PRP1 = 24, PRP2 = 32, SGL1 = 24, SGL_BYTES = 16, PIECES = 512 };
enum { SGL_DATA = 0x00, SGL_BUCKET = 0x10, SGL_MORE = 0x20, SGL_LAST = 0x30 };

static u64 page_of(const NvmeRequest *r)
{
    return (u64)NVME_PAGE << bits(r->s->cc, 10, 7);
}

/* Adds guest memory, in as many pieces as the host has it in. */
static u16 add(NvmeRequest *r, u64 pa, u64 len, bool in)
{
    MemSpace *mem = r->s->pci.dev.mem;

    while (len) {
        NvmePiece p = { pa, len, NULL };
        NvmePiece *last = r->piece->len
            ? &g_array_index(r->piece, NvmePiece, r->piece->len - 1) : NULL;

        p.host = mem && pci_master(&r->s->pci)
            ? mem_host(mem, pa, &p.len, in) : NULL;
        if (!p.host || !p.len) {
            return NVME_TRANSFER;
        }
        if (last && last->pa + last->len == pa
            && last->host + last->len == p.host) {
            last->len += p.len;
        } else if (r->piece->len == PIECES) {
            return NVME_SGL_COUNT;
        } else {
            g_array_append_val(r->piece, p);
        }
        pa += p.len;
        len -= p.len;
    }
    return NVME_OK;
}

static bool fetch(NvmeRequest *r, u64 pa, void *p, u64 len)
{
    return pci_dma_read(&r->s->pci, pa, p, len);
}

/* ---- physical region pages ---------------------------------------------- */

/* The rest of the data, by the list at `at`. */
static u16 map_list(NvmeRequest *r, u64 at, u64 left, bool in)
{
    u64 page = page_of(r), lists = left / page + 2;
    u16 status = NVME_OK;

    while (left && !status) {
        u64 entry;
        if (at & 7) {
            return NVME_PRP_OFFSET;
        }
        if (!fetch(r, at, &entry, sizeof entry)) {
            return NVME_TRANSFER;
        }
        entry = load_le(&entry, 8);
        if ((at & (page - 1)) == page - 8 && left > page) {
            at = entry;                 /* the last one goes on elsewhere */
            if (!lists--) {
                return NVME_PRP_OFFSET;
            }
            continue;
        }
        status = entry & (page - 1) ? NVME_PRP_OFFSET
                                    : add(r, entry, MIN(left, page), in);
        left -= MIN(left, page);
        at += 8;
    }
    return status;
}

static u16 map_prp(NvmeRequest *r, bool in)
{
    u64 prp1 = load_le(r->cmd + PRP1, 8), prp2 = load_le(r->cmd + PRP2, 8);
    u64 page = page_of(r), first = MIN(r->len, page - (prp1 & (page - 1)));
    u64 left = r->len - first;
    u16 status = prp1 & 3 ? NVME_PRP_OFFSET : add(r, prp1, first, in);

    if (status || !left) {
        return status;
    }
    if (left > page) {
        return map_list(r, prp2, left, in);
    }
    return prp2 & (page - 1) ? NVME_PRP_OFFSET : add(r, prp2, left, in);
}

/* ---- scatter gather lists ----------------------------------------------- */

typedef struct Sgl {
    u64 left;                   /* bytes of data still to find */
    u32 seen;                   /* descriptors */
    bool in;
} Sgl;

/* A bit bucket takes what the guest does not want. */
static u16 add_bucket(NvmeRequest *r, u64 len)
{
    NvmePiece p = { ~0ull, len, NULL };

    if (!r->buffer) {
        r->buffer = g_malloc(r->len);
    }
    p.host = r->buffer;
    g_array_append_val(r->piece, p);
    return NVME_OK;
}

static u16 add_block(NvmeRequest *r, Sgl *g, const u8 *d)
{
    u64 len = load_le(d + 8, 4);

    if (len > g->left) {
        return NVME_SGL_LENGTH;
    }
    g->left -= len;
    if (!len) {
        return NVME_OK;
    }
    if (d[15] == SGL_BUCKET) {
        return g->in ? add_bucket(r, len) : NVME_SGL_TYPE;
    }
    return add(r, load_le(d, 8), len, g->in);
}

/* One segment; d becomes the descriptor of the next, or *end is set. */
static u16 map_segment(NvmeRequest *r, Sgl *g, u8 *d, bool *end)
{
    u64 at = load_le(d, 8), n = load_le(d + 8, 4) / SGL_BYTES;
    u8 kind = d[15];
    u16 status = NVME_OK;

    *end = true;
    if (!n || load_le(d + 8, 4) % SGL_BYTES) {
        return NVME_SGL_SEGMENT;
    }
    for (u64 i = 0; i < n && !status; i++) {
        if (++g->seen > PIECES) {
            return NVME_SGL_COUNT;
        }
        if (!fetch(r, at + i * SGL_BYTES, d, SGL_BYTES)) {
            return NVME_TRANSFER;
        }
        if (d[15] == SGL_MORE || d[15] == SGL_LAST) {
            *end = false;
            return i == n - 1 && kind != SGL_LAST ? NVME_OK : NVME_SGL_SEGMENT;
        }
        status = d[15] == SGL_DATA || d[15] == SGL_BUCKET
            ? add_block(r, g, d) : NVME_SGL_TYPE;
    }
    return status;
}

static u16 map_sgl(NvmeRequest *r, bool in)
{
    Sgl g = { r->len, 0, in };
    u8 d[SGL_BYTES];
    bool end = false;
    u16 status = NVME_OK;

    memcpy(d, r->cmd + SGL1, sizeof d);
    if (d[15] == SGL_DATA || d[15] == SGL_BUCKET) {
        status = add_block(r, &g, d);
    } else {
        while (!end && !status) {
            status = d[15] == SGL_MORE || d[15] == SGL_LAST
                ? map_segment(r, &g, d, &end) : NVME_SGL_TYPE;
        }
    }
    return status ? status : g.left ? NVME_SGL_LENGTH : NVME_OK;
}

/* ---- for commands ------------------------------------------------------- */

u16 nvme_map(NvmeRequest *r, u64 len, bool in)
{
    r->len = len;
    r->piece = g_array_new(false, false, sizeof(NvmePiece));
    return r->cmd[1] >> 6 ? map_sgl(r, in) : map_prp(r, in);
}

void nvme_wrote(NvmeRequest *r)
{
    for (u32 i = 0; i < r->piece->len; i++) {
        const NvmePiece *p = &g_array_index(r->piece, NvmePiece, i);
        if (p->pa != ~0ull) {
            mem_wrote(r->s->pci.dev.mem, p->pa, p->len);
        }
    }
}

u16 nvme_give(NvmeRequest *r, const void *from, u64 len)
{
    const u8 *p = from;
    u16 status = nvme_map(r, len, true);

    for (u32 i = 0; !status && i < r->piece->len; i++) {
        const NvmePiece *q = &g_array_index(r->piece, NvmePiece, i);
        memcpy(q->host, p, q->len);
        p += q->len;
    }
    if (!status) {
        nvme_wrote(r);
    }
    return status;
}

u16 nvme_take(NvmeRequest *r, void *to, u64 len)
{
    u8 *p = to;
    u16 status = nvme_map(r, len, false);

    for (u32 i = 0; !status && i < r->piece->len; i++) {
        const NvmePiece *q = &g_array_index(r->piece, NvmePiece, i);
        memcpy(p, q->host, q->len);
        p += q->len;
    }
    return status;
}
