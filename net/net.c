/* SPDX-License-Identifier: MIT */
/* The registry of networks and what their kinds share. */
#include "backend.h"

typedef struct Registry {
    GPtrArray *all;             /* of Netdev */
} Registry;

static Registry registry;       /* set cache */

static const NetType *type_find(const char *name, Err *err)
{
    g_autoptr(GString) list = g_string_new(NULL);
    const char *names[16];
    size_t n = 0;

    SET_EACH(netdevs, NetType, t) {
        if (strcmp((*t)->name, name) == 0) {
            return *t;
        }
        g_string_append_printf(list, "%s%s", n ? ", " : "", (*t)->name);
        if (n < countof(names)) {
            names[n++] = (*t)->name;
        }
    }
    const char *near = nearest_word(name, names, n);
    fail(err, "no network of kind \"%s\"%s%s%s; there is: %s", name,
         near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "",
         list->str);
    return NULL;
}

Netdev *netdev_find(const char *id)
{
    for (u32 i = 0; registry.all && i < registry.all->len; i++) {
        Netdev *n = registry.all->pdata[i];
        if (strcmp(n->id, id) == 0) {
            return n;
        }
    }
    return NULL;
}

static bool set_up(Netdev *n, KeyVal *kv, Err *err)
{
    g_autofree char *what = g_strdup_printf("-netdev %s", n->type->name);

    if (!n->type->open(n, kv, err)) {
        return false;
    }
    if (!keyval_done(kv, what, err)) {
        n->type->close(n);
        return false;
    }
    return true;
}

static void free_netdev(void *opaque)
{
    Netdev *n = opaque;

    g_queue_free_full(n->waiting, (GDestroyNotify)g_bytes_unref);
    g_free(n->info);
    g_free(n->id);
    g_free(n);
}

static Netdev *open_parsed(KeyVal *kv, Err *err)
{
    const char *kind = keyval_get(kv, "type"), *id = keyval_get(kv, "id");
    const NetType *t = kind ? type_find(kind, err) : NULL;

    if (!t || !id) {
        fail(err, "kind and id are needed: -netdev user,id=net0");
        return NULL;
    }
    if (netdev_find(id)) {
        fail(err, "there is a network \"%s\" already", id);
        return NULL;
    }
    Netdev *n = g_new0(Netdev, 1);
    n->type = t;
    n->id = g_strdup(id);
    n->waiting = g_queue_new();
    if (!set_up(n, kv, err)) {
        free_netdev(n);
        return NULL;
    }
    if (!registry.all) {
        registry.all = g_ptr_array_new_with_free_func(free_netdev);
    }
    g_ptr_array_add(registry.all, n);
    return n;
}

Netdev *netdev_open(const char *text, Err *err)
{
    KeyVal *kv = keyval_parse(text, "type", err);
    Netdev *n = kv ? open_parsed(kv, err) : NULL;

    keyval_free(kv);
    if (!n) {
        err_prefix(err, "-netdev %s", text);
    }
    return n;
}

void netdev_close_all(void)
{
    for (u32 i = 0; registry.all && i < registry.all->len; i++) {
        Netdev *n = registry.all->pdata[i];
        n->front = NULL;
        n->type->close(n);
    }
    g_clear_pointer(&registry.all, g_ptr_array_unref);
}

void netdev_each(void (*fn)(void *, Netdev *), void *opaque)
{
    for (u32 i = 0; registry.all && i < registry.all->len; i++) {
        fn(opaque, registry.all->pdata[i]);
    }
}

const char *netdev_id(const Netdev *n)
{
    return n->id;
}

const char *netdev_info(const Netdev *n)
{
    return n->info;
}

bool netdev_attach(Netdev *n, const NetFront *front, Err *err)
{
    if (n->front) {
        return fail(err, "the network %s has a card already", n->id);
    }
    n->front = front;
    return true;
}

void netdev_detach(Netdev *n, const NetFront *front)
{
    if (n->front == front) {
        n->front = NULL;
    }
}

bool netdev_in_use(const Netdev *n)
{
    return n->front != NULL;
}

void netdev_close(Netdev *n)
{
    n->type->close(n);
    g_ptr_array_remove(registry.all, n);        /* frees it */
}

void netdev_set_link(Netdev *n, bool up)
{
    if (n->down == up) {
        n->down = !up;
        if (n->front && n->front->link) {
            n->front->link(n->front->opaque, up);
        }
    }
}

bool netdev_link(const Netdev *n)
{
    return !n->down;
}

bool netdev_offloads(const Netdev *n)
{
    return n->type->offloads;
}

void netdev_send(Netdev *n, const u8 *frame, size_t len)
{
    if (!n->down) {
        n->type->send(n, frame, len);
    }
}

/* ---- to the card -------------------------------------------------------- */

void netdev_deliver(Netdev *n, const u8 *frame, size_t len)
{
    if (!n->front || n->down) {
        return;
    }
    netdev_accept(n);
    if (g_queue_is_empty(n->waiting)
        && n->front->can_receive(n->front->opaque)) {
        n->front->receive(n->front->opaque, frame, len);
    } else if (g_queue_get_length(n->waiting) < WAITING_MAX) {
        g_queue_push_tail(n->waiting, g_bytes_new(frame, len));
    }
}

void netdev_accept(Netdev *n)
{
    while (n->front && !g_queue_is_empty(n->waiting)
           && n->front->can_receive(n->front->opaque)) {
        GBytes *b = g_queue_pop_head(n->waiting);
        size_t len;
        const u8 *frame = g_bytes_get_data(b, &len);
        n->front->receive(n->front->opaque, frame, len);
        g_bytes_unref(b);
    }
}
