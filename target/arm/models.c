/* SPDX-License-Identifier: MIT */
/*
 * CPU models: identification, caches, features.
 * Reference: the technical reference manuals of Cortex-A53 (DDI 0500, r0p4),
 * Cortex-A57 (DDI 0488, r1p0), Cortex-A72 (100095, r0p3); Arm ARM (DDI 0487)
 * D17.2 for the fields.
 *
 * ID registers tell what is emulated, not what the chip had: no AArch32, EL2,
 * EL3, event counters.
 */
#include <glib.h>
#include "softmmu/machine.h"
#include "target/arm/sysreg.h"

/* ID registers, as indices of ArmCpu.id: CRm * 8 + op2. */
enum {
    ID_PFR0 = 4 * 8, ID_DFR0 = 5 * 8, ID_ISAR0 = 6 * 8, ID_MMFR0 = 7 * 8,
};

#define CORTEX_FEATURES                                                     \
    (FEAT_AES | FEAT_PMULL | FEAT_SHA1 | FEAT_SHA256 | FEAT_CRC32 | FEAT_PMU)

typedef struct Model {
    const char *name;
    u32 features;
    u64 midr, ctr, clidr;
    u64 ccsidr[3];              /* L1 data, L1 instruction, L2 */
    u64 mmfr0;
    u64 pfr0;                   /* beyond EL0 and EL1 in AArch64 */
    u32 pmu;                    /* PMCR_EL0.IMP and IDCODE */
} Model;

static const Model models[] = {
    { "cortex-a57", CORTEX_FEATURES, 0x411fd070, 0x8444c004, 0x0a200023,
      { 0x701fe00a, 0x201fe012, 0x70ffe07a }, 0x1124, 0, 0x4101 },
    { "cortex-a53", CORTEX_FEATURES, 0x410fd034, 0x84448004, 0x0a200023,
      { 0x700fe01a, 0x201fe00a, 0x707fe07a }, 0x1122, 0, 0x4103 },
    { "cortex-a72", CORTEX_FEATURES, 0x410fd083, 0x8444c004, 0x0a200023,
      { 0x701fe00a, 0x201fe012, 0x707fe07a }, 0x1124, 0, 0x4102 },
    /*
     * No chip's: implementer 0 is for software.  16 KiB pages, 48 bits of
     * physical address; CSV2, CSV3: nothing here speculates; CTR.IDC, DIC: no
     * cache needs maintenance.
     */
    { "max", CORTEX_FEATURES | FEAT_LSE | FEAT_RDM,
      0x000f0510, 0xb444c004, 0x0a200023,
      { 0x701fe00a, 0x201fe012, 0x70ffe07a }, 0x101125, 0x11ull << 56, 0x0001 },
};

const char *const arm_models[] = {
    "cortex-a57", "cortex-a53", "cortex-a72", "max", "host", NULL
};
_Static_assert(countof(arm_models) == countof(models) + 2, "a name each");

typedef struct Feature {
    const char *name;
    u32 bit;
    u32 needs;                  /* on with it; off without it */
} Feature;

static const Feature features[] = {
    { "aes", FEAT_AES, 0 }, { "pmull", FEAT_PMULL, FEAT_AES },
    { "sha1", FEAT_SHA1, 0 }, { "sha2", FEAT_SHA256, FEAT_SHA1 },
    { "crc32", FEAT_CRC32, 0 }, { "lse", FEAT_LSE, 0 },
    { "rdm", FEAT_RDM, 0 }, { "pmu", FEAT_PMU, 0 }, { "dpb", FEAT_DPB, 0 },
};

bool arm_feature(const Cpu *c, u32 n, const char **name, bool *on)
{
    if (n >= countof(features)) {
        return false;
    }
    *name = features[n].name;
    *on = (((const ArmCpu *)c)->features & features[n].bit) != 0;
    return true;
}

/*
 * Words of other command lines for what is fixed here: taken if they ask for
 * what is so anyway.
 */
typedef struct Fixed {
    const char *name;
    bool on;
} Fixed;

static const Fixed fixed[] = {
    { "aarch64", true }, { "neon", true }, { "vfp", true }, { "sve", false },
    { "sme", false }, { "pauth", false }, { "lpa2", false },
    { "has_el2", false }, { "has_el3", false },
};

/* ---- ID registers follow the features ----------------------------------- */

static u64 field(const ArmCpu *c, u32 feature, u64 value, int at)
{
    return c->features & feature ? value << at : 0;
}

static u64 aes_field(const ArmCpu *c)
{
    return field(c, FEAT_PMULL, 2, 4) ? 2 << 4 : field(c, FEAT_AES, 1, 4);
}

static void set_ids(ArmCpu *c, const Model *m)
{
    enum { DEBUG_V8 = 6 };

    c->id[ID_PFR0] = 0x11 | m->pfr0;
    c->id[ID_DFR0] = DEBUG_V8 | field(c, FEAT_PMU, 1, 8)
        | (ARM_BREAKPOINTS - 1) << 12 | (ARM_WATCHPOINTS - 1) << 20
        | (u64)(ARM_CONTEXTS - 1) << 28;
    c->id[ID_ISAR0] = aes_field(c) | field(c, FEAT_SHA1, 1, 8)
        | field(c, FEAT_SHA256, 1, 12) | field(c, FEAT_CRC32, 1, 16)
        | field(c, FEAT_LSE, 2, 20) | field(c, FEAT_RDM, 1, 28);
    c->id[ID_ISAR0 + 1] = field(c, FEAT_DPB, 1, 0);
    c->id[ID_MMFR0] = m->mmfr0;
}

void arm_see_gic(ArmCpu *c)
{
    c->features |= c->cpu.intc ? FEAT_GIC : 0;
    c->id[ID_PFR0] = (c->id[ID_PFR0] & ~(15ull << 24))
        | field(c, FEAT_GIC, 1, 24);
}

static void set_model(ArmCpu *c, const Model *m)
{
    u32 n = (u32)c->cpu.index;

    c->midr = m->midr;
    c->mpidr = BIT(31) | (n & 7);           /* RES1; one cluster */
    c->ctr = m->ctr;
    c->clidr = m->clidr;
    c->dczid = 4;                           /* blocks of 16 words */
    memset(c->ccsidr, 0, sizeof c->ccsidr);
    memcpy(c->ccsidr, m->ccsidr, sizeof m->ccsidr);
    c->features = m->features;
    c->pmcr = (u64)m->pmu << 16;
}

/* ---- what a user asks --------------------------------------------------- */

static const Model *find_model(const char *name, Err *err)
{
    const char *near;

    for (u32 i = 0; i < countof(models); i++) {
        if (strcmp(models[i].name, name) == 0) {
            return &models[i];
        }
    }
    if (strcmp(name, "host") == 0) {
        fail(err, "CPU model \"host\" needs an accelerator that runs the "
             "host's own CPU; with translation use \"max\"");
        return NULL;
    }
    near = nearest_word(name, arm_models, countof(models));
    fail(err, "no CPU model \"%s\" for aarch64%s%s%s; there are cortex-a53, "
         "cortex-a57, cortex-a72, max", name, near ? ": did you mean " : "",
         near ? near : "", near ? "?" : "");
    return NULL;
}

static const Feature *find_feature(const char *name, Err *err)
{
    const char *names[countof(features)];
    const char *near;

    for (u32 i = 0; i < countof(features); i++) {
        names[i] = features[i].name;
        if (strcmp(names[i], name) == 0) {
            return &features[i];
        }
    }
    near = nearest_word(name, names, countof(names));
    fail(err, "no CPU feature \"%s\"%s%s%s; there are aes, pmull, sha1, sha2, "
         "crc32, lse, rdm, pmu, dpb, each \"=on\" or \"=off\"", name,
         near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
    return NULL;
}

static void turn(ArmCpu *c, const Feature *f, bool on)
{
    if (on) {
        c->features |= f->bit | f->needs;
        return;
    }
    c->features &= ~f->bit;
    for (u32 i = 0; i < countof(features); i++) {
        if (features[i].needs & f->bit) {
            c->features &= ~features[i].bit;
        }
    }
}

static bool parse_switch(const char *name, const char *v, bool *on, Err *err)
{
    *on = v && (strcmp(v, "on") == 0 || strcmp(v, "true") == 0);
    if (*on || (v && (strcmp(v, "off") == 0 || strcmp(v, "false") == 0))) {
        return true;
    }
    return fail(err, "CPU feature %s is \"on\" or \"off\", not \"%s\"; write "
                "%s=on", name, v ? v : "", name);
}

static const Fixed *find_fixed(const char *name)
{
    for (u32 i = 0; i < countof(fixed); i++) {
        if (strcmp(fixed[i].name, name) == 0) {
            return &fixed[i];
        }
    }
    return NULL;
}

static bool set_feature(ArmCpu *c, const char *prop, Err *err)
{
    g_auto(GStrv) kv = g_strsplit(prop, "=", 2);
    const Fixed *same = find_fixed(kv[0]);
    const Feature *f = same ? NULL : find_feature(kv[0], err);
    bool on;

    if (!(same || f) || !parse_switch(kv[0], kv[1], &on, err)) {
        return false;
    }
    if (same) {
        return on == same->on
            || fail(err, "CPU feature %s cannot be turned %s: it is %s here",
                    same->name, on ? "on" : "off",
                    same->on ? "always there" : "not emulated");
    }
    turn(c, f, on);
    return true;
}

/* ---- the host's own CPU ------------------------------------------------- */

static const Machine *hosted(const ArmCpu *c)
{
    return c->cpu.machine && c->cpu.machine->host_id ? c->cpu.machine : NULL;
}

static u64 host_id(const Machine *m, u32 enc)
{
    u64 v = 0;

    m->host_id(m, enc, &v);
    return v;
}

/* The features that have a field of an ID register: at least `least`. */
static const struct { u32 feature; u8 id, at, least; } id_fields[] = {
    { FEAT_AES, ID_ISAR0, 4, 1 }, { FEAT_PMULL, ID_ISAR0, 4, 2 },
    { FEAT_SHA1, ID_ISAR0, 8, 1 }, { FEAT_SHA256, ID_ISAR0, 12, 1 },
    { FEAT_CRC32, ID_ISAR0, 16, 1 }, { FEAT_LSE, ID_ISAR0, 20, 2 },
    { FEAT_RDM, ID_ISAR0, 28, 1 }, { FEAT_DPB, ID_ISAR0 + 1, 0, 1 },
};

static void set_host(ArmCpu *c, const Machine *m)
{
    c->midr = host_id(m, SYS_ENC(3, 0, 0, 0, 0));
    c->revidr = host_id(m, SYS_ENC(3, 0, 0, 0, 6));
    c->clidr = host_id(m, SYS_ENC(3, 1, 0, 0, 1));
    c->ctr = host_id(m, SYS_ENC(3, 3, 0, 0, 1));
    c->mpidr = BIT(31) | (c->cpu.index & 7);
    for (u32 i = 8; i < countof(c->id); i++) {
        c->id[i] = host_id(m, SYS_ENC(3, 0, 0, 0, 0) + i);
    }
    c->features = FEAT_PMU;
    for (u32 i = 0; i < countof(id_fields); i++) {
        u64 v = c->id[id_fields[i].id] >> id_fields[i].at & 15;
        c->features |= v >= id_fields[i].least ? id_fields[i].feature : 0;
    }
}

/* The kernel shows its guests what the CPU has: only the PMU can be off. */
static bool set_host_feature(ArmCpu *c, const char *prop, Err *err)
{
    u32 had = c->features;

    if (!set_feature(c, prop, err)) {
        return false;
    }
    return !((c->features ^ had) & ~(u32)FEAT_PMU)
        || fail(err, "CPU feature %s: under KVM the guest sees what the host's "
                "CPU has; only pmu can be turned off", prop);
}

/* Implementer and part number, of MIDR_EL1. */
static bool set_host_model(ArmCpu *c, const char *model, char **props,
                           Err *err)
{
    enum { PART = 0xff00fff0 };
    const Machine *m = hosted(c);
    bool any = strcmp(model, "host") == 0 || strcmp(model, "max") == 0;
    const Model *named = any ? NULL : find_model(model, err);

    if (!any && !named) {
        return false;
    }
    set_host(c, m);
    if (named && (named->midr ^ c->midr) & PART) {
        return fail(err, "-cpu %s: KVM runs the host's own CPUs, whose MIDR "
                    "is %#llx and not %#llx; write -cpu host, or use -accel "
                    "tcg", model, (unsigned long long)c->midr,
                    (unsigned long long)named->midr);
    }
    for (char **p = props; *p; p++) {
        if (**p && !set_host_feature(c, *p, err)) {
            return false;
        }
    }
    return true;
}

bool arm_set_model(ArmCpu *c, const char *model, const char *props, Err *err)
{
    g_auto(GStrv) prop = g_strsplit(props ? props : "", ",", -1);
    const Model *m = hosted(c) ? NULL : find_model(model, err);

    if (!m) {
        return hosted(c) && set_host_model(c, model, prop, err);
    }
    set_model(c, m);
    for (char **p = prop; *p; p++) {
        if (**p && !set_feature(c, *p, err)) {
            return false;
        }
    }
    set_ids(c, m);
    return true;
}
