/* SPDX-License-Identifier: MIT */
/*
 * Devices of an 8-bit bus: a wider access is one of each byte in turn, the
 * lowest address first, as an ISA bridge splits it.
 */
#pragma once
#include "util/types.h"

static inline u64 bytewise_read(void *s, u64 at, unsigned size,
                                u8 (*read)(void *s, u64 at))
{
    u64 v = 0;

    for (unsigned i = 0; i < size; i++) {
        v |= (u64)read(s, at + i) << (8 * i);
    }
    return v;
}

static inline void bytewise_write(void *s, u64 at, unsigned size, u64 v,
                                  void (*write)(void *s, u64 at, u8 v))
{
    for (unsigned i = 0; i < size; i++) {
        write(s, at + i, (u8)(v >> (8 * i)));
    }
}
