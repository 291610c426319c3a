/* SPDX-License-Identifier: MIT */
/*
 * Self-hosted debug: when breakpoints, watchpoints and software step raise
 * debug exceptions, and which of them match.
 * Reference: Arm ARM (DDI 0487) D2 "AArch64 Self-hosted Debug".
 *
 * While they can match, KEY_BREAK and KEY_WATCH are in the key, and translated
 * code asks here before each instruction, or each access.  Else nothing does.
 *
 * Left out: matches by VMID, address mismatch (AArch32), vector catch (too).
 */
#include "target/arm/debug.h"
#include "util/log.h"

/* Fields of DBGBCR<n>_EL1 and DBGWCR<n>_EL1; E to LBN are in both. */
enum { CR_E = 1, CR_HMC = 1 << 13, CR_SSC = 14, CR_LBN = 16,
       BCR_BT = 20, WCR_LSC = 3, WCR_BAS = 5, WCR_WT = 20, WCR_MASK = 24 };
/* DBGBCR<n>_EL1.BT. */
enum { BT_ADDRESS, BT_ADDRESS_LINKED, BT_CONTEXT, BT_CONTEXT_LINKED };
enum { MDSCR_SS = 1, MDSCR_KDE = 1 << 13, MDSCR_MDE = 1 << 15 };
enum { SECURE_ONLY = 2 };
/* The debug exceptions' fault status code, and fields of the ISS. */
enum { FSC_DEBUG = 0x22, ISS_STEP_EX = 1 << 6, ISS_STEP_ISV = 1 << 24 };

/* ---- are they enabled? -------------------------------------------------- */

static bool locked(const ArmCpu *c)
{
    return c->oslar || c->osdlr;
}

bool arm_debug_enabled(const ArmCpu *c, unsigned el, u32 daif)
{
    return !locked(c) && (el == 0 || (c->mdscr & MDSCR_KDE
                                      && !(daif & PSTATE_D)));
}

bool arm_step_enabled(const ArmCpu *c, unsigned el, u32 daif)
{
    return c->mdscr & MDSCR_SS && arm_debug_enabled(c, el, daif);
}

/*
 * Is a break- or watchpoint on at el?  PMC and PAC are both in bits 2:1, EL1
 * and EL0.  HMC with neither is for EL2; security state is Non-secure.
 */
static bool is_on(u64 cr, unsigned el)
{
    return cr & CR_E && bits(cr, CR_SSC + 1, CR_SSC) != SECURE_ONLY
        && cr & (el ? 1 << 1 : 1 << 2);
}

static bool any_on(const u64 *cr, u32 n, unsigned el)
{
    for (u32 i = 0; i < n; i++) {
        if (is_on(cr[i], el)) {
            return true;
        }
    }
    return false;
}

static u32 match_key(const ArmCpu *c)
{
    bool watch = any_on(c->dbgwcr, ARM_WATCHPOINTS, c->el)
        || (c->el && any_on(c->dbgwcr, ARM_WATCHPOINTS, 0));    /* LDTR */

    return (any_on(c->dbgbcr, ARM_BREAKPOINTS, c->el) ? KEY_BREAK : 0)
        | (watch ? KEY_WATCH : 0);
}

u32 arm_debug_key(const ArmCpu *c)
{
    u32 key = 0;

    if (likely(!(c->mdscr & (MDSCR_MDE | MDSCR_SS))) || locked(c)) {
        return 0;
    }
    if (c->el && c->mdscr & MDSCR_KDE) {
        key |= KEY_KDE;
    }
    if (arm_debug_enabled(c, c->el, c->daif)) {
        key |= c->mdscr & MDSCR_MDE ? match_key(c) : 0;
        key |= c->mdscr & MDSCR_SS ? KEY_SS : 0;
        key |= c->mdscr & MDSCR_SS && c->ss ? KEY_SS_ACTIVE : 0;
    }
    return key;
}

/* ---- matching ----------------------------------------------------------- */

static bool context_matches(const ArmCpu *c, u32 n)
{
    return (u32)c->dbgbvr[n] == (u32)c->contextidr;
}

/* The breakpoint that another names by LBN: does its context match? */
static bool link_matches(const ArmCpu *c, u64 cr)
{
    u32 n = bits(cr, CR_LBN + 3, CR_LBN);

    return n >= ARM_BREAKPOINTS - ARM_CONTEXTS && n < ARM_BREAKPOINTS
        && c->dbgbcr[n] & CR_E
        && bits(c->dbgbcr[n], BCR_BT + 3, BCR_BT) == BT_CONTEXT_LINKED
        && context_matches(c, n);
}

/* D2.8: does breakpoint n match an instruction at va? */
static bool break_matches(const ArmCpu *c, u32 n, u64 va)
{
    u64 cr = c->dbgbcr[n];
    bool here = !((va ^ c->dbgbvr[n]) & MASK(49) & ~3ull);

    if (!is_on(cr, c->el)) {
        return false;
    }
    switch (bits(cr, BCR_BT + 3, BCR_BT)) {
    case BT_ADDRESS:
        return here;
    case BT_ADDRESS_LINKED:
        return here && link_matches(c, cr);
    case BT_CONTEXT:
        return n >= ARM_BREAKPOINTS - ARM_CONTEXTS && context_matches(c, n);
    }
    return false;
}

bool arm_break_matches(const ArmCpu *c, u64 va)
{
    for (u32 n = 0; n < ARM_BREAKPOINTS; n++) {
        if (break_matches(c, n, va)) {
            return true;
        }
    }
    return false;
}

/*
 * The bytes that a watchpoint watches: MASK low bits of the address are not
 * compared, else BAS selects bytes of a doubleword, which are adjacent.  What
 * D2.9 leaves constrained unpredictable is the range from first to last.
 */
static void watched_range(u64 vr, u64 cr, u64 *first, u64 *last)
{
    u32 mask = bits(cr, WCR_MASK + 4, WCR_MASK);
    u32 bas = bits(cr, WCR_BAS + 7, WCR_BAS);

    vr = (u64)sext(vr, 49) & ~3ull;
    if (mask) {
        *first = vr & ~MASK(mask);
        *last = *first + MASK(mask);
        return;
    }
    bas &= vr & 4 ? 15 : 255;
    *first = vr + (bas ? (u32)__builtin_ctz(bas) : 1);
    *last = vr + (bas ? 31 - (u32)__builtin_clz(bas) : 0);
}

bool arm_watch_matches(const ArmCpu *c, ArmWatch *w)
{
    unsigned el = w->user ? 0 : c->el;
    u64 va = arm_clean_address(&c->cpu, w->va), first, last;

    for (u32 n = 0; n < ARM_WATCHPOINTS; n++) {
        u64 cr = c->dbgwcr[n];
        u32 kinds = bits(cr, WCR_LSC + 1, WCR_LSC) & w->kinds;
        if (!kinds || !is_on(cr, el)
            || (cr >> WCR_WT & 1 && !link_matches(c, cr))) {
            continue;
        }
        watched_range(c->dbgwvr[n], cr, &first, &last);
        if (va <= last && va + w->size - 1 >= first) {
            w->hit = w->va + (MAX(va, first) - va);
            w->write = !(kinds & WATCH_LOAD);
            return true;
        }
    }
    return false;
}

/* ---- exceptions --------------------------------------------------------- */

void arm_breakpoint(ArmCpu *c)
{
    arm_exception(c, ESR(c->el ? EC_BREAKPOINT : EC_BREAKPOINT_LOWER,
                         FSC_DEBUG), c->cpu.tcg.pc);
}

void arm_watchpoint(ArmCpu *c, const ArmWatch *w)
{
    c->far = w->hit;
    arm_exception(c, ESR(c->el ? EC_WATCHPOINT : EC_WATCHPOINT_LOWER,
                         FSC_DEBUG | (w->write ? ISS_WNR : 0)
                         | (w->cache ? ISS_CM : 0)), c->cpu.tcg.pc);
}

void arm_step_exception(ArmCpu *c)
{
    u64 iss = c->stepped ? ISS_STEP_ISV | (c->step_ex ? ISS_STEP_EX : 0) : 0;

    c->stepped = 0;
    arm_exception(c, ESR(c->el ? EC_STEP : EC_STEP_LOWER, FSC_DEBUG | iss),
                  c->cpu.tcg.pc);
}

void arm_step(ArmCpu *c, bool exclusive)
{
    c->stepped = c->cpu.tcg.pc | 1;
    c->step_ex = exclusive;
    c->ss = 0;
    arm_mode_changed(c);
}
