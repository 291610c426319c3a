/* SPDX-License-Identifier: MIT */
/* Private to target/mips: the registers of CP0; see cp0.c. */
#pragma once
#include "target/mips/cpu.h"

/* A register of CP0.  Values are those of DMFC0 and DMTC0. */
typedef struct Cp0Reg {
    u8  reg, sel;
    const char *name;
    u32 at;                     /* of the u64 in MipsCpu */
    u8  slot;                   /* its IR slot, or 0 */
    u32 needs;                  /* FEAT_*; 0: every CPU has it */
    u64 rw;                     /* bits that writes change, */
    u32 rw_at;                  /*   or where in MipsCpu they are told; or 0 */
    u64   (*read)(MipsCpu *c);
    void  (*write)(MipsCpu *c, u64 v);  /* v: with what cannot be changed */
    bool narrow;                /* 32 bits on a 64-bit CPU too */
} Cp0Reg;

extern const Cp0Reg mips_cp0_regs[];        /* ends with a NULL name */
/* The row, or NULL: there is no such register in this CPU. */
const Cp0Reg *mips_cp0_find(const MipsCpu *c, u32 reg, u32 sel);
u64  mips_cp0_read(MipsCpu *c, const Cp0Reg *r);
/* v: all 64 bits, of which the register takes what it has. */
void mips_cp0_write(MipsCpu *c, const Cp0Reg *r, u64 v);
/* The bits that a write changes. */
u64  mips_cp0_mask(const MipsCpu *c, const Cp0Reg *r);
