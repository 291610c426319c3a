/* SPDX-License-Identifier: MIT */
/*
 * System-management mode: entry by SMI, RSM.
 * Reference: SDM volume 3, chapter 32 "System Management Mode" (the 32-bit
 * state save map, for models without long mode); AMD64 APM volume 2, 10.2.3
 * "SMRAM State-Save Area" (the others').
 *
 * What those maps leave reserved holds the hidden parts of segments in the
 * 32-bit one.  Left out: restart of I/O instructions and of HLT.
 */
#include "softmmu/machine.h"
#include "target/i386/system.h"

enum {
    AREA = 0x8000,              /* from SMBASE; also where the handler is */
    REVISION32 = 0x20000, REVISION64 = 0x20064,         /* SMBASE can move */
};

/* Where each register is, from SMBASE + 8000H. */
typedef struct Map {
    u16 gpr[16], size;          /* size of these, and of the next four */
    u16 ip, flags, cr0, cr3, cr4, dr6, dr7, revision, base, efer;
} Map;

static const Map map32 = {
    .gpr = { 0x7fd0, 0x7fd4, 0x7fd8, 0x7fdc, 0x7fe0, 0x7fe4, 0x7fe8, 0x7fec },
    .size = 4, .ip = 0x7ff0, .flags = 0x7ff4, .cr0 = 0x7ffc, .cr3 = 0x7ff8,
    .cr4 = 0x7f14, .dr6 = 0x7fcc, .dr7 = 0x7fc8, .revision = 0x7efc,
    .base = 0x7ef8,
};

static const Map map64 = {
    .gpr = { 0x7ff8, 0x7ff0, 0x7fe8, 0x7fe0, 0x7fd8, 0x7fd0, 0x7fc8, 0x7fc0,
             0x7fb8, 0x7fb0, 0x7fa8, 0x7fa0, 0x7f98, 0x7f90, 0x7f88, 0x7f80 },
    .size = 8, .ip = 0x7f78, .flags = 0x7f70, .cr0 = 0x7f58, .cr3 = 0x7f50,
    .cr4 = 0x7f48, .dr6 = 0x7f68, .dr7 = 0x7f60, .revision = 0x7efc,
    .base = 0x7f00, .efer = 0x7ed0,
};

/* One place of the map, saved or restored. */
typedef struct Area {
    X86Cpu *c;
    u64     base;               /* SMBASE + 8000H */
    bool    save;
} Area;

static void word(const Area *a, u32 at, unsigned size, u64 *v)
{
    MemSpace *mem = a->c->cpu.mem;

    if (a->save) {
        mem_put(mem, a->base + at, size, *v);
    } else {
        *v = mem_get(mem, a->base + at, size);
    }
}

/* The attributes in 12 bits: the gap of the descriptor closed. */
static void segment64(const Area *a, u32 at, X86Seg *s, u64 *base)
{
    u64 selector = s->selector, limit = s->limit;
    u64 attr = (s->attr & 0xff) | (s->attr >> 4 & 0xf00);

    word(a, at, 2, &selector);
    word(a, at + 2, 2, &attr);
    word(a, at + 4, 4, &limit);
    word(a, at + 8, 8, base);
    *s = (X86Seg) { (u16)selector, (u32)limit,
                    (u32)((attr & 0xff) | (attr & 0xf00) << 4) };
}

static void segment32(const Area *a, u32 at, u32 hidden, X86Seg *s, u64 *base)
{
    u64 selector = s->selector, limit = s->limit, attr = s->attr << 8;

    word(a, at, 4, &selector);
    word(a, hidden, 4, &attr);
    word(a, hidden + 4, 4, &limit);
    word(a, hidden + 8, 4, base);
    *s = (X86Seg) { (u16)selector, (u32)limit, (u32)attr >> 8 };
}

static void table(const Area *a, u32 limit_at, u32 base_at, unsigned size,
                  X86Table *t)
{
    u64 limit = t->limit;

    word(a, limit_at, 4, &limit);
    word(a, base_at, size, &t->base);
    t->limit = (u32)limit;
}

static void segments(const Area *a)
{
    X86Cpu *c = a->c;

    if (x86_has(c, F_LM)) {
        for (unsigned s = ES; s < SEGS; s++) {
            segment64(a, 0x7e00 + s * 16, &c->seg[s], &c->base[s]);
        }
        table(a, 0x7e64, 0x7e68, 8, &c->gdtr);
        segment64(a, 0x7e70, &c->ldtr, &c->ldtr_base);
        table(a, 0x7e84, 0x7e88, 8, &c->idtr);
        segment64(a, 0x7e90, &c->tr, &c->tr_base);
        return;
    }
    for (unsigned s = ES; s < SEGS; s++) {
        u32 hidden = s < DS ? 0x7f84 + s * 12 : 0x7f2c + (s - DS) * 12;
        segment32(a, 0x7fa8 + s * 4, hidden, &c->seg[s], &c->base[s]);
    }
    segment32(a, 0x7fc0, 0x7f78, &c->ldtr, &c->ldtr_base);
    segment32(a, 0x7fc4, 0x7f5c, &c->tr, &c->tr_base);
    table(a, 0x7f70, 0x7f74, 4, &c->gdtr);
    table(a, 0x7f54, 0x7f58, 4, &c->idtr);
}

/* What is the same in both maps but for its place. */
typedef struct Words { u64 ip, flags, cr0, cr3, cr4, efer; } Words;

static void plain(const Area *a, const Map *m, Words *w)
{
    X86Cpu *c = a->c;

    for (unsigned i = 0; i < 16 && m->gpr[i]; i++) {
        word(a, m->gpr[i], m->size, &c->r[i]);
    }
    word(a, m->ip, m->size, &w->ip);
    word(a, m->flags, m->size, &w->flags);
    word(a, m->cr0, m->size, &w->cr0);
    word(a, m->cr3, m->size, &w->cr3);
    word(a, m->cr4, 4, &w->cr4);
    word(a, m->dr6, m->size, &c->dr[6]);
    word(a, m->dr7, m->size, &c->dr[7]);
    if (m->efer) {
        word(a, m->efer, 8, &w->efer);
    }
}

static const Map *map_of(const X86Cpu *c)
{
    return x86_has(c, F_LM) ? &map64 : &map32;
}

/* In or out: other memory may be seen, and paging changes. */
void x86_set_smm(X86Cpu *c, bool smm)
{
    const Machine *m = c->cpu.machine;

    c->smm = smm;
    c->cpu.mem = smm && m->smm ? m->smm : m->mem;
    c->cpu.code_mem = smm && m->smm ? m->smm_code : m->mem;
    tlb_flush(&c->cpu, 0, 0, 0, 0);
    x86_new_space(c);
}

static void start_handler(X86Cpu *c)
{
    enum { DATA = SEG_P | SEG_S | SEG_RW | SEG_A | SEG_G };

    x86_put_eflags(c, 2);
    c->cr0 &= ~(u64)(CR0_PE | CR0_EM | CR0_TS | CR0_PG);
    c->cr4 = c->efer = 0;
    c->dr[7] = 0x400;
    c->cpl = 0;
    for (unsigned s = ES; s < SEGS; s++) {
        x86_set_seg(c, s, 0, 0, 0xffffffff, DATA);
    }
    x86_set_seg(c, CS, (u16)(c->smbase >> 4), c->smbase, 0xffffffff, DATA);
    x86_set_ip(c, AREA);
}

void x86_enter_smm(X86Cpu *c)
{
    const Map *m = map_of(c);
    Words w = { x86_ip(c), x86_eflags(c), c->cr0, c->cr3, c->cr4, c->efer };
    Area a = { c, c->smbase + AREA, true };
    u64 revision = m == &map64 ? REVISION64 : REVISION32;

    x86_set_smm(c, true);
    plain(&a, m, &w);
    segments(&a);
    word(&a, m->revision, 4, &revision);
    word(&a, m->base, 4, &c->smbase);
    c->nmi_blocked = true;
    c->shadow = false;
    c->debug_due = 0;
    start_handler(c);
    x86_mode_changed(c);
}

/* The saved mode; segments only then: what CS.L means hangs on EFER. */
void x86_rsm(X86Cpu *c)
{
    const Map *m = map_of(c);
    Words w = { 0 };
    Area a = { c, c->smbase + AREA, false };

    plain(&a, m, &w);
    segments(&a);
    word(&a, m->base, 4, &c->smbase);
    c->cr0 = w.cr0;
    c->cr3 = w.cr3;
    c->cr4 = w.cr4;
    c->efer = w.efer;
    x86_put_eflags(c, w.flags & ~(u64)FL_RF);
    c->cpl = c->eflags & FL_VM ? 3 : c->cr0 & CR0_PE
        ? (u8)(c->seg[SS].attr >> 5 & 3) : 0;
    x86_set_smm(c, false);
    if (c->cr0 & CR0_PG && c->cr4 & CR4_PAE && !long_mode(c)
        && !x86_nested(c)) {
        x86_load_pdptes(c, c->cr3);
    }
    x86_segs_changed(c);
    x86_set_ip(c, w.ip);
    c->nmi_blocked = false;
    x86_mode_changed(c);
    x86_check_lines(c);
}
