/* SPDX-License-Identifier: MIT */
/*
 * System instructions: who may, and which values; SYSENTER; time.
 * Reference: SDM volume 2; volume 3, 2.5, 5.9.
 */
#include "modes.h"

enum { UD_ = 6, GP_ = 13 };
enum { TSD = 4, DE = 8, VME = 1, OSFXSR = 1 << 9, UMIP = 1 << 11 };

#define AS_USER(text)                                                       \
    USER(text, "b"(out));                                                   \
    trapped(text " at CPL 3", GP_, 0)

static void privileged(void)
{
    AS_USER("lgdtl (%%ebx)");
    AS_USER("lidtl (%%ebx)");
    AS_USER("lldt %%ax");
    AS_USER("ltr %%ax");
    AS_USER("lmsw %%ax");
    AS_USER("clts");
    AS_USER("invlpg (%%ebx)");
    AS_USER("wbinvd");
    AS_USER("invd");
    AS_USER("movl %%cr0, %%eax");
    AS_USER("movl %%eax, %%cr3");
    AS_USER("movl %%db0, %%eax");
    AS_USER("movl %%eax, %%db7");
    AS_USER("rdmsr");
    AS_USER("wrmsr");
    AS_USER("rdpmc");
    AS_USER("hlt");
    AS_USER("sti");
    AS_USER("inb $0x60, %%al");
    AS_USER("outsb");
    USER("smsw %%eax\n movl %%eax, out", "r"(0));
    trapped("SMSW at CPL 3", CALL_VECTOR, 0);
    equal("it gives CR0", out[0], read_cr0());
    USER("sgdtl (%%ebx)\n sidtl (%%ebx)\n sldt %%eax\n str %%ecx", "b"(out));
    trapped("SGDT, SIDT, SLDT, STR at CPL 3", CALL_VECTOR, 0);
    USER("cpuid\n rdtsc", "r"(0));
    trapped("CPUID, RDTSC at CPL 3", CALL_VECTOR, 0);
    write_cr4(read_cr4() | TSD);
    USER("rdtsc", "r"(0));
    trapped("RDTSC with TSD at CPL 3", GP_, 0);
    TRY("rdtsc", "r"(0));
    trapped("and at CPL 0", NO_TRAP, 0);
    write_cr4(read_cr4() & ~(u32)TSD);
}

static void umip(void)
{
    u32 id[4];

    cpuid(0, id);
    if (id[0] < 7) {
        return;
    }
    cpuid(7, id);
    if (!(id[2] & 4)) {
        return;
    }
    write_cr4(read_cr4() | UMIP);
    USER("sgdtl (%%ebx)", "b"(out));
    trapped("SGDT under UMIP", GP_, 0);
    USER("sldt %%eax", "r"(0));
    trapped("SLDT under UMIP", GP_, 0);
    USER("smsw %%eax", "r"(0));
    trapped("SMSW under UMIP", GP_, 0);
    TRY("sgdtl out\n sidtl out\n str %%eax", "r"(0));
    trapped("at CPL 0", NO_TRAP, 0);
    write_cr4(read_cr4() & ~(u32)UMIP);
}

static void values(void)
{
    if (!lax) {
        TRY("movl %0, %%cr0", "r"((read_cr0() | 0x20000000) & ~0x40000000u));
        trapped("CR0.NW without CD", GP_, 0);
        TRY("movl %0, %%cr0", "r"((read_cr0() | 0x80000000) & ~1u));
        trapped("CR0.PG without PE", GP_, 0);
        TRY("movl %0, %%cr4", "r"(read_cr4() | 0x80000000));
        trapped("a reserved bit of CR4", GP_, 0);
    }
    TRY("movl %%cr1, %%eax", "r"(0));
    trapped("CR1", UD_, 0);
    TRY("movl %%cr5, %%eax", "r"(0));
    trapped("CR5", UD_, 0);
    TRY("rdmsr", "c"(0x12345678));
    deviates();
    trapped("an MSR that is not there", GP_, 0);
    TRY("wrmsr", "c"(0x277), "a"(2), "d"(0));
    deviates();
    trapped("a wrong type in the PAT", GP_, 0);
    TRY("wrmsr", "c"(0xc0000080), "a"(0x80000000), "d"(0));
    deviates();
    trapped("a reserved bit of EFER", GP_, 0);
    write_cr4(read_cr4() | DE);
    TRY("movl %%db4, %%eax", "r"(0));
    trapped("DR4 with DE", UD_, 0);
    write_cr4(read_cr4() & ~(u32)DE);
    TRY("movl %%db4, %%eax\n movl %%db6, %%ecx\n subl %%ecx, %%eax\n"
        "movl %%eax, out", "r"(0));
    trapped("DR4 without", NO_TRAP, 0);
    equal("is DR6", out[0], 0);
    TRY("lmsw %w0", "r"(read_cr0() & 0xfffe));
    trapped("LMSW that clears PE", NO_TRAP, 0);
    equal("does not", read_cr0() & 1, 1);
    TRY("lmsw %w0", "r"((read_cr0() & 0xffff) | 8));
    equal("LMSW sets TS", read_cr0() & 8, 8);
    __asm__ volatile("clts");
    equal("CLTS clears it", read_cr0() & 8, 0);
    TRY("movl %%cr0, %%ecx\n movl %%ecx, out", "r"(0));
    equal("ET is fixed", out[0] & 0x10, 0x10);
}

static void wrmsr(u32 msr, u32 v)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"(v), "d"(0));
}

extern u8 entry;
__asm__(
    "entry:\n"
    "    movl %cs, %eax\n"
    "    movl %eax, out\n"
    "    movl %ss, %eax\n"
    "    movl %eax, out + 4\n"
    "    movl %esp, out + 8\n"
    "    pushfl\n"
    "    popl out + 12\n"
    "    sysexit\n");

static void sysenter(void)
{
    u32 id[4];

    cpuid(1, id);
    if (!(id[3] & 1 << 11)) {
        return;
    }
    wrmsr(0x174, 0);
    USER("sysenter", "r"(0));
    trapped("SYSENTER with no selector", GP_, 0);
    wrmsr(0x174, KCODE);
    wrmsr(0x175, (u32)stack1 + sizeof stack1);
    wrmsr(0x176, (u32)&entry);
    USER("movl $7f, %%edx\n movl %%esp, %%ecx\n sysenter\n 7:\n"
         "movl %%ss, %%eax\n movl %%eax, out + 16", "r"(0));
    trapped("SYSENTER, SYSEXIT", CALL_VECTOR, 0);
    equal("CS", out[0], KCODE);
    equal("SS", out[1], KDATA);
    equal("ESP", out[2], (u32)stack1 + sizeof stack1);
    equal("IF is clear", out[3] & 0x200, 0);
    equal("CS behind SYSEXIT", trap.cs, UCODE);
    equal("SS behind SYSEXIT", out[4], UDATA);
    USER("sysexit", "r"(0));
    trapped("SYSEXIT at CPL 3", GP_, 0);
}

static void tables(void)
{
    u8 t[8] __attribute__((aligned(4)));

    __asm__ volatile("sgdtl %0" : "=m"(t));
    equal("SGDT: limit", *(u16 *)t, GDT_SIZE - 1);
    equal("SGDT: base", *(u32 *)(t + 2), (u32)gdt);
    __asm__ volatile("sidtl %0" : "=m"(t));
    equal("SIDT: limit", *(u16 *)t, 0x7ff);
    equal("SIDT: base", *(u32 *)(t + 2), (u32)idt);
    TRY("movl $-1, %%eax\n str %%eax\n movl %%eax, out\n movl $-1, %%eax\n"
        "sldt %%ax\n movl %%eax, out + 4", "r"(0));
    equal("STR of 32 bits", out[0], TSS_SEL);
    equal("SLDT of 16 bits", out[1], 0xffff0000);
    TRY("pushw %%fs\n popw %%ax\n pushl %%fs\n movl (%%esp), %%ecx\n"
        "popl %%fs\n pushw %%fs\n popw %%fs\n movl %%esp, out", "r"(0));
    equal("PUSH and POP of FS by words", out[0], recover_sp);
    /* PUSH CS; POP ES and the like. */
    TRY("pushl %%cs\n popl %%eax\n movl %%eax, out\n pushl %%ss\n popl %%es",
        "r"(0));
    equal("PUSH CS", out[0] & 0xffff, KCODE);
}

void test_system(void)
{
    privileged();
    umip();
    values();
    sysenter();
    tables();
}
