/* SPDX-License-Identifier: MIT */
/*
 * String instructions: MOVS STOS LODS SCAS CMPS INS OUTS, alone and repeated.
 * SDM volume 1, 7.3.9 "String Operations"; volume 2, "REP/REPE/REPNE".
 *
 * Alone they are IR.  Repeated ones call a helper that does a bounded number
 * of stretches within pages, at the host's speed where both ends are RAM, and
 * then go back to the same instruction, so that interrupts are taken.  RCX,
 * RSI and RDI count what was done, also when a later element faults.
 */
#include "softmmu/machine.h"
#include "target/i386/svm.h"
#include "target/i386/system.h"
#include "target/i386/translate.h"

enum { STRETCHES = 16 };        /* of one helper call */

/* What a helper is told of the instruction. */
enum {
    I_LSIZE = 3 << 0,           /* log2 of an element's bytes */
    I_ASIZE = 2,                /* shift: log2 of the address size's bytes */
    I_SEG   = 4,                /* shift: segment of the source */
    I_REP   = 1 << 7,
    I_REPNE = 1 << 8,
};

typedef struct Str {
    X86Cpu  *c;
    unsigned lsize, size;       /* of an element */
    unsigned seg;
    u64      mask;              /* of the address size */
    bool     back;              /* DF */
    bool     rep, repne;
} Str;

/* One of its operands in memory, from the current element on. */
typedef struct End {
    unsigned seg, reg;
    bool     write;
    u64      va;
    u8      *host;              /* NULL: through the slow path, one element */
    bool     noted;             /* writes must be told to ram_wrote() */
    TlbHit   hit;               /* if noted */
} End;

/* Where in a segment an access may be: first and last byte. */
typedef struct Room { u64 lo, hi; bool none; } Room;

static Str str_of(X86Cpu *c, u32 info)
{
    unsigned lsize = info & I_LSIZE;

    return (Str) {
        .c = c, .lsize = lsize, .size = 1u << lsize,
        .seg = info >> I_SEG & 7, .mask = MASK(8u << (info >> I_ASIZE & 3)),
        .back = (i64)c->df < 0, .rep = info & I_REP, .repne = info & I_REPNE,
    };
}

/* ---- registers ---------------------------------------------------------- */

static u64 count_of(const Str *s)
{
    return s->rep ? s->c->r[RCX] & s->mask : 1;
}

static void add_to(const Str *s, unsigned reg, u64 delta)
{
    u64 *r = &s->c->r[reg];

    if (s->mask == 0xffff) {
        *r = deposit(*r, 0, 16, *r + delta);
    } else {
        *r = (*r + delta) & s->mask;
    }
}

static void advance(const Str *s, unsigned reg, u64 n)
{
    add_to(s, reg, s->back ? 0 - n * s->size : n * s->size);
}

static void count_down(const Str *s, u64 n)
{
    if (s->rep) {
        add_to(s, RCX, 0 - n);
    }
}

/* ---- where elements are ------------------------------------------------- */

static Room room_of(const X86Cpu *c, unsigned seg, bool write)
{
    enum { DOWN = SEG_S | SEG_EC, KIND = SEG_S | SEG_CODE | SEG_EC };
    const X86Seg *s = &c->seg[seg];
    i64 limit = (i64)(write ? c->wlim[seg] : c->rlim[seg]);

    if (x86_code64(c)) {
        return (Room) { 0, ~0ull, false };
    }
    if (protected_mode(c) && (s->attr & KIND) == DOWN) {
        bool ok = s->attr & SEG_P && (!write || s->attr & SEG_RW);
        u64 hi = s->attr & SEG_B ? 0xffffffff : 0xffff;
        return (Room) { (u64)s->limit + 1, hi, !ok };
    }
    return (Room) { 0, (u64)limit, limit < 0 };
}

static u64 linear_of(const X86Cpu *c, unsigned seg, u64 off)
{
    if (!x86_code64(c)) {
        return (u32)(c->base[seg] + off);
    }
    return seg == FS || seg == GS ? c->base[seg] + off : off;
}

static void check_room(X86Cpu *c, const Room *room, unsigned seg, u64 off,
                       unsigned size)
{
    if (room->none || off < room->lo || off > room->hi
        || room->hi - off < size - 1) {
        x86_raise(c, seg == SS ? X_SS : X_GP, 0);
    }
}

u64 x86_checked(X86Cpu *c, unsigned seg, u64 off, unsigned size, bool write)
{
    Room room = room_of(c, seg, write);

    check_room(c, &room, seg, off, size);
    return linear_of(c, seg, off);
}

static bool must_align(const Str *s, u64 va)
{
    return s->c->cpu.key & KEY_AC && va & (s->size - 1);
}

static void find_host(const Str *s, End *e)
{
    Cpu *cpu = &s->c->cpu;
    Access a = e->write ? ACCESS_WRITE : ACCESS_READ;
    Fault f;

    e->host = tlb_host(cpu, e->va, a, s->size);
    e->noted = false;
    if (!e->host && e->write && !cpu->debug
        && tlb_resolve(cpu, e->va, a, false, &e->hit, &f)
        && e->hit.host && e->hit.slow) {
        e->host = e->hit.host;
        e->noted = true;
    }
}

/* How many of n elements, from off on, lie in the segment; raises for none. */
static u64 in_segment(const Str *s, const End *e, u64 off, u64 n)
{
    X86Cpu *c = s->c;
    u64 last = s->size - 1;
    Room room = room_of(c, e->seg, e->write);

    if (!(c->cr0 & CR0_PE) && s->mask == UINT32_MAX) {
        room = (Room) { 0, UINT32_MAX, false };     /* as x86_linear() */
    }
    check_room(c, &room, e->seg, off, s->size);
    if (s->back) {
        return MIN(n - 1, (off - room.lo) / s->size) + 1;
    }
    return MIN(n - 1, MIN(room.hi - off - last, s->mask - off) / s->size) + 1;
}

/*
 * How many of n elements lie in the segment and in the first one's page; at
 * least one.  Raises if the first is beyond the segment.
 */
static u64 reach(const Str *s, End *e, u64 n)
{
    X86Cpu *c = s->c;
    u64 off = c->r[e->reg] & s->mask, last = s->size - 1;
    bool flat = e->seg <= DS && c->cpu.key & (u32)KEY_FLAT << e->seg;

    e->va = linear_of(c, e->seg, off);
    e->host = NULL;
    u64 in_page = e->va & (GUEST_PAGE - 1);
    bool crosses = in_page + last >= GUEST_PAGE;
    if (!flat || crosses) {     /* else its page lies in the segment */
        n = in_segment(s, e, off, n);
    }
    if (crosses || must_align(s, e->va)) {
        return 1;
    }
    find_host(s, e);
    if (!e->host) {
        return 1;
    }
    in_page = s->back ? in_page : GUEST_PAGE - s->size - in_page;
    return MIN(n - 1, in_page / s->size) + 1;
}

/* ---- elements ----------------------------------------------------------- */

static u32 memop(const Str *s)
{
    return s->lsize | (s->c->cpu.key & KEY_AC ? M_ALIGN : 0);
}

static u64 element(const u8 *p, unsigned size)
{
    u64 q;
    u32 d;
    u16 w;

    switch (size) {
    case 1:
        return *p;
    case 2:
        memcpy(&w, p, 2);
        return w;
    case 4:
        memcpy(&d, p, 4);
        return d;
    default:
        memcpy(&q, p, 8);
        return q;
    }
}

static void set_element(u8 *p, unsigned size, u64 v)
{
    switch (size) {
    case 1:
        *p = (u8)v;
        break;
    case 2:
        memcpy(p, &v, 2);
        break;
    case 4:
        memcpy(p, &v, 4);
        break;
    default:
        memcpy(p, &v, 8);
        break;
    }
}

static u64 fetch(const Str *s, const End *e)
{
    return e->host ? element(e->host, s->size)
                   : cpu_load(&s->c->cpu, e->va, memop(s));
}

static void store(const Str *s, const End *e, u64 v)
{
    cpu_store(&s->c->cpu, e->va, v, memop(s));
}

/* The lowest byte of n elements of which p is the first. */
static const u8 *lowest(const Str *s, const u8 *p, u64 n)
{
    return s->back ? p - (n - 1) * s->size : p;
}

static void wrote(const Str *s, const End *e, u64 n)
{
    const MemRange *r = e->hit.range;

    if (e->noted) {
        u64 at = r->offset + (e->hit.pa - r->base);
        at -= s->back ? (n - 1) * s->size : 0;
        ram_wrote(r->ram, at, n * s->size);
    }
}

/* Element after element, each seeing what those before it wrote. */
static void copy_overlapping(const Str *s, u8 *to, const u8 *from, u64 n)
{
    i64 step = s->back ? -(i64)s->size : (i64)s->size;

    for (; n; n--, to += step, from += step) {
        set_element(to, s->size, element(from, s->size));
    }
}

static void copy(const Str *s, u8 *to, const u8 *from, u64 n)
{
    u64 len = n * s->size;
    bool ahead = s->back ? to < from && to + len > from
                         : to > from && from + len > to;

    if (ahead) {
        copy_overlapping(s, to, from, n);
    } else {
        memmove((u8 *)lowest(s, to, n), lowest(s, from, n), len);
    }
}

static void fill(const Str *s, u8 *to, u64 v, u64 n)
{
    u8 *p = (u8 *)lowest(s, to, n);
    u64 ones = MASK(s->size * 8) / 0xff;

    if ((v & MASK(s->size * 8)) == (v & 0xff) * ones) {
        memset(p, (int)(v & 0xff), n * s->size);
        return;
    }
    for (; n; n--, p += s->size) {
        set_element(p, s->size, v);
    }
}

/* ---- REP MOVS, STOS, LODS ----------------------------------------------- */

/* Does up to n elements; how many it did. */
typedef u64 Some(const Str *s, u64 n);

static u64 movs_some(const Str *s, u64 n)
{
    End from = { .seg = s->seg, .reg = RSI };
    End to = { .seg = ES, .reg = RDI, .write = true };
    u64 v = 0;

    n = reach(s, &from, n);
    if (!from.host) {
        v = fetch(s, &from);
    }
    n = reach(s, &to, n);
    if (from.host && to.host) {
        copy(s, to.host, from.host, n);
        wrote(s, &to, n);
    } else {
        n = 1;
        store(s, &to, from.host ? fetch(s, &from) : v);
    }
    advance(s, RSI, n);
    advance(s, RDI, n);
    return n;
}

static u64 stos_some(const Str *s, u64 n)
{
    End to = { .seg = ES, .reg = RDI, .write = true };
    u64 v = s->c->r[RAX];

    n = reach(s, &to, n);
    if (to.host) {
        fill(s, to.host, v, n);
        wrote(s, &to, n);
    } else {
        store(s, &to, v);
    }
    advance(s, RDI, n);
    return n;
}

/* Only the last element is seen, but each is read. */
static u64 lods_some(const Str *s, u64 n)
{
    End from = { .seg = s->seg, .reg = RSI };
    u64 *rax = &s->c->r[RAX];

    n = reach(s, &from, n);
    if (from.host) {
        from.host += (i64)((n - 1) * s->size) * (s->back ? -1 : 1);
    }
    u64 v = fetch(s, &from);
    *rax = s->size == 4 ? v : deposit(*rax, 0, (int)s->size * 8, v);
    advance(s, RSI, n);
    return n;
}

/* 1: it goes on at the same instruction. */
static u32 some(const Str *s, Some *f)
{
    const Cpu *cpu = &s->c->cpu;
    bool step = cpu->key & KEY_TF;
    u64 n = count_of(s);

    for (unsigned i = 0; n && i < STRETCHES; i++) {
        count_down(s, f(s, step ? 1 : n));
        n = s->rep ? count_of(s) : 0;
        if (step || __atomic_load_n(&cpu->tcg.poll, __ATOMIC_RELAXED)) {
            break;
        }
    }
    return n != 0;
}

static u32 rep_movs(void *env, u32 info)
{
    Str s = str_of(env, info);

    return some(&s, movs_some);
}
HELPER(rep_movs, H_READ | H_WRITE | H_RAISE, i32, ptr, i32);

static u32 rep_stos(void *env, u32 info)
{
    Str s = str_of(env, info);

    return some(&s, stos_some);
}
HELPER(rep_stos, H_READ | H_WRITE | H_RAISE, i32, ptr, i32);

static u32 rep_lods(void *env, u32 info)
{
    Str s = str_of(env, info);

    return some(&s, lods_some);
}
HELPER(rep_lods, H_READ | H_WRITE | H_RAISE, i32, ptr, i32);

/* ---- REPE and REPNE CMPS, SCAS ------------------------------------------ */

/* The flags of x - y. */
static void compare_flags(const Str *s, u64 x, u64 y)
{
    X86Cpu *c = s->c;
    unsigned top = s->size * 8 - 1;
    u64 r = (x - y) & MASK(s->size * 8);

    c->flags = (r >> top ? FLAG_N : 0) | (r ? 0 : FLAG_Z)
        | (x < y ? FLAG_C : 0)
        | (((x ^ y) & (x ^ r)) >> top & 1 ? FLAG_V : 0);
    c->pf = (u32)r;
    c->af = (u32)(x ^ y) & FL_AF;
}

/* What two sides hold, and the pair that was compared last. */
typedef struct Pair { u64 x, y; } Pair;

/*
 * Compares up to n elements of p with those of q (NULL: with last->x), until
 * one ends the loop; how many it compared.
 */
static u64 compare(const Str *s, const u8 *p, const u8 *q, u64 n, Pair *last)
{
    i64 step = s->back ? -(i64)s->size : (i64)s->size;
    u64 done = 0;

    if (q && !s->repne && !memcmp(lowest(s, p, n), lowest(s, q, n),
                                  n * s->size)) {
        done = n - 1;           /* all are equal: only the last one counts */
    }
    if (!q && s->repne && s->size == 1 && !s->back) {
        const u8 *found = memchr(p, (int)last->x, n);
        done = found ? (u64)(found - p) : n - 1;
    }
    do {
        i64 at = (i64)done * step;
        last->y = element((q ? q : p) + at, s->size);
        if (q) {
            last->x = element(p + at, s->size);
        }
        done++;
    } while (done < n && (last->x == last->y) != s->repne);
    return done;
}

/* ES:DI is looked at first. */
static u64 cmps_some(const Str *s, u64 n, Pair *last)
{
    End x = { .seg = s->seg, .reg = RSI }, y = { .seg = ES, .reg = RDI };

    n = reach(s, &y, n);
    if (!y.host) {
        last->y = fetch(s, &y);
    }
    n = reach(s, &x, n);
    if (x.host && y.host) {
        n = compare(s, x.host, y.host, n, last);
    } else {
        n = 1;
        last->y = y.host ? fetch(s, &y) : last->y;
        last->x = fetch(s, &x);
    }
    advance(s, RSI, n);
    advance(s, RDI, n);
    return n;
}

static u64 scas_some(const Str *s, u64 n, Pair *last)
{
    End y = { .seg = ES, .reg = RDI };

    last->x = s->c->r[RAX] & MASK(s->size * 8);
    n = reach(s, &y, n);
    if (y.host) {
        n = compare(s, y.host, NULL, n, last);
    } else {
        last->y = fetch(s, &y);
    }
    advance(s, RDI, n);
    return n;
}

/* Flags are those of the last pair compared, also when the next one faults. */
static u32 search(const Str *s, u64 (*f)(const Str *, u64, Pair *))
{
    const Cpu *cpu = &s->c->cpu;
    u64 step = cpu->key & KEY_TF ? 1 : ~0ull;
    u64 n = count_of(s);
    Pair last = { 0, 0 };

    for (unsigned i = 0; n && i < STRETCHES; i++) {
        count_down(s, f(s, MIN(n, step), &last));
        compare_flags(s, last.x, last.y);
        n = (last.x == last.y) == s->repne ? 0 : count_of(s);
        if (step == 1 || __atomic_load_n(&cpu->tcg.poll, __ATOMIC_RELAXED)) {
            break;
        }
    }
    return n != 0;
}

static u32 rep_cmps(void *env, u32 info)
{
    Str s = str_of(env, info);

    return search(&s, cmps_some);
}
HELPER(rep_cmps, H_READ | H_WRITE | H_RAISE, i32, ptr, i32);

static u32 rep_scas(void *env, u32 info)
{
    Str s = str_of(env, info);

    return search(&s, scas_some);
}
HELPER(rep_scas, H_READ | H_WRITE | H_RAISE, i32, ptr, i32);

/* ---- INS, OUTS ---------------------------------------------------------- */

/* The right to the port is asked for even if there is nothing to do. */
static u32 port_some(Str s, Some *f, bool in)
{
    x86_check_io(s.c, (u16)s.c->r[RDX], s.size);
    x86_intercept_io(s.c, (u16)s.c->r[RDX], (in ? IOIO_IN : 0) | IOIO_STR
                     | (s.rep ? IOIO_REP : 0) | s.size << IOIO_SIZE
                     | (u32)__builtin_popcountll(s.mask) / 8 << IOIO_ASIZE
                     | (in ? ES : s.seg) << IOIO_SEG);
    if (s.c->breaks) {
        x86_watch_port(s.c, (u16)s.c->r[RDX], s.size);
    }
    return some(&s, f);
}

static u64 port_read(const Str *s)
{
    MemSpace *io = s->c->cpu.machine->io;
    u16 port = (u16)s->c->r[RDX];

    return io && mem_find(io, port) ? mem_get(io, port, s->size)
                                    : MASK(s->size * 8);
}

/* Raises the fault of a write there, before the port is read. */
static void check_write(const Str *s, const End *e)
{
    Cpu *cpu = &s->c->cpu;
    u64 va[2] = { e->va, e->va + s->size - 1 };
    TlbHit hit;
    Fault f = { 0 };

    if (must_align(s, e->va)) {
        x86_misaligned(cpu, e->va, ACCESS_WRITE, &f);
        cpu_fault(cpu, &f);
    }
    for (unsigned i = 0; i < 2; i++) {
        if (!tlb_resolve(cpu, va[i], ACCESS_WRITE, false, &hit, &f)) {
            cpu_fault(cpu, &f);
        }
    }
}

static u64 ins_some(const Str *s, u64 n)
{
    End to = { .seg = ES, .reg = RDI, .write = true };

    (void)n;
    reach(s, &to, 1);
    if (!to.host) {
        check_write(s, &to);
    }
    u64 v = port_read(s);
    if (to.host) {
        set_element(to.host, s->size, v);
        wrote(s, &to, 1);
    } else {
        store(s, &to, v);
    }
    advance(s, RDI, 1);
    return 1;
}

static u64 outs_some(const Str *s, u64 n)
{
    End from = { .seg = s->seg, .reg = RSI };
    X86Cpu *c = s->c;

    (void)n;
    reach(s, &from, 1);
    u64 v = fetch(s, &from);
    advance(s, RSI, 1);
    if (c->cpu.machine->io) {
        mem_put(c->cpu.machine->io, (u16)c->r[RDX], s->size, v);
    }
    return 1;
}

static u32 port_ins(void *env, u32 info)
{
    return port_some(str_of(env, info), ins_some, true);
}
HELPER(port_ins, H_READ | H_WRITE | H_RAISE, i32, ptr, i32);

static u32 port_outs(void *env, u32 info)
{
    return port_some(str_of(env, info), outs_some, false);
}
HELPER(port_outs, H_READ | H_WRITE | H_RAISE, i32, ptr, i32);

/* ---- translation -------------------------------------------------------- */

static unsigned size_of(const X86Ctx *c)
{
    return c->opcode & 1 ? c->osize : 1;
}

static bool repeats(const X86Ctx *c)
{
    return c->rep || c->repne;
}

static unsigned source_seg(const X86Ctx *c)
{
    return c->seg_override ? c->seg : DS;
}

static bool call(X86Ctx *c, const Helper *h, unsigned size)
{
    u32 info = (u32)__builtin_ctz(size)
        | (u32)__builtin_ctz(c->asize) << I_ASIZE | source_seg(c) << I_SEG
        | (repeats(c) ? I_REP : 0) | (c->repne ? I_REPNE : 0);

    Val again = IR_CALL(c->b, h, ir_i32(c->b, info));
    x86_goto_if(c, again, ir_pc(c->b, c->at));
    return true;
}

static Val offset(X86Ctx *c, unsigned reg)
{
    Val v = x86_get(c, c->asize, reg);

    return c->asize == 8 ? v : ir_zext(c->b, v);
}

static void step(X86Ctx *c, unsigned reg)
{
    Ir *b = c->b;
    Val d = ir_mul(b, ir_get(b, S_DF), ir_i64(b, size_of(c)));

    if (c->asize != 8) {
        d = ir_trunc(b, d);
    }
    x86_set(c, c->asize, reg, ir_add(b, x86_get(c, c->asize, reg), d));
}

static Val load_from(X86Ctx *c, unsigned seg, unsigned reg)
{
    unsigned size = size_of(c);

    return x86_load(c, x86_linear(c, seg, offset(c, reg), size, false), size);
}

static void store_to(X86Ctx *c, Val v)
{
    unsigned size = size_of(c);

    x86_store(c, x86_linear(c, ES, offset(c, RDI), size, true), size, v);
}

/* The flags of x - y. */
static void subtract_flags(X86Ctx *c, Val x, Val y)
{
    X86Result r = x86_sub(c, size_of(c), x, y);

    x86_put_flags(c, size_of(c), &r);
}

static bool movs(X86Ctx *c)
{
    if (repeats(c)) {
        return call(c, &helper_rep_movs, size_of(c));
    }
    store_to(c, load_from(c, source_seg(c), RSI));
    step(c, RSI);
    step(c, RDI);
    return true;
}

static bool stos(X86Ctx *c)
{
    if (repeats(c)) {
        return call(c, &helper_rep_stos, size_of(c));
    }
    store_to(c, x86_get(c, size_of(c), RAX));
    step(c, RDI);
    return true;
}

static bool lods(X86Ctx *c)
{
    if (repeats(c)) {
        return call(c, &helper_rep_lods, size_of(c));
    }
    x86_set(c, size_of(c), RAX, load_from(c, source_seg(c), RSI));
    step(c, RSI);
    return true;
}

static bool cmps(X86Ctx *c)
{
    if (repeats(c)) {
        return call(c, &helper_rep_cmps, size_of(c));
    }
    Val y = load_from(c, ES, RDI), x = load_from(c, source_seg(c), RSI);
    subtract_flags(c, x, y);
    step(c, RSI);
    step(c, RDI);
    return true;
}

static bool scas(X86Ctx *c)
{
    if (repeats(c)) {
        return call(c, &helper_rep_scas, size_of(c));
    }
    Val y = load_from(c, ES, RDI);
    subtract_flags(c, x86_get(c, size_of(c), RAX), y);
    step(c, RDI);
    return true;
}

static bool ins(X86Ctx *c)
{
    return call(c, &helper_port_ins, MIN(size_of(c), 4));
}

static bool outs(X86Ctx *c)
{
    return call(c, &helper_port_outs, MIN(size_of(c), 4));
}

const X86Row x86_string_1[] = {
    OP(0x6c, "INSB", "Yb,DX", ins, .exit = EXIT_LATE),
    OP(0x6d, "INS", "Yz,DX", ins, .exit = EXIT_LATE),
    OP(0x6e, "OUTSB", "DX,Xb", outs, .exit = EXIT_LATE),
    OP(0x6f, "OUTS", "DX,Xz", outs, .exit = EXIT_LATE),
    OP(0xa4, "MOVSB", "Yb,Xb", movs),
    OP(0xa5, "MOVS", "Yv,Xv", movs),
    OP(0xa6, "CMPSB", "Xb,Yb", cmps),
    OP(0xa7, "CMPS", "Xv,Yv", cmps),
    OP(0xaa, "STOSB", "Yb,AL", stos),
    OP(0xab, "STOS", "Yv,rAX", stos),
    OP(0xac, "LODSB", "AL,Xb", lods),
    OP(0xad, "LODS", "rAX,Xv", lods),
    OP(0xae, "SCASB", "AL,Yb", scas),
    OP(0xaf, "SCAS", "rAX,Yv", scas),
    { 0 }
};
