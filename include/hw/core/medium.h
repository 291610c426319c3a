/* SPDX-License-Identifier: MIT */
/*
 * Drives whose disk can be changed while the machine runs: CD drives, which
 * have a tray, and floppy drives.  A disk in an open tray is out of reach.
 *
 * Machine lock held.
 */
#pragma once
#include "block/block.h"
#include "hw/core/device.h"

/* What a drive has in it; a member of its struct. */
typedef struct Medium {
    Block *disk;                /* in it, or in the open tray; property drive */
    Block *slot;                /* its -drive, if that had no image */
    char  *name;                /* of its -drive, whatever is in it now; "" */
    bool   fixed;               /* the disk stays: it is no such drive */
    u8     open, locked;        /* the tray; by the guest */
} Medium;

/* Of the state of a drive T with a member `medium`. */
#define MEDIUM_STATE(T)                                                     \
    SAVE_NAMED("medium.open", T, medium.open),                              \
    SAVE_NAMED("medium.locked", T, medium.locked)

/* A drive's DeviceType has one. */
struct MediumType {
    u32    at;                  /* of the Medium in the drive's struct */
    bool   tray;
    /* Can it have this disk?  NULL: any. */
    bool (*fits)(void *s, const Block *b, Err *err);
    /* Another disk, or none, is within reach.  Nothing is in flight. */
    void (*changed)(void *s);
    /* The button was pressed while the guest keeps the tray locked. */
    void (*asked)(void *s);
};

/* NULL: the device's disk stays, or it has none. */
Medium *device_medium(Device *d);
/* The disk that the guest can reach, or NULL. */
static inline Block *medium_disk(const Medium *m)
{
    return m->open ? NULL : m->disk;
}
/*
 * For the drive's start: the disk that its property named is its own.  False
 * with *err if it is another's, or does not fit, or is missing where it is
 * fixed.
 */
bool medium_start(Device *d, Medium *m, Err *err);
void medium_stop(Medium *m);
/* Opens or closes the tray; monitors are told.  Nothing if there is none. */
void medium_move_tray(Device *d, bool open);
/* Puts a disk in; false with *err if it is another's, or does not fit. */
bool medium_insert(Device *d, Block *b, Err *err);
/* Takes the disk out.  One that -blockdev has not made is closed. */
void medium_remove(Device *d);
