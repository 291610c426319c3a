/* SPDX-License-Identifier: MIT */
/* FPOP instructions through the guest's soft functions. */
#include <assert.h>
#include "tcg/fp.h"

/* One more than the FpKind of the operations that have just one. */
static const u8 kinds[IR_NOPS] = {
#define ROW(op, kind) [IR_##op] = FP_##kind + 1
    ROW(fadd, ADD), ROW(fsub, SUB), ROW(fmul, MUL), ROW(fdiv, DIV),
    ROW(fsqrt, SQRT), ROW(ffma, FMA), ROW(fmin, MIN), ROW(fmax, MAX),
    ROW(fminnm, MINNM), ROW(fmaxnm, MAXNM), ROW(fcmpf, CMPF),
    ROW(fround, ROUND), ROW(f2f, CVT),
    ROW(vfadd, ADD), ROW(vfsub, SUB), ROW(vfmul, MUL), ROW(vfdiv, DIV),
    ROW(vfsqrt, SQRT), ROW(vffma, FMA),
    ROW(vfceq, CEQ), ROW(vfcge, CGE), ROW(vfcgt, CGT),
#undef ROW
};

FpKind fp_kind(const Ins *i, Type operand)
{
    if (i->op == IR_f2i) {
        return i->type == I32 ? FP_TO_I32 : FP_TO_I64;
    }
    if (i->op == IR_i2f) {
        return operand == I32 ? FP_FROM_I32 : FP_FROM_I64;
    }
    assert(kinds[i->op]);
    return (FpKind)(kinds[i->op] - 1);
}

Vec fp_vec(const FpSoft *soft, void *env, const Ins *i, Vec a, Vec b, Vec c)
{
    bool is64 = i->sub == L64;
    FpKind kind = fp_kind(i, V128T);
    FpFn *fn = soft->fn[kind][is64];
    bool mask = kind == FP_CEQ || kind == FP_CGE || kind == FP_CGT;
    Vec r = { .d = { 0, 0 } };

    for (u32 n = 0; n < (is64 ? 2 : 4); n++) {
        u64 v = is64 ? fn(env, a.d[n], b.d[n], c.d[n], i->sub)
                     : fn(env, a.w[n], b.w[n], c.w[n], i->sub);
        v = mask ? 0 - v : v;
        if (is64) {
            r.d[n] = v;
        } else {
            r.w[n] = (u32)v;
        }
    }
    return r;
}
