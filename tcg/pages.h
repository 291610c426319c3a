/* SPDX-License-Identifier: MIT */
/*
 * Accesses that are likely to be in one page.
 *
 * A back end may keep the TLB entry that such a group used last, and compare
 * with that first.  An entry stays right until C has had a chance to flush:
 * a group ends at calls, and a device's write in such code must be done alone.
 * Blocks that count their entries, as all begin, have none.
 */
#pragma once
#include "tcg/ir.h"

enum { PAGE_GROUPS = 32 };

typedef struct Pages {
    u32  n;                     /* groups, from 1 on */
    u8   group[IR_MAX];         /* of an access, or 0 */
    bool first[IR_MAX];         /* nothing is kept for its group yet */
    bool in_loop[PAGE_GROUPS + 1];      /* its first access is in the loop */
} Pages;

void ir_pages(const Ir *b, Pages *p);
