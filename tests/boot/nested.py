# SPDX-License-Identifier: MIT
"""A Linux guest with a KVM of its own, in which the emulator runs once more.

The machine below is anole's translator with SVM (OUTER=PROGRAM puts another
emulator there, for instance qemu-system-x86_64); its initramfs has the emulator
under test with its libraries, a kernel and an initramfs for the machine above.
"""

import os
import re
import shutil
import subprocess

from guest import TOP, Guest, cached, emulator, linux, skip

ANOLE = "/anole/anole"                  # where things are in the guest
KERNEL, INITRD = "/anole/kernel", "/anole/initrd"


def outer():
    return os.environ.get("OUTER") or emulator()


def libraries(program):
    """The shared libraries of a program and what loads them: name: path."""
    text = subprocess.run(["ldd", program], capture_output=True,
                          check=True).stdout.decode()
    return {path: os.path.realpath(path)
            for path in re.findall(r"(/\S+) \(0x", text)}


def entry(out, name, mode, data=b""):
    """One file of a cpio archive in the "newc" form."""
    entry.inode = getattr(entry, "inode", 0) + 1
    fields = [entry.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0,
              len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % f for f in fields)
    head += name.encode() + b"\0"
    out.write(head + b"\0" * (-len(head) % 4))
    out.write(data + b"\0" * (-len(data) % 4))


def archive(path, files):
    """An uncompressed cpio of {name in the guest: bytes}, with folders."""
    folders = set()
    for name in files:
        parts = name.strip("/").split("/")[:-1]
        folders |= {"/".join(parts[:i + 1]) for i in range(len(parts))}
    with open(path, "ab") as out:
        for name in sorted(folders):
            entry(out, name, 0o40755)
        for name, data in files.items():
            entry(out, name.strip("/"), 0o100755, data)
        entry(out, "TRAILER!!!", 0)


def content(path):
    with open(path, "rb") as f:
        return f.read()


def stripped(folder, program):
    """The program without what only debuggers read."""
    path = os.path.join(folder, "stripped")
    if shutil.which("strip") and not subprocess.call(
            ["strip", "-o", path, program], stderr=subprocess.DEVNULL):
        return content(path)
    return content(program)


def initrd(folder, files=(), program=None):
    """Makes the initramfs of the machine below; its path.

    files: {name in the guest: bytes}, beside what is always there.
    """
    program = program or emulator()
    tools, path = cached("amd64", "tools.gz"), os.path.join(folder, "outer")
    if not os.path.exists(tools):
        skip("no %s; scripts/fetch.sh makes it" % tools)
    shutil.copyfile(tools, path)
    with open(path, "ab") as out:
        out.write(b"\0" * (-out.tell() % 4))
    every = {ANOLE: stripped(folder, program),
             KERNEL: content(cached("amd64", "kernel")),
             INITRD: content(cached("amd64", "workloads.gz"))}
    every.update({name: content(p) for name, p in libraries(program).items()})
    every.update(files)
    archive(path, every)
    return path


def guest(folder, script=None, files=(), extra=(), timeout=180):
    """Boots the machine below.

    It runs a shell script, or its shell waits to be typed at.
    """
    files = dict(files)
    run = ""
    if script:
        files["/anole/run"] = script.encode()
        run = ' guest.run="sh /anole/run"'
    path = initrd(folder, files)
    command = linux(outer(), machine=["-accel", "tcg", "-M", "q35", "-cpu",
                                      "EPYC,svm=on", "-m", "1024", *extra],
                    arch="amd64",
                    append='guest.mod="kvm-amd virtio_pci virtio_net"' + run)
    command[command.index("-initrd") + 1] = path
    return Guest(command, timeout=timeout)
