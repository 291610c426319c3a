/* SPDX-License-Identifier: MIT */
/* Wires; see include/softmmu/line.h. */
#include "softmmu/line.h"

void line_set(Line *l, bool level)
{
    if (level != l->level) {
        l->level = level;
        if (l->set) {
            l->set(l->sink, l->n, level);
        }
    }
}

void line_connect(Line *l, void (*set)(void *, int, bool), void *sink, int n)
{
    l->set = set;
    l->sink = sink;
    l->n = n;
    if (l->level) {
        set(sink, n, true);
    }
}
