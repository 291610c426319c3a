/* SPDX-License-Identifier: MIT */
/* Assembler for x86-64; see x86_64_emit.h. */
#include "tcg/x86_64_emit.h"
#include <assert.h>
#include <stdlib.h>

static void reloc(As *s, Section to, u32 target, unsigned tail)
{
    Relocs *r = s->relocs;
    if (r->n == r->room) {
        r->room = r->room ? r->room * 2 : 256;
        r->r = realloc(r->r, r->room * sizeof(Reloc));
        if (!r->r) {
            abort();
        }
    }
    r->r[r->n++] = (Reloc) {
        as_here(s), s->section, (u8)to, (u8)tail, target
    };
    as_32(s, 0);
}

static void modrm(As *s, unsigned mod, unsigned reg, unsigned rm)
{
    as_8(s, (u8)(mod << 6 | (reg & 7) << 3 | (rm & 7)));
}

/* Displacement size of a memory operand: mod 0, 1 or 2. */
static unsigned mod_of(Opd rm)
{
    if (!rm.disp && (rm.reg & 7) != RBP) {
        return 0;
    }
    return fits8(rm.disp) ? 1 : 2;
}

static void disp(As *s, unsigned mod, i32 d)
{
    if (mod == 1) {
        as_8(s, (u8)d);
    } else if (mod == 2) {
        as_32(s, (u32)d);
    }
}

static void operand(As *s, u32 op, unsigned reg, Opd rm)
{
    unsigned mod = mod_of(rm);
    switch (rm.kind) {
    case O_REG:
        modrm(s, 3, reg, rm.reg);
        break;
    case O_RIP:
        modrm(s, 0, reg, RBP);
        reloc(s, rm.to, (u32)rm.disp, (op & X_IMM) >> X_IMM_SHIFT);
        break;
    case O_IDX:
        modrm(s, mod, reg, RSP);
        as_8(s, (u8)(rm.scale << 6 | (rm.index & 7) << 3 | (rm.reg & 7)));
        disp(s, mod, rm.disp);
        break;
    default:
        modrm(s, mod, reg, rm.reg);
        if ((rm.reg & 7) == RSP) {
            as_8(s, 0x24);
        }
        disp(s, mod, rm.disp);
        break;
    }
}

/* The high bits of the index and base, as REX.X and REX.B. */
static unsigned high_xb(Opd rm)
{
    switch (rm.kind) {
    case O_RIP:
        return 0;
    case O_IDX:
        return (rm.index >> 3) << 1 | rm.reg >> 3;
    default:
        return rm.reg >> 3;
    }
}

void as_op(As *s, u32 op, unsigned reg, Opd rm)
{
    static const u8 prefix[] = { 0, 0x66, 0xf3, 0xf2 };
    unsigned pp = (op & X_PP) >> 10, map = (op & X_MAP) >> 8;
    unsigned rex = (op & X_W ? 8 : 0) | (reg >> 3) << 2 | high_xb(rm);
    bool low = op & X_B && ((reg >= RSP && reg <= RDI) ||
                            (rm.kind == O_REG && rm.reg >= RSP));
    if (op & X_OS) {
        as_8(s, 0x66);
    }
    if (pp) {
        as_8(s, prefix[pp]);
    }
    if (rex || low) {
        as_8(s, (u8)(0x40 | rex));
    }
    if (map) {
        as_8(s, 0x0f);
    }
    if (map >= 2) {
        as_8(s, map == 2 ? 0x38 : 0x3a);
    }
    as_8(s, (u8)op);
    operand(s, op, reg, rm);
}

void as_vex(As *s, u32 op, unsigned reg, unsigned vvvv, Opd rm)
{
    unsigned pp = (op & X_PP) >> 10, map = (op & X_MAP) >> 8;
    unsigned xb = high_xb(rm), w = op & X_W ? 0x80 : 0;
    unsigned low = (~vvvv & 15) << 3 | pp;
    if (map == 1 && !xb && !w) {
        as_8(s, 0xc5);
        as_8(s, (u8)((reg & 8 ? 0 : 0x80) | low));
    } else {
        as_8(s, 0xc4);
        as_8(s, (u8)((reg & 8 ? 0 : 0x80) | (~xb & 3) << 5 | map));
        as_8(s, (u8)(w | low));
    }
    as_8(s, (u8)op);
    operand(s, op, reg, rm);
}

void as_alu_imm(As *s, u32 w, unsigned group, Opd rm, i32 imm)
{
    if (fits8(imm)) {
        as_op(s, OP_GRP1_8 | w, group, rm);
        as_8(s, (u8)imm);
    } else {
        as_op(s, OP_GRP1_32 | w, group, rm);
        as_32(s, (u32)imm);
    }
}

void as_mov_imm(As *s, unsigned reg, u64 v, bool flags)
{
    if (!v && flags) {
        as_op(s, OP_XOR, reg, reg_opd(reg));
    } else if (v <= UINT32_MAX) {
        if (reg >= 8) {
            as_8(s, 0x41);
        }
        as_8(s, (u8)(0xb8 | (reg & 7)));
        as_32(s, (u32)v);
    } else if (fits32((i64)v)) {
        as_op(s, OP_STI | X_W, 0, reg_opd(reg));
        as_32(s, (u32)v);
    } else {
        as_8(s, reg >= 8 ? 0x49 : 0x48);
        as_8(s, (u8)(0xb8 | (reg & 7)));
        as_64(s, v);
    }
}

void as_mov(As *s, u32 w, unsigned to, unsigned from)
{
    if (to != from) {
        as_op(s, OP_LD | w, to, reg_opd(from));
    }
}

/* A displacement; straight away where it does not leave the section. */
static void target32(As *s, Section to, u32 target)
{
    if (to == s->section) {
        as_32(s, target - as_here(s) - 4);
    } else {
        reloc(s, to, target, 0);
    }
}

void as_jmp(As *s, Section to, u32 target)
{
    as_8(s, 0xe9);
    target32(s, to, target);
}

void as_jcc(As *s, unsigned cc, Section to, u32 target)
{
    as_8(s, 0x0f);
    as_8(s, (u8)(0x80 | cc));
    target32(s, to, target);
}

void as_call(As *s, Section to, u32 target)
{
    as_8(s, 0xe8);
    target32(s, to, target);
}

/* Recommended multi-byte forms: volume 2, NOP. */
void as_nop(As *s, unsigned n)
{
    static const u8 nops[][8] = {
        { 0 }, { 0x90 }, { 0x66, 0x90 }, { 0x0f, 0x1f, 0x00 },
        { 0x0f, 0x1f, 0x40 }, { 0x0f, 0x1f, 0x44 },
        { 0x66, 0x0f, 0x1f, 0x44 }, { 0x0f, 0x1f, 0x80 },
        { 0x0f, 0x1f, 0x84 },
    };
    while (n) {
        unsigned size = MIN(n, 8u);
        memcpy(s->p, nops[size], size);
        s->p += size;
        n -= size;
    }
}

void as_align_disp(As *s, unsigned before)
{
    as_nop(s, -(as_here(s) + before) & 3);
}

u32 as_jcc_open(As *s, unsigned cc)
{
    as_8(s, (u8)(0x70 | cc));
    as_8(s, 0);
    return as_here(s);
}

u32 as_jmp_open(As *s)
{
    as_8(s, 0xeb);
    as_8(s, 0);
    return as_here(s);
}

void as_close(As *s, u32 open)
{
    u32 d = as_here(s) - open;
    assert(d < 128);
    s->buf[open - 1] = (u8)d;
}

void as_jcc_back(As *s, unsigned cc, u32 target)
{
    i32 d = (i32)(target - as_here(s) - 2);
    assert(d >= -128);
    as_8(s, (u8)(0x70 | cc));
    as_8(s, (u8)d);
}
