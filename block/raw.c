/* SPDX-License-Identifier: MIT */
/*
 * Raw images: the disk's bytes and nothing else.
 *
 * Beyond the end of the file reads give zeros; writes there make it grow to
 * the whole sector.  Nobody may make an image that was only taken for a raw
 * one look like another format: the next time its first sector would be
 * believed, and could name any file of the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include "block/backend.h"

static bool open_raw(Image *i, Err *err)
{
    struct stat st;
    u64 size;

    if (fstat(i->fd, &st) < 0) {
        return fail(err, "%s: %s", i->path, g_strerror(errno));
    }
    size = (u64)st.st_size;
    if (S_ISBLK(st.st_mode) && ioctl(i->fd, BLKGETSIZE64, &size) < 0) {
        return fail(err, "%s: %s", i->path, g_strerror(errno));
    }
    i->size = align_up(size, SECTOR);
    return i->size > 0
        || fail(err, "%s is empty; give it a size: truncate -s 1G %s", i->path,
                i->path);
}

/* Would the image be taken for another after this? */
static bool disguises(const struct iovec *iov, int n, u64 offset,
                      const Image *i)
{
    u8 head[PROBE_BYTES] = { 0 };
    struct iovec part[PROBE_BYTES];
    u8 *to = head + offset;
    int k;

    if (file_move(i, false, head, sizeof head, 0) < 0) {
        return true;
    }
    k = iov_part(iov, MIN(n, PROBE_BYTES), 0, PROBE_BYTES - offset, part);
    for (int j = 0; j < k; j++) {
        memcpy(to, part[j].iov_base, part[j].iov_len);
        to += part[j].iov_len;
    }
    return image_probe(head) != NULL;
}

static bool guarded(const Image *i, bool write, u64 offset)
{
    return write && i->guessed && offset < PROBE_BYTES;
}

static int move(Image *i, bool write, const struct iovec *iov, int n,
                u64 offset)
{
    if (guarded(i, write, offset) && disguises(iov, n, offset, i)) {
        return -EPERM;
    }
    return file_movev(i, write, iov, n, offset);
}

static int zeroes(Image *i, u64 offset, u64 len)
{
    enum { SOME = 1 << 18 };
    g_autofree u8 *zero = NULL;
    int r = 0;

    if (fallocate(i->fd, FALLOC_FL_ZERO_RANGE, (off_t)offset, (off_t)len)
        == 0) {
        return 0;
    }
    zero = g_malloc0(SOME);
    for (u64 done = 0; done < len && r == 0; done += SOME) {
        r = file_move(i, true, zero, MIN(len - done, SOME), offset + done);
    }
    return r;
}

static bool find(Image *i, bool write, u64 offset, u64 len, Extent *out)
{
    (void)len;
    *out = (Extent) { .fd = i->fd, .offset = offset };
    return !guarded(i, write, offset);
}

static int flush(Image *i)
{
    return file_sync(i);
}

static void discard(Image *i, u64 offset, u64 len)
{
    file_punch(i, offset, len);
}

const ImageKind raw_kind = {
    .name = "raw", .open = open_raw, .move = move, .zeroes = zeroes,
    .discard = discard, .flush = flush, .find = find,
};
