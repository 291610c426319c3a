/* SPDX-License-Identifier: MIT */
/*
 * Private to the monitors: the tree of objects that QMP shows, made of the
 * machine's tables when somebody looks.
 *
 *   /machine/peripheral/ID         what -device made
 *   /machine/peripheral-anon/ID    the same without id=
 *   /machine/unattached/ID         devices of the board
 *   /machine/unattached/cpu[N]     CPUs
 *   /objects/ID, /chardevs/ID
 */
#pragma once
#include "hw/core/device.h"
#include "target/target.h"

/* All to be freed with g_free(). */
char *qom_cpu_path(u32 n);
char *qom_cpu_type(const Target *t, const char *model);     /* max-arm-cpu */
/* The device at a path or of that id; NULL: there is none. */
Device *qom_find_device(Machine *m, const char *path_or_id);
