#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The board malta with 32 and 64 bits.

Linux: disk, network, serial ports, reset, off. U-Boot: flash, network.
"""

import array
import os

from guest import (Guest, cached, check, done, emulator, linux, named, note,
                   scratch, skip)

MODULES = "ata_piix sd_mod pcnet32"
ADDRESS = ("ip link set eth0 up && ip addr add 10.0.2.15/24 dev eth0 && "
           "ping -c 1 -w 20 10.0.2.2")


def shell(g, what, command, wanted=""):
    status, output = g.shell(command)
    if not check(status == 0 and wanted in output, what):
        note("status %s: %s" % (status, output[-500:]))


def life(folder, arch, cpu, memory):
    disk = os.path.join(folder, arch + ".img")
    serial = os.path.join(folder, arch + ".serial")
    with open(disk, "wb") as f:
        f.truncate(4 << 20)
    command = linux(emulator(), arch=arch,
                    append='quiet guest.mod="%s"' % MODULES,
                    machine=["-M", "malta", "-cpu", cpu, "-m", memory],
                    extra=["-hda", disk, "-serial", "mon:stdio", "-serial",
                           "null", "-serial", "file:" + serial])
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
        shell(g, what + "a third serial port, at the CPU's own interrupt",
              "echo third >/dev/ttyS2 && cat /proc/interrupts /proc/tty/driver/"
              "serial", "2: uart:16550A mmio:0x1F000900 irq:20")
        g.send("reboot -f")
        check(g.login(), what + "a shell again after a reset")
        g.send("poweroff -f")
        check(g.wait(60) == 0, what + "is switched off")
    with open(serial, "rb") as f:
        check(f.read() == b"third\r\n", what + "which has what was written")
    with open(disk, "rb") as f:
        check(f.read()[7 * 512:].startswith(b"written by Linux\n"),
              what + "and the disk has what was written")


def swapped(data):
    """As the flash of a little-endian Malta has words."""
    words = array.array("I", data.ljust(4 << 20, b"\xff"))
    words.byteswap()
    return words.tobytes()


def u_boot(folder, kind, arch, cpu):
    """What is written to the flash is there after a reset, and in its image."""
    what = "U-Boot on %s: " % cpu
    image = os.path.join(folder, kind + ".flash")
    with open(cached("firmware", "u-boot-%s.bin" % kind), "rb") as f:
        firmware = f.read()
    with open(image, "wb") as f:
        f.write(swapped(firmware))
    prompt = "maltael # "
    with Guest([named(emulator(), arch), "-M", "malta", "-cpu", cpu, "-m",
                "256", "-nographic", "-nic", "user", "-drive",
                "if=pflash,format=raw,file=" + image]) as g:
        if not check(g.expect(prompt), what + "its prompt"):
            return
        g.send("setenv word kept && saveenv && dhcp; reset")
        check(g.expect("DHCP client bound to address 10.0.2.15"),
              what + "PCnet has the network")
        check(g.expect(prompt), what + "its prompt after a reset")
        g.send("echo it is ${word}")
        check(g.expect("it is kept"), what + "its environment was kept")
    with open(image, "rb") as f:
        data = swapped(f.read())
    check(data.startswith(firmware[:4096]) and b"word=kept\0" in data,
          what + "and is in the image")


if not os.path.exists(cached("mips64el", "kernel")):
    skip("no kernels for malta; scripts/fetch.sh -a mipsel -a mips64el kernel")
with scratch() as directory:
    life(directory, "mipsel", "24Kf", "256")
    life(directory, "mips64el", "5KEf", "1024")
    if os.path.exists(cached("firmware", "u-boot-maltael.bin")):
        u_boot(directory, "maltael", "mipsel", "24Kf")
        u_boot(directory, "malta64el", "mips64el", "MIPS64R2-generic")
    else:
        note("no U-Boot for malta; scripts/fetch.sh firmware makes it")
done()
