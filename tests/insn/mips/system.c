/* SPDX-License-Identifier: MIT */
/*
 * What CP0 does on a bare MIPS machine: segments, the TLB, exceptions and
 * interrupts, told in words and numbers for run.py to compare two machines.
 */
#include <stdint.h>

typedef uint32_t u32;
typedef unsigned long word;
typedef long sword;
typedef word Attempt(word a, word b);

/* An address of the compatibility segments, as the CPU has it. */
#define HIGH(a) ((word)(sword)(int)(a))

enum { PAGE = 4096, LO = 0x1e, LO_READ = 0x1a, LO_GLOBAL = 1, STACKED = 8 };
enum { BEV = 1 << 22, IE = 1, BASE = STATUS & ~BEV };

extern volatile word note[8];
extern char vector0[];
word attempt(Attempt *f, word a, word b);
Attempt load, load_in_slot, store, load_half, in_user, spin, run_at;

#define MFC0(r, s) \
    ({ u32 v; __asm__ volatile("mfc0 %0, $" #r ", " #s : "=r" (v)); v; })
#define MTC0(r, s, v) \
    __asm__ volatile("mtc0 %0, $" #r ", " #s "\n ehb" : : "r" (v))
#if _MIPS_SIM == _ABI64
#define MTW(r, v) __asm__ volatile("dmtc0 %0, $" #r "\n ehb" : : "r" (v))
#define MFW(r) \
    ({ word v; __asm__ volatile("dmfc0 %0, $" #r : "=r" (v)); v; })
#else
#define MTW(r, v) MTC0(r, 0, v)
#define MFW(r) MFC0(r, 0)
#endif
#define TLB(insn) __asm__ volatile(insn "\n ehb" : : : "memory")

static void put(char c)
{
    volatile unsigned char *uart = (unsigned char *)(sword)(int)0xbfd003f8;

    while (!(uart[5] & 0x20)) {
    }
    uart[0] = (unsigned char)c;
}

static void say(const char *s)
{
    while (*s) {
        put(*s++);
    }
}

static void hex(word v)
{
    put(' ');
    for (int i = 8 * (int)sizeof v - 4; i >= 0; i -= 4) {
        put("0123456789abcdef"[v >> i & 15]);
    }
}

/*
 * What it says: Cause.CE only of an unusable coprocessor, and the address's
 * registers but BadVAddr only of the TLB's exceptions, else they are undefined.
 */
static void tell_note(void)
{
    word cause = note[1], code = cause >> 2 & 31;

    hex(note[0]);
    hex(code == 11 ? cause : cause & ~(3ul << 28));
    hex(note[2]);
    if (code >= 1 && code <= 5) {
        hex(note[3]);
    }
    if (code >= 1 && code <= 3) {
        hex(note[4]);
        hex(note[5]);
        hex(note[7]);
    }
    hex(note[6]);
}

/* Does it, and tells what came of it. */
static void tell(const char *what, Attempt *f, word a, word b)
{
    for (int i = 0; i < 8; i++) {
        note[i] = 0;
    }
    note[0] = 99;
    word v = attempt(f, a, b);
    say(what);
    if (note[0] == 99) {
        say(" result");
        hex(v);
    } else {
        tell_note();
    }
    put('\n');
}

static void put_vectors(u32 base)
{
    static const u32 at[5] = { 0, 0x80, 0x180, 0x200, 0x2e0 };

    for (int v = 0; v < 5; v++) {
        volatile u32 *to = (u32 *)(sword)(int)(base + at[v]);
        const u32 *from = (const u32 *)(vector0 + 128 * v);
        for (int i = 0; i < 16; i++) {
            to[i] = from[i];
        }
    }
}

static void set_entry(int n, word va, u32 lo0, u32 lo1, u32 mask)
{
    MTC0(0, 0, n);
    MTW(10, va);
    MTC0(2, 0, lo0);
    MTC0(3, 0, lo1);
    MTC0(5, 0, mask);
    TLB("tlbwi");
}

static u32 frame(u32 pa)
{
    return pa >> 12 << 6;
}

static void clear_tlb(void)
{
    for (int n = 0; n <= (int)(MFC0(16, 1) >> 25 & 63); n++) {
        set_entry(n, HIGH(0x80000000) + (word)n * 2 * PAGE, 0, 0, 0);
    }
    MTW(10, 0ul);
}

static void refills(void)
{
    tell("refill load", load, 0x12345678, 0);
    tell("refill store", store, 0x12345678, 0);
    tell("refill in slot", load_in_slot, 0x12345678, 0);
    tell("refill kseg3", load, HIGH(0xe0001000), 0);
    tell("refill fetch", run_at, 0x00400000, 0);
    set_entry(3, 0x00400000 | 5, frame(0x300000) | LO,
              frame(0x301000) | LO_READ, 0);
    *(volatile u32 *)(sword)(int)0xa0300010 = 0x11111111;
    *(volatile u32 *)(sword)(int)0xa0301010 = 0x22222222;
    MTW(10, 5ul);
    tell("mapped even", load, 0x00400010, 0);
    tell("mapped odd", load, 0x00401010, 0);
    tell("mapped store", store, 0x00400010, 7);
    tell("modified", store, 0x00401010, 7);
    MTW(10, 6ul);
    tell("other ASID", load, 0x00400010, 0);
    set_entry(4, 0x00402000 | 5, frame(0x300000) | LO | LO_GLOBAL,
              LO_GLOBAL, 0);
    MTW(10, 6ul);
    tell("global", load, 0x00402010, 0);
    tell("invalid", load, 0x00403010, 0);
    tell("invalid store", store, 0x00403010, 0);
    set_entry(5, 0x01000000 | 6, frame(0x200000) | LO, frame(0x300000) | LO,
              0xff << 13 | 0x1fe000);
    tell("large even", load, 0x01000010, 0);
    tell("large odd", load, 0x01100010, 0);
}

static void probes(void)
{
    MTW(10, 0x00400000ul | 5);
    TLB("tlbp");
    say("probe");
    hex(MFC0(0, 0));
    MTC0(0, 0, 5);
    TLB("tlbr");
    hex(MFW(10));
    hex(MFC0(2, 0));
    hex(MFC0(3, 0));
    hex(MFC0(5, 0));
    MTW(10, 0x7fff0000ul | 5);
    TLB("tlbp");
    hex(MFC0(0, 0) >> 31);
    MTC0(6, 0, 3);
    hex(MFC0(6, 0));
    put('\n');
    MTC0(5, 0, 0);
    MTW(10, 0x00600000ul | 6);
    MTC0(2, 0, frame(0x300000) | LO);
    MTC0(3, 0, 0);
    MTC0(5, 0, 0);
    TLB("tlbwr");
    tell("tlbwr", load, 0x00600010, 0);
    MTC0(6, 0, 0);
}

/* ---- a small system's page tables ---------------------------------------- */

enum { ASIDS = 3, PAGES = 96, BLOCK = 8, FRAMES = 8, STEPS = 6000, VALID = 2,
       DIRTY = 4, MASK_16K = 3 << 13 };

/* EntryLo of each page; or, where a block has two large ones, of those. */
static u32 table[ASIDS][PAGES], large_table[ASIDS][PAGES / 4];
static char large[ASIDS][PAGES / BLOCK];

static u32 draw(void)
{
    static u32 seed = 2463534242u;

    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed >> 3;
}

static u32 *lo_of(int asid, int page)
{
    return large[asid][page / BLOCK] ? &large_table[asid][page / 4]
                                     : &table[asid][page];
}

static u32 probe(int asid, int page)
{
    MTW(10, ((word)page >> 1 << 13) | (word)asid);
    TLB("tlbp");
    return MFC0(0, 0);
}

/* By TLBWI, where a probe finds it, or by TLBWR. */
static void fill(int asid, int page)
{
    int half = large[asid][page / BLOCK] ? 4 : 1;
    u32 n = probe(asid, page);

    MTC0(2, 0, *lo_of(asid, page & ~half));
    MTC0(3, 0, *lo_of(asid, page | half));
    MTC0(5, 0, half == 4 ? MASK_16K : 0);
    if (half == 4) {
        MTW(10, ((word)page >> 3 << 15) | (word)asid);
    }
    if (n >> 31) {
        TLB("tlbwr");
    } else {
        TLB("tlbwi");
    }
    MTC0(5, 0, 0);
}

/* An access, with exceptions as a system serves them; 0: not allowed. */
static word reach(int asid, int page, Attempt *f, word value)
{
    for (;;) {
        note[0] = 99;
        MTW(10, (word)asid);
        word v = attempt(f, (word)page * PAGE + 16, value);
        if (note[0] == 99) {
            return f == load ? v : 1;
        }
        u32 lo = *lo_of(asid, page), code = note[1] >> 2 & 31;
        if (!(probe(asid, page) >> 31)
            && (!(lo & VALID) || (code == 1 && !(lo & DIRTY)))) {
            return 0;
        }
        fill(asid, page);
    }
}

static void forget(int asid, int page)
{
    u32 n = probe(asid, page);

    if (!(n >> 31)) {
        set_entry((int)n, HIGH(0x80000000) + (word)n * 2 * PAGE, 0, 0, 0);
    }
}

/* Rights that are taken, and other frames, have to leave the TLB. */
static void change(int asid, int page)
{
    u32 *to = lo_of(asid, page), old = *to, align = to == &table[asid][page]
        ? 1 : 4;
    u32 lo = frame(0x300000 + draw() % (FRAMES / align) * align * PAGE)
        | (LO & ~(VALID | DIRTY));

    lo = draw() % 3 ? lo : old & ~(u32)(VALID | DIRTY);
    lo |= draw() % 4 ? VALID | (draw() % 2 ? DIRTY : 0) : 0;
    *to = lo;
    if (old & VALID && ((old ^ lo) >> 6 || old & ~lo & (VALID | DIRTY))) {
        forget(asid, page);
    }
}

/* The other size of pages for a block. */
static void resize(int asid, int page)
{
    int block = page / BLOCK;

    for (int i = 0; i < BLOCK; i += 2) {
        forget(asid, block * BLOCK + i);
    }
    large[asid][block] ^= 1;
    change(asid, page);
}

static void page_tables(void)
{
    word sum = 0;

    MTC0(6, 0, 2);
    MTC0(5, 0, 0);
    for (int n = 0; n < FRAMES; n++) {
        *(volatile u32 *)(sword)(int)(0xa0300010 + n * PAGE) = draw();
    }
    for (int i = 0; i < STEPS; i++) {
        int asid = (int)(draw() % ASIDS), page = (int)(draw() % PAGES);
        u32 what = draw() % 8;
        if (what < 3) {
            change(asid, page);
            if (draw() % 16 == 0) {
                resize(asid, page);
            }
        } else {
            sum = sum * 31 + reach(asid, page, what < 6 ? load : store, draw());
        }
        if (i % 1000 == 999) {
            say("page tables");
            hex((u32)sum);
            put('\n');
        }
    }
    MTC0(6, 0, 0);
    clear_tlb();
}

static void address_errors(void)
{
    tell("unaligned", load, HIGH(0x80000002), 0);
    tell("unaligned half", load_half, HIGH(0x80000000), 0);
    tell("unaligned store", store, HIGH(0x80000001), 0);
    tell("unaligned pc", run_at, HIGH(0x80000002), 0);
#if _MIPS_SIM == _ABI64
    tell("no segment", load, 0x8123456700000000ul, 0);
    tell("beyond xuseg", load, 0x0100000000000000ul, 0);
    tell("xkphys", load, 0x9000000000300010ul, 0);
    tell("xuseg refill", load, 0x0000001234567890ul, 0);
    tell("xkseg refill", load, 0xc000001234567890ul, 0);
    tell("zero-extended", load, 0x0000000080000000ul, 0);
#endif
}

static void put_user(u32 insn0, u32 insn1)
{
    volatile u32 *p = (u32 *)(sword)(int)0xa0300800;

    p[0] = insn0;
    p[1] = insn1;
}

/* User code at 00402800, seen through a global entry. */
static void user(const char *what, u32 insn0, u32 insn1, word a)
{
    put_user(insn0, insn1);
    MTC0(12, 0, BASE);
    tell(what, in_user, 0x00402800, a);
    MTC0(12, 0, BASE);
}

static void user_mode(void)
{
    MTW(10, 6ul);
    user("user syscall", 0x0000000c, 0, 0);
    user("user break", 0x0000000d, 0, 0);
    user("user loads kseg0", 0x8c820000, 0, HIGH(0x80000000));
    user("user mfc0", 0x40026000, 0, 0);
    user("user eret", 0x42000018, 0, 0);
    user("user fpu", 0x44020000, 0, 0);
    user("user rdhwr", 0x7c02003b, 0, 0);
    user("user syscall in slot", 0x10000003, 0x0000000c, 0);
    user("user reserved", 0x0000003d, 0, 0);
    user("user traps", 0x00000034, 0, 0);
    user("user overflows", 0x00842020, 0, 0x7fffffff);
    user("user jumps to kseg0", 0x00800008, 0, HIGH(0x80000000));
}

static void interrupts(void)
{
    MTC0(13, 0, 1 << 8);
    tell("software 0", spin, BASE | IE | 1 << 8, 0);
    MTC0(13, 0, 1 << 23 | 1 << 9);
    tell("software 1, IV", spin, BASE | IE | 1 << 9, 0);
    MTC0(13, 0, 0);
    MTC0(9, 0, 0);
    MTC0(11, 0, 60000);
    tell("timer", spin, BASE | IE | 1 << 15, 0);
    MTC0(11, 0, 0xffffffff);
    say("Cause");
    hex(MFC0(13, 0) & ~(3u << 28));
    put('\n');
}

static void exceptions_at_ebase(void)
{
    put_vectors(0x80010000);
    MTC0(12, 0, BASE | BEV);
    MTC0(15, 1, 0x80010000);
    MTC0(12, 0, BASE);
    tell("EBase", load, HIGH(0x80000002), 0);
    say("EBase");
    hex(MFC0(15, 1));
    put('\n');
}

/* There is no parity. */
static void cache_errors(void)
{
    MTC0(26, 0, 0xffffffff);
    say("ErrCtl");
    hex(MFC0(26, 0));
    put('\n');
    MTC0(26, 0, 0);
}

int main(void)
{
    put_vectors(0xa0000000);
    MTC0(12, 0, BASE);
    MTC0(13, 0, 0);
    MTC0(5, 0, 0);
    MTC0(6, 0, 0);
    clear_tlb();
    refills();
    probes();
    address_errors();
    user_mode();
    interrupts();
    page_tables();
    cache_errors();
    exceptions_at_ebase();
    say("end\n");
    for (;;) {
    }
}
