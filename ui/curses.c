/* SPDX-License-Identifier: MIT */
/*
 * Text screens in a terminal, by ncurses.  Reference: ncurses's manual pages.
 *
 * A terminal has characters, not keys: each is typed as the layout (-k) makes
 * it, modifiers included.  Alt is the escape character before one; Alt-1 to
 * Alt-9 change the screen.
 */
#include <glib.h>
#include <glib-unix.h>
#include <langinfo.h>
#include <locale.h>
#include <unistd.h>
#include "ui/cp437.h"
#include "ui/display.h"
#include "ui/input.h"
#include "ui/layout.h"
#include "ui/sendkey.h"
#include <curses.h>             /* last: its KEY_PRINT hides input.h's */

enum { ESCAPE = 27, ESCAPE_MS = 25, POLL_MS = 30, HOLD_MS = 10,
       CHARACTERS = 256 };

typedef struct Curses {
    Ui            *ui;
    TextScreen    *text;                /* as read last */
    KeyQueue      *keys;                /* typed, for the guest */
    u32            shown;               /* number of the screen */
    int            left, top;           /* first cell that is seen */
    wchar_t        unicode[CHARACTERS]; /* what the guest's characters are */
    guint          input, timer;
    bool           wide;                /* 16 colours, not 8 and bold */
} Curses;

/* ---- what is seen ------------------------------------------------------- */

/* CGA's order of colours has red and blue the other way round. */
static short colour(u8 c)
{
    return (short)((c & 8) | (c & 1) << 2 | (c & 2) | (c >> 2 & 1));
}

static void make_pairs(Curses *s)
{
    u8 n = s->wide ? 16 : 8;

    for (u8 fg = 0; fg < n; fg++) {
        for (u8 bg = 0; bg < n; bg++) {
            init_pair((short)(bg * n + fg + 1), colour(fg), colour(bg));
        }
    }
}

static void put_cell(const Curses *s, int y, int x, const TextCell *c)
{
    wchar_t text[2] = { s->unicode[c->ch], 0 };
    attr_t look = !s->wide && c->fg & 8 ? A_BOLD : A_NORMAL;
    short pair = (short)(s->wide ? c->bg * 16 + c->fg + 1
                                 : (c->bg & 7) * 8 + (c->fg & 7) + 1);
    cchar_t cell;

    setcchar(&cell, text, look, has_colors() ? pair : 0, NULL);
    mvadd_wch(y, x, &cell);
}

/* Where a picture of `size` cells begins so that `at` is seen. */
static int window_start(int size, int room, int at, int before)
{
    if (size <= room) {
        return 0;
    }
    if (at >= 0 && (at < before || at >= before + room)) {
        before = at - room / 2;
    }
    return CLAMP(before, 0, size - room);
}

static void draw_text(Curses *s)
{
    const TextScreen *t = s->text;

    s->left = window_start((int)t->columns, COLS, t->cursor_x, s->left);
    s->top = window_start((int)t->rows, LINES, t->cursor_y, s->top);
    for (int y = 0; y < LINES; y++) {
        for (int x = 0; x < COLS; x++) {
            u32 tx = (u32)(x + s->left), ty = (u32)(y + s->top);
            TextCell none = { ' ', 7, 0 };
            bool inside = tx < t->columns && ty < t->rows;
            put_cell(s, y, x, inside ? &t->cell[ty * t->columns + tx] : &none);
        }
    }
    curs_set(t->cursor_x >= 0);
    if (t->cursor_x >= 0) {
        move(t->cursor_y - s->top, t->cursor_x - s->left);
    }
}

static void draw_size(Screen *screen)
{
    pixman_image_t *image = screen_update(screen);
    g_autofree char *text = g_strdup_printf(
        "%d x %d pixels; Alt-2 and on: other screens",
        pixman_image_get_width(image), pixman_image_get_height(image));

    erase();
    curs_set(0);
    mvaddstr(LINES / 2, MAX((COLS - (int)strlen(text)) / 2, 0), text);
}

static void draw(Curses *s)
{
    Screen *screen = screen_nth(s->shown);

    if (!screen) {
        erase();
        mvaddstr(0, 0, "this machine has no screen");
    } else if (screen_text(screen, s->text)) {
        draw_text(s);
    } else {
        draw_size(screen);
    }
    refresh();
}

static void show_screen(Curses *s, u32 n)
{
    if (screen_nth(n)) {
        s->shown = n;
        s->left = s->top = 0;
        clear();
    }
}

/* ---- keys --------------------------------------------------------------- */

/* A key of the terminal, what it is, and with which modifier. */
typedef struct Special {
    int key;
    const char *name;
    u32 with;
} Special;

static const Special specials[] = {
    { KEY_UP, "up", 0 }, { KEY_DOWN, "down", 0 }, { KEY_LEFT, "left", 0 },
    { KEY_RIGHT, "right", 0 }, { KEY_HOME, "home", 0 }, { KEY_END, "end", 0 },
    { KEY_PPAGE, "pgup", 0 }, { KEY_NPAGE, "pgdn", 0 },
    { KEY_IC, "insert", 0 }, { KEY_DC, "delete", 0 },
    { KEY_BACKSPACE, "backspace", 0 }, { 127, "backspace", 0 },
    { KEY_ENTER, "kp_enter", 0 }, { KEY_BTAB, "tab", KEY_SHIFT },
    { KEY_SLEFT, "left", KEY_SHIFT }, { KEY_SRIGHT, "right", KEY_SHIFT },
    { KEY_SR, "up", KEY_SHIFT }, { KEY_SF, "down", KEY_SHIFT },
    { KEY_SHOME, "home", KEY_SHIFT }, { KEY_SEND, "end", KEY_SHIFT },
    { KEY_SDC, "delete", KEY_SHIFT }, { KEY_SIC, "insert", KEY_SHIFT },
    { '\r', "ret", 0 }, { '\n', "ret", 0 }, { '\t', "tab", 0 },
    { ESCAPE, "esc", 0 }, { 8, "backspace", 0 },
};

/*
 * A keyboard holds a few keys only until the guest takes them: what is typed
 * or pasted faster waits.  Text consoles take it as it comes.
 */
static void press(Curses *s, u32 code, const u32 *with)
{
    u32 keys[KEYS_TOGETHER], n = 0;

    while (with[n]) {
        keys[n] = with[n];
        n++;
    }
    keys[n++] = code;
    if (!screen_takes_keys(screen_nth(s->shown))) {
        key_queue_press(s->keys, keys, n, HOLD_MS);
        return;
    }
    for (u32 i = 0; i < n; i++) {
        screen_key(screen_nth(s->shown), keys[i], true);
    }
    while (n-- > 0) {
        screen_key(screen_nth(s->shown), keys[n], false);
    }
}

/* KEY_F() counts on: 12 with Shift, 12 with Ctrl, 12 with Alt. */
static bool function_key(Curses *s, int key, u32 alt)
{
    static const u32 modifier[] = { 0, KEY_SHIFT, KEY_CTRL, KEY_CTRL, KEY_ALT };
    u32 n = (u32)(key - KEY_F0 - 1), group = n / 12;

    if (key <= KEY_F0 || group >= countof(modifier)) {
        return false;
    }
    g_autofree char *name = g_strdup_printf("f%u", n % 12 + 1);
    u32 with[] = { alt ? alt : modifier[group], 0, 0 };
    with[1] = alt ? modifier[group] : 0;
    press(s, key_by_name(name)->code, with);
    return true;
}

static void special_key(Curses *s, const Special *k, u32 alt)
{
    u32 with[] = { alt ? alt : k->with, alt ? k->with : 0, 0 };

    press(s, key_by_name(k->name)->code, with);
}

static void character(Curses *s, u32 c, u32 alt)
{
    u32 with[4] = { 0 }, n = 0, code, level;

    if (alt) {
        with[n++] = alt;
    }
    if (c < ' ') {                      /* Ctrl and a letter */
        with[n++] = KEY_CTRL;
        c = c ? c + (c <= 26 ? 'a' - 1 : '@') : ' ';
    }
    if (layout_key(c, &code, &level)) {
        if (level != LEVEL_PLAIN) {
            with[n++] = level == LEVEL_SHIFT ? KEY_SHIFT : KEY_ALT_R;
        }
        press(s, code, with);
    }
}

/* One key; `alt`: the modifier that the escape before it stands for. */
static void key(Curses *s, wint_t c, bool is_code, u32 alt)
{
    if (is_code && c == KEY_RESIZE) {
        clear();
        return;
    }
    if (is_code && function_key(s, (int)c, alt)) {
        return;
    }
    for (u32 i = 0; i < countof(specials); i++) {
        bool coded = specials[i].key >= KEY_MIN;
        if (coded == is_code && (wint_t)specials[i].key == c) {
            special_key(s, &specials[i], alt);
            return;
        }
    }
    if (!is_code) {
        character(s, c, alt);
    }
}

static void take_keys(Curses *s)
{
    wint_t c;

    for (int kind; (kind = get_wch(&c)) != ERR;) {
        wint_t next;
        int after = kind == OK && c == ESCAPE ? get_wch(&next) : ERR;
        if (after == OK && next >= '1' && next <= '9') {
            show_screen(s, next - '1');
        } else if (after != ERR) {
            key(s, next, after == KEY_CODE_YES, KEY_ALT);
        } else {
            key(s, c, kind == KEY_CODE_YES, 0);
        }
    }
}

static gboolean on_input(int fd, GIOCondition cond, void *opaque)
{
    Curses *s = opaque;

    (void)fd;
    take_keys(s);
    if (cond & (G_IO_HUP | G_IO_ERR)) {         /* the terminal is gone */
        s->input = 0;
        s->ui->quit(s->ui->machine);
        return G_SOURCE_REMOVE;
    }
    draw(s);
    return G_SOURCE_CONTINUE;
}

static gboolean look(void *opaque)
{
    Curses *s = opaque;

    take_keys(s);                       /* a new size comes as a key */
    draw(s);
    return G_SOURCE_CONTINUE;
}

/* ---- life --------------------------------------------------------------- */

static bool usable(Err *err)
{
    return (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        || fail(err, "curses needs a terminal on standard input and "
                "output");
}

/* The guest's characters, a code page with 256 of them. */
static bool set_charset(Curses *s, const char *name, Err *err)
{
    for (u32 i = 0; i < CHARACTERS; i++) {
        char byte = (char)i;
        s->unicode[i] = (wchar_t)cp437_unicode((u8)i);
        if (name && g_ascii_strcasecmp(name, "CP437") != 0 && i >= ' ') {
            g_autofree char *utf8 = g_convert(&byte, 1, "UTF-8", name, NULL,
                                              NULL, NULL);
            if (!utf8 && i == ' ') {
                return fail(err, "charset=%s: iconv knows none such", name);
            }
            s->unicode[i] = utf8 ? (wchar_t)g_utf8_get_char(utf8) : ' ';
        }
        if (i >= 0x7f && g_unichar_iscntrl((gunichar)s->unicode[i])) {
            s->unicode[i] = ' ';
        }
    }
    return true;
}

static void curses_close(Ui *ui)
{
    Curses *s = ui->state;

    if (s->input) {
        g_source_remove(s->input);
    }
    if (s->timer) {
        g_source_remove(s->timer);
    }
    endwin();
    key_queue_free(s->keys);
    g_free(s->text);
    g_free(s);
}

/* Characters beyond ASCII need a locale that has them. */
static void choose_locale(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
        setlocale(LC_CTYPE, "C.UTF-8");
    }
}

static bool curses_open(Ui *ui, KeyVal *kv, Err *err)
{
    Curses *s = g_new0(Curses, 1);
    SCREEN *terminal;

    s->ui = ui;
    s->text = g_new0(TextScreen, 1);
    if (!set_charset(s, keyval_get(kv, "charset"), err)) {
        return false;
    }
    choose_locale();
    terminal = newterm(NULL, stdout, stdin);
    if (!terminal) {
        const char *term = g_getenv("TERM");
        return fail(err, "-display curses: there is no terminal type \"%s\"; "
                    "set TERM", term ? term : "");
    }
    ui->state = s;
    s->keys = key_queue_new();
    raw();
    noecho();
    nonl();
    nodelay(stdscr, true);
    keypad(stdscr, true);
    set_escdelay(ESCAPE_MS);
    if (has_colors()) {
        start_color();
        s->wide = COLORS >= 16 && COLOR_PAIRS > 256;
        make_pairs(s);
    }
    show_screen(s, 0);
    s->input = g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR,
                             on_input, s);
    s->timer = g_timeout_add(POLL_MS, look, s);
    return true;
}

DISPLAY(curses) {
    .name = "curses", .about = "text screens in this terminal",
    .terminal = true, .usable = usable, .open = curses_open,
    .close = curses_close,
};
