/* SPDX-License-Identifier: MIT */
/*
 * A window by SDL2.  Reference: SDL 2.26's documentation; USB HID Usage
 * Tables, page 7, whose numbers SDL's scan codes are.
 *
 * Keys go by their place on the keyboard, so that the guest's layout counts.
 * A hot key is a digit or letter with the grab's modifiers; the guest sees
 * those modifiers go up again.  Left out: OpenGL, more than one window.
 */
#include <glib.h>
#include <SDL.h>
#include "ui/display.h"
#include "ui/input.h"

enum { POLL_MS = 10, KEY_CODES = 256 };

typedef struct Sdl {
    Ui             *ui;
    ScreenListener  listener;
    SDL_Window     *window;
    SDL_Renderer   *renderer;
    SDL_Texture    *texture;
    int             width, height;      /* of the picture */
    u16             grab_mod;           /* KMOD bits that make hot keys */
    bool            grabbed, full_screen, may_close, show_cursor;
    bool            fresh;              /* the picture is to be presented */
    bool            down[KEY_CODES];    /* keys that the screen thinks so */
    bool            swallow[KEY_CODES]; /* hot keys: their release is ours */
    u32             shown;              /* number of the screen */
    char            title[256];
    guint           timer;
} Sdl;

/* ---- what is seen ------------------------------------------------------- */

static const char *hint(const Sdl *s)
{
    return s->grab_mod & KMOD_RCTRL ? "Right Ctrl-G"
        : s->grab_mod & KMOD_SHIFT ? "Shift-Ctrl-Alt-G" : "Ctrl-Alt-G";
}

static void set_title(Sdl *s)
{
    char title[sizeof s->title];
    const char *name = s->ui->name;

    g_snprintf(title, sizeof title, "anole%s%s%s%s%s%s%s%s",
               name ? " (" : "", name ? name : "", name ? ")" : "",
               s->listener.screen && s->shown ? " - " : "",
               s->listener.screen && s->shown
                   ? screen_name(s->listener.screen) : "",
               s->ui->paused(s->ui->machine) ? " [paused]" : "",
               s->grabbed ? " - to let the mouse go press " : "",
               s->grabbed ? hint(s) : "");
    if (strcmp(title, s->title) != 0) {
        g_strlcpy(s->title, title, sizeof s->title);
        SDL_SetWindowTitle(s->window, title);
    }
}

static void present(Sdl *s)
{
    SDL_SetRenderDrawColor(s->renderer, 0, 0, 0, 255);
    SDL_RenderClear(s->renderer);
    if (s->texture) {
        SDL_RenderCopy(s->renderer, s->texture, NULL, NULL);
    }
    SDL_RenderPresent(s->renderer);
    s->fresh = false;
}

static void upload(Sdl *s, pixman_image_t *image, const SDL_Rect *r)
{
    int stride = pixman_image_get_stride(image);
    const u8 *pixels = (const u8 *)pixman_image_get_data(image);

    SDL_UpdateTexture(s->texture, r, pixels + (size_t)r->y * (size_t)stride
                      + (size_t)r->x * 4, stride);
    s->fresh = true;
}

static void updated(void *opaque, pixman_image_t *image,
                    const pixman_box32_t *b)
{
    Sdl *s = opaque;
    SDL_Rect r = { b->x1, b->y1, b->x2 - b->x1, b->y2 - b->y1 };

    if (s->texture) {
        upload(s, image, &r);
    }
}

static void resized(void *opaque, pixman_image_t *image)
{
    Sdl *s = opaque;
    SDL_Rect all = { 0, 0, pixman_image_get_width(image),
                     pixman_image_get_height(image) };
    bool same = all.w == s->width && all.h == s->height;

    if (s->texture && !same) {
        SDL_DestroyTexture(s->texture);
        s->texture = NULL;
    }
    if (!s->texture) {
        s->texture = SDL_CreateTexture(s->renderer, SDL_PIXELFORMAT_RGB888,
                                       SDL_TEXTUREACCESS_STREAMING, all.w,
                                       all.h);
    }
    s->width = all.w;
    s->height = all.h;
    if (!same) {
        SDL_RenderSetLogicalSize(s->renderer, all.w, all.h);
        if (!s->full_screen
            && !(SDL_GetWindowFlags(s->window) & SDL_WINDOW_MAXIMIZED)) {
            SDL_SetWindowSize(s->window, all.w, all.h);
        }
    }
    if (s->texture) {
        upload(s, image, &all);
    }
}

static void refreshed(void *opaque)
{
    Sdl *s = opaque;

    if (s->fresh) {
        present(s);
    }
}

/* ---- grab and pointer --------------------------------------------------- */

/* Does the screen shown have the guest's mouse? */
static bool takes_mouse(const Sdl *s)
{
    return !screen_takes_keys(s->listener.screen);
}

static void show_pointer(Sdl *s)
{
    bool hide = s->grabbed || (takes_mouse(s) && input_wants_abs()
                               && SDL_GetMouseFocus() == s->window);

    SDL_ShowCursor(hide && !s->show_cursor ? SDL_DISABLE : SDL_ENABLE);
}

static void grab(Sdl *s, bool on)
{
    s->grabbed = on;
    SDL_SetWindowGrab(s->window, on);
    SDL_SetWindowKeyboardGrab(s->window, on);
    SDL_SetRelativeMouseMode(on && !input_wants_abs());
    show_pointer(s);
    set_title(s);
}

/* The pixel of the window under the pointer as the guest's coordinate. */
static u32 scaled(int at, int size)
{
    return (u32)((i64)CLAMP(at, 0, size - 1) * INPUT_ABS_MAX
                 / MAX(size - 1, 1));
}

static void mouse_moved(Sdl *s, const SDL_MouseMotionEvent *e)
{
    if (!takes_mouse(s)) {
        return;
    }
    if (input_wants_abs()) {
        input_abs(scaled(e->x, s->width), scaled(e->y, s->height));
    } else if (s->grabbed) {
        input_rel(e->xrel, e->yrel);
    } else {
        return;
    }
    input_sync();
}

static void mouse_button(Sdl *s, const SDL_MouseButtonEvent *e)
{
    static const PointerButton map[] = {
        [SDL_BUTTON_LEFT] = BUTTON_LEFT, [SDL_BUTTON_MIDDLE] = BUTTON_MIDDLE,
        [SDL_BUTTON_RIGHT] = BUTTON_RIGHT, [SDL_BUTTON_X1] = BUTTON_SIDE,
        [SDL_BUTTON_X2] = BUTTON_EXTRA,
    };

    if (!takes_mouse(s) || !e->button || e->button >= countof(map)) {
        return;
    }
    if (!s->grabbed && !input_wants_abs()) {
        if (e->state == SDL_PRESSED && e->button == SDL_BUTTON_LEFT) {
            grab(s, true);              /* the click is for the window */
        }
        return;
    }
    input_button(map[e->button], e->state == SDL_PRESSED);
    input_sync();
}

static void mouse_wheel(Sdl *s, const SDL_MouseWheelEvent *e)
{
    if (takes_mouse(s) && (s->grabbed || input_wants_abs()) && e->y) {
        input_wheel(e->y);
        input_sync();
    }
}

/* ---- keys --------------------------------------------------------------- */

static void send_key(Sdl *s, u32 code, bool down)
{
    if (code < KEY_CODES && (down || s->down[code])) {
        s->down[code] = down;
        screen_key(s->listener.screen, code, down);
    }
}

static void release_all(Sdl *s)
{
    for (u32 i = 0; i < KEY_CODES; i++) {
        send_key(s, i, false);
    }
}

static void show_screen(Sdl *s, u32 n)
{
    Screen *screen = screen_nth(n);

    if (screen) {
        release_all(s);
        s->shown = n;
        if (screen_takes_keys(screen) && s->grabbed) {
            grab(s, false);
        }
        screen_listen(&s->listener, screen);
        set_title(s);
    }
}

static void toggle_full_screen(Sdl *s)
{
    s->full_screen = !s->full_screen;
    SDL_SetWindowFullscreen(s->window, s->full_screen
                            ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
    if (!s->full_screen) {
        SDL_SetWindowSize(s->window, s->width, s->height);
    }
    s->fresh = true;
}

/* True: it was one. */
static bool hot_key(Sdl *s, const SDL_KeyboardEvent *e)
{
    SDL_Scancode c = e->keysym.scancode;

    if ((e->keysym.mod & s->grab_mod) != s->grab_mod) {
        return false;
    }
    if (c >= SDL_SCANCODE_1 && c <= SDL_SCANCODE_9) {
        show_screen(s, (u32)(c - SDL_SCANCODE_1));
    } else if (c == SDL_SCANCODE_G) {
        grab(s, !s->grabbed && takes_mouse(s));
    } else if (c == SDL_SCANCODE_F) {
        toggle_full_screen(s);
    } else if (c == SDL_SCANCODE_U) {
        SDL_SetWindowSize(s->window, s->width, s->height);
    } else if (c == SDL_SCANCODE_Q && s->may_close) {
        s->ui->quit(s->ui->machine);
    } else {
        return false;
    }
    release_all(s);
    return true;
}

/* Keys outside USB's keyboard page, which SDL numbers itself. */
static const Key *other_key(SDL_Scancode c)
{
    static const struct { SDL_Scancode code; const char *name; } map[] = {
        { SDL_SCANCODE_AUDIONEXT, "audionext" },
        { SDL_SCANCODE_AUDIOPREV, "audioprev" },
        { SDL_SCANCODE_AUDIOSTOP, "audiostop" },
        { SDL_SCANCODE_AUDIOPLAY, "audioplay" },
        { SDL_SCANCODE_AUDIOMUTE, "audiomute" },
        { SDL_SCANCODE_MEDIASELECT, "mediaselect" },
        { SDL_SCANCODE_MAIL, "mail" }, { SDL_SCANCODE_SLEEP, "sleep" },
        { SDL_SCANCODE_CALCULATOR, "calculator" },
        { SDL_SCANCODE_COMPUTER, "computer" },
        { SDL_SCANCODE_AC_HOME, "ac_home" },
        { SDL_SCANCODE_AC_BACK, "ac_back" },
        { SDL_SCANCODE_AC_FORWARD, "ac_forward" },
        { SDL_SCANCODE_AC_REFRESH, "ac_refresh" },
        { SDL_SCANCODE_AC_BOOKMARKS, "ac_bookmarks" },
    };

    for (u32 i = 0; i < countof(map); i++) {
        if (map[i].code == c) {
            return key_by_name(map[i].name);
        }
    }
    return NULL;
}

static void key(Sdl *s, const SDL_KeyboardEvent *e)
{
    SDL_Scancode c = e->keysym.scancode;
    const Key *k = c < 256 ? key_by_usage(c) : other_key(c);
    bool down = e->state == SDL_PRESSED;

    if (!k || k->code >= KEY_CODES) {
        return;
    }
    if (down && !e->repeat && hot_key(s, e)) {
        s->swallow[k->code] = true;
    } else if (s->swallow[k->code]) {
        s->swallow[k->code] = down;
    } else {
        send_key(s, k->code, down);
    }
}

/* ---- events ------------------------------------------------------------- */

static void window_event(Sdl *s, const SDL_WindowEvent *e)
{
    switch (e->event) {
    case SDL_WINDOWEVENT_FOCUS_LOST:
        release_all(s);
        if (s->grabbed) {
            grab(s, false);
        }
        break;
    case SDL_WINDOWEVENT_EXPOSED: case SDL_WINDOWEVENT_SIZE_CHANGED:
        s->fresh = true;
        break;
    case SDL_WINDOWEVENT_ENTER: case SDL_WINDOWEVENT_LEAVE:
        show_pointer(s);
        break;
    }
}

static void serve(Sdl *s, const SDL_Event *e)
{
    switch (e->type) {
    case SDL_QUIT:
        if (s->may_close) {
            s->ui->quit(s->ui->machine);
        }
        break;
    case SDL_WINDOWEVENT: window_event(s, &e->window); break;
    case SDL_KEYDOWN: case SDL_KEYUP: key(s, &e->key); break;
    case SDL_MOUSEMOTION: mouse_moved(s, &e->motion); break;
    case SDL_MOUSEBUTTONDOWN: case SDL_MOUSEBUTTONUP:
        mouse_button(s, &e->button);
        break;
    case SDL_MOUSEWHEEL: mouse_wheel(s, &e->wheel); break;
    case SDL_RENDER_TARGETS_RESET: case SDL_RENDER_DEVICE_RESET:
        show_screen(s, s->shown);
        break;
    }
}

static gboolean poll_events(void *opaque)
{
    Sdl *s = opaque;
    SDL_Event e;

    while (SDL_PollEvent(&e)) {
        serve(s, &e);
    }
    if (!s->listener.screen) {
        show_screen(s, 0);              /* what was shown is gone */
    }
    set_title(s);
    refreshed(s);
    return G_SOURCE_CONTINUE;
}

/* ---- life --------------------------------------------------------------- */

static bool usable(Err *err)
{
    static const char *const drivers[] = { "DISPLAY", "WAYLAND_DISPLAY",
                                           "SDL_VIDEODRIVER" };

    for (u32 i = 0; i < countof(drivers); i++) {
        const char *v = g_getenv(drivers[i]);
        if (v && *v) {
            return true;
        }
    }
    return fail(err, "there is no window system: DISPLAY and WAYLAND_DISPLAY "
                "are not set");
}

static bool parse_grab(Sdl *s, KeyVal *kv, Err *err)
{
    static const struct { const char *name; u16 mod; } mods[] = {
        { "lctrl-lalt", KMOD_LCTRL | KMOD_LALT }, { "rctrl", KMOD_RCTRL },
        { "lshift-lctrl-lalt", KMOD_LSHIFT | KMOD_LCTRL | KMOD_LALT },
    };
    const char *v = keyval_get(kv, "grab-mod");

    for (u32 i = 0; i < countof(mods); i++) {
        if (strcmp(v ? v : mods[0].name, mods[i].name) == 0) {
            s->grab_mod = mods[i].mod;
            return true;
        }
    }
    return fail(err, "grab-mod=%s: write lctrl-lalt, lshift-lctrl-lalt or "
                "rctrl", v);
}

static bool parse(Sdl *s, KeyVal *kv, Err *err)
{
    const char *gl = keyval_get(kv, "gl");

    if (gl && strcmp(gl, "off") != 0) {
        return fail(err, "gl=%s: there is no OpenGL; write gl=off", gl);
    }
    return parse_grab(s, kv, err)
        && keyval_bool(kv, "window-close", true, &s->may_close, err)
        && keyval_bool(kv, "show-cursor", false, &s->show_cursor, err)
        && keyval_bool(kv, "full-screen", s->ui->full_screen, &s->full_screen,
                       err);
}

static void sdl_close(Ui *ui)
{
    Sdl *s = ui->state;

    if (s->timer) {
        g_source_remove(s->timer);
    }
    screen_listen(&s->listener, NULL);
    if (s->texture) {
        SDL_DestroyTexture(s->texture);
    }
    if (s->renderer) {
        SDL_DestroyRenderer(s->renderer);
    }
    if (s->window) {
        SDL_DestroyWindow(s->window);
    }
    SDL_QuitSubSystem(SDL_INIT_VIDEO);
    g_free(s);
}

static bool make_window(Sdl *s, Err *err)
{
    enum { WIDTH = 640, HEIGHT = 480 };
    u32 flags = SDL_WINDOW_RESIZABLE
        | (s->full_screen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);

    /* Signals are main()'s; a click that gives the focus counts as one. */
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_MOUSE_FOCUS_CLICKTHROUGH, "1");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "linear");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    if (SDL_InitSubSystem(SDL_INIT_VIDEO) < 0) {
        return fail(err, "-display sdl: %s", SDL_GetError());
    }
    s->window = SDL_CreateWindow("anole", SDL_WINDOWPOS_UNDEFINED,
                                 SDL_WINDOWPOS_UNDEFINED, WIDTH, HEIGHT,
                                 flags);
    s->renderer = s->window ? SDL_CreateRenderer(s->window, -1,
                                                 SDL_RENDERER_SOFTWARE)
                            : NULL;
    return s->renderer || fail(err, "-display sdl: %s", SDL_GetError());
}

static bool sdl_open(Ui *ui, KeyVal *kv, Err *err)
{
    Sdl *s = g_new0(Sdl, 1);

    ui->state = s;
    s->ui = ui;
    s->listener = (ScreenListener) {
        .opaque = s, .resized = resized, .updated = updated,
        .refreshed = refreshed,
    };
    if (!parse(s, kv, err) || !make_window(s, err)) {
        return false;
    }
    show_screen(s, 0);
    show_pointer(s);
    s->timer = g_timeout_add(POLL_MS, poll_events, s);
    return true;
}

DISPLAY(sdl) {
    .name = "sdl", .about = "a window", .usable = usable, .open = sdl_open,
    .close = sdl_close,
};
