/* SPDX-License-Identifier: MIT */
/* What the 64-bit program of the tests has for its results. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

/* Counts go on where the 32-bit program's were: at 1FF000H. */
typedef struct Counts { u32 results, failures, lax; } Counts;
enum { COUNTS = 0x1ff000, LONG_AT = 0x200000 };
static inline volatile Counts *counts(void)
{
    return (volatile Counts *)(uintptr_t)COUNTS;
}
#define lax (counts()->lax)

void print(const char *text);
void print_hex(u64 v);
void result(bool good, const char *name);
void equal(const char *name, u64 got, u64 wanted);
void deviates(void);
void finish(void);
void cpuid(u32 leaf, u32 v[4]);
