#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Linux on the board malta, with 32 and 64 bits: disk, network, reset, off."""

import os

from guest import (Guest, cached, check, done, emulator, linux, note, scratch,
                   skip)

MODULES = "ata_piix sd_mod pcnet32"
ADDRESS = ("ip link set eth0 up && ip addr add 10.0.2.15/24 dev eth0 && "
           "ping -c 1 -w 20 10.0.2.2")


def shell(g, what, command, wanted=""):
    status, output = g.shell(command)
    if not check(status == 0 and wanted in output, what):
        note("status %s: %s" % (status, output[-500:]))


def life(folder, arch, cpu, memory):
    disk = os.path.join(folder, arch + ".img")
    with open(disk, "wb") as f:
        f.truncate(4 << 20)
    command = linux(emulator(), arch=arch,
                    append='quiet guest.mod="%s"' % MODULES,
                    machine=["-M", "malta", "-cpu", cpu, "-m", memory],
                    extra=["-hda", disk])
    command.remove("-no-reboot")
    with Guest(command, timeout=120) as g:
        what = "%s on %s: " % (arch, cpu)
        if not check(g.login(), what + "a shell"):
            return
        shell(g, what + "all RAM is there", "grep MemTotal /proc/meminfo")
        shell(g, what + "a disk on PIIX4 is written",
              "echo written by Linux | dd of=/dev/sda seek=7 conv=sync,fsync")
        shell(g, what + "PCnet is where Malta has it",
              "readlink /sys/class/net/eth0/device", "0000:00:0b.0")
        shell(g, what + "and has the network", ADDRESS, "1 packets received")
        shell(g, what + "the PIIX4's lines are those of the board",
              "cat /proc/interrupts", "XT-PIC  14  ata_piix")
        # Linux takes it if Cause shows a match as soon as Count has passed it.
        shell(g, what + "Compare is the kernel's timer",
              "cat /proc/interrupts", "MIPS   7  timer")
        g.send("reboot -f")
        check(g.login(), what + "a shell again after a reset")
        g.send("poweroff -f")
        check(g.wait(60) == 0, what + "is switched off")
    with open(disk, "rb") as f:
        check(f.read()[7 * 512:].startswith(b"written by Linux\n"),
              what + "and the disk has what was written")


if not os.path.exists(cached("mips64el", "kernel")):
    skip("no kernels for malta; scripts/fetch.sh -a mipsel -a mips64el kernel")
with scratch() as directory:
    life(directory, "mipsel", "24Kf", "256")
    life(directory, "mips64el", "5KEf", "1024")
done()
