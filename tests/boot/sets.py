#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every board, CPU model and option does what all of its kind do."""

import os
import re

from guest import TOP, check, done, emulator, note, run

FAULTS = re.compile(r"Assertion|Segmentation|Sanitizer|runtime error|core dump")
RANGE = re.compile(r"^  ([0-9a-f]{16})-([0-9a-f]{16}) (\S+)", re.M)
DEVICE = re.compile(r'^dev: \S+, id "([^"]+)"', re.M)
TIMEOUT = 60


def anole(*options, typed=""):
    """What the program with these options says: status, output."""
    status, output, errors = run([emulator(), *options], TIMEOUT, typed)
    return status, output + errors


def names(listing):
    """The first words of the lines below a list's heading."""
    return [line.split()[0] for line in listing.splitlines()[1:] if line]


def models():
    """CPU models by target, as -cpu help has them."""
    of, target = {}, None
    for line in anole("-cpu", "help")[1].splitlines():
        heading = re.match(r"Available CPUs of (\S+):", line)
        if heading:
            target = of.setdefault(heading.group(1), [])
        else:
            target.append(line.strip())
    return of


def refused(options, *words):
    status, output = anole(*options)
    good = (status == 1 and not FAULTS.search(output)
            and all(word in output for word in words))
    if not check(good, "%s is refused" % " ".join(options)):
        note("status %s: %s" % (status, output[-400:]))


def explained(board):
    """-explain: a memory map in order that does not overlap, named devices."""
    status, output = anole("-M", board, "-explain")
    memory = output.split("address-space:")[1].split("\n\n")[0]
    ranges = [(int(a, 16), int(b, 16)) for a, b, _ in RANGE.findall(memory)]
    bare = board == "none"              # by its name
    check(status == 0 and (ranges or bare), board + ": explained")
    check(all(a <= b for a, b in ranges)
          and all(x[1] < y[0] for x, y in zip(ranges, ranges[1:])),
          board + ": its memory map is sorted, no range over another")
    ids = DEVICE.findall(output)
    check((ids or bare) and len(ids) == len(set(ids)), board + ": one device for an id")


def started(board, *options):
    """It starts, resets, shows itself, and ends."""
    status, output = anole(
        "-M", board, *options, "-S", "-display", "none", "-serial", "none",
        "-monitor", "stdio", typed="info registers\nsystem_reset\n"
        "info mtree\ninfo qtree\nsystem_reset\ninfo status\nquit\n")
    what = "%s %s" % (board, " ".join(options))
    if not check(status == 0 and "address-space: memory" in output
                 and "VM status: paused" in output
                 and not FAULTS.search(output), what + ": starts and resets"):
        note("status %s: %s" % (status, output[-600:]))


def boards():
    of = models()
    for board in names(anole("-M", "help")[1]):
        if board != "none":             # which has nothing to tell
            explained(board)
        status, output = anole("-M", board, "-cpu", "none-such")
        fits = re.search(r"there are (.*)", output)
        check(status == 1 and fits, board + ": says which CPUs there are")
        known = {model for target in of.values() for model in target}
        for model in fits.group(1).split(", "):
            check(model in known, "%s: %s is in -cpu help" % (board, model))
            if model == "host":     # of another accelerator alone
                refused(["-M", board, "-cpu", model], "-accel kvm")
            else:
                started(board, "-cpu", model)
        most = re.search(r"at most (\d+)", anole("-M", board, "-smp", "99")[1])
        if check(most, board + ": says how many CPUs it takes"):
            started(board, "-smp", most.group(1))
        refused(["-M", board + ",none-such=1"], "none-such")
        refused(["-M", board[:-1] + "zz"], board[:-1] + "zz")


def options():
    with open(os.path.join(TOP, "docs", "options.md")) as f:
        page = f.read()
    listing = anole("-help")[1]
    for name, value in re.findall(r"^(-\S+) (\S*)", listing, re.M):
        check(re.search("`%s[` ]" % name, page), name + " is documented")
        if value:
            refused([name], name, "needs a value")
        refused([name + "zq"], name + "zq", "unknown option")


boards()
options()
done()
