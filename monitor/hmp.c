/* SPDX-License-Identifier: MIT */
/*
 * The human monitor: one table of commands, one of `info` items, and a line
 * editor just big enough for a terminal.  What QMP can do too is done by its
 * commands; a row says how a line becomes their arguments.
 */
#include <stdlib.h>
#include "gdbstub/gdbstub.h"
#include "monitor/hmp.h"
#include "monitor/qmp.h"
#include "net/net.h"
#include "softmmu/objects.h"
#include "util/keyval.h"
#include "util/log.h"

enum { LINE_MAX_LEN = 512, HISTORY = 32, ROWS_MAX = 64 };

/* ---- lines as QMP's arguments ------------------------------------------- */

/* The next word of *line, quoted if it begins with "; NULL at the end. */
static char *next_word(const char **line)
{
    const char *p = *line + strspn(*line, " ");
    GString *word = g_string_new(NULL);
    bool quoted = *p == '"';

    if (!*p) {
        g_string_free(word, true);
        return NULL;
    }
    for (p += quoted; *p && *p != (quoted ? '"' : ' '); p++) {
        p += quoted && *p == '\\' && p[1];
        g_string_append_c(word, *p);
    }
    *line = p + (*p != 0);
    return g_string_free(word, false);
}

/* A word as the value of a kind: s text, i number, b on or off. */
static Json *word_value(const char *word, char kind)
{
    u64 number;
    bool flag;

    if (kind == 's') {
        return json_new_str(word);
    }
    if (kind == 'i') {
        return parse_u64(word, &number) ? json_new_u64(number) : NULL;
    }
    return parse_bool(word, &flag) ? json_new_bool(flag) : NULL;
}

/*
 * The arguments of a row: "name:s size:i up:b file:s?" are words (`?`: may be
 * left out), "-f:force" is a flag.  NULL: the line is not right.
 */
static Json *line_arguments(const Command *row, const char *line)
{
    g_auto(GStrv) param = g_strsplit(row->params, " ", -1);
    Json *args = json_object();
    bool ok = true;

    for (char **p = param; ok && *p && **p; p++) {
        const char *at = line;
        g_autofree char *word = next_word(&at);
        const char *colon = strchr(*p, ':');
        g_autofree char *name = g_strndup(*p, (size_t)(colon - *p));
        Json *v = NULL;
        if (*name == '-') {
            if (word && strcmp(word, name) == 0) {
                json_add_bool(args, colon + 1, true);
                line = at;
            }
            continue;
        }
        v = word ? word_value(word, colon[1]) : NULL;
        ok = v || (!word && strchr(colon, '?'));
        if (v) {
            json_add(args, name, v);
            line = at;
        }
    }
    if (!ok || line[strspn(line, " ")]) {
        g_clear_pointer(&args, json_free);
    }
    return args;
}

static void run_qmp(Hmp *h, const Command *row, const char *line)
{
    Json *args = line_arguments(row, line);
    Err err = { 0 };

    if (!args) {
        fprintf(h->out, "write: %s %s\n", row->name, row->args);
    } else if (!qmp_run(h->m, row->qmp, args, NULL, &err)) {
        fprintf(h->out, "%s\n", err.text);
    }
    json_free(args);
}

/* ---- commands ----------------------------------------------------------- */

static void cmd_cpu(Hmp *h, const char *args)
{
    u64 n = g_ascii_strtoull(args, NULL, 10);

    if (g_ascii_isdigit(*args) && n < h->m->ncpus) {
        *h->cpu = h->m->cpu[n];
    } else {
        fprintf(h->out, "cpu N: there are CPUs 0 to %u\n", h->m->ncpus - 1);
    }
}

static void cmd_log(Hmp *h, const char *args)
{
    Err err = { 0 };

    if (!log_select(args, &err)) {
        fprintf(h->out, "%s\n", err.text);
    }
}

static void cmd_logfile(Hmp *h, const char *args)
{
    Err err = { 0 };

    if (!log_file(args, &err)) {
        fprintf(h->out, "%s\n", err.text);
    }
}

static void cmd_gdbserver(Hmp *h, const char *args)
{
    Err err = { 0 };
    const char *dev = *args ? args : "tcp::1234";

    if (gdb_open(h->m, dev, &err)) {
        fprintf(h->out, "waiting for gdb on %s\n", dev);
    } else {
        fprintf(h->out, "%s\n", err.text);
    }
}

static void cmd_info(Hmp *h, const char *args);
static void cmd_help(Hmp *h, const char *args);

/* What -netdev, -chardev and -object take after their names. */
static void say(Hmp *h, bool ok, const Err *err)
{
    if (!ok) {
        fprintf(h->out, "%s\n", err->text);
    }
}

static void cmd_netdev_add(Hmp *h, const char *args)
{
    Err err = { 0 };

    say(h, netdev_open(args, &err) != NULL, &err);
}

static void cmd_chardev_add(Hmp *h, const char *args)
{
    Err err = { 0 };

    say(h, chardev_open(args, &err) != NULL, &err);
}

static void cmd_object_add(Hmp *h, const char *args)
{
    Err err = { 0 };
    bool ok = object_check(args, &err);

    say(h, ok, &err);
    if (ok) {
        g_ptr_array_add(h->m->opts->objects, g_strdup(args));
    }
}

/* A row that QMP does: its command, and how words become arguments. */
#define QMP(command, words)     .qmp = command, .params = words

static const Command commands[] = {
    { "balloon",      "MIB",       "memory that the guest should have", .run = hmp_balloon },
    { "change",       "DEV [-f] FILE [FORMAT [MODE]]", "put another disk into a drive",
      QMP("blockdev-change-medium", "device:s -f:force filename:s format:s? read-only-mode:s?") },
    { "chardev-add",  "KIND,id=I[,..]", "as -chardev",             .run = cmd_chardev_add },
    { "chardev-remove", "ID",      "close a chardev that is not used",
      QMP("chardev-remove", "id:s") },
    { "chardev-send-break", "ID",  "a break on a serial line",
      QMP("chardev-send-break", "id:s") },
    { "closefd",      "NAME",      "close what QMP's getfd named", QMP("closefd", "fdname:s") },
    { "cont",         "",          "go on",                        QMP("cont", "") },
    { "cpu",          "N",         "the CPU that commands look at", .run = cmd_cpu, .cpu = true },
    { "device_add",   "TYPE,id=I[,..]", "as -device",              .run = hmp_device_add },
    { "device_del",   "ID",        "have the guest let it go",     QMP("device_del", "id:s") },
    { "delvm",        "TAG",       "drop a snapshot",              .run = hmp_delvm },
    { "drive_add",    "file=FILE,id=I[,..]", "open a disk for a device", .run = hmp_drive_add },
    { "drive_del",    "ID",        "close one that no device has", .run = hmp_drive_del },
    { "eject",        "[-f] DEV",  "take the disk out (-f: even if locked)",
      QMP("eject", "-f:force device:s") },
    { "gdbserver",    "[DEV]",     "wait for gdb (tcp::1234)",     .run = cmd_gdbserver },
    { "help",         "[COMMAND]", "this list, or a row of it",    .run = cmd_help },
    { "info",         "ITEM",      "show something; `info` lists", .run = cmd_info },
    { "loadvm",       "TAG",       "go back to a snapshot",        .run = hmp_loadvm },
    { "log",          "ITEMS",     "what -d logs, or none",        .run = cmd_log },
    { "logfile",      "FILE",      "where the log goes",           .run = cmd_logfile },
    { "memsave",      "ADDR SIZE FILE", "virtual memory to a file",
      QMP("memsave", "val:i size:i filename:s") },
    { "migrate",      "[-d] URI",  "send the machine's state (-d: do not wait)",
      .run = hmp_migrate },
    { "migrate_cancel", "",        "stop that",                    QMP("migrate_cancel", "") },
    { "migrate_incoming", "URI",   "what -incoming defer left open",
      QMP("migrate-incoming", "uri:s") },
    { "migrate_set_capability", "NAME on|off", "`info migrate_capabilities`",
      .run = hmp_migrate_set_capability },
    { "migrate_set_parameter", "NAME VALUE", "`info migrate_parameters`",
      .run = hmp_migrate_set_parameter },
    { "mouse_button", "MASK",      "1 left, 2 right, 4 middle",    .run = hmp_mouse_button },
    { "mouse_move",   "X Y [Z]",   "move the mouse, turn its wheel", .run = hmp_mouse_move },
    { "mouse_set",    "N",         "the mouse that is moved",      .run = hmp_mouse_set },
    { "netdev_add",   "KIND,id=I[,..]", "as -netdev",              .run = cmd_netdev_add },
    { "netdev_del",   "ID",        "drop a network without a card", QMP("netdev_del", "id:s") },
    { "nmi",          "",          "non-maskable interrupt",       QMP("inject-nmi", "") },
    { "object_add",   "TYPE,id=I[,..]", "as -object",              .run = cmd_object_add },
    { "object_del",   "ID",        "drop an object",               QMP("object-del", "id:s") },
    { "pmemsave",     "ADDR SIZE FILE", "physical memory to a file",
      QMP("pmemsave", "val:i size:i filename:s") },
    { "quit",         "",          "end anole",                    QMP("quit", "") },
    { "savevm",       "[TAG]",     "have machine and disks in a snapshot", .run = hmp_savevm },
    { "screendump",   "FILE [-f png]", "picture of the screen",    .run = hmp_screendump },
    { "sendkey",      "KEYS [MS]", "press keys: ctrl-alt-delete",  .run = hmp_sendkey },
    { "set_link",     "ID on|off", "plug a network's cable in or out",
      QMP("set_link", "name:s up:b") },
    { "stop",         "",          "pause the machine",            QMP("stop", "") },
    { "system_powerdown", "",      "press the power button",       QMP("system_powerdown", "") },
    { "system_reset", "",          "reset the machine",            QMP("system_reset", "") },
    { "system_wakeup", "",         "wake a guest that sleeps",     QMP("system_wakeup", "") },
    { "watchdog_action", "ACTION", "what a watchdog does",
      QMP("watchdog-set-action", "action:s") },
    { "x",            "/FMT ADDR", "show virtual memory",          .run = hmp_x, .cpu = true },
    { "xp",           "/FMT ADDR", "show physical memory",         .run = hmp_xp },
    { .name = NULL },
};

static void print_row(FILE *f, const Command *c, const char *prefix)
{
    g_autofree char *left = g_strdup_printf("%s%s %s", prefix, c->name,
                                            c->args);

    fprintf(f, "%-30s %s\n", left, c->help);
}

static void list(FILE *f, const Command *c, const char *prefix)
{
    for (; c->name; c++) {
        print_row(f, c, prefix);
    }
}

/* The row that a word names; NULL: none, and it said so. */
static const Command *find_row(Hmp *h, const char *word, const Command *table)
{
    const char *names[ROWS_MAX], *near;
    size_t n = 0;

    for (const Command *c = table; c->name; c++) {
        if (strcmp(c->name, word) == 0) {
            return c;
        }
        names[n++] = c->name;
    }
    near = nearest_word(word, names, n);
    fprintf(h->out, "unknown: \"%s\"%s%s%s\n", word,
            near ? "; did you mean \"" : "", near ? near : "",
            near ? "\"?" : "");
    return NULL;
}

static void cmd_help(Hmp *h, const char *args)
{
    const Command *row = *args ? find_row(h, args, commands) : NULL;

    if (!*args) {
        list(h->out, commands, "");
    } else if (row && strcmp(row->name, "info") == 0) {
        list(h->out, hmp_infos, "info ");
    } else if (row) {
        print_row(h->out, row, "");
    }
}

/* Runs the row of table that the first word of line names. */
static bool dispatch(Hmp *h, const char *line, const Command *table)
{
    size_t len = strcspn(line, " /");
    const char *args = line + len + strspn(line + len, " ");
    g_autofree char *word = g_strndup(line, len);
    const Command *row = find_row(h, word, table);

    if (row && row->cpu && !*h->cpu) {
        fprintf(h->out, "this machine has no CPU\n");
    } else if (row && row->qmp) {
        run_qmp(h, row, args);
    } else if (row) {
        row->run(h, args);
    }
    return row;
}

static void cmd_info(Hmp *h, const char *args)
{
    if (!*args || !dispatch(h, args, hmp_infos)) {
        list(h->out, hmp_infos, "info ");
    }
}

/* c is shorthand for cont, q for quit, and so on. */
static const char *expand(const char *line)
{
    static const struct { const char *alias, *full; } aliases[] = {
        { "c", "cont" }, { "q", "quit" }, { "s", "stop" }, { "?", "help" },
        { "h", "help" },
    };

    for (size_t i = 0; i < countof(aliases); i++) {
        if (strcmp(line, aliases[i].alias) == 0) {
            return aliases[i].full;
        }
    }
    return line;
}

static void run_line(Machine *m, const char *line, FILE *f, Cpu **cpu)
{
    Hmp h = { m, f, cpu };

    while (*line == ' ') {
        line++;
    }
    line = expand(line);
    if (*line && !dispatch(&h, line, commands)) {
        fprintf(f, "`help` lists the commands\n");
    }
}

void monitor_command_on(Machine *m, u32 n, const char *line, FILE *f)
{
    Cpu *cpu = m->cpu[n];

    run_line(m, line, f, &cpu);
}

void monitor_command(Machine *m, const char *line, FILE *f)
{
    monitor_command_on(m, 0, line, f);
}

/* ---- the terminal ------------------------------------------------------- */

typedef struct Monitor {
    Machine  *m;
    Chardev  *c;
    CharFront front;
    Cpu      *cpu;
    char      line[LINE_MAX_LEN];
    size_t    len;
    char     *history[HISTORY];
    u32       nhistory, at;
    u32       escape;           /* bytes of an escape sequence seen */
    bool      greeted;
} Monitor;

static void put(Monitor *mon, const char *s)
{
    chardev_write(mon->c, s, strlen(s));
}

static void prompt(Monitor *mon)
{
    put(mon, "(anole) ");
}

static void execute(Monitor *mon)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    run_line(mon->m, mon->line, f, &mon->cpu);
    fclose(f);
    for (char *p = text, *nl; *p; p = nl + 1) {
        nl = strchr(p, '\n');
        chardev_write(mon->c, p, nl ? (size_t)(nl - p) : strlen(p));
        put(mon, "\r\n");
        if (!nl) {
            break;
        }
    }
    free(text);
}

static void replace_line(Monitor *mon, const char *text)
{
    while (mon->len) {
        put(mon, "\b \b");
        mon->len--;
    }
    g_strlcpy(mon->line, text, sizeof mon->line);
    mon->len = strlen(mon->line);
    put(mon, mon->line);
}

static void remember(Monitor *mon)
{
    if (mon->nhistory == HISTORY) {
        g_free(mon->history[0]);
        memmove(mon->history, mon->history + 1,
                sizeof *mon->history * (HISTORY - 1));
        mon->nhistory--;
    }
    mon->history[mon->nhistory++] = g_strdup(mon->line);
    mon->at = mon->nhistory;
}

/* Arrow keys walk through the history. */
static void arrow(Monitor *mon, u8 key)
{
    if (key == 'A' && mon->at > 0) {
        replace_line(mon, mon->history[--mon->at]);
    } else if (key == 'B' && mon->at < mon->nhistory) {
        mon->at++;
        replace_line(mon, mon->at < mon->nhistory ? mon->history[mon->at] : "");
    }
}

static void enter(Monitor *mon)
{
    put(mon, "\r\n");
    mon->line[mon->len] = '\0';
    if (mon->len) {
        remember(mon);
        execute(mon);
    }
    mon->len = 0;
    prompt(mon);
}

static void key(Monitor *mon, u8 k)
{
    if (mon->escape == 1) {
        mon->escape = k == '[' ? 2 : 0;
    } else if (mon->escape == 2) {
        mon->escape = 0;
        arrow(mon, k);
    } else if (k == 27) {
        mon->escape = 1;
    } else if (k == '\r' || k == '\n') {
        enter(mon);
    } else if ((k == 8 || k == 127) && mon->len) {
        mon->len--;
        put(mon, "\b \b");
    } else if (k >= ' ' && k < 127 && mon->len < LINE_MAX_LEN - 1) {
        mon->line[mon->len++] = (char)k;
        chardev_write(mon->c, &k, 1);
    }
}

static void take(void *opaque, const u8 *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        key(opaque, buf[i]);
    }
}

static void event(void *opaque, CharEvent e)
{
    Monitor *mon = opaque;

    if (e == CHAR_OPENED) {
        if (!mon->greeted) {
            put(mon, "anole " ANOLE_VERSION " monitor - `help` lists the "
                "commands\r\n");
        }
        mon->greeted = true;
        prompt(mon);
    }
}

bool monitor_open(Machine *m, Chardev *c, Err *err)
{
    Monitor *mon = g_new0(Monitor, 1);

    mon->m = m;
    mon->c = c;
    mon->cpu = m->cpu[0];
    mon->front = (CharFront) { mon, NULL, take, event };
    if (!chardev_attach(c, &mon->front, err)) {
        g_free(mon);
        return false;
    }
    return true;
}
