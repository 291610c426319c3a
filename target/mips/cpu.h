/* SPDX-License-Identifier: MIT */
/*
 * State of a MIPS CPU: MIPS32 and MIPS64, release 1 and on, in either byte
 * order.
 * Reference: MIPS Architecture For Programmers, volumes I-A "Introduction",
 * II-A "Instruction Set" and III "Privileged Resource Architecture" (PRA).
 *
 * Registers are 64 bits wide in C.  Translated code of a 32-bit target sees
 * their low halves only (cpu.c has two slot tables); what C stores there has
 * zeros above.  So addresses of such a target have zeros above bit 31, those
 * of a 64-bit one are sign-extended as its registers are.
 */
#pragma once
#include "softmmu/clock.h"
#include "softmmu/line.h"
#include "target/target.h"
#include "util/softfloat.h"

/* IR slots; their table is in cpu.c. */
enum {
    S_GPR = 0,              /* 32; the first is never used */
    S_HI = 32, S_LO,
    S_AC,                   /* the DSP module's: HI and LO of 1, 2, 3 */
    S_DSP = S_AC + 6,       /* DSPControl */
    S_F0,                   /* 32 */
    S_FCC = S_F0 + 32,      /* 8 condition codes, each 0 or 1 */
    S_BD = S_FCC + 8,       /* 1 in a branch's delay slot */
    S_JUMP,                 /* where TRAP_EXCHANGE goes; else what it was */
    S_LL_ADDR, S_LL_VAL,    /* LL's address, or ~0, and what it read */
    S_FP_OP, S_FP_A,        /* what gives FCSR.Cause: fpu.h; 3 operands */
    S_AFTER_FP_A = S_FP_A + 2,
    /* CP0 registers that are plainly stored. */
    S_INDEX, S_ENTRYLO0, S_ENTRYLO1, S_CONTEXT, S_USERLOCAL, S_PAGEMASK,
    S_BADVADDR, S_ENTRYHI, S_STATUS, S_EPC, S_XCONTEXT, S_ERROREPC,
    S_KSCRATCH,             /* 6 */
    MIPS_SLOTS = S_KSCRATCH + 6
};

/* Key bits: what translated code depends on. */
enum {
    KEY_USER    = 1 << 0,   /* user mode, */
    KEY_SUPER   = 1 << 1,   /*   supervisor mode; neither: kernel */
    KEY_64      = 1 << 2,   /* 64-bit operations are enabled, */
    KEY_ADDR64  = 1 << 3,   /*   and 64-bit addresses */
    KEY_CP0     = 1 << 4,   /* coprocessor 0 is usable, */
    KEY_FPU     = 1 << 5,   /*   the FPU is; see mips_want_fpu() */
    KEY_FR      = 1 << 6,   /* the FPU has 32 64-bit registers */
    KEY_FP_SOFT = 1 << 7,   /* FCSR asks for what host FP does not do */
    KEY_ERL     = 1 << 8,   /* Status.ERL: kuseg is not mapped */
    KEY_BE      = 1 << 9,   /* data and code are big-endian */
    KEY_ULR     = 1 << 10,  /* RDHWR may read UserLocal */
    KEY_DSP     = 1 << 11,  /* the DSP module is enabled */
    KEY_MSA     = 1 << 12,  /* MSA is enabled */
    KEY_ISA     = 1 << 13,  /* MIPS16e */
    KEY_BITS    = 14,
};

/* What a model has, in MipsCpu.features: guards of decode tables. */
enum {
    FEAT_R2 = 1 << 0, FEAT_R5 = 1 << 1, FEAT_R6 = 1 << 2,
    FEAT_PRE6 = 1 << 3,     /* what release 6 removed */
    FEAT_64 = 1 << 4, FEAT_64R2 = 1 << 5, FEAT_64PRE6 = 1 << 6, /* and both */
    FEAT_FPU = 1 << 7,
    FEAT_FP64 = 1 << 8,     /* 64-bit integers in the FPU */
    FEAT_FP64X = 1 << 9,    /* COP1X */
    FEAT_PS = 1 << 10,      /* paired single */
    FEAT_DSP = 1 << 11, FEAT_DSP2 = 1 << 12,
    FEAT_MSA = 1 << 13,
    FEAT_CA = 1 << 16,      /* MIPS16e */
    FEAT_LSA = 1 << 14, FEAT_LSA64 = 1 << 15,   /* of MSA and release 6 */
};

enum { MIPS_TLB_MAX = 64, MIPS_SHADOWS = 16384 };

/* A TLB entry; also what EntryHi, EntryLo and PageMask hold meanwhile. */
typedef struct MipsEntry {
    u64  hi;                /* EntryHi's R and VPN2; the rest is zero */
    u64  lo[2];             /* EntryLo as a 64-bit register, without G */
    u64  mask;              /* address bits that one of both pages takes, */
    u16  asid;              /*   all ones: 0xfff for 4 KiB */
    bool global;
    bool none;              /* never matches: EHINV, or never written */
} MipsEntry;

/* A replaced entry; next of its list, or 0.  See tlb.c. */
typedef struct MipsShadow {
    MipsEntry entry;
    u16 next;
} MipsShadow;

/* Registers of CP0 whose writable bits are the model's. */
typedef struct MipsMasks {
    u64 index, wired, status, cause, entrylo, entryhi, pagemask, pagegrain,
        xcontext, hwrena, ebase, config[8];
} MipsMasks;

typedef struct MipsCpu {
    Cpu cpu;
    u64 gpr[32];
    u64 hi, lo;
    u64 ac[3][2];           /* HI and LO of the DSP module's */
    u32 dspcontrol;
    Vec f[32];              /* the FPU's, and MSA's */
    u32 fcc[8];
    u32 bd;
    u64 jump;
    u32 isa;                /* 1: MIPS16e; bit 0 of addresses of code */
    u64 ll_addr, ll_val;
    u32 fp_op;
    Vec fp_operand[3];

    /* CP0, in the order of the PRA. */
    u64 index, random, entrylo[2], context, userlocal, pagemask, pagegrain,
        wired, hwrena, badvaddr, count, entryhi, compare, status, intctl,
        srsctl, srsmap, cause, epc, ebase, lladdr, xcontext, errctl, cacheerr,
        taglo[4], taghi[4], errorepc, desave, kscratch[6];
    u64 badinstr[2];        /* BadInstr, BadInstrP */
    u64 config[8];
    u32 msacsr;
    u32 fcsr;               /* without FCC; Flags see fp.c */
    FpEnv fp;

    /* What does not change from reset to reset. */
    u32 features;
    u64 prid, fcr0;
    u32 msair;
    u64 config_reset[8];
    u64 fcsr_mask, fcsr_reset;
    MipsMasks rw;
    u32 count_hz;           /* of Count */
    u8  tlb_size, segbits, pabits;
    bool big_endian;
    u64 asid_mask;

    MipsEntry tlb[MIPS_TLB_MAX];
    /* Entries that TLBWR replaced and nothing has contradicted; tlb.c. */
    MipsShadow shadow[MIPS_SHADOWS];
    u16 shadow_of[MIPS_SHADOWS];            /* lists, by a hash of the VPN */
    u32 shadows, shadow_classes;    /* how many, and a bit for each size */
    bool kernel_fpu;        /* kernel code uses the FPU, since an exception */
    bool probed;            /* Index is what TLBP found, and says so still */
    u32 random_seed;
    Timer *timer;           /* fires when Count reaches Compare */
    i64 count_base;         /* Count is this plus the time in its ticks */
    i64 match;              /* the time in ticks when it does next; atomic */
    u32 timer_due;          /* Cause.TI; atomic */
} MipsCpu;

enum {                      /* Status */
    ST_IE = 1 << 0, ST_EXL = 1 << 1, ST_ERL = 1 << 2, ST_KSU = 3 << 3,
    ST_UX = 1 << 5, ST_SX = 1 << 6, ST_KX = 1 << 7, ST_IM = 0xff << 8,
    ST_NMI = 1 << 19, ST_SR = 1 << 20, ST_BEV = 1 << 22, ST_PX = 1 << 23,
    ST_MX = 1 << 24, ST_RE = 1 << 25, ST_FR = 1 << 26, ST_CU0 = 1 << 28,
    ST_CU1 = 1 << 29,
};
enum {                      /* Cause */
    CAUSE_CODE = 31 << 2, CAUSE_IP = 0xff << 8, CAUSE_IP01 = 3 << 8,
    CAUSE_WP = 1 << 22, CAUSE_IV = 1 << 23, CAUSE_DC = 1 << 27,
    CAUSE_CE = 3 << 28, CAUSE_TI = 1 << 30,
};
#define CAUSE_BD    BIT(31)

enum {                      /* exception codes, Cause.ExcCode */
    EXC_INT = 0, EXC_MOD, EXC_TLBL, EXC_TLBS, EXC_ADEL, EXC_ADES, EXC_IBE,
    EXC_DBE, EXC_SYS, EXC_BP, EXC_RI, EXC_CPU, EXC_OV, EXC_TR, EXC_MSAFPE,
    EXC_FPE, EXC_TLBRI = 19, EXC_TLBXI, EXC_MSADIS, EXC_WATCH = 23,
    EXC_MCHECK, EXC_DSPDIS = 26,
    /* Not codes: a TLB exception of a page that no entry maps. */
    EXC_REFILL = 32,
    /* Nor this: mips_trap() goes to `jump`, as code of its bit 0. */
    TRAP_EXCHANGE = 64,
};

enum { GRAIN_RIE = 1u << 31, GRAIN_XIE = 1 << 30, GRAIN_ELPA = 1 << 29,
       GRAIN_IEC = 1 << 27 };
#define ENTRYLO_RI  BIT(63)
#define ENTRYLO_XI  BIT(62)
enum { ENTRYLO_G = 1, ENTRYLO_V = 2, ENTRYLO_D = 4, ENTRYLO_PFN = 6 };
enum { ENTRYHI_EHINV = 1 << 10 };

extern const IrSlot mips_slots32[MIPS_SLOTS], mips_slots64[MIPS_SLOTS];
extern const FpSoft mips_soft;

static inline MipsCpu *mips_cpu(Cpu *c) { return (MipsCpu *)c; }

/* Are registers 64 bits wide?  Also a 32-bit CPU's, if the target is 64-bit. */
static inline bool is_wide(const MipsCpu *c)
{
    return c->cpu.target->word == 64;
}

/* An address as its registers hold it; see above. */
static inline u64 canonical(const MipsCpu *c, u64 va)
{
    return is_wide(c) ? va : (u32)va;
}

/* Derives key and space from the registers and tells tlb_switch(). */
void mips_mode_changed(MipsCpu *c);
/*
 * An instruction of the FPU is met by code without KEY_FPU: a kernel that may
 * use it gets that and runs the instruction again, others an exception.
 */
void mips_want_fpu(MipsCpu *c);

/* ---- saved state (state.c) ---------------------------------------------- */
extern const Field mips_state[];
void mips_saving(Cpu *c);
bool mips_loaded(Cpu *c);
bool mips_is_kernel(const MipsCpu *c);

/* ---- exceptions (exception.c) ------------------------------------------- */

/*
 * Takes an exception of the instruction at the pc: EPC, Cause, Status, pc.
 * ce: which coprocessor was unusable, else 0.
 */
void mips_exception(MipsCpu *c, u32 code, u32 ce);
void mips_fault(Cpu *c, const Fault *f);
/* What ir_trap_if() of translated code says is an exception code. */
void mips_trap(Cpu *c, u32 code);
/* ERET: pc, Status. */
void mips_eret(MipsCpu *c);
/* Cause as a guest reads it: with the lines that are up. */
u32  mips_cause(const MipsCpu *c);
/* Asks for mips_interrupt() if one is due. */
void mips_check_lines(MipsCpu *c);
bool mips_interrupt(Cpu *c);
bool mips_wakes(const Cpu *c);
/* Moves the pc there; bit 0 chooses the instruction set if there are two. */
void mips_jump(MipsCpu *c, u64 to);
/* The address of code as registers have it. */
u64  mips_code_address(const MipsCpu *c);

/* ---- addresses (tlb.c) -------------------------------------------------- */

bool mips_walk(Cpu *c, u64 va, Access a, bool user, Page *out, Fault *f);
void mips_misaligned(Cpu *c, u64 va, Access a, Fault *f);
bool mips_bus_error(Cpu *c, u64 va, u64 pa, Access a, Fault *f);
u64  mips_space(const MipsCpu *c);
void mips_tlb_reset(MipsCpu *c);
/* The entries are others than before. */
void mips_tlb_loaded(MipsCpu *c);
/* The instructions of these names. */
void mips_tlbp(MipsCpu *c);
void mips_tlbr(MipsCpu *c);
void mips_tlbwi(MipsCpu *c);
void mips_tlbwr(MipsCpu *c);
void mips_tlbinv(MipsCpu *c, bool all);
u32  mips_random(MipsCpu *c);           /* the register */

/* ---- Count and Compare (timer.c) ---------------------------------------- */

bool mips_timer_new(MipsCpu *c, Err *err);
/* Count, for a guest: if it has reached Compare, Cause.TI is set after this. */
u32  mips_count(MipsCpu *c);
void mips_set_count(MipsCpu *c, u32 v);
void mips_set_compare(MipsCpu *c, u32 v);
/* Cause.DC was changed to what it is now. */
void mips_stop_count(MipsCpu *c, bool stop);

/* ---- CP0 (cp0.c) -------------------------------------------------------- */

void mips_cp0_dump(MipsCpu *c, FILE *f);
void mips_set_status(MipsCpu *c, u64 v);

/* ---- floating point (fp.c) ---------------------------------------------- */

/* FCSR as a guest sees it; MXCSR follows. */
u32  mips_fcsr(MipsCpu *c);
void mips_set_fcsr(MipsCpu *c, u32 v);

/* ---- models (models.c) -------------------------------------------------- */

extern const char *const mips_models32[], *const mips_models64[];
bool mips_set_model(MipsCpu *c, const char *model, const char *props,
                    Err *err);
