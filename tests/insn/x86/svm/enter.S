/* SPDX-License-Identifier: MIT */
/*
 * From flat 32-bit code to the 64-bit program at 2 MiB, with memory below
 * 4 GiB mapped one to one by 2 MiB pages.  See ../modes/boot.S, long.h.
 */
        .equ PML4, 0x300000
        .equ PDPT, 0x301000
        .equ PD, 0x302000
        .section .start, "ax"
        .code32
        movl $PML4, %edi
        xorl %eax, %eax
        movl $0x10000 / 4, %ecx
        rep stosl
        movl $0x1ff000, %edi
        movl $3, %ecx
        rep stosl
        movl $PDPT + 7, PML4
        movl $PD + 7, PDPT
        movl $PD + 0x1007, PDPT + 8
        movl $PD + 0x2007, PDPT + 16
        movl $PD + 0x3007, PDPT + 24
        movl $PD, %edi
        movl $0x87, %eax        /* present, writable, user, large */
1:      movl %eax, (%edi)
        addl $8, %edi
        addl $0x200000, %eax
        cmpl $PD + 0x4000, %edi
        jne 1b
        movl %cr4, %eax
        orl $0x20, %eax
        movl %eax, %cr4
        movl $PML4, %eax
        movl %eax, %cr3
        movl $0xc0000080, %ecx
        rdmsr
        orl $0x900, %eax        /* LME, NXE */
        wrmsr
        movl %cr0, %eax
        orl $0x80000000, %eax
        movl %eax, %cr0
        lgdtl gdtr
        ljmpl $8, $0x200000
        .balign 8
gdt:    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdtr:   .word gdtr - gdt - 1
        .long gdt
