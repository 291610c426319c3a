/* SPDX-License-Identifier: MIT */
/*
 * A PC's ROM of 256 KiB, which ends at 4 GiB and whose last 64 KiB are seen
 * below 1 MiB too: from the reset vector to 32-bit code at 1 MiB, which
 * was built apart and is part of this image, with 64-bit code at 2 MiB.  What is entered finds flat
 * segments (8: code, 10H: data), no stack, interrupts off.
 */
        .code16
        .text
        .equ LAST, 0x30000      /* offset of the last 64 KiB */
payload:
        .incbin PAYLOAD
payload_end:
payload64:
        .incbin PAYLOAD64
payload64_end:
        .org LAST + 0xff00
start:
        cli
        inb $0x92, %al          /* A20 on, no reset */
        orb $2, %al
        andb $0xfe, %al
        outb %al, $0x92
        lgdtl %cs:gdtr - LAST
        movl %cr0, %eax
        orb $1, %al
        movl %eax, %cr0
        ljmpl $8, $0xf0000 + flat - LAST
        .code32
flat:
        movw $0x10, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %fs
        movw %ax, %gs
        movw %ax, %ss
        cld
        movl $0xfffc0000 + payload, %esi
        movl $0x100000, %edi
        movl $(payload_end - payload), %ecx
        rep movsb
        movl $0xfffc0000 + payload64, %esi
        movl $0x200000, %edi
        movl $(payload64_end - payload64), %ecx
        rep movsb
        movl $0x100000, %eax
        jmp *%eax
        .balign 8
gdt:
        .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:
        .word gdtr - gdt - 1
        .long 0xf0000 + gdt - LAST
        .org LAST + 0xffe8      /* for test_smm() */
        ret
        .org LAST + 0xfff0
        .code16
        ljmp $0xf000, $start - LAST
        .org LAST + 0x10000
