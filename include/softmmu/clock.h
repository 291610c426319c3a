/* SPDX-License-Identifier: MIT */
/*
 * Time and timers.
 *
 * CLOCK_VIRTUAL_NS runs while the machine runs and is what guests see;
 * CLOCK_HOST_NS is the host's wall clock since 1970 (real-time clocks).
 * Both come through the determinism gate.  Timer callbacks run on the main
 * thread with the machine lock held.
 */
#pragma once
#include "util/types.h"

typedef enum ClockKind { CLOCK_VIRTUAL_NS, CLOCK_HOST_NS } ClockKind;

i64  clock_now(ClockKind kind);         /* nanoseconds; any thread */
void clock_pause(bool stopped);         /* the virtual clock; machine lock */
void clock_set(i64 ns);                 /* the stopped virtual clock's time */
/*
 * Takes the stopped virtual clock ns on, and fires each of its timers that
 * comes due on the way at its own time.  Machine lock; for tests of devices.
 */
void clock_step(i64 ns);

typedef struct Timer Timer;
Timer *timer_new(ClockKind kind, void (*fire)(void *opaque), void *opaque);
void   timer_free(Timer *t);            /* NULL is fine */
void   timer_set(Timer *t, i64 when);   /* any thread; absolute; replaces */
void   timer_stop(Timer *t);            /* any thread */
bool   timer_armed(const Timer *t);

/*
 * The determinism gate: every value from outside (time, input, random bytes)
 * enters guest-visible state through these, so that a run can be recorded
 * and given back.  Today they pass values through.
 */
typedef enum GateKind {
    GATE_CLOCK, GATE_CHARDEV, GATE_NET, GATE_BLOCK, GATE_RANDOM, GATE_INPUT,
} GateKind;
u64  gate_value(GateKind kind, u64 v);
void gate_bytes(GateKind kind, void *buf, size_t len);
/* len random bytes from the host, through the gate. */
void gate_random(void *buf, size_t len);
