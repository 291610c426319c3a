/* SPDX-License-Identifier: MIT */
/*
 * One request on a raw image: a file or a block device of the host.
 *
 * Beyond the end of the file reads give zeros; writes there make it grow to
 * the whole sector.  With snapshot=on writes go to a temporary file without a
 * name, cluster by cluster, and a byte per cluster says which are there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/falloc.h>
#include "block/backend.h"

enum { DIRECT_ALIGN = 4096, BOUNCE = 1 << 18 };

/* ---- bytes -------------------------------------------------------------- */

static int read_all(int fd, u8 *p, u64 len, u64 offset)
{
    while (len) {
        ssize_t n = pread(fd, p, len, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        if (n == 0) {
            memset(p, 0, len);
            return 0;
        }
        p += n;
        len -= (u64)n;
        offset += (u64)n;
    }
    return 0;
}

static int write_all(int fd, const u8 *p, u64 len, u64 offset)
{
    while (len) {
        ssize_t n = pwrite(fd, p, len, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? -errno : -EIO;
        }
        p += n;
        len -= (u64)n;
        offset += (u64)n;
    }
    return 0;
}

/* ---- without the page cache --------------------------------------------- */

bool raw_direct_works(int fd)
{
    u8 *buf = aligned_alloc(DIRECT_ALIGN, DIRECT_ALIGN);
    bool ok = pread(fd, buf + SECTOR, SECTOR, SECTOR) >= 0;

    free(buf);
    return ok;
}

static bool is_aligned(const void *p, u64 len, u64 offset)
{
    return !(((uintptr_t)p | len | offset) % SECTOR);
}

/* Through a buffer of ours, in whole sectors. */
static int bounce_move(int fd, bool write, u8 *p, u64 len, u64 offset)
{
    u8 *buf = aligned_alloc(DIRECT_ALIGN, BOUNCE);
    int r = 0;

    while (len && r == 0) {
        u64 start = align_down(offset, SECTOR), skip = offset - start;
        u64 n = MIN(len, BOUNCE - skip), whole = align_up(skip + n, SECTOR);
        if (!write || whole != n) {
            r = read_all(fd, buf, whole, start);
        }
        if (r == 0 && write) {
            memcpy(buf + skip, p, n);
            r = write_all(fd, buf, whole, start);
        } else if (r == 0) {
            memcpy(p, buf + skip, n);
        }
        p += n;
        offset += n;
        len -= n;
    }
    free(buf);
    return r;
}

static int file_move(const Block *b, bool write, u8 *p, u64 len, u64 offset)
{
    if (b->direct && !is_aligned(p, len, offset)) {
        return bounce_move(b->fd, write, p, len, offset);
    }
    return write ? write_all(b->fd, p, len, offset)
                 : read_all(b->fd, p, len, offset);
}

/* ---- snapshot=on -------------------------------------------------------- */

bool raw_open_overlay(Block *b, Err *err)
{
    const char *folder = g_getenv("TMPDIR");
    g_autofree char *name = g_strdup_printf("%s/anole-XXXXXX",
                                            folder ? folder : "/var/tmp");

    b->overlay = g_mkstemp_full(name, O_RDWR | O_CLOEXEC, 0600);
    if (b->overlay < 0) {
        return fail(err, "snapshot=on: no temporary file %s: %s; TMPDIR says "
                    "where else it may be", name, g_strerror(errno));
    }
    unlink(name);
    b->in_overlay = g_malloc0(b->size / CLUSTER + 1);
    return true;
}

/* Copies a cluster that is written in part to the overlay first. */
static int own_cluster(Block *b, u64 c, u64 len)
{
    g_autofree u8 *buf = NULL;
    int r = 0;

    if (!b->in_overlay[c] && len < CLUSTER) {
        buf = g_malloc(CLUSTER);
        r = read_all(b->fd, buf, CLUSTER, c * CLUSTER);
        r = r ? r : write_all(b->overlay, buf, CLUSTER, c * CLUSTER);
    }
    return r;
}

static int overlay_move(Block *b, bool write, u8 *p, u64 len, u64 offset)
{
    int r = 0;

    g_mutex_lock(&b->lock);
    while (len && r == 0) {
        u64 c = offset / CLUSTER, n = MIN(len, CLUSTER - offset % CLUSTER);
        if (write) {
            r = own_cluster(b, c, n);
            r = r ? r : write_all(b->overlay, p, n, offset);
            b->in_overlay[c] |= r == 0;
        } else {
            r = read_all(b->in_overlay[c] ? b->overlay : b->fd, p, n, offset);
        }
        p += n;
        offset += n;
        len -= n;
    }
    g_mutex_unlock(&b->lock);
    return r;
}

int raw_move(Block *b, bool write, void *p, u64 len, u64 offset)
{
    return b->overlay >= 0 ? overlay_move(b, write, p, len, offset)
                           : file_move(b, write, p, len, offset);
}

/* ---- requests ----------------------------------------------------------- */

int raw_flush(Block *b)
{
    return b->unsafe_cache || b->overlay >= 0 || fdatasync(b->fd) == 0
        ? 0 : -errno;
}

static int transfer(const AioRequest *r, bool write)
{
    u64 offset = r->offset;
    int ret = 0;

    for (int i = 0; i < r->n && ret == 0; i++) {
        ret = raw_move(r->b, write, r->iov[i].iov_base, r->iov[i].iov_len,
                       offset);
        offset += r->iov[i].iov_len;
    }
    return ret;
}

static int zeroes(Block *b, u64 offset, u64 len)
{
    g_autofree u8 *zero = NULL;
    int r = 0;

    if (b->overlay < 0 && fallocate(b->fd, FALLOC_FL_ZERO_RANGE, (off_t)offset,
                                    (off_t)len) == 0) {
        return 0;
    }
    zero = g_malloc0(BOUNCE);
    for (u64 done = 0; done < len && r == 0; done += BOUNCE) {
        r = raw_move(b, true, zero, MIN(len - done, BOUNCE), offset + done);
    }
    return r;
}

/* A hint: not to follow it is no error. */
static void discard(const Block *b, u64 offset, u64 len)
{
    if (b->discard && b->overlay < 0) {
        fallocate(b->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  (off_t)offset, (off_t)len);
    }
}

int raw_perform(const AioRequest *r)
{
    Block *b = r->b;
    int ret = 0;

    switch (r->op) {
    case BLOCK_READ:
        return transfer(r, false);
    case BLOCK_FLUSH:
        return raw_flush(b);
    case BLOCK_DISCARD:
        discard(b, r->offset, r->len);
        return 0;
    case BLOCK_ZEROES:
        ret = zeroes(b, r->offset, r->len);
        break;
    case BLOCK_WRITE: case BLOCK_WRITE_FLUSH:
        ret = transfer(r, true);
        break;
    }
    return ret == 0 && (b->sync || r->op == BLOCK_WRITE_FLUSH) ? raw_flush(b)
                                                               : ret;
}
