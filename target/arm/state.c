/* SPDX-License-Identifier: MIT */
/*
 * What of an AArch64 CPU is saved, under the manual's names where it has some.
 * ID registers follow from the model, key and space from the rest.
 */
#include "softmmu/machine.h"
#include "target/arm/cpu.h"

#define ROW(n, member)      SAVE_NAMED(n, ArmCpu, member)

const Field arm_state[] = {
    ROW("X", x), ROW("SP", sp), ROW("PC", cpu.tcg.pc), ROW("NZCV", nzcv),
    ROW("DAIF", daif), SAVE_AS(ArmCpu, v, 8), ROW("EL", el),
    ROW("SPSel", spsel), ROW("SS", ss), ROW("IL", il),
    ROW("SP_banked", sp_el), ROW("stepped", stepped), SAVE(ArmCpu, step_ex),
    ROW("excl_addr", excl_addr), ROW("excl_val", excl_val),
    ROW("excl_hi", excl_hi),
    ROW("SCTLR_EL1", sctlr), ROW("ACTLR_EL1", actlr),
    ROW("CPACR_EL1", cpacr), ROW("TTBR0_EL1", ttbr0), ROW("TTBR1_EL1", ttbr1),
    ROW("TCR_EL1", tcr), ROW("MAIR_EL1", mair), ROW("AMAIR_EL1", amair),
    ROW("VBAR_EL1", vbar), ROW("CONTEXTIDR_EL1", contextidr),
    ROW("ELR_EL1", elr), ROW("SPSR_EL1", spsr), ROW("ESR_EL1", esr),
    ROW("FAR_EL1", far), ROW("PAR_EL1", par), ROW("AFSR0_EL1", afsr0),
    ROW("AFSR1_EL1", afsr1), ROW("CSSELR_EL1", csselr),
    ROW("TPIDR_EL0", tpidr_el0), ROW("TPIDRRO_EL0", tpidrro_el0),
    ROW("TPIDR_EL1", tpidr_el1), ROW("MDSCR_EL1", mdscr),
    ROW("MDCCINT_EL1", mdccint), ROW("OSDLR_EL1", osdlr), ROW("OSLK", oslar),
    ROW("DBGBVR", dbgbvr), ROW("DBGBCR", dbgbcr), ROW("DBGWVR", dbgwvr),
    ROW("DBGWCR", dbgwcr), ROW("CNTKCTL_EL1", cntkctl),
    ROW("CNTFRQ_EL0", cntfrq), ROW("CNTP_CTL_EL0", timer_p.ctl),
    ROW("CNTP_CVAL_EL0", timer_p.cval), ROW("CNTV_CTL_EL0", timer_v.ctl),
    ROW("CNTV_CVAL_EL0", timer_v.cval), ROW("FPCR", fpcr), ROW("FPSR", fpsr),
    ROW("PMCR_EL0", pmcr), ROW("PMCNTEN", pmcnten),
    ROW("PMUSERENR_EL0", pmuserenr), ROW("PMOVS", pmovs),
    ROW("PMSELR_EL0", pmselr), ROW("PMCCNTR_base", pmccntr_base),
    ROW("PMCCFILTR_EL0", pmccfiltr), ROW("PMXEVCNTR", pmxevcntr),
    ROW("PMXEVTYPER", pmxevtyper), ROW("PMINTEN", pminten),
    SAVE(ArmCpu, host_count), SAVE(ArmCpu, host_reg), SAVE(ArmCpu, host_value),
    SAVE(ArmCpu, event), ROW("psci_entry", psci_entry),
    { 0 }
};

/* FPSR's bits that gathered elsewhere: fp.c. */
void arm_saving(Cpu *cpu)
{
    ArmCpu *c = arm_cpu(cpu);

    c->nzcv &= FLAG_NZCV;
    fpsr_set(c, fpsr_get(c));
}

bool arm_loaded(Cpu *cpu)
{
    ArmCpu *c = arm_cpu(cpu);

    if (c->el > 1 || c->spsel > 1 || c->ss > 1 || c->il > 1
        || c->nzcv & ~(u32)FLAG_NZCV || c->daif & ~(u32)PSTATE_DAIF
        || c->host_count > ARM_HOST_REGS) {
        return false;
    }
    if (!cpu->machine || !cpu->machine->host_id) {
        c->host_count = 0;              /* nothing here would keep them */
    }
    fpcr_set(c, c->fpcr);
    fpsr_set(c, c->fpsr);
    tlb_flush(cpu, 0, 0, 0, 0);
    arm_mode_changed(c);
    arm_timer_set_ctl(&c->timer_p, c->timer_p.ctl);
    arm_timer_set_ctl(&c->timer_v, c->timer_v.ctl);
    return true;
}
