/* SPDX-License-Identifier: MIT */
/*
 * The command line: one table of options, spelled as QEMU's users know them.
 */
#include <stdio.h>
#include <stdlib.h>
#include "accel/accel.h"
#include "hw/core/device.h"
#include "softmmu/options.h"
#include "target/target.h"
#include "util/keyval.h"
#include "util/log.h"

typedef struct Option {
    const char *name;
    const char *args;           /* NULL: takes none */
    const char *help;
    bool (*set)(Options *o, const char *value, bool *done, Err *err);
    u32 at;                     /* without `set`: the member to fill */
    enum { TEXT, LIST, FLAG } kind;     /* and what it is */
} Option;

/* ---- lists for "help" ----------------------------------------------------------- */

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

/* ---- setters ---------------------------------------------------------------------- */

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

static bool count_cpus(const char *value, u64 *n, Err *err)
{
    KeyVal *kv = keyval_parse(value, "cpus", err);
    u64 sockets, cores, threads, most;
    bool ok = kv && keyval_u64(kv, "cpus", 0, n, err)
        && keyval_u64(kv, "maxcpus", 0, &most, err)
        && keyval_u64(kv, "sockets", 1, &sockets, err)
        && keyval_u64(kv, "clusters", 1, &threads, err)
        && keyval_u64(kv, "cores", 1, &cores, err)
        && keyval_u64(kv, "threads", 1, &threads, err)
        && keyval_done(kv, "-smp", err);

    keyval_free(kv);
    if (ok && *n == 0 && !g_str_has_prefix(value, "0")) {
        *n = sockets * cores * threads;
    }
    return ok;
}

static bool set_smp(Options *o, const char *value, bool *done, Err *err)
{
    u64 n = 0;

    (void)done;
    if (!count_cpus(value, &n, err)) {
        return err_prefix(err, "-smp %s", value);
    }
    if (n == 0 || n > 255) {
        return fail(err, "-smp %s: a machine has 1 to 8 CPUs", value);
    }
    o->smp = (u32)n;
    return true;
}

/* A size: MiB if there is no suffix. */
static bool set_ram(Options *o, const char *value, bool *done, Err *err)
{
    const char *text = g_str_has_prefix(value, "size=") ? value + 5 : value;
    g_autofree char *number = g_strndup(text, strcspn(text, ","));
    bool suffix = *number
        && g_ascii_isalpha(number[strlen(number) - 1]);

    (void)done;
    if (suffix && g_ascii_toupper(number[strlen(number) - 1]) == 'B') {
        number[strlen(number) - 1] = '\0';
    }
    if (!parse_u64(number, &o->ram) || !o->ram) {
        return fail(err, "-m %s: write a size such as 512M or 2G", value);
    }
    if (!suffix) {
        o->ram <<= 20;
    }
    return true;
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

static bool set_log(Options *o, const char *value, bool *done, Err *err)
{
    (void)o;
    if (is_help(value)) {
        printf("Log items (comma separated):\n");
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
    (void)o;
    (void)done;
    return strcmp(value, "none") == 0
        || fail(err, "no display \"%s\": there are no screens yet; -display "
                "none", value);
}

static bool set_vga(Options *o, const char *value, bool *done, Err *err)
{
    (void)o;
    (void)done;
    return strcmp(value, "none") == 0
        || fail(err, "no display adapter \"%s\" yet; -vga none", value);
}

static bool ignore(Options *o, const char *value, bool *done, Err *err)
{
    (void)o;
    (void)value;
    (void)done;
    (void)err;
    return true;
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

#define AT(m) offsetof(Options, m)
static const Option options[] = {
    { "M",          "NAME[,opt=value]", "machine; -M help lists them", set_machine, 0, 0 },
    { "machine",    "NAME[,opt=value]", "the same",                    set_machine, 0, 0 },
    { "cpu",        "MODEL[,feat=on]",  "CPU model; -cpu help lists them", set_cpu, 0, 0 },
    { "accel",      "NAME[,opt=value]", "accelerator; the first that can run here does", add_accel, 0, 0 },
    { "smp",        "N",                "number of CPUs",              set_smp, 0, 0 },
    { "m",          "SIZE",             "guest memory, MiB or with a suffix", set_ram, 0, 0 },
    { "kernel",     "FILE",             "kernel: Image, Image.gz or ELF", NULL, AT(kernel), TEXT },
    { "initrd",     "FILE",             "initial RAM disk",            NULL, AT(initrd), TEXT },
    { "append",     "TEXT",             "the kernel's command line",   NULL, AT(append), TEXT },
    { "dtb",        "FILE",             "device tree in place of the machine's", NULL, AT(dtb), TEXT },
    { "bios",       "FILE",             "firmware",                    NULL, AT(bios), TEXT },
    { "pflash",     "FILE",             "image of a flash bank",       NULL, AT(pflash), LIST },
    { "drive",      "file=F,if=none,id=I,format=raw", "disk image",    NULL, AT(drives), LIST },
    { "device",     "TYPE[,prop=value]", "device; -device help lists them", add_device, 0, 0 },
    { "netdev",     "user,id=I[,hostfwd=..]", "network",               NULL, AT(netdevs), LIST },
    { "nic",        "user[,model=..]",  "network and card in one",     NULL, AT(nics), LIST },
    { "net",        "none",             "no default network",          set_net, 0, 0 },
    { "chardev",    "KIND,id=I[,..]",   "character device",            NULL, AT(chardevs), LIST },
    { "serial",     "DEV",              "where a serial port goes",    NULL, AT(serials), LIST },
    { "monitor",    "DEV",              "where the monitor goes",      NULL, AT(monitors), LIST },
    { "mon",        "[chardev=]ID",     "the same, by chardev",        NULL, AT(monitors), LIST },
    { "parallel",   "none",             "accepted",                    ignore, 0, 0 },
    { "nographic",  NULL,               "serial port and monitor on this terminal", NULL, AT(nographic), FLAG },
    { "display",    "none",             "no window",                   set_display, 0, 0 },
    { "vga",        "none",             "no display adapter",          set_vga, 0, 0 },
    { "nodefaults", NULL,               "no devices but those asked for", NULL, AT(nodefaults), FLAG },
    { "no-user-config", NULL,           "accepted",                    ignore, 0, 0 },
    { "no-reboot",  NULL,               "end when the guest reboots",  NULL, AT(no_reboot), FLAG },
    { "no-shutdown", NULL,              "pause when the guest powers off", NULL, AT(no_shutdown), FLAG },
    { "S",          NULL,               "do not start the CPUs",       NULL, AT(paused), FLAG },
    { "s",          NULL,               "-gdb tcp::1234",              set_gdb_default, 0, 0 },
    { "gdb",        "DEV",              "wait for gdb there",          NULL, AT(gdb), TEXT },
    { "d",          "ITEM,...",         "log; -d help lists the items", set_log, 0, 0 },
    { "D",          "FILE",             "where the log goes",          set_log_file, 0, 0 },
    { "dfilter",    "RANGE,...",        "guest addresses that -d logs", set_filter, 0, 0 },
    { "global",     "TYPE.PROP=VALUE",  "default of a device's property", NULL, AT(globals), LIST },
    { "snapshot",   NULL,               "disk writes go to temporary files", NULL, AT(snapshot), FLAG },
    { "rtc",        "base=utc",         "real-time clock",             NULL, AT(rtc), TEXT },
    { "name",       "NAME",             "name of the guest",           NULL, AT(name), TEXT },
    { "pidfile",    "FILE",             "write the process id there",  NULL, AT(pidfile), TEXT },
    { "explain",    NULL,               "print the machine that these options make, and end", NULL, AT(explain), FLAG },
    { "version",    NULL,               "print the version",           print_version, 0, 0 },
    { "help",       NULL,               "this list",                   print_help, 0, 0 },
    { "h",          NULL,               "this list",                   print_help, 0, 0 },
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
        printf("%-34s %s\n", left, options[i].help);
    }
    return *done = true;
}

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

static void start(Options *o)
{
    GPtrArray **lists[] = {
        &o->accels, &o->drives, &o->devices, &o->netdevs, &o->nics,
        &o->chardevs, &o->serials, &o->monitors, &o->globals, &o->pflash,
    };

    o->smp = 1;
    for (u32 i = 0; i < countof(lists); i++) {
        *lists[i] = g_ptr_array_new();
    }
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
        if (!apply(o, row, row->args ? argv[++i] : NULL, done, err)) {
            return false;
        }
    }
    return true;
}
