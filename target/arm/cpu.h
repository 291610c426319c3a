/* SPDX-License-Identifier: MIT */
/*
 * State of an AArch64 CPU, Armv8.0-A: EL0 and EL1.
 * Reference: Arm Architecture Reference Manual for A-profile (DDI 0487).
 *
 * PSTATE lives in pieces: NZCV in `nzcv` as an IR flag word, DAIF, EL, SP
 * selection, SS, IL in their own fields; pstate_get() and pstate_set() put
 * them together as SPSR_EL1 has them.
 */
#pragma once
#include "softmmu/clock.h"
#include "softmmu/line.h"
#include "target/target.h"
#include "util/softfloat.h"

/* IR slots; their table is in cpu.c. */
enum {
    S_X0 = 0,               /* x0 .. x30 */
    S_SP = 31,              /* the current stack pointer */
    S_NZCV = 32,
    S_V0 = 33,              /* v0 .. v31 */
    S_EXCL_ADDR = 65,       /* exclusive monitor: address, or ~0: open */
    S_EXCL_VAL, S_EXCL_HI,  /* what was read there */
    ARM_SLOTS
};

/*
 * Key bits: what translated code depends on.  They are PSTATE and register
 * fields that change how instructions decode or whether they trap.
 */
enum {
    KEY_EL      = 1 << 0,   /* EL1, else EL0 */
    KEY_FP      = 1 << 1,   /* FP and SIMD do not trap at this EL */
    KEY_FP_SOFT = 1 << 2,   /* FPCR asks for what host FP does not do */
    KEY_SS      = 1 << 3,   /* MDSCR_EL1.SS is on: software step */
    KEY_SS_ACTIVE = 1 << 4, /* PSTATE.SS: one instruction, then the trap */
    KEY_BE      = 1 << 5,   /* data accesses are big-endian */
    KEY_UCI     = 1 << 6,   /* EL0 may: cache maintenance, */
    KEY_UCT     = 1 << 7,   /*   CTR_EL0, */
    KEY_DZE     = 1 << 8,   /*   DC ZVA, */
    KEY_UMA     = 1 << 9,   /*   DAIF, */
    KEY_NTWE    = 1 << 10,  /*   WFE, */
    KEY_NTWI    = 1 << 11,  /*   WFI */
    KEY_SA      = 1 << 12,  /* SP alignment check at this EL */
    KEY_A       = 1 << 13,  /* all accesses must be aligned */
    KEY_CNT     = 1 << 14,  /* EL0 may read CNTVCT_EL0 */
};

/* Features a model has, in ArmCpu.features; ID registers follow. */
enum {
    FEAT_AES = 1 << 0, FEAT_PMULL = 1 << 1, FEAT_SHA1 = 1 << 2,
    FEAT_SHA256 = 1 << 3, FEAT_CRC32 = 1 << 4, FEAT_LSE = 1 << 5,
    FEAT_PMU = 1 << 6, FEAT_RDM = 1 << 7, FEAT_FP16 = 1 << 8,
    FEAT_DPB = 1 << 9,
};

/* Input lines of a CPU, for boards. */
enum { ARM_LINE_IRQ, ARM_LINE_FIQ };
/* Output lines: timers and PMU, as boards wire them to PPIs. */
enum {
    ARM_OUT_CNTP, ARM_OUT_CNTV, ARM_OUT_CNTHP, ARM_OUT_CNTPS, ARM_OUT_PMU,
    ARM_OUTS
};

typedef struct ArmTimer {
    Timer *timer;
    u64 cval;
    u32 ctl;                /* ENABLE 0, IMASK 1 (ISTATUS is computed) */
    Cpu *cpu;
    int out;                /* ARM_OUT_* */
} ArmTimer;

typedef struct ArmCpu {
    Cpu cpu;
    u64 x[31];
    u64 sp;                 /* of the current EL and SPSel */
    u32 nzcv;
    u32 daif;               /* D9 A8 I7 F6 as in SPSR */
    Vec v[32];
    u64 excl_addr, excl_val, excl_hi;

    u8  el, spsel;          /* PSTATE.EL, PSTATE.SP */
    u8  ss, il;
    u64 sp_el[2];           /* the banked ones that are not current */

    u32 features;
    u64 midr, mpidr, revidr;
    u64 ctr, dczid, clidr, ccsidr[8];
    u64 id[64];             /* ID_* space op1 0, CRn 0, CRm 1-7: [CRm*8+op2] */

    u64 sctlr, actlr, cpacr, ttbr0, ttbr1, tcr, mair, amair, vbar, contextidr;
    u64 elr, spsr, esr, far, par, afsr0, afsr1, csselr;
    u64 tpidr_el0, tpidrro_el0, tpidr_el1;
    u64 mdscr, oslar, osdlr, mdccint;
    u64 dbgbvr[16], dbgbcr[16], dbgwvr[16], dbgwcr[16];
    u64 cntkctl, cntfrq;
    ArmTimer timer_p, timer_v;
    Line out[ARM_OUTS];
    u32 fpcr, fpsr;         /* fpsr without what MXCSR gathers meanwhile */
    FpEnv fp, fp_std;
    /* PMU */
    u64 pmcr, pmcnten, pmuserenr, pmovs, pmselr, pmccntr_base, pmccfiltr,
        pmxevcntr[8], pmxevtyper[8], pminten;
    bool event;             /* the event register (SEV, WFE) */
    u64 psci_entry;         /* CPU_ON: set by the caller */
} ArmCpu;

extern const IrSlot arm_slots[ARM_SLOTS];
extern const FpSoft arm_soft;

static inline ArmCpu *arm_cpu(Cpu *c) { return (ArmCpu *)c; }

u64  pstate_get(const ArmCpu *c);           /* in the format of SPSR_EL1 */
void pstate_set(ArmCpu *c, u64 spsr);       /* then arm_mode_changed() */
/* Derives key and space from the registers and tells tlb_switch(). */
void arm_mode_changed(ArmCpu *c);
/* FPCR, FPSR as the guest sees them; MXCSR follows. */
u32  fpcr_get(const ArmCpu *c);
void fpcr_set(ArmCpu *c, u32 v);
u32  fpsr_get(ArmCpu *c);
void fpsr_set(ArmCpu *c, u32 v);

/* ---- exceptions (exception.c) -------------------------------------------- */

enum {                      /* ESR_ELx.EC */
    EC_UNKNOWN = 0x00, EC_WFX = 0x01, EC_FP = 0x07, EC_ILLEGAL = 0x0e,
    EC_SVC64 = 0x15, EC_HVC64 = 0x16, EC_SMC64 = 0x17, EC_SYSREG = 0x18,
    EC_IABORT_LOWER = 0x20, EC_IABORT = 0x21, EC_PC_ALIGN = 0x22,
    EC_DABORT_LOWER = 0x24, EC_DABORT = 0x25, EC_SP_ALIGN = 0x26,
    EC_FP_TRAP = 0x2c, EC_SERROR = 0x2f,
    EC_BREAKPOINT_LOWER = 0x30, EC_STEP_LOWER = 0x32, EC_STEP = 0x33,
    EC_WATCHPOINT_LOWER = 0x34, EC_BRK = 0x3c,
};
#define ESR(ec, iss) ((u64)(ec) << 26 | 1u << 25 | (u64)(iss))

/*
 * Takes a synchronous exception to EL1: sets ESR, ELR to `ret`, SPSR, DAIF,
 * SP, pc (the vector), address space.  Does not touch FAR.
 */
void arm_exception(ArmCpu *c, u64 esr, u64 ret);
bool arm_interrupt(Cpu *c);
bool arm_wakes(const Cpu *c);
void arm_fault(Cpu *c, const Fault *f);

/* ---- translation tables (mmu.c) ------------------------------------------ */
bool arm_walk(Cpu *c, u64 va, Access a, bool user, Page *out, Fault *f);
void arm_misaligned(Cpu *c, u64 va, Access a, Fault *f);
bool arm_bus_error(Cpu *c, u64 va, u64 pa, Access a, Fault *f);
u64  arm_clean_address(const Cpu *c, u64 va);

/* ---- models (models.c) ---------------------------------------------------- */
extern const char *const arm_models[];
bool arm_set_model(ArmCpu *c, const char *model, const char *props, Err *err);

/* ---- PSCI conduit, set by the board (psci.c) ------------------------------ */
typedef struct ArmPsci {
    bool hvc, smc;          /* conduits answered here */
} ArmPsci;
void arm_psci(ArmCpu *c);   /* function in x0; result in x0 */
