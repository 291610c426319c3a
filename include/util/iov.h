/* SPDX-License-Identifier: MIT */
/* Memory in pieces, as readv() takes it. */
#pragma once
#include <sys/uio.h>
#include "util/types.h"

/* Takes `done` bytes off the front; how many pieces are left. */
int  iov_advance(struct iovec *iov, int n, u64 done);
/* To out the pieces of [skip, skip + len), at most n; how many. */
int  iov_part(const struct iovec *iov, int n, u64 skip, u64 len,
              struct iovec *out);
void iov_zero(const struct iovec *iov, int n);
