/* SPDX-License-Identifier: MIT */
/*
 * Reads the IR's text form, as text.c writes it.  What is read is a block
 * that may be evaluated and compiled: operands are there and of types that
 * the operation takes, fields, lanes and accesses are within their values.
 * Calls are refused: a helper has no place where its name is kept.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include "tcg/fold.h"
#include "tcg/text.h"

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

/* ---- what an operation takes -------------------------------------------- */

/*
 * Types of the result, then of the operands:
 *
 *   - none                    i l q  I32, I64, V128
 *   T that of the result      t f    the same, an integer, a float
 *   x g  any integer or float, the same at every place
 *   n    any integer          F      the other float than the result
 *   B    as many bits as the result, but a float for an integer or back
 *   L    I64 for lanes of 64 bits, else I32
 */
static const char *const signatures[IR_NOPS] = {
#define ROW(op, sig) [IR_##op] = sig
    ROW(const, "T"), ROW(pc, "t"), ROW(get, "T"),
    ROW(add, "ttt"), ROW(sub, "ttt"), ROW(mul, "ttt"), ROW(mulhu, "ttt"),
    ROW(mulhs, "ttt"), ROW(udiv, "ttt"), ROW(sdiv, "ttt"), ROW(and, "ttt"),
    ROW(or, "ttt"), ROW(xor, "ttt"), ROW(shl, "ttt"), ROW(shr, "ttt"),
    ROW(sar, "ttt"), ROW(ror, "ttt"),
    ROW(clz, "tt"), ROW(ctz, "tt"), ROW(bswap, "tt"),
    ROW(trunc, "il"), ROW(zext, "li"), ROW(sext, "li"),
    ROW(extract, "tt"), ROW(sextract, "tt"), ROW(deposit, "ttt"),
    ROW(set, "ixx"), ROW(select, "TxxTT"),
    ROW(addf, "ixx"), ROW(subf, "ixx"), ROW(adcf, "ixxi"), ROW(sbcf, "ixxi"),
    ROW(logicf, "ix"), ROW(notc, "ii"), ROW(packf, "ii"), ROW(unpackf, "ii"),
    ROW(fcond, "ii"), ROW(bitsof, "TB"),
    ROW(fadd, "fff"), ROW(fsub, "fff"), ROW(fmul, "fff"), ROW(fdiv, "fff"),
    ROW(fsqrt, "ff"), ROW(ffma, "ffff"), ROW(fmin, "fff"), ROW(fmax, "fff"),
    ROW(fminnm, "fff"), ROW(fmaxnm, "fff"), ROW(fcmpf, "igg"),
    ROW(f2f, "fF"), ROW(f2i, "tg"), ROW(i2f, "fx"), ROW(fround, "ff"),
    ROW(vlow, "fq"), ROW(vzext, "qg"), ROW(vpair, "qll"), ROW(vget, "Lq"),
    ROW(vins, "qqL"), ROW(vdup, "qL"), ROW(vshuf, "qqqq"),
    ROW(load, "Tn"), ROW(load2, "Tn"), ROW(second, "T"),
    ROW(store, "-nT"), ROW(store2, "-nTT"),
    ROW(cas, "TnTT"), ROW(casif, "inxxn"), ROW(rmw, "tnt"),
    ROW(fence, "-"), ROW(sync, "-"), ROW(poll, "-n"), ROW(exit_if, "-nn"),
    ROW(trap_if, "-i"),
    ROW(exit, "-nn"), ROW(leave, "-"),
#undef ROW
};

static const char *signature(u16 op)
{
    const char *shape = ir_ops[op].shape;

    if (signatures[op]) {
        return signatures[op];
    }
    return shape[1] == 'T' ? "qqqq" : shape[1] ? "qq" : "qqq";
}

static bool is_int(Type t)   { return t == I32 || t == I64; }
static bool is_float(Type t) { return t == F32 || t == F64; }

/* May an operand be of `type` where the signature says c?  *same: x or g. */
static bool fits(const Ins *i, char c, Type type, Type *same)
{
    static const Type bits_of[] = {
        [I32] = F32, [I64] = F64, [F32] = I32, [F64] = I64, [V128T] = VOID,
    };
    Type first = *same ? *same : type, result = (Type)i->type;

    switch (c) {
    case 'i': return type == I32;
    case 'l': return type == I64;
    case 'q': return type == V128T;
    case 'n': return is_int(type);
    case 'L': return type == (i->sub == L64 ? I64 : I32);
    case 'T': return type && type == result;
    case 't': return is_int(type) && type == result;
    case 'f': return is_float(type) && type == result;
    case 'F': return is_float(type) && type != result;
    case 'B': return type && type == bits_of[result];
    }
    *same = first;
    return type == first && (c == 'x' ? is_int(type) : is_float(type));
}

static bool check_types(Text *t, const Ins *i)
{
    const char *sig = signature(i->op);
    const Val v[] = { i->a, i->b, i->c, i->d };
    Type same = VOID;

    if (sig[0] != '-' && !fits(i, sig[0], (Type)i->type, &same)) {
        return wrong(t, "not a type of its result");
    }
    for (u32 k = 0; sig[k + 1]; k++) {
        if (i->op == IR_exit && k == 1 && !v[k].id) {
            break;
        }
        if (!fits(i, sig[k + 1], ir_type(t->b, v[k]), &same)) {
            return wrong(t, "an operand is of another type");
        }
    }
    return true;
}

/* May sub be what it is?  Names were found in their tables. */
static bool sub_fits(const Ins *i)
{
    bool vector = ir_ops[i->op].shape[0] == 'V';
    u32 n;

    switch (i->op) {
    case IR_vsqadd: case IR_vuqadd: case IR_vsqsub: case IR_vuqsub:
        return i->sub <= L16;
    case IR_vsmull: case IR_vumull: case IR_vsxl: case IR_vzxl:
        return i->sub <= L32;
    case IR_fcmpf:
        return i->sub <= 1;
    case IR_f2i: case IR_fround:
        return i->sub <= (FR_MODE | FR_UNSIGNED);
    case IR_i2f:
        return !(i->sub & ~FR_UNSIGNED);
    case IR_exit:
        return (i->sub & ~EXIT_POLL) <= (i->b.id ? EXIT_CALL : EXIT_RETURN)
            && (!i->b.id || i->sub & EXIT_CALL);
    case IR_exit_if: case IR_poll:
        return !(i->sub & ~EXIT_POLL);
    }
    if (vector && ir_ops[i->op].flags & FPOP) {
        return i->sub >= L32;
    }
    return !i->sub || ir_sub_names(i->op, &n);
}

/* Does the data of a memory access have room for it? */
static bool access_fits(const Text *t, const Ins *i)
{
    Type data = i->op == IR_casif ? ir_type(t->b, i->b) : (Type)i->type;
    u32 size = i->imm & M_SIZE;
    bool pair = i->op == IR_load2 || i->op == IR_store2;

    return pair == !!(i->imm & M_PAIR)
        && (data == V128T ? size == M_128
            : size <= (data == I32 || data == F32 ? M_32 : M_64));
}

/* What is wrong with the constant part; NULL if it is well. */
static const char *imm_wrong(const Text *t, const Ins *i)
{
    u32 pos = i->imm & 0xff, len = (u32)(i->imm >> 8);
    bool wide = i->type == I64 || i->type == F64;

    switch (ir_ops[i->op].shape[0]) {
    case 'G':
        return i->type == t->b->slots[i->imm].type ? NULL : "not its type";
    case 'L': case 'W': case 'A':
        return access_fits(t, i) ? NULL : "the access is not of its type";
    case 'X':
        return pos + len <= (wide ? 64 : 32) ? NULL : "no such field";
    }
    switch (i->op) {
    case IR_const:
        return wide || i->imm <= (i->type == V128T ? 0 : 0xffffffff)
            ? NULL : "the number is too large";
    case IR_trap_if:
        return i->imm <= 0xffffffff ? NULL : "the number is too large";
    case IR_fence:
        return i->imm < 16 ? NULL : "no such fence";
    case IR_vshl: case IR_vshr: case IR_vsar:
        return i->imm < 8u << i->sub ? NULL : "no such lane or count";
    case IR_vget: case IR_vins:
        return i->imm < 16u >> i->sub ? NULL : "no such lane or count";
    }
    return NULL;
}

static bool check_ins(Text *t, const Ins *i)
{
    const Ir *b = t->b;
    const Ins *last = &b->ins[b->n - 1];
    const char *imm;

    if (b->ended && ir_ops[i->op].flags & (KEEP | FPOP)) {
        return wrong(t, "the block has ended");
    }
    if (!check_types(t, i)) {
        return false;
    }
    if (!sub_fits(i)) {
        return wrong(t, "no such condition, kind or lane");
    }
    if ((imm = imm_wrong(t, i)) != NULL) {
        return wrong(t, imm);
    }
    if (last->op == IR_load2 && i->op != IR_second) {
        return wrong(t, "second is missing");
    }
    return i->op != IR_second || b->ended
        || (last->op == IR_load2 && last->type == i->type)
        || wrong(t, "no load2 of its type before");
}

/* ---- words -------------------------------------------------------------- */

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
    if (!isdigit((u8)*t->p)) {
        return wrong(t, "a number is missing");
    }
    errno = 0;
    *v = strtoull(t->p, &end, 0);
    t->p = end;
    return !errno || wrong(t, "a number is too large");
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

    if (word[0] != 'v' || !isdigit((u8)word[1])) {
        return false;
    }
    unsigned long k = strtoul(word + 1, &end, 10);
    *n = (u32)k;
    return !*end && k > 0 && k < IR_MAX;
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

/* ---- instructions ------------------------------------------------------- */

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
        for (k = 0; k < IR_MEM_WORDS; k++) {
            if (strcmp(word, ir_mem_words[k].name) == 0) {
                *memop |= ir_mem_words[k].bit;
                break;
            }
        }
        if (k == IR_MEM_WORDS) {
            return wrong(t, "no such property of an access");
        }
    }
    return true;
}

/* Position and length of a field. */
static bool read_field(Text *t, u64 *field)
{
    u64 pos, len;

    if (!accept(t, ',') || !read_number(t, &pos) || !accept(t, ',')
        || !read_number(t, &len)) {
        return wrong(t, "a field is missing");
    }
    *field = pos | len << 8;
    return (pos < 64 && len && len <= 64) || wrong(t, "no such field");
}

static bool read_sub(Text *t, Ins *i)
{
    char word[32], *end = NULL;
    u32 n;
    const char *const *names = ir_sub_names(i->op, &n);

    if (*t->p != '.') {
        return !names || wrong(t, "a condition, kind or lane is missing");
    }
    t->p++;
    read_word(t, word);
    i64 sub = names ? find(word, names, n) : strtol(word, &end, 10);
    if (sub < 0 || sub > 255 || (!names && (!isdigit((u8)*word) || *end))) {
        return wrong(t, "no such condition, kind or lane");
    }
    i->sub = (u8)sub;
    return true;
}

/* ".type" if there is a result, then ".sub". */
static bool read_suffix(Text *t, Ins *i, bool result)
{
    char word[32];

    if (result != (signature(i->op)[0] != '-')) {
        return wrong(t, result ? "it has no result" : "it has a result");
    }
    if (result) {
        accept(t, '.');
        read_word(t, word);
        int type = find(word, ir_type_names, V128T + 1);
        if (type <= 0) {
            return wrong(t, "no such type");
        }
        i->type = (u8)type;
    }
    return read_sub(t, i);
}

static bool read_operands(Text *t, Ins *i)
{
    Val *to[] = { &i->a, &i->b, &i->c, &i->d };
    const char *sig = signature(i->op);

    for (u32 k = 0; sig[k + 1]; k++) {
        if (k && !accept(t, ',')) {
            return i->op == IR_exit || wrong(t, "an operand is missing");
        }
        if (!read_value(t, to[k])) {
            return false;
        }
    }
    return true;
}

/* The constant part, behind the operands; a zero may be left out of some. */
static bool read_imm(Text *t, Ins *i)
{
    const char *shape = ir_ops[i->op].shape;
    u32 slot;

    switch (shape[0]) {
    case 'G':
        if (!read_slot(t, &slot)) {
            return false;
        }
        i->imm = slot;
        return true;
    case 'L': case 'W': case 'A':
        return read_memop(t, &i->imm);
    case 'X':
        return read_field(t, &i->imm);
    case 'K':
        return read_number(t, &i->imm);
    case 'E':
        return i->op != IR_trap_if || !accept(t, ',')
            || read_number(t, &i->imm);
    case 'V':
        return (shape[1] != 'I' && shape[1] != 'L') || !accept(t, ',')
            || read_number(t, &i->imm);
    }
    return true;
}

/* result: the number of its name, or -1. */
static bool read_ins(Text *t, const char *name, i32 result)
{
    Ir *b = t->b;
    int op = find_op(name);
    Ins i = { .op = (u16)op };

    if (op < 0) {
        return wrong(t, "no such operation");
    }
    if (op >= IR_phi || op == IR_span) {
        return wrong(t, "calls, loops and spans cannot be read back");
    }
    if (b->n >= IR_MAX - 1 || b->nsyncs >= IR_SYNCS) {
        return wrong(t, "too many instructions");
    }
    if (!read_suffix(t, &i, result >= 0) || !read_operands(t, &i)
        || !read_imm(t, &i)) {
        return false;
    }
    if (ir_ops[op].shape[0] == 'W') {
        i.type = (u8)ir_type(b, i.b);
    }
    if (!check_ins(t, &i)) {
        return false;
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

/* ---- lines -------------------------------------------------------------- */

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
    if (b->ended) {
        return wrong(t, "the block has ended");
    }
    b->puts[b->nputs++] = (Put) { (u16)slot, v };
    b->cur[slot] = v;
    return true;
}

static bool read_place(Text *t)
{
    Ir *b = t->b;
    char word[32], *end;

    t->p += strspn(t->p, "- \t+");
    read_word(t, word);
    unsigned long at = strtoul(word, &end, 16);
    if (!*word || *end || at > 0xffff) {
        return wrong(t, "no such page offset");
    }
    b->at = (u16)at;
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
    if (t->value[n]) {
        return wrong(t, "this value was made before");
    }
    if (!accept(t, '=')) {
        return wrong(t, "= is missing");
    }
    read_word(t, word);
    return read_ins(t, word, (i32)n);
}

/*
 * Lines that begin with # are comments.  The block need not have ended: see
 * b->ended.  After a refusal *b is of no use.
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
    return b->ins[b->n - 1].op != IR_load2 || wrong(&t, "second is missing");
}
