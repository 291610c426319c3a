/* SPDX-License-Identifier: MIT */
/* Private to tcg/: the words of the IR's text form, to write and to read. */
#pragma once
#include "tcg/ir.h"

/* By Type. */
extern const char *const ir_type_names[V128T + 1];

/* The words of a MemOp beside its size. */
enum { IR_MEM_WORDS = 9 };
typedef struct IrMemWord { u32 bit; const char *name; } IrMemWord;
extern const IrMemWord ir_mem_words[IR_MEM_WORDS];

/* The names of what an operation's sub may be; NULL if it is a number. */
const char *const *ir_sub_names(u16 op, u32 *n);
