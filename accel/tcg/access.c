/* SPDX-License-Identifier: MIT */
/*
 * Guest memory accesses that the inline TLB check did not serve: misses,
 * MMIO, pages that hold code, watchpoints, accesses across pages, faults.
 *
 * An access is checked whole before any of it is done, so that a fault leaves
 * memory and registers as they were.
 */
#include "accel/tcg/jit.h"

/* One access being done. */
typedef struct Slow {
    Cpu   *c;
    u64    va;
    u32    memop;
    u32    kind;                /* MEM_* */
    u32    rmw;                 /* RmwKind */
    u32    size;                /* of one element, bytes */
    u32    span;                /* of all */
    u32    split;               /* bytes before the page end; span: no split */
    TlbHit hit[2];
    Fault  fault;
} Slow;

static Access access_of(const Slow *s)
{
    return s->kind == MEM_LOAD ? ACCESS_READ : ACCESS_WRITE;
}

/* ---- MMIO --------------------------------------------------------------- */

static u64 mmio_read(const MemRange *r, u64 pa, unsigned size)
{
    if (!r || !r->read) {
        return 0;
    }
    if (!r->lockless) {
        machine_lock();
    }
    u64 v = r->read(r->opaque, r->offset + (pa - r->base), size);
    if (!r->lockless) {
        machine_unlock();
    }
    return v & MASK(size * 8);
}

static void mmio_write(const MemRange *r, u64 pa, unsigned size, u64 v)
{
    if (!r || !r->write) {
        return;                 /* ROM, or nothing: dropped */
    }
    if (!r->lockless) {
        machine_lock();
    }
    r->write(r->opaque, r->offset + (pa - r->base), size, v);
    if (!r->lockless) {
        machine_unlock();
    }
}

/* Moves bytes between buf and one page; MMIO in pieces of up to 8 bytes. */
static void move(const TlbHit *h, u8 *buf, u32 len, bool write)
{
    if (h->host) {
        if (write) {
            memcpy(h->host, buf, len);
            if (h->slow) {
                const MemRange *r = h->range;
                ram_wrote(r->ram, r->offset + (h->pa - r->base), len);
            }
        } else {
            memcpy(buf, h->host, len);
        }
        return;
    }
    for (u32 done = 0; done < len; ) {
        u32 size = len - done >= 8 ? 8 : 1u << (31 - __builtin_clz(len - done));
        u64 pa = h->pa + done;
        if (write) {
            mmio_write(h->range, pa, size, load_le(buf + done, size));
        } else {
            store_le(buf + done, size, mmio_read(h->range, pa, size));
        }
        done += size;
    }
}

/* ---- checks ------------------------------------------------------------- */

static bool watch_hit(const Slow *s)
{
    CpuDebug *d = s->c->debug;

    for (u32 i = 0; d && i < d->breaks->len; i++) {
        const Break *b = &g_array_index(d->breaks, Break, i);
        bool wanted = b->kind == WATCH_RW
            || (b->kind == WATCH_W && s->kind != MEM_LOAD)
            || (b->kind == WATCH_R && s->kind != MEM_STORE);
        if (wanted && s->va < b->addr + b->len && s->va + s->span > b->addr) {
            d->hit = *b;
            d->hit_addr = MAX(s->va, b->addr);
            return true;
        }
    }
    return false;
}

static bool resolve(Slow *s, u64 va, TlbHit *hit)
{
    Cpu *c = s->c;
    Access a = access_of(s);
    bool user = s->memop & M_USER;

    /* A read-modify-write needs both rights; the write's fault counts. */
    if (!tlb_resolve(c, va, a, user, hit, &s->fault)) {
        return false;
    }
    if (!hit->range && c->target->bus_error
        && c->target->bus_error(c, va, hit->pa, a, &s->fault)) {
        return false;
    }
    if (hit->device && s->va & (s->size - 1) && c->target->misaligned) {
        c->target->misaligned(c, s->va, a, &s->fault);
        return false;
    }
    return true;
}

/* Translates both ends.  False: s->fault is set. */
static bool check(Slow *s)
{
    u32 room = PAGE_SIZE - (s->va & (PAGE_SIZE - 1));

    s->split = MIN(s->span, room);
    if (s->memop & M_ALIGN && s->va & (s->size - 1)) {
        s->c->target->misaligned(s->c, s->va, access_of(s), &s->fault);
        return false;
    }
    return resolve(s, s->va, &s->hit[0])
        && (s->split == s->span || resolve(s, s->va + s->split, &s->hit[1]));
}

/* ---- plain accesses ----------------------------------------------------- */

static void move_all(Slow *s, u8 *buf, bool write)
{
    move(&s->hit[0], buf, s->split, write);
    if (s->split < s->span) {
        move(&s->hit[1], buf + s->split, s->span - s->split, write);
    }
}

static void swap_bytes(u8 *p, u32 size)
{
    for (u32 i = 0; i < size / 2; i++) {
        u8 t = p[i];
        p[i] = p[size - 1 - i];
        p[size - 1 - i] = t;
    }
}

/*
 * Elements in mem_val: one u64 each, two for 16 bytes.  Buffer: guest bytes.
 */
static void pack(const Slow *s, const u64 *val, u8 *buf)
{
    u32 words = s->size == 16 ? 2 : 1;

    for (u32 i = 0; i < s->span / s->size; i++) {
        u8 *p = buf + i * s->size;
        for (u32 w = 0; w < words; w++) {
            store_le(p + 8 * w, MIN(s->size, 8), val[i * words + w]);
        }
        if (s->memop & M_BE) {
            swap_bytes(p, s->size);
        }
    }
}

static void unpack(const Slow *s, u8 *buf, u64 *val)
{
    u32 words = s->size == 16 ? 2 : 1;

    for (u32 i = 0; i < s->span / s->size; i++) {
        u8 *p = buf + i * s->size;
        if (s->memop & M_BE) {
            swap_bytes(p, s->size);
        }
        for (u32 w = 0; w < words; w++) {
            val[i * words + w] = load_le(p + 8 * w, MIN(s->size, 8));
        }
    }
}

static void plain(Slow *s)
{
    u64 *val = s->c->tcg.mem_val;
    u8 buf[64];

    /* One aligned element of RAM moves in one host access. */
    if (s->hit[0].host && !(s->va & (s->size - 1)) && s->size == s->span
        && s->size <= 8 && !(s->memop & M_BE) && !s->hit[0].slow) {
        void *p = s->hit[0].host;
        if (s->kind == MEM_LOAD) {
            switch (s->size) {
            case 1: val[0] = *(volatile u8 *)p; break;
            case 2: val[0] = *(volatile u16 *)p; break;
            case 4: val[0] = *(volatile u32 *)p; break;
            case 8: val[0] = *(volatile u64 *)p; break;
            }
        } else {
            switch (s->size) {
            case 1: *(volatile u8 *)p = (u8)val[0]; break;
            case 2: *(volatile u16 *)p = (u16)val[0]; break;
            case 4: *(volatile u32 *)p = (u32)val[0]; break;
            case 8: *(volatile u64 *)p = val[0]; break;
            }
        }
        return;
    }
    if (s->kind == MEM_LOAD) {
        move_all(s, buf, false);
        unpack(s, buf, val);
    } else {
        pack(s, val, buf);
        move_all(s, buf, true);
    }
}

/* ---- atomics ------------------------------------------------------------ */

static u64 rmw_value(u32 kind, u32 size, u64 old, u64 v)
{
    i64 so = sext(old, size * 8), sv = sext(v, size * 8);

    switch (kind) {
    case RMW_ADD:  return old + v;
    case RMW_AND:  return old & v;
    case RMW_OR:   return old | v;
    case RMW_XOR:  return old ^ v;
    case RMW_SMIN: return so < sv ? old : v;
    case RMW_SMAX: return so > sv ? old : v;
    case RMW_UMIN: return old < v ? old : v;
    case RMW_UMAX: return old > v ? old : v;
    }
    return v;
}

/* The new value for old; false: nothing is stored. */
static bool new_value(const Slow *s, u64 old, u64 *v)
{
    const TcgEnv *e = &s->c->tcg;
    u64 mask = MASK(s->size * 8);

    if (s->kind == MEM_CAS) {
        *v = e->mem_val[0];
        return old == (e->mem_expect[0] & mask);
    }
    *v = rmw_value(s->rmw, s->size, old, e->mem_val[0] & mask);
    return true;
}

static u64 host_load(const void *p, u32 size)
{
    switch (size) {
    case 1:  return __atomic_load_n((const u8 *)p, __ATOMIC_SEQ_CST);
    case 2:  return __atomic_load_n((const u16 *)p, __ATOMIC_SEQ_CST);
    case 4:  return __atomic_load_n((const u32 *)p, __ATOMIC_SEQ_CST);
    default: return __atomic_load_n((const u64 *)p, __ATOMIC_SEQ_CST);
    }
}

static bool host_swap(void *p, u32 size, u64 old, u64 v)
{
    switch (size) {
    case 1:  return __sync_bool_compare_and_swap((u8 *)p, (u8)old, (u8)v);
    case 2:  return __sync_bool_compare_and_swap((u16 *)p, (u16)old, (u16)v);
    case 4:  return __sync_bool_compare_and_swap((u32 *)p, (u32)old, (u32)v);
    default: return __sync_bool_compare_and_swap((u64 *)p, old, v);
    }
}

static u64 order(const Slow *s, u64 v)
{
    return s->memop & M_BE && s->size > 1
        ? __builtin_bswap64(v) >> (64 - 8 * s->size) : v;
}

static void atomic_wrote(const Slow *s)
{
    const TlbHit *h = &s->hit[0];

    if (h->slow) {
        ram_wrote(h->range->ram, h->range->offset + (h->pa - h->range->base),
                  s->size);
    }
}

static u128 host_swap16(u128 *p, u128 old, u128 v)
{
    return __sync_val_compare_and_swap(p, old, v);
}

static u128 pair_of(const u64 *v) { return (u128)v[1] << 64 | v[0]; }

/* Compare and swap of 16 bytes; little-endian. */
static void atomic16(Slow *s)
{
    TcgEnv *e = &s->c->tcg;
    TlbHit *h = &s->hit[0];
    u128 expect = pair_of(e->mem_expect), v = pair_of(e->mem_val), old;

    if (h->host && s->split == s->span && !(s->va & 15)) {
        old = host_swap16((u128 *)h->host, expect, v);
        if (old == expect) {
            atomic_wrote(s);
        }
    } else {
        move_all(s, (u8 *)&old, false);
        if (old == expect) {
            move_all(s, (u8 *)&v, true);
        }
    }
    e->mem_val[0] = (u64)old;
    e->mem_val[1] = (u64)(old >> 64);
}

/* Atomic on aligned RAM; elsewhere a read followed by a write. */
static void atomic(Slow *s)
{
    u64 old, v;
    TlbHit *h = &s->hit[0];

    if (s->size == 16) {
        atomic16(s);
        return;
    }
    if (h->host && s->split == s->span && !(s->va & (s->size - 1))) {
        u64 raw;
        bool stores;
        do {
            raw = host_load(h->host, s->size);
            old = order(s, raw);
            stores = new_value(s, old, &v);
        } while (stores && !host_swap(h->host, s->size, raw,
                                      order(s, v & MASK(s->size * 8))));
        if (stores) {
            atomic_wrote(s);
        }
    } else {
        u8 buf[16];
        move_all(s, buf, false);
        unpack(s, buf, &old);
        if (new_value(s, old, &v)) {
            pack(s, &v, buf);
            move_all(s, buf, true);
        }
    }
    s->c->tcg.mem_val[0] = old;
}

/* ---- entry points ------------------------------------------------------- */

static Slow slow_of(Cpu *c)
{
    u32 op = (u32)c->tcg.mem_memop;
    u32 size = 1u << (op & M_SIZE);

    return (Slow) {
        .c = c, .va = c->tcg.mem_addr, .memop = op & 0xffff,
        .kind = op >> MEM_KIND_SHIFT & 0xff, .rmw = op >> MEM_RMW_SHIFT,
        .size = size, .span = op & M_PAIR ? 2 * size : size,
    };
}

static void perform(Slow *s)
{
    if (s->kind == MEM_CAS || s->kind == MEM_RMW) {
        atomic(s);
    } else {
        plain(s);
    }
}

/* Is it an access of which the guest wants to know? */
static bool watched(const Slow *s, bool made)
{
    Cpu *c = s->c;

    return unlikely(c->watches)
        && c->target->watch(c, s->va, s->span, access_of(s), made);
}

static bool writes_to(const Slow *s, const Block *b)
{
    for (u32 i = 0; i < 2 && s->kind != MEM_LOAD; i++) {
        const TlbHit *h = &s->hit[i];
        u32 len = i ? s->span - s->split : s->split;
        if (len && h->host && h->slow && jit_covers(b, h->pa, len)) {
            return true;
        }
    }
    return false;
}

/* May a device do what makes TLB entries wrong that b keeps? */
static bool upsets(const Slow *s, const Block *b)
{
    return b->code.keeps_pages && s->kind != MEM_LOAD
        && (!s->hit[0].host || (s->split < s->span && !s->hit[1].host));
}

/*
 * Must what it does show before the next instruction, and the running block
 * goes on with that one?
 */
static bool must_be_alone(const Slow *s)
{
    const TcgCode *code = s->c->tcg.exit;
    const Block *b = container_of(code, Block, code);

    return b->count > 1
        && ((s->c->target->precise_code && writes_to(s, b))
            || upsets(s, b) || watched(s, false));
}

/*
 * IR_span, not in the TLB: where the host has its operand, which is mem_val[0]
 * below its first byte, or 0.  What is only peeked at was read before.
 */
static void find_span(Cpu *c)
{
    u32 op = (u32)c->tcg.mem_memop, how = op >> MEM_RMW_SHIFT;
    Access a = how & SPAN_WRITE ? ACCESS_WRITE : ACCESS_READ;
    u64 va = c->tcg.mem_addr, bytes = op & 0xffff;
    u8 *host = how & SPAN_PEEK ? NULL : tlb_host(c, va, a, (unsigned)bytes);

    c->tcg.mem_val[0] = host ? (u64)(uintptr_t)host - c->tcg.mem_val[0] : 0;
}

bool jit_slow(void *env, const void *ret)
{
    Cpu *c = env;
    if ((c->tcg.mem_memop >> MEM_KIND_SHIFT & 0xff) == MEM_SPAN) {
        find_span(c);
        return true;
    }
    Slow s = slow_of(c);
    bool ok = check(&s);

    if (ok && ret && must_be_alone(&s)) {
        tcg_restore(c->tcg.exit, env, ret);
        ((JitCpu *)c->accel)->one = true;
        cpu_resume(c);
    }
    if (likely(ok && !(c->debug && watch_hit(&s)))) {
        perform(&s);
        watched(&s, true);
        return true;
    }
    if (ret) {
        tcg_restore(c->tcg.exit, env, ret);
    }
    if (ok) {
        cpu_request(c, REQ_DEBUG);      /* before the access, pc at it */
    } else {
        c->target->fault(c, &s.fault);
    }
    return false;
}

static void from_helper(Slow *s)
{
    JitCpu *t = s->c->accel;

    if (!check(s)) {
        cpu_fault(s->c, &s->fault);
    }
    if (s->c->debug && watch_hit(s)) {
        cpu_request(s->c, REQ_DEBUG);
        cpu_resume(s->c);
    }
    if (!t->alone && watched(s, false)) {
        t->one = true;
        cpu_resume(s->c);
    }
    perform(s);
    watched(s, true);
}

u64 cpu_load(Cpu *c, u64 va, u32 memop)
{
    c->tcg.mem_addr = va;
    c->tcg.mem_memop = memop | MEM_LOAD << MEM_KIND_SHIFT;
    Slow s = slow_of(c);
    from_helper(&s);
    u64 v = c->tcg.mem_val[0];
    return memop & M_SIGN ? (u64)sext(v, s.size * 8) : v;
}

void cpu_store(Cpu *c, u64 va, u64 v, u32 memop)
{
    c->tcg.mem_addr = va;
    c->tcg.mem_val[0] = v;
    c->tcg.mem_memop = memop | MEM_STORE << MEM_KIND_SHIFT;
    Slow s = slow_of(c);
    from_helper(&s);
}

void cpu_fault(Cpu *c, const Fault *f)
{
    c->target->fault(c, f);
    cpu_resume(c);
}
