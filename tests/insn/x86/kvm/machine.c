/* SPDX-License-Identifier: MIT */
/*
 * What a virtual machine's kernel side has beside running instructions: MSRs,
 * local and I/O APIC, PICs and timer, HLT, debug registers and single steps.
 * The same words under each accelerator, with interrupt controllers anywhere.
 * Reference: SDM volume 3, 10 "APIC", 17 "Debug"; 82093AA; 8259A; 8254.
 */
#include "tests/insn/x86/modes/modes.h"

enum { DB = 1, BP = 3, UD = 6, GP = 13 };
enum { ID = 0x20, TPR = 0x80, EOI = 0xb0, SVR = 0xf0, ISR = 0x100, IRR = 0x200,
       ICR = 0x300, LVT_TIMER = 0x320, INITIAL = 0x380, CURRENT = 0x390,
       DIVIDE = 0x3e0 };
enum { PIC_VECTOR = 0x30, TIMER = 0x41, SELF = 0x52, LOW = 0x43, PIN = 0x64,
       SPURIOUS = 0xff };

static volatile u32 came[256];

static u32 apic(u32 at)
{
    return *(volatile u32 *)(0xfee00000u + at);
}

static void set_apic(u32 at, u32 v)
{
    *(volatile u32 *)(0xfee00000u + at) = v;
}

static void set_ioapic(u32 index, u32 v)
{
    *(volatile u32 *)0xfec00000u = index;
    *(volatile u32 *)0xfec00010u = v;
}

static u32 bit_of(u32 base, u32 vector)
{
    return apic(base + vector / 32 * 0x10) >> vector % 32 & 1;
}

static void served(Frame *f)
{
    came[f->vector]++;
    set_apic(EOI, 0);
}

static void served_pic(Frame *f)
{
    came[f->vector]++;
    outb(0x20, 0x20);
}

/* Until it came, with interrupts on in HLT alone. */
static void await(u32 vector)
{
    while (!came[vector]) {
        __asm__ volatile("sti\n hlt\n cli" : : : "memory");
    }
}

static void let_in(void)
{
    __asm__ volatile("sti\n nop\n nop\n cli" : : : "memory");
}

static u64 rdmsr(u32 n)
{
    u32 lo, hi;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(n));
    return (u64)hi << 32 | lo;
}

static void wrmsr(u32 n, u64 v)
{
    __asm__ volatile("wrmsr" : : "c"(n), "a"((u32)v), "d"((u32)(v >> 32)));
}

static void msrs(void)
{
    u64 pat = rdmsr(0x277), first = rdmsr(0x10);

    wrmsr(0x174, 0x1234);
    wrmsr(0x175, 0x56789a);
    equal("SYSENTER_CS", (u32)rdmsr(0x174), 0x1234);
    equal("SYSENTER_ESP", (u32)rdmsr(0x175), 0x56789a);
    wrmsr(0x277, 0x0007040600070406);
    equal("PAT", (u32)(rdmsr(0x277) >> 32), 0x00070406);
    wrmsr(0x277, pat);
    TRY("wrmsr", "c"(0x277), "a"(0x02020202), "d"(0));
    trapped("a type that PAT has not", GP, 0);
    TRY("rdmsr", "c"(0x12345));
    trapped("an MSR that is not there", GP, 0);
    result(rdmsr(0x10) > first, "the TSC goes on");
    equal("the APIC's base", (u32)rdmsr(0x1b) & ~0x400u, 0xfee00900);
}

static void local_apic(void)
{
    hook[TIMER] = hook[SELF] = hook[LOW] = served;
    set_apic(SVR, 0x100 | SPURIOUS);
    set_apic(ICR, 0x40000 | SELF);
    equal("a request", bit_of(IRR, SELF), 1);
    let_in();
    equal("an interrupt to itself", came[SELF], 1);
    equal("which is served", bit_of(ISR, SELF), 0);
    set_apic(TPR, 0x50);
    set_apic(ICR, 0x40000 | LOW);
    let_in();
    equal("below the task priority", came[LOW], 0);
    set_apic(TPR, 0);
    let_in();
    equal("and when that is lower", came[LOW], 1);
    set_apic(DIVIDE, 3);
    set_apic(LVT_TIMER, TIMER);
    set_apic(INITIAL, 50000);
    await(TIMER);
    equal("the timer wakes from HLT", came[TIMER], 1);
    equal("once", apic(CURRENT), 0);
    set_apic(LVT_TIMER, 0x10000);
}

/* The 8254's output 0, in 100 Hz: the PIC's input 0, the I/O APIC's 2. */
static void start_timer(void)
{
    outb(0x43, 0x34);
    outb(0x40, 11932 & 0xff);
    outb(0x40, 11932 >> 8);
}

static void pics(void)
{
    static const u8 init[][2] = {
        { 0x20, 0x11 }, { 0x21, PIC_VECTOR }, { 0x21, 4 }, { 0x21, 1 },
        { 0xa0, 0x11 }, { 0xa1, PIC_VECTOR + 8 }, { 0xa1, 2 }, { 0xa1, 1 },
        { 0x21, 0xfe }, { 0xa1, 0xff },
    };

    hook[PIC_VECTOR] = served_pic;
    for (unsigned i = 0; i < sizeof init / sizeof *init; i++) {
        outb(init[i][0], init[i][1]);
    }
    set_apic(0x350, 0x700);             /* LINT0 is ExtINT */
    start_timer();
    await(PIC_VECTOR);
    result(came[PIC_VECTOR] != 0, "the timer by way of the PIC");
    outb(0x21, 0xff);
    equal("its mask", inb(0x21), 0xff);
}

static void io_apic(void)
{
    hook[PIN] = served;
    set_ioapic(0x10 + 2 * 2 + 1, apic(ID));
    set_ioapic(0x10 + 2 * 2, PIN);
    await(PIN);
    came[PIN] = 0;
    await(PIN);
    result(came[PIN] != 0, "the timer by way of the I/O APIC");
    set_ioapic(0x10 + 2 * 2, 0x10000);
    equal("its entry", *(volatile u32 *)0xfec00010u & 0x100ff, 0x10000);
}

static u32 dr6(void)
{
    u32 v;

    __asm__ volatile("movl %%dr6, %0\n movl %1, %%dr6"
                     : "=&r"(v) : "r"(0xffff0ff0));
    return v & 0xe00f;
}

static void debug(void)
{
    static volatile u32 watched;

    TRY("pushfl\n orl $0x100, (%%esp)\n popfl\n nop\n nop", "a"(0));
    trapped("a single step", DB, 0);
    equal("DR6.BS", dr6(), 0x4000);
    __asm__ volatile("movl %0, %%dr0\n movl %1, %%dr7"
                     : : "r"(&watched), "r"(0xd0202));
    TRY("movl $1, (%%eax)\n nop", "a"(&watched));
    trapped("a watchpoint", DB, 0);
    equal("DR6.B0", dr6(), 1);
    __asm__ volatile("movl %0, %%dr7" : : "r"(0));
    TRY("int3", "a"(0));
    trapped("INT3", BP, 0);
    TRY("ud2", "a"(0));
    trapped("UD2", UD, 0);
}

void test_machine(void)
{
    msrs();
    local_apic();
    pics();
    io_apic();
    debug();
}
