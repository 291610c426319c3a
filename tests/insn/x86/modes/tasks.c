/* SPDX-License-Identifier: MIT */
/*
 * Hardware tasks.
 * Reference: SDM volume 3, chapter 8 "Task Management".
 */
#include "modes.h"

enum { TS_ = 10, NP_ = 11, GP_ = 13 };
enum { NT = 0x4000, TS_BIT = 8 };

static Tss other;
static u8 other_stack[2048] __attribute__((aligned(16)));
extern u8 task_code, small_code;
volatile u32 seen[8];

/* Notes what it finds, goes back, and the same again. */
__asm__(
    "task_code:\n"
    "    movl %eax, seen\n"
    "    movl %esp, seen + 4\n"
    "    pushfl\n"
    "    popl seen + 8\n"
    "    movl %cr0, %eax\n"
    "    movl %eax, seen + 12\n"
    "    movl %ds, %eax\n"
    "    movl %eax, seen + 16\n"
    "    str %eax\n"
    "    movl %eax, seen + 20\n"
    "    movl $0x77, %eax\n"
    "    iretl\n"
    "    jmp task_code\n");
static void make(Tss *t, u32 eip)
{
    fill(t, 0, 0x68);
    t->eip = eip;
    t->eflags = 2;
    t->esp = (u32)other_stack + sizeof other_stack;
    t->eax = 0x1234;
    t->cs = KCODE;
    t->ss = t->ds = t->es = t->fs = t->gs = KDATA;
    t->iomap = 0x68;
    set_gdt(TSS2_SEL, desc((u32)&other, 0x67, 0x89, 0));
}

static void clear_ts(void)
{
    __asm__ volatile("clts");
}

#define GO(text, sel)                                                       \
    do {                                                                    \
        out[6] = 0;                                                         \
        out[7] = sel;                                                       \
        TRY(text " *out + 24", "r"(0));                                     \
    } while (0)

static void call_and_back(void)
{
    make(&other, (u32)&task_code);
    clear_ts();
    GO("lcalll", TSS2_SEL);
    trapped("a call of a TSS", NO_TRAP, 0);
    equal("EAX of the new task", seen[0], 0x1234);
    equal("its ESP", seen[1], (u32)other_stack + sizeof other_stack);
    equal("NT", seen[2] & NT, NT);
    equal("CR0.TS", seen[3] & TS_BIT, TS_BIT);
    equal("TR", seen[5], TSS2_SEL);
    equal("the link", other.link & 0xffff, TSS_SEL);
    equal("EAX saved on the way back", other.eax, 0x77);
    equal("NT is off in the image", other.eflags & NT, 0);
    equal("the new one is free again", access_of(TSS2_SEL), 0x89);
    equal("the old one busy", access_of(TSS_SEL), 0x8b);
    GO("lcalll", TSS2_SEL);
    equal("it goes on where it was", seen[0], 0x77);
    set_gdt(T0, gate(TSS2_SEL, 0, 0xe5, 0));
    make(&other, (u32)&task_code);
    GO("lcalll", T0);
    trapped("a call of a task gate", NO_TRAP, 0);
    equal("EAX of the new task", seen[0], 0x1234);
    make(&other, (u32)&task_code);
    idt[0x89] = gate(TSS2_SEL, 0, 0xe5, 0);
    TRY("int $0x89", "r"(0));
    trapped("INT through a task gate", NO_TRAP, 0);
    equal("EAX of the new task", seen[0], 0x1234);
    make(&other, (u32)&task_code);
    USER("int $0x89", "r"(0));
    trapped("the same from CPL 3", CALL_VECTOR, 0);
    equal("CPL 3 goes on", trap.cs, UCODE);
}

/* A jump there, and a jump back from there. */
extern u8 jump_code;
__asm__(
    "jump_code:\n"
    "    str %eax\n"
    "    movl %eax, seen\n"
    "    pushfl\n"
    "    popl seen + 4\n"
    "    ljmpl $0x28, $0\n"
    "    jmp jump_code\n");

static void jumps(void)
{
    make(&other, (u32)&jump_code);
    GO("ljmpl", TSS2_SEL);
    trapped("a jump to a TSS and back", NO_TRAP, 0);
    equal("TR there", seen[0], TSS2_SEL);
    equal("no NT", seen[1] & NT, 0);
    equal("the other is free", access_of(TSS2_SEL), 0x89);
    equal("this one busy", access_of(TSS_SEL), 0x8b);
    equal("ESP was saved", tss.esp, recover_sp);
}

/* ---- 16-bit tasks ------------------------------------------------------- */

typedef struct Tss16 {
    u16 link, sp0, ss0, sp1, ss1, sp2, ss2, ip, flags;
    u16 ax, cx, dx, bx, sp, bp, si, di, es, cs, ss, ds, ldt;
} Tss16;
static Tss16 small;

__asm__(
    ".code16\n"
    "small_code:\n"
    "    movl %eax, (0)\n"
    "    str %eax\n"
    "    movl %eax, (4)\n"
    "    iretw\n"
    ".code32\n");

static void small_task(void)
{
    set_gdt(T0, desc((u32)&small_code, 0xffff, CODE_XR, 0));
    set_gdt(T1, desc((u32)seen, 0xff, DATA_RW, 0));
    set_gdt(T2, desc((u32)other_stack, 0x7ff, DATA_RW, 0));
    set_gdt(TSS2_SEL, desc((u32)&small, sizeof small - 1, 0x81, 0));
    small = (Tss16) { .flags = 2, .ax = 0x4321, .sp = 0x700, .es = T1,
                      .cs = T0, .ss = T2, .ds = T1 };
    GO("lcalll", TSS2_SEL);
    trapped("a call of a 16-bit TSS", NO_TRAP, 0);
    equal("AX", seen[0] & 0xffff, 0x4321);
    equal("TR", seen[1], TSS2_SEL);
    equal("its IP is saved behind IRET", small.ip, 13);
}

/* ---- what is wrong ------------------------------------------------------ */

static void errors(void)
{
    make(&other, (u32)&task_code);
    set_gdt(TSS2_SEL, desc((u32)&other, 0x67, 0x8b, 0));
    GO("lcalll", TSS2_SEL);
    trapped("a busy TSS", GP_, TSS2_SEL);
    GO("ljmpl", TSS_SEL);
    trapped("a jump to the running one", GP_, TSS_SEL);
    set_gdt(TSS2_SEL, desc((u32)&other, 0x67, 0x09, 0));
    GO("lcalll", TSS2_SEL);
    trapped("an absent TSS", NP_, TSS2_SEL);
    set_gdt(TSS2_SEL, desc((u32)&other, 0x66, 0x89, 0));
    GO("lcalll", TSS2_SEL);
    trapped("a TSS too small", TS_, TSS2_SEL);
    set_gdt(TSS2_SEL, desc((u32)&other, 0x67, 0x89, 0));
    GO("lcalll", TSS2_SEL | 3);
    trapped("DPL below RPL", GP_, TSS2_SEL);
    set_gdt(T0, gate(KCODE, 0, 0xe5, 0));
    GO("lcalll", T0);
    trapped("a task gate to code", GP_, KCODE);
    set_gdt(T0, gate(TSS2_SEL, 0, 0x65, 0));
    GO("lcalll", T0);
    trapped("an absent task gate", NP_, T0);
    set_gdt(T0, gate(TSS2_SEL, 0, 0x85, 0));
    out[7] = T0 | 3;
    USER("lcalll *out + 24", "r"(0));
    trapped("a task gate of DPL 0 from CPL 3", GP_, T0);
    tss.link = TSS2_SEL;
    TRY("pushl $0x4002\n popfl\n iretl", "r"(0));
    trapped("IRET with NT to a free TSS", TS_, TSS2_SEL);
    tss.link = KDATA;
    TRY("pushl $0x4002\n popfl\n iretl", "r"(0));
    trapped("IRET with NT to data", TS_, KDATA);
}

/* Faults in the new task: the handler runs in it. */
static void bad_state(const char *name, u32 vector, u32 error)
{
    u32 str;

    GO("lcalll", TSS2_SEL);
    trapped(name, vector, error);
    __asm__ volatile("str %0" : "=r"(str));
    equal("in the new task", str, TSS2_SEL);
    deviates();
    equal("before its first instruction", trap.eip, (u32)&task_code);
    /* Back to the test's own task. */
    set_gdt(TSS_SEL, desc((u32)&tss, sizeof tss - 1, 0x89, 0));
    __asm__ volatile("pushfl\n andl $~0x4000, (%%esp)\n popfl\n"
                     "ltr %w0" : : "r"(TSS_SEL) : "memory", "cc");
    make(&other, (u32)&task_code);
}

static void bad_states(void)
{
    make(&other, (u32)&task_code);
    other.ds = GDT_SIZE;
    bad_state("a wrong DS in a TSS", TS_, GDT_SIZE);
    set_gdt(T0, desc(0, 0xfffff, DATA_RW & 0x7f, 12));
    other.es = T0;
    bad_state("an absent ES in a TSS", NP_, T0);
}

void test_tasks(void)
{
    call_and_back();
    jumps();
    small_task();
    errors();
    bad_states();
}
