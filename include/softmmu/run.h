/* SPDX-License-Identifier: MIT */
/* Making and running a machine: what boards and main() use. */
#pragma once
#include "softmmu/machine.h"
#include "softmmu/options.h"
#include "util/keyval.h"

/* Makes the next CPU: "model" or "model,feature=on". */
Cpu *machine_add_cpu(Machine *m, const char *model, Err *err);
/* Makes a device with properties from kv (all must be known); not started. */
Device *machine_new_device(Machine *m, const char *type, const char *id,
                           KeyVal *props, Err *err);
/* Starts it and puts it in the machine's list, which owns it. */
bool machine_adopt(Machine *m, Device *d, Err *err);
/* From now on the accelerator follows changes of the memory map. */
void machine_watch_memory(Machine *m);
/*
 * Carries out what was asked for (reset, shutdown, debug stop); main thread.
 * False: the machine ends.
 */
bool machine_serve(Machine *m);
/* Carries out what the guest asked for, but for its end; main thread. */
void machine_settle(Machine *m);
/* Adds what a -device text says. */
bool machine_add_device(Machine *m, const char *text, Err *err);
/* All of -device, and what -drive and -nic add without one. */
bool machine_add_devices(Machine *m, Err *err);
/*
 * -daemonize, in two steps: a child goes on from here, its parent waits;
 * when all that may fail is done, the child leaves the terminal and the
 * parent ends with 0.
 */
bool daemon_start(int *to_parent, Err *err);
bool daemon_ready(int to_parent, Err *err);
