#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""-accel kvm, in a Linux guest of anole's translator that has a KVM.

There Debian's kernel boots once more, on the hardware that the guest has.
"""

import re

from guest import check, done, scratch
import nested

APPEND = 'console=ttyS0 panic=-1 guest.run="%s"'
LINUX = ("%s -accel kvm -cpu EPYC -m 256 -nographic -no-reboot -kernel %s "
         "-initrd %s -append '%s' %s </dev/null")


def linux(run, *options):
    """The command of the machine above."""
    return LINUX % (nested.ANOLE, nested.KERNEL, nested.INITRD, APPEND % run,
                    " ".join(options))


SCRIPT = """
%s
echo STATUS-$?
""" % linux("cat /proc/interrupts; grep -c ^processor /proc/cpuinfo", "-M pc -smp 2")

with scratch() as folder:
    with nested.guest(folder, SCRIPT) as g:
        check(g.expect(r"^GUEST-READY"), "the machine below")
        check(g.expect(r"Hypervisor detected: KVM"), "the kernel above starts")
        check(g.expect(r"^GUEST-READY.*\n"), "its user land too")
        check(g.expect(r"^2\n"), "it has two CPUs")
        check(g.expect(r"^STATUS-0"), "power off")
done()
