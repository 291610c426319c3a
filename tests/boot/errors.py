#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the user got wrong is said in words, at once, with status 1."""

import contextlib
import os
import re
import shutil
import subprocess

from guest import (MACHINE, Guest, bare, cached, check, done,
                   emulator, is_anole, linux, name, note, run, scratch)

FAULTS = re.compile(r"Assertion|Segmentation|Sanitizer|runtime error|core dump")

# Command line in place of the usual one, and a word of the complaint. ANOLE
# marks what QEMU says otherwise or takes.
ANOLE = "anole only"
OFF = ["-kernel", cached("bare", "off.elf")]
CASES = [
    (["-no-such-option"], "no-such-option"),
    (["-kernle", "x"], "kernel", ANOLE),
    (["-smp"], "smp", ANOLE),
    (["-M", "vrt"], "vrt", ANOLE),
    (["-M", "vrt"], "virt", ANOLE),
    (["-M", "virt,nonsense=on"], "nonsense"),
    (["-M", "virt", "-cpu", "nonsense"], "nonsense"),
    (["-M", "virt", "-cpu", "cortex-a75"], "cortex-a7[26]", ANOLE),
    (["-M", "virt", "-smp", "0"], "-smp 0", ANOLE),
    (["-M", "virt", "-smp", "9"], "9", ANOLE),
    (["-M", "virt", "-smp", "abc"], "abc", ANOLE),
    (["-M", "virt", "-smp", "2,nonsense=1"], "nonsense"),
    (["-M", "virt", "-m", "0"], "-m 0", ANOLE),
    (["-M", "virt", "-m", "12x"], "12x"),
    (["-M", "virt", "-m", "-5"], "-5"),
    (["-M", "virt", "-accel", "nonsense"], "nonsense"),
    (["-M", "virt", "-accel", "tcg,nonsense=1"], "nonsense"),
    (["-M", "virt", "-d", "nonsense"], "nonsense", ANOLE),
    (["-M", "virt", "-chardev", "null"], "id"),
    (["-M", "virt", "-chardev", "nonsense,id=c"], "nonsense"),
    (["-M", "virt", "-serial", "nonsense"], "nonsense"),
    (["-M", "virt", "-serial", "file:/nonexistent/file"], "/nonexistent/file"),
    (["-M", "virt", "-device", "nonsense"], "nonsense"),
    (["-M", "virt", "-device", "virtio-blk-device"], "drive"),
    (["-M", "virt", "-device", "virtio-blk-device,drive=nope"], "nope"),
    (["-M", "virt", "-device", "virtio-rng-device,nonsense=1"], "nonsense"),
    (["-M", "virt", "-device", "virtio-net-device,netdev=nope"], "nope"),
    (["-M", "virt", "-netdev", "nonsense,id=n"], "nonsense"),
    (["-M", "virt", "-netdev", "user,id=n,hostfwd=tcp::x-:y"], "tcp::x-:y"),
    (["-M", "virt", "-netdev", "user,id=n,nonsense=1"], "nonsense"),
    (["-M", "virt", "-gdb", "nonsense:1"], "nonsense"),
    (["-M", "virt", "-display", "nonsense"], "sdl", ANOLE),
    (["-M", "virt", "-display", "none,gl=on"], "gl", ANOLE),
    (["-M", "pc", "-curses"], "terminal", ANOLE),
    (["-M", "pc", "-vga", "cirrus"], "std and none", ANOLE),
    (["-M", "pc", "-k", "nonsense"], "en-us", ANOLE),
    (["-M", "pc", "-chardev", "vc,id=v,cols=0,rows=5"], "80Cx25C", ANOLE),
    (["-M", "virt", "-drive", "file=/nonexistent/disk,if=none,id=d"],
     "/nonexistent/disk"),
    (["-M", "virt", "-drive", "file={dir},if=none,id=d,format=raw"],
     "{dir}"),
    (["-M", "virt", "-drive", "file={disk},if=none,id=d,format=nonsense"],
     "nonsense"),
    (["-M", "virt", "-drive", "file={disk},if=none,id=d,format=raw,bad=1"],
     "bad"),
    (["-M", "virt", "-kernel", "/nonexistent/kernel"], "/nonexistent/kernel"),
    (["-M", "virt", "-kernel", "{dir}"], "{dir}"),
    (["-M", "virt", "-kernel", "{cut}"], "{cut}", ANOLE),
    (["-M", "malta", "-kernel", "{cut}"], "should be an ELF file", ANOLE),
    (["-M", "virt", "-kernel", "{text}"], "{text}", ANOLE),
    (["-M", "virt", "-kernel", "{empty}"], "{empty}", ANOLE),
    (["-M", "virt", "-kernel", "{cutelf}"], "{cutelf}", ANOLE),
    (["-M", "virt", "-kernel", "{image}", "-initrd", "/nonexistent/initrd"],
     "/nonexistent/initrd"),
    (["-M", "virt", "-kernel", "{image}", "-dtb", "/nonexistent/dtb"],
     "/nonexistent/dtb", ANOLE),
    (["-M", "virt", "-m", "32", "-kernel", "{image}"], "{image}", ANOLE),
    ([], "which machine", ANOLE),
    (["-M", "q35x"], 'did you mean "q35"', ANOLE),
    (["-M", "pc", "-cpu", "cortex-a57"], "Haswell", ANOLE),
    (["-M", "pc", "-cpu", "host"], '"max"', ANOLE),
    (["-M", "virt", "-enable-kvm"], "-accel tcg can", ANOLE),
    (["-M", "pc", "-chardev", "socket,id=a"], "path=", ANOLE),
    (["-M", "pc", "-device", "e1000,net=n0"], 'did you mean "netdev"', ANOLE),
    (["-M", "pc", "-device", "e1000,netdev=n0"], "-netdev user,id=n0", ANOLE),
    (["-M", "pc", "-device", "virtio-blok"], "virtio-blk-pci", ANOLE),
    (["-M", "microvm", "-device", "e1000"],
     "no PCI for it; it takes devices such as virtio-net-device", ANOLE),
    (["-M", "isapc", "-device", "virtio-net"], "no virtio-mmio", ANOLE),
    (["-M", "pc", "-netdev", "user,id=n,hostfwd=tcp::22-22"],
     "for example tcp::2222-:22", ANOLE),
    (["-M", "pc", "-object", "foo"], "rng-random", ANOLE),
    (["-M", "pc", "-kernel", "{text}"], "{text}", ANOLE),
    (["-M", "pc", "-bios", "{text}"], "64 KiB", ANOLE),
    (["-M", "microvm", "-no-acpi"], "found by ACPI", ANOLE),
    (["-M", "pc", "-parallel", "nonsense"], "nonsense"),
    (["-M", "microvm", "-parallel", "null"], "0 parallel ports", ANOLE),
    (["-M", "pc", "-smp", "6,sockets=4"], "4 sockets", ANOLE),
    (["-M", "pc", "-smbios", "type=1,produkt=x"], 'mean "product"', ANOLE),
]
PCS = {"pc", "isapc", "microvm"}        # they start without a kernel
LISTS = [("-M", "help", "virt"), ("-cpu", "help", "cortex-a57"),
         ("-device", "help", "virtio-blk-device"),
         ("-device", "virtio-blk-device,help", "drive"),
         ("-accel", "help", "tcg"), ("-display", "help", "curses"),
         ("-d", "help", "guest_errors")]


def fill(text, files):
    return re.sub(r"\{(\w+)\}", lambda m: files[m[1]], text)


def make_files(folder):
    """Files of all sorts to be refused; {what: path}."""
    names = "disk cut text empty cutelf".split()
    files = {n: os.path.join(folder, n + "-file") for n in names}
    files["dir"] = os.path.join(folder, "a-folder")
    files["image"] = cached("arm64", "kernel")
    os.mkdir(files["dir"])
    contents = {"disk": bytes(1 << 20), "empty": b"",
                "text": b"This is a text and no kernel.\n" * 10}
    for part, path, size in (("cut", files["image"], 1000),
                             ("cutelf", OFF[1], 100)):
        with open(path, "rb") as f:
            contents[part] = f.read(size)
    for n, data in contents.items():
        with open(files[n], "wb") as f:
            f.write(data)
    return files


def complaint(arguments, word, what):
    """One start that has to fail."""
    status, output, errors = run([emulator(), "-display",
                                  "none", *arguments], 30)
    good = status == 1 and not FAULTS.search(errors)
    if is_anole():                      # QEMU 7.2 is silent about some
        good = (good and errors.startswith(name() + ": ") and
                re.search(word, errors, re.S))
    if not check(good, what):
        note("status %s, said: %s" % (status, errors[-600:]))


def all_cases(folder):
    files = make_files(folder)
    for arguments, word, *mark in CASES:
        if mark and not is_anole():
            continue
        usual = [] if PCS & set(arguments) or "-kernel" in arguments else OFF
        complaint([fill(a, files) for a in arguments] + usual,
                  word if "|" in word or "[" in word
                  else re.escape(fill(word, files)),
                  " ".join(arguments[-2:]))


def two_users(folder):
    path = os.path.join(folder, "shared.img")
    with open(path, "wb") as f:
        f.truncate(1 << 20)
    disk = ["-drive", "file=%s,if=none,id=d0,format=raw" % path,
            "-device", "virtio-blk-device,drive=d0"]
    with Guest(bare("echo", *disk)) as g:
        check(g.expect(r"^echo is ready\n"), "a guest has a disk")
        word = re.escape(path) + (r".*\b%d\b" % g.child.pid
                                  if is_anole() else "|lock")
        complaint(["-M", "virt", *disk, *OFF], word,
                  "a second guest cannot have it, and is told who has")
        g.write("q")
        check(g.wait() == 0, "the first goes on")
    status, _, errors = run([emulator(), *MACHINE, "-display", "none",
                             *disk, *OFF], 30)
    check(status == 0, "and then the second can") or note(errors)


@contextlib.contextmanager
def small_file_system(folder):
    """The path of a mounted tmpfs of 8 MiB; None if it cannot be had."""
    path = os.path.join(folder, "small")
    os.mkdir(path)
    try:
        result = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m",
                                 "none", path], stderr=subprocess.DEVNULL)
        mounted = result.returncode == 0
    except OSError:
        mounted = False
    try:
        yield path if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", path], check=True)


def full_disk(folder):
    path = os.path.join(folder, "sparse.img")
    with open(path, "wb") as f:
        f.truncate(64 << 20)
    drive = "file=%s,if=none,id=d0,format=raw,werror=report" % path
    with Guest(linux(emulator(), "quiet", extra=[
            "-drive", drive, "-device", "virtio-blk-device,drive=d0"]),
            timeout=180) as g:
        check(g.login(), "a guest with a disk on a small file system")
        status, output = g.shell(
            "dd if=/dev/zero of=/dev/vda bs=64k count=320 conv=fsync")
        check(status not in (0, None), "its write fails when that is full")
        _, output = g.shell("dmesg | grep 'I/O error' | head -n 1")
        check("I/O error" in output, "the guest says so")
        if is_anole():
            check(re.search(r"^anole: .*(sparse.img|No space)", g.output,
                            re.M), "and so does the emulator")
        status, _ = g.shell("dd if=/dev/vda of=/dev/null bs=64k count=16")
        check(status == 0, "and goes on")
        check(g.power_off() == 0, "and is switched off")


def reset(g):
    """Asks for a reset in the monitor and goes back to the console."""
    g.write("\x01c")
    g.expect(r"\((qemu|anole)\) ")
    g.send("system_reset")
    g.expect(r"\((qemu|anole)\) ")
    g.write("\x01c")


def changed_kernel(folder):
    path = os.path.join(folder, "kernel")
    shutil.copy(cached("bare", "echo.elf"), path)
    command = [a for a in bare("echo") if a != "-no-reboot"]
    command[command.index("-kernel") + 1] = path
    with Guest(command) as g:
        check(g.expect(r"^echo is ready\n"), "a guest")
        reset(g)
        check(g.expect(r"echo is ready\n"), "is reset")
        shutil.copy(cached("bare", "fuzz.elf"), path)
        reset(g)
        if is_anole():                  # QEMU keeps the file in memory
            check(g.wait() == 1 and "started with" in g.output,
                  "and not with another kernel")


def logs(folder):
    """-d cpu: every block, with registers; -d exec: the same blocks."""
    path = os.path.join(folder, "log")
    texts = {}
    for items in ("cpu", "cpu,fpu", "exec"):
        status, _, errors = run([emulator(), *MACHINE, "-display", "none",
                                 "-serial", "null", "-d", items, "-D", path,
                                 "-kernel", cached("bare", "hello.elf")], 60)
        check(status == 0, "-d " + items) or note(errors)
        with open(path) as f:
            texts[items] = f.read()
    blocks = re.split(r"^(?= PC=)", texts["cpu"], flags=re.M)[1:]
    check(len(blocks) > 50 and all(
        re.match(r" PC=\w{16} X00=\w{16} [\s\S]* SP=\w{16}\nPSTATE=\w{8} ", b)
        for b in blocks), "-d cpu: registers, block by block")
    check(blocks and blocks[0].startswith(" PC=0000000040080000 X00="),
          "-d cpu: from the first block on")
    if is_anole():
        check(len(re.findall(r"^exec ", texts["exec"], re.M)) == len(blocks),
              "-d exec: as many blocks")
    check("FP" in texts["cpu,fpu"] and "FPCR" not in texts["cpu"],
          "-d cpu,fpu: floating-point registers too")


def main():
    for option, value, word in LISTS:
        status, output, errors = run([emulator(), option, value], 30)
        if option != "-d" or is_anole():        # status 1 in QEMU
            check(status == 0 and word in output + errors,
                  option + " " + value)
    with scratch() as folder:
        all_cases(folder)
        logs(folder)
        changed_kernel(folder)
        two_users(folder)
        with small_file_system(folder) as small:
            if small:
                full_disk(small)
            else:
                note("no full disk: mounting a tmpfs needs root")
    done()


main()
