/* SPDX-License-Identifier: MIT */
/*
 * Screens and who looks at them, text consoles, key names and layouts.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include "hw/display/vga.h"
#include "ui/cp437.h"
#include "ui/display.h"
#include "ui/input.h"
#include "ui/layout.h"
#include "ui/vc.h"
#include "ui/vt.h"

enum { W = 16, H = 8 };

typedef struct Fix {
    int  tests, failed;
    bool wrong;                 /* in the running test */
    /* the screen of the test's own */
    Screen *screen;
    u32     width, height, pixel[H][W];
    /* what its listener was told */
    u32     resizes, updates, rounds;
    pixman_box32_t box;
    /* what was typed at a console, what a terminal answered */
    GString *typed;
} Fix;

static void report(Fix *x, const char *what)
{
    x->failed += x->wrong;
    printf("%s %d - %s\n", x->wrong ? "not ok" : "ok", ++x->tests, what);
    x->wrong = false;
}

static void expect(Fix *x, const char *what, i64 got, i64 want)
{
    if (got != want) {
        x->wrong = true;
        printf("# %s: got %lld, want %lld\n", what, (long long)got,
               (long long)want);
    }
}

static void expect_text(Fix *x, const char *what, const char *got,
                        const char *want)
{
    if (strcmp(got, want) != 0) {
        g_autofree char *g = g_strescape(got, NULL);
        g_autofree char *w = g_strescape(want, NULL);
        x->wrong = true;
        printf("# %s: got \"%s\", want \"%s\"\n", what, g, w);
    }
}

/* ---- screens ------------------------------------------------------------ */

static void draw(void *opaque)
{
    Fix *x = opaque;

    screen_size(x->screen, x->width, x->height);
    for (u32 y = 0; y < x->height; y++) {
        screen_line(x->screen, y, x->pixel[y]);
    }
}

static void resized(void *opaque, pixman_image_t *image)
{
    Fix *x = opaque;

    x->resizes++;
    expect(x, "width", pixman_image_get_width(image), x->width);
    expect(x, "height", pixman_image_get_height(image), x->height);
}

static void updated(void *opaque, pixman_image_t *image,
                    const pixman_box32_t *box)
{
    Fix *x = opaque;

    (void)image;
    x->updates++;
    x->box = *box;
}

static void refreshed(void *opaque)
{
    ((Fix *)opaque)->rounds++;
}

static const ScreenHooks hooks = { .draw = draw };

static void expect_box(Fix *x, i32 x1, i32 y1, i32 x2, i32 y2)
{
    expect(x, "x1", x->box.x1, x1);
    expect(x, "y1", x->box.y1, y1);
    expect(x, "x2", x->box.x2, x2);
    expect(x, "y2", x->box.y2, y2);
}

static void test_updates(Fix *x)
{
    ScreenListener l = { .opaque = x, .resized = resized, .updated = updated,
                         .refreshed = refreshed };
    ScreenListener l2 = l;

    x->width = W;
    x->height = H;
    x->screen = screen_new("test", &hooks, x);
    screen_listen(&l, x->screen);
    expect(x, "told the size at once", x->resizes, 1);
    screen_update(x->screen);
    expect(x, "nothing changed", x->updates, 0);
    for (u32 y = 2; y < 5; y++) {
        x->pixel[y][3] = x->pixel[y][9] = 0x123456;
    }
    screen_update(x->screen);
    expect(x, "one rectangle", x->updates, 1);
    expect(x, "one round", x->rounds, 2);
    expect_box(x, 3, 2, 10, 5);
    x->pixel[0][0] = x->pixel[7][15] = 1;
    screen_listen(&l2, x->screen);
    expect(x, "the first is told too", x->updates, 3);
    expect(x, "the second all", x->resizes, 2);
    x->pixel[0][0] = 0;
    screen_update(x->screen);
    expect(x, "both", x->updates, 5);
    expect_box(x, 0, 0, 1, 1);
    x->width = 8;
    screen_update(x->screen);
    expect(x, "both know the new size", x->resizes, 4);
    screen_listen(&l, NULL);
    x->width = W;
    screen_update(x->screen);
    expect(x, "one has gone", x->resizes, 5);
    screen_free(x->screen);
    expect(x, "the other has nothing to see", l2.screen != NULL, 0);
    screen_listen(&l2, NULL);
    report(x, "screens: listeners, changed rectangles, sizes");
}

/* Whatever a guest sets, a picture is made, in bounds (with sanitizers). */
static void test_adapter(Fix *x)
{
    enum { ROUNDS = 600, WRITES = 40 };
    g_autoptr(GRand) r = g_rand_new_with_seed(11);
    g_autofree TextScreen *text = g_new0(TextScreen, 1);
    Device dev = { .id = (char *)"vga" };
    Vga vga = { 0 };
    Err err = { "" };
    u32 texts = 0;

    expect(x, "starts", vga_start(&vga, &dev, 1, &err), 1);
    vga_reset(&vga);
    for (u32 i = 0; i < ROUNDS; i++) {
        for (u32 n = 0; n < WRITES; n++) {
            vga_port_write(&vga, (u32)g_rand_int_range(r, 0, 0x30), 1,
                           g_rand_int(r) & 0xff);
            vga_mem_write(&vga, (u32)g_rand_int_range(r, 0, 0x1fffd), 4,
                          g_rand_int(r));
        }
        vga_vbe_write(&vga, (u32)g_rand_int_range(r, 0, VBE_COUNT),
                      (u16)(g_rand_int(r) >> g_rand_int_range(r, 16, 32)));
        vga.at_index |= 0x20;           /* shown, or all would be black */
        vga.cr[CR_MODE] |= 0x80;
        vga.seq[SEQ_CLOCKING] &= 0xdf;
        screen_update(vga.screen);
        texts += screen_text(vga.screen, text);
    }
    expect(x, "some were text", texts > 10, 1);
    vga_stop(&vga);
    report(x, "VGA: random registers");
}

/* ---- terminals ---------------------------------------------------------- */

static void answer(void *opaque, const char *text)
{
    g_string_append(((Fix *)opaque)->typed, text);
}

/* A line of the screen without the blanks at its end. */
static const char *line(const Vt *t, u32 y)
{
    static char text[TEXT_COLUMNS + 1];
    u32 n = t->screen->columns;

    for (u32 i = 0; i < n; i++) {
        text[i] = (char)t->screen->cell[y * t->screen->columns + i].ch;
    }
    while (n && text[n - 1] == ' ') {
        n--;
    }
    text[n] = 0;
    return text;
}

static void say(Vt *t, const char *text)
{
    vt_write(t, (const u8 *)text, strlen(text));
}

static void place(Fix *x, const Vt *t, i32 column, i32 row)
{
    expect(x, "cursor's column", t->screen->cursor_x, column);
    expect(x, "cursor's row", t->screen->cursor_y, row);
}

static void test_text(Fix *x, Vt *t)
{
    say(t, "hello\r\nworld");
    expect_text(x, "line 0", line(t, 0), "hello");
    expect_text(x, "line 1", line(t, 1), "world");
    place(x, t, 5, 1);
    say(t, "\033[H0123456789AB");
    expect_text(x, "wraps", line(t, 1), "ABrld");
    place(x, t, 2, 1);
    say(t, "\033[2J\033[1;10HX");
    place(x, t, 9, 0);
    say(t, "Y");
    expect_text(x, "wrap waits for a character", line(t, 1), "Y");
    say(t, "\033[?7l\033[1;10Hpq\033[?7h");
    expect_text(x, "no wrap", line(t, 0), "         q");
    say(t, "\033[2J\033[H\xe2\x94\x80\xc3\xbc\xc3\x28\033(0lqk\033(B");
    expect_text(x, "UTF-8 and line drawing", line(t, 0),
                "\xc4\x81(\xda\xc4\xbf");
    report(x, "terminal: text, wrapping, character sets");
}

static void test_motion(Fix *x, Vt *t)
{
    say(t, "\033c");
    say(t, "\033[3;4H\033[2A\033[3C\033[B\033[D");
    place(x, t, 5, 1);
    say(t, "\033[99;99H");
    place(x, t, 9, 4);
    say(t, "\033[4294967295;4294967296H\033[G");
    place(x, t, 0, 4);
    say(t, "\033[H\t");
    place(x, t, 8, 0);
    say(t, "\0337\033[3;3H\0338");
    place(x, t, 8, 0);
    say(t, "\033[2;4r\033[?6h");
    place(x, t, 0, 1);
    say(t, "\033[9;1H");
    place(x, t, 0, 3);
    say(t, "\033[?6l\033[r\033[?25l");
    expect(x, "no cursor", t->screen->cursor_x, -1);
    say(t, "\033[?25h\033[6n\033[c");
    expect_text(x, "answers", x->typed->str, "\033[1;1R\033[?6c");
    g_string_truncate(x->typed, 0);
    report(x, "terminal: cursor and its limits");
}

static void test_scrolling(Fix *x, Vt *t)
{
    say(t, "\033ca\r\nb\r\nc\r\nd\r\ne\r\nf");
    expect_text(x, "top", line(t, 0), "b");
    expect_text(x, "bottom", line(t, 4), "f");
    say(t, "\033[2;4r\033[4;1H\n");
    expect_text(x, "outside the region", line(t, 0), "b");
    expect_text(x, "in it", line(t, 1), "d");
    expect_text(x, "its end", line(t, 3), "");
    expect_text(x, "below it", line(t, 4), "f");
    say(t, "\033[2;1H\033M");
    expect_text(x, "down again", line(t, 2), "d");
    say(t, "\033[r\033[1;1H\033[2L");
    expect_text(x, "lines inserted", line(t, 2), "b");
    say(t, "\033[9999M");
    expect_text(x, "all deleted", line(t, 4), "");
    say(t, "\033[H0123456789\033[1;3H\033[2P");
    expect_text(x, "characters deleted", line(t, 0), "01456789");
    say(t, "\033[3@\033[2X");
    expect_text(x, "inserted", line(t, 0), "01   45678");
    say(t, "\033[1;7H\033[K\033[1K");
    expect_text(x, "erased", line(t, 0), "");
    report(x, "terminal: scrolling, inserting, deleting");
}

static void test_colours(Fix *x, Vt *t)
{
    const TextCell *c = t->screen->cell;

    say(t, "\033c\033[31;44mR\033[1mB\033[7mV\033[0mN\033[92;103mL"
        "\033[38;5;196;48;2;0;0;255mP");
    expect(x, "red on blue", c[0].fg << 4 | c[0].bg, 0x41);
    expect(x, "bright", c[1].fg << 4 | c[1].bg, 0xc1);
    expect(x, "reversed", c[2].fg << 4 | c[2].bg, 0x1c);
    expect(x, "plain", c[3].fg << 4 | c[3].bg, 0x70);
    expect(x, "bright ones", c[4].fg << 4 | c[4].bg, 0xae);
    expect(x, "of many", c[5].fg << 4 | c[5].bg, 0xc9);
    report(x, "terminal: colours");
}

/* Whatever comes, it stays inside its screen. */
static void test_noise(Fix *x, Vt *t)
{
    static const char likely[] = "\033\033[[];;?0123456789ABCDHJKLMPSTXhlmr@dG"
                                 "\n\r\t\b78c(#";
    g_autoptr(GRand) r = g_rand_new_with_seed(7);

    for (u32 i = 0; i < 300000; i++) {
        u8 b = g_rand_boolean(r) ? (u8)g_rand_int(r)
            : (u8)likely[g_rand_int_range(r, 0, sizeof likely - 1)];
        vt_write(t, &b, 1);
        if (t->x >= t->screen->columns || t->y >= t->screen->rows
            || t->bottom >= t->screen->rows || t->top >= t->bottom) {
            expect(x, "outside after byte", i, -1);
            break;
        }
    }
    g_string_truncate(x->typed, 0);
    report(x, "terminal: random bytes");
}

static void test_terminal(Fix *x)
{
    Vt t = { .answer = answer, .opaque = x };

    vt_init(&t, 10, 5);
    test_text(x, &t);
    test_motion(x, &t);
    test_scrolling(x, &t);
    test_colours(x, &t);
    test_noise(x, &t);
    vt_free(&t);
}

/* ---- consoles ----------------------------------------------------------- */

static void typed(void *opaque, const u8 *text, size_t len)
{
    g_string_append_len(((Fix *)opaque)->typed, (const char *)text,
                        (gssize)len);
}

static void tap(Screen *s, const char *name)
{
    u32 code = key_by_name(name)->code;

    screen_key(s, code, true);
    screen_key(s, code, false);
}

static void tap_with(Screen *s, const char *with, const char *name)
{
    screen_key(s, key_by_name(with)->code, true);
    tap(s, name);
    screen_key(s, key_by_name(with)->code, false);
}

static u32 pixel(pixman_image_t *image, u32 x, u32 y)
{
    return pixman_image_get_data(image)
        [y * (u32)pixman_image_get_stride(image) / 4 + x];
}

static void test_console(Fix *x)
{
    Vc *v = vc_new("console", 20, 4, typed, x);
    Screen *s = screen_find("console"), *adapter;
    pixman_image_t *image;

    vc_write(v, (const u8 *)"\033[?25l\033[32mA", 12);
    image = screen_update(s);
    expect(x, "width", pixman_image_get_width(image), 20 * CP437_WIDTH);
    expect(x, "height", pixman_image_get_height(image), 4 * CP437_HEIGHT);
    for (u32 y = 0; y < CP437_HEIGHT; y++) {
        for (u32 i = 0; i < CP437_WIDTH; i++) {
            bool on = cp437_glyph('A')[y] >> (7 - i) & 1;
            expect(x, "pixel", pixel(image, i, y), on ? 0x00aa00 : 0);
        }
    }
    tap(s, "a");
    tap_with(s, "shift", "1");
    tap_with(s, "ctrl", "c");
    tap_with(s, "alt", "x");
    tap(s, "up");
    tap(s, "f5");
    tap(s, "ret");
    expect_text(x, "typed", x->typed->str, "a!\3\033x\033[A\033[15~\r");
    g_string_truncate(x->typed, 0);
    x->screen = adapter = screen_new("adapter", &hooks, x);
    expect(x, "adapters are first", screen_nth(0) == adapter, 1);
    screen_free(adapter);
    vc_free(v);
    expect(x, "none is left", screen_nth(0) != NULL, 0);
    report(x, "consoles: their picture, keys as a terminal sends them");
}

static void test_sizes(Fix *x)
{
    static const char *const bad[] = { "", "80", "x25", "80Cx", "0Cx25C",
                                       "80Cx25C,", "9999Cx25C", "80Cx999C" };
    u32 columns, lines;
    Err err = { "" };

    expect(x, "characters", vc_parse_size("80Cx25C", &columns, &lines, &err),
           1);
    expect(x, "columns", columns, 80);
    expect(x, "pixels", vc_parse_size("800x600", &columns, &lines, &err), 1);
    expect(x, "columns", columns, 100);
    expect(x, "lines", lines, 600 / CP437_HEIGHT);
    for (u32 i = 0; i < countof(bad); i++) {
        Err why = { "" };
        expect(x, bad[i], vc_parse_size(bad[i], &columns, &lines, &why), 0);
        expect(x, "says why", strstr(why.text, "80Cx25C") != NULL, 1);
    }
    report(x, "consoles: sizes");
}

/* ---- keys --------------------------------------------------------------- */

/* No two keys, but for those with two names, share a code. */
static void test_keys(Fix *x)
{
    for (const Key *a = key_table(); a->name; a++) {
        bool other = strcmp(a->name, "asterisk") == 0
            || strcmp(a->name, "sysrq") == 0;
        expect(x, a->name, key_by_name(a->name) == a, 1);
        expect(x, a->name, key_by_code(a->code) == a, !other);
        for (const Key *b = a + 1; !other && b->name; b++) {
            if (strcmp(b->name, "asterisk") && strcmp(b->name, "sysrq")) {
                expect(x, b->name, a->set1 && a->set1 == b->set1, 0);
                expect(x, b->name, a->set2 && a->set2 == b->set2, 0);
                expect(x, b->name, a->set3 && a->set3 == b->set3, 0);
                expect(x, b->name, a->usage && a->usage == b->usage, 0);
            }
        }
        if (a->usage && !other) {
            expect(x, a->name, key_by_usage(a->usage) == a, 1);
        }
    }
    report(x, "keys: names and codes are told apart");
}

static void test_layouts(Fix *x)
{
    static const char *const names[] = { "en-gb", "de", "fr", "en-us" };
    u32 code, level;
    Err err = { "" };

    for (u32 i = 0; i < countof(names); i++) {
        expect(x, names[i], layout_select(names[i], &err), 1);
        for (u32 c = ' '; c < 0x7f; c++) {
            if (!layout_key(c, &code, &level)) {
                expect(x, "no key for", c, -1);
            } else {
                expect(x, "there and back", layout_char(code, level), c);
            }
        }
    }
    layout_select("de", &err);
    expect(x, "z", layout_char(key_by_name("y")->code, LEVEL_PLAIN), 'z');
    expect(x, "@", layout_char(key_by_name("q")->code, LEVEL_ALTGR), '@');
    expect(x, "euro", layout_key(0x20ac, &code, &level), 1);
    expect(x, "no key", layout_key(0x4e00, &code, &level), 0);
    expect(x, "none such", layout_select("dee", &err), 0);
    expect(x, "says near", strstr(err.text, "did you mean de") != NULL, 1);
    layout_select("en-us", &err);
    report(x, "layouts: every ASCII character has a key");
}

static void test_page(Fix *x)
{
    expect(x, "box", cp437_unicode(0xc4), 0x2500);
    expect(x, "and back", cp437_from(0x2500), 0xc4);
    expect(x, "no such", cp437_from(0x4e00), '?');
    for (u32 i = 1; i < 256; i++) {
        expect(x, "there and back", cp437_from(cp437_unicode((u8)i)), i);
    }
    report(x, "code page 437");
}

/* ---- displays and mice -------------------------------------------------- */

static void test_displays(Fix *x)
{
    Err err = { "" };
    Ui ui = { .display = display_find("none", &err) };
    Err why = { "" };

    expect(x, "none", ui.display != NULL, 1);
    expect(x, "opens", display_open(&ui, "none", &err), 1);
    expect(x, "no options", display_open(&ui, "none,gl=on", &err), 0);
    display_close(&ui);
    expect(x, "gtk", display_find("gtk", &why) != NULL, 0);
    expect(x, "says which", strstr(why.text, "there are: ") != NULL, 1);
    report(x, "displays: by name");
}

static void moved(void *opaque, i32 dx, i32 dy)
{
    *(i32 *)opaque += dx * 100 + dy;
}

static void test_mice(Fix *x)
{
    i32 a = 0, b = 0;
    InputSink first = { .mouse = "first", .opaque = &a, .rel = moved };
    InputSink second = { .mouse = "second", .opaque = &b, .rel = moved };

    input_add(&first);
    input_add(&second);
    input_rel(1, 2);
    expect(x, "the newest", b, 102);
    input_mouse_choose(input_mouse(0));
    expect(x, "used", input_mouse_used(&first), 1);
    input_rel(3, 4);
    expect(x, "the chosen", a, 304);
    input_remove(&first);
    input_rel(5, 6);
    expect(x, "it has gone", b, 608);
    input_remove(&second);
    expect(x, "no mouse", input_mouse(0) != NULL, 0);
    report(x, "mice: chosen, or the newest");
}

int main(void)
{
    Fix x = { .typed = g_string_new(NULL) };

    test_updates(&x);
    test_adapter(&x);
    test_terminal(&x);
    test_console(&x);
    test_sizes(&x);
    test_keys(&x);
    test_layouts(&x);
    test_page(&x);
    test_displays(&x);
    test_mice(&x);
    g_string_free(x.typed, true);
    printf("1..%d\n", x.tests);
    return x.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
