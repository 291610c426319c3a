/* SPDX-License-Identifier: MIT */
/*
 * smp - threads: independent computing, atomic counters, compare and swap, a
 * mutex, a condition variable, and two litmus tests of memory ordering.
 *
 * usage: smp [percent [threads]]   100 percent and one thread for each processor
 *
 * The work is fixed and shared out among the threads, so that the checksum is
 * the same for any number of them and more processors take less time. A lost
 * update or an ordering that the language forbids ends the program with rc 1.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#define WORKLOAD "smp"
#include "harness.h"

enum { MAX_THREADS = 64 };

static int threads = 1;

static void fail(const char *what)
{
    printf("smp: FAILED: %s\n", what);
    exit(1);
}

/* Starts one worker per share and waits for all of them. */
struct share {
    pthread_t thread;
    int index, first, count;            /* units first .. first + count - 1 */
    uint64_t sum;
};

static uint64_t spread(int units, int workers, void *(*work)(void *))
{
    struct share share[MAX_THREADS];
    uint64_t sum = 0;
    int first = 0;

    for (int i = 0; i < workers; i++) {
        share[i].index = i;
        share[i].first = first;
        share[i].count = units / workers + (i < units % workers);
        share[i].sum = 0;
        first += share[i].count;
        if (pthread_create(&share[i].thread, NULL, work, &share[i]) != 0)
            fail("pthread_create");
    }
    for (int i = 0; i < workers; i++) {
        pthread_join(share[i].thread, NULL);
        sum += share[i].sum;
    }
    return sum;
}

/* --------------------------------------------------------------- compute */

static void *compute(void *arg)
{
    struct share *s = arg;

    for (int unit = s->first; unit < s->first + s->count; unit++) {
        uint32_t x = (uint32_t)unit * 2654435761u + 1;

        for (int i = 0; i < 20000; i++) {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            s->sum += x & 0xffff;
        }
    }
    return NULL;
}

static uint64_t compute_run(int n)
{
    return spread(n, threads, compute);
}

/* ---------------------------------------------------------------- atomic */

static atomic_uint counter;
static atomic_uint parity;

static void *add(void *arg)
{
    struct share *s = arg;

    for (int i = 0; i < s->count; i++) {
        atomic_fetch_add(&counter, 3);
        atomic_fetch_xor(&parity, 1u << (i & 31));
        atomic_fetch_sub_explicit(&counter, 1, memory_order_relaxed);
    }
    return NULL;
}

static uint64_t atomic_run(int n)
{
    atomic_store(&counter, 0);
    spread(n, threads, add);
    if (atomic_load(&counter) != (unsigned)n * 2)
        fail("atomic adds lost");
    return atomic_load(&counter);
}

static void *swap(void *arg)
{
    struct share *s = arg;

    for (int i = 0; i < s->count; i++) {
        unsigned old = atomic_load_explicit(&counter, memory_order_relaxed);

        while (!atomic_compare_exchange_weak(&counter, &old, old + 5))
            ;
    }
    return NULL;
}

static uint64_t swap_run(int n)
{
    atomic_store(&counter, 0);
    spread(n, threads, swap);
    if (atomic_load(&counter) != (unsigned)n * 5)
        fail("compare and swap lost updates");
    return atomic_load(&counter);
}

/* ----------------------------------------------------------------- mutex */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint64_t guarded[2];

static void *locked(void *arg)
{
    struct share *s = arg;

    for (int i = 0; i < s->count; i++) {
        pthread_mutex_lock(&mutex);
        guarded[0]++;
        guarded[1] += 2;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static uint64_t mutex_run(int n)
{
    guarded[0] = guarded[1] = 0;
    spread(n, threads, locked);
    if (guarded[0] != (uint64_t)n || guarded[1] != 2 * (uint64_t)n)
        fail("a mutex let two threads in");
    return guarded[1];
}

/* Two threads take turns: every turn is a sleep and a wake-up. */
static int turn;

static void *take_turns(void *arg)
{
    struct share *s = arg;

    for (int i = 0; i < s->count; i++) {
        pthread_mutex_lock(&mutex);
        while ((turn & 1) != s->index)
            pthread_cond_wait(&changed, &mutex);
        turn++;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static uint64_t turns_run(int n)
{
    turn = 0;
    spread(2 * n, 2, take_turns);
    return (uint64_t)turn;
}

/* ---------------------------------------------------------------- litmus */

static struct {
    atomic_uint value;
    char gap[124];
} x, y, ready, taken;

/*
 * Message passing: y is written before "ready" is released, so whoever acquires
 * the new "ready" must see it. The reader answers through "taken".
 */
static void *message(void *arg)
{
    struct share *s = arg;

    for (unsigned i = 1; i <= (unsigned)s->count; i++) {
        if (s->index == 0) {
            atomic_store_explicit(&x.value, i * 3, memory_order_relaxed);
            atomic_store_explicit(&y.value, i * 7, memory_order_relaxed);
            atomic_store_explicit(&ready.value, i, memory_order_release);
            while (atomic_load_explicit(&taken.value, memory_order_acquire) != i)
                sched_yield();
        } else {
            while (atomic_load_explicit(&ready.value, memory_order_acquire) != i)
                sched_yield();
            if (atomic_load_explicit(&y.value, memory_order_relaxed) != i * 7 ||
                atomic_load_explicit(&x.value, memory_order_relaxed) != i * 3)
                fail("message passing out of order");
            s->sum += i;
            atomic_store_explicit(&taken.value, i, memory_order_release);
        }
    }
    return NULL;
}

static uint64_t message_run(int n)
{
    atomic_store(&ready.value, 0);
    atomic_store(&taken.value, 0);
    return spread(2 * n, 2, message);
}

/* Store buffering: with full barriers, not both threads may read the old zero. */
static pthread_barrier_t barrier;
static unsigned seen[2];

static void *buffering(void *arg)
{
    struct share *s = arg;

    for (int i = 0; i < s->count; i++) {
        pthread_barrier_wait(&barrier);
        if (s->index == 0) {
            atomic_store(&x.value, 1);
            seen[0] = atomic_load(&y.value);
        } else {
            atomic_store(&y.value, 1);
            seen[1] = atomic_load(&x.value);
        }
        pthread_barrier_wait(&barrier);
        if (s->index == 0) {
            if (seen[0] == 0 && seen[1] == 0)
                fail("both stores were still in a buffer");
            atomic_store(&x.value, 0);
            atomic_store(&y.value, 0);
        }
    }
    return NULL;
}

static uint64_t buffer_run(int n)
{
    atomic_store(&x.value, 0);
    atomic_store(&y.value, 0);
    pthread_barrier_init(&barrier, NULL, 2);
    spread(2 * n, 2, buffering);
    pthread_barrier_destroy(&barrier);
    return (uint64_t)n;
}

/* ----------------------------------------------------------------- spawn */

static void *nothing(void *arg)
{
    struct share *s = arg;

    s->sum = (uint64_t)s->count;
    return NULL;
}

static uint64_t spawn_run(int n)
{
    uint64_t sum = 0;

    while (n-- > 0)
        sum += spread(4, 4, nothing);
    return sum;
}

int main(int argc, char **argv)
{
    static const struct phase phases[] = {
        { "compute", compute_run, 9600 },
        { "atomic", atomic_run, 6000000 },
        { "swap", swap_run, 6000000 },
        { "mutex", mutex_run, 3000000 },
        { "turns", turns_run, 4000 },
        { "message", message_run, 6000 },
        { "buffer", buffer_run, 3000 },
        { "spawn", spawn_run, 200 },
    };

    threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (argc > 1)
        percent = atoi(argv[1]);
    if (argc > 2)
        threads = atoi(argv[2]);
    if (threads < 1)
        threads = 1;
    if (threads > MAX_THREADS)
        threads = MAX_THREADS;
    printf("smp: %d threads\n", threads);
    return RUN_PHASES(phases);
}
