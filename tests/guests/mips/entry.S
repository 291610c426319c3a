/* SPDX-License-Identifier: MIT */
/*
 * The supervisor's beginning and its exception vectors.  In a frame there are
 * 32 registers, then HI, LO, Status, EPC, Cause and BadVAddr.
 */
#if _MIPS_SIM == _ABI64
#define LR ld
#define SR sd
#define MF dmfc0
#define MT dmtc0
#define LA dla
#define ADDI daddiu
#define ADD daddu
#define SRL dsrl
#define WORD 8
#define SHIFT 3
#else
#define LR lw
#define SR sw
#define MF mfc0
#define MT mtc0
#define LA la
#define ADDI addiu
#define ADD addu
#define SRL srl
#define WORD 4
#define SHIFT 2
#endif
#define AT(n) ((n) * WORD + 32)
#define FRAME (AT(40))
#define EACH .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, \
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 28, 30, 31

    .set noreorder
    .set noat

    .section .text.start, "ax"
    .globl _start, refill, refill_end, general, general_end
_start:
    LA  $29, kernel_stack_end - 64
    LA  $25, main
    jr  $25
    nop

/* Two levels: pages of 512 entries, which are EntryLo's. */
refill:
    MF  $26, $8
    LA  $27, pgd
    SRL $26, $26, 21
    sll $26, $26, SHIFT
    ADD $27, $27, $26
    LR  $27, 0($27)
    MF  $26, $4                         /* Context: VPN2 at bit 4 */
    andi $26, $26, 0xff0
    SRL $26, $26, 1
    ADD $27, $27, $26
    lw  $26, 0($27)
    lw  $27, 4($27)
    mtc0 $26, $2
    mtc0 $27, $3
    ehb
    tlbwr
    eret
refill_end:

general:
    LA  $26, exception
    jr  $26
    nop
general_end:

    .text
exception:
    mfc0 $26, $12
    andi $26, $26, 0x18                 /* from user mode? */
    bnez $26, 1f
    move $27, $29
    b   2f
    nop
1:  LA  $27, kernel_stack_end - 64
2:  ADDI $27, $27, -FRAME
    EACH
    SR  $\n, AT(\n)($27)
    .endr
    SR  $29, AT(29)($27)
    move $29, $27
    mfhi $8
    SR  $8, AT(32)($29)
    mflo $8
    SR  $8, AT(33)($29)
    mfc0 $8, $12
    SR  $8, AT(34)($29)
    MF  $9, $14
    SR  $9, AT(35)($29)
    mfc0 $9, $13
    SR  $9, AT(36)($29)
    MF  $9, $8
    SR  $9, AT(37)($29)
    li  $9, ~0x1f
    and $8, $8, $9
    mtc0 $8, $12                        /* kernel mode, no interrupts */
    ehb
    ADDI $4, $29, 32
    LA  $25, handle
    jalr $25
    nop
    .globl leave
leave:
    LR  $8, AT(34)($29)
    ori $8, $8, 2
    mtc0 $8, $12
    ehb
    LR  $8, AT(35)($29)
    MT  $8, $14
    LR  $8, AT(32)($29)
    mthi $8
    LR  $8, AT(33)($29)
    mtlo $8
    EACH
    LR  $\n, AT(\n)($29)
    .endr
    LR  $29, AT(29)($29)
    ehb
    eret

    /* enter(frame): never comes back */
    .globl enter
enter:
    b   leave
    ADDI $29, $4, -32

    .section .rodata
    .balign 16
    .globl program, program_end
program:
    .incbin PROGRAM
program_end:

    .bss
    .balign 4096
    .space 16384
kernel_stack_end:
    .globl pgd
pgd:
    .space 8192 * 8
