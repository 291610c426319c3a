#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A virtio disk: a file system made, filled and found again by the guest."""

import os
import re

from guest import Guest, check, done, needs, note, run, scratch

SIZE = 96 << 20
NAMES = "a b c d"

MAKE = """mkdir -p /mnt; /sbin/mkfs.ext4 -q -F /dev/vda &&
mount -t ext4 /dev/vda /mnt""".replace("\n", " ")
FILL = """for n in %s; do
dd if=/dev/urandom of=/mnt/$n bs=64k count=40 2>/dev/null; done;
mkdir -p /mnt/x/y; seq 1 5000 >/mnt/x/y/numbers; ln -s x/y/numbers /mnt/link;
for i in $(seq 1 200); do echo $i >/mnt/x/$i; done;
sync""".replace("\n", " ") % NAMES
SUMS = "cd /mnt; sha256sum %s link x/*[0-9] | sort; cd /" % NAMES


def boot(image, extra="", **more):
    drive = "file=%s,if=none,id=d0,format=%s%s" % (
        image, "qcow2" if image.endswith(".qcow2") else "raw", extra)
    return Guest(initrd="tools.gz", append='quiet guest.mod="virtio_mmio '
                 'virtio_blk ext4"', timeout=240, extra=[
                     "-drive", drive, "-device", "virtio-blk-device,drive=d0"],
                 **more)


def sums(g):
    status, output = g.shell(SUMS)
    found = re.findall(r"^[0-9a-f]{64}  \S+$", output, re.M)
    return sorted(found) if status == 0 else []


def first(image):
    """Makes and fills the file system; what is in it."""
    with boot(image) as g:
        check(g.login(), "a guest with a disk") or done()
        status, output = g.shell("cat /sys/block/vda/size")
        check(output.strip() == str(SIZE // 512), "of the right size")
        check(g.shell(MAKE)[0] == 0, "mkfs.ext4 and mount")
        check(g.shell(FILL)[0] == 0, "files are written")
        before = sums(g)
        check(len(before) == 205, "and read")
        g.shell("echo 3 >/proc/sys/vm/drop_caches")
        check(sums(g) == before, "and read again from the disk")
        check(g.shell("umount /mnt")[0] == 0, "unmounted")
        check(g.power_off() == 0, "switched off")
    return before


def fsck(image):
    if image.endswith(".qcow2"):
        status, output, errors = run(["qemu-img", "check", image], 120)
        check(status == 0, "qemu-img finds no fault in %s"
              % os.path.basename(image)) or note(output + errors)
        raw = image + ".raw"
        run(["qemu-img", "convert", "-O", "raw", image, raw], 120)
        image = raw
    status, output, errors = run(["e2fsck", "-fn", image], 120)
    if not check(status == 0, "the host's e2fsck finds no fault"):
        note(output + errors)


def second(image, before):
    with boot(image) as g:
        check(g.login(), "the guest again") or done()
        check(g.shell("mkdir -p /mnt; mount -t ext4 /dev/vda /mnt")[0] == 0,
              "mounts the disk")
        check(sums(g) == before, "and finds what it wrote")
        check(g.shell("rm -r /mnt/x /mnt/a; cp /mnt/b /mnt/e; sync")[0] == 0,
              "changes it")
        check(g.power_off() == 0, "and is switched off without unmounting")
    status, output, errors = run(["e2fsck", "-fp", image], 120)
    if not check(status in (0, 1), "only the journal has to be replayed"):
        note(output + errors)


def read_only(image):
    before = open(image, "rb").read()
    with boot(image, ",readonly=on") as g:
        check(g.login(), "the guest with readonly=on") or done()
        status, output = g.shell("cat /sys/block/vda/ro")
        check(output.strip() == "1", "knows that the disk is read-only")
        check(g.shell("dd if=/dev/zero of=/dev/vda bs=4k count=1 conv=fsync")
              [0] not in (0, None), "cannot write")
        check(g.power_off() == 0, "and is switched off")
    check(open(image, "rb").read() == before, "and the image is the same")


def nvme(image):
    """The same disk as a namespace of NVM Express."""
    with Guest(arch="amd64", initrd="tools.gz", timeout=240,
               machine=["-M", "q35", "-cpu", "max", "-m", "512", "-smp", "2"],
               append='quiet guest.mod="nvme ext4"',
               extra=["-drive", "file=%s,if=none,id=d0,format=raw" % image,
                      "-device", "nvme,id=n0,serial=S1",
                      "-device", "nvme-ns,drive=d0,bus=n0"]) as g:
        check(g.login(), "a guest with NVMe") or done()
        check(g.shell(MAKE.replace("vda", "nvme0n1"))[0] == 0,
              "NVMe: mkfs.ext4 and mount")
        check(g.shell(FILL)[0] == 0, "NVMe: files are written")
        before = sums(g)
        check(len(before) == 205, "NVMe: and read")
        g.shell("cd /mnt; for i in 1 2 3 4; do (for n in $(seq 10); do "
                "cp a f$i; cmp a f$i || echo BA\"\"D; rm f$i; done) & done; "
                "wait; cd /")
        check("BAD" not in g.output, "NVMe: and copied by four at once")
        g.shell("echo 3 >/proc/sys/vm/drop_caches")
        check(sums(g) == before, "NVMe: and read again from the disk")
        g.shell("umount /mnt")
        check(g.power_off() == 0, "NVMe: switched off")
    fsck(image)


def overlays(folder, image):
    """What is written to an overlay, and with snapshot=on, stays in it."""
    with open(image, "rb") as f:
        raw = f.read()
    top = os.path.join(folder, "top.qcow2")
    run(["qemu-img", "create", "-q", "-f", "qcow2", "-b",
         os.path.basename(image), "-F", "raw", top], 60)
    for extra in "", ",snapshot=on":
        with boot(top, extra) as g:
            check(g.login(), "a guest with an overlay" + extra) or done()
            check(g.shell("mkdir -p /mnt; mount -t ext4 /dev/vda /mnt && "
                          "test -f /mnt/b -a ! -f /mnt/new%d" % len(extra))[0]
                  == 0, "it finds what was below")
            g.shell("cp /mnt/b /mnt/new%d; rm /mnt/c; sync" % len(extra))
            check(g.shell("cmp /mnt/b /mnt/new%d; umount /mnt" % len(extra))[0]
                  == 0, "it writes to it")
            check(g.power_off() == 0, "it is switched off")
    fsck(top)
    with open(image, "rb") as f:
        check(f.read() == raw, "what is below is as it was")
    status, output, _ = run(["debugfs", "-R", "ls /", top + ".raw"], 60)
    check("new0" in output and "new12" not in output,
          "the overlay has what was written to it alone") or note(output)


def threaded(image):
    """Two CPUs, two queues, a thread that serves the disk."""
    with Guest(arch="amd64", initrd="tools.gz", timeout=240,
               machine=["-M", "q35", "-cpu", "max", "-m", "256", "-smp", "2"],
               append='quiet guest.mod="virtio_pci virtio_blk ext4"', extra=[
                   "-object", "iothread,id=t0", "-drive",
                   "file=%s,if=none,id=d0" % image, "-device",
                   "virtio-blk-pci,drive=d0,iothread=t0"]) as g:
        check(g.login(), "a guest whose disk has a thread") or done()
        check(g.shell("mkdir -p /mnt; mount -t ext4 /dev/vda /mnt")[0] == 0,
              "thread: it mounts the disk")
        before = sums(g)
        g.shell("cd /mnt; for i in 1 2 3; do (for n in $(seq 10); do "
                "cp b f$i; sync; echo 3 >/proc/sys/vm/drop_caches; "
                "cmp b f$i || echo BA\"\"D; rm f$i; done) & done; wait; cd /")
        check("BAD" not in g.output, "thread: files are copied by three")
        check(sums(g) == before, "thread: and all is as it was")
        g.shell("umount /mnt")
        check(g.power_off() == 0, "thread: switched off")
    fsck(image)


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    needs("e2fsck")
    needs("qemu-img")
    with scratch() as folder:
        image = os.path.join(folder, "disk.img")
        with open(image, "wb") as f:
            f.truncate(SIZE)
        before = first(image)
        fsck(image)
        second(image, before)
        fsck(image)
        read_only(image)
        overlays(folder, image)
        nvme(image)
        image = os.path.join(folder, "disk.qcow2")
        run(["qemu-img", "create", "-q", "-f", "qcow2", image, str(SIZE)], 60)
        first(image)
        fsck(image)
        threaded(image)
    done()


main()
