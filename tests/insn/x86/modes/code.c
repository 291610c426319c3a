/* SPDX-License-Identifier: MIT */
/*
 * Code: what changes itself, what is not an instruction, prefixes, 16-bit
 * code in protected mode.
 * Reference: SDM volume 3, 9.1.3 "Handling Self- and Cross-Modifying Code";
 * volume 2, chapter 2.
 */
#include "modes.h"

enum { UD_ = 6, NM_ = 7, GP_ = 13, AC_ = 17 };
enum { AREA = 0x800000 };

static void own_code(void)
{
    TRY("movb $0x42, 7f + 1\n 7: movb $0x11, %%al\n movl %%eax, out\n"
        "movb $0x11, 7b + 1", "a"(0));
    equal("the next instruction is changed", out[0], 0x42);
    for (u32 i = 0; i < 3; i++) {
        TRY("movl %%ecx, 7f + 1\n nop\n nop\n 7: movl $0, %%eax\n"
            "movl %%eax, out", "c"(i * 0x1111), "a"(0));
        equal("one further on, again", out[0], i * 0x1111);
    }
    /* A loop that changes its own addition. */
    TRY("movl $7f + 2, %%edi\n xorl %%eax, %%eax\n movl $5, %%ecx\n"
        "6: movb %%cl, (%%edi)\n 7: addl $0, %%eax\n loop 6b\n"
        "movl %%eax, out", "r"(0));
    equal("a loop that changes itself", out[0], 15);
    TRY("movl $7f, %%edi\n movl $8f, %%esi\n movl $5, %%ecx\n cld\n"
        "rep movsb\n 7: movl $1, %%eax\n movl %%eax, out\n jmp 6f\n"
        "8: movl $0x99, %%eax\n 6:", "r"(0));
    equal("REP MOVSB over what follows", out[0], 0x99);
    /* A function in another page, called, changed, called. */
    copy((void *)AREA, "\xb8\x01\0\0\0\xc3", 6);
    TRY("calll *%%ebx\n movl %%eax, out\n incb 1(%%ebx)\n calll *%%ebx\n"
        "movl %%eax, out + 4", "b"(AREA));
    equal("before", out[0], 1);
    equal("after", out[1], 2);
    copy((void *)(AREA + 0xffd), "\xb8\x01\0\0\0\xc3", 6);
    TRY("calll *%%ebx\n movl %%eax, out\n movb $7, 3(%%ebx)\n calll *%%ebx\n"
        "movl %%eax, out + 4", "b"(AREA + 0xffd));
    equal("over two pages: before", out[0], 1);
    equal("its part in the second page", out[1], 0x70001);
    TRY("movb $0x0f, 7f\n movb $0x0b, 7f + 1\n 7: nop\n nop\n", "r"(0));
    trapped("turned into UD2", UD_, 0);
}

static void undefined(void)
{
    TRY("ud2", "r"(0));
    trapped("UD2", UD_, 0);
    TRY(".byte 0x0f, 0xff, 0xc0", "r"(0));
    trapped("UD0", UD_, 0);
    TRY(".byte 0x0f, 0xb9, 0xc0", "r"(0));
    trapped("UD1", UD_, 0);
    TRY(".byte 0xf0\n nop", "r"(0));
    trapped("LOCK NOP", UD_, 0);
    TRY(".byte 0xf0\n addl %%eax, %%ecx", "r"(0));
    trapped("LOCK with a register", UD_, 0);
    TRY(".byte 0xf0\n addl %%eax, (%0)", "r"(out));
    trapped("LOCK ADD to memory", NO_TRAP, 0);
    TRY(".byte 0xf0\n addl (%0), %%eax", "r"(out));
    trapped("LOCK ADD from memory", UD_, 0);
    TRY(".byte 0xf0\n cmpl %%eax, (%0)", "r"(out));
    trapped("LOCK CMP", UD_, 0);
    TRY(".byte 0xff, 0xff", "r"(0));
    trapped("FF /7", UD_, 0);
    TRY(".byte 0xfe, 0xd0", "r"(0));
    trapped("FE /2", UD_, 0);
    TRY(".byte 0x8d, 0xc0", "r"(0));
    trapped("LEA of a register", UD_, 0);
    TRY(".byte 0x0f, 0xa6, 0xc0", "r"(0));
    trapped("0F A6", UD_, 0);
    out[1] = KDATA;
    TRY(".byte 0xc5, 0x00", "a"(out));
    trapped("LDS", NO_TRAP, 0);
    TRY(".fill 14, 1, 0x66\n nop", "r"(0));
    trapped("15 bytes", NO_TRAP, 0);
    TRY(".fill 15, 1, 0x66\n nop", "r"(0));
    trapped("16 bytes", GP_, 0);
    TRY(".fill 12, 1, 0x2e\n movl $0, %%eax", "r"(0));
    trapped("16 bytes with an immediate", GP_, 0);
}

static void floating(void)
{
    write_cr0(read_cr0() | 4);          /* EM */
    TRY("fnop", "r"(0));
    trapped("x87 with EM", NM_, 0);
    TRY("fwait", "r"(0));
    trapped("FWAIT with EM alone", NO_TRAP, 0);
    write_cr0((read_cr0() & ~4u) | 8);  /* TS */
    TRY("fnop", "r"(0));
    trapped("x87 with TS", NM_, 0);
    TRY("fwait", "r"(0));
    trapped("FWAIT with TS, MP clear", NO_TRAP, 0);
    write_cr0(read_cr0() | 2);
    TRY("fwait", "r"(0));
    trapped("FWAIT with TS, MP", NM_, 0);
    TRY("clts\n fnop", "r"(0));
    trapped("behind CLTS", NO_TRAP, 0);
    TRY("fninit\n fldz\n fldz\n fdivp\n fwait", "r"(0));
    trapped("a masked x87 exception", NO_TRAP, 0);
    write_cr0(read_cr0() | 0x20);       /* NE */
    out[0] = 0x37e;
    TRY("fninit\n fldcw out\n fldz\n fldz\n fdivp\n movl $7f, out + 4\n"
        "7: fwait", "r"(0));
    trapped("an unmasked one", 16, 0);
    equal("comes with the next x87 instruction", trap.eip, out[1]);
    __asm__ volatile("fnclex\n fninit");
}

static void alignment(void)
{
    write_cr0(read_cr0() | 1 << 18);
    TRY("pushfl\n orl $0x40000, (%%esp)\n popfl\n movl 1(%0), %%eax\n"
        "pushl $2\n popfl", "r"(out));
    trapped("unaligned with AC at CPL 0", NO_TRAP, 0);
    USER("pushfl\n orl $0x40000, (%%esp)\n popfl\n movl 1(%%ebx), %%eax",
         "b"(out));
    deviates();
    trapped("unaligned with AC at CPL 3", AC_, 0);
    USER("pushfl\n orl $0x40000, (%%esp)\n popfl\n movw 2(%%ebx), %%ax",
         "b"(out));
    trapped("aligned with AC", CALL_VECTOR, 0);
    write_cr0(read_cr0() & ~(1u << 18));
    USER("pushfl\n orl $0x40000, (%%esp)\n popfl\n movl 1(%%ebx), %%eax",
         "b"(out));
    trapped("unaligned, CR0.AM clear", CALL_VECTOR, 0);
}

/* ---- 16-bit code and data ----------------------------------------------- */

extern u8 small_text;
__asm__(
    ".code16\n"
    "small_text:\n"
    "    movl $0xffff0010, %ebx\n"
    "    movl (%bx), %eax\n"            /* 16-bit address: BX alone */
    "    addl $4, %eax\n"
    "    movl %eax, 4(%bx)\n"
    "    movl $0x18, %ebx\n"
    "    addr32 movw $0x1234, (%ebx)\n"
    "    movw $0xfffe, %bx\n"
    "    movw 0x1c(%bx), %ax\n"         /* wraps to 1AH */
    "    movw %ax, 0x1e(%bx)\n"
    "    callw 1f\n"
    "1:  popw %ax\n"
    "    subw $1b - small_text, %ax\n"
    "    movw %ax, 0x22(%bx)\n"
    "    pushl %ss:0\n"
    "    popl %ecx\n"
    "    lretl\n"
    ".code32\n");

static void small_code(void)
{
    u8 *area = (u8 *)AREA;

    fill(area, 0, 64);
    *(u32 *)(area + 0x10) = 0x11110000;
    area[0x1a] = 0x55;
    set_gdt(T0, desc((u32)&small_text, 0xffff, CODE_XR, 0));
    set_gdt(T1, desc(AREA, 0xffff, DATA_RW, 0));
    out[6] = 0;
    out[7] = T0;
    TRY("movl $0x48, %%eax\n movl %%eax, %%fs\n movl %%fs, %%eax\n"
        "pushl %%ds\n movl %%eax, %%ds\n lcalll *%%ss:out + 24\n popl %%ds",
        "r"(0));
    trapped("16-bit code", NO_TRAP, 0);
    equal("a 32-bit sum", *(u32 *)(area + 0x14), 0x11110004);
    equal("through a 32-bit address", *(u16 *)(area + 0x18), 0x1234);
    equal("an address that wraps", *(u16 *)(area + 0x1c), 0x55);
    equal("the word that CALL pushes", *(u16 *)(area + 0x20), 0);
}

void test_code(void)
{
    fill((void *)AREA, 0, 8192);
    own_code();
    undefined();
    floating();
    alignment();
    small_code();
}
