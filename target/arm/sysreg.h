/* SPDX-License-Identifier: MIT */
/*
 * Private to target/arm: the table of system registers and system operations
 * (MSR, MRS, SYS), looked up when translating.
 */
#pragma once
#include "target/arm/cpu.h"

/* Bits 20:5 of the instruction: op0, op1, CRn, CRm, op2. */
#define SYS_ENC(op0, op1, crn, crm, op2)                                    \
    ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

/* Who may do what. */
enum {
    R1 = 1, W1 = 2, RW1 = 3,            /* EL1 */
    R0 = 4, W0 = 8,                     /* EL0 */
    R01 = R0 | R1, RW01 = 15, W01 = W0 | W1,
};

/* Registers that are pieces of PSTATE or the like: a64_system.c has them. */
typedef enum SysSpecial {
    SYS_PLAIN, SYS_SPSEL, SYS_CURRENTEL, SYS_NZCV, SYS_DAIF, SYS_FPCR,
    SYS_FPSR, SYS_NOP, SYS_ZVA, SYS_CACHE,
} SysSpecial;

typedef struct SysReg {
    const char *name;
    u16  enc;
    u8   rights;
    u8   special;               /* SysSpecial */
    u8   slot;                  /* an IR slot, or 0 */
    u8   size;                  /* of the member at offset, or 0 */
    u16  offset;                /* in ArmCpu */
    bool constant;              /* the member is the model's: never changes */
    bool slots;                 /* read, write touch what slots hold */
    bool ends;                  /* a write changes key, space, translations */
    u32  feature;               /* FEAT_* it comes with, or 0: always */
    u32  key0, key1;            /* KEY_* without which EL0 traps, EL1 may not */
    u64  rw;                    /* writable bits; 0: all */
    u64  value;                 /* read where nothing else says what */
    bool (*el0)(const ArmCpu *c, bool write);   /* does it not trap at EL0? */
    u64  (*read)(ArmCpu *c, const struct SysReg *r);
    void (*write)(ArmCpu *c, const struct SysReg *r, u64 v);
} SysReg;

extern const SysReg sysregs[];          /* ends with a NULL name */

/* The row of an encoding for a CPU with these features, or NULL. */
const SysReg *sysreg_find(u32 enc, u32 features);
/* Is it an ID register: op0 3, op1 0, CRn 0, CRm 1-7?  All of them read. */
bool sysreg_is_id(u32 enc);
/* Reads and writes by the row, slots being in env. */
u64  sysreg_read(ArmCpu *c, const SysReg *r);
void sysreg_write(ArmCpu *c, const SysReg *r, u64 v);
/* "S3_0_c1_c0_0" */
void sysreg_spell(u32 enc, char *buf, size_t len);
