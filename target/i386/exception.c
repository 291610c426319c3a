/* SPDX-License-Identifier: MIT */
/*
 * Taking interrupts and exceptions.
 * Reference: SDM volume 3, chapters 7 "Interrupt and Exception Handling",
 * 21 "8086 Emulation"; table 7-5 for double faults; AMD64 APM volume 2, 15.12
 * "Exception Intercepts", 15.20 "Event Injection".
 *
 * Delivery runs under a catcher: whatever it raises itself comes back to
 * x86_interrupt_to(), which delivers that next, or a double fault.  All
 * checks and pushes come before registers change.
 */
#include <setjmp.h>
#include "softmmu/machine.h"
#include "target/i386/svm.h"
#include "target/i386/system.h"
#include "target/i386/translate.h"
#include "util/log.h"
#include "util/hostx87.h"

typedef struct X86Catcher {
    jmp_buf  back;
    unsigned vector;
    u32      err;
    X86Exit  exit;              /* if vector is X_EXIT */
} X86Catcher;

/* What is being delivered. */
typedef struct Event {
    unsigned   vector;
    X86IntKind kind;
    u32        err;
    u64        next;            /* IP to come back to */
    bool       pushes;          /* the error code */
    bool       injected;        /* by VMRUN: not intercepted */
} Event;

/* ---- raising ------------------------------------------------------------ */

static Event event_of(unsigned vector, X86IntKind kind, u32 err, u64 next)
{
    enum { VECTORS = 1 << X_DF | 1 << X_TS | 1 << X_NP | 1 << X_SS | 1 << X_GP
                   | 1 << X_PF | 1 << X_AC };

    return (Event) {
        .vector = vector, .kind = kind, .err = err, .next = next,
        .pushes = kind == INT_EXCEPTION && vector < 32
            && VECTORS >> vector & 1,
    };
}

void x86_raise(X86Cpu *c, unsigned vector, u32 err)
{
    X86Catcher *k = c->catcher;

    if (k) {
        k->vector = vector;
        k->err = err;
        longjmp(k->back, 1);
    }
    x86_interrupt_to(c, vector, INT_EXCEPTION, err, x86_ip(c));
    cpu_resume(&c->cpu);
}

void x86_exit(X86Cpu *c, const X86Exit *x)
{
    X86Catcher *k = c->catcher;

    if (k) {
        k->vector = X_EXIT;
        k->exit = *x;
        longjmp(k->back, 1);
    }
    x86_vmexit(c, x);
    cpu_resume(&c->cpu);
}

/* Fault.code: vector << 32 | error code. */
static unsigned unpack(X86Cpu *c, const Fault *f)
{
    c->svm.fault_va = f->va;
    return (unsigned)(f->code >> 32);
}

/* 15.25.6 "Nested versus Guest Page Faults, Fault Ordering" */
static X86Exit nested_exit(const Fault *f)
{
    u64 where = f->code >> 32 == X_NPF ? BIT(32) : BIT(33);

    return (X86Exit) {
        .code = EXIT_NPF, .info1 = where | (u32)f->code, .info2 = f->pa,
        .bytes = f->access != ACCESS_FETCH,
    };
}

void x86_raise_fault(X86Cpu *c, const Fault *f)
{
    unsigned vector = unpack(c, f);

    if (vector >= X_NPF) {
        X86Exit x = nested_exit(f);
        x86_exit(c, &x);
    }
    x86_raise(c, vector, (u32)f->code);
}

void x86_fault(Cpu *cpu, const Fault *f)
{
    X86Cpu *c = x86_cpu(cpu);
    unsigned vector = unpack(c, f);

    host_x87_set(c->cpu.tcg.fcw, c->cpu.tcg.fsw);
    if (vector >= X_NPF) {
        X86Exit x = nested_exit(f);
        x86_vmexit(c, &x);
        return;
    }
    x86_interrupt_to(c, vector, INT_EXCEPTION, (u32)f->code, x86_ip(c));
}

void x86_trap(Cpu *cpu, u32 code)
{
    X86Cpu *c = x86_cpu(cpu);

    if (code == X86_TRAP_X87) {
        c->x87_once = true;
        x86_mode_changed(c);
        return;
    }
    x86_interrupt_to(c, code & 0xff, INT_EXCEPTION, code >> X86_TRAP_ERR,
                     x86_ip(c));
}

void x86_reset_machine(X86Cpu *c, const char *why)
{
    char where[128];

    c->cpu.target->describe(&c->cpu, where, sizeof where);
    log_line(LOG_INT, "CPU %d: %s, reset (%s)", c->cpu.index, why, where);
    c->eflags &= ~(u32)FL_IF;
    c->cpu.halted = true;
    machine_reset_request(c->cpu.machine);
}

/* ---- real mode ---------------------------------------------------------- */

static void set_flags(X86Cpu *c, u32 clear)
{
    c->eflags &= ~clear;
}

/* Pushes and jumps as the 8086 does; flags: the image to push. */
static void enter_real(X86Cpu *c, unsigned vector, u64 table, u64 flags,
                       u64 next)
{
    Stack s = x86_stack(c);
    u32 to = (u32)x86_sys_load(c, table + vector * 4, 4);

    x86_stack_push(&s, 2, flags);
    x86_stack_push(&s, 2, c->seg[CS].selector);
    x86_stack_push(&s, 2, next);
    x86_stack_keep(&s);
    x86_real_seg(c, CS, (u16)(to >> 16));
    x86_set_ip(c, to & 0xffff);
}

static void deliver_real(X86Cpu *c, const Event *e)
{
    if (e->vector * 4 + 3 > c->idtr.limit) {
        x86_raise(c, X_GP, 0);
    }
    enter_real(c, e->vector, c->idtr.base, x86_eflags(c), e->next);
    set_flags(c, FL_IF | FL_TF | FL_AC | FL_RF);
}

/* ---- protected mode ----------------------------------------------------- */

/* Asked for by an instruction, whose rights count; but INT1's do not. */
static bool is_soft(const Event *e)
{
    return e->kind == INT_SOFT || (e->kind == INT_TRAP && e->vector != X_DB);
}

static bool is_external(const Event *e)
{
    return !is_soft(e);                 /* EXT of error codes */
}

/* RF is set in the image of faults, so that a breakpoint does not hit again. */
static u64 flags_image(const X86Cpu *c, const Event *e)
{
    enum { TRAPS = 1 << X_DB | 1 << X_BP | 1 << X_OF | 1 << X_NMI };
    bool fault = e->kind == INT_EXCEPTION && !(TRAPS >> e->vector & 1);

    return x86_eflags(c) | (fault ? FL_RF : 0);
}

void x86_inner_stack(X86Cpu *c, unsigned cpl, u32 ext, u16 *ss, u64 *sp)
{
    bool wide = (c->tr.attr & SEG_TYPE & ~T_BUSY) == T_TSS32;
    u32 at = wide ? 4 + cpl * 8 : 2 + cpl * 4;
    unsigned size = wide ? 4 : 2;

    if (!(c->tr.attr & SEG_P) || at + 2 * size - 1 > c->tr.limit) {
        x86_raise(c, X_TS, (c->tr.selector & ~3u) | ext);
    }
    *sp = x86_sys_load(c, c->tr_base + at, size);
    *ss = (u16)x86_sys_load(c, c->tr_base + at + size, 2);
}

/* The code segment of a gate, checked; gives the new CPL. */
static unsigned gate_code(X86Cpu *c, u16 selector, u32 ext, Desc *code)
{
    u32 err = (selector & ~3u) | ext;
    unsigned cpl;

    x86_read_desc(c, selector, X_GP, ext, code);
    if (!is_code(code) || dpl_of(code) > c->cpl) {
        x86_raise(c, X_GP, err);
    }
    if (!(code->attr & SEG_P)) {
        x86_raise(c, X_NP, err);
    }
    cpl = is_conforming(code) ? c->cpl : dpl_of(code);
    if (c->eflags & FL_VM && cpl != 0) {
        x86_raise(c, X_GP, err);
    }
    return cpl;
}

/* The gate's kind and rights. */
static Desc read_gate(X86Cpu *c, const Event *e, unsigned size, u32 types)
{
    u32 err = e->vector * 8 | 2 | is_external(e);
    Desc gate;

    if (e->vector * size + size - 1 > c->idtr.limit) {
        x86_raise(c, X_GP, err);
    }
    gate = x86_make_desc(x86_sys_load(c, c->idtr.base + e->vector * size, 8));
    gate.at = c->idtr.base + e->vector * size;
    if (gate.attr & SEG_S || !(types >> system_type(&gate) & 1)
        || (is_soft(e) && dpl_of(&gate) < c->cpl)) {
        x86_raise(c, X_GP, err);
    }
    if (!(gate.attr & SEG_P)) {
        x86_raise(c, X_NP, err);
    }
    return gate;
}

static void push_vm_segs(X86Cpu *c, Stack *s, unsigned size)
{
    static const u8 order[] = { GS, FS, DS, ES };

    for (u32 i = 0; i < countof(order); i++) {
        x86_stack_push(s, size, c->seg[order[i]].selector);
    }
}

static void null_vm_segs(X86Cpu *c)
{
    static const u8 order[] = { GS, FS, DS, ES };

    for (u32 i = 0; i < countof(order); i++) {
        x86_null_seg(c, order[i], 0);
    }
}

static void push_frame(X86Cpu *c, Stack *s, unsigned size, const Event *e)
{
    x86_stack_push(s, size, flags_image(c, e));
    x86_stack_push(s, size, c->seg[CS].selector);
    x86_stack_push(s, size, e->next);
    if (e->pushes) {
        x86_stack_push(s, size, e->err);
    }
}

/* What the gate's handler starts with. */
static void enter_handler(X86Cpu *c, u16 selector, Desc *code, unsigned cpl,
                          unsigned type, u64 ip)
{
    bool interrupt = type == T_INT16 || type == T_INT32;

    set_flags(c, FL_TF | FL_NT | FL_RF | FL_VM | (interrupt ? FL_IF : 0));
    x86_use_code(c, selector, code, cpl);
    x86_set_ip(c, ip);
}

static void deliver_task(X86Cpu *c, const Event *e, const Desc *gate)
{
    x86_task_gate(c, gate, TASK_INT, is_external(e), e->next);
    if (e->pushes) {
        bool wide = (c->tr.attr & SEG_TYPE) == T_BUSY32;
        Stack s = x86_stack(c);
        x86_stack_push(&s, wide ? 4 : 2, e->err);
        x86_stack_keep(&s);
    }
}

static void deliver_protected(X86Cpu *c, const Event *e)
{
    enum { TYPES = 1 << T_TASK | 1 << T_INT16 | 1 << T_TRAP16 | 1 << T_INT32
                 | 1 << T_TRAP32 };
    Desc gate = read_gate(c, e, 8, TYPES), code, ss;
    unsigned type = system_type(&gate), size = type & 8 ? 4 : 2, cpl;
    u16 selector = (u16)(gate.raw >> 16);
    u64 ip = (gate.raw & 0xffff) | (size == 4 ? gate.raw >> 48 << 16 : 0);
    bool vm = c->eflags & FL_VM, inner;
    u16 ss_selector = 0;
    Stack s;

    if (type == T_TASK) {
        deliver_task(c, e, &gate);
        return;
    }
    cpl = gate_code(c, selector, is_external(e), &code);
    inner = cpl < c->cpl;
    if (inner) {
        u64 sp;
        x86_inner_stack(c, cpl, is_external(e), &ss_selector, &sp);
        x86_check_ss(c, ss_selector, cpl, X_TS, is_external(e), &ss);
        s = x86_stack_of(c, &ss, sp, cpl, (ss_selector & ~3u) | is_external(e));
        if (vm) {
            push_vm_segs(c, &s, size);
        }
        x86_stack_push(&s, size, c->seg[SS].selector);
        x86_stack_push(&s, size, c->r[RSP]);
    } else {
        s = x86_stack(c);
        s.err = is_external(e);
    }
    push_frame(c, &s, size, e);
    if (ip > code.limit) {
        x86_raise(c, X_GP, is_external(e));
    }
    x86_set_accessed(c, &code);
    if (inner) {
        x86_set_accessed(c, &ss);
    }
    enter_handler(c, selector, &code, cpl, type, ip);
    if (inner) {
        x86_use_desc(c, SS, ss_selector, &ss);
    }
    if (vm) {
        null_vm_segs(c);
    }
    x86_stack_keep(&s);
}

/* ---- long mode ---------------------------------------------------------- */

/* The stack pointer that a gate's IST field, or the new CPL, asks for. */
static u64 long_stack(X86Cpu *c, const Desc *gate, unsigned cpl, u32 ext)
{
    unsigned ist = gate->raw >> 32 & 7;
    u32 at = ist ? 0x24 + (ist - 1) * 8 : 4 + cpl * 8;
    u64 sp;

    if (!ist && cpl == c->cpl) {
        return c->r[RSP];
    }
    if (at + 7 > c->tr.limit) {
        x86_raise(c, X_TS, (c->tr.selector & ~3u) | ext);
    }
    sp = x86_sys_load(c, c->tr_base + at, 8);
    if (!canonical(sp)) {
        x86_raise(c, X_SS, ext);
    }
    return sp;
}

static void deliver_long(X86Cpu *c, const Event *e)
{
    Desc gate = read_gate(c, e, 16, 1 << T_INT32 | 1 << T_TRAP32), code;
    u32 ext = is_external(e);
    u16 selector = (u16)(gate.raw >> 16);
    u64 ip = (gate.raw & 0xffff) | (gate.raw >> 48 << 16)
        | x86_high_base(c, &gate);
    unsigned cpl = gate_code(c, selector, ext, &code);
    bool inner = cpl != c->cpl;
    Stack s = { .c = c, .mask = ~0ull, .wide = true, .user = cpl == 3,
                .err = ext };

    if ((code.attr & (SEG_L | SEG_B)) != SEG_L) {
        x86_raise(c, X_GP, (selector & ~3u) | ext);
    }
    s.sp = long_stack(c, &gate, cpl, ext) & ~15ull;
    x86_stack_push_all(&s, (const u64[]) {
        c->seg[SS].selector, c->r[RSP], flags_image(c, e),
        c->seg[CS].selector, e->next, e->err,
    }, e->pushes ? 6 : 5);
    if (!canonical(ip)) {
        x86_raise(c, X_GP, ext);
    }
    x86_set_accessed(c, &code);
    enter_handler(c, selector, &code, cpl, system_type(&gate), ip);
    if (inner) {
        x86_null_seg(c, SS, (u16)cpl);
    }
    c->r[RSP] = s.sp;
}

/* ---- delivery ----------------------------------------------------------- */

static void log_event(const X86Cpu *c, const Event *e)
{
    static const char *const kinds[] = {
        [INT_EXTERNAL] = "interrupt", [INT_NMI] = "NMI", [INT_SOFT] = "INT",
        [INT_EXCEPTION] = "exception", [INT_TRAP] = "trap",
    };

    log_line(LOG_INT, "%s %d: vector %02x err %04x CPL %u at %04x:%llx "
             "SP %04x:%llx RAX %llx CR2 %llx", kinds[e->kind], c->cpu.index,
             e->vector, e->err, c->cpl, c->seg[CS].selector,
             (unsigned long long)x86_ip(c), c->seg[SS].selector,
             (unsigned long long)c->r[RSP], (unsigned long long)c->r[RAX],
             (unsigned long long)(e->vector == X_PF ? c->svm.fault_va
                                                    : c->cr2));
}

static void deliver(X86Cpu *c, const Event *e)
{
    if (e->vector == X_PF && e->kind == INT_EXCEPTION && !e->injected) {
        c->cr2 = c->svm.fault_va;
    }
    if (!(c->cr0 & CR0_PE)) {
        deliver_real(c, e);
    } else if (long_mode(c)) {
        deliver_long(c, e);
    } else {
        deliver_protected(c, e);
    }
}

/* False: it raised something itself, which is in *k. */
static bool attempt(X86Cpu *c, const Event *e, X86Catcher *k)
{
    if (setjmp(k->back)) {
        c->catcher = NULL;
        return false;
    }
    c->catcher = k;
    deliver(c, e);
    c->catcher = NULL;
    return true;
}

static bool contributes(unsigned vector)
{
    return vector == X_DE || (vector >= X_TS && vector <= X_GP);
}

/* Table 7-5: a double fault, or the second one alone? */
static bool doubles(const Event *e, unsigned second)
{
    if (e->kind != INT_EXCEPTION) {
        return false;
    }
    return (contributes(e->vector) && contributes(second))
        || (e->vector == X_PF && (second == X_PF || contributes(second)));
}

/* ---- in a guest --------------------------------------------------------- */

/* EXITINTINFO: `e` was being delivered. */
static u64 info_of(const Event *e)
{
    u64 kind = e->kind == INT_TRAP ? INT_EXCEPTION : e->kind;

    return e->vector | kind << 8 | (e->pushes ? EVENT_EV | (u64)e->err << 32
                                              : 0) | EVENT_V;
}

/* Is the exception, raised while *prior (NULL: nothing) was delivered, the
   host's?  Then that goes on. */
static bool intercepted(X86Cpu *c, const Event *e, const Event *prior)
{
    X86Exit x = { .code = EXIT_EXCP + e->vector };

    if (!x86_in_guest(c) || e->injected || e->vector >= 32
        || (e->kind != INT_EXCEPTION && e->kind != INT_TRAP)
        || !x86_intercepts(c, (u32)x.code)) {
        return false;
    }
    x.info1 = e->pushes ? e->err : 0;
    x.int_info = prior ? info_of(prior) : 0;
    x.next = e->kind == INT_TRAP ? e->next : 0;
    if (e->vector == X_PF) {
        enum { PF_I = 1 << 4 };
        x.info2 = c->svm.fault_va;
        x.bytes = !(e->err & PF_I);
    }
    x86_vmexit(c, &x);
    return true;
}

/* The delivery of e met a #VMEXIT. */
static void exit_within(X86Cpu *c, const Event *e, X86Exit *x)
{
    x->int_info = info_of(e);
    if (x->code == EXIT_TASK_SWITCH && e->pushes) {
        x->info2 |= BIT(44) | e->err;
    }
    x86_vmexit(c, x);
}

void x86_triple_fault(X86Cpu *c)
{
    x86_reset_machine(c, "triple fault");
    x86_mode_changed(c);
}

static void shut_down(X86Cpu *c)
{
    if (!x86_exits(c, EXIT_SHUTDOWN)) {
        x86_triple_fault(c);
    }
}

/* ---- one after the other ------------------------------------------------ */

static void delivered(X86Cpu *c, const Event *e)
{
    if (e->vector == X_DB && e->kind == INT_EXCEPTION) {
        c->dr[7] &= ~(u64)DR7_GD;
    }
    c->shadow = false;
    c->debug_due = 0;
    x86_level_changed(c);
}

/* Until one is delivered: what its delivery raises comes next. */
static void take(X86Cpu *c, Event e)
{
    Event prior, *before = NULL;
    X86Catcher k;

    for (;;) {
        if (intercepted(c, &e, before)) {
            return;
        }
        if (log_on(LOG_INT)) {
            log_event(c, &e);
        }
        x86_system_rights(c);
        if (attempt(c, &e, &k)) {
            delivered(c, &e);
            return;
        }
        if (k.vector == X_EXIT) {
            exit_within(c, &e, &k.exit);
            return;
        }
        Event next = event_of(k.vector, INT_EXCEPTION, k.err, x86_ip(c));
        if (intercepted(c, &next, &e)) {
            return;
        }
        if (e.kind == INT_EXCEPTION && e.vector == X_DF) {
            shut_down(c);
            return;
        }
        prior = e;
        before = &prior;
        e = doubles(&e, k.vector)
            ? event_of(X_DF, INT_EXCEPTION, 0, x86_ip(c)) : next;
    }
}

void x86_interrupt_to(X86Cpu *c, unsigned vector, X86IntKind kind, u32 err,
                      u64 next)
{
    take(c, event_of(vector, kind, err, next));
}

void x86_inject(X86Cpu *c, u64 event, u64 next)
{
    Event e = { .vector = event & 0xff, .kind = event >> 8 & 7,
                .err = (u32)(event >> 32), .next = next, .injected = true };

    e.pushes = event & EVENT_EV && e.kind == INT_EXCEPTION;
    take(c, e);
}

/* ---- INT n -------------------------------------------------------------- */

/* VME: does the TSS send this vector to the virtual-8086 program itself? */
static bool redirected(X86Cpu *c, unsigned vector)
{
    enum { MAP_BASE = 0x66 };
    u32 at;

    if (!(c->cr4 & CR4_VME) || c->tr.limit < MAP_BASE + 1) {
        return false;
    }
    at = (u32)x86_sys_load(c, c->tr_base + MAP_BASE, 2) - 32 + vector / 8;
    return at <= c->tr.limit
        && !(x86_sys_load(c, c->tr_base + at, 1) >> (vector & 7) & 1);
}

/* The redirected one: the program's own table at 0, its own IF or VIF. */
static void enter_vm86(X86Cpu *c, unsigned vector, u64 next)
{
    bool virtual_if = iopl_of(c) < 3;
    u64 flags = x86_eflags(c);

    if (virtual_if) {
        flags |= FL_IOPL;
        flags = (flags & ~(u64)FL_IF) | (flags & FL_VIF ? FL_IF : 0);
    }
    enter_real(c, vector, 0, flags, next);
    set_flags(c, FL_TF | FL_RF | (virtual_if ? FL_VIF : FL_IF));
    c->debug_due = 0;
    x86_mode_changed(c);
}

void x86_int_n(X86Cpu *c, unsigned vector, u64 next)
{
    if (c->eflags & FL_VM) {
        if (redirected(c, vector)) {
            enter_vm86(c, vector, next);
            return;
        }
        if (iopl_of(c) < 3) {
            x86_raise(c, X_GP, 0);
        }
    }
    x86_interrupt_to(c, vector, INT_SOFT, 0, next);
}

/* ---- what comes from outside -------------------------------------------- */

static u32 lines_of(const Cpu *c)
{
    return __atomic_load_n(&c->lines, __ATOMIC_SEQ_CST);
}

static u32 edges_of(const X86Cpu *c)
{
    return __atomic_load_n(&c->edges, __ATOMIC_SEQ_CST);
}

bool x86_smi_due(const X86Cpu *c)
{
    return edges_of(c) & 1u << X86_LINE_SMI && !c->smm;
}

static bool nmi_due(const X86Cpu *c)
{
    return edges_of(c) & 1u << X86_LINE_NMI && !c->nmi_blocked;
}

/* A guest's IF may be about virtual interrupts alone. */
static bool intr_due(const X86Cpu *c)
{
    bool masked = x86_in_guest(c) && c->svm.int_ctl & V_INTR_MASKING;

    return lines_of(&c->cpu) & 1u << X86_LINE_INTR
        && (masked ? c->svm.host_if : (c->eflags & FL_IF) != 0);
}

static bool any_due(const X86Cpu *c)
{
    return c->acked
        || (!c->svm.closed && (x86_smi_due(c) || nmi_due(c) || intr_due(c)
                               || x86_virtual_due(c)));
}

void x86_check_lines(X86Cpu *c)
{
    if (unlikely(any_due(c))) {
        cpu_request(&c->cpu, REQ_INTERRUPT);
    }
}

bool x86_wakes(const Cpu *cpu)
{
    return any_due((const X86Cpu *)cpu);
}

static void take_edge(X86Cpu *c, unsigned n)
{
    __atomic_fetch_and(&c->edges, ~(1u << n), __ATOMIC_SEQ_CST);
}

/* The vector that the interrupt controller gives; -1: none after all. */
static int acknowledge(Cpu *cpu)
{
    int vector = -1;

    if (cpu->intc && cpu->intc->ack) {
        machine_lock();
        vector = cpu->intc->ack(cpu->intc_state);
        machine_unlock();
    }
    return vector;
}

static void take_nmi(X86Cpu *c)
{
    if (!x86_exits(c, EXIT_NMI)) {
        take_edge(c, X86_LINE_NMI);
        c->nmi_blocked = true;
        x86_interrupt_to(c, X_NMI, INT_NMI, 0, x86_ip(c));
    }
}

static void take_smi(X86Cpu *c)
{
    if (!x86_exits(c, EXIT_SMI)) {
        take_edge(c, X86_LINE_SMI);
        x86_enter_smm(c);
    }
}

static bool take_intr(X86Cpu *c)
{
    int vector;

    if (x86_exits(c, EXIT_INTR)) {
        return true;
    }
    vector = acknowledge(&c->cpu);
    if (vector < 0) {
        return false;
    }
    x86_interrupt_to(c, (unsigned)vector, INT_EXTERNAL, 0, x86_ip(c));
    return true;
}

/* 15.21.4 "Injecting Virtual (INTR) Interrupts" */
static void take_virtual(X86Cpu *c)
{
    unsigned vector = c->svm.int_ctl >> V_INTR_VECTOR & 0xff;

    if (!x86_exits(c, EXIT_VINTR)) {
        c->svm.int_ctl &= ~(u64)V_IRQ;
        x86_interrupt_to(c, vector, INT_EXTERNAL, 0, x86_ip(c));
    }
}

bool x86_interrupt(Cpu *cpu)
{
    X86Cpu *c = x86_cpu(cpu);

    if (c->acked) {             /* its controller thinks that it was taken */
        unsigned vector = (u8)c->acked;
        c->acked = 0;
        x86_interrupt_to(c, vector, INT_EXTERNAL, 0, x86_ip(c));
        return true;
    }
    if (c->shadow) {
        return false;           /* RSM could not bring it back */
    }
    if (!c->svm.closed && x86_smi_due(c)) {
        take_smi(c);
        return true;
    }
    if (c->debug_due) {
        x86_take_debug(c);
        return true;
    }
    if (c->svm.closed) {
        return false;
    }
    if (nmi_due(c)) {
        take_nmi(c);
        return true;
    }
    if (intr_due(c) && take_intr(c)) {
        return true;
    }
    if (x86_virtual_due(c)) {
        take_virtual(c);
        return true;
    }
    return false;
}
