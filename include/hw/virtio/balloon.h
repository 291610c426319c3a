/* SPDX-License-Identifier: MIT */
/* The guest's memory balloon, for monitors.  Machine lock held. */
#pragma once
#include "softmmu/machine.h"

/* The machine's balloon; NULL: there is none. */
Device *balloon_find(const Machine *m);
/* Bytes that the guest has now; asks it to have that many. */
u64  balloon_actual(const Device *d);
void balloon_set(Device *d, u64 bytes);
