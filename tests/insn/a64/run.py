#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare the A64 front end with a trusted one.  usage: run.py COMPARE [...]

Builds oracle.c for AArch64 and runs COMPARE (compare.c's program) with it and
the further arguments. On an AArch64 host the oracle runs on the processor
itself, elsewhere under qemu-aarch64. Exits with 77 where neither can be had.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FLAGS = ["-O1", "-static", "-nostdlib", "-ffreestanding",
         "-fno-pie", "-fno-stack-protector", "-mgeneral-regs-only"]


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


def tools():
    """A compiler for AArch64 and what runs its programs."""
    if platform.machine() == "aarch64":
        return shutil.which("cc") or skip("no C compiler"), []
    cc = shutil.which("aarch64-linux-gnu-gcc")
    runner = shutil.which("qemu-aarch64") or shutil.which(
        "qemu-aarch64-static")
    if not cc:
        skip("no aarch64-linux-gnu-gcc")
    if not runner:
        skip("no qemu-aarch64")
    return cc, [runner, "-cpu", "max"]


def main():
    compare, *options = sys.argv[1:]
    cc, runner = tools()
    with tempfile.TemporaryDirectory() as folder:
        oracle = os.path.join(folder, "oracle")
        subprocess.run([cc, *FLAGS, "-o", oracle,
                        os.path.join(HERE, "oracle.c")], check=True)
        return subprocess.run([compare, *options, *runner, oracle]).returncode


if __name__ == "__main__":
    sys.exit(main())
