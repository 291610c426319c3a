/* SPDX-License-Identifier: MIT */
/*
 * Single steps and debug registers.
 * Reference: SDM volume 3, chapter 18 "Debug, Branch Profile, ..." 18.1 to
 * 18.3.
 */
#include "modes.h"

enum { DB_ = 1 };
enum { TF = 0x100, RF = 0x10000 };
enum { B0 = 1, B1 = 2, BD = 1 << 13, BS = 1 << 14 };
enum { EXEC, WRITE, IO, ACCESS };

static u32 at[16], dr6[16], flags[16], count;

static u32 read_dr6(void)
{
    u32 v;

    __asm__ volatile("movl %%db6, %0" : "=r"(v));
    return v;
}
static void write_dr6(u32 v)
{
    __asm__ volatile("movl %0, %%db6" : : "r"(v));
}
static void write_dr7(u32 v)
{
    __asm__ volatile("movl %0, %%db7" : : "r"(v));
}
static void write_dr0(u32 v)
{
    __asm__ volatile("movl %0, %%db0" : : "r"(v));
}
static void write_dr1(u32 v)
{
    __asm__ volatile("movl %0, %%db1" : : "r"(v));
}

/* Notes each and goes on; ends single steps when there are many. */
static void keep(Frame *f)
{
    if (count < 16) {
        at[count] = f->eip;
        dr6[count] = read_dr6() & 0xe00f;
        flags[count] = f->eflags;
    }
    if (++count >= 16) {
        f->eflags &= ~(u32)TF;
    }
    write_dr6(0);
    /* Instruction breakpoints are faults: go on behind them. */
    f->eflags |= RF;
}

static void begin(void)
{
    count = 0;
    write_dr6(0);
    hook[DB_] = keep;
}

#define STEP_ON     "pushfl\n orl $0x100, (%%esp)\n popfl\n"
#define STEP_OFF    "pushfl\n andl $~0x100, (%%esp)\n popfl\n"

static void steps(void)
{
    begin();
    TRY("movl $6f, out\n movl $7f, out + 4\n movl $8f, out + 8\n"
        STEP_ON "nop\n 6: nop\n 7: nop\n 8:" STEP_OFF "nop", "r"(0));
    equal("the first step is behind the instruction after POPF", at[0],
          out[0]);
    equal("the second", at[1], out[1]);
    equal("the third", at[2], out[2]);
    equal("steps until POPF", count, 6);
    equal("DR6.BS", dr6[0], BS);
    equal("TF in the image", flags[0] & TF, TF);
    begin();
    TRY("movl $6f, out\n movl %%ss, %%eax\n" STEP_ON
        "movl %%eax, %%ss\n nop\n 6:" STEP_OFF, "r"(0));
    equal("none behind MOV SS", at[0], out[0]);
    begin();
    TRY("movl $3, %%ecx\n movl $7f, out + 4\n cld\n movl $out + 16, %%edi\n"
        "movl $8f, out\n" STEP_ON "8: rep stosb\n 7:" STEP_OFF, "r"(0));
    equal("REP: a step each", at[0], out[0]);
    equal("the last is behind it", at[2], out[1]);
    equal("in all", count, 3 + 3);
    begin();
    TRY("movl $8f, out\n movl $6f, out + 4\n" STEP_ON
        "jmp 8f\n nop\n 8: xorl %%eax, %%eax\n jz 6f\n nop\n 6:" STEP_OFF,
        "r"(0));
    equal("a jump", at[0], out[0]);
    equal("a conditional one", at[2], out[1]);
    begin();
    TRY("movl $8f, out\n" STEP_ON "cpuid\n 8:" STEP_OFF, "r"(0));
    equal("CPUID", at[0], out[0]);
    begin();
    set_gate(3, 0x8e);
    hook[3] = 0;
    TRY(STEP_ON "int3", "r"(0));
    trapped("INT3 clears TF first", 3, 0);
    equal("the image has it", trap.eflags & TF, TF);
    hook[DB_] = 0;
    TRY("pushl $0x102\n pushl $8\n pushl $7f\n movl $8f, out\n iretl\n"
        "7: nop\n 8: nop", "r"(0));
    trapped("IRET with TF", DB_, 0);
    deviates();
    equal("steps one instruction", trap.eip, out[0]);
    USER("pushfl\n orl $0x100, (%%esp)\n popfl\n movl $7f, out\n 7: nop",
         "r"(0));
    trapped("at CPL 3", DB_, 0);
    equal("behind the first", trap.eip, out[0]);
    TRY("pushfl\n orl $0x100, (%%esp)\n popfl\n ud2", "r"(0));
    trapped("a fault in a step comes first", 6, 0);
}

static u32 control(unsigned n, unsigned kind, unsigned len)
{
    return 2u << (n * 2) | (kind | (len - 1) << 2) << (16 + n * 4);
}

/* Breakpoints on instructions are faults, with RF to go on. */
static void code(void)
{
    begin();
    TRY("movl $7f, %%eax\n movl %%eax, out\n movl %%eax, %%db0\n"
        "movl $2, %%eax\n movl %%eax, %%db7\n nop\n 7: movl $0x55, out + 4\n"
        "nop\n xorl %%eax, %%eax\n movl %%eax, %%db7", "r"(0));
    equal("a breakpoint hits once", count, 1);
    equal("at the instruction", at[0], out[0]);
    equal("DR6", dr6[0], B0);
    deviates();
    equal("RF in the image", flags[0] & RF, RF);
    equal("then it is carried out", out[1], 0x55);
    begin();
    TRY("movl $7f, %%eax\n movl %%eax, %%db0\n movl $2, %%ecx\n"
        "movl %%ecx, %%db7\n movl $3, %%ecx\n 7: nop\n loop 7b\n"
        "xorl %%eax, %%eax\n movl %%eax, %%db7", "r"(0));
    equal("in a loop it hits each time", count, 3);
    begin();
    TRY("movl $7f, %%eax\n movl %%eax, %%db0\n movl $2, %%eax\n"
        "movl %%eax, %%db7\n pushl $0x10002\n pushl $8\n pushl $7f\n iretl\n"
        "7: nop\n xorl %%eax, %%eax\n movl %%eax, %%db7", "r"(0));
    equal("IRET with RF: none", count, 0);
}

/* Those on data are traps: behind the access. */
static void data(void)
{
    static const u8 kinds[] = { WRITE, ACCESS };

    out[0] = 0;
    for (u32 i = 0; i < 2; i++) {
        write_dr1((u32)&out[0]);
        write_dr7(control(1, kinds[i], 4));
        begin();
        TRY("movl $7f, out + 4\n movl $0x77, out\n 7: nop", "r"(0));
        equal("a write hits", count, 1);
        equal("behind the instruction", at[0], out[1]);
        equal("DR6", dr6[0], B1);
        equal("it is done", out[0], 0x77);
        begin();
        TRY("movl out, %%eax\n nop", "r"(0));
        equal("a read", count, i);
        begin();
        TRY("movb %%al, out + 3\n nop", "r"(0));
        equal("its last byte", count, 1);
        begin();
        TRY("movb %%al, out + 4\n nop", "r"(0));
        equal("behind it", count, 0);
        begin();
        TRY("movw %%ax, out - 1\n nop", "r"(0));
        equal("over its start", count, 1);
    }
    write_dr7(control(1, WRITE, 1));
    begin();
    TRY("movb %%al, out + 1\n nop", "r"(0));
    equal("a length of 1: the next byte", count, 0);
    begin();
    TRY("movl %%eax, out\n nop", "r"(0));
    equal("a wider write", count, 1);
    begin();
    TRY("movl $out, %%edi\n movl $4, %%ecx\n cld\n rep stosb\n nop", "r"(0));
    equal("REP STOSB", count, 1);
    begin();
    TRY("pushl %%eax\n popl out\n nop", "r"(0));
    equal("POP to memory", count, 1);
    begin();
    TRY("lock incl out\n nop", "r"(0));
    equal("a locked one", count, 1);
    write_dr7(0);
    begin();
    TRY("movl %%eax, out\n nop", "r"(0));
    equal("off", count, 0);
}

static void ports(void)
{
    write_cr4(read_cr4() | 8);
    write_dr0(0x80);
    write_dr7(control(0, IO, 1));
    begin();
    TRY("movl $7f, out\n outb %%al, $0x80\n 7: nop", "r"(0));
    equal("OUT to a port hits", count, 1);
    equal("behind it", at[0], out[0]);
    begin();
    TRY("outb %%al, $0x84\n nop", "r"(0));
    equal("to another", count, 0);
    begin();
    TRY("inb $0x80, %%al\n nop", "r"(0));
    equal("IN", count, 1);
    write_dr7(0);
    write_cr4(read_cr4() & ~8u);
}

static void general_detect(void)
{
    hook[DB_] = 0;
    TRY("movl $0x2000, %%eax\n movl %%eax, %%db7\n movl $7f, out\n"
        "7: movl %%db0, %%eax", "r"(0));
    deviates();
    trapped("GD: an access to a debug register", DB_, 0);
    deviates();
    equal("is a fault", trap.eip, out[0]);
    deviates();
    equal("DR6.BD", read_dr6() & BD, BD);
    TRY("movl %%db7, %%eax\n movl %%eax, out", "r"(0));
    trapped("GD is off in the handler", NO_TRAP, 0);
    deviates();
    equal("DR7", out[0], 0x400);
}

void test_debug(void)
{
    steps();
    code();
    data();
    ports();
    general_detect();
    write_dr7(0);
}
