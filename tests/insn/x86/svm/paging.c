/* SPDX-License-Identifier: MIT */
/*
 * Nested paging, guests in other modes, ASIDs, task switches.
 * Reference: AMD64 APM volume 2, 15.25, 15.14.1, 15.16.
 */
#include "vm.h"

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80 };
#define NX      (1ull << 63)
#define FINAL   (1ull << 32)
#define TABLE   (1ull << 33)

/* Nested tables: 4 GiB by 2 MiB, but what `hole` is in by pages. */
enum { NPML4 = NESTED_TABLES, NPDPT = NESTED_TABLES + 0x1000,
       NPD = NESTED_TABLES + 0x2000, NPT_ = NESTED_TABLES + 0x3000,
       HOLE = 0x600000, OTHER = 0x700000 };
/* The guest's own: its first GiB, and the hole's 2 MiB by pages. */
enum { GPML4 = GUEST_TABLES, GPDPT = GUEST_TABLES + 0x1000,
       GPD = GUEST_TABLES + 0x2000, GPT = GUEST_TABLES + 0x3000 };

static void make_tables(u64 at, u64 rights)
{
    fill((void *)at, 0, 0x4000);
    at64(at)[0] = (at + 0x1000) | rights;
    at64(at + 0x1000)[0] = (at + 0x2000) | rights;
    for (u64 i = 0; i < 512; i++) {
        at64(at + 0x2000)[i] = i << 21 | PS | rights;
        at64(at + 0x3000)[i] = (HOLE + (i << 12)) | rights;
    }
    at64(at + 0x2000)[HOLE >> 21] = (at + 0x3000) | rights;
}

static void nested_vm(const u8 *code)
{
    new_vm(code);
    make_tables(NPML4, U | W | P);
    make_tables(GPML4, W | P);
    *vm64(NP) = 1;
    *vm64(N_CR3) = NPML4;
    *vm64(CR3) = GPML4;
    gpr[RDI] = HOLE;
}

CODE(reads, "movq 8(%rdi), %rbx");
CODE(writes, "movq %rbx, 8(%rdi)");
CODE(jumps, "jmp *%rdi");

static void fault(const char *name, u64 info, u64 address)
{
    equal(name, run(), X_NPF);
    equal("EXITINFO1", *vm64(EXITINFO1), info);
    equal("EXITINFO2", *vm64(EXITINFO2), address);
}

static void final(void)
{
    nested_vm(reads);
    at64(HOLE)[1] = 0x1111;
    equal("a read", run(), X_HLT);
    equal("of the page", gpr[RBX], 0x1111);
    equal("the guest's entry: A", at64(GPT)[0], HOLE | A | W | P);
    deviates();
    equal("the nested entry: A", at64(NPT_)[0] & (A | D), A);
    nested_vm(reads);
    at64(NPT_)[0] = 0;
    fault("not present, read", FINAL | U, HOLE + 8);
    equal("RIP", *vm64(RIP), (u64)reads);
    if (features & ASSISTS) {
        result(*vm8(INSN) == 15 && *vm32(INSN + 1) == *(u32 *)reads,
               "bytes of the instruction");
    }
    at64(NPT_)[0] = OTHER | U | W | P;
    at64(OTHER)[1] = 0x2222;
    equal("mapped, it goes on", run(), X_HLT);
    equal("with another page", gpr[RBX], 0x2222);
    nested_vm(writes);
    at64(NPT_)[0] = HOLE | U | P;
    fault("a write to a read-only page", FINAL | U | W | P, HOLE + 8);
    nested_vm(reads);
    at64(NPT_)[0] = HOLE | W | P;
    fault("a supervisor's page", FINAL | U | P, HOLE + 8);
    nested_vm(jumps);
    at64(NPT_)[0] |= NX;
    fault("a fetch from a page with NX", FINAL | 0x10 | U | P, HOLE);
    nested_vm(reads);
    at64(NPT_)[0] = 1ull << 51 | HOLE | U | W | P;
    equal("a reserved bit", run(), X_NPF);
    deviates();
    equal("EXITINFO1", *vm64(EXITINFO1), FINAL | 8 | U | P);
    nested_vm(writes);
    run();
    equal("a write: D of the guest's", at64(GPT)[0] & (A | D), A | D);
    equal("and of the nested entry", at64(NPT_)[0] & (A | D), A | D);
}

static void tables(void)
{
    /* The guest's page table is itself in the hole. */
    nested_vm(reads);
    copy((void *)(HOLE + 0x5000), (void *)(u64)GPT, 4096);
    at64(GPD)[HOLE >> 21] = (HOLE + 0x5000) | W | P;
    at64(NPT_)[5] = 0;
    fault("the guest's table is not there", TABLE | U | W, HOLE + 0x5000);
    at64(NPT_)[5] = (HOLE + 0x5000) | U | P;
    *vm8(TLB_CONTROL) = 1;
    fault("or read-only", TABLE | U | W | P, HOLE + 0x5000);
    at64(NPT_)[5] = (HOLE + 0x5000) | U | W | P;
    equal("it is there", run(), X_HLT);
    deviates();
    equal("reading tables writes", at64(NPT_)[5] & (A | D), A | D);
    nested_vm(reads);
    at64(GPT)[0] = 0;
    intercept(X_EXCP + 14);
    equal("the guest's own #PF", run(), X_EXCP + 14);
    equal("error code", *vm64(EXITINFO1), 0);
    equal("address", *vm64(EXITINFO2), HOLE + 8);
}

static void delivery(void)
{
    nested_vm(reads);
    at64(NPT_)[1] = 0;
    *vm64(RSP) = HOLE + 0x2000;
    *vm64(EVENTINJ) = 1ull << 31 | 0x41;
    fault("the stack of an interrupt", FINAL | U | W, HOLE + 0x1ff8);
    equal("EXITINTINFO", *vm64(EXITINTINFO), 1ull << 31 | 0x41);
}

CODE(pat, "movl $0x277, %ecx\n rdmsr\n movl %eax, %ebx\n movl $6, %eax\n"
     "xorl %edx, %edx\n wrmsr");

static void own_pat(void)
{
    u64 host = rdmsr(0x277);

    nested_vm(pat);
    *vm64(G_PAT) = 0x0606060606060606;
    run();
    deviates();
    equal("gPAT is read", gpr[RBX], 0x06060606);
    deviates();
    equal("and written", *vm64(G_PAT), 6);
    deviates();
    equal("the host's stays", rdmsr(0x277), host);
}

/* ---- ASIDs -------------------------------------------------------------- */

static u64 value(u32 asid, u8 flush)
{
    *vm64(RIP) = (u64)reads;
    *vm32(ASID) = asid;
    *vm8(TLB_CONTROL) = flush;
    run();
    return gpr[RBX];
}

static void asids(void)
{
    nested_vm(reads);
    at64(HOLE)[1] = 1;
    at64(OTHER)[1] = 2;
    equal("ASID 1", value(1, 1), 1);
    at64(NPT_)[0] = OTHER | U | W | P;
    equal("another has its own translations", value(2, 0), 2);
    at64(NPT_)[0] = HOLE | U | W | P;
    equal("flushed by ASID", value(2, 3), 1);
    at64(NPT_)[0] = OTHER | U | W | P;
    equal("all flushed", value(1, 1), 2);
    /* Shadow tables: CR3 is the host's choice. */
    new_vm(reads);
    make_tables(GPML4, W | P);
    make_tables(NPML4, W | P);
    at64(NPT_)[0] = OTHER | W | P;
    gpr[RDI] = HOLE;
    *vm64(CR3) = GPML4;
    equal("no nested paging", value(3, 1), 1);
    at64(GPT)[0] = OTHER | W | P;
    __asm__ volatile(".byte 0x0f, 0x01, 0xdf" : : "a"(HOLE), "c"(3));
    equal("INVLPGA", value(3, 0), 2);
}

/* ---- other modes -------------------------------------------------------- */

__asm__(".text\n"
        "real: .code16\n movw $0x1234, %ax\n movw %ax, %ds:0x10\n"
        "pushw %ax\n movl %cr0, %ebx\n int $0x42\n"
        "real_end: .code32\n"
        "flat: movl %cr0, %eax\n movl %eax, %ebx\n movl 0x600008, %ecx\n"
        "pushl %ecx\n popl %edx\n hlt\n"
        "task: ljmp $0x28, $0\n hlt\n"
        "flat_end: .code64\n");
extern const u8 real[], real_end[], flat[], flat_end[], task[];

/* At 8000:0, with its IVT at 0 and a handler that halts. */
static void real_mode(bool npt)
{
    if (npt) {
        nested_vm(0);
    } else {
        new_vm(0);
    }
    copy((void *)0x80000, real, (u64)(real_end - real));
    *(volatile u8 *)0x80800 = 0xf4;
    *(volatile u32 *)(0x42 * 4) = 0x80000800;
    segment(CS, 0x8000, 0x9b, 0xffff, 0x80000);
    segment(DS, 0x9000, 0x93, 0xffff, 0x90000);
    segment(SS, 0x9000, 0x93, 0xffff, 0x90000);
    segment(IDTR, 0, 0, 0x3ff, 0);
    *vm64(CR0) = 0x10;
    *vm64(CR4) = 0;
    *vm64(EFER) = 0x1000;
    *vm64(RIP) = 0;
    *vm64(RSP) = 0x1000;
    equal(npt ? "real mode, nested paging" : "real mode", run(), X_HLT);
    equal("in INT's handler", *vm64(RIP), 0x800);
    equal("it wrote by DS", *(volatile u16 *)0x90010, 0x1234);
    equal("its CR0", gpr[RBX] & ~0x10ull, 0);
    equal("its stack", *vm64(RSP), 0x1000 - 8);
    equal("CS", *vm16(CS), 0x8000);
}

/* 32-bit code: CR4, and what CR3 is for it. */
static void protected(const char *name, u64 cr0, u64 cr4, u64 cr3, bool npt)
{
    if (npt) {
        nested_vm(flat);
    } else {
        new_vm(flat);
    }
    at64(HOLE)[1] = 0x77;
    segment(CS, 0x18, 0xc9b, ~0u, 0);
    *vm64(CR0) = cr0;
    *vm64(CR4) = cr4;
    *vm64(CR3) = cr3;
    *vm64(EFER) = 0x1000;
    equal(name, run(), X_HLT);
    equal("what it read", gpr[RDX], 0x77);
}

static void modes(bool npt)
{
    enum { PDE = FREE, PDPTE = FREE + 0x1000, PDE_PAE = FREE + 0x2000 };

    for (u32 i = 0; i < 1024; i++) {
        ((volatile u32 *)PDE)[i] = i << 22 | PS | W | P;
    }
    at64(PDPTE)[0] = PDE_PAE | P;
    for (u64 i = 0; i < 512; i++) {
        at64(PDE_PAE)[i] = i << 21 | PS | W | P;
    }
    real_mode(npt);
    protected("no paging", 0x11, 0, 0, npt);
    protected("32-bit paging", 0x80000011, 0x10, PDE, npt);
    protected("PAE", 0x80000011, 0x20, PDPTE, npt);
}

/* A jump to a task; the segment is in the guest's GDT. */
static void task_switch(void)
{
    u64 *gdt = (u64 *)(FREE + 0x3000);

    new_vm(task);
    copy(gdt, (void *)*vm64(GDTR + 8), 0x28);
    gdt[5] = 0x67 | (u64)FREE << 16 | 0x89ull << 40;
    segment(GDTR, 0, 0, 0x2f, (u64)gdt);
    segment(CS, 0x18, 0xc9b, ~0u, 0);
    *vm64(CR0) = 0x11;
    *vm64(CR4) = 0;
    *vm64(EFER) = 0x1000;
    intercept(0x7d);
    run();
    deviates();
    equal("a task switch", *vm64(EXITCODE), 0x7d);
    deviates();
    equal("its selector", *vm64(EXITINFO1), 0x28);
    deviates();
    equal("by a jump", *vm64(EXITINFO2), 1ull << 38);
}

void test_paging(void)
{
    modes(false);
    task_switch();
    if (features & NPT) {
        final();
        tables();
        delivery();
        own_pat();
        modes(true);
        asids();
    }
}
