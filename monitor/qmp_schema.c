/* SPDX-License-Identifier: MIT */
/* QMP's schema: checking values against it, and telling clients of it. */
#include "monitor/qmp_schema.h"

/* ---- finding ------------------------------------------------------------ */

const SchemaCommand *schema_command(const char *name)
{
    const SchemaCommand *c = schema_commands;

    while (c->name && strcmp(c->name, name) != 0) {
        c++;
    }
    return c->name ? c : NULL;
}

const SchemaEvent *schema_event(const char *name)
{
    const SchemaEvent *e = schema_events;

    while (e->name && strcmp(e->name, name) != 0) {
        e++;
    }
    return e->name ? e : NULL;
}

const char *schema_near_command(const char *word)
{
    const char *names[256];
    size_t n = 0;

    for (const SchemaCommand *c = schema_commands; c->name; c++) {
        names[n++] = c->name;
    }
    return nearest_word(word, names, n);
}

/* ---- checking ----------------------------------------------------------- */

static const char *const type_words[] = {
    [SCHEMA_NULL] = "null", [SCHEMA_BOOL] = "boolean",
    [SCHEMA_INT] = "integer", [SCHEMA_NUMBER] = "number",
    [SCHEMA_STRING] = "string", [SCHEMA_ENUM] = "string",
    [SCHEMA_ARRAY] = "array", [SCHEMA_OBJECT] = "object",
    [SCHEMA_ANY] = "anything",
};

static bool fits(const SchemaType *t, const Json *v)
{
    static const JsonKind kinds[] = {
        [SCHEMA_NULL] = JSON_NULL, [SCHEMA_BOOL] = JSON_BOOL,
        [SCHEMA_INT] = JSON_INT, [SCHEMA_STRING] = JSON_STRING,
        [SCHEMA_ENUM] = JSON_STRING, [SCHEMA_ARRAY] = JSON_ARRAY,
        [SCHEMA_OBJECT] = JSON_OBJECT,
    };

    return t->kind == SCHEMA_ANY
        || (t->kind == SCHEMA_NUMBER ? v->kind == JSON_NUMBER
                                       || v->kind == JSON_INT
                                     : kinds[t->kind] == v->kind);
}

static bool check_int(const SchemaType *t, const Json *v, const char *where,
                      Err *err)
{
    bool low = !v->big && v->i < t->min;
    bool high = (v->big || v->i >= 0) && (u64)v->i > t->max;

    return (!low && !high)
        || fail(err, "Parameter '%s' is %s; it is from %lld to %llu", where,
                low ? "too small" : "too large", (long long)t->min,
                (unsigned long long)t->max);
}

static bool check_word(const SchemaType *t, const Json *v, const char *where,
                       Err *err)
{
    size_t n = 0;

    for (; t->words[n]; n++) {
        if (strcmp(t->words[n], v->s) == 0) {
            return true;
        }
    }
    const char *near = nearest_word(v->s, t->words, n);
    g_autofree char *all = g_strjoinv(", ", (char **)t->words);
    return near
        ? fail(err, "Parameter '%s' does not accept value '%.100s'; did you "
               "mean '%s'?", where, v->s, near)
        : fail(err, "Parameter '%s' does not accept value '%.100s'; it is one "
               "of %.600s", where, v->s, all);
}

static const SchemaMember *find_member(const SchemaType *t, const char *name)
{
    for (const SchemaMember *m = t ? t->members : NULL; m && m->name; m++) {
        if (strcmp(m->name, name) == 0) {
            return m;
        }
    }
    return NULL;
}

static const SchemaType *find_branch(const SchemaType *t, const char *word)
{
    for (const SchemaBranch *b = t->branches; word && b && b->word; b++) {
        if (strcmp(b->word, word) == 0) {
            return b->type;
        }
    }
    return NULL;
}

/* All that t says of members is right; others are find_stray()'s. */
static bool check_members(const SchemaType *t, const Json *v,
                          const char *where, Err *err)
{
    for (const SchemaMember *m = t->members; m && m->name; m++) {
        const Json *member = json_get(v, m->name);
        g_autofree char *name = g_strconcat(where, *where ? "." : "", m->name,
                                            NULL);
        if (!member && !m->optional) {
            return fail(err, "Parameter '%s' is missing", name);
        }
        if (member && !schema_check(m->type, member, name, err)) {
            return false;
        }
    }
    return true;
}

/* The names of t's members, then of branch's, from names[n] on. */
static size_t list_members(const SchemaType *t, const char **names, size_t n)
{
    for (const SchemaMember *m = t ? t->members : NULL; m && m->name; m++) {
        names[n++] = m->name;
    }
    return n;
}

/* Are there no members but those of t and its branch? */
static bool check_strays(const SchemaType *t, const SchemaType *branch,
                         const Json *v, const char *where, Err *err)
{
    for (const Json *k = t->open ? NULL : v->first; k; k = k->next) {
        if (!find_member(t, k->name) && !find_member(branch, k->name)) {
            const char *names[128];
            size_t n = list_members(branch, names, list_members(t, names, 0));
            const char *near = nearest_word(k->name, names, n);
            return fail(err, "Parameter '%s%s%.100s' is unexpected%s%s%s",
                        where, *where ? "." : "", k->name,
                        near ? "; did you mean '" : "", near ? near : "",
                        near ? "'?" : "");
        }
    }
    return true;
}

static bool check_object(const SchemaType *t, const Json *v, const char *where,
                         Err *err)
{
    if (!check_members(t, v, where, err)) {
        return false;
    }
    const SchemaType *branch = t->tag ? find_branch(t, json_str(v, t->tag))
                                      : NULL;
    return (!branch || check_members(branch, v, where, err))
        && check_strays(t, branch, v, where, err);
}

static bool check_elements(const SchemaType *t, const Json *v,
                           const char *where, Err *err)
{
    u32 n = 0;

    for (const Json *k = v->first; k; k = k->next, n++) {
        g_autofree char *name = g_strdup_printf("%s[%u]", where, n);
        if (!schema_check(t->element, k, name, err)) {
            return false;
        }
    }
    return true;
}

static bool check_alternate(const SchemaType *t, const Json *v,
                            const char *where, Err *err)
{
    for (const SchemaBranch *b = t->branches; b->word; b++) {
        if (fits(b->type, v)) {
            return schema_check(b->type, v, where, err);
        }
    }
    return fail(err, "Invalid parameter type for '%s', expected: %s", where,
                type_words[t->branches[0].type->kind]);
}

bool schema_check(const SchemaType *t, const Json *v, const char *where,
                  Err *err)
{
    if (t->kind == SCHEMA_ALTERNATE) {
        return check_alternate(t, v, where, err);
    }
    if (!fits(t, v)) {
        return fail(err, "Invalid parameter type for '%s', expected: %s",
                    where, type_words[t->kind]);
    }
    switch (t->kind) {
    case SCHEMA_INT: return check_int(t, v, where, err);
    case SCHEMA_ENUM: return check_word(t, v, where, err);
    case SCHEMA_ARRAY: return check_elements(t, v, where, err);
    case SCHEMA_OBJECT: return check_object(t, v, where, err);
    default: return true;
    }
}

/* ---- query-qmp-schema --------------------------------------------------- */

typedef struct Told {
    Json       *list;
    GHashTable *names;                  /* of types that are in it */
} Told;

static Json *entry(Told *told, const char *name, const char *meta)
{
    Json *j = json_add(told->list, NULL, json_object());

    json_add_str(j, "name", name);
    json_add_str(j, "meta-type", meta);
    return j;
}

static const char *tell_type(Told *told, const SchemaType *t);

static void tell_words(const SchemaType *t, Json *j)
{
    Json *members = json_add(j, "members", json_array());
    Json *values = json_add(j, "values", json_array());

    for (const char *const *w = t->words; *w; w++) {
        json_add_str(json_add(members, NULL, json_object()), "name", *w);
        json_add_str(values, NULL, *w);
    }
}

/* Every value of the tag has a branch; without one it is empty. */
static void tell_branches(Told *told, const SchemaType *t, Json *j)
{
    static const SchemaType empty = { .name = "empty", .kind = SCHEMA_OBJECT };
    Json *variants = json_add(j, "variants", json_array());

    json_add_str(j, "tag", t->tag);
    for (const char *const *w = find_member(t, t->tag)->type->words; *w; w++) {
        const SchemaType *branch = find_branch(t, *w);
        Json *v = json_add(variants, NULL, json_object());
        json_add_str(v, "case", *w);
        json_add_str(v, "type", tell_type(told, branch ? branch : &empty));
    }
}

static void tell_object(Told *told, const SchemaType *t, Json *j)
{
    Json *members = json_add(j, "members", json_array());

    for (const SchemaMember *m = t->members; m && m->name; m++) {
        Json *k = json_add(members, NULL, json_object());
        json_add_str(k, "name", m->name);
        json_add_str(k, "type", tell_type(told, m->type));
        if (m->optional) {
            json_add(k, "default", json_new_null());
        }
    }
    if (t->tag) {
        tell_branches(told, t, j);
    }
}

static void tell_alternate(Told *told, const SchemaType *t, Json *j)
{
    Json *members = json_add(j, "members", json_array());

    for (const SchemaBranch *b = t->branches; b->word; b++) {
        json_add_str(json_add(members, NULL, json_object()), "type",
                     tell_type(told, b->type));
    }
}

static void tell_builtin(const SchemaType *t, Json *j)
{
    static const char *const words[] = {
        [SCHEMA_NULL] = "null", [SCHEMA_BOOL] = "boolean",
        [SCHEMA_INT] = "int", [SCHEMA_NUMBER] = "number",
        [SCHEMA_STRING] = "string", [SCHEMA_ANY] = "value",
    };

    json_add_str(j, "json-type", words[t->kind]);
}

/* Puts t in the list if it is not yet; returns its name. */
static const char *tell_type(Told *told, const SchemaType *t)
{
    static const char *const meta[] = {
        [SCHEMA_ENUM] = "enum", [SCHEMA_ARRAY] = "array",
        [SCHEMA_OBJECT] = "object", [SCHEMA_ALTERNATE] = "alternate",
    };
    /* Clients know one integer type; the limits are the commands' own. */
    const char *name = t->kind == SCHEMA_INT ? "int" : t->name;

    if (!g_hash_table_add(told->names, (char *)name)) {
        return name;
    }
    Json *j = entry(told, name, t->kind < SCHEMA_ENUM ? "builtin"
                                                      : meta[t->kind]);
    switch (t->kind) {
    case SCHEMA_ENUM: tell_words(t, j); break;
    case SCHEMA_OBJECT: tell_object(told, t, j); break;
    case SCHEMA_ALTERNATE: tell_alternate(told, t, j); break;
    case SCHEMA_ARRAY:
        json_add_str(j, "element-type", tell_type(told, t->element));
        break;
    default: tell_builtin(t, j); break;
    }
    return name;
}

void qmp_query_qmp_schema(QmpCall *c)
{
    Told told = { json_array(), g_hash_table_new(g_str_hash, g_str_equal) };

    for (const SchemaCommand *s = schema_commands; s->name; s++) {
        Json *j = entry(&told, s->name, "command");
        json_add_str(j, "arg-type", tell_type(&told, s->arguments));
        json_add_str(j, "ret-type", tell_type(&told, s->returns));
    }
    for (const SchemaEvent *e = schema_events; e->name; e++) {
        Json *j = entry(&told, e->name, "event");
        json_add_str(j, "arg-type", tell_type(&told, e->data));
    }
    g_hash_table_destroy(told.names);
    c->ret = told.list;
}

void qmp_query_commands(QmpCall *c)
{
    c->ret = json_array();
    for (const SchemaCommand *s = schema_commands; s->name; s++) {
        json_add_str(json_add(c->ret, NULL, json_object()), "name", s->name);
    }
}

void qmp_query_events(QmpCall *c)
{
    c->ret = json_array();
    for (const SchemaEvent *e = schema_events; e->name; e++) {
        json_add_str(json_add(c->ret, NULL, json_object()), "name", e->name);
    }
}
