/* SPDX-License-Identifier: MIT */
/*
 * A debugger in the guest: a traced child is stopped by a hardware breakpoint,
 * by a hardware watchpoint, and steps; ptrace(2), Linux
 * Documentation/arm64/, asm/ptrace.h.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asm/ptrace.h>

enum { ON = 1, USER = 2 << 1, EXECUTE = 0 << 3, WRITE = 2 << 3,
       BYTES_4 = 15 << 5, BYTES_8 = 255 << 5 };

volatile unsigned long counter;

__attribute__((noinline)) static void tick(void)
{
    counter++;
}

static void child(void)
{
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    for (int i = 0; i < 1000; i++) {
        tick();
    }
    _exit(42);
}

static int failed;

static void check(int good, const char *what)
{
    printf("%s: %s\n", good ? "good" : "bad", what);
    failed |= !good;
}

/* One debug register of the sort, or none if control is 0. */
static void set(pid_t pid, int sort, const volatile void *at, unsigned control)
{
    struct user_hwdebug_state s;
    struct iovec v = { &s, offsetof(struct user_hwdebug_state, dbg_regs[1]) };

    memset(&s, 0, sizeof s);
    s.dbg_regs[0].addr = (unsigned long)at;
    s.dbg_regs[0].ctrl = control;
    if (ptrace(PTRACE_SETREGSET, pid, sort, &v)) {
        perror("PTRACE_SETREGSET");
        exit(1);
    }
}

static unsigned registers(pid_t pid, int sort)
{
    struct user_hwdebug_state s = { 0 };
    struct iovec v = { &s, sizeof s };

    return ptrace(PTRACE_GETREGSET, pid, sort, &v) ? 0 : s.dbg_info & 255;
}

static int stops(pid_t pid, int request, siginfo_t *info)
{
    int status;

    ptrace(request, pid, 0, 0);
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) {
        return 0;
    }
    return !ptrace(PTRACE_GETSIGINFO, pid, 0, info)
        && WSTOPSIG(status) == SIGTRAP;
}

static unsigned long counter_of(pid_t pid)
{
    return (unsigned long)ptrace(PTRACE_PEEKDATA, pid, &counter, 0);
}

static unsigned long pc_of(pid_t pid)
{
    struct user_pt_regs r = { 0 };
    struct iovec v = { &r, sizeof r };

    ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v);
    return r.pc;
}

/* What it stops at is not done yet, and would stop it again. */
static void break_once(pid_t pid, unsigned long count)
{
    siginfo_t info;

    set(pid, NT_ARM_HW_BREAK, (const void *)tick,
        ON | USER | EXECUTE | BYTES_4);
    check(stops(pid, PTRACE_CONT, &info) && info.si_code == TRAP_HWBKPT
          && pc_of(pid) == (unsigned long)tick
          && counter_of(pid) == count, "a breakpoint stops");
    set(pid, NT_ARM_HW_BREAK, NULL, 0);
    check(stops(pid, PTRACE_SINGLESTEP, &info) && info.si_code == TRAP_TRACE
          && pc_of(pid) == (unsigned long)tick + 4, "a step from it");
}

static void watch_once(pid_t pid, unsigned long count)
{
    siginfo_t info;
    unsigned long pc;

    set(pid, NT_ARM_HW_WATCH, &counter, ON | USER | WRITE | BYTES_8);
    check(stops(pid, PTRACE_CONT, &info) && info.si_code == TRAP_HWBKPT
          && info.si_addr == (void *)&counter
          && counter_of(pid) == count, "a watchpoint stops before the write");
    set(pid, NT_ARM_HW_WATCH, NULL, 0);
    pc = pc_of(pid);
    check(stops(pid, PTRACE_SINGLESTEP, &info) && pc_of(pid) == pc + 4
          && counter_of(pid) == count + 1, "a step does it");
}

int main(void)
{
    pid_t pid = fork();
    int status;

    if (!pid) {
        child();
    }
    waitpid(pid, &status, 0);
    printf("%u breakpoints, %u watchpoints\n",
           registers(pid, NT_ARM_HW_BREAK), registers(pid, NT_ARM_HW_WATCH));
    for (unsigned long i = 0; i < 3; i++) {
        break_once(pid, i);
    }
    for (unsigned long i = 2; i < 5; i++) {
        watch_once(pid, i);
    }
    ptrace(PTRACE_CONT, pid, 0, 0);
    check(waitpid(pid, &status, 0) == pid && WIFEXITED(status)
          && WEXITSTATUS(status) == 42, "and goes on to its end");
    printf("hwdebug: %s\n", failed ? "failed" : "all good");
    return failed;
}
