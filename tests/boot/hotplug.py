#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Devices and CPUs that come and go while Linux runs, on PCs."""

import json
import os
import time

from guest import (Guest, check, done, is_anole, note, read_until, scratch,
                   unix_connect)

MODULES = "virtio_pci virtio_blk virtio_net e1000 nvme ext4"
# Root ports as QEMU has them by itself are slots of ACPI.
NATIVE = ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]
PORTS = ["-device", "pcie-root-port,id=rp1,slot=1,chassis=1",
         "-device", "pcie-root-port,id=rp2,slot=2,chassis=2"]
PATIENCE = 60


class Pc:
    """A running guest with a shell, and its monitor."""

    def __init__(self, folder, machine, *extra):
        self.machine, self.folder = machine, folder
        path = os.path.join(folder, machine + ".monitor")
        self.guest = Guest(
            arch="amd64", initrd="tools.gz", timeout=120,
            machine=["-M", machine, "-cpu", "max", "-m", "512",
                     "-smp", "2,maxcpus=4,sockets=2,cores=2"],
            append='quiet guest.mod="%s"' % MODULES,
            extra=["-nic", "none", "-monitor",
                   "unix:%s,server=on,wait=off" % path,
                   "-qmp", "unix:%s.qmp,server=on,wait=off" % path, *extra])
        self.monitor = unix_connect(path)
        self.prompt = b"(anole) " if is_anole() else b"(qemu) "
        read_until(self.monitor, self.prompt)
        self.qmp = unix_connect(path + ".qmp")
        read_until(self.qmp, b"\n")
        self.run("qmp_capabilities")

    def __enter__(self):
        check(self.guest.login(), self.machine + ": a guest") or done()
        return self

    def __exit__(self, *_):
        self.qmp.close()
        self.monitor.close()
        self.guest.close()

    def ask(self, command):
        """What the monitor says to a command."""
        self.monitor.sendall(command.encode() + b"\n")
        text = read_until(self.monitor, self.prompt).decode()
        text = text.replace("\r", "").partition("\n")[2]
        return text.removesuffix(self.prompt.decode())

    def run(self, command, until=b'"return"', **arguments):
        """Gives a QMP command; what comes, until that is in it."""
        self.qmp.sendall(json.dumps({
            "execute": command, "arguments": arguments}).encode() + b"\n")
        return read_until(self.qmp, until, PATIENCE)

    def until(self, what, *tries):
        """Waits until all tries are true; a line of results."""
        limit = time.monotonic() + PATIENCE
        while not all(t() for t in tries):
            if time.monotonic() > limit:
                note(self.guest.shell("dmesg | tail -20")[1])
                return check(False, "%s: %s" % (self.machine, what))
            time.sleep(0.1)
        return check(True, "%s: %s" % (self.machine, what))

    def has(self, test):
        return lambda: self.guest.shell(test)[0] == 0

    def gone(self, device):
        return lambda: 'id "%s"' % device not in self.ask("info pci")


def image(pc, name):
    path = os.path.join(pc.folder, name)
    with open(path, "wb") as f:
        f.truncate(16 << 20)
    return path


def disk(pc, kind, name, bus):
    """A disk comes, is used, and goes."""
    path = image(pc, name)
    pc.ask("drive_add 0 if=none,id=d1,format=raw,file=" + path)
    pc.ask("device_add %s,drive=d1,id=disk1%s" % (kind, bus))
    pc.until(kind + " comes", pc.has("test -b /dev/" + name))
    status, _ = pc.guest.shell(
        "mkdir -p /mnt; /sbin/mkfs.ext4 -q /dev/%s && "
        "mount -t ext4 /dev/%s /mnt && seq 1 9999 >/mnt/x && "
        "umount /mnt && mount -t ext4 /dev/%s /mnt && "
        "tail -n 1 /mnt/x | grep 9999 && umount /mnt" % (name, name, name))
    check(status == 0, "%s: %s is used" % (pc.machine, kind))
    pc.ask("device_del disk1")
    pc.until(kind + " goes", pc.has("test ! -b /dev/" + name),
             pc.gone("disk1"))


def card(pc, kind, bus):
    pc.ask("netdev_add user,id=n1")
    pc.ask("device_add %s,netdev=n1,id=nic1,mac=52:54:00:11:22:33%s"
           % (kind, bus))
    pc.until(kind + " comes", pc.has("test -e /sys/class/net/eth0"))
    status, output = pc.guest.shell(
        "cat /sys/class/net/eth0/address; ifconfig eth0 10.0.2.15 up; "
        "ping -c 1 -W 20 10.0.2.2; ifconfig eth0 down")
    check("52:54:00:11:22:33" in output and " 0% packet loss" in output,
          "%s: %s is used" % (pc.machine, kind))
    if is_anole():
        check(pc.ask("netdev_del n1"),
              "%s: a network in use stays" % pc.machine)
    pc.ask("device_del nic1")
    pc.until(kind + " goes", pc.has("test ! -e /sys/class/net/eth0"),
             pc.gone("nic1"))
    check(not pc.ask("netdev_del n1"), "%s: and goes then" % pc.machine)


def by_program(pc, bus):
    """The same by QMP, with its event."""
    arguments = dict(driver="virtio-rng-pci", id="rng1", **bus)
    found = "grep -rl 1af4 /sys/bus/pci/devices/*/vendor | wc -l | grep -q %d"
    check(b"return" in pc.run("device_add", **arguments),
          pc.machine + ": QMP's device_add")
    pc.until("brings a device", pc.has(found % 1))
    answer = pc.run("device_del", b"DEVICE_DELETED", id="rng1")
    check(b"DEVICE_DELETED" in answer and b"rng1" in answer + pc.run(
        "query-status"), pc.machine + ": device_del's event comes")
    pc.until("it is gone", pc.has(found % 0))


def cpus(pc):
    """CPUs come online, work and go."""
    online = "/sys/devices/system/cpu/"
    status, output = pc.guest.shell(
        "cat %spresent %spossible; grep -c 'cpu cores.*: 2' /proc/cpuinfo"
        % (online, online))
    check(output.split() == ["0-1", "0-3", "2"],
          pc.machine + ": 2 of 4 CPUs are there, two cores of a package")
    for n, core in ((2, 1), (3, 0)):
        pc.ask("device_add max-x86_64-cpu,id=c%d,socket-id=1,core-id=%d,"
               "thread-id=0" % (n, core))
        pc.until("CPU %d comes" % n,
                 pc.has("test -e %scpu%d/online" % (online, n)))
    pc.guest.shell("for n in 2 3; do echo 1 >%scpu$n/online; done" % online)
    status, output = pc.guest.shell(
        "cat %sonline; for n in 1 2 3 4; do taskset 0x$((n < 3 ? 4 : 8)) "
        "sha256sum /bin/busybox & done; wait; "
        "grep 'physical id' /proc/cpuinfo | sort | uniq -c" % online)
    check("0-3" in output, pc.machine + ": they are online")
    check(len(set(w for w in output.split() if len(w) == 64)) == 1
          and output.count("/bin/busybox") == 4,
          pc.machine + ": and work")
    for n in (3, 2):
        pc.ask("device_del c%d" % n)
        pc.until("CPU %d goes" % n,
                 pc.has("test ! -e %scpu%d" % (online, n)))
    check(pc.guest.shell("grep -q 0-1 %sonline" % online)[0] == 0,
          pc.machine + ": two are left")


def wrong(pc):
    """What cannot be is refused in words, and changes nothing."""
    for command, answer in (
            ("device_del nobody", "no device"),
            ("device_add e1000,bus=nowhere", "no such bus"),
            ("device_add virtio-blk-pci,bus=pci.0", "drive= is missing"),
            ("device_del vga", "board"),
            ("device_add max-x86_64-cpu,socket-id=1", "core-id= is missing"),
            ("device_add max-x86_64-cpu,socket-id=0,core-id=1", "there already"),
            ("device_add max-x86_64-cpu,socket-id=7", "0 to 1"),
            ("device_add qemu64-x86_64-cpu", "max-x86_64-cpu"),
            ("drive_del nothing", "no disk"),
            ("netdev_del nothing", "no network")):
        check(answer in pc.ask(command), "%s: `%s`" % (pc.machine, command))


def main():
    with scratch() as folder:
        with Pc(folder, "pc") as pc:
            disk(pc, "virtio-blk-pci", "vda", "")
            card(pc, "e1000", "")
            disk(pc, "nvme,serial=S1", "nvme0n1", "")
            by_program(pc, {})
            cpus(pc)
            if is_anole():
                wrong(pc)
            check(pc.guest.power_off() == 0, "pc: switched off")
        with Pc(folder, "q35", *PORTS, *([] if is_anole() else NATIVE)) as pc:
            card(pc, "virtio-net-pci", ",bus=rp1")
            disk(pc, "nvme,serial=S1", "nvme0n1", ",bus=rp2")
            by_program(pc, {"bus": "rp1"})
            cpus(pc)
            if is_anole():
                check("pcie-root-port" in pc.ask("device_add e1000"),
                      "q35: what takes devices is said")
            check(pc.guest.power_off() == 0, "q35: switched off")
    done()


main()
