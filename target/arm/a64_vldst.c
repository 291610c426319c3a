/* SPDX-License-Identifier: MIT */
/*
 * A64 loads and stores of structures: LD1 .. LD4, ST1 .. ST4, LD1R .. LD4R.
 * Reference: Arm ARM (DDI 0487) C7.2.  The table is a64_vldst.decode.
 *
 * Whole registers are moved in as few accesses as possible and their bytes
 * are put in order by shuffles, so that an access covers several elements:
 * each one that is aligned is still read or written at once.
 */
#include "target/arm/translate.h"
#include "a64_vldst.forms.h"

enum { REGS_MAX = 4 };

/* Adds the register or, for Rm 31, what was transferred to the base. */
static bool post_index(Ctx *c, bool post, unsigned rn, unsigned rm,
                       unsigned bytes)
{
    if (post) {
        Val by = rm == 31 ? imm(c, true, bytes) : get_x(c, true, rm);
        set_sp(c, true, rn, ir_add(c->b, get_sp(c, true, rn), by));
    }
    return true;
}

static Val address(Ctx *c, unsigned rn, unsigned offset)
{
    return ir_add(c->b, base_address(c, rn), imm(c, true, offset));
}

/* ---- multiple structures ------------------------------------------------ */

/* Where each byte of a result comes from: 16 * input + byte, or -1: zero. */
typedef struct ByteMap {
    i8 from[16];
} ByteMap;

/* The bytes of in[0] and in[1], as the map says for inputs first, first + 1. */
static Val shuffle_two(Ctx *c, const Val *in, const ByteMap *map, int first)
{
    Vec mask;

    for (int i = 0; i < 16; i++) {
        int from = map->from[i] - 16 * first;
        mask.b[i] = from < 0 || from > 31 ? 0x80 : (u8)from;
    }
    return ir_vshuf(c->b, in[0], in[1], mask.d[0], mask.d[1]);
}

static bool is_identity(const ByteMap *map, unsigned input)
{
    for (unsigned i = 0; i < 16; i++) {
        if (map->from[i] != (int)(16 * input + i)) {
            return false;
        }
    }
    return true;
}

/* One result of n inputs, in[n] being readable too. */
static Val shuffle(Ctx *c, const Val *in, unsigned n, const ByteMap *map)
{
    unsigned lowest = 16 * REGS_MAX, highest = 0;

    for (unsigned i = 0; i < 16; i++) {
        if (map->from[i] >= 0) {
            lowest = MIN(lowest, (unsigned)map->from[i] / 16);
            highest = MAX(highest, (unsigned)map->from[i] / 16);
        }
    }
    if (is_identity(map, lowest)) {
        return in[lowest];
    }
    if (highest - lowest <= 1) {
        return shuffle_two(c, in + lowest, map, (int)lowest);
    }
    Val v = shuffle_two(c, in, map, 0);
    return n <= 2 ? v : ir_vor(c->b, L8, v, shuffle_two(c, in + 2, map, 2));
}

/* A multiple-structure transfer. */
typedef struct Multi {
    unsigned regs, per;         /* registers; registers of one structure */
    unsigned bytes;             /* of a register: 8 or 16 */
    unsigned esize;             /* bytes of an element */
    bool swap;                  /* elements are most significant byte first */
} Multi;

/*
 * The place in memory, counted as 16 * (register-sized piece) + byte, of byte
 * i of register r.
 */
static unsigned place_of(const Multi *m, unsigned r, unsigned i)
{
    unsigned element = i / m->esize, byte = i % m->esize;
    unsigned structure = r / m->per * (m->bytes / m->esize) + element;

    if (m->swap) {
        byte = m->esize - 1 - byte;
    }
    unsigned at = (structure * m->per + r % m->per) * m->esize + byte;
    return at / m->bytes * 16 + at % m->bytes;
}

/* load: map of register r from memory's pieces; else of piece r. */
static ByteMap byte_map(const Multi *m, unsigned r, bool load)
{
    ByteMap map;

    memset(&map, -1, sizeof map);
    for (unsigned s = 0; s < m->regs; s++) {
        for (unsigned i = 0; i < m->bytes; i++) {
            unsigned place = place_of(m, s, i);
            if (load && s == r) {
                map.from[i] = (i8)place;
            } else if (!load && place / 16 == r) {
                map.from[place % 16] = (i8)(16 * s + i);
            }
        }
    }
    return map;
}

static void load_pieces(Ctx *c, const Multi *m, unsigned rn, Val *piece)
{
    bool full = m->bytes == 16;
    Type t = full ? V128T : F64;
    u32 memop = full ? M_128 : M_64;

    for (unsigned i = 0; i < m->regs; i += 2) {
        Val addr = address(c, rn, i * m->bytes);
        if (i + 1 < m->regs) {
            piece[i] = guest_load2(c, t, addr, memop, &piece[i + 1]);
        } else {
            piece[i] = guest_load(c, t, addr, memop);
        }
    }
    for (unsigned i = 0; i < m->regs && !full; i++) {
        piece[i] = ir_vzext(c->b, piece[i]);
    }
}

static void store_pieces(Ctx *c, const Multi *m, unsigned rn, Val *piece)
{
    bool full = m->bytes == 16;
    u32 memop = full ? M_128 : M_64;

    for (unsigned i = 0; i < m->regs && !full; i++) {
        piece[i] = ir_vlow(c->b, F64, piece[i]);
    }
    for (unsigned i = 0; i < m->regs; i += 2) {
        Val addr = address(c, rn, i * m->bytes);
        if (i + 1 < m->regs) {
            guest_store2(c, addr, piece[i], piece[i + 1], memop);
        } else {
            guest_store(c, addr, piece[i], memop);
        }
    }
}

/*
 * Pieces are larger than elements, so where all accesses must be aligned one
 * element is read first, for the check.
 */
static void check_alignment(Ctx *c, unsigned rn, unsigned size)
{
    if (data_access(c) & M_ALIGN) {
        ir_load(c->b, I64, base_address(c, rn), size | M_ALIGN);
    }
}

static void transfer(Ctx *c, form_multi a, const Multi *m)
{
    /* One more, for shuffle_two() of the last. */
    Val in[REGS_MAX + 1], out[REGS_MAX];

    for (unsigned i = 0; i < m->regs && !a.load; i++) {
        in[i] = get_v(c, (a.rt + i) % 32);
    }
    if (a.load) {
        load_pieces(c, m, a.rn, in);
    }
    for (unsigned i = m->regs; i <= REGS_MAX; i++) {
        in[i] = in[m->regs - 1];
    }
    for (unsigned i = 0; i < m->regs; i++) {
        ByteMap map = byte_map(m, i, a.load);
        out[i] = shuffle(c, in, m->regs, &map);
    }
    if (!a.load) {
        store_pieces(c, m, a.rn, out);
    }
    for (unsigned i = 0; i < m->regs && a.load; i++) {
        set_v(c, (a.rt + i) % 32, out[i]);
    }
}

static bool multiple(Ctx *c, form_multi a, unsigned regs, unsigned per)
{
    Multi m = {
        .regs = regs, .per = per, .bytes = a.q ? 16 : 8,
        .esize = 1u << a.size, .swap = data_order(c),
    };

    if (a.size == 3 && !a.q && per > 1) {
        return false;
    }
    if (!fp_enabled(c)) {
        return true;
    }
    check_alignment(c, a.rn, a.size);
    transfer(c, a, &m);
    return post_index(c, a.post, a.rn, a.rm, regs * m.bytes);
}

/* ---- single structure --------------------------------------------------- */

/* Loads `regs` adjacent elements. */
static void load_elements(Ctx *c, unsigned rn, Val *v, unsigned regs,
                          unsigned lane)
{
    for (unsigned i = 0; i < regs; i++) {
        v[i] = guest_load(c, lane == L64 ? I64 : I32,
                       address(c, rn, i << lane), lane | data_access(c));
    }
}

static bool single(Ctx *c, form_single a, unsigned regs, Lane lane)
{
    unsigned index = (a.q << 3 | a.s << 2 | a.size) >> lane;
    Val v[REGS_MAX];

    if (!fp_enabled(c)) {
        return true;
    }
    if (a.load) {
        load_elements(c, a.rn, v, regs, lane);
    }
    for (unsigned i = 0; i < regs; i++) {
        unsigned rt = (a.rt + i) % 32;
        if (a.load) {
            set_v(c, rt, ir_vins(c->b, lane, get_v(c, rt), index, v[i]));
        } else {
            guest_store(c, address(c, a.rn, i << lane),
                     ir_vget(c->b, lane, get_v(c, rt), index),
                     lane | data_access(c));
        }
    }
    return post_index(c, a.post, a.rn, a.rm, regs << lane);
}

static bool replicate(Ctx *c, form_dup a, unsigned regs)
{
    Val v[REGS_MAX];

    if (!fp_enabled(c)) {
        return true;
    }
    load_elements(c, a.rn, v, regs, a.size);
    for (unsigned i = 0; i < regs; i++) {
        unsigned rt = (a.rt + i) % 32;
        Val all = ir_vdup(c->b, (Lane)a.size, v[i]);
        if (a.q) {
            set_v(c, rt, all);
        } else {
            set_v64(c, rt, all);
        }
    }
    return post_index(c, a.post, a.rn, a.rm, regs << a.size);
}

#include "a64_vldst.decode.h"

bool a64_vldst(Ctx *c, u32 w)
{
    return a64_vldst_decode(c, w);
}
