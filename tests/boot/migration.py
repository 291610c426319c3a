#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""State that is saved and loaded: whole guests in the middle of their work."""

import os
import random
import re
import struct
import subprocess
import sys
import zlib

from guest import (TOP, Guest, check, done, emulator, is_anole, needs, note,
                   read_until, run, scratch, skip)
from hmpclient import Monitor

sys.path.insert(0, os.path.join(TOP, "scripts"))
import vmstate                          # noqa: E402

MODULES = ("virtio_mmio virtio_pci virtio_blk virtio_net virtio_rng e1000 "
           "8139cp 8139too ne2k-pci nvme ahci ata_piix sd_mod ext4")

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
    path, image = "unix:%s/stream" % folder, folder + "/c.qcow2"
    run(["qemu-img", "create", "-q", "-f", "qcow2", image, "64M"])
    more = ["-object", "iothread,id=t0", "-drive", "if=none,id=d2,file=" + image,
            "-device", "virtio-blk-device,drive=d2,iothread=t0"]
    with Machine(folder, "virt", *more) as m:
        check(m.guest.login(), "live: a guest") or done()
        m.guest.send("dd if=/dev/urandom of=/tmp/x bs=1M count=8 2>/dev/null; "
                     "md5sum /tmp/x; i=0; while [ $i -lt 40 ]; do "
                     "i=$((i+1)); cp /tmp/x /tmp/y; echo copy $i; "
                     "dd if=/tmp/x of=/dev/vdb bs=1M seek=$((i%5*8)) "
                     "2>/dev/null; sync; done; cp /tmp/y /dev/vda; sync; "
                     "echo 3 >/proc/sys/vm/drop_caches; for d in a b; do "
                     "dd if=/dev/vd$d bs=1M count=8 2>/dev/null | md5sum; "
                     "done; echo WORK'-DONE'")
        m.guest.expect("copy 1\n")
        with Machine(folder, "virt", "-incoming", "defer", *more) as to:
            to.ask("migrate_incoming " + path)
            m.ask("migrate_set_parameter downtime-limit 100")
            m.ask("migrate " + path)
            info = m.ask("info migrate")
            check("completed" in info, "live: it is sent") or note(info)
            passes = re.search(r"dirty-sync-count: (\d+)", info)
            check(passes and int(passes[1]) >= 2, "live: in passes")
            while "inmigrate" in to.ask("info status"):
                pass
            said = m.ask("cont")
            check("in use" in said, "live: the disks are the other's now") \
                or note(said)
            to.guest.output = m.guest.output + to.guest.output
            check(finished(to.guest), "live: the work ends as it should")
            check(to.guest.power_off() == 0, "live: it powers off")
    status, output, errors = run(["qemu-img", "check", image])
    check(status == 0, "live: qemu-img finds no fault in its qcow2 disk") \
        or note(output + errors)


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
        said = m.ask("savevm x")
        check("qemu-img convert" in said, "savevm says what it takes") \
            or note(said)


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


def rebuilt(data, alter):
    """The stream with what alter(kind, name, rows) made of the records."""
    out = bytearray(data[:12])
    kinds = {name: kind for kind, name in vmstate.KINDS.items()}
    for kind, name, contents in vmstate.sections(data):
        if kind not in ("ram", "end"):
            contents = b"".join(
                bytes([len(r)]) + r.encode() + struct.pack(
                    "<BI%d%s" % (len(v), vmstate.CODES[u]), u, len(v), *v)
                for r, u, v in alter(kind, name, list(
                    vmstate.records(contents))))
        head = bytes([kinds[kind], len(name)]) + name.encode() \
            + struct.pack("<I", len(contents))
        out += head + contents + struct.pack("<I", zlib.crc32(head + contents))
    return bytes(out)


def altered(data, change):
    """With numbers of the device pit changed, or a record left out."""
    def alter(kind, name, rows):
        if (kind, name) != ("device", "pit"):
            return rows
        if change is None:
            return rows[1:]
        return [(r, u, [255] * len(v) if r in change else v)
                for r, u, v in rows]
    return rebuilt(data, alter)


# ------------------------------------------------------------- random streams

# Machines with many devices, started by their firmware or not at all.
EVERYTHING = {
    "q35": ["-smp", "2", *DISKS, *USER, "-device", "ide-hd,drive=d0",
            "-device", "nvme,drive=d1,serial=S", "-device",
            "e1000,netdev=n0", "-device", "rtl8139", "-device", "ne2k_pci",
            "-device", "pcnet",
            "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
            "-device", "pcie-root-port,id=r1,slot=1", "-device",
            "virtio-net-pci,bus=r1", "-device", "i6300esb"],
    "pc": [*DISKS, "-device", "ide-cd", "-drive",
           "if=floppy,format=raw,file=@/floppy.img", "-device",
           "virtio-blk-pci,drive=d0", "-device", "pci-bridge,id=b1,"
           "chassis_nr=1", "-device", "e1000,bus=b1,addr=1", "-device",
           "ib700"],
    "isapc": ["-device", "ne2k_isa"],
    "virt": ["-cpu", "max", "-smp", "2", *DISKS, *USER, "-device",
             "virtio-blk-device,drive=d0", "-device",
             "virtio-net-device,netdev=n0", "-device", "virtio-rng-device",
             "-device", "virtio-serial-device"],
}


def everything(folder, board):
    return [emulator(), "-M", board, "-m", "32", "-nodefaults", "-display",
            "none", *(["-vga", "std"] if board != "virt" else []),
            *(e.replace("@", folder) for e in EVERYTHING[board])]


def started(folder, board):
    """A state of the machine with everything, and that it loads again."""
    one, two = folder + "/one", folder + "/two"
    with Guest([*everything(folder, board), "-serial", "stdio", "-monitor",
                "unix:%s/%s,server=on,wait=off" % (folder, board)]) as g:
        m = Monitor("%s/%s" % (folder, board))
        while board != "virt" and "Boot" not in m.ask("info screen"):
            if g.seconds() > 60:
                check(False, board + ": its firmware starts")
                break
        m.ask("stop")
        m.ask("migrate file:" + one)
    with Guest([*everything(folder, board), "-serial", "stdio", "-monitor",
                "unix:%s/%s2,server=on,wait=off" % (folder, board),
                "-incoming", "file:" + one]) as g:
        m = Monitor("%s/%s2" % (folder, board))
        while "inmigrate" in m.ask("info status"):
            pass
        m.ask("migrate file:" + two)
    wrong = differences(one, two)
    check(not wrong, board + ": with everything it is the same again") \
        or note("\n".join(wrong[:20]))
    with open(one, "rb") as f:
        return f.read()


def spoil(rng, data):
    """Numbers of some records changed, or bytes of the stream."""
    if rng.random() < 0.2:
        bad = bytearray(data)
        for _ in range(rng.randint(1, 8)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        return bytes(bad[:rng.choice((len(bad), rng.randrange(len(bad))))])

    def alter(kind, name, rows):
        if kind == "machine" or rng.random() < 0.8:
            return rows
        return [(r, u, [rng.choice((0, 1, v, rng.getrandbits(8 * u), v ^ 1
                                    << rng.randrange(8 * u),
                                    (1 << 8 * u) - 1)) for v in numbers]
                 if rng.random() < 0.1 else numbers)
                for r, u, numbers in rows]
    return rebuilt(data, alter)


def survives(folder, board, data):
    """It is refused with a word, or runs until it is told to end."""
    path = folder + "/spoilt"
    with open(path, "wb") as f:
        f.write(data)
    child = subprocess.Popen(
        [*everything(folder, board), "-serial", "null", "-monitor", "stdio",
         "-no-reboot", "-incoming", "file:" + path], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    text = b""
    try:
        while b"running" not in text and b"(shutdown" not in text \
                and child.poll() is None:
            child.stdin.write(b"info status\ncont\n")
            child.stdin.flush()
            text = read_until(child.stdout, b"status", 5)
        child.stdin.write(b"info registers -a\ninfo screen\n")
    except BrokenPipeError:
        pass
    try:
        _, errors = child.communicate(b"quit\n", timeout=60)
    except (subprocess.TimeoutExpired, BrokenPipeError):
        child.kill()
        _, errors = child.communicate()
    errors = errors.decode("latin-1")
    return (child.returncode == 0 or (child.returncode == 1
            and "-incoming" in errors and "Sanitizer" not in errors)) \
        or note("%s %s" % (child.returncode, errors[-3000:]))


def test_fuzz(folder):
    """Streams that are anything: no crash, no hang; SEED=N ROUNDS=N: others."""
    rounds = int(os.environ.get("ROUNDS", "15"))
    rng = random.Random(int(os.environ.get("SEED", "1")))
    make_disks(folder)
    with open(folder + "/floppy.img", "wb") as f:
        f.truncate(1440 << 10)
    for board in EVERYTHING:
        good = started(folder, board)
        wrong = sum(not survives(folder, board, spoil(rng, good))
                    for _ in range(rounds))
        check(not wrong, "%s: it survives random streams" % board)


def main():
    if not is_anole():
        skip("the stream is anole's own")
    needs("qemu-img")
    for test, *arguments in (
            (test_errors,), (test_fuzz,), (test_live,), (test_cancel,),
            (test_file, "virt"), (test_file, "pc"), (test_file, "q35"),
            (test_file, "microvm")):
        with scratch() as folder:
            test(folder, *arguments)
    done()


main()
