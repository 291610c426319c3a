#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Modes, segments, gates, tasks, paging of an x86 CPU, without a system.

Makes the ROM of tests/insn/x86/modes with the host's compiler and runs it on
several CPU models. EMULATOR=qemu-system-x86_64 runs it there: what QEMU's
translator is known to do otherwise is marked or left out.
"""

import os

from guest import check, done, needs, scratch
from rom import BITS32, BITS64, HERE, link, rom, test_rom

PROGRAM32 = ["main", "segments", "transfers", "interrupts", "tasks", "vm86",
             "debug", "paging", "code", "system", "real", "smm", "long"]
PROGRAM64 = ["long64", "report"]
MODELS = ["max", "Haswell", "qemu32", "pentium"]


def image_of(folder):
    """Builds the ROM; its path."""
    parts = [[os.path.join(HERE, p + ".c") for p in program]
             for program in (PROGRAM32, PROGRAM64)]
    return rom(folder, link(folder, "short", parts[0], BITS32),
               link(folder, "long", parts[1], BITS64))


def in_flash(path, folder):
    """The ROM in flash, more flash below it, both for SMM alone to write."""
    data = os.path.join(folder, "data.fd")
    with open(data, "wb") as f:
        f.write(b"FLSH".ljust(0x10000, b"\xff"))
    flash = "if=pflash,unit=%d,format=raw,file=%s"
    secure = "driver=cfi.pflash01,property=secure,value=on"
    output = test_rom("q35,smm=on", "max", "-global", secure,
                      "-drive", flash % (0, path) + ",readonly=on",
                      "-drive", flash % (1, data))
    check("but from SMM" in output, "where flash was tested")
    with open(data, "rb") as f:
        check(f.read()[0x1000] == 0x5a, "and its image written to")


needs("gcc", "ld", "objcopy")
with scratch() as directory:
    image = image_of(directory)
    for name in MODELS:
        test_rom("isapc", name, "-bios", image)
    test_rom("pc", "qemu32", "-bios", image)
    in_flash(image, directory)
done()
