/* SPDX-License-Identifier: MIT */
/*
 * System instructions: segments, far transfers, flags, control registers,
 * MSRs.  Reference: SDM volume 2; volume 3, chapters 2, 6 to 8.
 *
 * Most are helpers.  One that may change the block's key ends in settle(),
 * which goes on in the block if the key is still the block's.
 */
#include "softmmu/machine.h"
#include "target/i386/system.h"
#include "target/i386/translate.h"

/* ---- common ------------------------------------------------------------- */

enum { H_ALL = H_READ | H_WRITE | H_RAISE };

/*
 * next: the linear address behind the instruction that `key` ran in.  An
 * interrupt that became due is taken there.
 */
static void settle(X86Cpu *c, u32 key, u64 next)
{
    if (c->cpu.key != key || c->cpu.tcg.poll) {
        c->cpu.tcg.pc = next;
        cpu_resume(&c->cpu);
    }
}

static Val linear_next(X86Ctx *c) { return ir_pc(c->b, c->at + c->len); }
static Val k32(X86Ctx *c, u32 v) { return ir_i32(c->b, v); }

static void general_protection_unless(X86Cpu *c, bool ok)
{
    if (!ok) {
        x86_raise(c, X_GP, 0);
    }
}

/* Flags in EFLAGS (the rest of it) by IR alone. */
static void change_eflags(X86Ctx *c, u32 clear, u32 set)
{
    Val v = ir_get(c->b, S_EFLAGS);

    v = ir_and(c->b, v, k32(c, ~clear));
    ir_put(c->b, S_EFLAGS, ir_or(c->b, v, k32(c, set)));
}

static bool is_supervisor(const X86Ctx *c)
{
    return !(c->key & (KEY_CPL | KEY_VM));
}

/* ---- segment registers -------------------------------------------------- */

static void load_seg(void *env, u32 seg, u32 selector, u64 next)
{
    X86Cpu *c = env;
    u32 key = c->cpu.key;

    x86_load_seg(c, seg, (u16)selector);
    if (seg == SS) {
        c->shadow = true;
    }
    x86_mode_changed(c);
    settle(c, key, next);
}
HELPER(load_seg, H_ALL, void, ptr, i32, i32, i64);

static void set_seg(X86Ctx *c, unsigned seg, Val selector)
{
    IR_CALL(c->b, &helper_load_seg, k32(c, seg), selector, linear_next(c));
}

static u32 read_selector(void *env, u32 seg)
{
    return ((X86Cpu *)env)->seg[seg].selector;
}
HELPER(read_selector, H_READ, i32, ptr, i32);

static Val selector_of(X86Ctx *c, unsigned seg)
{
    return IR_CALL(c->b, &helper_read_selector, k32(c, seg));
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
    u32 size = reg >> 8;

    x86_load_seg(c, seg, (u16)selector);
    *r = size == 2 ? deposit(*r, 0, 16, v) : v;
    c->shadow = seg == SS;
    x86_mode_changed(c);
    c->cpu.tcg.pc = next;
}
HELPER(load_seg_and, H_ALL, void, ptr, i32, i32, i32, i64, i64);

static bool set_seg_and(X86Ctx *c, Val selector, unsigned size, unsigned reg,
                        Val v)
{
    IR_CALL(c->b, &helper_load_seg_and, k32(c, c->row->arg), selector,
            k32(c, reg | size << 8), v, linear_next(c));
    ir_leave(c->b);
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
    x86_interrupt_to(env, vector, vector == X_DB ? INT_EXTERNAL : INT_SOFT, 0,
                     next);
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
        x86_interrupt_to(c, X_OF, INT_SOFT, 0, next);
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
    x86_mode_changed(c);
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
    if (is_supervisor(c) && !x86_single(c) && shadow_is_free(c)) {
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
    x86_mode_changed(c);
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

static void change_ac(void *env, u32 on, u64 next)
{
    X86Cpu *c = env;
    u32 key = c->cpu.key;

    c->eflags = (c->eflags & ~(u32)FL_AC) | (on ? FL_AC : 0);
    x86_mode_changed(c);
    settle(c, key, next);
}
HELPER(change_ac, H_ALL, void, ptr, i32, i64);

static bool clac_stac(X86Ctx *c, bool on)
{
    if (c->key & KEY_CPL || c->key & KEY_VM || !x86_has(c->cpu, F_SMAP)) {
        return false;
    }
    IR_CALL(c->b, &helper_change_ac, k32(c, on), linear_next(c));
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

static void port_out(void *env, u32 port, u32 size, u32 v)
{
    MemSpace *io = ((X86Cpu *)env)->cpu.machine->io;

    see_port(env, port, size);
    if (io) {
        mem_put(io, port, size, v);
    }
}
HELPER(port_out, H_READ | H_WRITE, void, ptr, i32, i32, i32);

enum { PORT_IMM, PORT_DX };

static Val port_of(X86Ctx *c, unsigned size)
{
    Val port = c->row->arg == PORT_DX ? x86_get(c, 2, RDX)
                                      : k32(c, (u32)c->imm & 0xff);

    if (!is_supervisor(c)) {
        IR_CALL(c->b, &helper_check_io, port, k32(c, size));
    }
    return port;
}

static bool in(X86Ctx *c)
{
    unsigned size = MIN(x86_op_size(c), 4u);
    Val port = port_of(c, size);

    x86_set(c, size, RAX,
            IR_CALL(c->b, &helper_port_in, port, k32(c, size)));
    return true;
}

static bool out(X86Ctx *c)
{
    unsigned size = MIN(x86_op_size(c), 4u);
    Val port = port_of(c, size);

    IR_CALL(c->b, &helper_port_out, port, k32(c, size), x86_get(c, size, RAX));
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

static bool forbidden_by_umip(X86Ctx *c)
{
    return c->key & KEY_UMIP && x86_raise_at(c, X_GP, 0);
}

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

/* Memory gets 16 bits, a register the operand size. */
static bool store_word(X86Ctx *c, Val v)
{
    if (is_mem(c)) {
        x86_store(c, x86_mem(c, 2, true), 2, x86_cut(c, 2, v));
    } else {
        x86_set(c, c->osize, c->rm, x86_to(c, c->osize == 2 ? 2 : 4, c->osize,
                                           x86_cut(c, c->osize, v), false));
    }
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

/* ---- control and debug registers ---------------------------------------- */

static u64 read_cr(void *env, u32 n)
{
    X86Cpu *c = env;
    u64 v = 0;

    switch (n) {
    case 0: return c->cr0;
    case 2: return c->cr2;
    case 3: return c->cr3;
    case 4: return c->cr4;
    default:
        x86_intc_read(c, SYSREG_CR8, &v);
        return v;
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
        x86_intc_write(c, SYSREG_CR8, v);
        return v < 16;
    default:
        c->cr2 = v;
        return true;
    }
}

static void write_cr(void *env, u32 n, u64 v, u64 next)
{
    X86Cpu *c = env;
    u32 key = c->cpu.key;

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
    IR_CALL(c->b, &helper_write_cr, k32(c, n),
            x86_to(c, size, 8, x86_get(c, size, c->rm), false),
            linear_next(c));
    if (n != 2 && n != 8) {
        x86_stop(c);
    }
    return true;
}

/* DR4 and DR5 are DR6 and DR7 without CR4.DE; DR7.GD traps all. */
static unsigned checked_dr(X86Cpu *c, u32 n)
{
    if (c->dr[7] & DR7_GD) {
        c->dr[6] |= DR6_BD;
        x86_raise(c, X_DB, 0);
    }
    if (n == 4 || n == 5) {
        if (c->cr4 & CR4_DE) {
            x86_raise(c, X_UD, 0);
        }
        n += 2;
    }
    return n;
}

static u64 read_dr(void *env, u32 n)
{
    X86Cpu *c = env;

    return c->dr[checked_dr(c, n)];
}
HELPER(read_dr, H_ALL, i64, ptr, i32);

static void write_dr(void *env, u32 n, u64 v, u64 next)
{
    X86Cpu *c = env;
    u32 key = c->cpu.key;

    general_protection_unless(c, x86_write_dr(c, checked_dr(c, n), v));
    settle(c, key, next);
}
HELPER(write_dr, H_ALL, void, ptr, i32, i64, i64);

static bool mov_from_dr(X86Ctx *c)
{
    unsigned size = control_size(c);

    if (c->reg > 7) {
        return false;
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
    v = IR_CALL(c->b, &helper_read_cr, k32(c, 0));
    return store_word(c, ir_trunc(c->b, v));
}

/* The four low bits; PE can be set and not cleared. */
static void load_msw(void *env, u32 v, u64 next)
{
    X86Cpu *c = env;
    u32 key = c->cpu.key;
    u64 cr0 = (c->cr0 & ~14ull) | (v & 15);

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
        tlb_flush(&c->cpu, 0, 0, 0, 0);
        x86_new_space(c);
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
    put_pair(c, x86_tsc(c));
    if (with_aux) {
        c->r[RCX] = (u32)c->tsc_aux;
    }
}
HELPER(time_stamp, H_ALL, void, ptr, i32);

static bool rdtsc(X86Ctx *c)
{
    IR_CALL(c->b, &helper_time_stamp, k32(c, c->row->arg));
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

    general_protection_unless(c, c->cpl == 0 && (u32)c->r[RCX] == 0
                              && x86_write_xcr0(c, pair(c)));
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

/* ---- 0F 01 with a register: the whole ModRM chooses --------------------- */

static bool group7(X86Ctx *c)
{
    switch (c->modrm) {
    case 0xca: return clac_stac(c, false);
    case 0xcb: return clac_stac(c, true);
    case 0xd0: return get_set_bv(c, false);
    case 0xd1: return get_set_bv(c, true);
    case 0xf8: return swapgs(c);
    case 0xf9: return x86_has(c->cpu, F_RDTSCP) && rdtsc(c);
    default: return false;
    }
}

static bool undefined(X86Ctx *c)
{
    (void)c;
    return false;
}

/* ---- tables: SDM volume 2, tables, A-6 ------------------------- */

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
    OP(0x9c, "PUSHF", "Fv", pushf, .flags = X_D64),
    OP(0x9d, "POPF", "Fv", popf, .flags = X_D64),
    OP(0xc4, "LES", "Gz,Mp", load_far, .arg = ES, .flags = X_I64 | X_MEM),
    OP(0xc5, "LDS", "Gz,Mp", load_far, .arg = DS, .flags = X_I64 | X_MEM),
    OP(0xca, "RETF", "Iw", ret_far),
    OP(0xcb, "RETF", "", ret_far),
    OP(0xcc, "INT3", "", insn_int_short, .arg = X_BP),
    OP(0xcd, "INT", "Ib", insn_int),
    OP(0xce, "INTO", "", into, .flags = X_I64),
    OP(0xcf, "IRET", "", iret),
    OP(0xe4, "IN", "AL,Ib", in, .arg = PORT_IMM),
    OP(0xe5, "IN", "eAX,Ib", in, .arg = PORT_IMM),
    OP(0xe6, "OUT", "Ib,AL", out, .arg = PORT_IMM),
    OP(0xe7, "OUT", "Ib,eAX", out, .arg = PORT_IMM),
    OP(0xea, "JMPF", "Ap", far_direct, .arg = FAR_JUMP, .flags = X_I64),
    OP(0xec, "IN", "AL,DX", in, .arg = PORT_DX),
    OP(0xed, "IN", "eAX,DX", in, .arg = PORT_DX),
    OP(0xee, "OUT", "DX,AL", out, .arg = PORT_DX),
    OP(0xef, "OUT", "DX,eAX", out, .arg = PORT_DX),
    OP(0xf1, "INT1", "", insn_int_short, .arg = X_DB),
    OP(0xf4, "HLT", "", hlt, .flags = X_CPL0),
    OP(0xfa, "CLI", "", cli_sti, .arg = 0),
    OP(0xfb, "STI", "", cli_sti, .arg = 1),
    GRP(0xff, 3, "CALLF", "Mp", far_indirect, .arg = FAR_CALL,
        .flags = X_MEM),
    GRP(0xff, 5, "JMPF", "Mp", far_indirect, .arg = FAR_JUMP, .flags = X_MEM),
    { 0 }
};

const X86Row x86_sys_0f[] = {
    GRP(0x00, 0, "SLDT", "Rv/Mw", store_selector, .arg = LDTR,
        .flags = X_PROT),
    GRP(0x00, 1, "STR", "Rv/Mw", store_selector, .arg = TR, .flags = X_PROT),
    GRP(0x00, 2, "LLDT", "Ew", load_selector, .arg = LDTR,
        .flags = X_PROT | X_CPL0),
    GRP(0x00, 3, "LTR", "Ew", load_selector, .arg = TR,
        .flags = X_PROT | X_CPL0),
    GRP(0x00, 4, "VERR", "Ew", verr_verw, .arg = 0, .flags = X_PROT),
    GRP(0x00, 5, "VERW", "Ew", verr_verw, .arg = 1, .flags = X_PROT),
    GRP(0x01, 0, "SGDT", "Ms", store_table, .arg = GDTR, .flags = X_MEM),
    GRP(0x01, 1, "SIDT", "Ms", store_table, .arg = IDTR, .flags = X_MEM),
    GRP(0x01, 2, "LGDT", "Ms", load_table, .arg = GDTR,
        .flags = X_MEM | X_CPL0),
    GRP(0x01, 3, "LIDT", "Ms", load_table, .arg = IDTR,
        .flags = X_MEM | X_CPL0),
    GRP(0x01, 4, "SMSW", "Ev", smsw),
    GRP(0x01, 6, "LMSW", "Ew", lmsw, .flags = X_CPL0),
    GRP(0x01, 7, "INVLPG", "Mb", invlpg, .flags = X_MEM | X_CPL0),
    OP(0x01, "CLAC, XGETBV, SWAPGS, RDTSCP", "", group7, .flags = X_REG),
    OP(0x02, "LAR", "Gv,Ew", lar_lsl, .arg = RIGHTS, .flags = X_PROT),
    OP(0x03, "LSL", "Gv,Ew", lar_lsl, .arg = LIMIT, .flags = X_PROT),
    ROW(0x05, PANY, -1, F_SYSCALL, "SYSCALL", "", syscalls, .arg = SYSCALL),
    OP(0x06, "CLTS", "", clts, .flags = X_CPL0),
    ROW(0x07, PANY, -1, F_SYSCALL, "SYSRET", "", syscalls, .arg = SYSRET),
    OP(0x08, "INVD", "", no_cache, .flags = X_CPL0),
    OP(0x09, "WBINVD", "", no_cache, .flags = X_CPL0),
    OP(0x0b, "UD2", "", undefined),
    OP(0x20, "MOV", "Rd,Cd", mov_from_cr, .flags = X_CPL0),
    OP(0x21, "MOV", "Rd,Dd", mov_from_dr, .flags = X_CPL0),
    OP(0x22, "MOV", "Cd,Rd", mov_to_cr, .flags = X_CPL0),
    OP(0x23, "MOV", "Dd,Rd", mov_to_dr, .flags = X_CPL0),
    ROW(0x30, PANY, -1, F_MSR, "WRMSR", "", wrmsr, .flags = X_CPL0),
    ROW(0x31, PANY, -1, F_TSC, "RDTSC", "", rdtsc, .arg = 0),
    ROW(0x32, PANY, -1, F_MSR, "RDMSR", "", rdmsr, .flags = X_CPL0),
    OP(0x33, "RDPMC", "", rdpmc),
    ROW(0x34, PANY, -1, F_SEP, "SYSENTER", "", syscalls, .arg = SYSENTER),
    ROW(0x35, PANY, -1, F_SEP, "SYSEXIT", "", syscalls, .arg = SYSEXIT),
    OP(0xa0, "PUSH", "FS", push_seg, .arg = FS, .flags = X_D64),
    OP(0xa1, "POP", "FS", pop_seg, .arg = FS, .flags = X_D64),
    OP(0xa2, "CPUID", "", insn_cpuid),
    OP(0xa8, "PUSH", "GS", push_seg, .arg = GS, .flags = X_D64),
    OP(0xa9, "POP", "GS", pop_seg, .arg = GS, .flags = X_D64),
    OP(0xaa, "RSM", "", rsm),
    ROW(0xae, PF3, 0, F_FSGSBASE, "RDFSBASE", "Ry", read_base, .arg = FS,
        .flags = X_O64 | X_REG),
    ROW(0xae, PF3, 1, F_FSGSBASE, "RDGSBASE", "Ry", read_base, .arg = GS,
        .flags = X_O64 | X_REG),
    ROW(0xae, PF3, 2, F_FSGSBASE, "WRFSBASE", "Ry", write_base, .arg = FS,
        .flags = X_O64 | X_REG),
    ROW(0xae, PF3, 3, F_FSGSBASE, "WRGSBASE", "Ry", write_base, .arg = GS,
        .flags = X_O64 | X_REG),
    OP(0xb2, "LSS", "Gv,Mp", load_far, .arg = SS, .flags = X_MEM),
    OP(0xb4, "LFS", "Gv,Mp", load_far, .arg = FS, .flags = X_MEM),
    OP(0xb5, "LGS", "Gv,Mp", load_far, .arg = GS, .flags = X_MEM),
    OP(0xb9, "UD1", "Gd,Ed", undefined),
    ROW(0xc7, PF3, 7, F_RDPID, "RDPID", "Rd", rdpid, .flags = X_REG),
    OP(0xff, "UD0", "Gd,Ed", undefined),
    { 0 }
};

const X86Row x86_sys_0f38[] = {
    ROW(0x82, P66, -1, F_INVPCID, "INVPCID", "Gy,Mdq", invpcid,
        .flags = X_MEM | X_CPL0),
    { 0 }
};
