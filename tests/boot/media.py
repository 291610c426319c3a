#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""CDs that come and go in a running Linux guest: by the guest, by monitors."""

import os
import subprocess

from guest import compiled, done, is_anole, more_initrd, needs, note, scratch
from pcguest import Pc
from qmpclient import QmpError

MODULES = "ata_piix ahci sr_mod isofs"


def make_cd(folder, name):
    """A CD that says its name."""
    tree, path = os.path.join(folder, name), os.path.join(folder, name + ".iso")
    os.mkdir(tree)
    with open(os.path.join(tree, "name"), "w") as f:
        f.write(name + "\n")
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-R", "-o", path,
                    tree], check=True, stderr=subprocess.DEVNULL)
    return path


class MediaPc(Pc):
    def __init__(self, folder, machine, drive):
        super().__init__(folder, machine, MODULES, "-nic", "none",
                         initrd=os.path.join(folder, "initrd"))
        self.drive = drive

    def mount(self, name):
        """The guest reads the CD of that name."""
        mount = "mount -t iso9660 -o ro /dev/sr0 /mnt"
        if not is_anole():              # QEMU fails the first read
            mount = "{ %s || %s; }" % (mount, mount)
        status, output = self.guest.shell(
            "mkdir -p /mnt; %s && cat /mnt/name" % mount)
        if status or output.split()[-1:] != [name]:
            note(output)
        return status == 0 and output.split()[-1:] == [name]

    def state(self):
        """(tray open, locked, is a disk in it)"""
        row = [r for r in self.qmp.run("query-block")
               if r["device"] == self.drive][0]
        return row["tray_open"], row["locked"], "inserted" in row

    def moved(self, is_open):
        event = self.qmp.event("DEVICE_TRAY_MOVED")
        return event and (event["device"], event["tray-open"]) == (
            self.drive, is_open)

    def run(self, command, **arguments):
        """The text of the error, or an empty one."""
        try:
            self.qmp.run(command, **arguments)
        except QmpError as e:
            return e.desc
        return ""

    def hmp(self, line):
        return self.qmp.run("human-monitor-command", **{"command-line": line})


def by_monitor(pc, first, second):
    """The host changes the disk."""
    pc.check(pc.state() == (False, False, False), "the drive is empty")
    pc.check(pc.guest.shell("cat /dev/sr0")[0] != 0, "nothing to read")
    pc.check(pc.run("blockdev-change-medium", device=pc.drive,
                    filename=first) == "", "a CD comes")
    pc.check(pc.mount("first"), "the guest reads it")
    pc.check(pc.state() == (False, True, True), "and locks the tray")
    pc.check("is locked" in pc.run("eject", device=pc.drive),
             "which stays closed")
    pc.check(pc.guest.shell("cat /mnt/name; umount /mnt")[0] == 0,
             "it can be read still")
    pc.check(pc.state() == (False, False, True), "the tray is unlocked")
    pc.check(pc.hmp("change %s %s raw" % (pc.drive, second)) == "",
             "HMP changes it")
    pc.check(pc.moved(True) and pc.moved(False), "the tray moved twice")
    pc.check(pc.mount("second"), "the guest reads the other one")
    pc.check(pc.run("eject", device=pc.drive, force=True) == ""
             and pc.moved(True), "force opens what is locked")
    pc.check(pc.guest.shell("cat /mnt/name; umount /mnt")[0] == 0
             and pc.guest.shell("mount -t iso9660 -o ro /dev/sr0 /mnt")[0],
             "the guest sees that it is gone")
    pc.check(pc.moved(False), "and closes the tray, as Linux does")


def by_guest(pc, first):
    """The guest opens and closes the tray."""
    node = {"driver": "raw", "node-name": "cd1", "read-only": True,
            "file": {"driver": "file", "filename": first}}
    qdev = [r["qdev"] for r in pc.qmp.run("query-block")
            if r["device"] == pc.drive][0]
    pc.check(pc.run("blockdev-open-tray", id=qdev) == "" and pc.moved(True),
             "the tray opens")
    pc.check(pc.state() == (True, False, False), "and is empty")
    pc.qmp.run("blockdev-add", **node)
    pc.check(pc.run("blockdev-insert-medium", id=qdev, **{
        "node-name": "cd1"}) == "", "a node comes into the open tray")
    pc.check(pc.guest.shell("eject /dev/sr0 -t")[0] == 0
             and pc.moved(False), "the guest closes it")
    # QEMU 7.2 goes on saying that there is none.
    pc.check(not is_anole() or pc.mount("first"), "and reads")
    pc.check("is in use" in pc.run("blockdev-del", **{"node-name": "cd1"}),
             "the node is in use")
    pc.guest.shell("umount /mnt")
    pc.check(pc.guest.shell("eject /dev/sr0")[0] == 0 and pc.moved(True),
             "the guest opens the tray")
    pc.check(pc.state() == (True, False, True), "with the CD in it")
    pc.check(pc.run("blockdev-remove-medium", id=qdev) == ""
             and pc.run("blockdev-del", **{"node-name": "cd1"}) == "",
             "CD and node go")


def main():
    needs("xorriso")
    with scratch() as folder:
        more_initrd("amd64", "tools.gz", os.path.join(folder, "initrd"), {
            "bin/eject": compiled("amd64/eject.c", folder + "/eject")})
        disks = [make_cd(folder, name) for name in ("first", "second")]
        for machine, drive in (("pc", "ide1-cd0"), ("q35", "ide2-cd0")):
            pc = MediaPc(folder, machine, drive)
            by_monitor(pc, *disks)
            by_guest(pc, disks[0])
            for text in pc.qmp.wrong:
                pc.check(False, text)
            pc.qmp.close()
            pc.check(pc.guest.power_off() == 0, "switched off")
            pc.guest.close()
    done()


main()
