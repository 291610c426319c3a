# SPDX-License-Identifier: MIT
"""ROMs for PCs without an operating system, built with the host's compiler."""

import os
import re
import subprocess

from guest import TOP, check, emulator, note, run, skip

HERE = os.path.join(TOP, "tests", "insn", "x86", "modes")
FLAGS = ["-ffreestanding", "-fno-pic", "-fno-pie", "-fno-stack-protector",
         "-fno-asynchronous-unwind-tables", "-fno-omit-frame-pointer", "-Os",
         "-mgeneral-regs-only", "-std=gnu11", "-fcf-protection=none", "-I", TOP]
BITS32 = (["-m32", "-march=i586"], "elf_i386", "0x100000")
BITS64 = (["-m64", "-mno-red-zone"], "elf_x86_64", "0x200000")


def make(command):
    """A step of the build; the test is skipped if the tools cannot do it."""
    try:
        subprocess.run(command, check=True, capture_output=True)
    except subprocess.CalledProcessError as e:
        skip("%s: %s" % (command[0], e.stderr.decode()[-500:]))


def link(folder, name, sources, bits):
    """Builds a flat program; its path."""
    flags, emulation, start = bits
    objects = []
    for source in sources:
        part = os.path.splitext(os.path.basename(source))[0]
        objects.append(os.path.join(folder, part + ".o"))
        make(["gcc", *flags, *FLAGS, "-c", source, "-o", objects[-1]])
    elf, flat = (os.path.join(folder, name + "." + e) for e in ("elf", "bin"))
    make(["ld", "-m", emulation, "-nostdlib", "--defsym", "START=" + start,
          "-T", os.path.join(HERE, "modes.ld"), "-o", elf, *objects])
    make(["objcopy", "-O", "binary", elf, flat])
    return flat


def rom(folder, short, long=None):
    """Builds a ROM of 32-bit code, which is started, and 64-bit code."""
    if not long:
        long = os.path.join(folder, "empty")
        with open(long, "wb"):
            pass
    boot, path = (os.path.join(folder, n) for n in ("boot.o", "pc.rom"))
    make(["gcc", "-m32", "-c", '-DPAYLOAD="%s"' % short,
          '-DPAYLOAD64="%s"' % long, os.path.join(HERE, "boot.S"),
          "-o", boot])
    make(["objcopy", "-O", "binary", "-j", ".text", boot, path])
    return path


def test_rom(machine, model, *options):
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
