/* SPDX-License-Identifier: MIT */
/*
 * The words the rest is written in: short integer names, bits, and the few
 * macros everything uses.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t  u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t   i8;
typedef int16_t  i16;
typedef int32_t  i32;
typedef int64_t  i64;
typedef unsigned __int128 u128;
typedef __int128 i128;

/*
 * A 128-bit vector register as C sees it.  V128 is passed and returned in a
 * host vector register; lanes are numbered from the least significant.
 */
typedef u64 V128 __attribute__((vector_size(16)));
typedef union Vec {
    V128 v;
    u8   b[16];
    u16  h[8];
    u32  w[4];
    u64  d[2];
    i8   sb[16];
    i16  sh[8];
    i32  sw[4];
    i64  sd[2];
} Vec;

#define countof(a)         (sizeof(a) / sizeof((a)[0]))
#define sizeof_field(T, f) sizeof(((T *)0)->f)
#define container_of(p, T, f) ((T *)((char *)(p) - offsetof(T, f)))
#define BIT(n)             (1ull << (n))
#define MASK(len)          ((len) >= 64 ? ~0ull : BIT(len) - 1)
#define likely(x)          __builtin_expect(!!(x), 1)
#define unlikely(x)        __builtin_expect(!!(x), 0)
#ifndef MIN
#define MIN(a, b)          (((a) < (b)) ? (a) : (b))
#define MAX(a, b)          (((a) > (b)) ? (a) : (b))
#endif

/* Bits hi..lo of v, moved down to bit 0. */
static inline u64 bits(u64 v, int hi, int lo)
{
    return v >> lo & MASK(hi - lo + 1);
}

/* The low `width` bits of v as a signed number; 1 <= width <= 64. */
static inline i64 sext(u64 v, int width)
{
    return (i64)(v << (64 - width)) >> (64 - width);
}

/* v with bits lo..lo+len-1 replaced by those of x. */
static inline u64 deposit(u64 v, int lo, int len, u64 x)
{
    u64 m = MASK(len) << lo;
    return (v & ~m) | (x << lo & m);
}

static inline u64 align_down(u64 v, u64 a) { return v & ~(a - 1); }
static inline u64 align_up(u64 v, u64 a)   { return (v + a - 1) & ~(a - 1); }
static inline bool is_pow2(u64 v)          { return v && !(v & (v - 1)); }

/* Little-endian bytes that one access of the host can move. */
#define IS_PLAIN(size)                                                      \
    (__builtin_constant_p(size) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

/* Reads and writes of `size` bytes (1, 2, 4, 8) in a stated byte order. */
static inline u64 load_le(const void *p, unsigned size)
{
    u64 v = 0;
    if (IS_PLAIN(size)) {
        __builtin_memcpy(&v, p, size);
        return v;
    }
    for (unsigned i = 0; i < size; i++) {
        v |= (u64)((const u8 *)p)[i] << (8 * i);
    }
    return v;
}

static inline void store_le(void *p, unsigned size, u64 v)
{
    if (IS_PLAIN(size)) {
        __builtin_memcpy(p, &v, size);
        return;
    }
    for (unsigned i = 0; i < size; i++) {
        ((u8 *)p)[i] = (u8)(v >> (8 * i));
    }
}

static inline u64 load_be(const void *p, unsigned size)
{
    u64 v = 0;
    for (unsigned i = 0; i < size; i++) {
        v = v << 8 | ((const u8 *)p)[i];
    }
    return v;
}

static inline void store_be(void *p, unsigned size, u64 v)
{
    for (unsigned i = 0; i < size; i++) {
        ((u8 *)p)[i] = (u8)(v >> (8 * (size - 1 - i)));
    }
}
