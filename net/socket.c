/* SPDX-License-Identifier: MIT */
/*
 * Two emulators joined by a TCP connection: each frame goes behind its length,
 * 4 bytes with the highest first.  One side listens, the other connects.
 *
 * The peer is not trusted: a length that no frame has ends the connection.  A
 * side that listens takes the next peer then.  Left out: UDP, multicast.
 */
#include <errno.h>
#include <glib-unix.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include "backend.h"
#include "softmmu/clock.h"

enum { LENGTH = 4, FRAME_MAX = 65536 + 64, QUEUED_MAX = 1 << 20,
       READ_SIZE = 65536 };

typedef struct Socket {
    Netdev *n;
    int     listener, fd;       /* -1: none */
    guint   listen_watch, in_watch, out_watch;
    GByteArray *in, *out;       /* not yet whole; not yet taken */
    bool    lost;               /* said that frames were dropped */
} Socket;

static gboolean on_output(gint fd, GIOCondition what, void *opaque);
static gboolean on_input(gint fd, GIOCondition what, void *opaque);

static void drop_watch(guint *watch)
{
    if (*watch) {
        g_source_remove(*watch);
        *watch = 0;
    }
}

/* ---- the connection ----------------------------------------------------- */

static void connected(Socket *s, int fd)
{
    int one = 1;

    s->fd = fd;
    s->lost = false;
    g_unix_set_fd_nonblocking(fd, true, NULL);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    s->in_watch = g_unix_fd_add(fd, G_IO_IN | G_IO_HUP, on_input, s);
}

static void disconnect(Socket *s)
{
    drop_watch(&s->in_watch);
    drop_watch(&s->out_watch);
    if (s->fd >= 0) {
        close(s->fd);
        s->fd = -1;
    }
    g_byte_array_set_size(s->in, 0);
    g_byte_array_set_size(s->out, 0);
}

static void hang_up(Socket *s, const char *why)
{
    fprintf(stderr, "anole: network %s: %s%s\n", s->n->id, why,
            s->listener >= 0 ? "; waiting for the next peer" : "");
    disconnect(s);
}

/* Takes what is whole off the front of `in`; false: it is no frame. */
static bool take_frames(Socket *s)
{
    u32 at = 0;

    while (s->in->len - at >= LENGTH) {
        u64 len = load_be(s->in->data + at, LENGTH);
        if (len > FRAME_MAX) {
            return false;
        }
        if (s->in->len - at - LENGTH < len) {
            break;
        }
        u8 *frame = s->in->data + at + LENGTH;
        gate_bytes(GATE_NET, frame, len);
        netdev_deliver(s->n, frame, len);
        at += LENGTH + (u32)len;
    }
    g_byte_array_remove_range(s->in, 0, at);
    return true;
}

static gboolean on_input(gint fd, GIOCondition what, void *opaque)
{
    Socket *s = opaque;
    g_autofree u8 *buf = g_malloc(READ_SIZE);
    ssize_t n = read(fd, buf, READ_SIZE);

    (void)what;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return G_SOURCE_CONTINUE;
    }
    if (n > 0) {
        g_byte_array_append(s->in, buf, (guint)n);
        if (take_frames(s)) {
            return G_SOURCE_CONTINUE;
        }
        hang_up(s, "the peer sends no frames");
    } else {
        hang_up(s, n ? g_strerror(errno) : "the peer has gone");
    }
    return G_SOURCE_CONTINUE;           /* its watch is gone already */
}

/* Writes what the peer takes now. */
static void flush_output(Socket *s)
{
    while (s->out->len) {
        ssize_t n = send(s->fd, s->out->data, s->out->len, MSG_NOSIGNAL);
        if (n <= 0) {
            break;                      /* a lost peer is seen by on_input() */
        }
        g_byte_array_remove_range(s->out, 0, (guint)n);
    }
    if (s->out->len && !s->out_watch) {
        s->out_watch = g_unix_fd_add(s->fd, G_IO_OUT, on_output, s);
    } else if (!s->out->len) {
        drop_watch(&s->out_watch);
    }
}

static gboolean on_output(gint fd, GIOCondition what, void *opaque)
{
    (void)fd, (void)what;
    flush_output(opaque);
    return G_SOURCE_CONTINUE;
}

static void socket_send(Netdev *n, const u8 *frame, size_t len)
{
    Socket *s = n->priv;
    u8 head[LENGTH];

    if (s->fd < 0) {
        return;                         /* as with the cable out */
    }
    if (s->out->len + len > QUEUED_MAX) {
        if (!s->lost) {
            fprintf(stderr, "anole: network %s: the peer is too slow; frames "
                    "are dropped\n", n->id);
        }
        s->lost = true;
        return;
    }
    store_be(head, LENGTH, len);
    g_byte_array_append(s->out, head, LENGTH);
    g_byte_array_append(s->out, frame, (guint)len);
    flush_output(s);
}

/* ---- opening ------------------------------------------------------------ */

static gboolean on_peer(gint fd, GIOCondition what, void *opaque)
{
    Socket *s = opaque;
    int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    (void)what;
    if (peer >= 0 && s->fd >= 0) {
        close(peer);                    /* one is enough */
    } else if (peer >= 0) {
        connected(s, peer);
    }
    return G_SOURCE_CONTINUE;
}

static bool use_address(Socket *s, const struct addrinfo *a, bool listens)
{
    int one = 1;
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return false;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (listens ? bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, 1) < 0
                : connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
        int why = errno;
        close(fd);
        errno = why;
        return false;
    }
    if (listens) {
        s->listener = fd;
        s->listen_watch = g_unix_fd_add(fd, G_IO_IN, on_peer, s);
    } else {
        connected(s, fd);
    }
    return true;
}

/* text: "HOST:PORT"; without HOST, this host (any address to listen at). */
static bool open_socket(Socket *s, const char *text, bool listens, Err *err)
{
    const char *key = listens ? "listen" : "connect";
    const char *colon = strrchr(text, ':');
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = AF_INET,
                              .ai_flags = listens ? AI_PASSIVE : 0 }, *list;

    if (!colon || !colon[1]) {
        return fail(err, "%s=%s: write it as %s=127.0.0.1:1234", key, text,
                    key);
    }
    g_autofree char *host = g_strndup(text, (gsize)(colon - text));
    int r = getaddrinfo(*host ? host : NULL, colon + 1, &hints, &list);
    if (r) {
        return fail(err, "%s=%s: %s", key, text, gai_strerror(r));
    }
    bool ok = use_address(s, list, listens);
    freeaddrinfo(list);
    return ok || fail(err, "%s=%s: %s%s", key, text, g_strerror(errno),
                      !listens && errno == ECONNREFUSED
                      ? "; start the side with listen= first" : "");
}

static void socket_close(Netdev *n)
{
    Socket *s = n->priv;

    disconnect(s);
    drop_watch(&s->listen_watch);
    if (s->listener >= 0) {
        close(s->listener);
    }
    g_byte_array_free(s->in, true);
    g_byte_array_free(s->out, true);
    g_free(s);
}

static bool socket_open(Netdev *n, KeyVal *kv, Err *err)
{
    const char *at = keyval_get(kv, "listen"), *to = keyval_get(kv, "connect");
    Socket *s = g_new0(Socket, 1);

    s->n = n;
    s->fd = s->listener = -1;
    s->in = g_byte_array_new();
    s->out = g_byte_array_new();
    n->priv = s;
    if (!at == !to) {
        fail(err, "give listen=[HOST]:PORT on one side and connect=HOST:PORT "
             "on the other");
    } else if (open_socket(s, at ? at : to, at != NULL, err)) {
        n->info = g_strdup_printf("socket, %s %s", at ? "listens at"
                                  : "connected to", at ? at : to);
        return true;
    }
    socket_close(n);
    return false;
}

NETDEV(socket) {
    .name = "socket", .about = "a cable to another emulator, over TCP",
    .open = socket_open, .send = socket_send, .close = socket_close,
};
