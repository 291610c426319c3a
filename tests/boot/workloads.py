#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The workloads give the checksums that they give on this machine."""

import re

from guest import (DONE, READY, Guest, cached, check, done, is_anole, note,
                   run, skip)

RESULT = r"RESULT (\S+) seconds=\S+ check=(\w+)\n"
ALL = "int fp simd mem branch sys smp selfmod"
ONE_CPU = "mipsel", "mips64el"
NO_SYSTEM = "int fp simd branch selfmod"


# What a program of one architecture only computes is another's too.
SAME = {"fp-x87": "fp-x87", "simd-avx2": "simd"}


def native(arch, name, percent, threads):
    folder = arch if name == "fp-x87" else "native"
    status, output, _ = run([cached("workloads", folder, SAME.get(name, name)),
                             str(percent), str(threads)], 300)
    match = re.search(RESULT, output)
    return match[2] if status == 0 and match else None


def compare(names, percent, threads, extra, timeout, arch="arm64"):
    """Runs workloads in a guest and here."""
    what = "%s, %d percent, %s: " % (arch, percent, " ".join(extra))
    command = ("for w in %s; do $w %d %d || echo FAILED $w; done"
               % (names, percent, threads))
    with Guest(initrd="workloads.gz", timeout=timeout, extra=extra, arch=arch,
               append='quiet guest.run="%s"' % command) as g:
        check(g.expect(READY), what + "the guest boots")
        for name in names.split():
            found = g.expect(RESULT + "|^FAILED")
            wanted = native(arch, name, percent, threads)
            if not check(found and found[1] == name.split("-")[0]
                         and found[2] == wanted,
                         what + name):
                note("%s, not %s" % (found and found[0].strip(), wanted))
            if not found:
                return
        check(g.expect(DONE) and "FAILED" not in g.output and g.wait() == 0,
              what + "and it ends well")


def main():
    compare(ALL, 10, 1, ["-smp", "1"], 240)
    compare(ALL, 10, 4, ["-smp", "4"], 240)
    if is_anole():
        # Code memory is reused all the time.
        compare("branch sys selfmod smp", 3, 4,
                ["-smp", "4", "-accel", "tcg,tb-size=4"], 240)
        compare(NO_SYSTEM, 1, 1, ["-accel", "tcg,backend=interp"], 600)
        # Nearly all code becomes traces, and counts what it runs.
        for arch in "arm64", "amd64", "i386", "mipsel", "mips64el":
            cpus = "1" if arch in ONE_CPU else "2"
            compare("int branch selfmod smp", 1, 2, [
                "-smp", cpus, "-accel", "tcg,hot=2,count=on"], 240, arch)
    compare(ALL + " simd-avx2", 10, 1, ["-smp", "1"], 240, "amd64")
    compare(ALL, 10, 4, ["-smp", "4"], 240, "amd64")
    compare(ALL + " fp-x87", 10, 1, ["-smp", "1"], 240, "i386")
    if is_anole():
        compare("branch sys selfmod smp", 3, 2,
                ["-smp", "2", "-accel", "tcg,tb-size=4"], 240, "i386")
    for arch in ONE_CPU:
        compare(ALL, 4, 2, ["-smp", "1"], 240, arch)
    done()


try:
    open(cached("workloads", "native", "int"), "rb").close()
except OSError as e:
    skip("%s; scripts/fetch.sh workloads makes it" % e)
main()
