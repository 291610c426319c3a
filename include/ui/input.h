/* SPDX-License-Identifier: MIT */
/*
 * Keyboard and pointer input: from the user's side (windows, VNC, the
 * monitor) to the guest's input devices.
 *
 * Everything runs with the machine lock held.  Values pass the determinism
 * gate.  Keys are Linux's event codes (KEY_A is 30), which QMP's key names
 * (QKeyCode) stand for.
 */
#pragma once
#include "util/types.h"

/* One key: QMP's name and what keyboards send; 0xe0xx is 0xe0, then xx. */
typedef struct Key {
    const char *name;
    u16 code;                   /* Linux's event code */
    u16 set1, set2;             /* PS/2 make codes; KEY_PAUSE's are special */
    u8  set3;                   /* 0: none */
    u8  usage;                  /* of USB's keyboard page (7); 0: none */
} Key;

enum { KEY_CTRL = 29, KEY_SHIFT = 42, KEY_SHIFT_R = 54, KEY_ALT = 56,
       KEY_CAPS_LOCK = 58, KEY_CTRL_R = 97, KEY_PRINT = 99, KEY_ALT_R = 100,
       KEY_PAUSE = 119 };

/* The rows of a key; NULL: there is none such. */
const Key *key_by_name(const char *name);
const Key *key_by_code(u32 code);
const Key *key_by_usage(u32 usage);
/* All rows, in no order; the last has a NULL name. */
const Key *key_table(void);

typedef enum PointerButton {
    BUTTON_LEFT, BUTTON_RIGHT, BUTTON_MIDDLE, BUTTON_SIDE, BUTTON_EXTRA,
} PointerButton;

enum { INPUT_ABS_MAX = 0x7fff };

/* A guest's device.  Hooks it has no use for are NULL. */
typedef struct InputSink {
    const char *mouse;          /* its name as a pointer; NULL: it is none */
    void *opaque;
    void (*key)(void *opaque, u32 code, bool down);
    void (*rel)(void *opaque, i32 dx, i32 dy);      /* right, down */
    void (*abs)(void *opaque, u32 x, u32 y);        /* 0 to INPUT_ABS_MAX */
    void (*wheel)(void *opaque, i32 dz);            /* up is positive */
    void (*button)(void *opaque, PointerButton b, bool down);
    void (*sync)(void *opaque);     /* what came belongs together */
} InputSink;

/*
 * Of sinks that take an event the last one added gets it.  Buttons and wheel
 * go with absolute positions if a sink takes those.  The struct is kept.
 */
void input_add(const InputSink *sink);
void input_remove(const InputSink *sink);
/* The nth sink that is a pointer, in order of adding; NULL: none. */
const InputSink *input_mouse(u32 n);
bool input_mouse_used(const InputSink *mouse);
/* From now on this one gets what it can take. */
void input_mouse_choose(const InputSink *mouse);

/* Down again without up between is the user's auto-repeat. */
void input_key(u32 code, bool down);
void input_rel(i32 dx, i32 dy);
void input_abs(u32 x, u32 y);
void input_wheel(i32 dz);
void input_button(PointerButton b, bool down);
/* Ends a group of pointer events, which are delivered by then. */
void input_sync(void);
/* Does the guest take absolute positions? */
bool input_wants_abs(void);
