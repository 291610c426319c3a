/* SPDX-License-Identifier: MIT */
/*
 * A terminal's screen and control sequences; see ui/vt.h.
 * References: DEC VT100 User Guide EK-VT100-UG, VT220 Programmer Reference
 * EK-VT220-RM, ISO/IEC 6429; Paul Williams, "A parser for DEC's ANSI-compatible
 * video terminals".
 *
 * Left out: double width and height, blinking, more than 16 colours (which
 * become the nearest of them), printing.
 */
#include <glib.h>
#include "ui/cp437.h"
#include "ui/vt.h"

enum { GROUND, ESCAPE, SEQUENCE, CHARSET0, CHARSET1, HASH, STRING, STRING_END,
       IGNORE };
enum { MOST = 9999, FG = 7, BG = 0 };

static TextCell *cell(Vt *t, u32 x, u32 y)
{
    return &t->screen->cell[y * t->screen->columns + x];
}

static TextCell styled(const Vt *t, u8 ch)
{
    u8 fg = t->style.fg | (t->style.bold || t->style.fg_bright ? 8 : 0);
    u8 bg = t->style.bg | (t->style.bg_bright ? 8 : 0);

    return t->style.reverse ? (TextCell) { ch, bg, fg }
                            : (TextCell) { ch, fg, bg };
}

/* ---- moving text -------------------------------------------------------- */

static void blank(Vt *t, u32 from, u32 to)
{
    TextCell empty = { ' ', FG, t->style.bg };

    for (u32 i = from; i < to; i++) {
        t->screen->cell[i] = empty;
    }
}

/* Lines from `top` to the region's end go up by n, or down by -n. */
static void scroll(Vt *t, u32 top, i32 n)
{
    u32 lines = t->bottom + 1 - top, w = t->screen->columns;
    u32 by = MIN((u32)(n < 0 ? -n : n), lines), stay = (lines - by) * w;
    TextCell *at = cell(t, 0, top);

    if (n > 0) {
        memmove(at, at + by * w, stay * sizeof *at);
        blank(t, top * w + stay, top * w + lines * w);
    } else {
        memmove(at + by * w, at, stay * sizeof *at);
        blank(t, top * w, (top + by) * w);
    }
}

static void line_feed(Vt *t)
{
    if (t->y == t->bottom) {
        scroll(t, t->top, 1);
    } else if (t->y + 1 < t->screen->rows) {
        t->y++;
    }
}

static void reverse_feed(Vt *t)
{
    if (t->y == t->top) {
        scroll(t, t->top, -1);
    } else if (t->y) {
        t->y--;
    }
}

/* Characters behind the cursor go right by n, or left by -n. */
static void shift(Vt *t, i32 n)
{
    u32 w = t->screen->columns, left = w - t->x;
    u32 by = MIN((u32)(n < 0 ? -n : n), left), row = t->y * w;
    TextCell *at = cell(t, t->x, t->y);

    if (n > 0) {
        memmove(at + by, at, (left - by) * sizeof *at);
        blank(t, row + t->x, row + t->x + by);
    } else {
        memmove(at, at + by, (left - by) * sizeof *at);
        blank(t, row + w - by, row + w);
    }
}

static void go(Vt *t, i64 x, i64 y)
{
    i64 top = t->origin ? t->top : 0;
    i64 bottom = t->origin ? t->bottom : t->screen->rows - 1;

    t->x = (u32)CLAMP(x, 0, (i64)t->screen->columns - 1);
    t->y = (u32)CLAMP(y, top, bottom);
    t->wrap = false;
}

/* ---- characters --------------------------------------------------------- */

/* DEC's special graphics, from '`' on, in Unicode. */
static u32 special(u32 c)
{
    static const u16 map[] = {
        0x2666, 0x2592, ' ', ' ', ' ', ' ', 0x00b0, 0x00b1, ' ', ' ',
        0x2518, 0x2510, 0x250c, 0x2514, 0x253c, 0x2500, 0x2500, 0x2500,
        0x2500, '_', 0x251c, 0x2524, 0x2534, 0x252c, 0x2502, 0x2264, 0x2265,
        0x03c0, '=', 0x00a3, 0x2022,
    };

    return c >= '`' && c - '`' < countof(map) ? map[c - '`'] : c;
}

static void show(Vt *t, u32 unicode)
{
    u32 c = t->g_graphics[t->g1] ? special(unicode) : unicode;

    if (t->wrap) {
        t->x = 0;
        line_feed(t);
        t->wrap = false;
    }
    if (t->insert) {
        shift(t, 1);
    }
    *cell(t, t->x, t->y) = styled(t, cp437_from(c));
    if (t->x + 1 < t->screen->columns) {
        t->x++;
    } else {
        t->wrap = !t->no_wrap;
    }
}

/* One byte of UTF-8; what is none counts as Latin-1. */
static void text_byte(Vt *t, u8 b)
{
    if (t->more && (b & 0xc0) == 0x80) {
        t->code = t->code << 6 | (b & 0x3f);
        if (--t->more == 0) {
            show(t, t->code);
        }
        return;
    }
    t->more = 0;
    if (b >= 0xc2 && b < 0xf5) {
        t->more = b >= 0xf0 ? 3 : b >= 0xe0 ? 2 : 1;
        t->code = b & (0x3fu >> t->more);
    } else if (b >= 0xa0 || b < 0x80) {
        show(t, b);
    }
}

/* ---- controls ----------------------------------------------------------- */

static void tabulate(Vt *t)
{
    do {
        t->x = MIN(t->x + 1, t->screen->columns - 1);
    } while (t->x + 1 < t->screen->columns && !t->tab[t->x]);
}

static void control(Vt *t, u8 b)
{
    t->more = 0;
    switch (b) {
    case 7:
        if (t->bell) {
            t->bell(t->opaque);
        }
        break;
    case 8: go(t, (i64)t->x - 1, t->y); break;
    case 9: tabulate(t); break;
    case 10: case 11: case 12:
        t->wrap = false;
        line_feed(t);
        t->x = t->newline ? 0 : t->x;
        break;
    case 13: go(t, 0, t->y); break;
    case 14: case 15: t->g1 = b == 14; break;
    case 24: case 26: t->state = GROUND; break;
    case 27:
        t->state = ESCAPE;
        t->private = 0;
        break;
    }
}

static void save(Vt *t, bool restore)
{
    if (restore) {
        t->style = t->saved_style;
        go(t, t->saved_x, t->saved_y);
    } else {
        t->saved_style = t->style;
        t->saved_x = t->x;
        t->saved_y = t->y;
    }
}

static void reset(Vt *t)
{
    TextScreen *s = t->screen;
    Vt fresh = { .screen = s, .answer = t->answer, .bell = t->bell,
                 .opaque = t->opaque, .bottom = s->rows - 1,
                 .style.fg = FG, .saved_style.fg = FG };

    for (u32 x = 0; x < s->columns; x += 8) {
        fresh.tab[x] = true;
    }
    *t = fresh;
    blank(t, 0, s->rows * s->columns);
    s->cursor_x = s->cursor_y = 0;
}

/* The byte after an escape. */
static void escape(Vt *t, u8 b)
{
    t->state = GROUND;
    switch (b) {
    case '[':
        t->state = SEQUENCE;
        t->args = 0;
        memset(t->arg, 0, sizeof t->arg);
        break;
    case ']': case 'P': case '^': case '_': case 'X':
        t->state = STRING;
        break;
    case '(': t->state = CHARSET0; break;
    case ')': t->state = CHARSET1; break;
    case '#': t->state = HASH; break;
    case '*': case '+': case '%': case ' ': t->state = IGNORE; break;
    case '7': case '8': save(t, b == '8'); break;
    case 'D': line_feed(t); break;
    case 'E':
        t->x = 0;
        line_feed(t);
        break;
    case 'M': reverse_feed(t); break;
    case 'H': t->tab[t->x] = true; break;
    case 'c': reset(t); break;
    case 'Z': t->answer(t->opaque, "\033[?6c"); break;
    }
}

/* ---- sequences ---------------------------------------------------------- */

/* Argument n, `dflt` if it is not there or 0. */
static u32 arg(const Vt *t, u32 n, u32 dflt)
{
    return n <= t->args && n < VT_ARGS && t->arg[n] ? t->arg[n] : dflt;
}

/* ANSI's order of colours has red and blue the other way round than CGA's. */
static u8 colour(u32 n)
{
    return (u8)((n & 1) << 2 | (n & 2) | (n >> 2 & 1));
}

/* The nearest of 16 colours for one of 256; bit 3: bright. */
static u8 of_256(u32 n)
{
    u32 rgb[3], most = 0, out = 0;

    if (n < 16) {
        return (u8)(colour(n) | (n & 8));
    }
    for (u32 i = 0; i < 3; i++) {
        static const u8 step[] = { 36, 6, 1 };
        rgb[i] = n >= 232 ? (n - 232) / 4 : (n - 16) / step[i] % 6;
        most = MAX(most, rgb[i]);
    }
    for (u32 i = 0; i < 3; i++) {
        out |= (most && rgb[i] * 2 > most ? 4u : 0) >> i;
    }
    return (u8)(out | (most > 3 ? 8 : 0));
}

/* 38;5;N and 38;2;R;G;B; how many arguments they have beside the 38. */
static u32 wide_colour(Vt *t, u32 at, bool background)
{
    u32 kind = arg(t, at + 1, 0), c = arg(t, at + 2, 0);

    if (kind == 2) {
        c = 16 + 36 * MIN(c / 43, 5) + 6 * MIN(arg(t, at + 3, 0) / 43, 5)
            + MIN(arg(t, at + 4, 0) / 43, 5);
    } else if (kind != 5) {
        return 0;
    }
    c = of_256(MIN(c, 255));
    *(background ? &t->style.bg : &t->style.fg) = c & 7;
    *(background ? &t->style.bg_bright : &t->style.fg_bright) = c >> 3;
    return kind == 2 ? 4 : 2;
}

/* One argument of "m"; how many more it takes. */
static u32 style(Vt *t, u32 at)
{
    VtStyle *s = &t->style;
    u32 v = t->arg[at];

    switch (v) {
    case 0: *s = (VtStyle) { .fg = FG, .bg = BG }; break;
    case 1: case 22: s->bold = v == 1; break;
    case 7: case 27: s->reverse = v == 7; break;
    case 30 ... 37: case 90 ... 97:
        s->fg = colour(v % 10);
        s->fg_bright = v >= 90;
        break;
    case 40 ... 47: case 100 ... 107:
        s->bg = colour(v % 10);
        s->bg_bright = v >= 100;
        break;
    case 38: case 48: return wide_colour(t, at, v == 48);
    case 39:
        s->fg = FG;
        s->fg_bright = false;
        break;
    case 49:
        s->bg = BG;
        s->bg_bright = false;
        break;
    }
    return 0;
}

static void set_mode(Vt *t, u32 n, bool on)
{
    switch (n | (t->private == '?' ? 1u << 16 : 0)) {
    case 4: t->insert = on; break;
    case 20: t->newline = on; break;
    case 1 << 16 | 1: t->cursor_keys = on; break;
    case 1 << 16 | 6:
        t->origin = on;
        go(t, 0, on ? t->top : 0);
        break;
    case 1 << 16 | 7: t->no_wrap = !on; break;
    case 1 << 16 | 25: t->screen->cursor_x = on ? 0 : -1; break;
    }
}

/* What "J" and "K" erase: to the end, from the start, or all. */
static void erase(Vt *t, u32 from, u32 to)
{
    u32 here = t->y * t->screen->columns + t->x;

    switch (arg(t, 0, 0)) {
    case 0: blank(t, here, to); break;
    case 1: blank(t, from, here + 1); break;
    case 2: case 3: blank(t, from, to); break;
    }
}

static void report(Vt *t)
{
    if (arg(t, 0, 0) == 5) {
        t->answer(t->opaque, "\033[0n");
    } else if (arg(t, 0, 0) == 6) {
        g_autofree char *text = g_strdup_printf(
            "\033[%u;%uR", t->y + 1 - (t->origin ? t->top : 0), t->x + 1);
        t->answer(t->opaque, text);
    }
}

static void set_region(Vt *t)
{
    u32 top = arg(t, 0, 1) - 1;
    u32 bottom = MIN(arg(t, 1, t->screen->rows), t->screen->rows) - 1;

    if (top < bottom) {
        t->top = top;
        t->bottom = bottom;
        go(t, 0, t->origin ? top : 0);
    }
}

/* The lines from the cursor to the end of the region: insert or delete. */
static void move_lines(Vt *t, i32 n)
{
    if (t->y >= t->top && t->y <= t->bottom) {
        scroll(t, t->y, n);
        t->x = 0;
    }
}

static void cursor_sequence(Vt *t, u8 final)
{
    i64 n = arg(t, 0, 1), x = t->x, y = t->y;
    i64 top = t->origin ? t->top : 0;

    switch (final) {
    case 'A': go(t, x, MAX(y - n, y >= t->top ? (i64)t->top : 0)); break;
    case 'B': case 'e':
        go(t, x, MIN(y + n, y <= t->bottom ? (i64)t->bottom
                                           : (i64)t->screen->rows - 1));
        break;
    case 'C': case 'a': go(t, x + n, y); break;
    case 'D': go(t, x - n, y); break;
    case 'E': go(t, 0, y + n); break;
    case 'F': go(t, 0, y - n); break;
    case 'G': case '`': go(t, n - 1, y); break;
    case 'H': case 'f': go(t, (i64)arg(t, 1, 1) - 1, top + n - 1); break;
    case 'd': go(t, x, top + n - 1); break;
    }
}

/* dispatch */
static void sequence(Vt *t, u8 final)
{
    u32 w = t->screen->columns, n = arg(t, 0, 1), row = t->y * w;

    switch (final) {
    case 'A' ... 'H': case '`': case 'a': case 'd' ... 'f':
        cursor_sequence(t, final);
        break;
    case 'J': erase(t, 0, w * t->screen->rows); break;
    case 'K': erase(t, row, row + w); break;
    case 'L': move_lines(t, -(i32)n); break;
    case 'M': move_lines(t, (i32)n); break;
    case 'P': shift(t, -(i32)n); break;
    case '@': shift(t, (i32)n); break;
    case 'S': scroll(t, t->top, (i32)n); break;
    case 'T': scroll(t, t->top, -(i32)n); break;
    case 'X': blank(t, row + t->x, row + t->x + MIN(n, w - t->x)); break;
    case 'c':
        if (!t->private) {
            t->answer(t->opaque, "\033[?6c");
        }
        break;
    case 'g':
        if (arg(t, 0, 0) == 3) {
            memset(t->tab, 0, sizeof t->tab);
        } else {
            t->tab[t->x] = false;
        }
        break;
    case 'h': case 'l':
        for (u32 i = 0; i <= MIN(t->args, VT_ARGS - 1); i++) {
            set_mode(t, t->arg[i], final == 'h');
        }
        break;
    case 'm':
        for (u32 i = 0; i <= MIN(t->args, VT_ARGS - 1); i++) {
            i += style(t, i);
        }
        break;
    case 'n': report(t); break;
    case 'r': set_region(t); break;
    case 's': case 'u': save(t, final == 'u'); break;
    }
}

static void sequence_byte(Vt *t, u8 b)
{
    u32 *a = t->args < VT_ARGS ? &t->arg[t->args] : NULL;

    if (b >= '0' && b <= '9') {
        if (a) {
            *a = MIN(*a * 10 + (b - '0'), MOST);
        }
    } else if (b == ';' || b == ':') {
        t->args = MIN(t->args + 1, VT_ARGS);
    } else if (b >= '<' && b <= '?') {
        t->private = b;
    } else if (b >= 0x40 && b < 0x7f) {
        t->state = GROUND;
        if (!t->private || t->private == '?') {
            sequence(t, b);
        }
    } else if (b >= 0x20 && b < 0x30) {         /* an intermediate: not ours */
        t->private = b;
    }
}

/* ---- the parser --------------------------------------------------------- */

static void fill_screen(Vt *t)
{
    for (u32 i = 0; i < t->screen->rows * t->screen->columns; i++) {
        t->screen->cell[i] = (TextCell) { 'E', FG, BG };
    }
}

static void take(Vt *t, u8 b)
{
    bool string = t->state == STRING || t->state == STRING_END;

    if (string) {                       /* to BEL or ESC \ */
        t->state = b == 27 ? STRING_END
            : b == 7 || b == 24 || (t->state == STRING_END && b == '\\')
            ? GROUND : STRING;
        return;
    }
    if (b < ' ') {
        control(t, b);
        return;
    }
    switch (t->state) {
    case ESCAPE: escape(t, b); return;
    case SEQUENCE: sequence_byte(t, b); return;
    case CHARSET0: case CHARSET1:
        t->g_graphics[t->state == CHARSET1] = b == '0';
        break;
    case HASH:
        if (b == '8') {
            fill_screen(t);
        }
        break;
    case GROUND:
        if (b != 127) {
            text_byte(t, b);
        }
        return;
    }
    t->state = GROUND;
}

void vt_write(Vt *t, const u8 *text, size_t len)
{
    TextScreen *s = t->screen;

    for (size_t i = 0; i < len; i++) {
        take(t, text[i]);
    }
    if (s->cursor_x >= 0) {
        s->cursor_x = (i32)t->x;
        s->cursor_y = (i32)t->y;
    }
}

void vt_init(Vt *t, u32 columns, u32 rows)
{
    t->screen = g_new0(TextScreen, 1);
    t->screen->columns = columns;
    t->screen->rows = rows;
    reset(t);
}

void vt_free(Vt *t)
{
    g_free(t->screen);
    t->screen = NULL;
}
