/* SPDX-License-Identifier: MIT */
/* x86-64: values on their way between registers, memory and constants. */
#include "tcg/x86_64.h"
#include <assert.h>

/* ---- memory and registers ----------------------------------------------- */

void x64_store(Cc *c, Type t, unsigned reg, Opd to)
{
    switch (t) {
    case F32:
        x64_v2(c, OP_MOVSS_ST, reg, to);
        break;
    case F64:
        x64_v2(c, OP_MOVSD_ST, reg, to);
        break;
    case V128T:
        x64_v2(c, OP_MOVUPS_ST, reg, to);
        break;
    default:
        as_op(c->s, OP_ST | wide(t), reg, to);
        break;
    }
}

void x64_load(Cc *c, Type t, unsigned reg, Opd from)
{
    switch (t) {
    case F32:
        x64_v2(c, OP_MOVSS, reg, from);
        break;
    case F64:
        x64_v2(c, OP_MOVSD, reg, from);
        break;
    case V128T:
        x64_v2(c, OP_MOVUPS, reg, from);
        break;
    default:
        as_op(c->s, OP_LD | wide(t), reg, from);
        break;
    }
}

void x64_move(Cc *c, Type t, unsigned to, unsigned from)
{
    if (to == from) {
        return;
    }
    if (class_of(t) == CLASS_VEC) {
        x64_v2(c, OP_MOVAPS, to, reg_opd(from));
    } else {
        as_op(c->s, OP_LD | wide(t), to, reg_opd(from));
    }
}

/* ---- constants ---------------------------------------------------------- */

u32 x64_data(Cc *c, u64 lo, u64 hi)
{
    const u64 w[2] = { lo, hi };
    for (u8 *p = c->data.buf + c->data_start; p < c->data.p; p += 16) {
        if (!memcmp(p, w, 16)) {
            return (u32)(p - c->data.buf);
        }
    }
    u32 at = as_here(&c->data);
    as_64(&c->data, lo);
    as_64(&c->data, hi);
    return at;
}

static void load_const(Cc *c, Type t, const u64 w[2], unsigned reg)
{
    if (class_of(t) == CLASS_INT) {
        as_mov_imm(c->s, reg, t == I32 ? (u32)w[0] : w[0],
                   !c->keep_flags);
    } else if (!w[0] && !w[1]) {
        x64_v3(c, OP_PXOR, reg, reg, reg_opd(reg));
    } else {
        u32 at = x64_data(c, t == F32 ? (u32)w[0] : w[0], w[1]);
        x64_load(c, t, reg, rip_opd(S_DATA, at));
    }
}

bool x64_imm(const Cc *c, u16 v, i32 *imm)
{
    const Ins *i = ins_of(c, v);
    if (i->op != IR_const || class_of(i->type) == CLASS_VEC) {
        return false;
    }
    *imm = (i32)i->imm;
    return i->type == I32 || fits32((i64)i->imm);
}

void x64_load_pc(Cc *c, unsigned reg, i64 offset)
{
    as_op(c->s, OP_LD | c->wp, reg, env_opd(offsetof(TcgEnv, pc_page)));
    if (!c->wp || fits32(offset)) {
        if (offset) {
            as_op(c->s, OP_LEA | c->wp, reg, mem_opd(reg, (i32)offset));
        }
        return;
    }
    assert(reg != RCX);
    as_mov_imm(c->s, RCX, (u64)offset, false);
    as_op(c->s, OP_LEA | X_W, reg, idx_opd(reg, RCX, 0));
}

/* ---- any value ---------------------------------------------------------- */

bool x64_unchanged(const Cc *c, unsigned slot, u16 v)
{
    return c->a.fate[v] == HOME && ins_of(c, v)->imm == slot;
}

bool x64_located(const Cc *c, u16 v, Opd *where)
{
    const Ins *i = ins_of(c, v);
    if (c->a.reg[v] >= 0) {
        *where = reg_opd((unsigned)c->a.reg[v]);
    } else if (c->a.place[v] >= 0) {
        *where = place_opd(c->a.place[v]);
    } else if (c->a.fate[v] == HOME) {
        *where = env_opd(c->b->slots[i->imm].offset);
    } else {
        return false;
    }
    return true;
}

void x64_fetch(Cc *c, u16 v, unsigned reg)
{
    const Ins *i = ins_of(c, v);
    Opd from;
    u64 w[2];
    if (x64_located(c, v, &from)) {
        if (from.kind == O_REG) {
            x64_move(c, i->type, reg, from.reg);
        } else {
            x64_load(c, i->type, reg, from);
        }
    } else if (ir_const_of(c->b, v, w)) {
        load_const(c, i->type, w, reg);
    } else if (i->op == IR_pc) {
        x64_load_pc(c, reg, (i64)i->imm);
    } else {
        assert(c->a.fate[v] == SUNK || c->a.fate[v] == FOLD);
        x64_sunk(c, v);
        x64_move(c, i->type, reg, RAX);
    }
}

void x64_get(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    (void)row;
    x64_load(c, i->type, (unsigned)alloc_def_new(&c->a, v),
             env_opd(c->b->slots[i->imm].offset));
}

Opd x64_opd(Cc *c, u16 v)
{
    Opd where;
    if (c->a.reg[v] < 0 && c->a.fate[v] != REMAT && !alloc_wanted(&c->a, v) &&
        x64_located(c, v, &where)) {
        return where;
    }
    return reg_opd((unsigned)alloc_use(&c->a, v));
}

/* ---- operations by way of C --------------------------------------------- */

void x64_op_by_call(Cc *c, u16 v, const int *regs, int result)
{
    const Ins *i = ins_of(c, v);
    const u16 operand[4] = { i->a.id, i->b.id, i->c.id, i->d.id };
    OpCall call;
    memset(&call, 0, sizeof(call));
    call.ins = *i;
    call.operand = ins_of(c, i->a.id)->type;
    call.soft = c->b->soft;
    for (unsigned n = 0; n < 4; n++) {
        Opd to = mem_opd(RSP, FRAME_OPND + (i32)n * PLACE_SIZE);
        if (operand[n]) {
            Type t = ins_of(c, operand[n])->type;
            x64_store(c, t, (unsigned)regs[n], to);
        }
    }
    u32 at = as_here(&c->data);
    memcpy(c->data.p, &call, sizeof(call));
    c->data.p += align_up(sizeof(call), 16);
    as_op(c->s, OP_LEA | X_W, RAX, rip_opd(S_DATA, at));
    as_call(c->s, S_COMMON, c->thunk[T_OP]);
    x64_load(c, i->type, (unsigned)result, mem_opd(RSP, FRAME_OPND));
}

void x64_call_op(Cc *c, u16 v, const HostOp *row)
{
    (void)row;
    const Ins *i = ins_of(c, v);
    const u16 operand[4] = { i->a.id, i->b.id, i->c.id, i->d.id };
    int regs[4] = { -1, -1, -1, -1 };
    for (unsigned n = 0; n < 4; n++) {
        if (operand[n]) {
            regs[n] = alloc_use(&c->a, operand[n]);
        }
    }
    x64_op_by_call(c, v, regs, alloc_def(&c->a, v));
}
