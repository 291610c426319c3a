/* SPDX-License-Identifier: MIT */
/*
 * What of a MIPS CPU is saved, under the PRA's names where it has some.
 * What the model says follows from -cpu, key and space from the rest; shadows
 * of TLB entries are gone, as they may at any time.
 */
#include "target/mips/cpu.h"

#define REG(n, member)      SAVE_NAMED(n, MipsCpu, member)

const Field mips_state[] = {
    REG("GPR", gpr), REG("HI", hi), REG("LO", lo), REG("PC", cpu.tcg.pc),
    SAVE_AS(MipsCpu, ac, 8), REG("DSPControl", dspcontrol),
    SAVE_AS(MipsCpu, f, 8), REG("FCC", fcc), SAVE(MipsCpu, bd), SAVE(MipsCpu, isa),
    SAVE(MipsCpu, ll_addr), SAVE(MipsCpu, ll_val), SAVE(MipsCpu, fp_op),
    SAVE_AS(MipsCpu, fp_operand, 8), REG("Index", index),
    REG("Random", random), REG("EntryLo", entrylo), REG("Context", context),
    REG("UserLocal", userlocal), REG("PageMask", pagemask),
    REG("PageGrain", pagegrain), REG("Wired", wired), REG("HWREna", hwrena),
    REG("BadVAddr", badvaddr), REG("BadInstr", badinstr),
    REG("Count", count), REG("EntryHi", entryhi),
    REG("Compare", compare), REG("Status", status), REG("IntCtl", intctl),
    REG("SRSCtl", srsctl), REG("SRSMap", srsmap), REG("Cause", cause),
    REG("EPC", epc), REG("EBase", ebase), REG("LLAddr", lladdr),
    REG("XContext", xcontext), REG("ErrCtl", errctl),
    REG("CacheErr", cacheerr), REG("TagLo", taglo), REG("TagHi", taghi),
    REG("ErrorEPC", errorepc), REG("DESAVE", desave),
    REG("KScratch", kscratch), REG("Config", config), REG("FCSR", fcsr),
    REG("MSACSR", msacsr),
    SAVE_STRUCT(MipsCpu, tlb, MipsEntry,
        SAVE(MipsEntry, hi), SAVE(MipsEntry, lo), SAVE(MipsEntry, mask),
        SAVE(MipsEntry, asid), SAVE(MipsEntry, global),
        SAVE(MipsEntry, none)),
    SAVE(MipsCpu, random_seed),
    SAVE(MipsCpu, count_base), SAVE(MipsCpu, timer_due),
    { 0 }
};

/* FCSR's Flags, which gathered elsewhere: fp.c. */
void mips_saving(Cpu *cpu)
{
    mips_set_fcsr(mips_cpu(cpu), mips_fcsr(mips_cpu(cpu)));
}

/* Config's bits that are the model's are as they are here. */
static bool config_fits(const MipsCpu *c)
{
    enum { K0 = 7 };

    for (u32 i = 0; i < countof(c->config); i++) {
        u64 free = c->rw.config[i] | (i ? 0 : K0);
        if ((c->config[i] ^ c->config_reset[i]) & ~free) {
            return false;
        }
    }
    return true;
}

bool mips_loaded(Cpu *cpu)
{
    MipsCpu *c = mips_cpu(cpu);
    u32 codes = 0, compare = (u32)c->compare;
    bool due = c->timer_due;

    if (!config_fits(c) || c->timer_due > 1
        || c->isa > (c->features & FEAT_CA ? 1 : 0)) {
        return false;
    }
    for (u32 i = 0; i < countof(c->fcc); i++) {
        codes |= (c->fcc[i] & 1) << (i ? 24 + i : 23);
    }
    mips_set_fcsr(c, c->fcsr | codes);
    mips_set_compare(c, compare);       /* its timer is armed */
    c->timer_due = due;
    mips_tlb_loaded(c);
    mips_mode_changed(c);
    return true;
}
