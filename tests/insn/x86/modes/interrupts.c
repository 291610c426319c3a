/* SPDX-License-Identifier: MIT */
/*
 * The IDT: gates, error codes, what is pushed; IRET; double faults.
 * Reference: SDM volume 3, 7.11 to 7.15; volume 2, INT n, IRET.
 */
#include "modes.h"

enum { DE_ = 0, BP_ = 3, OF_ = 4, UD_ = 6, DF_ = 8, TS_ = 10, NP_ = 11,
       SS_ = 12, GP_ = 13 };
enum { IF = 0x200, NT = 0x4000, TF = 0x100, RF = 0x10000 };

static void gates(void)
{
    USER("int $0x81", "r"(0));
    trapped("INT with a gate of DPL 0 from CPL 3", GP_, 0x81 * 8 + 2);
    TRY("int $0x81", "r"(0));
    trapped("and from CPL 0", 0x81, 0);
    set_gate(0x82, 0xee & 0x7f);
    USER("int $0x82", "r"(0));
    trapped("an absent gate", NP_, 0x82 * 8 + 2);
    idt[0x83] = 0;
    TRY("int $0x83", "r"(0));
    trapped("an empty gate", GP_, 0x83 * 8 + 2);
    idt[0x84] = gate(0, 0, 0xee, 0);
    TRY("int $0x84", "r"(0));
    trapped("a gate to null", GP_, 0);
    idt[0x84] = gate(KDATA, 0, 0xee, 0);
    TRY("int $0x84", "r"(0));
    trapped("a gate to data", GP_, KDATA);
    set_gdt(T0, desc(0, 0xfffff, CODE_XR & 0x7f, 12));
    idt[0x84] = gate(T0, 0, 0xee, 0);
    TRY("int $0x84", "r"(0));
    trapped("a gate to absent code", NP_, T0);
    idt[0x84] = gate(UCODE, 0, 0xee, 0);
    TRY("int $0x84", "r"(0));
    trapped("a gate outward", GP_, UCODE & ~3);
    set_gdt(T0, desc(0, 0xff, CODE_XR, 4));
    idt[0x84] = gate(T0, 0x12345, 0xee, 0);
    if (!lax) {
        TRY("int $0x84", "r"(0));
        trapped("a gate over the limit of its code", GP_, 0);
    }
    idt[0x84] = gate(GDT_SIZE, 0, 0xee, 0);
    TRY("int $0x84", "r"(0));
    trapped("a gate behind the GDT", GP_, GDT_SIZE);
    idt[UD_] = gate(GDT_SIZE, 0, 0x8e, 0);
    TRY("ud2", "r"(0));
    deviates();
    trapped("the same by an exception: EXT is set", GP_, GDT_SIZE | 1);
    idt[UD_] = 0;
    TRY("ud2", "r"(0));
    deviates();
    trapped("an empty gate by an exception", GP_, UD_ * 8 + 3);
    set_gate(UD_, 0x8e);
    struct { u16 limit; u32 base; } __attribute__((packed))
        i = { 0x85 * 8 + 6, (u32)idt };
    __asm__ volatile("lidtl %0" : : "m"(i));
    TRY("int $0x85", "r"(0));
    trapped("over the limit of the IDT", GP_, 0x85 * 8 + 2);
    TRY("int $0x84", "r"(0));
    trapped("and just within", GP_, GDT_SIZE);
    i.limit = sizeof idt - 1;
    __asm__ volatile("lidtl %0" : : "m"(i));
}

static void note_eflags(Frame *f)
{
    u32 flags;

    (void)f;
    __asm__ volatile("pushfl\n popl %0" : "=r"(flags));
    out[0] = flags;
}

static void flags(void)
{
    hook[0x86] = note_eflags;
    TRY("pushfl\n orl $0x4200, (%%esp)\n popfl\n int $0x86\n pushfl\n"
        "popl out + 4\n pushl $2\n popfl", "r"(0));
    equal("an interrupt gate clears IF and NT", out[0] & (IF | NT), 0);
    equal("the image has them", trap.eflags & (IF | NT), IF | NT);
    equal("IRET gives them back", out[1] & (IF | NT), IF | NT);
    set_gate(0x86, 0x8f);
    TRY("pushfl\n orl $0x200, (%%esp)\n popfl\n int $0x86\n cli", "r"(0));
    equal("a trap gate leaves IF", out[0] & IF, IF);
    hook[0x86] = 0;
    TRY("ud2", "r"(0));
    deviates();
    equal("RF in the image of a fault", trap.eflags & RF, RF);
    TRY("int3", "r"(0));
    equal("RF in that of a trap", trap.eflags & RF, 0);
}

static void short_ones(void)
{
    u32 at;

    set_gate(BP_, 0x8e);
    USER("int3", "r"(0));
    trapped("INT3 with a gate of DPL 0", GP_, BP_ * 8 + 2);
    set_gate(BP_, 0xee);
    USER("movl $7f, out\n int3\n 7:", "r"(0));
    trapped("INT3 with one of DPL 3", BP_, 0);
    equal("EIP behind it", trap.eip, out[0]);
    set_gate(OF_, 0xee);
    USER("movb $0x7f, %%al\n addb $1, %%al\n into", "r"(0));
    trapped("INTO with OF", OF_, 0);
    USER("xorl %%eax, %%eax\n into", "r"(0));
    trapped("INTO without", CALL_VECTOR, 0);
    USER(".byte 0xf1", "r"(0));
    deviates();
    trapped("INT1 asks for no DPL", 1, 0);
    USER("movl $7f, out\n 7: xorl %%ecx, %%ecx\n divl %%ecx", "r"(0));
    trapped("a division by zero", DE_, 0);
    at = out[0];
    equal("EIP at it", trap.eip, at + 2);
    out[6] = 1;
    out[7] = 5;
    USER("movl $7, %%eax\n bound %%eax, out + 24", "r"(0));
    trapped("BOUND", 5, 0);
    USER("movl $5, %%eax\n bound %%eax, out + 24", "r"(0));
    trapped("BOUND within", CALL_VECTOR, 0);
    USER("hlt", "r"(0));
    trapped("HLT at CPL 3", GP_, 0);
    USER("cli", "r"(0));
    trapped("CLI at CPL 3", GP_, 0);
    USER("pushfl\n orl $0x3200, (%%esp)\n popfl\n pushfl\n popl out", "r"(0));
    equal("POPF at CPL 3 changes neither IF nor IOPL", out[0] & 0x3200, 0);
}

/* 16-bit gates push words. */
static void small_gates(void)
{
    static u8 code[] = { 0xcd, 0x80 };

    set_gdt(T0, desc((u32)code, 0xffff, CODE_XR, 0));
    idt[0x87] = gate(T0, 0, 0xe6, 0);
    USER("int $0x87", "r"(0));
    trapped("a 16-bit interrupt gate", CALL_VECTOR, 0);
    equal("ESP", trap.esp, tss.esp0 - 10);
    equal("old SS", *(u16 *)(tss.esp0 - 2), UDATA);
    equal("old SP", *(u16 *)(tss.esp0 - 4), (u32)(user_stack + 4096) & 0xffff);
    equal("old CS", *(u16 *)(tss.esp0 - 8), UCODE);
}

/* ---- IRET --------------------------------------------------------------- */

#define IRET(cs, ss, flags)                                                 \
    TRY("pushl %1\n pushl $user_stack + 4096\n pushl %2\n pushl %0\n"       \
        "pushl $8f\n iretl\n 8: pushfl\n popl %%esi\n int $0x80",           \
        "a"(cs), "d"(ss), "c"(flags))

static void irets(void)
{
    static u8 code[] = { 0xcd, 0x80 };

    IRET(UCODE, UDATA, 0x202u);
    trapped("IRET to CPL 3", CALL_VECTOR, 0);
    equal("IF", trap.eflags & IF, IF);
    IRET(UCODE, 0, 2u);
    trapped("IRET with a null stack", GP_, 0);
    IRET(UCODE, KDATA, 2u);
    trapped("IRET with a stack of CPL 0", GP_, KDATA);
    IRET(UCODE & ~3, UDATA, 2u);
    trapped("IRET to code of DPL 3, RPL 0", GP_, UCODE & ~3);
    IRET(0, UDATA, 2u);
    trapped("IRET to null", GP_, 0);
    IRET(UCODE, UDATA, 0x3002u);
    equal("IOPL", trap.eflags & 0x3000, 0x3000);
    USER("pushfl\n andl $~0x3000, (%%esp)\n orl $0x44000, (%%esp)\n"
         "pushl $0x1b\n pushl $8f\n movl $0, out\n 8:", "r"(0));
    trapped("CPL 3 goes on", CALL_VECTOR, 0);
    USER("pushfl\n orl $0x3200, (%%esp)\n pushl $0x1b\n pushl $8f\n iretl\n"
         "8:", "r"(0));
    equal("IRET at CPL 3 changes neither IF nor IOPL",
          trap.eflags & 0x3200, 0);
    TRY("pushl $2\n pushl $8\n pushl $8f\n iretl\n 8: movl %%esp, out",
        "r"(0));
    equal("IRET within CPL 0 pops three", out[0], recover_sp);
    set_gdt(T0, desc((u32)code, 0xffff, CODE_XR, 0));
    TRY("pushw $2\n pushw $0x40\n pushw $0\n iretw", "r"(0));
    trapped("IRETW", CALL_VECTOR, 0);
    equal("its CS", trap.cs, T0);
}

/* ---- double faults ------------------------------------------------------ */

static void double_faults(void)
{
    idt[GP_] = 0;
    TRY("movw %w0, %%ds", "r"(GDT_SIZE));
    trapped("#GP in #GP", DF_, 0);
    idt[UD_] = 0;
    set_gate(GP_, 0x8e);
    TRY("ud2", "r"(0));
    deviates();
    trapped("#GP in #UD", GP_, UD_ * 8 + 3);
    idt[GP_] = 0;
    set_gate(GP_, 0x0e);
    set_gate(UD_, 0x0e);
    TRY("ud2", "r"(0));
    deviates();
    trapped("#NP in #UD", NP_, UD_ * 8 + 3);
    TRY("movw %w0, %%ds", "r"(GDT_SIZE));
    trapped("#NP in #GP", DF_, 0);
    set_gate(GP_, 0x8e);
    set_gate(UD_, 0x8e);
    idt[0x88] = 0;
    idt[GP_] = gate(T0, 0, 0x8e, 0);
    set_gdt(T0, desc(0, 0xfffff, CODE_XR & 0x7f, 12));
    TRY("int $0x88", "r"(0));
    trapped("#NP in #GP in INT", DF_, 0);
    set_gate(GP_, 0x8e);
    /* Without a stack for CPL 0: by a task of its own, see tasks.c. */
}

/* ---- lines -------------------------------------------------------------- */

static void pit_start(u16 count)
{
    outb(0x43, 0x30);
    outb(0x40, (u8)count);
    outb(0x40, (u8)(count >> 8));
}

static void pic_init(void)
{
    static const u8 words[] = { 0x11, 0x90, 4, 1, 0xfe };

    outb(0x20, words[0]);
    for (unsigned i = 1; i < sizeof words; i++) {
        outb(0x21, words[i]);
    }
}

static void wait_irq(void)
{
    do {
        outb(0x20, 0x0a);
    } while (!(inb(0x20) & 1));
}

static void acknowledge(Frame *f)
{
    out[0] = f->eip;
    out[1]++;
    outb(0x20, 0x20);
}

/* An APIC, if there is one, hands the PIC's interrupts on. */
static void apic_init(void)
{
    u32 id[4];

    cpuid(1, id);
    if (id[3] & 1 << 9) {
        *(volatile u32 *)0xfee000f0 = 0x1ff;
        *(volatile u32 *)0xfee00350 = 0x700;
    }
}

static void lines(void)
{
    apic_init();
    pic_init();
    hook[0x90] = acknowledge;
    pit_start(100);
    wait_irq();
    out[1] = 0;
    TRY("movl $7f, out + 8\n sti\n nop\n 7: nop\n nop\n cli", "r"(0));
    equal("one interrupt comes", out[1], 1);
    equal("behind the instruction after STI", out[0], out[2]);
    pit_start(100);
    wait_irq();
    out[1] = 0;
    TRY("sti\n cli\n nop", "r"(0));
    equal("STI, CLI: none", out[1], 0);
    TRY("movl $7f, out + 8\n movl %%ss, %%eax\n sti\n movl %%eax, %%ss\n"
        "nop\n 7: nop\n cli", "r"(0));
    equal("one comes", out[1], 1);
    if (!lax) {
        equal("MOV SS holds it one more", out[0], out[2]);
    }
    pit_start(100);
    out[1] = 0;
    TRY("movl $7f, out + 8\n sti\n hlt\n 7: cli", "r"(0));
    equal("HLT ends by it", out[1], 1);
    equal("and goes on behind", out[0], out[2]);
    pit_start(100);
    wait_irq();
    out[1] = 0;
    TRY("pushfl\n orl $0x200, (%%esp)\n movl $7f, out + 8\n popfl\n 7: nop\n"
        "cli", "r"(0));
    equal("POPF has no shadow", out[0], out[2]);
    outb(0x21, 0xff);
}

void test_interrupts(void)
{
    gates();
    flags();
    short_ones();
    small_gates();
    irets();
    double_faults();
    lines();
}
