/* SPDX-License-Identifier: MIT */
/*
 * The machine's drives as users name them: -drive with its short forms,
 * -blockdev, and what boards have unasked.  Machine lock held.
 */
#pragma once
#include "softmmu/machine.h"

/* All that the command line says. */
bool drives_open(Machine *m, Err *err);
/*
 * One more -drive.  Without id= it is named for its place, as QEMU's users
 * expect: "ide1-cd0", "floppy0", "scsi0-hd1", "virtio0".
 */
bool drives_add(Machine *m, const char *text, Err *err);
/*
 * One more node of -blockdev; a node on top of a file's node takes its place
 * until it is deleted.
 */
bool drives_add_node(Machine *m, const char *text, Err *err);
bool drives_delete_node(Machine *m, const char *name, Err *err);
