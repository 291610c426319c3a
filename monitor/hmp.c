/* SPDX-License-Identifier: MIT */
/*
 * The human monitor: one table of commands, one of `info` items, and a line
 * editor just big enough for a terminal.
 */
#include <stdlib.h>
#include <capstone/capstone.h>
#include "accel/accel.h"
#include "block/block.h"
#include "gdbstub/gdbstub.h"
#include "monitor/hmp.h"
#include "net/net.h"
#include "target/target.h"
#include "util/log.h"

enum { LINE_MAX_LEN = 512, HISTORY = 32 };

typedef struct Command {
    const char *name, *args, *help;
    void (*run)(Hmp *h, const char *args);
} Command;

/* ---- info --------------------------------------------------------------- */

static const char *const state_names[] = {
    [RUN_PRELAUNCH] = "paused (prelaunch)", [RUN_RUNNING] = "running",
    [RUN_PAUSED] = "paused", [RUN_DEBUG] = "paused (debug)",
    [RUN_SHUTDOWN] = "paused (shutdown)",
};

static void info_status(Hmp *h, const char *args)
{
    (void)args;
    fprintf(h->out, "VM status: %s\n", state_names[h->m->state]);
}

static void info_version(Hmp *h, const char *args)
{
    (void)args;
    fprintf(h->out, "anole " ANOLE_VERSION "\n");
}

static void dump_on(Cpu *c, void *out)
{
    c->target->dump(c, out);
    if (c->target->dump_fp) {
        c->target->dump_fp(c, out);
    }
}

static void info_registers(Hmp *h, const char *args)
{
    bool all = strcmp(args, "-a") == 0;

    for (u32 i = 0; i < h->m->ncpus; i++) {
        Cpu *c = h->m->cpu[i];
        if (all || c == *h->cpu) {
            fprintf(h->out, "\nCPU#%u\n", i);
            cpu_run_on(c, dump_on, h->out, true);
        }
    }
}

static void info_cpus(Hmp *h, const char *args)
{
    (void)args;
    for (u32 i = 0; i < h->m->ncpus; i++) {
        Cpu *c = h->m->cpu[i];
        fprintf(h->out, "%c CPU #%u: %s%s\n", c == *h->cpu ? '*' : ' ', i,
                c->model ? c->model : c->target->name,
                c->stop == CPU_OFF ? " (off)" : c->halted ? " (halted)" : "");
    }
}

static void print_range(void *out, const MemRange *r)
{
    fprintf(out, "  %016llx-%016llx %s%s\n", (unsigned long long)r->base,
            (unsigned long long)(r->base + r->size - 1),
            r->ram ? r->readonly ? "rom   " : "ram   " : "device ",
            r->name ? r->name : "");
}

static void info_mtree(Hmp *h, const char *args)
{
    (void)args;
    fprintf(h->out, "address-space: memory\n");
    mem_each(h->m->mem, print_range, h->out);
}

static void info_qtree(Hmp *h, const char *args)
{
    (void)args;
    for (u32 i = 0; i < h->m->devices->len; i++) {
        const Device *d = h->m->devices->pdata[i];
        fprintf(h->out, "dev: %s, id \"%s\"", d->type->name, d->id);
        if (d->type->window) {
            fprintf(h->out, ", mmio %016llx/%016llx",
                    (unsigned long long)d->base,
                    (unsigned long long)d->type->window);
        }
        fprintf(h->out, "\n");
    }
}

static void info_device(Hmp *h, const char *args)
{
    Device *d = machine_find_device(h->m, args);

    if (d) {
        device_dump(d, h->out);
    } else {
        fprintf(h->out, "no device \"%s\"; `info qtree` lists them\n", args);
    }
}

static void info_jit(Hmp *h, const char *args)
{
    (void)args;
    if (h->m->accel->info) {
        h->m->accel->info(h->m, h->out);
    }
}

static void print_chardev(void *out, Chardev *c)
{
    fprintf(out, "%s: filename=%s\n", chardev_id(c), chardev_filename(c));
}

static void info_chardev(Hmp *h, const char *args)
{
    (void)args;
    chardev_each(print_chardev, h->out);
}

static void print_block(void *out, Block *b)
{
    fprintf(out, "%s: %llu bytes%s\n", block_id(b),
            (unsigned long long)block_size(b),
            block_readonly(b) ? ", read-only" : "");
}

static void info_block(Hmp *h, const char *args)
{
    (void)args;
    block_each(print_block, h->out);
}

static void print_netdev(void *out, Netdev *n)
{
    fprintf(out, "%s: %s\n", netdev_id(n), netdev_info(n));
}

static void info_network(Hmp *h, const char *args)
{
    (void)args;
    netdev_each(print_netdev, h->out);
}

static const Command infos[] = {
    { "block",     "",      "disks and images",             info_block },
    { "chardev",   "",      "character devices",            info_chardev },
    { "cpus",      "",      "CPUs and what they do",        info_cpus },
    { "device",    "ID",    "registers of a device",        info_device },
    { "jit",       "",      "the translator's counters",    info_jit },
    { "mtree",     "",      "the guest's memory map",       info_mtree },
    { "network",   "",      "network back ends",            info_network },
    { "pci",       "",      "PCI functions",                hmp_info_pci },
    { "qtree",     "",      "devices",                      info_qtree },
    { "registers", "[-a]",  "CPU registers (-a: of all)",   info_registers },
    { "screen",    "[NAME]", "what a text screen says",     hmp_info_screen },
    { "status",    "",      "running or paused",            info_status },
    { "version",   "",      "version of anole",             info_version },
};

/* ---- memory ------------------------------------------------------------- */

/* "/10xw": count, format, size. */
typedef struct Format {
    u64  count;
    char format;                /* x d u o c i */
    u32  size;
} Format;

static bool parse_format(const char **args, Format *f)
{
    const char *p = *args;
    char *end;

    *f = (Format) { 1, 'x', 4 };
    if (*p == '/') {
        f->count = strtoull(p + 1, &end, 10);
        f->count = end == p + 1 ? 1 : f->count;
        for (p = end; *p && *p != ' '; p++) {
            static const char sizes[] = "b\1h\2w\4g\10";
            const char *s = strchr("bhwg", *p);
            if (s) {
                f->size = (u32)sizes[2 * (s - "bhwg") + 1];
            } else if (strchr("xduoci", *p)) {
                f->format = *p;
            } else {
                return false;
            }
        }
    }
    while (*p == ' ') {
        p++;
    }
    *args = p;
    return f->count <= 65536;
}

static void print_value(FILE *out, const Format *f, u64 v)
{
    i64 s = sext(v, (int)f->size * 8);

    switch (f->format) {
    case 'd': fprintf(out, " %lld", (long long)s); break;
    case 'u': fprintf(out, " %llu", (unsigned long long)v); break;
    case 'o': fprintf(out, " 0%llo", (unsigned long long)v); break;
    case 'c':
        fprintf(out, " '%c'", g_ascii_isprint((char)v) ? (char)v : '.');
        break;
    default:
        fprintf(out, " 0x%0*llx", (int)f->size * 2, (unsigned long long)v);
    }
}

static bool peek(Hmp *h, bool physical, u64 at, void *buf, u64 len)
{
    return physical ? mem_read(h->m->mem, at, buf, len)
                    : cpu_debug_read(*h->cpu, at, buf, len);
}

static void disassemble(Hmp *h, bool physical, u64 at, u64 count)
{
    const Target *t = (*h->cpu)->target;
    csh cs;
    cs_insn *insn;

    if (cs_open((cs_arch)t->capstone_arch, (cs_mode)disassembly_mode(*h->cpu),
                &cs)) {
        fprintf(h->out, "no disassembler for %s\n", t->name);
        return;
    }
    for (u64 i = 0; i < count; i++) {
        u8 code[16] = { 0 };
        u64 size = 4;
        if (!peek(h, physical, at, code, sizeof code)
            && !peek(h, physical, at, code, 4)) {
            fprintf(h->out, "cannot access memory at 0x%llx\n",
                    (unsigned long long)at);
            break;
        }
        if (cs_disasm(cs, code, sizeof code, at, 1, &insn)) {
            fprintf(h->out, "0x%08llx:  %-8s %s\n", (unsigned long long)at,
                    insn->mnemonic, insn->op_str);
            size = insn->size;
            cs_free(insn, 1);
        } else {
            fprintf(h->out, "0x%08llx:  .word 0x%08llx\n",
                    (unsigned long long)at,
                    (unsigned long long)load_le(code, 4));
        }
        at += size;
    }
    cs_close(&cs);
}

static bool parse_address(Hmp *h, const char *text, u64 *at)
{
    char *end;

    if (*text == '$') {
        const GuestReg *r = (*h->cpu)->target->regs;
        for (; r->name; r++) {
            if (strcmp(r->name, text + 1) == 0 && r->size <= 8) {
                u8 buf[8] = { 0 };
                if (r->read) {
                    r->read(*h->cpu, buf);
                } else {
                    memcpy(buf, (u8 *)*h->cpu + r->offset, r->size);
                }
                *at = load_le(buf, 8);
                return true;
            }
        }
        return false;
    }
    *at = strtoull(text, &end, 0);
    return end != text && *end == '\0';
}

static void examine(Hmp *h, const char *args, bool physical)
{
    Format f;
    u64 at;

    if (!parse_format(&args, &f) || !parse_address(h, args, &at)) {
        fprintf(h->out, "%s/FMT ADDRESS: e.g. %s/8xw 0x40000000, %s/4i $pc\n",
                physical ? "xp" : "x", physical ? "xp" : "x",
                physical ? "xp" : "x");
        return;
    }
    if (f.format == 'i') {
        disassemble(h, physical, at, f.count);
        return;
    }
    u32 per_line = 16 / f.size;
    for (u64 i = 0; i < f.count; i++, at += f.size) {
        u8 buf[8];
        if (i % per_line == 0) {
            fprintf(h->out, "%s%016llx:", i ? "\n" : "",
                    (unsigned long long)at);
        }
        if (!peek(h, physical, at, buf, f.size)) {
            fprintf(h->out, " cannot access memory");
            break;
        }
        print_value(h->out, &f, load_le(buf, f.size));
    }
    fprintf(h->out, "\n");
}

/* ---- commands ----------------------------------------------------------- */

static void cmd_x(Hmp *h, const char *args)
{
    examine(h, args, false);
}

static void cmd_xp(Hmp *h, const char *args)
{
    examine(h, args, true);
}

static void cmd_quit(Hmp *h, const char *args)
{
    (void)args;
    machine_shutdown(h->m, SHUTDOWN_HOST);
}

static void cmd_stop(Hmp *h, const char *args)
{
    (void)args;
    machine_pause(h->m, RUN_PAUSED);
}

static void cmd_cont(Hmp *h, const char *args)
{
    (void)args;
    machine_start(h->m);
}

static void cmd_reset(Hmp *h, const char *args)
{
    (void)args;
    machine_reset_request(h->m);
}

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

static const Command commands[] = {
    { "cont",         "",          "go on",                        cmd_cont },
    { "cpu",          "N",         "the CPU that commands look at", cmd_cpu },
    { "gdbserver",    "[DEV]",     "wait for gdb (tcp::1234)",     cmd_gdbserver },
    { "help",         "[COMMAND]", "this list",                    cmd_help },
    { "info",         "ITEM",      "show something; `info` lists", cmd_info },
    { "log",          "ITEMS",     "what -d logs, or none",        cmd_log },
    { "logfile",      "FILE",      "where the log goes",           cmd_logfile },
    { "mouse_button", "MASK",      "1 left, 2 right, 4 middle",    hmp_mouse_button },
    { "mouse_move",   "X Y [Z]",   "move the mouse, turn its wheel", hmp_mouse_move },
    { "nmi",          "",          "non-maskable interrupt",       hmp_nmi },
    { "quit",         "",          "end anole",                    cmd_quit },
    { "screendump",   "FILE [-f png]", "picture of the screen",    hmp_screendump },
    { "sendkey",      "KEYS [MS]", "press keys: ctrl-alt-delete",  hmp_sendkey },
    { "stop",         "",          "pause the machine",            cmd_stop },
    { "system_powerdown", "",      "press the power button",       hmp_powerdown },
    { "system_reset", "",          "reset the machine",            cmd_reset },
    { "x",            "/FMT ADDR", "show virtual memory",          cmd_x },
    { "xp",           "/FMT ADDR", "show physical memory",         cmd_xp },
};

static void list(FILE *f, const Command *c, size_t n, const char *prefix)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *left = g_strdup_printf("%s%s %s", prefix, c[i].name,
                                                c[i].args);
        fprintf(f, "%-24s %s\n", left, c[i].help);
    }
}

static void cmd_help(Hmp *h, const char *args)
{
    (void)args;
    list(h->out, commands, countof(commands), "");
}

/* Runs the row of table that the first word of line names. */
static bool dispatch(Hmp *h, const char *line, const Command *table, size_t n)
{
    size_t len = strcspn(line, " /");
    const char *args = line + len;

    while (*args == ' ') {
        args++;
    }
    for (size_t i = 0; i < n; i++) {
        if (strlen(table[i].name) == len
            && strncmp(table[i].name, line, len) == 0) {
            table[i].run(h, args);
            return true;
        }
    }
    const char *names[32];
    g_autofree char *word = g_strndup(line, len);
    for (size_t i = 0; i < n; i++) {
        names[i] = table[i].name;
    }
    const char *near = nearest_word(word, names, n);
    fprintf(h->out, "unknown: \"%s\"%s%s%s\n", word,
            near ? "; did you mean \"" : "", near ? near : "",
            near ? "\"?" : "");
    return false;
}

static void cmd_info(Hmp *h, const char *args)
{
    if (!*args || !dispatch(h, args, infos, countof(infos))) {
        list(h->out, infos, countof(infos), "info ");
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
    if (*line && !dispatch(&h, line, commands, countof(commands))) {
        fprintf(f, "`help` lists the commands\n");
    }
}

void monitor_command(Machine *m, const char *line, FILE *f)
{
    Cpu *cpu = m->cpu[0];

    run_line(m, line, f, &cpu);
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
