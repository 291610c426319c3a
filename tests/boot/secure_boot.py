#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""OVMF with Secure Boot, which lives in SMM: what it starts and what not.

Debian's builds with Microsoft's keys start Debian's signed shim and GRUB from
a FAT image made here; without keys there is a shell, whose variables go
through SMM to flash that nobody else writes.
"""

import os
import shutil
import subprocess

from guest import Guest, cached, check, done, emulator, needs, scratch, skip

FIRMWARE = "OVMF_CODE_4M.secboot.fd"
SHIM, GRUB = "shimx64.efi.signed", "gcdx64.efi.signed"
VARIABLE = "setvar kept -guid 11223344-5566-7788-99aa-bbccddeeff00"


def image(name):
    return cached("firmware", name)


def disk(folder, **programs):
    """A FAT image with EFI/BOOT/KEY.EFI for each key of `programs`."""
    path = os.path.join(folder, "disk.img")
    with open(path, "wb") as f:
        f.truncate(12 << 20)
    subprocess.run(["mformat", "-i", path, "::"], check=True)
    subprocess.run(["mmd", "-i", path, "::/EFI", "::/EFI/BOOT"], check=True)
    for key, program in programs.items():
        subprocess.run(["mcopy", "-i", path, image(program),
                        "::/EFI/BOOT/%s.EFI" % key], check=True)
    return path


def machine(folder, variables, *options):
    """A PC with secure flash, its variables a copy of `variables`."""
    flash = "if=pflash,unit=%d,format=raw,file=%s"
    copy = os.path.join(folder, "vars.fd")
    shutil.copyfile(image(variables), copy)
    return Guest([emulator(), "-M", "q35,smm=on", "-m", "256",
                  "-global", "driver=cfi.pflash01,property=secure,value=on",
                  "-drive", flash % (0, image(FIRMWARE)) + ",readonly=on",
                  "-drive", flash % (1, copy), "-nic", "none",
                  "-display", "none", "-monitor", "none",
                  "-serial", "stdio", *options], timeout=120)


def signed(folder):
    path = disk(folder, BOOTX64=SHIM, GRUBX64=GRUB)
    with machine(folder, "OVMF_VARS_4M.ms.fd", "-smp", "2", "-drive",
                 "format=raw,snapshot=on,file=" + path) as g:
        check(g.expect("Welcome to GRUB"), "two CPUs: shim starts GRUB")
        check(g.expect("grub> "), "which has its prompt")


def unsigned(folder):
    path = disk(folder, BOOTX64=GRUB)
    with machine(folder, "OVMF_VARS_4M.ms.fd", "-drive",
                 "format=raw,snapshot=on,file=" + path) as g:
        check(g.expect("failed to load.*Access Denied"),
              "GRUB without shim is refused: it is not signed for Microsoft")


def variables(folder):
    with machine(folder, "OVMF_VARS_4M.fd", "-smp", "4") as g:
        check(g.expect("any other key to continue") and g.write("\r") is None
              and g.expect("Shell> "), "four CPUs: a shell without keys")
        g.send(VARIABLE + " -nv -bs =12345678")
        check(g.expect("Shell> "), "sets a variable")
        g.send("dmpstore SecureBoot")
        check(g.expect(r"00000000: 00 "), "Secure Boot is off")
        g.send("reset")
        check(g.expect("any other key to continue") and g.write("\r") is None
              and g.expect("Shell> "), "after a reset")
        g.send(VARIABLE)
        check(g.expect("12 34 56 78"), "the variable is there")


needs("mformat", "mmd", "mcopy")
for file in (FIRMWARE, SHIM, GRUB):
    if not os.path.exists(image(file)):
        skip("no %s; scripts/fetch.sh firmware makes it" % image(file))
for test in (signed, unsigned, variables):
    with scratch() as directory:
        test(directory)
done()
