/* SPDX-License-Identifier: MIT */
/*
 * The folding rules, one a line: an expression and what it must become.  Both
 * are also evaluated on random slots.
 *
 * (operation operand... number...) with the operation as in the text form but
 * for the type, which follows from the operands; bitsof, vlow, i2f and such
 * name it.  Slots are called as in ir.c; 5 is an I64, 5w an I32; {a b} is a
 * V128 of two numbers.
 */
#pragma once
#include "tests/unit/tcg/ir.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static const struct { const char *from, *to; } rules[] = {
    /* constants */
    { "(add 2 3)", "5" },
    { "(add 0xffffffffw 1w)", "0w" },
    { "(sar 0x80000000w 4w)", "0xf8000000w" },
    { "(clz 0w)", "32w" },
    { "(ror 1 1)", "0x8000000000000000" },
    { "(sdiv 0x8000000000000000 -1)", "0x8000000000000000" },
    { "(udiv 7 0)", "0" },
    { "(mulhu -1 -1)", "-2" },
    { "(mulhs -1w -1w)", "0w" },
    { "(sext 0x80000000w)", "0xffffffff80000000" },
    { "(sextract 0xf0 4 4)", "-1" },
    { "(deposit 0xff 0 4 2)", "0xcf" },
    { "(set.ltu 1 2)", "1w" },
    { "(select.lt 1 2 x0 x1)", "x0" },
    { "(fcond.z (subf 1 1))", "1w" },
    { "(packf (subf 1 1))", "0x40000000w" },
    /* sums */
    { "(add x0 0)", "x0" },
    { "(add 5 x0)", "(add x0 5)" },
    { "(sub x0 5)", "(add x0 -5)" },
    { "(sub x0 0)", "x0" },
    { "(sub x0 x0)", "0" },
    { "(add (add x0 5) 7)", "(add x0 12)" },
    { "(sub (add x0 5) 5)", "x0" },
    { "(add (sub 5 x0) 7)", "(sub 12 x0)" },
    { "(sub 5 (add x0 7))", "(sub -2 x0)" },
    { "(sub 5 (sub 3 x0))", "(add x0 2)" },
    { "(sub 0 (sub 0 x0))", "x0" },
    { "(sub 0 (sub x0 x1))", "(sub x1 x0)" },
    { "(add x0 (sub 0 x1))", "(sub x0 x1)" },
    { "(add (sub 0 x0) x1)", "(sub x1 x0)" },
    { "(sub x0 (sub 0 x1))", "(add x0 x1)" },
    { "(add (pc 0x100) 8)", "(pc 0x108)" },
    { "(sub (pc 0x100) 0x108)", "(pc -8)" },
    { "(sub (pc 0x100) (pc 0x40))", "0xc0" },
    { "(and (pc 0x1104) -4096)", "(pc 0x1000)" },
    { "(and (pc 0x1104) 0xfff)", "0x104" },
    { "(mul x0 0)", "0" },
    { "(mul x0 1)", "x0" },
    { "(mul x0 8)", "(shl x0 3)" },
    { "(mul x0 -1)", "(sub 0 x0)" },
    { "(mulhu x0 1)", "0" },
    { "(mulhu x0 16)", "(shr x0 60)" },
    { "(mulhs x0 1)", "(sar x0 63)" },
    { "(udiv x0 1)", "x0" },
    { "(udiv x0 8)", "(shr x0 3)" },
    { "(sdiv x0 -1)", "(sub 0 x0)" },
    { "(sdiv x0 0)", "0" },
    /* logic */
    { "(and x0 0)", "0" },
    { "(and x0 -1)", "x0" },
    { "(and x0 x0)", "x0" },
    { "(and (and x0 0xff) 0xf)", "(and x0 15)" },
    { "(and (zext w0) 0xffffffff)", "(zext w0)" },
    { "(and (zext w0) 0xff)", "(zext (and w0 0xffw))" },
    { "(and (shr x0 8) 0xff)", "(extract x0 8 8)" },
    { "(and (shr x0 56) 0xff)", "(shr x0 56)" },
    { "(and (extract x0 8 8) 15)", "(extract x0 8 4)" },
    { "(and (set.eq x0 x1) 1w)", "(set.eq x0 x1)" },
    { "(and (shl x0 8) 0xff)", "0" },
    { "(or x0 0)", "x0" },
    { "(or x0 -1)", "-1" },
    { "(or x0 x0)", "x0" },
    { "(or (or x0 1) 2)", "(or x0 3)" },
    { "(xor x0 0)", "x0" },
    { "(xor x0 x0)", "0" },
    { "(xor (xor x0 -1) -1)", "x0" },
    { "(xor (set.lt x0 x1) 1w)", "(set.ge x0 x1)" },
    { "(xor (set.eq x0 x1) 1w)", "(set.ne x0 x1)" },
    { "(xor (set.ne x0 x1) 1w)", "(set.eq x0 x1)" },
    { "(xor (set.ge x0 x1) 1w)", "(set.lt x0 x1)" },
    { "(xor (set.le x0 x1) 1w)", "(set.gt x0 x1)" },
    { "(xor (set.gt x0 x1) 1w)", "(set.le x0 x1)" },
    { "(xor (set.ltu x0 x1) 1w)", "(set.geu x0 x1)" },
    { "(xor (set.geu x0 x1) 1w)", "(set.ltu x0 x1)" },
    { "(xor (set.leu x0 x1) 1w)", "(set.gtu x0 x1)" },
    { "(xor (set.gtu x0 x1) 1w)", "(set.leu x0 x1)" },
    { "(xor (fcond.z f0) 1w)", "(fcond.nz f0)" },
    /* shifts */
    { "(shl x0 64)", "x0" },
    { "(shl 0 x0)", "0" },
    { "(shr (shr x0 8) 8)", "(shr x0 16)" },
    { "(shr (shr x0 32) 32)", "0" },
    { "(sar (sar w0 20w) 20w)", "(sar w0 31w)" },
    { "(ror (ror w0 20w) 20w)", "(ror w0 8w)" },
    { "(shr (shl x0 8) 16)", "(extract x0 8 48)" },
    { "(shr (shl x0 8) 8)", "(and x0 0xffffffffffffff)" },
    { "(sar (shl x0 8) 16)", "(sextract x0 8 48)" },
    { "(shl (shr x0 8) 8)", "(and x0 -256)" },
    { "(shl (sar w0 8w) 8w)", "(and w0 0xffffff00w)" },
    { "(sar (shr x0 1) 4)", "(shr x0 5)" },
    { "(shr (zext w0) 4)", "(zext (shr w0 4w))" },
    { "(shr (zext w0) 32)", "0" },
    { "(shr (extract x0 4 8) 4)", "(extract x0 8 4)" },
    /* widths */
    { "(trunc (zext w0))", "w0" },
    { "(trunc (sext w0))", "w0" },
    { "(trunc (and x0 0xffffffff))", "(trunc x0)" },
    { "(trunc (sextract x0 0 32))", "(trunc x0)" },
    { "(trunc (deposit x0 x1 32 8))", "(trunc x0)" },
    { "(trunc (vget.64 v0 1))", "(vget.32 v0 2)" },
    { "(zext (trunc x0))", "(and x0 0xffffffff)" },
    { "(sext (trunc x0))", "(sextract x0 0 32)" },
    { "(sext (shr w0 1w))", "(zext (shr w0 1w))" },
    /* fields */
    { "(extract x0 0 64)", "x0" },
    { "(extract x0 0 8)", "(and x0 0xff)" },
    { "(extract x0 8 56)", "(shr x0 8)" },
    { "(sextract x0 8 56)", "(sar x0 8)" },
    { "(extract (extract x0 8 16) 4 4)", "(extract x0 12 4)" },
    { "(sextract (extract x0 8 16) 4 4)", "(sextract x0 12 4)" },
    { "(extract (sextract x0 8 16) 0 8)", "(extract x0 8 8)" },
    { "(extract (shr x0 8) 4 4)", "(extract x0 12 4)" },
    { "(extract (sar x0 8) 4 4)", "(extract x0 12 4)" },
    { "(sextract (shl x0 8) 12 4)", "(sextract x0 4 4)" },
    { "(sextract (and x0 0xff) 0 8)", "(sextract x0 0 8)" },
    { "(sextract (and x0 0x7f) 0 8)", "(and x0 0x7f)" },
    { "(extract (zext w0) 4 8)", "(zext (extract w0 4 8))" },
    { "(sextract (zext w0) 0 32)", "(sext w0)" },
    { "(extract (zext w0) 16 32)", "(zext (shr w0 16w))" },
    { "(extract (trunc x0) 4 8)", "(trunc (extract x0 4 8))" },
    { "(extract (deposit x0 x1 8 8) 8 8)", "(and x1 0xff)" },
    { "(extract (deposit x0 x1 8 8) 16 8)", "(extract x0 16 8)" },
    { "(deposit x0 x1 0 64)", "x1" },
    { "(deposit x0 x0 0 8)", "x0" },
    { "(deposit 0 x0 8 4)", "(shl (and x0 15) 8)" },
    { "(deposit x0 (and x1 0xff) 8 8)", "(deposit x0 x1 8 8)" },
    { "(deposit (deposit x0 x1 8 8) x2 8 8)", "(deposit x0 x2 8 8)" },
    /* comparisons */
    { "(set.eq x0 x0)", "1w" },
    { "(set.ltu (shl (and w0 255w) 24w) (shl (and w1 255w) 24w))",
      "(set.ltu (and w0 255w) (and w1 255w))" },
    { "(set.ne (shl (and w0 255w) 24w) 0x20000000w)",
      "(set.ne (and w0 255w) 32w)" },
    { "(set.lt (shl (and w0 255w) 24w) (shl (and w1 255w) 24w))",
      "(set.lt (shl (and w0 255w) 24w) (shl (and w1 255w) 24w))" },
    { "(set.ltu (shl (and w0 255w) 24w) 0x20000001w)",
      "(set.ltu (shl (and w0 255w) 24w) 0x20000001w)" },
    { "(set.eq (shl w0 24w) (shl w1 24w))",
      "(set.eq (shl w0 24w) (shl w1 24w))" },
    { "(set.gt 5 x0)", "(set.lt x0 5)" },
    { "(set.eq 5 x0)", "(set.eq x0 5)" },
    { "(set.ne 5 x0)", "(set.ne x0 5)" },
    { "(set.lt 5 x0)", "(set.gt x0 5)" },
    { "(set.ge 5 x0)", "(set.le x0 5)" },
    { "(set.le 5 x0)", "(set.ge x0 5)" },
    { "(set.ltu 5 x0)", "(set.gtu x0 5)" },
    { "(set.geu 5 x0)", "(set.leu x0 5)" },
    { "(set.leu 5 x0)", "(set.geu x0 5)" },
    { "(set.gtu 5 x0)", "(set.ltu x0 5)" },
    { "(set.ltu x0 0)", "0w" },
    { "(set.geu x0 0)", "1w" },
    { "(set.gtu x0 0)", "(set.ne x0 0)" },
    { "(set.leu x0 0)", "(set.eq x0 0)" },
    { "(set.ltu x0 1)", "(set.eq x0 0)" },
    { "(set.ne (set.lt x0 x1) 0w)", "(set.lt x0 x1)" },
    { "(set.eq (set.lt x0 x1) 0w)", "(set.ge x0 x1)" },
    { "(set.eq (fcond.hi f0) 0w)", "(fcond.ls f0)" },
    { "(set.eq (fcond.hi f0) 1w)", "(fcond.hi f0)" },
    { "(set.eq (zext w0) 5)", "(set.eq w0 5w)" },
    { "(set.ltu (zext w0) 0x100000000)", "1w" },
    { "(set.eq (and x0 15) 16)", "0w" },
    { "(set.lt (shr x0 1) 0)", "0w" },
    { "(set.ne (add x0 5) 7)", "(set.ne x0 2)" },
    { "(select.eq x0 x1 x2 x2)", "x2" },
    { "(select.le x0 x0 x1 x2)", "x1" },
    { "(select.lt 5 x0 x1 x2)", "(select.gt x0 5 x1 x2)" },
    { "(select.ne (set.lt x0 x1) 0w v0 v1)", "(select.lt x0 x1 v0 v1)" },
    { "(select.eq (set.lt x0 x1) 0w s0 s1)", "(select.ge x0 x1 s0 s1)" },
    { "(select.lt x0 x1 1w 0w)", "(set.lt x0 x1)" },
    { "(select.lt x0 x1 0 1)", "(zext (set.ge x0 x1))" },
    /* flag words */
    { "(notc (notc f0))", "f0" },
    { "(packf (unpackf w0))", "(and w0 0xf0000000w)" },
    { "(unpackf (packf f0))", "f0" },
    { "(unpackf (and w0 0xf0000000w))", "(unpackf w0)" },
    { "(adcf x0 x1 0w)", "(addf x0 x1)" },
    { "(sbcf x0 x1 0w)", "(subf x0 x1)" },
    { "(fcond.z (subf x0 x1))", "(set.eq x0 x1)" },
    { "(fcond.c (subf x0 x1))", "(set.ltu x0 x1)" },
    { "(fcond.hi (subf x0 x1))", "(set.ltu x0 x1)" },
    { "(fcond.ls (subf x0 x1))", "(set.geu x0 x1)" },
    { "(fcond.n (subf x0 x1))", "(set.lt (sub x0 x1) 0)" },
    { "(fcond.v (subf x0 x1))", "(fcond.v (subf x0 x1))" },
    { "(fcond.c (notc (subf x0 x1)))", "(set.geu x0 x1)" },
    { "(fcond.nc (notc (subf w0 w1)))", "(set.ltu w0 w1)" },
    { "(fcond.hi (notc (subf x0 x1)))", "(set.gtu x0 x1)" },
    { "(fcond.ls (notc (subf x0 x1)))", "(set.leu x0 x1)" },
    { "(fcond.gt (notc (subf x0 x1)))", "(set.gt x0 x1)" },
    { "(fcond.le (notc (subf x0 5)))", "(set.le x0 5)" },
    { "(fcond.ge (notc (subf x0 x1)))", "(set.ge x0 x1)" },
    { "(fcond.lt (subf x0 x1))", "(set.lt x0 x1)" },
    { "(fcond.nz (logicf x0))", "(set.ne x0 0)" },
    { "(fcond.lt (logicf x0))", "(set.lt x0 0)" },
    { "(fcond.gt (logicf w0))", "(set.gt w0 0w)" },
    { "(fcond.c (logicf x0))", "0w" },
    { "(fcond.ls (logicf x0))", "1w" },
    { "(fcond.hi (notc (logicf x0)))", "(set.ne x0 0)" },
    { "(fcond.z (addf x0 x1))", "(set.eq (add x0 x1) 0)" },
    { "(fcond.c (addf x0 x1))", "(set.ltu (add x0 x1) x0)" },
    { "(fcond.nn (addf x0 x1))", "(set.ge (add x0 x1) 0)" },
    { "(fcond.ge (addf x0 x1))", "(fcond.ge (addf x0 x1))" },
    { "(fcond.z (notc f0))", "(fcond.z f0)" },
    { "(fcond.c (notc f0))", "(fcond.nc f0)" },
    { "(fcond.hi (notc f0))", "(fcond.hi (notc f0))" },
    /* parts of vectors */
    { "(bitsof.i64 (bitsof.f64 x0))", "x0" },
    { "(bitsof.i64 (vlow.f64 v0))", "(vget.64 v0 0)" },
    { "(bitsof.f32 (vget.32 v0 0))", "(vlow.f32 v0)" },
    { "(vlow.f64 (vzext d0))", "d0" },
    { "(vlow.f32 (vzext d0))", "(vlow.f32 (vzext d0))" },
    { "(vlow.f64 (vpair x0 x1))", "(bitsof.f64 x0)" },
    { "(vlow.f64 (vins.64 v0 x0 0))", "(bitsof.f64 x0)" },
    { "(vlow.f32 (vins.32 v0 w0 1))", "(vlow.f32 v0)" },
    { "(vzext (bitsof.f64 x0))", "(vpair x0 0)" },
    { "(vzext (bitsof.f32 w0))", "(vpair (zext w0) 0)" },
    { "(vpair (vget.64 v0 0) (vget.64 v0 1))", "v0" },
    { "(vpair (vget.64 v0 0) 0)", "(vzext (vlow.f64 v0))" },
    { "(vget.64 (vpair x0 x1) 1)", "x1" },
    { "(vget.8 (vpair x0 x1) 9)", "(trunc (extract x1 8 8))" },
    { "(vget.32 (vpair x0 x1) 0)", "(trunc x0)" },
    { "(vget.64 (vzext d0) 0)", "(bitsof.i64 d0)" },
    { "(vget.64 (vzext d0) 1)", "0" },
    { "(vget.16 (vzext s0) 2)", "0w" },
    { "(vget.32 (vzext s0) 0)", "(bitsof.i32 s0)" },
    { "(vget.8 (vdup.8 w0) 5)", "(and w0 0xffw)" },
    { "(vget.16 (vins.16 v0 w0 3) 3)", "(and w0 0xffffw)" },
    { "(vget.16 (vins.16 v0 w0 3) 4)", "(vget.16 v0 4)" },
    { "(vins.16 v0 (vget.16 v0 3) 3)", "v0" },
    { "(vins.16 (vins.16 v0 w0 3) w1 3)", "(vins.16 v0 w1 3)" },
    { "(vins.64 (vpair x0 x1) x2 1)", "(vpair x0 x2)" },
    { "(vdup.8 0x1ffw)", "{-1 -1}" },
    { "(vdup.64 5)", "{5 5}" },
    /* whole vectors */
    { "(vadd.8 {0xff 1} {1 1})", "{0 2}" },
    { "(vand.8 v0 {0 0})", "{0 0}" },
    { "(vand.8 {-1 -1} v0)", "v0" },
    { "(vor.8 v0 {-1 -1})", "{-1 -1}" },
    { "(vor.8 v0 v0)", "v0" },
    { "(vxor.8 v0 v0)", "{0 0}" },
    { "(vxor.8 {0 0} v0)", "v0" },
    { "(vandn.8 v0 v0)", "{0 0}" },
    { "(vandn.8 v0 {0 0})", "v0" },
    { "(vadd.32 {0 0} v0)", "v0" },
    { "(vadd.32 {1 2} v0)", "(vadd.32 v0 {1 2})" },
    { "(vsub.32 v0 v0)", "{0 0}" },
    { "(vmul.32 v0 {0 0})", "{0 0}" },
    { "(vumax.32 v0 v0)", "v0" },
    { "(vceq.8 v0 v0)", "{-1 -1}" },
    { "(vcgt.8 v0 v0)", "{0 0}" },
    { "(vshl.8 v0 0)", "v0" },
    { "(vshuf v0 v1 {0x0706050403020100 0x0f0e0d0c0b0a0908})", "v0" },
    { "(vshuf v0 v1 {0x1716151413121110 0x1f1e1d1c1b1a1918})", "v1" },
    { "(vshuf v0 v1 {-1 -1})", "{0 0}" },
    { "(vshuf v0 v1 {0 0})", "(vshuf v0 v1 {0 0})" },
};

/* ---- reading expressions ------------------------------------------------- */

typedef struct Reader {
    Ir         *b;
    const char *p;
} Reader;

static bool is_end(char c)
{
    return !c || strchr(" (){}", c);
}

static void spaces(Reader *r)
{
    r->p += strspn(r->p, " ");
}

/* A word up to a space or bracket or dot. */
static void read_word(Reader *r, char word[16])
{
    u32 n = 0;

    while (!is_end(*r->p) && *r->p != '.') {
        word[n++] = *r->p++;
    }
    word[n] = 0;
}

static u64 read_number(Reader *r)
{
    spaces(r);
    return strtoull(r->p, (char **)&r->p, 0);
}

static int place(const char *word, const char *const *names, int n)
{
    for (int k = 0; k < n; k++) {
        if (!strcmp(word, names[k])) {
            return k;
        }
    }
    return -1;
}

/* What follows the dot: a type, a condition or a lane. */
static void read_suffix(Reader *r, Ins *i)
{
    static const char *const kinds[] = {
        "void", "i32", "i64", "f32", "f64",
    };
    static const char *const conds[] = { "eq", "ne", "lt", "ge", "le", "gt",
                                         "ltu", "geu", "leu", "gtu" };
    static const char *const flags[] = { "z", "nz", "c", "nc", "n", "nn", "v",
                                         "nv", "hi", "ls", "ge", "lt", "gt",
                                         "le" };
    static const char *const lanes[] = { "8", "16", "32", "64" };
    char word[16];

    r->p++;
    read_word(r, word);
    int type = place(word, kinds, 5), lane = place(word, lanes, 4);
    if (type > 0) {
        i->type = (u8)type;
    } else if (i->op == IR_fcond) {
        i->sub = (u8)place(word, flags, 14);
    } else {
        i->sub = (u8)(lane >= 0 ? lane : place(word, conds, 10));
    }
}

static u8 type_of(const Ir *b, const Ins *i)
{
    switch (i->op) {
    case IR_trunc: case IR_set: case IR_fcond: case IR_addf: case IR_subf:
    case IR_adcf: case IR_sbcf: case IR_logicf:
        return I32;
    case IR_zext: case IR_sext:
        return I64;
    case IR_select:
        return (u8)ir_type(b, i->c);
    case IR_vget:
        return i->sub == L64 ? I64 : I32;
    }
    return i->op >= IR_vzext ? V128T : (u8)ir_type(b, i->a);
}

static Val read_expr(Reader *r);

static Val read_ins(Reader *r)
{
    Ins i = { .op = 1 };
    Val *to[] = { &i.a, &i.b, &i.c, &i.d };
    char name[16];
    u32 n = 0;

    read_word(r, name);
    while (strcmp(ir_ops[i.op].name, name)) {
        i.op++;
    }
    if (*r->p == '.') {
        read_suffix(r, &i);
    }
    const char *shape = ir_ops[i.op].shape;
    u32 arity = shape[0] == 'K' ? 0 : shape[0] == 'S' ? 4
              : shape[0] == 'T' ? 3 : strchr("BC", shape[0]) ? 2
              : i.op == IR_deposit || i.op == IR_vins || !strcmp(shape, "V")
              ? 2 : 1;
    for (; n < arity; n++) {
        *to[n] = read_expr(r);
    }
    if (i.op == IR_pc) {
        i.type = I64;
    }
    i.type = i.type ? i.type : type_of(r->b, &i);
    if (*r->p != ')') {
        i.imm = read_number(r);
    }
    if (shape[0] == 'X') {
        i.imm |= read_number(r) << 8;
    }
    r->p++;
    return ir_emit(r->b, i);
}

static Val read_expr(Reader *r)
{
    char word[16];

    spaces(r);
    if (*r->p == '(') {
        r->p++;
        return read_ins(r);
    }
    if (*r->p == '{') {
        r->p++;
        u64 lo = read_number(r), hi = read_number(r);
        r->p++;
        return ir_v128(r->b, lo, hi);
    }
    if (isdigit((u8)*r->p) || *r->p == '-') {
        u64 v = read_number(r);
        bool w = *r->p == 'w';
        r->p += w;
        return ir_const(r->b, w ? I32 : I64, v);
    }
    read_word(r, word);
    for (u32 k = 0; k < NSLOTS; k++) {
        if (!strcmp(word, guest_slots[k].name)) {
            return ir_get(r->b, k);
        }
    }
    return (Val) { 0 };
}

/* ---- checking ------------------------------------------------------------ */

/* Are the two values made alike? */
static bool alike(const Ir *p, Val v, const Ir *q, Val w)
{
    const Ins *i = &p->ins[v.id], *j = &q->ins[w.id];

    if (i->op != j->op || i->type != j->type || i->sub != j->sub
        || i->imm != j->imm) {
        return false;
    }
    return !v.id || (alike(p, i->a, q, j->a) && alike(p, i->b, q, j->b)
                     && alike(p, i->c, q, j->c) && alike(p, i->d, q, j->d));
}

static bool is_flag_word(const Ins *i)
{
    return i->op == IR_notc || i->op == IR_unpackf
        || (i->op >= IR_addf && i->op <= IR_logicf)
        || (i->op == IR_get && i->imm == SLOT_F);
}

/* A block that puts the expression's value into the last slot of its type. */
static Val make(Ir *b, const char *text, bool raw)
{
    static const u8 slot[] = {
        [I32] = SLOT_W + NW - 1, [I64] = SLOT_X + NX - 1,
        [F32] = SLOT_S + NS - 1, [F64] = SLOT_D + ND - 1,
        [V128T] = SLOT_V + NV - 1,
    };
    Reader r = { b, text };

    ir_start(b, guest_slots, NSLOTS, I64, 0x100);
    b->raw = raw;
    Val v = read_expr(&r);
    bool flags = is_flag_word(&b->ins[v.id]);
    ir_put(b, flags ? SLOT_F + NF - 1 : slot[ir_type(b, v)], v);
    ir_exit(b, ir_pc(b, 0x104), EXIT_JUMP);
    return v;
}

static bool same_values(const Ir *p, const Ir *q)
{
    for (u32 k = 0; k < 50; k++) {
        Guest x, y;
        guest_random(&x);
        y = x;
        ir_eval(p, NULL, &x, guest_slow);
        ir_eval(q, NULL, &y, guest_slow);
        if (!guest_same(&x, &y)) {
            return false;
        }
    }
    return true;
}

static void test_rules(void)
{
    static Ir raw, folded, wanted;

    for (u32 k = 0; k < countof(rules); k++) {
        make(&raw, rules[k].from, true);
        Val v = make(&folded, rules[k].from, false);
        Val w = make(&wanted, rules[k].to, true);
        bool shape = alike(&folded, v, &wanted, w);
        bool value = same_values(&raw, &folded);
        check(shape && value, "%s is %s%s", rules[k].from, rules[k].to,
              value ? "" : ", but has another value");
        if (!shape) {
            char *text = printed(&folded, NULL);
            fprintf(stderr, "%s", text);
            free(text);
        }
    }
}
