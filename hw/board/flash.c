/* SPDX-License-Identifier: MIT */
/* The drives of flash banks; see flash.h. */
#include "block/block.h"
#include "hw/board/flash.h"
#include "util/keyval.h"

/* A -drive if=pflash: of the bank `unit` says, else of the next. */
static void take_drive(void *opaque, Block *b)
{
    FlashDrives *f = opaque;
    const char *kind = block_option(b, "if"), *unit = block_option(b, "unit");
    u64 bank = 0;

    if (!kind || strcmp(kind, "pflash") != 0) {
        return;
    }
    if (unit && !parse_u64(unit, &bank)) {
        bank = FLASH_BANKS;
    }
    while (!unit && bank < FLASH_BANKS && f->id[bank]) {
        bank++;
    }
    if (bank < FLASH_BANKS && !f->id[bank]) {
        f->id[bank] = block_id(b);
    } else {
        f->extra++;
    }
}

bool flash_drives(FlashDrives *f, Err *err)
{
    block_each(take_drive, f);
    return !f->extra || fail(err, "-drive if=pflash: this machine has %d flash "
                             "banks, unit=0 and unit=1", FLASH_BANKS);
}
