/* SPDX-License-Identifier: MIT */
/* x86-64: integer arithmetic and logic. */
#include "tcg/x86_64.h"

static unsigned width(const Ins *i)
{
    return i->type == I64 ? 64 : 32;
}

static void shift_imm(Cc *c, u32 w, unsigned group, unsigned reg, unsigned n)
{
    if (n) {
        as_op(c->s, OP_SHI | w, group, reg_opd(reg));
        as_8(c->s, (u8)n);
    }
}

/* ---- two operands ------------------------------------------------------- */

static bool in_reg(const Cc *c, u16 v)
{
    return c->a.reg[v] >= 0;
}

static bool dies_in_reg(const Cc *c, u16 v)
{
    return in_reg(c, v) && alloc_dying(&c->a, v);
}

/* add by lea, where neither operand's register can take the result. */
static bool lea(Cc *c, u16 v, u16 a, u16 b)
{
    const Ins *i = ins_of(c, v);
    i32 imm;
    if (i->op != IR_add || dies_in_reg(c, a)) {
        return false;
    }
    if (x64_imm(c, b, &imm)) {
        int from = alloc_use(&c->a, a);
        int to = alloc_def_new(&c->a, v);
        as_op(c->s, OP_LEA | wide(i->type), (unsigned)to,
              mem_opd((unsigned)from, imm));
        return true;
    }
    if (!in_reg(c, a) || !in_reg(c, b)) {
        return false;
    }
    unsigned x = (unsigned)alloc_use(&c->a, a);
    unsigned y = (unsigned)alloc_use(&c->a, b);
    unsigned to = (unsigned)alloc_def_new(&c->a, v);
    as_op(c->s, OP_LEA | wide(i->type), to, idx_opd(x, y, 0));
    return true;
}

/* Forms with a constant that are shorter than the general one. */
static bool alu_special(Cc *c, u16 v, unsigned to, i32 imm)
{
    const Ins *i = ins_of(c, v);
    if (i->op != IR_xor || imm != -1) {
        return false;
    }
    as_op(c->s, OP_GRP3 | wide(i->type), G_NOT, reg_opd(to));
    return true;
}

/* a & 0xffffffff of 64 bits */
static bool low_half(Cc *c, u16 v, u16 a, u16 b)
{
    const Ins *i = ins_of(c, v), *k = ins_of(c, b);
    if (i->op != IR_and || i->type != I64 || k->op != IR_const ||
        k->imm != UINT32_MAX) {
        return false;
    }
    Opd from = x64_opd(c, a);
    as_op(c->s, OP_LD, (unsigned)alloc_def(&c->a, v), from);
    return true;
}

static bool negate(Cc *c, u16 v, u16 a, u16 b)
{
    const Ins *i = ins_of(c, v), *k = ins_of(c, a);
    if (i->op != IR_sub || k->op != IR_const || k->imm) {
        return false;
    }
    unsigned to = (unsigned)alloc_def_over(&c->a, v, b);
    as_op(c->s, OP_GRP3 | wide(i->type), G_NEG, reg_opd(to));
    return true;
}

/* What was just written made v: a test that follows has nothing to do. */
static void tested(Cc *c, u16 v)
{
    if (c->s == &c->hot) {
        c->tested = v;
        c->tested_at = as_here(&c->hot);
    }
}

void x64_alu(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    u16 a = i->a.id, b = i->b.id;
    u32 op = row->op[0], w = wide(i->type);
    i32 imm;
    if (ir_ops[i->op].flags & COMM && !dies_in_reg(c, a) &&
        (ins_of(c, a)->op == IR_const || dies_in_reg(c, b))) {
        a = i->b.id;
        b = i->a.id;
    }
    if (lea(c, v, a, b) || low_half(c, v, a, b) || negate(c, v, a, b)) {
        return;
    }
    if (x64_imm(c, b, &imm)) {
        unsigned to = (unsigned)alloc_def_over(&c->a, v, a);
        if (!alu_special(c, v, to, imm)) {
            as_alu_imm(c->s, w, op >> 3 & 7, reg_opd(to), imm);
            tested(c, v);
        }
        return;
    }
    Opd from = x64_opd(c, b);
    unsigned to = (unsigned)alloc_def_over(&c->a, v, a);
    as_op(c->s, op | w, to, from);
    tested(c, v);
}

void x64_mul(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    u16 a = i->a.id, b = i->b.id;
    u32 w = wide(i->type);
    i32 imm;
    (void)row;
    if (x64_imm(c, a, &imm)) {
        a = i->b.id;
        b = i->a.id;
    }
    if (x64_imm(c, b, &imm)) {
        Opd from = x64_opd(c, a);
        as_op(c->s, OP_IMULI | w, (unsigned)alloc_def(&c->a, v), from);
        as_32(c->s, (u32)imm);
        return;
    }
    Opd from = x64_opd(c, b);
    unsigned to = (unsigned)alloc_def_over(&c->a, v, a);
    as_op(c->s, OP_IMUL | w, to, from);
}

/* Does another value than the result live in rdx? */
static bool rdx_busy(const Cc *c, u16 v)
{
    u16 owner = c->a.owner[CLASS_INT][RDX];
    return owner && owner != v;
}

void x64_mulh(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    u32 w = wide(i->type);
    unsigned a = (unsigned)alloc_use(&c->a, i->a.id);
    unsigned b = (unsigned)alloc_use(&c->a, i->b.id);
    unsigned to = (unsigned)alloc_def(&c->a, v);
    bool busy = rdx_busy(c, v);
    as_mov(c->s, w, RAX, a);
    if (busy) {
        as_mov(c->s, X_W, RCX, RDX);
    }
    as_op(c->s, OP_GRP3 | w, row->op[0], reg_opd(b));
    as_mov(c->s, w, to, RDX);
    if (busy) {
        as_mov(c->s, X_W, RDX, RCX);
    }
}

/* The division proper: rax = a / b; keeps rdx through rcx. */
static void divide(Cc *c, u16 v, unsigned group, unsigned a, unsigned b)
{
    u32 w = wide(ins_of(c, v)->type);
    bool busy = rdx_busy(c, v) || b == RDX;
    as_mov(c->s, w, RAX, a);
    if (busy) {
        as_mov(c->s, X_W, RCX, RDX);
    }
    if (group == G_IDIV) {
        if (w) {
            as_8(c->s, 0x48);
        }
        as_8(c->s, 0x99);                   /* cdq, cqo */
    } else {
        as_op(c->s, OP_XOR, RDX, reg_opd(RDX));
    }
    as_op(c->s, OP_GRP3 | w, group, reg_opd(b == RDX ? RCX : b));
    if (busy) {
        as_mov(c->s, X_W, RDX, RCX);
    }
}

void x64_div(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    u32 w = wide(i->type), over = 0;
    unsigned a = (unsigned)alloc_use(&c->a, i->a.id);
    unsigned b = (unsigned)alloc_use(&c->a, i->b.id);
    unsigned to = (unsigned)alloc_def_new(&c->a, v);
    as_op(c->s, OP_XOR, RAX, reg_opd(RAX));
    as_op(c->s, OP_TEST | w, b, reg_opd(b));
    u32 zero = as_jcc_open(c->s, CC_E);
    if (row->op[0] == G_IDIV) {
        as_mov(c->s, w, RAX, a);
        as_op(c->s, OP_GRP3 | w, G_NEG, reg_opd(RAX));
        as_alu_imm(c->s, w, G_CMP, reg_opd(b), -1);
        over = as_jcc_open(c->s, CC_E);
    }
    divide(c, v, row->op[0], a, b);
    if (over) {
        as_close(c->s, over);
    }
    as_close(c->s, zero);
    as_mov(c->s, w, to, RAX);
}

/* ---- shifts ------------------------------------------------------------- */

void x64_shift(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    u16 a = i->a.id, b = i->b.id;
    u32 w = wide(i->type);
    i32 imm;
    if (x64_imm(c, b, &imm)) {
        unsigned to = (unsigned)alloc_def_over(&c->a, v, a);
        shift_imm(c, w, row->op[0], to, (unsigned)imm & (width(i) - 1));
        return;
    }
    unsigned count = (unsigned)alloc_use(&c->a, b);
    if (c->has.bmi2 && row->op[1]) {
        Opd from = x64_opd(c, a);
        unsigned to = (unsigned)alloc_def(&c->a, v);
        as_vex(c->s, row->op[1] | w, to, count, from);
        return;
    }
    unsigned to = (unsigned)alloc_def_over(&c->a, v, a);
    as_mov(c->s, 0, RCX, count);
    as_op(c->s, OP_SHCL | w, row->op[0], reg_opd(to));
}

/* ---- one operand -------------------------------------------------------- */

/* bsr and bsf leave their destination alone (undefined in theory) for 0. */
static void scan(Cc *c, u16 v, Opd from)
{
    const Ins *i = ins_of(c, v);
    unsigned n = width(i);
    bool leading = i->op == IR_clz;
    as_op(c->s, (leading ? OP_BSR : OP_BSF) | wide(i->type), RCX, from);
    as_mov_imm(c->s, RAX, leading ? 2 * n - 1 : n, false);
    as_op(c->s, OP_CMOV | CC_E, RCX, reg_opd(RAX));
    if (leading) {
        as_alu_imm(c->s, 0, G_XOR, reg_opd(RCX), (i32)n - 1);
    }
    as_mov(c->s, 0, (unsigned)alloc_def(&c->a, v), RCX);
}

void x64_count(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    Opd from = x64_opd(c, i->a.id);
    if (i->op == IR_clz ? c->has.lzcnt : c->has.tzcnt) {
        unsigned to = (unsigned)alloc_def(&c->a, v);
        as_op(c->s, row->op[0] | wide(i->type), to, from);
    } else {
        scan(c, v, from);
    }
}

void x64_bswap(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    unsigned to = (unsigned)alloc_def_over(&c->a, v, i->a.id);
    (void)row;
    if (i->type == I64 || to >= 8) {
        as_8(c->s, (u8)(0x40 | (i->type == I64 ? 8 : 0) | to >> 3));
    }
    as_8(c->s, 0x0f);
    as_8(c->s, (u8)(0xc8 | (to & 7)));
}

/* An I32 may have anything above: nothing to do. */
void x64_trunc(Cc *c, u16 v, const HostOp *row)
{
    (void)row;
    alloc_def_over(&c->a, v, ins_of(c, v)->a.id);
}

/* Is v, in its register, known to have zeros above its 32 bits? */
static bool is_clean(const Cc *c, u16 v)
{
    switch (ins_of(c, v)->op) {
    case IR_trunc: case IR_call: case IR_shl: case IR_shr: case IR_sar:
    case IR_ror: case IR_cas: case IR_casif: case IR_rmw:
    case IR_extract: case IR_sextract: case IR_deposit: case IR_phi:
        return false;
    default:
        return true;
    }
}

void x64_zext(Cc *c, u16 v, const HostOp *row)
{
    u16 a = ins_of(c, v)->a.id;
    (void)row;
    if (dies_in_reg(c, a) && is_clean(c, a)) {
        alloc_def_over(&c->a, v, a);
        return;
    }
    Opd from = x64_opd(c, a);
    as_op(c->s, OP_LD, (unsigned)alloc_def(&c->a, v), from);
}

void x64_sext(Cc *c, u16 v, const HostOp *row)
{
    (void)row;
    Opd from = x64_opd(c, ins_of(c, v)->a.id);
    as_op(c->s, OP_MOVSXD | X_W, (unsigned)alloc_def(&c->a, v), from);
}

/* ---- bit fields --------------------------------------------------------- */

/* Low 8, 16 or 32 bits by a move; 0 if no move does it. */
static u32 low_move(unsigned len, bool sign)
{
    switch (len) {
    case 8:
        return sign ? OP_MOVSX8 : OP_MOVZX8;
    case 16:
        return sign ? OP_MOVSX16 : OP_MOVZX16;
    case 32:
        return sign ? OP_MOVSXD | X_W : OP_LD;
    default:
        return 0;
    }
}

static bool extract_low(Cc *c, u16 v, bool sign)
{
    const Ins *i = ins_of(c, v);
    unsigned pos = i->imm & 255, len = i->imm >> 8 & 255;
    u32 op = low_move(len, sign);
    if (pos || !op || len == width(i)) {
        return false;
    }
    unsigned from = (unsigned)alloc_use(&c->a, i->a.id);
    unsigned to = (unsigned)alloc_def(&c->a, v);
    as_op(c->s, op | (sign ? wide(i->type) : 0), to, reg_opd(from));
    return true;
}

void x64_extract(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    unsigned pos = i->imm & 255, len = i->imm >> 8 & 255, n = width(i);
    u32 w = wide(i->type);
    (void)row;
    if (extract_low(c, v, false)) {
        return;
    }
    unsigned to = (unsigned)alloc_def_over(&c->a, v, i->a.id);
    if (pos + len < n && len >= 32) {
        shift_imm(c, w, G_SHL, to, n - pos - len);
        shift_imm(c, w, G_SHR, to, n - len);
        return;
    }
    shift_imm(c, w, G_SHR, to, pos);
    if (pos + len < n) {
        as_alu_imm(c->s, 0, G_AND, reg_opd(to), (i32)MASK(len));
    }
}

void x64_sextract(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    unsigned pos = i->imm & 255, len = i->imm >> 8 & 255, n = width(i);
    (void)row;
    if (extract_low(c, v, true)) {
        return;
    }
    unsigned to = (unsigned)alloc_def_over(&c->a, v, i->a.id);
    shift_imm(c, wide(i->type), G_SHL, to, n - pos - len);
    shift_imm(c, wide(i->type), G_SAR, to, n - len);
}

void x64_deposit(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    unsigned pos = i->imm & 255, len = i->imm >> 8 & 255, n = width(i);
    u32 w = wide(i->type);
    u64 hole = ~(MASK(len) << pos);
    (void)row;
    unsigned from = (unsigned)alloc_use(&c->a, i->b.id);
    unsigned to = (unsigned)alloc_def_over(&c->a, v, i->a.id);
    if (!pos && (len == 8 || len == 16)) {
        as_op(c->s, len == 8 ? OP_ST8 : OP_ST | X_OS, from, reg_opd(to));
        return;
    }
    as_mov(c->s, w, RAX, from);
    shift_imm(c, w, G_SHL, RAX, n - len);
    shift_imm(c, w, G_SHR, RAX, n - len - pos);
    if (!w || fits32((i64)hole)) {
        as_alu_imm(c->s, w, G_AND, reg_opd(to), (i32)hole);
    } else {
        as_mov_imm(c->s, RCX, hole, true);
        as_op(c->s, OP_AND | w, to, reg_opd(RCX));
    }
    as_op(c->s, OP_OR | w, to, reg_opd(RAX));
}
