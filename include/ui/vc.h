/* SPDX-License-Identifier: MIT */
/* Text consoles: a terminal as a screen of its own beside the guest's. */
#pragma once
#include "util/err.h"
#include "util/types.h"

typedef struct Vc Vc;

enum { VC_COLUMNS = 80, VC_LINES = 25 };

/*
 * Makes one with a screen of this name; columns to TEXT_COLUMNS, lines to
 * TEXT_ROWS.  typed() gets what is typed at it, as a terminal sends it.
 */
Vc  *vc_new(const char *name, u32 columns, u32 lines,
            void (*typed)(void *opaque, const u8 *text, size_t len),
            void *opaque);
void vc_free(Vc *v);
void vc_write(Vc *v, const u8 *text, size_t len);
/* The size in characters that "vc:" takes: "80Cx25C", or pixels "640x400". */
bool vc_parse_size(const char *text, u32 *columns, u32 *lines, Err *err);
