/* SPDX-License-Identifier: MIT */
/*
 * What the back end's tests share: a guest machine of slots, a few pages of
 * memory, and two of it to compare.
 */
#pragma once
#include "tcg/helper.h"
#include "tcg/tcg.h"

enum { NI64 = 20, NI32 = 8, NFLAGS = 4, NF32 = 6, NF64 = 6, NV128 = 10 };
enum { S_X, S_W = NI64, S_F = S_W + NI32, S_S = S_F + NFLAGS,
       S_D = S_S + NF32, S_V = S_D + NF64, NSLOTS = S_V + NV128 };

typedef struct Machine Machine;

typedef struct Env {
    TcgEnv tcg;
    u64  x[NI64];
    u32  w[NI32];
    u32  f[NFLAGS];
    u32  s[NF32];
    u64  d[NF64];
    V128 v[NV128];
    u32  fpsr;                  /* flags that soft functions raised */
    u64  fault_pc, fault_addr;
    Machine *machine;
} Env;

/* Guest memory: page 4 is slow to write, page 5 slow, page 6 absent. */
enum { PAGES = 8, GUEST_BASE = 0x40000, ABSENT = 6 };
enum { CODE_PAGE = 0x123456000 };
enum { HANDLER = 0x800 };

struct Machine {
    Env       env;
    TlbSlot   tlb;
    JumpEntry jcache[1 << JCACHE_BITS];
    u8        memory[PAGES * PAGE_SIZE] __attribute__((aligned(64)));
    const TcgCode *code;
};

typedef struct Test {
    TcgBuffer *buffer;
    Machine    native, eval;
    unsigned   count, failed;
    unsigned   features;
} Test;

extern const IrSlot env_slots[NSLOTS];

u64  rnd64(void);               /* often an edge value */
u32  rnd(u32 n);                /* 0 .. n - 1 */
u64  rnd_state(void);
void rnd_seed(u64 seed);

/* features: 0 all the host has, 1 the baseline only */
void test_start(Test *t, unsigned features);
void test_stop(Test *t);
int  test_end(const Test *t);
void check(Test *t, bool ok, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

void machine_reset(Machine *m);
TcgExit machine_run(Test *t, Machine *m, const TcgCode *code);
/* Runs b both ways on the same random state; prints the differences. */
bool run_both(Test *t, const Ir *b);
Val  append_ins(Ir *b, Ins i);
