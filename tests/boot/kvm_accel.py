#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""-accel kvm, in a Linux guest of anole's translator that has a KVM.

There Debian's kernel boots once more, on the CPUs that the guest has. What it
finds is what it finds under the translator, and programs compute the same.
"""

import os
import re
import time

from guest import (DONE, READY, TOP, Guest, cached, check, done, emulator,
                   free_port, linux, needs, note, run, scratch)
import nested
import rom

RESULT = r"RESULT (\S+) seconds=\S+ check=(\w+)\n"
WORK = ["int", "fp", "simd", "mem", "smp"]

# The same command line for both accelerators, but for files and -accel.
MACHINE = ["-M", "pc", "-cpu", "EPYC,kvm=off,x2apic=off,tsc-deadline=off",
           "-smp", "2", "-m", "256", "-vga", "none", "-device",
           "virtio-rng-pci"]
SHOW = ("cat /proc/bus/pci/devices; md5sum /sys/firmware/acpi/tables/*;"
        " cat /proc/ioports /proc/iomem;"
        " grep -v -e MHz -e bogomips -e ^bugs /proc/cpuinfo;"
        " dmesg")
# What dmesg tells of time, of speed, and of the hypervisor's name.
VARIES = re.compile(
    r"tsc|clocksource|MHz|BogoMIPS|sched_clock|rtc_cmos|Linux version|random:"
    r"|Hypervisor|Booting paravirt|hrtimer|loops_per|Memory:|Spectre|Speculat"
    r"|MDS|RETBleed|vulnerab|Freeing|alg:|Trying to unpack|Callback from"
    r"|input:|serio|Mitigation|evm:|Run /init|zswap|random|mem auto-init"
    r"|Command line|command line|RAMDISK|KASLR|percpu|NX |Timer|x86/mm"
    r"|PM-Timer|took \d+ usecs|audit:|TSC doesn't count|IOAPIC.0.: apic_id 0, version"
    r"|APIC calibration|rcu|Allocated|lpj|cblist|Setting ")


def anole(*options, kernel=True, append=""):
    """A command of the machine below."""
    words = [nested.ANOLE, *options]
    if kernel:
        words += ["-nographic", "-kernel", nested.KERNEL,
                  "-initrd", nested.INITRD, "-append",
                  "'console=ttyS0 panic=-1 %s'" % append]
    return " ".join(words)


def errors(g):
    """What is said where KVM is not to be had."""
    pc = "-M pc -display none -S -kernel " + nested.KERNEL
    status, text = g.shell("mv /dev/kvm /dev/other; " + anole(
        pc, "-accel kvm", kernel=False))
    check(status == 1 and "there is no /dev/kvm" in text, "no /dev/kvm")
    status, text = g.shell("touch /dev/kvm; " + anole(
        pc, "-accel kvm", kernel=False))
    check(status == 1 and "its interface" in text, "not the interface")
    status, text = g.shell("rm /dev/kvm; echo q | " + anole(
        pc, "-M pc,accel=kvm:tcg -monitor stdio", kernel=False))
    check(status == 0 and re.search(r"no /dev/kvm.*; trying tcg", text),
          "kvm:tcg falls back and says why")
    status, text = g.shell("mv /dev/other /dev/kvm; " + anole(
        pc, "-accel kvm,kernel-irqchip=maybe", kernel=False))
    check(status == 1 and "write on, off or split" in text, "a wrong option")
    status, text = g.shell(anole("-M virt -enable-kvm", kernel=False))
    check(status == 1 and "cannot run aarch64" in text, "another architecture")
    status, text = g.shell(anole(pc, "-accel kvm -cpu EPYC,enforce",
                                 kernel=False))
    check(status == 1 and "cannot give" in text, "a feature that is missing")


def looks(text):
    """What SHOW printed, without what may differ."""
    lines = [re.sub(r"^\[ *[\d.]+\] ", "", line)
             for line in text.split("\n") if line]
    return sorted(line for line in lines if not VARIES.search(line))


def under_tcg():
    command = [emulator(), *linux(emulator(), arch="amd64", machine=MACHINE,
                                  initrd="workloads.gz",
                                  append='nokaslr guest.run="%s"' % SHOW)[1:]]
    with Guest(command, timeout=120) as g:
        g.expect(READY)
        at = g.at
        return g.output[at:g.at] if g.expect(DONE) else ""


def same_machine(g):
    """PCI, ACPI, ports, memory, CPUs and the kernel's log."""
    g.send(anole("-accel kvm", *MACHINE,
                 append='nokaslr guest.run="%s"' % SHOW))
    g.expect(READY)
    at = g.at
    g.expect(DONE)
    here, there = looks(g.output[at:g.at]), looks(under_tcg())
    check(len(here) > 100, "%d lines about the machine" % len(here))
    if not check(here == there, "they are the same as under the translator"):
        note("KVM alone:\n" + "\n".join(l for l in here if l not in there))
        note("tcg alone:\n" + "\n".join(l for l in there if l not in here))
    g.expect(r"^[~/]\S* # ")


def machine_rom(folder):
    """The ROM of tests/insn/x86/kvm/machine.c, for the machine below."""
    sources = [os.path.join(rom.HERE, "main.c"),
               os.path.join(TOP, "tests", "insn", "x86", "kvm", "machine.c")]
    image = rom.rom(folder, rom.link(folder, "machine", sources, rom.BITS32))
    return {"/anole/machine.rom": nested.content(image)}, image


def programs(g, image):
    """A program without a system: the same under both accelerators."""
    rom.test_rom("q35", "qemu64", "-accel", "tcg", "-bios", image)
    for chip in "on", "off", "split":
        status, text = g.shell(anole(
            "-M q35 -cpu host -m 64 -nodefaults -display none -serial stdio"
            " -device isa-debug-exit,iobase=0xf4,iosize=1 -accel"
            " kvm,kernel-irqchip=%s -bios /anole/machine.rom </dev/null"
            % chip, kernel=False))
        if not check(status == 1 and re.search(r"^1\.\.24\n", text, re.M)
                     and "not ok" not in text,
                     "kernel-irqchip=%s: MSRs, APICs, timers, debug" % chip):
            note(text)


def native(name):
    _, output, _ = run([cached("workloads", "native", name), "1", "2"], 60)
    return re.search(RESULT, output)[2]


def workloads(g, chip):
    """What programs compute, by interrupt controllers of either kind."""
    command = "for w in %s; do $w 1 2; done" % " ".join(WORK)
    g.send(anole("-M q35 -smp 2 -m 256 -cpu host -accel kvm,kernel-irqchip=" +
                 chip, append='guest.run="%s"' % command))
    check(g.expect(READY), "kernel-irqchip=%s: Linux" % chip)
    for name in WORK:
        found = g.expect(RESULT)
        check(found and (found[1], found[2]) == (name, native(name)),
              "kernel-irqchip=%s: %s" % (chip, name))
    check(g.expect(DONE), "kernel-irqchip=%s: power off" % chip)
    g.expect(r"^[~/]\S* # ")


def devices(g, cpus):
    """A disk and a network of virtio."""
    g.shell("dd if=/dev/zero of=/disk bs=1M count=4")
    g.send(anole("-M pc -m 256 -cpu host -accel kvm -nic"
                 " user,model=virtio-net-pci -drive"
                 " file=/disk,if=virtio,format=raw -smp %d" % cpus,
                 append='guest.run="%s"' % nested.WORK))
    check(g.expect(nested.WORKED), "%d CPUs: disk and network" % cpus)
    check(g.expect(DONE), "power off")
    g.expect(r"^[~/]\S* # ")


def levels(g, chip):
    """Interrupts by level: each ends by an EOI that the I/O APIC hears of."""
    g.send(anole("-M q35 -m 256 -cpu host -nic user,model=virtio-net-pci"
                 " -accel kvm,kernel-irqchip=" + chip,
                 append='pci=nomsi guest.run="ip addr add 10.0.2.15/24 dev'
                 ' eth0; ip link set eth0 up; ping -c 3 -i 0.2 10.0.2.2;'
                 ' grep fasteoi /proc/interrupts"'))
    check(g.expect(r"3 packets received"), "kernel-irqchip=%s: ping" % chip)
    found = g.expect(r"(\d+) +IO-APIC +\d+-fasteoi +virtio")
    check(found and int(found[1]) >= 3, "by level-triggered interrupts")
    check(g.expect(DONE), "power off")
    g.expect(r"^[~/]\S* # ")


def monitor(g, *commands):
    """Types at the monitor of the machine above; Ctrl-A is the one's below.

    commands: what to type, and what must come.
    """
    g.write("\x01\x01c")
    for command, pattern in commands:
        g.send(command)
        check(g.expect(pattern), "monitor: " + command.replace("\r", ", "))
    g.write("\x01\x01c")


def gdb(port, *commands):
    line = ["gdb-multiarch", "-nx", "-batch"]
    for command in ("set confirm off", "set tcp connect-timeout 60",
                    "set architecture i386:x86-64",
                    "target remote 127.0.0.1:%d" % port, *commands):
        line += ["-ex", command]
    _, output, wrong = run(line, 120)
    return output + wrong


def has(output, pattern, what):
    if not check(re.search(pattern, output, re.M | re.S), "gdb: " + what):
        note(output[-1500:])


def debugger(g, port):
    """gdb on a machine at a shell: stops, steps, breaks, watches."""
    g.shell("ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up;"
            " ping -c 1 10.0.2.2")
    g.send(anole("-M pc -smp 2 -m 256 -cpu EPYC -accel kvm -gdb tcp::1234",
                 append="nokaslr"))
    check(g.login(), "a machine for gdb")
    _, text = g.shell("grep -w jiffies_64 /proc/kallsyms")
    jiffies = "0x" + re.search(r"(\w{16}) D", text)[1]
    out = gdb(port, "info threads", "hbreak *$pc", "continue", "x/i $pc",
              "delete", "stepi", "stepi", "print/x $cs",
              "watch *(long *)%s" % jiffies, "continue", "detach")
    has(out, "Thread 1.1.*Thread 1.2", "two threads")
    has(out, "Breakpoint 1, 0x", "hbreak")
    has(out, r"=> 0x[0-9a-f]+:", "code")
    has(out, r"^\$1 = 0x10$", "registers")
    has(out, r"watchpoint 2.*Old value = (\d+)\nNew value = \d+$", "watch")
    status, text = g.shell("echo still-$((40+2))")
    check(status == 0 and "still-42" in text, "gdb: the guest goes on")


def clock(g):
    """A guest's clocks stand still while the machine does."""
    def uptime():
        return float(g.shell("cut -d' ' -f1 /proc/uptime")[1].split("\n")[0])
    g.send(anole("-M pc -m 256 -accel kvm -cpu host"))
    check(g.login(), "a machine with clocks")
    for name in "kvm-clock", "tsc":
        status, _ = g.shell("cd /sys/devices/system/clocksource/clocksource0;"
                            " echo %s >current_clocksource;"
                            " grep -x %s current_clocksource" % (name, name))
        began, first = time.monotonic(), uptime()
        monitor(g, ("stop\rinfo status", "status: paused"))
        paused = time.monotonic()
        time.sleep(5)
        paused = time.monotonic() - paused
        monitor(g, ("cont\rinfo status", "status: running"))
        g.send("")
        g.expect(r"^[~/]\S* # ")
        ran = uptime() - first
        check(status == 0 and 0 < ran < time.monotonic() - began - paused + 1,
              name + " stands still while the machine does")
    g.send("poweroff -f")
    g.expect(r"Power down")
    g.expect(r"^[~/]\S* # ")


def pauses(g):
    monitor(g, ("stop\rinfo status", "status: paused"),
            ("info registers", r"CR0=8005\w+.*"),
            ("cont\rinfo status", "status: running"),
            ("stop\rcont\rinfo status", "status: running"))
    g.send("")
    g.expect(r"^[~/]\S* # ")
    status, _ = g.shell("sleep 1")
    check(status == 0, "stop and cont")
    monitor(g, ("system_reset", "system_reset"))
    check(g.expect(READY), "system_reset")
    g.expect(r"^[~/]\S* # ")
    check(g.shell("nproc")[1].strip().endswith("2"), "both CPUs are back")
    g.send("poweroff -f")
    check(g.expect(r"Power down"), "power off")
    g.expect(r"^[~/]\S* # ")


def moves(g):
    """A running machine's state under one accelerator goes on under another."""
    machine = ("-M pc -smp 2 -m 128 -vga none -cpu qemu64,kvm=off,svm=off")
    g.send(anole(machine, "-accel kvm"))
    check(g.login(), "a machine to be moved")
    g.shell("from=kvm; seq 1 20000 | md5sum >/sum; cat /sum")
    for accel in "tcg", "kvm":
        monitor(g, ("migrate file:/state", r"\(anole\) "),
                ("info migrate", "completed"))
        g.write("\x01\x01x")
        g.expect(r"^[~/]\S* # ")
        g.send(anole(machine, "-accel", accel, "-incoming file:/state"))
        g.write("\x01\x01c")
        running = False
        while not running:
            g.send("info status")
            found = g.expect(r"VM status: (\w+)")
            running = not found or found[1] == "running"
        g.write("\x01\x01c")
        g.send("")
        g.expect(r"^[~/]\S* # ")
        status, text = g.shell("echo $from; seq 1 20000 | md5sum |"
                               " cmp - /sum && nproc; sleep 1")
        check(status == 0 and re.search(r"kvm\s+2\n", text),
              "it goes on under " + accel)
        g.shell("rm -f /state")
    g.send("poweroff -f")
    g.expect(r"Power down")
    g.expect(r"^[~/]\S* # ")


def main():
    needs("gdb-multiarch")
    port = free_port()
    forward = "user,hostfwd=tcp:127.0.0.1:%d-:1234" % port
    with scratch() as folder:
        files, image = machine_rom(folder)
        with nested.guest(folder, files=files, extra=[
                "-nic", forward + ",model=virtio-net-pci"]) as g:
            check(g.login(), "the machine below")
            errors(g)
            programs(g, image)
            same_machine(g)
            for chip in "on", "off", "split":
                workloads(g, chip)
            levels(g, "split")
            for cpus in 1, 2:
                devices(g, cpus)
            clock(g)
            debugger(g, port)
            pauses(g)
            moves(g)
            check(g.power_off() == 0, "and that below")
    done()


if __name__ == "__main__":
    main()
