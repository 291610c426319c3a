/* SPDX-License-Identifier: MIT */
/*
 * x87: its state and its operations on 80-bit numbers.
 * SDM volume 1, chapter 8; volume 2, the F... instructions.
 *
 * A masked exception gives the default result.  An unmasked one sets ES; the
 * next waiting instruction raises it.  Unmasked invalid operations, denormal
 * operands and divisions by zero leave the registers as they were.
 */
#include "target/i386/x87.h"

static const F80 indefinite = { .frac = 3ull << 62, .se = 0xffff };

/* ---- state -------------------------------------------------------------- */

u16 x87_fsw(const X86Cpu *c)
{
    return (u16)((c->cpu.tcg.fsw & ~FSW_TOP) | (c->ftop & 7) << 11);
}

void x87_set_fsw(X86Cpu *c, u16 v)
{
    u8 empty = x87_empty_regs(c);
    c->cpu.tcg.fsw = v;
    c->ftop = v >> 11 & 7;
    x87_set_empty_regs(c, empty);
}

/* SDM 8.1.7: 0 valid, 1 zero, 2 special, 3 empty. */
static unsigned tag_of(const X86Cpu *c, unsigned n)
{
    const X87Reg *r = &c->st[n];
    unsigned exp = r->exp & 0x7fff;
    if (x87_empty_regs(c) >> n & 1) {
        return 3;
    }
    if (exp == 0 && r->mant == 0) {
        return 1;
    }
    return exp == 0 || exp == 0x7fff || !(r->mant >> 63) ? 2 : 0;
}

u16 x87_tags(const X86Cpu *c)
{
    unsigned v = 0;
    for (unsigned n = 0; n < 8; n++) {
        v |= tag_of(c, n) << 2 * n;
    }
    return (u16)v;
}

void x87_set_tags(X86Cpu *c, u16 v)
{
    unsigned empty = 0;
    for (unsigned n = 0; n < 8; n++) {
        empty |= (v >> 2 * n & 3) == 3 ? 1u << n : 0;
    }
    x87_set_empty_regs(c, (u8)empty);
}

void x87_reset(X86Cpu *c)
{
    c->cpu.tcg.fcw = FCW_RESET;
    c->cpu.tcg.fsw = 0;
    c->ftop = 0;
    c->fempty = 0xff;
    c->fip = c->fdp = 0;
    c->fop = c->fdseg = 0;
    c->fcs = c->fds = 0;
}

void x87_summary(X86Cpu *c)
{
    c->cpu.tcg.fsw &= (u16)~(FSW_ES | FSW_B);
    if (c->cpu.tcg.fsw & ~c->cpu.tcg.fcw & FSW_EXCEPTIONS) {
        c->cpu.tcg.fsw |= FSW_ES | FSW_B;
    }
}

void x87_settle(X86Cpu *c, unsigned seg)
{
    if (seg == CS && c->fop & FOP_CS) {
        c->fcs = c->seg[CS].selector;
        c->fop &= FOP_BITS;
    }
    if (c->fdseg == seg + 1) {
        c->fds = c->seg[seg].selector;
        c->fdseg = 0;
    }
}

u16 x87_fcs(const X86Cpu *c)
{
    return c->fop & FOP_CS ? c->seg[CS].selector : c->fcs;
}

u16 x87_fds(const X86Cpu *c)
{
    return c->fdseg ? c->seg[c->fdseg - 1].selector : c->fds;
}

void x87_changed(X86Cpu *c)
{
    host_x87_set(c->cpu.tcg.fcw, c->cpu.tcg.fsw);
    x86_mode_changed(c);
}

FpEnv x87_env(const X86Cpu *c)
{
    static const u8 rounds[4] = {
        FP_NEAREST, FP_DOWNWARD, FP_UPWARD, FP_TOWARD_ZERO
    };
    static const u8 precisions[4] = { 24, 64, 53, 64 };
    FpEnv e = fpenv_x87();
    e.round = rounds[c->cpu.tcg.fcw >> 10 & 3];
    e.precision = precisions[c->cpu.tcg.fcw >> 8 & 3];
    e.wrap = ~c->cpu.tcg.fcw & (FP_OVERFLOW | FP_UNDERFLOW);
    return e;
}

static void set_bits(X86Cpu *c, u32 mask, u32 bits)
{
    c->cpu.tcg.fsw = (u16)((c->cpu.tcg.fsw & ~mask) | bits);
}

bool x87_note(X86Cpu *c, u32 flags)
{
    bool stop = flags & ~(u32)c->cpu.tcg.fcw & FSW_PRE;
    if (stop) {
        flags &= FSW_PRE;
    }
    bool up = (flags & FP_INEXACT) && (flags & FP_ROUNDED_UP);
    set_bits(c, FSW_C1, (flags & FSW_EXCEPTIONS) | (up ? FSW_C1 : 0));
    if (c->cpu.tcg.fsw & ~c->cpu.tcg.fcw & FSW_EXCEPTIONS) {
        c->cpu.tcg.fsw |= FSW_ES | FSW_B;
    }
    return !stop;
}

/* Stack overflow (to a full register) or underflow; false if unmasked. */
static bool stack_fault(X86Cpu *c, bool overflow)
{
    set_bits(c, FSW_C1, FSW_IE | FSW_SF | (overflow ? FSW_C1 : 0));
    if (c->cpu.tcg.fsw & ~c->cpu.tcg.fcw & FSW_EXCEPTIONS) {
        c->cpu.tcg.fsw |= FSW_ES | FSW_B;
    }
    return !(~c->cpu.tcg.fcw & FSW_IE);
}

static void pop(X86Cpu *c)
{
    c->fempty = (c->fempty | 0x100) >> 1;
    c->ftop++;
}

static void pop_n(X86Cpu *c, unsigned n)
{
    while (n--) {
        pop(c);
    }
}

static void push(X86Cpu *c, F80 v)
{
    c->fempty = (u8)(c->fempty << 1);
    c->ftop--;
    x87_put(c, 0, v);
}

/* ---- arithmetic --------------------------------------------------------- */

F80 x87_compute(unsigned what, F80 a, F80 b, FpEnv *e)
{
    switch (what) {
    case X87_ADD:
        return f80_add(a, b, e);
    case X87_MUL:
        return f80_mul(a, b, e);
    case X87_SUB:
        return f80_sub(a, b, e);
    case X87_SUBR:
        return f80_sub(b, a, e);
    case X87_DIV:
        return f80_div(a, b, e);
    default:
        return f80_div(b, a, e);
    }
}

/* A denormal memory operand counts only if nothing graver happened. */
u32 x87_with_denormal(u32 flags, u32 widening, F80 a)
{
    return flags & (FP_INVALID | FP_DIVZERO) || f80_is_nan(a)
           ? flags : flags | widening;
}

/* Are ST(0) and the other operand there? */
static bool operands_there(const X86Cpu *c, const X87Op *o)
{
    return !x87_empty(c, 0) && (o->mem || !x87_empty(c, o->i));
}

/* ST(0) or ST(i) = ST(0) op ST(i) or memory. */
void x87_arith(X86Cpu *c, const X87Row *r, X87Op *o)
{
    F80 v = indefinite;
    if (!operands_there(c, o)) {
        if (!stack_fault(c, false)) {
            return;
        }
    } else {
        FpEnv e = x87_env(c);
        F80 a = x87_get(c, 0);
        v = x87_compute(r->arg, a, o->mem ? o->m : x87_get(c, o->i), &e);
        if (!x87_note(c, x87_with_denormal(e.flags, o->flags, a))) {
            return;
        }
    }
    x87_put(c, r->to_i ? o->i : 0, v);
    pop_n(c, r->pops);
}

void x87_sqrt(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)r;
    (void)o;
    F80 v = indefinite;
    if (x87_empty(c, 0)) {
        if (!stack_fault(c, false)) {
            return;
        }
    } else {
        FpEnv e = x87_env(c);
        v = f80_sqrt(x87_get(c, 0), &e);
        if (!x87_note(c, e.flags)) {
            return;
        }
    }
    x87_put(c, 0, v);
}

void x87_rndint(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)r;
    (void)o;
    F80 v = indefinite;
    if (x87_empty(c, 0)) {
        if (!stack_fault(c, false)) {
            return;
        }
    } else {
        FpEnv e = x87_env(c);
        v = f80_round_int(x87_get(c, 0), (FpRound)e.round, true, &e);
        if (!x87_note(c, e.flags)) {
            return;
        }
    }
    x87_put(c, 0, v);
}

void x87_scale(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)r;
    (void)o;
    F80 v = indefinite;
    if (x87_empty(c, 0) || x87_empty(c, 1)) {
        if (!stack_fault(c, false)) {
            return;
        }
    } else {
        FpEnv e = x87_env(c);
        v = f80_scale(x87_get(c, 0), x87_get(c, 1), &e);
        if (!x87_note(c, e.flags)) {
            return;
        }
    }
    x87_put(c, 0, v);
}

/* FPREM, FPREM1 (arg 1): C2 partial; C0 C3 C1 bits 2, 1, 0 of the quotient. */
void x87_prem(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)o;
    F80 v = indefinite;
    u32 quotient = 0;
    set_bits(c, FSW_C2, 0);
    if (x87_empty(c, 0) || x87_empty(c, 1)) {
        if (!stack_fault(c, false)) {
            return;
        }
    } else {
        FpEnv e = x87_env(c);
        bool partial = false;
        v = f80_prem(x87_get(c, 0), x87_get(c, 1), r->arg, &quotient,
                     &partial, &e);
        if (!x87_note(c, e.flags)) {
            return;
        }
        set_bits(c, FSW_C2, partial ? FSW_C2 : 0);
        if (!f80_is_nan(v)) {
            set_bits(c, FSW_CC & ~FSW_C2, (quotient & 4 ? FSW_C0 : 0) |
                                          (quotient & 2 ? FSW_C3 : 0) |
                                          (quotient & 1 ? FSW_C1 : 0));
        }
    }
    x87_put(c, 0, v);
}

/* FXTRACT: ST(0) becomes the exponent, the significand is pushed. */
void x87_xtract(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)r;
    (void)o;
    F80 exp = indefinite, v = indefinite;
    if (x87_empty(c, 0) || !x87_empty(c, 7)) {
        if (!stack_fault(c, !x87_empty(c, 0))) {
            return;
        }
    } else {
        FpEnv e = x87_env(c);
        v = f80_extract(x87_get(c, 0), &exp, &e);
        if (!x87_note(c, e.flags)) {
            return;
        }
    }
    x87_put(c, 0, exp);
    push(c, v);
}

/* FABS, FCHS (arg: the sign's mask and what is flipped). */
void x87_sign(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)o;
    F80 v = indefinite;
    if (x87_empty(c, 0)) {
        if (!stack_fault(c, false)) {
            return;
        }
    } else {
        v = x87_get(c, 0);
        v.se = r->arg ? v.se ^ 0x8000 : v.se & 0x7fff;
        x87_note(c, 0);
    }
    x87_put(c, 0, v);
}

/* ---- transcendentals ---------------------------------------------------- */

static bool math_pushes(X87Math op)
{
    return op == X87_FPTAN || op == X87_FSINCOS;
}

static bool math_binary(X87Math op)
{
    return op == X87_FYL2X || op == X87_FYL2XP1 || op == X87_FPATAN;
}

static bool math_trig(X87Math op)
{
    return math_pushes(op) || op == X87_FSIN || op == X87_FCOS;
}

static void put_math(X86Cpu *c, X87Math op, F80 a, F80 b)
{
    if (math_pushes(op)) {
        x87_put(c, 0, b);
        push(c, a);
    } else if (math_binary(op)) {
        x87_put(c, 1, b);
        pop(c);
    } else {
        x87_put(c, 0, a);
    }
}

void x87_trans(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)o;
    X87Math op = (X87Math)r->arg;
    bool under = x87_empty(c, 0) || (math_binary(op) && x87_empty(c, 1));
    if (under || (math_pushes(op) && !x87_empty(c, 7))) {
        set_bits(c, math_trig(op) ? FSW_C2 : 0, 0);
        if (stack_fault(c, !under)) {
            put_math(c, op, indefinite, indefinite);
        }
        return;
    }

    F80 a = x87_get(c, 0), b = x87_get(c, 1);
    u32 codes = math_trig(op) ? FSW_C1 | FSW_C2 : FSW_C1;
    u16 sw = x87_math(op, c->cpu.tcg.fcw, &a, &b);
    bool go = x87_note(c, sw & FSW_EXCEPTIONS);
    set_bits(c, codes, sw & codes);
    if (go && !(codes & sw & FSW_C2)) {
        put_math(c, op, a, b);
    }
}

/* ---- comparisons -------------------------------------------------------- */

u32 x87_order_codes(FpOrder order)
{
    static const u16 codes[] = {        /* by FpOrder + 1 */
        FSW_C0, FSW_C3, 0, FSW_C0 | FSW_C2 | FSW_C3
    };
    return codes[order + 1];
}

u32 x87_order_flags(FpOrder order)
{
    static const u16 flags[] = { FL_CF, FL_ZF, 0, FL_CF | FL_ZF | FL_PF };
    return flags[order + 1];
}

/*
 * The codes are set even if an exception is unmasked, and FCOMI does not
 * touch C1: by experiment.
 */
static void set_order(X86Cpu *c, const X87Row *r, X87Op *o, FpOrder order,
                      bool go)
{
    if (r->arg & X87_EFLAGS) {
        o->out = x87_order_flags(order);
    } else {
        set_bits(c, FSW_C0 | FSW_C2 | FSW_C3, x87_order_codes(order));
    }
    pop_n(c, go ? r->pops : 0);
}

static void compare(X86Cpu *c, const X87Row *r, X87Op *o, F80 b)
{
    FpEnv e = x87_env(c);
    F80 a = x87_get(c, 0);
    FpOrder order = f80_compare(a, b, !(r->arg & X87_QUIET), &e);
    u32 flags = order == FP_UNORDERED ? e.flags : e.flags | o->flags;
    u32 c1 = r->arg & X87_EFLAGS ? c->cpu.tcg.fsw & FSW_C1 : 0;
    bool go = x87_note(c, flags);
    c->cpu.tcg.fsw |= c1;
    set_order(c, r, o, order, go);
}

void x87_com(X86Cpu *c, const X87Row *r, X87Op *o)
{
    if (operands_there(c, o)) {
        compare(c, r, o, o->mem ? o->m : x87_get(c, o->i));
    } else {
        set_order(c, r, o, FP_UNORDERED, stack_fault(c, false));
    }
}

void x87_tst(X86Cpu *c, const X87Row *r, X87Op *o)
{
    if (!x87_empty(c, 0)) {
        compare(c, r, o, (F80){ 0 });
    } else {
        set_order(c, r, o, FP_UNORDERED, stack_fault(c, false));
    }
}

/* SDM, FXAM: C3 C2 C0. */
static u32 class_codes(F80 v)
{
    unsigned exp = v.se & 0x7fff;
    if (exp == 0) {
        return v.frac ? FSW_C3 | FSW_C2 : FSW_C3;
    }
    if (!(v.frac >> 63)) {
        return 0;
    }
    if (exp != 0x7fff) {
        return FSW_C2;
    }
    return v.frac << 1 ? FSW_C0 : FSW_C2 | FSW_C0;
}

void x87_xam(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)r;
    (void)o;
    F80 v = x87_get(c, 0);
    u32 codes = x87_empty(c, 0) ? FSW_C3 | FSW_C0 : class_codes(v);
    set_bits(c, FSW_CC, codes | (v.se >> 15 ? FSW_C1 : 0));
}

/* ---- moves -------------------------------------------------------------- */

/* A denormal operand is loaded even if that is an unmasked exception. */
static void load(X86Cpu *c, F80 v, u32 flags)
{
    if (!x87_empty(c, 7)) {
        if (stack_fault(c, true)) {
            push(c, indefinite);
        }
    } else if (x87_note(c, flags) || flags == FP_INPUT_DENORMAL) {
        push(c, v);
    }
}

void x87_operand(X87Op *o, X87Format f, u64 lo, u16 hi)
{
    FpEnv e = fpenv_x87();
    o->mem = true;
    switch (f) {
    case X87_F32:
        o->m = f80_widen32((u32)lo, &e);
        break;
    case X87_F64:
        o->m = f80_widen64(lo, &e);
        break;
    case X87_I16:
        o->m = i64_to_f80((i16)lo, 0, &e);
        break;
    case X87_I32:
        o->m = i64_to_f80((i32)lo, 0, &e);
        break;
    case X87_I64:
        o->m = i64_to_f80((i64)lo, 0, &e);
        break;
    default:
        o->m = (F80){ .frac = lo, .se = hi };
    }
    o->flags = e.flags;
}

/* 18 digits, then a byte whose top bit is the sign. */
static F80 from_bcd(F80 m)
{
    FpEnv e = fpenv_x87();
    u64 v = (m.se >> 4 & 15) * 10 + (m.se & 15);
    for (int i = 60; i >= 0; i -= 4) {
        v = v * 10 + (m.frac >> i & 15);
    }
    F80 r = u64_to_f80(v, 0, &e);
    r.se |= m.se & 0x8000;
    return r;
}

void x87_ld(X86Cpu *c, const X87Row *r, X87Op *o)
{
    F80 v = o->m;
    u32 flags = o->flags;
    if (r->format == X87_BCD) {
        v = from_bcd(v);
    } else if (r->format != X87_F80) {
        FpEnv e = fpenv_x87();
        if (f80_is_snan(v, &e)) {
            flags |= FP_INVALID;
            v.frac |= BIT(62);
        }
    }
    load(c, v, flags);
}

void x87_ld_st(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)r;
    if (!x87_empty(c, o->i)) {
        load(c, x87_get(c, o->i), 0);
    } else if (stack_fault(c, false)) {
        push(c, indefinite);
    }
}

/* FLD1 .. FLDZ: cut off, and whether the rest is more than a half. */
F80 x87_constant(const X86Cpu *c, unsigned n)
{
    static const struct { F80 v; bool up, exact; } constants[] = {
        { { 0x8000000000000000, 0x3fff }, false, true },
        { { 0xd49a784bcd1b8afe, 0x4000 }, false, false },   /* log2 10 */
        { { 0xb8aa3b295c17f0bb, 0x3fff }, true, false },    /* log2 e */
        { { 0xc90fdaa22168c234, 0x4000 }, true, false },    /* pi */
        { { 0x9a209a84fbcff798, 0x3ffd }, true, false },    /* log10 2 */
        { { 0xb17217f7d1cf79ab, 0x3ffe }, true, false },    /* ln 2 */
        { { 0, 0 }, false, true },
    };
    F80 v = constants[n].v;
    unsigned rc = c->cpu.tcg.fcw >> 10 & 3;

    if (!constants[n].exact) {
        v.frac += rc == 0 ? constants[n].up : rc == 2;
    }
    return v;
}

void x87_const(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)o;
    load(c, x87_constant(c, r->arg), 0);
}

/* FST, FSTP; FSTP1 (arg 1) just pops an empty register. */
void x87_st_st(X86Cpu *c, const X87Row *r, X87Op *o)
{
    F80 v = indefinite;
    if (r->arg && x87_empty(c, 0)) {
        set_bits(c, FSW_C1, 0);
        pop(c);
        return;
    }
    if (!x87_empty(c, 0)) {
        v = x87_get(c, 0);
        x87_note(c, 0);
    } else if (!stack_fault(c, false)) {
        return;
    }
    x87_put(c, o->i, v);
    pop_n(c, r->pops);
}

void x87_xch(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)r;
    bool none0 = x87_empty(c, 0), none = x87_empty(c, o->i);
    if (!none0 && !none) {
        x87_note(c, 0);
    } else if (!stack_fault(c, false)) {
        return;
    }
    F80 a = none0 ? indefinite : x87_get(c, 0);
    x87_put(c, 0, none ? indefinite : x87_get(c, o->i));
    x87_put(c, o->i, a);
}

void x87_cmov(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)r;
    if (!operands_there(c, o)) {
        if (stack_fault(c, false)) {
            x87_put(c, 0, indefinite);
        }
        return;
    }
    if (o->cond) {
        x87_put(c, 0, x87_get(c, o->i));
    }
}

/* ---- stores to memory --------------------------------------------------- */

static const F80 bcd_indefinite = { .frac = 3ull << 62, .se = 0xffff };

static F80 to_bcd(F80 v, FpEnv *e)
{
    i64 n = f80_to_i64(v, (FpRound)e->round, 0, e);
    u64 m = n < 0 ? 0 - (u64)n : (u64)n;
    F80 r = { .se = v.se & 0x8000 };
    if (m > 999999999999999999) {
        e->flags = FP_INVALID;
        return bcd_indefinite;
    }
    for (unsigned i = 0; i < 64; i += 4, m /= 10) {
        r.frac |= m % 10 << i;
    }
    r.se |= (u16)(m % 10 | m / 10 << 4);
    return r;
}

F80 x87_convert(X87Format f, bool truncate, F80 v, FpEnv *e)
{
    FpRound round = truncate ? FP_TOWARD_ZERO : (FpRound)e->round;
    switch (f) {
    case X87_F32:
        return (F80){ .frac = f80_to_f32(v, e) };
    case X87_F64:
        return (F80){ .frac = f80_to_f64(v, e) };
    case X87_I16:
        return (F80){ .frac = (u16)f80_to_i16(v, round, 0, e) };
    case X87_I32:
        return (F80){ .frac = (u32)f80_to_i32(v, round, 0, e) };
    case X87_I64:
        return (F80){ .frac = (u64)f80_to_i64(v, round, 0, e) };
    case X87_BCD:
        return to_bcd(v, e);
    default:
        return v;
    }
}

/* What the masked response to an empty ST(0) stores. */
static F80 indefinite_of(X87Format f)
{
    FpEnv e = fpenv_x87();
    return x87_convert(f, false, indefinite, &e);
}

bool x87_store_value(X86Cpu *c, const X87Row *r, X87Op *o)
{
    enum { STOPS = FSW_IE | FSW_OE | FSW_UE };
    X87Format f = (X87Format)r->format;
    if (x87_empty(c, 0)) {
        o->m = indefinite_of(f);
        o->flags = FP_INVALID;
        o->cond = true;                 /* a stack fault */
        return c->cpu.tcg.fcw & FSW_IE;
    }
    FpEnv e = x87_env(c);
    o->cond = false;
    o->m = x87_convert(f, r->arg, x87_get(c, 0), &e);
    o->flags = e.flags;
    return !(e.flags & ~c->cpu.tcg.fcw & STOPS);
}

void x87_store_done(X86Cpu *c, const X87Row *r, const X87Op *o)
{
    enum { STOPS = FSW_IE | FSW_OE | FSW_UE };
    bool stop = o->flags & ~c->cpu.tcg.fcw & STOPS;
    if (o->cond) {
        stack_fault(c, false);
    } else {
        x87_note(c, stop ? o->flags & STOPS : o->flags);
    }
    if (!stop) {
        pop_n(c, r->pops);
    }
}

/* ---- control ------------------------------------------------------------ */

void x87_free(X86Cpu *c, const X87Row *r, X87Op *o)
{
    c->fempty |= 1u << o->i;
    set_bits(c, FSW_C1, 0);
    pop_n(c, r->pops);
}

/* FINCSTP, FDECSTP: arg is added to TOP. */
void x87_step_top(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)o;
    u8 empty = x87_empty_regs(c);
    c->ftop += r->arg;
    x87_set_empty_regs(c, empty);
    set_bits(c, FSW_C1, 0);
}

void x87_nop(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)c;
    (void)r;
    (void)o;
}

void x87_ldcw(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)r;
    c->cpu.tcg.fcw = (u16)((o->m.frac & FCW_BITS) | FCW_ONES);
    x87_summary(c);
}

void x87_stcw(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)r;
    o->m.frac = c->cpu.tcg.fcw;
}

void x87_stsw(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)r;
    o->m.frac = o->out = x87_fsw(c);
}

void x87_clex(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)r;
    (void)o;
    c->cpu.tcg.fsw &= FSW_CC | FSW_TOP;
}

void x87_init(X86Cpu *c, const X87Row *r, X87Op *o)
{
    (void)r;
    (void)o;
    x87_reset(c);
}
