/* SPDX-License-Identifier: MIT */
/* What the tests of SVM share: vm.h. */
#include "vm.h"

volatile u64 gpr[14];
volatile u64 trap_vector, trap_error;
u64 recover_ip, recover_sp;
u32 features;

enum { GATES = 256 };
static u64 idt[2 * GATES], guest_idt[2 * GATES];
static u64 guest_gdt[5] = { 0, 0x00af9b000000ffff, 0x00cf93000000ffff,
                            0x00cf9b000000ffff, 0x00cf93000000ffff };

__asm__(
    ".section .start, \"ax\"\n"
    "    movl $stack + 16384, %esp\n"
    "    movl $0x10, %eax\n"
    "    movl %eax, %ss\n movl %eax, %ds\n movl %eax, %es\n"
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
    "    popq trap_vector\n"
    "    popq trap_error\n"
    "    cmpq $0x20, trap_vector\n"
    "    jae 1f\n"
    "    cmpq $0, recover_ip\n"
    "    je lost\n"
    "    movq recover_sp, %rsp\n"
    "    jmp *recover_ip\n"
    "1:  pushq %rax\n"
    "    movb $0x20, %al\n"             /* the end of the PIC's interrupt */
    "    outb %al, $0x20\n"
    "    popq %rax\n"
    "    iretq\n"
    "    .balign 16\n"
    "guest_stubs:\n"
    "    .set i, 0\n"
    "    .rept 256\n"
    "    .balign 16\n"
    "    pushq $i\n"
    "    .byte 0x0f, 0x01, 0xd9\n"      /* vmmcall */
    "    addq $8, %rsp\n"
    "    iretq\n"
    "    .set i, i + 1\n"
    "    .endr\n"
    "enter:\n"
    "    pushq %rbx\n pushq %rbp\n pushq %r12\n pushq %r13\n pushq %r14\n"
    "    pushq %r15\n"
    "    movq gpr, %rbx\n movq gpr + 8, %rcx\n movq gpr + 16, %rdx\n"
    "    movq gpr + 24, %rsi\n movq gpr + 32, %rdi\n movq gpr + 40, %rbp\n"
    "    movq gpr + 48, %r8\n movq gpr + 56, %r9\n movq gpr + 64, %r10\n"
    "    movq gpr + 72, %r11\n movq gpr + 80, %r12\n movq gpr + 88, %r13\n"
    "    movq gpr + 96, %r14\n movq gpr + 104, %r15\n"
    "    movl $0x321000, %eax\n"
    "    .byte 0x0f, 0x01, 0xd8\n"      /* vmrun */
    "    movq %rbx, gpr\n movq %rcx, gpr + 8\n movq %rdx, gpr + 16\n"
    "    movq %rsi, gpr + 24\n movq %rdi, gpr + 32\n movq %rbp, gpr + 40\n"
    "    movq %r8, gpr + 48\n movq %r9, gpr + 56\n movq %r10, gpr + 64\n"
    "    movq %r11, gpr + 72\n movq %r12, gpr + 80\n movq %r13, gpr + 88\n"
    "    movq %r14, gpr + 96\n movq %r15, gpr + 104\n"
    "    popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbp\n"
    "    popq %rbx\n"
    "    ret\n");
extern u8 stubs[], guest_stubs[];
void enter(void);

__attribute__((used, noreturn)) void lost(void)
{
    print("Bail out! vector ");
    print_hex(trap_vector);
    print(" error ");
    print_hex(trap_error);
    print("\n");
    counts()->failures++;
    finish();
    for (;;) {
    }
}

u64 rdmsr(u32 n)
{
    u32 lo, hi;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(n));
    return lo | (u64)hi << 32;
}

void wrmsr(u32 n, u64 v)
{
    __asm__ volatile("wrmsr" : : "c"(n), "a"((u32)v), "d"((u32)(v >> 32)));
}

void *copy(void *to, const void *from, u64 len)
{
    for (u64 i = 0; i < len; i++) {
        ((volatile u8 *)to)[i] = ((const u8 *)from)[i];
    }
    return to;
}

void fill(void *to, u8 v, u64 len)
{
    for (u64 i = 0; i < len; i++) {
        ((volatile u8 *)to)[i] = v;
    }
}

/* ---- the guest ---------------------------------------------------------- */

void intercept(u32 code)
{
    vm32(INTERCEPT)[code >> 5] |= 1u << (code & 31);
}

void segment(u32 at, u16 selector, u16 attr, u32 limit, u64 base)
{
    *vm16(at) = selector;
    *vm16(at + 2) = attr;
    *vm32(at + 4) = limit;
    *vm64(at + 8) = base;
}

#define READ_CR(n)                                                          \
    static u64 read_cr##n(void)                                             \
    {                                                                       \
        u64 v;                                                              \
        __asm__ volatile("movq %%cr" #n ", %0" : "=r"(v));                  \
        return v;                                                           \
    }
READ_CR(0)
READ_CR(4)

void new_vm(const void *code)
{
    fill((void *)VMCB, 0, 4096);
    fill((void *)IOPM, 0, 0x3000);
    fill((void *)MSRPM, 0, 0x2000);
    fill((void *)gpr, 0, sizeof gpr);
    intercept(X_VMRUN);
    intercept(X_VMMCALL);
    intercept(X_HLT);
    intercept(X_SHUTDOWN);
    *vm64(0x40) = IOPM;
    *vm64(0x48) = MSRPM;
    *vm32(ASID) = 1;
    *vm8(TLB_CONTROL) = 1;
    segment(CS, 8, 0xa9b, ~0u, 0);
    segment(SS, 16, 0xc93, ~0u, 0);
    segment(DS, 16, 0xc93, ~0u, 0);
    segment(ES, 16, 0xc93, ~0u, 0);
    segment(GDTR, 0, 0, sizeof guest_gdt - 1, (u64)guest_gdt);
    segment(IDTR, 0, 0, sizeof guest_idt - 1, (u64)guest_idt);
    *vm64(EFER) = rdmsr(0xc0000080);
    *vm64(CR0) = read_cr0();
    *vm64(CR3) = PML4;
    *vm64(CR4) = read_cr4();
    *vm64(DR6) = 0xffff0ff0;
    *vm64(DR7) = 0x400;
    *vm64(RFLAGS) = 2;
    *vm64(RIP) = (u64)code;
    *vm64(RSP) = STACK_TOP;
    *vm64(G_PAT) = 0x0007040600070406;
}

void run_closed(void)
{
    enter();
}

u64 run(void)
{
    enter();
    __asm__ volatile(".byte 0x0f, 0x01, 0xdc" : : : "memory");  /* stgi */
    /* QEMU clears the upper half of VMEXIT_INVALID. */
    return lax ? (u64)(int)*vm32(EXITCODE) : *vm64(EXITCODE);
}

u64 *handled(const char *name, u8 vector)
{
    u64 *frame = (u64 *)*vm64(RSP);

    result(*vm64(EXITCODE) == X_VMMCALL && frame[0] == vector, name);
    if (*vm64(EXITCODE) != X_VMMCALL || frame[0] != vector) {
        print("# got exit ");
        print_hex(*vm64(EXITCODE));
        print(" info ");
        print_hex(*vm64(EXITINFO1));
        print(" at ");
        print_hex(*vm64(RIP));
        print("\n");
    }
    return frame + 1;
}

void trapped(const char *name, u64 vector)
{
    equal(name, trap_vector, vector);
}

static void set_gates(u64 *table, const u8 *code)
{
    for (u64 v = 0; v < GATES; v++) {
        u64 at = (u64)code + v * 16;
        table[v * 2] = (at & 0xffff) | 8 << 16 | 0x8eull << 40
            | (at >> 16 & 0xffff) << 48;
        table[v * 2 + 1] = at >> 32;
    }
}

static void outb(u16 port, u8 v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

/* The interrupts of both PICs begin at 20H; all are masked. */
static void set_up(void)
{
    struct { u16 limit; u64 base; } __attribute__((packed))
        i = { sizeof idt - 1, (u64)idt };
    static const u8 first[] = { 0x11, 0x20, 4, 1, 0xff };
    static const u8 second[] = { 0x11, 0x28, 2, 1, 0xff };

    set_gates(idt, stubs);
    set_gates(guest_idt, guest_stubs);
    __asm__ volatile("lidtq %0" : : "m"(i));
    outb(0x3fb, 3);
    for (u32 n = 0; n < sizeof first; n++) {
        outb(n ? 0x21 : 0x20, first[n]);
        outb(n ? 0xa1 : 0xa0, second[n]);
    }
}

__attribute__((used)) void start(void)
{
    u32 id[4];

    set_up();
    cpuid(0x40000000, id);
    lax = id[1] == 0x54474354;          /* "TCGT" */
    cpuid(0x80000001, id);
    result(id[2] & 4, "CPUID has SVM");
    cpuid(0x8000000a, id);
    features = id[3];
    result(id[0] == 1 && id[1] >= 8, "its revision and ASIDs");
    TRY("movl $0x321000, %%eax\n .byte 0x0f, 0x01, 0xd8", "r"(0));
    trapped("VMRUN without EFER.SVME", 6);
    wrmsr(0xc0000080, rdmsr(0xc0000080) | 1 << 12);
    wrmsr(0xc0010117, HSAVE);
    test_intercepts();
    test_events();
    test_paging();
    if (features & NPT && !lax) {
        test_random();
    }
    test_checks();
    finish();
}
