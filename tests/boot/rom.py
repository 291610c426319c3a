# SPDX-License-Identifier: MIT
"""ROMs for PCs without an operating system, built with the host's compiler."""

import os
import subprocess

from guest import TOP, skip

HERE = os.path.join(TOP, "tests", "insn", "x86", "modes")
FLAGS = ["-ffreestanding", "-fno-pic", "-fno-pie", "-fno-stack-protector",
         "-fno-asynchronous-unwind-tables", "-fno-omit-frame-pointer", "-Os",
         "-mgeneral-regs-only", "-std=gnu11", "-fcf-protection=none"]
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
