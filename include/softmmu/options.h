/* SPDX-License-Identifier: MIT */
/* What the command line asked for. */
#pragma once
#include <glib.h>
#include "softmmu/topology.h"
#include "util/err.h"

/* -action watchdog=, in the order of its words. */
typedef enum WatchdogAction {
    WATCHDOG_RESET, WATCHDOG_SHUTDOWN, WATCHDOG_POWEROFF, WATCHDOG_PAUSE,
    WATCHDOG_DEBUG, WATCHDOG_NONE, WATCHDOG_INJECT_NMI,
} WatchdogAction;

/* -action panic=, in the order of its words. */
typedef enum PanicAction {
    PANIC_SHUTDOWN, PANIC_PAUSE, PANIC_EXIT_FAILURE, PANIC_NONE,
} PanicAction;

typedef struct Options {
    const char *machine;        /* "virt,opt=value" */
    const char *cpu;            /* "model,feature=on" */
    const char *default_target; /* by the program's name; or NULL */
    u32         smp;            /* CPUs at the start */
    Topology    topology;       /* of all that there can be */
    u64         ram;            /* bytes; 0: the board's default */
    const char *kernel, *initrd, *append, *dtb, *bios;
    const char *gdb, *pidfile, *vga, *incoming, *loadvm;
    char       *memory_backend; /* -M memory-backend=: an -object; or NULL */
    char       *kernel_irqchip; /* -M kernel-irqchip=; or NULL */
    char       *name, *uuid;    /* of the guest; uuid in lower case; or NULL */
    const char *display;        /* "sdl,gl=off"; NULL: not said */
    char        boot_order[4];  /* of "acdn": -boot order=; or empty */
    bool        boot_menu;
    WatchdogAction watchdog;
    PanicAction panic;
    i64         rtc_ahead;      /* -rtc base: seconds from the host's UTC */
    /* Text of options that may be repeated, in order; char *. */
    GPtrArray  *accels, *drives, *devices, *netdevs, *nics, *chardevs,
               *serials, *parallels, *monitors, *globals, *pflash, *folders,
               *blockdevs, *objects, *mons, *smbios, *qmps, *pretty_qmps;
    bool        daemonize, timestamps;  /* of messages: -msg */
    bool        nographic, nodefaults, no_reboot, no_shutdown, paused,
                explain, no_net, no_acpi, snapshot, full_screen;
} Options;

/*
 * Reads the command line.  False with *err if it is wrong.  *done: an option
 * like -help was served, and the program ends.
 */
bool options_parse(Options *o, int argc, char **argv, bool *done, Err *err);

/* The action of a word; false: there is none such, and *err says which are. */
bool panic_action_of(const char *word, PanicAction *action, Err *err);
const char *watchdog_action_name(WatchdogAction action);

/* The text of a row of -help. */
typedef struct OptionText {
    const char *name, *args, *help;     /* args NULL: takes none */
} OptionText;
/* The nth option; false: there are less. */
bool options_nth(u32 n, OptionText *out);
