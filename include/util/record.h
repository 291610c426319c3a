/* SPDX-License-Identifier: MIT */
/*
 * Saved state: which members of a struct make it up, and how they are written.
 *
 * A table of Fields lists the members.  Written they are records, one for each
 * array of numbers: u8 length of the name, the name, u8 bytes of a number (1,
 * 2, 4, 8), u32 how many, the numbers; all little-endian.  A member that is a
 * struct has a table of its own: its members' names follow its own and a dot;
 * of an array of structs a record has the member of one after the other.
 */
#pragma once
#include <glib.h>
#include "util/err.h"

typedef struct Field {
    const char *name;
    u32         at, size;       /* of the member in its struct, in bytes */
    u32         unit;           /* bytes of a number; or of a struct in `of` */
    bool        truth;          /* the numbers are bools */
    bool        kept;           /* survives reset, e.g. a clock's offset */
    const struct Field *of;     /* a struct's members; ends with a NULL name */
} Field;

#define FIELD_UNIT(x)                                                       \
    _Generic((x), bool: 1, bool *: 1, u8: 1, u8 *: 1, i8: 1, i8 *: 1,       \
             u16: 2, u16 *: 2, i16: 2, i16 *: 2, u32: 4, u32 *: 4, i32: 4,  \
             i32 *: 4, u64: 8, u64 *: 8, i64: 8, i64 *: 8)
#define FIELD_AT(T, f)                                                      \
    .name = #f, .at = offsetof(T, f), .size = sizeof_field(T, f)
#define FIELD_NUMBERS(x)                                                    \
    .unit = FIELD_UNIT(x),                                                  \
    .truth = _Generic((x), bool: true, bool *: true, default: false)
/* A row for a number or an array of them. */
#define SAVE(T, f, ...)                                                     \
    { FIELD_AT(T, f), FIELD_NUMBERS(((T *)0)->f), __VA_ARGS__ }
/* The same under a name of its own. */
#define SAVE_NAMED(n, T, f)                                                 \
    { .name = (n), .at = offsetof(T, f), .size = sizeof_field(T, f),        \
      FIELD_NUMBERS(((T *)0)->f) }
#define KEEP_SAVE(T, f)     SAVE(T, f, .kept = true)
/* The same of what the compiler does not see it of: bytes of a number. */
#define SAVE_AS(T, f, n)    { FIELD_AT(T, f), .unit = (n) }
/* A struct S or an array of them, and the rows of its members. */
#define SAVE_STRUCT(T, f, S, ...)                                           \
    { FIELD_AT(T, f), .unit = sizeof(S), .of = (const Field[]) { __VA_ARGS__, { 0 } } }
#define KEEP_STRUCT(T, f, S, ...)                                           \
    { FIELD_AT(T, f), .unit = sizeof(S), .kept = true,                      \
      .of = (const Field[]) { __VA_ARGS__, { 0 } } }

enum { RECORD_NAME = 255, RECORD_DEPTH = 4 };

/* Appends the records of all members of the struct at base. */
void record_put_fields(GByteArray *to, const Field *table, const void *base);
/* Appends one: count numbers of `unit` bytes, which lie at p. */
void record_put(GByteArray *to, const char *name, const void *p, u32 unit,
                u32 count);
/* And one of text. */
void record_put_text(GByteArray *to, const char *name, const char *text);

/* What was read; data lies in what it was read from. */
typedef struct Record {
    char      name[RECORD_NAME + 1];
    u32       unit, count;
    const u8 *data;
} Record;

/* Takes one from *p, before end.  False with *err: there is none. */
bool record_get(Record *r, const u8 **p, const u8 *end, Err *err);
u64  record_number(const Record *r, u32 n);     /* the nth */
/*
 * Puts it where it belongs in the struct at base.  *known: the table has the
 * name.  False with *err if the numbers are not what they should be.
 */
bool record_store(const Record *r, const Field *table, void *base,
                  bool *known, Err *err);
/* The first name of the table's records that is not in `seen`; or NULL. */
char *record_missing(const Field *table, GHashTable *seen);
