/* SPDX-License-Identifier: MIT */
/* What the watchdogs of this folder have in common. */
#pragma once
#include "softmmu/machine.h"

/* A watchdog ran out: does what -action watchdog= asks.  Main thread. */
void watchdog_expired(Device *d);
