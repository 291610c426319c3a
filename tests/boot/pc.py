#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PCs: Linux without firmware on every board."""

from guest import DONE, READY, Guest, check, done, emulator, linux


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




def main():
    linux_boots("amd64", ["-M", "pc", "-cpu", "qemu64"])
    linux_boots("amd64", ["-M", "q35", "-cpu", "max"], "-smp", "4")
    linux_boots("amd64", ["-M", "microvm"])
    linux_boots("i386", ["-M", "pc", "-cpu", "max"], "-smp", "2")
    linux_boots("i386", ["-M", "q35", "-cpu", "pentium3"])
    reboots()
    done()


main()
