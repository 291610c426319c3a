/* SPDX-License-Identifier: MIT */
/*
 * SVM's instructions, and which others are intercepted.
 * Reference: AMD64 APM volume 2, 15.7 to 15.13, table 15-7; volume 3 for the
 * instructions.
 *
 * A guest's blocks call guest_insn() before whatever a row says can be
 * intercepted; those whose exceptions come first ask later themselves.
 */
#include "softmmu/machine.h"
#include "target/i386/svm.h"
#include "target/i386/sys.h"

/* ---- #VMEXIT by an instruction ------------------------------------------ */

static u64 next_ip(const X86Cpu *c)
{
    u64 ip = x86_ip(c) + c->svm.insn_len;

    return x86_code64(c) ? ip : (u32)ip;
}

static void leave(X86Cpu *c, u32 code, u64 info1, u64 info2)
{
    x86_exit(c, &(X86Exit) { .code = code, .info1 = info1, .info2 = info2,
                             .next = next_ip(c) });
}

void x86_intercept(X86Cpu *c, u32 code, u64 info1)
{
    if (x86_in_guest(c) && x86_intercepts(c, code)) {
        leave(c, code, info1, 0);
    }
}

/* What only decode assists tell. */
static u64 assist(const X86Cpu *c, u64 info)
{
    return x86_has(c, F_DECODEASSISTS) ? info : 0;
}

/* 15.14.4 "Pause Intercept Filtering" */
static bool pause_passes(X86Cpu *c)
{
    X86Svm *s = &c->svm;
    u64 now = x86_tsc(c), since = now - s->pause_last;

    s->pause_last = now;
    if (s->pause_threshold && since > s->pause_threshold) {
        s->pause_count = s->pause_filter;
    }
    if (!s->pause_count) {
        return false;
    }
    s->pause_count--;
    return true;
}

/* how: EXITCODE | length << 8 */
static void guest_insn(void *env, u32 how, u64 info)
{
    X86Cpu *c = env;
    u32 code = how & 0xff;

    c->svm.insn_len = (u8)(how >> 8);
    c->svm.insn_info = info;
    if (code == EXIT_LATE || !x86_intercepts(c, code)
        || (code == EXIT_PAUSE && pause_passes(c))) {
        return;
    }
    leave(c, code, code == EXIT_SWINT ? assist(c, info) : 0, 0);
}
HELPER(guest_insn, H_ALL, void, ptr, i32, i64);

void x86_guest_insn(X86Ctx *c)
{
    u32 code = c->row->exit;
    u64 info = code == EXIT_SWINT ? c->imm & 0xff : c->rm;

    IR_CALL(c->b, &helper_guest_insn, k32(c, code | (u32)c->len << 8),
            ir_i64(c->b, info));
}

/* ---- control registers, ports, MSRs ------------------------------------- */

/* EXITINFO1 of MOV CR (15.8.1): bit 63, and the general register. */
static u64 mov_cr_info(const X86Cpu *c)
{
    return assist(c, BIT(63) | c->svm.insn_info);
}

static void cr_read(void *env, u32 n, u32 mov)
{
    X86Cpu *c = env;

    x86_intercept(c, EXIT_CR_READ + n, mov ? mov_cr_info(c) : 0);
}
HELPER(cr_read, H_ALL, void, ptr, i32, i32);

void x86_guest_cr_read(X86Ctx *c, u32 n, bool mov)
{
    if (c->key & KEY_SVM) {
        IR_CALL(c->b, &helper_cr_read, k32(c, n), k32(c, mov));
    }
}

void x86_intercept_cr_write(X86Cpu *c, u32 n, bool mov, u64 v)
{
    u64 info = mov ? mov_cr_info(c) : 0;

    x86_intercept(c, EXIT_CR_WRITE + n, info);
    if (n == 0 && (c->cr0 ^ v) & ~(u64)(CR0_TS | CR0_MP)) {
        x86_intercept(c, EXIT_CR0_SEL_WRITE, info);
    }
}

void x86_intercept_io(X86Cpu *c, u16 port, u32 info)
{
    unsigned size = info >> IOIO_SIZE & 7;
    u64 map;

    if (x86_in_guest(c) && x86_intercepts(c, EXIT_IOIO)) {
        map = mem_get(c->cpu.mem, c->svm.iopm + port / 8, 2);
        if (map >> (port & 7) & MASK(size)) {
            leave(c, EXIT_IOIO, (u64)port << 16 | info, next_ip(c));
        }
    }
}

static void port_access(void *env, u32 port, u32 info)
{
    x86_intercept_io(env, (u16)port, info);
}
HELPER(port_access, H_ALL, void, ptr, i32, i32);

void x86_guest_port(X86Ctx *c, Val port, unsigned size, bool in)
{
    if (c->key & KEY_SVM) {
        IR_CALL(c->b, &helper_port_access, port,
                k32(c, (in ? IOIO_IN : 0) | size << IOIO_SIZE
                    | (u32)c->asize << IOIO_ASIZE));
    }
}

/* 15.11 "MSR Intercepts": two bits for each of three ranges. */
static bool msr_passes(const X86Cpu *c, u32 msr, bool write)
{
    static const struct { u32 first; u16 at; } ranges[] = {
        { 0, 0 }, { 0xc0000000, 0x800 }, { 0xc0010000, 0x1000 },
    };
    enum { RANGE = 0x2000 };

    for (u32 i = 0; i < countof(ranges); i++) {
        u32 bit = (msr - ranges[i].first) * 2 + write;
        if (msr - ranges[i].first < RANGE) {
            u64 at = c->svm.msrpm + ranges[i].at + bit / 8;
            return !(mem_get(c->cpu.mem, at, 1) >> (bit & 7) & 1);
        }
    }
    return false;
}

void x86_intercept_msr(X86Cpu *c, u32 msr, bool write)
{
    if (x86_in_guest(c) && x86_intercepts(c, EXIT_MSR)
        && !msr_passes(c, msr, write)) {
        leave(c, EXIT_MSR, write, 0);
    }
}

static void page_dropped(void *env, u64 va)
{
    X86Cpu *c = env;

    x86_intercept(c, EXIT_INVLPG, assist(c, va));
}
HELPER(page_dropped, H_ALL, void, ptr, i64);

void x86_guest_invlpg(X86Ctx *c, Val va)
{
    if (c->key & KEY_SVM) {
        IR_CALL(c->b, &helper_page_dropped, va);
    }
}

/* ---- SVM's own instructions --------------------------------------------- */

/* ModRM behind 0F 01; rows of INSNS in the order of their EXITCODEs. */
enum {
    VMRUN = 0xd8, VMMCALL, VMLOAD, VMSAVE, STGI, CLGI, SKINIT, INVLPGA,
};

static void check_vmcb(X86Cpu *c, u64 pa)
{
    general_protection_unless(c, !(pa & (GUEST_PAGE - 1))
                              && !(pa & ~x86_physical_mask(c)));
}

static void set_gif(X86Cpu *c, bool on)
{
    c->svm.closed = !on;
    x86_check_lines(c);
}

/* Exceptions, then the intercept, then what it does. */
static void svm_insn(void *env, u32 which, u64 rax, u64 next)
{
    X86Cpu *c = env;
    u32 code = which == INVLPGA ? EXIT_INVLPGA : EXIT_VMRUN + which - VMRUN;

    if (which == VMMCALL) {
        x86_intercept(c, code, 0);
    }
    if (which == VMMCALL || !(c->efer & EFER_SVME)) {
        x86_raise(c, X_UD, 0);
    }
    general_protection_unless(c, c->cpl == 0);
    if (which == VMRUN || which == VMLOAD || which == VMSAVE) {
        check_vmcb(c, rax);
    }
    x86_intercept(c, code, 0);
    switch (which) {
    case VMRUN: x86_vmrun(c, rax, next); return;
    case VMLOAD: x86_vmload(c, rax); break;
    case VMSAVE: x86_vmsave(c, rax); break;
    case STGI: set_gif(c, true); break;
    case CLGI: set_gif(c, false); break;
    case INVLPGA: x86_invlpga(c, rax, (u32)c->r[RCX]); break;
    default: x86_raise(c, X_UD, 0);     /* SKINIT: there is no TPM */
    }
    x86_set_ip(c, next);
}
HELPER(svm_insn, H_ALL, void, ptr, i32, i64, i64);

bool x86_svm_insn(X86Ctx *c)
{
    if (!x86_has(c->cpu, F_SVM) || (c->key & (KEY_PE | KEY_VM)) != KEY_PE) {
        return false;
    }
    IR_CALL(c->b, &helper_svm_insn, k32(c, c->modrm),
            x86_to(c, c->asize, 8, x86_get(c, c->asize, RAX), false),
            x86_next(c));
    ir_leave(c->b);
    return true;
}
