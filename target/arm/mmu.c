/* SPDX-License-Identifier: MIT */
/*
 * Stage 1 translation of the EL1&0 regime.
 * Reference: Arm ARM (DDI 0487) D8 "The AArch64 Virtual Memory System
 * Architecture", D7.6 "Address translation instructions".
 *
 * 4, 16 and 64 KiB granules, up to 48 bits of address.  The contiguous hint
 * changes nothing.  Left out: stage 2, hardware update of the access flag
 * (not in Armv8.0), 52-bit addresses.
 */
#include "target/arm/cpu.h"
#include "util/log.h"

#define TCR_A1        BIT(22)
#define TCR_AS        BIT(36)
#define TCR_TBI0      BIT(37)
#define TCR_TBI1      BIT(38)

#define DESC_VALID    BIT(0)
#define DESC_TABLE    BIT(1)            /* level 3: page */
#define DESC_USER     BIT(6)            /* AP[1] */
#define DESC_RO       BIT(7)            /* AP[2] */
#define DESC_AF       BIT(10)
#define DESC_NG       BIT(11)
#define DESC_PXN      BIT(53)
#define DESC_UXN      BIT(54)
#define TABLE_PXN     BIT(59)
#define TABLE_UXN     BIT(60)
#define TABLE_NO_USER BIT(61)
#define TABLE_RO      BIT(62)

/* Numbers of address spaces: this bit and the ASID, or 0 with the MMU off. */
enum { SPACE_MMU = 1 << 16, SPACE_MASK = SPACE_MMU | 0xffff };

enum { ADDRESS_BITS = 48 };

/* One of the two ranges of addresses, as TCR_EL1 describes it. */
typedef struct Range {
    u64  ttbr;
    u32  granule;               /* log2 */
    u32  size;                  /* address bits translated */
    bool off;                   /* EPDn */
} Range;

/* What a walk found. */
typedef struct Leaf {
    u64 pa;                     /* of the mapping's first byte */
    u32 log2;
    u32 level;
    u64 desc;                   /* with the tables' attributes merged in */
    bool flat;                  /* MMU off: there is no descriptor */
} Leaf;

static bool is_high(u64 va)
{
    return va >> 55 & 1;
}

/* ---- registers ---------------------------------------------------------- */

static u32 granule_of(u64 tcr, bool high)
{
    static const u8 low_sizes[4] = { 12, 16, 14, 12 };
    static const u8 high_sizes[4] = { 12, 14, 12, 16 };

    return high ? high_sizes[bits(tcr, 31, 30)] : low_sizes[bits(tcr, 15, 14)];
}

static Range range_of(const ArmCpu *c, bool high)
{
    unsigned at = high ? 16 : 0;
    u32 tsz = (u32)bits(c->tcr, at + 5, at);

    return (Range) {
        .ttbr = high ? c->ttbr1 : c->ttbr0,
        .granule = granule_of(c->tcr, high),
        .size = 64 - MIN(MAX(tsz, 16u), 39u),   /* D8.2.4: outside is clamped */
        .off = c->tcr & BIT(at + 7),
    };
}

static u32 range_bits(u64 parange)
{
    static const u8 size[8] = { 32, 36, 40, 42, 44, 48, 48, 48 };

    return size[parange & 7];
}

/* Output address bits: TCR_EL1.IPS within what the model has. */
static u32 output_bits(const ArmCpu *c)
{
    u32 model = range_bits(c->id[7 * 8]);       /* ID_AA64MMFR0_EL1 */

    return MIN(model, range_bits(bits(c->tcr, 34, 32)));
}

static u64 asid_mask(const ArmCpu *c)
{
    return c->tcr & TCR_AS ? 0xffff : 0xff;
}

u64 arm_space(const ArmCpu *c)
{
    u64 ttbr = c->tcr & TCR_A1 ? c->ttbr1 : c->ttbr0;

    if (!(c->sctlr & SCTLR_M)) {
        return 0;
    }
    return SPACE_MMU | (ttbr >> 48 & asid_mask(c));
}

/* Takes off the tag that TCR_EL1.TBIn says to ignore. */
u64 arm_clean_address(const Cpu *cpu, u64 va)
{
    const ArmCpu *c = (const ArmCpu *)cpu;

    if (!(c->tcr & (is_high(va) ? TCR_TBI1 : TCR_TBI0))) {
        return va;
    }
    return c->sctlr & SCTLR_M ? (u64)sext(va, 56) : va & MASK(56);
}

/* ---- the walk ----------------------------------------------------------- */

static bool fault(Fault *f, u64 code)
{
    f->code = code;
    return false;
}

static bool read_desc(const ArmCpu *c, u64 pa, u64 *desc)
{
    u64 raw;

    if (!mem_read(c->cpu.mem, pa, &raw, sizeof raw)) {
        return false;
    }
    *desc = c->sctlr & SCTLR_EE ? load_be(&raw, 8) : load_le(&raw, 8);
    return true;
}

/* 4 KiB: levels 1 and 2; the others: level 2 only. */
static bool block_allowed(u32 granule, u32 level)
{
    return level == 2 || (level == 1 && granule == 12);
}

/* Attributes of table descriptors bear on all below. */
static u64 merge_table(u64 attrs, u64 desc)
{
    return attrs | (desc & TABLE_PXN ? DESC_PXN : 0)
        | (desc & TABLE_UXN ? DESC_UXN : 0)
        | (desc & (TABLE_NO_USER | TABLE_RO));
}

/* Ends because the level grows and level 3 has no tables. */
static bool walk_tables(const ArmCpu *c, u64 va, const Range *r, Leaf *leaf,
                        Fault *f)
{
    u32 stride = r->granule - 3, out = output_bits(c);
    u32 level = 3 - (r->size - r->granule - 1) / stride;
    u32 shift = r->granule + stride * (3 - level);
    u32 index_bits = r->size - shift;
    u64 base = r->ttbr & MASK(ADDRESS_BITS) & ~MASK(index_bits + 3);
    u64 attrs = 0, desc;

    if (base >> out) {
        return fault(f, FSC_SIZE);
    }
    for (;; level++, shift -= stride, index_bits = stride) {
        if (!read_desc(c, base + (va >> shift & MASK(index_bits)) * 8, &desc)) {
            return fault(f, FSC_EXTERNAL_WALK | level);
        }
        bool table = desc & DESC_TABLE && level < 3;
        bool last = desc & DESC_TABLE ? level == 3
                                      : block_allowed(r->granule, level);
        if (!(desc & DESC_VALID) || !(table || last)) {
            return fault(f, FSC_TRANSLATION | level);
        }
        base = desc & MASK(ADDRESS_BITS) & ~MASK(table ? r->granule : shift);
        if (base >> out) {
            return fault(f, FSC_SIZE | level);
        }
        if (last) {
            break;
        }
        attrs = merge_table(attrs, desc);
    }
    *leaf = (Leaf) { base, shift, level, desc, false };
    leaf->desc = (desc & ~(TABLE_NO_USER | TABLE_RO)) | attrs;
    return true;
}

/* All address bits above the range must be the same, but for the tag. */
static bool in_range(const ArmCpu *c, u64 va, const Range *r)
{
    u64 clean = arm_clean_address(&c->cpu, va);

    return (i64)clean >> r->size == (is_high(va) ? -1 : 0);
}

static bool find_leaf(const ArmCpu *c, u64 va, Leaf *leaf, Fault *f)
{
    if (!(c->sctlr & SCTLR_M)) {
        u64 pa = arm_clean_address(&c->cpu, va);
        *leaf = (Leaf) { .pa = align_down(pa, GUEST_PAGE),
                         .log2 = GUEST_PAGE_BITS, .flat = true };
        return pa >> range_bits(c->id[7 * 8]) == 0 || fault(f, FSC_SIZE);
    }
    Range r = range_of(c, is_high(va));
    if (r.off || !in_range(c, va, &r)) {
        return fault(f, FSC_TRANSLATION);
    }
    if (!walk_tables(c, va, &r, leaf, f)) {
        return false;
    }
    return leaf->desc & DESC_AF || fault(f, FSC_ACCESS | leaf->level);
}

/* ---- rights ------------------------------------------------------------- */

/* PROT_* of a descriptor for EL0 (user) or EL1. */
static u8 rights(const ArmCpu *c, u64 desc, bool user)
{
    bool el0 = desc & DESC_USER && !(desc & TABLE_NO_USER);
    bool writable = !(desc & (DESC_RO | TABLE_RO));
    u8 prot = 0;

    if (!user || el0) {
        prot |= PROT_R | (writable ? PROT_W : 0);
    }
    /* What EL0 may write, EL1 does not execute. */
    bool never = user ? desc & DESC_UXN
                      : (desc & DESC_PXN || (el0 && writable));
    if (!never && !(c->sctlr & SCTLR_WXN && prot & PROT_W)) {
        prot |= PROT_X;
    }
    return prot;
}

static u8 memory_type(const ArmCpu *c, u64 desc)
{
    return (u8)(c->mair >> 8 * bits(desc, 4, 2));
}

/* The access is in *f, which tells of its failure too. */
static bool walk(const ArmCpu *c, bool user, Leaf *leaf, Page *out, Fault *f)
{
    static const u8 needed[] = {
        [ACCESS_FETCH] = PROT_X, [ACCESS_READ] = PROT_R,
        [ACCESS_WRITE] = PROT_W,
    };

    if (!find_leaf(c, f->va, leaf, f)) {
        return false;
    }
    *out = (Page) {
        .pa = leaf->pa | align_down(f->va & MASK(leaf->log2), GUEST_PAGE),
        .log2 = (u8)leaf->log2, .prot = PROT_R | PROT_W | PROT_X,
    };
    if (leaf->flat) {
        return true;
    }
    out->prot = rights(c, leaf->desc, user);
    out->global = !(leaf->desc & DESC_NG);
    out->device = !(memory_type(c, leaf->desc) & 0xf0);
    return out->prot & needed[f->access]
        || fault(f, FSC_PERMISSION | leaf->level);
}

bool arm_walk(Cpu *cpu, u64 va, Access a, bool user, Page *out, Fault *f)
{
    ArmCpu *c = arm_cpu(cpu);
    Leaf leaf;
    bool ok;

    *f = (Fault) { .va = va, .access = a, .user = user };
    ok = walk(c, user || c->el == 0, &leaf, out, f);
    if (log_on(LOG_MMU)) {
        log_line(LOG_MMU, "walk %d: %016llx access %d space %llx: %s %llx",
                 cpu->index, (unsigned long long)va, a,
                 (unsigned long long)cpu->space, ok ? "pa" : "fault",
                 (unsigned long long)(ok ? out->pa : f->code));
    }
    return ok;
}

void arm_misaligned(Cpu *c, u64 va, Access a, Fault *f)
{
    (void)c;
    *f = (Fault) { .va = va, .code = FSC_ALIGNMENT, .access = a };
}

bool arm_bus_error(Cpu *c, u64 va, u64 pa, Access a, Fault *f)
{
    log_line(LOG_GUEST, "CPU %d: nothing at physical address %#llx "
             "(pc %#llx)", c->index, (unsigned long long)pa,
             (unsigned long long)c->tcg.pc);
    *f = (Fault) { .va = va, .code = FSC_EXTERNAL, .access = a, .pa = pa };
    return true;
}

/* ---- AT and TLBI -------------------------------------------------------- */

void arm_at(ArmCpu *c, u64 va, bool write, bool user)
{
    Fault f = { .va = va, .access = write ? ACCESS_WRITE : ACCESS_READ };
    Leaf leaf;
    Page page;

    if (!walk(c, user, &leaf, &page, &f)) {
        c->par = 1 | (f.code & 63) << 1 | BIT(11);
        return;
    }
    u64 attr = leaf.flat ? 0 : memory_type(c, leaf.desc);
    /* Device and non-cacheable memory is outer shareable, whatever SH. */
    u64 sh = attr & 0xf0 && attr != 0x44 ? bits(leaf.desc, 9, 8) : 2;
    c->par = attr << 56 | page.pa | BIT(11) | sh << 7;
}

void arm_tlbi(ArmCpu *c, TlbiKind kind, bool everywhere, u64 arg)
{
    u64 match = SPACE_MMU | (arg >> 48 & asid_mask(c)), mask = SPACE_MASK;
    u64 va = 0, len = 0;

    if (kind == TLBI_ALL || kind == TLBI_VA_ALL_ASIDS) {
        match = mask = 0;
    }
    if (kind == TLBI_VA || kind == TLBI_VA_ALL_ASIDS) {
        va = (u64)sext(arg << 12, 56);
        len = BIT(granule_of(c->tcr, is_high(va)));
        va = align_down(va, len);
    }
    if (everywhere) {
        tlb_flush_all(&c->cpu, va, len, match, mask);
    } else {
        tlb_flush(&c->cpu, va, len, match, mask);
    }
}
