#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Linux's KVM in a guest: SVM with nested and with shadow page tables.

tests/guests/user/amd64/kvmtest.c runs its small machines there.
"""

import re

from guest import Guest, check, done, emulator, linux

MODELS = ["EPYC", "max"]
RUN = ("cat /sys/module/kvm_amd/parameters/npt; kvmtest;"
       " rmmod kvm_amd; insmod /lib/modules/kvm_amd.ko npt=0;"
       " cat /sys/module/kvm_amd/parameters/npt; kvmtest")


def test(model):
    """Boots once; kvmtest runs with NPT and without."""
    command = linux(emulator(), initrd="tools.gz", arch="amd64",
                    machine=["-M", "q35", "-cpu", model + ",svm=on",
                             "-m", "512"],
                    append='guest.mod=kvm-amd guest.run="%s"' % RUN)
    with Guest(command, timeout=120) as g:
        for letter, tables in ("Y", "nested"), ("N", "shadow"):
            begun = g.expect("^%s\n" % letter) and g.at
            ended = begun and g.expect(r"^1\.\.(\d+)\n")
            text = g.output[begun:g.at] if ended else ""
            good = len(re.findall(r"^ok ", text, re.M))
            check(ended and good == int(ended[1]),
                  "CPU %s, %s page tables: %d results, all good"
                  % (model, tables, good))
        check(g.wait() == 0, "CPU %s: power off" % model)


for name in MODELS:
    test(name)
done()
