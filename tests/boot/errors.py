# SPDX-License-Identifier: MIT
"""Wrong options and wrong files: a clear error, at once, and status 1."""

import os
import subprocess
import tempfile

from guest import cached, check, done, emulator, note, skip

PROGRAM = emulator()
KERNEL = cached("arm64", "kernel")
VIRT = ["-M", "virt"]
if not os.path.exists(KERNEL):
    skip("no %s; scripts/fetch.sh makes it" % KERNEL)
work = tempfile.TemporaryDirectory()


def path(name, content=b""):
    """A file in the work folder."""
    full = os.path.join(work.name, name)
    with open(full, "wb") as out:
        out.write(content)
    return full


def run(arguments):
    return subprocess.run([PROGRAM, *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120)


def wrong(what, arguments, *words):
    """Ends with status 1 and one message that has all the words."""
    r = run(arguments)
    good = (r.returncode == 1 and r.stderr.startswith("anole: ")
            and all(w in r.stderr for w in words))
    if not check(good, what):
        note("status %d: %s" % (r.returncode, r.stderr[-500:]))


def listed(arguments, word):
    r = run(arguments)
    check(r.returncode == 0 and word in r.stdout, " ".join(arguments))


with open(KERNEL, "rb") as whole:
    head = whole.read(3000000)
disk = path("disk.img", b"\0" * 65536)

wrong("an unknown option", ["-acel", "tcg"], "-acel", "-accel")
wrong("an option without its value", VIRT + ["-m"], "-m")
wrong("no machine", [], "-M virt")
wrong("an unknown machine", ["-M", "vrit"], "vrit", "virt")
wrong("an unknown CPU", VIRT + ["-cpu", "cortex-a75"], "cortex-a75", "a72")
wrong("no CPU", VIRT + ["-smp", "0"], "-smp")
wrong("too many CPUs", VIRT + ["-smp", "9"], "8 CPUs")
wrong("no number of CPUs", VIRT + ["-smp", "abc"], "abc")
wrong("no memory", VIRT + ["-m", "0"], "-m")
wrong("no size of memory", VIRT + ["-m", "12x"], "12x")
wrong("too little memory", VIRT + ["-m", "16", "-kernel", KERNEL], "-m")
wrong("a missing kernel", VIRT + ["-kernel", "nowhere"], "nowhere")
wrong("a text as kernel", VIRT + ["-kernel", path("text", b"hello\n" * 99)],
      "text")
wrong("a kernel's first bytes", VIRT + ["-kernel", path("k1", head[:1000])],
      "cut short")
wrong("a kernel cut short", VIRT + ["-m", "512", "-kernel", path("k2", head)],
      "cut short")
wrong("a missing RAM disk", VIRT + ["-m", "512", "-kernel", KERNEL, "-initrd",
                                    "nowhere"], "nowhere")
wrong("a missing disk", VIRT + ["-drive", "file=nowhere,if=none,id=a"],
      "nowhere")
wrong("a folder as disk", VIRT + ["-drive", "if=none,id=a,file=" + work.name],
      "irectory")
wrong("an empty disk", VIRT + ["-drive", "if=none,id=a,file=" + path("none")],
      "empty")
wrong("an unknown device", VIRT + ["-device", "virtio-blok-device"],
      "virtio-blk-device")
wrong("an unknown property", VIRT + ["-device", "virtio-net-device,netdv=x"],
      "netdv", "netdev")
wrong("an unknown drive", VIRT + ["-device", "virtio-blk-device,drive=zz"],
      "zz", "-drive")
wrong("a device of the board", VIRT + ["-device", "gicv2"], "gicv2")
wrong("a wrong hostfwd", VIRT + ["-netdev", "user,id=n,hostfwd=tcp::22-22"],
      "tcp::2222-:22")
wrong("an unknown network", VIRT + ["-netdev", "usr,id=n"], "user")
wrong("an unknown accelerator", VIRT + ["-accel", "speed"], "speed")
wrong("an unknown back end", VIRT + ["-accel", "tcg,backend=x"], "interp")
wrong("an unknown log item", VIRT + ["-d", "everything"], "everything")
wrong("a socket to nowhere", VIRT + ["-chardev", "socket,id=a"], "path=")
wrong("a chardev without id", VIRT + ["-chardev", "null"], "id=")

listed(["-M", "help"], "virt")
listed(["-cpu", "help"], "cortex-a57")
listed(["-device", "help"], "virtio-blk-device")
listed(["-d", "help"], "in_asm")
listed(["-help"], "-kernel")
listed(VIRT + ["--explain"], "uart0")

# Two users of one image: the second one is told of the first.
first = subprocess.Popen([PROGRAM, *VIRT, "-S", "-serial", "null", "-drive",
                          "if=none,id=a,file=" + disk],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
try:
    while True:                         # until the first one has its lock
        r = subprocess.run(["cat", "/proc/locks"], capture_output=True,
                           text=True, check=True)
        if ":%d " % os.stat(disk).st_ino in r.stdout:
            break
        if first.poll() is not None:
            break
    wrong("an image in use", VIRT + ["-drive", "if=none,id=a,file=" + disk],
          "in use", str(first.pid))
finally:
    first.terminate()
    first.wait()
done()
