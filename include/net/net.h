/* SPDX-License-Identifier: MIT */
/*
 * Network back ends: what a guest's card is plugged into.
 *
 * Main thread, or a vCPU's with the machine lock held.
 */
#pragma once
#include "util/err.h"

typedef struct Netdev Netdev;

/* The card. */
typedef struct NetFront {
    void *opaque;
    bool (*can_receive)(void *opaque);
    void (*receive)(void *opaque, const u8 *frame, size_t len);
    /* The cable was plugged in or out; or NULL. */
    void (*link)(void *opaque, bool up);
} NetFront;

/*
 * Opens "-netdev" text: "user,id=n0,hostfwd=tcp:127.0.0.1:2222-:22,
 * guestfwd=..,net=10.0.2.0/24,host=..,dns=..,restrict=on,hostname=..,tftp=..,
 * bootfile=.." (libslirp); "socket,id=n0,listen=[HOST]:PORT" or "connect=..".
 */
Netdev *netdev_open(const char *text, Err *err);
Netdev *netdev_find(const char *id);
void    netdev_close_all(void);
void    netdev_each(void (*fn)(void *, Netdev *), void *opaque);
const char *netdev_id(const Netdev *n);
const char *netdev_info(const Netdev *n);
bool    netdev_attach(Netdev *n, const NetFront *front, Err *err);
void    netdev_detach(Netdev *n, const NetFront *front);
bool    netdev_in_use(const Netdev *n);
/* Closes and frees one that has no card. */
void    netdev_close(Netdev *n);
/* Plugs the cable in (as it is at first) or out: then no frame passes. */
void    netdev_set_link(Netdev *n, bool up);
bool    netdev_link(const Netdev *n);
/*
 * Does it take and give frames without leaving this process?  Then checksums
 * are right, and TCP segments may be larger than a frame.
 */
bool    netdev_offloads(const Netdev *n);
void    netdev_send(Netdev *n, const u8 *frame, size_t len);
/* can_receive() became true. */
void    netdev_accept(Netdev *n);
