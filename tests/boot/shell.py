#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Linux to a shell: commands, all CPUs, ways to end, CPU models."""

import hashlib

from guest import DONE, READY, Guest, check, done


def use_shell(g):
    check(g.login(), "an interactive shell") or done()
    status, output = g.shell("echo $((6 * 7)); uname -m")
    check(status == 0 and output.split() == ["42", "aarch64"], "runs commands")
    status, output = g.shell("ls /nonexistent")
    check(status == 1 and "No such file" in output, "and says what failed")
    status, output = g.shell("seq 1 20000 | sha256sum")
    wanted = hashlib.sha256("".join(
        "%d\n" % n for n in range(1, 20001)).encode()).hexdigest()
    check(output.startswith(wanted), "pipes carry what they should")


def use_all_cpus(g):
    status, output = g.shell("nproc")
    check(output.split() == ["4"], "four CPUs are there")
    status, output = g.shell(
        "for c in 0 1 2 3; do taskset -c $c sh -c "
        "'read -r x </proc/self/stat; set -- $x; shift 38; echo on $1'; done")
    check(output.split("\n")[:4] == ["on 0", "on 1", "on 2", "on 3"],
          "and each runs a program")
    status, output = g.shell("grep arch_timer /proc/interrupts")
    counts = [int(n) for n in output.split()[1:5]]
    check(len(counts) == 4 and all(counts), "and each gets timer interrupts")


with Guest(extra=["-smp", "4"], append="quiet", timeout=180) as g:
    use_shell(g)
    use_all_cpus(g)
    check(g.power_off() == 0, "poweroff ends the emulator with status 0")

for model, part, how, gic in (("cortex-a53", "0xd03", "reboot", 2),
                              ("cortex-a72", "0xd08", "poweroff", 2),
                              ("max", None, "poweroff", 3)):
    with Guest(extra=["-cpu", model, "-smp", "2", "-M",
                      "virt,gic-version=%d" % gic], timeout=180,
               append='quiet guest.off=%s guest.run="cat /proc/cpuinfo'
               ' /proc/interrupts"' % how) as g:
        check(g.expect(READY), model + " boots")
        if check(g.expect(r"CPU part\s*: (\w+)\n"), "and has /proc/cpuinfo"):
            check(not part or g.match[1] == part, "of the right model")
        found = g.expect(r"(\d+) +(\d+) +(GICv3|GIC-0) +27 Level +arch_timer")
        check(found and int(found[1]) and int(found[2])
              and (found[3] == "GICv3") == (gic == 3),
              "with interrupts of its GICv%d on both CPUs" % gic)
        check(g.expect(DONE) and g.match[1] == "0", "and finishes")
        check(g.wait() == 0, "and %s ends the emulator" % how)

done()
