/* SPDX-License-Identifier: MIT */
#pragma once
#include "softmmu/machine.h"

/* Finds an "nvme-ns" its controller; for Machine.plug. */
bool nvme_plug(Machine *m, Device *d, Err *err);
