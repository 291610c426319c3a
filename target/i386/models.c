/* SPDX-License-Identifier: MIT */
/*
 * CPU models and CPUID.
 * Reference: SDM volume 2, CPUID; AMD64 APM volume 3, appendix E.
 *
 * A model is what its chip had, less what is not emulated, or what the host
 * lacks where its CPUs run the guest: possible() is the one place that says
 * what there can be.
 */
#include <glib.h>
#include <stdio.h>
#include "softmmu/machine.h"
#include "target/i386/svm.h"
#include "target/i386/system.h"

/* ---- what there is ------------------------------------------------------ */

/* Where a feature can be had.  Not on hardware: its state is not carried. */
typedef enum Where {
    NOWHERE, EMULATED = 1, HARDWARE = 2, BOTH = EMULATED | HARDWARE
} Where;

typedef struct Feature {
    const char *name;
    int feature;
    int needs;                  /* on with it, off without it; or F_NONE */
    Where where;
} Feature;

#define YES(n, f)           { n, f, F_NONE, BOTH }
#define WITH(n, f, needs)   { n, f, needs, BOTH }
#define SOFT(n, f, needs)   { n, f, needs, EMULATED }
#define HARD(n, word, bit)  { n, X86_FEATURE(word, bit), F_NONE, HARDWARE }
#define HARD_F(n, f)        { n, f, F_NONE, HARDWARE }
#define NOT(n, word, bit)   { n, X86_FEATURE(word, bit), F_NONE, NOWHERE }

/* By CPUID word and bit. */
static const Feature features[] = {
    YES("fpu", F_FPU), YES("vme", F_VME), YES("de", F_DE), YES("pse", F_PSE),
    YES("tsc", F_TSC), YES("msr", F_MSR), YES("pae", F_PAE), YES("mce", F_MCE),
    YES("cx8", F_CX8), YES("apic", F_APIC), YES("sep", F_SEP),
    YES("mtrr", F_MTRR), YES("pge", F_PGE), YES("mca", F_MCA),
    YES("cmov", F_CMOV), YES("pat", F_PAT), YES("pse36", F_PSE36),
    NOT("pn", W_1_EDX, 18), YES("clflush", F_CLFLUSH), NOT("ds", W_1_EDX, 21),
    NOT("acpi", W_1_EDX, 22), YES("mmx", F_MMX), YES("fxsr", F_FXSR),
    YES("sse", F_SSE), WITH("sse2", F_SSE2, F_SSE), YES("ss", F_SS),
    YES("ht", F_HTT), NOT("tm", W_1_EDX, 29), NOT("pbe", W_1_EDX, 31),

    WITH("sse3", F_SSE3, F_SSE2), WITH("pni", F_SSE3, F_SSE2),
    WITH("pclmulqdq", F_PCLMULQDQ, F_SSE2), NOT("dtes64", W_1_ECX, 2),
    NOT("monitor", W_1_ECX, 3), NOT("ds-cpl", W_1_ECX, 4),
    NOT("vmx", W_1_ECX, 5), NOT("smx", W_1_ECX, 6), NOT("est", W_1_ECX, 7),
    NOT("tm2", W_1_ECX, 8), WITH("ssse3", F_SSSE3, F_SSE3),
    WITH("fma", F_FMA, F_AVX), YES("cx16", F_CX16), NOT("xtpr", W_1_ECX, 14),
    NOT("pdcm", W_1_ECX, 15), WITH("pcid", F_PCID, F_LM),
    NOT("dca", W_1_ECX, 18), WITH("sse4.1", F_SSE41, F_SSSE3),
    WITH("sse4-1", F_SSE41, F_SSSE3), WITH("sse4.2", F_SSE42, F_SSE41),
    WITH("sse4-2", F_SSE42, F_SSE41), WITH("x2apic", F_X2APIC, F_APIC),
    YES("movbe", F_MOVBE), YES("popcnt", F_POPCNT),
    WITH("tsc-deadline", F_TSC_DEADLINE, F_APIC), WITH("aes", F_AES, F_SSE2),
    YES("xsave", F_XSAVE), WITH("avx", F_AVX, F_XSAVE),
    WITH("f16c", F_F16C, F_AVX), YES("rdrand", F_RDRAND),
    YES("hypervisor", F_HYPERVISOR),

    WITH("fsgsbase", F_FSGSBASE, F_LM), YES("tsc-adjust", F_TSC_ADJUST),
    YES("bmi1", F_BMI1), HARD("hle", W_7_EBX, 4), WITH("avx2", F_AVX2, F_AVX),
    YES("smep", F_SMEP), YES("bmi2", F_BMI2), YES("erms", F_ERMS),
    YES("invpcid", F_INVPCID), HARD("rtm", W_7_EBX, 11),
    NOT("mpx", W_7_EBX, 14), NOT("avx512f", W_7_EBX, 16),
    NOT("avx512dq", W_7_EBX, 17), YES("rdseed", F_RDSEED), YES("adx", F_ADX),
    YES("smap", F_SMAP), YES("clflushopt", F_CLFLUSHOPT), YES("clwb", F_CLWB),
    NOT("avx512cd", W_7_EBX, 28), HARD("sha-ni", W_7_EBX, 29),
    NOT("avx512bw", W_7_EBX, 30), NOT("avx512vl", W_7_EBX, 31),

    YES("umip", F_UMIP), NOT("pku", W_7_ECX, 3), NOT("waitpkg", W_7_ECX, 5),
    HARD("gfni", W_7_ECX, 8), HARD("vaes", W_7_ECX, 9),
    HARD("vpclmulqdq", W_7_ECX, 10), NOT("la57", W_7_ECX, 16),
    YES("rdpid", F_RDPID), YES("fsrm", F_FSRM),
    NOT("spec-ctrl", W_7_EDX, 26), NOT("stibp", W_7_EDX, 27),
    NOT("arch-capabilities", W_7_EDX, 29), NOT("ssbd", W_7_EDX, 31),

    WITH("xsaveopt", F_XSAVEOPT, F_XSAVE), WITH("xsavec", F_XSAVEC, F_XSAVE),
    WITH("xgetbv1", F_XGETBV1, F_XSAVE), NOT("xsaves", W_D1_EAX, 3),

    YES("syscall", F_SYSCALL), YES("nx", F_NX),
    WITH("mmxext", F_MMXEXT, F_SSE), HARD("fxsr-opt", W_80000001_EDX, 25),
    WITH("pdpe1gb", F_PDPE1GB, F_LM), YES("rdtscp", F_RDTSCP), YES("lm", F_LM),
    NOT("3dnowext", W_80000001_EDX, 30), NOT("3dnow", W_80000001_EDX, 31),
    YES("lahf-lm", F_LAHF_LM), YES("cmp-legacy", F_CMP_LEGACY),
    SOFT("svm", F_SVM, F_NONE), NOT("cr8legacy", W_80000001_ECX, 4),
    YES("abm", F_ABM), HARD("sse4a", W_80000001_ECX, 6),
    HARD("misalignsse", W_80000001_ECX, 7),
    YES("3dnowprefetch", F_3DNOWPREFETCH), NOT("osvw", W_80000001_ECX, 9),
    HARD("xop", W_80000001_ECX, 11), HARD("fma4", W_80000001_ECX, 16),
    HARD("tbm", W_80000001_ECX, 21), NOT("topoext", W_80000001_ECX, 22),

    SOFT("npt", F_NPT, F_SVM), NOT("lbrv", W_8000000A_EDX, 1),
    NOT("svm-lock", W_8000000A_EDX, 2),
    SOFT("nrip-save", F_NRIP_SAVE, F_SVM),
    SOFT("tsc-scale", F_TSC_SCALE, F_SVM),
    SOFT("vmcb-clean", F_VMCB_CLEAN, F_SVM),
    SOFT("flushbyasid", F_FLUSHBYASID, F_SVM),
    SOFT("decodeassists", F_DECODEASSISTS, F_SVM),
    SOFT("pause-filter", F_PAUSE_FILTER, F_SVM),
    SOFT("pfthreshold", F_PFTHRESHOLD, F_PAUSE_FILTER),
    NOT("avic", W_8000000A_EDX, 13), NOT("v-vmsave-vmload", W_8000000A_EDX, 15),
    NOT("vgif", W_8000000A_EDX, 16),

    HARD_F("kvmclock", F_KVMCLOCK2), HARD_F("kvmclock-old", F_KVMCLOCK),
    HARD_F("kvm-nopiodelay", F_KVM_NOPIODELAY),
    HARD_F("kvm-asyncpf", F_KVM_ASYNCPF),
    HARD_F("kvm-steal-time", F_KVM_STEAL_TIME),
    HARD_F("kvm-pv-eoi", F_KVM_PV_EOI),
    HARD_F("kvm-pv-unhalt", F_KVM_PV_UNHALT),
    HARD_F("kvm-poll-control", F_KVM_POLL_CONTROL),
    HARD_F("kvm-asyncpf-int", F_KVM_ASYNCPF_INT),
    HARD_F("kvmclock-stable-bit", F_KVMCLOCK_STABLE),
};

/* The CPUID that has each word, and which of EAX EBX ECX EDX. */
static const struct { u32 leaf, sub; u8 reg; } word_at[X86_WORDS] = {
    [W_1_EDX] = { 1, 0, 3 }, [W_1_ECX] = { 1, 0, 2 },
    [W_7_EBX] = { 7, 0, 1 }, [W_7_ECX] = { 7, 0, 2 }, [W_7_EDX] = { 7, 0, 3 },
    [W_D1_EAX] = { 0xd, 1, 0 }, [W_80000001_EDX] = { 0x80000001, 0, 3 },
    [W_80000001_ECX] = { 0x80000001, 0, 2 },
    [W_80000008_EBX] = { 0x80000008, 0, 1 },
    [W_8000000A_EDX] = { 0x8000000a, 0, 3 },
    [W_40000001_EAX] = { 0x40000001, 0, 0 },
};

/* Do the host's CPUs run it? */
static bool on_hardware(const X86Cpu *c)
{
    return c->cpu.machine && c->cpu.machine->host_cpuid;
}

static void host_cpuid(const X86Cpu *c, u32 leaf, u32 sub, u32 out[4])
{
    c->cpu.machine->host_cpuid(c->cpu.machine, leaf, sub, out);
}

/* Does not depend on the chip. */
static bool always(int feature)
{
    return feature == F_HYPERVISOR || feature == F_HTT
        || feature == F_CMP_LEGACY;
}

static bool possible(const X86Cpu *c, const Feature *f)
{
    u32 host[4], w = (u32)f->feature >> 5;

    if (!on_hardware(c)) {
        return f->where & EMULATED;
    }
    host_cpuid(c, word_at[w].leaf, word_at[w].sub, host);
    return f->where & HARDWARE
        && (always(f->feature)
            || host[word_at[w].reg] >> (f->feature & 31) & 1);
}

bool x86_feature(const Cpu *c, u32 n, const char **name, bool *on)
{
    const X86Cpu *x = (const X86Cpu *)c;

    if (n >= countof(features)) {
        return false;
    }
    *name = features[n].name;
    *on = x86_has(x, features[n].feature);
    return true;
}

/* ---- models ------------------------------------------------------------- */

typedef enum Vendor { INTEL, AMD } Vendor;

typedef struct X86Model {
    const char *name, *brand;
    Vendor vendor;
    u32 signature;              /* CPUID 1 EAX: family, model, stepping */
    u32 level, xlevel;          /* highest leaves */
    u32 word[X86_WORDS];        /* as the chip has them */
} X86Model;

#define EDX_SSE2    0x078bfbfd  /* all up to SSE2, without VME and ACPI */
#define ECX_HASWELL 0x77fa3203

static const X86Model models[] = {
    { "qemu64", "Anole virtual CPU", AMD, 0x00060fb1, 0xd, 0x8000000a,
      { [W_1_EDX] = EDX_SSE2, [W_1_ECX] = 0x2001,
        [W_80000001_EDX] = 0x20100800, [W_80000001_ECX] = 0x5,
        [W_8000000A_EDX] = 9 } },
    { "qemu32", "Anole virtual CPU", INTEL, 0x663, 4, 0x80000004,
      { [W_1_EDX] = 0x0781abfd, [W_1_ECX] = 1 } },
    { "pentium", "", INTEL, 0x543, 1, 0, { [W_1_EDX] = 0x008003bd } },
    { "pentium3", "", INTEL, 0x673, 3, 0, { [W_1_EDX] = 0x0383fbfd } },
    { "core2duo", "Intel(R) Core(TM)2 Duo CPU     T7700  @ 2.40GHz", INTEL,
      0x6fb, 0xa, 0x80000008,
      { [W_1_EDX] = 0x0fcbfbff, [W_1_ECX] = 0x2209,
        [W_80000001_EDX] = 0x20100800, [W_80000001_ECX] = 1 } },
    { "Nehalem", "Intel Core i7 9xx (Nehalem Core i7)", INTEL, 0x106a3, 0xb,
      0x80000008,
      { [W_1_EDX] = EDX_SSE2, [W_1_ECX] = 0x982201,
        [W_80000001_EDX] = 0x20100800, [W_80000001_ECX] = 1 } },
    { "Haswell", "Intel Core Processor (Haswell)", INTEL, 0x306c4, 0xd,
      0x80000008,
      { [W_1_EDX] = EDX_SSE2 | 2, [W_1_ECX] = ECX_HASWELL,
        [W_7_EBX] = 0x7a9, [W_D1_EAX] = 1,
        [W_80000001_EDX] = 0x28100800, [W_80000001_ECX] = 0x21 } },
    { "Skylake-Client", "Intel Core Processor (Skylake)", INTEL, 0x506e3, 0xd,
      0x80000008,
      { [W_1_EDX] = EDX_SSE2 | 2, [W_1_ECX] = ECX_HASWELL,
        [W_7_EBX] = 0x1c07a9, [W_D1_EAX] = 7,
        [W_80000001_EDX] = 0x28100800, [W_80000001_ECX] = 0x121 } },
    { "EPYC", "AMD EPYC Processor", AMD, 0x800f12, 0xd, 0x8000001e,
      { [W_1_EDX] = EDX_SSE2 | 2, [W_1_ECX] = 0x76d8320b,
        [W_7_EBX] = 0x209c01a9, [W_D1_EAX] = 7,
        [W_80000001_EDX] = 0x2dd3fbfd, [W_80000001_ECX] = 0x3f5,
        [W_8000000A_EDX] = 0x1bcff } },
    { "max", "Anole virtual CPU, all features", AMD, 0x00060fb1, 0xd,
      0x8000000a,
      { ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0, ~0u } },
};
/* As far as leaves are shown; and what ends "AuthenticAMD". */
enum { HOST_LEVEL = 0x1f };
#define HOST_XLEVEL 0x8000001eu
#define AMD_ECX     0x444d4163u

const char *const x86_models[] = {
    "qemu64", "qemu32", "pentium", "pentium3", "core2duo", "Nehalem",
    "Haswell", "Skylake-Client", "EPYC", "max", "host", NULL
};
const char *const x86_models32[] = {
    "qemu32", "qemu64", "pentium", "pentium3", "core2duo", "Nehalem",
    "Haswell", "Skylake-Client", "EPYC", "max", "host", NULL
};
_Static_assert(countof(x86_models) == countof(models) + 2,
               "a name each, and the host's");

/* ---- CPUID -------------------------------------------------------------- */

bool x86_is_amd(const X86Cpu *c)
{
    return c->model->vendor == AMD;
}

unsigned x86_address_bits(const X86Cpu *c)
{
    return x86_has(c, F_LM) ? 40
         : x86_has(c, F_PSE36) || x86_has(c, F_PAE) ? 36 : 32;
}

static const char *vendor_name(const X86Cpu *c)
{
    return c->model->vendor == AMD ? "AuthenticAMD" : "GenuineIntel";
}

/* CPUs of a package, and bits that number them in an APIC id. */
static u32 package_cpus(const X86Cpu *c)
{
    return topology_cpus(&c->topology) / c->topology.sockets;
}

static u32 thread_bits(const X86Cpu *c)
{
    return topology_bits(c->topology.threads);
}

static u32 die_bits(const X86Cpu *c)
{
    return topology_bits(c->topology.cores) + thread_bits(c);
}

static u32 package_bits(const X86Cpu *c)
{
    return topology_bits(c->topology.dies) + die_bits(c);
}

/* The last leaf: that of dies, where a package has several. */
static u32 level_of(const X86Cpu *c)
{
    enum { TOPOLOGY = 0xb, DIES = 0x1f };

    return c->topology.dies > 1 && c->model->level >= TOPOLOGY
        ? MAX(c->model->level, (u32)DIES) : c->model->level;
}

static void leaf_vendor(const X86Cpu *c, u32 max, u32 out[4])
{
    const char *v = vendor_name(c);

    out[0] = max;
    out[1] = (u32)load_le(v, 4);
    out[3] = (u32)load_le(v + 4, 4);
    out[2] = (u32)load_le(v + 8, 4);
}

static void leaf_features(const X86Cpu *c, u32 out[4])
{
    enum { CLFLUSH_LINES = 8, OSXSAVE = 1 << 27,
           APIC_ECX = 1 << (F_X2APIC & 31) | 1 << (F_TSC_DEADLINE & 31) };

    out[0] = c->model->signature;
    out[1] = c->apic_id << 24 | MIN(package_cpus(c), 255u) << 16
           | CLFLUSH_LINES << 8;
    out[2] = c->feat[W_1_ECX] & ~(u32)OSXSAVE;
    if (x86_has(c, F_XSAVE) && c->cr4 & CR4_OSXSAVE) {
        out[2] |= OSXSAVE;
    }
    out[3] = c->feat[W_1_EDX];
    /* Without a local APIC: the board's choice. */
    if (!c->cpu.intc || !c->cpu.intc->sysreg_read) {
        out[2] &= ~(u32)APIC_ECX;
        out[3] &= ~(1u << (F_APIC & 31));
    }
}

/* A cache: type 1 data, 2 instruction, 3 both; lines of 64 bytes. */
typedef struct Cache { u8 type, level; u16 ways; u32 sets; bool shared; } Cache;

static const Cache caches[] = {
    { 1, 1, 8, 64, false }, { 2, 1, 8, 64, false },
    { 3, 2, 16, 4096, false }, { 3, 3, 16, 16384, true },
};

/* Intel's leaf 4 and AMD's 8000001D are alike. */
static void leaf_cache(const X86Cpu *c, u32 sub, u32 out[4])
{
    enum { LINE = 64 };

    if (sub >= countof(caches)) {
        return;
    }
    const Cache *k = &caches[sub];
    u32 sharing = (1u << (k->shared ? die_bits(c) : thread_bits(c))) - 1;
    u32 cores = (1u << (package_bits(c) - thread_bits(c))) - 1;
    out[0] = k->type | (u32)k->level << 5 | 1 << 8 | sharing << 14
        | MIN(cores, 63u) << 26;
    out[1] = (LINE - 1) | (u32)(k->ways - 1) << 22;
    out[2] = k->sets - 1;
    out[3] = k->shared ? 6 : 1;
}

static void leaf_7(const X86Cpu *c, u32 sub, u32 out[4])
{
    if (sub == 0) {
        out[1] = c->feat[W_7_EBX];
        out[2] = c->feat[W_7_ECX];
        out[3] = c->feat[W_7_EDX];
    }
}

/*
 * Levels from the inside out: how far to shift an APIC id for that of the one
 * outside, and the CPUs in it.  `dies`: leaf 1FH, else 0BH.
 */
static void leaf_topology(const X86Cpu *c, u32 sub, bool dies, u32 out[4])
{
    enum { SMT = 1, CORE = 2, DIE = 5 };
    const Topology *t = &c->topology;
    const struct { u32 kind, shift, cpus; } level[] = {
        { SMT, thread_bits(c), t->threads },
        { CORE, dies ? die_bits(c) : package_bits(c),
          dies ? t->threads * t->cores : package_cpus(c) },
        { DIE, package_bits(c), package_cpus(c) },
    };

    out[2] = sub & 0xff;
    out[3] = c->apic_id;
    if (sub < (dies ? 3 : 2)) {
        out[0] = level[sub].shift;
        out[1] = level[sub].cpus;
        out[2] |= level[sub].kind << 8;
    }
}

static void leaf_xsave(const X86Cpu *c, u32 sub, u32 out[4])
{
    enum { LEGACY = 0x240, AVX_SIZE = 0x100 };
    bool avx = x86_has(c, F_AVX);

    if (!x86_has(c, F_XSAVE)) {
        return;
    }
    if (sub == 0) {
        out[0] = avx ? 7 : 3;
        out[1] = LEGACY + (c->xcr0 & 4 ? AVX_SIZE : 0);
        out[2] = LEGACY + (avx ? AVX_SIZE : 0);
    } else if (sub == 1) {
        out[0] = c->feat[W_D1_EAX];
        out[1] = x86_has(c, F_XSAVEC)
            ? LEGACY + (c->xcr0 & 4 ? (u32)AVX_SIZE : 0) : 0;
    } else if (sub == 2 && avx) {
        out[0] = AVX_SIZE;
        out[1] = LEGACY;
    }
}

static void leaf_extended(const X86Cpu *c, u32 out[4])
{
    enum { AMD_ALIASES = 0x0183f3ff };      /* of leaf 1's EDX */

    out[0] = c->model->signature;
    out[2] = c->feat[W_80000001_ECX];
    out[3] = c->feat[W_80000001_EDX];
    if (c->model->vendor == AMD) {
        out[3] |= c->feat[W_1_EDX] & AMD_ALIASES;
    }
}

static void leaf_brand(const X86Cpu *c, u32 part, u32 out[4])
{
    char text[48] = "";

    g_strlcpy(text, c->model->brand, sizeof text);
    for (u32 i = 0; i < 4; i++) {
        out[i] = (u32)load_le(text + part * 16 + i * 4, 4);
    }
}

static void fill(u32 out[4], u32 a, u32 b, u32 c, u32 d)
{
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
}

static void basic(const X86Cpu *c, u32 leaf, u32 sub, u32 out[4])
{
    bool intel = c->model->vendor == INTEL;

    switch (leaf) {
    case 0:
        leaf_vendor(c, level_of(c), out);
        return;
    case 1:
        leaf_features(c, out);
        return;
    case 2:                     /* descriptors: prefetch 64, caches in 4 */
        if (intel) {
            fill(out, 1, 0, 0x4d, 0x2c307d);
        }
        return;
    case 4:
        if (intel) {
            leaf_cache(c, sub, out);
        }
        return;
    case 6:                     /* the APIC timer always runs */
        out[0] = 4;
        return;
    case 7:
        leaf_7(c, sub, out);
        return;
    case 0xb:
        leaf_topology(c, sub, false, out);
        return;
    case 0x1f:
        leaf_topology(c, sub, true, out);
        return;
    case 0xd:
        leaf_xsave(c, sub, out);
        return;
    }
}

static void extended(const X86Cpu *c, u32 leaf, u32 sub, u32 out[4])
{
    bool amd = c->model->vendor == AMD;

    switch (leaf) {
    case 0x80000000:
        leaf_vendor(c, c->model->xlevel, out);
        return;
    case 0x80000001:
        leaf_extended(c, out);
        return;
    case 0x80000002: case 0x80000003: case 0x80000004:
        leaf_brand(c, leaf - 0x80000002, out);
        return;
    case 0x80000005:
        if (amd) {
            fill(out, 0x01ff01ff, 0x01ff01ff, 0x20080140, 0x20080140);
        }
        return;
    case 0x80000006:
        fill(out, 0, 0x42004200, 0x10008140, amd ? 0x00808140 : 0);
        return;
    case 0x80000007:            /* the TSC's rate never changes */
        out[3] = 1 << 8;
        return;
    case 0x80000008:
        out[0] = x86_address_bits(c)
            | (x86_has(c, F_LM) ? 48u << 8 : 32u << 8);
        out[1] = c->feat[W_80000008_EBX];
        out[2] = amd ? package_bits(c) << 12 | (package_cpus(c) - 1) : 0;
        return;
    case 0x8000000a:
        if (x86_has(c, F_SVM)) {
            fill(out, 1, SVM_ASIDS, 0, c->feat[W_8000000A_EDX]);
        }
        return;
    case 0x8000001d:
        if (amd) {
            leaf_cache(c, sub, out);
        }
        return;
    case 0x8000001e:
        if (amd) {
            fill(out, c->apic_id, (c->topology.threads - 1) << 8
                 | (c->apic_id >> thread_bits(c) & 0xff), 0, 0);
        }
        return;
    }
}

/* KVM's, where the guest may use it, else only a name. */
static void hypervisor(const X86Cpu *c, u32 leaf, u32 out[4])
{
    u32 paravirtual = c->feat[W_40000001_EAX];

    if (!x86_has(c, F_HYPERVISOR)) {
        return;
    }
    if (leaf == 0x40000000) {
        out[0] = paravirtual ? 0x40000001 : 0x40000000;
        memcpy(out + 1, paravirtual ? "KVMKVMKVM\0\0" : "AnoleAnole\0", 12);
    } else if (leaf == 0x40000001) {
        out[0] = paravirtual;
    }
}

/* Beyond the highest leaf Intel answers with the highest basic one. */
void x86_cpuid(X86Cpu *c, u32 leaf, u32 sub, u32 out[4])
{
    const X86Model *m = c->model;

    fill(out, 0, 0, 0, 0);
    if (leaf >> 16 == 0x4000) {
        hypervisor(c, leaf, out);
    } else if (leaf >> 31) {
        if (leaf <= m->xlevel) {
            extended(c, leaf, sub, out);
        } else if (m->vendor == INTEL) {
            basic(c, level_of(c), sub, out);
        }
    } else if (leaf <= level_of(c)) {
        basic(c, leaf, sub, out);
    } else if (m->vendor == INTEL) {
        basic(c, level_of(c), sub, out);
    }
}

/* ---- what a user asks --------------------------------------------------- */

/* The host's own CPU, as far as it can be given. */
static const X86Model *host_model(const X86Cpu *c, Err *err)
{
    X86Model *m = g_new0(X86Model, 1);
    u32 out[4];
    char *brand = g_malloc0(49);

    if (!on_hardware(c)) {
        fail(err, "CPU model \"host\" needs an accelerator that runs the "
             "host's own CPU, -accel kvm; with translation use \"max\"");
        return NULL;
    }
    host_cpuid(c, 0, 0, out);
    *m = (X86Model) {
        .name = "host", .brand = brand, .level = MIN(out[0], HOST_LEVEL),
        .vendor = out[2] == AMD_ECX ? AMD : INTEL,
    };
    memset(m->word, 0xff, sizeof m->word);
    host_cpuid(c, 1, 0, out);
    m->signature = out[0];
    host_cpuid(c, 0x80000000, 0, out);
    m->xlevel = MIN(out[0], HOST_XLEVEL);
    for (u32 part = 0; part < 3; part++) {
        host_cpuid(c, 0x80000002 + part, 0, out);
        memcpy(brand + part * 16, out, 16);
    }
    return m;
}

static const X86Model *find_model(const X86Cpu *c, const char *name, Err *err)
{
    const char *near;

    for (u32 i = 0; i < countof(models); i++) {
        if (strcmp(models[i].name, name) == 0) {
            return &models[i];
        }
    }
    if (strcmp(name, "host") == 0) {
        return host_model(c, err);
    }
    near = nearest_word(name, x86_models, countof(models));
    fail(err, "no CPU model \"%s\" for x86%s%s%s; there are qemu64, qemu32, "
         "pentium, pentium3, core2duo, Nehalem, Haswell, Skylake-Client, "
         "EPYC, max, host", name,
         near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
    return NULL;
}

static const Feature *find_feature(const char *name, Err *err)
{
    const char *names[countof(features)], *near;
    g_autofree char *plain = g_strdelimit(g_strdup(name), "_", '-');

    for (u32 i = 0; i < countof(features); i++) {
        names[i] = features[i].name;
        if (strcmp(names[i], plain) == 0) {
            return &features[i];
        }
    }
    near = nearest_word(plain, names, countof(names));
    fail(err, "no CPU feature \"%s\"%s%s%s; write feature=on, feature=off, "
         "+feature or -feature", name, near ? ": did you mean " : "",
         near ? near : "", near ? "?" : "");
    return NULL;
}

static void put(X86Cpu *c, int feature, bool on)
{
    u32 *w = &c->feat[feature >> 5], bit = 1u << (feature & 31);

    *w = on ? *w | bit : *w & ~bit;
}

/* Ends because no feature needs itself, however far round. */
static void turn(X86Cpu *c, int feature, bool on)
{
    put(c, feature, on);
    for (u32 i = 0; i < countof(features); i++) {
        const Feature *f = &features[i];
        if (on && f->feature == feature && f->needs != F_NONE) {
            turn(c, f->needs, true);
        } else if (!on && f->needs == feature && x86_has(c, f->feature)) {
            turn(c, f->feature, false);
        }
    }
}

/* Words of other command lines that change nothing here. */
static bool is_idle_word(const char *name)
{
    static const char *const words[] = { "check", "enforce", "migratable",
                                         "pmu", "l3-cache" };

    for (u32 i = 0; i < countof(words); i++) {
        if (strcmp(name, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool parse_switch(const char *name, const char *v, bool *on, Err *err)
{
    *on = strcmp(v, "on") == 0 || strcmp(v, "true") == 0;
    return *on || strcmp(v, "off") == 0 || strcmp(v, "false") == 0
        || fail(err, "CPU feature %s is \"on\" or \"off\", not \"%s\"; write "
                "%s=on", name, v, name);
}

/* "+feature", "-feature", "feature", "feature=on" */
static bool set_feature(X86Cpu *c, const char *prop, Err *err)
{
    bool sign = *prop == '+' || *prop == '-', on = *prop != '-';
    g_auto(GStrv) kv = g_strsplit(prop + sign, "=", 2);
    const Feature *f;

    if (!sign && kv[1] && !parse_switch(kv[0], kv[1], &on, err)) {
        return false;
    }
    if (is_idle_word(kv[0])) {
        return true;
    }
    if (strcmp(kv[0], "kvm") == 0) {    /* KVM's interface for its guests */
        c->feat[W_40000001_EAX] &= on ? ~0u : 0;
        return true;
    }
    f = find_feature(kv[0], err);
    if (!f) {
        return false;
    }
    if (on && !possible(c, f)) {
        return fail(err, "CPU feature %s cannot be turned on: %s", f->name,
                    !on_hardware(c) ? "it is not emulated"
                    : f->where & HARDWARE ? "this host does not have it"
                    : "not under -accel kvm, -accel tcg may have it");
    }
    turn(c, f->feature, on);
    return true;
}

static void set_words(X86Cpu *c, const X86Model *m)
{
    memset(c->feat, 0, sizeof c->feat);
    for (u32 i = 0; i < countof(features); i++) {
        const Feature *f = &features[i];
        u32 w = (u32)f->feature >> 5;
        bool wanted = m->word[w] >> (f->feature & 31) & 1
            || w == W_40000001_EAX;             /* no chip's */
        if (wanted && possible(c, f)) {
            put(c, f->feature, true);
        }
    }
    put(c, F_HYPERVISOR, true);
    put(c, F_HTT, package_cpus(c) > 1);
    put(c, F_CMP_LEGACY, package_cpus(c) > 1 && m->vendor == AMD);
}

/* What a chip had, anole could give, and this host cannot. */
static char *missing_features(const X86Cpu *c, const X86Model *m)
{
    GString *list = g_string_new(NULL);

    for (u32 i = 0; i < countof(features); i++) {
        const Feature *f = &features[i];
        bool had = m->word[f->feature >> 5] >> (f->feature & 31) & 1;
        bool alias = i && features[i - 1].feature == f->feature;
        if (had && !alias && f->where & HARDWARE && !possible(c, f)) {
            g_string_append_printf(list, "%s%s", list->len ? ", " : "",
                                   f->name);
        }
    }
    return g_string_free(list, false);
}

static bool has_word(char **prop, const char *word)
{
    for (; *prop; prop++) {
        if (strcmp(*prop, word) == 0
            || (g_str_has_prefix(*prop, word)
                && strcmp(*prop + strlen(word), "=on") == 0)) {
            return true;
        }
    }
    return false;
}

/* A model whose point is to be the same everywhere is not: says so, once. */
static bool check_host(const X86Cpu *c, char **prop, Err *err)
{
    const X86Model *m = c->model;
    bool fixed = m >= models && m < models + countof(models) - 1;

    if (!on_hardware(c) || !fixed || c->cpu.index) {
        return true;
    }
    g_autofree char *list = missing_features(c, m);
    if (*list && has_word(prop, "enforce")) {
        return fail(err, "-cpu %s,enforce: this host cannot give it %s; "
                    "-cpu host is what it has", m->name, list);
    }
    if (*list) {
        fprintf(stderr, "anole: warning: -cpu %s without %s, which this host "
                "cannot give; -cpu host is what it has\n", m->name, list);
    }
    return true;
}

bool x86_set_model(X86Cpu *c, const char *model, const char *props, Err *err)
{
    const X86Model *m = find_model(c, model, err);
    g_auto(GStrv) prop = g_strsplit(props ? props : "", ",", -1);

    if (!m) {
        return false;
    }
    c->model = m;
    set_words(c, m);
    for (char **p = prop; *p; p++) {
        if (**p && !set_feature(c, *p, err)) {
            return false;
        }
    }
    return check_host(c, prop, err);
}
