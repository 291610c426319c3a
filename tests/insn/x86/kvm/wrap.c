/* SPDX-License-Identifier: MIT */
/*
 * Between a program and KVM, by LD_PRELOAD: $WRAP says what the kernel does
 * wrong.  "api": another version of the interface; "open": no permission;
 * "cap": no capability; "eintr": signals end every other KVM_RUN early;
 * "entry": the CPU refuses to enter the guest; "exit": an unknown exit;
 * "internal", "emulate": internal errors; else the name of an ioctl that
 * fails, as `failing` has it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static struct kvm_run *run;     /* of the only vCPU */

static int asked(const char *what)
{
    const char *wrap = getenv("WRAP");

    return wrap && strcmp(wrap, what) == 0;
}

int open64(const char *path, int flags, ...)
{
    int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, "open64");
    va_list ap;

    va_start(ap, flags);
    int mode = va_arg(ap, int);
    va_end(ap);
    if (asked("open") && strcmp(path, "/dev/kvm") == 0) {
        errno = EACCES;
        return -1;
    }
    return next(path, flags, mode);
}

void *mmap64(void *at, size_t len, int prot, int flags, int fd, off64_t off)
{
    void *(*next)(void *, size_t, int, int, int, off64_t)
        = dlsym(RTLD_NEXT, "mmap64");
    void *p = next(at, len, prot, flags, fd, off);

    if (!at && flags == MAP_SHARED && fd >= 0 && len == 3 * 4096) {
        run = p;
    }
    return p;
}

static int pretend(unsigned reason)
{
    run->exit_reason = reason;
    run->fail_entry.hardware_entry_failure_reason = 0x80000021;
    return 0;
}

static int internal_error(unsigned suberror)
{
    run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
    run->internal.suberror = suberror;
    return 0;
}

/* ioctls that fail, and how. */
static const struct { const char *name; unsigned long request; int error; }
failing[] = {
    { "vm", KVM_CREATE_VM, ENOMEM }, { "vcpu", KVM_CREATE_VCPU, EINVAL },
    { "chip", KVM_CREATE_IRQCHIP, ENOTTY },
    { "split", KVM_ENABLE_CAP, EINVAL },
    { "memory", KVM_SET_USER_MEMORY_REGION, EFAULT },
    { "cpuid", KVM_SET_CPUID2, E2BIG }, { "regs", KVM_SET_SREGS, EINVAL },
    { "run", KVM_RUN, EFAULT },
};

static int fails(unsigned long request)
{
    for (unsigned i = 0; i < sizeof failing / sizeof *failing; i++) {
        if (request == failing[i].request && asked(failing[i].name)) {
            errno = failing[i].error;
            return 1;
        }
    }
    return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
    int (*next)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
    static unsigned runs;
    va_list ap;

    va_start(ap, request);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    if (request == KVM_GET_API_VERSION && asked("api")) {
        return 11;
    }
    if (request == KVM_CHECK_EXTENSION && asked("cap")) {
        return 0;
    }
    if (request == KVM_RUN && asked("eintr") && runs++ % 2) {
        run->immediate_exit = 1;        /* what was begun is finished */
        return next(fd, request, arg);
    }
    if (request == KVM_RUN && asked("entry")) {
        return pretend(KVM_EXIT_FAIL_ENTRY);
    }
    if (request == KVM_RUN && asked("exit")) {
        return pretend(999);
    }
    if (request == KVM_RUN && asked("internal")) {
        return internal_error(KVM_INTERNAL_ERROR_SIMUL_EX);
    }
    if (request == KVM_RUN && asked("emulate")) {
        return internal_error(KVM_INTERNAL_ERROR_EMULATION);
    }
    return fails(request) ? -1 : next(fd, request, arg);
}
