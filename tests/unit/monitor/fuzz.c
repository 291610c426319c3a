/* SPDX-License-Identifier: MIT */
/*
 * QMP under random input: a session on a socket pair gets mutations of what
 * clients send, and whole but random arguments for every command.  It may
 * answer errors; it must not crash, nor get out of step: after each round a
 * command is answered.  JSON values survive printing and parsing.
 */
#include <glib.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include "accel/accel.h"
#include "chardev/chardev.h"
#include "monitor/qmp_schema.h"
#include "softmmu/run.h"
#include "target/target.h"

enum { ROUNDS = 3000, SIZE = 4096 };

typedef struct Fuzz {
    GRand   *random;
    int      fd;                        /* the client's */
    GString *got;
    u32      number, wrong;             /* results */
} Fuzz;

/* Results are many: only what is wrong is said. */
static void check(Fuzz *f, bool good, const char *what, const char *more)
{
    f->number++;
    if (!good) {
        f->wrong++;
        printf("# wrong: %s: %s\n", what, more);
    }
}

static u32 below(Fuzz *f, u32 n)
{
    return (u32)g_rand_int_range(f->random, 0, (gint32)n);
}

/* ---- JSON --------------------------------------------------------------- */

static Json *random_value(Fuzz *f, u32 depth)
{
    static const char *const texts[] = {
        "", "a", "\"\\\n\t\x01\x7f", "\u20ac\U0001f600", "ppm", "/machine",
        "/machine/unattached/cpu[0]", "query-name", "..", "0",
    };
    static const i64 numbers[] = {
        0, 1, -1, INT64_MAX, INT64_MIN, 1ll << 32, 4096, 0xfffffff0,
    };
    u32 kind = below(f, depth < 4 ? 7 : 5);
    Json *j;

    switch (kind) {
    case 0: return json_new_null();
    case 1: return json_new_bool(below(f, 2));
    case 2: return json_new_int(numbers[below(f, countof(numbers))]);
    case 3: return json_new_u64(~0ull - below(f, 4));
    case 4: return json_new_str(texts[below(f, countof(texts))]);
    }
    j = kind == 5 ? json_array() : json_object();
    for (u32 i = below(f, 4); i; i--) {
        char name[2] = { (char)('a' + i), '\0' };
        json_add(j, kind == 6 ? name : NULL, random_value(f, depth + 1));
    }
    return j;
}

static void round_trip(Fuzz *f)
{
    g_autoptr(GString) text = g_string_new(NULL);
    Json *j = random_value(f, 0), *again;
    Err err = { 0 };

    json_print(j, below(f, 2), text);
    again = json_parse(text->str, text->len, &err);
    check(f, again && json_equal(j, again), "a value comes back", text->str);
    json_free(again);
    json_free(j);
}

/* ---- a client ----------------------------------------------------------- */

static void turn(Fuzz *f)
{
    char buf[SIZE];

    for (ssize_t n; (n = recv(f->fd, buf, sizeof buf, MSG_DONTWAIT)) > 0;) {
        g_string_append_len(f->got, buf, n);
    }
    g_main_context_iteration(NULL, false);
}

static void give(Fuzz *f, const char *data, size_t len)
{
    while (len) {
        ssize_t n = send(f->fd, data, MIN(len, SIZE), MSG_DONTWAIT);
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
        turn(f);
    }
}

/* A command after whatever came is answered. */
static void in_step(Fuzz *f, u32 round)
{
    g_autofree char *mark = g_strdup_printf("mark%u", round);
    g_autofree char *text = g_strdup_printf(
        "\n\xff{\"execute\": \"query-name\", \"id\": \"%s\"}", mark);

    give(f, text, strlen(text));
    for (u32 i = 0; i < 100000 && !strstr(f->got->str, mark); i++) {
        turn(f);
    }
    check(f, strstr(f->got->str, mark), "a round is answered", mark);
    g_string_truncate(f->got, 0);
}

static void mutate(Fuzz *f, GString *text)
{
    static const char bytes[] = "{}[]\":,\\\n\xff\x80\xc3 0-eu.tn";

    for (u32 i = 1 + below(f, 6); i && text->len; i--) {
        u32 at = below(f, (u32)text->len), n = 1 + below(f, 8);
        char byte = bytes[below(f, sizeof bytes)];      /* and NUL */
        switch (below(f, 4)) {
        case 0: text->str[at] = byte; break;
        case 1: g_string_erase(text, at, MIN(n, (u32)text->len - at));
            break;
        case 2: g_string_insert_c(text, at, byte); break;
        default: g_string_insert_len(text, at, text->str, MIN(at, 64)); break;
        }
    }
}

static bool harmless(const SchemaCommand *c)
{
    static const char *const others[] = {
        "quit", "memsave", "pmemsave", "screendump", "human-monitor-command",
        "chardev-add", "chardev-remove", "netdev_add",
    };

    for (u32 i = 0; i < countof(others); i++) {
        if (strcmp(c->name, others[i]) == 0) {
            return false;               /* it writes files, opens sockets */
        }
    }
    return true;
}

/* A command with some of its arguments, of any kind. */
static Json *random_command(Fuzz *f)
{
    Json *j = json_object(), *args;
    const SchemaCommand *c;
    u32 n = 0;

    while (schema_commands[n].name) {
        n++;
    }
    do {
        c = &schema_commands[below(f, n)];
    } while (!harmless(c));
    json_add_str(j, "execute", c->name);
    args = json_add(j, "arguments", json_object());
    for (const SchemaMember *m = c->arguments->members; m && m->name; m++) {
        if (below(f, 4)) {
            json_add(args, m->name, m->type->kind == SCHEMA_ENUM
                     ? json_new_str(m->type->words[0])
                     : m->type->kind == SCHEMA_STRING
                     ? json_new_str("/machine") : random_value(f, 1));
        }
    }
    return j;
}

static void fuzz(Fuzz *f, u32 round)
{
    g_autoptr(GString) text = g_string_new(NULL);
    Json *j = random_command(f);

    json_print(j, below(f, 2), text);
    json_free(j);
    if (round & 1) {
        mutate(f, text);
    }
    give(f, text->str, text->len);
    if (round % 16 == 0) {
        in_step(f, round);
    }
}

int main(void)
{
    static const char hello[] = "{\"execute\": \"qmp_capabilities\"}";
    static Options o;           /* these live as long as the process */
    static const Board board = { .name = "none" };
    static const Accel accel = { .name = "none" };
    static Machine m;
    static Fuzz f;
    int pair[2];
    Err err = { 0 };

    o = (Options) { .objects = g_ptr_array_new_with_free_func(g_free) };
    m = (Machine) { .board = &board, .accel = &accel, .opts = &o,
                    .mem = mem_new(),
                    .target = target_find("x86_64"),
                    .devices = g_ptr_array_new() };
    f = (Fuzz) { .random = g_rand_new_with_seed(1),
                 .got = g_string_new(NULL) };
    machine_lock();
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    g_autofree char *text = g_strdup_printf("socket,id=c,fd=%d", pair[0]);
    Chardev *c = chardev_open(text, &err);
    check(&f, c && vcpus_start(&m, &err) && qmp_open(&m, c, false, &err),
          "it starts", err.text);
    f.fd = pair[1];
    give(&f, hello, strlen(hello));
    for (u32 i = 0; i < ROUNDS; i++) {
        round_trip(&f);
        fuzz(&f, i);
    }
    in_step(&f, ROUNDS);
    printf("%sok 1 - QMP lives through %u rounds, %u results\n1..1\n",
           f.wrong ? "not " : "", ROUNDS, f.number);
    return f.wrong != 0;
}
