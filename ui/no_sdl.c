/* SPDX-License-Identifier: MIT */
/* In place of sdl.c where SDL2 was not found. */
#include "ui/display.h"

static bool usable(Err *err)
{
    return fail(err, "this anole was built without SDL2; with libsdl2-dev "
                "installed, run ./configure and ninja again");
}

DISPLAY(sdl) {
    .name = "sdl", .about = "a window", .usable = usable,
};
