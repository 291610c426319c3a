/* SPDX-License-Identifier: MIT */
/*
 * Segments: descriptors, their checks and loads; stacks; the I/O bitmap.
 * Reference: SDM volume 3, chapters 3 "Protected-Mode Memory Management",
 * 5 "Protection", volume 1, 19.5.2 "I/O Permission Bit Map".
 */
#include "softmmu/machine.h"
#include "target/i386/system.h"
#include "util/log.h"

/* ---- guest memory ------------------------------------------------------- */

/* The key under which the CPU itself reaches its tables. */
static u32 system_key(const X86Cpu *c)
{
    u32 key = c->cpu.key;

    if ((key & KEY_CPL) == 3) {
        key &= ~(KEY_CPL | KEY_AC);
        key |= c->cr4 & CR4_SMAP ? KEY_SMAP : 0;
    }
    if (key & KEY_LMA) {
        key = (key & ~KEY_CODE) | KEY_CODE64 | KEY_SS32 | KEY_FLAT << ES
            | KEY_FLAT << CS | KEY_FLAT << SS | KEY_FLAT << DS;
        key &= ~KEY_ODD;
    }
    return key;
}

void x86_system_rights(X86Cpu *c)
{
    u32 key = system_key(c);

    if (key != c->cpu.key) {
        tlb_switch(&c->cpu, c->cpu.space, key);
    }
}

/* An access that is not served by the TLB's first level. */
typedef struct Reach {
    X86Cpu *c;
    Access  a;
    bool    user;
    Fault   f;
} Reach;

/* One page's part of it. */
static bool touch(Reach *r, u64 va, u8 *buf, unsigned size)
{
    Cpu *cpu = &r->c->cpu;
    TlbHit hit;

    if (!tlb_resolve(cpu, va, r->a, r->user, &hit, &r->f)) {
        return false;
    }
    if (r->a == ACCESS_WRITE) {
        mem_write(cpu->mem, hit.pa, buf, size);
    } else {
        mem_read(cpu->mem, hit.pa, buf, size);
    }
    return true;
}

static bool touch_both(Reach *r, u64 va, u8 *buf, unsigned size)
{
    unsigned first = MIN(size, GUEST_PAGE - (va & (GUEST_PAGE - 1)));
    TlbHit hit;

    if (first < size && !tlb_resolve(&r->c->cpu, va + first, r->a, r->user,
                                     &hit, &r->f)) {
        return false;           /* before any of it is done */
    }
    return touch(r, va, buf, first)
        && (first == size || touch(r, va + first, buf + first, size - first));
}

static void reach(Reach *r, u64 va, u8 *buf, unsigned size)
{
    Cpu *cpu = &r->c->cpu;
    u32 old = cpu->key, key = system_key(r->c);
    bool ok;

    if (key != old) {
        tlb_switch(cpu, cpu->space, key);
    }
    ok = touch_both(r, va, buf, size);
    if (key != old) {
        tlb_switch(cpu, cpu->space, old);
    }
    if (!ok) {
        x86_raise_fault(r->c, &r->f);
    }
}

/* Host memory if the key's own rights are those wanted; else NULL. */
static u8 *quick(X86Cpu *c, u64 va, unsigned size, Access a, bool user)
{
    u32 key = c->cpu.key;
    bool same = user ? (key & KEY_CPL) == 3 : key == system_key(c);

    return same ? tlb_host(&c->cpu, va, a, size) : NULL;
}

static u64 get(const u8 *p, unsigned size)
{
    switch (size) {
    case 8: return load_le(p, 8);
    case 4: return load_le(p, 4);
    case 2: return load_le(p, 2);
    default: return load_le(p, size);
    }
}

static void put(u8 *p, unsigned size, u64 v)
{
    switch (size) {
    case 8: store_le(p, 8, v); return;
    case 4: store_le(p, 4, v); return;
    case 2: store_le(p, 2, v); return;
    default: store_le(p, size, v); return;
    }
}

u64 x86_mem_get(X86Cpu *c, u64 va, unsigned size, bool user)
{
    const u8 *host = quick(c, va, size, ACCESS_READ, user);
    Reach r = { .c = c, .a = ACCESS_READ, .user = user };
    u8 buf[8] = { 0 };

    if (host) {
        return get(host, size);
    }
    reach(&r, va, buf, size);
    return load_le(buf, size);
}

void x86_mem_put(X86Cpu *c, u64 va, unsigned size, u64 v, bool user)
{
    u8 *host = quick(c, va, size, ACCESS_WRITE, user);
    Reach r = { .c = c, .a = ACCESS_WRITE, .user = user };
    u8 buf[8];

    if (host) {
        put(host, size, v);
        return;
    }
    store_le(buf, size, v);
    reach(&r, va, buf, size);
}

u64 x86_sys_load(X86Cpu *c, u64 va, unsigned size)
{
    return x86_mem_get(c, va, size, false);
}

void x86_sys_store(X86Cpu *c, u64 va, unsigned size, u64 v)
{
    x86_mem_put(c, va, size, v, false);
}

/* ---- descriptors -------------------------------------------------------- */

Desc x86_make_desc(u64 raw)
{
    Desc d = { .raw = raw };

    d.base = bits(raw, 39, 16) | bits(raw, 63, 56) << 24;
    d.limit = (u32)(bits(raw, 15, 0) | bits(raw, 51, 48) << 16);
    d.attr = (u32)(raw >> 40) & 0xf0ff;
    if (d.attr & SEG_G) {
        d.limit = d.limit << 12 | 0xfff;
    }
    return d;
}

bool x86_find_desc(X86Cpu *c, u16 selector, Desc *d)
{
    bool local = selector & 4;
    u64 base = local ? c->ldtr_base : c->gdtr.base;
    u32 limit = local ? c->ldtr.limit : c->gdtr.limit;
    u32 at = selector & ~7u;

    if ((local && !(c->ldtr.attr & SEG_P)) || at + 7 > limit) {
        return false;
    }
    *d = x86_make_desc(x86_sys_load(c, base + at, 8));
    d->at = base + at;
    return true;
}

void x86_read_desc(X86Cpu *c, u16 selector, unsigned vector, u32 ext, Desc *d)
{
    if (is_null(selector)) {
        x86_raise(c, vector, ext);
    }
    if (!x86_find_desc(c, selector, d)) {
        x86_raise(c, vector, (selector & ~3u) | ext);
    }
}

u64 x86_high_base(X86Cpu *c, const Desc *d)
{
    return x86_sys_load(c, d->at + 8, 4) << 32;
}

void x86_set_accessed(X86Cpu *c, Desc *d)
{
    if (!(d->attr & SEG_A)) {
        x86_sys_store(c, d->at + 5, 1, (d->raw >> 40 & 0xff) | SEG_A);
        d->attr |= SEG_A;
    }
}

/* ---- the registers ------------------------------------------------------ */

/* Limits as translated code compares with: the last offset, or -1. */
static void derive(X86Cpu *c, unsigned seg)
{
    const X86Seg *s = &c->seg[seg];
    u64 limit = s->limit;
    bool code = s->attr & SEG_CODE, rw = s->attr & SEG_RW;

    if (!protected_mode(c)) {
        c->rlim[seg] = c->wlim[seg] = limit;
        return;
    }
    c->rlim[seg] = c->wlim[seg] = ~0ull;
    if (!(s->attr & SEG_P) || (!code && s->attr & SEG_EC)) {
        return;                 /* null; or expand-down, which C checks */
    }
    if (!code || rw) {
        c->rlim[seg] = limit;
    }
    if (!code && rw) {
        c->wlim[seg] = limit;
    }
}

void x86_set_seg(X86Cpu *c, unsigned seg, u16 selector, u64 base, u32 limit,
                 u32 attr)
{
    x87_settle(c, seg);
    c->seg[seg] = (X86Seg) { selector, limit, attr };
    c->base[seg] = seg == CS && attr & SEG_L && long_mode(c) ? 0 : base;
    derive(c, seg);
}

void x86_segs_changed(X86Cpu *c)
{
    for (unsigned s = ES; s < SEGS; s++) {
        derive(c, s);
    }
}

/* Real mode keeps the limit that is there. */
void x86_real_seg(X86Cpu *c, unsigned seg, u16 selector)
{
    enum { DATA = SEG_P | SEG_S | SEG_RW | SEG_A };
    const X86Seg *old = &c->seg[seg];
    bool vm = c->eflags & FL_VM;
    u32 limit = vm || !(old->attr & SEG_P) ? 0xffff : old->limit;
    u32 attr = DATA | (seg == CS && !vm ? SEG_CODE : 0) | (vm ? SEG_DPL : 0)
        | (vm ? 0 : old->attr & (SEG_B | SEG_G));

    x86_set_seg(c, seg, selector, (u64)selector << 4, limit, attr);
}

void x86_null_seg(X86Cpu *c, unsigned seg, u16 selector)
{
    x86_set_seg(c, seg, selector, 0, 0, 0);
}

void x86_use_desc(X86Cpu *c, unsigned seg, u16 selector, Desc *d)
{
    x86_set_accessed(c, d);
    x86_set_seg(c, seg, selector, d->base, d->limit, d->attr);
}

void x86_use_code(X86Cpu *c, u16 selector, Desc *d, unsigned cpl)
{
    x86_set_accessed(c, d);
    c->cpl = (u8)cpl;
    x86_set_seg(c, CS, (u16)((selector & ~3) | cpl), d->base, d->limit,
                d->attr);
}

void x86_check_ss(X86Cpu *c, u16 selector, unsigned cpl, unsigned vector,
                  u32 ext, Desc *d)
{
    enum { KIND = SEG_S | SEG_CODE | SEG_RW };
    u32 err = (selector & ~3u) | ext;

    x86_read_desc(c, selector, vector, ext, d);
    if (rpl_of(selector) != cpl || dpl_of(d) != cpl
        || (d->attr & KIND) != (SEG_S | SEG_RW)) {
        x86_raise(c, vector, err);
    }
    if (!(d->attr & SEG_P)) {
        x86_raise(c, X_SS, err);
    }
}

static void load_ss(X86Cpu *c, u16 selector)
{
    Desc d;

    if (is_null(selector) && x86_code64(c) && c->cpl < 3
        && rpl_of(selector) == c->cpl) {
        x86_null_seg(c, SS, selector);
        return;
    }
    x86_check_ss(c, selector, c->cpl, X_GP, 0, &d);
    x86_use_desc(c, SS, selector, &d);
}

static void load_data(X86Cpu *c, unsigned seg, u16 selector)
{
    u32 err = selector & ~3u;
    Desc d;

    if (is_null(selector)) {
        x86_null_seg(c, seg, selector);
        return;
    }
    x86_read_desc(c, selector, X_GP, 0, &d);
    if (!(d.attr & SEG_S) || (is_code(&d) && !(d.attr & SEG_RW))) {
        x86_raise(c, X_GP, err);
    }
    if (!(is_code(&d) && is_conforming(&d))
        && MAX(rpl_of(selector), c->cpl) > dpl_of(&d)) {
        x86_raise(c, X_GP, err);
    }
    if (!(d.attr & SEG_P)) {
        x86_raise(c, X_NP, err);
    }
    x86_use_desc(c, seg, selector, &d);
}

void x86_load_seg(X86Cpu *c, unsigned seg, u16 selector)
{
    if (!protected_mode(c)) {
        x86_real_seg(c, seg, selector);
    } else if (seg == SS) {
        load_ss(c, selector);
    } else {
        load_data(c, seg, selector);
    }
}

/* A null one stays as it is: in long mode FS and GS have a base even so. */
void x86_drop_inner_segs(X86Cpu *c)
{
    static const u8 segs[] = { ES, DS, FS, GS };

    for (u32 i = 0; i < countof(segs); i++) {
        const X86Seg *s = &c->seg[segs[i]];
        bool open = (s->attr & (SEG_CODE | SEG_EC)) == (SEG_CODE | SEG_EC);
        if (!is_null(s->selector) && !open && (s->attr >> 5 & 3) < c->cpl) {
            x86_null_seg(c, segs[i], 0);
        }
    }
}

/* ---- LDTR, TR ----------------------------------------------------------- */

void x86_lldt(X86Cpu *c, u16 selector, unsigned vector)
{
    u32 err = selector & ~3u;
    Desc d;

    if (is_null(selector)) {
        c->ldtr = (X86Seg) { .selector = selector };
        c->ldtr_base = 0;
        return;
    }
    if (selector & 4 || !x86_find_desc(c, selector, &d)
        || d.attr & SEG_S || system_type(&d) != T_LDT) {
        x86_raise(c, vector, err);
    }
    if (!(d.attr & SEG_P)) {
        x86_raise(c, vector == X_GP ? X_NP : vector, err);
    }
    c->ldtr_base = d.base | (long_mode(c) ? x86_high_base(c, &d) : 0);
    c->ldtr = (X86Seg) { selector, d.limit, d.attr };
}

static bool is_free_tss(const X86Cpu *c, const Desc *d)
{
    return !(d->attr & SEG_S)
        && (system_type(d) == T_TSS32
            || (system_type(d) == T_TSS16 && !long_mode(c)));
}

void x86_ltr(X86Cpu *c, u16 selector)
{
    u32 err = selector & ~3u;
    u64 base;
    Desc d;

    if (is_null(selector)) {
        x86_raise(c, X_GP, 0);
    }
    if (selector & 4 || !x86_find_desc(c, selector, &d)
        || !is_free_tss(c, &d)) {
        x86_raise(c, X_GP, err);
    }
    if (!(d.attr & SEG_P)) {
        x86_raise(c, X_NP, err);
    }
    base = d.base | (long_mode(c) ? x86_high_base(c, &d) : 0);
    x86_sys_store(c, d.at + 5, 1, (d.raw >> 40 & 0xff) | T_BUSY);
    c->tr = (X86Seg) { selector, d.limit, d.attr | T_BUSY };
    c->tr_base = base;
}

/* ---- looking at descriptors --------------------------------------------- */

static bool visible(const X86Cpu *c, u16 selector, const Desc *d)
{
    return (is_code(d) && is_conforming(d))
        || (dpl_of(d) >= c->cpl && dpl_of(d) >= rpl_of(selector));
}

enum {                          /* sets of system types, a bit each */
    LAR_TYPES = 1 << T_TSS16 | 1 << T_LDT | 1 << T_BUSY16 | 1 << T_CALL16
              | 1 << T_TASK | 1 << T_TSS32 | 1 << T_BUSY32 | 1 << T_CALL32,
    LAR_LONG  = 1 << T_LDT | 1 << T_TSS32 | 1 << T_BUSY32 | 1 << T_CALL32,
    LSL_TYPES = 1 << T_TSS16 | 1 << T_LDT | 1 << T_BUSY16 | 1 << T_TSS32
              | 1 << T_BUSY32,
    LSL_LONG  = 1 << T_LDT | 1 << T_TSS32 | 1 << T_BUSY32,
};

static bool look(X86Cpu *c, u16 selector, u32 types, Desc *d)
{
    return !is_null(selector) && x86_find_desc(c, selector, d)
        && (d->attr & SEG_S || types >> system_type(d) & 1)
        && visible(c, selector, d);
}

bool x86_lar(X86Cpu *c, u16 selector, u32 *rights)
{
    Desc d;

    if (!look(c, selector, long_mode(c) ? LAR_LONG : LAR_TYPES, &d)) {
        return false;
    }
    *rights = (u32)(d.raw >> 32) & 0x00ffff00;
    return true;
}

bool x86_lsl(X86Cpu *c, u16 selector, u32 *limit)
{
    Desc d;

    if (!look(c, selector, long_mode(c) ? LSL_LONG : LSL_TYPES, &d)) {
        return false;
    }
    *limit = d.limit;
    return true;
}

bool x86_verify(X86Cpu *c, u16 selector, bool write)
{
    Desc d;

    if (!look(c, selector, 0, &d)) {
        return false;
    }
    return write ? !is_code(&d) && d.attr & SEG_RW
                 : !is_code(&d) || d.attr & SEG_RW;
}

/* ---- stacks ------------------------------------------------------------- */

Stack x86_stack(X86Cpu *c)
{
    bool wide = x86_code64(c);

    return (Stack) {
        .c = c, .base = wide ? 0 : c->base[SS], .sp = c->r[RSP],
        .mask = wide ? ~0ull : c->seg[SS].attr & SEG_B ? 0xffffffff : 0xffff,
        .limit = c->seg[SS].limit, .attr = c->seg[SS].attr, .wide = wide,
        .user = c->cpl == 3,
    };
}

Stack x86_stack_of(X86Cpu *c, const Desc *ss, u64 sp, unsigned cpl, u32 err)
{
    return (Stack) {
        .c = c, .base = ss->base, .sp = sp,
        .mask = ss->attr & SEG_B ? 0xffffffff : 0xffff,
        .limit = ss->limit, .attr = ss->attr, .user = cpl == 3, .err = err,
    };
}

/* Linear address of size bytes at s->sp. */
static u64 stack_address(const Stack *s, unsigned size)
{
    u64 lo = s->sp & s->mask, hi = lo + size - 1;
    bool down = (s->attr & (SEG_CODE | SEG_EC)) == SEG_EC;
    bool ok;

    if (s->wide) {
        ok = canonical(lo) && canonical(hi);
        if (!ok) {
            x86_raise(s->c, X_SS, s->err);
        }
        return lo;
    }
    ok = down ? lo > s->limit && hi <= s->mask : hi <= s->limit;
    if (!ok) {
        x86_raise(s->c, X_SS, s->err);
    }
    return (u32)(s->base + lo);
}

void x86_stack_push(Stack *s, unsigned size, u64 v)
{
    s->sp = (s->sp & ~s->mask) | ((s->sp - size) & s->mask);
    x86_mem_put(s->c, stack_address(s, size), size, v, s->user);
}

u64 x86_stack_pop(Stack *s, unsigned size)
{
    u64 v = x86_mem_get(s->c, stack_address(s, size), size, s->user);

    s->sp = (s->sp & ~s->mask) | ((s->sp + size) & s->mask);
    return v;
}

/* Host memory of n words of 8 bytes from va on, on a 64-bit stack. */
static u8 *words(const Stack *s, u64 va, unsigned n, Access a)
{
    bool ok = s->wide && canonical(va) && canonical(va + n * 8 - 1);

    return ok ? quick(s->c, va, n * 8, a, s->user) : NULL;
}

void x86_stack_push_all(Stack *s, const u64 *v, unsigned n)
{
    u8 *host = words(s, s->sp - n * 8, n, ACCESS_WRITE);

    for (unsigned i = 0; i < n; i++) {
        if (host) {
            store_le(host + (n - 1 - i) * 8, 8, v[i]);
        } else {
            x86_stack_push(s, 8, v[i]);
        }
    }
    s->sp -= host ? n * 8 : 0;
}

void x86_stack_pop_all(Stack *s, unsigned size, u64 *v, unsigned n)
{
    const u8 *host = size == 8 ? words(s, s->sp, n, ACCESS_READ) : NULL;

    for (unsigned i = 0; i < n; i++) {
        v[i] = host ? load_le(host + i * 8, 8) : x86_stack_pop(s, size);
    }
    s->sp += host ? n * 8 : 0;
}

void x86_stack_keep(const Stack *s)
{
    X86Cpu *c = s->c;

    if (s->mask == 0xffff) {
        c->r[RSP] = deposit(c->r[RSP], 0, 16, s->sp);
    } else {
        c->r[RSP] = s->sp & s->mask;
    }
}

/* ---- ports -------------------------------------------------------------- */

void x86_check_io(X86Cpu *c, u16 port, unsigned size)
{
    enum { MAP_BASE = 0x66 };
    u32 at, busy = system_type(&(Desc) { .attr = c->tr.attr });

    if (!(c->cr0 & CR0_PE)
        || (c->cpl <= iopl_of(c) && !(c->eflags & FL_VM))) {
        return;
    }
    if (!(c->tr.attr & SEG_P) || (busy | T_BUSY) != T_BUSY32
        || c->tr.limit < MAP_BASE + 1) {
        x86_raise(c, X_GP, 0);
    }
    at = (u32)x86_sys_load(c, c->tr_base + MAP_BASE, 2) + port / 8;
    if (at + 1 > c->tr.limit
        || x86_sys_load(c, c->tr_base + at, 2) >> (port & 7) & MASK(size)) {
        x86_raise(c, X_GP, 0);
    }
}
