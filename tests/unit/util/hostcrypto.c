/* SPDX-License-Identifier: MIT */
/*
 * Steps of AES and carry-less multiplication: known values, and the host's
 * instructions against portable code.
 */
#include "util/hostcrypto.h"
#include <stdio.h>

static u64 next_random(u64 *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state ^ *state >> 29;
}

static bool same(V128 a, V128 b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* FIPS 197 appendix B: round 1 of the example. */
static bool known_round(void)
{
    static const Vec start = { .b = {
        0x19, 0x3d, 0xe3, 0xbe, 0xa0, 0xf4, 0xe2, 0x2b,
        0x9a, 0xc6, 0x8d, 0x2a, 0xe9, 0xf8, 0x48, 0x08 } };
    static const Vec moved = { .b = {
        0xd4, 0xbf, 0x5d, 0x30, 0xe0, 0xb4, 0x52, 0xae,
        0xb8, 0x41, 0x11, 0xf1, 0x1e, 0x27, 0x98, 0xe5 } };
    static const Vec mixed = { .b = {
        0x04, 0x66, 0x81, 0xe5, 0xe0, 0xcb, 0x19, 0x9a,
        0x48, 0xf8, 0xd3, 0x7a, 0x28, 0x06, 0x26, 0x4c } };

    return same(aes_step(AES_ENCRYPT, start.v), moved.v) &&
           same(aes_step(AES_DECRYPT, moved.v), start.v) &&
           same(aes_step(AES_MIX, moved.v), mixed.v) &&
           same(aes_step(AES_UNMIX, mixed.v), moved.v);
}

static bool ways_agree(void)
{
    u64 state = 1;

    for (int n = 0; n < 100000; n++) {
        u64 a = next_random(&state), b = next_random(&state);
        V128 v = { a, b };
        for (int step = AES_ENCRYPT; step <= AES_UNMIX; step++) {
            if (!same(aes_step(step, v), aes_step_portable(step, v))) {
                return false;
            }
        }
        if (!same(clmul64(a, b), clmul64_portable(a, b))) {
            return false;
        }
    }
    return true;
}

int main(void)
{
    bool known = known_round(), agree = ways_agree();

    printf("known round %s, host and portable %s\n", known ? "ok" : "WRONG",
           agree ? "agree" : "DIFFER");
    return known && agree ? 0 : 1;
}
