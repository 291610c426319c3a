/* SPDX-License-Identifier: MIT */
/*
 * Modes, exceptions and interrupts.  Reference: PRA, chapters 3 "MIPS
 * Operating Modes" and 6 "Interrupts and Exceptions".
 *
 * Left out: debug mode (EJTAG), external interrupt controllers (EIC), shadow
 * register sets, and guest mode.
 */
#include "target/mips/translate.h"
#include "util/log.h"

enum { VECTOR_REFILL = 0, VECTOR_XTLB = 0x80, VECTOR_GENERAL = 0x180,
       VECTOR_INT = 0x200 };

/* ---- key and space ------------------------------------------------------ */

bool mips_is_kernel(const MipsCpu *c)
{
    return c->status & (ST_EXL | ST_ERL) || !(c->status & ST_KSU);
}

/* Privilege, and what it allows: PRA 3.2, 3.3, 4.2. */
static u32 mode_key(const MipsCpu *c)
{
    u64 st = c->status;
    u32 wide = c->features & FEAT_64 ? KEY_64 : 0;

    if (mips_is_kernel(c)) {
        return KEY_CP0 | wide | (wide && st & ST_KX ? KEY_ADDR64 : 0);
    }
    if (st & 1 << 3) {                          /* KSU: supervisor */
        return KEY_SUPER | wide | (wide && st & ST_SX ? KEY_ADDR64 : 0);
    }
    return KEY_USER | (st & (ST_UX | ST_PX) ? wide : 0)
        | (wide && st & ST_UX ? KEY_ADDR64 : 0);
}

/* A kernel rarely uses the FPU, so that it has one key whatever CU1 is. */
static u32 fpu_key(const MipsCpu *c)
{
    enum { FS = 1 << 24, ENABLES = 31 << 7 };

    if (!(c->features & FEAT_FPU) || !(c->status & ST_CU1)
        || (mips_is_kernel(c) && !c->kernel_fpu)) {
        return 0;
    }
    return KEY_FPU | (c->status & ST_FR ? KEY_FR : 0)
        | (c->fcsr & (FS | ENABLES) ? KEY_FP_SOFT : 0);
}

static u32 key_of(const MipsCpu *c)
{
    enum { ULR = 29, ULRI = 1 << 13, MSAEN = 1 << 27 };
    u32 key = mode_key(c) | fpu_key(c);

    key |= c->status & ST_CU0 ? KEY_CP0 : 0;
    key |= c->config[3] & ULRI && (key & KEY_CP0 || c->hwrena >> ULR & 1)
        ? KEY_ULR : 0;
    key |= c->isa ? KEY_ISA : 0;
    key |= c->status & ST_ERL ? KEY_ERL : 0;
    key |= c->features & FEAT_MSA && c->config[5] & MSAEN ? KEY_MSA : 0;
    key |= c->features & FEAT_DSP && c->status & ST_MX ? KEY_DSP : 0;
    return key | (c->big_endian ? KEY_BE : 0);
}

void mips_mode_changed(MipsCpu *c)
{
    u32 key = key_of(c);

    if (key & (KEY_USER | KEY_SUPER)) {
        tlb_switch(&c->cpu, mips_space(c), key);
    } else {
        tlb_switch_kernel(&c->cpu, mips_space(c), key);
    }
}

void mips_want_fpu(MipsCpu *c)
{
    if (c->status & ST_CU1 && c->features & FEAT_FPU && mips_is_kernel(c)) {
        c->kernel_fpu = true;
        c->bd = 0;
        mips_mode_changed(c);
    } else {
        mips_exception(c, EXC_CPU, 1);
    }
}

void mips_jump(MipsCpu *c, u64 to)
{
    u32 isa = c->features & FEAT_CA ? to & 1 : 0;

    c->cpu.tcg.pc = canonical(c, to - isa);
    if (c->isa != isa) {
        c->isa = isa;
        mips_mode_changed(c);
    }
}

u64 mips_code_address(const MipsCpu *c)
{
    return c->cpu.tcg.pc | c->isa;
}

/* ---- in ----------------------------------------------------------------- */

/* PRA 6.2.2: the base of the vectors. */
static u64 vector_base(const MipsCpu *c)
{
    if (c->status & ST_BEV) {
        return 0xffffffffbfc00200ull;
    }
    return c->features & FEAT_R2 ? (u64)(i32)(c->ebase & ~0xfffull)
                                 : 0xffffffff80000000ull;
}

static void log_exception(const MipsCpu *c, u32 code, u64 vector)
{
    if (log_on(LOG_INT)) {
        log_line(LOG_INT, "exception %d: code %u%s at %016llx, BadVAddr "
                 "%016llx Status %08x to %llx", c->cpu.index, code,
                 c->bd ? " in a delay slot" : "",
                 (unsigned long long)c->cpu.tcg.pc,
                 (unsigned long long)c->badvaddr, (u32)c->status,
                 (unsigned long long)vector);
    }
}

static void enter(MipsCpu *c, u32 code, u32 ce, u64 offset)
{
    u64 to = vector_base(c) + offset;

    log_exception(c, code, to);
    c->cause = (c->cause & ~(u64)(CAUSE_CODE | CAUSE_CE))
        | code << 2 | (u64)ce << 28;
    if (!(c->status & ST_EXL)) {
        c->epc = mips_code_address(c);
        c->cause = (c->cause & ~CAUSE_BD) | (c->bd ? CAUSE_BD : 0);
        c->status |= ST_EXL;
    }
    c->bd = 0;
    c->kernel_fpu = false;
    c->isa = 0;
    c->cpu.tcg.pc = canonical(c, to);
    mips_mode_changed(c);
}

/* 64-bit addressing is on where badvaddr is: PRA 6.2.6 "XTLB Refill". */
static bool refills_wide(const MipsCpu *c)
{
    static const u32 enable[4] = { ST_UX, ST_SX, ST_KX, ST_KX };

    return is_wide(c) && c->status & enable[c->badvaddr >> 62];
}

/* PRA, "BadInstr", "BadInstrP": of an exception in a slot the branch too. */
static void tell_instruction(MipsCpu *c)
{
    enum { BI = 1 << 26 };
    u8 insn[8];

    if (c->status & ST_EXL || !(c->config[3] & BI)
        || !cpu_debug_read(&c->cpu, c->cpu.tcg.pc, insn, c->bd ? 8 : 4)) {
        return;
    }
    for (u32 i = 0; i <= c->bd; i++) {
        c->badinstr[c->bd - i] = c->big_endian ? load_be(insn + 4 * i, 4)
                                               : load_le(insn + 4 * i, 4);
    }
}

static void take(MipsCpu *c, u32 code, u32 ce)
{
    u64 offset = VECTOR_GENERAL;

    if (code & EXC_REFILL) {
        code &= ~(u32)EXC_REFILL;
        if (!(c->status & ST_EXL)) {
            offset = refills_wide(c) ? VECTOR_XTLB : VECTOR_REFILL;
        }
    }
    enter(c, code, ce, offset);
}

void mips_exception(MipsCpu *c, u32 code, u32 ce)
{
    tell_instruction(c);
    take(c, code, ce);
}

void mips_trap(Cpu *c, u32 code)
{
    if (code == TRAP_EXCHANGE) {
        mips_jump(mips_cpu(c), mips_cpu(c)->jump);
        return;
    }
    mips_exception(mips_cpu(c), code, 0);
}

/* What TLB exceptions tell of the address; the ASID stays: PRA 9. */
static void tell_address(MipsCpu *c, u64 va)
{
    u64 vpn = is_wide(c) ? (va & (MASK(c->segbits) | 3ull << 62)) & ~MASK(13)
                         : va & ~MASK(13);
    u32 r_at = c->segbits - 9u;

    c->entryhi = (c->entryhi & (c->asid_mask | 0xff)) | vpn;
    c->context = (c->context & ~MASK(23)) | (va >> 13 & MASK(19)) << 4;
    if (is_wide(c)) {
        c->xcontext = (c->xcontext & ~MASK(r_at + 2))
            | (va & MASK(c->segbits)) >> 13 << 4 | va >> 62 << r_at;
    }
}

static bool is_tlb_code(u32 code)
{
    return code & EXC_REFILL || (code >= EXC_MOD && code <= EXC_TLBS)
        || code == EXC_TLBRI || code == EXC_TLBXI;
}

/* MIPS16e's EXTEND and JAL may be half in a page. */
static bool is_half_fetched(MipsCpu *c, u64 va)
{
    u8 first[2];

    return c->isa && va == c->cpu.tcg.pc + 2
        && cpu_debug_read(&c->cpu, va - 2, first, 2)
        && mips16_is_long((u32)(c->big_endian ? load_be(first, 2)
                                              : load_le(first, 2)));
}

/* A slot that could not be fetched: the branch before it was. */
static bool is_slot_fetch(MipsCpu *c, const Fault *f)
{
    return f->access == ACCESS_FETCH && f->va != c->cpu.tcg.pc
        && !is_half_fetched(c, f->va);
}

void mips_fault(Cpu *cpu, const Fault *f)
{
    MipsCpu *c = mips_cpu(cpu);
    u32 code = (u32)f->code;

    if (code != EXC_IBE && code != EXC_DBE) {
        c->badvaddr = canonical(c, f->va);
    }
    if (is_tlb_code(code)) {
        tell_address(c, c->badvaddr);
    }
    c->bd |= is_slot_fetch(c, f);
    if (f->access != ACCESS_FETCH) {
        tell_instruction(c);
    }
    take(c, code, 0);
}

/* ---- interrupts --------------------------------------------------------- */

u32 mips_cause(const MipsCpu *c)
{
    u32 lines = __atomic_load_n(&c->cpu.lines, __ATOMIC_SEQ_CST);
    u32 v = (u32)c->cause | (lines << 8 & CAUSE_IP & ~CAUSE_IP01);

    if (__atomic_load_n(&c->timer_due, __ATOMIC_SEQ_CST)) {
        v |= c->features & FEAT_R2 ? CAUSE_TI : 0;
        v |= 1u << (8 + bits(c->intctl, 31, 29));
    }
    return v;
}

static u32 pending(const MipsCpu *c)
{
    return mips_cause(c) & (u32)c->status & ST_IM;
}

static bool enabled(const MipsCpu *c)
{
    return (c->status & (ST_IE | ST_EXL | ST_ERL)) == ST_IE;
}

void mips_check_lines(MipsCpu *c)
{
    if (unlikely(enabled(c) && pending(c))) {
        cpu_request(&c->cpu, REQ_INTERRUPT);
    }
}

/* PRA 6.1.1.2: vectored, the highest line has its own vector. */
static u64 interrupt_offset(const MipsCpu *c, u32 due)
{
    enum { VINT = 1 << 5 };
    u64 spacing = bits(c->intctl, 9, 5) << 5;
    u32 line = 31 - (u32)__builtin_clz(due >> 8);

    if (!(c->cause & CAUSE_IV)) {
        return VECTOR_GENERAL;
    }
    if (c->status & ST_BEV || !spacing || !(c->config[3] & VINT)) {
        return VECTOR_INT;
    }
    return VECTOR_INT + line * spacing;
}

bool mips_interrupt(Cpu *cpu)
{
    MipsCpu *c = mips_cpu(cpu);
    u32 due = pending(c);

    if (!due || !enabled(c)) {
        return false;
    }
    enter(c, EXC_INT, 0, interrupt_offset(c, due));
    return true;
}

/* Enabled or not by Status.IE: what WAIT waits for is one that IM lets by. */
bool mips_wakes(const Cpu *c)
{
    return pending((const MipsCpu *)c) != 0;
}

/* ---- out ---------------------------------------------------------------- */

void mips_eret(MipsCpu *c)
{
    if (c->status & ST_ERL) {
        c->status &= ~(u64)ST_ERL;
        mips_jump(c, c->errorepc);
    } else {
        c->status &= ~(u64)ST_EXL;
        mips_jump(c, c->epc);
    }
    if (log_on(LOG_INT)) {
        log_line(LOG_INT, "ERET %d: to %016llx, Status %08x", c->cpu.index,
                 (unsigned long long)c->cpu.tcg.pc, (u32)c->status);
    }
    c->kernel_fpu = false;
    mips_mode_changed(c);
    mips_check_lines(c);
}
