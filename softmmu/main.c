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
#include "block/iothread.h"
#include "chardev/chardev.h"
#include "gdbstub/gdbstub.h"
#include "migration/migration.h"
#include "monitor/monitor.h"
#include "net/net.h"
#include "softmmu/clock.h"
#include "softmmu/drives.h"
#include "softmmu/objects.h"
#include "softmmu/run.h"
#include "target/target.h"
#include "ui/display.h"
#include "util/keyval.h"

static void quit(void *opaque)
{
    machine_shutdown(opaque, SHUTDOWN_HOST);
}

/* ---- board, target, accelerator ----------------------------------------- */

static bool no_board(const char *name, Err *err)
{
    const char *names[64];
    size_t n = 0;

    SET_EACH(boards, Board, b) {
        names[n++] = (*b)->name;
    }
    const char *near = name ? nearest_word(name, names, n) : NULL;
    if (!name) {
        return fail(err, "which machine?  For example: anole -M virt -kernel "
                    "Image -append console=ttyAMA0; -M help lists them");
    }
    return fail(err, "there is no machine \"%s\"%s%s%s; -M help lists them",
                name, near ? "; did you mean \"" : "", near ? near : "",
                near ? "\"?" : "");
}

/* The target's name in that of the program, anole-system-NAME; or NULL. */
static const char *own_target(const char *program)
{
    const char *name = strrchr(program, '/');

    name = name ? name + 1 : program;
    return g_str_has_prefix(name, "anole-system-")
        ? name + strlen("anole-system-") : NULL;
}

/* The program's own if the board takes it. */
static const Target *choose_target(const Board *b, const char *own)
{
    for (const char *const *t = b->targets; own && *t; t++) {
        if (strcmp(*t, own) == 0) {
            return target_find(own);
        }
    }
    return target_find(b->targets[0]);
}

static bool find_board(Machine *m, KeyVal *kv, Err *err)
{
    const char *name = kv ? keyval_get(kv, "type") : NULL;

    SET_EACH(boards, Board, b) {
        if (name && strcmp((*b)->name, name) == 0) {
            m->board = *b;
            m->target = choose_target(*b, m->opts->default_target);
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
        } else if (strcmp(kv[0], "kernel-irqchip") == 0 && kv[1]) {
            m->opts->kernel_irqchip = g_strdup(kv[1]);
        } else if (strcmp(kv[0], "memory-backend") == 0 && kv[1]) {
            m->opts->memory_backend = g_strdup(kv[1]);
        } else if (!m->board->set) {
            return fail(err, "-M %s has no option %s, nor any other",
                        m->board->name, kv[0]);
        } else if (!m->board->set(m, kv[0], kv[1] ? kv[1] : "on", err)) {
            return false;
        }
    }
    return true;
}

/* "kvm,option=value" and "accel=kvm,option=value": the name; *props or NULL. */
static const Accel *parse_accel(const char *text, const char **props, Err *err)
{
    const char *start = g_str_has_prefix(text, "accel=") ? text + 6 : text;
    g_autofree char *name = g_strndup(start, strcspn(start, ","));
    const Accel *a = accel_find(name);

    *props = strchr(text, ',');
    *props += *props != NULL;
    if (!a) {
        fail(err, "there is no accelerator \"%s\"; -accel help lists them",
             name);
    }
    return a;
}

/*
 * The first of the user's accelerators that can run here; tcg if none given.
 * *props: its options.
 */
static bool choose_accel(Machine *m, const char **props, Err *err)
{
    GPtrArray *list = m->opts->accels;
    Err why = { 0 };

    if (!list->len) {
        g_ptr_array_add(list, (char *)"tcg");
    }
    for (u32 i = 0; i < list->len; i++) {
        const Accel *a = parse_accel(list->pdata[i], props, &why);
        if (a && a->available(m, &why)) {
            m->accel = a;
            return !a->prepare || a->prepare(m, *props, err);
        }
        if (i + 1 < list->len) {
            fprintf(stderr, "anole: %s; trying %s\n", why.text,
                    (const char *)list->pdata[i + 1]);
            why.text[0] = '\0';
        }
    }
    return fail(err, "%s", why.text);
}

/* ---- the host's side ---------------------------------------------------- */

static bool open_back_ends(Machine *m, Err *err)
{
    const Options *o = m->opts;

    if (o->incoming) {
        block_leave();          /* who sends the state has them still */
    }
    for (u32 i = 0; i < o->chardevs->len; i++) {
        if (!chardev_open(o->chardevs->pdata[i], err)) {
            return false;
        }
    }
    if (!drives_open(m, err)) {
        return false;
    }
    for (u32 i = 0; i < o->netdevs->len; i++) {
        if (!netdev_open(o->netdevs->pdata[i], err)) {
            return false;
        }
    }
    return true;
}

#define MONITOR_CONSOLE "compat_monitor0"       /* as QEMU's users know it */

static bool uses_stdio(const GPtrArray *list)
{
    for (u32 i = 0; i < list->len; i++) {
        if (g_str_has_prefix(list->pdata[i], "stdio")
            || g_str_has_prefix(list->pdata[i], "mon:stdio")) {
            return true;
        }
    }
    return false;
}

/* Does anything but a serial port have the terminal? */
static bool terminal_taken(const Options *o)
{
    const GPtrArray *const users[] = {
        o->parallels, o->monitors, o->chardevs, o->qmps, o->pretty_qmps,
    };
    bool taken = false;

    for (u32 i = 0; i < countof(users); i++) {
        taken |= uses_stdio(users[i]);
    }
    return taken;
}

/* ---- the display -------------------------------------------------------- */

static Ui ui;

static bool paused(void *opaque)
{
    const Machine *m = opaque;

    return m->state != RUN_RUNNING;
}

/* Does it show more than one screen, so that text consoles are seen? */
static bool has_window(void)
{
    return strcmp(ui.display->name, "none") != 0;
}

static bool has_screen(const Machine *m)
{
    const Options *o = m->opts;

    return m->board->vga
        && !(o->vga ? strcmp(o->vga, "none") == 0 : o->nodefaults);
}

/*
 * Without -display a machine with a screen gets a window where that can be;
 * else the terminal has its serial port.
 */
static bool choose_display(Machine *m, Err *err)
{
    const Options *o = m->opts;
    Err why = { 0 };

    ui = (Ui) { .name = o->name, .full_screen = o->full_screen, .machine = m,
                .quit = quit, .paused = paused };
    if (o->display && o->nographic && strcmp(o->display, "none") != 0) {
        return fail(err, "-nographic and -display %s exclude each other",
                    o->display);
    }
    if (o->display) {
        ui.display = display_find(o->display, err);
        return ui.display || err_prefix(err, "-display");
    }
    if (!o->nographic && has_screen(m) && !o->explain) {
        ui.display = display_find("sdl", &why);
    }
    if (why.text[0]) {
        fprintf(stderr, "anole: no window: %s.  The screen is not shown; "
                "-display curses shows text screens in this terminal, "
                "-display none says nothing\n", why.text);
    }
    ui.display = ui.display ? ui.display : display_find("none", err);
    return true;
}

/* Only one can have the terminal. */
static bool check_terminal(const Options *o, Err *err)
{
    const struct { const char *option; const GPtrArray *given; } users[] = {
        { "serial", o->serials }, { "parallel", o->parallels },
        { "monitor", o->monitors }, { "chardev", o->chardevs },
        { "qmp", o->qmps }, { "qmp-pretty", o->pretty_qmps },
    };

    for (u32 i = 0; ui.display->terminal && i < countof(users); i++) {
        if (uses_stdio(users[i].given)) {
            return fail(err, "-display %s has the terminal, which "
                        "-%s stdio cannot have too", ui.display->name,
                        users[i].option);
        }
    }
    return !ui.display->terminal || !o->daemonize
        || fail(err, "-display %s and -daemonize exclude each other",
                ui.display->name);
}

/*
 * Serial port 0 without -serial: a console of the window, else the terminal,
 * shared with the monitor unless that was put elsewhere.
 */
static const char *default_serial(const Machine *m)
{
    const Options *o = m->opts;

    if (o->nodefaults || !m->board->serials) {
        return "none";
    }
    if (has_window()) {
        return "vc";
    }
    if (terminal_taken(o) || o->daemonize || (o->display && !o->nographic)) {
        return "null";
    }
    return o->monitors->len || o->mons->len ? "stdio" : "mon:stdio";
}

/* A parallel port is always there, with nothing behind it but in a window. */
static const char *default_parallel(const Machine *m)
{
    return m->opts->nodefaults || !m->board->parallels ? "none"
         : has_window() ? "vc" : "null";
}

/* Ports of a kind, which is the option and begins the names of chardevs. */
typedef struct PortKind {
    const char      *kind;
    u32              most;          /* that the board has */
    const GPtrArray *given;
    const char      *usual;         /* the first, if none was given */
    const char     **chardev;       /* of each, to be filled in */
} PortKind;

/* Port n; *mon: a chardev that the monitor is to share. */
static bool open_port(Machine *m, const PortKind *k, u32 n, Chardev **mon,
                      Err *err)
{
    const char *text = k->given->len ? k->given->pdata[n] : k->usual;
    g_autofree char *id = g_strdup_printf("%s%u", k->kind, n);
    Chardev *c;

    if (strcmp(text, "none") == 0) {
        return true;
    }
    if (n >= k->most) {
        return fail(err, "-%s %s: %s has %u %s port%s", k->kind, text,
                    m->board->name, k->most, k->kind,
                    k->most == 1 ? "" : "s");
    }
    c = chardev_open_short(text, id, err);
    if (!c) {
        return err_prefix(err, "-%s %s", k->kind, text);
    }
    k->chardev[n] = chardev_id(c);
    *mon = g_str_has_prefix(text, "mon:") ? c : *mon;
    return true;
}

static bool open_ports(Machine *m, Chardev **mon, Err *err)
{
    const PortKind kinds[] = {
        { "serial", m->board->serials, m->opts->serials, default_serial(m),
          m->serial },
        { "parallel", m->board->parallels, m->opts->parallels,
          default_parallel(m), m->parallel },
    };

    *mon = NULL;
    for (const PortKind *k = kinds; k < kinds + countof(kinds); k++) {
        for (u32 i = 0; i < MAX(k->given->len, 1u); i++) {
            if (!open_port(m, k, i, mon, err)) {
                return false;
            }
        }
    }
    return true;
}

/* What a monitor is: -mon mode=, or the option it came by. */
typedef enum MonitorKind { READLINE, CONTROL, CONTROL_PRETTY } MonitorKind;

static bool run_monitor(Machine *m, Chardev *c, MonitorKind kind, Err *err)
{
    return kind == READLINE ? monitor_open(m, c, err)
                            : qmp_open(m, c, kind == CONTROL_PRETTY, err);
}

/* "-mon [chardev=]ID,mode=readline|control,pretty=on". */
static bool open_mon(Machine *m, const char *text, Err *err)
{
    KeyVal *kv = keyval_parse(text, "chardev", err);
    const char *id = kv ? keyval_get(kv, "chardev") : NULL;
    const char *mode = kv ? keyval_get(kv, "mode") : NULL;
    Chardev *c = id ? chardev_find(id) : NULL;
    bool control = mode && strcmp(mode, "control") == 0, pretty = false;

    if (kv) {
        keyval_get(kv, "id");           /* a name that nothing refers to */
    }
    bool ok = kv && keyval_bool(kv, "pretty", false, &pretty, err)
        && keyval_done(kv, "it", err);

    if (ok && !c) {
        ok = fail(err, "there is no chardev \"%s\"; add -chardev ...,id=%s",
                  id ? id : "", id ? id : "ID");
    } else if (ok && mode && !control && strcmp(mode, "readline") != 0) {
        ok = fail(err, "mode=%s: write readline or control", mode);
    } else if (ok && pretty && !control) {
        ok = fail(err, "pretty=on is for mode=control");
    }
    ok = ok && run_monitor(m, c, !control ? READLINE
                           : pretty ? CONTROL_PRETTY : CONTROL, err);
    keyval_free(kv);
    return ok || err_prefix(err, "-mon %s", text);
}

/* -monitor, -qmp or -qmp-pretty. */
static bool open_monitor(Machine *m, const char *text, u32 n, MonitorKind kind,
                         Err *err)
{
    static const char *const options[] = {
        [READLINE] = "monitor", [CONTROL] = "qmp",
        [CONTROL_PRETTY] = "qmp-pretty",
    };
    g_autofree char *id = g_strdup_printf("%s%u", options[kind], n);
    Chardev *c = chardev_find(text);

    if (strcmp(text, "none") == 0) {
        return true;
    }
    c = c ? c : chardev_open_short(text, id, err);
    return (c && run_monitor(m, c, kind, err))
        || err_prefix(err, "-%s %s", options[kind], text);
}

/* A window's console 2 is the monitor, unless that is elsewhere. */
static bool open_monitor_console(const Options *o, Err *err)
{
    return !has_window() || o->nodefaults || o->monitors->len || o->mons->len
        || chardev_open_short("vc", MONITOR_CONSOLE, err);
}

static bool open_monitors(Machine *m, Chardev *shared, Err *err)
{
    const Options *o = m->opts;
    Chardev *console = chardev_find(MONITOR_CONSOLE);

    if ((shared && !monitor_open(m, shared, err))
        || (console && !monitor_open(m, console, err))) {
        return false;
    }
    const GPtrArray *lists[] = { o->monitors, o->qmps, o->pretty_qmps };
    for (u32 k = 0; k < countof(lists); k++) {
        for (u32 i = 0; i < lists[k]->len; i++) {
            if (!open_monitor(m, lists[k]->pdata[i], i, (MonitorKind)k, err)) {
                return false;
            }
        }
    }
    for (u32 i = 0; i < o->mons->len; i++) {
        if (!open_mon(m, o->mons->pdata[i], err)) {
            return false;
        }
    }
    /* -nographic with the serial port elsewhere: the terminal is free. */
    bool free_terminal = o->nographic && o->serials->len && !o->nodefaults
        && !o->monitors->len && !o->mons->len && !uses_stdio(o->serials)
        && !terminal_taken(o);
    return !free_terminal || open_monitor(m, "stdio", 0, READLINE, err);
}

/* ---- --explain ---------------------------------------------------------- */

/* Where the lines of a device go. */
static void explain_lines(Device *d)
{
    for (const Wire *w = d->type->wires; w && w->name; w++) {
        for (u32 i = 0; i < MAX(w->count, 1); i++) {
            const Line *l = device_line(d, w->name, i);
            const Device *to = l->set == device_input ? l->sink : NULL;
            if (to) {
                printf("  %s %s %u -> %s input %d\n", d->id, w->name, i,
                       to->id, l->n);
            } else if (l->set) {
                printf("  %s %s %u -> CPU\n", d->id, w->name, i);
            }
        }
    }
}

static void explain(Machine *m)
{
    printf("machine %s: %s\n", m->board->name, m->board->about);
    printf("%u x %s%s, %llu MiB of memory%s, accelerator %s\n\n", m->ncpus,
           m->ncpus ? m->cpu[0]->model : "no CPU",
           m->opts->cpu ? "" : " (default)",
           (unsigned long long)m->ram_size >> 20,
           m->opts->ram ? "" : " (default)", m->accel->name);
    monitor_command(m, "info mtree", stdout);
    printf("\ndevices:\n");
    monitor_command(m, "info qtree", stdout);
    printf("\ninterrupts and other lines:\n");
    for (u32 i = 0; i < m->devices->len; i++) {
        explain_lines(m->devices->pdata[i]);
    }
    printf("\nwhat the guest can reach of this host:\n");
    monitor_command(m, "info chardev", stdout);
    monitor_command(m, "info block", stdout);
    monitor_command(m, "info network", stdout);
}

/* ---- main --------------------------------------------------------------- */

static bool check_limits(Machine *m, const Options *o, Err *err)
{
    const Board *b = m->board;

    u32 cpus = MAX(o->smp, topology_cpus(&o->topology));

    if (cpus > b->max_cpus) {
        return fail(err, "-smp %u: %s has at most %u CPUs", cpus, b->name,
                    b->max_cpus);
    }
    if (o->vga && strcmp(o->vga, "none") != 0
        && (!b->vga || strcmp(o->vga, b->vga) != 0)) {
        return fail(err, "-vga %s: %s has no such adapter; there %s %s%snone",
                    o->vga, b->name, b->vga ? "are" : "is",
                    b->vga ? b->vga : "", b->vga ? " and " : "");
    }
    bool giga = b->ram_max >> 30;
    m->ram_size = o->ram ? align_up(o->ram, GUEST_PAGE) : b->ram_default;
    return m->ram_size <= b->ram_max
        || fail(err, "-m: %s has at most %llu %s", b->name,
                (unsigned long long)(b->ram_max >> (giga ? 30 : 20)),
                giga ? "GiB" : "MiB");
}

static bool make_machine(Machine *m, Err *err)
{
    const Options *o = m->opts;
    KeyVal *kv = o->machine ? keyval_parse(o->machine, "type", err) : NULL;
    bool ok = find_board(m, kv, err) && set_board(m, o->machine, err)
        && machine_size_ram(m, err) && check_limits(m, o, err);
    const char *props;
    Chardev *shared;

    keyval_free(kv);
    if (!ok || !choose_accel(m, &props, err) || !choose_display(m, err)
        || !check_terminal(o, err) || !open_back_ends(m, err)
        || !open_monitor_console(o, err) || !open_ports(m, &shared, err)
        || !m->board->init(m, err) || !machine_add_devices(m, err)
        || !open_monitors(m, shared, err)) {
        return false;
    }
    if (!m->accel->machine_start(m, props, err) || !vcpus_start(m, err)) {
        return false;
    }
    machine_watch_memory(m);
    return !o->gdb || gdb_open(m, o->gdb, err);
}

/* The machine lock is let go while the main thread sleeps. */
static gint poll_unlocked(GPollFD *fds, guint n, gint timeout)
{
    u32 depth = machine_unlock_all();
    gint r = g_poll(fds, n, timeout);

    machine_relock(depth);
    return r;
}

static gboolean on_signal(void *opaque)
{
    machine_shutdown(opaque, SHUTDOWN_SIGNAL);
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

/* Says what is wrong; the status to end with. */
static int complain(const Options *o, const Err *err)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S.%fZ ");

    fprintf(stderr, "%sanole: %s\n", o->timestamps ? time : "", err->text);
    return 1;
}

static bool load_snapshot(Machine *m, const char *name, Err *err)
{
    g_autoptr(GPtrArray) disks = snapshot_disks();

    return snapshot_load(m, &(SnapshotWant) { .name = name, .disks = disks },
                         err);
}

/* From the start, from a snapshot or, with -incoming, what it receives. */
static bool begin(Machine *m, Err *err)
{
    const Options *o = m->opts;

    clock_pause(true);
    machine_reset(m);
    if (o->incoming) {
        m->state = RUN_INMIGRATE;
        migration_autostart(m, !o->paused);
        return migration_receive(m, o->incoming, -1, err)
            || err_prefix(err, "-incoming");
    }
    if (o->loadvm && !load_snapshot(m, o->loadvm, err)) {
        return err_prefix(err, "-loadvm");
    }
    if (!o->paused) {
        machine_start(m);
    }
    return true;
}

static int run(Machine *m)
{
    Err err = { 0 };

    if (!begin(m, &err)) {
        return complain(m->opts, &err);
    }
    while (machine_serve(m)) {
        g_main_context_iteration(NULL, true);
    }
    return m->exit_code;
}

static void finish(Machine *m)
{
    if (m->opts->pidfile) {
        unlink(m->opts->pidfile);
    }
    vcpus_stop(m);
    display_close(&ui);
    gdb_exit(m->exit_code);
    block_close_all();
    netdev_close_all();
    chardev_close_all();
}

/* The process has one of each, and they live as long as it does. */
static Options options;
static Machine machine;

int main(int argc, char **argv)
{
    Options *o = &options;
    Machine *m = &machine;
    Err err = { 0 };
    bool done = false;
    int parent = -1;

    signal(SIGPIPE, SIG_IGN);
    o->default_target = own_target(argv[0]);
    if (!options_parse(o, argc, argv, &done, &err)) {
        return complain(o, &err);
    }
    if (done) {
        return 0;
    }
    if (o->daemonize && !daemon_start(&parent, &err)) {
        return complain(o, &err);
    }
    g_main_context_set_poll_func(NULL, poll_unlocked);
    machine_lock();
    m->opts = o;
    m->mem = mem_new();
    mem_listen(m->mem, iothread_pass_all, NULL);
    iothread_init(machine_lock, machine_unlock);
    m->devices = g_ptr_array_new();
    m->no_reboot = o->no_reboot;
    m->no_shutdown = o->no_shutdown;
    chardev_on_quit(quit, m);
    g_unix_signal_add(SIGTERM, on_signal, m);
    g_unix_signal_add(SIGINT, on_signal, m);
    g_unix_signal_add(SIGHUP, on_signal, m);
    if (!make_machine(m, &err) || !write_pidfile(o->pidfile, &err)
        || (!o->explain
            && !display_open(&ui, o->display ? o->display : "", &err))
        || (o->daemonize && !daemon_ready(parent, &err))) {
        display_close(&ui);
        chardev_close_all();
        return complain(o, &err);
    }
    int status = 0;
    if (o->explain) {
        explain(m);
    } else {
        status = run(m);
    }
    finish(m);
    return status;
}
