/* SPDX-License-Identifier: MIT */
/* Private to target/arm: self-hosted debug; see debug.c. */
#pragma once
#include "target/arm/cpu.h"

/* Are debug exceptions enabled at el with PSTATE.D in daif?  D2.3. */
bool arm_debug_enabled(const ArmCpu *c, unsigned el, u32 daif);
/* The same for software step, if MDSCR_EL1.SS asks for it. */
bool arm_step_enabled(const ArmCpu *c, unsigned el, u32 daif);
/* KEY_BREAK, KEY_WATCH, KEY_KDE, KEY_SS, KEY_SS_ACTIVE as they are due. */
u32  arm_debug_key(const ArmCpu *c);

/* Does a breakpoint match the instruction at va? */
bool arm_break_matches(const ArmCpu *c, u64 va);
/* Takes its exception; the pc is at the instruction. */
void arm_breakpoint(ArmCpu *c);

enum { WATCH_LOAD = 1, WATCH_STORE = 2 };       /* as in DBGWCR.LSC */

/* A data access, and what it hit. */
typedef struct ArmWatch {
    u64  va;
    u32  size;              /* bytes, not 0 */
    u8   kinds;             /* WATCH_* */
    bool user;              /* with the rights of EL0 (LDTR) */
    bool cache;             /* by a cache maintenance instruction */
    bool write;             /* out: ISS.WnR */
    u64  hit;               /* out: for FAR_EL1 */
} ArmWatch;

/* Does a watchpoint match?  Then *w says what. */
bool arm_watch_matches(const ArmCpu *c, ArmWatch *w);
void arm_watchpoint(ArmCpu *c, const ArmWatch *w);

/* The instruction at the pc is the one that software step lets run. */
void arm_step(ArmCpu *c, bool exclusive);
/* Takes the exception that follows it. */
void arm_step_exception(ArmCpu *c);
