/* SPDX-License-Identifier: MIT */
/*
 * For system.c: vectors that note an exception and go on where attempt() was
 * called.  What is noted: the vector's number, Cause, EPC, BadVAddr, Context,
 * EntryHi, Status, XContext.
 */
#if _MIPS_SIM == _ABI64
#define LR ld
#define SR sd
#define MF dmfc0
#define MT dmtc0
#define LA dla
#define ADDI daddiu
#define WORD 8
#else
#define LR lw
#define SR sw
#define MF mfc0
#define MT mtc0
#define LA la
#define ADDI addiu
#define WORD 4
#endif
    .set noreorder
    .set noat

    .section .text.start, "ax"
    .globl _start
_start:
    LA  $29, stack + 16384
    LA  $25, main
    jr  $25
    nop

    .globl vector0, vector_end0
    .macro vector n
    .globl vector\n
vector\n:
    li  $27, \n
    LA  $26, caught
    jr  $26
    nop
    .balign 128
    .endm
    .balign 128
    vector 0
    vector 1
    vector 2
    vector 3
    vector 4

    .text
caught:
    LA  $26, note
    SR  $27, 0($26)
    mfc0 $27, $13
    SR  $27, 1 * WORD($26)
    MF  $27, $14
    SR  $27, 2 * WORD($26)
    MF  $27, $8
    SR  $27, 3 * WORD($26)
    MF  $27, $4
    SR  $27, 4 * WORD($26)
    MF  $27, $10
    SR  $27, 5 * WORD($26)
    mfc0 $27, $12
    SR  $27, 6 * WORD($26)
#if WORD == 8
    dmfc0 $27, $20
    SR  $27, 7 * WORD($26)
#endif
    mfc0 $27, $12
    li  $26, ~0x19                      /* kernel, interrupts off; EXL stays */
    and $27, $27, $26
    mtc0 $27, $12
    ehb
    LA  $27, back
    MT  $27, $14
    ehb
    eret

    /* attempt(f, a, b): f's result, or what it got is noted */
    .globl attempt
attempt:
    ADDI $29, $29, -16 * WORD
    .irp n, 16, 17, 18, 19, 20, 21, 22, 23
    SR  $\n, (\n - 16) * WORD($29)
    .endr
    SR  $30, 8 * WORD($29)
    SR  $31, 9 * WORD($29)
    LA  $8, saved
    SR  $29, 0($8)
    move $25, $4
    move $4, $5
    jalr $25
    move $5, $6
back:
    LA  $8, saved
    LR  $29, 0($8)
    .irp n, 16, 17, 18, 19, 20, 21, 22, 23
    LR  $\n, (\n - 16) * WORD($29)
    .endr
    LR  $30, 8 * WORD($29)
    LR  $31, 9 * WORD($29)
    jr  $31
    ADDI $29, $29, 16 * WORD

    .globl load, load_in_slot, store, load_half, in_user, spin, run_at
load:
    jr  $31
    lw  $2, 0($4)
load_in_slot:
    bnez $29, 1f
    lw  $2, 0($4)
    nop
1:  jr  $31
    nop
store:
    sw  $5, 0($4)
    jr  $31
    nop
load_half:
    lh  $2, 1($4)
    jr  $31
    nop
run_at:
    jr  $4
    nop
    /* in_user(f, a): f(a) in user mode; it has to raise something */
in_user:
    move $25, $4
    MT  $4, $14
    move $4, $5
    mfc0 $8, $12
    ori $8, $8, 0x12
    mtc0 $8, $12
    ehb
    eret
    /* spin(status): with that Status, until an interrupt */
spin:
    mtc0 $4, $12
    ehb
1:  b   1b
    nop

    .bss
    .balign 16
stack:
    .space 16384
saved:
    .space 8
    .globl note
note:
    .space 8 * WORD
