/* SPDX-License-Identifier: MIT */
/*
 * The DSP module of MIPS: what works on general registers.  Reference: MIPS
 * volume IV-e.  The table is mips_dsp.decode.
 *
 * Lanes are computed as I64, in which nothing of what 32 bits do overflows.
 */
#include "target/mips/dsp.h"
#include "mips_dsp.forms.h"

/* ---- lanes -------------------------------------------------------------- */

void dsp_flag(Ctx *c, Val cond, unsigned bit)
{
    Val at = ir_shl(c->b, cond, ir_i32(c->b, bit));

    ir_put(c->b, S_DSP, ir_or(c->b, ir_get(c->b, S_DSP), at));
}

Val dsp_lane(Ctx *c, Val w, unsigned i, unsigned form)
{
    unsigned size = form & DSP_BITS;

    if (size == 32) {
        return ir_sext(c->b, w);
    }
    return form & DSP_SIGNED
        ? ir_sext(c->b, ir_sextract(c->b, w, i * size, size))
        : ir_zext(c->b, ir_extract(c->b, w, i * size, size));
}

static Val with_lane(Ctx *c, Val w, Val v, unsigned i, unsigned form)
{
    unsigned size = form & DSP_BITS;

    v = ir_trunc(c->b, v);
    return size == 32 ? v : ir_deposit(c->b, w, v, i * size, size);
}

/* What a lane of that form makes of v. */
static Val cut(Ctx *c, Val v, unsigned form)
{
    return form & DSP_SIGNED ? ir_sextract(c->b, v, 0, form & DSP_BITS)
                             : ir_extract(c->b, v, 0, form & DSP_BITS);
}

static Val differ(Ctx *c, Val x, Val y)
{
    return ir_set(c->b, NE, x, y);
}

/* The end of the range of that form on v's side. */
static Val nearest_end(Ctx *c, Val v, unsigned form)
{
    unsigned size = form & DSP_BITS;
    u64 most = form & DSP_SIGNED ? MASK(size - 1) : MASK(size);
    u64 least = form & DSP_SIGNED ? ~most : 0;

    return ir_select(c->b, LT, v, ir_i64(c->b, 0), ir_i64(c->b, least),
                     ir_i64(c->b, most));
}

Val dsp_clamp(Ctx *c, Val v, unsigned form, unsigned flag)
{
    Val out = differ(c, v, cut(c, v, form));

    dsp_flag(c, out, flag);
    return ir_select(c->b, NE, out, ir_i32(c->b, 0), nearest_end(c, v, form),
                     v);
}

typedef Val LaneFn(Ctx *c, Val x, Val y, unsigned form);

/* f of each lane of x, and of that of y, or of y as a whole. */
static bool each(Ctx *c, unsigned rd, unsigned form, LaneFn *f, Val x, Val y)
{
    bool whole = ir_type(c->b, y) == I64;
    Val v = ir_i32(c->b, 0);

    for (unsigned i = 0; i < 32 / (form & DSP_BITS); i++) {
        Val other = whole ? y : dsp_lane(c, y, i, form);
        v = with_lane(c, v, f(c, dsp_lane(c, x, i, form), other, form), i,
                      form);
    }
    return set_w(c, rd, v);
}

static bool lanes(Ctx *c, form_r a, unsigned form, LaneFn *f)
{
    return each(c, a.rd, form, f, get_w(c, a.rs), get_w(c, a.rt));
}

/* ---- addition and subtraction ------------------------------------------- */

static Val as_vector(Ctx *c, unsigned r)
{
    return ir_vzext(c->b, ir_bitsof(c->b, F32, get_w(c, r)));
}

/* One of the two saturates: where they differ, lanes overflow. */
static bool arith(Ctx *c, form_r a, Lane lane, IrVec2 *op, IrVec2 *other)
{
    Val x = as_vector(c, a.rs), y = as_vector(c, a.rt);
    Val v = ir_vget(c->b, L32, op(c->b, lane, x, y), 0);

    dsp_flag(c, differ(c, v, ir_vget(c->b, L32, other(c->b, lane, x, y), 0)),
             DSP_OU_ADD);
    return set_w(c, a.rd, v);
}

static Val add_sat(Ctx *c, Val x, Val y, unsigned form)
{
    return dsp_clamp(c, ir_add(c->b, x, y), form, DSP_OU_ADD);
}

static Val sub_sat(Ctx *c, Val x, Val y, unsigned form)
{
    return dsp_clamp(c, ir_sub(c->b, x, y), form, DSP_OU_ADD);
}

static Val half(Ctx *c, Val v, unsigned more)
{
    return ir_sar(c->b, ir_add(c->b, v, ir_i64(c->b, more)),
                  ir_i64(c->b, 1));
}

static Val add_half(Ctx *c, Val x, Val y, unsigned form)
{
    (void)form;
    return half(c, ir_add(c->b, x, y), 0);
}

static Val add_half_up(Ctx *c, Val x, Val y, unsigned form)
{
    (void)form;
    return half(c, ir_add(c->b, x, y), 1);
}

static Val sub_half(Ctx *c, Val x, Val y, unsigned form)
{
    (void)form;
    return half(c, ir_sub(c->b, x, y), 0);
}

static Val sub_half_up(Ctx *c, Val x, Val y, unsigned form)
{
    (void)form;
    return half(c, ir_sub(c->b, x, y), 1);
}

/* ADDSC leaves its carry in DSPControl.C. */
static bool addsc(Ctx *c, form_r a)
{
    Val x = get_w(c, a.rs), y = get_w(c, a.rt);
    Val carry = ir_fcond(c->b, FC_C, ir_addf(c->b, x, y));

    ir_put(c->b, S_DSP, ir_deposit(c->b, ir_get(c->b, S_DSP), carry, DSP_C,
                                   1));
    return set_w(c, a.rd, ir_add(c->b, x, y));
}

/* ADDWC adds it. */
static bool addwc(Ctx *c, form_r a)
{
    Val x = ir_sext(c->b, get_w(c, a.rs)), y = ir_sext(c->b, get_w(c, a.rt));
    Val carry = ir_extract(c->b, ir_get(c->b, S_DSP), DSP_C, 1);
    Val v = ir_add(c->b, ir_add(c->b, x, y), ir_zext(c->b, carry));

    dsp_flag(c, differ(c, v, cut(c, v, W)), DSP_OU_ADD);
    return set_w(c, a.rd, ir_trunc(c->b, v));
}

/* An index counts down, and starts again at the last. */
static bool modsub(Ctx *c, form_r a)
{
    Val x = get_w(c, a.rs), y = get_w(c, a.rt);
    Val less = ir_sub(c->b, x, ir_extract(c->b, y, 0, 8));

    return set_w(c, a.rd, ir_select(c->b, EQ, x, ir_i32(c->b, 0),
                                    ir_extract(c->b, y, 8, 16), less));
}

static bool raddu(Ctx *c, form_r a)
{
    Val x = get_w(c, a.rs), sum = ir_i32(c->b, 0);

    for (unsigned i = 0; i < 4; i++) {
        sum = ir_add(c->b, sum, ir_extract(c->b, x, 8 * i, 8));
    }
    return set_w(c, a.rd, sum);
}

/* The magnitude of the least, without a sign, is one more than the greatest. */
static bool absq(Ctx *c, form_t a, Lane lane, u32 most)
{
    Val v = ir_vabs(c->b, lane, as_vector(c, a.rt));
    Val held = ir_vumin(c->b, lane, v, ir_v128(c->b, most, 0));
    Val w = ir_vget(c->b, L32, held, 0);

    dsp_flag(c, differ(c, w, ir_vget(c->b, L32, v, 0)), DSP_OU_ADD);
    return set_w(c, a.rd, w);
}

/* ---- precision ---------------------------------------------------------- */

static Val upper_byte(Ctx *c, Val half)
{
    return ir_sar(c->b, half, ir_i64(c->b, 8));
}

static Val lower_byte(Ctx *c, Val half)
{
    (void)c;
    return half;
}

/* A fraction of 15 bits as one of 8 without a sign; 0x7f80 is the greatest. */
static Val reduced_byte(Ctx *c, Val half)
{
    dsp_flag(c, ir_set(c->b, GT, half, ir_i64(c->b, 0x7f80)), DSP_OU_SHIFT);
    return dsp_clamp(c, ir_sar(c->b, half, ir_i64(c->b, 7)), QB,
                     DSP_OU_SHIFT);
}

static Val upper_half(Ctx *c, Val word)
{
    return ir_sar(c->b, word, ir_i64(c->b, 16));
}

static Val rounded_half(Ctx *c, Val word)
{
    word = ir_add(c->b, word, ir_i64(c->b, 0x8000));
    return dsp_clamp(c, upper_half(c, word), PH, DSP_OU_SHIFT);
}

typedef Val PartFn(Ctx *c, Val v);

/* Lanes of that form, each of one twice as wide: rs's are the upper ones. */
static bool pack(Ctx *c, form_r a, unsigned form, PartFn *f)
{
    unsigned from = form == QB ? PH : W, n = form == QB ? 2 : 1;
    Val v = ir_i32(c->b, 0);

    for (unsigned i = 0; i < 2 * n; i++) {
        Val x = get_w(c, i < n ? a.rt : a.rs);
        v = with_lane(c, v, f(c, dsp_lane(c, x, i % n, from)), i, form);
    }
    return set_w(c, a.rd, v);
}

static Val right_up(Ctx *c, Val x, Val n, unsigned form);

static bool precr_sra(Ctx *c, form_app a, bool round)
{
    Val n = ir_i64(c->b, a.sa);
    Val x = dsp_lane(c, get_w(c, a.rt), 0, W);
    Val y = dsp_lane(c, get_w(c, a.rs), 0, W);

    x = round ? right_up(c, x, n, W) : ir_sar(c->b, x, n);
    y = round ? right_up(c, y, n, W) : ir_sar(c->b, y, n);
    return set_w(c, a.rt, with_lane(c, ir_trunc(c->b, y), x, 1, PH));
}

static bool preceq(Ctx *c, form_t a, unsigned i)
{
    Val x = ir_extract(c->b, get_w(c, a.rt), 16 * i, 16);

    return set_w(c, a.rd, ir_shl(c->b, x, ir_i32(c->b, 16)));
}

/* Two bytes become halves, and fractions if they are shifted. */
static bool expand(Ctx *c, form_t a, unsigned high, unsigned low,
                   unsigned shift)
{
    Val n = ir_i64(c->b, shift);
    Val x = ir_shl(c->b, dsp_lane(c, get_w(c, a.rt), high, QB), n);
    Val y = ir_shl(c->b, dsp_lane(c, get_w(c, a.rt), low, QB), n);

    return set_w(c, a.rd, with_lane(c, ir_trunc(c->b, y), x, 1, PH));
}

/* ---- shifts ------------------------------------------------------------- */

static Val left(Ctx *c, Val x, Val n, unsigned form)
{
    Val v = ir_shl(c->b, x, n);

    dsp_flag(c, differ(c, v, cut(c, v, form)), DSP_OU_SHIFT);
    return v;
}

static Val left_sat(Ctx *c, Val x, Val n, unsigned form)
{
    return dsp_clamp(c, ir_shl(c->b, x, n), form, DSP_OU_SHIFT);
}

static Val right(Ctx *c, Val x, Val n, unsigned form)
{
    (void)form;
    return ir_sar(c->b, x, n);
}

static Val right_up(Ctx *c, Val x, Val n, unsigned form)
{
    (void)form;
    return half(c, ir_sar(c->b, ir_shl(c->b, x, ir_i64(c->b, 1)), n), 1);
}

static bool shift(Ctx *c, form_sh a, unsigned form, LaneFn *f)
{
    return each(c, a.rd, form, f, get_w(c, a.rt), ir_i64(c->b, a.sa));
}

static bool shiftv(Ctx *c, form_r a, unsigned form, LaneFn *f)
{
    Val n = ir_and(c->b, get_w(c, a.rs), ir_i32(c->b, (form & DSP_BITS) - 1));

    return each(c, a.rd, form, f, get_w(c, a.rt), ir_zext(c->b, n));
}

/* ---- multiplication ----------------------------------------------------- */

static bool muleu(Ctx *c, form_r a, unsigned first)
{
    Val x = get_w(c, a.rs), y = get_w(c, a.rt), v = ir_i32(c->b, 0);

    for (unsigned i = 0; i < 2; i++) {
        Val p = ir_mul(c->b, dsp_lane(c, x, first + i, QB),
                       dsp_lane(c, y, i, UPH));
        v = with_lane(c, v, dsp_clamp(c, p, UPH, DSP_OU_MUL), i, PH);
    }
    return set_w(c, a.rd, v);
}

static Val fraction(Ctx *c, Val x, Val y, unsigned form, bool round)
{
    unsigned shift = (form & DSP_BITS) - 1;
    Val v = ir_mul(c->b, x, y);

    if (round) {
        v = ir_add(c->b, v, ir_i64(c->b, BIT(shift - 1)));
    }
    return dsp_clamp(c, ir_sar(c->b, v, ir_i64(c->b, shift)), form,
                     DSP_OU_MUL);
}

static Val mul_fraction(Ctx *c, Val x, Val y, unsigned form)
{
    return fraction(c, x, y, form, false);
}

static Val mul_fraction_up(Ctx *c, Val x, Val y, unsigned form)
{
    return fraction(c, x, y, form, true);
}

static Val mul_low(Ctx *c, Val x, Val y, unsigned form)
{
    Val v = ir_mul(c->b, x, y);

    dsp_flag(c, differ(c, v, cut(c, v, form)), DSP_OU_MUL);
    return v;
}

static Val mul_sat(Ctx *c, Val x, Val y, unsigned form)
{
    return dsp_clamp(c, ir_mul(c->b, x, y), form, DSP_OU_MUL);
}

Val dsp_fraction(Ctx *c, Val x, Val y, unsigned flag)
{
    Val v = ir_mul(c->b, x, y);

    return dsp_clamp(c, ir_add(c->b, v, v), W, flag);
}

static bool muleq(Ctx *c, form_r a, unsigned i)
{
    Val x = dsp_lane(c, get_w(c, a.rs), i, PH);
    Val y = dsp_lane(c, get_w(c, a.rt), i, PH);

    return set_w(c, a.rd, ir_trunc(c->b, dsp_fraction(c, x, y, DSP_OU_MUL)));
}

/* ---- bits and bytes ----------------------------------------------------- */

static bool bitrev(Ctx *c, form_t a)
{
    Val v = ir_bswap(c->b, reversed_bits(c->b, get_w(c, a.rt)));

    return set_w(c, a.rd, ir_shr(c->b, v, ir_i32(c->b, 16)));
}

/* scount bits of rs, into rt at pos. */
static bool insv(Ctx *c, form_r a)
{
    Val ctl = ir_get(c->b, S_DSP), one = ir_i64(c->b, 1);
    Val pos = ir_zext(c->b, ir_extract(c->b, ctl, DSP_POS, 5));
    Val n = ir_zext(c->b, ir_extract(c->b, ctl, DSP_SCOUNT,
                                     DSP_SCOUNT_BITS));
    Val mask = ir_sub(c->b, ir_shl(c->b, one, n), one);
    Val x = ir_and(c->b, ir_zext(c->b, get_w(c, a.rs)), mask);
    Val rest = ir_and(c->b, ir_zext(c->b, get_w(c, a.rt)),
                      ir_not(c->b, ir_shl(c->b, mask, pos)));

    return set_w(c, a.rt, ir_trunc(c->b, ir_or(c->b, rest,
                                               ir_shl(c->b, x, pos))));
}

static bool repl_qb(Ctx *c, form_i a)
{
    return set_w(c, a.rd, ir_i32(c->b, (u32)(a.imm & 0xff) * 0x01010101));
}

static bool repl_ph(Ctx *c, form_i a)
{
    return set_w(c, a.rd, ir_i32(c->b, (u32)(a.imm & 0xffff) * 0x00010001));
}

static bool replv(Ctx *c, form_t a, unsigned size, u32 times)
{
    Val x = ir_extract(c->b, get_w(c, a.rt), 0, size);

    return set_w(c, a.rd, ir_mul(c->b, x, ir_i32(c->b, times)));
}

static bool packrl(Ctx *c, form_r a)
{
    Val y = ir_shr(c->b, get_w(c, a.rt), ir_i32(c->b, 16));

    return set_w(c, a.rd, ir_deposit(c->b, y, get_w(c, a.rs), 16, 16));
}

/* rt moved up by n bits, those of rs behind it. */
static bool append_bits(Ctx *c, form_app a, unsigned n)
{
    return !n || set_w(c, a.rt, ir_deposit(
        c->b, ir_shl(c->b, get_w(c, a.rt), ir_i32(c->b, n)), get_w(c, a.rs),
        0, n));
}

static bool append(Ctx *c, form_app a)
{
    return append_bits(c, a, a.sa);
}

static bool prepend(Ctx *c, form_app a)
{
    return !a.sa || set_w(c, a.rt, ir_deposit(
        c->b, ir_shr(c->b, get_w(c, a.rt), ir_i32(c->b, a.sa)),
        get_w(c, a.rs), 32u - a.sa, a.sa));
}

/* By 0 or 2 bytes the manual has none. */
static bool balign(Ctx *c, form_app a)
{
    unsigned bytes = a.sa & 3;

    if (bytes == 0 || bytes == 2) {
        return true;
    }
    Val up = ir_shl(c->b, get_w(c, a.rt), ir_i32(c->b, 8 * bytes));
    Val down = ir_shr(c->b, get_w(c, a.rs), ir_i32(c->b, 32 - 8 * bytes));
    return set_w(c, a.rt, ir_or(c->b, up, down));
}

/* ---- comparisons -------------------------------------------------------- */

enum { CONTROL = 1, REGISTER = 2, BOTH = 3 }; /* where the outcome goes */

static bool compare(Ctx *c, form_r a, unsigned form, Cond cc, u32 to)
{
    unsigned n = 32 / (form & DSP_BITS);
    Val x = get_w(c, a.rs), y = get_w(c, a.rt), v = ir_i32(c->b, 0);

    for (unsigned i = 0; i < n; i++) {
        Val is = ir_set(c->b, cc, dsp_lane(c, x, i, form),
                        dsp_lane(c, y, i, form));
        v = ir_or(c->b, v, ir_shl(c->b, is, ir_i32(c->b, i)));
    }
    if (to & CONTROL) {
        ir_put(c->b, S_DSP, ir_deposit(c->b, ir_get(c->b, S_DSP), v,
                                       DSP_CCOND, n));
    }
    return !(to & REGISTER) || set_w(c, a.rd, v);
}

static bool pick(Ctx *c, form_r a, unsigned form)
{
    Val x = get_w(c, a.rs), y = get_w(c, a.rt), v = ir_i32(c->b, 0);

    for (unsigned i = 0; i < 32 / (form & DSP_BITS); i++) {
        Val is = ir_extract(c->b, ir_get(c->b, S_DSP), DSP_CCOND + i, 1);
        Val lane = ir_select(c->b, NE, is, ir_i32(c->b, 0),
                             dsp_lane(c, x, i, form),
                             dsp_lane(c, y, i, form));
        v = with_lane(c, v, lane, i, form);
    }
    return set_w(c, a.rd, v);
}

#include "mips_dsp.decode.h"

bool mips_dsp(Ctx *c, u32 w)
{
    return mips_dsp_decode(c, w);
}
