#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long, deep and wide the code may be.  usage: budgets.py TOP [--list]

With --list it also prints the numbers, and the mutable file data allowed.
"""

import re
import sys

from csource import Source, files, is_mutable, name_of, read

FILE_LINES = 1000
USUAL, LONG, LIMIT = 30, 80, 120        # lines of a function
USUAL_SHARE, LONG_SHARE = 0.90, 0.99
NESTING = 4
PARAMS = 6
COLUMNS, TABLE_COLUMNS = 80, 100
IFS_PER_1000 = 2

# Host dependence lives here, and here #if may be used.
HOST_FILES = re.compile(r"util/host[\w-]*\.[ch]$|tcg/(x86_64|aarch64|riscv64)"
                        r"[\w-]*\.c$")
# Programs for guests are not part of the emulator.
GUEST_PROGRAMS = "tests/guests/"

# Mutable data that may hang from nothing: file, name, why.
STATICS = {
    ("util/log.c", "log_items"): "read by log_on() in every hot path",
    ("util/log.c", "state"): "the process has one log",
    ("softmmu/clock.c", "clocks"): "the process has one time",
    ("softmmu/machine.c", "lock"): "the machine lock is one for all threads",
    ("softmmu/machine.c", "depth"): "how often this thread holds it",
    ("accel/vcpu.c", "current"): "the vCPU of this thread",
    ("gdbstub/gdbstub.c", "stub"): "one debugger",
    ("ui/input.c", "sinks"): "the process has one keyboard and mouse",
    ("ui/screen.c", "screens"): "the process's screens, as its chardevs",
    ("ui/layout.c", "chosen"): "the process has one keyboard layout, -k",
    ("target/i386/decode.c", "index"): "the tables turned round, once",
    ("target/i386/decode.c", "made"): "and that it was done",
    ("net/user.c", "source_funcs"): "GLib wants it writable",
}
STATICS_ANYWHERE = {"softmmu/main.c"}
SET_CACHE = "/* set cache */"           # in the line or the one above

# A line outside braces that declares a row: MACRO(...);
ROW = re.compile(r"\s*[A-Z][A-Z0-9_]+\s*\(.*[),;{\\]\s*(/\*.*\*/)?$")
CONDITIONAL = re.compile(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif)\b(.*)", re.M)


class Report:
    def __init__(self):
        self.wrong = 0
        self.lengths = []       # (lines, path, function)
        self.statics = []
        self.conditionals, self.lines = [], 0

    def say(self, path, line, text):
        self.wrong += 1
        print("%s:%d: %s" % (path, line, text))


def check_file(report, path, text):
    lines = text.count("\n")
    if lines > FILE_LINES and not path.endswith(".decode"):
        report.say(path, lines, "%d lines in a file, %d allowed"
                   % (lines, FILE_LINES))


def check_columns(report, path, source):
    in_macro = False
    for n, line in enumerate(source.lines, 1):
        table = (n in source.in_data or ROW.match(line) or in_macro)
        in_macro = line.endswith("\\")
        allowed = TABLE_COLUMNS if table or in_macro else COLUMNS
        if len(line) > allowed:
            report.say(path, n, "%d columns, %d allowed"
                       % (len(line), allowed))


def check_function(report, path, source, f):
    report.lengths.append((f.length(), path, f))
    above = source.lines[f.head - 2] if f.head > 1 else ""
    marked = above.strip().endswith("/* dispatch */")
    if f.length() > LIMIT and not marked:
        report.say(path, f.head, "%s: %d lines, %d allowed (a dispatching "
                   "switch has /* dispatch */ in the line above)"
                   % (f.name, f.length(), LIMIT))
    if f.depth > NESTING:
        report.say(path, f.deepest, "%s: nested %d deep, %d allowed"
                   % (f.name, f.depth, NESTING))
    if f.params > PARAMS:
        report.say(path, f.head, "%s: %d parameters, %d allowed"
                   % (f.name, f.params, PARAMS))


def check_statics(report, path, source):
    for d in source.data:
        if not is_mutable(d):
            continue
        name = name_of(d)
        near = source.lines[max(d.line - 2, 0):d.line]
        why = STATICS.get((path, name))
        if path in STATICS_ANYWHERE:
            why = why or "main()'s own"
        if any(SET_CACHE in line for line in near):
            why = why or "cache of a set"
        report.statics.append((path, d.line, name, why))
        if not why:
            where = " in %s()" % d.inside if d.inside else ""
            report.say(path, d.line, "%s%s can change and hangs from nothing; "
                       "let it hang from a pointer" % (name, where))


def count_conditionals(report, path, text):
    if HOST_FILES.search(path):
        return
    report.lines += text.count("\n")
    for m in CONDITIONAL.finditer(text):
        line = text.count("\n", 0, m.start()) + 1
        report.conditionals.append("%s:%d" % (path, line))


def check_lengths(report):
    """The shares of long functions, over the whole project."""
    lengths = sorted(report.lengths, key=lambda row: -row[0])
    number = len(lengths)
    for share, allowed in (USUAL_SHARE, USUAL), (LONG_SHARE, LONG):
        long = [row for row in lengths if row[0] > allowed]
        spare = int(number * (1 - share))
        if len(long) <= spare:
            continue
        report.wrong += 1
        print("%d of %d functions have more than %d lines, %d may; shorten "
              "some of" % (len(long), number, allowed, spare))
        for length, path, f in long[:20 + len(long) - spare]:
            print("    %s:%d: %s: %d lines" % (path, f.head, f.name, length))


def check_conditionals(report):
    allowed = report.lines * IFS_PER_1000 // 1000 + 1
    if len(report.conditionals) > allowed:
        report.wrong += 1
        print("%d lines with #if, %d allowed: %s"
              % (len(report.conditionals), allowed,
                 " ".join(report.conditionals)))


def print_numbers(report):
    lengths = sorted(length for length, _, _ in report.lengths)
    if lengths:
        print("%d functions; 90%% have at most %d lines, 99%% at most %d, "
              "the longest %d" % (
                  len(lengths), lengths[int((len(lengths) - 1) * 0.90)],
                  lengths[int((len(lengths) - 1) * 0.99)], lengths[-1]))
    print("%d lines, %d of them with #if"
          % (report.lines, len(report.conditionals)))
    for path, line, name, why in report.statics:
        print("mutable: %s:%d: %s (%s)" % (path, line, name, why or "WRONG"))


def main():
    top, report = sys.argv[1], Report()
    for path in files(top, ".c", ".h", ".decode"):
        if path.startswith(GUEST_PROGRAMS):
            continue
        text = read(top, path)
        check_file(report, path, text)
        if path.endswith(".decode"):
            continue
        source = Source(text)
        check_columns(report, path, source)
        for f in source.functions:
            check_function(report, path, source, f)
        if not path.startswith("tests/"):
            check_statics(report, path, source)
            count_conditionals(report, path, text)
    check_lengths(report)
    check_conditionals(report)
    if "--list" in sys.argv:
        print_numbers(report)
    print("%d budgets exceeded" % report.wrong)
    return 1 if report.wrong else 0


sys.exit(main())
