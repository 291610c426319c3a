/* SPDX-License-Identifier: MIT */
/*
 * Vectors in C: what translated code does not do in line.
 * SDM volume 2, the instructions' pages; 4.1 for the string comparisons.
 */
#include "softmmu/cpu.h"
#include "target/i386/sse.h"

/* ---- sums and products -------------------------------------------------- */

static V128 vec_psadbw(V128 a, V128 b)
{
    Vec x = { a }, y = { b }, r = { .d = { 0, 0 } };

    for (unsigned i = 0; i < 16; i++) {
        int d = x.b[i] - y.b[i];
        r.d[i / 8] += (u64)(d < 0 ? -d : d);
    }
    return r.v;
}
HELPER(vec_psadbw, H_PURE, v128, v128, v128);

/* Unsigned bytes of a times signed ones of b. */
static V128 vec_pmaddubsw(V128 a, V128 b)
{
    Vec x = { a }, y = { b }, r;

    for (unsigned i = 0; i < 8; i++) {
        int s = x.b[2 * i] * y.sb[2 * i] + x.b[2 * i + 1] * y.sb[2 * i + 1];
        r.sh[i] = (i16)MIN(MAX(s, INT16_MIN), INT16_MAX);
    }
    return r.v;
}
HELPER(vec_pmaddubsw, H_PURE, v128, v128, v128);

static V128 vec_pmulhrsw(V128 a, V128 b)
{
    Vec x = { a }, y = { b }, r;

    for (unsigned i = 0; i < 8; i++) {
        r.h[i] = (u16)(((x.sh[i] * y.sh[i] >> 14) + 1) >> 1);
    }
    return r.v;
}
HELPER(vec_pmulhrsw, H_PURE, v128, v128, v128);

static V128 vec_phminposuw(V128 a)
{
    Vec x = { a }, r = { .d = { 0, 0 } };
    u16 best = 0;

    for (u16 i = 1; i < 8; i++) {
        best = x.h[i] < x.h[best] ? i : best;
    }
    r.h[0] = x.h[best];
    r.h[1] = best;
    return r.v;
}
HELPER(vec_phminposuw, H_PURE, v128, v128);

/* Sums of four differences, of b's block imm 1:0 with a's bytes from imm 2. */
static V128 vec_mpsadbw(V128 a, V128 b, u32 imm)
{
    Vec x = { a }, y = { b }, r;
    const u8 *from = x.b + (imm & 4), *block = y.b + (imm & 3) * 4;

    for (unsigned i = 0; i < 8; i++) {
        r.h[i] = 0;
        for (unsigned k = 0; k < 4; k++) {
            int d = from[i + k] - block[k];
            r.h[i] = (u16)(r.h[i] + (d < 0 ? -d : d));
        }
    }
    return r.v;
}
HELPER(vec_mpsadbw, H_PURE, v128, v128, v128, i32);

/* ---- shifts by variables ------------------------------------------------ */

/* Signed x of `width` bits by n. */
static u64 shift(i64 x, u64 n, unsigned width, u32 kind)
{
    if (kind & SHIFT_ARITH) {
        return (u64)(x >> MIN(n, width - 1));
    }
    if (n >= width) {
        return 0;
    }
    return kind & SHIFT_RIGHT ? ((u64)x & MASK(width)) >> n : (u64)x << n;
}

static V128 shift_lanes(Vec x, Vec n, u32 kind)
{
    for (unsigned i = 0; (kind & 3) == L16 && i < 8; i++) {
        x.h[i] = (u16)shift(x.sh[i], n.h[i], 16, kind);
    }
    for (unsigned i = 0; (kind & 3) == L32 && i < 4; i++) {
        x.w[i] = (u32)shift(x.sw[i], n.w[i], 32, kind);
    }
    for (unsigned i = 0; (kind & 3) == L64 && i < 2; i++) {
        x.d[i] = shift(x.sd[i], n.d[i], 64, kind);
    }
    return x.v;
}

static V128 vec_shift_by(V128 a, u64 count, u32 kind)
{
    Vec n;

    count = MIN(count, 255);
    for (unsigned i = 0; i < 2; i++) {
        n.d[i] = (kind & 3) == L16 ? count * 0x0001000100010001
               : (kind & 3) == L32 ? count * 0x0000000100000001 : count;
    }
    return shift_lanes((Vec) { a }, n, kind);
}
HELPER(vec_shift_by, H_PURE, v128, v128, i64, i32);

static V128 vec_shift_each(V128 a, V128 counts, u32 kind)
{
    return shift_lanes((Vec) { a }, (Vec) { counts }, kind);
}
HELPER(vec_shift_each, H_PURE, v128, v128, v128, i32);

/* ---- permutations ------------------------------------------------------- */

/* Four words of the eight in hi:lo. */
static V128 vec_permute(V128 lo, V128 hi, V128 numbers)
{
    Vec x[2] = { { lo }, { hi } }, n = { numbers }, r;

    for (unsigned i = 0; i < 4; i++) {
        unsigned k = n.w[i] & 7;
        r.w[i] = x[k / 4].w[k % 4];
    }
    return r.v;
}
HELPER(vec_permute, H_PURE, v128, v128, v128, v128);

/* VPERMILPS: bits 1:0; VPERMILPD: bit 1. */
static V128 vec_permute_ps(V128 a, V128 numbers, u32 lane)
{
    Vec x = { a }, n = { numbers }, r;

    for (unsigned i = 0; i < 4; i++) {
        if (lane == L32) {
            r.w[i] = x.w[n.w[i] & 3];
        } else {
            r.d[i / 2] = x.d[n.d[i / 2] >> 1 & 1];
        }
    }
    return r.v;
}
HELPER(vec_permute_ps, H_PURE, v128, v128, v128, i32);

/* ---- string comparisons ------------------------------------------------- */

enum {
    STR_WORDS = 1 << 0, STR_SIGNED = 1 << 1, STR_HOW = 3 << 2,
    STR_ANY = 0 << 2, STR_RANGES = 1 << 2, STR_EACH = 2 << 2,
    STR_ORDERED = 3 << 2, STR_NEGATE = 1 << 4, STR_VALID_ONLY = 1 << 5,
    STR_LAST = 1 << 6,          /* index of the last one, or a whole mask */
};

/* Element i. */
static int element(const Vec *v, unsigned i, u32 imm)
{
    if (imm & STR_WORDS) {
        return imm & STR_SIGNED ? v->sh[i] : v->h[i];
    }
    return imm & STR_SIGNED ? v->sb[i] : v->b[i];
}

/* Elements before the first zero. */
static unsigned implicit_length(const Vec *v, u32 imm, unsigned n)
{
    unsigned i = 0;

    while (i < n && element(v, i, imm)) {
        i++;
    }
    return i;
}

/* One set of elements and the other string; lengths are not above n. */
typedef struct Strings {
    Vec a, b;
    unsigned la, lb, n;
    u32 imm;
} Strings;

static bool among(const Strings *s, int x)
{
    unsigned step = (s->imm & STR_HOW) == STR_RANGES ? 2 : 1;

    for (unsigned i = 0; i + step <= s->la; i += step) {
        int low = element(&s->a, i, s->imm);
        if (step == 1 ? x == low
                      : x >= low && x <= element(&s->a, i + 1, s->imm)) {
            return true;
        }
    }
    return false;
}

/* Does a stand at element j of b, as far as the register goes? */
static bool stands_at(const Strings *s, unsigned j)
{
    for (unsigned i = 0; i < s->la && i + j < s->n; i++) {
        if (i + j >= s->lb
            || element(&s->a, i, s->imm) != element(&s->b, i + j, s->imm)) {
            return false;
        }
    }
    return true;
}

static bool matches(const Strings *s, unsigned j)
{
    bool valid_a = j < s->la, valid_b = j < s->lb;

    switch (s->imm & STR_HOW) {
    case STR_EACH:
        return valid_a && valid_b
            ? element(&s->a, j, s->imm) == element(&s->b, j, s->imm)
            : !valid_a && !valid_b;
    case STR_ORDERED:
        return stands_at(s, j);
    default:
        return valid_b && among(s, element(&s->b, j, s->imm));
    }
}

static u64 vec_string(V128 a, V128 b, u32 how, u32 lengths)
{
    Strings s = { .a = { a }, .b = { b }, .imm = how & 255 };
    u32 bits = 0, flags = 0;

    s.n = s.imm & STR_WORDS ? 8 : 16;
    s.la = MIN(lengths & 255, s.n);
    s.lb = MIN(lengths >> 8, s.n);
    if (how >> 8 & PCMP_IMPLICIT) {
        s.la = implicit_length(&s.a, s.imm, s.n);
        s.lb = implicit_length(&s.b, s.imm, s.n);
    }
    for (unsigned j = 0; j < s.n; j++) {
        bool negate = s.imm & STR_NEGATE
                   && (!(s.imm & STR_VALID_ONLY) || j < s.lb);
        bits |= (u32)(matches(&s, j) != negate) << j;
    }
    flags |= bits ? FL_CF : 0;
    flags |= s.lb < s.n ? FL_ZF : 0;
    flags |= s.la < s.n ? FL_SF : 0;
    flags |= bits & 1 ? FL_OF : 0;
    if (!(how >> 8 & PCMP_MASK)) {
        bits = !bits ? s.n
             : (u32)(s.imm & STR_LAST ? 31 - __builtin_clz(bits)
                                      : __builtin_ctz(bits));
    }
    return bits | (u64)flags << 32;
}
HELPER(vec_string, H_PURE, i64, v128, v128, i32, i32);

static V128 vec_string_mask(u32 result, u32 how)
{
    Vec r = { .d = { result, 0 } };

    if (how & STR_LAST) {
        for (unsigned i = 0; i < 16; i++) {
            unsigned bit = how & STR_WORDS ? i / 2 : i;
            r.b[i] = result >> bit & 1 ? 0xff : 0;
        }
    }
    return r.v;
}
HELPER(vec_string_mask, H_PURE, v128, i32, i32);

/* ---- masked memory ------------------------------------------------------ */

static bool selected(const Vec *mask, Lane l, unsigned i)
{
    return mask->sb[((i + 1) << l) - 1] < 0;
}

static u64 lane_value(const Vec *v, Lane l, unsigned i)
{
    return load_le(v->b + (i << l), 1u << l);
}

static void probe(Cpu *c, u64 va)
{
    TlbHit hit;
    Fault f = { 0 };

    if (!tlb_resolve(c, va, ACCESS_WRITE, false, &hit, &f)) {
        cpu_fault(c, &f);
    }
}

static void vec_mask_probe(void *env, u64 addr, V128 mask, u32 lane)
{
    Vec m = { mask };
    Lane l = (Lane)lane;
    u64 page = ~0ull;

    for (unsigned i = 0; i < 16u >> l; i++) {
        u64 first = addr + (i << l), last = first + (1u << l) - 1;
        if (!selected(&m, l, i)) {
            continue;
        }
        if (align_down(first, GUEST_PAGE) != page) {
            probe(env, first);
        }
        page = align_down(last, GUEST_PAGE);
        if (align_down(first, GUEST_PAGE) != page) {
            probe(env, page);
        }
    }
}
HELPER(vec_mask_probe, H_READ | H_RAISE, void, ptr, i64, v128, i32);

/* After vec_mask_probe() it does not fault. */
static void vec_mask_store(void *env, u64 addr, V128 data, V128 mask, u32 lane)
{
    Vec v = { data }, m = { mask };
    Lane l = (Lane)lane;

    for (unsigned i = 0; i < 16u >> l; i++) {
        if (selected(&m, l, i)) {
            cpu_store(env, addr + (i << l), lane_value(&v, l, i), (u32)l);
        }
    }
}
HELPER(vec_mask_store, H_READ | H_RAISE, void, ptr, i64, v128, v128, i32);

static V128 vec_mask_load(void *env, u64 addr, V128 mask, u32 lane)
{
    Vec r = { .d = { 0, 0 } }, m = { mask };
    Lane l = (Lane)lane;

    for (unsigned i = 0; i < 16u >> l; i++) {
        if (selected(&m, l, i)) {
            u64 v = cpu_load(env, addr + (i << l), (u32)l);
            store_le(r.b + (i << l), 1u << l, v);
        }
    }
    return r.v;
}
HELPER(vec_mask_load, H_READ | H_RAISE, v128, ptr, i64, v128, i32);

/* ---- gathers ------------------------------------------------------------ */

/* Elements of a register in two halves. */
static void put_element(Vec half[2], Lane l, unsigned i, u64 v)
{
    unsigned per = 16u >> l;
    store_le(half[i / per].b + (i % per << l), 1u << l, v);
}

static u64 get_element(const Vec half[2], Lane l, unsigned i)
{
    unsigned per = 16u >> l;
    return load_le(half[i / per].b + (i % per << l), 1u << l);
}

/* What vec_gather() is told in `fields` and `how`. */
typedef struct Gather {
    unsigned dest, mask, index, scale, seg, n;
    Lane data_lane, index_lane;
    bool cut;
} Gather;

static u64 gather_element(X86Cpu *c, const Gather *g, const Vec at[2], u64 off,
                          unsigned i)
{
    u64 x = get_element(at, g->index_lane, i);

    x = g->index_lane == L64 ? x : (u64)(i32)x;
    off += x << g->scale;
    off = g->cut ? (u32)off : off;
    u64 va = x86_checked(c, g->seg, off, 1u << g->data_lane, false);
    return cpu_load(&c->cpu, va, (u32)g->data_lane);
}

/*
 * VGATHER and VPGATHER: each element loaded clears its mask at once, so that
 * after a fault the instruction goes on where it was.
 */
static void vec_gather(void *env, u64 off, u32 fields, u32 how)
{
    X86Cpu *c = env;
    Gather g = {
        .dest = fields & 15, .mask = fields >> 4 & 15,
        .index = fields >> 8 & 15, .scale = fields >> 12 & 3,
        .seg = fields >> 16, .n = how >> GATHER_COUNT,
        .data_lane = how & GATHER_DATA64 ? L64 : L32,
        .index_lane = how & GATHER_INDEX64 ? L64 : L32,
        .cut = how & GATHER_ADDR32,
    };
    Lane l = g.data_lane;
    Vec data[2] = { c->xmm[g.dest], c->ymmh[g.dest] };
    Vec m[2] = { c->xmm[g.mask], c->ymmh[g.mask] };
    Vec at[2] = { c->xmm[g.index], c->ymmh[g.index] };

    for (unsigned i = 0; i < g.n; i++) {
        if (get_element(m, l, i) >> ((8u << l) - 1)) {
            put_element(data, l, i, gather_element(c, &g, at, off, i));
        }
        put_element(m, l, i, 0);
        c->xmm[g.dest] = data[0], c->ymmh[g.dest] = data[1];
        c->xmm[g.mask] = m[0], c->ymmh[g.mask] = m[1];
    }
    for (unsigned i = g.n; i < 32u >> l; i++) {
        put_element(data, l, i, 0);
    }
    c->xmm[g.dest] = data[0], c->ymmh[g.dest] = data[1];
    c->xmm[g.mask] = c->ymmh[g.mask] = (Vec) { .d = { 0, 0 } };
}
HELPER(vec_gather, H_READ | H_WRITE | H_RAISE, void, ptr, i64, i32, i32);
