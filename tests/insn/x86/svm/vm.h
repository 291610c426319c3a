/* SPDX-License-Identifier: MIT */
/*
 * Tests of SVM without any system: one guest, whose memory is the host's.
 * Reference: AMD64 APM volume 2, chapter 15, appendices B and C.
 *
 * new_vm() makes the VMCB of a guest in 64-bit mode that shares the host's
 * page tables and intercepts VMRUN, VMMCALL, HLT and SHUTDOWN; run() runs it
 * until it exits.  Its exceptions' handlers push the vector and VMMCALL.
 */
#pragma once
#include "tests/insn/x86/modes/long.h"

enum {                          /* physical memory */
    HSAVE = 0x320000, VMCB = 0x321000, IOPM = 0x322000, MSRPM = 0x326000,
    GUEST_TABLES = 0x340000, NESTED_TABLES = 0x360000, FREE = 0x380000,
    LOW = 0x8000, STACK_TOP = 0x390000, PML4 = 0x300000,
};
enum {                          /* fields of the VMCB */
    INTERCEPT = 0x000, PAUSE_COUNT = 0x03e, TSC_OFFSET = 0x050, ASID = 0x058,
    TLB_CONTROL = 0x05c, INT_CTL = 0x060, SHADOW = 0x068, EXITCODE = 0x070,
    EXITINFO1 = 0x078, EXITINFO2 = 0x080, EXITINTINFO = 0x088, NP = 0x090,
    EVENTINJ = 0x0a8, N_CR3 = 0x0b0, NRIP = 0x0c8, INSN = 0x0d0,
    ES = 0x400, CS = 0x410, SS = 0x420, DS = 0x430, FS = 0x440, GS = 0x450,
    GDTR = 0x460, LDTR = 0x470, IDTR = 0x480, TR = 0x490, CPL = 0x4cb,
    EFER = 0x4d0, CR4 = 0x548, CR3 = 0x550, CR0 = 0x558, DR7 = 0x560,
    DR6 = 0x568, RFLAGS = 0x570, RIP = 0x578, RSP = 0x5d8, RAX = 0x5f8,
    STAR = 0x600, KERNEL_GS = 0x620, CR2 = 0x640, G_PAT = 0x668,
};
enum {                          /* exits */
    X_CR_READ = 0x00, X_CR_WRITE = 0x10, X_DR_READ = 0x20, X_DR_WRITE = 0x30,
    X_EXCP = 0x40, X_INTR = 0x60, X_VINTR = 0x64, X_CR0_SEL = 0x65,
    X_RDTSC = 0x6e, X_SWINT = 0x75, X_PAUSE = 0x77, X_HLT = 0x78,
    X_IOIO = 0x7b, X_MSR = 0x7c, X_SHUTDOWN = 0x7f, X_VMRUN = 0x80,
    X_VMMCALL = 0x81, X_NPF = 0x400,
};
#define INVALID (~0ull)
enum { NPT = 1 << 0, NRIPS = 1 << 3, TSC_RATE = 1 << 4, ASSISTS = 1 << 7,
       PAUSE_FILTER = 1 << 10 };

static inline volatile u64 *vm64(u32 at) { return (u64 *)(VMCB + (u64)at); }
static inline volatile u32 *vm32(u32 at) { return (u32 *)(VMCB + (u64)at); }
static inline volatile u16 *vm16(u32 at) { return (u16 *)(VMCB + (u64)at); }
static inline volatile u8 *vm8(u32 at) { return (u8 *)(VMCB + (u64)at); }
static inline volatile u64 *at64(u64 at) { return (u64 *)at; }

/* rbx rcx rdx rsi rdi rbp r8 .. r15 of the guest */
enum { RBX, RCX, RDX, RSI, RDI, RBP, R8 };
extern volatile u64 gpr[14];
extern u32 features;            /* CPUID 8000000AH: EDX */

void new_vm(const void *code);
/* Runs it on; the EXITCODE.  GIF is 1 again afterwards. */
u64  run(void);
/* The same, but GIF stays as #VMEXIT leaves it. */
void run_closed(void);
void intercept(u32 code);       /* 0 .. 9FH */
void segment(u32 at, u16 selector, u16 attr, u32 limit, u64 base);
/* The guest ran into its handler of this vector; where its frame is. */
u64 *handled(const char *name, u8 vector);
/* An instruction of the host at which it may get an exception. */
extern volatile u64 trap_vector, trap_error;
enum { NO_TRAP = 0xffff };
void trapped(const char *name, u64 vector);
extern u64 recover_ip, recover_sp;
#define TRY(text, ...)                                                      \
    do {                                                                    \
        trap_vector = NO_TRAP;                                              \
        __asm__ volatile(                                                   \
            "pushq %%rbx\n pushq %%rbp\n"                                   \
            "movq %%rsp, recover_sp\n movq $9f, recover_ip\n"               \
            text "\n 9: movq $0, recover_ip\n popq %%rbp\n popq %%rbx\n"    \
            : : __VA_ARGS__ : "memory", "cc", "rax", "rcx", "rdx");         \
    } while (0)
/* Code of a guest, which ends in HLT. */
#define CODE(name, text)                                                    \
    extern const u8 name[], name##_end[];                                   \
    __asm__(".text\n" #name ": " text "\n" #name "_end: hlt\n")

u64  rdmsr(u32 n);
void wrmsr(u32 n, u64 v);
void *copy(void *to, const void *from, u64 len);
void fill(void *to, u8 v, u64 len);

void test_intercepts(void), test_events(void), test_paging(void),
     test_random(void), test_checks(void);
