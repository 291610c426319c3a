/* SPDX-License-Identifier: MIT */
/*
 * Random cases: legal words from the decode tables, and registers that give
 * them something to do.  Addresses lie in the data area (see oracle.h).
 */
#include "compare.h"

enum { NOP = 0xd503201f };

static u64 generator;

void random_seed(u64 seed)
{
    generator = seed;
}

/* splitmix64 */
u64 random_bits(void)
{
    u64 z = generator += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* ---- operands ----------------------------------------------------------- */

static u64 random_int(void)
{
    u64 r = random_bits();

    switch (below(8)) {
    case 0: return 0;
    case 1: return r % 64;
    case 2: return 0 - r % 64;
    case 3: return BIT(r % 64);
    case 4: return BIT(r % 64) - 1;
    case 5: return (u64)(i64)(i32)r;
    }
    return r;
}

static u64 random_f64(void)
{
    static const u64 edge[] = {
        0, 0x3ff0000000000000, 0x3fe0000000000000, 0x4000000000000000,
        0x7ff0000000000000, 0x7ff8000000000000, 0x7ff0000000000001,
        0x7ff8000000000123, 0x7fefffffffffffff, 0x0010000000000000,
        0x000fffffffffffff, 1, 0x43e0000000000000, 0x41dfffffffc00000,
        0x41f0000000000000, 0x3690000000000000, 0x47efffffe0000000,
    };
    u64 sign = random_bits() << 63;

    switch (below(4)) {
    case 0: return sign | edge[below(countof(edge))];
    case 1: return sign | (u64)(1023 - 40 + below(110)) << 52
            | random_bits() >> 12;
    case 2: return sign | (u64)(1023 - 4 + below(68)) << 52
            | random_bits() >> 60 << 48;
    }
    return random_bits();
}

static u32 random_f32(void)
{
    static const u32 edge[] = {
        0, 0x3f800000, 0x3f000000, 0x40000000, 0x7f800000, 0x7fc00000,
        0x7f800001, 0x7fc00123, 0x7f7fffff, 0x00800000, 0x007fffff, 1,
        0x4f000000, 0x5f000000, 0x4effffff, 0x477fe000, 0x33800000,
    };
    u32 sign = (u32)random_bits() << 31;

    switch (below(4)) {
    case 0: return sign | edge[below(countof(edge))];
    case 1: return sign | (127 - 20 + below(60)) << 23
            | (u32)random_bits() >> 9;
    case 2: return sign | (127 - 4 + below(36)) << 23
            | (u32)random_bits() >> 28 << 19;
    }
    return (u32)random_bits();
}

static u16 random_f16(void)
{
    static const u16 edge[] = {
        0, 0x3c00, 0x3800, 0x4000, 0x7c00, 0x7e00, 0x7c01, 0x7bff, 0x0400,
        0x03ff, 1, 0x7e12,
    };

    return below(2) ? (u16)(random_bits() << 15 | edge[below(countof(edge))])
                    : (u16)random_bits();
}

static void random_vector(u64 v[2])
{
    unsigned kind = below(8);

    for (int i = 0; i < 2; i++) {
        switch (kind) {
        case 0: case 1:
            v[i] = random_f64();
            break;
        case 2: case 3:
            v[i] = (u64)random_f32() << 32 | random_f32();
            break;
        case 4:
            v[i] = (u64)random_f16() << 48 | (u64)random_f16() << 32
                | (u64)random_f16() << 16 | random_f16();
            break;
        case 5:
            v[i] = random_int();
            break;
        default:
            v[i] = random_bits();
        }
    }
}

static u64 random_pointer(void)
{
    return ORACLE_AREA + ORACLE_AREA_SIZE / 2
        + (below(2) ? 16 * below(256) : below(4096));
}

/* The oracle's own memory must not be met by accident. */
static u64 harmless(u64 v)
{
    u64 page = bits(v, 55, 20);

    return page >= 3 && page <= 5 ? v & 15 : v;
}

static void random_state(OracleCase *k, bool memory, bool fp)
{
    static const u32 fpcr[] = { 0, 1 << 22, 2 << 22, 3 << 22, 1 << 24,
                                1 << 25, 3 << 24, 7 << 22 };

    for (unsigned i = 0; i < 31; i++) {
        k->x[i] = !memory || below(16) == 0 ? random_int()
            : below(4) ? random_pointer() : below(1024) - 512ull;
        if (memory) {
            k->x[i] = harmless(k->x[i]);
        }
    }
    k->sp = align_down(random_pointer(), 16);
    k->nzcv = random_bits() & 0xf0000000;
    k->fpcr = fp && below(3) == 0 ? fpcr[below(countof(fpcr))] : 0;
    k->fpsr = fp && below(4) == 0 ? 1u << below(5) : 0;
    for (unsigned i = 0; i < 32; i++) {
        random_vector(k->v[i]);
    }
}

/* ---- words -------------------------------------------------------------- */

static unsigned rn_of(u32 w)  { return (unsigned)bits(w, 9, 5); }
static unsigned rt_of(u32 w)  { return (unsigned)bits(w, 4, 0); }
static unsigned rt2_of(u32 w) { return (unsigned)bits(w, 14, 10); }
static unsigned rs_of(u32 w)  { return (unsigned)bits(w, 20, 16); }

static bool is_branch(u32 w)
{
    return bits(w, 28, 26) == 5;
}

static bool is_exclusive(u32 w)
{
    return (w & 0x3f000000) == 0x08000000;
}

static bool is_atomic(u32 w)
{
    return (w & 0x3f200c00) == 0x38200000;
}

static bool is_register(u32 w)      /* load or store of one register */
{
    return (w & 0x3a000000) == 0x38000000;
}

static bool is_pair(u32 w)
{
    return (w & 0x3a000000) == 0x28000000;
}

static bool is_literal(u32 w)
{
    return (w & 0x3b000000) == 0x18000000;
}

static bool same(unsigned r, unsigned s)
{
    return r == s && r != 31;
}

/* An exclusive access whose registers collide. */
static bool exclusive_collides(u32 w)
{
    bool load = w >> 22 & 1, pair = (w >> 21 & 1) && !(w >> 23 & 1);

    if (w >> 23 & 1) {                          /* ordered, CAS */
        return false;
    }
    if (pair && !(w >> 31)) {                   /* CASP: x31 is not SP */
        return rs_of(w) >= 30;
    }
    if (load) {
        return pair && rt_of(w) == rt2_of(w);
    }
    return same(rs_of(w), rn_of(w)) || rs_of(w) == rt_of(w)
        || (pair && rs_of(w) == rt2_of(w));
}

/* Constrained unpredictable: there is nothing to compare. */
static bool is_open(u32 w)
{
    bool vector = w >> 26 & 1;

    if (is_exclusive(w)) {
        return exclusive_collides(w);
    }
    if (is_pair(w)) {
        bool writeback = w >> 23 & 1, load = w >> 22 & 1;
        return (load && rt_of(w) == rt2_of(w))
            || (writeback && !vector && (same(rt_of(w), rn_of(w))
                                         || same(rt2_of(w), rn_of(w))));
    }
    return is_register(w) && !(w >> 24 & 1) && !(w >> 21 & 1)
        && (w >> 10 & 1) && !vector && same(rt_of(w), rn_of(w));
}

/* The distance from word `at` to words[5]. */
static u32 forward(unsigned at)
{
    return 5 - at;
}

/* Points a word's offset, or its register, at something that is there. */
static u32 aim(OracleCase *k, u32 w, unsigned at, u64 pc)
{
    if (is_literal(w)) {
        u32 words = ORACLE_POOL / 4 - at + below(ORACLE_POOL / 4 - 3);
        return (u32)deposit(w, 5, 19, words);
    }
    if (!is_branch(w)) {
        return w;
    }
    if ((w & 0x7c000000) == 0x14000000) {       /* B, BL */
        return (u32)deposit(w, 0, 26, forward(at));
    }
    if ((w & 0x7e000000) == 0x36000000) {       /* TBZ, TBNZ */
        return (u32)deposit(w, 5, 14, forward(at));
    }
    if (w >> 25 != 0x6b) {                      /* CBZ, CBNZ, B.cond */
        return (u32)deposit(w, 5, 19, forward(at));
    }
    if (rn_of(w) == 31) {
        w &= ~(1u << 5);
    }
    k->x[rn_of(w)] = pc + 4 * 5;
    return w;
}

/* Makes a load or store's address a good one, mostly. */
static void place(OracleCase *k, u32 w)
{
    unsigned rn = rn_of(w), rm = rs_of(w);
    u64 align = is_exclusive(w) || is_atomic(w) ? 16 : 1;

    if (rn != 31 && below(16)) {
        k->x[rn] = align_down(random_pointer(), align);
    }
    if ((w & 0x3b200c00) == 0x38200800 && rm != 31 && rm != rn && below(16)) {
        u64 index = below(1024) - 512ull;
        bool word = !(w >> 13 & 1);
        k->x[rm] = word ? deposit(random_bits(), 0, 32, index) : index;
    }
}

static u32 draw(const Insn *row)
{
    return row->want | ((u32)random_bits() & ~row->mask);
}

/* A register that is none of w's. */
static u32 free_register(u32 w, u32 start)
{
    while (start % 31 == rn_of(w) || start % 31 == rt_of(w)
           || start % 31 == rt2_of(w) || start % 31 == rs_of(w)) {
        start++;
    }
    return start % 31;
}

/* The load-exclusive that lets store-exclusive w succeed. */
static u32 matching_load(u32 w)
{
    u32 rt = free_register(w, below(31));
    u32 load = (u32)deposit(w, 0, 5, rt) | 1u << 22;

    if (w >> 21 & 1) {
        load = (u32)deposit(load, 10, 5, free_register(w, rt + 1));
    }
    return load;
}

static const Insn *random_row(const Table *t)
{
    unsigned n = 0;

    while (t->insns[n].name) {
        n++;
    }
    return &t->insns[below(n)];
}

bool make_case(OracleCase *k, const Table *t, const Insn *row, u64 pc,
               unsigned mix)
{
    bool memory = strstr(t->name, "ldst");
    u32 w = draw(row);

    memset(k, 0, sizeof *k);
    random_state(k, memory, t->fp);
    for (unsigned i = 0; i < ORACLE_WORDS - 1; i++) {
        k->words[i] = NOP;
        if (i + mix >= ORACLE_WORDS) {
            u32 other = draw(random_row(t));
            if (is_open(other) || is_branch(other) || is_exclusive(other)) {
                return false;
            }
            k->words[i] = aim(k, other, i, pc);
        }
    }
    if (memory) {
        place(k, w);
        if (is_exclusive(w) && !(w >> 22 & 3) && !is_open(w)
            && (w >> 31 || !(w >> 21 & 1)) && below(4)) {
            k->words[ORACLE_WORDS - 2] = matching_load(w);
        }
    }
    k->words[ORACLE_WORDS - 1] = aim(k, w, ORACLE_WORDS - 1, pc);
    return !is_open(w);
}

unsigned first_word(const OracleCase *k)
{
    unsigned i = 0;

    while (i < ORACLE_WORDS - 1 && k->words[i] == NOP) {
        i++;
    }
    return i;
}
