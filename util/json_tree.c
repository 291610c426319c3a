/* SPDX-License-Identifier: MIT */
/* JSON values in memory, and writing them; see include/util/json.h. */
#include <stdio.h>
#include "util/json.h"

static Json *make(JsonKind kind)
{
    Json *j = g_new0(Json, 1);

    j->kind = kind;
    return j;
}

/* As deep as json_parse() lets a tree be, or our own code makes one. */
void json_free(Json *j)
{
    while (j) {
        Json *next = j->next;
        json_free(j->first);
        if (j->kind == JSON_STRING) {
            g_free(j->s);
        }
        g_free(j->name);
        g_free(j);
        j = next;
    }
}

/* ---- making ------------------------------------------------------------- */

Json *json_object(void)
{
    return make(JSON_OBJECT);
}

Json *json_array(void)
{
    return make(JSON_ARRAY);
}

Json *json_new_str(const char *s)
{
    Json *j = make(JSON_STRING);

    j->s = g_utf8_make_valid(s, -1);
    return j;
}

Json *json_new_int(i64 i)
{
    Json *j = make(JSON_INT);

    j->i = i;
    return j;
}

Json *json_new_u64(u64 i)
{
    Json *j = json_new_int((i64)i);

    j->big = i > INT64_MAX;
    return j;
}

Json *json_new_bool(bool b)
{
    Json *j = make(JSON_BOOL);

    j->b = b;
    return j;
}

Json *json_new_null(void)
{
    return make(JSON_NULL);
}

Json *json_copy(const Json *j)
{
    Json *c = make(j->kind);

    c->big = j->big;
    c->i = j->i;
    if (j->kind == JSON_STRING) {
        c->s = g_strdup(j->s);
    } else if (j->kind == JSON_NUMBER) {
        c->d = j->d;
    }
    for (const Json *k = j->first; k; k = k->next) {
        json_add(c, k->name, json_copy(k));
    }
    return c;
}

Json *json_add(Json *parent, const char *name, Json *child)
{
    child->name = g_strdup(name);
    if (parent->last) {
        parent->last->next = child;
    } else {
        parent->first = child;
    }
    return parent->last = child;
}

Json *json_add_str(Json *parent, const char *name, const char *s)
{
    return json_add(parent, name, json_new_str(s));
}

Json *json_add_int(Json *parent, const char *name, i64 i)
{
    return json_add(parent, name, json_new_int(i));
}

Json *json_add_u64(Json *parent, const char *name, u64 i)
{
    return json_add(parent, name, json_new_u64(i));
}

Json *json_add_bool(Json *parent, const char *name, bool b)
{
    return json_add(parent, name, json_new_bool(b));
}

Json *json_take(Json *object, const char *name)
{
    Json *before = NULL;

    for (Json *j = object->first; j; before = j, j = j->next) {
        if (strcmp(j->name, name) == 0) {
            *(before ? &before->next : &object->first) = j->next;
            object->last = j->next ? object->last : before;
            j->next = NULL;
            g_clear_pointer(&j->name, g_free);
            return j;
        }
    }
    return NULL;
}

/* ---- looking ------------------------------------------------------------ */

Json *json_get(const Json *object, const char *name)
{
    Json *j = object && object->kind == JSON_OBJECT ? object->first : NULL;

    while (j && strcmp(j->name, name) != 0) {
        j = j->next;
    }
    return j;
}

const char *json_str(const Json *object, const char *name)
{
    const Json *j = json_get(object, name);

    return j && j->kind == JSON_STRING ? j->s : NULL;
}

bool json_bool(const Json *object, const char *name, bool dflt)
{
    const Json *j = json_get(object, name);

    return j && j->kind == JSON_BOOL ? j->b : dflt;
}

i64 json_int(const Json *object, const char *name, i64 dflt)
{
    const Json *j = json_get(object, name);

    return j && j->kind == JSON_INT ? j->i : dflt;
}

u32 json_len(const Json *j)
{
    u32 n = 0;

    for (const Json *k = j->first; k; k = k->next) {
        n++;
    }
    return n;
}

static bool lists_equal(const Json *a, const Json *b)
{
    const Json *y = b->first;

    for (const Json *x = a->first; x; x = x->next) {
        const Json *other = a->kind == JSON_OBJECT ? json_get(b, x->name) : y;
        if (!other || !json_equal(x, other)) {
            return false;
        }
        y = y ? y->next : NULL;
    }
    return json_len(a) == json_len(b);
}

bool json_equal(const Json *a, const Json *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case JSON_NULL: return true;
    case JSON_BOOL: return a->b == b->b;
    case JSON_INT: return a->i == b->i && a->big == b->big;
    case JSON_NUMBER: return a->d == b->d;
    case JSON_STRING: return strcmp(a->s, b->s) == 0;
    default: return lists_equal(a, b);
    }
}

const char *json_kind_name(JsonKind kind)
{
    static const char *const names[] = {
        [JSON_NULL] = "null", [JSON_BOOL] = "boolean", [JSON_INT] = "integer",
        [JSON_NUMBER] = "number", [JSON_STRING] = "string",
        [JSON_ARRAY] = "array", [JSON_OBJECT] = "object",
    };

    return names[kind];
}

/* ---- writing ------------------------------------------------------------ */

static void print_string(const char *s, GString *out)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";

    g_string_append_c(out, '"');
    for (; *s; s++) {
        const char *at = strchr(from, *s);
        if (at) {
            g_string_append_c(out, '\\');
            g_string_append_c(out, to[at - from]);
        } else if ((u8)*s < ' ' || *s == 0x7f) {
            g_string_append_printf(out, "\\u%04x", (u8)*s);
        } else {
            g_string_append_c(out, *s);
        }
    }
    g_string_append_c(out, '"');
}

static void new_line(GString *out, bool pretty, u32 depth)
{
    if (pretty) {
        g_string_append_printf(out, "\n%*s", (int)depth * 4, "");
    }
}

static void print(const Json *j, bool pretty, u32 depth, GString *out);

static void print_list(const Json *j, bool pretty, u32 depth, GString *out)
{
    bool is_object = j->kind == JSON_OBJECT;

    g_string_append_c(out, is_object ? '{' : '[');
    for (const Json *k = j->first; k; k = k->next) {
        new_line(out, pretty, depth + 1);
        if (is_object) {
            print_string(k->name, out);
            g_string_append(out, ": ");
        }
        print(k, pretty, depth + 1, out);
        if (k->next) {
            g_string_append(out, pretty ? "," : ", ");
        }
    }
    if (j->first) {
        new_line(out, pretty, depth);
    }
    g_string_append_c(out, is_object ? '}' : ']');
}

/* A number or word; strings are not quoted. */
static void print_scalar(const Json *j, GString *out)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];

    switch (j->kind) {
    case JSON_BOOL: g_string_append(out, j->b ? "true" : "false"); break;
    case JSON_INT:
        if (j->big) {
            g_string_append_printf(out, "%llu", (unsigned long long)j->i);
        } else {
            g_string_append_printf(out, "%lld", (long long)j->i);
        }
        break;
    case JSON_NUMBER:
        g_ascii_dtostr(digits, sizeof digits, j->d);
        g_string_append(out, digits);
        break;
    case JSON_STRING: g_string_append(out, j->s); break;
    default: g_string_append(out, "null"); break;
    }
}

static void print(const Json *j, bool pretty, u32 depth, GString *out)
{
    if (j->kind >= JSON_ARRAY) {
        print_list(j, pretty, depth, out);
    } else if (j->kind == JSON_STRING) {
        print_string(j->s, out);
    } else {
        print_scalar(j, out);
    }
}

void json_print(const Json *j, bool pretty, GString *out)
{
    print(j, pretty, 0, out);
}

/* ---- option text -------------------------------------------------------- */

/* "key=value", commas in the value doubled; key is where we are. */
static void emit(const Json *j, const GString *key, GString *out)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (j->kind == JSON_BOOL) {
        g_string_assign(text, j->b ? "on" : "off");
    } else if (j->kind != JSON_NULL) {
        print_scalar(j, text);
    }
    g_string_append_printf(out, "%s%s=", out->len ? "," : "", key->str);
    for (const char *p = text->str; *p; p++) {
        g_string_append(out, *p == ',' ? ",," : (char[]) { *p, 0 });
    }
}

static void flatten(const Json *j, GString *key, GString *out)
{
    gsize len = key->len;
    u32 n = 0;

    if (j->kind < JSON_ARRAY) {
        emit(j, key, out);
    }
    for (const Json *k = j->first; k; k = k->next, n++) {
        g_string_append(key, len ? "." : "");
        if (k->name) {
            g_string_append(key, k->name);
        } else {
            g_string_append_printf(key, "%u", n);
        }
        flatten(k, key, out);
        g_string_truncate(key, len);
    }
}

char *json_options(const Json *object)
{
    g_autoptr(GString) key = g_string_new(NULL);
    GString *out = g_string_new(NULL);

    flatten(object, key, out);
    return g_string_free(out, false);
}

char *json_to_options(const char *text, Err *err)
{
    Json *j = json_parse(text, strlen(text), err);
    char *out = NULL;

    if (j && j->kind == JSON_OBJECT) {
        out = json_options(j);
    } else if (j) {
        fail(err, "JSON: { expected at \"%.20s\"", text);
    }
    json_free(j);
    return out;
}
