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

/* Asks the guest to let the device go. */
bool hotplug_remove(Machine *m, const char *id, Err *err);
/* The guest has let it go. */
void hotplug_ejected(Device *d);
/* Takes away what was let go; for the main loop. */
void hotplug_serve(Machine *m);
/* Takes away a device and what hangs from it; nothing uses it any more. */
void hotplug_drop(Machine *m, Device *d);
