/* SPDX-License-Identifier: MIT */
/*
 * selfmod - code that is written and run over and over: what a translator with a
 * cache of translated blocks likes least.
 *
 * usage: selfmod [percent]     percent scales the repetitions, 100 by default
 *
 * The generated function adds a constant to its argument. A result that belongs
 * to an older constant means that stale code ran, and ends the program with rc 1.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>
#define WORKLOAD "selfmod"
#include "harness.h"

/* --------------------------------------------------------------- encoder */

typedef uint32_t function(uint32_t);

enum { SLOT = 32 };                     /* room for one function, in bytes */

#if defined(__x86_64__) || defined(__i386__)

static void emit(uint8_t *p, uint32_t k)
{
#ifdef __x86_64__
    static const uint8_t code[] = { 0x8d, 0x87, 0, 0, 0, 0, 0xc3 };     /* lea k(%rdi),%eax */
    const int at = 2;
#else
    static const uint8_t code[] = { 0x8b, 0x44, 0x24, 4,                /* mov 4(%esp),%eax */
                                    0x05, 0, 0, 0, 0, 0xc3 };           /* add $k,%eax */
    const int at = 5;
#endif

    memcpy(p, code, sizeof code);
    memcpy(p + at, &k, sizeof k);
}

#else

static void emit(uint8_t *p, uint32_t k)
{
    uint32_t high = k >> 16, low = k & 0xffff;
#if defined(__aarch64__)
    const uint32_t code[] = { 0x52800001 | low << 5, 0x72a00001 | high << 5,    /* movz, movk w1 */
                              0x0b010000, 0xd65f03c0 };                 /* add w0,w0,w1; ret */
#elif defined(__arm__)
    const uint32_t code[] = { 0xe3001000 | (low & 0xf000) << 4 | (low & 0xfff),     /* movw r1 */
                              0xe3401000 | (high & 0xf000) << 4 | (high & 0xfff),   /* movt r1 */
                              0xe0800001, 0xe12fff1e };                 /* add r0,r0,r1; bx lr */
#elif defined(__mips__)
    const uint32_t code[] = { 0x3c020000 | high, 0x34420000 | low,      /* lui, ori $v0 */
                              0x03e00008, 0x00441021 };                 /* jr $ra; addu $v0,$v0,$a0 */
#elif defined(__powerpc__)
    const uint32_t code[] = { 0x3c800000 | high, 0x60840000 | low,      /* lis, ori r4 */
                              0x7c632214,                               /* add r3,r3,r4 */
#ifdef __powerpc64__
                              0x78630020,                               /* clrldi r3,r3,32 */
#endif
                              0x4e800020 };                             /* blr */
#else
#error "no encoder for this architecture"
#endif

    memcpy(p, code, sizeof code);
}

#endif

static void publish(uint8_t *p, size_t size)
{
    __builtin___clear_cache((char *)p, (char *)p + size);
}

static uint32_t call(const uint8_t *p, uint32_t x)
{
    function *f;

    memcpy(&f, &p, sizeof f);
    return f(x);
}

static uint8_t *map_code(size_t size, int protection)
{
    uint8_t *p = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        perror("selfmod: mmap");
        exit(1);
    }
    return p;
}

static void expect(uint32_t got, uint32_t wanted)
{
    if (got != wanted) {
        printf("selfmod: FAILED: stale code gave %08" PRIx32 ", not %08" PRIx32 "\n", got, wanted);
        exit(1);
    }
}

/* ---------------------------------------------------------------- phases */

enum { AREA = 1 << 16, ALL = PROT_READ | PROT_WRITE | PROT_EXEC };

static uint8_t *area;

/* One place, new code for every call. */
static uint64_t same_run(int n)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < (uint32_t)n; i++) {
        uint32_t k = i * 2654435761u, got;

        emit(area, k);
        publish(area, SLOT);
        got = call(area, i);
        expect(got, k + i);
        sum += got;
    }
    return sum;
}

/* A large batch of functions, each called a few times, then all replaced. */
static uint64_t batch_run(int n)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < (uint32_t)n; i++) {
        for (uint32_t at = 0; at < AREA; at += SLOT)
            emit(area + at, at * 77 + i);
        publish(area, AREA);
        for (uint32_t again = 0; again < 8; again++) {
            for (uint32_t at = 0; at < AREA; at += SLOT) {
                uint32_t got = call(area + at, again);

                expect(got, at * 77 + i + again);
                sum += got;
            }
        }
    }
    return sum;
}

/* One function of a page changes while its neighbours go on being called. */
static uint64_t patch_run(int n)
{
    enum { NEIGHBOURS = 16 };
    uint64_t sum = 0;

    for (uint32_t i = 0; i < NEIGHBOURS; i++)
        emit(area + i * SLOT, i);
    publish(area, NEIGHBOURS * SLOT);
    for (uint32_t i = 0; i < (uint32_t)n; i++) {
        uint32_t changed = i % NEIGHBOURS, got;

        emit(area + changed * SLOT, i ^ 0xabcd1234u);
        publish(area + changed * SLOT, SLOT);
        got = call(area + changed * SLOT, 1);
        expect(got, (i ^ 0xabcd1234u) + 1);
        for (uint32_t other = 0; other < NEIGHBOURS; other++)
            sum += call(area + other * SLOT, other);
    }
    return sum;
}

/* Plain data next to code: every write hits a page that holds translated code. */
static uint64_t data_run(int n)
{
    volatile uint32_t *data = (volatile uint32_t *)(void *)(area + 2048);
    uint64_t sum = 0;

    emit(area, 5);
    publish(area, SLOT);
    *data = 0;
    for (uint32_t i = 0; i < (uint32_t)n; i++) {
        *data += call(area, i & 7);
        data[1 + (i & 63)] = i;
    }
    sum = *data;
    return sum;
}

/* Never writable and executable at once: map, write, protect, run, unmap. */
static uint64_t flip_run(int n)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint64_t sum = 0;

    for (uint32_t i = 0; i < (uint32_t)n; i++) {
        uint8_t *p = map_code(page, PROT_READ | PROT_WRITE);
        uint32_t got;

        emit(p, i * 3);
        emit(p + SLOT, i * 5);
        mprotect(p, page, PROT_READ | PROT_EXEC);
        publish(p, 2 * SLOT);
        got = call(p, 9);
        expect(got, i * 3 + 9);
        sum += got;
        got = call(p + SLOT, 4);
        expect(got, i * 5 + 4);
        sum += got;
        munmap(p, page);
    }
    return sum;
}

/*
 * On x86, code that changes the instruction right after it, which takes effect
 * at once; elsewhere the same result the permitted way.
 */
static uint64_t ahead_run(int n)
{
    uint64_t sum = 0;

#if defined(__x86_64__)
    static const uint8_t code[] = { 0x89, 0x3d, 1, 0, 0, 0,     /* mov %edi,1(%rip) */
                                    0xb8, 0, 0, 0, 0, 0xc3 };   /* mov $?,%eax */
    memcpy(area, code, sizeof code);
#elif defined(__i386__)
    static const uint8_t code[] = { 0x8b, 0x44, 0x24, 4,        /* mov 4(%esp),%eax */
                                    0xa3, 0, 0, 0, 0,           /* mov %eax,there */
                                    0xb8, 0, 0, 0, 0, 0xc3 };   /* mov $?,%eax */
    const uint32_t there = (uint32_t)(uintptr_t)(area + 10);

    memcpy(area, code, sizeof code);
    memcpy(area + 5, &there, sizeof there);
#endif
    for (uint32_t i = 0; i < (uint32_t)n; i++) {
        uint32_t x = i * 40503u, got;

#if defined(__x86_64__) || defined(__i386__)
        got = call(area, x);
#else
        emit(area, x);
        publish(area, SLOT);
        got = call(area, 0);
#endif
        expect(got, x);
        sum += got;
    }
    return sum;
}

int main(int argc, char **argv)
{
    static const struct phase phases[] = {
        { "same", same_run, 60000 },
        { "batch", batch_run, 16 },
        { "patch", patch_run, 20000 },
        { "data", data_run, 150000 },
        { "flip", flip_run, 4000 },
        { "ahead", ahead_run, 30000 },
    };

    if (argc > 1)
        percent = atoi(argv[1]);
    area = map_code(AREA, ALL);
    return RUN_PHASES(phases);
}
