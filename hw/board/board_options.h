/* SPDX-License-Identifier: MIT */
/* The options of a board, "-M NAME,key=value", from a table. */
#pragma once
#include "softmmu/machine.h"

/*
 * A key.  With neither `set` nor `only` it is taken, as it makes no difference
 * here; with `only` that is the one value there is, and `why` the reason.
 */
typedef struct BoardOption {
    const char *key;
    bool (*set)(Machine *m, const char *key, const char *value, Err *err);
    const char *only, *why;
} BoardOption;

#define TAKEN_BY(k, fn)     { .key = (k), .set = (fn) }
#define ONLY(k, v, because) { .key = (k), .only = (v), .why = (because) }
#define IGNORED(k)          { .key = (k) }

/* The work of Board.set; a NULL key ends the table. */
bool board_option(Machine *m, const BoardOption *table, const char *key,
                  const char *value, Err *err);
/* Sets *on; `value` is "on" or "off". */
bool board_on_off(const char *key, const char *value, bool *on, Err *err);
