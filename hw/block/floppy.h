/* SPDX-License-Identifier: MIT */
/* A floppy drive with its disk, as the controller sees it. */
#pragma once
#include "hw/block/fdc.h"
#include "hw/core/medium.h"

enum { FLOPPY_DRIVES = 4, FLOPPY_SECTOR = 512 };

/* How a disk is divided. */
typedef struct FloppyFormat {
    u16 kib;
    u8  tracks, heads, sectors;
    u8  rates;                  /* a bit for each data rate (CCR) it takes */
    u16 drive;                  /* the drive for it, as -device names it */
} FloppyFormat;

typedef struct Floppy {
    Device dev;
    Medium medium;
    u32    unit_wanted;         /* property; ~0: the next */
    char  *type_wanted;         /* property */
    u16    type;                /* 360, 120, 144, 288 */
    const FloppyFormat *format; /* of the disk */
    u8     track;               /* where the heads are */
    u8     changed;             /* the disk change line */
} Floppy;

/* Moves the heads; steps clear the change line if there is a disk. */
void floppy_seek(Floppy *f, u8 track);
bool floppy_protected(const Floppy *f);
/*
 * A sector of the track under the heads, 1 is the first: false if the image
 * fails.  It must be in the format.
 */
bool floppy_read(Floppy *f, u32 head, u32 sector, u8 *buf);
bool floppy_write(Floppy *f, u32 head, u32 sector, const u8 *buf);

/* Makes f drive `unit` (~0: the first free one) of a controller. */
bool fdc_attach(Device *fdc, Floppy *f, u32 unit, Err *err);
