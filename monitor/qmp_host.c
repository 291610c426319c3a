/* SPDX-License-Identifier: MIT */
/* QMP's commands for the host's side of devices: chardevs, nets, objects. */
#include <stdio.h>
#include "block/iothread.h"
#include "monitor/qmp.h"
#include "net/net.h"
#include "softmmu/objects.h"

/* ---- chardevs ----------------------------------------------------------- */

static void add_chardev(void *opaque, Chardev *c)
{
    Json *j = json_add(opaque, NULL, json_object());

    json_add_str(j, "label", chardev_id(c));
    json_add_str(j, "filename", chardev_filename(c));
    json_add_bool(j, "frontend-open", chardev_in_use(c));
}

void qmp_query_chardev(QmpCall *c)
{
    c->ret = json_array();
    chardev_each(add_chardev, c->ret);
}

static void add_type(void *opaque, const char *name)
{
    json_add_str(json_add(opaque, NULL, json_object()), "name", name);
}

void qmp_query_chardev_backends(QmpCall *c)
{
    c->ret = json_array();
    chardev_each_type(add_type, c->ret);
}

/* ---- QMP's options as -chardev's ---------------------------------------- */

/* ",key=value" of an option text, commas doubled. */
static void add_option(GString *out, const char *key, const char *value)
{
    g_auto(GStrv) part = g_strsplit(value, ",", -1);
    g_autofree char *doubled = g_strjoinv(",,", part);

    g_string_append_printf(out, ",%s=%s", key, doubled);
}

/* A member of a branch and the option that it is. */
typedef struct OptionName {
    const char *member, *option;
} OptionName;

static void add_members(GString *out, const Json *data,
                        const OptionName *names)
{
    for (; names->member; names++) {
        const Json *v = json_get(data, names->member);
        char number[24];
        if (v && v->kind == JSON_BOOL) {
            add_option(out, names->option, v->b ? "on" : "off");
        } else if (v && v->kind == JSON_INT) {
            g_snprintf(number, sizeof number, "%lld", (long long)v->i);
            add_option(out, names->option, number);
        } else if (v) {
            add_option(out, names->option, v->s);
        }
    }
}

/* The address of a socket; a named descriptor is taken. */
static bool add_address(QmpCall *c, GString *out, const Json *addr)
{
    static const OptionName names[] = {
        { "host", "host" }, { "port", "port" }, { "path", "path" }, { 0 }
    };
    const Json *data = json_get(addr, "data");
    const char *fd = json_str(data, "str");
    char number[24];

    add_members(out, data, names);
    if (fd && !g_ascii_isdigit(*fd)) {
        int n = qmp_fd_take(fd);
        if (n < 0) {
            return fail(&c->err, "File descriptor named '%.100s' not found",
                        fd);
        }
        g_snprintf(number, sizeof number, "%d", n);
        fd = number;
    }
    if (fd) {
        add_option(out, "fd", fd);
    }
    return true;
}

/* The text of -chardev for a ChardevBackend; NULL with an error. */
static char *chardev_text(QmpCall *c, const char *id, const Json *backend)
{
    static const OptionName names[] = {
        { "in", "input-path" }, { "out", "path" }, { "append", "append" },
        { "device", "path" }, { "signal", "signal" }, { "wait", "wait" },
        { "nodelay", "nodelay" }, { "reconnect", "reconnect" }, { 0 }
    };
    const Json *data = json_get(backend, "data");
    const Json *addr = json_get(data, "addr");
    GString *out = g_string_new(json_str(backend, "type"));
    bool ok = true;

    add_option(out, "id", id);
    add_members(out, data, names);
    if (addr) {
        add_option(out, "server", json_bool(data, "server", true) ? "on"
                                                                  : "off");
        if (!json_get(data, "wait")) {
            add_option(out, "wait", "off");
        }
        ok = add_address(c, out, addr);
    }
    return g_string_free(out, !ok);
}

/* Waiting for a client would stop the machine and all monitors. */
static bool check_backend(QmpCall *c, const Json *backend)
{
    return !json_bool(json_get(backend, "data"), "wait", false)
        || fail(&c->err, "Parameter 'backend.data.wait' cannot be true while "
                "the machine exists");
}

void qmp_chardev_add(QmpCall *c)
{
    const Json *backend = json_get(c->args, "backend");
    g_autofree char *text = check_backend(c, backend)
        ? chardev_text(c, json_str(c->args, "id"), backend) : NULL;
    Chardev *made = text ? chardev_open(text, &c->err) : NULL;

    if (made) {
        const char *name = chardev_filename(made);
        c->ret = json_object();
        if (g_str_has_prefix(name, "pty:")) {
            json_add_str(c->ret, "pty", name + 4);
        }
    }
}

static Chardev *find_chardev(QmpCall *c)
{
    const char *id = json_str(c->args, "id");
    Chardev *found = chardev_find(id);

    if (!found) {
        fail(&c->err, "Chardev '%.100s' not found", id);
    }
    return found;
}

void qmp_chardev_remove(QmpCall *c)
{
    Chardev *found = find_chardev(c);

    if (found && chardev_in_use(found)) {
        fail(&c->err, "Chardev '%s' is busy", chardev_id(found));
    } else if (found) {
        chardev_close(found);
    }
}

void qmp_chardev_send_break(QmpCall *c)
{
    Chardev *found = find_chardev(c);

    if (found) {
        chardev_break(found);
    }
}

/* ---- networks ----------------------------------------------------------- */

void qmp_netdev_add(QmpCall *c)
{
    static const OptionName names[] = {
        { "hostname", "hostname" }, { "restrict", "restrict" },
        { "net", "net" }, { "host", "host" }, { "dns", "dns" },
        { "tftp", "tftp" }, { "bootfile", "bootfile" },
        { "listen", "listen" }, { "connect", "connect" }, { 0 }
    };
    static const char *const lists[] = { "hostfwd", "guestfwd" };
    g_autoptr(GString) text = g_string_new(json_str(c->args, "type"));

    add_option(text, "id", json_str(c->args, "id"));
    add_members(text, c->args, names);
    for (u32 i = 0; i < countof(lists); i++) {
        const Json *list = json_get(c->args, lists[i]);
        for (const Json *k = list ? list->first : NULL; k; k = k->next) {
            add_option(text, lists[i], json_str(k, "str"));
        }
    }
    netdev_open(text->str, &c->err);
}

void qmp_netdev_del(QmpCall *c)
{
    const char *id = json_str(c->args, "id");
    Netdev *n = netdev_find(id);

    if (!n) {
        qmp_no_device(c, "network", id);
    } else if (netdev_in_use(n)) {
        fail(&c->err, "The network '%s' has a card, which has to go first",
             id);
    } else {
        netdev_close(n);
    }
}

/* ---- objects ------------------------------------------------------------ */

void qmp_object_add(QmpCall *c)
{
    g_autofree char *text = json_options(c->args);
    const char *id = json_str(c->args, "id");
    u32 at;

    if (object_find(c->m->opts, id, &at)) {
        fail(&c->err, "There is an object '%.100s' already", id);
    } else if (object_check(text, &c->err)) {
        g_ptr_array_add(c->m->opts->objects, g_steal_pointer(&text));
    }
}

static char *type_of(const char *text)
{
    return object_get(text, "qom-type");
}

void qmp_object_del(QmpCall *c)
{
    const char *id = json_str(c->args, "id"), *text;
    u32 at;

    text = object_find(c->m->opts, id, &at);
    if (!text) {
        fail(&c->err, "object '%.100s' not found", id);
        return;
    }
    g_autofree char *type = type_of(text);
    if (strcmp(type, "iothread") == 0 && !iothread_end(id)) {
        fail(&c->err, "object '%.100s' is in use, can not be deleted", id);
        return;
    }
    g_ptr_array_remove_index(c->m->opts->objects, at);
}

void qmp_query_iothreads(QmpCall *c)
{
    const GPtrArray *objects = c->m->opts->objects;

    c->ret = json_array();
    for (u32 i = 0; i < objects->len; i++) {
        static const char *const zeros[] = {
            "poll-max-ns", "poll-grow", "poll-shrink", "aio-max-batch",
        };
        g_autofree char *type = type_of(objects->pdata[i]);
        g_autofree char *id = object_get(objects->pdata[i], "id");
        if (strcmp(type, "iothread") != 0) {
            continue;
        }
        Json *j = json_add(c->ret, NULL, json_object());
        json_add_str(j, "id", id);
        json_add_int(j, "thread-id", iothread_number(iothread_get(id)));
        for (u32 k = 0; k < countof(zeros); k++) {
            json_add_int(j, zeros[k], 0);
        }
    }
}
