/* SPDX-License-Identifier: MIT */
/* Memory in pieces. */
#include <string.h>
#include "util/iov.h"

int iov_advance(struct iovec *iov, int n, u64 done)
{
    int skip = 0;

    while (skip < n && done >= iov[skip].iov_len) {
        done -= iov[skip++].iov_len;
    }
    n -= skip;
    memmove(iov, iov + skip, (size_t)n * sizeof *iov);
    if (n) {
        iov[0].iov_base = (u8 *)iov[0].iov_base + done;
        iov[0].iov_len -= done;
    }
    return n;
}

int iov_part(const struct iovec *iov, int n, u64 skip, u64 len,
             struct iovec *out)
{
    int k = 0;

    for (int i = 0; i < n && len; i++) {
        struct iovec v = iov[i];
        if (skip >= v.iov_len) {
            skip -= v.iov_len;
            continue;
        }
        v.iov_base = (u8 *)v.iov_base + skip;
        v.iov_len = MIN(v.iov_len - skip, len);
        skip = 0;
        len -= v.iov_len;
        out[k++] = v;
    }
    return k;
}

void iov_zero(const struct iovec *iov, int n)
{
    for (int i = 0; i < n; i++) {
        memset(iov[i].iov_base, 0, iov[i].iov_len);
    }
}
