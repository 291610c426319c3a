/* SPDX-License-Identifier: MIT */
/*
 * Enters guest.c, and runs one case: all registers are loaded from `state`,
 * the case's code is run, and they are stored there again; an exception does
 * the same.  k0 and k1 are not the case's.
 */
#if __mips == 64 || _MIPS_SIM == _ABI64
#define LR ld
#define SR sd
#define MF dmfc0
#define LA dla
#else
#define LR lw
#define SR sw
#define MF mfc0
#define LA la
#endif
#define AT(n) ((n) * 8)
#define HI AT(32)
#define LO AT(33)
#define CAUSE AT(34)
#define EPC AT(35)
#define BADVADDR AT(36)
#define FCSR AT(37)
#define BADINSTR AT(38)
#define F AT(40)
#define AC AT(72)
#define DSPCONTROL AT(78)
#define MSACSR AT(79)
#define VECTOR AT(80)
#define EACH .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, \
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 28, 29, 30, 31
#define EACH_V .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, \
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
#ifdef FR0
#define EACH_F .irp n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#else
#define EACH_F .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, \
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
#endif
    .set noreorder
    .set noat
    .set hardfloat
#ifdef HAS_MSA
    .set msa
#endif
#ifdef HAS_DSP
    .set dspr2
#endif
#if !defined FR0 && _MIPS_SIM != _ABI64
    .set fp=64
#endif

    .section .text.start, "ax"
    .globl _start
_start:
    LA  $29, stack + 16384
    LA  $25, main
    jr  $25
    nop

    .globl vector, vector_end
vector:
    LA  $26, caught
    jr  $26
    nop
vector_end:

    .text
    .globl run, finish
run:
    LA  $26, kept
    .irp n, 16, 17, 18, 19, 20, 21, 22, 23, 28, 29, 30, 31
    SR  $\n, AT(\n)($26)
    .endr
    LA  $26, state
    LA  $27, state + VECTOR
#ifdef HAS_FPU
    EACH_F
    ldc1 $f\n, F + AT(\n)($26)
    .endr
    lw  $1, FCSR($26)
    ctc1 $1, $31
#endif
#ifdef HAS_MSA
    EACH_V
    ld.d $w\n, 16 * \n($27)
    .endr
    lw  $1, MSACSR($26)
    ctcmsa $1, $1
#endif
#ifdef HAS_DSP
    .irp n, 1, 2, 3
    LR  $1, AC + AT(2 * (\n - 1))($26)
    mthi $1, $ac\n
    LR  $1, AC + AT(2 * (\n - 1) + 1)($26)
    mtlo $1, $ac\n
    .endr
    lw  $1, DSPCONTROL($26)
    wrdsp $1, 0x3f
#endif
#ifdef HAS_HILO
    LR  $1, HI($26)
    mthi $1
    LR  $1, LO($26)
    mtlo $1
#endif
    EACH
    LR  $\n, AT(\n)($26)
    .endr
    lui $27, 0xa020                     /* the code, where nothing is cached */
#ifdef HAS_MIPS16
    ori $27, $27, 1
#endif
    jr  $27
    nop

caught:
    LA  $26, state
    mfc0 $27, $13
    andi $27, $27, 0x7c
    ori $27, $27, 1
    sw  $27, CAUSE($26)
    mfc0 $27, $13
    srl $27, $27, 31
    sw  $27, CAUSE + 4($26)
    MF  $27, $14
    SR  $27, EPC($26)
    MF  $27, $8
    SR  $27, BADVADDR($26)
#ifdef HAS_BADINSTR
    mfc0 $27, $8, 1
    sw  $27, BADINSTR($26)
    mfc0 $27, $8, 2
    sw  $27, BADINSTR + 8($26)
#endif
    LA  $27, save
    mtc0 $0, $30
    MF  $0, $14
#if _MIPS_SIM == _ABI64
    dmtc0 $27, $14
#else
    mtc0 $27, $14
#endif
    ehb
    eret

finish:
save:
    LA  $26, state
    EACH
    SR  $\n, AT(\n)($26)
    .endr
#ifdef HAS_DSP
    .irp n, 1, 2, 3
    mfhi $1, $ac\n
    SR  $1, AC + AT(2 * (\n - 1))($26)
    mflo $1, $ac\n
    SR  $1, AC + AT(2 * (\n - 1) + 1)($26)
    .endr
    rddsp $1, 0x3f
    sw  $1, DSPCONTROL($26)
#endif
#ifdef HAS_HILO
    mfhi $1
    SR  $1, HI($26)
    mflo $1
    SR  $1, LO($26)
#endif
#ifdef HAS_FPU
    cfc1 $1, $31
    sw  $1, FCSR($26)
    ctc1 $0, $31
#ifdef HAS_MSA
    cfcmsa $1, $1
    sw  $1, MSACSR($26)
    ctcmsa $1, $0
    LA  $27, state + VECTOR
    EACH_V
    st.d $w\n, 16 * \n($27)
    .endr
#endif
    EACH_F
    sdc1 $f\n, F + AT(\n)($26)
    .endr
#endif
    LA  $26, kept
    .irp n, 16, 17, 18, 19, 20, 21, 22, 23, 28, 29, 30, 31
    LR  $\n, AT(\n)($26)
    .endr
    jr  $31
    nop

    .bss
    .balign 16
stack:
    .space 16384
    .globl state
state:
    .space 8 * 144
kept:
    .space 8 * 32
