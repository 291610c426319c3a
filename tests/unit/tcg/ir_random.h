/* SPDX-License-Identifier: MIT */
/*
 * Random programs, each built twice from one recipe, raw and folded: both
 * must do the same, with dead instructions dropped or not, and after a trip
 * through text.  Operations come from the table.
 */
#pragma once
#include "tests/unit/tcg/ir.h"
#include <stdio.h>
#include <stdlib.h>

enum { POOL = 48 };

/* Sorts of values; an I32 may be a number or a flag word. */
typedef enum Sort { W, X, FLAGS, S, D, V, SORTS } Sort;

typedef struct Gen {
    Ir  *b;
    bool small;                 /* few operations, one upon the other */
    u32  n[SORTS];
    Val  v[SORTS][POOL];
} Gen;

static const Type types[] = { I32, I64, I32, F32, F64, V128T };

static const struct { u16 slot, n; } slots_of[] = {
    { SLOT_W, NW }, { SLOT_X, NX }, { SLOT_F, NF }, { SLOT_S, NS },
    { SLOT_D, ND }, { SLOT_V, NV },
};

static u64 mix(u64 a, u64 b, u32 c) { return a * 3 + b * 5 + c; }
HELPER(mix, H_PURE, i64, i64, i64, i32);

static u64 sum_slots(void *env, u32 x)
{
    const Guest *g = env;
    u64 n = x;

    for (u32 k = 0; k < NX; k++) {
        n = n * 31 + g->x[k] + g->w[k];
    }
    return n + g->v[1][0];
}
HELPER(sum_slots, H_READ, i64, ptr, i32);

static void stir(void *env, u64 x)
{
    Guest *g = env;

    g->x[x % NX] += x * 77;
    g->v[x % NV][1] ^= x;
}
HELPER(stir, H_READ | H_WRITE, void, ptr, i64);

static u64 raiser(void *env, V128 v)
{
    return ((Guest *)env)->tcg.pc * 3 + v[1];
}
HELPER(raiser, H_RAISE, i64, ptr, v128);

/* ---- operands ------------------------------------------------------------ */

static void keep(Gen *g, Sort s, Val v)
{
    u32 at = g->n[s] < POOL ? g->n[s]++ : rnd(POOL);

    g->v[s][at] = v;
}

static Val constant(Gen *g, Sort s)
{
    static const u64 some[] = {
        0, 1, ~0ull, 0xffffffff, 0xff, 31, 63, 0xf0000000,
    };
    u64 k = rnd(3) ? some[rnd(countof(some))] : rnd64();

    if (s == V) {
        return ir_v128(g->b, k, rnd(2) ? k : rnd64());
    }
    return ir_const(g->b, types[s], k);
}

static Val pick(Gen *g, Sort s)
{
    u32 slot = slots_of[s].slot + rnd(slots_of[s].n);

    if ((s == W || s == X || s == V) && !rnd(4)) {
        return constant(g, s);
    }
    if (!g->n[s] || !rnd(6)) {
        keep(g, s, ir_get(g->b, slot));
    }
    if (g->small) {
        return g->v[s][g->n[s] - 1 - rnd(MIN(g->n[s], 2))];
    }
    return g->v[s][rnd(4) ? g->n[s] - 1 - rnd(MIN(g->n[s], 4)) : rnd(g->n[s])];
}

static Sort word(void) { return rnd(2) ? X : W; }

/* ---- pure operations ----------------------------------------------------- */

static void emit(Gen *g, Sort s, Ins i)
{
    i.type = (u8)types[s];
    keep(g, s, ir_emit(g->b, i));
}

static void integer(Gen *g, IrOp op)
{
    Sort s = word();
    u32 pos = rnd(s == X ? 64 : 32), len = 1 + rnd((s == X ? 64 : 32) - pos);
    Ins i = { .op = (u16)op };

    if (op == IR_trunc || op == IR_zext || op == IR_sext) {
        i.a = pick(g, op == IR_trunc ? X : W);
        emit(g, op == IR_trunc ? W : X, i);
        return;
    }
    i.a = pick(g, s);
    if (ir_ops[op].shape[0] == 'B' || op == IR_deposit) {
        i.b = pick(g, s);
    }
    if (ir_ops[op].shape[0] == 'X') {
        i.imm = pos | len << 8;
    }
    emit(g, s, i);
}

static void condition(Gen *g, IrOp op)
{
    Sort s = word(), r = op == IR_set ? W : (Sort)rnd(SORTS);
    Ins i = { .op = (u16)op, .sub = (u8)rnd(GTU + 1) };

    i.a = pick(g, s);
    i.b = pick(g, s);
    if (op == IR_select) {
        i.c = pick(g, r);
        i.d = pick(g, r);
    }
    emit(g, r, i);
}

static void flag_word(Gen *g, IrOp op)
{
    Sort s = word();
    Ins i = { .op = (u16)op };

    switch (op) {
    case IR_notc: case IR_packf: case IR_fcond:
        i.a = pick(g, FLAGS);
        i.sub = op == IR_fcond ? (u8)rnd(FC_LE + 1) : 0;
        emit(g, op == IR_notc ? FLAGS : W, i);
        return;
    case IR_unpackf:
        i.a = pick(g, W);
        break;
    case IR_adcf: case IR_sbcf:
        i.c = ir_extract(g->b, pick(g, W), 0, 1);
        /* fall through */
    default:
        i.a = pick(g, s);
        i.b = op == IR_logicf ? (Val) { 0 } : pick(g, s);
    }
    emit(g, FLAGS, i);
}

static void bits_of(Gen *g)
{
    static const Sort other[] = { [W] = S, [S] = W, [X] = D, [D] = X };
    static const Sort from[] = { W, X, S, D };
    Sort s = from[rnd(4)];

    emit(g, other[s], (Ins) { .op = IR_bitsof, .a = pick(g, s) });
}

/* The largest lane that an operation has, and how many results. */
static Lane lane_for(IrOp op)
{
    switch (op) {
    case IR_vsmull: case IR_vumull: case IR_vsxl: case IR_vzxl:
        return (Lane)rnd(3);
    case IR_vsqadd: case IR_vuqadd: case IR_vsqsub: case IR_vuqsub:
        return (Lane)rnd(2);
    case IR_vlow: case IR_vzext: case IR_vpair: case IR_vshuf:
        return L8;
    default:
        return (Lane)rnd(4);
    }
}

static void vector(Gen *g, IrOp op)
{
    Lane lane = lane_for(op);
    Sort s = lane == L64 ? X : W, f = rnd(2) ? S : D;
    const char *shape = ir_ops[op].shape;
    bool shifts = op == IR_vshl || op == IR_vshr || op == IR_vsar;
    Ins i = { .op = (u16)op, .sub = (u8)lane };

    i.a = op == IR_vzext ? pick(g, f) : op == IR_vpair ? pick(g, X)
        : op == IR_vdup ? pick(g, s) : pick(g, V);
    if (op == IR_vins || op == IR_vpair) {
        i.b = pick(g, op == IR_vpair ? X : s);
    } else if (!strcmp(shape, "V") || op == IR_vshuf) {
        i.b = pick(g, V);
    }
    if (op == IR_vshuf) {
        i.c = rnd(4) ? ir_v128(g->b, rnd64(), rnd64())
            : ir_v128(g->b, 0x0706050403020100, 0x0f0e0d0c0b0a0908);
    }
    if (!strcmp(shape, "VI") || !strcmp(shape, "VL")) {
        i.imm = rnd(shifts ? 8u << lane : 16u >> lane);
    }
    emit(g, op == IR_vlow ? f : op == IR_vget ? s : V, i);
}

static void pure(Gen *g)
{
    IrOp op;

    do {
        op = (IrOp)rnd(g->small && rnd(4) ? IR_bitsof : IR_NOPS);
    } while (!(ir_ops[op].flags & PURE) || ir_ops[op].flags & FPOP
             || op == IR_const);
    if (op == IR_pc) {
        keep(g, X, ir_pc(g->b, (i64)rnd(8192) - 2048));
    } else if (op <= IR_deposit) {
        integer(g, op);
    } else if (op <= IR_select) {
        condition(g, op);
    } else if (op <= IR_fcond) {
        flag_word(g, op);
    } else if (op == IR_bitsof) {
        bits_of(g);
    } else {
        vector(g, op);
    }
}

/* ---- the others ---------------------------------------------------------- */

static void floating(Gen *g)
{
    Sort s = rnd(2) ? S : D, w = word();
    Val x = pick(g, s), y = pick(g, s);

    switch (rnd(6)) {
    case 0: keep(g, s, ir_fadd(g->b, x, y)); break;
    case 1: keep(g, s, ir_ffma(g->b, x, y, pick(g, s))); break;
    case 2: keep(g, FLAGS, ir_fcmpf(g->b, x, y, rnd(2))); break;
    case 3: keep(g, w, ir_f2i(g->b, types[w], x, rnd(16))); break;
    case 4: keep(g, s, ir_i2f(g->b, types[s], pick(g, w), rnd(2))); break;
    default:
        x = pick(g, V);
        keep(g, V, (rnd(2) ? ir_vfsub : ir_vfcgt)(g->b, rnd(2) ? L32 : L64,
                                                  x, pick(g, V)));
    }
}

static void memory(Gen *g)
{
    Sort s = rnd(4) ? word() : V;
    u32 op = s == V ? M_128 : rnd(s == X ? 4 : 3);
    Val a = pick(g, X), second;

    op |= (rnd(4) ? 0 : M_BE) | (rnd(4) ? 0 : M_ALIGN);
    switch (rnd(7)) {
    case 0: case 1:
        keep(g, s, ir_load(g->b, types[s], a, op | (rnd(2) ? M_SIGN : 0)));
        break;
    case 2:
        keep(g, s, ir_load2(g->b, types[s], a, op, &second));
        keep(g, s, second);
        break;
    case 3: ir_store(g->b, a, pick(g, s), op); break;
    case 4: ir_store2(g->b, a, pick(g, s), pick(g, s), op); break;
    case 5: ir_fence(g->b, rnd(16)); break;
    default:
        ir_store(g->b, a, pick(g, rnd(2) ? S : D), M_32); break;
    }
}

static void atomic(Gen *g)
{
    Sort s = word();
    u32 op = rnd(s == X ? 4 : 3) | (rnd(3) ? 0 : M_SIGN);
    Val a = pick(g, X), x = pick(g, s), expect = pick(g, s);

    if (rnd(2)) {
        expect = ir_load(g->b, types[s], a, op);
    }
    switch (rnd(3)) {
    case 0:
        keep(g, s, ir_cas(g->b, types[s], a, expect, x, op));
        break;
    case 1:
        keep(g, W, ir_casif(g->b, a, x, expect, rnd(2) ? a : pick(g, X), op));
        break;
    default:
        keep(g, s, ir_rmw(g->b, rnd(RMW_UMAX + 1), types[s], a, x, op));
    }
}

static void calls(Gen *g)
{
    switch (rnd(4)) {
    case 0:
        keep(g, X, IR_CALL(g->b, &helper_mix, pick(g, X), pick(g, X),
                           pick(g, W)));
        break;
    case 1: keep(g, X, IR_CALL(g->b, &helper_sum_slots, pick(g, W))); break;
    case 2: IR_CALL(g->b, &helper_stir, pick(g, X)); break;
    default: keep(g, X, IR_CALL(g->b, &helper_raiser, pick(g, V)));
    }
}

static Val target(Gen *g)
{
    return rnd(3) ? ir_pc(g->b, (i64)(rnd(3 * 4096) & ~3u) - 4096)
                  : pick(g, X);
}

static Val choice(Gen *g)
{
    Sort s = word();

    return rnd(3) ? ir_set(g->b, rnd(GTU + 1), pick(g, s), pick(g, s))
         : rnd(2) ? ir_fcond(g->b, rnd(FC_LE + 1), pick(g, FLAGS))
         : pick(g, W);
}

static void put(Gen *g)
{
    Sort s = (Sort)rnd(SORTS);
    u32 slot = slots_of[s].slot + rnd(slots_of[s].n);

    ir_put(g->b, slot, pick(g, s));
}

static void step(Gen *g, bool with_calls)
{
    switch (rnd(24)) {
    case 0: case 1: memory(g); break;
    case 2: atomic(g); break;
    case 3: floating(g); break;
    case 4:
        if (with_calls) {
            calls(g);
        }
        break;
    case 5:
        if (!rnd(3)) {
            ir_exit_if(g->b, choice(g), target(g));
        } else if (!rnd(3)) {
            ir_trap_if(g->b, choice(g), rnd(1000));
        }
        break;
    case 6:
        if (!rnd(3)) {
            ir_sync(g->b);
        }
        break;
    default: pure(g); break;
    }
    if (!rnd(3)) {
        put(g);
    }
}

/* Pure operations, each on what the last have made; all sorts are seen. */
static void small_program(Gen *g)
{
    for (u32 n = 2 + rnd(4); n; n--) {
        pure(g);
    }
    for (Sort s = W; s < SORTS; s++) {
        if (g->n[s]) {
            ir_put(g->b, slots_of[s].slot, g->v[s][g->n[s] - 1]);
        }
    }
    ir_exit(g->b, ir_pc(g->b, 0x104), EXIT_JUMP);
}

/* Builds the program that the state of the generator stands for. */
static void build(Ir *b, bool raw, bool small, bool with_calls)
{
    Gen g = { .b = b, .small = small };
    u32 n = 4 + rnd(70);

    ir_start(b, guest_slots, NSLOTS, I64, 0x100);
    b->soft = &guest_soft;
    b->raw = raw;
    if (small) {
        small_program(&g);
        return;
    }
    for (u32 k = 0; k < n; k++) {
        ir_insn(b, (u16)(0x100 + 4 * k));
        step(&g, with_calls);
    }
    for (u32 k = 0; k < 16; k++) {
        put(&g);
    }
    if (rnd(8)) {
        ir_exit(b, target(&g), rnd(3));
    } else {
        ir_leave(b);
    }
}

/* ---- comparing ----------------------------------------------------------- */

/*
 * Does b, run on *before, do what *after says?  It may poll less often: an
 * address found to be a constant may be seen to go forward.
 */
static bool agrees(const Ir *b, bool live, const Guest *before,
                   const Guest *after, TcgExit how)
{
    static IrLive l;
    Guest g = *before;

    if (live) {
        ir_live(b, &l);
    }
    TcgExit why = ir_eval(b, live ? &l : NULL, &g, guest_slow);
    return guest_same(&g, after) && (why == how || how == TCG_POLL);
}

/* Text of b reads as what prints the same; then *again is it. */
static bool round_trip(const Ir *b, Ir *again)
{
    char why[80] = "", *text = printed(b, NULL), *text2;
    bool ok = ir_parse(again, guest_slots, NSLOTS, text, why, sizeof why);

    again->soft = b->soft;
    text2 = printed(again, NULL);
    if (!ok || strcmp(text, text2)) {
        fprintf(stderr, "# text: %s\n%s\nread as\n%s\n", why, text, text2);
        ok = false;
    }
    free(text);
    free(text2);
    return ok;
}

static void show(const Ir *b, const char *what, u64 seed)
{
    char *text = printed(b, NULL);

    fprintf(stderr, "# %s, state %#llx\n%s", what, (unsigned long long)seed,
            text);
    free(text);
}

static bool program(bool small, bool text)
{
    static Ir raw, folded, again;
    u64 seed = rnd_state();

    build(&raw, true, small, !text);
    rnd_seed(seed);
    build(&folded, false, small, !text);
    if (text && (!round_trip(&folded, &again) || !round_trip(&raw, &again))) {
        return false;
    }
    for (u32 run = 0; run < 2; run++) {
        Guest before, after;
        guest_random(&before);
        after = before;
        TcgExit how = ir_eval(&raw, NULL, &after, guest_slow);
        if (!agrees(&raw, true, &before, &after, how)
            || !agrees(&folded, false, &before, &after, how)
            || !agrees(&folded, true, &before, &after, how)
            || (text && !agrees(&again, true, &before, &after, how))) {
            show(&raw, "raw", seed);
            show(&folded, "folded", seed);
            return false;
        }
    }
    return true;
}

static void test_random(u32 programs)
{
    bool ok = true;

    for (u32 n = 0; n < programs && ok; n++) {
        ok = program(false, n % 8 == 0);
    }
    check(ok, "%u random programs, raw and folded, and as text", programs);
    for (u32 n = 0; n < programs * 32 && ok; n++) {
        ok = program(true, false);
    }
    check(ok, "%u small ones", programs * 32);
}
