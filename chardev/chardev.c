/* SPDX-License-Identifier: MIT */
/*
 * The registry of character devices, their queues, and the multiplexer that
 * lets serial port and monitor share a terminal (Ctrl-A is its escape key).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <glib-unix.h>
#include "backend.h"
#include "softmmu/clock.h"

enum {
    ESCAPE_KEY = 1,                     /* Ctrl-A */
    TYPED_MAX = 4096,                   /* bytes read ahead of the front end */
};

typedef struct Registry {
    GPtrArray *all;                     /* of Chardev */
    void     (*quit)(void *);
    void      *quit_opaque;
} Registry;

static Registry registry;               /* set cache */

static void watch_input(Chardev *c);

/* ---- input -------------------------------------------------------------- */

static const CharFront *focused(const Chardev *c)
{
    return c->nfronts ? c->front[c->focus] : NULL;
}

static size_t room(const Chardev *c)
{
    const CharFront *f = focused(c);

    return !f ? 0 : f->room ? f->room(f->opaque) : 4096;
}

static void say(Chardev *c, const char *text)
{
    chardev_write(c, text, strlen(text));
}

static void mux_help(Chardev *c)
{
    say(c, "\r\n"
        "Ctrl-A h    this help\r\n"
        "Ctrl-A x    leave anole\r\n"
        "Ctrl-A c    change between the console and the monitor\r\n"
        "Ctrl-A b    send a break\r\n"
        "Ctrl-A Ctrl-A    send Ctrl-A\r\n");
}

static void tell(const CharFront *f, CharEvent e)
{
    if (f && f->event) {
        f->event(f->opaque, e);
    }
}

/* The key after Ctrl-A.  True if it goes to the front end. */
static bool mux_command(Chardev *c, u8 key)
{
    switch (key) {
    case ESCAPE_KEY:
        return true;
    case 'x':
        say(c, "\r\n");
        if (registry.quit) {
            registry.quit(registry.quit_opaque);
        }
        break;
    case 'c':
        c->focus = (c->focus + 1) % MAX(c->nfronts, 1);
        tell(focused(c), CHAR_OPENED);
        break;
    case 'b':
        tell(focused(c), CHAR_BREAK);
        break;
    case 'h': case '?':
        mux_help(c);
        break;
    }
    return false;
}

/* Gives the front end what it has room for. */
static void hand_over(Chardev *c)
{
    const CharFront *f = focused(c);
    size_t n = MIN(room(c), c->typed->len);

    while (f && n) {
        u8 buf[256];
        n = MIN(n, sizeof buf);
        memcpy(buf, c->typed->data, n);
        g_byte_array_remove_range(c->typed, 0, (guint)n);
        f->read(f->opaque, buf, n);
        n = MIN(room(c), c->typed->len);
    }
}

static void to_front(Chardev *c, const u8 *buf, size_t len)
{
    g_byte_array_append(c->typed, buf, (guint)len);
    hand_over(c);
}

void char_deliver(Chardev *c, const u8 *buf, size_t len)
{
    size_t start = 0;

    for (size_t i = 0; c->mux && i < len; i++) {
        if (c->escape) {
            c->escape = false;
            start = mux_command(c, buf[i]) ? i : i + 1;
        } else if (buf[i] == ESCAPE_KEY) {
            to_front(c, buf + start, i - start);
            c->escape = true;
            start = i + 1;
        }
    }
    to_front(c, buf + start, len - start);
}

static gboolean readable(int fd, GIOCondition cond, void *opaque)
{
    Chardev *c = opaque;
    u8 buf[4096];
    /* A little ahead, so that escapes work when the guest takes nothing. */
    size_t want = c->mux ? TYPED_MAX - MIN(c->typed->len, TYPED_MAX)
                : c->typed->len ? 0 : room(c);

    (void)cond;
    want = MIN(want, sizeof buf);
    if (!want) {
        c->in_watch = 0;                /* chardev_accept() comes back */
        return G_SOURCE_REMOVE;
    }
    ssize_t n = c->type->receive ? c->type->receive(c, buf, want)
                                 : read(fd, buf, want);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return G_SOURCE_CONTINUE;
    }
    if (n <= 0) {
        c->in_watch = 0;
        if (c->type->hangup) {
            c->type->hangup(c);
        }
        return G_SOURCE_REMOVE;
    }
    gate_bytes(GATE_CHARDEV, buf, (size_t)n);
    char_deliver(c, buf, (size_t)n);
    return G_SOURCE_CONTINUE;
}

static void watch_input(Chardev *c)
{
    if (c->in >= 0 && !c->in_watch && c->nfronts) {
        c->in_watch = g_unix_fd_add(c->in, G_IO_IN | G_IO_HUP | G_IO_ERR,
                                    readable, c);
    }
}

void chardev_accept(Chardev *c)
{
    if (c) {
        hand_over(c);
        watch_input(c);
    }
}

/* ---- output ------------------------------------------------------------- */

static bool takes_output(const Chardev *c)
{
    struct pollfd p = { .fd = c->out, .events = POLLOUT };

    return c->regular || poll(&p, 1, 0) == 1;
}

/* Writes what the host takes now; returns how much. */
static size_t write_now(Chardev *c, const u8 *buf, size_t len)
{
    size_t done = 0;

    while (done < len && takes_output(c)) {
        ssize_t n = write(c->out, buf + done, MIN(len - done, 4096));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            break;
        }
        if (n < 0) {
            if (!c->lost && !c->type->hangup) {
                fprintf(stderr, "anole: chardev %s (%s): %s; its output is "
                        "lost\n", c->id, c->filename, g_strerror(errno));
            }
            c->lost = true;
            return len;
        }
        done += (size_t)n;
    }
    return done;
}

static gboolean writable(int fd, GIOCondition cond, void *opaque)
{
    Chardev *c = opaque;

    (void)fd;
    (void)cond;
    size_t n = write_now(c, c->queue->data, c->queue->len);
    g_byte_array_remove_range(c->queue, 0, (guint)n);
    if (c->queue->len) {
        return G_SOURCE_CONTINUE;
    }
    c->out_watch = 0;
    chardev_accept(c);
    return G_SOURCE_REMOVE;
}

size_t chardev_pending(const Chardev *c)
{
    return c->queue->len;
}

void chardev_write(Chardev *c, const void *buf, size_t len)
{
    const u8 *p = buf;

    if (c && c->type->write) {
        c->type->write(c, p, len);
    }
    if (!c || c->out < 0) {
        return;
    }
    if (!c->queue->len) {
        size_t n = write_now(c, p, len);
        p += n;
        len -= n;
    }
    if (len && c->queue->len <= CHAR_QUEUE_MAX) {
        g_byte_array_append(c->queue, p, (guint)len);
    }
    if (c->queue->len && !c->out_watch) {
        c->out_watch = g_unix_fd_add(c->out, G_IO_OUT | G_IO_HUP, writable, c);
    }
}

/* ---- connections -------------------------------------------------------- */

static void tell_all(Chardev *c, CharEvent e)
{
    for (u32 i = 0; i < c->nfronts; i++) {
        tell(c->front[i], e);
    }
}

void char_connected(Chardev *c, int in, int out)
{
    c->in = in;
    c->out = out;
    c->lost = false;
    watch_input(c);
    tell_all(c, CHAR_OPENED);
}

int chardev_take_fd(Chardev *c)
{
    if (!c->nfds) {
        return -1;
    }
    int fd = c->fds[0];
    c->nfds--;
    memmove(c->fds, c->fds + 1, c->nfds * sizeof *c->fds);
    return fd;
}

static void drop_watch(guint *watch)
{
    if (*watch) {
        g_source_remove(*watch);
        *watch = 0;
    }
}

void char_disconnected(Chardev *c)
{
    drop_watch(&c->in_watch);
    drop_watch(&c->out_watch);
    g_byte_array_set_size(c->queue, 0);
    g_byte_array_set_size(c->typed, 0);
    if (c->in >= 0) {
        close(c->in);
    }
    if (c->out >= 0 && c->out != c->in) {
        close(c->out);
    }
    c->in = c->out = -1;
    for (int fd; (fd = chardev_take_fd(c)) >= 0;) {
        close(fd);
    }
    tell_all(c, CHAR_CLOSED);
}

bool chardev_in_use(const Chardev *c)
{
    return c->nfronts > 0;
}

void chardev_break(Chardev *c)
{
    tell(focused(c), CHAR_BREAK);
}

bool chardev_attach(Chardev *c, const CharFront *front, Err *err)
{
    if (c->nfronts == (c->mux ? CHAR_FRONTS : 1)) {
        return fail(err, "chardev %s is in use already%s", c->id,
                    c->mux ? "" : "; with mux=on several may share it");
    }
    c->front[c->nfronts++] = front;
    watch_input(c);
    if ((c->out >= 0 || c->type->write) && c->nfronts == 1) {
        tell(front, CHAR_OPENED);
    }
    return true;
}

void chardev_focus(Chardev *c, const CharFront *front)
{
    for (u32 i = 0; i < c->nfronts; i++) {
        if (c->front[i] == front) {
            c->focus = i;
        }
    }
}

/* ---- the registry ------------------------------------------------------- */

static const CharType *type_find(const char *name, Err *err)
{
    const char *names[32] = { NULL };
    size_t n = 0;

    SET_EACH(chardevs, CharType, t) {
        if (strcmp((*t)->name, name) == 0) {
            return *t;
        }
        if (n + 1 < countof(names)) {
            names[n++] = (*t)->name;
        }
    }
    const char *near = nearest_word(name, names, n);
    g_autofree char *list = g_strjoinv(", ", (char **)names);
    fail(err, "no chardev back end \"%s\"%s%s%s (there are: %s)", name,
         near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "",
         list);
    return NULL;
}

static bool set_up(Chardev *c, KeyVal *kv, Err *err)
{
    g_autofree char *what = g_strdup_printf("-chardev %s", c->type->name);

    if (!keyval_bool(kv, "mux", c->mux, &c->mux, err)
        || !c->type->open(c, kv, err)) {
        return false;
    }
    if (!keyval_done(kv, what, err)) {
        if (c->type->close) {
            c->type->close(c);
        }
        return false;
    }
    return true;
}

Chardev *chardev_find(const char *id)
{
    for (u32 i = 0; registry.all && i < registry.all->len; i++) {
        Chardev *c = registry.all->pdata[i];
        if (strcmp(c->id, id) == 0) {
            return c;
        }
    }
    return NULL;
}

static void free_chardev(Chardev *c)
{
    char_disconnected(c);
    g_free(c->id);
    g_free(c->filename);
    g_byte_array_free(c->queue, true);
    g_byte_array_free(c->typed, true);
    g_free(c);
}

static Chardev *open_parsed(KeyVal *kv, Err *err)
{
    const char *name = keyval_get(kv, "backend");
    const char *id = keyval_get(kv, "id");
    const CharType *t = name ? type_find(name, err) : NULL;

    if (!t) {
        fail(err, "which back end?  e.g. -chardev stdio,id=char0");
        return NULL;
    }
    if (!id || !*id) {
        fail(err, "-chardev %s: an id is needed: -chardev %s,id=char0,...",
             name, name);
        return NULL;
    }
    if (chardev_find(id)) {
        fail(err, "there is a chardev \"%s\" already", id);
        return NULL;
    }
    Chardev *c = g_new0(Chardev, 1);
    c->type = t;
    c->id = g_strdup(id);
    c->in = c->out = c->listener = -1;
    c->queue = g_byte_array_new();
    c->typed = g_byte_array_new();
    if (!set_up(c, kv, err)) {
        free_chardev(c);
        return NULL;
    }
    if (!registry.all) {
        registry.all = g_ptr_array_new();
    }
    g_ptr_array_add(registry.all, c);
    return c;
}

Chardev *chardev_open(const char *text, Err *err)
{
    KeyVal *kv = keyval_parse(text, "backend", err);
    Chardev *c = kv ? open_parsed(kv, err) : NULL;

    keyval_free(kv);
    if (!c) {
        err_prefix(err, "-chardev %s", text);
    }
    return c;
}

/* -serial's forms as -chardev's. */
static char *long_form(const char *text, const char *id)
{
    const char *rest;

    if (g_str_has_prefix(text, "mon:")) {
        g_autofree char *inner = long_form(text + 4, id);
        return inner ? g_strconcat(inner, ",mux=on", NULL) : NULL;
    }
    if (g_str_has_prefix(text, "file:")) {
        return g_strdup_printf("file,id=%s,path=%s", id, text + 5);
    }
    if (g_str_has_prefix(text, "unix:")) {
        return g_strdup_printf("socket,id=%s,path=%s", id, text + 5);
    }
    if (g_str_has_prefix(text, "tcp:")) {
        const char *colon = strchr(text + 4, ':');
        if (!colon) {
            return NULL;
        }
        rest = strchr(colon, ',');
        g_autofree char *port = g_strndup(colon + 1, rest
            ? (size_t)(rest - colon - 1) : strlen(colon + 1));
        return g_strdup_printf("socket,id=%s,host=%.*s,port=%s%s", id,
                               (int)(colon - text - 4), text + 4, port,
                               rest ? rest : "");
    }
    if (g_str_has_prefix(text, "vc:")) {
        return g_strdup_printf("vc,id=%s,size=%s", id, text + 3);
    }
    return g_strdup_printf("%s,id=%s", text, id);
}

Chardev *chardev_open_short(const char *text, const char *id, Err *err)
{
    if (g_str_has_prefix(text, "chardev:")) {
        Chardev *c = chardev_find(text + 8);
        if (!c) {
            fail(err, "there is no chardev \"%s\"; add -chardev ...,id=%s",
                 text + 8, text + 8);
        }
        return c;
    }
    g_autofree char *full = long_form(text, id);
    if (!full) {
        fail(err, "\"%s\" should be tcp:HOST:PORT[,server=on]", text);
        return NULL;
    }
    return chardev_open(full, err);
}

void chardev_close_all(void)
{
    for (u32 i = 0; registry.all && i < registry.all->len; i++) {
        Chardev *c = registry.all->pdata[i];
        c->nfronts = 0;
        while (c->queue->len && write_now(c, c->queue->data, c->queue->len)) {
            g_byte_array_set_size(c->queue, 0);
        }
        if (c->type->close) {
            c->type->close(c);
        }
        char_disconnected(c);
    }
}

void chardev_close(Chardev *c)
{
    if (c->type->close) {
        c->type->close(c);
    }
    g_ptr_array_remove(registry.all, c);
    free_chardev(c);
}

void chardev_each_type(void (*fn)(void *, const char *name), void *opaque)
{
    SET_EACH(chardevs, CharType, t) {
        fn(opaque, (*t)->name);
    }
}

const char *chardev_id(const Chardev *c)
{
    return c->id;
}

const char *chardev_filename(const Chardev *c)
{
    return c->filename;
}

void chardev_each(void (*fn)(void *, Chardev *), void *opaque)
{
    for (u32 i = 0; registry.all && i < registry.all->len; i++) {
        fn(opaque, registry.all->pdata[i]);
    }
}

void chardev_on_quit(void (*quit)(void *opaque), void *opaque)
{
    registry.quit = quit;
    registry.quit_opaque = opaque;
}
