#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Snapshots of machines in qcow2 images: made, gone back to, removed."""

import os

from guest import (Guest, check, done, emulator, is_anole, needs, note, run, scratch,
                   skip)
from hmpclient import Monitor
from qmpclient import Emulator, QmpError

DISK = ("/sbin/mkfs.ext4 -q -F /dev/vda; mkdir -p /mnt; "
        "mount -t ext4 /dev/vda /mnt; echo one >/mnt/file; sync; X=before")


def image(folder, name, size="64M", extra=()):
    path = os.path.join(folder, name)
    run(["qemu-img", "create", "-q", "-f", "qcow2", *extra, path, size])
    return path


class Machine:
    """A guest with its monitor and a disk."""

    number = 0

    def __init__(self, folder, *more):
        Machine.number += 1
        path = "%s/m%d" % (folder, Machine.number)
        self.guest = Guest(
            initrd="tools.gz", timeout=120,
            append='quiet guest.mod="virtio_mmio virtio_blk ext4"', extra=[
                "-drive", "if=none,id=d0,file=%s/disk.qcow2" % folder,
                "-device", "virtio-blk-device,drive=d0", "-monitor",
                "unix:%s,server=on,wait=off" % path, *more])
        self.monitor = Monitor(path)
        self.ask = self.monitor.ask

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.monitor.s.close()
        self.guest.close()

    def holds(self, word, value, what):
        """What the file and the shell's variable are."""
        got = self.guest.shell("cat /mnt/file; echo $X")[1]
        check(got == "%s\n%s\n" % (word, value), what) or note(got)

    def quiet(self, command, what):
        said = self.ask(command)
        check(said == "", what) or note(said)


def sound(path, what):
    status, output, errors = run(["qemu-img", "check", path])
    check(status == 0, what) or note(output + errors)


def test_guest(folder):
    disk = image(folder, "disk.qcow2")
    with Machine(folder) as m:
        check(m.guest.login(), "a guest") or done()
        m.guest.shell(DISK)
        m.holds("one", "before", "it has written to its disk")
        m.quiet("savevm first", "savevm")
        m.guest.shell("echo two >/mnt/file; cp -r /bin /mnt/more; sync; "
                      "X=after; rm -r /tmp/*")
        m.holds("two", "after", "it goes on, and changes things")
        m.quiet("savevm second", "savevm once more")
        listed = m.ask("info snapshots")
        check("first" in listed and "second" in listed,
              "info snapshots lists both") or note(listed)
        m.quiet("loadvm first", "loadvm")
        m.holds("one", "before", "all is as it was")
        m.guest.shell("echo three >/mnt/file; sync")
        m.quiet("loadvm second", "loadvm of the other")
        m.holds("two", "after", "and as it was then")
        m.quiet("loadvm first", "and back")
        m.holds("one", "before", "and again")
        check(m.guest.shell("test ! -e /mnt/more && echo four >/mnt/four && "
                            "sync && umount /mnt && /sbin/e2fsck -fn /dev/vda")
              [0] == 0, "its file system is whole")
        m.quiet("delvm second", "delvm")
        check("second" not in m.ask("info snapshots"), "and it is gone")
        check("does not exist" in m.ask("loadvm second"),
              "loadvm says so then")
        check(m.guest.shell("echo on")[1] == "on\n", "the guest runs on")
        m.ask("quit")
        m.guest.wait()
    sound(disk, "qemu-img finds no fault")
    listed = run(["qemu-img", "snapshot", "-l", disk])[1]
    check("first" in listed and "second" not in listed,
          "and lists what is left") or note(listed)
    with Machine(folder, "-loadvm", "first") as m:
        m.holds("one", "before", "-loadvm starts from there")
        check(m.guest.power_off() == 0, "and the guest powers off")
    sound(disk, "and the image is sound")


WORK = ("dd if=/dev/urandom of=/tmp/x bs=64k count=20 2>/dev/null; "
        "for i in $(seq 1 30); do cp /tmp/x /mnt/$((i%3)); sync; "
        "echo 3 >/proc/sys/vm/drop_caches; cmp /tmp/x /mnt/$((i%3)) || "
        "echo 'BA''D'; echo round $i; done; echo 'AL''L'")


def test_busy(folder):
    """The same while a thread works on the disk."""
    disk = image(folder, "disk.qcow2")
    thread = ["-object", "iothread,id=t0", "-global",
              "virtio-blk-device.iothread=t0"]
    with Machine(folder, *thread) as m:
        check(m.guest.login(), "a guest whose disk has a thread") or done()
        m.guest.shell(DISK)
        m.guest.send(WORK)
        for i in range(3):
            m.guest.expect("round %d\n" % (3 * i + 2))
            m.quiet("savevm s", "savevm while it writes")
            m.guest.expect("round %d\n" % (3 * i + 3))
            m.quiet("loadvm s", "and loadvm")
        check(m.guest.expect("ALL\n") and "BAD" not in m.guest.output,
              "it reads what it wrote")
        check(m.guest.shell("umount /mnt && /sbin/e2fsck -fn /dev/vda")[0]
              == 0, "its file system is whole")
        check(m.guest.power_off() == 0, "it powers off")
    sound(disk, "the image is sound")


# ------------------------------------------------------------ without a guest

def small(folder, *drives):
    extra = []
    for i, drive in enumerate(drives):
        extra += ["-drive", "if=none,id=d%d,%s" % (i, drive.replace(
            "@", folder)), "-device", "ide-hd,drive=d%d,bus=ide.%d" % (i, i)]
    return ["-M", "pc", "-m", "16", "-nodefaults", "-display", "none", "-S",
            *extra]


def job(qmp, command, name, **arguments):
    """Runs a job to its end; its error, or None."""
    qmp.run(command, **{"job-id": name, **arguments})
    while True:
        jobs = [j for j in qmp.run("query-jobs") if j["id"] == name]
        if jobs[0]["status"] == "concluded":
            qmp.run("job-dismiss", id=name)
            return jobs[0].get("error")


def snapshots(qmp, node):
    rows = qmp.run("query-named-block-nodes")
    found = [r["image"] for r in rows if r["node-name"] == node]
    return [(s["name"], s["vm-state-size"] > 0)
            for s in found[0].get("snapshots", [])]


def test_chain(folder):
    """Three images on top of each other, by -blockdev; each with its node."""
    names, nodes = ["base", "mid", "top"], []
    for below, name in zip([None, *names], names):
        image(folder, name, extra=["-b", below, "-F", "qcow2"] if below else ())
        nodes.append("driver=qcow2,node-name=%s,file.driver=file,file.filename="
                     "%s/%s%s%s" % (name, folder, name, ",read-only=on"
                                    if name != "top" else "",
                                    ",backing=" + below if below else ""))
    options = small(folder, "file=@/base,readonly=on")
    for node in nodes:
        options += ["-blockdev", node]
    with Emulator([*options, "-device", "virtio-blk-pci,drive=top"]) as e:
        rows = e.qmp.run("query-named-block-nodes")
        top = [r for r in rows if r["node-name"] == "top"][0]
        check(top["backing_file_depth"] == 2 and top["drv"] == "qcow2"
              and top["backing_file"].endswith("/mid"), "a chain by -blockdev")
    options[-1] = options[-1].replace("backing=mid", "backing=base")
    status, output, errors = run([emulator(), *options])
    check(status == 1 and "qemu-img rebase" in errors,
          "a chain that is another") or note(output + errors)
    os.remove(folder + "/base")
    status, output, errors = run([emulator(), "-M", "pc", "-display", "none",
                                  "-drive", "file=%s/top" % folder])
    check(status == 1 and "mid is based on base" in errors
          and "no such file" in errors, "a chain that ends early") \
        or note(output + errors)


def test_qmp(folder):
    image(folder, "a.qcow2")
    image(folder, "b.qcow2", extra=["-o", "compat=0.10"])
    with Emulator(small(folder, "file=@/a.qcow2", "file=@/b.qcow2")) as e:
        both = {"tag": "t", "vmstate": "d1", "devices": ["d0", "d1"]}
        check(job(e.qmp, "snapshot-save", "j1", **both) is None,
              "snapshot-save")
        check(snapshots(e.qmp, "d0") == [("t", False)]
              and snapshots(e.qmp, "d1") == [("t", True)],
              "the state is where it was to be")
        error = job(e.qmp, "snapshot-save", "j2", **both)
        check(error and "already exists" in error, "twice is an error")
        check(job(e.qmp, "snapshot-load", "j3", **both) is None,
              "snapshot-load")
        check(e.qmp.run("query-status")["status"] == "prelaunch",
              "what stood still stands still")
        error = job(e.qmp, "snapshot-load", "j4", **{**both, "vmstate": "d0"})
        check(error and "disks only" in error, "a disk without a state")
        del both["vmstate"]
        check(job(e.qmp, "snapshot-delete", "j5", **both) is None
              and not snapshots(e.qmp, "d0"), "snapshot-delete")
        check(not e.qmp.run("query-jobs"), "no job is left")
        for arguments in ({"tag": "t", "vmstate": "d7", "devices": ["d0"]},
                          {"tag": "t", "vmstate": "d0", "devices": ["d7"]}):
            try:
                e.qmp.run("snapshot-load", **{"job-id": "j", **arguments})
                check(False, "a disk that is not there")
            except QmpError as error:
                check("d7" in error.desc, "a disk that is not there")
    for name in "a.qcow2", "b.qcow2":
        sound(os.path.join(folder, name), "%s is sound" % name)


def test_errors(folder):
    with open(folder + "/raw.img", "wb") as f:
        f.truncate(1 << 20)
    disk = image(folder, "c.qcow2")
    run(["qemu-img", "snapshot", "-c", "disk", disk])
    cases = [
        ("savevm x", ["file=@/c.qcow2", "file=@/raw.img,format=raw"],
         ["Device 'd1'", "raw.img is raw", "qemu-img convert"]),
        ("savevm x", ["file=@/raw.img,format=raw,readonly=on"],
         ["No block device"]),
        ("loadvm x", ["file=@/c.qcow2"], ["'x' does not exist", "c.qcow2"]),
        ("loadvm disk", ["file=@/c.qcow2"], ["disks only", "snapshot -a"]),
        ("loadvm", ["file=@/c.qcow2"], ["info snapshots"]),
        ("savevm x", ["file=@/c.qcow2", "file=@/raw.img,format=raw,"
                      "snapshot=on"], []),
    ]
    for command, drives, words in cases:
        path = folder + "/e"
        with Emulator([*small(folder, *drives), "-monitor",
                       "unix:%s,server=on,wait=off" % path]):
            m = Monitor(path)
            said = m.ask(command)
            m.s.close()
        check(all(w in said for w in words) and bool(words) == bool(said),
              "%s with %s" % (command, " ".join(drives))) or note(said)
    sound(disk, "the image is sound")
    status, output, errors = run(["qemu-img", "info", disk])
    check("x " in output, "what could be made was") or note(output + errors)


def test_strange(folder):
    """A snapshot of another machine, and one of another program."""
    disk = image(folder, "s.qcow2")
    options = small(folder, "file=@/s.qcow2")
    with Emulator([*options, "-monitor",
                   "unix:%s/s,server=on,wait=off" % folder]):
        m = Monitor(folder + "/s")
        m.ask("savevm x")
        m.s.close()
    options[options.index("16")] = "32"
    with Emulator([*options, "-monitor",
                   "unix:%s/t,server=on,wait=off" % folder]) as e:
        m = Monitor(folder + "/t")
        said = m.ask("loadvm x")
        check("memory" in said and "16777216" in said,
              "a machine with less memory") or note(said)
        check(e.qmp.run("query-status")["status"] == "prelaunch",
              "and nothing happened to this one")
        m.s.close()
    sound(disk, "the image is sound")


def main():
    if not is_anole():
        skip("the states are anole's own")
    needs("qemu-img")
    for test in test_errors, test_strange, test_chain, test_qmp, test_guest, test_busy:
        with scratch() as folder:
            test(folder)
    done()


main()
