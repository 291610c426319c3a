/* SPDX-License-Identifier: MIT */
/*
 * Taking exceptions to EL1 and returning from them.
 * Reference: Arm ARM (DDI 0487) D1.3 "Exceptions", D1.4 "Process state".
 *
 * Left out: SError (nothing here raises one), EL2, EL3, AArch32.
 */
#include "target/arm/debug.h"
#include "util/log.h"

/* Offsets in the vector table. */
enum { VECTOR_SYNC = 0, VECTOR_IRQ = 0x80, VECTOR_FIQ = 0x100 };

/* ---- PSTATE ------------------------------------------------------------- */

u64 flags_pack(u32 flags)
{
    return (flags & FLAG_N ? BIT(31) : 0) | (flags & FLAG_Z ? BIT(30) : 0)
        | (flags & FLAG_C ? BIT(29) : 0) | (flags & FLAG_V ? BIT(28) : 0);
}

u32 flags_unpack(u64 nzcv)
{
    return (nzcv & BIT(31) ? FLAG_N : 0) | (nzcv & BIT(30) ? FLAG_Z : 0)
        | (nzcv & BIT(29) ? FLAG_C : 0) | (nzcv & BIT(28) ? FLAG_V : 0);
}

u64 pstate_get(const ArmCpu *c)
{
    return flags_pack(c->nzcv) | (c->daif & PSTATE_DAIF)
        | (c->ss ? PSTATE_SS : 0) | (c->il ? PSTATE_IL : 0)
        | (u64)c->el << 2 | c->spsel;
}

static bool legal_mode(u64 spsr)
{
    unsigned mode = spsr & 31;

    return mode == 0 || mode == PSTATE_EL1 || mode == (PSTATE_EL1 | PSTATE_SP);
}

static void set_flags_and_masks(ArmCpu *c, u64 spsr)
{
    c->nzcv = flags_unpack(spsr);
    c->daif = spsr & PSTATE_DAIF;
}

void arm_set_sp(ArmCpu *c, unsigned el, unsigned spsel)
{
    unsigned from = c->el && c->spsel, to = el && spsel;

    if (from != to) {
        c->sp_el[from] = c->sp;
        c->sp = c->sp_el[to];
    }
    c->el = (u8)el;
    c->spsel = (u8)spsel;
}

/* A mode that is not there leaves the mode as it is: the debugger may ask. */
void pstate_set(ArmCpu *c, u64 spsr)
{
    set_flags_and_masks(c, spsr);
    c->il = (spsr & PSTATE_IL) != 0;
    c->ss = (spsr & PSTATE_SS) != 0;
    if (legal_mode(spsr)) {
        arm_set_sp(c, (spsr & PSTATE_EL1) != 0, spsr & PSTATE_SP);
    }
}

/* ---- key and space ------------------------------------------------------ */

/* What SCTLR_EL1 allows EL0. */
static const struct { u32 sctlr, key; } el0_keys[] = {
    { SCTLR_UCI, KEY_UCI }, { SCTLR_UCT, KEY_UCT }, { SCTLR_DZE, KEY_DZE },
    { SCTLR_UMA, KEY_UMA }, { SCTLR_NTWE, KEY_NTWE }, { SCTLR_NTWI, KEY_NTWI },
    { SCTLR_SA0, KEY_SA }, { SCTLR_E0E, KEY_BE },
};

static u32 el0_key(const ArmCpu *c)
{
    enum { EL0VCTEN = 1 << 1 };
    u32 key = c->cntkctl & EL0VCTEN ? KEY_CNT : 0;

    for (u32 i = 0; i < countof(el0_keys); i++) {
        key |= c->sctlr & el0_keys[i].sctlr ? el0_keys[i].key : 0;
    }
    return key;
}

static u32 el1_key(const ArmCpu *c)
{
    return KEY_EL | (c->spsel ? KEY_SPSEL : 0)
        | (c->sctlr & SCTLR_SA ? KEY_SA : 0)
        | (c->sctlr & SCTLR_EE ? KEY_BE : 0);
}

static u32 key_of(const ArmCpu *c)
{
    u32 key = c->el ? el1_key(c) : el0_key(c);
    unsigned fpen = bits(c->cpacr, 21, 20);

    key |= fpen == 3 || (fpen == 1 && c->el) ? KEY_FP : 0;
    key |= c->fpcr & FPCR_SOFT ? KEY_FP_SOFT : 0;
    key |= c->il ? KEY_IL : 0;
    if (c->sctlr & SCTLR_M) {
        key |= KEY_MMU | (c->sctlr & SCTLR_A ? KEY_A : 0);
    } else {
        key |= KEY_A;           /* all data is Device memory then */
    }
    return key | arm_debug_key(c);
}

void arm_mode_changed(ArmCpu *c)
{
    tlb_switch(&c->cpu, arm_space(c), key_of(c));
}

/* ---- in ----------------------------------------------------------------- */

static void enter(ArmCpu *c, unsigned vector, u64 ret)
{
    unsigned group = c->el == 0 ? 0x400 : c->spsel ? 0x200 : 0;

    c->spsr = pstate_get(c);
    if (log_on(LOG_INT)) {
        log_line(LOG_INT, "exception %d: vector %03x from EL%u at %016llx, "
                 "ESR %08llx FAR %016llx PSTATE %08llx", c->cpu.index,
                 vector + group, c->el, (unsigned long long)ret,
                 (unsigned long long)c->esr, (unsigned long long)c->far,
                 (unsigned long long)c->spsr);
    }
    c->elr = ret;
    arm_set_sp(c, 1, 1);
    c->daif = PSTATE_DAIF;
    c->ss = c->il = 0;
    c->stepped = 0;
    c->cpu.tcg.pc = c->vbar + group + vector;
    arm_mode_changed(c);
}

void arm_exception(ArmCpu *c, u64 esr, u64 ret)
{
    c->esr = esr;
    /* An instruction that will be done again was not stepped yet. */
    if (unlikely(c->stepped == (ret | 1))) {
        c->ss = 1;
    }
    enter(c, VECTOR_SYNC, ret);
}

void arm_trap(Cpu *cpu, u32 code)
{
    ArmCpu *c = arm_cpu(cpu);

    if (code == ARM_TRAP_SP) {
        arm_exception(c, ESR(EC_SP_ALIGN, 0), cpu->tcg.pc);
    }
}

void arm_fault(Cpu *cpu, const Fault *f)
{
    ArmCpu *c = arm_cpu(cpu);
    u64 iss = f->code;
    u64 ec;

    if (f->access == ACCESS_FETCH) {
        ec = c->el ? EC_IABORT : EC_IABORT_LOWER;
    } else {
        ec = c->el ? EC_DABORT : EC_DABORT_LOWER;
        iss |= f->access == ACCESS_WRITE ? ISS_WNR : 0;
    }
    c->far = f->va;
    arm_exception(c, ESR(ec, iss), cpu->tcg.pc);
}

/* ---- interrupts --------------------------------------------------------- */

static u32 due_lines(u32 lines, u32 daif)
{
    u32 masked = (daif & PSTATE_I ? 1u << ARM_LINE_IRQ : 0)
               | (daif & PSTATE_F ? 1u << ARM_LINE_FIQ : 0);

    return lines & ~masked & (1u << ARM_LINE_IRQ | 1u << ARM_LINE_FIQ);
}

static u32 lines_of(const Cpu *c)
{
    return __atomic_load_n(&c->lines, __ATOMIC_SEQ_CST);
}

void arm_check_lines(Cpu *c, u32 daif)
{
    if (unlikely(due_lines(lines_of(c), daif))) {
        cpu_request(c, REQ_INTERRUPT);
    }
}

bool arm_interrupt(Cpu *cpu)
{
    ArmCpu *c = arm_cpu(cpu);
    u32 due = due_lines(lines_of(cpu), c->daif);

    if (!due) {
        return false;
    }
    enter(c, due & 1u << ARM_LINE_FIQ ? VECTOR_FIQ : VECTOR_IRQ, cpu->tcg.pc);
    return true;
}

/* Masked or not: that is what WFI waits for. */
bool arm_wakes(const Cpu *c)
{
    return due_lines(lines_of(c), 0) != 0;
}

/* ---- out ---------------------------------------------------------------- */

/*
 * D1.4.4: a return to a mode that is not there goes on in this one with
 * PSTATE.IL set; the next instruction takes Illegal Execution state.
 */
void arm_eret(ArmCpu *c)
{
    u64 spsr = c->spsr;
    unsigned el = (spsr & PSTATE_EL1) != 0;
    bool was_enabled = arm_debug_enabled(c, c->el, c->daif);

    if (legal_mode(spsr)) {
        bool step = !was_enabled
            && arm_step_enabled(c, el, spsr & PSTATE_DAIF);
        pstate_set(c, spsr);
        c->ss = step && spsr & PSTATE_SS;
    } else {
        log_line(LOG_GUEST, "ERET to a mode that is not there: SPSR_EL1 %#llx",
                 (unsigned long long)spsr);
        set_flags_and_masks(c, spsr);
        c->ss = 0;
        c->il = 1;
    }
    c->excl_addr = ~0ull;
    c->event = true;
    c->cpu.tcg.pc = arm_clean_address(&c->cpu, c->elr);
    if (log_on(LOG_INT)) {
        log_line(LOG_INT, "ERET %d: to EL%u at %016llx", c->cpu.index, c->el,
                 (unsigned long long)c->cpu.tcg.pc);
    }
    arm_mode_changed(c);
    arm_check_lines(&c->cpu, c->daif);
}
