/* SPDX-License-Identifier: MIT */
/* Errors that a user can cause, and "did you mean". */
#include <ctype.h>
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include "util/err.h"

bool fail(Err *err, const char *fmt, ...)
{
    va_list ap;

    if (err && !err->text[0]) {
        va_start(ap, fmt);
        vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
    }
    return false;
}

bool err_prefix(Err *err, const char *fmt, ...)
{
    char old[sizeof err->text];
    va_list ap;

    if (!err) {
        return false;
    }
    memcpy(old, err->text, sizeof old);
    va_start(ap, fmt);
    int n = vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n + 3 < sizeof err->text) {
        memcpy(err->text + n, ": ", 2);
        g_strlcpy(err->text + n + 2, old, sizeof err->text - (size_t)n - 2);
    }
    return false;
}

enum { WORD_MAX = 63 };

/*
 * Edit distance in half steps: a letter more, less or other costs 2, in
 * another case 1.  Words longer than WORD_MAX count as far from everything.
 */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[WORD_MAX + 1];
    size_t na = strlen(a), nb = strlen(b);

    if (na > WORD_MAX || nb > WORD_MAX) {
        return ~0u;
    }
    for (unsigned j = 0; j <= nb; j++) {
        row[j] = 2 * j;
    }
    for (size_t i = 0; i < na; i++) {
        unsigned diagonal = row[0];
        row[0] += 2;
        for (size_t j = 0; j < nb; j++) {
            unsigned cost = a[i] == b[j] ? 0
                : tolower((u8)a[i]) == tolower((u8)b[j]) ? 1 : 2;
            unsigned best = MIN(row[j], row[j + 1]) + 2;
            best = MIN(best, diagonal + cost);
            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    return row[nb];
}

const char *nearest_word(const char *word, const char *const *names, size_t n)
{
    const char *found = NULL;
    unsigned best = (unsigned)strlen(word) + 1;    /* half of its letters */

    for (size_t i = 0; i < n; i++) {
        unsigned d = !names[i] ? ~0u
            : *word && g_str_has_prefix(names[i], word) ? 1
            : distance(word, names[i]);
        if (d < best) {
            best = d;
            found = names[i];
        }
    }
    return found;
}
