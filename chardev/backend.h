/* SPDX-License-Identifier: MIT */
/* Private to chardev/: what a back end is. */
#pragma once
#include <glib.h>
#include "chardev/chardev.h"
#include "util/keyval.h"
#include "util/set.h"

enum { CHAR_FRONTS = 4, CHAR_QUEUE_MAX = 1 << 20, CHAR_FDS = 16 };

typedef struct CharType {
    const char *name, *about;
    /* Opens c from its options; sets fds and name. */
    bool (*open)(Chardev *c, KeyVal *kv, Err *err);
    void (*close)(Chardev *c);          /* may be NULL */
    /* Takes all that is written; NULL: it goes to the descriptor `out`. */
    void (*write)(Chardev *c, const u8 *buf, size_t len);
    void (*hangup)(Chardev *c);         /* the peer is gone; may be NULL */
    /* As read(); NULL: that is what is used. */
    ssize_t (*receive)(Chardev *c, void *buf, size_t len);
} CharType;

#define CHARDEV(x)                                                          \
    static const CharType x##_char;                                         \
    SET_ADD(chardevs, CharType, x##_char);                                  \
    static const CharType x##_char =

struct Chardev {
    const CharType *type;
    char       *id, *filename;
    int         in, out;                /* -1: not there (now) */
    bool        regular;                /* a file: always writable */
    guint       in_watch, out_watch;
    GByteArray *queue;                  /* written, not yet taken by out */
    GByteArray *typed;                  /* read, not yet taken by the front */
    bool        lost;                   /* said that output was dropped */
    bool        mux, escape;            /* escape: Ctrl-A was typed */
    const CharFront *front[CHAR_FRONTS];
    u32         nfronts, focus;
    void       *priv;                   /* the back end's own */
    int         fds[CHAR_FDS];          /* that came and nobody took yet */
    u32         nfds;
    /* a socket's */
    int         listener;
    guint       listen_watch;
    u64         reconnect;              /* seconds; 0: not */
};

/* Takes new file descriptors and watches them; tells the front ends. */
void char_connected(Chardev *c, int in, int out);
/* Closes them. */
void char_disconnected(Chardev *c);
void char_deliver(Chardev *c, const u8 *buf, size_t len);
