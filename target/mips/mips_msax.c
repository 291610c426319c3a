/* SPDX-License-Identifier: MIT */
/*
 * MSA on integers and fixed-point numbers, by functions of lanes that the
 * host's compiler makes vectors of.  Reference: MIPS volume IV-j.  The table
 * is mips_msax.decode.
 */
#include "target/mips/msa.h"
#include "mips_msax.forms.h"

/* ---- functions of lanes ------------------------------------------------- */

/*
 * expr of s, t and d, the lanes of ws, wt and wd, and us, ut and ud, the same
 * without a sign.  They and what is computed of them are WIDE, so it does not
 * overflow.
 */
#define ON_LANES(U, WIDE, m, sm, expr)                                      \
    for (u32 i = 0; i < countof(vd.m); i++) {                               \
        typedef WIDE Wide;                                                  \
        enum { SIZE = 8 * sizeof(U) };                                      \
        const Wide s = vs.sm[i], t = vt.sm[i], d = vd.sm[i];                \
        const Wide us = vs.m[i], ut = vt.m[i], ud = vd.m[i];                \
        (void)s, (void)t, (void)d, (void)us, (void)ut, (void)ud;            \
        vd.m[i] = (U)(expr);                                                \
    }

/* f(df, wd, ws, wt): all four sizes of one expression. */
#define LANES(f, expr)                                                      \
    static V128 f(u32 df, V128 d0, V128 s0, V128 t0)                        \
    {                                                                       \
        Vec vd = { .v = d0 }, vs = { .v = s0 }, vt = { .v = t0 };           \
                                                                            \
        switch (df) {                                                       \
        case 0: ON_LANES(u8, i32, b, sb, expr) break;                           \
        case 1: ON_LANES(u16, i32, h, sh, expr) break;                          \
        case 2: ON_LANES(u32, i64, w, sw, expr) break;                          \
        case 3: ON_LANES(u64, i128, d, sd, expr) break;                         \
        }                                                                   \
        return vd.v;                                                        \
    }                                                                       \
    HELPER(f, H_PURE, v128, i32, v128, v128, v128)

#define ONE         ((Wide)1)
#define MOST        ((ONE << (SIZE - 1)) - 1)       /* of numbers with a sign */
#define ALL_ONES    ((MOST << 1) + 1)               /* and of those without */
#define LEAST       (-MOST - 1)
#define HELD(v, least, most) \
    ((v) > (most) ? (most) : (v) < (least) ? (least) : (v))
#define SAT(v)      HELD(v, LEAST, MOST)
#define SAT_U(v)    HELD(v, (Wide)0, ALL_ONES)
#define MAGNITUDE(v)      ((v) < 0 ? -(v) : (v))
#define N           ((int)(ut & (SIZE - 1)))        /* which bit */

LANES(adds_a, SAT(MAGNITUDE(s) + MAGNITUDE(t)));
LANES(adds_s, SAT(s + t));
LANES(adds_u, SAT_U(us + ut));
LANES(subs_s, SAT(s - t));
LANES(subs_u, SAT_U(us - ut));
LANES(subsus_u, SAT_U(us - t));
LANES(subsuu_s, SAT(us - ut));
LANES(asub_s, MAGNITUDE(s - t));
LANES(asub_u, MAGNITUDE(us - ut));
LANES(ave_s, (s + t) >> 1);
LANES(ave_u, (us + ut) >> 1);
LANES(aver_s, (s + t + 1) >> 1);
LANES(aver_u, (us + ut + 1) >> 1);
LANES(max_a, MAGNITUDE(s) > MAGNITUDE(t) ? s : t);
LANES(min_a, MAGNITUDE(s) < MAGNITUDE(t) ? s : t);
/* By zero it is unpredictable, here as on the peer. */
LANES(div_s, t ? s / t : s < 0 ? 1 : -1);
LANES(div_u, ut ? us / ut : -1);
LANES(mod_s, t ? s % t : s);
LANES(mod_u, ut ? us % ut : us);
LANES(sll, us << N);
LANES(sra, s >> N);
LANES(srl, us >> N);
LANES(srar, N ? ((s >> (N - 1)) + 1) >> 1 : s);
LANES(srlr, N ? ((us >> (N - 1)) + 1) >> 1 : us);
LANES(bclr, us & ~(ONE << N));
LANES(bset, us | ONE << N);
LANES(bneg, us ^ ONE << N);

#define BELOW(n)            ((ONE << (n)) - 1)      /* the n lowest bits */
#define MERGED(mask, x, y)  (((x) & (mask)) | ((y) & ~(mask)))
LANES(binsl, MERGED(ALL_ONES & ~BELOW(SIZE - 1 - N), us, ud));
LANES(binsr, MERGED(BELOW(N + 1), us, ud));
LANES(sat_s, HELD(s, -BELOW(N) - 1, BELOW(N)));
LANES(sat_u, us > BELOW(N + 1) ? BELOW(N + 1) : us);

static int leading_zeros(u64 v, int size)
{
    return v ? __builtin_clzll(v) - (64 - size) : size;
}

LANES(nlzc, leading_zeros((u64)us, SIZE));
LANES(nloc, leading_zeros((u64)(us ^ ALL_ONES), SIZE));
LANES(pcnt, __builtin_popcountll((u64)us));

/* ---- pairs -------------------------------------------------------------- */

/* expr of the odd and even lanes, which are half as wide as those of d. */
#define ON_PAIRS(U, WIDE, m, part, expr)                                    \
    for (u32 i = 0; i < countof(vd.m); i++) {                               \
        const WIDE so = vs.part[2 * i + 1], se = vs.part[2 * i];            \
        const WIDE to = vt.part[2 * i + 1], te = vt.part[2 * i];            \
        const WIDE d = vd.m[i];                                             \
        (void)se, (void)to, (void)d;                                        \
        vd.m[i] = (U)(expr);                                                \
    }

#define PAIRS(f, part8, part16, part32, expr)                               \
    static V128 f(u32 df, V128 d0, V128 s0, V128 t0)                        \
    {                                                                       \
        Vec vd = { .v = d0 }, vs = { .v = s0 }, vt = { .v = t0 };           \
                                                                            \
        switch (df) {                                                       \
        case 1: ON_PAIRS(u16, i32, h, part8, expr)    break;                \
        case 2: ON_PAIRS(u32, i64, w, part16, expr)    break;                       \
        case 3: ON_PAIRS(u64, i128, d, part32, expr)    break;                      \
        }                                                                   \
        return vd.v;                                                        \
    }                                                                       \
    HELPER(f, H_PURE, v128, i32, v128, v128, v128)
#define PAIRS_S(f, expr)    PAIRS(f, sb, sh, sw, expr)
#define PAIRS_U(f, expr)    PAIRS(f, b, h, w, expr)

PAIRS_S(dotp_s, so * to + se * te);
PAIRS_U(dotp_u, so * to + se * te);
PAIRS_S(dpadd_s, d + so * to + se * te);
PAIRS_U(dpadd_u, d + so * to + se * te);
PAIRS_S(dpsub_s, d - so * to - se * te);
PAIRS_U(dpsub_u, d - so * to - se * te);
PAIRS_S(hadd_s, so + te);
PAIRS_U(hadd_u, so + te);
PAIRS_S(hsub_s, so - te);
PAIRS_U(hsub_u, so - te);

/* ---- fixed point -------------------------------------------------------- */

/* Fractions with a sign: df 1 has 15 bits behind it, 2 has 31. */
#define FIXED(f, expr)                                                      \
    static V128 f(u32 df, V128 d0, V128 s0, V128 t0)                        \
    {                                                                       \
        Vec vd = { .v = d0 }, vs = { .v = s0 }, vt = { .v = t0 };           \
                                                                            \
        switch (df) {                                                       \
        case 1: ON_LANES(u16, i64, h, sh, SAT((expr) >> (SIZE - 1))) break; \
        case 2: ON_LANES(u32, i128, w, sw, SAT((expr) >> (SIZE - 1))) break; \
        }                                                                   \
        return vd.v;                                                        \
    }                                                                       \
    HELPER(f, H_PURE, v128, i32, v128, v128, v128)

#define ROUND       (ONE << (SIZE - 2))
#define SCALED(v)   ((v) * (ONE << (SIZE - 1)))

FIXED(mul_q, s * t);
FIXED(mulr_q, s * t + ROUND);
FIXED(madd_q, SCALED(d) + s * t);
FIXED(maddr_q, SCALED(d) + s * t + ROUND);
FIXED(msub_q, SCALED(d) - s * t);
FIXED(msubr_q, SCALED(d) - s * t + ROUND);

/* ---- shuffles ----------------------------------------------------------- */

/* wd says which lane of ws : wt each becomes; with bit 6 or 7 it is zero. */
static V128 vshf(u32 df, V128 d0, V128 s0, V128 t0)
{
    Vec vd = { .v = d0 }, from[2] = { { .v = t0 }, { .v = s0 } };
    u32 size = 1u << df, n = 16 / size;

    for (u32 i = 0; i < 16; i += size) {
        u32 which = vd.b[i];
        u32 at = (which & 0x3f) % (2 * n);
        if (which & 0xc0) {
            memset(vd.b + i, 0, size);
        } else {
            memcpy(vd.b + i, from[at / n].b + at % n * size, size);
        }
    }
    return vd.v;
}
HELPER(vshf, H_PURE, v128, i32, v128, v128, v128);

/* See sldi() in mips_msa.c. */
static V128 sld(u32 df, u32 by, V128 d0, V128 s0)
{
    Vec vd = { .v = d0 }, vs = { .v = s0 }, v;
    u32 row = 16u >> df;

    for (u32 i = 0; i < 16; i++) {
        u32 at = i % row + by % row, start = i - i % row;
        v.b[i] = at < row ? vs.b[start + at] : vd.b[start + at - row];
    }
    return v.v;
}
HELPER(sld, H_PURE, v128, i32, i32, v128, v128);

static V128 splat(u32 df, u32 n, V128 d0, V128 s0)
{
    Vec vs = { .v = s0 }, v;
    u32 size = 1u << df, from = n % (16 / size) * size;

    (void)d0;
    for (u32 i = 0; i < 16; i++) {
        v.b[i] = vs.b[from + i % size];
    }
    return v.v;
}
HELPER(splat, H_PURE, v128, i32, i32, v128, v128);

/* ---- rows --------------------------------------------------------------- */

static bool call(Ctx *c, const Helper *h, Lane df, unsigned wd, unsigned ws,
                 Val t)
{
    return msa_set(c, wd, IR_CALL(c->b, h, ir_i32(c->b, df), msa_get(c, wd),
                                  msa_get(c, ws), t));
}

static bool lanes(Ctx *c, form_r3 a, const Helper *h)
{
    return call(c, h, (Lane)a.df, a.wd, a.ws, msa_get(c, a.wt));
}

/* The IR's saturate bytes and halves. */
static bool saturating(Ctx *c, form_r3 a, IrVec2 *op, const Helper *h)
{
    if (a.df > L16) {
        return lanes(c, a, h);
    }
    return msa_set(c, a.wd, op(c->b, (Lane)a.df, msa_get(c, a.ws),
                               msa_get(c, a.wt)));
}

static bool pairs(Ctx *c, form_r3 a, const Helper *h)
{
    return a.df != L8 && lanes(c, a, h);
}

static bool fixed(Ctx *c, form_q a, const Helper *h)
{
    return call(c, h, (Lane)(a.df + L16), a.wd, a.ws, msa_get(c, a.wt));
}

static bool lanes_i(Ctx *c, form_bit a, const Helper *h)
{
    MsaField f = msa_bit(a.m);

    return f.ok && call(c, h, f.df, a.wd, a.ws, msa_splat(c, f.df, f.n));
}

static bool count(Ctx *c, form_r2 a, const Helper *h)
{
    return call(c, h, (Lane)a.df, a.wd, a.ws, ir_v128(c->b, 0, 0));
}

static bool by_register(Ctx *c, form_by a, const Helper *h)
{
    return msa_set(c, a.wd, IR_CALL(c->b, h, ir_i32(c->b, a.df),
                                    get_w(c, a.rt), msa_get(c, a.wd),
                                    msa_get(c, a.ws)));
}

#include "mips_msax.decode.h"

bool mips_msax(Ctx *c, u32 w)
{
    return mips_msax_decode(c, w);
}
