/* SPDX-License-Identifier: MIT */
/*
 * VGA: from video memory to a picture.
 * Reference: IBM Personal System/2 Hardware Interface Technical Reference,
 * "Video Subsystem": CRT controller addressing, attribute controller.
 *
 * The whole screen is drawn each time, as the registers are then: effects
 * that depend on changes while the beam runs are left out.
 */
#include "hw/display/vga.h"
#include "softmmu/clock.h"

enum { SEQ_8_DOTS = 1 << 0, SEQ_SCREEN_OFF = 1 << 5 };
enum { AT_GRAPHICS = 1 << 0, AT_LINE_GRAPHICS = 1 << 2, AT_BLINK = 1 << 3,
       AT_P54 = 1 << 7 };
enum { GR_SHIFT4 = 1 << 5, GR_SHIFT256 = 1 << 6 };
enum { CR_MODE_A13 = 1 << 0, CR_MODE_A14 = 1 << 1, CR_MODE_WRAP = 1 << 5,
       CR_MODE_BYTE = 1 << 6, CR_MODE_ON = 1 << 7, CR_DWORD = 1 << 6 };
enum { CR_DOUBLE = 1 << 7, CURSOR_OFF = 1 << 5 };
enum { PLANE = 0x10000, FONT_PLANE = 2, GLYPH = 32 };
enum { BLINK_NS = 266666667, MAX_WIDTH = 2048, MAX_HEIGHT = 2048 };

/* ---- geometry ----------------------------------------------------------- */

typedef struct Geometry {
    u32 columns;                /* character clocks in a row */
    u32 lines;                  /* scan lines shown */
    u32 scans;                  /* lines of a character, or repeats */
    u32 split;                  /* line compare: from here start at 0 */
    u32 start, pitch;           /* in character clocks */
} Geometry;

static Geometry geometry(const Vga *s)
{
    const u8 *cr = s->cr;
    u32 over = cr[CR_OVERFLOW], max = cr[CR_MAX_SCAN];

    return (Geometry) {
        .columns = cr[CR_H_DISPLAY_END] + 1u,
        .lines = (cr[CR_V_DISPLAY_END] | (over >> 1 & 1) << 8
                  | (over >> 6 & 1) << 9) + 1u,
        .scans = (max & 31u) + 1,
        .split = (cr[CR_LINE_COMPARE] | (over >> 4 & 1) << 8
                  | (max >> 6 & 1) << 9) + 1u,
        .start = (u32)cr[CR_START_HIGH] << 8 | cr[CR_START_LOW],
        .pitch = cr[CR_OFFSET] * 2u,
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

/* The clock that row `y` of characters begins with; 0 behind a split. */
static u32 row_start(const Geometry *g, u32 y)
{
    u32 line = y * g->scans;

    return line >= g->split ? (y - g->split / g->scans) * g->pitch
                            : g->start + y * g->pitch;
}

typedef struct TextDraw {
    const Vga *s;
    Geometry   g;
    u32        palette[16];
    u32       *pixels, stride, dots;
    u32        cursor;          /* clock; ~0: not now */
    bool       hidden;          /* phase of blinking characters */
} TextDraw;

static void draw_glyph(const TextDraw *t, u32 column, u32 row, u32 clock)
{
    const Vga *s = t->s;
    u32 cell = planes_of(s, clock_address(s, clock, 0));
    u8 ch = (u8)cell, attr = (u8)(cell >> 8);
    bool blinks = s->at[AT_MODE] & AT_BLINK, line = (ch & 0xe0) == 0xc0
        && s->at[AT_MODE] & AT_LINE_GRAPHICS;
    u32 bg = t->palette[attr >> 4 & (blinks ? 7 : 15)];
    u32 fg = t->palette[attr & 15];
    u32 font = font_at(s, attr & 8) + ch * GLYPH;
    u8 top = s->cr[CR_CURSOR_START], bottom = s->cr[CR_CURSOR_END] & 31;

    if (blinks && attr & 0x80 && t->hidden) {
        fg = bg;
    }
    for (u32 y = 0; y < t->g.scans && row * t->g.scans + y < t->g.lines; y++) {
        u32 *out = (u32 *)((u8 *)t->pixels
                           + (size_t)(row * t->g.scans + y) * t->stride)
            + column * t->dots;
        u32 bits = (planes_of(s, (font + y) & (PLANE - 1)) >> 8 * FONT_PLANE
                    & 0xff) << 1;
        bits |= line ? bits >> 1 & 1 : 0;
        if (clock == t->cursor && y >= (top & 31u) && y <= bottom) {
            bits = 0x1ff;
        }
        for (u32 x = 0; x < t->dots; x++) {
            out[x] = bits >> (8 - x) & 1 ? fg : bg;
        }
    }
}

static u32 cursor_clock(const Vga *s)
{
    return (u32)s->cr[CR_CURSOR_HIGH] << 8 | s->cr[CR_CURSOR_LOW];
}

static void draw_text(Vga *s)
{
    TextDraw t = { .s = s, .g = geometry(s), .cursor = ~0u };
    u32 rows;

    t.dots = s->seq[SEQ_CLOCKING] & SEQ_8_DOTS ? 8 : 9;
    t.hidden = blink_phase();
    if (!(s->cr[CR_CURSOR_START] & CURSOR_OFF) && !t.hidden) {
        t.cursor = cursor_clock(s);
    }
    make_palette(s, t.palette);
    t.pixels = screen_pixels(s->screen, t.g.columns * t.dots, t.g.lines,
                             &t.stride);
    rows = (t.g.lines + t.g.scans - 1) / t.g.scans;
    for (u32 y = 0; y < rows; y++) {
        for (u32 x = 0; x < t.g.columns; x++) {
            draw_glyph(&t, x, y, row_start(&t.g, y) + x);
        }
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
        for (u32 x = 0; x < out->columns; x++) {
            u32 clock = row_start(&g, y) + x;
            u32 cell = planes_of(s, clock_address(s, clock, 0));
            out->cell[y * out->columns + x] = (TextCell) {
                (u8)cell, cell >> 8 & 15,
                cell >> 12 & (s->at[AT_MODE] & AT_BLINK ? 7 : 15),
            };
            if (clock == cursor
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

static void draw_line(const LineDraw *l, u32 clock, u32 scan, u32 *out)
{
    const Vga *s = l->s;
    u32 pixel[8], n, skip = s->at[AT_PAN] & 7, width = l->width;

    skip = l->pixels == byte_pixels ? skip >> 1 : skip;
    for (u32 x = 0; x < width; clock++) {
        n = l->pixels(s, l->palette,
                      planes_of(s, clock_address(s, clock, scan)), pixel);
        for (u32 i = skip; i < n && x < width; i++) {
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
    u32 repeat = g.scans * (s->cr[CR_MAX_SCAN] & CR_DOUBLE ? 2 : 1);
    /* CGA and Hercules modes: the scan chooses the bank, it is no repeat. */
    bool banks = (s->cr[CR_MODE] & (CR_MODE_A13 | CR_MODE_A14))
        != (CR_MODE_A13 | CR_MODE_A14);
    u32 zoom = banks ? repeat / g.scans : repeat;
    u32 height = MAX(MIN(g.lines, (u32)MAX_HEIGHT) / zoom, 1u);
    u32 stride, per = banks ? g.scans : 1;
    u32 *pixels;

    l.width = MIN(g.columns * (bytes ? 4 : 8), (u32)MAX_WIDTH);
    pixels = screen_pixels(s->screen, l.width, height, &stride);
    make_palette(s, l.palette);
    for (u32 y = 0; y < height; y++) {
        u32 line = y * zoom, row = y / per;
        u32 clock = line >= g.split ? (row - g.split / zoom / per) * g.pitch
                                    : g.start + row * g.pitch;
        draw_line(&l, clock, y % per,
                  (u32 *)((u8 *)pixels + (size_t)y * stride));
    }
}

/* ---- DISPI modes -------------------------------------------------------- */

static u32 vbe_pixel(const Vga *s, const u8 *p, u32 bpp)
{
    u32 v;

    switch (bpp) {
    case 8: return dac_colour(s, *p);
    case 15:
        v = (u32)load_le(p, 2);
        return (v >> 10 & 31) << 19 | (v >> 5 & 31) << 11 | (v & 31) << 3;
    case 16:
        v = (u32)load_le(p, 2);
        return (v >> 11 & 31) << 19 | (v >> 5 & 63) << 10 | (v & 31) << 3;
    case 24: return (u32)load_le(p, 3);
    default: return (u32)load_le(p, 4) & 0xffffff;
    }
}

/* Sixteen colours in DISPI: VGA's planes with its own geometry. */
static void draw_vbe_planar(Vga *s, u32 *pixels, u32 stride)
{
    u32 width = s->vbe[VBE_XRES], pitch = s->vbe[VBE_VIRT_WIDTH] / 8u;
    u32 palette[16];

    make_palette(s, palette);
    for (u32 y = 0; y < s->vbe[VBE_YRES]; y++) {
        u32 *out = (u32 *)((u8 *)pixels + (size_t)y * stride);
        u32 at = (s->vbe[VBE_Y_OFFSET] + y) * pitch + s->vbe[VBE_X_OFFSET] / 8u;
        for (u32 x = 0; x + 8 <= width; x += 8) {
            planar_pixels(s, palette, planes_of(s, at++ & (PLANE - 1)),
                          out + x);
        }
    }
}

static void draw_vbe(Vga *s)
{
    u32 width = s->vbe[VBE_XRES], height = s->vbe[VBE_YRES];
    u32 bpp = s->vbe[VBE_BPP], bytes = (bpp + 7) / 8, stride;
    u32 *pixels;

    if (!width || !height || !bpp) {
        return;
    }
    pixels = screen_pixels(s->screen, width, height, &stride);
    if (bpp == 4) {
        draw_vbe_planar(s, pixels, stride);
        return;
    }
    for (u32 y = 0; y < height; y++) {
        u32 *out = (u32 *)((u8 *)pixels + (size_t)y * stride);
        u64 at = ((u64)(s->vbe[VBE_Y_OFFSET] + y) * s->vbe[VBE_VIRT_WIDTH]
                  + s->vbe[VBE_X_OFFSET]) * bytes;
        if (at + (u64)width * bytes > s->size) {
            return;
        }
        for (u32 x = 0; x < width; x++) {
            out[x] = vbe_pixel(s, s->vram->host + at + x * bytes, bpp);
        }
    }
}

static void draw_black(Vga *s)
{
    u32 stride, *pixels = screen_pixels(s->screen, 640, 480, &stride);

    memset(pixels, 0, (size_t)stride * 480);
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
