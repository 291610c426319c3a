/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a file or a block device of the host.
 *
 * Without the page cache (O_DIRECT) whole sectors are moved, through a buffer
 * of ours where the caller's are not aligned.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/falloc.h>
#include "block/backend.h"

enum { DIRECT_ALIGN = 4096, BOUNCE = 1 << 18 };

/* ---- transfers ---------------------------------------------------------- */

/* Changes iov. */
static int move_all(int fd, bool write, struct iovec *iov, int n, u64 offset)
{
    while (n) {
        int some = MIN(n, IOV_MAX);
        ssize_t r = write ? pwritev(fd, iov, some, (off_t)offset)
                          : preadv(fd, iov, some, (off_t)offset);
        if (r < 0 && errno == EINTR) {
            continue;
        }
        if (r < 0 || (r == 0 && write)) {
            return r < 0 ? -errno : -EIO;
        }
        if (r == 0) {
            iov_zero(iov, n);
            return 0;
        }
        offset += (u64)r;
        n = iov_advance(iov, n, (u64)r);
    }
    return 0;
}

static int move_one(int fd, bool write, void *p, u64 len, u64 offset)
{
    struct iovec v = { p, len };

    return len ? move_all(fd, write, &v, 1, offset) : 0;
}

static bool aligned(const struct iovec *iov, int n, u64 offset)
{
    uintptr_t any = offset;

    for (int i = 0; i < n; i++) {
        any |= (uintptr_t)iov[i].iov_base | iov[i].iov_len;
    }
    return !(any % SECTOR);
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
            r = move_one(fd, false, buf, whole, start);
        }
        if (r == 0 && write) {
            memcpy(buf + skip, p, n);
            r = move_one(fd, true, buf, whole, start);
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

int file_movev(const Image *i, bool write, const struct iovec *iov, int n,
               u64 offset)
{
    int r = 0;

    if (i->direct && !aligned(iov, n, offset)) {
        for (int k = 0; k < n && r == 0; k++) {
            r = bounce_move(i->fd, write, iov[k].iov_base, iov[k].iov_len,
                            offset);
            offset += iov[k].iov_len;
        }
        return r;
    }
    g_autofree struct iovec *copy = g_memdup2(iov, (size_t)n * sizeof *iov);
    return move_all(i->fd, write, copy, n, offset);
}

int file_move(const Image *i, bool write, void *p, u64 len, u64 offset)
{
    struct iovec v = { p, len };

    return len ? file_movev(i, write, &v, 1, offset) : 0;
}

int file_sync(const Image *i)
{
    return i->unsafe || i->readonly || fdatasync(i->fd) == 0 ? 0 : -errno;
}

void file_punch(const Image *i, u64 offset, u64 len)
{
    fallocate(i->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
              (off_t)offset, (off_t)len);
}

bool file_direct_works(int fd)
{
    u8 *buf = aligned_alloc(DIRECT_ALIGN, DIRECT_ALIGN);
    bool ok = pread(fd, buf + SECTOR, SECTOR, SECTOR) >= 0;

    free(buf);
    return ok;
}
