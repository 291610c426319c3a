/* SPDX-License-Identifier: MIT */
/*
 * A ROM of 64 KiB that makes a virtual machine exit in each way that real mode
 * has: ports, strings of ports, writes to ROM, HLT with the timer's interrupt.
 * It says what it did at COM1 and ends by isa-debug-exit with 1.
 */
        .code16
        .text
        COM1 = 0x3f8
        TICKS = 0x600           /* in RAM: how often IRQ 0 came */

        .macro say text
        movw $99f, %si
        movw $(98f - 99f), %cx
        call print
        jmp 98f
99:     .ascii "\text\n"
98:
        .endm

start:
        cli
        cld
        xorw %ax, %ax
        movw %ax, %ss
        movw %ax, %es
        movw $0x7000, %sp
        movw %cs, %ax
        movw %ax, %ds
        say "ports"

        /* A string of ports, in and out: the PIC's mask comes back. */
        movb $0xfe, %al
        outb %al, $0x21
        movw $0x21, %dx
        movw $0x500, %di
        movw $4, %cx
        rep insb
        cmpl $0xfefefefe, %es:0x500
        jne bad
        say "strings"

        /* A write to ROM changes nothing. */
        movb constant, %al
        movb $0, constant
        cmpb constant, %al
        jne bad
        say "ROM"

        /* The timer wakes from HLT. */
        movw $(tick - start), %es:8 * 4
        movw %cs, %es:8 * 4 + 2
        movw $0, %es:TICKS
        movw $(init_end - init) / 2, %cx
        movw $init, %si
        xorw %dx, %dx
1:      lodsb
        movb %al, %dl
        lodsb
        outb %al, %dx
        loop 1b
2:      sti
        hlt
        cli
        cmpw $3, %es:TICKS
        jb 2b
        say "HLT"

        movb $0, %al
        jmp leave
bad:    movb $1, %al
leave:  outb %al, $0xf4
        cli
        hlt                     /* the end comes when the host gets to it */
        jmp leave

tick:
        pushw %ax
        incw %es:TICKS
        movb $0x20, %al
        outb %al, $0x20
        popw %ax
        iret

print:                          /* CX bytes at SI */
        movw $COM1, %dx
        rep outsb
        ret

constant: .byte 0x5a
init:                           /* port and value: 8259 at 8, IRQ 0 alone */
        .byte 0x20, 0x11, 0x21, 8, 0x21, 4, 0x21, 1, 0x21, 0xfe
        .byte 0x43, 0x34, 0x40, 0, 0x40, 8      /* 8254: 582 Hz */
init_end:
        .org 0xfff0
        ljmp $0xf000, $0
        .org 0x10000
