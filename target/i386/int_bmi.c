/* SPDX-License-Identifier: MIT */
/*
 * Bit manipulation and other late additions to the general registers: MOVBE,
 * CRC32, POPCNT, LZCNT, BMI1, BMI2, ADX, RDRAND, RDSEED.
 * SDM volume 1, 5.1.16; volume 2, the instructions' pages.
 *
 * Most know operands of 32 and 64 bits only, whatever the prefix 66 says.
 */
#include "softmmu/clock.h"
#include "target/i386/translate.h"

/* ---- operands ----------------------------------------------------------- */

/* The y operands: 64 bits with W, else 32. */
static unsigned y_size(const X86Ctx *c)
{
    return c->rexw ? 8 : 4;
}

static Val get_e(X86Ctx *c, unsigned size)
{
    Val addr;

    return x86_get_e(c, size, &addr);
}

/* The register that VEX.vvvv names. */
static Val get_v(X86Ctx *c)
{
    return x86_get(c, y_size(c), c->vvvv);
}

static Val width(X86Ctx *c, unsigned size)
{
    return x86_imm(c, size, size * 8);
}

static Val is_zero(X86Ctx *c, unsigned size, Val v)
{
    return ir_set(c->b, EQ, v, x86_imm(c, size, 0));
}

static Val never(X86Ctx *c) { return ir_i32(c->b, 0); }

/* N, Z and parity of v, V and AF clear: what is undefined as AMD's do it. */
static void put_flags(X86Ctx *c, unsigned size, Val v, Val carry)
{
    x86_flags_nzcv(c, x86_word(c, size, v, carry, never(c)));
    v = size == 8 ? ir_trunc(c->b, v) : v;
    x86_flags_pf(c, v);
    x86_flags_af(c, v);
}

static void put_odd(X86Ctx *c, Val word)
{
    x86_flags_nzcv(c, word);
    x86_flags_pf(c, ir_i32(c->b, 1));
    x86_flags_af(c, never(c));
}

/* ---- counting ----------------------------------------------------------- */

/* Bits are added up in fields of 2, 4, 8 bits, then by a multiplication. */
static Val ones_of(X86Ctx *c, unsigned size, Val v)
{
    Ir *b = c->b;
    Val m1 = x86_imm(c, size, 0x5555555555555555);
    Val m2 = x86_imm(c, size, 0x3333333333333333);
    Val m4 = x86_imm(c, size, 0x0f0f0f0f0f0f0f0f);
    Val sum = x86_imm(c, size, 0x0101010101010101);
    Val n1 = x86_imm(c, size, 1), n2 = x86_imm(c, size, 2);
    Val n4 = x86_imm(c, size, 4), top = x86_imm(c, size, size * 8 - 8);

    v = ir_sub(b, v, ir_and(b, ir_shr(b, v, n1), m1));
    v = ir_add(b, ir_and(b, v, m2), ir_and(b, ir_shr(b, v, n2), m2));
    v = ir_and(b, ir_add(b, v, ir_shr(b, v, n4)), m4);
    return ir_shr(b, ir_mul(b, v, sum), top);
}

static bool popcnt(X86Ctx *c)
{
    Val v = ones_of(c, MAX(c->osize, 4), get_e(c, c->osize));

    x86_set(c, c->osize, c->reg, v);
    put_odd(c, x86_word(c, c->osize, v, never(c), never(c)));
    return true;
}

/* CF: the source is 0; ZF: the result is; OF stays. */
static void counted(X86Ctx *c, Val source, Val v)
{
    x86_set(c, c->osize, c->reg, v);
    Val overflow = ir_fcond(c->b, FC_V, ir_get(c->b, S_FLAGS));
    put_odd(c, x86_word(c, c->osize, v, is_zero(c, c->osize, source),
                        overflow));
}

static bool lzcnt(X86Ctx *c)
{
    Val e = get_e(c, c->osize), v = ir_clz(c->b, e);

    if (c->osize == 2) {
        v = ir_sub(c->b, v, ir_i32(c->b, 16));
    }
    counted(c, e, v);
    return true;
}

static bool tzcnt(X86Ctx *c)
{
    Val e = get_e(c, c->osize);
    Val stop = ir_i32(c->b, 1 << 16);

    counted(c, e, ir_ctz(c->b, c->osize == 2 ? ir_or(c->b, e, stop) : e));
    return true;
}

/* ---- MOVBE, CRC32 ------------------------------------------------------- */

static Val swapped(X86Ctx *c, Val v)
{
    v = ir_bswap(c->b, v);
    return c->osize == 2 ? ir_shr(c->b, v, ir_i32(c->b, 16)) : v;
}

static bool movbe_load(X86Ctx *c)
{
    x86_set(c, c->osize, c->reg, swapped(c, get_e(c, c->osize)));
    return true;
}

static bool movbe_store(X86Ctx *c)
{
    Val addr = x86_mem(c, c->osize, true);

    x86_store(c, addr, c->osize, swapped(c, x86_get(c, c->osize, c->reg)));
    return true;
}

/* CRC-32C, polynomial 82f63b78 with the least significant bit first. */
static u32 x86_crc32c(u32 crc, u64 v, u32 size)
{
    static const u32 four[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
        0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };

    for (; size; size--, v >>= 8) {
        crc ^= (u8)v;
        crc = crc >> 4 ^ four[crc & 15];
        crc = crc >> 4 ^ four[crc & 15];
    }
    return crc;
}
HELPER(x86_crc32c, H_PURE, i32, i32, i64, i32);

static bool crc32(X86Ctx *c)
{
    Ir *b = c->b;
    unsigned size = x86_op_size(c);
    Val e = x86_to(c, size, 8, get_e(c, size), false);
    Val v = IR_CALL(b, &helper_x86_crc32c, x86_get(c, 4, c->reg), e,
                    ir_i32(b, size));

    x86_set(c, 4, c->reg, v);
    return true;
}

/* ---- BMI1 --------------------------------------------------------------- */

static bool andn(X86Ctx *c)
{
    unsigned size = y_size(c);
    Val v = ir_and(c->b, ir_not(c->b, get_v(c)), get_e(c, size));

    x86_set(c, size, c->reg, v);
    put_flags(c, size, v, never(c));
    return true;
}

/* The lowest n bits set; all for n from the width on. */
static Val ones(X86Ctx *c, unsigned size, Val n)
{
    Ir *b = c->b;
    Val one = x86_imm(c, size, 1);
    Val some = ir_sub(b, ir_shl(b, one, n), one);

    return ir_select(b, LTU, n, width(c, size), some,
                     x86_imm(c, size, ~0ull));
}

static bool bextr(X86Ctx *c)
{
    Ir *b = c->b;
    unsigned size = y_size(c);
    Val e = get_e(c, size), control = get_v(c);
    Val from = ir_extract(b, control, 0, 8);
    Val len = ir_extract(b, control, 8, 8);
    Val v = ir_select(b, LTU, from, width(c, size), ir_shr(b, e, from),
                      x86_imm(c, size, 0));

    v = ir_and(b, v, ones(c, size, len));
    Val zero = ir_shl(b, is_zero(c, size, v), ir_i32(b, 14));
    x86_set(c, size, c->reg, v);
    put_flags(c, size, v, never(c));
    x86_flags_nzcv(c, zero);            /* undefined: SF clear */
    return true;
}

typedef enum LowBit { BLSR = 1, BLSMSK, BLSI } LowBit;

static bool low_bit(X86Ctx *c)
{
    Ir *b = c->b;
    unsigned size = y_size(c);
    LowBit op = (LowBit)c->row->arg;
    Val e = get_e(c, size), zero = is_zero(c, size, e);
    Val less = ir_sub(b, e, x86_imm(c, size, 1));
    Val v = op == BLSR ? ir_and(b, e, less) : op == BLSMSK
        ? ir_xor(b, e, less) : ir_and(b, e, ir_neg(b, e));

    x86_set(c, size, c->vvvv, v);
    if (op == BLSI) {
        zero = ir_xor(b, zero, ir_i32(b, 1));
    }
    put_flags(c, size, v, zero);
    return true;
}

/* ---- BMI2 --------------------------------------------------------------- */

static bool bzhi(X86Ctx *c)
{
    Ir *b = c->b;
    unsigned size = y_size(c);
    Val n = ir_extract(b, get_v(c), 0, 8);
    Val v = ir_and(b, get_e(c, size), ones(c, size, n));
    Val over = ir_set(b, GEU, n, width(c, size));

    x86_set(c, size, c->reg, v);
    put_flags(c, size, v, over);
    return true;
}

static u64 deposit_bits(u64 v, u64 mask)
{
    u64 r = 0;

    for (; mask; mask &= mask - 1, v >>= 1) {
        r |= v & 1 ? mask & (0 - mask) : 0;
    }
    return r;
}
HELPER(deposit_bits, H_PURE, i64, i64, i64);

static u64 extract_bits(u64 v, u64 mask)
{
    u64 r = 0;

    for (u64 to = 1; mask; mask &= mask - 1, to <<= 1) {
        r |= v & mask & (0 - mask) ? to : 0;
    }
    return r;
}
HELPER(extract_bits, H_PURE, i64, i64, i64);

static bool scatter(X86Ctx *c)
{
    unsigned size = y_size(c);
    bool gather = c->row->arg;
    Val mask = x86_to(c, size, 8, get_e(c, size), false);
    Val from = x86_to(c, size, 8, get_v(c), false);
    Val v = IR_CALL(c->b, gather ? &helper_extract_bits
                                 : &helper_deposit_bits, from, mask);

    x86_set(c, size, c->reg, x86_to(c, 8, size, v, false));
    return true;
}

static bool mulx(X86Ctx *c)
{
    Ir *b = c->b;
    unsigned size = y_size(c);
    Val x = x86_get(c, size, RDX), y = get_e(c, size);

    if (size == 8) {
        x86_set(c, 8, c->vvvv, ir_mul(b, x, y));
        x86_set(c, 8, c->reg, ir_mulhu(b, x, y));
    } else {
        Val v = ir_mul(b, ir_zext(b, x), ir_zext(b, y));
        x86_set(c, 4, c->vvvv, ir_trunc(b, v));
        x86_set(c, 4, c->reg, ir_trunc(b, ir_shr(b, v, ir_i64(b, 32))));
    }
    return true;
}

static bool rorx(X86Ctx *c)
{
    unsigned size = y_size(c);
    Val n = x86_imm(c, size, c->imm & (size * 8 - 1));

    x86_set(c, size, c->reg, ir_ror(c->b, get_e(c, size), n));
    return true;
}

static bool shift(X86Ctx *c, IrBinary *op)
{
    unsigned size = y_size(c);

    x86_set(c, size, c->reg, op(c->b, get_e(c, size), get_v(c)));
    return true;
}

static bool sarx(X86Ctx *c) { return shift(c, ir_sar); }
static bool shlx(X86Ctx *c) { return shift(c, ir_shl); }
static bool shrx(X86Ctx *c) { return shift(c, ir_shr); }

/* ---- ADX ---------------------------------------------------------------- */

/* arg: the flag that carries, FC_C or FC_V; the others stay. */
static bool add_carry(X86Ctx *c)
{
    Ir *b = c->b;
    unsigned size = y_size(c), bit = c->row->arg == FC_C ? 8 : 0;
    Val flags = ir_get(b, S_FLAGS);
    Val carry = ir_fcond(b, (FlagCond)c->row->arg, flags);
    Val x = x86_get(c, size, c->reg), y = get_e(c, size);
    Val out = ir_fcond(b, FC_C, ir_adcf(b, x, y, carry));
    Val v = ir_add(b, ir_add(b, x, y), x86_to(c, 4, size, carry, false));

    x86_set(c, size, c->reg, v);
    x86_flags_nzcv(c, ir_deposit(b, flags, out, bit, 1));
    return true;
}

/* ---- random numbers ----------------------------------------------------- */

static u64 x86_random(void *env)
{
    u64 v;

    (void)env;
    gate_random(&v, sizeof v);
    return v;
}
HELPER(x86_random, 0, i64, ptr);

/* There always is one: CF set, the others clear. */
static bool rdrand(X86Ctx *c)
{
    Val v = IR_CALL(c->b, &helper_x86_random);

    x86_set(c, c->osize, c->rm, x86_to(c, 8, c->osize, v, false));
    put_odd(c, ir_i32(c->b, FLAG_C));
    return true;
}

/* ---- the tables --------------------------------------------------------- */

#define BMI(o, p, g, n, opr, f, a, fl, ft)                                  \
    { .op = (o), .pfx = (p), .reg = (g), .name = (n), .operands = (opr),    \
      .fn = (f), .arg = (a), .flags = (fl), .feature = (ft) }
#define VEXED(o, p, g, n, opr, f, a, ft)                                    \
    BMI(o, p, g, n, opr, f, a, X_VEXO | X_L0, ft)
#define LOW_BIT(g, n, a)                                                    \
    VEXED(0xf3, NP, g, n, "By,Ey", low_bit, a, F_BMI1)
#define RANDOM(p, g, n, ft)                                                 \
    BMI(0xc7, p, g, n, "Rv", rdrand, 0, X_REG, ft)

const X86Row x86_bmi_0f[] = {
    BMI(0xb8, PF3, -1, "POPCNT", "Gv,Ev", popcnt, 0, 0, F_POPCNT),
    BMI(0xbc, PF3, -1, "TZCNT", "Gv,Ev", tzcnt, 0, 0, F_BMI1),
    BMI(0xbd, PF3, -1, "LZCNT", "Gv,Ev", lzcnt, 0, 0, F_ABM),
    RANDOM(NP, 6, "RDRAND", F_RDRAND),
    RANDOM(P66, 6, "RDRAND", F_RDRAND),
    RANDOM(NP, 7, "RDSEED", F_RDSEED),
    RANDOM(P66, 7, "RDSEED", F_RDSEED),
    { 0 }
};

const X86Row x86_bmi_0f38[] = {
    BMI(0xf0, NP, -1, "MOVBE", "Gv,Mv", movbe_load, 0, X_MEM, F_MOVBE),
    BMI(0xf0, P66, -1, "MOVBE", "Gv,Mv", movbe_load, 0, X_MEM, F_MOVBE),
    BMI(0xf0, PF2, -1, "CRC32", "Gd,Eb", crc32, 0, 0, F_SSE42),
    BMI(0xf1, NP, -1, "MOVBE", "Mv,Gv", movbe_store, 0, X_MEM, F_MOVBE),
    BMI(0xf1, P66, -1, "MOVBE", "Mv,Gv", movbe_store, 0, X_MEM, F_MOVBE),
    BMI(0xf1, PF2, -1, "CRC32", "Gd,Ev", crc32, 0, 0, F_SSE42),
    VEXED(0xf2, NP, -1, "ANDN", "Gy,By,Ey", andn, 0, F_BMI1),
    LOW_BIT(1, "BLSR", BLSR),
    LOW_BIT(2, "BLSMSK", BLSMSK),
    LOW_BIT(3, "BLSI", BLSI),
    VEXED(0xf5, NP, -1, "BZHI", "Gy,Ey,By", bzhi, 0, F_BMI2),
    VEXED(0xf5, PF3, -1, "PEXT", "Gy,By,Ey", scatter, 1, F_BMI2),
    VEXED(0xf5, PF2, -1, "PDEP", "Gy,By,Ey", scatter, 0, F_BMI2),
    BMI(0xf6, P66, -1, "ADCX", "Gy,Ey", add_carry, FC_C, 0, F_ADX),
    BMI(0xf6, PF3, -1, "ADOX", "Gy,Ey", add_carry, FC_V, 0, F_ADX),
    VEXED(0xf6, PF2, -1, "MULX", "Gy,By,rDX,Ey", mulx, 0, F_BMI2),
    VEXED(0xf7, NP, -1, "BEXTR", "Gy,Ey,By", bextr, 0, F_BMI1),
    VEXED(0xf7, P66, -1, "SHLX", "Gy,Ey,By", shlx, 0, F_BMI2),
    VEXED(0xf7, PF3, -1, "SARX", "Gy,Ey,By", sarx, 0, F_BMI2),
    VEXED(0xf7, PF2, -1, "SHRX", "Gy,Ey,By", shrx, 0, F_BMI2),
    { 0 }
};

const X86Row x86_bmi_0f3a[] = {
    BMI(0xf0, PF2, -1, "RORX", "Gy,Ey,Ib", rorx, 0, X_VEXO | X_L0 | X_NOV,
        F_BMI2),
    { 0 }
};
