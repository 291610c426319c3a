/* SPDX-License-Identifier: MIT */
/* Hands user input to the guest's devices; see include/ui/input.h. */
#include <glib.h>
#include "softmmu/clock.h"
#include "ui/input.h"

enum { SINKS = 16 };

/* The set of sinks of this process, oldest first. */
static struct {
    const InputSink *at[SINKS];
    u32 n;
    const InputSink *chosen;    /* the user's choice of a mouse, or NULL */
} sinks;

void input_add(const InputSink *sink)
{
    if (sinks.n < SINKS) {
        sinks.at[sinks.n++] = sink;
    }
}

void input_remove(const InputSink *sink)
{
    u32 kept = 0;

    for (u32 i = 0; i < sinks.n; i++) {
        if (sinks.at[i] != sink) {
            sinks.at[kept++] = sinks.at[i];
        }
    }
    sinks.n = kept;
    sinks.chosen = sinks.chosen == sink ? NULL : sinks.chosen;
}

static bool has_hook(const InputSink *sink, size_t hook)
{
    void *p;

    memcpy(&p, (const u8 *)sink + hook, sizeof p);
    return p != NULL;
}

/* The user's choice or the newest whose hook at this offset is there. */
static const InputSink *taker(size_t hook)
{
    if (sinks.chosen && has_hook(sinks.chosen, hook)) {
        return sinks.chosen;
    }
    for (u32 i = sinks.n; i-- > 0;) {
        if (has_hook(sinks.at[i], hook)) {
            return sinks.at[i];
        }
    }
    return NULL;
}

#define TAKER(hook) taker(offsetof(InputSink, hook))

static const InputSink *pointer(void)
{
    const InputSink *k = TAKER(abs);

    return sinks.chosen ? sinks.chosen : k ? k : TAKER(rel);
}

const InputSink *input_mouse(u32 n)
{
    for (u32 i = 0; i < sinks.n; i++) {
        if (sinks.at[i]->mouse && n-- == 0) {
            return sinks.at[i];
        }
    }
    return NULL;
}

bool input_mouse_used(const InputSink *mouse)
{
    return mouse == pointer();
}

void input_mouse_choose(const InputSink *mouse)
{
    sinks.chosen = mouse;
}

static u32 gated(u32 v)
{
    return (u32)gate_value(GATE_INPUT, v);
}

void input_key(u32 code, bool down)
{
    const InputSink *k = TAKER(key);
    u32 v = gated(code << 1 | down);

    if (k) {
        k->key(k->opaque, v >> 1, v & 1);
    }
}

void input_rel(i32 dx, i32 dy)
{
    const InputSink *k = TAKER(rel);
    u32 x = gated((u32)dx), y = gated((u32)dy);

    if (k) {
        k->rel(k->opaque, (i32)x, (i32)y);
    }
}

void input_abs(u32 x, u32 y)
{
    const InputSink *k = TAKER(abs);

    x = gated(MIN(x, INPUT_ABS_MAX));
    y = gated(MIN(y, INPUT_ABS_MAX));
    if (k) {
        k->abs(k->opaque, x, y);
    }
}

void input_wheel(i32 dz)
{
    const InputSink *k = pointer();
    u32 z = gated((u32)dz);

    if (k && k->wheel) {
        k->wheel(k->opaque, (i32)z);
    }
}

void input_button(PointerButton b, bool down)
{
    const InputSink *k = pointer();
    u32 v = gated((u32)b << 1 | down);

    if (k && k->button) {
        k->button(k->opaque, (PointerButton)(v >> 1), v & 1);
    }
}

void input_sync(void)
{
    for (u32 i = 0; i < sinks.n; i++) {
        if (sinks.at[i]->sync) {
            sinks.at[i]->sync(sinks.at[i]->opaque);
        }
    }
}

bool input_wants_abs(void)
{
    return pointer() && pointer()->abs;
}
