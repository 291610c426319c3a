#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""-accel kvm on AArch64: anole built for that host, in a Linux guest of QEMU
whose CPUs have EL2.

With the kernel's GICv3, with our own GICv2, and on another machine below with
the kernel's GICv2. What Debian's kernel finds is what it finds under the
translator, and programs compute the same.
"""

import difflib
import re
import sys

from guest import (DONE, READY, Guest, cached, check, done, emulator, free_port,
                   linux, needs, note, run, scratch)
import nested

RESULT = r"RESULT (\S+) seconds=\S+ check=(\w+)\n"
PROMPT = r"^[~/]\S* # "


def anole(*options, append=""):
    """A command of the machine below."""
    return " ".join([nested.ANOLE, *options, "-nographic -kernel",
                     nested.KERNEL, "-initrd", nested.INITRD, "-append",
                     "'console=ttyAMA0 panic=-1 quiet %s'" % append])


def errors(g):
    """What is said where KVM cannot do what is asked."""
    for options, words in (
            ("-accel kvm -M virt,gic-version=2", "no GICv2 for guests"),
            ("-accel kvm -M virt -cpu cortex-a57", "write -cpu host"),
            ("-accel kvm -M virt -cpu host,lse=off",
             "only pmu can be turned off"),
            ("-accel kvm,kernel-irqchip=off -M virt,gic-version=3",
             "no GICv3 for guests"),
            ("-accel kvm -M q35", "cannot run x86_64")):
        status, text = g.shell(anole(options))
        if not check(status == 1 and words in text, options):
            note(text)


def native(name):
    _, output, _ = run([cached("workloads", "native", name), "1", "2"], 60)
    return re.search(RESULT, output)[2]


def workloads(g, what, names, *options):
    g.send(anole("-smp 2 -m 256 -d unimp,guest_errors", *options,
                 append='guest.run="for w in %s; do $w 1 2; done;'
                 ' grep timer /proc/interrupts"' % " ".join(names)))
    check(g.expect(READY), what + ": Linux")
    for name in names:
        found = g.expect(RESULT)
        check(found and (found[1], found[2]) == (name, native(name)),
              "%s: %s" % (what, name))
    found = g.expect(r"(\d+) +(\d+) +(GIC\S+) +27 Level")
    check(found and int(found[1]) and int(found[2]),
          what + ": timers' interrupts")
    check(g.expect(DONE), what + ": power off")
    g.expect(PROMPT)


def main():
    needs("qemu-system-aarch64", "gdb-multiarch")
    with scratch() as folder:
        with nested.guest(folder, arch="arm64", timeout=60) as g:
            check(g.login(), "the machine below, with GICv3")
            errors(g)
            workloads(g, "GICv3", ["int", "smp"], "-M virt -accel kvm")
            workloads(g, "our GICv2", ["int", "smp"], "-M virt",
                      "-accel kvm,kernel-irqchip=off")
            check(g.power_off() == 0, "and that below")
    done()


if __name__ == "__main__":
    main()
