/* SPDX-License-Identifier: MIT */
/* Private to KVM on AArch64. */
#pragma once
#include "accel/kvm/kvm.h"
#include "target/arm/cpu.h"

enum { KVM_REGS = 1024 };

/* What the API declares with a list at its end. */
typedef struct KvmRegs {
    struct kvm_reg_list head;
    u64 at[KVM_REGS];
} KvmRegs;

typedef struct KvmArch {
    struct kvm_vcpu_init target;    /* KVM_ARM_PREFERRED_TARGET */
    KvmRegs regs;               /* KVM_GET_REG_LIST */
    bool    regs_known;
    KvmRegs id;                 /* ID registers of the host's CPUs, */
    u64     id_value[KVM_REGS]; /*   and what they say */
    int     gic;                /* its descriptor; -1: our own */
    Device *gic_device;         /* what it stands for */
    bool    gic_ours;           /* gic_device has the state */
} KvmArch;

typedef struct KvmCpuArch {
    u32  lines;                 /* of the CPU, as the kernel knows them */
    u64  timers;                /* kvm_sync_regs.device_irq_level */
    bool debugged;              /* KVM_SET_GUEST_DEBUG is on */
} KvmCpuArch;

/* ---- arm64.c ------------------------------------------------------------ */
/* Registers as after reset, the kernel's own too. */
bool kvm_vcpu_init(KvmCpu *k);

/* ---- arm64_state.c ------------------------------------------------------ */
/* Asks a vCPU that never runs for the host's ID registers. */
bool kvm_ids_read(Kvm *k, Err *err);
/* The virtual counter goes on from the machine's virtual time. */
void kvm_counter_put(KvmCpu *k);

/* ---- arm64_gic.c -------------------------------------------------------- */
/* Versions that the kernel can make: bits 2 and 3. */
u32  kvm_gics(int vm);
bool kvm_gic_start(Kvm *k, Err *err);
/* All vCPUs are made. */
bool kvm_gic_finish(Kvm *k, Err *err);
