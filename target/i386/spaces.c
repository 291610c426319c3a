/* SPDX-License-Identifier: MIT */
/*
 * Numbers of address spaces, for the TLB.
 * Reference: SDM volume 3, 4.10 "Caching Translation Information"; AMD64 APM
 * volume 2, 15.16 "TLB Control".
 *
 * Numbers are drawn from a counter: a CR3 load that drops its PCID's
 * translations simply draws a new one, and what the TLB holds under the old
 * number is never found again.  Bits 61:48 are a *domain*, in which global
 * translations count: 0 is the host's, and an SVM guest's ASID has another,
 * so that neither entering a guest nor leaving it flushes anything, and to
 * flush an ASID is to draw a new domain.
 */
#include "target/i386/system.h"

#define SPACE_FLAT  BIT(63)             /* paging is off */
#define SPACE_SMM   BIT(62)
enum { DOMAIN = 48, DOMAINS = 1 << 14 };

static u64 smm_bit(const X86Cpu *c)
{
    return c->smm ? SPACE_SMM : 0;
}

/* The set in use: the host's is the first. */
static X86Spaces *current(const X86Cpu *c)
{
    return (X86Spaces *)&c->spaces[c->spaces_used];
}

u64 x86_space(const X86Cpu *c)
{
    const X86Spaces *s = current(c);

    return smm_bit(c) | (c->cr0 & CR0_PG ? s->space : SPACE_FLAT | s->domain);
}

static u64 draw(X86Cpu *c, const X86Spaces *s)
{
    return s->domain | ++c->spaces_made;
}

/* A new number for what was `old`, whose global translations stay. */
static u64 renew(X86Cpu *c, u64 old)
{
    u64 space = draw(c, current(c));

    tlb_replace_space(&c->cpu, smm_bit(c) | old, smm_bit(c) | space);
    return space;
}

/* ---- within a set ------------------------------------------------------- */

typedef __typeof__(((X86Spaces *)0)->known[0]) Known;

/* A PCID, or else the address in CR3: what a space is known by. */
static u64 tag_of(const X86Cpu *c, u64 cr3)
{
    return c->cr4 & CR4_PCIDE ? cr3 & 0xfff : cr3 & ~0xfffull;
}

/* Linux gives a process two PCIDs, which differ in bit 11 alone. */
static Known *slot_of(X86Spaces *s, u64 tag)
{
    return &s->known[(tag ^ tag >> 7 ^ tag >> 12) & (countof(s->known) - 1)];
}

static void load_known(X86Cpu *c, u64 tag, bool keep)
{
    X86Spaces *s = current(c);
    Known *k = slot_of(s, tag);

    if (!keep || k->tag != tag || !k->space) {
        k->tag = tag;
        k->space = k->space ? renew(c, k->space) : draw(c, s);
    }
    s->space = k->space;
}

/* Without PCIDs a guest's CR3 is known to VMRUN, until the guest changes it. */
void x86_load_space(X86Cpu *c, bool keep)
{
    X86Spaces *s = current(c);

    if (c->cr4 & CR4_PCIDE) {
        load_known(c, c->cr3 & 0xfff, keep);
        return;
    }
    s->space = renew(c, s->space);
    if (x86_in_guest(c)) {
        u64 tag = tag_of(c, c->cr3);
        memset(s->known, 0, sizeof s->known);
        *slot_of(s, tag) = (Known) { tag, s->space };
    }
}

void x86_forget_pcid(X86Cpu *c, u16 pcid)
{
    Known *k = slot_of(current(c), pcid);

    if (k->tag == pcid) {
        k->space = 0;
    }
    if ((c->cr3 & 0xfff) == pcid || !(c->cr4 & CR4_PCIDE)) {
        load_known(c, pcid, false);
        x86_mode_changed(c);
    }
}

void x86_invlpg(X86Cpu *c, u64 va)
{
    tlb_flush(&c->cpu, x86_clean_address(&c->cpu, va), GUEST_PAGE,
              x86_space(c), ~0ull);
}

/* ---- whole sets --------------------------------------------------------- */

void x86_new_space(X86Cpu *c)
{
    X86Spaces *s = current(c);

    memset(s->known, 0, sizeof s->known);
    s->space = draw(c, s);
}

void x86_forget_spaces(X86Cpu *c)
{
    tlb_flush(&c->cpu, 0, 0, 0, 0);
    memset(c->spaces, 0, sizeof c->spaces);
    c->spaces_used = 0;
    c->domains_made = 0;
    x86_new_space(c);
}

/* Numbers of domains come again only after all was flushed. */
static void reuse_domains(X86Cpu *c)
{
    tlb_flush(&c->cpu, 0, 0, 0, 0);
    for (u32 i = 1; i < countof(c->spaces); i++) {
        c->spaces[i].domain = 0;
    }
    c->domains_made = 1;
}

/* Nothing that the TLB holds is of the set any more. */
static void new_domain(X86Cpu *c, X86Spaces *s)
{
    if (++c->domains_made == DOMAINS) {
        reuse_domains(c);
    }
    memset(s->known, 0, sizeof s->known);
    s->domain = c->domains_made << DOMAIN;
    s->space = draw(c, s);
}

void x86_flush(X86Cpu *c)
{
    if (x86_in_guest(c)) {
        new_domain(c, current(c));
    } else {
        tlb_flush(&c->cpu, 0, 0, 0, 0);
        x86_new_space(c);
    }
}

/* The set of an ASID; the one that was not used for longest makes room. */
static X86Spaces *find_set(X86Cpu *c, u32 asid)
{
    X86Spaces *oldest = &c->spaces[1];

    for (u32 i = 1; i < countof(c->spaces); i++) {
        X86Spaces *s = &c->spaces[i];
        if (s->asid == asid && s->domain) {
            return s;
        }
        if (s->used < oldest->used) {
            oldest = s;
        }
    }
    *oldest = (X86Spaces) { .asid = asid };
    return oldest;
}

/*
 * What the key does not show of the paging modes.  Registers that a host
 * changes between two runs of a guest need not be flushed by it: then it
 * simply begins anew here.
 */
static u64 modes_of(const X86Cpu *c)
{
    enum { CR4 = CR4_PGE | CR4_PAE | CR4_PSE | CR4_PCIDE | CR4_SMEP };

    return (c->cr0 & (CR0_PE | CR0_PG | CR0_WP)) | (c->cr4 & CR4) << 32
        | (c->efer & EFER_NXE) | x86_nested(c);
}

void x86_enter_spaces(X86Cpu *c, bool flush)
{
    X86Spaces *s = find_set(c, c->svm.asid);

    if (flush || !s->domain || s->modes != modes_of(c)
        || (c->svm.np && s->n_cr3 != c->svm.n_cr3)) {
        new_domain(c, s);
    }
    s->n_cr3 = c->svm.n_cr3;
    s->used = ++c->spaces_tick;
    c->spaces_used = (u32)(s - c->spaces);
    load_known(c, tag_of(c, c->cr3), true);
}

void x86_leave_spaces(X86Cpu *c)
{
    current(c)->modes = modes_of(c);
    c->spaces_used = 0;
}

void x86_invlpga(X86Cpu *c, u64 va, u32 asid)
{
    for (u32 i = 0; i < countof(c->spaces); i++) {
        X86Spaces *s = &c->spaces[i];
        if (s->asid == asid && (s->domain || !asid)) {
            tlb_flush(&c->cpu, va, GUEST_PAGE, s->domain,
                      (u64)(DOMAINS - 1) << DOMAIN);
        }
    }
}
