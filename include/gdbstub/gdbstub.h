/* SPDX-License-Identifier: MIT */
/* The debugger's view: GDB's remote serial protocol. */
#pragma once
#include "softmmu/machine.h"

/*
 * Listens where dev says: "tcp::1234", "tcp:HOST:PORT", "unix:PATH",
 * "chardev:ID", or "stdio".  (-s is -gdb tcp::1234.)
 */
bool gdb_open(Machine *m, const char *dev, Err *err);
/*
 * A CPU stopped for the debugger, on the main thread with the lock; the
 * machine is paused.  False if no debugger is attached.
 */
bool gdb_stopped(Machine *m, Cpu *c);
/* The machine ends with this exit code: tells the debugger. */
void gdb_exit(int code);
