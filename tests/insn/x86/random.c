/* SPDX-License-Identifier: MIT */
/* Random operands: bits, edges, addresses, floating point of all classes. */
#include "native.h"

static u64 seed = 88172645463325252;    /* xorshift64 */

void random_seed(u64 v)
{
    seed = v * 0x9e3779b97f4a7c15ull | 1;
    for (int i = 0; i < 8; i++) {
        random_bits();
    }
}

u64 random_bits(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

u64 random_word(void)
{
    static const u64 edges[] = {
        0, 1, ~0ull, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
        0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000,
        0xffffffff80000000, 0x100000000,
    };

    switch (below(6)) {
    case 0:
        return edges[below(countof(edges))];
    case 1:
        return below(80);
    case 2:
        return 0 - (u64)below(80);
    case 3:
        return (u64)((i64)random_bits() >> below(64));
    default:
        return random_bits();
    }
}

u64 random_pointer(u8 bits)
{
    u64 base = bits == 16 ? NEAR : one_in(2) ? BUFFER_A : BUFFER_B;

    switch (below(32)) {
    case 0:
        return base - 64 + below(80);           /* may fault */
    case 1:
        return base + BUFFER_SIZE - below(80);
    case 2:
    case 3:
    case 4:
    case 5:
        return base + 0x1000 - below(40);       /* across pages */
    case 6:
    case 7:
    case 8:
        return base + 256 + below(BUFFER_SIZE - 512);
    default:
        return base + 256 + (below(BUFFER_SIZE - 512) & ~31u);
    }
}

/* ---- floating point ----------------------------------------------------- */

static u64 random_f32(void)
{
    static const u32 edges[] = {
        0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000,
        0x7fc00000, 0x7f800001, 0xffc12345, 1, 0x807fffff, 0x00800000,
        0x7f7fffff, 0x4f000000, 0xcf000000, 0x5f000000, 0x3f000000,
        0x4b000001, 0x40490fdb,
    };

    switch (below(4)) {
    case 0:
        return edges[below(countof(edges))];
    case 1:
        return (u32)random_bits();
    default:
        return (random_bits() & 0x807fffff) | (127 - 12 + below(24)) << 23;
    }
}

static u64 random_f64(void)
{
    static const u64 edges[] = {
        0, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000,
        0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000,
        0x7ff0000000000001, 0xfff8123456789abc, 1, 0x800fffffffffffff,
        0x0010000000000000, 0x7fefffffffffffff, 0x41e0000000000000,
        0xc1e0000000000000, 0x43e0000000000000, 0xc3e0000000000000,
        0x3fe0000000000000, 0x4330000000000001, 0x36a0000000000000,
        0x47efffffe0000000,
    };

    switch (below(4)) {
    case 0:
        return edges[below(countof(edges))];
    case 1:
        return random_bits();
    default:
        return (random_bits() & 0x800fffffffffffff)
            | (u64)(1023 - 12 + below(24)) << 52;
    }
}

static X87Reg random_f80(void)
{
    u16 sign = one_in(2) ? 0x8000 : 0;

    switch (below(8)) {
    case 0:
        return (X87Reg) { 0, sign };
    case 1:
        return (X87Reg) { BIT(63), sign | 0x7fff };
    case 2:
        return (X87Reg) { random_bits() | BIT(63), sign | 0x7fff };
    case 3:
        return (X87Reg) { random_bits() >> 1, sign };
    default:
        return (X87Reg) { random_bits() | BIT(63),
                          (u16)(sign | (0x3fff - 20 + below(40))) };
    }
}

/* Sixteen bytes of one kind: a register, or a piece of a buffer. */
static void random_block(u8 *p)
{
    u32 kind = below(8);

    for (unsigned i = 0; i < 16; i += 8) {
        u64 v = random_bits();
        if (kind < 3) {
            v = random_f32() | random_f32() << 32;
        } else if (kind < 6) {
            v = random_f64();
        } else if (kind == 6) {
            v = one_in(2) ? random_word() : 0;
        }
        store_le(p + i, 8, v);
    }
}

/* Some words are addresses of code, for those that jump through memory. */
static void random_buffer(u8 *p)
{
    for (u32 i = 0; i < BUFFER_SIZE; i += 16) {
        random_block(p + i);
        if (one_in(2)) {
            store_le(p + i, 8, CODE + below(CODE_SIZE - 64));
        }
    }
}

static void random_fp(State *s)
{
    static const u16 controls[] = { 0x37f, 0x27f, 0x77f, 0xb7f, 0xf7f, 0x7f };
    u8 top = (u8)below(8);

    s->fcw = one_in(2) ? 0x37f : controls[below(countof(controls))];
    s->fsw = (u16)(top << 11) | (u16)(random_bits() & 0x4700);
    s->tags = one_in(4) ? (u8)random_bits() : one_in(8) ? 0 : 0xff;
    if (s->tags == 0xff && one_in(2)) {
        s->tags = (u8)~(1u << ((top - 1) & 7)); /* room for a push */
    }
    for (unsigned i = 0; i < 8; i++) {
        s->st[i] = random_f80();
    }
    s->mxcsr = 0x1f80;
    if (one_in(3)) {
        s->mxcsr |= (u32)(below(4) << 13 | (one_in(2) ? 0x8000 : 0)
                          | (one_in(2) ? 0x40 : 0));
    }
    if (one_in(8)) {
        s->mxcsr &= ~(below(64) << 7);
    }
}

/* Half of the general registers are addresses. */
void random_state(State *s, u8 bits)
{
    u32 n = bits == 64 ? 16 : 8;
    u64 stack = bits == 16 ? NEAR : BUFFER_B;

    memset(s, 0, offsetof(State, buffer));
    for (u32 i = 0; i < 16; i++) {
        u64 v = one_in(3) ? random_pointer(bits) : random_word();
        s->r[i] = i >= n ? 0 : bits == 64 ? v : (u32)v;
        random_block(s->xmm[i]);
        random_block(s->ymmh[i]);
    }
    s->r[RSP] = stack + 0x800 + below(0x1000) / 16 * 16;
    s->eflags = (u32)random_bits() & FL_STATUS;
    s->eflags |= one_in(4) ? FL_DF : 0;
    random_fp(s);
    for (unsigned i = 0; i < BUFFERS; i++) {
        random_buffer(s->buffer[i]);
    }
}
