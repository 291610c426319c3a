/* SPDX-License-Identifier: MIT */
/*
 * Steps of AES and carry-less multiplication, by the host's instructions where
 * it has them.  Sources: FIPS 197; Intel SDM volume 1, 12.13.
 *
 * A state is 16 bytes in the order of FIPS 197: column by column.
 */
#pragma once
#include "util/types.h"

typedef enum AesStep {
    AES_ENCRYPT,            /* ShiftRows and SubBytes */
    AES_DECRYPT,            /* InvShiftRows and InvSubBytes */
    AES_MIX,                /* MixColumns */
    AES_UNMIX,              /* InvMixColumns */
} AesStep;

V128 aes_step(AesStep step, V128 state);
/* The same with portable code only: for tests. */
V128 aes_step_portable(AesStep step, V128 state);

/* Product of two polynomials over {0, 1} of degree 63. */
V128 clmul64(u64 a, u64 b);
V128 clmul64_portable(u64 a, u64 b);
