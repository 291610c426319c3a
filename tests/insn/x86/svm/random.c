/* SPDX-License-Identifier: MIT */
/*
 * Guests of random VMCBs and random code: whatever they do, the host goes on.
 * Nested paging lets them have 2 MiB; ports, MSRs and what is not a guest's
 * are intercepted, and the timer ends each.
 */
#include "vm.h"

enum { P = 1, W = 2, U = 4, PS = 0x80, RUNS = 300, SANDBOX = 0x800000,
       TABLES = NESTED_TABLES, SIZE = 0x200000 };

static u64 state = 0x9e3779b97f4a7c15;

static u64 next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* One of many, mostly; of few bits, sometimes; or else anything. */
static u64 value(u64 usual)
{
    switch (next() % 8) {
    case 0: return next();
    case 1: return next() & next() & next();
    case 2: return usual ^ 1ull << next() % 64;
    case 3: return next() & (SIZE - 1);
    default: return usual;
    }
}

static void sandbox(void)
{
    fill((void *)TABLES, 0, 0x3000);
    at64(TABLES)[0] = (TABLES + 0x1000) | U | W | P;
    at64(TABLES + 0x1000)[0] = (TABLES + 0x2000) | U | W | P;
    at64(TABLES + 0x2000)[0] = SANDBOX | PS | U | W | P;
    for (u32 i = 0; i < 0x8000; i += 8) {
        at64(SANDBOX)[i / 8] = next();
    }
    /* Page tables that are right, if CR3 is. */
    at64(SANDBOX + 0x1000)[0] = 0x2000 | U | W | P;
    at64(SANDBOX + 0x2000)[0] = 0x3000 | U | W | P;
    at64(SANDBOX + 0x3000)[0] = PS | U | W | P;
}

static void controls(void)
{
    static const u8 always[] = { X_INTR, X_HLT, X_IOIO, X_MSR, X_SHUTDOWN,
                                 0x80, 0x82, 0x83, 0x84, 0x85, 0x8d, 0x62 };

    for (u32 i = 0; i < 5; i++) {
        vm32(INTERCEPT)[i] |= (u32)(next() & next());
    }
    for (u32 i = 0; i < sizeof always; i++) {
        intercept(always[i]);
    }
    fill((void *)IOPM, 0xff, 0x3000);
    fill((void *)MSRPM, 0xff, 0x2000);
    *vm64(NP) = 1;
    *vm64(N_CR3) = TABLES;
    *vm32(ASID) = next() % 40 + 1;
    *vm8(TLB_CONTROL) = (u8)(next() & 7);
    *vm64(INT_CTL) = (next() & ~0xffull << 24) | 1 << 24;
    *vm64(SHADOW) = next() & 1;
    *vm64(EVENTINJ) = next() % 3 ? 0 : next() & ~0x700ull;
    *vm64(NRIP) = value(0);
}

static void random_vm(void)
{
    static const u16 attributes[] = { 0xa9b, 0xc9b, 0x09b, 0xc93, 0x093 };
    static const u16 fields[] = { CR2, RSP, RAX, RFLAGS, RIP, DR6, DR7, CR3 };

    new_vm(0);
    sandbox();
    controls();
    *vm64(RIP) = 0x4000;
    *vm64(RSP) = 0x8000;
    *vm64(CR3) = 0x1000;
    for (u32 i = 0; i < 14; i++) {
        gpr[i] = value(0x5000);
    }
    for (u32 s = ES; s <= DS; s += 16) {
        u16 attr = next() % 8 ? attributes[next() % 5] : (u16)next();
        segment(s, (u16)next(), attr, (u32)value(~0u), value(0));
    }
    for (u32 i = 0; i < sizeof fields / sizeof *fields; i++) {
        *vm64(fields[i]) = value(*vm64(fields[i]));
    }
    segment(GDTR, 0, 0, 0xfff, 0x6000);
    segment(IDTR, 0, 0, 0xfff, 0x7000);
    if (next() % 2) {
        *vm64(CR0) = value(next() % 2 ? 0x10 : 0x80000011);
        *vm64(CR4) = value(next() % 2 ? 0x30 : 0x640);
        *vm64(EFER) = next() % 2 ? 0x1000 : 0x1d01;
    }
    *vm8(CPL) = (u8)next();
}

static void outb(u16 port, u8 v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

/* A millisecond: the host takes the interrupt when STGI lets it. */
static void run_for_a_while(void)
{
    outb(0x43, 0x30);
    outb(0x40, 0xa9);
    outb(0x40, 4);
    outb(0x21, 0xfe);
    __asm__ volatile(".byte 0x0f, 0x01, 0xdd\n sti" : : : "memory");
    run_closed();
    __asm__ volatile(".byte 0x0f, 0x01, 0xdc\n nop\n cli" : : : "memory");
    outb(0x21, 0xff);
}

void test_random(void)
{
    u32 codes = 0;
    bool good = true;

    for (u32 i = 0; i < RUNS; i++) {
        random_vm();
        run_for_a_while();
        u64 code = *vm64(EXITCODE);
        good &= code <= 0xff || code == X_NPF || code == INVALID;
        codes |= code <= 0x7f && code >= 0x40 ? 1 : code == X_NPF ? 2
            : code == INVALID ? 4 : 8;
    }
    result(good, "random guests end as the manual says");
    equal("in each way", codes & 7, 7);
    new_vm(0);
}
