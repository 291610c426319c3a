/* SPDX-License-Identifier: MIT */
/*
 * CPUID under KVM: what the host's CPUs can have, and what a vCPU shows.
 * Reference: the API, "KVM_GET_SUPPORTED_CPUID", "KVM_SET_CPUID2".
 */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include "accel/kvm/x86.h"

enum { EAX, EBX, ECX, EDX };
enum { TSC_DEADLINE = 1 << (F_TSC_DEADLINE & 31) };

static const struct kvm_cpuid_entry2 *find(const KvmCpuid *list, u32 leaf,
                                           u32 sub)
{
    for (u32 i = 0; i < list->head.nent; i++) {
        const struct kvm_cpuid_entry2 *e = &list->at[i];
        bool numbered = e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
        if (e->function == leaf && (!numbered || e->index == sub)) {
            return e;
        }
    }
    return NULL;
}

static void host_cpuid(Machine *m, u32 leaf, u32 sub, u32 out[4])
{
    const Kvm *k = kvm_of(m);
    const struct kvm_cpuid_entry2 *e = find(&k->arch->supported, leaf, sub);

    memset(out, 0, 4 * sizeof out[0]);
    if (e) {
        out[EAX] = e->eax;
        out[EBX] = e->ebx;
        out[ECX] = e->ecx;
        out[EDX] = e->edx;
    }
    if (leaf == 1) {                    /* the local APIC's, in the kernel */
        out[ECX] |= 1u << (F_X2APIC & 31)
            | (kvm_has(k, KVM_CAP_TSC_DEADLINE_TIMER) ? TSC_DEADLINE : 0);
    }
}

bool kvm_cpuid_prepare(Kvm *k, Err *err)
{
    KvmCpuid *list = &k->arch->supported;

    list->head.nent = KVM_LEAVES;
    if (ioctl(k->fd, KVM_GET_SUPPORTED_CPUID, list) < 0) {
        return fail(err, "-accel kvm: KVM_GET_SUPPORTED_CPUID: %s",
                    g_strerror(errno));
    }
    k->m->host_cpuid = host_cpuid;
    return true;
}

/* ---- what a vCPU shows -------------------------------------------------- */

/* Leaves whose ECX chooses, and how many of each are looked at. */
static const struct { u32 leaf, subs; } numbered[] = {
    { 4, 5 }, { 7, 1 }, { 0xb, 3 }, { 0xd, 3 }, { 0x1f, 4 }, { 0x8000001d, 5 },
};

static u32 subs_of(u32 leaf)
{
    for (u32 i = 0; i < countof(numbered); i++) {
        if (numbered[i].leaf == leaf) {
            return numbered[i].subs;
        }
    }
    return 0;
}

static void show(KvmCpu *k, KvmCpuid *list, u32 leaf, u32 sub)
{
    u32 out[4];

    if (list->head.nent == KVM_LEAVES) {
        return;
    }
    x86_cpuid(x86_cpu(k->cpu), leaf, sub, out);
    list->at[list->head.nent++] = (struct kvm_cpuid_entry2) {
        .function = leaf, .index = sub,
        .flags = subs_of(leaf) ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
        .eax = out[EAX], .ebx = out[EBX], .ecx = out[ECX], .edx = out[EDX],
    };
}

/* From `first` to the highest leaf, which that tells. */
static void show_range(KvmCpu *k, KvmCpuid *list, u32 first)
{
    u32 top[4];

    x86_cpuid(x86_cpu(k->cpu), first, 0, top);
    for (u32 leaf = first; leaf <= top[EAX] && leaf - first < 0x40; leaf++) {
        for (u32 sub = 0; sub < MAX(subs_of(leaf), 1); sub++) {
            show(k, list, leaf, sub);
        }
    }
}

/*
 * With our own local APIC there are neither x2APIC's MSRs nor a deadline
 * timer, nor what KVM's guests do by way of the kernel's.
 */
static void without_apic(X86Cpu *c)
{
    static const int needs_it[] = {
        F_X2APIC, F_TSC_DEADLINE, F_KVM_ASYNCPF, F_KVM_PV_EOI,
        F_KVM_PV_UNHALT, F_KVM_ASYNCPF_INT, F_KVM_POLL_CONTROL,
    };

    for (u32 i = 0; i < countof(needs_it); i++) {
        c->feat[needs_it[i] >> 5] &= ~(1u << (needs_it[i] & 31));
    }
}

bool kvm_cpuid_set(KvmCpu *k, Err *err)
{
    KvmCpuid *list = g_new0(KvmCpuid, 1);
    bool ok;

    if (k->kvm->irqchip == IRQCHIP_OFF) {
        without_apic(x86_cpu(k->cpu));
    }
    show_range(k, list, 0);
    show_range(k, list, 0x40000000);
    show_range(k, list, 0x80000000);
    ok = ioctl(k->fd, KVM_SET_CPUID2, list) == 0
        || fail(err, "-accel kvm: the kernel does not take the CPUID of -cpu "
                "%s: %s", k->cpu->model, g_strerror(errno));
    g_free(list);
    return ok;
}
