/* SPDX-License-Identifier: MIT */
/*
 * Control, debug and model-specific registers: which values they take.
 * Reference: SDM volume 3, 2.5 "Control Registers", chapters 13 "MTRRs", 18
 * "Debug", volume 4 for the MSRs; AMD64 APM volume 2, appendix A.
 *
 * A register that is not in the tables is #GP.  The local APIC's, and CR8,
 * are the interrupt controller's (CpuIntc).  Left out: last-branch records,
 * performance counters.
 */
#include "softmmu/machine.h"
#include "target/i386/system.h"
#include "util/log.h"

/* ---- the interrupt controller's registers ------------------------------- */

bool x86_intc_read(X86Cpu *c, u32 number, u64 *v)
{
    const CpuIntc *i = c->cpu.intc;
    bool ok;

    if (!i || !i->sysreg_read) {
        return false;
    }
    machine_lock();
    ok = i->sysreg_read(c->cpu.intc_state, number, v);
    machine_unlock();
    return ok;
}

bool x86_intc_write(X86Cpu *c, u32 number, u64 v)
{
    const CpuIntc *i = c->cpu.intc;
    bool ok;

    if (!i || !i->sysreg_write) {
        return false;
    }
    machine_lock();
    ok = i->sysreg_write(c->cpu.intc_state, number, v);
    machine_unlock();
    return ok;
}

/* ---- control registers -------------------------------------------------- */

/*
 * PAE without long mode: the PDPTEs are read when these bits change.  Under
 * nested paging walks read them.
 */
static bool pdptes_ok(X86Cpu *c, u64 cr0, u64 cr3, u64 cr4)
{
    return !(cr0 & CR0_PG) || !(cr4 & CR4_PAE) || c->efer & EFER_LME
        || x86_nested(c) || x86_load_pdptes(c, cr3);
}

static bool good_cr0(const X86Cpu *c, u64 v)
{
    bool turned = (c->cr0 ^ v) & CR0_PG;

    if (v >> 32 || (v & CR0_PG && !(v & CR0_PE))
        || (v & CR0_NW && !(v & CR0_CD))) {
        return false;
    }
    if (turned && v & CR0_PG && c->efer & EFER_LME
        && (!(c->cr4 & CR4_PAE) || c->seg[CS].attr & SEG_L)) {
        return false;
    }
    return !turned || v & CR0_PG
        || !(x86_code64(c) || c->cr4 & CR4_PCIDE);
}

bool x86_write_cr0(X86Cpu *c, u64 v)
{
    enum { RELOAD = CR0_CD | CR0_NW };
    u64 known = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP
        | CR0_AM | CR0_NW | CR0_CD | CR0_PG;
    u64 changed = c->cr0 ^ v;

    if (!good_cr0(c, v)) {
        return false;
    }
    v = (v & known) | CR0_ET;
    if (changed & (RELOAD | CR0_PG) && !pdptes_ok(c, v, c->cr3, c->cr4)) {
        return false;
    }
    x86_set_cr0(c, v);
    return true;
}

static bool good_cr3(const X86Cpu *c, u64 v)
{
    u64 bad = long_mode(c) ? ~x86_physical_mask(c) : 0;

    return !(v & bad & (c->cr4 & CR4_PCIDE ? ~BIT(63) : ~0ull));
}

bool x86_write_cr3(X86Cpu *c, u64 v)
{
    if (!good_cr3(c, v) || !pdptes_ok(c, c->cr0, v, c->cr4)) {
        return false;
    }
    x86_set_cr3(c, long_mode(c) ? v : (u32)v);
    return true;
}

/* Bits of CR4 and the features that they need. */
static const struct { u32 bit; int feature; } cr4_bits[] = {
    { CR4_VME | CR4_PVI, F_VME }, { CR4_TSD, F_TSC }, { CR4_DE, F_DE },
    { CR4_PSE, F_PSE }, { CR4_PAE, F_PAE }, { CR4_MCE, F_MCE },
    { CR4_PGE, F_PGE }, { CR4_PCE, F_NONE }, { CR4_OSFXSR, F_FXSR },
    { CR4_OSXMMEXCPT, F_SSE }, { CR4_UMIP, F_UMIP },
    { CR4_FSGSBASE, F_FSGSBASE }, { CR4_PCIDE, F_PCID },
    { CR4_OSXSAVE, F_XSAVE }, { CR4_SMEP, F_SMEP }, { CR4_SMAP, F_SMAP },
};

u64 x86_cr4_allowed(const X86Cpu *c)
{
    u64 mask = 0;

    for (u32 i = 0; i < countof(cr4_bits); i++) {
        mask |= x86_has(c, cr4_bits[i].feature) ? cr4_bits[i].bit : 0;
    }
    return mask;
}

static bool good_cr4(const X86Cpu *c, u64 v)
{
    u64 changed = c->cr4 ^ v;

    return !(v & ~x86_cr4_allowed(c)) && !(long_mode(c) && !(v & CR4_PAE))
        && !(changed & v & CR4_PCIDE && (!long_mode(c) || c->cr3 & 0xfff));
}

bool x86_write_cr4(X86Cpu *c, u64 v)
{
    enum { RELOAD = CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP };

    if (!good_cr4(c, v)
        || ((c->cr4 ^ v) & RELOAD && !pdptes_ok(c, c->cr0, c->cr3, v))) {
        return false;
    }
    x86_set_cr4(c, v);
    return true;
}

bool x86_good_cr(const X86Cpu *c, u32 n, u64 v)
{
    switch (n) {
    case 0: return good_cr0(c, v);
    case 3: return good_cr3(c, v);
    case 4: return good_cr4(c, v);
    case 8: return v < 16;
    default: return true;
    }
}

u64 x86_efer_allowed(const X86Cpu *c)
{
    return EFER_LMA | (x86_has(c, F_SYSCALL) ? EFER_SCE : 0)
        | (x86_has(c, F_LM) ? EFER_LME : 0) | (x86_has(c, F_NX) ? EFER_NXE : 0)
        | (x86_has(c, F_SVM) ? EFER_SVME : 0);
}

enum { VM_CR_LOCK = 1 << 3, VM_CR_SVMDIS = 1 << 4 };

bool x86_write_efer(X86Cpu *c, u64 v)
{
    if (v & ~x86_efer_allowed(c)
        || (c->cr0 & CR0_PG && (c->efer ^ v) & EFER_LME)
        || (v & EFER_SVME && c->vm_cr & VM_CR_SVMDIS)) {
        return false;
    }
    x86_set_efer(c, (v & ~(u64)EFER_LMA) | (c->efer & EFER_LMA));
    return true;
}

/* APM volume 2, 15.30.1: LOCK and SVMDIS stay once LOCK is set. */
static bool write_vm_cr(X86Cpu *c, u64 v)
{
    u64 locked = c->vm_cr & VM_CR_LOCK ? VM_CR_LOCK | VM_CR_SVMDIS : 0;

    v = (v & ~locked) | (c->vm_cr & locked);
    if (v & VM_CR_SVMDIS && c->efer & EFER_SVME) {
        return false;
    }
    c->vm_cr = v;
    return true;
}

static bool write_hsave(X86Cpu *c, u64 v)
{
    if (v & (GUEST_PAGE - 1) || v & ~x86_physical_mask(c)) {
        return false;
    }
    c->vm_hsave_pa = v;
    return true;
}

bool x86_write_xcr0(X86Cpu *c, u64 v)
{
    enum { X87 = 1, SSE = 2, AVX = 4 };
    u64 known = X87 | SSE | (x86_has(c, F_AVX) ? AVX : 0);

    if (v & ~known || !(v & X87) || (v & AVX && !(v & SSE))) {
        return false;
    }
    c->xcr0 = v;
    x86_mode_changed(c);
    return true;
}

/* n: 0..3, 6, 7 */
bool x86_write_dr(X86Cpu *c, unsigned n, u64 v)
{
    enum { DR6_ONE = 0xfffe0ff0, DR6_ZERO = 1 << 12, DR7_ONE = 0x400,
           DR7_ZERO = 0xd000, DR7_ENABLES = 0xff };

    if (n >= 6 && v >> 32) {
        return false;
    }
    if (n == 6) {
        v = (v | DR6_ONE | BIT(16)) & ~(u64)DR6_ZERO;
    } else if (n == 7) {
        v = (v | DR7_ONE) & ~(u64)DR7_ZERO;
    }
    c->dr[n & 7] = v;
    if (n == 7 || c->dr[7] & DR7_ENABLES) {
        x86_debug_changed(c);
    }
    return true;
}

/* ---- time --------------------------------------------------------------- */

static u64 host_tsc(const X86Cpu *c)
{
    return (u64)clock_now(CLOCK_VIRTUAL_NS) + c->tsc_offset;
}

/* APM volume 2, 15.30.5: TSC_RATIO has 32 bits behind the point. */
u64 x86_tsc(const X86Cpu *c)
{
    u64 v = host_tsc(c);

    if (x86_in_guest(c)) {
        v = (u64)((u128)v * c->tsc_ratio >> 32) + c->svm.tsc_offset;
    }
    return v;
}

static bool read_tsc(X86Cpu *c, u64 *v)
{
    *v = x86_tsc(c);
    return true;
}

static bool write_tsc(X86Cpu *c, u64 v)
{
    u64 by = v - host_tsc(c);

    c->tsc_offset += by;
    c->tsc_adjust += by;
    return true;
}

static bool write_tsc_adjust(X86Cpu *c, u64 v)
{
    c->tsc_offset += v - c->tsc_adjust;
    c->tsc_adjust = v;
    return true;
}

/* ---- registers with rules ----------------------------------------------- */

static bool write_base(X86Cpu *c, unsigned seg, u64 v)
{
    if (!canonical(v)) {
        return false;
    }
    c->base[seg] = v;
    x86_mode_changed(c);
    return true;
}

static bool write_fs_base(X86Cpu *c, u64 v)
{
    return write_base(c, FS, v);
}

static bool write_gs_base(X86Cpu *c, u64 v)
{
    return write_base(c, GS, v);
}

static bool memory_type(u64 v)
{
    return v <= 7 && v != 2 && v != 3;
}

static bool write_pat(X86Cpu *c, u64 v)
{
    for (int i = 0; i < 8; i++) {
        if (!memory_type(bits(v, i * 8 + 7, i * 8))) {
            return false;
        }
    }
    if (x86_nested(c)) {
        c->svm.g_pat = v;
    } else {
        c->pat = v;
    }
    return true;
}

static bool read_pat(X86Cpu *c, u64 *v)
{
    *v = x86_nested(c) ? c->svm.g_pat : c->pat;
    return true;
}

static bool write_deftype(X86Cpu *c, u64 v)
{
    if (v & ~0xcffull || !memory_type(v & 0xff) || (v & 0xff) == 7) {
        return false;
    }
    c->mtrr_deftype = v;
    return true;
}

static bool write_ucode(X86Cpu *c, u64 v)
{
    (void)c;
    (void)v;
    return true;                        /* an update that changes nothing */
}

static bool write_smbase(X86Cpu *c, u64 v)
{
    (void)c;
    (void)v;
    return false;
}

static bool read_smbase(X86Cpu *c, u64 *v)
{
    *v = c->smbase;
    return c->smm;
}

/* ---- the tables --------------------------------------------------------- */

/* A register, or `count` of them side by side in one array of X86Cpu. */
typedef struct Msr {
    u32  number, count;
    u32  offset;                        /* of a u64 in X86Cpu */
    u64  writable;                      /* other bits: #GP */
    int  feature;
    bool address;                       /* must be canonical */
    bool apart;                         /* what is stored is not its value, or
                                           a register of another kind */
    bool (*read)(X86Cpu *c, u64 *v);
    bool (*write)(X86Cpu *c, u64 v);
} Msr;

#define MSR(n, member, bits, f, ...)                                        \
    { .number = (n), .count = 1, .offset = offsetof(X86Cpu, member),        \
      .writable = (bits), .feature = (f), ##__VA_ARGS__ }
#define ARRAY(n, member, bits, f)                                           \
    { .number = (n), .count = sizeof_field(X86Cpu, member) / 8,             \
      .offset = offsetof(X86Cpu, member), .writable = (bits), .feature = (f) }
#define ALL (~0ull)

static const Msr msrs[] = {
    MSR(0x00000010, tsc_offset, ALL, F_TSC, .apart = true, .read = read_tsc, .write = write_tsc),
    MSR(0x0000003b, tsc_adjust, ALL, F_TSC_ADJUST, .write = write_tsc_adjust),
    MSR(0x00000079, star, ALL, F_NONE, .apart = true, .write = write_ucode),
    MSR(0x0000009e, smbase, 0, F_NONE, .read = read_smbase, .write = write_smbase),
    MSR(0x00000174, sysenter_cs, 0xffffffff, F_SEP),
    MSR(0x00000175, sysenter_esp, ALL, F_SEP, .address = true),
    MSR(0x00000176, sysenter_eip, ALL, F_SEP, .address = true),
    MSR(0x0000017a, mcg_status, 7, F_MCA),
    MSR(0x0000017b, mcg_ctl, ALL, F_MCA),
    MSR(0x000001a0, misc_enable, 0x400c51889, F_NONE),
    ARRAY(0x00000200, mtrr_phys, ALL, F_MTRR),
    MSR(0x00000250, mtrr_fixed[0], ALL, F_MTRR),
    MSR(0x00000258, mtrr_fixed[1], ALL, F_MTRR),
    MSR(0x00000259, mtrr_fixed[2], ALL, F_MTRR),
    MSR(0x00000268, mtrr_fixed[3], ALL, F_MTRR),
    MSR(0x00000269, mtrr_fixed[4], ALL, F_MTRR),
    MSR(0x0000026a, mtrr_fixed[5], ALL, F_MTRR),
    MSR(0x0000026b, mtrr_fixed[6], ALL, F_MTRR),
    MSR(0x0000026c, mtrr_fixed[7], ALL, F_MTRR),
    MSR(0x0000026d, mtrr_fixed[8], ALL, F_MTRR),
    MSR(0x0000026e, mtrr_fixed[9], ALL, F_MTRR),
    MSR(0x0000026f, mtrr_fixed[10], ALL, F_MTRR),
    MSR(0x00000277, pat, ALL, F_PAT, .read = read_pat, .write = write_pat),
    MSR(0x000002ff, mtrr_deftype, ALL, F_MTRR, .write = write_deftype),
    ARRAY(0x00000400, mc_bank, ALL, F_MCA),
    MSR(0x00000da0, xss, 0, F_XSAVES),
    MSR(0x4b564d00, kvm_msr[0], ALL, F_KVMCLOCK2),
    MSR(0x4b564d01, kvm_msr[1], ALL, F_KVMCLOCK2),
    MSR(0x4b564d02, kvm_msr[2], ALL, F_KVM_ASYNCPF),
    MSR(0x4b564d03, kvm_msr[3], ALL, F_KVM_STEAL_TIME),
    MSR(0x4b564d04, kvm_msr[4], ALL, F_KVM_PV_EOI),
    MSR(0x4b564d05, kvm_msr[5], ALL, F_KVM_POLL_CONTROL),
    MSR(0x4b564d06, kvm_msr[6], ALL, F_KVM_ASYNCPF_INT),
    MSR(0xc0000080, efer, ALL, F_NONE, .apart = true, .write = x86_write_efer),
    MSR(0xc0000081, star, ALL, F_SYSCALL),
    MSR(0xc0000082, lstar, ALL, F_LM, .address = true),
    MSR(0xc0000083, cstar, ALL, F_LM, .address = true),
    MSR(0xc0000084, fmask, 0xffffffff, F_SYSCALL),
    MSR(0xc0000100, base[FS], ALL, F_LM, .apart = true, .write = write_fs_base),
    MSR(0xc0000101, base[GS], ALL, F_LM, .apart = true, .write = write_gs_base),
    MSR(0xc0000102, kernel_gs_base, ALL, F_LM, .address = true),
    MSR(0xc0000103, tsc_aux, 0xffffffff, F_RDTSCP),
    MSR(0xc0000104, tsc_ratio, MASK(40), F_TSC_SCALE),
    MSR(0xc0010114, vm_cr, 0x1f, F_SVM, .write = write_vm_cr),
    MSR(0xc0010117, vm_hsave_pa, ALL, F_SVM, .write = write_hsave),
};

/* Registers whose value is fixed: writes are taken and change nothing. */
static const struct { u32 first, last; u64 value; } fixed[] = {
    { 0x00000000, 0x00000001, 0 },      /* IA32_P5_MC_ADDR, _TYPE */
    { 0x00000017, 0x00000017, 0 },      /* IA32_PLATFORM_ID */
    { 0x0000002a, 0x0000002a, 0 },      /* EBL_CR_POWERON */
    { 0x00000034, 0x00000034, 0 },      /* SMI_COUNT */
    { 0x0000003a, 0x0000003a, 1 },      /* IA32_FEATURE_CONTROL: locked */
    { 0x0000008b, 0x0000008b, BIT(32) },        /* microcode revision 1 */
    { 0x000000c1, 0x000000c2, 0 },      /* IA32_PMC0, 1: none counts */
    { 0x000000cd, 0x000000cd, 0 },      /* FSB_FREQ */
    { 0x000000ce, 0x000000ce, 0x80000a00 },     /* PLATFORM_INFO: 1 GHz */
    { 0x000000fe, 0x000000fe, 0x508 },  /* IA32_MTRRCAP: 8, fixed, WC */
    { 0x00000179, 0x00000179, 0x10a },  /* IA32_MCG_CAP: 10 banks, CTL */
    { 0x00000186, 0x00000187, 0 },      /* IA32_PERFEVTSEL0, 1 */
    { 0x00000198, 0x00000198, 1000 | 4ull << 40 },      /* PERF_STATUS */
    { 0x00000199, 0x0000019d, 0 },      /* PERF_CTL, clocks, thermal */
    { 0x000001d9, 0x000001d9, 0 },      /* IA32_DEBUGCTL */
    { 0x000001db, 0x000001de, 0 },      /* last branch, last exception */
    { 0xc0010000, 0xc0010007, 0 },      /* AMD's event selectors, counters */
    { 0xc0010010, 0xc0010010, 0 },      /* SYSCFG */
    { 0xc0010015, 0xc0010015, BIT(24) },        /* HWCR: TSC at P0's rate */
    { 0xc0010016, 0xc001001f, 0 },      /* IORR, TOP_MEM, NB_CFG */
    { 0xc0010055, 0xc0010055, 0 },      /* interrupt pending message */
    { 0xc0010058, 0xc0010058, 0 },      /* MMIO configuration base */
    { 0xc0010112, 0xc0010113, 0 },      /* SMM's address and mask */
    { 0xc0011020, 0xc0011028, 0 },      /* LS, IC, DC, ... configuration */
    { 0xc0011029, 0xc0011029, 2 },      /* DE_CFG: LFENCE serialises */
    { 0xc001102a, 0xc001102a, 0 },      /* BU_CFG2 */
};

static u64 *find(X86Cpu *c, u32 msr, const Msr **row)
{
    for (u32 i = 0; i < countof(msrs); i++) {
        const Msr *m = &msrs[i];
        if (msr - m->number < m->count) {
            if (!x86_has(c, m->feature)) {
                return NULL;
            }
            *row = m;
            return (u64 *)((u8 *)c + m->offset) + (msr - m->number);
        }
    }
    return NULL;
}

u64 *x86_nth_msr(X86Cpu *c, u32 n, u32 *number)
{
    for (u32 i = 0; i < countof(msrs); i++) {
        const Msr *m = &msrs[i];
        u32 count = m->apart ? 0 : m->count;
        if (n < count) {
            *number = m->number + n;
            return (u64 *)((u8 *)c + m->offset) + n;
        }
        n -= count;
    }
    return NULL;
}

static const u64 *find_fixed(u32 msr)
{
    for (u32 i = 0; i < countof(fixed); i++) {
        if (msr >= fixed[i].first && msr <= fixed[i].last) {
            return &fixed[i].value;
        }
    }
    return NULL;
}

/* The APIC's base, the deadline timer, x2APIC. */
static bool belongs_to_intc(const X86Cpu *c, u32 msr)
{
    return (msr == 0x1b && x86_has(c, F_APIC))
        || (msr == 0x6e0 && x86_has(c, F_TSC_DEADLINE))
        || (msr >= 0x800 && msr <= 0x8ff && x86_has(c, F_X2APIC));
}

static bool unknown(const X86Cpu *c, const char *what, u32 msr)
{
    log_line(LOG_UNIMP, "CPU %d: %s of MSR %#x: there is none (IP %#llx)",
             c->cpu.index, what, msr, (unsigned long long)x86_ip(c));
    return false;
}

bool x86_rdmsr(X86Cpu *c, u32 msr, u64 *v)
{
    const Msr *row;
    const u64 *place = find(c, msr, &row);

    if (place && row->read) {
        return row->read(c, v);
    }
    if (!place) {
        place = find_fixed(msr);
    }
    if (place) {
        *v = *place;
        return true;
    }
    return (belongs_to_intc(c, msr) && x86_intc_read(c, msr, v))
        || unknown(c, "read", msr);
}

bool x86_wrmsr(X86Cpu *c, u32 msr, u64 v)
{
    const Msr *row;
    u64 *place = find(c, msr, &row);

    if (place) {
        if (v & ~row->writable || (row->address && !canonical(v))) {
            return false;
        }
        if (row->write) {
            return row->write(c, v);
        }
        *place = v;
        return true;
    }
    if (find_fixed(msr)) {
        return true;
    }
    return (belongs_to_intc(c, msr) && x86_intc_write(c, msr, v))
        || unknown(c, "write", msr);
}
