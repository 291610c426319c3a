#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""-accel kvm on AArch64: anole built for that host, in a Linux guest of QEMU
whose CPUs have EL2.

With the kernel's GICv3, with our own GICv2, and on another machine below with
the kernel's GICv2. What Debian's kernel finds is what it finds under the
translator, and programs compute the same.
"""

import base64
import difflib
import os
import re
import subprocess
import time

from guest import (DONE, READY, Guest, cached, check, done, emulator, free_port,
                   linux, needs, note, run, scratch)
import nested

RESULT = r"RESULT (\S+) seconds=\S+ check=(\w+)\n"
BARE = ["hello", "count", "user"]     # QEMU checks no SP for "debug"
PROMPT = r"^[~/]\S* # "


def anole(*options, append=""):
    """A command of the machine below."""
    return " ".join([nested.ANOLE, *options, "-nographic -kernel",
                     nested.KERNEL, "-initrd", nested.INITRD, "-append",
                     "'console=ttyAMA0 panic=-1 quiet %s'" % append])


def errors(g):
    """What is said where KVM cannot do what is asked."""
    for options, words in (
            ("-accel kvm -M virt,gic-version=2", "no GICv2 for guests"),
            ("-accel kvm -M virt -cpu cortex-a57", "write -cpu host"),
            ("-accel kvm -M virt -cpu host,lse=off",
             "only pmu can be turned off"),
            ("-accel kvm,kernel-irqchip=off -M virt,gic-version=3",
             "no GICv3 for guests"),
            ("-accel kvm -M q35", "cannot run x86_64")):
        status, text = g.shell(anole(options))
        if not check(status == 1 and words in text, options):
            note(text)


def native(name):
    _, output, _ = run([cached("workloads", "native", name), "1", "2"], 60)
    return re.search(RESULT, output)[2]


def workloads(g, what, names, *options):
    g.send(anole("-smp 2 -m 256 -d unimp,guest_errors", *options,
                 append='guest.run="for w in %s; do $w 1 2; done;'
                 ' grep timer /proc/interrupts"' % " ".join(names)))
    check(g.expect(READY), what + ": Linux")
    for name in names:
        found = g.expect(RESULT)
        check(found and (found[1], found[2]) == (name, native(name)),
              "%s: %s" % (what, name))
    found = g.expect(r"(\d+) +(\d+) +(GIC\S+) +27 Level")
    check(found and int(found[1]) and int(found[2]),
          what + ": timers' interrupts")
    check(g.expect(DONE), what + ": power off")
    g.expect(PROMPT)


def devices(g, cpus):
    """A disk and a network of virtio."""
    g.shell("dd if=/dev/zero of=/disk bs=1M count=4")
    g.send(anole("-M virt -m 256 -accel kvm -nic user -drive"
                 " file=/disk,if=virtio,format=raw -smp %d" % cpus,
                 append='guest.run="%s"' % nested.WORK))
    check(g.expect(nested.WORKED), "%d CPUs: disk and network" % cpus)
    check(g.expect(DONE), "power off")
    g.expect(PROMPT)


def programs(g):
    """Programs without a kernel say the same under both accelerators."""
    for name in BARE:
        machine = "-M virt,gic-version=3 -cpu max -accel %s -nographic"
        status, text = g.shell("%s %s -kernel /anole/%s.elf </dev/null" % (
            nested.ANOLE, machine % "kvm", name))
        _, output, _ = run([emulator(), *(machine % "tcg").split(), "-kernel",
                            cached("bare", name + ".elf")])
        output = output.replace("\r", "")
        if not check(status == 0 and output and text == output,
                     "bare: " + name):
            note(text)


def source(tree):
    """A device tree as text, without what is random."""
    text = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts"], input=tree,
                          capture_output=True, check=True).stdout.decode()
    return re.sub(r".*-seed = .*\n", "", text)


def same_tree(g, folder):
    """The device tree of a command line, and what Linux makes of it."""
    machine = ("-M virt,gic-version=3,dumpdtb=%s -cpu max -smp 2 -m 256"
               " -device virtio-rng-device -nographic -accel %s")
    path = os.path.join(folder, "tree")
    run([emulator(), *(machine % (path, "tcg")).split()])
    _, text = g.shell(nested.ANOLE + " " + machine % ("/tree", "kvm")
                      + " >/dev/null; base64 /tree")
    with open(path, "rb") as f:
        here, there = source(f.read()), source(base64.b64decode(text))
    if not check(here == there and len(here) > 5000, "the same device tree"):
        note("\n".join(difflib.unified_diff(here.split("\n"),
                                            there.split("\n"), lineterm="")))


def monitor(g, *commands, escape="\x01\x01"):
    """Types at the monitor of the machine above, twice Ctrl-A from here.

    commands: what to type, and what must come.
    """
    g.write(escape + "c")
    for command, pattern in commands:
        g.send(command)
        check(g.expect(pattern), "monitor: " + command.replace("\r", ", "))
    g.write(escape + "c")


def gdb(port, *commands):
    line = ["gdb-multiarch", "-nx", "-batch"]
    for command in ("set confirm off", "set tcp connect-timeout 60",
                    "set remotetimeout 60", "set architecture aarch64",
                    "target remote 127.0.0.1:%d" % port, *commands):
        line += ["-ex", command]
    _, output, wrong = run(line, 120)
    return output + wrong


def has(output, pattern, what):
    if not check(re.search(pattern, output, re.M | re.S), "gdb: " + what):
        note(output[-1500:])


def debugger(g, port):
    """gdb on a machine at a shell: stops, steps, breaks, watches.

    Where interrupts are masked, so that no step goes into their handler.
    """
    g.shell("ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up;"
            " ping -c 1 10.0.2.2")
    g.send(anole("-M virt -smp 2 -m 256 -accel kvm -gdb tcp::1234",
                 append="nokaslr"))
    check(g.login(), "a machine for gdb")
    _, text = g.shell("grep -w __switch_to /proc/kallsyms")
    switch = "0x" + re.search(r"(\w{16}) \w __switch_to", text)[1]
    out = gdb(port, "info threads", "hbreak *%s" % switch, "continue",
              "x/i $pc", "delete", "stepi", "stepi", "print/x $pc - %s"
              % switch, "print $cpsr & 15", "set $frame = $sp - 48",
              "watch *(long *)$frame", "continue", "detach")
    has(out, "Thread 1.1.*Thread 1.2", "two threads")
    has(out, "Breakpoint 1, 0x%016x" % int(switch, 16), "hbreak")
    has(out, r"^\$1 = 0x8$", "two steps")
    has(out, r"^\$2 = 5$", "registers")
    has(out, r"watchpoint 2.*Old value = -?\d+\nNew value = -?\d+$", "watch")
    status, text = g.shell("echo still-$((40+2))")
    check(status == 0 and "still-42" in text, "gdb: the guest goes on")


def wait_running(g, escape):
    """Waits for a machine that comes to run; then it is at its prompt."""
    g.write(escape + "c")
    while True:
        g.send("info status")
        found = g.expect(r"VM status: (\w+)")
        if not found or found[1] == "running":
            break
        time.sleep(0.3)
    g.write(escape + "c")
    g.send("")
    g.expect(PROMPT)


def pauses(g):
    """Stop, cont, and a machine that is saved and goes on elsewhere."""
    g.shell("seq 1 20000 | md5sum >/sum")
    monitor(g, ("stop\rinfo status", "status: paused"),
            ("info registers", r"PSTATE=\w+.*EL1h"),
            ("cont\rinfo status", "status: running"),
            ("migrate file:/state\rinfo migrate", "completed"))
    g.write("\x01\x01x")
    g.expect(PROMPT)
    g.send(anole("-M virt -smp 2 -m 256 -accel kvm -incoming file:/state",
                 append="nokaslr"))
    wait_running(g, "\x01\x01")
    status, text = g.shell("seq 1 20000 | md5sum | cmp - /sum && nproc;"
                           " sleep 1; grep -c . /proc/interrupts")
    check(status == 0 and re.search(r"^2\n", text, re.M), "it goes on")
    monitor(g, ("system_reset", "system_reset"))
    check(g.expect(READY), "system_reset")
    g.expect(PROMPT)
    check(g.shell("nproc")[1].strip().endswith("2"), "both CPUs are back")
    g.send("poweroff -f")
    check(g.expect("Power down"), "power off")
    g.expect(PROMPT)


def goes_on(g, where):
    status, text = g.shell("echo $from; seq 1 20000 | md5sum | cmp - /sum &&"
                           " nproc; sleep 1; grep timer /proc/interrupts")
    check(status == 0 and re.search(r"^tcg\n2\n", text, re.M),
          "it goes on with " + where)


def gicv2(folder):
    """The kernel's GICv2: a machine comes from the translator and goes back."""
    machine = ["-M", "virt", "-cpu", "cortex-a57", "-smp", "2", "-m", "128"]
    disk = os.path.join(folder, "disk")
    command = linux(emulator(), machine=machine, initrd="workloads.gz")
    with Guest(command) as g:
        check(g.login(), "a machine of the translator")
        g.shell("from=tcg; seq 1 20000 | md5sum >/sum")
        monitor(g, ("migrate file:" + disk, r"^\(anole\) "),
                ("info migrate", "completed"), escape="\x01")
    size = os.path.getsize(disk)
    with open(disk, "ab") as f:
        f.truncate(160 << 20)
    with nested.guest(folder, arch="arm64", timeout=60, extra=[
            "-M", "virt,virtualization=on,gic-version=2", "-cpu", "cortex-a57",
            "-drive", "if=virtio,format=raw,file=" + disk]) as g:
        check(g.login(), "the machine below, with GICv2")
        g.send(anole(*machine, "-accel kvm -incoming",
                     "exec:head\\ -c\\ %d\\ /dev/vda" % size))
        wait_running(g, "\x01\x01")
        goes_on(g, "the kernel's GICv2")
        monitor(g, ("migrate exec:dd bs=1M of=/dev/vda conv=fsync", "records"),
                ("info migrate", "completed"))
        g.write("\x01\x01x")
        g.expect(PROMPT)
        check(g.power_off() == 0, "and that below")
    with Guest([*command, "-incoming", "file:" + disk]) as g:
        wait_running(g, "\x01")
        goes_on(g, "the translator again")
        check(g.power_off() == 0, "and ends there")


def main():
    needs("qemu-system-aarch64", "gdb-multiarch", "dtc")
    port = free_port()
    forward = ["-nic", "user,hostfwd=tcp:127.0.0.1:%d-:1234,"
               "model=virtio-net-pci" % port]
    with scratch() as folder:
        bare = {"/anole/%s.elf" % n: nested.content(cached("bare", n + ".elf"))
                for n in BARE}
        with nested.guest(folder, arch="arm64", timeout=60, extra=forward,
                          files=bare) as g:
            check(g.login(), "the machine below, with GICv3")
            errors(g)
            programs(g)
            same_tree(g, folder)
            workloads(g, "GICv3", ["int", "smp"], "-M virt -accel kvm")
            workloads(g, "our GICv2", ["int", "smp"], "-M virt",
                      "-accel kvm,kernel-irqchip=off")
            for cpus in 1, 2:
                devices(g, cpus)
            debugger(g, port)
            pauses(g)
            check(g.power_off() == 0, "and that below")
        gicv2(folder)
    done()


if __name__ == "__main__":
    main()
