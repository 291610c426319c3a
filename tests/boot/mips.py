#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""User programs on MIPS, under the little supervisor of tests/guests/mips.

The workloads, built for both byte orders and sizes, give the checksums that
they give on this machine; and gdb attaches without a file.
"""

import os
import re
import shutil
import subprocess
import tempfile

from guest import (TOP, Guest, cached, check, done, emulator, free_port,
                   is_anole, note, run, skip)

GUESTS = os.path.join(TOP, "tests", "guests")
RESULT = r"RESULT (\S+) seconds=\S+ check=(\w+)\n"
# name: compiler, CPU, flags of both, of the supervisor, of programs
KINDS = {
    "mipsel": ("mipsel-linux-gnu", "24Kf", "-mips32r2", "", ""),
    "mipsel16": ("mipsel-linux-gnu", "24Kf", "-mips32r2", "", "-mips16"),
    "mips": ("mips-linux-gnu", "74Kf", "-mips32r2", "", ""),
    "mips16": ("mips-linux-gnu", "34Kf", "-mips32r2", "", "-mips16"),
    "mips64el": ("mips64el-linux-gnuabi64", "MIPS64R2-generic", "-mips64r2",
                 "-mabi=64 -msym32", ""),
    "mips64": ("mips64-linux-gnuabi64", "5KEf", "-mips64r2",
               "-mabi=64 -msym32", ""),
}
PROGRAMS = {"int": 2, "fp": 5, "simd": 2, "mem": 1, "branch": 2, "selfmod": 2}


def program_of(kind):
    """The emulator for a kind of MIPS."""
    folder, name = os.path.split(emulator())
    kind = kind.removesuffix("16")
    if not is_anole():
        return "qemu-system-" + kind
    return os.path.join(folder, name + "-system-" + kind)


def compile_for(kind, flags, out, *sources):
    subprocess.run([KINDS[kind][0] + "-gcc", "-static", KINDS[kind][2],
                    *KINDS[kind][4].split(), *flags, "-o", out, *sources, "-lm", "-lpthread"],
                   check=True)


def build(folder, kind, name):
    """A workload with the supervisor around it."""
    user, out = os.path.join(folder, name), os.path.join(folder, name + ".elf")
    compile_for(kind, ["-O2", "-s"], user,
                os.path.join(GUESTS, "workloads", name + ".c"))
    own = os.path.join(GUESTS, "mips")
    subprocess.run(
        [KINDS[kind][0] + "-gcc", KINDS[kind][2], *KINDS[kind][3].split(),
         '-DPROGRAM="%s"' % user, '-DARGUMENT="%d"' % PROGRAMS[name],
         "-msoft-float", "-mno-abicalls", "-fno-pic", "-G0", "-O1",
         "-ffreestanding", "-nostdlib", "-static", "-Wl,--build-id=none",
         "-Wl,-T," + os.path.join(own, "supervisor.ld"), "-o", out,
         os.path.join(own, "entry.S"), os.path.join(own, "supervisor.c")],
        check=True)
    return out


def command(kind, elf, *extra):
    return [program_of(kind), "-M", "mipssim", "-cpu", KINDS[kind][1],
            "-kernel", elf, "-nographic", *extra]


def native(name):
    status, output, _ = run([cached("workloads", "native", name),
                             str(PROGRAMS[name])], 300)
    match = re.search(RESULT, output)
    return match[2] if status == 0 and match else None


def compute(folder, kind, name):
    what = "%s on %s" % (name, kind)
    with Guest(command(kind, build(folder, kind, name)), timeout=120) as g:
        found = g.expect(RESULT)
        if not check(found and found[2] == native(name), what):
            note(g.output[-500:])
        check(g.expect(r"EXIT 0{16}\n"), what + " ends well")


def debug(folder, kind, order):
    """gdb knows the registers by what the stub says."""
    port = free_port()
    elf = os.path.join(folder, "int.elf")
    with Guest(command(kind, elf, "-S", "-gdb", "tcp:127.0.0.1:%d" % port)):
        _, output, errors = run(
            ["gdb-multiarch", "-nx", "-batch", "-ex", "set endian " + order,
             "-ex", "target remote 127.0.0.1:%d" % port,
             "-ex", "stepi", "-ex", "stepi", "-ex", "info registers pc",
             "-ex", "hbreak *$pc + 8", "-ex", "print $f0",
             "-ex", "detach"], 60)
        said = output + errors
        if not check(re.search(r"^pc: 0x(f{8})?8010000[48c]$", said, re.M)
                     and re.search(r"^\$1 = ", said, re.M),
                     "gdb on " + kind):
            note(said[-1000:])


def main():
    for kind, row in KINDS.items():
        if not shutil.which(row[0] + "-gcc"):
            skip("no %s-gcc" % row[0])
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            for name in PROGRAMS:
                compute(folder, kind, name)
            if is_anole() and shutil.which("gdb-multiarch"):
                debug(folder, kind, "little" if "el" in kind else "big")
    done()


main()
