/* SPDX-License-Identifier: MIT */
/*
 * The IR: building, slots, calls, exits, liveness, text; folding rules (in
 * ir_rules.h) and random programs, folded against raw (in ir_random.h).
 *
 *     test-ir [seed [programs]]
 */
#include "tests/unit/tcg/ir.h"
#include "tests/unit/tcg/ir_random.h"
#include "tests/unit/tcg/ir_rules.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOT(c, n, t) \
    { #c #n, t, offsetof(Guest, c) + n * sizeof_field(Guest, c[0]) }
const IrSlot guest_slots[NSLOTS] = {
    SLOT(x, 0, I64), SLOT(x, 1, I64), SLOT(x, 2, I64),
    SLOT(x, 3, I64), SLOT(x, 4, I64), SLOT(x, 5, I64),
    SLOT(w, 0, I32), SLOT(w, 1, I32), SLOT(w, 2, I32),
    SLOT(w, 3, I32), SLOT(w, 4, I32), SLOT(w, 5, I32),
    SLOT(f, 0, I32), SLOT(f, 1, I32), SLOT(f, 2, I32),
    SLOT(s, 0, F32), SLOT(s, 1, F32), SLOT(d, 0, F64), SLOT(d, 1, F64),
    SLOT(v, 0, V128T), SLOT(v, 1, V128T), SLOT(v, 2, V128T), SLOT(v, 3, V128T),
};

/* ---- random numbers and results ------------------------------------------ */

typedef struct State {
    u64 rnd;
    u32 count, failed;
} State;

static State *state(void)
{
    static State s;             /* set cache */
    return &s;
}

void rnd_seed(u64 seed) { state()->rnd = seed; }
u64  rnd_state(void)    { return state()->rnd; }

/* Mixes a counter: any state is a good one. */
static u64 next(void)
{
    u64 z = state()->rnd += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

u32 rnd(u32 n)
{
    return (u32)((next() >> 32) * n >> 32);
}

u64 rnd64(void)
{
    u64 r = next();

    switch (r & 7) {
    case 0: return r >> 60;
    case 1: return 0 - (r >> 60);
    case 2: return BIT(r >> 58) - (r >> 8 & 1);
    case 3: return (u32)(r >> 20);
    case 4: return MASK(1 + (r >> 58)) << (r >> 20 & 63);
    case 5: return 0x8000000080000000 ^ BIT(r >> 58);
    default: return next();
    }
}

void check(bool ok, const char *fmt, ...)
{
    State *s = state();
    va_list ap;

    va_start(ap, fmt);
    s->failed += !ok;
    printf("%sok %u - ", ok ? "" : "not ", ++s->count);
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
}

char *printed(const Ir *b, const IrLive *l)
{
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    ir_print(b, l, f);
    fclose(f);
    return text;
}

/* ---- the guest ----------------------------------------------------------- */

static void event(Guest *g, u64 what)
{
    g->events = (g->events ^ what) * 0x9e3779b97f4a7c15ull;
    g->events ^= g->events >> 29;
}

_Static_assert(NX == NW, "guest_random() walks both at once");

void guest_random(Guest *g)
{
    u8 *p = (u8 *)g + sizeof g->tcg;

    memset(&g->tcg, 0, sizeof g->tcg);
    for (u32 k = 0; k + 8 <= sizeof *g - sizeof g->tcg; k += 8) {
        store_le(p + k, 8, rnd64());
    }
    for (u32 k = 0; k < NF; k++) {
        g->f[k] &= FLAG_NZCV;
    }
    for (u32 k = 1; k < NX; k++) {      /* comparisons like equals */
        g->x[k] = rnd(3) ? g->x[k] : g->x[k - 1];
        g->w[k] = rnd(3) ? g->w[k] : g->w[k - 1];
    }
    g->events = 0;
    g->tcg.pc_page = 0x123456000;
    g->tcg.pc = 0x123456100;
    g->tcg.poll = !rnd(4);
}

bool guest_same(const Guest *p, const Guest *q)
{
    for (u32 k = 0; k < NF; k++) {
        if ((p->f[k] ^ q->f[k]) & FLAG_NZCV) {
            return false;
        }
    }
    return p->tcg.pc == q->tcg.pc && p->events == q->events
        && !memcmp(p->v, q->v, sizeof p->v) && !memcmp(p->x, q->x, sizeof p->x)
        && !memcmp(p->d, q->d, sizeof p->d) && !memcmp(p->w, q->w, sizeof p->w)
        && !memcmp(p->s, q->s, sizeof p->s)
        && !memcmp(p->memory, q->memory, MEMORY);
}

static u64 modified(u32 kind, u32 bits, u64 old, u64 v)
{
    i64 a = sext(old, (int)bits), c = sext(v, (int)bits);

    switch (kind) {
    case RMW_ADD:  return old + v;
    case RMW_AND:  return old & v;
    case RMW_OR:   return old | v;
    case RMW_XOR:  return old ^ v;
    case RMW_SMIN: return a < c ? old : v;
    case RMW_SMAX: return a > c ? old : v;
    case RMW_UMIN: return old < v ? old : v;
    case RMW_UMAX: return old > v ? old : v;
    default:       return v;
    }
}

/* One piece of up to 8 bytes; expect is NULL but for MEM_CAS. */
static void piece(Guest *g, u8 *p, u32 size, u64 *val, const u64 *expect)
{
    u64 memop = g->tcg.mem_memop, v = *val & MASK(8 * size);
    u64 old = memop & M_BE ? load_be(p, size) : load_le(p, size);
    u32 kind = memop >> MEM_KIND_SHIFT & 0xff;

    event(g, kind == MEM_LOAD ? old : v);
    *val = kind == MEM_STORE ? *val : old;
    if (kind == MEM_LOAD
        || (expect && kind == MEM_CAS && (*expect ^ old) & MASK(8 * size))) {
        return;
    }
    if (kind == MEM_RMW) {
        v = modified((u32)(memop >> MEM_RMW_SHIFT), 8 * size, old, v);
    }
    if (memop & M_BE) {
        store_be(p, size, v);
    } else {
        store_le(p, size, v);
    }
}

bool guest_slow(void *env, const void *ret)
{
    Guest *g = env;
    u64 memop = g->tcg.mem_memop, addr = g->tcg.mem_addr;
    u32 log2 = memop & M_SIZE, size = log2 == M_128 ? 8 : 1u << log2;
    u32 pieces = (log2 == M_128 ? 2 : 1) * (memop & M_PAIR ? 2 : 1);

    assert(!ret);
    event(g, addr);
    event(g, memop);
    event(g, g->tcg.pc);
    if ((addr >> 8 & 7) == 7) {
        g->tcg.pc ^= 0xfff000;
        return false;
    }
    for (u32 k = 0; k < pieces; k++) {
        piece(g, &g->memory[(addr & 63) + k * size], size, &g->tcg.mem_val[k],
              log2 == M_128 ? NULL : &g->tcg.mem_expect[0]);
    }
    return true;
}

/* Any function of the operands will do; each call is an event. */
static u64 soft(void *env, u64 a, u64 b, u64 c, u32 sub)
{
    u64 r = (a * 3 + b * 5 + c * 7 + sub) * 0x9e3779b97f4a7c15ull;

    event(env, r);
    return r ^ r >> 32;
}

static u64 soft32(void *env, u64 a, u64 b, u64 c, u32 sub)
{
    return (u32)soft(env, a, b, c, sub);
}

static u64 soft_bool(void *env, u64 a, u64 b, u64 c, u32 sub)
{
    return soft(env, a, b, c, sub) & 1;
}

static u64 soft_flags(void *env, u64 a, u64 b, u64 c, u32 sub)
{
    return soft(env, a, b, c, sub) & FLAG_NZCV;
}

const FpSoft guest_soft = { .fn = {
#define ROW(kind) [FP_##kind] = { soft32, soft }
    ROW(ADD), ROW(SUB), ROW(MUL), ROW(DIV), ROW(SQRT), ROW(FMA), ROW(MIN),
    ROW(MAX), ROW(MINNM), ROW(MAXNM), ROW(ROUND), ROW(FROM_I32), ROW(FROM_I64),
#undef ROW
    [FP_CMPF] = { soft_flags, soft_flags },
    [FP_CEQ] = { soft_bool, soft_bool }, [FP_CGE] = { soft_bool, soft_bool },
    [FP_CGT] = { soft_bool, soft_bool },
    [FP_CVT] = { soft, soft32 },
    [FP_TO_I32] = { soft32, soft32 }, [FP_TO_I64] = { soft, soft },
} };

/* ---- slots, calls, exits ------------------------------------------------- */

static u64 twice(u64 x) { return x * 2; }
HELPER(twice, H_PURE, i64, i64);

static u64 peek(void *env) { return ((Guest *)env)->x[1]; }
HELPER(peek, H_READ, i64, ptr);

static void poke(void *env, u64 x) { ((Guest *)env)->x[1] = x; }
HELPER(poke, H_READ | H_WRITE, void, ptr, i64);

static u64 where(void *env) { return ((Guest *)env)->tcg.pc; }
HELPER(where, H_RAISE, i64, ptr);

static V128 blend(u32 x, V128 a, void *env, V128 c)
{
    return (V128) { a[0] + x + ((Guest *)env)->x[0], c[1] };
}
HELPER(blend, H_READ, v128, i32, v128, ptr, v128);

static void start(Ir *b)
{
    ir_start(b, guest_slots, NSLOTS, I64, 0x100);
    b->soft = &guest_soft;
}

static void expect(const Ir *b, const IrLive *l, const char *name,
                   const char *text)
{
    char *got = printed(b, l);
    bool ok = strcmp(got, text) == 0;

    check(ok, "%s", name);
    if (!ok) {
        fprintf(stderr, "got:\n%swanted:\n%s", got, text);
    }
    free(got);
}

static void test_slots(Ir *b)
{
    start(b);
    Val x = ir_get(b, SLOT_X), y = ir_get(b, SLOT_X + 1);
    ir_put(b, SLOT_X, x);                           /* its own: nothing */
    ir_put(b, SLOT_X + 1, ir_add(b, x, y));
    ir_put(b, SLOT_X + 2, ir_get(b, SLOT_X + 1));   /* known: no get */
    ir_put(b, SLOT_X + 2, ir_get(b, SLOT_X + 1));   /* the same: nothing */
    ir_sync(b);
    ir_put(b, SLOT_X + 1, ir_get(b, SLOT_X));
    ir_exit(b, ir_pc(b, 0x104), EXIT_JUMP);
    expect(b, NULL, "gets and puts",
           " ---- +100\n"
           "  v1 = get.i64 x0\n"
           "  v2 = get.i64 x1\n"
           "  v3 = add.i64 v1, v2\n"
           "  put x1, v3\n"
           "  put x2, v3\n"
           "  sync\n"
           "  put x1, v1\n"
           "  v5 = pc.i64 0x104\n"
           "  exit v5\n");
}

static void test_calls(Ir *b)
{
    IrLive l;
    start(b);
    Val x = ir_get(b, SLOT_X);
    Val p = IR_CALL(b, &helper_twice, x), q = IR_CALL(b, &helper_twice, x);
    check(p.id == q.id, "equal calls of a pure helper are one");
    Val dead = IR_CALL(b, &helper_twice, p);
    ir_put(b, SLOT_X + 1, q);
    IR_CALL(b, &helper_peek);
    check(ir_get(b, SLOT_X).id == x.id, "H_READ forgets nothing");
    IR_CALL(b, &helper_poke, x);
    check(ir_get(b, SLOT_X).id != x.id, "H_WRITE forgets");
    ir_exit(b, ir_get(b, SLOT_X + 1), EXIT_RETURN);
    ir_live(b, &l);
    check(l.dead[dead.id] && !l.dead[p.id] && l.has_sync,
          "only pure calls are dropped");
    expect(b, &l, "calls sync",
           " ---- +100\n"
           "  v1 = get.i64 x0\n"
           "  v2 = call.i64 twice v1\n"
           "  put x1, v2\n"
           "  sync\n"
           "  v5 = call.i64 peek\n"
           "  sync\n"
           "  call poke v1\n"
           "  v9 = get.i64 x1\n"
           "  exit.130 v9\n");
}

static void test_call_values(Ir *b)
{
    Guest g;
    guest_random(&g);
    V128 v0 = g.v[0], v1 = g.v[1];
    u64 x0 = g.x[0];
    start(b);
    ir_insn(b, 0x124);
    ir_put(b, SLOT_V + 2, IR_CALL(b, &helper_blend, ir_i32(b, 7),
                                  ir_get(b, SLOT_V), ir_get(b, SLOT_V + 1)));
    ir_put(b, SLOT_X + 3, IR_CALL(b, &helper_where));
    ir_leave(b);
    TcgExit why = ir_eval(b, NULL, &g, guest_slow);
    check(g.v[2][0] == v0[0] + 7 + x0 && g.v[2][1] == v1[1],
          "arguments and results of calls");
    check(g.x[3] == 0x123456124 && g.tcg.pc == 0x123456124,
          "H_RAISE sees the pc, IR_leave leaves it");
    check((why == TCG_POLL) == !!g.tcg.poll, "leaving polls");
}

static bool polls(Ir *b, i64 offset)
{
    start(b);
    ir_exit(b, ir_pc(b, offset), EXIT_JUMP);
    return b->ins[b->n - 1].sub & EXIT_POLL;
}

static void test_exits(Ir *b)
{
    check(!polls(b, 0x104) && !polls(b, 4092) && polls(b, 0x100)
          && polls(b, 0) && polls(b, 4096) && polls(b, -4),
          "exits that may close a loop poll");
    start(b);
    ir_exit_if(b, ir_i32(b, 0), ir_pc(b, 0));
    check(!b->ended, "a branch never taken is none");
    ir_exit_if(b, ir_i32(b, 1), ir_pc(b, 0x104));
    check(b->ended && b->ins[b->n - 1].op == IR_exit,
          "a branch always taken ends the block");
    u32 n = b->nputs;
    Val second, v = ir_load2(b, V128T, ir_get(b, SLOT_X), M_128, &second);
    ir_put(b, SLOT_V, ir_vadd(b, L8, v, second));
    ir_put(b, SLOT_X + 1, IR_CALL(b, &helper_peek));
    IR_CALL(b, &helper_poke, ir_get(b, SLOT_X + 1));
    ir_exit(b, ir_get(b, SLOT_X), EXIT_JUMP);
    check(b->nputs == n && !b->nsyncs, "nothing is done behind the end");
    Guest g;
    IrLive l;
    guest_random(&g);
    g.tcg.poll = 1;
    ir_live(b, &l);
    check(ir_eval(b, &l, &g, guest_slow) == TCG_LOOKUP
          && g.tcg.pc == 0x123456104, "a forward exit does not poll");
    start(b);
    ir_exit_if(b, ir_fcond(b, FC_Z, ir_subf(b, ir_get(b, SLOT_X),
                                            ir_get(b, SLOT_X))), ir_pc(b, 0));
    check(ir_eval(b, NULL, &g, guest_slow) == TCG_POLL
          && g.tcg.pc == 0x123456000, "a backward exit polls");
}

typedef struct Seen { u32 n; u16 value[NSLOTS]; } Seen;

static void see(void *ctx, unsigned slot, Val v)
{
    Seen *s = ctx;
    s->n++;
    s->value[slot] = v.id;
}

static void test_snapshots(Ir *b)
{
    Seen s = { 0 };
    start(b);
    Val x = ir_get(b, SLOT_X), one = ir_i64(b, 1), two = ir_i64(b, 2);
    ir_put(b, SLOT_X + 1, one);
    ir_put(b, SLOT_X + 2, one);
    ir_put(b, SLOT_X + 1, two);
    Val p = ir_load(b, I64, x, M_64);
    ir_put(b, SLOT_X + 3, p);
    ir_sync(b);
    ir_put(b, SLOT_X + 2, x);
    Val q = ir_load(b, I64, x, M_64);
    ir_exit(b, q, EXIT_JUMP);
    ir_snapshot(b, &b->ins[p.id], see, &s);
    check(s.n == 2 && s.value[SLOT_X + 1] == two.id
          && s.value[SLOT_X + 2] == one.id, "the newest puts count");
    s.n = 0;
    ir_snapshot(b, &b->ins[q.id], see, &s);
    check(s.n == 1 && s.value[SLOT_X + 2] == x.id,
          "a snapshot begins at the last sync");
}

static void test_limits(Ir *b)
{
    start(b);
    for (u32 k = 0; !b->full; k++) {
        ir_load(b, I64, ir_get(b, SLOT_X), M_64);
    }
    check(IR_MAX - b->n >= 300, "a block is full before it overflows");
    start(b);
    for (u32 k = 0; !b->full; k++) {
        ir_put(b, SLOT_X, ir_i64(b, k & 1));
    }
    check(IR_PUTS - b->nputs >= 200, "the same by puts");
    start(b);
    while (!b->full) {
        ir_sync(b);
    }
    check(IR_SYNCS - b->nsyncs >= 16, "the same by syncs");
}

static void test_float(Ir *b)
{
    IrLive l;
    Guest g;
    start(b);
    Val d = ir_get(b, SLOT_D), s = ir_fadd(b, d, d);
    ir_fadd(b, d, d);
    ir_exit(b, ir_pc(b, 0x104), EXIT_JUMP);
    ir_live(b, &l);
    check(!l.dead[s.id], "FP operations raise flags: they stay");
    guest_random(&g);
    ir_eval(b, &l, &g, guest_slow);
    check(g.events != 0, "they are done by the soft functions");
}

/* ---- text ---------------------------------------------------------------- */

static const struct { const char *text, *why; } bad_text[] = {
    { "v1 = get.i64 x0\nv2 = add.i64 v1\n", "line 2: an operand is missing" },
    { "v1 = bogus.i64 x0\n", "line 1: no such operation" },
    { "v1 = get.i64 x77\n", "line 1: no such slot" },
    { "v1 = get.i32 x0\n", "line 1: not its type" },
    { "v1 = get.i64 x0\nv1 = get.i64 x1\n",
      "line 2: this value was made before" },
    { "v1 = get.i64 x0\nv2 = clz.i64 v4294967297\n",
      "line 2: a value is missing or not made yet" },
    { "v1 = get.i64 x0\nv2 = get.i32 w0\nv3 = add.i64 v1, v2\n",
      "line 3: an operand is of another type" },
    { "v1 = get.f32 s0\nv2 = add.f32 v1, v1\n",
      "line 2: not a type of its result" },
    { "v1 = get.i64 x0\nexit_if v1\n", "line 2: an operand is missing" },
    { "v1 = get.i64 x0\nv2 = exit.i64 v1\n", "line 2: it has no result" },
    { "v1 = get.i64 x0\nclz v1\n", "line 2: it has a result" },
    { "v1 = get.i64 x0\nexit v1\nput x1, v1\n",
      "line 3: the block has ended" },
    { "v1 = get.i64 x0\nexit v1\nsync\n", "line 3: the block has ended" },
    { "v1 = const.i32 0x100000000\n", "line 1: the number is too large" },
    { "v1 = const.i64 0x10000000000000000\n",
      "line 1: a number is too large" },
    { "----\nadd\n", "line 1: no such page offset" },
    { "fence 16\n", "line 1: no such fence" },
    { "v1 = second.i64\n", "line 1: no load2 of its type before" },
    { "v1 = get.i64 x0\nv2 = load2.i64 v1, 64.pair\n",
      "line 2: second is missing" },
    { "v1 = get x0\n", "line 1: no such type" },
    { "v1 = get.i64 x0 x1\n", "line 1: something follows the instruction" },
    { "v2 = add.i64 v1, v1\n", "line 1: a value is missing or not made yet" },
    { "v1 = get.i64 x0\nv2 = set.i32 v1, v1\n",
      "line 2: a condition, kind or lane is missing" },
    { "v1 = get.i64 x0\nv2 = set.i32.foo v1, v1\n",
      "line 2: no such condition, kind or lane" },
    { "v1 = get.i64 x0\nv2 = extract.i64 v1, 60, 5\n", "line 2: no such field" },
    { "v1 = get.i64 x0\nv2 = load.i64 v1, 24\n",
      "line 2: no such size of an access" },
    { "v1 = get.i64 x0\nput w0, v1\n",
      "line 2: too many puts, or not the slot's type" },
    { "v1 = get.i64 x0\nv2 = load.i64 v1, 128\n",
      "line 2: the access is not of its type" },
    { "v1 = get.v128 v0\nv2 = vsqadd.v128.64 v1, v1\n",
      "line 2: no such condition, kind or lane" },
    { "v1 = get.v128 v0\nv2 = vshl.v128.8 v1, 8\n",
      "line 2: no such lane or count" },
    { "v1 = call.i64 twice\n",
      "line 1: calls, loops and spans cannot be read back" },
};

static void test_text(Ir *b)
{
    static const char text[] =
        " ---- +010\n"
        "  v1 = get.i64 x0\n"
        "  v2 = load2.i64 v1, 64.be.acq.pair\n"
        "  v3 = second.i64\n"
        "  put x1, v3\n"
        "  store v1, v2, 16.rel\n"
        " ---- +014\n"
        "  v5 = rmw.i64.umax v1, v2, 8\n"
        "  v6 = set.i32.ltu v1, v5\n"
        "  fence 0xf\n"
        "  exit_if.128 v1, v6\n"
        "  v9 = pc.i64 0xfffffffffffffffc\n"
        "  exit.129 v9, v1\n";
    char why[80] = "";

    check(ir_parse(b, guest_slots, NSLOTS, text, why, sizeof why),
          "text is read %s", why);
    check(b->start == 0x10 && b->at == 0x14 && b->ended, "with its places");
    expect(b, NULL, "and printed as it was", text);
    for (u32 k = 0; k < countof(bad_text); k++) {
        bool ok = ir_parse(b, guest_slots, NSLOTS, bad_text[k].text, why,
                           sizeof why);
        check(!ok && strcmp(why, bad_text[k].why) == 0, "refused: %s", why);
    }
}

int main(int argc, char **argv)
{
    static Ir b;
    u64 seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    u32 programs = argc > 2 ? (u32)atoi(argv[2]) : 20000;

    printf("# seed %#llx\n", (unsigned long long)seed);
    rnd_seed(seed);
    test_slots(&b);
    test_calls(&b);
    test_call_values(&b);
    test_exits(&b);
    test_snapshots(&b);
    test_limits(&b);
    test_float(&b);
    test_text(&b);
    test_rules();
    test_random(programs);
    printf("1..%u\n", state()->count);
    return state()->failed != 0;
}
