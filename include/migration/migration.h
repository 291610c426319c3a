/* SPDX-License-Identifier: MIT */
/*
 * Saving a machine's state to a file, a program or another process, while it
 * runs, and starting from one.  docs/migration.md has the stream's format.
 *
 * Where the stream goes or comes from is a text: file:PATH, exec:COMMAND,
 * unix:PATH, tcp:HOST:PORT, fd:NUMBER.  All of this is called on the main
 * thread with the machine lock held.
 */
#pragma once
#include <glib.h>
#include "block/block.h"
#include "softmmu/machine.h"

typedef enum MigrationStatus {
    MIGRATION_NONE, MIGRATION_SETUP, MIGRATION_ACTIVE, MIGRATION_DEVICE,
    MIGRATION_COMPLETED, MIGRATION_FAILED, MIGRATION_CANCELLING,
    MIGRATION_CANCELLED,
} MigrationStatus;

typedef struct MigrationSettings {
    bool events, compress;      /* capabilities */
    u64  max_bandwidth;         /* bytes per second; 0: as fast as it goes */
    u64  downtime_limit;        /* ms that the guest may stand still for */
    u64  compress_level;        /* 1, fast, to 9, small: zlib's */
} MigrationSettings;

/* How far it is; the newest, or the last. */
typedef struct MigrationInfo {
    MigrationStatus status;
    bool        incoming;
    const char *error;          /* why it failed */
    u64  total_ms, setup_ms, downtime_ms;
    u64  expected_downtime_ms;  /* while it is active */
    u64  transferred, total, remaining;         /* bytes */
    u64  pages, zero_pages;     /* sent; found to be zero */
    u64  passes;                /* over memory */
    u64  dirty_rate;            /* pages per second */
    u64  bandwidth;             /* bytes per second */
} MigrationInfo;

MigrationSettings *migration_settings(Machine *m);
const char *migration_status_name(MigrationStatus status);
void migration_info(Machine *m, MigrationInfo *out);
/* Is one going on, so that the machine may not change its shape? */
bool migration_running(const Machine *m);
/*
 * Begins to send the machine's state; it goes on running, at first.  fd: of
 * "fd:", given away; else -1.
 */
bool migration_start(Machine *m, const char *uri, int fd, Err *err);
/* Asks it to stop; the machine goes on as it was. */
void migration_cancel(Machine *m);
/*
 * Begins to receive into m, which has been reset and waits in RUN_INMIGRATE;
 * if it fails the process ends with 1.  "defer": not yet.
 */
bool migration_receive(Machine *m, const char *uri, int fd, Err *err);
/* Whether it runs when all is there, if it ran before. */
void migration_autostart(Machine *m, bool yes);

/* ---- snapshots: snapshot.c ---------------------------------------------- */

typedef struct SnapshotWant {
    const char *name;
    Block      *state;          /* has the machine's state; NULL: any of them */
    GPtrArray  *disks;          /* of Block: those that are to have it */
    bool        replace;        /* one that has this name already */
} SnapshotWant;

/* The disks that a snapshot of the machine is of. */
GPtrArray *snapshot_disks(void);
/*
 * The machine stands still meanwhile, then goes on if it did before.  False
 * with *err.  What the machine is made of is compared first; if what follows
 * is wrong nevertheless, it is reset and stands still.
 */
bool snapshot_save(Machine *m, const SnapshotWant *w, Err *err);
bool snapshot_load(Machine *m, const SnapshotWant *w, Err *err);
bool snapshot_delete(Machine *m, const SnapshotWant *w, Err *err);
