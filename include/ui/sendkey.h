/* SPDX-License-Identifier: MIT */
/*
 * Typing at the pace of a keyboard: monitors' sendkey, terminals.  With the
 * machine lock.
 */
#pragma once
#include "util/err.h"
#include "util/types.h"

typedef struct KeyQueue KeyQueue;

KeyQueue *key_queue_new(void);
void      key_queue_free(KeyQueue *q);  /* NULL is fine */

enum { KEYS_TOGETHER = 16 };

/*
 * Presses n keys (Linux's codes) together after what was queued before, holds
 * them `hold` milliseconds of the guest's time and lets go in the reverse
 * order.  False: too many.
 */
bool      key_queue_press(KeyQueue *q, const u32 *code, u32 n, u32 hold);
/*
 * Presses the keys of "ctrl-alt-f1" (QMP's names, or codes such as 0x1e of
 * the PC keyboard's set 1) so (0: for 100 ms).  False with *err: there is no
 * such key.
 */
bool      key_queue_send(KeyQueue *q, const char *keys, u32 hold, Err *err);
