/* SPDX-License-Identifier: MIT */
/*
 * A64: exceptions and their return, hints, barriers, system registers.
 * Reference: Arm ARM (DDI 0487) C5, C6.2, D1.  The table is
 * a64_system.decode; the registers are in sysreg.c.
 *
 * A helper that changes what translated code depends on, or may put the CPU
 * to sleep, calls next() to step the pc over its instruction; ir_leave() then
 * goes on where env's pc and address space say.
 */
#include <sched.h>
#include "softmmu/machine.h"
#include "target/arm/debug.h"
#include "target/arm/sysreg.h"
#include "target/arm/translate.h"
#include "util/log.h"
#include "a64_system.forms.h"

enum { H_ALL = H_READ | H_WRITE | H_RAISE };

/* Steps over the instruction whose helper runs. */
static void next(ArmCpu *c)
{
    c->cpu.tcg.pc += 4;
}

static bool at_el1(const Ctx *c)
{
    return c->key & KEY_EL;
}

static bool leave(Ctx *c)
{
    ir_leave(c->b);
    return true;
}

/* ---- before any instruction --------------------------------------------- */

static void pc_misaligned(void *env)
{
    ArmCpu *c = env;

    c->far = c->cpu.tcg.pc;
    arm_exception(c, ESR(EC_PC_ALIGN, 0), c->cpu.tcg.pc);
}
HELPER(pc_misaligned, H_ALL, void, ptr);

static void step_begins(void *env, u32 exclusive)
{
    arm_step(env, exclusive);
}
HELPER(step_begins, H_READ | H_RAISE, void, ptr, i32);

static void step_ends(void *env)
{
    arm_step_exception(env);
}
HELPER(step_ends, H_ALL, void, ptr);

/* LDXR, LDXP and their acquiring kin; CASP has their place with size 0x. */
static bool is_load_exclusive(u32 w)
{
    return (w & 0x3fc00000) == 0x08400000 && (w >> 31 || !(w & BIT(21)));
}

static bool step(Ctx *c)
{
    if (!(c->key & KEY_SS_ACTIVE)) {
        IR_CALL(c->b, &helper_step_ends);
        return leave(c);
    }
    IR_CALL(c->b, &helper_step_begins,
            ir_i32(c->b, is_load_exclusive(c->insn)));
    c->b->full = true;                  /* a block of one instruction */
    return false;
}

static void check_break(void *env)
{
    ArmCpu *c = env;

    if (arm_break_matches(c, c->cpu.tcg.pc)) {
        arm_breakpoint(c);
        cpu_resume(&c->cpu);
    }
}
HELPER(check_break, H_READ | H_RAISE, void, ptr);

/* In the order of D1.3.5 "Synchronous exception prioritization". */
bool a64_before(Ctx *c)
{
    if (unlikely(c->key & KEY_SS) && step(c)) {
        return true;
    }
    if (unlikely(c->at & 3)) {
        IR_CALL(c->b, &helper_pc_misaligned);
        return leave(c);
    }
    if (unlikely(c->key & KEY_BREAK)) {
        IR_CALL(c->b, &helper_check_break);
    }
    return unlikely(c->key & KEY_IL) && raise_at(c, ESR(EC_ILLEGAL, 0));
}

/* ---- exceptions --------------------------------------------------------- */

/* The preferred return address is the instruction after. */
static void raise_after(void *env, u64 esr)
{
    ArmCpu *c = env;

    arm_exception(c, esr, c->cpu.tcg.pc + 4);
}
HELPER(raise_after, H_ALL, void, ptr, i64);

static bool svc(Ctx *c, form_exc a)
{
    IR_CALL(c->b, &helper_raise_after,
            ir_i64(c->b, ESR(EC_SVC64, (u32)a.imm)));
    return leave(c);
}

static void psci_call(void *env)
{
    next(env);
    arm_psci(env);
}
HELPER(psci_call, H_ALL, void, ptr);

/* There is no EL2 or EL3: undefined but where the board answers PSCI. */
static bool conduit(Ctx *c, bool answered)
{
    if (!at_el1(c) || !answered) {
        return false;
    }
    IR_CALL(c->b, &helper_psci_call);
    return leave(c);
}

static bool hvc(Ctx *c, form_exc a)
{
    (void)a;
    return conduit(c, c->cpu->psci.hvc);
}

static bool smc(Ctx *c, form_exc a)
{
    (void)a;
    return conduit(c, c->cpu->psci.smc);
}

static bool brk_insn(Ctx *c, form_exc a)
{
    return raise_at(c, ESR(EC_BRK, (u32)a.imm));
}

static void exception_return(void *env)
{
    arm_eret(env);
}
HELPER(exception_return, H_ALL, void, ptr);

static bool eret(Ctx *c, form_none a)
{
    (void)a;
    if (!at_el1(c)) {
        return false;
    }
    IR_CALL(c->b, &helper_exception_return);
    return leave(c);
}

/* ---- hints -------------------------------------------------------------- */

static bool nop(Ctx *c, form_hint a)
{
    (void)c, (void)a;
    return true;
}

static void give_way(void *env)
{
    (void)env;
    sched_yield();
}
HELPER(give_way, 0, void, ptr);

static bool yield(Ctx *c, form_none a)
{
    (void)a;
    IR_CALL(c->b, &helper_give_way);
    return true;
}

/* WFE may end without an event: it only lets other threads run. */
static void wait_for_event(void *env)
{
    ArmCpu *c = env;

    if (!__atomic_exchange_n(&c->event, false, __ATOMIC_SEQ_CST)) {
        sched_yield();
    }
}
HELPER(wait_for_event, 0, void, ptr);

static void wait_for_interrupt(void *env)
{
    ArmCpu *c = env;

    next(c);
    if (!arm_wakes(&c->cpu)) {
        cpu_halt(&c->cpu);
    }
}
HELPER(wait_for_interrupt, H_ALL, void, ptr);

static bool trap_wait(Ctx *c, bool wfe)
{
    return raise_at(c, ESR(EC_WFX, 0x1e << 20 | wfe));  /* CV, COND = AL */
}

static bool wfe(Ctx *c, form_none a)
{
    (void)a;
    if (!at_el1(c) && !(c->key & KEY_NTWE)) {
        return trap_wait(c, true);
    }
    IR_CALL(c->b, &helper_wait_for_event);
    return true;
}

static bool wfi(Ctx *c, form_none a)
{
    (void)a;
    if (!at_el1(c) && !(c->key & KEY_NTWI)) {
        return trap_wait(c, false);
    }
    IR_CALL(c->b, &helper_wait_for_interrupt);
    return leave(c);
}

static void send_event(void *env, u32 everywhere)
{
    ArmCpu *c = env;
    Machine *m = c->cpu.machine;

    __atomic_store_n(&c->event, true, __ATOMIC_SEQ_CST);
    for (u32 i = 0; everywhere && m && i < m->ncpus; i++) {
        __atomic_store_n(&arm_cpu(m->cpu[i])->event, true, __ATOMIC_SEQ_CST);
    }
}
HELPER(send_event, 0, void, ptr, i32);

static bool sev(Ctx *c, form_none a, bool everywhere)
{
    (void)a;
    IR_CALL(c->b, &helper_send_event, ir_i32(c->b, everywhere));
    return true;
}

/* ---- barriers ----------------------------------------------------------- */

static bool clrex(Ctx *c, form_none a)
{
    (void)a;
    ir_put(c->b, S_EXCL_ADDR, ir_i64(c->b, ~0ull));
    return true;
}

/* The low two bits of CRm: 1 loads before, 2 stores, 3 all. */
static bool barrier(Ctx *c, form_barrier a)
{
    static const u8 kinds[4] = {
        FENCE_LL | FENCE_LS | FENCE_SL | FENCE_SS, FENCE_LL | FENCE_LS,
        FENCE_SS, FENCE_LL | FENCE_LS | FENCE_SL | FENCE_SS,
    };

    ir_fence(c->b, kinds[a.crm & 3]);
    return true;
}

static void context_synchronised(void *env)
{
    next(env);
}
HELPER(context_synchronised, H_RAISE, void, ptr);

/* What comes next is fetched anew: its page may have been remapped. */
static bool isb(Ctx *c, form_none a)
{
    (void)a;
    IR_CALL(c->b, &helper_context_synchronised);
    return leave(c);
}

/* ---- PSTATE ------------------------------------------------------------- */

/* ISS of a trapped MSR, MRS or SYS, from the instruction's fields. */
static u64 trap_iss(const Ctx *c)
{
    u32 w = c->insn;

    return bits(w, 20, 19) << 20 | bits(w, 7, 5) << 17 | bits(w, 18, 16) << 14
        | bits(w, 15, 12) << 10 | bits(w, 4, 0) << 5 | bits(w, 11, 8) << 1
        | bits(w, 21, 21);
}

static bool trap_access(Ctx *c)
{
    return raise_at(c, ESR(EC_SYSREG, trap_iss(c)));
}

static void check_lines(void *env, u32 daif)
{
    arm_check_lines(env, daif);
}
HELPER(check_lines, 0, void, ptr, i32);

/* PSTATE.D may turn debug exceptions on. */
static void set_masks(void *env, u32 daif)
{
    ArmCpu *c = env;

    c->daif = daif;
    arm_check_lines(&c->cpu, daif);
    arm_mode_changed(c);
    next(c);
}
HELPER(set_masks, H_ALL, void, ptr, i32);

/* Masks opened: a pending interrupt is taken before the next instruction. */
static bool put_daif(Ctx *c, Val daif, bool opens)
{
    if (unlikely(c->key & KEY_KDE)) {
        IR_CALL(c->b, &helper_set_masks, daif);
        return leave(c);
    }
    ir_put(c->b, S_DAIF, daif);
    if (opens) {
        IR_CALL(c->b, &helper_check_lines, daif);
        ir_exit(c->b, ir_pc(c->b, c->at + 4), EXIT_JUMP | EXIT_POLL);
    }
    return true;
}

static bool msr_daif(Ctx *c, form_pstate a, bool set)
{
    Val old = ir_get(c->b, S_DAIF);
    u32 mask = (u32)a.crm << 6;

    if (!at_el1(c) && !(c->key & KEY_UMA)) {
        return trap_access(c);
    }
    if (set) {
        return put_daif(c, ir_or(c->b, old, ir_i32(c->b, mask)), false);
    }
    return put_daif(c, ir_and(c->b, old, ir_i32(c->b, ~mask)),
                    mask & (PSTATE_I | PSTATE_F));
}

static void set_spsel(void *env, u64 v)
{
    ArmCpu *c = env;

    arm_set_sp(c, 1, v & 1);
    arm_mode_changed(c);
    next(c);
}
HELPER(set_spsel, H_ALL, void, ptr, i64);

static bool put_spsel(Ctx *c, Val v)
{
    IR_CALL(c->b, &helper_set_spsel, v);
    return leave(c);
}

static bool msr_spsel(Ctx *c, form_pstate a)
{
    return at_el1(c) && put_spsel(c, ir_i64(c->b, a.crm & 1));
}

static u64 get_fpcr(void *env)
{
    return fpcr_get(env);
}
HELPER(get_fpcr, 0, i64, ptr);

static u64 get_fpsr(void *env)
{
    return fpsr_get(env);
}
HELPER(get_fpsr, H_READ, i64, ptr);

static void put_fpsr(void *env, u64 v)
{
    fpsr_set(env, (u32)v);
}
HELPER(put_fpsr, H_READ, void, ptr, i64);

static void put_fpcr(void *env, u64 v)
{
    ArmCpu *c = env;

    fpcr_set(c, (u32)v);
    arm_mode_changed(c);
    next(c);
}
HELPER(put_fpcr, H_ALL, void, ptr, i64);

/* ---- cache operations by address ---------------------------------------- */

static void zero_block(void *env, u64 va)
{
    Cpu *c = env;
    u64 first = align_down(va, 64);
    u8 *host = tlb_host(c, first, ACCESS_WRITE, 64);

    if (likely(host)) {
        memset(host, 0, 64);
        return;
    }
    for (u32 i = 0; i < 64; i += 8) {
        cpu_store(c, first + i, 0, M_64);
    }
}
HELPER(zero_block, H_READ | H_RAISE, void, ptr, i64);

/* Maintenance does nothing here, but EL0 needs to be able to read there. */
static void probe_cache_line(void *env, u64 va)
{
    Cpu *c = env;
    TlbHit hit;
    Fault f;

    if (!tlb_resolve(c, va, ACCESS_READ, false, &hit, &f)) {
        f.code |= ISS_CM | ISS_WNR;
        cpu_fault(c, &f);
    }
}
HELPER(probe_cache_line, H_READ | H_RAISE, void, ptr, i64);

/* ---- MSR, MRS, SYS ------------------------------------------------------ */

static u64 sys_read(void *env, u32 row)
{
    return sysreg_read(env, &sysregs[row]);
}
HELPER(sys_read, 0, i64, ptr, i32);

static u64 sys_read_slots(void *env, u32 row)
{
    return sysreg_read(env, &sysregs[row]);
}
HELPER(sys_read_slots, H_READ, i64, ptr, i32);

static void sys_write(void *env, u32 row, u64 v)
{
    sysreg_write(env, &sysregs[row], v);
}
HELPER(sys_write, 0, void, ptr, i32, i64);

static void sys_write_slots(void *env, u32 row, u64 v)
{
    sysreg_write(env, &sysregs[row], v);
}
HELPER(sys_write_slots, H_READ | H_WRITE, void, ptr, i32, i64);

static void sys_write_end(void *env, u32 row, u64 v)
{
    sysreg_write(env, &sysregs[row], v);
    next(env);
}
HELPER(sys_write_end, H_ALL, void, ptr, i32, i64);

/* EL0: traps unless the row's check says that it may. */
static void sys_check(void *env, u32 row, u32 write, u64 esr)
{
    ArmCpu *c = env;

    if (!sysregs[row].el0(c, write)) {
        arm_exception(c, esr, c->cpu.tcg.pc);
        cpu_resume(&c->cpu);
    }
}
HELPER(sys_check, H_READ | H_RAISE, void, ptr, i32, i32, i64);

static Val row_of(Ctx *c, const SysReg *r)
{
    return ir_i32(c->b, (u32)(r - sysregs));
}

static bool read_special(Ctx *c, unsigned rt, const SysReg *r)
{
    Ir *b = c->b;
    Val v = ir_i64(b, r->value);

    switch ((SysSpecial)r->special) {
    case SYS_SPSEL:
        v = ir_i64(b, (c->key & KEY_SPSEL) != 0);
        break;
    case SYS_CURRENTEL:
        v = ir_i64(b, 1 << 2);
        break;
    case SYS_NZCV:
        v = ir_zext(b, ir_packf(b, ir_get(b, S_NZCV)));
        break;
    case SYS_DAIF:
        v = ir_zext(b, ir_get(b, S_DAIF));
        break;
    case SYS_FPCR:
    case SYS_FPSR:
        if (!fp_enabled(c)) {
            return true;
        }
        v = IR_CALL(b, r->special == SYS_FPCR ? &helper_get_fpcr
                                              : &helper_get_fpsr);
        break;
    default:
        break;
    }
    return set_x(c, true, rt, v);
}

static bool write_special(Ctx *c, Val v, const SysReg *r)
{
    Ir *b = c->b;

    switch ((SysSpecial)r->special) {
    case SYS_SPSEL:
        return put_spsel(c, v);
    case SYS_NZCV:
        ir_put(b, S_NZCV, ir_unpackf(b, ir_trunc(b, v)));
        return true;
    case SYS_DAIF:
        v = ir_and(b, ir_trunc(b, v), ir_i32(b, PSTATE_DAIF));
        return put_daif(c, v, true);
    case SYS_FPCR:
        if (fp_enabled(c)) {
            IR_CALL(b, &helper_put_fpcr, v);
            ir_leave(b);
        }
        return true;
    case SYS_FPSR:
        if (fp_enabled(c)) {
            IR_CALL(b, &helper_put_fpsr, v);
        }
        return true;
    case SYS_ZVA:
        watch_store(c, ir_and(b, v, ir_i64(b, ~63ull)), 64);
        IR_CALL(b, &helper_zero_block, v);
        return true;
    case SYS_CACHE:
        if (!at_el1(c)) {
            IR_CALL(b, &helper_probe_cache_line, v);
        }
        return true;
    default:
        return true;
    }
}

static bool mrs(Ctx *c, unsigned rt, const SysReg *r)
{
    Ir *b = c->b;

    if (r->read) {
        return set_x(c, true, rt, IR_CALL(b, r->slots ? &helper_sys_read_slots
                                          : &helper_sys_read, row_of(c, r)));
    }
    if (r->special) {
        return read_special(c, rt, r);
    }
    if (r->slot) {
        return set_x(c, true, rt, ir_get(b, r->slot));
    }
    if (r->constant || !r->size) {
        u64 v = r->size ? load_le((const u8 *)c->cpu + r->offset, r->size)
                        : r->value;
        return set_x(c, true, rt, ir_i64(b, v));
    }
    return set_x(c, true, rt, IR_CALL(b, &helper_sys_read, row_of(c, r)));
}

static bool msr(Ctx *c, unsigned rt, const SysReg *r)
{
    Ir *b = c->b;
    Val v = get_x(c, true, rt);

    if (r->special) {
        return write_special(c, v, r);
    }
    if (r->slot && !r->write) {
        ir_put(b, r->slot, r->rw ? ir_and(b, v, ir_i64(b, r->rw)) : v);
        return true;
    }
    if (r->ends) {
        IR_CALL(b, &helper_sys_write_end, row_of(c, r), v);
        return leave(c);
    }
    IR_CALL(b, r->slots ? &helper_sys_write_slots : &helper_sys_write,
            row_of(c, r), v);
    return true;
}

/* ID registers are one space, whose unused places read as zero. */
static bool read_id(Ctx *c, form_sys a, bool read)
{
    u32 at = bits((u32)a.enc, 6, 0);            /* CRm, op2 */

    return read && at_el1(c)
        && set_x(c, true, a.rt, ir_i64(c->b, c->cpu->id[at]));
}

static bool unknown(Ctx *c, form_sys a, bool read)
{
    char name[32];

    sysreg_spell((u32)a.enc, name, sizeof name);
    log_line(LOG_UNIMP, "%s of system register %s, which is not there "
             "(EL%d)", read ? "read" : "write", name, at_el1(c));
    return false;
}

static bool sys(Ctx *c, form_sys a, bool read)
{
    const SysReg *r = sysreg_find((u32)a.enc, c->features);
    bool el1 = at_el1(c);
    u32 need = el1 ? (read ? R1 : W1) : (read ? R0 : W0);

    if (!r) {
        return sysreg_is_id((u32)a.enc) ? read_id(c, a, read)
                                        : unknown(c, a, read);
    }
    if (!(r->rights & need) || (el1 && r->key1 && !(c->key & r->key1))) {
        return false;
    }
    if (!el1 && r->key0 && !(c->key & r->key0)) {
        return trap_access(c);
    }
    if (!el1 && r->el0) {
        IR_CALL(c->b, &helper_sys_check, row_of(c, r), ir_i32(c->b, !read),
                ir_i64(c->b, ESR(EC_SYSREG, trap_iss(c))));
    }
    return read ? mrs(c, a.rt, r) : msr(c, a.rt, r);
}

#include "a64_system.decode.h"

bool a64_system(Ctx *c, u32 w)
{
    return a64_system_decode(c, w);
}
