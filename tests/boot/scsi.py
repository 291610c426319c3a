#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""virtio-scsi: disks and CDs that Linux uses, that come and go."""

import os
import subprocess
import time

from guest import (check, compiled, done, emulator, is_anole, more_initrd,
                   needs, note, run, scratch)
from pcguest import Pc

MODULES = "virtio_pci virtio_mmio virtio_scsi sd_mod sr_mod ext4 isofs"
PATIENCE = 60
BLOCKS = "/sys/class/block/"


def image(folder, name, mib=32):
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        f.truncate(mib << 20)
    return path


def drive(path, name, more=""):
    return ["-drive", "if=none,id=%s,format=raw,file=%s%s" % (name, path,
                                                              more)]


class ScsiPc(Pc):
    def __init__(self, folder, machine, adapter):
        disk = image(folder, machine + ".img")
        cd = os.path.join(folder, "cd.iso")
        self.disk, self.folder = disk, folder
        super().__init__(
            folder, machine, MODULES, "-smp", "2", "-nic", "none",
            "-device", adapter, *drive(disk, "d0", ",discard=unmap"),
            "-device", "scsi-hd,drive=d0,bus=scsi0.0,serial=NUMBER1,"
            "wwn=0x5000c50012345678,scsi-id=1,lun=3",
            *drive(cd, "d1", ",media=cdrom"),
            "-device", "scsi-cd,drive=d1,bus=scsi0.0,scsi-id=4,id=cd0",
            initrd=os.path.join(folder, "initrd"))

    def shell(self, command, what):
        status, output = self.guest.shell(command)
        if not self.check(status == 0, what):
            note(output + self.guest.shell("dmesg | tail -5")[1])
        return output

    def hmp(self, line):
        return self.qmp.run("human-monitor-command", **{"command-line": line})

    def until(self, what, test):
        limit = time.monotonic() + PATIENCE
        while self.guest.shell(test)[0] and time.monotonic() < limit:
            time.sleep(0.1)
        self.check(self.guest.shell(test)[0] == 0, what)


def use(pc):
    """What Linux sees, and does with a disk."""
    text = pc.shell("cat /sys/class/scsi_device/*/device/{vendor,model}; "
                    "ls /sys/class/scsi_device; "
                    "cat %ssda/device/vpd_pg80 %ssda/device/wwid"
                    % (BLOCKS, BLOCKS), "the units are found")
    pc.check(":0:1:3" in text and ":0:4:0" in text, "at their places")
    pc.check("NUMBER1" in text and "naa.5000c50012345678" in text,
             "by their names")
    pc.shell("/sbin/mkfs.ext4 -q /dev/sda && mkdir -p /mnt && "
             "mount -o discard /dev/sda /mnt && seq 1 99999 >/mnt/x && sync && "
             "dd if=/dev/urandom of=/mnt/y bs=1M count=16 && sync && "
             "sha256sum /mnt/y >/mnt/sum && umount /mnt && "
             "mount -o discard /dev/sda /mnt && tail -n 1 /mnt/x | grep 99999 "
             "&& sha256sum -c /mnt/sum", "a file system is used")
    full = os.stat(pc.disk).st_blocks
    pc.shell("rm /mnt/y && sync && umount /mnt", "a file is deleted")
    limit = time.monotonic() + PATIENCE
    while os.stat(pc.disk).st_blocks > full - (8 << 11) and (
            time.monotonic() < limit):
        time.sleep(0.1)
    if not pc.check(os.stat(pc.disk).st_blocks < full - (8 << 11),
                    "which gives room back (UNMAP)"):
        note("%d blocks, then %d" % (full, os.stat(pc.disk).st_blocks))
    pc.shell("dd if=/dev/zero of=/dev/sda bs=1M count=4 seek=8 && "
             "cat %ssda/queue/discard_max_bytes %ssda/queue/"
             "write_same_max_bytes; cd %ssda/device/"
             "scsi_disk/*/ && echo 'write through' >cache_type && "
             "grep through cache_type; cd /" % (BLOCKS, BLOCKS, BLOCKS),
             "its cache is turned off")
    pc.shell("mount -t iso9660 -o ro /dev/sr0 /mnt; grep hello /mnt/name; "
             "umount /mnt", "the CD is read")


def change(pc):
    """Trays, and units that come and go."""
    pc.shell("eject /dev/sr0", "the guest opens the tray")
    event = pc.qmp.event("DEVICE_TRAY_MOVED")
    pc.check(event == {"device": "d1", "id": "cd0", "tray-open": True},
             "the tray moves")
    pc.shell("eject /dev/sr0 -t; mount -t iso9660 -o ro /dev/sr0 /mnt || "
             "mount -t iso9660 -o ro /dev/sr0 /mnt; grep hello /mnt/name; "
             "umount /mnt", "and closes it, and reads")
    pc.hmp("drive_add 0 if=none,id=d2,format=raw,file=%s"
           % image(pc.folder, pc.machine + "2.img", 8))
    pc.hmp("device_add scsi-hd,drive=d2,id=hot,bus=scsi0.0,scsi-id=7")
    pc.until("a disk comes", "test -b /dev/sdb")
    pc.shell("dd if=/dev/urandom of=/dev/sdb bs=1M count=8 && "
             "cmp -n 1000 /dev/sdb /dev/sdb", "and is used")
    pc.hmp("device_del hot")
    pc.until("and goes", "test ! -b /dev/sdb")
    event = pc.qmp.event("DEVICE_DELETED")
    pc.check(event and event["device"] == "hot", "which is told")


def refused(folder):
    """-drive if=scsi on boards without an adapter."""
    status, _, errors = run([emulator(), "-M", "pc", "-display", "none",
                             "-drive", "if=scsi,format=raw,file="
                             + image(folder, "x.img")])
    check(status == 1 and "virtio-scsi-pci" in errors,
          "if=scsi says what would be right")


def main():
    needs("xorriso")
    with scratch() as folder:
        more_initrd("amd64", "tools.gz", os.path.join(folder, "initrd"), {
            "bin/eject": compiled("amd64/eject.c", folder + "/eject")})
        os.mkdir(folder + "/tree")
        with open(folder + "/tree/name", "w") as f:
            f.write("hello\n")
        subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-R", "-o",
                        folder + "/cd.iso", folder + "/tree"], check=True,
                       stderr=subprocess.DEVNULL)
        for machine, adapter in (("q35", "virtio-scsi-pci,id=scsi0"),
                                 ("microvm", "virtio-scsi-device,id=scsi0")):
            pc = ScsiPc(folder, machine, adapter)
            use(pc)
            change(pc)
            for text in pc.qmp.wrong:
                pc.check(False, text)
            pc.qmp.close()
            pc.check(pc.guest.power_off() == 0, "switched off")
            pc.guest.close()
        if is_anole():
            refused(folder)
    done()


main()
