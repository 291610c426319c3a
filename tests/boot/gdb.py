#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gdb attaches: a bare program, the kernel, a program of the guest."""

import re

from guest import (Guest, bare, check, done, emulator, free_port, linux,
                   needs, note, run)

START = 0x40080000              # see tests/guests/bare/count.S
LOOP, COUNTER, LIMIT = START + 0x100, START + 0x2000, START + 0x2008


def gdb(port, *commands, timeout=120):
    """Attaches, does the commands and detaches; what gdb says."""
    line = ["gdb-multiarch", "-nx", "-batch"]
    for command in ("set pagination off", "set confirm off",
                    "set tcp connect-timeout 60", "set architecture aarch64",
                    "target remote 127.0.0.1:%d" % port,
                    *commands):
        line += ["-ex", command]
    status, output, errors = run(line, timeout)
    if status is None:
        note("gdb hangs")
    return output + errors


def has(output, pattern, what):
    if not check(re.search(pattern, output, re.M | re.S), what):
        note(output[-1500:])


def stopped(program, port, *extra):
    return Guest(bare(program, "-S", "-gdb", "tcp:127.0.0.1:%d" % port,
                      *extra))


def registers_and_steps():
    port = free_port()
    with stopped("count", port) as g:
        out = gdb(port, "info registers pc", "stepi", "info registers pc",
                  "x/2i $pc", "hbreak *%#x" % LOOP, "continue",
                  "info registers x20 x19", "delete", "stepi", "stepi",
                  "stepi", "info registers pc x21", "x/gx %#x" % COUNTER,
                  "info registers cpsr", "print $sp", "print $v0.d.u[0]",
                  "detach")
        has(out, r"^pc +0x40080000\b", "pc at reset")
        check("counting" not in g.output, "-S: nothing has run before")
        has(out, r"^pc +0x40080004\b", "stepi")
        has(out, r"=> 0x40080004:\tbl\t0x", "x/i")
        has(out, r"Breakpoint 1, 0x0*40080100 in", "hbreak stops")
        has(out, r"^x20 +0x1\b.*^x19 +0x40082000\b", "registers")
        has(out, r"^pc +0x4008010c\b.*^x21 +0x1\b", "stepi again")
        has(out, r"^0x40082000:\t0x0*1$", "memory")
        has(out, r"^cpsr +0x[0-9a-f]+", "cpsr")
        has(out, r"^\$2 = \d+$", "vector registers")
        check(g.expect(r"^counted to 000186a0\n"), "detach: the guest goes on")
        check(g.wait() == 0, "and ends")


def watch_and_write():
    port = free_port()
    with stopped("count", port) as g:
        out = gdb(port, "break *%#x" % LOOP, "continue",
                  "continue", "info registers x21", "delete",
                  "watch *(long *)%#x" % COUNTER, "continue", "continue",
                  "info registers pc", "delete",
                  "rwatch *(long *)%#x" % LIMIT, "continue",
                  "info registers pc", "delete",
                  "awatch *(long *)%#x" % COUNTER, "continue", "delete",
                  "set var $x20 = 0x10",
                  "set var *(long *)%#x = 0x100" % COUNTER,
                  "set var *(long *)%#x = 0x200" % LIMIT,
                  "print/x $x20", "x/2gx %#x" % COUNTER,
                  "set var $pc = %#x" % LOOP, "detach")
        has(out, r"Breakpoint 1,.*Breakpoint 1,.*^x21 +0x1\b",
            "a software breakpoint stops again and again")
        has(out, r"watchpoint 2:.*Old value = 1\n+New value = 2\b.*"
            r"Old value = 2\n+New value = 3\b", "watch stops")
        has(out, r"^pc +0x4008010c\b", "behind the store")
        has(out, r"Hardware read watchpoint 3:.*Value = 100000", "rwatch")
        has(out, r"Hardware access \(read/write\) watchpoint 4:.*Value = ",
            "awatch")
        has(out, r"^\$\d = 0x10$.*0x40082000:\t0x0*100\t0x0*200$",
            "registers and memory written")
        check(g.expect(r"^counted to 00000200\n"), "and the guest has both")
        check(g.wait() == 0, "and ends")


def threads_and_monitor():
    port = free_port()
    with stopped("echo", port, "-smp", "2") as g:
        out = gdb(port, "info threads", "thread 2", "info registers x0",
                  "thread 1", "info registers pc", "monitor info registers",
                  "monitor info status", "detach")
        has(out, r"^\* 1 +Thread.*^  2 +Thread", "two CPUs are threads")
        has(out, r"^x0 +0x.*^pc +0x40080000\b", "each with registers")
        has(out, r"PC=0*40080000|pc +0x0*40080000", "monitor info registers")
        has(out, r"paused", "monitor info status")
        check(g.expect(r"^echo is ready\n"), "detach: the guest goes on")
        out = gdb(port, "info registers pc", "x/i $pc", "detach")
        has(out, r"^pc +0x4008010[0-9a-f]\b", "attached a second time")
        g.write("more")
        check(g.expect("more"), "the guest goes on again")
        out = gdb(port, "kill")
        check(g.wait() is not None, "kill ends the emulator")


def kernel_and_program():
    port = free_port()
    command = linux(emulator(), "quiet nokaslr", initrd="tools.gz", extra=[
        "-smp", "2", "-gdb", "tcp:127.0.0.1:%d" % port])
    with Guest(command, timeout=180) as g:
        check(g.login(), "a Linux guest with a gdb port") or done()
        _, out = g.shell("grep ' __arm64_sys_sethostname$' /proc/kallsyms")
        kernel = "0x" + out[:16]
        g.shell("(while :; do hostname x; usleep 100000; done) & true")
        out = gdb(port, "hbreak *" + kernel, "continue", "x/4i $pc",
                  "info registers pc", "info threads", "delete", "stepi",
                  "info registers pc", "detach")
        has(out, r"Breakpoint 1, %s in" % kernel.replace("0x", "0x0*"),
            "hbreak in the kernel")
        has(out, r"=> %s:\t.*(\n +0x[0-9a-f]+:\t.*){3}" % kernel, "x/4i $pc")
        has(out, r"\n +0x%x:.*^pc +0x%x\b" % (int(kernel, 16) + 4,
                                             int(kernel, 16) + 4), "stepi")
        status, out = g.shell("kill %1; echo alive")
        check("alive" in out, "the guest goes on")
        watched_program(g, port)
        check(g.power_off() == 0, "and is switched off")


def watched_program(g, port):
    _, out = g.shell("watched >/tmp/out & usleep 500000; cat /tmp/out")
    match = re.search(r"tick at (\w+), counter at (\w+)", out)
    if not check(match, "a program in the guest"):
        return
    out = gdb(port, "hbreak *" + match[1], "continue", "info registers pc",
              "delete", "watch *(long *)" + match[2], "continue", "continue",
              "delete", "detach")
    has(out, r"^pc +%s\b" % match[1], "a breakpoint in it")
    values = re.findall(r"(?:Old|New) value = (\d+)", out)
    check(len(values) == 4 and
          [int(v) - int(values[0]) for v in values] == [0, 1, 1, 2],
          "a watchpoint on its variable") or note(out[-1500:])
    status, out = g.shell("kill %2; echo still alive")
    check("still alive" in out, "the guest goes on")


needs("gdb-multiarch")
registers_and_steps()
watch_and_write()
threads_and_monitor()
kernel_and_program()
done()
