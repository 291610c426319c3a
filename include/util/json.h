/* SPDX-License-Identifier: MIT */
/*
 * JSON values.  Reference: RFC 8259.
 *
 * A value is a tree of Json nodes; an object's members and an array's elements
 * are a list in the order of the text.  A parent owns its children.  Strings
 * are UTF-8 without NUL; integers are 64 bits wide, signed or not.
 */
#pragma once
#include <glib.h>
#include "util/err.h"

typedef enum JsonKind {
    JSON_NULL, JSON_BOOL, JSON_INT, JSON_NUMBER, JSON_STRING, JSON_ARRAY,
    JSON_OBJECT,
} JsonKind;

typedef struct Json Json;
struct Json {
    JsonKind kind;
    bool     big;               /* JSON_INT above INT64_MAX: a u64 in i */
    char    *name;              /* of a member of an object; else NULL */
    Json    *next;              /* in the parent */
    Json    *first, *last;      /* of an object or array */
    union {
        bool   b;
        i64    i;
        double d;
        char  *s;
    };
};

enum { JSON_DEPTH = 256, JSON_NODES = 1 << 20 };

/*
 * The value that all of text is, up to JSON_DEPTH deep and of JSON_NODES
 * nodes; NULL with *err.  Free it with json_free().
 */
Json *json_parse(const char *text, size_t len, Err *err);
void  json_free(Json *j);               /* NULL is fine */

/* A member of an object; NULL: it has none of that name. */
Json *json_get(const Json *object, const char *name);
/* The same as a value; dflt if there is none (or of another kind). */
const char *json_str(const Json *object, const char *name);     /* or NULL */
bool  json_bool(const Json *object, const char *name, bool dflt);
i64   json_int(const Json *object, const char *name, i64 dflt);
/* How many members or elements. */
u32   json_len(const Json *j);
/* Equal in kind and value; members in any order. */
bool  json_equal(const Json *a, const Json *b);
const char *json_kind_name(JsonKind kind);      /* "string" */

/* Making values.  json_add() gives child to parent and returns child. */
Json *json_object(void);
Json *json_array(void);
Json *json_new_str(const char *s);      /* invalid UTF-8 is replaced */
Json *json_new_int(i64 i);
Json *json_new_u64(u64 i);
Json *json_new_bool(bool b);
Json *json_new_null(void);
Json *json_copy(const Json *j);
Json *json_add(Json *parent, const char *name, Json *child);
Json *json_add_str(Json *parent, const char *name, const char *s);
Json *json_add_int(Json *parent, const char *name, i64 i);
Json *json_add_u64(Json *parent, const char *name, u64 i);
Json *json_add_bool(Json *parent, const char *name, bool b);
/* Takes a member out of an object; NULL: there is none.  The caller's. */
Json *json_take(Json *object, const char *name);

/* Appends the text: on one line, or indented if `pretty`. */
void  json_print(const Json *j, bool pretty, GString *out);

/*
 * An object such as {"driver":"x","file":{"a":1}} as the key=value text that
 * means the same: "driver=x,file.a=1"; elements of arrays are "key.0", and so
 * on; null is an empty value.  To be freed with g_free().
 */
char *json_options(const Json *object);
/* The same from text; NULL with *err if it is not well formed. */
char *json_to_options(const char *text, Err *err);

/*
 * Finds where one value of a stream of bytes ends, so that it can be parsed:
 * after the bracket that closes it, or at the end of the line where it cannot
 * be one (a bare word, a string that the line's end breaks).  A byte 0xff,
 * which no UTF-8 has, drops what came before it.
 */
typedef struct JsonScan {
    u32  depth;
    bool begun, word, string, escape, broken;
} JsonScan;
typedef enum JsonStep {
    JSON_MORE,                  /* the byte belongs to the value */
    JSON_SKIP,                  /* it is space between values */
    JSON_DONE,                  /* the value ends with it */
    JSON_DROP,                  /* forget what came so far */
} JsonStep;
JsonStep json_scan(JsonScan *s, u8 byte);
