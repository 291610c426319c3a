/* SPDX-License-Identifier: MIT */
/*
 * anole: from the command line to a running machine.  What needs order is
 * called in order, in main().
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <glib-unix.h>
#include "accel/accel.h"
#include "block/block.h"
#include "chardev/chardev.h"
#include "gdbstub/gdbstub.h"
#include "monitor/monitor.h"
#include "net/net.h"
#include "softmmu/clock.h"
#include "softmmu/run.h"
#include "target/target.h"
#include "util/keyval.h"

/* ---- board, target, accelerator ------------------------------------------------ */

static bool no_board(const char *name, Err *err)
{
    const char *names[64];
    size_t n = 0;

    SET_EACH(boards, Board, b) {
        names[n++] = (*b)->name;
    }
    const char *near = name ? nearest_word(name, names, n) : NULL;
    if (!name) {
        return fail(err, "which machine?  Say -M virt; -M help lists them");
    }
    return fail(err, "there is no machine \"%s\"%s%s%s; -M help lists them",
                name, near ? "; did you mean \"" : "", near ? near : "",
                near ? "\"?" : "");
}

static bool find_board(Machine *m, KeyVal *kv, Err *err)
{
    const char *name = kv ? keyval_get(kv, "type") : NULL;

    SET_EACH(boards, Board, b) {
        if (name && strcmp((*b)->name, name) == 0) {
            m->board = *b;
            m->target = target_find((*b)->target);
        }
    }
    if (!m->board || !m->target) {
        return no_board(name, err);
    }
    return true;
}

/* Each key=value behind the machine's name goes to the board. */
static bool set_board(Machine *m, const char *text, Err *err)
{
    g_auto(GStrv) word = g_strsplit(text, ",", -1);

    for (char **w = word + 1; word[0] && *w; w++) {
        g_auto(GStrv) kv = g_strsplit(*w, "=", 2);
        if (kv[0] && strcmp(kv[0], "accel") == 0 && kv[1]) {
            g_auto(GStrv) names = g_strsplit(kv[1], ":", -1);
            for (char **a = names; *a; a++) {
                g_ptr_array_add(m->opts->accels, g_strdup(*a));
            }
        } else if (!m->board->set(m, kv[0], kv[1] ? kv[1] : "on", err)) {
            return false;
        }
    }
    return true;
}

const Accel *accel_find(const char *name)
{
    SET_EACH(accels, Accel, a) {
        if (strcmp((*a)->name, name) == 0) {
            return *a;
        }
    }
    return NULL;
}

/* The first of the user's accelerators that can run here; tcg if none given. */
static bool start_accel(Machine *m, Err *err)
{
    GPtrArray *list = m->opts->accels;
    Err why = { 0 };

    if (!list->len) {
        g_ptr_array_add(list, (char *)"tcg");
    }
    for (u32 i = 0; i < list->len; i++) {
        const char *text = list->pdata[i];
        g_autofree char *name = g_strndup(text, strcspn(text, ","));
        const char *props = strchr(text, ',');
        const Accel *a = accel_find(g_str_has_prefix(name, "accel=") ? name + 6
                                                                     : name);
        if (!a) {
            fail(&why, "there is no accelerator \"%s\"; -accel help lists them",
                 name);
        } else if (a->available(m, &why)) {
            m->accel = a;
            return a->machine_start(m, props ? props + 1 : NULL, err);
        }
        if (i + 1 < list->len) {
            fprintf(stderr, "anole: %s; trying %s\n", why.text,
                    (const char *)list->pdata[i + 1]);
            why.text[0] = '\0';
        }
    }
    return fail(err, "%s", why.text);
}

/* ---- the host's side --------------------------------------------------------------- */

static bool open_back_ends(const Options *o, Err *err)
{
    for (u32 i = 0; i < o->chardevs->len; i++) {
        if (!chardev_open(o->chardevs->pdata[i], err)) {
            return false;
        }
    }
    for (u32 i = 0; i < o->drives->len; i++) {
        g_autofree char *text = g_strconcat(o->drives->pdata[i],
                                            o->snapshot ? ",snapshot=on" : "",
                                            NULL);
        if (!block_open(text, err)) {
            return false;
        }
    }
    for (u32 i = 0; i < o->netdevs->len; i++) {
        if (!netdev_open(o->netdevs->pdata[i], err)) {
            return false;
        }
    }
    return true;
}

/* Serial port 0: what -serial says; by default the terminal, shared. */
static bool open_serial(Machine *m, Chardev **mon, Err *err)
{
    const Options *o = m->opts;
    const char *text = o->serials->len ? o->serials->pdata[0]
                     : o->nodefaults && !o->nographic ? "none" : "mon:stdio";

    *mon = NULL;
    if (o->serials->len > 1) {
        return fail(err, "-serial: this machine has one serial port");
    }
    if (strcmp(text, "none") == 0) {
        return true;
    }
    /* -monitor given: the terminal is the serial port's alone. */
    bool own = !o->serials->len && o->monitors->len;
    Chardev *c = chardev_open_short(own ? "null" : text, "serial0", err);
    if (!c) {
        return err_prefix(err, "-serial %s", text);
    }
    m->serial_chardev = chardev_id(c);
    if (g_str_has_prefix(text, "mon:") && !own) {
        *mon = c;
    }
    return true;
}

static bool open_monitors(Machine *m, Chardev *shared, Err *err)
{
    const Options *o = m->opts;

    if (shared && !monitor_open(m, shared, err)) {
        return false;
    }
    for (u32 i = 0; i < o->monitors->len; i++) {
        const char *text = o->monitors->pdata[i];
        g_autofree char *id = g_strdup_printf("monitor%u", i);
        if (strcmp(text, "none") == 0) {
            continue;
        }
        Chardev *c = chardev_find(text);
        if (!c) {
            c = chardev_open_short(text, id, err);
        }
        if (!c || !monitor_open(m, c, err)) {
            return err_prefix(err, "-monitor %s", text);
        }
    }
    return true;
}

/* ---- -device ------------------------------------------------------------------------ */

static bool user_device(Machine *m, KeyVal *kv, Err *err)
{
    const char *type = keyval_get(kv, "driver"), *id = keyval_get(kv, "id");
    const DeviceType *t = type ? device_type(type) : NULL;

    if (t && !t->user) {
        return fail(err, "the device \"%s\" is part of boards and cannot be "
                    "added", type);
    }
    keyval_get(kv, "bus");
    keyval_get(kv, "addr");
    Device *d = machine_new_device(m, type, id, kv, err);
    if (!d) {
        return false;
    }
    if (t->bus == BUS_VIRTIO && !(m->plug && m->plug(m, d, err))) {
        fail(err, "this machine has no place for it");
        device_free(d);
        return false;
    }
    return machine_adopt(m, d, err);
}

static bool add_device(Machine *m, const char *text, Err *err)
{
    KeyVal *kv = keyval_parse(text, "driver", err);
    bool ok = kv && user_device(m, kv, err);

    keyval_free(kv);
    return ok || err_prefix(err, "-device %s", text);
}

/* Disks that no -device names get one: a virtio disk. */
static void add_disk(void *opaque, Block *b)
{
    void **arg = opaque;
    Machine *m = arg[0];
    Err *err = arg[1];
    const char *kind = block_option(b, "if");

    if (!err->text[0] && (!kind || strcmp(kind, "virtio") == 0)) {
        g_autofree char *text = g_strdup_printf("virtio-blk-device,drive=%s",
                                                block_id(b));
        add_device(m, text, err);
    }
}

static bool add_nic(Machine *m, const char *text, u32 n, Err *err)
{
    KeyVal *kv = keyval_parse(text, "type", err);
    const char *model = kv ? keyval_get(kv, "model") : NULL;
    GString *rest = g_string_new(NULL);
    bool ok = kv != NULL;

    if (kv && strcmp(keyval_get(kv, "type"), "none") != 0) {
        g_auto(GStrv) word = g_strsplit(text, ",", -1);
        for (char **w = word; *w; w++) {
            if (!g_str_has_prefix(*w, "model=")) {
                g_string_append_printf(rest, "%s%s", rest->len ? "," : "", *w);
            }
        }
        g_string_append_printf(rest, ",id=nic%u", n);
        g_autofree char *card = g_strdup_printf(
            "%s,netdev=nic%u", model ? model : "virtio-net-device", n);
        ok = netdev_open(rest->str, err) && add_device(m, card, err);
    }
    g_string_free(rest, true);
    keyval_free(kv);
    return ok || err_prefix(err, "-nic %s", text);
}

static bool add_devices(Machine *m, Err *err)
{
    const Options *o = m->opts;
    void *arg[] = { m, err };

    for (u32 i = 0; i < o->devices->len; i++) {
        if (!add_device(m, o->devices->pdata[i], err)) {
            return false;
        }
    }
    block_each(add_disk, arg);
    for (u32 i = 0; i < o->nics->len; i++) {
        if (!add_nic(m, o->nics->pdata[i], i, err)) {
            return false;
        }
    }
    return !err->text[0];
}

/* ---- --explain ------------------------------------------------------------------------ */

static void explain(Machine *m)
{
    printf("machine %s: %s\n", m->board->name, m->board->about);
    printf("%u x %s%s, %llu MiB of memory%s\n\n", m->ncpus, m->cpu[0]->model,
           m->opts->cpu ? "" : " (default)",
           (unsigned long long)m->ram_size >> 20,
           m->opts->ram ? "" : " (default)");
    monitor_command(m, "info mtree", stdout);
    printf("\ndevices:\n");
    monitor_command(m, "info qtree", stdout);
    printf("\nwhat the guest can reach of this host:\n");
    monitor_command(m, "info chardev", stdout);
    monitor_command(m, "info block", stdout);
    monitor_command(m, "info network", stdout);
}

/* ---- main ------------------------------------------------------------------------------- */

static bool check_limits(Machine *m, const Options *o, Err *err)
{
    const Board *b = m->board;

    if (o->smp > b->max_cpus) {
        return fail(err, "-smp %u: %s has at most %u CPUs", o->smp, b->name,
                    b->max_cpus);
    }
    m->ram_size = o->ram ? align_up(o->ram, GUEST_PAGE) : b->ram_default;
    return m->ram_size <= b->ram_max
        || fail(err, "-m: %s has at most %llu GiB", b->name,
                (unsigned long long)b->ram_max >> 30);
}

static bool make_machine(Machine *m, Err *err)
{
    const Options *o = m->opts;
    KeyVal *kv = o->machine ? keyval_parse(o->machine, "type", err) : NULL;
    bool ok = find_board(m, kv, err) && set_board(m, o->machine, err)
        && check_limits(m, o, err);
    Chardev *shared;

    keyval_free(kv);
    if (!ok || !open_back_ends(o, err) || !open_serial(m, &shared, err)
        || !m->board->init(m, err) || !add_devices(m, err)
        || !open_monitors(m, shared, err)) {
        return false;
    }
    return start_accel(m, err) && vcpus_start(m, err)
        && (!o->gdb || gdb_open(m, o->gdb, err));
}

/* The machine lock is let go while the main thread sleeps. */
static gint poll_unlocked(GPollFD *fds, guint n, gint timeout)
{
    u32 depth = machine_unlock_all();
    gint r = g_poll(fds, n, timeout);

    machine_relock(depth);
    return r;
}

static void quit(void *opaque)
{
    machine_shutdown(opaque, SHUTDOWN_HOST);
}

static gboolean on_signal(void *opaque)
{
    quit(opaque);
    return G_SOURCE_CONTINUE;
}

static bool write_pidfile(const char *path, Err *err)
{
    FILE *f = path ? fopen(path, "w") : NULL;

    if (path && !f) {
        return fail(err, "-pidfile %s: cannot write it", path);
    }
    if (f) {
        fprintf(f, "%d\n", (int)getpid());
        fclose(f);
    }
    return true;
}

static void run(Machine *m)
{
    clock_pause(true);
    machine_reset(m);
    if (!m->opts->paused) {
        machine_start(m);
    }
    while (machine_serve(m)) {
        g_main_context_iteration(NULL, true);
    }
}

static void finish(Machine *m)
{
    vcpus_stop(m);
    gdb_exit(m->exit_code);
    block_close_all();
    netdev_close_all();
    chardev_close_all();
}

int main(int argc, char **argv)
{
    Options *o = g_new0(Options, 1);
    Machine *m = g_new0(Machine, 1);
    Err err = { 0 };
    bool done = false;

    signal(SIGPIPE, SIG_IGN);
    if (!options_parse(o, argc, argv, &done, &err)) {
        fprintf(stderr, "anole: %s\n", err.text);
        return 1;
    }
    if (done) {
        return 0;
    }
    g_main_context_set_poll_func(NULL, poll_unlocked);
    machine_lock();
    m->opts = o;
    m->mem = mem_new();
    m->devices = g_ptr_array_new();
    m->no_reboot = o->no_reboot;
    m->no_shutdown = o->no_shutdown;
    chardev_on_quit(quit, m);
    g_unix_signal_add(SIGTERM, on_signal, m);
    g_unix_signal_add(SIGINT, on_signal, m);
    g_unix_signal_add(SIGHUP, on_signal, m);
    if (!make_machine(m, &err) || !write_pidfile(o->pidfile, &err)) {
        chardev_close_all();
        fprintf(stderr, "anole: %s\n", err.text);
        return 1;
    }
    if (o->explain) {
        explain(m);
    } else {
        run(m);
    }
    finish(m);
    return m->exit_code;
}
