/* SPDX-License-Identifier: MIT */
/*
 * The 0F opcode map's integer instructions: conditions, bits, extensions,
 * compare and exchange, fences, hints.  Reference: SDM volume 2.
 */
#include "target/i386/translate.h"

static Val k32(X86Ctx *c, u32 v) { return ir_i32(c->b, v); }

static u32 log2_of(unsigned size)
{
    return (u32)__builtin_ctz(size);
}

/* x if cond (I32) is not 0, else y. */
static Val choose(X86Ctx *c, Val cond, Val x, Val y)
{
    return ir_select(c->b, NE, cond, k32(c, 0), x, y);
}

/* A single flag of the flag word. */
static void put_flag(X86Ctx *c, unsigned bit, Val v)
{
    x86_flags_nzcv(c, ir_deposit(c->b, ir_get(c->b, S_FLAGS), v, bit, 1));
}

enum { CARRY_BIT = 8, ZERO_BIT = 14 };
_Static_assert(FLAG_C == 1 << CARRY_BIT && FLAG_Z == 1 << ZERO_BIT, "bits");

/* ---- conditions --------------------------------------------------------- */

static bool jcc(X86Ctx *c)
{
    Val to = x86_code_rel(c, (i64)c->imm);

    x86_goto_if(c, x86_cond(c, c->opcode & 15), to);
    return true;
}

static bool setcc(X86Ctx *c)
{
    Val addr = { 0 };

    if (is_mem(c)) {
        addr = x86_mem(c, 1, true);
    }
    x86_put_e(c, 1, addr, x86_cond(c, c->opcode & 15));
    return true;
}

/* The load is done and the upper half cleared in any case. */
static bool cmov(X86Ctx *c)
{
    Val v = x86_get_e(c, c->osize, &(Val) { 0 });

    v = choose(c, x86_cond(c, c->opcode & 15), v, x86_get(c, c->osize, c->reg));
    x86_set(c, c->osize, c->reg, v);
    return true;
}

/* ---- extensions, bytes -------------------------------------------------- */

/* arg: bytes of the source, 16 for a signed one. */
static bool extend(X86Ctx *c)
{
    unsigned size = c->row->arg & 15;
    Val v = x86_get_e(c, size, &(Val) { 0 });

    x86_set(c, c->osize, c->reg,
            x86_to(c, size, c->osize, v, c->row->arg & 16));
    return true;
}

/* Of 16 bits it leaves zero on the CPUs this was tested on. */
static bool bswap(X86Ctx *c)
{
    Val v = x86_get(c, c->osize, c->rm);

    v = c->osize == 2 ? k32(c, 0) : ir_bswap(c->b, v);
    x86_set(c, c->osize, c->rm, v);
    return true;
}

/* ---- BT BTS BTR BTC: 4 to 7 in bits 5:3 of the opcode or in reg --------- */

enum { BT = 4, BTS, BTR, BTC };

static Val changed(X86Ctx *c, unsigned op, Val x, Val mask)
{
    Ir *b = c->b;

    return op == BTS ? ir_or(b, x, mask)
         : op == BTR ? ir_and(b, x, ir_not(b, mask)) : ir_xor(b, x, mask);
}

static Val locked_bits(X86Ctx *c, unsigned op, unsigned size, Val addr,
                       Val mask)
{
    RmwKind kind = op == BTS ? RMW_OR : op == BTR ? RMW_AND : RMW_XOR;

    if (op == BTR) {
        mask = ir_not(c->b, mask);
    }
    return ir_rmw(c->b, kind, type_of(size), addr, mask, log2_of(size));
}

/* Bit n (of the operand's type, any number) of E, at addr in memory. */
static bool bit_op(X86Ctx *c, unsigned op, Val n, Val addr)
{
    Ir *b = c->b;
    unsigned size = c->osize;
    Val one = x86_imm(c, size, 1), x, bit;

    n = ir_and(b, n, x86_imm(c, size, size * 8 - 1));
    Val mask = ir_shl(b, one, n);
    if (c->lock) {
        x = locked_bits(c, op, size, addr, mask);
    } else {
        x = is_mem(c) ? x86_load(c, addr, size) : x86_get(c, size, c->rm);
    }
    if (op != BT && !c->lock) {
        x86_put_e(c, size, addr, changed(c, op, x, mask));
    }
    bit = ir_and(b, ir_shr(b, x, n), one);
    put_flag(c, CARRY_BIT, size == 8 ? ir_trunc(b, bit) : bit);
    return true;
}

static bool bit_imm(X86Ctx *c)
{
    unsigned op = c->modrm >> 3 & 7;
    Val addr = { 0 };

    if (is_mem(c)) {
        addr = x86_mem(c, c->osize, op != BT);
    }
    return bit_op(c, op, x86_imm(c, c->osize, c->imm), addr);
}

/* A bit number beyond the operand, also a negative one, moves the address. */
static bool bit_reg(X86Ctx *c)
{
    Ir *b = c->b;
    unsigned op = c->opcode >> 3 & 7, size = c->osize;
    u32 log2 = log2_of(size);
    Val n = x86_get(c, size, c->reg), addr = { 0 };

    if (is_mem(c)) {
        Val by = x86_to(c, size, 8, n, true);
        by = ir_sar(b, by, ir_i64(b, 3 + log2));
        by = ir_shl(b, by, ir_i64(b, log2));
        Val off = ir_add(b, x86_offset(c), by);
        off = ir_and(b, off, ir_i64(b, MASK(c->asize * 8)));
        addr = x86_linear(c, c->seg, off, size, op != BT);
    }
    return bit_op(c, op, n, addr);
}

/* ---- BSF, BSR (arg 1) --------------------------------------------------- */

/* Of 0 the destination stays wholly. */
static bool bit_scan(X86Ctx *c)
{
    Ir *b = c->b;
    unsigned size = c->osize, slot = S_RAX + c->reg;
    Type t = type_of(size);
    Val x = x86_get_e(c, size, &(Val) { 0 }), n;
    Val none = ir_set(b, EQ, x, ir_const(b, t, 0));

    if (c->row->arg) {
        n = ir_sub(b, ir_const(b, t, size == 8 ? 63 : 31), ir_clz(b, x));
    } else {
        n = ir_ctz(b, x);
    }
    n = size == 8 ? n : ir_zext(b, n);
    Val old = ir_get(b, slot);
    if (size == 2) {
        n = ir_deposit(b, old, n, 0, 16);
    }
    ir_put(b, slot, choose(c, none, old, n));
    x86_flags_nzcv(c, ir_shl(b, none, k32(c, ZERO_BIT)));
    n = choose(c, none, k32(c, 0), ir_trunc(b, n));
    x86_flags_pf(c, n);
    x86_flags_af(c, n);
    return true;
}

/* ---- XADD, CMPXCHG ------------------------------------------------------ */

static bool xadd(X86Ctx *c)
{
    unsigned size = x86_op_size(c);
    Val y = x86_get(c, size, c->reg), addr = { 0 }, x;

    if (c->lock) {
        addr = x86_mem(c, size, true);
        x = ir_rmw(c->b, RMW_ADD, type_of(size), addr, y, log2_of(size));
    } else {
        x = x86_get_e_write(c, size, &addr);
    }
    X86Result r = x86_add(c, size, x, y);
    if (is_mem(c) && !c->lock) {
        x86_store(c, addr, size, r.v);
    }
    x86_set(c, size, c->reg, x);
    if (!is_mem(c)) {
        x86_set(c, size, c->rm, r.v);
    }
    x86_put_flags(c, size, &r);
    return true;
}

/* Register n = v if cond; else even its upper half stays. */
static void set_if(X86Ctx *c, Val cond, unsigned size, unsigned n, Val v)
{
    unsigned slot = S_RAX + n;
    bool high = size == 1 && !c->rex && n >= 4 && n < 8;

    slot -= high ? 4 : 0;
    Val before = ir_get(c->b, slot);
    x86_set(c, size, n, v);
    ir_put(c->b, slot, choose(c, cond, ir_get(c->b, slot), before));
}

static bool cmpxchg(X86Ctx *c)
{
    unsigned size = x86_op_size(c);
    Val a = x86_get(c, size, RAX), y = x86_get(c, size, c->reg), old;

    if (is_mem(c)) {
        old = ir_cas(c->b, type_of(size), x86_mem(c, size, true), a, y,
                     log2_of(size));
    } else {
        old = x86_get(c, size, c->rm);
    }
    Val equal = ir_set(c->b, EQ, a, old);
    X86Result r = x86_sub(c, size, a, old);
    set_if(c, ir_xor(c->b, equal, k32(c, 1)), size, RAX, old);
    if (!is_mem(c)) {
        set_if(c, equal, size, c->rm, y);
    }
    x86_put_flags(c, size, &r);
    return true;
}

/* hi:lo of two registers of 4 bytes. */
static Val pair(X86Ctx *c, unsigned hi, unsigned lo)
{
    Val high = ir_zext(c->b, x86_get(c, 4, hi));
    Val low = ir_zext(c->b, x86_get(c, 4, lo));

    return ir_or(c->b, low, ir_shl(c->b, high, ir_i64(c->b, 32)));
}

/* A register keeps all of itself if equal. */
static void load_half(X86Ctx *c, Val equal, unsigned n, Val v)
{
    ir_put(c->b, S_RAX + n, choose(c, equal, ir_get(c->b, S_RAX + n), v));
}

static bool cmpxchg16(X86Ctx *c)
{
    Ir *b = c->b;
    Val addr = x86_mem(c, 16, true);
    Val a = ir_vpair(b, ir_get(b, S_RAX + RAX), ir_get(b, S_RAX + RDX));
    Val v = ir_vpair(b, ir_get(b, S_RAX + RBX), ir_get(b, S_RAX + RCX));
    Val low = ir_and(b, ir_trunc(b, addr), k32(c, 15));

    if (!x86_has(c->cpu, F_CX16)) {
        return false;
    }
    x86_raise_if(c, low, X_GP, 0);
    Val old = ir_cas(b, V128T, addr, a, v, M_128);
    Val lo = ir_vget(b, L64, old, 0), hi = ir_vget(b, L64, old, 1);
    Val differ = ir_or(b, ir_xor(b, lo, ir_get(b, S_RAX + RAX)),
                       ir_xor(b, hi, ir_get(b, S_RAX + RDX)));
    Val equal = ir_set(b, EQ, differ, ir_i64(b, 0));
    load_half(c, equal, RAX, lo);
    load_half(c, equal, RDX, hi);
    put_flag(c, ZERO_BIT, equal);
    return true;
}

/* CMPXCHG8B; with REX.W CMPXCHG16B. */
static bool cmpxchg8(X86Ctx *c)
{
    Ir *b = c->b;

    if (c->osize == 8) {
        return cmpxchg16(c);
    }
    Val a = pair(c, RDX, RAX), v = pair(c, RCX, RBX);
    Val old = ir_cas(b, I64, x86_mem(c, 8, true), a, v, M_64);
    Val equal = ir_set(b, EQ, old, a);
    load_half(c, equal, RAX, ir_and(b, old, ir_i64(b, 0xffffffff)));
    load_half(c, equal, RDX, ir_shr(b, old, ir_i64(b, 32)));
    put_flag(c, ZERO_BIT, equal);
    return true;
}

/* ---- fences, hints ------------------------------------------------------ */

/* arg: FENCE_* */
static bool fence(X86Ctx *c)
{
    ir_fence(c->b, c->row->arg);
    return true;
}

static bool nothing(X86Ctx *c)
{
    (void)c;
    return true;
}

/* CLFLUSH and its kin: the address is looked at as by a load of a byte. */
static bool flush_line(X86Ctx *c)
{
    x86_load(c, x86_mem(c, 1, false), 1);
    return true;
}

/* ---- the table ---------------------------------------------------------- */

#define FOUR(o, ft, n, opr, f, ...)                                         \
    ROW((o), PANY, -1, ft, n, opr, f, ##__VA_ARGS__),                       \
    ROW((o) + 1, PANY, -1, ft, n, opr, f, ##__VA_ARGS__),                   \
    ROW((o) + 2, PANY, -1, ft, n, opr, f, ##__VA_ARGS__),                   \
    ROW((o) + 3, PANY, -1, ft, n, opr, f, ##__VA_ARGS__)
#define SIXTEEN(o, ft, n, opr, f, ...)                                      \
    FOUR(o, ft, n, opr, f, ##__VA_ARGS__),                                  \
    FOUR((o) + 4, ft, n, opr, f, ##__VA_ARGS__),                            \
    FOUR((o) + 8, ft, n, opr, f, ##__VA_ARGS__),                            \
    FOUR((o) + 12, ft, n, opr, f, ##__VA_ARGS__)

enum { ALL = FENCE_LL | FENCE_LS | FENCE_SL | FENCE_SS };

const X86Row x86_int_0f[] = {
    OP(0x0d, "PREFETCHW", "M", nothing),
    OP(0x18, "PREFETCH", "Ev", nothing), OP(0x19, "NOP", "Ev", nothing),
    OP(0x1a, "NOP", "Ev", nothing), OP(0x1b, "NOP", "Ev", nothing),
    OP(0x1c, "NOP", "Ev", nothing), OP(0x1d, "NOP", "Ev", nothing),
    OP(0x1e, "NOP", "Ev", nothing), OP(0x1f, "NOP", "Ev", nothing),
    SIXTEEN(0x40, F_CMOV, "CMOVcc", "Gv,Ev", cmov),
    SIXTEEN(0x80, F_NONE, "Jcc", "Jz", jcc, .flags = X_F64),
    SIXTEEN(0x90, F_NONE, "SETcc", "Eb", setcc),
    OP(0xa3, "BT", "Ev,Gv", bit_reg),
    OP(0xab, "BTS", "Ev,Gv", bit_reg, .flags = X_LOCK),
    OP(0xb3, "BTR", "Ev,Gv", bit_reg, .flags = X_LOCK),
    OP(0xbb, "BTC", "Ev,Gv", bit_reg, .flags = X_LOCK),
    GRP(0xba, BT, "BT", "Ev,Ib", bit_imm),
    GRP(0xba, BTS, "BTS", "Ev,Ib", bit_imm, .flags = X_LOCK),
    GRP(0xba, BTR, "BTR", "Ev,Ib", bit_imm, .flags = X_LOCK),
    GRP(0xba, BTC, "BTC", "Ev,Ib", bit_imm, .flags = X_LOCK),
    ROW(0xae, NP, 5, F_SSE2, "LFENCE", "", fence, .flags = X_REG,
         .arg = FENCE_LL | FENCE_LS),
    ROW(0xae, NP, 6, F_SSE2, "MFENCE", "", fence, .flags = X_REG, .arg = ALL),
    ROW(0xae, NP, 7, F_SSE, "SFENCE", "", fence, .flags = X_REG, .arg = FENCE_SS),
    ROW(0xae, NP, 7, F_CLFLUSH, "CLFLUSH", "Mb", flush_line, .flags = X_MEM),
    ROW(0xae, P66, 7, F_CLFLUSHOPT, "CLFLUSHOPT", "Mb", flush_line, .flags = X_MEM),
    ROW(0xae, P66, 6, F_CLWB, "CLWB", "Mb", flush_line, .flags = X_MEM),
    OP(0xb0, "CMPXCHG", "Eb,Gb", cmpxchg, .flags = X_LOCK),
    OP(0xb1, "CMPXCHG", "Ev,Gv", cmpxchg, .flags = X_LOCK),
    OP(0xb6, "MOVZX", "Gv,Eb", extend, .arg = 1),
    OP(0xb7, "MOVZX", "Gv,Ew", extend, .arg = 2),
    OP(0xbc, "BSF", "Gv,Ev", bit_scan), OP(0xbd, "BSR", "Gv,Ev", bit_scan, .arg = 1),
    OP(0xbe, "MOVSX", "Gv,Eb", extend, .arg = 16 | 1),
    OP(0xbf, "MOVSX", "Gv,Ew", extend, .arg = 16 | 2),
    OP(0xc0, "XADD", "Eb,Gb", xadd, .flags = X_LOCK),
    OP(0xc1, "XADD", "Ev,Gv", xadd, .flags = X_LOCK),
    ROW(0xc7, PANY, 1, F_CX8, "CMPXCHG8B", "Mq", cmpxchg8, .flags = X_LOCK | X_MEM),
    FOUR(0xc8, F_NONE, "BSWAP", "Zv", bswap),
    FOUR(0xcc, F_NONE, "BSWAP", "Zv", bswap),
    { 0 }
};
