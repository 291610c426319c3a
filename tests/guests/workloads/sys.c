/* SPDX-License-Identifier: MIT */
/*
 * sys - the kernel's paths: system calls, the clock, a pipe between two
 * processes, fork, exec, page faults, signals, and small files.
 *
 * usage: sys [percent]     percent scales the repetitions, 100 by default
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#define WORKLOAD "sys"
#include "harness.h"

static void need(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

static uint64_t call_run(int n)
{
    long pid = getpid();
    uint64_t same = 0;

    while (n-- > 0)
        same += syscall(SYS_getpid) == pid;
    return same;
}

/* Through the vDSO where there is one. */
static uint64_t clock_run(int n)
{
    struct timespec a, b;
    uint64_t forward = 0;

    clock_gettime(CLOCK_MONOTONIC, &a);
    while (n-- > 0) {
        clock_gettime(CLOCK_MONOTONIC, &b);
        forward += b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec);
        a = b;
    }
    return forward;
}

static uint64_t pipe_run(int n)
{
    int there[2], back[2];
    uint64_t sum = 0;
    uint8_t byte = 1;
    pid_t child;

    need(pipe(there) == 0 && pipe(back) == 0, "sys: pipe");
    child = fork();
    need(child >= 0, "sys: fork");
    if (child == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1) {
            byte = (uint8_t)(byte * 5 + 1);
            if (write(back[1], &byte, 1) != 1)
                break;
        }
        _exit(0);
    }
    close(there[0]);
    while (n-- > 0) {
        need(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "sys: pipe");
        sum = sum * 3 + byte;
    }
    close(there[1]);
    close(back[0]);
    close(back[1]);
    waitpid(child, NULL, 0);
    return sum;
}

static uint64_t fork_run(int n)
{
    uint64_t sum = 0;

    for (int i = 0; i < n; i++) {
        int status = 0;
        pid_t child = fork();

        need(child >= 0, "sys: fork");
        if (child == 0)
            _exit(i & 127);
        waitpid(child, &status, 0);
        sum += (uint64_t)WEXITSTATUS(status);
    }
    return sum;
}

static uint64_t exec_run(int n)
{
    uint64_t sum = 0;

    for (int i = 0; i < n; i++) {
        int status = 0;
        pid_t child = fork();

        need(child >= 0, "sys: fork");
        if (child == 0) {
            char text[8];

            snprintf(text, sizeof text, "%d", i & 63);
            execl("/proc/self/exe", "sys", "--child", text, (char *)NULL);
            _exit(127);
        }
        waitpid(child, &status, 0);
        need(WIFEXITED(status) && WEXITSTATUS(status) != 127, "sys: exec");
        sum += (uint64_t)WEXITSTATUS(status);
    }
    return sum;
}

/* First touches of fresh memory: one fault for every page. */
static uint64_t fault_run(int n)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = 64;
    uint64_t sum = 0;

    while (n-- > 0) {
        uint8_t *p = mmap(NULL, pages * page, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        need(p != MAP_FAILED, "sys: mmap");
        for (size_t i = 0; i < pages; i++)
            p[i * page] = 1;
        sum += p[(size_t)n % pages * page];
        munmap(p, pages * page);
    }
    return sum;
}

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    (void)number;
    caught++;
}

static uint64_t signal_run(int n)
{
    struct sigaction action;
    pid_t self = getpid();

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGUSR1, &action, NULL);
    caught = 0;
    while (n-- > 0)
        kill(self, SIGUSR1);
    return (uint64_t)caught;
}

static uint8_t *guard;
static size_t guard_size;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if ((uint8_t *)info->si_addr < guard || (uint8_t *)info->si_addr >= guard + guard_size)
        _exit(99);
    caught++;
    mprotect(guard, guard_size, PROT_READ | PROT_WRITE);
}

/* A write to a protected page, caught, permitted and resumed. */
static uint64_t guard_run(int n)
{
    struct sigaction action;

    guard_size = (size_t)sysconf(_SC_PAGESIZE);
    guard = mmap(NULL, guard_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(guard != MAP_FAILED, "sys: mmap");
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, NULL);
    caught = 0;
    for (int i = 0; i < n; i++) {
        *(volatile uint8_t *)(guard + (i & 1023)) = (uint8_t)i;
        mprotect(guard, guard_size, PROT_READ);
    }
    signal(SIGSEGV, SIG_DFL);
    munmap(guard, guard_size);
    return (uint64_t)caught;
}

static uint64_t file_run(int n)
{
    char name[64], data[512], again[512];
    uint64_t sum = 0;

    snprintf(name, sizeof name, "/tmp/sys-%d", (int)getpid());
    for (int i = 0; i < n; i++) {
        struct stat st;
        int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

        need(fd >= 0, "sys: open");
        memset(data, i, sizeof data);
        need(write(fd, data, sizeof data) == (ssize_t)sizeof data, "sys: write");
        need(fstat(fd, &st) == 0 && st.st_size == (off_t)sizeof data, "sys: fstat");
        need(lseek(fd, 0, SEEK_SET) == 0, "sys: lseek");
        need(read(fd, again, sizeof again) == (ssize_t)sizeof again, "sys: read");
        sum += memcmp(data, again, sizeof data) == 0 ? (uint8_t)again[7] : 1000000u;
        close(fd);
        unlink(name);
    }
    return sum;
}

int main(int argc, char **argv)
{
    static const struct phase phases[] = {
        { "call", call_run, 200000 },
        { "clock", clock_run, 600000 },
        { "pipe", pipe_run, 5000 },
        { "fork", fork_run, 400 },
        { "exec", exec_run, 120 },
        { "fault", fault_run, 300 },
        { "signal", signal_run, 15000 },
        { "guard", guard_run, 8000 },
        { "file", file_run, 3000 },
    };

    if (argc > 2 && strcmp(argv[1], "--child") == 0)
        return atoi(argv[2]);
    if (argc > 1)
        percent = atoi(argv[1]);
    return RUN_PHASES(phases);
}
