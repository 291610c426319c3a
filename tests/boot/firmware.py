#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Firmware of PCs and what it boots, as seen on the screen and typed at."""

import os
import re
import shutil
import tempfile
import time

from guest import Guest, cached, check, done, emulator, note, skip

SCREEN_SECONDS = 120


def image(name):
    return cached("firmware", name)


class Pc:
    """A PC whose monitor is at hand: its screen is read, its keys pressed."""

    def __init__(self, *options):
        self.guest = Guest([emulator(), "-L", cached("firmware"), *options,
                            "-display", "none", "-serial", "null",
                            "-monitor", "stdio"], timeout=SCREEN_SECONDS)

    def __enter__(self):
        self.guest.expect(r"\(anole\) $")
        return self

    def __exit__(self, *_):
        self.guest.close()

    def ask(self, command):
        """A monitor command's answer."""
        begin = self.guest.at
        self.guest.send(command)
        self.guest.expect(r"\(anole\) $")
        return self.guest.output[begin:self.guest.at]

    def shows(self, pattern):
        """Waits for a text screen that matches; the screen, or None."""
        until = time.monotonic() + SCREEN_SECONDS
        screen = ""
        while time.monotonic() < until:
            screen = self.ask("info screen")
            if re.search(pattern, screen):
                return screen
            time.sleep(0.1)
        note("waited in vain for %r; the screen:" % pattern)
        note(screen)
        return None

    def size(self):
        """Pixels of a picture of the screen."""
        folder = tempfile.mkdtemp()
        path = os.path.join(folder, "screen.png")
        self.ask("screendump " + path)
        with open(path, "rb") as f:
            head = f.read(24)
        shutil.rmtree(folder)
        if head[1:4] != b"PNG":
            return None
        return (int.from_bytes(head[16:20], "big"),
                int.from_bytes(head[20:24], "big"))


def seabios():
    for machine in ("pc", "q35", "isapc"):
        with Pc("-M", machine, "-m", "64") as pc:
            check(pc.shows("No bootable device"),
                  machine + ": SeaBIOS says that there is no boot device")
            check(pc.size() == (720, 400),
                  machine + ": and a picture shows its text screen")


def grub():
    with Pc("-M", "pc", "-m", "64", "-boot", "d",
            "-cdrom", image("grub-rescue-cdrom.iso")) as pc:
        check(pc.shows(r"GNU GRUB +version"), "GRUB starts from its CD")
        pc.ask("sendkey c")
        check(pc.shows("grub>"), "and a key brings its command line")
        for key in "date":
            pc.ask("sendkey " + key)
        pc.ask("sendkey ret")
        check(pc.shows(r"20\d\d-\d\d-\d\d \d\d:\d\d"),
              "where a command types the clock's time")


def nvme():
    """The CD's image as a disk: SeaBIOS boots it, and no other."""
    folder = tempfile.mkdtemp()
    disk = os.path.join(folder, "disk.img")
    shutil.copy(image("grub-rescue-cdrom.iso"), disk)
    other = os.path.join(folder, "other.img")
    with open(other, "wb") as f:
        f.truncate(1 << 20)
    with Pc("-M", "q35", "-m", "64",
            "-drive", "if=none,id=d0,format=raw,file=" + disk,
            "-drive", "if=none,id=d1,format=raw,file=" + other,
            "-device", "virtio-blk-pci,drive=d1,bootindex=2",
            "-device", "pcie-root-port,id=rp1",
            "-device", "nvme,drive=d0,serial=S1,bus=rp1,bootindex=1") as pc:
        check(pc.shows(r"GNU GRUB +version"),
              "GRUB starts from NVMe behind a port, by its bootindex")
    shutil.rmtree(folder)


def memtest():
    with Pc("-M", "q35", "-m", "32",
            "-cdrom", image("memtest86+ia32.iso")) as pc:
        screen = pc.shows(r"Test #[1-9]")
        check(screen and re.search(r"Errors: 0\b", screen),
              "memtest86+ runs from AHCI without an error")


def ovmf():
    variables = os.path.join(tempfile.mkdtemp(), "vars.fd")
    shutil.copy(image("OVMF_VARS.fd"), variables)
    flash = "if=pflash,unit=%d,format=raw,file=%s"
    with Pc("-M", "q35", "-m", "256",
            "-drive", flash % (0, image("OVMF_CODE.fd")) + ",readonly=on",
            "-drive", flash % (1, variables)) as pc:
        check(pc.shows("graphics, 1280 x 800"),
              "OVMF draws its shell's screen")
        with open(image("OVMF_VARS.fd"), "rb") as f:
            before = f.read()
        until, after = time.monotonic() + SCREEN_SECONDS, before
        while after == before and time.monotonic() < until:
            time.sleep(0.1)
            with open(variables, "rb") as f:
                after = f.read()
        check(after != before, "and keeps variables in flash")
    shutil.rmtree(os.path.dirname(variables))


def u_boot():
    for machine, kind in (("pc", "x86_64"), ("pc", "x86"), ("q35", "x86_64"),
                          ("q35", "x86")):
        with Guest([emulator(), "-L", cached("firmware"), "-M", machine,
                    "-m", "256", "-display", "none", "-serial", "stdio",
                    "-bios", image("u-boot-qemu-%s.rom" % kind),
                    "-monitor", "none"], timeout=60) as g:
            check(g.expect(r"U-Boot \d+"), "%s: U-Boot for %s starts" % (
                machine, kind))
            check(g.expect("Hit any key"), "and counts down")
            g.write("\r")
            check(g.expect(r"^=> $"), "and a key brings its prompt")


def ipxe():
    """From a CD, or as a kernel; its own drivers, the network's DHCP."""
    cd = ["-boot", "d", "-cdrom", image("ipxe.iso")]
    for machine, card, how in (
            ("pc", "e1000", cd), ("q35", "e1000e", cd),
            ("q35", "virtio-net-pci", cd),
            ("pc", "rtl8139", ["-kernel", image("ipxe.lkrn")])):
        with Pc("-M", machine, "-m", "64", "-netdev", "user,id=n0", "-device",
                card + ",netdev=n0", *how) as pc:
            check(pc.shows(r"net0: 10\.0\.2\.15/255\.255\.255\.0 gw 10\.0\.2\.2"),
                  "iPXE gets an address through " + card)


def linux_on_screen():
    """A kernel through SeaBIOS: its console is VGA text, its keyboard PS/2."""
    with Pc("-M", "pc", "-cpu", "max", "-m", "512",
            "-kernel", cached("amd64", "kernel"),
            "-initrd", cached("amd64", "initramfs.gz"),
            "-append", "console=tty0 quiet") as pc:
        check(pc.shows(r"/ # *$|/ #\s"), "Linux has a shell on the screen")
        for key in ("e", "c", "h", "o", "spc", "shift-h", "i", "spc",
                    "minus", "9", "ret"):
            pc.ask("sendkey " + key)
        check(pc.shows(r"\nHi -9\n"), "and takes what is typed")


def installer_on_screen():
    with Pc("-M", "q35", "-cpu", "qemu64", "-m", "1024", "-smp", "2",
            "-kernel", cached("amd64", "installer", "linux"),
            "-initrd", cached("amd64", "installer", "initrd.gz"),
            "-append", "vga=normal fb=false nomodeset quiet") as pc:
        check(pc.shows("(?i)select a language"),
              "the installer asks its first question on a text screen")


for name in ("bios.bin", "grub-rescue-cdrom.iso", "OVMF_CODE.fd"):
    if not os.path.exists(image(name)):
        skip("no %s; scripts/fetch.sh firmware makes it" % image(name))
seabios()
grub()
nvme()
memtest()
ovmf()
u_boot()
ipxe()
linux_on_screen()
installer_on_screen()
done()
