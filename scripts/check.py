#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Build, run the tests, and count.

usage: check.py BUILD [meson test option]...

A test that writes TAP ("ok 1 - what", "not ok 2 - what") counts by its lines,
any other as one. The last line is "N passed, N failed", with ", N skipped" if
there are any; the exit status is 0 when none failed.
"""

import json
import os
import re
import subprocess
import sys

PASSED = {"OK", "EXPECTEDFAIL"}
TAP_LINE = re.compile(r"^(not )?ok\b(.*)$", re.M)
SKIP = re.compile(r"#\s*skip", re.I)


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.wrong = []         # names of what failed
        self.reasons = []       # "name: why it was skipped"

    def fail(self, name, number=1):
        self.failed += number
        self.wrong.append(name)

    def line(self):
        text = "%d passed, %d failed" % (self.passed, self.failed)
        return text + (", %d skipped" % self.skipped if self.skipped else "")


def skip_reason(output):
    """Why a test was skipped: what it says after "skip", or its last line."""
    lines = [line for line in output.splitlines() if line.strip()]
    said = [line for line in lines if SKIP.search(line)]
    return SKIP.split((said or lines or [""])[-1])[-1].strip(" :#")


def count_test(count, test):
    """Adds one entry of meson's testlog.json."""
    name, result = test["name"], test["result"]
    output = test.get("stdout", "") or ""
    if result == "SKIP":
        count.skipped += 1
        count.reasons.append("%s: %s" % (name, skip_reason(output)))
        return
    wrong = 0
    lines = TAP_LINE.findall(output)
    for bad, rest in lines:
        if SKIP.search(rest):
            count.skipped += 1
            count.reasons.append("%s: %s" % (name, rest.strip(" -")))
        elif bad:
            wrong += 1
            count.fail("%s:%s" % (name, rest))
        else:
            count.passed += 1
    if result not in PASSED and not wrong:
        count.fail("%s (%s)" % (name, result.lower()))
    elif result in PASSED and not lines:
        count.passed += 1


def run(build, options):
    """Builds and tests; returns the Count."""
    count = Count()
    if subprocess.run(["ninja", "--quiet", "-C", build]).returncode:
        count.fail("the build")
        return count
    log = os.path.join(build, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.remove(log)
    status = subprocess.run(["meson", "test", "-C", build, "--no-rebuild",
                             "--print-errorlogs"] + options).returncode
    if not os.path.exists(log):
        count.fail("meson test (no log)")
        return count
    with open(log, encoding="utf-8", errors="replace") as f:
        for line in f:
            count_test(count, json.loads(line))
    if status and not count.failed:
        count.fail("meson test (status %d)" % status)
    return count


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    count = run(sys.argv[1], sys.argv[2:])
    print()
    for reason in count.reasons:
        print("skipped: " + reason)
    for name in count.wrong:
        print("failed: " + name)
    print(count.line(), flush=True)
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
