/* SPDX-License-Identifier: MIT */
/*
 * AES, carry-less multiplication and SHA instructions.
 * SDM volume 2, the instructions' pages; volume 1, 12.13; FIPS 180-4, 197.
 */
#include "target/i386/sse.h"
#include "util/hostcrypto.h"

/* ---- AES ---------------------------------------------------------------- */

enum { AES_LAST = 1, AES_INVERSE = 2 };     /* arg: opcode - 0xdc */

static V128 aes_round(V128 state, V128 key, u32 kind)
{
    bool inverse = kind & AES_INVERSE;

    state = aes_step(inverse ? AES_DECRYPT : AES_ENCRYPT, state);
    if (!(kind & AES_LAST)) {
        state = aes_step(inverse ? AES_UNMIX : AES_MIX, state);
    }
    return state ^ key;
}
HELPER(aes_round, H_PURE, v128, v128, v128, i32);

static V128 aes_unmix(V128 v)
{
    return aes_step(AES_UNMIX, v);
}
HELPER(aes_unmix, H_PURE, v128, v128);

static u32 ror32(u32 x, unsigned n)
{
    return x >> n | x << (32 - n);
}

/* ShiftRows does nothing to four equal columns. */
static u32 sub_word(u32 x)
{
    u64 both = x | (u64)x << 32;
    Vec v = { .d = { both, both } };

    v.v = aes_step(AES_ENCRYPT, v.v);
    return v.w[0];
}

static V128 aes_keygen(V128 a, u32 rcon)
{
    Vec x = { a }, r;

    for (unsigned i = 0; i < 2; i++) {
        r.w[2 * i] = sub_word(x.w[2 * i + 1]);
        r.w[2 * i + 1] = ror32(r.w[2 * i], 8) ^ rcon;
    }
    return r.v;
}
HELPER(aes_keygen, H_PURE, v128, v128, i32);

bool sse_aes(X86Ctx *c)
{
    Wide w = { { { 0 } } };

    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_w(c, h);
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = IR_CALL(c->b, &helper_aes_round, sse_src1(c, h), w.v[h],
                         ir_i32(c->b, c->row->arg));
    }
    return sse_set(c, c->reg, w);
}

bool sse_aesimc(X86Ctx *c)
{
    return sse_set1(c, IR_CALL(c->b, &helper_aes_unmix, sse_w(c, 0)));
}

bool sse_aeskeygen(X86Ctx *c)
{
    return sse_set1(c, IR_CALL(c->b, &helper_aes_keygen, sse_w(c, 0),
                               ir_i32(c->b, c->imm & 255)));
}

/* ---- products without carry --------------------------------------------- */

static V128 pclmul(u64 a, u64 b)
{
    return clmul64(a, b);
}
HELPER(pclmul, H_PURE, v128, i64, i64);

bool sse_pclmul(X86Ctx *c)
{
    Wide w = { { { 0 } } };

    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = sse_w(c, h);
    }
    for (unsigned h = 0; h < sse_halves(c); h++) {
        w.v[h] = IR_CALL(c->b, &helper_pclmul,
                         ir_vget(c->b, L64, sse_src1(c, h), c->imm & 1),
                         ir_vget(c->b, L64, w.v[h], c->imm >> 4 & 1));
    }
    return sse_set(c, c->reg, w);
}

/* ---- SHA ---------------------------------------------------------------- */

static u32 choose(u32 x, u32 y, u32 z)
{
    return ((y ^ z) & x) ^ z;
}

static u32 majority(u32 x, u32 y, u32 z)
{
    return (x & y) | ((x | y) & z);
}

/* A B C D are in lanes 3 .. 0; E is in the first word of m. */
static V128 sha1_rnds4(V128 state, V128 m, u32 kind)
{
    static const u32 k[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6 };
    Vec x = { state }, w = { m };
    u32 e = 0;

    kind &= 3;
    for (unsigned i = 4; i-- > 0; ) {
        u32 b = x.w[2], c = x.w[1], d = x.w[0];
        u32 f = kind == 0 ? choose(b, c, d)
              : kind == 2 ? majority(b, c, d) : b ^ c ^ d;
        u32 a = f + ror32(x.w[3], 27) + w.w[i] + e + k[kind];
        e = d;
        x = (Vec) { .w = { c, ror32(b, 2), x.w[3], a } };
    }
    return x.v;
}
HELPER(sha1_rnds4, H_PURE, v128, v128, v128, i32);

static V128 sha1_nexte(V128 a, V128 b)
{
    Vec x = { a }, y = { b };

    y.w[3] += ror32(x.w[3], 2);
    return y.v;
}
HELPER(sha1_nexte, H_PURE, v128, v128, v128);

static V128 sha1_msg1(V128 a, V128 b)
{
    Vec x = { a }, y = { b };
    return (Vec) { .w = { x.w[0] ^ y.w[2], x.w[1] ^ y.w[3],
                          x.w[2] ^ x.w[0], x.w[3] ^ x.w[1] } }.v;
}
HELPER(sha1_msg1, H_PURE, v128, v128, v128);

static V128 sha1_msg2(V128 a, V128 b)
{
    Vec x = { a }, y = { b }, r;

    for (unsigned i = 3; i > 0; i--) {
        r.w[i] = ror32(x.w[i] ^ y.w[i - 1], 31);
    }
    r.w[0] = ror32(x.w[0] ^ r.w[3], 31);
    return r.v;
}
HELPER(sha1_msg2, H_PURE, v128, v128, v128);

/* state: C D G H; b: A B E F, in lanes 3 .. 0. */
static V128 sha256_rnds2(V128 state, V128 b, V128 wk)
{
    Vec x = { b }, y = { state }, w = { wk };

    for (unsigned i = 0; i < 2; i++) {
        u32 e = x.w[1], a = x.w[3];
        u32 t = y.w[0] + choose(e, x.w[0], y.w[1]) + w.w[i]
              + (ror32(e, 6) ^ ror32(e, 11) ^ ror32(e, 25));
        u32 u = majority(a, x.w[2], y.w[3])
              + (ror32(a, 2) ^ ror32(a, 13) ^ ror32(a, 22));
        Vec next = { .w = { e, y.w[2] + t, a, t + u } };
        y = (Vec) { .w = { y.w[1], x.w[0], y.w[3], x.w[2] } };
        x = next;
    }
    return x.v;
}
HELPER(sha256_rnds2, H_PURE, v128, v128, v128, v128);

static u32 sigma0(u32 x)
{
    return ror32(x, 7) ^ ror32(x, 18) ^ x >> 3;
}

static u32 sigma1(u32 x)
{
    return ror32(x, 17) ^ ror32(x, 19) ^ x >> 10;
}

static V128 sha256_msg1(V128 a, V128 b)
{
    Vec x = { a }, y = { b };

    for (unsigned i = 0; i < 4; i++) {
        x.w[i] += sigma0(i < 3 ? x.w[i + 1] : y.w[0]);
    }
    return x.v;
}
HELPER(sha256_msg1, H_PURE, v128, v128, v128);

static V128 sha256_msg2(V128 a, V128 b)
{
    Vec x = { a }, y = { b };

    for (unsigned i = 0; i < 4; i++) {
        x.w[i] += sigma1(i < 2 ? y.w[i + 2] : x.w[i - 2]);
    }
    return x.v;
}
HELPER(sha256_msg2, H_PURE, v128, v128, v128);

#define SHA(name)                                                            \
    bool sse_##name(X86Ctx *c)                                               \
    {                                                                        \
        Val w = sse_w(c, 0);                                                 \
        return sse_set1(c, IR_CALL(c->b, &helper_##name, sse_src1(c, 0), w));\
    }

SHA(sha1_nexte)
SHA(sha1_msg1)
SHA(sha1_msg2)
SHA(sha256_msg1)
SHA(sha256_msg2)

bool sse_sha1_rnds4(X86Ctx *c)
{
    Val w = sse_w(c, 0);
    return sse_set1(c, IR_CALL(c->b, &helper_sha1_rnds4, sse_src1(c, 0), w,
                               ir_i32(c->b, c->imm & 3)));
}

bool sse_sha256_rnds2(X86Ctx *c)
{
    Val w = sse_w(c, 0);
    return sse_set1(c, IR_CALL(c->b, &helper_sha256_rnds2, sse_src1(c, 0), w,
                               x86_xmm(c, 0)));
}
