#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who may include whom.  usage: layers.py TOP

A header under include/X/ is X's promise. Headers beside .c files are private
to their folder. RULES says whose promises a folder may use, besides its own;
main() and the tests may use all.
"""

import os
import re
import sys

from csource import files, read

HOST = ["block", "chardev", "net", "ui"]
TARGET = ["util", "tcg/ir.h", "tcg/helper.h", "tcg/fp.h", "tcg/fp_soft.h",
          "softmmu", "target/target.h"]
DEVICE = ["util", "softmmu", "hw/core", "hw/pci", *HOST]
ALL = ["*"]

# Folder, by its longest matching row: promises, or single headers.
RULES = {
    "util":           [],
    "tcg":            ["util"],
    "block":          ["util"],
    "chardev":        ["util", "softmmu/clock.h", "ui/vc.h"],
    "net":            ["util", "softmmu/clock.h"],
    "ui":             ["util", "softmmu/clock.h"],
    # TcgEnv begins a Cpu, a Machine lists devices and runs on an accelerator.
    "softmmu":        ["util", "tcg/tcg.h", "hw/core", "target/target.h",
                       "accel/accel.h"],
    "softmmu/options.c": ["util", "tcg/tcg.h", "softmmu", "hw/core",
                          "target/target.h", "accel/accel.h", "ui"],
    "softmmu/main.c": ALL,
    "softmmu/devices.c": ALL,
    "softmmu/drives.c": ALL,
    "softmmu/hotplug.c": ALL,
    "softmmu/machine.c": ALL,
    "target":         TARGET,
    "accel":          ["util", "tcg", "softmmu", "accel", "target/target.h"],
    "accel/kvm":      ["util", "tcg", "softmmu", "accel", "target/target.h",
                       "hw/core", "hw/intc"],   # the kernel has some of them
    "hw/core":        ["util", "softmmu", *HOST],  # properties name back ends
    "hw":             DEVICE,
    "hw/acpi":        [*DEVICE, "hw"],  # tables name what boards are made of
    "hw/isa":         [*DEVICE, "hw/acpi",      # bridges place the PM block
                       "hw/i2c",                # and the SMBus controller
                       "hw/misc/fw_cfg.h"],     # and offer SMI features
    "hw/ide":         [*DEVICE, "hw/scsi"],     # packets are SCSI's commands
    "hw/virtio":      [*DEVICE, "hw/scsi"],     # as are virtio-scsi's
    "hw/smbios":      [*DEVICE, "hw/misc/fw_cfg.h"],
    "hw/block":       [*DEVICE, "hw/dma"],      # floppies use ISA's DMA
    "hw/misc":        [*DEVICE, "hw/timer"],    # port 61 gates the timer
    "hw/watchdog":    [*DEVICE, "hw/acpi"],     # TCO is in the PM block
    "hw/board":       [*DEVICE, "hw", "target/target.h"],
    "migration":      ["util", "softmmu", "hw/core", "target/target.h",
                       "accel/accel.h", "block"],
    "monitor":        ALL,
    "gdbstub":        ALL,
    "tests":          ALL,
}
# A header that is private to its folder, but for who is made of the same.
ALSO = {"target/i386/cpu.h": ["accel/kvm"],     # its registers are a CPU's
        "target/arm/cpu.h": ["accel/kvm"]}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.M)


def within(path, prefix):
    return path == prefix or path.startswith(prefix + "/")


def owner(path):
    """The folder of a file, counting include/X/ as X."""
    path = path[len("include/"):] if within(path, "include") else path
    return os.path.dirname(path)


def rule_of(path):
    """The row of RULES for a file; None if no row is."""
    bare = path[len("include/"):] if within(path, "include") else path
    rows = [row for row in RULES if within(bare, row)]
    return max(rows, key=len) if rows else None


def complaint(top, path, header):
    """What is wrong with `path` including `header`, or None."""
    here, row = owner(path), rule_of(path)
    if row is None:
        return "no row of RULES for this folder"
    beside = os.path.join(os.path.dirname(path), header)
    if "/" not in header:
        if os.path.exists(os.path.join(top, beside)) or row == "tests":
            return None
        if re.match(r"\w+\.(forms|decode)\.h$", header):
            return None                 # made by scripts/decodegen.py
        return "there is no such header beside it"
    if not os.path.exists(os.path.join(top, "include", header)):
        if not os.path.exists(os.path.join(top, header)):
            return "there is no such header"
        if (row == "tests" or within(here, owner(header)) or
                here in ALSO.get(header, [])):
            return None
        return "private to %s/" % os.path.dirname(header)
    if RULES[row] == ALL or within(header, here):
        return None
    if any(within(header, promise) for promise in RULES[row]):
        return None
    return "%s may use only: %s" % (row, " ".join(RULES[row]) or "itself")


def main():
    top, wrong = sys.argv[1], 0
    for path in files(top, ".c", ".h"):
        text = read(top, path)
        for m in INCLUDE.finditer(text):
            why = complaint(top, path, m[1])
            if why:
                wrong += 1
                line = text.count("\n", 0, m.start()) + 1
                print('%s:%d: "%s": %s' % (path, line, m[1], why))
    print("%d includes across layers" % wrong)
    return 1 if wrong else 0


sys.exit(main())
