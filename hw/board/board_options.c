/* SPDX-License-Identifier: MIT */
/* The options of a board; see board_options.h. */
#include <glib.h>
#include "hw/board/board_options.h"
#include "util/keyval.h"

static bool unknown(const Machine *m, const BoardOption *table,
                    const char *key, Err *err)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const char *near;

    for (const BoardOption *o = table; o->key; o++) {
        g_ptr_array_add(names, (char *)o->key);
    }
    near = nearest_word(key, (const char *const *)names->pdata, names->len);
    return fail(err, "-M %s has no option \"%s\"%s%s%s", m->board->name, key,
                near ? "; did you mean \"" : "", near ? near : "",
                near ? "\"?" : "");
}

bool board_option(Machine *m, const BoardOption *table, const char *key,
                  const char *value, Err *err)
{
    for (const BoardOption *o = table; o->key; o++) {
        if (strcmp(key, o->key) != 0) {
            continue;
        }
        if (o->set) {
            return o->set(m, key, value, err);
        }
        return !o->only || strcmp(value, o->only) == 0
            || fail(err, "-M %s,%s=%s: %s; write %s=%s or leave it out",
                    m->board->name, key, value, o->why, key, o->only);
    }
    return unknown(m, table, key, err);
}

bool board_on_off(const char *key, const char *value, bool *on, Err *err)
{
    *on = strcmp(value, "on") == 0;
    return *on || strcmp(value, "off") == 0
        || fail(err, "%s=%s: write on or off", key, value);
}
