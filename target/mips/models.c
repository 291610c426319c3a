/* SPDX-License-Identifier: MIT */
/*
 * CPU models: what their Config registers say, and what follows from that.
 * Reference: PRA, chapter 9, "Configuration Register" and on; the software
 * user's manuals of the 4K, 5K, 20Kc, 24K, 34K, 74K, P5600 and I6400 families.
 *
 * The rows have what the chips have; what is not emulated is then taken from
 * the registers (the `absent` masks), so that software does not look for it.
 */
#include <glib.h>
#include "target/mips/cpu.h"

typedef struct Model {
    const char *name;
    u64 prid;
    u32 config[8];
    u32 status;                 /* writable bits */
    u32 fir;                    /* 0: there is no FPU */
    u32 fcsr, fcsr_rw;          /* at reset, and what can be written */
    u8  segbits, pabits;
    u32 features;               /* what no Config register tells */
    u32 msair;
} Model;

enum {
    ST_32 = 0x1278ff1f, ST_32F = 0x3678ff1f, ST_32D = 0x3778ff1f,
    ST_64 = 0x12f8ffff, ST_64F = 0x36f8ffff,
    FCSR_RW = 0xff83ffff, FCSR6_RW = 0x0103ffff,
};

static const Model models[] = {
    { "24Kf", 0x19300, { 0x80000482, 0x9e190c8f, 0x80000000 }, ST_32F, 0x739300, 0,
      FCSR_RW, 32, 32, 0, 0 },
    { "4Kc", 0x18000, { 0x80000082, 0x9e190c8a, 0x80000000 }, ST_32, 0, 0, 0, 32, 32, 0, 0 },
    { "4KEcR1", 0x18400, { 0x80000082, 0x9e190c8a, 0x80000000 }, ST_32, 0, 0, 0, 32, 32, 0, 0 },
    { "4KEc", 0x19000, { 0x80000482, 0x9e190c8a, 0x80000000 }, ST_32, 0, 0, 0, 32, 32, 0, 0 },
    { "24Kc", 0x19300, { 0x80000482, 0x9e190c8e, 0x80000000 }, ST_32, 0, 0, 0, 32, 32, 0, 0 },
    { "24KEc", 0x19600, { 0x80000482, 0x9e190c8e, 0x80000000, 0x00000400 }, ST_32 | ST_MX, 0, 0,
      0, 32, 32, 0, 0 },
    { "34Kf", 0x19500, { 0x80000482, 0xfe190c8f, 0x80000000, 0x00000424 }, ST_32D, 0x739500, 0,
      FCSR_RW, 32, 32, 0, 0 },
    { "74Kf", 0x19700, { 0x80000482, 0x9e190c8f, 0x80000000, 0x00000c20 }, ST_32D, 0x739300, 0,
      FCSR_RW, 32, 32, 0, 0 },
    { "M14Kc", 0x19c00, { 0x80000482, 0x9e190c8a, 0x80000000, 0x00008000 }, ST_32, 0, 0, 0, 32, 32,
      0, 0 },
    { "P5600", 0x1a800, { 0x80040482, 0xfea3519b, 0x80000000, 0xbf0030a0, 0xc01c0000, 0x10000038 },
      0x3c68ff1f, 0x30f30300, 0x000c0000, FCSR_RW, 32, 32, FEAT_R5, 0 },
    { "mips32r6-generic", 0x10000,
      { 0x80000882, 0xbea3518b, 0x80000000, 0x8c00b000, 0xe0fc0000, 0x00002010 }, 0x3040ff1f,
      0x20f30000, 0x000c0000, FCSR6_RW, 32, 32, FEAT_R5, 0 },
    { "MIPS64R2-generic", 0x10000, { 0x80004482, 0xfea3519b, 0x80000000, 0x00000080 }, 0x36fbffff,
      0x7f0000, 0, FCSR_RW, 42, 36, FEAT_PS, 0 },
    { "5Kc", 0x18100, { 0x80004082, 0xbe61309a, 0x80000000 }, ST_64, 0, 0, 0, 42, 36, 0, 0 },
    { "5Kf", 0x18100, { 0x80004082, 0xbe61309b, 0x80000000 }, ST_64F, 0x038100, 0,
      FCSR_RW, 42, 36, 0, 0 },
    { "5KEc", 0x18900, { 0x80004482, 0xbe61309a, 0x80000000 }, ST_64, 0, 0, 0, 42, 36, 0, 0 },
    { "5KEf", 0x18900, { 0x80004482, 0xbe61309b, 0x80000000 }, ST_64F, 0x738900, 0,
      FCSR_RW, 42, 36, 0, 0 },
    { "20Kc", 0x182a0, { 0x8000408a, 0xdea3519b, 0x80000000 }, ST_64F, 0x0f8200, 0,
      FCSR_RW, 40, 36, FEAT_PS, 0 },
    { "I6400", 0x1a900, { 0x80004882, 0x9eab558b, 0x80000000, 0xbc0030a0, 0xf0fc0000, 0x00002098 },
      0x30c0ffff, 0x20f30300, 0x000c0000, FCSR6_RW, 48, 48, FEAT_R5, 0x300 },
    { "I6500", 0x1b000, { 0x80004882, 0x9eab558b, 0x80000000, 0xbc0030a0, 0xf0fc0000, 0x00002098 },
      0x30c0ffff, 0x20f30300, 0x000c0000, FCSR6_RW, 48, 48, FEAT_R5, 0x300 },
    { "Loongson-3A1000", 0x6305, { 0x80004482, 0xfee3719b, 0x80000743, 0x00000080 }, 0x74d8ffff,
      0x770501, 0, FCSR_RW, 48, 48, FEAT_PS, 0 },
    { "Loongson-3A4000", 0x14c000,
      { 0x80004482, 0xfeab559b, 0x8000055f, 0x9c0030a0, 0xd01c0000, 0x00040001, 0x6143 },
      0x7ddbffff, 0x770501, 0, FCSR_RW, 48, 48, FEAT_R5, 0x140 },
};

#define NAMES32 "24Kf", "4Kc", "4KEcR1", "4KEc", "24Kc", "24KEc", "34Kf", \
    "74Kf", "M14Kc", "P5600", "mips32r6-generic"
const char *const mips_models32[] = { NAMES32, NULL };
const char *const mips_models64[] = {
    "MIPS64R2-generic", "5Kc", "5Kf", "5KEc", "5KEf", "20Kc", "I6400", "I6500",
    "Loongson-3A1000", "Loongson-3A4000", NAMES32, NULL
};

/* ---- what Config registers say ------------------------------------------ */

/*
 * Not emulated.  Config1: performance counters, watch registers.
 * Config3: the multi-threading extension, large physical addresses of 32-bit
 * CPUs, microMIPS, page table walker, segment control, and the coherence
 * manager's registers, which a board has to have.
 */
static const u32 absent[8] = {
    [1] = 1 << 4 | 1 << 3,
    [3] = 1 << 2 | 1 << 7 | 3 << 14 | 1 << 24 | 1 << 25 | 1 << 29,
};

enum { FIR_3D = 1 << 19 };      /* not emulated either */

enum { CONFIG5_MSAEN = 1 << 27, CONFIG_BE = 1 << 15, CONFIG1_FP = 1,
       CONFIG1_CA = 1 << 2,
       CONFIG3_DSPP = 1 << 10, CONFIG3_DSP2P = 1 << 11, CONFIG3_RXI = 1 << 12,
       CONFIG3_ULRI = 1 << 13, CONFIG3_MSAP = 1 << 28 };

static u32 features_of(const Model *m)
{
    u64 config = m->config[0];
    u32 level = (u32)bits(config, 12, 10);      /* AR: release 1, 2 or 6 */
    u32 f = m->features | (level >= 1 ? FEAT_R2 : 0)
        | (level >= 2 ? FEAT_R6 : FEAT_PRE6) | (m->fir ? FEAT_FPU : 0)
        | (m->config[3] & CONFIG3_DSPP ? FEAT_DSP : 0)
        | (m->config[3] & CONFIG3_DSP2P ? FEAT_DSP2 : 0)
        | (m->config[3] & CONFIG3_MSAP ? FEAT_MSA : 0)
        | (m->config[1] & CONFIG1_CA ? FEAT_CA : 0);

    f |= f & (FEAT_R6 | FEAT_MSA) ? FEAT_LSA : 0;

    if (bits(config, 14, 13)) {                 /* AT: MIPS64 */
        f |= FEAT_64 | (f & FEAT_R2 ? FEAT_64R2 : 0)
            | (f & FEAT_PRE6 ? FEAT_64PRE6 : 0)
            | (f & FEAT_LSA ? FEAT_LSA64 : 0);
    }
    if (m->fir >> 22 & 1 || (m->fir && f & FEAT_64)) {      /* FIR.F64 */
        f |= FEAT_FP64 | (f & FEAT_PRE6 ? FEAT_FP64X : 0);
    }
    return f;
}

static void set_config(MipsCpu *c, const Model *m)
{
    for (u32 i = 0; i < countof(m->config); i++) {
        c->config_reset[i] = m->config[i] & ~absent[i];
    }
    c->config_reset[0] |= c->big_endian ? CONFIG_BE : 0;
}

static void set_masks(MipsCpu *c, const Model *m)
{
    enum { AE = 1 << 28, IE = 3 << 29, ASID = 0xff, ASID10 = 0x3ff };
    bool rxi = c->config_reset[3] & CONFIG3_RXI;
    u32 seg = m->segbits;

    c->asid_mask = c->config_reset[4] & AE ? ASID10 : ASID;
    c->rw = (MipsMasks) {
        .index = (1u << (32 - __builtin_clz(c->tlb_size - 1u))) - 1,
        .wired = (1u << (32 - __builtin_clz(c->tlb_size - 1u))) - 1,
        .status = m->status,
        .cause = CAUSE_IV | CAUSE_WP | (c->features & FEAT_R2 ? CAUSE_DC : 0),
        .entryhi = (is_wide(c) ? (MASK(seg) | 3ull << 62) : MASK(32))
            & ~MASK(13),
        .pagemask = 0x1fffe000,
        .pagegrain = rxi ? GRAIN_RIE | GRAIN_XIE | GRAIN_IEC : 0,
        .hwrena = c->config_reset[3] & CONFIG3_ULRI ? 0x2000000f : 0xf,
        .ebase = c->features & FEAT_R5 ? 0x3ffff800 | 0xc0000000 : 0x3ffff000,
        .xcontext = ~MASK(seg - 7),
    };
    c->rw.config[5] = c->features & FEAT_MSA ? CONFIG5_MSAEN : 0;
    c->rw.entryhi |= c->asid_mask;
    c->rw.entryhi |= c->config_reset[4] & IE ? ENTRYHI_EHINV : 0;
    if (is_wide(c)) {
        c->rw.entrylo = MASK(m->pabits - 6) | (rxi ? 3ull << 62 : 0);
    } else {
        c->rw.entrylo = MASK(m->pabits - 6) | (rxi ? 3ull << 30 : 0);
    }
}

static void set_model(MipsCpu *c, const Model *m)
{
    c->big_endian = c->cpu.target->big_endian;
    c->prid = m->prid;
    c->features = features_of(m);
    c->fcr0 = m->fir & ~(u64)FIR_3D;
    c->msair = m->msair;
    c->fcsr_reset = m->fcsr;
    c->fcsr_mask = m->fcsr_rw;
    c->segbits = m->segbits;
    c->pabits = m->pabits;
    c->tlb_size = (u8)(bits(m->config[1], 30, 25) + 1);
    set_config(c, m);
    set_masks(c, m);
}

/* ---- what a user asks --------------------------------------------------- */

static const Model *find_model(const MipsCpu *c, const char *name, Err *err)
{
    const char *const *names = c->cpu.target->models;
    u32 n = 0;

    for (; names[n]; n++) {
        if (g_ascii_strcasecmp(names[n], name) == 0) {
            break;
        }
    }
    for (u32 i = 0; names[n] && i < countof(models); i++) {
        if (strcmp(models[i].name, names[n]) == 0) {
            return &models[i];
        }
    }
    const char *near = nearest_word(name, names, n);
    g_autofree char *all = g_strjoinv(", ", (char **)names);
    fail(err, "no CPU model \"%s\" for %s%s%s%s; there are %s", name,
         c->cpu.target->name, near ? ": did you mean " : "",
         near ? near : "", near ? "?" : "", all);
    return NULL;
}

/* "clock=HZ", which boards give: Count runs at half of it. */
static bool set_prop(MipsCpu *c, const char *prop, Err *err)
{
    g_auto(GStrv) kv = g_strsplit(prop, "=", 2);
    u64 hz;

    if (strcmp(kv[0], "clock") != 0) {
        return fail(err, "no CPU property \"%s\"; there is clock=HZ", kv[0]);
    }
    if (!kv[1] || !g_ascii_string_to_unsigned(kv[1], 10, 1000000, 4000000000ull,
                                              &hz, NULL)) {
        return fail(err, "clock= is the CPU's clock in Hz, 1000000 to "
                    "4000000000, not \"%s\"", kv[1] ? kv[1] : "");
    }
    c->count_hz = (u32)(hz / 2);
    return true;
}

bool mips_set_model(MipsCpu *c, const char *model, const char *props, Err *err)
{
    enum { DEFAULT_HZ = 100 * 1000 * 1000 };
    const Model *m = find_model(c, model, err);
    g_auto(GStrv) prop = g_strsplit(props ? props : "", ",", -1);

    if (!m) {
        return false;
    }
    set_model(c, m);
    c->count_hz = DEFAULT_HZ;
    for (char **p = prop; *p; p++) {
        if (**p && !set_prop(c, *p, err)) {
            return false;
        }
    }
    return true;
}
