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

/* The E operand, to be written too. */
static Val get_e_write(X86Ctx *c, unsigned size, Val *addr)
{
    if (!is_mem(c)) {
        return x86_get(c, size, c->rm);
    }
    *addr = x86_mem(c, size, true);
    return x86_load(c, *addr, size);
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
    put_flag(c, ZERO_BIT, none);
    return true;
}

/* ---- SHLD, SHRD --------------------------------------------------------- */

typedef struct Double {
    unsigned size;
    Val x, y, n;                /* n: of the operand's type, masked */
    Val cf;                     /* I32 0 or 1 */
} Double;

static Val lowest(X86Ctx *c, Val v)
{
    return ir_and(c->b, v, ir_const(c->b, ir_type(c->b, v), 1));
}

/* 16 bits: counts above 16 go on with the destination's own bits. */
static Val double16(X86Ctx *c, Double *d, bool right)
{
    Ir *b = c->b;
    Val x = ir_zext(b, d->x), y = ir_zext(b, d->y), n = ir_zext(b, d->n);
    Val all = ir_or(b, x, ir_shl(b, y, ir_i64(b, 16)));

    all = ir_or(b, all, ir_shl(b, x, ir_i64(b, 32)));
    if (right) {
        Val less = ir_sub(b, n, ir_i64(b, 1));
        d->cf = ir_trunc(b, lowest(c, ir_shr(b, all, less)));
        return ir_trunc(b, ir_extract(b, ir_shr(b, all, n), 0, 16));
    }
    all = ir_shl(b, all, n);
    d->cf = ir_trunc(b, ir_extract(b, all, 48, 1));
    return ir_trunc(b, ir_extract(b, all, 32, 16));
}

/* 32 and 64 bits; a count of 0 shifts the other one out in two steps. */
static Val double_wide(X86Ctx *c, Double *d, bool right)
{
    Ir *b = c->b;
    Type t = type_of(d->size);
    Val one = ir_const(b, t, 1), top = ir_const(b, t, d->size * 8 - 1);
    Val rest = ir_xor(b, d->n, top), v, out;

    if (right) {
        v = ir_or(b, ir_shr(b, d->x, d->n),
                  ir_shl(b, ir_shl(b, d->y, one), rest));
        out = ir_shr(b, d->x, ir_sub(b, d->n, one));
    } else {
        v = ir_or(b, ir_shl(b, d->x, d->n),
                  ir_shr(b, ir_shr(b, d->y, one), rest));
        out = ir_shr(b, d->x, ir_sub(b, ir_const(b, t, 0), d->n));
    }
    out = lowest(c, out);
    d->cf = d->size == 8 ? ir_trunc(b, out) : out;
    return v;
}

static void put_counted(X86Ctx *c, const Double *d, unsigned slot, Val v)
{
    Val zero = ir_const(c->b, type_of(d->size), 0);

    ir_put(c->b, slot, ir_select(c->b, NE, d->n, zero, v,
                                 ir_get(c->b, slot)));
}

static bool shift_double(X86Ctx *c, Val n)
{
    Ir *b = c->b;
    unsigned size = c->osize;
    bool right = c->opcode & 8;
    Double d = { .size = size };
    Val addr = { 0 };

    d.x = get_e_write(c, size, &addr);
    d.y = x86_get(c, size, c->reg);
    d.n = ir_and(b, n, x86_imm(c, size, size == 8 ? 63 : 31));
    Val r = size == 2 ? double16(c, &d, right) : double_wide(c, &d, right);
    x86_put_e(c, size, addr, r);
    Val of = ir_xor(b, x86_top(c, size, r), x86_top(c, size, d.x));
    put_counted(c, &d, S_FLAGS, x86_word(c, size, r, d.cf, of));
    put_counted(c, &d, S_PF, size == 8 ? ir_trunc(b, r) : r);
    put_counted(c, &d, S_AF, k32(c, 0));
    return true;
}

static bool double_imm(X86Ctx *c)
{
    return shift_double(c, x86_imm(c, c->osize, c->imm));
}

static bool double_cl(X86Ctx *c)
{
    return shift_double(c, x86_get(c, c->osize, RCX));
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
        x = get_e_write(c, size, &addr);
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

/* rAX = v unless the comparison was equal: then even its upper half stays. */
static void load_a(X86Ctx *c, unsigned size, Val equal, Val v)
{
    Val before = ir_get(c->b, S_RAX), after;

    x86_set(c, size, RAX, v);
    after = ir_get(c->b, S_RAX);
    ir_put(c->b, S_RAX, choose(c, equal, before, after));
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
    load_a(c, size, equal, old);
    if (!is_mem(c)) {
        x86_set(c, size, c->rm, choose(c, equal, y, old));
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
    OP(0xa4, "SHLD", "Ev,Gv,Ib", double_imm),
    OP(0xa5, "SHLD", "Ev,Gv,CL", double_cl),
    OP(0xac, "SHRD", "Ev,Gv,Ib", double_imm),
    OP(0xad, "SHRD", "Ev,Gv,CL", double_cl),
    ROW(0xae, NP, 5, F_SSE2, "LFENCE", "", fence, .flags = X_REG,
         .arg = FENCE_LL | FENCE_LS),
    ROW(0xae, NP, 6, F_SSE2, "MFENCE", "", fence, .flags = X_REG, .arg = ALL),
    ROW(0xae, NP, 7, F_SSE, "SFENCE", "", fence, .flags = X_REG, .arg = FENCE_SS),
    ROW(0xae, NP, 7, F_CLFLUSH, "CLFLUSH", "Mb", flush_line, .flags = X_MEM),
    ROW(0xae, P66, 7, F_CLFLUSHOPT, "CLFLUSHOPT", "Mb", flush_line, .flags = X_MEM),
    ROW(0xae, P66, 6, F_CLWB, "CLWB", "Mb", flush_line, .flags = X_MEM),
    OP(0xaf, "IMUL", "Gv,Ev", x86_imul_ge),
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
