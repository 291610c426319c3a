#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PCs: Linux without firmware on every board, SeaBIOS with its screen."""

import os
import tempfile
import time

from guest import CACHE, DONE, READY, Guest, check, done, emulator, linux, note

FIRMWARE = os.path.join(CACHE, "firmware")


def linux_boots(arch, machine, *extra):
    what = "%s on %s: " % (arch, " ".join([*machine, *extra]))
    run = "nproc; cat /proc/interrupts | grep -c IO-APIC"
    with Guest(arch=arch, machine=[*machine, "-m", "512"], extra=extra,
               append='quiet guest.run="%s"' % run, timeout=120) as g:
        check(g.expect(READY), what + "the guest boots")
        if "-smp" in extra:
            check(g.expect("^%s\n" % extra[extra.index("-smp") + 1]),
                  what + "all CPUs are there")
        check(g.expect(DONE) and g.wait() == 0, what + "and powers off")


def reboots():
    command = linux(emulator(), "quiet guest.off=reboot guest.run=true",
                    arch="amd64")
    command.remove("-no-reboot")
    with Guest(command, timeout=120) as g:
        check(g.expect(DONE) and g.expect(READY),
              "a guest that reboots boots again")




def seabios(machine):
    """SeaBIOS finds nothing to boot, says so, and is looked at."""
    if not check(os.path.exists(os.path.join(FIRMWARE, "bios-256k.bin")),
                 "SeaBIOS is here (scripts/fetch.sh firmware)"):
        return
    picture = os.path.join(tempfile.mkdtemp(), "screen.png")
    with Guest([emulator(), "-L", FIRMWARE, "-M", machine, "-m", "64",
                "-display", "none", "-serial", "none", "-monitor", "stdio"],
               timeout=60) as g:
        g.expect(r"\(anole\) ")
        until, found = time.monotonic() + 60, False
        while not found and time.monotonic() < until:
            g.send("info screen")
            g.expect(r"\(anole\) $")
            found = "No bootable device" in g.output
            time.sleep(0.1)
        check(found, machine + ": SeaBIOS says that there is no boot device")
        g.send("screendump " + picture)
        g.send("info status")
        g.expect("VM status")
        with open(picture, "rb") as f:
            head = f.read(33)
        size = (int.from_bytes(head[16:20], "big"),
                int.from_bytes(head[20:24], "big"))
        check(head[1:4] == b"PNG" and size == (720, 400),
              machine + ": and a picture shows its text screen")
        if size != (720, 400):
            note("%r" % (head,))


def main():
    linux_boots("amd64", ["-M", "pc", "-cpu", "qemu64"])
    linux_boots("amd64", ["-M", "q35", "-cpu", "max"], "-smp", "4")
    linux_boots("amd64", ["-M", "microvm"])
    linux_boots("i386", ["-M", "pc", "-cpu", "max"], "-smp", "2")
    linux_boots("i386", ["-M", "q35", "-cpu", "pentium3"])
    reboots()
    for machine in ("pc", "q35", "isapc"):
        seabios(machine)
    done()


main()
