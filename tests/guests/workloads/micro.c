/* SPDX-License-Identifier: MIT */
/*
 * micro - one small loop for each thing that a processor or a kernel is asked
 * for all the time, so that what is slow shows by name.
 *
 * usage: micro [percent [1] [NAME]...]
 *
 * percent scales the repetitions, 100 by default; NAMEs choose among the loops.
 * 1 is how many processors it uses, as smp would have it said.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#define WORKLOAD "micro"
#include "harness.h"

static void need(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

/* Keeps the compiler from knowing what x is. */
#define HIDE(x) __asm__ volatile("" : "+r"(x))
#define TOUCH() __asm__ volatile("" : : : "memory")

/* ---- control ------------------------------------------------------------ */

static uint64_t alu_run(int n)
{
    uint64_t x = 88172645463325252u;

    while (n-- > 0) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    return x;
}

static __attribute__((noinline)) uint32_t add1(uint32_t x) { HIDE(x); return x + 1; }
static __attribute__((noinline)) uint32_t add2(uint32_t x) { HIDE(x); return x + 2; }
static __attribute__((noinline)) uint32_t add3(uint32_t x) { HIDE(x); return x + 3; }
static __attribute__((noinline)) uint32_t add4(uint32_t x) { HIDE(x); return x + 4; }

static uint64_t call_run(int n)
{
    uint32_t x = 0;

    while (n-- > 0)
        x = add4(add3(add2(add1(x))));
    return x;
}

static uint64_t icall_run(int n)
{
    static uint32_t (*const table[])(uint32_t) = { add1, add2, add3, add4 };
    uint32_t x = 0;

    for (int i = 0; i < n; i++)
        x = table[(x ^ (uint32_t)i) & 3](x);
    return x;
}

static uint64_t branch_run(int n)
{
    uint32_t x = 12345, odd = 0;

    while (n-- > 0) {
        x = x * 1664525 + 1013904223;
        if (x & 0x10000)
            odd++;
        else
            odd ^= x;
        HIDE(odd);
    }
    return odd;
}

/* ---- memory ------------------------------------------------------------- */

enum { SMALL = 4096, LINES = 1 << 14, LINE = 64 };

static uint32_t small[SMALL];

static uint64_t load_run(int n)
{
    uint32_t sum = 0;

    for (int i = 0; i < SMALL; i++)
        small[i] = (uint32_t)i * 7;
    while (n-- > 0)
        for (int i = 0; i < SMALL; i += 4) {
            sum += small[i] + small[i + 1] + small[i + 2] + small[i + 3];
            HIDE(sum);
        }
    return sum;
}

static uint64_t store_run(int n)
{
    for (int r = 0; r < n; r++) {
        for (int i = 0; i < SMALL; i += 4) {
            small[i] = small[i + 1] = small[i + 2] = small[i + 3] = (uint32_t)(r + i);
            TOUCH();
        }
    }
    return small[SMALL - 1];
}

static uint64_t chase_run(int n)
{
    uint32_t (*line)[LINE / 4] = malloc((size_t)LINES * LINE), at = 0;

    need(line != NULL, "micro: malloc");
    for (uint32_t i = 0; i < LINES; i++)
        line[i][0] = (i * 5 + 1) & (LINES - 1);     /* goes through all */
    while (n-- > 0)
        at = line[at][0];
    free(line);
    return at;
}

static uint64_t copy_run(int n)
{
    enum { SIZE = 1 << 16 };
    char *a = malloc(SIZE), *b = malloc(SIZE);
    uint64_t sum;

    need(a && b, "micro: malloc");
    memset(a, 5, SIZE);
    for (int i = 0; i < n; i++) {
        a[i & (SIZE - 1)]++;
        memcpy(b, a, SIZE);
        TOUCH();
    }
    sum = (uint8_t)b[0] + (uint64_t)(uint8_t)b[SIZE - 1] * 256;
    free(a);
    free(b);
    return sum;
}

/* ---- arithmetic --------------------------------------------------------- */

static uint64_t fp_run(int n)
{
    double x = 1.0, y = 0.5;
    uint64_t bits;

    while (n-- > 0) {
        x = x * 1.0000001 + y;
        y = y * 0.9999999;
    }
    memcpy(&bits, &x, 8);
    return bits;
}

typedef float F4 __attribute__((vector_size(16)));
typedef uint32_t U4 __attribute__((vector_size(16)));

static uint64_t fvec_run(int n)
{
    F4 x = { 1, 2, 3, 4 }, k = { 0.5f, 0.9999f, 0.25f, 0.9998f };
    float sum;
    uint32_t bits;

    while (n-- > 0) {
        x = x * k + k;
        __asm__ volatile("" : "+m"(x));
    }
    sum = x[0] + x[1] + x[2] + x[3];
    memcpy(&bits, &sum, 4);
    return bits;
}

static uint64_t ivec_run(int n)
{
    U4 x = { 1, 2, 3, 4 }, k = { 5, 77, 1001, 90001 };

    while (n-- > 0) {
        x = (x + k) ^ (x >> 3);
        __asm__ volatile("" : "+m"(x));
    }
    return x[0] + x[1] + x[2] + x[3];
}

static const uint8_t aes_start[16] = "what goes in for";

#if defined(__aarch64__)
#include <arm_neon.h>
/* AES's round, as x86 has it: the same value on all. */
static __attribute__((target("+crypto"))) uint64_t aes_run(int n)
{
    uint8x16_t x = vld1q_u8(aes_start), zero = vdupq_n_u8(0), key = vdupq_n_u8(0x5a);

    while (n-- > 0)
        x = veorq_u8(vaesmcq_u8(vaeseq_u8(x, zero)), key);
    return vgetq_lane_u64(vreinterpretq_u64_u8(x), 0);
}
#elif defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
static __attribute__((target("aes,sse2"))) uint64_t aes_run(int n)
{
    __m128i x = _mm_loadu_si128((const __m128i *)aes_start), key = _mm_set1_epi8(0x5a);
    uint64_t low;

    while (n-- > 0)
        x = _mm_aesenc_si128(x, key);
    _mm_storel_epi64((__m128i *)&low, x);
    return low;
}
#else
static uint8_t times2(uint8_t x) { return (uint8_t)(x << 1 ^ (x >> 7) * 0x1b); }

/* FIPS 197, 5.1.1: the inverse in GF(2^8), then the affine map. */
static void make_sbox(uint8_t sbox[256])
{
    uint8_t p = 1, q = 1;

    do {                                /* p times 3, q divided by 3 */
        p ^= times2(p);
        q ^= (uint8_t)(q << 1);
        q ^= (uint8_t)(q << 2);
        q ^= (uint8_t)(q << 4);
        q ^= q & 0x80 ? 0x09 : 0;
        uint32_t wide = q * 0x101u;
        sbox[p] = (uint8_t)(0x63 ^ q ^ wide >> 7 ^ wide >> 6 ^ wide >> 5 ^ wide >> 4);
    } while (p != 1);
    sbox[0] = 0x63;
}

/* AES's round by its bytes, where there is no instruction for it. */
static uint64_t aes_run(int n)
{
    uint8_t sbox[256], x[16], t[16];
    uint64_t low = 0;

    make_sbox(sbox);
    memcpy(x, aes_start, 16);
    while (n-- > 0) {
        for (int i = 0; i < 16; i++)
            t[i] = sbox[x[5 * i & 15]];
        for (int i = 0; i < 16; i++) {
            const uint8_t *c = t + (i & ~3);
            uint8_t a = c[i & 3], b = c[(i + 1) & 3];
            x[i] = times2(a ^ b) ^ b ^ c[(i + 2) & 3] ^ c[(i + 3) & 3] ^ 0x5a;
        }
    }
    for (int i = 0; i < 8; i++)
        low |= (uint64_t)x[i] << 8 * i;
    return low;
}
#endif

/* ---- the kernel --------------------------------------------------------- */

static uint64_t syscall_run(int n)
{
    uint64_t same = 0;
    long id = getppid();

    while (n-- > 0)
        same += syscall(SYS_getppid) == id;
    return same;
}

static uint64_t fault_run(int n)
{
    enum { PAGES = 256 };
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint64_t sum = 0;

    while (n-- > 0) {
        char *p = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        need(p != MAP_FAILED, "micro: mmap");
        for (size_t i = 0; i < PAGES; i++)
            p[i * page] = 1;
        for (size_t i = 0; i < PAGES; i++)
            sum += (uint64_t)p[i * page];
        munmap(p, PAGES * page);
    }
    return sum;
}

/* Two processes hand a byte to and fro: two switches of address space. */
static uint64_t switch_run(int n)
{
    int there[2], back[2];
    uint8_t v = 0;
    pid_t child;

    need(pipe(there) == 0 && pipe(back) == 0, "micro: pipe");
    child = fork();
    need(child >= 0, "micro: fork");
    if (child == 0) {
        close(there[1]);
        while (read(there[0], &v, 1) == 1) {
            v++;
            if (write(back[1], &v, 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    for (int i = 0; i < n; i++)
        need(write(there[1], &v, 1) == 1 && read(back[0], &v, 1) == 1, "micro: pipe");
    close(there[1]);
    waitpid(child, NULL, 0);
    close(there[0]);
    close(back[0]);
    close(back[1]);
    return v;
}

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static uint64_t signal_run(int n)
{
    signals = 0;
    signal(SIGUSR1, on_signal);
    for (int i = 0; i < n; i++)
        raise(SIGUSR1);
    return (uint64_t)signals;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t counter;

static void *locker(void *n)
{
    for (long i = (long)n; i > 0; i--) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

/* Two threads and one lock. */
static uint64_t lock_run(int n)
{
    pthread_t t[2];

    counter = 0;
    for (int i = 0; i < 2; i++)
        need(pthread_create(&t[i], NULL, locker, (void *)(long)n) == 0, "micro: thread");
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    return counter;
}

/* Processor time that a computation takes while timers interrupt it. */
static uint64_t timer_run(int n)
{
    struct itimerval every = { { 0, 1000 }, { 0, 1000 } }, off = { { 0, 0 }, { 0, 0 } };
    uint64_t x;

    signal(SIGALRM, on_signal);
    setitimer(ITIMER_REAL, &every, NULL);
    x = alu_run(n);
    setitimer(ITIMER_REAL, &off, NULL);
    return x;
}

static int wanted(const char *name, int argc, char **argv)
{
    int first = argc > 2 && strcmp(argv[2], "1") == 0 ? 3 : 2;

    for (int i = first; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return 1;
    return argc <= first;
}

int main(int argc, char **argv)
{
    static const struct phase phases[] = {
        { "alu", alu_run, 50000000 },
        { "call", call_run, 10000000 },
        { "icall", icall_run, 10000000 },
        { "branch", branch_run, 20000000 },
        { "load", load_run, 10000 },
        { "store", store_run, 10000 },
        { "chase", chase_run, 10000000 },
        { "copy", copy_run, 20000 },
        { "fp", fp_run, 20000000 },
        { "fvec", fvec_run, 10000000 },
        { "ivec", ivec_run, 10000000 },
        { "aes", aes_run, 10000000 },
        { "syscall", syscall_run, 100000 },
        { "fault", fault_run, 60 },
        { "switch", switch_run, 5000 },
        { "signal", signal_run, 20000 },
        { "lock", lock_run, 500000 },
        { "timer", timer_run, 100000000 },
    };

    if (argc > 1)
        percent = atoi(argv[1]);
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++)
        if (wanted(phases[i].name, argc, argv))
            run_phase(&phases[i]);
    return finish();
}
