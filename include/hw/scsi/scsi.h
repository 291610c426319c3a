/* SPDX-License-Identifier: MIT */
/*
 * SCSI: what a disk or CD drive makes of a command, whatever brings it: a
 * packet of ATAPI, a request of virtio-scsi.
 *
 * A ScsiTask is one command.  scsi_start() looks at it and says in task->next
 * what is to be done; who brought it does that (it knows where the guest's data
 * is) and calls scsi_go_on(), until task->next is an end.
 *
 * References: SPC-3 (T10/1416-D), SBC-3 (T10/BSR INCITS 514), MMC-3
 * (T10/1363-D), SFF-8020i 2.6.
 */
#pragma once
#include "hw/core/medium.h"

enum { SCSI_CDB = 16, SCSI_DATA = 4096, SCSI_SENSE = 18,
       SCSI_CD_BLOCK = 2048 };

typedef enum ScsiNext {
    SCSI_GOOD, SCSI_CHECK,      /* ends; the unit's sense says what was wrong */
    SCSI_REPLY,                 /* an end: `len` bytes of data for the guest */
    SCSI_TAKE,                  /* `len` bytes of the guest's, into data */
    SCSI_READ, SCSI_WRITE,      /* `len` bytes of the disk at `at` */
    SCSI_FILL,                  /* data, `len` bytes, is written at `at` */
    SCSI_FLUSH, SCSI_DISCARD, SCSI_ZEROES,
} ScsiNext;

typedef struct ScsiTask {
    u8   cdb[SCSI_CDB];
    u8  *data;                  /* SCSI_DATA bytes */
    ScsiNext next;
    u64  at, len;               /* bytes */
    bool through;               /* what is written is to be on the medium */
    u32  pos, end;              /* private: of the parameters, in data */
    u64  first, left;           /* private: of WRITE SAME, bytes */
} ScsiTask;

typedef struct ScsiUnit {
    Device *dev;
    Medium *medium;
    bool    cd, atapi;
    const char *vendor, *product, *serial;      /* serial: NULL is none */
    u64     wwn;                /* 0: none */
    u32     block;              /* bytes */
    u32     rotation;           /* a minute; 1: none; 0: nothing is said */
    u8      key, asc, ascq;     /* sense */
    u8      attention, attention_more;  /* its ASC that waits; 0: none */
    u8      event;              /* of the medium, that waits; MMC-3, 6.5.6 */
    u8      write_cache;
} ScsiUnit;

/* Of the state of a unit T with a member `scsi`. */
#define SCSI_STATE(T)                                                       \
    SAVE_NAMED("scsi.key", T, scsi.key),                                    \
    SAVE_NAMED("scsi.asc", T, scsi.asc),                                    \
    SAVE_NAMED("scsi.ascq", T, scsi.ascq),                                  \
    SAVE_NAMED("scsi.attention", T, scsi.attention),                        \
    SAVE_NAMED("scsi.attention_more", T, scsi.attention_more),              \
    SAVE_NAMED("scsi.event", T, scsi.event),                                \
    SAVE_NAMED("scsi.write_cache", T, scsi.write_cache)

enum { SCSI_NO_SENSE = 0, SCSI_NOT_READY = 2, SCSI_MEDIUM = 3,
       SCSI_HARDWARE = 4, SCSI_ILLEGAL = 5, SCSI_ATTENTION = 6,
       SCSI_PROTECTED = 7, SCSI_ABORTED = 11 };
/* Additional sense codes: code and qualifier. */
enum { ASC_WRITE_ERROR = 0x0c00, ASC_READ_ERROR = 0x1100,
       ASC_LIST_LENGTH = 0x1a00, ASC_BAD_COMMAND = 0x2000,
       ASC_OUT_OF_RANGE = 0x2100, ASC_BAD_FIELD = 0x2400,
       ASC_NO_UNIT = 0x2500, ASC_BAD_PARAMETER = 0x2600,
       ASC_WRITE_PROTECTED = 0x2700, ASC_CHANGED = 0x2800, ASC_RESET = 0x2900,
       ASC_MODE_CHANGED = 0x2a01, ASC_CAPACITY_CHANGED = 0x2a09,
       ASC_LUNS_CHANGED = 0x3f0e, ASC_SAVING = 0x3900,
       ASC_NO_MEDIUM_CLOSED = 0x3a01, ASC_NO_MEDIUM_OPEN = 0x3a02,
       ASC_LOCKED = 0x5302 };

void scsi_start(ScsiUnit *u, ScsiTask *t);
/* What t->next said was done, or failed. */
void scsi_go_on(ScsiUnit *u, ScsiTask *t, bool ok);
/* Ends a task with a sense; t may be NULL. */
void scsi_check(ScsiUnit *u, ScsiTask *t, u8 key, u16 asc);
/* SCSI_SENSE bytes, fixed format. */
void scsi_put_sense(u8 *out, u8 key, u16 asc);
/* The sense of the last command, which is taken then. */
void scsi_take_sense(ScsiUnit *u, u8 *out);
/* How many bytes a command moves to the device by its CDB; 6 to 16 bytes. */
void scsi_reset(ScsiUnit *u);
/* For the drive's MediumType. */
void scsi_changed(ScsiUnit *u);
void scsi_asked(ScsiUnit *u);
