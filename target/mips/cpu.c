/* SPDX-License-Identifier: MIT */
/*
 * The MIPS targets' rows, registers as debuggers see them, and reset.
 * Reference: PRA 6.2.3 "Reset Exception"; the GDB manual, "MIPS Features".
 */
#include <capstone/capstone.h>
#include <stdio.h>
#include "softmmu/machine.h"
#include "target/mips/translate.h"

/* ---- IR slots ----------------------------------------------------------- */

#define SLOT(n, t, member)  { n, t, offsetof(MipsCpu, member) }
#define EIGHT(R, a, b, c, d, e, f, g, h)                                    \
    R(a), R(b), R(c), R(d), R(e), R(f), R(g), R(h)
#define ALL32(R)                                                            \
    EIGHT(R, 0, 1, 2, 3, 4, 5, 6, 7), EIGHT(R, 8, 9, 10, 11, 12, 13, 14, 15), \
    EIGHT(R, 16, 17, 18, 19, 20, 21, 22, 23),                               \
    EIGHT(R, 24, 25, 26, 27, 28, 29, 30, 31)
#define GPR32(i)    [S_GPR + i] = SLOT("r" #i, I32, gpr[i])
#define GPR64(i)    [S_GPR + i] = SLOT("r" #i, I64, gpr[i])
#define F(i)        [S_F0 + i] = SLOT("f" #i, V128T, f[i])
#define FCC(i)      [S_FCC + i] = SLOT("fcc" #i, I32, fcc[i])
#define FP_OPERAND(i)                                                       \
    [S_FP_A + i] = SLOT("fp_operand" #i, V128T, fp_operand[i])
#define AC(i, t)                                                            \
    [S_AC + 2 * (i)] = SLOT("ac" #i "hi", t, ac[i][0]),                      \
    [S_AC + 2 * (i) + 1] = SLOT("ac" #i "lo", t, ac[i][1])
#define KSCRATCH(i, t) [S_KSCRATCH + i] = SLOT("kscratch" #i, t, kscratch[i])

#define SLOTS(GPR, t)                                                       \
    ALL32(GPR), [S_HI] = SLOT("hi", t, hi), [S_LO] = SLOT("lo", t, lo),     \
    AC(0, t), AC(1, t), AC(2, t), [S_DSP] = SLOT("dspcontrol", I32, dspcontrol), \
    ALL32(F),                                                               \
    EIGHT(FCC, 0, 1, 2, 3, 4, 5, 6, 7),                                     \
    [S_BD] = SLOT("bd", I32, bd), [S_JUMP] = SLOT("jump", t, jump),          \
    [S_LL_ADDR] = SLOT("ll_addr", t, ll_addr),                              \
    [S_LL_VAL] = SLOT("ll_val", t, ll_val),                                 \
    [S_FP_OP] = SLOT("fp_op", I32, fp_op), FP_OPERAND(0), FP_OPERAND(1),    \
    FP_OPERAND(2),                                                          \
    [S_INDEX] = SLOT("index", t, index),                                    \
    [S_ENTRYLO0] = SLOT("entrylo0", t, entrylo[0]),                         \
    [S_ENTRYLO1] = SLOT("entrylo1", t, entrylo[1]),                         \
    [S_CONTEXT] = SLOT("context", t, context),                              \
    [S_USERLOCAL] = SLOT("userlocal", t, userlocal),                        \
    [S_PAGEMASK] = SLOT("pagemask", t, pagemask),                           \
    [S_BADVADDR] = SLOT("badvaddr", t, badvaddr),                           \
    [S_ENTRYHI] = SLOT("entryhi", t, entryhi),                              \
    [S_STATUS] = SLOT("status", t, status),                                 \
    [S_EPC] = SLOT("epc", t, epc),                                          \
    [S_XCONTEXT] = SLOT("xcontext", t, xcontext),                           \
    [S_ERROREPC] = SLOT("errorepc", t, errorepc),                           \
    KSCRATCH(0, t), KSCRATCH(1, t), KSCRATCH(2, t), KSCRATCH(3, t),         \
    KSCRATCH(4, t), KSCRATCH(5, t)

const IrSlot mips_slots32[MIPS_SLOTS] = { SLOTS(GPR32, I32) };
const IrSlot mips_slots64[MIPS_SLOTS] = { SLOTS(GPR64, I64) };
_Static_assert((int)MIPS_SLOTS <= (int)IR_SLOTS, "too many slots");

/* ---- registers for debuggers -------------------------------------------- */

static void read_fcsr(Cpu *c, void *buf)
{
    store_le(buf, 4, mips_fcsr(mips_cpu(c)));
}

static void write_fcsr(Cpu *c, const void *buf)
{
    mips_set_fcsr(mips_cpu(c), (u32)load_le(buf, 4));
}

static void read_cause(Cpu *c, void *buf)
{
    store_le(buf, 4, mips_cause(mips_cpu(c)));
}

static void read_cause64(Cpu *c, void *buf)
{
    store_le(buf, 8, mips_cause(mips_cpu(c)));
}

static void write_cause(Cpu *cpu, const void *buf)
{
    MipsCpu *c = mips_cpu(cpu);

    c->cause = deposit(c->cause, 8, 2, load_le(buf, 4) >> 8);
    mips_check_lines(c);
}

static void read_pc32(Cpu *c, void *buf)
{
    store_le(buf, 4, mips_code_address(mips_cpu(c)));
}

static void read_pc64(Cpu *c, void *buf)
{
    store_le(buf, 8, mips_code_address(mips_cpu(c)));
}

static void write_pc(Cpu *c, const void *buf)
{
    mips_jump(mips_cpu(c), load_le(buf, 4));
}

static void write_pc64(Cpu *c, const void *buf)
{
    mips_jump(mips_cpu(c), load_le(buf, 8));
}

/* The value is stored already: what follows from it. */
static void write_status(Cpu *cpu, const void *buf)
{
    mips_set_status(mips_cpu(cpu), load_le(buf, 4));
}

enum { GDB_STATUS = 32, GDB_LO, GDB_HI, GDB_BADVADDR, GDB_CAUSE, GDB_PC,
       GDB_F0, GDB_FCSR = 70, GDB_FIR, GDB_AC, GDB_DSPCTL = 78,
       GDB_W0, GDB_MSAIR = GDB_W0 + 32, GDB_MSACSR };

#define PART(n, at, size, num)  { n, at, size, num, NULL, NULL }
#define WIDE(n, member, num)    PART(n, offsetof(MipsCpu, member), 8, num)
#define LOW(n, member, num)     PART(n, offsetof(MipsCpu, member), 4, num)
#define R32(i)  LOW("r" #i, gpr[i], i)
#define R64(i)  WIDE("r" #i, gpr[i], i)
#define W_(i)   PART("w" #i, offsetof(MipsCpu, f[i]), 16, GDB_W0 + (i))
#define MSA                                                                 \
    ALL32(W_), LOW("msair", msair, GDB_MSAIR), LOW("msacsr", msacsr, GDB_MSACSR)
/* With 32-bit registers an odd one is the upper half of its neighbour. */
#define F32_(i)                                                             \
    PART("f" #i, offsetof(MipsCpu, f[(i) & ~1]) + 4 * ((i) & 1), 4, GDB_F0 + (i))
#define F64_(i) WIDE("f" #i, f[i].d[0], GDB_F0 + (i))

#define ACS(R)                                                              \
    R("hi1", ac[0][0], GDB_AC), R("lo1", ac[0][1], GDB_AC + 1),             \
    R("hi2", ac[1][0], GDB_AC + 2), R("lo2", ac[1][1], GDB_AC + 3),         \
    R("hi3", ac[2][0], GDB_AC + 4), R("lo3", ac[2][1], GDB_AC + 5)

static const GuestReg regs32[] = {
    ALL32(R32),
    LOW("lo", lo, GDB_LO), LOW("hi", hi, GDB_HI),
    LOW("badvaddr", badvaddr, GDB_BADVADDR),
    { "pc", 0, 4, GDB_PC, read_pc32, write_pc },
    ALL32(F32_),
    LOW("fir", fcr0, GDB_FIR),
    ACS(LOW), LOW("dspctl", dspcontrol, GDB_DSPCTL), MSA,
    { "cause", 0, 4, GDB_CAUSE, read_cause, write_cause },
    { "fcsr", 0, 4, GDB_FCSR, read_fcsr, write_fcsr },
    { "status", offsetof(MipsCpu, status), 4, GDB_STATUS, NULL, write_status },
    { 0 }
};

static const GuestReg regs64[] = {
    ALL32(R64),
    WIDE("lo", lo, GDB_LO), WIDE("hi", hi, GDB_HI),
    WIDE("badvaddr", badvaddr, GDB_BADVADDR),
    { "pc", 0, 8, GDB_PC, read_pc64, write_pc64 },
    ALL32(F64_),
    WIDE("fir", fcr0, GDB_FIR),
    ACS(WIDE), LOW("dspctl", dspcontrol, GDB_DSPCTL), MSA,
    { "cause", 0, 8, GDB_CAUSE, read_cause64, write_cause },
    { "fcsr", 0, 8, GDB_FCSR, read_fcsr, write_fcsr },
    { "status", offsetof(MipsCpu, status), 8, GDB_STATUS, NULL, write_status },
    { 0 }
};

/* ---- the debugger's feature files --------------------------------------- */

#define XML_HEAD(name)                                                      \
    "<?xml version=\"1.0\"?>\n"                                             \
    "<!DOCTYPE feature SYSTEM \"gdb-target.dtd\">\n"                        \
    "<feature name=\"org.gnu.gdb.mips." name "\">\n"
#define XML_REG(n, width, num)                                              \
    "  <reg name=\"" n "\" bitsize=\"" width "\" regnum=\"" num "\"/>\n"
#define XML_FLOAT(n, width, type)                                           \
    "  <reg name=\"" n "\" bitsize=\"" width "\" type=\"" type "\"/>\n"
#define XML_R(n, width) XML_REG("r" #n, width, #n)
#define XML_EIGHT(R, w, a, b, c, d, e, f, g, h)                             \
    R(a, w) R(b, w) R(c, w) R(d, w) R(e, w) R(f, w) R(g, w) R(h, w)
#define XML_ALL32(R, w)                                                     \
    XML_EIGHT(R, w, 0, 1, 2, 3, 4, 5, 6, 7)                                 \
    XML_EIGHT(R, w, 8, 9, 10, 11, 12, 13, 14, 15)                           \
    XML_EIGHT(R, w, 16, 17, 18, 19, 20, 21, 22, 23)                         \
    XML_EIGHT(R, w, 24, 25, 26, 27, 28, 29, 30, 31)
#define XML_F32(n, w)   XML_FLOAT("f" #n, w, "ieee_single")
#define XML_F64(n, w)   XML_FLOAT("f" #n, w, "ieee_double")

#define XML_CPU(w)                                                          \
    XML_HEAD("cpu") XML_ALL32(XML_R, w) XML_REG("lo", w, "33")              \
    XML_REG("hi", w, "34") XML_REG("pc", w, "37") "</feature>\n"
#define XML_CP0(w)                                                          \
    XML_HEAD("cp0") XML_REG("status", w, "32")                              \
    XML_REG("badvaddr", w, "35") XML_REG("cause", w, "36") "</feature>\n"
#define XML_FPU(w, F)                                                       \
    XML_HEAD("fpu") XML_ALL32(F, w) XML_REG("fcsr", w, "70")                \
    XML_REG("fir", w, "71") "</feature>\n"

#define XML_DSP(w)                                                          \
    XML_HEAD("dsp") XML_REG("hi1", w, "72") XML_REG("lo1", w, "73")         \
    XML_REG("hi2", w, "74") XML_REG("lo2", w, "75") XML_REG("hi3", w, "76") \
    XML_REG("lo3", w, "77") XML_REG("dspctl", "32", "78") "</feature>\n"

/* Numbered on from the register before: GDB has no such feature of its own. */
#define XML_VECTOR(id, type, n)                                             \
    "  <vector id=\"" id "\" type=\"" type "\" count=\"" n "\"/>\n"
#define XML_W(n, w) XML_FLOAT("w" #n, w, "msa")
#define XML_MSA                                                             \
    XML_HEAD("msa") XML_VECTOR("v16i8", "int8", "16")                       \
    XML_VECTOR("v8i16", "int16", "8") XML_VECTOR("v4i32", "int32", "4")     \
    XML_VECTOR("v2i64", "int64", "2")                                       \
    XML_VECTOR("v4f", "ieee_single", "4")                                   \
    XML_VECTOR("v2d", "ieee_double", "2")                                   \
    "  <union id=\"msa\"><field name=\"b\" type=\"v16i8\"/>"                  \
    "<field name=\"h\" type=\"v8i16\"/><field name=\"w\" type=\"v4i32\"/>"    \
    "<field name=\"d\" type=\"v2i64\"/><field name=\"f\" type=\"v4f\"/>"      \
    "<field name=\"df\" type=\"v2d\"/></union>\n"                            \
    XML_ALL32(XML_W, "128") XML_REG("msair", "32", "111")                   \
    XML_REG("msacsr", "32", "112") "</feature>\n"

/* Those without a number follow the one before: f0 the pc. */
static const char *const xml32[][2] = {
    { "mips-cp0.xml", XML_CP0("32") }, { "mips-cpu.xml", XML_CPU("32") },
    { "mips-fpu.xml", XML_FPU("32", XML_F32) }, { "mips-dsp.xml", XML_DSP("32") },
    { "mips-msa.xml", XML_MSA },
    { NULL, NULL }
};

static const char *const xml64[][2] = {
    { "mips64-cp0.xml", XML_CP0("64") }, { "mips64-cpu.xml", XML_CPU("64") },
    { "mips64-fpu.xml", XML_FPU("64", XML_F64) }, { "mips64-dsp.xml", XML_DSP("64") },
    { "mips64-msa.xml", XML_MSA },
    { NULL, NULL }
};

/* ---- life --------------------------------------------------------------- */

static void reset_cp0(MipsCpu *c)
{
    enum { IPTI = 7 };

    memcpy(c->config, c->config_reset, sizeof c->config);
    c->status = ST_BEV | ST_ERL | (c->features & FEAT_R6 ? ST_FR : 0);
    c->random = c->tlb_size - 1u;
    c->intctl = (u64)IPTI << 29;
    c->ebase = 0x80000000 | (u32)c->cpu.index;
}

static void reset(Cpu *cpu)
{
    MipsCpu *c = mips_cpu(cpu);

    memset(c->gpr, 0, offsetof(MipsCpu, fp) - offsetof(MipsCpu, gpr));
    c->ll_addr = canonical(c, ~0ull);
    cpu->halted = false;
    cpu->tcg.pc = canonical(c, 0xffffffffbfc00000ull);
    reset_cp0(c);
    mips_set_fcsr(c, (u32)c->fcsr_reset);
    mips_tlb_reset(c);
    mips_set_compare(c, 0);
    mips_set_count(c, 0);
    mips_mode_changed(c);
}

static bool init(Cpu *cpu, const char *model, const char *props, Err *err)
{
    MipsCpu *c = mips_cpu(cpu);

    if (!mips_set_model(c, model, props, err) || !mips_timer_new(c, err)) {
        return false;
    }
    reset(cpu);
    return true;
}

/* A boot loader has left the reset state behind: its errors do not count. */
static void start_at(Cpu *cpu, u64 pc, u64 arg)
{
    MipsCpu *c = mips_cpu(cpu);

    mips_jump(c, pc);
    c->gpr[4] = arg;
}

/* ---- words for people --------------------------------------------------- */

static const char *mode_name(const MipsCpu *c)
{
    return mips_is_kernel(c) ? "kernel"
        : c->status & 1 << 3 ? "supervisor" : "user";
}

static void describe(const Cpu *cpu, char *buf, size_t len)
{
    const MipsCpu *c = (const MipsCpu *)cpu;

    snprintf(buf, len, "%s ASID %llx%s%s%s", mode_name(c),
             (unsigned long long)cpu->space,
             c->status & ST_EXL ? " EXL" : "", c->status & ST_ERL ? " ERL" : "",
             cpu->halted ? " in WAIT" : "");
}

static void dump_fp(Cpu *cpu, FILE *f)
{
    MipsCpu *c = mips_cpu(cpu);

    if (!(cpu->key & KEY_FPU)) {
        fprintf(f, "FPU disabled\n");
        return;
    }
    fprintf(f, "FCSR=%08x FIR=%08x\n", mips_fcsr(c), (u32)c->fcr0);
    for (u32 i = 0; i < 32; i++) {
        fprintf(f, "F%02u=%016llx%s", i, (unsigned long long)c->f[i].d[0],
                i % 4 == 3 ? "\n" : " ");
    }
}

static void dump(Cpu *cpu, FILE *f)
{
    static const char *const names[32] = {
        "r0", "at", "v0", "v1", "a0", "a1", "a2", "a3",
        "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7",
        "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7",
        "t8", "t9", "k0", "k1", "gp", "sp", "s8", "ra",
    };
    MipsCpu *c = mips_cpu(cpu);
    int digits = is_wide(c) ? 16 : 8;

    fprintf(f, "pc=%0*llx HI=%0*llx LO=%0*llx %s\n", digits,
            (unsigned long long)cpu->tcg.pc, digits,
            (unsigned long long)c->hi, digits,
            (unsigned long long)c->lo, mode_name(c));
    for (u32 i = 0; i < 32; i++) {
        fprintf(f, "%s %0*llx%s", names[i], digits,
                (unsigned long long)c->gpr[i], i % 4 == 3 ? "\n" : " ");
    }
    mips_cp0_dump(c, f);
}

/* ---- the rows ----------------------------------------------------------- */

static bool is_branch(MipsCpu *c, u64 va)
{
    u8 buf[4];
    u64 w;

    if (!cpu_debug_read(&c->cpu, va, buf, 4)) {
        return false;
    }
    w = c->cpu.key & KEY_BE ? load_be(buf, 4) : load_le(buf, 4);
    return mips_is_row(mips_branch_insns, w);
}

/*
 * GDB writes 32-bit addresses with or without their sign.  A delay slot is
 * part of its branch, so that is where one stops; in MIPS16e one is where it is
 * said to be.
 */
static u64 debug_address(Cpu *cpu, u64 va, bool insn)
{
    MipsCpu *c = mips_cpu(cpu);

    va = canonical(c, va >> 31 == 1 ? (u64)(i32)va : va);
    if (insn && c->features & FEAT_CA && (va & 1 || c->isa)) {
        return va & ~1ull;
    }
    return insn && is_branch(c, va - 4) ? va - 4 : va;
}

static int disassembly32(u32 key)
{
    return CS_MODE_MIPS32
        | (key & KEY_BE ? CS_MODE_BIG_ENDIAN : CS_MODE_LITTLE_ENDIAN);
}

static int disassembly64(u32 key)
{
    return CS_MODE_MIPS64
        | (key & KEY_BE ? CS_MODE_BIG_ENDIAN : CS_MODE_LITTLE_ENDIAN);
}

#define COMMON                                                              \
    .cpu_size = sizeof(MipsCpu),                                            \
    .nslots = MIPS_SLOTS,                                                   \
    .soft = &mips_soft,                                                     \
    .capstone_arch = CS_ARCH_MIPS,                                          \
    .init = init,                                                           \
    .state = mips_state, .saving = mips_saving, .loaded = mips_loaded,      \
    .reset = reset,                                                         \
    .start_at = start_at,                                                   \
    .translate = mips_translate,                                            \
    .walk = mips_walk,                                                      \
    .misaligned = mips_misaligned,                                          \
    .bus_error = mips_bus_error,                                            \
    .fault = mips_fault,                                                    \
    .trap = mips_trap,                                                      \
    .interrupt = mips_interrupt,                                            \
    .wakes = mips_wakes,                                                    \
    .debug_address = debug_address,                                         \
    .describe = describe,                                                   \
    .dump = dump,                                                           \
    .dump_fp = dump_fp

#define COMMON32                                                            \
    COMMON,                                                                 \
    .word = 32,                                                             \
    .slots = mips_slots32,                                                  \
    .gdb_arch = "mips:isa32r2",                                             \
    .gdb_xml = xml32,                                                       \
    .models = mips_models32,                                                \
    .capstone_mode = CS_MODE_MIPS32,                                        \
    .disassembly = disassembly32

#define COMMON64                                                            \
    COMMON,                                                                 \
    .word = 64,                                                             \
    .slots = mips_slots64,                                                  \
    .gdb_arch = "mips:isa64r2",                                             \
    .gdb_xml = xml64,                                                       \
    .models = mips_models64,                                                \
    .capstone_mode = CS_MODE_MIPS64,                                        \
    .disassembly = disassembly64

TARGET(mips) {
    .name = "mips",
    .about = "MIPS32, big-endian",
    .big_endian = true,
    .regs = regs32,
    COMMON32,
};

TARGET(mipsel) {
    .name = "mipsel",
    .about = "MIPS32, little-endian",
    .regs = regs32,
    COMMON32,
};

TARGET(mips64) {
    .name = "mips64",
    .about = "MIPS64, big-endian",
    .big_endian = true,
    .regs = regs64,
    COMMON64,
};

TARGET(mips64el) {
    .name = "mips64el",
    .about = "MIPS64, little-endian",
    .regs = regs64,
    COMMON64,
};
