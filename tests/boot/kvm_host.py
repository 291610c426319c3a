#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A ROM's exits under this machine's own KVM, and what goes wrong with it.

The ROM runs under the translator too, with the same words. Something between
anole and the kernel (tests/insn/x86/kvm/wrap.c) makes mistakes of the kernel's.
"""

import os
import subprocess

from guest import (TOP, check, done, emulator, needs, note, run, scratch, skip)
from rom import make

HERE = os.path.join(TOP, "tests", "insn", "x86", "kvm")
SAID = "ports\nstrings\nROM\nHLT\n"


def program(rom, *options):
    return [emulator(), "-M", "pc", "-m", "16", "-nodefaults", "-display",
            "none", "-serial", "stdio", "-monitor", "none", "-device",
            "isa-debug-exit,iobase=0xf4,iosize=1", "-bios", rom, *options]


def wrapped(wrap, what, command):
    """(status, output, errors) with a mistake of the kernel's."""
    env = dict(os.environ, LD_PRELOAD=wrap, WRAP=what,
               ASAN_OPTIONS="verify_asan_link_order=0")
    result = subprocess.run(command, env=env, stdin=subprocess.DEVNULL,
                            capture_output=True, timeout=60)
    return (result.returncode, result.stdout.decode(),
            result.stderr.decode())


def exits(rom, *options):
    status, output, errors = run(program(rom, *options), 60)
    if not check(status == 1 and output == SAID, " ".join(options)):
        note("%s %s%s" % (status, output, errors))


def main(folder):
    rom, wrap = (os.path.join(folder, n) for n in ("exits.rom", "wrap.so"))
    make(["gcc", "-m32", "-c", os.path.join(HERE, "exits.S"), "-o",
          rom + ".o"])
    make(["ld", "-m", "elf_i386", "-Ttext=0", "--oformat", "binary", "-e", "0",
          "-o", rom, rom + ".o"])
    make(["gcc", "-shared", "-fPIC", os.path.join(HERE, "wrap.c"), "-o", wrap])
    exits(rom, "-accel", "tcg")
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        skip("no /dev/kvm for us here")
    exits(rom, "-accel", "kvm")
    exits(rom, "-accel", "kvm,kernel-irqchip=off")
    exits(rom, "-accel", "kvm,kernel-irqchip=split")
    status, output, _ = wrapped(wrap, "eintr", program(rom, "-accel", "kvm"))
    check(status == 1 and output == SAID, "runs that signals end")
    for what, words in (("api", "version 11"), ("open", "join the group kvm"),
                        ("cap", "Linux 4.13"), ("entry", "0x80000021"),
                        ("exit", "not known, 0x3e7"),
                        ("internal", "internal error, 0x2"),
                        ("emulate", "cannot emulate, 0x1"),
                        ("vm", "no virtual machine: Cannot allocate"),
                        ("vcpu", "makes no vCPU 0"),
                        ("chip", "add kernel-irqchip=off"),
                        ("split", "add kernel-irqchip=off"),
                        ("memory", "takes no memory at 0"),
                        ("cpuid", "the CPUID of -cpu"),
                        ("regs", "KVM_SET_SREGS: Invalid argument"),
                        ("run", "KVM cannot go on: Bad address")):
        accel = "kvm,kernel-irqchip=" + ("split" if what == "split" else "on")
        status, _, errors = wrapped(wrap, what, program(rom, "-accel", accel))
        check(status == 1 and words in errors, what + ": " + words)
        if words not in errors:
            note("%s %s" % (status, errors[-800:]))


needs("gcc", "ld")
with scratch() as directory:
    main(directory)
done()
