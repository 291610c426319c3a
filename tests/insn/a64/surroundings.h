/* SPDX-License-Identifier: MIT */
/* What the front end needs of a machine, as small as a test can have it. */
#pragma once
#include "target/arm/translate.h"

/* What the last block did besides changing registers. */
typedef struct Seen {
    bool fault;                 /* an access outside memory */
    bool misaligned;            /* one that must be aligned was not */
    bool exception;             /* arm_exception() was called with `esr` */
    u64  esr;
    const u8 *pool;             /* literals and where they are */
    u64  pool_at, pool_len;
    u8   page[4096] __attribute__((aligned(16)));
} Seen;

extern Seen seen;

/* The slow path of ir_eval(): the data area and the pool. */
bool test_access(void *env, const void *ret);
