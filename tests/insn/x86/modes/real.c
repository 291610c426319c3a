/* SPDX-License-Identifier: MIT */
/*
 * Real mode: the way there and back, interrupts, limits, A20.
 * Reference: SDM volume 3, 10.9 "Mode Switching", 21.1 "Real-Address Mode".
 */
#include "modes.h"

enum { AT = 0x20000, CODE = 0x1000, STACK = 0x30000, PF_NONE = 0xffff };

/*
 * `real_in` to `real_end` is copied to AT.  It is entered in 16-bit protected
 * mode at 0, calls the piece of code at CODE in real mode, and comes back by
 * real_back.  A vector's handler is 3 bytes of a table of calls.
 */
extern u8 real_go, real_in, real_end, real_stubs;
extern u16 real_vector, real_ip, real_cs, real_flags, real_sp;
__asm__(
    ".code32\n"
    "real_go:\n"
    "    pushal\n"
    "    movl %esp, out + 28\n"
    "    lidtl real_idt\n"
    "    movl $0x88, %ecx\n"
    "    movl %ecx, %ds\n movl %ecx, %es\n movl %ecx, %fs\n"
    "    movl %ecx, %ss\n"
    "    ljmpl $0x40, $0\n"
    "real_idt:\n"
    "    .word 0x3ff\n"
    "    .long 0\n"
    "real_back:\n"
    "    movl $0x10, %ecx\n"
    "    movl %ecx, %ds\n movl %ecx, %es\n movl %ecx, %fs\n"
    "    movl %ecx, %gs\n movl %ecx, %ss\n"
    "    movl out + 28, %esp\n"
    "    lidtl real_pm_idt\n"
    "    popal\n"
    "    ret\n"
    "real_pm_idt:\n"
    "    .word 0x7ff\n"
    "    .long idt\n"
    ".code16\n"
    "real_in:\n"
    "    movl %cr0, %eax\n"
    "    andl $0xfffffffe, %eax\n"
    "    movl %eax, %cr0\n"
    "    ljmpw $0x2000, $1f - real_in\n"
    "1:  movw $0x3000, %ax\n"
    "    movw %ax, %ss\n"
    "    movw $0xfff0, %sp\n"
    "    xorw %ax, %ax\n"
    "    movw %ax, %ds\n movw %ax, %es\n movw %ax, %fs\n"
    "    movw $0x1000, %ax\n"
    "    callw *%ax\n"
    "real_leave:\n"
    "    cli\n"
    "    lgdtl %cs:real_gdt - real_in\n"
    "    movl %cr0, %eax\n"
    "    orl $1, %eax\n"
    "    movl %eax, %cr0\n"
    "    ljmpl $8, $real_back\n"
    "real_gdt:\n"
    "    .word 0x9f\n"
    "    .long gdt\n"
    "real_vector: .word 0\n"
    "real_ip: .word 0\n"
    "real_cs: .word 0\n"
    "real_flags: .word 0\n"
    "real_sp: .word 0\n"
    "real_stubs:\n"
    "    .rept 256\n"
    "    callw real_common\n"
    "    .endr\n"
    "real_common:\n"
    "    popw %cs:real_vector - real_in\n"
    "    movw %sp, %cs:real_sp - real_in\n"
    "    popw %cs:real_ip - real_in\n"
    "    popw %cs:real_cs - real_in\n"
    "    popw %cs:real_flags - real_in\n"
    "    subw $6, %sp\n"
    "    cmpw $real_stubs - real_in + 0x85 * 3 + 3,"
    "         %cs:real_vector - real_in\n"
    "    jne real_leave\n"
    "    iretw\n"
    "real_end:\n"
    ".code32\n");

static u16 note(const u16 *name)
{
    return *(volatile u16 *)(AT + ((const u8 *)name - &real_in));
}

/* What pieces leave: at 0:600H. */
static volatile u16 *const r = (volatile u16 *)0x600;

/* The number of the vector that ended the piece, or PF_NONE. */
u32 real_run(const u8 *code, const u8 *end)
{
    u16 *table = (u16 *)0;
    u32 stubs = (u32)(&real_stubs - &real_in), got;

    __asm__("" : "+r"(table));
    for (u32 v = 0; v < 256; v++) {
        table[v * 2] = (u16)(stubs + v * 3);
        table[v * 2 + 1] = AT >> 4;
    }
    copy((void *)AT, &real_in, (u32)(&real_end - &real_in));
    copy((void *)(AT + CODE), code, (u32)(end - code));
    set_gdt(T0, desc(AT, 0xffff, CODE_XR, 0));
    __asm__ volatile("calll *%0" : : "r"(&real_go) : "memory", "cc");
    got = note(&real_vector);
    return got ? (got - stubs - 3) / 3 : PF_NONE;
}
#define RUN(name)       real_run(&name, &name##_end)
#define PIECE(name, text)                                                   \
    extern u8 name, name##_end;                                             \
    __asm__(".code16\n" #name ":\n" text "\n retw\n" #name "_end:\n"        \
            ".code32\n")

PIECE(r_plain, "movw %cs, 0x600\n movl $0x12345678, %eax\n"
      "movl %eax, 0x602\n smsw %ax\n movw %ax, 0x606");
PIECE(r_int, "pushw $0x202\n popfw\n movw %sp, 0x602\n int $0x85\n"
      "pushfw\n popw 0x600\n cli");
PIECE(r_limit, "movw $0xffff, %bx\n movw (%bx), %ax");
PIECE(r_limit_ss, "movw $0xffff, %bp\n movw (%bp), %ax");
PIECE(r_limit_byte, "movw $0xffff, %bx\n movb (%bx), %al");
PIECE(r_limit32, "movl $0x10000, %ebx\n movb (%ebx), %al");
PIECE(r_string32, "movl $0x10000, %esi\n .byte 0x67\n lodsb");
PIECE(r_jump32, "movl $0x10000, %eax\n jmpl *%eax");
PIECE(r_wrap_push, "movw %sp, %bx\n movw $0, %sp\n pushw $0x4321\n"
      "movw %sp, 0x600\n movw %bx, %sp");
PIECE(r_lldt, "lldt %ax");
PIECE(r_arpl, "arpl %ax, %ax");
PIECE(r_ud, "ud2");
PIECE(r_div, "xorw %cx, %cx\n divw %cx");
PIECE(r_into, "movb $0x7f, %al\n addb $1, %al\n into");
PIECE(r_step, "pushw $0x102\n popfw\n nop\n nop\n nop");
PIECE(r_high, "movw $0x1111, 0x500\n movw $0xffff, %ax\n movw %ax, %ds\n"
      "movw (0x510), %cx\n movw $0x2222, (0x510)\n movw (0x510), %bx\n"
      "movw %cx, (0x510)\n xorw %ax, %ax\n movw %ax, %ds\n"
      "movw %bx, 0x600\n movw 0x500, %ax\n movw %ax, 0x602");
/* With A20 low: the same word at 500H and 100500H. */
PIECE(r_a20, "movw $0x1111, 0x500\n inb $0x92, %al\n andb $0xfc, %al\n"
      "outb %al, $0x92\n movb $0xd1, %al\n outb %al, $0x64\n"
      "1: inb $0x64, %al\n testb $2, %al\n jnz 1b\n"
      "movb $0xdd, %al\n outb %al, $0x60\n"
      "1: inb $0x64, %al\n testb $2, %al\n jnz 1b\n"
      "movw $0xffff, %ax\n movw %ax, %ds\n movw (0x510), %bx\n"
      "xorw %ax, %ax\n movw %ax, %ds\n movb $0xd1, %al\n outb %al, $0x64\n"
      "1: inb $0x64, %al\n testb $2, %al\n jnz 1b\n"
      "movb $0xdf, %al\n outb %al, $0x60\n inb $0x92, %al\n"
      "orb $2, %al\n outb %al, $0x92\n movw %bx, 0x600");
PIECE(r_cs_write, "movw $0x77, %cs:0x2000\n movw %cs:0x2000, %ax\n"
      "movw %ax, 0x600");
PIECE(r_call, "movw %sp, 0x602\n lcallw $0x2000, $1f - r_call + 0x1000\n"
      "movw %sp, 0x604\n retw\n 1: movw %sp, 0x600\n lretw");
PIECE(r_popf, "pushl $0x7002\n popfl\n pushfl\n popl 0x600\n pushw $2\n"
      "popfw");
PIECE(r_bcd, "movb $0x15, %al\n addb $0x27, %al\n daa\n movb %al, 0x600\n"
      "movb $0x42, %al\n subb $0x27, %al\n das\n movb %al, 0x601\n"
      "movw $0x0105, %ax\n addb $9, %al\n aaa\n movw %ax, 0x602\n"
      "movw $0x63, %ax\n aam\n movw %ax, 0x604\n aad\n movw %ax, 0x606\n"
      "movw $0x0203, %ax\n subb $9, %al\n aas\n movw %ax, 0x608");
PIECE(r_unreal, "movl $0x100500, %ebx\n movl %gs:(%ebx), %eax\n"
      "movl %eax, 0x600");
PIECE(r_string, "cld\n movw $0x600, %di\n movw $0x1122, %ax\n"
      "movl $0x10002, %ecx\n rep stosw\n movw %di, 0x604\n"
      "movl %ecx, 0x606");
PIECE(r_segs, "movw $0x1234, %ax\n movw %ax, %fs\n pushw %fs\n"
      "popw 0x600\n movl $0x56789abc, 0x500\n lesw 0x500, %bx\n"
      "movw %es, 0x602\n movw %bx, 0x604");
PIECE(r_idt, "lidtl %cs:1f - r_idt + 0x1000\n int $0x85\n retw\n"
      "1: .word 0x7f\n .long 0");

static void arithmetic(void)
{
    RUN(r_bcd);
    equal("ADD, DAA", r[0] & 0xff, 0x42);
    equal("SUB, DAS", r[0] >> 8, 0x15);
    equal("ADD, AAA", r[1], 0x0204);
    equal("AAM", r[2], 0x0909);
    equal("AAD", r[3], 0x63);
    equal("SUB, AAS", r[4], 0x0104);
    RUN(r_string);
    equal("REP STOSW by CX", r[2], 0x604);
    equal("the upper half of ECX stays", r[3] | (u32)r[4] << 16, 0x10000);
    equal("what it stores", r[1], 0x1122);
}

static void interrupts(void)
{
    equal("INT: comes back", RUN(r_int), 0x85);
    equal("the image of the flags", note(&real_flags) & 0x3202, 0x202);
    equal("SP", note(&real_sp), r[1] - 6);
    equal("CS", note(&real_cs), AT >> 4);
    equal("IRET: IF", r[0] & 0x200, 0x200);
    equal("UD2", RUN(r_ud), 6);
    equal("IP at it", note(&real_ip), CODE);
    equal("DIV by zero", RUN(r_div), 0);
    equal("INTO", RUN(r_into), 4);
    equal("LLDT", RUN(r_lldt), 6);
    equal("ARPL", RUN(r_arpl), 6);
    equal("a single step", RUN(r_step), 1);
    equal("behind one NOP", note(&real_ip), CODE + 5);
    equal("a vector behind the table's limit", RUN(r_idt), 13);
}

static void segments(void)
{
    equal("a plain piece", RUN(r_plain), PF_NONE);
    equal("CS", r[0], AT >> 4);
    equal("32-bit operands", r[1] | (u32)r[2] << 16, 0x12345678);
    equal("PE is clear", r[3] & 1, 0);
    RUN(r_segs);
    equal("PUSH FS", r[0], 0x1234);
    equal("LES: ES", r[1], 0x5678);
    equal("LES: BX", r[2], 0x9abc);
    RUN(r_cs_write);
    equal("a write through CS", r[0], 0x77);
    RUN(r_call);
    equal("a far call pushes 4 bytes", r[0], r[1] - 4);
    equal("RETF pops them", r[2], r[1]);
    RUN(r_popf);
    equal("POPFD: IOPL and NT", r[0] & 0x7000, 0x7000);
    RUN(r_wrap_push);
    equal("PUSH with SP 0 wraps", r[0], 0xfffe);
    equal("what it pushes", *(u16 *)(STACK + 0xfffe), 0x4321);
    equal("the last byte of a segment", RUN(r_limit_byte), PF_NONE);
    /* No processor's way, but firmware for virtual machines needs it. */
    equal("a byte at 10000H", RUN(r_limit32), PF_NONE);
    equal("by a string instruction", RUN(r_string32), PF_NONE);
    if (lax) {
        return;
    }
    equal("a word at FFFF", RUN(r_limit), 13);
    equal("a word at SS:FFFF", RUN(r_limit_ss), 12);
    equal("a jump to 10000H", RUN(r_jump32), 13);
}

static void high(void)
{
    RUN(r_high);
    equal("FFFF:510 is above 1 MiB", r[0], 0x2222);
    equal("and not at 500H", r[1], 0x1111);
    RUN(r_a20);
    equal("with A20 low it is at 500H", r[0], 0x1111);
    out[0] = *(volatile u32 *)0x100500;
    RUN(r_unreal);
    equal("GS keeps its limit of 4 GiB", r[0] | (u32)r[1] << 16, out[0]);
}

void test_real(void)
{
    segments();
    interrupts();
    arithmetic();
    high();
}
