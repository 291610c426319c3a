/* SPDX-License-Identifier: MIT */
/* Private to the A64 comparison: random cases, and ours of their results. */
#pragma once
#include <setjmp.h>
#include "oracle.h"
#include "surroundings.h"

extern jmp_buf helper_left;
extern const Target test_target;

/* A decode table by its name. */
typedef struct Table {
    const char *name;
    const Insn *insns;
    bool fp;                    /* FPCR varies; FPSR is compared */
} Table;
extern const Table tables[];

u64  random_bits(void);
void random_seed(u64 seed);
/* A number below n. */
static inline u32 below(u32 n)
{
    return (u32)(random_bits() >> 11) % n;
}

/*
 * Fills a case: a random word of `row` last, perhaps others before it.  False
 * if the word drawn is one whose effect the architecture leaves open.
 */
bool make_case(OracleCase *k, const Table *t, const Insn *row, u64 pc,
               unsigned mix);
/* Index of the first of k's words that counts. */
unsigned first_word(const OracleCase *k);
