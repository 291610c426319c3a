/* SPDX-License-Identifier: MIT */
/* Private to accel/: vCPU threads as accelerators use them. */
#pragma once
#include "accel/accel.h"

typedef struct Vcpu  Vcpu;
typedef struct Vcpus Vcpus;

/*
 * Brackets the use of translated code and TLB pointers; on c's thread.
 * Entering waits out exclusive sections and runs queued work.
 */
void vcpu_enter_guest(Cpu *c);
void vcpu_leave_guest(Cpu *c);
/*
 * A section in which no other vCPU is in the guest.  The caller is not in
 * the guest either, and holds no lock that a vCPU in the guest may want.
 */
void vcpus_exclusive_begin(Machine *m);
void vcpus_exclusive_end(Machine *m);
/*
 * A grace period: what no new look-up finds any more may still be run by who
 * found it before.  It is over when every vCPU that was in the guest has left
 * it once; nobody is stopped.  Begin after what was published is taken back.
 */
typedef struct VcpuGrace {
    u32 passes[countof(((Machine *)0)->cpu)];   /* even: was not in */
} VcpuGrace;
void vcpus_grace_begin(Machine *m, VcpuGrace *g);
/* The caller is not in the guest and holds no lock. */
void vcpus_grace_wait(Machine *m, const VcpuGrace *g);
/*
 * Runs fn(c, a copy of data) on every vCPU's thread; returns when each has
 * done so or will have before it is in the guest again.  fn frees nothing.
 */
void vcpus_run_all(Machine *m, void (*fn)(Cpu *c, void *data), void *data,
                   size_t size);
