/* SPDX-License-Identifier: MIT */
/*
 * The x86-64 back end against the evaluator: every operation on random and
 * edge operands, random programs with memory, exits, syncs and calls, and
 * the ways from block to block.
 *
 *     test-x86_64 [seed [programs]]
 */
#include "tests/unit/tcg/x86_64_soft.h"

/* ---- helpers that programs call ----------------------------------------- */

static u64 mix(u64 a, u64 b, u32 c, u64 d, u32 e, u64 f)
{
    return a * 3 + b * 5 + c * 7 + d * 11 + e * 13 + f * 17;
}
HELPER(mix, H_PURE, i64, i64, i64, i32, i64, i32, i64);

static u32 sum_slots(void *env, u32 x)
{
    Env *e = env;
    u64 n = x;
    for (unsigned k = 0; k < NI64; k++) {
        n = n * 31 + e->x[k];
    }
    return (u32)(n ^ n >> 32);
}
HELPER(sum_slots, H_READ, i32, ptr, i32);

static void stir_slots(void *env, u64 x)
{
    Env *e = env;
    e->x[x % NI64] += x * 77;
    e->v[x % NV128][0] ^= x;
}
HELPER(stir_slots, H_READ | H_WRITE, void, ptr, i64);

static V128 blend(V128 a, u64 x, V128 b, V128 c)
{
    return (V128) { a[0] + b[1] * 3 + x, c[0] - b[0] };
}
HELPER(blend, H_PURE, v128, v128, i64, v128, v128);

static void go_to(void *env, u64 pc)
{
    ((Env *)env)->tcg.pc = pc & 0xffffc;
}
HELPER(go_to, H_READ | H_WRITE, void, ptr, i64);

/* ---- random programs ---------------------------------------------------- */

enum { POOL = 64 };

/* Values made so far, by sort. */
typedef enum Sort { V32, V64, VFLAGS, VF32, VF64, VVEC, SORTS } Sort;

typedef struct Gen {
    Ir  *b;
    Sort word;                  /* of guest addresses */
    Val  near;                  /* what others are close to */
    Val  v[SORTS][POOL];
    unsigned n[SORTS];
} Gen;

static Val keep(Gen *g, Sort s, Val v)
{
    unsigned at = g->n[s] < POOL ? g->n[s]++ : rnd(POOL);
    g->v[s][at] = v;
    return v;
}

static Val constant(Gen *g, Sort s)
{
    if (s == VVEC) {
        return ir_v128(g->b, rnd64(), rnd64());
    }
    if (s == VF32) {
        return ir_const(g->b, F32, rnd_f32());
    }
    if (s == VF64) {
        return ir_const(g->b, F64, rnd_f64());
    }
    return s == V64 ? ir_i64(g->b, rnd64()) : ir_i32(g->b, (u32)rnd64());
}

static Val pick(Gen *g, Sort s)
{
    static const unsigned first[] = { S_W, S_X, S_F, S_S, S_D, S_V };
    static const unsigned count[] = {
        NI32, NI64, NFLAGS, NF32, NF64, NV128
    };
    if (s != VFLAGS && !rnd(6)) {
        return constant(g, s);
    }
    if (!g->n[s] || !rnd(4)) {
        return keep(g, s, ir_get(g->b, first[s] + rnd(count[s])));
    }
    return g->v[s][rnd(4) ? g->n[s] - 1 - rnd(MIN(g->n[s], 8)) : rnd(g->n[s])];
}

static void put(Gen *g)
{
    switch (rnd(8)) {
    case 3: ir_put(g->b, S_S + rnd(NF32), pick(g, VF32)); break;
    case 4: ir_put(g->b, S_D + rnd(NF64), pick(g, VF64)); break;
    case 0: ir_put(g->b, S_W + rnd(NI32), pick(g, V32)); break;
    case 1: ir_put(g->b, S_F + rnd(NFLAGS), pick(g, VFLAGS)); break;
    case 2: ir_put(g->b, S_V + rnd(NV128), pick(g, VVEC)); break;
    default: ir_put(g->b, S_X + rnd(NI64), pick(g, V64)); break;
    }
}

static Sort word(void)
{
    return rnd(2) ? V64 : V32;
}

static IrBinary *const binary[] = {
    ir_add, ir_sub, ir_mul, ir_mulhu, ir_mulhs, ir_udiv, ir_sdiv, ir_and,
    ir_or, ir_xor, ir_shl, ir_shr, ir_sar, ir_ror, ir_add, ir_sub, ir_add,
};
static IrUnary *const unary[] = { ir_clz, ir_ctz, ir_bswap, ir_not, ir_neg };

static Val cond_of(Gen *g)
{
    Sort s = word();
    if (rnd(2)) {
        return ir_fcond(g->b, rnd(FC_LE + 1), pick(g, VFLAGS));
    }
    Val x = pick(g, s);
    return ir_set(g->b, rnd(GTU + 1), x, pick(g, s));
}

static void arith(Gen *g)
{
    Sort s = word();
    unsigned width = s == V64 ? 64 : 32, pos, len;
    Val x = pick(g, s), y = pick(g, s);
    pos = rnd(width);
    len = 1 + rnd(width - pos);
    switch (rnd(12)) {
    case 0: keep(g, s, unary[rnd(countof(unary))](g->b, x)); break;
    case 1: keep(g, s, ir_extract(g->b, x, pos, len)); break;
    case 2: keep(g, s, ir_sextract(g->b, x, pos, len)); break;
    case 3: keep(g, s, ir_deposit(g->b, x, y, pos, len)); break;
    case 4:
        keep(g, s, ir_select(g->b, rnd(GTU + 1), x, y, pick(g, s),
                             pick(g, s)));
        break;
    case 5:
        keep(g, s, ir_select(g->b, rnd(2) ? NE : EQ, cond_of(g),
                             ir_i32(g->b, 0), x, y));
        break;
    case 6:
        if (s == V64) {
            keep(g, V32, ir_trunc(g->b, x));
        } else {
            keep(g, V64, (rnd(2) ? ir_zext : ir_sext)(g->b, x));
        }
        break;
    case 7: keep(g, V32, cond_of(g)); break;
    default: keep(g, s, binary[rnd(countof(binary))](g->b, x, y)); break;
    }
}

static void flags(Gen *g)
{
    Sort s = word();
    Val x = pick(g, s), y = pick(g, s), f, cy;
    cy = ir_extract(g->b, pick(g, V32), 0, 1);
    switch (rnd(7)) {
    case 0: f = ir_addf(g->b, x, y); break;
    case 1: f = ir_adcf(g->b, x, y, cy); break;
    case 2: f = ir_sbcf(g->b, x, y, cy); break;
    case 3: f = ir_logicf(g->b, x); break;
    case 4:
        keep(g, V32, ir_packf(g->b, pick(g, VFLAGS)));
        f = ir_unpackf(g->b, pick(g, V32));
        break;
    default: f = ir_subf(g->b, x, y); break;
    }
    keep(g, VFLAGS, rnd(2) ? ir_notc(g->b, f) : f);
}

static Val word_const(Gen *g, u64 k)
{
    return g->word == V64 ? ir_i64(g->b, k) : ir_i32(g->b, (u32)k);
}

/* Of 64 bits it may be cut to 32, as narrower modes do it. */
static Val close_by(Gen *g)
{
    Ir *b = g->b;
    u64 by = rnd(300) - 100ull;
    if (g->word == V32 || rnd(2)) {
        return ir_add(b, g->near, word_const(g, by));
    }
    return ir_zext(b, ir_add(b, ir_trunc(b, g->near), ir_i32(b, (u32)by)));
}

static Val address(Gen *g)
{
    if (g->near.id && rnd(3)) {
        return close_by(g);
    }
    Val x = pick(g, g->word);
    u64 align = rnd(3) ? ~(u64)15 : ~0ull;
    x = ir_and(g->b, x, word_const(g, (PAGES * PAGE_SIZE - 1) & align));
    x = ir_add(g->b, x, word_const(g, GUEST_BASE));
    if (!rnd(3)) {
        Val y = ir_and(g->b, pick(g, g->word), word_const(g, 0x1ff));
        y = keep(g, g->word, y);
        y = ir_shl(g->b, y, word_const(g, rnd(5)));
        x = rnd(2) ? ir_add(g->b, x, y) : ir_add(g->b, y, x);
    }
    if (rnd(2)) {
        x = ir_add(g->b, keep(g, g->word, x), word_const(g, rnd(200) - 60ull));
    }
    g->near = x;
    return x;
}

static void memory(Gen *g)
{
    Val a = address(g), second;
    Sort s = word();
    u32 size = rnd(s == V64 ? 4 : 3);
    u32 op = size | (rnd(4) ? 0 : M_ALIGN) | (rnd(6) ? 0 : M_BE)
           | (rnd(16) ? 0 : M_USER);
    u32 sign = rnd(3) ? 0 : M_SIGN;
    switch (rnd(10)) {
    case 0: case 1: case 2:
        keep(g, s, ir_load(g->b, s == V64 ? I64 : I32, a, op | sign));
        break;
    case 3:
        keep(g, s, ir_load2(g->b, s == V64 ? I64 : I32, a, op | sign,
                            &second));
        keep(g, s, second);
        break;
    case 4: case 5: ir_store(g->b, a, pick(g, s), op); break;
    case 6: ir_store2(g->b, a, pick(g, s), pick(g, s), op); break;
    case 7:
        op = (op & ~(u32)M_SIZE) | M_128;
        if (rnd(2)) {
            keep(g, VVEC, ir_load(g->b, V128T, a, op));
        } else {
            ir_store(g->b, a, pick(g, VVEC), op);
        }
        break;
    case 8:
        op = (op & ~(u32)M_SIZE) | M_128;
        if (rnd(2)) {
            keep(g, VVEC, ir_load2(g->b, V128T, a, op, &second));
            keep(g, VVEC, second);
        } else {
            ir_store2(g->b, a, pick(g, VVEC), pick(g, VVEC), op | M_REL);
        }
        break;
    default: ir_fence(g->b, rnd(16)); break;
    }
}

static void atomic(Gen *g)
{
    Val a = address(g);
    Sort s = word();
    Type t = s == V64 ? I64 : I32;
    u32 op = rnd(s == V64 ? 4 : 3) | (rnd(3) ? 0 : M_SIGN);
    Val x = pick(g, s), expect = pick(g, s);
    if (rnd(2)) {
        expect = keep(g, s, ir_load(g->b, t, a, op));
    }
    switch (rnd(4)) {
    case 0:
        keep(g, s, ir_cas(g->b, t, a, expect, x, op));
        break;
    case 1:
        op &= ~(u32)M_SIGN;
        keep(g, V32, ir_casif(g->b, a, x, expect,
                              rnd(2) ? a : pick(g, g->word), op));
        break;
    default:
        keep(g, s, ir_rmw(g->b, rnd(RMW_UMAX + 1), t, a, x, op));
        break;
    }
}

static Val target(Gen *g)
{
    if (!rnd(4)) {
        return ir_and(g->b, pick(g, g->word), word_const(g, 0xfffc));
    }
    return ir_pc(g->b, (i64)(rnd(3 * 4096) & ~3u) - 4096);
}

static void poll(Gen *g)
{
    Val a = target(g);
    append_ins(g->b, (Ins) { .op = IR_poll, .a = a, .at = g->b->at,
                             .snap = (u16)g->b->nputs });
}

static void calls(Gen *g)
{
    Ir *b = g->b;
    switch (rnd(8)) {
    case 5: poll(g); break;
    case 0:
        keep(g, V64, IR_CALL(b, &helper_mix, pick(g, V64), pick(g, V64),
                             pick(g, V32), pick(g, V64), pick(g, V32),
                             pick(g, V64)));
        break;
    case 1:
        keep(g, V32, IR_CALL(b, &helper_sum_slots, pick(g, V32)));
        break;
    case 2:
        IR_CALL(b, &helper_stir_slots, pick(g, V64));
        break;
    case 3:
        keep(g, VVEC, IR_CALL(b, &helper_blend, pick(g, VVEC), pick(g, V64),
                              pick(g, VVEC), pick(g, VVEC)));
        break;
    case 4: ir_sync(b); break;
    case 6: ir_trap_if(b, cond_of(g), rnd(1000)); break;
    default: ir_exit_if(b, cond_of(g), target(g)); break;
    }
}

static Lane lane(void)
{
    return (Lane)rnd(4);
}

static void vectors(Gen *g)
{
    static IrVec2 *const two[] = {
        ir_vand, ir_vandn, ir_vor, ir_vxor, ir_vadd, ir_vsub, ir_vmul,
        ir_vsmin, ir_vsmax, ir_vumin, ir_vumax, ir_vceq, ir_vcgt, ir_vcgtu,
    };
    static IrVec2 *const saturate[] = {
        ir_vsqadd, ir_vuqadd, ir_vsqsub, ir_vuqsub,
    };
    static IrVecImm *const shifts[] = { ir_vshl, ir_vshr, ir_vsar };
    static IrVec1 *const widen[] = { ir_vsxl, ir_vzxl };
    Val x = pick(g, VVEC), y = pick(g, VVEC);
    Lane l = lane();
    switch (rnd(16)) {
    case 5:
        x = saturate[rnd(4)](g->b, l & 1, x, y);
        break;
    case 6:
        x = shifts[rnd(3)](g->b, l, x, rnd(8u << l));
        break;
    case 7: x = widen[rnd(2)](g->b, (Lane)rnd(3), x); break;
    case 8: x = (rnd(2) ? ir_vsmull : ir_vumull)(g->b, (Lane)rnd(3), x, y);
        break;
    case 9: x = ir_vabs(g->b, l, x); break;
    case 10:
        x = ir_vdup(g->b, l, pick(g, l == L64 ? V64 : V32));
        break;
    case 11: x = append_ins(g->b, (Ins) { .op = IR_vshuf, .type = V128T,
                                          .a = x, .b = y,
                                          .c = pick(g, VVEC) });
        break;
    case 0: x = ir_vpair(g->b, pick(g, V64), pick(g, V64)); break;
    case 1:
        x = ir_vins(g->b, l, x, rnd(16u >> l), pick(g, l == L64 ? V64 : V32));
        break;
    case 2:
        keep(g, l == L64 ? V64 : V32, ir_vget(g->b, l, x, rnd(16u >> l)));
        break;
    case 3:
        x = ir_select(g->b, NE, cond_of(g), ir_i32(g->b, 0), x, y);
        break;
    case 4: x = ir_vshuf(g->b, x, y, rnd64(), rnd64()); break;
    default: x = two[rnd(countof(two))](g->b, l, x, y); break;
    }
    keep(g, VVEC, x);
}

static void floats(Gen *g)
{
    static IrBinary *const two[] = {
        ir_fadd, ir_fsub, ir_fmul, ir_fdiv, ir_fmin, ir_fmax, ir_fminnm,
        ir_fmaxnm,
    };
    Sort s = rnd(2) ? VF64 : VF32, w = s == VF64 ? V64 : V32;
    Sort other = s == VF64 ? VF32 : VF64;
    Type t = s == VF64 ? F64 : F32;
    Val x = pick(g, s), y = pick(g, s);
    switch (rnd(13)) {
    case 0: x = ir_fsqrt(g->b, x); break;
    case 1: x = ir_ffma(g->b, x, y, pick(g, s)); break;
    case 2: keep(g, VFLAGS, ir_fcmpf(g->b, x, y, rnd(2))); return;
    case 3:
        keep(g, other, ir_f2f(g->b, other == VF64 ? F64 : F32, x));
        return;
    case 4:
        w = word();
        keep(g, w, ir_f2i(g->b, w == V64 ? I64 : I32, x,
                          rnd(FR_DYN + 1) | (rnd(2) ? FR_UNSIGNED : 0)));
        return;
    case 5: x = ir_i2f(g->b, t, pick(g, word()), rnd(2)); break;
    case 6:
        x = ir_fround(g->b, x, rnd(FR_DYN + 1) | (rnd(2) ? FR_EXACT : 0));
        break;
    case 7:
        keep(g, w, ir_bitsof(g->b, s == VF64 ? I64 : I32, x));
        x = ir_bitsof(g->b, t, pick(g, w));
        break;
    case 8:
        keep(g, VVEC, ir_vzext(g->b, x));
        x = ir_vlow(g->b, t, pick(g, VVEC));
        break;
    default: x = two[rnd(countof(two))](g->b, x, y); break;
    }
    keep(g, s, x);
}

static void float_vectors(Gen *g)
{
    static IrVec2 *const two[] = {
        ir_vfadd, ir_vfsub, ir_vfmul, ir_vfdiv, ir_vfceq, ir_vfcge, ir_vfcgt,
    };
    Val x = pick(g, VVEC), y = pick(g, VVEC);
    Lane l = rnd(2) ? L64 : L32;
    switch (rnd(8)) {
    case 0: x = ir_vfsqrt(g->b, l, x); break;
    case 1: x = ir_vffma(g->b, l, x, y, pick(g, VVEC)); break;
    default: x = two[rnd(countof(two))](g->b, l, x, y); break;
    }
    keep(g, VVEC, x);
}

static void float_memory(Gen *g)
{
    Val a = address(g), second;
    Sort s = rnd(2) ? VF64 : VF32;
    Type t = s == VF64 ? F64 : F32;
    u32 op = (s == VF64 ? M_64 : M_32) | (rnd(4) ? 0 : M_BE);
    switch (rnd(4)) {
    case 0: keep(g, s, ir_load(g->b, t, a, op)); break;
    case 1: ir_store(g->b, a, pick(g, s), op); break;
    case 2:
        keep(g, s, ir_load2(g->b, t, a, op, &second));
        keep(g, s, second);
        break;
    default: ir_store2(g->b, a, pick(g, s), pick(g, s), op); break;
    }
}

static void program(Ir *b)
{
    Gen g = { .b = b, .word = rnd(4) ? V64 : V32 };
    unsigned n = 5 + rnd(60);
    ir_start(b, env_slots, countof(env_slots), g.word == V64 ? I64 : I32,
             (u16)(rnd(64) * 4));
    b->soft = &soft_arm;
    b->fp_inline = rnd(8);
    b->one_cpu = rnd(2);
    b->spans = rnd(2);
    for (unsigned k = 0; k < n && !b->full && !b->ended; k++) {
        ir_insn(b, (u16)(256 + k * 4));
        switch (rnd(20)) {
        case 16: case 17: floats(&g); break;
        case 18: float_vectors(&g); break;
        case 19: float_memory(&g); break;
        case 0: case 1: memory(&g); break;
        case 2: atomic(&g); break;
        case 3: calls(&g); break;
        case 4: case 5: flags(&g); break;
        case 6: case 7: vectors(&g); break;
        default: arith(&g); break;
        }
        while (!b->ended && rnd(2)) {
            put(&g);
        }
    }
    if (b->ended) {
        return;
    }
    if (!rnd(8)) {
        IR_CALL(b, &helper_go_to, pick(&g, V64));
        put(&g);
        ir_leave(b);
        return;
    }
    if (rnd(2)) {
        ir_exit_if(b, cond_of(&g), target(&g));
    }
    if (!b->ended) {
        ir_exit(b, target(&g), EXIT_JUMP);
    }
}

static void random_programs(Test *t, unsigned programs)
{
    static Ir b;
    unsigned bad = 0;
    for (unsigned n = 0; n < programs && bad < 3; n++) {
        u64 seed = *rnd_state();
        program(&b);
        ir_spans(&b);
        for (unsigned run = 0; run < 4 && bad < 3; run++) {
            if (!run_both(t, &b)) {
                fprintf(stderr, "program %u, run %u, state %#llx\n", n, run,
                        (unsigned long long)seed);
                bad++;
                break;
            }
        }
    }
    check(t, !bad, "random programs");
}

/* ---- loops -------------------------------------------------------------- */

enum { S_COUNTER = S_X + NI64 - 1 };

static void loop_step(Gen *g)
{
    switch (rnd(20)) {
    case 15: case 16: floats(g); break;
    case 17: float_vectors(g); break;
    case 0: case 1: memory(g); break;
    case 2: atomic(g); break;
    case 3: case 4: flags(g); break;
    case 5: vectors(g); break;
    case 6:
        ir_exit_if(g->b, cond_of(g), target(g));
        break;
    default: arith(g); break;
    }
    while (rnd(2)) {
        put(g);
    }
}

/* One round, the same each time that the seed is the same. */
static void loop_round(Ir *b, u64 seed, Sort word, unsigned steps)
{
    Gen g = { .b = b, .word = word };
    *rnd_state() = seed;
    Val left = ir_and(b, ir_get(b, S_COUNTER), ir_i64(b, 15));
    for (unsigned k = 0; k < steps && !b->full && !b->ended; k++) {
        ir_insn(b, (u16)(256 + k * 4));
        loop_step(&g);
    }
    ir_exit_if(b, ir_set(b, EQ, left, ir_i64(b, 0)), ir_pc(b, 0xa00));
    ir_put(b, S_COUNTER, ir_sub(b, left, ir_i64(b, 1)));
}

/* False: it did not become a loop. */
static bool loop_program(Ir *b)
{
    IrLoop l = { .n = 0 };
    Sort word = rnd(4) ? V64 : V32;
    unsigned steps = 1 + rnd(rnd(2) ? 8 : 40);
    ir_start(b, env_slots, countof(env_slots), word == V64 ? I64 : I32,
             (u16)(rnd(64) * 4));
    b->soft = &soft_arm;
    b->fp_inline = rnd(8);
    b->spans = rnd(2);
    u64 seed = raw();
    loop_round(b, seed, word, steps);
    for (unsigned tries = 0; tries < 6 && ir_loop_open(b, &l); tries++) {
        loop_round(b, seed, word, steps);
        if (b->ended || b->full) {
            ir_loop_drop(b, &l);
            break;
        }
        if (ir_loop_close(b, &l)) {
            return true;
        }
    }
    ir_exit(b, ir_pc(b, 8), EXIT_JUMP);
    return false;
}

static void random_loops(Test *t, unsigned programs)
{
    static Ir b;
    unsigned bad = 0, loops = 0;
    for (unsigned n = 0; n < programs && bad < 3; n++) {
        u64 seed = *rnd_state();
        loops += loop_program(&b);
        ir_spans(&b);
        for (unsigned run = 0; run < 4 && bad < 3; run++) {
            if (!run_both(t, &b)) {
                fprintf(stderr, "loop %u, run %u, state %#llx\n", n, run,
                        (unsigned long long)seed);
                bad++;
                break;
            }
        }
    }
    check(t, !bad && loops > programs / 2, "%u random loops", loops);
}

/* ---- every operation ---------------------------------------------------- */

static Type operand_type(const Ins *i)
{
    switch (i->op) {
    case IR_trunc: return I64;
    case IR_zext: case IR_sext: return I32;
    default: return i->type;
    }
}

static Val source(Ir *b, Type t, unsigned n, bool is_const)
{
    if (is_const) {
        return ir_const(b, t, t == I32 ? (u32)rnd64() : rnd64());
    }
    return ir_get(b, t == I32 ? S_W + n : S_X + n);
}

/* One operation of integers, its operands in slots or constants. */
static bool try_int(Test *t, IrOp op, Type type, Type operand)
{
    static Ir b;
    unsigned consts = rnd(4);
    const char shape = ir_ops[op].shape[0];
    Ins i = { .op = (u16)op, .type = (u8)type };
    ir_start(&b, env_slots, countof(env_slots), I64, 0);
    b.raw = rnd(2);
    i.a = source(&b, operand, 0, false);
    if (shape != 'U' && ir_ops[op].shape[0] != 'X') {
        i.b = source(&b, operand, rnd(2), consts & 1);
    }
    if (shape == 'S') {
        i.c = source(&b, type, 2, consts & 2);
        i.d = source(&b, type, 3, false);
    }
    if (shape == 'C' || shape == 'S') {
        i.sub = (u8)rnd(GTU + 1);
    }
    if (shape == 'T') {
        i.c = ir_extract(&b, ir_get(&b, S_W + 2), 0, 1);
    }
    if (shape == 'X') {
        unsigned width = type == I64 ? 64 : 32, pos = rnd(width);
        i.imm = pos | (1 + rnd(width - pos)) << 8;
        if (op == IR_deposit) {
            i.b = source(&b, operand, 1, false);
        }
    }
    Val v = append_ins(&b, i);
    bool is_flags = op >= IR_addf && op <= IR_notc;
    ir_put(&b, is_flags ? S_F : type == I32 ? S_W : S_X, v);
    if (rnd(2)) {
        ir_put(&b, S_X + 4, ir_get(&b, S_X + 1));
        ir_put(&b, S_W, ir_get(&b, S_W + 1));
        ir_put(&b, S_X, ir_get(&b, S_X + 2));
        ir_put(&b, is_flags ? S_F : type == I32 ? S_W + 1 : S_X + 1, v);
    }
    if (rnd(2)) {
        ir_sync(&b);
    }
    ir_exit(&b, ir_pc(&b, 8), EXIT_JUMP);
    for (unsigned n = 0; n < 12; n++) {
        if (!run_both(t, &b)) {
            fprintf(stderr, "op %s type %d\n", ir_ops[op].name, type);
            return false;
        }
    }
    return true;
}

static void each_int_op(Test *t)
{
    for (unsigned op = IR_add; op <= IR_logicf; op++) {
        bool ok = true;
        for (unsigned n = 0; n < 60 && ok; n++) {
            Type type = n & 1 ? I64 : I32;
            Ins i = { .op = (u16)op, .type = (u8)type };
            if (op == IR_trunc || op == IR_set || op >= IR_addf) {
                type = I32;
            } else if (op == IR_zext || op == IR_sext) {
                type = I64;
            }
            i.type = (u8)type;
            Type operand = op == IR_set || op == IR_select || op >= IR_addf
                         ? (rnd(2) ? I64 : I32) : operand_type(&i);
            ok = try_int(t, (IrOp)op, type, operand);
        }
        check(t, ok, "op %s", ir_ops[op].name);
    }
}

/* A short program of one kind of operation, many times. */
static void each_kind(Test *t, void (*make)(Gen *), const char *name)
{
    static Ir b;
    bool ok = true;
    for (unsigned n = 0; n < 2000 && ok; n++) {
        Gen g = { .b = &b, .word = V64 };
        ir_start(&b, env_slots, countof(env_slots), I64, 0);
        b.soft = &soft_arm;
        b.fp_inline = true;
        make(&g);
        for (Sort s = 0; s < SORTS; s++) {
            static const unsigned first[] = { S_W, S_X, S_F, S_S, S_D, S_V };
            for (unsigned k = 0; k < MIN(g.n[s], 4u); k++) {
                ir_put(&b, first[s] + k, g.v[s][k]);
            }
        }
        ir_exit(&b, ir_pc(&b, 8), EXIT_JUMP);
        for (unsigned k = 0; k < 20 && ok; k++) {
            ok = run_both(t, &b);
        }
    }
    check(t, ok, "%s", name);
}

/* ---- control transfer --------------------------------------------------- */

static void jump_block(Ir *b, u16 at, i64 to, u64 add)
{
    ir_start(b, env_slots, countof(env_slots), I64, at);
    ir_put(b, S_X, ir_add(b, ir_get(b, S_X), ir_i64(b, add)));
    ir_exit(b, ir_pc(b, to), EXIT_JUMP);
}

static void links(Test *t, i64 to, const char *name)
{
    static Ir b;
    TcgCode one, two;
    Machine *m = &t->native;
    bool cross = to < 0 || to > 4095;
    u64 page = CODE_PAGE + (u64)(to & -4096);
    jump_block(&b, 0, to, 1);
    bool ok = tcg_compile(t->buffer, &b, &one);
    jump_block(&b, (u16)(to & 4095), 0, 100);
    ok = ok && tcg_compile(t->buffer, &b, &two);
    machine_reset(m);
    Env *e = &m->env;
    check(t, ok && one.njumps == 1 && (one.jump[0].guard != 0) == cross,
          "%s: made", name);
    TcgExit why = machine_run(t, m, &one);
    check(t, why == TCG_LINK && e->tcg.exit == &one.jump[0] && e->x[0] == 1 &&
          e->tcg.pc == CODE_PAGE + (u64)to, "%s: not linked", name);
    tcg_link(t->buffer, &one.jump[0], &two, 0x5000);
    TlbEntry *entry = &m->tlb.exec[page >> PAGE_BITS & (TLB_SIZE - 1)];
    *entry = (TlbEntry) { page, 0x6000 };
    why = machine_run(t, m, &one);
    check(t, e->tcg.exit == (cross ? &one.jump[0] : &two.jump[0]) &&
          e->x[0] == (cross ? 2 : 102), "%s: another physical page", name);
    entry->host = 0x5000;
    e->x[0] = 0;
    why = machine_run(t, m, &one);
    check(t, why == TCG_LINK && e->tcg.exit == &two.jump[0] &&
          e->x[0] == 101 && e->tcg.pc_page == page && e->tcg.pc == page,
          "%s: linked", name);
    tcg_link(t->buffer, &one.jump[0], NULL, 0);
    why = machine_run(t, m, &one);
    check(t, why == TCG_LINK && e->tcg.exit == &one.jump[0] &&
          e->tcg.pc == CODE_PAGE + (u64)to, "%s: unlinked", name);
    tcg_link(t->buffer, &two.jump[0], &two, 0x5000);
    tcg_link(t->buffer, &one.jump[0], &two, 0x5000);
    e->tcg.poll = 1;
    why = machine_run(t, m, &one);
    bool polls_first = to <= 0 || cross;
    check(t, why == TCG_POLL &&
          e->tcg.pc == (polls_first ? CODE_PAGE + (u64)to : page),
          "%s: poll", name);
    e->tcg.poll = 0;
    tcg_free_code(&one);
    tcg_free_code(&two);
}

static void jump_cache(Test *t)
{
    static Ir b;
    TcgCode one, two;
    Machine *m = &t->native;
    Env *e = &m->env;
    ir_start(&b, env_slots, countof(env_slots), I64, 0);
    ir_put(&b, S_X, ir_add(&b, ir_get(&b, S_X), ir_i64(&b, 1)));
    ir_exit(&b, ir_get(&b, S_X + 1), EXIT_RETURN);
    bool ok = tcg_compile(t->buffer, &b, &one);
    jump_block(&b, 0x20, 0x40, 100);
    ok = ok && tcg_compile(t->buffer, &b, &two);
    machine_reset(m);
    e->x[0] = 0;
    e->x[1] = 0x7654320;
    TcgExit why = machine_run(t, m, &one);
    check(t, ok && why == TCG_LOOKUP && e->tcg.pc == 0x7654320 &&
          e->tcg.pc_page == 0x7654000, "jump cache: miss");
    m->jcache[0x7654320 >> 2 & ((1 << JCACHE_BITS) - 1)] =
        (JumpEntry) { 0x7654320, two.exec };
    why = machine_run(t, m, &one);
    check(t, why == TCG_LINK && e->x[0] == 102 && e->tcg.pc == 0x7654040,
          "jump cache: hit");
    e->tcg.poll = 1;
    why = machine_run(t, m, &one);
    check(t, why == TCG_POLL && e->tcg.pc == 0x7654320, "jump cache: poll");
    e->tcg.poll = 0;
    tcg_free_code(&one);
    tcg_free_code(&two);
}

/* Two guest instructions, an exit behind each; last: no code may follow. */
static void counts(Test *t)
{
    static Ir b;
    TcgCode code;
    Machine *m = &t->native;
    Env *e = &m->env;
    u64 host[2];
    ir_start(&b, env_slots, countof(env_slots), I64, 0);
    ir_insn(&b, 0);
    Val x = ir_get(&b, S_X);
    ir_exit_if(&b, ir_set(&b, EQ, x, ir_i64(&b, 7)), ir_pc(&b, 0x10));
    ir_insn(&b, 4);
    ir_put(&b, S_X, ir_mul(&b, x, ir_get(&b, S_X + 1)));
    ir_exit(&b, ir_pc(&b, 0x20), EXIT_JUMP);
    tcg_count(t->buffer);
    bool ok = tcg_compile(t->buffer, &b, &code);
    for (unsigned n = 0; n < 2; n++) {
        machine_reset(m);
        e->x[0] = n ? 8 : 7;
        e->tcg.guest_insns = e->tcg.host_insns = 0;
        machine_run(t, m, &code);
        host[n] = e->tcg.host_insns;
        check(t, ok && e->tcg.guest_insns == n + 1,
              "counts: %u guest instructions", n + 1);
    }
    /* get, compare, branch, perhaps padding, jump; get, multiply, put */
    check(t, host[0] >= 4 && host[0] <= 6 && host[1] >= host[0] + 2 &&
          host[1] <= 10, "counts: %u and %u of the host's",
          (unsigned)host[0], (unsigned)host[1]);
    tcg_free_code(&code);
}

int main(int argc, char **argv)
{
    static Test test;
    u64 seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    unsigned programs = argc > 2 ? (unsigned)atoi(argv[2]) : 3000;
    for (unsigned features = 0; features < 2; features++) {
        rnd_seed(seed);
        test_start(&test, features);
        each_int_op(&test);
        each_kind(&test, vectors, "vectors");
        each_kind(&test, floats, "scalar floating point");
        each_kind(&test, float_vectors, "vector floating point");
        each_kind(&test, atomic, "atomics");
        links(&test, 0x80, "same page");
        links(&test, 0x3004, "other page");
        links(&test, -0x1ffc, "page before");
        jump_cache(&test);
        random_programs(&test, programs);
        random_loops(&test, programs);
        counts(&test);
        test_stop(&test);
    }
    return test_end(&test);
}
