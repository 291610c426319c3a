#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What else a PC is made of: printer, SMBus, watchdog, sleep, a panic's port."""

import os
import re
import subprocess

from guest import (Guest, check, done, emulator, is_anole, note, scratch,
                   unix_connect)
from qmpclient import Qmp

MODULES = ("parport_pc lp pvpanic-mmio i2c-piix4 i2c-i801 i2c-dev lpc_ich "
           "iTCO_wdt")
PRINTED = "printed by Linux\n"


class Pc(Guest):
    """A PC that has come to a shell, with what it prints in a file."""

    def __init__(self, folder, machine, modules, *extra):
        self.what = machine + ": "
        self.paper = os.path.join(folder, machine + ".lpt")
        super().__init__(
            arch="amd64", initrd="tools.gz", timeout=120,
            machine=["-M", machine, "-cpu", "max", "-m", "512"],
            append='quiet guest.mod="%s"' % modules,
            extra=["-parallel", "file:" + self.paper, "-qmp",
                   "unix:%s.qmp,server=on,wait=off" % self.paper, *extra])
        self.qmp = Qmp(unix_connect(self.paper + ".qmp"))
        self.qmp.run("qmp_capabilities")
        check(self.login(), self.what + "a guest") or done()

    def says(self, command, pattern, what):
        """One result: a command's output has to match."""
        _, output = self.shell(command)
        if not check(re.search(pattern, output, re.M), self.what + what):
            note(output)


def parallel_port(g):
    g.says("grep -l PNP0400 /sys/bus/pnp/devices/*/id", "id",
           "ACPI knows of the parallel port")
    g.says("dmesg | grep -o 'lp0: using parport0 .*'", "interrupt-driven",
           "Linux drives it by interrupts")
    g.shell("echo %s >/dev/lp0" % PRINTED.strip())
    with open(g.paper) as f:
        check(f.read() == PRINTED, g.what + "and prints")


def own_card(g, card):
    g.says("cat /sys/bus/pci/devices/*/class", "^0x020000$",
           "it has a network card unasked")
    g.says("cat /sys/bus/pci/devices/*/modalias", card, "the one it should")


def smbus(g, adapter):
    """EEPROMs by all protocols that there are."""
    g.says("i2cdetect -y -l", adapter, "Linux finds the SMBus")
    g.says("i2cdetect -y -r 0", r"^40:( --){16} *\n50: 50 51 52 53 54 55 56 57 --",
           "and EEPROMs on it")
    put, get = "i2cset -y 0 0x53 ", "i2cget -y 0 0x53 "
    g.says("%s 0 3 b; %s 8 0x1234 w; %s 0 b; %s 8 w; %s 9" % (
        put, put, get, get, get), "^0x03\n0x1234\n0x12$",
        "they keep bytes and words")
    g.says(put + "0 0xa 0xb 0xc s; i2cdump -y 0 0x53 b", "^00: 03 0a 0b 0c 00",
           "blocks too, behind their length")
    # BusyBox prints the first four bytes as one number.
    g.says("i2cdump -y 0 0x53 s", "c0b0a03", "as which they are read")
    if adapter == "I801":               # byte by byte, each an interrupt
        g.says("i2cdump -y 0 0x53 i", "^00: 03 0a 0b 0c 00", "or by I2C reads")
    g.says("i2cget -y 0 0x30 0 || echo none", "none", "nobody else answers")


def watchdog(g):
    """iTCO_wdt starts it, and nobody feeds it."""
    g.says("cat /sys/class/watchdog/watchdog0/identity", "^iTCO_wdt$",
           "Linux finds the TCO watchdog")
    g.shell("watchdog -T 4 -t 600 /dev/watchdog")
    check(g.qmp.event("WATCHDOG") == {"action": "none"}, g.what + "it bites")


# --------------------------------------------------------------------- sleep

SLEEP = "echo mem >/sys/power/state; echo slept $?"
ALARM = "echo 0 >/sys/class/rtc/rtc0/wakealarm; " \
        "echo +%d >/sys/class/rtc/rtc0/wakealarm; "


def sleeps(g, command, wake):
    """The guest goes to sleep and is woken."""
    g.send(command)
    asleep = g.qmp.event("SUSPEND") == {} and \
        g.qmp.run("query-status")["status"] == "suspended"
    if wake:
        g.qmp.run(wake)
    return asleep and g.qmp.event("WAKEUP") == {} and \
        g.expect("^slept 0\n") and g.shell("true")[0] == 0


def sleeps_till_alarm(g):
    """Sets alarms, later each time, until the guest is asleep before one."""
    for seconds in (2, 8, 30):
        g.send(ALARM % seconds + SLEEP)
        if not g.expect(r"^slept (\d)\n", seconds + 20):
            g.qmp.run("system_wakeup")          # it rang before
            g.expect(r"^slept \d\n")
        elif g.match[1] == "0":
            return True
    return False


def sleep(g):
    check(g.qmp.run("query-current-machine") == {
        "wakeup-suspend-support": True}, g.what + "it may sleep")
    check("not in suspended" in g.qmp.error("system_wakeup")[1],
          g.what + "who is awake is not woken")
    check(sleeps(g, SLEEP, "system_wakeup"),
          g.what + "sleeps, SUSPEND, system_wakeup, WAKEUP")
    if is_anole():      # QEMU's button does not wake, nor its q35 sleep again
        check(sleeps(g, SLEEP, "system_powerdown"),
              g.what + "the power button wakes it")
        check(sleeps_till_alarm(g), g.what + "its clock's alarm wakes it")


def panics(g):
    """A kernel's panic is told, and what follows is done."""
    g.send("echo 0 >/proc/sys/kernel/panic; echo c >/proc/sysrq-trigger")
    check(g.qmp.event("GUEST_PANICKED")["action"] == "poweroff"
          and g.qmp.event("SHUTDOWN") == {"guest": True,
                                          "reason": "guest-panic"}
          and g.wait() == 0, g.what + "GUEST_PANICKED, and it is off")


# Prints by BIOS call 17h, function 0, on printer 0, after resetting it.
SECTOR = bytes.fromhex(
    "31c08ed8"              # ds = 0
    "b401" "31d2" "cd17"    # reset
    "be207c"                # si = the text
    "ac" "84c0" "7408"      # its next byte, 0 is the end
    "30e4" "31d2" "cd17"    # print
    "ebf3"
    "b001" "e6f4" "f4")     # leave by isa-debug-exit


def by_bios(folder, machine):
    """SeaBIOS's printer services, and no network card if none is wanted."""
    disk, paper = (os.path.join(folder, n) for n in ("fda", "paper"))
    with open(disk, "wb") as f:
        f.write(SECTOR.ljust(0x20, b"\0") + b"printed by BIOS\0".ljust(0x1de)
                + b"\x55\xaa" + bytes(1440 * 1024 - 512))
    subprocess.run([emulator(), "-M", machine, "-m", "16", "-display", "none",
                    "-serial", "null", "-parallel", "file:" + paper,
                    "-drive", "if=floppy,format=raw,file=" + disk, "-boot", "a",
                    "-device", "isa-debug-exit,iobase=0xf4,iosize=1"],
                   timeout=60, check=False)
    with open(paper) as f:
        check(f.read() == "printed by BIOS", machine + ": SeaBIOS prints")


def main():
    with scratch() as folder:
        with Pc(folder, "pc", MODULES, "-device", "pvpanic",
                "-bios", "bios-256k.bin") as g:
            parallel_port(g)
            own_card(g, "v00008086d0000100E")
            smbus(g, "PIIX4")
            sleep(g)
            panics(g)
        with Pc(folder, "q35", MODULES, "-watchdog-action", "none") as g:
            parallel_port(g)
            own_card(g, "v00008086d000010[0D][E3]")
            smbus(g, "I801")
            watchdog(g)
            sleep(g)
            check(g.power_off() == 0, g.what + "is switched off")
        by_bios(folder, "isapc")
    done()


main()
