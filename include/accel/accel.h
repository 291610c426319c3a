/* SPDX-License-Identifier: MIT */
/*
 * Accelerators: what runs the CPUs of a machine.
 *
 * A vCPU's thread calls run() again and again; run() returns when a request
 * (Cpu.request) needs the common loop in accel/vcpu.c, or the CPU halted.
 */
#pragma once
#include "softmmu/machine.h"
#include "util/set.h"

/* Steps of tracking writes to memory; any thread, without the machine lock. */
typedef enum Track {
    TRACK_ON,                   /* RAM_TRACK was set */
    TRACK_COLLECT,              /* RAM_DIRTY is about to be looked at */
    TRACK_CLEARED,              /* it was: writes from now on set it again */
    TRACK_OFF,                  /* RAM_TRACK was cleared */
} Track;

typedef struct Accel {
    const char *name, *about;
    /* Can it run here?  If not, *err says why. */
    bool (*available)(const Machine *m, Err *err);
    /* It was chosen; CPUs are made after it.  NULL: nothing to do. */
    bool (*prepare)(Machine *m, const char *props, Err *err);
    /* The machine is made.  props: "backend=interp,..." */
    bool (*machine_start)(Machine *m, const char *props, Err *err);
    bool (*vcpu_start)(Cpu *c, Err *err);
    void (*run)(Cpu *c);
    /* Makes a running run() return or look at c->request; any thread. */
    void (*kick)(Cpu *c);
    /*
     * Brings registers that are kept elsewhere into c, where they may be
     * changed until the next run(); on c's thread.  NULL: they are there.
     */
    void (*fetch)(Cpu *c);
    /*
     * All CPUs wait, their registers in their Cpus: devices that the
     * accelerator has get their state back; and before they run again.
     * Machine lock held.  NULL: it has none.
     */
    void (*paused)(Machine *m);
    void (*resuming)(Machine *m);
    /* Does run() itself wait for what wakes or starts c?  NULL: no. */
    bool (*waits)(const Cpu *c);
    /* The memory map changed; any thread, machine lock held. */
    void (*map_changed)(Machine *m);
    /* Can it have all in c->debug?  NULL: always. */
    bool (*debug_fits)(Cpu *c);
    /* Breakpoints changed for this CPU (c->debug); on its thread. */
    void (*debug_changed)(Cpu *c);
    /* What is to be done for ram_take_dirty(); NULL: it does not work. */
    void (*track)(Machine *m, Track what);
    /* Text for `info jit`. */
    void (*info)(Machine *m, FILE *f);
} Accel;

#define ACCEL(x)                                                            \
    static const Accel x##_accel;                                           \
    SET_ADD(accels, Accel, x##_accel);                                      \
    static const Accel x##_accel =

const Accel *accel_find(const char *name);
/* Starts the thread of each CPU; they wait until the machine runs. */
bool vcpus_start(Machine *m, Err *err);
void vcpus_stop(Machine *m);            /* joins them, at exit */
/* All vCPUs out of guest code and waiting; with the machine lock. */
void vcpus_pause(Machine *m);
void vcpus_resume(Machine *m);
/* Asks for a pause without waiting for it; any thread. */
void vcpus_hold(Machine *m);

/* ---- debugging: break- and watchpoints of one CPU ----------------------- */

typedef enum BreakKind {
    BREAK_SW, BREAK_HW, WATCH_W, WATCH_R, WATCH_RW
} BreakKind;
typedef struct Break {
    BreakKind kind;
    u64       addr, len;
} Break;
typedef struct CpuDebug {
    GArray *breaks;                 /* of Break; the machine lock guards it */
    bool    single_step;
    Break   hit;                    /* what stopped it */
    u64     hit_addr;               /* the address accessed */
} CpuDebug;
/* Adds or removes on every CPU; with the machine paused.  False: it cannot. */
bool debug_insert(Machine *m, const Break *b);
bool debug_remove(Machine *m, const Break *b);
