/* SPDX-License-Identifier: MIT */
/*
 * Guests' screens: what display adapters draw, and what windows, screen dumps
 * and terminals show.  Everything runs with the machine lock.
 */
#pragma once
#include <pixman.h>
#include "util/err.h"
#include "util/types.h"

/* A text screen's characters: code page 437, CGA colours. */
typedef struct TextCell {
    u8 ch;
    u8 fg, bg;                  /* 0..15 */
} TextCell;

enum { TEXT_COLUMNS = 256, TEXT_ROWS = 128 };

typedef struct TextScreen {
    u32      columns, rows;
    i32      cursor_x, cursor_y;        /* -1: it is off */
    TextCell cell[TEXT_ROWS * TEXT_COLUMNS];    /* row by row, `columns` each */
} TextScreen;

/* What an adapter does for its screen. */
typedef struct ScreenHooks {
    /* Draws what the guest sees now into the surface. */
    void (*draw)(void *opaque);
    /* False: it is no text mode.  NULL: there is none. */
    bool (*text)(void *opaque, TextScreen *out);
} ScreenHooks;

typedef struct Screen Screen;

Screen *screen_new(const char *name, const ScreenHooks *hooks, void *opaque);
void    screen_free(Screen *s);         /* NULL is fine */
/*
 * The surface, made black and of this size if it was not: pixels 0x00RRGGBB
 * in rows of `stride` bytes.  For draw().
 */
u32    *screen_pixels(Screen *s, u32 width, u32 height, u32 *stride);
const char *screen_name(const Screen *s);

/* The nth screen, or the one of that name (NULL: the first); NULL: none. */
Screen *screen_nth(u32 n);
Screen *screen_find(const char *name);
/* Draws it; the image is the screen's.  x8r8g8b8. */
pixman_image_t *screen_update(Screen *s);
/* False: the screen shows graphics. */
bool    screen_text(Screen *s, TextScreen *out);
/* Writes what it shows to a file: PNG if `png`, else PPM (P6). */
bool    screen_dump(Screen *s, const char *path, bool png, Err *err);
