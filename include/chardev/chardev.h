/* SPDX-License-Identifier: MIT */
/*
 * Character devices: byte streams between a guest's serial port (or the
 * monitor, the gdb stub) and the host.
 *
 * Everything here runs on the main thread or a vCPU's with the machine lock
 * held.  Input comes through the determinism gate.
 */
#pragma once
#include "util/err.h"

typedef struct Chardev Chardev;

typedef enum CharEvent { CHAR_OPENED, CHAR_CLOSED, CHAR_BREAK } CharEvent;

/* The side that uses a chardev: one front end, or several behind a mux. */
typedef struct CharFront {
    void *opaque;
    /* How many bytes read() would take now. */
    size_t (*room)(void *opaque);
    void   (*read)(void *opaque, const u8 *buf, size_t len);
    void   (*event)(void *opaque, CharEvent e);     /* may be NULL */
} CharFront;

/*
 * Opens "-chardev" text: "stdio,id=a,mux=on", "file,id=,path=,append=",
 * "null,id=", "pty,id=", "socket,id=,path=|host=,port=,server=on,wait=off,
 * telnet=off,reconnect=0" (or fd=, an open socket).
 * chardev_open_short() takes -serial's forms: stdio, mon:stdio, null, none,
 * pty, vc, vc:80Cx25C, file:PATH, unix:PATH,server,nowait, tcp:HOST:PORT,...,
 * chardev:ID.
 */
Chardev *chardev_open(const char *text, Err *err);
Chardev *chardev_open_short(const char *text, const char *id, Err *err);
Chardev *chardev_find(const char *id);
void     chardev_close_all(void);           /* restores the terminal */
const char *chardev_id(const Chardev *c);
/* "pty:/dev/pts/3", "socket,...", for `info chardev`. */
const char *chardev_filename(const Chardev *c);
void     chardev_each(void (*fn)(void *, Chardev *), void *opaque);

/* Takes the chardev for a front end; a mux takes several.  front is kept. */
bool chardev_attach(Chardev *c, const CharFront *front, Err *err);
/*
 * Writes; never blocks a vCPU: what the host does not take at once is kept,
 * up to a bound, then dropped (file errors are reported once).
 */
void chardev_write(Chardev *c, const void *buf, size_t len);
/*
 * What Ctrl-A x on a multiplexed terminal does; the machine sets it.
 */
void chardev_on_quit(void (*quit)(void *opaque), void *opaque);
/* Gives a multiplexed chardev's keyboard to this front end. */
void chardev_focus(Chardev *c, const CharFront *front);
/* The front end's room() grew: deliver what waits. */
void chardev_accept(Chardev *c);
/* Bytes written that the host has not taken; room() is asked when it has. */
size_t chardev_pending(const Chardev *c);
/* A descriptor that the peer sent, now the caller's; -1: none. */
int  chardev_take_fd(Chardev *c);
bool chardev_in_use(const Chardev *c);
/* Closes and frees one that nothing uses. */
void chardev_close(Chardev *c);
/* The names of the back ends, in no order. */
void chardev_each_type(void (*fn)(void *, const char *name), void *opaque);
/* Sends the front end what a break on a line is. */
void chardev_break(Chardev *c);
