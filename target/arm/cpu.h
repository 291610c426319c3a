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
    /* System registers that are plainly stored. */
    S_DAIF, S_SP_EL0,       /* SP_EL0: while it is not the current SP */
    S_ELR, S_SPSR, S_ESR, S_FAR, S_VBAR, S_PAR,
    S_TPIDR_EL0, S_TPIDRRO_EL0, S_TPIDR_EL1, S_CONTEXTIDR,
    S_SCTLR, S_CPACR, S_TTBR0, S_TTBR1, S_TCR, S_MAIR, S_AMAIR,
    S_AFSR0, S_AFSR1, S_CSSELR, S_MPIDR,
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
    KEY_SPSEL   = 1 << 15,  /* EL1 uses SP_EL1 */
    KEY_MMU     = 1 << 16,  /* stage 1 translation is on */
    KEY_IL      = 1 << 17,  /* PSTATE.IL: the next instruction traps */
    KEY_BREAK   = 1 << 18,  /* a breakpoint may match at this EL, */
    KEY_WATCH   = 1 << 19,  /*   a watchpoint may */
    KEY_KDE     = 1 << 20,  /* PSTATE.D bears on debug exceptions */
};

/* Features a model has, in ArmCpu.features; ID registers follow. */
enum {
    FEAT_AES = 1 << 0, FEAT_PMULL = 1 << 1, FEAT_SHA1 = 1 << 2,
    FEAT_SHA256 = 1 << 3, FEAT_CRC32 = 1 << 4, FEAT_LSE = 1 << 5,
    FEAT_PMU = 1 << 6, FEAT_RDM = 1 << 7, FEAT_FP16 = 1 << 8,
    FEAT_DPB = 1 << 9,
    FEAT_GIC = 1 << 10,         /* the GIC's system registers; by the board */
};

/* Of every model; the last of the breakpoints are context-aware. */
enum { ARM_BREAKPOINTS = 6, ARM_WATCHPOINTS = 4, ARM_CONTEXTS = 2 };

enum { ARM_HOST_REGS = 192 };

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

/* Who answers PSCI calls, set by the board; see psci.c. */
typedef struct ArmPsci {
    bool hvc, smc;          /* conduits answered here */
} ArmPsci;

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
    u64 stepped;            /* pc | 1 of what software step let run, or 0 */
    bool step_ex;           /* and was it a load-exclusive? */

    u32 features;
    u64 midr, mpidr, revidr;
    u64 ctr, dczid, clidr, ccsidr[8];
    u64 id[64];             /* ID_* space op1 0, CRn 0, CRm 1-7: [CRm*8+op2] */

    /* What the accelerator's CPU has beyond the rest, by its own numbers. */
    u32 host_count;
    u64 host_reg[ARM_HOST_REGS], host_value[ARM_HOST_REGS];

    u64 sctlr, actlr, cpacr, ttbr0, ttbr1, tcr, mair, amair, vbar, contextidr;
    u64 elr, spsr, esr, far, par, afsr0, afsr1, csselr;
    u64 tpidr_el0, tpidrro_el0, tpidr_el1;
    u64 mdscr, oslar, osdlr, mdccint;
    u64 dbgbvr[ARM_BREAKPOINTS], dbgbcr[ARM_BREAKPOINTS];
    u64 dbgwvr[ARM_WATCHPOINTS], dbgwcr[ARM_WATCHPOINTS];
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
    ArmPsci psci;
} ArmCpu;

/* FPCR bits that host arithmetic does not serve: KEY_FP_SOFT. */
enum { FPCR_SOFT = 1 << 24 };               /* FZ */

/* SCTLR_EL1 fields. */
enum {
    SCTLR_M = 1 << 0, SCTLR_A = 1 << 1, SCTLR_SA = 1 << 3, SCTLR_SA0 = 1 << 4,
    SCTLR_UMA = 1 << 9, SCTLR_DZE = 1 << 14, SCTLR_UCT = 1 << 15,
    SCTLR_NTWI = 1 << 16, SCTLR_NTWE = 1 << 18, SCTLR_WXN = 1 << 19,
    SCTLR_E0E = 1 << 24, SCTLR_EE = 1 << 25, SCTLR_UCI = 1 << 26,
};
/* PSTATE as SPSR_EL1 has it. */
enum {
    PSTATE_SP = 1 << 0, PSTATE_EL1 = 1 << 2, PSTATE_AARCH32 = 1 << 4,
    PSTATE_F = 1 << 6, PSTATE_I = 1 << 7, PSTATE_A = 1 << 8, PSTATE_D = 1 << 9,
    PSTATE_DAIF = 15 << 6, PSTATE_IL = 1 << 20, PSTATE_SS = 1 << 21,
};

extern const IrSlot arm_slots[ARM_SLOTS];
extern const FpSoft arm_soft;

static inline ArmCpu *arm_cpu(Cpu *c) { return (ArmCpu *)c; }

/* ---- saved state (state.c) ---------------------------------------------- */
extern const Field arm_state[];
void arm_saving(Cpu *c);
bool arm_loaded(Cpu *c);

/* ---- for accelerators (sysreg.c) ---------------------------------------- */
/*
 * Where a system register is kept, by bits 20:5 of MRS, and its bytes (NULL:
 * nobody asks); NULL: it is not, or what it says is the model's.
 */
void *arm_place(ArmCpu *c, u32 enc, u32 *size);
/* Does it identify the CPU, so that it never changes? */
bool  arm_is_fixed(u32 enc);
/* One of ArmCpu.host_reg; 0 if it is not there. */
u64   arm_host_reg(const ArmCpu *c, u64 number);

u64  flags_pack(u32 flags);                 /* IR flag word to NZCV, 31:28 */
u32  flags_unpack(u64 nzcv);
u64  pstate_get(const ArmCpu *c);           /* in the format of SPSR_EL1 */
void pstate_set(ArmCpu *c, u64 spsr);       /* then arm_mode_changed() */
/* Derives key and space from the registers and tells tlb_switch(). */
void arm_mode_changed(ArmCpu *c);
/* FPCR, FPSR as the guest sees them; MXCSR follows. */
u32  fpcr_get(const ArmCpu *c);
void fpcr_set(ArmCpu *c, u32 v);
u32  fpsr_get(ArmCpu *c);
void fpsr_set(ArmCpu *c, u32 v);

/* ---- exceptions (exception.c) ------------------------------------------- */

enum {                      /* ESR_ELx.EC */
    EC_UNKNOWN = 0x00, EC_WFX = 0x01, EC_FP = 0x07, EC_ILLEGAL = 0x0e,
    EC_SVC64 = 0x15, EC_HVC64 = 0x16, EC_SMC64 = 0x17, EC_SYSREG = 0x18,
    EC_IABORT_LOWER = 0x20, EC_IABORT = 0x21, EC_PC_ALIGN = 0x22,
    EC_DABORT_LOWER = 0x24, EC_DABORT = 0x25, EC_SP_ALIGN = 0x26,
    EC_FP_TRAP = 0x2c, EC_SERROR = 0x2f,
    EC_BREAKPOINT_LOWER = 0x30, EC_BREAKPOINT = 0x31, EC_STEP_LOWER = 0x32,
    EC_STEP = 0x33, EC_WATCHPOINT_LOWER = 0x34, EC_WATCHPOINT = 0x35,
    EC_BRK = 0x3c,
};
#define ESR(ec, iss) ((u64)(ec) << 26 | 1u << 25 | (u64)(iss))

/*
 * Takes a synchronous exception to EL1: sets ESR, ELR to `ret`, SPSR, DAIF,
 * SP, pc (the vector), address space.  Does not touch FAR.
 */
void arm_exception(ArmCpu *c, u64 esr, u64 ret);
/* ERET, with all its checks: sets PSTATE, pc, address space. */
void arm_eret(ArmCpu *c);
/* Makes sp the stack pointer of another EL or SPSel, banking the old one. */
void arm_set_sp(ArmCpu *c, unsigned el, unsigned spsel);
/* Asks for arm_interrupt() if a line is up that `daif` lets through. */
void arm_check_lines(Cpu *c, u32 daif);
bool arm_interrupt(Cpu *c);
bool arm_wakes(const Cpu *c);
void arm_fault(Cpu *c, const Fault *f);
/* What ir_trap_if() of translated code says. */
enum { ARM_TRAP_SP };
void arm_trap(Cpu *c, u32 code);

/* ---- translation tables (mmu.c) ----------------------------------------- */
/*
 * Fault.code is the low bits of the ESR's ISS for an abort: status code, CM,
 * EA, FnV; the rest comes from the fault's other members.
 */
enum {
    FSC_SIZE = 0x00, FSC_TRANSLATION = 0x04, FSC_ACCESS = 0x08,
    FSC_PERMISSION = 0x0c,              /* these four: plus the level */
    FSC_EXTERNAL = 0x10, FSC_EXTERNAL_WALK = 0x14, FSC_ALIGNMENT = 0x21,
    ISS_WNR = 1 << 6, ISS_CM = 1 << 8,
};
bool arm_walk(Cpu *c, u64 va, Access a, bool user, Page *out, Fault *f);
/* AT S1E1R ... S1E0W: the walk's answer in PAR_EL1. */
void arm_at(ArmCpu *c, u64 va, bool write, bool user);
/* The number of the current address space, for tlb_switch(). */
u64  arm_space(const ArmCpu *c);
/* TLBI of a page (last_level or not), an ASID or all. */
typedef enum TlbiKind {
    TLBI_ALL, TLBI_ASID, TLBI_VA, TLBI_VA_ALL_ASIDS
} TlbiKind;
void arm_tlbi(ArmCpu *c, TlbiKind kind, bool everywhere, u64 arg);
void arm_misaligned(Cpu *c, u64 va, Access a, Fault *f);
bool arm_bus_error(Cpu *c, u64 va, u64 pa, Access a, Fault *f);
u64  arm_clean_address(const Cpu *c, u64 va);

/* ---- models (models.c) -------------------------------------------------- */
extern const char *const arm_models[];
bool arm_feature(const Cpu *c, u32 n, const char **name, bool *on);
/* The board may have given it a GICv3: its features follow. */
void arm_see_gic(ArmCpu *c);
bool arm_set_model(ArmCpu *c, const char *model, const char *props, Err *err);

/* ---- generic timers (timer.c) ------------------------------------------- */
enum { CNT_NS = 16, CNT_FREQ = 62500000 };  /* a tick is 16 ns */
u64  arm_counter(void);                     /* CNTVCT_EL0 */
bool arm_timers_new(ArmCpu *c, Err *err);
void arm_timers_reset(ArmCpu *c);
void arm_timer_set_ctl(ArmTimer *t, u64 v);
void arm_timer_set_cval(ArmTimer *t, u64 v);
u64  arm_timer_ctl(const ArmTimer *t);      /* with ISTATUS */

/* ---- performance monitor (pmu.c) ---------------------------------------- */
u64  arm_pmu_cycles(const ArmCpu *c);       /* PMCCNTR_EL0 */
void arm_pmu_set_cycles(ArmCpu *c, u64 v);
void arm_pmu_set_control(ArmCpu *c, u64 pmcr);
void arm_pmu_enable(ArmCpu *c, u64 pmcnten);
enum { PMCR_E = 1, PMCR_C = 4, PMCR_D = 8, PMCR_LC = 64, PMU_CYCLES = 31 };

/* ---- PSCI conduit, set by the board (psci.c) ---------------------------- */
void arm_psci(ArmCpu *c);   /* function in x0; result in x0 */
