#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What every file has to look like.  usage: format.py TOP

Tables here are aligned by hand, which clang-format would undo; so this checks
what has one right answer: white space, line ends, the licence line, words
that mark unfinished work. (.clang-format is for new code, in an editor.)
"""

import os
import re
import sys

ENDINGS = (".c", ".h", ".S", ".py", ".sh", ".decode", ".md", ".txt", ".ir")
NAMES = {"configure", "Makefile", "meson.build", "meson_options.txt", "run"}
SKIPPED = re.compile(r"^(\.git|build.*|__pycache__)$")
NO_LICENCE_LINE = (".md", ".txt", ".ir")
COLUMNS = 100                   # C has budgets.py
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")

# Pattern, and what is wrong where it is found; {} stands for the name.
RULES = [
    (re.compile(r"[ \t]+$", re.M), "white space at the end of the line"),
    (re.compile(r"\r"), "carriage return"),
    (re.compile(r"[^\x00-\x7f]"), "a character that is not ASCII"),
    (UNFINISHED, "a mark of unfinished work"),
]


def sources(top):
    for where, folders, names in os.walk(top):
        folders[:] = sorted(f for f in folders if not SKIPPED.match(f))
        for name in sorted(names):
            if name.endswith(ENDINGS) or name in NAMES:
                yield os.path.relpath(os.path.join(where, name), top)


def complaints(path, text):
    """(place, what is wrong) of a file."""
    markdown = path.endswith(".md")
    for pattern, what in RULES:
        if markdown and "ASCII" in what:
            continue
        for m in pattern.finditer(text):
            yield m.start(), what
    if os.path.basename(path) != "Makefile":
        for m in re.finditer(r"\t", text):
            yield m.start(), "tab"
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        yield len(text) - 1, "the file does not end with one newline"
    licence = path.endswith(NO_LICENCE_LINE) and "meson" not in path
    if not licence and "SPDX-License-Identifier: MIT" not in "".join(
            text.splitlines(True)[:2]):
        yield 0, "no SPDX line at the top"
    if not path.endswith((".c", ".h", ".md", ".txt")):
        for m in re.finditer(r"^.{%d,}$" % (COLUMNS + 1), text, re.M):
            yield m.start(), "more than %d columns" % COLUMNS


def main():
    top, wrong = sys.argv[1], 0
    for path in sources(top):
        with open(os.path.join(top, path), encoding="utf-8") as f:
            text = f.read()
        for place, what in sorted(set(complaints(path, text))):
            wrong += 1
            print("%s:%d: %s" % (path, text.count("\n", 0, place) + 1, what))
    print("%d faults of form" % wrong)
    return 1 if wrong else 0


sys.exit(main())
