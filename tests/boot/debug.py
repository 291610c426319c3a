#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Breakpoints, watchpoints and software step of the guest's own; SP's checks.

What tests/guests/bare/debug.c prints. All but what NOT_IN_QEMU matches was
seen in qemu-system-aarch64 7.2 too, which has no checks of SP and knows no OS
lock; these are as the Arm ARM (DDI 0487) D1.3.10, D2.3 say.
"""

import re

from guest import (Guest, bare, check, done, emulator, is_anole, linux,
                   note)

NOT_IN_QEMU = r"sp,|  in line|.*OS lock"
EXPECTED = """\
id_aa64dfr0 10305006
OS lock at reset el0: class 15 iss 1 pc +10 ss 0
oslsr a
break el0: class 30 iss 22 pc +4 ss 0
break, MDE off el0: class 15 iss 1 pc +10 ss 0
break, other level el0: class 15 iss 1 pc +10 ss 0
break, off el0: class 15 iss 1 pc +10 ss 0
break, KDE off el0: class 30 iss 22 pc +4 ss 0
break, masked el0: class 30 iss 22 pc +4 ss 0
break, OS lock el0: class 15 iss 1 pc +10 ss 0
break el1: class 31 iss 22 pc +4 ss 0
break, MDE off el1: class 15 iss 1 pc +10 ss 0
break, other level el1: class 15 iss 1 pc +10 ss 0
break, off el1: class 15 iss 1 pc +10 ss 0
break, KDE off el1: class 15 iss 1 pc +10 ss 0
break, masked el1: class 15 iss 1 pc +10 ss 0
break, OS lock el1: class 15 iss 1 pc +10 ss 0
break, opened el1: class 31 iss 22 pc +8 ss 0
break, other context el0: class 15 iss 1 pc +10 ss 0
break, context el0: class 30 iss 22 pc +8 ss 0
watch load el0: class 34 iss 22 pc +0 far 40200000 ss 0
watch load el1: class 35 iss 22 pc +0 far 40200000 ss 0
watch load, for stores el0: class 15 iss 1 pc +8 ss 0
watch load, for stores el1: class 15 iss 1 pc +8 ss 0
watch store el0: class 34 iss 62 pc +0 far 40200000 ss 0
watch store el1: class 35 iss 62 pc +0 far 40200000 ss 0
watch store, for loads el0: class 15 iss 1 pc +8 ss 0
watch store, for loads el1: class 15 iss 1 pc +8 ss 0
watch store beside el0: class 15 iss 1 pc +8 ss 0
watch store beside el1: class 15 iss 1 pc +8 ss 0
watch byte 4 el0: class 34 iss 22 pc +0 far 40200004 ss 0
watch byte 4 el1: class 35 iss 22 pc +0 far 40200004 ss 0
watch byte 3 el0: class 34 iss 62 pc +0 far 40200003 ss 0
watch byte 3 el1: class 35 iss 62 pc +0 far 40200003 ss 0
watch byte 2 el0: class 15 iss 1 pc +8 ss 0
watch byte 2 el1: class 15 iss 1 pc +8 ss 0
watch word 1 el0: class 34 iss 62 pc +0 far 40200004 ss 0
watch word 1 el1: class 35 iss 62 pc +0 far 40200004 ss 0
watch pair, second el0: class 34 iss 62 pc +0 far 40200000 ss 0
watch pair, second el1: class 35 iss 62 pc +0 far 40200000 ss 0
watch pair, first el0: class 34 iss 62 pc +0 far 401ffff8 ss 0
watch pair, first el1: class 35 iss 62 pc +0 far 401ffff8 ss 0
watch 4 KiB el0: class 34 iss 62 pc +0 far 40200ff0 ss 0
watch 4 KiB el1: class 35 iss 62 pc +0 far 40200ff0 ss 0
watch 4 KiB, behind el0: class 15 iss 1 pc +8 ss 0
watch 4 KiB, behind el1: class 15 iss 1 pc +8 ss 0
watch vector el0: class 34 iss 22 pc +0 far 40200018 ss 0
watch vector el1: class 35 iss 22 pc +0 far 40200018 ss 0
watch exclusive el0: class 34 iss 22 pc +0 far 40200000 ss 0
watch exclusive el1: class 35 iss 22 pc +0 far 40200000 ss 0
watch unprivileged el1: class 35 iss 22 pc +0 far 40200000 ss 0
watch privileged el1: class 15 iss 1 pc +8 ss 0
step el0: class 32 iss 1000022 pc +4 ss 0
step el0: class 32 iss 1000022 pc +8 ss 0
step el0: class 32 iss 1000022 pc +c ss 0
step el0: class 15 iss 1 pc +10 ss 0
step el0: class 32 iss 1000022 pc +8 ss 0
step el0: class 32 iss 1000022 pc +c ss 0
step el0: class 15 iss 1 pc +10 ss 0
step el1: class 33 iss 1000022 pc +4 ss 0
step el1: class 33 iss 1000022 pc +8 ss 0
step el1: class 33 iss 1000022 pc +c ss 0
step el1: class 15 iss 1 pc +10 ss 0
step, exclusive el0: class 32 iss 1000062 pc +4 ss 0
step, exclusive el0: class 32 iss 1000022 pc +8 ss 0
step, exclusive el0: class 15 iss 1 pc +c ss 0
step, break el0: class 3c iss 7 pc +0 ss 1
step, masked el1: class 15 iss 1 pc +10 ss 0
step, not this one el0: class 32 iss 22 pc +0 ss 0
step, fault el0: class 24 iss 0 pc +0 far f00000000000 ss 1
pc el0: class 22 iss 0 pc +0 far 40080002 ss 0
sp, load el0: class 26 iss 0 pc +0 ss 0
  in line el0: class 15 iss 1 pc +8 ss 0
sp, load el1: class 26 iss 0 pc +0 ss 0
  in line el1: class 15 iss 1 pc +8 ss 0
not checked el0: class 15 iss 1 pc +8 ss 0
  not checked, in line el0: class 15 iss 1 pc +8 ss 0
not checked el1: class 15 iss 1 pc +8 ss 0
  not checked, in line el1: class 15 iss 1 pc +8 ss 0
sp, offset el0: class 26 iss 0 pc +0 ss 0
  in line el0: class 15 iss 1 pc +8 ss 0
sp, offset el1: class 26 iss 0 pc +0 ss 0
  in line el1: class 15 iss 1 pc +8 ss 0
not checked el0: class 15 iss 1 pc +8 ss 0
  not checked, in line el0: class 15 iss 1 pc +8 ss 0
not checked el1: class 15 iss 1 pc +8 ss 0
  not checked, in line el1: class 15 iss 1 pc +8 ss 0
sp, store el0: class 26 iss 0 pc +4 ss 0
  in line el0: class 15 iss 1 pc +10 ss 0
sp, store el1: class 26 iss 0 pc +4 ss 0
  in line el1: class 15 iss 1 pc +10 ss 0
not checked el0: class 15 iss 1 pc +10 ss 0
  not checked, in line el0: class 15 iss 1 pc +10 ss 0
not checked el1: class 15 iss 1 pc +10 ss 0
  not checked, in line el1: class 15 iss 1 pc +10 ss 0
sp, push el0: class 26 iss 0 pc +4 ss 0
  in line el0: class 26 iss 0 pc +8 ss 0
sp, push el1: class 26 iss 0 pc +4 ss 0
  in line el1: class 26 iss 0 pc +8 ss 0
not checked el0: class 15 iss 1 pc +10 ss 0
  not checked, in line el0: class 15 iss 1 pc +10 ss 0
not checked el1: class 15 iss 1 pc +10 ss 0
  not checked, in line el1: class 15 iss 1 pc +10 ss 0
sp, prefetch el0: class 15 iss 1 pc +8 ss 0
  in line el0: class 15 iss 1 pc +8 ss 0
sp, prefetch el1: class 15 iss 1 pc +8 ss 0
  in line el1: class 15 iss 1 pc +8 ss 0
not checked el0: class 15 iss 1 pc +8 ss 0
  not checked, in line el0: class 15 iss 1 pc +8 ss 0
not checked el1: class 15 iss 1 pc +8 ss 0
  not checked, in line el1: class 15 iss 1 pc +8 ss 0
sp, vector el0: class 26 iss 0 pc +0 ss 0
  in line el0: class 15 iss 1 pc +8 ss 0
sp, vector el1: class 26 iss 0 pc +0 ss 0
  in line el1: class 15 iss 1 pc +8 ss 0
not checked el0: class 15 iss 1 pc +8 ss 0
  not checked, in line el0: class 15 iss 1 pc +8 ss 0
not checked el1: class 15 iss 1 pc +8 ss 0
  not checked, in line el1: class 15 iss 1 pc +8 ss 0
sp, no access el0: class 15 iss 1 pc +10 ss 0
  in line el0: class 15 iss 1 pc +10 ss 0
sp, no access el1: class 15 iss 1 pc +10 ss 0
  in line el1: class 15 iss 1 pc +10 ss 0
not checked el0: class 15 iss 1 pc +10 ss 0
  not checked, in line el0: class 15 iss 1 pc +10 ss 0
not checked el1: class 15 iss 1 pc +10 ss 0
  not checked, in line el1: class 15 iss 1 pc +10 ss 0
sp, mends el0: class 26 iss 0 pc +0 ss 0
  in line el0: class 26 iss 0 pc +4 ss 0
sp, mends el1: class 26 iss 0 pc +0 ss 0
  in line el1: class 26 iss 0 pc +4 ss 0
not checked el0: class 15 iss 1 pc +c ss 0
  not checked, in line el0: class 15 iss 1 pc +c ss 0
not checked el1: class 15 iss 1 pc +c ss 0
  not checked, in line el1: class 15 iss 1 pc +c ss 0
sp, exclusive el0: class 26 iss 0 pc +0 ss 0
  in line el0: class 15 iss 1 pc +8 ss 0
sp, exclusive el1: class 26 iss 0 pc +0 ss 0
  in line el1: class 15 iss 1 pc +8 ss 0
not checked el0: class 15 iss 1 pc +8 ss 0
  not checked, in line el0: class 15 iss 1 pc +8 ss 0
not checked el1: class 15 iss 1 pc +8 ss 0
  not checked, in line el1: class 15 iss 1 pc +8 ss 0
watch DC ZVA el0: class 34 iss 62 pc +0 far 40200000 ss 0
"""


def compare(got, backend):
    """One result for each group of lines, named by what is before a comma."""
    wanted, good = EXPECTED.splitlines(), {}
    if not check(len(got) == len(wanted), backend + ": as many lines"):
        note("\n".join(got))
        return
    for w, g in zip(wanted, got):
        if re.match(NOT_IN_QEMU, w) and not is_anole():
            continue
        name = re.match(r" *(\w+)", w)[1]
        good[name] = good.get(name, True) and w == g
        if w != g:
            note("wanted %s\ngot    %s" % (w, g))
    for name in good:
        check(good[name], backend + ": " + name)


def linux_debugger():
    """A debugger in a Linux guest: tests/guests/user/arm64/hwdebug.c."""
    with Guest(linux(emulator(), "quiet", initrd="tools.gz"),
               timeout=180) as g:
        check(g.login(), "a Linux guest") or done()
        status, out = g.shell("hwdebug")
        if not check(status == 0 and "hwdebug: all good" in out,
                     "its ptrace has breakpoints, watchpoints and steps"):
            note(out)
        check(g.power_off() == 0, "and it is switched off")


def main():
    backends = ["native", "interp"] if is_anole() else ["tcg"]
    for backend in backends:
        extra = (["-accel", "tcg,backend=" + backend] if is_anole() else [])
        with Guest(bare("debug", *extra)) as g:
            if check(g.expect(r"^debug: begin\n"), backend + ": begins"):
                begin = g.match.end()
                g.expect(r"^debug: end\n")
                compare(g.output[begin:g.match.start()].splitlines(), backend)
            check(g.wait() == 0, backend + ": ends")
    linux_debugger()
    done()


main()
