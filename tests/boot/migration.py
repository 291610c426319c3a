#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""State that is saved and loaded: whole guests in the middle of their work."""

import os
import re
import struct
import sys

from guest import (TOP, Guest, check, done, emulator, is_anole, note,
                   read_until, run, scratch, skip, unix_connect)

sys.path.insert(0, os.path.join(TOP, "scripts"))
import vmstate                          # noqa: E402

MODULES = ("virtio_mmio virtio_pci virtio_blk virtio_net virtio_rng e1000 "
           "8139cp 8139too ne2k-pci nvme ahci ata_piix sd_mod ext4")
PROMPT = b"(anole) "

# What each guest has; @ is the folder with two empty disks.
DISKS = ["-drive", "if=none,id=d0,format=raw,file=@/a.img",
         "-drive", "if=none,id=d1,format=raw,file=@/b.img"]
USER = ["-netdev", "user,id=n0"]
GUESTS = {
    "virt": ("arm64", ["-M", "virt", "-cpu", "cortex-a57", "-m", "256",
                       "-smp", "2"],
             [*DISKS, *USER, "-device", "virtio-blk-device,drive=d0",
              "-device", "virtio-net-device,netdev=n0",
              "-device", "virtio-rng-device"], "vda"),
    "pc": ("amd64", ["-M", "pc", "-cpu", "max", "-m", "256"],
           [*DISKS, *USER, "-device", "ide-hd,drive=d0",
            "-device", "virtio-blk-pci,drive=d1",
            "-device", "virtio-net-pci,netdev=n0"], "sda"),
    "q35": ("amd64", ["-M", "q35", "-cpu", "max", "-m", "256", "-smp", "2"],
            [*DISKS, *USER, "-device", "ide-hd,drive=d0",
             "-device", "nvme,drive=d1,serial=S", "-device",
             "e1000,netdev=n0"], "nvme0n1"),
    "microvm": ("amd64", ["-M", "microvm", "-cpu", "max", "-m", "256"],
                [*DISKS, *USER, "-device", "virtio-blk-device,drive=d0",
                 "-device", "virtio-net-device,netdev=n0"], "vda"),
}
WORK = ("dd if=/dev/urandom of=/tmp/x bs=1M count=4 2>/dev/null; "
        "for i in 1 2 3 4 5 6 7 8; do echo round $i; "
        "dd if=/tmp/x of=/dev/%s bs=1M seek=$((i*4)) 2>/dev/null; sync; "
        "echo 3 > /proc/sys/vm/drop_caches; "
        "dd if=/dev/%s bs=1M skip=$((i*4)) count=4 2>/dev/null | md5sum; "
        "done; md5sum /tmp/x; echo WORK'-DONE'")


class Monitor:
    """The human monitor of a guest."""

    def __init__(self, path):
        self.s = unix_connect(path)
        read_until(self.s, PROMPT)

    def ask(self, command):
        self.s.sendall(command.encode() + b"\n")
        text = read_until(self.s, PROMPT, 120).decode().replace("\r", "")
        return text.partition("\n")[2].removesuffix(PROMPT.decode())


class Machine:
    """A guest of GUESTS with its monitor."""

    number = 0

    def __init__(self, folder, name, *more):
        Machine.number += 1
        arch, machine, extra, self.disk = GUESTS[name]
        path = "%s/m%d" % (folder, Machine.number)
        self.guest = Guest(
            arch=arch, initrd="tools.gz", machine=machine, timeout=120,
            append='quiet guest.mod="%s"' % MODULES,
            extra=[*(e.replace("@", folder) for e in extra), "-monitor",
                   "unix:%s,server=on,wait=off" % path, *more])
        self.monitor = Monitor(path)
        self.ask = self.monitor.ask

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.monitor.s.close()
        self.guest.close()


def make_disks(folder):
    for name in "a.img", "b.img":
        with open(os.path.join(folder, name), "wb") as f:
            f.truncate(64 << 20)


def differences(one, two):
    """What two saved states differ in, by name."""
    (a, am), (b, bm) = vmstate.read(one), vmstate.read(two)
    names = ["%s %s: %s" % (*key, record) for key in a | b
             for record in a.get(key, {}) | b.get(key, {})
             if a.get(key, {}).get(record) != b.get(key, {}).get(record)]
    return names + ["memory %s %#x" % k for k in am | bm
                    if am.get(k) != bm.get(k)]


def reach_network(guest):
    """Has the guest's card an address, and does the gateway answer?"""
    status, text = guest.shell(
        "ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0 2>/dev/null; "
        "ping -c 3 10.0.2.2")     # a new one first has to learn who is who
    return status == 0 or note(text)


def finished(guest):
    """Did the work end with the checksum of its start, each time?"""
    if not guest.expect("WORK-DONE\n"):
        return False
    sums = re.findall(r"^([0-9a-f]{32})  ", guest.output, re.M)
    return len(sums) >= 2 and len(set(sums)) == 1


def test_file(folder, name):
    """In the midst of work to a file; a new process goes on from it."""
    state, again = folder + "/state", folder + "/again"
    make_disks(folder)
    with Machine(folder, name) as m:
        check(m.guest.login(), name + ": a guest") or done()
        check(reach_network(m.guest), name + ": it reaches the network")
        m.guest.send(WORK % (m.disk, m.disk))
        m.guest.expect("round 2\n")
        m.ask("stop")
        screen = "vga" in m.ask("info qtree").lower()
        if screen:
            m.ask("screendump %s/before.ppm" % folder)
        if name == "microvm":
            m.ask("migrate_set_capability compress on")
        said = m.ask("migrate file:" + state)
        check("completed" in m.ask("info migrate"), name + ": it is saved") \
            or note(said)
        m.ask("quit")
        m.guest.wait()
    with Machine(folder, name, "-S", "-incoming", "file:" + state) as m:
        while "inmigrate" in m.ask("info status"):
            pass
        m.ask("migrate file:" + again)
        wrong = differences(state, again)
        check(not wrong, name + ": loaded and saved again it is the same") \
            or note("\n".join(wrong[:20]))
        if screen:
            m.ask("screendump %s/after.ppm" % folder)
            check(open(folder + "/before.ppm", "rb").read()
                  == open(folder + "/after.ppm", "rb").read(),
                  name + ": the screen is the same")
        m.ask("cont")
        check(finished(m.guest), name + ": the work ends as it should")
        check(reach_network(m.guest), name + ": the network is alive")
        check(m.guest.power_off() == 0, name + ": it powers off")


def test_live(folder):
    """From process to process while the guest writes to memory."""
    make_disks(folder)
    path = "unix:%s/stream" % folder
    with Machine(folder, "virt") as m:
        check(m.guest.login(), "live: a guest") or done()
        m.guest.send("dd if=/dev/urandom of=/tmp/x bs=1M count=8 2>/dev/null; "
                     "md5sum /tmp/x; i=0; while [ $i -lt 80 ]; do "
                     "i=$((i+1)); cp /tmp/x /tmp/y; echo copy $i; done; "
                     "cp /tmp/y /dev/vda; sync; echo 3 >/proc/sys/vm/drop_"
                     "caches; dd if=/dev/vda bs=1M count=8 2>/dev/null | md5sum; echo WORK'-DONE'")
        m.guest.expect("copy 1\n")
        with Machine(folder, "virt", "-incoming", "defer") as to:
            to.ask("migrate_incoming " + path)
            m.ask("migrate_set_parameter downtime-limit 100")
            m.ask("migrate " + path)
            info = m.ask("info migrate")
            check("completed" in info, "live: it is sent") or note(info)
            passes = re.search(r"dirty-sync-count: (\d+)", info)
            check(passes and int(passes[1]) >= 2, "live: in passes")
            said = m.ask("cont")
            check("in use" in said, "live: the disks are the other's now") \
                or note(said)
            to.guest.output = m.guest.output + to.guest.output
            check(finished(to.guest), "live: the work ends as it should")


def test_cancel(folder):
    """A migration that nobody receives is stopped; the guest goes on."""
    make_disks(folder)
    with Machine(folder, "microvm") as m:
        check(m.guest.login(), "cancel: a guest") or done()
        m.ask("migrate_set_parameter max-bandwidth 1000")
        m.ask("migrate -d exec:cat>/dev/null")
        while "status: setup" in m.ask("info migrate"):
            pass
        check("status: active" in m.ask("info migrate"), "cancel: it is active")
        m.ask("migrate_cancel")
        while "cancelling" in m.ask("info migrate"):
            pass
        check("cancelled" in m.ask("info migrate"), "cancel: it ends")
        check(m.guest.shell("echo on")[1] == "on\n", "cancel: the guest runs")
        m.ask("migrate_set_parameter max-bandwidth 0")
        check("status 3" in m.ask("migrate exec:cat >/dev/null; exit 3"),
              "a program that fails is told of")
        check("no disk" in m.ask("savevm x"),
              "savevm says what is there instead")


def receive(folder, data, *options):
    """Status and errors of a process that is to start from these bytes."""
    path = folder + "/bad"
    with open(path, "wb") as f:
        f.write(data)
    status, _, errors = run([emulator(), *options, "-nodefaults", "-display",
                             "none", "-incoming", "file:" + path])
    return status, errors


def test_errors(folder):
    """Streams that are not right: a message, status 1, and no more."""
    path, machine = folder + "/good", ["-M", "isapc", "-m", "16"]
    with Guest([emulator(), *machine, "-nodefaults", "-display", "none", "-S",
                "-monitor", "unix:%s/e,server=on,wait=off" % folder]):
        Monitor(folder + "/e").ask("migrate file:" + path)
    with open(path, "rb") as f:
        good = f.read()
    cases = [
        ("nothing", b"", machine, "ends early"),
        ("a text", b"no saved state, just some text\n", machine, "no saved"),
        ("another version", good[:8] + b"\7" + good[9:], machine, "version 7"),
        ("a part", good[:len(good) // 2], machine, "ends early"),
        ("a wrong byte", good[:-200] + b"#" + good[-199:], machine,
         "checksum"),
        ("another board", good, ["-M", "pc", "-m", "16"], "isapc"),
        ("more memory", good, ["-M", "isapc", "-m", "32"], "memory"),
        ("another CPU", good, [*machine, "-cpu", "pentium"], "feature"),
        ("one device more", good, [*machine, "-device", "ib700"], "ib700"),
    ]
    for name, data, options, words in cases:
        status, errors = receive(folder, data, *options)
        check(status == 1 and words in errors, "it refuses " + name) \
            or note("%s: %s" % (status, errors))
    for name, words, change in (
            ("a field that is out of range", "pit", {"ch.mode": 1}),
            ("a record that is missing", "not there", None)):
        status, errors = receive(folder, altered(good, change), *machine)
        check(status == 1 and words in errors, "it refuses " + name) \
            or note("%s: %s" % (status, errors))


def altered(data, change):
    """The stream with numbers of the device pit changed, or one left out."""
    import zlib
    out = bytearray(data[:12])
    kinds = {name: kind for kind, name in vmstate.KINDS.items()}
    for kind, name, contents in vmstate.sections(data):
        if kind == "device" and name == "pit":
            rows = list(vmstate.records(contents))
            if change is None:
                rows = rows[1:]
            contents = b"".join(
                bytes([len(r)]) + r.encode() + struct.pack(
                    "<BI%d%s" % (len(v), vmstate.CODES[u]), u, len(v),
                    *([255] * len(v) if r in (change or {}) else v))
                for r, u, v in rows)
        head = bytes([kinds[kind], len(name)]) + name.encode() \
            + struct.pack("<I", len(contents))
        out += head + contents + struct.pack("<I", zlib.crc32(head + contents))
    return bytes(out)


def main():
    if not is_anole():
        skip("the stream is anole's own")
    for test, *arguments in (
            (test_errors,), (test_live,), (test_cancel,),
            (test_file, "virt"), (test_file, "pc"), (test_file, "q35"),
            (test_file, "microvm")):
        with scratch() as folder:
            test(folder, *arguments)
    done()


main()
