/* SPDX-License-Identifier: MIT */
/*
 * What VMRUN and SVM's other instructions refuse, and what a world switch
 * keeps.  Reference: AMD64 APM volume 2, 15.5, 15.6, 15.16, 15.17, 15.30.
 */
#include "vm.h"

CODE(nothing, "nop");

/* A field of the VMCB that makes VMRUN fail. */
static void refused(const char *name, u32 at, u64 v)
{
    new_vm(nothing);
    *vm64(at) = v;
    equal(name, run(), INVALID);
}

static void consistency(void)
{
    new_vm(nothing);
    equal("nothing is wrong", run(), X_HLT);
    refused("EFER.SVME clear", EFER, rdmsr(0xc0000080) & ~0x1000ull);
    deviates();
    refused("a reserved bit of EFER", EFER, rdmsr(0xc0000080) | 1ull << 40);
    refused("CR0.NW without CD", CR0, 0x80000011 | 1 << 29);
    refused("bit 32 of CR0", CR0, *vm64(CR0) | 1ull << 32);
    deviates();
    refused("bit 60 of CR3", CR3, PML4 | 1ull << 60);
    deviates();
    refused("a reserved bit of CR4", CR4, *vm64(CR4) | 1 << 15);
    refused("bit 32 of DR6", DR6, 1ull << 32);
    refused("bit 32 of DR7", DR7, 1ull << 32);
    refused("long mode without PAE", CR4, 0);
    refused("long mode without PE", CR0, 1ull << 31);
    refused("ASID 0", ASID, 0);
    deviates();
    refused("an I/O map beyond memory", 0x40, 1ull << 52);
    deviates();
    refused("an MSR map beyond memory", 0x48, 1ull << 52);
    deviates();
    refused("EVENTINJ of type 1", EVENTINJ, 1ull << 31 | 1 << 8 | 0x30);
    deviates();
    refused("EVENTINJ: exception 2", EVENTINJ, 1ull << 31 | 3 << 8 | 2);
    deviates();
    refused("EVENTINJ: exception 32", EVENTINJ, 1ull << 31 | 3 << 8 | 32);
    new_vm(nothing);
    *vm32(0x10) &= ~1u;
    equal("VMRUN is not intercepted", run(), INVALID);
    new_vm(nothing);
    *vm16(CS + 2) |= 0x400;
    equal("CS.L and CS.D", run(), INVALID);
    if (features & NPT) {
        new_vm(nothing);
        *vm64(NP) = 1;
        *vm64(N_CR3) = 1ull << 60;
        deviates();
        equal("a reserved bit of nCR3", run(), INVALID);
    }
}

static void instructions(void)
{
    TRY("movl $0x321800, %%eax\n .byte 0x0f, 0x01, 0xd8", "r"(0));
    trapped("a VMCB that is not aligned", 13);
    TRY("movq %0, %%rax\n .byte 0x0f, 0x01, 0xd8", "r"(1ull << 52));
    deviates();
    trapped("VMRUN beyond memory", 13);
    TRY("movl $0x321800, %%eax\n .byte 0x0f, 0x01, 0xda", "r"(0));
    trapped("VMLOAD, not aligned", 13);
    TRY(".byte 0x0f, 0x01, 0xd9", "r"(0));
    trapped("VMMCALL in the host", 6);
    TRY(".byte 0x0f, 0x01, 0xde", "r"(0));
    deviates();
    trapped("SKINIT", 6);
    TRY("movl $0xc0010117, %%ecx\n movl $0x800, %%eax\n xorl %%edx, %%edx\n"
        "wrmsr", "r"(0));
    deviates();
    trapped("VM_HSAVE_PA, not aligned", 13);
    wrmsr(0xc0010117, HSAVE);
    TRY(".byte 0x0f, 0x01, 0xdd, 0x0f, 0x01, 0xdc", "r"(0));
    trapped("CLGI, STGI", NO_TRAP);
}

static void load_and_save(void)
{
    new_vm(nothing);
    segment(FS, 0x10, 0xc93, 0x12345, 0x1122334455);
    segment(GS, 0x10, 0xc93, ~0u, 0x66778899);
    *vm64(KERNEL_GS) = 0x1234567890;
    *vm64(STAR) = 0x23001000000000;
    __asm__ volatile("movl $0x321000, %%eax\n .byte 0x0f, 0x01, 0xda"
                     : : : "rax", "memory");
    equal("VMLOAD: FS", rdmsr(0xc0000100), 0x1122334455);
    equal("GS", rdmsr(0xc0000101), 0x66778899);
    equal("KernelGSbase", rdmsr(0xc0000102), 0x1234567890);
    equal("STAR", rdmsr(0xc0000081), 0x23001000000000);
    fill((void *)(VMCB + FS), 0xaa, 16);
    wrmsr(0xc0000082, 0x4444);
    __asm__ volatile("movl $0x321000, %%eax\n .byte 0x0f, 0x01, 0xdb"
                     : : : "rax", "memory");
    equal("VMSAVE: FS's selector", *vm16(FS), 0x10);
    equal("attributes", *vm16(FS + 2), 0xc93);
    equal("limit", *vm32(FS + 4), 0x12345);
    equal("base", *vm64(FS + 8), 0x1122334455);
    equal("LSTAR", *vm64(0x608), 0x4444);
}

/* ---- what the host finds again ------------------------------------------ */

CODE(changes, "movl $0x7777, %eax\n movl $0x1234, %esp\n movq %rax, %cr2\n"
     "movl $0x155, %ecx\n movq %rcx, %dr7\n std\n stc");

static void host_state(void)
{
    u64 flags, dr7, sp, after;

    new_vm(changes);
    __asm__ volatile("movq %%rsp, %0" : "=r"(sp));
    run_closed();
    __asm__ volatile("movq %%rsp, %0\n pushfq\n popq %1\n movq %%dr7, %2"
                     : "=r"(after), "=r"(flags), "=r"(dr7));
    __asm__ volatile(".byte 0x0f, 0x01, 0xdc");
    equal("the host's RSP", after, sp);
    equal("DF and IF", flags & 0x600, 0);
    equal("DR7", dr7, 0x400);
    equal("the guest's RAX", *vm64(RAX), 0x7777);
    equal("RSP", *vm64(RSP), 0x1234);
    equal("CR2", *vm64(CR2), 0x7777);
    equal("DR7", *vm64(DR7) & 0x3ff, 0x155);
    equal("RFLAGS", *vm64(RFLAGS) & 0x401, 0x401);
    equal("CPL", *vm8(CPL), 0);
}

/* ---- time --------------------------------------------------------------- */

CODE(tsc, "rdtsc\n shlq $32, %rdx\n orq %rax, %rdx");

static u64 host_tsc(void)
{
    u32 lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return lo | (u64)hi << 32;
}

static void time(void)
{
    u64 before, after, far = 1ull << 50;

    new_vm(tsc);
    *vm64(TSC_OFFSET) = far;
    before = host_tsc();
    run();
    after = host_tsc();
    result(gpr[RDX] - far >= before && gpr[RDX] - far <= after, "TSC_OFFSET");
    if (features & TSC_RATE) {
        wrmsr(0xc0000104, 4ull << 32);
        new_vm(tsc);
        before = host_tsc();
        run();
        after = host_tsc();
        result(gpr[RDX] >= before * 4 && gpr[RDX] <= after * 4, "TSC_RATIO");
        wrmsr(0xc0000104, 1ull << 32);
        TRY("movl $0xc0000104, %%ecx\n movl $0x100, %%edx\n wrmsr", "r"(0));
        trapped("a reserved bit of TSC_RATIO", 13);
    }
}

/* ---- SVMDIS; the last of all -------------------------------------------- */

static void disable(void)
{
    if (lax) {
        return;                         /* QEMU has no VM_CR */
    }
    wrmsr(0xc0000080, rdmsr(0xc0000080) & ~0x1000ull);
    TRY(".byte 0x0f, 0x01, 0xdc", "r"(0));
    trapped("STGI without SVME", 6);
    wrmsr(0xc0010114, 0x18);            /* LOCK, SVMDIS */
    TRY("movl $0xc0000080, %%ecx\n rdmsr\n orl $0x1000, %%eax\n wrmsr",
        "r"(0));
    trapped("EFER.SVME with VM_CR.SVMDIS", 13);
    wrmsr(0xc0010114, 0);
    equal("VM_CR is locked", rdmsr(0xc0010114), 0x18);
}

void test_checks(void)
{
    consistency();
    instructions();
    load_and_save();
    host_state();
    time();
    disable();
}
