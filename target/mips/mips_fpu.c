/* SPDX-License-Identifier: MIT */
/*
 * MIPS floating point.  Reference: MIPS volume II-A for each instruction;
 * volume I-A, chapter 5 "FPU Programming Model".  The table is
 * mips_fpu.decode.
 *
 * A register is the low half of a V128 slot.  With Status.FR = 0 there are
 * sixteen of 64 bits, whose halves are 32-bit registers: the odd ones are the
 * upper halves.  Where a 32-bit result leaves the rest unpredictable it is
 * zero.
 *
 * FCSR.Cause is a recipe: an instruction leaves its operation and operands in
 * slots, and whoever reads FCSR computes from them what it raised (fp.c).  If
 * exceptions are enabled, or FS is set, operations are done by soft functions
 * between two calls, of which the second takes the exception.
 */
#include "target/mips/fpu.h"
#include "target/mips/translate.h"
#include "mips_fpu.forms.h"

/* ---- registers ---------------------------------------------------------- */

static bool is_full(const Ctx *c)
{
    return c->key & KEY_FR;
}

/* The slot of a register, and the lane of its 32 bits in that. */
static unsigned slot_of(const Ctx *c, unsigned r)
{
    return S_F0 + (is_full(c) ? r : r & ~1u);
}

static unsigned lane_of(const Ctx *c, unsigned r)
{
    return is_full(c) ? 0 : r & 1;
}

/* A double in an odd register there is only with FR = 1. */
static bool has_pair(const Ctx *c, Type t, unsigned r)
{
    return t == F32 || is_full(c) || !(r & 1);
}

static Val get_bits32(Ctx *c, unsigned r)
{
    return ir_vget(c->b, L32, ir_get(c->b, slot_of(c, r)), lane_of(c, r));
}

Val fpu_get(Ctx *c, Type t, unsigned r)
{
    if (lane_of(c, r) && t == F32) {
        return ir_bitsof(c->b, F32, get_bits32(c, r));
    }
    return ir_vlow(c->b, t, ir_get(c->b, slot_of(c, r)));
}

static bool set_bits32(Ctx *c, unsigned r, Val v)
{
    unsigned slot = slot_of(c, r);

    ir_put(c->b, slot, ir_vins(c->b, L32, ir_get(c->b, slot), lane_of(c, r),
                               v));
    return true;
}

bool fpu_set(Ctx *c, unsigned r, Val v)
{
    if (ir_type(c->b, v) == F32 && !is_full(c)) {
        return set_bits32(c, r, ir_bitsof(c->b, I32, v));
    }
    ir_put(c->b, slot_of(c, r), ir_vzext(c->b, v));
    return true;
}

/* The same of an integer in a register: I32 or I64. */
Val fpu_get_int(Ctx *c, Type t, unsigned r)
{
    return t == I32 ? get_bits32(c, r)
        : ir_vget(c->b, L64, ir_get(c->b, slot_of(c, r)), 0);
}

bool fpu_set_int(Ctx *c, unsigned r, Val v)
{
    return fpu_set(c, r, ir_bitsof(c->b, ir_type(c->b, v) == I32 ? F32 : F64,
                                 v));
}

Type fpu_format(unsigned fmt)
{
    return fmt ? F64 : F32;
}

/* ---- FCSR.Cause --------------------------------------------------------- */

static void begin_soft(void *env)
{
    mips_fp_begin(env);
}
HELPER(begin_soft, 0, void, ptr);

static void end_soft(void *env)
{
    MipsCpu *c = env;

    if (!mips_fp_end(c)) {
        mips_exception(c, EXC_FPE, 0);
        cpu_resume(&c->cpu);
    }
}
HELPER(end_soft, H_ALL, void, ptr);

void fpu_begin(Ctx *c)
{
    if (c->key & KEY_FP_SOFT) {
        ir_put(c->b, S_FP_OP, ir_i32(c->b, 0));
        IR_CALL(c->b, &helper_begin_soft);
    }
}

void fpu_end(Ctx *c, FpuDone d)
{
    if (c->key & KEY_FP_SOFT) {
        IR_CALL(c->b, &helper_end_soft);
        return;
    }
    for (unsigned n = 0; n < 3 && d.reg[n] >= 0; n++) {
        unsigned r = (unsigned)d.reg[n];
        ir_put(c->b, S_FP_A + n, ir_get(c->b, slot_of(c, r)));
        d.op |= lane_of(c, r) << (FP_ODD + n);
    }
    ir_put(c->b, S_FP_OP, ir_i32(c->b, d.op | FP_VALID));
}

/* ---- moves -------------------------------------------------------------- */

static bool mfc1(Ctx *c, form_move a)
{
    return set_w(c, a.rt, get_bits32(c, a.fs));
}

static bool mtc1(Ctx *c, form_move a)
{
    return fpu_set_int(c, a.fs, get_w(c, a.rt));
}

static bool dmfc1(Ctx *c, form_move a)
{
    return has_pair(c, F64, a.fs) && set_r(c, a.rt, fpu_get_int(c, I64, a.fs));
}

static bool dmtc1(Ctx *c, form_move a)
{
    return has_pair(c, F64, a.fs) && fpu_set_int(c, a.fs, get_r(c, a.rt));
}

/* The upper half: without FR that is the odd register's. */
static bool mfhc1(Ctx *c, form_move a)
{
    return set_w(c, a.rt, ir_vget(c->b, L32, ir_get(c->b, slot_of(c, a.fs)),
                                  1));
}

static bool mthc1(Ctx *c, form_move a)
{
    unsigned slot = slot_of(c, a.fs);

    ir_put(c->b, slot, ir_vins(c->b, L32, ir_get(c->b, slot), 1,
                               get_w(c, a.rt)));
    return true;
}

static u32 insn_cfc1(void *env, u32 n)
{
    return mips_cfc1(env, n);
}
HELPER(insn_cfc1, H_READ | H_WRITE, i32, ptr, i32);

static bool cfc1(Ctx *c, form_move a)
{
    return set_w(c, a.rt, IR_CALL(c->b, &helper_insn_cfc1,
                                  ir_i32(c->b, a.fs)));
}

static void insn_ctc1(void *env, u32 n, u32 v)
{
    MipsCpu *c = env;

    if (!mips_ctc1(c, n, v)) {
        mips_exception(c, EXC_FPE, 0);
        cpu_resume(&c->cpu);
    }
}
HELPER(insn_ctc1, H_ALL, void, ptr, i32, i32);

static bool ctc1(Ctx *c, form_move a)
{
    IR_CALL(c->b, &helper_insn_ctc1, ir_i32(c->b, a.fs), get_w(c, a.rt));
    return c->stop = true;
}

/* ---- memory ------------------------------------------------------------- */

static bool load_at(Ctx *c, Type t, unsigned r, Val addr)
{
    u32 size = t == F32 ? M_32 : M_64;

    return has_pair(c, t, r)
        && fpu_set(c, r, ir_load(c->b, t, addr, size | mips_access(c)));
}

static bool store_at(Ctx *c, Type t, unsigned r, Val addr)
{
    u32 size = t == F32 ? M_32 : M_64;

    if (!has_pair(c, t, r)) {
        return false;
    }
    ir_store(c->b, addr, fpu_get(c, t, r), size | mips_access(c));
    return true;
}

static bool load_f(Ctx *c, form_m a, Type t)
{
    return load_at(c, t, a.ft, address(c, a.base, a.offset));
}

static bool store_f(Ctx *c, form_m a, Type t)
{
    return store_at(c, t, a.ft, address(c, a.base, a.offset));
}

static Val indexed(Ctx *c, form_mx a)
{
    return address_of(c, get_r(c, a.base), get_r(c, a.rt));
}

static bool load_x(Ctx *c, form_mx a, Type t)
{
    return load_at(c, t, a.fd, indexed(c, a));
}

static bool store_x(Ctx *c, form_mx a, Type t)
{
    return store_at(c, t, a.fs, indexed(c, a));
}

/* LUXC1, SUXC1: the address's low three bits do not count. */
static Val rounded_down(Ctx *c, Val addr)
{
    return ir_and(c->b, addr, imm_r(c, -8));
}

static bool load_ux(Ctx *c, form_mx a)
{
    return is_full(c) && load_at(c, F64, a.fd, rounded_down(c, indexed(c, a)));
}

static bool store_ux(Ctx *c, form_mx a)
{
    return is_full(c)
        && store_at(c, F64, a.fs, rounded_down(c, indexed(c, a)));
}

static bool prefetch_x(Ctx *c, form_mx a)
{
    (void)c, (void)a;
    return true;
}

/* ---- arithmetic --------------------------------------------------------- */

static FpKind kind_of(IrBinary *op)
{
    return op == ir_fadd ? FP_ADD : op == ir_fsub ? FP_SUB
        : op == ir_fmul ? FP_MUL : FP_DIV;
}

static bool binary_f(Ctx *c, form_rrr a, IrBinary *op)
{
    Type t = fpu_format(a.fmt);

    if (!has_pair(c, t, a.fs | a.ft | a.fd)) {
        return false;
    }
    fpu_begin(c);
    Val v = op(c->b, fpu_get(c, t, a.fs), fpu_get(c, t, a.ft));
    fpu_end(c, (FpuDone) { FP_OP(kind_of(op), t == F64, 0),
                           { a.fs, a.ft, -1 } });
    return fpu_set(c, a.fd, v);
}

static bool sqrt_f(Ctx *c, form_rr a)
{
    Type t = fpu_format(a.fmt);

    if (!has_pair(c, t, a.fs | a.fd)) {
        return false;
    }
    fpu_begin(c);
    Val v = ir_fsqrt(c->b, fpu_get(c, t, a.fs));
    fpu_end(c, (FpuDone) { FP_OP(FP_SQRT, t == F64, 0), { a.fs, -1 } });
    return fpu_set(c, a.fd, v);
}

static Val one(Ctx *c, Type t)
{
    return t == F64 ? ir_bitsof(c->b, F64, ir_i64(c->b, 1023ull << 52))
                    : ir_bitsof(c->b, F32, ir_i32(c->b, 127u << 23));
}

static bool recip(Ctx *c, form_rr a)
{
    Type t = fpu_format(a.fmt);

    if (!has_pair(c, t, a.fs | a.fd)) {
        return false;
    }
    fpu_begin(c);
    Val v = ir_fdiv(c->b, one(c, t), fpu_get(c, t, a.fs));
    fpu_end(c, (FpuDone) { FP_OP(FP_RECIP, t == F64, 0), { a.fs, -1 } });
    return fpu_set(c, a.fd, v);
}

static bool rsqrt(Ctx *c, form_rr a)
{
    Type t = fpu_format(a.fmt);

    if (!has_pair(c, t, a.fs | a.fd)) {
        return false;
    }
    fpu_begin(c);
    Val v = ir_fdiv(c->b, one(c, t), ir_fsqrt(c->b, fpu_get(c, t, a.fs)));
    fpu_end(c, (FpuDone) { FP_OP(FP_RSQRT, t == F64, 0), { a.fs, -1 } });
    return fpu_set(c, a.fd, v);
}

/* A bit of a format: its sign, or all others. */
static Val sign_mask(Ctx *c, Type t, bool sign)
{
    u64 bit = t == F64 ? BIT(63) : BIT(31);

    bit = sign ? bit : bit - 1;
    return t == F64 ? ir_i64(c->b, bit) : ir_i32(c->b, (u32)bit);
}

static bool sign_f(Ctx *c, form_rr a, IrBinary *op, bool sign)
{
    Type t = fpu_format(a.fmt), bits = a.fmt ? I64 : I32;

    return has_pair(c, t, a.fs | a.fd)
        && fpu_set_int(c, a.fd, op(c->b, fpu_get_int(c, bits, a.fs),
                               sign_mask(c, t, sign)));
}

static bool mov_f(Ctx *c, form_rr a)
{
    Type t = fpu_format(a.fmt);

    return has_pair(c, t, a.fs | a.fd) && fpu_set(c, a.fd, fpu_get(c, t, a.fs));
}

/* fd = fs if x cc 0, else it stays. */
static bool move_if_f(Ctx *c, Type t, unsigned fd, unsigned fs, Cond cc, Val x)
{
    Type bits = t == F64 ? I64 : I32;
    Val zero = ir_const(c->b, ir_type(c->b, x), 0);

    return has_pair(c, t, fs | fd)
        && fpu_set_int(c, fd, ir_select(c->b, cc, x, zero,
                                        fpu_get_int(c, bits, fs),
                                        fpu_get_int(c, bits, fd)));
}

static bool move_cc(Ctx *c, form_mcc a, Cond cc)
{
    return move_if_f(c, fpu_format(a.fmt), a.fd, a.fs, cc,
                     ir_get(c->b, S_FCC + a.cc));
}

static bool move_reg(Ctx *c, form_mreg a, Cond cc)
{
    return move_if_f(c, fpu_format(a.fmt), a.fd, a.fs, cc, get_r(c, a.rt));
}

/* Rounded after the product too. */
static bool madd_f(Ctx *c, form_fma a, IrBinary *op, bool negate)
{
    Type t = fpu_format(a.fmt);

    if (!has_pair(c, t, a.fs | a.ft | a.fr | a.fd)) {
        return false;
    }
    fpu_begin(c);
    Val v = op(c->b, ir_fmul(c->b, fpu_get(c, t, a.fs), fpu_get(c, t, a.ft)),
               fpu_get(c, t, a.fr));
    fpu_end(c, (FpuDone) { FP_OP(op == ir_fadd ? FP_MADD : FP_MSUB, t == F64,
                                 0), { a.fs, a.ft, a.fr } });
    fpu_set(c, a.fd, v);
    return !negate || sign_f(c, (form_rr) { a.fmt, a.fd, a.fd }, ir_xor, true);
}

/* ---- conversions -------------------------------------------------------- */

static bool cvt_f(Ctx *c, form_cvt a, Type from, Type to)
{
    if (!has_pair(c, from, a.fs) || !has_pair(c, to, a.fd)) {
        return false;
    }
    fpu_begin(c);
    Val v = ir_f2f(c->b, to, fpu_get(c, from, a.fs));
    fpu_end(c, (FpuDone) { FP_OP(FP_CVT, from == F64, 0), { a.fs, -1 } });
    return fpu_set(c, a.fd, v);
}

static bool to_int(Ctx *c, form_rr a, Type to, unsigned round)
{
    Type t = fpu_format(a.fmt);

    if (!has_pair(c, t, a.fs) || (to == I64 && !is_full(c))) {
        return false;
    }
    fpu_begin(c);
    Val v = ir_f2i(c->b, to, fpu_get(c, t, a.fs), round);
    fpu_end(c, (FpuDone) { FP_OP(to == I32 ? FP_TO_I32 : FP_TO_I64, t == F64,
                                 round), { a.fs, -1 } });
    return fpu_set_int(c, a.fd, v);
}

static bool from_int(Ctx *c, form_cvt a, Type from, Type to)
{
    if (!has_pair(c, to, a.fd) || (from == I64 && !is_full(c))) {
        return false;
    }
    fpu_begin(c);
    Val v = ir_i2f(c->b, to, fpu_get_int(c, from, a.fs), false);
    fpu_end(c, (FpuDone) { FP_OP(from == I32 ? FP_FROM_I32 : FP_FROM_I64,
                                 to == F64, 0), { a.fs, -1 } });
    return fpu_set(c, a.fd, v);
}

/* ---- comparisons -------------------------------------------------------- */

/* Less 4, equal 2, unordered 1: the low bits of a condition ask for these. */
Val fpu_ordered(Ctx *c, unsigned cond, Val flags)
{
    static const u8 one_test[8] = {
        [1] = FC_V, [2] = FC_Z, [4] = FC_N, [5] = FC_LT, [6] = FC_LS,
        [7] = FC_LE,
    };

    switch (cond & 7) {
    case 0:
        return ir_i32(c->b, 0);
    case 3:
        return ir_or(c->b, ir_fcond(c->b, FC_Z, flags),
                     ir_fcond(c->b, FC_V, flags));
    }
    return ir_fcond(c->b, (FlagCond)one_test[cond & 7], flags);
}

static bool compare_f(Ctx *c, form_cmp a)
{
    Type t = fpu_format(a.fmt);
    bool signals = a.cond & 8;

    if (!has_pair(c, t, a.fs | a.ft)) {
        return false;
    }
    fpu_begin(c);
    Val x = fpu_get(c, t, a.fs), y = fpu_get(c, t, a.ft);
    Val flags = ir_fcmpf(c->b, x, y, signals);
    fpu_end(c, (FpuDone) { FP_OP(FP_CMPF, t == F64, signals),
                           { a.fs, a.ft, -1 } });
    ir_put(c->b, S_FCC + a.cc, fpu_ordered(c, a.cond, flags));
    return true;
}

#include "mips_fpu.decode.h"

bool mips_fpu(Ctx *c, u32 w)
{
    return mips_fpu_decode(c, w);
}
