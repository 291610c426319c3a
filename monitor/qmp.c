/* SPDX-License-Identifier: MIT */
/*
 * QMP: the monitor for programs.  Reference: docs/qmp.md, which is printed
 * from monitor/qmp.schema.
 *
 * A session reads objects from its chardev, runs each when it is complete and
 * writes the answer.  All on the main thread; events come from any, with the
 * machine lock.
 */
#include <assert.h>
#include <stdio.h>
#include "monitor/qmp_schema.h"

enum {
    COMMAND_MAX = 16 << 20,             /* bytes */
    ANSWERS_MAX = 64 << 10,             /* unread: then commands wait */
    EVENTS_MAX = 1 << 20,               /* unread: then events are dropped */
};

typedef struct Session {
    Machine  *m;
    Chardev  *c;
    CharFront front;
    bool      pretty, negotiated;
    GString  *in;                       /* of the command that comes */
    JsonScan  scan;
    bool      too_long;                 /* what comes is thrown away */
    QmpFds   *fds;
} Session;

typedef struct Sessions {
    GPtrArray *all;
} Sessions;

static Sessions sessions;               /* set cache */

/* ---- writing ------------------------------------------------------------ */

static void send(Session *s, const Json *j)
{
    g_autoptr(GString) text = g_string_new(NULL);

    json_print(j, s->pretty, text);
    g_string_append(text, "\r\n");
    chardev_write(s->c, text->str, text->len);
}

static void greet(Session *s)
{
    Json *all = json_object(), *qmp = json_add(all, "QMP", json_object());
    Json *version = NULL;
    Err err = { 0 };

    qmp_run(s->m, "query-version", NULL, &version, &err);
    json_add(qmp, "version", version);
    json_add(qmp, "capabilities", json_array());
    send(s, all);
    json_free(all);
}

/* id is given away; it may be NULL. */
static void send_error(Session *s, const char *class, const char *text,
                       Json *id)
{
    Json *all = json_object(), *e = json_add(all, "error", json_object());

    json_add_str(e, "class", class ? class : "GenericError");
    json_add_str(e, "desc", text);
    if (id) {
        json_add(all, "id", id);
    }
    send(s, all);
    json_free(all);
}

static void send_return(Session *s, Json *ret, Json *id)
{
    Json *all = json_object();

    json_add(all, "return", ret ? ret : json_object());
    if (id) {
        json_add(all, "id", id);
    }
    send(s, all);
    json_free(all);
}

/* ---- commands ----------------------------------------------------------- */

static bool no_command(QmpCall *c, const char *name)
{
    const char *near = schema_near_command(name);

    c->class = "CommandNotFound";
    return fail(&c->err, "The command %.100s has not been found%s%s%s", name,
                near ? "; did you mean " : "", near ? near : "",
                near ? "?" : "");
}

static bool call(QmpCall *c, const char *name)
{
    static const Json none = { .kind = JSON_OBJECT };
    const SchemaCommand *row = schema_command(name);

    if (!row) {
        return no_command(c, name);
    }
    c->args = c->args ? c->args : &none;
    if (!schema_check(row->arguments, c->args, "", &c->err)) {
        return false;
    }
    row->run(c);
    if (c->err.text[0]) {
        g_clear_pointer(&c->ret, json_free);
    }
    return !c->err.text[0];
}

bool qmp_run(Machine *m, const char *command, const Json *args, Json **ret,
             Err *err)
{
    QmpCall c = { .m = m, .args = args };
    bool ok = call(&c, command) || fail(err, "%s", c.err.text);

    if (ret) {
        *ret = c.ret;
    } else {
        json_free(c.ret);
    }
    return ok;
}

bool qmp_no_device(QmpCall *c, const char *what, const char *id)
{
    c->class = "DeviceNotFound";
    return fail(&c->err, "There is no %s '%.100s'", what, id);
}

/* The envelope: execute, arguments and id, and nothing else. */
static bool check_envelope(const Json *j, Err *err)
{
    static const char *const known[] = { "execute", "arguments", "id" };
    const Json *name = json_get(j, "execute"), *args;

    for (const Json *k = j->first; k; k = k->next) {
        u32 i = 0;
        while (i < countof(known) && strcmp(k->name, known[i]) != 0) {
            i++;
        }
        if (i == countof(known)) {
            const char *near = nearest_word(k->name, known, countof(known));
            return fail(err, "QMP input member '%.100s' is unexpected%s%s%s",
                        k->name, near ? "; did you mean '" : "",
                        near ? near : "", near ? "'?" : "");
        }
    }
    args = json_get(j, "arguments");
    if (!name) {
        return fail(err, "QMP input lacks member 'execute'");
    }
    if (name->kind != JSON_STRING) {
        return fail(err, "QMP input member 'execute' must be a string");
    }
    return !args || args->kind == JSON_OBJECT
        || fail(err, "QMP input member 'arguments' must be an object");
}

/* Before and after the negotiation other commands are right. */
static bool check_phase(Session *s, const char *name, QmpCall *c)
{
    bool negotiates = strcmp(name, "qmp_capabilities") == 0;

    if (s->negotiated == negotiates) {
        c->class = "CommandNotFound";
        return negotiates
            ? fail(&c->err, "Capabilities negotiation is already complete, "
                   "command '%s' is not available", name)
            : fail(&c->err, "Expecting capabilities negotiation with "
                   "'qmp_capabilities'");
    }
    return true;
}

static void execute(Session *s, Json *j)
{
    QmpCall c = { .m = s->m, .args = json_get(j, "arguments"),
                  .fds = s->fds };
    Json *id = json_take(j, "id");

    const char *name = json_str(j, "execute");
    if (check_envelope(j, &c.err) && check_phase(s, name, &c)
        && call(&c, name)) {
        s->negotiated = true;
        send_return(s, c.ret, id);
    } else {
        send_error(s, c.class, c.err.text, id);
    }
}

/* A whole value, or what cannot become one, is in s->in. */
static void take_value(Session *s)
{
    Err err = { 0 };
    Json *j = NULL;

    if (s->too_long) {
        fail(&err, "QMP input is longer than %d MiB", COMMAND_MAX >> 20);
    } else {
        j = json_parse(s->in->str, s->in->len, &err);
    }
    if (j && j->kind != JSON_OBJECT) {
        fail(&err, "QMP input must be a JSON object");
    }
    if (err.text[0]) {
        send_error(s, NULL, err.text, NULL);
    } else {
        execute(s, j);
    }
    json_free(j);
}

static void reset_input(Session *s)
{
    /* What a long command took is given back. */
    if (s->in->allocated_len > ANSWERS_MAX) {
        g_string_free(s->in, true);
        s->in = g_string_new(NULL);
    }
    g_string_truncate(s->in, 0);
    s->too_long = false;
}

void qmp_qmp_capabilities(QmpCall *c)
{
    const Json *enable = json_get(c->args, "enable");

    if (enable && enable->first) {
        fail(&c->err, "Capability %s not available", enable->first->s);
    }
}

/* ---- events ------------------------------------------------------------- */

static Json *timestamp(void)
{
    i64 now = g_get_real_time();
    Json *t = json_object();

    json_add_int(t, "seconds", now / G_USEC_PER_SEC);
    json_add_int(t, "microseconds", now % G_USEC_PER_SEC);
    return t;
}

/* To every client that has negotiated. */
static void broadcast(const char *name, Json *data)
{
    Json *all = json_object();

    json_add(all, "timestamp", timestamp());
    json_add_str(all, "event", name);
    if (data) {
        json_add(all, "data", data);
    }
    for (u32 i = 0; i < sessions.all->len; i++) {
        Session *s = sessions.all->pdata[i];
        if (s->negotiated && chardev_pending(s->c) < EVENTS_MAX) {
            send(s, all);
        }
    }
    json_free(all);
}

/* An event that came too soon after one of its kind waits for its second. */
typedef struct Limit {
    const SchemaEvent *event;
    Json   *data;                       /* that waits; NULL: none does */
    i64     last;                       /* monotonic microseconds */
    bool    waits;
} Limit;

static gboolean limit_over(void *opaque)
{
    Limit *l = opaque;

    machine_lock();
    l->waits = false;
    l->last = g_get_monotonic_time();
    broadcast(l->event->name, g_steal_pointer(&l->data));
    machine_unlock();
    return G_SOURCE_REMOVE;
}

/* One for each limited event and path that it is about. */
static Limit *limit_of(const SchemaEvent *e, const Json *data)
{
    static GHashTable *limits;          /* set cache */
    const char *path = json_str(data, "qom-path");
    const char *id = json_str(data, "id");
    g_autofree char *key = g_strjoin(" ", e->name, path ? path : id ? id : "",
                                     NULL);

    if (!limits) {
        limits = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    }
    Limit *l = g_hash_table_lookup(limits, key);
    if (!l) {
        l = g_new0(Limit, 1);
        l->event = e;
        l->last = -G_USEC_PER_SEC;
        g_hash_table_insert(limits, g_steal_pointer(&key), l);
    }
    return l;
}

static void take_event(Machine *m, const char *name, Json *data)
{
    const SchemaEvent *e = schema_event(name);

    assert(e);                          /* events are declared in the schema */
    Limit *l = e->limited ? limit_of(e, data) : NULL;
    i64 now = g_get_monotonic_time();

    (void)m;
    if (!l || (!l->waits && now - l->last >= G_USEC_PER_SEC)) {
        if (l) {
            l->last = now;
        }
        broadcast(name, data);
        return;
    }
    json_free(l->data);
    l->data = data;
    if (!l->waits) {
        l->waits = true;
        g_timeout_add((guint)((l->last + G_USEC_PER_SEC - now) / 1000 + 1),
                      limit_over, l);
    }
}

/* ---- the chardev -------------------------------------------------------- */

static size_t room(void *opaque)
{
    Session *s = opaque;

    return chardev_pending(s->c) > ANSWERS_MAX ? 0 : 4096;
}

static void take(void *opaque, const u8 *buf, size_t len)
{
    Session *s = opaque;

    for (int fd; (fd = chardev_take_fd(s->c)) >= 0;) {
        qmp_fds_receive(s->fds, fd);
    }
    for (size_t i = 0; i < len; i++) {
        JsonStep step = json_scan(&s->scan, buf[i]);
        s->too_long = s->too_long || s->in->len >= COMMAND_MAX;
        if ((step == JSON_MORE || step == JSON_DONE) && !s->too_long) {
            g_string_append_c(s->in, (char)buf[i]);
        }
        if (step == JSON_DONE) {
            take_value(s);
        }
        if (step == JSON_DONE || step == JSON_DROP) {
            reset_input(s);
        }
    }
}

static void event(void *opaque, CharEvent e)
{
    Session *s = opaque;

    if (e == CHAR_OPENED || e == CHAR_CLOSED) {
        reset_input(s);
        s->scan = (JsonScan) { 0 };
        s->negotiated = false;
        qmp_fds_free(s->fds);
        s->fds = e == CHAR_OPENED ? qmp_fds_new() : NULL;
    }
    if (e == CHAR_OPENED) {
        greet(s);
    }
}

bool qmp_open(Machine *m, Chardev *c, bool pretty, Err *err)
{
    Session *s = g_new0(Session, 1);

    *s = (Session) {
        .m = m, .c = c, .pretty = pretty, .in = g_string_new(NULL),
        .front = { s, room, take, event },
    };
    if (!sessions.all) {
        sessions.all = g_ptr_array_new();
        m->on_event = take_event;
        qmp_watch_disks(m);
    }
    if (!chardev_attach(c, &s->front, err)) {
        g_string_free(s->in, true);
        g_free(s);
        return false;
    }
    g_ptr_array_add(sessions.all, s);
    return true;
}
