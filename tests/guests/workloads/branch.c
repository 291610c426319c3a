/* SPDX-License-Identifier: MIT */
/*
 * branch - control flow: a bytecode machine run by a switch, by a table of
 * functions and by computed jumps, plain and mutual recursion, a quicksort that
 * compares through a pointer, and a walk over objects with virtual calls.
 *
 * usage: branch [percent]  percent scales the repetitions, 100 by default
 */
#include <setjmp.h>
#define WORKLOAD "branch"
#include "harness.h"

/* -------------------------------------------------------------- bytecode */

/* A register machine. The program below counts Collatz steps below a bound. */
enum op { SET, COPY, ADD, ADDI, SHR, AND1, TRIPLE, JUMP, JZERO, JLESS, STOP, OPS };

struct code {
    uint8_t op, a, b;
    int32_t n;
};

/* r0 = number, r1 = current value, r2 = steps, r3 = bound, r4, r5 = scratch */
static const struct code program[] = {
    { SET, 0, 0, 1 },           /*  0 */
    { COPY, 1, 0, 0 },          /*  1 next number */
    { COPY, 5, 1, 0 },          /*  2 next step */
    { ADDI, 5, 0, -1 },         /*  3 */
    { JZERO, 5, 0, 12 },        /*  4 value is 1 */
    { ADDI, 2, 0, 1 },          /*  5 */
    { COPY, 4, 1, 0 },          /*  6 */
    { AND1, 4, 0, 0 },          /*  7 */
    { JZERO, 4, 0, 14 },        /*  8 even */
    { TRIPLE, 1, 0, 0 },        /*  9 */
    { ADDI, 1, 0, 1 },          /* 10 */
    { JUMP, 0, 0, 2 },          /* 11 */
    { ADDI, 0, 0, 1 },          /* 12 */
    { JLESS, 0, 3, 1 },         /* 13 */
    { JLESS, 3, 0, 18 },        /* 14 (also falls in here at the end) */
    { SHR, 1, 0, 1 },           /* 15 */
    { JLESS, 0, 3, 2 },         /* 16 */
    { STOP, 0, 0, 0 },          /* 17 */
    { STOP, 0, 0, 0 },          /* 18 */
};

static uint64_t by_switch(uint64_t bound)
{
    uint64_t r[6] = { 0 };
    const struct code *pc = program;

    r[3] = bound;
    for (;;) {
        const struct code *c = pc++;

        switch ((enum op)c->op) {
        case SET:    r[c->a] = (uint64_t)c->n; break;
        case COPY:   r[c->a] = r[c->b]; break;
        case ADD:    r[c->a] += r[c->b]; break;
        case ADDI:   r[c->a] += (uint64_t)(int64_t)c->n; break;
        case SHR:    r[c->a] >>= c->n; break;
        case AND1:   r[c->a] &= 1; break;
        case TRIPLE: r[c->a] *= 3; break;
        case JUMP:   pc = program + c->n; break;
        case JZERO:  if (r[c->a] == 0) pc = program + c->n; break;
        case JLESS:  if (r[c->a] < r[c->b]) pc = program + c->n; break;
        case STOP:
        default:     return r[2];
        }
    }
}

static uint64_t by_label(uint64_t bound)
{
    static const void *const label[OPS] = {
        &&set, &&copy, &&add, &&addi, &&shr, &&and1, &&triple, &&jump, &&jzero, &&jless, &&stop,
    };
    uint64_t r[6] = { 0 };
    const struct code *c, *pc = program;

    r[3] = bound;
#define NEXT c = pc++; goto *label[c->op]
    NEXT;
set:    r[c->a] = (uint64_t)c->n; NEXT;
copy:   r[c->a] = r[c->b]; NEXT;
add:    r[c->a] += r[c->b]; NEXT;
addi:   r[c->a] += (uint64_t)(int64_t)c->n; NEXT;
shr:    r[c->a] >>= c->n; NEXT;
and1:   r[c->a] &= 1; NEXT;
triple: r[c->a] *= 3; NEXT;
jump:   pc = program + c->n; NEXT;
jzero:  if (r[c->a] == 0) pc = program + c->n; NEXT;
jless:  if (r[c->a] < r[c->b]) pc = program + c->n; NEXT;
stop:   return r[2];
#undef NEXT
}

struct machine {
    uint64_t r[6];
    const struct code *pc;
};

typedef int handler(struct machine *m, const struct code *c);

static int do_set(struct machine *m, const struct code *c) { m->r[c->a] = (uint64_t)c->n; return 1; }
static int do_copy(struct machine *m, const struct code *c) { m->r[c->a] = m->r[c->b]; return 1; }
static int do_add(struct machine *m, const struct code *c) { m->r[c->a] += m->r[c->b]; return 1; }
static int do_addi(struct machine *m, const struct code *c) { m->r[c->a] += (uint64_t)(int64_t)c->n; return 1; }
static int do_shr(struct machine *m, const struct code *c) { m->r[c->a] >>= c->n; return 1; }
static int do_and1(struct machine *m, const struct code *c) { m->r[c->a] &= 1; return 1; }
static int do_triple(struct machine *m, const struct code *c) { m->r[c->a] *= 3; return 1; }
static int do_jump(struct machine *m, const struct code *c) { m->pc = program + c->n; return 1; }
static int do_stop(struct machine *m, const struct code *c) { (void)m; (void)c; return 0; }

static int do_jzero(struct machine *m, const struct code *c)
{
    if (m->r[c->a] == 0)
        m->pc = program + c->n;
    return 1;
}

static int do_jless(struct machine *m, const struct code *c)
{
    if (m->r[c->a] < m->r[c->b])
        m->pc = program + c->n;
    return 1;
}

static handler *const handlers[OPS] = {
    do_set, do_copy, do_add, do_addi, do_shr, do_and1, do_triple, do_jump, do_jzero, do_jless, do_stop,
};

static uint64_t by_table(uint64_t bound)
{
    struct machine m = { .pc = program };
    const struct code *c;

    m.r[3] = bound;
    do
        c = m.pc++;
    while (handlers[c->op](&m, c));
    return m.r[2];
}

static uint64_t switch_run(int n) { return by_switch((uint64_t)n * 100); }
static uint64_t label_run(int n) { return by_label((uint64_t)n * 100); }
static uint64_t table_run(int n) { return by_table((uint64_t)n * 100); }

/* ------------------------------------------------------------- recursion */

static __attribute__((noinline)) uint32_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static uint32_t odd_depth(uint32_t n, uint32_t salt);

static __attribute__((noinline)) uint32_t even_depth(uint32_t n, uint32_t salt)
{
    return n == 0 ? salt : odd_depth(n - 1, salt * 3 + 1) ^ n;
}

static __attribute__((noinline)) uint32_t odd_depth(uint32_t n, uint32_t salt)
{
    return n == 0 ? salt + 7 : even_depth(n - 1, salt * 5 + 2) + n;
}

static uint32_t ackermann(uint32_t m, uint32_t n)
{
    if (m == 0)
        return n + 1;
    return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

static uint64_t recurse_run(int n)
{
    uint64_t sum = 0;

    while (n-- > 0) {
        sum += fib(22 + (uint32_t)(n & 1));
        for (uint32_t i = 0; i < 40; i++)
            sum += even_depth(200 + i, i);
        sum += ackermann(2, 60);
    }
    return sum;
}

/* -------------------------------------------------------------- callback */

typedef int compare(const uint32_t *a, const uint32_t *b);

static int ascending(const uint32_t *a, const uint32_t *b)
{
    return *a < *b ? -1 : *a > *b;
}

static int descending(const uint32_t *a, const uint32_t *b)
{
    return ascending(b, a);
}

static int by_low_bits(const uint32_t *a, const uint32_t *b)
{
    uint32_t x = *a & 0xfff, y = *b & 0xfff;

    return x != y ? (x < y ? -1 : 1) : ascending(a, b);
}

static void quick(uint32_t *a, int low, int high, compare *cmp)
{
    while (low < high) {
        uint32_t pivot = a[low + (high - low) / 2];
        int i = low, j = high;

        while (i <= j) {
            while (cmp(&a[i], &pivot) < 0)
                i++;
            while (cmp(&a[j], &pivot) > 0)
                j--;
            if (i <= j) {
                uint32_t t = a[i];

                a[i++] = a[j];
                a[j--] = t;
            }
        }
        if (j - low < high - i) {
            quick(a, low, j, cmp);
            low = i;
        } else {
            quick(a, i, high, cmp);
            high = j;
        }
    }
}

static uint64_t quick_run(int n)
{
    enum { COUNT = 4000 };
    static compare *const orders[] = { ascending, by_low_bits, descending };
    static uint32_t a[COUNT];
    uint64_t sum = 0;

    rng_state = 1234567;
    while (n-- > 0) {
        for (int i = 0; i < COUNT; i++)
            a[i] = rng() >> 4;
        for (int k = 0; k < 3; k++) {
            quick(a, 0, COUNT - 1, orders[k]);
            sum = sum * 31 + a[k * 1000 + 17];
        }
    }
    return sum;
}

/* --------------------------------------------------------------- objects */

struct shape {
    uint32_t (*measure)(const struct shape *s, uint32_t x);
    uint32_t w, h;
};

static uint32_t box(const struct shape *s, uint32_t x) { return s->w * s->h + x; }
static uint32_t edge(const struct shape *s, uint32_t x) { return 2 * (s->w + s->h) ^ x; }
static uint32_t ring(const struct shape *s, uint32_t x) { return s->w > s->h ? x - s->h : x + s->w; }
static uint32_t dot(const struct shape *s, uint32_t x) { return x << 1 | (s->w & 1); }

static jmp_buf escape;

static void climb(const struct shape *s, uint32_t depth, uint32_t x)
{
    x = s->measure(s, x);
    if (depth > 0)
        climb(s, depth - 1, x);
    else if ((x & 0xff) != 0)
        longjmp(escape, (int)(x & 0xff));
}

static __attribute__((noinline)) uint32_t visit(const struct shape *shapes, int count, uint32_t x)
{
    for (int i = 0; i < count; i++)
        x = shapes[i].measure(&shapes[i], x);
    return x;
}

static uint64_t object_run(int n)
{
    enum { COUNT = 2048 };
    static struct shape shapes[COUNT];
    static uint32_t (*const kinds[])(const struct shape *, uint32_t) = { box, edge, ring, dot };
    volatile uint64_t sum = 0;

    rng_state = 5555;
    for (int i = 0; i < COUNT; i++) {
        shapes[i].measure = kinds[rng() >> 9 & 3];
        shapes[i].w = rng() & 1023;
        shapes[i].h = rng() & 1023;
    }
    for (volatile int i = 0; i < n; i++) {
        int code = setjmp(escape);

        if (code == 0)
            climb(&shapes[i % COUNT], 20, visit(shapes, COUNT, (uint32_t)i));
        sum = sum * 3 + (uint32_t)code;
    }
    return sum;
}

int main(int argc, char **argv)
{
    static const struct phase phases[] = {
        { "switch", switch_run, 750 },
        { "label", label_run, 750 },
        { "table", table_run, 750 },
        { "recurse", recurse_run, 300 },
        { "quick", quick_run, 150 },
        { "object", object_run, 10000 },
    };

    if (argc > 1)
        percent = atoi(argv[1]);
    return RUN_PHASES(phases);
}
