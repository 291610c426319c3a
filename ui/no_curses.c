/* SPDX-License-Identifier: MIT */
/* In place of curses.c where ncurses was not found. */
#include "ui/display.h"

static bool usable(Err *err)
{
    return fail(err, "this anole was built without ncurses; with "
                "libncurses-dev installed, run ./configure and ninja again");
}

DISPLAY(curses) {
    .name = "curses", .about = "text screens in this terminal",
    .terminal = true, .usable = usable,
};
