/* SPDX-License-Identifier: MIT */
/* Private to net/: what a kind of network is. */
#pragma once
#include <glib.h>
#include "net/net.h"
#include "util/keyval.h"
#include "util/set.h"

enum { WAITING_MAX = 1024 };            /* frames */

typedef struct NetType {
    const char *name, *about;
    bool offloads;                      /* see netdev_offloads() */
    bool (*open)(Netdev *n, KeyVal *kv, Err *err);
    void (*send)(Netdev *n, const u8 *frame, size_t len);
    void (*close)(Netdev *n);
} NetType;

#define NETDEV(x)                                                           \
    static const NetType x##_net;                                           \
    SET_ADD(netdevs, NetType, x##_net);                                     \
    static const NetType x##_net =

struct Netdev {
    const NetType  *type;
    char           *id, *info;
    const NetFront *front;              /* the card, or NULL */
    bool            down;               /* the cable is out */
    GQueue         *waiting;            /* of GBytes: it had no room */
    void           *priv;
};

/* A frame for the card; kept while it has no room. */
void netdev_deliver(Netdev *n, const u8 *frame, size_t len);
