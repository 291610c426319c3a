/* SPDX-License-Identifier: MIT */
/*
 * x86-64: comparisons, flag words, selection; and the values that are
 * computed by their users or by the exit that needs them.
 *
 * A flag word is what lahf and seto al leave in eax, so the flags of a host
 * instruction are the guest's, but for the sense of the carry (IR_notc).
 */
#include "tcg/x86_64.h"
#include <assert.h>

/* May v be a summand of an address? */
static bool is_sum(const Ir *b, u16 v)
{
    return b->ins[v].op != IR_const;
}

bool x64_fold(const Ir *b, const Ins *i, unsigned use, unsigned uses)
{
    const Ins *k = &b->ins[i->b.id];
    switch (i->op) {
    case IR_set: case IR_fcond:
        return use == USE_BRANCH && uses == 1;
    case IR_addf: case IR_subf: case IR_adcf: case IR_sbcf: case IR_logicf:
        return use == USE_FLAGS && uses <= 2;
    case IR_notc:
        return use == USE_FLAGS;
    case IR_add:
        return (use == USE_ADDR && k->op == IR_const &&
                b->ins[i->a.id].op != IR_const &&
                (i->type == I32 || fits32((i64)k->imm))) ||
               ((use == USE_ADDR || use == USE_INDEX) &&
                is_sum(b, i->a.id) && is_sum(b, i->b.id));
    case IR_shl:
        return use == USE_INDEX && k->op == IR_const && k->imm &&
               k->imm <= 3;
    default:
        return false;
    }
}

/* ---- operands without the allocator ------------------------------------- */

/* v in a register: its own, or `scratch`. */
static unsigned any_reg(Cc *c, u16 v, unsigned scratch)
{
    if (c->a.reg[v] >= 0) {
        return (unsigned)c->a.reg[v];
    }
    x64_fetch(c, v, scratch);
    return scratch;
}

/*
 * The second operand of an operation on rax, made ready before rax is: a
 * constant, a register or place, or a sunk value in a temporary.
 */
typedef struct Second {
    u16  v;
    bool is_imm, is_remat;
    i32  imm;
    Opd  opd;
} Second;

static Second second(Cc *c, u16 v)
{
    Second x = { .v = v };
    x.is_imm = x64_imm(c, v, &x.imm);
    if (x.is_imm || x64_located(c, v, &x.opd)) {
        return x;
    }
    x.is_remat = c->a.fate[v] == REMAT;
    if (!x.is_remat) {
        x.opd = mem_opd(RSP, FRAME_TEMP + (i32)c->temps++ * 8);
        assert(c->temps <= TEMPS);
        x64_fetch(c, v, RAX);
        as_op(c->s, OP_ST | X_W, RAX, x.opd);
    }
    return x;
}

/* Its value in rcx, as one of w. */
static void second_in_rcx(Cc *c, u32 w, const Second *x)
{
    if (x->is_imm) {
        as_mov_imm(c->s, RCX, (u64)(i64)x->imm, true);
    } else if (x->is_remat) {
        x64_fetch(c, x->v, RCX);
    } else {
        as_op(c->s, OP_LD | w, RCX, x->opd);
    }
}

/* Group 1 operation on `reg`; a constant that does not fit goes by rcx. */
static void alu(Cc *c, u32 w, unsigned group, unsigned reg, const Second *x)
{
    Opd from = x->opd;
    if (x->is_imm) {
        as_alu_imm(c->s, w, group, reg_opd(reg), x->imm);
        return;
    }
    if (x->is_remat) {
        x64_fetch(c, x->v, RCX);
        from = reg_opd(RCX);
    }
    as_op(c->s, (group * 8 + 3) | w, reg, from);
}

/* ---- flags in the host's flag register ---------------------------------- */

/* The same as alu() on rax = operand a, with carry in from bit 0 of c. */
static void alu_carry(Cc *c, const Ins *i, u32 w, unsigned group)
{
    Second carry = second(c, i->c.id), x = second(c, i->b.id);
    x64_fetch(c, i->a.id, RAX);
    if (x.is_remat) {
        x64_fetch(c, x.v, RCX);
        x = (Second) { .opd = reg_opd(RCX) };
    }
    if (carry.is_imm) {
        as_8(c->s, carry.imm & 1 ? 0xf9 : 0xf8);    /* stc, clc */
    } else {
        as_op(c->s, OP_BTI, 4, carry.opd);
        as_8(c->s, 0);
    }
    alu(c, w, group, RAX, &x);
}

/* The host's flags as flag op v leaves them; clobbers rax and rcx. */
static void host_flags(Cc *c, u16 v)
{
    const Ins *i = ins_of(c, v);
    u32 w = wide(ins_of(c, i->a.id)->type);
    u32 temps = c->temps;
    unsigned a;
    Second x;
    switch (i->op) {
    case IR_subf: case IR_set:
        x = second(c, i->b.id);
        a = any_reg(c, i->a.id, RAX);
        alu(c, w, G_CMP, a, &x);
        break;
    case IR_addf:
        x = second(c, i->b.id);
        x64_fetch(c, i->a.id, RAX);
        alu(c, w, G_ADD, RAX, &x);
        break;
    case IR_adcf:
        alu_carry(c, i, w, G_ADC);
        break;
    case IR_sbcf:
        alu_carry(c, i, w, G_SBB);
        break;
    default:
        assert(i->op == IR_logicf);
        a = any_reg(c, i->a.id, RAX);
        as_op(c->s, OP_TEST | w, a, reg_opd(a));
        break;
    }
    c->temps = temps;
}

/* The flag word of flag op v in eax. */
static void flag_word(Cc *c, u16 v)
{
    const Ins *i = ins_of(c, v);
    if (i->op == IR_notc) {
        x64_fetch(c, i->a.id, RAX);
        as_alu_imm(c->s, 0, G_XOR, reg_opd(RAX), FLAG_C);
        return;
    }
    host_flags(c, v);
    as_8(c->s, 0x9f);                               /* lahf */
    as_op(c->s, OP_SETCC | CC_O, 0, reg_opd(RAX));
}

/* ---- sunk values -------------------------------------------------------- */

static const u8 cond_cc[] = {
    [EQ] = CC_E, [NE] = CC_NE, [LT] = CC_L, [GE] = CC_GE, [LE] = CC_LE,
    [GT] = CC_G, [LTU] = CC_B, [GEU] = CC_AE, [LEU] = CC_BE, [GTU] = CC_A,
};

static void shift(Cc *c, u32 w, unsigned group, unsigned reg, unsigned n)
{
    if (n) {
        as_op(c->s, OP_SHI | w, group, reg_opd(reg));
        as_8(c->s, (u8)n);
    }
}

/* rax = the low half of v. */
static void sunk_low_half(Cc *c, u16 v)
{
    Opd from = reg_opd(RAX);
    if (!x64_located(c, v, &from)) {
        x64_fetch(c, v, RAX);
    }
    as_op(c->s, OP_LD, RAX, from);
}

static void sunk_binary(Cc *c, const Ins *i)
{
    static const u8 groups[IR_NOPS] = {
        [IR_add] = G_ADD, [IR_sub] = G_SUB, [IR_and] = G_AND, [IR_or] = G_OR,
        [IR_xor] = G_XOR,
    };
    const Ins *k = ins_of(c, i->b.id);
    if (i->op == IR_and && k->op == IR_const && k->imm == UINT32_MAX) {
        sunk_low_half(c, i->a.id);
        return;
    }
    Second x = second(c, i->b.id);
    x64_fetch(c, i->a.id, RAX);
    alu(c, wide(i->type), groups[i->op], RAX, &x);
}

static void sunk_shift(Cc *c, const Ins *i)
{
    unsigned group = i->op == IR_shl ? G_SHL : i->op == IR_shr ? G_SHR : G_SAR;
    unsigned width = i->type == I64 ? 64 : 32;
    x64_fetch(c, i->a.id, RAX);
    shift(c, wide(i->type), group, RAX,
          (unsigned)ins_of(c, i->b.id)->imm & (width - 1));
}

static void sunk_field(Cc *c, const Ins *i)
{
    unsigned n = i->type == I64 ? 64 : 32;
    unsigned pos = i->imm & 255, len = i->imm >> 8 & 255;
    u32 w = wide(i->type);
    if (i->op != IR_deposit) {
        x64_fetch(c, i->a.id, RAX);
        shift(c, w, G_SHL, RAX, n - pos - len);
        shift(c, w, i->op == IR_extract ? G_SHR : G_SAR, RAX, n - len);
        return;
    }
    Second x = second(c, i->b.id);
    x64_fetch(c, i->a.id, RAX);
    second_in_rcx(c, w, &x);
    if (!pos) {
        shift(c, w, G_SHR, RAX, len & (n - 1));
        shift(c, w, G_SHL, RAX, len & (n - 1));
    } else {
        as_op(c->s, OP_SHI | w, G_ROR, reg_opd(RAX));
        as_8(c->s, (u8)pos);
        as_alu_imm(c->s, w, G_AND, reg_opd(RAX), (i32)~MASK(len));
        as_op(c->s, OP_SHI | w, G_ROL, reg_opd(RAX));
        as_8(c->s, (u8)pos);
    }
    shift(c, w, G_SHL, RCX, n - len);
    shift(c, w, G_SHR, RCX, n - len - pos);
    as_op(c->s, OP_OR | w, RAX, reg_opd(RCX));
}

static void sunk_set(Cc *c, u16 v)
{
    host_flags(c, v);
    as_op(c->s, OP_SETCC | cond_cc[ins_of(c, v)->sub], 0, reg_opd(RAX));
    as_op(c->s, OP_MOVZX8, RAX, reg_opd(RAX));
}

void x64_sunk(Cc *c, u16 v)
{
    const Ins *i = ins_of(c, v);
    u32 temps = c->temps;
    switch (i->op) {
    case IR_addf: case IR_subf: case IR_adcf: case IR_sbcf:
    case IR_logicf: case IR_notc:
        flag_word(c, v);
        break;
    case IR_trunc:
        x64_fetch(c, i->a.id, RAX);
        break;
    case IR_zext:
        sunk_low_half(c, i->a.id);
        break;
    case IR_sext:
        x64_fetch(c, i->a.id, RAX);
        as_op(c->s, OP_MOVSXD | X_W, RAX, reg_opd(RAX));
        break;
    case IR_set:
        sunk_set(c, v);
        break;
    case IR_shl: case IR_shr: case IR_sar:
        sunk_shift(c, i);
        break;
    case IR_extract: case IR_sextract: case IR_deposit:
        sunk_field(c, i);
        break;
    default:
        sunk_binary(c, i);
        break;
    }
    c->temps = temps;
}

/* ---- conditions --------------------------------------------------------- */

/* a cond b as a host condition; the operands get registers. */
/* Flags for v, in register r, against 0. */
static void test(Cc *c, u16 v, unsigned r)
{
    bool done = c->s == &c->hot && c->tested == v
             && c->tested_at == as_here(&c->hot);
    if (!done) {
        as_op(c->s, OP_TEST | wide(ins_of(c, v)->type), r, reg_opd(r));
    }
}

static unsigned compare(Cc *c, const Ins *i)
{
    u32 w = wide(ins_of(c, i->a.id)->type);
    i32 imm;
    if (!x64_imm(c, i->b.id, &imm)) {
        unsigned a = (unsigned)alloc_use(&c->a, i->a.id);
        as_op(c->s, OP_CMP | w, a, x64_opd(c, i->b.id));
        return cond_cc[i->sub];
    }
    Opd a = x64_opd(c, i->a.id);
    if (!imm && a.kind == O_REG && i->sub <= NE) {
        test(c, i->a.id, a.reg);
    } else if (!imm && a.kind == O_REG) {
        as_op(c->s, OP_TEST | w, a.reg, a);
    } else {
        as_alu_imm(c->s, w, G_CMP, a, imm);
    }
    return cond_cc[i->sub];
}

/* Operands of flag op v in registers, but for constants. */
static void flag_operands(Cc *c, u16 v)
{
    const Ins *i = ins_of(c, v);
    const u16 operand[3] = { i->a.id, i->b.id, i->c.id };
    for (unsigned n = 0; n < 3; n++) {
        u16 x = operand[n];
        if (!x || c->a.fate[x] == REMAT) {
            continue;
        }
        if (c->a.fate[x] == FOLD) {
            flag_operands(c, x);
        } else {
            alloc_use(&c->a, x);
        }
    }
}

static void test_imm(Cc *c, Opd word, u32 mask)
{
    as_op(c->s, OP_TESTI, 0, word);
    as_32(c->s, mask);
}

/* fc of a flag word in register or memory, C inverted if `inv`. */
static unsigned word_cond(Cc *c, FlagCond fc, Opd word, bool inv)
{
    static const u32 mask[] = {
        [FC_Z] = FLAG_Z, [FC_NZ] = FLAG_Z, [FC_C] = FLAG_C, [FC_NC] = FLAG_C,
        [FC_N] = FLAG_N, [FC_NN] = FLAG_N, [FC_V] = FLAG_V, [FC_NV] = FLAG_V,
    };
    unsigned no = fc & 1;
    if (fc <= FC_NV) {
        bool swap = inv && (fc == FC_C || fc == FC_NC);
        test_imm(c, word, mask[fc]);
        return CC_NE ^ no ^ swap;
    }
    as_op(c->s, OP_LD, RAX, word);
    if (fc == FC_HI || fc == FC_LS) {
        as_alu_imm(c->s, 0, G_AND, reg_opd(RAX), FLAG_Z | FLAG_C);
        as_alu_imm(c->s, 0, G_CMP, reg_opd(RAX), inv ? 0 : FLAG_C);
        return CC_E ^ no;
    }
    /* bit 0: N != V; bit 14 stays Z */
    as_op(c->s, OP_MOVZX16, RCX, reg_opd(RAX));
    as_op(c->s, OP_SHI, G_SHR, reg_opd(RCX));
    as_8(c->s, 15);
    as_op(c->s, OP_XOR, RAX, reg_opd(RCX));
    test_imm(c, reg_opd(RAX), fc == FC_GE || fc == FC_LT ? FLAG_V
                                                         : FLAG_V | FLAG_Z);
    return CC_E ^ no;
}

/* fc of the host's flags. */
static unsigned host_cond(Cc *c, FlagCond fc, bool inv)
{
    static const u8 cc[] = {
        [FC_Z] = CC_E, [FC_NZ] = CC_NE, [FC_C] = CC_B, [FC_NC] = CC_AE,
        [FC_N] = CC_S, [FC_NN] = CC_NS, [FC_V] = CC_O, [FC_NV] = CC_NO,
        [FC_HI] = CC_A, [FC_LS] = CC_BE, [FC_GE] = CC_GE, [FC_LT] = CC_L,
        [FC_GT] = CC_G, [FC_LE] = CC_LE,
    };
    if ((fc == FC_HI || fc == FC_LS) && !inv) {
        as_8(c->s, 0xf5);                           /* cmc */
    }
    bool swap = inv && (fc == FC_C || fc == FC_NC);
    return cc[fc] ^ swap;
}

static unsigned flag_cond(Cc *c, const Ins *i)
{
    u16 f = i->a.id;
    bool inv = false;
    while (c->a.fate[f] == FOLD && ins_of(c, f)->op == IR_notc) {
        f = ins_of(c, f)->a.id;
        inv = !inv;
    }
    if (c->a.fate[f] == FOLD) {
        flag_operands(c, f);
        host_flags(c, f);
        return host_cond(c, (FlagCond)i->sub, inv);
    }
    return word_cond(c, (FlagCond)i->sub, x64_opd(c, f), inv);
}

unsigned x64_cond(Cc *c, u16 v)
{
    const Ins *i = ins_of(c, v);
    if (c->a.fate[v] == FOLD) {
        return i->op == IR_set ? compare(c, i) : flag_cond(c, i);
    }
    test(c, v, (unsigned)alloc_use(&c->a, v));
    return CC_NE;
}

void x64_cond_operands(Cc *c, u16 v)
{
    if (c->a.fate[v] == FOLD) {
        flag_operands(c, v);
    } else {
        alloc_use(&c->a, v);
    }
}

/* ---- emitters ----------------------------------------------------------- */

static void set_from(Cc *c, u16 v, unsigned cc)
{
    as_op(c->s, OP_SETCC | cc, 0, reg_opd(RAX));
    as_op(c->s, OP_MOVZX8, (unsigned)alloc_def(&c->a, v), reg_opd(RAX));
}

void x64_set(Cc *c, u16 v, const HostOp *row)
{
    (void)row;
    set_from(c, v, compare(c, ins_of(c, v)));
}

void x64_fcond(Cc *c, u16 v, const HostOp *row)
{
    (void)row;
    set_from(c, v, flag_cond(c, ins_of(c, v)));
}

void x64_flags(Cc *c, u16 v, const HostOp *row)
{
    (void)row;
    flag_operands(c, v);
    flag_word(c, v);
    as_mov(c->s, 0, (unsigned)alloc_def(&c->a, v), RAX);
}

void x64_notc(Cc *c, u16 v, const HostOp *row)
{
    unsigned to = (unsigned)alloc_def_over(&c->a, v, ins_of(c, v)->a.id);
    (void)row;
    as_alu_imm(c->s, 0, G_XOR, reg_opd(to), FLAG_C);
}

void x64_packf(Cc *c, u16 v, const HostOp *row)
{
    unsigned to = (unsigned)alloc_def_over(&c->a, v, ins_of(c, v)->a.id);
    (void)row;
    as_alu_imm(c->s, 0, G_AND, reg_opd(to), FLAG_NZCV);
    as_op(c->s, OP_IMULI, to, reg_opd(to));
    as_32(c->s, 1u << 28 | 1u << 21 | 1u << 16);
    as_alu_imm(c->s, 0, G_AND, reg_opd(to), (i32)0xf0000000);
}

void x64_unpackf(Cc *c, u16 v, const HostOp *row)
{
    unsigned to = (unsigned)alloc_def_over(&c->a, v, ins_of(c, v)->a.id);
    (void)row;
    as_op(c->s, OP_SHI, G_SHR, reg_opd(to));
    as_8(c->s, 28);
    as_op(c->s, OP_IMULI, to, reg_opd(to));
    as_32(c->s, 1u << 12 | 1u << 7 | 1);
    as_alu_imm(c->s, 0, G_AND, reg_opd(to), FLAG_NZCV);
}

/* "c if a cond b else d": d's copy is overwritten by c under the condition.
 * What brings c and d along leaves the flags alone. */
void x64_select(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    (void)row;
    unsigned cc = c->a.fate[i->a.id] == FOLD
                ? x64_cond(c, i->a.id) ^ (i->sub == EQ)
                : compare(c, i);
    c->keep_flags = true;
    if (class_of(i->type) == CLASS_INT) {
        Opd from = x64_opd(c, i->c.id);
        unsigned to = (unsigned)alloc_def_over(&c->a, v, i->d.id);
        as_op(c->s, OP_CMOV | cc | wide(i->type), to, from);
    } else {
        unsigned from = (unsigned)alloc_use(&c->a, i->c.id);
        unsigned to = (unsigned)alloc_def_over(&c->a, v, i->d.id);
        u32 skip = as_jcc_open(c->s, cc ^ 1);
        x64_move(c, i->type, to, from);
        as_close(c->s, skip);
    }
    c->keep_flags = false;
}
