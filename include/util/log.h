/* SPDX-License-Identifier: MIT */
/*
 * The log: what `-d` selects, written to `-D` or standard error.
 *
 * One bit an item.  log_on() is the cheap test to put before work done only
 * for the log.  Thread-safe: a line is written whole.
 */
#pragma once
#include "util/err.h"

typedef enum LogItem {
    LOG_IN_ASM  = 1 << 0,       /* guest code of each translated block */
    LOG_IR      = 1 << 1,       /* its IR as translated */
    LOG_IR_OPT  = 1 << 2,       /* its IR after optimisation */
    LOG_OUT_ASM = 1 << 3,       /* the host code made of it */
    LOG_EXEC    = 1 << 4,       /* each block entered */
    LOG_INT     = 1 << 5,       /* interrupts and exceptions */
    LOG_MMU     = 1 << 6,       /* guest page walks and their faults */
    LOG_GUEST   = 1 << 7,       /* guest_errors: what a guest did wrong */
    LOG_UNIMP   = 1 << 8,       /* what a guest asked that is not modelled */
    LOG_CPU     = 1 << 9,       /* registers before each block, */
    LOG_FPU     = 1 << 10,      /*   floating-point and vector ones too */
    /* These ask that no block is left out: none may be linked. */
    LOG_BLOCKS  = LOG_EXEC | LOG_CPU,
} LogItem;

extern u32 log_items;           /* what is on; set by log_select() only */

static inline bool log_on(LogItem item) { return unlikely(log_items & item); }

/* Adds a comma-separated list such as "in_asm,int" to what is logged. */
bool log_select(const char *list, Err *err);
/* Sends the log to a file ("" or NULL: standard error). */
bool log_file(const char *path, Err *err);
/* Limits block items to guest addresses, as `-dfilter` spells ranges. */
bool log_filter(const char *ranges, Err *err);
bool log_wants(u64 pc);         /* does -dfilter let this address through? */
/* Writes to the log if `item` is on. */
void log_line(LogItem item, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The names and meanings of all items, one a line, for `-d help`. */
void log_help(void);
/* The log's stream for multi-line output, locked until log_unlock(). */
void *log_lock(void);
void log_unlock(void);
