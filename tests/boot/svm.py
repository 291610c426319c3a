#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SVM of an x86 CPU, without a system: the ROM of tests/insn/x86/svm.

EMULATOR=qemu-system-x86_64 runs it there; what QEMU's translator is known to do
otherwise is marked (deviates()) or left out.
"""

import os

from guest import TOP, done, needs, scratch
from rom import BITS32, BITS64, HERE, link, rom, test_rom

SVM = os.path.join(TOP, "tests", "insn", "x86", "svm")
PARTS = ["vm.c", "intercepts.c", "events.c", "paging.c", "random.c",
         "checks.c"]
MODELS = ["EPYC,svm=on", "max", "EPYC,svm=on,npt=off"]

needs("gcc", "ld", "objcopy")
with scratch() as directory:
    sources = [os.path.join(SVM, p) for p in PARTS]
    sources.append(os.path.join(HERE, "report.c"))
    image = rom(directory,
                link(directory, "short", [os.path.join(SVM, "enter.S")],
                     BITS32),
                link(directory, "long", sources, BITS64))
    for model in MODELS:
        test_rom("isapc", model, "-bios", image)
done()
