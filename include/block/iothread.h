/* SPDX-License-Identifier: MIT */
/*
 * Threads of their own for disks and who works on them (-object iothread).
 *
 * What such a disk's requests need the machine lock for otherwise (handing
 * over, completion, their owner's state) needs the thread's lock.  Who wants
 * both takes the machine lock first.  Functions that take a thread take NULL
 * too: then there is none, and nothing to do.
 */
#pragma once
#include "util/types.h"

typedef struct IoThread IoThread;

/* Somebody who works on a thread. */
typedef struct IoUser {
    /* Whenever the thread wakes, with its lock; true: there is an after(). */
    bool  (*work)(void *opaque);
    /* With the machine lock, which it must not be without, and not its own. */
    void  (*after)(void *opaque);
    void   *opaque;
} IoUser;

/* The thread of that name; there is one from now on.  Machine lock. */
IoThread *iothread_get(const char *id);
/* Ends one that nobody uses; there may be none.  False: somebody does. */
bool iothread_end(const char *id);
i64  iothread_number(const IoThread *t);        /* of the process's thread */
void iothread_lock(IoThread *t);                /* recursive */
void iothread_unlock(IoThread *t);
/* Has it look for work soon; any thread. */
void iothread_wake(IoThread *t);
/* Machine lock.  u lives until it is removed. */
void iothread_add(IoThread *t, const IoUser *u);
void iothread_remove(IoThread *t, const IoUser *u);
/* What locks the machine, for after(); before the first thread. */
void iothread_init(void (*lock)(void), void (*unlock)(void));
/* Waits until no thread is in the middle of anything; machine lock. */
void iothread_pass_all(void *unused);
