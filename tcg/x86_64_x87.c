/* SPDX-License-Identifier: MIT */
/*
 * x86-64: operations on 80-bit numbers in env on the host's x87 unit.
 *
 * The unit's stack is empty between operations; its control and status word
 * are env's.  FNSTSW follows each operation, before the result goes to memory:
 * that would clear C1.
 *
 * Intel SDM volume 2, the instructions F...; volume 1, 8.1.
 */
#include "tcg/x86_64.h"

enum { FSTSW_M = 0xdd, FLDCW_M = 0xd9, FLD_80 = 0xdb, FSTP_80 = 0xdb };

/* An opcode with a memory operand: the byte and ModRM.reg. */
typedef struct MemForm { u8 op, reg; } MemForm;

static const MemForm loads[] = {
    [F80_F32] = { 0xd9, 0 }, [F80_F64] = { 0xdd, 0 }, [F80_I16] = { 0xdf, 0 },
    [F80_I32] = { 0xdb, 0 }, [F80_I64] = { 0xdf, 5 },
};
static const MemForm stores[] = {
    [F80_F32] = { 0xd9, 3 }, [F80_F64] = { 0xdd, 3 }, [F80_I16] = { 0xdf, 3 },
    [F80_I32] = { 0xdb, 3 }, [F80_I64] = { 0xdf, 7 },
    [F80_TRUNC | F80_I16] = { 0xdf, 1 }, [F80_TRUNC | F80_I32] = { 0xdb, 1 },
    [F80_TRUNC | F80_I64] = { 0xdd, 1 },
};
/* Arithmetic with a memory operand. */
static const u8 with_memory[] = {
    [F80_F32] = 0xd8, [F80_F64] = 0xdc, [F80_I16] = 0xde, [F80_I32] = 0xda,
};

/* Argument n of the call v. */
static u16 arg(Cc *c, u16 v, unsigned n)
{
    return c->b->args[ins_of(c, v)->a.id + n].id;
}

static unsigned konst_arg(Cc *c, u16 v, unsigned n)
{
    return (unsigned)ins_of(c, arg(c, v, n))->imm;
}

/* The register that argument n names. */
static Opd reg_arg(Cc *c, u16 v, unsigned n)
{
    return idx_opd(RBP, (unsigned)alloc_use(&c->a, arg(c, v, n)), 0);
}

static Opd above(Opd reg)
{
    reg.disp += 8;
    return reg;
}

static Opd status_opd(void)
{
    return env_opd(offsetof(TcgEnv, fsw));
}

static Opd operand_opd(void)
{
    return env_opd(offsetof(TcgEnv, fop));
}

static void two(Cc *c, unsigned first, unsigned second)
{
    as_8(c->s, (u8)first);
    as_8(c->s, (u8)second);
}

static void fld(Cc *c, Opd reg)
{
    as_op(c->s, FLD_80, 5, reg);
}

static void status_stored(Cc *c)
{
    as_op(c->s, FSTSW_M, 7, status_opd());
}

static void result(Cc *c, Opd reg)
{
    status_stored(c);
    as_op(c->s, FSTP_80, 7, reg);
}

/* The value in argument n goes to memory, where the unit reads it. */
static void operand_stored(Cc *c, u16 v, unsigned n)
{
    as_op(c->s, OP_ST | X_W, (unsigned)alloc_use(&c->a, arg(c, v, n)),
          operand_opd());
}

typedef void Emit80(Cc *c, u16 v);

static void emit_load(Cc *c, u16 v)
{
    MemForm f = loads[konst_arg(c, v, 2)];
    Opd dst = reg_arg(c, v, 0);
    operand_stored(c, v, 1);
    as_op(c->s, f.op, f.reg, operand_opd());
    result(c, dst);
}

static void emit_value(Cc *c, u16 v)
{
    static const u32 moves[] = {
        [F80_F32] = OP_LD, [F80_F64] = OP_LD | X_W, [F80_I16] = OP_MOVZX16,
        [F80_I32] = OP_LD, [F80_I64] = OP_LD | X_W,
    };
    unsigned format = konst_arg(c, v, 1);
    MemForm f = stores[format];
    fld(c, reg_arg(c, v, 0));
    as_op(c->s, f.op, f.reg, operand_opd());
    if (c->a.end[v] > v) {
        as_op(c->s, moves[format & ~(unsigned)F80_TRUNC],
              (unsigned)alloc_def(&c->a, v), operand_opd());
    }
}

static void emit_commit(Cc *c, u16 v)
{
    (void)v;
    status_stored(c);
}

/* DE C1 + 8 op: ST(1) = ST(0) op ST(1) but for SUB, DIV: the other way. */
static void emit_arith(Cc *c, u16 v)
{
    Opd dst = reg_arg(c, v, 0), a = reg_arg(c, v, 1), b = reg_arg(c, v, 2);
    fld(c, b);
    fld(c, a);
    two(c, 0xde, 0xc1 + 8 * konst_arg(c, v, 3));
    result(c, dst);
}

static void emit_arith_value(Cc *c, u16 v)
{
    unsigned what = konst_arg(c, v, 3);
    Opd dst = reg_arg(c, v, 0), a = reg_arg(c, v, 1);
    operand_stored(c, v, 2);
    fld(c, a);
    as_op(c->s, with_memory[what >> 4], what & 7, operand_opd());
    result(c, dst);
}

static void emit_unary(Cc *c, u16 v)
{
    Opd dst = reg_arg(c, v, 0), src = reg_arg(c, v, 1);
    fld(c, src);
    two(c, 0xd9, konst_arg(c, v, 2));
    result(c, dst);
}

static void emit_compare(Cc *c, u16 v)
{
    Opd a = reg_arg(c, v, 0), b = reg_arg(c, v, 1);
    fld(c, b);
    fld(c, a);
    if (konst_arg(c, v, 2)) {
        two(c, 0xda, 0xe9);                     /* fucompp */
    } else {
        two(c, 0xde, 0xd9);                     /* fcompp */
    }
    status_stored(c);
}

static void emit_compare_value(Cc *c, u16 v)
{
    enum { COMP = 3 };
    Opd a = reg_arg(c, v, 0);
    operand_stored(c, v, 1);
    fld(c, a);
    as_op(c->s, with_memory[konst_arg(c, v, 2)], COMP, operand_opd());
    status_stored(c);
}

static void emit_order(Cc *c, u16 v)
{
    enum { ZF_PF_CF = 0x45, EXCEPTIONS = 0x3f };
    Opd a = reg_arg(c, v, 0), b = reg_arg(c, v, 1);
    fld(c, b);
    fld(c, a);
    two(c, 0xdf, konst_arg(c, v, 2) ? 0xe9 : 0xf1);     /* fucomip, fcomip */
    as_8(c->s, 0x9f);                                   /* lahf */
    as_mov(c->s, 0, RCX, RAX);
    as_op(c->s, OP_SHI, G_SHR, reg_opd(RCX));
    as_8(c->s, 8);
    as_alu_imm(c->s, 0, G_AND, reg_opd(RCX), ZF_PF_CF);
    two(c, 0xdd, 0xd8);                                 /* fstp st(0) */
    two(c, 0xdf, 0xe0);                                 /* fnstsw ax */
    as_alu_imm(c->s, 0, G_AND, reg_opd(RAX), EXCEPTIONS);
    as_op(c->s, (OP_OR & ~2u) | X_OS, RAX, status_opd());
    if (c->a.end[v] > v) {
        as_mov(c->s, 0, (unsigned)alloc_def(&c->a, v), RCX);
    }
}

static void emit_const(Cc *c, u16 v)
{
    Opd dst = reg_arg(c, v, 0);
    two(c, 0xd9, 0xe8 + konst_arg(c, v, 1));
    result(c, dst);
}

static void emit_move(Cc *c, u16 v)
{
    Opd dst = reg_arg(c, v, 0), src = reg_arg(c, v, 1);
    as_op(c->s, OP_LD | X_W, RAX, src);
    as_op(c->s, OP_MOVZX16, RCX, above(src));
    as_op(c->s, OP_ST | X_W, RAX, dst);
    as_op(c->s, OP_ST | X_OS, RCX, above(dst));
}

static void emit_swap(Cc *c, u16 v)
{
    Opd a = reg_arg(c, v, 0), b = reg_arg(c, v, 1);
    as_op(c->s, OP_LD | X_W, RAX, a);
    as_op(c->s, OP_LD | X_W, RCX, b);
    as_op(c->s, OP_ST | X_W, RAX, b);
    as_op(c->s, OP_ST | X_W, RCX, a);
    as_op(c->s, OP_MOVZX16, RAX, above(a));
    as_op(c->s, OP_MOVZX16, RCX, above(b));
    as_op(c->s, OP_ST | X_OS, RAX, above(b));
    as_op(c->s, OP_ST | X_OS, RCX, above(a));
}

static void emit_clear_c1(Cc *c, u16 v)
{
    enum { C1 = 2 };            /* in the high byte */
    Opd high = env_opd(offsetof(TcgEnv, fsw) + 1);
    (void)v;
    as_op(c->s, 0x80 | X_I8, G_AND, high);
    as_8(c->s, (u8)~C1);
}

static void word_of(Cc *c, u16 v, size_t offset)
{
    if (c->a.end[v] > v) {
        as_op(c->s, OP_MOVZX16, (unsigned)alloc_def(&c->a, v),
              env_opd(offset));
    }
}

static void emit_status(Cc *c, u16 v)
{
    word_of(c, v, offsetof(TcgEnv, fsw));
}

static void emit_control(Cc *c, u16 v)
{
    word_of(c, v, offsetof(TcgEnv, fcw));
}

static void emit_set_control(Cc *c, u16 v)
{
    Opd fcw = env_opd(offsetof(TcgEnv, fcw));
    as_op(c->s, OP_ST | X_OS, (unsigned)alloc_use(&c->a, arg(c, v, 0)), fcw);
    as_op(c->s, FLDCW_M, 5, fcw);
}

bool x64_host_fn(Cc *c, u16 v, HostFn fn)
{
    static Emit80 *const emit[HOST_FNS] = {
        [HOST_F80_LOAD] = emit_load, [HOST_F80_VALUE] = emit_value,
        [HOST_F80_COMMIT] = emit_commit, [HOST_F80_ARITH] = emit_arith,
        [HOST_F80_ARITH_VALUE] = emit_arith_value,
        [HOST_F80_UNARY] = emit_unary, [HOST_F80_COMPARE] = emit_compare,
        [HOST_F80_COMPARE_VALUE] = emit_compare_value,
        [HOST_F80_ORDER] = emit_order, [HOST_F80_CONST] = emit_const,
        [HOST_F80_MOVE] = emit_move, [HOST_F80_SWAP] = emit_swap,
        [HOST_F80_CLEAR_C1] = emit_clear_c1,
        [HOST_F80_STATUS] = emit_status, [HOST_F80_CONTROL] = emit_control,
        [HOST_F80_SET_CONTROL] = emit_set_control,
    };
    if (!emit[fn]) {
        return false;
    }
    emit[fn](c, v);
    return true;
}
