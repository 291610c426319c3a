/* SPDX-License-Identifier: MIT */
/* What the boards of MIPS have in common. */
#pragma once
#include "hw/core/loader.h"

enum { MIPS_ROM_BASE = 0x1fc00000, MIPS_ROM_SIZE = 4 << 20 };

extern const char *const mips_targets[];        /* for Board.targets */

/* The ROM at the reset vector; NULL with *err: there is no memory. */
Ram *mips_make_rom(Machine *m, const char *name, Err *err);
/* Puts what -bios says into it, if anything. */
bool mips_load_bios(const Machine *m, Ram *rom, Err *err);
/* The CPU of -cpu, else one of 32 or 64 bits, at that clock. */
bool mips_make_cpu(Machine *m, const char *model32, const char *model64,
                   u32 clock_hz, Err *err);
/* Loads an ELF file, which has to be of the CPU's byte order. */
bool mips_load_kernel(Machine *m, const Blob *kernel, Loaded *out, Err *err);
