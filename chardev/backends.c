/* SPDX-License-Identifier: MIT */
/* The simple back ends: null, file, stdio, pty. */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>
#include "backend.h"
#include "util/fdset.h"

/* ---- null --------------------------------------------------------------- */

static bool null_open(Chardev *c, KeyVal *kv, Err *err)
{
    (void)kv;
    (void)err;
    c->filename = g_strdup("null");
    return true;
}

CHARDEV(null) {
    .name = "null", .about = "takes all, gives nothing", .open = null_open,
};

/* ---- file --------------------------------------------------------------- */

static bool file_open(Chardev *c, KeyVal *kv, Err *err)
{
    const char *path = keyval_get(kv, "path");
    const char *input = keyval_get(kv, "input-path");
    bool append;

    if (!keyval_bool(kv, "append", false, &append, err)) {
        return false;
    }
    if (!path) {
        return fail(err, "path= is missing: -chardev file,id=%s,path=FILE",
                    c->id);
    }
    int out = fdset_open(path, O_WRONLY | O_CREAT | O_CLOEXEC
                   | (append ? O_APPEND : O_TRUNC), 0666);
    if (out < 0) {
        return fail(err, "cannot write %s: %s", path, g_strerror(errno));
    }
    int in = input
        ? fdset_open(input, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0) : -1;
    if (input && in < 0) {
        close(out);
        return fail(err, "cannot read %s: %s", input, g_strerror(errno));
    }
    c->filename = g_strdup_printf("file:%s", path);
    c->regular = true;
    char_connected(c, in, out);
    return true;
}

CHARDEV(file) {
    .name = "file", .about = "output to a file", .open = file_open,
};

/* ---- stdio -------------------------------------------------------------- */

typedef struct Terminal {
    struct termios before;
    int flags;
} Terminal;

/* Keys come one by one and unchanged; with signal=off Ctrl-C as well. */
static void set_raw(const struct termios *before, bool signals)
{
    struct termios t = *before;

    t.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR
                             | ICRNL | IXON);
    t.c_oflag |= OPOST;
    t.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
    if (!signals) {
        t.c_lflag &= ~(tcflag_t)ISIG;
    }
    t.c_cflag = (t.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

static bool stdio_open(Chardev *c, KeyVal *kv, Err *err)
{
    bool signals;

    if (!keyval_bool(kv, "signal", !c->mux, &signals, err)) {
        return false;
    }
    Terminal *t = g_new0(Terminal, 1);
    c->priv = t;
    c->filename = g_strdup("stdio");
    t->flags = -1;
    if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &t->before) == 0) {
        t->flags = 0;
        set_raw(&t->before, signals);
    }
    char_connected(c, dup(STDIN_FILENO), dup(STDOUT_FILENO));
    return true;
}

static void stdio_close(Chardev *c)
{
    Terminal *t = c->priv;

    if (t->flags == 0) {
        tcsetattr(STDIN_FILENO, TCSANOW, &t->before);
    }
}

CHARDEV(stdio) {
    .name = "stdio", .about = "this terminal", .open = stdio_open,
    .close = stdio_close,
};

/* ---- pty ---------------------------------------------------------------- */

static bool pty_open(Chardev *c, KeyVal *kv, Err *err)
{
    char name[128];
    struct termios t;
    int master, slave;

    (void)kv;
    if (openpty(&master, &slave, name, NULL, NULL) < 0) {
        return fail(err, "no pseudo-terminal: %s", g_strerror(errno));
    }
    tcgetattr(slave, &t);
    cfmakeraw(&t);
    tcsetattr(slave, TCSANOW, &t);
    /* Kept open, so that a reader may come and go. */
    c->priv = GINT_TO_POINTER(slave);
    fcntl(master, F_SETFL, O_NONBLOCK);
    c->filename = g_strdup_printf("pty:%s", name);
    fprintf(stderr, "char device redirected to %s (label %s)\n", name, c->id);
    char_connected(c, master, master);
    return true;
}

static void pty_close(Chardev *c)
{
    close(GPOINTER_TO_INT(c->priv));
}

CHARDEV(pty) {
    .name = "pty", .about = "a pseudo-terminal", .open = pty_open,
    .close = pty_close,
};

/* ---- serial: a terminal device of the host ------------------------------ */

static bool serial_open(Chardev *c, KeyVal *kv, Err *err)
{
    const char *path = keyval_get(kv, "path");
    struct termios t;

    if (!path) {
        return fail(err, "path= is missing: -chardev serial,id=%s,"
                    "path=/dev/ttyS0", c->id);
    }
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return fail(err, "cannot open %s: %s", path, g_strerror(errno));
    }
    if (tcgetattr(fd, &t) < 0) {
        close(fd);
        return fail(err, "%s is no terminal or serial line", path);
    }
    cfmakeraw(&t);
    tcsetattr(fd, TCSANOW, &t);
    c->filename = g_strdup_printf("serial:%s", path);
    char_connected(c, fd, fd);
    return true;
}

CHARDEV(serial) {
    .name = "serial", .about = "a serial line or terminal of this host",
    .open = serial_open,
};
