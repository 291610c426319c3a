/* SPDX-License-Identifier: MIT */
/*
 * Private to the monitors: what QMP's commands are written with.
 *
 * A command qmp_NAME() is declared in monitor/qmp.schema, which also says what
 * its arguments are; they have been checked when it runs.  Main thread, machine
 * lock held.
 */
#pragma once
#include "monitor/monitor.h"
#include "util/json.h"

typedef struct QmpFds QmpFds;           /* qmp_fd.c: a client's descriptors */

typedef struct QmpCall {
    Machine    *m;
    const Json *args;                   /* an object */
    Json       *ret;                    /* what it answers; NULL: {} */
    Err         err;                    /* it failed */
    const char *class;                  /* of the error; NULL: GenericError */
    QmpFds     *fds;                    /* NULL: not a client's */
} QmpCall;

typedef void QmpRun(QmpCall *c);

/* Runs a command for another part of the program; args may be NULL. */
bool qmp_run(Machine *m, const char *command, const Json *args, Json **ret,
             Err *err);

/* ---- errors ------------------------------------------------------------- */
/* Fails with the class DeviceNotFound. */
bool qmp_no_device(QmpCall *c, const char *what, const char *id);

/* ---- qmp_fd.c ----------------------------------------------------------- */
QmpFds *qmp_fds_new(void);
void    qmp_fds_free(QmpFds *f);        /* closes a client's; NULL is fine */
/* A client sent a descriptor; it waits for getfd or add-fd. */
void    qmp_fds_receive(QmpFds *f, int fd);
/* Takes the descriptor that getfd named; -1: there is none. */
int     qmp_fd_take(const char *name);

/* ---- qmp_block.c -------------------------------------------------------- */
void    qmp_watch_disks(Machine *m);    /* for BLOCK_IO_ERROR */
