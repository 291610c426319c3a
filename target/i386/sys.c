/* SPDX-License-Identifier: MIT */
/*
 * System instructions: segments, far transfers, flags, ports, descriptors;
 * control.c has the rest.  Reference: SDM volume 2; volume 3, chapters 2, 6
 * to 8.
 *
 * Most are helpers.  One that may change the block's key ends in settle(),
 * which goes on in the block if the key is still the block's.
 */
#include "softmmu/machine.h"
#include "target/i386/svm.h"
#include "target/i386/sys.h"

/* ---- segment registers -------------------------------------------------- */

/* Of segments but SS, most loads leave the key as it is. */
static void new_seg(X86Cpu *c, unsigned seg, u16 selector)
{
    u32 part = x86_segment_key(c, seg);

    x86_load_seg(c, seg, selector);
    c->shadow |= seg == SS;
    if (seg == SS || part != x86_segment_key(c, seg)) {
        x86_level_changed(c);
    }
}

static void load_seg(void *env, u32 seg, u32 selector, u64 next)
{
    X86Cpu *c = env;
    u32 key = c->cpu.key;

    new_seg(c, seg, (u16)selector);
    settle(c, key, next);
}
HELPER(load_seg, H_ALL, void, ptr, i32, i32, i64);

static void set_seg(X86Ctx *c, unsigned seg, Val selector)
{
    IR_CALL(c->b, &helper_load_seg, k32(c, seg), selector, linear_next(c));
}

static Val selector_of(X86Ctx *c, unsigned seg)
{
    return ir_get(c->b, S_SEL + seg);
}

static bool mov_from_seg(X86Ctx *c)
{
    Val v;

    if ((c->reg & 7) > GS) {
        return false;
    }
    v = selector_of(c, c->reg & 7);
    if (is_mem(c)) {
        x86_store(c, x86_mem(c, 2, true), 2, v);
    } else {
        x86_set(c, c->osize, c->rm, x86_to(c, 2, c->osize, v, false));
    }
    return true;
}

static bool mov_to_seg(X86Ctx *c)
{
    unsigned seg = c->reg & 7;
    Val addr;

    if (seg > GS || seg == CS) {
        return false;
    }
    set_seg(c, seg, x86_get_e(c, 2, &addr));
    return true;
}

static bool push_seg(X86Ctx *c)
{
    Val v = selector_of(c, c->row->arg);

    x86_push(c, c->osize, x86_to(c, 2, c->osize, v, false));
    return true;
}

/*
 * A general register that changes with a segment, after its checks: reg is
 * number | size << 8.
 */
static void load_seg_and(void *env, u32 seg, u32 selector, u32 reg, u64 v,
                         u64 next)
{
    X86Cpu *c = env;
    u64 *r = &c->r[reg & 0xff];
    u32 size = reg >> 8, key = c->cpu.key;

    new_seg(c, seg, (u16)selector);
    *r = size == 2 ? deposit(*r, 0, 16, v) : v;
    settle(c, key, next);
}
HELPER(load_seg_and, H_ALL, void, ptr, i32, i32, i32, i64, i64);

static bool set_seg_and(X86Ctx *c, Val selector, unsigned size, unsigned reg,
                        Val v)
{
    IR_CALL(c->b, &helper_load_seg_and, k32(c, c->row->arg), selector,
            k32(c, reg | size << 8), v, linear_next(c));
    return true;
}

static bool pop_seg(X86Ctx *c)
{
    Val sp = x86_sp(c);
    Val v = x86_load(c, x86_stack_at(c, sp, 0, 2, false), 2);
    unsigned size = x86_stack_size(c);

    sp = ir_add(c->b, sp, ir_i64(c->b, c->osize));
    if (size != 8) {
        sp = ir_and(c->b, sp, ir_i64(c->b, MASK(size * 8)));
    }
    return set_seg_and(c, v, size, RSP, sp);
}

/* LDS and its like. */
static bool load_far(X86Ctx *c)
{
    Val addr = x86_mem(c, c->osize + 2u, false);
    Val off = x86_to(c, c->osize, 8, x86_load(c, addr, c->osize), false);
    Val at = ir_add(c->b, addr, ir_i64(c->b, c->osize));

    return set_seg_and(c, x86_load(c, at, 2), c->osize, c->reg, off);
}

/* ---- far transfers ------------------------------------------------------ */

static void far_jump(void *env, u32 selector, u64 off, u64 next)
{
    x86_far_jump(env, (u16)selector, off, next);
}
HELPER(far_jump, H_ALL, void, ptr, i32, i64, i64);

static void far_call(void *env, u32 selector, u64 off, u32 osize, u64 next)
{
    x86_far_call(env, (u16)selector, off, osize, next);
}
HELPER(far_call, H_ALL, void, ptr, i32, i64, i32, i64);

enum { FAR_JUMP, FAR_CALL };

static bool go_far(X86Ctx *c, Val selector, Val off)
{
    if (c->row->arg == FAR_JUMP) {
        IR_CALL(c->b, &helper_far_jump, selector, off, x86_next(c));
    } else {
        IR_CALL(c->b, &helper_far_call, selector, off, k32(c, c->osize),
                x86_next(c));
    }
    ir_leave(c->b);
    return true;
}

static bool far_direct(X86Ctx *c)
{
    return go_far(c, k32(c, (u32)c->imm2), ir_i64(c->b, c->imm));
}

static bool far_indirect(X86Ctx *c)
{
    Val addr = x86_mem(c, c->osize + 2u, false);
    Val off = x86_to(c, c->osize, 8, x86_load(c, addr, c->osize), false);
    Val at = ir_add(c->b, addr, ir_i64(c->b, c->osize));

    return go_far(c, x86_load(c, at, 2), off);
}

static void far_ret(void *env, u32 osize, u32 release)
{
    x86_far_ret(env, osize, release);
}
HELPER(far_ret, H_ALL, void, ptr, i32, i32);

static bool ret_far(X86Ctx *c)
{
    IR_CALL(c->b, &helper_far_ret, k32(c, c->osize), k32(c, (u32)c->imm));
    ir_leave(c->b);
    return true;
}

static void do_iret(void *env, u32 osize, u64 next)
{
    x86_iret(env, osize, next);
}
HELPER(do_iret, H_ALL, void, ptr, i32, i64);

static bool iret(X86Ctx *c)
{
    IR_CALL(c->b, &helper_do_iret, k32(c, c->osize), x86_next(c));
    ir_leave(c->b);
    return true;
}

/* ---- INT ---------------------------------------------------------------- */

static void int_n(void *env, u32 vector, u64 next)
{
    x86_int_n(env, vector, next);
}
HELPER(int_n, H_ALL, void, ptr, i32, i64);

/* INT3 and INTO ask for no IOPL in virtual-8086 mode; INT1 for no DPL. */
static void int_short(void *env, u32 vector, u64 next)
{
    x86_interrupt_to(env, vector, INT_TRAP, 0, next);
}
HELPER(int_short, H_ALL, void, ptr, i32, i64);

static bool insn_int(X86Ctx *c)
{
    IR_CALL(c->b, &helper_int_n, k32(c, (u32)c->imm & 0xff), x86_next(c));
    ir_leave(c->b);
    return true;
}

static bool insn_int_short(X86Ctx *c)
{
    IR_CALL(c->b, &helper_int_short, k32(c, c->row->arg), x86_next(c));
    ir_leave(c->b);
    return true;
}

static void maybe_overflow(void *env, u64 next)
{
    X86Cpu *c = env;

    if (x86_eflags(c) & FL_OF) {
        x86_interrupt_to(c, X_OF, INT_TRAP, 0, next);
        cpu_resume(&c->cpu);
    }
}
HELPER(maybe_overflow, H_ALL, void, ptr, i64);

static bool into(X86Ctx *c)
{
    IR_CALL(c->b, &helper_maybe_overflow, x86_next(c));
    return true;
}

/* ---- flags -------------------------------------------------------------- */

/* Flags in EFLAGS (the rest of it) by IR alone. */
static void change_eflags(X86Ctx *c, u32 clear, u32 set)
{
    Val v = ir_get(c->b, S_EFLAGS);

    v = ir_and(c->b, v, k32(c, ~clear));
    ir_put(c->b, S_EFLAGS, ir_or(c->b, v, k32(c, set)));
}

/* CLI and STI where IOPL, VME and PVI count: SDM volume 2, CLI, STI. */
static void change_if(void *env, u32 on, u64 next)
{
    X86Cpu *c = env;
    u32 key = c->cpu.key;
    bool vm = c->eflags & FL_VM;
    bool virtual = vm ? c->cr4 & CR4_VME : c->cr4 & CR4_PVI && c->cpl == 3;

    if (!(c->cr0 & CR0_PE) || iopl_of(c) >= (vm ? 3 : c->cpl)) {
        c->shadow = on && !(c->eflags & FL_IF);
        c->eflags = (c->eflags & ~(u32)FL_IF) | (on ? FL_IF : 0);
    } else {
        general_protection_unless(c, virtual
                                  && !(on && c->eflags & FL_VIP));
        c->eflags = (c->eflags & ~(u32)FL_VIF) | (on ? FL_VIF : 0);
    }
    x86_level_changed(c);
    x86_check_lines(c);
    settle(c, key, next);
}
HELPER(change_if, H_ALL, void, ptr, i32, i64);

static void see_lines(void *env)
{
    x86_check_lines(env);
}
HELPER(see_lines, H_READ, void, ptr);

/*
 * Interrupts are taken between blocks: if the next instruction is sure to be
 * in this one, that is the shadow of STI.
 */
static bool shadow_is_free(X86Ctx *c)
{
    enum { LONGEST = 15 };

    return c->at + c->len + LONGEST <= GUEST_PAGE && ir_bind_next(c->b);
}

static bool cli_sti(X86Ctx *c)
{
    u32 on = c->row->arg;

    if (is_supervisor(c) && !on) {
        change_eflags(c, FL_IF, 0);
        return true;
    }
    if (is_supervisor(c) && !x86_single(c) && !(c->key & KEY_SVM)
        && shadow_is_free(c)) {
        change_eflags(c, 0, FL_IF);
        IR_CALL(c->b, &helper_see_lines);
        return true;
    }
    IR_CALL(c->b, &helper_change_if, k32(c, on), linear_next(c));
    return true;
}

/* The image that PUSHF stores: SDM volume 2, PUSHF. */
static u64 flags_image(void *env, u32 osize)
{
    X86Cpu *c = env;
    u64 v = x86_eflags(c) & ~(u64)(FL_RF | FL_VM);

    if (c->eflags & FL_VM && iopl_of(c) < 3) {
        general_protection_unless(c, c->cr4 & CR4_VME && osize == 2);
        v = (v & ~(u64)FL_IF) | FL_IOPL | (v & FL_VIF ? FL_IF : 0);
    }
    return v;
}
HELPER(flags_image, H_READ | H_RAISE, i64, ptr, i32);

static bool pushf(X86Ctx *c)
{
    Val v = IR_CALL(c->b, &helper_flags_image, k32(c, c->osize));

    x86_push(c, c->osize, x86_to(c, 8, c->osize, v, false));
    return true;
}

/* What POPF may change here. */
static u64 poppable(const X86Cpu *c, u32 osize)
{
    u64 may = FL_STATUS | FL_TF | FL_DF | FL_NT | FL_AC | FL_ID;

    if (!(c->cr0 & CR0_PE) || c->cpl == 0) {
        may |= FL_IF | FL_IOPL;
    } else if (c->cpl <= iopl_of(c)) {
        may |= FL_IF;
    }
    return osize == 2 ? may & 0xffff : may;
}

/* VME: IF of the image is VIF. */
static void pop_virtual(X86Cpu *c, u64 v)
{
    u64 may = poppable(c, 2) & ~(u64)(FL_IF | FL_IOPL);

    v = (x86_eflags(c) & ~(may | FL_VIF)) | (v & may)
        | (v & FL_IF ? FL_VIF : 0);
    x86_put_eflags(c, v);
}

static void check_popf(void *env, u64 v, u32 osize)
{
    X86Cpu *c = env;

    general_protection_unless(c, iopl_of(c) == 3
                              || (c->cr4 & CR4_VME && osize == 2
                                  && !(v & FL_TF)
                                  && !(v & FL_IF && c->eflags & FL_VIP)));
}
HELPER(check_popf, H_READ | H_RAISE, void, ptr, i64, i32);

static void set_flags(void *env, u64 v, u32 osize, u64 next)
{
    X86Cpu *c = env;
    u32 key = c->cpu.key;

    if (c->eflags & FL_VM && iopl_of(c) < 3) {
        pop_virtual(c, v);
    } else {
        u64 may = poppable(c, osize);
        x86_put_eflags(c, (x86_eflags(c) & ~(may | FL_RF)) | (v & may));
    }
    x86_level_changed(c);
    x86_check_lines(c);
    settle(c, key, next);
}
HELPER(set_flags, H_ALL, void, ptr, i64, i32, i64);

static bool popf(X86Ctx *c)
{
    Val sp = x86_sp(c);
    Val v = x86_load(c, x86_stack_at(c, sp, 0, c->osize, false), c->osize);

    v = x86_to(c, c->osize, 8, v, false);
    if (c->key & KEY_VM) {
        IR_CALL(c->b, &helper_check_popf, v, k32(c, c->osize));
    }
    x86_set_sp(c, ir_add(c->b, sp, ir_i64(c->b, c->osize)));
    IR_CALL(c->b, &helper_set_flags, v, k32(c, c->osize), linear_next(c));
    return true;
}

/* ---- HLT, MONITOR ------------------------------------------------------- */

static void halt(void *env, u64 next)
{
    X86Cpu *c = env;

    c->cpu.tcg.pc = next;
    if (x86_wakes(&c->cpu)) {
        cpu_request(&c->cpu, REQ_INTERRUPT);
        cpu_resume(&c->cpu);
    }
    cpu_halt(&c->cpu);
}
HELPER(halt, H_ALL, void, ptr, i64);

static bool hlt(X86Ctx *c)
{
    IR_CALL(c->b, &helper_halt, linear_next(c));
    ir_leave(c->b);
    return true;
}

/* ---- ports -------------------------------------------------------------- */

static void check_io(void *env, u32 port, u32 size)
{
    x86_check_io(env, (u16)port, size);
}
HELPER(check_io, H_READ | H_RAISE, void, ptr, i32, i32);

static void see_port(X86Cpu *c, u32 port, u32 size)
{
    if (unlikely(c->breaks)) {
        x86_watch_port(c, port, size);
    }
}

static u32 port_in(void *env, u32 port, u32 size)
{
    MemSpace *io = ((X86Cpu *)env)->cpu.machine->io;

    see_port(env, port, size);
    return io ? (u32)mem_get(io, port, size) : (u32)MASK(size * 8);
}
HELPER(port_in, H_READ | H_WRITE, i32, ptr, i32, i32);

/* An SMI that a write to a port raises comes before the next instruction. */
static void port_out(void *env, u32 port, u32 size, u32 v, u64 next)
{
    X86Cpu *c = env;
    MemSpace *io = c->cpu.machine->io;

    see_port(env, port, size);
    if (io) {
        mem_put(io, port, size, v);
    }
    if (unlikely(x86_smi_due(c))) {
        c->cpu.tcg.pc = next;
        cpu_request(&c->cpu, REQ_INTERRUPT);
        cpu_resume(&c->cpu);
    }
}
HELPER(port_out, H_ALL, void, ptr, i32, i32, i32, i64);

enum { PORT_IMM, PORT_DX };

static Val port_of(X86Ctx *c, unsigned size, bool in)
{
    Val port = c->row->arg == PORT_DX ? x86_get(c, 2, RDX)
                                      : k32(c, (u32)c->imm & 0xff);

    if (!is_supervisor(c)) {
        IR_CALL(c->b, &helper_check_io, port, k32(c, size));
    }
    x86_guest_port(c, port, size, in);
    return port;
}

static bool in(X86Ctx *c)
{
    unsigned size = MIN(x86_op_size(c), 4u);
    Val port = port_of(c, size, true);

    x86_set(c, size, RAX,
            IR_CALL(c->b, &helper_port_in, port, k32(c, size)));
    return true;
}

static bool out(X86Ctx *c)
{
    unsigned size = MIN(x86_op_size(c), 4u);
    Val port = port_of(c, size, false);

    IR_CALL(c->b, &helper_port_out, port, k32(c, size), x86_get(c, size, RAX),
            linear_next(c));
    return true;
}

/* ---- descriptor tables -------------------------------------------------- */

enum { GDTR, IDTR };

static u64 table_base(void *env, u32 which)
{
    X86Cpu *c = env;

    return which == GDTR ? c->gdtr.base : c->idtr.base;
}
HELPER(table_base, H_READ, i64, ptr, i32);

static u32 table_limit(void *env, u32 which)
{
    X86Cpu *c = env;

    return which == GDTR ? c->gdtr.limit : c->idtr.limit;
}
HELPER(table_limit, H_READ, i32, ptr, i32);

static void set_table(void *env, u32 which, u64 base, u32 limit)
{
    X86Cpu *c = env;
    X86Table *t = which == GDTR ? &c->gdtr : &c->idtr;

    *t = (X86Table) { base, limit };
}
HELPER(set_table, H_READ | H_WRITE, void, ptr, i32, i64, i32);

static bool store_table(X86Ctx *c)
{
    unsigned size = is64(c) ? 8 : 4;
    Val which = k32(c, c->row->arg), addr, base;

    if (forbidden_by_umip(c)) {
        return true;
    }
    addr = x86_mem(c, size + 2, true);
    base = IR_CALL(c->b, &helper_table_base, which);
    x86_store(c, addr, 2, IR_CALL(c->b, &helper_table_limit, which));
    x86_store(c, ir_add(c->b, addr, ir_i64(c->b, 2)), size,
              x86_to(c, 8, size, base, false));
    return true;
}

/* With 16-bit operands the base has 24 bits. */
static bool load_table(X86Ctx *c)
{
    unsigned size = is64(c) ? 8 : 4;
    Val addr = x86_mem(c, size + 2, false);
    Val limit = x86_load(c, addr, 2);
    Val base = x86_load(c, ir_add(c->b, addr, ir_i64(c->b, 2)), size);

    base = x86_to(c, size, 8, base, false);
    if (c->osize == 2 && !is64(c)) {
        base = ir_and(c->b, base, ir_i64(c->b, 0xffffff));
    }
    IR_CALL(c->b, &helper_set_table, k32(c, c->row->arg), base, limit);
    return true;
}

enum { LDTR, TR };

static u32 system_selector(void *env, u32 which)
{
    X86Cpu *c = env;

    return which == LDTR ? c->ldtr.selector : c->tr.selector;
}
HELPER(system_selector, H_READ, i32, ptr, i32);

static bool store_selector(X86Ctx *c)
{
    return forbidden_by_umip(c)
        || store_word(c, IR_CALL(c->b, &helper_system_selector,
                                 k32(c, c->row->arg)));
}

static void load_system(void *env, u32 which, u32 selector)
{
    X86Cpu *c = env;

    if (which == LDTR) {
        x86_lldt(c, (u16)selector, X_GP);
    } else {
        x86_ltr(c, (u16)selector);
    }
}
HELPER(load_system, H_ALL, void, ptr, i32, i32);

static bool load_selector(X86Ctx *c)
{
    Val addr;

    IR_CALL(c->b, &helper_load_system, k32(c, c->row->arg),
            x86_get_e(c, 2, &addr));
    return true;
}

/* ---- LAR, LSL, VERR, VERW ----------------------------------------------- */

static void set_zf(X86Cpu *c, bool on)
{
    c->flags = (c->flags & ~(u32)FLAG_Z) | (on ? FLAG_Z : 0);
}

static void verify(void *env, u32 selector, u32 write)
{
    set_zf(env, x86_verify(env, (u16)selector, write));
}
HELPER(verify, H_ALL, void, ptr, i32, i32);

static bool verr_verw(X86Ctx *c)
{
    Val addr;

    IR_CALL(c->b, &helper_verify, x86_get_e(c, 2, &addr),
            k32(c, c->row->arg));
    return true;
}

enum { RIGHTS, LIMIT };

/* ZF says whether the result counts; else it is the old value. */
static u64 descriptor_part(void *env, u32 selector, u32 which, u64 old)
{
    X86Cpu *c = env;
    u32 v = 0;
    bool ok = which == RIGHTS ? x86_lar(c, (u16)selector, &v)
                              : x86_lsl(c, (u16)selector, &v);

    set_zf(c, ok);
    return ok ? v : old;
}
HELPER(descriptor_part, H_ALL, i64, ptr, i32, i32, i64);

static bool lar_lsl(X86Ctx *c)
{
    Val addr, selector = x86_get_e(c, 2, &addr);
    Val old = x86_to(c, c->osize, 8, x86_get(c, c->osize, c->reg), false);
    Val v = IR_CALL(c->b, &helper_descriptor_part, selector,
                    k32(c, c->row->arg), old);

    x86_set(c, c->osize, c->reg, x86_to(c, 8, c->osize, v, false));
    return true;
}

/* ---- tables: SDM volume 2, tables A-2, A-3 ------------------------------ */

const X86Row x86_sys_1[] = {
    OP(0x06, "PUSH", "ES", push_seg, .arg = ES, .flags = X_I64),
    OP(0x07, "POP", "ES", pop_seg, .arg = ES, .flags = X_I64),
    OP(0x0e, "PUSH", "CS", push_seg, .arg = CS, .flags = X_I64),
    OP(0x16, "PUSH", "SS", push_seg, .arg = SS, .flags = X_I64),
    OP(0x17, "POP", "SS", pop_seg, .arg = SS, .flags = X_I64),
    OP(0x1e, "PUSH", "DS", push_seg, .arg = DS, .flags = X_I64),
    OP(0x1f, "POP", "DS", pop_seg, .arg = DS, .flags = X_I64),
    OP(0x8c, "MOV", "Ev,Sw", mov_from_seg),
    OP(0x8e, "MOV", "Sw,Ew", mov_to_seg),
    OP(0x9a, "CALLF", "Ap", far_direct, .arg = FAR_CALL, .flags = X_I64),
    OP(0x9c, "PUSHF", "Fv", pushf, .flags = X_D64, .exit = EXIT_PUSHF),
    OP(0x9d, "POPF", "Fv", popf, .flags = X_D64, .exit = EXIT_POPF),
    OP(0xc4, "LES", "Gz,Mp", load_far, .arg = ES, .flags = X_I64 | X_MEM),
    OP(0xc5, "LDS", "Gz,Mp", load_far, .arg = DS, .flags = X_I64 | X_MEM),
    OP(0xca, "RETF", "Iw", ret_far),
    OP(0xcb, "RETF", "", ret_far),
    OP(0xcc, "INT3", "", insn_int_short, .arg = X_BP),
    OP(0xcd, "INT", "Ib", insn_int, .exit = EXIT_SWINT),
    OP(0xce, "INTO", "", into, .flags = X_I64),
    OP(0xcf, "IRET", "", iret, .exit = EXIT_IRET),
    OP(0xe4, "IN", "AL,Ib", in, .arg = PORT_IMM, .exit = EXIT_LATE),
    OP(0xe5, "IN", "eAX,Ib", in, .arg = PORT_IMM, .exit = EXIT_LATE),
    OP(0xe6, "OUT", "Ib,AL", out, .arg = PORT_IMM, .exit = EXIT_LATE),
    OP(0xe7, "OUT", "Ib,eAX", out, .arg = PORT_IMM, .exit = EXIT_LATE),
    OP(0xea, "JMPF", "Ap", far_direct, .arg = FAR_JUMP, .flags = X_I64),
    OP(0xec, "IN", "AL,DX", in, .arg = PORT_DX, .exit = EXIT_LATE),
    OP(0xed, "IN", "eAX,DX", in, .arg = PORT_DX, .exit = EXIT_LATE),
    OP(0xee, "OUT", "DX,AL", out, .arg = PORT_DX, .exit = EXIT_LATE),
    OP(0xef, "OUT", "DX,eAX", out, .arg = PORT_DX, .exit = EXIT_LATE),
    OP(0xf1, "INT1", "", insn_int_short, .arg = X_DB, .exit = EXIT_ICEBP),
    OP(0xf4, "HLT", "", hlt, .flags = X_CPL0, .exit = EXIT_HLT),
    OP(0xfa, "CLI", "", cli_sti, .arg = 0),
    OP(0xfb, "STI", "", cli_sti, .arg = 1),
    GRP(0xff, 3, "CALLF", "Mp", far_indirect, .arg = FAR_CALL,
        .flags = X_MEM),
    GRP(0xff, 5, "JMPF", "Mp", far_indirect, .arg = FAR_JUMP, .flags = X_MEM),
    { 0 }
};

const X86Row x86_sys_0f[] = {
    GRP(0x00, 0, "SLDT", "Rv/Mw", store_selector, .arg = LDTR,
        .flags = X_PROT, .exit = EXIT_LDTR_READ),
    GRP(0x00, 1, "STR", "Rv/Mw", store_selector, .arg = TR, .flags = X_PROT,
        .exit = EXIT_TR_READ),
    GRP(0x00, 2, "LLDT", "Ew", load_selector, .arg = LDTR,
        .flags = X_PROT | X_CPL0, .exit = EXIT_LDTR_WRITE),
    GRP(0x00, 3, "LTR", "Ew", load_selector, .arg = TR,
        .flags = X_PROT | X_CPL0, .exit = EXIT_TR_WRITE),
    GRP(0x00, 4, "VERR", "Ew", verr_verw, .arg = 0, .flags = X_PROT),
    GRP(0x00, 5, "VERW", "Ew", verr_verw, .arg = 1, .flags = X_PROT),
    GRP(0x01, 0, "SGDT", "Ms", store_table, .arg = GDTR, .flags = X_MEM,
        .exit = EXIT_GDTR_READ),
    GRP(0x01, 1, "SIDT", "Ms", store_table, .arg = IDTR, .flags = X_MEM,
        .exit = EXIT_IDTR_READ),
    GRP(0x01, 2, "LGDT", "Ms", load_table, .arg = GDTR,
        .flags = X_MEM | X_CPL0, .exit = EXIT_GDTR_WRITE),
    GRP(0x01, 3, "LIDT", "Ms", load_table, .arg = IDTR,
        .flags = X_MEM | X_CPL0, .exit = EXIT_IDTR_WRITE),
    OP(0x02, "LAR", "Gv,Ew", lar_lsl, .arg = RIGHTS, .flags = X_PROT),
    OP(0x03, "LSL", "Gv,Ew", lar_lsl, .arg = LIMIT, .flags = X_PROT),
    OP(0xa0, "PUSH", "FS", push_seg, .arg = FS, .flags = X_D64),
    OP(0xa1, "POP", "FS", pop_seg, .arg = FS, .flags = X_D64),
    OP(0xa8, "PUSH", "GS", push_seg, .arg = GS, .flags = X_D64),
    OP(0xa9, "POP", "GS", pop_seg, .arg = GS, .flags = X_D64),
    OP(0xb2, "LSS", "Gv,Mp", load_far, .arg = SS, .flags = X_MEM),
    OP(0xb4, "LFS", "Gv,Mp", load_far, .arg = FS, .flags = X_MEM),
    OP(0xb5, "LGS", "Gv,Mp", load_far, .arg = GS, .flags = X_MEM),
    { 0 }
};
