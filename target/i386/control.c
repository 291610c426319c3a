/* SPDX-License-Identifier: MIT */
/*
 * System instructions on control and debug registers, MSRs, translations,
 * and the system calls.  Reference: SDM volume 2; volume 3, chapters 2, 18.
 */
#include "target/i386/svm.h"
#include "target/i386/sys.h"

/* ---- control and debug registers ---------------------------------------- */

/* A guest's own CR8 (APM volume 2, 15.21.2). */
static bool virtual_tpr(const X86Cpu *c)
{
    return x86_in_guest(c) && c->svm.int_ctl & V_INTR_MASKING;
}

static u64 read_cr8(X86Cpu *c)
{
    u64 v = 0;

    if (virtual_tpr(c)) {
        return c->svm.int_ctl & V_TPR;
    }
    x86_intc_read(c, SYSREG_CR8, &v);
    return v;
}

static void write_cr8(X86Cpu *c, u64 v)
{
    if (virtual_tpr(c)) {
        c->svm.int_ctl = (c->svm.int_ctl & ~(u64)V_TPR) | v;
        x86_check_lines(c);
    } else {
        x86_intc_write(c, SYSREG_CR8, v);
    }
}

static u64 read_cr(void *env, u32 n)
{
    X86Cpu *c = env;

    switch (n) {
    case 0: return c->cr0;
    case 2: return c->cr2;
    case 3: return c->cr3;
    case 4: return c->cr4;
    default: return read_cr8(c);
    }
}
HELPER(read_cr, H_READ, i64, ptr, i32);

static bool write_control(X86Cpu *c, u32 n, u64 v)
{
    switch (n) {
    case 0: return x86_write_cr0(c, v);
    case 3: return x86_write_cr3(c, v);
    case 4: return x86_write_cr4(c, v);
    case 8:
        write_cr8(c, v);
        return true;
    default:
        c->cr2 = v;
        return true;
    }
}

static void write_cr(void *env, u32 n, u64 v, u64 next)
{
    X86Cpu *c = env;
    u32 key = c->cpu.key;

    general_protection_unless(c, x86_good_cr(c, n, v));
    x86_intercept_cr_write(c, n, true, v);
    general_protection_unless(c, write_control(c, n, v));
    settle(c, key, next);
}
HELPER(write_cr, H_ALL, void, ptr, i32, i64, i64);

/* LOCK MOV CR0 is how AMD's 32-bit mode reaches CR8. */
static bool cr_number(const X86Ctx *c, u32 *n)
{
    *n = c->reg | (c->lock ? 8u : 0);
    return *n == 0 || (*n >= 2 && *n <= 4) || *n == 8;
}

static unsigned control_size(const X86Ctx *c) { return is64(c) ? 8 : 4; }

static bool mov_from_cr(X86Ctx *c)
{
    unsigned size = control_size(c);
    u32 n;

    if (!cr_number(c, &n)) {
        return false;
    }
    if (!is_supervisor(c)) {
        return x86_raise_at(c, X_GP, 0);
    }
    x86_guest_cr_read(c, n, true);
    x86_set(c, size, c->rm,
            x86_to(c, 8, size, IR_CALL(c->b, &helper_read_cr, k32(c, n)),
                   false));
    return true;
}

static bool mov_to_cr(X86Ctx *c)
{
    unsigned size = control_size(c);
    u32 n;

    if (!cr_number(c, &n)) {
        return false;
    }
    if (!is_supervisor(c)) {
        return x86_raise_at(c, X_GP, 0);
    }
    IR_CALL(c->b, &helper_write_cr, k32(c, n),
            x86_to(c, size, 8, x86_get(c, size, c->rm), false),
            linear_next(c));
    if (n != 2 && n != 8) {
        x86_stop(c);
    }
    return true;
}

/*
 * DR4 and DR5 are DR6 and DR7 without CR4.DE; DR7.GD traps all; then it may
 * be intercepted by exit + n.
 */
static unsigned checked_dr(X86Cpu *c, u32 n, u32 exit)
{
    u64 info = x86_has(c, F_DECODEASSISTS) ? c->svm.insn_info : 0;

    if (c->dr[7] & DR7_GD) {
        c->dr[6] |= DR6_BD;
        x86_raise(c, X_DB, 0);
    }
    if (n == 4 || n == 5) {
        if (c->cr4 & CR4_DE) {
            x86_raise(c, X_UD, 0);
        }
        x86_intercept(c, exit + n, info);
        return n + 2;
    }
    x86_intercept(c, exit + n, info);
    return n;
}

static u64 read_dr(void *env, u32 n)
{
    X86Cpu *c = env;

    return c->dr[checked_dr(c, n, EXIT_DR_READ)];
}
HELPER(read_dr, H_ALL, i64, ptr, i32);

static void write_dr(void *env, u32 n, u64 v, u64 next)
{
    X86Cpu *c = env;
    u32 key = c->cpu.key;

    n = checked_dr(c, n, EXIT_DR_WRITE);
    general_protection_unless(c, x86_write_dr(c, n, v));
    settle(c, key, next);
}
HELPER(write_dr, H_ALL, void, ptr, i32, i64, i64);

static bool mov_from_dr(X86Ctx *c)
{
    unsigned size = control_size(c);

    if (c->reg > 7) {
        return false;
    }
    if (!is_supervisor(c)) {
        return x86_raise_at(c, X_GP, 0);
    }
    x86_set(c, size, c->rm,
            x86_to(c, 8, size, IR_CALL(c->b, &helper_read_dr, k32(c, c->reg)),
                   false));
    return true;
}

static bool mov_to_dr(X86Ctx *c)
{
    unsigned size = control_size(c);

    if (c->reg > 7) {
        return false;
    }
    if (!is_supervisor(c)) {
        return x86_raise_at(c, X_GP, 0);
    }
    IR_CALL(c->b, &helper_write_dr, k32(c, c->reg),
            x86_to(c, size, 8, x86_get(c, size, c->rm), false),
            linear_next(c));
    x86_stop(c);
    return true;
}

static void clear_ts(void *env, u64 next)
{
    X86Cpu *c = env;
    u32 key = c->cpu.key;

    x86_intercept(c, EXIT_CR_WRITE, 0);
    c->cr0 &= ~(u64)CR0_TS;
    x86_mode_changed(c);
    settle(c, key, next);
}
HELPER(clear_ts, H_ALL, void, ptr, i64);

static bool clts(X86Ctx *c)
{
    IR_CALL(c->b, &helper_clear_ts, linear_next(c));
    return true;
}

static bool smsw(X86Ctx *c)
{
    Val v;

    if (forbidden_by_umip(c)) {
        return true;
    }
    x86_guest_cr_read(c, 0, false);
    v = IR_CALL(c->b, &helper_read_cr, k32(c, 0));
    return store_word(c, ir_trunc(c->b, v));
}

/* The four low bits; PE can be set and not cleared. */
static void load_msw(void *env, u32 v, u64 next)
{
    X86Cpu *c = env;
    u32 key = c->cpu.key;
    u64 cr0 = (c->cr0 & ~14ull) | (v & 15);

    x86_intercept_cr_write(c, 0, false, cr0);
    general_protection_unless(c, x86_write_cr0(c, cr0));
    settle(c, key, next);
}
HELPER(load_msw, H_ALL, void, ptr, i32, i64);

static bool lmsw(X86Ctx *c)
{
    Val addr;

    IR_CALL(c->b, &helper_load_msw, x86_get_e(c, 2, &addr), linear_next(c));
    x86_stop(c);
    return true;
}

/* ---- translations and caches -------------------------------------------- */

static void invalidate(void *env, u64 va)
{
    x86_invlpg(env, va);
}
HELPER(invalidate, H_READ | H_WRITE, void, ptr, i64);

/* The address is not accessed: no limit counts. */
static bool invlpg(X86Ctx *c)
{
    Val va = x86_offset(c);

    if (c->seg >= FS || !is64(c)) {
        va = ir_add(c->b, va, ir_get(c->b, S_BASE + c->seg));
    }
    x86_guest_invlpg(c, va);
    IR_CALL(c->b, &helper_invalidate, va);
    x86_stop(c);
    return true;
}

/* SDM volume 2, INVPCID: what the descriptor and the type ask for. */
static void invalidate_pcid(void *env, u64 type, u64 low, u64 va, u64 next)
{
    X86Cpu *c = env;
    u16 pcid = low & 0xfff;

    general_protection_unless(c, type <= 3 && (type >= 2 || !(low >> 12))
                              && (type >= 2 || !pcid || c->cr4 & CR4_PCIDE)
                              && (type != 0 || canonical(va)));
    if (type == 0 && (c->cr3 & 0xfff) == pcid) {
        x86_invlpg(c, va);
    } else if (type <= 1) {
        x86_forget_pcid(c, pcid);
    } else {
        x86_flush(c);
    }
    x86_mode_changed(c);
    c->cpu.tcg.pc = next;
}
HELPER(invalidate_pcid, H_ALL, void, ptr, i64, i64, i64, i64);

static bool invpcid(X86Ctx *c)
{
    unsigned size = control_size(c);
    Val addr = x86_mem(c, 16, false);
    Val low = x86_load(c, addr, 8);
    Val va = x86_load(c, ir_add(c->b, addr, ir_i64(c->b, 8)), 8);

    IR_CALL(c->b, &helper_invalidate_pcid,
            x86_to(c, size, 8, x86_get(c, size, c->reg), false), low, va,
            linear_next(c));
    ir_leave(c->b);
    return true;
}

static bool no_cache(X86Ctx *c)
{
    (void)c;                            /* INVD, WBINVD: caches do not show */
    return true;
}

/* ---- CPUID, time, MSRs -------------------------------------------------- */

static void cpuid(void *env)
{
    X86Cpu *c = env;
    u32 v[4];

    x86_cpuid(c, (u32)c->r[RAX], (u32)c->r[RCX], v);
    c->r[RAX] = v[0];
    c->r[RBX] = v[1];
    c->r[RCX] = v[2];
    c->r[RDX] = v[3];
}
HELPER(cpuid, H_READ | H_WRITE, void, ptr);

static bool insn_cpuid(X86Ctx *c)
{
    IR_CALL(c->b, &helper_cpuid);
    return true;
}

static void put_pair(X86Cpu *c, u64 v)
{
    c->r[RAX] = (u32)v;
    c->r[RDX] = v >> 32;
}

static u64 pair(const X86Cpu *c)
{
    return c->r[RDX] << 32 | (u32)c->r[RAX];
}

static void time_stamp(void *env, u32 with_aux)
{
    X86Cpu *c = env;

    general_protection_unless(c, !(c->cr4 & CR4_TSD) || c->cpl == 0);
    x86_intercept(c, with_aux ? EXIT_RDTSCP : EXIT_RDTSC, 0);
    put_pair(c, x86_tsc(c));
    if (with_aux) {
        c->r[RCX] = (u32)c->tsc_aux;
    }
}
HELPER(time_stamp, H_ALL, void, ptr, i32);

static bool rdtsc(X86Ctx *c)
{
    IR_CALL(c->b, &helper_time_stamp, k32(c, false));
    return true;
}

static bool rdtscp(X86Ctx *c)
{
    if (!x86_has(c->cpu, F_RDTSCP)) {
        return false;
    }
    IR_CALL(c->b, &helper_time_stamp, k32(c, true));
    return true;
}

static void perf_counter(void *env)
{
    X86Cpu *c = env;

    /* No counters are advertised: none has a number. */
    x86_raise(c, X_GP, 0);
}
HELPER(perf_counter, H_ALL, void, ptr);

static bool rdpmc(X86Ctx *c)
{
    IR_CALL(c->b, &helper_perf_counter);
    ir_leave(c->b);
    return true;
}

static void read_msr(void *env)
{
    X86Cpu *c = env;
    u64 v;

    x86_intercept_msr(c, (u32)c->r[RCX], false);
    general_protection_unless(c, x86_rdmsr(c, (u32)c->r[RCX], &v));
    put_pair(c, v);
}
HELPER(read_msr, H_ALL, void, ptr);

static bool rdmsr(X86Ctx *c)
{
    IR_CALL(c->b, &helper_read_msr);
    return true;
}

static void write_msr(void *env, u64 next)
{
    X86Cpu *c = env;
    u32 key = c->cpu.key;

    x86_intercept_msr(c, (u32)c->r[RCX], true);
    general_protection_unless(c, x86_wrmsr(c, (u32)c->r[RCX], pair(c)));
    settle(c, key, next);
}
HELPER(write_msr, H_ALL, void, ptr, i64);

static bool wrmsr(X86Ctx *c)
{
    IR_CALL(c->b, &helper_write_msr, linear_next(c));
    x86_stop(c);
    return true;
}

static void get_bv(void *env)
{
    X86Cpu *c = env;
    u32 n = (u32)c->r[RCX];

    general_protection_unless(c, n == 0 || (n == 1 && x86_has(c, F_XGETBV1)));
    put_pair(c, c->xcr0);
}
HELPER(get_bv, H_ALL, void, ptr);

static void set_bv(void *env, u64 next)
{
    X86Cpu *c = env;
    u32 key = c->cpu.key;

    general_protection_unless(c, c->cpl == 0 && (u32)c->r[RCX] == 0);
    x86_intercept(c, EXIT_XSETBV, 0);
    general_protection_unless(c, x86_write_xcr0(c, pair(c)));
    settle(c, key, next);
}
HELPER(set_bv, H_ALL, void, ptr, i64);

static void os_xsave(void *env)
{
    X86Cpu *c = env;

    if (!(c->cr4 & CR4_OSXSAVE)) {
        x86_raise(c, X_UD, 0);
    }
}
HELPER(os_xsave, H_READ | H_RAISE, void, ptr);

static bool get_set_bv(X86Ctx *c, bool set)
{
    if (!x86_has(c->cpu, F_XSAVE)) {
        return false;
    }
    IR_CALL(c->b, &helper_os_xsave);
    if (set) {
        IR_CALL(c->b, &helper_set_bv, linear_next(c));
    } else {
        IR_CALL(c->b, &helper_get_bv);
    }
    return true;
}

/* ---- FS, GS bases ------------------------------------------------------- */

static void need_fsgsbase(void *env)
{
    X86Cpu *c = env;

    if (!(c->cr4 & CR4_FSGSBASE)) {
        x86_raise(c, X_UD, 0);
    }
}
HELPER(need_fsgsbase, H_READ | H_RAISE, void, ptr);

static bool read_base(X86Ctx *c)
{
    Val v;

    IR_CALL(c->b, &helper_need_fsgsbase);
    v = ir_get(c->b, S_BASE + c->row->arg);
    x86_set(c, c->osize, c->rm, x86_to(c, 8, c->osize, v, false));
    return true;
}

static bool write_base(X86Ctx *c)
{
    Val v = x86_to(c, c->osize, 8, x86_get(c, c->osize, c->rm), false);

    IR_CALL(c->b, &helper_need_fsgsbase);
    x86_raise_if(c, ir_set(c->b, NE, ir_sextract(c->b, v, 0, 48), v), X_GP, 0);
    ir_put(c->b, S_BASE + c->row->arg, v);
    return true;
}

static void swap_gs(void *env)
{
    X86Cpu *c = env;
    u64 v = c->base[GS];

    c->base[GS] = c->kernel_gs_base;
    c->kernel_gs_base = v;
}
HELPER(swap_gs, H_READ | H_WRITE, void, ptr);

static bool swapgs(X86Ctx *c)
{
    if (!is64(c)) {
        return false;
    }
    if (!is_supervisor(c)) {
        return x86_raise_at(c, X_GP, 0);
    }
    IR_CALL(c->b, &helper_swap_gs);
    return true;
}

static u64 read_aux(void *env) { return ((X86Cpu *)env)->tsc_aux; }
HELPER(read_aux, H_READ, i64, ptr);

static bool rdpid(X86Ctx *c)
{
    unsigned size = control_size(c);

    x86_set(c, size, c->rm,
            x86_to(c, 8, size, IR_CALL(c->b, &helper_read_aux), false));
    return true;
}

/* ---- system calls ------------------------------------------------------- */

enum { SYSCALL, SYSRET, SYSENTER, SYSEXIT };

static void system_call(void *env, u32 which, u32 wide, u64 next)
{
    switch (which) {
    case SYSCALL: x86_syscall(env, next); return;
    case SYSRET: x86_sysret(env, wide); return;
    case SYSENTER: x86_sysenter(env); return;
    default: x86_sysexit(env, wide); return;
    }
}
HELPER(system_call, H_ALL, void, ptr, i32, i32, i64);

/* AMD has no SYSENTER in long mode, Intel SYSCALL in 64-bit mode only. */
static bool has_call(const X86Ctx *c)
{
    bool old = c->row->arg == SYSENTER || c->row->arg == SYSEXIT;

    return x86_is_amd(c->cpu) ? !(old && c->key & KEY_LMA) : old || is64(c);
}

static bool syscalls(X86Ctx *c)
{
    if (!has_call(c)) {
        return false;
    }
    IR_CALL(c->b, &helper_system_call, k32(c, c->row->arg), k32(c, c->rexw),
            x86_next(c));
    ir_leave(c->b);
    return true;
}

/* ---- SMM ---------------------------------------------------------------- */

static void leave_smm(void *env)
{
    X86Cpu *c = env;

    if (!c->smm) {
        x86_raise(c, X_UD, 0);
    }
    x86_rsm(c);
}
HELPER(leave_smm, H_ALL, void, ptr);

static bool rsm(X86Ctx *c)
{
    IR_CALL(c->b, &helper_leave_smm);
    ir_leave(c->b);
    return true;
}

/* ---- SMAP -------------------------------------------------------------- */

static void change_ac(void *env, u32 on, u64 next)
{
    X86Cpu *c = env;

    c->eflags = (c->eflags & ~(u32)FL_AC) | (on ? FL_AC : 0);
    c->cpu.tcg.pc = next;
    x86_level_changed(c);
}
HELPER(change_ac, H_READ | H_WRITE, void, ptr, i32, i64);

static bool clac_stac(X86Ctx *c, bool on)
{
    if (c->key & KEY_CPL || c->key & KEY_VM || !x86_has(c->cpu, F_SMAP)) {
        return false;
    }
    IR_CALL(c->b, &helper_change_ac, k32(c, on), linear_next(c));
    ir_leave(c->b);             /* another key, nearly always */
    return true;
}

/* ---- 0F 01 with a register: the whole ModRM chooses --------------------- */

static bool group7(X86Ctx *c)
{
    if (c->modrm >= 0xd8 && c->modrm <= 0xdf) {
        return x86_svm_insn(c);
    }
    switch (c->modrm) {
    case 0xca: return clac_stac(c, false);
    case 0xcb: return clac_stac(c, true);
    case 0xd0: return get_set_bv(c, false);
    case 0xd1: return get_set_bv(c, true);
    case 0xf8: return swapgs(c);
    case 0xf9: return rdtscp(c);
    default: return false;
    }
}

static bool undefined(X86Ctx *c)
{
    (void)c;
    return false;
}

/* ---- tables: SDM volume 2, tables A-3, A-6 ---------------------------- */

const X86Row x86_control_0f[] = {
    GRP(0x01, 4, "SMSW", "Ev", smsw, .exit = EXIT_LATE),
    GRP(0x01, 6, "LMSW", "Ew", lmsw, .flags = X_CPL0, .exit = EXIT_LATE),
    GRP(0x01, 7, "INVLPG", "Mb", invlpg, .flags = X_MEM | X_CPL0,
        .exit = EXIT_LATE),
    OP(0x01, "CLAC, XGETBV, SWAPGS, RDTSCP, SVM", "", group7, .flags = X_REG,
       .exit = EXIT_LATE),
    ROW(0x05, PANY, -1, F_SYSCALL, "SYSCALL", "", syscalls, .arg = SYSCALL),
    OP(0x06, "CLTS", "", clts, .flags = X_CPL0, .exit = EXIT_LATE),
    ROW(0x07, PANY, -1, F_SYSCALL, "SYSRET", "", syscalls, .arg = SYSRET),
    OP(0x08, "INVD", "", no_cache, .flags = X_CPL0, .exit = EXIT_INVD),
    OP(0x09, "WBINVD", "", no_cache, .flags = X_CPL0, .exit = EXIT_WBINVD),
    OP(0x0b, "UD2", "", undefined),
    OP(0x20, "MOV", "Rd,Cd", mov_from_cr, .exit = EXIT_LATE),
    OP(0x21, "MOV", "Rd,Dd", mov_from_dr, .exit = EXIT_LATE),
    OP(0x22, "MOV", "Cd,Rd", mov_to_cr, .exit = EXIT_LATE),
    OP(0x23, "MOV", "Dd,Rd", mov_to_dr, .exit = EXIT_LATE),
    ROW(0x30, PANY, -1, F_MSR, "WRMSR", "", wrmsr, .flags = X_CPL0,
        .exit = EXIT_LATE),
    ROW(0x31, PANY, -1, F_TSC, "RDTSC", "", rdtsc, .exit = EXIT_LATE),
    ROW(0x32, PANY, -1, F_MSR, "RDMSR", "", rdmsr, .flags = X_CPL0,
        .exit = EXIT_LATE),
    OP(0x33, "RDPMC", "", rdpmc, .exit = EXIT_RDPMC),
    ROW(0x34, PANY, -1, F_SEP, "SYSENTER", "", syscalls, .arg = SYSENTER),
    ROW(0x35, PANY, -1, F_SEP, "SYSEXIT", "", syscalls, .arg = SYSEXIT),
    OP(0xa2, "CPUID", "", insn_cpuid, .exit = EXIT_CPUID),
    OP(0xaa, "RSM", "", rsm, .exit = EXIT_RSM),
    ROW(0xae, PF3, 0, F_FSGSBASE, "RDFSBASE", "Ry", read_base, .arg = FS,
        .flags = X_O64 | X_REG),
    ROW(0xae, PF3, 1, F_FSGSBASE, "RDGSBASE", "Ry", read_base, .arg = GS,
        .flags = X_O64 | X_REG),
    ROW(0xae, PF3, 2, F_FSGSBASE, "WRFSBASE", "Ry", write_base, .arg = FS,
        .flags = X_O64 | X_REG),
    ROW(0xae, PF3, 3, F_FSGSBASE, "WRGSBASE", "Ry", write_base, .arg = GS,
        .flags = X_O64 | X_REG),
    OP(0xb9, "UD1", "Gd,Ed", undefined),
    ROW(0xc7, PF3, 7, F_RDPID, "RDPID", "Rd", rdpid, .flags = X_REG),
    OP(0xff, "UD0", "Gd,Ed", undefined),
    { 0 }
};

const X86Row x86_control_0f38[] = {
    ROW(0x82, P66, -1, F_INVPCID, "INVPCID", "Gy,Mdq", invpcid,
        .flags = X_MEM | X_CPL0),
    { 0 }
};
