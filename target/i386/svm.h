/* SPDX-License-Identifier: MIT */
/*
 * SVM, private to target/i386: the VMCB and the reasons of a #VMEXIT.
 * Reference: AMD64 APM volume 2, chapter 15, appendix B "Layout of VMCB",
 * appendix C "SVM Intercept Exit Codes".  Names are those.
 */
#pragma once
#include "target/i386/cpu.h"

/* Where fields are in a VMCB.  The state area is also that of VM_HSAVE_PA. */
enum {
    VMCB_INTERCEPT = 0x000,     /* five words: bit n is EXITCODE n */
    VMCB_PAUSE_THRESHOLD = 0x03c, VMCB_PAUSE_COUNT = 0x03e,
    VMCB_IOPM_BASE = 0x040, VMCB_MSRPM_BASE = 0x048, VMCB_TSC_OFFSET = 0x050,
    VMCB_ASID = 0x058, VMCB_TLB_CONTROL = 0x05c, VMCB_INT_CTL = 0x060,
    VMCB_SHADOW = 0x068, VMCB_EXITCODE = 0x070, VMCB_EXITINFO1 = 0x078,
    VMCB_EXITINFO2 = 0x080, VMCB_EXITINTINFO = 0x088, VMCB_NP = 0x090,
    VMCB_EVENTINJ = 0x0a8, VMCB_N_CR3 = 0x0b0, VMCB_NRIP = 0x0c8,
    VMCB_INSN_LEN = 0x0d0, VMCB_INSN = 0x0d1,
    VMCB_SEGS = 0x400, VMCB_GDTR = 0x460, VMCB_LDTR = 0x470,
    VMCB_IDTR = 0x480, VMCB_TR = 0x490, VMCB_CPL = 0x4cb, VMCB_EFER = 0x4d0,
    VMCB_CR4 = 0x548, VMCB_CR3 = 0x550, VMCB_CR0 = 0x558, VMCB_DR7 = 0x560,
    VMCB_DR6 = 0x568, VMCB_RFLAGS = 0x570, VMCB_RIP = 0x578,
    VMCB_RSP = 0x5d8, VMCB_RAX = 0x5f8, VMCB_STAR = 0x600,
    VMCB_LSTAR = 0x608, VMCB_CSTAR = 0x610, VMCB_SFMASK = 0x618,
    VMCB_KERNEL_GS_BASE = 0x620, VMCB_SYSENTER_CS = 0x628,
    VMCB_SYSENTER_ESP = 0x630, VMCB_SYSENTER_EIP = 0x638, VMCB_CR2 = 0x640,
    VMCB_G_PAT = 0x668, VMCB_SIZE = 0x698,
    SVM_ASIDS = 64,             /* CPUID 8000000AH: EBX */
};

/* INT_CTL */
enum {
    V_TPR = 0xf, V_IRQ = 1 << 8, V_INTR_PRIO = 16, V_IGN_TPR = 1 << 20,
    V_INTR_MASKING = 1 << 24, V_INTR_VECTOR = 32,
};
/* TLB_CONTROL; other values flush the guest's. */
enum { TLB_KEEP, TLB_FLUSH_ALL };
/* EVENTINJ, EXITINTINFO: vector 7:0, X86IntKind 10:8, error code 63:32. */
enum { EVENT_EV = 1 << 11 };
#define EVENT_V BIT(31)

/*
 * EXITCODE; from 0 to 9FH the interception's bit too.  0 in an instruction's
 * row means that nothing intercepts it, EXIT_LATE that its function asks.
 */
enum {
    EXIT_CR_READ = 0x00, EXIT_CR_WRITE = 0x10, EXIT_DR_READ = 0x20,
    EXIT_DR_WRITE = 0x30, EXIT_EXCP = 0x40, EXIT_INTR = 0x60, EXIT_NMI,
    EXIT_SMI, EXIT_INIT, EXIT_VINTR, EXIT_CR0_SEL_WRITE, EXIT_IDTR_READ,
    EXIT_GDTR_READ, EXIT_LDTR_READ, EXIT_TR_READ, EXIT_IDTR_WRITE,
    EXIT_GDTR_WRITE, EXIT_LDTR_WRITE, EXIT_TR_WRITE, EXIT_RDTSC, EXIT_RDPMC,
    EXIT_PUSHF, EXIT_POPF, EXIT_CPUID, EXIT_RSM, EXIT_IRET, EXIT_SWINT,
    EXIT_INVD, EXIT_PAUSE, EXIT_HLT, EXIT_INVLPG, EXIT_INVLPGA, EXIT_IOIO,
    EXIT_MSR, EXIT_TASK_SWITCH, EXIT_FERR_FREEZE, EXIT_SHUTDOWN, EXIT_VMRUN,
    EXIT_VMMCALL, EXIT_VMLOAD, EXIT_VMSAVE, EXIT_STGI, EXIT_CLGI, EXIT_SKINIT,
    EXIT_RDTSCP, EXIT_ICEBP, EXIT_WBINVD, EXIT_MONITOR, EXIT_MWAIT,
    EXIT_MWAIT_COND, EXIT_XSETBV,
    EXIT_LATE = 0xff,
    EXIT_NPF = 0x400,
};
#define EXIT_INVALID (~0ull)

/* What EXITINFO1 is for IOIO, but for the port in its upper half. */
enum {
    IOIO_IN = 1 << 0, IOIO_STR = 1 << 2, IOIO_REP = 1 << 3,
    IOIO_SIZE = 4,              /* shift: size in bytes, 1 2 4 */
    IOIO_ASIZE = 6,             /* shift: address size in bytes, 2 4 8 */
    IOIO_SEG = 10,              /* shift */
};

/* A #VMEXIT that is due. */
typedef struct X86Exit {
    u64 code, info1, info2;
    u64 int_info;               /* EXITINTINFO */
    u64 next;                   /* nRIP; 0: no instruction asked for it */
    bool bytes;                 /* the instruction's bytes are wanted */
} X86Exit;

/* ---- svm.c -------------------------------------------------------------- */
/* In a guest only. */
static inline bool x86_intercepts(const X86Cpu *c, u32 code)
{
    return c->svm.intercept[code >> 5] >> (code & 31) & 1;
}
/* The guest stops; the pc is the host's. */
void x86_vmexit(X86Cpu *c, const X86Exit *x);
/* For what happens between instructions: did it? */
bool x86_exits(X86Cpu *c, u32 code);
/* Goes to the guest of the VMCB at pa, which was checked; next: host's IP. */
void x86_vmrun(X86Cpu *c, u64 pa, u64 next);
void x86_vmload(X86Cpu *c, u64 pa);
void x86_vmsave(X86Cpu *c, u64 pa);
bool x86_virtual_due(const X86Cpu *c);  /* the interrupt in INT_CTL */

/* ---- exception.c -------------------------------------------------------- */
/* From helpers, and while an exception is delivered. */
_Noreturn void x86_exit(X86Cpu *c, const X86Exit *x);
/* EVENTINJ; next: the IP that software interrupts come back to. */
void x86_inject(X86Cpu *c, u64 event, u64 next);

/* ---- svm_insn.c: asked by what instructions do; may not return ---------- */
/* Nothing unless a guest runs whose VMCB intercepts it. */
void x86_intercept(X86Cpu *c, u32 code, u64 info1);
void x86_intercept_io(X86Cpu *c, u16 port, u32 info);
void x86_intercept_msr(X86Cpu *c, u32 msr, bool write);
/* n as MOV names it; mov: not LMSW or CLTS; v: the value to come. */
void x86_intercept_cr_write(X86Cpu *c, u32 n, bool mov, u64 v);
