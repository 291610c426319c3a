/* SPDX-License-Identifier: MIT */
/*
 * The IR as text, written and read, and the manual of the language.  Calls
 * are written, but not read: a helper has no place where its name is kept.
 */
#include <ctype.h>
#include <stdlib.h>
#include "tcg/fold.h"

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

/* The names of what an instruction's sub may be; NULL if it is a number. */
static const char *const *sub_names(u16 op, u32 *n)
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
    const char *const *names = sub_names(i->op, &n);

    if (has_result(i)) {
        fprintf(f, ".%s", type_names[i->type]);
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

/* ---- reading ------------------------------------------------------------ */

typedef struct Text {
    Ir         *b;
    const char *p;              /* what is not read yet */
    u32         line;
    bool        placed;         /* a page offset was read */
    char       *why;
    size_t      whylen;
    u16         value[IR_MAX];  /* what vN of the text is; 0: nothing yet */
} Text;

static bool wrong(Text *t, const char *what)
{
    snprintf(t->why, t->whylen, "line %u: %s", t->line, what);
    return false;
}

static void skip_spaces(Text *t)
{
    t->p += strspn(t->p, " \t");
}

static bool accept(Text *t, char c)
{
    skip_spaces(t);
    if (*t->p != c) {
        return false;
    }
    t->p++;
    return true;
}

/* A word of letters, digits and underscores, cut at 31. */
static void read_word(Text *t, char word[32])
{
    u32 n = 0;

    skip_spaces(t);
    for (; isalnum((u8)*t->p) || *t->p == '_'; t->p++) {
        if (n < 31) {
            word[n++] = *t->p;
        }
    }
    word[n] = 0;
}

static bool read_number(Text *t, u64 *v)
{
    char *end;

    skip_spaces(t);
    *v = strtoull(t->p, &end, 0);
    bool ok = isdigit((u8)*t->p) && end != t->p;
    t->p = ok ? end : t->p;
    return ok || wrong(t, "a number is missing");
}

/* The place of word among n names, or -1. */
static int find(const char *word, const char *const *names, u32 n)
{
    for (u32 k = 0; k < n; k++) {
        if (strcmp(word, names[k]) == 0) {
            return (int)k;
        }
    }
    return -1;
}

static int find_op(const char *word)
{
    for (int k = 1; k < IR_NOPS; k++) {
        if (strcmp(word, ir_ops[k].name) == 0) {
            return k;
        }
    }
    return -1;
}

/* Is word vN?  Then *n is N. */
static bool value_name(const char *word, u32 *n)
{
    char *end;

    *n = (u32)strtoul(word + (word[0] == 'v'), &end, 10);
    return word[0] == 'v' && isdigit((u8)word[1]) && !*end && *n < IR_MAX;
}

static bool read_value(Text *t, Val *v)
{
    char word[32];
    u32 n;

    read_word(t, word);
    if (!value_name(word, &n) || !t->value[n]) {
        return wrong(t, "a value is missing or not made yet");
    }
    v->id = t->value[n];
    return true;
}

static bool read_slot(Text *t, u32 *slot)
{
    char word[32];

    read_word(t, word);
    for (*slot = 0; *slot < t->b->nslots; ++*slot) {
        if (strcmp(t->b->slots[*slot].name, word) == 0) {
            return true;
        }
    }
    return wrong(t, "no such slot");
}

static bool read_memop(Text *t, u64 *memop)
{
    char word[32];
    u64 size;
    u32 k;

    if (!accept(t, ',') || !read_number(t, &size)) {
        return wrong(t, "a memory operation is missing");
    }
    if (size < 8 || size > 128 || !is_pow2(size)) {
        return wrong(t, "no such size of an access");
    }
    *memop = (u64)__builtin_ctzll(size / 8);
    while (accept(t, '.')) {
        read_word(t, word);
        for (k = 0; k < countof(memop_bits); k++) {
            if (strcmp(word, memop_bits[k].name) == 0) {
                *memop |= memop_bits[k].bit;
                break;
            }
        }
        if (k == countof(memop_bits)) {
            return wrong(t, "no such property of an access");
        }
    }
    return true;
}

/* ".type" if there is a result, then ".sub". */
static bool read_suffix(Text *t, Ins *i, bool result)
{
    char word[32], *end;
    u32 n;
    const char *const *names = sub_names(i->op, &n);

    if (result) {
        accept(t, '.');
        read_word(t, word);
        int type = find(word, type_names, countof(type_names));
        if (type <= 0) {
            return wrong(t, "no such type");
        }
        i->type = (u8)type;
    }
    if (*t->p != '.') {
        return !names || wrong(t, "a condition, kind or lane is missing");
    }
    t->p++;
    read_word(t, word);
    i64 sub = names ? find(word, names, n) : strtol(word, &end, 10);
    if (sub < 0 || sub > 255 || (!names && *end)) {
        return wrong(t, "no such condition, kind or lane");
    }
    i->sub = (u8)sub;
    return true;
}

/* How many operands at least an instruction of a shape has. */
static u32 arity(const char *shape)
{
    switch (shape[0]) {
    case 'N': case 'K': case 'G': return 0;
    case 'T': return 3;
    case 'S': return 4;
    case 'B': case 'C': case 'W': case 'A': return 2;
    case 'V': return shape[1] == 'T' ? 3 : shape[1] ? 1 : 2;
    default:  return 1;
    }
}

static bool read_operands(Text *t, Ins *i)
{
    Val *to[] = { &i->a, &i->b, &i->c, &i->d };
    u32 n = 0, least = arity(ir_ops[i->op].shape);

    skip_spaces(t);
    for (; *t->p == 'v' && n < 4 && ir_ops[i->op].shape[0] != 'G'; n++) {
        if (!read_value(t, to[n])) {
            return false;
        }
        const char *back = t->p;
        if (accept(t, ',')) {
            skip_spaces(t);
            t->p = *t->p == 'v' ? t->p : back;
        }
    }
    return n >= least || wrong(t, "an operand is missing");
}

/* The constant part, behind the operands. */
static bool read_rest(Text *t, Ins *i)
{
    u64 pos, len;
    u32 slot;

    switch (ir_ops[i->op].shape[0]) {
    case 'G':
        if (!read_slot(t, &slot)) {
            return false;
        }
        i->imm = slot;
        return i->type == t->b->slots[slot].type || wrong(t, "not its type");
    case 'L': case 'W': case 'A':
        return read_memop(t, &i->imm);
    case 'X':
        if (!accept(t, ',') || !read_number(t, &pos) || !accept(t, ',')
            || !read_number(t, &len)) {
            return wrong(t, "a field is missing");
        }
        i->imm = pos | len << 8;
        return (len && len <= 64 && pos + len <= (i->type == I32 ? 32 : 64))
            || wrong(t, "no such field");
    case 'K':
        return read_number(t, &i->imm);
    }
    return !accept(t, ',') || read_number(t, &i->imm);
}

/* Lanes and shift counts must be there. */
static bool check_vector(Text *t, const Ins *i)
{
    const char *shape = ir_ops[i->op].shape;
    bool shifts = i->op == IR_vshl || i->op == IR_vshr || i->op == IR_vsar;

    if (shape[0] != 'V' || (shape[1] != 'I' && shape[1] != 'L')) {
        return true;
    }
    return i->imm < (shifts ? 8u << i->sub : 16u >> i->sub)
        || wrong(t, "no such lane or count");
}

static bool read_ins(Text *t, const char *name, i32 result)
{
    Ir *b = t->b;
    int op = find_op(name);
    Ins i = { .op = (u16)op };

    if (op < 0) {
        return wrong(t, "no such operation");
    }
    if (op == IR_call) {
        return wrong(t, "calls cannot be read back");
    }
    if (b->n >= IR_MAX - 1 || b->nsyncs >= IR_SYNCS) {
        return wrong(t, "too many instructions");
    }
    if (!read_suffix(t, &i, result >= 0) || !read_operands(t, &i)
        || !read_rest(t, &i) || !check_vector(t, &i)) {
        return false;
    }
    if (ir_ops[op].shape[0] == 'W') {
        i.type = b->ins[i.b.id].type;
    }
    if (op == IR_pc) {
        b->word = (Type)i.type;
    }
    if (op == IR_sync) {
        ir_sync(b);
        return true;
    }
    Val v = ir_emit(b, i);
    if (result >= 0) {
        t->value[result] = v.id;
    }
    return true;
}

static bool read_put(Text *t)
{
    Ir *b = t->b;
    u32 slot;
    Val v;

    if (!read_slot(t, &slot) || !accept(t, ',') || !read_value(t, &v)) {
        return wrong(t, "a slot and a value are missing");
    }
    if (b->nputs >= IR_PUTS || ir_type(b, v) != b->slots[slot].type) {
        return wrong(t, "too many puts, or not the slot's type");
    }
    b->puts[b->nputs++] = (Put) { (u16)slot, v };
    b->cur[slot] = v;
    return true;
}

static bool read_place(Text *t)
{
    Ir *b = t->b;

    t->p += strspn(t->p, "- \t+");
    b->at = (u16)strtoul(t->p, (char **)&t->p, 16);
    b->start = t->placed ? b->start : b->at;
    t->placed = true;
    return true;
}

static bool read_line(Text *t)
{
    char word[32];
    u32 n;

    skip_spaces(t);
    if (*t->p == '-') {
        return read_place(t);
    }
    if (!*t->p || *t->p == '\n' || *t->p == '#') {
        t->p += strcspn(t->p, "\n");
        return true;
    }
    read_word(t, word);
    if (strcmp(word, "put") == 0) {
        return read_put(t);
    }
    if (!value_name(word, &n)) {
        return read_ins(t, word, -1);
    }
    if (!accept(t, '=')) {
        return wrong(t, "= is missing");
    }
    read_word(t, word);
    return read_ins(t, word, (i32)n);
}

/*
 * Operations and values must exist; that types fit each other is not checked.
 * Lines that begin with # are comments.
 */
bool ir_parse(Ir *b, const IrSlot *slots, u32 nslots, const char *text,
              char *why, size_t whylen)
{
    Text t = { .b = b, .p = text, .why = why, .whylen = whylen };

    ir_start(b, slots, nslots, I64, 0);
    b->raw = true;
    while (*t.p) {
        t.line++;
        if (!read_line(&t)) {
            return false;
        }
        skip_spaces(&t);
        if (*t.p && *t.p++ != '\n') {
            return wrong(&t, "something follows the instruction");
        }
    }
    b->raw = false;
    return true;
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
