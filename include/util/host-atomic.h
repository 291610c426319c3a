/* SPDX-License-Identifier: MIT */
/* Atomic accesses that C has no portable words for, on this host. */
#pragma once
#include "util/types.h"

#ifdef __x86_64__
#define HOST_CAS16 __attribute__((target("cx16")))
#else
#define HOST_CAS16
#endif

/*
 * If *p is `expect`, makes it v, as one atomic and fully ordered access; p is
 * aligned to 16 bytes and may be written.  Returns what *p was.
 */
HOST_CAS16 static inline u128 host_cas16(u128 *p, u128 expect, u128 v)
{
    return __sync_val_compare_and_swap(p, expect, v);
}
