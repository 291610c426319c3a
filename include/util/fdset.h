/* SPDX-License-Identifier: MIT */
/*
 * File descriptors that whoever started us, or a monitor's client, hands over
 * in sets: the file /dev/fdset/N is the one of set N that has the access
 * wanted.  Machine lock.
 */
#pragma once
#include "util/types.h"

typedef struct SetFd {
    u32   set;
    int   fd;
    char *opaque;               /* the giver's note; or NULL */
} SetFd;

/* The nth of all; NULL: there are less. */
const SetFd *fdset_nth(u32 n);
u32  fdset_free_number(void);   /* the lowest that no set has */
/* fd is given away, opaque (may be NULL) copied. */
void fdset_add(u32 set, int fd, const char *opaque);
/* Closes fd, or if negative all of the set; how many there were. */
u32  fdset_remove(u32 set, int fd);
/* As open(); of a set a duplicate. */
int  fdset_open(const char *path, int flags, unsigned mode);
