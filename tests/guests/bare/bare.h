/* SPDX-License-Identifier: MIT */
/*
 * What programs for the bare machine `virt` share: text through the PL011 at
 * 0x09000000 (Arm DDI 0183: UARTDR +0, UARTFR +0x18 with TXFF bit 5 and RXFE
 * bit 4, UARTLCR_H +0x2c, UARTCR +0x30) and the end through PSCI SYSTEM_OFF
 * (Arm DEN 0022, 5.1.9), called by HVC. No stack; x29 and x30 are free, x0 to
 * x3 are lost.
 */
    .equ    UART, 0x09000000

/* Print the zero-terminated text at \label. */
    .macro  print label
    adr     x0, \label
    bl      print_text
    .endm

    .macro  power_off
    mov     w0, #0x0008
    movk    w0, #0x8400, lsl #16
    hvc     #0
1:  wfi
    b       1b
    .endm

/* The subroutines; once, anywhere that is not fallen into. */
    .macro  routines
print_text:
    mov     x1, #UART
1:  ldrb    w2, [x0], #1
    cbz     w2, 3f
2:  ldr     w3, [x1, #0x18]
    tbnz    w3, #5, 2b
    str     w2, [x1]
    b       1b
3:  ret

/* Print w0 as eight hexadecimal digits. */
print_hex:
    mov     x1, #UART
    mov     w2, #8
1:  ror     w0, w0, #28
    and     w3, w0, #15
    cmp     w3, #10
    add     w3, w3, #'0'
    b.lo    2f
    add     w3, w3, #'a' - '0' - 10
2:  str     w3, [x1]
    subs    w2, w2, #1
    b.ne    1b
    ret
    .endm
