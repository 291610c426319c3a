/* SPDX-License-Identifier: MIT */
/*
 * Side tables: where the guest's state is at each access that may fault.
 *
 * A table is a header and one record per call of the slow path:
 *
 *     u32 return address, as offset in the block's cold code
 *     u32 length of what follows (20 bits), guest page offset of the
 *         instruction (12)
 *     entries: u8 slot, source
 *
 * A source is a byte, kind << 4 | register, and what the kind needs.  Numbers
 * are LEB128, signed ones zigzag.  A sunk value is a recipe: its operation
 * and the sources of its operands.
 */
#include "tcg/x86_64.h"
#include <assert.h>
#include <stdlib.h>

typedef enum SrcKind {
    SRC_INT, SRC_VEC,           /* register */
    SRC_PLACE,                  /* spill place */
    SRC_CONST, SRC_PC, SRC_V128,
    SRC_SLOT,                   /* env's copy of another slot */
    SRC_RECIPE,
} SrcKind;

typedef struct Header {
    const IrSlot *slots;
    u32 cold_code;              /* bytes */
    u32 nsites;
} Header;

enum { RECORD = 8, SOURCE_MAX = 4096, LEN_BITS = 20 };

void bytes_add(Bytes *b, const void *p, size_t n)
{
    if (b->n + n > b->room) {
        b->room = (b->n + n) * 2;
        b->p = realloc(b->p, b->room);
        if (!b->p) {
            abort();
        }
    }
    if (p) {
        memcpy(b->p + b->n, p, n);
    }
    b->n += n;
}

/* ---- writing ------------------------------------------------------------ */

static u8 *put_number(u8 *p, u64 v)
{
    while (v >= 0x80) {
        *p++ = (u8)(v | 0x80);
        v >>= 7;
    }
    *p++ = (u8)v;
    return p;
}

static u8 *put_signed(u8 *p, u64 v)
{
    return put_number(p, v << 1 ^ (u64)((i64)v >> 63));
}

static u8 *put_tag(u8 *p, SrcKind kind, unsigned reg)
{
    *p++ = (u8)(kind << 4 | reg);
    return p;
}

static u8 *put_source(const Cc *c, u8 *p, u16 v);

static u8 *put_recipe(const Cc *c, u8 *p, const Ins *i)
{
    const u16 v[3] = { i->a.id, i->b.id, i->c.id };
    unsigned n = 1 + !!v[1] + !!v[2];
    p = put_tag(p, SRC_RECIPE, n);
    *p++ = (u8)i->op;
    *p++ = i->type;
    *p++ = i->sub;
    *p++ = ins_of(c, v[0])->type;
    p = put_signed(p, i->imm);
    for (unsigned k = 0; k < n; k++) {
        p = put_source(c, p, v[k]);
    }
    return p;
}

static u8 *put_source(const Cc *c, u8 *p, u16 v)
{
    const Ins *i = ins_of(c, v);
    u64 w[2];
    if (c->a.reg[v] >= 0) {
        return put_tag(p, class_of(i->type) == CLASS_VEC ? SRC_VEC : SRC_INT,
                       (unsigned)c->a.reg[v]);
    }
    if (c->a.place[v] >= 0) {
        p = put_tag(p, SRC_PLACE, 0);
        return put_number(p, (u64)c->a.place[v]);
    }
    if (ir_const_of(c->b, v, w)) {
        p = put_tag(p, i->type == V128T ? SRC_V128 : SRC_CONST, 0);
        p = put_signed(p, w[0]);
        return i->type == V128T ? put_signed(p, w[1]) : p;
    }
    switch (i->op) {
    case IR_pc:
        p = put_tag(p, SRC_PC, 0);
        return put_signed(p, i->imm);
    case IR_get: case IR_phi:
        p = put_tag(p, SRC_SLOT, 0);
        return put_number(p, i->imm);
    default:
        return put_recipe(c, p, i);
    }
}

void snap_encode(Cc *c, u16 at)
{
    size_t start = c->side.n;
    u8 source[SOURCE_MAX];
    bytes_add(&c->side, NULL, RECORD);
    for (unsigned n = 0; n < countof(c->a.touched); n++) {
        for (u64 left = c->a.touched[n]; left; left &= left - 1) {
            unsigned slot = n * 64 + (unsigned)__builtin_ctzll(left);
            u16 v = c->a.cur[slot];
            if (x64_unchanged(c, slot, v)) {
                continue;
            }
            source[0] = (u8)slot;
            u8 *end = put_source(c, source + 1, v);
            assert(end <= source + SOURCE_MAX);
            bytes_add(&c->side, source, (size_t)(end - source));
        }
    }
    u8 *record = c->side.p + start;
    size_t len = c->side.n - start - RECORD;
    assert(len < 1u << LEN_BITS && at < PAGE_SIZE);
    store_le(record + 4, 4, len | (u32)at << LEN_BITS);
    c->nsites++;
}

void snap_returns(Cc *c, size_t record, u32 cold)
{
    store_le(c->side.p + record, 4, cold);
}

size_t snap_size(const Cc *c)
{
    return sizeof(Header) + c->side.n;
}

void snap_write(const Cc *c, u8 *to)
{
    Header h = { c->b->slots, as_here(&c->cold), c->nsites };
    memcpy(to, &h, sizeof(h));
    if (c->side.n) {
        memcpy(to + sizeof(h), c->side.p, c->side.n);
    }
}

/* ---- reading ------------------------------------------------------------ */

typedef struct Reader {
    const u8 *p;
    const IrSlot *slots;
    u8  *env;
} Reader;

static u64 number(Reader *r)
{
    u64 v = 0;
    unsigned shift = 0;
    do {
        v |= (u64)(*r->p & 0x7f) << shift;
        shift += 7;
    } while (*r->p++ & 0x80);
    return v;
}

static u64 signed_number(Reader *r)
{
    u64 v = number(r);
    return v >> 1 ^ -(v & 1);
}

static size_t type_size(Type t)
{
    return t == V128T ? 16 : t == I32 || t == F32 ? 4 : 8;
}

static Vec source(Reader *r);

static u64 recipe(Reader *r, unsigned n)
{
    Ins i = { .op = r->p[0], .type = r->p[1], .sub = r->p[2] };
    Type operand = r->p[3];
    u64 v[3] = { 0 };
    r->p += 4;
    i.imm = signed_number(r);
    for (unsigned k = 0; k < n; k++) {
        v[k] = source(r).d[0];
        if (k == 2 || operand == I32) {
            v[k] = (u32)v[k];
        }
    }
    return ir_compute(&i, operand, v[0], v[1], v[2], 0);
}

static Vec source(Reader *r)
{
    const TcgEnv *env = (const TcgEnv *)r->env;
    unsigned tag = *r->p++, reg = tag & 15;
    Vec v = { .d = { 0, 0 } };
    switch ((SrcKind)(tag >> 4)) {
    case SRC_INT:
        v.d[0] = env->reg[reg];
        break;
    case SRC_VEC:
        memcpy(&v, &env->vreg[reg], sizeof(v));
        break;
    case SRC_PLACE:
        memcpy(&v, (u8 *)env->host_sp + number(r) * PLACE_SIZE, sizeof(v));
        break;
    case SRC_CONST:
        v.d[0] = signed_number(r);
        break;
    case SRC_PC:
        v.d[0] = env->pc_page + signed_number(r);
        break;
    case SRC_V128:
        v.d[0] = signed_number(r);
        v.d[1] = signed_number(r);
        break;
    case SRC_SLOT: {
        const IrSlot *s = &r->slots[number(r)];
        memcpy(&v, r->env + s->offset, type_size(s->type));
        break;
    }
    case SRC_RECIPE:
        v.d[0] = recipe(r, reg);
        break;
    }
    return v;
}

/* All sources are read before any slot is written: one may be another's. */
static void restore(Reader *r, const u8 *end)
{
    Vec value[IR_SLOTS];
    u8 slot[IR_SLOTS];
    unsigned n = 0;
    while (r->p < end) {
        slot[n] = *r->p++;
        value[n++] = source(r);
    }
    while (n--) {
        const IrSlot *s = &r->slots[slot[n]];
        memcpy(r->env + s->offset, &value[n], type_size(s->type));
    }
}

u32 snap_cold_code(const TcgCode *c)
{
    Header h;
    memcpy(&h, c->side, sizeof(h));
    return h.cold_code;
}

void tcg_restore(const TcgCode *c, void *env, const void *ret)
{
    Header h;
    memcpy(&h, c->side, sizeof(h));
    const u8 *p = c->side + sizeof(h);
    u32 want = (u32)((const u8 *)ret - c->cold);
    for (u32 n = 0; n < h.nsites; n++) {
        u32 head = (u32)load_le(p + 4, 4);
        size_t len = head & MASK(LEN_BITS);
        if (load_le(p, 4) == want) {
            Reader r = { p + RECORD, h.slots, env };
            TcgEnv *e = env;
            e->pc = e->pc_page + (head >> LEN_BITS);
            restore(&r, p + RECORD + len);
            return;
        }
        p += RECORD + len;
    }
    assert(!"no record of this return address");
}
