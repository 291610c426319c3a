/* SPDX-License-Identifier: MIT */
/*
 * Displays: the windows and terminals that show a machine's screens and take
 * the user's keys.  Each is a row of the set `displays`; it looks at screens
 * by ui/screen.h and hands input to screen_key() and ui/input.h.
 */
#pragma once
#include "ui/screen.h"
#include "util/keyval.h"
#include "util/set.h"

typedef struct Display Display;

/* A display in use, and what it is to know of the machine. */
typedef struct Ui {
    const Display *display;
    void       *state;                  /* the display's own */
    const char *name;                   /* of the guest; NULL: none */
    bool        full_screen;
    void       *machine;
    void      (*quit)(void *machine);
    bool      (*paused)(void *machine);
} Ui;

struct Display {
    const char *name, *about;
    bool terminal;                      /* it takes standard input and output */
    bool (*usable)(Err *err);           /* here and now; or why not */
    /* Shows the machine; options that are left in kv are unknown. */
    bool (*open)(Ui *ui, KeyVal *kv, Err *err);
    void (*close)(Ui *ui);
};

#define DISPLAY(x)                                                          \
    static const Display x##_display;                                       \
    SET_ADD(displays, Display, x##_display);                                \
    static const Display x##_display =

/* The one that "-display" text begins with, if it can be used. */
const Display *display_find(const char *text, Err *err);
/* Opens ui->display with the options in text ("sdl,gl=off"). */
bool display_open(Ui *ui, const char *text, Err *err);
void display_close(Ui *ui);             /* also if none is open */
/* Prints all of them. */
void display_help(void);
