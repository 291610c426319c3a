/* SPDX-License-Identifier: MIT */
/*
 * The x86 targets' rows, their registers as debuggers see them, and reset.
 * Reference: SDM volume 3, 10.1.1 "Processor State After Reset", 3.4.3
 * "EFLAGS Register"; the GDB manual, "i386 Features".
 *
 * i386 and x86_64 are one implementation: they differ in the default model
 * and in what a debugger is shown.
 */
#include <capstone/capstone.h>
#include <stdio.h>
#include "softmmu/machine.h"
#include "softmmu/options.h"
#include "target/i386/system.h"
#include "target/i386/x87.h"
#include "util/log.h"

/* ---- IR slots ----------------------------------------------------------- */

#define SLOT(n, t, member)  { n, t, offsetof(X86Cpu, member) }
#define EIGHT(R, a, b, c, d, e, f, g, h)                                    \
    R(a), R(b), R(c), R(d), R(e), R(f), R(g), R(h)
#define SIXTEEN(R)                                                          \
    EIGHT(R, 0, 1, 2, 3, 4, 5, 6, 7), EIGHT(R, 8, 9, 10, 11, 12, 13, 14, 15)
#define GPR(i, n)   [S_RAX + (i)] = SLOT(n, I64, r[i])
#define SEGMENT(i, n)                                                       \
    [S_BASE + (i)] = SLOT(n "_base", I64, base[i]),                         \
    [S_RLIM + (i)] = SLOT(n "_rlim", I64, rlim[i]),                         \
    [S_WLIM + (i)] = SLOT(n "_wlim", I64, wlim[i]),                         \
    [S_SEL + (i)] = SLOT(n, I32, seg[i].selector)
#define MM(i)       [S_MM + (i)] = SLOT("mm" #i, I64, st[i].mant)
#define XMM(i)      [S_XMM + (i)] = SLOT("xmm" #i, V128T, xmm[i])
#define YMMH(i)     [S_YMMH + (i)] = SLOT("ymmh" #i, V128T, ymmh[i])

const IrSlot x86_slots[X86_SLOTS] = {
    GPR(0, "rax"), GPR(1, "rcx"), GPR(2, "rdx"), GPR(3, "rbx"),
    GPR(4, "rsp"), GPR(5, "rbp"), GPR(6, "rsi"), GPR(7, "rdi"),
    GPR(8, "r8"), GPR(9, "r9"), GPR(10, "r10"), GPR(11, "r11"),
    GPR(12, "r12"), GPR(13, "r13"), GPR(14, "r14"), GPR(15, "r15"),
    [S_FLAGS] = SLOT("flags", I32, flags),
    [S_PF] = SLOT("pf", I32, pf),
    [S_AF] = SLOT("af", I32, af),
    [S_DF] = SLOT("df", I64, df),
    [S_EFLAGS] = SLOT("eflags", I32, eflags),
    SEGMENT(ES, "es"), SEGMENT(CS, "cs"), SEGMENT(SS, "ss"),
    SEGMENT(DS, "ds"), SEGMENT(FS, "fs"), SEGMENT(GS, "gs"),
    EIGHT(MM, 0, 1, 2, 3, 4, 5, 6, 7),
    [S_FTOP] = SLOT("ftop", I64, ftop),
    [S_FEMPTY] = SLOT("fempty", I32, fempty),
    [S_FIP] = SLOT("fip", I64, fip), [S_FDP] = SLOT("fdp", I64, fdp),
    [S_FOP] = SLOT("fop", I32, fop), [S_FDSEG] = SLOT("fdseg", I32, fdseg),
    SIXTEEN(XMM), SIXTEEN(YMMH),
};
_Static_assert((int)X86_SLOTS <= (int)IR_SLOTS, "too many slots");

/* ---- EFLAGS, IP --------------------------------------------------------- */

enum { FL_KEPT = FL_TF | FL_IF | FL_IOPL | FL_NT | FL_RF | FL_VM | FL_AC
                 | FL_VIF | FL_VIP | FL_ID };

u64 x86_eflags(const X86Cpu *c)
{
    u64 v = (c->eflags & FL_KEPT) | 2;

    v |= c->flags & FLAG_C ? FL_CF : 0;
    if (c->af & X86_IN_WORD) {
        v |= (c->flags & FLAG_P ? FL_PF : 0) | (c->flags & FLAG_A ? FL_AF : 0);
    } else {
        v |= __builtin_parity(c->pf & 0xff) ? 0 : FL_PF;
        v |= (c->pf ^ c->af) & FL_AF;
    }
    v |= c->flags & FLAG_Z ? FL_ZF : 0;
    v |= c->flags & FLAG_N ? FL_SF : 0;
    v |= (i64)c->df < 0 ? FL_DF : 0;
    v |= c->flags & FLAG_V ? FL_OF : 0;
    return v;
}

void x86_put_eflags(X86Cpu *c, u64 v)
{
    c->eflags = (v & FL_KEPT) | 2;
    c->flags = (v & FL_CF ? FLAG_C : 0) | (v & FL_ZF ? FLAG_Z : 0)
        | (v & FL_SF ? FLAG_N : 0) | (v & FL_OF ? FLAG_V : 0);
    c->pf = v & FL_PF ? 0 : 1;
    c->af = v & FL_AF;                  /* bit 4 of pf is clear */
    c->df = v & FL_DF ? ~0ull : 1;
}

void x86_set_eflags(X86Cpu *c, u64 v)
{
    x86_put_eflags(c, v);
    x86_mode_changed(c);
}

u64 x86_ip(const X86Cpu *c)
{
    return x86_code64(c) ? c->cpu.tcg.pc
                         : (u32)(c->cpu.tcg.pc - c->base[CS]);
}

void x86_set_ip(X86Cpu *c, u64 ip)
{
    c->cpu.tcg.pc = x86_code64(c) ? ip : (u32)(ip + c->base[CS]);
}

/* ---- the key ------------------------------------------------------------ */

/* What holds of a segment that translated code need not check. */
static bool is_flat(const X86Cpu *c, unsigned s)
{
    return c->base[s] == 0 && c->rlim[s] == 0xffffffff
        && (s == CS || c->wlim[s] == 0xffffffff);
}

static bool expands_down(const X86Cpu *c, unsigned s)
{
    return (c->seg[s].attr & (SEG_S | SEG_CODE | SEG_EC)) == (SEG_S | SEG_EC);
}

u32 x86_segment_key(const X86Cpu *c, unsigned s)
{
    return (s <= DS && is_flat(c, s) ? (u32)KEY_FLAT << s : 0)
        | (expands_down(c, s) ? KEY_ODD : 0);
}

static u32 segments_key(const X86Cpu *c)
{
    u32 key = 0;

    if (x86_code64(c)) {
        return KEY_CODE64 | KEY_SS32 | KEY_FLAT << ES | KEY_FLAT << CS
            | KEY_FLAT << SS | KEY_FLAT << DS;
    }
    key |= c->seg[CS].attr & SEG_B ? KEY_CODE32 : KEY_CODE16;
    key |= c->seg[SS].attr & SEG_B ? KEY_SS32 : 0;
    for (unsigned s = ES; s < SEGS; s++) {
        key |= x86_segment_key(c, s);
    }
    return key;
}

static u32 flags_key(const X86Cpu *c)
{
    u32 key = c->eflags & FL_VM ? KEY_VM : 0;

    key |= c->eflags & FL_TF || c->debug_due ? KEY_TF : 0;
    key |= c->shadow ? KEY_SHADOW : 0;
    key |= c->cr4 & CR4_UMIP && c->cpl ? KEY_UMIP : 0;
    if (c->cpl == 3) {
        key |= c->eflags & FL_AC && c->cr0 & CR0_AM ? KEY_AC : 0;
    } else {
        key |= !(c->eflags & FL_AC) && c->cr4 & CR4_SMAP ? KEY_SMAP : 0;
    }
    return key;
}

static u32 control_key(const X86Cpu *c)
{
    enum { XCR0_AVX = 6, MASKS = 0x1f80, DAZ = 1 << 6, X87_MASKS = 0x3f };
    u32 key = c->cr0 & CR0_PE ? KEY_PE : 0;

    key |= c->cr0 & CR0_EM ? KEY_EM : 0;
    key |= c->cr0 & CR0_TS ? KEY_TS : 0;
    key |= c->cr0 & CR0_MP ? KEY_MP : 0;
    key |= c->cr4 & CR4_OSFXSR ? KEY_OSFXSR : 0;
    key |= c->cr4 & CR4_OSXSAVE && (c->xcr0 & XCR0_AVX) == XCR0_AVX ? KEY_AVX
                                                                    : 0;
    key |= c->breaks ? KEY_BREAK : 0;
    key |= (c->mxcsr & MASKS) != MASKS ? KEY_FP_SOFT : 0;
    key |= c->mxcsr & DAZ ? KEY_DAZ : 0;
    key |= c->efer & EFER_LMA ? KEY_LMA : 0;
    key |= c->smm ? KEY_SMM : 0;
    key |= ~c->cpu.tcg.fcw & X87_MASKS ? KEY_X87_SOFT : 0;
    key |= c->x87_once ? KEY_X87_ONCE : 0;
    key |= x86_in_guest(c) ? KEY_SVM : 0;
    return key;
}

/*
 * Outside 64-bit mode the upper halves of RAX to RDI are zero: they are
 * undefined there (Intel SDM volume 1, 3.4.1.1), and translated code need not
 * cut what it reads.
 */
static void clear_high_halves(X86Cpu *c)
{
    for (unsigned n = RAX; n <= RDI && !x86_code64(c); n++) {
        c->r[n] = (u32)c->r[n];
    }
}

void x86_level_changed(X86Cpu *c)
{
    enum { STAYS = KEY_PE | KEY_EM | KEY_TS | KEY_MP | KEY_OSFXSR | KEY_AVX
                 | KEY_FP_SOFT | KEY_SMM | KEY_SVM | KEY_LMA | KEY_BREAK
                 | KEY_X87_SOFT | KEY_X87_ONCE | KEY_DAZ };

    clear_high_halves(c);
    tlb_switch(&c->cpu, x86_space(c), (c->cpu.key & STAYS) | c->cpl
               | segments_key(c) | flags_key(c));
}

void x86_mode_changed(X86Cpu *c)
{
    c->cpu.key = control_key(c);
    x86_level_changed(c);
}

/* ---- registers for debuggers -------------------------------------------- */

static void read_ip(Cpu *c, void *buf)
{
    store_le(buf, 8, x86_ip(x86_cpu(c)));
}

static void write_ip(Cpu *c, const void *buf)
{
    x86_set_ip(x86_cpu(c), load_le(buf, 8));
}

static void read_eip(Cpu *c, void *buf)
{
    store_le(buf, 4, x86_ip(x86_cpu(c)));
}

static void write_eip(Cpu *c, const void *buf)
{
    x86_set_ip(x86_cpu(c), load_le(buf, 4));
}

static void read_eflags(Cpu *c, void *buf)
{
    store_le(buf, 4, x86_eflags(x86_cpu(c)));
}

static void write_eflags(Cpu *c, const void *buf)
{
    x86_forget_spaces(x86_cpu(c));
    x86_put_eflags(x86_cpu(c), load_le(buf, 4));
    x86_debug_changed(x86_cpu(c));
}

void x86_registers_came(X86Cpu *c)
{
    if (c->cr0 & CR0_PG && c->cr4 & CR4_PAE && !(c->efer & EFER_LMA)) {
        x86_load_pdptes(c, c->cr3);
    }
    x86_segs_changed(c);
    x86_forget_spaces(c);
    x86_debug_changed(c);
}

static void set_fcw(X86Cpu *c, u16 v)
{
    c->cpu.tcg.fcw = v;
    x86_mode_changed(c);
}

static void read_mxcsr(Cpu *c, void *buf)
{
    store_le(buf, 4, x86_mxcsr(x86_cpu(c)));
}

static void write_mxcsr(Cpu *c, const void *buf)
{
    x86_set_mxcsr(x86_cpu(c), (u32)load_le(buf, 4));
    x86_mode_changed(x86_cpu(c));
}

/* A selector can be looked at; set only where it is all of the segment. */
static void write_selector(Cpu *cpu, unsigned seg, const void *buf)
{
    X86Cpu *c = x86_cpu(cpu);
    u64 ip = x86_ip(c);

    if (c->cr0 & CR0_PE && !(c->eflags & FL_VM)) {
        return;
    }
    if (c->seg[seg].selector != load_le(buf, 4)) {
        x86_real_seg(c, seg, (u16)load_le(buf, 4));
        x86_set_ip(c, ip);
        x86_mode_changed(c);
    }
}

#define GPR_HOOKS(n, i)                                                     \
    static void read_##n(Cpu *c, void *buf)                                 \
    {                                                                       \
        store_le(buf, 8, x86_cpu(c)->r[i]);                                 \
    }                                                                       \
    static void write_##n(Cpu *c, const void *buf)                          \
    {                                                                       \
        x86_cpu(c)->r[i] = load_le(buf, 8);                                 \
        clear_high_halves(x86_cpu(c));                                      \
    }
GPR_HOOKS(rax, RAX)
GPR_HOOKS(rcx, RCX)
GPR_HOOKS(rdx, RDX)
GPR_HOOKS(rbx, RBX)
GPR_HOOKS(rsp, RSP)
GPR_HOOKS(rbp, RBP)
GPR_HOOKS(rsi, RSI)
GPR_HOOKS(rdi, RDI)

#define SELECTOR_HOOKS(n, s)                                                \
    static void read_##n(Cpu *c, void *buf)                                 \
    {                                                                       \
        store_le(buf, 4, x86_cpu(c)->seg[s].selector);                      \
    }                                                                       \
    static void write_##n(Cpu *c, const void *buf)                          \
    {                                                                       \
        write_selector(c, s, buf);                                          \
    }
SELECTOR_HOOKS(es, ES)
SELECTOR_HOOKS(cs, CS)
SELECTOR_HOOKS(ss, SS)
SELECTOR_HOOKS(ds, DS)
SELECTOR_HOOKS(fs, FS)
SELECTOR_HOOKS(gs, GS)

/* The x87 stack in the order that programs number it. */
static X87Reg *stack_reg(Cpu *cpu, unsigned i)
{
    X86Cpu *c = x86_cpu(cpu);

    return &c->st[(c->ftop + i) & 7];
}

#define STACK_HOOKS(i)                                                      \
    static void read_st##i(Cpu *c, void *buf)                               \
    {                                                                       \
        store_le(buf, 8, stack_reg(c, i)->mant);                            \
        store_le((u8 *)buf + 8, 2, stack_reg(c, i)->exp);                   \
    }                                                                       \
    static void write_st##i(Cpu *c, const void *buf)                        \
    {                                                                       \
        stack_reg(c, i)->mant = load_le(buf, 8);                            \
        stack_reg(c, i)->exp = (u16)load_le((const u8 *)buf + 8, 2);        \
    }
STACK_HOOKS(0)
STACK_HOOKS(1)
STACK_HOOKS(2)
STACK_HOOKS(3)
STACK_HOOKS(4)
STACK_HOOKS(5)
STACK_HOOKS(6)
STACK_HOOKS(7)

/* Words of x87 as 32 bits each: the manual's order in a debugger. */
#define WORD_HOOKS(n, get, set)                                             \
    static void read_##n(Cpu *cpu, void *buf)                               \
    {                                                                       \
        X86Cpu *c = x86_cpu(cpu);                                           \
        store_le(buf, 4, get);                                              \
    }                                                                       \
    static void write_##n(Cpu *cpu, const void *buf)                        \
    {                                                                       \
        X86Cpu *c = x86_cpu(cpu);                                           \
        u32 v = (u32)load_le(buf, 4);                                       \
        set;                                                                \
    }
WORD_HOOKS(fctrl, c->cpu.tcg.fcw, set_fcw(c, (u16)v))
WORD_HOOKS(fstat, x87_fsw(c), x87_set_fsw(c, (u16)v))
WORD_HOOKS(ftag, x87_tags(c), x87_set_tags(c, (u16)v))
WORD_HOOKS(fiseg, x87_fcs(c), (c->fop &= FOP_BITS, c->fcs = (u16)v))
WORD_HOOKS(fioff, c->fip, c->fip = deposit(c->fip, 0, 32, v))
WORD_HOOKS(foseg, x87_fds(c), (c->fdseg = 0, c->fds = (u16)v))
WORD_HOOKS(fooff, c->fdp, c->fdp = deposit(c->fdp, 0, 32, v))
WORD_HOOKS(fop, c->fop & FOP_BITS, (x87_settle(c, CS), c->fop = v & FOP_BITS))

#define PLAIN(n, member, num)                                               \
    { n, offsetof(X86Cpu, member), sizeof_field(X86Cpu, member), num, NULL, NULL }
#define LOW(n, member, num) { n, offsetof(X86Cpu, member), 4, num, NULL, NULL }
#define HOOKED(n, size, num)    { #n, 0, size, num, read_##n, write_##n }

#define WORDS(first)                                                        \
    HOOKED(fctrl, 4, (first)), HOOKED(fstat, 4, (first) + 1),               \
    HOOKED(ftag, 4, (first) + 2), HOOKED(fiseg, 4, (first) + 3),            \
    HOOKED(fioff, 4, (first) + 4), HOOKED(foseg, 4, (first) + 5),           \
    HOOKED(fooff, 4, (first) + 6), HOOKED(fop, 4, (first) + 7)
#define STACK(first)                                                        \
    HOOKED(st0, 10, (first)), HOOKED(st1, 10, (first) + 1),                 \
    HOOKED(st2, 10, (first) + 2), HOOKED(st3, 10, (first) + 3),             \
    HOOKED(st4, 10, (first) + 4), HOOKED(st5, 10, (first) + 5),             \
    HOOKED(st6, 10, (first) + 6), HOOKED(st7, 10, (first) + 7)
#define SELECTORS(first)                                                    \
    HOOKED(cs, 4, (first)), HOOKED(ss, 4, (first) + 1),                     \
    HOOKED(ds, 4, (first) + 2), HOOKED(es, 4, (first) + 3),                 \
    HOOKED(fs, 4, (first) + 4), HOOKED(gs, 4, (first) + 5)

#define GDB32_XMM(i)    PLAIN("xmm" #i, xmm[i], 32 + (i))
#define GDB32_YMM(i)    PLAIN("ymm" #i "h", ymmh[i], 41 + (i))

static const GuestReg regs32[] = {
    LOW("eax", r[RAX], 0), LOW("ecx", r[RCX], 1), LOW("edx", r[RDX], 2),
    LOW("ebx", r[RBX], 3), LOW("esp", r[RSP], 4), LOW("ebp", r[RBP], 5),
    LOW("esi", r[RSI], 6), LOW("edi", r[RDI], 7),
    SELECTORS(10), STACK(16), WORDS(24),
    EIGHT(GDB32_XMM, 0, 1, 2, 3, 4, 5, 6, 7),
    EIGHT(GDB32_YMM, 0, 1, 2, 3, 4, 5, 6, 7),
    HOOKED(mxcsr, 4, 40),
    HOOKED(eip, 4, 8),
    HOOKED(eflags, 4, 9),
    { 0 }
};

#define GDB64_XMM(i)    PLAIN("xmm" #i, xmm[i], 40 + (i))
#define GDB64_YMM(i)    PLAIN("ymm" #i "h", ymmh[i], 59 + (i))

static const GuestReg regs64[] = {
    HOOKED(rax, 8, 0), HOOKED(rbx, 8, 1), HOOKED(rcx, 8, 2),
    HOOKED(rdx, 8, 3), HOOKED(rsi, 8, 4), HOOKED(rdi, 8, 5),
    HOOKED(rbp, 8, 6), HOOKED(rsp, 8, 7),
    PLAIN("r8", r[8], 8), PLAIN("r9", r[9], 9), PLAIN("r10", r[10], 10),
    PLAIN("r11", r[11], 11), PLAIN("r12", r[12], 12), PLAIN("r13", r[13], 13),
    PLAIN("r14", r[14], 14), PLAIN("r15", r[15], 15),
    SELECTORS(18), STACK(24), WORDS(32),
    SIXTEEN(GDB64_XMM),
    HOOKED(mxcsr, 4, 56),
    PLAIN("fs_base", base[FS], 57), PLAIN("gs_base", base[GS], 58),
    SIXTEEN(GDB64_YMM),
    { "rip", 0, 8, 16, read_ip, write_ip },
    HOOKED(eflags, 4, 17),
    { 0 }
};

/* ---- the debugger's feature files --------------------------------------- */

#define XML_HEAD(name)                                                      \
    "<?xml version=\"1.0\"?>\n"                                             \
    "<!DOCTYPE feature SYSTEM \"gdb-target.dtd\">\n"                        \
    "<feature name=\"org.gnu.gdb.i386." name "\">\n"
#define XML_REG(n, width, type)                                             \
    "  <reg name=\"" n "\" bitsize=\"" width "\" type=\"" type "\"/>\n"
#define XML_GROUP(n, group)                                                 \
    "  <reg name=\"" n "\" bitsize=\"32\" type=\"int\" group=\"" group "\"/>\n"
#define XML_NUM(n, width, type, num)                                        \
    "  <reg name=\"" n "\" bitsize=\"" width "\" type=\"" type              \
    "\" regnum=\"" num "\"/>\n"
#define XML_FLAG(n, bit)                                                    \
    "    <field name=\"" n "\" start=\"" bit "\" end=\"" bit "\"/>\n"
#define XML_VEC(id, type, count)                                            \
    "  <vector id=\"" id "\" type=\"" type "\" count=\"" count "\"/>\n"
#define XML_FIELD(n, type)                                                  \
    "    <field name=\"" n "\" type=\"" type "\"/>\n"

#define XML_EFLAGS                                                          \
    "  <flags id=\"i386_eflags\" size=\"4\">\n"                             \
    XML_FLAG("CF", "0") XML_FLAG("", "1") XML_FLAG("PF", "2")               \
    XML_FLAG("AF", "4") XML_FLAG("ZF", "6") XML_FLAG("SF", "7")             \
    XML_FLAG("TF", "8") XML_FLAG("IF", "9") XML_FLAG("DF", "10")            \
    XML_FLAG("OF", "11") XML_FLAG("NT", "14") XML_FLAG("RF", "16")          \
    XML_FLAG("VM", "17") XML_FLAG("AC", "18") XML_FLAG("VIF", "19")         \
    XML_FLAG("VIP", "20") XML_FLAG("ID", "21")                              \
    "  </flags>\n"
#define XML_REST                                                            \
    XML_REG("eflags", "32", "i386_eflags")                                  \
    XML_REG("cs", "32", "int32") XML_REG("ss", "32", "int32")               \
    XML_REG("ds", "32", "int32") XML_REG("es", "32", "int32")               \
    XML_REG("fs", "32", "int32") XML_REG("gs", "32", "int32")               \
    XML_REG("st0", "80", "i387_ext") XML_REG("st1", "80", "i387_ext")       \
    XML_REG("st2", "80", "i387_ext") XML_REG("st3", "80", "i387_ext")       \
    XML_REG("st4", "80", "i387_ext") XML_REG("st5", "80", "i387_ext")       \
    XML_REG("st6", "80", "i387_ext") XML_REG("st7", "80", "i387_ext")       \
    XML_GROUP("fctrl", "float") XML_GROUP("fstat", "float")                 \
    XML_GROUP("ftag", "float") XML_GROUP("fiseg", "float")                  \
    XML_GROUP("fioff", "float") XML_GROUP("foseg", "float")                 \
    XML_GROUP("fooff", "float") XML_GROUP("fop", "float")                   \
    "</feature>\n"
#define XML_R32(n)  XML_REG(n, "32", "int32")
#define XML_R64(n)  XML_REG(n, "64", "int64")

static const char core32_xml[] =
    XML_HEAD("core") XML_EFLAGS
    XML_R32("eax") XML_R32("ecx") XML_R32("edx") XML_R32("ebx")
    XML_REG("esp", "32", "data_ptr") XML_REG("ebp", "32", "data_ptr")
    XML_R32("esi") XML_R32("edi") XML_REG("eip", "32", "code_ptr")
    XML_REST;

static const char core64_xml[] =
    XML_HEAD("core") XML_EFLAGS
    XML_R64("rax") XML_R64("rbx") XML_R64("rcx") XML_R64("rdx")
    XML_R64("rsi") XML_R64("rdi")
    XML_REG("rbp", "64", "data_ptr") XML_REG("rsp", "64", "data_ptr")
    XML_R64("r8") XML_R64("r9") XML_R64("r10") XML_R64("r11")
    XML_R64("r12") XML_R64("r13") XML_R64("r14") XML_R64("r15")
    XML_REG("rip", "64", "code_ptr")
    XML_REST;

#define XML_SSE_TYPES                                                       \
    XML_VEC("v4f", "ieee_single", "4") XML_VEC("v2d", "ieee_double", "2")   \
    XML_VEC("v16i8", "int8", "16") XML_VEC("v8i16", "int16", "8")           \
    XML_VEC("v4i32", "int32", "4") XML_VEC("v2i64", "int64", "2")           \
    "  <union id=\"vec128\">\n"                                             \
    XML_FIELD("v4_float", "v4f") XML_FIELD("v2_double", "v2d")              \
    XML_FIELD("v16_int8", "v16i8") XML_FIELD("v8_int16", "v8i16")           \
    XML_FIELD("v4_int32", "v4i32") XML_FIELD("v2_int64", "v2i64")           \
    XML_FIELD("uint128", "uint128")                                         \
    "  </union>\n"                                                          \
    "  <flags id=\"i386_mxcsr\" size=\"4\">\n"                              \
    XML_FLAG("IE", "0") XML_FLAG("DE", "1") XML_FLAG("ZE", "2")             \
    XML_FLAG("OE", "3") XML_FLAG("UE", "4") XML_FLAG("PE", "5")             \
    XML_FLAG("DAZ", "6") XML_FLAG("IM", "7") XML_FLAG("DM", "8")            \
    XML_FLAG("ZM", "9") XML_FLAG("OM", "10") XML_FLAG("UM", "11")           \
    XML_FLAG("PM", "12") XML_FLAG("FZ", "15")                               \
    "  </flags>\n"
#define XML_X(n)    XML_REG("xmm" #n, "128", "vec128")
#define XML_Y(n)    XML_REG("ymm" #n "h", "128", "uint128")
#define XML_EIGHT(R, a, b, c, d, e, f, g, h)                                \
    R(a) R(b) R(c) R(d) R(e) R(f) R(g) R(h)

static const char sse32_xml[] =
    XML_HEAD("sse") XML_SSE_TYPES
    XML_NUM("xmm0", "128", "vec128", "32")
    XML_X(1) XML_X(2) XML_X(3) XML_X(4) XML_X(5) XML_X(6) XML_X(7)
    XML_REG("mxcsr", "32", "i386_mxcsr")
    "</feature>\n";

static const char sse64_xml[] =
    XML_HEAD("sse") XML_SSE_TYPES
    XML_NUM("xmm0", "128", "vec128", "40")
    XML_X(1) XML_X(2) XML_X(3) XML_X(4) XML_X(5) XML_X(6) XML_X(7)
    XML_EIGHT(XML_X, 8, 9, 10, 11, 12, 13, 14, 15)
    XML_REG("mxcsr", "32", "i386_mxcsr")
    "</feature>\n";

static const char segments_xml[] =
    XML_HEAD("segments")
    XML_NUM("fs_base", "64", "int64", "57") XML_REG("gs_base", "64", "int64")
    "</feature>\n";

static const char avx32_xml[] =
    XML_HEAD("avx")
    XML_NUM("ymm0h", "128", "uint128", "41")
    XML_Y(1) XML_Y(2) XML_Y(3) XML_Y(4) XML_Y(5) XML_Y(6) XML_Y(7)
    "</feature>\n";

static const char avx64_xml[] =
    XML_HEAD("avx")
    XML_NUM("ymm0h", "128", "uint128", "59")
    XML_Y(1) XML_Y(2) XML_Y(3) XML_Y(4) XML_Y(5) XML_Y(6) XML_Y(7)
    XML_EIGHT(XML_Y, 8, 9, 10, 11, 12, 13, 14, 15)
    "</feature>\n";

static const char *const gdb_xml32[][2] = {
    { "i386-core.xml", core32_xml },
    { "i386-sse.xml", sse32_xml },
    { "i386-avx.xml", avx32_xml },
    { NULL, NULL }
};

static const char *const gdb_xml64[][2] = {
    { "i386-64-core.xml", core64_xml },
    { "i386-64-sse.xml", sse64_xml },
    { "i386-64-segments.xml", segments_xml },
    { "i386-64-avx.xml", avx64_xml },
    { NULL, NULL }
};

/* ---- life --------------------------------------------------------------- */

static void reset_segments(X86Cpu *c)
{
    enum { DATA = SEG_P | SEG_S | SEG_RW | SEG_A, CODE = DATA | SEG_CODE };

    for (unsigned s = ES; s < SEGS; s++) {
        x86_set_seg(c, s, 0, 0, 0xffff, s == CS ? CODE : DATA);
    }
    x86_set_seg(c, CS, 0xf000, 0xffff0000, 0xffff, CODE);
    c->ldtr = (X86Seg) { 0, 0xffff, SEG_P | 2 };
    c->tr = (X86Seg) { 0, 0xffff, SEG_P | 11 };
    c->gdtr.limit = c->idtr.limit = 0xffff;
}

static void reset(Cpu *cpu)
{
    X86Cpu *c = x86_cpu(cpu);
    bool a20 = c->a20;
    u32 id[4];

    memset(c->r, 0, offsetof(X86Cpu, feat) - offsetof(X86Cpu, r));
    c->a20 = a20;                       /* the board's, not ours */
    c->cr0 = CR0_CD | CR0_NW | CR0_ET;
    c->xcr0 = 1;
    c->dr[6] = 0xffff0ff0;
    c->dr[7] = 0x400;
    c->pat = 0x0007040600070406;
    c->misc_enable = 1;                 /* fast strings */
    c->smbase = 0x30000;
    c->mcg_ctl = ~0ull;
    c->tsc_ratio = BIT(32);
    c->catcher = NULL;
    cpu->halted = false;
    reset_segments(c);
    x86_put_eflags(c, 2);
    x86_cpuid(c, 1, 0, id);
    c->r[RDX] = id[0];
    x87_reset(c);
    x86_set_mxcsr(c, 0x1f80);
    cpu->tcg.pc = 0xfffffff0;
    x86_set_smm(c, false);
    x86_forget_spaces(c);
    x86_debug_changed(c);
}

/* What INIT leaves alone; SDM volume 3, table "Processor States Following". */
static void soft_reset(Cpu *cpu)
{
    enum { CACHES = CR0_CD | CR0_NW };
    static const struct { size_t from, to; } kept[] = {
        { offsetof(X86Cpu, st), offsetof(X86Cpu, seg) },
        { offsetof(X86Cpu, ftop), offsetof(X86Cpu, pdpte) },
        { offsetof(X86Cpu, cpu.tcg.fcw), offsetof(X86Cpu, cpu.tcg.fop) },
    };
    X86Cpu *c = x86_cpu(cpu);
    g_autofree X86Cpu *old = g_memdup2(c, sizeof *c);
    u32 mxcsr = x86_mxcsr(c);

    reset(cpu);
    for (u32 i = 0; i < countof(kept); i++) {
        memcpy((u8 *)c + kept[i].from, (u8 *)old + kept[i].from,
               kept[i].to - kept[i].from);
    }
    c->cr0 = (c->cr0 & ~(u64)CACHES) | (old->cr0 & CACHES);
    c->xcr0 = old->xcr0;
    x86_set_mxcsr(c, mxcsr);
    x86_mode_changed(c);
}

/* CPUID.1: EAX and EDX. */
static u64 processor_id(Cpu *cpu)
{
    u32 id[4];

    x86_cpuid(x86_cpu(cpu), 1, 0, id);
    return (u64)id[3] << 32 | id[0];
}

static bool set_model(Cpu *cpu, const char *model, const char *props, Err *err)
{
    X86Cpu *c = x86_cpu(cpu);

    c->topology = (Topology) { 1, 1, 1, 1 };
    if (cpu->machine && cpu->machine->opts) {
        c->topology = cpu->machine->opts->topology;
    }
    return x86_set_model(c, model, props, err);
}

static bool init(Cpu *cpu, const char *model, const char *props, Err *err)
{
    X86Cpu *c = x86_cpu(cpu);

    c->apic_id = cpu->arch_id;
    c->a20 = true;
    if (!set_model(cpu, model, props, err)) {
        return false;
    }
    reset(cpu);
    return true;
}

/* Real mode: the reset vector, or a start-up IPI's page below 1 MiB. */
static void start_at(Cpu *cpu, u64 pc, u64 arg)
{
    X86Cpu *c = x86_cpu(cpu);

    if (pc >= 1 << 20) {
        x86_set_seg(c, CS, 0xf000, 0xffff0000, 0xffff, c->seg[CS].attr);
        x86_set_ip(c, pc & 0xffff);
    } else {
        x86_set_seg(c, CS, (u16)(pc >> 4), pc, 0xffff, c->seg[CS].attr);
        x86_set_ip(c, 0);
    }
    (void)arg;
    x86_mode_changed(c);
}

/* ---- lines -------------------------------------------------------------- */

static void set_a20(Cpu *cpu, void *data)
{
    X86Cpu *c = x86_cpu(cpu);
    bool on = data != NULL;

    if (c->a20 != on) {
        c->a20 = on;
        tlb_flush(cpu, 0, 0, 0, 0);
    }
}

/* NMI and SMI count by their rising edge. */
static void line(Cpu *cpu, int n, bool level)
{
    X86Cpu *c = x86_cpu(cpu);

    if (n == X86_LINE_A20) {
        cpu_run_on(cpu, set_a20, level ? cpu : NULL, false);
    } else if (n != X86_LINE_INTR && level) {
        __atomic_fetch_or(&c->edges, 1u << n, __ATOMIC_SEQ_CST);
    }
    if (level) {
        cpu_request(cpu, REQ_INTERRUPT);
    }
}

/* ---- words for people --------------------------------------------------- */

static const char *mode_name(const X86Cpu *c)
{
    if (c->smm) {
        return "SMM";
    }
    if (!(c->cr0 & CR0_PE)) {
        return "real mode";
    }
    if (c->eflags & FL_VM) {
        return "virtual-8086 mode";
    }
    return x86_code64(c) ? "64-bit mode" : c->efer & EFER_LMA
        ? "compatibility mode" : c->seg[CS].attr & SEG_B
        ? "32-bit mode" : "16-bit protected mode";
}

static void describe(const Cpu *cpu, char *buf, size_t len)
{
    const X86Cpu *c = (const X86Cpu *)cpu;

    snprintf(buf, len, "%s%s CPL %u %04x:%llx%s%s",
             x86_in_guest(c) ? "SVM guest in " : "", mode_name(c), c->cpl,
             c->seg[CS].selector, (unsigned long long)x86_ip(c),
             c->cr0 & CR0_PG ? "" : " paging off",
             cpu->halted ? " in HLT" : "");
}

static void dump_flags(const X86Cpu *c, FILE *f)
{
    static const struct { u32 bit; char name; } letters[] = {
        { FL_DF, 'D' }, { FL_OF, 'O' }, { FL_SF, 'S' }, { FL_ZF, 'Z' },
        { FL_AF, 'A' }, { FL_PF, 'P' }, { FL_CF, 'C' },
    };
    u64 v = x86_eflags(c);

    fprintf(f, "%08llx [", (unsigned long long)v);
    for (u32 i = 0; i < countof(letters); i++) {
        fputc(v & letters[i].bit ? letters[i].name : '-', f);
    }
    fprintf(f, "] CPL=%u II=%u A20=%u SMM=%u HLT=%u\n", c->cpl, c->shadow,
            c->a20, c->smm, c->cpu.halted);
}

static void dump_general(const X86Cpu *c, FILE *f)
{
    static const char *const names[16] = {
        "AX", "BX", "CX", "DX", "SI", "DI", "BP", "SP",
        "8 ", "9 ", "10", "11", "12", "13", "14", "15",
    };
    static const u8 order[8] = { RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP };
    bool wide = x86_has(c, F_LM);

    for (unsigned i = 0; i < (wide ? 16 : 8); i++) {
        u64 v = c->r[i < 8 ? order[i] : i];
        if (wide) {
            fprintf(f, "R%s=%016llx", names[i], (unsigned long long)v);
        } else {
            fprintf(f, "E%s=%08x", names[i], (u32)v);
        }
        fputc(i % 4 == 3 ? '\n' : ' ', f);
    }
    fprintf(f, wide ? "RIP=%016llx RFL=" : "EIP=%08llx EFL=",
            (unsigned long long)x86_ip(c));
    dump_flags(c, f);
}

static void dump_segment(const X86Cpu *c, FILE *f, const char *name,
                         const X86Seg *s, u64 base)
{
    fprintf(f, x86_has(c, F_LM) ? "%-3s=%04x %016llx %08x %08x\n"
                                : "%-3s=%04x %08llx %08x %08x\n",
            name, s->selector, (unsigned long long)base, s->limit,
            s->attr << 8);
}

static void dump_segments(const X86Cpu *c, FILE *f)
{
    static const char *const names[SEGS] = { "ES", "CS", "SS", "DS", "FS",
                                             "GS" };
    const X86Table *table[2] = { &c->gdtr, &c->idtr };

    for (unsigned s = ES; s < SEGS; s++) {
        dump_segment(c, f, names[s], &c->seg[s], c->base[s]);
    }
    dump_segment(c, f, "LDT", &c->ldtr, c->ldtr_base);
    dump_segment(c, f, "TR", &c->tr, c->tr_base);
    for (unsigned i = 0; i < 2; i++) {
        fprintf(f, x86_has(c, F_LM) ? "%s=     %016llx %08x\n"
                                    : "%s=     %08llx %08x\n",
                i ? "IDT" : "GDT", (unsigned long long)table[i]->base,
                table[i]->limit);
    }
}

static void dump_control(const X86Cpu *c, FILE *f)
{
    bool wide = x86_has(c, F_LM);

    fprintf(f, wide ? "CR0=%08x CR2=%016llx CR3=%016llx CR4=%08x\n"
                    : "CR0=%08x CR2=%08llx CR3=%08llx CR4=%08x\n",
            (u32)c->cr0, (unsigned long long)c->cr2,
            (unsigned long long)c->cr3, (u32)c->cr4);
    for (unsigned i = 0; i < 8; i++) {
        if (i != 4 && i != 5) {
            fprintf(f, wide ? "DR%u=%016llx%c" : "DR%u=%08llx%c", i,
                    (unsigned long long)c->dr[i],
                    i == 3 || i == 7 ? '\n' : ' ');
        }
    }
    fprintf(f, "EFER=%016llx\n", (unsigned long long)c->efer);
}

static void dump_svm(const X86Cpu *c, FILE *f)
{
    const X86Svm *s = &c->svm;

    fprintf(f, "GIF=%u VM_HSAVE_PA=%016llx", !s->closed,
            (unsigned long long)c->vm_hsave_pa);
    if (s->guest) {
        fprintf(f, " guest: VMCB=%016llx ASID=%u NP=%u nCR3=%016llx "
                "INT_CTL=%016llx", (unsigned long long)s->vmcb, s->asid,
                s->np, (unsigned long long)s->n_cr3,
                (unsigned long long)s->int_ctl);
    }
    fputc('\n', f);
}

static void dump_vectors(const X86Cpu *c, FILE *f)
{
    unsigned count = x86_has(c, F_LM) ? 16 : 8;

    fprintf(f, "FCW=%04x FSW=%04x [ST=%u] FTW=%02x MXCSR=%08x\n",
            c->cpu.tcg.fcw, x87_fsw(c), (unsigned)c->ftop & 7,
            x87_empty_regs(c) ^ 0xffu, x86_mxcsr(c));
    for (unsigned i = 0; i < 8; i++) {
        fprintf(f, "FPR%u=%016llx %04x%c", i,
                (unsigned long long)c->st[i].mant, c->st[i].exp,
                i & 1 ? '\n' : ' ');
    }
    for (unsigned i = 0; i < count; i++) {
        fprintf(f, "XMM%02u=%016llx%016llx%c", i,
                (unsigned long long)c->xmm[i].d[1],
                (unsigned long long)c->xmm[i].d[0], i & 1 ? '\n' : ' ');
    }
}

static void dump(Cpu *cpu, FILE *f)
{
    const X86Cpu *c = x86_cpu(cpu);

    dump_general(c, f);
    dump_segments(c, f);
    dump_control(c, f);
    if (c->efer & EFER_SVME) {
        dump_svm(c, f);
    }
    dump_vectors(c, f);
}

/* ---- the rows ----------------------------------------------------------- */

static int disassembly(u32 key)
{
    return (key & KEY_CODE) == KEY_CODE64 ? CS_MODE_64
        : (key & KEY_CODE) == KEY_CODE32 ? CS_MODE_32 : CS_MODE_16;
}

#define COMMON                                                              \
    .cpu_size = sizeof(X86Cpu),                                             \
    .slots = x86_slots,                                                     \
    .nslots = X86_SLOTS,                                                    \
    .soft = &x86_soft,                                                      \
    .state = x86_state, .saving = x86_saving, .loaded = x86_loaded,         \
    .capstone_arch = CS_ARCH_X86,                                           \
    .init = init,                                                           \
    .set_model = set_model,                                                 \
    .feature = x86_feature,                                                 \
    .reset = reset, .soft_reset = soft_reset,                               \
    .start_at = start_at,                                                   \
    .translate = x86_translate,                                             \
    .watch = x86_watch,                                                     \
    .trap = x86_trap,                                                       \
    .walk = x86_walk,                                                       \
    .misaligned = x86_misaligned,                                           \
    .bus_error = x86_bus_error,                                             \
    .fault = x86_fault,                                                     \
    .interrupt = x86_interrupt,                                             \
    .wakes = x86_wakes,                                                     \
    .line = line,                                                           \
    .clean_address = x86_clean_address,                                     \
    .disassembly = disassembly,                                             \
    .precise_code = true,                                                   \
    .processor_id = processor_id,                                           \
    .describe = describe,                                                   \
    .dump = dump

TARGET(x86_64) {
    .name = "x86_64",
    .about = "Intel 64 and AMD64, with all modes back to the 8086's",
    .word = 64,
    .regs = regs64,
    .models = x86_models,
    .gdb_arch = "i386:x86-64",
    .gdb_xml = gdb_xml64,
    .capstone_mode = CS_MODE_64,
    COMMON,
};

TARGET(i386) {
    .name = "i386",
    .about = "Intel 32-bit, with the 8086's modes",
    .word = 64,
    .regs = regs32,
    .models = x86_models32,
    .gdb_arch = "i386",
    .gdb_xml = gdb_xml32,
    .capstone_mode = CS_MODE_32,
    COMMON,
};
