/* SPDX-License-Identifier: MIT */
/*
 * Opening KVM, its virtual machine and vCPUs; the accelerator's row.
 * Reference: the API, 4.1 to 4.4, "KVM_CHECK_EXTENSION" and the rest.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "accel/kvm/kvm.h"
#include "softmmu/options.h"
#include "util/log.h"

#define DEV_KVM "/dev/kvm"

/* ---- is it there? ------------------------------------------------------- */

static bool cannot_open(int why, Err *err)
{
    switch (why) {
    case ENOENT:
        return fail(err, "-accel kvm: there is no " DEV_KVM ": %s, or use "
                    "-accel tcg", kvm_arch_missing);
    case EACCES: case EPERM:
        return fail(err, "-accel kvm: " DEV_KVM " may not be opened: join the "
                    "group kvm (adduser USER kvm, then log in again), or use "
                    "-accel tcg");
    default:
        return fail(err, "-accel kvm: " DEV_KVM " cannot be opened (%s); "
                    "-accel tcg needs none", g_strerror(why));
    }
}

/* What nothing works without. */
static const struct { int capability; const char *name; } needed[] = {
    { KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
    { KVM_CAP_DESTROY_MEMORY_REGION_WORKS,
      "KVM_CAP_DESTROY_MEMORY_REGION_WORKS" },
    { KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
    { KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM" },
    { KVM_CAP_SET_GUEST_DEBUG, "KVM_CAP_SET_GUEST_DEBUG" },
};

static bool check(int fd, Err *err)
{
    int version = ioctl(fd, KVM_GET_API_VERSION, 0);

    if (version != KVM_API_VERSION) {
        return fail(err, "-accel kvm: " DEV_KVM " speaks version %d of its "
                    "interface, not %d: another kernel is needed, or -accel "
                    "tcg", version, KVM_API_VERSION);
    }
    for (u32 i = 0; i < countof(needed); i++) {
        if (ioctl(fd, KVM_CHECK_EXTENSION, needed[i].capability) <= 0) {
            return fail(err, "-accel kvm: the kernel lacks %s: Linux 4.13 or "
                        "later has it; or use -accel tcg", needed[i].name);
        }
    }
    return true;
}

/* The open device, or -1 with *err. */
static int open_kvm(Err *err)
{
    int fd = open(DEV_KVM, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        cannot_open(errno, err);
        return -1;
    }
    if (!check(fd, err)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool available(const Machine *m, Err *err)
{
    int fd = kvm_arch_runs(m, err) ? open_kvm(err) : -1;

    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

int kvm_has(const Kvm *k, int capability)
{
    return MAX(ioctl(k->fd, KVM_CHECK_EXTENSION, capability), 0);
}

/* ---- options ------------------------------------------------------------ */

static bool set_irqchip(Kvm *k, const char *text, Err *err)
{
    static const char *const names[] = {
        [IRQCHIP_OFF] = "off", [IRQCHIP_ON] = "on", [IRQCHIP_SPLIT] = "split",
    };

    for (u32 i = 0; i < countof(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            k->irqchip = (KvmIrqchip)i;
            return true;
        }
    }
    return fail(err, "kernel-irqchip=%s: write on, off or split", text);
}

static bool set_option(Kvm *k, const char *text, Err *err)
{
    g_auto(GStrv) kv = g_strsplit(text, "=", 2);

    if (kv[1] && (strcmp(kv[0], "kernel-irqchip") == 0
                  || strcmp(kv[0], "kernel_irqchip") == 0)) {
        return set_irqchip(k, kv[1], err);
    }
    return fail(err, "-accel kvm has no option \"%s\": "
                "kernel-irqchip=on|off|split", kv[0]);
}

static bool set_options(Kvm *k, const char *props, Err *err)
{
    const char *chip = k->m->opts->kernel_irqchip;
    g_auto(GStrv) option = g_strsplit(props ? props : "", ",", -1);

    if (chip && !set_irqchip(k, chip, err)) {
        return err_prefix(err, "-M");
    }
    for (char **text = option; *text; text++) {
        if (**text && !set_option(k, *text, err)) {
            return false;
        }
    }
    return true;
}

/* ---- machine and vCPUs -------------------------------------------------- */

static bool prepare(Machine *m, const char *props, Err *err)
{
    Kvm *k = g_new0(Kvm, 1);

    k->m = m;
    k->vm = -1;
    k->irqchip = IRQCHIP_ON;
    k->fd = open_kvm(err);
    for (u32 i = 0; i < KVM_SPACES; i++) {
        k->slots[i] = g_array_new(false, false, sizeof(KvmSlot));
    }
    m->accel_data = k;
    return k->fd >= 0 && set_options(k, props, err)
        && kvm_arch_prepare(k, err);
}

/* KVM_CREATE_VM ends early if a signal comes. */
static int create_vm(Kvm *k)
{
    int vm;

    do {
        vm = ioctl(k->fd, KVM_CREATE_VM, 0);
    } while (vm < 0 && errno == EINTR);
    return vm;
}

static bool start(Machine *m, const char *props, Err *err)
{
    Kvm *k = kvm_of(m);
    int limit = kvm_has(k, KVM_CAP_NR_MEMSLOTS);
    int size = ioctl(k->fd, KVM_GET_VCPU_MMAP_SIZE, 0);

    (void)props;
    k->vm = create_vm(k);
    if (k->vm < 0 || size < (int)sizeof(struct kvm_run)) {
        return fail(err, "-accel kvm: the kernel makes no virtual machine: "
                    "%s", g_strerror(errno));
    }
    k->slot_limit = limit > 0 ? (u32)limit : 32;
    k->run_size = (u32)size;
    kvm_track_prepare(k);
    return kvm_signals(err) && kvm_arch_start(k, err) && kvm_map(k, err);
}

static bool vcpu_start(Cpu *c, Err *err)
{
    Kvm *kvm = kvm_of(c->machine);
    KvmCpu *k = g_new0(KvmCpu, 1);

    *k = (KvmCpu) { .cpu = c, .kvm = kvm, .fetched = true };
    k->fd = ioctl(kvm->vm, KVM_CREATE_VCPU, (unsigned long)c->arch_id);
    if (k->fd >= 0) {
        k->run = mmap(NULL, kvm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
                      k->fd, 0);
    }
    if (k->fd < 0 || k->run == MAP_FAILED) {
        return fail(err, "-accel kvm: the kernel makes no vCPU %d: %s",
                    c->index, g_strerror(errno));
    }
    c->accel = k;
    return kvm_arch_vcpu(k, err);
}

bool kvm_do(KvmCpu *k, unsigned long request, const char *name, void *arg)
{
    if (ioctl(k->fd, request, arg) >= 0) {
        return true;
    }
    fprintf(stderr, "anole: CPU %d: %s: %s\n", k->cpu->index, name,
            g_strerror(errno));
    k->cpu->machine->exit_code = 1;
    machine_shutdown(k->cpu->machine, SHUTDOWN_ERROR);
    vcpus_hold(k->cpu->machine);
    return false;
}

static void map_changed(Machine *m)
{
    Err err = { 0 };

    if (!kvm_map(kvm_of(m), &err)) {
        fprintf(stderr, "anole: %s\n", err.text);
        m->exit_code = 1;
        machine_shutdown(m, SHUTDOWN_ERROR);
    }
}

static void info(Machine *m, FILE *f)
{
    const Kvm *k = kvm_of(m);

    for (u32 i = 0; i < KVM_SPACES; i++) {
        fprintf(f, "%s slots  %u of %u\n", i ? "SMM   " : "memory",
                k->slots[i]->len, k->slot_limit);
    }
    for (u32 i = 0; i < m->ncpus; i++) {
        fprintf(f, "CPU %u exits   %llu\n", i,
                (unsigned long long)kvm_cpu(m->cpu[i])->exits);
    }
}

ACCEL(kvm) {
    .name = "kvm",
    .about = "the host's own CPUs by Linux's KVM: x86 guests on x86-64, "
             "AArch64 on AArch64",
    .available = available,
    .prepare = prepare,
    .machine_start = start,
    .vcpu_start = vcpu_start,
    .run = kvm_run,
    .kick = kvm_kick,
    .fetch = kvm_fetch,
    .paused = kvm_paused,
    .resuming = kvm_resuming,
    .waits = kvm_arch_waits,
    .map_changed = map_changed,
    .debug_fits = kvm_debug_fits,
    .debug_changed = kvm_set_debug,
    .track = kvm_track,
    .info = info,
};
