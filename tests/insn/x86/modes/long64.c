/* SPDX-License-Identifier: MIT */
/*
 * Tests of IA-32e mode: 64-bit and compatibility mode.  A program of its own
 * at 2 MiB, entered by long.c with paging on; the last of the tests.
 * Reference: SDM volume 3, 5.2 to 5.8, 7.14, 4.5; volume 2 for each
 * instruction; AMD64 APM volume 2, chapters 4 to 6.
 */
#include "long.h"
#include "smm.h"

enum { DB_ = 1, UD_ = 6, NM_ = 7, DF_ = 8, TS_ = 10, NP_ = 11, SS_ = 12,
       GP_ = 13, PF_ = 14, XM_ = 19, CALL_VECTOR = 0x80, NO_TRAP = 0xffff };
enum { KCODE = 8, KDATA = 0x10, U32CODE = 0x1b, UDATA = 0x23, UCODE = 0x2b,
       TSS_SEL = 0x30, T0 = 0x40, T1 = 0x50, T2 = 0x60, C32 = 0x70,
       C16 = 0x78, GDT_SIZE = 0x80 };
enum { DATA_RW = 0x92, CODE_XR = 0x9a, DPL3 = 0x60 };

typedef struct Frame {
    u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx,
        rax, vector, error, rip, cs, rflags, rsp, ss;
} Frame;

static volatile Frame trap;
static volatile u64 trap_cr2, trap_at;  /* at: where the frame was */
static void (*volatile hook[256])(Frame *f);
u64 recover_ip, recover_sp;
volatile u64 out[16];
static u64 gdt[GDT_SIZE / 8], idt[512];
u8 user_stack[4096] __attribute__((aligned(16)));
static u8 stack0[8192] __attribute__((aligned(16)));
static u8 stack_ist[8192] __attribute__((aligned(16)));
static struct Tss {
    u32 zero;
    u64 rsp[3], zero2, ist[7], zero3;
    u16 zero4, iomap;
} __attribute__((packed)) tss;

__asm__(
    ".section .start, \"ax\"\n"
    "    movl $stack + 16384, %esp\n"
    "    movl $__bss_start, %edi\n"
    "    movl $_end, %ecx\n"
    "    subl %edi, %ecx\n"
    "    xorl %eax, %eax\n"
    "    rep stosb\n"
    "    call start\n"
    ".section .bss\n"
    "    .balign 16\n"
    "stack: .skip 16384\n"
    ".text\n"
    "    .balign 16\n"
    "stubs:\n"
    "    .set i, 0\n"
    "    .rept 256\n"
    "    .balign 16\n"
    "    .if (i != 8) && (i != 10) && (i != 11) && (i != 12) && (i != 13)"
    "        && (i != 14) && (i != 17)\n"
    "    pushq $0\n"
    "    .endif\n"
    "    pushq $i\n"
    "    jmp common\n"
    "    .set i, i + 1\n"
    "    .endr\n"
    "common:\n"
    "    pushq %rax\n pushq %rcx\n pushq %rdx\n pushq %rbx\n pushq %rbp\n"
    "    pushq %rsi\n pushq %rdi\n pushq %r8\n pushq %r9\n pushq %r10\n"
    "    pushq %r11\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
    "    cld\n"
    "    movq %rsp, %rdi\n"
    "    call on_trap\n"
    "    popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %r11\n"
    "    popq %r10\n popq %r9\n popq %r8\n popq %rdi\n popq %rsi\n"
    "    popq %rbp\n popq %rbx\n popq %rdx\n popq %rcx\n popq %rax\n"
    "    addq $16, %rsp\n"
    "    iretq\n");
extern u8 stubs[];

#define TRY(text, ...)                                                      \
    do {                                                                    \
        trap.vector = NO_TRAP;                                              \
        trap.error = 0;                                                     \
        __asm__ volatile(                                                   \
            "pushq %%rax\n pushq %%rcx\n pushq %%rdx\n pushq %%rbx\n"       \
            "pushq %%rbp\n pushq %%rsi\n pushq %%rdi\n"                     \
            "movq %%rsp, recover_sp\n movq $9f, recover_ip\n"               \
            text "\n"                                                       \
            "9: movq $0, recover_ip\n"                                      \
            "popq %%rdi\n popq %%rsi\n popq %%rbp\n popq %%rbx\n"           \
            "popq %%rdx\n popq %%rcx\n popq %%rax\n"                        \
            : : __VA_ARGS__ : "memory", "cc", "r8", "r9", "r10", "r11",     \
              "r12", "r13", "r14", "r15");                                  \
    } while (0)
/* At CPL 3, up to INT 80H. */
#define USER(text, ...)                                                     \
    TRY("pushq $0x23\n pushq $user_stack + 4096\n pushfq\n pushq $0x2b\n"   \
        "pushq $8f\n iretq\n 8:\n" text "\n int $0x80\n", __VA_ARGS__)

static void trapped(const char *name, u64 vector, u64 error)
{
    bool good = trap.vector == vector && trap.error == error;

    result(good, name);
    if (!good) {
        print("# got vector ");
        print_hex(trap.vector);
        print(" error ");
        print_hex(trap.error);
        print(" at ");
        print_hex(trap.cs);
        print(":");
        print_hex(trap.rip);
        print("\n");
    }
}

/* ---- tables ------------------------------------------------------------- */

static u64 desc(u64 base, u32 limit, u8 access, u8 flags)
{
    u64 d = limit & 0xffff;

    d |= (base & 0xffffff) << 16 | (u64)access << 40;
    d |= (u64)(limit >> 16 & 15) << 48 | (u64)(flags & 15) << 52;
    return d | (base >> 24 & 0xff) << 56;
}

static void set_gdt(u32 selector, u64 d)
{
    ((volatile u64 *)gdt)[selector >> 3] = d;
}

/* A system descriptor or a gate has 16 bytes. */
static void set_long(u32 selector, u64 d, u64 high)
{
    set_gdt(selector, d);
    set_gdt(selector + 8, high);
}

static u64 gate_low(u16 selector, u64 at, u8 access, u8 ist)
{
    return (at & 0xffff) | (u64)selector << 16 | (u64)ist << 32
        | (u64)access << 40 | (at >> 16 & 0xffff) << 48;
}

static void set_gate(unsigned v, u16 selector, u64 at, u8 access, u8 ist)
{
    ((volatile u64 *)idt)[v * 2] = gate_low(selector, at, access, ist);
    ((volatile u64 *)idt)[v * 2 + 1] = at >> 32;
}

static void stub_gate(unsigned v, u8 access, u8 ist)
{
    set_gate(v, KCODE, (u64)stubs + v * 16, access, ist);
}

static void reset_tables(void)
{
    struct { u16 limit; u64 base; } __attribute__((packed))
        g = { GDT_SIZE - 1, (u64)gdt }, i = { sizeof idt - 1, (u64)idt };

    for (u32 n = 0; n < GDT_SIZE; n += 8) {
        set_gdt(n, 0);
    }
    set_gdt(KCODE, desc(0, 0xfffff, CODE_XR, 10));
    set_gdt(KDATA, desc(0, 0xfffff, DATA_RW, 12));
    set_gdt(U32CODE & ~3, desc(0, 0xfffff, CODE_XR | DPL3, 12));
    set_gdt(UDATA & ~3, desc(0, 0xfffff, DATA_RW | DPL3, 12));
    set_gdt(UCODE & ~3, desc(0, 0xfffff, CODE_XR | DPL3, 10));
    set_gdt(C32, desc(0, 0xfffff, CODE_XR, 12));
    set_gdt(C16, desc(0, 0xffff, CODE_XR, 0));
    set_long(TSS_SEL, desc((u64)&tss, sizeof tss - 1, 0x89, 0), 0);
    for (unsigned v = 0; v < 256; v++) {
        stub_gate(v, v == CALL_VECTOR ? 0xee : 0x8e, v < 32 ? 1 : 0);
        hook[v] = 0;
    }
    tss.rsp[0] = (u64)stack0 + sizeof stack0;
    tss.ist[0] = (u64)stack_ist + sizeof stack_ist;
    tss.iomap = sizeof tss;
    __asm__ volatile("lgdtq %0\n lidtq %1\n ltr %w2\n"
                     "pushq $8\n pushq $1f\n lretq\n 1:\n"
                     "movl $0x10, %%eax\n movl %%eax, %%ss\n"
                     "xorl %%eax, %%eax\n movl %%eax, %%ds\n"
                     "movl %%eax, %%es\n movl %%eax, %%fs\n movl %%eax, %%gs"
                     : : "m"(g), "m"(i), "r"(TSS_SEL) : "memory", "rax");
}

__attribute__((used)) void on_trap(Frame *f)
{
    u64 cr2;

    __asm__ volatile("movq %%cr2, %0" : "=r"(cr2));
    trap = *f;
    trap_cr2 = cr2;
    trap_at = (u64)f;
    if (hook[f->vector]) {
        hook[f->vector](f);
        return;
    }
    if (!recover_ip) {
        print("Bail out! vector ");
        print_hex(f->vector);
        print(" error ");
        print_hex(f->error);
        print(" at ");
        print_hex(f->cs);
        print(":");
        print_hex(f->rip);
        print(" CR2 ");
        print_hex(cr2);
        print("\n");
        finish();
    }
    __asm__ volatile(
        "movl $0x10, %eax\n movl %eax, %ss\n movq recover_sp, %rsp\n"
        "xorl %eax, %eax\n movl %eax, %ds\n movl %eax, %es\n"
        "pushq $2\n popfq\n jmp *recover_ip");
}

static u64 rdmsr(u32 n)
{
    u32 lo, hi;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(n));
    return lo | (u64)hi << 32;
}
static void wrmsr(u32 n, u64 v)
{
    __asm__ volatile("wrmsr" : : "c"(n), "a"((u32)v), "d"((u32)(v >> 32)));
}
#define READ_CR(n)                                                          \
    static inline u64 read_cr##n(void)                                      \
    {                                                                       \
        u64 v;                                                              \
        __asm__ volatile("movq %%cr" #n ", %0" : "=r"(v));                  \
        return v;                                                           \
    }                                                                       \
    static inline void write_cr##n(u64 v)                                   \
    {                                                                       \
        __asm__ volatile("movq %0, %%cr" #n : : "r"(v) : "memory");         \
    }
READ_CR(0)
READ_CR(3)
READ_CR(4)

/* ---- segments ----------------------------------------------------------- */

#define NONCANONICAL 0x800000000000ull

static void segments(void)
{
    set_gdt(T0, desc(0x12345678, 0xff, DATA_RW, 0));
    TRY("movl %0, %%ds\n movq out, %%rax", "r"(T0));
    trapped("neither base nor limit of DS", NO_TRAP, 0);
    TRY("movl %0, %%fs", "r"(T0));
    equal("but the base of FS", rdmsr(0xc0000100), 0x12345678);
    wrmsr(0xc0000100, (u64)&out[1]);
    out[1] = 0x1122334455667788;
    TRY("movq %%fs:0, %%rax\n movq %%rax, out", "r"(0));
    equal("an access by FS", out[0], 0x1122334455667788);
    TRY("xorl %%eax, %%eax\n movl %%eax, %%ss\n pushq %%rax\n popq %%rax",
        "r"(0));
    trapped("null to SS at CPL 0", NO_TRAP, 0);
    TRY("movl $3, %%eax\n movl %%eax, %%ss", "r"(0));
    deviates();
    trapped("null of RPL 3", GP_, 0);
    USER("movl $3, %%eax\n movl %%eax, %%ss", "r"(0));
    trapped("null to SS at CPL 3", GP_, 0);
    TRY("movq (%0), %%rax", "r"(NONCANONICAL));
    trapped("an address that is not canonical", GP_, 0);
    TRY("movq %0, %%rsp\n pushq %%rax", "r"(NONCANONICAL + 64));
    deviates();
    trapped("SP that is not canonical", SS_, 0);
    TRY("movq %0, %%rbp\n movq (%%rbp), %%rax", "r"(NONCANONICAL));
    deviates();
    trapped("RBP that is not", SS_, 0);
    TRY("jmp *%0", "r"(NONCANONICAL));
    trapped("a jump there", GP_, 0);
    TRY("invlpg (%0)", "r"(NONCANONICAL));
    trapped("INVLPG of it", NO_TRAP, 0);
    TRY("wrmsr", "c"(0xc0000100), "a"(0), "d"(0x8000));
    deviates();
    trapped("FS.base that is not", GP_, 0);
    set_gdt(T0, desc(0, 0xfffff, CODE_XR, 14));
    TRY("pushq %0\n pushq $9f\n lretq", "r"((u64)T0));
    deviates();
    trapped("a code segment with L and D", GP_, T0);
}

static void undefined(void)
{
    static const u8 bytes[] = { 0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f,
                                0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x82,
                                0x9a, 0xce, 0xd4, 0xd5, 0xd6, 0xea };
    u32 wrong = 0;
    volatile u8 *code = (u8 *)0x800000;

    for (u32 i = 0; i < sizeof bytes; i++) {
        code[0] = bytes[i];
        code[1] = 0xc0;
        TRY("callq *%0", "r"((u64)code));
        wrong |= (u32)(trap.vector != UD_) << i;
    }
    equal("what 64-bit mode leaves undefined", wrong, 0);
}

/* ---- interrupts --------------------------------------------------------- */

extern u8 in32;
__asm__(
    ".code32\n"
    "in32:\n"
    "    movl $0x10, %eax\n"
    "    movl %eax, %ds\n movl %eax, %es\n"
    "    movl %cs, %eax\n"
    "    movl %eax, out\n"
    "    movl $0x12345678, %eax\n"
    "    incl %eax\n"                   /* REX in 64-bit code */
    "    movl %eax, out + 8\n"
    "    pushl %eax\n"
    "    movl %esp, out + 16\n"
    "    popl %eax\n"
    "    int $0x80\n"
    ".code64\n");

static void interrupts(void)
{
    u64 sp;

    TRY("movq %%rsp, out\n subq $8, %%rsp\n int $0x81", "r"(0));
    trapped("INT at CPL 0", 0x81, 0);
    equal("SS is pushed", trap.ss, KDATA);
    equal("RSP is pushed", trap.rsp, out[0] - 8);
    equal("the frame is aligned", (trap_at + sizeof(Frame)) & 15, 0);
    USER("nop", "r"(0));
    trapped("INT at CPL 3", CALL_VECTOR, 0);
    equal("its stack", trap_at + sizeof(Frame), tss.rsp[0]);
    equal("SS", trap.ss, UDATA);
    equal("CS", trap.cs, UCODE);
    equal("RSP", trap.rsp, (u64)user_stack + 4096);
    USER("movl %%ss, %%eax\n int $0x81", "r"(0));
    deviates();
    trapped("a gate of DPL 0", GP_, 0x81 * 8 + 2);
    stub_gate(0x82, 0x8e, 1);
    TRY("int $0x82", "r"(0));
    trapped("an interrupt stack", 0x82, 0);
    equal("is used at CPL 0", trap_at + sizeof(Frame), tss.ist[0]);
    set_gate(0x83, KCODE, NONCANONICAL, 0x8e, 0);
    TRY("int $0x83", "r"(0));
    deviates();
    trapped("a handler that is not canonical", GP_, 0);
    set_gate(0x83, C32, 0, 0x8e, 0);
    TRY("int $0x83", "r"(0));
    trapped("a handler that is not 64-bit", GP_, C32);
    set_gate(0x83, KCODE, 0, 0x86, 0);
    TRY("int $0x83", "r"(0));
    deviates();
    trapped("a 16-bit gate", GP_, 0x83 * 8 + 2);
    set_gate(0x83, KCODE, 0, 0x85, 0);
    TRY("int $0x83", "r"(0));
    deviates();
    trapped("a task gate", GP_, 0x83 * 8 + 2);
    tss.ist[1] = NONCANONICAL;
    stub_gate(0x84, 0x8e, 2);
    TRY("int $0x84", "r"(0));
    trapped("a stack that is not canonical", SS_, 0);
    /* A double fault on a stack of its own: the other is not there. */
    sp = tss.rsp[0];
    stub_gate(UD_, 0x8e, 0);
    tss.rsp[0] = NONCANONICAL - 8;
    stub_gate(DF_, 0x8e, 1);
    stub_gate(SS_, 0x8e, 0);
    stub_gate(PF_, 0x8e, 0);
    USER("ud2", "r"(0));
    trapped("a double fault for want of a stack", DF_, 0);
    tss.rsp[0] = sp;
    TRY("pushq $0\n popq %%rax\n pushfq\n orq $0x4000, (%%rsp)\n popfq\n"
        "iretq", "r"(0));
    trapped("IRET with NT", GP_, 0);
    TRY("pushq $0x23\n pushq %1\n pushq $2\n pushq $0x2b\n pushq %0\n"
        "iretq", "r"(NONCANONICAL), "r"(user_stack + 4096));
    trapped("IRET to where it is not canonical", GP_, 0);
    TRY("pushq $0\n pushq %0\n pushq $2\n pushq $8\n pushq $8f\n iretq\n"
        "8: movl %%ss, %%eax\n movq %%rax, out", "r"(recover_sp));
    trapped("IRET with a null stack", NO_TRAP, 0);
    equal("SS", out[0] & 0xffff, 0);
    TRY("pushq $3\n pushq %0\n pushq $2\n pushq $0x2b\n pushq $8f\n"
        "iretq\n 8:", "r"(user_stack + 4096));
    trapped("to CPL 3", GP_, 0);
}

static void compatibility(void)
{
    TRY("pushq $0x10\n pushq $user_stack + 2048\n pushq $2\n pushq $0x70\n"
        "pushq %0\n iretq", "r"((u64)&in32));
    trapped("IRET to compatibility mode", CALL_VECTOR, 0);
    equal("its CS", out[0] & 0xffff, C32);
    equal("INC, not REX", (u32)out[1], 0x12345679);
    equal("PUSH of 4 bytes", (u32)out[2], (u64)user_stack + 2044);
    equal("CS in the frame", trap.cs, C32);
    TRY("pushq $0x23\n pushq $user_stack + 2048\n pushq $2\n pushq $0x1b\n"
        "pushq %0\n iretq", "r"((u64)&in32 + 9));
    deviates();
    trapped("at CPL 3", GP_, 0);
    TRY("pushq $0x23\n pushq $user_stack + 2048\n pushq $2\n pushq $0x1b\n"
        "pushq $8f\n iretq\n .code32\n 8: movl $0x23, %%eax\n"
        "movl %%eax, %%ds\n ljmpl $0x2b, $7f\n .code64\n"
        "7: movq $-1, %%rax\n movq %%rax, out\n int $0x80", "r"(0));
    trapped("a far jump to 64-bit mode", CALL_VECTOR, 0);
    equal("CS", trap.cs, UCODE);
    equal("64 bits", out[0], ~0ull);
    TRY("pushq $0x70\n pushq $8f\n lretq\n .code32\n 8: movl $0x10, %%eax\n"
        "movl %%eax, %%ss\n movl %%eax, %%ds\n movl $-1, %%eax\n"
        "addl $1, %%eax\n movl %%eax, out\n ljmpl $8, $7f\n .code64\n 7:",
        "r"(0));
    trapped("RETF there, a jump back", NO_TRAP, 0);
    TRY("movq %0, %%rdx\n pushq $0x70\n pushq $8f\n lretq\n .code32\n"
        "8: movl %%edx, %%eax\n ljmpl $8, $7f\n .code64\n"
        "7: movq %%rax, out", "r"(0x123456789abcdef0));
    equal("MOV of 32 bits in compatibility mode", out[0], 0x9abcdef0);
    TRY("pushq $0x70\n pushq $8f\n lretq\n .code32\n 8: movl $0x10, %%eax\n"
        "movl %%eax, %%ds\n movl %%cr0, %%eax\n andl $0x7fffffff, %%eax\n"
        "movl %%eax, %%cr0\n movl $0xc0000080, %%ecx\n rdmsr\n"
        "movl %%eax, out\n movl %%cr0, %%eax\n orl $0x80000000, %%eax\n"
        "movl %%eax, %%cr0\n ljmpl $8, $7f\n .code64\n 7:\n"
        "movl $0xc0000080, %%ecx\n rdmsr\n movl %%eax, out + 8", "r"(0));
    trapped("out of IA-32e mode and back", NO_TRAP, 0);
    equal("LMA is clear there", (u32)out[0] & 0x500, 0x100);
    equal("and set here", (u32)out[1] & 0x500, 0x500);
}

/* ---- gates and tasks ---------------------------------------------------- */

extern u8 landing;
__asm__(
    "landing:\n"
    "    movl %cs, %eax\n"
    "    movq %rax, out\n"
    "    movl %ss, %eax\n"
    "    movq %rax, out + 8\n"
    "    movq %rsp, out + 16\n"
    "    movq 8(%rsp), %rax\n"
    "    movq %rax, out + 24\n"
    "    movq 16(%rsp), %rax\n"
    "    movq %rax, out + 32\n"
    "    lretq\n");

#define USER_CALL(sel)                                                      \
    do {                                                                    \
        out[6] = (u64)(sel) << 32;                                          \
        USER("lcalll *out + 48", "r"(0));                                   \
    } while (0)

static void gates(void)
{
    set_long(T0, gate_low(KCODE, (u64)&landing, 0xec, 0), 0);
    USER_CALL(T0 | 3);
    trapped("a call gate from CPL 3", CALL_VECTOR, 0);
    equal("CS", out[0] & 0xffff, KCODE);
    equal("SS is null", out[1] & 0xffff, 0);
    equal("RSP", out[2], tss.rsp[0] - 32);
    equal("the old CS", out[3], UCODE);
    equal("the old RSP", out[4], (u64)user_stack + 4096);
    equal("back at CPL 3", trap.cs, UCODE);
    set_long(T0, gate_low(C32, 0, 0xec, 0), 0);
    USER_CALL(T0 | 3);
    trapped("a gate to compatibility mode", GP_, C32);
    set_long(T0, gate_low(KCODE, 0, 0xe4, 0), 0);
    USER_CALL(T0 | 3);
    deviates();
    trapped("a 16-bit call gate", GP_, T0);
    USER_CALL(TSS_SEL | 3);
    trapped("a TSS", GP_, TSS_SEL);
    set_long(T0, gate_low(KCODE, (u64)&landing, 0xec, 0), 0x8000);
    USER_CALL(T0 | 3);
    trapped("an offset that is not canonical", GP_, 0);
    TRY("ltr %w0", "r"(TSS_SEL));
    trapped("LTR of a busy TSS", GP_, TSS_SEL);
    set_long(T0, desc(0, 0x67, 0x81, 0), 0);
    TRY("ltr %w0", "r"(T0));
    deviates();
    trapped("LTR of a 16-bit TSS", GP_, T0);
    set_long(T0, desc((u64)out, 7, 0x82, 0), 0);
    TRY("lldt %w0", "r"(T0));
    trapped("LLDT", NO_TRAP, 0);
    out[0] = desc(0, 0xfffff, DATA_RW, 12);
    TRY("movl $4, %%eax\n movl %%eax, %%es", "r"(0));
    trapped("a segment from it", NO_TRAP, 0);
    TRY("xorl %%eax, %%eax\n movl %%eax, %%es\n lldt %%ax", "r"(0));
}

static void looks(void)
{
    u64 lars = 0, lsls = 0;

    for (u8 type = 0; type < 16; type++) {
        set_long(T0, desc(0, 0x234, 0x80 | type, 0), 0);
        TRY("larl %%edx, %%eax\n setz %%al\n movzbl %%al, %%eax\n"
            "movq %%rax, out\n lsll %%edx, %%eax\n setz %%al\n"
            "movzbl %%al, %%eax\n movq %%rax, out + 8", "d"(T0));
        lars |= out[0] << type;
        lsls |= out[1] << type;
    }
    deviates();
    equal("types that LAR takes", lars, 0x1a04);
    deviates();
    equal("types that LSL takes", lsls, 0x0a04);
}

/* ---- system calls ------------------------------------------------------- */

extern u8 sys_entry, sys_entry32, sys_exit;
__asm__(
    "sys_entry:\n"
    "    movq %rcx, out\n"
    "    movq %r11, out + 8\n"
    "    movl %cs, %eax\n"
    "    movq %rax, out + 16\n"
    "    movl %ss, %eax\n"
    "    movq %rax, out + 24\n"
    "    pushfq\n"
    "    popq out + 32\n"
    "    sysretq\n"
    "sys_entry32:\n"
    "    movq $0x32, out + 40\n"
    "    sysretl\n"
    "sys_exit:\n"
    "    movl %cs, %eax\n"
    "    movq %rax, out\n"
    "    movq %rsp, out + 8\n"
    "    sysexitq\n");

static void system_calls(void)
{
    u32 id[4];

    wrmsr(0xc0000080, rdmsr(0xc0000080) & ~1ull);
    USER("syscall", "r"(0));
    trapped("SYSCALL without SCE", UD_, 0);
    TRY("sysretq", "r"(0));
    trapped("SYSRET without SCE", UD_, 0);
    wrmsr(0xc0000080, rdmsr(0xc0000080) | 1);
    wrmsr(0xc0000081, (u64)KCODE << 32 | (u64)(U32CODE & ~3) << 48);
    wrmsr(0xc0000082, (u64)&sys_entry);
    wrmsr(0xc0000083, (u64)&sys_entry32);
    wrmsr(0xc0000084, 0x600);
    USER("movq $7f, out + 48\n std\n movq %%rsp, %%rbx\n syscall\n"
         "7: pushfq\n popq out + 56\n cld\n movq %%rbx, %%rsp", "r"(0));
    trapped("SYSCALL, SYSRET", CALL_VECTOR, 0);
    equal("RCX", out[0], out[6]);
    equal("R11: DF", out[1] & 0x400, 0x400);
    equal("CS", out[2] & 0xffff, KCODE);
    equal("SS", out[3] & 0xffff, KDATA);
    equal("FMASK", out[4] & 0x600, 0);
    equal("RFLAGS are back", out[7] & 0x400, 0x400);
    equal("CS behind SYSRET", trap.cs, UCODE);
    equal("SS behind SYSRET", trap.ss, UDATA);
    USER("sysretq", "r"(0));
    trapped("SYSRET at CPL 3", GP_, 0);
    TRY("movq %0, %%rcx\n movq $2, %%r11\n sysretq", "r"(NONCANONICAL));
    trapped("SYSRET to where it is not canonical", GP_, 0);
    out[5] = 0;
    TRY("pushq $0x23\n pushq $user_stack + 2048\n pushq $2\n pushq $0x1b\n"
        "pushq $8f\n iretq\n .code32\n 8: syscall\n movl %%cs, %%eax\n"
        "int $0x80\n .code64\n", "r"(0));
    cpuid(0, id);
    if (id[1] != 0x68747541) {          /* "Auth": Intel has it not there */
        deviates();
        trapped("SYSCALL in compatibility mode", UD_, 0);
        return;
    }
    trapped("SYSCALL in compatibility mode", CALL_VECTOR, 0);
    equal("goes to CSTAR", out[5], 0x32);
    equal("SYSRET back", trap.cs, U32CODE);
}

/* AMD's CPUs have no SYSENTER in IA-32e mode. */
static void sysenter(void)
{
    u32 id[4];

    cpuid(0, id);
    if (id[1] == 0x68747541) {          /* "Auth" */
        USER("sysenter", "r"(0));
        trapped("SYSENTER", UD_, 0);
        return;
    }
    wrmsr(0x174, KCODE);
    wrmsr(0x175, (u64)stack0 + 4096);
    wrmsr(0x176, (u64)&sys_exit);
    set_gdt(0x20 + KCODE, desc(0, 0xfffff, CODE_XR | DPL3, 10));
    set_gdt(0x28 + KCODE, desc((u64)&tss, sizeof tss - 1, 0x8b, 0));
    USER("movq $7f, %%rdx\n movq %%rsp, %%rcx\n sysenter\n 7:\n"
         "movl %%ss, %%eax\n movq %%rax, out + 16", "r"(0));
    trapped("SYSENTER, SYSEXIT", CALL_VECTOR, 0);
    equal("CS", out[0] & 0xffff, KCODE);
    equal("RSP", out[1], (u64)stack0 + 4096);
    equal("CS behind it", trap.cs, KCODE + 32 + 3);
    equal("SS behind it", out[2] & 0xffff, KCODE + 40 + 3);
}

static void bases(void)
{
    u32 id[4];

    wrmsr(0xc0000101, 0x1111);
    wrmsr(0xc0000102, 0x2222);
    TRY("swapgs", "r"(0));
    equal("SWAPGS: GS", rdmsr(0xc0000101), 0x2222);
    equal("SWAPGS: the other", rdmsr(0xc0000102), 0x1111);
    USER("swapgs", "r"(0));
    trapped("SWAPGS at CPL 3", GP_, 0);
    cpuid(7, id);
    if (!(id[1] & 1)) {
        return;
    }
    TRY("rdfsbase %%rax", "r"(0));
    trapped("RDFSBASE without FSGSBASE", UD_, 0);
    write_cr4(read_cr4() | 1 << 16);
    TRY("movq $0x123456789a, %%rax\n wrgsbase %%rax\n rdgsbase %%rcx\n"
        "movq %%rcx, out\n wrfsbase %%eax\n rdfsbase %%rcx\n"
        "movq %%rcx, out + 8", "r"(0));
    trapped("WRGSBASE and the like", NO_TRAP, 0);
    equal("of 64 bits", out[0], 0x123456789a);
    equal("of 32 bits", out[1], 0x3456789a);
    TRY("wrfsbase %0", "r"(NONCANONICAL));
    deviates();
    trapped("WRFSBASE that is not canonical", GP_, 0);
    write_cr4(read_cr4() & ~(1ull << 16));
}

/* ---- control registers -------------------------------------------------- */

static void control(void)
{
    u32 id[4];

    if (!lax) {
        TRY("movq %0, %%cr4", "r"(read_cr4() & ~0x20ull));
        trapped("CR4.PAE stays", GP_, 0);
        TRY("movq %0, %%cr0", "r"(read_cr0() & ~0x80000000ull));
        trapped("CR0.PG stays in 64-bit mode", GP_, 0);
        TRY("movq %0, %%cr0", "r"(read_cr0() | 1ull << 32));
        trapped("bit 32 of CR0", GP_, 0);
        TRY("movq %0, %%cr3", "r"(read_cr3() | 1ull << 60));
        trapped("bit 60 of CR3", GP_, 0);
        TRY("wrmsr", "c"(0xc0000080), "a"((u32)rdmsr(0xc0000080) & ~0x100u),
            "d"(0));
        trapped("EFER.LME stays while paging is on", GP_, 0);
        TRY("movq %0, %%db7", "r"(1ull << 32));
        trapped("bit 32 of DR7", GP_, 0);
    }
    cpuid(1, id);
    if (id[2] & 1 << 13) {
        TRY("xorl %%eax, %%eax\n xorl %%edx, %%edx\n"
            "lock cmpxchg16b (%%rdi)", "D"(out));
        trapped("CMPXCHG16B", NO_TRAP, 0);
        TRY("lock cmpxchg16b 8(%%rdi)", "D"(out));
        trapped("CMPXCHG16B, unaligned", GP_, 0);
    }
    write_cr0((read_cr0() & ~12ull) | 2);
    write_cr4(read_cr4() & ~0x600ull);
    TRY("xorps %%xmm0, %%xmm0", "r"(0));
    trapped("SSE without OSFXSR", UD_, 0);
    write_cr4(read_cr4() | 0x200);
    TRY("xorps %%xmm0, %%xmm0", "r"(0));
    trapped("SSE", NO_TRAP, 0);
    TRY("movaps (%0), %%xmm0", "r"((u64)out + 8 - ((u64)out & 8)));
    trapped("MOVAPS, unaligned", GP_, 0);
    write_cr0(read_cr0() | 8);
    TRY("xorps %%xmm0, %%xmm0", "r"(0));
    trapped("SSE with TS", NM_, 0);
    write_cr0((read_cr0() & ~8ull) | 4);
    TRY("xorps %%xmm0, %%xmm0", "r"(0));
    trapped("SSE with EM", UD_, 0);
    write_cr0(read_cr0() & ~4ull);
    out[0] = 0x1f80 & ~(1 << 9);
    TRY("ldmxcsr out\n movl $1, %%eax\n cvtsi2ss %%eax, %%xmm1\n"
        "xorps %%xmm0, %%xmm0\n divss %%xmm0, %%xmm1", "r"(0));
    deviates();
    trapped("a division by zero without OSXMMEXCPT", UD_, 0);
    write_cr4(read_cr4() | 0x400);
    TRY("divss %%xmm0, %%xmm1", "r"(0));
    deviates();
    trapped("with it", XM_, 0);
    out[0] = 0x1f80;
    __asm__ volatile("ldmxcsr out");
    if (id[2] & 1 << 26) {
        TRY("xorl %%ecx, %%ecx\n xgetbv", "r"(0));
        trapped("XGETBV without OSXSAVE", UD_, 0);
        write_cr4(read_cr4() | 1 << 18);
        TRY("xorl %%ecx, %%ecx\n xgetbv\n movl %%eax, out", "r"(0));
        trapped("XGETBV", NO_TRAP, 0);
        equal("XCR0 after reset", (u32)out[0], 1);
        TRY("xorl %%ecx, %%ecx\n xorl %%edx, %%edx\n xorl %%eax, %%eax\n"
            "xsetbv", "r"(0));
        trapped("XSETBV without x87", GP_, 0);
        TRY("movl $5, %%ecx\n xgetbv", "r"(0));
        trapped("XGETBV of another", GP_, 0);
        write_cr4(read_cr4() & ~(1ull << 18));
    }
}

/* ---- paging ------------------------------------------------------------- */

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
enum { E_P = 1, E_W = 2, E_U = 4, E_RSVD = 8, E_I = 16 };
#define NX (1ull << 63)
/* Where long.c has put the tables; free ones; a window at 512 GiB. */
enum { PML4 = 0x300000, PDPT = 0x310000, PD = 0x311000, PT = 0x312000,
       PML4B = 0x313000, DATA = 0x900000, OTHER = 0x901000 };
#define WINDOW 0x8000000000ull

static volatile u64 *table(u64 at) { return (u64 *)at; }

static void forget(u64 va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static void set(u64 v)
{
    table(DATA)[0] = 0xc3;
    table(PT)[0] = v;
    forget(WINDOW);
}

#define LOAD(va)    TRY("movq (%0), %%rax\n movq %%rax, out", "r"(va))
#define STORE(va)   TRY("movq $0x77, (%0)", "r"(va))
#define EXEC(va)    TRY("callq *%0", "r"(va))

static void faulted(const char *name, u64 error)
{
    trapped(name, PF_, error);
    equal("CR2", trap_cr2, WINDOW);
}

static void paging(void)
{
    u32 id[4];

    table(PML4)[1] = PDPT | U | W | P;
    table(PDPT)[0] = PD | U | W | P;
    table(PD)[0] = PT | U | W | P;
    for (u32 i = 0; i < 512; i++) {
        table(PT)[i] = 0;
    }
    set(DATA | U | W | P);
    LOAD(WINDOW);
    trapped("four levels", NO_TRAP, 0);
    equal("PTE", table(PT)[0], DATA | A | U | W | P);
    equal("PDE", table(PD)[0], PT | A | U | W | P);
    equal("PDPTE", table(PDPT)[0], PD | A | U | W | P);
    equal("PML4E", table(PML4)[1], PDPT | A | U | W | P);
    LOAD(~0ull << 8);
    trapped("the last page of all", PF_, 0);
    STORE(WINDOW);
    equal("D", table(PT)[0] & D, D);
    set(0);
    EXEC(WINDOW);
    faulted("a fetch, NXE clear", 0);
    set(NX | DATA | P);
    LOAD(WINDOW);
    deviates();
    faulted("NX, NXE clear", E_RSVD | E_P);
    wrmsr(0xc0000080, rdmsr(0xc0000080) | 0x800);
    EXEC(WINDOW);
    faulted("NX: a fetch", E_I | E_P);
    table(PT)[0] = DATA | P;
    table(PD)[0] = NX | PT | W | P;
    write_cr3(read_cr3());
    EXEC(WINDOW);
    faulted("NX of a directory", E_I | E_P);
    table(PD)[0] = PT | U | W | P;
    set(DATA | 1ull << 51 | P);
    LOAD(WINDOW);
    deviates();
    faulted("an address beyond MAXPHYADDR", E_RSVD | E_P);
    table(PML4)[1] |= PS;
    write_cr3(read_cr3());
    LOAD(WINDOW);
    deviates();
    faulted("PS in a PML4E", E_RSVD | E_P);
    table(PML4)[1] = PDPT | U | W | P;
    table(DATA)[0] = 0x1234;
    table(PD)[0] = (DATA & ~0x1fffff) | PS | W | P;
    write_cr3(read_cr3());
    LOAD(WINDOW + (DATA & 0x1fffff));
    equal("2 MiB", out[0], 0x1234);
    cpuid(0x80000001, id);
    if (id[3] & 1 << 26) {
        table(PDPT)[0] = PS | W | P;
        write_cr3(read_cr3());
        LOAD(WINDOW + DATA);
        equal("1 GiB", out[0], 0x1234);
        table(PDPT)[0] = 1 << 13 | PS | W | P;
        write_cr3(read_cr3());
        LOAD(WINDOW);
        deviates();
        faulted("a reserved bit of it", E_RSVD | E_P);
    }
    table(PDPT)[0] = PD | U | W | P;
    table(PD)[0] = PT | U | W | P;
    write_cr3(read_cr3());
}

/* Two spaces, which differ in the window. */
static void pcids(void)
{
    u32 id[4];

    cpuid(1, id);
    if (!(id[2] & 1 << 17)) {
        return;
    }
    for (u32 i = 0; i < 512; i++) {
        table(PML4B)[i] = table(PML4)[i];
    }
    table(PML4B)[1] = 0;
    table(PML4B)[2] = PDPT | W | P;
    table(DATA)[0] = 0x11;
    table(OTHER)[0] = 0x22;
    table(PT)[0] = DATA | W | P;
    TRY("movq %0, %%cr4", "r"(read_cr4() | 1 << 17));
    trapped("PCIDE with CR3 of PCID 0", NO_TRAP, 0);
    write_cr3(PML4 | 1);
    LOAD(WINDOW);
    equal("PCID 1", out[0], 0x11);
    write_cr3(PML4B | 2);
    LOAD(WINDOW);
    trapped("PCID 2 has no such page", PF_, 0);
    table(PT)[0] = OTHER | W | P;
    write_cr3(PML4 | 1 | 1ull << 63);
    LOAD(WINDOW);
    result(out[0] == 0x11 || out[0] == 0x22, "PCID 1 again, kept");
    write_cr3(PML4 | 1);
    LOAD(WINDOW);
    equal("and dropped", out[0], 0x22);
    write_cr3(PML4B | 2 | 1ull << 63);
    LOAD(WINDOW * 2);
    equal("PCID 2, its own window", out[0], 0x22);
    cpuid(7, id);
    if (id[1] & 1 << 10) {
        out[4] = 1;
        out[5] = WINDOW;
        table(PT)[0] = DATA | W | P;
        TRY("movl $0, %%eax\n invpcid out + 32, %%rax", "r"(0));
        trapped("INVPCID of an address", NO_TRAP, 0);
        write_cr3(PML4 | 1 | 1ull << 63);
        LOAD(WINDOW);
        equal("it is dropped", out[0], 0x11);
        TRY("movl $4, %%eax\n invpcid out + 32, %%rax", "r"(0));
        trapped("INVPCID of type 4", GP_, 0);
        out[4] = 0x1000;
        TRY("movl $1, %%eax\n invpcid out + 32, %%rax", "r"(0));
        trapped("INVPCID of a wrong PCID", GP_, 0);
        table(PT)[0] = OTHER | W | P;
        TRY("movl $2, %%eax\n invpcid out + 32, %%rax", "r"(0));
        LOAD(WINDOW);
        equal("INVPCID of all", out[0], 0x22);
    }
    write_cr3(PML4);
    write_cr4(read_cr4() & ~(1ull << 17));
}

/* Is `size` bytes from a what is at b? */
static bool same(const volatile u64 *a, const volatile u64 *b, u64 size)
{
    for (; size && *a == *b; size -= 8, a++, b++) {
    }
    return !size;
}

/* FXSAVE's image in two pages, which are not neighbours in memory. */
static void two_pages(void)
{
    enum { FIRST = 0x100, USED = 416, FAR_AWAY = 0x904000 };
    u64 va = WINDOW + 0x1000 - FIRST;
    volatile u64 *start = table(DATA + 0x1000 - FIRST);

    table(PT)[1] = FAR_AWAY | W | P;
    set(DATA | W | P);
    TRY("fldpi\n fxsave64 (%0)\n fxsave64 (%1)\n fninit\n fxrstor64 (%0)\n"
        "fxsave64 512(%1)", "r"(va), "r"((u64)OTHER));
    trapped("FXSAVE to two pages", NO_TRAP, 0);
    result(same(start, table(OTHER), FIRST)
           && same(table(FAR_AWAY), table(OTHER + FIRST), USED - FIRST),
           "both have it");
    result(same(table(OTHER), table(OTHER + 512), USED), "FXRSTOR of it");
    start[0] = 0x1234;
    table(PT)[1] = 0;
    forget(WINDOW + 0x1000);
    TRY("fxsave64 (%0)", "r"(va));
    trapped("the second page is absent", PF_, E_W);
    equal("CR2's page", trap_cr2 >> 12, (WINDOW + 0x1000) >> 12);
    deviates();
    equal("nothing is saved", start[0], 0x1234);
    __asm__ volatile("fninit");
}

static void smap(void)
{
    u32 id[4];

    cpuid(7, id);
    if (!(id[1] & 1 << 20)) {
        return;
    }
    table(PML4)[0] &= ~(u64)U;  /* all but the window is the supervisor's */
    write_cr4(read_cr4() | 1 << 21);
    set(DATA | U | W | P);
    LOAD(WINDOW);
    faulted("SMAP, a user's page", E_P);
    TRY("stac\n movq (%0), %%rax\n clac\n movq %%rax, out", "r"(WINDOW));
    equal("it with STAC", out[0], 0xc3);
    TRY("stac\n movq (%0), %%rax\n clac\n movq (%0), %%rax", "r"(WINDOW));
    faulted("it after CLAC", E_P);
    write_cr4(read_cr4() & ~(1ull << 21));
    table(PML4)[0] |= U;
}

/* ---- steps -------------------------------------------------------------- */

static u64 at[8];
static u32 steps;

static void keep(Frame *f)
{
    if (steps < 8) {
        at[steps] = f->rip;
    }
    if (++steps == 8) {
        f->rflags &= ~0x100ull;
    }
}

static void single_steps(void)
{
    hook[DB_] = keep;
    steps = 0;
    TRY("movq $6f, out\n movq $7f, out + 8\n pushfq\n orq $0x100, (%%rsp)\n"
        "popfq\n nop\n 6: movq out(%%rip), %%rax\n 7: nop\n nop\n nop\n"
        "nop\n nop\n nop\n nop\n nop\n nop", "r"(0));
    equal("a step", at[0], out[0]);
    equal("another", at[1], out[1]);
    equal("all", steps, 8);
    hook[DB_] = 0;
}

/* ---- SMM, which the 32-bit program has set up --------------------------- */

static void smm(void)
{
    volatile Notes *n = (volatile Notes *)(uintptr_t)NOTES;
    const volatile u64 *saved = (const volatile u64 *)n->saved;

    if (!n->base) {
        return;
    }
    n->count = 0;
    TRY("movq $0x123456789abcdef0, %%rbx\n leaq (%%rbx, %%rbx), %%r8\n"
        "movq %%rbx, %%r15\n notq %%r15\n movq %%rsp, out + 32\n"
        "outb %%al, $0xb2\n jmp 6f\n 6: movq %%rbx, out\n"
        "movq %%r8, out + 8\n movq %%r15, out + 16\n movl %%cs, %%eax\n"
        "movl %%eax, out + 24\n subq %%rsp, out + 32", "r"(0));
    equal("an SMI in 64-bit mode", n->count, 1);
    equal("which the handler is not in", n->cr0 & 1, 0);
    equal("RBX", out[0], 0x123456789abcdef0);
    equal("R8", out[1], 0x2468acf13579bde0);
    equal("R15", out[2], ~0x123456789abcdef0);
    equal("RSP", out[4], 0);
    equal("CS", (u32)out[3], KCODE);
    equal("saved R15", saved[0x180 / 8], ~0x123456789abcdef0);
    equal("saved EFER", saved[0xd0 / 8] & 0x500, 0x500);
}

__attribute__((used)) void start(void)
{
    reset_tables();
    segments();
    undefined();
    interrupts();
    reset_tables();
    compatibility();
    gates();
    looks();
    reset_tables();
    system_calls();
    sysenter();
    reset_tables();
    bases();
    control();
    paging();
    pcids();
    two_pages();
    smap();
    single_steps();
    reset_tables();
    smm();
    finish();
}
