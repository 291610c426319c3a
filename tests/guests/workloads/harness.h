/* SPDX-License-Identifier: MIT */
/*
 * What every workload does around its phases.
 *
 * Each phase prints its seconds and a checksum, the last line sums up. A
 * workload defines WORKLOAD, its name, before it includes this; the random
 * numbers are for those that want them.
 */
#pragma once
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int percent = 100;       /* scales the repetitions: the first argument */
static double total_seconds;
static uint64_t total_check;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int reps(int base)
{
    int n = (int)((int64_t)base * percent / 100);

    return n > 0 ? n : 1;
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 31;
    x *= UINT64_C(0x9e6c63d0676a9a99);
    x ^= x >> 29;
    x *= UINT64_C(0xd94b2c5a6f3e1b07);
    return x ^ (x >> 32);
}

struct phase {
    const char *name;
    uint64_t (*run)(int reps);  /* its checksum */
    int base;                   /* repetitions at 100 percent */
};

static void run_phase(const struct phase *p)
{
    double start = now();
    uint64_t check = p->run(reps(p->base));
    double s = now() - start;

    total_seconds += s;
    total_check = mix(total_check + check);
    printf(WORKLOAD ".%-8s %8.3f s  check %016" PRIx64 "\n", p->name, s, check);
    fflush(stdout);
}

/* Sums up; what main() returns. */
static int finish(void)
{
    printf("RESULT " WORKLOAD " seconds=%.3f check=%016" PRIx64 "\n", total_seconds, total_check);
    return 0;
}

/* All of a table of phases; what main() returns. */
#define RUN_PHASES(phases) run_phases(phases, sizeof (phases) / sizeof (phases)[0])
__attribute__((unused)) static int run_phases(const struct phase *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        run_phase(&p[i]);
    return finish();
}

static uint32_t rng_state;

/* Marsaglia's xorshift32. */
__attribute__((unused)) static uint32_t rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 17;
    rng_state ^= rng_state << 5;
    return rng_state;
}

/* A congruential generator; its upper 24 bits. */
__attribute__((unused)) static uint32_t lcg(void)
{
    rng_state = rng_state * 1664525u + 1013904223u;
    return rng_state >> 8;
}
