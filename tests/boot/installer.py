#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's installer reaches its first question on the serial console."""

from guest import CONSOLES, Guest, cached, check, done, emulator

for arch, board, cpu, smp in (("arm64", "virt", "cortex-a57", "1"),
                              ("arm64", "virt", "max", "4"),
                              ("amd64", "pc", "qemu64", "1"),
                              ("amd64", "q35", "max", "4"),
                              ("i386", "pc", "max", "1"),
                              ("mipsel", "malta", "24Kf", "1"),
                              ("mips64el", "malta", "5KEf", "1")):
    program = emulator() + ("-system-" + arch if board == "malta" else "")
    command = [program, "-M", board, "-cpu", cpu, "-m", "1024",
               "-smp", smp, "-nographic", "-no-reboot",
               "-kernel", cached(arch, "installer", "linux"),
               "-initrd", cached(arch, "installer", "initrd.gz"),
               "-append", "console=" + CONSOLES[arch]]
    with Guest(command, timeout=400) as g:
        what = "%s, %s, %s CPU(s): " % (arch, cpu, smp)
        check(g.expect(r"Select a language"), what + "the first question")
        check(g.expect(r"English"), what + "and its choices")
        check("Kernel panic" not in g.output, what + "and no panic before")
        g.write("\r")
        check(g.expect(r"(?i)select your location|Country, territory"),
              what + "and the second question after Enter")
        g.write("\x01x")
        check(g.wait(60) == 0, what + "Ctrl-A x ends the emulator")

done()
