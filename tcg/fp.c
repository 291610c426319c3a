/* SPDX-License-Identifier: MIT */
/* FPOP instructions through the guest's soft functions. */
#include <assert.h>
#include "tcg/fp.h"

static const struct { u16 op; FpKind kind; } kinds[] = {
    { IR_fadd, FP_ADD }, { IR_fsub, FP_SUB }, { IR_fmul, FP_MUL },
    { IR_fdiv, FP_DIV }, { IR_fsqrt, FP_SQRT }, { IR_ffma, FP_FMA },
    { IR_fmin, FP_MIN }, { IR_fmax, FP_MAX }, { IR_fminnm, FP_MINNM },
    { IR_fmaxnm, FP_MAXNM }, { IR_fcmpf, FP_CMPF }, { IR_fround, FP_ROUND },
    { IR_f2f, FP_CVT },
    { IR_vfadd, FP_ADD }, { IR_vfsub, FP_SUB }, { IR_vfmul, FP_MUL },
    { IR_vfdiv, FP_DIV }, { IR_vfsqrt, FP_SQRT }, { IR_vffma, FP_FMA },
    { IR_vfceq, FP_CEQ }, { IR_vfcge, FP_CGE }, { IR_vfcgt, FP_CGT },
};

FpKind fp_kind(const Ins *i, Type operand)
{
    if (i->op == IR_f2i) {
        return i->type == I32 ? FP_TO_I32 : FP_TO_I64;
    }
    if (i->op == IR_i2f) {
        return operand == I32 ? FP_FROM_I32 : FP_FROM_I64;
    }
    for (u32 k = 0; k < countof(kinds); k++) {
        if (kinds[k].op == i->op) {
            return kinds[k].kind;
        }
    }
    assert(!"an FP operation");
    return FP_ADD;
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
