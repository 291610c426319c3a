/* SPDX-License-Identifier: MIT */
/* Private to KVM on x86. */
#pragma once
#include "accel/kvm/kvm.h"
#include "target/i386/cpu.h"

enum { KVM_LEAVES = 256, KVM_MSRS = 128 };

/* What the API declares with a list at its end. */
typedef struct KvmCpuid {
    struct kvm_cpuid2 head;
    struct kvm_cpuid_entry2 at[KVM_LEAVES];
} KvmCpuid;
typedef struct KvmMsrs {
    struct kvm_msrs head;
    struct kvm_msr_entry at[KVM_MSRS];
} KvmMsrs;

typedef struct KvmArch {
    KvmCpuid supported;         /* KVM_GET_SUPPORTED_CPUID */
    u32      msr[KVM_MSRS];     /* of x86_nth_msr(), those that KVM knows */
    u32      msrs;
    bool     msrs_known;
} KvmArch;

typedef struct KvmCpuArch {
    u64  cr8;                   /* as the kernel has it */
    u64  tsc_offset;            /* X86Cpu's at the last fetch */
    bool tsc_set;
    bool debugged;              /* KVM_SET_GUEST_DEBUG is on */
} KvmCpuArch;

enum { MSR_TSC = 0x10, MSR_APIC_BASE = 0x1b };

/* ---- x86_cpuid.c -------------------------------------------------------- */
bool kvm_cpuid_prepare(Kvm *k, Err *err);
bool kvm_cpuid_set(KvmCpu *k, Err *err);
