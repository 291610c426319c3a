# SPDX-License-Identifier: MIT
"""A Linux guest with a KVM of its own, in which the emulator runs once more.

The machine below is anole's translator with SVM (OUTER=PROGRAM puts another
emulator there, for instance qemu-system-x86_64); for AArch64 it is
qemu-system-aarch64, whose CPUs have EL2. Its initramfs has the emulator under
test with its libraries, a kernel and an initramfs for the machine above.
"""

import os
import re
import shutil
import subprocess
import sys

from guest import TOP, Guest, cached, emulator, linux, needs, run, skip

ANOLE = "/anole/anole"                  # where things are in the guest
KERNEL, INITRD = "/anole/kernel", "/anole/initrd"


# The machines below, and the modules they load.
MACHINES = {
    "amd64": ["-M", "q35", "-cpu", "EPYC,svm=on", "-m", "1024"],
    "arm64": ["-M", "virt,virtualization=on,gic-version=3", "-cpu",
              "max,pauth-impdef=on", "-m", "1024", "-smp", "2"],
}
MODULES = {"amd64": "kvm-amd virtio_pci virtio_net",
           "arm64": "virtio_pci virtio_net virtio_blk"}
TOOLS = {"amd64": "", "arm64": "aarch64-linux-gnu-"}


# What a machine above does with its disk and network, and what it says then.
WORK = ("dd if=/bin/busybox of=/dev/vda bs=64k conv=fsync 2>/dev/null;"
        " echo 3 >/proc/sys/vm/drop_caches;"
        " head -c $(stat -c %s /bin/busybox) /dev/vda | cmp - /bin/busybox"
        " && echo DISK-$((40+2)); ip addr add 10.0.2.15/24 dev eth0;"
        " ip link set eth0 up; ping -c 3 -i 0.2 10.0.2.2")
WORKED = r"DISK-42\n(.*\n)*3 packets transmitted, 3 packets received"


def outer(arch):
    return os.environ.get("OUTER") or (
        emulator() if arch == "amd64" else "qemu-system-aarch64")


def libraries(program):
    """The shared libraries of a program and what loads them: name: path."""
    text = subprocess.run(["ldd", program], capture_output=True,
                          check=True).stdout.decode()
    return {path: os.path.realpath(path)
            for path in re.findall(r"(/\S+) \(0x", text)}


def cross_libraries(program, root):
    """The same of a program for another host, by what it says it needs."""
    text = subprocess.run(["aarch64-linux-gnu-objdump", "-p", program],
                          capture_output=True, check=True).stdout.decode()
    found = {}
    for name in re.findall(r"NEEDED +(\S+)", text):
        for folder in "/lib", "/lib/aarch64-linux-gnu", \
                "/usr/lib/aarch64-linux-gnu":
            path = os.path.realpath(root + folder + "/" + name)
            if os.path.exists(path):
                found[folder + "/" + name] = path
                if not name.startswith("ld-linux"):
                    found.update(cross_libraries(path, root))
                break
    return found


def cross_build():
    """Builds anole for AArch64; its path."""
    folder, root = os.path.join(TOP, "build-arm64"), cached("arm64", "sysroot")
    needs("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-objdump", "meson",
          "ninja")
    if not os.path.exists(root + ".ini"):
        skip("no %s; scripts/fetch.sh -a arm64 sysroot makes it" % root)
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        subprocess.run(["./configure", "--builddir=" + folder, "--cross=arm64"],
                       cwd=TOP, check=True, capture_output=True)
    status, output, _ = run(["ninja", "-C", folder, "anole"], 1500)
    if status:
        print(output[-3000:])
        sys.exit("anole for AArch64 does not build")
    return os.path.join(folder, "anole")


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


def stripped(folder, program, strip):
    """The program without what only debuggers read."""
    path = os.path.join(folder, "stripped")
    if shutil.which(strip) and not subprocess.call(
            [strip, "-o", path, program], stderr=subprocess.DEVNULL):
        return content(path)
    return content(program)


def initrd(folder, files=(), arch="amd64"):
    """Makes the initramfs of the machine below; its path.

    files: {name in the guest: bytes}, beside what is always there.
    """
    program = emulator() if arch == "amd64" else cross_build()
    needed = (libraries(program) if arch == "amd64" else
              cross_libraries(program, cached(arch, "sysroot")))
    tools, path = cached(arch, "tools.gz"), os.path.join(folder, "outer")
    if not os.path.exists(tools):
        skip("no %s; scripts/fetch.sh makes it" % tools)
    shutil.copyfile(tools, path)
    with open(path, "ab") as out:
        out.write(b"\0" * (-out.tell() % 4))
    every = {ANOLE: stripped(folder, program, TOOLS[arch] + "strip"),
             KERNEL: content(cached(arch, "kernel")),
             INITRD: content(cached(arch, "workloads.gz"))}
    every.update({name: content(p) for name, p in needed.items()})
    every.update(files)
    archive(path, every)
    return path


def guest(folder, script=None, files=(), extra=(), timeout=180, arch="amd64"):
    """Boots the machine below.

    It runs a shell script, or its shell waits to be typed at.
    """
    files = dict(files)
    if script:
        files["/anole/run"] = script.encode()
        script = ' guest.run="sh /anole/run"'
    path = initrd(folder, files, arch)
    command = linux(outer(arch), arch=arch,
                    machine=["-accel", "tcg", *MACHINES[arch], *extra],
                    append='quiet guest.mod="%s"%s' % (MODULES[arch], script or ""))
    command[command.index("-initrd") + 1] = path
    return Guest(command, timeout=timeout)
