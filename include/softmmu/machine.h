/* SPDX-License-Identifier: MIT */
/*
 * A machine: memory, CPUs, devices, and its run state.
 *
 * The machine lock guards device state, run state and the memory map; the
 * main thread holds it but while it waits, vCPUs take it for MMIO.  It is
 * recursive.
 */
#pragma once
#include "hw/core/device.h"
#include "softmmu/cpu.h"
#include "util/json.h"

typedef struct Migration Migration;
typedef struct Options Options;     /* softmmu/options.h */

typedef enum RunState {
    RUN_PRELAUNCH, RUN_RUNNING, RUN_PAUSED, RUN_DEBUG, RUN_SHUTDOWN,
    RUN_WATCHDOG, RUN_SUSPENDED, RUN_PANICKED,
    RUN_INMIGRATE, RUN_FINISH_MIGRATE, RUN_POSTMIGRATE,
} RunState;

/* Why a machine ends or is reset. */
typedef enum ShutdownReason {
    SHUTDOWN_GUEST, SHUTDOWN_GUEST_RESET, SHUTDOWN_GUEST_PANIC,
    SHUTDOWN_HOST,                  /* the user, at a terminal or window */
    SHUTDOWN_SIGNAL, SHUTDOWN_QUIT, SHUTDOWN_HOST_RESET,    /* by monitors */
    SHUTDOWN_ERROR,
} ShutdownReason;

/* What becomes of a -drive that no -device names. */
typedef struct BoardDrive {
    const char *kind;               /* of if=; NULL ends the list */
    const char *device;             /* the -device that it gets */
} BoardDrive;

enum { SERIALS = 4, PARALLELS = 3 };

/* What a board is; a row in the set `boards`. */
typedef struct Board {
    const char *name, *about;
    const char *const *targets;     /* names; the first is the default */
    const char *cpu;                /* default model */
    const char *const *cpus;        /* models that fit it */
    u32         max_cpus;
    u64         ram_default, ram_max;
    u32         serials;            /* ports, up to SERIALS */
    u32         parallels;          /* the same, up to PARALLELS */
    const char *nic;                /* the device that -nic makes */
    const char *nic_place;          /* properties of the first one, or NULL */
    bool        own_nic;            /* there is one if nothing is said */
    bool        own_cd, own_floppy; /* the same of empty drives */
    u32         ide_units;          /* drives on an IDE bus; 0: 1 */
    bool        hot_cpus;           /* CPUs may come and go */
    const char *vga;                /* what -vga takes beside none; or NULL */
    const BoardDrive *drives;       /* the first is for no if= */
    bool      (*init)(Machine *m, Err *err);
    /* Board options, "-M virt,gic-version=2": false if unknown or wrong. */
    bool      (*set)(Machine *m, const char *key, const char *value, Err *err);
} Board;

#define BOARD(x)                                                            \
    static const Board x##_board;                                           \
    SET_ADD(boards, Board, x##_board);                                      \
    static const Board x##_board =

struct Machine {
    const Board  *board;
    const Target *target;
    Options      *opts;             /* some change: -action */
    MemSpace     *mem;
    MemSpace     *io;               /* ports; NULL: the board has none */
    /* Views of mem for data and code of x86's SMM; NULL: as usual. */
    MemSpace     *smm, *smm_code;
    Ram          *ram;
    u64           ram_size;
    Cpu          *cpu[8];
    u32           ncpus;
    GPtrArray    *devices;          /* Device *, in order of making */
    RunState      state;
    bool          suspended;        /* sleeps, even if it is paused now */
    void         *board_data;
    /* Puts the loaded kernel back and starts CPU 0 at it; after a reset. */
    void        (*on_reset)(Machine *m);
    /* Plugs a -device that sits on a bus: finds it a place.  From the board. */
    bool        (*plug)(Machine *m, Device *d, Err *err);
    /* A device came while the machine runs; one is to go, by the guest. */
    void        (*hot_plugged)(Machine *m, Device *d);
    bool        (*hot_unplug)(Machine *m, Device *d, Err *err);
    u32           ejected;          /* some Device.ejected is set; atomic */
    /* The same of CPUs; cpu_left: it is off now, and has its place still. */
    void        (*cpu_plugged)(Machine *m, Cpu *c);
    void        (*cpu_unplug)(Machine *m, Cpu *c);
    void        (*cpu_left)(Machine *m, Cpu *c);
    /* Before a reset: lets go at once what was to go. */
    void        (*hot_reset)(Machine *m);
    /* It sleeps from now on, its RAM is kept; it wakes up, which it does by
       machine_reset_parts() and what firmware finds in addition. */
    void        (*on_suspend)(Machine *m);
    void        (*on_wake)(Machine *m);
    /* Wakes it from sleep, for a monitor; NULL: it does not sleep. */
    void        (*wake)(Machine *m);
    /* Presses the power button; NULL: there is none.  Main thread. */
    void        (*power_button)(Machine *m);
    void        (*nmi)(Machine *m);     /* to all CPUs; the same */
    struct PciBus *pci;             /* the root bus; NULL: no PCI */
    /* ISA interrupt n for a line of the machine; NULL: no ISA. */
    void        (*isa_irq)(void *machine, int n, bool level);
    struct KeyQueue *keys;          /* what monitors type: ui/sendkey.h */
    const char   *serial[SERIALS];  /* ids of chardevs; NULL: none */
    const char   *parallel[PARALLELS];
    bool          no_reboot, no_shutdown;
    GPtrArray    *nodes;            /* softmmu/drives.c's own: of -blockdev */
    Migration    *migration;        /* migration/'s own; NULL: none yet */
    struct Vcpus *vcpus;            /* accel/vcpu.c */
    const struct Accel *accel;
    void         *accel_data;
    /*
     * x86's CPUID with all that the accelerator's CPUs can have (EAX EBX ECX
     * EDX); NULL: they are emulated.
     */
    void        (*host_cpuid)(Machine *m, u32 leaf, u32 sub, u32 out[4]);
    /* The same of Arm's ID registers, by bits 20:5 of MRS; false: none. */
    bool        (*host_id)(const Machine *m, u32 enc, u64 *v);
    /* Versions of Arm's GIC that the accelerator has in the kernel: bits 2
       and 3; 0: they are emulated. */
    u32           host_gics;
    int           exit_code;
    /* Tells monitors of an event; see machine_event(); NULL: none. */
    void        (*on_event)(Machine *m, const char *event, Json *data);
};

/* The lock; recursive, any thread. */
void machine_lock(void);
void machine_unlock(void);
bool machine_locked(void);          /* by the calling thread */
/* Lets go however deep it is held; the result gets it back. */
u32  machine_unlock_all(void);
void machine_relock(u32 depth);

Cpu *machine_cpu(Machine *m, int n);
int  machine_ncpus(const Machine *m);

/* Makes, sets ("a=1,b=2"), starts and maps a device; base ~0: no window. */
Device *machine_device(Machine *m, const char *type, const char *id,
                       const char *props, u64 base, Err *err);
/* The same on a bus (Device.bus); it has no window of its own. */
Device *machine_device_on(Machine *m, void *bus, const char *type,
                          const char *id, const char *props, Err *err);
Device *machine_find_device(Machine *m, const char *id);
/* Is it complete, so that what is added is added to a running one? */
static inline bool machine_made(const Machine *m)
{
    return m->vcpus != NULL;
}

/* Run state; any thread.  They ask; the main loop carries it out. */
void machine_shutdown(Machine *m, ShutdownReason why);
void machine_reset_request(Machine *m);                 /* by the guest */
void machine_reset_by(Machine *m, ShutdownReason why);  /* a *_RESET */
/* The same for sleep, from which machine_wake() wakes; RAM stays as it is. */
void machine_suspend(Machine *m);
void machine_wake(Machine *m);
/* The guest says that it cannot go on: -action panic=. */
void machine_panic(Machine *m);
/* With the lock, on the main thread. */
void machine_start(Machine *m);     /* run, or go on */
void machine_pause(Machine *m, RunState state);
void machine_reset(Machine *m);
/* Devices and CPUs alone: what is loaded is not put back. */
void machine_reset_parts(Machine *m);
/*
 * Tells monitors: an event of monitor/qmp.schema, with its data (an object,
 * given away; NULL: none).  Any thread, machine lock held.
 */
void machine_event(Machine *m, const char *event, Json *data);
/* A clock was set by the guest: seconds from what -rtc said. */
void machine_clock_set(const Device *d, i64 offset);
/* A CPU stopped at a break- or watchpoint; wakes the debugger.  cpu thread. */
void machine_debug_stop(Cpu *c);

/* Power of one CPU (PSCI); takes the lock. */
void cpu_power_on(Cpu *c, u64 entry, u64 arg);
void cpu_power_off(Cpu *c);
/*
 * x86's INIT and start-up IPIs, carried out in order on c's thread: reset,
 * then off, or for `again` at the reset vector; run a CPU that is off in real
 * mode from entry, a page below 1 MiB.
 */
void cpu_init(Cpu *c, bool again);
void cpu_startup(Cpu *c, u64 entry);
