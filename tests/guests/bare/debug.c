/* SPDX-License-Identifier: MIT */
/*
 * Self-hosted debug and alignment exceptions: pieces of code run at EL0 and
 * EL1 with breakpoints, watchpoints, software step, and a stack pointer out
 * of line; how each ends is printed as
 *
 *   NAME elEL: class C iss I pc +OFFSET far ADDRESS ss S
 *
 * The MMU stays off. Reference: Arm ARM (DDI 0487) D1, D2.
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

#define UART 0x09000000UL
#define DATA 0x40200000UL           /* what is watched */
#define SPSR_EL0 0x3c0UL
#define SPSR_EL1 0x3c5UL            /* EL1h */
#define SPSR_D 0x200UL
#define SPSR_SS (1UL << 21)

enum { MDSCR_SS = 1, MDSCR_KDE = 1 << 13, MDSCR_MDE = 1 << 15 };
enum { EL1 = 1 << 1, EL0 = 1 << 2, LOAD = 1 << 3, STORE = 1 << 4 };
#define BAS(bytes) ((u64)(bytes) << 5)
#define BCR(where) (1UL | (where) | BAS(15))
#define WCR(where) (1UL | (where))
#define CONTEXT(n) ((u64)(n) << 16)
#define TYPE(n) ((u64)(n) << 20)
#define WIDE(n) ((u64)(n) << 24)
#define LINKED (1UL << 20)

#define GET(reg) ({ u64 v_; __asm__ volatile("mrs %0, " reg : "=r"(v_)); v_; })
#define SET(reg, v) __asm__ volatile("msr " reg ", %0; isb" : : "r"((u64)(v)))

/* What the exception left; the assembly below fills and reads it. */
struct {
    u64 esr, elr, far, spsr;
} seen;
void run_code(u64 code, u64 spsr, u64 data, u64 sp);

static void put_text(const char *text)
{
    for (; *text; text++) {
        *(volatile u32 *)UART = (u8)*text;
    }
}

static void put_hex(u64 value)
{
    int shift = 60;

    while (shift && !(value >> shift)) {
        shift -= 4;
    }
    for (; shift >= 0; shift -= 4) {
        *(volatile u32 *)UART = (u8)"0123456789abcdef"[value >> shift & 15];
    }
}

static void put(const char *text, u64 value)
{
    put_text(text);
    put_hex(value);
}

static void debug_off(void)
{
    SET("mdscr_el1", 0);
    SET("dbgbcr0_el1", 0);
    SET("dbgbcr1_el1", 0);
    SET("dbgbcr4_el1", 0);
    SET("dbgwcr0_el1", 0);
    SET("dbgwcr1_el1", 0);
}

/* Which classes tell an address. */
static int has_far(u64 class)
{
    return class == 0x22 || class == 0x24 || class == 0x25 || class == 0x34
        || class == 0x35;
}

static void show(const char *name, const void *code, u64 spsr)
{
    u64 class = seen.esr >> 26;

    put_text(name);
    put(" el", spsr >> 2 & 1);
    put(": class ", class);
    put(" iss ", seen.esr & 0x1ffffff);
    put(" pc +", seen.elr - (u64)code);
    if (has_far(class)) {
        put(" far ", seen.far);
    }
    put(" ss ", seen.spsr >> 21 & 1);
    put_text("\n");
}

static void run_sp(const char *name, const void *code, u64 spsr, u64 data,
                   u64 sp)
{
    run_code((u64)code, spsr, data, sp);
    show(name, code, spsr);
}

static void run(const char *name, const void *code, u64 spsr, u64 data)
{
    run_sp(name, code, spsr, data, 0x40300000);
    debug_off();
}

/* Each piece ends with SVC, and finds an address of data in x0. */
#define PIECE(name, text)                                                   \
    extern const u32 name[] __attribute__((visibility("hidden")));          \
    __asm__(".balign 64\n" #name ":\n" text "\n svc #1\n")

PIECE(nops, "nop\n nop\n nop");
PIECE(load8, "ldr x1, [x0]");
PIECE(store4, "str w1, [x0]");
PIECE(store1, "strb w1, [x0, #3]");
PIECE(pair, "stp x1, x2, [x0, #-8]");
PIECE(unpriv, "ldtr x1, [x0]");
PIECE(vector, "ld1 {v0.16b, v1.16b}, [x0]");
PIECE(zva, "dc zva, x0");
PIECE(exclusive, "1: ldxr w1, [x0]\n stxr w2, w1, [x0]");
PIECE(bad_load, "ldr x1, [x2]");
PIECE(jump, "b 1f\n nop\n1: nop");
PIECE(fall_through, "brk #7");
PIECE(opens, "msr daifclr, #8\n nop\n nop");
PIECE(sp_load, "ldr x1, [sp]");
PIECE(sp_offset, "ldr x1, [sp, #8]");
PIECE(sp_store, "sub sp, sp, #32\n stp x0, x1, [sp, #16]\n ldr x1, [sp]");
PIECE(sp_push, "nop\n str x0, [sp, #-8]!\n ldr x1, [sp], #8");
PIECE(sp_prefetch, "prfm pldl1keep, [sp]");
PIECE(sp_vector, "st1 {v0.8b}, [sp]");
PIECE(sp_add, "mov x1, sp\n ldr x2, [x1]\n add x1, sp, #1");
PIECE(sp_mends, "ldr x1, [sp, #8]!\n ldr x1, [sp]");
PIECE(sp_atomic, "ldxr w1, [sp]");

static const u64 spsr_of[2] = { SPSR_EL0, SPSR_EL1 };

static void breakpoints(void)
{
    for (u32 el = 0; el < 2; el++) {
        u64 spsr = spsr_of[el] & ~SPSR_D, mine = el ? EL1 : EL0;
        u64 on = MDSCR_MDE | MDSCR_KDE;

        SET("dbgbvr0_el1", nops + 1);
        SET("dbgbcr0_el1", BCR(mine));
        SET("mdscr_el1", on);
        run("break", nops, spsr, DATA);
        SET("dbgbcr0_el1", BCR(mine));
        run("break, MDE off", nops, spsr, DATA);
        SET("dbgbcr0_el1", BCR(el ? EL0 : EL1));
        SET("mdscr_el1", on);
        run("break, other level", nops, spsr, DATA);
        SET("dbgbcr0_el1", BCR(mine) & ~1UL);
        SET("mdscr_el1", on);
        run("break, off", nops, spsr, DATA);
        SET("dbgbcr0_el1", BCR(mine));
        SET("mdscr_el1", MDSCR_MDE);
        run("break, KDE off", nops, spsr, DATA);
        SET("dbgbcr0_el1", BCR(mine));
        SET("mdscr_el1", on);
        run("break, masked", nops, spsr | SPSR_D, DATA);
        SET("dbgbcr0_el1", BCR(mine));
        SET("mdscr_el1", on);
        SET("oslar_el1", 1);
        run("break, OS lock", nops, spsr, DATA);
        SET("oslar_el1", 0);
    }
    SET("dbgbvr0_el1", opens + 2);
    SET("dbgbcr0_el1", BCR(EL1));
    SET("mdscr_el1", MDSCR_MDE | MDSCR_KDE);
    run("break, opened", opens, SPSR_EL1, DATA);
}

static void contexts(void)
{
    for (u32 same = 0; same < 2; same++) {
        const char *name = same ? "break, context" : "break, other context";

        SET("contextidr_el1", 0x1234);
        SET("dbgbvr4_el1", same ? 0x1234 : 0x1235);
        SET("dbgbcr4_el1", BCR(EL0) | TYPE(3));
        SET("dbgbvr0_el1", nops + 2);
        SET("dbgbcr0_el1", BCR(EL0) | TYPE(1) | CONTEXT(4));
        SET("mdscr_el1", MDSCR_MDE);
        run(name, nops, SPSR_EL0, DATA);
    }
}

typedef struct Watch {
    const char *name;
    const void *code;
    u64 value, control;
    u64 data;
} Watch;

static const Watch watches[] = {
    { "watch load", load8, DATA, LOAD | BAS(0xff), DATA },
    { "watch load, for stores", load8, DATA, STORE | BAS(0xff), DATA },
    { "watch store", store4, DATA, STORE | BAS(0x0f), DATA },
    { "watch store, for loads", store4, DATA, LOAD | BAS(0x0f), DATA },
    { "watch store beside", store4, DATA, STORE | BAS(0xf0), DATA },
    { "watch byte 4", load8, DATA, LOAD | BAS(0x10), DATA },
    { "watch byte 3", store1, DATA, STORE | BAS(0x08), DATA },
    { "watch byte 2", store1, DATA, STORE | BAS(0x04), DATA },
    { "watch word 1", store4, DATA + 4, STORE | BAS(0x0f), DATA + 4 },
    { "watch pair, second", pair, DATA, STORE | BAS(0xff), DATA },
    { "watch pair, first", pair, DATA - 8, STORE | BAS(0xff), DATA },
    { "watch 4 KiB", store4, DATA, STORE | BAS(0xff) | WIDE(12), DATA + 0xff0 },
    { "watch 4 KiB, behind", store4, DATA, STORE | BAS(0xff) | WIDE(12),
      DATA + 0x1000 },
    { "watch vector", vector, DATA + 24, LOAD | BAS(0xff), DATA },
    { "watch exclusive", exclusive, DATA, LOAD | STORE | BAS(0xff), DATA },
};

static void watchpoints(void)
{
    for (u32 i = 0; i < 2 * sizeof watches / sizeof watches[0]; i++) {
        const Watch *w = &watches[i / 2];

        SET("dbgwvr0_el1", w->value);
        SET("dbgwcr0_el1", WCR((i & 1 ? EL1 : EL0) | w->control));
        SET("mdscr_el1", MDSCR_MDE | MDSCR_KDE);
        run(w->name, w->code, spsr_of[i & 1] & ~SPSR_D, w->data);
    }
    SET("dbgwvr1_el1", DATA);
    SET("dbgwcr1_el1", WCR(EL0 | LOAD | BAS(0xff)));
    SET("mdscr_el1", MDSCR_MDE | MDSCR_KDE);
    run("watch unprivileged", unpriv, SPSR_EL1 & ~SPSR_D, DATA);
    SET("dbgwvr1_el1", DATA);
    SET("dbgwcr1_el1", WCR(EL1 | LOAD | BAS(0xff)));
    SET("mdscr_el1", MDSCR_MDE | MDSCR_KDE);
    run("watch privileged", unpriv, SPSR_EL1 & ~SPSR_D, DATA);
}

/* Steps until the code's SVC; at most a few times. */
static void steps(const char *name, const void *code, u64 spsr)
{
    u64 at = (u64)code;

    spsr |= SPSR_SS;
    for (u32 i = 0; i < 6; i++) {
        SET("mdscr_el1", MDSCR_SS | MDSCR_KDE);
        run_code(at, spsr, DATA, 0x40300000);
        debug_off();
        show(name, code, spsr);
        if (seen.esr >> 26 != 0x32 && seen.esr >> 26 != 0x33) {
            break;
        }
        at = seen.elr;
    }
}

static void software_step(void)
{
    u64 el0 = SPSR_EL0 & ~SPSR_D, el1 = SPSR_EL1 & ~SPSR_D;

    steps("step", nops, el0);
    steps("step", jump, el0);
    steps("step", nops, el1);
    steps("step, exclusive", exclusive, el0);
    steps("step, break", fall_through, el0);
    steps("step, masked", nops, SPSR_EL1);
    SET("mdscr_el1", MDSCR_SS);
    run("step, not this one", nops, el0, DATA);
    SET("mdscr_el1", MDSCR_SS);
    run("step, fault", bad_load, el0 | SPSR_SS, DATA);
}

static void stack_pointer(void)
{
    static const struct { const char *name; const void *code; } row[] = {
        { "sp, load", sp_load }, { "sp, offset", sp_offset },
        { "sp, store", sp_store }, { "sp, push", sp_push },
        { "sp, prefetch", sp_prefetch }, { "sp, vector", sp_vector },
        { "sp, no access", sp_add }, { "sp, mends", sp_mends },
        { "sp, exclusive", sp_atomic },
    };
    u64 sctlr = GET("sctlr_el1");

    for (u32 i = 0; i < 4 * sizeof row / sizeof row[0]; i++) {
        u32 el = i & 1, on = !(i & 2);

        SET("sctlr_el1", (sctlr & ~0x18UL) | (on ? 0x18 : 0));
        run_sp(on ? row[i / 4].name : "not checked", row[i / 4].code, spsr_of[el], DATA,
               0x40300008);
        debug_off();
        run_sp(on ? "  in line" : "  not checked, in line", row[i / 4].code, spsr_of[el], DATA, 0x40300000);
    }
    SET("sctlr_el1", sctlr);
}

__attribute__((used)) void debug(void)
{
    put_text("debug: begin\n");
    SET("cpacr_el1", 3 << 20);
    SET("sctlr_el1", GET("sctlr_el1") | 1 << 14);   /* DZE */
    put("id_aa64dfr0 ", GET("id_aa64dfr0_el1") & 0xf0f0f00f);
    put_text("\n");
    run_sp("OS lock at reset", nops, SPSR_EL0, DATA, 0x40300000);
    put("oslsr ", GET("oslsr_el1"));
    put_text("\n");
    SET("oslar_el1", 0);
    debug_off();
    breakpoints();
    contexts();
    watchpoints();
    software_step();
    run("pc", (const u8 *)nops + 2, SPSR_EL0, DATA);
    stack_pointer();
    SET("dbgwvr0_el1", DATA);
    SET("dbgwcr0_el1", WCR(EL0 | STORE | BAS(0xff)));
    SET("mdscr_el1", MDSCR_MDE);
    run("watch DC ZVA", zva, SPSR_EL0, DATA + 8);
    put_text("debug: end\n");
    register u64 x0 __asm__("x0") = 0x84000008;     /* PSCI SYSTEM_OFF */
    __asm__ volatile("hvc #0" : : "r"(x0));
}

__attribute__((used)) void unexpected(void)
{
    put("\ndebug: unexpected, class ", GET("esr_el1") >> 26);
    put(" at ", GET("elr_el1"));
    put(" far ", GET("far_el1"));
    put_text("\ndebug: end\n");
    for (;;) { }
}

__asm__(
    "    .globl _start\n"
    "_start:\n"
    "    adr x0, vectors\n"
    "    msr vbar_el1, x0\n"
    "    isb\n"
    "    mov x0, #0x41000000\n"
    "    mov sp, x0\n"
    "    b debug\n"
    /* Runs code at the level of spsr, until it takes an exception. */
    "run_code:\n"
    "    stp x29, x30, [sp, #-96]!\n"
    "    stp x19, x20, [sp, #16]\n"
    "    stp x21, x22, [sp, #32]\n"
    "    stp x23, x24, [sp, #48]\n"
    "    stp x25, x26, [sp, #64]\n"
    "    stp x27, x28, [sp, #80]\n"
    "    mov x4, sp\n"
    "    adr x5, kept\n"
    "    str x4, [x5]\n"
    "    msr elr_el1, x0\n"
    "    msr spsr_el1, x1\n"
    "    msr sp_el0, x3\n"
    "    mov x0, x2\n"
    "    mov x2, #0xf00000000000\n"         /* nothing can be there */
    "    tbz x1, #2, 1f\n"
    "    mov sp, x3\n"
    "1:  eret\n"
    "taken:\n"
    "    adr x5, kept\n"
    "    ldr x4, [x5]\n"
    "    mov sp, x4\n"
    "    adrp x5, seen\n"
    "    add x5, x5, :lo12:seen\n"
    "    mrs x0, esr_el1\n"
    "    mrs x1, elr_el1\n"
    "    stp x0, x1, [x5]\n"
    "    mrs x0, far_el1\n"
    "    mrs x1, spsr_el1\n"
    "    stp x0, x1, [x5, #16]\n"
    "    ldp x19, x20, [sp, #16]\n"
    "    ldp x21, x22, [sp, #32]\n"
    "    ldp x23, x24, [sp, #48]\n"
    "    ldp x25, x26, [sp, #64]\n"
    "    ldp x27, x28, [sp, #80]\n"
    "    ldp x29, x30, [sp], #96\n"
    "    ret\n"
    "    .balign 8\n"
    "kept: .quad 0\n"
    "    .balign 2048\n"
    "vectors:\n"
    "    .rept 4\n"
    "    b unexpected\n"
    "    .balign 128\n"
    "    .endr\n"
    "    b taken\n"                 /* from EL1 with its own stack pointer */
    "    .balign 128\n"
    "    .rept 3\n"
    "    b unexpected\n"
    "    .balign 128\n"
    "    .endr\n"
    "    b taken\n"                 /* from EL0 */
    "    .balign 128\n"
    "    .rept 7\n"
    "    b unexpected\n"
    "    .balign 128\n"
    "    .endr\n");
