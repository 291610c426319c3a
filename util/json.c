/* SPDX-License-Identifier: MIT */
/*
 * JSON objects to option text.  Reference: RFC 8259.
 *
 * Numbers are copied as they are written.  Left out: null (an error) and
 * \u escapes of surrogate pairs.
 */
#include <glib.h>
#include "util/json.h"

enum { DEPTH_MAX = 16 };

typedef struct Json {
    const char *p;
    GString    *out;            /* option text so far */
    GString    *key;            /* dotted name of where we are */
    u32         depth;
    Err        *err;
} Json;

static bool value(Json *j);

static bool wrong(Json *j, const char *wanted)
{
    return fail(j->err, "JSON: %s expected at \"%.20s\"", wanted,
                *j->p ? j->p : "the end");
}

static char next(Json *j)
{
    while (*j->p && strchr(" \t\r\n", *j->p)) {
        j->p++;
    }
    return *j->p;
}

static bool take(Json *j, char c)
{
    if (next(j) != c) {
        return false;
    }
    j->p++;
    return true;
}

static bool escape(Json *j, GString *s)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at = *j->p ? strchr(from, *j->p) : NULL;

    if (at) {
        g_string_append_c(s, to[at - from]);
        j->p++;
        return true;
    }
    if (*j->p++ != 'u') {
        j->p--;
        return wrong(j, "an escape");
    }
    gunichar c = 0;
    for (int i = 0; i < 4; i++, j->p++) {
        if (!g_ascii_isxdigit(*j->p)) {
            return wrong(j, "a hexadecimal digit");
        }
        c = c * 16 + (gunichar)g_ascii_xdigit_value(*j->p);
    }
    if (c == 0 || !g_unichar_validate(c)) {
        return wrong(j, "a character other than this");
    }
    g_string_append_unichar(s, c);
    return true;
}

static bool string(Json *j, GString *s)
{
    if (!take(j, '"')) {
        return wrong(j, "a string");
    }
    while (*j->p && *j->p != '"') {
        if (*j->p != '\\') {
            g_string_append_c(s, *j->p++);
        } else {
            j->p++;
            if (!escape(j, s)) {
                return false;
            }
        }
    }
    if (*j->p != '"') {
        return wrong(j, "\"");
    }
    j->p++;
    return true;
}

/* One "key=value", commas in the value doubled. */
static void emit(Json *j, const char *text)
{
    g_string_append_printf(j->out, "%s%s=", j->out->len ? "," : "",
                           j->key->str);
    for (; *text; text++) {
        g_string_append(j->out, *text == ',' ? ",," : (char[]) { *text, 0 });
    }
}

/* A value below the key that `name` or n adds. */
static bool member(Json *j, const char *name)
{
    gsize len = j->key->len;

    g_string_append_printf(j->key, "%s%s", len ? "." : "", name);
    if (!value(j)) {
        return false;
    }
    g_string_truncate(j->key, len);
    return true;
}

static bool object(Json *j)
{
    if (take(j, '}')) {
        return true;
    }
    do {
        g_autoptr(GString) name = g_string_new(NULL);
        if (!string(j, name)) {
            return false;
        }
        if (!take(j, ':')) {
            return wrong(j, ":");
        }
        if (!member(j, name->str)) {
            return false;
        }
    } while (take(j, ','));
    return take(j, '}') || wrong(j, ", or }");
}

static bool array(Json *j)
{
    if (take(j, ']')) {
        return true;
    }
    u32 n = 0;
    do {
        char name[12];
        g_snprintf(name, sizeof name, "%u", n++);
        if (!member(j, name)) {
            return false;
        }
    } while (take(j, ','));
    return take(j, ']') || wrong(j, ", or ]");
}

static bool scalar(Json *j)
{
    g_autoptr(GString) s = g_string_new(NULL);

    if (next(j) == '"') {
        if (!string(j, s)) {
            return false;
        }
    } else {
        while (g_ascii_isalnum(*j->p) || (*j->p && strchr("+-.", *j->p))) {
            g_string_append_c(s, *j->p++);
        }
        bool yes = strcmp(s->str, "true") == 0;
        if (yes || strcmp(s->str, "false") == 0) {
            g_string_assign(s, yes ? "on" : "off");
        } else if (!g_ascii_isdigit(s->str[0]) && s->str[0] != '-') {
            return wrong(j, "a value");
        }
    }
    emit(j, s->str);
    return true;
}

static bool value(Json *j)
{
    bool ok;

    if (++j->depth > DEPTH_MAX) {
        return fail(j->err, "JSON: nested more than %d deep", DEPTH_MAX);
    }
    ok = take(j, '{') ? object(j) : take(j, '[') ? array(j) : scalar(j);
    j->depth--;
    return ok;
}

char *json_to_options(const char *text, Err *err)
{
    Json j = { .p = text, .out = g_string_new(NULL),
               .key = g_string_new(NULL), .err = err };
    bool ok = take(&j, '{') ? object(&j) : wrong(&j, "{");

    ok = ok && (next(&j) == '\0' || wrong(&j, "the end"));
    g_string_free(j.key, true);
    return g_string_free(j.out, !ok);
}
