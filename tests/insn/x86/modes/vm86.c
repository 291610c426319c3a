/* SPDX-License-Identifier: MIT */
/*
 * Virtual-8086 mode, with and without CR4.VME; ports by the I/O bitmap.
 * Reference: SDM volume 3, chapter 21 "8086 Emulation".
 */
#include "modes.h"

enum { DB_ = 1, UD_ = 6, GP_ = 13 };
enum { IF = 0x200, VM = 0x20000, VIF = 0x80000, VIP = 0x100000 };
enum { AT = 0x20000, STACK = 0x30000 };         /* linear */

/* Pieces of 16-bit code, copied to AT. */
#define PIECE(name, text)                                                   \
    extern u8 name, name##_end;                                             \
    __asm__(".code16\n" #name ":\n" text "\n int3\n" #name "_end:\n"        \
            ".code32\n")
PIECE(v_plain, "movw $0x1234, %ax\n movw %ax, %ds\n movw %cs, %bx");
PIECE(v_int, "int $0x85\n movw $0x77, %bx");
PIECE(v_cli, "cli");
PIECE(v_sti, "sti");
PIECE(v_pushf, "pushfw\n popw %ax");
PIECE(v_pushfl, "pushfl\n popl %eax");
PIECE(v_popf, "pushw %ax\n popfw");
PIECE(v_iret, "pushw %ax\n pushw %cs\n pushw $1f - v_iret\n iretw\n 1:");
PIECE(v_hlt, "hlt");
PIECE(v_in, "inb $0x71, %al");
PIECE(v_inw, "movw $0x77, %dx\n inw %dx, %ax");
PIECE(v_lldt, "lldt %ax");
PIECE(v_wrap, "movw $0xffff, %bx\n movw (%bx), %ax");
PIECE(v_high, "movw $0xffff, %ax\n movw %ax, %ds\n movb (0x10), %al");
PIECE(v_jump, "ljmpw $0x2000, $1f - v_jump + 0x0\n 1: movw %cs, %bx");
PIECE(v_cr0, "movl %cr0, %eax");
PIECE(v_int3, "nop");

static Frame last;

static void keep(Frame *f)
{
    last = *f;
    __asm__ volatile(
        "movl $0x10, %%eax\n movl %%eax, %%ds\n movl %%eax, %%es\n"
        "movl recover_sp, %%esp\n pushl $2\n popfl\n jmp *recover_ip"
        : : : "eax");
}

/* Runs a piece with these flags and AX until an interrupt or a fault. */
Frame vm86_run(const u8 *code, const u8 *end, u32 flags, u32 ax)
{
    static u32 frame[9];

    copy((void *)AT, code, (u32)(end - code));
    for (unsigned v = 0; v < 256; v++) {
        hook[v] = keep;
    }
    fill(&last, 0, sizeof last);
    frame[0] = 0;
    frame[1] = AT >> 4;
    frame[2] = flags | VM | 2;
    frame[3] = 0xfff0;
    frame[4] = STACK >> 4;
    frame[5] = 0x1111;
    frame[6] = 0x2222;
    frame[7] = 0x3333;
    frame[8] = 0x4444;
    TRY("movl %1, %%eax\n movl %0, %%esp\n iretl", "c"(frame), "b"(ax));
    for (unsigned v = 0; v < 256; v++) {
        hook[v] = 0;
    }
    return last;
}
#define RUN(name, flags, ax)    vm86_run(&name, &name##_end, flags, ax)
#define IOPL3   0x3000u

static void basic(void)
{
    set_gate(3, 0xee);
    set_gate(0x85, 0xee);
    RUN(v_plain, IOPL3, 0);
    trapped("virtual-8086 mode up to INT3", 3, 0);
    equal("VM in the image", last.eflags & VM, VM);
    equal("CS", last.cs & 0xffff, AT >> 4);
    equal("SS", last.ss & 0xffff, STACK >> 4);
    equal("SP", last.esp & 0xffff, 0xfff0);
    equal("BX of CS", last.ebx & 0xffff, AT >> 4);
    equal("DS is pushed", last.vm_ds & 0xffff, 0x1234);
    equal("ES is pushed", last.vm_es & 0xffff, 0x1111);
    equal("FS is pushed", last.vm_fs & 0xffff, 0x3333);
    equal("GS is pushed", last.vm_gs & 0xffff, 0x4444);
    equal("the handler's FS is null", last.fs & 0xffff, 0);
    RUN(v_int, IOPL3, 0);
    trapped("INT with IOPL 3", 0x85, 0);
    RUN(v_int, 0, 0);
    trapped("INT with IOPL 0", GP_, 0);
    equal("EIP at it", last.eip, 0);
    set_gate(0x85, 0x8e);
    RUN(v_int, IOPL3, 0);
    trapped("INT with a gate of DPL 0", GP_, 0x85 * 8 + 2);
    RUN(v_int3, 0, 0);
    trapped("INT3 with IOPL 0", 3, 0);
    RUN(v_hlt, IOPL3, 0);
    trapped("HLT", GP_, 0);
    RUN(v_lldt, IOPL3, 0);
    trapped("LLDT", UD_, 0);
    RUN(v_cr0, IOPL3, 0);
    trapped("MOV from CR0", GP_, 0);
    if (!lax) {
        RUN(v_wrap, IOPL3, 0);
        trapped("a word at FFFF", GP_, 0);
    }
    RUN(v_high, IOPL3, 0);
    trapped("above 1 MiB", 3, 0);
    RUN(v_jump, IOPL3, 0);
    trapped("a far jump", 3, 0);
    set_gdt(T0, desc(0, 0xfffff, CODE_XR | DPL3, 12));
    idt[0x85] = gate(T0 | 3, 0, 0xee, 0);
    RUN(v_int, IOPL3, 0);
    trapped("INT to a handler at CPL 3", GP_, T0);
}

static void flags(void)
{
    RUN(v_cli, IOPL3 | IF, 0);
    equal("CLI with IOPL 3", last.eflags & IF, 0);
    RUN(v_cli, 0, 0);
    trapped("CLI with IOPL 0", GP_, 0);
    RUN(v_sti, 0, 0);
    trapped("STI with IOPL 0", GP_, 0);
    RUN(v_pushf, 0, 0);
    trapped("PUSHF with IOPL 0", GP_, 0);
    RUN(v_popf, 0, 2);
    trapped("POPF with IOPL 0", GP_, 0);
    RUN(v_iret, 0, 2);
    trapped("IRET with IOPL 0", GP_, 0);
    RUN(v_pushf, IOPL3, 0);
    equal("PUSHF with IOPL 3", last.eax & 0xf002, 0x3002);
    RUN(v_popf, IOPL3, 0x202);
    equal("POPF with IOPL 3: IF", last.eflags & IF, IF);
    equal("and IOPL stays", last.eflags & 0x3000, 0x3000);
    RUN(v_pushfl, IOPL3, 0);
    equal("PUSHFD: neither VM nor RF", last.eax & 0x30000, 0);
    RUN(v_iret, IOPL3, 0x202);
    equal("IRET with IOPL 3", last.eflags & IF, IF);
}

static void ports(void)
{
    RUN(v_in, IOPL3, 0);
    trapped("IN, denied by the bitmap", GP_, 0);
    tss.map[32 + 0x71 / 8] = (u8)~(1 << (0x71 & 7));
    RUN(v_in, IOPL3, 0);
    trapped("IN, allowed", 3, 0);
    tss.map[32 + 0x77 / 8] &= 0x7f;
    RUN(v_inw, IOPL3, 0);
    trapped("IN of two ports, one denied", GP_, 0);
    tss.map[32 + 0x78 / 8] &= 0xfe;
    RUN(v_inw, IOPL3, 0);
    trapped("both allowed", 3, 0);
    USER("inb $0x71, %%al", "r"(0));
    trapped("CPL 3 by the bitmap", CALL_VECTOR, 0);
    USER("inb $0x70, %%al", "r"(0));
    trapped("CPL 3, denied", GP_, 0);
    USER("movw $0xffff, %%dx\n inb %%dx, %%al", "r"(0));
    trapped("the last port, denied", GP_, 0);
    TRY("pushl $0x23\n pushl $user_stack + 4096\n pushl $0x3002\n"
        "pushl $0x1b\n pushl $8f\n iretl\n 8: inb $0x70, %%al\n int $0x80",
        "r"(0));
    trapped("CPL 3 with IOPL 3", CALL_VECTOR, 0);
}

/* ---- VME ---------------------------------------------------------------- */

static void vme(void)
{
    u32 id[4];
    u16 *table = (u16 *)0;

    __asm__("" : "+r"(table));
    cpuid(1, id);
    if (!(id[3] & 2)) {
        return;
    }
    write_cr4(read_cr4() | 1);
    set_gate(3, 0xee);
    table[0x85 * 2] = 0x100;
    table[0x85 * 2 + 1] = AT >> 4;
    ((u8 *)AT)[0x100] = 0xcf;           /* IRET */
    tss.map[0x85 / 8] &= (u8)~(1 << (0x85 & 7));
    RUN(v_int, IF, 0);
    trapped("a redirected INT with IOPL 0", 3, 0);
    equal("its IRET came back", last.ebx & 0xffff, 0x77);
    RUN(v_int, IOPL3 | IF, 0);
    trapped("a redirected INT with IOPL 3", 3, 0);
    tss.map[0x85 / 8] = 0xff;
    RUN(v_int, 0, 0);
    trapped("INT that is not redirected, IOPL 0", GP_, 0);
    RUN(v_cli, VIF | IF, 0);
    trapped("CLI", 3, 0);
    equal("clears VIF alone", last.eflags & (VIF | IF), IF);
    RUN(v_sti, IF, 0);
    equal("STI sets VIF", last.eflags & (VIF | IF), VIF | IF);
    RUN(v_sti, VIP, 0);
    trapped("STI with VIP", GP_, 0);
    RUN(v_pushf, VIF, 0);
    equal("PUSHF: IF of VIF, IOPL 3", last.eax & 0x3200, 0x3200);
    RUN(v_pushf, IF, 0);
    equal("PUSHF without VIF", last.eax & 0x3200, 0x3000);
    RUN(v_pushfl, VIF, 0);
    trapped("PUSHFD", GP_, 0);
    RUN(v_popf, 0, 0x202);
    equal("POPF sets VIF", last.eflags & (VIF | IF | 0x3000), VIF);
    RUN(v_popf, VIF | IF, 2);
    equal("POPF clears VIF", last.eflags & (VIF | IF), IF);
    RUN(v_popf, VIP, 0x202);
    trapped("POPF of IF with VIP", GP_, 0);
    RUN(v_popf, 0, 0x102);
    trapped("POPF of TF", GP_, 0);
    RUN(v_iret, 0, 0x202);
    equal("IRET sets VIF", last.eflags & (VIF | IF), VIF);
    RUN(v_iret, VIP, 0x202);
    trapped("IRET of IF with VIP", GP_, 0);
    RUN(v_pushf, IOPL3, 0);             /* neither VIF nor VIP is left */
    write_cr4(read_cr4() | 2);
    USER("cli\n pushfl\n popl out\n sti\n pushfl\n popl out + 4", "r"(0));
    trapped("PVI: CLI and STI at CPL 3", CALL_VECTOR, 0);
    equal("CLI", out[0] & VIF, 0);
    equal("STI", out[1] & VIF, VIF);
    write_cr4(read_cr4() & ~3u);
}

void test_vm86(void)
{
    basic();
    flags();
    ports();
    vme();
}
