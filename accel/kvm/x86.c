/* SPDX-License-Identifier: MIT */
/*
 * KVM on x86: what the machine needs of the kernel, interrupts by our own
 * interrupt controllers, exits that only x86 has.
 * Reference: the API, "KVM_SET_TSS_ADDR", "KVM_INTERRUPT", chapter 5.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include "accel/kvm/x86.h"
#include "softmmu/clock.h"
#include "util/log.h"

/* Three pages for the TSS and one for a page table, which old Intel CPUs need
   for real mode: below the firmware's 16 MiB. */
enum { IDENTITY_MAP = 0xfeffc000u, TSS_AT = 0xfeffd000u };

const char *const kvm_arch_missing =
    "load the module (modprobe kvm-amd or kvm-intel) and let the firmware "
    "turn virtualization on";

bool kvm_arch_runs(const Machine *m, Err *err)
{
    static const char *const can[] = { "x86_64", "i386" };

    for (u32 i = 0; m->target && i < countof(can); i++) {
        if (strcmp(m->target->name, can[i]) == 0) {
            return true;
        }
    }
    return !m->target
        || fail(err, "-accel kvm: this host's CPUs are x86 and cannot run "
                "%s; -accel tcg can", m->target->name);
}

bool kvm_arch_prepare(Kvm *k, Err *err)
{
    k->arch = g_new0(KvmArch, 1);
    return kvm_cpuid_prepare(k, err);
}

static bool vm_do(Kvm *k, unsigned long request, unsigned long arg,
                  const char *name, Err *err)
{
    return ioctl(k->vm, request, arg) >= 0
        || fail(err, "-accel kvm: %s: %s", name, g_strerror(errno));
}

bool kvm_arch_start(Kvm *k, Err *err)
{
    u64 identity = IDENTITY_MAP;

    k->smm = k->m->smm && kvm_has(k, KVM_CAP_X86_SMM)
        && kvm_has(k, KVM_CAP_MULTI_ADDRESS_SPACE) >= KVM_SPACES;
    if (!kvm_chip_fits(k->m)) {
        k->irqchip = IRQCHIP_OFF;
    }
    return vm_do(k, KVM_SET_IDENTITY_MAP_ADDR, (unsigned long)&identity,
                 "KVM_SET_IDENTITY_MAP_ADDR", err)
        && vm_do(k, KVM_SET_TSS_ADDR, TSS_AT, "KVM_SET_TSS_ADDR", err)
        && (k->irqchip == IRQCHIP_OFF || kvm_chip_start(k, err));
}

/* Machine checks: the banks of MCG_CAP that the translator has. */
static void set_up_mce(KvmCpu *k)
{
    u64 cap;

    if (kvm_has(k->kvm, KVM_CAP_MCE) && x86_has(x86_cpu(k->cpu), F_MCA)
        && x86_rdmsr(x86_cpu(k->cpu), 0x179, &cap)
        && ioctl(k->fd, KVM_X86_SETUP_MCE, &cap) < 0) {
        log_line(LOG_UNIMP, "KVM_X86_SETUP_MCE: %s", g_strerror(errno));
    }
}

bool kvm_arch_vcpu(KvmCpu *k, Err *err)
{
    k->arch = g_new0(KvmCpuArch, 1);
    k->arch->mp_state = MP_UNKNOWN;
    if (!kvm_cpuid_set(k, err)) {
        return false;
    }
    set_up_mce(k);
    return true;
}

MemSpace *kvm_arch_memory(const KvmCpu *k)
{
    return k->run->flags & KVM_RUN_X86_SMM && k->cpu->machine->smm
        ? k->cpu->machine->smm : k->cpu->machine->mem;
}

/* The kernel's local APICs start CPUs and wake them. */
bool kvm_arch_waits(const Cpu *c)
{
    return kvm_of(c->machine)->irqchip != IRQCHIP_OFF && !c->absent;
}

/* ---- interrupts --------------------------------------------------------- */

/* Does a controller of ours ask? */
static bool asks(const KvmCpu *k)
{
    return k->kvm->irqchip == IRQCHIP_SPLIT ? kvm_pic_asks(k->kvm)
        : __atomic_load_n(&k->cpu->lines, __ATOMIC_SEQ_CST)
          & 1u << X86_LINE_INTR;
}

/* The vector of the interrupt that it has; -1: none is left. */
static int acknowledge(KvmCpu *k)
{
    const Cpu *c = k->cpu;
    int vector;

    machine_lock();
    vector = k->kvm->irqchip == IRQCHIP_SPLIT ? kvm_pic_ack(k->kvm)
        : c->intc ? c->intc->ack(c->intc_state) : -1;
    machine_unlock();
    return vector;
}

/* Takes the edge of NMI or SMI that came; false: none did. */
static bool take_edge(X86Cpu *c, unsigned n)
{
    return __atomic_load_n(&c->edges, __ATOMIC_SEQ_CST) & 1u << n
        && __atomic_fetch_and(&c->edges, ~(1u << n), __ATOMIC_SEQ_CST)
           & 1u << n;
}

/* Gives the kernel an interrupt if it can take one, else asks when. */
static void inject(KvmCpu *k)
{
    struct kvm_run *r = k->run;

    if (asks(k) && r->ready_for_interrupt_injection) {
        int vector = acknowledge(k);
        if (vector >= 0) {
            struct kvm_interrupt i = { (u32)vector };
            KVM_DO(k, KVM_INTERRUPT, &i);
            r->ready_for_interrupt_injection = false;
        }
    }
    r->request_interrupt_window = asks(k);
}

static u64 task_priority(Cpu *c)
{
    u64 v = 0;

    if (c->intc && c->intc->sysreg_read) {
        machine_lock();
        c->intc->sysreg_read(c->intc_state, SYSREG_CR8, &v);
        machine_unlock();
    }
    return v;
}

void kvm_arch_before(KvmCpu *k)
{
    X86Cpu *c = x86_cpu(k->cpu);

    if (take_edge(c, X86_LINE_NMI)) {
        KVM_DO(k, KVM_NMI, NULL);
    }
    if (take_edge(c, X86_LINE_SMI) && k->kvm->smm) {
        KVM_DO(k, KVM_SMI, NULL);
    }
    if (k->kvm->irqchip == IRQCHIP_ON) {
        return;
    }
    inject(k);
    if (k->kvm->irqchip == IRQCHIP_SPLIT) {
        return;
    }
    k->run->cr8 = k->arch->cr8 = task_priority(k->cpu);
}

/* The guest may have changed CR8 and the APIC's base. */
void kvm_arch_after(KvmCpu *k)
{
    Cpu *c = k->cpu;

    if (k->kvm->irqchip == IRQCHIP_OFF && k->run->cr8 != k->arch->cr8
        && c->intc && c->intc->sysreg_write) {
        machine_lock();
        c->intc->sysreg_write(c->intc_state, SYSREG_CR8, k->run->cr8);
        machine_unlock();
    }
}

/* ---- exits -------------------------------------------------------------- */

/*
 * HLT: whether an interrupt wakes it hangs on IF, which is all of the
 * registers that who sleeps needs.
 */
static bool halted(KvmCpu *k)
{
    X86Cpu *c = x86_cpu(k->cpu);

    x86_put_eflags(c, k->run->if_flag ? FL_IF : 0);
    c->nmi_blocked = false;
    k->cpu->halted = !x86_wakes(k->cpu);
    return !k->cpu->halted;
}

static bool shut_down(KvmCpu *k)
{
    kvm_fetch(k->cpu);
    x86_triple_fault(x86_cpu(k->cpu));
    return false;
}

bool kvm_arch_exit(KvmCpu *k)
{
    switch (k->run->exit_reason) {
    case KVM_EXIT_HLT:
        return halted(k);
    case KVM_EXIT_SHUTDOWN:
        return shut_down(k);
    case KVM_EXIT_IOAPIC_EOI:
        kvm_ioapic_eoi(k);
        return true;
    case KVM_EXIT_SET_TPR:
        return true;                    /* kvm_arch_after() did it */
    default:
        kvm_broken(k, "an exit that is not known,",
                   k->run->exit_reason);
        return false;
    }
}
