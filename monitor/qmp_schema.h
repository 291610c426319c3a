/* SPDX-License-Identifier: MIT */
/*
 * Private to the monitors: QMP's schema as tables, which scripts/qmpgen.py
 * makes of monitor/qmp.schema.  Lists end with a NULL name (or word).
 */
#pragma once
#include "monitor/qmp.h"

typedef enum SchemaKind {
    SCHEMA_NULL, SCHEMA_BOOL, SCHEMA_INT, SCHEMA_NUMBER, SCHEMA_STRING,
    SCHEMA_ANY, SCHEMA_ENUM, SCHEMA_ARRAY, SCHEMA_OBJECT, SCHEMA_ALTERNATE,
} SchemaKind;

typedef struct SchemaType SchemaType;

typedef struct SchemaMember {
    const char       *name;
    const SchemaType *type;
    bool              optional;
} SchemaMember;

typedef struct SchemaBranch {
    const char       *word;             /* of the tag; "" in an alternate */
    const SchemaType *type;
} SchemaBranch;

struct SchemaType {
    const char         *name;
    SchemaKind          kind;
    i64                 min;            /* of SCHEMA_INT */
    u64                 max;
    const SchemaType   *element;        /* of an array */
    const char *const  *words;          /* of an enum */
    const SchemaMember *members;        /* of an object; NULL: it has none */
    bool                open;           /* other members may follow */
    const char         *tag;            /* the member that chooses a branch */
    const SchemaBranch *branches;       /* of a union or alternate; or NULL */
};

typedef struct SchemaCommand {
    const char       *name;
    const SchemaType *arguments, *returns;      /* never NULL */
    QmpRun           *run;
} SchemaCommand;

typedef struct SchemaEvent {
    const char       *name;
    const SchemaType *data;
    bool              limited;          /* at most one a second */
} SchemaEvent;

extern const SchemaCommand schema_commands[];
extern const SchemaEvent schema_events[];

const SchemaCommand *schema_command(const char *name);      /* or NULL */
const SchemaEvent *schema_event(const char *name);          /* or NULL */
/*
 * Is v of type t?  If not, *err names the member that is wrong (`where` is the
 * name of v itself, "" for arguments) and what would be right.
 */
bool schema_check(const SchemaType *t, const Json *v, const char *where,
                  Err *err);
/* The entry of a list of words nearest to `word`, or NULL. */
const char *schema_near_command(const char *word);
