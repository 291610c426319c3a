/* SPDX-License-Identifier: MIT */
/*
 * SVM's world switches: VMRUN, #VMEXIT, VMLOAD, VMSAVE.
 * Reference: AMD64 APM volume 2, chapter 15, appendix B.
 *
 * The host's state is kept where VM_HSAVE_PA points, in the VMCB's layout,
 * and nowhere else.  VMCB clean bits are not looked at: all is read again.
 */
#include "softmmu/machine.h"
#include "target/i386/svm.h"
#include "target/i386/system.h"
#include "util/log.h"

/* ---- the VMCB in memory ------------------------------------------------- */

typedef struct Vmcb {
    MemSpace *mem;
    u64 pa;
    u8 *host;                   /* NULL: it is not RAM */
} Vmcb;

static Vmcb vmcb_at(X86Cpu *c, u64 pa)
{
    u64 len = VMCB_SIZE;
    Vmcb v = { c->cpu.mem, pa, mem_host(c->cpu.mem, pa, &len, true) };

    if (len < VMCB_SIZE) {
        v.host = NULL;
    }
    return v;
}

static u64 get(const Vmcb *v, u32 at, unsigned size)
{
    return v->host ? load_le(v->host + at, size)
                   : mem_get(v->mem, v->pa + at, size);
}

static void put(const Vmcb *v, u32 at, unsigned size, u64 value)
{
    if (v->host) {
        store_le(v->host + at, size, value);
    } else {
        mem_put(v->mem, v->pa + at, size, value);
    }
}

static void wrote(const Vmcb *v)
{
    if (v->host) {
        mem_wrote(v->mem, v->pa, VMCB_SIZE);
    }
}

/* ---- registers ---------------------------------------------------------- */

typedef struct Saved { u16 at; u8 size; u16 offset; } Saved;
#define SAVED(at, member) \
    { at, sizeof_field(X86Cpu, member), offsetof(X86Cpu, member) }

/* Of guest and host; what else differs is in save() and load(). */
static const Saved switched[] = {
    SAVED(VMCB_GDTR + 4, gdtr.limit), SAVED(VMCB_GDTR + 8, gdtr.base),
    SAVED(VMCB_IDTR + 4, idtr.limit), SAVED(VMCB_IDTR + 8, idtr.base),
    SAVED(VMCB_CR0, cr0), SAVED(VMCB_CR3, cr3), SAVED(VMCB_CR4, cr4),
    SAVED(VMCB_EFER, efer), SAVED(VMCB_RSP, r[RSP]), SAVED(VMCB_RAX, r[RAX]),
};
/* Of the guest alone. */
static const Saved guests[] = {
    SAVED(VMCB_CR2, cr2), SAVED(VMCB_DR6, dr[6]), SAVED(VMCB_DR7, dr[7]),
};
/* Of VMLOAD and VMSAVE, beside FS, GS, LDTR, TR. */
static const Saved loaded[] = {
    SAVED(VMCB_STAR, star), SAVED(VMCB_LSTAR, lstar), SAVED(VMCB_CSTAR, cstar),
    SAVED(VMCB_SFMASK, fmask), SAVED(VMCB_KERNEL_GS_BASE, kernel_gs_base),
    SAVED(VMCB_SYSENTER_CS, sysenter_cs), SAVED(VMCB_SYSENTER_ESP, sysenter_esp),
    SAVED(VMCB_SYSENTER_EIP, sysenter_eip),
};

static void put_regs(X86Cpu *c, const Vmcb *v, const Saved *r, u32 n)
{
    for (const Saved *end = r + n; r < end; r++) {
        put(v, r->at, r->size, load_le((u8 *)c + r->offset, r->size));
    }
}

static void get_regs(X86Cpu *c, const Vmcb *v, const Saved *r, u32 n)
{
    for (const Saved *end = r + n; r < end; r++) {
        store_le((u8 *)c + r->offset, r->size, get(v, r->at, r->size));
    }
}

/* Attributes have 12 bits there: the gap of the descriptor is closed. */
static void put_seg(const Vmcb *v, u32 at, const X86Seg *s, u64 base)
{
    put(v, at, 2, s->selector);
    put(v, at + 2, 2, (s->attr & 0xff) | (s->attr >> 4 & 0xf00));
    put(v, at + 4, 4, s->limit);
    put(v, at + 8, 8, base);
}

static u64 get_seg(const Vmcb *v, u32 at, X86Seg *s)
{
    u32 attr = (u32)get(v, at + 2, 2);

    s->selector = (u16)get(v, at, 2);
    s->attr = (attr & 0xff) | (attr & 0xf00) << 4;
    s->limit = (u32)get(v, at + 4, 4);
    return (u64)sext(get(v, at + 8, 8), 48);
}

static void save_seg(X86Cpu *c, const Vmcb *v, unsigned s)
{
    put_seg(v, VMCB_SEGS + s * 16, &c->seg[s], c->base[s]);
}

static void load_seg(X86Cpu *c, const Vmcb *v, unsigned s)
{
    X86Seg seg;
    u64 base = get_seg(v, VMCB_SEGS + s * 16, &seg);

    x86_set_seg(c, s, seg.selector, base, seg.limit, seg.attr);
}

/* The state that VMRUN switches, with the IP to come back to. */
static void save(X86Cpu *c, const Vmcb *v, u64 ip)
{
    put_regs(c, v, switched, countof(switched));
    for (unsigned s = ES; s <= DS; s++) {
        save_seg(c, v, s);
    }
    put(v, VMCB_RFLAGS, 8, x86_eflags(c));
    put(v, VMCB_RIP, 8, ip);
}

static void load(X86Cpu *c, const Vmcb *v, u64 flags, unsigned cpl)
{
    get_regs(c, v, switched, countof(switched));
    c->cr0 |= CR0_ET;
    c->efer = deposit(c->efer, 10, 1, c->efer & EFER_LME && c->cr0 & CR0_PG);
    c->gdtr.base = (u64)sext(c->gdtr.base, 48);
    c->idtr.base = (u64)sext(c->idtr.base, 48);
    x86_put_eflags(c, flags);
    c->cpl = (u8)(!(c->cr0 & CR0_PE) ? 0 : c->eflags & FL_VM ? 3 : cpl);
    for (unsigned s = ES; s <= DS; s++) {
        load_seg(c, v, s);
    }
    x86_segs_changed(c);
    x86_set_ip(c, get(v, VMCB_RIP, 8));
    c->debug_due = 0;
    c->svm.shadow_ip = ~0ull;
}

void x86_vmload(X86Cpu *c, u64 pa)
{
    Vmcb v = vmcb_at(c, pa);

    load_seg(c, &v, FS);
    load_seg(c, &v, GS);
    c->ldtr_base = get_seg(&v, VMCB_LDTR, &c->ldtr);
    c->tr_base = get_seg(&v, VMCB_TR, &c->tr);
    get_regs(c, &v, loaded, countof(loaded));
    x86_mode_changed(c);
}

void x86_vmsave(X86Cpu *c, u64 pa)
{
    Vmcb v = vmcb_at(c, pa);

    save_seg(c, &v, FS);
    save_seg(c, &v, GS);
    put_seg(&v, VMCB_LDTR, &c->ldtr, c->ldtr_base);
    put_seg(&v, VMCB_TR, &c->tr, c->tr_base);
    put_regs(c, &v, loaded, countof(loaded));
    wrote(&v);
}

/* DR7 was changed from `old`; then the key. */
static void debug_switched(X86Cpu *c, u64 old)
{
    enum { ENABLES = 0xff };

    if ((old | c->dr[7]) & ENABLES) {
        x86_debug_changed(c);
    } else {
        x86_mode_changed(c);
    }
}

/* ---- checks of VMRUN (15.5.1 "Canonicalization and Consistency Checks") - */

static bool has_pdptes(const X86Cpu *c)
{
    return c->cr0 & CR0_PG && c->cr4 & CR4_PAE && !long_mode(c);
}

/* What is wrong with the guest's registers; NULL: nothing. */
static const char *wrong_state(const X86Cpu *c, const Vmcb *v)
{
    u64 cr0 = get(v, VMCB_CR0, 8), cr3 = get(v, VMCB_CR3, 8);
    u64 cr4 = get(v, VMCB_CR4, 8), efer = get(v, VMCB_EFER, 8);
    u64 cs = get(v, VMCB_SEGS + CS * 16 + 2, 2) >> 8;
    bool wide = efer & EFER_LME && cr0 & CR0_PG;
    enum { L = 2, D = 4 };

    if (!(efer & EFER_SVME)) {
        return "EFER.SVME is 0";
    }
    if (efer & ~x86_efer_allowed(c)) {
        return "a reserved bit of EFER is set";
    }
    if (cr0 >> 32 || (cr0 & CR0_NW && !(cr0 & CR0_CD))) {
        return "CR0";
    }
    if (cr4 & ~x86_cr4_allowed(c)) {
        return "a reserved bit of CR4 is set";
    }
    if (wide && (!(cr4 & CR4_PAE) || !(cr0 & CR0_PE)
                 || (cs & (L | D)) == (L | D))) {
        return "long mode without CR4.PAE or CR0.PE, or CS.L and CS.D";
    }
    if (wide && cr3 & ~x86_physical_mask(c)) {
        return "a reserved bit of CR3 is set";
    }
    if (get(v, VMCB_DR6, 8) >> 32 || get(v, VMCB_DR7, 8) >> 32) {
        return "the upper half of DR6 or DR7 is not 0";
    }
    return NULL;
}

/* 15.20 "Event Injection" */
static bool good_event(u64 event)
{
    u32 vector = event & 0xff, kind = event >> 8 & 7;

    return !(event & EVENT_V) || kind == INT_EXTERNAL || kind == INT_NMI
        || kind == INT_SOFT
        || (kind == INT_EXCEPTION && vector < 32 && vector != X_NMI);
}

static bool good_pat(u64 pat)
{
    for (int i = 0; i < 8; i++) {
        u64 type = pat >> i * 8 & 0xff;
        if (type > 7 || type == 2 || type == 3) {
            return false;
        }
    }
    return true;
}

static const char *wrong_control(const X86Cpu *c, const Vmcb *v)
{
    enum { IOPM_BYTES = 0x3000, MSRPM_BYTES = 0x2000 };
    u64 mask = x86_physical_mask(c);

    if (!x86_intercepts(c, EXIT_VMRUN)) {
        return "VMRUN is not intercepted";
    }
    if (!c->svm.asid) {
        return "ASID is 0";
    }
    if (c->svm.iopm + IOPM_BYTES - 1 > mask
        || c->svm.msrpm + MSRPM_BYTES - 1 > mask) {
        return "a permission map is beyond physical memory";
    }
    if (!good_event(get(v, VMCB_EVENTINJ, 8))) {
        return "EVENTINJ";
    }
    if (c->svm.np && (!(c->cr0 & CR0_PG) || c->svm.n_cr3 & ~mask
                      || !good_pat(c->svm.g_pat))) {
        return "nested paging: CR0.PG of the host, nCR3 or gPAT";
    }
    return NULL;
}

/* ---- VMRUN -------------------------------------------------------------- */

static void load_control(X86Cpu *c, const Vmcb *v)
{
    X86Svm *s = &c->svm;

    for (u32 i = 0; i < countof(s->intercept); i++) {
        s->intercept[i] = (u32)get(v, VMCB_INTERCEPT + i * 4, 4);
    }
    s->vmcb = v->pa;
    s->asid = (u32)get(v, VMCB_ASID, 4);
    s->iopm = align_down(get(v, VMCB_IOPM_BASE, 8), GUEST_PAGE);
    s->msrpm = align_down(get(v, VMCB_MSRPM_BASE, 8), GUEST_PAGE);
    s->tsc_offset = get(v, VMCB_TSC_OFFSET, 8);
    s->int_ctl = get(v, VMCB_INT_CTL, 8);
    s->np = get(v, VMCB_NP, 1) & 1 && x86_has(c, F_NPT);
    s->n_cr3 = get(v, VMCB_N_CR3, 8);
    s->g_pat = get(v, VMCB_G_PAT, 8);
    s->host_cr4 = c->cr4;
    s->host_efer = c->efer;
    s->host_if = c->eflags & FL_IF;
    s->pause_filter = x86_has(c, F_PAUSE_FILTER)
        ? (u16)get(v, VMCB_PAUSE_COUNT, 2) : 0;
    s->pause_threshold = x86_has(c, F_PFTHRESHOLD)
        ? (u16)get(v, VMCB_PAUSE_THRESHOLD, 2) : 0;
    s->pause_count = s->pause_filter;
    s->pause_last = 0;
}

/* The host goes on with an answer of the VMCB alone. */
static void refuse(X86Cpu *c, const Vmcb *v, const char *why, u64 next)
{
    log_line(LOG_GUEST, "CPU %d: VMRUN of the VMCB at %#llx fails: %s",
             c->cpu.index, (unsigned long long)v->pa, why);
    put(v, VMCB_EXITCODE, 8, EXIT_INVALID);
    put(v, VMCB_EXITINFO1, 8, 0);
    put(v, VMCB_EXITINFO2, 8, 0);
    put(v, VMCB_EXITINTINFO, 8, 0);
    wrote(v);
    c->svm.closed = true;
    c->shadow = false;
    x86_set_ip(c, next);
    x86_mode_changed(c);
}

static void enter_guest(X86Cpu *c, const Vmcb *v)
{
    u64 dr7 = c->dr[7];
    u8 flush = (u8)get(v, VMCB_TLB_CONTROL, 1);

    load(c, v, get(v, VMCB_RFLAGS, 8), get(v, VMCB_CPL, 1) & 3);
    get_regs(c, v, guests, countof(guests));
    c->shadow = get(v, VMCB_SHADOW, 1) & 1;
    c->svm.guest = true;
    c->svm.closed = false;
    if (flush == TLB_FLUSH_ALL) {
        x86_forget_spaces(c);
    }
    x86_enter_spaces(c, flush != TLB_KEEP);
    debug_switched(c, dr7);
}

static void inject(X86Cpu *c, const Vmcb *v)
{
    u64 event = get(v, VMCB_EVENTINJ, 8), next = x86_ip(c);
    u64 nrip = x86_has(c, F_NRIP_SAVE) ? get(v, VMCB_NRIP, 8) : 0;
    u32 vector = event & 0xff, kind = event >> 8 & 7;
    bool soft = kind == INT_SOFT
        || (kind == INT_EXCEPTION && (vector == X_BP || vector == X_OF));

    if (event & EVENT_V) {
        x86_inject(c, event, soft && nrip ? nrip : next);
    }
}

void x86_vmrun(X86Cpu *c, u64 pa, u64 next)
{
    Vmcb v = vmcb_at(c, pa), host = vmcb_at(c, c->vm_hsave_pa);
    const char *why;

    load_control(c, &v);
    why = wrong_control(c, &v);
    why = why ? why : wrong_state(c, &v);
    if (why) {
        refuse(c, &v, why, next);
        return;
    }
    save(c, &host, next);
    wrote(&host);
    enter_guest(c, &v);
    if (has_pdptes(c) && !c->svm.np && !x86_load_pdptes(c, c->cr3)) {
        x86_vmexit(c, &(X86Exit) { .code = EXIT_INVALID });
        return;
    }
    inject(c, &v);
    x86_check_lines(c);
}

/* ---- #VMEXIT ------------------------------------------------------------ */

/* Decode assists: what can be fetched of the instruction, up to 15 bytes. */
static void put_bytes(X86Cpu *c, const Vmcb *v)
{
    enum { LONGEST = 15 };
    u64 pc = c->cpu.tcg.pc;
    u32 n = 0;
    TlbHit hit;
    Fault f;

    x86_level_changed(c);
    while (n < LONGEST
           && tlb_resolve(&c->cpu, pc + n, ACCESS_FETCH, false, &hit, &f)
           && hit.host) {
        u32 room = GUEST_PAGE - (u32)((pc + n) & (GUEST_PAGE - 1));
        for (u32 end = MIN(n + room, LONGEST); n < end; n++) {
            put(v, VMCB_INSN + n, 1, *hit.host++);
        }
    }
    put(v, VMCB_INSN_LEN, 1, n);
}

static bool in_shadow(const X86Cpu *c, const X86Exit *x)
{
    bool between = x->code >= EXIT_INTR && x->code <= EXIT_VINTR;

    return c->shadow || (!between && c->svm.shadow_ip == c->cpu.tcg.pc);
}

static void put_exit(X86Cpu *c, const Vmcb *v, const X86Exit *x)
{
    put(v, VMCB_EXITCODE, 8, x->code);
    put(v, VMCB_EXITINFO1, 8, x->info1);
    put(v, VMCB_EXITINFO2, 8, x->info2);
    put(v, VMCB_EXITINTINFO, 8, x->int_info);
    put(v, VMCB_EVENTINJ, 8, get(v, VMCB_EVENTINJ, 8) & ~EVENT_V);
    put(v, VMCB_INT_CTL, 8, c->svm.int_ctl);
    put(v, VMCB_SHADOW, 8, in_shadow(c, x));
    if (x86_has(c, F_NRIP_SAVE)) {
        put(v, VMCB_NRIP, 8, x->next);
    }
    if (x86_has(c, F_DECODEASSISTS)) {
        put(v, VMCB_INSN_LEN, 1, 0);
        if (x->bytes) {
            put_bytes(c, v);
        }
    }
}

static void leave_guest(X86Cpu *c)
{
    enum { DR7_RESET = 0x400 };
    Vmcb host = vmcb_at(c, c->vm_hsave_pa);
    u64 dr7 = c->dr[7];

    x86_leave_spaces(c);
    c->svm.guest = false;
    c->svm.closed = true;
    c->shadow = false;
    c->cpu.halted = false;
    load(c, &host, get(&host, VMCB_RFLAGS, 8) & ~(u64)FL_VM, 0);
    c->cr0 |= CR0_PE;
    c->dr[7] = DR7_RESET;
    if (has_pdptes(c)) {
        x86_load_pdptes(c, c->cr3);
    }
    debug_switched(c, dr7);
}

void x86_vmexit(X86Cpu *c, const X86Exit *x)
{
    Vmcb v = vmcb_at(c, c->svm.vmcb);

    if (log_on(LOG_INT)) {
        log_line(LOG_INT, "#VMEXIT %d: code %llx info %llx %llx interrupted "
                 "%llx at %04x:%llx", c->cpu.index,
                 (unsigned long long)x->code, (unsigned long long)x->info1,
                 (unsigned long long)x->info2, (unsigned long long)x->int_info,
                 c->seg[CS].selector, (unsigned long long)x86_ip(c));
    }
    put_exit(c, &v, x);
    if (x->code != EXIT_INVALID) {
        save(c, &v, x86_ip(c));
        put_regs(c, &v, guests, countof(guests));
        put(&v, VMCB_CPL, 1, c->cpl);
        if (c->svm.np) {
            put(&v, VMCB_G_PAT, 8, c->svm.g_pat);
        }
    }
    wrote(&v);
    leave_guest(c);
}

bool x86_exits(X86Cpu *c, u32 code)
{
    if (!x86_in_guest(c) || !x86_intercepts(c, code)) {
        return false;
    }
    x86_vmexit(c, &(X86Exit) { .code = code });
    return true;
}

bool x86_virtual_due(const X86Cpu *c)
{
    u64 ctl = c->svm.int_ctl;

    return x86_in_guest(c) && ctl & V_IRQ && c->eflags & FL_IF
        && (ctl & V_IGN_TPR || (ctl >> V_INTR_PRIO & 15) > (ctl & V_TPR));
}
