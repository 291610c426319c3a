/* SPDX-License-Identifier: MIT */
/*
 * What of an x86 CPU is saved, under the manual's names where it has some.
 * CPUID follows from the model; limits, keys and spaces from the rest.
 */
#include "target/i386/system.h"
#include "target/i386/x87.h"

#define REG(n, member)      SAVE_NAMED(n, X86Cpu, member)
#define SEGMENT                                                             \
    SAVE(X86Seg, selector), SAVE(X86Seg, limit), SAVE(X86Seg, attr)
#define TABLE               SAVE(X86Table, base), SAVE(X86Table, limit)

const Field x86_state[] = {
    REG("GPR", r), REG("linear_pc", cpu.tcg.pc), REG("flags", flags),
    REG("pf", pf), REG("af", af), REG("DF", df), REG("EFLAGS", eflags),
    SAVE_STRUCT(X86Cpu, st, X87Reg, SAVE(X87Reg, mant), SAVE(X87Reg, exp)),
    SAVE_AS(X86Cpu, xmm, 8), SAVE_AS(X86Cpu, ymmh, 8),
    SAVE_STRUCT(X86Cpu, seg, X86Seg, SEGMENT), REG("base", base),
    SAVE_STRUCT(X86Cpu, ldtr, X86Seg, SEGMENT), REG("LDTR_base", ldtr_base),
    SAVE_STRUCT(X86Cpu, tr, X86Seg, SEGMENT), REG("TR_base", tr_base),
    SAVE_STRUCT(X86Cpu, gdtr, X86Table, TABLE),
    SAVE_STRUCT(X86Cpu, idtr, X86Table, TABLE),
    REG("CR0", cr0), REG("CR2", cr2), REG("CR3", cr3), REG("CR4", cr4),
    REG("EFER", efer), REG("XCR0", xcr0), REG("DR", dr), REG("CPL", cpl),
    SAVE(X86Cpu, shadow), REG("debug_due", debug_due),
    SAVE(X86Cpu, nmi_blocked), SAVE(X86Cpu, smm), SAVE(X86Cpu, a20),
    REG("edges", edges), REG("MXCSR", mxcsr), REG("FCW", cpu.tcg.fcw),
    REG("FSW", cpu.tcg.fsw), REG("FTOP", ftop), REG("FTW", fempty),
    REG("FIP", fip), REG("FDP", fdp), REG("FOP", fop), REG("FDSEG", fdseg),
    REG("FCS", fcs), REG("FDS", fds), SAVE(X86Cpu, x87_once),
    REG("STAR", star), REG("LSTAR", lstar), REG("CSTAR", cstar),
    REG("FMASK", fmask), REG("KERNEL_GS_BASE", kernel_gs_base),
    REG("TSC_AUX", tsc_aux), REG("TSC_OFFSET", tsc_offset),
    REG("TSC_ADJUST", tsc_adjust), REG("SYSENTER_CS", sysenter_cs),
    REG("SYSENTER_ESP", sysenter_esp), REG("SYSENTER_EIP", sysenter_eip),
    REG("PAT", pat), REG("MISC_ENABLE", misc_enable),
    REG("DEBUGCTL", debugctl), REG("SPEC_CTRL", spec_ctrl),
    REG("MTRR_DEF_TYPE", mtrr_deftype), REG("MTRR_PHYS", mtrr_phys),
    REG("MTRR_FIX", mtrr_fixed), REG("SMBASE", smbase),
    REG("MCG_STATUS", mcg_status), REG("MCG_CTL", mcg_ctl),
    REG("MC", mc_bank), REG("XSS", xss), REG("VM_HSAVE_PA", vm_hsave_pa),
    REG("VM_CR", vm_cr), REG("TSC_RATIO", tsc_ratio), REG("PDPTE", pdpte),
    REG("acked", acked), REG("KVM_MSR", kvm_msr),
    SAVE(X86Cpu, kvmclock),
    SAVE_STRUCT(X86Cpu, svm, X86Svm,
        SAVE(X86Svm, intercept), SAVE(X86Svm, asid), SAVE(X86Svm, vmcb),
        SAVE(X86Svm, iopm), SAVE(X86Svm, msrpm), SAVE(X86Svm, tsc_offset),
        SAVE(X86Svm, int_ctl), SAVE(X86Svm, n_cr3), SAVE(X86Svm, g_pat),
        SAVE(X86Svm, host_cr4), SAVE(X86Svm, host_efer),
        SAVE(X86Svm, pause_last), SAVE(X86Svm, insn_info),
        SAVE(X86Svm, fault_va), SAVE(X86Svm, shadow_ip),
        SAVE(X86Svm, pause_count), SAVE(X86Svm, pause_filter),
        SAVE(X86Svm, pause_threshold), SAVE(X86Svm, insn_len),
        SAVE(X86Svm, guest), SAVE(X86Svm, np), SAVE(X86Svm, host_if),
        SAVE(X86Svm, closed)),
    { 0 }
};

/* Status flags and MXCSR's, which gathered elsewhere: cpu.h, fp.c. */
void x86_saving(Cpu *cpu)
{
    X86Cpu *c = x86_cpu(cpu);

    x86_put_eflags(c, x86_eflags(c));
    x86_set_mxcsr(c, x86_mxcsr(c));
    c->ftop &= 7;
    c->cpu.tcg.fsw = x87_fsw(c);
}

static bool are_selectors(const X86Cpu *c)
{
    u32 all = c->ldtr.selector | c->tr.selector;

    for (unsigned s = 0; s < SEGS; s++) {
        all |= c->seg[s].selector;
    }
    return all <= 0xffff;
}

bool x86_loaded(Cpu *cpu)
{
    X86Cpu *c = x86_cpu(cpu);

    if (!are_selectors(c) || c->cpl > 3 || c->fdseg > SEGS || c->ftop > 7
        || c->fempty > 0xff || c->fop & ~(u32)(FOP_BITS | FOP_CS)) {
        return false;
    }
    x86_put_eflags(c, x86_eflags(c));
    x86_set_mxcsr(c, c->mxcsr);
    c->cpu.tcg.fcw = (c->cpu.tcg.fcw & FCW_BITS) | FCW_ONES;
    x86_segs_changed(c);
    x86_set_smm(c, c->smm);
    x86_forget_spaces(c);
    if (c->svm.guest) {
        x86_enter_spaces(c, true);
    }
    x86_debug_changed(c);
    return true;
}
