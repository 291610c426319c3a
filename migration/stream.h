/* SPDX-License-Identifier: MIT */
/*
 * Private to migration/: a stream of sections, and what it goes through.
 *
 * It begins with STREAM_MAGIC and u32 STREAM_VERSION.  A section is u8 kind,
 * u8 length of its name, the name, u32 bytes of its contents, the contents,
 * u32 CRC-32 of all that; little-endian.
 */
#pragma once
#include <glib.h>
#include "block/block.h"
#include "util/err.h"

#define STREAM_MAGIC "ANOLEVM\n"
enum { STREAM_VERSION = 1, SECTION_MAX = 4 << 20 };

typedef enum SectionKind {
    SECTION_MACHINE = 1,        /* what the machine is made of; the first */
    SECTION_RAM,                /* pages of a block of memory: ram.c */
    SECTION_CPU, SECTION_DEVICE,        /* records: util/record.h */
    SECTION_STATE,              /* of the machine itself */
    SECTION_END,
    SECTION_KINDS
} SectionKind;

typedef struct Section {
    SectionKind kind;
    char        name[256];
    u32         len;
    u8         *data;           /* of the stream, until the next */
} Section;

/* ---- channel.c ---------------------------------------------------------- */

/* Where bytes go to or come from.  The thread that uses it may wait. */
typedef struct Channel {
    int    fd;                  /* -1: it is not open */
    int    listener;            /* of a socket that waits for one to come */
    GPid   child;               /* of exec:; 0: none */
    bool   file;                /* to be on the disk when it is closed */
    const u32 *cancel;          /* atomic: not 0 makes waiting fail */
    Block *disk;                /* in whose image it is; NULL: none */
    char  *snapshot;            /* to read from */
    u64    at, end;             /* bytes of it */
} Channel;

/*
 * Opens or, of sockets to receive from, begins to listen.  fd: of fd:, which
 * is given away.  What may take time is left to channel_wait().
 */
bool channel_open(Channel *c, const char *uri, int fd, bool write, Err *err);
bool channel_connect(Channel *c, const char *uri, Err *err);
/* False with *err if not all was taken, or could be had. */
bool channel_write(Channel *c, const void *p, size_t n, Err *err);
bool channel_read(Channel *c, void *p, size_t n, Err *err);
/* False with *err if what was written may not have arrived. */
bool channel_close(Channel *c, Err *err);

/* ---- stream.c ----------------------------------------------------------- */

typedef struct Stream {
    Channel *channel;
    u64      bytes;             /* moved so far */
    u8      *buf;               /* of a section read, or bytes to write */
    size_t   fill;
} Stream;

void stream_free(Stream *s);
bool stream_begin(Stream *s, Err *err);             /* writes the head */
bool stream_put(Stream *s, SectionKind kind, const char *name,
                const void *p, size_t n, Err *err);
bool stream_flush(Stream *s, Err *err);
bool stream_check(Stream *s, Err *err);             /* reads the head */
bool stream_get(Stream *s, Section *out, Err *err);
