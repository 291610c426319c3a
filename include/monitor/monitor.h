/* SPDX-License-Identifier: MIT */
/*
 * The monitors: a command line that looks into a running machine (HMP), and
 * the same for programs (QMP).  Main thread, machine lock held.
 */
#pragma once
#include <stdio.h>
#include "chardev/chardev.h"
#include "softmmu/machine.h"

/* Runs a monitor on c, which it shares if c is multiplexed. */
bool monitor_open(Machine *m, Chardev *c, Err *err);
/* Runs QMP on c; pretty: answers are indented. */
bool qmp_open(Machine *m, Chardev *c, bool pretty, Err *err);
/*
 * Runs one command line and writes what it says to f: for gdb's `monitor`
 * and QMP's human-monitor-command.
 */
void monitor_command(Machine *m, const char *line, FILE *f);
/* The same with CPU n chosen. */
void monitor_command_on(Machine *m, u32 n, const char *line, FILE *f);
