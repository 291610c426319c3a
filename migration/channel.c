/* SPDX-License-Identifier: MIT */
/* Where a stream goes to or comes from; see migration/stream.h. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "migration/stream.h"
#include "util/fdset.h"
#include "util/keyval.h"

static bool failed(Err *err, const char *what)
{
    return fail(err, "%s: %s", what, g_strerror(errno));
}

/* ---- waiting ------------------------------------------------------------ */

/* Until fd has what is wanted; looks at the cancel flag now and then. */
static bool wait_for(const Channel *c, int fd, short events, Err *err)
{
    enum { LOOK_MS = 50 };
    struct pollfd p = { .fd = fd, .events = events };

    for (;;) {
        if (__atomic_load_n(c->cancel, __ATOMIC_SEQ_CST)) {
            return fail(err, "it was cancelled");
        }
        int r = poll(&p, 1, LOOK_MS);
        if (r > 0) {
            return true;
        }
        if (r < 0 && errno != EINTR) {
            return failed(err, "waiting");
        }
    }
}

static bool disk_move(Channel *c, bool write, void *p, size_t n, Err *err)
{
    u64 at = c->at;
    int r;

    c->at += n;
    if (!write && c->at > c->end) {
        return fail(err, "the stream ends early");
    }
    r = write ? block_put_state(c->disk, at, p, n)
              : block_get_state(c->disk, c->snapshot, at, p, n);
    return r == 0 || fail(err, "%s: %s", block_path(c->disk),
                          g_strerror(-r));
}

bool channel_write(Channel *c, const void *p, size_t n, Err *err)
{
    if (c->disk) {
        return disk_move(c, true, (void *)p, n, err);
    }
    for (const u8 *at = p; n; ) {
        if (!wait_for(c, c->fd, POLLOUT, err)) {
            return false;
        }
        ssize_t r = write(c->fd, at, n);
        if (r < 0 && errno != EINTR && errno != EAGAIN) {
            return failed(err, "writing");
        }
        at += MAX(r, 0);
        n -= (size_t)MAX(r, 0);
    }
    return true;
}

bool channel_read(Channel *c, void *p, size_t n, Err *err)
{
    if (c->disk) {
        return n == 0 || disk_move(c, false, p, n, err);
    }
    for (u8 *at = p; n; ) {
        if (!wait_for(c, c->fd, POLLIN, err)) {
            return false;
        }
        ssize_t r = read(c->fd, at, n);
        if (r == 0) {
            return fail(err, "the stream ends early");
        }
        if (r < 0 && errno != EINTR && errno != EAGAIN) {
            return failed(err, "reading");
        }
        at += MAX(r, 0);
        n -= (size_t)MAX(r, 0);
    }
    return true;
}

/* ---- files, programs ---------------------------------------------------- */

static bool open_file(Channel *c, const char *path, bool write, Err *err)
{
    c->fd = write
        ? fdset_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)
        : fdset_open(path, O_RDONLY | O_CLOEXEC, 0);
    c->file = write;
    return c->fd >= 0 || failed(err, path);
}

static bool open_exec(Channel *c, const char *command, bool write, Err *err)
{
    char *argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)command, NULL };
    g_autoptr(GError) error = NULL;

    if (!g_spawn_async_with_pipes(NULL, argv, NULL,
            G_SPAWN_DO_NOT_REAP_CHILD | (write ? G_SPAWN_DEFAULT
                                : G_SPAWN_CHILD_INHERITS_STDIN), NULL, NULL,
            &c->child, write ? &c->fd : NULL, write ? NULL : &c->fd, NULL,
            &error)) {
        return fail(err, "%s", error->message);
    }
    return true;
}

/* ---- sockets ------------------------------------------------------------ */

/* Binds and listens, or begins to connect. */
static int use_socket(int fd, const struct sockaddr *a, socklen_t len,
                      bool write)
{
    int one = 1;

    if (write) {
        return connect(fd, a, len) == 0 || errno == EINPROGRESS ? 0 : -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    return bind(fd, a, len) == 0 && listen(fd, 1) == 0 ? 0 : -1;
}

static bool keep_socket(Channel *c, int fd, bool write)
{
    *(write ? &c->fd : &c->listener) = fd;
    return true;
}

static bool open_unix(Channel *c, const char *path, bool write, Err *err)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (strlen(path) >= sizeof a.sun_path) {
        close(fd);
        return fail(err, "the path may have at most %zu characters",
                    sizeof a.sun_path - 1);
    }
    strcpy(a.sun_path, path);
    if (!write) {
        unlink(path);
    }
    if (fd < 0 || use_socket(fd, (struct sockaddr *)&a, sizeof a, write)) {
        failed(err, path);
        close(fd);
        return false;
    }
    return keep_socket(c, fd, write);
}

/* "HOST:PORT", "[V6]:PORT", ":PORT"; text is changed. */
static struct addrinfo *look_up(char *text, bool write, Err *err)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                              .ai_flags = write ? 0 : AI_PASSIVE };
    struct addrinfo *list = NULL;
    char *colon = strrchr(text, ':'), *host = text;
    int r;

    if (!colon || !colon[1]) {
        fail(err, "write tcp:HOST:PORT");
        return NULL;
    }
    *colon = '\0';
    if (*host == '[' && host[strlen(host) - 1] == ']') {
        host[strlen(host) - 1] = '\0';
        host++;
    }
    r = getaddrinfo(*host ? host : write ? "localhost" : NULL,
                    colon + 1, &hints, &list);
    if (r) {
        fail(err, "%s: %s", text, gai_strerror(r));
        return NULL;
    }
    return list;
}

static bool open_tcp(Channel *c, const char *text, bool write, Err *err)
{
    g_autofree char *copy = g_strdup(text);
    struct addrinfo *list = look_up(copy, write, err);
    bool ok = false;

    for (struct addrinfo *a = list; a && !ok; a = a->ai_next) {
        int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC
                        | SOCK_NONBLOCK, a->ai_protocol);
        ok = fd >= 0 && use_socket(fd, a->ai_addr, a->ai_addrlen, write) == 0;
        if (ok) {
            keep_socket(c, fd, write);
        } else if (!a->ai_next) {
            failed(err, text);
        }
        if (!ok && fd >= 0) {
            close(fd);
        }
    }
    if (list) {
        freeaddrinfo(list);
    }
    return ok;
}

/* ---- all ---------------------------------------------------------------- */

static const struct {
    const char *prefix;
    bool (*open)(Channel *c, const char *rest, bool write, Err *err);
} kinds[] = {
    { "file:", open_file }, { "exec:", open_exec }, { "unix:", open_unix },
    { "tcp:", open_tcp },
};

static bool open_any(Channel *c, const char *uri, int fd, bool write,
                     Err *err)
{
    if (g_str_has_prefix(uri, "fd:")) {
        u64 number;
        c->fd = fd < 0 && parse_u64(uri + 3, &number) && number < INT32_MAX
            ? (int)number : fd;
        return (c->fd >= 0 && fcntl(c->fd, F_GETFD) >= 0)
            || fail(err, "%s: there is no such descriptor", uri);
    }
    for (u32 i = 0; i < countof(kinds); i++) {
        if (g_str_has_prefix(uri, kinds[i].prefix)) {
            return kinds[i].open(c, uri + strlen(kinds[i].prefix), write, err)
                || err_prefix(err, "%s", uri);
        }
    }
    return fail(err, "\"%s\": write file:PATH, exec:COMMAND, unix:PATH, "
                "tcp:HOST:PORT or fd:NAME", uri);
}

bool channel_open(Channel *c, const char *uri, int fd, bool write, Err *err)
{
    if (!open_any(c, uri, fd, write, err)) {
        return false;
    }
    if (c->fd >= 0) {
        fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
    }
    return true;
}

static bool is_connected(const Channel *c, Err *err)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error) {
        errno = error;
        return failed(err, "connecting");
    }
    return true;
}

bool channel_connect(Channel *c, const char *uri, Err *err)
{
    if (c->listener >= 0) {
        if (!wait_for(c, c->listener, POLLIN, err)) {
            return false;
        }
        c->fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        close(c->listener);
        c->listener = -1;
        return c->fd >= 0 || failed(err, "accepting");
    }
    if (g_str_has_prefix(uri, "tcp:") || g_str_has_prefix(uri, "unix:")) {
        return wait_for(c, c->fd, POLLOUT, err) && is_connected(c, err);
    }
    return true;
}

/* The program has seen the end; how did it go? */
static bool reap(Channel *c, Err *err)
{
    int status = 0;
    pid_t r;

    do {
        r = waitpid(c->child, &status, 0);
    } while (r < 0 && errno == EINTR);
    g_spawn_close_pid(c->child);
    c->child = 0;
    return r < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        || fail(err, "the program of exec: ended with status %d",
                WIFEXITED(status) ? WEXITSTATUS(status) : 128
                + WTERMSIG(status));
}

bool channel_close(Channel *c, Err *err)
{
    bool ok = true;
    struct stat st;

    if (c->file && c->fd >= 0 && fstat(c->fd, &st) == 0
        && S_ISREG(st.st_mode) && fdatasync(c->fd) < 0) {
        ok = failed(err, "writing");
    }
    if (c->fd >= 0 && close(c->fd) < 0) {
        ok = failed(err, "closing");
    }
    if (c->listener >= 0) {
        close(c->listener);
    }
    c->fd = c->listener = -1;
    return (!c->child || reap(c, err)) && ok;
}
