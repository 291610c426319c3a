/* SPDX-License-Identifier: MIT */
/*
 * Option text of the form "first,key=value,flag,other=a,,b" as users type it
 * after -chardev, -drive, -device and the like.
 *
 * A doubled comma stands for one.  A word without "=" is a flag: its value is
 * "on" ("off" if it is written "nokey" where the caller knows "key").
 */
#pragma once
#include "util/err.h"

typedef struct KeyVal KeyVal;

/*
 * Parses text.  If implied is not NULL, a first word without "=" is the value
 * of that key.  NULL with *err on a malformed list.  Free with keyval_free().
 */
KeyVal *keyval_parse(const char *text, const char *implied, Err *err);
void    keyval_free(KeyVal *kv);

/* The value of key (the last one given), or NULL; marks it as used. */
const char *keyval_get(KeyVal *kv, const char *key);
/* The nth value of a key that may be repeated, or NULL. */
const char *keyval_nth(KeyVal *kv, const char *key, unsigned n);
/* on/off/yes/no/true/false; dflt if absent; false with *err if neither. */
bool keyval_bool(KeyVal *kv, const char *key, bool dflt, bool *out, Err *err);
/* A number in C's notation with an optional suffix K M G T (bytes). */
bool keyval_u64(KeyVal *kv, const char *key, u64 dflt, u64 *out, Err *err);
bool parse_u64(const char *text, u64 *out);
bool parse_bool(const char *text, bool *out);
/*
 * Fails if a key was given that nobody asked for; the error names it, `what`
 * (e.g. "-chardev socket") and the nearest key that was asked for.
 */
bool keyval_done(KeyVal *kv, const char *what, Err *err);
