/* SPDX-License-Identifier: MIT */
/*
 * Addresses: segments, and the TLB that software fills.
 * Reference: PRA, chapter 4 "Virtual Memory".
 *
 * The soft MMU's walk looks here.  What TLBWR replaces, an entry that software
 * cannot name, lives on as a *shadow*: translations by it stay good until the
 * guest does what would tell that they are gone.  That is a probe that does
 * not find it, an entry for the same addresses, or a TLBWI to an index that no
 * probe has found, for whoever writes all of them knows that all is gone.  So
 * a working set that is larger than the TLB takes few exceptions, and TLBWR
 * flushes nothing.  Where Wired leaves Random but one value there are none.
 *
 * Left out: 1 KiB pages (no model here has them), machine checks for entries
 * that overlap: the one with the lowest index counts.
 */
#include "target/mips/cpu.h"
#include "util/log.h"

/* ---- segments ----------------------------------------------------------- */

typedef enum Segment { MAPPED, UNMAPPED, NOT_THERE } Segment;

typedef enum Mode { KERNEL, SUPERVISOR, USER } Mode;

/* The 32-bit segments; va is sign-extended, and so is pa's offset in it. */
static Segment compatible(const MipsCpu *c, u64 va, Mode mode, u64 *pa)
{
    if ((u32)va < 0x80000000) {
        *pa = va;
        return c->status & ST_ERL && mode == KERNEL ? UNMAPPED : MAPPED;
    }
    switch (bits(va, 31, 29)) {
    case 4: case 5:                             /* kseg0, kseg1 */
        *pa = va & MASK(29);
        return mode == KERNEL ? UNMAPPED : NOT_THERE;
    case 6:                                     /* ksseg */
        return mode <= SUPERVISOR ? MAPPED : NOT_THERE;
    }
    return mode == KERNEL ? MAPPED : NOT_THERE; /* kseg3 */
}

static Segment extended(const MipsCpu *c, u64 va, Mode mode, u64 *pa)
{
    bool fits = !(va & MASK(62) & ~MASK(c->segbits));

    switch (va >> 62) {
    case 0:                                     /* xuseg */
        return c->status & ST_UX && fits ? MAPPED : NOT_THERE;
    case 1:                                     /* xsseg */
        return c->status & ST_SX && fits && mode <= SUPERVISOR
            ? MAPPED : NOT_THERE;
    case 2:                                     /* xkphys */
        *pa = va & MASK(59);
        return c->status & ST_KX && mode == KERNEL && !(*pa >> c->pabits)
            ? UNMAPPED : NOT_THERE;
    }
    return c->status & ST_KX && fits && mode == KERNEL ? MAPPED : NOT_THERE;
}

static Segment segment_of(const MipsCpu *c, u64 va, Mode mode, u64 *pa)
{
    if ((i64)va == (i32)va) {
        return compatible(c, va, mode, pa);
    }
    return extended(c, va, mode, pa);
}

static Mode mode_of(const MipsCpu *c, bool user)
{
    return user || c->cpu.key & KEY_USER ? USER
        : c->cpu.key & KEY_SUPER ? SUPERVISOR : KERNEL;
}

/* As the C code here has addresses: sign-extended on a 32-bit CPU, too. */
static u64 extend(const MipsCpu *c, u64 va)
{
    return is_wide(c) ? va : (u64)(i32)va;
}

/* ---- entries ------------------------------------------------------------ */

static u64 vpn_mask(const MipsCpu *c)
{
    return (is_wide(c) ? MASK(c->segbits) | 3ull << 62 : MASK(32)) & ~MASK(13);
}

static u64 asid_of(const MipsCpu *c)
{
    return c->entryhi & c->asid_mask;
}

u64 mips_space(const MipsCpu *c)
{
    return asid_of(c);
}

/* Address bits that both pages of an entry take. */
static u64 pair_mask(const MipsEntry *e)
{
    return e->mask << 1 | 1;
}

static bool covers(const MipsCpu *c, const MipsEntry *e, u64 va, u64 asid)
{
    return !e->none && !((e->hi ^ va) & vpn_mask(c) & ~pair_mask(e))
        && (e->global || e->asid == asid);
}

/* Do they translate any address both? */
static bool overlap(const MipsCpu *c, const MipsEntry *x, const MipsEntry *y)
{
    u64 either = pair_mask(x) | pair_mask(y);

    return !x->none && !y->none && !((x->hi ^ y->hi) & vpn_mask(c) & ~either)
        && (x->global || y->global || x->asid == y->asid);
}

/* May translations by e's page n be good while `new` has its place? */
static bool may_stay(const MipsEntry *e, const MipsEntry *new, u32 n)
{
    enum { GRANTS = ENTRYLO_V | ENTRYLO_D };
    const u64 denies = ENTRYLO_RI | ENTRYLO_XI;
    u64 was = e->lo[n] ^ denies, is = new ? new->lo[n] ^ denies : 0;
    u64 rights = denies | GRANTS;

    return !(was & ENTRYLO_V)
        || (new && !new->none && new->hi == e->hi && new->mask == e->mask
            && new->asid == e->asid && new->global == e->global
            && !((was ^ is) & ~rights) && !(was & rights & ~is));
}

/* The soft MMU forgets what e translates and new, if there is one, does not. */
static void forget(MipsCpu *c, const MipsEntry *e, const MipsEntry *new)
{
    u64 size = e->mask + 1, va = align_down(e->hi, 2 * size);

    if (e->none) {
        return;
    }
    if (is_wide(c) && va >> 62 == 3) {          /* as addresses are written */
        va |= ~MASK(c->segbits);
    }
    for (u32 n = 0; n < 2; n++, va += size) {
        if (may_stay(e, new, n)) {
            continue;
        }
        if (e->global) {
            tlb_flush(&c->cpu, canonical(c, va), size, 0, 0);
        } else {
            tlb_flush_local(&c->cpu, canonical(c, va), size, e->asid,
                            c->asid_mask);
        }
    }
}

/* ---- shadows ------------------------------------------------------------ */

/* Pages are of 4 KiB times 4 to this. */
static u32 class_of(const MipsEntry *e)
{
    return ((u32)__builtin_popcountll(e->mask) - 12) / 2;
}

static u64 pair_size(u32 class)
{
    return BIT(13 + 2 * class);
}

/* Those of one pair of pages, whatever the ASID, are in one list. */
static u16 *bucket_of(MipsCpu *c, u64 va, u32 class)
{
    u64 vpn = va / pair_size(class);

    return &c->shadow_of[(vpn ^ vpn >> 11 ^ class << 9) % MIPS_SHADOWS];
}

static void drop_shadows(MipsCpu *c)
{
    if (c->shadows) {
        memset(c->shadow_of, 0, sizeof c->shadow_of);
        c->shadows = c->shadow_classes = 0;
        tlb_flush(&c->cpu, 0, 0, 0, 0);
    }
}

static void drop_in(MipsCpu *c, const MipsEntry *e, u16 n)
{
    for (; n; n = c->shadow[n].next) {
        MipsEntry *old = &c->shadow[n].entry;
        if (overlap(c, old, e)) {
            forget(c, old, e);
            old->none = true;
        }
    }
}

/* Drops those that e, of whatever size, contradicts. */
static void drop_overlapping(MipsCpu *c, const MipsEntry *e)
{
    enum { LISTS = 1024 };
    u64 size = pair_mask(e) + 1;

    for (u32 classes = c->shadow_classes; classes; classes &= classes - 1) {
        u32 class = (u32)__builtin_ctz(classes);
        u64 step = pair_size(class);
        if (size / step > LISTS) {
            drop_shadows(c);
            return;
        }
        for (u64 at = 0; at < size; at += step) {
            drop_in(c, e, *bucket_of(c, e->hi + at, class));
        }
    }
}

/* Number 0 is none. */
static void keep_as_shadow(MipsCpu *c, const MipsEntry *e)
{
    u16 *bucket = bucket_of(c, e->hi, class_of(e));

    if (c->shadows == MIPS_SHADOWS - 1) {
        drop_shadows(c);
    }
    c->shadow[++c->shadows] = (MipsShadow) { *e, *bucket };
    c->shadow_classes |= 1u << class_of(e);
    *bucket = (u16)c->shadows;
}

/* ---- the walk ----------------------------------------------------------- */

static const MipsEntry *find_entry(const MipsCpu *c, u64 va)
{
    u64 asid = asid_of(c);

    for (u32 i = 0; i < c->tlb_size; i++) {
        if (covers(c, &c->tlb[i], va, asid)) {
            return &c->tlb[i];
        }
    }
    return NULL;
}

static const MipsEntry *find_shadow(MipsCpu *c, u64 va)
{
    u64 asid = asid_of(c);

    for (u32 classes = c->shadow_classes; classes; classes &= classes - 1) {
        u16 n = *bucket_of(c, va & vpn_mask(c), (u32)__builtin_ctz(classes));
        for (; n; n = c->shadow[n].next) {
            if (covers(c, &c->shadow[n].entry, va, asid)) {
                return &c->shadow[n].entry;
            }
        }
    }
    return NULL;
}

static bool fail_with(Fault *f, u32 code)
{
    f->code = code;
    return false;
}

static u32 by_access(Access a, u32 load, u32 store)
{
    return a == ACCESS_WRITE ? store : load;
}

static u8 rights(u64 lo)
{
    return (lo & ENTRYLO_RI ? 0 : PROT_R) | (lo & ENTRYLO_XI ? 0 : PROT_X)
        | (lo & ENTRYLO_D ? PROT_W : 0);
}

/* PRA 9, PageGrain.IEC: exceptions of their own, or as if invalid. */
static u32 inhibited(const MipsCpu *c, Access a)
{
    if (!(c->pagegrain & GRAIN_IEC)) {
        return EXC_TLBL;
    }
    return a == ACCESS_FETCH ? EXC_TLBXI : EXC_TLBRI;
}

static bool allow(const MipsCpu *c, const MipsEntry *e, u64 va, Page *out,
                  Fault *f)
{
    Access a = f->access;
    u64 lo = e->lo[(va & (e->mask + 1)) != 0], pa;

    if (!(lo & ENTRYLO_V)) {
        return fail_with(f, by_access(a, EXC_TLBL, EXC_TLBS));
    }
    pa = bits(lo, 61, ENTRYLO_PFN) << 12 & ~e->mask;
    *out = (Page) {
        .pa = align_down(pa | (va & e->mask), GUEST_PAGE),
        .log2 = (u8)__builtin_popcountll(e->mask), .prot = rights(lo),
        .global = e->global,
    };
    if (a == ACCESS_WRITE) {
        return out->prot & PROT_W || fail_with(f, EXC_MOD);
    }
    return out->prot & (a == ACCESS_FETCH ? PROT_X : PROT_R)
        || fail_with(f, inhibited(c, a));
}

/* A shadow is no entry that software could find and change: it is gone. */
static bool translate(MipsCpu *c, u64 va, Page *out, Fault *f)
{
    const MipsEntry *e = find_entry(c, va);

    if (e) {
        return allow(c, e, va, out, f);
    }
    e = find_shadow(c, va);
    return (e && allow(c, e, va, out, f))
        || fail_with(f, EXC_REFILL | by_access(f->access, EXC_TLBL, EXC_TLBS));
}

static bool walk(MipsCpu *c, u64 va, bool user, Page *out, Fault *f)
{
    u64 pa = 0;

    switch (segment_of(c, va, mode_of(c, user), &pa)) {
    case MAPPED:
        return translate(c, va, out, f);
    case UNMAPPED:
        *out = (Page) {
            .pa = align_down(pa, GUEST_PAGE), .log2 = GUEST_PAGE_BITS,
            .prot = PROT_R | PROT_W | PROT_X, .global = true,
        };
        return true;
    default:
        return fail_with(f, by_access(f->access, EXC_ADEL, EXC_ADES));
    }
}

bool mips_walk(Cpu *cpu, u64 va, Access a, bool user, Page *out, Fault *f)
{
    MipsCpu *c = mips_cpu(cpu);
    bool ok;

    *f = (Fault) { .va = va, .access = a, .user = user };
    ok = walk(c, extend(c, va), user, out, f);
    if (log_on(LOG_MMU)) {
        log_line(LOG_MMU, "walk %d: %016llx access %d ASID %llx: %s %llx",
                 cpu->index, (unsigned long long)va, a,
                 (unsigned long long)cpu->space, ok ? "pa" : "fault",
                 (unsigned long long)(ok ? out->pa : f->code));
    }
    return ok;
}

void mips_misaligned(Cpu *c, u64 va, Access a, Fault *f)
{
    (void)c;
    *f = (Fault) { .va = va, .code = by_access(a, EXC_ADEL, EXC_ADES),
                   .access = a };
}

bool mips_bus_error(Cpu *c, u64 va, u64 pa, Access a, Fault *f)
{
    log_line(LOG_GUEST, "CPU %d: nothing at physical address %#llx "
             "(pc %#llx)", c->index, (unsigned long long)pa,
             (unsigned long long)c->tcg.pc);
    *f = (Fault) { .va = va, .code = a == ACCESS_FETCH ? EXC_IBE : EXC_DBE,
                   .access = a, .pa = pa };
    return true;
}

/* ---- instructions ------------------------------------------------------- */

/* EntryLo as 64 bits, without what PageGrain does not enable. */
static u64 wide_lo(const MipsCpu *c, u64 v)
{
    if (!is_wide(c)) {
        v = (v & MASK(30)) | bits(v, 31, 30) << 62;
    }
    v &= c->pagegrain & GRAIN_RIE ? ~0ull : ~ENTRYLO_RI;
    v &= c->pagegrain & GRAIN_XIE ? ~0ull : ~ENTRYLO_XI;
    return v & ~(u64)ENTRYLO_G;
}

static u64 register_lo(const MipsCpu *c, const MipsEntry *e, u32 n)
{
    u64 v = e->lo[n] | (e->global ? ENTRYLO_G : 0);

    return is_wide(c) ? v : (v & MASK(30)) | v >> 62 << 30;
}

/* The entry that the registers hold. */
static MipsEntry from_registers(const MipsCpu *c)
{
    u64 pair = c->pagemask | MASK(13);

    return (MipsEntry) {
        .hi = c->entryhi & vpn_mask(c) & ~pair,
        .lo = { wide_lo(c, c->entrylo[0]), wide_lo(c, c->entrylo[1]) },
        .mask = pair >> 1, .asid = (u16)asid_of(c),
        .global = c->entrylo[0] & c->entrylo[1] & ENTRYLO_G,
        .none = c->entryhi & c->rw.entryhi & ENTRYHI_EHINV
            && !(c->asid_mask & ENTRYHI_EHINV),
    };
}

static u32 index_of(const MipsCpu *c)
{
    return (u32)(c->index & 0x3f) % c->tlb_size;
}

void mips_tlbwi(MipsCpu *c)
{
    MipsEntry *to = &c->tlb[index_of(c)], e = from_registers(c);

    if (c->probed) {
        drop_overlapping(c, &e);
    } else {
        drop_shadows(c);
    }
    c->probed = false;
    forget(c, to, &e);
    *to = e;
}

u32 mips_random(MipsCpu *c)
{
    u32 wired = MIN((u32)c->wired, c->tlb_size - 1u);

    c->random_seed = c->random_seed * 1664525 + 1013904223;
    return wired + (c->random_seed >> 16) % (c->tlb_size - wired);
}

void mips_tlbwr(MipsCpu *c)
{
    MipsEntry *to = &c->tlb[mips_random(c)], e = from_registers(c);

    drop_overlapping(c, &e);
    if (to->none || c->wired + 1 >= c->tlb_size || overlap(c, to, &e)) {
        forget(c, to, &e);
    } else {
        keep_as_shadow(c, to);
    }
    *to = e;
}

void mips_tlbr(MipsCpu *c)
{
    const MipsEntry *e = &c->tlb[index_of(c)];

    if (e->none) {
        c->entryhi = ENTRYHI_EHINV & c->rw.entryhi;
        c->entrylo[0] = c->entrylo[1] = c->pagemask = 0;
    } else {
        c->pagemask = pair_mask(e) & ~MASK(13);
        c->entryhi = e->hi | e->asid;
        c->entrylo[0] = register_lo(c, e, 0);
        c->entrylo[1] = register_lo(c, e, 1);
    }
    mips_mode_changed(c);
}

void mips_tlbp(MipsCpu *c)
{
    MipsEntry e = from_registers(c);
    u64 asid = asid_of(c);

    e.mask = MASK(12);
    e.none = e.global = false;
    e.hi = c->entryhi & vpn_mask(c);
    e.lo[0] = e.lo[1] = 0;
    for (u32 i = 0; i < c->tlb_size; i++) {
        if (covers(c, &c->tlb[i], e.hi, asid)) {
            c->index = i;
            c->probed = true;
            return;
        }
    }
    drop_overlapping(c, &e);
    c->index = BIT(31);
}

/* TLBINV: all but the wired ones, of this ASID and not global; TLBINVF: all. */
void mips_tlbinv(MipsCpu *c, bool all)
{
    drop_shadows(c);
    for (u32 i = 0; i < c->tlb_size; i++) {
        MipsEntry *e = &c->tlb[i];
        if (all || (!e->global && e->asid == asid_of(c))) {
            forget(c, e, NULL);
            e->none = true;
        }
    }
}

void mips_tlb_loaded(MipsCpu *c)
{
    c->probed = false;
    c->shadows = c->shadow_classes = 0;
    memset(c->shadow_of, 0, sizeof c->shadow_of);
    tlb_flush(&c->cpu, 0, 0, 0, 0);
}

void mips_tlb_reset(MipsCpu *c)
{
    for (u32 i = 0; i < MIPS_TLB_MAX; i++) {
        c->tlb[i] = (MipsEntry) { .none = true };
    }
    mips_tlb_loaded(c);
}
