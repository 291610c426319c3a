/* SPDX-License-Identifier: MIT */
/* What the IR's tests share: a guest of a few slots and a little memory. */
#pragma once
#include "tcg/fold.h"
#include "tcg/fp.h"
#include "tcg/helper.h"
#include "tcg/tcg.h"

enum { NX = 6, NW = 6, NF = 3, NS = 2, ND = 2, NV = 4 };
enum {
    SLOT_X, SLOT_W = SLOT_X + NX, SLOT_F = SLOT_W + NW, SLOT_S = SLOT_F + NF,
    SLOT_D = SLOT_S + NS, SLOT_V = SLOT_D + ND, NSLOTS = SLOT_V + NV,
};
enum { MEMORY = 128 };

typedef struct Guest {
    TcgEnv tcg;
    V128 v[NV];
    u64  x[NX];
    u64  d[ND];
    u32  w[NW];
    u32  f[NF];
    u32  s[NS];
    u64  events;                /* a hash of accesses, FP and calls in order */
    u8   memory[MEMORY];
} Guest;

extern const IrSlot guest_slots[NSLOTS];
extern const FpSoft guest_soft;

u64  rnd64(void);               /* often an edge value */
u32  rnd(u32 n);                /* 0 .. n - 1 */
void rnd_seed(u64 seed);
u64  rnd_state(void);

void check(bool ok, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Random slots and memory; flag words have nothing but flags. */
void guest_random(Guest *g);
/* Do they agree in all but junk in flag words? */
bool guest_same(const Guest *p, const Guest *q);
/* The guest's memory; addresses with 0x7 in bits 8 to 10 fault. */
bool guest_slow(void *env, const void *ret);
/* ir_print() in a string to be freed. */
char *printed(const Ir *b, const IrLive *l);
