/* SPDX-License-Identifier: MIT */
/*
 * Tests of the modes of an x86 CPU, without any system below them: what they
 * share.  One program of 32-bit code at 1 MiB, flat, at CPL 0.
 *
 * An exception goes to `trap` and, if the code that raised it is in a TRY,
 * on behind it.  Results are lines of TAP on the first serial port.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

/* What the last interrupt or exception pushed. */
typedef struct Trap {
    u32 vector, error, eip, cs, eflags, esp, ss, es, ds, fs, gs, cr2, count;
    u32 depth;                  /* bytes pushed, with the error code */
} Trap;
extern volatile Trap trap;
enum { NO_TRAP = 0xffff, CALL_VECTOR = 0x80 };

/* All registers as the handler has them; it may change them. */
typedef struct Frame {
    u32 gs, fs, es, ds;
    u32 edi, esi, ebp, esp0, ebx, edx, ecx, eax;
    u32 vector, error;
    u32 eip, cs, eflags, esp, ss;               /* the last two: from CPL 3 */
    u32 vm_es, vm_ds, vm_fs, vm_gs;
} Frame;
/* Called for a vector in place of leaving the TRY, if not NULL. */
extern void (*hook[256])(Frame *f);

/* Selectors; T0 .. are for the tests to fill. */
enum {
    KCODE = 8, KDATA = 0x10, UCODE = 0x1b, UDATA = 0x23, TSS_SEL = 0x28,
    LDT_SEL = 0x30, T0 = 0x40, T1 = 0x48, T2 = 0x50, T3 = 0x58, T4 = 0x60,
    T5 = 0x68, T6 = 0x70, T7 = 0x78, CODE16 = 0x80, DATA16 = 0x88,
    TSS2_SEL = 0x90, DF_SEL = 0x98, GDT_SIZE = 0xa0,
};
enum { DATA_RW = 0x92, DATA_RO = 0x90, DATA_DOWN = 0x96, CODE_XR = 0x9a,
       CODE_X = 0x98, CODE_CONF = 0x9e, DPL3 = 0x60 };

extern u64 gdt[GDT_SIZE / 8], idt[256], ldt[8];
typedef struct Tss {
    u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
    u32 eax, ecx, edx, ebx, esp, ebp, esi, edi, es, cs, ss, ds, fs, gs, ldt;
    u16 t, iomap;
    u8  map[32 + 8192 + 1];     /* interrupt redirection, then ports */
} __attribute__((packed)) Tss;
extern Tss tss;

/* A descriptor: flags are G D/B L AVL, in the low four bits of the byte. */
u64  desc(u32 base, u32 limit, u8 access, u8 flags);
u64  gate(u16 selector, u32 offset, u8 access, u8 count);
void set_gdt(u32 selector, u64 d);
u8   access_of(u32 selector);           /* as it is in the GDT now */
void set_gate(unsigned vector, u8 access);      /* type, DPL, P of a stub */
void reset_tables(void);                /* GDT, IDT, TSS, TR, LDTR */

void print(const char *text);
void print_hex(u32 v);
void result(bool good, const char *name);
/* Prints what was got and wanted if they differ. */
void equal(const char *name, u32 got, u32 wanted);
/* The last TRY ended in this vector with this error code. */
void trapped(const char *name, u32 vector, u32 error);
void finish(void);
/* Results so far, for the 64-bit program: long.h, Counts. */
void hand_over(u32 *to);
/* The emulator is QEMU's translator, which leaves out some checks. */
extern bool lax;
/* It does so in the next result: what is wrong counts only elsewhere. */
void deviates(void);

extern u32 recover_ip, recover_sp;
extern volatile u32 out[8];             /* results of assembly code */
extern u8 user_stack[4096], stack1[4096];

/*
 * Runs assembly code.  All registers are kept: results go to out.  The code
 * has no operands on the stack.
 */
#define TRY(text, ...)                                                      \
    do {                                                                    \
        trap.vector = NO_TRAP;                                              \
        trap.error = 0;                                                     \
        __asm__ volatile(                                                   \
            "pushal\n pushl %%ds\n pushl %%es\n pushl %%fs\n pushl %%gs\n"  \
            "movl %%esp, recover_sp\n movl $9f, recover_ip\n"               \
            text "\n"                                                       \
            "9: pushl $0x10\n popl %%ds\n movl $0, recover_ip\n"             \
            "popl %%gs\n popl %%fs\n popl %%es\n popl %%ds\n popal\n"       \
            : : __VA_ARGS__ : "memory", "cc");                              \
    } while (0)
/* The same at CPL 3; the code ends in INT 80H. */
#define USER(text, ...)                                                     \
    TRY("pushl $0x23\n pushl $user_stack + 4096\n pushfl\n pushl $0x1b\n"   \
        "pushl $8f\n movl $0x23, %%ebp\n movl %%ebp, %%ds\n"                \
        "movl %%ebp, %%es\n iretl\n"                                        \
        "8:\n" text "\n int $0x80\n", __VA_ARGS__)

static inline void outb(u16 port, u8 v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
static inline u8 inb(u16 port)
{
    u8 v;

    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
#define READ_CR(n)                                                          \
    static inline u32 read_cr##n(void)                                      \
    {                                                                       \
        u32 v;                                                              \
        __asm__ volatile("movl %%cr" #n ", %0" : "=r"(v));                  \
        return v;                                                           \
    }                                                                       \
    static inline void write_cr##n(u32 v)                                   \
    {                                                                       \
        __asm__ volatile("movl %0, %%cr" #n : : "r"(v) : "memory");         \
    }
READ_CR(0)
READ_CR(2)
READ_CR(3)
READ_CR(4)

void cpuid(u32 leaf, u32 v[4]);
void *copy(void *to, const void *from, u32 len);
void fill(void *to, u8 v, u32 len);

/* The tests, a file each; those of a program that has not all are NULL. */
#pragma weak test_segments
#pragma weak test_transfers
#pragma weak test_interrupts
#pragma weak test_tasks
#pragma weak test_vm86
#pragma weak test_debug
#pragma weak test_paging
#pragma weak test_code
#pragma weak test_real
#pragma weak test_system
#pragma weak test_smm
#pragma weak test_long
#pragma weak test_machine
void test_segments(void), test_transfers(void), test_interrupts(void),
     test_tasks(void), test_vm86(void), test_debug(void), test_paging(void),
     test_code(void), test_real(void), test_system(void), test_smm(void),
     test_long(void), test_machine(void);

/* Runs a piece of 16-bit code at 2000:1000 that ends in RETW; its exception. */
u32 real_run(const u8 *code, const u8 *end);
/* The same in virtual-8086 mode at 2000:0, until an exception: its frame. */
Frame vm86_run(const u8 *code, const u8 *end, u32 flags, u32 ax);
