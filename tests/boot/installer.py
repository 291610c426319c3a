#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's installer reaches its first question on the serial console."""

from guest import MACHINE, Guest, cached, check, done, emulator

for cpu, smp in (("cortex-a57", "1"), ("max", "4")):
    command = [emulator(), *MACHINE, "-cpu", cpu, "-smp", smp, "-nographic",
               "-no-reboot", "-kernel", cached("arm64", "installer", "linux"),
               "-initrd", cached("arm64", "installer", "initrd.gz"),
               "-append", "console=ttyAMA0"]
    with Guest(command, timeout=400) as g:
        what = "%s, %s CPU(s): " % (cpu, smp)
        check(g.expect(r"Select a language"), what + "the first question")
        check(g.expect(r"English"), what + "and its choices")
        check("Kernel panic" not in g.output, what + "and no panic before")
        g.write("\r")
        check(g.expect(r"(?i)select your location|Country, territory"),
              what + "and the second question after Enter")
        g.write("\x01x")
        check(g.wait(60) == 0, what + "Ctrl-A x ends the emulator")

done()
