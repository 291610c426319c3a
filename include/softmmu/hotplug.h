/* SPDX-License-Identifier: MIT */
/*
 * Devices that come and go while the machine runs.  All with the machine
 * lock; hotplug_ejected() on any thread, the others on the main thread.
 *
 * machine_add_device() adds one.  One that is to go is asked for of the guest
 * (Machine.hot_unplug); when that lets it go, or at a reset, it is taken away
 * when no vCPU can be in it, and monitors hear DEVICE_DELETED.
 */
#pragma once
#include "softmmu/machine.h"
#include "util/keyval.h"

/* Is there a device or CPU of that id? */
bool hotplug_find(Machine *m, const char *id);
/* Asks the guest to let it go. */
bool hotplug_remove(Machine *m, const char *id, Err *err);
/* The guest has let it go. */
void hotplug_ejected(Device *d);
/*
 * CPUs.  All that there can be are made with the machine; those that are not
 * there are switched off, and nothing reaches them.
 */
/* Does this type name, "MODEL-x86_64-cpu", mean a CPU of m? */
bool hotplug_is_cpu(const Machine *m, const char *type);
/* One comes, by socket-id=, die-id=, core-id=, thread-id=. */
bool hotplug_add_cpu(Machine *m, const char *type, KeyVal *kv, Err *err);
void hotplug_cpu_ejected(Cpu *c);
/* The guest says what became of an event (ACPI 6.4, 6.3.5). */
void hotplug_cpu_status(Cpu *c, u32 event, u32 status);

/* Takes away what was let go; for the main loop. */
void hotplug_serve(Machine *m);
/* Takes away a device and what hangs from it; nothing uses it any more. */
void hotplug_drop(Machine *m, Device *d);
