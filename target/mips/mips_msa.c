/* SPDX-License-Identifier: MIT */
/*
 * MSA, the vectors of MIPS: what is a few operations of the IR.  Reference:
 * MIPS volume IV-j.  The table is mips_msa.decode.
 */
#include "target/mips/msa.h"
#include "mips_msa.forms.h"

/* ---- fields and registers ----------------------------------------------- */

/* Ones at the top tell the size: 0 is the widest, 10 the next, ... */
MsaField msa_bit(unsigned m)
{
    for (unsigned i = 0; i < 4; i++) {
        u32 width = 6 - i, ones = 0x7f & ~(u32)MASK(width + 1);
        if ((m & (ones | 1u << width)) == ones) {
            return (MsaField) { true, (Lane)(L64 - i), m & (u32)MASK(width) };
        }
    }
    return (MsaField) { 0 };
}

/* 00nnnn bytes, 100nnn, 1100nn, 11100n. */
MsaField msa_element(unsigned n)
{
    static const struct { u8 mask, want; } form[4] = {
        { 0x30, 0x00 }, { 0x38, 0x20 }, { 0x3c, 0x30 }, { 0x3e, 0x38 },
    };

    for (unsigned df = 0; df < 4; df++) {
        if ((n & form[df].mask) == form[df].want) {
            return (MsaField) { true, (Lane)df, n & ~form[df].mask & 0x3fu };
        }
    }
    return (MsaField) { 0 };
}

Val msa_get(Ctx *c, unsigned r)
{
    return ir_get(c->b, S_F0 + r);
}

bool msa_set(Ctx *c, unsigned r, Val v)
{
    ir_put(c->b, S_F0 + r, v);
    return true;
}

Val msa_splat(Ctx *c, Lane df, u64 v)
{
    unsigned size = 8u << df;

    v &= MASK(size);
    for (; size < 64; size *= 2) {
        v |= v << size;
    }
    return ir_v128(c->b, v, v);
}

/* ---- arithmetic, comparisons -------------------------------------------- */

static Val add_a(Ir *b, Lane df, Val s, Val t)
{
    return ir_vadd(b, df, ir_vabs(b, df, s), ir_vabs(b, df, t));
}

static Val less(Ir *b, Lane df, Val s, Val t)
{
    return ir_vcgt(b, df, t, s);
}

static Val less_u(Ir *b, Lane df, Val s, Val t)
{
    return ir_vcgtu(b, df, t, s);
}

static Val inverted(Ir *b, Val v)
{
    return ir_vxor(b, L64, v, ir_v128(b, ~0ull, ~0ull));
}

static Val not_more(Ir *b, Lane df, Val s, Val t)
{
    return inverted(b, ir_vcgt(b, df, s, t));
}

static Val not_more_u(Ir *b, Lane df, Val s, Val t)
{
    return inverted(b, ir_vcgtu(b, df, s, t));
}

static bool three(Ctx *c, form_r3 a, IrVec2 *op)
{
    return msa_set(c, a.wd, op(c->b, (Lane)a.df, msa_get(c, a.ws),
                               msa_get(c, a.wt)));
}

static bool three_i(Ctx *c, form_i5 a, IrVec2 *op)
{
    Val t = msa_splat(c, (Lane)a.df, (u64)(i64)a.imm);

    return msa_set(c, a.wd, op(c->b, (Lane)a.df, msa_get(c, a.ws), t));
}

static bool three_u(Ctx *c, form_u5 a, IrVec2 *op)
{
    Val t = msa_splat(c, (Lane)a.df, a.imm);

    return msa_set(c, a.wd, op(c->b, (Lane)a.df, msa_get(c, a.ws), t));
}

static bool accumulate(Ctx *c, form_r3 a, IrVec2 *op)
{
    Val p = ir_vmul(c->b, (Lane)a.df, msa_get(c, a.ws), msa_get(c, a.wt));

    return msa_set(c, a.wd, op(c->b, (Lane)a.df, msa_get(c, a.wd), p));
}

/* ---- bits --------------------------------------------------------------- */

typedef Val LogicFn(Ctx *c, Val d, Val s, Val t);

static Val and_v(Ctx *c, Val d, Val s, Val t)
{
    (void)d;
    return ir_vand(c->b, L64, s, t);
}

static Val or_v(Ctx *c, Val d, Val s, Val t)
{
    (void)d;
    return ir_vor(c->b, L64, s, t);
}

static Val nor_v(Ctx *c, Val d, Val s, Val t)
{
    (void)d;
    return inverted(c->b, ir_vor(c->b, L64, s, t));
}

static Val xor_v(Ctx *c, Val d, Val s, Val t)
{
    (void)d;
    return ir_vxor(c->b, L64, s, t);
}

/* Bits of x where mask has ones, else of y. */
static Val merged(Ctx *c, Val mask, Val x, Val y)
{
    return ir_vor(c->b, L64, ir_vand(c->b, L64, x, mask),
                  ir_vandn(c->b, L64, y, mask));
}

static Val bmnz(Ctx *c, Val d, Val s, Val t)
{
    return merged(c, t, s, d);
}

static Val bmz(Ctx *c, Val d, Val s, Val t)
{
    return merged(c, t, d, s);
}

static Val bsel(Ctx *c, Val d, Val s, Val t)
{
    return merged(c, d, t, s);
}

static bool logic(Ctx *c, form_v a, LogicFn *f)
{
    return msa_set(c, a.wd, f(c, msa_get(c, a.wd), msa_get(c, a.ws),
                              msa_get(c, a.wt)));
}

static bool logic_i(Ctx *c, form_i8 a, LogicFn *f)
{
    return msa_set(c, a.wd, f(c, msa_get(c, a.wd), msa_get(c, a.ws),
                              msa_splat(c, L8, a.i8)));
}

static bool shift(Ctx *c, form_bit a, IrVecImm *op)
{
    MsaField f = msa_bit(a.m);

    return f.ok && msa_set(c, a.wd, op(c->b, f.df, msa_get(c, a.ws), f.n));
}

static bool one_bit(Ctx *c, form_bit a, IrVec2 *op)
{
    MsaField f = msa_bit(a.m);

    return f.ok && msa_set(c, a.wd, op(c->b, f.df, msa_get(c, a.ws),
                                       msa_splat(c, f.df, BIT(f.n))));
}

/* ---- shuffles ----------------------------------------------------------- */

/* Lane i of the result is which lane of ws (n and on) : wt (below n)? */
typedef unsigned PickFn(unsigned i, unsigned n);

static unsigned interleave_left(unsigned i, unsigned n)
{
    return n / 2 + i / 2 + (i & 1 ? n : 0);
}

static unsigned interleave_right(unsigned i, unsigned n)
{
    return i / 2 + (i & 1 ? n : 0);
}

static unsigned interleave_even(unsigned i, unsigned n)
{
    return (i & ~1u) + (i & 1 ? n : 0);
}

static unsigned interleave_odd(unsigned i, unsigned n)
{
    return (i | 1) + (i & 1 ? n : 0);
}

static unsigned pack_even(unsigned i, unsigned n)
{
    (void)n;
    return 2 * i;
}

static unsigned pack_odd(unsigned i, unsigned n)
{
    (void)n;
    return 2 * i + 1;
}

/* Bytes from low (0 to 15) and high (16 to 31). */
static Val picked(Ctx *c, Val low, Val high, const u8 *from)
{
    return ir_vshuf(c->b, low, high, load_le(from, 8), load_le(from + 8, 8));
}

static bool shuffle(Ctx *c, form_r3 a, PickFn *pick)
{
    unsigned size = 1u << a.df;
    u8 from[16];

    for (unsigned i = 0; i < 16; i++) {
        from[i] = (u8)(pick(i / size, 16 / size) * size + i % size);
    }
    return msa_set(c, a.wd, picked(c, msa_get(c, a.wt), msa_get(c, a.ws),
                                   from));
}

/* Two bits of i8 for each lane of four. */
static bool shf(Ctx *c, form_i8 a, Lane df)
{
    unsigned size = 1u << df;
    Val s = msa_get(c, a.ws);
    u8 from[16];

    for (unsigned i = 0; i < 16; i++) {
        unsigned lane = i / size, which = a.i8 >> 2 * (lane & 3) & 3;
        from[i] = (u8)(((lane & ~3u) + which) * size + i % size);
    }
    return msa_set(c, a.wd, picked(c, s, s, from));
}

/*
 * A register is as many rows as a lane has bytes; each moves n bytes down,
 * and that of wd comes behind it.
 */
static bool sldi(Ctx *c, form_elm a)
{
    MsaField f = msa_element(a.n);
    unsigned row = 16u >> f.df;
    u8 from[16];

    for (unsigned i = 0; i < 16; i++) {
        unsigned at = i % row + f.n, start = i - i % row;
        from[i] = (u8)(at < row ? start + at : 16 + start + at - row);
    }
    return f.ok && msa_set(c, a.wd, picked(c, msa_get(c, a.ws),
                                           msa_get(c, a.wd), from));
}

static bool splati(Ctx *c, form_elm a)
{
    MsaField f = msa_element(a.n);
    unsigned size = 1u << f.df;
    Val s = msa_get(c, a.ws);
    u8 from[16];

    for (unsigned i = 0; i < 16; i++) {
        from[i] = (u8)(f.n * size + i % size);
    }
    return f.ok && msa_set(c, a.wd, picked(c, s, s, from));
}

/* ---- moves -------------------------------------------------------------- */

static bool ldi(Ctx *c, form_ldi a)
{
    return msa_set(c, a.wd, msa_splat(c, (Lane)a.df, (u64)(i64)a.imm));
}

/* 64-bit lanes and general registers are a 64-bit CPU's. */
static bool has_lane(const Ctx *c, Lane df)
{
    return df != L64 || has(c, FEAT_64);
}

/* A general register as a lane has it. */
static Val lane_of(Ctx *c, unsigned r, Lane df)
{
    return df == L64 ? get_r(c, r) : get_w(c, r);
}

static bool fill(Ctx *c, form_fill a)
{
    Lane df = (Lane)a.df;

    return has_lane(c, df)
        && msa_set(c, a.wd, ir_vdup(c->b, df, lane_of(c, a.rs, df)));
}

/* The field wd is a general register. */
static bool copy_s(Ctx *c, form_elm a)
{
    MsaField f = msa_element(a.n);

    if (!f.ok || !has_lane(c, f.df)) {
        return false;
    }
    Val v = ir_vget(c->b, f.df, msa_get(c, a.ws), f.n);
    if (f.df == L64) {
        return set_r(c, a.wd, v);
    }
    return set_w(c, a.wd, f.df == L32 ? v
                 : ir_sextract(c->b, v, 0, 8u << f.df));
}

/* There is none of the widest lanes, which are no wider than registers. */
static bool copy_u(Ctx *c, form_elm a)
{
    MsaField f = msa_element(a.n);

    if (!f.ok || f.df == L64 || (f.df == L32 && !has(c, FEAT_64))) {
        return false;
    }
    Val v = ir_vget(c->b, f.df, msa_get(c, a.ws), f.n);
    return set_r(c, a.wd, c->reg == I64 ? ir_zext(c->b, v) : v);
}

static bool insert(Ctx *c, form_elm a)
{
    MsaField f = msa_element(a.n);

    return f.ok && has_lane(c, f.df)
        && msa_set(c, a.wd, ir_vins(c->b, f.df, msa_get(c, a.wd), f.n,
                                    lane_of(c, a.ws, f.df)));
}

static bool insve(Ctx *c, form_elm a)
{
    MsaField f = msa_element(a.n);

    return f.ok
        && msa_set(c, a.wd, ir_vins(c->b, f.df, msa_get(c, a.wd), f.n,
                                    ir_vget(c->b, f.df, msa_get(c, a.ws),
                                            0)));
}

static bool move_v(Ctx *c, form_elm a)
{
    return msa_set(c, a.wd, msa_get(c, a.ws));
}

static u32 insn_cfcmsa(void *env, u32 n)
{
    MipsCpu *c = env;

    return n == MSAIR ? c->msair : n == MSACSR ? c->msacsr : 0;
}
HELPER(insn_cfcmsa, H_READ, i32, ptr, i32);

static bool cfcmsa(Ctx *c, form_ctl a)
{
    return set_w(c, a.rd, IR_CALL(c->b, &helper_insn_cfcmsa,
                                  ir_i32(c->b, a.rs)));
}

static void insn_ctcmsa(void *env, u32 v)
{
    MipsCpu *c = env;

    if (!mips_set_msacsr(c, v)) {
        mips_exception(c, EXC_MSAFPE, 0);
        cpu_resume(&c->cpu);
    }
}
HELPER(insn_ctcmsa, H_ALL, void, ptr, i32);

static bool ctcmsa(Ctx *c, form_ctl a)
{
    if (a.rd == MSACSR) {
        IR_CALL(c->b, &helper_insn_ctcmsa, get_w(c, a.rs));
    }
    return true;
}

/* ---- memory ------------------------------------------------------------- */

/* Each lane has the CPU's byte order: a big-endian vector is turned round. */
static Val in_order(Ctx *c, Val v, unsigned df)
{
    unsigned size = 1u << df;
    u8 from[16];

    if (!(c->key & KEY_BE) || !df) {
        return v;
    }
    for (unsigned i = 0; i < 16; i++) {
        from[i] = (u8)(i ^ (size - 1));
    }
    return picked(c, v, v, from);
}

/* Addresses need not be aligned (volume IV-j, 3.2). */
static bool load_v(Ctx *c, form_mem a)
{
    Val va = address(c, a.base, a.offset * (1 << a.df));
    Val v = ir_load(c->b, V128T, va, M_128);

    return msa_set(c, a.wd, in_order(c, v, a.df));
}

static bool store_v(Ctx *c, form_mem a)
{
    Val va = address(c, a.base, a.offset * (1 << a.df));

    ir_store(c->b, va, in_order(c, msa_get(c, a.wd), a.df), M_128);
    return true;
}

#include "mips_msa.decode.h"

bool mips_msa(Ctx *c, u32 w)
{
    return mips_msa_decode(c, w);
}
