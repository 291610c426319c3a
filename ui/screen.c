/* SPDX-License-Identifier: MIT */
/*
 * The screens of a machine, who looks at them, and what changed; see
 * include/ui/screen.h.
 *
 * What changed is found by comparing lines with the picture as it was.  So a
 * frame buffer is plain memory to the guest, whose writes nobody has to watch,
 * and a cursor that blinks is a small rectangle whatever drew it.
 */
#include <glib.h>
#include "ui/input.h"
#include "ui/screen.h"

struct Screen {
    char *name;
    const ScreenHooks *hooks;
    void *opaque;
    pixman_image_t *image;      /* NULL: nothing was drawn yet */
    pixman_region32_t changed;  /* since the listeners were told */
    bool resized;
};

enum { SCREENS = 16, LISTENERS = 64, BLANK_WIDTH = 640, BLANK_HEIGHT = 480 };
/* Milliseconds between two looks, and after how many without news slower. */
enum { PERIOD = 30, SLOW_PERIOD = 100, QUIET_ROUNDS = 30 };

/* The screens of this process in the order shown, and who looks at them. */
static struct {
    Screen *at[SCREENS];
    u32     n;
    ScreenListener *listener[LISTENERS];
    u32     listeners;
    u32     quiet;              /* rounds without a change */
    guint   timer;
} screens;

/* ---- the list ----------------------------------------------------------- */

Screen *screen_new(const char *name, const ScreenHooks *hooks, void *opaque)
{
    Screen *s = g_new0(Screen, 1);
    u32 at = screens.n;

    s->name = g_strdup(name);
    s->hooks = hooks;
    s->opaque = opaque;
    pixman_region32_init(&s->changed);
    if (screens.n < SCREENS) {
        while (!hooks->key && at && screens.at[at - 1]->hooks->key) {
            screens.at[at] = screens.at[at - 1];
            at--;
        }
        screens.at[at] = s;
        screens.n++;
    }
    return s;
}

void screen_free(Screen *s)
{
    u32 kept = 0;

    if (!s) {
        return;
    }
    for (u32 i = 0; i < screens.n; i++) {
        if (screens.at[i] != s) {
            screens.at[kept++] = screens.at[i];
        }
    }
    screens.n = kept;
    for (u32 i = 0; i < screens.listeners; i++) {
        if (screens.listener[i]->screen == s) {
            screens.listener[i]->screen = NULL;
        }
    }
    if (s->image) {
        pixman_image_unref(s->image);
    }
    pixman_region32_fini(&s->changed);
    g_free(s->name);
    g_free(s);
}

const char *screen_name(const Screen *s)
{
    return s->name;
}

Screen *screen_nth(u32 n)
{
    return n < screens.n ? screens.at[n] : NULL;
}

Screen *screen_find(const char *name)
{
    for (u32 i = 0; i < screens.n; i++) {
        if (!name || strcmp(screens.at[i]->name, name) == 0) {
            return screens.at[i];
        }
    }
    return NULL;
}

/* ---- drawing ------------------------------------------------------------ */

void screen_size(Screen *s, u32 width, u32 height)
{
    if (s->image && (u32)pixman_image_get_width(s->image) == width
        && (u32)pixman_image_get_height(s->image) == height) {
        return;
    }
    if (s->image) {
        pixman_image_unref(s->image);
    }
    s->image = pixman_image_create_bits(PIXMAN_x8r8g8b8, (int)width,
                                        (int)height, NULL, 0);
    s->resized = true;
}

void screen_line(Screen *s, u32 y, const u32 *pixels)
{
    u32 width = (u32)pixman_image_get_width(s->image), first = 0, end = width;
    u32 *line = (u32 *)((u8 *)pixman_image_get_data(s->image)
                        + (size_t)y * (u32)pixman_image_get_stride(s->image));

    if (memcmp(line, pixels, width * sizeof *line) == 0) {
        return;
    }
    while (first < end && line[first] == pixels[first]) {
        first++;
    }
    while (end > first && line[end - 1] == pixels[end - 1]) {
        end--;
    }
    memcpy(line + first, pixels + first, (end - first) * sizeof *line);
    pixman_region32_union_rect(&s->changed, &s->changed, (int)first, (int)y,
                               end - first, 1);
}

static void tell(Screen *s, ScreenListener *l)
{
    int n;
    const pixman_box32_t *box = pixman_region32_rectangles(&s->changed, &n);

    if (s->resized) {
        l->resized(l->opaque, s->image);
    }
    for (int i = 0; !s->resized && i < n; i++) {
        l->updated(l->opaque, s->image, &box[i]);
    }
    if (l->refreshed) {
        l->refreshed(l->opaque);
    }
}

pixman_image_t *screen_update(Screen *s)
{
    s->hooks->draw(s->opaque);
    if (!s->image) {
        screen_size(s, BLANK_WIDTH, BLANK_HEIGHT);
    }
    if (s->resized || pixman_region32_not_empty(&s->changed)) {
        for (u32 i = 0; i < screens.listeners; i++) {
            if (screens.listener[i]->screen == s) {
                tell(s, screens.listener[i]);
            }
        }
        screens.quiet = 0;
        s->resized = false;
        pixman_region32_fini(&s->changed);
        pixman_region32_init(&s->changed);
    }
    return s->image;
}

bool screen_text(Screen *s, TextScreen *out)
{
    return s->hooks->text && s->hooks->text(s->opaque, out);
}

/* ---- looking ------------------------------------------------------------ */

static bool is_watched(const Screen *s)
{
    for (u32 i = 0; i < screens.listeners; i++) {
        if (screens.listener[i]->screen == s) {
            return true;
        }
    }
    return false;
}

/* One round; comes back sooner if something is going on. */
static gboolean look(void *opaque)
{
    u32 quiet = ++screens.quiet;

    (void)opaque;
    for (u32 i = 0; i < screens.n; i++) {
        if (is_watched(screens.at[i])) {
            screen_update(screens.at[i]);
        }
    }
    screens.timer = screens.listeners == 0 ? 0
        : g_timeout_add(quiet > QUIET_ROUNDS ? SLOW_PERIOD : PERIOD, look,
                        NULL);
    return G_SOURCE_REMOVE;
}

static void forget(const ScreenListener *l)
{
    u32 kept = 0;

    for (u32 i = 0; i < screens.listeners; i++) {
        if (screens.listener[i] != l) {
            screens.listener[kept++] = screens.listener[i];
        }
    }
    screens.listeners = kept;
}

void screen_listen(ScreenListener *l, Screen *s)
{
    forget(l);
    l->screen = s;
    if (!s || screens.listeners == LISTENERS) {
        return;
    }
    screen_update(s);
    screens.listener[screens.listeners++] = l;
    l->resized(l->opaque, s->image);
    if (l->refreshed) {
        l->refreshed(l->opaque);
    }
    if (!screens.timer) {
        screens.timer = g_timeout_add(PERIOD, look, NULL);
    }
}

bool screen_takes_keys(const Screen *s)
{
    return s && s->hooks->key;
}

void screen_key(Screen *s, u32 code, bool down)
{
    screens.quiet = 0;
    if (screen_takes_keys(s)) {
        s->hooks->key(s->opaque, code, down);
    } else {
        input_key(code, down);
        input_sync();
    }
}
