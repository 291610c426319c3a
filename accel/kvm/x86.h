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

typedef struct KvmChip KvmChip;

typedef struct KvmArch {
    KvmCpuid supported;         /* KVM_GET_SUPPORTED_CPUID */
    u32      msr[KVM_MSRS];     /* of x86_nth_msr(), those that KVM knows */
    u32      msrs;
    bool     msrs_known;
    u64      paused_at;         /* of the host's TSC; 0: it did not run */
    KvmChip *chip;              /* interrupt controllers; NULL: our own */
} KvmArch;

typedef struct KvmCpuArch {
    u64  cr8;                   /* as the kernel has it */
    u64  apic_base;             /* the same, with the kernel's APIC */
    u32  mp_state;              /* at the last fetch; or MP_UNKNOWN */
    u64  tsc_offset;            /* X86Cpu's at the last fetch */
    bool tsc_set;
    bool debugged;              /* KVM_SET_GUEST_DEBUG is on */
} KvmCpuArch;

#define MP_UNKNOWN  (~0u)

enum { MSR_TSC = 0x10, MSR_APIC_BASE = 0x1b, MSR_UCODE_REV = 0x8b };

/* ---- x86_irqchip.c ------------------------------------------------------ */
/* Does the machine have what the kernel's controllers stand for? */
bool kvm_chip_fits(const Machine *m);
bool kvm_chip_start(Kvm *k, Err *err);
/* With the local APICs alone in the kernel: the PIC's output, and its vector;
   machine lock held for the second. */
bool kvm_pic_asks(const Kvm *k);
int  kvm_pic_ack(Kvm *k);
/* KVM_EXIT_IOAPIC_EOI. */
void kvm_ioapic_eoi(KvmCpu *k);

/* ---- x86_state.c -------------------------------------------------------- */
/* TSCs and the clock that KVM gives its guests stand still while they do. */
void kvm_clock_fetch(Kvm *k);
void kvm_clock_put(Kvm *k);

/* ---- x86_cpuid.c -------------------------------------------------------- */
bool kvm_cpuid_prepare(Kvm *k, Err *err);
bool kvm_cpuid_set(KvmCpu *k, Err *err);
