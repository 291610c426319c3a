# SPDX-License-Identifier: MIT
"""A Linux guest on a PC, with a QMP client."""

import os

from guest import Guest, check, done, is_anole
from qmpclient import connect


class Pc:
    """Ends the test if the guest does not boot."""

    def __init__(self, folder, machine, modules, *extra, memory=512,
                 initrd="tools.gz"):
        path = os.path.join(folder, machine)
        self.machine = machine
        self.guest = Guest(
            arch="amd64", initrd=initrd, timeout=120,
            machine=["-M", machine, "-cpu", "max", "-m", str(memory)],
            append='quiet guest.mod="%s"' % modules,
            extra=["-monitor", "none", "-qmp",
                   "unix:%s,server=on,wait=off" % path, *extra])
        self.qmp = connect(path)
        if is_anole():
            self.qmp.negotiate()
        else:
            self.qmp.run("qmp_capabilities")
        self.check(self.guest.login(), "a guest") or done()

    def check(self, good, what):
        return check(good, "%s: %s" % (self.machine, what))
