/* SPDX-License-Identifier: MIT */
/*
 * mem - memory: large copies and fills, unit and page strides, a random walk
 * over 64 MiB, and touching fresh pages of mmap'ed memory.
 *
 * usage: mem [percent]     percent scales the repetitions, 100 by default
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#define WORKLOAD "mem"
#include "harness.h"

enum {
    MIB = 1 << 20,
    BYTES = 64 * MIB,
    WORDS = BYTES / 4,
    PAGE = 4096,
};

static uint32_t *arena;

/* Halves of the arena copied back and forth with the C library's memcpy. */
static uint64_t copy_run(int n)
{
    uint8_t *a = (uint8_t *)arena, *b = a + BYTES / 2;

    for (int i = 0; i < n; i++) {
        memcpy(b, a, BYTES / 2);
        b[(uint32_t)i * 4099u % (BYTES / 2)] ^= (uint8_t)(i + 1);
        memmove(a + 3, b + 5, BYTES / 2 - 8);
    }
    return mix((uint64_t)a[12345] << 8 | b[54321]);
}

static uint64_t fill_run(int n)
{
    uint64_t sum = 0;

    for (int i = 0; i < n; i++) {
        memset(arena, i + 1, BYTES);
        sum = sum * 3 + arena[(uint32_t)i * 7919u % WORDS];
    }
    return sum;
}

/* One word of each line, then of each page: the second misses every TLB. */
static uint64_t stride_run(int n)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < WORDS; i++)
        arena[i] = i;
    while (n-- > 0) {
        for (uint32_t i = 0; i < WORDS; i += 16)
            sum += arena[i]++;
        for (uint32_t offset = 0; offset < 16; offset++)
            for (uint32_t i = offset * 64; i < WORDS; i += PAGE / 4)
                sum += arena[i] ^= offset;
    }
    return sum;
}

/* Every word holds the index of the next one: a single cycle over the arena. */
static uint64_t chase_run(int n)
{
    uint32_t at = 0;
    uint64_t sum = 0;

    rng_state = 99;
    for (uint32_t i = 0; i < WORDS / 16; i++)
        arena[i * 16] = i;
    for (uint32_t i = WORDS / 16 - 1; i > 0; i--) {     /* Sattolo's shuffle */
        uint32_t j = rng() % i, t = arena[i * 16];

        arena[i * 16] = arena[j * 16];
        arena[j * 16] = t;
    }
    for (int i = 0; i < n * 10000; i++) {
        at = arena[at * 16];
        sum += at;
    }
    return sum;
}

/* Small and hot: what stays in the first-level cache and TLB. */
static uint64_t near_run(int n)
{
    uint8_t *p = (uint8_t *)arena;
    uint64_t sum = 0;

    memset(p, 1, 16384);
    while (n-- > 0) {
        for (int i = 0; i < 16384 - 8; i++)
            p[i] = (uint8_t)(p[i + 7] + p[i + 1] + 3);
        for (int i = 0; i < 16384; i += 4)
            sum += p[i];
    }
    return sum;
}

static uint64_t map_run(int n)
{
    const size_t size = 4 * MIB;
    uint64_t sum = 0;

    while (n-- > 0) {
        uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
            exit(1);
        for (size_t at = 0; at < size; at += PAGE) {
            sum += p[at + 5];
            p[at] = (uint8_t)(at / PAGE);
        }
        sum += p[size / 2 + PAGE];
        munmap(p, size);
    }
    return sum;
}

int main(int argc, char **argv)
{
    static const struct phase phases[] = {
        { "copy", copy_run, 6 },
        { "fill", fill_run, 20 },
        { "stride", stride_run, 8 },
        { "chase", chase_run, 150 },
        { "near", near_run, 8000 },
        { "map", map_run, 16 },
    };

    if (argc > 1)
        percent = atoi(argv[1]);
    arena = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED) {
        perror("mem: mmap");
        return 1;
    }
    for (uint32_t i = 0; i < WORDS; i++)        /* touch it all, not timed */
        arena[i] = (i * 2654435761u >> 24) * 0x01010101u;
    return RUN_PHASES(phases);
}
