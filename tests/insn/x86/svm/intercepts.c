/* SPDX-License-Identifier: MIT */
/*
 * Each intercept: EXITCODE, EXITINFO1 and 2, nRIP, decode assists.
 * Reference: AMD64 APM volume 2, 15.7 to 15.13.
 */
#include "vm.h"

/* Instructions in a guest at CPL 0: name, text, EXITCODE, EXITINFO1. */
#define INSNS(_)                                                            \
    _(pushfq, "pushfq", 0x70, 0) _(popfq, "popfq", 0x71, 0)                 \
    _(cpuid, "cpuid", 0x72, 0) _(rsm, "rsm", 0x73, 0)                       \
    _(iretq, "iretq", 0x74, 0) _(int30, "int $0x30", 0x75, ASSIST(0x30))    \
    _(invd, "invd", 0x76, 0) _(pause, "pause", 0x77, 0)                     \
    _(hlt, "hlt", 0x78, 0) _(invlpg, "invlpg 16(%rdi)", 0x79, ASSIST(0x5010)) \
    _(invlpga, ".byte 0x0f, 0x01, 0xdf", 0x7a, 0)                           \
    _(rdtsc, "rdtsc", 0x6e, 0) _(rdpmc, "rdpmc", 0x6f, 0)                   \
    _(sidt, "sidt (%rdi)", 0x66, 0) _(sgdt, "sgdt (%rdi)", 0x67, 0)         \
    _(sldt, "sldt %eax", 0x68, 0) _(str_, "str %eax", 0x69, 0)              \
    _(lidt, "lidt (%rdi)", 0x6a, 0) _(lgdt, "lgdt (%rdi)", 0x6b, 0)         \
    _(lldt, "lldt %ax", 0x6c, 0) _(ltr, "ltr %ax", 0x6d, 0)                 \
    _(vmrun, ".byte 0x0f, 0x01, 0xd8", 0x80, 0)                             \
    _(vmmcall, ".byte 0x0f, 0x01, 0xd9", 0x81, 0)                           \
    _(vmload, ".byte 0x0f, 0x01, 0xda", 0x82, 0)                            \
    _(vmsave, ".byte 0x0f, 0x01, 0xdb", 0x83, 0)                            \
    _(stgi, ".byte 0x0f, 0x01, 0xdc", 0x84, 0)                              \
    _(clgi, ".byte 0x0f, 0x01, 0xdd", 0x85, 0)                              \
    _(rdtscp, "rdtscp", 0x87, 0) _(icebp, ".byte 0xf1", 0x88, 0)            \
    _(wbinvd, "wbinvd", 0x89, 0)                                            \
    _(read_cr0, "movq %cr0, %rbx", 0x00, ASSIST(CR(3)))                     \
    _(read_cr2, "movq %cr2, %r9", 0x02, ASSIST(CR(9)))                      \
    _(read_cr3, "movq %cr3, %rax", 0x03, ASSIST(CR(0)))                     \
    _(read_cr4, "movq %cr4, %rcx", 0x04, ASSIST(CR(1)))                     \
    _(read_cr8, "movq %cr8, %rdx", 0x08, ASSIST(CR(2)))                     \
    _(smsw, "smsw %eax", 0x00, 0)                                           \
    _(write_cr0, "movq %rbp, %cr0", 0x10, ASSIST(CR(5)))                    \
    _(write_cr2, "movq %rbx, %cr2", 0x12, ASSIST(CR(3)))                    \
    _(write_cr3, "movq %rsi, %cr3", 0x13, ASSIST(CR(6)))                    \
    _(write_cr4, "movq %r8, %cr4", 0x14, ASSIST(CR(8)))                     \
    _(write_cr8, "movq %rdx, %cr8", 0x18, ASSIST(CR(2)))                    \
    _(clts, "clts", 0x10, 0) _(lmsw, "lmsw %ax", 0x10, 0)                   \
    _(sel_cr0, "movq %rcx, %cr0", 0x65, ASSIST(CR(1)))                      \
    _(read_dr0, "movq %dr0, %rbx", 0x20, ASSIST(3))                         \
    _(read_dr6, "movq %dr6, %rax", 0x26, ASSIST(0))                         \
    _(read_dr7, "movq %dr7, %rsi", 0x27, ASSIST(6))                         \
    _(write_dr3, "movq %rbx, %dr3", 0x33, ASSIST(3))                        \
    _(write_dr7, "movq %rbx, %dr7", 0x37, ASSIST(3))
#define CR(n)       (1ull << 63 | (n))
#define ASSIST(v)   (features & ASSISTS ? (v) : 0)

#define AS_CODE(name, text, exit, info) CODE(c_##name, text);
INSNS(AS_CODE)

typedef struct Case {
    const char *name;
    const u8 *code, *end;
    u64 exit, info;
} Case;

/* Values that no instruction of the list finds wrong. */
static void set_registers(void)
{
    gpr[RDI] = 0x5000;
    gpr[RBP] = *vm64(CR0);
    gpr[RSI] = PML4;
    gpr[R8] = *vm64(CR4);
    gpr[RDX] = 0;
    gpr[RCX] = *vm64(CR0) ^ 1 << 18;    /* AM: not MP or TS alone */
    gpr[RBX] = 0x400;
    *vm64(RAX) = 0x5000;
}

/* QEMU's translator does not know these intercepts. */
static bool is_late(const Case *c)
{
    return c->exit == 0x76 || c->exit == 0x87 || c->exit == 0x88;
}

static void one(const Case *c)
{
    new_vm(c->code);
    set_registers();
    intercept((u32)c->exit);
    run();
    if (is_late(c)) {
        deviates();
    }
    equal(c->name, *vm64(EXITCODE), c->exit);
    equal("EXITINFO1", *vm64(EXITINFO1), c->info);
    if (is_late(c)) {
        deviates();
    }
    equal("RIP", *vm64(RIP), (u64)c->code);
    if (features & NRIPS) {
        equal("nRIP", *vm64(NRIP), (u64)c->end);
    }
}

static void instructions(void)
{
#define AS_CASE(name, text, exit, info) \
    { #name, c_##name, c_##name##_end, exit, info },
    const Case cases[] = { INSNS(AS_CASE) };

    for (u32 i = 0; i < sizeof cases / sizeof *cases; i++) {
        one(&cases[i]);
    }
}

/* ---- what is not intercepted -------------------------------------------- */

CODE(c_free, "pushfq\n popfq\n xorl %eax, %eax\n cpuid\n rdtsc\n"
     "movq %cr0, %rax\n movq %rax, %cr0\n movq %cr3, %rax\n movq %rax, %cr3\n"
     "movq %dr7, %rax\n movq %rax, %dr7\n invlpg 0x5000\n wbinvd\n"
     "movl $0xc0000082, %ecx\n rdmsr\n wrmsr\n pause\n sidt 0x5000\n"
     "movl $0x1234, %ebx");
CODE(c_mp, "movq %cr0, %rax\n xorl $10, %eax\n movq %rax, %cr0\n clts");

static void unintercepted(void)
{
    new_vm(c_free);
    equal("none of them intercepted", run(), X_HLT);
    equal("they ran", gpr[RBX], 0x1234);
    equal("up to HLT", *vm64(RIP), (u64)c_free_end);
    new_vm(c_mp);
    intercept(X_CR0_SEL);
    equal("CR0.MP and TS alone are not selected", run(), X_HLT);
}

/* Exceptions come first. */
CODE(c_bad_cr0, "movl $0x20000000, %eax\n movq %rax, %cr0");
CODE(c_bad_cr8, "movl $16, %eax\n movq %rax, %cr8");

static void order(void)
{
    new_vm(c_bad_cr0);
    intercept(X_CR_WRITE);
    run();
    deviates();
    handled("#GP before the intercept of CR0", 13);
    new_vm(c_bad_cr8);
    intercept(X_CR_WRITE + 8);
    run();
    deviates();
    handled("#GP before the intercept of CR8", 13);
}

/* ---- exceptions --------------------------------------------------------- */

CODE(e_de, "xorl %ecx, %ecx\n divl %ecx");
CODE(e_ud, "ud2");
CODE(e_bp, "int3");
CODE(e_gp, "movl $0xffff, %eax\n movl %eax, %ds");
CODE(e_pf, "movabsq $0x7000000000, %rdi\n movq %rax, 8(%rdi)");
CODE(e_fetch, "movabsq $0x7000000000, %rdi\n jmp *%rdi");
CODE(e_nm, "movq %cr0, %rax\n orl $8, %eax\n movq %rax, %cr0\n fnop");
CODE(e_db, "pushfq\n orl $0x100, (%rsp)\n popfq\n nop");
CODE(e_np, "movl $0x20, %eax\n movl %eax, %fs");

static void exception(const char *name, const u8 *code, u8 vector, u64 error)
{
    new_vm(code);
    intercept(X_EXCP + vector);
    run();
    if (vector == 3) {
        deviates();
    }
    equal(name, *vm64(EXITCODE), X_EXCP + vector);
    equal("error code", *vm64(EXITINFO1), error);
    equal("nothing was being delivered", *vm64(EXITINTINFO) >> 31 & 1, 0);
    new_vm(code);
    run();
    handled("not intercepted", vector);
}

static void exceptions(void)
{
    exception("#DE", e_de, 0, 0);
    exception("#UD", e_ud, 6, 0);
    exception("#NM", e_nm, 7, 0);
    exception("#GP", e_gp, 13, 0xfffc);
    exception("#BP", e_bp, 3, 0);
    new_vm(e_bp);
    intercept(X_EXCP + 3);
    run();
    deviates();
    equal("#BP is at INT3", *vm64(RIP), (u64)e_bp);
    new_vm(e_db);
    intercept(X_EXCP + 1);
    equal("#DB", run(), X_EXCP + 1);
    equal("DR6.BS", *vm64(DR6) & 0x4000, 0x4000);
    new_vm(e_pf);
    intercept(X_EXCP + 14);
    *vm64(CR2) = 0x55;
    equal("#PF", run(), X_EXCP + 14);
    equal("a write", *vm64(EXITINFO1), 2);
    equal("its address", *vm64(EXITINFO2), 0x7000000008);
    deviates();
    equal("CR2 stays", *vm64(CR2), 0x55);
    if (features & ASSISTS) {
        const u8 *at = (const u8 *)*vm64(RIP);
        equal("bytes of the instruction", *vm8(INSN), 15);
        result(*vm32(INSN + 1) == *(const u32 *)at, "which are these");
    }
    new_vm(e_pf);
    run();
    handled("#PF", 14);
    equal("not intercepted: CR2", *vm64(CR2), 0x7000000008);
    new_vm(e_fetch);
    intercept(X_EXCP + 14);
    run();
    equal("#PF of a fetch", *vm64(EXITINFO1), 0x10);
    equal("has no bytes", *vm8(INSN), 0);
}

/* ---- ports -------------------------------------------------------------- */

CODE(io_out, "movw $0x5a3, %dx\n outl %eax, %dx");
CODE(io_in, "inb $0x64, %al");
CODE(io_outs, "movw $0x5a3, %dx\n movl $3, %ecx\n movl $0x5000, %esi\n"
     "rep outsb %fs:(%esi), %dx");
CODE(io_ins, "movw $0x5a4, %dx\n movl $0x5000, %edi\n insw");

static void allow(u16 port, bool on)
{
    u8 *p = (u8 *)IOPM + port / 8;

    *p = (u8)((*p & ~(1 << port % 8)) | !on << port % 8);
}

static void port(const char *name, const u8 *code, const u8 *end, u64 info)
{
    u16 number = (u16)(info >> 16);

    new_vm(code);
    intercept(X_IOIO);
    allow(number, false);
    equal(name, run(), X_IOIO);
    deviates();                         /* no address size, no segment */
    equal("EXITINFO1", *vm64(EXITINFO1), info);
    equal("EXITINFO2: the next one", *vm64(EXITINFO2), (u64)end);
}

static void ports(void)
{
    port("OUT of 4 bytes", io_out, io_out_end, 0x5a30240);
    port("IN of a byte", io_in, io_in_end, 0x640211);
    port("REP OUTSB", io_outs, io_outs_end, 0x5a3111c);
    port("INSW", io_ins, io_ins_end, 0x5a40225);
    new_vm(io_out);
    intercept(X_IOIO);
    equal("an allowed port", run(), X_HLT);
    new_vm(io_out);
    intercept(X_IOIO);
    allow(0x5a6, false);
    equal("the last byte of four", run(), X_IOIO);
    new_vm(io_out);
    allow(0x5a3, false);
    equal("not intercepted at all", run(), X_HLT);
}

/* ---- MSRs --------------------------------------------------------------- */

CODE(msr_read, "rdmsr");
CODE(msr_write, "wrmsr");

/* Is an access that the map forbids, or allows, an exit? */
static bool msr(u32 number, u32 at, bool write, bool forbid)
{
    new_vm(write ? msr_write : msr_read);
    intercept(X_MSR);
    gpr[RCX] = number;
    ((u8 *)MSRPM)[at / 8] = (u8)(forbid << at % 8);
    run();
    return *vm64(EXITCODE) == X_MSR && *vm64(EXITINFO1) == write;
}

static void msrs(void)
{
    result(msr(0x174, 0x174 * 2, false, true), "RDMSR");
    result(msr(0x174, 0x174 * 2 + 1, true, true), "WRMSR");
    result(!msr(0x174, 0x174 * 2, true, true), "WRMSR, reads forbidden");
    result(!msr(0x174, 0x174 * 2, false, false), "an allowed one");
    result(msr(0xc0000082, 0x4000 + 0x82 * 2, false, true), "C0000082");
    result(msr(0xc0010015, 0x8000 + 0x15 * 2, false, true), "C0010015");
    result(msr(0x4b564d00, 0, false, false), "one that has no bits");
}

/* ---- PAUSE with a filter ------------------------------------------------ */

CODE(pauses, "1: incl %ebx\n pause\n jmp 1b");

static void pause_filter(void)
{
    new_vm(pauses);
    intercept(X_PAUSE);
    equal("PAUSE", run(), X_PAUSE);
    equal("the first", gpr[RBX], 1);
    if (features & PAUSE_FILTER) {
        new_vm(pauses);
        intercept(X_PAUSE);
        *vm16(PAUSE_COUNT) = 5;
        equal("PAUSE, filtered", run(), X_PAUSE);
        equal("the sixth", gpr[RBX], 6);
    }
}

void test_intercepts(void)
{
    instructions();
    unintercepted();
    order();
    exceptions();
    ports();
    msrs();
    pause_filter();
}
