/* SPDX-License-Identifier: MIT */
/*
 * KVM on AArch64: vCPUs, interrupts by our own GICv2, exits that only this
 * architecture has.
 * Reference: the API, KVM_ARM_PREFERRED_TARGET, KVM_ARM_VCPU_INIT,
 * KVM_IRQ_LINE, KVM_CAP_ARM_USER_IRQ, KVM_CAP_ARM_NISV_TO_USER, chapter 5.
 *
 * The kernel answers PSCI calls and has the timers.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "accel/kvm/arm64.h"
#include "util/log.h"

enum { GUEST_PMU_PPI = 23 };

const char *const kvm_arch_missing =
    "it takes a kernel with KVM that the firmware started in EL2 (dmesg tells)";

bool kvm_arch_runs(const Machine *m, Err *err)
{
    return !m->target || strcmp(m->target->name, "aarch64") == 0
        || fail(err, "-accel kvm: this host's CPUs are AArch64 and cannot run "
                "%s; -accel tcg can", m->target->name);
}

bool kvm_arch_prepare(Kvm *k, Err *err)
{
    k->arch = g_new0(KvmArch, 1);
    k->arch->gic = -1;
    return kvm_ids_read(k, err);
}

bool kvm_arch_start(Kvm *k, Err *err)
{
    struct kvm_enable_cap nisv = { .cap = KVM_CAP_ARM_NISV_TO_USER };

    if (kvm_has(k, KVM_CAP_ARM_NISV_TO_USER)
        && ioctl(k->vm, KVM_ENABLE_CAP, &nisv) < 0) {
        log_line(LOG_UNIMP, "KVM_CAP_ARM_NISV_TO_USER: %s", g_strerror(errno));
    }
    if (k->irqchip == IRQCHIP_SPLIT) {
        return fail(err, "-accel kvm: kernel-irqchip=split is for x86; write "
                    "on or off");
    }
    if (k->irqchip == IRQCHIP_OFF && !kvm_has(k, KVM_CAP_ARM_USER_IRQ)) {
        return fail(err, "-accel kvm: the kernel lacks KVM_CAP_ARM_USER_IRQ, "
                    "which kernel-irqchip=off needs; leave that out");
    }
    return k->irqchip == IRQCHIP_OFF || kvm_gic_start(k, err);
}

static void feature(struct kvm_vcpu_init *i, u32 bit, bool on)
{
    i->features[bit / 32] |= (u32)on << bit % 32;
}

static bool has_pmu(const KvmCpu *k)
{
    return arm_cpu(k->cpu)->features & FEAT_PMU
        && k->kvm->irqchip == IRQCHIP_ON && kvm_has(k->kvm, KVM_CAP_ARM_PMU_V3);
}

bool kvm_vcpu_init(KvmCpu *k)
{
    struct kvm_vcpu_init i = k->kvm->arch->target;
    bool keys = kvm_has(k->kvm, KVM_CAP_ARM_PTRAUTH_ADDRESS)
        && kvm_has(k->kvm, KVM_CAP_ARM_PTRAUTH_GENERIC);

    feature(&i, KVM_ARM_VCPU_PSCI_0_2, true);
    feature(&i, KVM_ARM_VCPU_PMU_V3, has_pmu(k));
    feature(&i, KVM_ARM_VCPU_PTRAUTH_ADDRESS, keys);
    feature(&i, KVM_ARM_VCPU_PTRAUTH_GENERIC, keys);
    return ioctl(k->fd, KVM_ARM_VCPU_INIT, &i) == 0;
}

/* The performance monitor's interrupt, as the board's tree says. */
static bool make_pmu(KvmCpu *k)
{
    int ppi = GUEST_PMU_PPI;
    struct kvm_device_attr irq = {
        .group = KVM_ARM_VCPU_PMU_V3_CTRL, .attr = KVM_ARM_VCPU_PMU_V3_IRQ,
        .addr = (u64)(uintptr_t)&ppi,
    };
    struct kvm_device_attr init = {
        .group = KVM_ARM_VCPU_PMU_V3_CTRL, .attr = KVM_ARM_VCPU_PMU_V3_INIT,
    };

    return !has_pmu(k) || (ioctl(k->fd, KVM_SET_DEVICE_ATTR, &irq) == 0
                           && ioctl(k->fd, KVM_SET_DEVICE_ATTR, &init) == 0);
}

/* What the kernel wants when all vCPUs are made: first its GIC. */
static bool finish(Kvm *k, Err *err)
{
    if (!kvm_gic_finish(k, err)) {
        return false;
    }
    for (u32 i = 0; i < k->m->ncpus; i++) {
        if (!make_pmu(kvm_cpu(k->m->cpu[i]))) {
            return fail(err, "-accel kvm: the kernel makes no performance "
                        "monitor (%s); add -cpu %s,pmu=off", g_strerror(errno),
                        k->m->cpu[i]->model);
        }
    }
    return true;
}

bool kvm_arch_vcpu(KvmCpu *k, Err *err)
{
    const Machine *m = k->kvm->m;

    k->arch = g_new0(KvmCpuArch, 1);
    if (!kvm_vcpu_init(k)) {
        return fail(err, "-accel kvm: the kernel makes no vCPU of -cpu %s: %s",
                    k->cpu->model, g_strerror(errno));
    }
    return k->cpu != m->cpu[m->ncpus - 1] || finish(k->kvm, err);
}

MemSpace *kvm_arch_memory(const KvmCpu *k)
{
    return k->cpu->machine->mem;
}

/* WFI and what PSCI switched off wait in the kernel. */
bool kvm_arch_waits(const Cpu *c)
{
    return !c->absent;
}

/* ---- interrupts of our own GIC ------------------------------------------ */

static void drive(KvmCpu *k, u32 n, bool level)
{
    struct kvm_irq_level l = {
        .irq = KVM_ARM_IRQ_TYPE_CPU << KVM_ARM_IRQ_TYPE_SHIFT
            | (u32)k->cpu->index << KVM_ARM_IRQ_VCPU_SHIFT | n,
        .level = level,
    };

    if (ioctl(k->kvm->vm, KVM_IRQ_LINE, &l) < 0) {
        log_line(LOG_UNIMP, "KVM_IRQ_LINE: %s", g_strerror(errno));
    }
}

_Static_assert((int)ARM_LINE_IRQ == KVM_ARM_IRQ_CPU_IRQ
               && (int)ARM_LINE_FIQ == KVM_ARM_IRQ_CPU_FIQ,
               "lines have the kernel's numbers");

void kvm_arch_before(KvmCpu *k)
{
    u32 lines = __atomic_load_n(&k->cpu->lines, __ATOMIC_SEQ_CST);
    u32 changed = lines ^ k->arch->lines;

    for (u32 n = 0; k->kvm->irqchip == IRQCHIP_OFF && n < 2; n++) {
        if (changed >> n & 1) {
            drive(k, n, lines >> n & 1);
        }
    }
    k->arch->lines = lines;
}

/* The timers' outputs go to our own GIC. */
void kvm_arch_after(KvmCpu *k)
{
    static const struct { u32 bit, out; } outs[] = {
        { KVM_ARM_DEV_EL1_VTIMER, ARM_OUT_CNTV },
        { KVM_ARM_DEV_EL1_PTIMER, ARM_OUT_CNTP },
    };
    u64 now = k->run->s.regs.device_irq_level;

    if (k->kvm->irqchip == IRQCHIP_ON || now == k->arch->timers) {
        return;
    }
    k->arch->timers = now;
    machine_lock();
    for (u32 i = 0; i < countof(outs); i++) {
        line_set(&arm_cpu(k->cpu)->out[outs[i].out], (now & outs[i].bit) != 0);
    }
    machine_unlock();
}

/* ---- exits -------------------------------------------------------------- */

/* The kernel has stopped all vCPUs; they wait until they are reset. */
static bool system_event(KvmCpu *k)
{
    Machine *m = k->cpu->machine;

    switch (k->run->system_event.type) {
    case KVM_SYSTEM_EVENT_SHUTDOWN:
        machine_shutdown(m, SHUTDOWN_GUEST);
        return true;
    case KVM_SYSTEM_EVENT_RESET:
        machine_reset_request(m);
        return true;
    case KVM_SYSTEM_EVENT_CRASH:
        machine_lock();
        machine_panic(m);
        machine_unlock();
        return true;
    default:
        kvm_broken(k, "a system event that is not known,",
                   k->run->system_event.type);
        return false;
    }
}

/* An access whose instruction does not tell its size: an external abort. */
static bool no_syndrome(KvmCpu *k)
{
    struct kvm_vcpu_events e = { .exception.ext_dabt_pending = 1 };

    log_line(LOG_GUEST, "CPU %d: an access to %#llx, where no memory is, by an "
             "instruction that KVM does not emulate", k->cpu->index,
             (unsigned long long)k->run->arm_nisv.fault_ipa);
    return KVM_DO(k, KVM_SET_VCPU_EVENTS, &e);
}

bool kvm_arch_exit(KvmCpu *k)
{
    switch (k->run->exit_reason) {
    case KVM_EXIT_SYSTEM_EVENT:
        return system_event(k);
    case KVM_EXIT_ARM_NISV:
        return no_syndrome(k);
    default:
        kvm_broken(k, "an exit that is not known,", k->run->exit_reason);
        return false;
    }
}
