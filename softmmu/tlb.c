/* SPDX-License-Identifier: MIT */
/*
 * The software TLB: guest virtual to host addresses.
 *
 * First level: slots, one per recent address space and set of key bits, each
 * with direct-mapped read, write and exec tables that translated code probes,
 * and a jump cache from pc to host code.  Changing address space selects a
 * slot and flushes nothing.
 *
 * Second level: one 4-way table for all spaces, for what fell out of the
 * first.  Behind it: the target's page walk.
 *
 * All of it belongs to the vCPU's thread, except that any thread may drop
 * jump-cache entries: their keys are single words.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include "accel/accel.h"
#include "softmmu/machine.h"
#include "target/target.h"

enum {
    SLOTS = 32,
    L2_SETS = 4096, L2_WAYS = 4, LOCALS = 512,
    JCACHE_SIZE = 1 << JCACHE_BITS,
    LARGE_MAX = 8, WRITERS = 256, GROUP = TLB_SIZE / 64, GUESS_BITS = 6,
};

/* Second level: no page, which is aligned, is this. */
#define TAG_NONE  (~0ull)
/* No pc is odd-high like this: bit 63 without bit 62. */
#define JUMP_NONE 0x8000000000000001ull

/*
 * Stretches of addresses in which large pages were mapped: a flush of one of
 * their addresses must drop all of them.  Near ones are merged.
 */
typedef struct LargeSet {
    struct { u64 lo, hi; } e[LARGE_MAX];    /* hi is the last byte */
    u32 n;
} LargeSet;

/* Tables of a slot, and how a note of an entry in one of them is packed. */
enum { READS, WRITES, EXECS, USER_READS, USER_WRITES, JUMPS, INDEX_BITS = 13 };
_Static_assert((int)JCACHE_BITS <= (int)INDEX_BITS, "an index fits");

typedef struct Slot {
    TlbSlot  *tables;
    JumpEntry *jumps;
    u64   space;
    u32   key;
    bool  valid;                /* holds a space */
    bool  dirty;                /* tables hold anything */
    u64   used;                 /* when last selected, for eviction */
    LargeSet large;
    u64   exec_pages[64];       /* by a hash: pages that have jump entries */
    u64   exec_global[TLB_SIZE / 64];   /* bit i: exec entry i is global */
    /*
     * By a hash of the host page: bit i, entries GROUP * i and on of a write
     * table may be for such a page.
     */
    u64   writers[WRITERS];
    /* Entries that are not global, table << INDEX_BITS | index; or too many. */
    u16   local[LOCALS];
    u32   locals;
    bool  global;               /* there are global ones too */
} Slot;

/* A translation in the second level. */
typedef struct L2Entry {
    u64  page;                  /* va | way of matching; TAG_NONE: empty */
    u64  space;
    u64  pa;
    u8   prot, log2;
    u32  key;                   /* privilege is part of it */
    bool user, global, device;
} L2Entry;

typedef struct Tlb {
    Slot     slot[SLOTS];
    Slot    *cur;               /* in use */
    u8       guess[1 << GUESS_BITS];    /* by guess_of(): likely that slot */
    u64      tick;
    L2Entry (*l2)[L2_WAYS];
    u32      l2_next;           /* way to replace */
    LargeSet l2_large;
    TlbStats stats;
} Tlb;

static void *map_zeroed(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void clear_jumps(Slot *s)
{
    for (u32 i = 0; i < JCACHE_SIZE; i++) {
        __atomic_store_n(&s->jumps[i].key, JUMP_NONE, __ATOMIC_RELAXED);
    }
    memset(s->exec_pages, 0, sizeof s->exec_pages);
}

/*
 * A tag that no address hits: (tag ^ va) is above PAGE_SIZE.  All ones would
 * be hit by the last page of the address space, which is at the last index;
 * there a tag with another index's bits does it.
 */
static u64 empty_tag(u32 index)
{
    return index == TLB_SIZE - 1 ? 0 : ~0ull;
}

static void empty_entry(Slot *s, u32 index)
{
    s->tables->read[index].tag = empty_tag(index);
    s->tables->write[index].tag = empty_tag(index);
    s->tables->exec[index].tag = empty_tag(index);
    s->tables->user_read[index].tag = empty_tag(index);
    s->tables->user_write[index].tag = empty_tag(index);
}

/* Notes that an entry was made. */
static void note_entry(Slot *s, u32 table, u32 index, bool global)
{
    s->dirty = true;
    s->global |= global;
    if (!global && s->locals < LOCALS) {
        s->local[s->locals] = (u16)(table << INDEX_BITS | index);
    }
    s->locals += !global && s->locals <= LOCALS;
}

static void clear_all(Slot *s)
{
    memset(s->tables, 0xff, sizeof *s->tables);
    empty_entry(s, TLB_SIZE - 1);
    clear_jumps(s);
    memset(s->writers, 0, sizeof s->writers);
    s->large.n = 0;
    s->locals = 0;
    s->dirty = s->global = false;
}

static void clear_entry(Slot *s, u32 table, u32 index)
{
    TlbEntry *const tables[] = {
        [READS] = s->tables->read, [WRITES] = s->tables->write,
        [EXECS] = s->tables->exec,
        [USER_READS] = s->tables->user_read,
        [USER_WRITES] = s->tables->user_write,
    };

    if (table == JUMPS) {
        __atomic_store_n(&s->jumps[index].key, JUMP_NONE, __ATOMIC_RELAXED);
    } else {
        tables[table][index].tag = empty_tag(index);
    }
}

/* All but the global ones. */
static void clear_locals(Slot *s)
{
    if (s->locals > LOCALS) {
        clear_all(s);
        return;
    }
    for (u32 i = 0; i < s->locals; i++) {
        clear_entry(s, s->local[i] >> INDEX_BITS,
                    s->local[i] & MASK(INDEX_BITS));
    }
    s->locals = 0;
}

static void clear_slot(Slot *s)
{
    if (s->dirty && s->global) {
        clear_all(s);
    } else if (s->dirty) {
        clear_locals(s);
        memset(s->exec_pages, 0, sizeof s->exec_pages);
        s->large.n = 0;
        s->dirty = false;
    }
}

static void clear_l2(Tlb *t)
{
    memset(t->l2, 0xff, sizeof *t->l2 * L2_SETS);
    t->l2_large.n = 0;
}

static void select_slot(Cpu *c, Slot *s)
{
    Tlb *t = c->tlb;

    s->used = ++t->tick;
    t->cur = s;
    c->tcg.tlb = (u8 *)s->tables;
    c->tcg.jcache = (u8 *)s->jumps;
}

bool tlb_new(Cpu *c, Err *err)
{
    Tlb *t = g_new0(Tlb, 1);
    u8 *tables = map_zeroed(sizeof(TlbSlot) * SLOTS);
    u8 *jumps = map_zeroed(sizeof(JumpEntry) * JCACHE_SIZE * SLOTS);

    t->l2 = map_zeroed(sizeof *t->l2 * L2_SETS);
    if (!tables || !jumps || !t->l2) {
        return fail(err, "no memory for the TLB of CPU %d", c->index);
    }
    for (u32 i = 0; i < SLOTS; i++) {
        t->slot[i].tables = (TlbSlot *)tables + i;
        t->slot[i].jumps = (JumpEntry *)jumps + (size_t)i * JCACHE_SIZE;
        t->slot[i].dirty = t->slot[i].global = true;
    }
    clear_l2(t);
    clear_slot(&t->slot[0]);
    c->tlb = t;
    select_slot(c, &t->slot[0]);
    return true;
}

void tlb_free(Cpu *c)
{
    Tlb *t = c->tlb;

    munmap(t->slot[0].tables, sizeof(TlbSlot) * SLOTS);
    munmap(t->slot[0].jumps, sizeof(JumpEntry) * JCACHE_SIZE * SLOTS);
    munmap(t->l2, sizeof *t->l2 * L2_SETS);
    g_free(t);
    c->tlb = NULL;
}

static bool is_slot(const Slot *s, u64 space, u32 key)
{
    return s->valid && s->space == space && s->key == key;
}

static u32 guess_of(u64 space, u32 key)
{
    return (u32)((space ^ (u64)key << 32) * 0x9e3779b97f4a7c15ull
                 >> (64 - GUESS_BITS));
}

/* Global translations count in their domain alone: bits 63:48. */
static bool same_domain(u64 space, u64 other)
{
    return (space ^ other) >> 48 == 0;
}

/* The slot of that space, or the one not used for longest, emptied for it. */
static Slot *find_slot(Tlb *t, u64 space, u32 key)
{
    Slot *oldest = &t->slot[0];

    for (Slot *s = t->slot; s < t->slot + SLOTS; s++) {
        if (is_slot(s, space, key)) {
            return s;
        }
        if (!s->valid) {
            oldest = s;
        } else if (oldest->valid && s->used < oldest->used) {
            oldest = s;
        }
    }
    t->stats.switches++;
    clear_slot(oldest);
    oldest->valid = true;
    oldest->space = space;
    oldest->key = key;
    return oldest;
}

/* False: nothing has to be selected. */
static bool change_space(Cpu *c, u64 space, u32 key)
{
    c->key = key;
    c->space = space;
    /* No TLB: not made yet, or another accelerator. */
    return c->tlb && !is_slot(c->tlb->cur, space, key);
}

void tlb_switch(Cpu *c, u64 space, u32 key)
{
    Tlb *t = c->tlb;

    if (!change_space(c, space, key)) {
        return;
    }
    u8 *guess = &t->guess[guess_of(space, key)];
    Slot *s = &t->slot[*guess];
    if (!is_slot(s, space, key)) {
        s = find_slot(t, space, key);
        *guess = (u8)(s - t->slot);
    }
    select_slot(c, s);
}

static bool may_follow(const Slot *s, u64 space, u32 key)
{
    return s->valid && s->key == key && same_domain(s->space, space);
}

void tlb_switch_kernel(Cpu *c, u64 space, u32 key)
{
    Tlb *t = c->tlb;

    if (!change_space(c, space, key)) {
        return;
    }
    u8 *guess = &t->guess[guess_of(0, key)];
    Slot *s = &t->slot[*guess];
    for (u32 i = 0; i < SLOTS && !may_follow(s, space, key); i++) {
        s = &t->slot[i];
    }
    if (!may_follow(s, space, key)) {
        s = find_slot(t, space, key);
    } else if (s->space != space) {
        clear_locals(s);
        s->space = space;
    }
    *guess = (u8)(s - t->slot);
    select_slot(c, s);
}

void tlb_replace_space(Cpu *c, u64 old, u64 space)
{
    Tlb *t = c->tlb;

    for (Slot *s = t ? t->slot : NULL; t && s < t->slot + SLOTS; s++) {
        if (s->valid && s->space == old) {
            clear_locals(s);
            s->space = space;
        }
    }
}

/* ---- flushes ------------------------------------------------------------ */

static u64 hash_of_page(u64 va)
{
    return (va >> PAGE_BITS) * 0x9e3779b97f4a7c15ull >> 52;
}

static void note_jumps(Slot *s, u64 va)
{
    u64 h = hash_of_page(va);

    s->exec_pages[h / 64] |= BIT(h % 64);
}

static bool may_have_jumps(const Slot *s, u64 va)
{
    u64 h = hash_of_page(va);

    return s->exec_pages[h / 64] >> h % 64 & 1;
}

/* The jump cache's entries for pcs of one page, va, lie side by side. */
static void drop_jumps(Slot *s, u64 va)
{
    enum { PER_PAGE = PAGE_SIZE / 4 };
    u64 first = align_down(va, PAGE_SIZE) >> 2 & (JCACHE_SIZE - 1);

    for (u32 i = 0; i < PER_PAGE; i++) {
        JumpEntry *e = &s->jumps[(first + i) & (JCACHE_SIZE - 1)];
        if ((__atomic_load_n(&e->key, __ATOMIC_RELAXED) ^ va) < PAGE_SIZE) {
            __atomic_store_n(&e->key, JUMP_NONE, __ATOMIC_RELAXED);
        }
    }
}

/* Entries of other pages at the same index stay. */
static void drop_page(Slot *s, u64 va)
{
    u32 i = va >> PAGE_BITS & (TLB_SIZE - 1);
    TlbEntry *const tables[] = {
        &s->tables->read[i], &s->tables->write[i], &s->tables->exec[i],
        &s->tables->user_read[i], &s->tables->user_write[i],
    };

    for (u32 t = 0; t < countof(tables); t++) {
        if ((tables[t]->tag ^ va) < PAGE_SIZE) {
            tables[t]->tag = empty_tag(i);
        }
    }
    if (may_have_jumps(s, va)) {
        drop_jumps(s, va);
    }
}

static bool hits_large(const LargeSet *l, u64 lo, u64 hi)
{
    for (u32 i = 0; i < l->n; i++) {
        if (lo <= l->e[i].hi && hi >= l->e[i].lo) {
            return true;
        }
    }
    return false;
}

static void note_large(LargeSet *l, u64 lo, u64 hi)
{
    u64 best_gap = ~0ull;
    u32 best = 0;

    for (u32 i = 0; i < l->n; i++) {
        u64 gap = lo > l->e[i].hi ? lo - l->e[i].hi
                : l->e[i].lo > hi ? l->e[i].lo - hi : 0;
        if (gap < best_gap) {
            best_gap = gap;
            best = i;
        }
    }
    if (l->n < LARGE_MAX && best_gap > 1) {
        best = l->n++;
        l->e[best].lo = lo;
        l->e[best].hi = hi;
    }
    l->e[best].lo = MIN(l->e[best].lo, lo);
    l->e[best].hi = MAX(l->e[best].hi, hi);
}

/* So many pages are looked for one by one, and not in all there is. */
static bool are_few(u64 lo, u64 hi)
{
    return hi - lo < (u64)PAGE_SIZE * 64;
}

static void flush_slot(Slot *s, u64 lo, u64 hi)
{
    if (!s->dirty) {
        return;
    }
    if (!are_few(lo, hi) || hits_large(&s->large, lo, hi)) {
        clear_slot(s);
        return;
    }
    for (u64 va = lo; ; va += PAGE_SIZE) {
        drop_page(s, va);
        if (hi - va < PAGE_SIZE) {
            return;
        }
    }
}

static bool l2_in_range(const L2Entry *e, u64 lo, u64 hi)
{
    u64 first = align_down(e->page, BIT(e->log2));

    return first <= hi && first + MASK(e->log2) >= lo;
}

static void flush_l2(Tlb *t, u64 lo, u64 hi, u64 match, u64 mask)
{
    for (u32 i = 0; i < L2_SETS; i++) {
        for (u32 w = 0; w < L2_WAYS; w++) {
            L2Entry *e = &t->l2[i][w];
            if (e->page != TAG_NONE && l2_in_range(e, lo, hi)
                && (e->global || (e->space & mask) == match)) {
                e->page = TAG_NONE;
            }
        }
    }
}

/* A page is in its set, unless a large mapping covers it. */
static void flush_l2_page(Tlb *t, u64 page, u64 match, u64 mask)
{
    L2Entry *set = t->l2[page >> PAGE_BITS & (L2_SETS - 1)];

    for (u32 w = 0; w < L2_WAYS; w++) {
        L2Entry *e = &set[w];
        if (e->page == page && (e->global || (e->space & mask) == match)) {
            e->page = TAG_NONE;
        }
    }
}

static void flush_l2_pages(Tlb *t, u64 lo, u64 hi, u64 match, u64 mask)
{
    for (u64 page = lo; ; page += PAGE_SIZE) {
        flush_l2_page(t, page, match, mask);
        if (hi - page < PAGE_SIZE) {
            return;
        }
    }
}

/* global: those too, which any slot may hold. */
static void flush(Cpu *c, u64 va, u64 len, u64 match, u64 mask, bool global)
{
    Tlb *t = c->tlb;
    u64 lo = len ? align_down(va, PAGE_SIZE) : 0;
    u64 hi = len ? lo + align_up(len, PAGE_SIZE) - 1 : ~0ull;

    if (!t) {
        return;
    }
    t->stats.flushes += !len;
    t->stats.page_flushes += len != 0;
    for (Slot *s = t->slot; s < t->slot + SLOTS; s++) {
        if (!s->valid) {
            continue;
        }
        if ((len && global) || (s->space & mask) == match) {
            flush_slot(s, lo, hi);
        }
    }
    if (len == 0 && mask == 0) {
        clear_l2(t);
    } else if (are_few(lo, hi) && !hits_large(&t->l2_large, lo, hi)) {
        flush_l2_pages(t, lo, hi, match, mask);
    } else {
        flush_l2(t, lo, hi, match, mask);
    }
}

void tlb_flush(Cpu *c, u64 va, u64 len, u64 match, u64 mask)
{
    flush(c, va, len, match, mask, true);
}

void tlb_flush_local(Cpu *c, u64 va, u64 len, u64 match, u64 mask)
{
    flush(c, va, len, match, mask, false);
}

/* ---- fills -------------------------------------------------------------- */

static bool same_space(const L2Entry *e, u64 space)
{
    return e->space == space || (e->global && same_domain(e->space, space));
}

static L2Entry *l2_find(Cpu *c, u64 va, bool user)
{
    Tlb *t = c->tlb;
    u64 page = align_down(va, PAGE_SIZE);
    L2Entry *set = t->l2[page >> PAGE_BITS & (L2_SETS - 1)];

    for (u32 w = 0; w < L2_WAYS; w++) {
        L2Entry *e = &set[w];
        if (e->page == page && e->key == c->key && e->user == user
            && same_space(e, c->space)) {
            return e;
        }
    }
    return NULL;
}

static L2Entry *l2_add(Cpu *c, u64 va, bool user, const Page *p)
{
    Tlb *t = c->tlb;
    u64 page = align_down(va, PAGE_SIZE);
    L2Entry *set = t->l2[page >> PAGE_BITS & (L2_SETS - 1)];
    L2Entry *e = &set[t->l2_next++ & (L2_WAYS - 1)];

    *e = (L2Entry) {
        .page = page, .space = c->space, .pa = p->pa, .prot = p->prot,
        .log2 = p->log2, .key = c->key, .user = user, .global = p->global,
        .device = p->device,
    };
    if (p->log2 > PAGE_BITS) {
        u64 lo = align_down(page, BIT(p->log2));
        note_large(&t->l2_large, lo, lo + MASK(p->log2));
    }
    return e;
}

static u8 needed(Access a)
{
    static const u8 prot[] = {
        [ACCESS_FETCH] = PROT_X, [ACCESS_READ] = PROT_R,
        [ACCESS_WRITE] = PROT_W,
    };
    return prot[a];
}

static bool watched(const Cpu *c, u64 va)
{
    u64 page = va >> PAGE_BITS;

    if (c->watches && c->target->watch((Cpu *)c, page << PAGE_BITS, PAGE_SIZE,
                                       ACCESS_WRITE, false)) {
        return true;
    }
    for (u32 i = 0; c->debug && i < c->debug->breaks->len; i++) {
        const Break *b = &g_array_index(c->debug->breaks, Break, i);
        if (b->kind >= WATCH_W && b->addr >> PAGE_BITS <= page
            && (b->addr + b->len - 1) >> PAGE_BITS >= page) {
            return true;
        }
    }
    return false;
}

static u64 *writers_of(Slot *s, u64 host)
{
    u64 page = host >> PAGE_BITS;

    return &s->writers[(page ^ page >> 8) & (WRITERS - 1)];
}

/* The fast entries for a page of RAM, as far as it may be used directly. */
static void fill(Cpu *c, u64 va, Access a, const L2Entry *e, const TlbHit *hit)
{
    Slot *s = c->tlb->cur;
    u64 page = align_down(va, PAGE_SIZE);
    u32 i = page >> PAGE_BITS & (TLB_SIZE - 1);
    TlbEntry entry = { page, (u64)(hit->host - (va - page)) };

    c->tlb->stats.fills++;
    if (e->log2 > PAGE_BITS) {
        u64 lo = align_down(page, BIT(e->log2));
        note_large(&s->large, lo, lo + MASK(e->log2));
    }
    if (watched(c, va)) {
        return;
    }
    if (a == ACCESS_READ) {
        (e->user ? s->tables->user_read : s->tables->read)[i] = entry;
        note_entry(s, e->user ? USER_READS : READS, i, e->global);
    } else if (a == ACCESS_WRITE && !hit->slow) {
        (e->user ? s->tables->user_write : s->tables->write)[i] = entry;
        *writers_of(s, (u64)hit->host & ~MASK(PAGE_BITS)) |= BIT(i / GROUP);
        note_entry(s, e->user ? USER_WRITES : WRITES, i, e->global);
    }
}

/* Does the next write to it have to be noted? */
static bool note_writable(Ram *r, u64 offset)
{
    u8 *flags = &r->flags[offset >> GUEST_PAGE_BITS];

    /* MAPPED first: who sets CODE looks for it afterwards. */
    u8 old = __atomic_fetch_or(flags, RAM_MAPPED, __ATOMIC_SEQ_CST);
    return old & RAM_CODE || (old & (RAM_TRACK | RAM_DIRTY)) == RAM_TRACK;
}

static void locate(Cpu *c, u64 pa, Access a, TlbHit *hit)
{
    const MemRange *r = mem_find(a == ACCESS_FETCH ? c->code_mem : c->mem, pa);

    hit->pa = pa;
    hit->range = r;
    if (r && r->ram && (a != ACCESS_WRITE || !r->readonly) && !r->read) {
        u64 offset = r->offset + (pa - r->base);
        hit->host = r->ram->host + offset;
        hit->slow = a == ACCESS_WRITE && note_writable(r->ram, offset);
    }
}

bool tlb_resolve(Cpu *c, u64 va, Access a, bool user, TlbHit *hit, Fault *f)
{
    L2Entry *e;

    *hit = (TlbHit) { 0 };
    if (c->target->clean_address) {
        va = c->target->clean_address(c, va);
    }
    e = l2_find(c, va, user);
    if (!e || !(e->prot & needed(a))) {
        Page p;
        c->tlb->stats.walks++;
        if (!c->target->walk(c, va, a, user, &p, f)) {
            return false;
        }
        if (e) {
            e->page = TAG_NONE;
        }
        e = l2_add(c, va, user, &p);
    }
    locate(c, e->pa + (va & (PAGE_SIZE - 1)), a, hit);
    hit->device = e->device;
    if (hit->host && a != ACCESS_FETCH && !e->device) {
        fill(c, va, a, e, hit);
    }
    return true;
}

u8 *tlb_host(Cpu *c, u64 va, Access access, unsigned size)
{
    TlbSlot *s = c->tlb->cur->tables;
    u32 i = va >> PAGE_BITS & (TLB_SIZE - 1);
    TlbEntry *e = access == ACCESS_WRITE ? &s->write[i] : &s->read[i];
    TlbHit hit;
    Fault f;

    if ((va & (PAGE_SIZE - 1)) + size > PAGE_SIZE) {
        return NULL;
    }
    if ((e->tag ^ va) < PAGE_SIZE) {
        return (u8 *)(e->host + (e->tag ^ va));
    }
    if (!tlb_resolve(c, va, access, false, &hit, &f) || hit.slow
        || watched(c, va)) {
        return NULL;
    }
    return hit.host;
}

static bool is_global(Cpu *c, u64 va)
{
    const L2Entry *e = l2_find(c, va, false);

    return e && e->global;
}

void tlb_fill_exec(Cpu *c, u64 va, u64 phys)
{
    Slot *s = c->tlb->cur;
    u64 page = align_down(va, PAGE_SIZE);
    u32 i = page >> PAGE_BITS & (TLB_SIZE - 1);

    bool global = is_global(c, va);

    s->tables->exec[i] = (TlbEntry) { page, phys };
    s->exec_global[i / 64] = deposit(s->exec_global[i / 64], i % 64, 1, global);
    note_entry(s, EXECS, i, global);
}

static void protect_group(Slot *s, u32 first, u64 host)
{
    for (u32 i = first; i < first + GROUP; i++) {
        if (s->tables->write[i].host == host) {
            s->tables->write[i].tag = empty_tag(i);
        }
        if (s->tables->user_write[i].host == host) {
            s->tables->user_write[i].tag = empty_tag(i);
        }
    }
}

void tlb_protect(Cpu *c, const Ram *r, u64 offset)
{
    u64 host = (u64)(r->host + align_down(offset, PAGE_SIZE));

    for (Slot *s = c->tlb->slot; s < c->tlb->slot + SLOTS; s++) {
        u64 groups = s->valid && s->dirty ? *writers_of(s, host) : 0;
        for (; groups; groups &= groups - 1) {
            protect_group(s, GROUP * (u32)__builtin_ctzll(groups), host);
        }
    }
}

/* ---- jump caches -------------------------------------------------------- */

void tlb_jump_add(Cpu *c, u64 pc, const void *host)
{
    Slot *s = c->tlb->cur;
    u32 i = pc >> 2 & (JCACHE_SIZE - 1);
    u32 page = pc >> PAGE_BITS & (TLB_SIZE - 1);
    JumpEntry *e = &s->jumps[i];

    note_entry(s, JUMPS, i, s->exec_global[page / 64] >> page % 64 & 1);
    note_jumps(s, pc);
    __atomic_store_n(&e->key, JUMP_NONE, __ATOMIC_RELAXED);
    __atomic_store_n(&e->host, (void *)host, __ATOMIC_RELAXED);
    __atomic_store_n(&e->key, pc, __ATOMIC_RELEASE);
}

void tlb_jump_drop(Cpu *c, u32 page_offset, const void *host)
{
    enum { PAGES = JCACHE_SIZE * 4 / PAGE_SIZE };

    for (Slot *s = c->tlb->slot; s < c->tlb->slot + SLOTS; s++) {
        for (u32 p = 0; p < PAGES; p++) {
            JumpEntry *e = &s->jumps[page_offset / 4 + p * PAGE_SIZE / 4];
            if (__atomic_load_n(&e->host, __ATOMIC_RELAXED) == host) {
                __atomic_store_n(&e->key, JUMP_NONE, __ATOMIC_RELAXED);
            }
        }
    }
}

void tlb_jump_clear(Cpu *c)
{
    for (Slot *s = c->tlb->slot; s < c->tlb->slot + SLOTS; s++) {
        clear_jumps(s);
    }
}

const TlbStats *tlb_stats(const Cpu *c)
{
    return &c->tlb->stats;
}
