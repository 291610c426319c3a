/* SPDX-License-Identifier: MIT */
/*
 * Comparison of the x86 target with the processor that the test runs on:
 * the same instruction with the same registers and memory, run natively by a
 * child process and by a guest CPU at CPL 3, in 64-bit mode and in
 * compatibility mode with flat 32-bit segments, or with 16-bit segments that
 * have bases and limits.
 *
 * Both sides see the same linear addresses: two code pages full of INT3, and
 * two buffers between unmapped pages.  An instruction ends in the INT3 that
 * it falls through or jumps to, or in its exception.
 */
#pragma once
#include "target/i386/translate.h"

/* Linear addresses; nothing else is mapped below 4 GiB. */
enum {
    WINDOW = 0x1000000, WINDOW_SIZE = 0x100000,
    CODE = WINDOW + 0x1000, CODE_SIZE = 0x2000,
    BUFFER_A = WINDOW + 0x10000, BUFFER_B = WINDOW + 0x20000,
    BUFFER_SIZE = 0x2000,
    BUFFERS = 2,
};
/* Selectors as the host's kernel has them; the last three are in the LDT. */
enum { CODE32_SEL = 0x23, DATA_SEL = 0x2b, CODE64_SEL = 0x33,
       CODE16_SEL = 0x07, DATA16_SEL = 0x0f, STACK16_SEL = 0x17 };
/* 16-bit segments: DS and ES hold buffer A at NEAR, SS buffer B. */
enum {
    NEAR = 0x1000,
    DATA16 = BUFFER_A - NEAR, STACK16 = BUFFER_B - NEAR,
    DATA16_LIMIT = NEAR + BUFFER_SIZE - 0x40, STACK16_LIMIT = 0xffff,
};

enum {
    FLAGS_SEEN = FL_STATUS | FL_DF,
    /* Among undefined flags: where it faults; 12 bits of a float result. */
    ANY_ADDRESS = 1 << 30, APPROXIMATE = 1 << 29,
    EARLY = 1 << 28,            /* with an exception, a part may be done */
    ANY_X87 = 1 << 27,          /* MMX is on or not */
    HALF_STORE = 1 << 26,       /* 2 of the bytes stored may stay */
    ANY_NAN = 1 << 25,          /* which of several NaNs */
};

typedef struct State {
    u64 r[16];
    u64 ip;                     /* after INT3: of the INT3 itself */
    u32 eflags;
    u32 mxcsr;
    u16 fcw, fsw;
    u8  tags;                   /* bit i: R_i is in use */
    X87Reg st[8];               /* ST(0) .. */
    u8  xmm[16][16], ymmh[16][16];
    u8  buffer[BUFFERS][BUFFER_SIZE];
    /* out: */
    i32 vector;                 /* -1: it did not end */
    u32 err;
    u64 cr2;
} State;

typedef struct Case {
    u8   code[16];
    u32  len;
    u32  at;                    /* offset of code[0] in the code pages */
    u8   bits;                  /* 64, 32, 16: of the code segment */
    u32  undefined;             /* flags that are not compared */
    char what[96];
    State in, host, ours;
} Case;

/*
 * A case by hand.  code: bytes in hex.  roles: what registers hold, for each
 * a letter and then its register's number in hex: "p7" a pointer into the
 * buffers, "n1" a small count.  The others are random.
 */
typedef struct NativeRow {
    const char *name, *code, *roles;
    u32  undefined;             /* flags */
    i16  feature;
    u8   bits;                  /* 0: any */
} NativeRow;

/* Each ends with a row that has no name. */
extern const NativeRow string_cases[], bmi_cases[];

/* ---- random.c ----------------------------------------------------------- */
void random_seed(u64 seed);
u64  random_bits(void);
static inline u32 below(u32 n) { return (u32)(random_bits() >> 11) % n; }
static inline bool one_in(u32 n) { return below(n) == 0; }
/* Integers with a taste for the edges. */
u64  random_word(void);
/* An offset in the buffers, now and then at their edges. */
u64  random_pointer(u8 bits);
void random_state(State *s, u8 bits);

/* ---- walk.c: instructions made of the decoder's tables ------------------ */
typedef struct Walked {
    const char *table;
    u8 map;
    const X86Row *rows;
} Walked;
extern const Walked walked[];
extern const u32 nwalked;
/* May the row be run natively in a child? */
bool may_walk(u8 map, const X86Row *row);
/* Encodes the row with random operands; false: not in this mode. */
bool make_walked(Case *k, u8 map, const X86Row *row);
bool make_by_hand(Case *k, const NativeRow *row);

/* ---- host.c ------------------------------------------------------------- */
/* Maps the window; false with the reason printed: nothing can be compared. */
bool host_setup(void);
/* n cases in memory that host_cases() gave. */
Case *host_cases(u32 n);
void host_run(Case *k, u32 n);
bool host_has(int feature);

/* ---- guest.c ------------------------------------------------------------ */
bool guest_setup(bool interp, const char *model);
void guest_run(Case *k);
bool guest_has(int feature);
