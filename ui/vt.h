/* SPDX-License-Identifier: MIT */
/*
 * Private to ui/: the terminal that a text console is.  It takes a VT100's
 * control sequences, as many of a VT220's and of ISO 6429's as programs for
 * "linux" and "xterm" use, and UTF-8.
 */
#pragma once
#include "ui/screen.h"

enum { VT_ARGS = 16 };

/* How characters look. */
typedef struct VtStyle {
    u8   fg, bg;                /* 0..7, CGA's order */
    bool bold, reverse, fg_bright, bg_bright, graphics;
} VtStyle;

typedef struct Vt {
    TextScreen *screen;         /* what it shows */
    u32     x, y;               /* columns + no more: `wrap` is pending */
    u32     top, bottom;        /* scrolling region, lines */
    VtStyle style, saved_style;
    u32     saved_x, saved_y;
    bool    wrap, insert, origin, no_wrap, cursor_keys, newline;
    bool    g1, g_graphics[2];  /* character sets: chosen, and what they are */
    u8      state;              /* of the parser */
    u8      private;            /* '?' or another mark of a sequence; or 0 */
    u32     arg[VT_ARGS], args;
    u32     code, more;         /* UTF-8 under way, bytes to come */
    bool    tab[TEXT_COLUMNS];
    /* What the terminal answers.  opaque as the owner sets it. */
    void  (*answer)(void *opaque, const char *text);
    void  (*bell)(void *opaque);        /* NULL: silent */
    void   *opaque;
} Vt;

/* As after power-on, with a screen of this size. */
void vt_init(Vt *t, u32 columns, u32 rows);
void vt_free(Vt *t);
void vt_write(Vt *t, const u8 *text, size_t len);
