/* SPDX-License-Identifier: MIT */
/*
 * A guest machine for the back end's tests: slots, a few pages of memory, and
 * two of it to compare.
 */
#pragma once
#include "tcg/helper.h"
#include "tcg/x86_64.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { NI64 = 20, NI32 = 8, NFLAGS = 4, NF32 = 6, NF64 = 6, NV128 = 10 };
enum { S_X, S_W = NI64, S_F = S_W + NI32, S_S = S_F + NFLAGS,
       S_D = S_S + NF32, S_V = S_D + NF64, NSLOTS = S_V + NV128 };

typedef struct Machine Machine;

typedef struct Env {
    TcgEnv tcg;
    u64  x[NI64];
    u32  w[NI32];
    u32  f[NFLAGS];
    u32  s[NF32];
    u64  d[NF64];
    V128 v[NV128];
    u32  fpsr;                  /* flags that soft functions raised */
    u64  fault_pc, fault_addr;
    Machine *machine;
} Env;

/* Guest memory: page 4 is slow to write, page 5 slow, page 6 absent. */
enum { PAGES = 8, GUEST_BASE = 0x40000, ABSENT = 6 };
enum { CODE_PAGE = 0x12345000 };
enum { HANDLER = 0x800 };

struct Machine {
    Env       env;
    TlbSlot   tlb;
    JumpEntry jcache[1 << JCACHE_BITS];
    u8        memory[PAGES * PAGE_SIZE] __attribute__((aligned(64)));
    const TcgCode *code;
};

typedef struct Test {
    TcgBuffer *buffer;
    Machine    native, eval;
    unsigned   count, failed;
    unsigned   features;
} Test;

#define ROW(letter, field, n, type) \
    { #letter #n, type, offsetof(Env, field[n]) }
#define X(n) ROW(x, x, n, I64)
#define W(n) ROW(w, w, n, I32)
#define F(n) ROW(f, f, n, I32)
#define S(n) ROW(s, s, n, F32)
#define D(n) ROW(d, d, n, F64)
#define V(n) ROW(v, v, n, V128T)

static const IrSlot env_slots[NSLOTS] = {
    X(0), X(1), X(2), X(3), X(4), X(5), X(6), X(7), X(8), X(9),
    X(10), X(11), X(12), X(13), X(14), X(15), X(16), X(17), X(18), X(19),
    W(0), W(1), W(2), W(3), W(4), W(5), W(6), W(7),
    F(0), F(1), F(2), F(3),
    S(0), S(1), S(2), S(3), S(4), S(5),
    D(0), D(1), D(2), D(3), D(4), D(5),
    V(0), V(1), V(2), V(3), V(4), V(5), V(6), V(7), V(8), V(9),
};

/* ---- random numbers ----------------------------------------------------- */

/* The generator's state: xorshift64*, Vigna 2016. */
static u64 *rnd_state(void)
{
    static u64 state = 1;
    return &state;
}

static void rnd_seed(u64 seed)
{
    *rnd_state() = seed * 0x9e3779b97f4a7c15 + 1;
}

static u64 raw(void)
{
    u64 *s = rnd_state();
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return *s * 0x2545f4914f6cdd1d;
}

/* 0 .. n - 1 */
static u32 rnd(u32 n)
{
    return (u32)((raw() >> 32) * n >> 32);
}

/* Often an edge value. */
static u64 rnd64(void)
{
    static const u64 edge[] = {
        0, 1, 2, ~0ull, 0x7fffffff, 0x80000000, 0xffffffff, 1ull << 63,
        INT64_MAX, 63, 64, 31, 32, 0xffffffff00000000, 0x80, 0xff, 4096,
    };
    switch (rnd(4)) {
    case 0: return edge[rnd(countof(edge))];
    case 1: return raw() >> rnd(64);
    default: return raw();
    }
}

/* Bits of a float with `frac` fraction and `exp` exponent bits. */
static u64 rnd_float(int frac, int exp)
{
    u64 one = BIT(exp - 1) - 1, top = BIT(exp) - 1;
    u64 f = rnd(3) ? raw() & MASK(frac) : MASK(frac) * rnd(2);
    u64 e;
    switch (rnd(8)) {
    case 0: e = rnd(3); break;
    case 1: e = top - rnd(3); break;
    case 2: e = raw() & top; break;
    case 3: e = one + 29 + rnd(6); break;
    case 4: e = one + 61 + rnd(5); break;
    case 5:
        f &= ~MASK(rnd((u32)frac));
        e = one + rnd(8);
        break;
    default: e = one - 2 + rnd(4); break;
    }
    return (u64)rnd(2) << (frac + exp) | e << frac | f;
}

static u64 rnd_f32(void)
{
    return rnd_float(23, 8);
}

static u64 rnd_f64(void)
{
    return rnd_float(52, 11);
}

/* ---- memory ------------------------------------------------------------- */

static bool present(u64 addr, u64 size)
{
    u64 first = addr - GUEST_BASE, last = first + size - 1;
    return first < PAGES * PAGE_SIZE && last < PAGES * PAGE_SIZE &&
           first >> PAGE_BITS != ABSENT && last >> PAGE_BITS != ABSENT;
}

static bool fault(Env *e, const void *ret)
{
    Machine *m = e->machine;
    if (ret) {
        tcg_restore(m->code, e, ret);
    }
    e->fault_pc = e->tcg.pc;
    e->fault_addr = e->tcg.mem_addr;
    e->tcg.pc = CODE_PAGE + HANDLER;
    return false;
}

static u64 load_order(const u8 *p, unsigned size, bool be)
{
    return be ? load_be(p, size) : load_le(p, size);
}

static void store_order(u8 *p, unsigned size, bool be, u64 v)
{
    if (be) {
        store_be(p, size, v);
    } else {
        store_le(p, size, v);
    }
}

static void load_one(const u8 *p, unsigned size, bool be, u64 *val)
{
    if (size < 16) {
        val[0] = load_order(p, size, be);
        return;
    }
    val[0] = load_order(p + (be ? 8 : 0), 8, be);
    val[1] = load_order(p + (be ? 0 : 8), 8, be);
}

static void store_one(u8 *p, unsigned size, bool be, const u64 *val)
{
    if (size < 16) {
        store_order(p, size, be, val[0]);
        return;
    }
    store_order(p + (be ? 8 : 0), 8, be, val[0]);
    store_order(p + (be ? 0 : 8), 8, be, val[1]);
}

static u64 modified(RmwKind kind, unsigned size, u64 old, u64 v)
{
    i64 so = sext(old, (int)size * 8), sv = sext(v, (int)size * 8);
    v &= MASK(size * 8);
    switch (kind) {
    case RMW_XCHG: return v;
    case RMW_ADD:  return old + v;
    case RMW_AND:  return old & v;
    case RMW_OR:   return old | v;
    case RMW_XOR:  return old ^ v;
    case RMW_SMIN: return so < sv ? old : v;
    case RMW_SMAX: return so > sv ? old : v;
    case RMW_UMIN: return old < v ? old : v;
    case RMW_UMAX: return old > v ? old : v;
    }
    return 0;
}

/* Where there is one at all, C may know it or not. */
static void find_span(Env *e)
{
    TcgEnv *t = &e->tcg;
    u32 op = (u32)t->mem_memop, how = op >> MEM_RMW_SHIFT, bytes = op & 0xffff;
    u64 first = t->mem_addr - GUEST_BASE, page = first >> PAGE_BITS;
    bool direct = page < (how & SPAN_WRITE ? 4 : 6) &&
                  page == (first + bytes - 1) >> PAGE_BITS && page != 5;
    t->mem_val[0] = direct && t->mem_addr & 1
        ? (u64)(uintptr_t)e->machine->memory + first - t->mem_val[0] : 0;
}

static bool slow(void *env, const void *ret)
{
    Env *e = env;
    TcgEnv *t = &e->tcg;
    u32 op = (u32)t->mem_memop, kind = op >> MEM_KIND_SHIFT & 255;
    if (kind == MEM_SPAN) {
        find_span(e);
        return true;
    }
    unsigned size = 1u << (op & M_SIZE), count = op & M_PAIR ? 2 : 1;
    bool be = op & M_BE;
    u64 old[2] = { 0 };
    u8 *p = e->machine->memory + (t->mem_addr - GUEST_BASE);
    if (!present(t->mem_addr, size * count) ||
        (op & M_ALIGN && t->mem_addr & (size - 1))) {
        return fault(e, ret);
    }
    for (unsigned n = 0; n < count; n++, p += size) {
        u64 *val = t->mem_val + n * (size == 16 ? 2 : 1);
        switch (kind) {
        case MEM_LOAD: load_one(p, size, be, val); break;
        case MEM_STORE: store_one(p, size, be, val); break;
        case MEM_CAS:
            load_one(p, size, be, old);
            if (!((old[0] ^ t->mem_expect[0]) & MASK(size * 8))) {
                store_one(p, size, be, val);
            }
            val[0] = old[0];
            break;
        default:
            load_one(p, size, be, old);
            val[0] = modified((RmwKind)(op >> MEM_RMW_SHIFT), size, old[0],
                              val[0]);
            store_one(p, size, be, val);
            val[0] = old[0];
            break;
        }
    }
    return true;
}

/* ---- machines ----------------------------------------------------------- */

static void fill_tlb(Machine *m)
{
    memset(&m->tlb, 0xff, sizeof(m->tlb));
    for (u64 n = 0; n < 5; n++) {
        u64 page = GUEST_BASE + n * PAGE_SIZE;
        unsigned k = page >> PAGE_BITS & (TLB_SIZE - 1);
        m->tlb.read[k] = (TlbEntry) {
            page, (u64)(uintptr_t)(m->memory + n * PAGE_SIZE)
        };
        if (n < 4) {
            m->tlb.write[k] = m->tlb.read[k];
        }
    }
}

static void machine_reset(Machine *m)
{
    Env *e = &m->env;
    memset(e, 0, sizeof(*e));
    e->machine = m;
    e->tcg.pc = CODE_PAGE;
    e->tcg.pc_page = CODE_PAGE;
    e->tcg.mxcsr = 0x1f80;
    e->tcg.tlb = (u8 *)&m->tlb;
    e->tcg.jcache = (u8 *)m->jcache;
    memset(m->jcache, 0xff, sizeof(m->jcache));
    fill_tlb(m);
}

static void randomise(Machine *m)
{
    Env *e = &m->env;
    for (unsigned n = 0; n < NI64; n++) {
        e->x[n] = rnd64();
    }
    for (unsigned n = 0; n < NI32; n++) {
        e->w[n] = (u32)rnd64();
    }
    for (unsigned n = 0; n < NFLAGS; n++) {
        e->f[n] = (u32)rnd64() & FLAG_NZCV;
    }
    for (unsigned n = 0; n < NF32; n++) {
        e->s[n] = (u32)rnd_f32();
    }
    for (unsigned n = 0; n < NF64; n++) {
        e->d[n] = rnd_f64();
    }
    for (unsigned n = 0; n < NV128; n++) {
        e->v[n] = n & 1 ? (V128) { rnd64(), rnd64() } : n & 2
                ? (V128) { rnd_f64(), rnd_f64() }
                : (V128) { rnd_f32() << 32 | rnd_f32(),
                           rnd_f32() << 32 | rnd_f32() };
    }
    for (unsigned n = 0; n < sizeof(m->memory); n += 8 + rnd(64)) {
        m->memory[n] ^= (u8)rnd64();
    }
}

static TcgExit machine_run(const Test *t, Machine *m, const TcgCode *code)
{
    m->code = code;
    m->env.tcg.pc = CODE_PAGE;
    return tcg_enter(t->buffer, &m->env, code->exec);
}

static bool same(const char *what, u64 native, u64 eval)
{
    if (native != eval) {
        fprintf(stderr, "# %s: native %#llx, evaluator %#llx\n", what,
                (unsigned long long)native, (unsigned long long)eval);
    }
    return native == eval;
}

static bool same_slots(const Env *a, const Env *b)
{
    bool ok = true;
    for (unsigned n = 0; n < NSLOTS; n++) {
        const IrSlot *s = &env_slots[n];
        const u8 *p = (const u8 *)a + s->offset, *q = (const u8 *)b + s->offset;
        unsigned size = s->type == I32 || s->type == F32 ? 4 : 8;
        u64 mask = n >= S_F && n < S_S ? FLAG_NZCV : ~0ull;
        ok &= same(s->name, load_le(p, size) & mask, load_le(q, size) & mask);
        if (s->type == V128T) {
            ok &= same(s->name, load_le(p + 8, 8), load_le(q + 8, 8));
        }
    }
    return ok;
}

static bool compare(const Machine *a, const Machine *b)
{
    const Env *x = &a->env, *y = &b->env;
    bool ok = same_slots(x, y);
    ok &= same("pc", x->tcg.pc, y->tcg.pc);
    ok &= same("trap code", x->tcg.trap, y->tcg.trap);
    ok &= same("fault pc", x->fault_pc, y->fault_pc);
    ok &= same("fault address", x->fault_addr, y->fault_addr);
    ok &= same("fp flags", x->fpsr | (x->tcg.mxcsr & 0x3d),
               y->fpsr | (y->tcg.mxcsr & 0x3d));
    for (unsigned n = 0; n < sizeof(a->memory); n += 8) {
        u64 p = load_le(a->memory + n, 8), q = load_le(b->memory + n, 8);
        if (p != q) {
            fprintf(stderr, "# at %#x ", GUEST_BASE + n);
            ok = same("memory", p, q);
        }
    }
    return ok;
}

static void dump(const Ir *b, const IrLive *l, const TcgCode *code)
{
    ir_print(b, l, stderr);
    tcg_print_host(code, stderr);
}

/* Runs b both ways on the same random state; prints the differences. */
static bool run_both(Test *t, const Ir *b)
{
    static IrLive live;
    TcgCode code;
    Machine *m = &t->native, *e = &t->eval;
    if (!tcg_compile(t->buffer, b, &code)) {
        tcg_next_region(t->buffer);
        if (!tcg_compile(t->buffer, b, &code)) {
            fprintf(stderr, "# no room\n");
            return false;
        }
    }
    machine_reset(m);
    machine_reset(e);
    randomise(m);
    m->env.tcg.poll = !rnd(16);
    m->env.tcg.mxcsr |= rnd(2) ? rnd(4) << 13 : 0;
    e->env.tcg.mxcsr = m->env.tcg.mxcsr;
    memcpy(e->memory, m->memory, sizeof(m->memory));
    memcpy((u8 *)&e->env + sizeof(TcgEnv), (u8 *)&m->env + sizeof(TcgEnv),
           offsetof(Env, machine) - sizeof(TcgEnv));
    e->env.tcg.poll = m->env.tcg.poll;
    ir_live(b, &live);
    TcgExit native = machine_run(t, m, &code);
    TcgExit eval = ir_eval(b, &live, &e->env, slow);
    bool ok = compare(m, e);
    if (!m->env.fault_addr) {
        bool polled = native == TCG_POLL;      /* more often is allowed */
        ok &= same("exit", polled, polled ? m->env.tcg.poll
                                          : eval == TCG_POLL);
        ok &= same("trap", native == TCG_TRAP, eval == TCG_TRAP);
    }
    if (!ok) {
        dump(b, &live, &code);
    }
    tcg_free_code(&code);
    return ok;
}

static Val append_ins(Ir *b, Ins i)
{
    b->ins[b->n] = i;
    return (Val) { (u16)b->n++ };
}

/* ---- reports ------------------------------------------------------------ */

/* All exits go back to the test. */
static const void *find_nothing(void *env, TcgJump *from)
{
    (void)env;
    (void)from;
    return NULL;
}

/* features: 0 all that the host has, 1 the baseline only */
static void test_start(Test *t, unsigned features)
{
    Err err = { "" };
    t->features = features;
    t->buffer = tcg_new(4 << 20, slow, find_nothing, &err);
    if (!t->buffer) {
        fprintf(stderr, "%s\n", err.text);
        exit(77);
    }
    if (features) {
        X86 *x = t->buffer->host;
        x->has = (X86Has) { 0 };
    }
}

static void test_stop(Test *t)
{
    tcg_free(t->buffer);
}

__attribute__((format(printf, 3, 4)))
static void check(Test *t, bool ok, const char *fmt, ...)
{
    va_list ap;
    t->count++;
    t->failed += !ok;
    printf("%s %u - %s", ok ? "ok" : "not ok", t->count,
           t->features ? "baseline: " : "");
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

static int test_end(const Test *t)
{
    printf("1..%u\n", t->count);
    return t->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
