/* SPDX-License-Identifier: MIT */
/*
 * The IR builder: the table of operations, value numbering, slots and the
 * put log, calls and exits.  Folding is in fold.c.
 */
#include <assert.h>
#include <stdlib.h>
#include "tcg/fold.h"

const IrOpInfo ir_ops[IR_NOPS] = {
#define _(name, shape, flags, meaning) { #name, #shape, flags, meaning },
    IR_OPS(_)
#undef _
};

enum {
    /* What one guest instruction may need at most; less left means full. */
    ROOM_INS = 600, ROOM_PUTS = 200, ROOM_ARGS = 128, ROOM_SYNCS = 64,
};

static const Val none = { 0 };

void ir_start(Ir *b, const IrSlot *slots, u32 nslots, Type word, u16 at)
{
    assert(nslots <= IR_SLOTS);
    b->n = 1;
    b->ins[0] = (Ins) { .op = IR_none };
    b->nputs = b->nargs = b->nsyncs = b->label = 0;
    b->slots = slots;
    b->nslots = nslots;
    memset(b->cur, 0, sizeof b->cur);
    memset(b->hash, 0, sizeof b->hash);
    b->word = word;
    b->at = b->start = at;
    b->raw = b->ended = b->full = b->alone = false;
    b->bound = b->follows = b->one_cpu = false;
    b->ninsns = 0;
    b->fp_inline = true;
    b->heat = 0;
    b->half = 0;
    b->spans = b->flushed = false;
    b->nspans = 0;
    b->soft = NULL;
}

Ir *ir_copy(const Ir *b)
{
    Ir *c = malloc(sizeof *c);

    if (!c) {
        abort();
    }
    c->n = b->n;
    c->nputs = b->nputs;
    c->nsyncs = b->nsyncs;
    c->nargs = b->nargs;
    c->label = b->label;
    c->slots = b->slots;
    c->nslots = b->nslots;
    c->word = b->word;
    c->soft = b->soft;
    memcpy(c->ins, b->ins, b->n * sizeof b->ins[0]);
    memcpy(c->puts, b->puts, b->nputs * sizeof b->puts[0]);
    memcpy(c->syncs, b->syncs, b->nsyncs * sizeof b->syncs[0]);
    memcpy(c->args, b->args, b->nargs * sizeof b->args[0]);
    return c;
}

bool ir_bind_next(Ir *b)
{
    enum { SPARE = 32 };        /* of what this instruction has yet to add */

    b->bound = !b->alone && b->n + SPARE < IR_MAX - ROOM_INS
        && b->nputs + SPARE < IR_PUTS - ROOM_PUTS
        && b->nsyncs + SPARE < IR_SYNCS - ROOM_SYNCS
        && b->nargs + SPARE < IR_ARGS - ROOM_ARGS;
    return b->bound;
}

void ir_insn(Ir *b, u16 at)
{
    b->follows = b->bound;
    b->bound = false;
    b->at = at;
    b->ninsns++;
}

Type ir_type(const Ir *b, Val v)
{
    return (Type)b->ins[v.id].type;
}

bool ir_is_const(const Ir *b, Val v, u64 *k)
{
    *k = b->ins[v.id].imm;
    return b->ins[v.id].op == IR_const;
}

/* ---- appending and merging ---------------------------------------------- */

/*
 * Behind an instruction that ends the block nothing is done any more.  What
 * would have had a result still has a value of that type, which nobody uses.
 */
static Val append(Ir *b, Ins i)
{
    u32 flags = ir_ops[i.op].flags;

    if (b->ended && flags & (KEEP | FPOP)) {
        if (i.type == VOID) {
            return none;
        }
        i = (Ins) { .op = IR_const, .type = i.type };
    }
    assert(b->n < IR_MAX);
    i.at = b->at;
    i.snap = (u16)b->nputs;
    b->ins[b->n] = i;
    b->nth[b->n] = b->ninsns;
    b->full |= b->n >= IR_MAX - ROOM_INS;
    b->ended |= (flags & ENDS) != 0;
    return (Val) { (u16)b->n++ };
}

static bool same(const Ins *x, const Ins *y)
{
    return x->op == y->op && x->type == y->type && x->sub == y->sub
        && x->a.id == y->a.id && x->b.id == y->b.id && x->c.id == y->c.id
        && x->d.id == y->d.id && x->imm == y->imm;
}

static u32 hash_of(const Ins *i)
{
    u64 h = i->op * 0x9e3779b97f4a7c15ull ^ i->imm;

    h = (h ^ ((u64)i->a.id << 32 | (u64)i->b.id << 16 | i->c.id))
        * 0xc2b2ae3d27d4eb4full;
    h ^= (u64)i->d.id << 16 | (u64)i->type << 8 | i->sub;
    h *= 0x9e3779b97f4a7c15ull;
    return (u32)(h >> 56);
}

static Val merge(Ir *b, const Ins *i)
{
    u32 h = hash_of(i);

    for (u16 k = b->hash[h]; k; k = b->next[k]) {
        if (same(&b->ins[k], i)) {
            return (Val) { k };
        }
    }
    Val v = append(b, *i);
    b->next[v.id] = b->hash[h];
    b->hash[h] = v.id;
    return v;
}

Val ir_emit(Ir *b, Ins i)
{
    u32 flags = ir_ops[i.op].flags;

    if (b->raw || !(flags & PURE) || flags & FPOP) {
        return append(b, i);
    }
    Val v = ir_fold(b, &i);
    return v.id ? v : merge(b, &i);
}

/* ---- constants ---------------------------------------------------------- */

Val ir_const(Ir *b, Type t, u64 v)
{
    return ir_emit(b, (Ins) { .op = IR_const, .type = (u8)t,
                              .imm = t == I32 ? (u32)v : v });
}

Val ir_i32(Ir *b, u32 v) { return ir_const(b, I32, v); }
Val ir_i64(Ir *b, u64 v) { return ir_const(b, I64, v); }

Val ir_v128(Ir *b, u64 lo, u64 hi)
{
    return ir_vpair(b, ir_i64(b, lo), ir_i64(b, hi));
}

Val ir_pc(Ir *b, i64 offset)
{
    return ir_emit(b, (Ins) { .op = IR_pc, .type = (u8)b->word,
                              .imm = (u64)offset });
}

/* ---- slots -------------------------------------------------------------- */

Val ir_get(Ir *b, unsigned slot)
{
    assert(slot < b->nslots);
    if (!b->cur[slot].id) {
        b->cur[slot] = append(b, (Ins) { .op = IR_get, .imm = slot,
                                         .type = (u8)b->slots[slot].type });
    }
    return b->cur[slot];
}

static void log_put(Ir *b, u16 slot, Val v)
{
    assert(b->nputs < IR_PUTS);
    b->puts[b->nputs++] = (Put) { slot, v };
    b->full |= b->nputs >= IR_PUTS - ROOM_PUTS;
}

void ir_put(Ir *b, unsigned slot, Val v)
{
    assert(slot < b->nslots && ir_type(b, v) == b->slots[slot].type);
    if (b->cur[slot].id != v.id) {
        b->cur[slot] = v;
        if (!b->ended) {
            log_put(b, (u16)slot, v);
        }
    }
}

void ir_sync(Ir *b)
{
    if (b->ended) {
        return;
    }
    assert(b->nsyncs < IR_SYNCS);
    b->syncs[b->nsyncs++] = append(b, (Ins) { .op = IR_sync }).id;
    b->full |= b->nsyncs >= IR_SYNCS - ROOM_SYNCS;
}

/* Where in the log the snapshot of *i begins: at the last sync before it. */
static u32 log_start(const Ir *b, const Ins *i)
{
    for (u32 k = b->nsyncs; k-- > 0; ) {
        if (&b->ins[b->syncs[k]] < i) {
            return b->ins[b->syncs[k]].snap;
        }
    }
    return 0;
}

/*
 * Goes back over the log from *i to the last sync; of each slot the newest
 * entry counts.  One that is the slot's own value, got since the sync, may be
 * left out by who has not written env since.
 */
void ir_snapshot(const Ir *b, const Ins *i, IrSnapVisit *visit, void *ctx)
{
    u64 seen[IR_SLOTS / 64] = { 0 };
    u32 start = log_start(b, i);

    for (u32 k = i->snap; k-- > start; ) {
        u16 s = b->puts[k].slot;
        if (!(seen[s / 64] & BIT(s % 64))) {
            seen[s / 64] |= BIT(s % 64);
            visit(ctx, s, b->puts[k].v);
        }
    }
}

/* ---- plain operations --------------------------------------------------- */

static Val binary(Ir *b, IrOp op, Val x, Val y)
{
    Type t = ir_type(b, x);

    assert(t == ir_type(b, y));
    return ir_emit(b, (Ins) { .op = op, .type = (u8)t, .a = x, .b = y });
}

#define BINARY(name) \
    Val ir_##name(Ir *b, Val x, Val y) { return binary(b, IR_##name, x, y); }
BINARY(add) BINARY(sub) BINARY(mul) BINARY(mulhu) BINARY(mulhs)
BINARY(udiv) BINARY(sdiv) BINARY(and) BINARY(or) BINARY(xor)
BINARY(shl) BINARY(shr) BINARY(sar) BINARY(ror)
BINARY(fadd) BINARY(fsub) BINARY(fmul) BINARY(fdiv)
BINARY(fmin) BINARY(fmax) BINARY(fminnm) BINARY(fmaxnm)

static Val typed(Ir *b, IrOp op, Type t, Val x, Val y, Val z)
{
    return ir_emit(b, (Ins) { .op = op, .type = (u8)t,
                              .a = x, .b = y, .c = z });
}

#define TYPED1(name, t) Val ir_##name(Ir *b, Val x) \
    { return typed(b, IR_##name, t, x, none, none); }
TYPED1(logicf, I32) TYPED1(notc, I32) TYPED1(packf, I32) TYPED1(unpackf, I32)
TYPED1(trunc, I32) TYPED1(zext, I64) TYPED1(sext, I64) TYPED1(vzext, V128T)

#define TYPED2(name, t) Val ir_##name(Ir *b, Val x, Val y) \
    { return typed(b, IR_##name, t, x, y, none); }
TYPED2(addf, I32) TYPED2(subf, I32) TYPED2(vpair, V128T)

Val ir_adcf(Ir *b, Val x, Val y, Val carry)
{
    return typed(b, IR_adcf, I32, x, y, carry);
}

Val ir_sbcf(Ir *b, Val x, Val y, Val borrow)
{
    return typed(b, IR_sbcf, I32, x, y, borrow);
}

static Val unary(Ir *b, IrOp op, Val x)
{
    return typed(b, op, ir_type(b, x), x, none, none);
}

Val ir_clz(Ir *b, Val x)   { return unary(b, IR_clz, x); }
Val ir_ctz(Ir *b, Val x)   { return unary(b, IR_ctz, x); }
Val ir_bswap(Ir *b, Val x) { return unary(b, IR_bswap, x); }
Val ir_fsqrt(Ir *b, Val x) { return unary(b, IR_fsqrt, x); }

Val ir_ffma(Ir *b, Val x, Val y, Val z)
{
    return typed(b, IR_ffma, ir_type(b, x), x, y, z);
}

Val ir_not(Ir *b, Val x)
{
    return ir_xor(b, x, ir_const(b, ir_type(b, x), ~0ull));
}

Val ir_neg(Ir *b, Val x)
{
    return ir_sub(b, ir_const(b, ir_type(b, x), 0), x);
}

static Val field(Ir *b, IrOp op, Val x, Val y, unsigned pos, unsigned len)
{
    Type t = ir_type(b, x);

    assert(len && pos + len <= (t == I32 ? 32u : 64u));
    return ir_emit(b, (Ins) { .op = op, .type = (u8)t, .a = x, .b = y,
                              .imm = pos | len << 8 });
}

Val ir_extract(Ir *b, Val x, unsigned pos, unsigned len)
{
    return field(b, IR_extract, x, none, pos, len);
}

Val ir_sextract(Ir *b, Val x, unsigned pos, unsigned len)
{
    return field(b, IR_sextract, x, none, pos, len);
}

Val ir_deposit(Ir *b, Val x, Val y, unsigned pos, unsigned len)
{
    return field(b, IR_deposit, x, y, pos, len);
}

Val ir_set(Ir *b, Cond cc, Val x, Val y)
{
    return ir_emit(b, (Ins) { .op = IR_set, .type = I32, .sub = (u8)cc,
                              .a = x, .b = y });
}

Val ir_select(Ir *b, Cond cc, Val x, Val y, Val then, Val other)
{
    return ir_emit(b, (Ins) { .op = IR_select, .type = (u8)ir_type(b, then),
                              .sub = (u8)cc, .a = x, .b = y, .c = then,
                              .d = other });
}

Val ir_fcond(Ir *b, FlagCond fc, Val flags)
{
    return ir_emit(b, (Ins) { .op = IR_fcond, .type = I32, .sub = (u8)fc,
                              .a = flags });
}

static Val with_sub(Ir *b, IrOp op, Type t, unsigned sub, Val x, Val y)
{
    return ir_emit(b, (Ins) { .op = op, .type = (u8)t, .sub = (u8)sub,
                              .a = x, .b = y });
}

#define CONVERT(name) Val ir_##name(Ir *b, Type t, Val x) \
    { return with_sub(b, IR_##name, t, 0, x, none); }
CONVERT(bitsof) CONVERT(f2f) CONVERT(vlow)

Val ir_fcmpf(Ir *b, Val x, Val y, bool signalling)
{
    return with_sub(b, IR_fcmpf, I32, signalling, x, y);
}

Val ir_f2i(Ir *b, Type t, Val x, unsigned round)
{
    return with_sub(b, IR_f2i, t, round, x, none);
}

Val ir_i2f(Ir *b, Type t, Val x, bool is_unsigned)
{
    return with_sub(b, IR_i2f, t, is_unsigned ? FR_UNSIGNED : 0, x, none);
}

Val ir_fround(Ir *b, Val x, unsigned round)
{
    return with_sub(b, IR_fround, ir_type(b, x), round, x, none);
}

/* ---- vectors ------------------------------------------------------------ */

#define VEC2(name) Val ir_##name(Ir *b, Lane lane, Val x, Val y) \
    { return with_sub(b, IR_##name, V128T, lane, x, y); }
VEC2(vand) VEC2(vandn) VEC2(vor) VEC2(vxor) VEC2(vadd) VEC2(vsub) VEC2(vmul)
VEC2(vsmull) VEC2(vumull) VEC2(vsmin) VEC2(vsmax) VEC2(vumin) VEC2(vumax)
VEC2(vsqadd) VEC2(vuqadd) VEC2(vsqsub) VEC2(vuqsub) VEC2(vceq) VEC2(vcgt)
VEC2(vcgtu) VEC2(vfadd) VEC2(vfsub) VEC2(vfmul) VEC2(vfdiv)
VEC2(vfceq) VEC2(vfcge) VEC2(vfcgt)

#define VEC1(name) Val ir_##name(Ir *b, Lane lane, Val x) \
    { return with_sub(b, IR_##name, V128T, lane, x, none); }
VEC1(vdup) VEC1(vabs) VEC1(vsxl) VEC1(vzxl) VEC1(vfsqrt)

static Val vec_imm(Ir *b, IrOp op, Lane lane, Val x, unsigned imm)
{
    Type t = op != IR_vget ? V128T : lane == L64 ? I64 : I32;

    assert(imm < (op == IR_vget ? 16u >> lane : 8u << lane));
    return ir_emit(b, (Ins) { .op = op, .type = (u8)t, .sub = (u8)lane,
                              .a = x, .imm = imm });
}

#define VECIMM(name) Val ir_##name(Ir *b, Lane lane, Val x, unsigned imm) \
    { return vec_imm(b, IR_##name, lane, x, imm); }
VECIMM(vshl) VECIMM(vshr) VECIMM(vsar) VECIMM(vget)

Val ir_vins(Ir *b, Lane lane, Val x, unsigned index, Val y)
{
    assert(index < 16u >> lane);
    return ir_emit(b, (Ins) { .op = IR_vins, .type = V128T, .sub = (u8)lane,
                              .a = x, .b = y, .imm = index });
}

Val ir_vshuf(Ir *b, Val x, Val y, u64 mask_lo, u64 mask_hi)
{
    return typed(b, IR_vshuf, V128T, x, y, ir_v128(b, mask_lo, mask_hi));
}

Val ir_vshuf_by(Ir *b, Val x, Val y, Val mask)
{
    return typed(b, IR_vshuf, V128T, x, y, mask);
}

Val ir_vffma(Ir *b, Lane lane, Val x, Val y, Val z)
{
    return ir_emit(b, (Ins) { .op = IR_vffma, .type = V128T, .sub = (u8)lane,
                              .a = x, .b = y, .c = z });
}

/* ---- memory ------------------------------------------------------------- */

Val ir_load(Ir *b, Type t, Val addr, u32 memop)
{
    return ir_emit(b, (Ins) { .op = IR_load, .type = (u8)t, .a = addr,
                              .d = ir_span(b, addr, memop, false),
                              .imm = memop });
}

Val ir_load2(Ir *b, Type t, Val addr, u32 memop, Val *second)
{
    memop |= M_PAIR;
    Val v = ir_emit(b, (Ins) { .op = IR_load2, .type = (u8)t, .a = addr,
                               .d = ir_span(b, addr, memop, false),
                               .imm = memop });
    *second = ir_emit(b, (Ins) { .op = IR_second, .type = (u8)t });
    return v;
}

void ir_store(Ir *b, Val addr, Val v, u32 memop)
{
    ir_emit(b, (Ins) { .op = IR_store, .type = (u8)ir_type(b, v), .a = addr,
                       .b = v, .d = ir_span(b, addr, memop, true),
                       .imm = memop });
}

void ir_store2(Ir *b, Val addr, Val v, Val second, u32 memop)
{
    memop |= M_PAIR;
    ir_emit(b, (Ins) { .op = IR_store2, .type = (u8)ir_type(b, v), .a = addr,
                       .b = v, .c = second, .d = ir_span(b, addr, memop, true),
                       .imm = memop });
}

Val ir_cas(Ir *b, Type t, Val addr, Val expect, Val v, u32 memop)
{
    return ir_emit(b, (Ins) { .op = IR_cas, .type = (u8)t, .a = addr, .b = v,
                              .c = expect, .imm = memop });
}

Val ir_casif(Ir *b, Val addr, Val v, Val expect, Val expect_addr, u32 memop)
{
    return ir_emit(b, (Ins) { .op = IR_casif, .type = I32, .a = addr, .b = v,
                              .c = expect, .d = expect_addr, .imm = memop });
}

Val ir_rmw(Ir *b, RmwKind kind, Type t, Val addr, Val v, u32 memop)
{
    return ir_emit(b, (Ins) { .op = IR_rmw, .type = (u8)t, .sub = (u8)kind,
                              .a = addr, .b = v, .imm = memop });
}

void ir_fence(Ir *b, unsigned kinds)
{
    ir_emit(b, (Ins) { .op = IR_fence, .imm = kinds });
}

/* ---- calls -------------------------------------------------------------- */

static Type sig_type(char c)
{
    switch (c) {
    case 'i': return I32;
    case 'l': return I64;
    case 'q': return V128T;
    }
    return VOID;
}

/* The same call of a pure helper made before, or none. */
static Val same_call(const Ir *b, const Helper *h, const Val *args, unsigned n)
{
    for (u32 k = b->n - 1; k > 0 && k + 64 > b->n; k--) {
        const Ins *i = &b->ins[k];
        if (i->op == IR_call && i->imm == (u64)h && n
            && memcmp(&b->args[i->a.id], args, n * sizeof *args) == 0) {
            return (Val) { (u16)k };
        }
    }
    return none;
}

Val ir_call(Ir *b, const Helper *h, const Val *args, unsigned n)
{
    u32 k = 0;

    for (const char *s = h->sig + 1; *s; s++) {
        if (*s != 'p') {
            assert(k < n && ir_type(b, args[k]) == sig_type(*s));
            k++;
        }
    }
    assert(k == n && b->nargs + n <= IR_ARGS);
    if (h->flags & H_PURE && !b->raw) {
        Val v = same_call(b, h, args, n);
        if (v.id) {
            return v;
        }
    }
    if (!(h->flags & H_PURE)) {
        b->nspans = 0;
        b->flushed = true;
    }
    if (h->flags & (H_READ | H_WRITE | H_RAISE)) {
        ir_sync(b);
    }
    if (n) {
        memcpy(&b->args[b->nargs], args, n * sizeof *args);
    }
    Val v = append(b, (Ins) { .op = IR_call, .type = (u8)sig_type(h->sig[0]),
                              .a = { (u16)b->nargs }, .b = { (u16)n },
                              .imm = (u64)h });
    b->nargs += n;
    b->full |= b->nargs >= IR_ARGS - ROOM_ARGS;
    if (h->flags & H_WRITE) {
        memset(b->cur, 0, sizeof b->cur);
    }
    return v;
}

/* ---- exits -------------------------------------------------------------- */

/* May going to pc close a loop?  Then it polls. */
static u8 poll_flag(const Ir *b, Val pc)
{
    const Ins *i = ir_def(b, pc);
    i64 to = (i64)i->imm;

    return i->op == IR_pc && to > b->at && to < 4096 ? 0 : EXIT_POLL;
}

void ir_exit(Ir *b, Val pc, ExitKind kind)
{
    append(b, (Ins) { .op = IR_exit, .a = pc,
                      .sub = (u8)kind | poll_flag(b, pc) });
}

void ir_exit_call(Ir *b, Val pc, Val ret)
{
    append(b, (Ins) { .op = IR_exit, .a = pc, .b = ret,
                      .sub = (u8)EXIT_CALL | poll_flag(b, pc) });
}

void ir_exit_if(Ir *b, Val cond, Val pc)
{
    u64 k;

    if (!b->raw && ir_is_const(b, cond, &k)) {
        if (k) {
            ir_exit(b, pc, EXIT_JUMP);
        }
        return;
    }
    append(b, (Ins) { .op = IR_exit_if, .a = pc, .b = cond,
                      .sub = (u8)EXIT_JUMP | poll_flag(b, pc) });
}

void ir_trap_if(Ir *b, Val cond, u32 code)
{
    u64 k;

    if (b->raw || !ir_is_const(b, cond, &k) || k) {
        append(b, (Ins) { .op = IR_trap_if, .a = cond, .imm = code });
    }
}

void ir_leave(Ir *b)
{
    append(b, (Ins) { .op = IR_leave });
}
