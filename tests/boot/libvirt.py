#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""libvirt asks what anole can do, starts a machine and works with it."""

import os
import re
import shutil
import subprocess

from guest import CACHE, TOP, cached, check, done, note, scratch, skip

DRIVER = "libvirt/connection-driver/libvirt_driver_qemu.so"
# In a process of its own, with nothing but files of ours. Somebody who cannot
# use /dev/kvm: else it asks again and again whether the emulator can.
CONFIG = """
stdio_handler = "file"
user = "nobody"
group = "nogroup"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
cgroup_controllers = []
namespaces = []
"""
DOMAIN = """
<domain type='qemu'>
  <name>{machine}</name>
  <memory unit='MiB'>256</memory>
  <vcpu>2</vcpu>
  <os>
    <type arch='x86_64' machine='{machine}'>hvm</type>
    <kernel>{kernel}</kernel><initrd>{initrd}</initrd>
    <cmdline>console=ttyS0 panic=-1 guest.run="{run}"</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <cpu mode='maximum'/>
  <devices>
    <emulator>{emulator}</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/><source file='{folder}/disk'/>
      <target dev='vda' bus='virtio'/>
      <address type='pci' domain='0' bus='0' slot='3' function='0'/>
    </disk>
    <interface type='user'>
      <mac address='52:54:00:f3:37:81'/><model type='virtio'/>
      <address type='pci' domain='0' bus='0' slot='4' function='0'/>
    </interface>
    <serial type='file'><source path='{folder}/console'/></serial>
    <video><model type='vga'/></video>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
"""
# virsh's commands with a machine, and what each has to print.
COMMANDS = [
    ("create {folder}/domain", ""),
    ("domstate {machine}", r"^running$"),
    ("suspend {machine}", ""),
    ("domstate {machine} --reason", r"^paused \(user\)$"),
    ("resume {machine}", ""),
    ("screenshot {machine} {folder}/picture", ""),
    ("send-key {machine} KEY_LEFTCTRL KEY_A", ""),
    ("inject-nmi {machine}", ""),
    ("domblkinfo {machine} vda", r"^Capacity: +1048576$"),
    ("domblkstat {machine} vda", r"^vda rd_req \d+$"),
    ("domif-setlink {machine} 52:54:00:f3:37:81 down", ""),
    ("domif-setlink {machine} 52:54:00:f3:37:81 up", ""),
    ("domstats {machine}", r"vcpu\.1\.state=1$"),
    ("qemu-monitor-command {machine} --hmp info status", r"running"),
    ("reset {machine}", ""),
    ("set-lifecycle-action {machine} reboot destroy", ""),
    ("shutdown {machine}", ""),
    ("destroy {machine}", ""),
]


def virsh(folder, commands):
    """Runs commands in one virsh: their output and the errors."""
    empty = os.path.join(folder, "empty")
    os.makedirs(empty, exist_ok=True)
    program = shutil.which("virsh")
    # It would ask every emulator in PATH what it can do.
    result = subprocess.run(
        [program, "-q", "-c", "qemu:///embed?root=" + folder,
         "; echo ==; ".join(commands)],
        env={"PATH": empty, "HOME": folder,
             "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=" + empty},
        stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    return (result.stdout.decode("latin-1").split("=="),
            result.stderr.decode("latin-1"))


def capabilities(folder, emulator):
    output, errors = virsh(folder, ["domcapabilities --emulatorbin %s "
                                    "--machine %s --virttype qemu"
                                    % (emulator, m) for m in ("pc", "q35")])
    for machine, text in zip(("pc", "q35"), output + ["", ""]):
        good = ("<machine>%s" % machine in text
                and "<mode name='maximum' supported='yes'>" in text)
        if not check(good, "the probe takes anole for a QEMU with " + machine):
            note(text + errors)


def life(folder, emulator, machine):
    names = {"machine": machine, "folder": folder, "emulator": emulator,
             "kernel": folder + "/kernel", "run": "cat",
             "initrd": folder + "/initramfs.gz"}
    for name in "kernel", "initramfs.gz":
        shutil.copy(cached("amd64", name), folder)
    with open(os.path.join(folder, "disk"), "wb") as f:
        f.truncate(1 << 20)
    os.chmod(os.path.join(folder, "disk"), 0o666)
    with open(os.path.join(folder, "domain"), "w", encoding="ascii") as f:
        f.write(DOMAIN.format(**names))
    commands = [c.format(**names) for c, _ in COMMANDS]
    output, errors = virsh(folder, commands)
    output += [""] * len(commands)
    for (_, wanted), command, text in zip(COMMANDS, commands, output):
        check(re.search(wanted, text, re.M), command.replace(folder, "."))
    wrong = [line for line in errors.splitlines()
             if line.startswith("error")]
    if not check(not wrong, "no command failed"):
        note(errors)
    picture = os.path.join(folder, "picture")
    if check(os.path.exists(picture), "there is a picture"):
        with open(picture, "rb") as f:
            check(f.read(4) == b"\x89PNG", "and it is one")


def main():
    here = "/usr/lib/%s-linux-gnu/" % os.uname().machine
    if not shutil.which("virsh") or not os.path.exists(here + DRIVER):
        skip("there is no libvirt with its driver for QEMU")
    if os.getuid():
        skip("only root can have a libvirt in a process of its own")
    if not os.path.exists(cached("amd64", "kernel")):
        skip("no kernel in %s; scripts/fetch.sh makes it" % CACHE)
    anole = os.environ.get("ANOLE") or os.path.join(TOP, "build", "anole")
    with scratch() as folder:
        os.makedirs(os.path.join(folder, "etc"))
        with open(os.path.join(folder, "etc", "qemu.conf"), "w",
                  encoding="ascii") as f:
            f.write(CONFIG)
        emulator = os.path.join(folder, "anole-system-x86_64")
        shutil.copy(anole, emulator)
        os.chmod(folder, 0o777)         # nobody is to write there
        capabilities(folder, emulator)
        for machine in "q35", "pc":
            life(folder, emulator, machine)
    done()


main()
