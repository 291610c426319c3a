/* SPDX-License-Identifier: MIT */
/*
 * Runs instructions on a bare MIPS machine and tells what they did, for run.py
 * to compare two machines.  words.h has them: eight words a case.  Each is run
 * with random registers; the serial port gets a hash of what came of it, or
 * with SHOWN all of it.
 */
#include <stdint.h>

typedef uint32_t u32;
typedef uint64_t u64;

#include "words.h"

enum { HI = 32, LO, CAUSE, EPC, BADVADDR, FCSR, BADINSTR, BADINSTRP,
       F = 40,
       AC = 72, DSPCONTROL = 78, MSACSR = 79, VECTOR = 80,
       STATE = 144 };
enum { AREA = 0x10000 };

extern volatile u64 state[STATE];
extern char vector[], vector_end[], finish[];
void run(void);

static volatile u32 *const code = (u32 *)(long)(int)CODE;
static unsigned char area[AREA] __attribute__((aligned(16)));
static u64 seed = 88172645463325252ull;

/* ---- the serial port ---------------------------------------------------- */

static void put(char c)
{
    volatile unsigned char *uart = (unsigned char *)(long)(int)0xbfd003f8;

    while (!(uart[5] & 0x20)) {
    }
    uart[0] = (unsigned char)c;
}

static void put_text(const char *s)
{
    while (*s) {
        put(*s++);
    }
}

static void put_hex(u64 v, int digits)
{
    while (digits--) {
        put("0123456789abcdef"[v >> 4 * digits & 15]);
    }
}

/* ---- random values ------------------------------------------------------ */

static u64 draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Below n, without a division of 64 bits, which is a call. */
static u32 below(u32 n)
{
    return (u32)(draw() >> 32) % n;
}

/* Numbers at which something changes, now and then. */
static u64 number(int as_word)
{
    static const u64 edges[] = {
        0, 1, ~0ull, 0x7fffffff, 0xffffffff80000000ull, 0x8000000000000000ull,
        0x7fffffffffffffffull, 0xff, 31, 32, 63, 0xffff8000, 0x10000,
    };
    u64 v = draw();

    if (v % 4 == 0) {
        v = edges[below(sizeof edges / sizeof edges[0])];
    }
    return sizeof(long) == 8 && !as_word && draw() % 2 ? v : (u64)(int)v;
}

/* Bits of floating-point numbers of one or two formats. */
static u64 fraction(void)
{
    static const u32 single[] = {
        0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000,
        0x7fc00000, 0x7fbfffff, 0x00000001, 0x00800000, 0x7f7fffff,
        0x40490fdb, 0x4b000001, 0x4f000000, 0xcf000000, 0x807fffff,
    };
    static const u64 twice[] = {
        0, 0x8000000000000000ull, 0x3ff0000000000000ull,
        0xbff8000000000000ull, 0x7ff0000000000000ull, 0xfff0000000000000ull,
        0x7ff8000000000000ull, 0x7ff7ffffffffffffull, 1,
        0x0010000000000000ull, 0x7fefffffffffffffull, 0x400921fb54442d18ull,
        0x41e0000000000000ull, 0xc1e0000000200000ull, 0x43e0000000000000ull,
        0x36a0000000000000ull, 0x47efffffe0000000ull,
    };
    u64 v = draw();

    switch (below(5)) {
    case 0: return twice[below(sizeof twice / sizeof twice[0])];
    case 1: return (u64)single[v % 16] << 32 | single[draw() % 16];
    case 2: return (v & 0x800fffffffffffffull) | (1000ull + below(60)) << 52;
    case 3: return (v & 0x807fffff807fffffull)
                | (100ull + below(60)) << 55 | (100ull + below(60)) << 23;
    }
    return v;
}

/* ---- cases -------------------------------------------------------------- */

/* Registers 4 to 7 point into the area, 8 into the code. */
static void make_state(int as_words)
{
    for (int i = 0; i < 34; i++) {
        u64 v = number(as_words);
        if (i >= 4 && i < 8) {
            v = (u64)(long)(area + AREA / 2 + i * 8);
        } else if (i == 8) {
            v = (u64)(long)(int)(CODE + 16);
        } else if (COMPACT && (i == 2 || i == 31)) {
            v = CODE + 16 + 1;
        } else if (COMPACT && i == 3) {
            v = CODE + 32;
        } else if (COMPACT && i == 29) {
            v = (u64)(long)(area + AREA / 2);
        }
        state[i] = v;
        if (sizeof(long) == 4) {
            state[i] = 0;
            *(volatile u32 *)&state[i] = (u32)v;
        }
    }
    for (int i = 34; i < STATE; i++) {
        state[i] = i >= F && i < AC ? fraction() : 0;
    }
#ifdef HAS_MSA
    for (int i = VECTOR; i < STATE; i++) {
        state[i] = below(2) ? fraction() : number(0);
    }
    *(volatile u32 *)&state[MSACSR] = MSACSR_MASK & (u32)draw();
#endif
#ifdef HAS_DSP
    for (int i = AC; i <= DSPCONTROL; i++) {
        *(volatile u32 *)&state[i] = (u32)number(1);
    }
#endif
    *(volatile u32 *)&state[FCSR] = FCSR_MASK & (u32)draw();
    for (int i = AREA / 2 - 256; i < AREA / 2 + 256; i += 8) {
        *(u64 *)(area + i) = draw();
    }
}

static u64 hash_of(u64 h, u64 v)
{
    return (h ^ v) * 0x100000001b3ull ^ h >> 29;
}

/* Each word, whatever the byte order; a 32-bit register is in the first. */
static u64 hash_state(int low_halves)
{
    u64 h = 0xcbf29ce484222325ull;

    for (int i = 0; i < STATE; i++) {
        if (i != 26 && i != 27) {
            h = hash_of(h, i >= F && i < AC && low_halves ? (u32)state[i] : state[i]);
        }
    }
    for (int i = AREA / 2 - 256; i < AREA / 2 + 256; i++) {
        h = hash_of(h, area[i]);
    }
    return h;
}

static void show(void)
{
    for (int i = 0; i < STATE; i++) {
        put_text(i % 4 ? " " : "\n");
        put_hex((u64)i, 2);
        put_text("=");
        put_hex(state[i], 16);
    }
    for (int i = AREA / 2 - 256; i < AREA / 2 + 256; i++) {
        put_text(i % 32 ? "" : "\nm ");
        put_hex(area[i], 2);
    }
}

static void write_code(const u32 *word)
{
    for (int i = 0; i < 8; i++) {
        code[i] = word[i];
    }
    if (COMPACT) {
        code[6] = code[7] = code[5];
        code[8] = code[9] = code[10] = code[11] = 0x0000000d;   /* break */
        return;
    }
    code[8] = 0x3c1b0000 | ((u32)(long)finish >> 16);       /* lui k1 */
    code[9] = 0x377b0000 | ((u32)(long)finish & 0xffff);    /* ori k1 */
    code[10] = 0x03600008 | R6_JR;                          /* jr k1 */
    code[11] = 0;
}

static void set_vectors(void)
{
    volatile u32 *to = (u32 *)(long)(int)0xa0000180;
    const u32 *from = (const u32 *)vector;

    while (from < (const u32 *)vector_end) {
        *to++ = *from++;
    }
    __asm__ volatile("mtc0 %0, $12\n ehb" : : "r" (STATUS));
#ifdef HAS_MSA
    __asm__ volatile("mfc0 $8, $16, 5\n lui $9, 0x0800\n or $8, $8, $9\n"
                     "mtc0 $8, $16, 5\n ehb" : : : "$8", "$9");
#endif
}

int main(void)
{
    set_vectors();
    for (u32 i = 0; i < sizeof words / sizeof words[0]; i++) {
        write_code(words[i]);
        make_state(words[i][7] != 0);
        if (SHOWN >= 0 && (int)i == SHOWN) {
            show();
        }
        run();
        put_hex(i, 6);
        put(' ');
        put_hex(hash_state(words[i][6] != 0), 16);
        if (SHOWN >= 0 && (int)i == SHOWN) {
            show();
        }
        put('\n');
        if (SHOWN >= 0 && (int)i == SHOWN) {
            break;
        }
    }
    put_text("end\n");
    for (;;) {
        __asm__ volatile("wait");
    }
}
