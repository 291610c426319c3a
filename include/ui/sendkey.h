/* SPDX-License-Identifier: MIT */
/* Typing for the user: the monitors' sendkey.  With the machine lock. */
#pragma once
#include "util/err.h"
#include "util/types.h"

typedef struct KeyQueue KeyQueue;

KeyQueue *key_queue_new(void);
void      key_queue_free(KeyQueue *q);  /* NULL is fine */
/*
 * Presses the keys of "ctrl-alt-f1" (QMP's names, or codes such as 0x1e of
 * the PC keyboard's set 1) together, holds them `hold` milliseconds of the
 * guest's time (0: 100), and lets go in the reverse order, after what was
 * queued before.  False with *err: there is no such key.
 */
bool      key_queue_send(KeyQueue *q, const char *keys, u32 hold, Err *err);
