/* SPDX-License-Identifier: MIT */
/*
 * A64 data processing on general registers.  Reference: Arm ARM (DDI 0487)
 * C6.2 for each instruction, and its Shared Pseudocode for DecodeBitMasks()
 * and AddWithCarry().  The table is a64_dp.decode.
 */
#include "target/arm/translate.h"
#include "a64_dp.forms.h"

static unsigned width(bool sf)
{
    return sf ? 64 : 32;
}

static bool set_flags(Ctx *c, Val flags)
{
    ir_put(c->b, S_NZCV, flags);
    return true;
}

/* Flags of x - y: ARM's C says that there was no borrow. */
static Val sub_flags(Ir *b, Val x, Val y)
{
    return ir_notc(b, ir_subf(b, x, y));
}

/* ---- addresses and wide moves ------------------------------------------- */

static bool adr(Ctx *c, form_adr a)
{
    return set_x(c, true, a.rd, ir_pc(c->b, c->at + sext((u64)a.imm, 21)));
}

static bool adrp(Ctx *c, form_adr a)
{
    return set_x(c, true, a.rd, ir_pc(c->b, sext((u64)a.imm, 21) * 4096));
}

static bool mov_wide(Ctx *c, form_movw a, u64 invert)
{
    if (!a.sf && a.hw >= 2) {
        return false;
    }
    return set_x(c, a.sf, a.rd,
                 imm(c, a.sf, (u64)a.imm << (16 * a.hw) ^ invert));
}

static bool movk(Ctx *c, form_movw a)
{
    if (!a.sf && a.hw >= 2) {
        return false;
    }
    return set_x(c, a.sf, a.rd,
                 ir_deposit(c->b, get_x(c, a.sf, a.rd),
                            imm(c, a.sf, (u64)a.imm), 16 * a.hw, 16));
}

/* ---- add and subtract --------------------------------------------------- */

static Val addi_operand(Ctx *c, form_addi a)
{
    return imm(c, a.sf, (u64)a.imm << (a.sh ? 12 : 0));
}

static bool add_imm(Ctx *c, form_addi a, IrBinary *op)
{
    return set_sp(c, a.sf, a.rd,
                  op(c->b, get_sp(c, a.sf, a.rn), addi_operand(c, a)));
}

static bool add_imm_flags(Ctx *c, form_addi a, IrBinary *op, IrBinary *flags)
{
    Val x = get_sp(c, a.sf, a.rn), y = addi_operand(c, a);

    set_flags(c, flags(c->b, x, y));
    return set_x(c, a.sf, a.rd, op(c->b, x, y));
}

/* The shifted second operand; `shift` is the manual's two bits. */
static Val shifted(Ctx *c, form_shift a)
{
    static IrBinary *const ops[] = { ir_shl, ir_shr, ir_sar, ir_ror };
    Val y = get_x(c, a.sf, a.rm);

    return ops[a.shift](c->b, y, imm(c, a.sf, a.amount));
}

static bool bad_add(form_shift a)
{
    return a.shift == 3 || a.amount >= width(a.sf);
}

static bool add(Ctx *c, form_shift a, IrBinary *op)
{
    if (bad_add(a)) {
        return false;
    }
    return set_x(c, a.sf, a.rd,
                 op(c->b, get_x(c, a.sf, a.rn), shifted(c, a)));
}

static bool add_with_flags(Ctx *c, form_shift a, IrBinary *op, IrBinary *flags)
{
    if (bad_add(a)) {
        return false;
    }
    Val x = get_x(c, a.sf, a.rn), y = shifted(c, a);
    set_flags(c, flags(c->b, x, y));
    return set_x(c, a.sf, a.rd, op(c->b, x, y));
}

/* The extended second operand: UXTB .. UXTX, SXTB .. SXTX, then shifted. */
static Val extended(Ctx *c, form_ext a)
{
    Val y = get_x(c, a.sf, a.rm);
    unsigned len = 8u << (a.option & 3);

    if (len < width(a.sf)) {
        y = a.option & 4 ? ir_sextract(c->b, y, 0, len)
                         : ir_extract(c->b, y, 0, len);
    }
    return ir_shl(c->b, y, imm(c, a.sf, a.shift));
}

static bool add_ext(Ctx *c, form_ext a, IrBinary *op)
{
    if (a.shift > 4) {
        return false;
    }
    return set_sp(c, a.sf, a.rd,
                  op(c->b, get_sp(c, a.sf, a.rn), extended(c, a)));
}

static bool add_ext_flags(Ctx *c, form_ext a, IrBinary *op, IrBinary *flags)
{
    if (a.shift > 4) {
        return false;
    }
    Val x = get_sp(c, a.sf, a.rn), y = extended(c, a);
    set_flags(c, flags(c->b, x, y));
    return set_x(c, a.sf, a.rd, op(c->b, x, y));
}

/* ADC: x + y + C; SBC: x + ~y + C. */
static bool carry(Ctx *c, form_rrr a, bool subtract, bool flags)
{
    Val x = get_x(c, a.sf, a.rn), y = get_x(c, a.sf, a.rm);
    Val in = ir_fcond(c->b, FC_C, ir_get(c->b, S_NZCV));

    if (subtract) {
        y = ir_not(c->b, y);
    }
    if (flags) {
        set_flags(c, ir_adcf(c->b, x, y, in));
    }
    Val wide = a.sf ? ir_zext(c->b, in) : in;
    return set_x(c, a.sf, a.rd, ir_add(c->b, ir_add(c->b, x, y), wide));
}

/* ---- logic -------------------------------------------------------------- */

/*
 * DecodeBitMasks() for a logical immediate: a run of imms + 1 ones, rotated
 * right by immr in an element whose size N:imms tells, repeated.  False if
 * the encoding is reserved.
 */
static bool bit_mask(form_bfm a, u64 *mask)
{
    u32 code = (u32)a.n << 6 | (~a.imms & 63u);

    if (code < 2 || (a.n && !a.sf)) {
        return false;
    }
    unsigned size = 1u << (31 - __builtin_clz(code));
    unsigned ones = (a.imms & (size - 1)) + 1, by = a.immr & (size - 1);
    if (ones == size) {
        return false;
    }
    u64 v = MASK(ones);
    if (by) {
        v = (v >> by | v << (size - by)) & MASK(size);
    }
    for (; size < 64; size *= 2) {
        v |= v << size;
    }
    *mask = v;
    return true;
}

static bool logic_imm(Ctx *c, form_bfm a, IrBinary *op)
{
    u64 mask;

    if (!bit_mask(a, &mask)) {
        return false;
    }
    return set_sp(c, a.sf, a.rd,
                  op(c->b, get_x(c, a.sf, a.rn), imm(c, a.sf, mask)));
}

static bool ands_imm(Ctx *c, form_bfm a)
{
    u64 mask;

    if (!bit_mask(a, &mask)) {
        return false;
    }
    Val v = ir_and(c->b, get_x(c, a.sf, a.rn), imm(c, a.sf, mask));
    set_flags(c, ir_logicf(c->b, v));
    return set_x(c, a.sf, a.rd, v);
}

static Val logic_value(Ctx *c, form_shift a, IrBinary *op)
{
    Val y = shifted(c, a);

    return op(c->b, get_x(c, a.sf, a.rn), a.invert ? ir_not(c->b, y) : y);
}

static bool logic(Ctx *c, form_shift a, IrBinary *op)
{
    if (a.amount >= width(a.sf)) {
        return false;
    }
    return set_x(c, a.sf, a.rd, logic_value(c, a, op));
}

static bool ands(Ctx *c, form_shift a)
{
    if (a.amount >= width(a.sf)) {
        return false;
    }
    Val v = logic_value(c, a, ir_and);
    set_flags(c, ir_logicf(c->b, v));
    return set_x(c, a.sf, a.rd, v);
}

/* ---- bit fields --------------------------------------------------------- */

static bool bad_field(form_bfm a)
{
    return a.n != a.sf || a.immr >= width(a.sf) || a.imms >= width(a.sf);
}

typedef Val Extract(Ir *b, Val x, unsigned pos, unsigned len);

/* SBFM, UBFM: bits imms..immr moved down, or imms..0 moved up by -immr. */
static bool bitfield(Ctx *c, form_bfm a, Extract *extract)
{
    if (bad_field(a)) {
        return false;
    }
    Val x = get_x(c, a.sf, a.rn);
    if (a.imms >= a.immr) {
        x = extract(c->b, x, a.immr, a.imms - a.immr + 1u);
    } else {
        if (a.imms + 1 < a.immr) {              /* else the shift drops them */
            x = extract(c->b, x, 0, a.imms + 1u);
        }
        x = ir_shl(c->b, x, imm(c, a.sf, width(a.sf) - a.immr));
    }
    return set_x(c, a.sf, a.rd, x);
}

static bool bfm(Ctx *c, form_bfm a)
{
    if (bad_field(a)) {
        return false;
    }
    Val x = get_x(c, a.sf, a.rn), old = get_x(c, a.sf, a.rd);
    if (a.imms >= a.immr) {
        x = ir_shr(c->b, x, imm(c, a.sf, a.immr));
        x = ir_deposit(c->b, old, x, 0, a.imms - a.immr + 1u);
    } else {
        x = ir_deposit(c->b, old, x, width(a.sf) - a.immr, a.imms + 1u);
    }
    return set_x(c, a.sf, a.rd, x);
}

static bool extr(Ctx *c, form_extr a)
{
    if (a.n != a.sf || a.lsb >= width(a.sf)) {
        return false;
    }
    Val low = get_x(c, a.sf, a.rm), high = get_x(c, a.sf, a.rn);
    if (a.rm == a.rn) {
        low = ir_ror(c->b, low, imm(c, a.sf, a.lsb));
    } else if (a.lsb) {
        low = ir_shr(c->b, low, imm(c, a.sf, a.lsb));
        high = ir_shl(c->b, high, imm(c, a.sf, width(a.sf) - a.lsb));
        low = ir_or(c->b, low, high);
    }
    return set_x(c, a.sf, a.rd, low);
}

/* ---- conditional -------------------------------------------------------- */

static bool ccmp(Ctx *c, form_ccmp a, Val y, IrBinary *flags)
{
    Val holds = cond_holds(c, a.cond);
    Val yes = flags(c->b, get_x(c, a.sf, a.rn), y);
    Val no = ir_unpackf(c->b, ir_i32(c->b, (u32)a.nzcv << 28));

    return set_flags(c, ir_select(c->b, NE, holds, ir_i32(c->b, 0), yes, no));
}

static bool ccmp_reg(Ctx *c, form_ccmp a, IrBinary *flags)
{
    return ccmp(c, a, get_x(c, a.sf, a.rm), flags);
}

static bool ccmp_imm(Ctx *c, form_ccmp a, IrBinary *flags)
{
    return ccmp(c, a, imm(c, a.sf, a.rm), flags);
}

static Val keep(Ir *b, Val x)
{
    (void)b;
    return x;
}

static Val inc(Ir *b, Val x)
{
    return ir_add(b, x, ir_const(b, ir_type(b, x), 1));
}

static bool csel(Ctx *c, form_csel a, IrUnary *change)
{
    Val holds = cond_holds(c, a.cond);
    Val no = change(c->b, get_x(c, a.sf, a.rm));

    return set_x(c, a.sf, a.rd,
                 ir_select(c->b, NE, holds, ir_i32(c->b, 0),
                           get_x(c, a.sf, a.rn), no));
}

/* ---- one, two and three sources ----------------------------------------- */

static bool unary(Ctx *c, form_rr a, IrUnary *op)
{
    return set_x(c, a.sf, a.rd, op(c->b, get_x(c, a.sf, a.rn)));
}

static bool binary(Ctx *c, form_rrr a, IrBinary *op)
{
    return set_x(c, a.sf, a.rd,
                 op(c->b, get_x(c, a.sf, a.rn), get_x(c, a.sf, a.rm)));
}

/* Swaps neighbouring groups of `by` bits; mask: the lower one of each two. */
static Val swap_groups(Ir *b, Val x, unsigned by, u64 mask)
{
    Type t = ir_type(b, x);
    Val m = ir_const(b, t, t == I64 ? mask : (u32)mask);
    Val n = ir_const(b, t, by);
    Val high = ir_and(b, ir_shr(b, x, n), m);

    return ir_or(b, ir_shl(b, ir_and(b, x, m), n), high);
}

static Val rev16(Ir *b, Val x)
{
    return swap_groups(b, x, 8, 0x00ff00ff00ff00ffull);
}

static Val rev32(Ir *b, Val x)
{
    return ir_ror(b, ir_bswap(b, x), ir_i64(b, 32));
}

static Val rbit(Ir *b, Val x)
{
    x = swap_groups(b, ir_bswap(b, x), 4, 0x0f0f0f0f0f0f0f0full);
    x = swap_groups(b, x, 2, 0x3333333333333333ull);
    return swap_groups(b, x, 1, 0x5555555555555555ull);
}

/* x ^ (x >> 1) has its highest one where the run of sign bits ends. */
static Val cls(Ir *b, Val x)
{
    Val one = ir_const(b, ir_type(b, x), 1);
    Val change = ir_xor(b, x, ir_sar(b, x, one));

    return ir_sub(b, ir_clz(b, change), one);
}

static bool madd(Ctx *c, form_mul a, IrBinary *op)
{
    Val v = ir_mul(c->b, get_x(c, a.sf, a.rn), get_x(c, a.sf, a.rm));

    return set_x(c, a.sf, a.rd, op(c->b, get_x(c, a.sf, a.ra), v));
}

static bool madd_long(Ctx *c, form_mul a, IrUnary *widen, IrBinary *op)
{
    Val x = widen(c->b, get_x(c, false, a.rn));
    Val y = widen(c->b, get_x(c, false, a.rm));

    return set_x(c, true, a.rd,
                 op(c->b, get_x(c, true, a.ra), ir_mul(c->b, x, y)));
}

/* ---- CRC32 -------------------------------------------------------------- */

/* Four bits at a time; both polynomials with their bits reflected. */
static u32 crc_nibbles(const u32 table[16], u32 crc, u64 v, u32 bytes)
{
    for (u32 i = 0; i < 2 * bytes; i++) {
        crc = crc >> 4 ^ table[(crc ^ v) & 15];
        v >>= 4;
    }
    return crc;
}

/* The polynomial 0x04c11db7. */
static u32 crc32(u32 crc, u64 v, u32 bytes)
{
    static const u32 table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
        0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };

    return crc_nibbles(table, crc, v, bytes);
}
HELPER(crc32, H_PURE, i32, i32, i64, i32);

/* The polynomial 0x1edc6f41. */
static u32 crc32c(u32 crc, u64 v, u32 bytes)
{
    static const u32 table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
        0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };

    return crc_nibbles(table, crc, v, bytes);
}
HELPER(crc32c, H_PURE, i32, i32, i64, i32);

static bool crc(Ctx *c, form_rrr a, const Helper *h, MemOp size)
{
    Val v = IR_CALL(c->b, h, get_x(c, false, a.rn), get_x(c, true, a.rm),
                    ir_i32(c->b, 1u << size));

    return set_x(c, false, a.rd, v);
}

#include "a64_dp.decode.h"

bool a64_dp(Ctx *c, u32 w)
{
    return a64_dp_decode(c, w);
}
