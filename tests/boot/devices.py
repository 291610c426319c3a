#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random numbers, a second console, the clock of the day, and a reset."""

import os
import re
import time

from guest import (READY, Guest, check, done, emulator, linux, read_until,
                   scratch, unix_connect)


def random_numbers(g):
    status, output = g.shell("cat /sys/class/misc/hw_random/rng_current")
    check(output.startswith("virtio_rng"), "virtio-rng is there")
    status, output = g.shell(
        "for i in 1 2; do dd if=/dev/hwrng bs=64 count=1 2>/dev/null | "
        "sha256sum; done")
    sums = output.split("\n")[:2]
    check(status == 0 and len(sums) == 2 and sums[0] != sums[1],
          "and its numbers differ")


def second_console(g, s):
    check(g.shell("ls /dev/hvc0")[0] == 0, "virtconsole is there")
    g.shell("stty -F /dev/hvc0 raw -echo")
    g.shell("(read -r line; echo got $line) </dev/hvc0 >/dev/hvc0 & true")
    s.sendall(b"a line\n")
    output = read_until(s, b"got a line", g.timeout)
    check(b"got a line" in output, "and echoes a line")
    g.shell("wait; seq 1 3000 >/dev/hvc0 & true")
    output = read_until(s, b"3000", g.timeout)
    numbers = re.findall(rb"\d+", output)
    check(numbers == [b"%d" % n for n in range(1, 3001)],
          "and loses nothing of a long text")


def clock(g):
    before = time.time()
    status, output = g.shell("cat /sys/class/rtc/rtc0/since_epoch; "
                             "date -u +%s; cat /sys/class/rtc/rtc0/name")
    after = time.time()
    lines = output.split("\n")
    check(status == 0 and lines[2].startswith("rtc-pl031"), "the PL031")
    for line, what in zip(lines, ("has", "gives the guest")):
        check(before - 10 < int(line) < after + 10,
              what + " the time of the day")


def reset(g):
    g.send("reboot -f")
    check(g.expect(READY), "reboot boots again")
    check(g.expect(r"^[~/]\S* # "), "to a shell")
    status, output = g.shell("cut -d. -f1 /proc/uptime; nproc")
    check(status == 0 and output.split()[1:] == ["2"], "with all CPUs")
    second = g.shell("cat /proc/sys/kernel/random/boot_id")[1]
    check(len(second) == 37, "and a name of its own for this boot")
    g.write("\x01x")
    check(g.wait() == 0, "Ctrl-A x ends the emulator")


def command_with(path):
    command = linux(
        emulator(), 'quiet guest.mod="virtio_mmio virtio_rng virtio_console"',
        extra=["-smp", "2", "-device", "virtio-rng-device",
               "-device", "virtio-serial-device",
               "-chardev", "socket,id=c0,server=on,wait=off,path=" + path,
               "-device", "virtconsole,chardev=c0"])
    command.remove("-no-reboot")
    return command


def main():
    with scratch() as folder:
        path = os.path.join(folder, "console")
        with Guest(command_with(path), timeout=180) as g:
            check(g.login(), "a guest with devices") or done()
            random_numbers(g)
            with unix_connect(path) as s:
                second_console(g, s)
            clock(g)
            reset(g)
    done()


main()
