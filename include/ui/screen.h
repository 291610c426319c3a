/* SPDX-License-Identifier: MIT */
/*
 * Consoles: what display adapters and text consoles show, and what windows,
 * terminals and screen dumps make of it.  Everything runs on the main thread
 * or with the machine lock.
 *
 * The one who shows something makes a Screen with hooks and, when asked to
 * draw, hands over lines of pixels; which of them changed is found here.  The
 * one who looks has a ScreenListener and is told of new sizes and of
 * rectangles that changed.  Any number may look at the same screen.
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

/* What is behind a screen. */
typedef struct ScreenHooks {
    /* Hands over what is seen now, by screen_size() and screen_line(). */
    void (*draw)(void *opaque);
    /* False: it is no text mode.  NULL: there is none. */
    bool (*text)(void *opaque, TextScreen *out);
    /* Keys typed at this screen; NULL: they are the guest's keyboard's. */
    void (*key)(void *opaque, u32 code, bool down);
} ScreenHooks;

typedef struct Screen Screen;

/* Adapters come before text consoles, or else in order of making. */
Screen *screen_new(const char *name, const ScreenHooks *hooks, void *opaque);
void    screen_free(Screen *s);         /* NULL is fine */

/* ---- for draw() --------------------------------------------------------- */

/* The size of the picture, which is black if that is new. */
void    screen_size(Screen *s, u32 width, u32 height);
/* Line y of the picture, as many pixels 0x??RRGGBB as it is wide. */
void    screen_line(Screen *s, u32 y, const u32 *pixels);

/* ---- the list ----------------------------------------------------------- */

const char *screen_name(const Screen *s);
/* The nth screen, or the one of that name (NULL: the first); NULL: none. */
Screen *screen_nth(u32 n);
Screen *screen_find(const char *name);

/* ---- looking ------------------------------------------------------------ */

typedef struct ScreenListener {
    void *opaque;
    /* The image has another size, or is another screen's; all is new. */
    void (*resized)(void *opaque, pixman_image_t *image);
    /* This box of the image changed. */
    void (*updated)(void *opaque, pixman_image_t *image,
                    const pixman_box32_t *box);
    /* End of a round of updates; NULL: does not matter. */
    void (*refreshed)(void *opaque);
    Screen *screen;             /* set by screen_listen() */
} ScreenListener;

/* Looks at s from now on (NULL: at none) and no more at the one before. */
void    screen_listen(ScreenListener *l, Screen *s);
/* Are keys typed at it its own, as a text console's? */
bool    screen_takes_keys(const Screen *s);
/* A key for s or, if that is a picture of the guest's, for its keyboard. */
void    screen_key(Screen *s, u32 code, bool down);
/* Draws it; the image is the screen's.  x8r8g8b8. */
pixman_image_t *screen_update(Screen *s);
/* False: the screen shows graphics. */
bool    screen_text(Screen *s, TextScreen *out);
/* Writes what it shows to a file: PNG if `png`, else PPM (P6). */
bool    screen_dump(Screen *s, const char *path, bool png, Err *err);
