/* SPDX-License-Identifier: MIT */
/*
 * Decoding: prefixes, opcode maps, ModRM, displacement, immediates; then the
 * checks that a row asks for, and its function.
 * Reference: SDM volume 2, chapter 2 "Instruction Format", appendix A.
 *
 * Left out: the limit of CS is checked where control is transferred, not when
 * it runs on over the limit.
 */
#include <assert.h>
#include <glib.h>
#include "target/i386/translate.h"
#include "util/log.h"

/* ---- the index ---------------------------------------------------------- */

static const X86Map maps[] = {
    { MAP_1, x86_int_1 }, { MAP_1, x86_arith_1 }, { MAP_1, x86_string_1 },
    { MAP_1, x86_sys_1 }, { MAP_1, x86_x87_1 },
    { MAP_0F, x86_bmi_0f }, { MAP_0F, x86_int_0f },
    { MAP_0F, x86_arith_0f }, { MAP_0F, x86_sys_0f },
    { MAP_0F, x86_control_0f },
    { MAP_0F, x86_x87_0f }, { MAP_0F, x86_mmx_0f }, { MAP_0F, x86_sse_0f },
    { MAP_0F, x86_avx_0f },
    { MAP_0F38, x86_bmi_0f38 }, { MAP_0F38, x86_control_0f38 },
    { MAP_0F38, x86_mmx_0f38 }, { MAP_0F38, x86_sse_0f38 },
    { MAP_0F38, x86_avx_0f38 },
    { MAP_0F3A, x86_bmi_0f3a }, { MAP_0F3A, x86_mmx_0f3a },
    { MAP_0F3A, x86_sse_0f3a }, { MAP_0F3A, x86_avx_0f3a },
};

/* What an operand reads behind ModRM. */
typedef enum Kind {
    NOTHING, BYTE, SIGNED_BYTE, WORD, LONG, FULL, OFFSET, POINTER
} Kind;

typedef struct Entry {
    const X86Row *row;
    bool modrm;
    bool no_mod;                /* ModRM.mod is not looked at: R operands */
    u8   imm[2];                /* Kind */
} Entry;

enum { MAX_ROWS = 2048, OPCODES = MAPS * 256 };

/* Rows by opcode: those of opcode o are entry[first[o] .. first[o + 1]). */
typedef struct Index {
    Entry entry[MAX_ROWS];
    u16   first[OPCODES + 1];
} Index;

static Kind kind_of(const char *operand)
{
    switch (operand[0]) {
    case 's':
        return SIGNED_BYTE;
    case 'L':
        return BYTE;
    case 'O':
        return OFFSET;
    case 'A':
        return operand[1] == 'p' ? POINTER : NOTHING;
    case 'J':
        return operand[1] == 'b' ? SIGNED_BYTE : LONG;
    case 'I':
        return operand[1] == 'b' ? BYTE : operand[1] == 'w' ? WORD
            : operand[1] == 'z' ? LONG : FULL;
    default:
        return NOTHING;
    }
}

static bool names_modrm(const char *operand)
{
    return strchr("EGMNPQRUVWCDS", operand[0])
        && (operand[1] < 'A' || operand[1] > 'Z');
}

static Entry make_entry(const X86Row *r)
{
    Entry e = { .row = r };
    unsigned n = 0;

    e.modrm = r->reg >= 0 || r->flags & (X_MEM | X_REG);
    for (const char *o = r->operands; *o; o += strcspn(o, ",")) {
        o += *o == ',';
        Kind k = kind_of(o);
        if (k != NOTHING) {
            assert(n < 2);
            e.imm[n++] = (u8)k;
        }
        e.modrm |= names_modrm(o);
        e.no_mod |= o[0] == 'R';
    }
    return e;
}

static void make_index(Index *x)
{
    u16 n = 0;

    for (u32 o = 0; o < OPCODES; o++) {
        x->first[o] = n;
        for (u32 i = 0; i < countof(maps); i++) {
            const X86Row *r = maps[i].rows;
            for (; maps[i].map == o >> 8 && r->name; r++) {
                if (r->op == (u8)o) {
                    assert(n < MAX_ROWS);
                    x->entry[n++] = make_entry(r);
                }
            }
        }
    }
    x->first[OPCODES] = n;
}

/* Made once, by whoever translates first. */
static const Index *the_index(void)
{
    static Index index;
    static gsize made;

    if (g_once_init_enter(&made)) {
        make_index(&index);
        g_once_init_leave(&made, 1);
    }
    return &index;
}

/* ---- bytes -------------------------------------------------------------- */

enum { LONGEST = 15 };

typedef enum Status { OK, SHORT, TOO_LONG, UNDEFINED } Status;

typedef struct Reader {
    const u8 *insn;
    u32 avail, at;
    Status status;
    const Index *index;
    u8 map;
    u8 rex;                     /* 0: none */
} Reader;

static u64 take(Reader *r, unsigned n)
{
    if (r->at + n > LONGEST && r->avail >= LONGEST) {
        r->status = TOO_LONG;
    } else if (r->at + n > r->avail) {
        r->status = SHORT;
    }
    if (r->status != OK) {
        return 0;
    }
    r->at += n;
    return load_le(r->insn + r->at - n, n);
}

/* The next byte, not taken. */
static u8 peek(Reader *r)
{
    u8 v = (u8)take(r, 1);

    r->at -= r->status == OK;
    return v;
}

/* ---- prefixes and opcode ------------------------------------------------ */

static void override(X86Ctx *c, unsigned seg)
{
    if (!is64(c) || seg >= FS) {
        c->seg = (u8)seg;
        c->seg_override = true;
    }
}

static bool legacy_prefix(X86Ctx *c, u8 v)
{
    switch (v) {
    case 0x26: override(c, ES); break;
    case 0x2e: override(c, CS); break;
    case 0x36: override(c, SS); break;
    case 0x3e: override(c, DS); break;
    case 0x64: override(c, FS); break;
    case 0x65: override(c, GS); break;
    case 0x66: c->opsize = true; break;
    case 0x67:
        c->asize = is64(c) ? 4 : c->key & KEY_CODE32 ? 2 : 4;
        break;
    case 0xf0: c->lock = true; break;
    case 0xf2:
        c->repne = true;
        c->rep = false;
        break;
    case 0xf3:
        c->rep = true;
        c->repne = false;
        break;
    default:
        return false;
    }
    return true;
}

/* Prefixes and REX, which counts only right before the opcode. */
static u8 read_prefixes(X86Ctx *c, Reader *r)
{
    for (;;) {
        u8 v = (u8)take(r, 1);
        if (r->status != OK) {
            return 0;
        }
        if (legacy_prefix(c, v)) {
            r->rex = 0;
        } else if (is64(c) && (v & 0xf0) == 0x40) {
            r->rex = v;
        } else {
            return v;
        }
    }
}

static bool protected_code(const X86Ctx *c)
{
    return (c->key & (KEY_PE | KEY_VM)) == KEY_PE;
}

static bool is_vex(X86Ctx *c, Reader *r, u8 v)
{
    return (v | 1) == 0xc5 && protected_code(c)
        && (is64(c) || peek(r) >= 0xc0) && r->status == OK;
}

/* SDM volume 2, 2.3.5: what stands inverted is turned round. */
static void read_vex(X86Ctx *c, Reader *r, u8 v)
{
    static const u8 map_of[] = { MAPS, MAP_0F, MAP_0F38, MAP_0F3A };
    bool bad = r->rex || c->opsize || c->rep || c->repne || c->lock;
    u8 first = (u8)take(r, 1), last = first;

    r->rex = 0x40 | (first & 0x80 ? 0 : 4);
    r->map = MAP_0F;
    if (v == 0xc4) {
        last = (u8)take(r, 1);
        r->rex |= (first & 0x40 ? 0 : 2) | (first & 0x20 ? 0 : 1)
            | (last & 0x80 ? 8 : 0);
        r->map = (first & 31) < countof(map_of) ? map_of[first & 31] : MAPS;
        c->vexw = last & 0x80;
    }
    c->vex = true;
    c->vl = last & 4 ? 32 : 16;
    c->vvvv = ~last >> 3 & 15;
    c->pfx = last & 3;
    c->opcode = (u8)take(r, 1);
    if (!is64(c)) {
        r->rex = 0x40;
        c->vvvv &= 7;
    }
    if (r->status == OK && (bad || r->map == MAPS)) {
        r->status = UNDEFINED;
    }
}

/* VEX.pp in the order that PF3 and PF2 have. */
_Static_assert(P66 == 1 && PF3 == 2 && PF2 == 3, "VEX.pp");

static void read_opcode(X86Ctx *c, Reader *r)
{
    u8 v = read_prefixes(c, r);

    if (r->status == OK && is_vex(c, r, v)) {
        read_vex(c, r, v);
        return;
    }
    c->pfx = c->rep ? PF3 : c->repne ? PF2 : c->opsize ? P66 : NP;
    r->map = MAP_1;
    if (v == 0x0f && r->status == OK) {
        v = (u8)take(r, 1);
        r->map = MAP_0F;
        if (v == 0x38 || v == 0x3a) {
            r->map = v == 0x38 ? MAP_0F38 : MAP_0F3A;
            v = (u8)take(r, 1);
        }
    }
    c->opcode = v;
}

/* ---- ModRM -------------------------------------------------------------- */

/* SDM volume 2, table 2-1. */
static void address16(X86Ctx *c, Reader *r)
{
    static const struct { u8 base, index; } forms[8] = {
        { RBX, RSI }, { RBX, RDI }, { RBP, RSI }, { RBP, RDI },
        { RSI, NO_REG }, { RDI, NO_REG }, { RBP, NO_REG }, { RBX, NO_REG },
    };
    unsigned rm = c->modrm & 7;

    c->base = forms[rm].base;
    c->index = forms[rm].index;
    if (c->mod == 0 && rm == 6) {
        c->base = NO_REG;
        c->disp = (i64)take(r, 2);
    } else if (c->mod == 1) {
        c->disp = sext(take(r, 1), 8);
    } else if (c->mod == 2) {
        c->disp = sext(take(r, 2), 16);
    }
}

static void read_sib(X86Ctx *c, Reader *r)
{
    u8 sib = (u8)take(r, 1);

    c->scale = sib >> 6;
    c->index = (sib >> 3 & 7) | (r->rex & 2) << 2;
    c->base = (sib & 7) | (r->rex & 1) << 3;
    if (c->index == RSP) {
        c->index = NO_REG;
    }
    if ((sib & 7) == RBP && c->mod == 0) {
        c->base = NO_REG;
        c->disp = sext(take(r, 4), 32);
    }
}

/* Tables 2-2, 2-3. */
static void address32(X86Ctx *c, Reader *r)
{
    unsigned rm = c->modrm & 7;

    c->base = c->rm;
    if (rm == 4) {
        read_sib(c, r);
    } else if (rm == 5 && c->mod == 0) {
        c->base = NO_REG;
        c->rip_relative = is64(c);
        c->disp = sext(take(r, 4), 32);
    }
    if (c->mod == 1) {
        c->disp = sext(take(r, 1), 8);
    } else if (c->mod == 2) {
        c->disp = sext(take(r, 4), 32);
    }
}

static void split_modrm(X86Ctx *c, Reader *r)
{
    c->modrm = (u8)take(r, 1);
    c->mod = c->modrm >> 6;
    c->reg = (c->modrm >> 3 & 7) | (r->rex & 4) << 1;
    c->rm = (c->modrm & 7) | (r->rex & 1) << 3;
}

static void read_address(X86Ctx *c, Reader *r)
{
    if (c->asize == 2) {
        address16(c, r);
    } else {
        address32(c, r);
    }
    if (!c->seg_override && (c->base == RBP || c->base == RSP)) {
        c->seg = SS;
    }
}

/* ---- the row ------------------------------------------------------------ */

static bool mode_fits(const X86Ctx *c, u32 f)
{
    return !(f & X_I64 && is64(c)) && !(f & X_O64 && !is64(c))
        && !(f & X_PROT && !protected_code(c));
}

static bool vex_fits(const X86Ctx *c, u32 f)
{
    if (!c->vex) {
        return !(f & X_VEXO);
    }
    if (!(f & (X_VEX | X_VEXO)) || (f & X_NOV && c->vvvv)
        || (f & X_L0 && c->vl != 16) || (f & X_L1 && c->vl != 32)) {
        return false;
    }
    if (f & X_AVX2I && c->vl == 32) {
        return x86_has(c->cpu, F_AVX2);
    }
    return !(f & X_VEX) || x86_has(c->cpu, F_AVX);
}

static bool modrm_fits(const X86Ctx *c, const X86Row *row)
{
    u32 f = row->flags;

    return (row->reg < 0 || row->reg == (c->modrm >> 3 & 7))
        && !(f & X_MEM && !is_mem(c)) && !(f & X_REG && is_mem(c));
}

static bool fits(const X86Ctx *c, const X86Row *row)
{
    u32 f = row->flags;
    bool w = c->vex ? c->vexw : c->rexw;

    return (row->pfx == PANY || row->pfx == c->pfx) && mode_fits(c, f)
        && !(f & X_W0 && w) && !(f & X_W1 && !w) && vex_fits(c, f)
        && modrm_fits(c, row) && x86_has(c->cpu, row->feature);
}

static const Entry *find_row(X86Ctx *c, Reader *r)
{
    u32 o = (u32)r->map << 8 | c->opcode;
    const Entry *e = &r->index->entry[r->index->first[o]];
    const Entry *end = &r->index->entry[r->index->first[o + 1]];

    if (e < end && e->modrm) {
        split_modrm(c, r);
    } else {
        c->mod = 3;
        c->rm = c->reg = (c->opcode & 7) | (r->rex & 1) << 3;
    }
    for (; e < end; e++) {
        if (fits(c, e->row)) {
            return e;
        }
    }
    return NULL;
}

/* Default sizes; 66 and REX.W change them. */
static void set_osize(X86Ctx *c, u32 f)
{
    bool toggled = c->opsize && !c->vex;

    if (is64(c) && (f & X_F64 || c->rexw)) {
        c->osize = 8;
    } else if (is64(c)) {
        c->osize = toggled ? 2 : f & X_D64 ? 8 : 4;
    } else {
        c->osize = toggled == !(c->key & KEY_CODE32) ? 4 : 2;
    }
}

/* ---- immediates --------------------------------------------------------- */

static u64 read_signed(Reader *r, unsigned n)
{
    return (u64)sext(take(r, n), (int)n * 8);
}

static void read_imm(X86Ctx *c, Reader *r, Kind k, u64 *to)
{
    switch (k) {
    case BYTE:
        *to = take(r, 1);
        break;
    case SIGNED_BYTE:
        *to = read_signed(r, 1);
        break;
    case WORD:
        *to = take(r, 2);
        break;
    case LONG:
        *to = read_signed(r, c->osize == 2 ? 2 : 4);
        break;
    case FULL:
        *to = read_signed(r, c->osize);
        break;
    case OFFSET:
        c->mod = 0;
        c->disp = (i64)take(r, c->asize);
        break;
    case POINTER:
        c->imm = take(r, c->osize);
        c->imm2 = take(r, 2);
        break;
    case NOTHING:
        break;
    }
}

static void decode(X86Ctx *c, Reader *r)
{
    read_opcode(c, r);
    if (r->status != OK) {
        return;
    }
    c->rex = r->rex && !c->vex;
    c->rexw = r->rex & 8;
    const Entry *e = find_row(c, r);
    if (r->status != OK) {
        return;
    }
    if (!e || (c->lock && !(e->row->flags & X_LOCK && is_mem(c)))) {
        r->status = UNDEFINED;
        return;
    }
    c->row = e->row;
    set_osize(c, c->row->flags);
    if (e->no_mod) {
        c->mod = 3;
    }
    if (is_mem(c)) {
        read_address(c, r);
    }
    read_imm(c, r, (Kind)e->imm[0], &c->imm);
    read_imm(c, r, (Kind)e->imm[1], &c->imm2);
}

/* ---- one instruction ---------------------------------------------------- */

static void begin_insn(void *env)
{
    x86_begin_insn(env);
}
HELPER(begin_insn, H_READ | H_WRITE | H_RAISE, void, ptr);

static void undefined(X86Ctx *c, const Reader *r)
{
    char text[3 * LONGEST + 1] = "";

    for (u32 i = 0; i < r->at; i++) {
        g_snprintf(text + 3 * i, sizeof text - 3 * i, " %02x", r->insn[i]);
    }
    log_line(LOG_GUEST, "undefined instruction%s", text);
    x86_raise_at(c, X_UD, 0);
}

static void run(X86Ctx *c, const Reader *r)
{
    if (!x86_state_ok(c)) {
        return;
    }
    if (c->row->flags & X_CPL0 && c->key & KEY_CPL) {
        x86_raise_at(c, X_GP, 0);
        return;
    }
    if (c->row->exit && c->key & KEY_SVM) {
        x86_guest_insn(c);
    }
    if (!c->row->fn(c)) {
        undefined(c, r);
    }
}

u32 x86_translate(Ir *b, const Cpu *cpu, u32 key, const u8 *insn, u32 avail)
{
    static const u8 asizes[] = { 2, 4, 8, 8 };
    X86Ctx c = {
        .b = b, .cpu = (const X86Cpu *)cpu, .key = key, .at = b->at,
        .seg = DS, .base = NO_REG, .index = NO_REG, .vl = 16,
        .asize = asizes[(key & KEY_CODE) / KEY_CODE32],
    };
    Reader r = { .insn = insn, .avail = avail, .index = the_index() };

    decode(&c, &r);
    if (r.status == SHORT) {
        return 0;
    }
    c.len = (u8)r.at;
    b->fp_inline = !(key & KEY_FP_SOFT);
    b->half = key & KEY_CODE64 ? 0 : MASK(RDI + 1) << S_RAX;
    if (key & (KEY_TF | KEY_SHADOW | KEY_BREAK)) {
        IR_CALL(b, &helper_begin_insn);
    }
    if (r.status == OK) {
        run(&c, &r);
    } else if (r.status == TOO_LONG) {
        x86_raise_at(&c, X_GP, 0);
    } else {
        undefined(&c, &r);
    }
    if (!b->ended && x86_single(&c)) {
        x86_goto(&c, ir_pc(b, c.at + c.len), EXIT_JUMP);
    } else if (!b->ended && b->follows) {       /* the end of STI's shadow */
        ir_exit(b, ir_pc(b, c.at + c.len), EXIT_JUMP | EXIT_POLL);
    }
    return MAX(c.len, 1);
}
