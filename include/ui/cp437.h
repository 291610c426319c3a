/* SPDX-License-Identifier: MIT */
/* The PC's character set, code page 437, and a font for it. */
#pragma once
#include "util/types.h"

enum { CP437_WIDTH = 8, CP437_HEIGHT = 13 };

u32       cp437_unicode(u8 ch);         /* 0 is a space */
u8        cp437_from(u32 unicode);      /* '?' for what it has not */
/* CP437_HEIGHT rows, bit 7 is the leftmost pixel. */
const u8 *cp437_glyph(u8 ch);
