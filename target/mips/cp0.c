/* SPDX-License-Identifier: MIT */
/*
 * The registers of CP0.  Reference: PRA, chapter 9 "Coprocessor 0 Registers".
 *
 * One table says what there is.  What a model does not have reads as zero and
 * ignores writes, as does what no row names.
 */
#include "softmmu/machine.h"
#include "target/mips/cp0.h"

static void write_index(MipsCpu *c, u64 v)
{
    c->index = v;
    c->probed = false;
}

static u64 read_random(MipsCpu *c)
{
    return mips_random(c);
}

static void write_wired(MipsCpu *c, u64 v)
{
    c->wired = v;
    c->random = c->tlb_size - 1u;
}

/* Pairs of ones from the bottom up; what is none becomes the next smaller. */
static void write_pagemask(MipsCpu *c, u64 v)
{
    enum { SMALLEST = 13 };
    u64 mask = 0;

    for (u32 at = SMALLEST; (v >> at & 3) == 3; at += 2) {
        mask |= 3ull << at;
    }
    c->pagemask = mask;
}

static void write_hwrena(MipsCpu *c, u64 v)
{
    c->hwrena = v;
    mips_mode_changed(c);
}

static u64 read_count(MipsCpu *c)
{
    return mips_count(c);
}

static void write_count(MipsCpu *c, u64 v)
{
    mips_set_count(c, (u32)v);
}

static void write_compare(MipsCpu *c, u64 v)
{
    mips_set_compare(c, (u32)v);
}

static void write_entryhi(MipsCpu *c, u64 v)
{
    bool moved = (c->entryhi ^ v) & c->asid_mask;

    c->entryhi = v;
    if (moved) {
        mips_mode_changed(c);
    }
}

void mips_set_status(MipsCpu *c, u64 v)
{
    if ((v & ST_KSU) == ST_KSU) {
        v = (v & ~(u64)ST_KSU) | (c->status & ST_KSU);      /* reserved */
    }
    c->status = v;
    mips_mode_changed(c);
    mips_check_lines(c);
}

static void write_config5(MipsCpu *c, u64 v)
{
    c->config[5] = v;
    mips_mode_changed(c);
}

static u64 read_cause(MipsCpu *c)
{
    return mips_cause(c);
}

static void write_cause(MipsCpu *c, u64 v)
{
    bool stopped = (c->cause ^ v) & CAUSE_DC;

    c->cause = v;
    if (stopped) {
        mips_stop_count(c, v & CAUSE_DC);
    }
    mips_check_lines(c);
}

#define AT(f)       .at = offsetof(MipsCpu, f)
#define MODEL(f)    .rw_at = offsetof(MipsCpu, rw.f)
#define ALL         ~0ull

const Cp0Reg mips_cp0_regs[] = {
    { 0, 0, "Index", AT(index), S_INDEX, MODEL(index), .write = write_index },
    { 1, 0, "Random", AT(random), .read = read_random },
    { 2, 0, "EntryLo0", AT(entrylo[0]), S_ENTRYLO0, MODEL(entrylo) },
    { 3, 0, "EntryLo1", AT(entrylo[1]), S_ENTRYLO1, MODEL(entrylo) },
    { 4, 0, "Context", AT(context), S_CONTEXT, .rw = ~MASK(23) },
    { 4, 2, "UserLocal", AT(userlocal), S_USERLOCAL, FEAT_R2, ALL },
    { 5, 0, "PageMask", AT(pagemask), S_PAGEMASK, MODEL(pagemask), .write = write_pagemask },
    { 5, 1, "PageGrain", AT(pagegrain), .needs = FEAT_R2, MODEL(pagegrain), .narrow = true },
    { 6, 0, "Wired", AT(wired), MODEL(wired), .write = write_wired },
    { 7, 0, "HWREna", AT(hwrena), .needs = FEAT_R2, MODEL(hwrena), .write = write_hwrena },
    { 8, 0, "BadVAddr", AT(badvaddr), S_BADVADDR },
    { 8, 1, "BadInstr", AT(badinstr[0]), .narrow = true },
    { 8, 2, "BadInstrP", AT(badinstr[1]), .narrow = true },
    { 9, 0, "Count", AT(count), .rw = ALL, .read = read_count, .write = write_count,
      .narrow = true },
    { 10, 0, "EntryHi", AT(entryhi), S_ENTRYHI, MODEL(entryhi), .write = write_entryhi },
    { 11, 0, "Compare", AT(compare), .rw = ALL, .write = write_compare, .narrow = true },
    { 12, 0, "Status", AT(status), S_STATUS, MODEL(status), .write = mips_set_status,
      .narrow = true },
    { 12, 1, "IntCtl", AT(intctl), .needs = FEAT_R2, .rw = 0x3e0, .narrow = true },
    { 12, 2, "SRSCtl", AT(srsctl), .needs = FEAT_R2 },
    { 12, 3, "SRSMap", AT(srsmap), .needs = FEAT_R2 },
    { 13, 0, "Cause", AT(cause), .rw = CAUSE_IP01, MODEL(cause), .read = read_cause,
      .write = write_cause, .narrow = true },
    { 14, 0, "EPC", AT(epc), S_EPC, .rw = ALL },
    { 15, 0, "PRId", AT(prid), .narrow = true },
    { 15, 1, "EBase", AT(ebase), .needs = FEAT_R2, MODEL(ebase), .narrow = true },
    { 16, 0, "Config", AT(config[0]), .rw = 7, .narrow = true },
    { 16, 1, "Config1", AT(config[1]), .narrow = true },
    { 16, 2, "Config2", AT(config[2]), .narrow = true },
    { 16, 3, "Config3", AT(config[3]), MODEL(config[3]), .narrow = true },
    { 16, 4, "Config4", AT(config[4]), MODEL(config[4]), .narrow = true },
    { 16, 5, "Config5", AT(config[5]), MODEL(config[5]), .write = write_config5,
      .narrow = true },
    { 16, 6, "Config6", AT(config[6]), MODEL(config[6]), .narrow = true },
    { 16, 7, "Config7", AT(config[7]), MODEL(config[7]), .narrow = true },
    { 17, 0, "LLAddr", AT(lladdr) },
    { 20, 0, "XContext", AT(xcontext), S_XCONTEXT, FEAT_64, MODEL(xcontext) },
    { 26, 0, "ErrCtl", AT(errctl), .rw = 0x30000000, .narrow = true },
    { 27, 0, "CacheErr", AT(cacheerr) },
    { 28, 0, "TagLo", AT(taglo[0]), .rw = 0xffffffff, .narrow = true },
    { 28, 1, "DataLo", AT(taglo[1]), .narrow = true },
    { 28, 2, "DTagLo", AT(taglo[2]), .rw = 0xffffffff, .narrow = true },
    { 28, 3, "DDataLo", AT(taglo[3]), .narrow = true },
    { 29, 0, "TagHi", AT(taghi[0]), .rw = 0xffffffff, .narrow = true },
    { 29, 1, "DataHi", AT(taghi[1]), .narrow = true },
    { 29, 2, "DTagHi", AT(taghi[2]), .rw = 0xffffffff, .narrow = true },
    { 29, 3, "DDataHi", AT(taghi[3]), .narrow = true },
    { 30, 0, "ErrorEPC", AT(errorepc), S_ERROREPC, .rw = ALL },
    { 31, 0, "DESAVE", AT(desave), .rw = ALL },
    { 31, 2, "KScratch1", AT(kscratch[0]), S_KSCRATCH + 0, .rw = ALL },
    { 31, 3, "KScratch2", AT(kscratch[1]), S_KSCRATCH + 1, .rw = ALL },
    { 31, 4, "KScratch3", AT(kscratch[2]), S_KSCRATCH + 2, .rw = ALL },
    { 31, 5, "KScratch4", AT(kscratch[3]), S_KSCRATCH + 3, .rw = ALL },
    { 31, 6, "KScratch5", AT(kscratch[4]), S_KSCRATCH + 4, .rw = ALL },
    { 31, 7, "KScratch6", AT(kscratch[5]), S_KSCRATCH + 5, .rw = ALL },
    { 0 }
};

/*
 * Optional ones that a Config field tells of: UserLocal by Config3.ULRI,
 * BadInstr and BadInstrP by its BI and BP, KScratch by Config4.KScrExist,
 * Configs by the M bit of the one before.
 */
static bool told_of(const MipsCpu *c, u32 reg, u32 sel)
{
    enum { ULRI = 1 << 13, BI = 26, KSCR = 16 };

    switch (reg) {
    case 4:
        return !sel || c->config[3] & ULRI;
    case 8:
        return !sel || c->config[3] >> (BI + sel - 1) & 1;
    case 16:
        return !sel || c->config[sel - 1] >> 31;
    case 31:
        return !sel || c->config[4] >> (KSCR + sel) & 1;
    }
    return true;
}

const Cp0Reg *mips_cp0_find(const MipsCpu *c, u32 reg, u32 sel)
{
    for (const Cp0Reg *r = mips_cp0_regs; r->name; r++) {
        if (r->reg == reg && r->sel == sel) {
            bool there = (c->features & r->needs) == r->needs;
            return there && told_of(c, reg, sel) ? r : NULL;
        }
    }
    return NULL;
}

static u64 *stored(MipsCpu *c, const Cp0Reg *r)
{
    return (u64 *)((u8 *)c + r->at);
}

u64 mips_cp0_mask(const MipsCpu *c, const Cp0Reg *r)
{
    u64 mask = r->rw;

    if (r->rw_at) {
        mask |= *(const u64 *)((const u8 *)c + r->rw_at);
    }
    return mask;
}

u64 mips_cp0_read(MipsCpu *c, const Cp0Reg *r)
{
    return r->read ? r->read(c) : *stored(c, r);
}

void mips_cp0_write(MipsCpu *c, const Cp0Reg *r, u64 v)
{
    u64 mask = mips_cp0_mask(c, r);
    u64 old = r->read ? r->read(c) : *stored(c, r);

    if (!is_wide(c) || r->narrow) {
        mask = (u32)mask;
    }
    v = (v & mask) | (old & ~mask);
    if (r->write) {
        r->write(c, v);
    } else {
        *stored(c, r) = v;
    }
}

void mips_cp0_dump(MipsCpu *c, FILE *f)
{
    u32 n = 0;

    for (const Cp0Reg *r = mips_cp0_regs; r->name; r++) {
        if (mips_cp0_find(c, r->reg, r->sel)) {
            fprintf(f, "%9s=%0*llx%s", r->name, is_wide(c) ? 16 : 8,
                    (unsigned long long)mips_cp0_read(c, r),
                    ++n % 4 ? " " : "\n");
        }
    }
    fprintf(f, "%s", n % 4 ? "\n" : "");
}
