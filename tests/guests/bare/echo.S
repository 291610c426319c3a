/* SPDX-License-Identifier: MIT */
/*
 * Sends back every character it gets; switches the machine off after a 'q'.
 * The loop at _start + 0x100 polls, so a debugger or monitor that stops the
 * machine finds the CPU there.
 */
#include "bare.h"

    .global _start
_start:
    mov     x1, #UART
    mov     w0, #0x70           /* 8 bits, FIFOs */
    str     w0, [x1, #0x2c]
    mov     w0, #0x301          /* receiver, transmitter, UART on */
    str     w0, [x1, #0x30]
    print   ready
    b       poll

    .org    _start + 0x100
poll:
    ldr     w2, [x1, #0x18]
    tbnz    w2, #4, poll
    ldr     w0, [x1]
    and     w0, w0, #0xff
    cmp     w0, #'q'
    b.eq    leave
    str     w0, [x1]
    b       poll

leave:
    print   bye
    power_off

    routines
ready:
    .asciz  "echo is ready\n"
bye:
    .asciz  "bye\n"
