/* SPDX-License-Identifier: MIT */
/* Atomic accesses that C has no portable words for, on this host. */
#pragma once
#include "util/types.h"

/*
 * If *p is `expect`, makes it v, as one atomic and fully ordered access; p is
 * aligned to 16 bytes and may be written.  Returns what *p was.
 */
static inline u128 host_cas16(u128 *p, u128 expect, u128 v)
{
#ifdef __x86_64__
    /* The compilers' builtin calls a library unless all is built for it. */
    u64 lo = (u64)expect, hi = (u64)(expect >> 64);

    __asm__ volatile("lock cmpxchg16b %0"
                     : "+m"(*p), "+a"(lo), "+d"(hi)
                     : "b"((u64)v), "c"((u64)(v >> 64))
                     : "cc", "memory");
    return (u128)hi << 64 | lo;
#else
    return __sync_val_compare_and_swap(p, expect, v);
#endif
}
