/* SPDX-License-Identifier: MIT */
/*
 * IDE and SATA: drives "ide-hd", "ide-cd" and "ide-drive" (which of the two,
 * the -drive's media= says) on the buses of "piix3-ide", "isa-ide" and
 * "ich9-ahci".
 */
#pragma once
#include "softmmu/machine.h"

/*
 * For Machine.plug: finds a drive its bus, by its properties bus= (the id of
 * a bus, "ide.0" and on) and unit=, by the -drive's index=, or the first that
 * is free.  False with *err.
 */
bool ide_plug(Machine *m, Device *drive, Err *err);
/* A drive's place on its bus: 0 or 1. */
u32  ide_unit(const Device *drive);
