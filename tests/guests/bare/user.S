/* SPDX-License-Identifier: MIT */
/*
 * Unprivileged accesses of EL1 beside its own: LDR, LDTR, STR and STTR in turn,
 * several times, on pages of each kind of rights. A letter for one that is
 * done, - for one that faults.
 *
 * Reference: Arm ARM (DDI 0487) D8.4.1, C6.2 LDTR.
 */
#include "bare.h"
    .equ    TABLE1, 0x40100000          // of 1 GiB blocks
    .equ    TABLE2, 0x40101000          // of 2 MiB blocks, from 0x40000000
    .equ    PAGES, 0x40400000
    .equ    BLOCK, 0x701                // AF, inner shareable, normal memory
    .equ    DEVICE, 0x405

    .macro  block_at number, rights
    ldr     x1, =0x40000000 + 0x200000 * \number + BLOCK + (\rights << 6)
    str     x1, [x0, #8 * \number]
    .endm

/* Print \letter if \access does not fault. */
    .macro  try letter, access
    mov     x20, #0
    \access
    mov     w1, #\letter
    cmp     x20, #0
    mov     w2, #'-'
    csel    w1, w1, w2, eq
    str     w1, [x21]
    .endm

    .globl  _start
_start:
    ldr     x0, =TABLE1
    mov     x1, #DEVICE
    str     x1, [x0]
    ldr     x1, =TABLE2 + 3
    str     x1, [x0, #8]
    ldr     x0, =TABLE2
    block_at 0, 0
    block_at 2, 0
    block_at 3, 1
    block_at 4, 2
    block_at 5, 3
    ldr     x0, =TABLE1
    msr     ttbr0_el1, x0
    mov     x0, #0xff                   // attribute 0 normal, 1 device
    msr     mair_el1, x0
    ldr     x0, =(5 << 32) | (1 << 23) | 25
    msr     tcr_el1, x0                 // 39 bits from 0, 48 out, no TTBR1
    adr     x0, vectors
    msr     vbar_el1, x0
    isb
    mrs     x0, sctlr_el1
    orr     x0, x0, #1
    msr     sctlr_el1, x0
    isb
    ldr     x21, =UART
    ldr     x22, =PAGES
    mov     x23, #4
1:  mov     x24, #3
2:  try     'L', "ldr x1, [x22]"
    try     'l', "ldtr x1, [x22]"
    try     'S', "str x1, [x22]"
    try     's', "sttr x1, [x22]"
    subs    x24, x24, #1
    b.ne    2b
    try     's', "sttr w1, [x22, #8]"
    try     'S', "str w1, [x22, #8]"
    try     'l', "ldtrb w1, [x22, #8]"
    try     'L', "ldrb w1, [x22, #8]"
    mov     w1, #'\n'
    str     w1, [x21]
    add     x22, x22, #0x200000
    subs    x23, x23, #1
    b.ne    1b
    power_off
    routines

    .balign 2048
vectors:
    .balign 128                         // SP_EL0's, which are not used
    .space  512
    mov     x20, #1                     // synchronous, from EL1h
    mrs     x19, elr_el1
    add     x19, x19, #4
    msr     elr_el1, x19
    eret
