/* SPDX-License-Identifier: MIT */
/* The human monitor's commands of migration. */
#include "migration/migration.h"
#include "monitor/hmp.h"
#include "monitor/qmp.h"

/* Runs a command with one argument, or none (name NULL); says what is wrong. */
static bool run(Hmp *h, const char *command, Json *args, Json **ret)
{
    Err err = { 0 };
    bool ok = qmp_run(h->m, command, args, ret, &err);

    if (!ok) {
        fprintf(h->out, "%s\n", err.text);
    }
    json_free(args);
    return ok;
}

/* "[-d] URI": without -d it is over when this returns. */
void hmp_migrate(Hmp *h, const char *args)
{
    bool detach = g_str_has_prefix(args, "-d ");
    const char *uri = args + (detach ? 2 + strspn(args + 2, " ") : 0);
    Json *j = json_object();
    MigrationInfo i;

    json_add_str(j, "uri", uri);
    if (!run(h, "migrate", j, NULL) || detach) {
        return;
    }
    while (migration_running(h->m)) {
        g_main_context_iteration(NULL, true);
    }
    migration_info(h->m, &i);
    if (i.error) {
        fprintf(h->out, "%s\n", i.error);
    }
}

static void set_word(Hmp *h, const char *command, const char *args, bool flag)
{
    g_auto(GStrv) word = g_strsplit(args, " ", 2);
    Json *j = json_object();
    Err err = { 0 };

    if (!word[0] || !word[1]) {
        fprintf(h->out, "write: NAME %s\n", flag ? "on|off" : "VALUE");
        json_free(j);
        return;
    }
    if (flag) {
        Json *list = json_add(j, "capabilities", json_array());
        Json *one = json_add(list, NULL, json_object());
        json_add_str(one, "capability", word[0]);
        json_add_bool(one, "state", strcmp(word[1], "on") == 0);
    } else {
        Json *v = json_parse(word[1], strlen(word[1]), &err);
        json_add(j, word[0], v ? v : json_new_str(word[1]));
    }
    run(h, command, j, NULL);
}

void hmp_migrate_set_capability(Hmp *h, const char *args)
{
    set_word(h, "migrate-set-capabilities", args, true);
}

void hmp_migrate_set_parameter(Hmp *h, const char *args)
{
    set_word(h, "migrate-set-parameters", args, false);
}

/* ---- info --------------------------------------------------------------- */

/* Numbers and texts of an object, one a line, and those of objects in it. */
static void print_object(FILE *f, const Json *j)
{
    for (const Json *k = j ? j->first : NULL; k; k = k->next) {
        if (k->kind == JSON_OBJECT) {
            print_object(f, k);
        } else if (k->kind == JSON_STRING) {
            fprintf(f, "%s: %s\n", k->name, k->s);
        } else if (k->kind == JSON_INT) {
            fprintf(f, "%s: %lld\n", k->name, (long long)k->i);
        }
    }
}

static void info(Hmp *h, const char *command)
{
    Json *j = NULL;

    if (run(h, command, NULL, &j)) {
        print_object(h->out, j);
    }
    json_free(j);
}

void hmp_info_migrate(Hmp *h, const char *args)
{
    (void)args;
    info(h, "query-migrate");
}

void hmp_info_migrate_parameters(Hmp *h, const char *args)
{
    (void)args;
    info(h, "query-migrate-parameters");
}

void hmp_info_migrate_capabilities(Hmp *h, const char *args)
{
    Json *j = NULL;

    (void)args;
    run(h, "query-migrate-capabilities", NULL, &j);
    for (const Json *k = j ? j->first : NULL; k; k = k->next) {
        fprintf(h->out, "%s: %s\n", json_str(k, "capability"),
                json_bool(k, "state", false) ? "on" : "off");
    }
    json_free(j);
}
