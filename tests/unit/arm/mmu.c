/* SPDX-License-Identifier: MIT */
/*
 * The stage 1 walk of AArch64 on tables built here: every granule, every
 * level, rights, faults.  Status codes: Arm ARM (DDI 0487) D17.2.37, ISS for
 * a Data Abort, DFSC.
 */
#include <glib.h>
#include <stdio.h>
#include "target/arm/cpu.h"

enum { RAM_SIZE = 16 << 20 };
#define RAM_BASE 0x40000000ull

/* Descriptor bits. */
#define VALID   1ull
#define TABLE   2ull            /* or page */
#define ATTR(n) ((u64)(n) << 2)
#define USER    BIT(6)
#define RO      BIT(7)
#define AF      BIT(10)
#define NG      BIT(11)
#define PXN     BIT(53)
#define UXN     BIT(54)
#define PXN_TABLE BIT(59)
#define UXN_TABLE BIT(60)
#define NO_USER_TABLE BIT(61)
#define RO_TABLE BIT(62)

/* A way to cut addresses up. */
typedef struct Shape {
    const char *name;
    u32 granule, tg0, tg1, tsz, start;
} Shape;

static const Shape shapes[] = {
    { "4K, 48 bits",  12, 0, 2, 16, 0 }, { "4K, 39 bits",  12, 0, 2, 25, 1 },
    { "4K, 36 bits",  12, 0, 2, 28, 1 }, { "4K, 30 bits",  12, 0, 2, 34, 2 },
    { "16K, 48 bits", 14, 2, 1, 16, 0 }, { "16K, 47 bits", 14, 2, 1, 17, 1 },
    { "16K, 36 bits", 14, 2, 1, 28, 2 },
    { "64K, 48 bits", 16, 1, 3, 16, 1 }, { "64K, 42 bits", 16, 1, 3, 22, 2 },
};

typedef struct Fix {
    ArmCpu *c;
    Ram *ram;
    const Shape *s;
    u64 next;                   /* offset of free memory in ram */
    int tests, failed;
    bool wrong;                 /* in the running test */
    Page page;
    Fault fault;
} Fix;

static void report(Fix *x, const char *what)
{
    x->failed += x->wrong;
    printf("%s %d - %s%s%s\n", x->wrong ? "not ok" : "ok", ++x->tests, what,
           x->s ? ", " : "", x->s ? x->s->name : "");
    x->wrong = false;
}

static void expect(Fix *x, const char *what, u64 got, u64 want)
{
    if (got != want) {
        x->wrong = true;
        printf("# %s: got %#llx, want %#llx\n", what, (unsigned long long)got,
               (unsigned long long)want);
    }
}

/* ---- tables ------------------------------------------------------------- */

static u64 new_table(Fix *x)
{
    u64 size = BIT(x->s->granule);
    u64 at = align_up(x->next, size);

    x->next = at + size;
    memset(x->ram->host + at, 0, size);
    return RAM_BASE + at;
}

static void set_tcr(Fix *x, const Shape *s)
{
    x->c->tcr = s->tsz | (u64)s->tsz << 16 | (u64)s->tg0 << 14
        | (u64)s->tg1 << 30 | 5ull << 32;
}

static void begin(Fix *x, const Shape *s)
{
    x->s = s;
    x->next = 0;
    x->c->sctlr = SCTLR_M;
    x->c->mair = 0xff00;        /* 0: device, 1: normal */
    x->c->el = 1;
    set_tcr(x, s);
    x->c->ttbr0 = new_table(x);
    x->c->ttbr1 = new_table(x);
}

static u8 *entry(Fix *x, u64 table, u64 va, u32 level)
{
    u32 stride = x->s->granule - 3;
    u32 shift = x->s->granule + stride * (3 - level);
    u32 width = MIN(stride, 64 - x->s->tsz - shift);

    return x->ram->host + (table - RAM_BASE)
        + (va >> shift & MASK(width)) * 8;
}

/* Puts desc at `level` for va; tables above it get `extra` bits. */
static void map(Fix *x, u64 va, u32 level, u64 desc, u64 extra)
{
    u64 table = va >> 55 & 1 ? x->c->ttbr1 : x->c->ttbr0;

    for (u32 l = x->s->start; l < level; l++) {
        u8 *e = entry(x, table, va, l);
        if (!(load_le(e, 8) & 1)) {
            store_le(e, 8, new_table(x) | VALID | TABLE);
        }
        table = load_le(e, 8) & MASK(48) & ~MASK(12);
        store_le(e, 8, load_le(e, 8) | extra);
    }
    store_le(entry(x, table, va, level), 8, desc);
}

static u32 shift_of(const Fix *x, u32 level)
{
    return x->s->granule + (x->s->granule - 3) * (3 - level);
}

/* ---- asking ------------------------------------------------------------- */

/* 0 if it is found, else the status code. */
static u64 ask(Fix *x, u64 va, Access a, bool user)
{
    x->fault = (Fault) { .code = ~0ull };
    return arm_walk(&x->c->cpu, va, a, user, &x->page, &x->fault)
        ? 0 : x->fault.code | BIT(32);
}

static void finds(Fix *x, u64 va, u64 pa, u32 log2)
{
    expect(x, "walk", ask(x, va, ACCESS_READ, false), 0);
    expect(x, "pa", x->page.pa, pa);
    expect(x, "log2", x->page.log2, log2);
}

static void faults(Fix *x, const char *what, u64 va, Access a, u64 code)
{
    expect(x, what, ask(x, va, a, false), code | BIT(32));
    expect(x, "fault address", x->fault.va, va);
}

static u64 prot(Fix *x, u64 va, bool user)
{
    if (ask(x, va, ACCESS_READ, user) && ask(x, va, ACCESS_FETCH, user)) {
        return 0;
    }
    return x->page.prot;
}

/* ---- the tests ---------------------------------------------------------- */

static const u64 low = 0x12345000ull, high = 0xffffffffedcb0000ull;

static void pages(Fix *x)
{
    u64 leaf = VALID | TABLE | AF | ATTR(1), mask = MASK(x->s->granule);

    map(x, low, 3, 0x80000000ull | leaf, 0);
    map(x, high, 3, 0x90000000ull | leaf, 0);
    finds(x, low, 0x80000000ull | (low & mask & ~0xfffull), x->s->granule);
    expect(x, "global", x->page.global, 1);
    expect(x, "device", x->page.device, 0);
    finds(x, high + 0x10, 0x90000000ull | (high & mask & ~0xfffull),
          x->s->granule);
    map(x, low, 3, 0x80000000ull | NG | (leaf & ~ATTR(1)), 0);
    finds(x, low, 0x80000000ull | (low & mask & ~0xfffull), x->s->granule);
    expect(x, "not global", x->page.global, 0);
    expect(x, "device", x->page.device, 1);
    map(x, low, 3, 0x80000000ull | VALID | AF, 0);
    faults(x, "no page", low, ACCESS_READ, FSC_TRANSLATION | 3);
    map(x, low, 3, 0x80000000ull | VALID | TABLE, 0);
    faults(x, "access flag", low, ACCESS_READ, FSC_ACCESS | 3);
    report(x, "pages");
}

static void blocks(Fix *x)
{
    for (u32 level = x->s->start; level < 3; level++) {
        u32 shift = shift_of(x, level);
        u64 va = BIT(29) * 3;           /* beside nothing else */
        bool may = level == 2 || (level == 1 && x->s->granule == 12);
        if (64 - x->s->tsz <= 30) {
            va = BIT(29);
        }
        map(x, va, level, BIT(shift) * 2 % BIT(44) | VALID | AF, 0);
        if (may) {
            u64 at = align_down(va, BIT(shift)) + BIT(shift) - 0x1800;
            finds(x, at, BIT(shift) * 3 - 0x2000, shift);
        } else {
            faults(x, "block", va, ACCESS_READ, FSC_TRANSLATION | level);
        }
        map(x, va, level, 0, 0);
    }
    report(x, "blocks");
}

static void levels(Fix *x)
{
    u64 va = BIT(28) * 5 / 4;

    for (u32 level = x->s->start; level <= 3; level++) {
        map(x, va, level, 0, 0);
        faults(x, "invalid", va, ACCESS_READ, FSC_TRANSLATION | level);
        if (level < 3) {
            map(x, va, level, BIT(43) | VALID | TABLE, 0);
            faults(x, "no memory", va, ACCESS_READ,
                   FSC_EXTERNAL_WALK | (level + 1));
            x->c->tcr &= ~(7ull << 32);
            x->c->tcr |= 2ull << 32;            /* 40 bits */
            faults(x, "table size", va, ACCESS_READ, FSC_SIZE | level);
            set_tcr(x, x->s);
            map(x, va, level, 0, 0);
        }
    }
    map(x, va, 3, BIT(44) | VALID | TABLE | AF, 0);
    x->c->tcr &= ~(7ull << 32);
    x->c->tcr |= 4ull << 32;                    /* 44 bits */
    faults(x, "page size", va, ACCESS_READ, FSC_SIZE | 3);
    set_tcr(x, x->s);
    report(x, "levels of faults");
}

static void ranges(Fix *x)
{
    u64 beyond = BIT(64 - x->s->tsz), end = beyond - 1;
    u64 leaf = VALID | TABLE | AF | ATTR(1);

    map(x, end, 3, 0x80000000ull | leaf, 0);
    map(x, ~end - 1, 3, 0x90000000ull | leaf, 0);
    expect(x, "last", ask(x, end, ACCESS_READ, false), 0);
    faults(x, "beyond", beyond, ACCESS_READ, FSC_TRANSLATION);
    faults(x, "below", ~end - 1, ACCESS_READ, FSC_TRANSLATION);
    faults(x, "tag", end | 0xabull << 56, ACCESS_READ, FSC_TRANSLATION);
    x->c->tcr |= BIT(37);                       /* TBI0 */
    expect(x, "TBI", ask(x, end | 0xabull << 56, ACCESS_READ, false), 0);
    x->c->tcr |= BIT(7);                        /* EPD0 */
    faults(x, "EPD0", end, ACCESS_READ, FSC_TRANSLATION);
    set_tcr(x, x->s);
    x->c->ttbr0 |= BIT(46);
    x->c->tcr &= ~(7ull << 32);
    faults(x, "TTBR size", low, ACCESS_READ, FSC_SIZE);
    x->c->ttbr0 &= ~BIT(46);
    set_tcr(x, x->s);
    report(x, "ranges");
}

static void rights_of_pages(Fix *x)
{
    static const struct { u64 attrs; u8 el1, el0; } row[] = {
        { 0, PROT_R | PROT_W | PROT_X, PROT_X },
        { RO, PROT_R | PROT_X, PROT_X },
        { USER, PROT_R | PROT_W, PROT_R | PROT_W | PROT_X },
        { USER | RO, PROT_R | PROT_X, PROT_R | PROT_X },
        { USER | PXN | UXN, PROT_R | PROT_W, PROT_R | PROT_W },
        { RO | UXN, PROT_R | PROT_X, 0 },
        { USER | RO | PXN, PROT_R, PROT_R | PROT_X },
    };

    for (u32 i = 0; i < countof(row); i++) {
        map(x, low, 3, 0x80000000ull | VALID | TABLE | AF | row[i].attrs, 0);
        expect(x, "EL1", prot(x, low, false), row[i].el1);
        expect(x, "unprivileged", prot(x, low, true), row[i].el0);
        x->c->el = 0;
        expect(x, "EL0", prot(x, low, false), row[i].el0);
        x->c->el = 1;
    }
    map(x, low, 3, 0x80000000ull | VALID | TABLE | AF | RO, 0);
    faults(x, "write", low, ACCESS_WRITE, FSC_PERMISSION | 3);
    x->c->el = 0;
    faults(x, "EL0 read", low, ACCESS_READ, FSC_PERMISSION | 3);
    x->c->el = 1;
    map(x, low, 3, 0x80000000ull | VALID | TABLE | AF | PXN, 0);
    faults(x, "execute", low, ACCESS_FETCH, FSC_PERMISSION | 3);
    map(x, low, 3, 0x80000000ull | VALID | TABLE | AF, 0);
    x->c->sctlr |= SCTLR_WXN;
    faults(x, "WXN", low, ACCESS_FETCH, FSC_PERMISSION | 3);
    x->c->sctlr &= ~(u64)SCTLR_WXN;
    report(x, "rights");
}

static void rights_of_tables(Fix *x)
{
    static const struct { u64 extra; u8 el1, el0; } row[] = {
        { RO_TABLE, PROT_R | PROT_X, PROT_R | PROT_X },
        { NO_USER_TABLE, PROT_R | PROT_W | PROT_X, PROT_X },
        { UXN_TABLE | PXN_TABLE, PROT_R | PROT_W, PROT_R | PROT_W },
    };

    for (u32 i = 0; i < countof(row); i++) {
        begin(x, x->s);
        map(x, low, 3, 0x80000000ull | VALID | TABLE | AF | USER,
            row[i].extra);
        expect(x, "EL1", prot(x, low, false), row[i].el1);
        expect(x, "EL0", prot(x, low, true), row[i].el0);
    }
    report(x, "rights in tables");
}

static void big_endian(Fix *x)
{
    u64 table = x->c->ttbr0;

    for (u32 l = x->s->start; l < 3; l++) {
        u64 below = new_table(x);
        store_be(entry(x, table, low, l), 8, below | VALID | TABLE);
        table = below;
    }
    store_be(entry(x, table, low, 3), 8, 0xa0000000ull | VALID | TABLE | AF);
    x->c->sctlr |= SCTLR_EE;
    expect(x, "walk", ask(x, low, ACCESS_WRITE, false), 0);
    expect(x, "pa", align_down(x->page.pa, BIT(x->s->granule)), 0xa0000000ull);
    report(x, "big-endian tables");
}

/* ---- without tables ----------------------------------------------------- */

static void flat(Fix *x)
{
    x->s = NULL;
    x->c->sctlr = x->c->tcr = 0;
    finds(x, 0x12345678, 0x12345000, 12);
    expect(x, "rights", x->page.prot, PROT_R | PROT_W | PROT_X);
    expect(x, "global", x->page.global, 0);
    faults(x, "beyond", BIT(48), ACCESS_WRITE, FSC_SIZE);
    report(x, "MMU off");
}

static void spaces(Fix *x)
{
    ArmCpu *c = x->c;
    u64 off, wide, narrow;

    x->s = NULL;
    c->ttbr0 = 0xab12ull << 48;
    c->ttbr1 = 0xcd34ull << 48;
    c->sctlr = c->tcr = 0;
    off = arm_space(c);
    c->sctlr = SCTLR_M;
    narrow = arm_space(c);
    c->tcr = BIT(36);
    wide = arm_space(c);
    expect(x, "8-bit ASID", narrow & 0xffff, 0x12);
    expect(x, "16-bit ASID", wide & 0xffff, 0xab12);
    c->tcr |= BIT(22);
    expect(x, "A1", arm_space(c) & 0xffff, 0xcd34);
    expect(x, "off is apart", off != narrow && off != wide, 1);
    report(x, "address spaces");
}

static void address_translation(Fix *x)
{
    begin(x, &shapes[0]);
    map(x, low, 3, 0x80000000ull | VALID | TABLE | AF | RO | ATTR(1) | 0x300,
        0);
    arm_at(x->c, low + 0x123, false, false);
    expect(x, "PAR", x->c->par, 0xffull << 56 | 0x80000000ull | 0x980);
    arm_at(x->c, low, true, false);
    expect(x, "PAR of a fault", x->c->par, 0x801 | (FSC_PERMISSION | 3) << 1);
    arm_at(x->c, low + 0x1000, false, true);
    expect(x, "PAR of a fault", x->c->par, 0x801 | (FSC_TRANSLATION | 3) << 1);
    report(x, "AT");
}

int main(void)
{
    static Fix x;               /* lives as long as the process */
    Err err = { "" };
    MemSpace *m = mem_new();

    x.c = g_new0(ArmCpu, 1);
    x.ram = ram_new("ram", RAM_SIZE, &err);
    if (!x.ram) {
        printf("not ok 1 - %s\n", err.text);
        return 1;
    }
    mem_add(m, &(MemRegion) { .name = "ram", .base = RAM_BASE,
                              .size = RAM_SIZE, .ram = x.ram });
    x.c->cpu.mem = m;
    x.c->id[56] = 5;                            /* 48 bits of PA */
    for (u32 i = 0; i < countof(shapes); i++) {
        static void (*const tests[])(Fix *) = {
            pages, blocks, levels, ranges, rights_of_pages, rights_of_tables,
            big_endian,
        };
        for (u32 t = 0; t < countof(tests); t++) {
            begin(&x, &shapes[i]);
            tests[t](&x);
        }
    }
    flat(&x);
    spaces(&x);
    address_translation(&x);
    printf("1..%d\n", x.tests);
    return x.failed != 0;
}
