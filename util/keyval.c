/* SPDX-License-Identifier: MIT */
/* Lists of key=value options; see include/util/keyval.h. */
#include <glib.h>
#include "util/keyval.h"

typedef struct Pair {
    char *key, *value;
    bool  used;
} Pair;

struct KeyVal {
    GArray    *pairs;           /* of Pair */
    GPtrArray *asked;           /* keys that were looked up */
};

static void clear_pair(void *p)
{
    g_free(((Pair *)p)->key);
    g_free(((Pair *)p)->value);
}

/* The next word of *text, up to a single comma; moves *text behind it. */
static char *next_word(const char **text)
{
    GString *w = g_string_new(NULL);
    const char *p = *text;

    for (; *p; p++) {
        if (*p == ',') {
            if (p[1] != ',') {
                break;
            }
            p++;
        }
        g_string_append_c(w, *p);
    }
    *text = *p ? p + 1 : p;
    return g_string_free(w, FALSE);
}

static void add_pair(KeyVal *kv, const char *word, const char *implied)
{
    const char *eq = strchr(word, '=');
    Pair p = { 0 };

    if (eq) {
        p.key = g_strndup(word, (size_t)(eq - word));
        p.value = g_strdup(eq + 1);
    } else if (implied) {
        p.key = g_strdup(implied);
        p.value = g_strdup(word);
    } else if (g_str_has_prefix(word, "no") && strlen(word) > 3) {
        p.key = g_strdup(word + 2);
        p.value = g_strdup("off");
    } else {
        p.key = g_strdup(word);
        p.value = g_strdup("on");
    }
    g_array_append_val(kv->pairs, p);
}

KeyVal *keyval_parse(const char *text, const char *implied, Err *err)
{
    KeyVal *kv = g_new0(KeyVal, 1);

    kv->pairs = g_array_new(false, false, sizeof(Pair));
    g_array_set_clear_func(kv->pairs, clear_pair);
    kv->asked = g_ptr_array_new_with_free_func(g_free);
    for (bool first = true; *text; first = false) {
        char *word = next_word(&text);
        if (*word == '\0' || *word == '=') {
            fail(err, "an option without a name before \"=\" or \",\" in "
                 "\"%s\"", word);
            g_free(word);
            keyval_free(kv);
            return NULL;
        }
        add_pair(kv, word, first ? implied : NULL);
        g_free(word);
    }
    return kv;
}

void keyval_free(KeyVal *kv)
{
    if (kv) {
        g_array_free(kv->pairs, true);
        g_ptr_array_free(kv->asked, true);
        g_free(kv);
    }
}

static Pair *pair_at(KeyVal *kv, u32 i)
{
    return &g_array_index(kv->pairs, Pair, i);
}

const char *keyval_nth(KeyVal *kv, const char *key, unsigned n)
{
    if (n == 0) {
        g_ptr_array_add(kv->asked, g_strdup(key));
    }
    for (u32 i = 0; i < kv->pairs->len; i++) {
        Pair *p = pair_at(kv, i);
        if (strcmp(p->key, key) == 0) {
            p->used = true;
            if (n-- == 0) {
                return p->value;
            }
        }
    }
    return NULL;
}

const char *keyval_get(KeyVal *kv, const char *key)
{
    const char *v = NULL, *next;

    for (unsigned n = 0; (next = keyval_nth(kv, key, n)); n++) {
        v = next;
    }
    return v;
}

bool parse_bool(const char *text, bool *out)
{
    static const char *const yes[] = { "on", "yes", "true", "y", "1" };
    static const char *const no[] = { "off", "no", "false", "n", "0" };

    for (u32 i = 0; i < countof(yes); i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *out = strcmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

bool parse_u64(const char *text, u64 *out)
{
    static const char suffix[] = "KMGT";
    char *end;

    if (!g_ascii_isdigit(*text)) {
        return false;
    }
    u64 v = g_ascii_strtoull(text, &end, 0);
    const char *s = *end ? strchr(suffix, g_ascii_toupper(*end)) : NULL;
    if (s) {
        unsigned shift = 10 * (unsigned)(s - suffix + 1);
        if (v >> (64 - shift)) {
            return false;
        }
        v <<= shift;
        end++;
    }
    *out = v;
    return *end == '\0';
}

bool keyval_bool(KeyVal *kv, const char *key, bool dflt, bool *out, Err *err)
{
    const char *v = keyval_get(kv, key);

    *out = dflt;
    return !v || parse_bool(v, out)
        || fail(err, "%s=%s: write on or off", key, v);
}

bool keyval_u64(KeyVal *kv, const char *key, u64 dflt, u64 *out, Err *err)
{
    const char *v = keyval_get(kv, key);

    *out = dflt;
    return !v || parse_u64(v, out)
        || fail(err, "%s=%s is not a number (with K, M, G or T behind it)",
                key, v);
}

bool keyval_done(KeyVal *kv, const char *what, Err *err)
{
    for (u32 i = 0; i < kv->pairs->len; i++) {
        Pair *p = pair_at(kv, i);
        if (!p->used) {
            const char *near = nearest_word(
                p->key, (const char *const *)kv->asked->pdata, kv->asked->len);
            return fail(err, "%s has no option \"%s\"%s%s%s", what, p->key,
                        near ? "; did you mean \"" : "", near ? near : "",
                        near ? "\"?" : "");
        }
    }
    return true;
}
