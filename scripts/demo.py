#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boot Linux to a shell in this terminal.  usage: demo.py PROGRAM

First it measures how long PROGRAM takes from its start to the guest's shell,
beside qemu-system-aarch64 if that is installed.
"""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "tests", "boot"))
from guest import Guest, READY, cached, linux  # noqa: E402

QEMU = "qemu-system-aarch64"
LEAVE = """
A Debian kernel for AArch64 now boots into a BusyBox shell.
To leave, switch it off with `exit`, or press Ctrl-A, then x.
"""


def seconds_to_shell(program):
    """How long a boot takes; None if there is no shell within a minute."""
    with Guest(linux(program, append="quiet")) as guest:
        return guest.seconds() if guest.expect(READY, 60) else None


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    program = os.path.abspath(sys.argv[1])
    for path in (program, cached("arm64", "kernel")):
        if not os.path.exists(path):
            sys.exit("demo: there is no %s: run make demo" % path)
    print("From start to shell:", flush=True)
    for name, path in (("anole", program), ("QEMU", shutil.which(QEMU))):
        if not path:
            print("  %-6s not installed (%s)" % (name, QEMU))
            continue
        seconds = seconds_to_shell(path)
        print("  %-6s %s" % (name, "did not get there" if seconds is None
                             else "%.2f s" % seconds), flush=True)
    if not sys.stdin.isatty():
        print("demo: standard input is no terminal, so no shell is started")
        return
    print(LEAVE, flush=True)
    command = linux(program)
    os.execv(command[0], command)


main()
