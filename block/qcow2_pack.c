/* SPDX-License-Identifier: MIT */
/* Compressed clusters: raw deflate (RFC 1951) or Zstandard (RFC 8878). */
#include <errno.h>
#include <zlib.h>
#include <zstd.h>
#include "block/qcow2.h"

static bool inflate_to(const u8 *from, u64 len, u8 *to, u64 want)
{
    enum { RAW = -15 };
    z_stream z = { .next_in = (u8 *)from, .avail_in = (uInt)len,
                   .next_out = to, .avail_out = (uInt)want };

    if (inflateInit2(&z, RAW) != Z_OK) {
        return false;
    }
    inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return z.avail_out == 0;
}

static bool zstd_to(const u8 *from, u64 len, u8 *to, u64 want)
{
    ZSTD_DCtx *z = ZSTD_createDCtx();
    ZSTD_inBuffer in = { from, len, 0 };
    ZSTD_outBuffer out = { to, want, 0 };
    size_t r = 1;

    while (z && r && !ZSTD_isError(r) && out.pos < want) {
        size_t before = in.pos + out.pos;
        r = ZSTD_decompressStream(z, &out, &in);
        if (in.pos + out.pos == before) {
            break;              /* it has come to its end */
        }
    }
    ZSTD_freeDCtx(z);
    return out.pos == want;
}

int cluster_unpack(Qcow2 *q, u64 entry, u8 *to)
{
    u32 x = 62 - (q->cluster_bits - 8);
    u64 at = entry & MASK((int)MIN(x, 56));
    u64 len = (((entry & ~(COPIED | COMPRESSED)) >> x) + 1) * SECTOR
            - at % SECTOR;
    g_autofree u8 *packed = g_malloc(len);
    int r = file_move(q->image, false, packed, len, at);

    if (r) {
        return r;
    }
    return (q->compression ? zstd_to : inflate_to)(packed, len, to, q->cluster)
        ? 0 : -EIO;
}
