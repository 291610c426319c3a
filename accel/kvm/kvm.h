/* SPDX-License-Identifier: MIT */
/*
 * Private to accel/kvm: Linux's KVM in the translator's place.
 * Reference: the kernel's Documentation/virt/kvm/api.rst ("the API").
 *
 * A machine's registers are either in the kernel or, between kvm_fetch() and
 * the next KVM_RUN, in the Cpu that everybody else knows.
 */
#pragma once
#include <linux/kvm.h>
#include "accel/accel.h"

/* Who has the interrupt controllers: -M kernel-irqchip=. */
typedef enum KvmIrqchip {
    IRQCHIP_OFF, IRQCHIP_ON,
    IRQCHIP_SPLIT,              /* x86: the local APICs alone */
} KvmIrqchip;

/* A stretch of guest memory that the kernel maps. */
typedef struct KvmSlot {
    u32  number;                /* with the address space above bit 16 */
    u64  base, size;
    Ram *ram;
    u64  offset;                /* in ram */
    bool readonly;
} KvmSlot;

enum { KVM_SPACES = 2 };        /* the second is SMM's */

typedef struct Kvm {
    Machine *m;
    int      fd, vm;
    u32      run_size;          /* bytes of a vCPU's shared pages */
    KvmIrqchip irqchip;
    bool     smm;               /* it can do SMM */
    GArray  *slots[KVM_SPACES];         /* of KvmSlot, by address */
    u32      slot_limit;
    bool     tracking;          /* slots log writes; machine lock */
    bool     clears;            /* and are told what was read of the log */
    u64      exits;             /* of all vCPUs, atomic */
    struct KvmArch *arch;
} Kvm;

typedef struct KvmCpu {
    Cpu     *cpu;
    Kvm     *kvm;
    int      fd;
    struct kvm_run *run;
    bool     fetched;           /* the registers are in the Cpu */
    bool     incomplete;        /* KVM_RUN must finish an instruction */
    u32      inside;            /* atomic: in KVM_RUN, or about to be */
    u64      exits;
    struct KvmCpuArch *arch;
} KvmCpu;

static inline KvmCpu *kvm_cpu(Cpu *c) { return c->accel; }
static inline Kvm *kvm_of(const Machine *m) { return m->accel_data; }
/* ---- kvm.c -------------------------------------------------------------- */
/* KVM_CHECK_EXTENSION: 0 if it is not there. */
int  kvm_has(const Kvm *k, int capability);
/* One of the vCPU's ioctls, which should not fail: stops the machine if so. */
bool kvm_do(KvmCpu *k, unsigned long request, const char *name, void *arg);
#define KVM_DO(k, request, arg)     kvm_do(k, request, #request, arg)

/* ---- slots.c ------------------------------------------------------------ */
/* Makes the kernel's memory slots those of the memory map. */
bool kvm_map(Kvm *k, Err *err);
void kvm_track(Machine *m, Track what);
/* Prepares for it; vm is open. */
void kvm_track_prepare(Kvm *k);

/* ---- run.c -------------------------------------------------------------- */
bool kvm_signals(Err *err);     /* before the first vCPU */
void kvm_run(Cpu *c);
void kvm_kick(Cpu *c);
void kvm_fetch(Cpu *c);
/* The kernel gave up: says why and where, and ends the machine. */
void kvm_broken(KvmCpu *k, const char *why, u64 code);

/* ---- x86_debug.c, arm64_debug.c ----------------------------------------- */
/* Can the CPU have all of c->debug? */
bool kvm_debug_fits(Cpu *c);
/* Break- and watchpoints, single step, as c->debug has them. */
void kvm_set_debug(Cpu *c);
/* KVM_EXIT_DEBUG: stops for the debugger, or gives the guest its exception. */
bool kvm_debug_exit(KvmCpu *k);

/* ---- what each architecture has: x86*.c, arm64*.c ----------------------- */
/* What there is to do if there is no KVM. */
extern const char *const kvm_arch_missing;
/* Can the host's CPUs run m's target? */
bool kvm_arch_runs(const Machine *m, Err *err);
/* Before and after the machine is made; vm is open in the second. */
bool kvm_arch_prepare(Kvm *k, Err *err);
bool kvm_arch_start(Kvm *k, Err *err);
bool kvm_arch_vcpu(KvmCpu *k, Err *err);
/* Does the kernel wait for what wakes or starts c?  Accel.waits. */
bool kvm_arch_waits(const Cpu *c);
/* Between Cpu and kernel. */
void kvm_arch_put(KvmCpu *k);
void kvm_arch_fetch(KvmCpu *k);
/* Of devices that the kernel has: Accel.paused, Accel.resuming. */
void kvm_paused(Machine *m);
void kvm_resuming(Machine *m);
/* Interrupts that are due; before and after KVM_RUN. */
void kvm_arch_before(KvmCpu *k);
void kvm_arch_after(KvmCpu *k);
/* An exit that run.c does not know; false: run() is to return. */
bool kvm_arch_exit(KvmCpu *k);
/* The memory that the vCPU sees now. */
MemSpace *kvm_arch_memory(const KvmCpu *k);
