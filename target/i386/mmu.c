/* SPDX-License-Identifier: MIT */
/*
 * Paging: none, 32-bit, PAE, 4-level; nested in the host's for SVM guests.
 * Reference: SDM volume 3, chapter 4 "Paging"; AMD64 APM volume 2, 15.25
 * "Nested Paging".  spaces.c numbers the address spaces.
 *
 * Left out: 5-level paging, protection keys, memory types.
 */
#include "target/i386/system.h"
#include "tcg/ir.h"
#include "util/log.h"

enum { PF_P = 1, PF_W = 2, PF_U = 4, PF_RSVD = 8, PF_I = 16 };

#define PTE_P       BIT(0)
#define PTE_W       BIT(1)
#define PTE_U       BIT(2)
#define PTE_A       BIT(5)
#define PTE_D       BIT(6)
#define PTE_PS      BIT(7)
#define PTE_G       BIT(8)
#define PTE_NX      BIT(63)
#define PTE_ADDRESS 0x000ffffffffff000ull

/* One table of the hierarchy, as used. */
typedef struct Step {
    u64 at;                     /* physical address of the entry */
    u64 entry;
} Step;

/* What a walk goes by. */
typedef struct Regime {
    u64  cr3, cr4, efer;
    bool nested;                /* guest-physical to physical addresses */
    bool below;                 /* its tables are where nested paging says */
} Regime;

typedef struct Walk {
    X86Cpu *c;
    Regime r;
    u64    va;
    Access access;
    bool   user;
    bool   table;               /* nested: va is that of a guest's table */
    Step   step[4];
    u32    steps;
    u64    pa;                  /* of the mapping's first byte */
    u32    log2;
    u64    rights;              /* PTE_W, PTE_U of all; PTE_NX of any */
    u8     size;                /* of an entry */
} Walk;

u64 x86_clean_address(const Cpu *cpu, u64 va)
{
    return (cpu->key & KEY_CODE) == KEY_CODE64 ? va : (u32)va;
}

/* ---- control registers, checked before ---------------------------------- */

void x86_set_cr0(X86Cpu *c, u64 v)
{
    u64 changed = c->cr0 ^ v;

    c->cr0 = v;
    if (changed & CR0_PG && c->efer & EFER_LME) {
        c->efer = deposit(c->efer, 10, 1, v >> 31);
    }
    if (changed & CR0_PE) {
        c->cpl = 0;
        x86_segs_changed(c);
    }
    if (changed & (CR0_PE | CR0_PG | CR0_WP)) {
        x86_flush(c);
    }
    x86_mode_changed(c);
}

bool x86_load_pdptes(X86Cpu *c, u64 cr3)
{
    u64 reserved = ~x86_physical_mask(c) | 0x1e6;
    u64 e[4];

    for (unsigned i = 0; i < 4; i++) {
        e[i] = mem_get(c->cpu.mem, (cr3 & 0xffffffe0) + i * 8, 8);
        if (e[i] & PTE_P && e[i] & reserved) {
            return false;
        }
    }
    memcpy(c->pdpte, e, sizeof e);
    return true;
}

void x86_set_cr3(X86Cpu *c, u64 v)
{
    c->cr3 = v & ~BIT(63);
    x86_load_space(c, v >> 63 && c->cr4 & CR4_PCIDE);
    x86_mode_changed(c);
}

void x86_set_cr4(X86Cpu *c, u64 v)
{
    enum { FLUSH = CR4_PGE | CR4_PAE | CR4_PSE | CR4_PCIDE | CR4_SMEP };
    u64 changed = c->cr4 ^ v;

    c->cr4 = v;
    if (changed & FLUSH) {
        x86_flush(c);
    }
    if (changed & CR4_DE) {
        x86_debug_changed(c);
    }
    x86_mode_changed(c);
}

void x86_set_efer(X86Cpu *c, u64 v)
{
    u64 changed = c->efer ^ v;

    c->efer = v;
    if (changed & EFER_NXE) {
        x86_flush(c);
    }
    x86_mode_changed(c);
}

/* ---- the walk ----------------------------------------------------------- */

u64 x86_physical_mask(const X86Cpu *c)
{
    return MASK(x86_address_bits(c));
}

/* SMM does not mind the gate. */
static u64 a20(const X86Cpu *c, u64 pa)
{
    return c->a20 || c->smm ? pa : pa & ~BIT(20);
}

static bool nx_enabled(const Regime *r)
{
    return r->efer & EFER_NXE && r->cr4 & CR4_PAE;
}

static bool is_long(const Regime *r) { return r->efer & EFER_LMA; }

static bool page_fault(const Walk *w, Fault *f, u64 code)
{
    const Regime *r = &w->r;
    u64 vector = !r->nested ? X_PF : w->table ? X_NPF_TABLE : X_NPF;

    code |= w->access == ACCESS_WRITE ? PF_W : 0;
    code |= w->user ? PF_U : 0;
    if (w->access == ACCESS_FETCH
        && (nx_enabled(r) || (r->cr4 & CR4_SMEP && !r->nested))) {
        code |= PF_I;
    }
    f->code = vector << 32 | code;
    f->pa = w->va;              /* of a nested one */
    return false;
}

static bool walk(Walk *w, Page *out, Fault *f);

/* APM 15.25.5: all is done with the rights of the user; by host's registers. */
static bool nested(X86Cpu *c, Access a, bool table, Page *p, Fault *f)
{
    const X86Svm *v = &c->svm;
    Walk w = { .c = c, .va = p->pa, .access = a, .user = true, .table = table,
               .r = { v->n_cr3, v->host_cr4, v->host_efer, .nested = true } };

    return walk(&w, p, f);
}

/* Where a table's entry really is; the CPU reads tables as if it wrote them. */
static bool locate(const Walk *w, u64 *at, Fault *f)
{
    Page p = { .pa = *at };

    if (w->r.below) {
        if (!nested(w->c, ACCESS_WRITE, true, &p, f)) {
            return false;
        }
        *at = p.pa | (*at & (GUEST_PAGE - 1));
    }
    *at = a20(w->c, *at);
    return true;
}

/* Reads the entry `index` of a table and notes it. */
static bool read_entry(Walk *w, u64 table, u64 index, u64 *v, Fault *f)
{
    u64 at = table + index * w->size, len = w->size;
    const u8 *host;

    if (!locate(w, &at, f)) {
        return false;
    }
    host = mem_host(w->c->cpu.mem, at, &len, false);
    if (!host || len < w->size) {
        *v = mem_get(w->c->cpu.mem, at, w->size);
    } else if (w->size == 8) {
        *v = __atomic_load_n((const u64 *)host, __ATOMIC_RELAXED);
    } else {
        *v = __atomic_load_n((const u32 *)host, __ATOMIC_RELAXED);
    }
    w->step[w->steps++] = (Step) { at, *v };
    return true;
}

static void merge(Walk *w, u64 entry)
{
    w->rights = (w->rights & (entry | PTE_NX)) | (entry & PTE_NX);
}

/* Reserved bits of a PAE or 4-level entry that maps (leaf) or refers. */
static bool reserved(const Walk *w, u64 entry, u32 shift, bool leaf)
{
    const X86Cpu *c = w->c;
    u64 bad = PTE_ADDRESS & ~x86_physical_mask(c);

    bad |= nx_enabled(&w->r) ? 0 : PTE_NX;
    bad |= is_long(&w->r) ? 0 : 0x7ff0000000000000ull;
    if (leaf && shift > GUEST_PAGE_BITS) {
        bad |= MASK(shift) & ~MASK(13);         /* bit 12 is PAT */
    }
    if (shift == 39 || (shift == 30 && !x86_has(c, F_PDPE1GB))) {
        bad |= PTE_PS;
    }
    return entry & bad;
}

/* Tables of 512 entries from the one that `shift` tells apart. */
static bool walk_wide(Walk *w, u64 table, u32 shift, Fault *f)
{
    for (;; shift -= 9) {
        u64 entry;
        bool leaf;

        if (!read_entry(w, table, w->va >> shift & 511, &entry, f)) {
            return false;
        }
        leaf = shift == GUEST_PAGE_BITS || (entry & PTE_PS && shift <= 30);
        if (!(entry & PTE_P)) {
            return page_fault(w, f, 0);
        }
        if (reserved(w, entry, shift, leaf)) {
            return page_fault(w, f, PF_P | PF_RSVD);
        }
        merge(w, entry);
        if (leaf) {
            w->pa = entry & PTE_ADDRESS & ~MASK(shift);
            w->log2 = shift;
            return true;
        }
        table = entry & PTE_ADDRESS;
    }
}

/* 4 MiB pages: bits 20:13 are bits 39:32 of the address (PSE-36). */
static bool map_large(Walk *w, u64 entry, Fault *f)
{
    u64 high = bits(entry, 20, 13) << 32;

    if (entry & BIT(21) || high & ~x86_physical_mask(w->c)) {
        return page_fault(w, f, PF_P | PF_RSVD);
    }
    w->pa = (entry & 0xffc00000) | high;
    w->log2 = 22;
    return true;
}

static bool walk_narrow(Walk *w, Fault *f)
{
    u64 entry;

    w->size = 4;
    if (!read_entry(w, w->r.cr3 & 0xfffff000, w->va >> 22 & 1023, &entry, f)) {
        return false;
    }
    if (!(entry & PTE_P)) {
        return page_fault(w, f, 0);
    }
    merge(w, entry);
    if (entry & PTE_PS && w->r.cr4 & CR4_PSE) {
        return map_large(w, entry, f);
    }
    if (!read_entry(w, entry & 0xfffff000, w->va >> 12 & 1023, &entry, f)) {
        return false;
    }
    if (!(entry & PTE_P)) {
        return page_fault(w, f, 0);
    }
    merge(w, entry);
    w->pa = entry & 0xfffff000;
    w->log2 = GUEST_PAGE_BITS;
    return true;
}

/*
 * PAE's first table: the CPU holds its four entries; but nested paging reads
 * them as any others (APM 15.25.10).
 */
static bool walk_pae(Walk *w, Fault *f)
{
    u64 index = w->va >> 30 & 3, entry = w->c->pdpte[index];

    if (w->r.nested || w->r.below) {
        if (!read_entry(w, w->r.cr3 & 0xffffffe0, index, &entry, f)) {
            return false;
        }
        w->steps = 0;           /* it has no accessed bit */
        if (entry & PTE_P && entry & (~x86_physical_mask(w->c) | 0x1e6)) {
            return page_fault(w, f, PF_P | PF_RSVD);
        }
    }
    if (!(entry & PTE_P)) {
        return page_fault(w, f, 0);
    }
    return walk_wide(w, entry & PTE_ADDRESS, 21, f);
}

static bool find_leaf(Walk *w, Fault *f)
{
    w->steps = 0;
    w->size = 8;
    w->rights = PTE_W | PTE_U;
    if (is_long(&w->r)) {
        return walk_wide(w, w->r.cr3 & PTE_ADDRESS, 39, f);
    }
    if (w->r.nested && w->va >> 32) {
        return page_fault(w, f, 0);
    }
    return w->r.cr4 & CR4_PAE ? walk_pae(w, f) : walk_narrow(w, f);
}

/* ---- rights ------------------------------------------------------------- */

/* PROT_* that the rights of all levels give; not counting the dirty bit. */
static u8 rights(const Walk *w)
{
    const X86Cpu *c = w->c;
    bool open = w->rights & PTE_U, writable = w->rights & PTE_W;
    u8 exec = w->rights & PTE_NX ? 0 : PROT_X;

    if (w->user) {
        return open ? (u8)(PROT_R | (writable ? PROT_W : 0) | exec) : 0;
    }
    if (open && c->cr4 & CR4_SMEP) {
        exec = 0;
    }
    if (open && c->cpu.key & KEY_SMAP) {
        return exec;
    }
    return (u8)(PROT_R | exec | (writable || !(c->cr0 & CR0_WP) ? PROT_W : 0));
}

/* False: the entry is no longer what the walk read. */
static bool set_bits(const Walk *w, const Step *s, u64 set)
{
    MemSpace *mem = w->c->cpu.mem;
    u64 len = w->size;
    u8 *host = (s->entry & set) == set ? NULL
                                       : mem_host(mem, s->at, &len, true);
    bool ok;

    if (!host || len < w->size) {
        return true;            /* set already; or ROM, MMIO, nothing */
    }
    if (w->size == 8) {
        ok = __sync_bool_compare_and_swap((u64 *)host, s->entry,
                                          s->entry | set);
    } else {
        ok = __sync_bool_compare_and_swap((u32 *)host, (u32)s->entry,
                                          (u32)(s->entry | set));
    }
    if (ok) {
        mem_wrote(mem, s->at, w->size);
    }
    return ok;
}

static bool mark_used(const Walk *w)
{
    u64 leaf = PTE_A | (w->access == ACCESS_WRITE ? PTE_D : 0);

    for (u32 i = 0; i < w->steps; i++) {
        if (!set_bits(w, &w->step[i], i + 1 < w->steps ? PTE_A : leaf)) {
            return false;
        }
    }
    return true;
}

static bool walk(Walk *w, Page *out, Fault *f)
{
    static const u8 needed[] = {
        [ACCESS_FETCH] = PROT_X, [ACCESS_READ] = PROT_R,
        [ACCESS_WRITE] = PROT_W,
    };
    u64 leaf;
    u8 prot;

    do {
        if (!find_leaf(w, f)) {
            return false;
        }
        prot = rights(w);
        if (!(prot & needed[w->access])) {
            return page_fault(w, f, PF_P);
        }
    } while (!mark_used(w));
    leaf = w->step[w->steps - 1].entry;
    if (w->access != ACCESS_WRITE && !(leaf & PTE_D)) {
        prot &= (u8)~PROT_W;    /* the first write shall be seen */
    }
    out->pa = a20(w->c, w->pa | align_down(w->va & MASK(w->log2), GUEST_PAGE));
    out->log2 = w->c->a20 ? (u8)w->log2 : GUEST_PAGE_BITS;
    out->prot = prot;
    out->global = leaf & PTE_G && w->r.cr4 & CR4_PGE;
    return true;
}

/* What the guest thinks is physical: the size of its mapping stays. */
static bool nest(X86Cpu *c, u64 va, Access a, Page *out, Fault *f)
{
    Page p = { .pa = out->pa | (va & (GUEST_PAGE - 1)) };

    if (!nested(c, a, false, &p, f)) {
        return false;
    }
    out->pa = p.pa;
    out->prot &= p.prot;
    return true;
}

static bool translate(X86Cpu *c, u64 va, Access a, bool user, Page *out,
                      Fault *f)
{
    bool below = x86_nested(c);
    Walk w = { .c = c, .va = va, .access = a, .user = user,
               .r = { c->cr3, c->cr4, c->efer, .below = below } };

    *out = (Page) { .pa = a20(c, align_down(va, GUEST_PAGE)),
                    .log2 = GUEST_PAGE_BITS,
                    .prot = PROT_R | PROT_W | PROT_X };
    if (!(c->cr0 & CR0_PG)) {
        return !below || nest(c, va, a, out, f);
    }
    if (long_mode(c) && !canonical(va)) {
        bool stack = a != ACCESS_FETCH && c->cpu.tcg.mem_memop & M_STACK;
        f->code = (u64)(stack ? X_SS : X_GP) << 32;
        return false;
    }
    return walk(&w, out, f) && (!below || nest(c, va, a, out, f));
}

bool x86_walk(Cpu *cpu, u64 va, Access a, bool user, Page *out, Fault *f)
{
    X86Cpu *c = x86_cpu(cpu);
    bool ok;

    va = x86_clean_address(cpu, va);
    *f = (Fault) { .va = va, .access = a, .user = user };
    ok = translate(c, va, a, user || (cpu->key & KEY_CPL) == 3, out, f);
    if (log_on(LOG_MMU)) {
        log_line(LOG_MMU, "walk %d: %016llx access %d space %llx: %s %llx",
                 cpu->index, (unsigned long long)va, a,
                 (unsigned long long)cpu->space, ok ? "pa" : "fault",
                 (unsigned long long)(ok ? out->pa : f->code));
    }
    return ok;
}

/* ---- accesses that fail for other reasons ------------------------------- */

/* SSE's aligned forms give #GP, the others #AC. */
void x86_misaligned(Cpu *cpu, u64 va, Access a, Fault *f)
{
    bool vector = (cpu->tcg.mem_memop & M_SIZE) == M_128;

    *f = (Fault) { .va = va, .access = a,
                   .code = (u64)(vector ? X_GP : X_AC) << 32 };
}

/* Nobody drives the bus: data is what floats there; code is FFFF, #UD. */
bool x86_bus_error(Cpu *cpu, u64 va, u64 pa, Access a, Fault *f)
{
    (void)cpu;
    if (a != ACCESS_FETCH) {
        return false;
    }
    *f = (Fault) { .va = va, .access = a, .pa = pa,
                   .code = (u64)X_UD << 32 };
    return true;
}
