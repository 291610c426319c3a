/* SPDX-License-Identifier: MIT */
/*
 * Keyboard layouts: which character a key stands for, for the side that has
 * characters (terminals) and the side that wants them (text consoles).
 */
#pragma once
#include "util/err.h"
#include "util/types.h"

enum { LEVEL_PLAIN, LEVEL_SHIFT, LEVEL_ALTGR, LEVELS };

/* -k NAME for the process; False with *err: there is none such. */
bool layout_select(const char *name, Err *err);
/* The Unicode character of a key at a level; 0: none. */
u32  layout_char(u32 code, u32 level);
/* A key and level that give this character; false: there is none. */
bool layout_key(u32 unicode, u32 *code, u32 *level);
