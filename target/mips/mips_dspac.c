/* SPDX-License-Identifier: MIT */
/*
 * MIPS's DSP module: accumulators, DSPControl, indexed loads.  Reference:
 * MIPS volume IV-e.  The table is mips_dspac.decode.
 *
 * Accumulator 0 is HI and LO, whose instructions the integer table has.
 */
#include "target/mips/dsp.h"
#include "mips_dspac.forms.h"

enum { HI, LO };                /* halves, in the order of slots */

static unsigned half_slot(unsigned ac, unsigned half)
{
    return (ac ? S_AC + 2 * (ac - 1) : S_HI) + half;
}

/* An accumulator as an I64. */
static Val get_ac(Ctx *c, unsigned ac)
{
    Val low = ir_zext(c->b, get_slot_w(c, half_slot(ac, LO)));
    Val high = ir_zext(c->b, get_slot_w(c, half_slot(ac, HI)));

    return ir_deposit(c->b, low, high, 32, 32);
}

static bool put_ac(Ctx *c, unsigned ac, Val v)
{
    Val high = ir_shr(c->b, v, ir_i64(c->b, 32));

    put_slot_w(c, half_slot(ac, LO), ir_trunc(c->b, v));
    put_slot_w(c, half_slot(ac, HI), ir_trunc(c->b, high));
    return true;
}

/* ---- products ----------------------------------------------------------- */

/* of dot() and one_product() */
enum { INT = 1, CROSS = 2, MINUS = 4, SAT = 8 };

static bool dot_bytes(Ctx *c, form_r a, IrBinary *op, unsigned first)
{
    Val x = get_w(c, a.rs), y = get_w(c, a.rt), sum = ir_i64(c->b, 0);

    for (unsigned i = first; i < first + 2; i++) {
        sum = ir_add(c->b, sum, ir_mul(c->b, dsp_lane(c, x, i, QB),
                                       dsp_lane(c, y, i, QB)));
    }
    return put_ac(c, a.ac, op(c->b, get_ac(c, a.ac), sum));
}

/* Half i of rs times one of rt. */
static Val half_product(Ctx *c, form_r a, unsigned i, u32 how)
{
    Val x = dsp_lane(c, get_w(c, a.rs), i, PH);
    Val y = dsp_lane(c, get_w(c, a.rt), how & CROSS ? 1 - i : i, PH);

    return how & INT ? ir_mul(c->b, x, y)
                         : dsp_fraction(c, x, y, DSP_OU_AC + a.ac);
}

static bool put_sum(Ctx *c, form_r a, Val v, u32 how)
{
    if (how & SAT) {
        v = dsp_clamp(c, v, W, DSP_OU_AC + a.ac);
    }
    return put_ac(c, a.ac, v);
}

static bool dot(Ctx *c, form_r a, IrBinary *op, u32 how)
{
    IrBinary *join = how & MINUS ? ir_sub : ir_add;
    Val high = half_product(c, a, 1, how), low = half_product(c, a, 0, how);

    return put_sum(c, a, op(c->b, get_ac(c, a.ac), join(c->b, high, low)),
                   how);
}

/* MAQ_SA sees but 33 bits of the sum: sat32AccumulateQ31() of the manual. */
static bool one_product(Ctx *c, form_r a, unsigned i, u32 how)
{
    Val sum = ir_add(c->b, get_ac(c, a.ac), half_product(c, a, i, 0));

    if (how & SAT) {
        sum = ir_sextract(c->b, sum, 0, 33);
    }
    return put_sum(c, a, sum, how);
}

static Val select_if(Ctx *c, Val cond, Val then, Val other)
{
    return ir_select(c->b, NE, cond, ir_i32(c->b, 0), then, other);
}

/* Twice the product, and the sum, are held to 64 bits. */
static bool dot_long(Ctx *c, form_r a, IrBinary *op, IrBinary *flags)
{
    Val x = dsp_lane(c, get_w(c, a.rs), 0, W), acc = get_ac(c, a.ac);
    Val p = ir_mul(c->b, x, dsp_lane(c, get_w(c, a.rt), 0, W));
    Val over = ir_set(c->b, EQ, p, ir_i64(c->b, BIT(62)));
    Val most = ir_i64(c->b, MASK(63)), end;

    dsp_flag(c, over, DSP_OU_AC + a.ac);
    p = select_if(c, over, most, ir_add(c->b, p, p));
    over = ir_fcond(c->b, FC_V, flags(c->b, acc, p));
    dsp_flag(c, over, DSP_OU_AC + a.ac);
    end = ir_xor(c->b, most, ir_sar(c->b, acc, ir_i64(c->b, 63)));
    return put_ac(c, a.ac, select_if(c, over, end, op(c->b, acc, p)));
}

static Val product(Ctx *c, form_r a, IrUnary *extend)
{
    return ir_mul(c->b, extend(c->b, get_w(c, a.rs)),
                  extend(c->b, get_w(c, a.rt)));
}

static bool product_ac(Ctx *c, form_r a, IrUnary *extend)
{
    return put_ac(c, a.ac, product(c, a, extend));
}

static bool accumulate_ac(Ctx *c, form_r a, IrBinary *op, IrUnary *extend)
{
    return put_ac(c, a.ac, op(c->b, get_ac(c, a.ac), product(c, a, extend)));
}

/* ---- extraction --------------------------------------------------------- */

enum { ROUND = 1, SATURATE = 2, HALF = 4 };

static u64 fits(i128 v, u32 bits)
{
    i128 most = ((i128)1 << (bits - 1)) - 1;

    return v <= most && v >= -most - 1;
}

static u64 held(i128 v, u32 bits)
{
    u64 most = MASK(bits - 1);

    return fits(v, bits) ? (u64)v : v < 0 ? ~most : most;
}

/* The low half is the result, the upper one what is ored to DSPControl. */
static u64 insn_extr(u64 acc, u32 n, u32 how)
{
    u32 size = how & HALF ? 16 : 32;
    i128 twice = ((i128)(i64)acc * 2) >> n, v = twice >> 1;
    i128 up = (twice + 1) >> 1;
    bool over = !fits(v, size) || (!(how & HALF) && !fits(up, size));
    u64 flag = (u64)over << (32 + DSP_OU_EXTR);

    v = how & ROUND ? up : v;
    return flag | (u32)(how & (SATURATE | HALF) ? held(v, size) : (u64)v);
}
HELPER(insn_extr, H_PURE, i64, i64, i32, i32);

/* A count of 5 bits: rs itself, or the low ones of the register rs. */
static Val count_of(Ctx *c, form_e a, bool variable)
{
    return variable ? ir_and(c->b, get_w(c, a.rs), ir_i32(c->b, 31))
                    : ir_i32(c->b, a.rs);
}

static bool extract(Ctx *c, form_e a, u32 how, bool variable)
{
    Val v = IR_CALL(c->b, &helper_insn_extr, get_ac(c, a.ac),
                    count_of(c, a, variable), ir_i32(c->b, how));
    Val flags = ir_trunc(c->b, ir_shr(c->b, v, ir_i64(c->b, 32)));

    ir_put(c->b, S_DSP, ir_or(c->b, ir_get(c->b, S_DSP), flags));
    return set_w(c, a.rt, ir_trunc(c->b, v));
}

/*
 * EXTP: n + 1 bits, the first one at DSPControl.pos, if there are so many:
 * else EFI is set, and the result unpredictable, here 0.  rt is the low half,
 * DSPControl the upper one.
 */
static u64 insn_extp(u64 acc, u32 n, u32 control, u32 move)
{
    u32 pos = control & (u32)MASK(DSP_POS_BITS);

    if (pos < n) {
        return (u64)(control | 1u << DSP_EFI) << 32;
    }
    control &= ~(1u << DSP_EFI);
    if (move) {
        control = (u32)deposit(control, DSP_POS, DSP_POS_BITS, pos - n - 1);
    }
    return (u64)control << 32 | (acc >> (pos - n) & MASK(n + 1));
}
HELPER(insn_extp, H_PURE, i64, i64, i32, i32, i32);

static bool extp(Ctx *c, form_e a, bool move, bool variable)
{
    Val control = ir_get(c->b, S_DSP);
    Val v = IR_CALL(c->b, &helper_insn_extp, get_ac(c, a.ac),
                    count_of(c, a, variable), control, ir_i32(c->b, move));

    ir_put(c->b, S_DSP, ir_trunc(c->b, ir_shr(c->b, v, ir_i64(c->b, 32))));
    return set_w(c, a.rt, ir_trunc(c->b, v));
}

/* ---- moves -------------------------------------------------------------- */

/* Right by n, a number of 6 bits: left if it is negative. */
static bool shift_ac(Ctx *c, unsigned ac, Val n)
{
    Val v = get_ac(c, ac), zero = ir_i64(c->b, 0);
    Val left = ir_shl(c->b, v, ir_sub(c->b, zero, n));

    return put_ac(c, ac, ir_select(c->b, LT, n, zero, left,
                                   ir_shr(c->b, v, n)));
}

static bool shilo(Ctx *c, form_s a)
{
    return shift_ac(c, a.ac, ir_i64(c->b, (u64)(i64)a.shift));
}

static bool shilov(Ctx *c, form_t a)
{
    return shift_ac(c, a.ac, ir_sext(c->b, ir_sextract(
        c->b, get_w(c, a.rs), 0, 6)));
}

/* A pos above 32 is unpredictable; it stays. */
static bool mthlip(Ctx *c, form_t a)
{
    Val control = ir_get(c->b, S_DSP);
    Val pos = ir_extract(c->b, control, DSP_POS, DSP_POS_BITS);
    Val k = ir_i32(c->b, 32), more = ir_add(c->b, pos, k);

    put_slot_w(c, half_slot(a.ac, HI), get_slot_w(c, half_slot(a.ac, LO)));
    put_slot_w(c, half_slot(a.ac, LO), get_w(c, a.rs));
    more = ir_select(c->b, GTU, pos, k, pos, more);
    ir_put(c->b, S_DSP, ir_deposit(c->b, control, more, DSP_POS,
                                   DSP_POS_BITS));
    return true;
}

static bool from_ac(Ctx *c, form_f a, unsigned half)
{
    return set_r(c, a.rd, ir_get(c->b, half_slot(a.ac, half)));
}

static bool to_ac(Ctx *c, form_t a, unsigned half)
{
    ir_put(c->b, half_slot(a.ac, half), get_r(c, a.rs));
    return true;
}

/* ---- DSPControl --------------------------------------------------------- */

/* The bits that the mask of WRDSP and RDDSP names. */
static u32 control_bits(u32 mask)
{
    static const u32 field[6] = {
        0x3f, 0x3f << DSP_SCOUNT, 1 << DSP_C, 0xff << DSP_OU_AC,
        0xf << DSP_CCOND, 1 << DSP_EFI
    };
    u32 v = 0;

    for (u32 i = 0; i < countof(field); i++) {
        v |= mask >> i & 1 ? field[i] : 0;
    }
    return v;
}

static bool wrdsp(Ctx *c, form_m a)
{
    Val mask = ir_i32(c->b, control_bits(a.mask_w));
    Val rest = ir_and(c->b, ir_get(c->b, S_DSP), ir_not(c->b, mask));

    ir_put(c->b, S_DSP, ir_or(c->b, rest, ir_and(c->b, get_w(c, a.rs),
                                                 mask)));
    return true;
}

static bool rddsp(Ctx *c, form_m a)
{
    return set_w(c, a.rd, ir_and(c->b, ir_get(c->b, S_DSP),
                                 ir_i32(c->b, control_bits(a.mask_r))));
}

/* ---- loads -------------------------------------------------------------- */

static bool load_x(Ctx *c, form_x a, u32 memop)
{
    Val va = address_of(c, get_r(c, a.base), get_r(c, a.rt));

    return set_r(c, a.rd, ir_load(c->b, c->reg, va, memop | mips_access(c)));
}

#include "mips_dspac.decode.h"

bool mips_dspac(Ctx *c, u32 w)
{
    return mips_dspac_decode(c, w);
}
