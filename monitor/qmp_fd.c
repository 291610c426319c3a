/* SPDX-License-Identifier: MIT */
/*
 * File descriptors that QMP clients send (SCM_RIGHTS): by a name, until
 * somebody takes them, or in sets, which are /dev/fdset/N.
 */
#include <unistd.h>
#include "monitor/qmp.h"
#include "util/fdset.h"

enum { WAITING_FDS = 16 };

/* What a client sent and did not name yet. */
struct QmpFds {
    int waiting[WAITING_FDS];
    u32 n;
};

typedef struct NamedFd {
    char *name;
    int   fd;
} NamedFd;

static GArray *named;                   /* set cache */

/* ---- as they come ------------------------------------------------------- */

QmpFds *qmp_fds_new(void)
{
    return g_new0(QmpFds, 1);
}

void qmp_fds_free(QmpFds *f)
{
    for (u32 i = 0; f && i < f->n; i++) {
        close(f->waiting[i]);
    }
    g_free(f);
}

void qmp_fds_receive(QmpFds *f, int fd)
{
    if (!f || f->n == WAITING_FDS) {
        close(fd);
    } else {
        f->waiting[f->n++] = fd;
    }
}

/* The oldest that waits; -1 with an error. */
static int next_fd(QmpCall *c)
{
    QmpFds *f = c->fds;

    if (!f || !f->n) {
        fail(&c->err, "No file descriptor supplied via SCM_RIGHTS");
        return -1;
    }
    int fd = f->waiting[0];
    memmove(f->waiting, f->waiting + 1, --f->n * sizeof *f->waiting);
    return fd;
}

/* ---- names -------------------------------------------------------------- */

int qmp_fd_take(const char *name)
{
    for (u32 i = 0; named && i < named->len; i++) {
        NamedFd *n = &g_array_index(named, NamedFd, i);
        if (strcmp(n->name, name) == 0) {
            int fd = n->fd;
            g_free(n->name);
            g_array_remove_index(named, i);
            return fd;
        }
    }
    return -1;
}

void qmp_getfd(QmpCall *c)
{
    const char *name = json_str(c->args, "fdname");
    int fd = next_fd(c);

    if (fd >= 0 && g_ascii_isdigit(*name)) {
        fail(&c->err, "Parameter 'fdname' expects a name not starting with a "
             "digit");
        close(fd);
    } else if (fd >= 0) {
        int old = qmp_fd_take(name);
        NamedFd n = { g_strdup(name), fd };
        if (old >= 0) {
            close(old);                 /* the name now stands for the new */
        }
        if (!named) {
            named = g_array_new(false, true, sizeof(NamedFd));
        }
        g_array_append_val(named, n);
    }
}

void qmp_closefd(QmpCall *c)
{
    const char *name = json_str(c->args, "fdname");
    int fd = qmp_fd_take(name);

    if (fd < 0) {
        fail(&c->err, "File descriptor named '%.100s' not found", name);
    } else {
        close(fd);
    }
}

/* ---- sets --------------------------------------------------------------- */

void qmp_add_fd(QmpCall *c)
{
    const Json *number = json_get(c->args, "fdset-id");
    u32 set = number ? (u32)number->i : fdset_free_number();
    int fd = next_fd(c);

    if (fd >= 0) {
        fdset_add(set, fd, json_str(c->args, "opaque"));
        c->ret = json_object();
        json_add_int(c->ret, "fdset-id", set);
        json_add_int(c->ret, "fd", fd);
    }
}

void qmp_remove_fd(QmpCall *c)
{
    u32 set = (u32)json_int(c->args, "fdset-id", 0);
    i64 fd = json_int(c->args, "fd", -1);

    if (fd > INT32_MAX || !fdset_remove(set, (int)MAX(fd, -1))) {
        fail(&c->err, "File descriptor named 'fdset-id:%u, fd:%lld' not found",
             set, (long long)fd);
    }
}

/* The set's entry in ret, made if it is not there. */
static Json *set_entry(Json *ret, u32 set)
{
    for (Json *j = ret->first; j; j = j->next) {
        if (json_int(j, "fdset-id", -1) == set) {
            return json_get(j, "fds");
        }
    }
    Json *j = json_add(ret, NULL, json_object());
    json_add_int(j, "fdset-id", set);
    return json_add(j, "fds", json_array());
}

void qmp_query_fdsets(QmpCall *c)
{
    const SetFd *s;

    c->ret = json_array();
    for (u32 i = 0; (s = fdset_nth(i)); i++) {
        Json *j = json_add(set_entry(c->ret, s->set), NULL, json_object());
        json_add_int(j, "fd", s->fd);
        if (s->opaque) {
            json_add_str(j, "opaque", s->opaque);
        }
    }
}
