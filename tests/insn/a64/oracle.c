/* SPDX-License-Identifier: MIT */
/*
 * Runs single A64 instructions on a real or otherwise trusted AArch64 Linux
 * and tells what they did; see oracle.h.  Needs no libc:
 *
 *     aarch64-linux-gnu-gcc -O1 -static -nostdlib -ffreestanding \
 *         -fno-pie -fno-stack-protector -mgeneral-regs-only \
 *         -o oracle oracle.c
 *
 * All registers belong to the instruction, so the state is found by address,
 * and TPIDR_EL0 keeps x0 for a moment.
 */
#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/ucontext.h>
#include <asm/unistd.h>
#include <stddef.h>
#include "oracle.h"

enum {
    X = offsetof(OracleCase, x), SP = offsetof(OracleCase, sp),
    NZCV = offsetof(OracleCase, nzcv), FPCR = offsetof(OracleCase, fpcr),
    FPSR = offsetof(OracleCase, fpsr), V = offsetof(OracleCase, v),
    TAKEN = offsetof(OracleCase, taken),
};

OracleCase state;
uint64_t host_sp;
static uint8_t *area = (uint8_t *)ORACLE_AREA;
static uint64_t alt_stack[4096];

extern uint32_t run_words[];
extern uint8_t run_pool[], run_back[];
void run_state(void);

#define PAIRS(insn, r, at, size)                                        \
    insn " " #r "2, " #r "3, [x0, #" #at "+2*" #size "]\n"              \
    insn " " #r "4, " #r "5, [x0, #" #at "+4*" #size "]\n"              \
    insn " " #r "6, " #r "7, [x0, #" #at "+6*" #size "]\n"              \
    insn " " #r "8, " #r "9, [x0, #" #at "+8*" #size "]\n"              \
    insn " " #r "10, " #r "11, [x0, #" #at "+10*" #size "]\n"           \
    insn " " #r "12, " #r "13, [x0, #" #at "+12*" #size "]\n"           \
    insn " " #r "14, " #r "15, [x0, #" #at "+14*" #size "]\n"           \
    insn " " #r "16, " #r "17, [x0, #" #at "+16*" #size "]\n"           \
    insn " " #r "18, " #r "19, [x0, #" #at "+18*" #size "]\n"           \
    insn " " #r "20, " #r "21, [x0, #" #at "+20*" #size "]\n"           \
    insn " " #r "22, " #r "23, [x0, #" #at "+22*" #size "]\n"           \
    insn " " #r "24, " #r "25, [x0, #" #at "+24*" #size "]\n"           \
    insn " " #r "26, " #r "27, [x0, #" #at "+26*" #size "]\n"           \
    insn " " #r "28, " #r "29, [x0, #" #at "+28*" #size "]\n"

/* x0 = &state; then V and x, all or all but x0, x1. */
#define STATE "adrp x0, state\n add x0, x0, :lo12:state\n"
#define ALL_V(insn)                                                     \
    "add x0, x0, %[v]\n"                                                \
    insn " q0, q1, [x0]\n"                                              \
    PAIRS(insn, q, 0, 16)                                               \
    insn " q30, q31, [x0, #480]\n"                                      \
    "sub x0, x0, %[v]\n"

__asm__(".arch armv8-a+simd\n");

__attribute__((used)) static void code(void)
{
    __asm__ volatile(
        ".pushsection .text.run, \"ax\"\n"
        ".balign 4096\n"
        ".globl run_state, run_words, run_pool, run_back\n"
        "run_state:\n"
        "stp x29, x30, [sp, #-96]!\n"
        "stp x19, x20, [sp, #16]\n"
        "stp x21, x22, [sp, #32]\n"
        "stp x23, x24, [sp, #48]\n"
        "stp x25, x26, [sp, #64]\n"
        "stp x27, x28, [sp, #80]\n"
        "adrp x1, host_sp\n"
        "mov x0, sp\n"
        "str x0, [x1, :lo12:host_sp]\n"
        STATE
        "ldr x1, [x0, %[fpcr]]\n msr fpcr, x1\n"
        "ldr x1, [x0, %[fpsr]]\n msr fpsr, x1\n"
        "ldr x1, [x0, %[nzcv]]\n msr nzcv, x1\n"
        ALL_V("ldp")
        "ldr x1, [x0, %[sp]]\n mov sp, x1\n"
        "add x0, x0, %[x]\n"
        PAIRS("ldp", x, 0, 8)
        "ldr x30, [x0, #240]\n"
        "ldp x0, x1, [x0]\n"
        "clrex\n"
        "b run_words\n"
        ".balign 64\n"
        "run_words:\n"
        "nop\n nop\n nop\n nop\n"
        "b 1f\n"
        "msr tpidr_el0, x0\n"               /* words[5]: taken */
        STATE
        "str x0, [x0, %[taken]]\n"
        "b 2f\n"
        ".balign 64\n"
        "run_pool:\n"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
        ".word 0x0e3779b9 * (\\n + 3)\n"
        ".endr\n"
        "1: msr tpidr_el0, x0\n"
        STATE
        "str xzr, [x0, %[taken]]\n"
        "2: add x0, x0, %[x]\n"
        PAIRS("stp", x, 0, 8)
        "str x30, [x0, #240]\n"
        "mrs x2, tpidr_el0\n"
        "stp x2, x1, [x0]\n"
        "sub x0, x0, %[x]\n"
        "mov x1, sp\n str x1, [x0, %[sp]]\n"
        ALL_V("stp")
        "mrs x1, nzcv\n str x1, [x0, %[nzcv]]\n"
        "mrs x1, fpcr\n str x1, [x0, %[fpcr]]\n"
        "mrs x1, fpsr\n str x1, [x0, %[fpsr]]\n"
        "run_back:\n"
        "adrp x1, host_sp\n"
        "ldr x0, [x1, :lo12:host_sp]\n"
        "mov sp, x0\n"
        "msr fpcr, xzr\n"
        "ldp x19, x20, [sp, #16]\n"
        "ldp x21, x22, [sp, #32]\n"
        "ldp x23, x24, [sp, #48]\n"
        "ldp x25, x26, [sp, #64]\n"
        "ldp x27, x28, [sp, #80]\n"
        "ldp x29, x30, [sp], #96\n"
        "ret\n"
        ".balign 4096\n"
        ".popsection\n"
        : : [x] "i" (X), [sp] "i" (SP), [nzcv] "i" (NZCV), [fpcr] "i" (FPCR),
            [fpsr] "i" (FPSR), [v] "i" (V), [taken] "i" (TAKEN));
}

/* A system call; CALL() gives it up to six arguments. */
#define CALL(n, ...) call(n, (const long[6]) { __VA_ARGS__ })

static long call(long n, const long *arg)
{
    register long x8 __asm__("x8") = n;
    register long x0 __asm__("x0") = arg[0];
    register long x1 __asm__("x1") = arg[1];
    register long x2 __asm__("x2") = arg[2];
    register long x3 __asm__("x3") = arg[3];
    register long x4 __asm__("x4") = arg[4];
    register long x5 __asm__("x5") = arg[5];

    __asm__ volatile("svc #0" : "+r" (x0)
                     : "r" (x8), "r" (x1), "r" (x2), "r" (x3), "r" (x4),
                       "r" (x5) : "memory");
    return x0;
}

void *memset(void *to, int v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((volatile uint8_t *)to)[i] = (uint8_t)v;
    }
    return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    }
    return to;
}

static void check(long result, int code_if_bad)
{
    if (result < 0) {
        CALL(__NR_exit_group, code_if_bad);
    }
}

/* Moves `n` bytes; false at the end of input. */
static int move(long nr, long fd, void *p, long n)
{
    for (long done = 0; done < n;) {
        long got = CALL(nr, fd, (long)p + done, n - done);
        if (got <= 0) {
            return 0;
        }
        done += got;
    }
    return 1;
}

/* The state at the signal is the answer. */
static void on_signal(int n, siginfo_t *info, struct ucontext *uc)
{
    struct sigcontext *m = &uc->uc_mcontext;
    struct fpsimd_context *fp = (void *)m->__reserved;

    (void)info;
    state.status = (uint32_t)n;
    state.stop = (uint32_t)(m->pc - (uint64_t)run_words);
    memcpy(state.x, m->regs, sizeof state.x);
    state.sp = m->sp;
    state.nzcv = m->pstate & 0xf0000000;
    while (fp->head.magic && fp->head.magic != FPSIMD_MAGIC) {
        fp = (void *)((char *)fp + fp->head.size);
    }
    state.fpcr = fp->fpcr;
    state.fpsr = fp->fpsr;
    memcpy(state.v, fp->vregs, sizeof state.v);
    m->pc = (uint64_t)run_back;
}

static void catch_signals(void)
{
    static const int signals[] = { SIGILL, SIGTRAP, SIGBUS, SIGSEGV, SIGFPE };
    stack_t stack = { .ss_sp = alt_stack, .ss_size = sizeof alt_stack };
    struct sigaction act = {
        .sa_handler = (__sighandler_t)(void *)on_signal,
        .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
    };

    check(CALL(__NR_sigaltstack, (long)&stack), 3);
    for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        check(CALL(__NR_rt_sigaction, signals[i], (long)&act, 0, 8), 4);
    }
}

static void make_area(void)
{
    long fd = CALL(__NR_memfd_create, (long)"data", 0);

    check(fd, 5);
    check(CALL(__NR_ftruncate, fd, ORACLE_PAGE), 6);
    for (uint64_t at = 0; at < ORACLE_AREA_SIZE; at += ORACLE_PAGE) {
        /* readable and writable, shared, fixed */
        check(CALL(__NR_mmap, (long)(area + at), ORACLE_PAGE, 3, 0x11, fd), 7);
    }
    for (uint32_t i = 0; i < ORACLE_PAGE; i++) {
        area[i] = oracle_byte(i);
    }
    check(CALL(__NR_mprotect, (long)run_state, ORACLE_PAGE, 7), 8);
}

static void write_words(void)
{
    for (int i = 0; i < ORACLE_WORDS; i++) {
        run_words[i] = state.words[i];
    }
    __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb"
                     : : "r" (run_words) : "memory");
}

/* Notes what changed in data memory and puts it back. */
static void find_changes(void)
{
    static uint64_t first[ORACLE_PAGE / 8];
    volatile uint64_t *now = (volatile uint64_t *)(void *)area;

    if (!first[0]) {
        for (uint32_t i = 0; i < ORACLE_PAGE; i++) {
            ((uint8_t *)first)[i] = oracle_byte(i);
        }
    }
    state.nchanges = 0;
    for (uint32_t i = 0; i < ORACLE_PAGE / 8; i++) {
        if (now[i] != first[i]) {
            if (state.nchanges < ORACLE_CHANGES) {
                state.change[state.nchanges++] = (OracleChange) { i, now[i] };
            }
            now[i] = first[i];
        }
    }
}

void _start(void)
{
    OracleHello hello = { .pc = (uint64_t)run_words };

    make_area();
    catch_signals();
    memcpy(hello.pool, run_pool, sizeof hello.pool);
    if (!move(__NR_write, 1, &hello, sizeof hello)) {
        CALL(__NR_exit_group, 9);
    }
    while (move(__NR_read, 0, &state, sizeof state)) {
        state.status = state.stop = 0;
        state.taken = 0;
        write_words();
        run_state();
        find_changes();
        if (!move(__NR_write, 1, &state, sizeof state)) {
            break;
        }
    }
    CALL(__NR_exit_group, 0);
}
