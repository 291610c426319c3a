/* SPDX-License-Identifier: MIT */
/* Reading JSON; see include/util/json.h. */
#include <errno.h>
#include <math.h>
#include "util/json.h"

typedef struct Reader {
    const char *p, *end;
    u32         depth, nodes;
    Err        *err;
} Reader;

static Json *value(Reader *r);

static bool wrong(Reader *r, const char *wanted)
{
    size_t left = (size_t)(r->end - r->p);
    g_autofree char *here = g_utf8_make_valid(r->p, (gssize)MIN(left, 20));

    return fail(r->err, "JSON: %s expected at \"%s\"", wanted,
                left ? here : "the end");
}

static int peek(const Reader *r)
{
    return r->p < r->end ? (u8)*r->p : -1;
}

static int next(Reader *r)
{
    while (r->p < r->end && *r->p && strchr(" \t\r\n", *r->p)) {
        r->p++;
    }
    return peek(r);
}

static bool take(Reader *r, char c)
{
    if (next(r) != c) {
        return false;
    }
    r->p++;
    return true;
}

/* ---- strings ------------------------------------------------------------ */

static bool hex4(Reader *r, gunichar *c)
{
    *c = 0;
    for (int i = 0; i < 4; i++, r->p++) {
        if (peek(r) < 0 || !g_ascii_isxdigit(*r->p)) {
            return wrong(r, "a hexadecimal digit");
        }
        *c = *c * 16 + (gunichar)g_ascii_xdigit_value(*r->p);
    }
    return true;
}

/* Behind "\u": a character, or the first of a surrogate pair. */
static bool unicode(Reader *r, GString *s)
{
    gunichar c, low;

    if (!hex4(r, &c)) {
        return false;
    }
    if ((c & 0xfc00) == 0xd800 && r->end - r->p >= 2 && r->p[0] == '\\'
        && r->p[1] == 'u') {
        r->p += 2;
        if (!hex4(r, &low)) {
            return false;
        }
        c = (low & 0xfc00) == 0xdc00
            ? 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff) : 0;
    }
    if (c == 0 || !g_unichar_validate(c)) {
        return wrong(r, "a character other than this");
    }
    g_string_append_unichar(s, c);
    return true;
}

static bool escape(Reader *r, GString *s)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at = peek(r) > 0 ? strchr(from, *r->p) : NULL;

    if (at) {
        g_string_append_c(s, to[at - from]);
        r->p++;
        return true;
    }
    if (peek(r) != 'u') {
        return wrong(r, "an escape");
    }
    r->p++;
    return unicode(r, s);
}

/* What is between quotes; NULL with an error. */
static char *string(Reader *r)
{
    GString *s = g_string_new(NULL);
    bool ok = take(r, '"') || wrong(r, "a string");

    while (ok && peek(r) >= ' ' && *r->p != '"') {
        const char *start = r->p;
        while (peek(r) >= ' ' && *r->p != '"' && *r->p != '\\') {
            r->p++;
        }
        if (!g_utf8_validate(start, r->p - start, NULL)) {
            ok = fail(r->err, "JSON: a string is not UTF-8");
        }
        g_string_append_len(s, start, r->p - start);
        if (ok && peek(r) == '\\') {
            r->p++;
            ok = escape(r, s);
        }
    }
    ok = ok && (peek(r) == '"' || wrong(r, "\""));
    r->p += ok;
    return g_string_free(s, !ok);
}

/* ---- objects and arrays ------------------------------------------------- */

static bool close_bracket(Reader *r, char close)
{
    return take(r, close)
        || wrong(r, close == '}' ? ", or }" : ", or ]");
}

/* Is there a member already that name (freed if not used) would double? */
static bool add_member(Reader *r, GHashTable *names, Json *j, char *name,
                       Json *v)
{
    if (!v || !g_hash_table_add(names, name)) {
        if (v) {
            fail(r->err, "JSON: there are two \"%s\" in one object", name);
        }
        g_free(name);
        json_free(v);
        return false;
    }
    json_add(j, NULL, v)->name = name;
    return true;
}

static bool object(Reader *r, Json *j)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

    if (take(r, '}')) {
        return true;
    }
    do {
        char *name = string(r);
        if (!name) {
            return false;
        }
        if (!take(r, ':')) {
            g_free(name);
            return wrong(r, ":");
        }
        if (!add_member(r, names, j, name, value(r))) {
            return false;
        }
    } while (take(r, ','));
    return close_bracket(r, '}');
}

static bool array(Reader *r, Json *j)
{
    if (take(r, ']')) {
        return true;
    }
    do {
        Json *v = value(r);
        if (!v) {
            return false;
        }
        json_add(j, NULL, v);
    } while (take(r, ','));
    return close_bracket(r, ']');
}

/* ---- values ------------------------------------------------------------- */

static const char *digits(const char *p)
{
    while (g_ascii_isdigit(*p)) {
        p++;
    }
    return p;
}

/* Is it a number as RFC 8259 spells it: -12, 0.5e+3? */
static bool is_number(const char *p)
{
    const char *start = *p == '-' ? p + 1 : p;

    p = digits(start);
    if (p == start || (*start == '0' && p > start + 1)) {
        return false;
    }
    if (*p == '.') {
        start = p + 1;
        p = digits(start);
        if (p == start) {
            return false;
        }
    }
    if (*p == 'e' || *p == 'E') {
        start = p + 1 + (p[1] == '-' || p[1] == '+');
        p = digits(start);
    }
    return p > start && !*p;
}

static Json *number(const char *text)
{
    char *end;
    Json *j;

    if (!is_number(text)) {
        return NULL;
    }
    if (!strpbrk(text, ".eE")) {
        errno = 0;
        i64 i = g_ascii_strtoll(text, &end, 10);
        if (!errno) {
            return json_new_int(i);
        }
        errno = 0;
        u64 u = g_ascii_strtoull(text, &end, 10);
        if (!errno && *text != '-') {
            return json_new_u64(u);
        }
    }
    j = json_new_null();
    j->kind = JSON_NUMBER;
    j->d = g_ascii_strtod(text, NULL);
    if (!isfinite(j->d)) {
        g_clear_pointer(&j, json_free);
    }
    return j;
}

static Json *word(Reader *r)
{
    char text[64];
    size_t n = 0;
    Json *j = NULL;

    next(r);
    for (const char *p = r->p; p < r->end && n < sizeof text - 1
         && (g_ascii_isalnum(*p) || (*p && strchr("+-.", *p))); p++) {
        text[n++] = *p;
    }
    text[n] = '\0';
    if (strcmp(text, "null") == 0) {
        j = json_new_null();
    } else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        j = json_new_bool(*text == 't');
    } else {
        j = number(text);
    }
    if (!j) {
        wrong(r, "a value");
    } else {
        r->p += n;
    }
    return j;
}

static Json *inner(Reader *r)
{
    bool is_object = take(r, '{');
    Json *j = NULL;

    if (is_object || take(r, '[')) {
        j = is_object ? json_object() : json_array();
        if (!(is_object ? object(r, j) : array(r, j))) {
            g_clear_pointer(&j, json_free);
        }
    } else if (next(r) == '"') {
        char *s = string(r);
        if (s) {
            j = json_new_null();
            j->kind = JSON_STRING;
            j->s = s;
        }
    } else {
        j = word(r);
    }
    return j;
}

static Json *value(Reader *r)
{
    if (++r->depth > JSON_DEPTH) {
        fail(r->err, "JSON: nested more than %d deep", JSON_DEPTH);
        return NULL;
    }
    if (++r->nodes > JSON_NODES) {
        fail(r->err, "JSON: more than %d values", JSON_NODES);
        return NULL;
    }
    Json *j = inner(r);
    r->depth--;
    return j;
}

Json *json_parse(const char *text, size_t len, Err *err)
{
    Reader r = { .p = text, .end = text + len, .err = err };
    Json *j = value(&r);

    if (j && next(&r) >= 0) {
        wrong(&r, "the end");
        g_clear_pointer(&j, json_free);
    }
    return j;
}

/* ---- streams ------------------------------------------------------------ */

/* A byte inside quotes. */
static JsonStep scan_string(JsonScan *s, u8 byte)
{
    if (byte == '\n') {
        *s = (JsonScan) { 0 };
        return JSON_DONE;               /* the parser will say what is wrong */
    }
    if (s->escape) {
        s->escape = false;
    } else if (byte == '\\') {
        s->escape = true;
    } else if (byte == '"') {
        s->string = false;
    }
    return JSON_MORE;
}

static JsonStep scan_bracket(JsonScan *s, bool opens)
{
    s->begun = true;
    s->depth += opens;
    s->broken = s->broken || s->depth > JSON_DEPTH;
    if (!opens && !s->broken && (!s->depth || !--s->depth)) {
        *s = (JsonScan) { 0 };
        return JSON_DONE;
    }
    return JSON_MORE;
}

JsonStep json_scan(JsonScan *s, u8 byte)
{
    if (byte == 0xff) {
        *s = (JsonScan) { 0 };
        return JSON_DROP;
    }
    if ((s->word || s->broken) && byte == '\n') {
        *s = (JsonScan) { 0 };
        return JSON_DONE;
    }
    if (s->string) {
        return scan_string(s, byte);
    }
    if (!s->begun && (byte == ' ' || byte == '\t' || byte == '\r'
                      || byte == '\n')) {
        return JSON_SKIP;
    }
    if (!s->word && (byte == '{' || byte == '[' || byte == '}'
                     || byte == ']')) {
        return scan_bracket(s, byte == '{' || byte == '[');
    }
    s->string = byte == '"' && !s->word;
    s->word = s->word || !s->begun;
    s->begun = true;
    return JSON_MORE;
}
