/* SPDX-License-Identifier: MIT */
/* A text console: a terminal (vt.c), drawn, and keys; see ui/vc.h. */
#include <glib.h>
#include <stdio.h>
#include "ui/cp437.h"
#include "ui/input.h"
#include "ui/layout.h"
#include "ui/vc.h"
#include "ui/vt.h"

struct Vc {
    Vt      vt;
    Screen *screen;
    bool    shift, ctrl, alt, altgr, caps;
    void  (*typed)(void *opaque, const u8 *text, size_t len);
    void   *opaque;
};

/* ---- the picture -------------------------------------------------------- */

static const u32 colours[16] = {
    0x000000, 0x0000aa, 0x00aa00, 0x00aaaa, 0xaa0000, 0xaa00aa, 0xaa5500,
    0xaaaaaa, 0x555555, 0x5555ff, 0x55ff55, 0x55ffff, 0xff5555, 0xff55ff,
    0xffff55, 0xffffff,
};

/* Line `line` of the glyphs of row y. */
static void draw_line(const TextScreen *t, u32 y, u32 line, u32 *out)
{
    for (u32 x = 0; x < t->columns; x++) {
        const TextCell *c = &t->cell[y * t->columns + x];
        bool cursor = (i32)x == t->cursor_x && (i32)y == t->cursor_y;
        u32 bits = cp437_glyph(c->ch)[line] ^ (cursor ? 0xffu : 0);
        for (u32 i = 0; i < CP437_WIDTH; i++) {
            *out++ = colours[bits >> (7 - i) & 1 ? c->fg : c->bg];
        }
    }
}

static void draw(void *opaque)
{
    const Vc *v = opaque;
    const TextScreen *t = v->vt.screen;
    u32 pixels[TEXT_COLUMNS * CP437_WIDTH];

    screen_size(v->screen, t->columns * CP437_WIDTH, t->rows * CP437_HEIGHT);
    for (u32 y = 0; y < t->rows * CP437_HEIGHT; y++) {
        draw_line(t, y / CP437_HEIGHT, y % CP437_HEIGHT, pixels);
        screen_line(v->screen, y, pixels);
    }
}

static bool text(void *opaque, TextScreen *out)
{
    const Vc *v = opaque;

    *out = *v->vt.screen;
    return true;
}

/* ---- keys --------------------------------------------------------------- */

typedef struct Sent {
    const char *key, *text;     /* key by QMP's name */
} Sent;

/* As VT220 and xterm send them. */
static const Sent sent[] = {
    { "esc", "\033" }, { "backspace", "\177" }, { "tab", "\t" },
    { "ret", "\r" }, { "kp_enter", "\r" }, { "home", "\033[1~" },
    { "insert", "\033[2~" }, { "delete", "\033[3~" }, { "end", "\033[4~" },
    { "pgup", "\033[5~" }, { "pgdn", "\033[6~" }, { "f1", "\033OP" },
    { "f2", "\033OQ" }, { "f3", "\033OR" }, { "f4", "\033OS" },
    { "f5", "\033[15~" }, { "f6", "\033[17~" }, { "f7", "\033[18~" },
    { "f8", "\033[19~" }, { "f9", "\033[20~" }, { "f10", "\033[21~" },
    { "f11", "\033[23~" }, { "f12", "\033[24~" }, { "kp_divide", "/" },
    { "kp_multiply", "*" }, { "kp_subtract", "-" }, { "kp_add", "+" },
    { "kp_decimal", "." }, { "kp_0", "0" }, { "kp_1", "1" }, { "kp_2", "2" },
    { "kp_3", "3" }, { "kp_4", "4" }, { "kp_5", "5" }, { "kp_6", "6" },
    { "kp_7", "7" }, { "kp_8", "8" }, { "kp_9", "9" },
};

static void type(Vc *v, const char *bytes)
{
    v->typed(v->opaque, (const u8 *)bytes, strlen(bytes));
}

static bool special_key(Vc *v, const Key *key)
{
    static const char *const arrows[] = { "up", "down", "right", "left" };

    for (u32 i = 0; i < countof(arrows); i++) {
        if (strcmp(key->name, arrows[i]) == 0) {
            char s[] = { 27, v->vt.cursor_keys ? 'O' : '[', (char)('A' + i),
                         0 };
            type(v, s);
            return true;
        }
    }
    for (u32 i = 0; i < countof(sent); i++) {
        if (strcmp(key->name, sent[i].key) == 0) {
            type(v, sent[i].text);
            return true;
        }
    }
    return false;
}

static void character(Vc *v, u32 code)
{
    u32 c = layout_char(code, v->altgr ? LEVEL_ALTGR
                              : v->shift ? LEVEL_SHIFT : LEVEL_PLAIN);
    char s[8] = { 0 };

    if (v->caps && g_unichar_isalpha(c)) {
        c = g_unichar_islower(c) ? g_unichar_toupper(c) : g_unichar_tolower(c);
    }
    if (v->ctrl && c < 0x80 && (c >= '@' || c == ' ')) {
        u8 control = c & 0x1f;
        v->typed(v->opaque, &control, 1);
    } else if (c) {
        if (v->alt) {
            type(v, "\033");
        }
        g_unichar_to_utf8(c, s);
        type(v, s);
    }
}

static void key(void *opaque, u32 code, bool down)
{
    Vc *v = opaque;
    const Key *k = key_by_code(code);

    switch (code) {
    case KEY_SHIFT: case KEY_SHIFT_R: v->shift = down; return;
    case KEY_CTRL: case KEY_CTRL_R:   v->ctrl = down; return;
    case KEY_ALT:                     v->alt = down; return;
    case KEY_ALT_R:                   v->altgr = down; return;
    case KEY_CAPS_LOCK:               v->caps ^= down; return;
    }
    if (down && k && !special_key(v, k)) {
        character(v, code);
    }
}

/* ---- life --------------------------------------------------------------- */

static const ScreenHooks hooks = { .draw = draw, .text = text, .key = key };

static void answer(void *opaque, const char *bytes)
{
    type(opaque, bytes);
}

Vc *vc_new(const char *name, u32 columns, u32 lines,
           void (*typed)(void *opaque, const u8 *text, size_t len),
           void *opaque)
{
    Vc *v = g_new0(Vc, 1);

    v->typed = typed;
    v->opaque = opaque;
    v->vt.answer = answer;
    v->vt.opaque = v;
    vt_init(&v->vt, columns, lines);
    v->screen = screen_new(name, &hooks, v);
    return v;
}

void vc_free(Vc *v)
{
    screen_free(v->screen);
    vt_free(&v->vt);
    g_free(v);
}

void vc_write(Vc *v, const u8 *bytes, size_t len)
{
    vt_write(&v->vt, bytes, len);
}

/* One of the two numbers, in characters. */
static bool parse_side(const char **at, u32 pixels, u32 most, u32 *out)
{
    char *end;
    u64 n = g_ascii_strtoull(*at, &end, 10);
    bool characters = *end == 'C' || *end == 'c';

    n = characters ? n : n / pixels;
    *at = end + characters;
    *out = (u32)MIN(n, most);
    return n > 0 && n <= most;
}

bool vc_parse_size(const char *size, u32 *columns, u32 *lines, Err *err)
{
    const char *at = size;

    if (parse_side(&at, CP437_WIDTH, TEXT_COLUMNS, columns) && *at++ == 'x'
        && parse_side(&at, CP437_HEIGHT, TEXT_ROWS, lines) && !*at) {
        return true;
    }
    return fail(err, "\"%s\" is no size: write 80Cx25C for characters or "
                "640x400 for pixels, up to %dCx%dC", size, TEXT_COLUMNS,
                TEXT_ROWS);
}
