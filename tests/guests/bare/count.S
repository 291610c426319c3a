/* SPDX-License-Identifier: MIT */
/*
 * Adds x20, which is 1, to the counter in memory until it has the limit, prints
 * it and switches the machine off. For debuggers that have no symbols:
 *
 *   _start + 0x100   the loop: ldr, add, str, ldr, cmp, b.lo, b
 *   _start + 0x200   where it goes on
 *   _start + 0x2000  the counter, 64 bits
 *   _start + 0x2008  the limit, 64 bits
 */
#include "bare.h"

    .global _start
_start:
    print   begin
    adr     x19, counter
    mov     x20, #1
    b       again

    .org    _start + 0x100
again:
    ldr     x21, [x19]
    add     x21, x21, x20
    str     x21, [x19]
    ldr     x22, [x19, #8]
    cmp     x21, x22
    b.lo    again
    b       finish

    .org    _start + 0x200
finish:
    print   counted
    mov     w0, w21
    bl      print_hex
    print   newline
    power_off

    routines
begin:
    .asciz  "counting\n"
counted:
    .asciz  "counted to "
newline:
    .asciz  "\n"

    /* in a page without code, or each store would be to code */
    .org    _start + 0x2000
counter:
    .quad   0
    .quad   100000
