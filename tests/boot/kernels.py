#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""-kernel on PCs by every protocol: Multiboot, Multiboot2, PVH, bzImage.

Small kernels, made with the host's compiler, tell what they were told; Linux
starts through OVMF. EMULATOR=qemu-system-x86_64 runs what QEMU has too.
"""

import os
import re
import shutil
import subprocess

from guest import (TOP, Guest, cached, check, done, emulator, is_anole, needs,
                   note, run, scratch, skip)

SOURCE = os.path.join(TOP, "tests", "guests", "bare", "x86", "kernel.c")
FLAGS = ["-m32", "-march=i586", "-O1", "-ffreestanding", "-fno-pic",
         "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
         "-mgeneral-regs-only", "-fcf-protection=none"]
LAYOUT = """
PHDRS { text PT_LOAD; note PT_NOTE; }
SECTIONS {
  . = 0x200000;
  .head : { KEEP(*(.head)) } :text
  .text : { *(.text*) *(.rodata*) } :text
  .note : { *(.note) } :text :note
  .data : { *(.data*) edata = .; } :text
  .bss : { *(.bss*) *(COMMON) end = .; } :text
  /DISCARD/ : { *(.comment) *(.eh_frame*) *(.note.*) }
}
"""
# Name, flags, EAX, and whether QEMU has it.
KERNELS = [
    ("multiboot", ["-DPROTOCOL=1"], "2badb002", True),
    ("aout", ["-DPROTOCOL=1", "-DAOUT"], "2badb002", True),
    ("multiboot2", ["-DPROTOCOL=2"], "36d76289", False),
    ("pvh", ["-DPROTOCOL=3"], None, True),
]


def build(folder, kernel, flags):
    """Makes a kernel; its path."""
    base = os.path.join(folder, kernel)
    with open(base + ".ld", "w", encoding="ascii") as f:
        f.write(LAYOUT)
    try:
        subprocess.run(["gcc", *FLAGS, *flags, "-c", SOURCE, "-o",
                        base + ".o"], check=True, capture_output=True)
        subprocess.run(["ld", "-m", "elf_i386", "-nostdlib", "-e", "entry",
                        "-T", base + ".ld", "-o", base, base + ".o"],
                       check=True, capture_output=True)
        if kernel == "aout":
            subprocess.run(["objcopy", "-O", "binary", base, base],
                           check=True, capture_output=True)
    except subprocess.CalledProcessError as e:
        skip("%s: %s" % (e.cmd[0], e.stderr.decode()[-500:]))
    return base


def start(path, *options):
    """Runs a kernel; (exit status, what it says on the serial port)."""
    status, output, errors = run(
        [emulator(), "-m", "64", "-no-reboot", "-monitor", "none", "-serial",
         "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=1",
         "-display", "none", "-kernel", path, *options], 60)
    if errors:
        note(errors)
    return status, output.replace("\r", "")


def told(folder, kernel, path, eax, *options):
    """Is all that it says right?"""
    modules, texts, names = [], [], []
    for i in range(1 if kernel == "pvh" else 2):
        names.append(os.path.join(folder, "m%d" % i))
        content = bytes((i + 3) * n & 0xff for n in range(5000 + 4000 * i))
        with open(names[-1], "wb") as f:
            f.write(content)
        modules.append((len(content), sum(content)))
        texts.append(names[-1] + (" word %d" % i if kernel != "pvh" else ""))
    status, output = start(path, "-initrd", ",".join(texts),
                           "-append", "one two=3", *options)
    line = "one two=3" if kernel == "pvh" else path + " one two=3"
    wanted = ["started", "CR0 1", "bss 0", "data 12345678", "line <%s>" % line]
    wanted += ["eax " + eax] if eax else ["info 336ec578"]
    wanted += ["flags 4d"] if eax == "2badb002" else []
    for (size, total), text in zip(modules, texts):
        wanted.append("module %x\nsum %x\naligned 1" % (size, total)
                      + ("" if kernel == "pvh" else "\ntext <%s>" % text))
    wrong = [w for w in wanted if w + "\n" not in output]
    ram = re.search(r"^MiB ([0-9a-f]+)$", output, re.M)
    check(status == 1 and not wrong and ram and 60 <= int(ram[1], 16) <= 64,
          "%s %s: is told line, modules, memory" % (kernel, options[1]))
    if wrong:
        note("wanted %r of:\n%s" % (wrong, output))


def wrong(folder):
    """Files that are no kernels, or broken ones, are refused in words."""
    path = os.path.join(folder, "wrong")
    header = (0x1badb002).to_bytes(4, "little")
    flags = (0x10000).to_bytes(4, "little")
    total = (-(0x1badb002 + 0x10000) & 0xffffffff).to_bytes(4, "little")
    bad = [b"\xff" * 4, b"\0" * 4, b"\1\0\0\0", b"\xff" * 4, b"\0" * 4]
    for content, words in (
            (b"no kernel" * 1000, "Multiboot.*PVH"),
            (header + flags + total + b"".join(bad), "not where it says"),
            (b"\x7fELF\1\1\1" + b"\xff" * 500, "no kernel")):
        with open(path, "wb") as f:
            f.write(content)
        status, output, errors = run([emulator(), "-M", "pc", "-display",
                                      "none", "-kernel", path], 20)
        check(status not in (0, None) and status > 0
              and re.search(words, errors), "refused: " + words)


def through_ovmf(folder):
    """OVMF takes kernel, RAM disk and command line out of fw_cfg."""
    flash = "if=pflash,unit=%d,format=raw,file=%s"
    variables = os.path.join(folder, "vars.fd")
    shutil.copyfile(cached("firmware", "OVMF_VARS.fd"), variables)
    with Guest([emulator(), "-M", "q35", "-cpu", "max", "-m", "512",
                "-display", "none", "-serial", "stdio", "-monitor", "none",
                "-nic", "none", "-drive",
                flash % (0, cached("firmware", "OVMF_CODE.fd"))
                + ",readonly=on", "-drive", flash % (1, variables),
                "-kernel", cached("amd64", "kernel"),
                "-initrd", cached("amd64", "initramfs.gz"),
                "-append", "console=ttyS0 quiet"], timeout=120) as g:
        check(g.login(), "OVMF starts Linux of -kernel")
        status, output = g.shell("ls /sys/firmware/efi; cat /proc/cmdline")
        check(status == 0 and "runtime" in output,
              "which knows that it is EFI")
        check("console=ttyS0 quiet" in output, "and has its command line")


def needs_bios():
    """iPXE is a bzImage without a 32-bit entry; it talks through the BIOS."""
    with Guest([emulator(), "-L", cached("firmware"), "-M", "microvm",
                "-m", "64", "-nographic", "-monitor", "none", "-kernel",
                cached("firmware", "ipxe.lkrn")], timeout=60) as g:
        check(g.expect(r"iPXE \d"), "iPXE, on a serial port, through SeaBIOS")


def qboot():
    """It loads by the addresses in fw_cfg and enters a kernel's setup code."""
    for args in (["-m", "512", "-kernel", cached("amd64", "kernel"),
                  "-initrd", cached("amd64", "initramfs.gz")],
                 ["-m", "64", "-kernel",
                  cached("firmware", "memtest86+x64.bin")]):
        with Guest([emulator(), "-M", "microvm", "-bios",
                    cached("firmware", "qboot.rom"), "-nographic",
                    "-monitor", "none", "-append", "console=ttyS0,115200"]
                   + args, timeout=60) as g:
            check(g.expect(r"GUEST-READY|Memtest86\+ v6"),
                  "qboot starts " + os.path.basename(args[3]))


needs("gcc", "ld", "objcopy")
with scratch() as directory:
    for kernel_name, kernel_flags, magic, common in KERNELS:
        if is_anole() or common:
            made = build(directory, kernel_name, kernel_flags)
            told(directory, kernel_name, made, magic, "-M", "pc")
            told(directory, kernel_name, made, magic, "-M", "q35",
                 "-vga", "none")
    if is_anole():
        wrong(directory)
    if os.path.exists(cached("firmware", "OVMF_CODE.fd")):
        needs_bios()
        qboot()
        through_ovmf(directory)
done()
