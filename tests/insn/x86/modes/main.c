/* SPDX-License-Identifier: MIT */
/* Start, tables, handlers and results of the tests of x86's modes. */
#include "modes.h"

volatile Trap trap;
void (*hook[256])(Frame *f);
u64 gdt[GDT_SIZE / 8], idt[256], ldt[8];
Tss tss;
u32 recover_ip, recover_sp;
volatile u32 out[8];
bool lax;
u8 user_stack[4096] __attribute__((aligned(16)));
u8 stack1[4096] __attribute__((aligned(16)));
static u8 stack0[8192] __attribute__((aligned(16)));
static unsigned results, failures;
static bool todo;

__asm__(
    ".section .start, \"ax\"\n"
    "    movl $stack + 16384, %esp\n"
    "    movl $__bss_start, %edi\n"
    "    movl $_end, %ecx\n"
    "    subl %edi, %ecx\n"
    "    xorl %eax, %eax\n"
    "    rep stosb\n"
    "    call start\n"
    "1:  hlt\n"
    "    jmp 1b\n"
    ".section .bss\n"
    "    .balign 16\n"
    "stack: .skip 16384\n"
    ".text\n"
    /* A stub of 16 bytes for each vector. */
    "    .balign 16\n"
    "stubs:\n"
    "    .set i, 0\n"
    "    .rept 256\n"
    "    .balign 16\n"
    "    .if (i != 8) && (i != 10) && (i != 11) && (i != 12) && (i != 13)"
    "        && (i != 14) && (i != 17)\n"
    "    pushl $0\n"
    "    .endif\n"
    "    pushl $i\n"
    "    jmp common\n"
    "    .set i, i + 1\n"
    "    .endr\n"
    "common:\n"
    "    pushal\n"
    "    pushl %ds\n"
    "    pushl %es\n"
    "    pushl %fs\n"
    "    pushl %gs\n"
    "    movl $0x10, %eax\n"
    "    movl %eax, %ds\n"
    "    movl %eax, %es\n"
    "    cld\n"
    "    movl %esp, %eax\n"
    "    pushl %eax\n"
    "    call on_trap\n"
    "    addl $4, %esp\n"
    "    popl %gs\n"
    "    popl %fs\n"
    "    popl %es\n"
    "    popl %ds\n"
    "    popal\n"
    "    addl $8, %esp\n"
    "    iretl\n");

extern u8 stubs[];

/* ---- results ------------------------------------------------------------ */

static void put_char(char ch)
{
    while (!(inb(0x3fd) & 0x20)) {
    }
    outb(0x3f8, (u8)ch);
}

void print(const char *text)
{
    for (; *text; text++) {
        put_char(*text);
    }
}

void print_hex(u32 v)
{
    for (int i = 28; i >= 0; i -= 4) {
        if (v >> i || i == 0) {
            put_char("0123456789abcdef"[v >> i & 15]);
        }
    }
}

static void print_number(unsigned v)
{
    if (v >= 10) {
        print_number(v / 10);
    }
    put_char((char)('0' + v % 10));
}

void deviates(void)
{
    todo = lax;
}

void result(bool good, const char *name)
{
    failures += !good && !todo;
    print(good ? "ok " : "not ok ");
    print_number(++results);
    print(" - ");
    print(name);
    print(todo ? " # deviates\n" : "\n");
    todo = false;
}

void equal(const char *name, u32 got, u32 wanted)
{
    result(got == wanted, name);
    if (got != wanted) {
        print("# got ");
        print_hex(got);
        print(", wanted ");
        print_hex(wanted);
        print("\n");
    }
}

void trapped(const char *name, u32 vector, u32 error)
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
        print_hex(trap.eip);
        print(", wanted vector ");
        print_hex(vector);
        print(" error ");
        print_hex(error);
        print("\n");
    }
}

void hand_over(u32 *to)
{
    to[0] = results;
    to[1] = failures;
    to[2] = lax;
}

void finish(void)
{
    print("1..");
    print_number(results);
    print("\n");
    outb(0xf4, failures ? 1 : 0);
    for (;;) {
        __asm__ volatile("cli\n hlt");
    }
}

/* ---- memory ------------------------------------------------------------- */

void *copy(void *to, const void *from, u32 len)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len)
                     : : "memory");
    return to;
}

void fill(void *to, u8 v, u32 len)
{
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(len) : "a"(v) : "memory");
}

void cpuid(u32 leaf, u32 v[4])
{
    __asm__ volatile("cpuid" : "=a"(v[0]), "=b"(v[1]), "=c"(v[2]), "=d"(v[3])
                     : "a"(leaf), "c"(0));
}

/* ---- tables ------------------------------------------------------------- */

u64 desc(u32 base, u32 limit, u8 access, u8 flags)
{
    u64 d = limit & 0xffff;

    d |= (u64)(base & 0xffffff) << 16 | (u64)access << 40;
    d |= (u64)(limit >> 16 & 15) << 48 | (u64)(flags & 15) << 52;
    return d | (u64)(base >> 24) << 56;
}

u64 gate(u16 selector, u32 offset, u8 access, u8 count)
{
    return (offset & 0xffff) | (u64)selector << 16 | (u64)count << 32
        | (u64)access << 40 | (u64)(offset >> 16) << 48;
}

void set_gdt(u32 selector, u64 d)
{
    gdt[selector >> 3] = d;
    __asm__ volatile("" : : : "memory");
}

u8 access_of(u32 selector)
{
    return (u8)(((volatile u64 *)gdt)[selector >> 3] >> 40);
}

void set_gate(unsigned vector, u8 access)
{
    idt[vector] = gate(KCODE, (u32)stubs + vector * 16, access, 0);
    __asm__ volatile("" : : : "memory");
}

static void load_tables(void)
{
    struct { u16 limit; u32 base; } __attribute__((packed))
        g = { GDT_SIZE - 1, (u32)gdt }, i = { sizeof idt - 1, (u32)idt };

    __asm__ volatile("lgdtl %0\n lidtl %1\n ltr %w2\n lldt %w3\n"
                     "ljmpl $8, $1f\n 1:"
                     : : "m"(g), "m"(i), "r"(TSS_SEL), "r"(0) : "memory");
}

void reset_tables(void)
{
    fill(gdt, 0, sizeof gdt);
    set_gdt(KCODE, desc(0, 0xfffff, CODE_XR, 12));
    set_gdt(KDATA, desc(0, 0xfffff, DATA_RW, 12));
    set_gdt(UCODE & ~3, desc(0, 0xfffff, CODE_XR | DPL3, 12));
    set_gdt(UDATA & ~3, desc(0, 0xfffff, DATA_RW | DPL3, 12));
    set_gdt(TSS_SEL, desc((u32)&tss, sizeof tss - 1, 0x89, 0));
    set_gdt(LDT_SEL, desc((u32)ldt, sizeof ldt - 1, 0x82, 0));
    set_gdt(CODE16, desc(0, 0xffff, CODE_XR, 0));
    set_gdt(DATA16, desc(0, 0xffff, DATA_RW, 0));
    for (unsigned v = 0; v < 256; v++) {
        set_gate(v, v == CALL_VECTOR ? 0xee : 0x8e);
        hook[v] = 0;
    }
    fill(&tss, 0, sizeof tss);
    fill(tss.map, 0xff, sizeof tss.map);
    tss.ss0 = KDATA;
    tss.esp0 = (u32)stack0 + sizeof stack0;
    tss.iomap = 0x68 + 32;
    load_tables();
}

/* ---- exceptions --------------------------------------------------------- */

__attribute__((noreturn)) static void go_on(void)
{
    __asm__ volatile(
        "movl $0x10, %eax\n"
        "movl %eax, %ds\n movl %eax, %es\n movl %eax, %ss\n"
        "movl recover_sp, %esp\n"
        "pushl $2\n popfl\n"
        "jmp *recover_ip\n");
    __builtin_unreachable();
}

static void die(const Frame *f)
{
    print("Bail out! vector ");
    print_hex(f->vector);
    print(" error ");
    print_hex(f->error);
    print(" at ");
    print_hex(f->cs);
    print(":");
    print_hex(f->eip);
    print(" CR2 ");
    print_hex(read_cr2());
    print("\n");
    failures++;
    finish();
}

__attribute__((used)) void on_trap(Frame *f)
{
    bool outer = f->cs & 3 || f->eflags & 0x20000;

    trap.vector = f->vector;
    trap.error = f->error;
    trap.eip = f->eip;
    trap.cs = f->cs;
    trap.eflags = f->eflags;
    trap.esp = outer ? f->esp : (u32)&f->esp;
    trap.ss = outer ? f->ss : KDATA;
    trap.ds = f->ds & 0xffff;
    trap.es = f->es & 0xffff;
    trap.fs = f->fs & 0xffff;
    trap.gs = f->gs & 0xffff;
    trap.cr2 = read_cr2();
    trap.count++;
    if (hook[f->vector]) {
        hook[f->vector](f);
        return;
    }
    if (!recover_ip) {
        die(f);
    }
    go_on();
}

/* ---- the tests in their order ------------------------------------------- */

__attribute__((used)) void start(void)
{
    static void (*const tests[])(void) = {
        test_segments, test_transfers, test_interrupts, test_tasks,
        test_vm86, test_debug, test_paging, test_code, test_system,
        test_real, test_smm, test_machine, test_long,
    };

    u32 id[4];

    outb(0x3fb, 3);
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
    reset_tables();
    cpuid(0x40000000, id);
    lax = id[1] == 0x54474354;          /* "TCGT" */
    for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++) {
        reset_tables();
        if (tests[i]) {
            tests[i]();
        }
    }
    finish();
}
