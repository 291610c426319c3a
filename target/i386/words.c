/* SPDX-License-Identifier: MIT */
/*
 * The words that the x86 translators share: registers, memory, flags,
 * control.  Reference: SDM volume 1, 3.3 to 3.5; volume 3, 5.3 "Limit
 * Checking".
 */
#include "target/i386/translate.h"

static Val k64(X86Ctx *c, u64 v) { return ir_i64(c->b, v); }

/* ---- registers ---------------------------------------------------------- */

/* Bytes 4..7 without REX are the second bytes of registers 0..3. */
static bool is_high_byte(const X86Ctx *c, unsigned size, unsigned n)
{
    return size == 1 && !c->rex && n >= 4 && n < 8;
}

Val x86_get(X86Ctx *c, unsigned size, unsigned n)
{
    bool high = is_high_byte(c, size, n);
    Val v = ir_get(c->b, S_RAX + (high ? n - 4 : n));

    if (size == 8) {
        return v;
    }
    v = ir_trunc(c->b, v);
    return high ? ir_extract(c->b, v, 8, 8) : x86_cut(c, size, v);
}

void x86_set(X86Ctx *c, unsigned size, unsigned n, Val v)
{
    bool high = is_high_byte(c, size, n);
    unsigned slot = S_RAX + (high ? n - 4 : n);

    if (size != 8) {
        v = ir_zext(c->b, v);
    }
    if (size < 4) {
        v = ir_deposit(c->b, ir_get(c->b, slot), v, high ? 8 : 0, size * 8);
    }
    ir_put(c->b, slot, v);
}

Val x86_imm(X86Ctx *c, unsigned size, u64 v)
{
    return ir_const(c->b, type_of(size), v & MASK(size * 8));
}

Val x86_cut(X86Ctx *c, unsigned size, Val v)
{
    return size >= 4 ? v : ir_extract(c->b, v, 0, size * 8);
}

Val x86_to(X86Ctx *c, unsigned from, unsigned to, Val v, bool sign)
{
    if (sign && from < 4 && from < to) {
        v = ir_sextract(c->b, v, 0, from * 8);
    }
    if (from == 8) {
        return to == 8 ? v : x86_cut(c, to, ir_trunc(c->b, v));
    }
    if (to == 8) {
        return sign ? ir_sext(c->b, v) : ir_zext(c->b, v);
    }
    return x86_cut(c, to, v);
}

/* ---- addresses ---------------------------------------------------------- */

static Val cut_address(X86Ctx *c, unsigned size, Val v)
{
    switch (size) {
    case 2: return ir_and(c->b, v, k64(c, 0xffff));
    case 4: return ir_zext(c->b, ir_trunc(c->b, v));
    default: return v;
    }
}

/* A register's part in an address: 32 bits are added as such. */
static Val address_part(X86Ctx *c, unsigned n)
{
    Val v = ir_get(c->b, S_RAX + n);

    return c->asize == 8 ? v : ir_trunc(c->b, v);
}

Val x86_offset(X86Ctx *c)
{
    Ir *b = c->b;
    Type t = type_of(c->asize);
    Val v = ir_const(b, t, 0);

    if (c->rip_relative) {
        v = ir_pc(b, c->at + c->len);
        v = c->asize == 8 ? v : ir_trunc(b, v);
    }
    if (c->base != NO_REG) {
        v = address_part(c, c->base);
    }
    if (c->index != NO_REG) {
        Val i = address_part(c, c->index);
        v = ir_add(b, v, ir_shl(b, i, ir_const(b, t, c->scale)));
    }
    v = ir_add(b, v, ir_const(b, t, (u64)c->disp & MASK(t == I64 ? 64 : 32)));
    if (c->asize == 2) {
        v = ir_and(b, v, ir_i32(b, 0xffff));
    }
    return t == I64 ? v : ir_zext(b, v);
}

static void check_limit(void *env, u32 seg, u64 off, u32 size, u32 write)
{
    X86Cpu *c = env;
    const X86Seg *s = &c->seg[seg];
    u64 last = off + size - 1;
    bool ok;

    if ((s->attr & (SEG_S | SEG_CODE | SEG_EC)) == (SEG_S | SEG_EC)) {
        ok = s->attr & SEG_P && (!write || s->attr & SEG_RW)
            && off > s->limit
            && last <= (s->attr & SEG_B ? 0xffffffff : 0xffff);
    } else {
        ok = (i64)last <= (i64)(write ? c->wlim[seg] : c->rlim[seg]);
    }
    if (!ok) {
        x86_raise(c, seg == SS ? X_SS : X_GP, 0);
    }
}
HELPER(check_limit, H_READ | H_RAISE, void, ptr, i32, i64, i32, i32);

static bool is_flat(const X86Ctx *c, unsigned seg)
{
    return seg <= DS && c->key & (u32)KEY_FLAT << seg;
}

/* Where nothing is written through CS. */
static bool is_protected(const X86Ctx *c)
{
    return (c->key & (KEY_PE | KEY_VM)) == KEY_PE && !is64(c);
}

/*
 * A 32-bit offset in real mode: no limit.  A processor minds it, unless the
 * segment was made larger in protected mode; SeaVGABIOS counts on that, and
 * U-Boot, which runs it, does not do it.
 */
static bool is_big_real(const X86Ctx *c)
{
    return !(c->key & KEY_PE) && c->asize == 4;
}

/* x + y, cut to `size` bytes: with 32 bits it is added as such. */
static Val add_cut(X86Ctx *c, unsigned size, Val x, Val y)
{
    Ir *b = c->b;

    if (size == 4) {
        return ir_zext(b, ir_add(b, ir_trunc(b, x), ir_trunc(b, y)));
    }
    return cut_address(c, size, ir_add(b, x, y));
}

static Val add_base(X86Ctx *c, unsigned seg, Val off)
{
    return add_cut(c, is64(c) ? 8 : 4, ir_get(c->b, S_BASE + seg), off);
}

Val x86_linear(X86Ctx *c, unsigned seg, Val off, unsigned size, bool write)
{
    Ir *b = c->b;

    c->stack = seg == SS;
    if (is_flat(c, seg) && !(write && seg == CS && is_protected(c))) {
        return off;
    }
    if (is64(c) || is_big_real(c)) {
        return add_base(c, seg, off);
    }
    if (c->key & KEY_ODD) {
        IR_CALL(b, &helper_check_limit, ir_i32(b, seg), off, ir_i32(b, size),
                ir_i32(b, write));
    } else {
        Val limit = ir_get(b, (write ? S_WLIM : S_RLIM) + seg);
        Val last = ir_add(b, off, k64(c, size - 1));
        x86_raise_if(c, ir_set(b, GT, last, limit), seg == SS ? X_SS : X_GP,
                     0);
    }
    return add_base(c, seg, off);
}

Val x86_mem(X86Ctx *c, unsigned size, bool write)
{
    return x86_linear(c, c->seg, x86_offset(c), size, write);
}

/* ---- memory ------------------------------------------------------------- */

static u32 memop(const X86Ctx *c, unsigned size)
{
    u32 m = (u32)__builtin_ctz(size);

    m |= c->stack && is64(c) ? M_STACK : 0;
    return c->key & KEY_AC && size <= 8 ? m | M_ALIGN : m;
}

Val x86_load(X86Ctx *c, Val linear, unsigned size)
{
    Type t = size == 16 ? V128T : type_of(size);

    return ir_load(c->b, t, linear, memop(c, size));
}

void x86_store(X86Ctx *c, Val linear, unsigned size, Val v)
{
    ir_store(c->b, linear, v, memop(c, size));
}

static Val get_e(X86Ctx *c, unsigned size, Val *addr, bool write)
{
    if (!is_mem(c)) {
        return x86_get(c, size, c->rm);
    }
    *addr = x86_mem(c, size, write);
    return x86_load(c, *addr, size);
}

Val x86_get_e(X86Ctx *c, unsigned size, Val *addr)
{
    return get_e(c, size, addr, false);
}

Val x86_get_e_write(X86Ctx *c, unsigned size, Val *addr)
{
    return get_e(c, size, addr, true);
}

void x86_put_e(X86Ctx *c, unsigned size, Val addr, Val v)
{
    if (is_mem(c)) {
        x86_store(c, addr, size, v);
    } else {
        x86_set(c, size, c->rm, v);
    }
}

/* ---- the stack ---------------------------------------------------------- */

unsigned x86_stack_size(const X86Ctx *c)
{
    return is64(c) ? 8 : c->key & KEY_SS32 ? 4 : 2;
}

Val x86_sp(X86Ctx *c)
{
    return cut_address(c, x86_stack_size(c), ir_get(c->b, S_RAX + RSP));
}

Val x86_stack_at(X86Ctx *c, Val sp, i64 at, unsigned size, bool write)
{
    Val off = add_cut(c, x86_stack_size(c), sp, k64(c, (u64)at));

    return x86_linear(c, SS, off, size, write);
}

void x86_set_sp(X86Ctx *c, Val sp)
{
    unsigned size = x86_stack_size(c);

    x86_set(c, size, RSP, size == 8 ? sp : ir_trunc(c->b, sp));
}

void x86_push(X86Ctx *c, unsigned size, Val v)
{
    Val sp = x86_sp(c);

    x86_store(c, x86_stack_at(c, sp, -(i64)size, size, true), size, v);
    x86_set_sp(c, add_cut(c, x86_stack_size(c), sp, k64(c, -(u64)size)));
}

Val x86_pop(X86Ctx *c, unsigned size)
{
    Val sp = x86_sp(c);
    Val v = x86_load(c, x86_stack_at(c, sp, 0, size, false), size);

    x86_set_sp(c, add_cut(c, x86_stack_size(c), sp, k64(c, size)));
    return v;
}

/* ---- vector registers --------------------------------------------------- */

void x86_set_xmm(X86Ctx *c, unsigned n, Val v)
{
    ir_put(c->b, S_XMM + n, v);
    if (c->vex) {
        ir_put(c->b, S_YMMH + n, ir_v128(c->b, 0, 0));
    }
}

void x86_set_ymm(X86Ctx *c, unsigned n, Val lo, Val hi)
{
    ir_put(c->b, S_XMM + n, lo);
    ir_put(c->b, S_YMMH + n, hi);
}

Val x86_get_w(X86Ctx *c, unsigned at, bool unaligned)
{
    if (!is_mem(c)) {
        return at ? x86_ymmh(c, c->rm) : x86_xmm(c, c->rm);
    }
    Val addr = x86_mem(c, at + 16, false);
    if (!c->vex && !unaligned) {
        Val low = ir_and(c->b, ir_trunc(c->b, addr), ir_i32(c->b, 15));
        x86_raise_if(c, low, X_GP, 0);
    }
    return x86_load(c, ir_add(c->b, addr, k64(c, at)), 16);
}

/* ---- flags -------------------------------------------------------------- */

void x86_flags_nzcv(X86Ctx *c, Val word)
{
    ir_put(c->b, S_FLAGS, word);
}

void x86_flags_pf(X86Ctx *c, Val result)
{
    ir_put(c->b, S_PF, result);
}

void x86_flags_af(X86Ctx *c, Val v)
{
    ir_put(c->b, S_AF, ir_and(c->b, v, ir_i32(c->b, FL_AF)));
}

/* `word` if PF and AF are in the flag word, else `other`. */
static Val in_word(X86Ctx *c, Val word, Val other)
{
    return ir_select(c->b, LT, ir_get(c->b, S_AF), ir_i32(c->b, 0), word,
                     other);
}

Val x86_af(X86Ctx *c)
{
    Ir *b = c->b;
    Val v = ir_xor(b, ir_get(b, S_PF), ir_get(b, S_AF));

    v = in_word(c, ir_shr(b, ir_get(b, S_FLAGS), ir_i32(b, 8)), v);
    return ir_and(b, v, ir_i32(b, FL_AF));
}

/* EFLAGS has SF ZF CF eight bits below their places in a flag word. */
void x86_flags_all(X86Ctx *c, Val eflags)
{
    enum { SAME = FL_SF | FL_ZF | FL_CF };
    Ir *b = c->b;
    Val low = ir_shl(b, ir_and(b, eflags, ir_i32(b, SAME)), ir_i32(b, 8));
    Val pf = ir_extract(b, eflags, 2, 1);

    x86_flags_nzcv(c, ir_or(b, low, ir_extract(b, eflags, 11, 1)));
    x86_flags_pf(c, ir_xor(b, pf, ir_i32(b, 1)));
    x86_flags_af(c, eflags);
}

/* Even parity of the low byte: bit n of 0x9669 is that of the number n. */
static Val parity(X86Ctx *c)
{
    enum { P_BIT = 10 };        /* of a flag word */
    Ir *b = c->b;
    Val v = ir_get(b, S_PF);

    v = ir_xor(b, v, ir_shr(b, v, ir_i32(b, 4)));
    v = ir_shr(b, ir_i32(b, 0x9669), ir_and(b, v, ir_i32(b, 15)));
    v = in_word(c, ir_shr(b, ir_get(b, S_FLAGS), ir_i32(b, P_BIT)), v);
    return ir_and(b, v, ir_i32(b, 1));
}

Val x86_cond_of(X86Ctx *c, unsigned cc, Val word)
{
    static const u8 fc[16] = {
        FC_V, FC_NV, FC_C, FC_NC, FC_Z, FC_NZ, FC_LS, FC_HI,
        FC_N, FC_NN, 0, 0, FC_LT, FC_GE, FC_LE, FC_GT,
    };

    if ((cc & 14) == 6) {               /* HI and LS take C as no borrow */
        word = ir_notc(c->b, word);
    }
    return ir_fcond(c->b, (FlagCond)fc[cc], word);
}

Val x86_cond(X86Ctx *c, unsigned cc)
{
    if ((cc & 14) == 10) {
        return ir_xor(c->b, parity(c), ir_i32(c->b, cc & 1));
    }
    return x86_cond_of(c, cc, ir_get(c->b, S_FLAGS));
}

Val x86_carry(X86Ctx *c)
{
    return ir_fcond(c->b, FC_C, ir_get(c->b, S_FLAGS));
}

/* ---- arithmetic and its flags ------------------------------------------- */

/* An operand of 8 or 16 bits moves to the top, where flag words look. */
static Val at_top(X86Ctx *c, unsigned size, Val v)
{
    return size >= 4 ? v : ir_shl(c->b, v, ir_i32(c->b, 32 - size * 8));
}

static Val low32(X86Ctx *c, Val v)
{
    return ir_type(c->b, v) == I64 ? ir_trunc(c->b, v) : v;
}

/*
 * Bit 4 of this and the result is the carry into it; words of 32 and 64 bits
 * have AF and PF themselves.
 */
static Val half_carry(X86Ctx *c, unsigned size, Val x, Val y)
{
    return size >= 4 ? ir_i32(c->b, X86_IN_WORD) : ir_xor(c->b, x, y);
}

X86Result x86_add(X86Ctx *c, unsigned size, Val x, Val y)
{
    Val v = x86_cut(c, size, ir_add(c->b, x, y));

    return (X86Result) {
        .v = v, .af = half_carry(c, size, x, y),
        .word = ir_addf(c->b, at_top(c, size, x), at_top(c, size, y)),
    };
}

X86Result x86_sub(X86Ctx *c, unsigned size, Val x, Val y)
{
    Val v = x86_cut(c, size, ir_sub(c->b, x, y));

    return (X86Result) {
        .v = v, .af = half_carry(c, size, x, y),
        .word = ir_subf(c->b, at_top(c, size, x), at_top(c, size, y)),
    };
}

X86Result x86_logic(X86Ctx *c, unsigned size, Val v)
{
    return (X86Result) {
        .v = v, .af = half_carry(c, size, v, ir_i32(c->b, 0)),
        .word = ir_logicf(c->b, at_top(c, size, v)),
    };
}

Val x86_word(X86Ctx *c, unsigned size, Val v, Val carry, Val overflow)
{
    Val word = ir_logicf(c->b, at_top(c, size, v));

    word = ir_deposit(c->b, word, carry, 8, 1);
    return ir_deposit(c->b, word, overflow, 0, 1);
}

void x86_put_flags(X86Ctx *c, unsigned size, const X86Result *r)
{
    x86_flags_nzcv(c, r->word);
    ir_put(c->b, S_AF, r->af);
    if (size < 4) {
        x86_flags_pf(c, r->v);
    }
}

Val x86_top(X86Ctx *c, unsigned size, Val v)
{
    return low32(c, ir_extract(c->b, v, size * 8 - 1, 1));
}

/* ---- exceptions --------------------------------------------------------- */

static void raise_now(void *env, u32 vector, u32 err)
{
    x86_raise(env, vector, err);
}
HELPER(raise_now, H_READ | H_WRITE | H_RAISE, void, ptr, i32, i32);

bool x86_raise_at(X86Ctx *c, unsigned vector, u32 err)
{
    IR_CALL(c->b, &helper_raise_now, ir_i32(c->b, vector), ir_i32(c->b, err));
    ir_leave(c->b);
    return true;
}

void x86_raise_if(X86Ctx *c, Val cond, unsigned vector, u32 err)
{
    ir_trap_if(c->b, cond, vector | err << X86_TRAP_ERR);
}

static bool fault(X86Ctx *c, unsigned vector)
{
    x86_raise_at(c, vector, 0);
    return false;
}

bool x86_state_ok(X86Ctx *c)
{
    u32 f = c->row->flags, off = KEY_TS;
    bool sse = f & X_SSE;

    if (!(f & (X_SSE | X_MMX | X_FPU))) {
        return true;
    }
    if (sse && (c->vex ? !(c->key & KEY_AVX) : !(c->key & KEY_OSFXSR))) {
        return fault(c, X_UD);
    }
    if (f & X_FPU) {
        off |= KEY_EM;
    } else if (!c->vex && c->key & KEY_EM) {
        return fault(c, X_UD);
    }
    return c->key & off ? fault(c, X_NM) : true;
}

/* ---- control ------------------------------------------------------------ */

static Val ip_at(X86Ctx *c, u32 at)
{
    Val pc = ir_pc(c->b, at);

    if (is_flat(c, CS)) {
        return pc;
    }
    return cut_address(c, 4, ir_sub(c->b, pc, ir_get(c->b, S_BASE + CS)));
}

Val x86_here(X86Ctx *c)
{
    return ip_at(c, c->at);
}

Val x86_next(X86Ctx *c)
{
    return ip_at(c, c->at + c->len);
}

static void check_ip(void *env, u64 ip)
{
    X86Cpu *c = env;

    if (ip > c->seg[CS].limit) {
        x86_raise(c, X_GP, 0);
    }
}
HELPER(check_ip, H_READ | H_RAISE, void, ptr, i64);

/* Bits 63:47 are equal. */
static void check_canonical(X86Ctx *c, Val ip)
{
    Val same = ir_sextract(c->b, ip, 0, 48);

    x86_raise_if(c, ir_set(c->b, NE, same, ip), X_GP, 0);
}

Val x86_code(X86Ctx *c, Val ip)
{
    ip = cut_address(c, c->osize, ip);
    if (is64(c)) {
        check_canonical(c, ip);
        return ip;
    }
    if (is_flat(c, CS)) {
        return ip;
    }
    /* Real mode's limit holds all IPs of 16 bits. */
    if (c->osize == 4 || (c->key & (KEY_PE | KEY_VM)) == KEY_PE) {
        IR_CALL(c->b, &helper_check_ip, ip);
    }
    return add_base(c, CS, ip);
}

/*
 * A direct one where the sum cannot run over the end of the address space:
 * with 32 bits that is said of distances below 1 GiB.
 */
Val x86_code_rel(X86Ctx *c, i64 disp)
{
    enum { FAR = 1 << 30 };
    i64 to = c->at + c->len + disp;

    if (is64(c) || (is_flat(c, CS) && c->osize == 4 && disp < FAR
                    && disp > -FAR)) {
        return ir_pc(c->b, to);
    }
    return x86_code(c, ir_add(c->b, x86_next(c), k64(c, (u64)disp)));
}

static void set_pc(void *env, u64 pc)
{
    X86Cpu *c = env;

    c->cpu.tcg.pc = pc;
}
HELPER(set_pc, H_READ | H_WRITE | H_RAISE, void, ptr, i64);

/* Out to C, which looks at the key, the address space and requests. */
static void leave_to(X86Ctx *c, Val linear)
{
    IR_CALL(c->b, &helper_set_pc, linear);
    ir_leave(c->b);
}

void x86_goto(X86Ctx *c, Val linear, ExitKind kind)
{
    if (x86_single(c)) {
        leave_to(c, linear);
    } else if (kind == EXIT_CALL) {
        ir_exit_call(c->b, linear, ir_pc(c->b, c->at + c->len));
    } else {
        ir_exit(c->b, linear, kind);
    }
}

void x86_goto_if(X86Ctx *c, Val cond, Val linear)
{
    Val next = ir_pc(c->b, c->at + c->len);

    if (x86_single(c)) {
        leave_to(c, ir_select(c->b, NE, cond, ir_i32(c->b, 0), linear, next));
        return;
    }
    ir_exit_if(c->b, cond, linear);
    ir_exit(c->b, next, EXIT_JUMP);
}

void x86_jump(X86Ctx *c, Val ip, ExitKind kind)
{
    x86_goto(c, x86_code(c, ip), kind);
}

void x86_jump_rel(X86Ctx *c, i64 disp)
{
    x86_goto(c, x86_code_rel(c, disp), EXIT_JUMP);
}

void x86_stop(X86Ctx *c)
{
    leave_to(c, ir_pc(c->b, c->at + c->len));
}
