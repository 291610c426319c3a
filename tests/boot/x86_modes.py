#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Modes, segments, gates, tasks, paging of an x86 CPU, without a system.

Makes the ROM of tests/insn/x86/modes with the host's compiler and runs it on
several CPU models. EMULATOR=qemu-system-x86_64 runs it there: what QEMU's
translator is known to do otherwise is marked or left out.
"""

import os
import re

from guest import check, done, emulator, needs, note, run, scratch
from rom import BITS32, BITS64, HERE, link, rom

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


def test(machine, model, *options):
    """One run: each line of its TAP that fails is noted."""
    command = [emulator(), "-M", machine, "-cpu", model, "-m", "64",
               "-nodefaults", "-display", "none", "-serial", "stdio",
               "-monitor", "none", "-no-reboot", "-device",
               "isa-debug-exit,iobase=0xf4,iosize=1", *options]
    status, output, errors = run(command, 60)
    lines = output.replace("\r", "").split("\n")
    count = sum(line.startswith("ok ") for line in lines)
    for line, more in zip(lines, lines[1:]):
        if (re.match("not ok|Bail", line) and "# deviates" not in line):
            note("%s\n%s" % (line, more if more.startswith("#") else ""))
    note(errors)
    check(status == 1 and re.search(r"^1\.\.\d+$", output, re.M),
          "%s, CPU %s: %d results, all good" % (machine, model, count))
    return output


def in_flash(path, folder):
    """The ROM in flash, more flash below it, both for SMM alone to write."""
    data = os.path.join(folder, "data.fd")
    with open(data, "wb") as f:
        f.write(b"FLSH".ljust(0x10000, b"\xff"))
    flash = "if=pflash,unit=%d,format=raw,file=%s"
    output = test("q35,smm=on", "max",
                  "-global", "driver=cfi.pflash01,property=secure,value=on",
                  "-drive", flash % (0, path) + ",readonly=on",
                  "-drive", flash % (1, data))
    check("but from SMM" in output, "where flash was tested")
    with open(data, "rb") as f:
        check(f.read()[0x1000] == 0x5a, "and its image written to")


needs("gcc", "ld", "objcopy")
with scratch() as directory:
    image = image_of(directory)
    for name in MODELS:
        test("isapc", name, "-bios", image)
    test("pc", "qemu32", "-bios", image)
    in_flash(image, directory)
done()
