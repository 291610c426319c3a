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
#include <sys/stat.h>
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

/* Takes a peer; the next waits until that has gone. */
static gboolean acceptable(int fd, GIOCondition cond, void *opaque)
{
    Chardev *c = opaque;
    int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    (void)cond;
    if (peer < 0) {
        return G_SOURCE_CONTINUE;
    }
    c->listen_watch = 0;
    connected(c, peer);
    return G_SOURCE_REMOVE;
}

static void wait_for_peer(Chardev *c)
{
    c->listen_watch = g_unix_fd_add(c->listener, G_IO_IN, acceptable, c);
}

/* A socket that listens at a, or -1. */
static int listen_at(Chardev *c, Address *a, Err *err)
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
        fail(err, "cannot listen on %s: %s", c->filename, g_strerror(e));
        return -1;
    }
    return fd;
}

static bool serve(Chardev *c, int fd, bool wait, Err *err)
{
    c->listener = fd;
    if (wait) {
        fprintf(stderr, "anole: waiting for a connection on %s\n", c->filename);
        int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (peer < 0) {
            return fail(err, "%s: %s", c->filename, g_strerror(errno));
        }
        connected(c, peer);
    } else {
        wait_for_peer(c);
    }
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

    if (!dial(c, c->priv, &ignored)) {
        return G_SOURCE_CONTINUE;
    }
    c->listen_watch = 0;
    return G_SOURCE_REMOVE;
}

/* Tries it again and again. */
static void dial_later(Chardev *c)
{
    c->listen_watch = g_timeout_add_seconds((guint)c->reconnect, redial, c);
}

static void socket_hangup(Chardev *c)
{
    char_disconnected(c);
    if (c->listener >= 0) {
        wait_for_peer(c);
    } else if (c->reconnect) {
        dial_later(c);
    }
}

/* Takes descriptors that come with the bytes. */
static ssize_t socket_receive(Chardev *c, void *buf, size_t len)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(CHAR_FDS * sizeof(int))];
    } control;
    struct iovec iov = { buf, len };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
                        .msg_control = control.room,
                        .msg_controllen = sizeof control.room };
    ssize_t n = recvmsg(c->in, &m, MSG_CMSG_CLOEXEC);

    for (struct cmsghdr *h = n < 0 ? NULL : CMSG_FIRSTHDR(&m); h;
         h = CMSG_NXTHDR(&m, h)) {
        u32 count = (u32)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (u32 i = 0; h->cmsg_type == SCM_RIGHTS && i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(h) + i * sizeof fd, sizeof fd);
            if (c->nfds < CHAR_FDS) {
                c->fds[c->nfds++] = fd;
            } else {
                close(fd);
            }
        }
    }
    return n;
}

/* fd=N: a socket that came from whoever started us. */
static bool open_fd(Chardev *c, const char *text, bool server, bool wait,
                    Err *err)
{
    struct stat st;
    int listens = 0;
    socklen_t size = sizeof listens;
    u64 fd;

    if (!parse_u64(text, &fd) || fd > INT32_MAX || fstat((int)fd, &st) < 0
        || !S_ISSOCK(st.st_mode)) {
        return fail(err, "fd=%s is no open socket", text);
    }
    getsockopt((int)fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
    if (server != (listens != 0)) {
        return fail(err, "fd=%s is a socket that %s; write server=%s", text,
                    listens ? "listens" : "is connected",
                    listens ? "on" : "off");
    }
    c->filename = g_strdup_printf("socket:fd=%s%s", text,
                                  server ? ",server=on" : "");
    fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    if (server) {
        return serve(c, (int)fd, wait, err);
    }
    connected(c, (int)fd);
    return true;
}

static bool open_address(Chardev *c, Address *a, KeyVal *kv, Err *err)
{
    const char *fd = keyval_get(kv, "fd");
    const char *path = keyval_get(kv, "path");
    const char *host = keyval_get(kv, "host"), *port = keyval_get(kv, "port");
    bool server, wait, nodelay;

    if (!keyval_bool(kv, "server", false, &server, err)
        || !keyval_bool(kv, "wait", server, &wait, err)
        || !keyval_bool(kv, "nodelay", true, &nodelay, err)
        || !keyval_u64(kv, "reconnect", 0, &c->reconnect, err)) {
        return false;
    }
    if (fd) {
        return open_fd(c, fd, server, wait, err);
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
        return fail(err, "path=, or host= and port=, or fd=, is missing");
    }
    int listener = server ? listen_at(c, a, err) : -1;
    if (server) {
        return listener >= 0 && serve(c, listener, wait, err);
    }
    if (!dial(c, a, err) && c->reconnect) {
        err->text[0] = '\0';
        dial_later(c);
    }
    return !err->text[0];
}

static bool socket_open(Chardev *c, KeyVal *kv, Err *err)
{
    c->priv = g_new0(Address, 1);
    if (!open_address(c, c->priv, kv, err)) {
        g_clear_pointer(&c->priv, g_free);
        return false;
    }
    return true;
}

static void socket_close(Chardev *c)
{
    Address *a = c->priv;

    if (c->listen_watch) {
        g_source_remove(c->listen_watch);
    }
    if (c->listener >= 0) {
        close(c->listener);
    }
    if (a->unlink) {
        unlink(a->unlink);
    }
    g_free(a);
    c->priv = NULL;
}

CHARDEV(socket) {
    .name = "socket", .about = "a TCP or Unix socket", .open = socket_open,
    .close = socket_close, .hangup = socket_hangup,
    .receive = socket_receive,
};
