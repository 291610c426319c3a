/* SPDX-License-Identifier: MIT */
/*
 * State of an x86 CPU: 16-, 32- and 64-bit modes in one struct.
 * Reference: Intel 64 and IA-32 Architectures Software Developer's Manual
 * ("SDM"), volumes 1-3; AMD64 Architecture Programmer's Manual for SVM.
 *
 * The pc of the rest of the program is the *linear* address of the next
 * instruction, CS.base + EIP; x86_ip() gives EIP or RIP.
 *
 * EFLAGS lives in pieces: N Z C V in `flags` as an IR flag word, P and A too
 * if the top bit of `af` is set (X86_IN_WORD); else PF is the parity of the
 * low byte of `pf` and AF bit 4 of `pf` ^ `af`; DF is `df`, the
 * step of string instructions, 1 or -1; the rest is in `eflags` at its place.
 * x86_eflags() and x86_set_eflags() put them together.
 */
#pragma once
#include "softmmu/clock.h"
#include "softmmu/topology.h"
#include "target/target.h"
#include "util/softfloat.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };
enum { ES, CS, SS, DS, FS, GS, SEGS };

/* IR slots; their table is in cpu.c. */
enum {
    S_RAX = 0,                  /* rax rcx rdx rbx rsp rbp rsi rdi r8 .. r15 */
    S_FLAGS = 16, S_PF, S_AF,   /* I32 */
    S_DF,                       /* I64: 1 or -1 */
    S_EFLAGS,                   /* I32: IF TF IOPL NT RF VM AC VIF VIP ID */
    S_BASE,                     /* I64: ES.base .. GS.base */
    S_RLIM = S_BASE + SEGS,     /* I64, signed: last offset for reads, or -1 */
    S_WLIM = S_RLIM + SEGS,     /* the same for writes */
    S_SEL = S_WLIM + SEGS,      /* I32: selectors */
    S_MM = S_SEL + SEGS,        /* I64: mantissas of x87's R0 .. R7 = MM0 .. */
    S_FTOP = S_MM + 8,          /* I64: x87's TOP, modulo 8 */
    S_FEMPTY,                   /* I32: bit i: ST(i) is empty */
    S_FIP, S_FDP,               /* I64 */
    S_FOP, S_FDSEG,             /* I32 */
    S_XMM,                      /* V128: low halves of the vector registers */
    S_YMMH = S_XMM + 16,        /* V128: high halves */
    X86_SLOTS = S_YMMH + 16
};

/*
 * Key bits: what translated code depends on, beside the features of the model.
 */
enum {
    KEY_CPL    = 3 << 0,        /* current privilege level */
    KEY_CODE16 = 0 << 2,        /* default operand and address size: */
    KEY_CODE32 = 1 << 2,
    KEY_CODE64 = 2 << 2,        /* 64-bit mode */
    KEY_CODE   = 3 << 2,
    KEY_SS32   = 1 << 4,        /* SS.B: the stack pointer is ESP (or RSP) */
    /* 1 << 5 << seg, ES CS SS DS: base 0, limit 4 GiB, all rights. */
    KEY_FLAT   = 1 << 5,
    KEY_ODD    = 1 << 9,        /* some segment expands down: check in C */
    KEY_PE     = 1 << 10,       /* CR0.PE: protected mode */
    KEY_VM     = 1 << 11,       /* EFLAGS.VM: virtual-8086 mode */
    KEY_EM     = 1 << 12,       /* CR0.EM */
    KEY_TS     = 1 << 13,       /* CR0.TS */
    KEY_MP     = 1 << 14,       /* CR0.MP */
    KEY_OSFXSR = 1 << 15,       /* CR4.OSFXSR: SSE works */
    KEY_AVX    = 1 << 16,       /* CR4.OSXSAVE and XCR0 allow AVX */
    KEY_FP_SOFT = 1 << 17,      /* MXCSR unmasks an exception */
    KEY_SHADOW = 1 << 18,       /* after STI, MOV SS: no interrupt yet */
    KEY_TF     = 1 << 19,       /* single step */
    KEY_AC     = 1 << 20,       /* alignment check: CPL 3, CR0.AM, EFLAGS.AC */
    KEY_SMAP   = 1 << 21,       /* supervisor may not touch user pages */
    KEY_SMM    = 1 << 22,
    KEY_SVM    = 1 << 23,       /* an SVM guest runs: intercepts */
    KEY_LMA    = 1 << 24,       /* EFER.LMA */
    KEY_UMIP   = 1 << 25,       /* SGDT etc. fault here */
    KEY_BREAK  = 1 << 26,       /* breakpoints on instructions or ports */
    KEY_X87_SOFT = 1 << 27,     /* FCW unmasks an exception */
    KEY_X87_ONCE = 1 << 28,     /* the next x87 instruction is a rare case */
    KEY_DAZ    = 1 << 29,       /* MXCSR.DAZ */
};

/* CPUID feature words; a feature is word * 32 + bit.  See models.c. */
typedef enum X86Word {
    W_1_EDX, W_1_ECX, W_7_EBX, W_7_ECX, W_7_EDX, W_D1_EAX,
    W_80000001_EDX, W_80000001_ECX, W_80000008_EBX, W_8000000A_EDX,
    W_40000001_EAX,             /* KVM's own */
    X86_WORDS
} X86Word;
#define X86_FEATURE(word, bit) ((word) * 32 + (bit))
enum {
    F_NONE = -1,
    F_FPU = X86_FEATURE(W_1_EDX, 0), F_VME, F_DE, F_PSE, F_TSC, F_MSR, F_PAE,
    F_MCE, F_CX8, F_APIC,
    F_SEP = X86_FEATURE(W_1_EDX, 11), F_MTRR, F_PGE, F_MCA, F_CMOV, F_PAT,
    F_PSE36, F_CLFLUSH = X86_FEATURE(W_1_EDX, 19),
    F_MMX = X86_FEATURE(W_1_EDX, 23), F_FXSR, F_SSE, F_SSE2, F_SS, F_HTT,
    F_SSE3 = X86_FEATURE(W_1_ECX, 0), F_PCLMULQDQ,
    F_MONITOR = X86_FEATURE(W_1_ECX, 3),
    F_SSSE3 = X86_FEATURE(W_1_ECX, 9),
    F_FMA = X86_FEATURE(W_1_ECX, 12), F_CX16,
    F_PCID = X86_FEATURE(W_1_ECX, 17),
    F_SSE41 = X86_FEATURE(W_1_ECX, 19), F_SSE42, F_X2APIC, F_MOVBE, F_POPCNT,
    F_TSC_DEADLINE, F_AES, F_XSAVE, F_OSXSAVE, F_AVX, F_F16C, F_RDRAND,
    F_HYPERVISOR,
    F_FSGSBASE = X86_FEATURE(W_7_EBX, 0), F_TSC_ADJUST,
    F_BMI1 = X86_FEATURE(W_7_EBX, 3),
    F_AVX2 = X86_FEATURE(W_7_EBX, 5),
    F_SMEP = X86_FEATURE(W_7_EBX, 7), F_BMI2, F_ERMS, F_INVPCID,
    F_RDSEED = X86_FEATURE(W_7_EBX, 18), F_ADX, F_SMAP,
    F_CLFLUSHOPT = X86_FEATURE(W_7_EBX, 23), F_CLWB,
    F_SHA = X86_FEATURE(W_7_EBX, 29),
    F_UMIP = X86_FEATURE(W_7_ECX, 2), F_PKU,
    F_VAES = X86_FEATURE(W_7_ECX, 9), F_VPCLMULQDQ,
    F_RDPID = X86_FEATURE(W_7_ECX, 22),
    F_FSRM = X86_FEATURE(W_7_EDX, 4),
    F_XSAVEOPT = X86_FEATURE(W_D1_EAX, 0), F_XSAVEC, F_XGETBV1, F_XSAVES,
    F_SYSCALL = X86_FEATURE(W_80000001_EDX, 11),
    F_NX = X86_FEATURE(W_80000001_EDX, 20),
    F_MMXEXT = X86_FEATURE(W_80000001_EDX, 22),
    F_PDPE1GB = X86_FEATURE(W_80000001_EDX, 26), F_RDTSCP,
    F_LM = X86_FEATURE(W_80000001_EDX, 29),
    F_LAHF_LM = X86_FEATURE(W_80000001_ECX, 0), F_CMP_LEGACY, F_SVM,
    F_CR8LEGACY = X86_FEATURE(W_80000001_ECX, 4), F_ABM, F_SSE4A,
    F_3DNOWPREFETCH = X86_FEATURE(W_80000001_ECX, 8),
    F_NPT = X86_FEATURE(W_8000000A_EDX, 0),
    F_NRIP_SAVE = X86_FEATURE(W_8000000A_EDX, 3), F_TSC_SCALE, F_VMCB_CLEAN,
    F_FLUSHBYASID, F_DECODEASSISTS,
    F_PAUSE_FILTER = X86_FEATURE(W_8000000A_EDX, 10),
    F_PFTHRESHOLD = X86_FEATURE(W_8000000A_EDX, 12),
    F_KVMCLOCK = X86_FEATURE(W_40000001_EAX, 0), F_KVM_NOPIODELAY,
    F_KVMCLOCK2 = X86_FEATURE(W_40000001_EAX, 3), F_KVM_ASYNCPF,
    F_KVM_STEAL_TIME, F_KVM_PV_EOI, F_KVM_PV_UNHALT,
    F_KVM_POLL_CONTROL = X86_FEATURE(W_40000001_EAX, 12),
    F_KVM_ASYNCPF_INT = X86_FEATURE(W_40000001_EAX, 14),
    F_KVMCLOCK_STABLE = X86_FEATURE(W_40000001_EAX, 24),
};

/* X86Cpu.acked: with a vector in the low byte. */
enum { X86_ACKED = 1 << 8 };

enum { FOP_BITS = 0x7ff, FOP_CS = 1 << 16 };      /* X86Cpu.fop */

/* Input lines of a CPU, for boards. */
enum { X86_LINE_INTR, X86_LINE_NMI, X86_LINE_SMI, X86_LINE_A20 };

/* A segment register with its hidden part. */
typedef struct X86Seg {
    u32 selector;               /* of 16 bits, as a slot has it */
    u32 limit;                  /* in bytes, scaled by G */
    u32 attr;                   /* bits 23:8 of a descriptor's second half:
                                   type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13,
                                   D/B 14, G 15; 0: null */
} X86Seg;                       /* the base is in X86Cpu.base[] */

typedef struct X86Table { u64 base; u32 limit; } X86Table;  /* GDTR, IDTR */

/* 80-bit register of x87.  Its mantissa is MMn. */
typedef struct X87Reg { u64 mant; u16 exp; } X87Reg;        /* exp: and sign */

/* SVM: what VMRUN took from the VMCB beside registers; svm.c. */
typedef struct X86Svm {
    u32  intercept[5];          /* by EXITCODE, a bit each: svm.h */
    u32  asid;
    u64  vmcb;                  /* where it is */
    u64  iopm, msrpm;           /* permission maps */
    u64  tsc_offset;
    u64  int_ctl;               /* as the VMCB has it: VMCB_INT_CTL */
    u64  n_cr3, g_pat;          /* nested paging's */
    u64  host_cr4, host_efer;   /* the modes of its tables */
    u64  pause_last;            /* when the last PAUSE was; TSC */
    u64  insn_info;             /* of the instruction that runs: see svm.h */
    u64  fault_va;              /* what CR2 becomes if #PF is delivered */
    u64  shadow_ip;             /* see x86_begin_insn(); not to be: ~0 */
    u16  pause_count, pause_filter, pause_threshold;
    u8   insn_len;
    bool guest;                 /* between VMRUN and #VMEXIT */
    bool np;                    /* nested paging */
    bool host_if;               /* EFLAGS.IF of the host */
    bool closed;                /* GIF is 0 */
} X86Svm;

/* A set of address spaces: the host's, or those of an ASID; spaces.c. */
typedef struct X86Spaces {
    u64 domain;                 /* high bits of all its numbers */
    u64 space;                  /* of the loaded CR3 */
    u64 modes, n_cr3, used;
    u32 asid;
    struct { u64 tag, space; } known[32];
} X86Spaces;

typedef struct X86Cpu {
    Cpu cpu;
    u64 r[16];
    u32 flags, pf, af;
    u64 df;
    u32 eflags;                 /* the rest of EFLAGS; bit 1 is set */
    u64 base[SEGS], rlim[SEGS], wlim[SEGS];
    X87Reg st[8];               /* R0 .. R7, not ST(0) .. */
    Vec xmm[16], ymmh[16];

    X86Seg seg[SEGS], ldtr, tr;
    u64 ldtr_base, tr_base;
    X86Table gdtr, idtr;
    u64 cr0, cr2, cr3, cr4, efer, xcr0;
    u64 dr[8];
    u8  cpl;
    bool shadow;                /* KEY_SHADOW */
    bool breaks;                /* KEY_BREAK */
    u32 debug_due;              /* bits of DR6 for the #DB that is due */
    bool nmi_blocked, smm, a20;
    u32 acked;                  /* X86_ACKED: an interrupt that its controller
                                   gave, not yet delivered */
    u32 mxcsr;                  /* control bits; flags gather in tcg.mxcsr */
    /* x87 */
    /* FCW and FSW are in cpu.tcg, FSW with junk for TOP. */
    u64 ftop;                   /* modulo 8 */
    u32 fempty;                 /* bit i: ST(i) is empty */
    u64 fip, fdp;
    u32 fop;                    /* FOP_CS: FCS is what CS holds */
    u32 fdseg;                  /* FDS is what segment fdseg - 1 holds, if not
                                   0 */
    u16 fcs, fds;
    bool x87_once;              /* KEY_X87_ONCE */
    /* MSRs that are plainly stored */
    u64 star, lstar, cstar, fmask, kernel_gs_base, tsc_aux, tsc_offset,
        sysenter_cs, sysenter_esp, sysenter_eip, pat, misc_enable, debugctl,
        spec_ctrl, mtrr_deftype, mtrr_phys[16], mtrr_fixed[11], smbase,
        mcg_status, mcg_ctl, mc_bank[40], tsc_adjust, xss,
        vm_hsave_pa, vm_cr, tsc_ratio;
    u64 kvm_msr[8];             /* of KVM's interface to its guests */
    u64 kvmclock;               /* ns of the clock that KVM gives them */
    X86Svm svm;
    u64 pdpte[4];               /* PAE: loaded with CR3 */
    u32 edges;                  /* 1 << X86_LINE_NMI, SMI: came and not yet
                                   taken; atomic */

    u32 feat[X86_WORDS];        /* from here on: the model, not reset */
    const struct X86Model *model;
    u32 apic_id;
    Topology topology;
    FpEnv fp;                   /* soft-float in SSE's rules */
    X86Spaces spaces[16];
    u32 spaces_used;            /* the set in use */
    u64 spaces_made, domains_made, spaces_tick;
    struct X86Catcher *catcher; /* where x86_raise() goes while an exception
                                   is delivered; NULL: to the guest */
} X86Cpu;

/* 64-bit mode, not compatibility or legacy mode */
static inline bool x86_code64(const X86Cpu *c)
{
    enum { L = 1 << 13, LMA = 1 << 10 };
    return c->efer & LMA && c->seg[CS].attr & L;
}
/* Do intercepts count?  Not in the host, nor in SMM. */
static inline bool x86_in_guest(const X86Cpu *c)
{
    return c->svm.guest && !c->smm;
}
static inline bool x86_nested(const X86Cpu *c)
{
    return x86_in_guest(c) && c->svm.np;
}
static inline X86Cpu *x86_cpu(Cpu *c) { return (X86Cpu *)c; }
static inline bool x86_has(const X86Cpu *c, int feature)
{
    return feature < 0 || (c->feat[feature >> 5] >> (feature & 31) & 1);
}

/* EFLAGS */
enum {
    FL_CF = 1 << 0, FL_PF = 1 << 2, FL_AF = 1 << 4, FL_ZF = 1 << 6,
    FL_SF = 1 << 7, FL_TF = 1 << 8, FL_IF = 1 << 9, FL_DF = 1 << 10,
    FL_OF = 1 << 11, FL_IOPL = 3 << 12, FL_NT = 1 << 14, FL_RF = 1 << 16,
    FL_VM = 1 << 17, FL_AC = 1 << 18, FL_VIF = 1 << 19, FL_VIP = 1 << 20,
    FL_ID = 1 << 21,
    FL_STATUS = FL_CF | FL_PF | FL_AF | FL_ZF | FL_SF | FL_OF,
};
enum {
    CR0_PE = 1u << 0, CR0_MP = 1u << 1, CR0_EM = 1u << 2, CR0_TS = 1u << 3,
    CR0_ET = 1u << 4, CR0_NE = 1u << 5, CR0_WP = 1u << 16, CR0_AM = 1u << 18,
    CR0_NW = 1u << 29, CR0_CD = 1u << 30, CR0_PG = 1u << 31,
};
enum {
    CR4_VME = 1 << 0, CR4_PVI = 1 << 1, CR4_TSD = 1 << 2, CR4_DE = 1 << 3,
    CR4_PSE = 1 << 4, CR4_PAE = 1 << 5, CR4_MCE = 1 << 6, CR4_PGE = 1 << 7,
    CR4_PCE = 1 << 8, CR4_OSFXSR = 1 << 9, CR4_OSXMMEXCPT = 1 << 10,
    CR4_UMIP = 1 << 11, CR4_FSGSBASE = 1 << 16, CR4_PCIDE = 1 << 17,
    CR4_OSXSAVE = 1 << 18, CR4_SMEP = 1 << 20, CR4_SMAP = 1 << 21,
};
enum {
    EFER_SCE = 1 << 0, EFER_LME = 1 << 8, EFER_LMA = 1 << 10,
    EFER_NXE = 1 << 11, EFER_SVME = 1 << 12,
};
enum {                          /* vectors */
    X_DE = 0, X_DB = 1, X_NMI = 2, X_BP = 3, X_OF = 4, X_BR = 5, X_UD = 6,
    X_NM = 7, X_DF = 8, X_TS = 10, X_NP = 11, X_SS = 12, X_GP = 13, X_PF = 14,
    X_MF = 16, X_AC = 17, X_MC = 18, X_XM = 19,
    /* In Fault.code alone: nested page faults, the second in a guest's table;
       and another #VMEXIT while an exception is delivered. */
    X_NPF = 256, X_NPF_TABLE, X_EXIT,
};

enum {
    DR6_BD = 1 << 13, DR6_BS = 1 << 14, DR6_BT = 1 << 15,
    DR7_GD = 1 << 13,
};
/* Attributes of a segment, as in X86Seg.attr. */
enum {
    SEG_TYPE = 15, SEG_A = 1, SEG_RW = 2, SEG_EC = 4,   /* expand down, or
                                                           conforming */
    SEG_CODE = 8, SEG_S = 1 << 4, SEG_DPL = 3 << 5, SEG_P = 1 << 7,
    SEG_L = 1 << 13, SEG_B = 1 << 14, SEG_G = 1 << 15,
};

extern const IrSlot x86_slots[X86_SLOTS];
extern const FpSoft x86_soft;

/* ---- cpu.c -------------------------------------------------------------- */
u64  x86_eflags(const X86Cpu *c);
/* All bits of EFLAGS, and the key. */
void x86_set_eflags(X86Cpu *c, u64 v);
/* The same, for who calls x86_mode_changed() itself. */
void x86_put_eflags(X86Cpu *c, u64 v);
/* EIP or RIP of the instruction at cpu.tcg.pc, and setting it. */
u64  x86_ip(const X86Cpu *c);
void x86_set_ip(X86Cpu *c, u64 ip);
/* Derives key and space from the registers and tells tlb_switch(). */
void x86_mode_changed(X86Cpu *c);
/* The same where only CPL, segments and EFLAGS changed. */
void x86_level_changed(X86Cpu *c);
/* What segment seg adds to the key but in 64-bit mode, beside its B. */
u32  x86_segment_key(const X86Cpu *c, unsigned seg);
/*
 * debug.c: to be called (H_READ | H_WRITE | H_RAISE) before an instruction
 * whose key has KEY_TF, KEY_SHADOW or KEY_BREAK; with one of the first two it
 * runs alone in its block, which ends in ir_leave() or an exit with EXIT_POLL.
 * Takes the #DB that the instruction before left, stops at breakpoints, ends
 * the shadow, notes the next step.
 */
void x86_begin_insn(X86Cpu *c);
void x86_take_debug(X86Cpu *c);         /* the #DB that is due */
/* DR7, DR0..3 or CR4.DE changed: what is watched; the key. */
void x86_debug_changed(X86Cpu *c);
/* Target.watch: data of DR0..3. */
bool x86_watch(Cpu *c, u64 va, u64 len, Access a, bool made);
void x86_watch_port(X86Cpu *c, u32 number, u32 size);
/*
 * What follows from registers that were set one by one, from elsewhere: access
 * rights, address spaces, the key.
 */
void x86_registers_came(X86Cpu *c);
/* The memory that SMM sees, or what is seen outside of it. */
void x86_set_smm(X86Cpu *c, bool smm);
/* Looks at the lines again: IF, shadow or NMI blocking changed. */
void x86_check_lines(X86Cpu *c);

/* ---- saved state (state.c) ---------------------------------------------- */
extern const Field x86_state[];
void x86_saving(Cpu *c);
bool x86_loaded(Cpu *c);

/* ---- exceptions and control transfer (exception.c) ---------------------- */
/*
 * Raises a fault from a helper (which has H_RAISE): delivers it through the
 * IDT with the state of env and does not return.  err is ignored for vectors
 * that push none.
 */
_Noreturn void x86_raise(X86Cpu *c, unsigned vector, u32 err);
/* Software interrupt, trap or external one; next: the IP to come back to. */
typedef enum X86IntKind {       /* as SVM numbers them; the last is ours */
    INT_EXTERNAL, INT_NMI = 2, INT_EXCEPTION, INT_SOFT,
    INT_TRAP,                   /* INT1, INT3, INTO: exceptions on request */
} X86IntKind;
void x86_interrupt_to(X86Cpu *c, unsigned vector, X86IntKind kind, u32 err,
                      u64 next);
bool x86_interrupt(Cpu *c);
void x86_triple_fault(X86Cpu *c);       /* resets the machine */
bool x86_wakes(const Cpu *c);
void x86_fault(Cpu *c, const Fault *f);
/*
 * Target.trap: what ir_trap_if() asked for: vector | X86_TRAP_ERR, or
 * X86_TRAP_X87: this x87 instruction is for its helper.
 */
void x86_trap(Cpu *c, u32 code);

/* ---- segments (segment.c) ----------------------------------------------- */
/* Loads a segment register with all checks; may raise. */
void x86_load_seg(X86Cpu *c, unsigned seg, u16 selector);
/* Sets base, limits and attributes and what derives from them. */
void x86_set_seg(X86Cpu *c, unsigned seg, u16 selector, u64 base, u32 limit,
                 u32 attr);
/* As real mode and virtual-8086 mode load it. */
void x86_real_seg(X86Cpu *c, unsigned seg, u16 selector);
/* Supervisor accesses to descriptor tables, TSS and stacks; may raise #PF. */
u64  x86_sys_load(X86Cpu *c, u64 va, unsigned size);
void x86_sys_store(X86Cpu *c, u64 va, unsigned size, u64 v);

/* ---- paging (mmu.c) ----------------------------------------------------- */
bool x86_walk(Cpu *c, u64 va, Access a, bool user, Page *out, Fault *f);
void x86_misaligned(Cpu *c, u64 va, Access a, Fault *f);
bool x86_bus_error(Cpu *c, u64 va, u64 pa, Access a, Fault *f);
u64  x86_clean_address(const Cpu *c, u64 va);
void x86_set_cr0(X86Cpu *c, u64 v);     /* checked before; flush, mode */
void x86_set_cr3(X86Cpu *c, u64 v);
void x86_set_cr4(X86Cpu *c, u64 v);
void x86_set_efer(X86Cpu *c, u64 v);

/* ---- address spaces (spaces.c) ------------------------------------------ */
u64  x86_space(const X86Cpu *c);        /* for tlb_switch() */
/* CR3 was loaded; keep: under a PCID whose translations may stay. */
void x86_load_space(X86Cpu *c, bool keep);
void x86_new_space(X86Cpu *c);          /* forgets the others' numbers */
void x86_forget_spaces(X86Cpu *c);      /* of the host and all guests */
/* Drops all translations; in a guest those of its ASID. */
void x86_flush(X86Cpu *c);
/* VMRUN, with the guest's registers and ASID loaded; #VMEXIT. */
void x86_enter_spaces(X86Cpu *c, bool flush);
void x86_leave_spaces(X86Cpu *c);
void x86_invlpga(X86Cpu *c, u64 va, u32 asid);

/* ---- CPUID, models, MSRs (models.c, msr.c) ------------------------------ */
extern const char *const x86_models[], *const x86_models32[];
bool x86_feature(const Cpu *c, u32 n, const char **name, bool *on);
bool x86_set_model(X86Cpu *c, const char *model, const char *props, Err *err);
/* out: EAX EBX ECX EDX */
void x86_cpuid(X86Cpu *c, u32 leaf, u32 sub, u32 out[4]);
bool x86_rdmsr(X86Cpu *c, u32 msr, u64 *v);
bool x86_wrmsr(X86Cpu *c, u32 msr, u64 v);
/*
 * Where the nth MSR that is plainly stored is, for who moves them all, and
 * its number; NULL: there are less.  One that the model lacks is there too.
 */
u64 *x86_nth_msr(X86Cpu *c, u32 n, u32 *number);
u64  x86_tsc(const X86Cpu *c);          /* 1 GHz, but as a guest sees it */
bool x86_is_amd(const X86Cpu *c);       /* else Intel's */
/* Bits of a physical address: CPUID 80000008H, EAX 7:0. */
unsigned x86_address_bits(const X86Cpu *c);

/* ---- floating point state (fp.c: SSE; x87.c) ---------------------------- */
u32  x86_mxcsr(const X86Cpu *c);        /* as the guest sees it */
void x86_set_mxcsr(X86Cpu *c, u32 v);   /* then x86_mode_changed() */
u16  x87_fsw(const X86Cpu *c);          /* with TOP */
void x87_set_fsw(X86Cpu *c, u16 v);
u16  x87_tags(const X86Cpu *c);         /* the 16-bit tag word */
void x87_set_tags(X86Cpu *c, u16 v);
void x87_reset(X86Cpu *c);              /* FNINIT */
/* Segment seg is about to change, which FCS or FDS may stand for. */
void x87_settle(X86Cpu *c, unsigned seg);
u16  x87_fcs(const X86Cpu *c);
u16  x87_fds(const X86Cpu *c);
/* XSAVE's image of all, in the standard form; and from one. */
enum { X86_XSAVE_BYTES = 832 };
void x86_pack_xsave(const X86Cpu *c, u8 *buf);
void x86_unpack_xsave(X86Cpu *c, const u8 *buf);
/* FCW, or what FSW says of exceptions, changed: host's unit and key. */
void x87_changed(X86Cpu *c);
