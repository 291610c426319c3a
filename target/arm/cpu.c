/* SPDX-License-Identifier: MIT */
/*
 * The AArch64 target's row, its registers as debuggers see them, and reset.
 * Reference: Arm ARM (DDI 0487) D1.9 "Reset"; the GDB manual, "AArch64
 * Features", for the names in the feature files.
 */
#include <capstone/capstone.h>
#include <stdio.h>
#include "softmmu/machine.h"
#include "target/arm/translate.h"

/* ---- IR slots ----------------------------------------------------------- */

#define SLOT(n, t, member)  { n, t, offsetof(ArmCpu, member) }
#define X(i)                [S_X0 + i] = SLOT("x" #i, I64, x[i])
#define V(i)                [S_V0 + i] = SLOT("v" #i, V128T, v[i])
#define EIGHT(R, a, b, c, d, e, f, g, h)                                    \
    R(a), R(b), R(c), R(d), R(e), R(f), R(g), R(h)

const IrSlot arm_slots[ARM_SLOTS] = {
    EIGHT(X, 0, 1, 2, 3, 4, 5, 6, 7), EIGHT(X, 8, 9, 10, 11, 12, 13, 14, 15),
    EIGHT(X, 16, 17, 18, 19, 20, 21, 22, 23),
    X(24), X(25), X(26), X(27), X(28), X(29), X(30),
    [S_SP] = SLOT("sp", I64, sp),
    [S_NZCV] = SLOT("nzcv", I32, nzcv),
    EIGHT(V, 0, 1, 2, 3, 4, 5, 6, 7), EIGHT(V, 8, 9, 10, 11, 12, 13, 14, 15),
    EIGHT(V, 16, 17, 18, 19, 20, 21, 22, 23),
    EIGHT(V, 24, 25, 26, 27, 28, 29, 30, 31),
    [S_EXCL_ADDR] = SLOT("excl_addr", I64, excl_addr),
    [S_EXCL_VAL] = SLOT("excl_val", I64, excl_val),
    [S_EXCL_HI] = SLOT("excl_hi", I64, excl_hi),
    [S_DAIF] = SLOT("daif", I32, daif),
    [S_SP_EL0] = SLOT("sp_el0", I64, sp_el[0]),
    [S_ELR] = SLOT("elr_el1", I64, elr),
    [S_SPSR] = SLOT("spsr_el1", I64, spsr),
    [S_ESR] = SLOT("esr_el1", I64, esr),
    [S_FAR] = SLOT("far_el1", I64, far),
    [S_VBAR] = SLOT("vbar_el1", I64, vbar),
    [S_PAR] = SLOT("par_el1", I64, par),
    [S_TPIDR_EL0] = SLOT("tpidr_el0", I64, tpidr_el0),
    [S_TPIDRRO_EL0] = SLOT("tpidrro_el0", I64, tpidrro_el0),
    [S_TPIDR_EL1] = SLOT("tpidr_el1", I64, tpidr_el1),
    [S_CONTEXTIDR] = SLOT("contextidr_el1", I64, contextidr),
    [S_SCTLR] = SLOT("sctlr_el1", I64, sctlr),
    [S_CPACR] = SLOT("cpacr_el1", I64, cpacr),
    [S_TTBR0] = SLOT("ttbr0_el1", I64, ttbr0),
    [S_TTBR1] = SLOT("ttbr1_el1", I64, ttbr1),
    [S_TCR] = SLOT("tcr_el1", I64, tcr),
    [S_MAIR] = SLOT("mair_el1", I64, mair),
    [S_AMAIR] = SLOT("amair_el1", I64, amair),
    [S_AFSR0] = SLOT("afsr0_el1", I64, afsr0),
    [S_AFSR1] = SLOT("afsr1_el1", I64, afsr1),
    [S_CSSELR] = SLOT("csselr_el1", I64, csselr),
    [S_MPIDR] = SLOT("mpidr_el1", I64, mpidr),
};
_Static_assert((int)ARM_SLOTS <= (int)IR_SLOTS, "too many slots");

/* ---- registers for debuggers -------------------------------------------- */

static void read_cpsr(Cpu *c, void *buf)
{
    store_le(buf, 4, pstate_get(arm_cpu(c)));
}

static void write_cpsr(Cpu *c, const void *buf)
{
    pstate_set(arm_cpu(c), load_le(buf, 4));
    arm_mode_changed(arm_cpu(c));
}

static void read_fpcr(Cpu *c, void *buf)
{
    store_le(buf, 4, fpcr_get(arm_cpu(c)));
}

static void write_fpcr(Cpu *c, const void *buf)
{
    fpcr_set(arm_cpu(c), (u32)load_le(buf, 4));
    arm_mode_changed(arm_cpu(c));
}

static void read_fpsr(Cpu *c, void *buf)
{
    store_le(buf, 4, fpsr_get(arm_cpu(c)));
}

static void write_fpsr(Cpu *c, const void *buf)
{
    fpsr_set(arm_cpu(c), (u32)load_le(buf, 4));
}

#define PLAIN(n, member, num)                                               \
    { n, offsetof(ArmCpu, member), sizeof_field(ArmCpu, member), num, NULL, NULL }
#define GDB_X(i)    PLAIN("x" #i, x[i], i)
#define GDB_V(i)    PLAIN("v" #i, v[i], 34 + i)

static const GuestReg regs[] = {
    EIGHT(GDB_X, 0, 1, 2, 3, 4, 5, 6, 7),
    EIGHT(GDB_X, 8, 9, 10, 11, 12, 13, 14, 15),
    EIGHT(GDB_X, 16, 17, 18, 19, 20, 21, 22, 23),
    GDB_X(24), GDB_X(25), GDB_X(26), GDB_X(27), GDB_X(28), GDB_X(29), GDB_X(30),
    PLAIN("sp", sp, 31),
    PLAIN("pc", cpu.tcg.pc, 32),
    EIGHT(GDB_V, 0, 1, 2, 3, 4, 5, 6, 7),
    EIGHT(GDB_V, 8, 9, 10, 11, 12, 13, 14, 15),
    EIGHT(GDB_V, 16, 17, 18, 19, 20, 21, 22, 23),
    EIGHT(GDB_V, 24, 25, 26, 27, 28, 29, 30, 31),
    { "fpsr", 0, 4, 66, read_fpsr, write_fpsr },
    { "fpcr", 0, 4, 67, read_fpcr, write_fpcr },
    { "cpsr", 0, 4, 33, read_cpsr, write_cpsr },
    { 0 }
};

/* ---- the debugger's feature files --------------------------------------- */

#define XML_HEAD(name)                                                      \
    "<?xml version=\"1.0\"?>\n"                                             \
    "<!DOCTYPE feature SYSTEM \"gdb-target.dtd\">\n"                        \
    "<feature name=\"org.gnu.gdb.aarch64." name "\">\n"
#define XML_REG(n, width, type)                                             \
    "  <reg name=\"" n "\" bitsize=\"" width "\" type=\"" type "\"/>\n"
#define XML_NUM(n, width, type, num)                                        \
    "  <reg name=\"" n "\" bitsize=\"" width "\" type=\"" type              \
    "\" regnum=\"" num "\"/>\n"
#define XML_VEC(id, type, count)                                            \
    "  <vector id=\"" id "\" type=\"" type "\" count=\"" count "\"/>\n"
#define XML_FIELD(n, type)                                                  \
    "    <field name=\"" n "\" type=\"" type "\"/>\n"
#define XML_FLAG(n, bit)                                                    \
    "    <field name=\"" n "\" start=\"" bit "\" end=\"" bit "\"/>\n"
#define XML_X(n)    XML_REG("x" #n, "64", "int")
#define XML_V(n)    XML_REG("v" #n, "128", "aarch64v")
#define XML_EIGHT(R, a, b, c, d, e, f, g, h)                                \
    R(a) R(b) R(c) R(d) R(e) R(f) R(g) R(h)

static const char core_xml[] =
    XML_HEAD("core")
    "  <flags id=\"cpsr_flags\" size=\"4\">\n"
    XML_FLAG("SP", "0")
    "    <field name=\"EL\" start=\"2\" end=\"3\"/>\n"
    XML_FLAG("nRW", "4") XML_FLAG("F", "6") XML_FLAG("I", "7")
    XML_FLAG("A", "8") XML_FLAG("D", "9") XML_FLAG("IL", "20")
    XML_FLAG("SS", "21") XML_FLAG("V", "28") XML_FLAG("C", "29")
    XML_FLAG("Z", "30") XML_FLAG("N", "31")
    "  </flags>\n"
    XML_EIGHT(XML_X, 0, 1, 2, 3, 4, 5, 6, 7)
    XML_EIGHT(XML_X, 8, 9, 10, 11, 12, 13, 14, 15)
    XML_EIGHT(XML_X, 16, 17, 18, 19, 20, 21, 22, 23)
    XML_X(24) XML_X(25) XML_X(26) XML_X(27) XML_X(28) XML_X(29) XML_X(30)
    XML_REG("sp", "64", "data_ptr")
    XML_REG("pc", "64", "code_ptr")
    XML_REG("cpsr", "32", "cpsr_flags")
    "</feature>\n";

static const char fpu_xml[] =
    XML_HEAD("fpu")
    XML_VEC("v2d", "ieee_double", "2") XML_VEC("v2u", "uint64", "2")
    XML_VEC("v2i", "int64", "2")
    XML_VEC("v4f", "ieee_single", "4") XML_VEC("v4u", "uint32", "4")
    XML_VEC("v4i", "int32", "4")
    XML_VEC("v8u", "uint16", "8") XML_VEC("v8i", "int16", "8")
    XML_VEC("v16u", "uint8", "16") XML_VEC("v16i", "int8", "16")
    XML_VEC("v1u", "uint128", "1") XML_VEC("v1i", "int128", "1")
    "  <union id=\"vnd\">\n"
    XML_FIELD("f", "v2d") XML_FIELD("u", "v2u") XML_FIELD("s", "v2i")
    "  </union>\n"
    "  <union id=\"vns\">\n"
    XML_FIELD("f", "v4f") XML_FIELD("u", "v4u") XML_FIELD("s", "v4i")
    "  </union>\n"
    "  <union id=\"vnh\">\n"
    XML_FIELD("u", "v8u") XML_FIELD("s", "v8i")
    "  </union>\n"
    "  <union id=\"vnb\">\n"
    XML_FIELD("u", "v16u") XML_FIELD("s", "v16i")
    "  </union>\n"
    "  <union id=\"vnq\">\n"
    XML_FIELD("u", "v1u") XML_FIELD("s", "v1i")
    "  </union>\n"
    "  <union id=\"aarch64v\">\n"
    XML_FIELD("d", "vnd") XML_FIELD("s", "vns") XML_FIELD("h", "vnh")
    XML_FIELD("b", "vnb") XML_FIELD("q", "vnq")
    "  </union>\n"
    XML_NUM("v0", "128", "aarch64v", "34")
    XML_V(1) XML_V(2) XML_V(3) XML_V(4) XML_V(5) XML_V(6) XML_V(7)
    XML_EIGHT(XML_V, 8, 9, 10, 11, 12, 13, 14, 15)
    XML_EIGHT(XML_V, 16, 17, 18, 19, 20, 21, 22, 23)
    XML_EIGHT(XML_V, 24, 25, 26, 27, 28, 29, 30, 31)
    XML_REG("fpsr", "32", "int")
    XML_REG("fpcr", "32", "int")
    "</feature>\n";

static const char *const gdb_xml[][2] = {
    { "aarch64-core.xml", core_xml },
    { "aarch64-fpu.xml", fpu_xml },
    { NULL, NULL }
};

/* ---- life --------------------------------------------------------------- */

enum { SCTLR_RESET = 0x00c50838 };

static void clear_debug_and_pmu(ArmCpu *c)
{
    c->oslar = 1;                       /* the OS lock is set */
    arm_pmu_set_control(c, 0);
    c->pmcnten = c->pmuserenr = c->pmovs = c->pmselr = 0;
    c->pmccntr_base = c->pmccfiltr = c->pminten = 0;
}

static void reset(Cpu *cpu)
{
    ArmCpu *c = arm_cpu(cpu);

    memset(c->x, 0, offsetof(ArmCpu, features) - offsetof(ArmCpu, x));
    memset(&c->sctlr, 0, offsetof(ArmCpu, timer_p) - offsetof(ArmCpu, sctlr));
    c->excl_addr = ~0ull;
    c->sctlr = SCTLR_RESET;
    c->daif = PSTATE_DAIF;
    c->el = c->spsel = 1;
    c->event = false;
    cpu->halted = false;
    cpu->tcg.pc = 0;
    arm_see_gic(c);
    clear_debug_and_pmu(c);
    arm_timers_reset(c);
    fpsr_set(c, 0);
    fpcr_set(c, 0);
    tlb_flush(cpu, 0, 0, 0, 0);
    arm_mode_changed(c);
}

static bool set_model(Cpu *cpu, const char *model, const char *props, Err *err)
{
    return arm_set_model(arm_cpu(cpu), model, props, err);
}

static bool init(Cpu *cpu, const char *model, const char *props, Err *err)
{
    ArmCpu *c = arm_cpu(cpu);

    if (!arm_set_model(c, model, props, err) || !arm_timers_new(c, err)) {
        return false;
    }
    reset(cpu);
    return true;
}

static void start_at(Cpu *cpu, u64 pc, u64 arg)
{
    cpu->tcg.pc = pc;
    arm_cpu(cpu)->x[0] = arg;
}

/* ---- words for people --------------------------------------------------- */

static const char *mode_name(const ArmCpu *c)
{
    return c->el == 0 ? "EL0t" : c->spsel ? "EL1h" : "EL1t";
}

static void describe(const Cpu *cpu, char *buf, size_t len)
{
    const ArmCpu *c = (const ArmCpu *)cpu;

    snprintf(buf, len, "%s ASID %llx%s%s", mode_name(c),
             (unsigned long long)(cpu->space & 0xffff),
             c->sctlr & SCTLR_M ? "" : " MMU off",
             cpu->halted ? " in WFI" : "");
}

static void dump_fp(Cpu *cpu, FILE *f)
{
    ArmCpu *c = arm_cpu(cpu);

    if (!(cpu->key & KEY_FP)) {
        fprintf(f, "FPU disabled\n");
        return;
    }
    fprintf(f, "FPCR=%08x FPSR=%08x\n", fpcr_get(c), fpsr_get(c));
    for (u32 i = 0; i < 32; i++) {
        fprintf(f, "Q%02u=%016llx:%016llx%s", i,
                (unsigned long long)c->v[i].d[1],
                (unsigned long long)c->v[i].d[0], i & 1 ? "\n" : " ");
    }
}

static void dump(Cpu *cpu, FILE *f)
{
    ArmCpu *c = arm_cpu(cpu);
    u64 pstate = pstate_get(c);

    fprintf(f, " PC=%016llx ", (unsigned long long)cpu->tcg.pc);
    for (u32 i = 0; i < 31; i++) {
        fprintf(f, "X%02u=%016llx%s", i, (unsigned long long)c->x[i],
                i % 3 == 1 ? "\n" : " ");
    }
    fprintf(f, " SP=%016llx\n", (unsigned long long)c->sp);
    fprintf(f, "PSTATE=%08llx %c%c%c%c %s\n", (unsigned long long)pstate,
            pstate & BIT(31) ? 'N' : '-', pstate & BIT(30) ? 'Z' : '-',
            pstate & BIT(29) ? 'C' : '-', pstate & BIT(28) ? 'V' : '-',
            mode_name(c));
}

static Line *output(Cpu *c, int n)
{
    return n >= 0 && n < ARM_OUTS ? &arm_cpu(c)->out[n] : NULL;
}

static void firmware(Cpu *c, bool hvc, bool smc)
{
    arm_cpu(c)->psci = (ArmPsci) { hvc, smc };
}

TARGET(aarch64) {
    .output = output,
    .firmware = firmware,
    .name = "aarch64",
    .about = "Arm 64-bit, Armv8.0-A with EL0 and EL1",
    .word = 64,
    .cpu_size = sizeof(ArmCpu),
    .regs = regs,
    .state = arm_state,
    .saving = arm_saving,
    .loaded = arm_loaded,
    .slots = arm_slots,
    .nslots = ARM_SLOTS,
    .soft = &arm_soft,
    .models = arm_models,
    .gdb_arch = "aarch64",
    .gdb_xml = gdb_xml,
    .capstone_arch = CS_ARCH_ARM64,
    .capstone_mode = CS_MODE_ARM,
    .init = init,
    .set_model = set_model,
    .feature = arm_feature,
    .reset = reset,
    .start_at = start_at,
    .translate = arm_translate,
    .walk = arm_walk,
    .misaligned = arm_misaligned,
    .bus_error = arm_bus_error,
    .fault = arm_fault,
    .trap = arm_trap,
    .interrupt = arm_interrupt,
    .wakes = arm_wakes,
    .clean_address = arm_clean_address,
    .describe = describe,
    .dump = dump,
    .dump_fp = dump_fp,
};
