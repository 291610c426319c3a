/* SPDX-License-Identifier: MIT */
/*
 * VGA: from video memory to a picture.
 * Reference: IBM Personal System/2 Hardware Interface Technical Reference,
 * "Video Subsystem": CRT controller addressing, attribute controller.
 *
 * The picture has a line for each scan line and a pixel for each dot of the
 * undivided dot clock, so that 320 x 200 is 640 x 400.  It is made line by
 * line, as the registers are then: effects that depend on changes while the
 * beam runs are left out.
 */
#include "hw/display/vga.h"
#include "softmmu/clock.h"

enum { SEQ_8_DOTS = 1 << 0, SEQ_HALF_CLOCK = 1 << 3, SEQ_SCREEN_OFF = 1 << 5 };
enum { AT_GRAPHICS = 1 << 0, AT_MONO = 1 << 1, AT_LINE_GRAPHICS = 1 << 2,
       AT_BLINK = 1 << 3, AT_PAN_TOP = 1 << 5, AT_P54 = 1 << 7 };
enum { GR_SHIFT4 = 1 << 5, GR_SHIFT256 = 1 << 6 };
enum { CR_MODE_A13 = 1 << 0, CR_MODE_A14 = 1 << 1, CR_MODE_WRAP = 1 << 5,
       CR_MODE_BYTE = 1 << 6, CR_MODE_ON = 1 << 7, CR_DWORD = 1 << 6 };
enum { CR_DOUBLE = 1 << 7, CURSOR_OFF = 1 << 5 };
enum { PLANE = 0x10000, FONT_PLANE = 2, GLYPH = 32 };
enum { BLINK_NS = 266666667, MAX_COLUMNS = 256, MAX_WIDTH = 2560 };

/* ---- geometry ----------------------------------------------------------- */

typedef struct Geometry {
    u32 columns;                /* character clocks in a row */
    u32 lines;                  /* scan lines shown */
    u32 scans;                  /* lines of a character, or repeats */
    u32 split;                  /* line compare: from here start at 0 */
    u32 start, pitch;           /* in character clocks */
    u32 preset;                 /* the first row's first line */
    u32 pan, split_pan;         /* the pixel that lines begin with */
    u32 dots;                   /* of the picture for one of a character */
} Geometry;

static Geometry geometry(const Vga *s)
{
    const u8 *cr = s->cr;
    u32 over = cr[CR_OVERFLOW], max = cr[CR_MAX_SCAN], pan = s->at[AT_PAN];

    return (Geometry) {
        .columns = cr[CR_H_DISPLAY_END] + 1u,
        .lines = (cr[CR_V_DISPLAY_END] | (over >> 1 & 1) << 8
                  | (over >> 6 & 1) << 9) + 1u,
        .scans = (max & 31u) + 1,
        .split = (cr[CR_LINE_COMPARE] | (over >> 4 & 1) << 8
                  | (max >> 6 & 1) << 9) + 1u,
        .start = ((u32)cr[CR_START_HIGH] << 8 | cr[CR_START_LOW])
            + (cr[CR_PRESET_ROW] >> 5 & 3),
        .pitch = cr[CR_OFFSET] * 2u,
        .preset = cr[CR_PRESET_ROW] & 31u,
        .pan = pan,
        .split_pan = s->at[AT_MODE] & AT_PAN_TOP ? 0 : pan,
        .dots = s->seq[SEQ_CLOCKING] & SEQ_HALF_CLOCK ? 2 : 1,
    };
}

/* Where a scan line begins. */
typedef struct Place {
    u32 clock;                  /* of the first character */
    u32 scan;                   /* line inside the row */
    u32 pan;
} Place;

/* The place of line y, if rows have `scans` lines. */
static Place place_of(const Geometry *g, u32 y, u32 scans)
{
    bool below = y >= g->split;
    u32 line = below ? y - g->split : y + g->preset;

    return (Place) {
        .clock = (below ? 0 : g->start) + line / scans * g->pitch,
        .scan = line % scans, .pan = below ? g->split_pan : g->pan,
    };
}

/* The address in a plane of a character clock: byte, word, doubleword mode. */
static u32 clock_address(const Vga *s, u32 clock, u32 scan)
{
    u8 mode = s->cr[CR_MODE];
    u32 a;

    if (s->cr[CR_UNDERLINE] & CR_DWORD) {
        a = clock << 2;
    } else if (mode & CR_MODE_BYTE) {
        a = clock;
    } else {
        a = clock << 1 | (clock >> (mode & CR_MODE_WRAP ? 15 : 13) & 1);
    }
    if (!(mode & CR_MODE_A13)) {
        a = (a & ~0x2000u) | (scan & 1) << 13;
    }
    if (!(mode & CR_MODE_A14)) {
        a = (a & ~0x4000u) | (scan >> 1 & 1) << 14;
    }
    return a & (PLANE - 1);
}

/* Each pixel of the `width` `zoom` times, in place. */
static void stretch(u32 *pixels, u32 width, u32 zoom)
{
    for (u32 x = width * zoom; zoom > 1 && x-- > 0;) {
        pixels[x] = pixels[x / zoom];
    }
}

static u32 planes_of(const Vga *s, u32 address)
{
    return (u32)load_le(s->vram->host + address * 4, 4);
}

/* ---- colours ------------------------------------------------------------ */

static u32 dac_colour(const Vga *s, u8 index)
{
    const u8 *c = &s->dac[(index & s->dac_mask) * 3];
    u32 rgb = 0;

    for (u32 i = 0; i < 3; i++) {
        u32 v = c[i];
        if (!(s->vbe[VBE_ENABLE] & VBE_DAC8)) {
            v = (v << 2 | v >> 4) & 0xff;
        }
        rgb = rgb << 8 | v;
    }
    return rgb;
}

/* The sixteen colours of text and planar modes. */
static void make_palette(const Vga *s, u32 out[16])
{
    u8 high = s->at[AT_COLOUR];

    for (u32 i = 0; i < 16; i++) {
        u8 v = s->at[i & s->at[AT_PLANES] & 15];
        if (s->at[AT_MODE] & AT_P54) {
            v = (u8)((v & 0x0f) | (high & 3) << 4);
        }
        out[i] = dac_colour(s, (u8)((v & 0x3f) | (high & 0x0c) << 4));
    }
}

/* ---- text --------------------------------------------------------------- */

static bool is_text(const Vga *s)
{
    return !vga_vbe_on(s) && !(s->gr[GR_MISC] & 1)
        && !(s->at[AT_MODE] & AT_GRAPHICS);
}

static bool blanked(const Vga *s)
{
    return !vga_vbe_on(s)
        && (s->seq[SEQ_CLOCKING] & SEQ_SCREEN_OFF || !(s->at_index & 0x20)
            || !(s->cr[CR_MODE] & CR_MODE_ON));
}

static bool blink_phase(void)
{
    return clock_now(CLOCK_VIRTUAL_NS) / BLINK_NS & 1;
}

/* Offset of a font in plane 2: SEQ 3, maps A and B. */
static u32 font_at(const Vga *s, bool map_a)
{
    u8 v = s->seq[SEQ_FONT];
    u32 n = map_a ? (v >> 2 & 3) | (v >> 5 & 1) << 2
                  : (v & 3) | (v >> 4 & 1) << 2;

    return ((n & 3) * 2 + (n >> 2)) * 0x2000;
}

/* A character of the row that is drawn. */
typedef struct Glyph {
    u32  fg, bg, font;          /* colours; offset of its lines in plane 2 */
    bool cursor, line, wide;    /* underlined; the ninth dot is the eighth */
} Glyph;

typedef struct TextDraw {
    const Vga *s;
    Geometry   g;
    u32        palette[16];
    u32        dots;
    u32        cursor;          /* clock; ~0: not now */
    bool       hidden;          /* phase of blinking characters */
} TextDraw;

static Glyph glyph_at(const TextDraw *t, u32 clock)
{
    const Vga *s = t->s;
    u32 cell = planes_of(s, clock_address(s, clock, 0));
    u8 ch = (u8)cell, attr = (u8)(cell >> 8);
    bool blinks = s->at[AT_MODE] & AT_BLINK;
    Glyph g = {
        .fg = t->palette[attr & 15],
        .bg = t->palette[attr >> 4 & (blinks ? 7 : 15)],
        .font = font_at(s, attr & 8) + ch * GLYPH,
        .cursor = clock == t->cursor,
        .line = s->at[AT_MODE] & AT_MONO && (attr & 0x77) == 1,
        .wide = (ch & 0xe0) == 0xc0 && s->at[AT_MODE] & AT_LINE_GRAPHICS,
    };

    if (blinks && attr & 0x80 && t->hidden) {
        g.fg = g.bg;
    }
    return g;
}

/* The dots of a line of a character, the leftmost in bit 8. */
static u32 glyph_dots(const Vga *s, const Glyph *g, u32 scan)
{
    u32 top = s->cr[CR_CURSOR_START] & 31u, end = s->cr[CR_CURSOR_END] & 31u;
    u32 bits = (planes_of(s, (g->font + scan) & (PLANE - 1)) >> 8 * FONT_PLANE
                & 0xff) << 1;

    if ((g->cursor && scan >= top && scan <= end)
        || (g->line && scan == (s->cr[CR_UNDERLINE] & 31u))) {
        return 0x1ff;
    }
    return bits | (g->wide ? bits >> 1 & 1 : 0);
}

/* One line; it begins `pan` dots inside the first character. */
static void text_line(const TextDraw *t, const Glyph *g, const Place *p,
                      u32 *out)
{
    u32 width = t->g.columns * t->dots;
    u32 skip = t->dots == 9 ? (p->pan + 1) % 9 : p->pan & 7;

    for (u32 x = 0; x < width; g++) {
        u32 bits = glyph_dots(t->s, g, p->scan);
        for (u32 i = skip; i < t->dots && x < width; i++) {
            out[x++] = bits >> (8 - i) & 1 ? g->fg : g->bg;
        }
        skip = 0;
    }
}

static u32 cursor_clock(const Vga *s)
{
    return (u32)s->cr[CR_CURSOR_HIGH] << 8 | s->cr[CR_CURSOR_LOW];
}

static void draw_text(Vga *s)
{
    TextDraw t = { .s = s, .g = geometry(s), .cursor = ~0u };
    Glyph row[MAX_COLUMNS + 1];
    u32 pixels[MAX_WIDTH], from = ~0u, width;

    t.dots = s->seq[SEQ_CLOCKING] & SEQ_8_DOTS ? 8 : 9;
    t.hidden = blink_phase();
    if (!(s->cr[CR_CURSOR_START] & CURSOR_OFF) && !t.hidden) {
        t.cursor = cursor_clock(s);
    }
    make_palette(s, t.palette);
    width = MIN(t.g.columns * t.dots, MAX_WIDTH / t.g.dots);
    screen_size(s->screen, width * t.g.dots, t.g.lines);
    for (u32 y = 0; y < t.g.lines; y++) {
        Place p = place_of(&t.g, y, t.g.scans);
        for (u32 x = 0; p.clock != from && x <= t.g.columns; x++) {
            row[x] = glyph_at(&t, p.clock + x);
        }
        from = p.clock;
        text_line(&t, row, &p, pixels);
        stretch(pixels, width, t.g.dots);
        screen_line(s->screen, y, pixels);
    }
}

static bool read_text(void *opaque, TextScreen *out)
{
    Vga *s = opaque;
    Geometry g = geometry(s);
    u32 cursor = cursor_clock(s);

    if (!is_text(s) || blanked(s)) {
        return false;
    }
    out->columns = MIN(g.columns, TEXT_COLUMNS);
    out->rows = MIN(g.lines / g.scans, TEXT_ROWS);
    out->cursor_x = out->cursor_y = -1;
    for (u32 y = 0; y < out->rows; y++) {
        Place p = place_of(&g, y * g.scans, g.scans);
        for (u32 x = 0; x < out->columns; x++) {
            u32 cell = planes_of(s, clock_address(s, p.clock + x, 0));
            out->cell[y * out->columns + x] = (TextCell) {
                (u8)cell, cell >> 8 & 15,
                cell >> 12 & (s->at[AT_MODE] & AT_BLINK ? 7 : 15),
            };
            if (p.clock + x == cursor
                && !(s->cr[CR_CURSOR_START] & CURSOR_OFF)) {
                out->cursor_x = (i32)x;
                out->cursor_y = (i32)y;
            }
        }
    }
    return true;
}

/* ---- VGA's graphics modes ----------------------------------------------- */

/* The pixels of one character clock; how many there are. */
typedef u32 ClockPixels(const Vga *s, const u32 palette[16], u32 planes,
                        u32 *out);

static u32 planar_pixels(const Vga *s, const u32 palette[16], u32 planes,
                         u32 *out)
{
    (void)s;
    for (u32 x = 0; x < 8; x++) {
        u32 bit = planes >> (7 - x);
        out[x] = palette[(bit & 1) | (bit >> 7 & 2) | (bit >> 14 & 4)
                         | (bit >> 21 & 8)];
    }
    return 8;
}

/* CGA's four colours: planes 0 and 2, then 1 and 3, two bits a pixel. */
static u32 cga_pixels(const Vga *s, const u32 palette[16], u32 planes,
                      u32 *out)
{
    (void)s;
    for (u32 x = 0; x < 8; x++) {
        u32 part = planes >> 8 * (x >> 2) >> (6 - 2 * (x & 3));
        out[x] = palette[(part & 3) | (part >> 16 & 3) << 2];
    }
    return 8;
}

/* Two shifts a pixel: four pixels, doubled by the attribute controller. */
static u32 byte_pixels(const Vga *s, const u32 palette[16], u32 planes,
                       u32 *out)
{
    (void)palette;
    for (u32 x = 0; x < 4; x++) {
        out[x] = dac_colour(s, (u8)(planes >> 8 * x));
    }
    return 4;
}

typedef struct LineDraw {
    const Vga   *s;
    ClockPixels *pixels;
    u32          palette[16], width;
} LineDraw;

static void graphics_line(const LineDraw *l, const Place *p, u32 *out)
{
    const Vga *s = l->s;
    u32 pixel[8], skip = l->pixels == byte_pixels ? p->pan >> 1 & 3
                                                  : p->pan & 7;
    u32 clock = p->clock;

    for (u32 x = 0; x < l->width; clock++) {
        u32 planes = planes_of(s, clock_address(s, clock, p->scan));
        u32 n = l->pixels(s, l->palette, planes, pixel);
        for (u32 i = skip; i < n && x < l->width; i++) {
            out[x++] = pixel[i];
        }
        skip = 0;
    }
}

static void draw_graphics(Vga *s)
{
    Geometry g = geometry(s);
    bool bytes = s->gr[GR_MODE] & GR_SHIFT256;
    LineDraw l = { .s = s, .pixels = bytes ? byte_pixels
        : s->gr[GR_MODE] & GR_SHIFT4 ? cga_pixels : planar_pixels };
    u32 twice = s->cr[CR_MAX_SCAN] & CR_DOUBLE ? 2 : 1;
    u32 pixels[MAX_WIDTH], zoom = g.dots * (bytes ? 2 : 1);

    l.width = MIN(g.columns * (bytes ? 4 : 8), MAX_WIDTH / zoom);
    screen_size(s->screen, l.width * zoom, g.lines);
    make_palette(s, l.palette);
    for (u32 y = 0; y < g.lines; y++) {
        Place p = place_of(&g, y, twice * g.scans);
        p.scan /= twice;
        graphics_line(&l, &p, pixels);
        stretch(pixels, l.width, zoom);
        screen_line(s->screen, y, pixels);
    }
}

/* ---- DISPI modes -------------------------------------------------------- */

/* n bits of v from bit `at` as eight, so that most is most. */
static u32 part(u32 v, u32 at, u32 n)
{
    u32 c = v >> at & (u32)MASK(n);

    return c << (8 - n) | c >> (2 * n - 8);
}

static u32 vbe_pixel(const Vga *s, const u8 *p, u32 bpp)
{
    u32 v = (u32)load_le(p, (bpp + 7) / 8);

    switch (bpp) {
    case 8: return dac_colour(s, (u8)v);
    case 15: return part(v, 10, 5) << 16 | part(v, 5, 5) << 8 | part(v, 0, 5);
    case 16: return part(v, 11, 5) << 16 | part(v, 5, 6) << 8 | part(v, 0, 5);
    default: return v;
    }
}

/* Sixteen colours in DISPI: VGA's planes with its own geometry. */
static void vbe_planar_line(const Vga *s, const u32 palette[16], u32 y,
                            u32 *out)
{
    u32 pitch = s->vbe[VBE_VIRT_WIDTH] / 8u;
    u32 at = (s->vbe[VBE_Y_OFFSET] + y) * pitch + s->vbe[VBE_X_OFFSET] / 8u;

    for (u32 x = 0; x + 8 <= s->vbe[VBE_XRES]; x += 8) {
        planar_pixels(s, palette, planes_of(s, at++ & (PLANE - 1)), out + x);
    }
}

/* Line y in the frame buffer or, made of that, at `out`; NULL: outside. */
static const u32 *vbe_line(const Vga *s, u32 y, u32 *out)
{
    u32 width = s->vbe[VBE_XRES], bpp = s->vbe[VBE_BPP], bytes = (bpp + 7) / 8;
    u64 at = ((u64)(s->vbe[VBE_Y_OFFSET] + y) * s->vbe[VBE_VIRT_WIDTH]
              + s->vbe[VBE_X_OFFSET]) * bytes;
    const u8 *line = s->vram->host + at;

    if (at + (u64)width * bytes > s->size) {
        return NULL;
    }
    if (bpp == 32) {                    /* as the picture has it */
        return (const u32 *)line;
    }
    for (u32 x = 0; x < width; x++) {
        out[x] = vbe_pixel(s, line + x * bytes, bpp);
    }
    return out;
}

static void draw_vbe(Vga *s)
{
    u32 palette[16], pixels[MAX_WIDTH];
    bool planar = s->vbe[VBE_BPP] == 4;

    if (!s->vbe[VBE_XRES] || !s->vbe[VBE_YRES] || !s->vbe[VBE_BPP]) {
        return;
    }
    screen_size(s->screen, s->vbe[VBE_XRES], s->vbe[VBE_YRES]);
    make_palette(s, palette);
    for (u32 y = 0; y < s->vbe[VBE_YRES]; y++) {
        const u32 *line = pixels;
        if (planar) {
            vbe_planar_line(s, palette, y, pixels);
        } else {
            line = vbe_line(s, y, pixels);
        }
        if (line) {
            screen_line(s->screen, y, line);
        }
    }
}

static void draw_black(Vga *s)
{
    enum { WIDTH = 640, HEIGHT = 480 };
    static const u32 black[WIDTH];

    screen_size(s->screen, WIDTH, HEIGHT);
    for (u32 y = 0; y < HEIGHT; y++) {
        screen_line(s->screen, y, black);
    }
}

static void draw(void *opaque)
{
    Vga *s = opaque;

    if (blanked(s)) {
        draw_black(s);
    } else if (vga_vbe_on(s)) {
        draw_vbe(s);
    } else if (is_text(s)) {
        draw_text(s);
    } else {
        draw_graphics(s);
    }
}

const ScreenHooks vga_screen = { .draw = draw, .text = read_text };
