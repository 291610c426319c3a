/* SPDX-License-Identifier: MIT */
/* The IR as text, and the manual of the language; parse.c reads the text. */
#include "tcg/text.h"

const char *const ir_type_names[V128T + 1] = {
    "void", "i32", "i64", "f32", "f64", "v128",
};
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

const IrMemWord ir_mem_words[IR_MEM_WORDS] = {
    { M_SIGN, "sign" }, { M_BE, "be" }, { M_ALIGN, "align" }, { M_ACQ, "acq" },
    { M_REL, "rel" }, { M_USER, "user" }, { M_PAIR, "pair" },
    { M_ATOMIC16, "atomic16" }, { M_NARROW, "narrow" },
};

static void print_memop(FILE *f, u64 memop)
{
    fprintf(f, ", %u", 8u << (memop & M_SIZE));
    for (u32 i = 0; i < IR_MEM_WORDS; i++) {
        if (memop & ir_mem_words[i].bit) {
            fprintf(f, ".%s", ir_mem_words[i].name);
        }
    }
}

static void print_access(FILE *f, const Ins *i)
{
    print_memop(f, (u32)i->imm);
    if (i->d.id && i->op != IR_casif) {
        fprintf(f, ", %+d", access_offset(i));
    }
}

static void print_operand(FILE *f, const char **before, Val v)
{
    if (v.id) {
        fprintf(f, "%sv%u", *before, v.id);
        *before = ", ";
    }
}

const char *const *ir_sub_names(u16 op, u32 *n)
{
    switch (op) {
    case IR_set: case IR_select:
        *n = countof(cond_names);
        return cond_names;
    case IR_fcond:
        *n = countof(flag_conds);
        return flag_conds;
    case IR_rmw:
        *n = countof(rmw_names);
        return rmw_names;
    }
    *n = countof(lane_names);
    return ir_ops[op].shape[0] == 'V' ? lane_names : NULL;
}

static bool has_result(const Ins *i)
{
    return i->type && ir_ops[i->op].shape[0] != 'W';
}

/* What stands behind the name. */
static void print_suffix(FILE *f, const Ins *i)
{
    u32 n;
    const char *const *names = ir_sub_names(i->op, &n);

    if (has_result(i)) {
        fprintf(f, ".%s", ir_type_names[i->type]);
    }
    if (names && i->sub < n) {
        fprintf(f, ".%s", names[i->sub]);
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
    if (has_result(i)) {
        fprintf(f, "v%u = ", k);
    }
    fprintf(f, "%s", ir_ops[i->op].name);
    print_suffix(f, i);
    if (shape == 'H') {
        print_call(b, f, i);
        return;
    }
    print_operand(f, &before, i->a);
    print_operand(f, &before, i->b);
    print_operand(f, &before, i->c);
    print_operand(f, &before, i->d);
    if (shape == 'G' || shape == 'P') {
        fprintf(f, "%s%s", before, b->slots[i->imm].name);
    } else if (shape == 'L' || shape == 'W' || shape == 'A') {
        print_access(f, i);
    } else if (shape == 'D') {
        fprintf(f, ", %+d, %u", (i32)i->imm, (u32)(i->imm >> 32));
    } else if (shape == 'X') {
        fprintf(f, ", %u, %u", (u32)i->imm & 0xff, (u32)(i->imm >> 8));
    } else if (i->imm || shape == 'K') {
        fprintf(f, "%s%#llx", before, (unsigned long long)i->imm);
    }
}

/* The puts of the log up to entry `to` that were not printed yet. */
static void print_puts(const Ir *b, const IrLive *l, FILE *f, u32 *put, u32 to)
{
    for (; *put < to; ++*put) {
        const Put *p = &b->puts[*put];
        if (!l || !l->dead[p->v.id]) {
            fprintf(f, "  put %s, v%u\n", b->slots[p->slot].name, p->v.id);
        }
    }
}

/*
 * Every line is an instruction, a put where it was made, or the page offset
 * of the guest instruction that follows.  With l, what is dead is left out.
 */
void ir_print(const Ir *b, const IrLive *l, FILE *f)
{
    u32 put = 0;
    i32 at = -1;

    for (u32 k = 1; k < b->n; k++) {
        const Ins *i = &b->ins[k];
        print_puts(b, l, f, &put, i->snap);
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
    print_puts(b, l, f, &put, b->nputs);
}

/* ---- the manual --------------------------------------------------------- */

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
