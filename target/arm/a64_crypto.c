/* SPDX-License-Identifier: MIT */
/*
 * A64 cryptography.  Each row of a64_crypto.decode names a function here.
 * Reference: Arm ARM (DDI 0487) C7.2 and, in its shared pseudocode,
 * AESMixColumns(), SHAhashSIGMA0(), SHAchoose() and their kin; FIPS 180-4.
 *
 * Left out: SHA-512, SHA-3, SM3, SM4.
 */
#include "target/arm/a64_simd.h"
#include "util/hostcrypto.h"
#include "a64_crypto.forms.h"

/* ---- AES, PMULL --------------------------------------------------------- */

static V128 aes(V128 state, u32 step)
{
    return aes_step((AesStep)step, state);
}
HELPER(aes, H_PURE, v128, v128, i32);

static bool aes_round(Ctx *c, form_c2 a, AesStep step)
{
    Val v = ir_vxor(c->b, L64, get_v(c, a.rd), get_v(c, a.rn));
    return set_v(c, a.rd, IR_CALL(c->b, &helper_aes, v, ir_i32(c->b, step)));
}

static bool aes_mix(Ctx *c, form_c2 a, AesStep step)
{
    return set_v(c, a.rd, IR_CALL(c->b, &helper_aes, get_v(c, a.rn),
                                  ir_i32(c->b, step)));
}

static V128 pmull64(u64 a, u64 b)
{
    return clmul64(a, b);
}
HELPER(pmull64, H_PURE, v128, i64, i64);

static bool pmull(Ctx *c, form_cm a)
{
    Val n = ir_vget(c->b, L64, get_v(c, a.rn), a.q);
    Val m = ir_vget(c->b, L64, get_v(c, a.rm), a.q);
    return set_v(c, a.rd, IR_CALL(c->b, &helper_pmull64, n, m));
}

/* ---- SHA-1 -------------------------------------------------------------- */

static u32 rol(u32 x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static u32 choose(u32 x, u32 y, u32 z)
{
    return ((y ^ z) & x) ^ z;
}

static u32 majority(u32 x, u32 y, u32 z)
{
    return (x & y) | ((x | y) & z);
}

typedef enum Sha1Kind { SHA1_CHOOSE, SHA1_PARITY, SHA1_MAJORITY } Sha1Kind;

/* Four rounds; y is the fifth word of the state. */
static V128 sha1_rounds(V128 d, V128 m, u32 y, u32 kind)
{
    Vec x = { d }, w = { m };

    for (unsigned e = 0; e < 4; e++) {
        u32 t = kind == SHA1_CHOOSE ? choose(x.w[1], x.w[2], x.w[3]) :
                kind == SHA1_PARITY ? x.w[1] ^ x.w[2] ^ x.w[3] :
                                      majority(x.w[1], x.w[2], x.w[3]);
        y += rol(x.w[0], 5) + t + w.w[e];
        t = x.w[3];
        x = (Vec) { .w = { y, x.w[0], rol(x.w[1], 30), x.w[2] } };
        y = t;
    }
    return x.v;
}
HELPER(sha1_rounds, H_PURE, v128, v128, v128, i32, i32);

static V128 sha1su1(V128 d, V128 n)
{
    Vec x = { d }, y = { n }, t, r;

    for (unsigned e = 0; e < 4; e++) {
        t.w[e] = x.w[e] ^ (e < 3 ? y.w[e + 1] : 0);
        r.w[e] = rol(t.w[e], 1);
    }
    r.w[3] ^= rol(t.w[0], 2);
    return r.v;
}
HELPER(sha1su1, H_PURE, v128, v128, v128);

static bool sha1(Ctx *c, form_c3 a, Sha1Kind kind)
{
    Val y = ir_vget(c->b, L32, get_v(c, a.rn), 0);
    return set_v(c, a.rd, IR_CALL(c->b, &helper_sha1_rounds, get_v(c, a.rd),
                                  get_v(c, a.rm), y, ir_i32(c->b, kind)));
}

static bool sha1h(Ctx *c, form_c2 a)
{
    Val r = ir_ror(c->b, ir_vget(c->b, L32, get_v(c, a.rn), 0),
                   ir_i32(c->b, 2));
    return set_f(c, a.rd, ir_bitsof(c->b, F32, r));
}

/* The high half of d below the low half of n, combined with d and m. */
static bool sha1su0(Ctx *c, form_c3 a)
{
    Ir *b = c->b;
    Val d = get_v(c, a.rd);
    Val r = ir_vshuf(b, d, get_v(c, a.rn), 0x0f0e0d0c0b0a0908,
                     0x1716151413121110);
    r = ir_vxor(b, L64, r, ir_vxor(b, L64, d, get_v(c, a.rm)));
    return set_v(c, a.rd, r);
}

/* ---- SHA-256 ------------------------------------------------------------ */

static u32 ror(u32 x, unsigned n)
{
    return rol(x, 32 - n);
}

/* Four rounds on the state x (low half) and y. */
static void sha256_rounds(Vec *x, Vec *y, V128 m)
{
    Vec w = { m };

    for (unsigned e = 0; e < 4; e++) {
        u32 a = x->w[0], h = y->w[0];
        u32 t = y->w[3] + (ror(h, 6) ^ ror(h, 11) ^ ror(h, 25)) +
                choose(h, y->w[1], y->w[2]) + w.w[e];
        u32 d = x->w[3] + t;
        u32 top = t + (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) +
                  majority(a, x->w[1], x->w[2]);
        *x = (Vec) { .w = { top, a, x->w[1], x->w[2] } };
        *y = (Vec) { .w = { d, h, y->w[1], y->w[2] } };
    }
}

static V128 sha256h(V128 d, V128 n, V128 m)
{
    Vec x = { d }, y = { n };

    sha256_rounds(&x, &y, m);
    return x.v;
}
HELPER(sha256h, H_PURE, v128, v128, v128, v128);

static V128 sha256h2(V128 d, V128 n, V128 m)
{
    Vec x = { n }, y = { d };

    sha256_rounds(&x, &y, m);
    return y.v;
}
HELPER(sha256h2, H_PURE, v128, v128, v128, v128);

static V128 sha256su0(V128 d, V128 n)
{
    Vec x = { d }, y = { n }, r;

    for (unsigned e = 0; e < 4; e++) {
        u32 t = e < 3 ? x.w[e + 1] : y.w[0];
        r.w[e] = x.w[e] + (ror(t, 7) ^ ror(t, 18) ^ t >> 3);
    }
    return r.v;
}
HELPER(sha256su0, H_PURE, v128, v128, v128);

static V128 sha256su1(V128 d, V128 n, V128 m)
{
    Vec x = { d }, y = { n }, z = { m }, r;

    for (unsigned e = 0; e < 4; e++) {
        u32 t = e < 2 ? z.w[e + 2] : r.w[e - 2];
        r.w[e] = (ror(t, 17) ^ ror(t, 19) ^ t >> 10) + x.w[e] +
                 (e < 3 ? y.w[e + 1] : z.w[0]);
    }
    return r.v;
}
HELPER(sha256su1, H_PURE, v128, v128, v128, v128);

static bool two(Ctx *c, form_c2 a, const Helper *h)
{
    return set_v(c, a.rd, IR_CALL(c->b, h, get_v(c, a.rd), get_v(c, a.rn)));
}

static bool three(Ctx *c, form_c3 a, const Helper *h)
{
    return set_v(c, a.rd, IR_CALL(c->b, h, get_v(c, a.rd), get_v(c, a.rn),
                                  get_v(c, a.rm)));
}

#include "a64_crypto.decode.h"

bool a64_crypto(Ctx *c, u32 w)
{
    return a64_crypto_decode(c, w);
}
