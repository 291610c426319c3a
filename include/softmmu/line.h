/* SPDX-License-Identifier: MIT */
/* One-bit wires between devices, interrupt controllers and CPUs. */
#pragma once
#include "util/types.h"

/* Seen from its driver.  Changes need the machine lock. */
typedef struct Line {
    void (*set)(void *sink, int n, bool level);
    void *sink;
    int   n;
    bool  level;
    bool  saved;                /* the level that a saved state has */
} Line;

/* Tells the sink if the level changed. */
void line_set(Line *l, bool level);
/* Wires l to a sink. */
void line_connect(Line *l, void (*set)(void *, int, bool), void *sink, int n);
