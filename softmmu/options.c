/* SPDX-License-Identifier: MIT */
/*
 * The command line: one table of options, spelled as QEMU's users know them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "accel/accel.h"
#include "hw/core/device.h"
#include "softmmu/objects.h"
#include "target/target.h"
#include "ui/display.h"
#include "ui/layout.h"
#include "util/fdset.h"
#include "util/json.h"
#include "util/keyval.h"
#include "util/log.h"

typedef struct Option {
    const char *name;
    const char *args;           /* NULL: takes none */
    const char *help;
    bool (*set)(Options *o, const char *value, bool *done, Err *err);
    u32 at;                     /* without `set`: the member to fill */
    enum { TEXT, LIST, FLAG, NOT_YET, TAKEN } kind;     /* and what it is */
} Option;

/* ---- lists for "help" --------------------------------------------------- */

static bool is_help(const char *value)
{
    return strcmp(value, "help") == 0 || strcmp(value, "?") == 0;
}

static void list_machines(void)
{
    printf("Supported machines are:\n");
    SET_EACH(boards, Board, b) {
        printf("%-20s %s\n", (*b)->name, (*b)->about);
    }
}

static void list_cpus(void)
{
    SET_EACH(targets, Target, t) {
        printf("Available CPUs of %s:\n", (*t)->name);
        for (const char *const *m = (*t)->models; *m; m++) {
            printf("  %s\n", *m);
        }
    }
}

static void list_devices(void)
{
    SET_EACH(devices, DeviceType, t) {
        if ((*t)->user) {
            printf("name \"%s\", desc \"%s\"\n", (*t)->name, (*t)->about);
        }
    }
}

static void list_accels(void)
{
    printf("Accelerators supported:\n");
    SET_EACH(accels, Accel, a) {
        printf("%-8s %s\n", (*a)->name, (*a)->about);
    }
}

static bool list_props(const char *value)
{
    g_autofree char *type = g_strndup(value, strcspn(value, ","));
    const DeviceType *t = device_type(type);

    if (!t || !g_str_has_suffix(value, ",help")) {
        return false;
    }
    printf("%s options:\n", type);
    for (const Prop *p = t->props; p && p->name; p++) {
        static const char *const kinds[] = {
            "bool", "uint32", "uint64", "str", "chardev", "drive", "netdev",
        };
        printf("  %s=<%s> - %s%s%s\n", p->name, kinds[p->kind], p->help,
               p->initial ? " (default: " : "", p->initial ? p->initial : "");
    }
    return true;
}

/* ---- setters ------------------------------------------------------------ */

static bool set_machine(Options *o, const char *value, bool *done, Err *err)
{
    (void)err;
    if (is_help(value)) {
        list_machines();
        *done = true;
    }
    o->machine = g_str_has_prefix(value, "type=") ? value + 5 : value;
    return true;
}

static bool set_cpu(Options *o, const char *value, bool *done, Err *err)
{
    (void)err;
    if (is_help(value)) {
        list_cpus();
        *done = true;
    }
    o->cpu = value;
    return true;
}

/*
 * "N" or "cpus=,maxcpus=,sockets=,dies=,clusters=,cores=,threads=": the first
 * that is missing of cores, sockets and threads follows from the rest.
 */
static bool count_cpus(KeyVal *kv, u64 *n, Topology *t, Err *err)
{
    enum { CORES, SOCKETS, THREADS, DIES, CLUSTERS, PARTS, MOST = PARTS,
           CPUS, WORDS };
    static const char *const name[WORDS] = {
        "cores", "sockets", "threads", "dies", "clusters", "maxcpus", "cpus",
    };
    u64 v[WORDS], given = 1, most;
    bool missing = true;

    for (u32 i = 0; i < WORDS; i++) {
        if (!keyval_u64(kv, name[i], 0, &v[i], err)) {
            return false;
        }
        v[i] = MIN(v[i], 1024);
        given *= i < PARTS ? MAX(v[i], 1) : 1;
    }
    most = v[MOST] ? v[MOST] : v[CPUS] ? v[CPUS] : given;
    for (u32 i = 0; i < PARTS; i++) {
        bool first = missing && !v[i] && i <= THREADS;
        v[i] = first ? MAX(most / given, 1) : MAX(v[i], 1);
        missing &= !first;
    }
    *n = v[CPUS] ? v[CPUS] : most;
    *t = (Topology) {
        .sockets = (u32)v[SOCKETS], .dies = (u32)v[DIES],
        .cores = (u32)(v[CORES] * v[CLUSTERS]), .threads = (u32)v[THREADS],
    };
    return (topology_cpus(t) == most && *n <= most)
        || fail(err, "%llu sockets of %llu CPUs are not the %llu CPUs of %s; "
                "leave one of the numbers out", (unsigned long long)v[SOCKETS],
                (unsigned long long)(topology_cpus(t) / v[SOCKETS]),
                (unsigned long long)MAX(most, *n),
                v[MOST] && most >= *n ? "maxcpus=" : "cpus=");
}

static bool set_smp(Options *o, const char *value, bool *done, Err *err)
{
    KeyVal *kv = keyval_parse(value, "cpus", err);
    const char *plain = kv ? keyval_get(kv, "cpus") : NULL;
    u64 n = 0;
    bool ok = kv && (!plain || strcmp(plain, "0") || fail(err, "a machine has "
                                                         "at least 1 CPU"))
        && count_cpus(kv, &n, &o->topology, err) && keyval_done(kv, "it", err)
        && (n <= 255 || fail(err, "so many CPUs no machine has"));

    (void)done;
    keyval_free(kv);
    o->smp = (u32)n;
    return ok || err_prefix(err, "-smp %s", value);
}

/* A size of memory: MiB if there is no suffix; "512MB" is fine too. */
static bool parse_ram(const char *text, u64 *bytes)
{
    g_autofree char *number = g_strdup(text);
    size_t len = strlen(number);

    if (len > 2 && g_ascii_toupper(number[len - 1]) == 'B'
        && g_ascii_isalpha(number[len - 2])) {
        number[--len] = '\0';
    }
    if (!len || !parse_u64(number, bytes)) {
        return false;
    }
    if (g_ascii_isdigit(number[len - 1])) {
        if (*bytes >> 44) {
            return false;
        }
        *bytes <<= 20;
    }
    return *bytes != 0;
}

static bool set_ram(Options *o, const char *value, bool *done, Err *err)
{
    KeyVal *kv = keyval_parse(value, "size", err);
    const char *size = kv ? keyval_get(kv, "size") : NULL;
    bool ok = kv != NULL;

    (void)done;
    if (size && !parse_ram(size, &o->ram)) {
        ok = fail(err, "write a size such as 512M or 2G");
    } else if (kv && (keyval_get(kv, "slots") || keyval_get(kv, "maxmem"))) {
        ok = fail(err, "memory cannot be plugged in later yet; only the size");
    }
    ok = ok && keyval_done(kv, "it", err);
    keyval_free(kv);
    return ok || err_prefix(err, "-m %s", value);
}

static bool add_device(Options *o, const char *value, bool *done, Err *err)
{
    (void)err;
    if (is_help(value)) {
        list_devices();
        *done = true;
    } else if (list_props(value)) {
        *done = true;
    }
    g_ptr_array_add(o->devices, (void *)value);
    return true;
}

static bool add_accel(Options *o, const char *value, bool *done, Err *err)
{
    (void)err;
    if (is_help(value)) {
        list_accels();
        *done = true;
    }
    g_ptr_array_add(o->accels, (void *)value);
    return true;
}

static bool enable_kvm(Options *o, const char *value, bool *done, Err *err)
{
    (void)value;
    return add_accel(o, "kvm", done, err);
}

static bool set_log(Options *o, const char *value, bool *done, Err *err)
{
    (void)o;
    if (is_help(value)) {
        log_help();
        *done = true;
        return true;
    }
    return log_select(value, err);
}

static bool set_log_file(Options *o, const char *value, bool *done, Err *err)
{
    (void)o;
    (void)done;
    return log_file(value, err);
}

static bool set_filter(Options *o, const char *value, bool *done, Err *err)
{
    (void)o;
    (void)done;
    return log_filter(value, err);
}

static bool set_gdb_default(Options *o, const char *value, bool *done, Err *err)
{
    (void)value;
    (void)done;
    (void)err;
    o->gdb = "tcp::1234";
    return true;
}

static bool set_net(Options *o, const char *value, bool *done, Err *err)
{
    (void)done;
    if (strcmp(value, "none") == 0) {
        o->no_net = true;
        return true;
    }
    return fail(err, "-net %s: only -net none is there; write -netdev and "
                "-device, or -nic", value);
}

static bool set_display(Options *o, const char *value, bool *done, Err *err)
{
    (void)err;
    if (is_help(value)) {
        display_help();
        *done = true;
    }
    o->display = value;
    return true;
}

static bool set_sdl(Options *o, const char *value, bool *done, Err *err)
{
    (void)value;
    return set_display(o, "sdl", done, err);
}

static bool set_curses(Options *o, const char *value, bool *done, Err *err)
{
    (void)value;
    return set_display(o, "curses", done, err);
}

static bool set_layout(Options *o, const char *value, bool *done, Err *err)
{
    (void)o;
    (void)done;
    return layout_select(value, err);
}

/* Seconds from the host's UTC to the time that text names. */
static bool clock_base(const char *text, i64 *ahead, Err *err)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();

    if (strcmp(text, "utc") == 0) {
        *ahead = 0;
        return true;
    }
    if (strcmp(text, "localtime") == 0) {
        *ahead = g_date_time_get_utc_offset(now) / G_TIME_SPAN_SECOND;
        return true;
    }
    g_autofree char *midnight = g_strconcat(text, "T00:00:00", NULL);
    g_autoptr(GDateTime) then = g_date_time_new_from_iso8601(
        strchr(text, 'T') ? text : midnight, utc);
    if (!then) {
        return fail(err, "base=%s: write utc, localtime or a date such as "
                    "2024-02-29T12:00:00", text);
    }
    *ahead = g_date_time_difference(then, now) / G_TIME_SPAN_SECOND;
    return true;
}

static bool set_rtc(Options *o, const char *value, bool *done, Err *err)
{
    KeyVal *kv = keyval_parse(value, NULL, err);
    const char *base = kv ? keyval_get(kv, "base") : NULL;
    const char *clock = kv ? keyval_get(kv, "clock") : NULL;
    bool ok = kv && (!base || clock_base(base, &o->rtc_ahead, err));

    (void)done;
    if (clock && strcmp(clock, "host") && strcmp(clock, "rt")) {
        ok = fail(err, "clock=%s: only clock=host is there", clock);
    }
    if (kv) {
        keyval_get(kv, "driftfix");
    }
    ok = ok && keyval_done(kv, "it", err);
    keyval_free(kv);
    return ok || err_prefix(err, "-rtc %s", value);
}

/* "dc", or "order=dc,menu=on": drives a, c, d and the network, n. */
static bool set_boot(Options *o, const char *value, bool *done, Err *err)
{
    static const char *const without_meaning[] = {
        "strict", "splash", "splash-time", "reboot-timeout", "once",
    };
    KeyVal *kv = keyval_parse(value, "order", err);
    const char *order = kv ? keyval_get(kv, "order") : NULL;
    const char *menu = kv ? keyval_get(kv, "menu") : NULL;
    bool ok = kv != NULL;

    (void)done;
    if (order && (strlen(order) >= sizeof o->boot_order
                  || order[strspn(order, "acdn")])) {
        ok = fail(err, "order=%s: up to three of a (floppy), c (disk), d (CD), "
                  "n (network)", order);
    } else if (order) {
        g_strlcpy(o->boot_order, order, sizeof o->boot_order);
    }
    o->boot_menu = menu && strcmp(menu, "on") == 0;
    for (u32 i = 0; kv && i < countof(without_meaning); i++) {
        keyval_get(kv, without_meaning[i]);
    }
    ok = ok && keyval_done(kv, "it", err);
    keyval_free(kv);
    return ok || err_prefix(err, "-boot %s", value);
}

/* A drive by its place; `rest` is what -drive says beside the file. */
static bool add_place(Options *o, const char *value, const char *rest)
{
    g_auto(GStrv) part = g_strsplit(value, ",", -1);
    g_autofree char *file = g_strjoinv(",,", part);

    g_ptr_array_add(o->drives, g_strdup_printf("file=%s,%s", file, rest));
    return true;
}

#define PLACE(n, rest)                                                      \
    static bool add_##n(Options *o, const char *value, bool *done, Err *err) \
    {                                                                       \
        (void)done;                                                         \
        (void)err;                                                          \
        return add_place(o, value, rest);                                   \
    }
PLACE(cdrom, "if=ide,index=2,media=cdrom,format=raw,readonly=on")
PLACE(fda, "if=floppy,index=0,format=raw")
PLACE(fdb, "if=floppy,index=1,format=raw")
PLACE(hda, "if=ide,index=0,format=raw")
PLACE(hdb, "if=ide,index=1,format=raw")
PLACE(hdc, "if=ide,index=2,format=raw")
PLACE(hdd, "if=ide,index=3,format=raw")

static const char *const watchdog_words[] = {
    "reset", "shutdown", "poweroff", "pause", "debug", "none", "inject-nmi",
};

const char *watchdog_action_name(WatchdogAction action)
{
    return watchdog_words[action];
}

bool panic_action_of(const char *word, PanicAction *action, Err *err)
{
    static const char *const words[] = {
        "shutdown", "pause", "exit-failure", "none",
    };

    for (u32 i = 0; i < countof(words); i++) {
        if (strcmp(word, words[i]) == 0) {
            *action = (PanicAction)i;
            return true;
        }
    }
    return fail(err, "panic=%s: write shutdown, pause, exit-failure or none",
                word);
}

static bool watchdog_action(const char *word, WatchdogAction *action, Err *err)
{
    for (u32 i = 0; i < countof(watchdog_words); i++) {
        if (strcmp(word, watchdog_words[i]) == 0) {
            *action = (WatchdogAction)i;
            return true;
        }
    }
    return fail(err, "watchdog=%s: write reset, shutdown, poweroff, pause, "
                "debug, none or inject-nmi", word);
}

static bool set_watchdog(Options *o, const char *value, bool *done, Err *err)
{
    (void)done;
    return watchdog_action(value, &o->watchdog, err)
        || err_prefix(err, "-watchdog-action");
}

/* What happens when: each event has some actions, the first is the usual. */
static bool set_action(Options *o, const char *value, bool *done, Err *err)
{
    KeyVal *kv = keyval_parse(value, NULL, err);
    const char *reboot = kv ? keyval_get(kv, "reboot") : NULL;
    const char *off = kv ? keyval_get(kv, "shutdown") : NULL;
    bool ok = kv != NULL;

    (void)done;
    if (reboot && strcmp(reboot, "reset") && strcmp(reboot, "shutdown")) {
        ok = fail(err, "reboot=%s: write reset or shutdown", reboot);
    }
    if (off && strcmp(off, "poweroff") && strcmp(off, "pause")) {
        ok = fail(err, "shutdown=%s: write poweroff or pause", off);
    }
    o->no_reboot = reboot ? strcmp(reboot, "shutdown") == 0 : o->no_reboot;
    o->no_shutdown = off ? strcmp(off, "pause") == 0 : o->no_shutdown;
    const char *panic = kv ? keyval_get(kv, "panic") : NULL;
    ok = ok && (!panic || panic_action_of(panic, &o->panic, err));
    const char *dog = kv ? keyval_get(kv, "watchdog") : NULL;
    ok = ok && (!dog || watchdog_action(dog, &o->watchdog, err));
    ok = ok && keyval_done(kv, "it", err);
    keyval_free(kv);
    return ok || err_prefix(err, "-action %s", value);
}

static bool add_object(Options *o, const char *value, bool *done, Err *err)
{
    (void)done;
    g_ptr_array_add(o->objects, g_strdup(value));
    return object_check(value, err)
        || err_prefix(err, "-object %s", value);
}

/* "NAME", or "guest=NAME,debug-threads=on": vCPU threads always have names. */
static bool set_name(Options *o, const char *value, bool *done, Err *err)
{
    KeyVal *kv = keyval_parse(value, "guest", err);
    bool threads, ok;

    (void)done;
    o->name = kv ? g_strdup(keyval_get(kv, "guest")) : NULL;
    if (kv) {
        keyval_get(kv, "process");
    }
    ok = kv && keyval_bool(kv, "debug-threads", true, &threads, err)
        && keyval_done(kv, "it", err);
    keyval_free(kv);
    return ok || err_prefix(err, "-name %s", value);
}

static bool set_uuid(Options *o, const char *value, bool *done, Err *err)
{
    (void)done;
    o->uuid = g_ascii_strdown(value, -1);
    return g_uuid_string_is_valid(o->uuid)
        || fail(err, "-uuid %s: write 32 hexadecimal digits as in "
                "123e4567-e89b-12d3-a456-426614174000", value);
}

/* Sound cards may name it; there are none yet, so that nothing is heard. */
static bool set_audio(Options *o, const char *value, bool *done, Err *err)
{
    KeyVal *kv = keyval_parse(value, "driver", err);
    const char *driver = kv ? keyval_get(kv, "driver") : NULL;
    bool ok = kv != NULL;

    (void)o;
    (void)done;
    if (kv) {
        keyval_get(kv, "id");
    }
    if (ok && (!driver || strcmp(driver, "none") != 0)) {
        ok = fail(err, "driver=%s: there is no sound yet, only driver=none",
                  driver ? driver : "");
    }
    ok = ok && keyval_done(kv, "it", err);
    keyval_free(kv);
    return ok || err_prefix(err, "-audiodev %s", value);
}

/* "set=N,fd=M[,opaque=TEXT]": a descriptor that we were started with. */
static bool add_fd(Options *o, const char *value, bool *done, Err *err)
{
    KeyVal *kv = keyval_parse(value, NULL, err);
    u64 set = 0, fd = 0;
    bool ok = kv && keyval_u64(kv, "set", ~0ull, &set, err)
        && keyval_u64(kv, "fd", ~0ull, &fd, err);
    const char *opaque = ok ? keyval_get(kv, "opaque") : NULL;
    int own = -1;

    (void)o;
    (void)done;
    if (ok && (set > UINT32_MAX || fd > INT32_MAX)) {
        ok = fail(err, "set=NUMBER and fd=NUMBER are needed");
    } else if (ok) {
        own = fcntl((int)fd, F_DUPFD_CLOEXEC, 0);
        ok = own >= 0 || fail(err, "fd=%d is not open", (int)fd);
    }
    ok = ok && keyval_done(kv, "it", err);
    if (ok) {
        fdset_add((u32)set, own, opaque);
    } else if (own >= 0) {
        close(own);
    }
    keyval_free(kv);
    return ok || err_prefix(err, "-add-fd %s", value);
}

static bool set_msg(Options *o, const char *value, bool *done, Err *err)
{
    KeyVal *kv = keyval_parse(value, "timestamp", err);
    bool name, ok;

    (void)done;
    ok = kv && keyval_bool(kv, "timestamp", true, &o->timestamps, err)
        && keyval_bool(kv, "guest-name", false, &name, err)
        && keyval_done(kv, "it", err);
    keyval_free(kv);
    return ok || err_prefix(err, "-msg %s", value);
}

static bool print_version(Options *o, const char *value, bool *done, Err *err)
{
    (void)o;
    (void)value;
    (void)err;
    printf("anole " ANOLE_VERSION "\n");
    return *done = true;
}

static bool print_help(Options *o, const char *value, bool *done, Err *err);

/* What fills a row's last three members. */
#define CALL(f)      f, 0, TEXT
#define IN(kind, m)  NULL, offsetof(Options, m), kind
#define ONLY(kind)   NULL, 0, kind

static const Option options[] = {
    { "M",         "NAME[,opt=value]", "machine; -M help lists them",        CALL(set_machine) },
    { "machine",   "NAME[,opt=value]", "the same",                           CALL(set_machine) },
    { "cpu",       "MODEL[,feat=on]", "CPU model; -cpu help lists them",     CALL(set_cpu) },
    { "accel",     "NAME[,opt=value]", "accelerator; the first that can run", CALL(add_accel) },
    { "smp",       "N", "number of CPUs",                                    CALL(set_smp) },
    { "m",         "SIZE", "guest memory, MiB or with a suffix",             CALL(set_ram) },
    { "kernel",    "FILE", "kernel: Image, Image.gz or ELF",                 IN(TEXT, kernel) },
    { "initrd",    "FILE", "initial RAM disk",                               IN(TEXT, initrd) },
    { "append",    "TEXT", "the kernel's command line",                      IN(TEXT, append) },
    { "dtb",       "FILE", "device tree in place of the machine's",          IN(TEXT, dtb) },
    { "bios",      "FILE", "firmware",                                       IN(TEXT, bios) },
    { "pflash",    "FILE", "image of a flash bank",                          IN(LIST, pflash) },
    { "drive",     "file=F,if=none,id=I,format=raw", "disk image",           IN(LIST, drives) },
    { "device",    "TYPE[,prop=value]", "device; -device help lists them",   CALL(add_device) },
    { "netdev",    "user,id=I[,hostfwd=..]", "network",                      IN(LIST, netdevs) },
    { "nic",       "user[,model=..]", "network and card in one",             IN(LIST, nics) },
    { "net",       "none", "no default network",                             CALL(set_net) },
    { "chardev",   "KIND,id=I[,..]", "character device",                     IN(LIST, chardevs) },
    { "serial",    "DEV", "where a serial port goes",                        IN(LIST, serials) },
    { "monitor",   "DEV", "where the monitor goes",                          IN(LIST, monitors) },
    { "mon",       "[chardev=]ID[,mode=readline|control][,pretty=on]",
      "the same (control: -qmp), by chardev",                                IN(LIST, mons) },
    { "parallel",  "DEV", "where a parallel port goes",                      IN(LIST, parallels) },
    { "nographic", NULL, "serial port and monitor on this terminal",         IN(FLAG, nographic) },
    { "display",   "none|sdl|curses", "how to see the screen", CALL(set_display) },
    { "sdl",       NULL, "-display sdl: a window",                           CALL(set_sdl) },
    { "curses",    NULL, "-display curses: text screens here", CALL(set_curses) },
    { "full-screen", NULL, "the window fills the screen", IN(FLAG, full_screen) },
    { "vga",       "std|none", "the display adapter",                        IN(TEXT, vga) },
    { "nodefaults", NULL, "no devices but those asked for",                  IN(FLAG, nodefaults) },
    { "no-user-config", NULL, "accepted",                                    ONLY(TAKEN) },
    { "boot",      "order=acdn,menu=on", "what firmware boots from",         CALL(set_boot) },
    { "cdrom",     "FILE", "a CD",                                           CALL(add_cdrom) },
    { "fda",       "FILE", "first floppy disk; -fdb too",                    CALL(add_fda) },
    { "fdb",       "FILE", "second floppy disk",                             CALL(add_fdb) },
    { "hda",       "FILE", "first disk; -hdb, -hdc, -hdd too",               CALL(add_hda) },
    { "hdb",       "FILE", "second disk",                                    CALL(add_hdb) },
    { "hdc",       "FILE", "third disk",                                     CALL(add_hdc) },
    { "hdd",       "FILE", "fourth disk",                                    CALL(add_hdd) },
    { "k",         "LAYOUT", "what keys mean: en-us, en-gb, de, fr",         CALL(set_layout) },
    { "msg",       "timestamp=on", "messages begin with the time",           CALL(set_msg) },
    { "add-fd",    "set=N,fd=M", "an open file as /dev/fdset/N",              CALL(add_fd) },
    { "audiodev",  "none,id=I", "where sound goes; nowhere yet",             CALL(set_audio) },
    { "overcommit", "mem-lock=off", "accepted",                              ONLY(TAKEN) },
    { "uuid",      "UUID", "the machine's number",                           CALL(set_uuid) },
    { "enable-kvm", NULL, "-accel kvm",                              CALL(enable_kvm) },
    { "smbios",    "type=1,product=P,serial=S", "what SMBIOS tables say",    IN(LIST, smbios) },
    { "usb",       NULL, "accepted",                                         ONLY(TAKEN) },
    { "no-acpi",   NULL, "-M acpi=off",                                      IN(FLAG, no_acpi) },
    { "no-reboot", NULL, "end when the guest reboots",                       IN(FLAG, no_reboot) },
    { "no-shutdown", NULL, "pause when the guest powers off", IN(FLAG, no_shutdown) },
    { "S",         NULL, "do not start the CPUs",                            IN(FLAG, paused) },
    { "s",         NULL, "-gdb tcp::1234", CALL(set_gdb_default) },
    { "gdb",       "DEV", "wait for gdb there",                              IN(TEXT, gdb) },
    { "d",         "ITEM,...", "log; -d help lists the items",               CALL(set_log) },
    { "D",         "FILE", "where the log goes",                             CALL(set_log_file) },
    { "dfilter",   "RANGE,...", "guest addresses that -d logs",              CALL(set_filter) },
    { "global",    "TYPE.PROP=VALUE", "default of a device's property",      IN(LIST, globals) },
    { "snapshot",  NULL, "disk writes go to temporary files",                IN(FLAG, snapshot) },
    { "rtc",       "base=utc|localtime|DATE", "what time it is",             CALL(set_rtc) },
    { "action",    "reboot=..,panic=..,watchdog=..", "what these events do",  CALL(set_action) },
    { "watchdog-action", "ACTION", "as -action watchdog=",                    CALL(set_watchdog) },
    { "object",    "rng-random,id=I", "objects that devices use",            CALL(add_object) },
    { "blockdev",  "driver=raw,node-name=I,..", "disk image; JSON too",    IN(LIST, blockdevs) },
    { "name",      "NAME", "name of the guest",                              CALL(set_name) },
    { "pidfile",   "FILE", "write the process id there",                     IN(TEXT, pidfile) },
    { "L",         "FOLDER", "where to look for firmware",                   IN(LIST, folders) },
    { "explain",   NULL, "print the machine that these options make",        IN(FLAG, explain) },
    { "icount",    "..", "counting instructions as time",                    ONLY(NOT_YET) },
    { "qmp",       "DEV", "the monitor for programs (JSON)",                 IN(LIST, qmps) },
    { "qmp-pretty", "DEV", "the same, indented",                     IN(LIST, pretty_qmps) },
    { "vnc",       "DISPLAY", "a screen over the network",                   ONLY(NOT_YET) },
    { "spice",     "..", "a screen over the network",                        ONLY(NOT_YET) },
    { "daemonize", NULL, "go to the background when all is ready",           IN(FLAG, daemonize) },
    { "semihosting", NULL, "semihosting",                                    ONLY(NOT_YET) },
    { "semihosting-config", "..", "semihosting",                             ONLY(NOT_YET) },
    { "incoming",  "URI", "start from a saved state: file:PATH, tcp::PORT",  IN(TEXT, incoming) },
    { "loadvm",    "NAME", "start from a snapshot of savevm",                IN(TEXT, loadvm) },
    { "trace",     "..", "tracing",                                          ONLY(NOT_YET) },
    { "sandbox",   "on", "a sandbox",                                        ONLY(NOT_YET) },
    { "version",   NULL, "print the version",                                CALL(print_version) },
    { "help",      NULL, "this list",                                        CALL(print_help) },
    { "h",         NULL, "this list",                                        CALL(print_help) },
};

static bool print_help(Options *o, const char *value, bool *done, Err *err)
{
    (void)o;
    (void)value;
    (void)err;
    printf("usage: anole -M MACHINE [options]\n\n");
    for (u32 i = 0; i < countof(options); i++) {
        g_autofree char *left = g_strdup_printf(
            "-%s %s", options[i].name, options[i].args ? options[i].args : "");
        printf("%-34s %s%s\n", left, options[i].help,
               options[i].kind == NOT_YET ? " (not yet)" : "");
    }
    return *done = true;
}

/* value is the command line's, or lives as long as that. */
static bool apply(Options *o, const Option *row, const char *value, bool *done,
                  Err *err)
{
    void *at = (u8 *)o + row->at;

    if (row->set) {
        return row->set(o, value, done, err);
    }
    switch (row->kind) {
    case TEXT: *(const char **)at = value; break;
    case LIST: g_ptr_array_add(*(GPtrArray **)at, (void *)value); break;
    case FLAG: *(bool *)at = true; break;
    case NOT_YET:
        return fail(err, "-%s: not supported yet (%s)", row->name, row->help);
    case TAKEN: break;
    }
    return true;
}

static const Option *option_find(const char *name, Err *err)
{
    const char *names[countof(options)];

    for (u32 i = 0; i < countof(options); i++) {
        names[i] = options[i].name;
        if (strcmp(name, options[i].name) == 0) {
            return &options[i];
        }
    }
    const char *near = nearest_word(name, names, countof(options));
    fail(err, "unknown option -%s%s%s%s; -help lists all", name,
         near ? "; did you mean -" : "", near ? near : "", near ? "?" : "");
    return NULL;
}

bool options_nth(u32 n, OptionText *out)
{
    for (u32 i = 0; i < countof(options) && i <= n; i++) {
        n += options[i].kind == NOT_YET;        /* as if it were not there */
    }
    if (n >= countof(options)) {
        return false;
    }
    *out = (OptionText) { options[n].name, options[n].args, options[n].help };
    return true;
}

static void start(Options *o)
{
    GPtrArray **lists[] = {
        &o->accels, &o->drives, &o->devices, &o->netdevs, &o->nics,
        &o->chardevs, &o->serials, &o->monitors, &o->globals, &o->pflash,
        &o->folders, &o->blockdevs, &o->objects, &o->mons, &o->qmps,
        &o->pretty_qmps, &o->smbios, &o->parallels,
    };

    o->smp = 1;
    o->topology = (Topology) { 1, 1, 1, 1 };
    for (u32 i = 0; i < countof(lists); i++) {
        *lists[i] = g_ptr_array_new();
    }
    /* Monitors add and remove objects; the other lists point into argv. */
    g_ptr_array_set_free_func(o->objects, g_free);
}

bool options_parse(Options *o, int argc, char **argv, bool *done, Err *err)
{
    start(o);
    for (int i = 1; i < argc && !*done; i++) {
        const char *word = argv[i];
        if (*word != '-' || !word[1]) {
            return fail(err, "\"%s\" is no option; a disk is given by -drive "
                        "file=%s,if=none,id=disk0", word, word);
        }
        const Option *row = option_find(word + (word[1] == '-' ? 2 : 1), err);
        if (!row) {
            return false;
        }
        if (row->args && i + 1 == argc) {
            return fail(err, "-%s needs a value: -%s %s", row->name, row->name,
                        row->args);
        }
        const char *value = row->args ? argv[++i] : NULL;
        if (value && *value == '{') {
            value = json_to_options(value, err);
            if (!value) {
                return err_prefix(err, "-%s", row->name);
            }
        }
        if (!apply(o, row, value, done, err)) {
            return false;
        }
    }
    return true;
}
