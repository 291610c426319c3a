/* SPDX-License-Identifier: MIT */
/* Parallel flash, as boards place it. */
#pragma once
#include "hw/core/device.h"

/*
 * Puts the started device d ("cfi.pflash01") at base: read like a ROM while
 * in array mode, as a register window else.  smm: what CPUs in SMM see of m,
 * for secure=on, with which m has a ROM; or NULL.
 */
void pflash_map(Device *d, MemSpace *m, MemSpace *smm, u64 base);
/* Its contents, e.g. for a firmware image. */
Ram *pflash_ram(Device *d);
