/* SPDX-License-Identifier: MIT */
/* JSON as an option's value. */
#pragma once
#include "util/err.h"

/*
 * An object such as {"driver":"x","file":{"a":1}} as the key=value text that
 * means the same: "driver=x,file.a=1"; elements of arrays are "key.0", and so
 * on.  To be freed with g_free(); NULL with *err if it is not well formed.
 */
char *json_to_options(const char *text, Err *err);
