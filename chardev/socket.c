/* SPDX-License-Identifier: MIT */
/* TCP and Unix stream sockets, as client or as server of one peer. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <glib-unix.h>
#include "backend.h"

/* Where to: kept for reconnecting. */
typedef struct Address {
    union {
        struct sockaddr         any;
        struct sockaddr_un      un;
        struct sockaddr_storage room;
    } u;
    socklen_t len;
    char     *unlink;                   /* a Unix server's path */
} Address;

static bool unix_address(Address *a, const char *path, Err *err)
{
    if (strlen(path) >= sizeof a->u.un.sun_path) {
        return fail(err, "the path %s is longer than a socket's may be (%zu)",
                    path, sizeof a->u.un.sun_path - 1);
    }
    a->u.un.sun_family = AF_UNIX;
    strcpy(a->u.un.sun_path, path);
    a->len = sizeof a->u.un;
    return true;
}

static bool tcp_address(Address *a, const char *host, const char *port,
                        bool server, Err *err)
{
    struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM, .ai_flags = server ? AI_PASSIVE : 0,
    }, *found;
    int e = getaddrinfo(host && *host ? host : NULL, port, &hints, &found);

    if (e) {
        return fail(err, "%s:%s: %s", host ? host : "", port, gai_strerror(e));
    }
    memcpy(&a->u, found->ai_addr, found->ai_addrlen);
    a->len = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

static void connected(Chardev *c, int fd)
{
    int one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    char_connected(c, fd, fd);
}

/* Did the peer hang up, with nothing left to read? */
static bool is_gone(int fd)
{
    u8 byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static gboolean acceptable(int fd, GIOCondition cond, void *opaque)
{
    Chardev *c = opaque;
    int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    (void)cond;
    if (c->in >= 0 && is_gone(c->in)) {
        char_disconnected(c);           /* not seen yet */
    }
    if (peer >= 0 && c->in >= 0) {
        close(peer);                    /* one at a time */
    } else if (peer >= 0) {
        connected(c, peer);
    }
    return G_SOURCE_CONTINUE;
}

static bool serve(Chardev *c, Address *a, bool wait, Err *err)
{
    int one = 1, fd = socket(a->u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (a->u.any.sa_family == AF_UNIX) {
        unlink(a->u.un.sun_path);
        a->unlink = a->u.un.sun_path;
    }
    if (fd < 0 || bind(fd, &a->u.any, a->len) < 0 || listen(fd, 1) < 0) {
        int e = errno;
        if (fd >= 0) {
            close(fd);
        }
        return fail(err, "cannot listen on %s: %s", c->filename, g_strerror(e));
    }
    c->listener = fd;
    if (wait) {
        fprintf(stderr, "anole: waiting for a connection on %s\n", c->filename);
        int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (peer < 0) {
            return fail(err, "%s: %s", c->filename, g_strerror(errno));
        }
        connected(c, peer);
    }
    c->listen_watch = g_unix_fd_add(fd, G_IO_IN, acceptable, c);
    return true;
}

static bool dial(Chardev *c, const Address *a, Err *err)
{
    int fd = socket(a->u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, &a->u.any, a->len) < 0) {
        int e = errno;
        if (fd >= 0) {
            close(fd);
        }
        return fail(err, "cannot connect to %s: %s", c->filename,
                    g_strerror(e));
    }
    connected(c, fd);
    return true;
}

static gboolean redial(void *opaque)
{
    Chardev *c = opaque;
    Err ignored = { 0 };

    return dial(c, c->priv, &ignored) ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static void socket_hangup(Chardev *c)
{
    char_disconnected(c);
    if (c->listener < 0 && c->reconnect) {
        g_timeout_add_seconds((guint)c->reconnect, redial, c);
    }
}

static bool socket_open(Chardev *c, KeyVal *kv, Err *err)
{
    const char *path = keyval_get(kv, "path");
    const char *host = keyval_get(kv, "host"), *port = keyval_get(kv, "port");
    bool server, wait, nodelay;
    Address *a = g_new0(Address, 1);

    c->priv = a;
    if (!keyval_bool(kv, "server", false, &server, err)
        || !keyval_bool(kv, "wait", server, &wait, err)
        || !keyval_bool(kv, "nodelay", true, &nodelay, err)
        || !keyval_u64(kv, "reconnect", 0, &c->reconnect, err)) {
        return false;
    }
    if (path) {
        c->filename = g_strdup_printf("unix:%s%s", path,
                                      server ? ",server=on" : "");
        if (!unix_address(a, path, err)) {
            return false;
        }
    } else if (port) {
        c->filename = g_strdup_printf("tcp:%s:%s%s", host ? host : "", port,
                                      server ? ",server=on" : "");
        if (!tcp_address(a, host, port, server, err)) {
            return false;
        }
    } else {
        return fail(err, "path=, or host= and port=, is missing");
    }
    return server ? serve(c, a, wait, err)
        : dial(c, a, err) || (c->reconnect && (err->text[0] = '\0',
            g_timeout_add_seconds((guint)c->reconnect, redial, c)));
}

static void socket_close(Chardev *c)
{
    Address *a = c->priv;

    if (c->listener >= 0) {
        g_source_remove(c->listen_watch);
        close(c->listener);
    }
    if (a->unlink) {
        unlink(a->unlink);
    }
}

CHARDEV(socket) {
    .name = "socket", .about = "a TCP or Unix socket", .open = socket_open,
    .close = socket_close, .hangup = socket_hangup,
};
