/* SPDX-License-Identifier: MIT */
/* The log that -d, -D and -dfilter control; see include/util/log.h. */
#include <errno.h>
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include "util/log.h"

u32 log_items;

enum { FILTERS = 32 };

typedef struct Range {
    u64 first, last;            /* both included */
} Range;

typedef struct Log {
    GRecMutex lock;
    FILE     *file;             /* NULL: standard error */
    Range     filter[FILTERS];
    u32       filters;          /* 0: every address is wanted */
} Log;

static Log state;               /* the process has one log */

typedef struct Item {
    const char *name;
    u32         bit;
    const char *about;
} Item;

static const Item items[] = {
    { "in_asm",       LOG_IN_ASM,  "guest code of each translated block" },
    { "op",           LOG_IR,      "its intermediate code as translated" },
    { "op_opt",       LOG_IR_OPT,  "the same after optimisation" },
    { "ir",           LOG_IR,      "another name of op" },
    { "ir_opt",       LOG_IR_OPT,  "another name of op_opt" },
    { "out_asm",      LOG_OUT_ASM, "host code made of it" },
    { "exec",         LOG_EXEC,    "each block entered (slow)" },
    { "cpu",          LOG_CPU,     "registers before each block (slower)" },
    { "fpu",          LOG_FPU,     "with cpu: floating-point registers too" },
    { "int",          LOG_INT,     "interrupts and exceptions" },
    { "mmu",          LOG_MMU,     "guest page walks and their faults" },
    { "guest_errors", LOG_GUEST,   "what the guest did wrong" },
    { "unimp",        LOG_UNIMP,   "what the guest asked that is not modelled" },
};

static bool select_one(const char *name, Err *err)
{
    const char *names[countof(items) + 2] = { "all", "none" };

    for (u32 i = 0; i < countof(items); i++) {
        names[i + 2] = items[i].name;
        if (strcmp(name, items[i].name) == 0) {
            log_items |= items[i].bit;
            return true;
        }
    }
    if (strcmp(name, "all") == 0) {
        log_items = ~0u;
        return true;
    }
    if (strcmp(name, "none") == 0) {
        log_items = 0;
        return true;
    }
    const char *near = nearest_word(name, names, countof(names));
    return fail(err, "there is no log item \"%s\"%s%s%s; -d help lists them",
                name, near ? "; did you mean \"" : "", near ? near : "",
                near ? "\"?" : "");
}

bool log_select(const char *list, Err *err)
{
    g_auto(GStrv) names = g_strsplit(list, ",", -1);

    for (char **n = names; *n; n++) {
        if (**n && !select_one(*n, err)) {
            return false;
        }
    }
    return true;
}

bool log_file(const char *path, Err *err)
{
    FILE *f = NULL;

    if (path && *path) {
        f = fopen(path, "w");
        if (!f) {
            return fail(err, "cannot write the log to %s: %s", path,
                        g_strerror(errno));
        }
        setvbuf(f, NULL, _IOFBF, 1 << 16);
    }
    g_rec_mutex_lock(&state.lock);
    if (state.file) {
        fclose(state.file);
    }
    state.file = f;
    g_rec_mutex_unlock(&state.lock);
    return true;
}

/* START..END, START+LEN or START-LEN, numbers as in C. */
static bool parse_range(const char *text, Range *r)
{
    char *end;
    u64 a = g_ascii_strtoull(text, &end, 0), b;
    const char *op = end;

    if (end == text) {
        return false;
    }
    const char *second = op + (strncmp(op, "..", 2) == 0 ? 2 : 1);
    if (!strchr(".+-", *op) || !*op || !*second) {
        return false;
    }
    b = g_ascii_strtoull(second, &end, 0);
    if (end == second || *end) {
        return false;
    }
    switch (*op) {
    case '+': *r = (Range) { a, a + (b ? b - 1 : 0) }; break;
    case '-': *r = (Range) { a - (b ? b - 1 : 0), a }; break;
    default:  *r = (Range) { a, b }; break;
    }
    return r->first <= r->last;
}

bool log_filter(const char *ranges, Err *err)
{
    g_auto(GStrv) texts = g_strsplit(ranges, ",", -1);

    for (char **t = texts; *t; t++) {
        if (state.filters == FILTERS) {
            return fail(err, "-dfilter takes at most %d ranges", FILTERS);
        }
        if (!parse_range(*t, &state.filter[state.filters])) {
            return fail(err, "-dfilter %s: write START..END, START+LENGTH or "
                        "END-LENGTH, e.g. 0x40080000..0x400fffff", *t);
        }
        state.filters++;
    }
    return true;
}

bool log_wants(u64 pc)
{
    for (u32 i = 0; i < state.filters; i++) {
        if (pc >= state.filter[i].first && pc <= state.filter[i].last) {
            return true;
        }
    }
    return state.filters == 0;
}

void *log_lock(void)
{
    g_rec_mutex_lock(&state.lock);
    return state.file ? state.file : stderr;
}

void log_unlock(void)
{
    fflush(state.file ? state.file : stderr);
    g_rec_mutex_unlock(&state.lock);
}

void log_line(LogItem item, const char *fmt, ...)
{
    va_list ap;

    if (!log_on(item)) {
        return;
    }
    FILE *f = log_lock();
    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    fputc('\n', f);
    log_unlock();
}

void log_help(void)
{
    printf("What -d can log (several with commas; \"all\" is everything):\n");
    for (u32 i = 0; i < countof(items); i++) {
        printf("  %-13s %s\n", items[i].name, items[i].about);
    }
}
