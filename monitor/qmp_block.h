/* SPDX-License-Identifier: MIT */
/* Private to the monitors: drives by the names of -drive. */
#pragma once
#include "hw/core/device.h"

/* The drive that -drive named so, whatever is in it; NULL: there is none. */
Device *qmp_named_drive(Machine *m, const char *name);
