/* SPDX-License-Identifier: MIT */
/*
 * Errors that a user can cause.
 *
 * A function that may fail takes an Err * last and returns false (or NULL)
 * after fail().  The caller passes it on or prints err_text().  The first
 * fail() wins; err_add() puts words in front as the error travels up.
 */
#pragma once
#include "util/types.h"

typedef struct Err {
    char text[1024];            /* empty: no error */
} Err;

/* Sets the error unless one is set already.  Always returns false. */
bool fail(Err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " in front of the error's text.  Always returns false. */
bool err_prefix(Err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The entry of names[0..n) nearest to `word` by edit distance, or one that
 * begins with it, for "did you
 * mean" in errors; NULL when none is near.  n may be 0.
 */
const char *nearest_word(const char *word, const char *const *names, size_t n);
