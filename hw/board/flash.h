/* SPDX-License-Identifier: MIT */
/* The drives of flash banks, which firmware is in. */
#pragma once
#include "util/err.h"
#include "util/types.h"

enum { FLASH_BANKS = 2 };

typedef struct FlashDrives {
    const char *id[FLASH_BANKS];        /* of drives; NULL: none */
    u32         extra;                  /* more than there are banks */
} FlashDrives;

/* Adds what -drive if=pflash and -pflash say; false with *err: too many. */
bool flash_drives(FlashDrives *f, Err *err);
