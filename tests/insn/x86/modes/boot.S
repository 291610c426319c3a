/* SPDX-License-Identifier: MIT */
/*
 * A PC's ROM of 64 KiB: from the reset vector to 32-bit code at 1 MiB, which
 * was built apart and is part of this image.  What is entered finds flat
 * segments (8: code, 10H: data), no stack, interrupts off.
 */
        .code16
        .text
        .org 0
payload:
        .incbin PAYLOAD
payload_end:
        .org 0xff00
start:
        cli
        inb $0x92, %al          /* A20 on, no reset */
        orb $2, %al
        andb $0xfe, %al
        outb %al, $0x92
        lgdtl %cs:gdtr
        movl %cr0, %eax
        orb $1, %al
        movl %eax, %cr0
        ljmpl $8, $0xf0000 + flat
        .code32
flat:
        movw $0x10, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %fs
        movw %ax, %gs
        movw %ax, %ss
        cld
        movl $0xf0000 + payload, %esi
        movl $0x100000, %edi
        movl $(payload_end - payload), %ecx
        rep movsb
        movl $0x100000, %eax
        jmp *%eax
        .balign 8
gdt:
        .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:
        .word gdtr - gdt - 1
        .long 0xf0000 + gdt
        .org 0xfff0
        .code16
        ljmp $0xf000, $start
        .org 0x10000
