#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random accesses to every device of the machine do not bring it down."""

import os

from guest import Guest, bare, check, done, note, scratch

SAN = "ERROR: AddressSanitizer", "runtime error:", "Assertion"


def devices(image):
    return ["-drive", "file=%s,if=none,id=d0,format=raw" % image,
            "-device", "virtio-blk-device,drive=d0",
            "-netdev", "user,id=n0", "-device", "virtio-net-device,netdev=n0",
            "-device", "virtio-rng-device", "-device", "virtio-serial-device",
            "-chardev", "null,id=c0", "-device", "virtconsole,chardev=c0"]


def fuzz(extra, what):
    with Guest(bare("fuzz", "-m", "128", *extra), timeout=240) as g:
        check(g.expect(r"^fuzz: begin\n"), what + ": begins")
        good = g.expect(r"^fuzz: all done, aborts (\w+), syndrome 0{16}\n")
        check(good, what + ": all accesses done")
        if good:
            note("%d aborts" % int(good[1], 16))
        check(g.expect(r"^fuzz: end\n") and g.wait() == 0,
              what + ": the machine is switched off")
        check(not any(text in g.output for text in SAN),
              what + ": the emulator has nothing to complain about itself")


with scratch() as folder:
    disk = os.path.join(folder, "disk.img")
    with open(disk, "wb") as f:
        f.truncate(4 << 20)
    fuzz(["-net", "none"], "no devices of virtio")
    fuzz(devices(disk), "all devices")
    fuzz(["-smp", "4", "-cpu", "max", *devices(disk)], "four CPUs")
done()
