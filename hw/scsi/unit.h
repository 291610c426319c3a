/* SPDX-License-Identifier: MIT */
/* Private to hw/scsi: the commands of disks and CD drives. */
#pragma once
#include "hw/scsi/scsi.h"

/* What a command is: a row of a table, which ends with run NULL. */
typedef struct ScsiCommand {
    u8   code;
    u8   action;                /* service action; ANY_ACTION */
    u8   needs;
    void (*run)(ScsiUnit *u, ScsiTask *t);
} ScsiCommand;

enum { ANY_ACTION = 0xff };
enum { NEEDS_MEDIUM = 1, NEEDS_WRITE = 2, PASSES = 4 };  /* unit attention */
enum { EVENT_NONE, EVENT_EJECT, EVENT_NEW, EVENT_REMOVED };

extern const ScsiCommand scsi_disk_commands[], scsi_cd_commands[];

/* ---- scsi.c ------------------------------------------------------------- */
void scsi_good(ScsiUnit *u, ScsiTask *t);
/* Ends with n bytes of data, cut to what the guest has room for. */
void scsi_reply(ScsiTask *t, u64 n, u64 room);
u64  scsi_blocks(const ScsiUnit *u);            /* of the medium; 0: none */
/* Goes on with n blocks of the disk; or an end, if they are not all there. */
void scsi_move(ScsiUnit *u, ScsiTask *t, ScsiNext how, u64 at, u64 n);
void scsi_bad_field(ScsiUnit *u, ScsiTask *t);
/* Pages of MODE SENSE: the caller's first, then what all have. */
typedef u32 ScsiPage(const ScsiUnit *u, u8 *p, u32 page, bool changeable);
void scsi_mode_sense(ScsiUnit *u, ScsiTask *t, ScsiPage *page,
                     const u8 *pages);

/* ---- disk.c ------------------------------------------------------------- */
void scsi_disk_go_on(ScsiUnit *u, ScsiTask *t);
/* Vital product data that only disks have; its length, 0: no such page. */
u32  scsi_disk_page(const ScsiUnit *u, u8 *p, u8 page);
