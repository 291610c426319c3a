/* SPDX-License-Identifier: MIT */
/*
 * Far transfers: JMP, CALL, RET, IRET, call and task gates, hardware task
 * switches, SYSENTER, SYSCALL and their returns.
 * Reference: SDM volume 2 for each instruction's operation, volume 3, chapters
 * 5.8 "Privilege Level Checking When Transferring Program Control", 8 "Task
 * Management".
 *
 */
#include "target/i386/svm.h"
#include "target/i386/system.h"

enum { FLAT_CODE = SEG_P | SEG_S | SEG_CODE | SEG_RW | SEG_A,
       FLAT_DATA = SEG_P | SEG_S | SEG_RW | SEG_A };

static void set_sp(X86Cpu *c, u64 sp)
{
    if (x86_code64(c)) {
        c->r[RSP] = sp;
    } else if (c->seg[SS].attr & SEG_B) {
        c->r[RSP] = (u32)sp;
    } else {
        c->r[RSP] = deposit(c->r[RSP], 0, 16, sp);
    }
}

/* Is ip good in a code segment?  Else #GP(0). */
static void check_ip(X86Cpu *c, const Desc *code, u64 ip)
{
    bool wide = long_mode(c) && code->attr & SEG_L;

    if (wide ? !canonical(ip) : ip > code->limit) {
        x86_raise(c, X_GP, 0);
    }
}

/* A code segment to jump to or call without a gate. */
static void check_direct(X86Cpu *c, u16 selector, const Desc *d)
{
    u32 err = selector & ~3u;
    bool ok = is_conforming(d)
        ? dpl_of(d) <= c->cpl
        : rpl_of(selector) <= c->cpl && dpl_of(d) == c->cpl;

    if (!ok || (long_mode(c) && (d->attr & SEG_L) && (d->attr & SEG_B))) {
        x86_raise(c, X_GP, err);
    }
    if (!(d->attr & SEG_P)) {
        x86_raise(c, X_NP, err);
    }
}

static void far_real(X86Cpu *c, u16 selector, u64 off)
{
    if (off > c->seg[CS].limit) {
        x86_raise(c, X_GP, 0);
    }
    x86_real_seg(c, CS, selector);
    x86_set_ip(c, off);
    x86_mode_changed(c);
}

static void enter_code(X86Cpu *c, u16 selector, Desc *code, unsigned cpl,
                       u64 ip)
{
    x86_use_code(c, selector, code, cpl);
    x86_set_ip(c, ip);
}

/* ---- call gates --------------------------------------------------------- */

typedef struct Gate {
    u16 selector;
    u64 off;
    unsigned size;              /* of what is pushed */
    unsigned count;             /* parameters */
    Desc code;
} Gate;

static Gate read_call_gate(X86Cpu *c, const Desc *d)
{
    bool wide = system_type(d) == T_CALL32;
    Gate g = { .selector = (u16)(d->raw >> 16), .off = d->raw & 0xffff,
               .size = wide ? 4 : 2, .count = d->raw >> 32 & 31 };

    if (wide) {
        g.off |= d->raw >> 48 << 16;
    }
    if (long_mode(c)) {
        g.off |= x86_high_base(c, d);
        g.size = 8;
        g.count = 0;
    }
    x86_read_desc(c, g.selector, X_GP, 0, &g.code);
    if (!is_code(&g.code) || dpl_of(&g.code) > c->cpl
        || (long_mode(c) && (g.code.attr & (SEG_L | SEG_B)) != SEG_L)) {
        x86_raise(c, X_GP, g.selector & ~3u);
    }
    if (!(g.code.attr & SEG_P)) {
        x86_raise(c, X_NP, g.selector & ~3u);
    }
    return g;
}

static void jump_gate(X86Cpu *c, const Desc *d)
{
    Gate g = read_call_gate(c, d);

    if (!is_conforming(&g.code) && dpl_of(&g.code) != c->cpl) {
        x86_raise(c, X_GP, g.selector & ~3u);
    }
    check_ip(c, &g.code, g.off);
    enter_code(c, g.selector, &g.code, c->cpl, g.off);
}

static void call_same(X86Cpu *c, Gate *g, u64 next)
{
    Stack s = x86_stack(c);

    if (g->size == 8) {
        s.wide = true;
        s.mask = ~0ull;
        s.base = 0;
    }
    x86_stack_push(&s, g->size, c->seg[CS].selector);
    x86_stack_push(&s, g->size, next);
    check_ip(c, &g->code, g->off);
    enter_code(c, g->selector, &g->code, c->cpl, g->off);
    x86_stack_keep(&s);
}

static void copy_parameters(X86Cpu *c, Stack *to, unsigned size,
                            unsigned count)
{
    u64 value[31];
    Stack from = x86_stack(c);

    for (unsigned i = 0; i < count; i++) {
        value[i] = x86_stack_pop(&from, size);
    }
    while (count--) {
        x86_stack_push(to, size, value[count]);
    }
}

static void call_inner_long(X86Cpu *c, Gate *g, unsigned cpl, u64 next)
{
    Stack s = { .c = c, .mask = ~0ull, .wide = true };
    u32 at = 4 + cpl * 8;

    if (at + 7 > c->tr.limit) {
        x86_raise(c, X_TS, c->tr.selector & ~3u);
    }
    s.sp = x86_sys_load(c, c->tr_base + at, 8);
    x86_stack_push(&s, 8, c->seg[SS].selector);
    x86_stack_push(&s, 8, c->r[RSP]);
    x86_stack_push(&s, 8, c->seg[CS].selector);
    x86_stack_push(&s, 8, next);
    check_ip(c, &g->code, g->off);
    enter_code(c, g->selector, &g->code, cpl, g->off);
    x86_null_seg(c, SS, (u16)cpl);
    c->r[RSP] = s.sp;
}

static void call_inner(X86Cpu *c, Gate *g, unsigned cpl, u64 next)
{
    Desc ss;
    u16 selector;
    u64 sp;
    Stack s;

    x86_inner_stack(c, cpl, 0, &selector, &sp);
    x86_check_ss(c, selector, cpl, X_TS, 0, &ss);
    s = x86_stack_of(c, &ss, sp, cpl, selector & ~3u);
    x86_stack_push(&s, g->size, c->seg[SS].selector);
    x86_stack_push(&s, g->size, c->r[RSP]);
    copy_parameters(c, &s, g->size, g->count);
    x86_stack_push(&s, g->size, c->seg[CS].selector);
    x86_stack_push(&s, g->size, next);
    check_ip(c, &g->code, g->off);
    x86_set_accessed(c, &ss);
    enter_code(c, g->selector, &g->code, cpl, g->off);
    x86_use_desc(c, SS, selector, &ss);
    x86_stack_keep(&s);
}

static void call_gate(X86Cpu *c, const Desc *d, u64 next)
{
    Gate g = read_call_gate(c, d);
    unsigned cpl = dpl_of(&g.code);

    if (is_conforming(&g.code) || cpl == c->cpl) {
        call_same(c, &g, next);
    } else if (long_mode(c)) {
        call_inner_long(c, &g, cpl, next);
    } else {
        call_inner(c, &g, cpl, next);
    }
}

/* ---- JMP and CALL ------------------------------------------------------- */

/* A system descriptor as the target: gates and TSSs. */
static void far_system(X86Cpu *c, u16 selector, const Desc *d, TaskKind kind,
                       u64 next)
{
    u32 err = selector & ~3u;
    unsigned type = system_type(d);
    bool gate = type == T_CALL32 || (type == T_CALL16 && !long_mode(c));
    bool task = !long_mode(c)
        && (type == T_TASK || type == T_TSS16 || type == T_TSS32);

    if (!(gate || task) || dpl_of(d) < MAX(c->cpl, rpl_of(selector))) {
        x86_raise(c, X_GP, err);
    }
    if (!(d->attr & SEG_P)) {
        x86_raise(c, X_NP, err);
    }
    if (type == T_TASK) {
        x86_task_gate(c, d, kind, 0, next);
    } else if (task) {
        x86_task_switch(c, selector, d, kind, next);
    } else if (kind == TASK_CALL) {
        call_gate(c, d, next);
    } else {
        jump_gate(c, d);
    }
}

void x86_far_jump(X86Cpu *c, u16 selector, u64 off, u64 next)
{
    Desc d;

    if (!protected_mode(c)) {
        far_real(c, selector, off);
        return;
    }
    x86_read_desc(c, selector, X_GP, 0, &d);
    if (is_code(&d)) {
        check_direct(c, selector, &d);
        check_ip(c, &d, off);
        enter_code(c, selector, &d, c->cpl, off);
    } else if (d.attr & SEG_S) {
        x86_raise(c, X_GP, selector & ~3u);
    } else {
        far_system(c, selector, &d, TASK_JUMP, next);
    }
    x86_mode_changed(c);
}

static void push_return(X86Cpu *c, Stack *s, unsigned osize, u64 next)
{
    x86_stack_push(s, osize, c->seg[CS].selector);
    x86_stack_push(s, osize, next);
}

void x86_far_call(X86Cpu *c, u16 selector, u64 off, unsigned osize, u64 next)
{
    Stack s = x86_stack(c);
    Desc d;

    if (!protected_mode(c)) {
        push_return(c, &s, osize, next);
        far_real(c, selector, off);
        x86_stack_keep(&s);
        return;
    }
    x86_read_desc(c, selector, X_GP, 0, &d);
    if (is_code(&d)) {
        check_direct(c, selector, &d);
        push_return(c, &s, osize, next);
        check_ip(c, &d, off);
        enter_code(c, selector, &d, c->cpl, off);
        x86_stack_keep(&s);
    } else if (d.attr & SEG_S) {
        x86_raise(c, X_GP, selector & ~3u);
    } else {
        far_system(c, selector, &d, TASK_CALL, next);
    }
    x86_mode_changed(c);
}

/* ---- RET and IRET ------------------------------------------------------- */

enum { FL_SEGMENTS = FL_STATUS | FL_TF | FL_DF | FL_NT };

/* Bits of EFLAGS that an IRET may change here. */
static u64 iret_mask(const X86Cpu *c, unsigned osize)
{
    u64 mask = FL_SEGMENTS;

    if (osize > 2) {
        mask |= FL_AC | FL_ID;
    }
    if (c->cpl == 0) {
        mask |= FL_IOPL | (osize > 2 ? FL_VIF | FL_VIP : 0);
    }
    if (c->cpl <= iopl_of(c)) {
        mask |= FL_IF;
    }
    return mask;
}

static void put_flags(X86Cpu *c, u64 v, u64 mask)
{
    u64 old = x86_eflags(c);

    mask |= FL_RF;
    v = c->breaks ? v : v & ~(u64)FL_RF;        /* else it does not show */
    x86_put_eflags(c, (old & ~mask) | (v & mask));
}

/* Real and virtual-8086 mode. */
static void ret_real(X86Cpu *c, unsigned osize, unsigned release, bool iret)
{
    Stack s = x86_stack(c);
    u64 ip = x86_stack_pop(&s, osize);
    u16 selector = (u16)x86_stack_pop(&s, osize);
    u64 flags = iret ? x86_stack_pop(&s, osize) : 0;

    s.sp = (s.sp & ~s.mask) | ((s.sp + release) & s.mask);
    far_real(c, selector, ip);
    if (iret && c->eflags & FL_VM && iopl_of(c) < 3) {
        c->eflags = (c->eflags & ~(u32)FL_VIF) | (flags & FL_IF ? FL_VIF : 0);
        put_flags(c, flags, FL_SEGMENTS);
    } else if (iret) {
        put_flags(c, flags, FL_SEGMENTS | FL_IF | (osize > 2 ? FL_AC | FL_ID
                            : 0) | (c->eflags & FL_VM ? 0 : FL_IOPL));
    }
    x86_stack_keep(&s);
    x86_mode_changed(c);
}

static void ret_to_vm86(X86Cpu *c, Stack *s, u64 ip, u16 cs, u64 flags)
{
    static const u8 order[] = { SS, ES, DS, FS, GS };
    u16 selector[countof(order)];
    u64 sp = x86_stack_pop(s, 4);

    for (u32 i = 0; i < countof(order); i++) {
        selector[i] = (u16)x86_stack_pop(s, 4);
    }
    if (ip > 0xffff) {
        x86_raise(c, X_GP, 0);
    }
    x86_put_eflags(c, flags & ~(u64)FL_RF);     /* VM is set: CPL 3 */
    c->cpl = 3;
    for (u32 i = 0; i < countof(order); i++) {
        x86_real_seg(c, order[i], selector[i]);
    }
    x86_real_seg(c, CS, cs);
    c->r[RSP] = (u32)sp;
    x86_set_ip(c, ip);
}

static void check_return(X86Cpu *c, u16 selector, const Desc *code)
{
    unsigned rpl = rpl_of(selector);
    u32 err = selector & ~3u;
    bool ok = is_code(code) && rpl >= c->cpl
        && (is_conforming(code) ? dpl_of(code) <= rpl : dpl_of(code) == rpl);

    if (!ok || (long_mode(c) && (code->attr & SEG_L) && (code->attr & SEG_B))) {
        x86_raise(c, X_GP, err);
    }
    if (!(code->attr & SEG_P)) {
        x86_raise(c, X_NP, err);
    }
}

/* The SS that a return pops; false: null, which 64-bit code may have. */
static bool check_return_ss(X86Cpu *c, u16 ss, unsigned rpl, const Desc *code,
                            Desc *d)
{
    if (is_null(ss) && long_mode(c) && code->attr & SEG_L && rpl < 3) {
        return false;
    }
    x86_check_ss(c, ss, rpl, X_GP, 0, d);
    x86_set_accessed(c, d);
    return true;
}

static void ret_protected(X86Cpu *c, unsigned osize, unsigned release,
                          bool iret)
{
    enum { IP, SEG, FLAGS };
    Stack s = x86_stack(c);
    u64 v[3] = { 0 }, to[2] = { 0 };    /* to: SP, SS */
    u64 mask = iret_mask(c, osize);
    bool real_ss = false, outer, pops;
    Desc code, d = { 0 };

    x86_stack_pop_all(&s, osize, v, iret ? 3 : 2);
    u64 ip = v[IP], flags = v[FLAGS];
    u16 cs = (u16)v[SEG], ss = 0;
    unsigned rpl = rpl_of(cs);
    outer = rpl > c->cpl;
    pops = outer || (iret && x86_code64(c));
    if (iret && flags & FL_VM && osize == 4 && c->cpl == 0 && !long_mode(c)) {
        ret_to_vm86(c, &s, ip, cs, flags);
        return;
    }
    x86_read_desc(c, cs, X_GP, 0, &code);
    check_return(c, cs, &code);
    s.sp = (s.sp & ~s.mask) | ((s.sp + release) & s.mask);
    if (pops) {
        x86_stack_pop_all(&s, osize, to, 2);
        ss = (u16)to[1];
        real_ss = check_return_ss(c, ss, rpl, &code, &d);
    }
    check_ip(c, &code, ip);
    x86_set_accessed(c, &code);
    if (iret) {
        put_flags(c, flags, mask);
    }
    enter_code(c, cs, &code, rpl, ip);
    if (!pops) {
        x86_stack_keep(&s);
        return;
    }
    if (real_ss) {
        x86_use_desc(c, SS, ss, &d);
    } else {
        x86_null_seg(c, SS, ss);
    }
    set_sp(c, to[0] + release);
    if (outer) {
        x86_drop_inner_segs(c);
    }
}

void x86_far_ret(X86Cpu *c, unsigned osize, unsigned release)
{
    if (!protected_mode(c)) {
        ret_real(c, osize, release, false);
        return;
    }
    ret_protected(c, osize, release, false);
    x86_mode_changed(c);
}

/* NT: back to the task whose selector is in this one's TSS. */
static void task_return(X86Cpu *c, u64 next)
{
    u16 selector = (u16)x86_sys_load(c, c->tr_base, 2);
    u32 err = selector & ~3u;
    Desc d;

    if (selector & 4 || !x86_find_desc(c, selector, &d) || d.attr & SEG_S
        || (system_type(&d) != T_BUSY16 && system_type(&d) != T_BUSY32)) {
        x86_raise(c, X_TS, err);
    }
    if (!(d.attr & SEG_P)) {
        x86_raise(c, X_NP, err);
    }
    x86_task_switch(c, selector, &d, TASK_RET, next);
}

/* IOPL below 3 in virtual-8086 mode: only VME's 16-bit form. */
static void check_vm_iret(X86Cpu *c, unsigned osize)
{
    Stack s = x86_stack(c);
    u64 flags;

    if (iopl_of(c) == 3) {
        return;
    }
    if (osize != 2 || !(c->cr4 & CR4_VME)) {
        x86_raise(c, X_GP, 0);
    }
    s.sp += 4;
    flags = x86_stack_pop(&s, 2);
    if (flags & FL_TF || (flags & FL_IF && c->eflags & FL_VIP)) {
        x86_raise(c, X_GP, 0);
    }
}

void x86_iret(X86Cpu *c, unsigned osize, u64 next)
{
    if (c->eflags & FL_VM) {
        check_vm_iret(c, osize);
    }
    if (!protected_mode(c)) {
        ret_real(c, osize, 0, true);
    } else if (!(c->eflags & FL_NT)) {
        ret_protected(c, osize, 0, true);
    } else if (long_mode(c)) {
        x86_raise(c, X_GP, 0);
    } else {
        task_return(c, next);
    }
    c->nmi_blocked = false;
    x86_level_changed(c);
    x86_check_lines(c);
}

/* ---- task switches ------------------------------------------------------ */

/* Where things are in a 16- and in a 32-bit TSS. */
typedef struct Layout {
    u8 size;                    /* of a register */
    u8 cr3, ip, flags, regs, segs, ldt, trap;
    u8 nsegs;
    u8 seg_step;
    u8 limit;                   /* the least a TSS's limit may be */
} Layout;

static const Layout layout16 = { 2, 0, 0x0e, 0x10, 0x12, 0x22, 0x2a, 0, 4, 2,
                                 0x2b };
static const Layout layout32 = { 4, 0x1c, 0x20, 0x24, 0x28, 0x48, 0x60, 0x64, 6, 4,
                                 0x67 };

/* A task's state as its TSS holds it. */
typedef struct TaskState {
    u64 cr3, ip, flags, r[8];
    u16 seg[SEGS], ldt;
    bool trap;
} TaskState;

static const Layout *layout_of(unsigned type)
{
    return (type & ~(unsigned)T_BUSY) == T_TSS32 ? &layout32 : &layout16;
}

static void save_task(X86Cpu *c, u64 flags, u64 ip)
{
    const Layout *l = layout_of(c->tr.attr & SEG_TYPE);
    u64 at = c->tr_base;

    x86_sys_store(c, at + l->ip, l->size, ip);
    x86_sys_store(c, at + l->flags, l->size, flags);
    for (unsigned i = 0; i < 8; i++) {
        x86_sys_store(c, at + l->regs + i * l->size, l->size, c->r[i]);
    }
    for (unsigned i = 0; i < l->nsegs; i++) {
        x86_sys_store(c, at + l->segs + i * l->seg_step, 2,
                      c->seg[i].selector);
    }
}

static TaskState load_task(X86Cpu *c, u64 at, const Layout *l)
{
    TaskState t = { 0 };

    t.cr3 = l->cr3 ? x86_sys_load(c, at + l->cr3, 4) : 0;
    t.ip = x86_sys_load(c, at + l->ip, l->size);
    t.flags = x86_sys_load(c, at + l->flags, l->size);
    for (unsigned i = 0; i < 8; i++) {
        t.r[i] = x86_sys_load(c, at + l->regs + i * l->size, l->size);
        t.r[i] |= l->size == 2 ? c->r[i] & 0xffff0000 : 0;
    }
    for (unsigned i = 0; i < l->nsegs; i++) {
        t.seg[i] = (u16)x86_sys_load(c, at + l->segs + i * l->seg_step, 2);
    }
    t.ldt = (u16)x86_sys_load(c, at + l->ldt, 2);
    t.trap = l->trap && x86_sys_load(c, at + l->trap, 1) & 1;
    return t;
}

static void set_busy(X86Cpu *c, u64 at, bool busy)
{
    u64 b = x86_sys_load(c, at + 5, 1);

    x86_sys_store(c, at + 5, 1, busy ? b | T_BUSY : b & ~(u64)T_BUSY);
}

static void load_task_code(X86Cpu *c, u16 selector)
{
    u32 err = selector & ~3u;
    Desc d;

    x86_read_desc(c, selector, X_TS, 0, &d);
    if (!is_code(&d) || (is_conforming(&d) ? dpl_of(&d) > rpl_of(selector)
                                   : dpl_of(&d) != rpl_of(selector))) {
        x86_raise(c, X_TS, err);
    }
    if (!(d.attr & SEG_P)) {
        x86_raise(c, X_NP, err);
    }
    x86_use_code(c, selector, &d, rpl_of(selector));
}

static void load_task_data(X86Cpu *c, unsigned seg, u16 selector)
{
    u32 err = selector & ~3u;
    Desc d;

    if (is_null(selector)) {
        x86_null_seg(c, seg, selector);
        return;
    }
    x86_read_desc(c, selector, X_TS, 0, &d);
    if (!(d.attr & SEG_S) || (is_code(&d) && !(d.attr & SEG_RW))
        || (!(is_code(&d) && is_conforming(&d))
            && MAX(rpl_of(selector), c->cpl) > dpl_of(&d))) {
        x86_raise(c, X_TS, err);
    }
    if (!(d.attr & SEG_P)) {
        x86_raise(c, X_NP, err);
    }
    x86_use_desc(c, seg, selector, &d);
}

/* The new task's segments; what is wrong is the new task's fault. */
static void load_task_segs(X86Cpu *c, const TaskState *t)
{
    static const u8 data[] = { ES, DS, FS, GS };
    Desc ss;

    x86_lldt(c, t->ldt, X_TS);
    if (c->eflags & FL_VM) {
        c->cpl = 3;
        for (unsigned s = ES; s < SEGS; s++) {
            x86_real_seg(c, s, t->seg[s]);
        }
        x86_set_ip(c, t->ip);
        return;
    }
    load_task_code(c, t->seg[CS]);
    x86_set_ip(c, t->ip);
    x86_check_ss(c, t->seg[SS], c->cpl, X_TS, 0, &ss);
    x86_use_desc(c, SS, t->seg[SS], &ss);
    for (u32 i = 0; i < countof(data); i++) {
        load_task_data(c, data[i], t->seg[data[i]]);
    }
    if (t->ip > c->seg[CS].limit) {
        x86_raise(c, X_GP, 0);
    }
}

/* Registers of the new task; its segments are not usable yet. */
static void adopt_task(X86Cpu *c, const TaskState *t, const Layout *l)
{
    memcpy(c->r, t->r, sizeof t->r);
    x86_put_eflags(c, t->flags & ~(u64)FL_RF);
    c->cpl = (u8)rpl_of(t->seg[CS]);
    for (unsigned s = ES; s < SEGS; s++) {
        x86_null_seg(c, s, t->seg[s]);
    }
    x86_set_ip(c, t->ip);
    c->ldtr = (X86Seg) { .selector = t->ldt };
    c->dr[7] &= ~0x55ull;               /* local breakpoints */
    c->cr0 |= CR0_TS;
    if (l->cr3 && c->cr0 & CR0_PG) {
        x86_write_cr3(c, t->cr3);
    }
    x86_mode_changed(c);
}

/* APM 15.14.1 "Task Switch Intercept" */
static void intercept_task(X86Cpu *c, u16 selector, TaskKind kind, u64 next)
{
    X86Exit x = { .code = EXIT_TASK_SWITCH, .info1 = selector };

    if (x86_in_guest(c) && x86_intercepts(c, EXIT_TASK_SWITCH)) {
        x.info2 = (kind == TASK_RET ? BIT(36) : 0)
            | (kind == TASK_JUMP ? BIT(38) : 0)
            | (c->eflags & FL_RF ? BIT(48) : 0);
        x.next = kind == TASK_INT ? 0 : next;
        x86_exit(c, &x);
    }
}

void x86_task_switch(X86Cpu *c, u16 selector, const Desc *d, TaskKind kind,
                     u64 next)
{
    const Layout *l = layout_of(system_type(d));
    u16 back = c->tr.selector;
    u64 flags = x86_eflags(c), old = c->gdtr.base + (back & ~7u);
    bool nested = kind == TASK_CALL || kind == TASK_INT;
    TaskState t;

    if (d->limit < l->limit) {
        x86_raise(c, X_TS, selector & ~3u);
    }
    intercept_task(c, selector, kind, next);
    t = load_task(c, d->base, l);
    save_task(c, kind == TASK_RET ? flags & ~(u64)FL_NT : flags, next);
    if (!nested) {
        set_busy(c, old, false);
    }
    if (kind != TASK_RET) {
        set_busy(c, d->at, true);
    }
    if (nested) {
        x86_sys_store(c, d->base, 2, back);
        t.flags |= FL_NT;
    }
    c->tr = (X86Seg) { selector, d->limit, d->attr | T_BUSY };
    c->tr_base = d->base;
    adopt_task(c, &t, l);
    load_task_segs(c, &t);
    c->debug_due |= t.trap ? DR6_BT : 0;
    x86_debug_changed(c);
}

void x86_task_gate(X86Cpu *c, const Desc *gate, TaskKind kind, u32 ext,
                   u64 next)
{
    u16 selector = (u16)(gate->raw >> 16);
    u32 err = (selector & ~3u) | ext;
    Desc d;

    if (selector & 4 || !x86_find_desc(c, selector, &d) || d.attr & SEG_S
        || (system_type(&d) != T_TSS16 && system_type(&d) != T_TSS32)) {
        x86_raise(c, X_GP, err);
    }
    if (!(d.attr & SEG_P)) {
        x86_raise(c, X_NP, err);
    }
    x86_task_switch(c, selector, &d, kind, next);
}

/* ---- SYSENTER, SYSCALL -------------------------------------------------- */

static void set_flat(X86Cpu *c, u16 code, u16 data, unsigned cpl, bool wide)
{
    enum { LAST = 0xffffffff };
    u32 level = cpl << 5 | SEG_G;

    c->cpl = (u8)cpl;
    x87_settle(c, CS);
    x87_settle(c, SS);
    c->seg[CS] = (X86Seg) { (u16)((code & ~3) | cpl), LAST,
                            FLAT_CODE | level | (wide ? SEG_L : SEG_B) };
    c->seg[SS] = (X86Seg) { (u16)((data & ~3) | cpl), LAST,
                            FLAT_DATA | level | SEG_B };
    c->base[CS] = c->base[SS] = 0;
    c->rlim[CS] = c->rlim[SS] = c->wlim[SS] = LAST;
    c->wlim[CS] = ~0ull;
}

void x86_sysenter(X86Cpu *c)
{
    u16 selector = (u16)(c->sysenter_cs & 0xfffc);

    if (!(c->cr0 & CR0_PE) || !selector) {
        x86_raise(c, X_GP, 0);
    }
    c->eflags &= ~(u32)(FL_VM | FL_IF);
    set_flat(c, selector, (u16)(selector + 8), 0, long_mode(c));
    c->r[RSP] = long_mode(c) ? c->sysenter_esp : (u32)c->sysenter_esp;
    x86_set_ip(c, c->sysenter_eip);
    x86_level_changed(c);
}

void x86_sysexit(X86Cpu *c, bool wide)
{
    u16 selector = (u16)(c->sysenter_cs & 0xfffc);
    u64 ip = c->r[RDX], sp = c->r[RCX];

    if (!(c->cr0 & CR0_PE) || !selector || c->cpl
        || (wide && !(canonical(ip) && canonical(sp)))) {
        x86_raise(c, X_GP, 0);
    }
    selector = (u16)(selector + (wide ? 32 : 16));
    set_flat(c, selector, (u16)(selector + 8), 3, wide);
    c->r[RSP] = wide ? sp : (u32)sp;
    x86_set_ip(c, wide ? ip : (u32)ip);
    x86_level_changed(c);
}

void x86_syscall(X86Cpu *c, u64 next)
{
    u16 selector = (u16)(c->star >> 32);
    bool wide = long_mode(c), from64 = x86_code64(c);
    u64 flags = x86_eflags(c);

    if (!(c->efer & EFER_SCE) || !(c->cr0 & CR0_PE)) {
        x86_raise(c, X_UD, 0);
    }
    c->r[RCX] = wide ? next : (u32)next;
    if (wide) {
        c->r[11] = flags;
        x86_put_eflags(c, flags & ~c->fmask);
    } else {
        c->eflags &= ~(u32)(FL_VM | FL_IF);
    }
    set_flat(c, selector, (u16)(selector + 8), 0, wide);
    x86_set_ip(c, !wide ? (u32)c->star : from64 ? c->lstar : c->cstar);
    x86_level_changed(c);
}

void x86_sysret(X86Cpu *c, bool wide)
{
    enum { FLAGS = 0x3c7fd7 & ~FL_RF };
    u16 selector = (u16)(c->star >> 48);
    u64 ip = c->r[RCX];

    if (!(c->efer & EFER_SCE)) {
        x86_raise(c, X_UD, 0);
    }
    if (c->cpl || !(c->cr0 & CR0_PE) || (wide && !canonical(ip))) {
        x86_raise(c, X_GP, 0);
    }
    if (long_mode(c)) {
        x86_put_eflags(c, c->r[11] & FLAGS);
    } else {
        c->eflags |= FL_IF;
    }
    set_flat(c, (u16)(selector + (wide ? 16 : 0)), (u16)(selector + 8), 3,
             wide);
    x86_set_ip(c, wide ? ip : (u32)ip);
    x86_level_changed(c);
    x86_check_lines(c);
}
