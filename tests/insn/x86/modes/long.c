/* SPDX-License-Identifier: MIT */
/*
 * The way into IA-32e mode: SDM volume 3, 10.8.5.  Memory below 4 GiB is
 * mapped one to one, for CPL 3 too; the 64-bit program does the rest and
 * does not come back.
 */
#include "modes.h"

enum { P = 1, W = 2, U = 4, PS = 0x80 };
enum { PML4 = 0x300000, PDPT = 0x301000, PD = 0x302000, AT = 0x200000 };

void test_long(void)
{
    u64 *pml4 = (u64 *)PML4, *pdpt = (u64 *)PDPT, *pd = (u64 *)PD;
    u32 id[4];

    cpuid(0x80000000, id);
    if (id[0] < 0x80000001) {
        return;
    }
    cpuid(0x80000001, id);
    if (!(id[3] & 1 << 29)) {
        return;
    }
    fill(pml4, 0, 0x10000);
    pml4[0] = PDPT | U | W | P;
    for (u32 i = 0; i < 4; i++) {
        pdpt[i] = (PD + i * 0x1000) | U | W | P;
    }
    for (u32 i = 0; i < 2048; i++) {
        pd[i] = (u64)i << 21 | PS | U | W | P;
    }
    set_gdt(T0, desc(0, 0xfffff, CODE_XR, 10));
    hand_over((u32 *)0x1ff000);
    write_cr4(read_cr4() | 1 << 5);
    write_cr3(PML4);
    __asm__ volatile(
        "movl $0xc0000080, %%ecx\n rdmsr\n orl $0x100, %%eax\n wrmsr\n"
        "movl %%cr0, %%eax\n orl $0x80000000, %%eax\n movl %%eax, %%cr0\n"
        "ljmpl %0, %1"
        : : "i"(T0), "i"(AT) : "eax", "ecx", "edx", "memory");
}
