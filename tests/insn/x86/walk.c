/* SPDX-License-Identifier: MIT */
/*
 * Instructions made of the decoder's own tables: every row gives an encoding,
 * with random prefixes, registers, addressing forms and immediates.
 * Reference: SDM volume 2, chapter 2 "Instruction Format".
 */
#include <stdio.h>
#include "native.h"

const Walked walked[] = {
    { "int", MAP_1, x86_int_1 }, { "int", MAP_0F, x86_int_0f },
    { "int", MAP_1, x86_arith_1 }, { "int", MAP_0F, x86_arith_0f },
    { "string", MAP_1, x86_string_1 },
    { "bmi", MAP_0F, x86_bmi_0f }, { "bmi", MAP_0F38, x86_bmi_0f38 },
    { "bmi", MAP_0F3A, x86_bmi_0f3a },
    { "sys", MAP_1, x86_sys_1 }, { "sys", MAP_0F, x86_sys_0f },
    { "sys", MAP_0F, x86_control_0f }, { "sys", MAP_0F38, x86_control_0f38 },
    { "x87", MAP_1, x86_x87_1 }, { "x87", MAP_0F, x86_x87_0f },
    { "mmx", MAP_0F, x86_mmx_0f }, { "mmx", MAP_0F38, x86_mmx_0f38 },
    { "mmx", MAP_0F3A, x86_mmx_0f3a },
    { "sse", MAP_0F, x86_sse_0f }, { "sse", MAP_0F38, x86_sse_0f38 },
    { "sse", MAP_0F3A, x86_sse_0f3a },
    { "avx", MAP_0F, x86_avx_0f }, { "avx", MAP_0F38, x86_avx_0f38 },
    { "avx", MAP_0F3A, x86_avx_0f3a },
};
const u32 nwalked = countof(walked);

/* ---- what a child must not do, and what cannot be compared -------------- */

typedef struct Barred { u8 op; i8 reg; } Barred;    /* reg -1: all */

static bool is_barred(const Barred *b, u32 n, const X86Row *row)
{
    for (u32 i = 0; i < n; i++) {
        if (b[i].op == row->op && (b[i].reg < 0 || b[i].reg == row->reg)) {
            return true;
        }
    }
    return false;
}

bool may_walk(u8 map, const X86Row *row)
{
    /* Segment loads, far transfers, interrupts, POPF. */
    static const Barred plain[] = {
        { 0x07, -1 }, { 0x17, -1 }, { 0x1f, -1 }, { 0x8e, -1 }, { 0x9a, -1 },
        { 0xea, -1 }, { 0xc4, -1 }, { 0xc5, -1 }, { 0xca, -1 }, { 0xcb, -1 },
        { 0xcd, -1 }, { 0xcc, -1 }, { 0xce, -1 }, { 0xcf, -1 }, { 0xf1, -1 },
        { 0xff, 3 }, { 0xff, 5 }, { 0x9d, -1 },
    };
    /*
     * System calls, descriptors, time, CPUID, random numbers, state images,
     * bases of segments.
     */
    static const Barred of[] = {
        { 0x00, -1 }, { 0x01, -1 }, { 0x02, -1 }, { 0x03, -1 }, { 0x05, -1 },
        { 0x07, -1 }, { 0x31, -1 }, { 0x33, -1 }, { 0x34, -1 }, { 0x35, -1 },
        { 0xa1, -1 }, { 0xa9, -1 }, { 0xa2, -1 }, { 0xb2, -1 }, { 0xb4, -1 },
        { 0xb5, -1 }, { 0xae, 0 }, { 0xae, 1 }, { 0xae, 4 }, { 0xae, 6 },
        { 0xc7, 3 }, { 0xc7, 4 }, { 0xc7, 5 }, { 0xc7, 6 }, { 0xc7, 7 },
    };

    if (map == MAP_1) {
        return !is_barred(plain, countof(plain), row);
    }
    if (row->op == 0xae && row->flags & X_REG) {
        return row->reg >= 5 && row->pfx != PF3;        /* fences */
    }
    return map != MAP_0F || !is_barred(of, countof(of), row);
}

/* ---- encoding ----------------------------------------------------------- */

typedef struct Enc {
    Case *k;
    const X86Row *row;
    u8   map;
    bool wide;
    u8   bits;
    bool opsize, asize, lock, rep, repne;       /* prefixes */
    bool vex, w, vl;
    bool modrm, memory;
    u8   reg, rm, vvvv;
    u8   mod, base, index, scale;
    i64  disp;
    u8   disp_size;
    bool rip;
    bool sib;
    u64  target;                /* offset of the memory operand */
} Enc;

static void emit(Case *k, u64 v, unsigned n)
{
    for (unsigned i = 0; i < n && k->len < sizeof k->code; i++) {
        k->code[k->len++] = (u8)(v >> (8 * i));
    }
}

static bool takes(const char *operands, const char *letters)
{
    for (const char *o = operands; *o; o += strcspn(o, ",")) {
        o += *o == ',';
        if (strchr(letters, *o) && (o[1] < 'A' || o[1] > 'Z')) {
            return true;
        }
    }
    return false;
}

static bool full_size(const X86Row *row)
{
    return strpbrk(row->operands, "vyz");
}

/* Their forms of 16 bits leave much undefined. */
static bool is_double_shift(const X86Row *row)
{
    return strcmp(row->name, "SHLD") == 0 || strcmp(row->name, "SHRD") == 0;
}

static void choose_prefixes(Enc *e)
{
    const X86Row *row = e->row;
    u32 f = row->flags;

    e->vex = f & X_VEXO || (f & X_VEX && one_in(2));
    e->w = e->wide || e->vex ? one_in(3) : false;
    e->w = f & X_W1 ? true : f & X_W0 ? false : e->w;
    e->vl = f & X_L1 ? true : f & X_L0 ? false : one_in(2);
    e->vvvv = f & X_NOV ? 0 : (u8)below(e->wide ? 16 : 8);
    e->asize = e->wide ? one_in(16) : e->bits == 16 && one_in(3);
    if (!e->vex) {
        /* Hosts differ in what 66 does to near jumps in 64-bit mode. */
        e->opsize = row->pfx == P66
            || (one_in(4) && full_size(row) && !(e->wide && f & X_F64)
                && (row->pfx == PANY || row->pfx == PF3 || row->pfx == PF2));
        if (is_double_shift(row)) {
            e->opsize = e->bits == 16;
        }
        e->rep = row->pfx == PF3;
        e->repne = row->pfx == PF2;
    }
    if (row->fn && e->map == MAP_1 && row->op >= 0xa4 && row->op <= 0xaf
        && row->op != 0xa8 && row->op != 0xa9) {
        e->rep = one_in(2);
        e->repne = !e->rep && one_in(2);
    }
}

static bool is_gather(const X86Row *row)
{
    return strstr(row->name, "GATHER") != NULL;
}

/* SDM volume 2, 2.3.12: the index is a vector of small numbers. */
static void choose_gather(Enc *e)
{
    unsigned size = strstr(e->row->name, "GATHERD") ? 4 : 8;
    State *s = &e->k->in;

    e->base = e->wide && one_in(2) ? 8 + RBX : RBX;
    e->index = (u8)below(e->wide ? 16 : 8);
    e->sib = true;
    e->scale = (u8)below(4);
    e->mod = 1;
    e->disp_size = 1;
    e->disp = (i8)random_bits();
    s->r[e->base] = e->target - (u64)e->disp;
    for (unsigned i = 0; i < 16; i += size) {
        store_le(s->xmm[e->index] + i, size, below(100));
        store_le(s->ymmh[e->index] + i, size,
                 one_in(16) ? random_bits() : below(100));
    }
}

/* A register as an address, from which `less` is still to be added. */
static void aim(Enc *e, unsigned reg, u64 value)
{
    e->k->in.r[reg] = e->wide ? value : (u32)value;
}

/* SDM volume 2, table 2-1. */
static void choose_address16(Enc *e)
{
    static const struct { u8 base, index; } forms[8] = {
        { RBX, RSI }, { RBX, RDI }, { RBP, RSI }, { RBP, RDI },
        { RSI, NO_REG }, { RDI, NO_REG }, { RBP, NO_REG }, { RBX, NO_REG },
    };
    unsigned rm = below(8);
    u64 *r = e->k->in.r, left = e->target;

    e->mod = (u8)below(3);
    e->base = (u8)rm;                   /* as it is encoded */
    e->disp_size = e->mod;
    e->disp = e->mod == 1 ? (i8)random_bits() : e->mod == 2
        ? (i16)random_bits() : 0;
    if (e->mod == 0 && rm == 6) {
        e->disp_size = 2;
        e->disp = (i64)left;
        return;
    }
    left -= (u64)e->disp;
    if (forms[rm].index != NO_REG) {
        left -= r[forms[rm].index];
    }
    r[forms[rm].base] = deposit(r[forms[rm].base], 0, 16, left);
}

/* The forms of 32 and 64 bits; base and index get what makes the target. */
static void choose_address(Enc *e)
{
    u32 regs = e->wide ? 16 : 8;
    u64 left = e->target;

    e->base = (u8)below(regs);
    e->index = 4;
    e->sib = (e->base & 7) == RSP || one_in(3);
    if (one_in(12)) {                   /* absolute, or relative to RIP */
        e->mod = 0;
        e->base = 5;
        e->sib = e->wide && one_in(2);
        e->rip = e->wide && !e->sib;
        e->disp_size = 4;
        e->disp = (i64)left;
        return;
    }
    e->mod = (u8)below(3);
    if (e->mod == 0 && (e->base & 7) == RBP) {
        e->mod = 1;
    }
    e->disp_size = e->mod == 1 ? 1 : e->mod == 2 ? 4 : 0;
    e->disp = e->mod == 1 ? (i8)random_bits() : e->mod == 2
        ? (i32)random_bits() : 0;
    left -= (u64)e->disp;
    if (e->sib && one_in(2)) {
        e->index = (u8)below(regs);
        e->scale = (u8)below(4);
        if (e->index == e->base || e->index == RSP) {
            e->index = 4;
        } else {
            left -= e->k->in.r[e->index] << e->scale;
        }
    }
    aim(e, e->base, left);
}

static void choose_operands(Enc *e)
{
    const X86Row *row = e->row;
    bool only_reg = row->flags & X_REG || takes(row->operands, "NRU");
    bool only_mem = row->flags & X_MEM || takes(row->operands, "M");

    e->modrm = row->reg >= 0 || row->flags & (X_MEM | X_REG)
        || takes(row->operands, "EGMNPQRUVWCDS");
    e->reg = row->reg >= 0 ? (u8)row->reg : (u8)below(e->wide ? 16 : 8);
    if (e->map == MAP_1 && (row->op & 0xf8) == 0xd8 && (e->reg & 7) == 6) {
        only_reg = true;        /* FNSTENV, FNSAVE: hosts keep other pointers */
    }
    e->rm = (u8)below(e->wide ? 16 : 8);
    e->memory = e->modrm && !only_reg && (only_mem || one_in(2));
    e->mod = 3;
    e->target = random_pointer(e->bits);
    if (e->memory) {
        if (is_gather(row)) {
            e->asize = e->bits == 16;
            choose_gather(e);
        } else if (e->bits == 16 && !e->asize) {
            choose_address16(e);
        } else {
            choose_address(e);
        }
        e->lock = one_in(row->flags & X_LOCK ? 6 : 60);
    }
}

static u8 rex_bits(const Enc *e)
{
    u8 v = e->reg & 8 ? 4 : 0;

    if (!e->modrm || !e->memory) {
        return v | (e->rm & 8 ? 1 : 0);
    }
    v |= e->base & 8 && !(e->mod == 0 && e->rip) ? 1 : 0;
    return v | (e->sib && e->index & 8 ? 2 : 0);
}

static void emit_vex(Enc *e)
{
    u8 rxb = rex_bits(e), pp = e->row->pfx == PANY ? 0 : e->row->pfx;
    u8 last = (u8)((~e->vvvv & 15) << 3 | e->vl << 2 | pp);

    if (e->map == MAP_0F && !e->w && !(rxb & 3) && one_in(2)) {
        emit(e->k, 0xc5, 1);
        emit(e->k, last | (rxb & 4 ? 0 : 0x80), 1);
        return;
    }
    emit(e->k, 0xc4, 1);
    emit(e->k, (u8)((rxb & 4 ? 0 : 0x80) | (rxb & 2 ? 0 : 0x40)
                    | (rxb & 1 ? 0 : 0x20) | e->map), 1);
    emit(e->k, last | (e->w ? 0x80 : 0), 1);
}

static void emit_opcode(Enc *e)
{
    Case *k = e->k;
    u8 rex = rex_bits(e) | (e->w ? 8 : 0);

    if (e->vex) {
        emit_vex(e);
    } else {
        if (e->wide && (rex || one_in(4))) {
            emit(k, 0x40 | rex, 1);
        }
        if (e->map != MAP_1) {
            emit(k, 0x0f, 1);
        }
        if (e->map == MAP_0F38 || e->map == MAP_0F3A) {
            emit(k, e->map == MAP_0F38 ? 0x38 : 0x3a, 1);
        }
    }
    bool in_opcode = takes(e->row->operands, "Z");
    emit(k, in_opcode ? (e->row->op & ~7) | (e->rm & 7) : e->row->op, 1);
}

static void emit_prefixes(Enc *e)
{
    if (e->asize) {
        emit(e->k, 0x67, 1);
    }
    if (e->lock) {
        emit(e->k, 0xf0, 1);
    }
    if (e->opsize) {
        emit(e->k, 0x66, 1);
    }
    if (e->rep || e->repne) {
        emit(e->k, e->rep ? 0xf3 : 0xf2, 1);
    }
}

/* Where the displacement of a RIP-relative operand is; 0: nowhere. */
static u32 emit_modrm(Enc *e)
{
    u32 at = 0;

    if (!e->modrm) {
        return 0;
    }
    if (!e->memory) {
        emit(e->k, 0xc0 | (e->reg & 7) << 3 | (e->rm & 7), 1);
        return 0;
    }
    emit(e->k, e->mod << 6 | (e->reg & 7) << 3 | (e->sib ? 4 : e->base & 7),
         1);
    if (e->sib) {
        emit(e->k, e->scale << 6 | (e->index & 7) << 3 | (e->base & 7), 1);
    }
    at = e->rip ? e->k->len : 0;
    emit(e->k, (u64)e->disp, e->disp_size);
    return at;
}

static unsigned osize_of(const Enc *e)
{
    u32 f = e->row->flags;

    if (e->wide && (e->w || f & X_F64)) {
        return 8;
    }
    if (e->bits == 16) {
        return e->opsize ? 4 : 2;
    }
    return e->opsize ? 2 : e->wide && f & X_D64 ? 8 : 4;
}

/* Jumps land among the INT3, not in themselves. */
static u64 jump_distance(void)
{
    return one_in(2) ? 16 + below(100) : 0 - (u64)(32 + below(90));
}

static void emit_imm(Enc *e, const char *o)
{
    unsigned size = osize_of(e), z = MIN(size, 4);

    switch (o[0]) {
    case 's':
    case 'L':
        emit(e->k, random_bits(), 1);
        break;
    case 'J':
        emit(e->k, jump_distance(), o[1] == 'b' ? 1 : z);
        break;
    case 'O':
        emit(e->k, e->target, e->asize || e->bits == 32 ? 4
             : e->wide ? 8 : 2);
        break;
    case 'I':
        emit(e->k, one_in(2) ? random_word() : random_bits(),
             o[1] == 'b' ? 1 : o[1] == 'w' ? 2 : o[1] == 'z' ? z : size);
        break;
    default:
        break;
    }
}

static void place(Case *k)
{
    k->at = 0x400 + below(0x800);
    if (one_in(8)) {
        k->at = GUEST_PAGE - below(12);
    }
    k->in.ip = k->bits == 16 ? k->at : CODE + k->at;
}

/*
 * What strings and masked stores need: whether nothing stored may fault is up
 * to the host.
 */
static void aim_implied(Enc *e)
{
    State *s = &e->k->in;

    if (strncmp(e->row->name, "MASKMOV", 7) == 0) {
        s->r[RDI] = (e->bits == 16 ? NEAR : BUFFER_A) + 512 + below(4096);
    }
    if (takes(e->row->operands, "XY")) {
        u8 bits = e->bits;
        s->r[RSI] = random_pointer(bits);
        s->r[RDI] = one_in(3) ? s->r[RSI] + below(40) - 20
                              : random_pointer(bits);
        s->r[RCX] = one_in(3) ? below(3) : below(200);
    }
}

bool make_walked(Case *k, u8 map, const X86Row *row)
{
    Enc e = { .k = k, .row = row, .map = map, .bits = k->bits,
              .wide = k->bits == 64 };
    u32 rip;

    if (row->flags & (e.wide ? X_I64 : X_O64)
        || (k->bits == 16 && strstr(row->name, "PMASKMOV"))
        || (k->bits == 16 && strstr(row->name, "VMASKMOV"))) {
        return false;
    }
    k->len = 0;
    random_state(&k->in, k->bits);
    place(k);
    choose_prefixes(&e);
    choose_operands(&e);
    if (!e.wide && e.vex) {
        e.w = row->flags & X_W1;
    }
    aim_implied(&e);
    emit_prefixes(&e);
    emit_opcode(&e);
    rip = emit_modrm(&e);
    for (const char *o = row->operands; *o; o += strcspn(o, ",")) {
        o += *o == ',';
        emit_imm(&e, o);
    }
    if (rip) {
        store_le(k->code + rip, 4, e.target - (k->in.ip + k->len));
    }
    snprintf(k->what, sizeof k->what, "%s %s", row->name, row->operands);
    return k->len < sizeof k->code;
}

/* ---- by hand ------------------------------------------------------------ */

static unsigned digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

bool make_by_hand(Case *k, const NativeRow *row)
{
    if (row->bits && row->bits != k->bits) {
        return false;
    }
    k->len = 0;
    random_state(&k->in, k->bits);
    place(k);
    for (const char *p = row->code; *p; p += *p == ' ') {
        emit(k, digit(p[0]) << 4 | digit(p[1]), 1);
        p += 2;
    }
    for (const char *p = row->roles; *p; p += p[2] ? 3 : 2) {
        k->in.r[digit(p[1])] = p[0] == 'p' ? random_pointer(k->bits)
            : one_in(3) ? below(3) : below(200);
    }
    k->undefined = row->undefined;
    snprintf(k->what, sizeof k->what, "%s", row->name);
    return true;
}
