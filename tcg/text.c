/* SPDX-License-Identifier: MIT */
/* The IR as text: one instruction a line, and the manual of the language. */
#include <assert.h>
#include "tcg/ir.h"

static const char *const type_names[] = { "void", "i32", "i64", "f32", "f64", "v128" };
static const char *const cond_names[] = {
    "eq", "ne", "lt", "ge", "le", "gt", "ltu", "geu", "leu", "gtu",
};
static const char *const flag_conds[] = {
    "z", "nz", "c", "nc", "n", "nn", "v", "nv", "hi", "ls", "ge", "lt", "gt", "le",
};
static const char *const rmw_names[] = {
    "xchg", "add", "and", "or", "xor", "smin", "smax", "umin", "umax",
};
static const char *const lane_names[] = { "8", "16", "32", "64" };

/* Words of a MemOp beside its size. */
static const struct { u32 bit; const char *name; } memop_bits[] = {
    { M_SIGN, "sign" }, { M_BE, "be" }, { M_ALIGN, "align" }, { M_ACQ, "acq" },
    { M_REL, "rel" }, { M_USER, "user" }, { M_PAIR, "pair" },
    { M_ATOMIC16, "atomic16" },
};

static void print_memop(FILE *f, u64 memop)
{
    fprintf(f, ", %u", 8u << (memop & M_SIZE));
    for (u32 i = 0; i < countof(memop_bits); i++) {
        if (memop & memop_bits[i].bit) {
            fprintf(f, ".%s", memop_bits[i].name);
        }
    }
}

static void print_operand(FILE *f, const char **before, Val v)
{
    if (v.id) {
        fprintf(f, "%sv%u", *before, v.id);
        *before = ", ";
    }
}

/* What stands behind the name, by shape. */
static void print_suffix(FILE *f, const Ins *i, char shape)
{
    switch (i->op) {
    case IR_set: case IR_select:
        fprintf(f, ".%s", cond_names[i->sub]);
        return;
    case IR_fcond:
        fprintf(f, ".%s", flag_conds[i->sub]);
        return;
    case IR_rmw:
        fprintf(f, ".%s", rmw_names[i->sub]);
        return;
    }
    if (shape == 'V' && i->op != IR_vlow) {
        fprintf(f, ".%s", lane_names[i->sub & 3]);
    } else if (i->sub) {
        fprintf(f, ".%u", i->sub);
    }
}

static void print_call(const Ir *b, FILE *f, const Ins *i)
{
    const Helper *h = (const Helper *)i->imm;

    fprintf(f, " %s", h->name);
    for (u32 k = 0; k < i->b.id; k++) {
        fprintf(f, "%sv%u", k ? ", " : " ", b->args[i->a.id + k].id);
    }
}

static void print_ins(const Ir *b, FILE *f, u32 k)
{
    const Ins *i = &b->ins[k];
    char shape = ir_ops[i->op].shape[0];
    const char *before = " ";

    fprintf(f, "  ");
    if (i->type && shape != 'W') {
        fprintf(f, "v%u = ", k);
    }
    fprintf(f, "%s", ir_ops[i->op].name);
    if (i->type && shape != 'W') {
        fprintf(f, ".%s", type_names[i->type]);
    }
    print_suffix(f, i, shape);
    if (shape == 'H') {
        print_call(b, f, i);
        return;
    }
    print_operand(f, &before, i->a);
    print_operand(f, &before, i->b);
    print_operand(f, &before, i->c);
    print_operand(f, &before, i->d);
    if (shape == 'G') {
        fprintf(f, " %s", b->slots[i->imm].name);
    } else if (shape == 'L' || shape == 'W' || shape == 'A') {
        print_memop(f, i->imm);
    } else if (shape == 'X') {
        fprintf(f, ", %u, %u", (u32)i->imm & 0xff, (u32)(i->imm >> 8));
    } else if (i->imm || shape == 'K') {
        fprintf(f, "%s%#llx", before, (unsigned long long)i->imm);
    }
}

/* The puts of the log that stand between snapshots `from` and `to`. */
static void print_puts(const Ir *b, FILE *f, u32 from, u32 to)
{
    for (u32 k = from; k < to; k++) {
        fprintf(f, "  put %s, v%u\n", b->slots[b->puts[k].slot].name,
                b->puts[k].v.id);
    }
}

void ir_print(const Ir *b, const IrLive *l, FILE *f)
{
    u32 puts = 0;
    i32 at = -1;

    for (u32 k = 1; k < b->n; k++) {
        const Ins *i = &b->ins[k];
        if (i->snap > puts) {
            print_puts(b, f, puts, i->snap);
            puts = i->snap;
        }
        if (l && l->dead[k]) {
            continue;
        }
        if (i->at != at) {
            at = i->at;
            fprintf(f, " ---- +%03x\n", at);
        }
        print_ins(b, f, k);
        fputc('\n', f);
    }
}

void ir_manual(FILE *f)
{
    for (u32 k = 1; k < IR_NOPS; k++) {
        const IrOpInfo *o = &ir_ops[k];
        fprintf(f, "%-9s %-3s%s%s%s%s%s%s\n    %s\n", o->name, o->shape,
                o->flags & PURE ? " pure" : "",
                o->flags & COMM ? " commutes" : "",
                o->flags & KEEP ? " kept" : "",
                o->flags & SNAP ? " leaves" : "",
                o->flags & ENDS ? " ends" : "",
                o->flags & FPOP ? " rounds" : "", o->meaning);
    }
}
