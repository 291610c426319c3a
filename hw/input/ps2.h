/* SPDX-License-Identifier: MIT */
/*
 * A PS/2 keyboard and mouse, as parts of the controller that has the ports;
 * their structs are plain state, all of it saved.
 */
#pragma once
#include "ui/input.h"

enum { PS2_QUEUE = 64, PS2_REPLIES = 16 };

/* Bytes on their way to the host: replies overtake the rest. */
typedef struct Ps2Out {
    u8  queue[PS2_QUEUE], reply[PS2_REPLIES];
    u32 head, fill, reply_head, reply_fill;
    u8  last;                   /* for the resend command */
} Ps2Out;

typedef struct Ps2Keyboard {
    Ps2Out out;
    u8 expect;                  /* the command whose argument is next, or 0 */
    u8 set;                     /* scan code set, 1 to 3 */
    u8 leds, rate, scanning;
    u8 held;                    /* modifiers that are down */
} Ps2Keyboard;

typedef struct Ps2Mouse {
    Ps2Out out;
    u8  expect;
    u8  id;                     /* 0, 3 with a wheel, 4 with five buttons */
    u8  rate, rates[2];         /* now, and the two set before */
    u8  resolution, twice, remote, wrap, reporting;
    u8  buttons, told;          /* now, and in the last packet */
    i32 dx, dy, dz;             /* since the last packet: right, up, towards */
} Ps2Mouse;

#define PS2_OUT_FIELDS                                                      \
    SAVE(Ps2Out, queue), SAVE(Ps2Out, reply), SAVE(Ps2Out, head),           \
    SAVE(Ps2Out, fill), SAVE(Ps2Out, reply_head),                           \
    SAVE(Ps2Out, reply_fill), SAVE(Ps2Out, last)
#define PS2_KEYBOARD_FIELDS                                                 \
    SAVE_STRUCT(Ps2Keyboard, out, Ps2Out, PS2_OUT_FIELDS),                  \
    SAVE(Ps2Keyboard, expect), SAVE(Ps2Keyboard, set),                      \
    SAVE(Ps2Keyboard, leds), SAVE(Ps2Keyboard, rate),                       \
    SAVE(Ps2Keyboard, scanning), SAVE(Ps2Keyboard, held)
#define PS2_MOUSE_FIELDS                                                    \
    SAVE_STRUCT(Ps2Mouse, out, Ps2Out, PS2_OUT_FIELDS),                     \
    SAVE(Ps2Mouse, expect), SAVE(Ps2Mouse, id), SAVE(Ps2Mouse, rate),       \
    SAVE(Ps2Mouse, rates), SAVE(Ps2Mouse, resolution),                      \
    SAVE(Ps2Mouse, twice), SAVE(Ps2Mouse, remote), SAVE(Ps2Mouse, wrap),    \
    SAVE(Ps2Mouse, reporting), SAVE(Ps2Mouse, buttons),                     \
    SAVE(Ps2Mouse, told), SAVE(Ps2Mouse, dx), SAVE(Ps2Mouse, dy),           \
    SAVE(Ps2Mouse, dz)

/* Is there a byte for the host, and the next one (0 if not). */
bool ps2_ready(const Ps2Out *o);
u8   ps2_take(Ps2Out *o);

void ps2_keyboard_reset(Ps2Keyboard *k);
void ps2_keyboard_command(Ps2Keyboard *k, u8 v);
void ps2_keyboard_key(Ps2Keyboard *k, u32 code, bool down);
bool ps2_keyboard_good(const Ps2Keyboard *k);   /* as loaded */

void ps2_mouse_reset(Ps2Mouse *m);
void ps2_mouse_command(Ps2Mouse *m, u8 v);
void ps2_mouse_move(Ps2Mouse *m, i32 dx, i32 dy, i32 dz);  /* right, down, up */
void ps2_mouse_button(Ps2Mouse *m, PointerButton b, bool down);
/* Makes a packet of what happened if one can be sent now. */
void ps2_mouse_report(Ps2Mouse *m);
bool ps2_mouse_good(const Ps2Mouse *m);
