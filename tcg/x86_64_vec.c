/* SPDX-License-Identifier: MIT */
/* x86-64: integer vectors. */
#include "tcg/x86_64.h"

/* ---- forms -------------------------------------------------------------- */

void x64_v2(Cc *c, u32 op, unsigned dst, Opd a)
{
    if (c->has.avx) {
        as_vex(c->s, op, dst, 0, a);
    } else {
        as_op(c->s, op, dst, a);
    }
}

void x64_v3(Cc *c, u32 op, unsigned dst, unsigned a, Opd b)
{
    if (c->has.avx) {
        as_vex(c->s, op, dst, a, b);
        return;
    }
    if (dst != a) {
        as_op(c->s, OP_MOVAPS, dst, reg_opd(a));
    }
    as_op(c->s, op, dst, b);
}

static bool lacks(const Cc *c, u32 op)
{
    return !op || (op == (X_38 | X_66 | 0x37) && !c->has.sse42);
}

static unsigned use(Cc *c, Val v)
{
    return (unsigned)alloc_use(&c->a, v.id);
}

/* result = a op b, in the form that the processor has. */
static void binary(Cc *c, u16 v, u32 op, Val a, Val b)
{
    unsigned y = use(c, b);
    if (c->has.avx) {
        unsigned x = use(c, a);
        as_vex(c->s, op, (unsigned)alloc_def(&c->a, v), x, reg_opd(y));
    } else {
        as_op(c->s, op, (unsigned)alloc_def_over(&c->a, v, a.id), reg_opd(y));
    }
}

/* ---- lane-wise ---------------------------------------------------------- */

void x64_vec(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    if (lacks(c, row->op[i->sub])) {
        x64_call_op(c, v, row);
    } else {
        binary(c, v, row->op[i->sub], i->a, i->b);
    }
}

/* Operands the other way round. */
void x64_vec_rev(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    binary(c, v, row->op[i->sub], i->b, i->a);
}

/* Unsigned a > b: not min(a, b) == a; 64 bits by flipping signs. */
void x64_vcgtu(Cc *c, u16 v, const HostOp *row)
{
    static const u32 equal[] = {
        X_0F | X_66 | 0x74, X_0F | X_66 | 0x75, X_0F | X_66 | 0x76,
    };
    const Ins *i = ins_of(c, v);
    u32 op = row->op[i->sub];
    if (lacks(c, op)) {
        x64_call_op(c, v, row);
        return;
    }
    unsigned a = use(c, i->a), b = use(c, i->b);
    if (i->sub == L64) {
        x64_v3(c, OP_PXOR, 0, a, konst(K_SIGN64));
        x64_v3(c, OP_PXOR, 1, b, konst(K_SIGN64));
        x64_v3(c, op, 0, 0, reg_opd(1));
    } else {
        x64_v3(c, op, 0, a, reg_opd(b));
        x64_v3(c, equal[i->sub], 0, 0, reg_opd(a));
        x64_v3(c, equal[L32], 1, 1, reg_opd(1));
        x64_v3(c, OP_PXOR, 0, 0, reg_opd(1));
    }
    x64_move(c, V128T, (unsigned)alloc_def(&c->a, v), 0);
}

/* Both low halves widened (op by lane), then multiplied. */
void x64_vec_widen(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    const u32 mul[] = {
        X_0F | X_66 | 0xd5, X_38 | X_66 | 0x40,
        i->op == IR_vsmull ? X_38 | X_66 | 0x28 : X_0F | X_66 | 0xf4,
    };
    unsigned a = use(c, i->a), b = use(c, i->b);
    x64_v2(c, row->op[i->sub], 0, reg_opd(a));
    x64_v2(c, row->op[i->sub], 1, reg_opd(b));
    x64_v3(c, mul[i->sub], 0, 0, reg_opd(1));
    x64_move(c, V128T, (unsigned)alloc_def(&c->a, v), 0);
}

void x64_vec1(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    u32 op = row->op[i->sub];
    if (!op) {
        x64_call_op(c, v, row);
        return;
    }
    unsigned a = use(c, i->a);
    x64_v2(c, op, (unsigned)alloc_def(&c->a, v), reg_opd(a));
}

/* ---- shifts ------------------------------------------------------------- */

enum { SHIFT_RIGHT = 2, SHIFT_SIGNED = 4, SHIFT_LEFT = 6 };

static void shift(Cc *c, Lane lane, unsigned group, unsigned dst, unsigned n)
{
    static const u32 op[] = { 0, 0x71, 0x72, 0x73 };
    u32 form = X_0F | X_66 | X_I8 | op[lane];
    if (c->has.avx) {
        as_vex(c->s, form, group, dst, reg_opd(dst));
    } else {
        as_op(c->s, form, group, reg_opd(dst));
    }
    as_8(c->s, (u8)n);
}

static void with_splat(Cc *c, u32 op, unsigned dst, Lane lane, u64 k)
{
    u64 w = lane == L8 ? (k & 255) * 0x0101010101010101 : k;
    x64_v3(c, op, dst, dst, rip_opd(S_DATA, x64_data(c, w, w)));
}

/* Bytes are shifted as 16 bits and masked.  Where there is no signed shift,
 * (x ^ m) - m spreads the shifted sign bit m. */
void x64_vshift(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    unsigned n = (unsigned)i->imm, group = row->op[0];
    unsigned dst = (unsigned)alloc_def_over(&c->a, v, i->a.id);
    Lane lane = (Lane)i->sub;
    bool by_hand = group == SHIFT_SIGNED && (lane == L8 || lane == L64);
    shift(c, lane == L8 ? L16 : lane, by_hand ? SHIFT_RIGHT : group, dst, n);
    if (lane == L8) {
        with_splat(c, OP_PAND, dst, L8, group == SHIFT_LEFT ? 0xffu << n
                                                            : 0xffu >> n);
    }
    if (by_hand) {
        u64 m = lane == L8 ? 0x80u >> n : 1ull << (63 - n);
        with_splat(c, OP_PXOR, dst, lane, m);
        with_splat(c, X_0F | X_66 | (lane == L8 ? 0xf8 : 0xfb), dst, lane, m);
    }
}

/* ---- shuffles ----------------------------------------------------------- */

/* pshufb's masks for the two sources of a constant shuffle. */
static void split_mask(const u64 w[2], u64 lo[2], u64 hi[2])
{
    const u8 *m = (const u8 *)w;
    u8 *a = (u8 *)lo, *b = (u8 *)hi;
    for (unsigned n = 0; n < 16; n++) {
        bool zero = m[n] & 0x80;
        a[n] = zero || m[n] & 16 ? 0x80 : m[n] & 15;
        b[n] = zero || !(m[n] & 16) ? 0x80 : m[n] & 15;
    }
}

static bool all_zero_mask(const u64 w[2])
{
    const u64 none = 0x8080808080808080;
    return w[0] == none && w[1] == none;
}

static void shuffle(Cc *c, unsigned dst, unsigned a, const u64 w[2])
{
    x64_v3(c, OP_PSHUFB, dst, a, rip_opd(S_DATA, x64_data(c, w[0], w[1])));
}

static void shuffle_const(Cc *c, u16 v, const u64 w[2])
{
    const Ins *i = ins_of(c, v);
    u64 lo[2], hi[2];
    unsigned a = use(c, i->a), b = use(c, i->b);
    split_mask(w, lo, hi);
    unsigned from = all_zero_mask(lo) ? b : a;
    if (all_zero_mask(lo) || all_zero_mask(hi)) {
        shuffle(c, 0, from, from == a && !all_zero_mask(lo) ? lo : hi);
    } else {
        shuffle(c, 0, a, lo);
        shuffle(c, 1, b, hi);
        x64_v3(c, OP_POR, 0, 0, reg_opd(1));
    }
    x64_move(c, V128T, (unsigned)alloc_def(&c->a, v), 0);
}

/*
 * Any mask: bits 7 and 4..0 of a byte, plus 0x70 saturated, have bit 7 set
 * exactly if a's byte is not meant; with bit 4 inverted, if b's is not.
 */
void x64_vshuf(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    const u32 paddusb = X_0F | X_66 | 0xdc;
    u64 w[2];
    (void)row;
    if (ir_const_of(c->b, i->c.id, w)) {
        shuffle_const(c, v, w);
        return;
    }
    unsigned a = use(c, i->a), b = use(c, i->b), m = use(c, i->c);
    unsigned dst = (unsigned)alloc_def_new(&c->a, v);
    x64_move(c, V128T, 0, m);
    with_splat(c, OP_PAND, 0, L8, 0x9f);
    x64_move(c, V128T, 1, 0);
    with_splat(c, OP_PXOR, 1, L8, 0x10);
    with_splat(c, paddusb, 0, L8, 0x70);
    with_splat(c, paddusb, 1, L8, 0x70);
    x64_v3(c, OP_PSHUFB, dst, a, reg_opd(0));
    x64_v3(c, OP_PSHUFB, 0, b, reg_opd(1));
    x64_v3(c, OP_POR, dst, dst, reg_opd(0));
}

/* ---- lanes and scalars -------------------------------------------------- */

void x64_vget(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    unsigned a = use(c, i->a);
    unsigned dst = (unsigned)alloc_def(&c->a, v);
    if (!i->imm && i->sub >= L32) {
        x64_v2(c, OP_MOVD_ST | (i->sub == L64 ? X_W : 0), a, reg_opd(dst));
        return;
    }
    x64_v2(c, row->op[i->sub], a, reg_opd(dst));
    as_8(c->s, (u8)i->imm);
}

void x64_vins(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    unsigned b = use(c, i->b);
    unsigned dst = (unsigned)alloc_def_over(&c->a, v, i->a.id);
    x64_v3(c, row->op[i->sub], dst, dst, reg_opd(b));
    as_8(c->s, (u8)i->imm);
}

void x64_vdup(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    unsigned a = use(c, i->a);
    unsigned dst = (unsigned)alloc_def_new(&c->a, v);
    x64_v2(c, OP_MOVD | (i->sub == L64 ? X_W : 0), dst, reg_opd(a));
    switch (i->sub) {
    case L8:
        x64_v3(c, OP_PXOR, 0, 0, reg_opd(0));
        x64_v3(c, OP_PSHUFB, dst, dst, reg_opd(0));
        break;
    case L64:
        x64_v3(c, X_0F | X_66 | 0x6c, dst, dst, reg_opd(dst));
        break;
    default:
        if (i->sub == L16) {
            x64_v2(c, row->op[L16], dst, reg_opd(dst));
            as_8(c->s, 0);
        }
        x64_v2(c, row->op[L32], dst, reg_opd(dst));
        as_8(c->s, 0);
        break;
    }
}

void x64_vpair(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    unsigned a = use(c, i->a), b = use(c, i->b);
    unsigned dst = (unsigned)alloc_def_new(&c->a, v);
    x64_v2(c, OP_MOVD | X_W, dst, reg_opd(a));
    x64_v3(c, row->op[0], dst, dst, reg_opd(b));
    as_8(c->s, 1);
}

/* Scalars have junk above. */
void x64_vlow(Cc *c, u16 v, const HostOp *row)
{
    (void)row;
    unsigned a = use(c, ins_of(c, v)->a);
    x64_move(c, V128T, (unsigned)alloc_def(&c->a, v), a);
}

void x64_vzext(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    bool is64 = ins_of(c, i->a.id)->type == F64;
    unsigned a = use(c, i->a);
    unsigned dst = (unsigned)alloc_def(&c->a, v);
    if (is64) {
        x64_v2(c, OP_MOVQ, dst, reg_opd(a));
        return;
    }
    x64_v3(c, row->op[0], dst, a, reg_opd(a));
    as_8(c->s, 0x0e);                   /* lane 0; lanes 1 to 3 zero */
}

void x64_bitsof(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    bool is64 = i->type == F64 || i->type == I64;
    unsigned a = use(c, i->a);
    unsigned dst = (unsigned)alloc_def(&c->a, v);
    (void)row;
    if (class_of(i->type) == CLASS_VEC) {
        x64_v2(c, OP_MOVD | (is64 ? X_W : 0), dst, reg_opd(a));
    } else {
        x64_v2(c, OP_MOVD_ST | (is64 ? X_W : 0), a, reg_opd(dst));
    }
}
